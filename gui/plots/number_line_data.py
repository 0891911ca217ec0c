"""What a number line shows, in numbers: values, and what each scheme makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from quantoscope.engine import QUANTIZERS, Evaluation
from quantoscope.engine.analysis.thresholds import rounding_thresholds
from quantoscope.engine.analysis.value_trace import Trace, trace
from quantoscope.engine.quantizers import QParams, Stage
from quantoscope.engine.text.number_text import MOST_DIGITS
from quantoscope.gui.common.localized_numbers import short
from quantoscope.gui.plots.data import PlotData, Series

NEIGHBOURS = 20
"""Number of neighbours on each side of the chosen value, where not all values are shown."""
MOST = 2 * NEIGHBOURS + 1
FEW = 256
"""Maximum number of levels whose thresholds are all computed at once."""


@dataclass(frozen=True)
class Dot:
    """A value of the number line."""

    place: int
    """Index among the plotted values."""
    name: str
    value: float
    """R; may be NaN or infinite."""
    text: str
    """R as text."""


@dataclass(frozen=True)
class Fate:
    """What a scheme makes of a value."""

    inside: bool
    """Whether the value belongs to the channel whose codes the lane shows."""
    channel: str
    """Name of its channel."""
    reconstructed: float
    label: str
    """Its code as text."""
    level: int
    """Index of its level among those of the lane."""
    side: int
    """−1 if clipped at the first level, 1 at the last one, 0 if not clipped."""
    error: float
    """R′ − R."""
    step: float
    """S, or the gap between levels around the value; 0 if there is none."""
    unclipped: float
    """The rounded number before it is clipped."""
    work: Callable[[], str] = field(compare=False)

    @cached_property
    def working(self) -> str:
        """The quantization as text, such as ``R/S = 23.7476 → 24``; empty for NaN."""
        return self.work()

    @property
    def steps(self) -> float:
        """The error in steps; NaN without steps."""
        return self.error / self.step if self.step else float("nan")


@dataclass(frozen=True, eq=False)
class Lane:
    """A scheme with its levels, in the order of R, and the fate of every value."""

    series: Series
    active: bool
    fates: tuple[Fate, ...]

    @cached_property
    def levels(self) -> np.ndarray:
        """Levels in float64, ascending; empty if they are not finite."""
        levels = self.series.levels.astype(np.float64)
        return levels if np.isfinite(levels).all() else levels[:0]

    @cached_property
    def edges(self) -> tuple[float, float]:
        """The ends of what is not clipped: half a gap beyond the levels, if rounded to nearest.

        A fraction that is cut off may lie a whole gap beyond them, and in blocks more.
        """
        levels = self.levels
        if levels.size < 2:
            return (float(levels[0]), float(levels[0])) if levels.size else (math.nan, math.nan)
        with np.errstate(over="ignore"):
            gaps = np.array([levels[0] - levels[1], levels[-1] - levels[-2]])
            ends = levels[[0, -1]]
            probes = ends[:, None] + gaps[:, None] * [0.25, 0.75, 1.25, 1.75]
        p = self.series.p
        with np.errstate(all="ignore"):
            cut = QUANTIZERS[p.mapping].encode(probes.astype(p.dtype).reshape(-1), p)[1]
        inside = np.ones((2, 4), bool) if cut is None else (cut == 0).reshape(2, 4)
        if p.arithmetic.chances:
            inside[:] = [True, True, False, False]
        with np.errstate(over="ignore"):
            low, high = ends + gaps * inside.sum(1) / 2
        finite = np.isfinite([low, high]).all()
        return (float(low), float(high)) if finite else (float(ends[0]), float(ends[1]))

    @cached_property
    def unused(self) -> tuple[tuple[int, int], ...]:
        """First and last level of the codes at either end that no value has."""
        span = self.series.used_span
        if span is None or not self.levels.size:
            return ()
        ends = (0, span[0] - 1), (span[1] + 1, self.levels.size - 1)
        return tuple((first, last) for first, last in ends if first <= last)

    @property
    def unused_count(self) -> int:
        """Number of those codes."""
        return sum(last - first + 1 for first, last in self.unused)

    @property
    def even(self) -> bool:
        """Whether all steps are S."""
        return self.series.p.format.integer

    @property
    def unit(self) -> str:
        """Name of a step."""
        return "S" if self.even else "gap"

    def label(self, level: int) -> str:
        """Return the code of a level as text."""
        return self.series.label(self.series.level_codes[level])

    def thresholds(self, first: int, last: int) -> np.ndarray | None:
        """Return the thresholds between levels from first to last; None if chance decides."""
        if self.levels.size > FEW:
            return self._thresholds(first, last)
        return None if self._known is None else self._known[first:last]

    @cached_property
    def _known(self) -> np.ndarray | None:
        return self._thresholds(0, self.levels.size - 1)

    def _thresholds(self, first: int, last: int) -> np.ndarray | None:
        p, size = self.series.p, self.levels.size
        if p.scale < 0:
            found = rounding_thresholds(p, size - 1 - last, size - 1 - first)
            return None if found is None else found[::-1]
        return rounding_thresholds(p, first, last)

    def border(self, level: int) -> float:
        """Return where a level's code begins; for one past the last level, where codes end."""
        if level == 0:
            return self.edges[0]
        if level == self.levels.size:
            return self.edges[1]
        found = self.thresholds(level - 1, level)
        return float(self.series.level_edges[level] if found is None else found[0])

    def cell(self, level: int) -> tuple[float, float]:
        """Return the ends of the values that get a level's code, or may get it by chance."""
        if self.series.p.arithmetic.chances:
            reach = (self.edges[0], *self.levels.tolist(), self.edges[1])
            return reach[level], reach[level + 2]
        return self.border(level), self.border(level + 1)


def shown_places(data: PlotData) -> range:
    """Return the plotted values to show: all, or the chosen one and its neighbours."""
    count = data.values.size
    if count <= MOST:
        return range(count)
    middle = data.chosen
    if middle is None:
        middle = worst_place(data) or 0
    start = min(max(middle - NEIGHBOURS, 0), count - MOST)
    return range(start, start + MOST)


def worst_place(data: PlotData) -> int | None:
    """Return the plotted value with the largest error under the active scheme."""
    if data.active is None or data.focus is not None:
        return None
    return worst_value(data.active.evaluation)


def worst_value(evaluation: Evaluation) -> int | None:
    """Return the flat position of the value to look at first: the one with the largest error.

    If a value is clipped, it is one of them. None if there is no finite value.
    """
    place = evaluation.metrics.get("max_abs_error_index", np.nan)
    return int(place) if place >= 0 else None


def dots_of(data: PlotData) -> tuple[Dot, ...]:
    """Return the values to show, in their order."""
    dots = []
    for place in shown_places(data):
        value = data.values[place]
        with np.errstate(invalid="ignore"):
            dots.append(Dot(place, data.position_name(place), float(value), data.number(value)))
    return tuple(dots)


def lanes_of(data: PlotData, dots: Sequence[Dot]) -> tuple[Lane, ...]:
    """Return a lane per enabled scheme."""
    active = None if data.active is None else data.active.entry.uid
    where = np.array([data.flat(dot.place) for dot in dots], np.intp)
    return tuple(
        Lane(series, series.entry.uid == active, _fates(series, where, data.digits))
        for series in data.series
    )


def _fates(series: Series, where: np.ndarray, digits: int) -> tuple[Fate, ...]:
    if not where.size:
        return ()
    evaluation = series.evaluation
    at = trace(evaluation.values, evaluation.qparams, where)
    part = evaluation.part(where)
    quantizer = QUANTIZERS[series.p.mapping]
    nan = np.isnan(part.values)
    places = quantizer.places(part.codes, series.p)
    if series.p.scale < 0:
        places = series.codes.size - 1 - places
    channels = series.granularity.of(where, evaluation.codes.shape)
    steps = _steps(part.values, evaluation.qparams, channels)
    symbols = _symbols(at.stages)
    whole, name = series.granularity.whole, series.granularity.name
    columns = (
        channels, part.reconstructed, part.codes, places, part.saturated, part.error, steps,
        at.unclipped, nan,
    )  # fmt: skip
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return tuple(
        Fate(
            channel == series.channel,
            "" if whole else name(channel),
            float(reconstructed),
            series.label(code),
            int(place),
            side,
            float(error),
            float(step),
            float(unclipped),
            str if missing else partial(_working, at, i, symbols, digits),
        )
        for i, (
            channel,
            reconstructed,
            code,
            place,
            side,
            error,
            step,
            unclipped,
            missing,
        ) in enumerate(rows)
    )


def _steps(values: np.ndarray, p: QParams, channels: np.ndarray) -> np.ndarray:
    """Return S of each value, or the gap between its levels, if these are not even."""
    at = p.at(channels)
    scale = np.broadcast_to(np.abs(np.asarray(at.scale, np.float64)), values.shape)
    if p.format.integer:
        return scale
    with np.errstate(all="ignore"):
        number = values.astype(p.dtype) / at.working_divisor
        # A clipped value has the gap of the last levels.
        number = np.clip(np.nan_to_num(number), p.qmin, p.qmax)
        return p.format.gap(np.asarray(number, p.dtype)).astype(np.float64) * scale


def _symbols(stages: Sequence[Stage]) -> tuple[str, str]:
    """Return the formula before rounding in symbols, and what is added after it."""
    keys = [stage.key for stage in stages]
    rounded = keys.index("rounded")
    before = " ".join(stage.symbol for stage in stages[:rounded])
    after = " ".join(stage.symbol for stage in stages[rounded + 1 : keys.index("clipped")])
    return before, after


def _working(at: Trace, i: int, symbols: tuple[str, str], digits: int) -> str:
    rounded = float(at["rounded"][i])
    text = f"{symbols[0]} = {_before_rounding(at, i, digits)} → {short(rounded, digits)}"
    if symbols[1]:
        text += f", {symbols[1]} = {short(float(at.unclipped[i]), digits)}"
    return text.replace("-0 ", "0 ") if rounded == 0 else text


def _before_rounding(at: Trace, i: int, digits: int) -> str:
    """Return the number before rounding with so many digits that it rounds to the same."""
    p, number = at.qparams, at.unrounded[i]
    for enough in range(digits, MOST_DIGITS):
        text = short(number, enough)
        try:
            printed = p.dtype.type(text)
        except ValueError:
            return text
        if p.format.integer:
            on_border = 2 * printed == np.floor(2 * printed) and printed != number
            if not on_border and np.floor(2 * printed) == np.floor(2 * number):
                return text
        else:
            pair = np.array([printed, number], p.dtype)
            with np.errstate(all="ignore"):
                one, other = p.format.round(pair, p.arithmetic.how, np.zeros(2, np.intp))
            if one == other:
                return text
    return short(number, MOST_DIGITS)


def sides(fates: Sequence[Fate]) -> int:
    """Return how many of these values are clipped."""
    return sum(fate.side != 0 for fate in fates)
