"""Exceptions that nobody expected, and a known fault of the toolkit."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QDialog, QMessageBox
from shiboken6 import isValid

from quantoscope import engine
from quantoscope.gui.common.error_reports import ErrorReporter, log_path

ROOT = Path(__file__).parents[2]

# Errors nobody expected


def test_an_unexpected_exception_is_shown_and_logged_and_the_program_goes_on(
    window, qtbot, dialog, person, monkeypatch
):
    person.edit_cell(window.values.table, 0, "0.5")
    reporter = ErrorReporter()
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    reporter.install()
    seen = []

    def look(box):
        assert isinstance(box, QMessageBox)
        seen.append((box.text(), box.informativeText(), box.detailedText()))
        texts = {b.text().replace("&", ""): b for b in box.buttons()}
        texts["Copy details"].click()
        box.close()

    def fault():
        raise ZeroDivisionError("a fault of the test")

    try:
        action = QAction("fault", window)
        action.triggered.connect(fault)
        with dialog(look):
            action.trigger()
    finally:
        reporter.uninstall()
        reporter.deleteLater()
    text, informative, details = seen[0]
    assert "are kept" in text
    assert "ZeroDivisionError: a fault of the test" in informative
    assert str(log_path()) in informative
    assert "Traceback" in details
    assert f"Quantoscope {engine.__version__}" in details
    assert "a fault of the test" in person.clipboard()
    assert "a fault of the test" in log_path().read_text(encoding="utf-8")
    assert window.session.array[0] == 0.5
    person.edit_cell(window.values.table, 1, "0.75")
    assert window.session.array[1] == 0.75


def test_an_error_is_shown_though_the_dialog_of_the_one_before_went_with_its_parent(
    window, qtbot, monkeypatch
):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    reporter = ErrorReporter()
    reporter.install()
    try:
        below = QDialog(window)
        below.open()
        below.activateWindow()
        qtbot.waitUntil(lambda: QApplication.activeWindow() is below)
        fault = ZeroDivisionError("a fault of the test")
        sys.excepthook(ZeroDivisionError, fault, None)
        qtbot.waitUntil(lambda: bool(below.findChildren(QMessageBox)))
        below.deleteLater()
        qtbot.waitUntil(lambda: not isValid(below))
        sys.excepthook(ZeroDivisionError, fault, None)
        # No window is active now, and still it stays to be read.
        QApplication.processEvents()
        (box,) = (w for w in QApplication.topLevelWidgets() if isinstance(w, QMessageBox))
        assert box.isVisible()
        box.close()
    finally:
        reporter.uninstall()
        reporter.deleteLater()


def test_a_crash_of_a_library_leaves_where_it_was():
    crash = (
        "import faulthandler, sys; from quantoscope.gui.app import Application, prepare;"
        "from quantoscope.gui.common.error_reports import ErrorReporter;"
        "app = Application([]); prepare(app); ErrorReporter().install();"
        "faulthandler._sigsegv()"
    )
    done = subprocess.run([sys.executable, "-c", crash], capture_output=True, cwd=ROOT)
    assert done.returncode < 0
    (left,) = Path.home().rglob("crash.log")
    assert "Segmentation fault" in left.read_text(encoding="utf-8")
    assert left.parent == log_path().parent


# The toolkit


def counts_references_to_none():
    """Tell whether this Python counts them: where None is immortal, none can be lost."""
    before = sys.getrefcount(None)
    held = [None] * 1000
    return sys.getrefcount(None) - before >= len(held)


@pytest.mark.skipif(not counts_references_to_none(), reason="None is immortal in this Python")
def test_calls_into_qt_keep_their_references_to_none(window):
    before = sys.getrefcount(None)
    for _ in range(500):
        window.values.table.setFocus()
        window.statusBar().summary.setText("text")
        window.places["signal"].setWindowTitle("Signal")
        QApplication.processEvents()
    assert abs(sys.getrefcount(None) - before) < 400
