"""Parts of the scheme form: rows, messages below fields, text of numbers."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QStyle, QStyleOptionComboBox, QWidget

from quantoscope.engine import Scheme, SchemeError
from quantoscope.engine.text.number_parsing import NumberError, parse_number
from quantoscope.gui.common.number_fields import ElidedField
from quantoscope.gui.common.widgets import Part, hbox, vbox


class ChoiceBox(QComboBox):
    """A combo box that elides long texts, which Qt's own clips."""

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
        icon = 0 if option.currentIcon.isNull() else option.iconSize.width() + 4
        option.currentText = option.fontMetrics.elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, field.width() - 2 - icon
        )


class FormField(ElidedField):
    """A field that leaves undo and redo to the window once it has none of its own.

    Qt's own keeps the keys even then: after an edit elsewhere they did nothing here.
    """

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = QKeySequence.StandardKey
            undo = event.matches(keys.Undo) and not self.isUndoAvailable()
            if undo or (event.matches(keys.Redo) and not self.isRedoAvailable()):
                event.ignore()
                return False
        return super().event(event)


def row_of(*fields: Part) -> QWidget:
    """Return a widget with fields side by side."""
    widget = QWidget()
    hbox(widget, *fields, spacing=4)
    return widget


def stacked(field: QWidget, problem: QLabel) -> QWidget:
    """Return a field with its message below, as one widget that acts as the label's buddy."""
    widget = QWidget()
    vbox(widget, field, problem, spacing=2)
    widget.setFocusProxy(field)
    return widget


def set_text(field: QLineEdit, text: str, keep: bool = False) -> None:
    """Set a field's text if it differs, keeping the cursor.

    The start of a long text is visible, except while editing.
    """
    if not keep and field.text() != text:
        field.setText(text)
        if not field.hasFocus():
            field.setCursorPosition(0)


def same_scheme(text: str, scheme: Scheme) -> bool:
    """Return whether a text parses to a scheme."""
    try:
        return Scheme.parse(text) == scheme
    except SchemeError:
        return False


def numbers_in(text: str, most: int = 2) -> tuple[float, ...] | None:
    """Parse numbers separated by commas or spaces, or a single one; None if any is invalid."""
    words = [text] if most == 1 and text.strip() else text.replace(",", " ").split()
    parts = [number_in(word) for word in words]
    known = tuple(part for part in parts if part is not None)
    return known if len(known) == len(parts) else None


def number_in(text: str) -> float | None:
    """Parse a number; None if it is invalid."""
    try:
        return parse_number(text)
    except NumberError:
        return None
