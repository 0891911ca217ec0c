"""How large dialogs open: as they ask, where the screen has that much room."""

from __future__ import annotations

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

_FRAME = QSize(20, 50)
"""What a window's frame and its title take."""


def open_at(dialog: QWidget, width: int, height: int) -> None:
    """Give a dialog a size, or less of it where the screen is smaller."""
    room = dialog.screen().availableSize() - _FRAME
    dialog.resize(QSize(width, height).boundedTo(room))
