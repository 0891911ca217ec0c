"""Undo and redo go to what they change and show it, wherever it is; errors are sorted by size."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from quantoscope.gui.document import commands


def change_value(window):
    commands.edit_value(window.session, 2, 0.5)


def change_scheme(window):
    window.schemes.duplicate()


def close_file(window):
    commands.remove_source(window.session, window.session.sources[-1])


CHANGES = [("values", change_value), ("schemes", change_scheme), ("tensors", close_file)]


def hide(window, key):
    """Put a pane out of sight: another tab, or a part that is not shown."""
    other = {"values": "tensors", "tensors": "values"}.get(key)
    if window.frame.width() < 860 and key == "schemes":
        other = "values"
    if other is not None:
        window.places[other].reveal()
    else:
        window.frame.side.hide()
    QApplication.processEvents()
    assert not window.places[key].in_front


@pytest.mark.parametrize("size", [(1440, 900), (667, 467)])
@pytest.mark.parametrize(("key", "change"), CHANGES)
def test_undo_and_redo_bring_the_pane_to_the_front(open_window, person, key, change, size):
    window = open_window(np.linspace(-1, 1, 5), size=size)
    change(window)
    for keys in ("Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Z"):
        hide(window, key)
        person.press(keys)
        QApplication.processEvents()
        assert window.places[key].in_front
        assert not window.places[key].pane.size().isEmpty()


@pytest.mark.parametrize("part", ["rail", "side"])
def test_a_part_that_is_hidden_is_shown_again(open_window, person, part):
    window = open_window(np.linspace(-1, 1, 5))
    (change_value if part == "rail" else change_scheme)(window)
    getattr(window.frame, part).hide()
    person.press("Ctrl+Z")
    assert getattr(window.frame, part).isVisible()


def test_undo_scrolls_to_the_value_and_chooses_it(open_window, person):
    window = open_window(np.zeros(10_000))
    commands.edit_value(window.session, 7_777, 5.0)
    window.places["tensors"].reveal()
    person.press("Ctrl+Z")
    QApplication.processEvents()
    assert window.session.view.chosen == 7_777
    table = window.values.table
    row = table.visualRect(table.model().index(7_777, 0))
    assert table.viewport().rect().contains(row.center())


def test_undo_shows_a_value_of_another_tensor(open_window, person):
    window = open_window(np.linspace(-1, 1, 5))
    change_value(window)
    from quantoscope.engine.examples import EXAMPLES

    window.files.start_example(EXAMPLES[2])
    while window.session.undo_stack.canUndo():
        person.press("Ctrl+Z")
    assert window.session.title == "array"
    assert window.places["values"].in_front
    assert window.session.array[2] == 0


def test_undo_shows_a_pane_in_its_own_window(open_window, person, qtbot):
    window = open_window(np.linspace(-1, 1, 5))
    change_value(window)
    place = window.places["values"]
    place.detach()
    place.window().hide()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    window.menus.undo.trigger()
    assert place.isVisible() and place.window() is not window
    place.attach()


ERRORS = ("menu", "key", "header")


@pytest.mark.parametrize("way", ERRORS)
def test_values_are_sorted_by_the_size_of_their_error(open_window, person, way):
    window = open_window(np.random.default_rng(0).normal(size=200), "int4 symmetric")
    view = next(a.menu() for a in window.menus.bar.actions() if a.text() == "&View")
    column = window.values.model.keys.index("error")
    if way == "menu":
        next(a for a in view.actions() if a is window.actions_["worst_first"]).trigger()
    elif way == "key":
        window.values.table.setFocus()
        person.press("Ctrl+Shift+E")
    else:
        person.click_head(window.values.table, column)
    error = np.abs(window.session.evaluator.active_evaluation.error)
    heads = window.values.model
    order = [int(heads.headerData(r, Qt.Orientation.Vertical)) for r in range(200)]
    assert order == sorted(order, key=lambda n: -error[n])
    assert "|error|" in window.values._order.text()
