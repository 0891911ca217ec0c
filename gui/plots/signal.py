"""Signal plot: R, and R' of every enabled scheme, by position."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtGui import QColor

from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.axis import shared_text
from quantoscope.gui.plots.base import FEW, Plot
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.density import sampled
from quantoscope.gui.plots.far_parts import TINT as FAR_TINT
from quantoscope.gui.plots.far_parts import far_note
from quantoscope.gui.plots.lanes import Lane, LanedPlot, lanes_of, write_head
from quantoscope.gui.plots.options import Y_SCALE
from quantoscope.gui.plots.position_plot import PositionPlot, places, position_readout, stems
from quantoscope.gui.plots.scales import Symlog
from quantoscope.gui.plots.spans import LARGEST, Span, Unit, finite_extremes, visible

DASHES = 8
"""Number of values per pixel up to which those that jump up and down are dashes."""
MANY = 3
"""Number of schemes from which each has a lane, where their curves would cover each other."""
APART = 6.0
"""Distance in pixels at which symbols side by side can be told apart."""
LEAST_LANE = 20.0
"""Minimum height of a lane in pixels."""
WORD_PIXELS = 16.0
"""Height in pixels of the logarithmic part of a lane from which it says what it is."""
INNER = 0.05
"""Margin above and below the values of a lane, as a share of their range."""


class SignalPlot(LanedPlot, PositionPlot):
    """Lines or stems if values are distinguishable, else an envelope."""

    key = "signal"
    options = (Y_SCALE,)

    _dots: np.ndarray | None = None
    """Pixels that show how dense R lies, while lanes are painted."""

    def title(self) -> str:
        return self.tr("Signal: R in neutral ink, the reconstructed R′ in colours")

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        self._shared = ""
        super().__init__(item, theme, ink)

    def axis_labels(self) -> tuple[str, str]:
        label = self.tr("value (unit of R)")
        return self.position_label(), f"{label}, {self._shared}" if self._shared else label

    def describe(self, data: PlotData) -> str:
        if data.values.size == 0:
            return self.tr("No values yet: type, paste or open some.")
        if data.active is None:
            return self.tr("Switch on a scheme to see what it does to these values.")
        low, high = (data.active.figures[k] for k in ("clipped_low", "clipped_high"))
        return clipped_sentence(self, data, data.active, int(low + high))

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        start, stop = visible(data.values.size, x0, x1)
        laned = self._in_lanes(data, start, stop)
        self.use_lanes(laned)
        return (0.0, float(len(data.series))) if laned else self._ends(data, start, stop)

    def _ends(self, data: PlotData, start: int, stop: int) -> tuple[float, float]:
        """Return the smallest and largest value seen, of R and of every R′."""
        columns = self._columns(start, stop)
        shown = [data.envelope(columns, start, stop)]
        shown += [s.envelope("reconstructed", columns, start, stop) for s in data.series]
        low, high = finite_extremes(*(end for e in shown for end in (e.low, e.high)))
        return (min(low, 0.0), max(high, 0.0)) if stop - start <= FEW else (low, high)

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        # Along y are lanes; the values in them have a scale of their own.
        laned = axis == "y" and self._in_lanes(data, *visible(data.values.size, *self.seen[0]))
        return Unit() if laned else super().scale(axis, data, ends)

    # Lanes

    def _in_lanes(self, data: PlotData, start: int, stop: int) -> bool:
        """Return whether each scheme has a lane: more than two would cover each other."""
        curves = 1 + len(data.series)
        if len(data.series) < MANY or stop <= start:
            return False
        if self.item.getViewBox().height() < len(data.series) * LEAST_LANE:
            return False
        step = (places(np.zeros(1), 1, curves, True) - places(np.zeros(1), 0, curves, True))[0]
        return bool(stop - start > FEW or step < APART * self.pixel()[0])

    def _lanes(self, data: PlotData, start: int, stop: int) -> list[Lane]:
        """Return the lanes, all with the same range and scale."""
        low, high = self._ends(data, start, stop)
        if not np.isfinite(high - low):
            low, high = max(low, -LARGEST / 4), min(high, LARGEST / 4)
        if not low < high:
            half = abs(low) / 2 or 1.0
            low, high = (low - half, high + half) if np.isfinite(low) else (-1.0, 1.0)
        unit = super().scale("y", data, (low, high))
        first, last = unit.down_pair(low, high)
        margin = INNER * (last - first)
        low, high = unit.up_pair(first - margin, last + margin)
        return lanes_of(data.series, self.pixel()[1], unit, [(low, high)] * len(data.series))

    def drawn_heights(self) -> tuple[float, float]:
        lane = self._lane
        return super().drawn_heights() if lane is None else (lane.bottom, lane.top)

    def _paint_lanes(self, data: PlotData, start: int, stop: int) -> None:
        lanes = self._lanes(data, start, stop)
        self._paint_grounds(lanes)
        self._dots = None
        for lane in lanes:
            self._name(data, lane, start, stop)
            self._lane = lane
            self._paint_far(lane)
            if stop - start > self.most_values(data, start, stop) * self.columns:
                self._paint_envelope_of(data, start, stop, (lane.series,), lane.series.entry.uid)
            else:
                self._paint_values_of(data, start, stop, (lane.series,), lane.series.entry.uid)
            if data.chosen is not None:
                self._ring(data, start, stop, (lane.series.entry.uid, "chosen"), 2)
            self._lane = None
        self._shared = shared_text(self.tick_lanes(lanes), lanes[0].unit.exponent)

    def _paint_grounds(self, lanes: Sequence[Lane]) -> None:
        """Draw the lower end of each lane, and 0 in it."""
        floors = [lane.bottom for lane in lanes]
        zeros = [lane.height(0.0) for lane in lanes if lane.low < 0 < lane.high]
        pen = self.pen(self.theme.grid)
        for name, heights in (("floors", floors), ("zeros", zeros)):
            if heights:
                x = np.tile(self.seen[0], len(heights))
                self.line(name, x, np.repeat(heights, 2), pen, "pairs", z=-3)

    def _paint_far(self, lane: Lane) -> None:
        """Draw the logarithmic parts of a lane."""
        uid, (x0, x1) = lane.series.entry.uid, self.seen[0]
        if not isinstance(lane.unit, Symlog):
            return
        brush = self.fill(self.theme.foreground, FAR_TINT)
        reach = lane.unit.reach
        for name, low, high in (("above", reach, lane.high), ("below", lane.low, -reach)):
            if low >= high:
                continue
            self.area((uid, name), (x0, x1, low, high), brush, z=-12)
            edges = lane.down([low, high])
            if edges[1] - edges[0] >= WORD_PIXELS * self.pixel()[1]:
                # At the edge to the linear part, where ticks do not say it.
                word, edge = self.tr("logarithmic"), reach if name == "above" else -reach
                anchor = 1.0, 1.0 if name == "above" else 0.0
                self.text((uid, name), x1, edge, word, self.theme.muted, anchor)

    def _name(self, data: PlotData, lane: Lane, start: int, stop: int) -> None:
        """Write the scheme's name, and how many codes it uses."""
        figures = lane.series.figures
        used = int(figures["codes_used"])
        notes = [self.tr("1 code used") if used == 1 else self.tr("%1 codes used")]
        notes[0] = filled(notes[0], f"{used:,}")
        clipped = int(figures["clipped_low"] + figures["clipped_high"])
        if clipped:
            text = filled(self.tr("%1 clipped"), f"{clipped:,}")
            notes.insert(0, f"{notes[0]} · {text}")
        first = data.series and lane.series is data.series[0]
        beyond = far_note(self, data, lane.unit.reach) if isinstance(lane.unit, Symlog) else ""
        if first and beyond:
            notes.insert(0, f"{notes[0]} · {beyond}")
        write_head(self, data, lane, lane.series.entry.name, notes, np.zeros(0))

    # Drawing

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        start, stop = visible(data.values.size, x0, x1)
        if self._in_lanes(data, start, stop):
            self._paint_lanes(data, start, stop)
            if data.chosen is not None:
                self.rule("chosen", data.chosen, self.pen(self.theme.muted))
            return
        self._shared = ""
        self.item.getAxis("left").setTicks(None)
        super().paint(data, x0, x1)
        if data.chosen is not None:
            self._ring(data, start, stop, "chosen", 1 + len(data.series))

    def _ring(self, data: PlotData, start: int, stop: int, key: Hashable, curves: int) -> None:
        if data.chosen is None or not start <= data.chosen < stop:
            return
        at = np.array([data.chosen])
        x = places(at, 0, curves, stop - start <= FEW)
        ink = self.theme.foreground
        self.points(key, x, data.values[at], "o", ink, 13, hollow=True, z=22)

    def most_values(self, data: PlotData, start: int, stop: int) -> int:
        # Dashes show levels where an envelope would be a box.
        few = stop - start <= DASHES * self.columns
        return DASHES if few and self._rough(data.values[start:stop]) else 2

    def paint_values(self, data: PlotData, start: int, stop: int) -> None:
        self._paint_values_of(data, start, stop, data.series)
        if stop - start <= FEW:
            self.rule("zero", 0.0, self.pen(self.theme.grid), vertical=False, z=-1)

    def _paint_values_of(
        self, data: PlotData, start: int, stop: int, shown: Sequence[Series], lane: Hashable = None
    ) -> None:
        """Draw R and the R′ of these schemes; ``lane`` tells R of one lane from that of another."""
        at = np.arange(start, stop)
        r = data.values[start:stop]
        ink = self.theme.foreground
        few = at.size <= FEW
        curves = 1 + len(shown)
        x = places(at, 0, curves, few)
        if few:
            self.line(_in(lane, "R stems"), *stems(x, r), self.pen(ink, 1), connect="pairs")
        else:
            tint = self.theme.tint(ink, 0.5)
            self.curve(_in(lane, "R"), x, r, self.pen(ink, 1), tint, z=0)
        if at.size <= self.most_symbols:
            self.points(_in(lane, "R"), x, r, "o", ink, 8 if few else 5, z=4)
        for curve, series in enumerate(shown, 1):
            self.paint_series(series, "reconstructed", (start, stop), curve, curves)

    def _columns(self, start: int, stop: int) -> int:
        """Return the number of columns of the envelopes."""
        return max(self.columns, min(int(self.columns * self.fineness), (stop - start) // 2))

    def paint_envelopes(self, data: PlotData, start: int, stop: int) -> None:
        self._paint_envelope_of(data, start, stop, data.series)

    def _paint_envelope_of(
        self, data: PlotData, start: int, stop: int, shown: Sequence[Series], lane: Hashable = None
    ) -> None:
        columns = self._columns(start, stop)
        envelope = data.envelope(columns, start, stop)
        left, right = envelope.edges[:-1] - 0.5, envelope.edges[1:] - 0.5
        # Few values reach the ends of a column: what tells is how dense the others lie.
        brush = self.wash(self.theme.foreground, 0.2)
        name = _in(lane, "R")
        self.bars(name, left, right, envelope.low, envelope.high, brush, least=1)
        span, some = (start, stop), start + sampled(stop - start, self.columns, self.fineness)
        # Those of R are the same in every lane.
        dots = None if lane is None else self._dots
        if dots is None:
            ink = QColor(self.theme.foreground)
            dots = self._dots = self.dots_of(data.values[some], span, ink)
        self.paint_dots(name, dots, span)
        middle = (left + right) / 2
        for series in shown:
            envelope = series.envelope("reconstructed", columns, start, stop)
            # Both ends are one line with a gap.
            x = np.concatenate([middle, [np.nan], middle])
            y = np.concatenate([envelope.low, [np.nan], envelope.high])
            self.line((series.entry.uid, "ends"), x, y, self.entry_pen(series), z=1)
            self.clipped_marks(series, "reconstructed", (start, stop))
            if lane is not None:
                colour = self.theme.colour(series.entry.colour)
                made = series.pick(some).reconstructed
                self.paint_dots(series.entry.uid, self.dots_of(made, span, colour), span)

    def readout(self, data: PlotData, x: float, y: float) -> str:
        return position_readout(data, x, "R", data.values, data.series, "reconstructed", "R′")


def _in(lane: Hashable, name: str) -> Hashable:
    return name if lane is None else (lane, name)


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
