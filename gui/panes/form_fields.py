"""What the form of a scheme is made of: rows, fields with a message below, numbers as text."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QStyle,
    QStyleOptionComboBox,
    QVBoxLayout,
    QWidget,
)

from quantoscope.engine import Scheme, SchemeError
from quantoscope.engine.text.number_parsing import NumberError, parse_number
from quantoscope.gui.common.theme import Theme


class ChoiceBox(QComboBox):
    """A box of choices that cuts what is too long for it with a mark, which Qt's own does not."""

    def initStyleOption(self, option: QStyleOptionComboBox) -> None:
        super().initStyleOption(option)
        part = QStyle.SubControl.SC_ComboBoxEditField
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option, part, self)
        icon = 0 if option.currentIcon.isNull() else option.iconSize.width() + 4
        option.currentText = option.fontMetrics.elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, field.width() - 2 - icon
        )


def row_of(layout: QHBoxLayout) -> QWidget:
    """Fields side by side as one widget."""
    widget = QWidget()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    widget.setLayout(layout)
    return widget


def stacked(field: QWidget, problem: QLabel) -> QWidget:
    """A field with its message below, which is its own buddy for the form's label."""
    widget = QWidget()
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    layout.addWidget(field)
    layout.addWidget(problem)
    widget.setFocusProxy(field)
    return widget


def set_text(field: QLineEdit, text: str, keep: bool = False) -> None:
    """Show a text unless the field shows it already; the cursor stays where it is.

    Of one that is too long its beginning is seen, unless somebody types there.
    """
    if not keep and field.text() != text:
        field.setText(text)
        if not field.hasFocus():
            field.setCursorPosition(0)


def show_choice(box: QComboBox, text: str) -> None:
    """Show a choice; none where the box has no such text."""
    box.setCurrentIndex(box.findText(text))


def same_scheme(text: str, scheme: Scheme) -> bool:
    """Whether a text means a scheme."""
    try:
        return Scheme.parse(text) == scheme
    except SchemeError:
        return False


def numbers_in(text: str, most: int = 2) -> tuple[float, ...] | None:
    """Numbers parted by commas or spaces, a single one whatever its marks; None if one is none."""
    words = [text] if most == 1 and text.strip() else text.replace(",", " ").split()
    parts = [number_in(word) for word in words]
    known = tuple(part for part in parts if part is not None)
    return known if len(known) == len(parts) else None


def number_in(text: str) -> float | None:
    """A number; None when it is none."""
    try:
        return parse_number(text)
    except NumberError:
        return None


def rgba(theme: Theme, alpha: float) -> str:
    """The theme's alarm colour, translucent, for a style sheet."""
    colour = theme.tint(theme.alarm, alpha)
    return f"rgba({colour.red()},{colour.green()},{colour.blue()},{colour.alpha()})"
