"""Choice of the plane in the grid: an index along every other axis."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.number_fields import WholeField

IN_A_ROW = 3
"""Maximum width, so that many axes do not widen the pane."""


class SliceRow(QWidget):
    """A box for every axis but the last two."""

    chosen = Signal(tuple, arguments=["positions"])
    """The user has chosen another plane."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._boxes = QGridLayout(self)
        self._boxes.setContentsMargins(4, 0, 0, 0)
        self._boxes.setSpacing(2)
        self._boxes.setAlignment(Qt.AlignmentFlag.AlignLeft)
        self._spins: list[WholeField] = []

    def offer(self, shape: Sequence[int]) -> None:
        """Create the boxes for an array of this shape."""
        for spin in self._spins:
            self._boxes.removeWidget(spin)
            spin.deleteLater()
        self._spins = []
        for axis, length in enumerate(shape[:-2]):
            spin = WholeField(self)
            spin.setRange(0, length - 1)
            spin.setPrefix(filled(self.tr("axis %1: "), axis))
            spin.setAccessibleName(filled(self.tr("Slice along axis %1"), axis))
            spin.setToolTip(filled(self.tr("Position along axis %1, 0 to %2"), axis, length - 1))
            spin.setWrapping(True)
            spin.valueChanged.connect(self._on_value)
            self._boxes.addWidget(spin, axis // IN_A_ROW, axis % IN_A_ROW)
            self._spins.append(spin)

    def show_plane(self, positions: Sequence[int]) -> None:
        """Set the boxes to a plane."""
        for spin, position in zip(self._spins, positions, strict=True):
            spin.setValue(position)

    def _on_value(self) -> None:
        self.chosen.emit(tuple(spin.value() for spin in self._spins))
