"""Calibration: from data to the clipping range [Rmin, Rmax]."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.arrays import FloatArray
from engine.errors import QuantizationError
from engine.scheme import Calibration

Ends = tuple[np.floating[Any], np.floating[Any]]


def clip_range(x: FloatArray, calibration: Calibration) -> Ends:
    """Return ``(Rmin, Rmax)`` as two scalars of the dtype of ``x``.

    NaN and infinities are left out.

    Parameters
    ----------
    x : ndarray of float32 or float64, any shape
    calibration : Calibration

    Raises
    ------
    QuantizationError
        When no finite value is left to take the range from, or when the working precision
        cannot hold a range given by hand, or cannot tell its ends apart.
    """
    return _METHODS[calibration.method](x, calibration)


def _minmax(x: FloatArray, calibration: Calibration) -> Ends:
    """Rmin = min R, Rmax = max R."""
    low, high = x.min(), x.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        finite = x[np.isfinite(x)]
        if finite.size == 0:
            raise QuantizationError(
                "The array has no finite value (only NaN or infinities) to take a range from."
            )
        low, high = finite.min(), finite.max()
    return low, high


def _manual(x: FloatArray, calibration: Calibration) -> Ends:
    """Rmin = lo, Rmax = hi, both rounded to the working precision."""
    lo, hi = calibration.arguments
    with np.errstate(over="ignore", under="ignore"):
        low, high = x.dtype.type(lo), x.dtype.type(hi)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise QuantizationError(
            f"{calibration} reaches beyond {x.dtype.name}; the largest number there is "
            f"{np.finfo(x.dtype).max:.3g}."
        )
    if low == high:
        raise QuantizationError(
            f"{calibration} has no width in {x.dtype.name}: both ends round to {low}."
        )
    return low, high


_METHODS: dict[str, Callable[[FloatArray, Calibration], Ends]] = {
    "minmax": _minmax,
    "manual": _manual,
}
