"""The open files as a tree of tensors, with what is known of each at a glance."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
)
from PySide6.QtGui import QFont

from engine.glance import Glance
from gui.numbers_text import filled, plain_tip, short
from gui.session import Session
from gui.tensors import Source, Tensor

Index = QModelIndex | QPersistentModelIndex
NAME, TYPE, SHAPE, HISTOGRAM, LOW, HIGH, SIZE = range(7)
DIGITS = 4
GLANCE = Qt.ItemDataRole.UserRole + 1
"""The role of what the histogram is painted from."""
SORT = Qt.ItemDataRole.UserRole + 2


def bytes_text(count: float) -> str:
    """A number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.1f} {unit}" if count < 10 and unit != "B" else f"{count:,.0f} {unit}"
        count /= 1000
    raise AssertionError("the loop returns")


class TensorsModel(QAbstractItemModel):
    """Files, each with its tensors; a file of one array, or an array of no file, is one row."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sources: Sequence[Source] = session.sources
        self._current = session.current
        self._heads = [
            self.tr("Name"),
            self.tr("Type"),
            self.tr("Shape"),
            self.tr("Values"),
            self.tr("Min"),
            self.tr("Max"),
            self.tr("Size"),
        ]
        session.sources_changed.connect(self._on_sources)
        session.document_changed.connect(self._on_document)

    def _on_sources(self) -> None:
        self.beginResetModel()
        self._sources = self._session.sources
        self.endResetModel()

    def _on_document(self) -> None:
        """The marks of what is shown and of what was edited may have moved."""
        before, self._current = self._current, self._session.current
        for tensor in {before, self._current}:
            self.refresh(tensor)

    def refresh(self, tensor: Tensor) -> None:
        """Show what is known of a tensor now."""
        index = self.index_of(tensor)
        if index.isValid():
            self.dataChanged.emit(index, index.siblingAtColumn(SIZE))

    def index_of(self, tensor: Tensor) -> QModelIndex:
        """Where a tensor stands; invalid where it does not."""
        for row, source in enumerate(self._sources):
            if tensor in source.tensors:
                if not source.container:
                    return self.index(row, 0)
                return self.index(source.tensors.index(tensor), 0, self.index(row, 0))
        return QModelIndex()

    def index_of_source(self, source: Source) -> QModelIndex:
        """Where a file stands."""
        return self.index(list(self._sources).index(source), 0)

    def source(self, index: Index) -> Source | None:
        """The file of a row."""
        if not index.isValid():
            return None
        return self._sources[int(index.internalId()) - 1 if index.internalId() else index.row()]

    def tensor(self, index: Index) -> Tensor | None:
        """The tensor of a row; None for a file of several, or one that was not read."""
        source = self.source(index)
        if source is None:
            return None
        if index.internalId():
            return source.tensors[index.row()]
        return source.tensors[0] if source.tensors and not source.container else None

    # Qt's interface

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        if not index.isValid() or not index.internalId():
            return QModelIndex()
        return self.createIndex(int(index.internalId()) - 1, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._sources)
        if parent.internalId() or parent.column() > 0:
            return 0
        source = self._sources[parent.row()]
        return len(source.tensors) if source.container else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self._heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self._heads):
            if role == Qt.ItemDataRole.DisplayRole:
                return self._heads[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _side(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        source, tensor = self.source(index), self.tensor(index)
        column = index.column()
        if source is None:
            return None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _side(column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(self._tip(source, tensor))
        if tensor is None:
            if role == Qt.ItemDataRole.DisplayRole:
                return self._of_file(source, column)
            return source.title if role == SORT and column == NAME else None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(tensor, column)
        if role == SORT:
            return _key(tensor, column)
        if role == GLANCE and column == HISTOGRAM:
            return tensor.glance
        if role == Qt.ItemDataRole.FontRole and tensor is self._session.current:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.AccessibleTextRole and column == HISTOGRAM:
            return self._tip(source, tensor)
        return None

    def _text(self, tensor: Tensor, column: int) -> str:
        seen = tensor.glance
        if column == NAME:
            mark = " ◂" if tensor is self._session.current else ""
            return f"{tensor.label}{' *' if tensor.differs else ''}{mark}"
        if column == TYPE:
            return tensor.dtype
        if column == SHAPE:
            return "×".join(map(str, tensor.shape)) or "1"
        if column == SIZE:
            return bytes_text(_bytes(tensor))
        if column == HISTOGRAM:
            return seen if isinstance(seen, str) else ""
        if isinstance(seen, Glance):
            end = seen.low if column == LOW else seen.high
            return self.tr("none") if math.isnan(end) else short(end, DIGITS)
        return "" if seen is not None else "…"

    def _of_file(self, source: Source, column: int) -> str:
        if column == NAME:
            return source.title
        if source.problem:
            return self.tr("not read") if column == TYPE else ""
        if column == SHAPE:
            return filled(self.tr("%1 tensors"), f"{len(source.tensors):,}")
        return bytes_text(sum(map(_bytes, source.tensors))) if column == SIZE else ""

    def _tip(self, source: Source, tensor: Tensor | None) -> str:
        lines = [str(source.path) if source.path is not None else self.tr("Not from a file")]
        if source.problem:
            lines.append(source.problem)
        if tensor is not None:
            lines.insert(0, tensor.label)
            lines.append(filled(self.tr("%1 values"), f"{tensor.size:,}"))
            seen = tensor.glance
            if isinstance(seen, Glance):
                lines.append(filled(self.tr("from %1 to %2"), short(seen.low, 9),
                                    short(seen.high, 9)))  # fmt: skip
                if seen.odd:
                    lines.append(filled(self.tr("%1 NaN or infinite"), f"{seen.odd:,}"))
            if tensor.external:
                lines.append(filled(self.tr("Its numbers lie in %1."), tensor.external))
            if tensor.differs:
                lines.append(self.tr("* Changed since it was opened"))
        return "\n".join(lines)


def _side(column: int) -> int:
    numbers = column in (SIZE, LOW, HIGH)
    side = Qt.AlignmentFlag.AlignRight if numbers else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _bytes(tensor: Tensor) -> int:
    """What the file says, until the tensor is no longer what lies there."""
    return tensor.nbytes if tensor.nbytes and not tensor.differs else tensor.array.nbytes


def _key(tensor: Tensor, column: int) -> str | float:
    """What a column is sorted by."""
    seen = tensor.glance
    if column in (LOW, HIGH):
        if not isinstance(seen, Glance):
            return math.inf
        return seen.low if column == LOW else seen.high
    if column in (SHAPE, SIZE):
        return float(tensor.size if column == SHAPE else _bytes(tensor))
    if column != NAME:
        return tensor.dtype
    # Layer 10 comes after layer 9.
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(9), tensor.label)


class TensorFilter(QSortFilterProxyModel):
    """The tensors whose names hold every word that is asked for."""

    def __init__(self, model: TensorsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._words: list[str] = []
        self.setRecursiveFilteringEnabled(True)
        self.setSortRole(SORT)
        self.setSourceModel(model)

    def ask(self, text: str) -> None:
        """Show tensors whose names hold these words, in whatever order and case."""
        self._words = text.lower().split()
        self.invalidate()

    def filterAcceptsRow(self, row: int, parent: Index) -> bool:
        if not self._words:
            return True
        tensor = self._model.tensor(self._model.index(row, 0, parent))
        return tensor is not None and all(word in tensor.label.lower() for word in self._words)
