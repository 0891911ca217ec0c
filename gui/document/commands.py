"""Undo commands, the only code that changes a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QUndoCommand

from quantoscope.engine import Scheme
from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.text.number_parsing import typed_whole
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.localized_numbers import position_text as text_of_position
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.snapshot import Entry, styled
from quantoscope.gui.document.tensors import Source, detach_from_file, next_version, source_of_array

_ENTRIES_ID, _VALUES_ID = 1, 2
_tr = partial(QCoreApplication.translate, "commands")


class _OfTensor(QUndoCommand):
    """Base of changes to a tensor's values, whichever tensor is current at undo."""

    _old: FloatArray
    _new: FloatArray

    def __init__(self, document: Document, text: str) -> None:
        super().__init__(text)
        mapped_arrays.check(document.array)
        self._document, self._tensor = document, document.current
        self._versions = (document.version, next_version())
        self._before = document.current.axes, document.current.role
        self._done = False

    def redo(self) -> None:
        self._turn(self._old, self._new, self._versions[1])

    def undo(self) -> None:
        self._turn(self._new, self._old, self._versions[0])

    def _turn(self, out: FloatArray, into: FloatArray, version: int) -> None:
        """Show the tensor, change it, and scroll to the change, but not at first."""
        self._document.show(self._tensor)
        where = self.put(out, into, version)
        if self._done:
            self._document.revisit_values(where)
        self._done = True

    def put(self, out: FloatArray, into: FloatArray, version: int) -> np.ndarray:
        """Replace values with others; return their flat positions."""
        raise NotImplementedError


class SetValues(_OfTensor):
    """Overwrite values at flat positions; keeps only old and new ones.

    Edits of the same values in one ``run``, such as a drag, merge.
    """

    def __init__(
        self, document: Document, where: np.ndarray, new: np.ndarray, text: str, run: str = ""
    ) -> None:
        super().__init__(document, text)
        self._where = np.asarray(where, np.intp)
        self._old = document.array.reshape(-1)[self._where].copy()
        self._new = _as_dtype(new, document.array)
        self.run = run
        self.for_good = False
        """Whether undoing it is the end of it."""

    def id(self) -> int:
        return _VALUES_ID if self.run else -1

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, SetValues) or other.run != self.run:
            return False
        if other._tensor is not self._tensor or not np.array_equal(other._where, self._where):
            return False
        self._new = other._new
        self._versions = self._versions[0], other._versions[1]
        return True

    def brings_back(self, values: FloatArray) -> bool:
        """Return whether these are the values from before the run."""
        return self._old.tobytes() == values.tobytes()

    def undo(self) -> None:
        super().undo()
        # Qt deletes such a command, but does not undo one that is obsolete before.
        self.setObsolete(self.for_good)

    def put(self, out: FloatArray, into: FloatArray, version: int) -> np.ndarray:
        self._document.put(self._where, into, version)
        return self._where


class Splice(_OfTensor):
    """Replace ``array[start:start + len(old)]`` of a one-dimensional array with other values."""

    def __init__(
        self, document: Document, start: int, removed: int, new: np.ndarray, text: str
    ) -> None:
        super().__init__(document, text)
        self._start = start
        self._old = document.array[start : start + removed].copy()
        self._new = _as_dtype(new, document.array)

    def put(self, out: FloatArray, into: FloatArray, version: int) -> np.ndarray:
        array, start = self._document.array, self._start
        parts = (array[:start], into, array[start + len(out) :])
        shown = self._before if version == self._versions[0] else None
        self._document.set_array(np.concatenate(parts), start, start + len(into), version, shown)
        return np.arange(start, start + max(1, len(into)))


class ReplaceArray(_OfTensor):
    """Replace the document's array with another of any shape and precision."""

    def __init__(self, document: Document, new: FloatArray, text: str) -> None:
        super().__init__(document, text)
        # Copy: the document may edit its array in place.
        self._old, self._new = document.array.copy(), new

    def put(self, out: FloatArray, into: FloatArray, version: int) -> np.ndarray:
        shown = self._before if version == self._versions[0] else None
        self._document.set_array(into.copy(), 0, into.size, version, shown)
        return np.arange(into.size)


class SetEntries(QUndoCommand):
    """Replace the list of schemes; edits of the same place merge."""

    def __init__(
        self,
        document: Document,
        entries: tuple[Entry, ...],
        text: str,
        active_uid: int | None = None,
        place: str = "",
    ) -> None:
        super().__init__(text)
        self._document = document
        self._old = (document.entries, document.active_uid)
        self._new = (entries, document.active_uid if active_uid is None else active_uid)
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
        self._document.set_entries(*self._new)
        if self._done:
            self._document.revisited.emit("schemes")
        self._done = True

    def undo(self) -> None:
        self._document.set_entries(*self._old)
        self._document.revisited.emit("schemes")


class RemoveSource(QUndoCommand):
    """Remove a file or array from the document, keeping it for undo."""

    def __init__(self, document: Document, source: Source, text: str) -> None:
        super().__init__(text)
        self._document = document
        self._sources: tuple[Source, ...] = (source,)
        self._place, self._shown = 0, document.current
        self._done = False

    def redo(self) -> None:
        document = self._document
        self._shown = document.current
        # It is going to be shown again.
        self._shown.kept = True
        places = [document.sources.index(source) for source in self._sources]
        self._place = min(places, default=0)
        rest = tuple(source for source in document.sources if source not in self._sources)
        if any(self._shown in source.tensors for source in self._sources):
            near = (*rest[self._place :], *reversed(rest[: self._place]))
            loaded = [tensor for source in near for tensor in source.tensors if tensor.loaded]
            if not loaded:
                empty = source_of_array(_tr("Empty"), np.zeros(0, np.float32))
                # Nobody misses it once there is something else.
                empty.given = True
                rest, loaded = (*rest, empty), list(empty.tensors)
            document.show(loaded[0])
        document.set_sources(rest)
        if self._done:
            document.revisited.emit("tensors")
        self._done = True

    def undo(self) -> None:
        document = self._document
        # What was opened since then stays.
        before, after = document.sources[: self._place], document.sources[self._place :]
        self._sources = tuple(one for source in self._sources for one in self._back(source))
        document.set_sources((*before, *self._sources, *after))
        document.show(self._shown)
        document.revisited.emit("tensors")
        document.source_revisited.emit(self._sources[0])

    def _back(self, source: Source) -> tuple[Source, ...]:
        """Return the sources to restore: edited tensors without a file if it was reopened."""
        if source.path is None or self._document.source_at(source.path) is None:
            return (source,)
        return detach_from_file(
            [tensor for tensor in source.tensors if tensor.kept or tensor.differs]
        )


def _as_dtype(values: np.ndarray, like: FloatArray) -> FloatArray:
    """Round to the array's precision; overflow gives infinity, which is marked."""
    with np.errstate(over="ignore"):
        return np.array(values, like.dtype).reshape(-1)


# Values


def edit_value(document: Document, index: int, value: float) -> None:
    """Set one value; no command if it is unchanged."""
    flat = document.array.reshape(-1)
    new = _as_dtype(np.array([value]), document.array)
    if flat[index : index + 1].tobytes() != new.tobytes():
        text = filled(_tr("Edit value %1"), position_text(document, index))
        document.undo_stack.push(SetValues(document, np.array([index]), new, text))


def move_value(document: Document, index: int, value: float, run: str) -> None:
    """Set one value in a run of such changes, which is one step of undo.

    Back where the run began, there is nothing to undo.
    """
    flat = document.array.reshape(-1)
    new = _as_dtype(np.array([value]), document.array)
    if flat[index : index + 1].tobytes() == new.tobytes():
        return
    last = _last_of_run(document, run)
    if last is not None and last.brings_back(new):
        take_back(document, run)
        return
    text = filled(_tr("Move value %1"), position_text(document, index))
    document.undo_stack.push(SetValues(document, np.array([index]), new, text, run))


def take_back(document: Document, run: str) -> None:
    """Undo a run of changes for good, so that it cannot be redone."""
    last = _last_of_run(document, run)
    if last is not None:
        last.for_good = True
        document.undo_stack.undo()


def _last_of_run(document: Document, run: str) -> SetValues | None:
    """Return the last command if it belongs to a run."""
    stack = document.undo_stack
    last = stack.command(stack.index() - 1) if stack.index() else None
    return last if isinstance(last, SetValues) and last.run == run else None


def tell_rounded(document: Document, text: str, value: float) -> None:
    """Report a typed integer that the array cannot hold exactly."""
    whole = typed_whole(text)
    if whole is None or float(whole) != value:
        return
    dtype = document.array.dtype
    kept = float(_as_dtype(np.array([value]), document.array)[0])
    if not np.isfinite(kept) or int(kept) != whole:
        told = _tr("%1 has more digits than %2: it is rounded.")
        document.told.emit(filled(told, text.strip(), dtype.name))


def set_values(document: Document, where: np.ndarray, values: np.ndarray, text: str) -> None:
    """Overwrite values at flat positions in one command."""
    if len(where):
        document.undo_stack.push(SetValues(document, where, values, text))


def splice(document: Document, start: int, removed: int, new: np.ndarray, text: str) -> None:
    """Replace part of a one-dimensional array in one command."""
    if removed or len(new):
        document.undo_stack.push(Splice(document, start, removed, new, text))


def replace_array(document: Document, array: FloatArray, text: str) -> None:
    """Replace the document's array in one command."""
    document.undo_stack.push(ReplaceArray(document, array, text))


def remove_values(document: Document, where: np.ndarray, text: str) -> None:
    """Remove positions of a one-dimensional array in one command."""
    if not where.size:
        return
    start, stop = int(where.min()), int(where.max()) + 1
    keep = np.ones(stop - start, bool)
    keep[where - start] = False
    splice(document, start, stop - start, document.array[start:stop][keep], text)


def position_text(document: Document, index: int) -> str:
    """Return a position as text: an integer, or one index per axis."""
    return text_of_position(index, document.array.shape)


# Schemes


def _full(document: Document) -> bool:
    """Return whether no scheme may be added, reporting it."""
    from quantoscope.engine.io.saved import MAX_SCHEMES

    if len(document.entries) < MAX_SCHEMES:
        return False
    text = _tr("A session has at most %1 schemes: remove one before you add another.")
    document.refused.emit(filled(text, MAX_SCHEMES))
    return True


def add_scheme(document: Document, scheme: Scheme) -> None:
    """Append a scheme and make it active."""
    if _full(document):
        return
    entry = styled(Entry(scheme), document.entries)
    text = filled(_tr("Add %1"), entry.name)
    document.undo_stack.push(SetEntries(document, (*document.entries, entry), text, entry.uid))


def add_beside(document: Document, scheme: Scheme) -> int | None:
    """Append a scheme unless the list has it; the active one stays. Return its uid.

    None if the list is full.
    """
    known = next((entry.uid for entry in document.entries if entry.scheme == scheme), None)
    if known is not None or _full(document):
        return known
    entry = styled(Entry(scheme), document.entries)
    text = filled(_tr("Add %1"), entry.name)
    document.undo_stack.push(SetEntries(document, (*document.entries, entry), text))
    return entry.uid


def add_schemes(document: Document, schemes: Sequence[Scheme], what: str) -> None:
    """Append schemes that are not in the list, in one command, and activate the first."""
    entries = document.entries
    for scheme in schemes:
        if scheme not in [entry.scheme for entry in entries]:
            entries = (*entries, styled(Entry(scheme), entries))
    first = next((entry.uid for entry in entries if entry.scheme == schemes[0]), None)
    if entries != document.entries:
        text = filled(_tr("Add the schemes of %1"), what)
        document.undo_stack.push(SetEntries(document, entries, text, first))
    elif first is not None:
        document.activate(first)


def duplicate_entry(document: Document, uid: int) -> None:
    """Insert a copy with its own style after an entry and activate it."""
    source = document.entry(uid)
    if source is None or _full(document):
        return
    copy = replace(styled(Entry(source.scheme), document.entries), label=source.label)
    place = document.entries.index(source) + 1
    entries = (*document.entries[:place], copy, *document.entries[place:])
    text = filled(_tr("Duplicate %1"), source.name)
    document.undo_stack.push(SetEntries(document, entries, text, copy.uid))


def remove_entry(document: Document, uid: int) -> None:
    """Remove an entry and activate the next one."""
    entry = document.entry(uid)
    if entry is None:
        return
    place = document.entries.index(entry)
    entries = document.entries[:place] + document.entries[place + 1 :]
    active = document.active_uid
    if active == uid and entries:
        active = entries[min(place, len(entries) - 1)].uid
    text = filled(_tr("Remove %1"), entry.name)
    document.undo_stack.push(SetEntries(document, entries, text, active))


def move_entry(document: Document, uid: int, place: int) -> None:
    """Move an entry in the list."""
    entry = document.entry(uid)
    if entry is None or not 0 <= place < len(document.entries):
        return
    if document.entries.index(entry) == place:
        return
    rest = [e for e in document.entries if e.uid != uid]
    rest.insert(place, entry)
    text = filled(_tr("Move %1"), entry.name)
    document.undo_stack.push(SetEntries(document, tuple(rest), text))


def update_entry(
    document: Document, uid: int, change: Callable[[Entry], Entry], text: str, place: str = ""
) -> None:
    """Replace an entry with a changed copy; edits of the same place merge."""
    old = document.entry(uid)
    if old is None:
        return
    new = change(old)
    if new != old:
        entries = tuple(new if e.uid == uid else e for e in document.entries)
        document.undo_stack.push(
            SetEntries(document, entries, text, place=f"{uid} {place}" if place else "")
        )


def set_scheme(document: Document, uid: int, scheme: Scheme, place: str = "") -> None:
    """Change a scheme; typing or dragging in one place merges."""
    text = filled(_tr("Change to %1"), str(scheme))
    update_entry(document, uid, lambda e: replace(e, scheme=scheme), text, place)


# Files


def remove_source(document: Document, source: Source) -> None:
    """Remove a file or array, showing another one if necessary."""
    text = filled(_tr("Close %1"), source.title)
    document.undo_stack.push(RemoveSource(document, source, text))
