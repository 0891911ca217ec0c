"""Fields for the granularity: its kind, and axis or group size."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QSizePolicy, QWidget

from quantoscope.engine import Granularity
from quantoscope.engine.numerics.granularity import (
    CHANNEL,
    GRANULARITIES,
    GROUP,
    MAX_GROUP,
    TENSOR,
    Kind,
)
from quantoscope.gui.common.number_fields import WholeField
from quantoscope.gui.common.widgets import hbox
from quantoscope.gui.panes.form_fields import ChoiceBox

FIRST = {TENSOR: 0, CHANNEL: 0, GROUP: 32}


class GranularityRow(QWidget):
    """A box for the kind and a field for its number."""

    chosen = Signal(object, arguments=["granularity"])
    """The user has chosen another granularity."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._axes = 1
        self.kind = ChoiceBox(self)
        self.kind.setAccessibleName(self.tr("Granularity"))
        self.kind.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for name, summary in GRANULARITIES.items():
            self.kind.addItem(name)
            tip = Qt.ItemDataRole.ToolTipRole
            self.kind.setItemData(self.kind.count() - 1, self.tr(summary), tip)
        self.number = WholeField(self)
        self.number.setKeyboardTracking(False)
        self.number.installEventFilter(self)
        self.kind.setMinimumWidth(102)
        self.number.setFixedWidth(66)
        # Reserve room for both, so that the width of the form does not depend on the choice.
        self.setMinimumWidth(102 + 4 + 66)
        hbox(self, (self.kind, 1), self.number, spacing=4)
        self.setFocusProxy(self.kind)
        self.kind.textActivated.connect(self._on_kind)
        self.number.valueChanged.connect(self._on_number)

    def show_granularity(self, granularity: Granularity, axes: int) -> None:
        """Show a granularity, for an array with a number of axes."""
        self._axes = max(1, axes)
        blocked = QSignalBlocker(self.number)
        self.kind.setCurrentText(granularity.kind)
        self.kind.setToolTip(self.tr(GRANULARITIES[granularity.kind]))
        if granularity.kind == CHANNEL:
            least = min(0, granularity.number)
            self.number.setRange(least, max(self._axes - 1, granularity.number))
            self.number.setPrefix(self.tr("axis "))
            self.number.setAccessibleName(self.tr("Axis of the channels"))
        elif granularity.kind == GROUP:
            self.number.setRange(1, MAX_GROUP)
            self.number.setPrefix("")
            self.number.setAccessibleName(self.tr("Values per group"))
        self.number.setValue(granularity.number)
        self.number.setVisible(not granularity.whole)
        blocked.unblock()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Leave undo and redo to the window.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = QKeySequence.StandardKey
            if event.matches(keys.Undo) or event.matches(keys.Redo):
                event.ignore()
                return True
        return super().eventFilter(watched, event)

    def _on_kind(self, kind: str) -> None:
        self.chosen.emit(Granularity(Kind(kind), FIRST[Kind(kind)]))

    def _on_number(self, number: int) -> None:
        self.chosen.emit(Granularity(Kind(self.kind.currentText()), number))
