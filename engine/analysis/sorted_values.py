"""Counts of values between any edges, from the sorted values, and edges aligned with codes."""

from __future__ import annotations

import math

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray, IntArray


def sorted_finite(x: FloatArray) -> FloatArray:
    """Return the finite values of an array of any shape in ascending order, shape (n,)."""
    found = np.sort(x.reshape(-1))
    # NaN comes last.
    start = int(np.searchsorted(found, found.dtype.type(-np.inf), "right"))
    stop = int(np.searchsorted(found, found.dtype.type(np.inf), "left"))
    return found[start:stop]


def counts_between(ordered: FloatArray, edges: np.ndarray) -> IntArray:
    """Return how many sorted values lie in each bin ``edges[i] ≤ x < edges[i + 1]``.

    The last bin includes its upper edge. Edges are ascending, in float64; the counts are exact in
    the precision of the values too. Shapes (n,), (bins + 1,) and (bins,).
    """
    kind = ordered.dtype.type
    with np.errstate(over="ignore"):
        near = edges.astype(ordered.dtype)
        # The smallest number of that precision that is not below the edge.
        near = np.where(near < edges, np.nextafter(near, kind(np.inf)), near)
        last = np.where(near[-1:] > edges[-1:], np.nextafter(near[-1:], kind(-np.inf)), near[-1:])
    places = np.searchsorted(ordered, near, "left")
    places[-1:] = np.searchsorted(ordered, last, "right")
    counts: IntArray = np.diff(places)
    return np.maximum(counts, 0)


def aligned_edges(
    low: float, high: float, step: float, origin: float, width: float
) -> np.ndarray | None:
    """Return edges of equal bins from ``low`` to ``high`` that are aligned with codes.

    Code q takes the values from ``origin + (q − ½)·step`` to ``origin + (q + ½)·step``. A bin is at
    least about ``width`` wide and covers an odd number of codes, the middle one with its centre, or
    a code consists of a whole number of bins. None if such edges differ too little to be told
    apart.
    """
    if not (0 < step < math.inf and 0 < width < math.inf and low < high):
        return None
    if width <= step:
        each, start = step / math.floor(step / width), origin - step / 2
    else:
        codes = math.ceil(width / step)
        each = step * (codes + 1 - codes % 2)
        start = origin - each / 2
    if not math.isfinite((high - start) / each) or abs(low - start) / each > 2.0**50:
        return None
    first, last = math.floor((low - start) / each), math.ceil((high - start) / each)
    edges = start + np.arange(first, max(last, first + 1) + 1) * each
    return edges if bool((np.diff(edges) > 0).all()) and np.isfinite(edges).all() else None
