"""What is computed of channels, kept while the array and the evaluation stay the same."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from quantoscope.engine import (
    Channels,
    Evaluation,
    Granularity,
    QuantizationError,
    Summary,
    channels,
    summarize,
)
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.gui.document.snapshot import frozen
from quantoscope.gui.plots.identity import ByIdentity

if TYPE_CHECKING:
    from quantoscope.gui.plots.data import PlotData, Series


# Few, since a key keeps the array and the evaluation alive.
@lru_cache(maxsize=8)
def _figures(key: ByIdentity, granularity: Granularity) -> Channels | None:
    array, evaluation = key.objects
    assert isinstance(evaluation, Evaluation)
    try:
        granularity.check(array.shape)  # type: ignore[attr-defined]
    except QuantizationError:
        return None
    return channels(array, evaluation, granularity)  # type: ignore[arg-type]


def channels_of(data: PlotData, series: Series) -> Channels | None:
    """The figures of a scheme for the channels looked at; None where there are none."""
    if data.whole is None or data.whole.size == 0:
        return None
    return _figures(ByIdentity(data.whole, series.evaluation), data.partition)


@lru_cache(maxsize=4)
def _values(key: ByIdentity, granularity: Granularity, channel: int) -> tuple[FloatArray, Summary]:
    (array,) = key.objects
    positions = granularity.positions(channel, array.shape)  # type: ignore[attr-defined]
    values = frozen(array.reshape(-1)[positions])  # type: ignore[attr-defined]
    return values, summarize(values)


def channel_values(
    array: FloatArray, granularity: Granularity, channel: int
) -> tuple[FloatArray, Summary]:
    """The values of one channel, the same object each time, and what they hold."""
    return _values(ByIdentity(array), granularity, channel)
