"""Base of the value table: display and editing of the array."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.gui.common.localized_numbers import of_data, typed_number
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session

Index = QModelIndex | QPersistentModelIndex
PAGE = 256
"""Values whose stages are computed together, on first access to one."""
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
MARKS = {1: "▼", -1: "▲"}


class ArrayModel(QAbstractTableModel):
    """Model of the document's array with editable cells."""

    rejected = ""
    """Why the last typed text is invalid; empty if it is valid."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme

    @property
    def _array(self) -> FloatArray:
        """The current array, including edits."""
        return self._session.array

    def _number(self, text: str) -> float | None:
        """Parse a typed text; on failure set ``rejected``."""
        number = typed_number(text)
        self.rejected = number if isinstance(number, str) else ""
        return None if isinstance(number, str) else number

    def _edit(self, position: int, text: str, number: float) -> None:
        """Set the value at a flat position."""
        commands.edit_value(self._session, position, number)
        commands.tell_rounded(self._session, text, number)

    def _data_text(self, value: Any, digits: int) -> str:
        """Return a value of R or R′ as text."""
        return of_data(value, self._session.evaluator.snapshot.summary, digits)

    def _tell_all_changed(self) -> None:
        rows, columns = self.rowCount(), self.columnCount()
        if rows and columns:
            self.dataChanged.emit(self.index(0, 0), self.index(rows - 1, columns - 1))

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self._tell_all_changed()
