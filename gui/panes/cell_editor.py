"""Editor of a number in a table cell, which keeps invalid text open."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from quantoscope.gui.common.localized_numbers import typed_number
from quantoscope.gui.common.widgets import plain_label, show_below
from quantoscope.gui.models.array_model import Index

_COMMIT_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


class NumberDelegate(QStyledItemDelegate):
    """Delegate with a line editor and an error message below the cell."""

    typed = Signal()
    """Text was typed into a cell, or its editor was closed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._area = parent
        self.message = plain_label(parent, name="cellMessage")
        self.message.setMargin(4)
        self.message.hide()

    def createEditor(self, parent: QWidget, option: QStyleOptionViewItem, index: Index) -> QWidget:
        editor = QLineEdit(parent)
        editor.setFrame(False)
        editor.setAlignment(Qt.AlignmentFlag.AlignRight)
        editor.setAccessibleName(self.tr("Value"))
        editor.textEdited.connect(self.message.hide)
        editor.textEdited.connect(self.typed)
        return editor

    def setEditorData(self, editor: QWidget, index: Index) -> None:
        """Fill the editor unless the user has typed in it."""
        if not (isinstance(editor, QLineEdit) and editor.isModified()):
            super().setEditorData(editor, index)

    def destroyEditor(self, editor: QWidget, index: Index) -> None:
        self.message.hide()
        super().destroyEditor(editor, index)
        self.typed.emit()

    def eventFilter(self, editor: QObject, event: QEvent) -> bool:
        leaving = event.type() == QEvent.Type.FocusOut or (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in _COMMIT_KEYS
        )
        if leaving and isinstance(editor, QLineEdit) and not self.accepts(editor):
            return True
        return super().eventFilter(editor, event)

    def accepts(self, editor: QLineEdit) -> bool:
        """Return whether the text is valid; show below the cell why not."""
        text = editor.text().strip()
        number = typed_number(text) if text else 0.0
        if isinstance(number, str):
            show_below(self.message, number, editor, self._area)
        return not isinstance(number, str)
