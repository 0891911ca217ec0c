"""Room on a number line: rows of lanes, scales, and texts that do not touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QRectF

from quantoscope.gui.plots.number_line_data import Dot
from quantoscope.gui.plots.spans import Unit

GAP = 6.0
"""Distance between texts of a row."""
NEAREST_TICKS = 2.5
"""Distance of ticks below which some are left out."""
FAR = 1e5
"""Positions beyond so many pixels are drawn there."""


@dataclass(frozen=True)
class Measure:
    """Sizes of texts."""

    advance: Callable[[str, bool], float]
    """Width of a text, which may be bold."""
    line: float
    """Height of a line."""


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to pixels."""

    unit: Unit
    centre: float
    """A drawn coordinate, and where it lies."""
    at: float
    per_pixel: float
    """Drawn coordinates per pixel."""

    def place(self, value: float) -> float:
        """Return the pixel position of one value."""
        # Without numpy, as positions are many.
        drawn = self.unit.down_to(value) if self.unit.exponent else value
        x = (drawn - self.centre) / self.per_pixel + self.at
        return min(max(x, -FAR), FAR) if x == x else x

    def x(self, values: np.ndarray) -> np.ndarray:
        """Return the pixel positions of values."""
        with np.errstate(over="ignore", invalid="ignore"):
            x = (self.unit.down(values) - self.centre) / self.per_pixel + self.at
        return np.clip(x, -FAR, FAR)

    def value(self, x: float) -> float:
        """Return the value at a pixel position."""
        return self.unit.up_to(self.centre + (x - self.at) * self.per_pixel)


@dataclass(frozen=True)
class Lens:
    """A lens, at the same value and as strong in every lane."""

    dot: int
    centre: float
    """Drawn coordinate of its middle."""
    times: float
    """How much larger it shows the line."""


@dataclass(frozen=True)
class Ground:
    """What all lanes share."""

    width: float
    height: float
    scale: Scale
    measure: Measure
    dots: tuple[Dot, ...]
    chosen: int | None
    """Index among the dots."""
    ticks: tuple[tuple[float, str], ...]
    """Ticks of R in pixels with their labels."""
    small_ticks: tuple[float, ...]
    shared: str
    """What the labels of the ticks share, such as ``1e9 + …``."""
    digits: int


@dataclass(frozen=True)
class Rows:
    """Heights of the rows of one lane."""

    head: float
    labels: float
    """Of the values; 0 if they are left out, as all that follow."""
    ticks: float
    band: float
    codes: float
    funnel: float = 0.0
    lens: float = 0.0

    @property
    def height(self) -> float:
        """Height of the lane."""
        above = self.head + self.labels + self.ticks
        return above + self.band + self.codes + self.funnel + self.lens


# The dots need some room below the head.
def _tight(line: float) -> Rows:
    return Rows(line + 8, 0, 0, 12, line + 7)


def _first(line: float) -> Rows:
    return Rows(line + 2, line, line + 3, 12, line + 7)


def least_height(count: int, line: float) -> float:
    """Return the height in pixels from which so many lanes have room."""
    return _first(line).height + (count - 1) * _tight(line).height + 1 if count else 0.0


def rows_of(
    count: int, active: int, height: float, line: float
) -> tuple[tuple[int, ...], tuple[Rows, ...]]:
    """Return the lanes that have room and their rows.

    Where there is not enough, lenses go first, those of the active lane last; then the labels of
    all lanes but the first; and then lanes, those farthest from the active one first.

    Parameters
    ----------
    count : int
        Number of lanes.
    active : int
        The lane that stays.
    height : float
    line : float
        Height of a line of text.
    """
    plain = Rows(line + 4, line, line + 3, 16, line + 7)
    full = Rows(line + 4, line, line + 3, 22, line + 7, 10, 2 * line + 46)
    tight, first = _tight(line), _first(line)
    mixes = (
        [full] * count,
        [full if lane == active else plain for lane in range(count)],
        [full if lane == active else first if lane == 0 else tight for lane in range(count)],
        [plain] * count,
        [first, *[tight] * (count - 1)],
    )
    for mix in mixes:
        if sum(rows.height for rows in mix) <= height:
            return tuple(range(count)), _stretched(mix, height)
    kept = max(1, int((height - first.height) // tight.height) + 1)
    start = min(max(active - (kept - 1) // 2, 0), count - min(kept, count))
    lanes = tuple(range(start, min(count, start + kept)))
    return lanes, _stretched([first, *[tight] * (len(lanes) - 1)], height)


def _stretched(mix: Sequence[Rows], height: float) -> tuple[Rows, ...]:
    """Spread what is left over lenses, bands and heads."""
    left = height - sum(rows.height for rows in mix)
    if left <= 0:
        return tuple(mix)
    count, lenses = len(mix), sum(rows.lens > 0 for rows in mix)
    lens = funnel = 0.0
    if lenses:
        # One lens among lanes without any need not be much larger.
        lens = min(left * 0.6 / lenses, 80 + 160 / count if lenses == count else 30)
        funnel = min(left * 0.05 / lenses, 8)
        left -= (lens + funnel) * lenses
    band = min(left / count, 24 + 56 / count)
    head = min(left / count - band, 6)
    return tuple(
        replace(
            rows,
            head=rows.head + head,
            band=rows.band + band,
            funnel=rows.funnel + (funnel if rows.lens else 0),
            lens=rows.lens + (lens if rows.lens else 0),
        )
        for rows in mix
    )


class Taken:
    """The places of texts in a part of the plot."""

    def __init__(self, room: QRectF) -> None:
        self._room = room
        self._boxes: list[QRectF] = []

    def block(self, box: QRectF) -> None:
        """Take a place that is no text's."""
        self._boxes.append(box)

    def free(self, box: QRectF) -> bool:
        """Return whether a text fits in there."""
        inside = self._room.left() <= box.left() and box.right() <= self._room.right()
        near = box.adjusted(-GAP / 2, 0, GAP / 2, 0)
        return inside and not any(near.intersects(other) for other in self._boxes)

    def put(self, box: QRectF) -> bool:
        """Take a place if it is free."""
        if not self.free(box):
            return False
        self._boxes.append(box)
        return True


def crisp(y: float) -> float:
    """Return the middle of the pixel at y."""
    return float(np.floor(y)) + 0.5


def combed(x: np.ndarray, apart: float = NEAREST_TICKS) -> tuple[float, ...]:
    """Return ascending positions without those that are too close to the one before."""
    if x.size < 2 or float(np.diff(x).min()) >= apart:
        return tuple(x.tolist())
    _, first = np.unique(np.floor(x / apart), return_index=True)
    return tuple(x[first].tolist())


def even_step(x: np.ndarray, apart: float) -> int:
    """Return the power of two whose multiples among even positions lie far enough apart."""
    spacing, step = float(x[-1] - x[0]) / max(1, x.size - 1), 1
    while step * spacing < apart and step < x.size:
        step *= 2
    return step
