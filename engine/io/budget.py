"""How much memory the names and other texts of a file may take, counted before they are made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from quantoscope.engine.io.base import FormatError, most_memory, shown

# What a tensor takes in the reader's index, the list that is returned, and a list on the screen.
ENTRY = 800
AXIS = 40
# What Python and the system take around it all.
_RESERVE = 1 << 23
_TEXT = 80
# What parsed JSON takes: so many bytes at most for each of the signs between its parts.
_SIGNS = {b"{": 190, b"[": 80, b":": 170, b",": 40, b'"': 30}


class Budget:
    """The memory that is left for what a file says about itself.

    A file may take so many bytes in all (``most_memory``); its own bytes count once, since they
    are read or mapped.

    Parameters
    ----------
    path : Path
    size : int
        Of the file, in bytes.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size
        self._left = most_memory(size) - size - _RESERVE

    def take(self, nbytes: int) -> None:
        """Count bytes that are about to be taken.

        Raises
        ------
        FormatError
        """
        self._left -= nbytes
        if self._left < 0:
            raise FormatError(
                f"{shown(self._path)} has more names and other texts than fit into the "
                f"{most_memory(self._size):,} bytes of memory that a file of {self._size:,} bytes "
                "may take here."
            )

    def take_text(self, data: Any) -> None:
        """Count UTF-8 that is about to become text."""
        self.take(_TEXT + len(data) * (1 + _width(data)))

    def text(self, data: bytes) -> str:
        """Decode UTF-8, what is no UTF-8 replaced."""
        self.take_text(data)
        return data.decode("utf-8", "replace")

    def take_joined(self, *parts: str) -> None:
        """Count texts that are about to be joined to one."""
        widest = max(map(bytes_each, parts), default=1)
        self.take(_TEXT + widest * sum(map(len, parts)))

    def take_json(self, data: bytes | bytearray) -> None:
        """Count JSON that is about to be parsed into Python's objects."""
        self.take(json_cost(data))

    def take_entry(self, axes: int = 0) -> None:
        """Count a tensor that is about to be listed; its name is counted by itself."""
        self.take(ENTRY + AXIS * axes)


def bytes_each(text: str) -> int:
    """Return at least as many bytes as each character of a text takes: 1, 2 or 4."""
    if text.isascii():
        return 1
    # The head of such a text takes no more than 76 bytes.
    each = -(-(sys.getsizeof(text) - 76) // len(text))
    return 1 if each <= 1 else 2 if each <= 2 else 4


def _width(data: Any) -> int:
    """Return how many bytes each character of UTF-8 takes when it is text."""
    highest = int(np.frombuffer(data, np.uint8).max()) if len(data) else 0
    # Bytes that begin a character, of those up to U+007F, U+00FF, U+FFFF and beyond.
    if highest < 0x80:
        return 1
    return 4 if highest >= 0xF0 else 2


def json_cost(data: bytes | bytearray) -> int:
    """Return how many bytes JSON takes at most while it is parsed.

    That is the text itself, once as bytes and once decoded, and everything that is made of it.
    """
    width = _width(data)
    # An escape may stand for a wide character, in what is made of the text: in pieces, then joined.
    made = 8 if b"\\u" in data else width
    parts = sum(cost * data.count(sign) for sign, cost in _SIGNS.items())
    return len(data) * (1 + width + made) + parts
