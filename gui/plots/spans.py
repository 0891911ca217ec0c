"""Ranges along an axis: margins, what a view shows, and extremes that are numbers."""

from __future__ import annotations

import numpy as np

DRAWN = 4e306
"""Axes end here: where widths overflow, pyqtgraph raises, and Qt ends the program as it paints."""


def drawable(values: np.ndarray) -> np.ndarray:
    """Coordinates in float64; finite ones beyond what axes show lie at their end."""
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        places = np.asarray(values, float)
        beyond = np.isfinite(places) & (np.abs(places) > DRAWN)
    return np.where(beyond, np.copysign(DRAWN, places), places) if beyond.any() else places


def padded(low: float, high: float, share: float = 0.04) -> tuple[float, float]:
    """A range with a margin; one without extent gets some."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return -1.0, 1.0
    low, high = (min(max(end, -DRAWN), DRAWN) for end in (low, high))
    if high <= low:
        half = abs(low) / 2 or 1.0
        return low - half, high + half
    margin = (high - low) * share
    return low - margin, high + margin


def visible(count: int, x0: float, x1: float) -> tuple[int, int]:
    """The positions that a view from x0 to x1 shows, as a half-open range."""
    start = int(np.clip(np.ceil(x0 - 0.5), 0, count))
    stop = int(np.clip(np.floor(x1 + 0.5) + 1, start, count))
    return start, stop


def finite_extremes(*arrays: np.ndarray) -> tuple[float, float]:
    """The smallest and largest finite number; NaN twice when there is none."""
    lows, highs = [], []
    for array in arrays:
        if array.size == 0:
            continue
        low, high = float(np.fmin.reduce(array)), float(np.fmax.reduce(array))
        if not (np.isfinite(low) and np.isfinite(high)):
            finite = array[np.isfinite(array)]
            if finite.size == 0:
                continue
            low, high = float(finite.min()), float(finite.max())
        lows.append(low)
        highs.append(high)
    return (min(lows), max(highs)) if lows else (np.nan, np.nan)


def kept_inside(anchor: float, height: float, below: float, above: float) -> float:
    """The anchor of a label along y: on the other side of its point where it would leave the view.

    Parameters
    ----------
    anchor : float
        0 for a label that hangs from its point, 1 for one that stands on it.
    height : float
        Of the label.
    below, above : float
        How far the point is from either edge of the view; negative outside.
    """
    if below < 0 or above < 0:
        return anchor
    if below < (1 - anchor) * height:
        return 1.0
    return 0.0 if above < anchor * height else anchor
