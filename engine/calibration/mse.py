"""MSE calibration: the range with the smallest mean squared error of the actual quantizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import islice
from typing import Any

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.calibration.base import Method, Task, inside
from quantoscope.engine.calibration.compiled import Plan, compiled_costs, compiled_search
from quantoscope.engine.formats import Format
from quantoscope.engine.numerics import mapped_arrays
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.envelope import outermost, pyramid_of
from quantoscope.engine.numerics.granularity import CHANNEL, PER_TENSOR, Granularity
from quantoscope.engine.numerics.kernels import Progress, Scratch, over_blocks, reduce_rows, spaced
from quantoscope.engine.numerics.selection import Ranked
from quantoscope.engine.quantizers import Ends, Quantizer, ends_of

Pair = tuple[Any, Any]
"""Lower and upper ends, shape (channels,)."""

SAMPLE = 4096
"""Sample size for larger data, besides its extremes; results are checked on all of it."""
MANY = 1 << 20
"""Upper bound of the total sample of many channels, with some values of each."""
LEAST = 1024
OCTAVES, PER_OCTAVE = 20, 8
SHRINK = 2.0 ** (-np.arange(OCTAVES * PER_OCTAVE) / PER_OCTAVE)
"""Factors by which coarse ranges shrink."""
SPREAD = np.linspace(1 - 2.0 ** (1 / PER_OCTAVE), 2.0 ** (1 / PER_OCTAVE) - 1, 9)
"""Shares of the width by which each end is moved."""
MOVES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
"""Steps by which a range is moved."""
NEAR = 0.75
"""Octaves around the best coarse range that are searched finely."""
PER_STEP = 8
"""Fine ranges per change of the largest code by one."""
WORK = 1 << 21
"""Upper bound of values times fine ranges per channel."""
WORK_OF_MANY = 1 << 28
"""The same for all channels; at least ``FEWEST`` ranges are tried."""
FEWEST, USUAL = 48, 256
EXPECTED = 1500
"""Approximate number of ranges in a search, for progress."""
FINALISTS = 12
"""Number of the best ranges on a sample that are tried on more values, then on all."""
SECOND_SAMPLE = 1 << 17
CELLS = 1 << 17
"""Values per batch, to fit the caches."""
_COLUMNS = Granularity(CHANNEL, 0)


@dataclass(frozen=True, eq=False)
class Points:
    """Weighted sample of the data."""

    values: FloatArray
    """Shape (channels, n)."""
    weights: Any
    """Number of values that each represents; 0 for an empty position. In float64, shape (channels,
    n), or a single number."""

    def times(self, copies: int) -> Points:
        """Return the same channels over and over again."""
        weights = self.weights
        weights = np.tile(weights, (copies, 1)) if np.ndim(weights) else weights
        return Points(np.tile(self.values, (copies, 1)), weights)


def sample_points(
    rows: FloatArray, gaps: bool = False, count: int = 0, sample: int = SAMPLE
) -> Points:
    """Return all values of short rows; of longer ones the extremes and an even sample.

    ``rows``, shape (channels, n), are some of ``count`` channels, with ``sample`` values each in a
    sample. NaN marks empty positions if there are gaps; such rows are not sampled.
    """
    if gaps:
        return whole_points(rows, gaps)
    count, n = max(count, len(rows)), rows.shape[1]
    sample = sample if count == 1 else min(sample, max(LEAST, MANY // count))
    tail = sample // 16
    if n <= 2 * sample:
        return whole_points(rows)
    tails, low, high = _tails(rows, tail)
    core = rows[:, :: n // sample] if len(rows) > 1 else spaced(rows[0], n // sample)[None]
    # The next value inwards may be repeated many times, such as 0.
    beyond = (tails < low[:, None]) | (tails > high[:, None])
    between = (core >= low[:, None]) & (core <= high[:, None])
    left = n - beyond.sum(axis=1, keepdims=True)
    share = left / np.maximum(1, between.sum(axis=1, keepdims=True))
    weights = np.concatenate([beyond.astype(np.float64), between * share], axis=1)
    return Points(np.concatenate([tails, core], axis=1), weights)


def _tails(rows: FloatArray, tail: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the outermost values per row, and the next one inwards on either side."""
    n = rows.shape[1]
    if len(rows) > 1:
        edges = np.partition(rows, (tail, n - tail - 1), axis=1)
        tails = np.concatenate([edges[:, :tail], edges[:, n - tail :]], axis=1)
        return tails, edges[:, tail], edges[:, n - tail - 1]
    if Ranked.suits(rows[0]):
        ranked = Ranked(rows[0])
        lows, highs = ranked.sorted(0, tail), ranked.sorted(n - tail - 1, n - 1)[::-1]
        return np.concatenate([lows[:tail], highs[:tail]])[None], lows[tail:], highs[tail:]
    pyramid = pyramid_of(rows)
    low, _ = outermost(rows, pyramid, tail + 1, np.negative)
    high, _ = outermost(rows, pyramid, tail + 1, np.positive)
    tails = np.concatenate([-low[:tail], high[:tail]])
    return tails[None], -low[tail:], high[tail:]


def whole_points(rows: FloatArray, gaps: bool = False) -> Points:
    """Return all values with weight 1."""
    if not gaps:
        return Points(rows, 1.0)
    known = ~np.isnan(rows)
    return Points(np.where(known, rows, rows.dtype.type(0)), known.astype(np.float64))


def squared_errors(
    points: Points,
    quantizer: Quantizer,
    fmt: Format,
    ends: Pair,
    arithmetic: Arithmetic = TEXTBOOK,
    exponent: int = 0,
) -> Pair:
    """Return Σ(R′ − R)² of clipped and of other values per channel, in float64.

    Both are infinite for a range whose scale overflows. Channels may be combined with many ranges
    at once: as many for each, in turn. Errors are divided by ``2**exponent`` before squaring.
    """
    given = ends_of(*ends)
    channels = len(points.values)
    rows = max(channels, given.low.size)
    granularity = PER_TENSOR if rows == 1 else _COLUMNS
    p = quantizer.parameters(given, fmt, arithmetic, granularity)
    made = compiled_costs(points.values, points.weights, p, quantizer, exponent)
    if made is not None:
        return made
    if 1 < channels < rows:
        points = points.times(rows // channels)
    p = p.column()
    codes, saturated = quantizer.encode(points.values, p)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        error = quantizer.decode(codes, p).astype(np.float64) - points.values
        if exponent:
            error = np.ldexp(error, -exponent)
        power = error * error * points.weights
        clipped = rounded = np.zeros(rows)
        if saturated is not None:
            clipped = np.where(saturated != 0, power, 0.0).sum(axis=1)
            power = np.where(saturated == 0, power, 0.0)
        rounded = power.sum(axis=1)
        known = np.isfinite(np.asarray(p.working_scale).reshape(-1))
        return (
            np.where(known & ~np.isnan(clipped), clipped, np.inf),
            np.where(known & ~np.isnan(rounded), rounded, np.inf),
        )


def best_range(
    rows: FloatArray,
    quantizer: Quantizer,
    fmt: Format,
    arithmetic: Arithmetic = TEXTBOOK,
    gaps: bool = False,
    step: Progress | None = None,
) -> Ends:
    """Return the ends with the smallest Σ(R′ − R)², never worse than the data's extremes.

    The search shrinks both ends together over twenty octaves, then each separately unless the
    family has symmetric ranges, then searches finely around the best. The best are compared on all
    data. ``rows``, shape (channels, n), are finite values, at least one in each channel, and NaN
    elsewhere, if there are gaps.
    """
    low, high = reduce_rows(rows, np.fmin), reduce_rows(rows, np.fmax)
    # A constant channel needs no search.
    searched = np.flatnonzero(low < high)
    count, length = searched.size, rows.shape[1]
    made = _Search(quantizer, fmt, arithmetic, gaps, len(rows), length)
    if len(rows) == 1:
        if count:
            low, high = made.ends(rows, low, high, step)
        return ends_of(low, high)
    low, high = low.copy(), high.copy()

    def work(start: int, stop: int, scratch: Scratch) -> None:
        some = searched[start:stop]
        first = some[0]
        values = mapped_arrays.block(rows[first : some[-1] + 1])[some - first]
        # In one order of the memory, so that sums do not depend on it.
        values = np.ascontiguousarray(values)
        low[some], high[some] = made.ends(values, low[some], high[some])

    over_blocks(count, work, step, max(1, CELLS // length))
    return ends_of(low, high)


@dataclass(frozen=True, eq=False)
class _Search:
    """Parameters of a search."""

    quantizer: Quantizer
    fmt: Format
    arithmetic: Arithmetic
    gaps: bool
    channels: int
    length: int

    def ends(
        self, rows: FloatArray, low: FloatArray, high: FloatArray, step: Progress | None = None
    ) -> Pair:
        """Return the best ends of non-constant channels."""
        quantizer, dtype = self.quantizer, rows.dtype
        points = sample_points(rows, self.gaps, self.channels)
        size = points.values.shape[1]
        sampled = size != self.length
        if not sampled and not self.gaps:
            made = compiled_search(rows, low, high, quantizer, self.fmt, self.arithmetic, self.plan)
            if made is not None:
                return made
        trial = _Trial(points, quantizer, self.fmt, self.arithmetic, step)
        with np.errstate(under="ignore"):
            reach = np.maximum(np.abs(low), np.abs(high))
            thresholds = (reach * SHRINK[:, None]).astype(dtype)
        usable = np.where(thresholds > 0, thresholds, reach)
        widest = trial.best([(low, high)])
        found = trial.best((inside(low, high, t, quantizer) for t in usable), shrinking=True)
        if quantizer.symmetric_range:
            found = trial.best(self._scaled(found, size), found, sampled)
        else:
            found = trial.best(_around((found.low, found.high), dtype), found)
            # The rounding error depends on S only, the clipping error on both ends.
            for start in (found, widest):
                near = trial.best(self._scaled(start, size, 4), start)
                near = trial.best(self._moved(near), near)
                near = trial.best(self._scaled(near, size, 4), near, sampled)
                found = found.better(trial.best(self._moved(near), near))
        trials = [(low, high), (found.low, found.high), *found.finalists]
        if sampled and self.channels == 1 and self.length > 2 * SECOND_SAMPLE:
            second = sample_points(rows, sample=SECOND_SAMPLE)
            more = _Trial(second, quantizer, self.fmt, self.arithmetic, step)
            costs = more.costs(trials[2:])[1][:, 0]
            trials = trials[:2] + [trials[2 + int(i)] for i in np.argsort(costs)[:2]]
        found = _Best(low, high, np.full(len(rows), np.inf))
        for pair in trials:
            cost = _full_cost(rows, self.gaps, quantizer, self.fmt, pair, self.arithmetic)
            found = found.better(_Best(*pair, cost))
        return np.asarray(found.low, dtype), np.asarray(found.high, dtype)

    @cached_property
    def plan(self) -> Plan:
        """The ranges to try of channels that are not sampled."""
        times = 1 if self.quantizer.symmetric_range else 4
        return Plan(SHRINK, self._factors(self.length, times), SPREAD, np.array(MOVES, float))

    def _factors(self, points: int, times: int) -> np.ndarray:
        """Return the factors of a fine search; ``times`` series share the budget."""
        qmin, qmax = self.quantizer.code_range(self.fmt, self.arithmetic)
        wanted = PER_STEP * int(qmax - qmin) if self.fmt.integer else 0
        wanted = min(max(USUAL, wanted), WORK // (points * times))
        of_all = WORK_OF_MANY // (self.channels * points * times)
        half = max(FEWEST, min(wanted, of_all)) // 2
        return np.asarray(2.0 ** (NEAR * np.arange(-half, half + 1) / half))

    def _scaled(self, found: _Best, points: int, times: int = 1) -> Iterator[Pair]:
        """Yield finely scaled ranges around one; ``times`` series share the budget."""
        factors = self._factors(points, times)
        low, high = (np.asarray(end).astype(np.float64) for end in (found.low, found.high))
        together = max(1, SAMPLE // low.size)
        for start in range(0, factors.size, together):
            some = factors[start : start + together, None]
            yield from zip(*self._usable(low * some, high * some, found), strict=True)

    def _moved(self, found: _Best) -> Iterator[Pair]:
        """Yield ranges shifted by whole steps, which only shifts codes."""
        qmin, qmax = self.quantizer.code_range(self.fmt, self.arithmetic)
        low, high = (np.asarray(end).astype(np.float64) for end in (found.low, found.high))
        width = (high - low) / (qmax - qmin)
        for move in MOVES:
            for steps in (-move, move) if move < qmax - qmin else ():
                yield self._usable(low + steps * width, high + steps * width, found)

    def _usable(self, low: np.ndarray, high: np.ndarray, found: _Best) -> Pair:
        dtype = found.low.dtype
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            low, high = low.astype(dtype), high.astype(dtype)
        fits = (low < high) & np.isfinite(low) & np.isfinite(high)
        return np.where(fits, low, found.low), np.where(fits, high, found.high)


@dataclass(frozen=True, eq=False)
class _Best:
    """Best range per channel so far, with its cost, and runners-up."""

    low: FloatArray
    high: FloatArray
    cost: np.ndarray
    finalists: tuple[Pair, ...] = ()

    def better(self, other: _Best) -> _Best:
        """Return the better of two per channel."""
        first = self.cost <= other.cost
        return _Best(
            np.where(first, self.low, other.low),
            np.where(first, self.high, other.high),
            np.where(first, self.cost, other.cost),
            self.finalists + other.finalists,
        )


@dataclass(frozen=True, eq=False)
class _Trial:
    """Values on which ranges are tried."""

    points: Points
    quantizer: Quantizer
    fmt: Format
    arithmetic: Arithmetic
    step: Progress | None
    told: list[int] = field(default_factory=list)

    def costs(self, candidates: list[Pair]) -> tuple[np.ndarray, np.ndarray]:
        """Return the clipping and total error per range and channel, shape (ranges, channels)."""
        if self.step is not None:
            self.told.append(len(candidates))
            self.step(min(sum(self.told), EXPECTED), EXPECTED)
        points, channels = self.points, len(self.points.values)
        lows, highs = (
            np.concatenate([np.atleast_1d(pair[side]) for pair in candidates]) for side in (0, 1)
        )
        ends = lows, highs
        clipped, rounded = squared_errors(points, self.quantizer, self.fmt, ends, self.arithmetic)
        clipped, rounded = clipped.reshape(-1, channels), rounded.reshape(-1, channels)
        return clipped, clipped + rounded

    def best(
        self,
        candidates: Iterable[Pair],
        found: _Best | None = None,
        finalists: bool = False,
        shrinking: bool = False,
    ) -> _Best:
        """Return the range of least cost per channel, the first one of equals.

        It improves on ``found``, and keeps the runners-up too if ``finalists`` is set.
        ``shrinking`` says whether ranges shrink, so that the first whose clipping alone costs more
        than the best ends the search.
        """
        count, size = self.points.values.shape
        batch = max(1, min(64, CELLS // (count * size)))
        if count > 1 and shrinking:
            batch = 1
        seen: list[tuple[Pair, np.ndarray]] = []
        over = np.zeros(count, bool)
        kept = () if found is None else found.finalists
        for some in _batches(candidates, min(batch, 9) if shrinking else batch):
            clipped, costs = self.costs(some)
            if finalists:
                seen += zip(some, costs, strict=True)
            if count == 1:
                # Only the first minimum counts.
                first = int(np.argmin(costs[:, 0]))
                some, costs = some[first : first + 1], costs[first : first + 1]
            for (low, high), cost in zip(some, costs, strict=True):
                # No channel heeds how long another one shrinks.
                cost = np.where(over, np.inf, cost)
                now = _Best(low, high, cost)
                found = now if found is None else found.better(now)
            assert found is not None
            over |= shrinking and clipped[-1] > found.cost
            if over.all():
                break  # smaller ranges have an even larger clipping error
        assert found is not None
        if seen:
            order = np.argsort(np.array([cost for _, cost in seen]), axis=0, kind="stable")
            lows, highs = (np.array([pair[side] for pair, _ in seen]) for side in (0, 1))
            at = np.arange(count)
            kept += tuple((lows[rank, at], highs[rank, at]) for rank in order[:FINALISTS])
        return replace(found, finalists=kept)


def _full_cost(
    rows: FloatArray, gaps: bool, quantizer: Quantizer, fmt: Format, ends: Pair, a: Arithmetic
) -> np.ndarray:
    """Return Σ(R′ − R)² of all data per channel."""
    if len(rows) > 1:
        return np.asarray(sum(squared_errors(whole_points(rows, gaps), quantizer, fmt, ends, a)))

    def cost(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        points = whole_points(mapped_arrays.block(rows[:, start:stop]), gaps)
        return np.asarray(sum(squared_errors(points, quantizer, fmt, ends, a)))

    total: np.ndarray = np.sum(over_blocks(rows.shape[1], cost), axis=0)
    return total


def _batches(pairs: Iterable[Pair], size: int) -> Iterator[list[Pair]]:
    iterator = iter(pairs)
    while some := list(islice(iterator, size)):
        cancellation.check()
        yield some


def _around(ends: Pair, dtype: np.dtype[Any]) -> list[Pair]:
    """Return ranges near one, itself first: each end moved separately."""
    low, high = (np.asarray(end) for end in ends)
    steps = SPREAD[:, None]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        width = high.astype(np.float64) - low.astype(np.float64)
        lows = (low.astype(np.float64) + steps * width).astype(dtype)
        highs = (high.astype(np.float64) + steps * width).astype(dtype)
    lows = np.where(np.isfinite(lows), lows, low)
    highs = np.where(np.isfinite(highs), highs, high)
    pairs = [(lo, hi) for lo in lows for hi in highs]
    kept = [(np.where(lo < hi, lo, low), np.where(lo < hi, hi, high)) for lo, hi in pairs]
    return [ends, *kept]


class Mse(Method):
    """The range with the smallest Σ(R′ − R)²."""

    name = "mse"
    signature = "mse"
    summary = "The range whose mean squared error, rounding and clipping together, is smallest."
    source = "argmin over Rmin, Rmax of Σ(R′−R)²"
    computes = True
    searches = True
    depends_on_format = True
    arithmetic_fields = tuple(f.name for f in fields(Arithmetic) if f.name != "entropy")

    def ends(self, task: Task) -> Ends:
        """Return the best range per channel."""
        rows = task.rows()
        return best_range(
            rows.values, task.quantizer, task.format, task.arithmetic, rows.gaps, task.step
        )
