"""View as: the current tensor's values along other axes, in one undoable step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from quantoscope.engine import Granularity, QuantizationError, Role
from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.axes_view import AxesView, reshaped_granularity, reshaped_role
from quantoscope.engine.numerics.roles import IN, OUT, plain_role
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.snapshot import Entry
from quantoscope.gui.document.tensors import Shown, next_version

_tr = partial(QCoreApplication.translate, "axes")
Turn = Callable[[np.ndarray], np.ndarray]
Shape = tuple[int, ...]


class ViewAs(QUndoCommand):
    """Show a tensor's values along other axes, and let the schemes' axes follow."""

    def __init__(
        self,
        document: Document,
        there: Turn,
        back: Turn,
        shown: Shown,
        entries: tuple[Entry, ...],
        text: str,
    ) -> None:
        super().__init__(text)
        mapped_arrays.check(document.array)
        self._document, self._tensor = document, document.current
        before = (back, Shown.of(self._tensor), document.entries, document.version)
        self._states = (before, (there, shown, entries, next_version()))
        self._done = False

    def redo(self) -> None:
        self._turn(*self._states[1])

    def undo(self) -> None:
        self._turn(*self._states[0])

    def _turn(
        self,
        turn: Turn,
        shown: Shown,
        entries: tuple[Entry, ...],
        version: int,
    ) -> None:
        document, tensor = self._document, self._tensor
        document.show(tensor)
        held = tensor.array if tensor.owned is None else tensor.owned
        document.show_as(np.ascontiguousarray(turn(held)), shown, entries, version)
        if self._done and shown.chosen is not None:
            document.revisit_values(np.array([shown.chosen]))
        self._done = True


def transpose(document: Document, order: Sequence[int] | None = None) -> None:
    """Show the axes in another order, by default the reverse."""
    shape = document.array.shape
    order = tuple(range(len(shape))[::-1] if order is None else order)
    if order == tuple(range(len(shape))):
        return
    _view_as(document, [(shape, order)], _tr("Transpose"))


def move_axis(document: Document, axis: int, place: int) -> None:
    """Move one axis to another place; the others keep their order."""
    order = [a for a in range(document.array.ndim) if a != axis]
    order.insert(place, axis)
    transpose(document, order)


def reshape(document: Document, shape: Shape) -> None:
    """Show the values in another shape of as many."""
    if shape != document.array.shape:
        _view_as(document, [(shape, None)], _tr("Reshape to"))


def own_axes(document: Document) -> None:
    """Show the axes as the file has them."""
    steps = []
    for shape, order in reversed(document.current.axes.steps):
        back = None if order is None else tuple(int(axis) for axis in np.argsort(order))
        steps.append((shape, back))
    if steps:
        _view_as(document, steps, _tr("Axes as in the file"))


def _view_as(
    document: Document, steps: Sequence[tuple[Shape, tuple[int, ...] | None]], what: str
) -> None:
    """Push the command of some steps: transposes by their order, reshapes by the new shape."""
    tensor = document.current
    shape, axes, role, chosen = tensor.array.shape, tensor.axes, tensor.role, tensor.chosen
    role = role if role is not None and role.fits(len(shape)) else None
    entries, lost = document.entries, set[str]()
    turns: list[Turn] = []
    backs: list[Turn] = []
    for new, order in steps:
        if order is None:
            turns.append(partial(np.reshape, shape=new))
            backs.append(partial(np.reshape, shape=shape))
            entries = _followed(entries, partial(reshaped_granularity, old=shape, new=new), lost)
            before = role or plain_role(len(shape))
            role, axes = reshaped_role(before, shape, new), axes.reshaped(shape, new)
            if role is None:
                lost.update(_with_words(entries))
        else:
            turns.append(partial(np.transpose, axes=order))
            backs.append(partial(np.transpose, axes=tuple(np.argsort(order))))
            entries = _followed(entries, partial(_moved, order=order), lost)
            role, axes = (
                (role or plain_role(len(shape))).moved(order),
                axes.transposed(shape, order),
            )
            new = tuple(shape[axis] for axis in order)
            if chosen is not None:
                index = np.unravel_index(chosen, shape)
                chosen = int(np.ravel_multi_index([index[axis] for axis in order], new))
        shape = new
        role = None if role == plain_role(len(shape)) else role
    text = f"{what} {'×'.join(map(str, shape))}"
    shown = Shown(axes, role, chosen)
    document.undo_stack.push(ViewAs(document, _all(turns), _all(backs[::-1]), shown, entries, text))
    _tell(document, axes, lost)


def _all(turns: Sequence[Turn]) -> Turn:
    def turned(array: np.ndarray) -> np.ndarray:
        for turn in turns:
            array = turn(array)
        return array

    return turned


def _moved(granularity: Granularity, order: tuple[int, ...]) -> Granularity:
    return granularity.moved(order)


def _followed(
    entries: tuple[Entry, ...], follow: Callable[[Granularity], Granularity | None], lost: set[str]
) -> tuple[Entry, ...]:
    """Return schemes whose axes follow; names of those that cannot are added to ``lost``."""
    made = []
    for entry in entries:
        try:
            granularity = follow(entry.scheme.granularity)
        except QuantizationError:
            granularity = entry.scheme.granularity  # It has no such axis before either.
        if granularity is None:
            lost.add(entry.name)
        elif granularity != entry.scheme.granularity:
            entry = replace(entry, scheme=replace(entry.scheme, granularity=granularity))
        made.append(entry)
    return tuple(made)


def _with_words(entries: Sequence[Entry]) -> list[str]:
    return [entry.name for entry in entries if {OUT, IN} & set(entry.scheme.granularity.axes)]


def _tell(document: Document, axes: AxesView, lost: set[str]) -> None:
    """Report schemes whose axes do not exist any more, and what saving will write."""
    said = []
    if lost:
        text = _tr("%1: no axes of this shape have the same channels, so they stay as they are.")
        said.append(filled(text, ", ".join(sorted(lost))))
    if axes.steps and document.current.path is not None:
        said.append(_tr("Saving values keeps the axes of the file."))
    if said:
        document.told.emit(" ".join(said))


def role_text(role: Role | None, ndim: int) -> str:
    """Return which axes are outputs, and which a product sums over, in words."""
    if role is None or not role.fits(ndim):
        return str(plain_role(ndim)) if ndim > 1 else ""
    return str(role)
