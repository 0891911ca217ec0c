"""Scheme list model: check boxes, line samples, renaming and drag and drop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from PySide6.QtCore import (
    QAbstractListModel,
    QByteArray,
    QMimeData,
    QModelIndex,
    QObject,
    QSize,
    Qt,
)
from PySide6.QtGui import QIcon

from quantoscope.engine import QUANTIZERS
from quantoscope.gui.common.localized_numbers import filled, position_text, short
from quantoscope.gui.common.plain_text import plain, plain_tip
from quantoscope.gui.common.theme import LINE_STYLES, MARKERS, Theme, swatch
from quantoscope.gui.common.widgets import bold
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry
from quantoscope.gui.models.array_model import Index

FIGURES = Qt.ItemDataRole.UserRole
"""Role of a scheme's figures, one for each of ``heads``; empty while they are not known."""
MIME = "application/x-quantoscope-scheme"
SWATCH = QSize(34, 14)


class Figure(NamedTuple):
    """A figure of a scheme, as text."""

    text: str
    best: bool
    """Whether no scheme of the fewest bits has a better one."""


def entry_icon(entry: Entry, theme: Theme, ratio: float) -> QIcon:
    """Return a sample of an entry's line and marker."""
    return _icon(entry.colour, entry.line, entry.marker, theme, ratio)


@lru_cache(maxsize=64)
def _icon(colour: int, line: int, marker: int, theme: Theme, ratio: float) -> QIcon:
    style = LINE_STYLES[line][1]
    return QIcon(swatch(theme.colour(colour), style, MARKERS[marker], SWATCH, ratio))


def _db(value: float) -> str:
    """Return decibels with two places, which stand below each other."""
    return f"{value:.2f}" if math.isfinite(value) else short(value, 3)


class SchemesModel(QAbstractListModel):
    """Model of the session's entries."""

    def __init__(
        self, session: Session, theme: Theme, ratio: float = 1.0, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._theme = theme
        self._ratio = ratio
        self._entries = session.entries
        session.entries_changed.connect(self._on_entries)
        session.active_changed.connect(self._refresh)
        session.evaluator.evaluated.connect(self._refresh)

    def heads(self) -> tuple[str, ...]:
        """Return the names of the figures: SQNR and bits per value.

        Where few values set the range, the SQNR of the others stands between them.
        """
        snapshot = self._session.evaluator.snapshot
        verdict = snapshot.verdict
        if verdict is None or not verdict.standings:
            return ()
        names = [self.tr("SQNR dB"), self.tr("bits")]
        if verdict.few is not None:
            few = f"{verdict.few.count:,}"
            if verdict.few.count == 1 and snapshot.array.ndim == 1:
                few = f"#{position_text(int(verdict.few.where[0]), snapshot.array.shape)}"
            names.insert(1, filled(self.tr("w/o %1"), few))
        return tuple(names)

    def _figures(self, entry: Entry) -> tuple[Figure, ...]:
        verdict = self._session.evaluator.snapshot.verdict
        standing = None if verdict is None else verdict.standings.get(entry.uid)
        if verdict is None or standing is None or standing.scheme != entry.scheme:
            return ()
        several = len(verdict.standings) > 1
        figures = [
            Figure(_db(standing.sqnr), several and entry.uid in verdict.best()),
            Figure(short(standing.bits, 3), False),
        ]
        if verdict.few is not None:
            best = several and entry.uid in verdict.best(others=True)
            figures.insert(1, Figure(_db(standing.others), best))
        return tuple(figures)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._entries)

    def entry(self, row: int) -> Entry | None:
        """Return the entry of a row."""
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def row_of(self, uid: int | None) -> int:
        """Return the row of an entry, or −1."""
        return next((row for row, e in enumerate(self._entries) if e.uid == uid), -1)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return (
            super().flags(index)
            | Qt.ItemFlag.ItemIsUserCheckable
            | Qt.ItemFlag.ItemIsEditable
            | Qt.ItemFlag.ItemIsDragEnabled
        )

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        entry = self.entry(index.row()) if index.isValid() else None
        if entry is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return entry.name
        if role == Qt.ItemDataRole.CheckStateRole:
            return Qt.CheckState.Checked if entry.enabled else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole:
            return entry_icon(entry, self._theme, self._ratio)
        if role == Qt.ItemDataRole.FontRole and entry.uid == self._session.active_uid:
            return bold()
        if role == Qt.ItemDataRole.ToolTipRole:
            summary = QUANTIZERS[entry.scheme.mapping].summary
            return plain_tip(f"{entry.scheme}\n{summary}")
        if role == FIGURES:
            return self._figures(entry)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            line = LINE_STYLES[entry.line][0]
            text = filled(self.tr("%1, %2 line"), entry.name, line)
            pairs = zip(self.heads(), self._figures(entry), strict=False)
            return ", ".join((text, *(f"{head} {figure.text}" for head, figure in pairs)))
        return None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        entry = self.entry(index.row())
        if entry is None:
            return False
        if role == Qt.ItemDataRole.CheckStateRole:
            on = Qt.CheckState(value) == Qt.CheckState.Checked
            text = filled(self.tr("Show %1") if on else self.tr("Hide %1"), entry.name)
            commands.update_entry(self._session, entry.uid, lambda e: replace(e, enabled=on), text)
            return True
        if role == Qt.ItemDataRole.EditRole:
            label = plain(str(value).strip())
            label = "" if label == str(entry.scheme) else label
            text = filled(self.tr("Rename %1"), entry.name)
            commands.update_entry(self._session, entry.uid, lambda e: replace(e, label=label), text)
            return True
        return False

    # Moving by drag and drop

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:
        return [MIME]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        entry = self.entry(indexes[0].row()) if indexes else None
        data.setData(MIME, QByteArray(str(entry.uid if entry else 0).encode()))
        return data

    def dropMimeData(
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: Index
    ) -> bool:
        if not data.hasFormat(MIME):
            return False
        uid = int(bytes(data.data(MIME).data()))
        place = row if row >= 0 else parent.row() if parent.isValid() else len(self._entries)
        old = self.row_of(uid)
        if old < 0:
            return False
        commands.move_entry(self._session, uid, place - 1 if place > old else place)
        # False, so that the view does not remove the row, which the session has moved.
        return False

    # Following the session

    def _on_entries(self) -> None:
        old, new = self._entries, self._session.entries
        if [e.uid for e in old] == [e.uid for e in new]:
            self._entries = new
            self._refresh()
        else:
            self.beginResetModel()
            self._entries = new
            self.endResetModel()

    def _refresh(self) -> None:
        if self._entries:
            self.dataChanged.emit(self.index(0), self.index(len(self._entries) - 1))

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self._refresh()
