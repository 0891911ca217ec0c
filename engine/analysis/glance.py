"""Preview of an array: extremes and a small histogram, computed block by block."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.arrays import FloatArray, as_working
from quantoscope.engine.numerics.kernels import Progress

BINS = 24
_BLOCK = 1 << 20


@dataclass(frozen=True, eq=False)
class Glance:
    """Extremes of an array, and a histogram between them."""

    low: float
    high: float
    """Low and high: the smallest and the largest finite value; NaN if there is none."""
    odd: int
    """Number of NaN and infinite values."""
    counts: np.ndarray
    """Finite values in bins of equal width from low to high; all in the first where these are
    equal. Shape (BINS,)."""


def glance(array: np.ndarray, step: Progress | None = None) -> Glance:
    """Return the preview of an array of any real dtype and shape.

    It makes two passes over blocks of a million values, so that a mapped or float16 array takes
    little memory. ``step`` may raise to stop.

    Raises
    ------
    QuantizationError
        If the array does not hold real numbers.
    """
    flat = array.reshape(-1)
    low, high, finite = math.inf, -math.inf, 0
    for part in _finite(flat, step, 0):
        finite += part.size
        if part.size:
            low, high = min(low, float(part.min())), max(high, float(part.max()))
    counts = np.zeros(BINS, np.int64)
    if finite == 0:
        return Glance(math.nan, math.nan, flat.size, counts)
    if low == high:
        counts[0] = finite
        return Glance(low, high, flat.size - finite, counts)
    # Halved: the width of a range may overflow float64.
    width = high / 2 - low / 2
    for part in _finite(flat, step, 1):
        share = (part / 2 - low / 2) / width if width > 0 else np.zeros(part.size)
        places = np.minimum((share * BINS).astype(np.intp), BINS - 1)
        counts += np.bincount(places, minlength=BINS)
    return Glance(low, high, flat.size - finite, counts)


def _finite(flat: np.ndarray, step: Progress | None, turn: int) -> Iterator[FloatArray]:
    """Yield the finite values of each block in float64."""
    for start in range(0, flat.size, _BLOCK):
        if step is not None:
            step(turn * flat.size + start, 2 * flat.size)
        with np.errstate(invalid="ignore"):  # signalling NaN, which are left out in a moment
            part = as_working(mapped_arrays.block(flat[start : start + _BLOCK])).astype(np.float64)
        sound = np.isfinite(part)
        yield part if sound.all() else part[sound]
