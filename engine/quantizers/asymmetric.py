"""Asymmetric: a scale and a zero point, so that the range fills the codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arrays import FloatArray
from engine.quantizers.base import QParams, Stage, Uniform, extent


class Asymmetric(Uniform):
    """S = (Rmax − Rmin) / (Qmax − Qmin); Z = Qmax − Round(Rmax / S);
    Q = Clip(Round(R / S + Z), Qmin, Qmax); R' = (Q − Z)·S.

    The zero point shifts the range onto the codes, all of which can be reached. These are the
    textbook formulas: the range is not widened to include 0, so Z may lie outside the codes.
    """  # noqa: D205

    name = "asymmetric"
    summary = "A scale and a zero point: the range fills all the codes."
    scale_formula = "({Rmax} − {Rmin}) / ({Qmax} − {Qmin})"
    zero_point_formula = "{Qmax} − Round({Rmax} / {S})"
    stage_list = (
        Stage("scaled", "R/S", "{R} / {S}"),
        Stage("shifted", "+ Z", "{scaled} + {Z}"),
        Stage("rounded", "Round", "Round({shifted})"),
        Stage("clipped", "Clip", "Clip({rounded}, {Qmin}, {Qmax})"),
    )
    reconstruction = Stage("reconstructed", "R′", "({Q} − {Z}) · {S}")

    def scale(self, r_min: Any, r_max: Any, qmin: int, qmax: int) -> float:
        return extent(r_min, r_max) / (qmax - qmin)

    def constant(self, value: Any, qmin: int, qmax: int) -> tuple[Any, Any, float]:
        # The range from 0 to the constant: one end is 0, the other the constant itself.
        zero = value * 0
        return min(value, zero), max(value, zero), float(abs(value)) / (qmax - qmin)

    def zero_point(self, r_max: Any, s: float, qmax: int) -> int:
        return qmax - round(float(r_max) / s)

    def parameter_bits(self, p: QParams) -> int:
        # A zero point outside the codes takes an int32.
        fits = p.qmin <= p.zero_point <= p.qmax
        return super().parameter_bits(p) + (p.format.bits if fits else 32)

    def stages(self, r: FloatArray, p: QParams) -> Mapping[str, FloatArray]:
        with np.errstate(over="ignore", under="ignore"):
            scaled = r / p.working_scale
            shifted = scaled + p.dtype.type(p.zero_point)
        rounded = p.arithmetic.round(shifted)
        clipped = np.clip(rounded, p.qmin, p.qmax)
        return {"scaled": scaled, "shifted": shifted, "rounded": rounded, "clipped": clipped}
