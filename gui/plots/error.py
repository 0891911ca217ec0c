"""Error plot: R' − R of every enabled scheme by position, one lane per scheme."""

from __future__ import annotations

import numpy as np

from quantoscope.engine import QUANTIZERS
from quantoscope.engine.analysis.robust_reach import robust_reach
from quantoscope.engine.evaluation.result import EvaluatedPart
from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.gui.common.localized_numbers import filled, percent, short
from quantoscope.gui.plots.base import FEW
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.density import EVEN_CELL, density, dots, firsts_of, sampled
from quantoscope.gui.plots.kept_figures import FarValues
from quantoscope.gui.plots.lanes import NAMED, Lane, lanes_of, write_head
from quantoscope.gui.plots.options import Y_SCALE, Option
from quantoscope.gui.plots.position_plot import (
    MARK_PIXELS,
    PositionPlot,
    position_readout,
    stems,
    thinned,
)
from quantoscope.gui.plots.scales import Symlog
from quantoscope.gui.plots.spans import Span, Unit, visible
from quantoscope.gui.plots.view import CUT_DOWN, RAISED

IN_S, IN_R = "S", "R"


Clipped = dict[int, tuple[IntArray, np.ndarray]]
"""By the side, 1 or −1: where values are clipped, and their errors."""


class ErrorPlot(PositionPlot):
    """Error per value: rounding stays within its bound, clipped values have a strip."""

    key = "error"
    margins = (0.04, 0.005)
    draws_values = False
    options = (
        Option("unit", "Unit of the error", ((IN_S, "in units of S"), (IN_R, "in the unit of R"))),
        Y_SCALE,
    )

    def title(self) -> str:
        return self.tr("Error: R′ − R, with the ±S/2 band")

    def axis_labels(self) -> tuple[str, str]:
        in_s = self._in_s
        y = self.tr("error (S)") if in_s else self.tr("error (unit of R)")
        return self.position_label(), y

    def describe(self, data: PlotData) -> str:
        if data.values.size == 0:
            return self.tr("The error appears with the first value.")
        if data.active is None:
            return self.tr("Switch on a scheme to see its error.")
        figures = data.active.figures
        clipped = figures["clipped_low"] + figures["clipped_high"]
        half = f"{data.active.bound_text} = ±{short(data.active.bound, data.digits)}"
        if not data.active.even_bound:
            half = filled(self.tr("%1 where each value lies"), data.active.bound_text)
        if not clipped:
            text = self.tr("%1: nothing is clipped, every error is rounding within ±%2.")
        else:
            text = self.tr("%1: clipping %4 makes %3 of the error power; ±%2.")
        if not np.isfinite(figures["rmse"]):
            return filled(self.tr("%1: no error is finite."), data.active.entry.name)
        if clipped and figures["rmse"] and not 0 < figures["mse"] < np.inf:
            # Their squares overflow float64, so shares are undefined.
            text = self.tr("%1: clips %4; ±%2.")
        share = percent(figures["clipping_power"], figures["mse"])
        count = self.tr("1 value") if clipped == 1 else self.tr("%1 values")
        count = filled(count, f"{int(clipped):,}")
        return filled(text, data.active.entry.name, half, share, count)

    # Lanes

    def least_height(self, data: PlotData) -> float:
        return NAMED * len(data.series)

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        # Along y are lanes; the errors in them have a scale of their own.
        return Unit()

    def far(self, data: PlotData) -> FarValues:
        """Return the bound that most errors lie within."""
        nothing = FarValues(0.0, 0.0, 0, 0)
        if self._in_s or not data.values.size:
            return nothing
        uneven = [s for s in data.series if not s.even_bound]
        size = data.values.size
        bounds = [s.envelope("bound", self.columns, 0, size).high for s in uneven]
        farthest = max((float(np.fmax.reduce(each)) for each in bounds), default=0.0)
        if not 0 < farthest < np.inf:
            return nothing
        return FarValues(robust_reach(np.concatenate(bounds), farthest), farthest, 0, 0)

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        return 0.0, float(max(1, len(data.series)))

    def _lanes(self, data: PlotData, start: int, stop: int) -> list[Lane]:
        """Return the lanes, the first scheme's on top; in the unit of R with the same range."""
        reaches = [self._reach(series, start, stop) for series in data.series]
        reach = max(reaches, default=0.0)
        unit = super().scale("y", data, (-reach, reach)) if reach else Unit()
        each = [(most if self._in_s else reach) or 1.0 for most in reaches]
        ends = [(-most, most) for most in each]
        return lanes_of(data.series, self.pixel()[1], unit, ends)

    def _reach(self, series: Series, start: int, stop: int) -> float:
        """Return the largest error of rounding among the values from start to stop."""
        if stop <= start:
            return 0.0
        if series.even_bound:
            bound = series.bound
            return bound / abs(series.p.scale) if self._in_s else bound
        if self._in_s:
            return float(series.p.arithmetic.reach) if series.p.format.integer else 0.5
        high = series.envelope("bound", self.columns, start, stop).high
        return float(np.max(high[np.isfinite(high)], initial=0.0))

    def _in_unit(self, series: Series, at: IntArray, error: np.ndarray) -> np.ndarray:
        """Return errors of the values at these places, in the chosen unit."""
        wide = np.asarray(error, np.float64)
        if not self._in_s:
            return wide
        p, where = series.evaluation.qparams, at
        if series.positions is not None:
            where = series.positions[at]
        if not series.granularity.whole:
            p = p.at(series.granularity.of(where, series.evaluation.codes.shape))
        step = np.abs(p.scale)
        if not p.format.integer:
            # Their levels are not evenly spaced: each error in gaps of where its value lies.
            step = 2.0 * QUANTIZERS[p.mapping].bound(series.array.reshape(-1)[where], p)
        with np.errstate(all="ignore"):
            return wide / step

    # Drawing

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        start, stop = visible(data.values.size, x0, x1)
        lanes = self._lanes(data, start, stop)
        self._tick(lanes)
        zeros = np.repeat([lane.height(0.0) for lane in lanes], 2)
        x = np.tile(self.x_range(data), len(lanes))
        self.line("zeros", x, zeros, self.pen(self.theme.grid), "pairs", z=-3)
        for lane in lanes:
            self._paint_lane(data, lane, start, stop)
        if data.chosen is not None:
            self.rule("chosen", data.chosen, self.pen(self.theme.muted))

    def _paint_lane(self, data: PlotData, lane: Lane, start: int, stop: int) -> None:
        left, right = self.x_range(data)
        self._paint_band(lane, start, stop, left, right)
        cut = self._clipped(lane.series, start, stop)
        self._name(data, lane, cut)
        if stop > start:
            self._paint_errors(data, lane, start, stop)
            self._paint_clipped(lane, cut, (stop - start) / self.columns)

    def _name(self, data: PlotData, lane: Lane, cut: Clipped) -> None:
        """Write the scheme's name, with the number of clipped values beside their triangles."""
        series = lane.series
        name = series.entry.name
        if self._in_s and not series.p.format.integer:
            name = filled(self.tr("%1, in gaps between levels"), name)
        total = int(series.figures["clipped_low"] + series.figures["clipped_high"])
        worst = self._worst(series, cut) if total else ""
        notes = [filled(self.tr("clipped: %1"), f"{total:,}" if total else self.tr("none"))]
        if worst:
            notes.insert(0, filled(self.tr("%1 by up to %2"), notes[0], worst))
        write_head(self, data, lane, name, notes, np.concatenate([at for at, _ in cut.values()]))

    def _paint_band(self, lane: Lane, start: int, stop: int, left: float, right: float) -> None:
        """Draw the bound of rounding: one band, or one step per value."""
        series, uid = lane.series, lane.series.entry.uid
        colour = self.theme.colour(series.entry.colour)
        pen = self.pen(self.theme.tint(colour, 0.7))
        steps = series.even_bound or self._in_s
        if steps:
            half = self._reach(series, start, stop)
            down, up = lane.height(-half), lane.height(half)
            self.area((uid, "band"), (left, right, down, up), self.fill(colour, 0.1))
            x, y = np.array([left, right, left, right]), np.array([down, down, up, up])
            self.line((uid, "edges"), x, y, pen, "pairs", z=-4)
        elif stop > start:
            envelope = series.envelope("bound", self.columns, start, stop)
            edges, high = _calm(envelope.edges - 0.5, envelope.high, self.columns // STEP_PIXELS)
            heights = lane.down(-high), lane.down(high)
            brush = self.wash(colour, 0.1)
            self.bars((uid, "band"), edges[:-1], edges[1:], heights[0], heights[1], brush, z=-5)
            x = np.column_stack([edges[:-1], edges[1:]]).ravel()
            for side, y in enumerate(heights):
                self.line((uid, "edge", side), x, np.repeat(y, 2), pen, z=-4)

    def _paint_errors(self, data: PlotData, lane: Lane, start: int, stop: int) -> None:
        series, uid = lane.series, lane.series.entry.uid
        if stop - start > self.most_symbols:
            self._paint_density(lane, start, stop)
        else:
            at = np.arange(start, stop)
            y = lane.down(self._errors(series, at, series.part(start, stop)))
            zero = np.full(y.size, lane.height(0.0))
            if at.size <= FEW:
                x, ends = stems(at.astype(float), y)
                ends[::2] = zero
                self.line((uid, "stems"), x, ends, self.entry_pen(series), "pairs", z=1)
            self.entry_points(uid, at, y, series)
        if data.chosen is not None and start <= data.chosen < stop:
            here = np.array([data.chosen])
            part = series.pick(here)
            y = lane.down(self._errors(series, here, part))
            if part.saturated[0]:
                y = np.array([(lane.top + lane.head) / 2])
            # Above the name, which in a low lane lies over the data.
            self.points((uid, "chosen"), here, y, "o", self.theme.foreground, 14, hollow=True, z=22)

    def _errors(self, series: Series, at: IntArray, part: EvaluatedPart) -> np.ndarray:
        """Return errors in the chosen unit, NaN for clipped values."""
        return np.where(part.saturated != 0, np.nan, self._in_unit(series, at, part.error))

    def _paint_density(self, lane: Lane, start: int, stop: int) -> None:
        """Draw how many errors lie in each dot; of wide columns, evenly spaced values stand."""
        series = lane.series
        high = (lane.top - lane.bottom) / self.pixel()[1]
        columns, rows = dots(self.columns, high, stop - start, self.fineness, EVEN_CELL)
        some = sampled(stop - start, self.columns, self.fineness)
        at = start + some
        every = some.size == stop - start
        part = series.part(start, stop) if every else series.pick(at)
        share = lane.share(self._errors(series, at, part))
        palette = self.shades(self.theme.colour(series.entry.colour))
        first = firsts_of(stop - start, self.columns, columns, rows, self.fineness)
        pixels = density(first, share, columns, rows, palette)
        rect = (start - 0.5, stop - 0.5, lane.bottom, lane.top)
        self.image((series.entry.uid, "density"), rect, pixels, z=0)

    def _paint_clipped(self, lane: Lane, cut: Clipped, width: float) -> None:
        """Draw the strip of clipped values: a triangle for each, in columns of this width."""
        series, uid = lane.series, lane.series.entry.uid
        left, right = self.seen[0]
        colour = self.theme.colour(series.entry.colour)
        middle = (lane.top + lane.head) / 2
        total = int(series.figures["clipped_low"] + series.figures["clipped_high"])
        if not total:
            return
        if lane.head > lane.top:
            rect = (left, right, lane.top, lane.head)
            self.area((uid, "strip"), rect, self.fill(self.theme.alarm, 0.12), z=-5)
        for sign, symbol in ((1, CUT_DOWN), (-1, RAISED)):
            at, error = cut[sign]
            if at.size:
                at = thinned(at, np.abs(error), MARK_PIXELS * width)
                y = np.full(at.size, middle)
                # Above the name.
                self.points((uid, sign), at, y, symbol, colour, 11, z=21)

    def _clipped(self, series: Series, start: int, stop: int) -> Clipped:
        """Return the values clipped at each side, and their errors in the chosen unit."""
        cut = {}
        for sign in (1, -1):
            at = series.clipped(sign, start, stop, self.columns)
            error = self._in_unit(series, at, series.pick(at).error) if at.size else np.zeros(0)
            cut[sign] = at, error
        return cut

    def _worst(self, series: Series, cut: Clipped) -> str:
        """Return the largest error of a clipped value; empty if none is seen."""
        errors = np.concatenate([error for _, error in cut.values()])
        errors = errors[~np.isnan(errors)]
        if not errors.size:
            return ""
        worst = float(errors[np.abs(errors).argmax()])
        text = f"{worst:,.0f}" if 1e3 <= abs(worst) < 1e7 else short(worst, 4)
        if not self._in_s:
            return text
        return f"{text} S" if series.p.format.integer else filled(self.tr("%1 gaps"), text)

    def _tick(self, lanes: list[Lane]) -> None:
        """Write the bounds and 0 along every lane, and what lies between where there is room."""
        ticks = []
        for lane in lanes:
            height = (lane.top - lane.bottom) / self.pixel()[1]
            ends = [-lane.high, 0.0, lane.high] if height >= 36 else [0.0]
            if isinstance(lane.unit, Symlog) and height >= 80:
                ends += [-lane.unit.reach, lane.unit.reach]
            for end in ends:
                text = short(end, 3) if end else "0"
                text = {0.5: "½", -0.5: "-½"}.get(end, text) if self._in_s else text
                ticks.append((lane.height(end), text))
        self.item.getAxis("left").setTicks([ticks])

    @property
    def _in_s(self) -> bool:
        return self.chosen_options["unit"] == IN_S

    def readout(self, data: PlotData, x: float, y: float) -> str:
        return position_readout(data, x, "", None, data.series, "error", "error")


STEP_PIXELS = 6
"""Minimum width of a band step in pixels; narrower neighbours are merged at their maximum."""


def _calm(edges: np.ndarray, high: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge steps of a band that has more than ``most`` of them."""
    if np.count_nonzero(np.diff(high)) <= most:
        return edges, high
    first = np.arange(0, high.size, -(-high.size // most))
    return np.append(edges[first], edges[-1]), np.fmax.reduceat(high, first)
