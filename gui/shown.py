"""What the document shows: its entries, and what their schemes make of the array."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from PySide6.QtCore import QElapsedTimer

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
from gui.background import Ticket
from gui.theme import COLOURS, LINE_STYLES, MARKERS

_uids = itertools.count(1)


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


@dataclass(frozen=True)
class Update:
    """Everything one update computes; runs on any thread, since all it holds is immutable.

    Attributes
    ----------
    array : ndarray
    wanted : dict of int to Scheme
        By the uid of the entry.
    kept : dict of int to (Evaluation, Attribution or None)
        What is known already.
    summary : Summary or None
        Of the array, where it is known.
    pair : tuple of int or None
        The uids of two schemes to compare.
    comparison : Comparison or None
        Theirs, where it is known.
    """

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
                    step = None if ticket is None else ticket.part(done, total)
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


def focus_on(array: FloatArray, granularity: Granularity, channel: int) -> Focus | None:
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
