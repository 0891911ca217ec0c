"""Summary of an array: counts, extremes and a histogram."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.numerics import kernels, loops
from quantoscope.engine.numerics.arrays import FloatArray, IntArray, as_stored
from quantoscope.engine.numerics.kernels import Extremes, Scratch
from quantoscope.engine.text.number_text import short


@dataclass(frozen=True, eq=False)
class Summary:
    """Counts and extremes of an array; NaN and infinities are only counted.

    Attributes
    ----------
    count, nan_count, inf_count : int
    low, high, mean : float
        Of the finite values; NaN if there are none.
    counts, edges : ndarray, shapes (bins,) and (bins + 1,)
        Histogram of the finite values from ``low`` to ``high``, in float64.
    extremes : Extremes
        The same extremes in working precision.
    sums : ndarray of float64, shape (blocks,)
        Sum of the finite values per block.
    """

    count: int
    nan_count: int
    inf_count: int
    low: float
    high: float
    mean: float
    counts: IntArray
    edges: np.ndarray
    extremes: Extremes
    sums: np.ndarray

    def __repr__(self) -> str:
        low, high, mean = (short(number, 6) for number in (self.low, self.high, self.mean))
        odd = f"{self.nan_count:,} NaN, {self.inf_count:,} infinite"
        return f"<Summary {self.count:,} values: {low}…{high}, mean {mean}, {odd}>"


MOST_BINS = 4096
NEAR = 2.0**-8
"""Nearer to an edge than this part of a bin, a value is compared with it: three roundings of a
place among at most 4096 move it by less, in float32 too."""


@dataclass(frozen=True)
class _Bins:
    """Range and number of bins of a histogram."""

    low: float
    high: float
    count: int

    def histogram(self, finite: FloatArray) -> IntArray:
        """Count like np.histogram, but compare with edges only near them."""
        if self.count == 1:
            return np.array([finite.size])
        kind = finite.dtype.type
        with np.errstate(all="ignore"):
            width, factor = kind(self.high - self.low), kind(self.count / (self.high - self.low))
            # Edges are rounded: if that is significant, compare all values with them.
            rounding = np.spacing(max(abs(self.low), abs(self.high)))
            sharp = rounding * self.count < NEAR / 4 * (self.high - self.low)
            if not (sharp and np.isfinite(width) and np.isfinite(factor) and factor > 0):
                values = finite.astype(np.float64, copy=False)
                # Halved: the width of the range may overflow.
                half = 0.5 if math.isinf(self.high - self.low) else 1.0
                ends = self.low * half, self.high * half
                return np.histogram(values * half, bins=self.count, range=ends)[0]
            if finite.size and loops.has(finite.dtype):
                return loops.histogram(
                    finite, float(kind(self.low)), float(factor), NEAR, self.edges
                )
            place = finite - kind(self.low)
            place *= factor
        bins = place.astype(np.int16)
        place -= np.rint(place)
        near = np.flatnonzero(np.abs(place, out=place) < NEAR)
        exact = np.searchsorted(self.edges, finite[near].astype(np.float64), side="right") - 1
        bins[near] = np.minimum(exact, self.count - 1)
        return np.bincount(bins, minlength=self.count)

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges of the bins, in float64."""
        if self.count == 1:
            return np.array([self.low, self.high])
        return _evenly(self.low, self.high, self.count)


def summarize(x: ArrayLike, max_bins: int = 512) -> Summary:
    """Return the summary of an array of any shape, possibly empty.

    The histogram has about √n bins, from 10 to ``max_bins``; a range too narrow or
    too wide to divide has one. With ``max_bins`` 0 it is omitted.

    Raises
    ------
    QuantizationError
        If ``x`` does not hold real numbers.
    """
    r = as_stored(x, allow_empty=True)
    nothing = Extremes(math.nan, math.nan, True)
    known = kernels.extremes(r) if r.size else nothing

    def count(start: int, stop: int, scratch: Scratch) -> tuple[int, int, float]:
        return _counted(kernels.flat_block(r, start, stop), known.finite)

    counted = kernels.over_blocks(r.size, count)
    nan_count = sum(part[0] for part in counted)
    inf_count = sum(part[1] for part in counted)
    finite = r.size - nan_count - inf_count
    sums = np.array([part[2] for part in counted], np.float64)
    low, high = float(known.low), float(known.high)
    mean = _mean(sums, finite, low, high) if _fits(sums) else _mean_of_shares(r, finite, low, high)
    if not finite or not max_bins:
        empty: IntArray = np.zeros(0, np.intp)
        return Summary(
            r.size, nan_count, inf_count, low, high, mean, empty, np.zeros(0), known, sums
        )
    bins = _bins(low, high, min(max_bins, MOST_BINS, max(10, math.isqrt(finite))))

    def histogram(start: int, stop: int, scratch: Scratch) -> IntArray:
        return bins.histogram(_finite(kernels.flat_block(r, start, stop), known.finite))

    counts = np.sum(kernels.over_blocks(r.size, histogram), axis=0)
    return Summary(r.size, nan_count, inf_count, low, high, mean, counts, bins.edges, known, sums)


def summary_revised(
    before: Summary, x: FloatArray, where: IntArray, old: FloatArray, known: Extremes
) -> Summary | None:
    """Update a summary after values have changed; None if the range has changed.

    ``x`` is the changed array and ``known`` its extremes; ``where`` and ``old``, shape (n,), are
    the flat positions of the changes, each once, and the values that were there.
    """
    new = x.reshape(-1)[where]
    gone, come = (values[np.isfinite(values)] for values in (old, new))
    same = (float(known.low), float(known.high)) == (before.low, before.high)
    if not same or before.counts.size < 2 or gone.size != come.size:
        return None
    bins = _Bins(before.low, before.high, before.counts.size)
    sums = before.sums.copy()
    for block in np.unique(where // kernels.BLOCK).tolist():
        start = block * kernels.BLOCK
        stop = min(start + kernels.BLOCK, x.size)
        sums[block] = _counted(kernels.flat_block(x, start, stop), known.finite)[2]
    if not _fits(before.sums) or not _fits(sums):
        return None
    nan_count = before.nan_count + _count(np.isnan, new) - _count(np.isnan, old)
    inf_count = before.inf_count + _count(np.isinf, new) - _count(np.isinf, old)
    finite = before.count - nan_count - inf_count
    return replace(
        before,
        nan_count=nan_count,
        inf_count=inf_count,
        mean=_mean(sums, finite, before.low, before.high),
        counts=before.counts - bins.histogram(gone) + bins.histogram(come),
        extremes=known,
        sums=sums,
    )


def _count(kind: Any, values: FloatArray) -> int:
    return int(np.count_nonzero(kind(values)))


def _finite(block: FloatArray, known: bool) -> FloatArray:
    return block if known else block[np.isfinite(block)]


def _counted(block: FloatArray, known: bool) -> tuple[int, int, float]:
    """Return the numbers of NaN and infinities, and the sum of the others."""
    finite = _finite(block, known)
    with np.errstate(over="ignore", invalid="ignore"):
        total = float(finite.sum(dtype=np.float64))
    nan = 0 if known else _count(np.isnan, block)
    return nan, block.size - finite.size - nan, total


def _fits(sums: np.ndarray) -> bool:
    """Return whether the sum of sums fits float64 in any order of addition."""
    with np.errstate(over="ignore", invalid="ignore"):
        return math.isfinite(np.abs(sums).sum())


def _mean(sums: np.ndarray, n: int, low: float, high: float) -> float:
    """Return the mean in float64, clamped to the range."""
    return min(max(float(sums.sum()) / n, low), high) if n else math.nan


def _mean_of_shares(r: FloatArray, n: int, low: float, high: float) -> float:
    """Return the mean of values whose sum overflows."""
    finite = r[np.isfinite(r)]
    with np.errstate(over="ignore"):
        return min(max(float((finite / n).sum()), low), high)


def _evenly(low: float, high: float, count: int) -> np.ndarray:
    """Return edges of bins of equal width, even if the range overflows."""
    if math.isinf(high - low):
        return np.linspace(low / 2, high / 2, count + 1) * 2
    return np.linspace(low, high, count + 1)


def _bins(low: float, high: float, count: int) -> _Bins:
    """Return the bins from the lowest to the highest value; one bin if it cannot be divided."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        edges = _evenly(low, high, count)
        apart = bool(np.isfinite(edges).all() and (np.diff(edges) > 0).all())
    if apart:
        return _Bins(low, high, count)
    if low == high:
        # A bin needs some width to be drawn.
        half, largest = abs(low) / 2 or 0.5, float(np.finfo(np.float64).max)
        low, high = max(low - half, -largest), min(high + half, largest)
    return _Bins(low, high, 1)
