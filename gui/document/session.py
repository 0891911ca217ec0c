"""The document together with what follows from it: what every scheme makes of the array."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from quantoscope.engine import Comparison, Evaluation, Granularity, summarize
from quantoscope.engine.analysis.channel_figures import natural_granularity
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.snapshot import (
    DEVICE,
    DeviceCodes,
    Entry,
    EvaluationJob,
    Focus,
    Outcome,
    Snapshot,
)
from quantoscope.gui.document.snapshot import focus_on as focus_on_channel
from quantoscope.gui.document.tensors import Tensor
from quantoscope.gui.workers.background import Background, Ticket
from quantoscope.gui.workers.paint_queue import PaintQueue

LIVE_LIMIT = 50_000
"""Up to so many values everything follows an edit within the same event."""
EVALUATE = "evaluate"


class Session(Document):
    """A document that is evaluated whenever it changes.

    Signals
    -------
    focus_changed()
        The channel that plots show alone, or that they show all values again.
    pair_changed()
        Other schemes are compared.
    device_changed()
        There are other codes of a device, or none any more.
    evaluated()
        ``snapshot`` is new: redraw.
    stale_changed()
        Whether what is shown is up to date.
    """

    focus_changed = Signal()
    pair_changed = Signal()
    device_changed = Signal()
    evaluated = Signal()
    stale_changed = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.background = background
        self.paint_queue = PaintQueue(self)
        self.pair: tuple[int, int] | None = None
        self._watchers: set[str] = set()
        self._focused: tuple[Granularity, int] | None = None
        self._focus: Focus | None = None
        self._focus_of: FloatArray | None = None
        self.stale = False
        self.stopped: set[str] = set()
        self.snapshot = Snapshot(self.array, summarize(self.array), {})
        background.offered.connect(self._on_offered)

    def _turn_to(self, tensor: Tensor) -> None:
        self._focused = None
        super()._turn_to(tensor)

    def _tell_of_reset(self) -> None:
        super()._tell_of_reset()
        # Codes belong to a tensor of a shape: with another one come others, or none.
        self.device_changed.emit()

    def entry(self, uid: int | None) -> Entry | None:
        """The entry of that uid, or None; that of a device's codes stands for them."""
        if uid == DEVICE and self.device is not None and self.pair is not None:
            first = self.entry(self.pair[0])
            return None if first is None else self.device.entry(first.scheme)
        return super().entry(uid)

    def outcome(self, uid: int | None) -> Outcome | None:
        """What a scheme makes of the shown array; None when not (yet) computed."""
        return None if uid is None else self.snapshot.outcomes.get(uid)

    @property
    def active_evaluation(self) -> Evaluation | None:
        """The active scheme's evaluation, when there is one."""
        outcome = self.outcome(self.active_uid)
        return outcome if isinstance(outcome, Evaluation) else None

    @property
    def partition(self) -> Granularity:
        """The channels to look at: those of the active scheme, else those of the first axis."""
        entry = self.active
        if entry is not None and not entry.scheme.granularity.whole:
            return entry.scheme.granularity
        return natural_granularity(self.snapshot.array.shape)

    @property
    def focus(self) -> Focus | None:
        """The channel that plots show alone; None where they show all values."""
        array = self.snapshot.array
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

    def look_at(self, where: IntArray) -> None:
        """Bring values into view; the channel that plots show alone gives way to theirs."""
        focus = self.focus
        if focus is not None and where.size and not np.isin(where, focus.positions).any():
            granularity, shape = focus.granularity, self.array.shape
            channel = int(granularity.of(where[:1], shape)[0])
            self._focused, self._focus_of = (granularity, channel), None
            focus = self.focus
            self.focus_changed.emit()
        if focus is not None and np.isin(where, focus.positions).any():
            where = where[np.isin(where, focus.positions)]
        super().look_at(where)

    def compare_pair(self, pair: tuple[int, int] | None) -> None:
        """Choose the two schemes to compare, by their uids; None for none."""
        if pair != self.pair:
            self.pair = pair
            self.pair_changed.emit()
            if self._watchers and pair is not None:
                self.recompute()

    @property
    def device(self) -> DeviceCodes | None:
        """The codes that a device has computed of this tensor, as long as its shape is the same."""
        return self.current.device if self.current.device_shape == self.array.shape else None

    def take_device(self, device: DeviceCodes) -> None:
        """Take the codes that a device has computed of this tensor."""
        self.current.device, self.current.device_shape = device, self.array.shape
        self.device_changed.emit()
        if self._watchers and self.pair is not None:
            self.recompute()

    @property
    def comparison(self) -> Comparison | None:
        """Where the chosen pair differs, and why; None while it is not known."""
        if self.pair is None:
            return None
        device = self.device if self.pair[1] == DEVICE else None
        uids = self.pair if device is None else self.pair[:1]
        entries = [self.entry(uid) for uid in uids]
        return self.snapshot.compared([e.scheme for e in entries if e is not None], device)

    def watch_pair(self, who: str, watching: bool) -> None:
        """Say whether a view of the comparison is looked at: nothing else makes it computed."""
        before = bool(self._watchers)
        (self._watchers.add if watching else self._watchers.discard)(who)
        if self._watchers and not before and self.pair is not None:
            self.recompute()

    # What follows from the document

    def recompute(self) -> None:
        """Bring the snapshot up to date: at once when small, else off the GUI thread."""
        array = self.array
        pair = self.pair if self._watchers else None
        if pair is not None and (None in map(self.entry, pair) or pair[0] == pair[1]):
            pair = None
        device = self.device if pair is not None and pair[1] == DEVICE else None
        job = EvaluationJob(
            array,
            self.entries,
            self.active_uid,
            self.snapshot,
            self.edit,
            not self.other_array,
            pair,
            device,
        )
        live = array.size <= LIVE_LIMIT or job.ready
        snapshot = job(None) if live else job.quick()
        if snapshot is not None:
            self.background.cancel(EVALUATE)
            self._show(snapshot)
        else:
            self.background.start(EVALUATE, job, self._show, self._failed, only_reads=True)
            self._set_stale(True)

    def _show(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.edit, self.other_array = None, False
        self._set_stale(False)
        self.evaluated.emit()

    def _on_offered(self, ticket: Ticket, snapshot: object) -> None:
        """Show a long array before its schemes have been applied."""
        if ticket.kind == EVALUATE and self.background.current(ticket):
            assert isinstance(snapshot, Snapshot)
            self.snapshot = snapshot
            self.edit, self.other_array = None, False
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
