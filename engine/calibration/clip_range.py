"""Calibration: from data to the clipping range [Rmin, Rmax] of every channel."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.calibration.entropy import entropy_ends
from quantoscope.engine.calibration.mse import best_range, inside
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray, copied
from quantoscope.engine.numerics.kernels import Extremes, Step, extremes, reduce_rows
from quantoscope.engine.quantizers import QUANTIZERS, Ends, ends_of
from quantoscope.engine.schemes.scheme import Scheme


@dataclass(frozen=True, eq=False)
class Rows:
    """The values of each channel: what calibration methods take their ranges from.

    Attributes
    ----------
    values : ndarray of float32 or float64, shape (channels, n)
        Neither NaN nor infinite, but for NaN where ``gaps`` says that a place holds no value.
    gaps : bool
        Whether any place holds no value.
    """

    values: FloatArray
    gaps: bool

    def lowest(self) -> FloatArray:
        """Return the smallest value of each channel, shape (channels,); NaN where none is."""
        return self._reduced(np.fmin if self.gaps else np.minimum)

    def highest(self) -> FloatArray:
        """Return the largest value of each channel."""
        return self._reduced(np.fmax if self.gaps else np.maximum)

    def _reduced(self, better: Any) -> FloatArray:
        return reduce_rows(self.values, better)

    def channel(self, number: int) -> FloatArray:
        """Return the values of one channel, shape (n,)."""
        row = self.values[number]
        return np.asarray(row[~np.isnan(row)] if self.gaps else row)


def rows_of(x: FloatArray, scheme: Scheme, known: Extremes | None = None) -> Rows:
    """Return the finite values of each channel of a scheme.

    A channel without any finite value counts as one of zeros.

    Parameters
    ----------
    x : ndarray
    scheme : Scheme
    known : Extremes, optional
        Of the values, where they are known.

    Raises
    ------
    QuantizationError
        When no value is finite, or the array has no such axis.
    """
    scheme.granularity.check(x.shape)
    if scheme.granularity.whole:
        return Rows(finite_values(x, known).reshape(1, -1), gaps=False)
    all_finite = finite_values(x, known).size == x.size
    rows = scheme.granularity.split(x)
    if all_finite and rows.size == x.size:
        return Rows(rows, gaps=False)
    finite = np.isfinite(rows)
    rows = np.where(finite, rows, rows.dtype.type(np.nan))
    rows[~finite.any(axis=1)] = 0
    return Rows(rows, gaps=True)


def clip_ends(
    x: FloatArray,
    scheme: Scheme,
    arithmetic: Arithmetic | None = None,
    step: Step | None = None,
    known: Extremes | None = None,
) -> Ends:
    """Return the clipping range of every channel, in the dtype of ``x``.

    NaN and infinities are left out.

    Parameters
    ----------
    x : ndarray of float32 or float64, any shape
    scheme : Scheme
        Its calibration says how; ``mse`` and ``entropy`` also depend on mapping and format.
    arithmetic : Arithmetic, optional
        Another arithmetic than the scheme's, for ``mse``.
    step : callable, optional
        Is told how far the work has come.
    known : Extremes, optional
        Of the values, where they are known.

    Raises
    ------
    QuantizationError
        When no finite value is left to take the range from, or when the working precision
        cannot hold a range given by hand, or cannot tell its ends apart.
    """
    arithmetic = scheme.arithmetic if arithmetic is None else arithmetic
    find = _METHODS[scheme.calibration.method]
    exponent = extreme_exponent(x, known) if scheme.calibration.method in _COMPUTED else 0
    if not exponent:
        return find(_Task(x, scheme, arithmetic, step, known))
    with np.errstate(under="ignore"):
        usual = np.ldexp(x, -exponent)
    ends = find(_Task(usual, scheme, arithmetic, step, None))
    return Ends(*(_ldexp(end, exponent) for end in (ends.low, ends.high, ends.peak)))


def extreme_exponent(x: FloatArray, known: Extremes | None = None) -> int:
    """Return the power of two to divide by before squares or differences are taken; 0 mostly.

    The squares of numbers near the ends of float64 are 0 or infinite there.
    """
    if x.dtype != np.float64:
        return 0
    ends = extremes(x) if known is None else known
    reach = max(abs(float(ends.low)), abs(float(ends.high)))
    if reach == 0 or not math.isfinite(reach):
        return 0
    exponent = math.frexp(reach)[1]
    return exponent if abs(exponent) > 400 else 0


def _ldexp(ends: FloatArray, exponent: int) -> FloatArray:
    """Multiply ends by a power of two; none becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        scaled, largest = np.ldexp(ends, exponent), np.finfo(np.float64).max
        return np.asarray(np.clip(scaled, -largest, largest))


def clip_range(x: FloatArray, scheme: Scheme) -> tuple[Any, Any]:
    """Return ``(Rmin, Rmax)`` for the whole tensor, as scalars of the dtype of ``x``."""
    ends = clip_ends(x, scheme)
    return ends.low[0], ends.high[0]


def finite_values(x: FloatArray, known: Extremes | None = None) -> FloatArray:
    """Return the finite values, shape (n,); the array itself, flat, when all of them are.

    Raises
    ------
    QuantizationError
        When there is none.
    """
    flat = x.reshape(-1)
    if (extremes(x) if known is None else known).finite:
        return flat
    finite = flat[np.isfinite(flat)]
    if finite.size == 0:
        raise QuantizationError(
            "The array has no finite value (only NaN or infinities) to take a range from."
        )
    return finite


@dataclass(frozen=True, eq=False)
class _Task:
    """What a calibration method is given."""

    x: FloatArray
    scheme: Scheme
    arithmetic: Arithmetic
    step: Step | None
    known: Extremes | None

    def rows(self) -> Rows:
        return rows_of(self.x, self.scheme, self.known)


def _minmax(task: _Task) -> Ends:
    """Rmin = min R, Rmax = max R."""
    scheme, known = task.scheme, task.known
    if known is not None and scheme.granularity.whole and not scheme.own_range:
        if np.isnan(known.low):
            finite_values(task.x, known)  # which refuses
        return ends_of(known.low, known.high)
    rows = task.rows()
    low, high = rows.lowest(), rows.highest()
    ends = ends_of(low, high)
    if not QUANTIZERS[scheme.mapping].own_range:
        return ends
    # The blocks of llama.cpp ask which of two extremes as far from 0 comes first.
    size = np.abs(rows.values)
    first = np.argmax(np.where(np.isnan(size), -1, size) if rows.gaps else size, axis=1)
    return Ends(low, high, rows.values[np.arange(first.size), first])


def _manual(task: _Task) -> Ends:
    """Rmin = lo, Rmax = hi, both rounded to the working precision, in every channel."""
    x, scheme = task.x, task.scheme
    scheme.granularity.check(x.shape)
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
    count = scheme.granularity.count(x.shape)
    return ends_of(np.full(count, low), np.full(count, high))


def _percentile(task: _Task) -> Ends:
    """Rmin and Rmax are the (100−p)/2 and (100+p)/2 percentiles; ±the p-th of |R| if mirrored."""
    x, scheme = task.x, task.scheme
    (share,) = scheme.calibration.arguments
    rows = task.rows()
    # In float64, where the difference of two float32 neighbours cannot overflow.
    values = copied(rows.values, np.float64)
    percentile = np.nanpercentile if rows.gaps else np.percentile
    if QUANTIZERS[scheme.mapping].mirrored:
        reach = percentile(np.abs(values), share, axis=1).astype(x.dtype)
        return ends_of(-reach, reach)
    outside = (100 - share) / 2
    low, high = percentile(values, [outside, 100 - outside], axis=1)
    return ends_of(low.astype(x.dtype), high.astype(x.dtype))


def _mse(task: _Task) -> Ends:
    """The range with the smallest Σ(R′ − R)²."""
    rows, scheme = task.rows(), task.scheme
    quantizer = QUANTIZERS[scheme.mapping]
    return best_range(rows.values, quantizer, scheme.format, task.arithmetic, rows.gaps, task.step)


def _entropy(task: _Task) -> Ends:
    """±T, or what the data has of it, with the T of the smallest KL divergence."""
    x, scheme = task.x, task.scheme
    rows = task.rows()
    below, above = entropy_ends(
        rows.values,
        scheme.format,
        scheme.calibration.arguments,
        task.arithmetic.entropy,
        rows.gaps,
        task.step,
    )
    with np.errstate(over="ignore", under="ignore"):
        reach = np.maximum(-below, above).astype(x.dtype)
        asymmetric = (below != -above).any()
        if asymmetric and not QUANTIZERS[scheme.mapping].mirrored:
            return ends_of(below.astype(x.dtype), above.astype(x.dtype))
    low, high = inside(rows.lowest(), rows.highest(), reach, QUANTIZERS[scheme.mapping])
    return ends_of(low, high)


_COMPUTED = {"percentile", "mse", "entropy"}
"""Methods that take squares, differences or histograms of the values."""
_METHODS: dict[str, Callable[[_Task], Ends]] = {
    "minmax": _minmax,
    "percentile": _percentile,
    "mse": _mse,
    "entropy": _entropy,
    "manual": _manual,
}
