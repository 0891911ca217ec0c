"""Snapshots: an array with its entries and evaluations, computed together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from PySide6.QtCore import QCoreApplication, QElapsedTimer

from quantoscope.engine import (
    Comparison,
    Evaluation,
    Granularity,
    QuantizationError,
    Scheme,
    Summary,
    summarize,
)
from quantoscope.engine.analysis.channel_figures import natural_granularity
from quantoscope.engine.analysis.comparison import compare_evaluations
from quantoscope.engine.analysis.device_codes import compare_codes
from quantoscope.engine.analysis.outliers import Attribution, attribution
from quantoscope.engine.analysis.summary import summary_revised
from quantoscope.engine.analysis.verdict import Verdict, verdict
from quantoscope.engine.evaluation.evaluator import evaluate_known, revise
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import Pyramid, pyramid_of, pyramid_revised
from quantoscope.engine.numerics.kernels import Extremes
from quantoscope.engine.numerics.roles import Role
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.theme import COLOURS, LINE_STYLES, MARKERS
from quantoscope.gui.workers.background import Ticket

LONG = 1 << 16
"""Minimum number of values for which a pyramid is kept for drawing."""
QUICK, FEW = 1 << 21, 64
"""Up to so many values, an edit of so few of them is shown in the same event, if it can be."""
HUGE = 1 << 23
"""Minimum number of values of an array shown before its schemes are applied."""
DEVICE = 0
"""Uid of a device's codes in a compared pair; those of entries are larger."""
_uids = itertools.count(1)


@dataclass(frozen=True)
class Entry:
    """An entry of the scheme list: a scheme and its style."""

    scheme: Scheme
    uid: int = field(default_factory=lambda: next(_uids))
    """Identifier that survives changes of the scheme."""
    label: str = ""
    """The user's name; empty for the scheme's text."""
    colour: int = 0
    line: int = 0
    marker: int = 0
    """Indices in the theme's lists."""
    enabled: bool = True
    """Whether plots and results include it."""

    @cached_property
    def name(self) -> str:
        """Name in lists, legends and exports."""
        return self.label or str(self.scheme)


Outcome = Evaluation | QuantizationError


@dataclass(frozen=True, eq=False)
class DeviceCodes:
    """Codes computed by a device, with their file."""

    name: str
    codes: IntArray

    def entry(self, scheme: Scheme) -> Entry:
        """Return an entry that represents them in a comparison."""
        return Entry(scheme, DEVICE, label=self.label, enabled=False)

    @property
    def label(self) -> str:
        """Name in lists and legends."""
        return filled(QCoreApplication.translate("DeviceCodes", "codes of %1"), self.name)


@dataclass(frozen=True)
class Snapshot:
    """An array of any shape with its evaluations, for panes, plots and exports."""

    array: FloatArray
    summary: Summary
    outcomes: dict[int, Outcome]
    """By the uid of the entry."""
    entries: tuple[Entry, ...] = ()
    """List of schemes at that time."""
    active_uid: int | None = None
    """The active scheme among them."""
    milliseconds: float = 0.0
    """Duration of the evaluation."""
    attributions: dict[int, Attribution] = field(default_factory=dict)
    """Which few values set the scale, where few do; by the uid of the entry."""
    verdict: Verdict | None = None
    """On the enabled schemes, by uid; None if none is evaluated."""
    comparison: Comparison | None = None
    """Where two schemes differ, and why; None unless a pair is compared."""
    pyramid: Pyramid | None = None
    """Of the array, where it is long."""
    device: DeviceCodes | None = None
    role: Role | None = None
    """What ``out`` and ``in`` of the schemes mean."""

    @property
    def results(self) -> list[tuple[Entry, Outcome]]:
        """Enabled schemes with their results."""
        return [
            (entry, self.outcomes[entry.uid])
            for entry in self.entries
            if entry.enabled and entry.uid in self.outcomes
        ]

    @property
    def active(self) -> Evaluation | None:
        """Evaluation of the active scheme."""
        outcome = None if self.active_uid is None else self.outcomes.get(self.active_uid)
        return outcome if isinstance(outcome, Evaluation) else None

    @property
    def evaluations(self) -> list[tuple[str, Evaluation]]:
        """The active scheme's evaluation, then the other enabled ones, with unique names."""
        found = [self.active] if self.active is not None else []
        found += [
            outcome
            for entry, outcome in self.results
            if entry.uid != self.active_uid and isinstance(outcome, Evaluation)
        ]
        named: list[tuple[str, Evaluation]] = []
        for one in found:
            same = sum(other.scheme == one.scheme for _, other in named)
            named.append((f"{one.scheme} ({same + 1})" if same else str(one.scheme), one))
        return named

    def compared(
        self, schemes: Sequence[Scheme | None], device: DeviceCodes | None
    ) -> Comparison | None:
        """Return the comparison if it is that of two schemes, or of one with a device."""
        made = self.comparison
        if made is None or self.device is not device:
            return None
        of = [made.first.scheme, made.second.scheme]
        return made if list(schemes) == (of if device is None else of[:1]) else None


@dataclass(frozen=True, eq=False)
class Edit:
    """Changes since a snapshot."""

    where: IntArray
    """Flat positions, each once."""
    old: FloatArray
    """Old values."""

    def after(self, earlier: Edit | None) -> Edit:
        """Combine an earlier edit with this one."""
        if earlier is None:
            return self
        where = np.concatenate([earlier.where, self.where])
        # The first of equal positions is the earlier edit's, which knows what was there at first.
        known, first = np.unique(where, return_index=True)
        return Edit(known, np.concatenate([earlier.old, self.old])[first])


@dataclass(frozen=True, eq=False)
class Focus:
    """A channel or group in focus, to which plots are restricted."""

    granularity: Granularity
    """Granularity that defines channels."""
    channel: int
    positions: IntArray
    """Flat positions of the channel's values."""
    values: FloatArray
    summary: Summary

    @property
    def name(self) -> str:
        """Name of the channel."""
        return self.granularity.name(self.channel)


@dataclass(frozen=True)
class EvaluationJob:
    """Computes a snapshot on any thread from immutable data."""

    array: FloatArray
    entries: tuple[Entry, ...]
    """Those switched on are evaluated, and whichever else is looked at."""
    active_uid: int | None
    """The active scheme among them."""
    before: Snapshot
    """What is known already, of this array or of one that an edit made this one of."""
    edit: Edit | None = None
    """That edit; None if ``before`` is of this very array."""
    known: bool = True
    """Whether ``before`` is of any use here."""
    pair: tuple[int, int] | None = None
    """The uids of two schemes to compare."""
    device: DeviceCodes | None = None
    """What the first of the pair is compared with, in the place of the second."""
    role: Role | None = None
    """What ``out`` and ``in`` of the schemes mean."""

    @cached_property
    def wanted(self) -> dict[int, Scheme]:
        """Schemes to evaluate, by uid."""
        looked_at = {self.active_uid, *(self.pair or ())}
        return {e.uid: e.scheme for e in self.entries if e.enabled or e.uid in looked_at}

    def __call__(self, ticket: Ticket | None) -> Snapshot:
        timer = QElapsedTimer()
        timer.start()
        total = 1 + len(self.wanted)
        outcomes: dict[int, Outcome] = {}
        attributions: dict[int, Attribution] = {}
        if ticket is not None and not self.known and self.array.size > HUGE:
            # Its curve at once; the histogram and the schemes take their time.
            pyramid: Pyramid | None = pyramid_of(self.array)
            ticket.offer(self._snapshot(summarize(self.array, 0), {}, pyramid))
            summary = summarize(self.array)
        else:
            pyramid, summary = self._measured()
        known = summary.extremes
        for done, (uid, scheme) in enumerate(self.wanted.items(), 1):
            if ticket is not None:
                ticket.step(done, total)
            try:
                evaluation = self._kept(uid, known)
                if evaluation is None:
                    step = None if ticket is None else ticket.part(done, total)
                    evaluation = evaluate_known(
                        self.array, scheme, known, step, pyramid, role=self.role
                    )
                outcomes[uid] = evaluation
                cause = self.before.attributions.get(uid)
                if evaluation is not self.before.outcomes.get(uid):
                    cause = attribution(self.array, evaluation, pyramid)
                if cause is not None:
                    attributions[uid] = cause
            except QuantizationError as error:
                outcomes[uid] = error
        comparison = self.comparison or self._compared(outcomes, ticket)
        judged = self._verdict(outcomes, attributions)
        took = timer.nsecsElapsed() / 1e6
        return replace(
            self._snapshot(summary, outcomes, pyramid),
            milliseconds=took,
            attributions=attributions,
            verdict=judged,
            comparison=comparison,
            device=self.device,
        )

    def _snapshot(
        self, summary: Summary, outcomes: dict[int, Outcome], pyramid: Pyramid | None
    ) -> Snapshot:
        array, entries, active = self.array, self.entries, self.active_uid
        return Snapshot(array, summary, outcomes, entries, active, pyramid=pyramid, role=self.role)

    def quick(self) -> Snapshot | None:
        """Return the snapshot after a small edit that leaves all ranges unchanged, if that is fast.

        None where it would: on another thread everything is computed as usual.
        """
        before, edit, array = self.before, self.edit, self.array
        if edit is None or not self.known or before.pyramid is None or self.pair is not None:
            return None
        if array.size > QUICK or edit.where.size > FEW or before.attributions:
            return None
        timer = QElapsedTimer()
        timer.start()
        pyramid = pyramid_revised(before.pyramid, array, edit.where)
        known = _extremes(pyramid, before.summary, array, edit.where)
        summary = summary_revised(before.summary, array, edit.where, edit.old, known)
        if summary is None:
            return None
        outcomes: dict[int, Outcome] = {}
        attributions: dict[int, Attribution] = {}
        for uid in self.wanted:
            evaluation = self._kept(uid, known)
            if evaluation is None:
                return None
            outcomes[uid] = evaluation
            cause = attribution(array, evaluation, pyramid)
            if cause is not None:
                attributions[uid] = cause
        judged = self._verdict(outcomes, attributions)
        took = timer.nsecsElapsed() / 1e6
        made = self._snapshot(summary, outcomes, pyramid)
        return replace(made, milliseconds=took, attributions=attributions, verdict=judged)

    def _verdict(
        self, outcomes: dict[int, Outcome], attributions: dict[int, Attribution]
    ) -> Verdict | None:
        """Return the verdict on the enabled schemes; the one before if nothing has changed."""
        made = {
            entry.uid: outcome
            for entry in self.entries
            if entry.enabled and isinstance(outcome := outcomes.get(entry.uid), Evaluation)
        }
        before = self.before.verdict
        same = all(one is self.before.outcomes.get(uid) for uid, one in made.items())
        if same and before is not None and list(before.standings) == list(made):
            return before
        return verdict(made, [attributions[uid] for uid in made if uid in attributions])

    @property
    def ready(self) -> bool:
        """Whether nothing has to be computed."""
        return (
            self.known
            and self.edit is None
            and all(self.kept(uid) is not None for uid in self.wanted)
            and (self.pair is None or self.comparison is not None)
        )

    @property
    def comparison(self) -> Comparison | None:
        """Return the requested comparison, if known."""
        if self.pair is None or not self.known or self.edit is not None:
            return None
        uids = self.pair if self.device is None else self.pair[:1]
        return self.before.compared([self.wanted.get(uid) for uid in uids], self.device)

    def kept(self, uid: int) -> Evaluation | None:
        """Return a known evaluation of a scheme, before the edit."""
        outcome = self.before.outcomes.get(uid)
        if not self.known or not isinstance(outcome, Evaluation):
            return None
        same = outcome.scheme == self.wanted[uid] and outcome.role == self.role
        return outcome if same else None

    def _kept(self, uid: int, known: Extremes) -> Evaluation | None:
        """Return a known evaluation with the edit applied; None if it has to be recomputed."""
        evaluation, edit = self.kept(uid), self.edit
        if evaluation is None or edit is None:
            return evaluation
        return revise(self.array, evaluation, edit.where, edit.old, known)

    def _measured(self) -> tuple[Pyramid | None, Summary]:
        """Return the pyramid of a long array, and the summary."""
        before, edit, array = self.before, self.edit, self.array
        if self.known and edit is None and before.summary.counts.size:
            return before.pyramid, before.summary
        if not self.known or edit is None or before.pyramid is None:
            pyramid = pyramid_of(array) if array.size > LONG else None
            return pyramid, summarize(array)
        pyramid = pyramid_revised(before.pyramid, array, edit.where)
        known = _extremes(pyramid, before.summary, array, edit.where)
        summary = summary_revised(before.summary, array, edit.where, edit.old, known)
        return pyramid, summarize(array) if summary is None else summary

    def _compared(self, outcomes: dict[int, Outcome], ticket: Ticket | None) -> Comparison | None:
        """Return the comparison of the pair, if both schemes can be applied."""
        if self.pair is None:
            return None
        first, second = (outcomes.get(uid) for uid in self.pair)
        if self.device is not None and isinstance(first, Evaluation):
            check = None if ticket is None else ticket.check
            try:
                return compare_codes(self.array, first, self.device.codes, progress=check)
            except QuantizationError:
                return None  # The pane says why.
        if not (isinstance(first, Evaluation) and isinstance(second, Evaluation)):
            return None
        step = None if ticket is None else ticket.check
        return compare_evaluations(self.array, first, second, step)


def _extremes(pyramid: Pyramid, before: Summary, array: FloatArray, where: IntArray) -> Extremes:
    """Return the extremes of the finite values after an edit."""
    kind = array.dtype.type
    low, high = kind(np.fmin.reduce(pyramid.low)), kind(np.fmax.reduce(pyramid.high))
    # "Not all" stays true where the last of the others goes, at the cost of a check.
    finite = before.extremes.finite and bool(np.isfinite(array.reshape(-1)[where]).all())
    return Extremes(low, high, finite)


def partition_of(entry: Entry | None, shape: tuple[int, ...], role: Role | None) -> Granularity:
    """Return the channels to look at: those of a scheme, else those of the outputs."""
    if entry is not None and not entry.scheme.granularity.whole:
        granularity = entry.scheme.granularity
        with suppress(QuantizationError):  # The pane of schemes says why.
            granularity = granularity.concrete(shape, role)
        return granularity
    return natural_granularity(shape, role)


def focus_on(array: FloatArray, granularity: Granularity, channel: int) -> Focus | None:
    """Return the focus on a channel; None if the array has no such channel."""
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
    """Return a read-only, C-ordered view, as snapshots require."""
    view = np.ascontiguousarray(array).view()
    if array.ndim == 0:
        view = view.reshape(1)
    view.flags.writeable = False
    return view


def entries_for(schemes: Sequence[Scheme]) -> tuple[Entry, ...]:
    """Return entries for schemes with distinct colours, lines and markers."""
    entries: tuple[Entry, ...] = ()
    for scheme in schemes:
        entries = (*entries, styled(Entry(scheme), entries))
    return entries


def styled(entry: Entry, others: Sequence[Entry]) -> Entry:
    """Return the entry with the least used colour, line and marker."""

    def rarest(used: list[int], count: int) -> int:
        return min(range(count), key=lambda place: (used.count(place), place))

    return replace(
        entry,
        colour=rarest([e.colour for e in others], len(COLOURS)),
        line=rarest([e.line for e in others], len(LINE_STYLES)),
        marker=rarest([e.marker for e in others], len(MARKERS)),
    )
