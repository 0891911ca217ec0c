"""Caches of channel figures and cost curves, per array and evaluation."""

from __future__ import annotations

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
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.gui.document.snapshot import frozen

T = TypeVar("T")


class _Same(Generic[T]):
    """Cache key that compares an immutable object by identity and keeps it alive."""

    def __init__(self, it: T) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.it is self.it


# Small caches, since a key keeps the array and the evaluation alive.


@lru_cache(maxsize=8)
def _channels(
    array: _Same[FloatArray], evaluation: _Same[Evaluation], granularity: Granularity
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
    return _channels(_Same(array), _Same(evaluation), granularity) if array.size else None


@lru_cache(maxsize=4)
def _values(
    array: _Same[FloatArray], granularity: Granularity, channel: int
) -> tuple[FloatArray, Summary]:
    positions = granularity.positions(channel, array.it.shape)
    values = frozen(array.it.reshape(-1)[positions])
    return values, summarize(values)


def channel_values(
    array: FloatArray, granularity: Granularity, channel: int
) -> tuple[FloatArray, Summary]:
    """Return the values of one channel with their summary, the same objects each time."""
    return _values(_Same(array), granularity, channel)


@lru_cache(maxsize=8)
def _objective(array: _Same[FloatArray], scheme: Scheme) -> Objective | None:
    try:
        return objective(array.it, scheme)
    except QuantizationError:
        return None


def kept_objective(array: FloatArray, scheme: Scheme) -> Objective | None:
    """Return the cost curves of a scheme; None if the array has none."""
    return _objective(_Same(array), scheme)
