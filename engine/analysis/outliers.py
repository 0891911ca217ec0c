"""Outliers that set the scale, and the gain without them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.evaluation.evaluator import sqnr_without
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import IntArray, as_working
from quantoscope.engine.numerics.envelope import Pyramid, outermost, pyramid_of
from quantoscope.engine.quantizers import QUANTIZERS

MOST = 64
"""Maximum number of outliers; more are the tail of the data."""
SHARE = 0.01
NARROWER = 0.5


@dataclass(frozen=True)
class Attribution:
    """Outliers that set the scale."""

    count: int
    """The smallest number of values without which the range is at most half as wide."""
    share: float
    """``count`` as a fraction of the finite values."""
    sqnr: float
    sqnr_without: float
    """Both in dB: of all values, and of the others quantized by themselves."""
    where: IntArray = field(compare=False, repr=False)
    """Flat positions of these values, ascending; shape (count,)."""

    def __str__(self) -> str:
        values = "1 value" if self.count == 1 else f"{self.count} values"
        verb, them = ("sets", "it") if self.count == 1 else ("set", "them")
        return (
            f"{values} ({100 * self.share:.2g} %) {verb} the scale; "
            f"without {them} SQNR would be {self.sqnr_without:.1f} dB instead of {self.sqnr:.1f}."
        )


def attribution(
    x: ArrayLike, evaluation: Evaluation, pyramid: Pyramid | None = None
) -> Attribution | None:
    """Return the outliers that set an evaluation's scale; None if there are none.

    Only a range from the extremes (``minmax``) of the whole tensor is set by single values. ``x``
    is the array that was evaluated, ``pyramid`` its pyramid, if known.
    """
    scheme = evaluation.scheme
    if not scheme.calibration.how.from_extremes or not scheme.granularity.whole:
        return None
    r = as_working(x)
    nan, infinite = evaluation.totals.nan, evaluation.totals.infinite
    n = r.size - nan - infinite
    most = min(MOST, int(n * SHARE))
    if most < 1:
        return None
    pyramid = pyramid_of(r) if pyramid is None else pyramid
    both_sides = QUANTIZERS[scheme.mapping].symmetric_range
    if both_sides:
        high, high_at = outermost(r, pyramid, most + 1, np.absolute)
        low, low_at = np.zeros_like(high), high_at
    else:
        low, low_at = outermost(r, pyramid, most + 1, np.negative)
        high, high_at = outermost(r, pyramid, most + 1, np.positive)
    split = _few_outside(-low.astype(np.float64), high.astype(np.float64), both_sides)
    if split is None:
        return None
    below, above = split
    without = np.unique(np.concatenate([low_at[:below], high_at[:above]]))
    return Attribution(
        count=below + above,
        share=(below + above) / n,
        sqnr=evaluation.metrics["sqnr"],
        sqnr_without=sqnr_without(r, scheme, without),
        where=without,
    )


def _few_outside(low: np.ndarray, high: np.ndarray, both_sides: bool) -> tuple[int, int] | None:
    """Return the smallest numbers of values to drop below and above to halve the range.

    ``low`` and ``high``, shape (most + 1,), are the outermost values from the ends inwards.
    """
    width = high[0] - low[0]
    if not 0 < width < np.inf:
        return None
    for count in range(1, low.size):
        # The split between below and above that leaves the narrowest range.
        below = np.arange(1 if both_sides else count + 1)
        widths = high[count - below] - low[below]
        best = int(widths.argmin())
        if widths[best] <= NARROWER * width:
            return best, count - best
    return None
