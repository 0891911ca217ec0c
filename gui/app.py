"""Application start: the application object, error reports, files from the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, Qt, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication
from shiboken6 import isValid

from quantoscope.engine import __version__
from quantoscope.gui.common.dropped_files import local_path
from quantoscope.gui.common.error_reports import ErrorReporter
from quantoscope.gui.common.garbage import Collector
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.termination import Ending
from quantoscope.gui.common.theme import app_icon
from quantoscope.gui.window.main_window import MainWindow
from quantoscope.gui.workers.background import still_running


class Application(QApplication):
    """The QApplication; emits a signal for files that the desktop asks to open."""

    file_asked = Signal(object)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            self.file_asked.emit(local_path(event.url()) or Path(event.file()))
            return True
        return super().event(event)


def prepare(app: QApplication) -> None:
    """Set the names and style of the application."""
    QCoreApplication.setApplicationName("Quantoscope")
    QCoreApplication.setOrganizationName("Quantoscope")
    QCoreApplication.setApplicationVersion(__version__)
    app.setDesktopFileName("org.quantoscope.Quantoscope")
    app.setWindowIcon(app_icon())
    app.setStyle("Fusion")


class Windows(QObject):
    """The open windows, one per document; files from the desktop get their own."""

    def __init__(self, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self._open: list[MainWindow] = []

    def add(self, paths: Sequence[Path] = ()) -> MainWindow:
        """Open another window, with files to open in it."""
        window = MainWindow(self._settings)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.window_asked.connect(self.open_file)
        window.destroyed.connect(self._forget)
        if self._open:
            window.move(self._open[-1].pos() + QPoint(30, 30))
        self._open.append(window)
        if paths:
            # They are what is to be seen, even while they are being read.
            window.whole.new()
        else:
            window.files.start_first()
        window.show()
        window.values.setFocus()
        if not paths:
            # The value that is clipped: what is to be seen first.
            window.files.choose_worst()
        window.open_paths(list(paths))
        if len(self._open) == 1:
            window.recovery.look()
        return window

    def keep(self) -> None:
        """Keep unsaved changes of all windows: the program is about to exit."""
        for window in self._open:
            if isValid(window):
                window.recovery.keep_now()
        self._settings.sync()

    def open_file(self, path: Path | None) -> None:
        """Open a new window, with a file if given."""
        self.add([] if path is None else [path])

    def _forget(self) -> None:
        self._open = [window for window in self._open if isValid(window)]


def _files(words: Sequence[str]) -> list[Path]:
    if not words:
        return []
    from quantoscope.gui.command_line import files_of  # imports the whole command line

    return files_of(words)


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window with the given files; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Only the name: QApplication crashes on arguments that are not UTF-8.
    app = Application(["quantoscope"])
    prepare(app)
    Collector(app)
    reporter = ErrorReporter()
    reporter.install()
    windows = Windows(Settings(), app)
    ending = Ending(windows.keep, app)
    windows.add(_files(arguments))
    app.file_asked.connect(windows.open_file)
    status = app.exec()
    ending.uninstall()
    reporter.uninstall()
    if still_running():
        # Python would wait for the job's threads. All data has been written.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
