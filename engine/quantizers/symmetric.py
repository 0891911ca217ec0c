"""Symmetric: a scale from the largest magnitude; code 0 is the value 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.arrays import FloatArray
from engine.formats import Format
from engine.quantizers.base import QParams, Stage, Uniform


class Symmetric(Uniform):
    """S = max|R| / Qmax; Q = Clip(Round(R / S), −Qmax, Qmax); R' = Q·S.

    Nothing clips, but where one sign reaches further, the codes of the other sign are in part
    never used, and one outlier widens every step. An unsigned format has codes 0 … Qmax, so it
    suits values that are never negative.
    """

    name = "symmetric"
    summary = "A scale from the largest magnitude: nothing clips, the short side wastes codes."
    scale_formula = "{maxR} / {Qmax}"
    mirrored = True
    stage_list = (
        Stage("scaled", "R/S", "{R} / {S}"),
        Stage("rounded", "Round", "Round({scaled})"),
        Stage("clipped", "Clip", "Clip({rounded}, {Qmin}, {Qmax})"),
    )
    reconstruction = Stage("reconstructed", "R′", "{Q} · {S}")

    def code_range(self, fmt: Format) -> tuple[int, int]:
        return (-fmt.qmax if fmt.signed else 0), fmt.qmax

    def scale(self, r_min: Any, r_max: Any, qmin: int, qmax: int) -> float:
        return float(r_max) / qmax

    def used_range(self, r_min: Any, r_max: Any, fmt: Format) -> tuple[Any, Any]:
        """Return ±max|R|, or 0 … max|R| for an unsigned format."""
        largest = max(abs(r_min), abs(r_max))
        return (-largest if fmt.signed else largest * 0), largest

    def stages(self, r: FloatArray, p: QParams) -> Mapping[str, FloatArray]:
        with np.errstate(over="ignore", under="ignore"):
            scaled = r / p.working_scale
        rounded = p.arithmetic.round(scaled)
        clipped = np.clip(rounded, p.qmin, p.qmax)
        return {"scaled": scaled, "rounded": rounded, "clipped": clipped}
