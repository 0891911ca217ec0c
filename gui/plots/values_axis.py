"""Shared parts of plots over R: the range, and the value at a click."""

from __future__ import annotations

import numpy as np

from quantoscope.gui.plots.data import PlotData


def values_span(data: PlotData) -> tuple[float, float]:
    """Return the range that contains data, clipping ranges and levels of all schemes shown."""
    ends = [data.summary.low, data.summary.high]
    for series in (data.active, *data.series):
        if series is not None:
            ends += series.p.range
            ends += [float(series.level_edges[0]), float(series.level_edges[-1])]
    finite = [end for end in ends if np.isfinite(end)]
    return (min(finite), max(finite)) if finite else (-1.0, 1.0)


def nearest_value(data: PlotData, x: float) -> int | None:
    """Return the position of the value nearest to x."""
    if not np.isfinite(data.values).any():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        distance = np.abs(data.values.astype(np.float64) - x)
    return int(np.nanargmin(distance))
