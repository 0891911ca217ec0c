"""Symmetric quantizer: a scale from the largest magnitude, with code 0 for the value 0."""

from __future__ import annotations

from typing import Any

import numpy as np

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic, Divisor
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers.affine import Affine, divided, extent
from quantoscope.engine.quantizers.params import Ends

_FORMULAS = {
    "qmax": "{maxR} / {Qmax}",
    "half": "{maxR} / (({Qmax} − {Qmin}) / 2)",
    "width": "2 · {maxR} / ({Qmax} − {Qmin})",
}


class Symmetric(Affine):
    """S = max|R| / Qmax; Q = Clip(Round(R / S), −Qmax, Qmax); R' = Q·S.

    Nothing is clipped, but if one sign has larger values, some codes of the other sign are
    unused, and one outlier widens every step. An unsigned format has codes 0 … Qmax, so it
    suits values that are never negative. Of a floating-point format Q is the nearest number.
    """

    name = "symmetric"
    summary = "A scale from the largest magnitude: nothing clips, the short side wastes codes."
    symmetric_range = True
    arithmetic_fields = ("divisor", "narrow_from", "middle_zero")

    def refuses(self, fmt: Format) -> str:
        return f"{fmt} brings a mapping of its own" if fmt.mapping else ""

    def code_range(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[float, float]:
        narrow = fmt.qmin < 0 and (not fmt.integer or fmt.bits >= arithmetic.narrow_from)
        return (-fmt.qmax if narrow else fmt.qmin), fmt.qmax

    def has_zero_point(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> bool:
        return arithmetic.middle_zero and fmt.qmin == 0

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return _FORMULAS[arithmetic.divisor]

    def zero_point_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "({Qmax} − {Qmin} + 1) / 2" if self.has_zero_point(fmt, arithmetic) else "0"

    def used_range(self, ends: Ends, fmt: Format, a: Arithmetic) -> tuple[FloatArray, FloatArray]:
        """Return ±max|R|, or 0 … max|R| for an unsigned format without a zero point."""
        largest = np.abs(ends.peak)
        if a.range_floor:
            largest = np.maximum(largest, largest.dtype.type(a.range_floor))
        both_sides = fmt.qmin < 0 or self.has_zero_point(fmt, a)
        return (-largest if both_sides else largest * 0), largest

    def scale(self, low: FloatArray, high: FloatArray, q: Any, a: Arithmetic) -> FloatArray:
        if a.divisor is Divisor.WIDTH:
            return divided(extent(-high, high, a), q[1] - q[0], a)
        return divided(high, q[1] if a.divisor is Divisor.QMAX else (q[1] - q[0]) / 2, a)

    def zero_point(
        self, low: FloatArray, high: FloatArray, s: FloatArray, q: Any, a: Arithmetic
    ) -> Any:
        middle = (q[1] + 1) // 2 if a.middle_zero and q[0] == 0 else 0
        return np.full(s.shape, float(middle))
