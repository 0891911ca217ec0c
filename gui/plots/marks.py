"""Marks in pixels of a view: what a laid-out plot consists of, and how it is painted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import pyqtgraph as pg
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QPainter,
    QPainterPath,
    QPen,
    QTransform,
)

from quantoscope.gui.common.theme import Theme

Ink = str | int
"""A colour of the theme by its name, or a scheme's colour by its index."""
HATCH_PITCH = 7.0
RADIUS = 3.0
CENTRED = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip
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


def _look_of(mark: Mark) -> tuple[Any, ...]:
    """Return the kind of a mark, with the look of those that are painted together."""
    if isinstance(mark, Arrow):
        return Arrow, mark.ink, mark.width
    if isinstance(mark, Glyph):
        symbol = mark.symbol if isinstance(mark.symbol, str) else id(mark.symbol)
        return Glyph, symbol, mark.ink, mark.size, mark.hollow
    return (type(mark),)


class MarkPainter:
    """Paints marks in the colours of a theme."""

    def __init__(self, painter: QPainter, theme: Theme, font: QFont) -> None:
        self._painter, self._theme = painter, theme
        self._fonts = font, QFont(font)
        self._fonts[1].setWeight(QFont.Weight.Bold)
        self._colours: dict[Ink, QColor] = {}
        self._tints: dict[tuple[Ink, float], QColor] = {}
        self._pens: dict[tuple[Ink, float, Qt.PenStyle], QPen] = {}

    def paint(self, marks: Sequence[Mark]) -> None:
        """Paint marks, the later ones on top."""
        table: dict[type, Any] = {
            Fill: self._fill,
            Hatch: self._hatch,
            Frame: self._frame,
            Stroke: self._stroke,
            Comb: self._comb,
            Arrow: self._arrows,
            Glyph: self._glyphs,
            Words: self._words,
        }
        for (kind, *_), alike in groupby(marks, _look_of):
            if kind in (Arrow, Glyph):
                table[kind](list(alike))
            else:
                for mark in alike:
                    table[kind](mark)

    def _colour(self, ink: Ink) -> QColor:
        if ink not in self._colours:
            self._colours[ink] = colour_of(ink, self._theme)
        return self._colours[ink]

    def _pen(self, ink: Ink, width: float, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
        key = ink, width, style
        if key not in self._pens:
            flat, round_ = Qt.PenCapStyle.FlatCap, Qt.PenJoinStyle.RoundJoin
            self._pens[key] = QPen(self._colour(ink), width, style, flat, round_)
        return self._pens[key]

    def _fill(self, mark: Fill) -> None:
        key = mark.ink, mark.alpha
        if key not in self._tints:
            self._tints[key] = self._theme.tint(self._colour(mark.ink), mark.alpha)
        self._painter.fillRect(mark.box, self._tints[key])

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

    def _arrows(self, marks: Sequence[Arrow]) -> None:
        """Paint arrows of one look."""
        lines, heads = [], QPainterPath()
        heads.setFillRule(Qt.FillRule.WindingFill)
        ink, width = marks[0].ink, marks[0].width
        for mark in marks:
            (x0, y0), (x1, y1) = mark.start, mark.stop
            length = math.hypot(x1 - x0, y1 - y0)
            if length < 1:
                continue
            dx, dy = (x1 - x0) / length, (y1 - y0) / length
            head = min(ARROW + width, length)
            x, y = x1 - dx * head, y1 - dy * head
            lines.append(QLineF(x0, y0, x + dx, y + dy))
            half = head * 0.42
            # All turn the same way, so that none is a hole in another.
            heads.moveTo(x1, y1)
            heads.lineTo(x - dy * half, y + dx * half)
            heads.lineTo(x + dy * half, y - dx * half)
            heads.closeSubpath()
        self._painter.setPen(self._pen(ink, width))
        self._painter.drawLines(lines)
        self._painter.fillPath(heads, self._colour(ink))

    def _glyphs(self, marks: Sequence[Glyph]) -> None:
        """Paint symbols of one look."""
        first = marks[0]
        path = Symbols[first.symbol] if isinstance(first.symbol, str) else first.symbol
        sized = QTransform.fromScale(first.size, first.size).map(path)
        self._painter.setPen(self._pen(first.ink, 1.8 if first.hollow else 1.0))
        empty = QBrush(Qt.BrushStyle.NoBrush)
        self._painter.setBrush(empty if first.hollow else QBrush(self._colour(first.ink)))
        for mark in marks:
            self._painter.drawPath(sized.translated(mark.x, mark.y))

    def _words(self, mark: Words) -> None:
        self._painter.setFont(self._fonts[mark.bold])
        self._painter.setPen(self._colour(mark.ink))
        self._painter.drawText(mark.box, CENTRED, mark.text)


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
