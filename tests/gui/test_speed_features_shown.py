"""What long arrays show while they are worked on: the status bar, panes in turns, plots."""

import threading

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QElapsedTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from quantoscope.engine.evaluation.evaluator import evaluate_known
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document import commands
from tests.gui.test_speed_features import FOUR, exact, idle, noise

FAR = 123_456


@pytest.fixture
def settle(qtbot):
    def wait(window):
        qtbot.waitUntil(lambda: idle(window), timeout=30_000)
        QApplication.processEvents()

    return wait


def items(pane, kind):
    return [item for item in pane.plot.item.items if isinstance(item, kind)]


def reach(pane):
    """The ends of the y axis, in units of the data."""
    return pane.plot.seen[1]


# The status bar


@pytest.fixture
def gate(monkeypatch):
    """Schemes of arrays of 100,000 values and more are applied when this event is set."""
    event = threading.Event()

    def late(array, *args, **options):
        assert array.size < 100_000 or event.wait(60)
        return evaluate_known(array, *args, **options)

    monkeypatch.setattr("quantoscope.gui.document.snapshot.evaluate_known", late)
    yield event
    event.set()


def test_short_work_is_told_by_no_bar_and_by_the_time_it_took(open_window, settle, monkeypatch):
    monkeypatch.setattr("quantoscope.gui.window.status.PATIENCE", 600_000)
    window = open_window(noise(100_000), "int8 symmetric")
    settle(window)
    bar = window.statusBar()
    seen = []
    window.background.progressed.connect(lambda *_: seen.append(bar.progress.isVisible()))
    commands.edit_value(window.session, 3, 500.0)
    assert window.session.evaluator.stale
    assert bar.timing.text().startswith("last update")
    settle(window)
    assert seen
    assert not any(seen)
    assert not bar.button.isVisible()
    assert bar.timing.text().startswith("last update")
    assert "edit to paint" not in bar.timing.text()


def test_long_work_has_a_bar_and_escape_cancels_it(
    open_window, settle, person, qtbot, gate, monkeypatch
):
    monkeypatch.setattr("quantoscope.gui.window.status.PATIENCE", 0)
    window = open_window(noise(60_000), "int8 symmetric")
    settle(window)
    bar = window.statusBar()
    window.values.table.setFocus()
    window.session.start(noise(200_000), "long")
    assert bar.progress.isVisible()
    assert (bar.button.text(), bar.timing.text()) == ("Cancel (Esc)", "Computing…")
    person.press("Escape")
    # A view of what is there may still be drawn anew.
    qtbot.waitUntil(lambda: not bar.progress.isVisible())
    assert bar.button.text() == "Update now"
    gate.set()
    person.click(bar.button)
    settle(window)
    assert not bar.button.isVisible()
    exact(window.session)


def test_panes_say_that_they_wait_rather_than_that_no_scheme_is_on(
    open_window, settle, qtbot, gate, monkeypatch
):
    monkeypatch.setattr("quantoscope.gui.document.snapshot.HUGE", 100_000)
    window = open_window([1, 2, 3], "int8 symmetric")
    window.places["results"].reveal()
    window.session.start(noise(200_000), "long")

    def heads():
        return {window.places[key].insight for key in ("signal", "error", "distribution")}

    qtbot.waitUntil(lambda: heads() == {"Not quantized yet."})
    assert window.results.empty.isVisible()
    assert "have not been quantized" in window.results.empty.label.text()
    assert window.schemes.form.low.text() == window.schemes.form.high.text() == ""
    gate.set()
    settle(window)
    qtbot.waitUntil(lambda: all(head.startswith("int8 symmetric") for head in heads()))
    assert window.schemes.form.high.text() != ""


def latency_action(window):
    return next(a for a in window.findChildren(QAction) if a.text().startswith("&Latency"))


def test_the_latency_is_told_where_it_is_switched_on_and_that_is_remembered(
    open_window, new_window, qtbot
):
    window = open_window([1, 2, 3], "int8 symmetric")
    text = window.statusBar().timing.text
    assert "edit to paint" not in text()
    latency_action(window).trigger()
    for number in (5.0, 6.0):
        commands.edit_value(window.session, 0, number)
        QApplication.processEvents()
    qtbot.waitUntil(lambda: "edit to paint" in text())
    assert text().startswith("last update")
    assert Settings().latency
    assert latency_action(new_window()).isChecked()
    latency_action(window).trigger()
    assert "edit to paint" not in text()
    assert not Settings().latency


def test_the_latency_of_the_first_edit_is_told(open_window, qtbot):
    window = open_window([1, 2, 3], "int8 symmetric")
    latency_action(window).trigger()
    commands.edit_value(window.session, 0, 5.0)
    qtbot.wait(100)
    assert "edit to paint" in window.statusBar().timing.text()


def test_the_latency_of_an_edit_does_not_count_from_a_stopped_one(
    open_window, settle, person, monkeypatch
):
    starts = []

    class Clock(QElapsedTimer):
        def start(self):
            starts.append(self)
            super().start()

    monkeypatch.setattr("quantoscope.gui.window.latency.QElapsedTimer", Clock)
    window = open_window(noise(100_000), "int8 symmetric")
    settle(window)
    commands.edit_value(window.session, 3, 400.0)
    settle(window)
    starts.clear()
    for number in (500.0, 600.0):
        commands.edit_value(window.session, 3, number)
        person.press("Escape")
    assert len(starts) == 2


# Drawing in turns


def test_panes_are_drawn_in_turns_and_hidden_ones_when_they_come_to_the_front(open_window, settle):
    window = open_window(noise(100_000), "int8 symmetric")
    settle(window)
    window.places["codes"].reveal()
    settle(window)
    window.places["distribution"].reveal()
    settle(window)
    at_once = []
    seen = [window.plots[key] for key in ("signal", "error")]
    window.session.evaluator.evaluated.connect(lambda: at_once.append(reach(seen[0])[1]))
    commands.edit_value(window.session, 3, 500.0)
    settle(window)
    assert at_once[0] < 100
    assert reach(seen[0])[1] > 500
    assert "±S/2 = ±1.9685" in seen[1].plot.insight  # half a step of 500 / 127
    assert window.plots["distribution"].plot.seen[0][1] > 500
    window.places["codes"].reveal()
    settle(window)
    drawn = items(window.plots["codes"], pg.BarGraphItem)[0].opts["y1"]
    counts = np.rint(window.plots["codes"].plot.y_unit.up(drawn)).tolist()
    assert (
        sorted(counts)[-2:] == sorted(window.session.evaluator.active_evaluation.code_counts)[-2:]
    )


def test_closing_while_panes_wait_for_their_turn_leaves_nothing_to_do(open_window):
    window = open_window(noise(200_000), "int8 symmetric")
    window.places["calibration"].reveal()
    window.session.view.choose(5)
    assert window.session.paint_queue.busy
    window.session.mark_saved(None)
    assert window.close()
    assert not window.session.paint_queue.busy


# Huge arrays


@pytest.mark.parametrize("between", ["nothing", "cancel", "edit"])
def test_a_huge_array_is_shown_before_its_schemes_are_applied(
    open_window, settle, qtbot, person, gate, monkeypatch, between
):
    monkeypatch.setattr("quantoscope.gui.document.snapshot.HUGE", 100_000)
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 60_000)
    window = open_window(np.zeros(10), *FOUR)
    window.values.table.setFocus()
    array = noise(200_000)
    array[FAR] = 50
    window.session.start(array, "huge")
    qtbot.waitUntil(lambda: "max 50" in window.statusBar().summary.text())
    qtbot.waitUntil(lambda: not window.session.paint_queue.busy)
    assert window.session.evaluator.stale
    assert reach(window.plots["signal"])[1] > 50
    (curve,) = items(window.plots["signal"], pg.BarGraphItem)
    top = np.max(window.plots["signal"].plot.y_unit.up(curve.opts["y1"]))
    assert top == pytest.approx(50)
    assert person.cell(window.values.table, 0) == "0.12573"
    if between == "cancel":
        person.press("Escape")
        assert window.statusBar().button.text() == "Update now"
        person.click(window.statusBar().button)
    elif between == "edit":
        commands.edit_value(window.session, FAR, 60.0)
    gate.set()
    settle(window)
    exact(window.session)
    assert person.cell(window.values.table, 0, 2)
    assert window.plots["distribution"].plot._known[1].counts.sum() == 200_000


def test_what_is_drawn_of_another_tensor_goes_while_a_new_one_is_computed(
    open_window, settle, qtbot, gate, monkeypatch
):
    monkeypatch.setattr("quantoscope.gui.document.snapshot.HUGE", 100_000)
    window = open_window(np.arange(10.0), *FOUR)
    window.stage.set_views(["distribution"])
    settle(window)
    plot = window.plots["distribution"].plot
    assert plot._items
    window.session.start(noise(200_000), "huge")
    window.stage.set_views(["distribution"])
    qtbot.waitUntil(lambda: not plot._items)
    gate.set()
    settle(window)
    assert plot._items


# Plots of long arrays


def test_an_envelope_reaches_the_one_clipped_outlier_and_marks_it(open_window, settle):
    array = np.clip(noise(200_000) / 4, -0.9, 0.9)
    array[FAR] = 50
    window = open_window(array, "int8 symmetric manual(-1,1)")
    settle(window)
    pane = window.plots["signal"]
    low, high = reach(pane)
    assert low < 50 < high
    bars = np.concatenate([[b.opts["y0"], b.opts["y1"]] for b in items(pane, pg.BarGraphItem)])
    assert pane.plot.y_unit.up(bars).max() == pytest.approx(50, abs=0.01)
    marks = [i.getData() for i in items(pane, pg.ScatterPlotItem) if i.zValue() == 7]
    assert [x.tolist() for x, _ in marks] == [[FAR]]
    assert pane.plot.y_unit.up(marks[0][1]) == pytest.approx([1], abs=0.01)


def test_the_error_of_the_one_clipped_outlier_stands_in_the_strip_and_others_in_the_lane(
    open_window, settle
):
    array = np.clip(noise(200_000) / 4, -0.9, 0.9)
    array[FAR] = 50
    window = open_window(array, "int8 symmetric manual(-1,1)")
    window.stage.set_views(["error"])
    settle(window)
    pane = window.plots["error"]
    (lane,) = pane.plot._lanes(pane.plot.data, 0, array.size)
    marks = [
        i.getData()
        for i in items(pane, pg.ScatterPlotItem)
        if not isinstance(i.opts["symbol"], str)
    ]
    assert [x.tolist() for x, _ in marks] == [[FAR]]
    assert lane.top <= marks[0][1][0] <= lane.head
    pane.plot.item.getViewBox().setXRange(FAR - 30, FAR + 30, padding=0)
    QApplication.processEvents()
    evaluation = window.session.evaluator.active_evaluation
    points = [
        i.getData() for i in items(pane, pg.ScatterPlotItem) if isinstance(i.opts["symbol"], str)
    ]
    x, y = next(data for data in points if data[0].size > 50)
    error = evaluation.error[x.astype(int)] / evaluation.qparams.scale
    (lane,) = pane.plot._lanes(pane.plot.data, FAR - 30, FAR + 31)
    assert y == pytest.approx(lane.down(error))
    assert FAR not in x


@pytest.mark.parametrize("key", ["codes", "transfer", "channels", "calibration"])
def test_panes_of_long_arrays_come_up_with_content(open_window, settle, monkeypatch, key):
    window = open_window(noise(200_000).reshape(200, 1000), "int8 symmetric per-channel(0)")
    pane, threads = window.plots[key], []
    prepare = pane.plot.prepare

    def watched(data):
        threads.append(threading.current_thread())
        prepare(data)

    monkeypatch.setattr(pane.plot, "prepare", watched)
    window.places[key].reveal()
    settle(window)
    kinds = pg.PlotCurveItem, pg.BarGraphItem, pg.ImageItem
    assert any(items(pane, kind) for kind in kinds)
    assert window.places[key].insight.startswith("int8 symmetric per-channel(0)")
    assert threading.main_thread() not in threads
    assert bool(threads) == pane.plot.slow


def test_a_pane_whose_preparation_was_stopped_can_be_brought_up_to_date(
    open_window, settle, person, monkeypatch
):
    monkeypatch.setattr("quantoscope.gui.window.status.PATIENCE", 0)
    window = open_window(noise(200_000), "int8 symmetric")
    settle(window)
    window.places["calibration"].reveal()
    QApplication.processEvents()
    window.values.table.setFocus()
    if not items(window.plots["calibration"], pg.PlotCurveItem):
        person.press("Escape")
        settle(window)
        assert not items(window.plots["calibration"], pg.PlotCurveItem)
    assert window.statusBar().button.text() == "Update now"
    assert window.statusBar().button.isVisible()
