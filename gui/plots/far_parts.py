"""Tint and labels of the logarithmic parts of axes, and what lies in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QFont, QFontMetricsF

from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.scales import Symlog

if TYPE_CHECKING:
    from quantoscope.gui.plots.base import Plot
    from quantoscope.gui.plots.spans import Span

LABEL_POINTS = 8.5
NOTE_ROOM = 160.0
"""Height in pixels of a view, without its rows, from which it says what lies in its logarithmic
parts."""
TINT, EDGE = 0.05, 0.25
"""Opacity of the tint of a logarithmic part, and of the line where it begins."""


def paint_far_parts(plot: Plot, data: PlotData) -> None:
    """Tint the logarithmic parts of the view, and say what lies in them."""
    curved = [(a, u) for a, u in (("x", plot.x_unit), ("y", plot.y_unit)) if isinstance(u, Symlog)]
    for axis, unit in curved:
        for sign in (1.0, -1.0):
            _paint_part(plot, axis, unit, sign)
    high = plot.item.getViewBox().height() - plot.rows_height() >= NOTE_ROOM
    note = far_note(plot, data, curved[0][1].reach) if curved and high else ""
    if note:
        axis, unit = curved[0]
        side = 1.0 if data.summary.high >= -data.summary.low else -1.0
        plot.text("far note", *_point(plot, axis, side * unit.reach), note, plot.theme.foreground,
                  _anchor(axis, side))  # fmt: skip


def _paint_part(plot: Plot, axis: str, unit: Symlog, sign: float) -> None:
    x, y = plot.seen
    low, high = x if axis == "x" else y
    begin, end = sign * unit.reach, high if sign > 0 else low
    if sign * end <= unit.reach:
        return
    key = f"far {axis}", sign
    _stripe(plot, (key, "part"), axis, (min(begin, end), max(begin, end)), TINT)
    place, half = unit.down_to(begin), plot.pixel()[axis == "y"] / 2
    _stripe(plot, (key, "edge"), axis, unit.up_pair(place - half, place + half), EDGE)
    text = plot.tr("logarithmic")
    if axis == "y":
        plot.text(key, *_point(plot, axis, begin), text, plot.theme.muted, _anchor(axis, sign))
        return
    # In the middle, so that it is never moved into the linear part.
    font = QFont()
    font.setPointSizeF(LABEL_POINTS)
    room = abs(unit.down_to(end) - place) / plot.pixel()[0]
    if QFontMetricsF(font).horizontalAdvance(text) + 4 < room:
        middle = unit.up_to((unit.down_to(end) + place) / 2)
        plot.text(key, middle, y[1], text, plot.theme.muted, (0.5, 0.0))


def _stripe(plot: Plot, key: object, axis: str, ends: Span, opacity: float) -> None:
    x, y = plot.seen
    rect = (*ends, *y) if axis == "x" else (*x, *ends)
    plot.area(key, rect, plot.fill(plot.theme.foreground, opacity), z=-12)


def _point(plot: Plot, axis: str, at: float) -> Span:
    (x0, _), (_, y1) = plot.seen
    return (at, y1) if axis == "x" else (x0, at)


def _anchor(axis: str, sign: float) -> Span:
    beyond = 0.0 if sign > 0 else 1.0
    return (beyond, 0.0) if axis == "x" else (0.0, 1.0 - beyond)


def far_note(plot: Plot, data: PlotData, reach: float) -> str:
    """Return what lies beyond the linear part of a scale; empty if that is not known."""
    far = plot.far(data)
    if far.reach != reach or not far.count:
        return ""
    end = short(reach, 3)
    if far.count > 1:
        return filled(plot.tr("%1 values are beyond ±%2"), f"{far.count:,}", end)
    name, value = data.position_name(far.place), data.number(data.values[far.place])
    return filled(plot.tr("only %1 = %2 is beyond ±%3"), name, value, end)
