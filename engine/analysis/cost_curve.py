"""Cost curves: error against clipping threshold, with the choices of calibration methods."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.calibration import METHODS, Calibration
from quantoscope.engine.calibration.base import extreme_exponent, finite_values, inside
from quantoscope.engine.calibration.entropy import curve
from quantoscope.engine.calibration.mse import sample_points, squared_errors
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.clip_range import clip_range
from quantoscope.engine.numerics.arrays import as_working
from quantoscope.engine.numerics.granularity import PER_TENSOR
from quantoscope.engine.numerics.kernels import extremes
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.scheme import Scheme, as_scheme


def compared() -> list[Calibration]:
    """Return the methods that the curves are marked with: all that take the range from data."""
    return [Calibration(m.name, m.first) for m in METHODS.values() if not m.by_hand]


@dataclass(frozen=True, eq=False)
class Objective:
    """Cost of clipping at ±T, for T from the bulk of the data to its largest |R|."""

    thresholds: np.ndarray
    """T, ascending, in the unit of R; empty if the data is constant. Shape (n,)."""
    clipping: np.ndarray
    rounding: np.ndarray
    """Clipping and rounding: their parts of the mean squared error, in the squared unit of R
    divided by ``4**exponent``. Shape (n,)."""
    cuts: np.ndarray
    divergence: np.ndarray
    """Cuts and divergence: thresholds at histogram bins, and the KL divergence there in nats,
    without ∞. Shape (m,)."""
    marks: dict[str, float]
    """Threshold of each method: the larger |end| of its range."""
    beyond: dict[str, int]
    """Number of values with a larger |R|."""
    exponent: int = 0
    """0 unless squares of the data under- or overflow float64."""

    def log(self, part: np.ndarray) -> np.ndarray:
        """Return decimal logarithms of a part of the error, in the squared unit of R."""
        found: np.ndarray = logs(part) + 2 * self.exponent * np.log10(2.0)
        return found

    @property
    def total(self) -> np.ndarray:
        """Mean squared error, shape (n,)."""
        total: np.ndarray = self.clipping + self.rounding
        return total


def logs(values: np.ndarray) -> np.ndarray:
    """Return decimal logarithms; NaN if undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log10(values)
    return np.where(np.isfinite(found), found, np.nan)


def objective(x: ArrayLike, scheme: Scheme | str, count: int = 96) -> Objective:
    """Return the curves for a scheme's format and mapping, regardless of its calibration.

    The range at a threshold is ±T limited to the data (for a symmetric range ±T itself). Large
    arrays are represented by their extremes and a sample.

    Raises
    ------
    QuantizationError
        If there is no finite value, or the format's range cannot be chosen.
    """
    scheme = as_scheme(scheme)
    if scheme.fixed_range:
        raise QuantizationError(
            f"{scheme.format} takes its range from the extremes of each block: "
            "there is no threshold to choose."
        )
    scheme = replace(scheme, granularity=PER_TENSOR)
    array = as_working(x)
    finite = finite_values(array)
    quantizer = QUANTIZERS[scheme.mapping]
    low, high, _ = extremes(finite)
    reach = float(max(abs(low), abs(high)))
    marks = {}
    for method in compared():
        ends = clip_range(array, replace(scheme, calibration=method))
        marks[str(method)] = float(max(abs(ends[0]), abs(ends[1])))
    size = np.abs(finite)
    beyond = {name: int(np.count_nonzero(size > at)) for name, at in marks.items()}
    nothing = np.zeros(0)
    empty = Objective(nothing, nothing, nothing, nothing, nothing, marks, beyond)
    if low == high or reach == 0:
        return empty
    points = sample_points(finite.reshape(1, -1))
    with np.errstate(over="ignore"):  # an infinite median is not the smallest
        bulk = float(np.median(np.abs(points.values.astype(np.float64))))
    start = max(min(bulk, *marks.values()) / 2, reach * 1e-6)
    if start == 0:
        return empty
    with np.errstate(over="ignore", under="ignore"):
        thresholds = np.geomspace(start, reach, count).astype(finite.dtype)
    thresholds = thresholds[(thresholds > 0) & np.isfinite(thresholds)]
    exponent = extreme_exponent(array)
    costs = [
        squared_errors(points, quantizer, scheme.format, ends, scheme.arithmetic, exponent)
        for ends in (inside(low, high, t, quantizer) for t in thresholds)
    ]
    parts = np.array(costs).reshape(-1, 2) / finite.size
    with np.errstate(under="ignore"):
        usual = np.ldexp(finite, -exponent) if exponent else finite
    cuts, divergence = curve(usual, scheme.format, scheme.arithmetic.entropy)
    cuts = np.ldexp(cuts, exponent)
    known = np.isfinite(divergence)
    return Objective(
        thresholds=thresholds.astype(np.float64),
        clipping=parts[:, 0],
        rounding=parts[:, 1],
        cuts=cuts[known],
        divergence=divergence[known],
        marks=marks,
        beyond=beyond,
        exponent=exponent,
    )
