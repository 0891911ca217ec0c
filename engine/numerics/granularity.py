"""Granularity: which values share a scale and zero point."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

import numpy as np

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.engine.numerics.channel_layout import ChannelLayout
from quantoscope.engine.numerics.roles import IN, OUT, Role, plain_role


class Kind(StrEnum):
    """Kind of granularity."""

    TENSOR = "per-tensor"
    CHANNEL = "per-channel"
    GROUP = "per-group"


TENSOR, CHANNEL, GROUP = Kind
GRANULARITIES = {
    TENSOR: "All values share one scale.",
    CHANNEL: "Each index along one axis has a scale of its own.",
    GROUP: "So many neighbours along an axis share a scale, along the last one unless said.",
}
GRANULARITIES_IN_WORDS = "per-tensor, per-channel(axis), per-group(n), per-group(n,axis)"
AXES_IN_WORDS = "out, in, an axis such as 0 or -1, or several flattened as in 1.. or 0..1"
MAX_GROUP = 1 << 24
_LAST, _FIRST = (-1,), (0,)
_MOST_AXES = 64

Shape = Sequence[int]
Axis = int | str
"""An axis; ``out`` or ``in``; or ``a..b``, axes from a to b, or ``a..``, all from a."""


@dataclass(frozen=True, init=False, repr=False)
class Granularity:
    """Which values of an array share their quantization parameters.

    *Channel* below means one such set of values, of any kind. Channels are numbered from
    0, groups along their axis first.

    Parameters
    ----------
    kind : Kind
        ``per-tensor``, ``per-channel`` or ``per-group``.
    *arguments : int or str
        As in the text of a scheme. Of ``per-channel`` the axes, 0 by default; of ``per-group``
        the size, then the axes, the last by default. Several are flattened, in this order. An
        axis is a number, negative ones counted from the last; ``out`` or ``in``, which an array's
        role resolves; or ``1..`` for all from 1, ``0..1`` for those from 0 to 1. The last group
        along the axes may be shorter.

    Raises
    ------
    ValueError
        If there is no such kind, or the arguments do not fit it.

    Examples
    --------
    >>> Granularity("per-group", 32, "1..")
    Granularity('per-group', 32, '1..')
    """

    kind: Kind
    size: int
    axes: tuple[Axis, ...]

    def __init__(self, kind: str = TENSOR, *arguments: Axis) -> None:
        if kind not in GRANULARITIES:
            raise ValueError(f"there is no granularity {str(kind)!r}")
        kind, size, axes = Kind(kind), 0, arguments
        if kind == GROUP:
            size, axes = _size(*arguments[:1]), arguments[1:] or _LAST
        elif kind == CHANNEL:
            axes = axes or _FIRST
        elif axes not in ((), (0,)):
            raise ValueError("per-tensor takes no number")
        else:
            axes = ()
        read = tuple(_axis(axis, kind) for axis in axes)
        if len(read) > _MOST_AXES:
            raise ValueError(f"{kind} takes at most {_MOST_AXES} axes")
        for name, value in (("kind", kind), ("size", size), ("axes", read)):
            object.__setattr__(self, name, value)

    @property
    def arguments(self) -> tuple[Axis, ...]:
        """Size and axes, as in the text of a scheme."""
        if self.kind == GROUP:
            return (self.size, *(() if self.axes == _LAST else self.axes))
        return self.axes

    def __repr__(self) -> str:
        return f"Granularity({', '.join(map(repr, (str(self.kind), *self.arguments)))})"

    def __str__(self) -> str:
        if self.kind == TENSOR:
            return self.kind
        return f"{self.kind}({','.join(map(str, self.arguments))})"

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
        self.axes_of(shape)

    def axes_of(self, shape: Shape, role: Role | None = None) -> tuple[int, ...]:
        """Return the axes as numbers from 0, in the order of flattening.

        Parameters
        ----------
        shape : sequence of int
        role : Role, optional
            What ``out`` and ``in`` mean; else out is axis 0, and in the rest.

        Raises
        ------
        QuantizationError
            If an array of this shape has no such axis, or one is named twice.
        """
        ndim = len(shape)
        if self.kind == TENSOR or (not ndim and self.kind == GROUP and self.axes == _LAST):
            return ()
        found = tuple(a for axis in self.axes for a in self._resolved(axis, ndim, role))
        twice = next((a for i, a in enumerate(found) if a in found[:i]), None)
        if twice is not None:
            raise QuantizationError(f"{self} names axis {twice} of this array twice.")
        return found

    def _resolved(self, axis: Axis, ndim: int, role: Role | None) -> Sequence[int]:
        if axis in (OUT, IN):
            if ndim and (role is None or not role.fits(ndim)):
                role = plain_role(ndim)
            axes = () if role is None or not ndim else role.out if axis == OUT else role.into
            return axes or self._lacks("axis of its outputs" if axis == OUT else "inner axis", ndim)
        ends = [int(end) for end in str(axis).split("..") if end]
        for end in ends:
            if not -ndim <= end < ndim:
                return self._lacks(f"axis {end}", ndim)
        first, last = ends[0] % ndim, ends[-1] % ndim
        if str(axis).endswith(".."):
            last = ndim - 1
        if last < first:
            raise QuantizationError(f"{self} names axes from {first} to {last}, which are none.")
        return range(first, last + 1)

    def _lacks(self, what: str, ndim: int) -> tuple[int, ...]:
        axes = "no axis" if not ndim else "1 axis (0)" if ndim == 1 else f"{ndim} axes"
        article = "an " if what[0] in "aeiou" else ""
        raise QuantizationError(f"{self} needs an array with {article}{what}; this one has {axes}.")

    def concrete(self, shape: Shape, role: Role | None = None) -> Granularity:
        """Return the same with numbers for ``out``, ``in`` and several axes, as ``axes_of``."""
        axes = self.axes_of(shape, role)
        if all(isinstance(axis, int) for axis in self.axes):
            return self
        return Granularity(self.kind, *self.arguments[: self.kind == GROUP], *axes)

    def moved(self, order: Sequence[int]) -> Granularity:
        """Return the granularity for ``x.transpose(order)`` with the same channels' values.

        ``out`` and ``in`` stay words: the array's role moves along.
        """
        axes: list[Axis] = []
        for axis in self.axes:
            words = axis in (OUT, IN)
            found = [axis] if words else self._resolved(axis, len(order), None)
            axes += found if words else (order.index(a) for a in found)
        return self.along(axes, len(order))

    def along(self, axes: Sequence[Axis], ndim: int) -> Granularity:
        """Return the same along other axes, written short for an array of so many."""
        given = tuple(axes)
        first, last = (given[0], given[-1]) if given else (0, 0)
        if isinstance(first, int) and isinstance(last, int) and len(given) > 1:
            if given == tuple(range(first, last + 1)):
                given = (f"{first}.." if last == ndim - 1 else f"{first}..{last}",)
        elif self.kind == GROUP and given == (ndim - 1,):
            given = _LAST
        return Granularity(self.kind, *self.arguments[: self.kind == GROUP], *given)

    def layout(self, shape: Shape) -> ChannelLayout:
        """Return where the channels' values lie; as ``axes_of`` for an array without a role."""
        return _layout(self, tuple(shape))

    def count(self, shape: Shape) -> int:
        """Return the number of channels in an array of this shape."""
        return 1 if self.whole else self.layout(shape).count

    def split(self, x: np.ndarray, filler: Any = np.nan) -> np.ndarray:
        """Return one row per channel, shape (count, n); a view where the layout allows it.

        A shorter last group is padded with ``filler``.
        """
        return x.reshape(1, -1) if self.whole else self.layout(x.shape).split(x, filler)

    def join(self, rows: np.ndarray, shape: Shape) -> np.ndarray:
        """Return the rows from ``split`` as a C-ordered array of this shape."""
        return rows.reshape(shape) if self.whole else self.layout(shape).join(rows)

    def of(self, where: IntArray, shape: Shape) -> IntArray:
        """Return the channel of each flat position."""
        return np.zeros(where.shape, np.intp) if self.whole else self.layout(shape).of(where)

    def spread(self, values: np.ndarray, shape: Shape, start: int, stop: int) -> np.ndarray:
        """Return per-channel values, shape (count,), at the flat positions from start to stop."""
        if self.whole or stop <= start:
            return np.repeat(values[:1], stop - start)
        return self.layout(shape).spread(values, start, stop)

    def positions(self, channel: int, shape: Shape) -> IntArray:
        """Return the flat positions of a channel's values, ascending."""
        if self.whole:
            return self.layout(shape).positions(0)
        return self.layout(shape).positions(channel)

    def sizes(self, shape: Shape) -> IntArray:
        """Return the number of values per channel, shape (count,)."""
        return self.layout(shape).sizes()


PER_TENSOR = Granularity()


@lru_cache(maxsize=256)
def _layout(granularity: Granularity, shape: tuple[int, ...]) -> ChannelLayout:
    axes = granularity.axes_of(shape)
    rest = tuple(a for a in range(len(shape)) if a not in axes)
    if granularity.kind == GROUP:
        return ChannelLayout(shape, rest, axes, granularity.size)
    return ChannelLayout(shape, axes, rest)


def _size(size: Axis = 0) -> int:
    if not isinstance(size, int | np.integer) or not 1 <= size <= MAX_GROUP:
        raise ValueError(f"per-group(n) takes a whole number from 1 to {MAX_GROUP}")
    return int(size)


def _axis(axis: Axis, kind: str) -> Axis:
    """Return an axis in its canonical form.

    Raises
    ------
    ValueError
        If it is none.
    """
    if axis in (OUT, IN):
        return axis
    match = re.fullmatch(r"(-?[0-9]{1,8})(\.\.(-?[0-9]{1,8})?)?", str(axis))
    if match is None:
        raise ValueError(f"{kind} takes {AXES_IN_WORDS}")
    ends = [int(end) for end in (match[1], match[3]) if end is not None]
    if not all(-_MOST_AXES <= end < _MOST_AXES for end in ends):
        raise ValueError(f"{kind}(axis) takes an axis, such as 0")
    if match[2] is None or ends[0] == ends[-1] and len(ends) > 1:
        return ends[0]
    return "..".join(map(str, ends)) + (".." if len(ends) == 1 else "")


def parse_granularity(word: str) -> Granularity | None:
    """Return the granularity that a word of scheme text names; None if it names none.

    Raises
    ------
    ValueError
        If its arguments do not fit.
    """
    kind, parenthesis, rest = word.partition("(")
    if kind not in GRANULARITIES:
        return None
    if kind == TENSOR:
        if parenthesis:
            raise ValueError("per-tensor takes no number")
        return PER_TENSOR
    example = "per-channel(0)" if kind == CHANNEL else "per-group(32)"
    arguments = list(_parsed(rest[:-1])) if rest.endswith(")") else []
    if not arguments or (kind == GROUP and not isinstance(arguments[0], int)):
        raise ValueError(f"{kind} takes a whole number, as in {example}")
    return Granularity(kind, *arguments)


def _parsed(text: str) -> Iterator[Axis]:
    for part in text.split(","):
        word = "".join(part.split())
        yield int(word) if re.fullmatch(r"-?[0-9]{1,8}", word) else word
