"""Channels plot: scale, range and SQNR per channel or group, the worst first."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtGui import QColor

from quantoscope.engine import Channels
from quantoscope.engine.numerics.granularity import GROUP
from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.colour_scale import coloured
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.options import Option

SQNR, SCALE, RANGE = "sqnr", "scale", "range"
WORST, NUMBER, BY_SCALE, BY_RANGE = "worst", "number", "by scale", "by range"
LEAST_BAR = 3
"""Least width of a channel in pixels; where they would be narrower, channels are cells."""
BAR_HEIGHT, BAR_WIDTH = 24.0, 160.0
"""Height of the row with the colours of cells, and width of the colours, in pixels."""
TICK_PIXELS = 24
LEAST_ACROSS = 4
"""Number of groups along their axes from which these make a row of cells."""
ROBUST = 0.001
"""Share of the cells at either end that have the colours of the ends."""
NONE = 0.18
"""How much ink a cell without a figure has."""


class ChannelsPlot(Plot):
    """A bar per channel in the active scheme's order, or a cell where they are too many.

    Cells lie as in the tensor: a row for the groups along their axes, or channels in reading
    order. A click focuses a channel.
    """

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
        if self.data is not None and self._cells(self.data):
            across = self.tr("group within its row #") if self._natural(self.data) else (
                self.tr("channel within its row #"))  # fmt: skip
            return across, self.tr("row #")
        y = {
            SQNR: self.tr("SQNR (dB)"),
            SCALE: self.tr("log10 S (unit of R)"),
            RANGE: self.tr("Rmin … Rmax (unit of R)"),
        }[self.chosen_options["show"]]
        ranked = self.chosen_options["order"] != NUMBER
        return (self.tr("channel, by rank #") if ranked else self.tr("channel #")), y

    def choices_of(self, option: Option) -> tuple[tuple[str, str], ...]:
        if option.key != "order" or self.data is None or not self._crowded(self.data):
            return option.choices
        # Cells are not ranked.
        ranked = tuple(pair for pair in option.choices if pair[0] not in (WORST, NUMBER))
        return (NUMBER, "as they lie"), *ranked

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
        said = filled(
            text, data.active.entry.name, f"{sqnr.size:,}", figures.name(worst),
            short(round(float(sqnr[worst]), 2), 4), short(round(middle, 2), 4),
        )  # fmt: skip
        return f"{said} {self._exact_text(figures)}".rstrip()

    def _exact_text(self, figures: Channels) -> str:
        """Return a sentence on the channels that lose nothing, which have no bar and no colour."""
        exact = np.isposinf(figures.sqnr)
        count = int(np.count_nonzero(exact))
        if not count:
            return ""
        zero = bool((figures.low[exact] == 0).all() and (figures.high[exact] == 0).all())
        if count == 1:
            text = self.tr("1 is all zeros.") if zero else self.tr("1 loses nothing.")
        else:
            text = self.tr("%1 are all zeros.") if zero else self.tr("%1 lose nothing.")
        return filled(text, f"{count:,}")

    # Cells

    def _count(self, data: PlotData) -> int:
        figures = data.channels(data.active)
        return 0 if figures is None else figures.sqnr.size

    def _cells(self, data: PlotData) -> bool:
        """Return whether channels are too many for bars, and not ordered by another figure."""
        as_they_lie = self.chosen_options["order"] in (WORST, NUMBER)
        return as_they_lie and self._crowded(data)

    def _crowded(self, data: PlotData) -> bool:
        return self._count(data) * LEAST_BAR > self.columns

    def _natural(self, data: PlotData) -> bool:
        """Return whether the groups of one line along the last axis make a row."""
        return data.partition.kind == GROUP and self._across(data) >= LEAST_ACROSS

    def _across(self, data: PlotData) -> int:
        """Return the number of cells in a row."""
        count, shape = self._count(data), data.whole.shape
        if data.partition.kind == GROUP:
            length = math.prod(shape[axis] for axis in data.partition.axes_of(shape))
            across = -(-length // max(1, min(data.partition.size, length)))
            if LEAST_ACROSS <= across < count:
                return across
        view = self.item.getViewBox()
        return max(1, round(math.sqrt(count * max(1.0, view.width()) / max(1.0, view.height()))))

    def _place(self, data: PlotData, channel: int) -> tuple[int, int]:
        """Return column and row of a channel's cell."""
        row, column = divmod(channel, self._across(data))
        return column, row

    def rows_height(self) -> float:
        return BAR_HEIGHT if self.data is not None and self._cells(self.data) else 0.0

    def resized(self, *_: Any) -> None:
        # Bars become cells, or are narrower.
        self.refresh(move_x=self.follow_x)

    def _paint_cells(self, data: PlotData, x0: float, x1: float) -> None:
        """Draw the active scheme's figures as an image; of several in a pixel the worst."""
        figures = data.channels(data.active)
        if figures is None or data.active is None:
            return
        show = self.chosen_options["show"]
        if show == RANGE:
            with np.errstate(divide="ignore", invalid="ignore"):
                sizes = np.log10(np.fmax(np.abs(figures.low), np.abs(figures.high)))
            values = np.where(np.isfinite(sizes), sizes, np.nan)
        else:
            (values,) = self._curves(figures)
        badness = -values if show == SQNR else values
        across = self._across(data)
        rows = -(-values.size // across)
        table = np.full((rows, across), np.nan)
        table.flat[: values.size] = badness
        first = min(max(0, math.floor(x0 + 0.5)), across - 1)
        last = min(max(first + 1, math.ceil(x1 + 0.5)), across)
        shown = table[:, first:last]
        height = max(1, int(self.item.getViewBox().height()))
        for axis, most in ((0, height), (1, self.columns)):
            if shown.shape[axis] > most:
                starts = np.arange(most) * shown.shape[axis] // most
                shown = np.fmax.reduceat(shown, starts, axis=axis)
        known = badness[np.isfinite(badness)]
        if not known.size:
            return
        low, high = np.quantile(known, [ROBUST, 1 - ROBUST]).tolist()
        shares = np.clip((shown - low) / ((high - low) or 1.0), 0.0, 1.0)
        pixels = coloured(shares, self.theme, diverging=False, warm=show == SQNR)
        none = np.isnan(shown) & self._is_channel(shown.shape, first, last, across, values.size)
        pixels[none] = QColor(self.theme.washed(self.theme.foreground, NONE)).getRgb()
        rect = (first - 0.5, last - 0.5, 0.5 - rows, 0.5)
        self.image("cells", rect, np.ascontiguousarray(pixels[::-1]))
        beyond = bool(known.min() < low), bool(known.max() > high)
        self._paint_scale((low, high), beyond, show, values.size - known.size)
        for place, key in ((data.chosen, "chosen"), (self._channel_in_focus(data), "focus")):
            if place is None:
                continue
            channel = place
            if key == "chosen":
                where = np.array([data.flat(place)])
                channel = int(data.partition.of(where, data.whole.shape)[0])
            column, row = self._place(data, channel)
            at = np.array([float(column)]), np.array([-float(row)])
            symbol, size = ("s", 13) if key == "focus" else ("o", 11)
            self.points(key, *at, symbol, self.theme.foreground, size, hollow=True, z=9)
        step = _round_step(rows * TICK_PIXELS / max(1.0, height - BAR_HEIGHT))
        ticks = [(-float(row), f"{row:,}") for row in range(0, rows, step)]
        self.item.getAxis("left").setTicks([ticks])

    @staticmethod
    def _is_channel(
        shape: tuple[int, ...], first: int, last: int, across: int, count: int
    ) -> np.ndarray:
        """Return which pixels show channels: the last row of cells may end early."""
        rows = -(-count // across)
        there = (np.arange(rows)[:, None] * across + np.arange(first, last)) < count
        for axis, most in enumerate(shape):
            if there.shape[axis] > most:
                starts = np.arange(most) * there.shape[axis] // most
                there = np.logical_or.reduceat(there, starts, axis=axis)
        return there

    def _paint_scale(
        self, ends: tuple[float, float], beyond: tuple[bool, bool], show: str, without: int
    ) -> None:
        """Draw the colours below the cells, with what they mean."""
        (x0, _), (y0, _) = self.item.getViewBox().viewRange()
        px, py = self.pixel()
        shares = np.linspace(0.0, 1.0, 64)[None]
        pixels = coloured(shares, self.theme, diverging=False, warm=show == SQNR)
        rect = (x0 + 6 * px, x0 + BAR_WIDTH * px, y0 + 6 * py, y0 + (BAR_HEIGHT - 8) * py)
        self.image("scale", rect, np.ascontiguousarray(pixels), z=2)
        signs = [sign if more else "" for sign, more in zip(("≤ ", "≥ "), beyond, strict=True)]
        if show == SQNR:
            # The worst are the darkest, so that the scale descends.
            signs = [{"≤ ": "≥ ", "≥ ": "≤ "}.get(sign, "") for sign in signs]
            shown = [f"{sign}{short(round(-end, 2), 4)} dB"
                     for sign, end in zip(signs, ends, strict=True)]  # fmt: skip
            text = filled(self.tr("SQNR from %1 to %2"), *shown)
        else:
            shown = [f"{sign}{short(10.0**end, 4)}"
                     for sign, end in zip(signs, ends, strict=True)]  # fmt: skip
            name = self.tr("S") if show == SCALE else self.tr("largest |R|")
            text = filled(self.tr("%1 from %2 to %3"), name, *shown)
        texts = [text]
        if without:
            texts.insert(0, filled(self.tr("%1; grey: %2 without"), text, f"{without:,}"))
        at = x0 + (BAR_WIDTH + 8) * px, y0 + BAR_HEIGHT / 2 * py
        text = self.fitting(texts, self.columns - BAR_WIDTH - 8)
        self.text("scale", *at, text, self.theme.muted, (0.0, 0.5))

    # Bars

    def _order(self, data: PlotData) -> np.ndarray:
        """Return the channels in plot order."""
        figures = data.channels(data.active)
        if figures is None:
            return np.zeros(0, np.intp)
        order = NUMBER if self._cells(data) else self.chosen_options["order"]
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
        return -0.5, max(1, self._across(data) if self._cells(data) else self._count(data)) - 0.5

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        if self._cells(data):
            return 0.5 - -(-self._count(data) // self._across(data)), 0.5
        heights = [c for _, figures in self._all(data) for c in self._curves(figures)]
        finite = np.concatenate([h[np.isfinite(h)] for h in heights]) if heights else np.zeros(0)
        if finite.size == 0:
            return 0.0, 1.0
        low, high = float(finite.min()), float(finite.max())
        return (min(low, 0.0), high) if self.chosen_options["show"] == SQNR else (low, high)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        if self._cells(data):
            self._paint_cells(data, x0, x1)
            return
        self.item.getAxis("left").setTicks(None)
        order = self._order(data)
        start, stop = max(0, int(np.floor(x0))), min(order.size, int(np.ceil(x1)) + 1)
        if stop <= start:
            return
        shown = order[start:stop]
        ranks = np.arange(start, stop)
        show = self.chosen_options["show"]
        crowded = self._crowded(data)
        for series, figures in self._all(data):
            active = series is data.active
            if crowded and not active:
                # In the order of another scheme it would be noise.
                continue
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
        return None if data.partition.whole else self._channel_at(data, x, y)

    def _channel_at(self, data: PlotData, x: float, y: float) -> int | None:
        if self._cells(data):
            across, column, row = self._across(data), round(x), round(-y)
            channel = row * across + column
            inside = 0 <= column < across and row >= 0 and channel < self._count(data)
            return channel if inside else None
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
        channel = self._channel_at(data, x, y)
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


def _round_step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, … that is not below a number."""
    power = 10 ** max(0, math.floor(math.log10(max(least, 1.0))))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least or digit == 10)
