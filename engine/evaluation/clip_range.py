"""Clipping range per channel according to a scheme's calibration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from quantoscope.engine.calibration.base import Task, extreme_exponent
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.kernels import Extremes, Progress, extremes
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


class ClipRanges:
    """Clipping ranges of one array for several schemes, each computed once.

    ``step`` is called during long searches, and raises to stop them.
    """

    def __init__(self, x: FloatArray, step: Progress | None = None) -> None:
        self._x = x
        self._step = step
        self._arrays: dict[np.dtype[Any], tuple[FloatArray, Extremes]] = {}
        self._ends: dict[Any, Ends | QuantizationError] = {}

    def ends(self, scheme: Scheme, arithmetic: Arithmetic) -> Ends:
        """Return ``clip_ends`` in the precision that the arithmetic works in."""
        x, known = self._array(arithmetic.working(self._x.dtype))
        method = scheme.calibration.how
        key: tuple[Any, ...] = (x.dtype, scheme.calibration, scheme.granularity, scheme.mapping)
        key += (scheme.format,) * method.depends_on_format
        key += tuple(getattr(arithmetic, name) for name in method.arithmetic_fields)
        if key not in self._ends:
            try:
                self._ends[key] = clip_ends(x, scheme, arithmetic, self._step, known)
            except QuantizationError as error:
                self._ends[key] = error
        found = self._ends[key]
        if isinstance(found, QuantizationError):
            raise found
        return found

    def _array(self, dtype: np.dtype[Any]) -> tuple[FloatArray, Extremes]:
        if dtype not in self._arrays:
            with np.errstate(over="ignore", under="ignore"):
                x = self._x.astype(dtype, copy=False)
            self._arrays[dtype] = x, extremes(x)
        return self._arrays[dtype]
