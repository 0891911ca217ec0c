"""Where the values of each channel or group lie in an array of a shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.engine.numerics.kernels import reduce_stacks

_LONG = 4096
"""Values of a row from which rows are copied one by one."""


@dataclass(frozen=True)
class ChannelLayout:
    """Division of an array into lines, and of lines into groups.

    A line has the values of one index of the ``lead`` axes: the ``trail`` axes flattened. Every
    axis is named once. Channels are numbered line by line, as in the array
    ``x.transpose(lead + trail).reshape(lines, length)``.

    Attributes
    ----------
    shape : tuple of int
        Of the array.
    lead, trail : tuple of int
        Axes from 0, in the order of flattening.
    group : int
        Values per group, of which the last may have fewer; 0 if a line is one channel.
    """

    shape: tuple[int, ...]
    lead: tuple[int, ...]
    trail: tuple[int, ...]
    group: int = 0

    @cached_property
    def lines(self) -> int:
        """Number of lines."""
        return math.prod(self.shape[a] for a in self.lead)

    @cached_property
    def length(self) -> int:
        """Number of values per line."""
        return math.prod(self.shape[a] for a in self.trail)

    @cached_property
    def size(self) -> int:
        """Number of values per channel; the last of a line may have fewer."""
        return min(self.group, max(1, self.length)) if self.group else self.length

    @cached_property
    def groups(self) -> int:
        """Number of channels per line."""
        return -(-self.length // self.size) if self.group else 1

    @property
    def count(self) -> int:
        """Number of channels."""
        return self.lines * self.groups

    @cached_property
    def _merged(self) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Shape, lead and trail, after neighbouring axes that stay neighbours became one."""
        shape: list[int] = []
        place: dict[int, int] = {}
        following = {b: a for axes in (self.lead, self.trail) for a, b in _pairs(axes)}
        for axis, length in enumerate(self.shape):
            if axis and following.get(axis) == axis - 1:
                shape[-1] *= length
            else:
                shape.append(length)
                place[axis] = len(shape) - 1
        lead, trail = (
            tuple(place[a] for a in axes if a in place) for axes in (self.lead, self.trail)
        )
        return tuple(shape), lead, trail

    @cached_property
    def _strides(self) -> tuple[int, ...]:
        """Distance of neighbours along each merged axis, in values."""
        shape = self._merged[0]
        return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))

    @cached_property
    def run(self) -> int:
        """How many neighbours share a channel, if all channels follow each other so; else 0."""
        shape, lead, trail = self._merged
        if not self.group and len(lead) == 1:
            return self._strides[lead[0]]
        return self.size if self.group and self.follows and not self.length % self.size else 0

    @property
    def follows(self) -> bool:
        """Whether channels follow each other in the memory of a C-ordered array."""
        shape, lead, trail = self._merged
        return trail == (len(shape) - 1,) and len(lead) < 2

    def split(self, x: np.ndarray, filler: Any = np.nan) -> np.ndarray:
        """Return one row per channel, shape (count, size); a view if the memory allows it.

        A shorter last group is padded with ``filler``.
        """
        rows = x.transpose(self.lead + self.trail).reshape(self.lines, self.length)
        missing = self.groups * self.size - self.length
        if missing > 0:
            rows = np.pad(rows, ((0, 0), (0, missing)), constant_values=filler)
        return rows.reshape(self.count, self.size)

    def join(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows from ``split`` as a C-ordered array."""
        order = self.lead + self.trail
        lines = rows.reshape(self.lines, self.groups * self.size)[:, : self.length]
        moved = lines.reshape([self.shape[a] for a in order])
        return np.ascontiguousarray(moved.transpose(np.argsort(order))).reshape(self.shape)

    def reduced(self, x: np.ndarray, better: np.ufunc) -> np.ndarray | None:
        """Return each channel's reduction, such as ``minimum``, without moving any value.

        None if groups do not lie along an axis before the last, or do not fill it.
        """
        shape, _, trail = self._merged
        across = len(trail) == 1 and self._strides[trail[0]] > 1 and self._is_across
        if not (self.group and across and x.flags.c_contiguous) or self.length % self.size:
            return None
        inner = self._strides[trail[0]]
        # One stack of rows for each group of every line that lies beside it.
        stacks = reduce_stacks(x.reshape(-1, self.size, inner), better)
        return stacks.reshape(-1, self.groups, inner).transpose(0, 2, 1).reshape(-1)

    @property
    def _is_across(self) -> bool:
        """Whether lines are numbered as they lie beside the one axis of groups."""
        shape, lead, trail = self._merged
        return lead == tuple(a for a in range(len(shape)) if a != trail[0])

    def of(self, where: IntArray) -> IntArray:
        """Return the channel of each flat position."""
        shape, lead, trail = self._merged

        def index(axes: tuple[int, ...]) -> Any:
            total: Any = 0
            for axis in axes:
                at = where // self._strides[axis] if self._strides[axis] > 1 else where
                total = total * shape[axis] + (at % shape[axis] if axis else at)
            return total

        channels: IntArray = np.zeros(where.shape, np.intp) + index(lead)
        if self.group:
            channels = channels * self.groups + index(trail) // self.size
        return channels

    def spread(self, values: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Return per-channel values, shape (count,), at the flat positions from start to stop."""
        shape, lead, trail = self._merged
        if self.run:
            return _repeated(values, self.run, self.count, start, stop)
        if self.group and self.follows:
            return self._ragged(values, start, stop)
        if self.group and len(trail) == 1 and self._is_across:
            return self._across(values, start, stop)
        spread: np.ndarray = values[self.of(np.arange(start, stop))]
        return spread

    def _ragged(self, values: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Spread values of groups along the last axis, the last of which is shorter."""
        first, last = start // self.length, (stop - 1) // self.length + 1
        sizes = np.full(self.groups, self.size)
        sizes[-1] = self.length - (self.groups - 1) * self.size
        some = values[first * self.groups : last * self.groups]
        runs = np.repeat(some, np.tile(sizes, last - first))
        return runs[start - first * self.length : stop - first * self.length]

    def _across(self, values: np.ndarray, start: int, stop: int) -> np.ndarray:
        """Spread values of groups along an axis before the last."""
        shape, _, (axis,) = self._merged
        inner = self._strides[axis]
        table = values.reshape(-1, inner, self.groups)
        first, last = start // inner, (stop - 1) // inner + 1
        if inner >= _LONG:
            pieces = []
            for row in range(first, last):
                outer, along = divmod(row, shape[axis])
                ends = max(start - row * inner, 0), min(stop - row * inner, inner)
                pieces.append(table[outer, slice(*ends), along // self.size])
            return np.concatenate(pieces)
        outers, alongs = np.divmod(np.arange(first, last), shape[axis])
        groups = alongs // self.size
        # Rows of one group are alike: gather one, which lies scattered, and repeat it.
        fresh = np.flatnonzero(np.diff(outers * self.groups + groups, prepend=-1))
        some = table[outers[fresh], :, groups[fresh]]
        rows = np.repeat(some, np.diff(fresh, append=last - first), axis=0)
        return rows.reshape(-1)[start - first * inner : stop - first * inner]

    def positions(self, channel: int) -> IntArray:
        """Return the flat positions of a channel's values, ascending."""
        shape, lead, trail = self._merged
        line, group = divmod(channel, self.groups) if self.groups else (0, 0)
        first = 0
        for axis in reversed(lead):
            line, at = divmod(line, shape[axis])
            first += at * self._strides[axis]
        if self.group:
            along = np.arange(group * self.size, min((group + 1) * self.size, self.length))
            where = np.full(along.shape, first)
            for axis in reversed(trail):
                along, index = np.divmod(along, shape[axis])
                where += index * self._strides[axis]
        else:
            where = np.array([first])
            for axis in sorted(trail):
                where = (where[:, None] + np.arange(shape[axis]) * self._strides[axis]).ravel()
        return where if trail == tuple(sorted(trail)) else np.sort(where)

    def sizes(self) -> IntArray:
        """Return the number of values per channel, shape (count,)."""
        if not self.group or not self.groups:
            return np.full(self.count, self.length)
        one = np.full(self.groups, self.size)
        one[-1] = self.length - (self.groups - 1) * self.size
        return np.tile(one, self.lines)


def _pairs(axes: tuple[int, ...]) -> zip[tuple[int, int]]:
    return zip(axes, axes[1:], strict=False)


def _repeated(values: np.ndarray, inner: int, count: int, start: int, stop: int) -> np.ndarray:
    """Spread values of which each holds for ``inner`` positions, over and over again."""
    first, last = start // inner, (stop - 1) // inner + 1
    runs = values[first:last] if last <= count else values[np.arange(first, last) % count]
    if inner > 1:
        runs = np.broadcast_to(runs[:, None], (runs.size, inner)).reshape(-1)
    return runs[start - first * inner : stop - first * inner]
