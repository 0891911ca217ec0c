"""Parse and write Markdown tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from quantoscope.engine import cancellation
from quantoscope.engine.notes import Note
from quantoscope.engine.text.number_parsing import (
    AmbiguousBlock,
    BlockError,
    NumberBlock,
    begins_as_number,
    is_missing,
    plain,
    printable,
)
from quantoscope.engine.text.text_pieces import Text

_DELIMITER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_CELL = re.compile(r"(?:\\.|[^|\\])*")


def is_table(text: str) -> bool:
    """Return whether a text begins with a table head and its line of dashes."""
    start = text[:10_000].lstrip("\ufeff\r\n ")
    lines = _lines(start)[:2]
    return len(lines) == 2 and all("|" in line for line in lines) and _is_delimiter(lines[1])


def _lines(text: str) -> list[str]:
    return plain(text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n ").split("\n")


def _is_delimiter(line: str) -> bool:
    return len(line) < 5_000 and _DELIMITER.fullmatch(line) is not None


def parse_table(
    text: str | Text, decimal_comma: bool | None = None, single: bool = False
) -> NumberBlock:
    """Parse the numbers of a table, without its head and a first column of names.

    The first column holds names if none of its cells is a number, or if its head is empty
    and it numbers the rows from 0 or 1, as pandas writes an index. Parameters and errors are those
    of ``parse_block``; the lines are those of the text.
    """
    text = Text.of(text) if isinstance(text, str) else text
    lines = text.start.split("\n", 10_000)
    first = next(number for number, line in enumerate(lines) if line.strip())
    head = _cells(lines[first])
    # Replace head and dashes with a row of words, so that parse_block finds no second header.
    words = ["" if name in ("", "#") and not at else "head" for at, name in enumerate(head)]
    words = words if any(words) else ["head"]

    def rows() -> Iterator[str]:
        yield "\t".join(words) + "\n"
        number, wanted = 0, first + 2
        for lines in text.lines():
            body = []
            for line in cancellation.checked(lines.removesuffix("\n").split("\n")):
                number += 1
                if number <= wanted:
                    continue
                if line.strip(" ") and "|" not in line:
                    raise BlockError(f"Line {number} is no row of the table.", number, 1)
                body.append("\t".join(_cells(line)) if line.strip(" ") else "")
            yield "\n".join(body) + "\n" if body else ""

    # Loaded with the first table that is read: writing one does not need it.
    from quantoscope.engine.text.delimited import parse_block

    try:
        block = parse_block(
            Text(rows, text.size + 5 * len(words)), decimal_comma, first + 2, single
        )
    except AmbiguousBlock as error:
        readings = tuple(_headed(block, head) for block in error.readings)
        raise AmbiguousBlock(readings) from None
    except BlockError as error:
        if error.column == 1 and error.line == first + 2:
            text_of = "There are no numbers below the table's head."
            raise BlockError(text_of, first + 1, 1) from None
        raise
    return _headed(block, head)


def _headed(block: NumberBlock, head: list[str]) -> NumberBlock:
    """Replace a block's header with the table's head; note it if a name looks like a number."""
    shown = head[len(head) - block.values.shape[1] :]
    notes = block.notes[1:]
    if any(begins_as_number(name) or is_missing(name) for name in shown):
        names = ", ".join(printable(name, 20) for name in shown[:4]) + ", …" * (len(shown) > 4)
        notes = (Note("The first row was taken for column names: %1.", (names,)), *notes)
    return replace(block, header=tuple(shown), notes=notes)


def _cells(line: str) -> list[str]:
    """Split a row into cells, stripped of emphasis and code marks."""
    inner = line.strip().removeprefix("|")
    cells, at = [], 0
    while at <= len(inner):
        match = _CELL.match(inner, at)
        assert match is not None
        cells.append(match[0].replace("\\|", "|").strip().strip("`*").strip().replace("\t", " "))
        at = match.end() + 1
    return cells[:-1] if len(cells) > 1 and inner.endswith("|") else cells


def as_markdown(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """Return a table of right-aligned columns: rows of cells, each as long as ``heads``.

    A ``|`` in a cell or head is escaped.
    """
    lines = [_row(heads), "|" + "---:|" * len(heads), *map(_row, rows)]
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
