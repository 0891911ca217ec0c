"""Copy selected values as cells, a Markdown table, or an array literal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt

from quantoscope.engine.text.markdown import as_markdown
from quantoscope.engine.text.source_literals import as_c, as_numpy, as_python
from quantoscope.gui.common.localized_numbers import filled, full
from quantoscope.gui.document.clipboard import cells_text
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.values import ValuesModel
from quantoscope.gui.panes.values_edit import row_runs, rows_of

MAX_COPIED = 500_000
"""Maximum number of cells to copy; more would take too long."""

CELLS, MARKDOWN = "cells", "markdown"
FORMS: tuple[tuple[str, str], ...] = (
    (CELLS, str(QT_TRANSLATE_NOOP("copy", "&Spreadsheet cells"))),
    (MARKDOWN, str(QT_TRANSLATE_NOOP("copy", "&Markdown table"))),
    ("python", str(QT_TRANSLATE_NOOP("copy", "&Python list"))),
    ("numpy", str(QT_TRANSLATE_NOOP("copy", "&NumPy array"))),
    ("c", str(QT_TRANSLATE_NOOP("copy", "&C array"))),
)
"""Copy formats with their names in menus."""

_WRITERS = {"python": as_python, "numpy": as_numpy, "c": as_c}
Blocks = Sequence[tuple[int, int, int, int]]


class CannotCopy(Exception):
    """Raised if a selection cannot be copied; the message is a sentence."""


def _bounded(count: int) -> None:
    if count > MAX_COPIED:
        text = "That is more than %1 cells: use Export ▸ Table instead of the clipboard."
        text = QCoreApplication.translate("values", text)
        raise CannotCopy(filled(text, f"{MAX_COPIED:,}"))


def list_text(session: Session, model: ValuesModel, blocks: Blocks, form: str) -> str:
    """Return the selected cells of the list at full precision; empty if there are none.

    As a literal, one column is a one-dimensional array, several are rows and columns. Whole
    rows are only their values; if these are all values in order, the array's shape is kept.

    Raises
    ------
    CannotCopy
    """
    if not blocks:
        return ""
    left = min(block[1] for block in blocks)
    right = max(block[3] for block in blocks)
    keys = model.keys[left : right + 1]
    if form in _WRITERS and keys == model.keys:
        keys = ["real"]
    # Checked first: building rows and text of millions takes seconds.
    rows_selected = sum(last - first + 1 for first, last in row_runs(blocks))
    _bounded(rows_selected * len(keys))
    positions = model.positions(rows_of(blocks))
    if not positions.size:
        return ""
    evaluation = session.evaluator.active_evaluation
    if keys == ["real"] or evaluation is None:
        columns = [session.array.reshape(-1)[positions]]
        keys = keys[:1]
    else:
        columns = [model.values(column, positions) for column in range(left, right + 1)]
    if form in _WRITERS:
        values = columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
        whole = keys == ["real"] and np.array_equal(positions, np.arange(session.array.size))
        return _WRITERS[form](values.reshape(session.array.shape) if whole else values)
    rows = [[full(value) for value in row] for row in zip(*columns, strict=True)]
    if form == MARKDOWN:
        horizontal = Qt.Orientation.Horizontal
        heads = [str(model.headerData(left + i, horizontal)) for i in range(len(columns))]
        return as_markdown(rows, heads)
    return cells_text(rows)
