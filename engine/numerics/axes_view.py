"""Views of an array: its axes transposed and reshaped, with the way back to its own layout."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.numerics.roles import Role

Shape = tuple[int, ...]
_MOST_STEPS = 64


def moved_axes(axes: Sequence[int], old: Shape, new: Shape) -> tuple[int, ...] | None:
    """Return the axes that hold the same indices after a reshape; None if none do.

    Axes of length 1 hold no index: they come and go.

    Parameters
    ----------
    axes : sequence of int
        Axes from 0, in the order in which they are flattened.
    old, new : tuple of int
        Shapes of an array before and after.
    """
    parts = _parts(old, new)
    found: list[int] = []
    rest = tuple(axis for axis in axes if old[axis] != 1)
    while rest:
        part = next((p for p in parts if p[0] == rest[: len(p[0])]), None)
        if part is None:
            return None
        found += part[1]
        rest = rest[len(part[0]) :]
    ones = (axis for axis, length in enumerate(new) if length == 1)
    return tuple(found) or tuple(ones)[:1] or None


def _parts(old: Shape, new: Shape) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the smallest runs of axes, but for those of length 1, that turn into each other."""
    befores, afters = ([a for a, n in enumerate(shape) if n != 1] for shape in (old, new))
    parts: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    while befores and afters:
        some, others = [befores.pop(0)], [afters.pop(0)]
        while (a := math.prod(old[i] for i in some)) != (b := math.prod(new[i] for i in others)):
            if not (befores if a < b else afters):
                return parts
            (some if a < b else others).append((befores if a < b else afters).pop(0))
        parts.append((tuple(some), tuple(others)))
    return parts


def reshaped_granularity(g: Granularity, old: Shape, new: Shape) -> Granularity | None:
    """Return the granularity with the same channels after a reshape; None if there is none.

    ``out`` and ``in`` stay words: the array's role follows.
    """
    if g.whole or {"out", "in"} & set(g.axes):
        return g
    axes = moved_axes(g.axes_of(old), old, new)
    return None if axes is None else g.along(axes, len(new))


def reshaped_role(role: Role, old: Shape, new: Shape) -> Role | None:
    """Return the role of a reshaped array; None if outputs and inner axes are mixed."""
    out, into = (moved_axes(axes, old, new) for axes in (role.out, role.into))
    if out is None or (into is None and any(old[axis] != 1 for axis in role.into)):
        return None
    return Role(out, tuple(axis for axis in into or () if axis not in out), role.user)


@dataclass(frozen=True)
class AxesView:
    """How an array is shown: steps from its own layout, each with the shape before it.

    Attributes
    ----------
    steps : tuple of (tuple of int, tuple of int or None)
        The shape before, and the order of axes of ``transpose``, or None for a reshape.
    """

    steps: tuple[tuple[Shape, tuple[int, ...] | None], ...] = ()

    def transposed(self, shape: Shape, order: Sequence[int]) -> AxesView:
        """Return the view after ``transpose(order)`` of what has this shape."""
        steps, order = self.steps, tuple(order)
        if steps and steps[-1][1] is not None:
            shape, before = steps[-1]
            assert before is not None
            steps, order = steps[:-1], tuple(before[axis] for axis in order)
        same = order == tuple(range(len(order)))
        return AxesView(steps if same else (*steps, (shape, order)))

    def reshaped(self, shape: Shape, new: Shape) -> AxesView:
        """Return the view after a reshape of what has this shape to the new one."""
        steps = self.steps
        if steps and steps[-1][1] is None:
            shape, steps = steps[-1][0], steps[:-1]
        return AxesView(steps if shape == new else (*steps, (shape, None)))

    def own(self, array: np.ndarray) -> np.ndarray:
        """Return the array in its own layout, as a view where its memory allows it."""
        for shape, order in reversed(self.steps):
            array = array.reshape(shape) if order is None else array.transpose(np.argsort(order))
        return array

    def as_json(self) -> list[Any]:
        """Return the steps as JSON types."""
        return [
            [list(shape), None if order is None else list(order)] for shape, order in self.steps
        ]

    @classmethod
    def from_json(cls, content: Any, shape: Shape) -> AxesView | None:
        """Read ``as_json``; None unless it is a view of an array shown in this shape."""
        if not isinstance(content, list) or len(content) > _MOST_STEPS:
            return None
        steps = []
        for step in content:
            if not isinstance(step, list) or len(step) != 2 or not _whole(step[0]):
                return None
            if step[1] is not None and not _whole(step[1]):
                return None
            steps.append((tuple(step[0]), None if step[1] is None else tuple(step[1])))
        for before, order in reversed(steps):
            if order is None:
                if math.prod(before) != math.prod(shape):
                    return None
            elif (
                sorted(order) != list(range(len(before)))
                or tuple(before[axis] for axis in order) != shape
            ):
                return None
            shape = before
        return cls(tuple(steps))


def _whole(numbers: Any) -> bool:
    return (
        isinstance(numbers, list)
        and len(numbers) <= 64
        and all(type(number) is int and 0 <= number < 1 << 62 for number in numbers)
    )
