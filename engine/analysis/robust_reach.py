"""The magnitude within which nearly all values lie, for axes that a few values would spoil."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import STRETCH, Pyramid

SAMPLE = 1 << 16
"""Longer arrays are judged by so many values."""
LEAST = 16
"""Number of values from which some can be few."""
TIERS = ((0.999, 5.0), (0.99, 20.0), (0.9, 40.0))
"""Share of the values, and how many times as far away the farthest value is at least."""
ROUND = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


def rounded_up(number: float) -> float:
    """Return the smallest number of few digits that is not below a positive number."""
    exponent = math.floor(math.log10(number))
    found = (float(f"{digit}e{exponent}") for digit in ROUND)
    # A power beyond float64, or log10 rounded up across a power.
    return next((each for each in found if number <= each < math.inf), number)


def robust_reach(x: FloatArray, farthest: float) -> float:
    """Return a round magnitude that most values lie within, if the farthest lies far beyond it.

    Most are 99.9 %, or at least 99 or 90 % where all others are very small beside the farthest.
    Of long arrays a fixed random sample is judged.

    Parameters
    ----------
    x : ndarray of any shape
        Values; those that are not finite are left out.
    farthest : float
        Largest finite magnitude among them.

    Returns
    -------
    float
        0 if no value lies far beyond the others.
    """
    flat = x.reshape(-1)
    if flat.size > SAMPLE:
        flat = flat[_sample(flat.size)]
    size = np.abs(flat[np.isfinite(flat)])
    if size.size < LEAST or not 0 < farthest < math.inf:
        return 0.0
    ranks = [min(math.ceil(share * size.size), size.size - 1) - 1 for share, _ in TIERS]
    size = np.partition(size, ranks)
    for rank, (_, apart) in zip(ranks, TIERS, strict=True):
        reach = float(size[rank])
        if reach > 0 and farthest / apart >= reach:
            return rounded_up(reach)
    return 0.0


@lru_cache(maxsize=2)
def _sample(count: int) -> IntArray:
    return np.random.default_rng(0).integers(0, count, SAMPLE)


def count_beyond(x: FloatArray, pyramid: Pyramid, reach: float) -> int:
    """Return how many finite values of an array have a magnitude above ``reach``.

    Only stretches of its pyramid with such a value are read.
    """
    with np.errstate(invalid="ignore"):
        far = np.fmax(np.abs(pyramid.low), np.abs(pyramid.high)) > reach
    count, flat = 0, x.reshape(-1)
    for stretches in np.array_split(np.flatnonzero(far), max(1, int(far.sum()) // 4096)):
        at = (stretches[:, None] * STRETCH + np.arange(STRETCH)).reshape(-1)
        size = np.abs(flat[at[at < flat.size]])
        count += int(np.count_nonzero((size > reach) & np.isfinite(size)))
    return count
