"""Transfer plot: R' against R, one staircase per enabled scheme."""

from __future__ import annotations

import numpy as np

from quantoscope.engine import QUANTIZERS
from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.common.theme import MARKERS
from quantoscope.gui.plots.base import FEW, Plot
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.options import X_SCALE
from quantoscope.gui.plots.scales import Symlog
from quantoscope.gui.plots.spans import Span, Unit
from quantoscope.gui.plots.values_axis import nearest_value, values_frame


class TransferPlot(Plot):
    """Staircases of reconstructed values; the diagonal is lossless."""

    key = "transfer"
    x_quantity = "value"
    draws_values = False
    options = (X_SCALE,)

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        # R and R′ have one scale, so that the diagonal is straight.
        if axis == "y" and isinstance(self.x_unit, Symlog):
            return self.x_unit
        return super().scale(axis, data, ends)

    def title(self) -> str:
        return self.tr("Transfer: from R to R′")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("value R (unit of R)"), self.tr("reconstructed R′ (unit of R)")

    def describe(self, data: PlotData) -> str:
        if data.active is None:
            return self.tr("Switch on a scheme to see its staircase.")
        levels = data.active.levels
        if not np.isfinite(levels).all():
            return filled(self.tr("%1 reconstructs no finite level."), data.active.name)
        text = self.tr(
            "%1 reconstructs %2 levels, %3 apart, from %4 to %5; the diagonal loses nothing."
        )
        ends = (data.number(levels[0]), data.number(levels[-1]))
        apart = short(abs(data.active.p.scale), data.digits)
        if not data.active.p.format.integer:
            with np.errstate(over="ignore", invalid="ignore"):
                gaps = np.diff(levels.astype(np.float64))
            apart = f"{short(gaps.min(), data.digits)} to {short(gaps.max(), data.digits)}"
        return filled(text, data.active.name, f"{levels.size:,}", apart, *ends)

    def x_range(self, data: PlotData) -> tuple[float, float]:
        return values_frame(data)

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        ends = [x0, x1]
        for series in data.series:
            ends += [float(series.levels[0]), float(series.levels[-1])]
        inside = [end for end in ends if np.isfinite(end)]
        return max(min(inside), min(x0, x1)), min(max(inside), max(x0, x1))

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        ends = np.array([x0, x1])
        self.line("identity", ends, ends, self.pen(self.theme.muted), z=-2)
        for series in data.series:
            width = 2 if series is data.active else 1
            x, y = self._stairs(series, x0, x1)
            self.line(series.entry.uid, x, y, self.entry_pen(series, width), z=width)
            if data.values.size <= FEW:
                reconstructed = series.part(0, data.values.size).reconstructed
                self.points((series.entry.uid, "values"), data.values, reconstructed,
                            MARKERS[series.entry.marker], self.theme.colour(series.entry.colour),
                            7)  # fmt: skip
        if data.chosen is not None and np.isfinite(data.values[data.chosen]):
            at = np.array([data.chosen])
            self.rule("chosen", float(data.values[data.chosen]), self.pen(self.theme.muted))
            for series in data.series:
                reconstructed = series.pick(at).reconstructed
                self.points((series.entry.uid, "chosen"), data.values[at], reconstructed, "o",
                            self.theme.foreground, 13, hollow=True, z=9)  # fmt: skip

    def _stairs(self, series: Series, x0: float, x1: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the corners of a staircase from x0 to x1, at most one step per pixel."""
        levels = series.levels.astype(np.float64)
        edges = series.level_edges[1:-1]
        first = int(np.searchsorted(edges, x0))
        last = int(np.searchsorted(edges, x1))
        p = series.p
        nearest = p.arithmetic.reach == 0.5 and p.divisor is None
        if last - first > 2 * self.columns or not nearest:
            quantizer = QUANTIZERS[p.mapping]
            ends = self.x_unit.down_pair(x0, x1)
            with np.errstate(over="ignore", under="ignore"):
                x = self.x_unit.up(np.linspace(*ends, 2 * self.columns)).astype(p.dtype)
            return x, quantizer.decode(quantizer.encode(x, p)[0], p)
        x = np.concatenate([[x0], np.repeat(edges[first:last], 2), [x1]])
        return x, np.repeat(levels[first : last + 1], 2)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        return nearest_value(data, x)

    def readout(self, data: PlotData, x: float, y: float) -> str:
        parts = [f"R {data.number(x, self.width_x)}"]
        for series in data.series:
            parts.append(f"{series.name}: R′ {data.number(series.at(x)[1])}")
        return "\n".join(parts)
