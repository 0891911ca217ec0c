"""From text to numbers: one number as people type it, and what a block of them is.

Text in C notation (``-1.5e-7``, ``nan``, ``inf``) always means the same everywhere. Beyond that
a comma may be a decimal mark, separate thousands, or separate values; where more than one reading
makes sense, the caller gets all of them and can ask, rather than a guess.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantoscope.engine.notes import Note

# What people put between groups of three digits, besides the comma, the point and the space.
GROUP_MARKS = "'\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{THIN SPACE}\u202f"
# Signs that stand for others: minus and dashes, infinity, the Arabic and Chinese separators. The
# forms of ASCII that are as wide as a Chinese letter follow one another from U+FF01 on.
_WIDE = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
_PLAIN = {
    "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "\N{HYPHEN}": "-", "\N{NON-BREAKING HYPHEN}": "-",
    "\N{FIGURE DASH}": "-", "\N{SMALL HYPHEN-MINUS}": "-", "\N{INFINITY}": "inf", "\ufeff": "",
    "\N{ARABIC DECIMAL SEPARATOR}": ".", "\N{ARABIC THOUSANDS SEPARATOR}": "'",
    "\N{ARABIC COMMA}": ",", "\N{ARABIC SEMICOLON}": ";", "\N{IDEOGRAPHIC COMMA}": ",",
    "\N{IDEOGRAPHIC SPACE}": " ",
}  # fmt: skip
_ANY_WIDE = re.compile("[\uff01-\uff5e]")
_TO_ASCII = str.maketrans(_WIDE)

_HEX = re.compile(
    r"([-+]?0[xX](?:[0-9a-fA-F]{1,999}\.?[0-9a-fA-F]{0,999}|\.[0-9a-fA-F]{1,999})"
    r"(?:[pP][-+]?\d{1,9})?)((?:(?<=\d)[fF])?(?:[uU]?[lL]{0,2}|[lL]{1,2}[uU]))",
    re.ASCII,
)
# Fortran's exponents of double and quadruple precision, and the suffixes of C.
_FORTRAN = re.compile(r"([-+]?[^a-zA-Z]{1,999})[dDqQ]([-+]?\d{1,9})")
_SUFFIX = re.compile(
    r"([-+]?.{0,999}[\d.,](?:[eE][-+]?\d{1,9})?)(?:[fFlLuU]|[uU]?[lL]{1,2}|[lL]{1,2}[uU])"
)
_WHOLE = re.compile(r"([-+]?\d+)[uUlL]{0,3}")
_HEX_WHOLE = re.compile(r"([-+]?0[xX][0-9a-fA-F]+)[uUlL]{0,3}", re.ASCII)
# "1st" is a name, "1.5x" and "12O" are no names.
_BEGIN, _LETTERS = re.compile(r"[-+]?\.?\d"), re.compile(r"(?<!0)[^\W\d_]{2}")
# As the C library of Windows prints what is no finite number, and others a NaN with its kind.
_WINDOWS = re.compile(r"([-+]?)1[.,]#(INF|IND|[QS]?NAN)0*", re.IGNORECASE)
_NAN = re.compile(
    r"[-+]?(?:(?:[a-z_]\w{0,20}\.)?nanf?|[qs]nan|nan[qs])(?:\(\w{0,40}\))?", re.IGNORECASE
)
_INF = re.compile(r"([-+]?)(?:[a-z_]\w{0,20}\.)?(?:inff?|infinityf?|huge_val)", re.IGNORECASE)
# What pandas takes for a missing value by default, in any case but for NA (Na is sodium), with
# what other programs write for it.
_MISSING = frozenset({
    "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "null", "none",
    "nat", "nil", "undefined", "na_real_", "na_integer_", "--", "#nv", "#n/d", "#n/v", "#nd",
    "#n/b", "#i/t", "#yok", "#н/д",
})  # fmt: skip
_SPREADSHEET_ERROR = re.compile(
    r"#[^\W_][\w/¡¿ ]{0,20}[!?]|#[¡¿][\w/ ]{1,20}[!?]|err:5\d\d", re.IGNORECASE
)
# One that stands at the start of a line: the line is no comment.
_ERROR_FIRST = re.compile(
    rf"(?:{_SPREADSHEET_ERROR.pattern}|#N/?A|#NV|#N/[BDV]|#ND|#I/T|#YOK|#Н/Д)(?=[\s,;\"]|$)",
    re.IGNORECASE,
)
_NO_ERROR = frozenset({"", " ", "#", "-", "="})
"""What no error of a spreadsheet has behind its first sign."""


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
        Two or more, each with a ``description`` to choose by.
    spaces : bool
        Whether it is the spaces that have several meanings, rather than the commas alone.
    """

    def __init__(self, readings: tuple[Block, ...]) -> None:
        choices = ", or ".join(block.description for block in readings)
        self.spaces = any(block.layout.spaces for block in readings)
        what = "spaces" if self.spaces else "commas"
        super().__init__(f"The {what} can be read in more than one way: {choices}.")
        self.readings = readings


@dataclass(frozen=True)
class Layout:
    """How to read a block: what parts the cells, and how a number is written.

    Attributes
    ----------
    delimiter : str
        One character; a space stands for any run of spaces, and nothing for one column.
    decimal : str
        The decimal mark, ``.`` or ``,``.
    groups : str
        The characters that may part groups of three digits.
    spaces : bool
        Whether it is the meaning of the spaces that tells it from others.
    """

    delimiter: str
    decimal: str
    groups: str
    spaces: bool = False

    @property
    def meaning(self) -> str:
        """What the comma, or the space, means, in words."""
        if self.spaces:
            return "spaces separate values" if self.delimiter else "spaces group thousands"
        if self.delimiter == ",":
            commas = self.decimal == ","
            return "quoted commas are decimal marks" if commas else "commas separate values"
        return "commas are decimal marks" if self.decimal == "," else "commas group thousands"


@dataclass(frozen=True, eq=False)
class Block:
    """Numbers in rows and columns.

    Attributes
    ----------
    values : ndarray of float64, shape (rows, columns)
    header : tuple of str or None
        The words above the columns, where there are any.
        Of very many the first alone.
    layout : Layout
        How the text was read.
    notes : tuple of Note
        What was left out, or taken for something else than a number.
    wide : int
        How many whole numbers have more digits than float32 has room for.
    """

    values: NDArray[np.floating]
    header: tuple[str, ...] | None
    layout: Layout
    notes: tuple[Note, ...] = ()
    wide: int = 0

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


def plain(text: str) -> str:
    """Return text with one sign for each meaning: ASCII's, where it has one."""
    if text.isascii():
        return text
    for sign, meaning in _PLAIN.items():
        if sign in text:
            text = text.replace(sign, meaning)
    return text.translate(_TO_ASCII) if _ANY_WIDE.search(text) else text


def parse_number(text: str, decimal_comma: bool | None = None) -> float:
    """Read one number.

    Parameters
    ----------
    text : str
        As ``read_number`` takes it, with a decimal point or comma, and with thousands in groups
        of three parted by commas, points, spaces or apostrophes.
    decimal_comma : bool, optional
        Which mark is the decimal one; by default C notation first, then whatever makes sense.

    Raises
    ------
    AmbiguousNumber
        When a point and a comma as decimal mark both make sense and differ: ``1,500``.
    NumberError
        When neither does, or the number is too large for a float.
    """
    cell = plain(text).strip()
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
    """Read a cell; None when it is no number.

    This is what a cell can be, wherever it stands: a decimal number in C or Fortran notation, with
    these marks; a hexadecimal one; either with a suffix of C; an infinity; NaN, or a word for a
    missing value, which is NaN.

    Parameters
    ----------
    cell : str
        As ``plain`` gives it, without blanks around it.
    decimal : str
        The decimal mark.
    groups : str
        The marks that may part groups of three digits.

    Raises
    ------
    NumberError
        When it is too large for a float.
    """
    value = _decimal(cell, decimal, groups)
    return _other(cell, decimal, groups) if value is None else value


def _decimal(cell: str, decimal: str, groups: str) -> float | None:
    whole, mark, fraction = cell.partition(decimal)
    if "_" in cell or (mark == "," and (not fraction or whole in ("+", "-"))):
        # Python's own 1_000; "1," is the end of a clause, and "-,1" a missing value before a 1.
        return None
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


def _other(cell: str, decimal: str, groups: str) -> float | None:
    """Read what is not written in C's decimal notation alone."""
    if len(cell) > 120:  # as no number is, and patterns take their time
        return None
    if cell[:1].isalpha() and cell[0] not in "nNuUiIhHqQsSeE" and "." not in cell:
        return None  # a word, most likely one of many in a header
    if is_missing(cell) or _NAN.fullmatch(cell):
        return math.nan
    if found := _INF.fullmatch(cell):
        return -math.inf if found[1] == "-" else math.inf
    if found := _WINDOWS.fullmatch(cell):
        return math.nan if found[2].upper() != "INF" else float(f"{found[1]}inf")
    if found := _HEX.fullmatch(cell):
        # Without an exponent f is one of the digits.
        try:
            return float.fromhex(found[1])
        except OverflowError:
            text = f"{quoted(cell)} is too large for a float; write inf for infinity."
            raise NumberError(text) from None
    if found := _FORTRAN.fullmatch(cell):
        return _decimal(f"{found[1]}e{found[2]}", decimal, groups)
    if found := _SUFFIX.fullmatch(cell):
        return _decimal(found[1], decimal, groups)
    return None


def is_missing(cell: str) -> bool:
    """Tell whether a cell says that a value is missing, or that a spreadsheet has none for it."""
    if len(cell) > 40:
        return False
    known = cell in ("NA", "na") or cell.lower() in _MISSING
    return known or _SPREADSHEET_ERROR.fullmatch(cell) is not None


def is_comment(line: str) -> bool:
    """Tell whether a line is a comment, which begins with # as some missing values do."""
    text = line.lstrip()
    return text[:1] == "#" and (text[1:2] in _NO_ERROR or _ERROR_FIRST.match(text) is None)


def begins_as_number(cell: str) -> bool:
    """Tell whether a cell begins with a digit, behind a sign or a point."""
    return _BEGIN.match(cell) is not None


def is_word(cell: str) -> bool:
    """Tell a name from a number, a missing value, and what may be a mistyped number."""
    if not _LETTERS.search(cell, 0, 200) if begins_as_number(cell) else not _has_letter(cell):
        return False
    try:
        return all(read_number(cell, mark, ", ") is None for mark in ".,")
    except NumberError:
        return False


def _has_letter(cell: str) -> bool:
    return any(map(str.isalpha, cell))


def whole_number(cell: str, decimal: str, groups: str) -> int | None:
    """Return the exact value of a cell written as a whole number; None for any other."""
    if decimal in cell or len(cell) > 400:
        return None
    for separator in groups:
        cell = cell.replace(separator, "")
    if found := _WHOLE.fullmatch(cell):
        return int(found[1])
    if found := _HEX_WHOLE.fullmatch(cell):
        return int(found[1], 16)
    return None


def typed_whole(text: str) -> int | None:
    """Return the exact value of a whole number as a person types it; None for any other."""
    cell = plain(text).strip()
    point = whole_number(cell, ".", ", " + GROUP_MARKS)
    return whole_number(cell, ",", ". " + GROUP_MARKS) if point is None else point


def _is_grouped(whole: str, separator: str) -> bool:
    """Tell whether digits are parted as thousands are: 1 to 3, then 3 each, no leading zero."""
    first, *rest = whole.lstrip("+-").split(separator)
    sizes_fit = 1 <= len(first) <= 3 and all(len(group) == 3 for group in rest)
    return sizes_fit and first[0] != "0" and all(map(str.isdecimal, (first, *rest)))


def overflows(cell: str) -> bool:
    """Tell of an infinite cell whether digits overflowed, rather than that it says inf."""
    return "n" not in cell.lower()
