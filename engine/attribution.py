"""Which few values set the scale, and what the others would gain without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.arrays import FloatArray, as_working
from engine.evaluate import Evaluation, evaluate
from engine.quantizers import QUANTIZERS
from engine.ranges import finite_values

MOST = 64
"""More values than this are no exception, but the data's own tail."""
SHARE = 0.01
NARROWER = 0.5


@dataclass(frozen=True)
class Attribution:
    """A few values that set the scale.

    Attributes
    ----------
    count : int
        How many values: the fewest without which the range is at most half as wide.
    share : float
        ``count`` as a part of all values.
    sqnr, sqnr_without : float
        In dB, of all values, and of the others quantized by themselves.
    """

    count: int
    share: float
    sqnr: float
    sqnr_without: float

    def __str__(self) -> str:
        values = "1 value" if self.count == 1 else f"{self.count} values"
        verb, them = ("sets", "it") if self.count == 1 else ("set", "them")
        return (
            f"{values} ({100 * self.share:.2g} %) {verb} the scale; "
            f"without {them} SQNR would be {self.sqnr_without:.1f} dB instead of {self.sqnr:.1f}."
        )


def attribution(x: ArrayLike, evaluation: Evaluation) -> Attribution | None:
    """Return the few values that set the scale of an evaluation, or None when there are none.

    Only a range from the extremes (``minmax``) of all the data is set by single values.

    Parameters
    ----------
    x : array_like
        The array that was evaluated.
    evaluation : Evaluation
    """
    scheme = evaluation.scheme
    if scheme.calibration.method != "minmax" or not scheme.granularity.whole:
        return None
    finite = finite_values(as_working(x))
    mirrored = QUANTIZERS[scheme.mapping].mirrored
    most = min(MOST, int(finite.size * SHARE))
    if most < 1:
        return None
    ends = _ends_without(np.abs(finite) if mirrored else finite, most, mirrored)
    if ends is None:
        return None
    count, low, high = ends
    measured = np.abs(finite) if mirrored else finite
    others = finite[(measured >= low) & (measured <= high)]
    without = evaluate(others, scheme)
    return Attribution(
        count=count,
        share=count / finite.size,
        sqnr=evaluation.metrics["sqnr"],
        sqnr_without=without.metrics["sqnr"],
    )


def _ends_without(values: FloatArray, most: int, mirrored: bool) -> tuple[int, float, float] | None:
    """Return the fewest values whose removal halves the range, and the range of the others."""
    n = values.size
    kept = np.partition(values, [*range(most + 1), *range(n - most - 1, n)]) if n > 1 else values
    low = kept[: most + 1].astype(np.float64)
    high = kept[n - most - 1 :][::-1].astype(np.float64)
    if mirrored:
        low = np.zeros(most + 1)
    width = high[0] - low[0]
    if not 0 < width < np.inf:
        return None
    for count in range(1, most + 1):
        # So many from below, the others from above: the split that leaves the narrowest range.
        below = np.arange(1 if mirrored else count + 1)
        widths = high[count - below] - low[below]
        best = int(widths.argmin())
        if widths[best] <= NARROWER * width:
            return count, float(low[best]), float(high[count - best])
    return None
