"""What ranges cost, by the compiled loops; where they do not apply, the formulas in numpy do it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics import loops
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers import QParams, Quantizer
from quantoscope.engine.quantizers.affine import Affine
from quantoscope.engine.quantizers.asymmetric import Asymmetric
from quantoscope.engine.quantizers.scale_only import ScaleOnly
from quantoscope.engine.quantizers.symmetric import Symmetric

ROUNDINGS = {"ties-even": 0, "ties-away": 1, "toward-zero": 2}
NOWHERE, BEFORE, AFTER = 0, 1, 2
BEYOND_PARAMETERS = (
    *("rounding", "reciprocal", "zero_point_first", "fused"),
    *("nan_code", "entropy", "works_in", "narrow_from"),
)
"""The fields of ``Arithmetic`` that S and Z do not depend on, but for the codes in use."""


def choices_of(
    quantizer: Quantizer, fmt: Format, a: Arithmetic, dtype: np.dtype[Any]
) -> tuple[Any, ...] | None:
    """Return the choices of the formulas as the loops take them; None if they have no such ones."""
    kind = type(quantizer)
    if kind.stages is not Affine.stages or kind.decode is not Affine.decode:
        return None
    if kind.clip is not Quantizer.clip or not fmt.integer or fmt.mapping:
        return None
    rounding = ROUNDINGS.get(a.rounding)
    if rounding is None:
        return None
    shift = NOWHERE
    if quantizer.has_zero_point(fmt, a):
        shift = BEFORE if a.zero_point_first else AFTER
    fused = a.fused and dtype == np.float32 and shift == BEFORE
    qmin, qmax = quantizer.code_range(fmt, a)
    return rounding, shift, fused, a.reciprocal, float(qmin), float(qmax)


@dataclass(frozen=True, eq=False)
class Plan:
    """The ranges that a search tries, in turn; each is an array of float64."""

    shrink: np.ndarray
    """Factors of the largest magnitude."""
    factors: np.ndarray
    """Factors around the best."""
    spread: np.ndarray
    """Shares of the width by which each end moves."""
    moves: np.ndarray
    """Whole steps by which both move."""


def compiled_search(
    values: FloatArray,
    low: FloatArray,
    high: FloatArray,
    quantizer: Quantizer,
    fmt: Format,
    a: Arithmetic,
    plan: Plan,
) -> tuple[FloatArray, FloatArray] | None:
    """Return the range of least cost per row from its extremes; None if the loops do not apply.

    ``values``, shape (rows, n), are finite. The loops make S and Z as the textbook does.
    """
    alike = {name: getattr(a, name) for name in BEYOND_PARAMETERS}
    if loops.compiled is None or values.dtype != np.float32 or replace(TEXTBOOK, **alike) != a:
        return None
    choices = choices_of(quantizer, fmt, a, values.dtype)
    if choices is None or type(quantizer) not in (Symmetric, Asymmetric, ScaleOnly):
        return None
    tables = [np.ascontiguousarray(getattr(plan, f.name), np.float64) for f in fields(plan)]
    # One row may lie with gaps.
    values, low, high = loops.ready(values), low.copy(), high.copy()
    loops.compiled.search(
        choices, quantizer.symmetric_range, type(quantizer) is Asymmetric, *values.shape,
        *(table.size for table in tables), *tables, values, low, high,
    )  # fmt: skip
    return low, high


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
    choices = choices_of(quantizer, p.format, p.arithmetic, p.dtype)
    if choices is None or p.divisor is not None or np.ndim(p.offset):
        return None
    if not each or (np.ndim(weights) == 0 and weights != 1):
        return None
    scale = np.ascontiguousarray(np.atleast_1d(p.working_scale))
    zero_point = np.broadcast_to(np.asarray(p.zero_point, np.float64), scale.shape)
    clipped, rounded = np.empty(scale.size), np.empty(scale.size)
    loops.compiled.costs(
        choices, p.dtype == np.float64, exponent, *values.shape, scale.size, loops.ready(values),
        weights if np.ndim(weights) else None, scale, np.ascontiguousarray(zero_point),
        clipped, rounded,
    )  # fmt: skip
    return clipped, rounded
