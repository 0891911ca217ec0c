"""Safetensors: a JSON header with the position of each tensor, then the data.

The format is described at https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io import mapped
from quantoscope.engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    label,
    no_such_array,
    not_real,
    open_file,
    two_arrays,
    unreadable,
)
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.index import cached
from quantoscope.engine.io.json_walk import JsonWalk
from quantoscope.engine.io.packed import unpacked
from quantoscope.engine.text.number_parsing import quoted

# Limit of the format.
MAX_HEADER = 100_000_000
_DTYPES: dict[str, np.dtype[Any]] = {
    **{f"F{8 * n}": np.dtype(f"f{n}") for n in (2, 4, 8)},
    **{f"{kind}{8 * n}": np.dtype(f"{kind.lower()}{n}") for kind in "IU" for n in (1, 2, 4, 8)},
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "F8_E8M0": np.dtype(ml_dtypes.float8_e8m0fnu),
    "F8_E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "F4": np.dtype(ml_dtypes.float4_e2m1fn),
}
# Two numbers per byte; the shape counts numbers.
_PACKED = "F4"
# Bits per number of known but unsupported types, and why they are unsupported.
_NO_ORDER = "is of type {}, of which the format does not say how it lies in bytes"
_LEFT_OUT = {
    "BOOL": (8, not_real("true/false values")),
    "C64": (64, not_real("complex numbers")),
    "F6_E2M3": (6, _NO_ORDER.format("F6_E2M3")),
    "F6_E3M2": (6, _NO_ORDER.format("F6_E3M2")),
}
# Type names without their variant.
_VAGUE = ("F8_E4M3", "F8_E5M2", "F8_E8M0", "F4")
# The header entry of a tensor: a short object without nested objects.
_VALUE = re.compile(r"\{[^{}]{0,4096}+\}")


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """Header entry of a tensor, checked against the size of the file."""

    kind: str  # the format's name of the type
    shape: tuple[int, ...]
    offset: int  # of the data in the file
    nbytes: int


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the tensors in file order."""
    with open_file(path) as stream:
        entries = _entries(stream, path)
    return [_info(name, entry) for name, entry in entries.items()]


def load(path: Path, name: str) -> np.ndarray:
    """Load a tensor by name; a large one is mapped (``engine.io.mapped``)."""
    with open_file(path) as stream:
        entries = _entries(stream, path)
        entry = entries.get(name)
        if entry is None:
            raise no_such_array(path, name, entries)
        what = array_in(path, name)
        dtype = _DTYPES.get(entry.kind)
        if dtype is None:
            raise unreadable(path, name, _reason(entry.kind))
        flat = mapped.ordered(stream, dtype, entry.offset, entry.nbytes, what)
    if entry.kind == _PACKED:
        flat = unpacked(flat.view(np.uint8), 2, dtype, math.prod(entry.shape))
    return flat.reshape(entry.shape)


def _info(name: str, entry: TensorHeader) -> TensorInfo:
    dtype = _DTYPES.get(entry.kind)
    if dtype is None:
        reason = _reason(entry.kind)
        return TensorInfo(name, entry.shape, entry.kind, entry.nbytes, reason=reason)
    kind = entry.kind if entry.kind in _VAGUE else ""
    return TensorInfo(name, entry.shape, dtype.name, entry.nbytes, stored=kind)


def _reason(kind: str) -> str:
    known = _LEFT_OUT.get(kind)
    return known[1] if known else f"is of type {quoted(kind)}, which is not known here"


def _entries(stream: BinaryIO, path: Path) -> dict[str, TensorHeader]:
    """Return the header entries by tensor name."""
    return cached(stream, path, "safetensors", lambda: _read(stream, path))


def _read(stream: BinaryIO, path: Path) -> dict[str, TensorHeader]:
    size = os.fstat(stream.fileno()).st_size
    field = stream.read(8)
    length = int.from_bytes(field, "little")
    if len(field) < 8 or stream.peek(1)[:1] != b"{":  # type: ignore[attr-defined]
        raise FormatError(f"{label(path)} is not a safetensors file: it has no header of JSON.")
    if length > MAX_HEADER:
        raise FormatError(
            f"{label(path)} has a header of {length:,} bytes, more than the format has."
        )
    start = 8 + length
    if start > size:
        raise FormatError(f"{label(path)} is damaged: it ends within its header.")
    budget = Budget(path, size)
    budget.take(length)
    # Latin-1 takes one byte per character; a single wide character would take four for all.
    walk = JsonWalk(str(stream.read(length), "latin-1"), budget)
    entries: dict[str, TensorHeader] = {}
    try:
        for name in cancellation.checked(_keys(walk)):
            if name == "__metadata__":
                for _ in cancellation.checked(_keys(walk)):
                    walk.skip_string()
            elif name in entries:
                raise two_arrays(path, name)
            else:
                entries[name] = _entry(walk, start, size, path, name)
                budget.take_entry(len(entries[name].shape))
        walk.end()
    except FormatError:
        raise
    except (ValueError, RecursionError):
        raise FormatError(f"{label(path)} is damaged: its header cannot be read.") from None
    return dict(sorted(entries.items(), key=lambda item: item[1].offset))


def _keys(walk: JsonWalk) -> Iterator[str]:
    """Yield the keys of an object; the caller has to consume each value."""
    walk.expect("{")
    if walk.take("}"):
        return
    while True:
        key = walk.string()
        walk.expect(":")
        yield key
        if not walk.take(","):
            break
    walk.expect("}")


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the pairs as a dictionary; refuse duplicate keys."""
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise two_arrays(path, counts.most_common(1)[0][0])
    return found


def _entry(walk: JsonWalk, start: int, size: int, path: Path, name: str) -> TensorHeader:
    """Check a header entry against its type, its shape and the file."""
    what = array_in(path, name)
    said: object = None
    with_it = walk.match(_VALUE)
    if with_it is not None:
        said = json.loads(with_it, object_pairs_hook=partial(_once, path))
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
    bits = _bits(kind)
    # An impossible shape is an error for any type.
    nbytes = byte_count(shape, max(1, bits // 8))
    if nbytes is None:
        raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
    if bits:
        nbytes = -(-(byte_count(shape, 1) or 0) * bits // 8)
        if nbytes != end - begin:
            raise FormatError(
                f"{what} is damaged: its shape takes {nbytes:,} bytes, and it has {end - begin:,}."
            )
    return TensorHeader(sys.intern(kind), shape, start + begin, end - begin)


def _bits(kind: str) -> int:
    """Return the bits per number; 0 for an unknown type."""
    if kind == _PACKED:
        return 4
    dtype = _DTYPES.get(kind)
    return 8 * dtype.itemsize if dtype is not None else _LEFT_OUT.get(kind, (0, ""))[0]
