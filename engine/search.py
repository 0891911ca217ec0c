"""The range with the smallest mean squared error, found by trying ranges on the true quantizer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from engine import cancellation
from engine.arithmetic import TEXTBOOK, Arithmetic
from engine.arrays import FloatArray
from engine.envelope import outermost, pyramid_of
from engine.formats import Format
from engine.granularity import CHANNEL, PER_TENSOR, Granularity
from engine.kernels import Scratch, Step, over_blocks
from engine.quantizers import Ends, Quantizer, ends_of

Pair = tuple[Any, Any]
"""Lower and upper ends, shape (channels,)."""

SAMPLE = 4096
"""Larger data is searched on so many of its values, and on its extremes; then checked in full."""
MANY = 1 << 18
"""Many channels together are searched on no more values than this, but some of each."""
LEAST = 256
OCTAVES, PER_OCTAVE = 20, 8
BATCH = 9
"""How many ranges the values of a single channel meet at once."""
_COLUMNS = Granularity(CHANNEL, 0)


@dataclass(frozen=True, eq=False)
class Points:
    """Values that stand for the data.

    Attributes
    ----------
    values : ndarray, shape (channels, n)
    weights : ndarray of float64, shape (channels, n), or a number
        How many values of the data each stands for; 0 for a place without a value.
    """

    values: FloatArray
    weights: Any


def sample_points(rows: FloatArray, gaps: bool = False) -> Points:
    """Return all values of short rows; of longer ones their extremes and evenly spaced others.

    Parameters
    ----------
    rows : ndarray, shape (channels, n)
    gaps : bool
        Whether NaN marks places without a value; such rows are taken whole.
    """
    if gaps:
        return whole_points(rows, gaps)
    count, n = rows.shape
    sample = SAMPLE if count == 1 else min(SAMPLE, max(LEAST, MANY // count))
    tail = sample // 16
    if n <= 2 * sample:
        return whole_points(rows)
    tails, low, high = _tails(rows, tail)
    core = rows[:, :: n // sample]
    between = (core > low[:, None]) & (core < high[:, None])
    share = (n - tails.shape[1]) / np.maximum(1, between.sum(axis=1, keepdims=True))
    weights = np.concatenate([np.ones(tails.shape), between * share], axis=1)
    return Points(np.concatenate([tails, core], axis=1), weights)


def _tails(rows: FloatArray, tail: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The outermost values of each row, and the first one inwards on either side."""
    n = rows.shape[1]
    if len(rows) > 1:
        edges = np.partition(rows, (tail, n - tail - 1), axis=1)
        tails = np.concatenate([edges[:, :tail], edges[:, n - tail :]], axis=1)
        return tails, edges[:, tail], edges[:, n - tail - 1]
    pyramid = pyramid_of(rows)
    low, _ = outermost(rows, pyramid, tail + 1, np.negative)
    high, _ = outermost(rows, pyramid, tail + 1, np.positive)
    tails = np.concatenate([-low[:tail], high[:tail]])
    return tails[None], -low[tail:], high[tail:]


def whole_points(rows: FloatArray, gaps: bool = False) -> Points:
    """Return all the values, each standing for itself."""
    if not gaps:
        return Points(rows, 1.0)
    known = ~np.isnan(rows)
    return Points(np.where(known, rows, rows.dtype.type(0)), known.astype(np.float64))


def inside(low: Any, high: Any, threshold: Any, quantizer: Quantizer) -> Pair:
    """Return the part of ``[low, high]`` in ±threshold; ±threshold itself for a mirrored range."""
    if quantizer.mirrored:
        return -threshold, threshold
    inner = np.maximum(low, -threshold), np.minimum(high, threshold)
    some = inner[0] < inner[1]
    return np.where(some, inner[0], -threshold)[()], np.where(some, inner[1], threshold)[()]


def squared_errors(
    points: Points,
    quantizer: Quantizer,
    fmt: Format,
    ends: Pair,
    arithmetic: Arithmetic = TEXTBOOK,
    exponent: int = 0,
) -> Pair:
    """Return Σ(R′ − R)² over the clipped values and over the others, in float64, per channel.

    Both are infinite for a range whose scale overflows. The values of a single channel may meet
    many ranges at once. Errors are divided by ``2**exponent`` before they are squared.
    """
    given = ends_of(*ends)
    rows = max(len(points.values), given.low.size)
    granularity = PER_TENSOR if rows == 1 else _COLUMNS
    p = quantizer.parameters(given, fmt, arithmetic, granularity).column()
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
    step: Step | None = None,
) -> Ends:
    """Return the ends with the smallest Σ(R′ − R)², never worse than the data's own extremes.

    Both ends shrink together first, over twenty octaves; then each by itself, in ever smaller
    steps, unless the family mirrors them. The best are compared on all the data.

    Parameters
    ----------
    rows : ndarray, shape (channels, n)
        Finite values, at least one in each channel; NaN elsewhere, if there are gaps.
    """
    low = np.fmin.reduce(rows, axis=1)
    high = np.fmax.reduce(rows, axis=1)
    points = sample_points(rows, gaps)
    reach = np.maximum(np.abs(low), np.abs(high))
    flat = ~(reach > 0) | (low == high)
    done, most = 0, 2 * OCTAVES * PER_OCTAVE

    def losses(candidates: list[Pair]) -> tuple[np.ndarray, np.ndarray]:
        """The clipped and the whole error of each range and channel, shape (ranges, channels)."""
        nonlocal done
        done += len(candidates)
        if step is not None:
            step(min(done, most), most)
        if len(rows) == 1:
            lows, highs = (
                np.concatenate([np.atleast_1d(pair[side]) for pair in candidates])
                for side in (0, 1)
            )
            clipped, rounded = squared_errors(points, quantizer, fmt, (lows, highs), arithmetic)
            return clipped[:, None], (clipped + rounded)[:, None]
        costs = [squared_errors(points, quantizer, fmt, p, arithmetic) for p in candidates]
        clipped, rounded = np.stack([c for c, _ in costs]), np.stack([r for _, r in costs])
        return clipped, clipped + rounded

    def best(candidates: Iterable[Pair], shrinking: bool = False) -> Pair:
        """The range that costs each channel least, the first one of equals."""
        found, least = (low, high), np.full(len(rows), np.inf)
        first = True
        for some in _batches(candidates, BATCH if len(rows) == 1 else 1):
            clipped, cost = losses(some)
            for ends, each in zip(some, cost, strict=True):
                better = (each < least) & (ends[0] <= ends[1]) | first
                found = np.where(better, ends[0], found[0]), np.where(better, ends[1], found[1])
                least, first = np.where(better, each, least), False
            if shrinking and (clipped[-1] > least).all():
                break  # What a smaller range clips alone costs more still.
        return found

    factors = 2.0 ** (-np.arange(OCTAVES * PER_OCTAVE) / PER_OCTAVE)
    with np.errstate(under="ignore"):
        thresholds = (reach * factors[:, None]).astype(rows.dtype)
    usable = np.where(thresholds > 0, thresholds, reach)
    found = best((inside(low, high, t, quantizer) for t in usable), shrinking=True)
    spread = 2.0 ** (1 / PER_OCTAVE) - 1
    for _ in range(4):
        found = best(_around(found, spread, quantizer, rows.dtype))
        spread /= 3
    ours, widest = (
        _full_cost(rows, gaps, quantizer, fmt, ends, arithmetic) for ends in (found, (low, high))
    )
    better = (ours < widest) & ~flat
    best_low = np.asarray(np.where(better, found[0], low), rows.dtype)
    best_high = np.asarray(np.where(better, found[1], high), rows.dtype)
    return ends_of(best_low, best_high)


def _full_cost(
    rows: FloatArray, gaps: bool, quantizer: Quantizer, fmt: Format, ends: Pair, a: Arithmetic
) -> np.ndarray:
    """Σ(R′ − R)² of all the data, per channel."""
    if len(rows) > 1:
        return np.asarray(sum(squared_errors(whole_points(rows, gaps), quantizer, fmt, ends, a)))

    def cost(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        points = whole_points(rows[:, start:stop], gaps)
        return np.asarray(sum(squared_errors(points, quantizer, fmt, ends, a)))

    total: np.ndarray = np.sum(over_blocks(rows.shape[1], cost), axis=0)
    return total


def _batches(pairs: Iterable[Pair], size: int) -> Iterator[list[Pair]]:
    iterator = iter(pairs)
    while some := list(islice(iterator, size)):
        cancellation.check()
        yield some


def _around(ends: Pair, spread: float, quantizer: Quantizer, dtype: np.dtype[Any]) -> list[Pair]:
    """Ranges near one, itself first: both ends scaled, or each by itself."""
    low, high = (np.asarray(end) for end in ends)
    steps = np.linspace(-spread, spread, 9)[:, None]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        if quantizer.mirrored:
            scaled = (high.astype(np.float64) * (1 + steps)).astype(dtype)
            scaled = np.where((scaled > 0) & np.isfinite(scaled), scaled, high)
            return [ends, *((-t, t) for t in scaled)]
        width = high.astype(np.float64) - low.astype(np.float64)
        lows = (low.astype(np.float64) + steps * width).astype(dtype)
        highs = (high.astype(np.float64) + steps * width).astype(dtype)
    lows = np.where(np.isfinite(lows), lows, low)
    highs = np.where(np.isfinite(highs), highs, high)
    pairs = [(lo, hi) for lo in lows for hi in highs]
    kept = [(np.where(lo < hi, lo, low), np.where(lo < hi, hi, high)) for lo, hi in pairs]
    return [ends, *kept]
