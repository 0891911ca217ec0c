"""Axes whose numbers always differ: a large offset or a power of ten is said once, in the label."""

from __future__ import annotations

import math
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QFontMetricsF

from quantoscope.gui.common.localized_numbers import short

MOST_DIGITS = 6
"""Numbers along an axis that need more digits than this are written without what they share."""
TICK_GAP = 8.0
"""At least so many pixels lie between two numbers along an axis."""
_ROUND_STEPS = (1, 2, 5, 10, 20, 50, 100)
NEAR_OFFSET = 5.0
"""How many views an offset may lie from the middle of the view."""


def offset_of(low: float, high: float) -> float:
    """Return what to leave out of the numbers along a view; 0 where they are short as they are.

    The roundest number near by: 1e9 for a view from 1000000000.0002 to 1000000000.0007.
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
    """Return the number of a tick, with all the digits that ticks at such a distance need."""
    places = max(0, math.ceil(-math.log10(spacing) - 1e-9))
    # What is left of 0 after many additions, far from 0, is 0.
    if abs(value) < spacing / 50:
        return "0"
    if 0.001 <= abs(value) < 10_000:
        return f"{value:.{places}f}"
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(spacing)) + 1
    return short(float(f"{value:.{max(0, digits - 1)}e}"), max(MOST_DIGITS, digits))


def shared_text(offset: float, exponent: int) -> str:
    """Return what the label says of all numbers of an axis; empty where there is nothing to say."""
    power = f"1e{exponent}" if exponent else ""
    if not offset:
        return f"×{power}" if power else ""
    start = min(short(offset, 17), _scientific(offset), key=len)
    return f"({start} + …) ×{power}" if power else f"{start} + …"


def _scientific(value: float) -> str:
    """Write a number as mantissa and power of ten, with no more digits than it has."""
    texts = (f"{value:.{digits}e}" for digits in range(17))
    mantissa, _, exponent = next(text for text in texts if float(text) == value).partition("e")
    return f"{mantissa}e{int(exponent)}"


class ValueAxis(pg.AxisItem):
    """An axis of numbers of any size.

    Attributes
    ----------
    shared : str
        What the label has to say of all numbers along the axis.
    """

    def __init__(self, orientation: str) -> None:
        super().__init__(orientation)
        self.shared = ""
        self._offset = 0.0

    def look_at(self, low: float, high: float, exponent: int) -> None:
        """Take the view's range and its power of ten, before anything is painted."""
        offset = self._offset_of(low, high)
        if offset != self._offset:
            self._offset = offset
            self.picture = None
            self.update()
        self.shared = shared_text(offset, exponent)

    def _offset_of(self, low: float, high: float) -> float:
        return offset_of(low, high)

    def tickValues(
        self, minVal: float, maxVal: float, size: float
    ) -> list[tuple[float, list[float]]]:
        # pyqtgraph tells ticks of two levels apart by less than float64 has digits for far from 0.
        levels: list[tuple[float, list[float]]] = []
        for spacing, values in super().tickValues(minVal, maxVal, size):
            coarser = [value for _, above in levels for value in above]
            new = [v for v in values if all(abs(v - c) > spacing / 2 for c in coarser)]
            levels.append((spacing, new))
        if levels and self.orientation in ("bottom", "top"):
            levels[0] = self._thinned(*levels[0], (maxVal - minVal) / max(size, 1.0))
        return levels

    def _thinned(
        self, spacing: float, values: list[float], pixel: float
    ) -> tuple[float, list[float]]:
        """Leave out ticks whose numbers would touch: pyqtgraph draws all of the coarsest level."""
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
        return [tick_text(value - self._offset, spacing) for value in values]


class WholeAxis(ValueAxis):
    """An axis of counts or positions: no ticks between whole numbers."""

    def _offset_of(self, low: float, high: float) -> float:
        return offset_of(low, high) if max(abs(low), abs(high)) >= 1e9 else 0.0

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(minVal, maxVal, size)
        return [(step, offset) for step, offset in spacings if step >= 1] or [(1, 0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        if self._offset or any(abs(value) >= 1e9 for value in values):
            return super().tickStrings(values, scale, max(spacing, 1.0))
        return [f"{value:,.0f}" for value in values]


def log_ticks(low: float, high: float, apart: float) -> list[tuple[float, str]]:
    """Return places and numbers for a logarithmic axis, no two nearer than ``apart``.

    1, 2 and 5 of every decade, or decades alone; evenly spaced numbers where a view is so narrow
    that it shows fewer than two of these.
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
    """Write mantissa · 10**decade, which float64 need not hold."""
    usual = -300 < decade < 300
    return short(mantissa * 10.0**decade, 3) if usual else f"{short(mantissa, 17)}e{decade}"


def _even_ticks(low: float, high: float, apart: float) -> list[tuple[float, str]]:
    """Ticks at round numbers, evenly spaced, of a view of less than a decade."""
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
    """Write a number by its decimal logarithm, which may be beyond float64; 0 where it has none."""
    if not math.isfinite(log):
        return "0"
    decade = math.floor(log)
    return f"{short(10.0 ** (log - decade), digits)}e{decade}"


def axis_label(words: str, axis: Any) -> str:
    """Return what stands along an axis: its words, and what all its numbers share."""
    shared = axis.shared if isinstance(axis, ValueAxis) else ""
    return ", ".join(part for part in (words, shared) if part)
