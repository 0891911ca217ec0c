"""Difference plot: where two schemes differ, by position, coloured by cause."""

from __future__ import annotations

import numpy as np

from quantoscope.engine.analysis.comparison import Comparison
from quantoscope.engine.analysis.robust_reach import robust_reach
from quantoscope.engine.numerics.envelope import min_max_envelope
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.gui.common.localized_numbers import filled, percent
from quantoscope.gui.common.theme import MARKERS
from quantoscope.gui.plots.base import FEW, Y_SCALE
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.density import sampled
from quantoscope.gui.plots.kept_figures import FarValues
from quantoscope.gui.plots.position_plot import PositionPlot, stems
from quantoscope.gui.plots.spans import finite_extremes, visible


class DifferencePlot(PositionPlot):
    """Second minus first: of codes if these are comparable, else of reconstructed values."""

    key = "difference"
    draws_values = False
    draws_schemes = "none"
    compares = True
    options = (Y_SCALE,)

    def far(self, data: PlotData) -> FarValues:
        if data.comparison is None:
            return FarValues(0.0, 0.0, 0, 0)
        heights = self._heights(data, data.comparison)
        apart = heights[heights != 0]
        farthest = max(map(abs, finite_extremes(apart)))
        return FarValues(robust_reach(apart, farthest), farthest, 0, 0)

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
        count, total = int(self._differs(data).sum()), data.values.size
        if not count:
            return filled(self.tr("%1 and %2: no value differs."), *names)
        share = percent(count, total)
        # Count among the plotted values, possibly of one channel only.
        counts = np.bincount(data.plotted(made.cause_of) + 1, minlength=len(made.causes) + 1)[1:]
        ranked = [place for place in np.argsort(-counts, kind="stable") if counts[place]]
        named = [made.causes[place].title for place in ranked[:3]]
        causes = "; ".join(named + ["…"] * (len(ranked) > 3))
        text = self.tr("%1 and %2: %3 of %4 values differ (%5): %6.")
        return filled(text, *names, f"{count:,}", f"{total:,}", share, causes)

    def _differs(self, data: PlotData) -> np.ndarray:
        assert data.comparison is not None
        return data.plotted(data.comparison.differs)

    def _heights(self, data: PlotData, made: Comparison) -> np.ndarray:
        """Return second minus first per plotted value; NaN if undefined."""
        if made.in_codes:
            apart = made.second.codes.astype(np.float64) - made.first.codes
        else:
            with np.errstate(invalid="ignore", over="ignore"):
                apart = made.second.reconstructed.astype(np.float64) - made.first.reconstructed
        return data.plotted(np.where(made.differs, apart, 0.0))

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        if data.comparison is None:
            return -1.0, 1.0
        start, stop = visible(data.values.size, x0, x1)
        low, high = finite_extremes(self._heights(data, data.comparison)[start:stop])
        reach = max(abs(low), abs(high)) if np.isfinite(low) else 0.0
        return (-reach, reach) if reach else (-1.0, 1.0)

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self.rule("zero", 0.0, self.pen(self.theme.muted), vertical=False, z=-1)
        made = data.comparison
        if made is None:
            return
        start, stop = visible(data.values.size, x0, x1)
        heights = self._heights(data, made)[start:stop]
        causes = data.plotted(made.cause_of)[start:stop]
        for number in range(len(made.causes)):
            mine = np.where(causes == number, heights, np.nan)
            self._paint_cause(number, mine, start)
        if data.chosen is not None:
            self.rule("chosen", data.chosen, self.pen(self.theme.muted))

    def _paint_cause(self, number: int, heights: np.ndarray, start: int) -> None:
        """Draw stems with a marker per cause; of many values how dense they lie."""
        colour = self.theme.colour(number)
        at = np.flatnonzero(np.isfinite(heights))
        if at.size == 0:
            return
        if at.size > 2 * self.columns:
            # Far ones are seen by their column, and how many there are by the dots.
            envelope = min_max_envelope(heights, self.columns)
            edges = start + envelope.edges - 0.5
            low, high = np.minimum(envelope.low, 0), np.maximum(envelope.high, 0)
            self.bars(number, edges[:-1], edges[1:], low, high, self.wash(colour, 0.15))
            span = start, start + heights.size
            some = at[sampled(at.size, self.columns)]
            self.paint_density(number, heights[some], span, colour, some)
            return
        x, y = start + at, heights[at]
        self.line(number, *stems(x, y), self.pen(colour), "pairs", z=1)
        if heights.size <= max(FEW, self.columns / 3):
            self.points(number, x, y, MARKERS[number % len(MARKERS)], colour)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the nearest differing value."""
        if data.comparison is None or data.values.size == 0:
            return None
        differing = np.flatnonzero(self._differs(data))
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
