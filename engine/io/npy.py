"""NumPy's .npy: one array after a short header, checked before allocation."""

from __future__ import annotations

import ast
import os
import re
import threading
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import ml_dtypes
import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io import mapped
from quantoscope.engine.io.base import (
    FormatError,
    TensorInfo,
    byte_count,
    describe,
    label,
    not_real,
    open_file,
    require_real,
)
from quantoscope.engine.numerics import kernels, mapped_arrays
from quantoscope.engine.numerics.arrays import copied

MAGIC = b"\x93NUMPY"
# numpy's own limit for untrusted files.
MAX_HEADER = 10_000
_PART = 1 << 22
_PARSING = threading.Lock()
_DTYPE = re.compile(r"[<>|=]?[?a-zA-Z]\d{0,9}(\[\w{1,9}\])?")


@dataclass(frozen=True)
class Header:
    """Checked header of an array."""

    dtype: np.dtype[Any]  # real, in the file's byte order
    shape: tuple[int, ...]
    fortran_order: bool
    nbytes: int  # size of the data that follows
    offset: int  # size of the header in bytes

    def info(self, name: str) -> TensorInfo:
        """Return the list entry of the array."""
        return TensorInfo(name, self.shape, self.dtype.name, self.nbytes)


class NotRealError(FormatError):
    """Raised for a valid header of an array that does not hold real numbers."""

    def __init__(self, what: str, info: TensorInfo) -> None:
        super().__init__(f"{what} {info.reason}.")
        self.info = info  # with an empty name


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the file's only array, named after the stem of the file."""
    with open_file(path) as stream:
        return [read_header(stream, path.stat().st_size, label(path)).info(path.stem)]


def load(path: Path) -> np.ndarray:
    """Load the file's only array; a large one is mapped (``engine.io.mapped``).

    A mapped array in Fortran order is copied to C order.
    """
    with open_file(path) as stream:
        header = read_header(stream, os.fstat(stream.fileno()).st_size, label(path))
        stored = _as_stored(header.dtype)
        flat = mapped.numbers(stream, stored, header.offset, header.nbytes, label(path))
    return _shaped(flat, header)


def save(stream: BinaryIO, array: np.ndarray, ending: str) -> None:
    """Write an array of real numbers as .npy."""
    require_real(array.dtype, "The array")
    write(stream, array)


def write(stream: IO[bytes], array: np.ndarray) -> None:
    """Write an array of numbers or text exactly as ``numpy.save`` does, but in chunks.

    Between chunks, writing ends if it was cancelled or if the array's own file has changed.
    """
    fields = np.lib.format.header_data_from_array_1_0(array)
    np.lib.format.write_array_header_1_0(stream, fields)
    rows = array.T if fields["fortran_order"] else array
    step = max(1, _PART // max(1, array.itemsize))
    for start in range(0, array.size, step):
        cancellation.check()
        stop = min(start + step, array.size)
        stream.write(kernels.stored_block(rows, start, stop).tobytes())
    mapped_arrays.check(array)


def read_header(stream: BinaryIO, size: int, what: str) -> Header:
    """Read the header of an array from the first byte of a stream, which is left at the data.

    It is checked against the actual ``size`` of the stream in bytes; ``what`` names the array in
    messages. Raises FormatError, or NotRealError if only the dtype is unsupported.
    """
    start = stream.read(8)
    if not start.startswith(MAGIC):
        raise FormatError(f"{what} is not a NumPy array: it does not begin like one.")
    if len(start) < 8 or start[6] not in (1, 2, 3):
        raise FormatError(f"{what} is damaged, or of a version of .npy that is not known.")
    length_bytes = 2 if start[6] == 1 else 4
    field = stream.read(length_bytes)
    length = int.from_bytes(field, "little")
    offset = len(start) + length_bytes + length
    if len(field) < length_bytes or offset > size:
        raise FormatError(f"{what} is damaged: it ends within its header.")
    if length > MAX_HEADER:
        raise FormatError(f"{what} has a header of {length:,} bytes, too long for an array.")
    text = stream.read(length)
    if len(text) < length:
        raise FormatError(f"{what} is damaged: it ends within its header.")
    try:
        fields = _parse(text.decode("utf-8" if start[6] == 3 else "latin-1"))
        shape, fortran_order = fields["shape"], fields["fortran_order"]
        sound = (
            set(fields) == {"descr", "shape", "fortran_order"}
            and isinstance(fortran_order, bool)
            and isinstance(shape, tuple)
            and all(type(length) is int for length in shape)
        )
    except (ValueError, TypeError, KeyError):
        sound = False
    if not sound:
        raise FormatError(f"{what} is damaged: its header cannot be read.")
    dtype = _dtype(fields["descr"], shape, what)
    nbytes = byte_count(shape, dtype.itemsize)
    if nbytes is None:
        raise FormatError(f"{what} is damaged: its header claims a shape that no array can have.")
    if nbytes > size - offset:
        raise FormatError(
            f"{what} is cut short: its header claims {nbytes:,} bytes of numbers, "
            f"and {size - offset:,} are there."
        )
    return Header(dtype, shape, fortran_order, nbytes, offset)


def _parse(text: str) -> dict[str, Any]:
    """Parse the header's dictionary literal; ValueError for anything else."""
    # Python 2 wrote long integers as 10L.
    text = re.sub(r"(?<=\d)L(?=[,)])", "", text)
    try:
        # One thread at a time: Python 3.11 counts the parse depth of all threads in one place,
        # and raises SystemError if two of them parse.
        with _PARSING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged header may contain invalid escapes
            fields = ast.literal_eval(text)
    except (SyntaxError, MemoryError, RecursionError) as error:
        raise ValueError("not a literal") from error
    if not isinstance(fields, dict):
        raise ValueError("not a dictionary")
    return fields


# numpy's placeholder names for ml_dtypes, as far as they are unambiguous.
# numpy writes bfloat16 as an unknown pair of bytes, "|V2".
_UNNAMED: dict[str, np.dtype[Any]] = {
    "<V2": np.dtype(ml_dtypes.bfloat16),
    "<f1": np.dtype(ml_dtypes.float8_e5m2),
}


def _dtype(descr: object, shape: tuple[int, ...], what: str) -> np.dtype[Any]:
    """Return the real dtype that a header names."""

    def left_out(dtype: str, reason: str, itemsize: int = 0) -> NotRealError:
        nbytes = byte_count(shape, max(itemsize, 1))
        if nbytes is None:
            raise FormatError(
                f"{what} is damaged: its header claims a shape that no array can have."
            )
        info = TensorInfo("", shape, dtype, nbytes if itemsize else 0, reason=reason)
        return NotRealError(what, info)

    if isinstance(descr, list | tuple):
        raise left_out("records", "holds records of several fields; choose one and save it alone")
    if not isinstance(descr, str) or not _DTYPE.fullmatch(descr):
        raise FormatError(f"{what} is damaged: its header names no type of number.")
    if descr in _UNNAMED:
        return _UNNAMED[descr]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dtype = np.dtype(descr)
    except (TypeError, ValueError, OverflowError):
        raise left_out(descr, f"holds values of type {descr}, which is not known here") from None
    if dtype.kind == "V":
        reason = (
            f"holds {dtype.itemsize}-byte values whose type .npy cannot name "
            "(float8, int4 or the like); convert them to float32 before saving"
        )
        raise left_out(descr, reason, dtype.itemsize)
    if dtype.kind not in "iuf":
        raise left_out(dtype.name, not_real(describe(dtype)), dtype.itemsize)
    return dtype


def read_values(stream: BinaryIO, header: Header, what: str) -> np.ndarray:
    """Read the data after a header: C order, native byte order, new memory."""
    flat = mapped.read(stream, _as_stored(header.dtype), header.nbytes, what)
    return _shaped(flat, header)


def _as_stored(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype to read values as; ml_dtypes' types record no byte order."""
    return mapped.as_stored(dtype, "little") if dtype in _UNNAMED.values() else dtype


def _shaped(flat: np.ndarray, header: Header) -> np.ndarray:
    """Return the data in the array's shape and C order, copying only if necessary."""
    if header.dtype in _UNNAMED.values():
        flat = flat.view(header.dtype)
    if header.fortran_order:
        turned = flat.reshape(header.shape[::-1]).T
        # With at most one axis longer than 1, both orders are equal.
        if not turned.flags.c_contiguous:
            return copied(turned, turned.dtype)
    return flat.reshape(header.shape)
