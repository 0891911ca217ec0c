"""Images of planes: every pixel stands for all of its cells, so that no outlier is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag, StrEnum

import numpy as np

from quantoscope.engine.analysis.planes import Plane, Region, Tile, pixel_edges, tiles
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import Scratch


class Quantity(StrEnum):
    """What an image shows."""

    REAL = "real"
    """R, of the largest magnitude in the pixel."""
    SCALED = "scaled"
    """R/S, of the largest magnitude."""
    CODE = "code"
    """Q − Z, of the largest magnitude."""
    ERROR = "error"
    """(R' − R)/|S|: the root of its mean square over the pixel, and with its sign if every cell
    is a pixel. A clipped cell wins its pixel: of several, the one with the largest error."""
    SQNR = "sqnr"
    """10·log10(ΣR² / Σ(R' − R)²) in dB over the pixel."""
    CLIPPED = "clipped"
    """(R − R')/|S| of the clipped cell with the largest error; 0 where none is clipped."""

    @property
    def of_scheme(self) -> bool:
        """Whether it takes an evaluation."""
        return self is not Quantity.REAL


class Mark(IntFlag):
    """What else a pixel holds."""

    NAN = 1
    """A cell is NaN."""
    INFINITE = 2
    """A cell is infinite."""
    CLIPPED = 4
    """A cell is clipped; told for ``ERROR`` and ``CLIPPED`` alone."""


@dataclass(frozen=True, eq=False)
class PlaneImage:
    """Pixels of a region of a plane.

    Attributes
    ----------
    quantity : Quantity
    region : Region
        The cells.
    row_edges : ndarray of int, shape (height + 1,)
    column_edges : ndarray of int, shape (width + 1,)
        Pixel (i, j) covers the rows ``row_edges[i]`` up to, not including, ``row_edges[i + 1]``.
    values : ndarray of float64, shape (height, width)
        NaN where no cell has the quantity.
    marks : ndarray of uint8, shape (height, width)
        Bits of ``Mark``.
    """

    quantity: Quantity
    region: Region
    row_edges: IntArray
    column_edges: IntArray
    values: np.ndarray
    marks: np.ndarray

    @property
    def exact(self) -> bool:
        """Whether every cell is a pixel."""
        r0, r1, c0, c1 = self.region
        return self.values.shape == (r1 - r0, c1 - c0)


def plane_image(
    values: FloatArray,
    evaluation: Evaluation | None,
    plane: Plane,
    quantity: Quantity,
    most: tuple[int, int],
    region: Region | None = None,
) -> PlaneImage:
    """Return the image of a region of a plane.

    NaN takes no pixel from other cells. It reads block by block on several threads; memory beside
    the pixels does not grow with the array. Squares of float64 data that are smaller than 1e-154 of
    the largest count as 0.

    Parameters
    ----------
    values : ndarray
        The array that was evaluated, in the plane's shape.
    evaluation : Evaluation or None
        None for R alone.
    plane : Plane
    quantity : Quantity
    most : tuple of int
        Largest height and width of the image in pixels.
    region : Region, optional
        The cells, at least one; all cells unless given.

    Raises
    ------
    Cancelled
        If the work of this thread was cancelled (``engine.cancellation``).
    """
    region = plane.region if region is None else region
    row_edges = pixel_edges(region[0], region[1], most[0])
    column_edges = pixel_edges(region[2], region[3], most[1])
    shape = row_edges.size - 1, column_edges.size - 1
    out, marks = np.full(shape, np.nan), np.zeros(shape, np.uint8)
    exact = shape == (region[1] - region[0], region[3] - region[2])
    unit = square_unit(values) if quantity is Quantity.SQNR else 1.0
    parts = tiles(row_edges, column_edges)

    def work(number: int, _: int, scratch: Scratch) -> None:
        i0, i1, j0, j1 = parts[number]
        rows, columns = row_edges[i0 : i1 + 1], column_edges[j0 : j1 + 1]
        cells = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
        tile = Tile(values, evaluation, plane, cells, scratch)
        pool = Pool(rows, columns)
        with np.errstate(all="ignore"):
            out[i0:i1, j0:j1], marks[i0:i1, j0:j1] = _pixels(tile, pool, quantity, exact, unit)

    kernels.over_blocks(len(parts), work, block=1)
    return PlaneImage(quantity, region, row_edges, column_edges, out, marks)


def square_unit(values: FloatArray) -> float:
    """Return a power of two by which values are multiplied so that squares do not overflow."""
    if values.dtype.itemsize <= 4:
        return 1.0  # float64 holds every square of a float32
    known = kernels.extremes(values)
    largest = max(abs(float(known.low)), abs(float(known.high)))
    exponent = int(np.frexp(largest)[1]) if np.isfinite(largest) else 0
    return 2.0 ** max(-1000, min(-exponent, 1000))


class Pool:
    """Reduction of a tile's cells to its pixels.

    Parameters
    ----------
    row_edges, column_edges : ndarray of int
        Edges of the tile's pixels in cells.
    """

    def __init__(self, row_edges: IntArray, column_edges: IntArray) -> None:
        self._rows, self._columns = row_edges - row_edges[0], column_edges - column_edges[0]
        self.sizes = np.outer(np.diff(self._rows), np.diff(self._columns)).astype(np.float64)

    def __call__(self, better: np.ufunc, cells: np.ndarray) -> np.ndarray:
        """Reduce with a ufunc, shape (height, width)."""
        rows, columns = self._rows, self._columns
        if rows.size <= len(cells):
            # One strip per row of pixels, and only then its columns: four times as fast as
            # reduceat over all cells.
            strips = [
                better.reduce(cells[a:b], axis=0)
                for a, b in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True)
            ]
            cells = np.stack(strips)
        if columns.size <= cells.shape[1]:
            return np.asarray(better.reduceat(cells, columns[:-1], axis=1))
        return cells.copy()  # never a scratch buffer

    def largest(self, cells: np.ndarray) -> np.ndarray:
        """Return the cell of the largest magnitude with its sign; NaN if all are NaN."""
        high, low = self(np.fmax, cells), self(np.fmin, cells)
        return np.where(high >= -low, high, low).astype(np.float64)


def _pixels(
    tile: Tile, pool: Pool, quantity: Quantity, exact: bool, unit: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and marks of a tile's pixels."""
    marks = _special(tile, pool)
    if quantity is Quantity.REAL:
        return pool.largest(tile.r), marks
    if quantity is Quantity.SCALED:
        return pool.largest(tile.r / tile.divisor), marks
    if quantity is Quantity.CODE:
        return pool.largest(tile.steps_from_zero), marks
    if quantity is Quantity.SQNR:
        ((signal, noise, _),) = tile_sums(tile, [pool], unit)
        return 10 * np.log10(signal / noise), marks
    clipped = None
    if tile.sides is not None:
        clipped = pool.largest(np.where(tile.sides != 0, tile.error / tile.step, np.nan))
        marks[pool(np.logical_or, tile.sides != 0)] |= np.uint8(Mark.CLIPPED)
    if quantity is Quantity.CLIPPED:
        found = np.zeros(marks.shape) if clipped is None else np.where(
            np.isnan(clipped), 0.0, -clipped
        )  # fmt: skip
        return found, marks
    if exact:
        return (tile.error / tile.step).astype(np.float64), marks
    mean = _mean_square(tile, pool)
    found = np.sqrt(mean)
    return (found if clipped is None else np.where(np.isnan(clipped), found, clipped)), marks


def _mean_square(tile: Tile, pool: Pool) -> np.ndarray:
    """Return the mean of ((R' − R)/S)² per pixel; NaN where none is finite."""
    x = tile.scratch("squares", tile.error.size, np.float64).reshape(tile.shape)
    np.divide(tile.error, tile.step, out=x)
    total = pool(np.add, np.multiply(x, x, out=x))
    if np.isfinite(total).all():
        return np.asarray(total / pool.sizes)
    known = np.isfinite(x)
    total = pool(np.add, np.where(known, x, 0.0))
    return np.asarray(total / pool(np.add, known.astype(np.float64)))


def _special(tile: Tile, pool: Pool) -> np.ndarray:
    """Return the marks of cells that are not finite."""
    marks = np.zeros(pool.sizes.shape, np.uint8)
    finite = None if tile.finite else np.isfinite(tile.r)
    if finite is not None and not finite.all():
        nan = np.isnan(tile.r)
        marks[pool(np.logical_or, nan)] |= np.uint8(Mark.NAN)
        marks[pool(np.logical_or, ~finite & ~nan)] |= np.uint8(Mark.INFINITE)
    return marks


Sums = tuple[np.ndarray, np.ndarray, np.ndarray]


def tile_sums(tile: Tile, pools: Sequence[Pool], unit: float) -> list[Sums]:
    """Return ΣR², Σ(R' − R)² and the number of values in them for every pixel of each pool.

    Values count whose R and R' are finite. Sums are in ``unit`` squared. Without an evaluation
    there is no error.
    """
    r = tile.r
    error = tile.error if tile.evaluated else np.where(np.isfinite(r), r.dtype.type(0), np.nan)
    found = _sums(r, error, pools, unit, tile.scratch)
    if all(np.isfinite(signal).all() and np.isfinite(noise).all() for signal, noise in found):
        return [(*sums, pool.sizes) for sums, pool in zip(found, pools, strict=True)]
    known = np.isfinite(error) & np.isfinite(r)
    counts = [pool(np.add, known.astype(np.float64)) for pool in pools]
    r, error = (np.where(known, x, x.dtype.type(0)) for x in (r, error))
    found = _sums(r, error, pools, unit, tile.scratch)
    return [(*sums, count) for sums, count in zip(found, counts, strict=True)]


def _sums(
    r: np.ndarray, error: np.ndarray, pools: Sequence[Pool], unit: float, scratch: Scratch
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ΣR² and Σ(R' − R)² for every pixel of each pool."""
    signal = _squares(r, unit, scratch)
    signals = [pool(np.add, signal) for pool in pools]
    noise = _squares(error, unit, scratch)
    return list(zip(signals, (pool(np.add, noise) for pool in pools), strict=True))


def _squares(cells: np.ndarray, unit: float, scratch: Scratch) -> np.ndarray:
    """Return the squares of cells in float64, in a scratch buffer."""
    x = scratch("squares", cells.size, np.float64).reshape(cells.shape)
    np.copyto(x, cells)
    if unit != 1:
        x *= unit
    return np.asarray(np.multiply(x, x, out=x))
