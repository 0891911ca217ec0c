"""Memory budget for a file's names and other texts, charged before allocation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from quantoscope.engine.io.base import FormatError, label, most_memory

# Memory per tensor in the reader's index, the returned list and the window's list.
ENTRY = 800
AXIS = 40
# Overhead of Python and the system.
_RESERVE = 1 << 23
_TEXT = 80
# Upper bound of the memory of parsed JSON, in bytes per punctuation character.
_SIGNS = {b"{": 190, b"[": 80, b":": 170, b",": 40, b'"': 30}


class Budget:
    """Memory left for the metadata of a file.

    The limit is ``most_memory`` of the file's ``size`` in bytes, which count once themselves,
    since they are read or mapped.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size
        self._left = most_memory(size) - size - _RESERVE

    def take(self, nbytes: int) -> None:
        """Charge bytes that are about to be allocated; raise FormatError if they are too many."""
        self._left -= nbytes
        if self._left < 0:
            raise FormatError(
                f"{label(self._path)} has more names and other texts than fit into the "
                f"{most_memory(self._size):,} bytes of memory that a file of {self._size:,} bytes "
                "may take here."
            )

    def take_text(self, data: Any) -> None:
        """Charge UTF-8 that is about to be decoded."""
        self.take(_TEXT + len(data) * (1 + _width(data)))

    def text(self, data: bytes) -> str:
        """Decode UTF-8, replacing invalid bytes."""
        self.take_text(data)
        return data.decode("utf-8", "replace")

    def take_joined(self, *parts: str) -> None:
        """Charge texts that are about to be joined."""
        widest = max(map(bytes_each, parts), default=1)
        self.take(_TEXT + widest * sum(map(len, parts)))

    def take_json(self, data: bytes | bytearray) -> None:
        """Charge JSON that is about to be parsed into Python objects."""
        self.take(json_cost(data))

    def take_entry(self, axes: int = 0) -> None:
        """Charge a tensor that is about to be listed, without its name."""
        self.take(ENTRY + AXIS * axes)


def bytes_each(text: str) -> int:
    """Return an upper bound of the bytes per character of a string: 1, 2 or 4."""
    if text.isascii():
        return 1
    # The header of a str object takes at most 76 bytes.
    each = -(-(sys.getsizeof(text) - 76) // len(text))
    return 1 if each <= 1 else 2 if each <= 2 else 4


def _width(data: Any) -> int:
    """Return the bytes per character of decoded UTF-8."""
    highest = int(np.frombuffer(data, np.uint8).max()) if len(data) else 0
    # Lead bytes of characters up to U+007F, U+00FF, U+FFFF and beyond.
    if highest < 0x80:
        return 1
    return 4 if highest >= 0xF0 else 2


def json_cost(data: bytes | bytearray) -> int:
    """Return an upper bound of the memory that parsing JSON takes, in bytes.

    Counted are the text as bytes and decoded, and the objects made from it.
    """
    width = _width(data)
    # An escape may be a wide character, in the decoded string and in the pieces joined to it.
    made = 8 if b"\\u" in data else width
    parts = sum(cost * data.count(sign) for sign, cost in _SIGNS.items())
    return len(data) * (1 + width + made) + parts
