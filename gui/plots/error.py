"""Error plot: R' − R of every enabled scheme by position, with the active one's ±S/2 band."""

from __future__ import annotations

import numpy as np

from quantoscope.engine.numerics.envelope import Envelope
from quantoscope.gui.common.localized_numbers import filled, percent, short
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.position_plot import PositionPlot, position_readout
from quantoscope.gui.plots.spans import finite_extremes, visible

STEP_PIXELS = 6
"""Minimum width of a band step in pixels; narrower neighbours are merged at their maximum."""


def _calm(edges: np.ndarray, high: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Merge steps of a band that has more than ``most`` of them."""
    if np.count_nonzero(np.diff(high)) <= most:
        return edges, high
    first = np.arange(0, high.size, -(-high.size // most))
    return np.append(edges[first], edges[-1]), np.fmax.reduceat(high, first)


class ErrorPlot(PositionPlot):
    """Error per value: rounding stays within ±S/2, clipping exceeds it."""

    key = "error"
    draws_values = False

    def title(self) -> str:
        return self.tr("Error: R′ − R, with the ±S/2 band")

    def axis_labels(self) -> tuple[str, str]:
        return self.position_label(), self.tr("error (unit of R)")

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

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        start, stop = visible(data.values.size, x0, x1)
        shown = [s.envelope("error", self.columns, start, stop) for s in data.series]
        low, high = finite_extremes(*(end for e in shown for end in (e.low, e.high)))
        bounds: np.ndarray = np.zeros(0)
        if data.active is not None and data.active.even_bound:
            bounds = np.array([data.active.bound])
        elif data.active is not None:
            bounds = self._bounds(data, start, stop).high
        half = float(np.max(bounds[np.isfinite(bounds)], initial=0.0))
        return float(np.fmin(low, -half)), float(np.fmax(high, half))

    def _bounds(self, data: PlotData, start: int, stop: int) -> Envelope:
        assert data.active is not None
        return data.active.envelope("bound", self.columns, start, stop)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self.rule("zero", 0.0, self.pen(self.theme.muted), vertical=False, z=-1)
        if data.active is not None:
            self._paint_band(data, data.active, *visible(data.values.size, x0, x1))
        super().paint(data, x0, x1)

    def _paint_band(self, data: PlotData, active: Series, start: int, stop: int) -> None:
        """Draw the bound of rounding: one band, or one step per value."""
        colour = self.theme.colour(active.entry.colour)
        pen = self.pen(self.theme.tint(colour, 0.7))
        if active.even_bound:
            left, right = self.x_range(data)
            half = active.bound
            self.area("band", (left, right, -half, half), self.fill(colour, 0.16))
            for sign in (-1, 1):
                self.line(("edge", sign), np.array([left, right]), np.full(2, sign * half), pen,
                          z=-4)  # fmt: skip
            return
        if stop <= start:
            return
        envelope = self._bounds(data, start, stop)
        edges, high = _calm(envelope.edges - 0.5, envelope.high, self.columns // STEP_PIXELS)
        self.bars("band", edges[:-1], edges[1:], -high, high, self.wash(colour, 0.16), z=-5)
        x = np.column_stack([edges[:-1], edges[1:]]).ravel()
        for sign in (-1, 1):
            self.line(("edge", sign), x, sign * np.repeat(high, 2), pen, z=-4)

    def paint_values(self, data: PlotData, start: int, stop: int) -> None:
        lanes = len(data.series)
        for lane, series in enumerate(data.series):
            x, error = self.paint_series(series, "error", (start, stop), lane, lanes)
            if data.chosen is not None and start <= data.chosen < stop:
                here = np.array([data.chosen - start])
                self.points((series.entry.uid, "chosen"), x[here], error[here], "o",
                            self.theme.foreground, 14, hollow=True, z=9)  # fmt: skip

    def paint_envelopes(self, data: PlotData, start: int, stop: int) -> None:
        for series in data.series:
            envelope = series.envelope("error", self.columns, start, stop)
            left, right = envelope.edges[:-1] - 0.5, envelope.edges[1:] - 0.5
            low, high = envelope.low, envelope.high
            if data.active is not None and series.entry.uid == data.active.entry.uid:
                brush = self.wash(self.theme.colour(series.entry.colour), 0.5)
                self.bars(series.entry.uid, left, right, low, high, brush, least=1)
            else:
                for end, y in (("low", low), ("high", high)):
                    self.line((series.entry.uid, end), (left + right) / 2, y,
                              self.entry_pen(series), z=1)  # fmt: skip
            self.clipped_marks(series, "error", (start, stop))

    def readout(self, data: PlotData, x: float, y: float) -> str:
        return position_readout(data, x, "", None, data.series, "error", "error")
