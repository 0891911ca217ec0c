"""Scale-only: a scale from the whole range and no zero point, the general process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arrays import FloatArray
from engine.quantizers.base import QParams, Stage, Uniform, extent


class ScaleOnly(Uniform):
    """S = (Rmax − Rmin) / (Qmax − Qmin); Q = Clip(Round(R / S)); R' = Q·S.

    The scale fits the width of the range, but nothing moves the range onto the codes: whatever
    lies off centre is clipped.
    """

    name = "scale-only"
    summary = "A scale from the whole range, no zero point: values off centre are clipped."
    scale_formula = "({Rmax} − {Rmin}) / ({Qmax} − {Qmin})"
    stage_list = (
        Stage("scaled", "R/S", "{R} / {S}"),
        Stage("rounded", "Round", "Round({scaled})"),
        Stage("clipped", "Clip", "Clip({rounded}, {Qmin}, {Qmax})"),
    )
    reconstruction = Stage("reconstructed", "R′", "{Q} · {S}")

    def scale(self, r_min: Any, r_max: Any, qmin: int, qmax: int) -> float:
        return extent(r_min, r_max) / (qmax - qmin)

    def stages(self, r: FloatArray, p: QParams) -> Mapping[str, FloatArray]:
        with np.errstate(over="ignore", under="ignore"):
            scaled = r / p.working_scale
        rounded = p.arithmetic.round(scaled)
        clipped = np.clip(rounded, p.qmin, p.qmax)
        return {"scaled": scaled, "rounded": rounded, "clipped": clipped}
