"""Percentile calibration: the range that contains p % of the values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quantoscope.engine.calibration.base import Method, Task
from quantoscope.engine.numerics.arrays import copied
from quantoscope.engine.numerics.selection import Ranked, percentiles
from quantoscope.engine.quantizers import Ends, ends_of


class Percentile(Method):
    """Rmin and Rmax are the (100−p)/2 and (100+p)/2 percentiles; symmetric: ±the p-th of |R|."""

    name = "percentile"
    signature = "percentile(p)"
    summary = "Keeps p % of the values inside; half of the others is clipped on each side."
    counts = (1,)
    source = "exact order statistics, interpolated; of |R| for a symmetric range"
    computes = True
    clips_blindly = True
    first = (99.9,)

    def problem(self, arguments: Sequence[float]) -> str:
        """Return why a percentage is invalid; empty if it is valid."""
        fits = 50 < arguments[0] <= 100
        return "" if fits else "percentile(p) needs p above 50 and up to 100"

    def ends(self, task: Task) -> Ends:
        """Return the percentiles per channel."""
        dtype, (share,) = task.dtype, task.arguments
        rows = task.stored_rows()
        outside = (100 - share) / 2
        if len(rows.values) == 1 and not rows.gaps and Ranked.suits(rows.values[0]):
            flat, symmetric = rows.values[0], task.quantizer.symmetric_range
            shares = [share] if symmetric else [outside, 100 - outside]
            found = percentiles(flat, shares, symmetric).astype(dtype)
            return ends_of(-found[0] if symmetric else found[0], found[-1])
        # In float64, in which the difference of two float32 values cannot overflow.
        values = copied(rows.values, np.float64)
        percentile = np.nanpercentile if rows.gaps else np.percentile
        if task.quantizer.symmetric_range:
            reach = percentile(np.abs(values), share, axis=1).astype(dtype)
            return ends_of(-reach, reach)
        low, high = percentile(values, [outside, 100 - outside], axis=1)
        return ends_of(low.astype(dtype), high.astype(dtype))
