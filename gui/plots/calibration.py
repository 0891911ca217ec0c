"""Calibration plot: error against clipping threshold, with the threshold of each method."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import Qt

from quantoscope.engine import QUANTIZERS
from quantoscope.engine.analysis.cost_curve import Mark, Objective, ends_at, logs
from quantoscope.engine.calibration import METHODS, MINMAX, Calibration
from quantoscope.gui.common.localized_numbers import (
    decibels,
    digits_within,
    filled,
    short,
    snapped,
)
from quantoscope.gui.plots.axis import log_text, log_ticks
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.handles import HandlePlot
from quantoscope.gui.plots.spans import Span, power

TICK_PIXELS = 46
PERCENTILE = str(Calibration("percentile", METHODS["percentile"].first))
NEGLIGIBLE = 0.05
"""Maximum change in dB that is none."""
KL_TICK_PIXELS = 24
DECADES_BELOW = 5
KL_ROOM = 150.0
"""Height of a view in pixels from which there is room for the divergence."""
GAP, KL_SHARE = 0.24, 0.5
"""Distance and height of the part with the divergence, in heights of that with the errors."""


class CalibrationPlot(HandlePlot):
    """Mean squared error against the threshold, split into clipping and rounding; KL below.

    All axes are logarithmic: items are at decimal logarithms.
    """

    key = "calibration"
    x_quantity = "log threshold"
    draws_values = False
    draws_schemes = "active"
    slow = True

    def title(self) -> str:
        return self.tr("Calibration: the cost of clipping at ±T")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("threshold T (unit of R)"), self.tr("MSE (unit of R)²")

    def prepare(self, data: PlotData) -> None:
        data.objective()

    def describe(self, data: PlotData) -> str:
        curves = data.objective()
        if data.active is not None and data.active.evaluation.scheme.fixed_range:
            text = self.tr("%1 takes its range from the extremes of each block: nothing to choose.")
            return filled(text, data.active.entry.name)
        if curves is None or data.active is None:
            return self.tr("The curves appear with the first values that differ.")
        if curves.thresholds.size == 0:
            text = self.tr("%1: no threshold to search, since the values do not differ.")
            return filled(text, data.active.entry.name)
        told = [self._gain(curves, data.active), self._trade(curves)]
        return filled(self.tr("%1: %2."), data.active.name, "; ".join(filter(None, told)))

    def _trade(self, curves: Objective) -> str:
        """Return what clipping by percentile saves and costs; empty if next to nothing."""
        whole, mark = curves.marks[str(MINMAX)], curves.marks[PERCENTILE]
        saved = _decibels(whole.rounding, mark.rounding)
        change = -_decibels(whole.total, mark.total)
        if max(abs(saved), abs(change)) < NEGLIGIBLE:
            return ""
        text = self.tr("%1, T = %2, saves %3 dB of rounding for %4: MSE %5 dB")
        if saved < 0:
            text = self.tr("%1, T = %2, costs %3 dB of rounding and %4: MSE %5 dB")
        price = self.tr("1 clipped value") if mark.clipped == 1 else self.tr("%1 clipped values")
        return filled(
            text, PERCENTILE, short(mark.threshold, 4), short(round(abs(saved), 1), 3),
            filled(price, f"{mark.clipped:,}"), f"{change:+z.1f}",
        )  # fmt: skip

    def _gain(self, curves: Objective, active: Series) -> str:
        """Return which method loses least, beside minmax."""
        whole = curves.marks[str(MINMAX)]
        name, best = min(curves.marks.items(), key=lambda mark: mark[1].total)
        gain = _decibels(whole.total, best.total)
        symmetric = QUANTIZERS[active.p.mapping].symmetric_range
        if gain < NEGLIGIBLE:
            text = self.tr("nothing to gain, no method loses less than minmax, %1")
            return filled(text, _range_text(whole, symmetric))
        text = self.tr("%1, %2, loses %3 dB less than minmax, %4")
        ranges = _range_text(best, symmetric), _range_text(whole, symmetric)
        return filled(text, name, ranges[0], decibels(gain), ranges[1])

    def whole_range(self, data: PlotData) -> tuple[float, float]:
        curves = data.objective()
        if curves is None or curves.thresholds.size == 0:
            return -1.0, 1.0
        ends = [curves.thresholds[0], curves.thresholds[-1]]
        ends += [mark.threshold for mark in curves.marks.values()]
        if data.active is not None:
            ends.append(_threshold(data))
        positive = [end for end in ends if end > 0]
        if not positive:
            return -1.0, 1.0
        return float(np.log10(min(positive))), float(np.log10(max(positive)))

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        curves = data.objective()
        if curves is None or curves.thresholds.size == 0:
            return -1.0, 1.0
        low, high = self._costs(curves)
        # Leave room for the method names above the curves.
        return self._divergences(curves)[0], high + 0.25 * (high - low + 1)

    def _costs(self, curves: Objective) -> Span:
        """Return the range of the squared errors, as decimal logarithms."""
        total = curves.log(curves.total)
        if np.isnan(total).all():
            return -1.0, 1.0
        least, high = float(np.nanmin(total)), float(np.nanmax(total))
        finest = float(np.nanmin(curves.log(curves.rounding), initial=least))
        return max(finest, least - DECADES_BELOW), high

    def _divergences(self, curves: Objective) -> Span:
        """Return the ends of the part of the view, below the errors, that shows the divergence."""
        low, high = self._costs(curves)
        if not self._shows_divergence(curves):
            return low, low
        height = high - low + 1
        return low - (GAP + KL_SHARE) * height, low - GAP * height

    def _divergence_logs(self, curves: Objective) -> tuple[np.ndarray, float, float]:
        """Return the decimal logarithms of the divergence, and their range."""
        known = curves.divergence[np.isfinite(curves.divergence)]
        most, least = float(known.max()), float(known.min())
        if not most > 0:
            return np.where(np.isfinite(curves.divergence), 0.0, np.nan), -1.0, 1.0
        least = max(least, most * 1e-6)
        found = logs(np.maximum(curves.divergence, least))
        low, high = math.log10(least), math.log10(most)
        return found, low, high if high > low else low + 1.0

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        curves = data.objective()
        if curves is None or data.active is None or curves.thresholds.size == 0:
            self.drop_handles()
            for axis in ("bottom", "left"):
                self.item.getAxis(axis).setTicks([[]])
            return
        colour = self.theme.colour(data.active.entry.colour)
        x = np.log10(curves.thresholds)
        rounding = self._above(curves, curves.rounding)
        self.line("rounding", x, rounding, self.pen(colour, 1, Qt.PenStyle.DashLine))
        # It coincides with the total where clipping dominates.
        clipping = self.pen(self.theme.alarm, 1, Qt.PenStyle.DashLine)
        self.line("clipping", x, self._above(curves, curves.clipping), clipping, z=3)
        self.line("total", x, curves.log(curves.total), self.pen(colour, 2), z=2)
        # Labels placed first get the best positions.
        self._paint_handle(data)
        self._paint_marks(curves)
        self._name_curves(curves, x)
        self._paint_divergence(curves)
        self._tick(curves)
        if data.chosen is not None:
            at = abs(float(data.values[data.chosen]))
            if 0 < at < np.inf:
                self.rule("chosen", float(np.log10(at)), self.pen(self.theme.muted))

    def _border(self, curves: Objective) -> float:
        """Return the height between the errors and the divergence; −∞ if there is none."""
        _, top = self._divergences(curves)
        return (top + self._costs(curves)[0]) / 2 if self._shows_divergence(curves) else -np.inf

    def _shows_divergence(self, curves: Objective) -> bool:
        """Return whether there is a finite divergence, and room for it."""
        return bool(np.isfinite(curves.divergence).any()) and self._roomy

    @property
    def _roomy(self) -> bool:
        return self.item.getViewBox().height() >= KL_ROOM

    def _above(self, curves: Objective, part: np.ndarray) -> np.ndarray:
        """Return the logarithms of a part of the error, down to where the divergence is drawn."""
        found, border = curves.log(part), self._border(curves)
        with np.errstate(invalid="ignore"):
            below = found < border
        # The line reaches the border, and does not run along it.
        inner = below.copy()
        inner[1:] &= below[:-1]
        inner[:-1] &= below[1:]
        return np.where(inner, np.nan, np.where(below, border, found))

    def _paint_divergence(self, curves: Objective) -> None:
        """Draw the KL divergence below the errors, on an axis of its own, or say why there is none.

        It is ∞ at many cuts: the line has gaps there, and a lone cut is a dash.
        """
        x0, x1 = self.item.getViewBox().viewRange()[0]
        words = self.fitting(self._divergence_words(curves))
        if not self._shows_divergence(curves):
            if self._roomy:
                y = self.item.getViewBox().viewRange()[1][0]
                self.text("KL", x0, y, words, self.theme.muted, (0.0, 1.0))
            return
        bottom, top = self._divergences(curves)
        found, low, high = self._divergence_logs(curves)
        x, y = logs(curves.cuts), bottom + (top - bottom) * (found - low) / (high - low)
        known = np.isfinite(y)
        shown = known | np.append(False, known[:-1])  # one point in each gap ends the line
        self.line("KL", x[shown], y[shown], self.pen(self.theme.muted))
        lone = known & ~np.append(known[1:], False) & ~np.append(False, known[:-1])
        dashes = x[lone, None] + np.array([-1.5, 1.5]) * self.pixel()[0]
        pen = self.pen(self.theme.muted, 2)
        self.line("KL lone", dashes.ravel(), np.repeat(y[lone], 2), pen, "pairs")
        border = self._border(curves)
        ends = np.array([x0, x1]), np.full(2, border)
        self.line("KL border", *ends, self.pen(self.theme.grid), z=-1)
        self.text("KL", x0, border, words, self.theme.muted, (0.0, 0.0))

    def _divergence_words(self, curves: Objective) -> list[str]:
        """Return the name of the divergence, and which cuts have none; the longest text first."""
        tried, name = f"{curves.divergence.size:,}", self.tr("KL divergence (nats)")
        if not curves.divergence.size:
            return [self.tr("KL divergence: no histogram of these values has cuts to try")]
        endless, nothing = (
            int(np.count_nonzero(of(curves.divergence))) for of in (np.isinf, np.isnan)
        )
        if not (endless or nothing):
            return [name]
        text = self.tr("%1, ∞ at %2 of %3 cuts")
        if nothing:
            text = self.tr("%1, ∞ at %2 of %3 cuts, none at %4")
        short_text = filled(text, name, f"{endless:,}", tried, f"{nothing:,}")
        text = self.tr("%1, ∞ at %2 of %3 cuts: these clip into empty bins")
        if nothing:
            text = self.tr("%1, ∞ at %2 of %3 cuts: these clip into empty bins; none at %4, "
                           "which clip every value")  # fmt: skip
        return [filled(text, name, f"{endless:,}", tried, f"{nothing:,}"), short_text, name]

    def _name_curves(self, curves: Objective, x: np.ndarray) -> None:
        """Label each curve at a quarter of its length; the clipping part near its end."""
        total, rounding = curves.log(curves.total), self._above(curves, curves.rounding)
        clipping = self._above(curves, curves.clipping)
        known = np.flatnonzero(np.isfinite(clipping))
        quarter = len(x) // 4
        last = int(known[-1]) * 3 // 4 if known.size else 0
        for key, y, place, name, colour, anchor in (
            ("total", total, quarter, self.tr("MSE"), self.theme.foreground, (0.0, 1.1)),
            (
                "rounding",
                rounding,
                quarter,
                self.tr("rounding part"),
                self.theme.muted,
                (0.0, -0.1),
            ),
            ("clipping", clipping, last, self.tr("clipping part"), self.theme.alarm, (1.05, -0.1)),
        ):
            if np.isfinite(y[place]):
                self.text(key, float(x[place]), float(y[place]), name, colour, anchor=anchor)

    def _paint_marks(self, curves: Objective) -> None:
        """Draw a labelled line at each method's threshold, with a dot at what its range costs."""
        y0, y1 = self.item.getViewBox().viewRange()[1]
        for name, mark in sorted(curves.marks.items(), key=lambda mark: mark[1].threshold):
            if mark.threshold <= 0:
                continue
            x = float(np.log10(mark.threshold))
            cost = curves.log([mark.total])
            self.points(("cost", name), np.array([x]), cost, "o", self.theme.foreground, 6)
            self.rule(("mark", name), x, self.pen(self.theme.muted, 1, Qt.PenStyle.DotLine))
            y = y1 - 0.01 * (y1 - y0)
            self.text(("mark", name), x, y, name, self.theme.foreground, anchor=(1.0, 0.0))

    def _paint_handle(self, data: PlotData) -> None:
        assert data.active is not None
        at = _threshold(data)
        if at > 0:
            colour = self.theme.colour(data.active.entry.colour)
            place = float(np.log10(at))
            if not data.range_is_free:
                self.drop_handles()
                self.rule("T", place, self.pen(colour, 1, Qt.PenStyle.DashLine), z=3)
                return
            # As many digits as distinguish positions one pixel apart.
            text = f"T {short(at, digits_within(at, at * self.pixel()[0] * self.columns, 4))}"
            self.handle("T", place, text, colour, 0.08, to_the_right=False)

    def asked_range(self, data: PlotData, name: str, at: float) -> tuple[float, float] | None:
        assert data.active is not None
        threshold = power(at)
        threshold = snapped(threshold, threshold * self.pixel()[0])
        quantizer = QUANTIZERS[data.active.evaluation.qparams.mapping]
        summary = data.channel[1]
        low, high = ends_at(summary.low, summary.high, threshold, quantizer)
        return (float(low), float(high)) if low < high else None

    def _tick(self, curves: Objective) -> None:
        """Set ticks at 1, 2 and 5 of every decade, or at decades only."""
        across, up = self.pixel()
        low, high = self.item.getViewBox().viewRange()[0]
        self.item.getAxis("bottom").setTicks([log_ticks(low, high, TICK_PIXELS * across)])
        start, stop = self.item.getViewBox().viewRange()[1]
        bottom, top = self._divergences(curves)
        border = (top + self._costs(curves)[0]) / 2 if top > bottom else start
        ticks = log_ticks(max(start, border), stop, TICK_PIXELS * up) if stop > border else []
        if top > bottom:
            _, least, most = self._divergence_logs(curves)
            scale = (top - bottom) / (most - least)
            ticks += [
                (bottom + scale * (at - least), text)
                for at, text in log_ticks(least, most, KL_TICK_PIXELS * up / scale)
            ]
        self.item.getAxis("left").setTicks([ticks])

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the value whose magnitude is nearest to the threshold."""
        if not np.isfinite(data.values).any():
            return None
        with np.errstate(over="ignore", invalid="ignore"):
            distance = np.abs(np.abs(data.values.astype(np.float64)) - power(x))
        return int(np.nanargmin(distance))

    def readout(self, data: PlotData, x: float, y: float) -> str:
        curves = data.objective()
        if curves is None or curves.thresholds.size == 0:
            return ""
        near = int(np.abs(np.log10(curves.thresholds) - x).argmin())
        lines = [f"T {short(curves.thresholds[near], data.digits)}"]
        for name, part in (
            (self.tr("MSE"), curves.total),
            (self.tr("rounding part"), curves.rounding),
            (self.tr("clipping part"), curves.clipping),
        ):
            text = short(part[near], 4)
            if curves.exponent:
                text = log_text(float(curves.log(part)[near]), 4)
            lines.append(f"{name} {text}")
        if curves.divergence.size:
            close = int(np.abs(curves.cuts - power(x)).argmin())
            nats = curves.divergence[close]
            text = "∞" if np.isinf(nats) else short(nats, 4)
            lines.append(filled(self.tr("KL %1 nats"), text))
        return "\n".join(lines)


def _threshold(data: PlotData) -> float:
    """Return the larger magnitude of the active scheme's range ends."""
    assert data.active is not None
    return max(map(abs, data.active.p.range))


def _decibels(before: float, after: float) -> float:
    """Return the decrease of a power in decibels."""
    known = before > 0 and after >= 0 and np.isfinite(before) and np.isfinite(after)
    if not known:
        return 0.0
    return float(10 * np.log10(before / after)) if after > 0 else math.inf


def _range_text(mark: Mark, symmetric: bool) -> str:
    """Return a range with four digits."""
    if symmetric:
        return f"±{short(mark.threshold, 4)}"
    return f"{short(mark.low, 4)} … {short(mark.high, 4)}"
