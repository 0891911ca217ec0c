"""Undo and redo go to what they change and show it, wherever it is; errors are sorted by size."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Scheme
from quantoscope.engine.examples import EXAMPLES
from quantoscope.gui.document import axes, commands


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


def drag_value(window):
    window.stage.set_views(["number-line"])
    QApplication.processEvents()
    pane = window.plots["number-line"]
    for value, finished in ((0.1, False), (0.2, False), (0.3, True)):
        pane.plot.value_dragged.emit(2, value, finished)


def paste_values(window):
    QApplication.clipboard().setText("7\n8\n9")
    window.session.view.choose(1)
    window.values.paste()


def remove_rows(window):
    window.session.view.choose(3)
    window.values.remove_rows()


def insert_rows(window):
    window.session.view.choose(3)
    window.values.insert_rows()


def of_scheme(change):
    """A change of the last scheme, which is active then."""

    def make(window):
        window.session.activate(window.session.entries[-1].uid)
        change(window, window.session.active_uid)

    return make


SCHEME_CHANGES = {
    "add": lambda w, uid: commands.add_scheme(w.session, Scheme.parse("int4 symmetric")),
    "remove": lambda w, uid: w.schemes.remove(),
    "move": lambda w, uid: w.schemes.move_scheme(-1),
    "edit": lambda w, uid: commands.set_scheme(w.session, uid, Scheme.parse("int5 symmetric")),
    "rename": lambda w, uid: commands.update_entry(
        w.session, uid, lambda entry: replace(entry, label="mine"), "Rename"
    ),
    "switch off": lambda w, uid: commands.update_entry(
        w.session, uid, lambda entry: replace(entry, enabled=False), "Switch off"
    ),
}
EVERY = {
    "cell": ("values", change_value),
    "drag": ("values", drag_value),
    "paste": ("values", paste_values),
    "remove rows": ("values", remove_rows),
    "insert rows": ("values", insert_rows),
    "reshape": ("values", lambda w: axes.reshape(w.session, (5, 2))),
    "reshape, nothing chosen": ("values", lambda w: reshape_unchosen(w)),
    "close": ("tensors", close_file),
    **{f"scheme: {name}": ("schemes", of_scheme(it)) for name, it in SCHEME_CHANGES.items()},
}


def reshape_unchosen(window):
    window.session.view.choose(None)
    axes.reshape(window.session, (5, 2))


@pytest.mark.parametrize("elsewhere", ["view", "array"])
@pytest.mark.parametrize("name", EVERY)
def test_undo_of_every_change_shows_what_it_changes(open_window, person, name, elsewhere):
    key, change = EVERY[name]
    schemes = [f"int{bits} {kind}" for bits in range(2, 9) for kind in ("symmetric", "asymmetric")]
    window = open_window(np.linspace(-1, 1, 10), *schemes, size=(1000, 700))
    title = window.session.title
    uid = window.session.entries[-1].uid
    change(window)
    done = window.session.undo_stack.index()
    window.session.view.choose(9 if window.session.array.size > 9 else 0)
    window.session.activate(window.session.entries[0].uid)
    if elsewhere == "array" and name != "close":
        window.files.start_example(EXAMPLES[2])
        assert window.session.title != title
    elif elsewhere == "view":
        window.stage.set_views(["codes"])
    # Only a tab lies over another; schemes may be scrolled away too.
    if key != "schemes":
        hide(window, key)
    window.schemes.list.scrollToTop()
    QApplication.processEvents()
    while window.session.undo_stack.index() >= done:
        person.press("Ctrl+Z")
    QApplication.processEvents()
    assert window.places[key].in_front
    if key == "schemes":
        row = window.schemes.model.row_of(window.session.active_uid)
        assert window.session.active_uid == uid
        shown = window.schemes.list.visualRect(window.schemes.model.index(row))
        assert window.schemes.list.viewport().rect().contains(shown.center())
        return
    assert window.session.title == title
    if key == "values":
        assert window.session.array.tolist() == np.linspace(-1, 1, 10).tolist()


def test_undo_of_a_closed_file_selects_it_in_a_long_list(open_window, tmp_path, qtbot):
    window = open_window(np.linspace(-1, 1, 5))
    paths = [tmp_path / f"a{number}.npz" for number in range(3)]
    for path in paths:
        np.savez(path, **{f"t{place}": np.ones(3, np.float32) for place in range(30)})
    window.open_paths(paths)
    opened = window.session.source_at
    qtbot.waitUntil(lambda: all(opened(path) is not None for path in paths), timeout=20_000)
    qtbot.waitUntil(lambda: not window.background.running("file"), timeout=20_000)
    closed = window.session.sources[-1]
    assert closed is not window.session.source_of(window.session.current)
    window.places["tensors"].reveal()
    commands.remove_source(window.session, closed)
    window.tensors.tree.scrollToTop()
    hide(window, "tensors")
    window.session.undo_stack.undo()
    QApplication.processEvents()
    tree = window.tensors.tree
    assert window.tensors.model.source(tree.currentIndex()) is closed
    assert tree.viewport().rect().contains(tree.visualRect(tree.currentIndex()).center())


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
