"""Tables of Markdown, read as blocks of numbers and written from cells."""

from __future__ import annotations

import re
from collections.abc import Sequence

from engine import cancellation
from engine.cells import parse_block, plain_text
from engine.numbers import Block, BlockError, NumberError, parse_number

_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_CELL = re.compile(r"(?:\\.|[^|\\])*")


def is_table(text: str) -> bool:
    """Tell whether a text begins with a head and the line of dashes below it."""
    start = text[:10_000].lstrip("\ufeff\r\n ")
    lines = plain_text(start).split("\n")[:2]
    return len(lines) == 2 and all("|" in line for line in lines) and _is_delimiter(lines[1])


def _is_delimiter(line: str) -> bool:
    return len(line) < 5_000 and _DELIMITER.fullmatch(line) is not None


def parse_table(text: str, decimal_comma: bool | None = None) -> Block:
    """Read the numbers of a table; its head, and a first column of names, are left out.

    The first column holds names where none of its cells is a number, or where its head is empty
    and it counts the rows from 0 or 1, as pandas writes an index.

    Raises
    ------
    AmbiguousBlock, BlockError
        As ``parse_block``; the lines are those of the text.
    """
    lines = plain_text(text).split("\n")
    first = next(number for number, line in enumerate(lines) if line.strip())
    head, body = _cells(lines[first]), []
    for number, line in enumerate(cancellation.checked(lines[first + 2 :]), first + 3):
        if "|" not in line:
            raise BlockError(f"Line {number} is no row of the table.", number, 1)
        body.append(_cells(line))
    if not body:
        raise BlockError("There are no numbers below the table's head.", first + 1, 1)
    if len(head) > 1 and _names_rows(head[0], [row[0] for row in body]):
        head, body = head[1:], [row[1:] for row in body]
    # A row of words in the place of the dashes stands for the head: no second one is looked for.
    rows = [["head"] * len(head), *body]
    block = parse_block("\n".join(map("\t".join, rows)), decimal_comma, first + 2)
    return Block(block.values, tuple(head), block.layout)


def _cells(line: str) -> list[str]:
    """Return the cells of a row, without the marks of emphasis and code around them."""
    inner = line.strip().removeprefix("|")
    cells, at = [], 0
    while at <= len(inner):
        match = _CELL.match(inner, at)
        assert match is not None
        cells.append(match[0].replace("\\|", "|").strip().strip("`*").strip().replace("\t", " "))
        at = match.end() + 1
    return cells[:-1] if len(cells) > 1 and inner.endswith("|") else cells


def _names_rows(head: str, cells: Sequence[str]) -> bool:
    if head in ("", "#") and cells[0] in ("0", "1"):
        return list(cells) == [str(n) for n in range(int(cells[0]), int(cells[0]) + len(cells))]
    return all(cell and not _is_number(cell) for cell in cells)


def _is_number(cell: str) -> bool:
    try:
        parse_number(cell, decimal_comma=False)
    except NumberError:
        return cell[:1].isdigit()  # A mistyped number is no name.
    return True


def as_markdown(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """Return a table of cells under heads, its columns aligned to the right.

    Parameters
    ----------
    rows : sequence of sequence of str
        One list per row, as long as ``heads``.
    heads : sequence of str
        A ``|`` in a cell or head is escaped.
    """
    lines = [_row(heads), "|" + "---:|" * len(heads), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
