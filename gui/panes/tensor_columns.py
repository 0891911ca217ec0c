"""Column widths of the Tensors pane."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from PySide6.QtCore import QEvent, QModelIndex, QObject
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QTreeView

from quantoscope.gui.common.widgets import bold
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Tensor
from quantoscope.gui.models.tensors import (
    HIGH,
    HISTOGRAM,
    LOW,
    NAME,
    SHAPE,
    SIZE,
    TYPE,
    TensorsModel,
)

MEASURED = (TYPE, SHAPE, LOW, HIGH, SIZE)
USUAL = {LOW: "-0.1234", HIGH: "-0.1234", SIZE: "512 kB"}
"""Sample texts for initial widths, so that columns seldom change while values arrive."""
HISTOGRAM_WIDTH, MARGIN, MOST = 46, 8, 120
NAMES_SHORT, NAMES_MOST = 160, 300
"""Widths of names: down to the first, other columns are hidden; they take the room left."""
BY_IMPORTANCE = (SHAPE, HISTOGRAM, TYPE, SIZE, LOW, HIGH)
LOOKED_AT = 500


class TensorColumns(QObject):
    """Fits columns to the open files and the pane; widths set by the user stay."""

    def __init__(self, tree: QTreeView, model: TensorsModel, session: Session) -> None:
        super().__init__(tree)
        self._tree, self._model, self._session = tree, model, session
        self._by_hand: set[int] = set()
        self._fitting = False
        self._name_needs = 0
        self._widths: dict[int, int] = {}
        tree.header().sectionResized.connect(self._on_resized)
        tree.installEventFilter(self)
        session.sources_changed.connect(self._on_sources)
        model.dataChanged.connect(self._on_changed)
        self._on_sources()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._fit_names()
        return super().eventFilter(watched, event)

    def _on_sources(self) -> None:
        tensors = (tensor for source in self._session.sources for tensor in source.tensors)
        self._name_needs = 0
        widths = {column: self._width(USUAL.get(column, "")) for column in MEASURED}
        self._fit(itertools.islice(tensors, LOOKED_AT), widths)

    def _on_changed(self, first: QModelIndex, _last: QModelIndex) -> None:
        """Widen columns that are too narrow; never shrink them, or they would flicker."""
        tensor = self._model.tensor(first)
        if tensor is not None:
            self._fit([tensor], {column: self._widths[column] for column in MEASURED})

    def _fit(self, tensors: Iterable[Tensor], widths: dict[int, int]) -> None:
        heads = self._tree.header().fontMetrics()
        for column in MEASURED:
            head = heads.horizontalAdvance(self._model.heads[column])
            widths[column] = max(widths[column], head + MARGIN)
        for tensor in tensors:
            self._name_needs = max(self._name_needs, self._width(f"{tensor.label} * ◂"))
            for column in MEASURED:
                needs = self._width(self._model.text(tensor, column))
                widths[column] = max(widths[column], min(needs, MOST))
        for column, width in {**widths, HISTOGRAM: HISTOGRAM_WIDTH}.items():
            self._set(column, width)
        self._fit_names()

    def _fit_names(self) -> None:
        tree = self._tree
        beside = tree.verticalScrollBar().sizeHint().width() + 2 * tree.frameWidth()
        others = self._hide_columns(tree.width() - beside)
        room = tree.width() - beside - others
        needs = self._name_needs + 2 * tree.indentation()
        if room < min(needs, NAMES_SHORT):
            # Other columns may need scrolling, names should not.
            room = min(needs, NAMES_MOST, tree.width() - beside)
        self._set(NAME, room)

    def _hide_columns(self, room: int) -> int:
        """Hide the columns beside names that have no room; return the width of the others."""
        taken, full = 0, False
        self._fitting = True
        names = min(self._name_needs + 2 * self._tree.indentation(), NAMES_SHORT)
        for column in BY_IMPORTANCE:
            width = self._widths.get(column, 0)
            full = full or taken + width + names > room
            self._tree.setColumnHidden(column, full)
            taken += 0 if full else width
        self._fitting = False
        return taken

    def _width(self, text: str) -> int:
        # The current tensor is bold.
        return QFontMetrics(bold(self._tree.font())).horizontalAdvance(text) + MARGIN

    def _set(self, column: int, width: int) -> None:
        if column not in self._by_hand:
            self._widths[column] = width
            self._fitting = True
            self._tree.setColumnWidth(column, width)
            self._fitting = False

    def _on_resized(self, column: int) -> None:
        if not self._fitting:
            self._by_hand.add(column)
            self._widths[column] = self._tree.columnWidth(column)
