"""Clipping range per channel according to a scheme's calibration."""

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
    """Return the clipping range per channel, in the dtype of ``x``: float32 or float64.

    NaN and infinities are ignored. ``arithmetic`` is another one than the scheme's, on which some
    methods depend; ``known`` are the extremes of the values.

    Raises
    ------
    QuantizationError
        If there is no finite value, or if the working precision
        cannot hold a range given by hand, or distinguish its ends.
    """
    arithmetic = scheme.arithmetic if arithmetic is None else arithmetic
    method, quantizer = scheme.calibration.how, QUANTIZERS[scheme.mapping]
    given = quantizer, scheme.format, scheme.granularity, scheme.calibration.arguments
    task = Task(x, *given, arithmetic, step, known)
    exponent = extreme_exponent(x, known) if method.computes else 0
    if not exponent:
        with np.errstate(over="ignore", under="ignore"):
            return method.ends(task)
    with np.errstate(under="ignore"):
        usual = np.ldexp(x, -exponent)
    ends = method.ends(replace(task, x=usual, known=None))
    return Ends(*(_ldexp(end, exponent) for end in (ends.low, ends.high, ends.peak)))


def _ldexp(ends: FloatArray, exponent: int) -> FloatArray:
    """Multiply ends by a power of two, clamping overflow."""
    with np.errstate(over="ignore", under="ignore"):
        scaled, largest = np.ldexp(ends, exponent), np.finfo(np.float64).max
        return np.asarray(np.clip(scaled, -largest, largest))


def clip_range(x: FloatArray, scheme: Scheme) -> tuple[Any, Any]:
    """Return ``(Rmin, Rmax)`` for the whole tensor, as scalars of the dtype of ``x``."""
    ends = clip_ends(x, scheme)
    return ends.low[0], ends.high[0]
