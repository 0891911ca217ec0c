"""Large arrays are computed off the GUI thread: the newest edit wins, Esc stops."""

import threading

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Scheme
from quantoscope.gui.document import commands
from quantoscope.gui.document.evaluator import LIVE_LIMIT
from quantoscope.gui.panes.verdict_line import VerdictLine
from quantoscope.gui.workers.background import still_running


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


# Large arrays


@pytest.mark.parametrize("count", [LIVE_LIMIT + 10_001, 1_000_000])
def test_an_edit_of_a_large_array_returns_at_once_and_is_computed_later(
    open_window, qtbot, person, count, monkeypatch
):
    monkeypatch.setattr("quantoscope.gui.window.status.PATIENCE", 0)
    window = open_window(noise(count), "int8 symmetric")
    window.values.table.scrollToBottom()
    before = person.cell(window.results.table, 0, 1)
    with qtbot.waitSignal(window.session.evaluator.evaluated, timeout=20_000) as later:
        window.values.table.model().setData(window.values.table.model().index(3, 0), "500")
        assert window.session.array[3] == 500
        assert not later.signal_triggered
        assert window.session.evaluator.stale
        assert window.statusBar().timing.text() == "Computing…"
        assert window.statusBar().button.text() == "Cancel (Esc)"
        assert person.cell(window.values.table, 3) == "500"
        assert person.cell(window.results.table, 0, 1) == before
    assert person.cell(window.results.table, 0, 1) != before
    assert "max 500" in window.statusBar().summary.text()
    assert not window.session.evaluator.stale
    # Views that take longer than the evaluation follow.
    timing = window.statusBar().timing
    qtbot.waitUntil(lambda: timing.text().startswith("last update"), timeout=20_000)


def test_up_to_the_limit_an_edit_is_shown_in_the_same_event(open_window, person):
    window = open_window(noise(LIVE_LIMIT), "int8 symmetric")
    commands.edit_value(window.session, 3, 500.0)
    assert not window.session.evaluator.stale
    assert "max 500" in window.statusBar().summary.text()


def test_of_two_quick_edits_the_newest_wins(open_window, qtbot):
    window = open_window(noise(300_000), "int8 symmetric", "int8 asymmetric")
    seen = []
    window.session.evaluator.evaluated.connect(
        lambda: seen.append(window.session.evaluator.snapshot.summary.high)
    )
    for number in (500.0, 600.0, 700.0):
        commands.edit_value(window.session, 3, number)
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=20_000)
    assert seen[-1] == 700
    assert window.session.evaluator.snapshot.array is window.session.array
    assert window.session.evaluator.active_evaluation.codes[3] == 127
    assert len(seen) <= 2


def test_escape_stops_the_work_and_the_status_bar_says_what_that_means(open_window, qtbot, person):
    window = open_window(noise(1_000_000), "int8 symmetric")
    window.values.table.setFocus()
    before = person.cell(window.results.table, 0, 1)
    commands.edit_value(window.session, 3, 500.0)
    person.press("Escape")
    assert window.statusBar().timing.text() == "Stopped: what you see is not up to date."
    assert window.statusBar().button.text() == "Update now"
    assert person.cell(window.results.table, 0, 1) == before
    assert window.session.array[3] == 500
    person.click(window.statusBar().button)
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=20_000)
    assert person.cell(window.results.table, 0, 1) != before
    qtbot.waitUntil(lambda: not window.statusBar().button.isVisible(), timeout=20_000)


def test_what_another_tab_hides_while_it_is_computed_is_not_called_stopped(
    open_window, qtbot, monkeypatch
):
    go = threading.Event()
    monkeypatch.setattr(
        "quantoscope.gui.plots.channels.ChannelsPlot.prepare", lambda *_: go.wait(20)
    )
    window = open_window(noise(300_000).reshape(300, 1000), "int8 symmetric per-channel(0)")
    running = window.session.background.running
    for meanwhile in (go.set, lambda: window.session.background.cancel("channels")):
        go.clear()
        commands.edit_value(window.session, 3, 500.0)
        window.stage.set_views(["channels"])
        qtbot.waitUntil(
            lambda: not window.session.evaluator.stale and running("channels"), timeout=20_000
        )
        window.stage.set_views(["codes"])
        QApplication.processEvents()
        meanwhile()
        qtbot.waitUntil(lambda: not running("channels"), timeout=20_000)
        QApplication.processEvents()
        assert not window.session.view.stopped
        go.set()
        window.session.undo_stack.undo()
        qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=20_000)
    qtbot.waitUntil(lambda: not still_running())


def test_undo_while_computing_ends_at_the_first_state(open_window, qtbot):
    window = open_window(noise(200_000), "int8 symmetric")
    before = window.session.evaluator.snapshot.summary.high
    commands.edit_value(window.session, 3, 500.0)
    window.session.undo_stack.undo()
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=20_000)
    assert window.session.evaluator.snapshot.summary.high == before
    assert window.session.evaluator.snapshot.array is window.session.array


def test_closing_while_computing_ends_the_work(open_window):
    window = open_window(noise(1_000_000), "int8 symmetric", "int8 asymmetric")
    commands.edit_value(window.session, 3, 500.0)
    window.session.mark_saved(None)
    assert window.close()


def test_a_shorter_array_may_come_while_a_longer_one_is_computed(open_window, qtbot, person):
    window = open_window(noise(200_000), "int8 symmetric")
    window.session.view.choose(199_999)
    commands.edit_value(window.session, 3, 500.0)
    commands.splice(window.session, 10, 199_990, np.zeros(0), "shorter")
    assert not window.session.evaluator.stale
    assert window.session.view.chosen == 9
    assert person.cell(window.values.table, 9) is not None
    window.session.undo_stack.undo()
    window.session.view.choose(199_999)
    for pane in window.plots.values():
        pane.grab()
    window.values.table.scrollToBottom()
    window.values.table.grab()
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=20_000)
    assert window.session.evaluator.snapshot.array.size == 200_000


def test_before_the_first_evaluation_nothing_is_said_of_missing_schemes(new_window, qtbot):
    window = new_window()
    values = np.linspace(-1, 1, 2_000_000, dtype=np.float32).reshape(1000, 2000)
    schemes = [Scheme.parse("int8 symmetric"), Scheme.parse("int8 asymmetric")]
    window.session.start(values, "large", None, schemes)
    assert window.session.evaluator.awaited
    said = {key: window.plots[key].plot.insight for key in ("signal", "error", "codes")}
    said["verdict"] = window.findChild(VerdictLine).text.shown
    assert set(said.values()) == {"Not quantized yet."}
    assert window.status.summary.text() == "2,000,000 values  ·  1000×2000  ·  float32"
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=30_000)
    assert "dB at 8 bits" in window.findChild(VerdictLine).text.shown
    assert "min -1  max 1" in window.status.summary.text()
