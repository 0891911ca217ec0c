"""Value table model: one row per value with R, editable, and the active scheme's stages."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QColor

from quantoscope.engine import QParams, Stage, Trace, trace
from quantoscope.engine.analysis.formulas import symbolic
from quantoscope.engine.analysis.value_trace import stages_of
from quantoscope.gui.common.localized_numbers import (
    digits_apart,
    digits_within,
    exact,
    filled,
    full,
    short,
)
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document import commands
from quantoscope.gui.document.evaluator import LIVE_LIMIT
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.array_model import MARKS, PAGE, RIGHT, ArrayModel, Index
from quantoscope.gui.models.beside import Column, columns_beside

SHEET = 10_000_000
"""Rows per page: Qt fails beyond 2^31 pixels, which is 97 million rows."""
REAL = Stage("real", "R", "R")
ROLES = {
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.EditRole,
    Qt.ItemDataRole.UserRole,
    Qt.ItemDataRole.TextAlignmentRole,
    Qt.ItemDataRole.BackgroundRole,
    Qt.ItemDataRole.ForegroundRole,
    Qt.ItemDataRole.ToolTipRole,
}
"""Roles that cells support; views query as many others."""


class SortOrder(Enum):
    """Order of rows by a column."""

    ASCENDING = "ascending"
    DESCENDING = "descending"
    MAGNITUDE = "magnitude"
    """The largest magnitude first, regardless of sign."""


class ValuesModel(ArrayModel):
    """A view of the session's array as one column of numbers, and stages computed for the rows
    that are looked at.

    An array with one axis has one more, empty row at its end: typing there appends.
    """  # noqa: D205

    columns_changed = Signal()
    """The active scheme has other columns."""
    array_shown = Signal()
    """Another array is shown, which may have as many rows."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QObject | None = None
    ) -> None:
        super().__init__(session, settings, theme, parent)
        self._order: np.ndarray | None = None
        self._pages: dict[int, Trace | None] = {}
        self._qparams: QParams | None = None
        self._moved = True
        self._columns: tuple[Stage, ...] = (REAL,)
        self._beside: dict[Stage, Column] = {}
        self._rows = 0
        self.sheet = 0
        self._error_digits = 99
        self._take_scheme()
        session.array_reset.connect(self._reset)
        session.values_changed.connect(self._on_values_changed)
        session.evaluator.evaluated.connect(self._on_evaluated)
        session.active_changed.connect(self._on_evaluated)
        session.device_changed.connect(self._on_evaluated)
        settings.digits_changed.connect(self._tell_all_changed)
        self._rows = self._row_count()

    # Shape

    def _row_count(self) -> int:
        appendable = self._array.ndim == 1 and self._order is None
        left = self._array.size - self.first
        return min(left, SHEET) + (appendable and left <= SHEET)

    @property
    def last(self) -> int:
        """Index of the last value on the current page."""
        return min(self.first + SHEET, self._array.size) - 1

    @property
    def first(self) -> int:
        """Index of the first row of the current page."""
        return self.sheet * SHEET

    @property
    def sheets(self) -> int:
        """Number of pages."""
        return max(1, -(-self._array.size // SHEET))

    def turn_to(self, sheet: int) -> None:
        """Show another page."""
        if sheet != self.sheet and 0 <= sheet < self.sheets:
            self.beginResetModel()
            self.sheet = sheet
            self._pages.clear()
            self._rows = self._row_count()
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._rows

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._columns)

    @property
    def keys(self) -> list[str]:
        """Keys of the columns in a trace."""
        return [column.key for column in self._columns]

    def position(self, row: int) -> int | None:
        """Return the flat position of a row; None for the empty last row."""
        return None if row < 0 else self.position_at(self.first + row)

    def position_at(self, place: int) -> int | None:
        """Return the flat position at an index over all pages; None if there is none."""
        if not 0 <= place < self._array.size:
            return None
        return place if self._order is None else int(self._order[place])

    def positions(self, rows: np.ndarray) -> np.ndarray:
        """Return the flat positions of rows, without the empty last row."""
        places = self.first + rows
        places = places[places < self._array.size]
        return places if self._order is None else self._order[places]

    def row_of(self, position: int) -> int:
        """Return the row of a flat position, turning to its page."""
        place = position
        if self._order is not None:
            place = int(np.flatnonzero(self._order == position)[0])
        self.turn_to(place // SHEET)
        return place - self.first

    # Contents

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            stage = self._columns[section] if section < len(self._columns) else REAL
            if role == Qt.ItemDataRole.DisplayRole:
                return stage.symbol
            if role == Qt.ItemDataRole.ToolTipRole:
                return plain_tip(self._column_tip(stage))
        elif role == Qt.ItemDataRole.DisplayRole:
            position = self.position(section)
            return "+" if position is None else commands.position_text(self._session, position)
        return None

    def _column_tip(self, stage: Stage) -> str:
        if stage.key == "real":
            return self.tr("The real value; edit it here. Click to sort.")
        if stage in self._beside:
            return stage.formula
        if stage.key == "code":
            return self.tr("The stored code: the bits of the number, or its index.")
        return f"{stage.symbol} = {symbolic(stage.formula, self._columns)}"

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.column() == 0:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role not in ROLES or not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        position = self.position(index.row())
        if position is None:
            return None
        if index.column() == 0 and role in (Qt.ItemDataRole.EditRole, Qt.ItemDataRole.UserRole):
            return full(self._array.reshape(-1)[position])
        column = self._columns[index.column()]
        if column.key == "real" and role == Qt.ItemDataRole.DisplayRole:
            return self._data_text(self._array.reshape(-1)[position], self._settings.digits)
        if column in self._beside:
            return self._data_beside(column, position, role)
        page = self._page(index.row() // PAGE)
        if page is None:
            return None
        at = index.row() % PAGE
        saturated = int(page.saturated[at])
        if role == Qt.ItemDataRole.DisplayRole:
            if column.key == "code":
                nan = np.isnan(page["real"][at])
                return "" if nan else page.qparams.format.label(int(page["code"][at]))
            value = page[column.key][at]
            digits = self._settings.digits
            if column.key in ("real", "reconstructed"):
                text = self._data_text(value, digits)
            else:
                least = min(digits, self._error_digits) if column.key == "error" else digits
                text = short(value, digits_within(value, _codes_span(page.qparams), least))
            return f"{MARKS[saturated]} {text}" if saturated and column.key == "clipped" else text
        if role in (Qt.ItemDataRole.EditRole, Qt.ItemDataRole.UserRole):
            return full(page[column.key][at])
        if role == Qt.ItemDataRole.BackgroundRole and saturated:
            return self._theme.tint(self._theme.alarm, 0.16)
        if role == Qt.ItemDataRole.BackgroundRole and np.isnan(page["real"][at]):
            return self._theme.tint(self._theme.muted, 0.22)
        if role == Qt.ItemDataRole.ForegroundRole and column.key == "real":
            return QColor(self._theme.foreground)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._value_tip(page, at, column, saturated))
        return None

    @property
    def more_digits(self) -> tuple[int, int]:
        """Extra digits of R and R′, and of numbers in steps of S."""
        digits, summary = self._settings.digits, self._session.evaluator.snapshot.summary
        largest = max(abs(summary.low), abs(summary.high))
        of_values = digits_within(largest, summary.high - summary.low, digits) - digits
        if self._qparams is None:
            return of_values, 0
        z = float(np.max(np.abs(self._qparams.zero_point)))
        return of_values, digits_within(z, _codes_span(self._qparams), digits) - digits

    @property
    def longest_code(self) -> str:
        """The longest text of a clipped integer code; empty if codes stand for other numbers."""
        p = self._qparams
        if p is None or not p.format.integer:
            return ""
        return max((f"{MARKS[1]} {end:.0f}" for end in (p.qmin, p.qmax)), key=len)

    def limit_error(self, digits: int) -> None:
        """Set the maximum number of digits of errors."""
        if digits != self._error_digits:
            self._error_digits = digits
            self._tell_all_changed()

    def _data_beside(self, column: Stage, position: int, role: int) -> Any:
        """Return the stored or device data at a position."""
        value = self._beside[column](position)
        if role == Qt.ItemDataRole.DisplayRole:
            return short(value, self._settings.digits)
        if role in (Qt.ItemDataRole.EditRole, Qt.ItemDataRole.UserRole):
            return full(value)
        return None

    def values(self, column: int, positions: np.ndarray) -> np.ndarray:
        """Return the numbers of a column at flat positions; R if nothing is computed."""
        stage = self._columns[column]
        if stage in self._beside:
            return np.asarray(self._beside[stage](positions))
        if stage.key == "real" or self._qparams is None:
            return self._array.reshape(-1)[positions]
        return trace(self._array, self._qparams, positions)[stage.key]

    def _value_tip(self, page: Trace, at: int, column: Stage, saturated: int) -> str:
        lines = [f"{column.symbol} = {exact(page[column.key][at])}"]
        p = page.qparams
        if saturated:
            # Enough digits to show that the number is beyond the code.
            ends = float(page.unclipped[at]), float(p.qmax if saturated > 0 else p.qmin)
            digits = digits_apart(ends, self._settings.digits)
            text = (
                self.tr("▼ Clipped: %1 lies above the last code %2.")
                if saturated > 0
                else self.tr("▲ Clipped: %1 lies below the first code %2.")
            )
            lines.append(filled(text, *(short(end, digits) for end in ends)))
        elif np.isnan(page["real"][at]):
            lines.append(self.tr("NaN has no code: it is left out of the range and the metrics."))
        return "\n".join(lines)

    def _page(self, number: int) -> Trace | None:
        """Return the stages of a page of rows, computed on first access."""
        if self._qparams is None:
            return None
        if number not in self._pages:
            if len(self._pages) > 64:
                self._pages.clear()
            where = self.positions(np.arange(number * PAGE, (number + 1) * PAGE))
            self._pages[number] = trace(self._array, self._qparams, where)
        return self._pages[number]

    # Editing

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Commit typed text; ``rejected`` says why if it returns False."""
        self.rejected = ""
        if role != Qt.ItemDataRole.EditRole or index.column() != 0:
            return False
        text = str(value).strip()
        position = self.position(index.row())
        if position is None and not text:
            return False
        number = self._number(text)
        if number is None:
            return False
        if position is None:
            size = self._array.size
            label = filled(self.tr("Append value %1"), size)
            commands.splice(self._session, size, 0, np.array([number]), label)
            self._session.view.choose(size)
            commands.tell_rounded(self._session, text, number)
        else:
            self._edit(position, text, number)
        return True

    # Sorting changes the view alone

    @property
    def sorted(self) -> bool:
        """Whether rows are in another order than the array's."""
        return self._order is not None

    def sort_by(self, column: int | None, how: SortOrder = SortOrder.ASCENDING) -> None:
        """Sort the rows by a column; None restores the array's order."""
        order: np.ndarray | None = None
        if column is not None and self._array.size:
            values = self.values(column, np.arange(self._array.size))
            if values.dtype.kind in "ub":
                values = values.astype(np.int64)  # -1 of these is a large number
            if how is SortOrder.MAGNITUDE:
                values = np.abs(values)
            order = np.argsort(values if how is SortOrder.ASCENDING else -values, kind="stable")
        self.beginResetModel()
        self._order = order
        self.sheet = 0
        self._pages.clear()
        self._rows = self._row_count()
        self.endResetModel()

    # Following the session

    def _take_scheme(self) -> None:
        """Update columns and parameters for the active scheme."""
        before, self._qparams = self._qparams, self._session.evaluator.parameters
        self._beside = columns_beside(self._session)
        self._columns = self._columns_now(self._beside)
        self._moved = self._qparams is None or self._qparams != before
        if self._moved:
            self._pages.clear()

    def _columns_now(self, beside: dict[Stage, Column]) -> tuple[Stage, ...]:
        entry = self._session.active
        return (REAL, *(stages_of(entry.scheme) if entry else ()), *beside)

    def _reset(self) -> None:
        columns, sorted_ = self._columns, self.sorted
        self._order = None
        self._take_scheme()
        turned, self.sheet = self.sheet, min(self.sheet, self.sheets - 1)
        self._pages.clear()
        rows, none = self._row_count(), QModelIndex()
        if sorted_ or columns != self._columns or turned != self.sheet:
            self.beginResetModel()
            self._rows = rows
            self.endResetModel()
        elif rows > self._rows:
            # No reset if rows are added or removed: it would take the focus from an open editor.
            self.beginInsertRows(none, self._rows, rows - 1)
            self._rows = rows
            self.endInsertRows()
        elif rows < self._rows:
            self.beginRemoveRows(none, rows, self._rows - 1)
            self._rows = rows
            self.endRemoveRows()
        # Qt looks at every row of ``headerDataChanged``: the pane has the heads painted again.
        self._tell_all_changed()
        self.array_shown.emit()

    def _on_evaluated(self) -> None:
        if self._columns_now(columns_beside(self._session)) != self._columns:
            self.beginResetModel()
            self._take_scheme()
            self.endResetModel()
            self.columns_changed.emit()
        else:
            self._take_scheme()
            # With unchanged parameters only edited values have changed, and are displayed.
            if self._moved and self._array.size > LIVE_LIMIT:
                self._session.paint_queue.take(self, self._tell_all_changed)
            elif self._moved:
                self._tell_all_changed()

    def _on_values_changed(self, start: int, stop: int) -> None:
        if self._order is not None:
            self._pages.clear()
            self._tell_all_changed()
            return
        first, last = max(0, start - self.first), min(stop - self.first, self._rows) - 1
        for page in [p for p in self._pages if first // PAGE <= p <= last // PAGE]:
            del self._pages[page]
        if first <= last:
            corner = self.index(last, len(self._columns) - 1)
            self.dataChanged.emit(self.index(first, 0), corner)


def _codes_span(p: QParams) -> float:
    """Return the distance of the first and last code; 0 if Z is among or near them."""
    codes = float(p.qmax) - float(p.qmin)
    return codes if bool(np.max(np.abs(p.zero_point)) > 2 * codes) else 0.0
