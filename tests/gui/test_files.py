"""Opening, saving, dropping and making arrays; unsaved edits are asked about."""

import re

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLineEdit,
    QMessageBox,
)

from quantoscope.engine.examples import EXAMPLES
from quantoscope.engine.io import load
from quantoscope.gui.document import commands


def menu_action(menu, text):
    """An entry of a menu, by its text without mnemonic."""
    menu.aboutToShow.emit()
    for action in menu.actions():
        if action.text().replace("&", "").endswith(text):
            return action
    raise AssertionError(f"no {text!r} in {[a.text() for a in menu.actions()]}")


def settle(window, qtbot):
    """Wait until a file is open or said not to be, and everything is computed."""
    qtbot.waitUntil(
        lambda: (
            not any(map(window.background.running, ("file", "tensor")))
            and not window.session.evaluator.stale
        ),
        timeout=30_000,
    )
    QApplication.processEvents()


def type_path(path):
    """An answer to a file dialog: type a path and press Enter."""

    def act(dialog):
        assert isinstance(dialog, QFileDialog)
        field = dialog.findChild(QLineEdit, "fileNameEdit")
        field.setText(str(path))
        dialog.accept()

    return act


# Files

TARGETS = {
    "window": lambda w: w,
    "values": lambda w: w.values.table.viewport(),
    "signal": lambda w: w.plots["signal"].widget.viewport(),
    "schemes": lambda w: w.schemes.list.viewport(),
    "scheme text": lambda w: w.schemes.form.text,
    "results": lambda w: w.results.table.viewport(),
    "steps": lambda w: w.steps.view.viewport(),
}


@pytest.mark.parametrize("target", TARGETS)
def test_a_file_that_is_dropped_anywhere_is_opened(window, qtbot, tmp_path, target):
    path = tmp_path / "dropped.npy"
    np.save(path, np.arange(5, dtype=np.float32))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    copy, widget = Qt.DropAction.CopyAction, TARGETS[target](window)
    at, screen = widget.mapTo(window, QPoint(20, 10)), window.windowHandle()
    enter = QDragEnterEvent(at, copy, data, buttons, keys)
    QApplication.sendEvent(screen, enter)
    assert enter.isAccepted()
    move = QDragMoveEvent(at, copy, data, buttons, keys)
    # As Qt does it where the entering was accepted.
    move.setDropAction(copy)
    move.accept()
    QApplication.sendEvent(screen, move)
    assert move.isAccepted()
    drop = QDropEvent(QPointF(at), copy, data, buttons, keys)
    QApplication.sendEvent(screen, drop)
    assert drop.isAccepted()
    settle(window, qtbot)
    assert window.session.array.tolist() == [0, 1, 2, 3, 4]
    assert window.windowTitle().startswith("dropped.npy")


def test_text_that_is_dropped_is_not_taken_for_a_file(window):
    data = QMimeData()
    data.setText("1 2 3")
    enter = QDragEnterEvent(
        QPoint(50, 50), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    enter.ignore()
    QApplication.sendEvent(window, enter)
    assert not enter.isAccepted()


def test_open_asks_for_a_file_and_opens_it(window, qtbot, tmp_path, dialog, person):
    path = tmp_path / "numbers.csv"
    path.write_text("a;b\n0,5;1,5\n-2,25;3\n")
    with dialog(type_path(path)):
        person.press("Ctrl+O")
    settle(window, qtbot)
    assert window.session.array.tolist() == [[0.5, 1.5], [-2.25, 3.0]]
    assert [str(e.scheme) for e in window.session.entries][0] == "int8 scale-only"


def test_what_was_made_of_a_text_file_is_said(window, qtbot, tmp_path):
    path = tmp_path / "numbers.csv"
    path.write_text("0,1\n0.5,NA\n2.5,3.5\n")
    window.open_paths([path])
    settle(window, qtbot)
    assert window.session.array.shape == (2, 2)
    assert window.message.text == (
        "The first row was taken for column names: 0, 1. "
        "1 cell holds a word for a missing value: it is NaN."
    )


def test_integers_that_float32_has_no_room_for_are_said(window, qtbot, tmp_path):
    np.save(tmp_path / "i.npy", np.array([2**53 + 1, 2**24 + 1, 3]))
    window.open_paths([tmp_path / "i.npy"])
    settle(window, qtbot)
    assert window.session.array.dtype == np.float64
    assert window.message.text == (
        "i.npy holds int64 values, processed as float64. "
        "1 of 3 integers have more digits than float64: they are rounded to it."
    )


def test_files_that_were_opened_are_in_open_recent_newest_first(window, qtbot, tmp_path):
    for name in ("one.npy", "R&D.npy"):
        np.save(tmp_path / name, np.ones(3, np.float32))
        window.open_paths([tmp_path / name])
        settle(window, qtbot)
    window.menus.recent.aboutToShow.emit()
    texts = [a.text() for a in window.menus.recent.actions()]
    assert texts[:2] == ["&1 R&&D.npy", "&2 one.npy"]
    menu_action(window.menus.recent, "one.npy").trigger()
    settle(window, qtbot)
    assert window.windowTitle().startswith("one.npy")
    menu_action(window.menus.recent, "Clear this list").trigger()
    window.menus.recent.aboutToShow.emit()
    assert [a.text() for a in window.menus.recent.actions()] == ["No files yet"]


def test_of_several_arrays_in_a_file_a_matrix_is_shown_and_another_chosen_in_the_tensors_pane(
    window, qtbot, tmp_path, person
):
    path = tmp_path / "many.npz"
    np.savez(path, weight=np.arange(4.0).reshape(2, 2), bias=np.array([7.0, 8.0, 9.0]))
    window.open_paths([path])
    settle(window, qtbot)
    assert "many.npz holds 2 tensors, weight is shown" in window.message.text
    assert window.windowTitle().startswith("many.npz ▸ weight")
    assert window.tensors.tree.hasFocus()
    person.press("Down", "Return")
    settle(window, qtbot)
    assert window.session.array.tolist() == [7, 8, 9]
    assert window.windowTitle().startswith("many.npz ▸ bias")
    assert [source.title for source in window.session.sources] == ["many.npz"]


def test_somebody_s_numbers_stay_when_a_file_of_several_arrays_is_opened(
    window, qtbot, tmp_path, person
):
    person.edit_cell(window.values.table, 0, "0.5")
    path = tmp_path / "many.npz"
    np.savez(path, weight=np.ones((2, 2), np.float16), bias=np.ones(3))
    window.open_paths([path])
    settle(window, qtbot)
    assert window.windowTitle().startswith("Three numbers")
    assert "holds 2 tensors: choose one in Tensors" in window.message.text


def test_what_is_said_of_the_values_stands_beside_what_a_file_holds(window, qtbot, tmp_path):
    path = tmp_path / "halves.npz"
    np.savez(path, a=np.ones((2, 2), np.float16), b=np.ones(3, np.float16))
    window.open_paths([path])
    settle(window, qtbot)
    assert "holds 2 tensors, a is shown" in window.message.text
    assert "float16 values, processed as float32" in window.message.text


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("missing.npy", None, "missing.npy"),
        ("broken.npy", b"\x93NUMPY\x01\x00 nonsense", "broken.npy"),
        ("ragged.csv", b"1,2,3\n4,5\n", "line 2|Line 2"),
        ("words.csv", b"1,2\n3,four\n", "four"),
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0", "picture.png"),
        ("empty.npz", b"PK\x05\x06" + b"\0" * 18, "empty.npz"),
    ],
)
def test_a_file_that_cannot_be_opened_is_said_in_a_sentence_and_changes_nothing(
    window, qtbot, tmp_path, name, content, says
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    before = window.session.array.tobytes()
    window.open_paths([path])
    settle(window, qtbot)
    assert window.message.isVisible()
    assert re.search(says, window.message.text)
    assert window.message.text.endswith(".")
    assert "Traceback" not in window.message.text
    assert window.session.array.tobytes() == before
    assert window.windowTitle().startswith("Three numbers")
    assert str(path) not in window.settings.recent_files


def test_an_array_of_text_is_refused_in_a_sentence(window, qtbot, tmp_path):
    np.save(tmp_path / "words.npy", np.array(["a", "b"]))
    window.open_paths([tmp_path / "words.npy"])
    settle(window, qtbot)
    assert window.message.isVisible()
    assert window.windowTitle().startswith("Three numbers")


def test_integers_are_worked_on_as_float32_and_that_is_said(window, qtbot, tmp_path):
    np.save(tmp_path / "ints.npy", np.arange(4, dtype=np.int16))
    window.open_paths([tmp_path / "ints.npy"])
    settle(window, qtbot)
    assert "int16" in window.message.text
    assert "float32" in window.message.text
    assert window.session.array.dtype == np.float32


def test_several_files_open_in_one_document_and_the_first_is_shown(window, qtbot, tmp_path):
    paths = [tmp_path / name for name in ("a.npy", "b.npy", "c.npy")]
    for number, path in enumerate(paths):
        np.save(path, np.full(2, number, np.float32))
    window.open_paths(paths)
    settle(window, qtbot)
    assert window.session.array.tolist() == [0, 0]
    assert [source.title for source in window.session.sources] == ["a.npy", "b.npy", "c.npy"]


def test_of_several_files_those_that_can_be_read_are_opened(window, qtbot, tmp_path):
    (tmp_path / "words.csv").write_text("1,two\n")
    np.save(tmp_path / "fine.npy", np.ones(2, np.float32))
    window.open_paths([tmp_path / "words.csv", tmp_path / "fine.npy", tmp_path / "no.npy"])
    settle(window, qtbot)
    assert window.windowTitle().startswith("fine.npy")
    assert "words.csv" in window.message.text
    assert "no.npy" in window.message.text


@pytest.mark.parametrize("ending", [".npy", ".csv", ".tsv"])
def test_what_is_saved_opens_again_bit_for_bit(window, qtbot, tmp_path, dialog, person, ending):
    values = np.array([0.1, -1e-40, 3e38, np.nan, np.inf, -0.0, 1 / 3], np.float32)
    commands.splice(window.session, 0, 3, values, "values")
    path = tmp_path / f"saved{ending}"
    with dialog(type_path(path)):
        person.press("Ctrl+Alt+S")
    assert not window.isWindowModified()
    assert window.windowTitle().startswith(path.name)
    assert path.name in window.message.text
    saved = window.session.array.tobytes()
    window.files.start_first()
    window.open_paths([path])
    settle(window, qtbot)
    assert window.session.array.dtype == np.float32
    assert window.session.array.reshape(-1).tobytes() == saved


def test_a_name_without_an_ending_gets_one(window, tmp_path, dialog):
    with dialog(type_path(tmp_path / "plain")):
        window.actions_["save_values"].trigger()
    assert (tmp_path / "plain.npy").exists()


def test_a_failing_save_says_so_and_leaves_the_file_and_the_star(window, tmp_path, person):
    person.edit_cell(window.values.table, 0, "0.5")
    target = tmp_path / "folder.npy"
    target.mkdir()
    assert not window.files.write_values(target)
    assert window.message.isVisible()
    assert window.isWindowModified()
    assert target.is_dir()


def test_opening_a_file_keeps_what_was_edited_in_the_document(window, qtbot, tmp_path, person):
    np.save(tmp_path / "other.npy", np.ones(2, np.float32))
    person.edit_cell(window.values.table, 0, "0.5")
    window.open_paths([tmp_path / "other.npy"])
    settle(window, qtbot)
    assert window.session.array.tolist() == [1, 1]
    assert window.isWindowModified()
    person.press("Ctrl+Z")
    assert window.windowTitle().startswith("Three numbers"), "what is undone comes back to sight"
    assert window.session.array[0] == np.float32(0.21535037)
    assert not window.isWindowModified()


# Unsaved edits

LEAVING = {
    "new session": lambda w: w.actions_["new_session"].trigger(),
    "close": lambda w: w.close(),
    "open a session": None,
}


@pytest.mark.parametrize("way", LEAVING)
def test_unsaved_edits_are_asked_about_and_cancel_keeps_them(
    window, person, dialog, button, tmp_path, way
):
    window.whole.write(tmp_path / "other.qscope")
    window.files.start_first()
    person.edit_cell(window.values.table, 0, "0.5")
    with dialog(button("Cancel")) as seen:
        if LEAVING[way] is None:
            window.open_paths([tmp_path / "other.qscope"])
        else:
            LEAVING[way](window)
    assert isinstance(seen[0], QMessageBox)
    assert "Three numbers" in seen[0].text()
    assert window.isVisible()
    assert window.session.array[0] == 0.5
    assert window.isWindowModified()


def test_discard_leaves_the_edits_behind(window, person, dialog, button, qtbot):
    person.edit_cell(window.values.table, 0, "0.5")
    with dialog(button("Discard")):
        window.actions_["new_session"].trigger()
    assert window.session.array.size == 0


def test_save_writes_first_and_then_goes_on(window, person, dialog, button, tmp_path):
    path = tmp_path / "kept.qscope"
    person.edit_cell(window.values.table, 0, "0.5")
    with dialog(button("Save"), type_path(path)):
        window.actions_["new_session"].trigger()
    assert load(path)[0] == 0.5
    assert window.session.array.size == 0


def test_save_and_then_no_file_name_keeps_the_edits(window, person, dialog, button):
    person.edit_cell(window.values.table, 0, "0.5")
    with dialog(button("Save"), lambda box: box.reject()):
        window.actions_["new_session"].trigger()
    assert window.session.array[0] == 0.5
    assert window.isWindowModified()


@pytest.mark.parametrize(
    ("edited", "schemes", "said"),
    [
        (["a.npy"], False, "a.npy has unsaved changes."),
        (["a.npy", "b.npy"], False, "a.npy and b.npy have unsaved changes."),
        ([], True, "The list of schemes has unsaved changes."),
        (["b.npy"], True, "b.npy and the list of schemes have unsaved changes."),
        (
            ["a.npy", "b.npy", "c.npy", "d.npy", "e.npy"],
            True,
            "a.npy, b.npy, c.npy, 2 more arrays and the list of schemes have unsaved changes.",
        ),
    ],
)
def test_the_question_names_what_has_changes_whichever_tensor_is_shown(
    window, dialog, button, tmp_path, qtbot, edited, schemes, said
):
    names = ["a.npy", "b.npy", "c.npy", "d.npy", "e.npy"]
    for name in names:
        np.save(tmp_path / name, np.zeros(3, np.float32))
    window.open_paths([tmp_path / name for name in names])
    settle(window, qtbot)
    session = window.session
    for source in session.sources:
        source.tensors[0].take(np.zeros(3, np.float32))
        if source.title in edited:
            session.show(source.tensors[0])
            commands.edit_value(session, 0, 1.0)
    if schemes:
        commands.remove_entry(session, session.active_uid)
    session.show(session.sources[-1].tensors[0])
    with dialog(button("Cancel")) as seen:
        window.close()
    assert seen[0].text() == said


def test_the_question_about_a_session_names_it_and_what_has_changed(
    window, dialog, button, tmp_path
):
    window.whole.write(tmp_path / "mine.qscope")
    commands.remove_entry(window.session, window.session.active_uid)
    with dialog(button("Cancel")) as seen:
        window.close()
    assert seen[0].text() == "mine.qscope has unsaved changes: the list of schemes."


def test_an_example_takes_the_place_of_what_nobody_worked_on(window, qtbot):
    window.files.start_example(EXAMPLES[1])
    settle(window, qtbot)
    assert [source.title for source in window.session.sources] == [EXAMPLES[1].name]
    schemes = [entry.scheme for entry in window.session.entries]
    assert schemes == list(EXAMPLES[1].parsed_schemes())
    assert window.message.text == EXAMPLES[1].point


def test_an_example_opens_beside_a_model_and_edits_without_a_question(
    window, qtbot, tmp_path, person
):
    np.savez(tmp_path / "model.npz", a=np.ones(3, np.float32), b=np.full(2, 2, np.float32))
    window.open_paths([tmp_path / "model.npz"])
    settle(window, qtbot)
    session = window.session
    model = session.source_at(tmp_path / "model.npz")
    window.files.show_tensor(model.tensors[0])
    settle(window, qtbot)
    commands.set_values(session, np.array([0]), np.array([5.0]), "edit")
    entries = session.entries
    window.files.start_example(EXAMPLES[1])
    settle(window, qtbot)
    assert session.title == EXAMPLES[1].name
    assert session.array.tolist() == EXAMPLES[1].make().tolist()
    assert window.message.text == EXAMPLES[1].point
    assert [source.title for source in session.sources] == ["model.npz", EXAMPLES[1].name]
    assert model.tensors[0].array.tolist() == [5, 1, 1]
    # The schemes that were there stay, those of the example come in, in one step.
    assert session.entries[: len(entries)] == entries
    shown = {entry.scheme for entry in session.entries}
    assert set(EXAMPLES[1].parsed_schemes()) <= shown
    assert session.active.scheme == EXAMPLES[1].parsed_schemes()[0]
    # Once more is the same one, and it stays beside the model.
    window.files.start_example(EXAMPLES[1])
    assert [source.title for source in session.sources] == ["model.npz", EXAMPLES[1].name]
    window.files.show_tensor(model.tensors[0])
    settle(window, qtbot)
    assert [source.title for source in session.sources] == ["model.npz", EXAMPLES[1].name]
    if session.entries != entries:
        session.undo_stack.undo()
    assert session.entries == entries
    session.undo_stack.undo()
    assert model.tensors[0].array.tolist() == [1, 1, 1]


def test_a_window_without_edits_closes_without_a_question(window):
    assert window.close()
    assert not window.isVisible()


# New array


def test_the_new_array_dialog_makes_what_it_says_and_the_same_seed_the_same(window, dialog, person):
    def make(box):
        box.kind.setCurrentText("Uniform in [−1, 1]")
        box.shape.setText("500")
        box.seed.setValue(7)
        box.accept()

    with dialog(make):
        person.press("Ctrl+N")
    first = window.session.array.copy()
    assert first.shape == (500,)
    assert np.abs(first).max() <= 1
    assert "seed 7" in window.windowTitle()
    with dialog(make):
        person.press("Ctrl+N")
    assert window.session.array.tobytes() == first.tobytes()


def test_a_new_array_names_its_seed_only_where_there_is_one(qtbot):
    from quantoscope.gui.dialogs.new_array import NewArrayDialog

    box = NewArrayDialog()
    qtbot.addWidget(box)
    for kind in range(1, box.kind.count()):
        box.kind.setCurrentIndex(kind)
        assert ("seed" in box.title()) == box.seed.isEnabled()
    box.kind.setCurrentText("Zeros")
    assert box.title() == "1,000 × Zeros"


def test_every_distribution_of_the_dialog_gives_finite_numbers(qtbot):
    from quantoscope.gui.dialogs.new_array import DISTRIBUTIONS, NewArrayDialog

    box = NewArrayDialog()
    qtbot.addWidget(box)
    for place, (key, _, _) in enumerate(DISTRIBUTIONS, 1):
        box.kind.setCurrentIndex(place)
        assert box.kind.currentData() == key
        array = box.array()
        assert array.dtype == np.float32
        assert array.shape == (1000,)
        assert np.isfinite(array).all()


def test_an_empty_array_says_in_every_pane_what_would_fill_it(window, dialog, person):
    def make(box):
        box.kind.setCurrentIndex(0)
        assert not box.shape.isEnabled()
        box.accept()

    with dialog(make):
        person.press("Ctrl+N")
    assert window.session.array.size == 0
    assert window.statusBar().summary.text() == "no values"
    for key, pane in window.plots.items():
        window.places[key].reveal()
        QApplication.processEvents()
        assert pane.plot.insight.endswith(".")
    assert "Type or open a value" in window.steps.view.toPlainText()
