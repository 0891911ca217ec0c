"""Safetensors: a JSON header that says where each tensor lies, and the tensors behind it.

The format is described at https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from engine.io import mapped
from engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    no_such_array,
    open_file,
    parse_json,
    shown,
    two_arrays,
)
from engine.numbers import quoted

# The format's own limit.
MAX_HEADER = 100_000_000
_DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype(np.float64),
    "F32": np.dtype(np.float32),
    "F16": np.dtype(np.float16),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "F8_E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "I64": np.dtype(np.int64),
    "I32": np.dtype(np.int32),
    "I16": np.dtype(np.int16),
    "I8": np.dtype(np.int8),
    "U64": np.dtype(np.uint64),
    "U32": np.dtype(np.uint32),
    "U16": np.dtype(np.uint16),
    "U8": np.dtype(np.uint8),
}
# These do not name their type in full.
_VAGUE = ("F8_E4M3", "F8_E5M2")


@dataclass(frozen=True)
class Entry:
    """What the header says of one tensor, checked against the size of the file.

    Attributes
    ----------
    kind : str
        The type as the format names it.
    shape : tuple of int
    offset, nbytes : int
        Where the numbers are in the file.
    """

    kind: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int


def list_tensors(path: Path) -> list[TensorInfo]:
    """Return the tensors of real numbers in the order in which they lie in the file."""
    with open_file(path) as stream:
        entries = _entries(stream, path)
    known = [(name, entry) for name, entry in entries.items() if entry.kind in _DTYPES]
    return [
        TensorInfo(
            name,
            entry.shape,
            _DTYPES[entry.kind].name,
            entry.nbytes,
            stored=entry.kind if entry.kind in _VAGUE else "",
        )
        for name, entry in sorted(known, key=lambda item: item[1].offset)
    ]


def load(path: Path, name: str) -> np.ndarray:
    """Return the tensor of that name; a large one is mapped (``engine.io.mapped``)."""
    with open_file(path) as stream:
        entries = _entries(stream, path)
        entry = entries.get(name)
        if entry is None:
            raise no_such_array(path, name, entries)
        what = array_in(path, name)
        dtype = _DTYPES.get(entry.kind)
        if dtype is None:
            raise FormatError(
                f"{what} is of type {quoted(entry.kind)}, which does not hold real numbers "
                "or is not known here."
            )
        stored = mapped.as_stored(dtype, "little")
        flat = mapped.numbers(stream, stored, entry.offset, entry.nbytes, what)
    return flat.view(dtype).reshape(entry.shape)


def _entries(stream: BinaryIO, path: Path) -> dict[str, Entry]:
    """Return what the header says of each tensor."""
    size = os.fstat(stream.fileno()).st_size
    field = stream.read(8)
    length = int.from_bytes(field, "little")
    if len(field) < 8 or stream.peek(1)[:1] != b"{":  # type: ignore[attr-defined]
        raise FormatError(f"{shown(path)} is not a safetensors file: it has no header of JSON.")
    if length > MAX_HEADER:
        raise FormatError(
            f"{shown(path)} has a header of {length:,} bytes, more than the format has."
        )
    start = 8 + length
    if start > size:
        raise FormatError(f"{shown(path)} is damaged: it ends within its header.")
    header = _header(stream.read(length), path, size)
    return {
        name: _entry(said, start, size, array_in(path, name))
        for name, said in header.items()
        if name != "__metadata__"
    }


def _header(text: bytes, path: Path, size: int) -> dict[str, Any]:
    """Read the JSON of the header."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            raise two_arrays(path, counts.most_common(1)[0][0])
        return found

    try:
        header = parse_json(text, size, once)
    except FormatError:
        raise
    except (ValueError, RecursionError):
        raise FormatError(f"{shown(path)} is damaged: its header cannot be read.") from None
    if not isinstance(header, dict):
        raise FormatError(f"{shown(path)} is damaged: its header cannot be read.")
    return header


def _entry(said: object, start: int, size: int, what: str) -> Entry:
    """Check what the header says of one tensor against its type, its shape and the file."""
    match said:
        case {"dtype": str(kind), "shape": [*lengths], "data_offsets": [int(begin), int(end)]} if (
            all(type(number) is int for number in (*lengths, begin, end))
        ):
            shape = tuple(lengths)
        case _:
            raise FormatError(f"{what} is damaged: its header cannot be read.")
    if not 0 <= begin <= end:
        raise FormatError(f"{what} is damaged: it ends before it begins.")
    if end > size - start:
        raise FormatError(f"{what} is cut short: the file ends before it does.")
    dtype = _DTYPES.get(kind)
    if dtype is not None:
        nbytes = byte_count(shape, dtype.itemsize)
        if nbytes is None:
            raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
        if nbytes != end - begin:
            raise FormatError(
                f"{what} is damaged: its shape takes {nbytes:,} bytes, and it has {end - begin:,}."
            )
    return Entry(kind, shape, start + begin, end - begin)
