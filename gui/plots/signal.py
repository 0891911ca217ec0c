"""Signal plot: R, and R' of every enabled scheme, by position."""

from __future__ import annotations

import numpy as np

from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.plots.base import FEW, Y_SCALE, Plot
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.position_plot import PositionPlot, places, position_readout, stems
from quantoscope.gui.plots.spans import finite_extremes, visible

DASHES = 8
"""Number of values per pixel up to which those that jump up and down are dashes."""


class SignalPlot(PositionPlot):
    """Lines or stems if values are distinguishable, else an envelope."""

    key = "signal"
    options = (Y_SCALE,)

    def title(self) -> str:
        return self.tr("Signal: R in neutral ink, the reconstructed R′ in colours")

    def axis_labels(self) -> tuple[str, str]:
        return self.position_label(), self.tr("value (unit of R)")

    def describe(self, data: PlotData) -> str:
        if data.values.size == 0:
            return self.tr("No values yet: type, paste or open some.")
        if data.active is None:
            return self.tr("Switch on a scheme to see what it does to these values.")
        low, high = (data.active.figures[k] for k in ("clipped_low", "clipped_high"))
        return clipped_sentence(self, data, data.active, int(low + high))

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        start, stop = visible(data.values.size, x0, x1)
        shown = [data.envelope(self.columns, start, stop)]
        shown += [s.envelope("reconstructed", self.columns, start, stop) for s in data.series]
        low, high = finite_extremes(*(end for e in shown for end in (e.low, e.high)))
        return (min(low, 0.0), max(high, 0.0)) if stop - start <= FEW else (low, high)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        super().paint(data, x0, x1)
        if data.chosen is not None:
            start, stop = visible(data.values.size, x0, x1)
            at = np.array([data.chosen])
            x = places(at, 0, 1 + len(data.series), stop - start <= FEW)
            self.points(
                "chosen", x, data.values[at], "o", self.theme.foreground, 13, hollow=True, z=9
            )

    def most_values(self, data: PlotData, start: int, stop: int) -> int:
        # Dashes show levels where an envelope would be a box.
        few = stop - start <= DASHES * self.columns
        return DASHES if few and self._rough(data.values[start:stop]) else 2

    def paint_values(self, data: PlotData, start: int, stop: int) -> None:
        at = np.arange(start, stop)
        r = data.values[start:stop]
        ink = self.theme.foreground
        few = at.size <= FEW
        lanes = 1 + len(data.series)
        x = places(at, 0, lanes, few)
        if few:
            self.line("R stems", *stems(x, r), self.pen(ink, 1), connect="pairs")
            self.rule("zero", 0.0, self.pen(self.theme.grid), vertical=False, z=-1)
        else:
            self.curve("R", x, r, self.pen(ink, 1), self.theme.tint(ink, 0.5), z=0)
        if at.size <= self.columns / 4:
            self.points("R", x, r, "o", ink, 8 if few else 5, z=4)
        for lane, series in enumerate(data.series, 1):
            self.paint_series(series, "reconstructed", (start, stop), lane, lanes)

    def paint_envelopes(self, data: PlotData, start: int, stop: int) -> None:
        envelope = data.envelope(self.columns, start, stop)
        left, right = envelope.edges[:-1] - 0.5, envelope.edges[1:] - 0.5
        brush = self.wash(self.theme.foreground, 0.45)
        self.bars("R", left, right, envelope.low, envelope.high, brush, least=1)
        middle = (left + right) / 2
        for series in data.series:
            envelope = series.envelope("reconstructed", self.columns, start, stop)
            for end, y in (("low", envelope.low), ("high", envelope.high)):
                self.line((series.entry.uid, end), middle, y, self.entry_pen(series), z=1)
            self.clipped_marks(series, "reconstructed", (start, stop))

    def readout(self, data: PlotData, x: float, y: float) -> str:
        return position_readout(data, x, "R", data.values, data.series, "reconstructed", "R′")


def clipped_sentence(plot: Plot, data: PlotData, series: Series, clipped: int) -> str:
    """Return a sentence on the active scheme's clipped values and their largest error."""
    worst = short(series.figures["max_abs_error"], data.digits)
    if worst == "NaN":
        text = plot.tr("%1 reconstructs none of the %2 values as a finite number.")
        return filled(text, series.entry.name, f"{data.values.size:,}")
    if data.values.size == 1 and clipped:
        text = plot.tr("%1 clips the value; its |error| is %3.")
    elif data.values.size == 1:
        text = plot.tr("%1 does not clip the value; its |error| is %3.")
    elif clipped == 0:
        text = plot.tr("%1 clips none of the %2 values; the largest |error| is %3.")
    else:
        text = plot.tr("%1 clips %4 of the %2 values; the largest |error| is %3.")
    return filled(text, series.entry.name, f"{data.values.size:,}", worst, f"{clipped:,}")
