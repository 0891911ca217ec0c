"""Editor of a number over a cell of an image, which keeps invalid text open."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from quantoscope.gui.common.localized_numbers import typed_number

MIN_WIDTH, MAX_WIDTH = 110, 180


class CellField(QLineEdit):
    """A line editor that opens over a cell; Enter commits, Escape leaves the value as it was."""

    committed = Signal(int, str, float, bool, arguments=["position", "text", "number", "onward"])
    """A number was typed for the value at a flat position; ``onward`` after Enter."""

    typed = Signal()
    """Text was typed, or the editor was closed."""

    def __init__(self, area: QWidget) -> None:
        super().__init__(area)
        self._area = area
        self._position = -1
        self.setAccessibleName(self.tr("Value of the cell"))
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.message = QLabel(area)
        self.message.setObjectName("cellMessage")
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        self.message.setWordWrap(True)
        self.message.setMargin(4)
        self.message.setAutoFillBackground(True)
        self.message.hide()
        self.textEdited.connect(self.message.hide)
        self.textEdited.connect(self._on_edited)
        self.hide()

    def open(self, position: int, text: str, cell: QRect) -> None:
        """Edit the value at a flat position over its cell."""
        self._position = position
        box = cell.adjusted(0, -1, 0, 1)
        box.setWidth(min(max(box.width(), MIN_WIDTH), MAX_WIDTH))
        box.setHeight(self.sizeHint().height())
        box.moveCenter(cell.center())
        room = self._area.rect()
        box.moveLeft(min(max(box.left(), 0), max(0, room.right() - box.width())))
        self.setGeometry(box)
        self.setText(text)
        self.selectAll()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def typing(self) -> tuple[int, str] | None:
        """Flat position and text, if text was typed; None otherwise."""
        return (self._position, self.text()) if self._position >= 0 and self.isModified() else None

    def _on_edited(self) -> None:
        self.typed.emit()

    def finish(self) -> None:
        """Commit a valid number; invalid text stays open."""
        self._commit(onward=False)

    def close_field(self) -> None:
        """Close without committing."""
        self._position = -1
        self.message.hide()
        self.hide()
        self.typed.emit()

    def _commit(self, onward: bool) -> None:
        if self._position < 0:
            return
        text = self.text().strip()
        number = typed_number(text)
        if isinstance(number, str):
            self._say(number)
            return
        position, changed = self._position, self.isModified()
        self.close_field()
        if changed or onward:
            self.committed.emit(position, text, number, onward)

    def _say(self, problem: str) -> None:
        """Show a sentence right below the field, within the plot."""
        label, area = self.message, self._area
        label.setText(problem)
        label.setFixedWidth(min(280, area.width() - 8))
        label.adjustSize()
        below = self.geometry().bottom() + 2
        fits = below + label.height() < area.height()
        y = below if fits else self.geometry().top() - label.height() - 2
        label.move(max(4, min(self.x(), area.width() - label.width() - 4)), y)
        label.show()
        label.raise_()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._commit(onward=True)
        elif event.key() == Qt.Key.Key_Escape:
            self.close_field()
            self._area.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.ActiveWindowFocusReason and self.isVisible():
            self._commit(onward=False)
