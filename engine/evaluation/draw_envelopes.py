"""What a scheme makes of a long array, in short stretches: kept so that it is drawn at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import STRETCH, Pyramid, stretch_extremes
from quantoscope.engine.quantizers import QUANTIZERS, QParams

if TYPE_CHECKING:
    from quantoscope.engine.evaluation.result import Evaluation


@dataclass(frozen=True, eq=False)
class Curves:
    """Extremes over stretches of ``STRETCH`` values.

    Attributes
    ----------
    reconstructed, error : Pyramid
        Of R' and of R' − R.
    bound : Pyramid or None
        Of what rounding alone can make of an error, where that differs from value to value.
    clipped : dict of int to ndarray of int
        Under −1 and 1: the flat positions of the values clipped on that side, of each unit of
        ``kernels.UNIT`` values only the one with the largest error.
    """

    reconstructed: Pyramid
    error: Pyramid
    bound: Pyramid | None
    clipped: dict[int, IntArray]


SIDES = (-1, 1)
MANY = 64
Ends = tuple[FloatArray, FloatArray]
Piece = tuple[list[np.ndarray], list[IntArray]]


def even_bound(evaluation: Evaluation) -> bool:
    """Whether one bound of rounding holds for all values."""
    return _even(evaluation.qparams)


def _even(p: QParams) -> bool:
    return p.granularity.whole and p.format.integer


def curves_of(evaluation: Evaluation) -> Curves:
    """Return the curves of an evaluation."""

    def work(start: int, stop: int, scratch: kernels.Scratch) -> Piece:
        return _piece(evaluation, start, stop, scratch)

    return curves_from(evaluation, kernels.over_blocks(evaluation.codes.size, work))


def curves_from(
    evaluation: Evaluation, pieces: Sequence[Piece], reconstructed: Ends | None = None
) -> Curves:
    """Put the pieces of all blocks together.

    Parameters
    ----------
    evaluation : Evaluation
    pieces : sequence of Piece
    reconstructed : tuple of ndarray, optional
        The extremes of R', where the pieces leave them out.
    """
    columns = [np.concatenate(parts) for parts in zip(*(p for p, _ in pieces), strict=True)]
    clipped = [np.concatenate(parts) for parts in zip(*(c for _, c in pieces), strict=True)]
    return _curves(evaluation.codes.size, [*(reconstructed or ()), *columns], clipped)


def reconstructed_ends(p: QParams, pyramid: Pyramid) -> Ends | None:
    """Return the extremes of R' that follow from those of R, all of which is finite.

    Rounding to the nearest is monotonic, and one scale for all makes what is reconstructed so too.
    None where that does not hold, or where R' is not finite.
    """
    if not p.granularity.whole or p.arithmetic.chances or pyramid.low.dtype != p.dtype:
        return None
    quantizer = QUANTIZERS[p.mapping]
    low, high = (
        quantizer.decode(quantizer.encode(end, p)[0], p) for end in (pyramid.low, pyramid.high)
    )
    return (low, high) if np.isfinite(low).all() and np.isfinite(high).all() else None


def curves_revised(evaluation: Evaluation, before: Curves, where: IntArray) -> Curves:
    """Return the curves of an evaluation that differs from an older one at some positions."""
    size = evaluation.codes.size
    pyramids = [before.reconstructed, before.error, *([before.bound] if before.bound else [])]
    columns = [end.copy() for pyramid in pyramids for end in (pyramid.low, pyramid.high)]
    clipped = [before.clipped[side] for side in SIDES]
    scratch = kernels.Scratch()
    for start, stop in _touched(where, size):
        new, found = _piece(evaluation, start, stop, scratch)
        first = start // STRETCH
        for column, part in zip(columns, new, strict=True):
            column[first : first + part.size] = part
        for place, positions in enumerate(found):
            old = clipped[place]
            left, right = np.searchsorted(old, (start, stop))
            clipped[place] = np.concatenate([old[:left], positions, old[right:]])
    return _curves(size, columns, clipped)


def _touched(where: IntArray, size: int) -> list[tuple[int, int]]:
    """The units that hold some positions, or their blocks where these are many."""
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


def _piece(evaluation: Evaluation, start: int, stop: int, scratch: kernels.Scratch) -> Piece:
    """The extremes of one block, and where it is clipped."""
    reconstructed, error = evaluation.block(start, stop, scratch)
    r = kernels.flat_block(evaluation.values, start, stop)
    low, high = evaluation.totals.blocks[start // kernels.BLOCK].clipped
    saturated = evaluation.sides(start, stop, scratch) if low or high else None
    p = evaluation.qparams.spread(evaluation.codes.shape, start, stop)
    return piece_of(start, r, reconstructed, error, saturated, p)


def piece_of(
    start: int,
    r: FloatArray,
    reconstructed: FloatArray | None,
    error: FloatArray,
    saturated: np.ndarray | None,
    p: QParams,
) -> Piece:
    """Return the extremes of a block that begins at a position, and where it is clipped.

    Parameters
    ----------
    start : int
    r, error : ndarray, shape (n,)
    reconstructed : ndarray or None
        None: what is known of it already is left out.
    saturated : ndarray of int8 or None
    p : QParams
        Aligned with the values, in full precision.
    """
    columns = [] if reconstructed is None else [*stretch_extremes(reconstructed)]
    columns += stretch_extremes(error)
    if not _even(p):
        columns += stretch_extremes(_bounds(r, p))
    if saturated is None:
        return columns, [np.zeros(0, np.intp)] * 2
    return columns, [
        start + _worst_clipped(error, np.flatnonzero(saturated == side)) for side in SIDES
    ]


def bounds_of(evaluation: Evaluation, start: int, stop: int) -> np.ndarray:
    """Return the largest error that rounding alone can make of each value, in float64."""
    p = evaluation.qparams.spread(evaluation.codes.shape, start, stop)
    return _bounds(kernels.flat_block(evaluation.values, start, stop), p)


def _bounds(r: FloatArray, p: QParams) -> np.ndarray:
    bound: Any = QUANTIZERS[p.mapping].bound(r, p)
    return np.broadcast_to(np.asarray(bound, np.float64), r.shape)


def _worst_clipped(error: np.ndarray, at: IntArray) -> IntArray:
    """Of the clipped values in each unit, the first of those with the largest error."""
    if not at.size:
        return at
    # NaN, of a value reconstructed as none, still is a clipped one.
    size = np.nan_to_num(np.abs(error[at]), nan=0.0, posinf=np.inf)
    unit = at // kernels.UNIT
    starts = np.flatnonzero(np.diff(unit, prepend=-1))
    largest = np.maximum.reduceat(size, starts)
    worst = np.flatnonzero(size == np.repeat(largest, np.diff(starts, append=at.size)))
    return np.asarray(at[worst[np.diff(unit[worst], prepend=-1) > 0]])
