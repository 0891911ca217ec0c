"""Channels plot: scale, range and SQNR per channel or group, the worst first."""

from __future__ import annotations

import numpy as np

from quantoscope.engine import Channels
from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.plots.base import Option, Plot
from quantoscope.gui.plots.data import PlotData, Series

SQNR, SCALE, RANGE = "sqnr", "scale", "range"
WORST, NUMBER, BY_SCALE, BY_RANGE = "worst", "number", "by scale", "by range"


class ChannelsPlot(Plot):
    """One column per channel in the active scheme's order; a click focuses one."""

    key = "channels"
    x_only = True
    x_quantity = "rank of channel"
    draws_values = False
    whole_axes = ("bottom",)
    slow = True
    options = (
        Option("show", "Show", ((SQNR, "SQNR"), (SCALE, "Scale S"), (RANGE, "Range of R"))),
        Option(
            "order",
            "Order",
            (
                (WORST, "worst first"),
                (NUMBER, "by number"),
                (BY_SCALE, "largest scale first"),
                (BY_RANGE, "widest range first"),
            ),
        ),
    )

    def title(self) -> str:
        return self.tr("Channels: what each channel or group loses")

    def axis_labels(self) -> tuple[str, str]:
        y = {
            SQNR: self.tr("SQNR (dB)"),
            SCALE: self.tr("log10 S (unit of R)"),
            RANGE: self.tr("Rmin … Rmax (unit of R)"),
        }[self.chosen_options["show"]]
        ranked = self.chosen_options["order"] != NUMBER
        return (self.tr("channel, by rank #") if ranked else self.tr("channel #")), y

    def prepare(self, data: PlotData) -> None:
        for series in (*data.series, *([data.active] if data.active else [])):
            data.channels(series)

    def describe(self, data: PlotData) -> str:
        figures = data.channels(data.active)
        if data.active is None or figures is None:
            return self.tr("Switch on a scheme to see what each channel loses.")
        sqnr = figures.sqnr
        known = np.flatnonzero(~np.isnan(sqnr))
        if known.size == 0:
            return filled(self.tr("%1: no value is finite."), data.active.entry.name)
        if data.partition.whole:
            text = self.tr("%1: one scale for all, %2 dB. Granularity per-group makes groups.")
            return filled(text, data.active.entry.name, short(round(float(sqnr[0]), 2), 4))
        worst = int(known[sqnr[known].argmin()])
        text = self.tr("%1: worst of %2 is %3 with %4 dB; the median is %5 dB.")
        middle = float(np.median(sqnr[known]))
        return filled(
            text, data.active.entry.name, f"{sqnr.size:,}", figures.name(worst),
            short(round(float(sqnr[worst]), 2), 4), short(round(middle, 2), 4),
        )  # fmt: skip

    def _order(self, data: PlotData) -> np.ndarray:
        """Return the channels in plot order."""
        figures = data.channels(data.active)
        if figures is None:
            return np.zeros(0, np.intp)
        order = self.chosen_options["order"]
        if order == NUMBER:
            return np.arange(figures.sqnr.size)
        key = {
            WORST: figures.sqnr,
            BY_SCALE: -np.abs(figures.scale),
            # Halved first: the width of the range may overflow.
            BY_RANGE: figures.low / 2 - figures.high / 2,
        }[order]
        return np.argsort(key, kind="stable")

    def _curves(self, figures: Channels) -> list[np.ndarray]:
        """Return the curves of a scheme: one or two heights per channel."""
        show = self.chosen_options["show"]
        if show == RANGE:
            return [figures.low, figures.high]
        if show == SQNR:
            return [np.where(np.isfinite(figures.sqnr), figures.sqnr, np.nan)]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log10(np.abs(figures.scale))
        return [np.where(np.isfinite(logs), logs, np.nan)]

    def _all(self, data: PlotData) -> list[tuple[Series, Channels]]:
        """Return all schemes with figures, the active one last (on top)."""
        found = [(s, figures) for s in data.series if (figures := data.channels(s))]
        active = data.active
        return sorted(found, key=lambda pair: active is not None and pair[0] is active)

    def x_range(self, data: PlotData) -> tuple[float, float]:
        figures = data.channels(data.active)
        return -0.5, max(1, 0 if figures is None else figures.sqnr.size) - 0.5

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        heights = [c for _, figures in self._all(data) for c in self._curves(figures)]
        finite = np.concatenate([h[np.isfinite(h)] for h in heights]) if heights else np.zeros(0)
        if finite.size == 0:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        return (min(low, 0.0), high) if self.chosen_options["show"] == SQNR else (low, high)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        order = self._order(data)
        start, stop = max(0, int(np.floor(x0))), min(order.size, int(np.ceil(x1)) + 1)
        if stop <= start:
            return
        shown = order[start:stop]
        ranks = np.arange(start, stop)
        show = self.chosen_options["show"]
        for series, figures in self._all(data):
            active = series is data.active
            curves = [curve[shown] for curve in self._curves(figures)]
            if show == RANGE:
                if active:
                    self._paint_ranges(ranks, *curves)
                continue
            (heights,) = curves
            if active and show == SQNR:
                colour = self.theme.colour(series.entry.colour)
                base = np.minimum(0, heights)
                half = 0.4 if ranks.size < self.columns / 3 else 0.5
                self.bars("active", ranks - half, ranks + half, base, np.maximum(heights, 0),
                          self.wash(colour, 0.3))  # fmt: skip
            self.line(series.entry.uid, ranks, heights, self.entry_pen(series, 2 if active else 1),
                      z=2 if active else 1)  # fmt: skip
            if ranks.size <= self.columns / 10:
                self.entry_points(series.entry.uid, ranks, heights, series)
        self.rule("zero", 0.0, self.pen(self.theme.grid), vertical=False, z=-1)
        if data.chosen is not None and data.whole is not None:
            here = data.partition.of(np.array([data.flat(data.chosen)]), data.whole.shape)
            rank = np.flatnonzero(order == here[0])
            self.rule("chosen", float(rank[0]), self.pen(self.theme.muted))
        self._mark_focus(data, order)

    def _paint_ranges(self, ranks: np.ndarray, low: np.ndarray, high: np.ndarray) -> None:
        """Draw the range of each channel's values in neutral ink."""
        brush = self.wash(self.theme.foreground, 0.5)
        self.bars("range", ranks - 0.4, ranks + 0.4, low, high, brush, least=1)

    def _mark_focus(self, data: PlotData, order: np.ndarray) -> None:
        channel = self._channel_in_focus(data)
        if channel is None:
            return
        rank = np.flatnonzero(order == channel)
        if rank.size:
            at = int(rank[0])
            brush = self.fill(self.theme.foreground, 0.18)
            self.column("focus", at - 0.5, at + 0.5, brush, z=-4)

    def _channel_in_focus(self, data: PlotData) -> int | None:
        focus = data.focus
        return focus.channel if focus and focus.granularity == data.partition else None

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        return None

    def pick_channel(self, data: PlotData, x: float, y: float) -> int | None:
        return None if data.partition.whole else self._channel_at(data, x)

    def _channel_at(self, data: PlotData, x: float) -> int | None:
        order = self._order(data)
        rank = round(x)
        return int(order[rank]) if 0 <= rank < order.size else None

    def next_channel(self, data: PlotData, step: int) -> int | None:
        order = self._order(data)
        if order.size == 0 or data.partition.whole:
            return None
        now = self._channel_in_focus(data)
        rank = 0 if now is None else int(np.flatnonzero(order == now)[0]) + step
        return int(order[min(max(rank, 0), order.size - 1)])

    def readout(self, data: PlotData, x: float, y: float) -> str:
        channel = self._channel_at(data, x)
        if channel is None:
            return ""
        lines: list[str] = []
        digits = data.digits
        for series, figures in self._all(data)[::-1]:
            if not lines:
                ends = data.number(figures.low[channel]), data.number(figures.high[channel])
                size = f"{figures.size[channel]:,}"
                text = self.tr("%1: %2 values, R %3 … %4")
                lines.append(filled(text, figures.name(channel), size, *ends))
            text = self.tr("%1: SQNR %2 dB, S %3")
            sqnr = short(figures.sqnr[channel], 4)
            scale = short(figures.scale[channel], digits)
            lines.append(filled(text, series.entry.name, sqnr, scale))
        return "\n".join(lines)
