"""Read uncompressed arrays from a file, or map them if they are large."""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any, BinaryIO

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io.base import FormatError
from quantoscope.engine.numerics import mapped_arrays

# Arrays above this size, or above a share of the free memory, are mapped
# instead of read on systems that can replace and delete a mapped file. Windows
# cannot, so saving would fail there. Arrays in memory are safe from changes to the file.
MAPPED_ABOVE = 1 << 30
_SHARE = 4
_MAPPED_ANYWAY = 1 << 26  # lower bound of that share
CAN_MAP = os.name == "posix"
_PART = 1 << 22


def numbers(
    stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int, what: str
) -> np.ndarray:
    """Return an array from a file, one-dimensional and writable, in native byte order.

    Large arrays are mapped copy-on-write: pages are read from the file on first access,
    and writing to the array never changes the
    file.

    A mapping stays valid if the file is deleted or replaced, as ``save`` does. A program that
    changes the file in place, as ``numpy.save`` does, is detected when a block of the array is read
    (``engine.numerics.mapped_arrays``), even if the file becomes shorter at that moment, on systems
    that can copy the block safely.

    The stream is a regular file, ``dtype`` has its byte order, and the caller has checked the
    position against its size; ``what`` names the array in messages. Raises FormatError if the
    file is too short.
    """
    flat = _mapped(stream, dtype, offset, nbytes, what)
    if flat is None:
        stream.seek(offset)
        flat = read(stream, dtype, nbytes, what)
    return flat


def ordered(
    stream: BinaryIO,
    dtype: np.dtype[Any],
    offset: int,
    nbytes: int,
    what: str,
    order: str = "little",
) -> np.ndarray:
    """Return ``numbers`` of a file in one byte order; ``dtype`` has none of its own."""
    return numbers(stream, as_stored(dtype, order), offset, nbytes, what).view(dtype)


def read(stream: BinaryIO, dtype: np.dtype[Any], nbytes: int, what: str) -> np.ndarray:
    """Read an array from any stream into new memory, as ``numbers`` does."""
    flat = np.empty(nbytes // dtype.itemsize, dtype=dtype)
    view = memoryview(flat.view(np.uint8))  # type: ignore[arg-type]
    filled = 0
    while filled < nbytes:
        cancellation.progress(filled, nbytes)
        # In chunks, because a zip member copies each.
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
    """Return the dtype to read ``dtype`` as, from a file with byte order ``little`` or ``big``.

    The result has to be viewed as ``dtype``: for a foreign byte order it is an integer
    of the same width, because ml_dtypes' floats have no byte order.
    """
    if order == sys.byteorder or dtype.itemsize == 1:
        return dtype
    return np.dtype(f"{'<' if order == 'little' else '>'}u{dtype.itemsize}")


def _most_read() -> int:
    """Return the largest size that is read instead of mapped, in bytes."""
    free = free_memory()
    if free is None:
        return MAPPED_ABOVE
    return min(MAPPED_ABOVE, max(_MAPPED_ANYWAY, free // _SHARE))


def free_memory() -> int | None:
    """Return the free memory in bytes; None if unknown."""
    try:
        with open("/proc/meminfo", encoding="ascii") as stream:
            lines = dict(line.split(":", 1) for line in stream)
        return int(lines["MemAvailable"].split()[0]) << 10
    except (OSError, KeyError, ValueError):  # not Linux
        return None


def _mapped(
    stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int, what: str
) -> np.ndarray | None:
    """Return a flat copy-on-write view of the file.

    Return None if reading is better: a small array, foreign byte order, misaligned data (numpy is
    slow with it), or a file that cannot be mapped.
    """
    if nbytes <= min(MAPPED_ABOVE, _MAPPED_ANYWAY):
        return None
    aligned = offset % dtype.alignment == 0
    if not (CAN_MAP and nbytes > _most_read() and dtype.isnative and aligned):
        return None
    # A mapping starts at a page boundary and should be minimal: the system counts
    # all of it as writable memory.
    before = offset % mmap.ALLOCATIONGRANULARITY
    try:
        # The array keeps the mapping alive; the mapping does not need the stream.
        pages = mmap.mmap(
            stream.fileno(), before + nbytes, access=mmap.ACCESS_COPY, offset=offset - before
        )
    except (OSError, ValueError, OverflowError):
        # The file system has no mappings, or there is no room, or the file became shorter: reading
        # handles it or raises.
        return None
    mapped_arrays.watch(pages, stream.fileno(), what)
    return np.frombuffer(pages, dtype, nbytes // dtype.itemsize, before)
