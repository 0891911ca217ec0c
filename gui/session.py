"""The document: array, schemes, active scheme, chosen value, and what follows from them.

Only the commands of ``gui.commands`` change a session, so that every change can be undone. A
view reads the session and listens to its signals; views never talk to each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, Signal
from PySide6.QtGui import QUndoStack

from engine import (
    Comparison,
    Evaluation,
    Granularity,
    QuantizationError,
    Scheme,
    Summary,
    compare,
    evaluate,
    summarize,
)
from engine.arrays import FloatArray, IntArray
from engine.attribution import Attribution, attribution
from engine.channels import natural_granularity
from gui.background import Background, Ticket
from gui.theme import COLOURS, LINE_STYLES, MARKERS

LIVE_LIMIT = 50_000
"""Up to so many values everything follows an edit within the same event."""

EVALUATE = "evaluate"
_uids = itertools.count(1)
_versions = itertools.count(1)


def next_version() -> int:
    """Return a name that no state of the values has had yet."""
    return next(_versions)


@dataclass(frozen=True)
class Entry:
    """One line of the list of schemes: a scheme and how it is shown.

    Attributes
    ----------
    scheme : Scheme
    uid : int
        Tells entries apart, whatever becomes of their scheme.
    label : str
        The user's own name for it; empty: the scheme's text.
    colour, line, marker : int
        Places in the theme's lists.
    enabled : bool
        Whether plots and results show it.
    """

    scheme: Scheme
    uid: int = field(default_factory=lambda: next(_uids))
    label: str = ""
    colour: int = 0
    line: int = 0
    marker: int = 0
    enabled: bool = True

    @property
    def name(self) -> str:
        """What lists, legends and exports call it."""
        return self.label or str(self.scheme)


Outcome = Evaluation | QuantizationError


@dataclass(frozen=True)
class Shown:
    """An array and what its schemes make of it, computed together: what panes and plots show.

    Attributes
    ----------
    array : ndarray, any shape
    summary : Summary
    outcomes : dict of int to Evaluation or QuantizationError
        By the uid of the entry.
    milliseconds : float
        How long it took.
    attributions : dict of int to Attribution
        Which few values set the scale, where few do; by the uid of the entry.
    comparison : Comparison or None
        Where two schemes differ, and why; None unless a pair is compared.
    """

    array: FloatArray
    summary: Summary
    outcomes: dict[int, Outcome]
    milliseconds: float = 0.0
    attributions: dict[int, Attribution] = field(default_factory=dict)
    comparison: Comparison | None = None


@dataclass(frozen=True, eq=False)
class Focus:
    """One channel or group, whose values the plots show alone.

    Attributes
    ----------
    granularity : Granularity
        What a channel is.
    channel : int
        Its number.
    positions : ndarray of int
        The flat positions of its values.
    values : ndarray
        The values themselves.
    summary : Summary
        What they hold.
    """

    granularity: Granularity
    channel: int
    positions: IntArray
    values: FloatArray
    summary: Summary

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{'channel' if self.granularity.kind == 'per-channel' else 'group'} {self.channel}"


class Session(QObject):
    """The state of the document, with a signal for each thing that can change.

    Signals
    -------
    values_changed(start, stop)
        Values at these flat positions changed; the shape did not.
    array_reset()
        The array has another shape or is another one.
    entries_changed(), active_changed(), chosen_changed()
        The list of schemes, the active scheme, the chosen value.
    focus_changed()
        The channel that plots show alone, or that they show all values again.
    evaluated()
        ``shown`` is new: redraw.
    document_changed()
        Name, path or unsaved state changed.
    """

    values_changed = Signal(int, int)
    array_reset = Signal()
    entries_changed = Signal()
    active_changed = Signal()
    chosen_changed = Signal()
    focus_changed = Signal()
    evaluated = Signal()
    document_changed = Signal()
    stale_changed = Signal()

    def __init__(self, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.background = background
        self.undo_stack = QUndoStack(self)
        self.array: FloatArray = frozen(np.zeros(0, np.float32))
        self.entries: tuple[Entry, ...] = ()
        self.active_uid: int | None = None
        self.chosen: int | None = None
        self.pair: tuple[int, int] | None = None
        self._watchers: set[str] = set()
        self._focused: tuple[Granularity, int] | None = None
        self._focus: Focus | None = None
        self._focus_of: FloatArray | None = None
        self.title = ""
        self.path: Path | None = None
        self.hint = ""
        self.stale = False
        self.shown = Shown(self.array, summarize(self.array), {})
        self.version = self._saved_version = 0
        self.undo_stack.indexChanged.connect(self._on_undo_index)

    # What the document holds

    @property
    def active(self) -> Entry | None:
        """The active scheme: its stages fill the table and the Steps pane."""
        return self.entry(self.active_uid)

    def entry(self, uid: int | None) -> Entry | None:
        """The entry of that uid, or None."""
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
        """Begin a new document with an array and, unless None, other schemes."""
        self.undo_stack.clear()
        self.array = frozen(array)
        self.version = self._saved_version = next_version()
        self.title, self.path, self.hint = title, path, hint
        if schemes is not None:
            self.entries = entries_for(schemes)
            self.active_uid = self.entries[0].uid if self.entries else None
            self.entries_changed.emit()
            self.active_changed.emit()
        self.chosen = 0 if array.size else None
        self._focused = None
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
        same_shape = array.shape == self.array.shape
        self.array = frozen(array)
        self.version = version
        if same_shape:
            self.values_changed.emit(start, stop)
        else:
            if self.chosen is None and array.size:
                self.chosen = 0
            elif self.chosen is not None and self.chosen >= array.size:
                self.chosen = array.size - 1 if array.size else None
            self.array_reset.emit()
            self.chosen_changed.emit()
        self.document_changed.emit()
        self.recompute()

    def set_entries(self, entries: tuple[Entry, ...], active_uid: int | None) -> None:
        """Replace the list of schemes and say which one is active."""
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
            self._focus, self._focus_of = _focus_on(array, *self._focused), array
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
            if self._watchers and pair is not None:
                self.recompute()

    @property
    def comparison(self) -> Comparison | None:
        """Where the chosen pair differs, and why; None while it is not known."""
        made = self.shown.comparison
        if made is None or self.pair is None:
            return None
        entries = [self.entry(uid) for uid in self.pair]
        schemes = [entry.scheme for entry in entries if entry is not None]
        return made if schemes == [made.first.scheme, made.second.scheme] else None

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
        known = self.shown.outcomes if self.shown.array is array else {}
        summary = self.shown.summary if self.shown.array is array else None
        kept = {
            uid: (outcome, self.shown.attributions.get(uid))
            for uid, outcome in known.items()
            if isinstance(outcome, Evaluation) and outcome.scheme == wanted.get(uid)
        }
        same = pair is not None and all(uid in kept for uid in pair)
        comparison = self.shown.comparison if same and summary is not None else None
        if comparison is not None and pair is not None:
            made_of = [comparison.first.scheme, comparison.second.scheme]
            comparison = comparison if made_of == [wanted[uid] for uid in pair] else None
        job = _Job(array, wanted, kept, summary, pair, comparison)
        ready = len(kept) == len(wanted) and (pair is None or comparison is not None)
        if array.size <= LIVE_LIMIT or (summary is not None and ready):
            self.background.cancel(EVALUATE)
            self._show(job(None))
        else:
            self._set_stale(True)
            self.background.start(EVALUATE, job, self._show, self._failed)

    def _show(self, shown: Shown) -> None:
        self.shown = shown
        self._set_stale(False)
        self.evaluated.emit()

    def _failed(self, error: Exception) -> None:
        raise error

    def _set_stale(self, stale: bool) -> None:
        if stale != self.stale:
            self.stale = stale
            self.stale_changed.emit()

    def _on_undo_index(self) -> None:
        self.document_changed.emit()


@dataclass(frozen=True)
class _Job:
    """Everything one update computes; runs on any thread, since all it holds is immutable."""

    array: FloatArray
    wanted: dict[int, Scheme]
    kept: dict[int, tuple[Evaluation, Attribution | None]]
    summary: Summary | None
    pair: tuple[int, int] | None = None
    comparison: Comparison | None = None

    def __call__(self, ticket: Ticket | None) -> Shown:
        timer = QElapsedTimer()
        timer.start()
        total = 1 + len(self.wanted)
        outcomes: dict[int, Outcome] = {}
        attributions: dict[int, Attribution] = {}
        summary = self.summary or summarize(self.array)
        for done, (uid, scheme) in enumerate(self.wanted.items(), 1):
            if ticket is not None:
                ticket.step(done, total)
            if uid in self.kept:
                outcomes[uid], cause = self.kept[uid]
            else:
                try:
                    step = None if ticket is None else ticket.check
                    outcomes[uid] = evaluation = evaluate(self.array, scheme, step=step)
                    cause = attribution(self.array, evaluation)
                except QuantizationError as error:
                    outcomes[uid], cause = error, None
            if cause is not None:
                attributions[uid] = cause
        comparison = self.comparison or self._compared(outcomes, ticket)
        took = timer.nsecsElapsed() / 1e6
        return Shown(self.array, summary, outcomes, took, attributions, comparison)

    def _compared(self, outcomes: dict[int, Outcome], ticket: Ticket | None) -> Comparison | None:
        """The comparison of the pair, where both schemes can be applied."""
        if self.pair is None:
            return None
        first, second = (outcomes.get(uid) for uid in self.pair)
        if not (isinstance(first, Evaluation) and isinstance(second, Evaluation)):
            return None
        step = None if ticket is None else ticket.check
        known = (first, second)
        return compare(self.array, first.scheme, second.scheme, step, known)


def _focus_on(array: FloatArray, granularity: Granularity, channel: int) -> Focus | None:
    """The values of a channel; None where the array has no such channel any more."""
    try:
        granularity.check(array.shape)
    except QuantizationError:
        return None
    if array.size == 0 or channel >= granularity.count(array.shape):
        return None
    positions = granularity.positions(channel, array.shape)
    values = frozen(array.reshape(-1)[positions])
    return Focus(granularity, channel, positions, values, summarize(values))


def frozen(array: FloatArray) -> FloatArray:
    """A read-only, C-ordered view: what a snapshot needs to be."""
    view = np.ascontiguousarray(array).view()
    if array.ndim == 0:
        view = view.reshape(1)
    view.flags.writeable = False
    return view


def entries_for(schemes: Sequence[Scheme]) -> tuple[Entry, ...]:
    """List entries for schemes, with colours, lines and markers that differ."""
    entries: tuple[Entry, ...] = ()
    for scheme in schemes:
        entries = (*entries, styled(Entry(scheme), entries))
    return entries


def styled(entry: Entry, others: Sequence[Entry]) -> Entry:
    """The entry with the colour, line and marker that the others use least."""

    def rarest(used: list[int], count: int) -> int:
        return min(range(count), key=lambda place: (used.count(place), place))

    return replace(
        entry,
        colour=rarest([e.colour for e in others], len(COLOURS)),
        line=rarest([e.line for e in others], len(LINE_STYLES)),
        marker=rarest([e.marker for e in others], len(MARKERS)),
    )
