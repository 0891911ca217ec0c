"""Starts the program: the application object, error reports, files from the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication

from engine import __version__
from gui.errors import ErrorReporter
from gui.main_window import MainWindow
from gui.settings import Settings
from gui.theme import app_icon


class Application(QApplication):
    """The application; tells of files that the desktop asks it to open."""

    file_asked = Signal(str)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QFileOpenEvent):
            self.file_asked.emit(event.file())
            return True
        return super().event(event)


def prepare(app: QApplication) -> None:
    """Give the application its names and its style."""
    QCoreApplication.setApplicationName("Quantoscope")
    QCoreApplication.setOrganizationName("Quantoscope")
    QCoreApplication.setApplicationVersion(__version__)
    app.setDesktopFileName("org.quantoscope.Quantoscope")
    app.setWindowIcon(app_icon())
    app.setStyle("Fusion")


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, with the files that are named; return the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    app = Application(["quantoscope", *arguments])
    prepare(app)
    reporter = ErrorReporter()
    reporter.install()
    window = MainWindow(Settings())
    window.files.start_first()
    paths = [Path(a) for a in app.arguments()[1:] if not a.startswith("-")]
    window.show()
    window.open_paths(paths)

    def open_file(path: str) -> None:
        window.open_paths([Path(path)])

    app.file_asked.connect(open_file)
    status = app.exec()
    reporter.uninstall()
    return status
