"""Escape cells for spreadsheets: numbers stay numbers, and text never becomes a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

# First characters of formulas, full-width forms included; tabs and line ends are removed before.
_BEGINS = "=+-@\t\r\n＝＋－＠"
# In locales with a decimal comma spreadsheets split cells at other characters, even within quotes.
_INSIDE = re.compile(r"(?:(?<=;)|(?<=\S\n))(?=[ \t]*[=+\-@＝＋－＠])")


def cell(text: str) -> str:
    """Return text as a spreadsheet displays it; an apostrophe precedes anything it would evaluate.

    >>> cell("-1.5"), cell("-1.5 2e-05"), cell("=1+1")
    ('-1.5', '-1.5 2e-05', "'=1+1")
    """
    if not text or all(map(_is_number, text.split(" "))):
        return text
    text = _INSIDE.sub("'", text)
    return f"'{text}" if text[0] in _BEGINS else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()


def csv_line(cells: Iterable[str]) -> str:
    """Return a row of cells as one line of CSV."""
    line = io.StringIO()
    # The csv module would not quote a lone carriage return, which ends the row.
    texts = (text.replace("\r\n", "\n").replace("\r", "\n") for text in cells)
    csv.writer(line, lineterminator="\n").writerow(map(cell, texts))
    return line.getvalue()


def tab_line(cells: Iterable[str]) -> str:
    """Return a row of cells as tab-separated text for the clipboard."""
    return "\t".join(map(cell, cells))
