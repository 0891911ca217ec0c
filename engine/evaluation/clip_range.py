"""The clipping range [Rmin, Rmax] of every channel, as a scheme's calibration takes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from quantoscope.engine.calibration.base import Task, extreme_exponent
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.kernels import Extremes, Progress
from quantoscope.engine.quantizers import QUANTIZERS, Ends
from quantoscope.engine.schemes.scheme import Scheme


def clip_ends(
    x: FloatArray,
    scheme: Scheme,
    arithmetic: Arithmetic | None = None,
    step: Progress | None = None,
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
    method = scheme.calibration.how
    task = Task(
        x,
        QUANTIZERS[scheme.mapping],
        scheme.format,
        scheme.granularity,
        scheme.calibration.arguments,
        arithmetic,
        step,
        known,
    )
    exponent = extreme_exponent(x, known) if method.computes else 0
    if not exponent:
        with np.errstate(over="ignore", under="ignore"):
            return method.ends(task)
    with np.errstate(under="ignore"):
        usual = np.ldexp(x, -exponent)
    ends = method.ends(replace(task, x=usual, known=None))
    return Ends(*(_ldexp(end, exponent) for end in (ends.low, ends.high, ends.peak)))


def _ldexp(ends: FloatArray, exponent: int) -> FloatArray:
    """Multiply ends by a power of two; none becomes infinite."""
    with np.errstate(over="ignore", under="ignore"):
        scaled, largest = np.ldexp(ends, exponent), np.finfo(np.float64).max
        return np.asarray(np.clip(scaled, -largest, largest))


def clip_range(x: FloatArray, scheme: Scheme) -> tuple[Any, Any]:
    """Return ``(Rmin, Rmax)`` for the whole tensor, as scalars of the dtype of ``x``."""
    ends = clip_ends(x, scheme)
    return ends.low[0], ends.high[0]
