"""Lanes: small multiples of a plot by position, one per scheme, with its name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import Qt
from PySide6.QtGui import QFont, QFontMetricsF

from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.plots.axis import offset_of, tick_text
from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.scales import round_step
from quantoscope.gui.plots.spans import Curved, Ticks, Unit

HEAD_PIXELS = 15.0
"""Height of the row above a lane that holds its name."""
LOWEST = 36.0
"""Height of a lane in pixels below which its name lies over its data."""
NAMED = LOWEST + 2
"""Height of a lane in pixels, its distance to others included, from which it is named above."""
GAP = 0.06
"""Distance of lanes, as a share of their height."""
MARK_PIXELS = 9.0
"""Room in pixels to either side of the middle of a triangle in such a row."""
SHORTEST = 80.0
"""Width in pixels below which a shortened name says nothing."""
MARGIN = 4.0
LABEL_POINTS = 8.5
TICK_PIXELS = 20.0


@dataclass(frozen=True)
class Lane:
    """Where the values of a scheme are drawn."""

    series: Series
    bottom: float
    top: float
    """Lower and upper end of the values, in lanes."""
    head: float
    """Upper end of the row with the name; ``top`` if there is none."""
    unit: Unit
    """Scale of the values."""
    low: float
    high: float
    """Values at the lower and upper end."""

    def down(self, values: ArrayLike) -> np.ndarray:
        """Return the heights at which values are drawn, NaN for what is none."""
        height = self.share(values)
        height *= self.top - self.bottom
        height += self.bottom
        return height

    def share(self, values: ArrayLike) -> np.ndarray:
        """Return the shares of the lane's height at which values are drawn, 0 to 1, or NaN."""
        first, last = self._ends
        with np.errstate(over="ignore", invalid="ignore"):
            share = np.asarray(self.unit.down(values) - first)
            share /= (last - first) or 1.0
            return np.clip(share, 0.0, 1.0, out=share)

    def height(self, value: float) -> float:
        """Return the height at which one value is drawn."""
        first, last = self._ends
        share = (self.unit.down_to(value) - first) / ((last - first) or 1.0)
        share = share if math.isnan(share) else min(max(share, 0.0), 1.0)
        return self.bottom + (self.top - self.bottom) * share

    @cached_property
    def _ends(self) -> tuple[float, float]:
        return self.unit.down_pair(self.low, self.high)


class LanedPlot(Plot):
    """A plot whose ``draw_y`` is that of a lane while it paints one."""

    _lane: Lane | None = None
    laned_margins = (0.04, 0.005)

    def draw_y(self, y: ArrayLike) -> np.ndarray:
        return super().draw_y(y) if self._lane is None else self._lane.down(y)

    def spot_y(self, y: float) -> float:
        return super().spot_y(y) if self._lane is None else self._lane.height(y)

    def use_lanes(self, laned: bool) -> None:
        """Set the margins of a view with lanes, or of one without."""
        self.margins = self.laned_margins if laned else type(self).margins

    def least_height(self, data: PlotData) -> float:
        # Of fewer, some plots draw all in one.
        return NAMED * len(data.series) if len(data.series) > 2 else 0.0

    def tick_lanes(self, lanes: Sequence[Lane], least: float = 0.0) -> float:
        """Write the ticks of all lanes, ``least`` from each other, and return their offset."""
        ticks, offset = [], 0.0
        for lane in lanes:
            own, offset = lane_ticks(lane, self.pixel()[1], least)
            ticks += own
        self.item.getAxis("left").setTicks([ticks])
        return offset


def lanes_of(
    series: Sequence[Series], pixel: float, unit: Unit, ends: Sequence[tuple[float, float]]
) -> list[Lane]:
    """Return a lane per scheme, the first on top; ``pixel`` is the height of one, in lanes."""
    count = len(series)
    head = HEAD_PIXELS * pixel if 1 / pixel >= LOWEST else 0.0
    lanes = []
    for place, (one, (low, high)) in enumerate(zip(series, ends, strict=True)):
        bottom = count - 1 - place + GAP / 2
        top = bottom + 1 - GAP
        lanes.append(Lane(one, bottom, top - head, top, unit, low, high))
    return lanes


def write_head(
    plot: Plot, data: PlotData, lane: Lane, name: str, notes: Sequence[str], marks: np.ndarray
) -> None:
    """Write a lane's name, and the longest of the notes that fits, covering no marks at these x.

    Where there is no row for it, the name lies over the data.
    """
    series = lane.series
    colour = plot.theme.colour(series.entry.colour)
    active = data.active is not None and series.entry.uid == data.active.entry.uid
    name = f"▸ {name}" if active else name
    key = QFont().key()
    rivals = tuple(other.entry.name for other in data.series if other is not series)
    x0, pixel = plot.seen[0][0], plot.pixel()[0]
    places = np.sort((plot.draw_x(marks) - plot.spot_x(x0)) / pixel) if marks.size else marks
    starts = np.maximum(np.concatenate([[-MARK_PIXELS], places]) + MARK_PIXELS, 0.0)
    stops = np.append(places - MARK_PIXELS, float(plot.columns))
    free = stops > starts
    gaps = list(zip(starts[free].tolist(), stops[free].tolist(), strict=True))
    whole = _wide(key, name) + MARGIN
    fitting = [gap for gap in gaps if gap[1] - gap[0] >= whole]
    widest = max(gaps, key=lambda gap: gap[1] - gap[0], default=(0.0, 0.0))
    gap = fitting[0] if fitting else widest
    in_head = lane.head > lane.top
    if not in_head or gap[1] - gap[0] < min(whole, SHORTEST):
        # No row, or marks everywhere in it: over the data.
        y = lane.top if in_head else lane.head
        shown = _cut(key, name, rivals, 0.6 * plot.columns)
        plot.text((series.entry.uid, "name"), x0, y, shown, colour, (0.0, 0.0))
        return
    y = (lane.top + lane.head) / 2
    shown = name
    if gap[1] - gap[0] < whole:
        shown = _cut(key, name, rivals, gap[1] - gap[0])
    plot.text((series.entry.uid, "name"), x0 + gap[0] * pixel, y, shown, colour, (0.0, 0.5))
    after = gap[0] + _wide(key, shown) + HEAD_PIXELS
    gaps = [(max(start, after), stop) for start, stop in gaps]
    for note in notes:
        wide = _wide(key, note) + MARGIN
        fitting = [gap for gap in gaps if gap[1] - gap[0] >= wide]
        if fitting:
            at = x0 + fitting[0][0] * pixel
            plot.text((series.entry.uid, "note"), at, y, note, colour, (0.0, 0.5))
            return


def lane_ticks(lane: Lane, pixel: float, least: float = 0.0) -> tuple[Ticks, float]:
    """Return heights and labels of a lane's ticks, and the offset that the labels leave out."""
    low, high = lane.unit.down_pair(lane.low, lane.high)
    height = (lane.top - lane.bottom) / pixel
    if not (math.isfinite(high - low) and high > low):
        return [], 0.0
    apart = min(TICK_PIXELS / height, 0.5) * (high - low)
    offset = 0.0
    if isinstance(lane.unit, Curved):
        ticks = lane.unit.ticks(low, high, apart)
    else:
        offset = offset_of(low, high)
        step = round_step(max(apart, least))
        places = np.arange(math.ceil((low - offset) / step), math.floor((high - offset) / step) + 1)
        ticks = [(offset + place * step, tick_text(place * step, step)) for place in places]
    share = (lane.top - lane.bottom) / (high - low)
    return [(lane.bottom + (at - low) * share, text) for at, text in ticks], offset


@lru_cache(4)
def _metrics(key: str) -> QFontMetricsF:
    """Return the metrics of labels in the font of the application, which has this key."""
    font = QFont()
    font.setPointSizeF(LABEL_POINTS)
    return QFontMetricsF(font)


@lru_cache(256)
def _cut(key: str, name: str, rivals: tuple[str, ...], room: float) -> str:
    """Return a name that fits, with the words that its rivals lack."""
    metrics = _metrics(key)

    def cut(text: str) -> str:
        return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room)

    return schemes_apart((name, *rivals), cut)[0]


@lru_cache(512)
def _wide(key: str, text: str) -> float:
    """Return the width of a label in pixels."""
    return _metrics(key).horizontalAdvance(text)
