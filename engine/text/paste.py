"""Parse pasted text: delimited cells, a Markdown table, or an array literal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quantoscope.engine.notes import Note
from quantoscope.engine.text.number_parsing import NumberBlock
from quantoscope.engine.text.text_pieces import Text


@dataclass(frozen=True, eq=False)
class Pasted:
    """Pasted numbers with their shape.

    Attributes
    ----------
    values : ndarray of float64
        One axis or more; cells and tables have two, a literal has its own.
    literal : bool
        Whether the text is an array literal, which defines its shape.
    dtype : str
        Dtype stated in a literal; empty if none is.
    notes : tuple of Note
        Text that was skipped or not read as a number.
    wide : int
        Number of integers that float32 cannot hold exactly.
    """

    values: NDArray[np.floating]
    literal: bool = False
    dtype: str = ""
    notes: tuple[Note, ...] = ()
    wide: int = 0

    @property
    def block(self) -> NDArray[np.floating]:
        """The values in rows and columns; one axis becomes a row."""
        return self.values if self.values.ndim > 2 else np.atleast_2d(self.values)


def read(text: str) -> Pasted:
    """Parse pasted numbers.

    Raises
    ------
    AmbiguousBlock
        If commas have several valid readings; pass one of them to ``pasted_cells``.
    BlockError
        If the text is malformed, with the position.
    """
    # The parsers are loaded with the first paste: a window starts without them.
    from quantoscope.engine.text.delimited import parse_block
    from quantoscope.engine.text.literals import is_literal, parse_literal
    from quantoscope.engine.text.markdown import is_table, parse_table

    whole = Text.of(text.removeprefix("\ufeff"))
    if is_literal(whole):
        literal = parse_literal(whole)
        values = np.atleast_1d(literal.values)
        return Pasted(values, True, literal.dtype, literal.notes, literal.wide)
    return pasted_cells(parse_table(text) if is_table(text) else parse_block(whole))


def pasted_cells(block: NumberBlock) -> Pasted:
    """Convert a block of rows and columns to pasted numbers."""
    return Pasted(block.values, notes=block.notes, wide=block.wide)
