"""Paint the items of a plot with plain strokes, fills and text, for vector files.

Vector files need lines with a physical width, drawn hatching, and precise
coordinates; pyqtgraph paints for the screen with pens of one device pixel, bitmap
patterns and data coordinates. So its items are read here, mapped to the figure,
and painted again. Items of very many marks become an image, so that files stay small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QTransform,
)
from PySide6.QtWidgets import QGraphicsRectItem

from quantoscope.gui.export.lean_images import picture_of
from quantoscope.gui.export.pdf_images import PdfImages
from quantoscope.gui.plots.image_cells import CellTexts
from quantoscope.gui.plots.items import Straight
from quantoscope.gui.plots.marks import HATCH_PITCH, MarksItem, hatch_lines

SYMBOL_SHARE = 0.75
"""Scale of symbols: pens are thicker on paper than on a screen, symbols are not."""
MOST_BARS = 4096
IMAGE_DOTS = 1024
"""Longer side of a small image in a file, at least about this many dots."""
MOST_ENLARGED = 2e6
"""Maximum number of dots of an enlarged image."""
DENSE, DENSE_LINE = 4000, 1500
"""Number of corners, of a line of points, from which an item becomes an image in a vector file."""
SMOOTH = 2.6
"""Dots per 1/96 inch from which an image needs no smooth edges."""
PIECE = 1000
"""Maximum number of corners of a line that is painted at once into an image."""
SYMBOL_ROOM = 16.0
"""Room around the view for symbols on its edge, in 1/96 inch."""


def firm(pen: QPen) -> QPen:
    """Return the pen with its width in figure units instead of device pixels."""
    result = QPen(pen)
    result.setCosmetic(False)
    result.setCapStyle(Qt.PenCapStyle.FlatCap)
    # Mitred corners of stairs, but no spikes at acute corners of envelopes.
    result.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
    result.setMiterLimit(1.5)
    return result


def symbol_path(symbol: str | QPainterPath, x: float, y: float, size: float) -> QPainterPath:
    """Return a pyqtgraph symbol at a position and size."""
    path = Symbols[symbol] if isinstance(symbol, str) else symbol
    return QTransform(size, 0, 0, size, x, y).map(path)


def _shares(places: Any, span: tuple[float, float]) -> Any:
    """Return positions as fractions of a range, clamped slightly beyond its ends."""
    low, high = span
    with np.errstate(over="ignore"):
        return np.clip((np.asarray(places, np.float64) - low) / (high - low), -1, 2)


@dataclass
class ViewPainter:
    """Paints the items of one view into a rectangle of the figure."""

    painter: QPainter
    """Painter in figure units."""
    rect: QRectF
    """Rectangle of the view."""
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    """Visible ranges."""
    font: QFont
    """Font of labels."""
    unit: float
    """Length of 1/96 inch."""
    dots: float = 0.0
    """Dots per figure unit of dense items; 0 to paint them like all others."""
    most_bytes: float = math.inf
    """Size in a vector file up to which an image keeps all of its colours."""
    pdf_images: PdfImages | None = None
    """Takes images with palettes, if a PDF is painted."""
    _labels: list[QRectF] = field(default_factory=list)

    def paint(self, plot: pg.PlotItem) -> None:
        """Paint everything in a plot by depth, clipped to the view."""
        items = [item for item in plot.items if item.isVisible()]
        items.sort(key=lambda item: float(item.zValue()))
        self.painter.save()
        self.painter.setClipRect(self.rect)
        for dense, layer in groupby(items, self._is_dense):
            if dense:
                self._paint_dense(list(layer))
            else:
                for item in layer:
                    self._paint_of(item)(item)
        self.painter.restore()

    def _is_dense(self, item: Any) -> bool:
        """Return whether an item has too many marks for a vector file."""
        if not self.dots:
            return False
        if isinstance(item, pg.BarGraphItem):
            return 4 * np.size(item.opts["x0"]) > DENSE
        if isinstance(item, pg.PlotCurveItem | pg.ScatterPlotItem):
            x, _ = item.getData()
            one_line = isinstance(item, pg.PlotCurveItem) and item.opts["connect"] != "pairs"
            return x is not None and len(x) > (DENSE_LINE if one_line else DENSE)
        return False

    def _paint_dense(self, items: list[Any]) -> None:
        """Paint items that lie on each other as one image."""
        room = SYMBOL_ROOM * self.unit
        rect = self.rect.adjusted(-room, -room, room, room)
        width = max(1, round(rect.width() * self.dots))
        height = max(1, round(rect.height() * self.dots))
        image = QImage(width, height, QImage.Format.Format_RGBA8888)
        image.fill(Qt.GlobalColor.transparent)
        whole, self.painter = self.painter, QPainter(image)
        # Fine dots need no smooth edges, and without them there are few colours.
        coarse = self.dots * self.unit < SMOOTH
        self.painter.setRenderHint(QPainter.RenderHint.Antialiasing, coarse)
        self.painter.scale(width / rect.width(), height / rect.height())
        self.painter.translate(-rect.topLeft())
        self.painter.setClipRect(self.rect)
        for item in items:
            self._paint_of(item)(item)
        self.painter.end()
        self.painter = whole
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(height, width, 4)
        self.painter.save()
        self.painter.setClipRect(rect)
        self._draw_image(rect, picture_of(pixels, math.inf))
        self.painter.restore()

    def _draw_image(self, rect: QRectF, picture: QImage) -> None:
        placeholder = self.pdf_images.placeholder(picture) if self.pdf_images else None
        self.painter.drawImage(rect, placeholder or picture)

    def _paint_of(self, item: Any) -> Callable[[Any], None]:
        table: tuple[tuple[type, Callable[[Any], None]], ...] = (
            (pg.PlotCurveItem, self._curve),
            (pg.ScatterPlotItem, self._scatter),
            (pg.BarGraphItem, self._bars),
            (pg.InfiniteLine, self._rule),
            (Straight, self._rule),
            (QGraphicsRectItem, self._area),
            (pg.TextItem, self._text),
            (MarksItem, self._marks),
            (pg.ImageItem, self._image),
            (CellTexts, self._cells),
        )
        for kind, paint in table:
            if isinstance(item, kind):
                return paint
        raise TypeError(f"{type(item).__name__} cannot be drawn in a figure")

    # From the data to the figure

    def map_x(self, x: Any) -> Any:
        """Map x to the figure, clamping positions far outside the view."""
        return self.rect.left() + _shares(x, self.x_range) * self.rect.width()

    def map_y(self, y: Any) -> Any:
        """Map y to the figure, upwards, with clamping."""
        return self.rect.bottom() - _shares(y, self.y_range) * self.rect.height()

    # Item types

    def _curve(self, item: pg.PlotCurveItem) -> None:
        x, y = item.getData()
        if x is None or len(x) == 0:
            return
        path = pg.arrayToQPath(self.map_x(x), self.map_y(y), connect=item.opts["connect"])
        pen = item.opts["pen"]
        if item.opts["fillLevel"] is not None and item.opts["brush"] is not None:
            closed = QPainterPath(path)
            base = float(self.map_y(item.opts["fillLevel"]))
            closed.lineTo(float(self.map_x(x[-1])), base)
            closed.lineTo(float(self.map_x(x[0])), base)
            closed.closeSubpath()
            self.painter.fillPath(closed, item.opts["brush"])
        for part in self._pieces(path):
            self.painter.strokePath(part, firm(pen))

    def _pieces(self, path: QPainterPath) -> list[QPainterPath]:
        """Cut a long line where it becomes an image: in one piece it would take seconds."""
        count = path.elementCount()
        if count <= PIECE or not isinstance(self.painter.device(), QImage):
            return [path]
        pieces = []
        for start in range(0, count - 1, PIECE):
            piece = QPainterPath()
            for at in range(start, min(start + PIECE + 1, count)):
                element = path.elementAt(at)
                if element.isMoveTo() or at == start:
                    piece.moveTo(element.x, element.y)
                else:
                    piece.lineTo(element.x, element.y)
            pieces.append(piece)
        return pieces

    def _scatter(self, item: pg.ScatterPlotItem) -> None:
        x, y = item.getData()
        size = item.opts["size"] * SYMBOL_SHARE
        symbols = QPainterPath()
        symbols.setFillRule(Qt.FillRule.WindingFill)
        for at_x, at_y in zip(self.map_x(x).tolist(), self.map_y(y).tolist(), strict=True):
            if self.rect.contains(at_x, at_y):
                symbols.addPath(symbol_path(item.opts["symbol"], at_x, at_y, size))
        if symbols.isEmpty():
            return
        # Draw symbols on the edge of the view in full.
        self.painter.save()
        self.painter.setClipRect(self.rect.adjusted(-size, -size, size, size))
        self.painter.setPen(firm(item.opts["pen"]))
        self.painter.setBrush(item.opts["brush"])
        self.painter.drawPath(symbols)
        self.painter.restore()

    def _bars(self, item: pg.BarGraphItem) -> None:
        opts = item.opts
        x0 = np.atleast_1d(np.asarray(opts["x0"], np.float64))
        x1 = x0 + opts["width"]
        left, right = self.map_x(x0), self.map_x(x1)
        y0 = np.broadcast_to(self.map_y(opts["y0"]), left.shape)
        y1 = np.broadcast_to(self.map_y(opts["y1"]), left.shape)
        self.painter.setPen(firm(opts["pen"]))
        self.painter.setBrush(opts["brush"])
        # Merge adjacent bars into one outline: separate ones would show seams.
        apart = np.abs(left[1:] - right[:-1]) > 1e-6
        # Qt does not fill polygons with very many corners.
        breaks = np.flatnonzero(apart | (np.arange(1, left.size) % MOST_BARS == 0)) + 1
        for run in np.split(np.arange(left.size), breaks):
            if run.size == 0:
                continue
            edges = np.column_stack([left[run], right[run]]).ravel()
            x = np.concatenate([edges, edges[::-1]])
            y = np.concatenate([np.repeat(y1[run], 2), np.repeat(y0[run], 2)[::-1]])
            points = [QPointF(a, b) for a, b in zip(x.tolist(), y.tolist(), strict=True)]
            self.painter.drawPolygon(QPolygonF(points))

    def _rule(self, item: pg.InfiniteLine | Straight) -> None:
        vertical = item.angle == 90
        self.painter.setPen(firm(item.pen))
        if vertical:
            at = float(self.map_x(item.value()))
            ends = QPointF(at, self.rect.top()), QPointF(at, self.rect.bottom())
        else:
            at = float(self.map_y(item.value()))
            ends = QPointF(self.rect.left(), at), QPointF(self.rect.right(), at)
        self.painter.drawLine(*ends)
        label = getattr(item, "label", None)
        # No label inside the view for a line outside it.
        if label is not None and vertical and self.rect.left() <= ends[0].x() <= self.rect.right():
            y = self.rect.bottom() - label.orthoPos * self.rect.height()
            self._label(label, at, y, *label.anchors[0])

    def _area(self, item: QGraphicsRectItem) -> None:
        r = item.rect()
        left, right = sorted(self.map_x([r.left(), r.right()]).tolist())
        top, bottom = sorted(self.map_y([r.top(), r.bottom()]).tolist())
        if np.isnan([left, right, top, bottom]).any():
            return
        rect = QRectF(QPointF(left, top), QPointF(right, bottom)).intersected(self.rect)
        brush = item.brush()
        if brush.style() == Qt.BrushStyle.SolidPattern:
            self.painter.fillRect(rect, brush)
        elif brush.style() != Qt.BrushStyle.NoBrush:
            self.hatch(rect, brush.color())

    def hatch(self, rect: QRectF, colour: QColor) -> None:
        """Fill a rectangle with lines at 45°."""
        lines = hatch_lines(rect, HATCH_PITCH * self.unit)
        self.painter.strokePath(lines, QPen(colour, 0.8 * self.unit))

    def _image(self, item: pg.ImageItem) -> None:
        # Its first row is the lowest one.
        pixels = np.ascontiguousarray(item.image[::-1])
        height, width = pixels.shape[:2]
        box = item.mapRectToParent(item.boundingRect())
        left, right = self.map_x(np.array([box.left(), box.right()])).tolist()
        bottom, top = self.map_y(np.array([box.top(), box.bottom()])).tolist()
        rect = QRectF(QPointF(left, top), QPointF(right, bottom))
        most = self.most_bytes if self.dots else math.inf
        picture = picture_of(pixels, most)
        # Viewers smooth enlarged images: cells get so many dots that only their edges blur.
        enough = width >= rect.width() * self.dots and height >= rect.height() * self.dots
        least = 1 if enough else IMAGE_DOTS // max(height, width)
        across = max(1, least, int(rect.width() * self.dots / width))
        down = max(1, least, int(rect.height() * self.dots / height))
        if 1 < across * down <= MOST_ENLARGED / (height * width):
            picture = picture.scaled(across * width, down * height)
        self._draw_image(rect, picture)

    def _cells(self, item: CellTexts) -> None:
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        self.painter.setFont(self.font)
        item.write(
            self.painter,
            lambda x, y: QPointF(float(self.map_x(x)), float(self.map_y(y))),
            self.rect.width() / (x1 - x0),
            self.rect.height() / (y1 - y0),
        )

    def _text(self, item: pg.TextItem) -> None:
        at = item.pos()
        anchor = item.anchor
        x, y = float(self.map_x(at.x())), float(self.map_y(at.y()))
        near = 16 * self.unit
        if not self.rect.adjusted(-1, -near, 1, near).contains(x, y):
            return
        self._label(item, x, y, anchor[0], anchor[1])

    def _marks(self, item: MarksItem) -> None:
        size = item.boundingRect().size()
        font = QFont(self.font)
        font.setPointSizeF(item.font.pointSizeF())
        self.painter.save()
        self.painter.translate(self.rect.topLeft())
        self.painter.scale(self.rect.width() / size.width(), self.rect.height() / size.height())
        item.paint_marks(self.painter, font)
        self.painter.restore()

    def _label(self, item: pg.TextItem, x: float, y: float, ax: float, ay: float) -> None:
        """Paint a short label at a point, moved inside the view and clear of others."""
        text = item.textItem.toPlainText()
        self.painter.setFont(self.font)
        # First: without a pen, Qt measures nothing.
        self.painter.setPen(QPen(QColor(item.color)))
        size = self.painter.boundingRect(QRectF(), Qt.AlignmentFlag.AlignLeft, text).size()
        width, height, gap = size.width() + 4 * self.unit, size.height(), 3 * self.unit
        inner = self.rect.adjusted(gap, gap, -gap, -gap)
        places = [x - width - gap, x + gap] if ax > 0.5 else [x + gap, x - width - gap]
        if 0 <= ax <= 1:
            places = [x - ax * width]
        free = [p for p in places if inner.left() <= p <= inner.right() - width]
        left = free[0] if free else min(max(places[0], inner.left()), inner.right() - width)
        top = min(max(y - ay * height, inner.top()), inner.bottom() - height)
        box = self._free(QRectF(left, top, width, height), inner)
        self._labels.append(box)
        self.painter.fillRect(box, item.fill if item.fill is not None else QBrush())
        self.painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _free(self, box: QRectF, inner: QRectF) -> QRectF:
        """Return the nearest free box below or above; the original if there is none."""
        step = max(1.0, box.height()) / 4
        for steps in range(int(inner.height() / step) + 1):
            for shift in (steps, -steps):
                moved = box.translated(0, shift * step)
                fits = moved.top() >= inner.top() and moved.bottom() <= inner.bottom()
                if fits and not any(moved.intersects(other) for other in self._labels):
                    return moved
        return box
