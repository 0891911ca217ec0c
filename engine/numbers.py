"""From text to numbers: one number as people type it, and pasted blocks of numbers.

Text in C notation (``-1.5e-7``, ``nan``, ``inf``) always means the same everywhere. Beyond that
a comma may be a decimal mark, separate thousands, or separate values; where more than one reading
makes sense, the caller gets all of them and can ask, rather than a guess.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What people put between groups of three digits, besides the comma, the point and the space.
GROUP_MARKS = "'\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{THIN SPACE}\u202f"
_PLAIN = {0x2212: "-", 0x221E: "inf", 0xFEFF: ""}  # minus sign, infinity, byte order mark


class NumberError(ValueError):
    """A text is not a number, or a block not one of numbers; the message is one sentence."""


class AmbiguousNumber(NumberError):
    """A text has two sensible readings.

    Attributes
    ----------
    readings : tuple of float
        With a decimal point, and with a decimal comma: ``readings[decimal_comma]``.
    """

    def __init__(self, message: str, readings: tuple[float, float]) -> None:
        super().__init__(message)
        self.readings = readings


class BlockError(NumberError):
    """A place in a block is wrong.

    Attributes
    ----------
    line, column : int
        Where, counted from 1; the column counts cells, not characters.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class AmbiguousBlock(NumberError):
    """A block has several sensible readings.

    Attributes
    ----------
    readings : tuple of Block
        Two or three, each with a ``description`` to choose by.
    """

    def __init__(self, readings: tuple[Block, ...]) -> None:
        choices = ", or ".join(block.description for block in readings)
        super().__init__(f"The commas can be read in more than one way: {choices}.")
        self.readings = readings


@dataclass(frozen=True)
class Layout:
    """How to read a block: what parts the cells, and how a number is written.

    Attributes
    ----------
    delimiter : str
        One character; a space stands for any run of spaces.
    decimal : str
        The decimal mark, ``.`` or ``,``.
    groups : str
        The characters that may part groups of three digits.
    """

    delimiter: str
    decimal: str
    groups: str

    @property
    def meaning(self) -> str:
        """What the comma means, in words."""
        if self.delimiter == ",":
            return "commas separate values"
        return "commas are decimal marks" if self.decimal == "," else "commas group thousands"


@dataclass(frozen=True, eq=False)
class Block:
    """Numbers in rows and columns.

    Attributes
    ----------
    values : ndarray of float64, shape (rows, columns)
    header : tuple of str or None
        The words above the columns, where there are any.
    layout : Layout
        How the text was read.
    """

    values: NDArray[np.float64]
    header: tuple[str, ...] | None
    layout: Layout

    @property
    def description(self) -> str:
        """What this reading makes of the text: ``commas are decimal marks (2 × 1: 1.5 …)``."""
        rows, columns = self.values.shape
        first = " │ ".join(f"{value:.9g}" for value in self.values[0, :3])
        more = " …" if self.values.size > min(columns, 3) else ""
        return f"{self.layout.meaning} ({rows} × {columns}: {first}{more})"


def quoted(text: str, limit: int = 40) -> str:
    """Return ``text`` in quotes on one line, cut to ``limit`` characters, for a message."""
    return f"'{printable(text, limit)}'"


def printable(text: str, limit: int = 200) -> str:
    """Return ``text`` without line breaks and control characters, cut to ``limit`` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cut)


def parse_number(text: str, decimal_comma: bool | None = None) -> float:
    """Read one number.

    Parameters
    ----------
    text : str
        C notation, nan or inf (``∞``) in any case, a Unicode minus, a decimal comma, thousands
        in groups of three parted by commas, points, spaces or apostrophes.
    decimal_comma : bool, optional
        Which mark is the decimal one; by default C notation first, then whatever makes sense.

    Raises
    ------
    AmbiguousNumber
        When a point and a comma as decimal mark both make sense and differ: ``1,500``.
    NumberError
        When neither does, or the number is too large for a float.
    """
    cell = text.translate(_PLAIN).strip()
    if not cell:
        raise NumberError("There is no number here; type one, such as 0.5.")
    point = None if decimal_comma is True else _read(cell, ".", ", " + GROUP_MARKS)
    if point is not None and "," not in cell:
        return point
    comma = None if decimal_comma is False else _read(cell, ",", ". " + GROUP_MARKS)
    if point is not None and comma is not None and point != comma:
        raise AmbiguousNumber(
            f"{quoted(cell)} can be read as {comma:.12g} or as {point:.12g}.", (point, comma)
        )
    value = comma if point is None else point
    if value is None:
        notation = {None: "", True: " with a decimal comma", False: " with a decimal point"}
        raise NumberError(f"{quoted(cell)} is not a number{notation[decimal_comma]}.")
    return value


def _read(cell: str, decimal: str, groups: str) -> float | None:
    """Read a number with this decimal mark and these group marks; None when it is none."""
    whole, mark, fraction = cell.partition(decimal)
    if "_" in cell or (mark == "," and not fraction):
        return None  # Python's own 1_000; and "1," is the end of a clause, not a number.
    for separator in groups:
        if separator in whole:
            if not _is_grouped(whole, separator):
                return None
            whole = whole.replace(separator, "")
    try:
        value = float(f"{whole}.{fraction}" if mark else whole)
    except ValueError:
        return None
    if math.isinf(value) and _overflows(cell):
        raise NumberError(f"{quoted(cell)} is too large for a float; write inf for infinity.")
    return value


def _is_grouped(whole: str, separator: str) -> bool:
    """Tell whether digits are parted as thousands are: 1 to 3, then 3 each, no leading zero."""
    first, *rest = whole.lstrip("+-").split(separator)
    sizes_fit = 1 <= len(first) <= 3 and all(len(group) == 3 for group in rest)
    return sizes_fit and first[0] != "0" and all(map(str.isdecimal, (first, *rest)))


def _overflows(cell: str) -> bool:
    """Tell of an infinite cell whether digits overflowed, rather than that it says inf."""
    return "n" not in cell.lower()


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
    lines = split_lines(text)
    candidates = layouts(text, decimal_comma)
    # Without commas C notation holds, and with semicolons the comma's meaning is known.
    first_wins = decimal_comma is not None or "," not in text or candidates[0].delimiter == ";"
    readings: list[Block] = []
    failures: list[BlockError] = []
    for layout in candidates:
        try:
            block = read_as(lines, layout, first_line)
        except BlockError as error:
            failures.append(error)
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


def split_lines(text: str) -> list[str]:
    """Return the lines of a block in plain notation, without the blank ones at its end."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    plain = plain.replace("\N{MINUS SIGN}", "-").replace("\N{INFINITY}", "inf")
    lines = plain.split("\n")
    while lines and not lines[-1].strip(" "):
        lines.pop()
    return lines


def read_as(lines: list[str], layout: Layout, first_line: int = 1) -> Block:
    """Read the lines of a block in one layout.

    Parameters
    ----------
    lines : list of str
        As ``split_lines`` gives them.
    first_line : int
        The number of the first line, for messages.

    Raises
    ------
    BlockError
    """
    if not lines:
        raise BlockError("There are no numbers here.", first_line, 1)
    header = _header(lines, layout)
    body, start = (lines[1:], first_line + 1) if header else (lines, first_line)
    values = _read_plain(body, layout)
    if values is None or (header is not None and values.shape[1] != len(header)):
        values = _read_carefully(body, layout, start, header)
    return Block(values, header, layout)


def _header(lines: list[str], layout: Layout) -> tuple[str, ...] | None:
    """Return the first row when it holds no number but at least one word, and rows follow."""
    cells = [cell.strip() for cell in _split(lines[0], layout)]
    if len(lines) < 2 or not any(cells):
        return None
    if layout.delimiter == " " and any("," in cell for cell in cells):
        return None  # Commas part these words, so they part the numbers below too.
    return tuple(cells) if all(not cell or _is_word(cell) for cell in cells) else None


def _is_word(cell: str) -> bool:
    """Tell a word from a number, and from what may be a mistyped one."""
    if not any(c.isalpha() for c in cell):
        return False
    try:
        return all(_read(cell, mark, "") is None for mark in ".,")
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


def _read_plain(lines: list[str], layout: Layout) -> NDArray[np.float64] | None:
    """Read a block of bare C numbers (or with decimal commas) fast; None for anything else."""
    text = "\n".join(lines)
    delimiter = layout.delimiter
    if any(mark in text for mark in '_"' + GROUP_MARKS):
        return None
    if layout.decimal == ",":
        # A point groups here, and a comma at the end of a cell is not a number.
        if "." in text or any("," + end in text + "\n" for end in ("\n", " ", delimiter)):
            return None
        text = text.replace(",", ".")
    if delimiter == " ":
        widths = set(map(len, map(str.split, lines)))
        cells = text.split()
    else:
        widths = {line.count(delimiter) + 1 for line in lines}
        cells = text.replace("\n", delimiter).split(delimiter)
    if len(widths) != 1:
        return None
    try:
        values = np.array(list(map(float, cells)))
    except ValueError:
        return None
    if any(_overflows(cells[i]) for i in np.flatnonzero(np.isinf(values))):
        return None
    return values.reshape(len(lines), widths.pop())


def _read_carefully(
    lines: list[str], layout: Layout, first_line: int, header: tuple[str, ...] | None
) -> NDArray[np.float64]:
    """Read a block cell by cell, with grouped digits and quotes; the first fault raises."""
    rows: list[list[float]] = []
    width = len(header) if header else 0
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
            raise _ragged(number, len(row), width, before=len(rows))
        rows.append(row)
    return np.array(rows, dtype=np.float64)


def _read_cell(cell: str, layout: Layout, line: int, column: int) -> float:
    place = f"Line {line}, column {column}"
    if not cell:
        raise BlockError(f"{place} is empty; a number is needed.", line, column)
    try:
        value = _read(cell, layout.decimal, layout.groups)
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
