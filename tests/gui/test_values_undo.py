"""Undo of any change, and sorting, which is none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtWidgets import QApplication, QToolButton

from quantoscope.engine import Scheme
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import source_of_array
from quantoscope.gui.models.values import SortOrder
from quantoscope.gui.workers.background import Background
from tests.laws import examples


@pytest.fixture
def table(window):
    return window.values.table


# Undo


def test_undo_says_what_it_undoes_and_redo_does_it_again(window, table, person):
    person.edit_cell(table, 2, "0.9")
    assert window.menus.undo.text().replace("&", "") == "Undo Edit value 2"
    person.press("Ctrl+Z")
    assert person.cell(table, 2) == "-1.01618"
    assert not window.menus.undo.isEnabled()
    assert window.menus.redo.text().replace("&", "") == "Redo Edit value 2"
    person.press("Ctrl+Shift+Z")
    assert person.cell(table, 2) == "0.9"
    person.press("Ctrl+Z", "Ctrl+Y")
    assert person.cell(table, 2) == "0.9"


def test_undo_of_an_edit_names_one_position_per_axis(open_window, person):
    window = open_window(np.arange(6.0).reshape(2, 3))
    person.edit_cell(window.values.table, 4, "0.5")
    assert window.menus.undo.text().replace("&", "") == "Undo Edit value [1, 1]"


def test_the_title_tells_of_unsaved_edits_until_they_are_undone(window, table, person):
    assert not window.isWindowModified()
    person.edit_cell(table, 0, "0.5")
    assert window.isWindowModified()
    person.press("Ctrl+Z")
    assert not window.isWindowModified()
    person.press("Ctrl+Y")
    assert window.isWindowModified()


numbers = st.floats(width=32, allow_nan=True, allow_infinity=True)
scheme_texts = st.sampled_from(
    ["int8 symmetric", "uint8 asymmetric", "int4 scale-only", "int8 symmetric manual(-1,1)"]
)
steps = st.one_of(
    st.tuples(st.just("edit"), st.integers(0, 50), numbers),
    st.tuples(st.just("set"), st.lists(st.integers(0, 50), min_size=1, max_size=4), numbers),
    st.tuples(st.just("splice"), st.integers(0, 50), st.integers(0, 3), st.lists(numbers)),
    st.tuples(st.just("remove"), st.lists(st.integers(0, 50), max_size=4)),
    st.tuples(st.just("add"), scheme_texts),
    st.tuples(st.just("duplicate"), st.integers(0, 9)),
    st.tuples(st.just("drop"), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(-1, 9)),
    st.tuples(st.just("scheme"), st.integers(0, 9), scheme_texts, st.sampled_from(["", "text"])),
    st.tuples(st.just("colour"), st.integers(0, 9), st.integers(0, 6)),
)


def do(session, step):
    """Carry out a random step, its numbers folded into what there is."""
    kind, *rest = step
    size, uids = session.array.size, [e.uid for e in session.entries]
    if kind == "edit" and size:
        commands.edit_value(session, rest[0] % size, rest[1])
    elif kind == "set" and size:
        where = np.unique(np.array(rest[0]) % size)
        commands.set_values(session, where, np.full(where.size, rest[1]), "set")
    elif kind == "splice":
        start = rest[0] % (size + 1)
        commands.splice(session, start, min(rest[1], size - start), np.array(rest[2]), "splice")
    elif kind == "remove" and size:
        commands.remove_values(session, np.array([r % size for r in rest[0]], np.intp), "remove")
    elif kind == "add":
        commands.add_scheme(session, Scheme.parse(rest[0]))
    elif not uids:
        return
    elif kind == "duplicate":
        commands.duplicate_entry(session, uids[rest[0] % len(uids)])
    elif kind == "drop":
        commands.remove_entry(session, uids[rest[0] % len(uids)])
    elif kind == "move":
        commands.move_entry(session, uids[rest[0] % len(uids)], rest[1])
    elif kind == "scheme":
        commands.set_scheme(session, uids[rest[0] % len(uids)], Scheme.parse(rest[1]), rest[2])
    elif kind == "colour":
        uid = uids[rest[0] % len(uids)]
        commands.update_entry(session, uid, lambda e: replace(e, colour=rest[1]), "")


def state(session):
    array = session.array
    return array.tobytes(), array.dtype, session.entries, session.active_uid, session.modified


@examples(60)
@given(st.lists(numbers, max_size=5), st.lists(steps, max_size=12))
def test_undo_takes_back_any_sequence_of_changes_and_redo_repeats_it(qapp, start, sequence):
    session = Session(Background())
    first = np.array(start, np.float32)
    session.start(first, "random", None, [Scheme.parse("int8 symmetric")])
    stack, states = session.undo_stack, [state(session)]
    for step in sequence:
        index = stack.index()
        do(session, step)
        if stack.index() < index:
            assert state(session) == states[stack.index()]
        states[stack.index() :] = [state(session)]
    assert len(states) == stack.index() + 1
    for expected in reversed(states[:-1]):
        stack.undo()
        assert state(session) == expected
    assert session.array.tobytes() == first.tobytes()
    assert not stack.canUndo()
    for expected in states[1:]:
        stack.redo()
        assert state(session) == expected
    assert not session.array.flags.writeable


# Sorting


def test_a_click_on_a_head_sorts_up_then_down_then_not_at_all(window, table, person):
    person.click_head(table, 0)
    assert person.rows(table) == ["-1.01618", "0.21535", "1.29624"]
    heads = [table.model().headerData(r, Qt.Orientation.Vertical) for r in range(3)]
    assert heads == ["2", "0", "1"]
    person.click_head(table, 0)
    assert person.rows(table) == ["1.29624", "0.21535", "-1.01618"]
    person.click_head(table, 0)
    assert person.rows(table) == ["0.21535", "1.29624", "-1.01618", None]
    assert window.session.array.tolist() == pytest.approx([0.21535037, 1.2962357, -1.0161772])


def test_sorting_by_a_stage_and_editing_there_changes_the_right_value(window, table, person):
    person.click_head(table, person.column(table, "error"))
    assert person.rows(table, "error")[0] == "-0.144563"
    person.edit_cell(table, 0, "0.5")
    assert window.session.array[1] == 0.5
    window.actions_["unsort"].trigger()
    assert person.rows(table)[:3] == ["0.21535", "0.5", "-1.01618"]


@pytest.fixture
def errors(open_lean_window):
    array = np.array([1 - 0.3, 2 + 0.1, 3 + 0.4, 4 - 0.2], np.float32)
    return open_lean_window(array, "int8 symmetric manual(-127,127)")


def row_heads(table):
    heads = [table.model().headerData(r, Qt.Orientation.Vertical) for r in range(4)]
    return [int(head) for head in heads]


def test_errors_are_sorted_by_their_size_first_and_then_with_their_sign(errors, person):
    table = errors.values.table
    column = person.column(table, "error")
    for order, said in (
        ([2, 0, 3, 1], ["Sorted by |error|: back to array order"]),
        ([2, 1, 3, 0], ["Sorted: back to array order"]),
        ([0, 3, 1, 2], ["Sorted: back to array order"]),
        ([0, 1, 2, 3], []),
    ):
        person.click_head(table, column)
        assert row_heads(table) == order
        buttons = errors.values.findChildren(QToolButton)
        texts = [b.text() for b in buttons if b.isVisible() and "Sorted" in b.text()]
        assert texts == said


def test_largest_errors_first_has_a_key_and_an_edit_there_reaches_its_value(errors, person):
    table = errors.values.table
    table.setFocus()
    person.press("Ctrl+Shift+E")
    assert row_heads(table) == [2, 0, 3, 1]
    person.edit_cell(table, 0, "3")
    assert errors.session.array[2] == 3
    errors.actions_["unsort"].trigger()
    assert row_heads(table) == [0, 1, 2, 3]


def test_a_head_offers_every_order_of_its_column(errors, person, qtbot):
    table, head = errors.values.table, errors.values.table.horizontalHeader()
    column = person.column(table, "error")
    middle = head.sectionViewportPosition(column) + 5

    def order(text):
        def press():
            menu = QApplication.activePopupWidget()
            action = next(a for a in menu.actions() if a.text().replace("&", "") == text)
            menu.setActiveAction(action)
            person.press("Return")

        QTimer.singleShot(0, press)
        head.customContextMenuRequested.emit(QPoint(middle, 5))
        return row_heads(table)

    assert order("Sort by magnitude, largest first") == [2, 0, 3, 1]
    assert order("Sort descending") == [0, 3, 1, 2]
    assert order("Sort ascending") == [2, 1, 3, 0]
    assert order("Array order") == [0, 1, 2, 3]


def test_codes_without_a_sign_are_sorted_downwards_too(open_lean_window, monkeypatch):
    window = open_lean_window(np.arange(3), "int8 symmetric")
    model = window.values.model
    monkeypatch.setattr(model, "values", lambda column, where: np.array([0, 255, 7], np.uint8))
    model.sort_by(1, SortOrder.DESCENDING)
    assert [model.position(row) for row in range(3)] == [1, 2, 0]


def test_the_chosen_value_stays_chosen_when_rows_are_sorted(window, table, person):
    person.click_cell(table, 1)
    person.click_head(table, 0)
    assert table.currentIndex().row() == 2
    assert window.session.view.chosen == 1


def test_sorting_puts_nan_last_both_ways(open_window, person):
    window = open_window([np.nan, 2, 1])
    table = window.values.table
    person.click_head(table, 0)
    assert person.rows(table) == ["1", "2", "NaN"]
    person.click_head(table, 0)
    assert person.rows(table) == ["2", "1", "NaN"]


def test_one_value_pasted_into_sorted_rows_goes_to_those_rows(window, table, person):
    person.click_head(table, 0)
    person.click_cell(table, 0)
    person.copy_text("9\n8\n")
    person.press("Ctrl+V")
    assert window.session.array.tolist() == [8, pytest.approx(1.2962357), 9]


# What is undone is seen


def cursor_is_seen(view, row, column=0):
    """Whether a cell is current, selected alone, and in sight."""
    index = view.currentIndex()
    chosen = [(i.row(), i.column()) for i in view.selectionModel().selectedIndexes()]
    assert (index.row(), index.column()) == (row, column)
    assert chosen == [(row, column)]
    return view.viewport().rect().contains(view.visualRect(index))


def test_undo_and_redo_go_to_the_value_and_select_it_alone(open_lean_window, person):
    window = open_lean_window(np.zeros(1000), "int8 symmetric")
    table = window.values.table
    person.edit_cell(table, 900, "5")
    person.click_cell(table, 3)
    person.press("Shift+Down")
    for keys in ("Ctrl+Z", "Ctrl+Y"):
        person.press(keys)
        assert window.session.view.chosen == 900
        assert cursor_is_seen(table, 900)
        person.click_cell(table, 3)


def test_undo_goes_to_the_chosen_value_that_was_scrolled_out_of_sight(open_lean_window, person):
    window = open_lean_window(np.zeros(1000), "int8 symmetric")
    table = window.values.table
    person.edit_cell(table, 900, "5")
    person.click_cell(table, 900)
    table.scrollToTop()
    person.press("Ctrl+Z")
    assert cursor_is_seen(table, 900)


def test_undo_of_a_block_keeps_to_the_chosen_value_where_it_is_part_of_it(open_lean_window, person):
    window = open_lean_window(np.zeros(1000), "int8 symmetric")
    person.click_cell(window.values.table, 500)
    person.copy_text("1\n2\n3\n")
    person.press("Ctrl+V", "Down", "Ctrl+Z")
    assert window.session.view.chosen == 501
    window.session.view.choose(0)
    person.press("Ctrl+Y")
    assert window.session.view.chosen == 500


def test_undo_of_rows_that_were_appended_goes_to_the_end(open_lean_window, person):
    window = open_lean_window(np.zeros(1000), "int8 symmetric")
    commands.splice(window.session, 1000, 0, np.ones(5), "append")
    window.session.view.choose(0)
    window.session.undo_stack.undo()
    assert window.session.view.chosen == 999
    assert cursor_is_seen(window.values.table, 999)


def test_undo_brings_the_sheet(monkeypatch, open_lean_window, person):
    monkeypatch.setattr("quantoscope.gui.models.values.SHEET", 100)
    window = open_lean_window(np.zeros(250), "int8 symmetric")
    window.session.view.choose(220)
    commands.edit_value(window.session, 220, 5.0)
    window.session.view.choose(0)
    person.press("Ctrl+Z")
    assert window.values.model.sheet == 2
    assert cursor_is_seen(window.values.table, 20)


def test_undo_brings_values_to_the_front_and_its_tensor(open_lean_window, person):
    window = open_lean_window(np.zeros(10), "int8 symmetric")
    first = window.session.current
    commands.edit_value(window.session, 7, 5.0)
    other = source_of_array("other", np.ones(3, np.float32))
    window.session.add(other)
    window.session.show(other.tensors[0])
    window.places["tensors"].take_focus()
    QApplication.processEvents()
    assert window.values.visibleRegion().isEmpty()
    person.press("Ctrl+Z")
    QApplication.processEvents()
    assert window.session.current is first
    assert not window.values.visibleRegion().isEmpty()
    assert cursor_is_seen(window.values.table, 7)


def test_undo_opens_the_part_of_the_window_that_was_hidden(open_lean_window, person):
    window = open_lean_window(np.zeros(10), "int8 symmetric")
    commands.edit_value(window.session, 7, 5.0)
    window.frame.rail.hide()
    person.press("Ctrl+Z")
    assert window.values.isVisible()


def test_undo_brings_the_channel_of_its_value(open_lean_window, person):
    window = open_lean_window(np.arange(12.0).reshape(3, 4), "int8 symmetric per-channel(0)")
    commands.edit_value(window.session, 9, 50.0)
    window.session.view.focus_on(0)
    window.session.view.choose(1)
    person.press("Ctrl+Z")
    assert window.session.view.focus.channel == 2
    assert window.session.view.chosen == 9
    window.session.view.focus_on(None)
    window.session.view.choose(0)
    person.press("Ctrl+Y")
    assert window.session.view.focus is None
    assert window.session.view.chosen == 9


def test_undo_of_a_scheme_brings_the_schemes_to_the_front(window, person):
    session = window.session
    window.resize(700, 600)
    QApplication.processEvents()
    commands.set_scheme(session, session.active_uid, Scheme.parse("int4 symmetric"))
    window.places["values"].reveal()
    QApplication.processEvents()
    assert window.schemes.visibleRegion().isEmpty()
    person.press("Ctrl+Z")
    QApplication.processEvents()
    assert not window.schemes.visibleRegion().isEmpty()


def test_a_merged_step_is_called_after_its_last_change(window, undo_texts):
    session = window.session
    uid = session.entries[0].uid
    for text in ("int6 symmetric", "int5 symmetric", "int4 symmetric"):
        commands.set_scheme(session, uid, Scheme.parse(text), place="bits")
    assert undo_texts()[0] == "&Undo Change to int4 symmetric"
    session.undo_stack.undo()
    assert str(session.entries[0].scheme) == "int8 scale-only"
    assert undo_texts() == ("&Undo", "&Redo Change to int4 symmetric")
    session.undo_stack.redo()
    assert str(session.entries[0].scheme) == "int4 symmetric"


def test_a_merged_step_that_comes_back_to_where_it_began_is_none(window, undo_texts):
    session = window.session
    uid, before = session.entries[0].uid, session.entries[0].scheme
    for scheme in (Scheme.parse("int6 symmetric"), before):
        commands.set_scheme(session, uid, scheme, place="bits")
    assert undo_texts()[0] == "&Undo"
    assert not session.undo_stack.canUndo()


def test_steps_of_different_places_are_steps_of_their_own(window, undo_texts):
    session = window.session
    for entry, text in zip(session.entries, ("int6 symmetric", "int5 symmetric"), strict=False):
        commands.set_scheme(session, entry.uid, Scheme.parse(text), place="bits")
    assert undo_texts()[0] == "&Undo Change to int5 symmetric"
    session.undo_stack.undo()
    assert undo_texts()[0] == "&Undo Change to int6 symmetric"
