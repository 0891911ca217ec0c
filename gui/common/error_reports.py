"""Reports of uncaught exceptions and crashes: dialog and log files."""

from __future__ import annotations

import faulthandler
import logging
import platform
import sys
import threading
import traceback
from functools import partial
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType
from typing import TextIO

from PySide6.QtCore import QCoreApplication, QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox

from quantoscope.engine.numerics.mapped_arrays import FileChangedError
from quantoscope.gui.common.localized_numbers import filled

log = logging.getLogger("quantoscope")

_tr = partial(QCoreApplication.translate, "versions")


def log_path() -> Path:
    """Path of the log file."""
    place = QStandardPaths.StandardLocation.AppLocalDataLocation
    return Path(QStandardPaths.writableLocation(place)) / "quantoscope.log"


def crash_path() -> Path:
    """Path of the stack traces of native crashes, which Python cannot catch."""
    return log_path().with_name("crash.log")


def versions() -> str:
    """Versions for an error report, one per line."""
    import numpy
    import pyqtgraph
    import PySide6

    from quantoscope import engine

    return "\n".join(
        (
            f"Quantoscope {engine.__version__}",
            f"Python {platform.python_version()} on {platform.platform()}",
            f"Qt for Python {PySide6.__version__}, platform {QGuiApplication.platformName()}",
            f"pyqtgraph {pyqtgraph.__version__}, numpy {numpy.__version__}",
            _evaluation(),
        )
    )


def _evaluation() -> str:
    """What evaluates."""
    from quantoscope.engine.numerics.loops import SWITCH, Means, means

    texts = {
        Means.COMPILED: _tr("Evaluation: compiled loops"),
        Means.NOT_BUILT: _tr("Evaluation: numpy alone, as the compiled loops are not built"),
        Means.OUTDATED: _tr(
            "Evaluation: numpy alone, as the compiled loops are of another version: install again"
        ),
        Means.SWITCHED_OFF: filled(
            _tr("Evaluation: numpy alone, as %1=0 switches the compiled loops off"), SWITCH
        ),
    }
    return texts[means()]


class ErrorReporter(QObject):
    """Handler of uncaught exceptions on any thread; the program continues."""

    _raised = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._box: QMessageBox | None = None
        self._raised.connect(self._show)
        self._handler: logging.Handler | None = None
        self._crash: TextIO | None = None
        self._before = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Install the exception hooks and open the log file."""
        path = log_path()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not faulthandler.is_enabled():
                self._crash = crash_path().open("a", encoding="utf-8")
                faulthandler.enable(self._crash)
            self._handler = RotatingFileHandler(
                path, maxBytes=500_000, backupCount=1, encoding="utf-8", delay=True
            )
            self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
            log.addHandler(self._handler)
        except OSError:
            self._handler = None
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def uninstall(self) -> None:
        """Restore the previous hooks."""
        sys.excepthook, threading.excepthook = self._before
        if self._handler is not None:
            log.removeHandler(self._handler)
            self._handler.close()
            self._handler = None
        if self._crash is not None:
            faulthandler.disable()
            self._crash.close()
            self._crash = None

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QApplication.quit()
            return
        if isinstance(error, FileChangedError):
            # Raised wherever values are read: another program may change a file at any time.
            self._raised.emit(str(error), "")
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        log.error("unexpected exception\n%s", details)
        if sys.stderr is not None:
            print(details, file=sys.stderr)
        self._raised.emit(f"{kind.__name__}: {error}", details)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._on_exception(args.exc_type, args.exc_value, args.exc_traceback)

    def _show(self, summary: str, details: str) -> None:
        # Errors while the dialog is open are only logged.
        if self._box is not None or QApplication.instance() is None:
            return
        # Keep a reference: without an active window, nothing else does.
        self._box = box = QMessageBox(QApplication.activeWindow())
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Warning)
        box.setWindowTitle(self.tr("Something went wrong"))
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(summary)
        box.addButton(QMessageBox.StandardButton.Close)
        # Also emitted if its parent dialog is destroyed.
        box.destroyed.connect(self._on_closed)
        if details:
            self._show_details(box, summary, details)
        box.open()

    def _show_details(self, box: QMessageBox, summary: str, details: str) -> None:
        """Turn a box into a report of an unexpected error."""
        box.setText(
            self.tr(
                "An unexpected error occurred. Your values and schemes are kept: "
                "continue, and undo the last step if it looks wrong."
            )
        )
        box.setInformativeText(filled(self.tr("%1\nThe log file is %2."), summary, log_path()))
        box.setDetailedText(f"{details}\n{versions()}")
        copy = box.addButton(self.tr("Copy details"), QMessageBox.ButtonRole.ActionRole)
        copy.clicked.disconnect()
        self._details = f"{summary}\n{details}\n{versions()}"
        copy.clicked.connect(self._copy)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)

    def _on_closed(self) -> None:
        self._box = None
