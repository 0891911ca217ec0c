"""From pasted or opened text to rows and columns of numbers, whatever parts the cells.

The text stays one text: cut into lines or cells it would take many times as much memory.
"""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine import cancellation
from engine.numbers import (
    GROUP_MARKS,
    AmbiguousBlock,
    Block,
    BlockError,
    Layout,
    NumberError,
    overflows,
    quoted,
    read_number,
)

_STRETCH = 1 << 16


def layouts(text: str, decimal_comma: bool | None = None) -> list[Layout]:
    """Return the layouts that a block may have, the likeliest first."""
    delimiter = "\t" if "\t" in text else ";" if ";" in text else " "
    # Between spaces, a space cannot group digits too.
    groups = GROUP_MARKS if delimiter == " " else " " + GROUP_MARKS
    point = Layout(delimiter, ".", "," + groups)
    comma = Layout(delimiter, ",", "." + groups)
    order = [point, comma]
    if "," in text and delimiter == ";":
        order = [comma, point]  # Semicolons part the values where the comma is taken.
    elif "," in text and delimiter == " ":
        order = [Layout(",", ".", GROUP_MARKS), comma, point]
    if decimal_comma is None:
        return order
    return [layout for layout in order if (layout.decimal == ",") is decimal_comma]


def parse_block(text: str, decimal_comma: bool | None = None, first_line: int = 1) -> Block:
    """Read pasted rows of numbers, with or without a header row.

    Tab, semicolon, comma and white space are recognised as delimiters, and the decimal mark is
    decided from the whole block. A line break at the end adds nothing; blank lines are skipped
    between rows of several columns, while in a single column they are missing values.

    Parameters
    ----------
    text : str
        Lines that end in LF, CRLF or CR.
    decimal_comma : bool, optional
        Decides where both marks make sense; commas beside a decimal point separate values.
    first_line : int
        The number of the first line, for messages.

    Raises
    ------
    AmbiguousBlock
        When ``decimal_comma`` is not given and readings differ: ``1,5`` over ``2,5``.
    BlockError
        With the place of a ragged row, an empty cell, or a word where a number belongs.
    """
    plain = plain_text(text)
    candidates = layouts(text, decimal_comma)
    # Without commas C notation holds, and with semicolons the comma's meaning is known.
    first_wins = decimal_comma is not None or "," not in text or candidates[0].delimiter == ";"
    readings: list[Block] = []
    failures: list[BlockError] = []
    for layout in candidates:
        try:
            block = read_as(plain, layout, first_line)
        except BlockError as error:
            # Its traceback would keep what was read so far.
            failures.append(error.with_traceback(None))
            continue
        if first_wins:
            return block
        if not any(np.array_equal(block.values, r.values, equal_nan=True) for r in readings):
            readings.append(block)
    if len(readings) > 1:
        raise AmbiguousBlock(tuple(readings))
    if readings:
        return readings[0]
    # The reading that got furthest is the one that was meant.
    raise max(failures, key=lambda error: (error.line, error.column))


def plain_text(text: str) -> str:
    """Return a block in plain notation, without the blank lines at its end."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.replace("\N{MINUS SIGN}", "-").replace("\N{INFINITY}", "inf")
    return plain.rstrip("\n ")


def read_as(text: str, layout: Layout, first_line: int = 1) -> Block:
    """Read a block in one layout.

    Parameters
    ----------
    text : str
        As ``plain_text`` gives it.
    first_line : int
        The number of the first line, for messages.

    Raises
    ------
    BlockError
    """
    if not text:
        raise BlockError("There are no numbers here.", first_line, 1)
    header = _header(text, layout)
    start = text.index("\n") + 1 if header else 0
    rows = text.count("\n", start) + 1
    width = len(header) if header else 0
    above = int(header is not None)
    values, filled = np.empty((0, width)), 0
    # Stretch by stretch: the cells as texts take many times what the block and its numbers do.
    for at, stretch in _stretches(text, start):
        line = first_line + above + at
        part = _read_plain(stretch, layout)
        if part is None or (width and part.shape[1] != width):
            part = _read_carefully(stretch, layout, line, width, filled)
        if not filled:
            width = part.shape[1]
            values = part if len(part) == rows else np.empty((rows, width))
        values[filled : filled + len(part)] = part
        filled += len(part)
    values = values[:filled]
    if header and len(header) > 1 and not header[0] and _numbers_rows(values[:, 0]):
        return Block(np.ascontiguousarray(values[:, 1:]), header[1:], layout)
    return Block(values, header, layout)


def _numbers_rows(column: NDArray[np.float64]) -> bool:
    """Tell whether a column without a head counts the rows, as pandas and R write an index."""
    first = column[0] if column.size > 1 else -1
    return first in (0, 1) and bool((column == np.arange(first, first + column.size)).all())


def _stretches(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Yield whole lines, many at a time, with the number of the first, counted from 0."""
    line = 0
    while start <= len(text):
        cancellation.check()
        end = text.find("\n", start + _STRETCH)
        stretch = text[start : len(text) if end < 0 else end]
        yield line, stretch
        line += stretch.count("\n") + 1
        start += len(stretch) + 1


def _header(text: str, layout: Layout) -> tuple[str, ...] | None:
    """Return the first row when it holds no number but at least one word, and rows follow."""
    first, rows_follow, _ = text.partition("\n")
    if not rows_follow:
        return None
    cells = [cell.strip() for cell in _split(first, layout)]
    if not any(cells):
        return None
    if layout.delimiter == " " and any("," in cell for cell in cells):
        return None  # Commas part these words, so they part the numbers below too.
    return tuple(cells) if all(not cell or _is_word(cell) for cell in cells) else None


def _is_word(cell: str) -> bool:
    """Tell a word from a number, and from what may be a mistyped one."""
    if not any(c.isalpha() for c in cell):
        return False
    try:
        return all(read_number(cell, mark, "") is None for mark in ".,")
    except NumberError:
        return False


def _split(line: str, layout: Layout) -> list[str]:
    if layout.delimiter == " ":
        return [cell for cell in line.split(" ") if cell]
    if '"' in line:
        try:
            return next(csv.reader([line], delimiter=layout.delimiter, skipinitialspace=True))
        except csv.Error:
            pass  # Not quoting after all; the cell gets its message further on.
    return line.split(layout.delimiter)


def _read_plain(text: str, layout: Layout) -> NDArray[np.float64] | None:
    """Read rows of bare C numbers (or with decimal commas) fast; None for anything else."""
    delimiter = layout.delimiter
    if any(mark in text for mark in '_"' + GROUP_MARKS):
        return None
    if layout.decimal == ",":
        # A point groups here, and a comma at the end of a cell is not a number.
        if "." in text or any("," + end in text + "\n" for end in ("\n", " ", delimiter)):
            return None
        text = text.replace(",", ".")
    lines = text.split("\n")
    if delimiter == " ":
        # The one line of a stretch may be a very long one.
        widths = set(map(len, map(str.split, lines))) if len(lines) > 1 else {0}
    else:
        widths = {line.count(delimiter) for line in lines}
    if len(widths) != 1:
        return None
    values = _floats(text.replace("\n", delimiter), delimiter)
    return None if values is None else np.frombuffer(values).reshape(len(lines), -1)


def _floats(text: str, delimiter: str) -> array[float] | None:
    """Return C numbers between delimiters; None where something else is there."""
    values = array("d")
    start = 0
    while start <= len(text):
        cancellation.check()
        end = text.find(delimiter, start + _STRETCH)
        cells = text[start : len(text) if end < 0 else end]
        parts = cells.split() if delimiter == " " else cells.split(delimiter)
        try:
            some = list(map(float, parts))
        except ValueError:
            return None
        if any(math.isinf(x) and overflows(cell) for x, cell in zip(some, parts, strict=True)):
            return None
        values.extend(some)
        start += len(cells) + 1
    return values


def _read_carefully(
    text: str, layout: Layout, first_line: int, width: int, before: int
) -> NDArray[np.float64]:
    """Read rows cell by cell, with grouped digits and quotes; the first fault raises.

    ``width`` is how many cells a row has, where that is known, and ``before`` how many rows of
    numbers were read already.
    """
    rows: list[list[float]] = []
    lines = cancellation.checked(text.split("\n"), 256)
    for number, line in enumerate(lines, first_line):
        if not line.strip(" "):
            if width > 1:
                continue
            raise BlockError(f"Line {number} is empty; a number is needed.", number, 1)
        row = [
            _read_cell(cell.strip(), layout, number, column)
            for column, cell in enumerate(_split(line, layout), 1)
        ]
        width = width or len(row)
        if len(row) != width:
            raise _ragged(number, len(row), width, before + len(rows))
        rows.append(row)
    return np.array(rows, dtype=np.float64).reshape(-1, width)


def _read_cell(cell: str, layout: Layout, line: int, column: int) -> float:
    place = f"Line {line}, column {column}"
    if not cell:
        raise BlockError(f"{place} is empty; a number is needed.", line, column)
    try:
        value = read_number(cell, layout.decimal, layout.groups)
    except NumberError as error:
        raise BlockError(f"{place}: {error}", line, column) from None
    if value is None:
        raise BlockError(f"{place}: {quoted(cell)} is not a number.", line, column)
    return value


def _ragged(line: int, found: int, expected: int, before: int) -> BlockError:
    values = "1 value" if found == 1 else f"{found} values"
    others = "header has", "line before has", "lines before have"
    return BlockError(
        f"Line {line} has {values} where the {others[min(before, 2)]} {expected}.",
        line,
        min(found, expected) + 1,
    )
