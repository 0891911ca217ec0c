"""What a report is made of, before it becomes HTML or Markdown: sections of plain blocks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from quantoscope.gui.export.figure import render_svg
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.plots.data import PlotData


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes
    ----------
    text : str
    exact : str
        The number at full precision, where the text has fewer digits.
    mark : str
        That of the best of its row; empty for none.
    code : bool
        Whether it is something to type.
    """

    text: str
    exact: str = ""
    mark: str = ""
    code: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under heads; columns from ``numbers`` on hold numbers."""

    heads: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numbers: int


def pairs(rows: Iterable[tuple[str, Cell]]) -> Table:
    """Names and what they stand for."""
    table = tuple((Cell(name), cell) for name, cell in rows)
    return Table((Cell(""), Cell("")), table, 2)


def text_row(heads: Iterable[str]) -> tuple[Cell, ...]:
    """Cells of plain text."""
    return tuple(Cell(head) for head in heads)


@dataclass(frozen=True)
class Paragraph:
    """A sentence or more."""

    text: str


@dataclass(frozen=True)
class Listing:
    """Sentences below each other."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines to type."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A plot, which is drawn when the report is written.

    Attributes
    ----------
    key : str
        The key of the plot, which names its file.
    title : str
        What it shows, for who cannot see it.
    spec : FigureSpec
    data : PlotData
    """

    key: str
    title: str
    spec: FigureSpec
    data: PlotData

    def svg(self) -> bytes:
        """Draw it."""
        return render_svg(self.spec, self.data)


Block = Table | Paragraph | Listing | Code | Figure


@dataclass(frozen=True)
class Section:
    """A part of a report with a head of its own."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """A report: everything in it but ``when`` follows from the data and the schemes.

    Attributes
    ----------
    title : str
    when : datetime
    program : str
        Name and version of what wrote it.
    sections : tuple of Section
    """

    title: str
    when: datetime
    program: str
    sections: tuple[Section, ...]

    @property
    def date_line(self) -> str:
        """When it was written, to the minute, with the offset from UTC where that is known."""
        return f"{self.when:%Y-%m-%d %H:%M %z}".rstrip()

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures, in their order."""
        blocks = (block for section in self.sections for block in section.blocks)
        return tuple(block for block in blocks if isinstance(block, Figure))
