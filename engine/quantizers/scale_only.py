"""Scale-only quantizer: a scale from the width of the range, without a zero point."""

from __future__ import annotations

from typing import Any

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers.affine import Affine, divided, extent
from quantoscope.engine.quantizers.params import Ends


class ScaleOnly(Affine):
    """S = (Rmax − Rmin) / (Qmax − Qmin); Q = Clip(Round(R / S)); R' = Q·S.

    The scale fits the width of the range, but the range is not shifted onto the codes: values
    off centre are clipped.
    """

    name = "scale-only"
    summary = "A scale from the whole range, no zero point: values off centre are clipped."

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "({Rmax} − {Rmin}) / ({Qmax} − {Qmin})"

    def used_range(self, ends: Ends, fmt: Format, a: Arithmetic) -> tuple[FloatArray, FloatArray]:
        return ends.low, ends.high

    def scale(self, low: FloatArray, high: FloatArray, q: Any, a: Arithmetic) -> FloatArray:
        return divided(extent(low, high, a), q[1] - q[0], a)
