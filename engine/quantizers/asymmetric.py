"""Asymmetric quantizer: a scale and a zero point, so that the range fills the codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic, Precision, ZeroPoint
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers.affine import Affine, divided, extent
from quantoscope.engine.quantizers.params import Ends, QParams

_ZERO_POINTS = {
    "from-max": "{Qmax} − Round({Rmax} / {S})",
    "from-min": "{Qmin} − Round({Rmin} / {S})",
    "sum": "Round({Qmin} − {Rmin} / {S})",
    "nearer-end": "RoundAway({Qmin} − {Rmin} / {S}), or with Qmax, Rmax where that end is nearer "
    "to 0",
}


class Asymmetric(Affine):
    """S = (Rmax − Rmin) / (Qmax − Qmin); Z = Qmax − Round(Rmax / S);
    Q = Clip(Round(R / S + Z), Qmin, Qmax); R' = (Q − Z)·S.

    The zero point shifts the range onto the codes, all of which can be reached. These are the
    textbook formulas: the range is not widened to include 0, so Z may lie outside the codes.
    """  # noqa: D205

    name = "asymmetric"
    summary = "A scale and a zero point: the range fills all the codes."
    arithmetic_fields = ("includes_zero", "zero_point", "exact_scale", "clamps_zero_point")

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "({Rmax} − {Rmin}) / ({Qmax} − {Qmin})"

    def zero_point_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return _ZERO_POINTS[arithmetic.zero_point]

    def zero_point_formula_of(self, p: QParams) -> str:
        if p.arithmetic.zero_point is not ZeroPoint.NEARER_END:
            return super().zero_point_formula_of(p)
        s = self.scale_before_storage(p) if p.arithmetic.exact_scale else p.scale
        with np.errstate(all="ignore"):
            low, high = (np.array([end]) / s for end in p.range)
        end = "min" if _from_min(low, high, (p.qmin, p.qmax))[0] else "max"
        return f"RoundAway({{Q{end}}} − {{R{end}}} / {{S}})"

    def has_zero_point(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> bool:
        return True

    def used_range(self, ends: Ends, fmt: Format, a: Arithmetic) -> tuple[FloatArray, FloatArray]:
        if not a.includes_zero:
            return ends.low, ends.high
        # Adding 0 converts −0 to 0.
        return np.minimum(ends.low, 0) + 0, np.maximum(ends.high, 0) + 0

    def scale(self, low: FloatArray, high: FloatArray, q: Any, a: Arithmetic) -> FloatArray:
        width = extent(low, high, a)
        if a.range_floor:
            width = np.maximum(width, width.dtype.type(a.range_floor))
        return divided(width, q[1] - q[0], a)

    def constant(
        self, value: FloatArray, q: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        # The range from 0 to the constant: one end is 0, the other the constant itself.
        s = np.abs(value).astype(np.float64) / (q[1] - q[0])
        return np.minimum(value, 0), np.maximum(value, 0), s

    def zero_point(
        self, low: FloatArray, high: FloatArray, s: FloatArray, q: Any, a: Arithmetic
    ) -> Any:
        if a.zero_point is ZeroPoint.FROM_MAX:
            turns = np.rint(high.astype(np.float64) / s)
            # Python's integers are exact at any distance from 0.
            exact = turns.size == 1 and np.isfinite(turns[0])
            return [q[1] - int(turns[0])] if exact else q[1] - turns
        if a.division is Precision.WORKING:
            s, low, high = s.astype(low.dtype), low, high
        else:
            low, high = low.astype(np.float64), high.astype(np.float64)
        kind = low.dtype.type
        if a.zero_point is ZeroPoint.FROM_MIN:
            z = kind(q[0]) - np.rint(low / s)
        elif a.zero_point is ZeroPoint.SUM:
            z = np.rint(kind(q[0]) - low / s)
        else:
            z = _nearer_end(low / s, high / s, q)
        z = np.where(np.isfinite(z), z, q[0]).astype(np.float64)
        z = np.clip(z, *q) if a.clamps_zero_point else z
        return np.where(low == high, 0.0, z) if a.zero_point is ZeroPoint.NEARER_END else z


def _from_min(low: FloatArray, high: FloatArray, q: Any) -> np.ndarray:
    """Return whether Z follows from Rmin, which has the smaller error."""
    return np.asarray(abs(q[0]) + np.abs(low) < abs(q[1]) + np.abs(high))


def _nearer_end(low: FloatArray, high: FloatArray, q: Any) -> FloatArray:
    """Return Z from the end with the smaller error: TFLite's ChooseQuantizationParams."""
    z = np.where(_from_min(low, high, q), q[0] - low, q[1] - high)
    return np.asarray(np.copysign(np.floor(np.abs(z) + 0.5), z))
