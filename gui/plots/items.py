"""pyqtgraph's items without what a plot never asks of them: a plot draws all anew in every view.

Its own items watch the view, one by one, and measure themselves after every change, which takes
longer than drawing them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import renderSymbol
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter, QPainterPath, QPen

NOTHING = QPainterPath()
MOST_SYMBOL = 64
"""Size in pixels that no symbol exceeds."""


def do_nothing(*_: Any, **__: Any) -> None:
    """Take the place of what pyqtgraph does after every change of a view."""


class Still:
    """An item that does not watch its view: its plot tells it what has changed."""

    _room = QRectF()

    def take(self, room: QRectF) -> None:
        """Take the place that the view shows, in drawn coordinates."""
        if room != self._room:
            self.prepareGeometryChange()  # type: ignore[attr-defined]
            self._room = room

    def boundingRect(self) -> QRectF:
        return self._room

    def shape(self) -> QPainterPath:
        # The view itself is what is clicked.
        return NOTHING

    # It connects to no signals of a view, and tells it nothing: the range is the plot's choice.
    _updateView = informViewBoundsChanged = do_nothing


class Curve(Still, pg.PlotCurveItem):
    """A line through points, or a level dash of one length for each pair of them."""

    _dashes = False

    def show_line(
        self, x: np.ndarray, y: np.ndarray, pen: QPen, connect: str,
        fill_to: float | None, brush: QBrush | None, dashes: bool = False,
    ) -> None:  # fmt: skip
        """Take other points and another look."""
        self.xData, self.yData, self._dashes = x, y, dashes
        self.path = self.fillPath = self._fillPathList = self._mouseShape = None
        self._lineSegmentsRendered = False
        self.opts.update(pen=pen, connect=connect, fillLevel=fill_to, brush=brush)
        self.update()

    def paint(self, painter: QPainter, *rest: Any) -> None:
        if self._dashes:
            self._stamp(painter)
        else:
            super().paint(painter, *rest)

    def _stamp(self, painter: QPainter) -> None:
        """Draw dashes as pixels: Qt takes twenty times as long for thousands of thick lines."""
        ratio, pen = painter.device().devicePixelRatioF(), self.opts["pen"]
        down = painter.transform()
        # What the view shows, in device pixels, and where the dashes begin in it.
        room = down.mapRect(self._room)
        left, top = math.floor(room.left() * ratio), math.floor(room.top() * ratio)
        wide, high = math.ceil(room.width() * ratio) + 1, math.ceil(room.height() * ratio) + 1
        begin, end = self.xData[:2] * down.m11() * ratio
        # As the pen draws them, with square ends.
        thick = max(1, round(pen.widthF()))
        long = round(end - begin) + thick
        x = (self.xData[::2] * down.m11() + down.dx()) * ratio - left - thick / 2
        y = (self.yData[::2] * down.m22() + down.dy()) * ratio - top - thick / 2
        seen = (x > -long) & (x < wide) & (y > -thick) & (y < high)
        across, rows = wide + 2 * long, high + 2 * thick
        pixels = np.zeros((rows, across), np.uint32)
        places = (np.rint(y[seen]).astype(np.intp) + thick) * across
        places += np.rint(x[seen]).astype(np.intp) + long
        flat, ink = pixels.reshape(-1), pen.color().rgba()
        for row, column in np.ndindex(thick, long):
            flat[places + (row * across + column)] = ink
        form = QImage.Format.Format_ARGB32
        image = QImage(pixels.data, across, rows, 4 * across, form)
        image.setDevicePixelRatio(ratio)
        painter.resetTransform()
        painter.drawImage(QPointF((left - long) / ratio, (top - thick) / ratio), image)


class Straight(Still, pg.GraphicsObject):
    """A straight line across the whole view, upright (angle 90) or level (0)."""

    angle, pen = 90, QPen()
    _at = 0.0

    def show_at(self, at: float, vertical: bool, pen: QPen) -> None:
        """Take another place, in drawn coordinates, and another look."""
        self._at, self.angle, self.pen = at, 90 if vertical else 0, pen
        self.update()

    def value(self) -> float:
        """Return its place."""
        return self._at

    def paint(self, painter: QPainter, *_: Any) -> None:
        room, at = self._room, self._at
        painter.setPen(self.pen)
        if self.angle:
            painter.drawLine(QPointF(at, room.top()), QPointF(at, room.bottom()))
        else:
            painter.drawLine(QPointF(room.left(), at), QPointF(room.right(), at))


class Points(Still, pg.ScatterPlotItem):
    """Symbols of one kind at points, a few hundred at most."""

    _places = np.zeros(0), np.zeros(0)
    _look: tuple[Any, ...] = ()
    _picture: QImage | None = None

    def show_points(
        self, x: np.ndarray, y: np.ndarray, symbol: str | QPainterPath, size: float,
        pen: QPen, brush: QBrush,
    ) -> None:  # fmt: skip
        """Take other points and another look."""
        self._places = x, y
        look = symbol, size, pen, brush
        if look != self._look:
            self._look, self._picture = look, None
            self.opts.update(symbol=symbol, size=size, pen=pen, brush=brush)
        self.update()

    def getData(self) -> tuple[np.ndarray, np.ndarray]:
        return self._places

    def paint(self, painter: QPainter, *_: Any) -> None:
        ratio = painter.device().devicePixelRatioF()
        if self._picture is None or self._picture.devicePixelRatio() != ratio:
            self._picture = renderSymbol(*self._look, dpr=ratio)
        across, down = painter.transform(), self._picture.deviceIndependentSize() / 2
        x = self._places[0] * across.m11() + (across.dx() - down.width())
        y = self._places[1] * across.m22() + (across.dy() - down.height())
        room = painter.viewport().adjusted(-MOST_SYMBOL, -MOST_SYMBOL, 0, 0)
        seen = (x > room.left()) & (x < room.right()) & (y > room.top()) & (y < room.bottom())
        painter.resetTransform()
        for left, top in zip(x[seen].tolist(), y[seen].tolist(), strict=True):
            painter.drawImage(QPointF(left, top), self._picture)


class Bars(Still, pg.BarGraphItem):
    """Rectangles."""


class Pixels(Still, pg.ImageItem):
    """RGBA pixels in a rectangle, the lowest row first."""

    def __init__(self) -> None:
        super().__init__(axisOrder="row-major")

    def show_pixels(self, pixels: np.ndarray, rect: QRectF) -> None:
        """Take other pixels, uint8 of shape (rows, columns, 4), and another place."""
        self.take(rect)
        if getattr(self, "image", None) is not pixels:
            # The picture does not own its bytes.
            self.image = pixels = np.ascontiguousarray(pixels)
            rows, columns = pixels.shape[:2]
            form = QImage.Format.Format_RGBA8888
            self.qimage = QImage(pixels.data, columns, rows, 4 * columns, form)
        self.update()

    def paint(self, painter: QPainter, *_: Any) -> None:
        painter.drawImage(self._room, self.qimage)


class Words(Still, pg.TextItem):
    """A label of the same size in every view."""

    look: tuple[Any, ...] = ()
    """What the text was laid out for."""

    def __init__(self) -> None:
        super().__init__()
        self.setFlag(self.GraphicsItemFlag.ItemIgnoresTransformations)
        self.setFlag(self.GraphicsItemFlag.ItemSendsGeometryChanges, False)
        self.textItem.document().setDocumentMargin(1)

    def show_words(self, text: str, ink: QColor, font: QFont, ground: QBrush) -> None:
        """Take another text and look: laying it out takes longer than all else that it needs."""
        look = text, ink.rgba(), font.key(), ground.color().rgba(), ground.style()
        if look != self.look:
            self.look = look
            self.fill = ground
            self.setFont(font)
            self.setText(text, color=ink)
            self.size = self.textItem.boundingRect().size()

    def place_at(self, x: float, y: float, anchor: tuple[float, float] | None) -> None:
        """Move to a drawn point, which lies at this share of its width and height, or hide."""
        self.setVisible(anchor is not None)
        if anchor is None:
            return
        # Qt takes points that differ by less than 1e-12 relatively for the same.
        if (self.x(), self.y()) != (x, y):
            self.setPos(0, 0)
            self.setPos(x, y)
        if tuple(self.anchor) != anchor:
            self.setAnchor(anchor)

    def setVisible(self, visible: bool) -> None:
        pg.GraphicsObject.setVisible(self, visible)

    def boundingRect(self) -> QRectF:
        box: QRectF = pg.TextItem.boundingRect(self)
        return box

    def mapRectToScene(self, box: QRectF) -> QRectF:
        """Return where a box of the label lies: Qt would scale it as the view does."""
        return box.translated(self.scenePos())

    # Its size follows no transform.
    updateTransform = do_nothing

    def paint(self, painter: QPainter, *_: Any) -> None:
        if self.fill.style() != Qt.BrushStyle.NoBrush:
            painter.fillRect(self.boundingRect(), self.fill)
