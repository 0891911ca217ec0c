"""Text files of numbers (.csv, .tsv, .txt): tolerant reading, exact writing.

The delimiter, a decimal comma and a header row are recognised. In a file a comma separates
values if possible, as "comma-separated" implies; other ambiguous commas
are refused. Lines that begin with # are comments. A first line such as
``# quantoscope dtype=float64 shape=64,3,3,3``, which the writer adds if the rows alone
are not sufficient, gives dtype and shape if the rows agree with it. An array
literal, such as ``[[1, 2], [3, 4]]``, is read in its own shape.

The file is read in pieces, so that memory is bounded by its numbers.
"""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io.base import (
    FormatError,
    TensorInfo,
    byte_count,
    label,
    open_file,
    require_real,
)
from quantoscope.engine.notes import Note, say
from quantoscope.engine.text.delimited import (
    comma_notes,
    groups_beside_commas,
    layouts,
    parse_block,
    read_as,
    stretches,
)
from quantoscope.engine.text.literals import is_literal, parse_literal
from quantoscope.engine.text.markdown import is_table, parse_table
from quantoscope.engine.text.number_parsing import (
    AmbiguousBlock,
    BlockError,
    NumberBlock,
    NumberError,
    is_comment,
    printable,
)
from quantoscope.engine.text.source_literals import shortest
from quantoscope.engine.text.text_pieces import Text
from quantoscope.engine.text.value_buffer import count_notes, narrowed

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": " "}
_DTYPES = {
    np.dtype(code).name: np.dtype(code)
    for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
}
_DECLARATION = re.compile(
    r"^#[ \t]*quantoscope[ \t]+dtype=(\w+)[ \t]+shape=([0-9,]{0,999})[ \t]*$", re.MULTILINE
)
# Control characters that text does not contain: all but tab, line ends and form feed.
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f")) + b"\x7f"
_CHUNK = 1 << 16
_BLANK = re.compile(r"\s*\n")


def is_text(data: bytes) -> bool:
    """Return whether bytes may be text: UTF-16 with a BOM, or free of control characters."""
    return data[:2] in (b"\xff\xfe", b"\xfe\xff") or data.translate(None, _CONTROLS) == data


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the file's only array, named after the stem of the file; reads the whole file."""
    array = load(path)
    return [TensorInfo(path.stem, array.shape, array.dtype.name, array.nbytes)]


def load(path: Path) -> np.ndarray:
    """Load the numbers of a text file; notes report what was skipped or not read as a number.

    Returns
    -------
    ndarray
        One row or one column gives one axis, anything else two, unless the file declares a shape.
        float32, or float64 if a number would overflow or underflow, or an integer
        would lose digits.
    """
    try:
        text = _opened(path)
        declared = _declaration(_comments(text.start))
        if declared is not None:
            return _as_declared(text, *declared)
        if is_literal(text):
            literal = parse_literal(text, single=True)
            say(*literal.notes, *_precision(literal.wide))
            return np.atleast_1d(literal.values)
        if is_table(text.start):
            block = parse_table(text, single=True)
        else:
            block = _read(text)
            if block.layout.delimiter == ",":
                say(*comma_notes(text, decimal=path.suffix.lower() != ".csv"))
        say(*block.notes, *_precision(block.wide))
        return block.values.reshape(-1) if 1 in block.values.shape else block.values
    except NumberError as error:
        message = str(error)
        raise FormatError(f"In {label(path)}, {message[0].lower()}{message[1:]}") from None
    except UnicodeDecodeError:
        raise FormatError(f"{label(path)} has changed while it was read.") from None


def _precision(wide: int) -> list[Note]:
    """Return notes on integers with more digits than float32."""
    one = "1 integer has more digits than float32: all values are float64."
    many = "%1 integers have more digits than float32: all values are float64."
    return count_notes(wide, one, many)


def _comments(start: str) -> str:
    """Return the comments at the top of a text."""
    at = 0
    while at < len(start):
        end = start.find("\n", at)
        end = len(start) if end < 0 else end
        if start[at : at + 1] not in ("", "\n") and not is_comment(start[at:end]):
            break
        blank = _BLANK.match(start, end)
        at = blank.end() if blank else end + 1
    return start[:at]


def _opened(path: Path) -> Text:
    """Return a file as a Text; only the start is read of a file that is not text."""
    size, encoding = 0, "utf-8-sig"
    # Old spreadsheets write Windows-1252, which matters for header words only.
    checks = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1252")}
    with open_file(path) as stream:
        while chunk := stream.read(_CHUNK):
            cancellation.check()
            if not size and chunk[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                # The "Unicode text" of spreadsheets.
                checks = {"utf-16": codecs.getincrementaldecoder("utf-16")()}
            size += len(chunk)
            if "utf-16" not in checks and not is_text(chunk):
                raise FormatError(
                    f"{label(path)} is not a text file: it has control characters in it."
                )
            _drop_unfit(checks, chunk, False)
    _drop_unfit(checks, b"", True)
    if not checks:
        raise FormatError(f"{label(path)} is not a text file in an encoding that is known here.")
    encoding = next(iter(checks))

    def pieces() -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(encoding)()
        left = size  # the file may have grown meanwhile
        with open_file(path) as stream:
            while chunk := stream.read(min(_CHUNK, left)):
                left -= len(chunk)
                yield decoder.decode(chunk)
        yield decoder.decode(b"", True)

    return Text(pieces, size, opened=True)


def _drop_unfit(checks: dict[str, codecs.IncrementalDecoder], chunk: bytes, final: bool) -> None:
    """Drop encodings that do not fit the bytes."""
    for name, decoder in list(checks.items()):
        try:
            decoder.decode(chunk, final)
        except UnicodeDecodeError:
            del checks[name]


def _read(text: Text, first_line: int = 1, single: bool = True) -> NumberBlock:
    """Parse a block; commas separate values if possible."""
    likeliest = layouts(text.marks)[0]
    unclear = text.marks.quoted_comma or groups_beside_commas(text)
    if likeliest.delimiter != "," or unclear:
        return parse_block(text, first_line=first_line, single=single)
    try:
        return read_as(text, likeliest, first_line, single)
    except BlockError as error:
        first = error.with_traceback(None)
    try:
        return parse_block(text, first_line=first_line, single=single)
    except NumberError as error:
        if isinstance(error, AmbiguousBlock) and error.spaces:
            raise
        raise first from None


def _declaration(comments: str) -> tuple[np.dtype[Any], tuple[int, ...]] | None:
    """Return the dtype and shape in the program's own comment; None if there is none."""
    match = _DECLARATION.search(comments)
    if match is None:
        return None
    if match[1] not in _DTYPES:
        raise NumberError(f"The comment says dtype={printable(match[1], 40)}, which is not known.")
    return _DTYPES[match[1]], tuple(int(n) for n in match[2].split(",") if n)


def _as_declared(text: Text, dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Return the numbers with the declared dtype and shape; raise NumberError if they differ."""
    known = byte_count(shape, dtype.itemsize) is not None
    if 0 in shape and known and not text.first_rows:
        return np.empty(shape, dtype)
    block = _read(text, single=False)
    say(*block.notes)
    values = block.values
    if math.prod(shape) != values.size or not known:
        raise NumberError(
            f"The comment says shape={printable(','.join(map(str, shape)), 60)}, "
            f"which does not fit the {values.size:,} numbers that follow."
        )
    if dtype.kind == "f":
        array = narrowed(values, dtype)
        fits = not (np.isinf(array) & np.isfinite(values)).any()
    elif (np.abs(values) < 2**53).all():
        array = narrowed(values, dtype)
        fits = bool((array.astype(np.float64) == values).all())
    else:
        array, fits = _integers(text, block, dtype)
    if not fits:
        raise NumberError(f"The comment says dtype={dtype.name}, but not all numbers are that.")
    return array.reshape(shape)


def _integers(text: Text, block: NumberBlock, dtype: np.dtype[Any]) -> tuple[np.ndarray, bool]:
    """Parse the numbers again as integers, which float64 cannot hold exactly."""
    array, filled = np.empty(block.values.size, dtype), 0
    delimiter = block.layout.delimiter or "\n"
    for rows, _ in stretches(text, delimiter, lambda: BlockError("A number is too long.", 1, 1)):
        lines = [line for line in rows.split("\n") if not is_comment(line)]
        cells = re.split(r"[,\t\n ]+", "\n".join(lines).strip())
        try:
            part = np.array([int(cell) for cell in cells if cell], dtype)
            array[filled : filled + part.size] = part
        except (ValueError, OverflowError):
            return array, False
        filled += part.size
    return array, filled == array.size


def save(stream: BinaryIO, array: np.ndarray, ending: str) -> None:
    """Write an array of real numbers so that ``load`` returns the same values, shape and dtype.

    Each number is written as the shortest text that reads back as the same value of its dtype
    (NaN payloads are lost). A one-dimensional array is a column; otherwise the
    last axis runs along the rows.
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
    """Return whether the rows alone read back as this array."""
    return (
        array.dtype == np.float32
        and array.size > 0
        and (array.ndim == 1 or (array.ndim == 2 and 1 not in array.shape))
    )


def _rows(flat: np.ndarray, width: int, delimiter: str) -> Iterator[bytes]:
    """Yield the rows as text, in batches."""
    step = max(1, _CHUNK // width) * width
    for start in cancellation.checked(range(0, flat.size, step), 1):
        cells = shortest(flat[start : start + step])
        rows = (delimiter.join(cells[i : i + width]) for i in range(0, len(cells), width))
        yield ("\n".join(rows) + "\n").encode("ascii")
