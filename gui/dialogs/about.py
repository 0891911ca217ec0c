"""The about box."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMessageBox, QWidget

from quantoscope.gui.common.error_reports import log_path, versions
from quantoscope.gui.common.theme import app_icon

_tr = partial(QCoreApplication.translate, "about")


def show_about(parent: QWidget) -> None:
    """Say what the program is and which versions it runs on."""
    box = QMessageBox(parent)
    box.setWindowTitle(_tr("About Quantoscope"))
    box.setIconPixmap(app_icon().pixmap(72, 72))
    box.setText(f"<h3>Quantoscope</h3><p>{_tr('See what quantization does to numbers.')}</p>")
    box.setInformativeText(f"{versions()}\n\n{_tr('Log file:')} {log_path()}")
    copy = box.addButton(_tr("Copy versions"), QMessageBox.ButtonRole.ActionRole)
    box.addButton(QMessageBox.StandardButton.Close)
    box.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    box.exec()
    if box.clickedButton() is copy:
        QGuiApplication.clipboard().setText(versions())
    box.deleteLater()
