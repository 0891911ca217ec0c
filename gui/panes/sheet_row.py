"""Buttons to page through a long table."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QToolButton, QWidget

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.widgets import hbox, plain_label
from quantoscope.gui.models.values import ValuesModel


class SheetRow(QWidget):
    """Range of visible rows with previous and next buttons; hidden if there is one page."""

    turned = Signal()
    """A button has turned the page."""

    def __init__(self, model: ValuesModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self._label = plain_label(self, wrap=False)
        self._back = self._button(Qt.ArrowType.LeftArrow, self.tr("Previous rows"))
        self._on = self._button(Qt.ArrowType.RightArrow, self.tr("Next rows"))
        hbox(self, self._back, self._label, self._on, spacing=2)
        self._back.clicked.connect(self._turn_back)
        self._on.clicked.connect(self._turn_on)
        for signal in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.array_shown):
            signal.connect(self.refresh)
        self.refresh()

    def _button(self, arrow: Qt.ArrowType, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setArrowType(arrow)
        button.setAutoRaise(True)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button

    def _turn_back(self) -> None:
        self._model.turn_to(self._model.sheet - 1)
        self.turned.emit()

    def _turn_on(self) -> None:
        self._model.turn_to(self._model.sheet + 1)
        self.turned.emit()

    def refresh(self) -> None:
        """Show which rows are visible."""
        model = self._model
        self.setVisible(model.sheets > 1)
        text = self.tr("rows %1 to %2")
        self._label.setText(filled(text, f"{model.first:,}", f"{model.last:,}"))
        self._back.setEnabled(model.sheet > 0)
        self._on.setEnabled(model.sheet + 1 < model.sheets)
