"""Edit commands of the Values pane; each returns a sentence if it is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QCoreApplication

from quantoscope.engine.text.number_parsing import AmbiguousNumber, NumberError, parse_number
from quantoscope.engine.text.paste import Pasted
from quantoscope.gui.common.localized_numbers import filled, position_text, told
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session

Blocks = Sequence[tuple[int, int, int, int]]
PositionsOf = Callable[[np.ndarray], np.ndarray]
_tr = partial(QCoreApplication.translate, "values")


def row_runs(blocks: Blocks) -> list[tuple[int, int]]:
    """Return the row ranges that selected blocks touch, merged and ascending, as (first, last).

    A selection of millions of rows is a few ranges: use these instead of rows if possible.
    """
    runs: list[tuple[int, int]] = []
    for top, bottom in sorted((block[0], block[2]) for block in blocks):
        if runs and top <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(bottom, runs[-1][1]))
        else:
            runs.append((top, bottom))
    return runs


def rows_of(blocks: Blocks) -> np.ndarray:
    """Return the rows that selected blocks touch, ascending."""
    return np.concatenate(
        [np.zeros(0, np.intp), *(np.arange(top, last + 1) for top, last in row_runs(blocks))]
    )


def clear(session: Session, positions: np.ndarray, text: str) -> str:
    """Set values to 0."""
    commands.set_values(session, positions, np.zeros(positions.size), text)
    return ""


def insert(session: Session, row: int, count: int) -> str:
    """Insert zeros before a row of a one-dimensional array."""
    if session.array.ndim != 1:
        return _one_axis(session, _tr("inserted"))
    row = min(row, session.array.size)
    text = filled(_tr("Insert %1"), values_text(count))
    commands.splice(session, row, 0, np.zeros(count), text)
    return ""


def remove(session: Session, positions: np.ndarray) -> str:
    """Remove values of a one-dimensional array."""
    if session.array.ndim != 1:
        return _one_axis(session, _tr("removed"))
    text = filled(_tr("Remove %1"), values_text(positions.size))
    commands.remove_values(session, positions, text)
    return ""


def _one_axis(session: Session, what: str) -> str:
    return filled(
        _tr("Rows can be %1 only in an array with one axis; this one has %2."),
        what,
        session.array.ndim,
    )


def fill_down(session: Session, positions: np.ndarray) -> str:
    """Copy the first value to the others; a single value is set to the one above."""
    flat = session.array.reshape(-1)
    if positions.size == 1 and positions[0] > 0:
        positions = np.array([positions[0] - 1, positions[0]])
    if positions.size < 2:
        return _tr("Select the value to repeat and the rows below it.")
    text = filled(_tr("Fill %1"), values_text(positions.size - 1))
    commands.set_values(
        session, positions[1:], np.full(positions.size - 1, flat[positions[0]]), text
    )
    return ""


def paste_array(session: Session, pasted: Pasted, selected: int) -> bool:
    """Replace the document's array with a pasted one; False if it belongs into cells.

    It is replaced if there are no values yet, or if all of several are selected and either array
    has more than one axis. A single row or column of cells is no array of its own. In an empty
    document the array keeps its stated precision.
    """
    array, values = session.array, pasted.values
    everything = selected == array.size > 1 and max(array.ndim, values.ndim) > 1
    if not (pasted.literal or is_block(pasted)) or not (everything or array.size == 0):
        return False
    double = array.size == 0 and (pasted.wide > 0 or pasted.dtype in ("float64", "double"))
    dtype = np.dtype(np.float64) if double else array.dtype
    with np.errstate(over="ignore", under="ignore"):
        new = values.astype(dtype)
    text = filled(_tr("Paste %1"), "×".join(map(str, new.shape)))
    commands.replace_array(session, new, text)
    return True


def is_block(pasted: Pasted) -> bool:
    """Return whether cells have several rows and several columns."""
    return not pasted.literal and pasted.values.ndim == 2 and min(pasted.values.shape) > 1


def paste(
    session: Session, values: np.ndarray, row: int, selected: np.ndarray, positions_of: PositionsOf
) -> str:
    """Paste a block's values, row by row, into the list from ``row`` on.

    One value fills a selection. A one-dimensional array grows at its end. ``positions_of``
    returns the flat positions of list indices, without those beyond its end.
    """
    flat = values.reshape(-1)
    if flat.size == 1 and selected.size > 1:
        return _paste_into(session, flat, selected)
    text = filled(_tr("Paste %1"), values_text(flat.size))
    size = session.array.size
    places = size - row
    in_order = positions_of(np.array([row])).tolist() in ([row], [])
    if session.array.ndim == 1 and in_order:
        commands.splice(session, row, min(flat.size, places), flat, text)
        return ""
    if flat.size > places:
        return filled(
            _tr("%1 do not fit: only %2 places remain below this one."),
            values_text(flat.size),
            places,
        )
    where = positions_of(np.arange(row, row + flat.size))
    commands.set_values(session, where, flat, text)
    return ""


def _paste_into(session: Session, value: np.ndarray, selected: np.ndarray) -> str:
    """Set all selected values of a one-dimensional array."""
    text = filled(_tr("Paste into %1"), values_text(selected.size))
    commands.set_values(session, selected, np.full(selected.size, value.reshape(-1)[0]), text)
    return ""


def tell(session: Session, pasted: Pasted) -> None:
    """Report how pasted text was read, and values that lost precision."""
    said = list(map(told, pasted.notes))
    if is_block(pasted):
        shape = "×".join(map(str, pasted.values.shape))
        if session.array.shape == pasted.values.shape:
            said.append(filled(_tr("A block of %1 cells makes an array of two axes."), shape))
        elif session.array.ndim == 1:
            text = _tr(
                "The block of %1 cells was pasted row by row. In an empty array, or over all"
                " values, it makes an array of two axes."
            )
            said.append(filled(text, shape))
    if pasted.wide and session.array.dtype == np.float32:
        said.append(_rounded(pasted.wide))
    if said:
        session.told.emit(" ".join(said))


def _rounded(count: int) -> str:
    if count == 1:
        return _tr("1 integer has more digits than float32: it is rounded.")
    text = _tr("%1 integers have more digits than float32: they are rounded.")
    return filled(text, f"{count:,}")


def paste_block(session: Session, values: np.ndarray, position: int) -> str:
    """Paste rows and columns into the last two axes, from the value at a flat position on."""
    if values.ndim > 2:
        return filled(
            _tr("%1 axes do not fit into a plane: select everything, and paste over it."),
            values.ndim,
        )
    shape = session.array.shape
    *fixed, row, column = (int(at) for at in np.unravel_index(position, shape))
    rows, columns = shape[-2:]
    height, width = values.shape
    if row + height > rows or column + width > columns:
        return filled(
            _tr("A block of %1×%2 does not fit here: %3×%4 cells remain."),
            height, width, rows - row, columns - column,
        )  # fmt: skip
    base = int(np.ravel_multi_index((*fixed, 0, 0), shape))
    where = base + (row + np.arange(height))[:, None] * columns + column + np.arange(width)
    text = filled(_tr("Paste %1"), values_text(values.size))
    commands.set_values(session, where.ravel(), values.ravel(), text)
    return ""


def values_text(count: int) -> str:
    """Return a number of values as text."""
    return _tr("1 value") if count == 1 else filled(_tr("%1 values"), f"{count:,}")


def parse_position(text: str, shape: tuple[int, ...]) -> int | str:
    """Return the flat position in a text such as ``12`` or ``3, 0, 2``, or a sentence.

    Numbers are read as in cells; ``1,000`` may be one number, or one for each of two axes.
    """
    size = int(np.prod(shape))
    bare = text.strip("[]() ")
    found = dict.fromkeys(p for p in _readings(bare) if 0 <= p < size)
    per_axis = [_readings(part) for part in bare.replace(",", " ").split()]
    if len(shape) > 1 and len(per_axis) == len(shape) and all(len(p) == 1 for p in per_axis):
        places = [p[0] for p in per_axis]
        if all(0 <= i < n for i, n in zip(places, shape, strict=True)):
            one = int(np.ravel_multi_index(places, shape))
            found = {one: None} if bare != text.strip() else found | {one: None}
    if len(found) == 1:
        return next(iter(found))
    if found:
        first, *_, last = (p if len(shape) == 1 else position_text(p, shape) for p in found)
        text_of_two = _tr("%1 can mean the position %2 or %3: type one of these.")
        return filled(text_of_two, bare, first, last)
    return filled(_tr("Type %1."), positions_text(shape))


def _readings(text: str) -> list[int]:
    """Return the integers as which a text can be read."""
    try:
        numbers: Sequence[float] = (parse_number(text),)
    except AmbiguousNumber as error:
        numbers = error.readings
    except NumberError:
        numbers = ()
    return [int(number) for number in numbers if number.is_integer()]


def positions_text(shape: tuple[int, ...]) -> str:
    """Return the notation of positions in a non-empty array of this shape."""
    last = f"{int(np.prod(shape)) - 1}"
    if len(shape) == 1:
        return filled(_tr("a position from 0 to %1"), last)
    text = _tr("a position from 0 to %1, or one number per axis of %2")
    return filled(text, last, "×".join(map(str, shape)))
