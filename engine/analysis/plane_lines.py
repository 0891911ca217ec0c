"""Figures of a plane's rows and columns, and those that stand out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from quantoscope.engine.analysis.plane_image import Pool, square_unit, tile_sums
from quantoscope.engine.analysis.planes import Plane, Tile, pixel_edges, tiles
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import Scratch

MOST_LINES = 1 << 16
"""Maximum number of rows or columns that are told apart; more are taken in runs."""
TIMES, TIMES_ALONE = 4.0, 10.0
"""How far the peak of an outlier exceeds the median peak; the second for lines of one value."""
SHARE = 0.02
"""Maximum share of outliers among rows or columns; more are the tail of the data."""
WAVE = 16


@dataclass(frozen=True, eq=False)
class LineFigures:
    """Figures of rows or of columns; every array but ``edges`` has shape (count,).

    Attributes
    ----------
    edges : ndarray of int, shape (count + 1,)
        Line i stands for the rows or columns ``edges[i]`` up to, not including, ``edges[i + 1]``.
    peak : ndarray of float64
        max|R| in the unit of R, infinities included; NaN if all are NaN.
    signal, noise : ndarray of float64
        ΣR² and Σ(R' − R)², in ``unit`` squared, over the values whose R and R' are finite.
    count : ndarray of float64
        Number of these values.
    unit : float
    """

    edges: IntArray
    peak: np.ndarray
    signal: np.ndarray
    noise: np.ndarray
    count: np.ndarray
    unit: float

    @property
    def single(self) -> bool:
        """Whether every line is one row or column."""
        return self.edges.size - 1 == int(self.edges[-1])

    @property
    def rms_error(self) -> np.ndarray:
        """Root mean square of R' − R, in the unit of R."""
        with np.errstate(all="ignore"):
            return np.asarray(np.sqrt(self.noise / self.count) / self.unit)

    @property
    def sqnr(self) -> np.ndarray:
        """ΣR² / Σ(R' − R)² in dB; NaN without values, +∞ without error."""
        return decibels(self.signal, self.noise)

    def pooled(self, edges: IntArray) -> tuple[np.ndarray, np.ndarray]:
        """Return the largest peak and the RMS error over the pixels between ``edges``."""
        first = np.searchsorted(self.edges, edges[:-1], "right") - 1
        last = np.searchsorted(self.edges, edges[1:], "left")
        ends = np.column_stack([first, last]).ravel()
        if ends[-1] == self.peak.size:
            ends = ends[:-1]
        with np.errstate(all="ignore"):
            peak, noise, count = (
                how.reduceat(figures, ends)[::2]
                for how, figures in (
                    (np.fmax, self.peak), (np.add, self.noise), (np.add, self.count),
                )
            )  # fmt: skip
            return peak, np.sqrt(noise / count) / self.unit


def decibels(signal: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the ratio of two sums of squares in dB; NaN if both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(10 * np.log10(np.asarray(signal) / np.asarray(noise)))


def median(values: np.ndarray) -> float:
    """Return the median of finite values; of two middle ones the lower, which never overflows."""
    middle = (values.size - 1) // 2
    return float(np.partition(values, middle)[middle])


@dataclass(frozen=True, eq=False)
class PlaneLines:
    """Figures of a plane's rows and columns."""

    rows: LineFigures
    columns: LineFigures


def plane_lines(values: FloatArray, evaluation: Evaluation | None, plane: Plane) -> PlaneLines:
    """Return the figures of every row and column of a plane.

    Parameters
    ----------
    values : ndarray
        The array that was evaluated, in the plane's shape.
    evaluation : Evaluation or None
        Without one there is no noise.
    plane : Plane
        Not empty.

    Raises
    ------
    Cancelled
        If the work of this thread was cancelled (``engine.cancellation``).
    """
    edges = pixel_edges(0, plane.rows, MOST_LINES), pixel_edges(0, plane.columns, MOST_LINES)
    unit = square_unit(values)
    parts = tiles(*edges)
    peaks = [np.full(e.size - 1, np.nan) for e in edges]
    sums = [np.zeros((3, e.size - 1)) for e in edges]

    def work(start: int, at: int, _: int, scratch: Scratch) -> list[tuple[np.ndarray, np.ndarray]]:
        i0, i1, j0, j1 = parts[start + at]
        rows, columns = edges[0][i0 : i1 + 1], edges[1][j0 : j1 + 1]
        cells = int(rows[0]), int(rows[-1]), int(columns[0]), int(columns[-1])
        tile = Tile(values, evaluation, plane, cells, scratch)
        pools = Pool(rows, columns[[0, -1]]), Pool(rows[[0, -1]], columns)
        with np.errstate(all="ignore"):
            found = [np.fmax(p(np.fmax, tile.r), -p(np.fmin, tile.r)).ravel() for p in pools]
            each = tile_sums(tile, pools, unit)
        sums_ = [np.stack([figure.ravel() for figure in three]) for three in each]
        return list(zip(found, sums_, strict=True))

    # In waves: what the tiles found is added in their order, and never kept for all of them.
    for start in range(0, len(parts), WAVE):
        some = range(start, min(start + WAVE, len(parts)))
        made = kernels.over_blocks(len(some), partial(work, start), block=1)
        for number, found in zip(some, made, strict=True):
            i0, i1, j0, j1 = parts[number]
            for axis, (first, last) in enumerate(((i0, i1), (j0, j1))):
                peak, three = found[axis]
                here = slice(first, last)
                peaks[axis][here] = np.fmax(peaks[axis][here], peak)
                sums[axis][:, here] += three
    made_of = zip(edges, peaks, sums, strict=True)
    of_rows, of_columns = (LineFigures(e, p, t[0], t[1], t[2], unit) for e, p, t in made_of)
    return PlaneLines(of_rows, of_columns)


@dataclass(frozen=True, eq=False)
class OutlierLines:
    """Rows or columns that stand out.

    Attributes
    ----------
    in_rows : bool
        Whether they are rows.
    places : ndarray of int
        Their numbers, ascending.
    peak : float
        Their largest max|R|.
    ordinary : float
        Median of max|R| of all rows or columns that are not all zero.
    sqnr, others : float
        SQNR in dB over them, and over all the others together; +∞ without an error.
    cell : (int, int) or None
        Row and column of the one value that stands out, where it is one in both directions.
    """

    in_rows: bool
    places: IntArray
    peak: float
    ordinary: float
    sqnr: float
    others: float
    cell: tuple[int, int] | None = None


def outlier_lines(lines: PlaneLines) -> OutlierLines | None:
    """Return the rows or the columns that stand out; None if there are none.

    A column stands out if its max|R| is at least ``TIMES`` the median of those that are not all
    zero, or ``TIMES_ALONE`` times if a column is a single value; where more than ``SHARE`` of the
    columns do, and more than one, none is an outlier. Of rows and columns, those with the larger
    share of ΣR² are returned.
    """
    found = [
        one
        for in_rows, figures in ((False, lines.columns), (True, lines.rows))
        if (one := _standing_out(figures, in_rows)) is not None
    ]
    if not found:
        return None
    largest = max(found, key=lambda pair: pair[0])[1]
    of_columns, of_rows = (found[0][1], found[-1][1])
    crossing = len(found) == 2 and of_columns.places.size == of_rows.places.size == 1
    if not crossing or of_columns.peak != of_rows.peak:
        return largest
    return replace(largest, cell=(int(of_rows.places[0]), int(of_columns.places[0])))


def _standing_out(figures: LineFigures, in_rows: bool) -> tuple[float, OutlierLines] | None:
    """Return the outliers among rows or columns, with their share of ΣR²."""
    peak = figures.peak
    ordinary = peak[np.isfinite(peak) & (peak > 0)]
    if not figures.single or ordinary.size < 4:
        return None
    middle = median(ordinary)
    times = TIMES_ALONE if figures.count.max() <= 1 else TIMES
    out = np.isfinite(peak) & (peak >= times * middle)
    places = np.flatnonzero(out)
    if not 0 < places.size <= max(1, int(SHARE * peak.size)):
        return None
    inside, outside = (
        (float(figures.signal[some].sum()), float(figures.noise[some].sum()))
        for some in (out, ~out)
    )
    total = inside[0] + outside[0]
    made = OutlierLines(
        in_rows, places, float(peak[out].max()), middle,
        float(decibels(*map(np.asarray, inside))), float(decibels(*map(np.asarray, outside))),
    )  # fmt: skip
    return (inside[0] / total if total else 0.0), made
