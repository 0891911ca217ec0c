"""GGUF files of llama.cpp: metadata, tensor list, plain and quantized tensors.

Source: the format's description at https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
The head is parsed here, checking every count against the size of the file; values of the quantized
types are decoded by the ``gguf`` package.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import ml_dtypes
import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io import mapped
from quantoscope.engine.io.base import (
    MAX_DIMENSIONS,
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    label,
    no_such_array,
    open_file,
    two_arrays,
    unreadable,
)
from quantoscope.engine.io.block_codes import BlockCodes
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.gguf_blocks import BLOCK_TYPES, BlockType
from quantoscope.engine.io.index import cached
from quantoscope.engine.io.pages import PAGE, Pages
from quantoscope.engine.numerics.kernels import over_blocks

MAGIC = b"GGUF"
ALIGNMENT = 32
"""Default alignment of tensors in bytes."""
MAX_ENTRIES = 1 << 16
"""Upper bound of tensors and of metadata items; models have far fewer."""
_MAX_DEPTH = 8  # of nested arrays in the metadata; known writers nest none
_PART = 1 << 18  # values decoded at a time
_STRING, _ARRAY = 8, 9
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_LEAST = {**_WIDTHS, _STRING: 8, _ARRAY: 12}
_PLAIN: dict[int, np.dtype[Any]] = {
    0: np.dtype(np.float32),
    1: np.dtype(np.float16),
    24: np.dtype(np.int8),
    25: np.dtype(np.int16),
    26: np.dtype(np.int32),
    27: np.dtype(np.int64),
    28: np.dtype(np.float64),
    30: np.dtype(ml_dtypes.bfloat16),
}
_TEXT = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class TensorHeader:
    """Head entry of a tensor, checked against the size of the file."""

    kind: int  # number of its type
    shape: tuple[int, ...]  # in numpy's order, the reverse of the file's
    offset: int  # of its bytes in the file
    nbytes: int  # 0 for an unknown type


class _Damaged(ValueError):
    """Raised if the head is malformed; the message ends a sentence."""


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the tensors in file order, without reading values."""
    with open_file(path) as stream:
        entries = _entries(stream, path)
    return [_info(name, entry) for name, entry in entries.items()]


def load(path: Path, name: str) -> np.ndarray:
    """Load a tensor: quantized ones as float32; large plain ones are mapped."""
    with open_file(path) as stream:
        entry = _entry(stream, path, name)
        what = array_in(path, name)
        dtype = _PLAIN.get(entry.kind)
        if dtype is None:
            return _decoded(stream, entry, BLOCK_TYPES[entry.kind], what)
        flat = mapped.ordered(stream, dtype, entry.offset, entry.nbytes, what)
    return flat.reshape(entry.shape)


def load_codes(path: Path, name: str) -> BlockCodes | None:
    """Load the codes and scales of a quantized tensor; None if its type has none to show.

    Codes are those of the blocks: integers from 0, of Q8_0 from −127, of MXFP4 and
    NVFP4 bit patterns of e2m1 numbers. For types that index a table of vectors,
    IQ1, IQ2 and IQ3, they are the signed integer components of the vectors.
    """
    with open_file(path) as stream:
        entry = _entry(stream, path, name)
        kind = BLOCK_TYPES.get(entry.kind)
        if kind is None:
            return None
        form = kind.codes
        codes = np.empty(entry.shape, np.int8 if form.signed else np.uint8)
        shape = (*entry.shape[:-1], entry.shape[-1] // form.block)
        flat, what = codes.reshape(-1, kind.size), array_in(path, name)
        read = _reader(stream, entry, kind, what)
        # Decode one block to learn dtype and count of scales.
        with _by_package(kind, what):
            _, scales, minima = form.unpack(
                read(0, 1) if len(flat) else np.zeros((1, kind.nbytes), np.uint8)
            )
        scale = np.empty((len(flat), scales.shape[1]), scales.dtype)
        minimum = None if minima is None else np.empty((len(flat), minima.shape[1]), minima.dtype)

        def work(start: int, stop: int, _: object) -> None:
            rows = slice(start // kind.size, stop // kind.size)
            blocks = read(rows.start, rows.stop)
            with _by_package(kind, what):
                flat[rows], scale[rows], minima = form.unpack(blocks)
            if minimum is not None:
                minimum[rows] = minima

        over_blocks(codes.size, work, block=_PART)
    return BlockCodes(
        codes,
        scale.reshape(shape),
        None if minimum is None else minimum.reshape(shape),
        form.block,
        kind.name,
        label(path),
        form.zero_point,
        form.levels,
    )


# Types that llama.cpp has removed.
_FORMER = {4: "Q4_2", 5: "Q4_3", 31: "Q4_0_4_4", 32: "Q4_0_4_8", 33: "Q4_0_8_8"}


def _reason(kind: int) -> str:
    """Return why tensors of a type cannot be loaded; empty if they can."""
    if kind in _PLAIN or kind in BLOCK_TYPES:
        return ""
    if kind in _FORMER:
        return f"is of type {_FORMER[kind]}, which llama.cpp itself no longer reads"
    return f"is of type {kind}, which is not known here"


def _info(name: str, entry: TensorHeader) -> TensorInfo:
    plain = _PLAIN.get(entry.kind)
    if plain is not None:
        return TensorInfo(name, entry.shape, plain.name, entry.nbytes)
    reason = _reason(entry.kind)
    if reason:
        former = _FORMER.get(entry.kind, f"type {entry.kind}")
        return TensorInfo(name, entry.shape, former, entry.nbytes, reason=reason)
    kind = BLOCK_TYPES[entry.kind].name
    return TensorInfo(name, entry.shape, "float32", entry.nbytes, stored=kind)


def _entry(stream: BinaryIO, path: Path, name: str) -> TensorHeader:
    entries = _entries(stream, path)
    entry = entries.get(name)
    if entry is None:
        raise no_such_array(path, name, entries)
    reason = _reason(entry.kind)
    if reason:
        raise unreadable(path, name, reason)
    return entry


def _reader(
    stream: BinaryIO, entry: TensorHeader, kind: BlockType, what: str
) -> Callable[[int, int], np.ndarray]:
    """Return a thread-safe function that reads a range of blocks as rows of bytes."""
    lock = threading.Lock()

    def read(first: int, last: int) -> np.ndarray:
        length = (last - first) * kind.nbytes
        with lock:
            stream.seek(entry.offset + first * kind.nbytes)
            part = stream.read(length)
        if len(part) < length:
            raise FormatError(f"{what} is cut short: the file ends before it does.")
        return np.frombuffer(part, np.uint8).reshape(-1, kind.nbytes)

    return read


def _decoded(stream: BinaryIO, entry: TensorHeader, kind: BlockType, what: str) -> np.ndarray:
    """Return the values of a quantized tensor, with little extra memory."""
    from gguf import GGMLQuantizationType, quants

    out = np.empty(entry.shape, np.float32)
    flat, read = out.reshape(-1, kind.size), _reader(stream, entry, kind, what)

    def work(start: int, stop: int, _: object) -> None:
        rows = slice(start // kind.size, stop // kind.size)
        blocks = read(rows.start, rows.stop)
        with _by_package(kind, what):
            # One row, which the package decodes in one call.
            package_kind = GGMLQuantizationType(entry.kind)
            values = quants.dequantize(blocks.reshape(1, -1), package_kind)
        flat[rows] = values.reshape(-1, kind.size)

    over_blocks(out.size, work, block=_PART)
    return out


@contextmanager
def _by_package(kind: BlockType, what: str) -> Iterator[None]:
    """Convert exceptions of an old ``gguf`` release to FormatError."""
    try:
        with np.errstate(all="ignore"):
            yield
    except (ValueError, NotImplementedError) as error:
        raise FormatError(
            f"{what} is of type {kind.name}, which this release of the package gguf cannot "
            'decode; install a later one with "pip install --upgrade gguf".'
        ) from error


def _entries(stream: BinaryIO, path: Path) -> dict[str, TensorHeader]:
    """Return the head entries by tensor name."""
    return cached(stream, path, "gguf", lambda: _read(stream, path))


def _read(stream: BinaryIO, path: Path) -> dict[str, TensorHeader]:
    size = os.fstat(stream.fileno()).st_size
    try:
        return _Head(Pages(stream, size), size, Budget(path, size)).read(path)
    except _Damaged as error:
        raise FormatError(f"{label(path)} {error}.") from None


class _Head:
    """Parser of the head; every length is checked before use."""

    def __init__(self, data: Pages, size: int, budget: Budget) -> None:
        self._data = data
        self._budget = budget
        self._size = size
        self._at = 0
        self._entries = 0

    def read(self, path: Path) -> dict[str, TensorHeader]:
        """Return the tensor entries by name."""
        if self._data[0:4] != MAGIC:
            raise _Damaged("is not a GGUF file: it does not begin like one")
        self._at = 4
        version = self._number(4)
        if version & 0xFFFF == 0 and version:
            raise _Damaged("is a GGUF file for big-endian machines, which is not read here")
        if version not in (2, 3):
            raise _Damaged(f"is of version {version:,} of GGUF; versions 2 and 3 are read here")
        tensors, pairs = self._number(8), self._number(8)
        self._require(tensors * 24 + pairs * 13)
        self._count(tensors)
        self._count(pairs)
        alignment = ALIGNMENT
        for _ in cancellation.checked(range(pairs)):
            start, stop = self._text()
            kind = self._number(4)
            if self._data[start : min(stop, start + 20)] == b"general.alignment":
                alignment = self._alignment(kind)
            else:
                self._skip(kind)
        found: dict[str, TensorHeader] = {}
        for _ in cancellation.checked(range(tensors)):
            name, entry = self._tensor()
            if name in found:
                raise two_arrays(path, name)
            found[name] = entry
        start = -(-self._at // alignment) * alignment
        return self._placed(found, start, alignment, path)

    def _tensor(self) -> tuple[str, TensorHeader]:
        start, stop = self._text()
        self._budget.take(stop - start)
        raw = self._data[start:stop]
        self._budget.take_text(raw)
        try:
            name = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise _Damaged("is damaged: a name in it is no text") from None
        axes = self._number(4)
        self._require(axes * 8 + 12)
        if axes > MAX_DIMENSIONS:
            raise _Damaged("is damaged: it claims a shape that no array can have")
        self._budget.take_entry(axes)
        lengths = struct.unpack(f"<{axes}Q", self._bytes(axes * 8))
        kind, offset = self._kind_and_number()
        return name, TensorHeader(kind, lengths[::-1], offset, 0)

    def _placed(
        self, found: dict[str, TensorHeader], start: int, alignment: int, path: Path
    ) -> dict[str, TensorHeader]:
        """Check the position of each tensor, once the start of the data is known."""
        placed = {name: self._place(e, start, alignment, path, name) for name, e in found.items()}
        taken = sorted((e.offset, e.offset + e.nbytes) for e in placed.values() if e.nbytes)
        for (_, end), (begin, _) in zip(taken, taken[1:], strict=False):
            if begin < end:
                raise _Damaged("is damaged: two of its tensors lie in the same place")
        return placed

    def _place(
        self, entry: TensorHeader, start: int, alignment: int, path: Path, name: str
    ) -> TensorHeader:
        shape, what = entry.shape, array_in(path, name)
        plain, block = _PLAIN.get(entry.kind), BLOCK_TYPES.get(entry.kind)
        if byte_count(shape, plain.itemsize if plain else 4) is None:
            raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
        count = byte_count(shape, 1) or 0
        if plain is not None:
            nbytes = count * plain.itemsize
        elif block is None:
            nbytes = 0
        elif not shape or shape[-1] % block.size:
            raise FormatError(
                f"{what} is damaged: its rows are not made of blocks of {block.size} values."
            )
        else:
            nbytes = count // block.size * block.nbytes
        offset = start + entry.offset
        if entry.offset % alignment:
            raise FormatError(f"{what} is damaged: it does not begin where a tensor may.")
        if nbytes and offset + nbytes > self._size:
            raise FormatError(f"{what} is cut short: the file ends before it does.")
        # The offset of an empty tensor is arbitrary, even beyond the file.
        return TensorHeader(entry.kind, shape, offset if nbytes else 0, nbytes)

    def _alignment(self, kind: int) -> int:
        value = self._number(4) if kind == 4 else 0
        # A power of two, as the reference reader requires.
        if value < 8 or value & (value - 1):
            raise _Damaged("is damaged: it aligns its tensors in a way that there is not")
        return value

    def _skip(self, kind: int, depth: int = 0) -> None:
        """Skip a metadata value."""
        if kind in _WIDTHS:
            self._pass(_WIDTHS[kind])
        elif kind == _STRING:
            self._text()
        elif kind == _ARRAY and depth < _MAX_DEPTH:
            inner, count = self._kind_and_number()
            if inner not in _LEAST:
                raise _Damaged("is damaged: its metadata cannot be read")
            self._require(count * _LEAST[inner])
            if inner in _WIDTHS:
                self._at += count * _WIDTHS[inner]
            elif inner == _STRING:
                self._texts(count)
            else:
                self._count(count)
                for _ in cancellation.checked(range(count)):
                    self._skip(inner, depth + 1)
        else:
            raise _Damaged("is damaged: its metadata cannot be read")

    def _count(self, more: int) -> None:
        """Bound the number of items parsed, and with it time and memory."""
        self._entries += more
        if self._entries > MAX_ENTRIES:
            raise _Damaged(f"has more than {MAX_ENTRIES:,} entries in its head, too many to read")

    def _texts(self, count: int) -> None:
        """Skip an array of strings, such as the 200,000 of a vocabulary."""
        at, unpack = self._at, _TEXT.unpack_from
        first, page = at, b""
        for _ in cancellation.checked(range(count)):
            if at - first + 8 > len(page):
                first, page = at, self._data[at : at + PAGE] if at < self._size else b""
                if len(page) < 8:
                    at = self._size + 1
                    break
            at += 8 + unpack(page, at - first)[0]
        self._at = at
        self._require(0)

    def _text(self) -> tuple[int, int]:
        """Skip a string and return its position."""
        length = self._number(8)
        self._pass(length)
        return self._at - length, self._at

    def _kind_and_number(self) -> tuple[int, int]:
        return self._number(4), self._number(8)

    def _number(self, width: int) -> int:
        return int.from_bytes(self._bytes(width), "little")

    def _bytes(self, count: int) -> bytes:
        self._pass(count)
        return self._data[self._at - count : self._at]

    def _pass(self, count: int) -> None:
        self._require(count)
        self._at += count

    def _require(self, count: int) -> None:
        if count > self._size - self._at:
            raise _Damaged("is cut short, or damaged: it ends within its head")
