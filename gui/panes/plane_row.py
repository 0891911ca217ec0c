"""Choice of the plane that an image shows: all values, or two axes at indices of the others."""

from __future__ import annotations

import itertools

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QWidget

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.number_fields import WholeField
from quantoscope.gui.common.widgets import hbox
from quantoscope.gui.panes.form_fields import ChoiceBox
from quantoscope.gui.plots.image_figures import plane_named, plane_text

Shape = tuple[int, ...]


class PlaneRow(QWidget):
    """A box for the axes, and one for the index along every other axis."""

    chosen = Signal(str, int, arguments=["text", "position"])
    """The user has chosen a plane, as the plot's option has it, with a value in it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._shape: Shape = ()
        self._index: Shape = ()
        self.axes = ChoiceBox(self)
        self.axes.setAccessibleName(self.tr("Axes of the image"))
        self.axes.setToolTip(self.tr("What rows and columns are: all values, or two of the axes"))
        self.axes.activated.connect(self._on_axes)
        self.spins: list[WholeField] = []
        self._row = hbox(self, self.axes, spacing=2)
        self.hide()

    def offer(self, shape: Shape, text: str, chosen: int | None) -> None:
        """Show the plane of an array that an option names."""
        blocked = QSignalBlocker(self)
        if shape != self._shape:
            self._shape = shape
            self._index = (0,) * len(shape)
            self.axes.clear()
            self.axes.addItem(self.tr("all values"), None)
            for row, column in itertools.permutations(range(len(shape)), 2):
                # Short: beside it are the positions along the other axes.
                self.axes.addItem(filled(self.tr("axes %1, %2"), row, column), (row, column))
                text = self.tr("rows along axis %1 (%2), columns along axis %3 (%4)")
                tip = filled(text, row, shape[row], column, shape[column])
                self.axes.setItemData(self.axes.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
            self._make_spins()
        self.setVisible(len(shape) > 2)
        if chosen is not None and chosen < np.prod(shape):
            self._index = tuple(int(at) for at in np.unravel_index(chosen, shape))
        plane = plane_named(text, shape)
        pair = (plane.row_axes[0], plane.column_axes[0]) if text and not plane.whole else None
        pairs = [self.axes.itemData(place) for place in range(self.axes.count())]
        self.axes.setCurrentIndex(pairs.index(pair))
        for axis, spin in enumerate(self.spins):
            spin.setVisible(pair is not None and axis not in pair)
            spin.setValue(self._index[axis])
        blocked.unblock()

    def _make_spins(self) -> None:
        for spin in self.spins:
            self._row.removeWidget(spin)
            spin.deleteLater()
        self.spins = []
        for axis, length in enumerate(self._shape if len(self._shape) > 2 else ()):
            spin = WholeField(self)
            spin.setRange(0, max(0, length - 1))
            spin.setPrefix(filled(self.tr("axis %1: "), axis))
            spin.setAccessibleName(filled(self.tr("Slice along axis %1"), axis))
            spin.setToolTip(filled(self.tr("Position along axis %1, 0 to %2"), axis, length - 1))
            spin.setWrapping(True)
            spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            spin.valueChanged.connect(self._on_value)
            self._row.addWidget(spin)
            self.spins.append(spin)

    def _on_axes(self) -> None:
        self._tell()

    def _on_value(self) -> None:
        if not self.signalsBlocked():
            self._index = tuple(spin.value() for spin in self.spins)
            self._tell()

    def _tell(self) -> None:
        pair = self.axes.currentData()
        position = int(np.ravel_multi_index(self._index, self._shape))
        text = "" if pair is None else plane_text(pair[0], pair[1], self._index)
        self.chosen.emit(text, position)
