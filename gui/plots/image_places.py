"""Places in images: the value that stands for a pixel or a line, and lines that are channels."""

from __future__ import annotations

import numpy as np

from quantoscope.engine import Evaluation, Granularity
from quantoscope.engine.analysis.plane_image import PlaneImage
from quantoscope.engine.analysis.planes import Plane, Region, Tile
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.gui.document.snapshot import Focus

MOST_SEARCHED = 1 << 18
"""Maximum number of a pixel's cells that are searched for the one that stands for it."""
Span = tuple[float, float]


def pixel_at(
    array: FloatArray,
    evaluation: Evaluation | None,
    plane: Plane,
    image: PlaneImage,
    cell: tuple[int, int],
    of_range: bool,
) -> tuple[Region, int] | None:
    """Return the cells of the pixel that holds a cell, and the position that stands for it.

    That of the largest |R| if ``of_range``, else of the largest error. None outside of the image.
    """
    region: list[int] = []
    for edges, at in ((image.row_edges, cell[0]), (image.column_edges, cell[1])):
        place = int(np.searchsorted(edges, at, "right")) - 1
        if not 0 <= place < edges.size - 1:
            return None
        region += [int(edges[place]), int(edges[place + 1])]
    cells = region[0], region[1], region[2], region[3]
    if (cells[1] - cells[0]) * (cells[3] - cells[2]) > MOST_SEARCHED:
        return cells, plane.position(*cell)
    tile = Tile(array, evaluation, plane, cells, Scratch())
    return cells, _largest(plane, cells, tile.r if of_range or evaluation is None else tile.error)


def largest_in_line(array: FloatArray, plane: Plane, in_rows: bool, at: int) -> int:
    """Return the position of the largest |R| of a row or column."""
    region = _line(plane, in_rows, at)
    return _largest(plane, region, Tile(array, None, plane, region, Scratch()).r)


def _largest(plane: Plane, region: Region, cells: np.ndarray) -> int:
    size = np.nan_to_num(np.abs(cells), nan=-1.0, posinf=np.inf)
    row, column = np.unravel_index(int(size.argmax()), size.shape)
    return plane.position(region[0] + int(row), region[2] + int(column))


def _line(plane: Plane, in_rows: bool, at: int) -> Region:
    return (at, at + 1, 0, plane.columns) if in_rows else (0, plane.rows, at, at + 1)


def spans_around(
    plane: Plane, cell: tuple[int, int], room: tuple[float, float]
) -> tuple[Span, Span]:
    """Return the ranges of x and y with so many columns and rows around a cell."""
    spans = []
    for at, size, (low, high) in (
        (cell[1], room[0], (-0.5, plane.columns - 0.5)),
        (-cell[0], room[1], (0.5 - plane.rows, 0.5)),
    ):
        half = max(1.0, min(size, high - low)) / 2
        middle = min(max(float(at), low + half), max(high - half, low + half))
        spans.append((middle - half, middle + half))
    return spans[0], spans[1]


def channel_of_line(plane: Plane, partition: Granularity, in_rows: bool, at: int) -> int | None:
    """Return the channel whose values are just those of a row or column; None if there is none."""
    if partition.whole:
        return None
    channels = partition.of(plane.positions(_line(plane, in_rows, at)), plane.shape)
    first = int(channels.flat[0])
    size = partition.positions(first, plane.shape).size
    return first if size == channels.size and bool((channels == first).all()) else None


def line_of_channel(plane: Plane, focus: Focus) -> tuple[bool, int] | None:
    """Return whether a channel is a row, and which row or column; None if it is neither."""
    if not focus.positions.size:
        return None
    cell = plane.cell(int(focus.positions[0]))
    if cell is None:
        return None
    for in_rows, at in ((True, cell[0]), (False, cell[1])):
        if channel_of_line(plane, focus.granularity, in_rows, at) == focus.channel:
            return in_rows, at
    return None
