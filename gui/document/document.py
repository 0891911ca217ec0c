"""The document: tensors, schemes and the active scheme, with change signals.

Only the commands of ``gui.document.commands`` change what a document holds, so that every change
can be undone. The evaluator listens to its signals, and makes the snapshot that views show.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from quantoscope.engine import Scheme
from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.axes_view import AxesView
from quantoscope.engine.numerics.roles import Role
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.document.snapshot import DeviceCodes, Entry, entries_for
from quantoscope.gui.document.tensors import (
    OWN_AXES,
    Shown,
    Source,
    Tensor,
    detach_from_file,
    source_of_array,
    state_of,
)

if TYPE_CHECKING:
    from quantoscope.engine.io.saved import SavedSource


class Document(QObject):
    """A document with a signal per kind of change."""

    edited = Signal()
    """A command is about to change the document."""
    finish_typing = Signal()
    """Commit open editors: the document is about to be saved, closed, or changed."""
    resetting = Signal()
    """The array is about to be another one, or to have another shape."""
    values_edited = Signal(object, arguments=["edit"])
    array_replaced = Signal()
    """The array has become another one, by an ``Edit`` or altogether; no view needs to know yet."""
    values_changed = Signal(int, int, arguments=["start", "stop"])
    """Values at these flat positions changed; the shape did not."""
    array_reset = Signal()
    """The array has another shape or is another one."""
    array_settled = Signal()
    """Every view knows the array that was reset."""
    sources_changed = Signal()
    """The document has other files, or what is known of them changed."""
    entries_changed = Signal()
    active_changed = Signal()
    """The list of schemes, the active scheme."""
    device_changed = Signal()
    """There are other codes of a device, or none any more."""
    content_changed = Signal()
    """The array, the schemes or a device's codes changed, and all else has been told of it."""
    document_changed = Signal()
    """Name, path or unsaved state changed."""
    revisited = Signal(str, arguments=["pane"])
    """Something was undone or redone, which is seen in that pane."""
    source_revisited = Signal(object, arguments=["source"])
    """An undone or redone command has brought back a file or array."""
    values_revisited = Signal(object, arguments=["where"])
    """It was done to the values at these flat positions."""
    refused = Signal(str, arguments=["text"])
    """A change was asked for that a document does not allow, and why."""
    told = Signal(str, arguments=["text"])
    """What was made of something that was typed or pasted."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.undo_stack = QUndoStack(self)
        empty = source_of_array("", np.zeros(0, np.float32))
        empty.given = True
        self.sources: tuple[Source, ...] = (empty,)
        self.current: Tensor = empty.tensors[0]
        self.entries: tuple[Entry, ...] = ()
        self.active_uid: int | None = None
        self.file: Path | None = None
        self.file_seen: SavedSource | None = None
        self.hint = ""
        self._saved: tuple[tuple[Entry, ...], tuple[Source, ...]] = ((), self.sources)
        self.undo_stack.indexChanged.connect(self.document_changed)

    # What it holds

    @property
    def active(self) -> Entry | None:
        """The active scheme, whose stages fill the table and the Steps pane."""
        return self.entry(self.active_uid)

    def entry(self, uid: int | None) -> Entry | None:
        """Return the entry of that uid, or None."""
        return next((e for e in self.entries if e.uid == uid), None)

    @property
    def array(self) -> FloatArray:
        """Values of the current tensor."""
        # Whoever asks is about to look at them.
        mapped_arrays.look(self.current.array)
        return self.current.array

    @property
    def device(self) -> DeviceCodes | None:
        """A device's codes of this tensor, as long as its shape is unchanged."""
        return self.current.device if self.current.device_shape == self.array.shape else None

    @property
    def title(self) -> str:
        """Title of the current tensor."""
        return self.current.title

    @property
    def path(self) -> Path | None:
        """File of the current tensor."""
        return self.current.path

    @property
    def version(self) -> int:
        """Version of the values."""
        return self.current.version

    @property
    def tensors(self) -> list[Tensor]:
        """All loaded tensors of the document."""
        return [tensor for source in self.sources for tensor in source.tensors if tensor.loaded]

    @property
    def modified(self) -> bool:
        """Whether closing the document would lose changes."""
        entries, sources = self._saved
        if self.entries != entries or any(tensor.modified for tensor in self.tensors):
            return True
        # Files that are merely open are not lost; which ones they were belongs to a session.
        return self.file is not None and self.sources != sources

    @property
    def untouched(self) -> bool:
        """Whether everything was created by the program and not edited."""
        given = all(source.given for source in self.sources)
        kept = any(tensor.kept for tensor in self.tensors)
        return given and not kept and self.file is None and not self.modified

    @property
    def unsaved(self) -> tuple[list[str], bool]:
        """Unsaved parts: titles of arrays, and whether the schemes are."""
        titles = [tensor.title for tensor in self.tensors if tensor.modified]
        return titles, self.entries != self._saved[0]

    # Changes that start a new document, which undo does not reach

    def start(
        self,
        array: FloatArray,
        title: str,
        path: Path | None = None,
        schemes: Sequence[Scheme] | None = None,
        hint: str = "",
    ) -> None:
        """Start a new document with an array and, unless None, other schemes.

        The document owns the array from now on: edits may change it in place.
        """
        source = source_of_array(title, array, path)
        source.given = path is None
        entries = self.entries if schemes is None else entries_for(schemes)
        active = self.active_uid if schemes is None else None
        self.restore((source,), source.tensors[0], entries, active, hint=hint)

    def restore(
        self,
        sources: tuple[Source, ...],
        current: Tensor,
        entries: tuple[Entry, ...],
        active_uid: int | None,
        file: Path | None = None,
        file_seen: SavedSource | None = None,
        hint: str = "",
    ) -> None:
        """Begin a new document with everything that it holds; ``current`` has its values.

        ``file_seen`` describes the session file as it was when it was read.
        """
        self.undo_stack.clear()
        self.hint = hint
        self.sources, self.file, self.file_seen = sources, file, file_seen
        if active_uid not in [e.uid for e in entries]:
            active_uid = entries[0].uid if entries else None
        others = entries != self.entries or active_uid != self.active_uid
        self.entries, self.active_uid = entries, active_uid
        self._saved = (entries, sources)
        if others:
            self.entries_changed.emit()
            self.active_changed.emit()
        self._turn_to(current)
        self.sources_changed.emit()

    def begin_entries(self, schemes: Sequence[Scheme]) -> None:
        """Add schemes to a document that has none."""
        self.entries = entries_for(schemes)
        self.active_uid = self.entries[0].uid if self.entries else None
        self._saved = (self.entries, self._saved[1])
        self.entries_changed.emit()
        self.active_changed.emit()

    def mark_unsaved(self) -> None:
        """Mark everything as unsaved, as after a crash."""
        for tensor in self.tensors:
            tensor.saved_version = 0
        self.document_changed.emit()

    def add(self, source: Source) -> Source:
        """Add a file or array; a file already open is updated."""
        known = None if source.path is None else self.source_at(source.path)
        if known is None:
            self.sources = (*self.sources, source)
        elif known is not source:
            known.take(source)
        self.sources_changed.emit()
        return known or source

    def source_at(self, path: Path) -> Source | None:
        """Return the document's file at a path."""
        return next((source for source in self.sources if source.path == path), None)

    def show(self, tensor: Tensor) -> None:
        """Make a loaded tensor current; edits stay with their tensor."""
        if tensor is self.current:
            return
        before, source = self.current, self.source_of(self.current)
        self._turn_to(tensor)
        before.drop()
        if source is not None and source.given and not before.kept:
            self.sources = tuple(one for one in self.sources if one is not source)
            self.sources_changed.emit()

    def source_of(self, tensor: Tensor) -> Source | None:
        """Return the file or array that a tensor belongs to."""
        return next((source for source in self.sources if tensor in source.tensors), None)

    def set_sources(self, sources: tuple[Source, ...]) -> None:
        """Set the files and arrays."""
        self.edited.emit()
        self.sources = sources
        self.sources_changed.emit()
        self.document_changed.emit()

    def _turn_to(self, tensor: Tensor) -> None:
        self.resetting.emit()
        self.current = tensor
        self.array_replaced.emit()
        self._tell_of_reset()
        self.document_changed.emit()
        self.content_changed.emit()

    def _tell_of_reset(self) -> None:
        self.array_reset.emit()
        # Codes belong to a tensor of a shape: with another one come others, or none.
        self.device_changed.emit()
        self.array_settled.emit()

    def mark_values_saved(self, path: Path, known: SavedSource | None = None) -> None:
        """Mark the current values as saved in a file of arrays.

        ``known`` describes that file.
        """
        tensor = self.current
        tensor.saved_version = tensor.version
        source, before = self.source_of(tensor), self.source_at(path)
        if before is not None and before is not source:
            # What was read of the file that was written over is now of no file.
            place = self.sources.index(before)
            left = detach_from_file([one for one in before.tensors if one.loaded])
            self.sources = (*self.sources[:place], *left, *self.sources[place + 1 :])
            self.sources_changed.emit()
        if source is not None and not source.container:
            source.path, source.known, tensor.path = path, known, path
            source.given = False
            tensor.title, tensor.name = plain(path.name), None
            tensor.opened_version, tensor.touched = tensor.version, []
            tensor.base, tensor.base_state = (path, None), state_of(path)
            if tensor.axes != OWN_AXES:
                # The file has its own axes: positions in it are others.
                tensor.opened_version, tensor.base = 0, None
            self.sources_changed.emit()
        self.document_changed.emit()

    def mark_saved(
        self,
        file: Path | None,
        known: Sequence[SavedSource] = (),
        file_seen: SavedSource | None = None,
    ) -> None:
        """Mark the whole document as saved in a session file.

        ``known`` describes the files that it refers to, which need not be hashed again, and
        ``file_seen`` the session file as it was written.
        """
        self.file, self.file_seen = file, file_seen
        found = {one.path: one for one in known}
        for source in self.sources:
            source.known = found.get(str(source.path), source.known)
        self._saved = (self.entries, self.sources)
        for tensor in self.tensors:
            tensor.saved_version = tensor.version
        self.document_changed.emit()

    # Changes made by commands

    def set_array(
        self,
        array: FloatArray,
        start: int,
        stop: int,
        version: int,
        shown: tuple[AxesView, Role | None] | None = None,
    ) -> None:
        """Replace the array by one that differs in ``[start, stop)``, or in shape.

        An array of another shape has axes of its own and no role, unless undo brings ``shown``.

        ``version`` names this state of the values: undo brings the old name back, which tells
        that nothing is unsaved.
        """
        self.edited.emit()
        tensor = self.current
        same_shape = array.shape == tensor.array.shape
        if not same_shape:
            self.resetting.emit()
            tensor.axes, tensor.role = shown or (OWN_AXES, None)
        tensor.hold(array)
        self.array_replaced.emit()
        tensor.version, tensor.kept, tensor.touched = version, True, None
        if same_shape:
            self.values_changed.emit(start, stop)
        else:
            self._tell_of_reset()
        self.document_changed.emit()
        self.content_changed.emit()

    def show_as(
        self, array: FloatArray, shown: Shown, entries: tuple[Entry, ...], version: int
    ) -> None:
        """Show the same values along other axes, and schemes that follow them.

        ``version`` as for ``set_array``.
        """
        self.edited.emit()
        self.resetting.emit()
        tensor, others = self.current, entries != self.entries
        tensor.hold(array)
        shown.give(tensor)
        tensor.version, tensor.kept, tensor.touched = version, True, None
        self.entries = entries
        self.array_replaced.emit()
        if others:
            self.entries_changed.emit()
        self._tell_of_reset()
        self.document_changed.emit()
        self.content_changed.emit()

    def put(self, where: IntArray, values: FloatArray, version: int) -> None:
        """Overwrite values at flat positions; the shape is unchanged.

        ``version`` as for ``set_array``.
        """
        self.edited.emit()
        tensor = self.current
        self.values_edited.emit(tensor.put(where, values))
        tensor.version, tensor.kept = version, True
        self.values_changed.emit(int(where.min()), int(where.max()) + 1)
        self.document_changed.emit()
        self.content_changed.emit()

    def set_entries(self, entries: tuple[Entry, ...], active_uid: int | None) -> None:
        """Set the list of schemes and the active one."""
        self.edited.emit()
        if not any(e.uid == active_uid for e in entries):
            active_uid = entries[0].uid if entries else None
        moved = active_uid != self.active_uid
        self.entries, self.active_uid = entries, active_uid
        self.entries_changed.emit()
        if moved:
            self.active_changed.emit()
        self.content_changed.emit()

    def revisit_values(self, where: IntArray) -> None:
        """Signal that undo or redo has changed values at these flat positions."""
        self.values_revisited.emit(where)
        self.revisited.emit("values")

    # Changes that undo does not need to reach

    def activate(self, uid: int) -> None:
        """Activate a scheme."""
        if uid != self.active_uid and self.entry(uid) is not None:
            self.active_uid = uid
            self.active_changed.emit()
            self.content_changed.emit()

    def take_device(self, device: DeviceCodes) -> None:
        """Set a device's codes of this tensor."""
        self.current.device, self.current.device_shape = device, self.array.shape
        self.device_changed.emit()
        self.content_changed.emit()
