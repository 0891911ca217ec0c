"""Planes of arrays: rows and columns of cells, read tile by tile with an evaluation of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.result import Evaluation, applied
from quantoscope.engine.numerics import kernels, mapped_arrays
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.granularity import CHANNEL
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.engine.quantizers import QUANTIZERS, QParams

Region = tuple[int, int, int, int]
"""First row, row after the last, first column, column after the last."""


@dataclass(frozen=True)
class Plane:
    """Rows and columns of an array's values in C order.

    The cell at (row, column) is the value at ``base + row·row_stride + column·column_stride``.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array.
    row_axes, column_axes : tuple of int
        Axes along which rows and columns count; several are flattened, the last counts fastest.
    fixed : tuple of int
        Index along every axis; 0 along those of rows and columns.
    """

    shape: tuple[int, ...]
    row_axes: tuple[int, ...]
    column_axes: tuple[int, ...]
    fixed: tuple[int, ...]

    def _length(self, axes: tuple[int, ...]) -> int:
        return math.prod(self.shape[axis] for axis in axes)

    def _stride(self, axes: tuple[int, ...]) -> int:
        return math.prod(self.shape[axes[-1] + 1 :]) if axes else 0

    @cached_property
    def rows(self) -> int:
        """Number of rows."""
        return self._length(self.row_axes)

    @cached_property
    def columns(self) -> int:
        """Number of columns."""
        return self._length(self.column_axes)

    @cached_property
    def row_stride(self) -> int:
        """Distance of neighbouring rows in flat positions."""
        return self._stride(self.row_axes)

    @cached_property
    def column_stride(self) -> int:
        """Distance of neighbouring columns in flat positions."""
        return self._stride(self.column_axes)

    @cached_property
    def base(self) -> int:
        """Flat position of the first cell."""
        return sum(at * self._stride((axis,)) for axis, at in enumerate(self.fixed))

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.rows * self.columns

    @property
    def region(self) -> Region:
        """All cells."""
        return 0, self.rows, 0, self.columns

    @property
    def whole(self) -> bool:
        """Whether every value of the array is a cell."""
        return self.size == math.prod(self.shape)

    def position(self, row: int, column: int) -> int:
        """Return the flat position of a cell."""
        return self.base + row * self.row_stride + column * self.column_stride

    def cell(self, position: int) -> tuple[int, int] | None:
        """Return row and column of a flat position; None if it lies in another plane."""
        index = np.unravel_index(position, self.shape)
        others = set(range(len(self.shape))) - {*self.row_axes, *self.column_axes}
        if any(int(index[axis]) != self.fixed[axis] for axis in others):
            return None
        return self._along(self.row_axes, index), self._along(self.column_axes, index)

    def _along(self, axes: tuple[int, ...], index: Sequence[Any]) -> int:
        at = 0
        for axis in axes:
            at = at * self.shape[axis] + int(index[axis])
        return at

    def positions(self, region: Region) -> IntArray:
        """Return the flat positions of a region's cells, shape (rows, columns)."""
        r0, r1, c0, c1 = region
        rows = self.base + np.arange(r0, r1) * self.row_stride
        return rows[:, None] + np.arange(c0, c1) * self.column_stride

    def span(self, region: Region) -> tuple[int, int] | None:
        """Return the flat range that a region's cells fill in order; None if they do not."""
        r0, r1, c0, c1 = region
        dense = self.column_stride == 1 or c1 - c0 <= 1
        if not dense or (
            r1 - r0 > 1 and not (c1 - c0 == self.columns and self.row_stride == self.columns)
        ):
            return None
        start = self.position(r0, c0)
        return start, start + (r1 - r0) * (c1 - c0)


def whole_plane(shape: tuple[int, ...]) -> Plane:
    """Return the plane of all values whose sides are most alike.

    Leading axes are flattened to rows, the others to columns: an array of shape (64, 3, 3, 3) has
    64 rows of 27. One axis alone is one row.
    """
    if not shape:
        shape = (1,)

    def unlike(split: int) -> float:
        sides = math.prod(shape[:split]), math.prod(shape[split:])
        return abs(math.log(max(1, sides[0]) / max(1, sides[1])))

    split = min(range(1, len(shape)), key=unlike) if len(shape) > 1 else 0
    axes = tuple(range(len(shape)))
    return Plane(shape, axes[:split], axes[split:], (0,) * len(shape))


def sliced_plane(
    shape: tuple[int, ...], row_axis: int, column_axis: int, fixed: Sequence[int]
) -> Plane:
    """Return the plane of two axes at fixed indices of the others.

    Parameters
    ----------
    shape : tuple of int
    row_axis, column_axis : int
        Two different axes, from 0.
    fixed : sequence of int
        Index along every axis; those of the two axes do not matter.

    Raises
    ------
    QuantizationError
        If the array has no such axes or indices.
    """
    axes = {row_axis, column_axis}
    if len(axes) < 2 or not axes <= set(range(len(shape))):
        raise QuantizationError(f"An array of shape {shape} has no axes {row_axis}, {column_axis}.")
    if len(fixed) != len(shape) or any(
        not 0 <= at < length
        for axis, (at, length) in enumerate(zip(fixed, shape, strict=False))
        if axis not in axes
    ):
        raise QuantizationError(f"An array of shape {shape} has no plane at {tuple(fixed)}.")
    at = tuple(0 if axis in axes else int(place) for axis, place in enumerate(fixed))
    return Plane(shape, (row_axis,), (column_axis,), at)


class Tile:
    """Cells of a region, with what an evaluation made of them; each computed when first asked.

    Parameters
    ----------
    values : ndarray
        R, in the shape of the plane's array.
    evaluation : Evaluation or None
    plane : Plane
    region : Region
    scratch : Scratch
        Its buffers are used until the next tile.
    """

    def __init__(
        self,
        values: FloatArray,
        evaluation: Evaluation | None,
        plane: Plane,
        region: Region,
        scratch: Scratch,
    ) -> None:
        self._values, self._evaluation = values, evaluation
        self._plane, self._region = plane, region
        self.scratch = scratch
        self._span = plane.span(region)
        self.shape = region[1] - region[0], region[3] - region[2]

    def _cells(self, array: np.ndarray) -> np.ndarray:
        """Return the region's cells of an array of the same shape."""
        if self._span is not None:
            return kernels.flat_block(array, *self._span).reshape(self.shape)
        mapped_arrays.check(array)
        if not array.flags.c_contiguous:
            # flat selects values from any memory layout without copying the array.
            return np.asarray(array.flat[self._positions.ravel()]).reshape(self.shape)
        first = array.reshape(-1)[self._plane.position(self._region[0], self._region[2]) :]
        size = array.itemsize
        strides = self._plane.row_stride * size, self._plane.column_stride * size
        seen = np.lib.stride_tricks.as_strided(first, self.shape, strides, writeable=False)
        return np.ascontiguousarray(seen)

    @cached_property
    def _positions(self) -> IntArray:
        return self._plane.positions(self._region)

    @property
    def evaluated(self) -> bool:
        """Whether there is an evaluation."""
        return self._evaluation is not None

    @property
    def evaluation(self) -> Evaluation:
        """The evaluation, which must be given."""
        assert self._evaluation is not None
        return self._evaluation

    @cached_property
    def r(self) -> FloatArray:
        """R."""
        return self._cells(self._values)

    @property
    def finite(self) -> bool:
        """Whether all values of the array are known to be finite."""
        totals = None if self._evaluation is None else self._evaluation.totals
        return totals is not None and not (totals.nan or totals.infinite)

    @cached_property
    def _p(self) -> QParams:
        """Parameters that broadcast against the cells, in working precision."""
        p = self.evaluation.qparams
        g, shape = p.granularity, self._plane.shape
        p = p.lean(QUANTIZERS[p.mapping].exact_scale)
        if g.whole:
            return p.at(0)
        axes = set(g.axes_of(shape)) if g.kind == CHANNEL else set(range(len(shape)))
        r0, r1, c0, c1 = self._region
        if not axes & set(self._plane.column_axes):
            return p.of_channels(g.of(self._plane.positions((r0, r1, c0, c0 + 1)), shape))
        if not axes & set(self._plane.row_axes):
            return p.of_channels(g.of(self._plane.positions((r0, r0 + 1, c0, c1)), shape))
        if self._span is None:
            return p.of_channels(g.of(self._positions, shape))
        # Flat positions of a span go through the cells in their order.
        return p.spread(shape, *self._span).reshaped(self.shape)

    @property
    def divisor(self) -> Any:
        """What values are divided by, S in most schemes; broadcasts against the cells."""
        return self._p.working_divisor

    @property
    def step(self) -> Any:
        """|S|; broadcasts against the cells."""
        return np.abs(self._p.working_scale)

    @cached_property
    def _codes(self) -> np.ndarray:
        return self._cells(self.evaluation.codes)

    @cached_property
    def error(self) -> FloatArray:
        """R' − R; NaN where R is NaN."""
        quantizer, r = QUANTIZERS[self._p.mapping], self.r
        buffer = self.scratch("reconstructed", r.size, self._p.dtype).reshape(self.shape)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            made = quantizer.decode(self._codes, self._p, buffer)
            out = self.scratch("error", r.size, np.result_type(made, r)).reshape(self.shape)
            return np.asarray(np.subtract(made, r, out=out))

    @property
    def steps_from_zero(self) -> np.ndarray:
        """Q − Z: the number that the code stands for, counted from that of the real value 0."""
        p = self.evaluation.qparams
        dtype = np.float32 if p.format.bits <= 16 else np.float64
        number = p.format.unpack(self._codes, dtype)
        if p.moved:
            number = number - np.asarray(self._p.zero_point).astype(dtype)
        return np.where(np.isnan(self.r), np.nan, number)

    @cached_property
    def sides(self) -> np.ndarray | None:
        """−1 where a value is clipped from below, 1 from above, else 0; None if none is."""
        e = self.evaluation
        if not any(e.totals.clipped):
            return None
        if self._span is not None:
            start, stop = self._span
            blocks = range(start // kernels.BLOCK, (stop - 1) // kernels.BLOCK + 1)
            if not any(any(e.totals.blocks[block].clipped) for block in blocks):
                return None
            found = e.sides(start, stop, self.scratch)
        else:
            where = self._positions if e.qparams.arithmetic.chances else None
            quantizer = QUANTIZERS[self._p.mapping]
            found = applied(self.r, self._p, where, quantizer)[2]
        return None if found is None or not found.any() else found.reshape(self.shape)


def pixel_edges(start: int, stop: int, most: int) -> IntArray:
    """Return the edges of at most ``most`` pixels over the cells from ``start`` to ``stop``.

    Every cell is in exactly one pixel, and sizes of pixels differ by one cell at most; with room
    for more pixels than cells, each cell is a pixel.
    """
    count = max(1, min(most, stop - start))
    return start + np.arange(count + 1) * (stop - start) // count


def tiles(row_edges: IntArray, column_edges: IntArray) -> list[Region]:
    """Return ranges of pixels that hold about a block of cells, in order.

    Parameters
    ----------
    row_edges, column_edges : ndarray of int
        Edges of the pixels in cells.
    """
    rows, columns = row_edges.size - 1, column_edges.size - 1
    height = max(1, (int(row_edges[-1]) - int(row_edges[0])) // rows)
    width = int(column_edges[-1]) - int(column_edges[0])
    parts = min(columns, max(1, height * width // kernels.BLOCK))
    band = max(1, kernels.BLOCK // max(1, height * width)) if parts == 1 else 1
    cuts = [columns * part // parts for part in range(parts + 1)]
    return [
        (row, min(row + band, rows), left, right)
        for row in range(0, rows, band)
        for left, right in zip(cuts[:-1], cuts[1:], strict=True)
    ]
