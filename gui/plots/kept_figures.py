"""Caches of channel figures, cost curves and waterfalls, per array and evaluation."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import numpy as np

from quantoscope.engine import (
    Channels,
    Evaluation,
    Granularity,
    QuantizationError,
    Scheme,
    Summary,
    channels,
    summarize,
)
from quantoscope.engine.analysis.cost_curve import Objective, objective
from quantoscope.engine.analysis.robust_reach import count_beyond, robust_reach
from quantoscope.engine.analysis.sorted_values import sorted_finite
from quantoscope.engine.analysis.waterfall import Figures, Waterfall, waterfall
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import Pyramid, outermost, pyramid_of
from quantoscope.gui.document.snapshot import frozen

T = TypeVar("T")


class Same(Generic[T]):
    """Cache key that compares an immutable object by identity and keeps it alive."""

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.it is self.it


# Small caches, since a key keeps the array and the evaluation alive.


@lru_cache(maxsize=8)
def _channels(
    array: Same[FloatArray], evaluation: Same[Evaluation], granularity: Granularity
) -> Channels | None:
    try:
        granularity.check(array.it.shape)
    except QuantizationError:
        return None
    return channels(array.it, evaluation.it, granularity)


def channel_figures(
    array: FloatArray, evaluation: Evaluation, granularity: Granularity
) -> Channels | None:
    """Return the figures of every channel; None if the array has no such channels."""
    return _channels(Same(array), Same(evaluation), granularity) if array.size else None


@lru_cache(maxsize=4)
def _values(
    array: Same[FloatArray], granularity: Granularity, channel: int
) -> tuple[FloatArray, Summary]:
    positions = granularity.positions(channel, array.it.shape)
    values = frozen(array.it.reshape(-1)[positions])
    return values, summarize(values)


def channel_values(
    array: FloatArray, granularity: Granularity, channel: int
) -> tuple[FloatArray, Summary]:
    """Return the values of one channel with their summary, the same objects each time."""
    return _values(Same(array), granularity, channel)


@lru_cache(maxsize=8)
def _objective(array: Same[FloatArray], scheme: Scheme) -> Objective | None:
    try:
        return objective(array.it, scheme)
    except QuantizationError:
        return None


def kept_objective(array: FloatArray, scheme: Scheme) -> Objective | None:
    """Return the cost curves of a scheme; None if the array has none."""
    return _objective(Same(array), scheme)


_Way = tuple[Same[FloatArray], Same[Evaluation], Same[Evaluation], tuple[int, ...]]
_ways: dict[_Way, Waterfall] = {}
_begun: dict[_Way, dict[int, Figures]] = {}
"""Of waterfalls whose computation was stopped, as by another choice of a value."""
_lock = threading.Lock()
MOST_WAYS = 4


def _way(array: FloatArray, first: Evaluation, second: Evaluation, few: IntArray | None) -> _Way:
    return Same(array), Same(first), Same(second), () if few is None else tuple(few.tolist())


def known_waterfall(
    array: FloatArray, first: Evaluation, second: Evaluation, few: IntArray | None
) -> Waterfall | None:
    """Return the waterfall between two evaluations; None if it has not been computed yet."""
    return _ways.get(_way(array, first, second, few))


def kept_waterfall(
    array: FloatArray, first: Evaluation, second: Evaluation, few: IntArray | None
) -> Waterfall:
    """Return the waterfall between two evaluations of an array, as the engine does."""
    key = _way(array, first, second, few)
    made = _ways.get(key)
    if made is None:
        with _lock:
            known = _begun.setdefault(key, {})
            _trim(_begun)
        made = waterfall(array, first, second, few, known=known)
    with _lock:
        _begun.pop(key, None)
        _ways.pop(key, None)
        _ways[key] = made
        _trim(_ways)
    return made


def _trim(kept: dict[_Way, T]) -> None:
    """Drop the oldest, since each keeps an array and two evaluations alive."""
    while len(kept) > MOST_WAYS:
        del kept[next(iter(kept))]


@dataclass(frozen=True)
class FarValues:
    """What lies far outside of where most values are."""

    reach: float
    """Magnitude that most values lie within; 0 if none lies far beyond it."""
    farthest: float
    """Largest finite magnitude."""
    count: int
    place: int
    """Number of values beyond, and index of the farthest."""


@lru_cache(maxsize=8)
def _far(array: Same[FloatArray], pyramid: Same[Pyramid | None], farthest: float) -> FarValues:
    reach = robust_reach(array.it, farthest)
    if not reach:
        return FarValues(0.0, farthest, 0, 0)
    known = pyramid_of(array.it) if pyramid.it is None else pyramid.it
    place = outermost(array.it, known, 1, np.absolute)[1][0]
    return FarValues(reach, farthest, count_beyond(array.it, known, reach), int(place))


def far_values(array: FloatArray, pyramid: Pyramid | None, summary: Summary) -> FarValues:
    """Return what lies far outside of where most values of an array are."""
    ends = [abs(end) for end in (summary.low, summary.high) if np.isfinite(end)]
    return _far(Same(array), Same(pyramid), max(ends, default=0.0))


@lru_cache(maxsize=2)
def _sorted(array: Same[FloatArray]) -> FloatArray:
    return sorted_finite(array.it)


def sorted_values(array: FloatArray) -> FloatArray:
    """Return the finite values of an array in ascending order, the same object each time."""
    return _sorted(Same(array))


BLOCK = 1 << 20


@lru_cache(maxsize=2)
def _not_zero(
    array: Same[FloatArray], evaluation: Same[Evaluation], positions: Same[IntArray | None]
) -> FloatArray:
    part, where = evaluation.it.part, positions.it
    kept = [
        (each := part(slice(at, at + BLOCK) if where is None else where[at : at + BLOCK])).values[
            each.reconstructed != 0
        ]
        for at in range(0, array.it.size, BLOCK)
    ]
    return sorted_finite(np.concatenate(kept)) if kept else array.it.reshape(-1)


def not_zero(array: FloatArray, evaluation: Evaluation, positions: IntArray | None) -> FloatArray:
    """Return the finite values that do not become 0, in ascending order.

    Of all values, or of those at flat positions, whose values are ``array``.
    """
    return _not_zero(Same(array), Same(evaluation), Same(positions))
