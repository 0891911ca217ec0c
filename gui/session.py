"""The document: array, schemes, active scheme, chosen value, and what follows from them.

Only the commands of ``gui.commands`` change a session, so that every change can be undone. A
view reads the session and listens to its signals; views never talk to each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from engine import Comparison, Evaluation, Granularity, Scheme, summarize
from engine.arrays import FloatArray, IntArray
from engine.channels import natural_granularity
from engine.device import DeviceComparison
from gui.background import Background, Ticket
from gui.shown import (
    DEVICE,
    DeviceCodes,
    Edit,
    Entry,
    Focus,
    Outcome,
    Shown,
    Update,
    entries_for,
    frozen,
)
from gui.shown import focus_on as focus_on_channel
from gui.turns import Turns

LIVE_LIMIT = 50_000
"""Up to so many values everything follows an edit within the same event."""

COPIED = 1 << 20
"""Up to so many values an edit makes a changed copy of the array; a longer one it changes."""
EVALUATE = "evaluate"
_versions = itertools.count(1)


def next_version() -> int:
    """Return a name that no state of the values has had yet."""
    return next(_versions)


class Session(QObject):
    """The state of the document, with a signal for each thing that can change.

    Signals
    -------
    edited()
        A command is about to change the document.
    values_changed(start, stop)
        Values at these flat positions changed; the shape did not.
    array_reset()
        The array has another shape or is another one.
    entries_changed(), active_changed(), chosen_changed()
        The list of schemes, the active scheme, the chosen value.
    focus_changed()
        The channel that plots show alone, or that they show all values again.
    pair_changed()
        Other schemes are compared.
    device_changed()
        There are other codes of a device, or none any more.
    evaluated()
        ``shown`` is new: redraw.
    document_changed()
        Name, path or unsaved state changed.
    """

    edited = Signal()
    values_changed = Signal(int, int)
    array_reset = Signal()
    entries_changed = Signal()
    active_changed = Signal()
    chosen_changed = Signal()
    focus_changed = Signal()
    pair_changed = Signal()
    device_changed = Signal()
    evaluated = Signal()
    document_changed = Signal()
    stale_changed = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.background = background
        self.turns = Turns(self)
        self.undo_stack = QUndoStack(self)
        self._owned: FloatArray | None = None
        self.array: FloatArray = frozen(np.zeros(0, np.float32))
        self.entries: tuple[Entry, ...] = ()
        self.active_uid: int | None = None
        self.chosen: int | None = None
        self.pair: tuple[int, int] | None = None
        self.device: DeviceCodes | None = None
        self._watchers: set[str] = set()
        self._focused: tuple[Granularity, int] | None = None
        self._focus: Focus | None = None
        self._focus_of: FloatArray | None = None
        self.title = ""
        self.path: Path | None = None
        self.hint = ""
        self.stale = False
        self.stopped: set[str] = set()
        self.shown = Shown(self.array, summarize(self.array), {})
        self.version = self._saved_version = 0
        self._edit: Edit | None = None
        self._other_array = False
        self.undo_stack.indexChanged.connect(self._on_undo_index)
        background.offered.connect(self._on_offered)

    # What the document holds

    @property
    def active(self) -> Entry | None:
        """The active scheme: its stages fill the table and the Steps pane."""
        return self.entry(self.active_uid)

    def entry(self, uid: int | None) -> Entry | None:
        """The entry of that uid, or None; that of a device's codes stands for them."""
        if uid == DEVICE and self.device is not None and self.pair is not None:
            first = self.entry(self.pair[0])
            return None if first is None else self.device.entry(first.scheme)
        return next((e for e in self.entries if e.uid == uid), None)

    def outcome(self, uid: int | None) -> Outcome | None:
        """What a scheme makes of the shown array; None when not (yet) computed."""
        return None if uid is None else self.shown.outcomes.get(uid)

    @property
    def active_evaluation(self) -> Evaluation | None:
        """The active scheme's evaluation, when there is one."""
        outcome = self.outcome(self.active_uid)
        return outcome if isinstance(outcome, Evaluation) else None

    @property
    def modified(self) -> bool:
        """Whether the array differs from what was opened or saved."""
        return self.version != self._saved_version

    # Changes that start a new document, which undo does not reach

    def start(
        self,
        array: FloatArray,
        title: str,
        path: Path | None = None,
        schemes: Sequence[Scheme] | None = None,
        hint: str = "",
    ) -> None:
        """Begin a new document with an array and, unless None, other schemes.

        The array is the session's from now on: edits may change it in place.
        """
        self.undo_stack.clear()
        self._take(array)
        self.version = self._saved_version = next_version()
        self.title, self.path, self.hint = title, path, hint
        if schemes is not None:
            self.entries = entries_for(schemes)
            self.active_uid = self.entries[0].uid if self.entries else None
            self.entries_changed.emit()
            self.active_changed.emit()
        self.chosen = 0 if array.size else None
        self._focused = None
        self.take_device(None)
        self.array_reset.emit()
        self.chosen_changed.emit()
        self.document_changed.emit()
        self.recompute()

    def mark_saved(self, path: Path) -> None:
        """Remember that the array as it is now lies in a file."""
        self.path, self.title = path, path.name
        self._saved_version = self.version
        self.document_changed.emit()

    # Changes made by commands

    def set_array(self, array: FloatArray, start: int, stop: int, version: int) -> None:
        """Replace the array by one that differs in ``[start, stop)``, or in shape.

        ``version`` names this state of the values: undo brings the old name back, which tells
        that nothing is unsaved.
        """
        self.edited.emit()
        same_shape = array.shape == self.array.shape
        self._take(array)
        self.version = version
        if same_shape:
            self.values_changed.emit(start, stop)
        else:
            if self.chosen is None and array.size:
                self.chosen = 0
            elif self.chosen is not None and self.chosen >= array.size:
                self.chosen = array.size - 1 if array.size else None
            self.take_device(None)
            self.array_reset.emit()
            self.chosen_changed.emit()
        self.document_changed.emit()
        self.recompute()

    def put(self, where: IntArray, values: FloatArray, version: int) -> None:
        """Overwrite the values at flat positions; the shape stays.

        ``version`` as for ``set_array``.
        """
        self.edited.emit()
        old = self.array.reshape(-1)[where]
        if self.array.size <= COPIED or self._owned is None:
            self._owned = self.array.copy()
        self._owned.reshape(-1)[where] = values
        # A new object each time: whatever was computed of the old one is known to be of that.
        self.array = frozen(self._owned)
        self.version = version
        each, first = np.unique(where, return_index=True)
        self._edit = Edit(each, old[first]).after(self._edit)
        self.values_changed.emit(int(where.min()), int(where.max()) + 1)
        self.document_changed.emit()
        self.recompute()

    def _take(self, array: FloatArray) -> None:
        """Make an array that has nothing to do with the one shown the document's own."""
        self._owned = array if array.flags.writeable and array.flags.c_contiguous else None
        self.array = frozen(array)
        self._edit, self._other_array = None, True

    def set_entries(self, entries: tuple[Entry, ...], active_uid: int | None) -> None:
        """Replace the list of schemes and say which one is active."""
        self.edited.emit()
        if not any(e.uid == active_uid for e in entries):
            active_uid = entries[0].uid if entries else None
        moved = active_uid != self.active_uid
        self.entries, self.active_uid = entries, active_uid
        self.entries_changed.emit()
        if moved:
            self.active_changed.emit()
        self.recompute()

    # Changes of what is looked at, which undo does not need to reach

    def activate(self, uid: int) -> None:
        """Make a scheme the active one."""
        if uid != self.active_uid and self.entry(uid) is not None:
            self.active_uid = uid
            self.active_changed.emit()
            self.recompute()

    def choose(self, index: int | None) -> None:
        """Choose the value at a flat position."""
        if index is not None and not 0 <= index < self.array.size:
            return
        if index != self.chosen:
            self.chosen = index
            self.chosen_changed.emit()

    @property
    def partition(self) -> Granularity:
        """The channels to look at: those of the active scheme, else those of the first axis."""
        entry = self.active
        if entry is not None and not entry.scheme.granularity.whole:
            return entry.scheme.granularity
        return natural_granularity(self.shown.array.shape)

    @property
    def focus(self) -> Focus | None:
        """The channel that plots show alone; None where they show all values."""
        array = self.shown.array
        if self._focused is None:
            return None
        if self._focus_of is not array:
            self._focus, self._focus_of = focus_on_channel(array, *self._focused), array
        return self._focus

    def focus_on(self, channel: int | None) -> None:
        """Show one channel of the partition alone, or all values again."""
        wanted = None if channel is None else (self.partition, channel)
        if wanted == self._focused:
            return
        self._focused = wanted
        self._focus_of = None
        focus = self.focus
        if focus is not None and self.chosen not in focus.positions and focus.positions.size:
            self.choose(int(focus.positions[0]))
        self.focus_changed.emit()

    def compare_pair(self, pair: tuple[int, int] | None) -> None:
        """Choose the two schemes to compare, by their uids; None for none."""
        if pair != self.pair:
            self.pair = pair
            self.pair_changed.emit()
            if self._watchers and pair is not None:
                self.recompute()

    def take_device(self, device: DeviceCodes | None) -> None:
        """Take the codes that a device has computed of this array; None drops them."""
        if device is not self.device:
            self.device = device
            self.device_changed.emit()
            if device is not None and self._watchers and self.pair is not None:
                self.recompute()

    @property
    def comparison(self) -> Comparison | DeviceComparison | None:
        """Where the chosen pair differs, and why; None while it is not known."""
        if self.pair is None:
            return None
        device = self.device if self.pair[1] == DEVICE else None
        uids = self.pair if device is None else self.pair[:1]
        entries = [self.entry(uid) for uid in uids]
        return self.shown.compared([e.scheme for e in entries if e is not None], device)

    def watch_pair(self, who: str, watching: bool) -> None:
        """Say whether a view of the comparison is looked at: nothing else makes it computed."""
        before = bool(self._watchers)
        (self._watchers.add if watching else self._watchers.discard)(who)
        if self._watchers and not before and self.pair is not None:
            self.recompute()

    # What follows from the document

    def recompute(self) -> None:
        """Bring ``shown`` up to date: at once when small, else off the GUI thread."""
        array = self.array
        pair = self.pair if self._watchers else None
        if pair is not None and (None in map(self.entry, pair) or pair[0] == pair[1]):
            pair = None
        shown_uids = {self.active_uid, *(pair or ())}
        wanted = {e.uid: e.scheme for e in self.entries if e.enabled or e.uid in shown_uids}
        device = self.device if pair is not None and pair[1] == DEVICE else None
        job = Update(array, wanted, self.shown, self._edit, not self._other_array, pair, device)
        live = array.size <= LIVE_LIMIT or job.ready
        shown = job(None) if live else job.quick()
        if shown is not None:
            self.background.cancel(EVALUATE)
            self._show(shown)
        else:
            self.background.start(EVALUATE, job, self._show, self._failed)
            self._set_stale(True)

    def _show(self, shown: Shown) -> None:
        self.shown = shown
        self._edit, self._other_array = None, False
        self._set_stale(False)
        self.evaluated.emit()

    def _on_offered(self, ticket: Ticket, shown: object) -> None:
        """Show a long array before its schemes have been applied."""
        if ticket.kind == EVALUATE and self.background.current(ticket):
            assert isinstance(shown, Shown)
            self.shown = shown
            self._edit, self._other_array = None, False
            self.evaluated.emit()

    def _failed(self, error: Exception) -> None:
        raise error

    def _set_stale(self, stale: bool) -> None:
        if stale != self.stale:
            self.stale = stale
            self.stale_changed.emit()

    def set_stopped(self, view: str, stopped: bool) -> None:
        """Say whether a view lacks what a person has stopped from being computed."""
        if (view in self.stopped) != stopped:
            (self.stopped.add if stopped else self.stopped.discard)(view)
            self.stale_changed.emit()

    def _on_undo_index(self) -> None:
        self.document_changed.emit()
