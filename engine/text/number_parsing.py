"""Parse numbers as people type them; result and error types of text blocks.

Text in C notation (``-1.5e-7``, ``nan``, ``inf``) is read the same in every locale. Otherwise
a comma may be a decimal mark, separate thousands, or separate values; if more than one reading
is valid, the caller gets all of them to choose from.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantoscope.engine.notes import Note

# Separators of digit groups, besides comma, point and space.
GROUP_MARKS = "'\N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{THIN SPACE}\u202f"
# Characters to replace with ASCII: minus and dashes, infinity, Arabic and Chinese separators. The
# full-width forms of ASCII are consecutive from U+FF01 on.
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
# "1st" is a name; "1.5x" and "12O" are mistyped numbers.
_BEGIN, _LETTERS = re.compile(r"[-+]?\.?\d"), re.compile(r"(?<!0)[^\W\d_]{2}")
# Infinities and NaN as printed by the C library of Windows; NaN with its payload by others.
_WINDOWS = re.compile(r"([-+]?)1[.,]#(INF|IND|[QS]?NAN)0*", re.IGNORECASE)
_NAN = re.compile(
    r"[-+]?(?:(?:[a-z_]\w{0,20}\.)?nanf?|[qs]nan|nan[qs])(?:\(\w{0,40}\))?", re.IGNORECASE
)
_INF = re.compile(r"([-+]?)(?:[a-z_]\w{0,20}\.)?(?:inff?|infinityf?|huge_val)", re.IGNORECASE)
# Missing values: pandas' defaults, case-insensitive except for NA (Na is sodium), and
# those of other programs.
_MISSING = frozenset({
    "n/a", "#n/a", "#n/a n/a", "#na", "<na>", "null", "none",
    "nat", "nil", "undefined", "na_real_", "na_integer_", "--", "#nv", "#n/d", "#n/v", "#nd",
    "#n/b", "#i/t", "#yok", "#н/д",
})  # fmt: skip
_SPREADSHEET_ERROR = re.compile(
    r"#[^\W_][\w/¡¿ ]{0,20}[!?]|#[¡¿][\w/ ]{1,20}[!?]|err:5\d\d", re.IGNORECASE
)
# A missing value that starts with #, so that the line is not a comment.
_ERROR_FIRST = re.compile(
    rf"(?:{_SPREADSHEET_ERROR.pattern}|#N/?A|#NV|#N/[BDV]|#ND|#I/T|#YOK|#Н/Д)(?=[\s,;\"]|$)",
    re.IGNORECASE,
)
_NO_ERROR = frozenset({"", " ", "#", "-", "="})
"""Characters that never follow the # of a spreadsheet error."""


class NumberError(ValueError):
    """Raised if text is not a number or a block of numbers; the message is one sentence."""


class AmbiguousNumber(NumberError):
    """Raised if text has two valid readings.

    Attributes
    ----------
    readings : tuple of float
        With a decimal point, and with a decimal comma: ``readings[decimal_comma]``.
    """

    def __init__(self, message: str, readings: tuple[float, float]) -> None:
        super().__init__(message)
        self.readings = readings


class BlockError(NumberError):
    """Raised if a block is malformed, with the position.

    Attributes
    ----------
    line, column : int
        Position, counted from 1; the column counts cells, not characters.
    """

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class AmbiguousBlock(NumberError):
    """Raised if a block has several valid readings.

    Attributes
    ----------
    readings : tuple of NumberBlock
        Two or more, each with a ``description`` to choose by.
    spaces : bool
        Whether spaces are ambiguous, rather than commas only.
    """

    def __init__(self, readings: tuple[NumberBlock, ...]) -> None:
        choices = ", or ".join(block.description for block in readings)
        self.spaces = any(block.layout.spaces for block in readings)
        what = "spaces" if self.spaces else "commas"
        super().__init__(f"The {what} can be read in more than one way: {choices}.")
        self.readings = readings


@dataclass(frozen=True)
class Layout:
    """Layout of a block: the delimiter and the notation of numbers.

    Attributes
    ----------
    delimiter : str
        One character; a space stands for any run of spaces, an empty string for a single column.
    decimal : str
        The decimal mark, ``.`` or ``,``.
    groups : str
        Characters that may separate groups of three digits.
    spaces : bool
        Whether it differs from other candidates in the meaning of spaces.
    """

    delimiter: str
    decimal: str
    groups: str
    spaces: bool = False

    @property
    def meaning(self) -> str:
        """Meaning of the comma, or of the space, in words."""
        if self.spaces:
            return "spaces separate values" if self.delimiter else "spaces group thousands"
        if self.delimiter == ",":
            commas = self.decimal == ","
            return "quoted commas are decimal marks" if commas else "commas separate values"
        return "commas are decimal marks" if self.decimal == "," else "commas group thousands"


@dataclass(frozen=True, eq=False)
class NumberBlock:
    """Numbers in rows and columns.

    Attributes
    ----------
    values : ndarray of float64, shape (rows, columns)
    header : tuple of str or None
        Names of the columns, if there are any; of very many, only the first ones.
    layout : Layout
        How the text was read.
    notes : tuple of Note
        What was left out, or taken for something else than a number.
    wide : int
        Number of integers that float32 cannot hold exactly.
    """

    values: NDArray[np.floating]
    header: tuple[str, ...] | None
    layout: Layout
    notes: tuple[Note, ...] = ()
    wide: int = 0

    @property
    def description(self) -> str:
        """Description of this reading: ``commas are decimal marks (2 × 1: 1.5 …)``."""
        rows, columns = self.values.shape
        first = " │ ".join(f"{value:.9g}" for value in self.values[0, :3])
        more = " …" if self.values.size > min(columns, 3) else ""
        return f"{self.layout.meaning} ({rows} × {columns}: {first}{more})"


def quoted(text: str, limit: int = 40) -> str:
    """Return ``text`` in quotes on one line, cut to ``limit`` characters, for messages."""
    return f"'{printable(text, limit)}'"


def printable(text: str, limit: int = 200) -> str:
    """Return ``text`` without line breaks and control characters, cut to ``limit`` characters."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in cut)


def plain(text: str) -> str:
    """Return text with characters of the same meaning replaced with ASCII."""
    if text.isascii():
        return text
    for sign, meaning in _PLAIN.items():
        if sign in text:
            text = text.replace(sign, meaning)
    return text.translate(_TO_ASCII) if _ANY_WIDE.search(text) else text


def parse_number(text: str, decimal_comma: bool | None = None) -> float:
    """Parse one number.

    Parameters
    ----------
    text : str
        As for ``read_number``, with a decimal point or comma, and with thousands in groups
        of three separated by commas, points, spaces or apostrophes.
    decimal_comma : bool, optional
        Whether the comma is the decimal mark; by default C notation is tried before other readings.

    Raises
    ------
    AmbiguousNumber
        If point and comma as decimal mark are both valid and differ: ``1,500``.
    NumberError
        If neither is valid, or the number is too large for a float.
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
    """Return the number in a cell; None if it is not a number.

    Accepted anywhere are a decimal number in C or Fortran notation, with
    these marks; a hexadecimal one; either with a suffix of C; an infinity; NaN, or a word for a
    missing value, which is NaN.

    Parameters
    ----------
    cell : str
        As returned by ``plain``, without surrounding blanks.
    decimal : str
        The decimal mark.
    groups : str
        Marks that may separate groups of three digits.

    Raises
    ------
    NumberError
        If it is too large for a float.
    """
    value = _decimal(cell, decimal, groups)
    return _other(cell, decimal, groups) if value is None else value


def _decimal(cell: str, decimal: str, groups: str) -> float | None:
    whole, mark, fraction = cell.partition(decimal)
    if "_" in cell or (mark == "," and (not fraction or whole in ("+", "-"))):
        # float() accepts Python's 1_000. "1," ends a clause; "-,1" is a missing value before a 1.
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
    """Return the number in a cell that is not in C's decimal notation; None if it is none."""
    if len(cell) > 120:  # longer than any number, and slow to match
        return None
    if cell[:1].isalpha() and cell[0] not in "nNuUiIhHqQsSeE" and "." not in cell:
        return None  # a word, probably of a header
    if is_missing(cell) or _NAN.fullmatch(cell):
        return math.nan
    if found := _INF.fullmatch(cell):
        return -math.inf if found[1] == "-" else math.inf
    if found := _WINDOWS.fullmatch(cell):
        return math.nan if found[2].upper() != "INF" else float(f"{found[1]}inf")
    if found := _HEX.fullmatch(cell):
        # Without an exponent, f is a hexadecimal digit.
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
    """Return whether a cell marks a missing value or is a spreadsheet error."""
    if len(cell) > 40:
        return False
    known = cell in ("NA", "na") or cell.lower() in _MISSING
    return known or _SPREADSHEET_ERROR.fullmatch(cell) is not None


def is_comment(line: str) -> bool:
    """Return whether a line is a comment: it begins with # but not with a missing value."""
    text = line.lstrip()
    return text[:1] == "#" and (text[1:2] in _NO_ERROR or _ERROR_FIRST.match(text) is None)


def begins_as_number(cell: str) -> bool:
    """Return whether a cell begins with a digit, after an optional sign or point."""
    return _BEGIN.match(cell) is not None


def is_word(cell: str) -> bool:
    """Return whether a cell is a name, not a number, a missing value or a mistyped number."""
    if not _LETTERS.search(cell, 0, 200) if begins_as_number(cell) else not _has_letter(cell):
        return False
    try:
        return all(read_number(cell, mark, ", ") is None for mark in ".,")
    except NumberError:
        return False


def _has_letter(cell: str) -> bool:
    return any(map(str.isalpha, cell))


def whole_number(cell: str, decimal: str, groups: str) -> int | None:
    """Return the exact value of a cell written as an integer; None for any other."""
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
    """Return the exact value of an integer as a person types it; None for any other."""
    cell = plain(text).strip()
    point = whole_number(cell, ".", ", " + GROUP_MARKS)
    return whole_number(cell, ",", ". " + GROUP_MARKS) if point is None else point


def _is_grouped(whole: str, separator: str) -> bool:
    """Return whether digits are grouped as thousands: 1 to 3, then 3 each, no leading zero."""
    first, *rest = whole.lstrip("+-").split(separator)
    sizes_fit = 1 <= len(first) <= 3 and all(len(group) == 3 for group in rest)
    return sizes_fit and first[0] != "0" and all(map(str.isdecimal, (first, *rest)))


def overflows(cell: str) -> bool:
    """Return whether an infinite cell is a number too large for a float, not the word inf."""
    return "n" not in cell.lower()
