"""Model of every scheme in every runtime: how many codes and reconstructed values differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QColor

from quantoscope.engine import RUNTIMES, QuantizationError, Scheme
from quantoscope.engine.analysis.runtime_matrix import Difference, RuntimeMatrix, RuntimeRow
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import bold
from quantoscope.gui.document.snapshot import Entry
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.runtimes import (
    ACTIVE_WASH,
    DIFFERS,
    EQUAL,
    IN_LAST_DIGIT,
    share,
    tint_of,
)
from quantoscope.gui.models.schemes import entry_icon

Outcome = RuntimeMatrix | QuantizationError
NAMES = ("", *RUNTIMES)
"""Runtimes of the columns after the first; the textbook has no name."""


class RuntimeTableModel(QAbstractTableModel):
    """One row per scheme of the list, one column per runtime; a cell has one or two lines."""

    def __init__(self, theme: Theme, ratio: float, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme, self._ratio = theme, ratio
        self._entries: tuple[Entry, ...] = ()
        self._known: Mapping[Scheme, Outcome] = {}
        self._active: int | None = None
        self._stopped = False

    def show(
        self,
        entries: Sequence[Entry],
        known: Mapping[Scheme, Outcome],
        active: int | None,
        stopped: bool = False,
    ) -> None:
        """Show entries with the matrices that are known; ``stopped`` if no more will come."""
        same = [one.uid for one in entries] == [one.uid for one in self._entries]
        if not same:
            self.beginResetModel()
        self._entries, self._known = tuple(entries), dict(known)
        self._active, self._stopped = active, stopped
        if not same:
            self.endResetModel()
        elif self._entries:
            self._changed()

    def _changed(self) -> None:
        last = len(self._entries) - 1
        self.dataChanged.emit(self.index(0, 0), self.index(last, len(NAMES)))
        self.headerDataChanged.emit(Qt.Orientation.Vertical, 0, last)

    def entry(self, row: int) -> Entry | None:
        """Return the entry of a row."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def compared(self, index: Index) -> RuntimeRow | None:
        """Return what is known of a cell; None for a scheme's own runtime."""
        entry = self.entry(index.row())
        known = self._known.get(entry.scheme) if entry is not None else None
        if not isinstance(known, RuntimeMatrix) or index.column() < 1:
            return None
        name = NAMES[index.column() - 1]
        return next((row for row in known.rows if row.runtime == name), None)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(NAMES) + 1

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Vertical:
            return self.data(self.index(section, 0), role)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role != Qt.ItemDataRole.DisplayRole:
            return None
        if section == 0:
            return self.tr("Scheme")
        name = NAMES[section - 1]
        return f"@{name}" if name else self.tr("textbook")

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entry(index.row()) if index.isValid() else None
        if entry is None:
            return None
        active = entry.uid == self._active
        if role == Qt.ItemDataRole.BackgroundRole:
            counted = self._counted(index)
            if counted is not None:
                return tint_of(counted, self._theme)
            return self._theme.washed(self._theme.highlight, ACTIVE_WASH) if active else None
        if index.column() == 0:
            return self._named(entry, active, role)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(entry, index)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self.about(index))
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        if role == Qt.ItemDataRole.ForegroundRole and self._counted(index) is None:
            return QColor(self._theme.muted)
        return None

    def _named(self, entry: Entry, active: bool, role: int) -> Any:
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return entry.name
        if role == Qt.ItemDataRole.DecorationRole:
            return entry_icon(entry, self._theme, self._ratio)
        if role == Qt.ItemDataRole.FontRole and active:
            return bold()
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(str(entry.scheme))
        return None

    def _counted(self, index: Index) -> Difference | None:
        """Return the difference that tints a cell: of codes, else of reconstructed values."""
        row = self.compared(index)
        both = () if row is None else (row.codes, row.values)
        return next((one for one in both if one is not None and one.count), None)

    def _text(self, entry: Entry, index: Index) -> str:
        if NAMES[index.column() - 1] == entry.scheme.runtime:
            return self.tr("its own")
        known = self._known.get(entry.scheme)
        if known is None:
            return self.tr("stopped") if self._stopped else "…"
        row = self.compared(index)
        if row is None:
            return "–"
        codes, values = row.codes, row.values
        if codes is None or values is None:
            return self.tr("refused") if row.there else self.tr("not there")
        if not codes.count and not values.count:
            return f"{EQUAL} {self.tr('equal')}"
        mark = IN_LAST_DIGIT if not codes.count and values.count == values.last else DIFFERS
        first = f"Q {codes.count:,}  {share(codes.count, codes.of)}" if codes.count \
            else self.tr("Q equal")  # fmt: skip
        second = f"R′ {values.count:,}  {share(values.count, values.of)}" if values.count \
            else self.tr("R′ equal")  # fmt: skip
        return f"{mark} {first}\n{second}"

    def about(self, index: Index) -> str:
        """Return all that is known of a cell, in sentences."""
        entry = self.entry(index.row())
        if entry is None or index.column() < 1:
            return ""
        name = str(self.headerData(index.column(), Qt.Orientation.Horizontal))
        title, known = f"{entry.name} | {name}", self._known.get(entry.scheme)
        row = self.compared(index)
        if isinstance(known, QuantizationError):
            return f"{title}: {known}"
        if row is None:
            return f"{title}: {self._text(entry, index)}"
        if row.refusal:
            text = f"{title}: {row.refusal}."
            if row.there or row.scheme is None:
                return text
            return f"{text} {filled(self.tr('Nearest: %1.'), str(row.scheme))}"
        parts = []
        for symbol, one in zip(("S", "Z", "Q", "R′"), row.differences, strict=True):
            if one is None or not one.count:
                parts.append(filled(self.tr("%1 equal"), symbol))
                continue
            text = self.tr("%1: %2 of %3 differ (%4)")
            if one.last:
                text = self.tr("%1: %2 of %3 differ (%4), %5 of them in the last digit only")
            parts.append(filled(text, symbol, f"{one.count:,}", f"{one.of:,}",
                                share(one.count, one.of), f"{one.last:,}"))  # fmt: skip
        return f"{title}: {'; '.join(parts)}."

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        if self._entries:
            self._changed()
