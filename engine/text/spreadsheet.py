"""Cells for spreadsheets: a number stays a number, and no text becomes a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

# What a formula begins with, also as letters of full width; a tab or a line end goes away first.
_BEGINS = "=+-@\t\r\n＝＋－＠"
# Where the comma is a decimal mark spreadsheets part cells at other signs, within quotes as well.
_INSIDE = re.compile(r"(?:(?<=;)|(?<=\S\n))(?=[ \t]*[=+\-@＝＋－＠])")


def cell(text: str) -> str:
    """Return a text so that spreadsheets show it; what they would run gets an apostrophe.

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
    """Return a row of cells as a line of CSV."""
    line = io.StringIO()
    # A lone carriage return would go unquoted, and part the row.
    texts = (text.replace("\r\n", "\n").replace("\r", "\n") for text in cells)
    csv.writer(line, lineterminator="\n").writerow(map(cell, texts))
    return line.getvalue()


def tab_line(cells: Iterable[str]) -> str:
    """Return a row of cells as spreadsheets take it from the clipboard."""
    return "\t".join(map(cell, cells))
