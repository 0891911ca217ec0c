"""Keys that move in tables: what is selected is always what the cursor is on."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from quantoscope.gui.panes.sheet_row import SheetRow

MOVES = ("Up", "Down", "Left", "Right", "Home", "End", "PgUp", "PgDown")
CONTROL = Qt.KeyboardModifier.ControlModifier


def selected(view):
    """The cells that are selected."""
    return {(i.row(), i.column()) for i in view.selectionModel().selectedIndexes()}


def cursor(view):
    return view.currentIndex().row(), view.currentIndex().column()


@pytest.fixture
def long_list(open_lean_window):
    return open_lean_window(np.arange(1, 201), "int8 symmetric")


def keys_select_alone(view, person, start):
    """Press every key that moves, with and without Ctrl: the cursor alone is selected."""
    for modifier in ("", "Ctrl+", "Alt+Ctrl+"):
        for key in MOVES:
            person.click_cell(view, *start)
            person.press(modifier + key)
            assert cursor(view) != start, modifier + key
            assert selected(view) == {cursor(view)}, modifier + key


def keys_extend(view, person, start):
    """Press every key that moves, with Shift: all from the start to the cursor is selected."""
    for modifier in ("Shift+", "Ctrl+Shift+"):
        for key in MOVES:
            person.click_cell(view, *start)
            person.press(modifier + key)
            (top, bottom), (left, right) = map(sorted, zip(start, cursor(view), strict=True))
            block = {(r, c) for r in range(top, bottom + 1) for c in range(left, right + 1)}
            assert cursor(view) != start, modifier + key
            assert selected(view) == block, modifier + key


def test_a_key_that_moves_takes_the_selection_along(long_list, person):
    keys_select_alone(long_list.values.table, person, (100, 1))


def test_with_shift_the_selection_reaches_from_where_it_began_to_the_cursor(long_list, person):
    keys_extend(long_list.values.table, person, (100, 1))


@pytest.mark.parametrize("pane", ["results", "schemes", "tensors"])
def test_lists_of_which_one_row_is_chosen_keep_it_selected(window, person, pane):
    view = {
        "results": window.results.table,
        "schemes": window.schemes.list,
        "tensors": window.tensors.tree,
    }[pane]
    window.places[pane].take_focus()
    for modifier in ("Ctrl+", "Ctrl+Shift+"):
        for key in ("Down", "Up", "End", "Home"):
            view.setFocus()
            person.press(modifier + key)
            row = view.currentIndex().row()
            assert {row for row, _ in selected(view)} == {row}, modifier + key
            if pane != "tensors":
                assert window.session.entries[row] is window.session.active


@pytest.mark.parametrize(
    ("keys", "changed"),
    [("Ctrl+Home", 0), ("Ctrl+Down", 101), ("Ctrl+Up", 99), ("Ctrl+End,Ctrl+Up", 199)],
)
def test_delete_and_paste_reach_the_value_at_the_cursor(long_list, person, keys, changed):
    table = long_list.values.table
    before = long_list.session.array.copy()
    person.click_cell(table, 100)
    person.press(*keys.split(","), "Del")
    assert np.flatnonzero(long_list.session.array != before).tolist() == [changed]
    person.press("Ctrl+Z")
    person.copy_text("-5")
    person.press("Ctrl+V")
    assert np.flatnonzero(long_list.session.array == -5).tolist() == [changed]


# Sheets


@pytest.fixture
def sheets(monkeypatch, open_lean_window):
    """A window with 250 values on three sheets."""
    monkeypatch.setattr("quantoscope.gui.models.values.SHEET", 100)
    return open_lean_window(np.arange(1, 251), "int8 symmetric")


TIPS = {"before": "Previous rows", "after": "Next rows"}


def turn(window, person, way):
    buttons = window.values.findChild(SheetRow).findChildren(QToolButton)
    person.click(next(b for b in buttons if b.toolTip() == TIPS[way]))


@pytest.mark.parametrize(
    ("start", "key", "end"),
    [
        (120, "Ctrl+Home", 0),
        (20, "Ctrl+End", 249),
        (99, "Down", 100),
        (100, "Up", 99),
        (199, "PgDown", 200),
        (100, "PgUp", 99),
        (120, "Home", 120),
        (0, "Up", 0),
        (0, "PgUp", 0),
    ],
)
def test_keys_go_on_from_sheet_to_sheet_and_delete_follows(sheets, person, start, key, end):
    table = sheets.values.table
    table.setFocus()
    sheets.session.view.choose(start)
    person.press(key)
    assert sheets.session.view.chosen == end
    assert sheets.values.model.position(table.currentIndex().row()) == end
    assert selected(table) == {cursor(table)}
    before = sheets.session.array.copy()
    person.press("Del")
    assert np.flatnonzero(sheets.session.array != before).tolist() == [end]


def test_with_shift_a_selection_ends_with_its_sheet(sheets, person):
    table = sheets.values.table
    table.setFocus()
    sheets.session.view.choose(195)
    person.press("Ctrl+Shift+End", "Shift+Down")
    assert {row for row, _ in selected(table)} == set(range(95, 100))
    assert sheets.values.model.sheet == 1


def test_keys_go_on_from_sheet_to_sheet_in_the_order_of_sorted_rows(sheets, person):
    person.click_head(sheets.values.table, 0)
    person.click_head(sheets.values.table, 0)
    person.click_cell(sheets.values.table, 0)
    person.press("Ctrl+Home")
    assert sheets.session.view.chosen == 249
    person.press("Ctrl+End")
    assert sheets.session.view.chosen == 0
    assert sheets.values.model.sheet == 2
    person.press("Ctrl+Home")
    assert sheets.session.view.chosen == 249


def test_a_paste_after_turning_to_a_sheet_begins_with_its_first_value(sheets, person):
    turn(sheets, person, "after")
    sheets.values.table.setFocus()
    person.copy_text("-1\n-2\n")
    person.press("Ctrl+V")
    assert np.flatnonzero(sheets.session.array < 0).tolist() == [100, 101]
    assert sheets.session.array.size == 250
