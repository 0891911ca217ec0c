"""One plot in a figure, with its position and ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtWidgets import QGraphicsScene

from quantoscope.gui.common.theme import Theme
from quantoscope.gui.export.files import translated
from quantoscope.gui.export.part import part_shown
from quantoscope.gui.export.spec import Look
from quantoscope.gui.plots import PLOTS, Plot
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.margins import MarginAxis
from quantoscope.gui.plots.view import PlotView

FINEST = 3.125
"""Maximum number of columns of envelopes per 1/96 inch: finer ones cannot be told apart."""


@dataclass
class Tick:
    """A tick of an axis: its position in figure units, and its label, if any."""

    at: float
    text: str
    major: bool


class Panel:
    """One plot in a figure.

    Attributes
    ----------
    letter : str
        Its name in the figure, such as ``(a)``; empty for none.
    left, cell : float
        Left edge and width of its place in the figure.
    head : float
        Height of what stands above its view.
    """

    def __init__(
        self,
        kind: type[Plot],
        data: PlotData,
        theme: Theme,
        ink: float,
        size: float = 1.0,
        look: Look = Look(),  # noqa: B008 - it is frozen
        density: float = 1.0,
        most_dots: float = math.inf,
    ) -> None:
        # A plot needs a scene, but no window.
        self.scene = QGraphicsScene()
        self.item = pg.PlotItem(viewBox=PlotView(kind.x_only), enableMenu=False)
        self.scene.addItem(self.item)
        self.plot = kind(self.item, theme, ink * size)
        self.plot.density = max(1.0, density)
        self.plot.most_dots = most_dots
        self.plot.fineness = min(self.plot.density, FINEST)
        self.view: pg.ViewBox = self.item.getViewBox()
        self.size = size
        self._look(look)
        self.plot.draw(data)
        self.part = part_shown(self.plot, data, look)
        self.letter = ""
        self.left = self.cell = self.head = 0.0
        self.left_label = ""
        self.rect = QRectF()

    def _look(self, look: Look) -> None:
        """Apply ranges and options."""
        self.plot.chosen_options.update(look.options)
        if look.x is not None or look.y is not None:
            self.plot.look_at(look.x, look.y)

    def place(self, rect: QRectF) -> None:
        """Draw the plot for a view of that size."""
        self.rect = rect
        # Plots space labels in pixels for the default text size.
        self.view.setGeometry(QRectF(0, 0, rect.width() / self.size, rect.height() / self.size))
        self.plot.refresh()

    @property
    def sentences(self) -> list[str]:
        """The plot's description, and the range it shows."""
        return [self.plot.insight, *([self.part] if self.part else [])]

    @property
    def least_height(self) -> float:
        """Height of the view in figure units below which something is left out."""
        data = self.plot.data
        return self.plot.least_height(data) * self.size if data is not None else 0.0

    def axis(self, name: str) -> pg.AxisItem | None:
        """Return an axis with ticks if it is visible, else None."""
        axis = self.item.getAxis(name)
        return axis if axis.isVisible() and not isinstance(axis, MarginAxis) else None

    def margin(self, name: str) -> MarginAxis | None:
        """Return the margin above the view (``top``) or to its right (``right``), if any."""
        axis = self.item.getAxis(name)
        return axis if isinstance(axis, MarginAxis) and not axis.empty else None

    def ticks(self, name: str) -> list[Tick]:
        """Return the ticks of an axis, along the view's edge."""
        axis = self.item.getAxis(name)
        upright = name in ("left", "right")
        low, high = self.view.viewRange()[1 if upright else 0]
        length = self.rect.height() if upright else self.rect.width()

        def place(value: float) -> float:
            share = (value - low) / (high - low)
            return (
                self.rect.bottom() - share * length
                if upright
                else self.rect.left() + share * length
            )

        ticks: list[Tick] = []
        if axis._tickLevels is not None:  # set by the plot; there is no public getter
            levels = [([v for v, _ in level], [t for _, t in level]) for level in axis._tickLevels]
        else:
            levels = [
                (list(values), axis.tickStrings(values, 1.0, spacing))
                for spacing, values in axis.tickValues(low, high, length / self.size)
            ]
        for depth, (values, texts) in enumerate(levels):
            ticks += [
                Tick(place(float(value)), str(text), depth == 0)
                for value, text in zip(values, texts, strict=True)
                if low <= value <= high
            ]
        return ticks

    def close(self) -> None:
        """Release all items in an order safe for pyqtgraph."""
        # A pending layout may still reach the view.
        self.view.blockSignals(True)
        self.item.close()
        self.scene.removeItem(self.item)
        self.scene.clear()


def plot_names() -> dict[str, str]:
    """Return the short name of every plot by key, as tabs have it."""
    return {kind.key: translated(kind.name or kind.key.capitalize()) for kind in PLOTS}
