"""What people paste, wherever it was copied: cells, a Markdown table, an array in a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantoscope.engine.notes import Note
from quantoscope.engine.text.delimited import parse_block
from quantoscope.engine.text.literals import is_literal, parse_literal
from quantoscope.engine.text.markdown import is_table, parse_table
from quantoscope.engine.text.number_parsing import Block
from quantoscope.engine.text.text_pieces import Text


@dataclass(frozen=True, eq=False)
class Pasted:
    """Numbers with a shape.

    Attributes
    ----------
    values : ndarray of float64
        At least one axis; of cells and tables two, of a literal as many as it has.
    literal : bool
        Whether the text gives the array's shape, rather than rows and columns of cells.
    dtype : str
        The precision that a literal claims; empty where it claims none.
    notes : tuple of Note
        What was left out, or taken for something else than a number.
    wide : int
        How many whole numbers have more digits than float32 has room for.
    """

    values: NDArray[np.floating]
    literal: bool = False
    dtype: str = ""
    notes: tuple[Note, ...] = ()
    wide: int = 0

    @property
    def block(self) -> NDArray[np.floating]:
        """The values in rows and columns; those of one axis are a row."""
        return self.values if self.values.ndim > 2 else np.atleast_2d(self.values)


def read(text: str) -> Pasted:
    """Read pasted numbers.

    Raises
    ------
    AmbiguousBlock
        Where commas can be read in more than one way; ``pasted_cells`` takes one of its readings.
    BlockError
        What is wrong, and where.
    """
    whole = Text.of(text.removeprefix("\ufeff"))
    if is_literal(whole):
        literal = parse_literal(whole)
        values = np.atleast_1d(literal.values)
        return Pasted(values, True, literal.dtype, literal.notes, literal.wide)
    return pasted_cells(parse_table(text) if is_table(text) else parse_block(whole))


def pasted_cells(block: Block) -> Pasted:
    """Return rows and columns as pasted numbers."""
    return Pasted(block.values, notes=block.notes, wide=block.wide)
