"""Text files of numbers: .csv, .tsv and .txt, read as people write them, written exactly.

The delimiter, a decimal comma and a header row are recognised. In a file the comma separates
values wherever it can, which is what "comma-separated" promises; otherwise commas with two
readings are refused. Lines that begin with # at the top are comments. A line such as
``# quantoscope dtype=float64 shape=64,3,3,3``, which the writer puts there when the rows alone
would not tell, gives type and shape, as far as the rows agree with it. An array as a program
writes it, such as ``[[1, 2], [3, 4]]``, is read in its own shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine import cancellation
from engine.cells import layouts, parse_block, plain_text, read_as
from engine.copied import shortest
from engine.io.base import FormatError, TensorInfo, byte_count, open_file, require_real, shown
from engine.literals import is_literal, parse_literal
from engine.numbers import (
    Block,
    BlockError,
    NumberError,
    printable,
)

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": " "}
_DTYPES = {
    np.dtype(code).name: np.dtype(code)
    for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
}
_DECLARATION = re.compile(
    r"^#[ \t]*quantoscope[ \t]+dtype=(\w+)[ \t]+shape=([0-9,]{0,999})[ \t]*$", re.MULTILINE
)
# Control characters that no text has; tab, line ends and the form feed are not among them.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
_CHUNK = 1 << 16
_PART = 1 << 22


@dataclass(frozen=True)
class Declaration:
    """Type and shape that a file's first line claims."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]


def is_text(data: bytes | bytearray) -> bool:
    """Tell whether bytes may be text: UTF-16 with its mark, or anything without controls."""
    return _is_utf16(data) or data.translate(None, _CONTROLS) == data


def _is_utf16(data: bytes | bytearray) -> bool:
    return data[:2] in (b"\xff\xfe", b"\xfe\xff")


def list_tensors(path: Path) -> list[TensorInfo]:
    """Return the file's one array, under the stem of the file; this reads all of it."""
    array = load(path)
    return [TensorInfo(path.stem, array.shape, array.dtype.name, array.nbytes)]


def load(path: Path) -> np.ndarray:
    """Return the numbers of a text file.

    Returns
    -------
    ndarray
        One row or one column gives one axis, anything else two, or as the file declares.
        float32, or float64 where a number would overflow or vanish in that.
    """
    text = plain_text(_decode(_bytes(path), path))
    start = _after_comments(text)
    line = text.count("\n", 0, start) + 1
    try:
        declared = _declaration(text[:start])
        text = text[start:]
        if declared is None and is_literal(text):
            return np.atleast_1d(_precise(parse_literal(text, line).values))
        if declared is None:
            return _natural(_read(text, line).values)
        return _as_declared(text, line, declared)
    except NumberError as error:
        message = str(error)
        raise FormatError(f"In {shown(path)}, {message[0].lower()}{message[1:]}") from None


def _after_comments(text: str) -> int:
    """Return where the first line begins that is neither blank nor a comment."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text[start:end].lstrip()[:1] not in ("", "#"):
            return start
        start = end + 1
    return len(text)


def _bytes(path: Path) -> bytearray:
    """Read a file, and of one that is no text no more than its start."""
    with open_file(path) as stream:
        _require_text(stream.read(_CHUNK), path)
        stream.seek(0)
        data = bytearray()
        while part := stream.read(_PART):
            cancellation.check()
            data += part
    if not _is_utf16(data):
        for start in cancellation.checked(range(0, len(data), _PART), 1):
            _require_text(data[start : start + _PART], path)
    return data


def _require_text(data: bytes | bytearray, path: Path) -> None:
    if not is_text(data):
        raise FormatError(f"{shown(path)} is not a text file: it has control characters in it.")


def _decode(data: bytearray, path: Path) -> str:
    utf16 = _is_utf16(data)  # as spreadsheets save "Unicode text"
    # Old spreadsheets write the Western code page; it matters for words in a header only.
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FormatError(f"{shown(path)} is not a text file in an encoding that is known here.")


def _read(text: str, first_line: int) -> Block:
    """Read a block; where the comma can separate values, it does."""
    likeliest = layouts(text)[0]
    if likeliest.delimiter != ",":
        return parse_block(text, first_line=first_line)
    try:
        return read_as(text, likeliest, first_line)
    except BlockError as error:
        first = error.with_traceback(None)
    try:
        return parse_block(text, first_line=first_line)
    except NumberError:
        raise first from None


def _natural(values: np.ndarray) -> np.ndarray:
    """Return the numbers in the shape and precision that they suggest."""
    array = _precise(values)
    return array.reshape(-1) if 1 in array.shape else array


def _precise(values: np.ndarray) -> np.ndarray:
    """Return the numbers as float32, or float64 where one would overflow or vanish in that."""
    single = _narrowed(values, np.dtype(np.float32))
    lost = np.isinf(single) & np.isfinite(values) | (single == 0) & (values != 0)
    return values if lost.any() else single


def _narrowed(values: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return values.astype(dtype)


def _declaration(comments: str) -> Declaration | None:
    """Return what our own comment says, or None where there is none."""
    match = _DECLARATION.search(comments)
    if match is None:
        return None
    if match[1] not in _DTYPES:
        raise NumberError(f"The comment says dtype={printable(match[1], 40)}, which is not known.")
    return Declaration(_DTYPES[match[1]], tuple(int(n) for n in match[2].split(",") if n))


def _as_declared(text: str, first_line: int, declared: Declaration) -> np.ndarray:
    """Return the numbers as declared.

    Raises
    ------
    NumberError
        When they are not numbers, or not so many, or not of that type.
    """
    dtype, shape = declared.dtype, declared.shape
    if 0 in shape and not text and byte_count(shape, dtype.itemsize) is not None:
        return np.empty(shape, dtype)
    values = _read(text, first_line).values
    if math.prod(shape) != values.size or byte_count(shape, dtype.itemsize) is None:
        raise NumberError(
            f"The comment says shape={printable(','.join(map(str, shape)), 60)}, "
            f"which does not fit the {values.size:,} numbers that follow."
        )
    if dtype.kind == "f":
        array = _narrowed(values, dtype)
        fits = not (np.isinf(array) & np.isfinite(values)).any()
    else:
        array, fits = _integers(text, values, dtype)
    if not fits:
        raise NumberError(f"The comment says dtype={dtype.name}, but not all numbers are that.")
    return array.reshape(shape)


def _integers(text: str, values: np.ndarray, dtype: np.dtype[Any]) -> tuple[np.ndarray, bool]:
    """Return the numbers as integers, and whether all of them are of that type."""
    if (np.abs(values) < 2**53).all():
        array = _narrowed(values, dtype)
        return array, bool((array.astype(np.float64) == values).all())
    # float64 has no room for all digits of these, so they are read a second time.
    cells = re.split(r"[,\t\n ]+", text.strip())
    try:
        return np.array(list(map(int, cells)), dtype), len(cells) == values.size
    except (ValueError, OverflowError):
        return values, False


def save(stream: BinaryIO, array: np.ndarray, ending: str) -> None:
    """Write an array of real numbers so that ``load`` gives the same values, shape and type.

    Each number is written in the shortest form that reads back as the same value of its type
    (what a NaN carries besides being one is not kept). An array of one axis is a column; the
    last of more axes runs along the rows.
    """
    require_real(array.dtype, "The array")
    if array.dtype.name not in _DTYPES:
        raise FormatError(
            f"A text file has no form for {array.dtype.name} values; save them as .npy."
        )
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if not _speaks_for_itself(array):
        shape = ",".join(map(str, array.shape))
        stream.write(f"# quantoscope dtype={array.dtype.name} shape={shape}\n".encode())
    width = array.shape[-1] if array.ndim > 1 else 1
    for line in _rows(array.reshape(-1), max(width, 1), DELIMITERS[ending]):
        stream.write(line)


def _speaks_for_itself(array: np.ndarray) -> bool:
    """Tell whether the rows alone read back as this array."""
    return (
        array.dtype == np.float32
        and array.size > 0
        and (array.ndim == 1 or (array.ndim == 2 and 1 not in array.shape))
    )


def _rows(flat: np.ndarray, width: int, delimiter: str) -> Iterator[bytes]:
    """Yield the rows as text, many at a time."""
    step = max(1, _CHUNK // width) * width
    for start in cancellation.checked(range(0, flat.size, step), 1):
        cells = shortest(flat[start : start + step])
        rows = (delimiter.join(cells[i : i + width]) for i in range(0, len(cells), width))
        yield ("\n".join(rows) + "\n").encode("ascii")
