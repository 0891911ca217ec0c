"""What ranges cost, by the compiled loops; where they do not apply, the formulas in numpy do it."""

from __future__ import annotations

from typing import Any

import numpy as np

from quantoscope.engine.numerics import loops
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers import QParams, Quantizer
from quantoscope.engine.quantizers.affine import Affine

ROUNDINGS = {"ties-even": 0, "ties-away": 1, "toward-zero": 2}
NOWHERE, BEFORE, AFTER = 0, 1, 2


def choices_of(p: QParams, quantizer: Quantizer) -> tuple[Any, ...] | None:
    """Return the choices of the formulas as the loops take them; None if they have no such ones."""
    kind, a = type(quantizer), p.arithmetic
    if kind.stages is not Affine.stages or kind.decode is not Affine.decode:
        return None
    if kind.clip is not Quantizer.clip or not p.format.integer or p.format.mapping:
        return None
    rounding = ROUNDINGS.get(a.rounding)
    if rounding is None or p.divisor is not None or np.ndim(p.offset):
        return None
    shift = NOWHERE
    if quantizer.has_zero_point(p.format, a):
        shift = BEFORE if a.zero_point_first else AFTER
    fused = a.fused and p.dtype == np.float32 and shift == BEFORE
    return rounding, shift, fused, a.reciprocal, float(p.qmin), float(p.qmax)


def compiled_costs(
    values: FloatArray, weights: Any, p: QParams, quantizer: Quantizer, exponent: int
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return Σ(R′ − R)² of clipped and of other values; None if the loops do not apply.

    They are added in numpy's order, so that every digit is that of the formulas. ``values`` have
    shape (channels, n), and the parameters hold for one channel after the other, in turn.
    """
    if loops.compiled is None or values.dtype != p.dtype or not values.size:
        return None
    # numpy adds in the order of the memory.
    each = values.flags.c_contiguous and (np.ndim(weights) == 0 or weights.flags.c_contiguous)
    choices = choices_of(p, quantizer)
    if choices is None or not each or (np.ndim(weights) == 0 and weights != 1):
        return None
    scale = np.ascontiguousarray(np.atleast_1d(p.working_scale))
    zero_point = np.broadcast_to(np.asarray(p.zero_point, np.float64), scale.shape)
    clipped, rounded = np.empty(scale.size), np.empty(scale.size)
    loops.compiled.costs(
        choices, p.dtype == np.float64, exponent, *values.shape, scale.size, values,
        weights if np.ndim(weights) else None, scale, np.ascontiguousarray(zero_point),
        clipped, rounded,
    )  # fmt: skip
    return clipped, rounded
