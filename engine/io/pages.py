"""Read a file's bytes on demand, page by page."""

from __future__ import annotations

from typing import BinaryIO, overload

from quantoscope.engine import cancellation
from quantoscope.engine.io.base import FormatError

PAGE = 1 << 15


class Pages:
    """Random access to the bytes of a file.

    Unlike a mapping, it raises instead of killing the process if the file becomes shorter than
    ``size`` bytes. Every other reader of the stream has to seek first, as this class does.
    """

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream, self._size = stream, size
        self._first, self._page = 0, b""

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, place: int) -> int: ...
    @overload
    def __getitem__(self, place: slice) -> bytes: ...
    def __getitem__(self, place: int | slice) -> int | bytes:
        """Return a byte, or the bytes of a slice with a start and no step.

        Raises FormatError if the file has become shorter.
        """
        if isinstance(place, slice):
            start, stop = place.start, min(place.stop, self._size)
        else:
            start, stop = place, place + 1
        if not (self._first <= start and stop - self._first <= len(self._page)):
            if stop - start > PAGE:
                return self._read(start, stop - start)
            self._page, self._first = self._read(start, min(PAGE, self._size - start)), start
        part = self._page[start - self._first : stop - self._first]
        return part if isinstance(place, slice) else part[0]

    def _read(self, start: int, count: int) -> bytes:
        cancellation.check()
        if count <= 0:
            return b""
        self._stream.seek(start)
        part = self._stream.read(count)
        if len(part) < count:
            raise FormatError("The file became shorter while it was read; try again.")
        return part
