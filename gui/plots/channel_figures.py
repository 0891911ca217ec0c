"""The figures of every channel, kept while the array and the evaluation stay the same."""

from __future__ import annotations

from functools import lru_cache

from engine import Channels, Evaluation, Granularity, QuantizationError, channels
from engine.arrays import FloatArray
from gui.plots.data import PlotData, Series


class _ByIdentity:
    """An array and its evaluation as a key: the very same ones."""

    def __init__(self, array: FloatArray, evaluation: Evaluation) -> None:
        self.array = array
        self.evaluation = evaluation

    def __hash__(self) -> int:
        return hash((id(self.array), id(self.evaluation)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ByIdentity):
            return False
        return other.array is self.array and other.evaluation is self.evaluation


@lru_cache(maxsize=16)
def _kept(key: _ByIdentity, granularity: Granularity) -> Channels | None:
    try:
        granularity.check(key.array.shape)
    except QuantizationError:
        return None
    return channels(key.array, key.evaluation, granularity)


def channels_of(data: PlotData, series: Series) -> Channels | None:
    """The figures of a scheme for the channels looked at; None where there are none."""
    if data.whole is None or data.whole.size == 0:
        return None
    return _kept(_ByIdentity(data.whole, series.evaluation), data.partition)
