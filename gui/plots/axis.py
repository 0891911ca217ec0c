"""Axes with unambiguous tick labels; the axis label states a common offset or exponent."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFontMetricsF

from quantoscope.gui.common.localized_numbers import short
from quantoscope.gui.plots.spans import Curved, Unit

MOST_DIGITS = 6
"""Number of digits above which tick labels omit their common offset."""
TICK_APART = (18.0, 52.0)
"""Minimum distance of the ticks of a curved scale along y and x, in pixels."""
TICK_GAP = 8.0
"""Minimum distance of tick labels in pixels."""
_ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100)
NEAR_OFFSET = 5.0
"""Maximum distance of an offset from the middle of the view, in views."""


def offset_of(low: float, high: float) -> float:
    """Return the offset to subtract from tick labels; 0 if they are short enough.

    It is the roundest number nearby: 1e9 for a view from 1000000000.0002 to 1000000000.0007.
    """
    size, span = max(abs(low), abs(high)), high - low
    if not (0 < span < size) or not math.isfinite(span):
        return 0.0
    if math.floor(math.log10(size)) - math.floor(math.log10(span / 10)) + 1 <= MOST_DIGITS:
        return 0.0
    middle = (low + high) / 2
    for digits in range(1, 17):
        offset = float(f"{middle:.{digits - 1}e}")
        if abs(offset - middle) <= NEAR_OFFSET * span:
            return offset
    return middle


def tick_text(value: float, spacing: float) -> str:
    """Return a tick label with as many digits as the tick spacing needs."""
    places = max(0, math.ceil(-math.log10(spacing) - 1e-9))
    # Treat rounding residue of repeated addition as 0.
    if abs(value) < spacing / 50:
        return "0"
    if 0.001 <= abs(value) < 10_000:
        return f"{value:.{places}f}"
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(spacing)) + 1
    return short(float(f"{value:.{max(0, digits - 1)}e}"), max(MOST_DIGITS, digits))


def shared_text(offset: float, exponent: int) -> str:
    """Return the offset and exponent shared by all labels, as text; empty if there are none."""
    power = f"1e{exponent}" if exponent else ""
    if not offset:
        return f"×{power}" if power else ""
    start = min(short(offset, 17), _scientific(offset), key=len)
    return f"({start} + …) ×{power}" if power else f"{start} + …"


def _scientific(value: float) -> str:
    """Format a number as mantissa and power of ten, without trailing zeros."""
    texts = (f"{value:.{digits}e}" for digits in range(17))
    mantissa, _, exponent = next(text for text in texts if float(text) == value).partition("e")
    return f"{mantissa}e{int(exponent)}"


class ValueAxis(pg.AxisItem):
    """Axis of numbers of any magnitude."""

    shared = ""
    """Offset and exponent shared by all tick labels, for the axis label."""
    offset_from = 0.0
    """Magnitude from which tick labels may share an offset."""

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self._offset = 0.0
        self._curve: Curved | None = None
        self._texts: dict[float, str] = {}
        self.least = -math.inf
        """Drawn position below which there are no ticks."""

    def setLabel(self, *words: Any, **style: Any) -> None:
        """Set the label, and put it into the middle: pyqtgraph does so when resized only."""
        super().setLabel(*words, **style)
        self.resizeEvent()

    def setTicks(self, ticks: list[list[tuple[float, str]]] | None) -> None:
        """Set the ticks, and draw the axis again only if they are others."""
        if ticks != self._tickLevels:
            super().setTicks(ticks)

    def look_at(self, low: float, high: float, unit: Unit) -> None:
        """Set the view's range and scale before painting."""
        curve = unit if isinstance(unit, Curved) else None
        far = max(abs(low), abs(high)) >= self.offset_from
        offset = offset_of(low, high) if far and curve is None else 0.0
        if offset != self._offset or curve != self._curve:
            self._offset, self._curve = offset, curve
            self.picture = None
            self.update()
        self.shared = shared_text(offset, unit.exponent)

    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        if self._curve is not None:
            apart = TICK_APART[self.orientation in ("bottom", "top")]
            ticks = self._curve.ticks(minVal, maxVal, apart * (maxVal - minVal) / max(size, 1.0))
            self._texts = dict(ticks)
            return [(1.0, list(self._texts))]
        if minVal < self.least < maxVal:
            size *= (maxVal - self.least) / (maxVal - minVal)
            minVal = self.least
        # Far from 0, pyqtgraph compares ticks by a difference below float64's resolution.
        levels: list[tuple[float, list[float]]] = []
        coarser: list[float] = []
        for spacing, start in self.tickSpacing(minVal, maxVal, size):
            ends = math.ceil((minVal - start) / spacing), math.floor((maxVal - start) / spacing)
            values = (start + place * spacing for place in range(ends[0], ends[1] + 1))
            new = [v for v in values if all(abs(v - c) > spacing / 2 for c in coarser)]
            levels.append((spacing, new))
            coarser += new
        if levels and self.orientation in ("bottom", "top"):
            levels[0] = self._thinned(*levels[0], (maxVal - minVal) / max(size, 1.0))
        return levels

    def _thinned(
        self, spacing: float, values: list[float], pixel: float
    ) -> tuple[float, list[float]]:
        """Drop ticks whose labels would touch: pyqtgraph draws all of the coarsest level."""
        metrics = QFontMetricsF(self.style["tickFont"] or self.font())
        kept = values
        for every in _ROUND_STEPS:
            kept = [v for v in values if round(v / spacing) % every == 0] or values[:1]
            texts = self.tickStrings(kept, 1.0, spacing)
            wide = max(map(metrics.horizontalAdvance, texts), default=0.0) + TICK_GAP
            if wide * pixel <= spacing * every:
                break
        return spacing, kept

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self._curve is not None:
            return [self._texts.get(value, "") for value in values]
        return [tick_text(value - self._offset, spacing) for value in values]


class WholeAxis(ValueAxis):
    """Axis of counts or positions, with ticks at integers only."""

    offset_from = 1e9

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(minVal, maxVal, size)
        return [(step, offset) for step, offset in spacings if step >= 1] or [(1, 0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self._curve is not None or self._offset or any(abs(value) >= 1e9 for value in values):
            return super().tickStrings(values, scale, max(spacing, 1.0))
        return [f"{value:,.0f}" for value in values]


class RowAxis(WholeAxis):
    """Axis of rows, of which row i is drawn at −i: the first one is on top."""

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return super().tickStrings([0.0 - value for value in values], scale, spacing)


def log_ticks(low: float, high: float, apart: float) -> list[tuple[float, str]]:
    """Return positions and labels for a logarithmic axis, at least ``apart`` from each other.

    Ticks are at 1, 2 and 5 of every decade, at decades, or, in a view so narrow
    that fewer than two of these are visible, evenly spaced.
    """
    fine = apart < 0.25
    step = max(1, math.ceil(apart))
    ticks: list[tuple[float, str]] = []
    for decade in range(math.floor(low), math.ceil(high) + 1):
        for digit in ((1, 2, 5) if fine else (1,)) if decade % step == 0 else ():
            at = decade + math.log10(digit)
            if low <= at <= high:
                ticks.append((at, _power_text(digit, decade)))
    return ticks if len(ticks) > 1 or high - low > 2 else _even_ticks(low, high, apart)


def _power_text(mantissa: float, decade: int) -> str:
    """Format mantissa · 10**decade, which may exceed float64."""
    usual = -300 < decade < 300
    return short(mantissa * 10.0**decade, 3) if usual else f"{short(mantissa, 17)}e{decade}"


def _even_ticks(low: float, high: float, apart: float) -> list[tuple[float, str]]:
    """Return evenly spaced ticks at round numbers for a view of less than a decade."""
    decade = math.floor(low)
    start, stop = (10.0 ** (end - decade) for end in (low, high))
    least = max(stop * math.log(10) * apart, (stop - start) / 20, stop * 1e-14)
    spacing = 10.0 ** math.floor(math.log10(least))
    spacing *= next(factor for factor in (1, 2, 5, 10) if spacing * factor >= least * (1 - 1e-9))
    digits = max(3, 2 - math.floor(math.log10(spacing)))
    ticks = []
    for place in range(math.ceil(start / spacing), math.floor(stop / spacing) + 1):
        mantissa = float(f"{place * spacing:.{digits}g}")
        text = _power_text(mantissa, decade)
        if -300 < decade < 300:
            text = short(mantissa * 10.0**decade, digits)
        ticks.append((decade + math.log10(mantissa), text))
    return ticks


def log_text(log: float, digits: int) -> str:
    """Format a number given its decimal logarithm, possibly beyond float64; "0" for −∞."""
    if not math.isfinite(log):
        return "0"
    decade = math.floor(log)
    return f"{short(10.0 ** (log - decade), digits)}e{decade}"


def axis_label(words: str, axis: Any) -> str:
    """Return an axis label: its words, and the offset and exponent of its tick labels."""
    shared = axis.shared if isinstance(axis, ValueAxis) else ""
    return ", ".join(part for part in (words, shared) if part)
