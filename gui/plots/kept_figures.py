"""Caches of channel figures, cost curves and waterfalls, per array and evaluation."""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import Generic, TypeVar

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
from quantoscope.engine.analysis.waterfall import Figures, Waterfall, waterfall
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
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
