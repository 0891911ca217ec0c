"""What an array holds: counts, extremes, and the histogram that Distribution shows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.arrays import FloatArray, IntArray, as_working


@dataclass(frozen=True, eq=False)
class Summary:
    """Counts and extremes of an array; NaN and infinities are counted, not measured.

    Attributes
    ----------
    count, nan_count, inf_count : int
    low, high, mean : float
        Over the finite values; NaN where there is none.
    counts, edges : ndarray, shapes (bins,) and (bins + 1,)
        Histogram of the finite values from ``low`` to ``high``, in float64.
    """

    count: int
    nan_count: int
    inf_count: int
    low: float
    high: float
    mean: float
    counts: IntArray
    edges: np.ndarray


def summarize(x: ArrayLike, max_bins: int = 512) -> Summary:
    """Return the summary of an array of any shape, which may be empty.

    The histogram has about √n bins, 10 at least and ``max_bins`` at most; a range too narrow or
    too wide to be divided has one.

    Raises
    ------
    QuantizationError
        When ``x`` does not hold real numbers.
    """
    flat = as_working(x, allow_empty=True).reshape(-1)
    finite = flat
    nan_count = inf_count = 0
    if flat.size and not (np.isfinite(flat.min()) and np.isfinite(flat.max())):
        nan_count = int(np.count_nonzero(np.isnan(flat)))
        inf_count = int(np.count_nonzero(np.isinf(flat)))
        finite = flat[np.isfinite(flat)]
    low = high = mean = math.nan
    counts: IntArray = np.zeros(0, np.intp)
    edges = np.zeros(0)
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        bins = min(max_bins, max(10, math.isqrt(finite.size)))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            mean = _mean(finite)
            counts, edges = _histogram(finite, bins)
    return Summary(flat.size, nan_count, inf_count, low, high, mean, counts, edges)


def _mean(finite: FloatArray) -> float:
    """Mean in float64; where the sum overflows, the sum of the shares."""
    mean = float(finite.mean(dtype=np.float64))
    if math.isfinite(mean):
        return mean
    return float(np.clip((finite / finite.size).sum(), finite.min(), finite.max()))


def _histogram(finite: FloatArray, bins: int) -> tuple[IntArray, np.ndarray]:
    """Histogram from the lowest to the highest value; one bin where no more can be told apart."""
    # In float32 the edges of a narrow range would fall on each other.
    values = finite.astype(np.float64, copy=False)
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high, bins + 1)
    if np.isfinite(edges).all() and (np.diff(edges) > 0).all():
        return np.histogram(values, bins=bins, range=(low, high))
    if low == high:
        # A bin needs a width to be drawn.
        half, largest = abs(low) / 2 or 0.5, float(np.finfo(np.float64).max)
        low, high = max(low - half, -largest), min(high + half, largest)
    return np.array([finite.size]), np.array([low, high])
