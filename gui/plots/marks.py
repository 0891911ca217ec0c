"""Shared parts of plots by position: lanes, triangles of clipped values, readouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from quantoscope.gui.plots.base import FEW, Plot
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.view import CUT_DOWN, RAISED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from quantoscope.engine.numerics.arrays import FloatArray

MARK_PIXELS = 9
"""Minimum distance of triangles in pixels."""


def span_of(data: PlotData) -> tuple[float, float]:
    """Return the x range: half a position before the first to half a position after the last."""
    return -0.5, max(data.values.size, 1) - 0.5


def places(at: np.ndarray, lane: int, lanes: int, side_by_side: bool) -> np.ndarray:
    """Return x positions; few values are drawn side by side, one lane per curve."""
    if not side_by_side or lanes == 1:
        return at.astype(float)
    return at + (lane - (lanes - 1) / 2) * min(0.16, 0.7 / lanes)


def clipped_marks(
    plot: Plot,
    series: Series,
    kind: str,
    span: tuple[int, int],
    lane: int = 0,
    lanes: int = 1,
) -> None:
    """Draw triangles on clipped values: down if clipped from above, up if from below.

    They are at the height of ``kind``: ``reconstructed`` or ``error``.

    Of overlapping triangles, only the one with the largest error is drawn.
    """
    figures = series.figures
    start, stop = span
    few = stop - start <= FEW
    for sign, symbol, key in ((1, CUT_DOWN, "clipped_high"), (-1, RAISED, "clipped_low")):
        if not figures[key]:
            continue
        at = series.clipped(sign, start, stop, plot.columns)
        errors = series.pick(at).error
        at = _thinned(at, np.abs(errors), (stop - start) * MARK_PIXELS / plot.columns)
        if at.size:
            colour = plot.theme.colour(series.entry.colour)
            x = places(at, lane, lanes, few)
            y = getattr(series.pick(at), kind)
            plot.points((series.entry.uid, sign), x, y, symbol, colour, 12, z=7)


def _thinned(at: np.ndarray, size: np.ndarray, pitch: float) -> np.ndarray:
    """Return the position of the largest size in each stretch of ``pitch``."""
    if at.size < 2 or pitch <= 1:
        return at
    order = np.lexsort((-np.nan_to_num(size), (at / pitch).astype(np.intp)))
    _, first = np.unique((at[order] / pitch).astype(np.intp), return_index=True)
    thinned: np.ndarray = at[order][first]
    return thinned


def nearest_position(plot: Plot, data: PlotData, x: float) -> int | None:
    """Return the position at x; the one with the largest error if a pixel holds many."""
    if data.values.size == 0:
        return None
    position = int(np.clip(round(x), 0, data.values.size - 1))
    reach = int(plot.pixel()[0])
    if reach > 1 and data.active is not None:
        start, stop = max(0, position - reach), min(data.values.size, position + reach + 1)
        error = np.nan_to_num(np.abs(data.active.part(start, stop).error), nan=-1.0)
        return start + int(error.argmax())
    return position


def position_readout(
    data: PlotData,
    x: float,
    symbol: str,
    values: FloatArray | None,
    series: Sequence[Series],
    kind: str,
    other_symbol: str,
) -> str:
    """Return position and value of every curve at x."""
    if data.values.size == 0:
        return ""
    at = int(np.clip(round(x), 0, data.values.size - 1))
    parts = [data.position_name(at)]
    if values is not None:
        parts[0] += f"   {symbol} {data.number(values[at])}"
    for one in series:
        number = getattr(one.pick(np.array([at])), kind)[0]
        parts.append(f"{one.entry.name}: {other_symbol} {data.number(number)}")
    return "\n".join(parts)
