"""Min-max envelopes for drawing long arrays without losing an extreme, the tail or a gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class Envelope:
    """Minimum and maximum per column."""

    edges: np.ndarray
    """Column i covers the positions ``edges[i]`` up to, not including, ``edges[i + 1]``. Shape
    (columns + 1,)."""
    low: FloatArray
    high: FloatArray
    """Low and high: extremes of each column, ignoring NaN; NaN for a column of NaN only. Shape
    (columns,)."""


def min_max_envelope(x: FloatArray, columns: int) -> Envelope:
    """Return the extremes of ``x``, shape (n,), in at most ``columns`` columns, one a pixel.

    Every position is in exactly one column, and column widths differ by one position at most. With
    more columns than positions, each position is a column.

    Raises
    ------
    ValueError
        If ``columns`` is below 1.
    """
    if columns < 1:
        raise ValueError(f"an envelope needs at least one column, not {columns}")
    if not len(x):
        return Envelope(np.array([0]), x, x)
    columns = min(columns, len(x))
    edges = np.arange(columns + 1) * len(x) // columns
    # fmin and fmax ignore NaN.
    return Envelope(edges, np.fmin.reduceat(x, edges[:-1]), np.fmax.reduceat(x, edges[:-1]))


STRETCH = 128
"""Number of values per stretch of a pyramid."""


@dataclass(frozen=True, eq=False)
class Pyramid:
    """Extremes per stretch of ``STRETCH`` values, for envelopes without a pass over the array."""

    size: int
    """Number of values in the array."""
    low: FloatArray
    high: FloatArray
    """Low and high: extremes of the finite values; NaN for a stretch without any. Shape
    (stretches,)."""

    def envelope(
        self, columns: int, start: int, stop: int, values: Callable[[int, int], np.ndarray]
    ) -> Envelope:
        """Return the extremes of the finite values from ``start`` to ``stop``, in columns.

        The result is exact. Inner edges of wide columns lie at stretches; if columns are narrower
        than two stretches, the values themselves are read: ``values(start, stop)`` returns a slice
        of the array.
        """
        if narrow(columns, start, stop):
            return finite_envelope(values(start, stop), columns, start)
        first, last = -(-start // STRETCH), stop // STRETCH
        inner = first + (np.arange(columns + 1) * (last - first)) // columns
        low = np.fmin.reduceat(self.low[:last], inner[:-1])
        high = np.fmax.reduceat(self.high[:last], inner[:-1])
        edges = inner * STRETCH
        for place, (left, right) in ((0, (start, edges[0])), (-1, (edges[-1], stop))):
            if left < right:
                end = finite_envelope(values(left, right), 1, left)
                low[place] = np.fmin(low[place], end.low[0])
                high[place] = np.fmax(high[place], end.high[0])
        edges[0], edges[-1] = start, stop
        return Envelope(edges, low, high)


def outermost(
    x: FloatArray, pyramid: Pyramid, count: int, measure: np.ufunc
) -> tuple[FloatArray, IntArray]:
    """Return the ``count`` largest measures, descending, with the flat positions of their values.

    They are fewer if fewer values are finite. The ``count`` largest lie in at most ``count``
    stretches of the array's pyramid, those of the largest measures, so only these are read.
    ``measure`` is ``positive`` for the largest values, ``negative`` for the smallest, or
    ``absolute``.
    """
    ends = np.fmax(measure(pyramid.low), measure(pyramid.high))
    ends = np.where(np.isnan(ends), -np.inf, ends)
    kept = min(count, ends.size)
    stretches = np.sort(np.argpartition(ends, ends.size - kept)[ends.size - kept :])
    at = (stretches[:, None] * STRETCH + np.arange(STRETCH)).reshape(-1)
    at = at[at < x.size]
    values = x.flat[at]
    finite = np.isfinite(values)
    at, measures = at[finite], measure(values[finite])
    if measures.size > 2 * count:
        # Of equal measures take the first positions, so that the result is deterministic.
        edge = np.partition(measures, measures.size - count)[measures.size - count]
        at, measures = at[measures >= edge], measures[measures >= edge]
    best = np.argsort(-measures, kind="stable")[:count]
    return measures[best], at[best]


def narrow(columns: int, start: int, stop: int) -> bool:
    """Return whether columns are too narrow for stretches, so that values must be read."""
    return stop - start < 2 * STRETCH * columns


def pyramid_of(x: FloatArray) -> Pyramid:
    """Return the pyramid of an array's flattened values."""

    def work(start: int, stop: int, scratch: kernels.Scratch) -> tuple[FloatArray, FloatArray]:
        return stretch_extremes(kernels.flat_block(x, start, stop))

    if not x.size:
        return Pyramid(0, x.reshape(-1), x.reshape(-1))
    lows, highs = zip(*kernels.over_blocks(x.size, work), strict=True)
    return Pyramid(x.size, np.concatenate(lows), np.concatenate(highs))


def pyramid_revised(before: Pyramid, x: FloatArray, where: IntArray) -> Pyramid:
    """Return the pyramid after the values at the flat positions ``where`` have changed."""
    low, high, flat = before.low.copy(), before.high.copy(), x.reshape(-1)
    for stretch in np.unique(where // STRETCH).tolist():
        ends = stretch_extremes(flat[stretch * STRETCH : (stretch + 1) * STRETCH])
        low[stretch], high[stretch] = ends[0][0], ends[1][0]
    return Pyramid(before.size, low, high)


def stretch_extremes(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the extremes of the finite values per stretch; NaN for a stretch without any."""
    low, high = (kernels.runs(flat, STRETCH, better) for better in (np.minimum, np.maximum))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        finite = np.where(np.isfinite(flat), flat, flat.dtype.type(np.nan))
        low, high = (kernels.runs(finite, STRETCH, better) for better in (np.fmin, np.fmax))
    return low, high


def finite_envelope(x: np.ndarray, columns: int, start: int) -> Envelope:
    """Return the envelope of the finite values of ``x``, the first of which is at ``start``."""
    envelope = min_max_envelope(x, columns)
    if not (np.isfinite(envelope.low).all() and np.isfinite(envelope.high).all()):
        finite = np.where(np.isfinite(x), x, x.dtype.type(np.nan))
        envelope = min_max_envelope(finite, columns)
    return Envelope(envelope.edges + start, envelope.low, envelope.high)
