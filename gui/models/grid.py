"""Grid model: a plane of an array with two or more axes, as a heat map."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QModelIndex, QObject, Qt
from PySide6.QtGui import QColor

from quantoscope.engine import Evaluation
from quantoscope.engine.evaluation.result import EvaluatedPart
from quantoscope.engine.numerics.kernels import extremes
from quantoscope.gui.common.localized_numbers import exact, full, short
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import COLOURS, Theme
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.array_model import MARKS, PAGE, RIGHT, ArrayModel, Index

QUANTITIES = ("R", "R′", "error", "Q")
MOST_PAGES = 512
_OF_PART = {"R′": "reconstructed", "error": "error", "Q": "codes"}
_ROLES = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.EditRole,
    Qt.ItemDataRole.BackgroundRole,
    Qt.ItemDataRole.ToolTipRole,
)


class GridModel(ArrayModel):
    """Rows and columns of the last two axes; ``slice`` fixes the others."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QObject | None = None
    ) -> None:
        super().__init__(session, settings, theme, parent)
        self.slice: tuple[int, ...] = ()
        self.quantity = "R"
        self._known_reach: float | None = None
        self._pages: dict[int, EvaluatedPart] = {}
        self._shape = self._plane_shape()
        session.array_reset.connect(self._reset)
        session.values_changed.connect(self._refresh)
        session.evaluator.evaluated.connect(self._refresh)
        session.active_changed.connect(self._refresh)
        settings.digits_changed.connect(self._refresh)

    def _plane_shape(self) -> tuple[int, int]:
        shape = self._array.shape
        return (shape[-2], shape[-1]) if len(shape) >= 2 else (0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._shape[0]

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else self._shape[1]

    def set_slice(self, fixed: tuple[int, ...]) -> None:
        """Show another plane of the array."""
        self.beginResetModel()
        self.slice = fixed
        self._forget()
        self.endResetModel()

    def set_quantity(self, quantity: str) -> None:
        """Show R, R′, the error or the codes."""
        self.quantity = quantity
        self._refresh()

    def position(self, row: int, column: int) -> int:
        """Return the flat position of a cell."""
        index = (*self.slice, row, column)
        return int(np.ravel_multi_index(index, self._array.shape))

    def cell_of(self, position: int) -> tuple[tuple[int, ...], int, int]:
        """Return the slice, row and column of a flat position."""
        index = [int(i) for i in np.unravel_index(position, self._array.shape)]
        return tuple(index[:-2]), index[-2], index[-1]

    @property
    def _evaluation(self) -> Evaluation | None:
        return self._session.evaluator.fitting_evaluation

    def _page(self, number: int) -> EvaluatedPart | None:
        """Return the evaluation of a range of values, computed on first access."""
        evaluation = self._evaluation
        if evaluation is None:
            return None
        if number not in self._pages:
            if len(self._pages) > MOST_PAGES:
                self._pages.clear()
            self._pages[number] = evaluation.part(slice(number * PAGE, (number + 1) * PAGE))
        return self._pages[number]

    def _value(self, position: int, page: EvaluatedPart | None) -> Any:
        """Return the displayed quantity of one value."""
        if self.quantity == "R":
            return self._array.reshape(-1)[position]
        return None if page is None else getattr(page, _OF_PART[self.quantity])[position % PAGE]

    def values_at(self, positions: np.ndarray) -> np.ndarray | None:
        """Return the displayed quantity at flat positions; None if unknown."""
        if self.quantity == "R":
            return np.asarray(self._array.reshape(-1)[positions])
        if self._evaluation is None:
            return None
        part = self._evaluation.part(positions.reshape(-1))
        values: np.ndarray = getattr(part, _OF_PART[self.quantity])
        return values.reshape(positions.shape)

    def _forget(self) -> None:
        self._known_reach = None
        self._pages.clear()

    @property
    def _reach(self) -> float:
        """Return the largest finite magnitude in the plane, for the full tint."""
        if self._known_reach is None:
            self._known_reach = self._measured()
        return self._known_reach

    def _measured(self) -> float:
        rows, columns = self._shape
        start = self.position(0, 0)
        stop, evaluation = start + rows * columns, self._evaluation
        if self.quantity == "R":
            plane: np.ndarray = self._array.reshape(-1)[start:stop]
        elif evaluation is None:
            return 1.0
        elif self.quantity == "Q":
            plane = evaluation.codes.reshape(-1)[start:stop].astype(np.float32)
        else:
            kind = _OF_PART[self.quantity]

            def values(first: int, last: int) -> np.ndarray:
                return np.asarray(getattr(evaluation.part(slice(first, last)), kind))

            curve = getattr(evaluation.curves, kind)
            ends = curve.envelope(1, start, stop, values)
            plane = np.concatenate([ends.low, ends.high])
        ends_of_plane = extremes(plane)
        reach = max(-float(ends_of_plane.low), float(ends_of_plane.high))
        return reach if reach > 0 else 1.0

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        return section if role == Qt.ItemDataRole.DisplayRole else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        editable = index.isValid() and self.quantity == "R"
        return super().flags(index) | (
            Qt.ItemFlag.ItemIsEditable if editable else Qt.ItemFlag.NoItemFlags
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT
        if role not in _ROLES or len(self.slice) != self._array.ndim - 2:
            return None
        position = self.position(index.row(), index.column())
        page = self._page(position // PAGE)
        value = self._value(position, page)
        if value is None:
            return None
        saturated = 0 if page is None else int(page.saturated[position % PAGE])
        if role == Qt.ItemDataRole.DisplayRole:
            text = self._text(value)
            return f"{MARKS[saturated]} {text}" if saturated else text
        if role == Qt.ItemDataRole.EditRole:
            return full(value)
        if role == Qt.ItemDataRole.BackgroundRole:
            return self._tint(float(value))
        if role == Qt.ItemDataRole.ToolTipRole:
            name = commands.position_text(self._session, position)
            tip = f"{name}: {self.quantity} = {exact(value)}"
            if saturated:
                tip = f"{tip}\n{self.tr('Clipped by the active scheme.')}"
            return plain_tip(tip)
        return None

    def _text(self, value: Any) -> str:
        evaluation = self._session.evaluator.active_evaluation
        if self.quantity == "Q" and evaluation is not None:
            return evaluation.qparams.format.label(int(value))
        digits = min(self._settings.digits, 4)
        if self.quantity in ("R", "R′"):
            return self._data_text(value, digits)
        return short(value, digits)

    def _tint(self, value: float) -> QColor | None:
        """Return orange above zero, blue below, stronger for larger magnitudes."""
        if not np.isfinite(value) or value == 0:
            return None
        colour = COLOURS[0 if value > 0 else 1][2 if self._theme.dark else 1]
        return self._theme.tint(colour, 0.06 + 0.5 * min(1.0, abs(value) / self._reach))

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Commit typed text; ``rejected`` says why if it returns False."""
        self.rejected = ""
        if role != Qt.ItemDataRole.EditRole or self.quantity != "R":
            return False
        number = self._number(str(value).strip())
        if number is None:
            return False
        self._edit(self.position(index.row(), index.column()), str(value), number)
        return True

    def _reset(self) -> None:
        self.beginResetModel()
        self._shape = self._plane_shape()
        self.slice = (0,) * max(0, self._array.ndim - 2)
        self._forget()
        self.endResetModel()

    def _refresh(self, *_: Any) -> None:
        self._forget()
        self._tell_all_changed()
