"""Row of display options above a plot: a box for each, and the plane that an image shows."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QMenu, QWidget

from quantoscope.gui.common.widgets import hbox
from quantoscope.gui.panes.form_fields import ChoiceBox
from quantoscope.gui.panes.plane_row import PlaneRow
from quantoscope.gui.plots import Plot
from quantoscope.gui.plots.data import PlotData

OPTION_WIDTH = 240
"""Maximum width of the box of an option, in pixels."""
BOX_EDGES = 50
"""Width of a box beside its text."""
ARROW_SHARE = 4
"""Share of the options' row, in characters, of the arrow of a box."""


class OptionRow(QWidget):
    """Boxes with the display options of a plot."""

    chosen = Signal(str, str, arguments=["key", "choice"])
    plane_chosen = Signal(str, int, arguments=["text", "position"])
    """The user has chosen something."""

    def __init__(self, plot: Plot, parent: QWidget) -> None:
        super().__init__(parent)
        self._plot = plot
        self.setAutoFillBackground(True)
        row = self._row = hbox(self, margins=(3, 2, 3, 0), spacing=4)
        self.boxes: list[ChoiceBox] = []
        for option in plot.options:
            box = ChoiceBox(self)
            box.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            box.setMinimumContentsLength(3)
            box.setMaximumWidth(OPTION_WIDTH)
            box.setAccessibleName(self.tr(option.title))
            box.setToolTip(self.tr(option.title))
            self.boxes.append(box)
            box.activated.connect(self._on_box)
            row.addWidget(box)
        self.planes = PlaneRow(self) if plot.picks_plane else None
        if self.planes is not None:
            self.planes.chosen.connect(self.plane_chosen)
            row.addWidget(self.planes)
        row.addStretch(1)
        self.offer()

    @property
    def needed(self) -> int:
        """Width in pixels with which all can be read in full."""
        shown = [self.planes.sizeHint().width()] if self.planes is not None else []
        for box in self.boxes:
            texts = [box.itemText(place) for place in range(box.count())]
            width = max(map(box.fontMetrics().horizontalAdvance, texts), default=0) + BOX_EDGES
            shown.append(min(width, OPTION_WIDTH))
        return sum(shown) + 4 * len(shown) + 6

    def offer(self) -> None:
        """Fill the boxes with the choices that the data leave."""
        for option, box in zip(self._plot.options, self.boxes, strict=True):
            choices = [(self.tr(title), key) for key, title in self._plot.choices_of(option)]
            held = [(box.itemText(n), box.itemData(n)[1]) for n in range(box.count())]
            if choices != held:
                box.clear()
                for title, key in choices:
                    box.addItem(title, (option.key, key))
            chosen = self._plot.chosen_options[option.key]
            keys = [key for _, key in choices]
            box.setCurrentIndex(keys.index(chosen) if chosen in keys else 0)
            # In too little room each gets a share of what its text needs.
            self._row.setStretchFactor(box, ARROW_SHARE + len(box.currentText()))

    def offer_planes(self, data: PlotData) -> None:
        """Show the plane of an array that the plot shows."""
        if self.planes is not None:
            chosen = None if data.chosen is None else data.flat(data.chosen)
            self.planes.offer(data.whole.shape, self._plot.chosen_options["plane"], chosen)
            texts = [self.planes.axes.currentText()]
            texts += [spin.text() for spin in self.planes.spins if spin.isVisibleTo(self)]
            self._row.setStretchFactor(self.planes, sum(ARROW_SHARE + len(t) for t in texts))

    def add_to(self, menu: QMenu) -> None:
        """Add a submenu for each box."""
        for option, box in zip(self._plot.options, self.boxes, strict=True):
            choices = menu.addMenu(self.tr(option.title))
            for place in range(box.count()):
                action = choices.addAction(box.itemText(place))
                action.setCheckable(True)
                action.setChecked(place == box.currentIndex())
                action.triggered.connect(partial(self._choose, box, place))

    def _choose(self, box: ChoiceBox, place: int, *_: object) -> None:
        box.setCurrentIndex(place)
        box.activated.emit(place)

    def _on_box(self, place: int) -> None:
        box = self.sender()
        if isinstance(box, QComboBox):
            self.chosen.emit(*box.itemData(place))
