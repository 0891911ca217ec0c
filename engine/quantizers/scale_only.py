"""Scale-only: a scale from the whole range and no zero point, the general process."""

from __future__ import annotations

from typing import Any

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers.affine import Affine, divided, extent
from quantoscope.engine.quantizers.params import Ends


class ScaleOnly(Affine):
    """S = (Rmax − Rmin) / (Qmax − Qmin); Q = Clip(Round(R / S)); R' = Q·S.

    The scale fits the width of the range, but nothing moves the range onto the codes: whatever
    lies off centre is clipped.
    """

    name = "scale-only"
    summary = "A scale from the whole range, no zero point: values off centre are clipped."

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "({Rmax} − {Rmin}) / ({Qmax} − {Qmin})"

    def used_range(self, ends: Ends, fmt: Format, a: Arithmetic) -> tuple[FloatArray, FloatArray]:
        return ends.low, ends.high

    def scale(self, low: FloatArray, high: FloatArray, q: Any, a: Arithmetic) -> FloatArray:
        return divided(extent(low, high, a), q[1] - q[0], a)
