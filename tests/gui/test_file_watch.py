"""What becomes of the document when another program shortens or rewrites a file of it."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication, QMessageBox

from quantoscope.engine.io import qscope
from quantoscope.engine.numerics.mapped_arrays import FileChangedError
from quantoscope.gui.common.error_reports import ErrorReporter
from quantoscope.gui.document import commands
from quantoscope.gui.storage import file_watch, recovery
from tests.gui.test_files import settle
from tests.gui.test_recovery import answer, crash, kept

__all__ = ["crash"]

VALUES = np.arange(5000, dtype=np.float32)


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(recovery, "REST", 30)
    monkeypatch.setattr(file_watch, "REST", 30)
    monkeypatch.setattr("quantoscope.gui.document.tensors.COPIED", 1000)
    monkeypatch.setattr("quantoscope.gui.storage.session_codec.COPIED", 1000)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "long.npy"
    np.save(path, VALUES)
    return path


@pytest.fixture
def opened(window, path, qtbot):
    window.open_paths([path])
    settle(window, qtbot)
    return window


def rewritten(path, values):
    """Write into the very same file, as numpy.save does, at another time."""
    before = path.stat().st_mtime_ns
    np.save(path, values)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def told(window, words, qtbot):
    qtbot.waitUntil(lambda: words in window.message.text)


def test_a_file_that_is_rewritten_with_other_values_is_said(opened, path, qtbot):
    rewritten(path, VALUES + 1)
    told(opened, "long.npy was changed by another program. The values shown are those", qtbot)
    assert opened.session.array.tobytes() == VALUES.tobytes()
    opened.open_paths([path])
    settle(opened, qtbot)
    assert opened.session.array.tobytes() == (VALUES + 1).tobytes()


def test_a_file_that_is_made_shorter_takes_no_value_and_no_edit(opened, path, qtbot):
    commands.edit_value(opened.session, 4321, -1.0)
    os.truncate(path, 1000)
    told(opened, "long.npy was changed by another program", qtbot)
    commands.edit_value(opened.session, 7, -2.0)
    settle(opened, qtbot)
    expected = VALUES.copy()
    expected[[7, 4321]] = -2, -1
    assert opened.session.array.tobytes() == expected.tobytes()


def test_each_state_of_a_file_is_said_once(opened, path, qtbot):
    for add in (1, 2):
        rewritten(path, VALUES + add)
        told(opened, "long.npy was changed by another program", qtbot)
        opened.message.clear()
        # It is looked at once more, as whenever something of it changes.
        watch = opened.file_watch
        watch._watcher.fileChanged.emit(str(path))
        qtbot.waitUntil(lambda watch=watch: not watch._timer.isActive())
        assert not opened.message.text


def test_a_file_that_is_gone_is_said(opened, path, qtbot):
    path.unlink()
    told(opened, "long.npy was moved or deleted", qtbot)


def test_what_the_program_saves_itself_is_no_change(opened, path, qtbot):
    commands.edit_value(opened.session, 7, -1.0)
    assert opened.files.write_values(path)
    qtbot.wait(150)
    assert "another program" not in opened.message.text
    rewritten(path, VALUES)
    told(opened, "long.npy was changed by another program", qtbot)


def test_edits_of_a_shortened_file_are_restored_after_a_crash_with_all_values(
    opened, new_window, path, qtbot, crash
):
    commands.edit_value(opened.session, 4321, -1.0)
    qtbot.waitUntil(lambda: bool(kept()) and not opened.background.running("recovery"))
    os.truncate(path, 1000)
    told(opened, "long.npy was changed by another program", qtbot)
    qtbot.waitUntil(lambda: any(file.suffix == ".npy" for file in kept()[0].parent.iterdir()))
    crash(opened)
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.array.size == 5000)
    expected = VALUES.copy()
    expected[4321] = -1
    assert after.session.array.tobytes() == expected.tobytes()


def test_edits_that_fit_a_shorter_file_are_restored_and_the_others_counted(
    opened, new_window, path, qtbot, crash
):
    for index in (7, 8, 4321):
        commands.edit_value(opened.session, index, -1.0)
    crash(opened)
    rewritten(path, VALUES[:2000])
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    qtbot.waitUntil(lambda: after.session.array.size == 2000)
    settle(after, qtbot)
    assert after.session.array[[6, 7, 8, 9]].tolist() == [6, -1, -1, 9]
    assert "Of 3 changes of long.npy, one lies beyond its end now" in after.message.text


def test_edits_of_a_file_that_cannot_be_read_wait_for_it(opened, new_window, path, qtbot, crash):
    commands.edit_value(opened.session, 7, -1.0)
    file = crash(opened)
    data = path.read_bytes()
    os.truncate(path, 1000)
    after = new_window()
    after.recovery.look()
    answer(after, "Restore")
    told(after, "1 change of long.npy waits until its file can be read again", qtbot)
    assert file.exists()
    assert qscope.read(file).tensors[0].where.tolist() == [7]
    path.write_bytes(data)
    third = new_window()
    third.recovery.look()
    answer(third, "Restore")
    qtbot.waitUntil(lambda: third.session.array.size == 5000)
    assert third.session.array[[6, 7]].tolist() == [6, -1]


@pytest.mark.skipif(os.name != "posix", reason="files are only mapped there")
def test_a_mapped_file_that_is_made_shorter_is_said_and_refuses_edits(
    window, path, qtbot, monkeypatch
):
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)
    window.open_paths([path])
    settle(window, qtbot)
    os.truncate(path, 1000)
    with pytest.raises(FileChangedError):
        commands.edit_value(window.session, 7, -1.0)
    told(window, "long.npy was made shorter by another program while it was open", qtbot)
    assert not window.session.undo_stack.canUndo()


def test_what_refuses_to_go_on_is_a_sentence_without_a_trace(qapp, qtbot):
    reporter = ErrorReporter()
    error = FileChangedError("x.npy was changed by another program while it was open.")
    reporter._on_exception(type(error), error, None)
    (box,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox)]
    assert box.text() == str(error)
    assert not box.detailedText()
    assert not box.informativeText()
    box.close()


SHORTENING = """
import os, random, sys, time
path, until = sys.argv[1], time.monotonic() + float(sys.argv[2])
data = open(path, "rb").read()
while time.monotonic() < until:
    with open(path, "r+b") as stream:
        stream.truncate(random.randrange(len(data)))
        time.sleep(random.random() / 50)
        stream.write(data)
    time.sleep(random.random() / 50)
"""


def test_whenever_a_program_shortens_a_file_the_window_lives_and_shows_what_was_there(
    window, tmp_path, qtbot
):
    path = tmp_path / "busy.npy"
    values = np.arange(3_000_000, dtype=np.float32)
    np.save(path, values)
    child = subprocess.Popen([sys.executable, "-c", SHORTENING, str(path), "1.5"])
    while child.poll() is None:
        window.open_paths([path])
        settle(window, qtbot)
        if window.session.title == "busy.npy":
            commands.edit_value(window.session, 2_999_999, 7.0)
            assert window.session.array[[1, 2_999_998, 2_999_999]].tolist() == [1, 2_999_998, 7]
            window.session.undo_stack.undo()
            settle(window, qtbot)
            assert window.session.array.tobytes() == values.tobytes()
    assert child.returncode == 0
