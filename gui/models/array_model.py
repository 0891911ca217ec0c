"""What the table of values and the grid have in common: they show and edit the same array."""

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
"""Values of which the stages are computed together, when one of them is first looked at."""
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
MARKS = {1: "▼", -1: "▲"}


class ArrayModel(QAbstractTableModel):
    """A view of the document's array whose cells can be typed over.

    Attributes
    ----------
    rejected : str
        Why the text that was typed last is no value; empty where it is one.
    """

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self.rejected = ""

    @property
    def _array(self) -> FloatArray:
        """The array as it is now, edits included."""
        return self._session.array

    def _number(self, text: str) -> float | None:
        """Read a typed text; where it is no number, ``rejected`` says why."""
        number = typed_number(text)
        self.rejected = number if isinstance(number, str) else ""
        return None if isinstance(number, str) else number

    def _edit(self, position: int, text: str, number: float) -> None:
        """Put a number that was typed at a flat position."""
        commands.edit_value(self._session, position, number)
        commands.tell_rounded(self._session, text, number)

    def _data_text(self, value: Any, digits: int) -> str:
        """Write a value of R or R′."""
        return of_data(value, self._session.evaluator.snapshot.summary, digits)

    def _tell_all_changed(self) -> None:
        rows, columns = self.rowCount(), self.columnCount()
        if rows and columns:
            self.dataChanged.emit(self.index(0, 0), self.index(rows - 1, columns - 1))

    def restyle(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self._tell_all_changed()
