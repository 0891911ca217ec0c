"""Manual calibration: a range set by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from quantoscope.engine.calibration.base import Method, Task, shortest
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.quantizers import Ends, ends_of


class Manual(Method):
    """Rmin = lo, Rmax = hi, rounded to working precision, for every channel."""

    name = "manual"
    signature = "manual(lo,hi)"
    summary = "From lo to hi, set by hand."
    counts = (2,)
    clips_blindly = True
    by_hand = True
    first = (-1.0, 1.0)

    def problem(self, arguments: Sequence[float]) -> str:
        """Return why the ends are invalid: not finite, or in the wrong order."""
        if not all(map(math.isfinite, arguments)):
            return "manual takes two finite numbers, as in manual(-1,1)"
        return "" if arguments[0] < arguments[1] else "manual(lo,hi) needs lo smaller than hi"

    def origin(self, calibration: str) -> str:
        """Return that it was set by hand."""
        return "manual range"

    def ends(self, task: Task) -> Ends:
        """Return the same range for every channel."""
        shape, dtype, (lo, hi) = task.x.shape, task.dtype, task.arguments
        task.granularity.check(shape)
        with np.errstate(over="ignore", under="ignore"):
            low, high = dtype.type(lo), dtype.type(hi)
        written = f"manual({','.join(shortest(end) for end in task.arguments)})"
        if not (np.isfinite(low) and np.isfinite(high)):
            raise QuantizationError(
                f"{written} reaches beyond {dtype.name}; the largest number there is "
                f"{np.finfo(dtype).max:.3g}."
            )
        if low == high:
            raise QuantizationError(
                f"{written} has no width in {dtype.name}: both ends round to {low}."
            )
        count = task.granularity.count(shape)
        return ends_of(np.full(count, low), np.full(count, high))
