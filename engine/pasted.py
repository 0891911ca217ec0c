"""What people paste, wherever it was copied: cells, a Markdown table, an array in a program."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.cells import parse_block
from engine.literals import is_literal, parse_literal
from engine.markdown import is_table, parse_table
from engine.numbers import Block


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
    """

    values: NDArray[np.float64]
    literal: bool = False
    dtype: str = ""

    @property
    def block(self) -> NDArray[np.float64]:
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
    text = text.removeprefix("\ufeff")
    if is_literal(text):
        literal = parse_literal(text)
        return Pasted(np.atleast_1d(literal.values), True, literal.dtype)
    return pasted_cells(parse_table(text) if is_table(text) else parse_block(text))


def pasted_cells(block: Block) -> Pasted:
    """Return rows and columns as pasted numbers."""
    return Pasted(block.values)
