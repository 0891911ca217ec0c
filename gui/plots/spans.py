"""Ranges along an axis: drawing unit, margins, zoom limits and extremes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

Span = tuple[float, float]
USUAL = 1e100
"""Coordinates from its reciprocal to this are drawn unscaled."""
DRAWN = 1e150
"""The largest drawn number."""
LARGEST = float(np.finfo(np.float64).max)
FINEST = 2.0**-40
"""Minimum width of a view, as a fraction of the full range."""
RESOLUTION = 2.0**-45
"""Minimum width of a view, relative to its coordinates: 128 steps of float64."""
WIDEST = 4.0
"""Maximum width of a view, in full ranges."""
KEPT = 0.1
"""Minimum overlap with the full range, as a fraction of the view or the range."""
FAR = 1e6
"""Maximum distance of drawn positions from the middle, in views."""


@dataclass(frozen=True)
class Unit:
    """Power of ten by which an axis is scaled for drawing.

    pyqtgraph divides by ranges, and Qt aborts on coordinates that are not finite:
    data near the limits of float64 is divided by a power of ten before it is drawn, and
    the axis label states it.
    """

    exponent: int = 0
    """0 unless the data is extreme."""

    def down(self, values: ArrayLike) -> np.ndarray:
        """Convert data to drawn coordinates, in float64."""
        places = self._times(values, -self.exponent)
        return self._ended(values, places, DRAWN) if self.exponent else places

    def up(self, values: ArrayLike) -> np.ndarray:
        """Convert drawn coordinates to data, clamped to float64."""
        places = self._times(values, self.exponent)
        return self._ended(values, places, LARGEST) if self.exponent else places

    def down_pair(self, low: float, high: float) -> tuple[float, float]:
        """Convert the ends of a range to drawn coordinates."""
        return self.down_to(low), self.down_to(high)

    def up_pair(self, low: float, high: float) -> tuple[float, float]:
        """Convert the ends of a drawn range to data."""
        return self.up_to(low), self.up_to(high)

    def down_to(self, value: float) -> float:
        """Convert a number to a drawn coordinate."""
        return float(value) if self.same else float(self.down(value))

    def up_to(self, value: float) -> float:
        """Convert a drawn coordinate to a number."""
        return float(value) if self.same else float(self.up(value))

    @property
    def same(self) -> bool:
        """Whether drawn coordinates are the numbers themselves."""
        return not self.exponent

    @staticmethod
    def _ended(values: ArrayLike, places: np.ndarray, end: float) -> np.ndarray:
        """Clamp values that overflowed; infinities stay."""
        beyond = np.isfinite(np.asarray(values, float)) & (np.abs(places) > end)
        return np.where(beyond, np.copysign(end, places), places)

    @staticmethod
    def _times(values: ArrayLike, exponent: int) -> np.ndarray:
        if not exponent and getattr(values, "dtype", None) == np.float64:
            return np.asarray(values)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # signalling NaN too
            places = np.asarray(values, float)
            if not exponent:
                return places
            # In two steps, as 10**320 overflows float64.
            half = exponent // 2
            return places * 10.0**half * 10.0 ** (exponent - half)


Ticks = list[tuple[float, str]]


class Curved(Unit):
    """A scale that is not linear, with ticks of its own."""

    @property
    def same(self) -> bool:
        return False

    def ticks(self, low: float, high: float, apart: float) -> Ticks:
        """Return drawn positions and labels of ticks, at least about ``apart`` from each other."""
        raise NotImplementedError


def unit_for(low: float, high: float) -> Unit:
    """Return the unit for a range: a power of ten if the range is extreme."""
    size = max((abs(end) for end in (low, high) if math.isfinite(end)), default=0.0)
    return Unit() if size == 0 or 1 / USUAL <= size <= USUAL else Unit(math.floor(math.log10(size)))


def power(logarithm: float) -> float:
    """Return 10 to a power, clamped to float64."""
    return 10.0**logarithm if logarithm < 308 else LARGEST


def drawable(places: np.ndarray, low: float, high: float) -> np.ndarray:
    """Clamp finite positions to the neighbourhood of a view, beyond which Qt cannot draw."""
    middle, reach = (low + high) / 2, FAR * (high - low)
    if (np.abs(places - middle) <= reach).all():
        return places
    finite = np.isfinite(places)
    beyond = finite & (np.abs(places - middle) > reach) if finite.any() else finite
    if not beyond.any():
        return places
    return np.where(beyond, middle + np.copysign(reach, places - middle), places)


def drawable_one(place: float, low: float, high: float) -> float:
    """Clamp one finite position as ``drawable`` does."""
    middle, reach = (low + high) / 2, FAR * (high - low)
    if abs(place - middle) <= reach or not math.isfinite(place):
        return place
    return middle + math.copysign(reach, place - middle)


def resolution(low: float, high: float) -> float:
    """Return the minimum width of a view in which coordinates have enough digits."""
    # At least that of the smallest drawn numbers: in a unit chosen for another range, all
    # may be close to 0.
    return max(abs(low), abs(high), 1 / USUAL) * RESOLUTION


def padded(low: float, high: float, share: float = 0.04) -> tuple[float, float]:
    """Return a range with margins; an empty range gets some width."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return -1.0, 1.0
    low, high = (min(max(end, -DRAWN), DRAWN) for end in (low, high))
    if high <= low:
        half = abs(low) / 2 or 1.0
        return low - half, high + half
    margin = max((high - low) * share, (resolution(low, high) - (high - low)) / 2)
    return low - margin, high + margin


def bounded(
    low: float, high: float, whole: tuple[float, float], finest: float = 0.0
) -> tuple[float, float]:
    """Return the allowed view closest to ``low`` … ``high``, overlapping the full range.

    The full range is not empty; the view is at least ``finest`` wide.
    """
    extent = whole[1] - whole[0]
    if not (math.isfinite(low) and math.isfinite(high) and math.isfinite(high - low)):
        return whole
    middle = min(max((low + high) / 2, whole[0] - WIDEST * extent), whole[1] + WIDEST * extent)
    least = max(finest, extent * FINEST, resolution(middle, middle))
    half = min(max(high - low, least), WIDEST * extent) / 2
    seen = KEPT * min(2 * half, extent)
    middle = min(max(middle, whole[0] + seen - half), whole[1] - seen + half)
    return middle - half, middle + half


def visible(count: int, x0: float, x1: float) -> tuple[int, int]:
    """Return the positions visible from x0 to x1, as a half-open range."""
    start = int(np.clip(np.ceil(x0 - 0.5), 0, count))
    stop = int(np.clip(np.floor(x1 + 0.5) + 1, start, count))
    return start, stop


def finite_extremes(*arrays: np.ndarray) -> tuple[float, float]:
    """Return the smallest and largest finite number; NaN twice if there is none."""
    lows, highs = [], []
    for array in arrays:
        if array.size == 0:
            continue
        low, high = float(np.fmin.reduce(array)), float(np.fmax.reduce(array))
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = array[np.isfinite(array)]
            if finite.size == 0:
                continue
            low, high = float(finite.min()), float(finite.max())
        lows.append(low)
        highs.append(high)
    return (min(lows), max(highs)) if lows else (np.nan, np.nan)
