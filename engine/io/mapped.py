"""Numbers that lie in a file as they lie in memory: many are mapped, few are read."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any, BinaryIO

import numpy as np

from engine import cancellation
from engine.io.base import FormatError

# Arrays of more bytes than this are mapped instead of read, where the system lets a file that is
# mapped be replaced and deleted; Windows does not, and could then not save over it.
MAPPED_ABOVE = 1 << 26
CAN_MAP = os.name == "posix"
_PART = 1 << 22


def numbers(
    stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int, what: str
) -> np.ndarray:
    """Return numbers out of a file as one writable axis, in native byte order.

    Many are not read but mapped, copy-on-write: their pages come from the file when they are
    first looked at, and what is written into the array stays in memory and never reaches the
    file.

    A mapping outlives the deletion of the file, and its replacement, which is what ``save`` does
    to it. It is not protected from programs that change the very same file in place, as
    ``numpy.save`` does: pages that were not written to may then show the new bytes, and where the
    file became shorter, or its disk fails, the system ends the process that looks at them.

    Parameters
    ----------
    stream : binary stream
        A file on the disk.
    dtype : numpy.dtype
        In the byte order of the file.
    offset, nbytes : int
        Where the numbers are, held against the size of the file by the caller.
    what : str
        What messages call them.

    Raises
    ------
    FormatError
        When the file ends before they do.
    """
    flat = _mapped(stream, dtype, offset, nbytes)
    if flat is None:
        stream.seek(offset)
        flat = read(stream, dtype, nbytes, what)
    return flat


def read(stream: BinaryIO, dtype: np.dtype[Any], nbytes: int, what: str) -> np.ndarray:
    """Return the next numbers of any stream in memory of their own, as ``numbers`` does."""
    flat = np.empty(nbytes // dtype.itemsize, dtype=dtype)
    view = memoryview(flat.view(np.uint8))  # type: ignore[arg-type]
    filled = 0
    while filled < nbytes:
        cancellation.check()
        # In parts, because a zip member makes a copy of each.
        count = stream.readinto(view[filled : filled + _PART])  # type: ignore[attr-defined]
        if not count:
            raise FormatError(f"{what} is cut short.")
        filled += count
    if not dtype.isnative:
        step = _PART // dtype.itemsize
        for start in cancellation.checked(range(0, flat.size, step), 1):
            flat[start : start + step].byteswap(inplace=True)
        flat = flat.view(dtype.newbyteorder("="))
    return flat


def as_stored(dtype: np.dtype[Any], order: str) -> np.dtype[Any]:
    """Return the type to read ``dtype`` as from a file whose byte order is ``little`` or ``big``.

    What is read has to be viewed as ``dtype`` then: where the order is foreign this is an integer
    of the same width, because the floats of ml_dtypes have no byte order to set.
    """
    if order == sys.byteorder or dtype.itemsize == 1:
        return dtype
    return np.dtype(f"{'<' if order == 'little' else '>'}u{dtype.itemsize}")


def _mapped(stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int) -> np.ndarray | None:
    """Return numbers as a flat copy-on-write view of the file.

    None where they had better be read: few of them, in foreign byte order, not aligned (numpy is
    slow with those), or in a file that cannot be mapped.
    """
    aligned = offset % dtype.alignment == 0
    if not (CAN_MAP and nbytes > MAPPED_ABOVE and dtype.isnative and aligned):
        return None
    # A mapping has to begin at a page, and should hold no more than it must: the system counts
    # all of it as memory that might get written to.
    before = offset % mmap.ALLOCATIONGRANULARITY
    try:
        # The array keeps the mapping alive, and the mapping does not need the stream.
        pages = mmap.mmap(
            stream.fileno(), before + nbytes, access=mmap.ACCESS_COPY, offset=offset - before
        )
    except (OSError, ValueError, OverflowError):
        # No mappings on this disk, or no room for one, or the file has become shorter: reading
        # copes, or has the sentence for it.
        return None
    return np.frombuffer(pages, dtype, nbytes // dtype.itemsize, before)
