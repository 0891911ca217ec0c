"""What plots draw: one immutable picture of the session, for the window and for exports alike."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
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
from quantoscope.engine.analysis.device_codes import DeviceComparison
from quantoscope.engine.calibration import MINMAX
from quantoscope.engine.evaluation.draw_envelopes import even_bound
from quantoscope.engine.evaluation.result import Part
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
from quantoscope.gui.document.snapshot import Entry, Focus
from quantoscope.gui.plots.kept_figures import channel_figures, channel_values, kept_objective
from quantoscope.gui.plots.spans import finite_extremes, unit_for


@dataclass(frozen=True, eq=False)
class Series:
    """A scheme and what it makes of the values shown, flattened.

    Attributes
    ----------
    entry : Entry
    evaluation : Evaluation
    array : ndarray, any shape
        R of all values.
    positions : ndarray of int or None
        The flat positions of the values shown; None for all.
    anchor : int
        The flat position whose channel stands for the scheme where only one can be drawn.
    alone : bool
        Whether that channel is all that is shown.
    """

    entry: Entry
    evaluation: Evaluation
    array: FloatArray
    positions: IntArray | None = None
    anchor: int = 0
    alone: bool = False
    _last: dict[tuple[int, int], Part] = field(default_factory=dict, repr=False)

    @property
    def size(self) -> int:
        """How many values are shown."""
        return self.array.size if self.positions is None else self.positions.size

    def part(self, start: int, stop: int) -> Part:
        """What becomes of a stretch of the values shown; the last one asked for is kept."""
        part = self._last.get((start, stop))
        if part is None:
            where = slice(start, stop) if self.positions is None else self.positions[start:stop]
            part = self.evaluation.part(where)
            self._last.clear()
            self._last[start, stop] = part
        return part

    def pick(self, places: IntArray) -> Part:
        """What becomes of single values, by their places among those shown."""
        return self.evaluation.part(places if self.positions is None else self.positions[places])

    @cached_property
    def _curves(self) -> dict[str, Pyramid]:
        """The pyramids of long curves; those of a channel in focus are made here."""
        if self.positions is None:
            curves = self.evaluation.curves
            found = {"reconstructed": curves.reconstructed, "error": curves.error}
            return found | ({"bound": curves.bound} if curves.bound else {})
        part = self.evaluation.part(self.positions)
        found = {kind: pyramid_of(getattr(part, kind)) for kind in ("reconstructed", "error")}
        return found | {"bound": pyramid_of(self._bounds(0, self.size))}

    def envelope(self, kind: str, columns: int, start: int, stop: int) -> Envelope:
        """Extremes of ``reconstructed``, ``error`` or ``bound`` from one place to another."""

        def values(first: int, last: int) -> np.ndarray:
            if kind == "bound":
                return self._bounds(first, last)
            return np.asarray(getattr(self.part(first, last), kind))

        if narrow(columns, start, stop):
            return finite_envelope(values(start, stop), columns, start)
        return self._curves[kind].envelope(columns, start, stop, values)

    def clipped(self, side: int, start: int, stop: int, columns: int) -> IntArray:
        """The places of the clipped values of a side; of many neighbours, the worst."""
        if self.positions is not None or narrow(columns, start, stop):
            return start + np.flatnonzero(self.part(start, stop).saturated == side)
        at = self.evaluation.curves.clipped[side]
        left, right = np.searchsorted(at, (start, stop))
        return at[left:right]

    # One channel, which stands for all where parameters have to be drawn

    @property
    def granularity(self) -> Granularity:
        """Which values share parameters."""
        return self.evaluation.qparams.granularity

    @cached_property
    def channel(self) -> int:
        """The channel of the anchor."""
        where = np.array([self.anchor])
        return int(self.granularity.of(where, self.evaluation.codes.shape)[0])

    @property
    def channel_name(self) -> str:
        """What people call that channel; empty where all values share parameters."""
        return "" if self.granularity.whole else self.granularity.name(self.channel)

    @property
    def name(self) -> str:
        """The scheme, and its channel where that is one of several shown."""
        if self.alone or not self.channel_name:
            return self.entry.name
        return f"{self.entry.name}, {self.channel_name}"

    @cached_property
    def p(self) -> QParams:
        """The parameters of that channel."""
        return self.evaluation.qparams.at(self.channel)

    # Codes and levels of that channel

    @cached_property
    def codes(self) -> IntArray:
        """Every code of the scheme, in the order of the format's numbers."""
        return QUANTIZERS[self.p.mapping].codes(self.p)

    @cached_property
    def code_axis(self) -> np.ndarray:
        """Where the codes stand on an axis: at themselves, or at their rank."""
        return self.codes if self.p.format.integer else np.arange(self.codes.size)

    @cached_property
    def counts(self) -> IntArray:
        """How many of the values shown have each code."""
        if self.positions is None:
            return self.evaluation.code_counts
        part = self.evaluation.part(self.positions)
        return self._count(part.codes, np.isnan(part.values))

    def _count(self, codes: IntArray, left_out: np.ndarray) -> IntArray:
        places = QUANTIZERS[self.p.mapping].places(codes[~left_out], self.p)
        return np.bincount(places, minlength=self.codes.size)

    @cached_property
    def _downwards(self) -> bool:
        """Whether a negative scale makes the levels descend."""
        return self.p.scale < 0

    @cached_property
    def levels(self) -> FloatArray:
        """What the codes of the channel stand for, ascending."""
        levels = QUANTIZERS[self.p.mapping].levels(self.p)
        return levels[::-1] if self._downwards else levels

    @cached_property
    def level_codes(self) -> IntArray:
        """The codes of the levels."""
        return self.codes[::-1] if self._downwards else self.codes

    @cached_property
    def level_counts(self) -> IntArray:
        """How many values of the channel each level has."""
        if self.granularity.whole:
            counts = self.counts
        else:
            where = self.granularity.positions(self.channel, self.evaluation.codes.shape)
            part = self.evaluation.part(where)
            counts = self._count(part.codes, np.isnan(part.values))
        return counts[::-1] if self._downwards else counts

    @cached_property
    def level_edges(self) -> np.ndarray:
        """The middles between the levels and, half a gap beyond them, the ends; in float64."""
        levels = self.levels.astype(np.float64)
        # Halved first where sums would overflow; halves of the smallest numbers lose their digits.
        unit = unit_for(*finite_extremes(levels))
        drawn = unit.down(levels)
        with np.errstate(invalid="ignore"):
            middles = (drawn[1:] + drawn[:-1]) / 2
            first = drawn[0] - (drawn[1] - drawn[0]) / 2
            last = drawn[-1] + (drawn[-1] - drawn[-2]) / 2
        return unit.up(np.concatenate([[first], middles, [last]]))

    @cached_property
    def used_span(self) -> tuple[int, int] | None:
        """Places of the first and the last level that a value of the channel has."""
        used = np.flatnonzero(self.level_counts)
        return (int(used[0]), int(used[-1])) if used.size else None

    def label(self, code: int) -> str:
        """How people write a code."""
        return self.p.format.label(int(code))

    # What rounding can do

    @property
    def even_bound(self) -> bool:
        """Whether one bound holds for all values."""
        return even_bound(self.evaluation.qparams)

    @property
    def bound(self) -> float:
        """The largest error that rounding alone can make in the channel."""
        quantizer = QUANTIZERS[self.p.mapping]
        reach = np.array([max(map(abs, self.p.range))])
        return float(np.max(quantizer.bound(reach, self.p)))

    def _bounds(self, start: int, stop: int) -> np.ndarray:
        """The bound of each of a stretch of values, shape (stop − start,)."""
        if self.positions is None:
            return self.evaluation.bounds(start, stop)
        where, e = self.positions[start:stop], self.evaluation
        p = e.qparams.at(self.granularity.of(where, e.codes.shape))
        bound = QUANTIZERS[p.mapping].bound(e.values.reshape(-1)[where], p)
        return np.broadcast_to(np.asarray(bound, np.float64), where.shape)

    @property
    def bound_text(self) -> str:
        """The bound in symbols."""
        if not self.p.format.integer:
            return "½ gap"
        return "S/2" if self.p.arithmetic.reach == 0.5 else "S"

    # Figures

    @cached_property
    def figures(self) -> Mapping[str, float]:
        """The metrics of the values shown."""
        if self.positions is None:
            return self.evaluation.metrics
        return metrics_of(self.evaluation, self.positions)

    def at(self, x: float) -> tuple[str, float]:
        """The code that a value of the channel gets, as text, and what it is reconstructed as."""
        quantizer = QUANTIZERS[self.p.mapping]
        with np.errstate(over="ignore", under="ignore"):
            codes, _ = quantizer.encode(np.array([x], self.p.dtype), self.p)
        return self.label(int(codes[0])), float(quantizer.decode(codes, self.p)[0])


@dataclass(frozen=True, eq=False)
class PlotData:
    """Everything that a plot may show.

    Attributes
    ----------
    values : ndarray, shape (n,)
        R, flattened: all values, or those of the channel in focus.
    summary : Summary
        Of these values.
    series : tuple of Series
        The schemes switched on, in the order of the list.
    active : Series or None
        The active scheme, whether or not it is switched on.
    chosen : int or None
        The chosen value's place among the values.
    digits : int
        Significant digits of numbers in text.
    array : ndarray, any shape
        Those values in an array, the very object that stays the same while the values do.
    whole : ndarray, any shape
        All values, in the shape of the array.
    failure : str
        Why the active scheme has no evaluation; empty when it has one, or none is active.
    focus : Focus or None
        The channel whose values alone are shown.
    partition : Granularity
        What a channel is.
    comparison : Comparison, DeviceComparison or None
        Where two schemes differ.
    pair : tuple of Entry
        The two schemes that are compared; empty when none are.
    pyramid : Pyramid or None
        Of the values, where it is known.
    """

    values: FloatArray
    summary: Summary
    series: tuple[Series, ...]
    active: Series | None
    chosen: int | None
    digits: int
    array: FloatArray
    whole: FloatArray
    failure: str = ""
    focus: Focus | None = None
    partition: Granularity = PER_TENSOR
    comparison: Comparison | DeviceComparison | None = None
    pair: tuple[Entry, ...] = ()
    pyramid: Pyramid | None = None

    @cached_property
    def _pyramid(self) -> Pyramid:
        return self.pyramid if self.pyramid is not None else pyramid_of(self.values)

    def envelope(self, columns: int, start: int, stop: int) -> Envelope:
        """Extremes of R from one place to another."""

        def values(first: int, last: int) -> np.ndarray:
            return self.values[first:last]

        if narrow(columns, start, stop):
            return finite_envelope(values(start, stop), columns, start)
        return self._pyramid.envelope(columns, start, stop, values)

    def flat(self, place: int) -> int:
        """The flat position in the array of a value shown."""
        return place if self.focus is None else int(self.focus.positions[place])

    @cached_property
    def layers(self) -> Mapping[Hashable, float]:
        """How high each scheme lies on the others, from 0 to less than 1, by its uid."""
        uids = [one.entry.uid for one in self.series]
        active = None if self.active is None else self.active.entry.uid
        uids.sort(key=lambda uid: uid == active)
        return {uid: rank / (len(uids) + 1) for rank, uid in enumerate(uids)}

    def position_name(self, place: int) -> str:
        """What people call the position of a value shown: one number per axis."""
        return f"#{position_text(self.flat(place), self.whole.shape)}"

    def shown(self, array: np.ndarray) -> np.ndarray:
        """Of an array of all values those that are shown, flattened."""
        flat = array.reshape(-1)
        return flat if self.focus is None else flat[self.focus.positions]

    @property
    def channel(self) -> tuple[FloatArray, Summary]:
        """The values that the active scheme's parameters on show were taken from, summed up.

        All that are shown; where channels have their own parameters, those of one channel.
        """
        active, focus = self.active, self.focus
        if active is None or active.granularity.whole:
            return self.array, self.summary
        if focus is not None and focus.granularity == active.granularity:
            return self.array, self.summary
        return channel_values(self.whole, active.granularity, active.channel)

    def channels(self, series: Series | None) -> Channels | None:
        """Return a scheme's figures of each channel of the partition; None where it has none."""
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
        """A value of R or R′ as text, with digits that tell it from its neighbours.

        Parameters
        ----------
        value : float
        span : float
            How much of the axis is seen, where that is less than the range of the values.
        """
        span = min(span, self.summary.high - self.summary.low)
        return short(value, digits_within(value, span, self.digits))

    @property
    def range_is_free(self) -> bool:
        """Whether a clipping range can be set: one for all, not one of a channel's own."""
        if self.active is None or self.active.evaluation.scheme.fixed_range:
            return False
        scheme = self.active.evaluation.scheme
        return scheme.granularity.whole or scheme.calibration.fixed is not None

    @property
    def focus_name(self) -> str:
        """The channel in focus; empty for all values."""
        return "" if self.focus is None else self.focus.name


def plot_data(session: Session, digits: int) -> PlotData:
    """Take the picture of a session as it is shown now."""
    snapshot, focus = session.snapshot, session.focus
    chosen = session.chosen
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
    for entry in session.entries:
        outcome = snapshot.outcomes.get(entry.uid)
        if isinstance(outcome, Evaluation):
            alone = focus is not None and focus.granularity == outcome.qparams.granularity
            one = Series(entry, outcome, snapshot.array, positions, anchor, alone)
            if entry.enabled:
                series.append(one)
            if entry.uid == session.active_uid:
                active = one
        elif entry.uid == session.active_uid:
            failure = str(outcome or QCoreApplication.translate("plot_data", "Not quantized yet."))
    pair = tuple(e for uid in session.pair or () if (e := session.entry(uid)) is not None)
    return PlotData(
        values=snapshot.array.reshape(-1) if focus is None else focus.values,
        summary=snapshot.summary if focus is None else focus.summary,
        series=tuple(series),
        active=active,
        chosen=chosen,
        digits=digits,
        failure=failure,
        array=snapshot.array if focus is None else focus.values,
        focus=focus,
        whole=snapshot.array,
        partition=session.partition,
        comparison=session.comparison,
        pair=pair,
        pyramid=snapshot.pyramid if focus is None else None,
    )
