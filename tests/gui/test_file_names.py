"""Files whose names are not UTF-8: opened, shown with a mark, found again."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QFileOpenEvent
from PySide6.QtWidgets import QApplication, QMenu

from quantoscope.gui import __main__ as program
from quantoscope.gui.app import Windows
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document import commands
from quantoscope.gui.storage import recovery

PROJECT = Path(__file__).resolve().parents[2]
SHOWN = "caf\N{REPLACEMENT CHARACTER}.npy"
VALUES = [1.0, 2.0, 3.0]


@pytest.fixture
def strange(tmp_path):
    """A file with a name of bytes that are no text; not every file system takes one."""
    path = tmp_path / os.fsdecode(b"caf\xe9.npy")
    try:
        with path.open("wb") as stream:
            np.save(stream, np.array(VALUES, np.float32))
    except (OSError, UnicodeError):
        pytest.skip("this file system has names of text alone")
    return path


def shown(window, qtbot):
    """Wait for the values; the title of the window then."""
    qtbot.waitUntil(lambda: window.session.array.tolist() == VALUES, timeout=10_000)
    qtbot.waitUntil(lambda: not window.session.evaluator.stale)
    return window.windowTitle()


def recent_menu(window):
    menus = window.findChildren(QMenu)
    menu = next(m for m in menus if m.title().replace("&", "") == "Open recent")
    menu.aboutToShow.emit()
    return menu


STARTED = """
import sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from quantoscope.gui import app
def look():
    for window in QApplication.topLevelWidgets():
        if isinstance(window, app.MainWindow) and window.session.array.tolist() == [1, 2, 3]:
            print(ascii(window.windowTitle()))
            QApplication.quit()
class Application(app.Application):
    def exec(self):
        self.timer = QTimer()
        self.timer.timeout.connect(look)
        self.timer.start(5)
        return super().exec()
app.Application = Application
from quantoscope.gui import __main__ as main
sys.exit(main.main())
"""


def test_it_is_opened_from_the_command_line(strange):
    done = subprocess.run(
        [sys.executable, "-c", STARTED, strange],
        cwd=PROJECT,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "HOME": str(strange.parent)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert done.stdout.decode().startswith("'caf\\ufffd.npy[*]")


def test_its_name_has_a_mark_in_title_tensors_and_recent_files(window, qtbot, strange):
    window.open_paths([strange])
    assert shown(window, qtbot) == f"{SHOWN}[*] – Quantoscope"
    assert [source.title for source in window.session.sources] == [SHOWN]
    recent = recent_menu(window)
    assert recent.actions()[0].text() == f"&1 {SHOWN}"
    assert recent.actions()[0].statusTip().endswith(SHOWN)


def test_it_is_opened_again_from_the_recent_files(window, new_window, qtbot, strange):
    window.open_paths([strange])
    shown(window, qtbot)
    window.settings.sync()
    other = new_window()
    other.files.start_first()
    recent = recent_menu(other)
    recent.actions()[0].trigger()
    assert shown(other, qtbot).startswith(SHOWN)
    assert other.session.path == strange


def url_of(path):
    return QUrl.fromEncoded(path.as_uri().encode())


def test_it_can_be_dropped_on_the_window(window, qtbot, strange):
    data = QMimeData()
    data.setUrls([url_of(strange), QUrl("https://example.org/a.npy")])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    at, copy, screen = QPoint(50, 50), Qt.DropAction.CopyAction, window.windowHandle()
    QApplication.sendEvent(screen, QDragEnterEvent(at, copy, data, buttons, keys))
    move = QDragMoveEvent(at, copy, data, buttons, keys)
    move.setDropAction(copy)
    move.accept()
    QApplication.sendEvent(screen, move)
    QApplication.sendEvent(screen, QDropEvent(QPointF(at), copy, data, buttons, keys))
    assert shown(window, qtbot).startswith(SHOWN)


def test_the_desktop_can_ask_for_it(qapp, qtbot, strange):
    windows = Windows(Settings())
    qapp.file_asked.connect(windows.open_file)
    QApplication.sendEvent(qapp, QFileOpenEvent(url_of(strange)))
    qapp.file_asked.disconnect(windows.open_file)
    (window,) = windows._open
    assert shown(window, qtbot).startswith(SHOWN)
    window.close()
    windows.deleteLater()


def test_a_session_that_refers_to_it_finds_it_again(window, new_window, qtbot, strange):
    window.open_paths([strange])
    shown(window, qtbot)
    session = strange.parent / os.fsdecode(b"s\xe9.qscope")
    assert window.whole.write(session)
    assert "s\N{REPLACEMENT CHARACTER}.qscope" in window.message.text
    other = new_window()
    other.files.start_first()
    other.open_paths([session])
    assert shown(other, qtbot) == f"{SHOWN} – s\N{REPLACEMENT CHARACTER}.qscope[*] – Quantoscope"
    assert other.session.path == strange
    assert not other.session.sources[0].problem


@pytest.mark.parametrize("command", ["list", "compare", "plot", "report", "report md", "params"])
def test_commands_take_it_and_print_its_name(strange, command, capsys, qapp, monkeypatch):
    monkeypatch.chdir(strange.parent)
    more = {
        "plot": ["--plot", "codes", "-o", "out.svg"],
        "report": ["--plot", "codes", "-o", "out.html"],
        "report md": ["--plot", "codes", "-o", "out.md"],
        "params": ["--scheme", "int8 symmetric", "--as", "tensorrt"],
    }
    words = [command.split()[0], strange.name, *more.get(command, [])]
    assert program.main(words) == 0
    printed = capsys.readouterr().out
    printed.encode()
    if command in ("list", "params"):
        assert SHOWN.removesuffix(".npy") in printed
    if command.startswith("report"):
        text = Path(printed.split(", ")[-1].strip()).read_text("utf-8")
        assert SHOWN in text
        assert r"caf\xe9.npy" in text  # as a shell takes it


@pytest.mark.parametrize("words", [["plot", "--plot", "codes"], ["report"]], ids=["plot", "report"])
def test_no_file_of_such_a_name_is_written_by_way_of_qt_which_would_change_it(
    strange, words, capsys, monkeypatch
):
    monkeypatch.chdir(strange.parent)
    out = os.fsdecode(b"o\xe9.html" if words[0] == "report" else b"o\xe9.svg")
    before = sorted(os.listdir())
    assert program.main([words[0], strange.name, *words[1:], "-o", out]) == 2
    assert "-o needs a name in UTF-8" in capsys.readouterr().err
    assert sorted(os.listdir()) == before


def test_changes_of_it_are_kept_and_restored(window, new_window, qtbot, strange, monkeypatch):
    monkeypatch.setattr(recovery, "REST", 30)
    window.open_paths([strange])
    shown(window, qtbot)
    commands.edit_value(window.session, 0, 7.0)
    folder = recovery.recovery_folder()
    qtbot.waitUntil(lambda: folder.is_dir() and bool(list(folder.glob("*.qscope"))))
    qtbot.waitUntil(lambda: not window.background.running("recovery"))
    # As a crash leaves it: nobody holds the lock.
    window.recovery._own.lock.unlock()
    window.recovery._own = None
    window.session.mark_saved(None)
    other = new_window()
    other.recovery.look()
    assert other.offer.text.startswith(f"Changes of {SHOWN},")
    other.actions_["restore"].trigger()
    qtbot.waitUntil(lambda: other.session.array.tolist() == [7, 2, 3])
    assert other.session.path == strange
