"""Order statistics of long arrays, exact, by counting values by their first bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from quantoscope.engine.numerics import loops
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.kernels import Scratch, flat_block, over_blocks

KEYS = 1 << 16
LONG = 1 << 14
"""Shortest array for which counting is worth it."""


class Ranked:
    """Values of an array by rank, without sorting it.

    Parameters
    ----------
    flat : ndarray, shape (n,)
        Finite values, from ``as_stored``.
    magnitude : bool
        Whether ranks are those of |R|, which are returned then.
    """

    def __init__(self, flat: FloatArray, magnitude: bool = False) -> None:
        self._flat, self._magnitude = flat, magnitude

        def count(block: FloatArray) -> np.ndarray:
            counts = np.zeros(KEYS, np.int64)
            loops.compiled.keys(self._wide, magnitude, block.size, block, counts)
            return counts

        counts = np.sum(self._over_blocks(count), axis=0)
        self._ends = np.cumsum(counts)
        """Numbers of values up to each key."""

    @staticmethod
    def suits(flat: FloatArray) -> bool:
        """Return whether the compiled loops are there, and the array is long enough for them."""
        return loops.has(flat.dtype) and flat.size >= LONG

    def sorted(self, first: int, last: int) -> FloatArray:
        """Return the values of the ranks from ``first`` to ``last``, ascending."""
        low, high = (int(np.searchsorted(self._ends, rank, "right")) for rank in (first, last))
        before = int(self._ends[low - 1]) if low else 0

        def pick(block: FloatArray) -> FloatArray:
            out = np.empty(block.size, block.dtype)
            given = self._wide, self._magnitude, block.size, low, high, out.size
            return out[: loops.compiled.picked(*given, block, out)].copy()

        some = np.concatenate(self._over_blocks(pick))
        start, stop = first - before, last - before
        some.partition(sorted({start, stop}))
        return np.sort(some[start : stop + 1])

    @property
    def _wide(self) -> bool:
        return self._flat.dtype == np.float64

    def _over_blocks(self, work: Callable[[FloatArray], np.ndarray]) -> list[np.ndarray]:
        flat = self._flat

        def of_block(start: int, stop: int, scratch: Scratch) -> np.ndarray:
            return work(loops.ready(flat_block(flat, start, stop)))

        return over_blocks(flat.size, of_block)


def percentiles(flat: FloatArray, shares: Sequence[float], magnitude: bool = False) -> np.ndarray:
    """Return percentiles in float64, interpolated linearly as ``np.percentile`` does.

    They are those of |R| with ``magnitude``.
    """
    ranked, last = Ranked(flat, magnitude), flat.size - 1
    found = []
    for share in shares:
        place = last * (share / 100)
        below = min(int(place), last)
        ends = ranked.sorted(below, min(below + 1, last)).astype(np.float64)
        a, b, t = ends[0], ends[-1], place - below
        found.append(a + (b - a) * t if t < 0.5 else b - (b - a) * (1 - t))
    return np.array(found)
