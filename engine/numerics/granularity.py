"""Granularity: which values share a scale and zero point."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.numerics.arrays import IntArray


class Kind(StrEnum):
    """Kind of granularity."""

    TENSOR = "per-tensor"
    CHANNEL = "per-channel"
    GROUP = "per-group"


TENSOR, CHANNEL, GROUP = Kind
GRANULARITIES = {
    TENSOR: "All values share one scale.",
    CHANNEL: "Each index along one axis has a scale of its own.",
    GROUP: "So many neighbours along the last axis share a scale.",
}
GRANULARITIES_IN_WORDS = "per-tensor, per-channel(axis), per-group(n)"
MAX_GROUP = 1 << 24

Shape = Sequence[int]


@dataclass(frozen=True)
class Granularity:
    """Which values of an array share their quantization parameters.

    *Channel* below means one such set of values, of any kind. Channels are numbered from
    0, groups along the last axis first.

    Parameters
    ----------
    kind : Kind
        ``per-tensor``, ``per-channel`` or ``per-group``.
    number : int
        The axis of ``per-channel``, negative ones counted from the last; the size of
        ``per-group``, whose last group may be shorter.

    Raises
    ------
    ValueError
        If there is no such kind, or the number does not fit it.
    """

    kind: Kind = TENSOR
    number: int = 0

    def __post_init__(self) -> None:
        if self.kind not in GRANULARITIES:
            raise ValueError(f"there is no granularity {str(self.kind)!r}")
        object.__setattr__(self, "kind", Kind(self.kind))
        if self.kind == GROUP and not 1 <= self.number <= MAX_GROUP:
            raise ValueError(f"per-group(n) takes a whole number from 1 to {MAX_GROUP}")
        if self.kind == CHANNEL and not -64 <= self.number < 64:
            raise ValueError("per-channel(axis) takes an axis, such as 0")
        if self.kind == TENSOR and self.number:
            raise ValueError("per-tensor takes no number")

    def __repr__(self) -> str:
        return f"Granularity({str(self.kind)!r}, {self.number})"

    def __str__(self) -> str:
        return self.kind if self.kind == TENSOR else f"{self.kind}({self.number})"

    @property
    def whole(self) -> bool:
        """Whether all values share one scale."""
        return self.kind == TENSOR

    def name(self, channel: int) -> str:
        """Return the name of a channel for the user."""
        if self.whole:
            return "all values"
        return f"{'channel' if self.kind == CHANNEL else 'group'} {channel}"

    def check(self, shape: Shape) -> None:
        """Raise QuantizationError if an array of this shape has no such axis."""
        if self.kind != CHANNEL or -len(shape) <= self.number < len(shape):
            return
        axes = "no axis" if not shape else "1 axis (0)" if len(shape) == 1 else f"{len(shape)} axes"
        raise QuantizationError(
            f"{self} needs an array with an axis {self.number}; this one has {axes}."
        )

    def _axis(self, shape: Shape) -> int:
        return self.number % len(shape)

    def _group(self, shape: Shape) -> tuple[int, int, int]:
        """Return the length of the last axis, the group size, and the groups along that axis."""
        length = shape[-1] if len(shape) else 1
        size = min(self.number, max(1, length))
        return length, size, -(-length // size)

    def count(self, shape: Shape) -> int:
        """Return the number of channels in an array of this shape."""
        if self.whole:
            return 1
        if self.kind == CHANNEL:
            return int(shape[self._axis(shape)])
        length, _, groups = self._group(shape)
        return math.prod(shape) // max(1, length) * groups

    def split(self, x: np.ndarray, filler: Any = np.nan) -> np.ndarray:
        """Return one row per channel, shape (count, n); a view where the layout allows it.

        A shorter last group is padded with ``filler``.
        """
        if self.whole:
            return x.reshape(1, -1)
        if self.kind == CHANNEL:
            axis = self._axis(x.shape)
            return np.moveaxis(x, axis, 0).reshape(x.shape[axis], -1)
        length, size, groups = self._group(x.shape)
        lines = x.reshape(-1, length)
        missing = groups * size - length
        if missing:
            lines = np.pad(lines, ((0, 0), (0, missing)), constant_values=filler)
        return lines.reshape(-1, size)

    def join(self, rows: np.ndarray, shape: Shape) -> np.ndarray:
        """Return the rows from ``split`` as a C-ordered array of this shape."""
        if self.whole:
            return rows.reshape(shape)
        if self.kind == CHANNEL:
            axis = self._axis(shape)
            moved = (shape[axis], *shape[:axis], *shape[axis + 1 :])
            return np.ascontiguousarray(np.moveaxis(rows.reshape(moved), 0, axis))
        length, size, groups = self._group(shape)
        lines = rows.reshape(-1, groups * size)[:, :length]
        return np.ascontiguousarray(lines).reshape(shape)

    def of(self, where: IntArray, shape: Shape) -> IntArray:
        """Return the channel of each flat position."""
        if self.whole:
            return np.zeros(where.shape, np.intp)
        if self.kind == CHANNEL:
            axis = self._axis(shape)
            inner = math.prod(shape[axis + 1 :])
            return (where // inner) % shape[axis]
        length, size, groups = self._group(shape)
        return where // length * groups + where % length // size

    def spread(self, values: np.ndarray, shape: Shape, start: int, stop: int) -> np.ndarray:
        """Return per-channel values, shape (count,), at the flat positions from start to stop."""
        if self.whole or stop <= start:
            return np.repeat(values[:1], stop - start)
        if self.kind == GROUP:
            length, size, _ = self._group(shape)
            if length % size:
                return self._spread_ragged(values, shape, start, stop)
            inner, count = size, math.prod(shape) // size
        else:
            axis = self._axis(shape)
            inner, count = math.prod(shape[axis + 1 :]), shape[axis]
        first, last = start // inner, (stop - 1) // inner + 1
        # Channel numbers repeat for each index of the axes before the channel axis.
        runs = values[first:last] if last <= count else values[np.arange(first, last) % count]
        if inner > 1:
            runs = np.broadcast_to(runs[:, None], (runs.size, inner)).reshape(-1)
        return runs[start - first * inner : stop - first * inner]

    def _spread_ragged(self, values: np.ndarray, shape: Shape, start: int, stop: int) -> np.ndarray:
        """Spread per-group values along lines whose last group is shorter."""
        length, size, groups = self._group(shape)
        first, last = start // length, (stop - 1) // length + 1
        sizes = np.full(groups, size)
        sizes[-1] = length - (groups - 1) * size
        runs = np.repeat(values[first * groups : last * groups], np.tile(sizes, last - first))
        return runs[start - first * length : stop - first * length]

    def positions(self, channel: int, shape: Shape) -> IntArray:
        """Return the flat positions of a channel's values, ascending."""
        if self.whole:
            return np.arange(math.prod(shape))
        if self.kind == CHANNEL:
            axis = self._axis(shape)
            inner = math.prod(shape[axis + 1 :])
            outer = np.arange(math.prod(shape[:axis])) * (inner * shape[axis])
            return (outer[:, None] + channel * inner + np.arange(inner)).ravel()
        length, size, groups = self._group(shape)
        line, group = divmod(channel, groups)
        first = group * size
        return line * length + np.arange(first, min(first + size, length))

    def sizes(self, shape: Shape) -> IntArray:
        """Return the number of values per channel, shape (count,)."""
        count = self.count(shape)
        if self.kind != GROUP:
            return np.full(count, math.prod(shape) // max(1, count))
        length, size, groups = self._group(shape)
        one = np.full(groups, size)
        one[-1] = length - (groups - 1) * size
        return np.tile(one, count // groups)


PER_TENSOR = Granularity()


def parse_granularity(word: str) -> Granularity | None:
    """Return the granularity that a word of scheme text names; None if it names none.

    Raises
    ------
    ValueError
        If its number does not fit.
    """
    kind, parenthesis, rest = word.partition("(")
    if kind not in GRANULARITIES:
        return None
    if kind == TENSOR:
        if parenthesis:
            raise ValueError("per-tensor takes no number")
        return PER_TENSOR
    match = re.fullmatch(r"\s*(-?[0-9]{1,8})\s*\)", rest)
    if match is None:
        example = "per-channel(0)" if kind == CHANNEL else "per-group(32)"
        raise ValueError(f"{kind} takes a whole number, as in {example}")
    return Granularity(Kind(kind), int(match[1]))
