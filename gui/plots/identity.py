"""Immutable objects as keys of what was computed from them: the very same ones, not equal ones."""

from __future__ import annotations


class ByIdentity:
    """Compares by which objects these are; keeps them alive, so that no other takes their id."""

    def __init__(self, *objects: object) -> None:
        self.objects = objects

    def __hash__(self) -> int:
        return hash(tuple(map(id, self.objects)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ByIdentity) or len(other.objects) != len(self.objects):
            return False
        return all(a is b for a, b in zip(self.objects, other.objects, strict=True))
