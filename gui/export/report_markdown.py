"""Reports as Markdown (GitHub's tables) with figures in SVG files."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

from quantoscope.gui.common.plain_text import letters
from quantoscope.gui.export.report import (
    Cell,
    Code,
    Figure,
    Listing,
    Paragraph,
    Report,
    ReportBlock,
    Table,
)

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~&#!$@])")


def markdown(report: Report, picture: Callable[[str], str]) -> str:
    """Return the report as Markdown.

    ``picture`` returns the file name of a figure by its key.
    """
    parts = [f"# {plain(report.title)}", f"{plain(report.date_line)} · {plain(report.program)}"]
    for section in report.sections:
        parts.append(f"## {plain(section.title)}")
        parts += [_block(block, picture) for block in section.blocks]
    return "\n\n".join(parts) + "\n"


def plain(text: str) -> str:
    """Return escaped text on one line."""
    text = _SPECIAL.sub(r"\\\1", " ".join(letters(text).split()))
    # Characters that begin a list or underline a heading.
    return re.sub(r"^(\d*)([-+.)=])(?=[-=\s]*$|\s)", r"\1\\\2", text)


def _code(text: str) -> str:
    """Return text in enough backticks; a bar would still separate cells."""
    text = " ".join(letters(text).split()).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def _block(block: ReportBlock, picture: Callable[[str], str]) -> str:
    if isinstance(block, Figure):
        return f"![{plain(block.title)}]({quote(picture(block.key))})"
    write: Callable[..., str] = _WRITERS[type(block)]
    return write(block)


def _paragraph(block: Paragraph) -> str:
    return plain(block.text)


def _listing(block: Listing) -> str:
    return "\n".join(f"- {plain(item)}" for item in block.items)


def _lines(block: Code) -> str:
    text = letters(block.text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}sh\n{text}\n{fence}"


def _table(block: Table) -> str:
    rule = ["---:" if place >= block.numbers else "---" for place in range(len(block.heads))]
    rows = [_row(block.heads), f"| {' | '.join(rule)} |", *(_row(row) for row in block.rows)]
    return "\n".join(rows)


def _row(cells: tuple[Cell, ...]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(cell: Cell) -> str:
    text = _code(cell.text) if cell.code and cell.text else plain(cell.text)
    return f"**{cell.mark} {text}**" if cell.mark else text


_WRITERS: dict[type, Callable[..., str]] = {
    Paragraph: _paragraph,
    Listing: _listing,
    Code: _lines,
    Table: _table,
}
