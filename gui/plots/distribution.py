"""Distribution plot: histogram of R with levels, clipping range and unused codes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from quantoscope.engine import QUANTIZERS, Summary
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
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.handles import HandlePlot
from quantoscope.gui.plots.spans import LARGEST
from quantoscope.gui.plots.values_axis import nearest_value, values_span

CODE_TICK_PIXELS = 46
LEVEL_TICK_PIXELS = 4
BAR_PIXELS = 7


class DistributionPlot(HandlePlot):
    """Histogram of values below, axis of codes above."""

    key = "distribution"
    x_quantity = "value"
    draws_schemes = "active"
    whole_axes = ("left",)

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        item.showAxis("top")
        super().__init__(item, theme, ink)

    def title(self) -> str:
        return self.tr("Distribution: values R below, codes Q above")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("value R (unit of R)"), self.tr("values per bin")

    def describe(self, data: PlotData) -> str:
        if data.active is None or data.channel[1].counts.size == 0:
            return self.tr("The histogram appears with the first value.")
        return unused_sentence(self, data.active)

    def whole_range(self, data: PlotData) -> tuple[float, float]:
        return values_span(data)

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        counts = data.channel[1].counts
        return 0.0, float(counts.max()) * 1.12 if counts.size else 1.0

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        style = {"color": theme.muted, "font-size": "8.5pt"}
        self.item.setLabel("top", self.tr("code Q"), **style)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        summary, active = data.channel[1], data.active
        if summary.counts.size:
            edges = self._edges(summary)
            self.bars(
                "R", edges[:-1], edges[1:], np.zeros(summary.counts.size),
                summary.counts, self.wash(self.theme.foreground, 0.4),
            )  # fmt: skip
        if active is not None:
            self._paint_codes(active, x0, x1)
            self._paint_unused(active)
        else:
            self.item.getAxis("top").setTicks([[]])
        self._paint_handles(data, active)
        if data.chosen is not None and np.isfinite(data.values[data.chosen]):
            self.rule("chosen", float(data.values[data.chosen]), self.pen(self.theme.muted))

    def _edges(self, summary: Summary) -> np.ndarray:
        """Return the bar edges, with some width if all values are equal."""
        if summary.low != summary.high:
            return summary.edges
        at, half = self.x_unit.down_to(summary.low), BAR_PIXELS / 2 * self.pixel()[0]
        return self.x_unit.up([at - half, at + half])

    def _paint_codes(self, active: Series, x0: float, x1: float) -> None:
        """Draw the axis of codes along the top, and a tick per level if they are distinct."""
        levels, pixel = self.x_unit.down(active.levels), self.pixel()[0]
        ticks = code_ticks(levels, active.level_codes, active.label, CODE_TICK_PIXELS * pixel)
        self.item.getAxis("top").setTicks([ticks])
        wide = active.levels.astype(np.float64)
        shown = wide[(wide >= x0) & (wide <= x1)]
        apart = np.diff(self.x_unit.down(shown))
        if shown.size > 1 and apart.min() >= LEVEL_TICK_PIXELS * pixel:
            y0, y1 = self.item.getViewBox().viewRange()[1]
            bottom, top = y1 - (y1 - y0) * 0.05, y1
            colour = self.theme.colour(active.entry.colour)
            y = np.tile([bottom, top], shown.size)
            self.line("levels", np.repeat(shown, 2), y, self.pen(colour), "pairs", z=2)

    def _paint_unused(self, active: Series) -> None:
        """Hatch in red the ends of the code range that no value reaches."""
        for name, start, stop in unused_ends(active):
            edges = active.level_edges
            self.hatch_unused(name, float(edges[start]), float(edges[stop + 1]))

    def _paint_handles(self, data: PlotData, active: Series | None) -> None:
        """Draw the ends of the clipping range, movable if one range holds for all."""
        if active is None or active.evaluation.scheme.fixed_range:
            self.drop_handles()
            return
        low, high = active.p.range
        # As many digits as distinguish positions one pixel apart.
        digits = digits_apart((low, high), digits_within(max(-low, high), self.width_x, 4))
        colour = self.theme.colour(active.entry.colour)
        if not data.range_is_free:
            self.drop_handles()
            y0, y1 = self.item.getViewBox().viewRange()[1]
            for name, at, side in (("Rmin", low, 0.0), ("Rmax", high, 1.0)):
                self.rule(name, at, self.pen(colour, 1, Qt.PenStyle.DashLine), z=3)
                label = f"{name} {short(at, digits)}"
                self.text(name, at, y0 + 0.9 * (y1 - y0), label, colour, anchor=(side, 0.5))
            return
        for name, at in (("Rmin", low), ("Rmax", high)):
            self.handle(name, at, f"{name} {short(at, digits)}", colour, 0.9, name == "Rmin")

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
        return nearest_value(data, x)

    def readout(self, data: PlotData, x: float, y: float) -> str:
        parts = [f"R {data.number(x, self.width_x)}"]
        summary = data.channel[1]
        edges = self._edges(summary)
        if summary.counts.size and edges[0] <= x <= edges[-1]:
            place = int(np.searchsorted(edges, x, "right")) - 1
            count = int(summary.counts[min(place, summary.counts.size - 1)])
            parts.append(filled(self.tr("%1 values in this bin"), f"{count:,}"))
        if data.active is not None:
            code, level = data.active.at(x)
            parts.append(f"{data.active.name}: Q {code}, R′ {data.number(level)}")
        return "\n".join(parts)


def unused_ends(series: Series) -> list[tuple[str, int, int]]:
    """Return the unused parts at the ends of the code range: name, first and last place."""
    span = series.used_span
    if span is None:
        return []
    ends = []
    if span[0] > 0:
        ends.append(("low", 0, span[0] - 1))
    if span[1] < len(series.levels) - 1:
        ends.append(("high", span[1] + 1, len(series.levels) - 1))
    return ends


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
