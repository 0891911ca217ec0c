"""Session files in the window: what is saved comes back, and other files are read when agreed."""

import os
import shutil
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QMessageBox

from quantoscope.engine import Scheme
from quantoscope.engine.io import qscope, saved
from quantoscope.engine.io.saved import SavedSession, SavedSource, SavedTensor
from quantoscope.gui.document import commands
from quantoscope.gui.plots.error import IN_R
from quantoscope.gui.storage.session_codec import place_of
from tests.gui.conftest import press_button
from tests.gui.test_files import menu_action, settle, type_path


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "data" / "model.npz"
    path.parent.mkdir()
    random = np.random.default_rng(1)
    np.savez(path, **{n: random.normal(size=(16, 8)).astype(np.float32) for n in ("q", "k", "v")})
    return path


@pytest.fixture
def work(window, checkpoint, qtbot, person):
    """A window with edits in two tensors, a hand-made scheme, and a view of its own."""
    window.open_paths([Path(f"{checkpoint}::q")])
    settle(window, qtbot)
    q, k, _ = window.session.sources[-1].tensors
    for tensor, number in ((q, 3.5), (k, -4.25)):
        window.files.show_tensor(tensor)
        settle(window, qtbot)
        commands.edit_value(window.session, 7, number)
    commands.add_scheme(window.session, Scheme.parse("int4 asymmetric per-channel(0) mse"))
    window.session.view.choose(9)
    settle(window, qtbot)
    return window


def state(window):
    session = window.session
    return (
        session.title, session.array.tobytes(), session.array.shape, session.view.chosen,
        [(str(e.scheme), e.label, e.colour, e.line, e.marker, e.enabled) for e in session.entries],
        str(session.active.scheme), [t.label for s in session.sources for t in s.tensors],
    )  # fmt: skip


def test_everything_comes_back_in_another_window(work, new_window, qtbot, tmp_path, dialog, person):
    with dialog(type_path(tmp_path / "work")):
        person.press("Ctrl+S")
    assert (tmp_path / "work.qscope").is_file()
    assert not work.isWindowModified()
    assert "work.qscope" in work.windowTitle()
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert state(other) == state(work)
    assert not other.isWindowModified()
    other.files.show_tensor(other.session.sources[0].tensors[0])
    assert other.session.array.reshape(-1)[7] == 3.5
    other.files.show_tensor(other.session.sources[0].tensors[2])
    settle(other, qtbot)
    assert other.session.title == "model.npz ▸ v"


def test_save_goes_to_the_same_file_without_a_question(work, tmp_path, person):
    work.whole.write(tmp_path / "work.qscope")
    first = (tmp_path / "work.qscope").read_bytes()
    commands.edit_value(work.session, 0, 1.0)
    assert work.isWindowModified()
    person.press("Ctrl+S")
    assert not work.isWindowModified()
    assert (tmp_path / "work.qscope").read_bytes() != first


def test_every_kind_of_change_sets_the_star_and_undo_takes_it_back(work, tmp_path, person):
    work.whole.write(tmp_path / "work.qscope")
    session = work.session
    changes = {
        "a value": lambda: commands.edit_value(session, 0, 1.0),
        "a scheme": lambda: commands.add_scheme(session, Scheme.parse("int8 symmetric")),
        "a scheme less": lambda: commands.remove_entry(session, session.entries[0].uid),
        "a file less": lambda: commands.remove_source(session, session.sources[0]),
    }
    for name, change in changes.items():
        change()
        assert work.isWindowModified(), name
        session.undo_stack.undo()
        assert not work.isWindowModified(), name


def test_a_file_that_comes_into_a_saved_session_sets_the_star(work, qtbot, tmp_path):
    work.whole.write(tmp_path / "work.qscope")
    np.savez(tmp_path / "more.npz", a=np.ones(3), b=np.ones(3))
    work.open_paths([tmp_path / "more.npz"])
    settle(work, qtbot)
    assert work.session.modified
    assert work.isWindowModified()


def test_the_view_comes_back(work, new_window, qtbot, tmp_path):
    work.session.view.compare_pair((work.session.entries[0].uid, work.session.entries[2].uid))
    work.places["codes"].reveal()
    plot = work.plots["signal"]
    plot.plot.follow_x = False
    plot.widget.setXRange(10, 20, padding=0)
    work.whole.write(tmp_path / "work.qscope")
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert [other.session.entry(uid).scheme for uid in other.session.view.pair] == [
        other.session.entries[0].scheme, other.session.entries[2].scheme,
    ]  # fmt: skip
    names = [entry.name for entry in other.session.entries]
    assert [box.currentText() for box in other.compare.boxes] == [names[0], names[2]]
    assert other.plots["signal"].widget.viewRange()[0] == pytest.approx([10, 20])


def chosen_options(window):
    return {key: pane.plot.options_chosen for key, pane in window.plots.built().items()}


def choose_by_hand(pane, key, choice):
    """Choose a display option as a person does, in its box."""
    for box in pane.findChildren(QComboBox):
        for place in range(box.count()):
            if box.itemData(place) == (key, choice):
                box.setCurrentIndex(place)
                box.activated.emit(place)
                return
    raise AssertionError(choice)


def test_display_options_come_back(work, new_window, qtbot, tmp_path):
    best = str(work.session.entries[2].scheme)
    chosen = {
        "image": {"quantity": "error", "scale": "log"},
        "distribution": {"y scale": "linear"},
        "error": {"unit": IN_R},
        "waterfall": {"to": best},
    }
    for key, options in chosen.items():
        work.places[key].reveal()
        settle(work, qtbot)
        for option, choice in options.items():
            choose_by_hand(work.plots[key], option, choice)
    found = chosen_options(work)
    assert {key: found[key] for key in chosen} == chosen
    work.whole.write(tmp_path / "work.qscope")
    other = new_window()
    other.plots["codes"].plot.choose("y scale", "log")
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert {key: it for key, it in chosen_options(other).items() if it} == {
        key: it for key, it in found.items() if it
    }
    for key, options in chosen.items():
        other.places[key].reveal()
        settle(other, qtbot)
        shown = [box.currentData() for box in other.plots[key].findChildren(QComboBox)]
        assert set(options.items()) <= set(filter(None, shown)), key


@pytest.mark.parametrize(
    "options",
    [
        7,
        [["image"]],
        {"image": 3},
        {"image": {"quantity": "taste", "scale": None, "": ""}},
        {"image": {"plane": "0,1@9\n"}, "error": {"unit": "S" * 5000}},
        {"waterfall": {"from": "int99 wonderful", "metric": []}},
        {"sculpture": {"quantity": "R"}},
    ],
)
def test_display_options_that_make_no_sense_are_told_of_and_the_rest_opens(
    window, qtbot, tmp_path, options
):
    path = tmp_path / "odd.qscope"
    array = qscope.SavedTensor("x", array=np.arange(60, dtype=np.float32).reshape(6, 10))
    view = {"options": options}
    schemes = (qscope.SavedScheme("int8 symmetric"),)
    qscope.write(path, qscope.SavedSession((), (array,), schemes, 0, 0, "x", view))
    window.open_paths([path])
    settle(window, qtbot)
    assert window.session.array.shape == (6, 10)
    assert "Display options that this version does not have" in window.message.text
    assert not any(chosen_options(window).values())


def test_files_that_nobody_named_are_read_only_when_agreed(
    work, new_window, qtbot, tmp_path, dialog, button
):
    work.whole.write(tmp_path / "work.qscope")
    work.settings.remember("files/known", "[]")
    other = new_window()

    def without(box):
        assert isinstance(box, QMessageBox)
        assert "model.npz" in box.informativeText()
        button("Without them")(box)

    with dialog(without):
        other.open_paths([tmp_path / "work.qscope"])
        settle(other, qtbot)
    settle(other, qtbot)
    assert other.session.array.reshape(-1)[7] == -4.25, "what the session holds is there"
    source = other.session.sources[0]
    assert source.problem
    other.tensors.reopen_asked.emit(source)
    settle(other, qtbot)
    assert [t.label for t in other.session.sources[0].tensors] == ["q", "k", "v"]
    other.files.show_tensor(other.session.sources[0].tensors[0])
    assert other.session.array.reshape(-1)[7] == 3.5


def files_of(window):
    return [source.path.name for source in window.session.sources if source.path is not None]


def test_a_file_that_is_opened_while_a_session_asks_comes_into_that_session(
    work, new_window, qtbot, tmp_path, dialog, button
):
    work.whole.write(tmp_path / "work.qscope")
    work.settings.remember("files/known", "[]")
    np.save(tmp_path / "other.npy", np.ones(5, np.float32))
    other = new_window()

    def open_another(box):
        other.open_paths([tmp_path / "other.npy"])
        qtbot.wait(50)
        assert files_of(other) == [], "what the session replaces takes no file any more"
        button("Read them")(box)

    with dialog(open_another):
        other.open_paths([tmp_path / "work.qscope"])
        settle(other, qtbot)
    qtbot.waitUntil(lambda: files_of(other) == ["model.npz", "other.npy"])
    assert other.session.file == tmp_path / "work.qscope"


def test_files_named_along_with_a_session_come_into_it(work, new_window, qtbot, tmp_path):
    work.whole.write(tmp_path / "work.qscope")
    np.save(tmp_path / "other.npy", np.ones(5, np.float32))
    other = new_window()
    other.open_paths([tmp_path / "other.npy", tmp_path / "work.qscope"])
    qtbot.waitUntil(lambda: files_of(other) == ["model.npz", "other.npy"])
    assert other.session.file == tmp_path / "work.qscope"


def test_files_named_along_with_a_session_stay_out_where_the_document_stays(
    work, qtbot, tmp_path, dialog, button
):
    work.whole.write(tmp_path / "work.qscope")
    np.save(tmp_path / "other.npy", np.ones(5, np.float32))
    commands.edit_value(work.session, 0, 4.5)
    with dialog(button("Cancel")):
        work.open_paths([tmp_path / "work.qscope", tmp_path / "other.npy"])
        settle(work, qtbot)
    assert files_of(work) == ["model.npz"]
    assert work.session.array.flat[0] == 4.5


def test_a_session_that_moved_with_its_files_finds_them(work, new_window, qtbot, tmp_path):
    work.whole.write(tmp_path / "work.qscope")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    shutil.move(tmp_path / "data", moved / "data")
    shutil.move(tmp_path / "work.qscope", moved / "work.qscope")
    work.settings.add_known([str(moved / "data" / "model.npz")])
    other = new_window()
    other.open_paths([moved / "work.qscope"])
    settle(other, qtbot)
    assert len(other.session.sources[0].tensors) == 3
    assert other.session.sources[0].path == moved / "data" / "model.npz"
    assert not other.message.isVisible()


@pytest.fixture
def slow_hash(monkeypatch):
    """Let the hash of a file take until it is told to end, or until somebody cancels it."""
    go_on = threading.Event()
    monkeypatch.setattr("quantoscope.gui.workers.modal_wait.SHOWN_AFTER", 10)

    def slowly(path, step=None):
        while not go_on.wait(0.002):
            step(1, 2)
        return "sha256:12"

    monkeypatch.setattr("quantoscope.engine.io.saved.digest_of", slowly)
    yield go_on
    go_on.set()


def test_a_save_that_takes_long_shows_how_far_it_is_and_can_be_cancelled(
    work, tmp_path, slow_hash, dialog, qtbot
):
    path = tmp_path / "work.qscope"
    path.write_bytes(b"what was there before")
    told = []

    def give_up(box):
        qtbot.waitUntil(lambda: box.value() > 0)
        told.append((box.labelText(), box.value(), box.maximum()))
        press_button(box, "Cancel")

    with dialog(give_up):
        assert not work.whole.write(path)
    assert told == [("Writing work.qscope…", 50, 100)]
    assert path.read_bytes() == b"what was there before"
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == ["work.qscope"]
    assert work.isWindowModified()
    assert "Nothing was saved" in work.message.text


def test_a_save_that_takes_long_ends_by_itself(work, tmp_path, slow_hash, dialog):
    with dialog(lambda box: slow_hash.set()):
        assert work.whole.write(tmp_path / "work.qscope")
    assert qscope.read(tmp_path / "work.qscope").sources[0].digest == "sha256:12"
    assert not work.isWindowModified()


def test_a_long_file_is_hashed_once_and_not_at_every_save(work, tmp_path, monkeypatch):
    monkeypatch.setattr("quantoscope.engine.io.saved.TRUSTED", 10)
    work.whole.write(tmp_path / "work.qscope")
    digest = qscope.read(tmp_path / "work.qscope").sources[0].digest
    monkeypatch.setattr("quantoscope.engine.io.saved.digest_of", None)
    work.whole.write(tmp_path / "again.qscope")
    assert qscope.read(tmp_path / "again.qscope").sources[0].digest == digest


def test_a_session_whose_file_is_gone_says_so_and_keeps_what_it_holds(
    work, new_window, qtbot, tmp_path, checkpoint, dialog
):
    work.whole.write(tmp_path / "work.qscope")
    away = checkpoint.rename(checkpoint.with_name("renamed.npz"))
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert "model.npz" in other.message.text
    assert other.session.array.reshape(-1)[7] == -4.25
    with dialog(type_path(away)):
        other.tensors.place_asked.emit(other.session.sources[0])
    settle(other, qtbot)
    assert [t.label for t in other.session.sources[0].tensors] == ["q", "k", "v"]


def test_edited_tensors_belong_to_their_file_where_it_lies_now(
    work, new_window, qtbot, tmp_path, checkpoint, dialog
):
    work.whole.write(tmp_path / "work.qscope")
    away = checkpoint.rename(checkpoint.with_name("renamed.npz"))
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    with dialog(type_path(away)):
        other.tensors.place_asked.emit(other.session.sources[0])
    settle(other, qtbot)
    assert {t.path for t in other.session.sources[0].tensors} == {away}
    other.whole.write(tmp_path / "again.qscope")
    again = qscope.read(tmp_path / "again.qscope")
    assert [s.path for s in again.sources] == [str(away)]
    assert [(t.name, t.source) for t in again.tensors if t.edited] == [("q", 0), ("k", 0)]


def test_a_file_that_changed_since_is_told_of(work, new_window, qtbot, tmp_path, checkpoint):
    work.whole.write(tmp_path / "work.qscope")
    np.savez(checkpoint, q=np.ones(3), k=np.ones(3), v=np.ones(3))
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert "has changed since" in other.message.text
    q, k, v = other.session.sources[0].tensors
    assert (q.array.shape, k.array.shape) == ((16, 8), (16, 8))
    other.files.show_tensor(v)
    settle(other, qtbot)
    assert v.array.tolist() == [1] * 3


def test_what_a_session_holds_of_a_file_that_changed_is_not_taken_for_what_lies_there(
    window, new_window, qtbot, tmp_path
):
    path = tmp_path / "short.npy"
    np.save(path, np.zeros(3, np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    window.whole.write(tmp_path / "work.qscope")
    np.save(path, np.ones(3, np.float32))
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert other.session.array.tolist() == [0] * 3
    assert other.session.current.differs
    assert not other.isWindowModified()


@pytest.mark.parametrize(("answer", "kept"), [("Cancel", True), ("Discard", False)])
def test_what_is_edited_while_a_session_is_read_is_asked_about(
    work, new_window, qtbot, tmp_path, dialog, button, monkeypatch, answer, kept
):
    work.whole.write(tmp_path / "work.qscope")
    other, go_on, read = new_window(), threading.Event(), qscope.read

    def slowly(path):
        go_on.wait(10)
        return read(path)

    monkeypatch.setattr(qscope, "read", slowly)
    other.files.start_first()
    other.open_paths([tmp_path / "work.qscope"])
    commands.edit_value(other.session, 0, 4.5)
    with dialog(button(answer)):
        go_on.set()
        settle(other, qtbot)
    assert bool(other.session.array.flat[0] == 4.5) is kept
    assert (other.session.file is None) is kept


def test_what_a_session_holds_is_not_said_to_be_as_in_a_file_that_changed(
    window, new_window, qtbot, tmp_path
):
    np.save(tmp_path / "short.npy", np.ones(4, np.float32))
    window.open_paths([tmp_path / "short.npy"])
    settle(window, qtbot)
    window.whole.write(tmp_path / "work.qscope")
    np.save(tmp_path / "short.npy", np.full(4, 7, np.float32))
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert other.session.array.tolist() == [1, 1, 1, 1]
    assert "what the session contains is as you left it" in other.message.text


def test_a_damaged_session_is_said_in_a_sentence_and_changes_nothing(window, qtbot, tmp_path):
    path = tmp_path / "broken.qscope"
    path.write_bytes(b"PK\x03\x04 nonsense")
    before = state(window)
    window.open_paths([path])
    settle(window, qtbot)
    assert "broken.qscope" in window.message.text
    assert state(window) == before


def test_a_scheme_that_is_not_known_is_told_of_and_the_others_open(window, qtbot, tmp_path):
    path = tmp_path / "later.qscope"
    schemes = tuple(qscope.SavedScheme(text) for text in ("int8 symmetric", "int99 wonderful"))
    array = qscope.SavedTensor("x", array=np.ones(2, np.float32))
    qscope.write(path, qscope.SavedSession(tensors=(array,), schemes=schemes, current=0))
    window.open_paths([path])
    settle(window, qtbot)
    assert [str(e.scheme) for e in window.session.entries] == ["int8 symmetric"]
    assert "int99" in window.message.text


def test_a_new_session_is_empty_with_the_three_schemes(window, person):
    person.press("Ctrl+Shift+N")
    assert window.session.array.size == 0
    assert len(window.session.entries) == 3
    assert window.session.file is None


def test_a_failing_save_keeps_star_and_file(work, tmp_path):
    (tmp_path / "folder.qscope").mkdir()
    assert not work.whole.write(tmp_path / "folder.qscope")
    assert work.message.isVisible()
    assert work.isWindowModified()
    assert work.session.file is None


def test_sessions_are_in_open_recent(work, qtbot, tmp_path):
    work.whole.write(tmp_path / "work.qscope")
    menu_action(work.menus.recent, "work.qscope").trigger()
    settle(work, qtbot)
    assert work.session.file == tmp_path / "work.qscope"
    QApplication.processEvents()


def test_a_window_takes_as_many_schemes_as_a_session_and_says_so(
    window, new_window, qtbot, tmp_path, monkeypatch
):
    for module in (saved, qscope):
        monkeypatch.setattr(module, "MAX_SCHEMES", 4)
    schemes = [Scheme.parse("int8 symmetric")] * 3
    window.session.start(np.ones(3, np.float32), "ones", None, schemes)
    commands.duplicate_entry(window.session, window.session.active_uid)
    assert not window.message.isVisible()
    for add in (
        lambda: commands.duplicate_entry(window.session, window.session.active_uid),
        lambda: commands.add_scheme(window.session, Scheme.parse("int4 symmetric")),
    ):
        add()
        assert len(window.session.entries) == 4
        assert "at most 4 schemes" in window.message.text
        window.message.clear()
    window.whole.write(tmp_path / "full.qscope")
    other = new_window()
    other.open_paths([tmp_path / "full.qscope"])
    settle(other, qtbot)
    assert len(other.session.entries) == 4


def test_a_session_that_inflates_is_refused_in_a_sentence(window, qtbot, tmp_path):
    path = tmp_path / "bomb.qscope"
    text = f'{{"format":"quantoscope session","version":2,"title":"{"x" * 66_000_000}"}}'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("session.json", text)
    before = window.session.array
    window.open_paths([path])
    settle(window, qtbot)
    assert "bomb.qscope has more names and other texts than fit into the " in window.message.text
    assert window.session.array is before


def test_of_thousands_of_files_that_are_gone_some_are_told_of(
    window, qtbot, tmp_path, dialog, button
):
    sources = tuple(SavedSource(f"/gone/{n}.npy") for n in range(3000))
    array = np.ones(3, np.float32)
    tensors = tuple(SavedTensor(f"t{n}", n, array=array) for n in range(3000))
    path = tmp_path / "gone.qscope"
    qscope.write(path, SavedSession(sources, tensors, current=0))
    with dialog(button("Read them")):
        window.open_paths([path])
        settle(window, qtbot)
    settle(window, qtbot)
    assert "0.npy cannot be read: there is no such file or folder." in window.message.text
    assert "There are 2,992 more notes like these." in window.message.text
    assert len(window.message.text) < 1000
    assert window.session.array.tolist() == [1, 1, 1]


# Files that are not what they were when the session is saved


@pytest.fixture
def long_arrays(monkeypatch):
    """Arrays of a thousand values are long."""
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)


def replaced(path):
    other = path.with_name("other.npy")
    np.save(other, np.ones(5000, np.float32))
    os.utime(other, ns=(0, path.stat().st_mtime_ns + 10**9))
    other.replace(path)


def written_over(path):
    """In place, with another length."""
    before = path.stat().st_mtime_ns
    with path.open("wb") as stream:
        np.save(stream, np.ones(50, np.float32))
    os.utime(path, ns=(0, before + 10**9))


def became_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def replaced_by_one_as_long_and_old(path):
    """As ``rsync --times`` does."""
    before, other = path.stat(), path.with_name("other.npy")
    np.save(other, np.arange(5000, dtype=np.float32)[::-1])
    os.utime(other, ns=(0, before.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_size == before.st_size


CHANGES = {
    "as long and old": replaced_by_one_as_long_and_old,
    "gone": Path.unlink,
    "another": replaced,
    "a pipe": became_a_pipe,
}


@pytest.mark.parametrize("change", CHANGES)
def test_values_whose_file_is_not_what_it_was_come_into_the_session(
    window, qtbot, tmp_path, long_arrays, change, new_window, monkeypatch
):
    path = tmp_path / "long.npy"
    np.save(path, np.arange(5000, dtype=np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    CHANGES[change](path)
    assert window.whole.write(tmp_path / "work.qscope")
    assert window.message.text.startswith(f"Saved {tmp_path / 'work.qscope'}. Missing, or changed ")
    assert "long.npy" in window.message.text
    (tensor,) = [t for t in qscope.read(tmp_path / "work.qscope").tensors if t.title == "long.npy"]
    assert tensor.array.tobytes() == np.arange(5000, dtype=np.float32).tobytes()
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert other.session.array.tobytes() == np.arange(5000, dtype=np.float32).tobytes()


def test_values_whose_file_is_as_it_was_stay_there(window, qtbot, tmp_path, long_arrays):
    path = tmp_path / "long.npy"
    np.save(path, np.arange(5000, dtype=np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    assert window.whole.write(tmp_path / "work.qscope")
    assert window.message.text == f"Saved {tmp_path / 'work.qscope'}."
    assert qscope.read(tmp_path / "work.qscope").tensors[-1].array is None


def test_a_file_that_others_may_read_now_is_the_same(window, qtbot, tmp_path, long_arrays):
    path = tmp_path / "long.npy"
    np.save(path, np.arange(5000, dtype=np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    path.chmod(0o600)
    assert window.whole.write(tmp_path / "work.qscope")
    assert window.message.text == f"Saved {tmp_path / 'work.qscope'}."


def test_long_values_whose_file_is_gone_are_not_let_go_of(window, qtbot, tmp_path, long_arrays):
    path = tmp_path / "long.npz"
    arrays = {name: np.arange(5000, dtype=np.float32) for name in "ab"}
    np.savez(path, **arrays)
    window.open_paths([path])
    settle(window, qtbot)
    first, second = window.session.sources[-1].tensors
    window.files.show_tensor(first)
    settle(window, qtbot)
    window.files.show_tensor(second)
    settle(window, qtbot)
    assert not first.loaded
    path.unlink()
    window.session.show(window.session.tensors[0])
    assert second.loaded


def test_files_that_were_not_agreed_to_are_not_read_when_the_session_is_saved(
    window, qtbot, tmp_path, dialog, button, monkeypatch
):
    path = tmp_path / "strange.npy"
    np.save(path, np.ones(4, np.float32))
    known = saved.described(SavedSource(str(path)))
    session = SavedSession((known,), (SavedTensor("t", 0, array=np.ones(4, np.float32)),))
    file = tmp_path / "work.qscope"
    qscope.write(file, session)
    with dialog(button("Without them")):
        window.open_paths([file])
        settle(window, qtbot)
    settle(window, qtbot)
    looked_at, digest_of = [], saved.digest_of
    monkeypatch.setattr(saved, "digest_of", lambda p: looked_at.append(p) or digest_of(p))
    commands.edit_value(window.session, 0, 3.0)
    assert window.whole.save()
    assert path not in looked_at
    (source,) = qscope.read(file).sources
    assert source == replace(known, beside="strange.npy"), "what was known of it stays known"


# Two windows on one session


@pytest.fixture
def two(window, new_window, qtbot, tmp_path):
    """Two windows on one file."""
    file = tmp_path / "work.qscope"
    assert window.whole.write(file)
    other = new_window()
    other.open_paths([file])
    settle(other, qtbot)
    later = file.stat().st_mtime_ns + 10**9
    commands.edit_value(window.session, 0, 1.5)
    commands.edit_value(other.session, 0, 2.5)
    assert window.whole.save()
    os.utime(file, ns=(later, later))
    return file, window, other


def first_value(file):
    return float(qscope.read(file).tensors[0].array[0])


def test_a_session_that_another_window_has_saved_is_not_written_over_without_a_question(
    two, dialog, button
):
    file, _, other = two

    def look(box):
        assert "work.qscope has changed since it was opened or saved here" in box.text()
        assert box.defaultButton().text() == "Save &as…"
        button("Cancel")(box)

    with dialog(look):
        assert not other.whole.save()
    assert first_value(file) == 1.5
    assert other.isWindowModified()


@pytest.mark.parametrize("hashed", [True, False])
def test_a_session_of_the_same_length_and_date_that_has_taken_its_place_is_asked_about(
    window, new_window, qtbot, tmp_path, dialog, button, monkeypatch, hashed
):
    if not hashed:
        monkeypatch.setattr("quantoscope.engine.io.saved.TRUSTED", 0)
    file, theirs = tmp_path / "work.qscope", tmp_path / "theirs.qscope"
    assert window.whole.write(file)
    other = new_window()
    other.open_paths([file])
    settle(other, qtbot)
    before = file.stat()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    theirs.write_bytes(data)
    os.utime(theirs, ns=(before.st_atime_ns, before.st_mtime_ns))
    theirs.replace(file)
    for one in (window, other):
        commands.edit_value(one.session, 0, 2.5)
        with dialog(button("Cancel")):
            assert not one.whole.save()
    assert file.read_bytes() == data


def test_a_session_that_was_touched_and_not_written_is_saved_without_a_question(window, tmp_path):
    file = tmp_path / "work.qscope"
    assert window.whole.write(file)
    later = file.stat().st_mtime_ns + 10**9
    os.utime(file, ns=(later, later))
    commands.edit_value(window.session, 0, 2.5)
    assert window.whole.save()
    assert first_value(file) == 2.5


def test_it_can_be_written_over_and_is_then_known_again(two, dialog, button):
    file, _, other = two
    with dialog(button("Overwrite")):
        assert other.whole.save()
    assert first_value(file) == 2.5
    commands.edit_value(other.session, 0, 3.5)
    assert other.whole.save(), "nobody else has written it since"
    assert first_value(file) == 3.5


def test_or_it_is_saved_under_another_name(two, dialog, button, tmp_path):
    file, _, other = two
    with dialog(button("Save as…"), type_path(tmp_path / "mine.qscope")):
        assert other.whole.save()
    assert (first_value(file), first_value(tmp_path / "mine.qscope")) == (1.5, 2.5)
    assert other.session.file == tmp_path / "mine.qscope"


def test_a_window_that_closes_asks_about_it_too(two, dialog, button):
    file, _, other = two
    with dialog(button("Save"), button("Cancel")):
        other.close()
    assert other.isVisible()
    assert first_value(file) == 1.5


def test_a_session_file_that_is_gone_is_written_again(two):
    file, window, _ = two
    file.unlink()
    commands.edit_value(window.session, 0, 4.5)
    assert window.whole.save()
    assert first_value(file) == 4.5


def test_a_file_of_values_that_has_changed_is_asked_about_too(
    window, qtbot, tmp_path, dialog, button, monkeypatch
):
    path = tmp_path / "values.npy"
    np.save(path, np.arange(5, dtype=np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    written_over(path)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *asked: (str(path), "*.npy"))
    with dialog(button("Cancel")):
        assert not window.files.save_values()
    assert np.load(path).size == 50


@pytest.mark.parametrize("agreed", [False, True])
def test_a_name_without_its_ending_writes_over_no_file_without_a_question(
    window, tmp_path, dialog, button, agreed
):
    for name, save in (
        ("other.qscope", window.whole.save_as),
        ("other.npy", window.files.save_values),
    ):
        (tmp_path / name).write_text("somebody's")

        def look(box, name=name):
            assert f"{name} already exists" in box.text()
            assert box.defaultButton().text() == "Cancel"
            button("Overwrite" if agreed else "Cancel")(box)

        with dialog(type_path(tmp_path / "other"), look):
            assert save() == agreed
        assert (tmp_path / name).read_bytes().startswith(b"somebody's") == (not agreed)


def test_its_own_file_named_without_its_ending_is_asked_about_where_it_has_changed(
    two, dialog, button
):
    file, _, other = two

    def look(box):
        assert "work.qscope has changed since it was opened or saved here" in box.text()
        button("Cancel")(box)

    with dialog(type_path(file.with_suffix("")), look):
        assert not other.whole.save_as()
    assert first_value(file) == 1.5


# What a session claims


@pytest.fixture
def beside(tmp_path):
    """Where a source is looked for that a session, in a folder of its own, says lies there."""
    folder = tmp_path / "session"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path / "secret.npy", folder / "data.npy", folder / "sub" / "data.npy"):
        np.save(place, np.ones(3, np.float32))
    (folder / "out.npy").symlink_to(tmp_path / "secret.npy")
    (folder / "away").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    return lambda name: place_of(SavedSource("/then/data.npy", name), folder / "work.qscope")


@pytest.mark.parametrize("name", ["data.npy", "sub/data.npy", "./data.npy", "sub/../data.npy"])
def test_a_file_beside_a_session_is_found_there(beside, tmp_path, name):
    assert beside(name).resolve().is_relative_to(tmp_path / "session")
    assert beside(name).is_file()


@pytest.mark.parametrize(
    "name",
    ["../secret.npy", "sub/../../secret.npy", "/etc/passwd", "out.npy", "away/secret.npy",
     "", ".", "sub", "no.npy", "loop", "nul\0.npy", "x" * 5000, "y/" * 3000],
)  # fmt: skip
def test_what_a_session_says_lies_beside_it_is_never_looked_for_elsewhere(beside, name):
    assert beside(name) == Path("/then/data.npy")


@pytest.mark.parametrize("path", ["/" + "x" * 5000, "/" + "y/" * 3000, ""])
def test_a_path_that_no_file_can_have_is_told_of(window, qtbot, tmp_path, dialog, button, path):
    tensors = (SavedTensor("t", 0, array=np.ones(3, np.float32)),)
    file = tmp_path / "work.qscope"
    qscope.write(file, SavedSession((SavedSource(path, path),), tensors, current=0))
    with dialog(button("Read them")):
        window.open_paths([file])
        settle(window, qtbot)
    settle(window, qtbot)
    assert window.session.array.tolist() == [1, 1, 1]
    assert window.message.text
    commands.edit_value(window.session, 0, 2.0)
    assert window.whole.save()
    assert qscope.read(file).tensors[0].array.tolist() == [2, 1, 1]


@pytest.mark.parametrize(("chosen", "found"), [(0, 0), (2, 2), (3, None), (10**9, None)])
def test_the_chosen_value_comes_back_where_there_is_one(window, qtbot, tmp_path, chosen, found):
    path = tmp_path / "data.npy"
    np.save(path, np.arange(3, dtype=np.float32))
    window.settings.add_known([str(path)])
    file = tmp_path / "work.qscope"
    # Its file may be shorter by now.
    tensors = (SavedTensor("data.npy", 0, chosen=chosen),)
    qscope.write(file, SavedSession((SavedSource(str(path)),), tensors, current=0))
    window.open_paths([file])
    settle(window, qtbot)
    assert window.session.array.tolist() == [0, 1, 2]
    assert window.session.view.chosen == found


def test_of_very_many_files_that_may_be_read_the_oldest_are_forgotten(window):
    settings = window.settings
    settings.add_known([f"/{place}" for place in range(1000)])
    settings.add_known(["/5", "/new"])
    assert len(settings.known_files) == 1000
    assert settings.known_files[-1] == "/new"
    assert "/0" not in settings.known_files
    assert {"/1", "/5", "/999"} <= set(settings.known_files)


def test_enter_and_escape_read_no_file_that_nobody_named(
    work, new_window, qtbot, tmp_path, dialog, person
):
    work.whole.write(tmp_path / "work.qscope")
    work.settings.remember("files/known", "[]")
    for key in ("Return", "Escape"):
        other = new_window()

        def answer(box, key=key):
            assert box.defaultButton().text() == "&Without them"
            QTest.keySequence(box, QKeySequence(key))

        with dialog(answer):
            other.open_paths([tmp_path / "work.qscope"])
            settle(other, qtbot)
        settle(other, qtbot)
        assert other.session.sources[0].problem == "Not read: you did not agree."


def test_schemes_that_are_switched_off_stay_off(window, new_window, qtbot, tmp_path):
    off = window.session.entries[1].uid
    commands.update_entry(window.session, off, lambda e: replace(e, enabled=False), "Hide")
    assert window.whole.write(tmp_path / "work.qscope")
    other = new_window()
    other.open_paths([tmp_path / "work.qscope"])
    settle(other, qtbot)
    assert [entry.enabled for entry in other.session.entries] == [True, False, True]
    index = other.schemes.model.index(1)
    assert Qt.CheckState(index.data(Qt.ItemDataRole.CheckStateRole)) == Qt.CheckState.Unchecked
    assert len(other.results.model._rows) == 2


def test_a_file_that_was_not_agreed_to_is_not_looked_at_in_tensors_either(
    window, qtbot, tmp_path, dialog, button, monkeypatch
):
    path = tmp_path / "strange.npz"
    np.savez(path, a=np.ones(4), b=np.ones(4))
    tensors = (SavedTensor("a", 0, "a"), SavedTensor("b", 0, "b", array=np.ones(4, np.float32)))
    file = tmp_path / "work.qscope"
    qscope.write(file, SavedSession((SavedSource(str(path)),), tensors, current=1))
    opened = []

    def watched(event, arguments):
        if event == "open" and opened is not None and "strange" in str(arguments[0]):
            opened.append(arguments[0])

    sys.addaudithook(watched)
    with dialog(button("Without them")):
        window.open_paths([file])
        settle(window, qtbot)
    settle(window, qtbot)
    window.places["tensors"].take_focus()
    window.tensors.tree.expandAll()
    QApplication.processEvents()
    window.tensors._rest.start(1)
    qtbot.wait(100)
    settle(window, qtbot)
    commands.edit_value(window.session, 0, 2.0)
    assert window.whole.save()
    assert opened == []
    window.tensors.reopen_asked.emit(window.session.sources[0])
    settle(window, qtbot)
    assert opened, "asked for, it is read"
    opened = None
