"""Numbers that lie in a file as they lie in memory: read, or mapped where they are very many."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any, BinaryIO

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io.base import FormatError
from quantoscope.engine.numerics import mapped_arrays

# Arrays of more bytes than this, or of more than a share of the memory that is free, are mapped
# instead of read, where the system lets a file that is mapped be replaced and deleted; Windows
# does not, and could then not save over it. What is read is safe from all that other programs do.
MAPPED_ABOVE = 1 << 30
_SHARE = 4
_MAPPED_ANYWAY = 1 << 26  # no fewer
CAN_MAP = os.name == "posix"
_PART = 1 << 22


def numbers(
    stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int, what: str
) -> np.ndarray:
    """Return numbers out of a file as one writable axis, in native byte order.

    Very many are not read but mapped, copy-on-write: their pages come from the file when they
    are first looked at, and what is written into the array stays in memory and never reaches the
    file.

    A mapping outlives the deletion of the file, and its replacement, which is what ``save`` does
    to it. A program that changes the very same file in place, as ``numpy.save`` does, is noticed
    with each block of the array that is looked at (``engine.mappings``), even if that is the moment
    in which it becomes shorter, where the system can be asked for a copy of the block.

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
    flat = _mapped(stream, dtype, offset, nbytes, what)
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
        cancellation.progress(filled, nbytes)
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


def _most_read() -> int:
    """Return how many bytes are read; more are mapped."""
    free = free_memory()
    if free is None:
        return MAPPED_ABOVE
    return min(MAPPED_ABOVE, max(_MAPPED_ANYWAY, free // _SHARE))


def free_memory() -> int | None:
    """Return how many bytes of memory programs can still take; None where that is not known."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            lines = dict(line.split(":", 1) for line in stream)
        return int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):  # not Linux
        return None


def _mapped(
    stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int, what: str
) -> np.ndarray | None:
    """Return numbers as a flat copy-on-write view of the file.

    None where they had better be read: few of them, in foreign byte order, not aligned (numpy is
    slow with those), or in a file that cannot be mapped.
    """
    if nbytes <= min(MAPPED_ABOVE, _MAPPED_ANYWAY):
        return None
    aligned = offset % dtype.alignment == 0
    if not (CAN_MAP and nbytes > _most_read() and dtype.isnative and aligned):
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
    mapped_arrays.watch(pages, stream.fileno(), what)
    return np.frombuffer(pages, dtype, nbytes // dtype.itemsize, before)
