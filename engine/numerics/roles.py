"""Roles: which axes of a weight are its output channels, and which a product sums over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

OUT, IN = "out", "in"


@dataclass(frozen=True)
class Role:
    """What the axes of a weight are to the operator that takes it.

    Parameters
    ----------
    out : tuple of int
        Axes of the output channels, from 0; the words ``out`` of a scheme.
    into : tuple of int
        Axes that the product sums over, in the order in which they are flattened; ``in``.
    user : str
        The operator or layer, such as ``MatMul``; empty if unknown.

    Raises
    ------
    ValueError
        If an axis is negative, or named twice.

    Examples
    --------
    >>> str(Role((1,), (0,), "MatMul"))
    'out 1, in 0 (MatMul)'
    """

    out: tuple[int, ...]
    into: tuple[int, ...]
    user: str = ""

    def __post_init__(self) -> None:
        both = (*self.out, *self.into)
        if not self.out or min(both) < 0 or len(set(both)) < len(both):
            raise ValueError("a role names each axis once, from 0")

    def __str__(self) -> str:
        names = [(OUT, self.out), (IN, self.into)]
        text = ", ".join(f"{word} {','.join(map(str, axes))}" for word, axes in names if axes)
        return f"{text} ({self.user})" if self.user else text

    def fits(self, ndim: int) -> bool:
        """Return whether an array of so many axes has all of them."""
        return max((*self.out, *self.into)) < ndim

    def moved(self, order: Sequence[int]) -> Role:
        """Return the role of ``x.transpose(order)``."""
        place = {axis: i for i, axis in enumerate(order)}
        out, into = (tuple(place[a] for a in axes) for axes in (self.out, self.into))
        return Role(out, into, self.user)

    def as_json(self) -> dict[str, Any]:
        """Return the role as JSON types."""
        return {OUT: list(self.out), IN: list(self.into), "user": self.user or None}

    @classmethod
    def from_json(cls, content: Any) -> Role | None:
        """Read ``as_json``; None for anything else."""
        if not isinstance(content, Mapping):
            return None
        out, into, user = content.get(OUT), content.get(IN), content.get("user")
        if not (isinstance(out, list) and isinstance(into, list) and len(out) + len(into) <= 64):
            return None
        if not all(type(axis) is int and axis < 64 for axis in (*out, *into)):
            return None
        try:
            return cls(tuple(out), tuple(into), user[:80] if isinstance(user, str) else "")
        except ValueError:
            return None


def plain_role(ndim: int) -> Role:
    """Return the role of a weight of which nothing is known: out is axis 0, in the rest.

    Raises
    ------
    ValueError
        If there is no axis.
    """
    if ndim < 1:
        raise ValueError("a single number has no axes")
    return Role((0,), tuple(range(1, ndim)))
