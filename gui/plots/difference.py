"""Difference plot: where two schemes differ, by position, coloured by cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg

from quantoscope.engine.analysis.comparison import Comparison
from quantoscope.engine.analysis.robust_reach import robust_reach
from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.gui.common.localized_numbers import filled, percent
from quantoscope.gui.common.theme import MARKERS, Theme
from quantoscope.gui.document.snapshot import Focus
from quantoscope.gui.plots.base import FEW
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.density import sampled
from quantoscope.gui.plots.kept_figures import FarValues
from quantoscope.gui.plots.options import Y_SCALE
from quantoscope.gui.plots.position_plot import PositionPlot, stems, thinned
from quantoscope.gui.plots.spans import finite_extremes, visible

CAUSE_PIXELS = 60
"""Distance in pixels of the markers of a cause among dense values."""


@dataclass(frozen=True, eq=False)
class Apart:
    """The plotted values that differ: their places, second minus first, and their causes.

    The difference is NaN where it is undefined.
    """

    at: IntArray
    heights: np.ndarray
    causes: np.ndarray
    far: FarValues

    def within(self, data: PlotData, x0: float, x1: float) -> slice:
        """Return which of them lie between two places."""
        return slice(*np.searchsorted(self.at, visible(data.values.size, x0, x1)))


class DifferencePlot(PositionPlot):
    """Second minus first: of codes if these are comparable, else of reconstructed values."""

    key = "difference"
    draws_values = False
    draws_schemes = "none"
    compares = True
    options = (Y_SCALE,)
    slow = True

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        self._known: tuple[Comparison, Focus | None, Apart] | None = None
        super().__init__(item, theme, ink)

    def is_prepared(self, data: PlotData) -> bool:
        return data.comparison is None or super().is_prepared(data)

    def prepare(self, data: PlotData) -> None:
        if data.comparison is not None:
            self._apart(data, data.comparison)

    def far(self, data: PlotData) -> FarValues:
        if data.comparison is None:
            return FarValues(0.0, 0.0, 0, 0)
        return self._apart(data, data.comparison).far

    def title(self) -> str:
        return self.tr("Difference: where two schemes differ, and why")

    def axis_labels(self) -> tuple[str, str]:
        made = self.data.comparison if self.data is not None else None
        in_codes = made is not None and made.in_codes
        y = self.tr("Q₂ − Q₁ (codes)") if in_codes else self.tr("R′₂ − R′₁ (unit of R)")
        return self.position_label(), y

    def describe(self, data: PlotData) -> str:
        made = data.comparison
        if len(data.pair) != 2:
            return self.tr("Choose two schemes in the Compare pane.")
        if made is None:
            return self.tr("Not known yet: both schemes have to be applied first.")
        names = [entry.name for entry in data.pair]
        apart = self._apart(data, made)
        count, total = apart.at.size, data.values.size
        if not count:
            return filled(self.tr("%1 and %2: no value differs."), *names)
        share = percent(count, total)
        # Count among the plotted values, possibly of one channel only.
        counts = np.bincount(apart.causes, minlength=len(made.causes))
        ranked = [place for place in np.argsort(-counts, kind="stable") if counts[place]]
        named = [made.causes[place].title for place in ranked[:3]]
        causes = "; ".join(named + ["…"] * (len(ranked) > 3))
        text = self.tr("%1 and %2: %3 of %4 values differ (%5): %6.")
        return filled(text, *names, f"{count:,}", f"{total:,}", share, causes)

    def _apart(self, data: PlotData, made: Comparison) -> Apart:
        """Return the plotted values that differ."""
        known = self._known
        if known is None or known[0] is not made or known[1] is not data.focus:
            at = np.flatnonzero(data.plotted(made.differs))
            where = at if data.focus is None else data.focus.positions[at]
            first, second = (
                e.codes.reshape(-1)[where] if made.in_codes else e.part(where).reconstructed
                for e in (made.first, made.second)
            )
            with np.errstate(invalid="ignore", over="ignore"):
                heights = second.astype(np.float64) - first
            farthest = max(map(abs, finite_extremes(heights)))
            far = FarValues(robust_reach(heights, farthest), farthest, 0, 0)
            found = Apart(at, heights, made.cause_of.reshape(-1)[where], far)
            known = self._known = made, data.focus, found
        return known[2]

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        if data.comparison is None:
            return -1.0, 1.0
        apart = self._apart(data, data.comparison)
        low, high = finite_extremes(apart.heights[apart.within(data, x0, x1)])
        reach = max(abs(low), abs(high)) if np.isfinite(low) else 0.0
        return (-reach, reach) if reach else (-1.0, 1.0)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self.rule("zero", 0.0, self.pen(self.theme.muted), vertical=False, z=-1)
        made = data.comparison
        if made is None:
            return
        apart = self._apart(data, made)
        some, span = apart.within(data, x0, x1), visible(data.values.size, x0, x1)
        dense = apart.at[some].size > 2 * self.columns
        several = np.unique(apart.causes[some]).size > 1 if dense else False
        for number in range(len(made.causes)):
            mine = apart.causes[some] == number
            at, heights = apart.at[some][mine], apart.heights[some][mine]
            if dense and at.size:
                self._paint_dense(number, at, heights, span, several)
            elif at.size:
                self._paint_stems(number, at, heights, span)
        if data.chosen is not None:
            self.rule("chosen", data.chosen, self.pen(self.theme.muted))

    def _paint_dense(
        self, number: int, at: np.ndarray, heights: np.ndarray, span: tuple[int, int],
        several: bool,
    ) -> None:  # fmt: skip
        """Draw how dense a cause's many values lie, and how far they reach in each column."""
        colour = self.theme.neutral(number)
        edges = np.linspace(*span, self.columns + 1)
        ends = np.searchsorted(at, edges)
        full = np.flatnonzero(np.diff(ends))
        low = np.fmin(np.fmin.reduceat(heights, ends[full]), 0)
        high = np.fmax(np.fmax.reduceat(heights, ends[full]), 0)
        brush = self.wash(colour, 0.3)
        self.bars(number, edges[full] - 0.5, edges[full + 1] - 0.5, low, high, brush)
        some = sampled(at.size, self.columns)
        pixels = self.dots_of(heights[some], span, colour, at[some] - span[0])
        self.paint_dots(number, pixels, span)
        if several:
            # Shades alone would tell causes apart: a marker on the farthest in each stretch.
            pitch = (span[1] - span[0]) * CAUSE_PIXELS / self.columns
            known = np.flatnonzero(np.isfinite(heights))
            shown = thinned(at[known], np.abs(heights[known]), pitch)
            y = heights[np.searchsorted(at, shown)]
            self.points(number, shown, y, MARKERS[number % len(MARKERS)], colour)

    def _paint_stems(
        self, number: int, at: np.ndarray, heights: np.ndarray, span: tuple[int, int]
    ) -> None:
        """Draw a stem per value, with a marker per cause where there is room."""
        colour, finite = self.theme.neutral(number), np.isfinite(heights)
        x, y = at[finite], heights[finite]
        self.line(number, *stems(x, y), self.pen(colour), "pairs", z=1)
        if span[1] - span[0] <= max(FEW, self.columns / 3):
            self.points(number, x, y, MARKERS[number % len(MARKERS)], colour)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the nearest differing value."""
        if data.comparison is None or data.values.size == 0:
            return None
        differing = self._apart(data, data.comparison).at
        if differing.size == 0:
            return int(np.clip(round(x), 0, data.values.size - 1))
        return int(differing[np.abs(differing - x).argmin()])

    def readout(self, data: PlotData, x: float, y: float) -> str:
        made = data.comparison
        if made is None or data.values.size == 0 or len(data.pair) != 2:
            return ""
        at = int(np.clip(round(x), 0, data.values.size - 1))
        flat = data.flat(at)
        lines = [f"{data.position_name(at)}   R {data.number(data.values[at])}"]
        for entry, evaluation in zip(data.pair, (made.first, made.second), strict=True):
            code = evaluation.qparams.format.label(int(evaluation.codes.flat[flat]))
            reconstructed = data.number(evaluation.block(flat, flat + 1, Scratch())[0][0])
            lines.append(f"{entry.name}: Q {code}, R′ {reconstructed}")
        cause = int(made.cause_of.reshape(-1)[flat])
        if cause >= 0:
            part = int(made.part_of.reshape(-1)[flat])
            share = f" ({part} %)" if part < 100 else ""
            lines.append(f"{made.causes[cause]}{share}")
        return "\n".join(lines)
