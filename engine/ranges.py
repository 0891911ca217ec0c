"""Calibration: from data to the clipping range [Rmin, Rmax]."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.arrays import FloatArray
from engine.entropy import entropy_threshold
from engine.errors import QuantizationError
from engine.quantizers import QUANTIZERS
from engine.scheme import Scheme
from engine.search import Ends, best_range, inside


def clip_range(x: FloatArray, scheme: Scheme) -> Ends:
    """Return ``(Rmin, Rmax)`` as two scalars of the dtype of ``x``.

    NaN and infinities are left out.

    Parameters
    ----------
    x : ndarray of float32 or float64, any shape
    scheme : Scheme
        Its calibration says how; ``mse`` and ``entropy`` also depend on mapping and format.

    Raises
    ------
    QuantizationError
        When no finite value is left to take the range from, or when the working precision
        cannot hold a range given by hand, or cannot tell its ends apart.
    """
    return _METHODS[scheme.calibration.method](x, scheme)


def finite_values(x: FloatArray) -> FloatArray:
    """Return the finite values, shape (n,); the array itself, flat, when all of them are.

    Raises
    ------
    QuantizationError
        When there is none.
    """
    flat = x.reshape(-1)
    if np.isfinite(flat.min()) and np.isfinite(flat.max()):
        return flat
    finite = flat[np.isfinite(flat)]
    if finite.size == 0:
        raise QuantizationError(
            "The array has no finite value (only NaN or infinities) to take a range from."
        )
    return finite


def _minmax(x: FloatArray, scheme: Scheme) -> Ends:
    """Rmin = min R, Rmax = max R."""
    finite = finite_values(x)
    return finite.min(), finite.max()


def _manual(x: FloatArray, scheme: Scheme) -> Ends:
    """Rmin = lo, Rmax = hi, both rounded to the working precision."""
    lo, hi = scheme.calibration.arguments
    with np.errstate(over="ignore", under="ignore"):
        low, high = x.dtype.type(lo), x.dtype.type(hi)
    if not (np.isfinite(low) and np.isfinite(high)):
        raise QuantizationError(
            f"{scheme.calibration} reaches beyond {x.dtype.name}; the largest number there is "
            f"{np.finfo(x.dtype).max:.3g}."
        )
    if low == high:
        raise QuantizationError(
            f"{scheme.calibration} has no width in {x.dtype.name}: both ends round to {low}."
        )
    return low, high


def _percentile(x: FloatArray, scheme: Scheme) -> Ends:
    """Rmin and Rmax are the (100−p)/2 and (100+p)/2 percentiles; ±the p-th of |R| if mirrored."""
    (share,) = scheme.calibration.arguments
    # In float64, where the difference of two float32 neighbours cannot overflow.
    finite = finite_values(x).astype(np.float64)
    if QUANTIZERS[scheme.mapping].mirrored:
        reach = x.dtype.type(np.percentile(np.abs(finite), share))
        return -reach, reach
    outside = (100 - share) / 2
    low, high = np.percentile(finite, [outside, 100 - outside])
    return x.dtype.type(low), x.dtype.type(high)


def _mse(x: FloatArray, scheme: Scheme) -> Ends:
    """The range with the smallest Σ(R′ − R)²."""
    return best_range(
        finite_values(x), QUANTIZERS[scheme.mapping], scheme.format, scheme.arithmetic
    )


def _entropy(x: FloatArray, scheme: Scheme) -> Ends:
    """±T, or what the data has of it, with the T of the smallest KL divergence."""
    finite = finite_values(x)
    threshold = entropy_threshold(finite, scheme.format, scheme.calibration.arguments)
    low, high = finite.min(), finite.max()
    return inside(low, high, x.dtype.type(threshold), QUANTIZERS[scheme.mapping])


_METHODS: dict[str, Callable[[FloatArray, Scheme], Ends]] = {
    "minmax": _minmax,
    "percentile": _percentile,
    "mse": _mse,
    "entropy": _entropy,
    "manual": _manual,
}

__all__ = ["Ends", "clip_range", "finite_values"]
