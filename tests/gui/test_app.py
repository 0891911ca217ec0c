"""The application: a window per file, files that the desktop asks for, no fault of the toolkit."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from quantoscope.gui.app import Windows
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.window.main_window import MainWindow


@pytest.fixture
def windows(qapp, qtbot):
    windows = Windows(Settings())
    yield windows
    for window in shown():
        window.close()
    windows.deleteLater()


def shown():
    return [
        w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow) and w.isVisible()
    ]


def titles():
    return sorted(window.windowTitle().split("[*]")[0] for window in shown())


def test_the_files_of_the_command_line_open_in_one_window_the_first_is_shown(
    windows, qtbot, tmp_path
):
    paths = [tmp_path / name for name in ("a.npy", "b.npy", "c.npy")]
    for number, path in enumerate(paths):
        np.save(path, np.full(3, number, np.float32))
    window = windows.add(paths)
    qtbot.waitUntil(lambda: titles() == ["a.npy"])
    assert [source.title for source in window.session.sources] == ["a.npy", "b.npy", "c.npy"]


def test_a_start_with_a_file_shows_it_and_never_the_three_numbers(windows, qtbot, tmp_path):
    np.save(tmp_path / "mine.npy", np.arange(5, dtype=np.float32))
    window = windows.add([tmp_path / "mine.npy"])
    assert window.session.array.size == 0, "nothing else, even while it is read"
    assert not window.lesson.card.isVisible()
    qtbot.waitUntil(lambda: titles() == ["mine.npy"])
    assert [source.title for source in window.session.sources] == ["mine.npy"]
    assert len(window.session.entries) == 3
    assert not window.isWindowModified()


def test_a_start_with_a_file_of_several_tensors_lists_them(windows, qtbot, tmp_path):
    np.savez(tmp_path / "model.npz", a=np.ones(2, np.float32), b=np.ones(3, np.float32))
    window = windows.add([tmp_path / "model.npz"])
    qtbot.waitUntil(lambda: "model.npz holds 2 tensors" in window.message.text)
    assert window.places["tensors"].in_front
    assert window.session.array.size == 0


def test_a_start_with_a_file_of_several_tensors_shows_the_one_with_the_farthest_outlier(
    windows, qtbot, tmp_path
):
    tensors = {name: np.ones(shape, np.float32) for name, shape in
               (("bias", 500), ("striking", (4, 5)), ("large", (60, 70)))}  # fmt: skip
    tensors["bias"][3], tensors["striking"][1, 2] = 1e6, 100
    np.savez(tmp_path / "model.npz", **tensors, shape=np.ones((9, 9), np.int64))
    window = windows.add([tmp_path / "model.npz"])
    qtbot.waitUntil(lambda: titles() == ["model.npz ▸ striking"])
    assert window.places["tensors"].in_front
    assert window.tensors.tree.currentIndex().data().startswith("striking")
    assert len(window.session.entries) == 3


def test_of_a_file_with_too_much_to_read_unasked_its_largest_matrix_is_shown(
    windows, qtbot, tmp_path, monkeypatch
):
    monkeypatch.setattr("quantoscope.gui.storage.files.SOON_READ", 100)
    tensors = {name: np.ones(shape, np.float32) for name, shape in
               (("a", (8, 9)), ("b", (9, 11)), ("c", (90, 70)))}  # fmt: skip
    np.savez(tmp_path / "model.npz", **tensors)
    window = windows.add([tmp_path / "model.npz"])
    qtbot.waitUntil(lambda: titles() == ["model.npz ▸ b"])
    assert window.stage.views[0] == "image"


def test_a_start_with_a_file_that_is_none_says_so(windows, qtbot, tmp_path):
    window = windows.add([tmp_path / "gone.npy"])
    qtbot.waitUntil(lambda: "gone.npy" in window.message.text)
    assert window.session.array.size == 0


def test_a_tensor_of_a_container_can_be_named_on_the_command_line(windows, qtbot, tmp_path):
    np.savez(tmp_path / "model.npz", a=np.ones(2, np.float32), b=np.full(3, 7, np.float32))
    window = windows.add([tmp_path / "model.npz::b"])
    qtbot.waitUntil(lambda: titles() == ["model.npz ▸ b"])
    assert window.session.array.tolist() == [7, 7, 7]


def test_another_window_can_be_asked_for(windows, qtbot):
    first = windows.add()
    first.actions_["new_window"].trigger()
    assert len(shown()) == 2
    assert len({window.pos().toTuple() for window in shown()}) == 2


def test_a_window_of_several_closes_alone(windows, qtbot):
    first, second = windows.add(), windows.add()
    second.close()
    qtbot.waitUntil(lambda: len(shown()) == 1)
    assert first.session.array.size == 3
    first.values.model.setData(first.values.model.index(0, 0), "0.5")
    assert first.session.array[0] == 0.5
    first.session.undo_stack.undo()


def test_a_file_that_the_desktop_asks_for_is_told_of(qapp, qtbot, tmp_path):
    path = tmp_path / "asked.npy"
    with qtbot.waitSignal(qapp.file_asked) as asked:
        QApplication.sendEvent(qapp, QFileOpenEvent(QUrl.fromLocalFile(str(path))))
    assert asked.args == [path]


def test_the_new_window_is_ready_for_typing(windows, qtbot, person):
    window = windows.add()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    assert window.session.view.chosen == 1, "the value that scale-only clips"
    person.type("0.75")
    person.press("Return")
    assert window.session.array[1] == 0.75
    window.session.undo_stack.undo()


def test_the_theme_of_the_settings_reaches_every_window(windows, qtbot):
    first, second = windows.add(), windows.add()
    first.settings.theme = "dark"
    assert first.theme.dark
    assert second.theme.dark


def test_a_window_without_files_loads_neither_the_command_line_nor_a_reader(tmp_path):
    code = (
        "import sys, PySide6.QtCore as c; from quantoscope.gui import app\n"
        "app.QApplication.exec = lambda *_: 0\n"
        "app.main([])\n"
        "loaded = {name.removeprefix('quantoscope.') for name in sys.modules}\n"
        "print(*sorted({'engine.cli', 'ml_dtypes', 'engine.io.npy'} & loaded))"
    )
    fresh = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    environment = {**os.environ, **fresh, "QT_QPA_PLATFORM": "offscreen"}
    child = [sys.executable, "-c", code]
    run = subprocess.run(child, capture_output=True, text=True, env=environment, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == ""
