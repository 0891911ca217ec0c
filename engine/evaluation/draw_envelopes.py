"""Envelopes of an evaluation, from which long arrays are drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import STRETCH, Pyramid, stretch_extremes
from quantoscope.engine.quantizers import QUANTIZERS, QParams


@dataclass(frozen=True, eq=False)
class Curves:
    """Extremes per stretch of ``STRETCH`` values."""

    reconstructed: Pyramid
    error: Pyramid
    """Pyramids of R' and of R' − R."""
    bound: Pyramid | None
    """Pyramid of the bound of the rounding error, if it differs between values."""
    clipped: dict[int, IntArray]
    """Under −1 and 1: flat positions of values clipped on that side, of each unit of
    ``kernels.UNIT`` values only the one with the largest error."""


SIDES = (-1, 1)
MANY = 64
EnvelopeEnds = tuple[FloatArray, FloatArray]
Piece = tuple[list[np.ndarray], list[IntArray]]


def even_bound(p: QParams) -> bool:
    """Return whether one bound of the rounding error holds for all values."""
    return p.granularity.whole and p.format.integer


def curves_from(
    size: int, pieces: Sequence[Piece], reconstructed: EnvelopeEnds | None = None
) -> Curves:
    """Join the pieces of all blocks, in their order.

    ``reconstructed`` has the extremes of R', if the pieces lack them.
    """
    columns = [np.concatenate(parts) for parts in zip(*(p for p, _ in pieces), strict=True)]
    clipped = [np.concatenate(parts) for parts in zip(*(c for _, c in pieces), strict=True)]
    return _curves(size, [*(reconstructed or ()), *columns], clipped)


def reconstructed_ends(p: QParams, pyramid: Pyramid) -> EnvelopeEnds | None:
    """Return the extremes of R' that follow from those of R, which must be finite.

    Rounding to the nearest is monotonic, and one scale for all makes R' so too.
    None where that does not hold, or where R' is not finite.
    """
    if not p.granularity.whole or p.arithmetic.chances or pyramid.low.dtype != p.dtype:
        return None
    quantizer = QUANTIZERS[p.mapping]
    low, high = (
        quantizer.decode(quantizer.encode(end, p)[0], p) for end in (pyramid.low, pyramid.high)
    )
    return (low, high) if np.isfinite(low).all() and np.isfinite(high).all() else None


def curves_revised(
    before: Curves, where: IntArray, size: int, piece: Callable[[int, int, kernels.Scratch], Piece]
) -> Curves:
    """Update curves after the values at the flat positions ``where`` have changed.

    ``piece`` returns the piece of the current values from start to stop.
    """
    pyramids = [before.reconstructed, before.error, *([before.bound] if before.bound else [])]
    columns = [end.copy() for pyramid in pyramids for end in (pyramid.low, pyramid.high)]
    clipped = [before.clipped[side] for side in SIDES]
    scratch = kernels.Scratch()
    for start, stop in _touched(where, size):
        new, found = piece(start, stop, scratch)
        first = start // STRETCH
        for column, part in zip(columns, new, strict=True):
            column[first : first + part.size] = part
        for place, positions in enumerate(found):
            old = clipped[place]
            left, right = np.searchsorted(old, (start, stop))
            clipped[place] = np.concatenate([old[:left], positions, old[right:]])
    return _curves(size, columns, clipped)


def _touched(where: IntArray, size: int) -> list[tuple[int, int]]:
    """Return the units that contain some positions, or their blocks if these are many."""
    units, length = np.unique(where // kernels.UNIT), kernels.UNIT
    if units.size > MANY:
        units, length = np.unique(where // kernels.BLOCK), kernels.BLOCK
    return [(unit * length, min((unit + 1) * length, size)) for unit in units.tolist()]


def _curves(size: int, columns: list[np.ndarray], clipped: list[IntArray]) -> Curves:
    reconstructed, error, *bound = (
        Pyramid(size, low, high) for low, high in zip(columns[::2], columns[1::2], strict=True)
    )
    return Curves(
        reconstructed, error, bound[0] if bound else None, dict(zip(SIDES, clipped, strict=True))
    )


def piece_of(
    start: int,
    r: FloatArray,
    reconstructed: FloatArray | None,
    error: FloatArray,
    saturated: np.ndarray | None,
    p: QParams,
) -> Piece:
    """Return the extremes and clipped positions of a block; all arrays have shape (n,).

    ``reconstructed`` is None if its extremes are known. The parameters are aligned with the values,
    in full precision.
    """
    columns = [] if reconstructed is None else [*stretch_extremes(reconstructed)]
    columns += stretch_extremes(error)
    if not even_bound(p):
        columns += stretch_extremes(bounds_of(r, p))
    if saturated is None:
        return columns, [np.zeros(0, np.intp)] * 2
    return columns, [
        start + _worst_clipped(error, np.flatnonzero(saturated == side)) for side in SIDES
    ]


def bounds_of(r: FloatArray, p: QParams) -> np.ndarray:
    """Return the bound of the rounding error per value, in float64, shape (n,).

    The parameters are aligned with the values.
    """
    bound: Any = QUANTIZERS[p.mapping].bound(r, p)
    return np.broadcast_to(np.asarray(bound, np.float64), r.shape)


def _worst_clipped(error: np.ndarray, at: IntArray) -> IntArray:
    """Return the first clipped value with the largest error per unit."""
    if not at.size:
        return at
    # A clipped value may be reconstructed as NaN.
    size = np.nan_to_num(np.abs(error[at]), nan=0.0, posinf=np.inf)
    unit = at // kernels.UNIT
    starts = np.flatnonzero(np.diff(unit, prepend=-1))
    largest = np.maximum.reduceat(size, starts)
    worst = np.flatnonzero(size == np.repeat(largest, np.diff(starts, append=at.size)))
    return np.asarray(at[worst[np.diff(unit[worst], prepend=-1) > 0]])
