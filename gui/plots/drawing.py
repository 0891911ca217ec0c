"""Items of a plot by key, in data coordinates, with their pens and labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QObject, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainterPath, QPen, QTransform

from quantoscope.gui.common.theme import LINE_STYLES, MARKERS, Theme
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.items import Bars, Curve, Pixels, Points, Straight, Words
from quantoscope.gui.plots.labels import Label, anchor_of, anchored, placed
from quantoscope.gui.plots.spans import Unit, drawable, drawable_one


class Drawing(QObject):
    """What is drawn in a ``PlotItem``: items that are kept as long as they are drawn again.

    Attributes
    ----------
    density : float
        Dots of the device per pixel of the view, for images.
    most_dots : float
        Maximum number of dots of an image.
    fineness : float
        Columns of envelopes per pixel of the view; more in figures, which have more dots.
    """

    draws_schemes: ClassVar[str] = "all"
    """What the legend of a figure has to name: R, and ``all`` schemes, the ``active`` one, or
    ``none``."""

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float) -> None:
        super().__init__()
        self.item = item
        self.theme = theme
        self.ink = ink
        self.device_ratio = 1.0
        self.density = self.fineness = 1.0
        self.most_dots = math.inf
        self.data: PlotData | None = None
        self.x_unit = self.y_unit = Unit()
        self._items: dict[Hashable, Any] = {}
        self._drawn: set[Hashable] = set()
        self._placing: list[Label] = []

    @property
    def columns(self) -> int:
        """Width of the view in pixels."""
        return max(16, int(self.item.getViewBox().width()))

    def pixel(self) -> tuple[float, float]:
        """Size of a pixel in drawn coordinates."""
        view = self.item.getViewBox()
        (x0, x1), (y0, y1) = view.viewRange()
        return (x1 - x0) / max(1.0, view.width()), (y1 - y0) / max(1.0, view.height())

    def room(self) -> QRectF:
        """Return what the view shows, in drawn coordinates."""
        return self.item.getViewBox().viewRect()

    # Pens

    def pen(
        self, colour: QColor | str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine
    ) -> QPen:
        """Return a pen whose width does not depend on the zoom."""
        thick = width * self.ink * self.device_ratio
        return _pen(QColor(colour).rgba(), thick, style)

    def entry_pen(self, series: Series, width: float = 1.0) -> QPen:
        """Return the pen of a scheme, with its colour and line style."""
        return self.pen(
            self.theme.colour(series.entry.colour), width, LINE_STYLES[series.entry.line][1]
        )

    def fill(self, colour: QColor | str, alpha: float) -> QBrush:
        """Return a translucent brush."""
        return QBrush(self.theme.tint(colour, alpha))

    def wash(self, colour: QColor | str, alpha: float) -> QBrush:
        """Return an opaque brush that looks translucent on the background, for pixel columns.

        Qt fills hundreds of narrow, tall columns twenty times as fast if they are
        opaque.
        """
        return QBrush(self.theme.washed(colour, alpha))

    # Items by key: created when first drawn, then updated, removed when not drawn

    def draw_x(self, x: ArrayLike) -> np.ndarray:
        """Convert x from data to drawn coordinates."""
        return drawable(self.x_unit.down(x), *self.item.getViewBox().viewRange()[0])

    def draw_y(self, y: ArrayLike) -> np.ndarray:
        """Convert y from data to drawn coordinates."""
        return drawable(self.y_unit.down(y), *self.item.getViewBox().viewRange()[1])

    def spot_x(self, x: float) -> float:
        """Convert one x from data to drawn coordinates."""
        return drawable_one(self.x_unit.down_to(x), *self.item.getViewBox().viewRange()[0])

    def spot_y(self, y: float) -> float:
        """Convert one y from data to drawn coordinates."""
        return drawable_one(self.y_unit.down_to(y), *self.item.getViewBox().viewRange()[1])

    def _item(self, key: tuple[str, Hashable], make: Callable[[], Any], z: float) -> Any:
        self._drawn.add(key)
        z += self._layer(key[1])
        if key not in self._items:
            self._items[key] = made = make()
            made.setZValue(z)
            self.item.addItem(made, ignoreBounds=True)
        elif self._items[key].zValue() != z:
            self._items[key].setZValue(z)
        return self._items[key]

    def _layer(self, name: Hashable) -> float:
        """Return the z offset of an item named after a scheme.

        Later schemes cover earlier ones, and the active one covers all, in whatever order they
        were first drawn, so that window, reopened session and figure look the same.
        """
        if self.data is None or self.draws_schemes == "none":
            return 0.0
        uid = name[0] if isinstance(name, tuple) and name else name
        return self.data.layers.get(uid, 0.0)

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
        dashes: bool = False,
    ) -> None:
        """Draw a line through points; ``connect="pairs"`` draws separate segments.

        ``dashes``: each of these is level, and all have one length.
        """
        item = self._item(("line", key), Curve, z)
        item.take(self.room())
        item.show_line(self.draw_x(x), self.draw_y(y), pen, connect, fill_to, brush, dashes)

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
        """Draw symbols of one kind at finite points."""
        item = self._item(("points", key), Points, z)
        item.take(self.room())
        x, y = self.draw_x(x), self.draw_y(y)
        keep = np.isfinite(x) & np.isfinite(y)
        pen = self.pen(colour, 2 if hollow else 1)
        brush = QBrush(Qt.BrushStyle.NoBrush) if hollow else QBrush(QColor(colour))
        item.show_points(x[keep], y[keep], symbol, size * self.ink, pen, brush)

    def entry_points(self, key: Hashable, x: np.ndarray, y: np.ndarray, series: Series) -> None:
        """Draw symbols in a scheme's marker and colour."""
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
        least: float = 0,
    ) -> None:
        """Draw rectangles with finite edges, at least ``least`` pixels high."""
        x0, x1, y0, y1 = np.broadcast_arrays(
            self.draw_x(x0), self.draw_x(x1), self.draw_y(y0), self.draw_y(y1)
        )
        if least:
            y1 = np.maximum(y1, y0 + least * self.pixel()[1])
        keep = np.isfinite(y0) & np.isfinite(y1)
        options = {
            "x0": x0[keep], "width": (x1 - x0)[keep], "y0": y0[keep], "y1": y1[keep],
            "pen": pg.mkPen(None), "brush": brush,
        }  # fmt: skip
        if not keep.any():
            return
        item = self._item(("bars", key), lambda: Bars(**options), z)
        item.take(self.room())
        item.setOpts(**options)

    def rule(
        self, key: Hashable, at: float, pen: QPen, vertical: bool = True, z: float = 1
    ) -> None:
        """Draw a straight line across the whole view."""
        item = self._item(("rule", key), Straight, z)
        item.take(self.room())
        item.show_at((self.spot_x if vertical else self.spot_y)(at), vertical, pen)

    def area(
        self, key: Hashable, rect: tuple[float, float, float, float], brush: QBrush, z: float = -5
    ) -> None:
        """Draw a filled rectangle x0, x1, y0, y1; hatching keeps its pitch at every zoom."""
        x0, x1, y0, y1 = rect
        box = self.spot_x(x0), self.spot_x(x1), self.spot_y(y0), self.spot_y(y1)
        self._area(key, box, brush, z)

    def image(
        self, key: Hashable, rect: tuple[float, float, float, float], pixels: np.ndarray,
        z: float = 0,
    ) -> None:  # fmt: skip
        """Draw RGBA pixels, shape (rows, columns, 4), the lowest row first, in x0, x1, y0, y1."""
        x0, x1, y0, y1 = rect
        x0, x1, y0, y1 = self.spot_x(x0), self.spot_x(x1), self.spot_y(y0), self.spot_y(y1)
        item = self._item(("image", key), Pixels, z)
        item.show_pixels(pixels, QRectF(x0, y0, x1 - x0, y1 - y0))

    def shades(self, colour: QColor | str, count: int = 256) -> np.ndarray:
        """Return colours from none to full as RGBA, shape (count, 4)."""
        return _shades(QColor(colour).rgb(), count)

    def hatch_unused(self, name: str, x0: float, x1: float) -> None:
        """Hatch a stretch of unused codes in red."""
        hatch = QBrush(QColor(self.theme.alarm), Qt.BrushStyle.BDiagPattern)
        self.column(("unused", name), x0, x1, hatch, z=-6)
        self.column(("unused ground", name), x0, x1, self.fill(self.theme.alarm, 0.08), z=-7)

    def column(self, key: Hashable, x0: float, x1: float, brush: QBrush, z: float = -5) -> None:
        """Fill a range of x over the full height of the view."""
        left, right = self.spot_x(x0), self.spot_x(x1)
        self._area(key, (left, right, *self.item.getViewBox().viewRange()[1]), brush, z)

    def _area(
        self, key: Hashable, rect: tuple[float, float, float, float], brush: QBrush, z: float
    ) -> None:
        x0, x1, y0, y1 = rect
        item = self._item(("area", key), pg.QtWidgets.QGraphicsRectItem, z)
        item.setPen(QPen(Qt.PenStyle.NoPen))
        if brush.style() not in (Qt.BrushStyle.SolidPattern, Qt.BrushStyle.NoBrush):
            px, py = self.pixel()
            brush = QBrush(brush)
            brush.setTransform(QTransform.fromScale(px * self.ink, py * self.ink))
        item.setBrush(brush)
        item.setRect(QRectF())
        item.setRect(QRectF(x0, y0, x1 - x0, y1 - y0))

    def text(self, key: Hashable, x: float, y: float, text: str, colour: QColor | str,
             anchor: tuple[float, float] = (0.5, 0.5), z: float = 20,
             ground: bool = True) -> None:  # fmt: skip
        """Draw a short label at a point, on a ground that dims what lies below."""
        item = self._item(("text", key), Words, z)
        # Translucent enough to follow the lines below, opaque enough to be readable.
        fill = self.fill(self.theme.background, 0.7) if ground else QBrush()
        font = QFont()
        font.setPointSizeF(8.5)
        item.show_words(text, QColor(colour), font, fill)
        at_x, at_y = self.spot_x(x), self.spot_y(y)
        point = self.point(at_x, at_y)

        def move(box: QRectF | None) -> None:
            item.place_at(at_x, at_y, None if box is None else anchor_of(point, box))

        box = anchored(point, item.size.width(), item.size.height(), anchor)
        self.place(Label(point, box, move))

    def fitting(self, texts: Sequence[str], room: float = math.inf) -> str:
        """Return the first text that is no wider than the view, or than a room; else the last."""
        font = QFont()
        font.setPointSizeF(8.5)
        metrics, most = QFontMetricsF(font), min(room, self.columns) - 6
        return next((one for one in texts if metrics.horizontalAdvance(one) <= most), texts[-1])

    def point(self, x: float, y: float) -> QPointF:
        """Return the pixel position of a drawn point, from the upper left corner of the view."""
        (x0, _), (_, y1) = self.item.getViewBox().viewRange()
        px, py = self.pixel()
        return QPointF((x - x0) / px, (y1 - y) / py)

    def place(self, label: Label) -> None:
        """Register a label to be moved clear of others after painting."""
        self._placing.append(label)

    def _place_labels(self) -> None:
        view = self.item.getViewBox()
        room = QRectF(0, 0, max(1.0, view.width()), max(1.0, view.height()))
        for label, box in zip(self._placing, placed(self._placing, room), strict=True):
            label.move(box)
        self._placing.clear()


@lru_cache(256)
def _pen(rgba: int, thick: float, style: Qt.PenStyle) -> QPen:
    """Return a pen that is thick in pixels."""
    return pg.mkPen(QColor.fromRgba(rgba), width=thick, style=style)


@lru_cache(64)
def _shades(rgb: int, count: int) -> np.ndarray:
    full = QColor(rgb)
    shades = np.empty((count, 4), np.ubyte)
    shades[:] = full.red(), full.green(), full.blue(), 0
    shades[:, 3] = np.linspace(0, 255, count).round()
    shades.setflags(write=False)
    return shades
