"""Table of numbers with the editing keys of a spreadsheet."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemDelegate,
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QTableView,
    QWidget,
)

from quantoscope.gui.common.widgets import ROW_HEIGHT, align_digits, bold
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.panes.cell_editor import NumberDelegate

_Key = Qt.Key
_KEYS_UP = (_Key.Key_Up, _Key.Key_PageUp)
_KEYS_DOWN = (_Key.Key_Down, _Key.Key_PageDown)
_KEYS_TO_ENDS = (_Key.Key_Home, _Key.Key_End)
_KEYS_THAT_MOVE = (*_KEYS_UP, *_KEYS_DOWN, *_KEYS_TO_ENDS, _Key.Key_Left, _Key.Key_Right)


class NumberTable(QTableView):
    """Table in which Enter commits and moves down, Tab leaves, and typing edits."""

    moved = Signal(QModelIndex, arguments=["index"])
    """The current cell has changed."""
    refused = Signal()
    """The user typed into a read-only cell."""
    passed = Signal(int, arguments=["way"])
    """A key moves beyond the first row (−1) or the last one (1)."""
    end_asked = Signal(int, arguments=["way"])
    """A key moves to the first cell of all pages (−1) or to the last one (1)."""
    resized = Signal()
    """The table was resized."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.delegate = NumberDelegate(self)
        self.setItemDelegate(self.delegate)
        self.setTabKeyNavigation(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setWordWrap(False)
        self.setAlternatingRowColors(False)
        align_digits(self)
        vertical = self.verticalHeader()
        vertical.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        vertical.setDefaultSectionSize(ROW_HEIGHT)
        vertical.setMinimumSectionSize(ROW_HEIGHT)
        vertical.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        vertical.setHighlightSections(True)
        vertical.setTextElideMode(Qt.TextElideMode.ElideLeft)
        horizontal = self.horizontalHeader()
        horizontal.setDefaultSectionSize(84)
        horizontal.setHighlightSections(False)
        horizontal.setTextElideMode(Qt.TextElideMode.ElideRight)
        horizontal.setDefaultAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        # Highlighted heads query the selection of every row: a million calls per repaint.
        head = self.horizontalHeader()
        if model is not None:
            head.setSelectionModel(QItemSelectionModel(model, head))

    def fit_heads(self, longest: str) -> None:
        """Paint row heads again, with the width of the longest, bold as the current one is."""
        head = self.verticalHeader()
        head.viewport().update()
        width = QFontMetrics(bold(head.font())).horizontalAdvance(longest)
        head.setFixedWidth(max(44, width + 6))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def currentChanged(self, current: Index, previous: Index) -> None:
        super().currentChanged(current, previous)
        if current.isValid():
            self.moved.emit(current)

    def closeEditor(self, editor: QWidget, hint: QAbstractItemDelegate.EndEditHint) -> None:
        """Move one row down after Enter, as spreadsheets do."""
        row, column = self.currentIndex().row(), self.currentIndex().column()
        super().closeEditor(editor, hint)
        model = self.model()
        if hint == QAbstractItemDelegate.EndEditHint.SubmitModelCache and (
            row + 1 < model.rowCount()
        ):
            self.put_cursor(model.index(row + 1, column))

    def holds_wrong_text(self) -> bool:
        """Return whether an open editor has invalid text, and show so below it."""
        if self.state() != QAbstractItemView.State.EditingState:
            return False
        return any(not self.delegate.accepts(editor) for editor in self._editors())

    def _editors(self) -> list[QLineEdit]:
        # Closed editors exist until they are deleted.
        return [e for e in self.viewport().findChildren(QLineEdit) if not e.isHidden()]

    def finish_typing(self) -> None:
        """Commit the open editor; invalid text stays open."""
        for editor in self._editors():
            if self.delegate.accepts(editor):
                self.commitData(editor)
                self.closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def typing(self) -> str | None:
        """Text in the current cell's open editor; None if none is open."""
        return next((e.text() for e in self._editors() if e.isModified()), None)

    def resume_typing(self, index: Index, text: str) -> None:
        """Open an editor on a cell with a text."""
        self.put_cursor(index)
        self.edit(index)
        for editor in self._editors():
            editor.setText(text)
            editor.setModified(True)
        self.delegate.typed.emit()

    def drop_typing(self) -> None:
        """Close the editor without committing: its cell is about to change."""
        for editor in self._editors():
            self.closeEditor(editor, QAbstractItemDelegate.EndEditHint.NoHint)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        # Leaving the cell would discard the text.
        if not self.holds_wrong_text():
            super().mousePressEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.holds_wrong_text():
            return
        before, key = self.currentIndex(), event.key()
        super().keyPressEvent(event)
        extending = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if extending or not before.isValid():
            return
        if key in _KEYS_TO_ENDS and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self.end_asked.emit(-1 if key == _Key.Key_Home else 1)
        elif self.currentIndex() == before and key in (*_KEYS_UP, *_KEYS_DOWN):
            self.passed.emit(-1 if key in _KEYS_UP else 1)

    def selectionCommand(
        self, index: Index, event: QEvent | None = None
    ) -> QItemSelectionModel.SelectionFlag:
        """Let Ctrl with a cursor key select as the key alone does.

        Qt would keep the old selection, possibly out of sight: Delete and paste would
        change other values than those at the cursor.
        """
        if isinstance(event, QKeyEvent) and event.key() in _KEYS_THAT_MOVE:
            plain = event.modifiers() & ~Qt.KeyboardModifier.ControlModifier
            event = QKeyEvent(event.type(), event.key(), plain)
        return super().selectionCommand(index, event)

    def put_cursor(self, index: Index) -> None:
        """Make a cell current and select only it, whatever keys are held down.

        ``setCurrentIndex`` depends on keys: during Ctrl+Z it would extend the selection.
        """
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().setCurrentIndex(index, flag)

    def keyboardSearch(self, text: str) -> None:
        """Disable: Qt would format every row of millions for a typed digit."""
        if text.isprintable() and self.currentIndex().isValid():
            self.refused.emit()

    def go_to(self, row: int, column: int) -> None:
        """Make a cell current and visible, keeping a selection that contains it."""
        model = self.model()
        if self.state() == QAbstractItemView.State.EditingState:
            return  # an edit in progress decides where to go next
        if 0 <= row < model.rowCount() and 0 <= column < model.columnCount():
            index = model.index(row, column)
            if self.currentIndex().row() != row:
                self.put_cursor(index)
            self.scrollTo(index)

    def selected_ranges(self) -> list[tuple[int, int, int, int]]:
        """Return top, left, bottom and right of selected blocks; else of the current cell."""
        selection: QItemSelection = self.selectionModel().selection()
        blocks = [(r.top(), r.left(), r.bottom(), r.right()) for r in selection.toList()]
        current = self.currentIndex()
        if not blocks and current.isValid():
            blocks = [(current.row(), current.column(), current.row(), current.column())]
        return sorted(blocks)

    def select_rows(self, first: int, last: int) -> None:
        """Select rows of the first column and make the first cell current."""
        model = self.model()
        top, bottom = model.index(first, 0), model.index(last, 0)
        self.put_cursor(top)
        flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
        self.selectionModel().select(QItemSelection(top, bottom), flag)
