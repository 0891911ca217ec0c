"""What every plot shares: its items by key, its range, its look."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from html import escape
from typing import Any, ClassVar

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QObject, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont, QPainterPath, QPen, QTransform

from gui.numbers_text import filled
from gui.plots.data import PlotData, Series
from gui.plots.option import Option
from gui.plots.spans import drawable, kept_inside, padded
from gui.plots.view import WholeAxis
from gui.theme import LINE_STYLES, MARKERS, Theme

FEW = 60
"""Up to so many visible values are drawn with stems, side by side."""
AXIS_WIDTH = 66


class Plot(QObject):
    """A picture of ``PlotData`` in a ``PlotItem``; knows neither the window nor the session.

    Signals
    -------
    insight_changed(text)
        The line that says what there is to see now.
    range_dragged(low, high, finished)
        The person drags the clipping range.
    """

    insight_changed = Signal(str)
    range_dragged = Signal(float, float, bool)

    key: ClassVar[str]
    x_only: ClassVar[bool] = False
    x_quantity: ClassVar[str] = ""
    """Plots with the same quantity are linked along x."""
    draws_values: ClassVar[bool] = True
    draws_schemes: ClassVar[str] = "all"
    """What the legend of a figure has to name: R, and ``all`` schemes, the ``active`` one, or
    ``none``."""
    whole_axes: ClassVar[tuple[str, ...]] = ()
    """The axes that run over whole numbers."""
    compares: ClassVar[bool] = False
    """Whether it shows the comparison of two schemes."""
    options: ClassVar[tuple[Option, ...]] = ()
    """Choices of how to look at the data."""
    slow: ClassVar[bool] = False
    """Whether many values take long to compute; ``prepare`` then does it on another thread."""

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        super().__init__()
        self.item = item
        self.theme = theme
        self.ink = ink
        self.device_ratio = 1.0
        self.data: PlotData | None = None
        self.insight = ""
        self.leader: Plot | None = None
        self.chosen_options = {option.key: option.choices[0][0] for option in self.options}
        self._labels: tuple[str, str] = ("", "")
        self._follow_x = self.follow_y = True
        self._items: dict[Hashable, Any] = {}
        self._drawn: set[Hashable] = set()
        self._busy = False
        item.hideButtons()
        item.setMenuEnabled(False)
        for name in self.whole_axes:
            item.setAxisItems({name: WholeAxis(name)})
        item.getAxis("left").setWidth(AXIS_WIDTH)
        view = item.getViewBox()
        view.disableAutoRange()
        view.sigRangeChangedManually.connect(self._moved_by_hand)
        view.sigRangeChanged.connect(self._range_changed)
        view.sigResized.connect(self._range_changed)
        self.restyle(theme)

    # What a plot says of itself

    def title(self) -> str:
        """What the plot shows."""
        raise NotImplementedError

    def axis_labels(self) -> tuple[str, str]:
        """What runs along x and y, with the unit."""
        raise NotImplementedError

    def describe(self, data: PlotData) -> str:
        """What there is to see now, in one computed line."""
        raise NotImplementedError

    def x_range(self, data: PlotData) -> tuple[float, float]:
        """The whole range along x."""
        raise NotImplementedError

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        """The range along y that shows everything between x0 and x1."""
        raise NotImplementedError

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        """Draw everything between x0 and x1 with the methods below."""
        raise NotImplementedError

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """The value that a click at x, y means, by its place among those shown."""
        raise NotImplementedError

    def pick_channel(self, data: PlotData, x: float, y: float) -> int | None:
        """The channel that a click at x, y means; None in plots of values."""
        return None

    def next_channel(self, data: PlotData, step: int) -> int | None:
        """The channel beside the one in focus; None in plots of values."""
        return None

    def readout(self, data: PlotData, x: float, y: float) -> str:
        """What the crosshair reads at x, y."""
        raise NotImplementedError

    def prepare(self, data: PlotData) -> None:
        """Compute, on any thread, what drawing needs and keeps; nothing in most plots."""

    # Drawing

    def draw(self, data: PlotData) -> None:
        """Show new data."""
        self.data = data
        if self.axis_labels() != self._labels:
            self._set_labels()
        self.refresh()
        insight = data.failure if data.failure and data.values.size else self.describe(data)
        if data.focus_name and not data.failure:
            insight = f"[{data.focus_name}] {insight}"
        if insight != self.insight:
            self.insight = insight
            self.insight_changed.emit(insight)

    @property
    def follow_x(self) -> bool:
        """Whether x shows all the data, rather than what a person chose; as the leader does."""
        return self.leader.follow_x if self.leader else self._follow_x

    @follow_x.setter
    def follow_x(self, follow: bool) -> None:
        if self.leader:
            self.leader.follow_x = follow
        self._follow_x = follow

    def refresh(self, move_x: bool = True) -> None:
        """Draw the data again for the range that is visible."""
        if self.data is None or self._busy:
            return
        self._busy = True
        try:
            view = self.item.getViewBox()
            if self.follow_x and move_x:
                view.setXRange(*padded(*self.x_range(self.data)), padding=0)
            x0, x1 = view.viewRange()[0]
            if self.follow_y:
                view.setYRange(*padded(*self.y_range(self.data, x0, x1), 0.08), padding=0)
            # Left to the painting itself, the new transform would ask for another one.
            view.updateMatrix()
            self._drawn.clear()
            self.paint(self.data, x0, x1)
            for key in set(self._items) - self._drawn:
                self.item.removeItem(self._items.pop(key))
        finally:
            self._busy = False

    def fit(self) -> None:
        """Show everything again."""
        self.follow_x = self.follow_y = True
        self.refresh()

    def restyle(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self.theme = theme
        font = QFont()
        font.setPointSizeF(8.5)
        for name in ("left", "bottom", "top"):
            axis = self.item.getAxis(name)
            axis.setPen(pg.mkPen(theme.grid, width=self.ink))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4, maxTickLevel=1, autoExpandTextSpace=False)
            # Turned off, pyqtgraph still scales once, by the range of now: 0.15 would read 150.
            axis.setSIPrefixEnableRanges(((0.0, 0.0),))
            axis.enableAutoSIPrefix(False)
        self._set_labels()
        for key in list(self._items):
            self.item.removeItem(self._items.pop(key))
        self.refresh()

    def choose(self, key: str, choice: str) -> None:
        """Look at the data in another way."""
        self.chosen_options[key] = choice
        self.follow_x = self.follow_y = True
        if self.data is not None:
            self.draw(self.data)

    def _set_labels(self) -> None:
        self._labels = self.axis_labels()
        style = {"color": self.theme.muted, "font-size": "8.5pt"}
        # pyqtgraph takes labels for HTML.
        self.item.setLabel("bottom", escape(self._labels[0]), **style)
        self.item.setLabel("left", escape(self._labels[1]), **style)

    def position_label(self) -> str:
        """What positions along x are counted in."""
        focus = self.data.focus_name if self.data is not None else ""
        return filled(self.tr("position within %1"), focus) if focus else self.tr("position #")

    def _moved_by_hand(self, mask: Any) -> None:
        self.follow_x = self.follow_x and not mask[0]
        self.follow_y = self.follow_y and not mask[1]

    def _range_changed(self, *_: Any) -> None:
        # Whoever changed the range, a person or a linked plot, knows which x to show.
        self.refresh(move_x=False)

    @property
    def columns(self) -> int:
        """How many pixels wide the view is."""
        return max(16, int(self.item.getViewBox().width()))

    def pixel(self) -> tuple[float, float]:
        """The size of a pixel in units of x and y."""
        view = self.item.getViewBox()
        (x0, x1), (y0, y1) = view.viewRange()
        return (x1 - x0) / max(1.0, view.width()), (y1 - y0) / max(1.0, view.height())

    # Pens

    def pen(
        self,
        colour: QColor | str,
        width: float = 1.0,
        style: Qt.PenStyle = Qt.PenStyle.SolidLine,
    ) -> QPen:
        """A pen whose width does not depend on the zoom."""
        thick = width * self.ink * self.device_ratio
        return pg.mkPen(QColor(colour), width=thick, style=style)

    def entry_pen(self, series: Series, width: float = 1.0) -> QPen:
        """The pen of a scheme: its colour and line style."""
        return self.pen(
            self.theme.colour(series.entry.colour), width, LINE_STYLES[series.entry.line][1]
        )

    def fill(self, colour: QColor | str, alpha: float) -> QBrush:
        """A translucent brush."""
        return QBrush(self.theme.tint(colour, alpha))

    def wash(self, colour: QColor | str, alpha: float) -> QBrush:
        """What the translucent brush looks like on the background, for columns of a pixel.

        Qt fills hundreds of narrow, tall columns twenty times as fast where nothing shines
        through.
        """
        return QBrush(self.theme.washed(colour, alpha))

    # Items by key: made when first drawn, moved when drawn again, removed when not

    def _item(self, key: Hashable, make: Callable[[], Any], z: float) -> Any:
        self._drawn.add(key)
        if key not in self._items:
            self._items[key] = made = make()
            made.setZValue(z)
            self.item.addItem(made, ignoreBounds=True)
        return self._items[key]

    def line(
        self,
        key: Hashable,
        x: np.ndarray,
        y: np.ndarray,
        pen: QPen,
        connect: str = "finite",
        z: float = 0,
        fill_to: float | None = None,
        brush: QBrush | None = None,
    ) -> None:
        """A line through points; ``connect="pairs"`` draws separate segments."""
        item = self._item(("line", key), pg.PlotCurveItem, z)
        item.setData(
            drawable(x), drawable(y), pen=pen, connect=connect,
            fillLevel=fill_to, brush=brush,
        )  # fmt: skip

    def points(
        self,
        key: Hashable,
        x: np.ndarray,
        y: np.ndarray,
        symbol: str | QPainterPath,
        colour: QColor | str,
        size: float = 8,
        z: float = 5,
        hollow: bool = False,
    ) -> None:
        """Symbols of one kind; points that are not finite are left out."""
        item = self._item(("points", key), pg.ScatterPlotItem, z)
        x, y = drawable(x), drawable(y)
        keep = np.isfinite(x) & np.isfinite(y)
        item.setData(
            x[keep], y[keep], symbol=symbol, size=size * self.ink,
            pen=self.pen(colour, 2 if hollow else 1),
            brush=QBrush(Qt.BrushStyle.NoBrush) if hollow else QBrush(QColor(colour)),
        )  # fmt: skip

    def entry_points(self, key: Hashable, x: np.ndarray, y: np.ndarray, series: Series) -> None:
        """Symbols in a scheme's marker and colour."""
        self.points(key, x, y, MARKERS[series.entry.marker], self.theme.colour(series.entry.colour))

    def bars(
        self,
        key: Hashable,
        x0: np.ndarray,
        x1: np.ndarray,
        y0: np.ndarray,
        y1: np.ndarray,
        brush: QBrush,
        z: float = 0,
    ) -> None:
        """Rectangles; those with an end that is not finite are left out."""
        x0, x1, y0, y1 = np.broadcast_arrays(*map(drawable, (x0, x1, y0, y1)))
        keep = np.isfinite(y0) & np.isfinite(y1)
        options = {
            "x0": x0[keep], "width": (x1 - x0)[keep], "y0": y0[keep], "y1": y1[keep],
            "pen": pg.mkPen(None), "brush": brush,
        }  # fmt: skip
        if not keep.any():
            return
        item = self._item(("bars", key), lambda: pg.BarGraphItem(**options), z)
        item.setOpts(**options)

    def stretches(self, key: Hashable, x0: np.ndarray, x1: np.ndarray, low: np.ndarray,
                  high: np.ndarray, brush: QBrush) -> None:  # fmt: skip
        """Columns from the lowest to the highest value, each at least a pixel high."""
        low = drawable(low)
        self.bars(key, x0, x1, low, np.maximum(drawable(high), low + self.pixel()[1]), brush)

    def rule(
        self,
        key: Hashable,
        at: float,
        pen: QPen,
        vertical: bool = True,
        z: float = 1,
    ) -> None:
        """A straight line across the whole view."""
        item = self._item(
            ("rule", key), lambda: pg.InfiniteLine(angle=90 if vertical else 0, movable=False), z
        )
        item.setPen(pen)
        item.setPos(float(drawable(np.array(at))))

    def area(
        self,
        key: Hashable,
        rect: tuple[float, float, float, float],
        brush: QBrush,
        z: float = -5,
    ) -> None:
        """A filled rectangle x0, x1, y0, y1; hatching keeps its pitch at every zoom."""
        x0, x1, y0, y1 = drawable(np.array(rect)).tolist()
        item = self._item(("area", key), pg.QtWidgets.QGraphicsRectItem, z)
        item.setPen(QPen(Qt.PenStyle.NoPen))
        if brush.style() not in (Qt.BrushStyle.SolidPattern, Qt.BrushStyle.NoBrush):
            px, py = self.pixel()
            brush = QBrush(brush)
            brush.setTransform(QTransform.fromScale(px * self.ink, py * self.ink))
        item.setBrush(brush)
        item.setRect(QRectF(x0, y0, x1 - x0, y1 - y0))

    def text(self, key: Hashable, x: float, y: float, text: str, colour: QColor | str,
             anchor: tuple[float, float] = (0.5, 0.5), z: float = 20) -> None:  # fmt: skip
        """A short label at a point."""
        item = self._item(("text", key), pg.TextItem, z)
        # Lines shine through enough to be followed, and little enough to read over them.
        item.fill = self.fill(self.theme.background, 0.7)
        item.textItem.document().setDocumentMargin(1)
        font = QFont()
        font.setPointSizeF(8.5)
        item.setFont(font)
        item.setText(text, color=QColor(colour))
        pixel, (y0, y1) = self.pixel()[1], self.item.getViewBox().viewRange()[1]
        height = item.textItem.boundingRect().height()
        side = kept_inside(anchor[1], height, (y - y0) / pixel, (y1 - y) / pixel)
        item.setAnchor(pg.Point(anchor[0], side))
        item.setPos(*drawable(np.array([x, y])).tolist())
