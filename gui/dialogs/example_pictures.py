"""Small pictures of arrays: dots, a line, a histogram or an image, whichever shows the array."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QPolygonF

from quantoscope.engine.examples import example
from quantoscope.gui.common.theme import Theme

FEW, BINS, ALIKE = 40, 36, 0.9
"""Most values drawn as dots, bins of a histogram, and least correlation of a line's neighbours."""
_MARGIN = 6


@lru_cache(maxsize=64)
def example_picture(key: str, theme: Theme, size: QSize, ratio: float) -> QPixmap:
    """Return the picture of an example, drawn from its data; ``ratio`` as of the screen."""
    return picture_of(example(key).make(), theme, size, ratio)


def picture_of(array: np.ndarray, theme: Theme, size: QSize, ratio: float = 1.0) -> QPixmap:
    """Return a picture of a finite array of any shape."""
    pixmap = QPixmap(size * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(QColor(theme.background))
    painter = QPainter(pixmap)
    room = QRectF(_MARGIN, _MARGIN, size.width() - 2 * _MARGIN, size.height() - 2 * _MARGIN)
    largest = float(np.abs(array).max(initial=0)) or 1.0
    # Smaller than 1, so that the tiniest and the largest numbers draw alike.
    part = array.astype(np.float64) / largest
    if not array.size:
        pass
    elif array.ndim > 1:
        _draw_image(painter, room, part.reshape(array.shape[0], -1), theme)
    elif array.size <= FEW:
        _draw_dots(painter, room, part, theme)
    elif _is_line(part):
        _draw_line(painter, room, part, theme)
    else:
        _draw_histogram(painter, room, part, theme)
    painter.end()
    return pixmap


def _is_line(part: np.ndarray) -> bool:
    """Return whether neighbours are alike, so that order matters."""
    centred = part - part.mean()
    power = float((centred**2).sum())
    return power > 0 and float((centred[1:] * centred[:-1]).sum()) / power > ALIKE


def _draw_dots(painter: QPainter, room: QRectF, part: np.ndarray, theme: Theme) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    y, half = room.center().y(), room.width() / 2 - 4
    painter.setPen(QPen(QColor(theme.muted), 1))
    painter.drawLine(QPointF(room.left(), y), QPointF(room.right(), y))
    x0 = room.center().x()
    painter.drawLine(QPointF(x0, y - 6), QPointF(x0, y + 6))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.foreground))
    for value in np.unique(part):
        painter.drawEllipse(QPointF(x0 + float(value) * half, y), 4, 4)


def _draw_line(painter: QPainter, room: QRectF, part: np.ndarray, theme: Theme) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    x = np.linspace(room.left(), room.right(), part.size)
    y = room.center().y() - part * room.height() / 2
    painter.setPen(QPen(QColor(theme.foreground), 1.2))
    points = [QPointF(*at) for at in zip(x.tolist(), y.tolist(), strict=True)]
    painter.drawPolyline(QPolygonF(points))


def _draw_histogram(painter: QPainter, room: QRectF, part: np.ndarray, theme: Theme) -> None:
    """Draw counts on a logarithmic scale: a single value is to be seen."""
    counts, _ = np.histogram(part, BINS)
    heights = np.log1p(counts) / np.log1p(counts.max())
    width = room.width() / BINS
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.foreground))
    for at, height in enumerate(heights.tolist()):
        high = height * room.height()
        left = room.left() + at * width
        painter.drawRect(QRectF(left, room.bottom() - high, width - 0.5, high))


def _draw_image(painter: QPainter, room: QRectF, rows: np.ndarray, theme: Theme) -> None:
    """Draw a cell per value: blue below 0, orange above, the ground at 0."""
    ground, ends = QColor(theme.background), (QColor("#0072B2"), QColor("#D55E00"))
    shades = np.sqrt(np.abs(rows))[..., None]
    colours = np.where(rows[..., None] < 0, _rgb(ends[0]), _rgb(ends[1]))
    mixed = np.ascontiguousarray(_rgb(ground) * (1 - shades) + colours * shades).astype(np.uint8)
    high, wide = rows.shape
    image = QImage(mixed.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)
    painter.drawImage(room, image)


def _rgb(colour: QColor) -> np.ndarray:
    return np.array([colour.red(), colour.green(), colour.blue()], np.float64)
