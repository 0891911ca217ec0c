"""How many values lie in each dot of a plot by position, as shades of a colour."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from quantoscope.engine.numerics.arrays import IntArray

DOT, CELL, EVEN_CELL = (2, 2), (3, 4), (4, 6)
"""Width and height in pixels of a dot that is one value, of one that stands for many, and of one
among many values that are spread evenly, where smaller ones would differ by chance."""
MANY = 12
"""Number of values per column from which a dot stands for many."""
FAINTEST = 0.3
"""Opacity of a dot with a single value among dots with many."""
FULL = 0.998
"""Share of the dots that hold at most as many values as one in the full colour."""
EDGE = 1e-6
"""How far beyond an end a value still lies at it, in dots: the rounding of its place."""
SAMPLES = 64
"""Maximum number of values of a column that a density shows, evenly spaced."""


def dots(
    columns: int, height: float, count: int, fineness: float = 1.0, cell: tuple[int, int] = CELL
) -> tuple[int, int]:
    """Return the numbers of columns and rows of dots for so many values in a view.

    Parameters
    ----------
    columns, height : int, float
        Width and height of the view in pixels.
    count : int
        Number of values in it.
    fineness : float
        Dots that stand for many values are smaller by this factor.
    cell : (int, int)
        Width and height in pixels of such a dot.
    """
    many = count * DOT[0] > MANY * columns
    width, high = cell if many else DOT
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
    first: np.ndarray, share: np.ndarray, columns: int, rows: int, palette: np.ndarray
) -> np.ndarray:
    """Return the shades of dots as RGBA, shape (rows, columns, 4), the lowest row first.

    Parameters
    ----------
    first : ndarray of float
        Where the column of each value begins: ``firsts_at``, or of a sample ``firsts_of``.
    share : ndarray of float
        Share of the height of each, 0 to 1, to a millionth of a dot; others, and NaN, are left out.
    columns, rows : int
    palette : ndarray of uint8, shape (256, 4)
        Colours from none to full.
    """
    low, most = (share.min(), share.max()) if share.size else (0.0, 1.0)
    if not (low >= 0 and most <= 1):
        beyond = 0.5 / rows
        share = np.where(np.isnan(share), -beyond, np.clip(share, -beyond, 1 + beyond))
    place = np.multiply(share, rows - 2 * EDGE, dtype=np.float64)
    place += first
    counts = np.bincount(place.astype(np.intp), minlength=(rows + 2) * columns)
    counts = np.ascontiguousarray(counts.reshape(columns, rows + 2)[:, 1:-1].T)
    # By how many values lie in a dot, of which there are few different numbers.
    fullest = max(
        1, int(np.searchsorted(np.cumsum(np.bincount(counts.ravel())), FULL * counts.size))
    )
    shade = np.sqrt(np.minimum(np.arange(counts.max(initial=0) + 1) / fullest, 1.0))
    # A single value is seen too.
    shade = 255 * np.maximum(shade, FAINTEST)
    shade[0] = 0.0
    colours = np.ascontiguousarray(palette).view(np.uint32)[shade.astype(np.ubyte), 0]
    return np.take(colours, counts).view(np.ubyte).reshape(rows, columns, 4)


def firsts_at(places: IntArray, count: int, columns: int, rows: int) -> np.ndarray:
    """Return where the columns begin in which places among ``count`` positions lie.

    Dots are counted column after column, each with a row of its own below and above for what lies
    beyond, which is not shown.
    """
    column = (places * 2 + 1) * columns // (2 * count)
    return column * (rows + 2) + (1 + EDGE)


@lru_cache(8)
def firsts_of(
    count: int, across: int, columns: int, rows: int, fineness: float = 1.0
) -> np.ndarray:
    """Return ``firsts_at`` of the values ``sampled`` of a view ``across`` pixels wide."""
    made = firsts_at(sampled(count, across, fineness), count, columns, rows)
    made.setflags(write=False)
    return made
