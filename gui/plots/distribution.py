"""Distribution plot: histogram of R with levels, clipping range and unused codes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from quantoscope.engine import QUANTIZERS
from quantoscope.engine.analysis.sorted_values import aligned_edges, counts_between
from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.gui.common.localized_numbers import (
    digits_apart,
    digits_within,
    filled,
    percent,
    short,
    snapped,
    tidy,
)
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.code_rows import CodeRows, unused_ends
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.handles import HandlePlot
from quantoscope.gui.plots.kept_figures import not_zero, sorted_values
from quantoscope.gui.plots.options import COUNT_SCALE, X_SCALE
from quantoscope.gui.plots.scales import DYNAMIC, Symlog, count_unit, with_headroom
from quantoscope.gui.plots.spans import LARGEST, Span, Unit
from quantoscope.gui.plots.values_axis import values_frame

CODE_TICK_PIXELS = 46
LEVEL_TICK_PIXELS = 4
BAR_PIXELS = 7
"""Width of the bar of equal values."""
BOTH_LABELS = 220.0
"""Width in pixels of a range that has room for the labels of its ends."""
LEAST_BAR, LOG_BAR = 3.0, 6.0
"""Least width of a bin in pixels, and of one in a logarithmic part of the axis."""
HEADROOM, LABELS = 0.2, 40.0
"""Room above the bars for labels, as a share of their height, and in pixels in low views."""
LEAST_BINS = 32
FAR_DYNAMIC = 10
"""Counts that differ by such a factor have a logarithmic axis where some values lie far out, so
that these are seen."""
GONE = 0.01
"""Share of the values that become 0 from which those that do not are coloured."""


@dataclass(frozen=True)
class Histogram:
    """Counts of the visible values."""

    edges: np.ndarray
    counts: IntArray
    """Edges of the bins in units of R, and how many values lie in each."""
    kept: IntArray | None
    """Of these, how many do not become 0; None if nearly all do not."""


class DistributionPlot(HandlePlot):
    """Histogram of values, an axis of codes above, and a row of codes per scheme below."""

    key = "distribution"
    x_only = True
    x_quantity = "value"
    draws_schemes = "active"
    whole_axes = ("left",)
    options = (X_SCALE, COUNT_SCALE)
    slow = True
    margins = (0.04, 0.03)

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        item.showAxis("top")
        self._known: tuple[object, Histogram] | None = None
        self._rows = CodeRows(self)
        super().__init__(item, theme, ink)

    def title(self) -> str:
        return self.tr("Distribution: values R below, codes Q above")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("value R (unit of R)"), self.tr("values per bin")

    def describe(self, data: PlotData) -> str:
        if data.active is None or data.values.size == 0:
            return self.tr("The histogram appears with the first value.")
        return unused_sentence(self, data.active)

    def prepare(self, data: PlotData) -> None:
        sorted_values(data.array)
        self.far(data)
        if data.active is not None:
            not_zero(data.array, data.active.evaluation, data.active.positions)
        for series in data.series:
            _ = series.level_counts

    def whole_range(self, data: PlotData) -> tuple[float, float]:
        return values_frame(data)

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        if axis == "x":
            return super().scale(axis, data, ends)
        counts = self._histogram(data, *self.seen[0]).counts
        dynamic = FAR_DYNAMIC if isinstance(self.x_unit, Symlog) else DYNAMIC
        return count_unit(self.chosen_options["y scale"], counts, dynamic)

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        most = float(self._histogram(data, x0, x1).counts.max(initial=0))
        height = max(1.0, self.item.getViewBox().height() - self.rows_height())
        share = min(max(HEADROOM, LABELS / height), 2 * HEADROOM)
        return with_headroom(self.scale("y", data, (0.0, most)), most, share)

    def rows_height(self) -> float:
        return self._rows.height()

    def least_height(self, data: PlotData) -> float:
        return self._rows.least_height(data)

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        style = {"color": theme.muted, "font-size": "8.5pt"}
        self.item.setLabel("top", self.tr("code Q"), **style)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self.item.getAxis("left").least = self.y_unit.down_to(0.0)
        histogram, active = self._histogram(data, x0, x1), data.active
        left, right = histogram.edges[:-1], histogram.edges[1:]
        nothing = np.zeros(histogram.counts.size)
        if histogram.counts.any():
            brush = self.wash(self.theme.foreground, 0.4)
            self.bars("R", left, right, nothing, histogram.counts, brush)
        if histogram.kept is not None and active is not None:
            colour = self.theme.colour(active.entry.colour)
            self.bars("kept", left, right, nothing, histogram.kept, self.wash(colour, 0.7), z=0.1)
        # Labels placed first get the best positions.
        self._paint_handles(data, active)
        self._rows.paint(data)
        if active is not None:
            self._paint_codes(active, x0, x1)
            self._paint_gone(data, active)
        else:
            self.item.getAxis("top").setTicks([[]])
        if data.chosen is not None and np.isfinite(data.values[data.chosen]):
            self.rule("chosen", float(data.values[data.chosen]), self.pen(self.theme.muted))

    # Bins

    def _histogram(self, data: PlotData, x0: float, x1: float) -> Histogram:
        """Return the counts between x0 and x1, with bins for this view."""
        key = data, x0, x1, self.columns, self.x_unit
        if self._known is None or self._known[0] != key:
            ordered = sorted_values(data.array)
            edges = self._edges(data, ordered, x0, x1)
            kept = None
            if data.active is not None and self._gone(data) >= GONE * ordered.size:
                active = data.active
                lasting = not_zero(data.array, active.evaluation, active.positions)
                kept = counts_between(lasting, edges)
            self._known = key, Histogram(edges, counts_between(ordered, edges), kept)
        return self._known[1]

    def _gone(self, data: PlotData) -> int:
        """Return how many values other than 0 become 0 under the active scheme."""
        if data.active is None:
            return 0
        ordered = sorted_values(data.array)
        lasting = not_zero(data.array, data.active.evaluation, data.active.positions)
        zeros = np.searchsorted(ordered, ordered.dtype.type(0), "right")
        zeros -= np.searchsorted(ordered, ordered.dtype.type(0), "left")
        return int(ordered.size - lasting.size - zeros)

    def _edges(self, data: PlotData, ordered: np.ndarray, x0: float, x1: float) -> np.ndarray:
        """Return the edges of the bins: in the linear part aligned with the active scheme's codes.

        A code has a whole number of bins, or a bin a whole number of codes.
        """
        if ordered.size == 0:
            return np.array([x0, x1])
        ends = float(ordered[0]), float(ordered[-1])
        if ends[0] == ends[1]:
            at, half = self.x_unit.down_to(ends[0]), BAR_PIXELS / 2 * self.pixel()[0]
            return self.x_unit.up([at - half, at + half])
        pixel = self.pixel()[0]
        low, high = self.x_unit.down_pair(max(x0, ends[0]), min(x1, ends[1]))
        if not low < high:
            return np.array([x0, x1])
        inner = (low, high)
        if isinstance(self.x_unit, Symlog):
            inner = (max(low, -1.0), min(high, 1.0))
        parts = [np.zeros(0)]
        if inner[0] < inner[1]:
            parts.append(self._linear_edges(data, ordered, *inner))
        if low < inner[0]:
            parts.insert(0, -_steps(-inner[0], -low, LOG_BAR * pixel)[::-1])
        if high > inner[1]:
            parts.append(_steps(inner[1], high, LOG_BAR * pixel))
        return np.unique(self.x_unit.up(np.concatenate(parts)))

    def _linear_edges(
        self, data: PlotData, ordered: np.ndarray, low: float, high: float
    ) -> np.ndarray:
        """Return edges in drawn coordinates, from ``low`` to ``high`` or a little beyond."""
        ends = np.array(self.x_unit.up_pair(low, high))
        count = int(counts_between(ordered, ends).sum())
        most = (high - low) / (LEAST_BAR * self.pixel()[0])
        bins = min(max(LEAST_BINS, 2 * math.isqrt(count)), most)
        width = (high - low) / max(1.0, bins)
        edges = None
        if data.active is not None and data.active.p.format.integer:
            levels = self.x_unit.down(data.active.levels)
            origin = int(np.abs(data.active.levels).argmin())
            if isinstance(self.x_unit, Symlog):
                # Their distance in the linear part, whether or not two levels lie there.
                step = abs(data.active.p.scale) / self.x_unit.reach
                middle = float(data.active.levels[origin]) / self.x_unit.reach
            else:
                step, middle = (
                    abs(float(levels[-1] - levels[0])) / (levels.size - 1),
                    levels[origin],
                )
            edges = aligned_edges(low, high, step, float(middle), width)
        if edges is None:
            edges = np.linspace(low, high, max(2, int(bins) + 1))
        if isinstance(self.x_unit, Symlog):
            # The linear part ends with whole bins, without slivers.
            if low == -1.0:
                edges = np.append(low, edges[edges > low + width / 2])
            if high == 1.0:
                edges = np.append(edges[edges < high - width / 2], high)
            edges = np.unique(np.clip(edges, -1.0, 1.0))
        return edges

    # Codes

    def _paint_codes(self, active: Series, x0: float, x1: float) -> None:
        """Draw the axis of codes along the top, and what a row of codes has no room for."""
        levels, pixel = self.x_unit.down(active.levels), self.pixel()[0]
        ticks = code_ticks(levels, active.level_codes, active.label, CODE_TICK_PIXELS * pixel)
        self.item.getAxis("top").setTicks([ticks])
        if self._rows.shown:
            return
        for name, start, stop in unused_ends(active):
            edges = active.level_edges
            self.hatch_unused(name, float(edges[start]), float(edges[stop + 1]))
        wide = active.levels.astype(np.float64)
        shown = wide[(wide >= x0) & (wide <= x1)]
        apart = np.diff(self.x_unit.down(shown))
        if shown.size > 1 and apart.min() >= LEVEL_TICK_PIXELS * pixel:
            y0, y1 = self.seen[1]
            bottom, top = self.y_unit.up_pair(*self._top_strip())
            colour = self.theme.colour(active.entry.colour)
            y = np.tile([bottom, top], shown.size)
            self.line("levels", np.repeat(shown, 2), y, self.pen(colour), "pairs", z=2)

    def _top_strip(self) -> Span:
        y0, y1 = self.item.getViewBox().viewRange()[1]
        return y1 - (y1 - y0) * 0.05, y1

    def _paint_gone(self, data: PlotData, active: Series) -> None:
        """Say how many values become 0, where they are coloured."""
        if self._known is None or self._known[1].kept is None:
            return
        share = percent(self._gone(data), sorted_values(data.array).size)
        text = filled(self.tr("%1 become 0"), share)
        self.text("gone", 0.0, self.seen[1][1], text, self.theme.foreground, (0.5, 0.0))

    def _paint_handles(self, data: PlotData, active: Series | None) -> None:
        """Draw the ends of the clipping range, movable if one range holds for all."""
        if active is None or active.evaluation.scheme.fixed_range:
            self.drop_handles()
            return
        low, high = active.p.range
        # As many digits as distinguish positions one pixel apart.
        digits = digits_apart((low, high), digits_within(max(-low, high), self.width_x, 4))
        colour = self.theme.colour(active.entry.colour)
        # Labels stand outside of a range that has no room for them.
        ends = self.x_unit.down_pair(low, high)
        inside = ends[1] - ends[0] >= BOTH_LABELS * self.pixel()[0]
        if not data.range_is_free:
            self.drop_handles()
            y0, y1 = self.item.getViewBox().viewRange()[1]
            y = self.y_unit.up_to(y0 + 0.9 * (y1 - y0))
            for name, at, side in (("Rmin", low, 1.0 - inside), ("Rmax", high, float(inside))):
                self.rule(name, at, self.pen(colour, 1, Qt.PenStyle.DashLine), z=3)
                label = f"{name} {short(at, digits)}"
                self.text(name, at, y, label, colour, anchor=(side, 0.5))
            return
        for name, at in (("Rmin", low), ("Rmax", high)):
            right = (name == "Rmin") == inside
            self.handle(name, at, f"{name} {short(at, digits)}", colour, 0.9, right)

    def asked_range(self, data: PlotData, name: str, at: float) -> tuple[float, float] | None:
        assert data.active is not None
        p, pixel = data.active.p, self.x_unit.up_to(self.pixel()[0])
        low, high = (tidy(end, p.dtype) for end in p.range)
        at = snapped(at, pixel)
        if QUANTIZERS[p.mapping].symmetric_range:
            reach = max(abs(at), pixel, float(np.spacing(p.dtype.type(0))))
            return -reach, reach
        # Ends equal in working precision would be an empty range.
        pixel = max(pixel, *(float(np.spacing(np.abs(p.dtype.type(end)))) for end in (low, high)))
        if name == "Rmin":
            return max(min(at, high - pixel), -LARGEST), high
        return low, min(max(at, low + pixel), LARGEST)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        ordered = sorted_values(data.array)
        if not ordered.size:
            return None
        place = int(np.searchsorted(ordered, x))
        near = ordered[max(0, place - 1) : place + 1].astype(np.float64)
        return int((data.values == near[np.abs(near - x).argmin()]).argmax())

    def readout(self, data: PlotData, x: float, y: float) -> str:
        parts = [f"R {data.number(x, self.width_x)}"]
        found = self._histogram(data, *self.seen[0])
        if found.edges[0] <= x <= found.edges[-1]:
            place = min(int(np.searchsorted(found.edges, x, "right")), found.counts.size) - 1
            parts.append(filled(self.tr("%1 values in this bin"), f"{found.counts[place]:,}"))
        if data.active is not None:
            code, level = data.active.at(x)
            parts.append(f"{data.active.name}: Q {code}, R′ {data.number(level)}")
        return "\n".join(parts)


def _steps(start: float, stop: float, width: float) -> np.ndarray:
    """Return edges from ``start`` by equal widths to ``stop`` or just beyond."""
    count = max(1, math.ceil((stop - start) / width))
    return start + np.arange(count + 1) * max(width, (stop - start) / 4096)


def unused_sentence(plot: Plot, series: Series) -> str:
    """Return a sentence on unused codes at the ends, with their share of the range."""
    codes, ends = [series.label(code) for code in series.level_codes], unused_ends(series)
    name = series.name
    if not ends:
        text = plot.tr("%1: values reach both ends of the codes %2…%3.")
        return filled(text, name, codes[0], codes[-1])
    stretches = [
        f"{codes[first]}…{codes[last]}" if last > first else f"{codes[first]}"
        for _, first, last in ends
    ]
    count = sum(last - first + 1 for _, first, last in ends)
    if count == 1:
        text = plot.tr("%1: code %2 is never used: %3 of the range.")
    else:
        text = plot.tr("%1: codes %2 are never used: %3 of the range.")
    return filled(text, name, plot.tr(" and ").join(stretches), percent(count, len(codes)))


def code_ticks(
    levels: np.ndarray, codes: np.ndarray, label: Callable[[int], str], apart: float
) -> list[tuple[float, str]]:
    """Return positions and labels for an axis of codes, at least ``apart`` from each other.

    The first and last code are always labelled, between them multiples of a power of two.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        spacing = (levels[-1] - levels[0]) / max(1, len(levels) - 1)
    if not np.isfinite(spacing) or spacing <= 0:
        return [(float(levels[0]), label(codes[0]))]
    step = 1
    while step * spacing < apart and step < len(codes):
        step *= 2
    ticks = [(float(levels[0]), label(codes[0]))]
    last = float(levels[-1])
    for place in np.flatnonzero(codes % step == 0):
        at = float(levels[place])
        if at - ticks[-1][0] >= apart and last - at >= apart:
            ticks.append((at, label(codes[place])))
    if last - ticks[0][0] >= apart:
        ticks.append((last, label(codes[-1])))
    return ticks
