"""From text to numbers: one number as people type it, and what a block of them is.

Text in C notation (``-1.5e-7``, ``nan``, ``inf``) always means the same everywhere. Beyond that
a comma may be a decimal mark, separate thousands, or separate values; where more than one reading
makes sense, the caller gets all of them and can ask, rather than a guess.
"""

from __future__ import annotations

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
    point = None if decimal_comma is True else read_number(cell, ".", ", " + GROUP_MARKS)
    if point is not None and "," not in cell:
        return point
    comma = None if decimal_comma is False else read_number(cell, ",", ". " + GROUP_MARKS)
    if point is not None and comma is not None and point != comma:
        raise AmbiguousNumber(
            f"{quoted(cell)} can be read as {comma:.12g} or as {point:.12g}.", (point, comma)
        )
    value = comma if point is None else point
    if value is None:
        notation = {None: "", True: " with a decimal comma", False: " with a decimal point"}
        raise NumberError(f"{quoted(cell)} is not a number{notation[decimal_comma]}.")
    return value


def read_number(cell: str, decimal: str, groups: str) -> float | None:
    """Read a number with this decimal mark and these group marks; None when it is none.

    Raises
    ------
    NumberError
        When it is too large for a float.
    """
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
    if math.isinf(value) and overflows(cell):
        raise NumberError(f"{quoted(cell)} is too large for a float; write inf for infinity.")
    return value


def _is_grouped(whole: str, separator: str) -> bool:
    """Tell whether digits are parted as thousands are: 1 to 3, then 3 each, no leading zero."""
    first, *rest = whole.lstrip("+-").split(separator)
    sizes_fit = 1 <= len(first) <= 3 and all(len(group) == 3 for group in rest)
    return sizes_fit and first[0] != "0" and all(map(str.isdecimal, (first, *rest)))


def overflows(cell: str) -> bool:
    """Tell of an infinite cell whether digits overflowed, rather than that it says inf."""
    return "n" not in cell.lower()
