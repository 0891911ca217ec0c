"""The undoable changes: the only code that changes a session's document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from quantoscope.engine import Scheme
from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.text.number_parsing import typed_whole
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.localized_numbers import position_text as text_of_position
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry, styled
from quantoscope.gui.document.tensors import Source, detach_from_file, next_version, source_of_array

_ENTRIES_ID = 1


def _tr(text: str) -> str:
    return QCoreApplication.translate("commands", text)


class _OfTensor(QUndoCommand):
    """A change of the values of the tensor that is shown now, whichever is when it is undone."""

    def __init__(self, session: Session, text: str) -> None:
        super().__init__(text)
        mapped_arrays.check(session.array)
        self._session, self._tensor = session, session.current
        self._versions = (session.version, next_version())
        self._done = False

    def _turn(self) -> None:
        """What is undone is seen: the tensor that it was done to comes back."""
        self._session.show(self._tensor)

    def _look(self, where: np.ndarray) -> None:
        """Bring one of the values that came back into view; at first it is where the person is."""
        if self._done:
            self._session.look_at(where)
        self._done = True


class SetValues(_OfTensor):
    """Overwrite the values at flat positions; keeps the old and new ones only."""

    def __init__(self, session: Session, where: np.ndarray, new: np.ndarray, text: str) -> None:
        super().__init__(session, text)
        self._where = np.asarray(where, np.intp)
        self._old = session.array.reshape(-1)[self._where].copy()
        self._new = _as_dtype(new, session.array)

    def redo(self) -> None:
        self._put(self._new, self._versions[1])

    def undo(self) -> None:
        self._put(self._old, self._versions[0])

    def _put(self, values: FloatArray, version: int) -> None:
        self._turn()
        self._session.put(self._where, values, version)
        self._look(self._where)


class Splice(_OfTensor):
    """Replace ``array[start:start + len(old)]`` of an array with one axis by other values."""

    def __init__(
        self, session: Session, start: int, removed: int, new: np.ndarray, text: str
    ) -> None:
        super().__init__(session, text)
        self._start = start
        self._old = session.array[start : start + removed].copy()
        self._new = _as_dtype(new, session.array)

    def redo(self) -> None:
        self._put(self._old, self._new, self._versions[1])

    def undo(self) -> None:
        self._put(self._new, self._old, self._versions[0])

    def _put(self, out: FloatArray, into: FloatArray, version: int) -> None:
        self._turn()
        array, start = self._session.array, self._start
        parts = (array[:start], into, array[start + len(out) :])
        self._session.set_array(np.concatenate(parts), start, start + len(into), version)
        self._look(np.arange(start, start + max(1, len(into))))


class ReplaceArray(_OfTensor):
    """Put an array of any shape and precision in the place of the document's."""

    def __init__(self, session: Session, new: FloatArray, text: str) -> None:
        super().__init__(session, text)
        # The session may change what it is given in place.
        self._old, self._new = session.array.copy(), new

    def redo(self) -> None:
        self._put(self._new, self._versions[1])

    def undo(self) -> None:
        self._put(self._old, self._versions[0])

    def _put(self, array: FloatArray, version: int) -> None:
        self._turn()
        self._session.set_array(array.copy(), 0, array.size, version)
        self._look(np.arange(array.size))


class SetEntries(QUndoCommand):
    """Replace the list of schemes; steps with the same place merge into one."""

    def __init__(
        self,
        session: Session,
        entries: tuple[Entry, ...],
        text: str,
        active_uid: int | None = None,
        place: str = "",
    ) -> None:
        super().__init__(text)
        self._session = session
        self._old = (session.entries, session.active_uid)
        self._new = (entries, session.active_uid if active_uid is None else active_uid)
        self._place = place
        self._done = False

    def id(self) -> int:
        return _ENTRIES_ID if self._place else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, SetEntries) or other._place != self._place:
            return False
        self._new = other._new
        self.setText(other.text())
        self.setObsolete(self._new == self._old)
        return True

    def redo(self) -> None:
        self._session.set_entries(*self._new)
        if self._done:
            self._session.revisited.emit("schemes")
        self._done = True

    def undo(self) -> None:
        self._session.set_entries(*self._old)
        self._session.revisited.emit("schemes")


class RemoveSource(QUndoCommand):
    """Take a file, or an array, out of the document; nothing of it is lost until that closes."""

    def __init__(self, session: Session, source: Source, text: str) -> None:
        super().__init__(text)
        self._session = session
        self._sources: tuple[Source, ...] = (source,)
        self._place, self._shown = 0, session.current

    def redo(self) -> None:
        session = self._session
        self._shown = session.current
        # It is going to be shown again.
        self._shown.kept = True
        places = [session.sources.index(source) for source in self._sources]
        self._place = min(places, default=0)
        rest = tuple(source for source in session.sources if source not in self._sources)
        if any(self._shown in source.tensors for source in self._sources):
            near = (*rest[self._place :], *reversed(rest[: self._place]))
            loaded = [tensor for source in near for tensor in source.tensors if tensor.loaded]
            if not loaded:
                empty = source_of_array(_tr("Empty"), np.zeros(0, np.float32))
                # Nobody misses it once there is something else.
                empty.given = True
                rest, loaded = (*rest, empty), list(empty.tensors)
            session.show(loaded[0])
        session.set_sources(rest)

    def undo(self) -> None:
        session = self._session
        # What was opened since then stays.
        before, after = session.sources[: self._place], session.sources[self._place :]
        self._sources = tuple(one for source in self._sources for one in self._back(source))
        session.set_sources((*before, *self._sources, *after))
        session.show(self._shown)
        session.revisited.emit("tensors")

    def _back(self, source: Source) -> tuple[Source, ...]:
        """What comes back: where its file is open anew, what somebody works on, of no file."""
        if source.path is None or self._session.source_at(source.path) is None:
            return (source,)
        return detach_from_file(
            [tensor for tensor in source.tensors if tensor.kept or tensor.differs]
        )


def _as_dtype(values: np.ndarray, like: FloatArray) -> FloatArray:
    """Round to the array's precision; a number beyond it becomes an infinity, which is marked."""
    with np.errstate(over="ignore"):
        return np.array(values, like.dtype).reshape(-1)


# Values


def edit_value(session: Session, index: int, value: float) -> None:
    """Set one value; no step where nothing changes."""
    flat = session.array.reshape(-1)
    new = _as_dtype(np.array([value]), session.array)
    if flat[index : index + 1].tobytes() != new.tobytes():
        text = filled(_tr("Edit value %1"), position_text(session, index))
        session.undo_stack.push(SetValues(session, np.array([index]), new, text))


def tell_rounded(session: Session, text: str, value: float) -> None:
    """Say it where a whole number was typed that the array has no room for."""
    whole = typed_whole(text)
    if whole is None or float(whole) != value:
        return
    dtype = session.array.dtype
    kept = float(_as_dtype(np.array([value]), session.array)[0])
    if not np.isfinite(kept) or int(kept) != whole:
        told = _tr("%1 has more digits than %2: it is rounded.")
        session.told.emit(filled(told, text.strip(), dtype.name))


def set_values(session: Session, where: np.ndarray, values: np.ndarray, text: str) -> None:
    """Overwrite values at flat positions in one step."""
    if len(where):
        session.undo_stack.push(SetValues(session, where, values, text))


def splice(session: Session, start: int, removed: int, new: np.ndarray, text: str) -> None:
    """Replace a stretch of an array with one axis by other values, in one step."""
    if removed or len(new):
        session.undo_stack.push(Splice(session, start, removed, new, text))


def replace_array(session: Session, array: FloatArray, text: str) -> None:
    """Put another array in the place of the document's, in one step."""
    session.undo_stack.push(ReplaceArray(session, array, text))


def remove_values(session: Session, where: np.ndarray, text: str) -> None:
    """Remove single positions of an array with one axis, in one step."""
    if not where.size:
        return
    start, stop = int(where.min()), int(where.max()) + 1
    keep = np.ones(stop - start, bool)
    keep[where - start] = False
    splice(session, start, stop - start, session.array[start:stop][keep], text)


def position_text(session: Session, index: int) -> str:
    """How people call a position: a number, or one per axis."""
    return text_of_position(index, session.array.shape)


# Schemes


def _full(session: Session) -> bool:
    """Tell whether no other scheme may be added, and say so."""
    from quantoscope.engine.io.saved import MAX_SCHEMES

    if len(session.entries) < MAX_SCHEMES:
        return False
    text = _tr("A session has at most %1 schemes: remove one before you add another.")
    session.refused.emit(filled(text, MAX_SCHEMES))
    return True


def add_scheme(session: Session, scheme: Scheme) -> None:
    """Append a scheme and make it active."""
    if _full(session):
        return
    entry = styled(Entry(scheme), session.entries)
    text = filled(_tr("Add %1"), entry.name)
    session.undo_stack.push(SetEntries(session, (*session.entries, entry), text, entry.uid))


def add_schemes(session: Session, schemes: Sequence[Scheme], what: str) -> None:
    """Append those schemes that are not there yet, in one step, and make the first active."""
    entries = session.entries
    for scheme in schemes:
        if scheme not in [entry.scheme for entry in entries]:
            entries = (*entries, styled(Entry(scheme), entries))
    first = next((entry.uid for entry in entries if entry.scheme == schemes[0]), None)
    if entries != session.entries:
        text = filled(_tr("Add the schemes of %1"), what)
        session.undo_stack.push(SetEntries(session, entries, text, first))
    elif first is not None:
        session.activate(first)


def duplicate_entry(session: Session, uid: int) -> None:
    """Put a copy with a style of its own behind an entry and make it active."""
    source = session.entry(uid)
    if source is None or _full(session):
        return
    copy = replace(styled(Entry(source.scheme), session.entries), label=source.label)
    place = session.entries.index(source) + 1
    entries = (*session.entries[:place], copy, *session.entries[place:])
    text = filled(_tr("Duplicate %1"), source.name)
    session.undo_stack.push(SetEntries(session, entries, text, copy.uid))


def remove_entry(session: Session, uid: int) -> None:
    """Remove an entry; the next one becomes active."""
    entry = session.entry(uid)
    if entry is None:
        return
    place = session.entries.index(entry)
    entries = session.entries[:place] + session.entries[place + 1 :]
    active = session.active_uid
    if active == uid and entries:
        active = entries[min(place, len(entries) - 1)].uid
    text = filled(_tr("Remove %1"), entry.name)
    session.undo_stack.push(SetEntries(session, entries, text, active))


def move_entry(session: Session, uid: int, place: int) -> None:
    """Move an entry to another place of the list."""
    entry = session.entry(uid)
    if entry is None or not 0 <= place < len(session.entries):
        return
    if session.entries.index(entry) == place:
        return
    rest = [e for e in session.entries if e.uid != uid]
    rest.insert(place, entry)
    text = filled(_tr("Move %1"), entry.name)
    session.undo_stack.push(SetEntries(session, tuple(rest), text))


def update_entry(
    session: Session, uid: int, change: Callable[[Entry], Entry], text: str, place: str = ""
) -> None:
    """Replace one entry by a changed copy; steps of the same place merge."""
    old = session.entry(uid)
    if old is None:
        return
    new = change(old)
    if new != old:
        entries = tuple(new if e.uid == uid else e for e in session.entries)
        session.undo_stack.push(
            SetEntries(session, entries, text, place=f"{uid} {place}" if place else "")
        )


def set_scheme(session: Session, uid: int, scheme: Scheme, place: str = "") -> None:
    """Change what a scheme is; typing or dragging in one place merges."""
    text = filled(_tr("Change to %1"), str(scheme))
    update_entry(session, uid, lambda e: replace(e, scheme=scheme), text, place)


# Files


def remove_source(session: Session, source: Source) -> None:
    """Take a file, or an array, out of the document; another one is shown, if need be."""
    text = filled(_tr("Close %1"), source.title)
    session.undo_stack.push(RemoveSource(session, source, text))
