"""Runtimes: what each makes of the active scheme, and the way to the first difference."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from quantoscope.engine import RUNTIMES, Scheme, evaluate
from quantoscope.engine.analysis.runtime_matrix import runtime_matrix
from quantoscope.gui.document import commands
from quantoscope.gui.models.runtimes import CODES, EVIDENCE, SCALES, VALUES, WHY
from quantoscope.gui.panes.runtimes_pane import KIND

TIP, TINT = Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.BackgroundRole
TIES = np.array([0.5, 2.5, -127, 127, 3.25], np.float32)


@pytest.fixture
def show(open_lean_window, qtbot):
    """A window with Runtimes in front, computed."""

    def make(array, *schemes):
        window = open_lean_window(array, *schemes)
        window.places["runtimes"].reveal()
        wait(window, qtbot)
        return window

    return make


def wait(window, qtbot):
    pane = window.runtimes
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=30_000)
    qtbot.waitUntil(lambda: not pane._later.isActive() and not window.background.running(KIND),
                    timeout=30_000)  # fmt: skip
    assert pane.table.isEnabled()


def wait_for_compare(window, qtbot):
    qtbot.waitUntil(lambda: window.places["compare"].in_front, timeout=30_000)
    qtbot.waitUntil(lambda: window.compare.comparison is not None, timeout=30_000)


def names(window):
    model = window.runtimes.model
    return [model.index(row, 0).data().split("\n")[0] for row in range(model.rowCount())]


def row_of(window, name):
    return names(window).index(name)


def cell(window, name, column, role=Qt.ItemDataRole.DisplayRole):
    return window.runtimes.model.index(row_of(window, name), column).data(role)


def head(window):
    return window.places["runtimes"].insight


def test_a_row_for_every_runtime_says_what_differs_and_how_it_is_known(show):
    window = show(TIES, "int8 symmetric")
    assert names(window)[0] == "textbook"
    assert set(names(window)) == {"textbook", *(f"@{name}" for name in RUNTIMES)}
    assert cell(window, "@tflite", EVIDENCE) == "◐ in part\nai-edge-litert 2.3.0"
    assert cell(window, "@onnxruntime", EVIDENCE).startswith("● verified")
    assert cell(window, "@tensorrt", EVIDENCE) == "○ documented"
    assert cell(window, "@onnxruntime", CODES) == "= equal"
    assert cell(window, "@tflite", CODES) == "◆ 2\n40 %"
    assert cell(window, "@tflite", SCALES) == "= equal"
    assert cell(window, "@tflite", WHY) == (
        "Rounding: ties-even | ties-away\n"
        "#0  R = 0.5, R/S = 0.5:  Round(0.5) = 0 | RoundAway(0.5) = 1"
    )
    assert cell(window, "@tflite", CODES, TINT) is not None
    assert cell(window, "@onnxruntime", CODES, TINT) is None
    assert "2 of 5 differ" in cell(window, "@tflite", CODES, TIP)
    assert RUNTIMES["tflite"].source in cell(window, "@tflite", EVIDENCE, TIP)


def test_the_sentence_holds_for_the_codes_of_both(show):
    values = np.random.default_rng(1).integers(-255, 256, 3000).astype(np.float32) / 2
    values[:2] = -127, 127
    window = show(values, "int8 symmetric manual(-127,127) @onnxruntime")
    codes = {
        row.title: np.count_nonzero(
            evaluate(values, row.scheme).codes
            != evaluate(values, "int8 symmetric manual(-127,127) @onnxruntime").codes
        )
        for row in runtime_matrix(values, "int8 symmetric manual(-127,127) @onnxruntime").rows
    }
    most = max(codes.values())
    assert f"from @onnxruntime in {most:,} of 3,000 codes" in head(window)
    for name, count in codes.items():
        assert (name in head(window)) == (count > 0)


def test_differences_of_the_last_digit_are_counted_apart(show):
    x = np.random.default_rng(0).standard_normal(4000).astype(np.float32)
    window = show(x, "int8 asymmetric @onnxruntime")
    matrix = runtime_matrix(x, "int8 asymmetric @onnxruntime")
    row = next(row for row in matrix.rows if row.runtime == "aiedge")
    assert row.values.last > 0
    shown = cell(window, "@aiedge", VALUES)
    if row.values.count == row.values.last:
        assert shown == f"◇ {row.values.last:,}\nlast digit"
    else:
        assert (
            shown == f"◆ {row.values.count - row.values.last:,}\n+ {row.values.last:,} last digit"
        )


def test_a_runtime_without_the_scheme_names_the_nearest_that_it_has(show):
    window = show(TIES, "int8 asymmetric")
    assert names(window)[-1] == "@tensorrt"
    assert cell(window, "@tensorrt", CODES) == "–"
    assert cell(window, "@tensorrt", WHY) == (
        "@tensorrt has symmetric, not asymmetric.\nNearest: int8 symmetric @tensorrt"
    )
    window = show(TIES, "int8 scale-only")
    assert head(window).startswith("No runtime has int8 scale-only")


def test_a_click_chooses_the_first_value_that_differs_and_enter_shows_it_in_compare(
    show, person, qtbot
):
    window = show(TIES[::-1], "int8 symmetric")
    table = window.runtimes.table
    assert window.session.view.chosen == 0
    person.click_cell(table, row_of(window, "@tflite"), WHY)
    assert window.session.view.chosen == 3
    assert window.places["runtimes"].in_front
    window.session.view.choose(1)
    person.press("Return")
    wait_for_compare(window, qtbot)
    assert window.session.view.chosen == 3
    assert window.compare.comparison.count == 2


@pytest.mark.parametrize("way", ["button", "double click"])
def test_compare_opens_with_the_pair_and_undo_takes_the_scheme_away(show, person, qtbot, way):
    window = show(TIES, "int8 symmetric")
    table, session = window.runtimes.table, window.session
    assert not window.runtimes.button.isEnabled()
    person.click_cell(table, row_of(window, "@tflite"), WHY)
    if way == "button":
        person.click(window.runtimes.button)
    else:
        at = table.visualRect(table.currentIndex()).center()
        qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
    wait(window, qtbot)
    assert window.places["compare"].in_front
    assert session.active.name == "int8 symmetric"
    assert [entry.name for entry in session.entries] == ["int8 symmetric", "int8 symmetric @tflite"]
    assert window.compare.comparison.count == 2
    window.places["runtimes"].reveal()
    person.click_cell(table, row_of(window, "@tflite"), WHY)
    window.runtimes.compare()
    assert len(session.entries) == 2
    session.undo_stack.undo()
    assert len(session.entries) == 1


def test_it_follows_values_scheme_and_digits_while_it_is_in_front(show, qtbot):
    window = show(TIES, "int8 symmetric", "uint8 asymmetric")
    session = window.session
    before = head(window)
    session.activate(session.entries[1].uid)
    wait(window, qtbot)
    assert head(window) != before
    assert cell(window, "@aiedge", CODES) == "–"
    session.activate(session.entries[0].uid)
    wait(window, qtbot)
    assert head(window) == before
    commands.edit_value(session, 0, np.float32(0.25))
    wait(window, qtbot)
    assert cell(window, "@tflite", CODES) == "◆ 1\n20 %"


def test_nothing_is_computed_while_it_is_behind(show, qtbot):
    window = show(TIES, "int8 symmetric", "int8 asymmetric")
    started = []
    window.background.started.connect(started.append)
    window.places["steps"].reveal()
    window.session.activate(window.session.entries[1].uid)
    commands.edit_value(window.session, 0, np.float32(0.25))
    QApplication.processEvents()
    assert KIND not in started
    window.places["runtimes"].reveal()
    wait(window, qtbot)
    assert started.count(KIND) == 1
    assert cell(window, "@tensorrt", CODES) == "–"
    window.places["steps"].reveal()
    window.places["runtimes"].reveal()
    assert started.count(KIND) == 1


def other(window, scheme, name, role=Qt.ItemDataRole.DisplayRole):
    """Return a cell of the table of all schemes."""
    model = window.runtimes.others
    row = next(n for n in range(model.rowCount()) if model.entry(n).name == scheme)
    heads = [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]
    return model.index(row, heads.index(name)).data(role)


def test_every_scheme_of_the_list_is_counted_in_every_runtime(show):
    values = np.random.default_rng(4).integers(-255, 256, 4000).astype(np.float32) / 2
    texts = ("int8 symmetric", "uint8 asymmetric @tflite", "int8 scale-only", "q8_0")
    window = show(values, *texts)
    for text in texts:
        own = evaluate(values, text)
        for name in ("", *RUNTIMES):
            shown = other(window, text, f"@{name}" if name else "textbook")
            if name == Scheme.parse(text).runtime:
                assert shown == "its own"
                continue
            try:
                there = evaluate(values, replace(Scheme.parse(text), runtime=name))
            except ValueError:
                assert shown == "not there"
                assert "has" in other(window, text, f"@{name}", TIP)
                continue
            codes = np.count_nonzero(own.codes != there.codes)
            made = np.count_nonzero(own.reconstructed != there.reconstructed)
            if not codes and not made:
                assert shown == "= equal"
                continue
            first, second = shown.split("\n")
            assert first[2:].startswith(f"Q {codes:,}  " if codes else "Q equal")
            assert second.startswith(f"R′ {made:,}  " if made else "R′ equal")
            assert (first[0] == "◆") >= bool(codes)
    text = window.runtimes.read_off.text()
    assert "scale-only: no other runtime has it." in text
    assert "symmetric: other codes only in " in text


def test_values_that_no_runtime_can_hold_are_said_to_be_refused(open_window, qtbot):
    window = open_window(np.array([1e300, -1e300]), "int8 symmetric")
    window.places["runtimes"].reveal()
    wait(window, qtbot)
    assert head(window).startswith("No other runtime can apply int8 symmetric to these values")
    assert other(window, "int8 symmetric", "@pytorch") == "refused"
    assert "beyond float32" in other(window, "int8 symmetric", "@pytorch", TIP)
    assert "symmetric: no other runtime can apply it" in window.runtimes.read_off.text()


def test_the_active_scheme_is_marked_and_a_name_activates_its_scheme(show, person):
    window = show(TIES, "int8 symmetric", "int8 asymmetric")
    model, table, session = (
        window.runtimes.others, window.runtimes.other_table, window.session
    )  # fmt: skip
    bold = [model.headerData(n, Qt.Orientation.Vertical, Qt.ItemDataRole.FontRole)
            for n in range(2)]  # fmt: skip
    assert bold[0].bold() and bold[1] is None
    table.verticalHeader().sectionClicked.emit(1)
    assert session.active.name == "int8 asymmetric"
    assert model.headerData(0, Qt.Orientation.Vertical, Qt.ItemDataRole.FontRole) is None


@pytest.mark.parametrize("way", ["enter", "button"])
def test_a_cell_of_another_scheme_leads_to_compare(show, person, qtbot, way):
    window = show(TIES[::-1], "int8 asymmetric", "int8 symmetric")
    pane, session = window.runtimes, window.session
    column = 1 + list(RUNTIMES).index("tflite") + 1
    pane.area.ensureWidgetVisible(pane.other_table)
    QApplication.processEvents()
    person.click_cell(pane.other_table, 1, column)
    assert session.view.chosen == 3
    assert pane.detail.text().startswith("int8 symmetric | @tflite: S equal; Z equal; Q: 2 of 5")
    assert "Round(2.5)\xa0= 2 | RoundAway(2.5)\xa0= 3" in pane.detail.text()
    if way == "enter":
        person.press("Return")
    else:
        qtbot.mouseClick(pane.button, Qt.MouseButton.LeftButton)
    wait_for_compare(window, qtbot)
    assert session.entries[2].name == "int8 symmetric @tflite"
    assert window.compare.comparison.count == 2
    assert session.view.chosen == 3


def test_nothing_is_computed_between_edits_that_follow_each_other(show, qtbot):
    window = show(TIES, "int8 symmetric", "int8 asymmetric")
    started = []
    window.background.started.connect(started.append)
    for n in range(5):
        commands.edit_value(window.session, 0, np.float32(n / 8))
        assert not window.background.running(KIND)
        assert head(window) == "Computing…"
    wait(window, qtbot)
    assert started.count(KIND) == 1
    assert cell(window, "@tflite", CODES).startswith("◆ ")


def test_what_is_known_is_not_computed_again(show, qtbot):
    window = show(TIES, "int8 symmetric", "int8 asymmetric")
    counted = []
    window.background.offered.connect(
        lambda ticket, made: counted.append(made[0]) if ticket.kind == KIND else None
    )
    window.session.activate(window.session.entries[1].uid)
    wait(window, qtbot)
    assert counted == []
    commands.add_scheme(window.session, Scheme.parse("uint8 asymmetric"))
    wait(window, qtbot)
    assert list(map(str, counted)) == ["uint8 asymmetric"]
    commands.edit_value(window.session, 0, np.float32(0.25))
    wait(window, qtbot)
    assert len(counted) == 4


@pytest.mark.parametrize(
    ("values", "schemes", "says"),
    [
        ([], ("int8 symmetric",), "Type or open values"),
        ([1.0], (None,), "Add a scheme"),
        ([np.nan], ("int8 symmetric",), "no finite value"),
    ],
)
def test_what_cannot_be_compared_is_said(open_window, values, schemes, says):
    window = open_window(np.array(values, np.float32), *schemes)
    window.places["runtimes"].reveal()
    assert says in head(window)
    assert window.runtimes.model.rowCount() == 0


def test_esc_stops_it_and_showing_it_again_goes_on(show, qtbot, person):
    window = show(TIES, "int8 symmetric")
    pane = window.runtimes
    window.places["steps"].reveal()
    window.session.start(
        np.random.default_rng(0).standard_normal((64, 4096)).astype(np.float32), "long"
    )
    commands.add_scheme(window.session, Scheme.parse("int8 symmetric mse per-channel(0)"))
    qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=30_000)
    window.places["runtimes"].reveal()
    assert window.background.running(KIND)
    window.status.cancel()
    assert head(window).startswith("Stopped")
    window.places["steps"].reveal()
    window.places["runtimes"].reveal()
    assert window.background.running(KIND)
    assert head(window) == "Computing…"
    commands.add_scheme(window.session, Scheme.parse("int8 symmetric"))
    wait(window, qtbot)
    assert pane.model.rowCount() == 8
