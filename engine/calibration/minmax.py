"""Min-max calibration: from the smallest to the largest value."""

from __future__ import annotations

import numpy as np

from quantoscope.engine.calibration.base import Method, Task, finite_values
from quantoscope.engine.quantizers import Ends, ends_of


class MinMax(Method):
    """Rmin = min R, Rmax = max R."""

    name = "minmax"
    signature = "minmax"
    summary = "From the smallest to the largest value."
    from_extremes = True

    def ends(self, task: Task) -> Ends:
        """Return the extremes per channel."""
        known, fixed_range = task.known, task.quantizer.fixed_range
        if known is not None and task.granularity.whole and not fixed_range:
            if np.isnan(known.low):
                finite_values(task.x, known)  # raises if no value is finite
            return ends_of(known.low, known.high)
        if not fixed_range:
            return ends_of(*task.extremes())
        # llama.cpp's blocks need to know which of two equally distant extremes comes first.
        return Ends(*task.peaks())
