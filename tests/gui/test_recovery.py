"""What is not saved is kept within seconds, and offered after a window ended without closing."""

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QLockFile
from PySide6.QtWidgets import QApplication, QPushButton

from quantoscope.engine import Scheme, io
from quantoscope.engine.io import qscope
from quantoscope.gui.document import commands
from quantoscope.gui.storage import recovery
from quantoscope.gui.storage.recovery import recovery_folder
from tests.gui.test_files import settle


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Nobody wants to wait."""
    monkeypatch.setattr(recovery, "REST", 30)
    monkeypatch.setattr(recovery, "RETRY", 40)


def kept():
    folder = recovery_folder()
    return sorted(folder.glob("*.qscope")) if folder.is_dir() else []


@pytest.fixture
def crash(qtbot):
    """End a window as a crash does: its file stays, and nobody holds its lock."""

    def end(window):
        # What was changed last may wait beside an older file.
        qtbot.waitUntil(lambda: bool(kept()) and not window.recovery._timer.isActive())
        qtbot.waitUntil(lambda: not window.background.running("recovery"))
        own = window.recovery._own
        own.lock.unlock()
        window.recovery._own = None
        window.values.table.drop_typing()
        for pane in window.plots.built().values():
            pane.cell_field.close_field()
        window.session.mark_saved(None)
        return own.file

    return end


def answer(window, text):
    for button in window.offer.findChildren(QPushButton):
        if button.text().replace("&", "") == text and button.isVisible():
            button.click()
            return
    raise AssertionError(f"no button {text}")


def test_an_edit_is_kept_soon_and_forgotten_when_undone(window, person, qtbot):
    person.edit_cell(window.values.table, 0, "0.5")
    qtbot.waitUntil(lambda: bool(kept()))
    qtbot.waitUntil(lambda: not window.background.running("recovery"))
    assert qscope.read(kept()[0]).tensors[0].array[0] == 0.5
    person.press("Ctrl+Z")
    qtbot.waitUntil(lambda: not kept())


def test_what_a_crash_left_is_offered_and_restored(window, new_window, person, qtbot, crash):
    person.edit_cell(window.values.table, 1, "0.75")
    commands.add_scheme(window.session, Scheme.parse("uint4 asymmetric"))
    crash(window)
    other = new_window()
    other.files.start_first()
    other.recovery.look()
    assert other.offer.isVisible()
    assert "Three numbers" in other.offer.text
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.session.array[1] == 0.75)
    settle(other, qtbot)
    assert [str(e.scheme) for e in other.session.entries][-1] == "uint4 asymmetric"
    assert other.isWindowModified(), "it is still saved nowhere"
    assert not other.offer.isVisible()
    qtbot.waitUntil(lambda: len(kept()) == 1 and not other.background.running("recovery"))


def test_the_offer_names_what_has_changes_and_not_what_was_shown(
    window, new_window, qtbot, crash, tmp_path
):
    for name in ("a.npy", "b.npy"):
        np.save(tmp_path / name, np.zeros(3, np.float32))
    window.open_paths([tmp_path / "a.npy", tmp_path / "b.npy"])
    settle(window, qtbot)
    commands.edit_value(window.session, 0, 1.0)
    window.files.show_tensor(window.session.sources[1].tensors[0])
    settle(window, qtbot)
    commands.remove_entry(window.session, window.session.active_uid)
    crash(window)
    other = new_window()
    other.recovery.look()
    assert other.offer.text.startswith("Changes of a.npy and the list of schemes,")


def test_what_was_restored_is_saved_to_its_own_file_again(
    window, new_window, person, qtbot, crash, tmp_path
):
    path = tmp_path / "mine.qscope"
    window.whole.write(path)
    person.edit_cell(window.values.table, 1, "0.75")
    crash(window)
    other = new_window()
    other.recovery.look()
    assert "mine.qscope" in other.offer.text
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.session.file == path)
    assert qscope.read(path).tensors[0].array[1] != 0.75
    assert other.whole.save()
    assert qscope.read(path).tensors[0].array[1] == 0.75
    qtbot.waitUntil(lambda: not kept())


@pytest.mark.parametrize("more", [False, True])
def test_what_was_saved_as_the_window_crashed_is_not_offered(
    window, new_window, qtbot, crash, monkeypatch, tmp_path, more
):
    path = tmp_path / "mine.qscope"
    window.whole.write(path)
    commands.edit_value(window.session, 1, 0.75)
    qtbot.waitUntil(lambda: bool(kept()) and not window.background.running("recovery"))
    if not more:  # as if it ended before it deleted what it had kept
        monkeypatch.setattr(window.recovery, "forget", lambda: None)
    window.whole.write(path)
    if more:
        qtbot.waitUntil(lambda: not kept())
        commands.edit_value(window.session, 1, 0.5)
    crash(window)
    other = new_window()
    other.recovery.look()
    assert other.offer.isVisible() == more
    assert bool(kept()) == more


def test_what_is_discarded_is_gone(window, new_window, person, qtbot, crash):
    person.edit_cell(window.values.table, 1, "0.75")
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Discard")
    assert not kept()
    assert not list(recovery_folder().glob("*.lock"))


def test_what_nobody_answers_is_offered_again(window, new_window, person, crash):
    person.edit_cell(window.values.table, 1, "0.75")
    crash(window)
    for _ in range(2):
        other = new_window()
        other.recovery.look()
        assert other.offer.isVisible()
        other.close()
    assert len(kept()) == 1


def test_two_windows_keep_two_files_and_take_none_of_each_other(window, new_window, person, qtbot):
    person.edit_cell(window.values.table, 0, "0.5")
    qtbot.waitUntil(lambda: len(kept()) == 1)
    other = new_window()
    other.files.start_first()
    other.recovery.look()
    assert not other.offer.isVisible(), "the first window is alive"
    commands.edit_value(other.session, 0, 0.25)
    qtbot.waitUntil(lambda: len(kept()) == 2)
    qtbot.waitUntil(lambda: not any(w.background.running("recovery") for w in (window, other)))
    values = {float(qscope.read(path).tensors[0].array[0]) for path in kept()}
    assert values == {0.5, 0.25}
    other.session.mark_saved(None)
    other.close()
    assert len(kept()) == 1


def test_several_that_were_left_are_offered_one_after_the_other(
    window, new_window, person, qtbot, crash
):
    person.edit_cell(window.values.table, 0, "0.5")
    crash(window)
    second = new_window()
    second.files.start_first()
    commands.edit_value(second.session, 0, 0.25)
    qtbot.waitUntil(lambda: len(kept()) == 2)
    crash(second)
    other = new_window()
    other.recovery.look()
    answer(other, "Discard")
    assert other.offer.isVisible()
    assert len(kept()) == 1
    answer(other, "Discard")
    assert not kept()


def test_closing_leaves_nothing_behind(window, person, qtbot, dialog, button):
    person.edit_cell(window.values.table, 0, "0.5")
    qtbot.waitUntil(lambda: bool(kept()))
    with dialog(button("Discard")):
        window.close()
    assert list(recovery_folder().iterdir()) == []


def test_of_a_long_array_only_the_changes_are_kept(window, qtbot, crash, monkeypatch, tmp_path,
                                                   new_window):  # fmt: skip
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    np.save(tmp_path / "long.npy", np.arange(5000, dtype=np.float32))
    window.open_paths([tmp_path / "long.npy"])
    settle(window, qtbot)
    for index in (7, 4321):
        commands.edit_value(window.session, index, -1.0)
    file = crash(window)
    left = qscope.read(file).tensors[0]
    assert left.array is None
    assert left.where.tolist() == [7, 4321]
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.session.array.size == 5000)
    expected = np.arange(5000, dtype=np.float32)
    expected[[7, 4321]] = -1
    assert other.session.array.tobytes() == expected.tobytes()


def test_changes_of_a_file_that_is_another_by_now_are_told_of(
    window, new_window, qtbot, crash, monkeypatch, tmp_path
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    path = tmp_path / "long.npy"
    np.save(path, np.arange(5000, dtype=np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    commands.edit_value(window.session, 7, -1.0)
    crash(window)
    other = path.with_name("other.npy")
    np.save(other, np.ones(5000, np.float32))
    os.utime(other, ns=(0, path.stat().st_mtime_ns + 10**9))
    other.replace(path)
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.array.size == 5000)
    settle(after, qtbot)
    assert after.session.array[[6, 7, 8]].tolist() == [1, -1, 1]
    assert "long.npy has changed since" in after.message.text


def test_edits_of_a_file_that_was_replaced_and_opened_again_are_kept_whole(
    window, new_window, qtbot, crash, monkeypatch, tmp_path
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    path, other = tmp_path / "long.npy", tmp_path / "other.npy"
    np.save(path, np.arange(5000, dtype=np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    commands.edit_value(window.session, 7, -1.0)
    worked_on = window.session.array.tobytes()
    np.save(other, np.ones(5000, np.float32))
    os.utime(other, ns=(0, path.stat().st_mtime_ns + 10**9))
    other.replace(path)
    window.open_paths([path])
    settle(window, qtbot)
    assert window.session.array.tobytes() == worked_on
    commands.edit_value(window.session, 8, -2.0)
    window.session.undo_stack.undo()
    crash(window)
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.array.size == 5000)
    settle(after, qtbot)
    assert after.session.array.tobytes() == worked_on


@pytest.fixture
def long_file(window, qtbot, monkeypatch, tmp_path):
    """A file of many values that is open, the first of them edited."""
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    path = tmp_path / "long.npy"
    np.save(path, np.zeros(5000, np.float32))
    window.open_paths([path])
    settle(window, qtbot)
    commands.edit_value(window.session, 0, 1.0)
    return path


def restored(new_window, qtbot):
    """The first values after a crash."""
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.array.size == 5000)
    settle(after, qtbot)
    return after.session.array[:3].tolist()


def test_edits_before_and_after_the_values_were_saved_elsewhere_are_kept(
    window, long_file, new_window, qtbot, crash
):
    window.files.write_values(long_file.with_name("mine.npy"))
    commands.edit_value(window.session, 1, 2.0)
    crash(window)
    assert restored(new_window, qtbot) == [1, 2, 0]


def test_edits_before_and_after_a_session_was_opened_are_kept(
    window, long_file, new_window, qtbot, crash, tmp_path
):
    window.whole.write(tmp_path / "work.qscope")
    opened = new_window()
    opened.open_paths([tmp_path / "work.qscope"])
    settle(opened, qtbot)
    commands.edit_value(opened.session, 1, 2.0)
    crash(opened)
    assert restored(new_window, qtbot) == [1, 2, 0]


def test_changes_of_a_file_that_is_gone_are_offered_until_it_is_back(
    window, long_file, new_window, qtbot, crash
):
    left = crash(window)
    away = long_file.rename(long_file.with_name("away.npy"))
    meanwhile = new_window()
    meanwhile.recovery.look()
    answer(meanwhile, "Restore")
    settle(meanwhile, qtbot)
    qtbot.waitUntil(lambda: "1 change of long.npy waits" in meanwhile.message.text)
    commands.add_scheme(meanwhile.session, Scheme.parse("int4 symmetric"))
    qtbot.waitUntil(lambda: len(kept()) == 2 and not meanwhile.background.running("recovery"))
    assert left in kept()
    meanwhile.session.mark_saved(None)
    meanwhile.recovery.forget()
    qtbot.waitUntil(lambda: kept() == [left])
    away.rename(long_file)
    assert restored(new_window, qtbot) == [1, 0, 0]


def test_a_long_array_of_no_file_is_written_once_and_then_its_changes(
    window, qtbot, crash, monkeypatch, new_window
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    window.session.start(np.zeros(5000, np.float32), "made here")
    commands.edit_value(window.session, 5, 1.0)
    qtbot.waitUntil(lambda: bool(kept()) and not window.background.running("recovery"))
    bases = list(recovery_folder().glob("*.npy"))
    assert len(bases) == 1
    commands.edit_value(window.session, 6, 2.0)
    qtbot.waitUntil(lambda: qscope.read(kept()[0]).tensors[0].where.tolist() == [6])
    commands.splice(window.session, 0, 1, np.array([]), "one less")
    qtbot.waitUntil(lambda: list(recovery_folder().glob("*.npy")) not in ([], bases))
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.session.array.size == 4999)
    assert other.session.array[:7].tolist() == [0, 0, 0, 0, 1, 2, 0]
    assert other.session.path is None
    qtbot.waitUntil(lambda: len(kept()) == 1 and not other.background.running("recovery"))
    assert other.session.array[:7].tolist() == [0, 0, 0, 0, 1, 2, 0]


@contextmanager
def folder_that_is_a_file():
    folder = recovery_folder()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("not a folder")
    yield "a part of its path is not a folder"
    folder.unlink()


@contextmanager
def full_disk():
    """Files beyond so many bytes cannot be written, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 13, before[1]))
    try:
        yield "the file would be too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("obstacle", [folder_that_is_a_file, full_disk])
def test_that_changes_cannot_be_kept_is_said_until_they_can(window, qtbot, obstacle):
    window.session.start(np.arange(5000, dtype=np.float32), "made here")
    with obstacle() as why:
        commands.edit_value(window.session, 0, 0.5)
        qtbot.waitUntil(window.unkept.isVisible)
        said = window.unkept.text
        assert said.startswith("Changes cannot be kept for recovery")
        assert why in said or "cannot be written" in said
        assert not window.message.isVisible()
        commands.edit_value(window.session, 1, 0.25)
        tries = []
        window.background.started.connect(tries.append)
        qtbot.wait(150)
        assert window.unkept.isVisible()
    qtbot.waitUntil(lambda: bool(kept()), timeout=3000)
    qtbot.waitUntil(lambda: not window.unkept.isVisible())
    assert qscope.read(kept()[0]).tensors[0].array[:2].tolist() == [0.5, 0.25]
    assert not window.message.isVisible()


def test_what_cannot_be_kept_is_told_of_no_more_once_it_is_saved(window, qtbot, tmp_path):
    with folder_that_is_a_file():
        commands.edit_value(window.session, 0, 0.5)
        qtbot.waitUntil(window.unkept.isVisible)
        window.whole.write(tmp_path / "mine.qscope")
        assert not window.unkept.isVisible()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_a_crash_left_is_discarded_by_no_later_save_but_its_own(
    window, new_window, qtbot, crash, tmp_path, elsewhere
):
    path = tmp_path / "mine.qscope"
    window.whole.write(path)
    commands.edit_value(window.session, 1, 0.75)
    left = crash(window)
    other = new_window()
    other.open_paths([path])
    settle(other, qtbot)
    commands.edit_value(other.session, 0, 0.5)
    qtbot.waitUntil(lambda: len(kept()) == 2)
    assert other.whole.write(tmp_path / "other.qscope" if elsewhere else path)
    os.utime(path, ns=(0, left.stat().st_mtime_ns + 10**9))
    qtbot.waitUntil(lambda: kept() == [left])
    after = new_window()
    after.recovery.look()
    assert after.offer.isVisible()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.array[1:2].tolist() == [0.75])


def test_a_switched_off_scheme_stays_off_after_a_crash(window, new_window, qtbot, crash):
    off = window.session.entries[1].uid
    commands.update_entry(window.session, off, lambda e: replace(e, enabled=False), "Hide")
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    qtbot.waitUntil(lambda: len(other.session.entries) == 3)
    assert [entry.enabled for entry in other.session.entries] == [True, False, True]


def test_a_session_saved_by_others_since_a_crash_is_asked_about(
    window, new_window, qtbot, crash, tmp_path, dialog, button
):
    path = tmp_path / "mine.qscope"
    window.whole.write(path)
    commands.edit_value(window.session, 1, 0.75)
    crash(window)
    other = new_window()
    other.open_paths([path])
    settle(other, qtbot)
    commands.edit_value(other.session, 0, 0.5)
    assert other.whole.save()
    later = path.stat().st_mtime_ns + 10**9
    os.utime(path, ns=(later, later))
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.file == path)
    settle(after, qtbot)
    with dialog(button("Cancel")):
        assert not after.whole.save()


# What is being typed


def typed(window):
    return qscope.read(kept()[0]).view.get("typing")


@pytest.mark.parametrize("text", ["0.7", "0.7x"])
def test_what_is_being_typed_is_kept_and_comes_back(window, new_window, person, qtbot, crash, text):
    person.click_cell(window.values.table, 1)
    person.type(text)
    qtbot.waitUntil(lambda: bool(kept()) and typed(window) == [1, text])
    assert not window.isWindowModified()
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    wanted = np.float32(0.7)
    # Where the window loses the focus, what is a number is taken over.
    qtbot.waitUntil(
        lambda: other.values.typing() == (1, text) or other.session.array[1:2].tolist() == [wanted]
    )
    settle(other, qtbot)
    if text == "0.7x":
        assert other.values.typing() == (1, text)
        qtbot.waitUntil(lambda: len(kept()) == 1 and typed(other) == [1, text])
        person.press("Backspace")
    if other.values.typing() is not None:
        person.press("Return")
    assert other.session.array[1] == wanted


def test_what_is_typed_into_the_empty_row_comes_back_there(
    window, new_window, person, qtbot, crash
):
    size = window.session.array.size
    person.click_cell(window.values.table, size)
    person.type("4")
    qtbot.waitUntil(lambda: bool(kept()) and typed(window) == [size, "4"])
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.values.typing() == (size, "4"))
    person.press("Return")
    assert other.session.array.tolist()[size:] == [4.0]


def test_what_is_typed_in_a_cell_of_an_image_comes_back_in_the_list(
    open_window, new_window, person, qtbot, crash
):
    window = open_window(np.arange(12.0).reshape(3, 4))
    window.places["image"].reveal()
    QApplication.processEvents()
    window.session.view.choose(9)
    window.plots["image"].setFocus()
    person.press("Return")
    person.type("8")
    qtbot.waitUntil(lambda: bool(kept()) and typed(window) == [9, "8"])
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.values.typing() == (9, "8"))
    person.press("Return")
    assert other.session.array[2, 1] == 8


def test_what_was_typed_and_given_up_is_forgotten(window, person, qtbot):
    person.click_cell(window.values.table, 1)
    person.type("0.7")
    qtbot.waitUntil(lambda: bool(kept()))
    person.press("Escape")
    qtbot.waitUntil(lambda: not kept())


def test_a_session_file_opens_no_cell(window, qtbot, tmp_path):
    path = tmp_path / "typing.qscope"
    tensor = qscope.SavedTensor("t", array=np.ones(3, np.float32))
    qscope.write(path, qscope.SavedSession(tensors=(tensor,), view={"typing": [1, "5"]}))
    window.open_paths([path])
    settle(window, qtbot)
    assert window.values.typing() is None


def test_what_was_left_and_is_damaged_is_told_of_and_stays(window, qtbot):
    folder = recovery_folder()
    folder.mkdir(parents=True)
    (folder / "damaged.qscope").write_bytes(b"PK\x03\x04")
    window.recovery.look()
    assert "damaged.qscope" in window.message.text
    assert not window.offer.isVisible()
    assert (folder / "damaged.qscope").exists()


def test_a_lock_of_a_living_process_is_respected(window, person, crash, new_window):
    person.edit_cell(window.values.table, 0, "0.5")
    file = crash(window)
    lock = QLockFile(str(file.with_suffix(".lock")))
    lock.setStaleLockTime(0)
    assert lock.tryLock(0)
    other = new_window()
    other.recovery.look()
    assert not other.offer.isVisible()
    lock.unlock()


def test_the_time_of_the_last_change_is_told(window, person, crash, new_window):
    person.edit_cell(window.values.table, 0, "0.5")
    file = crash(window)
    told = time.strftime("%Y-%m-%d %H:%M", time.localtime(file.stat().st_mtime))
    other = new_window()
    other.recovery.look()
    assert told in other.offer.text


def test_what_is_saved_as_the_window_closes_is_not_offered_again(
    window, qtbot, monkeypatch, tmp_path, dialog, button
):
    started, go_on = threading.Event(), threading.Event()
    write, cancel = qscope.write, window.background.cancel
    window.whole.write(tmp_path / "mine.qscope")

    def slowly(path, session, check=None):
        if path.parent == recovery_folder():
            started.set()
            go_on.wait(10)
        write(path, session, check)

    def cancelled(kind):
        cancel(kind)
        if kind == recovery.JOB:
            go_on.set()

    monkeypatch.setattr(qscope, "write", slowly)
    monkeypatch.setattr(window.background, "cancel", cancelled)
    commands.edit_value(window.session, 0, 0.5)
    qtbot.waitUntil(started.is_set)
    with dialog(button("Save")):
        window.close()
    assert list(recovery_folder().iterdir()) == []


def test_a_long_array_is_kept_again_after_it_was_saved(
    window, qtbot, crash, monkeypatch, tmp_path, new_window
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    window.session.start(np.zeros(5000, np.float32), "made here")
    commands.edit_value(window.session, 5, 1.0)
    qtbot.waitUntil(lambda: bool(kept()) and not window.background.running("recovery"))
    window.whole.write(tmp_path / "mine.qscope")
    qtbot.waitUntil(lambda: not kept() and not window.background.running("recovery"))
    commands.edit_value(window.session, 6, 2.0)
    crash(window)
    other = new_window()
    other.recovery.look()
    answer(other, "Restore")
    qtbot.waitUntil(lambda: other.session.array.size == 5000)
    assert other.session.array[:8].tolist() == [0, 0, 0, 0, 0, 1, 2, 0]


def test_a_long_array_that_is_edited_while_it_is_written_is_kept_as_it_was(
    window, qtbot, crash, monkeypatch, new_window
):
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)
    started, go_on, save = threading.Event(), threading.Event(), io.save

    def slowly(path, array):
        started.set()
        go_on.wait(10)
        save(path, array)

    monkeypatch.setattr(io, "save", slowly)
    window.session.start(np.zeros(5000, np.float32), "made here")
    commands.edit_value(window.session, 5, 1.0)
    qtbot.waitUntil(started.is_set)
    commands.edit_value(window.session, 6, 2.0)
    go_on.set()
    qtbot.waitUntil(lambda: bool(kept()))
    (base,) = recovery_folder().glob("*.npy")
    assert np.load(base)[:8].tolist() == [0, 0, 0, 0, 0, 1, 0, 0]
    qtbot.waitUntil(lambda: qscope.read(kept()[0]).tensors[0].where.tolist() == [6])


def test_what_changes_while_something_is_written_is_written_right_after(window, qtbot, monkeypatch):
    started, go_on, write = threading.Event(), threading.Event(), qscope.write

    def slowly(path, session, check=None):
        started.set()
        go_on.wait(10)
        write(path, session, check)

    monkeypatch.setattr(qscope, "write", slowly)
    commands.edit_value(window.session, 0, 0.5)
    qtbot.waitUntil(started.is_set)
    commands.edit_value(window.session, 0, 0.75)
    qtbot.waitUntil(lambda: not window.recovery._timer.isActive())
    go_on.set()
    qtbot.waitUntil(lambda: bool(kept()) and not window.background.running("recovery"))
    assert qscope.read(kept()[0]).tensors[0].array[0] == 0.75


def test_what_a_kill_left_half_written_goes_at_the_next_start(window, new_window):
    folder = recovery_folder()
    folder.mkdir(parents=True)
    dead = QLockFile(str(folder / "0123.lock"))
    assert dead.tryLock(0)
    names = (".00.part", "0123.ab.npy")
    for name in names:
        (folder / name).write_bytes(b"half")
    new_window().recovery.look()
    assert all((folder / name).exists() for name in names), "a living window may be writing them"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    text = (folder / "0123.lock").read_bytes()
    dead.unlock()
    (folder / "0123.lock").write_bytes(text.replace(b"%d" % os.getpid(), b"%d" % ended.pid, 1))
    new_window().recovery.look()
    assert not list(folder.iterdir())


# A signal

PROGRAM = """
import sys, time
import numpy as np
from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from quantoscope.engine import Scheme
from quantoscope.gui import app
from quantoscope.gui.document import commands
from quantoscope.gui.storage import recovery
recovery.REST = 1 << 30  # nothing is kept but for the signal

def work(window):
    if "busy" in sys.argv:
        schemes = [Scheme.parse("int4 symmetric mse per-channel(0)")]
        array = np.random.default_rng(0).normal(size=(200_000, 8)).astype(np.float32)
        window.session.start(array, "long", None, schemes)
        assert window.background.running("evaluate")
    commands.edit_value(window.session, 1, 0.75)
    table = window.values.table
    table.setFocus()
    table.put_cursor(table.model().index(2, table.model().keys.index("real")))
    table.edit(table.currentIndex())
    QTest.keyClicks(table._editors()[0], "12x")
    print("ready", window.background.running("evaluate"), flush=True)

first = app.Windows.add
def add(self, paths=()):
    window = first(self, paths)
    QTimer.singleShot(0, lambda: work(window))
    return window
app.Windows.add = add
app.main([])
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "busy"])
def test_a_program_that_is_told_to_end_keeps_everything_first(home, name, busy):
    number = getattr(signal, name)
    words = [sys.executable, "-c", PROGRAM, *(["busy"] if busy else [])]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == f"ready {busy}\n"
        began = time.monotonic()
        child.send_signal(number)
        assert child.wait(20) == -number, "it ends by the signal, as whoever sent it expects"
        assert time.monotonic() - began < 10
    (file,) = home.rglob("*.qscope")
    session = qscope.read(file)
    tensor = session.tensors[session.current]
    whole = tensor.array
    if whole is None:  # a long one, which lies beside
        whole = np.load(session.sources[tensor.source].path)
    assert whole.reshape(-1)[1] == 0.75
    assert session.view["typing"] == [2, "12x"]
