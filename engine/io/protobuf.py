"""Iterate over Protocol Buffers fields without building messages.

The wire format is described at
https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.pages import Pages

# Wire types: varint, 64-bit, length-delimited, 32-bit.
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
_WIDTHS = {FIXED64: 8, FIXED32: 4}
# About fifty times as many as in large models.
MAX_FIELDS = 500_000
_PART = 1 << 20
_OFTEN = 1024
_SHORT = 1000


class WireError(ValueError):
    """Raised if bytes are not a message; the text follows the file's name."""


class Field(NamedTuple):
    """One field of a message."""

    number: int
    kind: int  # wire type
    start: int  # of its content, like ``stop``
    stop: int
    value: int = 0  # of a ``VARINT``

    @property
    def place(self) -> tuple[int, int]:
        """Position of its content."""
        return self.start, self.stop


class Wire:
    """Reader of messages in bytes; texts are charged to a budget."""

    def __init__(self, data: bytes | Pages, budget: Budget) -> None:
        self.data, self.budget = data, budget
        self._left = MAX_FIELDS

    def fields(self, start: int, stop: int) -> Iterator[Field]:
        """Yield the fields of the message from ``start`` to ``stop``.

        Raises WireError if it is not a message, or if ``MAX_FIELDS`` have been read in total.
        """
        while start < stop:
            self._left -= 1
            if self._left % _OFTEN == 0:
                cancellation.check()
            if self._left < 0:
                raise WireError(f"has more than {MAX_FIELDS:,} parts")
            tag, start = self._varint(start, stop)
            number, kind = tag >> 3, tag & 7
            value, end = 0, start + _WIDTHS.get(kind, 0)
            if kind == VARINT:
                value, end = self._varint(start, stop)
            elif kind == LENGTH:
                length, start = self._varint(start, stop)
                end = start + length
            elif kind not in _WIDTHS:
                raise WireError("has parts of no known kind")
            if end > stop or number == 0:
                raise WireError("ends within one of its parts")
            yield Field(number, kind, start, end, value)
            start = end

    def messages(self, start: int, stop: int) -> Iterator[Field]:
        """Yield those of the ``fields`` whose content may be a message or a text."""
        return (field for field in self.fields(start, stop) if field.kind == LENGTH)

    def text(self, field: Field) -> str:
        """Return the content of a field as text."""
        self.budget.take(field.stop - field.start)
        return self.budget.text(self.data[field.start : field.stop])

    def short(self, field: Field) -> bytes:
        """Return the content of a field; empty if it is longer than a name."""
        return self.data[field.start : field.stop] if field.stop - field.start <= _SHORT else b""

    def varints(self, start: int, stop: int) -> Iterator[np.ndarray]:
        """Yield packed varints from ``start`` to ``stop`` as uint64, in batches."""
        while start < stop:
            cancellation.check()
            end = min(start + _PART, stop)
            # A varint may cross the end of a batch.
            while end < stop and self.data[end - 1] & 0x80 and end - start < _PART + 10:
                end += 1
            yield _unpacked(np.frombuffer(self.data[start:end], np.uint8))
            start = end

    def _varint(self, start: int, stop: int) -> tuple[int, int]:
        """Return the varint at ``start`` and its end."""
        value = 0
        for i, byte in enumerate(self.data[start : min(stop, start + 10)]):
            value |= (byte & 0x7F) << 7 * i
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, start + i + 1
        raise WireError("ends within one of its parts")


def _unpacked(data: np.ndarray) -> np.ndarray:
    """Decode varints."""
    stops = np.flatnonzero(data < 0x80) + 1
    if data.size and (not stops.size or stops[-1] != data.size):
        raise WireError("ends within one of its parts")
    starts = np.concatenate([[0], stops[:-1]]) if stops.size else stops
    lengths = stops - starts
    longest = int(lengths.max(initial=0))
    if longest > 10:
        raise WireError("has numbers that are too long")
    values = np.zeros(stops.size, np.uint64)
    for i in range(longest):
        has = lengths > i
        septets = (data[starts[has] + i] & 0x7F).astype(np.uint64)
        values[has] |= septets << np.uint64(7 * i)
    return values
