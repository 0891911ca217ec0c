"""View state beside undo: chosen value, channel in focus, compared pair."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from quantoscope.engine import Comparison, Granularity
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.gui.document.document import Document
from quantoscope.gui.document.evaluator import Evaluator
from quantoscope.gui.document.snapshot import DEVICE, Entry, Focus, focus_on, partition_of


class ViewState(QObject):
    """Chosen value, channel in focus, compared pair, and stopped views."""

    pair: tuple[int, int] | None = None
    """The uids of the two schemes to compare."""
    stopped: set[str]
    """The views that lack what a person has stopped from being computed."""
    chosen_changed = Signal()
    """Another value is chosen, or the chosen one is to be brought into view."""
    focus_changed = Signal()
    """The channel that plots show alone, or that they show all values again."""
    pair_changed = Signal()
    """Other schemes are compared."""
    stopped_changed = Signal()

    def __init__(
        self, document: Document, evaluator: Evaluator, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._document = document
        self._evaluator = evaluator
        self._tensor, self._axes = document.current, document.current.axes
        self._focused: tuple[Granularity, int] | None = None
        self._focus: Focus | None = None
        self._focus_of: FloatArray | None = None
        self._watchers: set[str] = set()
        self.stopped = set()
        document.array_reset.connect(self._on_array_reset)
        document.array_settled.connect(self.chosen_changed)
        document.values_revisited.connect(self._look_at)

    def _on_array_reset(self) -> None:
        tensor = self._document.current
        if tensor is not self._tensor or tensor.axes != self._axes:
            self._focused = None
        self._axes = tensor.axes
        if tensor is not self._tensor:
            self._tensor = tensor
        elif tensor.chosen is None or tensor.chosen >= tensor.array.size:
            last = tensor.array.size - 1
            tensor.chosen = min(tensor.chosen or 0, last) if last >= 0 else None

    # The chosen value

    @property
    def chosen(self) -> int | None:
        """Flat position of the chosen value, which each tensor remembers."""
        return self._document.current.chosen

    def choose(self, index: int | None) -> None:
        """Choose the value at a flat position."""
        if index is not None and not 0 <= index < self._document.array.size:
            return
        if index != self.chosen:
            self._document.current.chosen = index
            self.chosen_changed.emit()

    def _look_at(self, where: IntArray) -> None:
        """Scroll to one of some values, the chosen one if it is among them.

        Those beyond the end of the array stand for its last value. The channel that plots show
        alone gives way to theirs.
        """
        where, size = self._turn_focus(where), self._document.array.size
        inside = where[where < size]
        if not inside.size:
            inside = np.arange(size)[-1:]
        if inside.size and self.chosen not in inside:
            self._document.current.chosen = int(inside[0])
        # Told even where it is the one that is chosen: that may have been scrolled out of sight.
        self.chosen_changed.emit()

    # One channel

    @property
    def partition(self) -> Granularity:
        """Channels: those of the active scheme, else those of the first axis."""
        snapshot = self._evaluator.snapshot
        return partition_of(self._document.active, snapshot.array.shape, snapshot.role)

    @property
    def focus(self) -> Focus | None:
        """The channel in focus; None if plots show all values."""
        array = self._evaluator.snapshot.array
        if self._focused is None:
            return None
        if self._focus_of is not array:
            self._focus, self._focus_of = focus_on(array, *self._focused), array
        return self._focus

    def focus_on(self, channel: int | None) -> None:
        """Focus one channel, or none."""
        wanted = None if channel is None else (self.partition, channel)
        if wanted == self._focused:
            return
        self._focused = wanted
        self._focus_of = None
        focus = self.focus
        if focus is not None and self.chosen not in focus.positions and focus.positions.size:
            self.choose(int(focus.positions[0]))
        self.focus_changed.emit()

    def _turn_focus(self, where: IntArray) -> IntArray:
        """Put a channel of the values in focus, if any is; return those values that are in it."""
        focus = self.focus
        if focus is not None and where.size and not np.isin(where, focus.positions).any():
            granularity, shape = focus.granularity, self._document.array.shape
            channel = int(granularity.of(where[:1], shape)[0])
            self._focused, self._focus_of = (granularity, channel), None
            focus = self.focus
            self.focus_changed.emit()
        if focus is not None and np.isin(where, focus.positions).any():
            return where[np.isin(where, focus.positions)]
        return where

    # The compared pair

    def compare_pair(self, pair: tuple[int, int] | None) -> None:
        """Set the two schemes to compare, by uid; None for none."""
        if pair != self.pair:
            self.pair = pair
            self.pair_changed.emit()
            self._follow_pair()

    def watch_pair(self, who: str, watching: bool) -> None:
        """Set whether a view of the comparison is visible: otherwise it is not computed."""
        (self._watchers.add if watching else self._watchers.discard)(who)
        self._follow_pair()

    def _follow_pair(self) -> None:
        self._evaluator.compare(self.pair if self._watchers else None)

    def compared_entry(self, uid: int | None) -> Entry | None:
        """Return the entry of one of the pair; a device's codes have one too."""
        device = self._document.device
        if uid == DEVICE and device is not None and self.pair is not None:
            first = self._document.entry(self.pair[0])
            return None if first is None else device.entry(first.scheme)
        return self._document.entry(uid)

    @property
    def comparison(self) -> Comparison | None:
        """Comparison of the pair; None while unknown."""
        if self.pair is None:
            return None
        device = self._document.device if self.pair[1] == DEVICE else None
        uids = self.pair if device is None else self.pair[:1]
        entries = [self.compared_entry(uid) for uid in uids]
        schemes = [entry.scheme for entry in entries if entry is not None]
        return self._evaluator.snapshot.compared(schemes, device)

    # What a person has stopped

    def set_stopped(self, view: str, stopped: bool) -> None:
        """Set whether the user has stopped the computation of a view."""
        if (view in self.stopped) != stopped:
            (self.stopped.add if stopped else self.stopped.discard)(view)
            self.stopped_changed.emit()
