"""A plot's view as a drawing area in pixels, for plots without coordinates of the data."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPen

from quantoscope.gui.plots.base import LABEL_POINTS, Plot
from quantoscope.gui.plots.data import Series
from quantoscope.gui.plots.labels import anchor_of, anywhere, free, near
from quantoscope.gui.plots.spans import Span

Point = tuple[float, float]


class Canvas:
    """Draws in pixels from the upper left corner of a plot that shows x and y from 0 to 1.

    Attributes
    ----------
    width, height : float
        Of the view.
    line_height : float
        Of a line of text.
    pitch : float
        Distance of lines of text that do not touch.
    """

    def __init__(self, plot: Plot, x: Span, y: Span) -> None:
        view = plot.item.getViewBox()
        self.plot = plot
        self.width, self.height = max(1.0, view.width()), max(1.0, view.height())
        self._x, self._y = x, y
        font = QFont()
        font.setPointSizeF(LABEL_POINTS)
        self.metrics = QFontMetricsF(font)
        self.line_height = self.metrics.height()
        self.pitch = self.line_height + 4

    def x(self, pixels: float) -> float:
        """Return the coordinate of a distance from the left edge."""
        return self._x[0] + pixels / self.width * (self._x[1] - self._x[0])

    def y(self, pixels: float) -> float:
        """Return the coordinate of a distance from the upper edge."""
        return self._y[1] - pixels / self.height * (self._y[1] - self._y[0])

    def pixels(self, x: float, y: float) -> Point:
        """Return the place of a coordinate."""
        (x0, x1), (y0, y1) = self._x, self._y
        return (x - x0) / (x1 - x0) * self.width, (y1 - y) / (y1 - y0) * self.height

    def elided(self, text: str, width: float, end: bool = False) -> str:
        """Return a text that fits, cut in the middle or at its end."""
        mode = Qt.TextElideMode.ElideRight if end else Qt.TextElideMode.ElideMiddle
        return self.metrics.elidedText(text, mode, max(0.0, width - 4))

    def wrapped(self, text: str, width: float, lines: int) -> list[str]:
        """Return a text in at most so many lines, broken at spaces."""
        found: list[str] = []
        for word in text.split(" "):
            longer = f"{found[-1]} {word}" if found else word
            full = self.metrics.horizontalAdvance(longer) > width - 4
            if not found or (full and len(found) < lines):
                found.append(word)
            else:
                found[-1] = longer
        return [self.elided(line, width) for line in found]

    def text(
        self,
        key: Hashable,
        at: Point,
        text: str,
        colour: QColor | str,
        anchor: Point = (0.5, 0.5),
        ground: bool = True,
    ) -> None:
        """Write a text, anchored by fractions of its width and height."""
        if text:
            x, y = self.x(at[0]), self.y(at[1])
            self.plot.text(key, x, y, text, colour, anchor, ground=ground)

    def box(self, key: Hashable, rect: QRectF, brush: QBrush, z: float = -5) -> None:
        """Fill a rectangle."""
        x0, x1 = self.x(rect.left()), self.x(rect.right())
        y0, y1 = self.y(rect.bottom()), self.y(rect.top())
        self.plot.area(key, (x0, x1, y0, y1), brush, z)

    def strokes(
        self, key: Hashable, lines: Sequence[tuple[Point, Point]], pen: QPen, z: float = 0
    ) -> None:
        """Draw straight lines."""
        if lines:
            x = np.array([self.x(end[0]) for line in lines for end in line])
            y = np.array([self.y(end[1]) for line in lines for end in line])
            self.plot.line(key, x, y, pen, connect="pairs", z=z)

    def dots(self, key: Hashable, points: Sequence[Point], colour: QColor | str, size: float,
             symbol: str = "o", hollow: bool = False) -> None:  # fmt: skip
        """Draw symbols."""
        if points:
            x = np.array([self.x(point[0]) for point in points])
            y = np.array([self.y(point[1]) for point in points])
            self.plot.points(key, x, y, symbol, colour, size, hollow=hollow)

    def marker(self, key: Hashable, at: Point, series: Series) -> None:
        """Draw the marker of a scheme."""
        x, y = np.array([self.x(at[0])]), np.array([self.y(at[1])])
        self.plot.entry_points(key, x, y, series)


class FreeLabels:
    """Writes texts beside points where nothing else is, or not at all.

    Parameters
    ----------
    plot : Plot
    taken : list of QRectF
        Areas to be kept clear, in pixels of the view; those of the texts are added.
    """

    def __init__(self, plot: Plot, taken: list[QRectF]) -> None:
        view = plot.item.getViewBox()
        self.plot, self.taken = plot, taken
        self.room = QRectF(0, 0, max(1.0, view.width()), max(1.0, view.height()))
        font = QFont()
        font.setPointSizeF(LABEL_POINTS)
        self.metrics = QFontMetricsF(font)

    def write(self, key: Hashable, x: float, y: float, text: str, colour: QColor | str,
              gap: float = 8.0, rows: int = 0, far: bool = False) -> bool:  # fmt: skip
        """Write a text beside a point of the data; return whether there was room.

        Parameters
        ----------
        key : hashable
        x, y : float
        text : str
        colour : QColor or str
        gap : float
            Distance in pixels; 0 to write it upon the point.
        rows : int
            Lines by which it may be further up or down; a line then leads to it.
        far : bool
            Whether it may stand anywhere in the view.
        """
        at_x, at_y = float(self.plot.draw_x(x)), float(self.plot.draw_y(y))
        point = self.plot.point(at_x, at_y)
        width, height = self.metrics.horizontalAdvance(text) + 3, self.metrics.height() + 2
        boxes = [QRectF(point.x() - width / 2, point.y() - height / 2, width, height)]
        if gap:
            boxes = near(point, width, height, gap, rows)
        if far:
            boxes += anywhere(point, width, height, gap, self.room)
        box = free(boxes, self.room, self.taken)
        if box is None:
            return False
        self.taken.append(box)
        self.plot.text(key, x, y, text, colour, anchor_of(point, box))
        end = QPointF(max(box.left(), min(point.x(), box.right())), box.center().y())
        away = abs(end.y() - point.y()) > gap + height or abs(end.x() - point.x()) > 2 * gap
        if gap and away:
            px, py = self.plot.pixel()
            ends = np.array([at_x, at_x + (end.x() - point.x()) * px])
            heights = np.array([at_y, at_y - (end.y() - point.y()) * py])
            pen = self.plot.pen(self.plot.theme.muted)
            self.plot.line(("leader", key), self.plot.x_unit.up(ends),
                           self.plot.y_unit.up(heights), pen, z=-1)  # fmt: skip
        return True


def around(point: QPointF, half: float) -> QRectF:
    """Return the square around a point."""
    return QRectF(point.x() - half, point.y() - half, 2 * half, 2 * half)


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most so many round numbers from low to high, at equal distances."""
    span = high - low
    if not span > 0 or most < 1:
        return []
    step = 10.0 ** np.floor(np.log10(span / most))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= most)
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    return [round(step * number, 12) for number in range(first, last + 1)]
