"""Few columns that set the scale of nearly every row of a matrix, or the other way about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import UNIT, Scratch, flat_block, over_blocks
from quantoscope.engine.quantizers import QUANTIZERS

MOST = 0.02
"""Maximum share of such columns; more are the tail of the data."""
NEARLY = 0.9
"""Minimum share of the rows whose scale they set."""
LEAST = 32
"""Minimum length of a row."""


@dataclass(frozen=True, eq=False)
class OutlierLines:
    """Columns that set the scale of rows, or rows that set that of columns."""

    columns: bool
    """Whether the outliers are columns."""
    where: IntArray
    """Indices of these columns, or rows, ascending."""
    ruled: int
    """Number of rows, or columns, whose largest magnitude lies in them."""
    total: int
    """Number of rows, or columns, that are not all 0."""


def outlier_lines(evaluation: Evaluation) -> OutlierLines | None:
    """Return the few lines that set the scale of nearly all channels; None if there are none.

    Only a symmetric range from the extremes, with the rows or the columns of a matrix as channels,
    is set by single values.
    """
    r, p = evaluation.source, evaluation.qparams
    shape = r.shape
    extremes = evaluation.scheme.calibration.how.from_extremes
    if r.ndim != 2 or not extremes or not QUANTIZERS[p.mapping].symmetric_range or min(shape) < 2:
        return None
    first, right, below = p.granularity.of(np.array([0, 1, shape[1]]), shape).tolist()
    by_rows = first == right != below and p.count == shape[0]
    by_columns = first == below != right and p.count == shape[1]
    if not (by_rows or by_columns) or shape[by_rows] < LEAST:
        return None
    peak, place = _peaks(r, by_rows)
    counts = np.bincount(place[peak > 0], minlength=shape[by_rows])
    total, order = int(counts.sum()), np.argsort(-counts, kind="stable")
    covered = np.cumsum(counts[order])
    number = int(np.searchsorted(covered, NEARLY * total)) + 1
    if not total or number > max(1, int(MOST * counts.size)):
        return None
    return OutlierLines(by_rows, np.sort(order[:number]), int(covered[number - 1]), total)


def _peaks(r: FloatArray, by_rows: bool) -> tuple[FloatArray, IntArray]:
    """Return the largest finite |R| of each row or column, and its index within it."""
    rows, length = r.shape
    many = max(1, 64 * UNIT // length)

    def work(start: int, stop: int, scratch: Scratch) -> tuple[FloatArray, IntArray]:
        size = np.abs(flat_block(r, start * length, stop * length)).reshape(-1, length)
        size[~np.isfinite(size)] = 0
        place = size.argmax(axis=1 if by_rows else 0)
        along = place[:, None] if by_rows else place[None]
        peak = np.take_along_axis(size, along, 1 if by_rows else 0).ravel()
        return peak, place if by_rows else place + start

    peaks, places = zip(*over_blocks(rows, work, block=many), strict=True)
    if by_rows:
        return np.concatenate(peaks), np.concatenate(places)
    found, best = np.array(peaks), np.array(peaks).argmax(axis=0)
    every = np.arange(length)
    return found[best, every], np.array(places)[best, every]
