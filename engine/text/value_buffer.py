"""Buffer for the numbers parsed from a text, with counts of missing and inexact ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from quantoscope.engine.notes import Note
from quantoscope.engine.text.number_parsing import whole_number

_SINGLE, _DOUBLE = float(2**24), float(2**53)


class NeedsDouble(Exception):
    """Raised if a number exceeds the digits or range of float32."""


class ValueBuffer:
    """Buffer for all numbers that ``size`` characters may hold; unused pages take no memory.

    If ``single``, it stores float32, and raises NeedsDouble at the first number that needs more.
    """

    def __init__(self, size: int, single: bool) -> None:
        # At least one character separates two numbers.
        dtype = np.dtype(np.float32 if single else np.float64)
        self._flat: NDArray[np.floating] = np.empty(size // 2 + 2, dtype)
        self._single = single
        self.size = 0
        self.missing = 0  # missing values
        self.wide = 0  # integers that float32 cannot hold exactly
        self.lost = 0  # integers that float64 cannot hold exactly

    def put(self, values: NDArray[np.float64]) -> None:
        """Append numbers."""
        if self._single:
            narrow = narrowed(values)
            beyond = np.isinf(narrow) & np.isfinite(values) | (narrow == 0) & (values != 0)
            if self.wide or beyond.any():
                raise NeedsDouble
        self._flat[self.size : self.size + len(values)] = values
        self.size += len(values)

    def count(self, cell: str, value: float, decimal: str = ".", groups: str = "") -> None:
        """Count a number that is a missing value or loses digits."""
        if math.isnan(value):
            self.missing += cell.lstrip("+-").lower() != "nan"
        elif _SINGLE < abs(value) < math.inf:
            whole = whole_number(cell, decimal, groups)
            if whole is not None:
                lost = int(value) != whole
                self.lost += lost
                self.wide += lost or float(narrowed(np.array(value))) != value

    def count_all(self, values: NDArray[np.float64], cells: Sequence[str], text: str) -> None:
        """Count the numbers in C notation that lose digits; ``text`` is the cells' text."""
        large = np.flatnonzero(np.isfinite(values) & (np.abs(values) > _SINGLE))
        if not large.size:
            return
        if any(mark in text for mark in ".eE"):
            whole = [cells[i].strip().lstrip("+-").isdigit() for i in large.tolist()]
            large = large[np.array(whole, dtype=bool)]
        inexact = narrowed(values[large]) != values[large]
        for at in np.flatnonzero(np.abs(values[large]) >= _DOUBLE).tolist():
            place = int(large[at])
            if int(cells[place]) != int(values[place]):
                self.lost += 1
                inexact[at] = True
        self.wide += int(np.count_nonzero(inexact))

    def take(self) -> NDArray[np.floating]:
        """Return the numbers and release the buffer."""
        flat, self._flat = self._flat, self._flat[:0]
        flat.resize(self.size, refcheck=False)
        return flat

    def notes(self) -> list[Note]:
        """Return notes on missing values and lost digits."""
        word = "1 cell holds a word for a missing value: it is NaN."
        words = "%1 cells hold a word for a missing value: they are NaN."
        integer = "1 integer has more digits than float64: it is rounded."
        integers = "%1 integers have more digits than float64: they are rounded."
        return count_notes(self.missing, word, words) + count_notes(self.lost, integer, integers)


def count_notes(count: int, one: str, many: str, *parts: str) -> list[Note]:
    """Return the note on one thing, or on ``count`` of them; none on nothing."""
    if count < 2:
        return [Note(one, parts)] * count
    return [Note(many, (f"{count:,}", *parts))]


def narrowed(values: NDArray[np.floating], dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Convert values to ``dtype``; overflow gives infinity, underflow gives zero."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return values.astype(dtype, copy=False)
