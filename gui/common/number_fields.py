"""Fields for one number, with the same notation as table cells and inline error messages."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QLocale, Qt
from PySide6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QValidator,
)
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QDoubleSpinBox,
    QFrame,
    QLabel,
    QLineEdit,
    QSpinBox,
    QStyle,
    QStyleOptionFrame,
    QWidget,
)

from quantoscope.gui.common.localized_numbers import as_typed, filled, typed_number
from quantoscope.gui.common.widgets import show_below

_GROUP = "\N{NARROW NO-BREAK SPACE}"
_COMMIT_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
_MARGIN = 2
"""Space between a field's frame and its text, as in Qt."""
_tr = partial(QCoreApplication.translate, "NumberField")


class ElidedField(QLineEdit):
    """A line edit that elides text too long for it, except while editing.

    Qt clips text at the end of the field: 0.21535 looks like 0.2153.
    """

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        inside = (
            self.style()
            .subElementRect(QStyle.SubElement.SE_LineEditContents, option, self)
            .marginsRemoved(self.textMargins())
        )
        inside.adjust(_MARGIN, 0, -_MARGIN, 0)
        text = self.text()
        holder = self.parentWidget()
        typed_in = holder.hasFocus() if isinstance(holder, QAbstractSpinBox) else self.hasFocus()
        shown = self.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, inside.width())
        if typed_in or shown == text:
            super().paintEvent(event)
            return
        painter = QPainter(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_PanelLineEdit, option, painter, self)
        group = QPalette.ColorGroup.Normal if self.isEnabled() else QPalette.ColorGroup.Disabled
        painter.setPen(self.palette().color(group, QPalette.ColorRole.Text))
        painter.drawText(inside, int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)


class _Note(QLabel):
    """A sentence right below a field, over other widgets."""

    def __init__(self, field: QWidget) -> None:
        super().__init__(field.window())
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setObjectName("fieldNote")
        self.setWordWrap(True)
        self.setMargin(4)
        self.setFrameShape(QFrame.Shape.Box)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)
        self.setForegroundRole(QPalette.ColorRole.Text)
        self.hide()


if TYPE_CHECKING:
    _SpinBox = Any  # QSpinBox or QDoubleSpinBox
else:
    _SpinBox = object


class _Field(_SpinBox):
    """Common base of both fields; the other base class is a spin box.

    Invalid text stays in the field and the value keeps its last valid state until the text is
    corrected.
    """

    _note: _Note | None = None
    _before: float = 0

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setLineEdit(ElidedField(self))
        self.setLocale(QLocale.c())

    def reading(self, text: str) -> float | str:
        """Return the number in a text, or a sentence on why it is invalid."""
        bare = text.removeprefix(self.prefix()).strip()
        bare = bare.removesuffix(self.suffix().strip()).replace(_GROUP, "").strip()
        number = typed_number(bare)
        if isinstance(number, str):
            return number
        if round(number, self.decimals()) != number:
            if not self.decimals():
                return filled(_tr("%1 is not a whole number."), as_typed(number))
            places = _tr("%1 has more than %2 digits after the point.")
            return filled(places, as_typed(number), self.decimals())
        if not self.minimum() <= number <= self.maximum():
            ends = (as_typed(end) for end in (self.minimum(), self.maximum()))
            return filled(_tr("Type a number from %1 to %2."), *ends)
        return number

    @property
    def problem(self) -> str:
        """Why the text is invalid; empty if it is valid."""
        number = self.reading(self.lineEdit().text())
        return number if isinstance(number, str) else ""

    def say_problem(self) -> bool:
        """Show why the text is invalid, if it is; return whether it is."""
        problem = self.problem
        if problem:
            if self._note is None:
                self._note = _Note(self)
                self.lineEdit().textChanged.connect(self._note.hide)
            show_below(self._note, problem, self, self.window())
        return bool(problem)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state = QValidator.State.Acceptable
        if isinstance(self.reading(text), str):
            # Accept any text: it may become valid as typing continues.
            state = QValidator.State.Intermediate
        return state, text, position

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in _COMMIT_KEYS:
            super().keyPressEvent(event)
        elif self.problem:
            self._refuse(self.lineEdit().text())
            # Keep Enter from the dialog too, which would be accepted without this number.
            event.accept()
        else:
            super().keyPressEvent(event)
            self._before = self.value()

    def stepBy(self, steps: int) -> None:
        super().stepBy(steps)
        self._before = self.value()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if not self.problem:
            self._before = self.value()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        text, wrong = self.lineEdit().text(), self.problem
        super().focusOutEvent(event)
        if wrong:
            self._refuse(text)

    def _refuse(self, text: str) -> None:
        """Restore the last valid value but keep the text, and show why it is invalid."""
        self.setValue(self._before)
        self.lineEdit().setText(text)
        self.say_problem()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._note is not None:
            self._note.hide()


class NumberField(_Field, QDoubleSpinBox):
    """A field for a real number."""

    def valueFromText(self, text: str) -> float:
        number = self.reading(text)
        return self.value() if isinstance(number, str) else number


class WholeField(_Field, QSpinBox):
    """A field for an integer."""

    def decimals(self) -> int:
        """Number of decimals: 0."""
        return 0

    def textFromValue(self, value: int) -> str:
        # No group separators: a comma would be read as a decimal mark when edited.
        return f"{value:,}".replace(",", _GROUP) if self.isGroupSeparatorShown() else str(value)

    def valueFromText(self, text: str) -> int:
        number = self.reading(text)
        return self.value() if isinstance(number, str) else int(number)


def all_taken(parent: QWidget) -> bool:
    """Return whether all number fields are valid; else show the first one's problem."""
    fields: list[NumberField | WholeField] = parent.findChildren(NumberField)
    for field in fields + parent.findChildren(WholeField):
        if field.isVisible() and field.isEnabled() and field.problem:
            field.setFocus()
            field.say_problem()
            return False
    return True
