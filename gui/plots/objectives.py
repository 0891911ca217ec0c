"""The cost curves of the active scheme, kept while the array and the scheme's kind stay."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from engine import QuantizationError, Scheme
from engine.arrays import FloatArray
from engine.calibration import MINMAX
from engine.granularity import PER_TENSOR
from engine.objective import Objective, objective
from gui.plots.data import PlotData


class _ByIdentity:
    """An immutable array as a key: the very same array, not an equal one."""

    def __init__(self, array: FloatArray) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByIdentity) and other.array is self.array


@lru_cache(maxsize=8)
def _kept(key: _ByIdentity, scheme: Scheme) -> Objective | None:
    try:
        return objective(key.array, scheme)
    except QuantizationError:
        return None


def objective_of(data: PlotData) -> Objective | None:
    """The curves for the active scheme's format and mapping; None when there are none."""
    if data.active is None or data.array is None:
        return None
    scheme = data.active.evaluation.scheme
    if scheme.own_range:
        return None
    # One threshold is looked for at a time: for all values shown.
    scheme = scheme.adapted(granularity=PER_TENSOR)
    return _kept(_ByIdentity(data.array), replace(scheme, calibration=MINMAX))
