"""Ranges along an axis: the unit it is drawn in, margins, the ends of zoom, and extremes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

USUAL = 1e100
"""From its reciprocal up to here, coordinates are drawn as they are."""
DRAWN = 1e150
"""The largest drawn number."""
LARGEST = float(np.finfo(np.float64).max)
FINEST = 2.0**-40
"""A view is no narrower than this part of the whole range."""
RESOLUTION = 2.0**-45
"""A view is no narrower than this part of the numbers in it: 128 steps of float64."""
WIDEST = 4.0
"""A view is no wider than so many whole ranges."""
KEPT = 0.1
"""At least this part of the view, or of the whole range, is seen in it."""
FAR = 1e6
"""Farther than so many views from the middle, places are drawn where that distance ends."""


@dataclass(frozen=True)
class Unit:
    """The power of ten that an axis is drawn in.

    pyqtgraph divides by ranges, and Qt ends the program over coordinates that are no numbers any
    more: what lies near the ends of float64 is divided by a power of ten before it is drawn, and
    the axis names it.

    Attributes
    ----------
    exponent : int
        0 unless numbers are extreme.
    """

    exponent: int = 0

    def down(self, values: ArrayLike) -> np.ndarray:
        """Return numbers of the data as they are drawn, in float64."""
        places = self._times(values, -self.exponent)
        return self._ended(values, places, DRAWN) if self.exponent else places

    def up(self, values: ArrayLike) -> np.ndarray:
        """Return drawn numbers as those of the data; what float64 cannot hold ends at its ends."""
        places = self._times(values, self.exponent)
        return self._ended(values, places, LARGEST) if self.exponent else places

    def down_pair(self, low: float, high: float) -> tuple[float, float]:
        """Return the ends of a range as they are drawn."""
        return self.down_to(low), self.down_to(high)

    def up_pair(self, low: float, high: float) -> tuple[float, float]:
        """Return the ends of a drawn range as those of the data."""
        return self.up_to(low), self.up_to(high)

    def down_to(self, value: float) -> float:
        """Return a number as it is drawn."""
        return float(self.down(value))

    def up_to(self, value: float) -> float:
        """Return a drawn number as one of the data."""
        return float(self.up(value))

    @staticmethod
    def _ended(values: ArrayLike, places: np.ndarray, end: float) -> np.ndarray:
        """Bring what has grown beyond an end back to it; infinities stay."""
        beyond = np.isfinite(np.asarray(values, float)) & (np.abs(places) > end)
        return np.where(beyond, np.copysign(end, places), places)

    @staticmethod
    def _times(values: ArrayLike, exponent: int) -> np.ndarray:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):  # signalling NaN too
            places = np.asarray(values, float)
            if not exponent:
                return places
            # In two steps: 10**320 is no number of float64.
            half = exponent // 2
            return places * 10.0**half * 10.0 ** (exponent - half)


def unit_for(low: float, high: float) -> Unit:
    """Return the unit that a range is drawn in: its power of ten where it is extreme."""
    size = max((abs(end) for end in (low, high) if math.isfinite(end)), default=0.0)
    return Unit() if size == 0 or 1 / USUAL <= size <= USUAL else Unit(math.floor(math.log10(size)))


def power(logarithm: float) -> float:
    """Return 10 to a power; what float64 cannot hold ends at its ends."""
    return 10.0**logarithm if logarithm < 308 else LARGEST


def drawable(places: np.ndarray, low: float, high: float) -> np.ndarray:
    """Bring finite places near a view from low to high, far outside which Qt cannot draw."""
    middle, reach = (low + high) / 2, FAR * (high - low)
    finite = np.isfinite(places)
    beyond = finite & (np.abs(places - middle) > reach) if finite.any() else finite
    if not beyond.any():
        return places
    return np.where(beyond, middle + np.copysign(reach, places - middle), places)


def resolution(low: float, high: float) -> float:
    """Return how narrow a view there may be before its coordinates run out of digits."""
    # At least that of the smallest drawn numbers: in a unit that was chosen for another part, all
    # may be next to nothing.
    return max(abs(low), abs(high), 1 / USUAL) * RESOLUTION


def padded(low: float, high: float, share: float = 0.04) -> tuple[float, float]:
    """Return a range with a margin; one without extent gets some."""
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
    """Return the view that is nearest to one asked for and shows some of the whole range.

    Parameters
    ----------
    low, high : float
        The view asked for.
    whole : tuple of float
        The range that shows everything; it has an extent.
    finest : float
        The narrowest view.
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
    """The positions that a view from x0 to x1 shows, as a half-open range."""
    start = int(np.clip(np.ceil(x0 - 0.5), 0, count))
    stop = int(np.clip(np.floor(x1 + 0.5) + 1, start, count))
    return start, stop


def finite_extremes(*arrays: np.ndarray) -> tuple[float, float]:
    """The smallest and largest finite number; NaN twice when there is none."""
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
