"""How many values lie in each dot of a plot by position, as shades of a colour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from quantoscope.engine.numerics.arrays import IntArray

DOT, CELL = (2, 2), (3, 4)
"""Width and height in pixels of a dot that is one value, and of one that stands for many."""
MANY = 12
"""Number of values per column from which a dot stands for many."""
FAINTEST = 0.3
"""Opacity of a dot with a single value among dots with many."""
FULL = 0.998
"""Share of the dots that hold at most as many values as one in the full colour."""
EDGE = 1e-6
"""How far beyond an end a value still lies at it, in dots: the rounding of its place."""
SAMPLES = 128
"""Maximum number of values of a column that a density shows, evenly spaced."""


def dots(columns: int, height: float, count: int, fineness: float = 1.0) -> tuple[int, int]:
    """Return the numbers of columns and rows of dots for so many values in a view.

    Parameters
    ----------
    columns, height : int, float
        Width and height of the view in pixels.
    count : int
        Number of values in it.
    fineness : float
        Dots that stand for many values are smaller by this factor.
    """
    many = count * DOT[0] > MANY * columns
    width, high = CELL if many else DOT
    fine = fineness if many else 1.0
    return max(1, int(columns * fine / width)), max(4, int(height * fine / high))


def sampled(count: int, columns: int, fineness: float = 1.0) -> IntArray:
    """Return which of so many values stand for all in a view so many pixels wide."""
    across, _ = dots(columns, 0.0, count, fineness)
    return _every(count, max(1, count // (across * SAMPLES)))


@lru_cache(4)
def _every(count: int, step: int) -> IntArray:
    places = np.arange(0, count, step)
    places.setflags(write=False)
    return places


def density(
    column: IntArray, share: np.ndarray, columns: int, rows: int, palette: np.ndarray
) -> np.ndarray:
    """Return the shades of dots as RGBA, shape (rows, columns, 4), the lowest row first.

    Parameters
    ----------
    column : ndarray of int
        Column of each value, 0 to ``columns`` - 1.
    share : ndarray of float
        Share of the height of each, 0 to 1, to a millionth of a dot; others, and NaN, are left out.
    columns, rows : int
    palette : ndarray of uint8, shape (256, 4)
        Colours from none to full.
    """
    # What lies beyond is counted in a row of its own below and above, which are not shown.
    row = share * (rows - 2 * EDGE)
    row += 1 + EDGE
    np.clip(row, 0, rows + 1, out=row)
    row[np.isnan(row)] = 0
    place = row.astype(np.int32)
    place *= columns
    place += column
    counts = np.bincount(place, minlength=(rows + 2) * columns)[columns : (rows + 1) * columns]
    # By how many values lie in a dot, of which there are few different numbers.
    fullest = max(1, int(np.searchsorted(np.cumsum(np.bincount(counts)), FULL * counts.size)))
    shade = np.sqrt(np.minimum(np.arange(counts.max(initial=0) + 1) / fullest, 1.0))
    # A single value is seen too.
    shade = 255 * np.maximum(shade, FAINTEST)
    shade[0] = 0.0
    colours = np.ascontiguousarray(palette).view(np.uint32)[shade.astype(np.ubyte), 0]
    return colours[counts].view(np.ubyte).reshape(rows, columns, 4)


def columns_at(places: IntArray, count: int, columns: int) -> IntArray:
    """Return in which of so many columns places among ``count`` positions lie."""
    return (places * 2 + 1) * columns // (2 * count)


@lru_cache(4)
def columns_of_sample(count: int, across: int, columns: int, fineness: float = 1.0) -> IntArray:
    """Return the columns of the values ``sampled`` of a view ``across`` pixels wide."""
    made = columns_at(sampled(count, across, fineness), count, columns)
    made.setflags(write=False)
    return made
