"""Min-max envelopes of long arrays for drawing; they keep every extreme, the tail, and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray


@dataclass(frozen=True, eq=False)
class Envelope:
    """One pair of extremes per column.

    Attributes
    ----------
    edges : ndarray of int, shape (columns + 1,)
        Column i covers the positions ``edges[i]`` up to, not including, ``edges[i + 1]``.
    low, high : ndarray, shape (columns,)
        The extremes in each column, NaN left out; NaN where a column holds nothing else.
    """

    edges: np.ndarray
    low: FloatArray
    high: FloatArray


def min_max_envelope(
    x: FloatArray, columns: int, start: int = 0, stop: int | None = None
) -> Envelope:
    """Return the extremes of ``x[start:stop]`` in at most ``columns`` columns.

    Every position is in one column, the last ones included; columns differ by one position at
    most. With more columns than positions, each position is a column.

    Parameters
    ----------
    x : ndarray, shape (n,)
    columns : int
        At least 1; a plot asks for one per pixel.
    start, stop : int
        The visible part; cut to the array.
    """
    if columns < 1:
        raise ValueError(f"an envelope needs at least one column, not {columns}")
    start = min(max(0, start), len(x))
    stop = len(x) if stop is None else min(len(x), stop)
    if stop <= start:
        empty = x[:0]
        return Envelope(np.array([start]), empty, empty)
    columns = min(columns, stop - start)
    edges = start + (np.arange(columns + 1) * (stop - start)) // columns
    part = x[start:stop]
    offsets = edges[:-1] - start
    # fmin and fmax prefer numbers to NaN.
    low = np.fmin.reduceat(part, offsets)
    high = np.fmax.reduceat(part, offsets)
    return Envelope(edges, low, high)
