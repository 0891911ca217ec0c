"""Dialogs of View as: another shape, or another place for an axis."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from quantoscope.engine.text.shape_text import parse_shape
from quantoscope.gui.common.localized_numbers import filled


class _ViewAs(QDialog):
    """A form over a line that tells the shape, and the button that takes it."""

    def lay_out(self, *rows: tuple[str, QWidget]) -> None:
        """Lay out fields under their labels.

        The dialog opens in the widget that was made first: the buttons are made after the fields.
        """
        form = QFormLayout()
        for label, field in rows:
            form.addRow(label, field)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        self.note.setMinimumSize(300, 2 * self.note.fontMetrics().lineSpacing())
        self.buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, self
        )
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.note)
        layout.addWidget(self.buttons)

    def accept(self) -> None:
        if self.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled():
            super().accept()

    def tell(self, text: str, possible: bool) -> None:
        """Show a sentence, and whether the dialog can be accepted."""
        self.note.setText(text)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(possible)


class ReshapeDialog(_ViewAs):
    """Asks for another shape of as many values."""

    def __init__(self, shape: tuple[int, ...], size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Reshape"))
        self._size = size
        self._shape = shape
        self.field = QLineEdit(text_of(shape), self)
        self.field.setToolTip(self.tr("Such as 64x147; one length may be -1, for what remains"))
        self.lay_out((self.tr("&Shape"), self.field))
        self.field.textChanged.connect(self._on_text)
        self.field.selectAll()
        self._on_text()

    def shape(self) -> tuple[int, ...]:
        """Return the shape."""
        return self._shape

    def _on_text(self) -> None:
        try:
            self._shape = parse_shape(self.field.text(), self._size)
        except ValueError as error:
            self.tell(str(error), False)
        else:
            text = filled(self.tr("%1 values as %2"), f"{self._size:,}", text_of(self._shape))
            self.tell(text, True)


class MoveAxisDialog(_ViewAs):
    """Asks which axis goes to which place."""

    def __init__(self, shape: tuple[int, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Move axis"))
        self._shape = shape
        self.axis, self.place = QComboBox(self), QComboBox(self)
        for number, length in enumerate(shape):
            self.axis.addItem(filled(self.tr("axis %1, of length %2"), number, f"{length:,}"))
            self.place.addItem(filled(self.tr("place %1"), number))
        self.axis.setCurrentIndex(len(shape) - 1)
        self.lay_out((self.tr("&Move"), self.axis), (self.tr("&to"), self.place))
        self.axis.currentIndexChanged.connect(self._tell)
        self.place.currentIndexChanged.connect(self._tell)
        self._tell()

    def chosen(self) -> tuple[int, int]:
        """Return the axis and its new place."""
        return self.axis.currentIndex(), self.place.currentIndex()

    def _tell(self) -> None:
        axis, place = self.axis.currentIndex(), self.place.currentIndex()
        rest = [length for number, length in enumerate(self._shape) if number != axis]
        rest.insert(place, self._shape[axis])
        text = filled(self.tr("%1 becomes %2"), text_of(self._shape), text_of(tuple(rest)))
        self.tell(text, axis != place)


def text_of(shape: tuple[int, ...]) -> str:
    """Return a shape as it is typed."""
    return "×".join(map(str, shape))
