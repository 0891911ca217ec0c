"""Shared parts of plots over R: the range, and the value at a click."""

from __future__ import annotations

import numpy as np

from quantoscope.gui.plots.data import PlotData

UNSEEN = 1000
"""Range of the schemes, as a multiple of that of the data, from which data cannot be seen in it."""


def values_span(data: PlotData) -> tuple[float, float]:
    """Return the range that contains data, clipping ranges and levels of all schemes shown."""
    ends = [data.summary.low, data.summary.high]
    for series in (data.active, *data.series):
        if series is not None:
            ends += series.p.range
            ends += [float(series.level_edges[0]), float(series.level_edges[-1])]
    finite = [end for end in ends if np.isfinite(end)]
    return (min(finite), max(finite)) if finite else (-1.0, 1.0)


def values_frame(data: PlotData) -> tuple[float, float]:
    """Return that range; where the data would be less than a pixel of it, that of the data.

    Values of 1e6 ± 0.001 are such, under a symmetric scheme.
    """
    low, high = values_span(data)
    first, last = float(data.summary.low), float(data.summary.high)
    if 0 < (last - first) * UNSEEN < high - low:
        beside = (last - first) / 4
        return first - beside, last + beside
    return low, high


def nearest_value(data: PlotData, x: float) -> int | None:
    """Return the position of the value nearest to x."""
    if not np.isfinite(data.values).any():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.abs(data.values.astype(np.float64) - x)
    return int(np.nanargmin(distance))
