"""Initial size of dialogs, limited to the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

_FRAME = QSize(20, 50)
"""Room for a window's frame and title."""


def open_at(dialog: QWidget, width: int, height: int) -> None:
    """Resize a dialog, limited to the screen."""
    room = dialog.screen().availableSize() - _FRAME
    dialog.resize(QSize(width, height).boundedTo(room))
