"""Marks in pixels of a view: what a laid-out plot consists of, and how it is painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
    QTransform,
)

from quantoscope.gui.common.theme import Theme

Ink = str | int
"""A colour of the theme by its name, or a scheme's colour by its index."""
HATCH_PITCH = 7.0
RADIUS = 3.0
ARROW = 7.0
"""Length of an arrow's head."""


@dataclass(frozen=True)
class Fill:
    """A filled rectangle."""

    box: QRectF
    ink: Ink
    alpha: float = 1.0


@dataclass(frozen=True)
class Hatch:
    """A rectangle hatched at 45°."""

    box: QRectF
    ink: Ink


@dataclass(frozen=True)
class Frame:
    """A rounded frame, on the background."""

    box: QRectF
    ink: Ink
    width: float = 1.0


@dataclass(frozen=True)
class Stroke:
    """A line through points."""

    points: tuple[tuple[float, float], ...]
    ink: Ink
    width: float = 1.0
    style: Qt.PenStyle = Qt.PenStyle.SolidLine


@dataclass(frozen=True)
class Comb:
    """Upright ticks of equal length."""

    x: tuple[float, ...]
    top: float
    bottom: float
    ink: Ink
    width: float = 1.0
    style: Qt.PenStyle = Qt.PenStyle.SolidLine


@dataclass(frozen=True)
class Arrow:
    """A line with a head at its end."""

    start: tuple[float, float]
    stop: tuple[float, float]
    ink: Ink
    width: float = 1.4


@dataclass(frozen=True)
class Glyph:
    """A symbol of pyqtgraph, or a path of the same size."""

    x: float
    y: float
    symbol: str | QPainterPath
    ink: Ink
    size: float = 8.0
    hollow: bool = False


@dataclass(frozen=True)
class Words:
    """A line of text, centred in its box."""

    box: QRectF
    text: str
    ink: Ink
    bold: bool = False


Mark = Fill | Hatch | Frame | Stroke | Comb | Arrow | Glyph | Words


def colour_of(ink: Ink, theme: Theme) -> QColor:
    """Return the colour of an ink."""
    return theme.colour(ink) if isinstance(ink, int) else QColor(getattr(theme, ink))


def hatch_lines(box: QRectF, pitch: float) -> QPainterPath:
    """Return lines at 45° that fill a rectangle; those of neighbours align."""
    lines = QPainterPath()
    if box.isEmpty():
        return lines
    # Each line is x + y = sum; sums are multiples of the pitch.
    start = np.ceil((box.left() + box.top()) / pitch) * pitch
    for total in np.arange(start, box.right() + box.bottom(), pitch).tolist():
        x0 = min(box.right(), total - box.top())
        y1 = min(box.bottom(), total - box.left())
        lines.moveTo(x0, total - x0)
        lines.lineTo(total - y1, y1)
    return lines


class MarkPainter:
    """Paints marks in the colours of a theme."""

    def __init__(self, painter: QPainter, theme: Theme, font: QFont) -> None:
        self._painter, self._theme = painter, theme
        self._fonts = font, QFont(font)
        self._fonts[1].setWeight(QFont.Weight.Bold)

    def paint(self, marks: Sequence[Mark]) -> None:
        """Paint marks, the later ones on top."""
        table: dict[type, Any] = {
            Fill: self._fill,
            Hatch: self._hatch,
            Frame: self._frame,
            Stroke: self._stroke,
            Comb: self._comb,
            Arrow: self._arrow,
            Glyph: self._glyph,
            Words: self._words,
        }
        for mark in marks:
            table[type(mark)](mark)

    def _colour(self, ink: Ink) -> QColor:
        return colour_of(ink, self._theme)

    def _pen(self, ink: Ink, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
        flat = Qt.PenCapStyle.FlatCap
        return QPen(self._colour(ink), width, style, flat, Qt.PenJoinStyle.RoundJoin)

    def _fill(self, mark: Fill) -> None:
        self._painter.fillRect(mark.box, self._theme.tint(self._colour(mark.ink), mark.alpha))

    def _hatch(self, mark: Hatch) -> None:
        self._painter.strokePath(hatch_lines(mark.box, HATCH_PITCH), self._pen(mark.ink, 0.8))

    def _frame(self, mark: Frame) -> None:
        self._painter.setPen(self._pen(mark.ink, mark.width))
        self._painter.setBrush(QColor(self._theme.background))
        self._painter.drawRoundedRect(mark.box, RADIUS, RADIUS)

    def _stroke(self, mark: Stroke) -> None:
        path = QPainterPath(QPointF(*mark.points[0]))
        for point in mark.points[1:]:
            path.lineTo(*point)
        self._painter.strokePath(path, self._pen(mark.ink, mark.width, mark.style))

    def _comb(self, mark: Comb) -> None:
        path = QPainterPath()
        for x in mark.x:
            path.moveTo(x, mark.top)
            path.lineTo(x, mark.bottom)
        self._painter.strokePath(path, self._pen(mark.ink, mark.width, mark.style))

    def _arrow(self, mark: Arrow) -> None:
        start, stop = QPointF(*mark.start), QPointF(*mark.stop)
        way = stop - start
        length = float(np.hypot(way.x(), way.y()))
        colour = self._colour(mark.ink)
        if length < 1:
            return
        along = way / length
        across = QPointF(-along.y(), along.x())
        head = min(ARROW + mark.width, length)
        neck = stop - along * head
        self._painter.setPen(self._pen(mark.ink, mark.width))
        self._painter.drawLine(start, neck + along)
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(colour)
        half = head * 0.42
        self._painter.drawPolygon(QPolygonF([stop, neck + across * half, neck - across * half]))

    def _glyph(self, mark: Glyph) -> None:
        path = Symbols[mark.symbol] if isinstance(mark.symbol, str) else mark.symbol
        placed = QTransform(mark.size, 0, 0, mark.size, mark.x, mark.y).map(path)
        self._painter.setPen(self._pen(mark.ink, 1.8 if mark.hollow else 1.0))
        empty = QBrush(Qt.BrushStyle.NoBrush)
        self._painter.setBrush(empty if mark.hollow else QBrush(self._colour(mark.ink)))
        self._painter.drawPath(placed)

    def _words(self, mark: Words) -> None:
        self._painter.setFont(self._fonts[mark.bold])
        self._painter.setPen(self._colour(mark.ink))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
        self._painter.drawText(mark.box, flags, mark.text)


class MarksItem(pg.GraphicsObject):
    """Marks over a whole view, in its pixels whatever its ranges."""

    def __init__(self, view: pg.ViewBox) -> None:
        super().__init__(view)
        self._box = QRectF()
        self._marks: tuple[Mark, ...] = ()
        self._theme: Theme | None = None
        self.font = QFont()

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What is shown."""
        return self._marks

    def show_marks(
        self, width: float, height: float, marks: Sequence[Mark], theme: Theme, font: QFont
    ) -> None:
        """Show marks laid out for a view of this size."""
        box = QRectF(0, 0, width, height)
        if box != self._box:
            self.prepareGeometryChange()
            self._box = box
        self._marks, self._theme, self.font = tuple(marks), theme, font
        self.update()

    def boundingRect(self) -> QRectF:
        return self._box

    def paint(self, painter: QPainter, *_: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(self._box)
        self.paint_marks(painter, self.font)

    def paint_marks(self, painter: QPainter, font: QFont) -> None:
        """Paint the marks on a painter in pixels of the view."""
        if self._theme is not None:
            MarkPainter(painter, self._theme, font).paint(self._marks)
