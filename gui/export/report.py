"""Structure of a report, independent of HTML and Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from quantoscope.gui.export.figure import render_svg
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.plots.data import PlotData


@dataclass(frozen=True)
class Cell:
    """A table cell."""

    text: str
    exact: str = ""
    """Number at full precision, if the text has fewer digits."""
    mark: str = ""
    """Mark of the best in its row; empty for none."""
    code: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under heads; columns from ``numbers`` on are numeric."""

    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: int


def pairs(rows: Iterable[tuple[str, Cell]]) -> Table:
    """Return a table of names and values."""
    table = tuple((Cell(name), cell) for name, cell in rows)
    return Table((Cell(""), Cell("")), table, 2)


def text_row(heads: Iterable[str]) -> tuple[Cell, ...]:
    """Return cells of plain text."""
    return tuple(Cell(head) for head in heads)


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True)
class Listing:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines of code."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A plot, drawn when the report is written."""

    key: str
    """Key of the plot, which names its file."""
    title: str
    """Alternative text."""
    spec: FigureSpec
    data: PlotData

    def svg(self) -> bytes:
        """Draw it."""
        return render_svg(self.spec, self.data)


ReportBlock = Table | Paragraph | Listing | Code | Figure


@dataclass(frozen=True)
class Section:
    """A section of a report."""

    title: str
    blocks: tuple[ReportBlock, ...]


@dataclass(frozen=True)
class Report:
    """A report: everything except ``when`` follows from data and schemes."""

    title: str
    when: datetime
    program: str
    """Name and version of the program."""
    sections: tuple[Section, ...]

    @property
    def date_line(self) -> str:
        """Time of writing, to the minute, with the UTC offset if known."""
        return f"{self.when:%Y-%m-%d %H:%M %z}".rstrip()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All figures, in order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Figure))
