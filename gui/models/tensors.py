"""Tensor tree model: open files and their tensors, with previews."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QGuiApplication, QPalette

from quantoscope.engine.analysis.glance import Glance
from quantoscope.gui.common.localized_numbers import digits_apart, filled, short
from quantoscope.gui.common.plain_text import plain, plain_tip
from quantoscope.gui.common.short_names import MOST_RIVALS, kin
from quantoscope.gui.common.widgets import bold
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Source, Tensor
from quantoscope.gui.models.array_model import Index

NAME, TYPE, SHAPE, HISTOGRAM, LOW, HIGH, SIZE = range(7)
DIGITS, WHOLE_DIGITS = 4, 9
GLANCE = Qt.ItemDataRole.UserRole + 1
"""Role of the histogram's data."""
RIVALS = Qt.ItemDataRole.UserRole + 2
"""Role of names that may look like a row's name when shortened."""
SAME_END = Qt.ItemDataRole.UserRole + 3
"""Role of names that may look like it when its numbers have no room either."""


def _digits(tensor: Tensor) -> int:
    """Return the digits of a tensor's extremes: integers are exact if short."""
    return WHOLE_DIGITS if tensor.dtype.lstrip("u").startswith("int") else DIGITS


def bytes_text(count: float) -> str:
    """Return a number of bytes as text."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            return f"{count:,.1f} {unit}" if count < 10 and unit != "B" else f"{count:,.0f} {unit}"
        count /= 1000
    raise AssertionError("the loop returns")


@dataclass(eq=False)
class _Row:
    """A listed file with its matching tensors, in display order."""

    source: Source
    tensors: Sequence[Tensor]

    @cached_property
    def kin(self) -> dict[tuple[str, ...], list[Tensor]]:
        """Tensors by the parts of their names kept when shortened."""
        found: dict[tuple[str, ...], list[Tensor]] = {}
        for tensor in self.tensors:
            found.setdefault(kin(tensor.label), []).append(tensor)
        return found

    @cached_property
    def same_end(self) -> dict[str, list[Tensor]]:
        """Tensors by the end of their names."""
        found: dict[str, list[Tensor]] = {}
        for parts, tensors in self.kin.items():
            found.setdefault(parts[-1], []).extend(tensors)
        return found


class TensorsModel(QAbstractItemModel):
    """Files with their tensors; a file of one array, or an array without a file, is one row.

    It filters and sorts itself: a proxy model calls Python for every row, which takes seconds for a
    checkpoint with fifty thousand tensors.
    """

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._current = session.current
        self._words: list[str] = []
        self._column, self._order = -1, Qt.SortOrder.AscendingOrder
        self._rows = self._arranged()
        self.heads = [
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

    # Filter and order

    def ask(self, text: str) -> None:
        """List tensors whose names contain these words, in any order and case."""
        self._words = text.lower().split()
        self._on_sources()

    @property
    def found(self) -> int:
        """Number of listed tensors."""
        return sum(len(row.tensors) for row in self._rows)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort files, and the tensors of each; column −1 restores the file order."""
        self._column, self._order = column, order
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        meant = [(index.column(), self.source(index), self.tensor(index)) for index in before]
        self._rows = self._arranged()
        after = [self._place(source, tensor).siblingAtColumn(at) for at, source, tensor in meant]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _arranged(self) -> list[_Row]:
        rows = []
        for source in self._session.sources:
            tensors: Sequence[Tensor] = source.tensors
            for word in self._words:
                tensors = [tensor for tensor in tensors if word in _searched(tensor)]
            if tensors or not self._words:
                rows.append(_Row(source, self._sorted(tensors, _key)))
        return self._sorted(rows, _key_of_row)

    def _sorted(self, things: Sequence[Any], key: Callable[[Any, int], Any]) -> Any:
        """Sort by a column, with unknown values last in both orders."""
        if self._column < 0:
            return list(things)
        keys = {thing: key(thing, self._column) for thing in things}
        known = [thing for thing in things if keys[thing] is not None]
        known.sort(key=keys.__getitem__, reverse=self._order == Qt.SortOrder.DescendingOrder)
        return known + [thing for thing in things if keys[thing] is None]

    def _on_sources(self) -> None:
        self.beginResetModel()
        self._rows = self._arranged()
        self.endResetModel()

    def _on_document(self) -> None:
        """Update the marks of the current and edited tensors."""
        before, self._current = self._current, self._session.current
        for tensor in {before, self._current}:
            self.refresh(tensor)

    def refresh(self, tensor: Tensor) -> None:
        """Update the row of a tensor."""
        index = self.index_of(tensor)
        if index.isValid():
            self.dataChanged.emit(index, index.siblingAtColumn(SIZE))
        if self._column in (LOW, HIGH):
            self.sort(self._column, self._order)

    def index_of(self, tensor: Tensor) -> QModelIndex:
        """Return the index of a tensor; invalid if it is not listed."""
        source = self._session.source_of(tensor)
        return QModelIndex() if source is None else self._place(source, tensor)

    def index_of_source(self, source: Source) -> QModelIndex:
        """Return the index of a file; invalid if it is not listed."""
        return self._place(source, None)

    def _place(self, source: Source | None, tensor: Tensor | None) -> QModelIndex:
        for at, row in enumerate(self._rows):
            if row.source is source:
                top = self.index(at, 0)
                if tensor is None or not row.source.container:
                    return top
                inside = tensor in row.tensors
                return self.index(row.tensors.index(tensor), 0, top) if inside else QModelIndex()
        return QModelIndex()

    def source(self, index: Index) -> Source | None:
        """Return the file of a row."""
        row = self._row(index)
        return None if row is None else row.source

    def tensor(self, index: Index) -> Tensor | None:
        """Return the tensor of a row; None for a file of several, or one not read."""
        row = self._row(index)
        if row is None:
            return None
        if index.internalId():
            return row.tensors[index.row()]
        return row.tensors[0] if row.tensors and not row.source.container else None

    def _row(self, index: Index) -> _Row | None:
        if not index.isValid():
            return None
        return self._rows[int(index.internalId()) - 1 if index.internalId() else index.row()]

    # Qt's interface

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        within = 0 <= row < self.rowCount(parent) and 0 <= column < len(self.heads)
        if not within:
            return QModelIndex()
        return self.createIndex(row, column, parent.row() + 1 if parent.isValid() else 0)

    def parent(self, index: Index = QModelIndex()) -> Any:  # noqa: B008
        if not index.isValid() or not index.internalId():
            return QModelIndex()
        return self.createIndex(int(index.internalId()) - 1, 0, 0)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        if not parent.isValid():
            return len(self._rows)
        if parent.internalId() or parent.column() > 0:
            return 0
        row = self._rows[parent.row()]
        return len(row.tensors) if row.source.container else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(self.heads)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation == Qt.Orientation.Horizontal and 0 <= section < len(self.heads):
            if role == Qt.ItemDataRole.DisplayRole:
                return self.heads[section]
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
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(tensor, column)
        if role == Qt.ItemDataRole.ForegroundRole and not tensor.readable:
            palette = QGuiApplication.palette()
            return palette.brush(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
        if role == RIVALS and column == NAME:
            return self._rivals(index, tensor)
        if role == SAME_END and column == NAME:
            return self._rivals(index, tensor, far=True)
        if role == GLANCE and column == HISTOGRAM:
            return tensor.glance
        if role == Qt.ItemDataRole.FontRole and tensor is self._session.current:
            return bold()
        if role == Qt.ItemDataRole.AccessibleTextRole and column == HISTOGRAM:
            return self._tip(source, tensor)
        return None

    def _rivals(self, index: Index, tensor: Tensor, far: bool = False) -> list[str]:
        """Return texts in rows of the same file that may look the same when shortened."""
        row, parts = self._row(index), kin(tensor.label)
        others = [] if row is None else row.kin.get(parts, [])
        if row is not None and far and len(row.same_end.get(parts[-1], [])) <= MOST_RIVALS:
            others = row.same_end.get(parts[-1], [])
        return [self.text(other, NAME) for other in others[:MOST_RIVALS] if other is not tensor]

    def text(self, tensor: Tensor, column: int) -> str:
        """Return the text of a cell."""
        seen = tensor.glance
        if column == NAME:
            mark = " ◂" if tensor is self._session.current else ""
            node = f" → {plain(tensor.used_by)}" if tensor.used_by else ""
            return f"{tensor.label}{node}{' *' if tensor.differs else ''}{mark}"
        if column == TYPE:
            return tensor.dtype
        unknown = not tensor.readable and not tensor.nbytes
        if column == SHAPE:
            return "×".join(map(str, tensor.shape)) or ("" if unknown else "1")
        if column == SIZE:
            return "" if unknown else bytes_text(_bytes(tensor))
        if not tensor.readable:
            return self.tr("not loaded") if column == LOW else ""
        if column == HISTOGRAM:
            return seen if isinstance(seen, str) else ""
        if isinstance(seen, Glance):
            end = seen.low if column == LOW else seen.high
            return (
                self.tr("none")
                if math.isnan(end)
                else short(end, digits_apart((seen.low, seen.high), _digits(tensor)))
            )
        return "" if seen is not None else "…"

    def _of_file(self, source: Source, column: int) -> str:
        if column == NAME:
            return source.title if source.problem else f"{source.title} ({len(source.tensors):,})"
        if source.problem:
            return self.tr("not read") if column == TYPE else ""
        return bytes_text(sum(map(_bytes, source.tensors))) if column == SIZE else ""

    def _tip(self, source: Source, tensor: Tensor | None) -> str:
        lines = [plain(source.path) if source.path is not None else self.tr("Not from a file")]
        if source.problem:
            lines.append(source.problem)
        elif tensor is None:
            lines.append(filled(self.tr("%1 tensors"), f"{len(source.tensors):,}"))
        if tensor is not None:
            lines.insert(0, tensor.label)
            if tensor.used_by:
                lines.append(filled(self.tr("Input of the node %1"), tensor.used_by))
            if not tensor.readable:
                lines.append(filled(self.tr("Not loaded: it %1."), tensor.reason))
                return "\n".join(lines)
            lines.append(filled(self.tr("%1 values"), f"{tensor.size:,}"))
            seen = tensor.glance
            if isinstance(seen, Glance):
                lines.append(filled(self.tr("from %1 to %2"), *(
                    short(end, digits_apart((seen.low, seen.high), 9))
                    for end in (seen.low, seen.high)
                )))  # fmt: skip
                if seen.odd:
                    lines.append(filled(self.tr("%1 NaN or infinite"), f"{seen.odd:,}"))
            if tensor.external:
                lines.append(filled(self.tr("Its data is in %1."), plain(tensor.external)))
            if tensor.differs:
                lines.append(self.tr("* Changed since it was opened"))
        return "\n".join(lines)


def _searched(tensor: Tensor) -> str:
    """Return the text that the filter searches."""
    name = tensor.label if tensor.name is None else tensor.name
    return f"{name} {tensor.used_by}".lower()


def _side(column: int) -> int:
    numbers = column in (SIZE, LOW, HIGH)
    side = Qt.AlignmentFlag.AlignRight if numbers else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _bytes(tensor: Tensor) -> int:
    """Return the size in the file, or of the edited values."""
    told = not tensor.readable or (tensor.nbytes and not tensor.differs)
    return tensor.nbytes if told else tensor.array.nbytes


def _key(tensor: Tensor, column: int) -> str | float | None:
    """Return the sort key of a column; None if unknown."""
    seen = tensor.glance
    if column in (LOW, HIGH):
        end = math.nan
        if isinstance(seen, Glance):
            end = seen.low if column == LOW else seen.high
        return None if math.isnan(end) else end
    if column in (SHAPE, SIZE):
        return float(tensor.size if column == SHAPE else _bytes(tensor))
    if column != NAME:
        return tensor.dtype
    # Natural order: layer 10 comes after layer 9.
    return re.sub(r"[0-9]+", lambda digits: digits[0].zfill(9), tensor.label)


def _key_of_row(row: _Row, column: int) -> str | float | None:
    """Return a file's sort key of a column; None if unknown."""
    source = row.source
    if not source.container:
        return _key(source.tensors[0], column) if source.tensors else None
    if column == SIZE:
        return float(sum(map(_bytes, source.tensors)))
    return source.title if column == NAME else None
