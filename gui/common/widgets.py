"""Layouts, texts, tables and questions that panes and dialogs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QAbstractItemView,
    QBoxLayout,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QMessageBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

ROW_HEIGHT, WIDEST_NOTE = 22, 280
_LABEL, _FIELD = QFormLayout.ItemRole.LabelRole, QFormLayout.ItemRole.FieldRole
_FRAME = QSize(20, 50)
"""Room for a window's frame and title."""
Margins = tuple[int, int, int, int] | None
NONE = (0, 0, 0, 0)
Part = QWidget | QLayout | int | tuple[QWidget | QLayout, int]
"""A part of a layout, or one with its stretch; a number is an empty stretch."""
Button = QMessageBox.StandardButton | tuple[str, QMessageBox.ButtonRole]
_Box = TypeVar("_Box", bound=QBoxLayout)


def hbox(
    owner: QWidget | None, *parts: Part, margins: Margins = NONE, spacing: int | None = None
) -> QHBoxLayout:
    """Return a layout of parts side by side; margins and spacing are the style's if None."""
    return _filled(QHBoxLayout() if owner is None else QHBoxLayout(owner), parts, margins, spacing)


def vbox(
    owner: QWidget | None, *parts: Part, margins: Margins = NONE, spacing: int | None = None
) -> QVBoxLayout:
    """Return a layout of parts one below the other, like ``hbox``."""
    return _filled(QVBoxLayout() if owner is None else QVBoxLayout(owner), parts, margins, spacing)


def _filled(layout: _Box, parts: Sequence[Part], margins: Margins, spacing: int | None) -> _Box:
    if margins is not None:
        layout.setContentsMargins(*margins)
    if spacing is not None:
        layout.setSpacing(spacing)
    for part in parts:
        if isinstance(part, int):
            layout.addStretch(part)
            continue
        one, stretch = part if isinstance(part, tuple) else (part, 0)
        if isinstance(one, QWidget):
            layout.addWidget(one, stretch)
        else:
            layout.addLayout(one, stretch)
    return layout


def name_fields(form: QFormLayout) -> None:
    """Give the fields of a form without a name that of their row, for screen readers.

    They find the label of a field alone, but not of one within others.
    """
    for row in range(form.rowCount()):
        parts = [form.itemAt(row, role) for role in (_LABEL, _FIELD)]
        label, field = (None if part is None else part.widget() for part in parts)
        text = label.text() if isinstance(label, QLabel) else ""
        while field is not None and field.focusProxy() is not None:
            field = field.focusProxy()
        if field is not None and text and not field.accessibleName():
            field.setAccessibleName(text.replace("&", ""))


def plain_label(parent: QWidget, text: str = "", name: str = "", wrap: bool = True) -> QLabel:
    """Return a label that never takes its text, such as a name from a file, for HTML."""
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setObjectName(name)
    label.setWordWrap(wrap)
    return label


def show_below(note: QLabel, sentence: str, field: QWidget, area: QWidget) -> None:
    """Show a sentence right below a field within an area, or above it if there is no room."""
    note.setText(sentence)
    note.setFixedWidth(min(WIDEST_NOTE, area.width() - 8))
    note.adjustSize()
    corner = field.mapTo(area, field.rect().bottomLeft())
    x = max(4, min(corner.x(), area.width() - note.width() - 4))
    below = corner.y() + 2
    fits = below + note.height() < area.height()
    note.move(x, below if fits else corner.y() - field.height() - note.height() - 2)
    note.show()
    note.raise_()


def bold(font: QFont | None = None) -> QFont:
    """Return a font, or the application's, in bold."""
    result = QFont(font) if font is not None else QFont()
    result.setBold(True)
    return result


def align_digits(widget: QWidget) -> None:
    """Use digits of one width, so that numbers below each other align."""
    font = widget.font()
    font.setFeature(QFont.Tag("tnum"), 1)
    widget.setFont(font)


def list_rows(table: QTableView) -> None:
    """Make a table a read-only list of rows, of which one can be selected."""
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setWordWrap(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    table.horizontalHeader().setHighlightSections(False)
    align_digits(table)


def ask(
    parent: QWidget,
    icon: QMessageBox.Icon,
    title: str,
    text: str,
    buttons: Sequence[Button],
    default: int | None = None,
    detail: str = "",
) -> int:
    """Ask a question in plain text; return the index of the pressed button, −1 for none."""
    box = QMessageBox(parent)
    box.setIcon(icon)
    box.setWindowTitle(title)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(text)
    box.setInformativeText(detail)
    made = [box.addButton(*b) if isinstance(b, tuple) else box.addButton(b) for b in buttons]
    if default is not None:
        box.setDefaultButton(made[default])
    box.exec()
    pressed = box.clickedButton()
    box.deleteLater()
    return next((place for place, button in enumerate(made) if button is pressed), -1)


def open_at(dialog: QWidget, width: int, height: int) -> None:
    """Resize a dialog, limited to the screen."""
    room = dialog.screen().availableSize() - _FRAME
    dialog.resize(QSize(width, height).boundedTo(room))
