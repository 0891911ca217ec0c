"""Tensors pane: a tree of open files and their tensors, with a filter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QHideEvent, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QLineEdit, QMenu, QTreeView, QWidget

from quantoscope.engine import QuantizationError
from quantoscope.engine.analysis.glance import Glance, glance
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Source, Tensor
from quantoscope.gui.models.tensors import HISTOGRAM, NAME, TensorsModel
from quantoscope.gui.panes.tensor_cells import HistogramDelegate, NameDelegate
from quantoscope.gui.panes.tensor_columns import TensorColumns
from quantoscope.gui.workers.background import Background, Ticket

JOB = "glance"
LONG_LIST = 12
"""Minimum number of rows for which the filter is visible."""


class TensorsPane(QWidget):
    """A filter above a tree; Enter or a double click shows a tensor."""

    asked = Signal(object, arguments=["tensor"])
    """The user wants to show a tensor."""
    reopen_asked = Signal(object, arguments=["source"])
    place_asked = Signal(object, arguments=["source"])
    """The user wants to read a missing file, at its path or another one."""
    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._collapsed: set[Source] = set()
        self._offered: list[QAction] = []
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText(self.tr("Find tensors: words of the name"))
        self.filter.setAccessibleName(self.tr("Find tensors"))
        self.filter.setClearButtonEnabled(True)
        self.model = TensorsModel(session, self)
        self.tree = QTreeView(self)
        self.tree.setAccessibleName(self.tr("Open files and their tensors"))
        self.tree.setModel(self.model)
        self.tree.setUniformRowHeights(True)
        self.tree.setAllColumnsShowFocus(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.tree.setIndentation(14)
        self.tree.setItemDelegateForColumn(NAME, NameDelegate(self.tree))
        self.tree.setItemDelegateForColumn(HISTOGRAM, HistogramDelegate(self.tree))
        head = self.tree.header()
        head.setSortIndicatorClearable(True)
        head.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        head.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        head.setStretchLastSection(False)
        self.tree.setSortingEnabled(True)
        self._columns = TensorColumns(self.tree, self.model, session)
        vbox(self, self.filter, self.tree, spacing=2)
        self.setFocusProxy(self.tree)
        # Delayed, so that scrolling past tensors reads none of them.
        self._rest = QTimer(self, singleShot=True, interval=60)
        self._rest.timeout.connect(self._look)
        self.filter.textChanged.connect(self._narrow)
        self.filter.returnPressed.connect(self._show_current)
        self.filter.installEventFilter(self)
        self.tree.installEventFilter(self)
        self.tree.activated.connect(self._on_activated)
        self.tree.customContextMenuRequested.connect(self._menu)
        self.tree.collapsed.connect(self._on_collapsed)
        self.tree.expanded.connect(self._on_expanded)
        self.tree.verticalScrollBar().valueChanged.connect(self._look_soon)
        self.model.modelReset.connect(self._on_reset)
        session.document_changed.connect(self._look_soon)
        session.source_revisited.connect(self.select)
        self._on_reset()

    def offer(self, actions: Sequence[QAction]) -> None:
        """Add actions to the context menu."""
        self._offered = list(actions)

    # Contents

    def _on_reset(self) -> None:
        for row in range(self.model.rowCount()):
            index = self.model.index(row, 0)
            source = self.model.source(index)
            self.tree.setExpanded(index, bool(self.filter.text()) or source not in self._collapsed)
        rows = sum(len(source.tensors) for source in self._session.sources)
        self.filter.setVisible(rows >= LONG_LIST or bool(self.filter.text()))
        self._mark_current()
        self._tell()
        self._rest.start()

    def _tell(self) -> None:
        sources = self._session.sources
        tensors = sum(len(source.tensors) for source in sources)
        files = sum(source.path is not None for source in sources)
        unread = sum(not t.readable for source in sources for t in source.tensors)
        found = self.model.found if self.filter.text().strip() else None
        arrays = self.tr("1 array") if tensors == 1 else self.tr("%1 arrays")
        parts = [filled(arrays, f"{tensors:,}")]
        if files:
            parts.append(self.tr("1 file") if files == 1 else filled(self.tr("%1 files"), files))
        if unread:
            parts.append(filled(self.tr("%1 not loaded"), f"{unread:,}"))
        if found is not None:
            parts.append(filled(self.tr("%1 found"), f"{found:,}"))
        self.insight_changed.emit(", ".join(parts))

    def _look_soon(self) -> None:
        # Not the timer's own slot, which would take a signal's number for its interval.
        self._rest.start()

    def _mark_current(self) -> None:
        index = self.model.index_of(self._session.current)
        if index.isValid():
            self.tree.setCurrentIndex(index)

    def select(self, source: Source) -> None:
        """Move the cursor to the first tensor of a file."""
        self.filter.clear()
        index = self.model.index_of_source(source)
        self.tree.expand(index)
        places = (self.model.index(row, 0, index) for row in range(self.model.rowCount(index)))
        first = next((at for at in places if self._can_be_shown(at)), QModelIndex())
        self.tree.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtTop)
        self.tree.setCurrentIndex(first if first.isValid() else index)

    def _can_be_shown(self, index: QModelIndex) -> bool:
        tensor = self.model.tensor(index)
        return tensor is not None and tensor.readable

    def _on_collapsed(self, index: QModelIndex) -> None:
        source = self.model.source(index)
        if source is not None:
            self._collapsed.add(source)

    def _on_expanded(self, index: QModelIndex) -> None:
        if not self.filter.text():
            self._collapsed -= {self.model.source(index)}
        self._rest.start()

    # Filter

    def _narrow(self, text: str) -> None:
        self.model.ask(text)
        if text.strip():
            first = self.model.index(0, 0)
            inside = self.model.index(0, 0, first)
            self.tree.setCurrentIndex(inside if inside.isValid() else first)

    def _types_on(self, event: QKeyEvent) -> bool:
        """Continue typing in the filter: names in a model all begin alike."""
        plain = event.modifiers() in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.ShiftModifier,
        )
        if not (plain and self.filter.isVisible() and event.text().isalnum()):
            return False
        self.filter.setFocus()
        self.filter.keyPressEvent(event)
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.tree:
            if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
                return self._types_on(event)
            return super().eventFilter(watched, event)
        down = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            # Esc clears the filter here instead of its action in the window.
            if event.key() == Qt.Key.Key_Escape and self.filter.text():
                event.accept()
                return True
            if _undoes(event):
                # Undo is the document's: it must bring back a closed file.
                event.ignore()
                return True
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in down:
                self.tree.setFocus()
                self.tree.keyPressEvent(event)
                return True
            if event.key() == Qt.Key.Key_Escape and self.filter.text():
                self.filter.clear()
                return True
        return super().eventFilter(watched, event)

    # Opening and closing

    def _source(self) -> Source | None:
        return self.model.source(self.tree.currentIndex())

    def _show_current(self) -> None:
        self._on_activated(self.tree.currentIndex())

    def _on_activated(self, index: QModelIndex) -> None:
        tensor = self.model.tensor(index)
        source = self.model.source(index)
        if tensor is not None and (tensor.loaded or source is None or not source.problem):
            self.asked.emit(tensor)
        elif source is not None and source.problem:
            self.reopen_asked.emit(source)
        elif index.column() != NAME or not self.tree.underMouse():
            # A double click on a file's name already folds it.
            self.tree.setExpanded(index.siblingAtColumn(0), not self.tree.isExpanded(index))

    def remove(self) -> None:
        """Remove the current row's file or array from the document."""
        source = self._source()
        if source is not None:
            self._session.finish_typing.emit()
            commands.remove_source(self._session, source)

    def _menu(self, at: QPoint) -> None:
        source, menu = self._source(), QMenu(self)
        if self._can_be_shown(self.tree.currentIndex()):
            menu.addAction(self.tr("&Show"), self._show_current)
        if source is not None and source.problem:
            menu.addAction(self.tr("&Read now"), partial(self.reopen_asked.emit, source))
            menu.addAction(self.tr("&Locate…"), partial(self.place_asked.emit, source))
        menu.addSeparator()
        menu.addActions(self._offered)
        menu.exec(self.tree.viewport().mapToGlobal(at))
        menu.deleteLater()

    # Previews

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._rest.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._rest.stop()
        self._session.background.cancel(JOB)

    def _look(self) -> None:
        """Read the next visible tensor without a preview."""
        background: Background = self._session.background
        if not self.isVisible() or background.running(JOB):
            return
        for tensor in self._in_sight():
            if tensor.glance is None and self._readable(tensor):
                job = partial(_glance, tensor, tensor.array if tensor.loaded else None)
                seen = partial(self._seen, tensor, tensor.version)
                background.start(JOB, job, seen, only_reads=True)
                return

    def _readable(self, tensor: Tensor) -> bool:
        if not tensor.readable:
            return False
        source = self._session.source_of(tensor)
        if source is not None and source.problem and not tensor.loaded:
            return False
        return tensor.loaded or not tensor.external or (source is not None and source.agreed)

    def _in_sight(self) -> list[Tensor]:
        index = self.tree.indexAt(self.tree.rect().topLeft())
        found = []
        bottom = self.tree.viewport().height()
        while index.isValid() and self.tree.visualRect(index).top() < bottom:
            tensor = self.model.tensor(index)
            if tensor is not None:
                found.append(tensor)
            index = self.tree.indexBelow(index)
        return found

    def _seen(self, tensor: Tensor, version: int, seen: Glance | str) -> None:
        tensor.seen = (version, seen)
        self.model.refresh(tensor)
        self._look()


def _undoes(event: QKeyEvent) -> bool:
    keys = (QKeySequence.StandardKey.Undo, QKeySequence.StandardKey.Redo)
    return any(event.matches(key) for key in keys)


def _glance(tensor: Tensor, array: np.ndarray | None, ticket: Ticket) -> Glance | str:
    from quantoscope.engine.io import load

    try:
        if array is None:
            assert tensor.path is not None
            array = load(tensor.path, tensor.name, external=bool(tensor.external))
        return glance(array, ticket.step)
    except (QuantizationError, OSError, MemoryError) as error:
        return str(error)
