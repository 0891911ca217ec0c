"""Margins of images: a colour bar, and strips with the figures of columns and rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QPainter,
    QPainterPath,
    QPen,
    QPolygonF,
)

BAR, STRIP, GAP = 17.0, 34.0, 3.0
"""Heights of the colour bar and of a strip, and the gap between them, in pixels."""
BAR_LENGTH = 110.0
SHARE = 14.0
"""Labels of lines closer than this, in pixels, are shared."""
ARROW = 5.0
OVERHANG = 66.0
"""Room for the texts to the left of the upper strip, in pixels."""


@dataclass(frozen=True)
class LineLabel:
    """A label of lines that stand out.

    Attributes
    ----------
    at : tuple of float
        Places of the lines, in pixels.
    text : str
    left : float
        Left end of the text.
    row : int
        Line of text: 0, or 1 below it.
    """

    at: tuple[float, ...]
    text: str
    left: float
    row: int = 0


def line_labels(
    places: Sequence[float],
    names: Sequence[str],
    width_of: Callable[[str], float],
    room: float,
    gap: float = 4.0,
) -> list[LineLabel]:
    """Return labels of lines at ascending places that touch neither each other nor a line.

    Close lines share one label; neighbours lean away from each other, and what has no room beside
    another label goes below it. What has no room there either is left out.

    Parameters
    ----------
    places : sequence of float
        In pixels, ascending.
    names : sequence of str
    width_of : callable
        Returns the width of a text in pixels.
    room : float
        Texts lie between 0 and this.
    gap : float
        Distance of a text from lines and from other texts.
    """
    groups: list[tuple[list[float], list[str]]] = []
    for at, name in zip(places, names, strict=True):
        if groups and at - groups[-1][0][-1] < SHARE:
            groups[-1][0].append(at)
            groups[-1][1].append(name)
        else:
            groups.append(([at], [name]))
    made: list[LineLabel] = []
    ends = [0.0, 0.0]
    for number, (of_group, some) in enumerate(groups):
        text = ", ".join(some)
        width = width_of(text)
        before = groups[number - 1][0][-1] + gap if number else 0.0
        after = groups[number + 1][0][0] - gap if number + 1 < len(groups) else room
        sides = [of_group[-1] + gap, of_group[0] - gap - width]
        # Away from the nearer neighbour.
        if after - of_group[-1] < of_group[0] - before:
            sides.reverse()
        free = (
            (left, row)
            for row in (0, 1)
            for left in sides
            if left >= max(before, ends[row]) and left + width <= after
        )
        found = next(free, None)
        if found is not None:
            made.append(LineLabel(tuple(of_group), text, *found))
            ends[found[1]] = found[0] + width + gap
    return made


@dataclass(frozen=True, eq=False)
class Bar:
    """A colour bar: its colours from left to right, the texts at its ends, and remarks."""

    colours: np.ndarray
    low: str
    high: str
    remarks: tuple[str, ...]
    marks: tuple[tuple[str, str], ...] = ()
    """Colours of special pixels, with their names."""


@dataclass(frozen=True, eq=False)
class Strip:
    """Figures along the edge of an image, from ``edges[i]`` to ``edges[i + 1]`` each."""

    edges: np.ndarray
    """In drawn coordinates, ascending or descending."""
    heights: np.ndarray
    top: float
    name: str
    end: str
    """Name of the figure, and the largest one as text."""
    colour: QColor
    lines: tuple[tuple[float, str], ...] = ()
    """Places of lines that stand out, ascending, with their names."""
    chosen: float | None = None


class MarginAxis(pg.AxisItem):
    """The margin above an image (``top``) or to its right (``right``), in place of an axis."""

    clicked = Signal(float, arguments=["at"])
    """A click on the strip, at a drawn coordinate."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.bar: Bar | None = None
        self.strip: Strip | None = None
        self.inks = QColor(), QColor(), QColor()
        self._ground = "#FFFFFF"
        if orientation == "top":
            self.setHeight(self.extent)
        else:
            self.setWidth(self.extent)

    @property
    def extent(self) -> float:
        """Height of the upper margin, width of the right one, in pixels."""
        return BAR + STRIP + 2 * GAP if self.orientation == "top" else STRIP + 2 * GAP + 14

    @property
    def bare_extent(self) -> float:
        """Size without a strip, in pixels."""
        return BAR + GAP if self.orientation == "top" else 0.0

    @property
    def empty(self) -> bool:
        """Whether it shows nothing."""
        return self.bar is None and self.strip is None

    def say(
        self,
        bar: Bar | None,
        strip: Strip | None,
        ink: QColor,
        muted: QColor,
        alarm: QColor,
        ground: str,
    ) -> None:
        """Show other figures."""
        self.bar, self.strip, self.inks, self._ground = bar, strip, (ink, muted, alarm), ground
        self.update()

    def boundingRect(self) -> QRectF:
        rect = self.mapRectFromParent(self.geometry())
        if self.orientation == "top":
            return rect.adjusted(-OVERHANG, 0, STRIP, 0)
        return rect.adjusted(0, -(BAR + STRIP + GAP), 0, 0)

    def paint(self, p: QPainter, opt: Any, widget: Any) -> None:
        rect = self.mapRectFromParent(self.geometry())
        low, high = self.range
        font = self.style["tickFont"] or self.font()
        self.draw(p, rect, (low, high), font, 1.0, self.geometry().top())

    def mouseClickEvent(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton or self.strip is None:
            return
        event.accept()
        rect, at = self.mapRectFromParent(self.geometry()), event.pos()
        low, high = self.range
        if self.orientation == "top":
            if at.y() >= rect.bottom() - STRIP - GAP:
                self.clicked.emit(low + (at.x() - rect.left()) / rect.width() * (high - low))
        else:
            self.clicked.emit(high - (at.y() - rect.top()) / rect.height() * (high - low))

    # On screen and in figures

    def draw(
        self, p: QPainter, rect: QRectF, span: tuple[float, float], font: QFont, unit: float,
        above: float = np.inf,
    ) -> None:  # fmt: skip
        """Paint into a rectangle beside the view.

        Parameters
        ----------
        p : QPainter
        rect : QRectF
            Of the margin, as wide or as high as the view.
        span : tuple of float
            What the view shows along this edge.
        font : QFont
        unit : float
            Size of a pixel of the screen.
        above : float
            Room above the rectangle.
        """
        p.save()
        p.setFont(font)
        if self.orientation == "top":
            if self.bar is not None:
                height = BAR * unit
                self._draw_bar(p, QRectF(rect.left(), rect.top(), rect.width(), height), unit)
            strip = QRectF(rect.left(), rect.bottom() - (STRIP + GAP) * unit, rect.width(),
                           STRIP * unit)  # fmt: skip
        else:
            strip = QRectF(rect.left() + GAP * unit, rect.top(), STRIP * unit, rect.height())
        bare = self.orientation == "top" and rect.height() < (BAR + STRIP) * unit
        if self.strip is not None and not bare and strip.width() > 1 and strip.height() > 1:
            self._draw_strip(p, strip, span, unit)
            self._draw_scale(p, strip, self.inks[1], unit, above)
        p.restore()

    def _draw_bar(self, p: QPainter, rect: QRectF, unit: float) -> None:
        assert self.bar is not None
        bar, metrics = self.bar, QFontMetricsF(p.font(), p.device())
        ink, muted, _ = self.inks
        gap = 4 * unit
        x = rect.left()

        def write(text: str, colour: QColor) -> None:
            nonlocal x
            width = metrics.horizontalAdvance(text)
            if not text or x + width > rect.right() + STRIP * unit:
                return
            p.setPen(colour)
            box = QRectF(x, rect.top(), width + unit, rect.height())
            p.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextDontClip, text)
            x += width + gap

        write(bar.low, ink)
        count = len(bar.colours)
        row = np.ascontiguousarray(bar.colours[None, :, :])
        image = QImage(row.data, count, 1, 4 * count, QImage.Format.Format_RGBA8888)
        length = min(BAR_LENGTH * unit, max(0.0, 0.45 * rect.width()))
        box = QRectF(x, rect.top() + 3.5 * unit, length, rect.height() - 7 * unit)
        p.drawImage(box, image)
        p.setPen(QPen(muted, 0.7 * unit))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(box)
        x += length + gap
        write(bar.high, ink)
        x += gap
        for colour, name in bar.marks:
            side = 8 * unit
            if x + side + metrics.horizontalAdvance(name) > rect.right():
                break
            square = QRectF(x, rect.center().y() - side / 2, side, side)
            p.fillRect(square, QColor(colour))
            x += side + gap / 2
            write(name, muted)
        for remark in bar.remarks:
            write(remark, muted)

    def _draw_strip(
        self, p: QPainter, rect: QRectF, span: tuple[float, float], unit: float
    ) -> None:
        assert self.strip is not None
        strip, top = self.strip, self.orientation == "top"
        ink, muted, alarm = self.inks
        low, high = span
        length = rect.width() if top else rect.height()
        places = (np.asarray(strip.edges, np.float64) - low) / (high - low) * length
        if not top:
            places = length - places
        room = (rect.height() if top else rect.width()) - unit
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.nan_to_num(strip.heights / strip.top, nan=0.0, posinf=1.0)
        heights = np.clip(share, 0, 1) * room
        p.setPen(QPen(muted, 0.7 * unit))
        p.setBrush(Qt.BrushStyle.NoBrush)
        p.drawRect(rect)
        p.save()
        p.setClipRect(rect)
        p.translate(rect.left(), rect.bottom() if top else rect.top())
        # One outline: separate bars would show seams.
        along = np.clip(np.repeat(places, 2)[1:-1], -10.0, length + 10.0)
        along = np.concatenate([along[:1], along, along[-1:]])
        out = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
        corners = pg.functions.arrayToQPolygonF(*((along, -out) if top else (out, along)))
        p.setPen(Qt.PenStyle.NoPen)
        p.setBrush(strip.colour)
        p.drawPolygon(corners)
        p.restore()
        if strip.chosen is not None:
            self._draw_chosen(p, rect, (strip.chosen - low) / (high - low), unit)
        self._draw_lines(p, rect, span, alarm, unit)

    def _draw_chosen(self, p: QPainter, rect: QRectF, share: float, unit: float) -> None:
        if not 0 <= share <= 1:
            return
        p.setPen(QPen(self.inks[0], unit))
        if self.orientation == "top":
            x = rect.left() + share * rect.width()
            p.drawLine(QPointF(x, rect.top()), QPointF(x, rect.bottom()))
        else:
            y = rect.bottom() - share * rect.height()
            p.drawLine(QPointF(rect.left(), y), QPointF(rect.right(), y))

    def _draw_lines(
        self, p: QPainter, rect: QRectF, span: tuple[float, float], alarm: QColor, unit: float
    ) -> None:
        """Draw the lines that stand out, with arrow heads and labels."""
        assert self.strip is not None
        low, high = span
        top = self.orientation == "top"
        seen = [(at, name) for at, name in self.strip.lines if low <= at <= high]
        if not seen:
            return
        metrics = QFontMetricsF(p.font(), p.device())
        length = rect.width() if top else rect.height()
        places = [(at - low) / (high - low) * length for at, _ in seen]
        names = [name for _, name in seen]
        if not top:
            places, names = [length - at for at in places][::-1], names[::-1]
        head = ARROW * unit
        p.setPen(QPen(alarm, 1.4 * unit))
        p.setBrush(alarm)
        for at in places:
            tip = QPointF(rect.left() + at, rect.bottom() + GAP * unit)
            if not top:
                tip = QPointF(rect.left() - GAP * unit, rect.top() + at)
            wing = QPolygonF(
                [tip, tip + QPointF(-head * 0.6, -head), tip + QPointF(head * 0.6, -head)]
            )
            if not top:
                wing = QPolygonF(
                    [tip, tip + QPointF(head, -head * 0.6), tip + QPointF(head, head * 0.6)]
                )
            path = QPainterPath()
            path.addPolygon(wing)
            path.closeSubpath()
            p.fillPath(path, alarm)
            end = QPointF(tip.x(), rect.top()) if top else QPointF(rect.right(), tip.y())
            p.drawLine(tip, end)
        p.setPen(alarm)
        ground = QColor(self._ground)
        ground.setAlphaF(0.75)
        if top:
            for label in line_labels(places, names, metrics.horizontalAdvance, length, 3 * unit):
                width = metrics.horizontalAdvance(label.text)
                y = rect.top() + label.row * metrics.height()
                box = QRectF(rect.left() + label.left, y, width, metrics.height())
                p.fillRect(box, ground)
                p.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, label.text)
            return
        taken = -1e9
        for at, name in zip(places, names, strict=True):
            box = QRectF(rect.left() + 6 * unit, rect.top() + at - metrics.height() - unit,
                         metrics.horizontalAdvance(name), metrics.height())  # fmt: skip
            if box.top() < rect.top():
                box.moveTop(rect.top() + at + unit)
            if box.top() < taken:
                continue
            p.fillRect(box, ground)
            p.drawText(box, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextDontClip, name)
            taken = box.bottom()

    def _draw_scale(
        self, p: QPainter, rect: QRectF, muted: QColor, unit: float, above: float
    ) -> None:
        """Write what the strip shows, and its largest figure, outside of it.

        Where there is no room above, the figure alone stands in it.
        """
        assert self.strip is not None
        strip, metrics = self.strip, QFontMetricsF(p.font(), p.device())
        line = metrics.height()
        p.setPen(muted)
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        flags |= Qt.TextFlag.TextDontClip
        if self.orientation == "top":
            left, width = rect.left() - OVERHANG * unit, (OVERHANG - 5) * unit
            p.drawText(QRectF(left, rect.top() - 2 * unit, width, line), flags, strip.end)
            p.drawText(QRectF(left, rect.top() + line - 3 * unit, width, line), flags, strip.name)
            return
        width = rect.width() + 14 * unit
        flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        flags |= Qt.TextFlag.TextDontClip
        words = [strip.name] if "|" in strip.name else strip.name.split(" ")
        for place, text in enumerate([strip.end, *words[::-1]], 1):
            top = rect.top() - place * (line - unit) - unit
            if rect.top() - top > above:
                if place == 1:
                    ground = QColor(self._ground)
                    ground.setAlphaF(0.85)
                    p.setPen(self.inks[0])
                    box = QRectF(rect.left(), rect.top(), metrics.horizontalAdvance(text), line)
                    p.fillRect(box, ground)
                    p.drawText(box, flags, text)
                break
            p.drawText(QRectF(rect.left(), top, width, line), flags, text)
