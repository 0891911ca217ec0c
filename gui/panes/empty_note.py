"""Placeholder of an empty pane: a sentence with buttons to fill it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from quantoscope.gui.common.widgets import plain_label, vbox


class EmptyNote(QWidget):
    """A sentence above a row of buttons."""

    def __init__(self, sentence: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.label = plain_label(self, sentence)
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._buttons = QHBoxLayout()
        self._buttons.setAlignment(Qt.AlignmentFlag.AlignCenter)
        vbox(self, 1, self.label, self._buttons, 2, margins=None)

    def offer(self, offers: Sequence[QAction | QMenu]) -> None:
        """Add a button for each action or menu."""
        for offered in offers:
            button = QToolButton(self)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            if isinstance(offered, QMenu):
                button.setText(offered.title().replace("&", ""))
                button.setMenu(offered)
                button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
            else:
                button.setDefaultAction(offered)
            self._buttons.addWidget(button)
