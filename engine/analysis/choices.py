"""Choices in which two schemes differ, and all combinations of them.

A *corner* is a set of choices made as in the second scheme, with all others
made as in the first; it is an integer with one bit per choice. Some corners are
not valid schemes, such as a format with a mapping it does not support; orders of choices that lead
through them are excluded.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from quantoscope.engine.formats import FORMATS
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.quantizers import QUANTIZERS, Quantizer
from quantoscope.engine.quantizers.base import Choice
from quantoscope.engine.schemes.arithmetic_choices import (
    ARITHMETIC_CHOICES,
    CODE_CHOICES,
    SCALE_CHOICES,
)
from quantoscope.engine.schemes.scheme import Scheme


@dataclass(frozen=True)
class State:
    """A scheme with explicit arithmetic instead of a runtime or rounding."""

    scheme: Scheme
    quantizer: Quantizer
    arithmetic: Arithmetic


class Choices(ABC):
    """Choices in which two schemes differ, in the order of the arithmetic."""

    choices: tuple[Choice, ...]
    silent: tuple[Choice, ...] = ()
    """Choices that change no value: the treatment of NaN."""

    @abstractmethod
    def corner(self, made: int) -> State | None:
        """Return the scheme of a corner; None if it is not valid."""

    def single(self, number: int) -> list[Choice]:
        """Return the choices merged at a position."""
        return [self.choices[number]]

    @property
    def count(self) -> int:
        """Number of choices."""
        return len(self.choices)

    @property
    def full(self) -> int:
        """Corner with every choice made."""
        return (1 << self.count) - 1


def choices_between(first: Scheme, second: Scheme) -> Choices:
    """Return the choices in which two schemes differ."""
    if first.format.mapping and second.format.mapping:
        return _OfFamilies(first, second)
    if second.format.mapping:
        return _IntoBlock(first, second)
    if first.format.mapping:
        return _Reversed(_IntoBlock(second, first))
    return _OfSchemes(_state(first), _state(second))


def _state(scheme: Scheme) -> State:
    plain = Scheme(scheme.format, scheme.mapping, scheme.calibration, scheme.granularity)
    return State(plain, QUANTIZERS[scheme.mapping], scheme.arithmetic)


class _OfSchemes(Choices):
    """Choices between two schemes of non-block formats."""

    def __init__(self, first: State, second: State) -> None:
        self._first, self._second = first, second
        self._changes: list[tuple[str, tuple[str, ...]]] = []
        found: list[Choice] = []
        one, other = first.scheme, second.scheme
        for name in ("granularity", "calibration", "format", "mapping"):
            old, new = getattr(one, name), getattr(other, name)
            if old != new:
                found.append(Choice(name, name.capitalize(), str(old), str(new)))
                self._changes.append(("scheme", (name,)))
        a, b = first.arithmetic, second.arithmetic
        for kind in ARITHMETIC_CHOICES:
            if all(getattr(a, name) == getattr(b, name) for name in kind.fields):
                continue
            words = [kind.words(each, other) for each in (a, b)]
            if words[0] == words[1]:
                # The option may be meaningful in the first scheme only.
                words = [kind.words(each, one) for each in (a, b)]
            choice = Choice(kind.key, kind.title, *words)
            if not kind.of_values:
                self.silent = (*self.silent, choice)
                continue
            found.append(choice)
            self._changes.append(("arithmetic", kind.fields))
        self.choices = tuple(found)

    def corner(self, made: int) -> State | None:
        changes: dict[str, dict[str, Any]] = {"scheme": {}, "arithmetic": {}}
        for number, (of, fields) in enumerate(self._changes):
            if made >> number & 1:
                changes[of] |= {name: getattr(getattr(self._second, of), name) for name in fields}
        try:
            scheme = replace(self._first.scheme, **changes["scheme"])
        except ValueError:
            return None
        arithmetic = replace(self._first.arithmetic, **changes["arithmetic"])
        return State(scheme, QUANTIZERS[scheme.mapping], arithmetic)


class _OfFamilies(Choices):
    """Choices between two formats with their own definitions."""

    def __init__(self, first: Scheme, second: Scheme) -> None:
        self._first, self._second = _state(first), _state(second)
        self._changes = self._first.quantizer.changes_to(self._second.quantizer)
        self.choices = tuple(choice for choice, _ in self._changes)

    def corner(self, made: int) -> State | None:
        if made == self.full:
            return self._second
        quantizer = self._first.quantizer
        for number, (_, make) in enumerate(self._changes):
            if made >> number & 1:
                quantizer = make(quantizer)
        return replace(self._first, quantizer=quantizer)


class _IntoBlock(Choices):
    """From an affine scheme to a block format: at last, where that has its codes from another."""

    def __init__(self, first: Scheme, block: Scheme) -> None:
        self._first, self._block = _state(first), _state(block)
        affine = QUANTIZERS[block.mapping].affine_equivalent()
        self._affine: _OfSchemes | None = None
        if affine is None:
            self.choices = (Choice("format", "Format", str(first), str(block)),)
            return
        fmt = FORMATS[affine.format]
        scheme = Scheme(fmt, affine.mapping, block.calibration, block.granularity)
        goal = State(scheme, QUANTIZERS[affine.mapping], affine.arithmetic)
        self._affine = _OfSchemes(self._first, goal)
        self.choices, self.silent = (*self._affine.choices, affine.rest), self._affine.silent

    def corner(self, made: int) -> State | None:
        if made == self.full:
            return self._block
        if self._affine is None:
            return self._first
        # What sets a block format apart from an affine one has a meaning only there.
        return None if made > self._affine.full else self._affine.corner(made)


class _Reversed(Choices):
    """The same choices from the second scheme to the first."""

    def __init__(self, forwards: Choices) -> None:
        self._forwards = forwards
        self.choices, self.silent = (
            tuple(Choice(c.key, c.title, c.second, c.first) for c in choices)
            for choices in (forwards.choices, forwards.silent)
        )

    def corner(self, made: int) -> State | None:
        return self._forwards.corner(self.full ^ made)


class _Merged(Choices):
    """Choices with some of them merged, since each choice doubles the number of corners."""

    def __init__(self, single: Choices, parts: Sequence[tuple[str, str, int]]) -> None:
        self._single, self._parts = single, [part for *_, part in parts]
        self.silent = single.silent
        self.choices = tuple(
            _joined(key, title, self.single(number)) for number, (key, title, _) in enumerate(parts)
        )

    def single(self, number: int) -> list[Choice]:
        part = self._parts[number]
        return [c for n, c in enumerate(self._single.choices) if part >> n & 1]

    def corner(self, made: int) -> State | None:
        return self._single.corner(
            sum(part for number, part in enumerate(self._parts) if made >> number & 1)
        )


def _joined(key: str, title: str, choices: Sequence[Choice]) -> Choice:
    if len(choices) == 1:
        return choices[0]
    pairs = [(choice.first, choice.second) for choice in choices if choice.first != choice.second]
    first, second = ("; ".join(pair[side] for pair in pairs) for side in (0, 1))
    return Choice(key, title, first, second)


_SCALE = tuple(kind.key for kind in SCALE_CHOICES)
_CODE = tuple(kind.key for kind in CODE_CHOICES)
_MERGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("scale-arithmetic", "Arithmetic of the scale", _SCALE),
    ("code-arithmetic", "Arithmetic of the codes", _CODE),
    ("arithmetic", "Arithmetic", (*_SCALE, *_CODE)),
    ("format", "Format and mapping", ("format", "mapping")),
    ("range", "Range", ("granularity", "calibration")),
)
"""Groups of choices to merge if there are too many, in this order."""


def bounded(choices: Choices, most: int, idle: Callable[[int], bool]) -> Choices:
    """Return at most ``most`` choices (one or more), merging some if necessary.

    ``idle`` says whether the choice at a position probably changes nothing and needs no corners.
    """
    if choices.count <= most and orders(choices) is not None:
        return choices
    parts = [(c.key, c.title, 1 << number) for number, c in enumerate(choices.choices)]
    quiet = [number for number in range(choices.count) if idle(number)]
    if len(quiet) > 1 and len(quiet) < choices.count:
        title = " and ".join(choices.choices[number].title for number in quiet)
        together = ("others", title, sum(1 << number for number in quiet))
        parts = [part for number, part in enumerate(parts) if number not in quiet] + [together]
    for key, title, keys in (*_MERGES, ("scheme", "Scheme", ())):
        merged = _Merged(choices, parts)
        if len(parts) <= most and orders(merged) is not None:
            return merged
        mine = [part for part in parts if not keys or part[0] in keys or _within(part[0], keys)]
        if len(mine) > 1:
            at = parts.index(mine[0])
            together = (key, title, sum(part for *_, part in mine))
            parts = [part for part in parts if part not in mine]
            parts.insert(at, together)
    return _Merged(choices, parts)


def _within(key: str, keys: tuple[str, ...]) -> bool:
    """Return whether choices that were merged before are among ``keys``."""
    inner = next((inside for name, _, inside in _MERGES if name == key), ())
    return bool(inner) and set(inner) <= set(keys)


def orders(choices: Choices, usable: Callable[[int], bool] | None = None) -> np.ndarray | None:
    """Return the share of all orders that make a choice right after those of a corner.

    In float64, shape (choices, corners); None if there is no order at all. ``usable`` says whether
    a corner may be visited, by default if it is a valid scheme.
    """
    usable = usable or (lambda made: choices.corner(made) is not None)
    fits = [usable(made) for made in range(choices.full + 1)]
    return _orders(choices.count, tuple(fits))


@lru_cache(maxsize=64)
def _orders(count: int, fits: tuple[bool, ...]) -> np.ndarray | None:
    """Count the paths from no choice to each corner, and from there to all choices."""
    corners = 1 << count
    ways: list[Any] = [0] * corners
    ways[0] = int(fits[0])
    for made in range(1, corners):
        if fits[made]:
            ways[made] = sum(ways[made ^ 1 << i] for i in range(count) if made >> i & 1)
    onward: list[Any] = [0] * corners
    onward[-1] = int(fits[-1])
    for made in range(corners - 2, -1, -1):
        if fits[made]:
            onward[made] = sum(onward[made | 1 << i] for i in range(count) if not made >> i & 1)
    total = ways[-1]
    if not total:
        return None
    parts = np.zeros((count, corners))
    for made in range(corners):
        for i in range(count):
            if not made >> i & 1:
                parts[i, made] = ways[made] * onward[made | 1 << i] / total
    return parts
