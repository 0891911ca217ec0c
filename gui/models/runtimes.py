"""Runtimes model: one row per runtime, with what differs from the active scheme."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor

from quantoscope.engine import RUNTIMES
from quantoscope.engine.analysis.runtime_matrix import Difference, RuntimeMatrix, RuntimeRow
from quantoscope.engine.schemes.runtimes import Evidence
from quantoscope.gui.common.localized_numbers import filled, percent, position_text
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.models.array_model import Index

RUNTIME, EVIDENCE, SCALES, ZEROS, CODES, VALUES, WHY = range(7)
EQUAL, DIFFERS, IN_LAST_DIGIT = "=", "◆", "◇"
CIRCLES = {Evidence.VERIFIED: "●", Evidence.IN_PART: "◐", Evidence.DOCUMENTED: "○"}
LEAST_SHARE = 0.001
"""Smallest share in per cent that is told as a number."""
TINT = "#C08A2E"
"""Of cells with differences: no scheme's colour."""
ACTIVE_WASH = 0.16
"""Opacity of the highlight behind the active scheme's row."""


def share(part: int, whole: int) -> str:
    """Return a share in per cent; one that is too small for a number is told as such."""
    tiny = 0 < 100 * part < LEAST_SHARE * whole
    return f"< {LEAST_SHARE} %" if tiny else percent(part, whole)


def tint_of(counted: Difference, theme: Theme) -> QColor:
    """Return the background of a cell: darker, the more differ beyond the last digit."""
    beyond = (counted.count - counted.last) / max(1, counted.of)
    return theme.washed(TINT, 0.14 + 0.4 * beyond**0.5)


def worked_through(row: RuntimeRow, shape: tuple[int, ...]) -> str:
    """Return the cause and the first value that differs, on two lines; empty if there is none."""
    if row.parting is None:
        return ""
    cause = row.parting.cause
    position = position_text(row.parting.position, shape)
    return f"{cause.title}: {cause.first} | {cause.second}\n#{position}  {row.parting.line}"


class RuntimesModel(QAbstractTableModel):
    """The active scheme in the first row, then the matrix; a cell has one or two lines."""

    def __init__(self, theme: Theme, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._matrix: RuntimeMatrix | None = None
        self._rows: tuple[RuntimeRow, ...] = ()
        self._shape: tuple[int, ...] = ()

    def show(self, matrix: RuntimeMatrix | None, shape: tuple[int, ...]) -> None:
        """Show the matrix of an array of a shape; None for an empty table."""
        self.beginResetModel()
        self._matrix, self._shape, self._rows = matrix, shape, ()
        if matrix is not None:
            self._rows = (RuntimeRow(matrix.scheme.runtime, matrix.scheme), *matrix.rows)
        self.endResetModel()

    def row(self, number: int) -> RuntimeRow | None:
        """Return a row of the matrix; None for the active scheme's."""
        return self._rows[number] if 0 < number < len(self._rows) else None

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else WHY + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = SCALES <= section <= VALUES
            side = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        first = next((row for row in self._rows if row.codes is not None), None)
        names = {
            RUNTIME: self.tr("Runtime"),
            EVIDENCE: self.tr("How it is known"),
            SCALES: "S",
            ZEROS: "Z",
            CODES: self.tr("Codes"),
            VALUES: "R′",
            WHY: self.tr("Why, and the first value that differs, worked through"),
        }
        counted = first.differences[section - SCALES] if first and SCALES <= section < WHY else None
        if counted is None:
            return names[section]
        return filled(self.tr("%1 of %2"), names[section], f"{counted.of:,}")

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row, column = self._rows[index.row()], index.column()
        active = index.row() == 0
        counted = row.differences[column - SCALES] if SCALES <= column < WHY else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column, active)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._tip(row, column, active))
        if role == Qt.ItemDataRole.TextAlignmentRole and SCALES <= column < WHY:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.BackgroundRole and counted is not None and counted.count:
            return tint_of(counted, self._theme)
        if role == Qt.ItemDataRole.BackgroundRole and active:
            return self._theme.washed(self._theme.highlight, ACTIVE_WASH)
        return None

    def _text(self, row: RuntimeRow, column: int, active: bool) -> str:
        if column == RUNTIME:
            title = RUNTIMES[row.runtime].title if row.runtime else self.tr("no runtime named")
            return f"{row.title}\n{title}"
        if column == EVIDENCE:
            return self._known(row)
        if column < WHY:
            counted = row.differences[column - SCALES]
            if active:
                return self.tr("active")
            return self._counted(counted) if counted is not None else "–"
        if active:
            return self.tr("The active scheme, which the others are compared with.")
        return self._why(row)

    def _known(self, row: RuntimeRow) -> str:
        if row.evidence is None:
            return self.tr("the guide's formulas")
        words = {
            Evidence.VERIFIED: self.tr("verified"),
            Evidence.IN_PART: self.tr("in part"),
            Evidence.DOCUMENTED: self.tr("documented"),
        }
        runtime = RUNTIMES[row.runtime]
        line = f"{CIRCLES[row.evidence]} {words[row.evidence]}"
        return f"{line}\n{runtime.verified}" if runtime.verified else line

    def _counted(self, counted: Difference) -> str:
        beyond = counted.count - counted.last
        if not counted.count:
            return f"{EQUAL} {self.tr('equal')}"
        if not beyond:
            return f"{IN_LAST_DIGIT} {counted.last:,}\n{self.tr('last digit')}"
        text = f"{DIFFERS} {beyond:,}\n"
        if counted.last:
            return text + filled(self.tr("+ %1 last digit"), f"{counted.last:,}")
        return text + share(beyond, counted.of)

    def _why(self, row: RuntimeRow) -> str:
        """Return the cause, and the first value that differs worked through."""
        if row.refusal:
            if row.there or row.scheme is None:
                return f"{row.refusal}."
            return f"{row.refusal}.\n{filled(self.tr('Nearest: %1'), str(row.scheme))}"
        if row.parting is None:
            if any(counted is not None and counted.count for counted in row.differences):
                return self.tr("No code and no reconstructed value differs.")
            return self.tr("Equal, bit for bit.")
        return worked_through(row, self._shape)

    def _tip(self, row: RuntimeRow, column: int, active: bool) -> str:
        """Return the cell in full, or what it means."""
        if column in (RUNTIME, EVIDENCE) and row.runtime:
            runtime = RUNTIMES[row.runtime]
            return "\n".join(filter(None, (runtime.title, runtime.status, runtime.compared)))
        counted = row.differences[column - SCALES] if SCALES <= column < WHY else None
        if counted is None:
            return self._text(row, column, active)
        text = self.tr("%1 of %2 differ (%3), %4 of them in the last digit only.")
        share = percent(counted.count, counted.of)
        return filled(text, f"{counted.count:,}", f"{counted.of:,}", share, f"{counted.last:,}")

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, WHY))
