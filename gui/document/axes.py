"""View as: the current tensor's values along other axes, in one undoable step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand
from PySide6.QtWidgets import QWidget

from quantoscope.engine import Granularity, QuantizationError, Role
from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.axes_view import AxesView, reshaped_granularity, reshaped_role
from quantoscope.engine.numerics.roles import IN, OUT, plain_role
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry
from quantoscope.gui.document.tensors import COPIED, Shown, Tensor, next_version
from quantoscope.gui.workers.background import Cancelled
from quantoscope.gui.workers.modal_wait import wait_for

_tr = partial(QCoreApplication.translate, "axes")
Shape = tuple[int, ...]
Step = tuple[Shape, tuple[int, ...] | None]
"""A new shape, or an order of axes."""


class ViewAs(QUndoCommand):
    """Show a tensor's values along other axes, and let the schemes' axes follow.

    Both arrays are kept: turning millions of values takes longer than an undo may.
    """

    def __init__(
        self,
        document: Document,
        array: FloatArray,
        shown: Shown,
        entries: tuple[Entry, ...],
        text: str,
    ) -> None:
        super().__init__(text)
        self._document, self._tensor = document, document.current
        before = _held(self._tensor), Shown.of(self._tensor), document.entries, document.version
        self._states = (before, (array, shown, entries, next_version()))
        self._done = False

    def redo(self) -> None:
        self._turn(*self._states[1])

    def undo(self) -> None:
        self._turn(*self._states[0])

    def _turn(
        self, array: FloatArray, shown: Shown, entries: tuple[Entry, ...], version: int
    ) -> None:
        self._document.show(self._tensor)
        self._document.show_as(array, shown, entries, version)
        if self._done:
            self._document.revisit_values(np.array([shown.chosen or 0]))
        self._done = True


def _held(tensor: Tensor) -> FloatArray:
    return tensor.array if tensor.owned is None else tensor.owned


def transpose(
    session: Session, order: Sequence[int] | None = None, window: QWidget | None = None
) -> None:
    """Show the axes in another order, by default the reverse.

    Of millions of values it takes a while: the window, if given, waits for it.
    """
    shape = session.array.shape
    order = tuple(range(len(shape))[::-1] if order is None else order)
    if order != tuple(range(len(shape))):
        _view_as(session, [(shape, order)], _tr("Transpose to"), window)


def move_axis(session: Session, axis: int, place: int, window: QWidget | None = None) -> None:
    """Move one axis to another place; the others keep their order."""
    order = [a for a in range(session.array.ndim) if a != axis]
    order.insert(place, axis)
    transpose(session, order, window)


def reshape(session: Session, shape: Shape, window: QWidget | None = None) -> None:
    """Show the values in another shape of as many."""
    if shape != session.array.shape:
        _view_as(session, [(shape, None)], _tr("Reshape to"), window)


def own_axes(session: Session, window: QWidget | None = None) -> None:
    """Show the axes as the file has them."""
    steps = []
    for shape, order in reversed(session.current.axes.steps):
        back = None if order is None else tuple(int(axis) for axis in np.argsort(order))
        steps.append((shape, back))
    if steps:
        _view_as(session, steps, _tr("Axes as in the file,"), window)


def _view_as(session: Session, steps: Sequence[Step], what: str, window: QWidget | None) -> None:
    """Push the command of some steps: transposes by their order, reshapes by the new shape."""
    tensor = session.current
    held = _held(tensor)
    mapped_arrays.check(held)
    shape, axes, role, chosen = tensor.array.shape, tensor.axes, tensor.role, tensor.chosen
    role = role if role is not None and role.fits(len(shape)) else None
    entries, lost = session.entries, set[str]()
    for new, order in steps:
        before = role or plain_role(len(shape))
        if order is None:
            follow = partial(reshaped_granularity, old=shape, new=new)
            entries = _followed(entries, follow, lost)
            role, axes = reshaped_role(before, shape, new), axes.reshaped(shape, new)
            if role is None:
                lost.update(_with_words(entries))
        else:
            entries = _followed(entries, partial(_moved, order=order), lost)
            role, axes = before.moved(order), axes.transposed(shape, order)
            new = tuple(shape[axis] for axis in order)
            if chosen is not None:
                index = np.unravel_index(chosen, shape)
                chosen = int(np.ravel_multi_index([index[axis] for axis in order], new))
        shape = new
        role = None if role == plain_role(len(shape)) else role
    try:
        array = _turned(session, held, steps, window)
    except Cancelled:
        return
    text = f"{what} {'×'.join(map(str, shape))}"
    shown = Shown(axes, role, chosen)
    session.undo_stack.push(ViewAs(session, array, shown, entries, text))
    _tell(session, axes, lost)


def _turned(
    session: Session, array: FloatArray, steps: Sequence[Step], window: QWidget | None
) -> FloatArray:
    """Return the array after some steps, in C order.

    Raises
    ------
    Cancelled
        If the user does not wait for it.
    """

    def turn(part: object = None) -> FloatArray:
        made = array
        for shape, order in steps:
            made = made.reshape(shape) if order is None else made.transpose(order)
        return np.ascontiguousarray(made)

    copies = any(order is not None for _, order in steps)
    if window is None or not copies or array.size <= COPIED:
        return turn()
    text = _tr("Turning the axes…")
    made: FloatArray = wait_for(session.background, "axes", turn, text, window, leave=True)
    return made


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


def _tell(session: Session, axes: AxesView, lost: set[str]) -> None:
    """Report schemes whose channels no axes have any more, and what saving will write."""
    said = []
    if lost:
        text = _tr("%1: no axes of this shape have the same channels, so they stay as they are.")
        said.append(filled(text, ", ".join(sorted(lost))))
    if axes.steps and session.current.path is not None:
        said.append(_tr("Saving values keeps the axes of the file."))
    if said:
        session.told.emit(" ".join(said))


def role_text(role: Role | None, ndim: int) -> str:
    """Return which axes are outputs, and which a product sums over, in words."""
    if role is None or not role.fits(ndim):
        return str(plain_role(ndim)) if ndim > 1 else ""
    return str(role)
