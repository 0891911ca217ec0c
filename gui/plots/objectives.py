"""The cost curves of the active scheme, kept while the array and the scheme's kind stay."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from quantoscope.engine import QuantizationError, Scheme
from quantoscope.engine.analysis.cost_curve import Objective, objective
from quantoscope.engine.calibration import MINMAX
from quantoscope.engine.numerics.granularity import PER_TENSOR
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.identity import ByIdentity


@lru_cache(maxsize=8)
def _kept(key: ByIdentity, scheme: Scheme) -> Objective | None:
    (array,) = key.objects
    try:
        return objective(array, scheme)  # type: ignore[arg-type]
    except QuantizationError:
        return None


def objective_of(data: PlotData) -> Objective | None:
    """The curves for the active scheme's format and mapping; None when there are none.

    Where channels have ranges of their own, those of the channel that the plots stand for.
    """
    if data.active is None or data.active.evaluation.scheme.fixed_range:
        return None
    values, _ = data.channel
    scheme = data.active.evaluation.scheme.adapted(granularity=PER_TENSOR)
    return _kept(ByIdentity(values), replace(scheme, calibration=MINMAX))
