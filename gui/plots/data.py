"""Immutable snapshot of plot data, for window and exports."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from PySide6.QtCore import QCoreApplication

from quantoscope.engine import (
    QUANTIZERS,
    Channels,
    Comparison,
    Evaluation,
    Granularity,
    QParams,
    Summary,
    metrics_of,
)
from quantoscope.engine.analysis.cost_curve import Objective
from quantoscope.engine.analysis.verdict import Verdict
from quantoscope.engine.calibration import MINMAX
from quantoscope.engine.evaluation.draw_envelopes import even_bound
from quantoscope.engine.evaluation.result import EvaluatedPart
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import (
    Envelope,
    Pyramid,
    finite_envelope,
    narrow,
    pyramid_of,
)
from quantoscope.engine.numerics.granularity import PER_TENSOR
from quantoscope.engine.text.number_text import position_text
from quantoscope.gui.common.localized_numbers import digits_within, short
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry, Focus, Snapshot, partition_of
from quantoscope.gui.plots.kept_figures import channel_figures, channel_values, kept_objective
from quantoscope.gui.plots.spans import finite_extremes, unit_for

KeptEnvelopes = dict[str, tuple[tuple[int, int, int], Envelope]]
"""The last envelope of each kind, with its columns and slice: ranges and views ask for it again."""
MANY_PICKED = 1024
"""Number of values picked out from which the last result is cached."""


def _kept(
    kept: KeptEnvelopes, kind: str, asked: tuple[int, int, int], made: Callable[[], Envelope]
) -> Envelope:
    """Return the last envelope of this kind if it is what is asked for, else a new one."""
    found = kept.get(kind)
    if found is None or found[0] != asked:
        # Another thread may keep another one meanwhile.
        found = kept[kind] = asked, made()
    return found[1]


@dataclass(frozen=True, eq=False)
class Series:
    """A scheme and its evaluation, for the plotted values."""

    entry: Entry
    evaluation: Evaluation
    array: FloatArray
    """All values R, of any shape."""
    positions: IntArray | None = None
    """Flat positions of the plotted values; None for all."""
    anchor: int = 0
    """Flat position whose channel represents the scheme in plots of a single channel."""
    alone: bool = False
    """Whether only that channel is plotted."""
    _last: dict[tuple[int, int], EvaluatedPart] = field(default_factory=dict, repr=False)
    _many: list[tuple[IntArray, EvaluatedPart]] = field(default_factory=list, repr=False)
    _envelopes: KeptEnvelopes = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """Number of plotted values."""
        return self.array.size if self.positions is None else self.positions.size

    def part(self, start: int, stop: int) -> EvaluatedPart:
        """Return values, codes and errors of a slice; the last result is cached."""
        part = self._last.get((start, stop))
        if part is None:
            where = slice(start, stop) if self.positions is None else self.positions[start:stop]
            part = self.evaluation.part(where)
            self._last.clear()
            self._last[start, stop] = part
        return part

    def pick(self, places: IntArray) -> EvaluatedPart:
        """Return values, codes and errors at indices among the plotted values."""
        if places.size < MANY_PICKED:
            return self._picked(places)
        # Several views show the same many.
        found = self._many[0] if self._many else None
        if found is None or not np.array_equal(found[0], places):
            found = places, self._picked(places)
            self._many[:] = [found]
        return found[1]

    def _picked(self, places: IntArray) -> EvaluatedPart:
        return self.evaluation.part(places if self.positions is None else self.positions[places])

    @cached_property
    def _curves(self) -> dict[str, Pyramid]:
        """Return the pyramids of long curves, computing those of a channel in focus."""
        if self.positions is None:
            curves = self.evaluation.curves
            found = {"reconstructed": curves.reconstructed, "error": curves.error}
            return found | ({"bound": curves.bound} if curves.bound else {})
        part = self.evaluation.part(self.positions)
        found = {kind: pyramid_of(getattr(part, kind)) for kind in ("reconstructed", "error")}
        return found | {"bound": pyramid_of(self._bounds(0, self.size))}

    def envelope(self, kind: str, columns: int, start: int, stop: int) -> Envelope:
        """Return extremes of ``reconstructed``, ``error`` or ``bound`` in a slice."""

        def values(first: int, last: int) -> np.ndarray:
            if kind == "bound":
                return self._bounds(first, last)
            return np.asarray(getattr(self.part(first, last), kind))

        def made() -> Envelope:
            if narrow(columns, start, stop):
                return finite_envelope(values(start, stop), columns, start)
            return self._curves[kind].envelope(columns, start, stop, values)

        return _kept(self._envelopes, kind, (columns, start, stop), made)

    def clipped(self, side: int, start: int, stop: int, columns: int) -> IntArray:
        """Return the positions of values clipped at a side; the worst of close neighbours."""
        if self.positions is not None or narrow(columns, start, stop):
            return start + np.flatnonzero(self.part(start, stop).saturated == side)
        at = self.evaluation.curves.clipped[side]
        left, right = np.searchsorted(at, (start, stop))
        return at[left:right]

    # The channel that represents the scheme where parameters are drawn

    @property
    def granularity(self) -> Granularity:
        """Granularity of the scheme."""
        return self.evaluation.qparams.granularity

    @cached_property
    def channel(self) -> int:
        """Channel of the anchor."""
        where = np.array([self.anchor])
        return int(self.granularity.of(where, self.evaluation.codes.shape)[0])

    @property
    def channel_name(self) -> str:
        """Name of that channel; empty if all values share parameters."""
        return "" if self.granularity.whole else self.granularity.name(self.channel)

    @property
    def name(self) -> str:
        """Name of the scheme, with its channel if it is one of several."""
        if self.alone or not self.channel_name:
            return self.entry.name
        return f"{self.entry.name}, {self.channel_name}"

    @cached_property
    def p(self) -> QParams:
        """Parameters of that channel."""
        return self.evaluation.qparams.at(self.channel)

    # Codes and levels of that channel

    @cached_property
    def codes(self) -> IntArray:
        """Every code of the scheme, in the order of the format's numbers."""
        return QUANTIZERS[self.p.mapping].codes(self.p)

    @cached_property
    def code_axis(self) -> np.ndarray:
        """Positions of the codes on an axis: the codes themselves, or their ranks."""
        return self.codes if self.p.format.integer else np.arange(self.codes.size)

    @cached_property
    def counts(self) -> IntArray:
        """Number of plotted values per code."""
        if self.positions is None:
            return self.evaluation.code_counts
        part = self.evaluation.part(self.positions)
        return self._count(part.codes, np.isnan(part.values))

    def _count(self, codes: IntArray, left_out: np.ndarray) -> IntArray:
        places = QUANTIZERS[self.p.mapping].places(codes[~left_out], self.p)
        return np.bincount(places, minlength=self.codes.size)

    @cached_property
    def _downwards(self) -> bool:
        """Whether levels descend, due to a negative scale."""
        return self.p.scale < 0

    @cached_property
    def levels(self) -> FloatArray:
        """Levels of the channel's codes, ascending."""
        levels = QUANTIZERS[self.p.mapping].levels(self.p)
        return levels[::-1] if self._downwards else levels

    @cached_property
    def level_codes(self) -> IntArray:
        """Codes of the levels."""
        return self.codes[::-1] if self._downwards else self.codes

    @cached_property
    def level_counts(self) -> IntArray:
        """Number of the channel's values per level."""
        if self.granularity.whole:
            counts = self.counts
        else:
            where = self.granularity.positions(self.channel, self.evaluation.codes.shape)
            part = self.evaluation.part(where)
            counts = self._count(part.codes, np.isnan(part.values))
        return counts[::-1] if self._downwards else counts

    @cached_property
    def level_edges(self) -> np.ndarray:
        """Midpoints between levels, and the outer edges half a gap beyond, in float64."""
        levels = self.levels.astype(np.float64)
        # Halved first only if sums would overflow: halves of the smallest numbers lose digits.
        unit = unit_for(*finite_extremes(levels))
        drawn = unit.down(levels)
        with np.errstate(invalid="ignore"):
            middles = (drawn[1:] + drawn[:-1]) / 2
            first = drawn[0] - (drawn[1] - drawn[0]) / 2
            last = drawn[-1] + (drawn[-1] - drawn[-2]) / 2
        # Several levels may be infinite.
        first, last = (
            end if np.isnan(edge) else edge for edge, end in ((first, drawn[0]), (last, drawn[-1]))
        )
        return unit.up(np.concatenate([[first], middles, [last]]))

    @cached_property
    def used_span(self) -> tuple[int, int] | None:
        """Positions of the first and last level that a value of the channel has."""
        used = np.flatnonzero(self.level_counts)
        return (int(used[0]), int(used[-1])) if used.size else None

    def label(self, code: int) -> str:
        """Return a code as text."""
        return self.p.format.label(int(code))

    # Bounds of rounding

    @property
    def even_bound(self) -> bool:
        """Whether one bound holds for all values."""
        return even_bound(self.evaluation.qparams)

    @property
    def bound(self) -> float:
        """Largest error of rounding alone in the channel."""
        quantizer = QUANTIZERS[self.p.mapping]
        reach = np.array([max(map(abs, self.p.range))])
        return float(np.max(quantizer.bound(reach, self.p)))

    def _bounds(self, start: int, stop: int) -> np.ndarray:
        """Return the bound per value of a slice, shape (stop − start,)."""
        if self.positions is None:
            return self.evaluation.bounds(start, stop)
        where, e = self.positions[start:stop], self.evaluation
        p = e.qparams.at(self.granularity.of(where, e.codes.shape))
        bound = QUANTIZERS[p.mapping].bound(e.values.reshape(-1)[where], p)
        return np.broadcast_to(np.asarray(bound, np.float64), where.shape)

    @property
    def bound_text(self) -> str:
        """The bound as a symbol."""
        if not self.p.format.integer:
            return "½ gap"
        return "S/2" if self.p.arithmetic.reach == 0.5 else "S"

    # Figures

    @cached_property
    def figures(self) -> Mapping[str, float]:
        """Metrics of the plotted values."""
        if self.positions is None:
            return self.evaluation.metrics
        return metrics_of(self.evaluation, self.positions)

    def at(self, x: float) -> tuple[str, float]:
        """Return the code of a value in the channel, as text, and its reconstructed value."""
        quantizer = QUANTIZERS[self.p.mapping]
        with np.errstate(over="ignore", under="ignore"):
            codes, _ = quantizer.encode(np.array([x], self.p.dtype), self.p)
        return self.label(int(codes[0])), float(quantizer.decode(codes, self.p)[0])


@dataclass(frozen=True, eq=False)
class PlotData:
    """All data of the plots."""

    values: FloatArray
    """R, shape (n,): all values, or those of the channel in focus."""
    summary: Summary
    """Summary of these values."""
    series: tuple[Series, ...]
    """Enabled schemes, in list order."""
    active: Series | None
    """The active scheme, enabled or not."""
    chosen: int | None
    """Index of the chosen value among the plotted values."""
    digits: int
    """Significant digits of numbers in text."""
    array: FloatArray
    """Plotted values in any shape, the same object as long as they are unchanged."""
    whole: FloatArray
    """All values, in the shape of the array."""
    awaited: bool = False
    """Whether there are values whose first evaluation is not done."""
    failure: str = ""
    """Why the active scheme has no evaluation; empty if it has one, or none is active."""
    focus: Focus | None = None
    """The channel in focus, if only its values are plotted."""
    partition: Granularity = PER_TENSOR
    """Granularity that defines channels."""
    comparison: Comparison | None = None
    """Comparison of two schemes."""
    pair: tuple[Entry, ...] = ()
    """The two compared schemes; empty if there are none."""
    pyramid: Pyramid | None = None
    """Pyramid of the values, if known."""
    verdict: Verdict | None = None
    """On the enabled schemes, by uid, for all values."""
    _envelopes: KeptEnvelopes = field(default_factory=dict, repr=False)

    @cached_property
    def _pyramid(self) -> Pyramid:
        return self.pyramid if self.pyramid is not None else pyramid_of(self.values)

    def envelope(self, columns: int, start: int, stop: int) -> Envelope:
        """Return extremes of R in a slice."""

        def values(first: int, last: int) -> np.ndarray:
            return self.values[first:last]

        def made() -> Envelope:
            if narrow(columns, start, stop):
                return finite_envelope(values(start, stop), columns, start)
            return self._pyramid.envelope(columns, start, stop, values)

        return _kept(self._envelopes, "R", (columns, start, stop), made)

    def flat(self, place: int) -> int:
        """Return the flat position in the array of a plotted value."""
        return place if self.focus is None else int(self.focus.positions[place])

    @cached_property
    def layers(self) -> Mapping[Hashable, float]:
        """Order of schemes on top of each other, from 0 to below 1, by uid."""
        uids = [one.entry.uid for one in self.series]
        active = None if self.active is None else self.active.entry.uid
        uids.sort(key=lambda uid: uid == active)
        return {uid: rank / (len(uids) + 1) for rank, uid in enumerate(uids)}

    def position_name(self, place: int) -> str:
        """Return the position of a plotted value as text, one index per axis."""
        return f"#{position_text(self.flat(place), self.whole.shape)}"

    def plotted(self, array: np.ndarray) -> np.ndarray:
        """Return the plotted entries of an array of all values, flattened."""
        flat = array.reshape(-1)
        return flat if self.focus is None else flat[self.focus.positions]

    @property
    def channel(self) -> tuple[FloatArray, Summary]:
        """Values, with summary, that the active scheme's drawn parameters follow from.

        All plotted values, or those of one channel if channels have their own parameters.
        """
        active, focus = self.active, self.focus
        if active is None or active.granularity.whole:
            return self.array, self.summary
        if focus is not None and focus.granularity == active.granularity:
            return self.array, self.summary
        return channel_values(self.whole, active.granularity, active.channel)

    def channels(self, series: Series | None) -> Channels | None:
        """Return a scheme's figures of each channel of the partition; None if it has none."""
        if series is None:
            return None
        return channel_figures(self.whole, series.evaluation, self.partition)

    def objective(self) -> Objective | None:
        """Return the cost curves of the active scheme's format; None when there are none.

        Where channels have ranges of their own, those of the channel that the plots stand for.
        """
        if self.active is None or self.active.evaluation.scheme.fixed_range:
            return None
        scheme = self.active.evaluation.scheme.adapted(granularity=PER_TENSOR)
        return kept_objective(self.channel[0], replace(scheme, calibration=MINMAX))

    def number(self, value: float, span: float = math.inf) -> str:
        """Return a value of R or R′ as text, with enough digits to differ from neighbours.

        ``span`` is the visible part of the axis, if less than the range of the values.
        """
        span = min(span, self.summary.high - self.summary.low)
        return short(value, digits_within(value, span, self.digits))

    @property
    def range_is_free(self) -> bool:
        """Whether the clipping range can be set: it holds for all values."""
        if self.active is None or self.active.evaluation.scheme.fixed_range:
            return False
        scheme = self.active.evaluation.scheme
        return scheme.granularity.whole or scheme.calibration.fixed is not None

    @property
    def focus_name(self) -> str:
        """Name of the channel in focus; empty for all values."""
        return "" if self.focus is None else self.focus.name


def plot_data(session: Session, digits: int) -> PlotData:
    """Create plot data from the session's current snapshot and view state."""
    view = session.view
    both = [view.compared_entry(uid) for uid in view.pair or ()]
    return data_of(
        session.evaluator.snapshot,
        session.entries,
        session.active_uid,
        digits,
        awaited=session.evaluator.awaited,
        chosen=view.chosen,
        focus=view.focus,
        comparison=view.comparison,
        pair=tuple(entry for entry in both if entry is not None),
    )


def data_of(
    snapshot: Snapshot,
    entries: Sequence[Entry],
    active_uid: int | None,
    digits: int,
    *,
    awaited: bool = False,
    chosen: int | None = None,
    focus: Focus | None = None,
    comparison: Comparison | None = None,
    pair: tuple[Entry, ...] = (),
) -> PlotData:
    """Create plot data from a snapshot and the list of schemes as it is now.

    ``chosen`` is a flat position among all values; the rest is as in ``PlotData``.
    """
    if chosen is not None and chosen >= snapshot.array.size:
        chosen = None
    positions = None if focus is None else focus.positions
    anchor = chosen or 0
    if focus is not None and chosen is not None:
        inside = np.flatnonzero(focus.positions == chosen)
        anchor = chosen if inside.size else int(focus.positions[0])
        chosen = int(inside[0]) if inside.size else None
    series: list[Series] = []
    active: Series | None = None
    failure = ""
    for entry in entries:
        outcome = snapshot.outcomes.get(entry.uid)
        if isinstance(outcome, Evaluation):
            alone = focus is not None and focus.granularity == outcome.qparams.granularity
            one = Series(entry, outcome, snapshot.array, positions, anchor, alone)
            if entry.enabled:
                series.append(one)
            if entry.uid == active_uid:
                active = one
        elif entry.uid == active_uid:
            failure = str(outcome or QCoreApplication.translate("plot_data", "Not quantized yet."))
    active_entry = next((entry for entry in entries if entry.uid == active_uid), None)
    return PlotData(
        values=snapshot.array.reshape(-1) if focus is None else focus.values,
        summary=snapshot.summary if focus is None else focus.summary,
        series=tuple(series),
        active=active,
        chosen=chosen,
        digits=digits,
        awaited=awaited,
        failure=failure,
        array=snapshot.array if focus is None else focus.values,
        focus=focus,
        whole=snapshot.array,
        partition=partition_of(active_entry, snapshot.array.shape, snapshot.role),
        comparison=comparison,
        pair=pair,
        pyramid=snapshot.pyramid if focus is None else None,
        verdict=snapshot.verdict,
    )
