"""What makes long arrays quick to work with: tables in sheets, and edits in place."""

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtWidgets import QApplication, QLabel, QToolButton

from quantoscope.engine import evaluate, summarize
from quantoscope.gui.document import commands
from quantoscope.gui.panes.sheet_row import SheetRow

FOUR = ("int8 symmetric", "uint4 asymmetric", "int8 scale-only manual(-2,2)", "e4m3fn symmetric")


def noise(count, seed=0):
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32)


def idle(window):
    """Whether nothing is computed, prepared or waiting for its turn."""
    busy = any(map(window.background.running, ("evaluate", *window.plots.built())))
    return not (busy or window.session.evaluator.stale or window.session.paint_queue.busy)


@pytest.fixture
def settle(qtbot):
    def wait(window):
        qtbot.waitUntil(lambda: idle(window), timeout=30_000)
        QApplication.processEvents()

    return wait


# Sheets


@pytest.fixture
def short_sheets(monkeypatch):
    monkeypatch.setattr("quantoscope.gui.models.values.SHEET", 100)


@pytest.fixture
def sheets(short_sheets, open_window):
    """A window with 250 values on three sheets; each value is its position."""
    return open_window(np.arange(250), "int8 symmetric")


TIPS = {"before": "Previous rows", "after": "Next rows"}


def row_text(window):
    return window.values.findChild(SheetRow).findChild(QLabel).text()


def turn(window, person, way):
    buttons = window.values.findChild(SheetRow).findChildren(QToolButton)
    person.click(next(b for b in buttons if b.toolTip() == TIPS[way]))


def turnable(window):
    """Which ways the buttons turn: before, after."""
    return [b.isEnabled() for b in window.values.findChild(SheetRow).findChildren(QToolButton)]


def head(table, row):
    return table.model().headerData(row, Qt.Orientation.Vertical)


def test_a_long_table_is_turned_sheet_by_sheet_and_row_heads_go_on_counting(sheets, person):
    table = sheets.values.table
    assert table.model().rowCount() == 100
    assert row_text(sheets) == "rows 0 to 99"
    assert turnable(sheets) == [False, True]
    turn(sheets, person, "after")
    assert row_text(sheets) == "rows 100 to 199"
    assert (head(table, 0), person.cell(table, 0)) == ("100", "100")
    assert (head(table, 99), person.cell(table, 99)) == ("199", "199")
    turn(sheets, person, "after")
    assert row_text(sheets).startswith("rows 200 to 2")
    assert turnable(sheets) == [True, False]
    assert (head(table, 49), person.cell(table, 49)) == ("249", "249")
    assert head(table, 50) == "+"
    assert float(person.cell(table, 49, 1)) == pytest.approx(127, abs=0.5)


def test_the_last_sheet_ends_with_the_last_value(sheets):
    sheets.session.view.choose(249)
    assert row_text(sheets) == "rows 200 to 249"


@pytest.mark.parametrize("array", [np.arange(60), np.arange(99), np.zeros((10, 10))])
def test_an_array_that_fits_on_one_sheet_has_nothing_to_turn(short_sheets, open_window, array):
    window = open_window(array, "int8 symmetric")
    assert not window.values.findChild(SheetRow).isVisible()


def test_choosing_a_value_brings_its_sheet_to_the_front(sheets, person):
    table = sheets.values.table
    sheets.session.view.choose(220)
    assert row_text(sheets).startswith("rows 200")
    assert table.currentIndex().row() == 20
    pane = sheets.plots["signal"]
    at = pane.plot.item.getViewBox().mapViewToScene(QPointF(130, 130))
    person.click(pane.widget.viewport(), pane.widget.mapFromScene(at))
    assert row_text(sheets) == "rows 100 to 199"
    assert abs(sheets.session.view.chosen - 130) <= 1
    assert table.currentIndex().row() == sheets.session.view.chosen - 100


def test_an_edit_on_a_later_sheet_changes_the_value_that_its_row_head_names(sheets, person):
    turn(sheets, person, "after")
    person.edit_cell(sheets.values.table, 20, "-7")
    assert np.flatnonzero(sheets.session.array != np.arange(250)).tolist() == [120]
    assert sheets.session.array[120] == -7
    assert person.cell(sheets.values.table, 20) == "-7"
    assert sheets.values.table.currentIndex().row() == 21
    person.press("Ctrl+Z")
    assert person.cell(sheets.values.table, 20) == "120"


VALUES = list(range(250))


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("Ctrl+X", VALUES[:105] + [0, 0, 0] + VALUES[108:]),
        ("Ctrl+V", VALUES[:105] + [-1, -2, -3] + VALUES[108:]),
        ("Ctrl+Shift++", VALUES[:105] + [0, 0, 0] + VALUES[105:]),
        ("Ctrl+-", VALUES[:105] + VALUES[108:]),
        ("Ctrl+D", VALUES[:105] + [105, 105, 105] + VALUES[108:]),
    ],
)
def test_rows_of_a_later_sheet_are_edited_where_they_are(sheets, person, keys, expected):
    table = sheets.values.table
    turn(sheets, person, "after")
    person.click_cell(table, 5)
    person.click_cell(table, 7, modifier=Qt.KeyboardModifier.ShiftModifier)
    person.press("Ctrl+C")
    assert person.clipboard() == "105\n106\n107\n"
    person.copy_text("-1\n-2\n-3\n")
    person.press(keys)
    assert sheets.session.array.tolist() == expected
    assert row_text(sheets) == "rows 100 to 199"
    assert person.rows(table) == [str(number) for number in expected[100:200]]
    person.press("Ctrl+Z")
    assert sheets.session.array.tolist() == VALUES
    assert person.rows(table) == [str(number) for number in VALUES[100:200]]


def test_a_paste_that_reaches_beyond_a_sheet_goes_on_on_the_next(sheets, person):
    turn(sheets, person, "after")
    person.click_cell(sheets.values.table, 95)
    person.copy_text("".join(f"{-n}\n" for n in range(10)))
    person.press("Ctrl+V")
    assert sheets.session.array[195:205].tolist() == [-n for n in range(10)]
    assert person.cell(sheets.values.table, 99) == "-4"
    turn(sheets, person, "after")
    assert person.rows(sheets.values.table)[:6] == ["-5", "-6", "-7", "-8", "-9", "205"]


def test_sorted_rows_go_on_over_the_sheets_and_are_edited_where_they_are(sheets, person):
    table = sheets.values.table
    sheets.session.view.choose(220)
    person.click_head(table, 0)
    person.click_head(table, 0)
    assert row_text(sheets) == "rows 0 to 99"
    assert table.currentIndex().row() == 29
    turn(sheets, person, "after")
    assert (head(table, 0), person.cell(table, 0)) == ("149", "149")
    person.edit_cell(table, 3, "-1000")
    assert sheets.session.array[146] == -1000
    turn(sheets, person, "after")
    assert person.rows(table) == [str(n) for n in range(49, -1, -1)]


def test_a_value_typed_at_the_end_of_the_last_sheet_is_appended(sheets, person):
    table = sheets.values.table
    sheets.session.view.choose(249)
    person.edit_cell(table, 50, "-5")
    person.type("-6")
    person.press("Return")
    assert sheets.session.array[248:].tolist() == [248, 249, -5, -6]
    assert (head(table, 51), person.cell(table, 51)) == ("251", "-6")
    person.press("Ctrl+Z", "Ctrl+Z")
    assert sheets.session.array.tolist() == VALUES


def test_after_a_value_is_appended_the_next_follows_where_none_there_was_chosen(sheets, person):
    turn(sheets, person, "after")
    turn(sheets, person, "after")
    person.edit_cell(sheets.values.table, 50, "-5")
    person.type("-6")
    person.press("Return")
    assert sheets.session.array[250:].tolist() == [-5, -6]


@pytest.mark.parametrize("count", [100, 200])
def test_a_value_can_be_appended_where_the_last_sheet_is_full(
    short_sheets, open_window, person, count
):
    window = open_window(np.arange(count), "int8 symmetric")
    window.session.view.choose(count - 1)
    table = window.values.table
    if turnable(window)[1]:
        turn(window, person, "after")
    assert head(table, table.model().rowCount() - 1) == "+"


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [(np.zeros((10, 10)), np.arange(250), True), (np.arange(250), np.zeros((10, 10)), False)],
)
def test_the_row_of_sheets_follows_an_array_with_as_many_rows_in_front(
    short_sheets, open_window, first, second, shown
):
    window = open_window(first, "int8 symmetric")
    window.session.start(second.astype(np.float32), "another")
    assert window.values.findChild(SheetRow).isVisible() == shown


# Edits in place


def exact(session):
    """Assert that what is shown is what the engine makes of the array, to the last bit."""
    known = session.array.copy()
    assert session.evaluator.snapshot.array is session.array
    for entry in session.entries:
        shown, anew = session.evaluator.outcome(entry.uid), evaluate(known, entry.scheme)
        assert shown.qparams == anew.qparams
        assert shown.codes.tobytes() == anew.codes.tobytes()
        assert shown.code_counts.tolist() == anew.code_counts.tolist()
        assert dict(shown.metrics) == pytest.approx(dict(anew.metrics), rel=0, abs=0, nan_ok=True)
    shown, anew = session.evaluator.snapshot.summary, summarize(known)
    assert shown.counts.tolist() == anew.counts.tolist()
    assert (shown.nan_count, shown.inf_count) == (anew.nan_count, anew.inf_count)
    np.testing.assert_equal([shown.low, shown.high, shown.mean], [anew.low, anew.high, anew.mean])


def test_an_edit_in_place_is_undone_and_redone_byte_for_byte(open_window, settle, person):
    array = noise((1 << 20) + 1)
    array[:2].view(np.uint32)[:] = 0x7FC01234, 0x80000000  # a NaN that carries a message, and −0
    before = array.tobytes()
    window = open_window(array, "int8 symmetric")
    settle(window)
    table = window.values.table
    person.edit_cell(table, 0, "0.25")
    settle(window)
    person.edit_cell(table, 1, "0.5")
    settle(window)
    after = window.session.array.tobytes()
    assert after == np.array([0.25, 0.5], np.float32).tobytes() + before[8:]
    assert np.shares_memory(window.session.array, array)
    person.press("Ctrl+Z", "Ctrl+Z")
    assert window.session.array.tobytes() == before
    person.press("Ctrl+Shift+Z", "Ctrl+Shift+Z")
    assert window.session.array.tobytes() == after
    settle(window)
    exact(window.session)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e6", "-1e6", "0.1"])
def test_a_long_array_with_any_number_typed_in_is_shown_as_if_computed_anew(
    open_window, settle, person, monkeypatch, text
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 60_000)
    window = open_window(noise(150_000), *FOUR)
    for row in (3, 4):
        settle(window)
        person.edit_cell(window.values.table, row, text)
        assert str(window.session.array[row]) == str(np.float32(text))
        settle(window)
        exact(window.session)
    person.press("Ctrl+Z", "Ctrl+Z")
    settle(window)
    exact(window.session)
    assert window.session.array.tobytes() == noise(150_000).tobytes()


def test_what_is_being_typed_outlives_the_update_of_the_edit_before(open_window, settle, person):
    window = open_window(noise(100_000), "int8 symmetric")
    settle(window)
    person.edit_cell(window.values.table, 0, "500")
    person.type("7")
    settle(window)
    person.type("5")
    person.press("Return")
    assert window.session.array[:2].tolist() == [500, 75]


@pytest.mark.parametrize("seed", range(3))
def test_after_many_edits_and_undos_the_shown_is_what_the_array_makes(
    open_window, settle, monkeypatch, seed
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 60_000)
    random = np.random.default_rng(seed)
    window = open_window(noise(150_000, seed), *FOUR)
    session, stack = window.session, window.session.undo_stack
    for step in range(40):
        deed = random.integers(6)
        where = random.choice(150_000, random.integers(1, 200), replace=False)
        odd = random.choice([np.nan, np.inf, -np.inf, 9.0, -9.0, 0.0, -0.0, 0.3])
        if deed == 0:
            stack.undo()
        elif deed == 1:
            stack.redo()
        elif deed == 2:
            commands.set_values(session, where, random.normal(size=where.size), "many")
        elif deed == 3:  # the largest goes
            commands.edit_value(session, int(np.nanargmax(session.array)), 0.1)
        else:
            commands.edit_value(session, int(where[0]), float(odd))
        if random.random() < 0.3:
            QApplication.processEvents()
        if step % 10 == 9:
            settle(window)
            exact(session)
    while stack.canUndo():
        stack.undo()
    settle(window)
    exact(session)
    assert session.array.tobytes() == noise(150_000, seed).tobytes()


def test_an_edit_of_a_mapped_file_stays_in_memory(
    new_window, settle, qtbot, person, monkeypatch, tmp_path
):
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 1000)
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 60_000)
    path = tmp_path / "long.npy"
    np.save(path, noise(150_000))
    before = path.read_bytes()
    window = new_window()
    window.files.open(path)
    qtbot.waitUntil(lambda: window.session.array.size == 150_000)
    settle(window)
    person.edit_cell(window.values.table, 3, "77")
    settle(window)
    assert "max 77" in window.statusBar().summary.text()
    assert path.read_bytes() == before
    assert window.files.write_values(tmp_path / "other.npy")
    assert path.read_bytes() == before
    assert np.load(tmp_path / "other.npy")[3] == 77
    person.press("Ctrl+Z")
    assert window.session.array.tobytes() == noise(150_000).tobytes()
