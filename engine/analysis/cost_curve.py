"""Cost curves: error against clipping threshold, with the choices of calibration methods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.calibration import METHODS, Calibration
from quantoscope.engine.calibration.base import extreme_exponent, finite_values, inside
from quantoscope.engine.calibration.entropy import curve
from quantoscope.engine.calibration.mse import sample_points, squared_errors, whole_points
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.clip_range import clip_range
from quantoscope.engine.numerics.arrays import FloatArray, as_working
from quantoscope.engine.numerics.granularity import PER_TENSOR
from quantoscope.engine.numerics.kernels import Scratch, extremes, flat_block, over_blocks
from quantoscope.engine.quantizers import QUANTIZERS, Quantizer, ends_of
from quantoscope.engine.schemes.scheme import Scheme, as_scheme

BEYOND = 1.1
"""Share of the largest mark up to which the curves reach."""


def compared() -> list[Calibration]:
    """Return the methods that the curves are marked with: all that take the range from data."""
    return [Calibration(m.name, m.first) for m in METHODS.values() if not m.by_hand]


@dataclass(frozen=True)
class Mark:
    """A calibration method's range, and what it costs on all finite values."""

    low: float
    high: float
    clipping: float
    rounding: float
    """Clipping and rounding: the parts of the mean squared error, in the unit of the curves."""
    clipped: int
    """Number of clipped values."""

    @property
    def threshold(self) -> float:
        """The larger |end| of the range."""
        return max(abs(self.low), abs(self.high))

    @property
    def total(self) -> float:
        """Mean squared error."""
        return self.clipping + self.rounding


@dataclass(frozen=True, eq=False)
class Objective:
    """Cost of clipping at ±T, for T from the bulk of the data to beyond every method's range."""

    thresholds: np.ndarray
    """T, ascending, in the unit of R, among them the largest |R| and those of the marks; empty if
    the data is constant. Shape (n,)."""
    clipping: np.ndarray
    rounding: np.ndarray
    """Clipping and rounding: their parts of the mean squared error, in the squared unit of R
    divided by ``4**exponent``. Shape (n,)."""
    cuts: np.ndarray
    divergence: np.ndarray
    """Cuts and divergence: thresholds at histogram bins, and the KL divergence there in nats;
    ∞ where values are clipped into empty bins, NaN where none is kept. Shape (m,)."""
    marks: dict[str, Mark]
    """The range of each method."""
    exponent: int = 0
    """0 unless squares of the data under- or overflow float64."""

    def log(self, part: ArrayLike) -> np.ndarray:
        """Return decimal logarithms of a part of the error, in the squared unit of R."""
        found: np.ndarray = logs(part) + 2 * self.exponent * np.log10(2.0)
        return found

    @property
    def total(self) -> np.ndarray:
        """Mean squared error, shape (n,)."""
        total: np.ndarray = self.clipping + self.rounding
        return total


def logs(values: ArrayLike) -> np.ndarray:
    """Return decimal logarithms; NaN if undefined."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log10(values)
    return np.where(np.isfinite(found), found, np.nan)


def ends_at(low: float, high: float, threshold: float, quantizer: Quantizer) -> tuple[Any, Any]:
    """Return the range with the larger |end| ``threshold``, for data from low to high.

    It is ±threshold for a symmetric range. Any other is the data's, limited to ±threshold, or
    widened about 0 if the threshold lies beyond the data.
    """
    reach = max(abs(low), abs(high))
    if quantizer.symmetric_range or threshold <= reach:
        return inside(low, high, threshold, quantizer)
    by = float(threshold) / float(reach)
    return min(low, low * by), max(high, high * by)


def objective(x: ArrayLike, scheme: Scheme | str, count: int = 96) -> Objective:
    """Return the curves for a scheme's format and mapping, regardless of its calibration.

    ``ends_at`` says which range a threshold stands for. Of large arrays the curves are those of
    their extremes and a sample; the marks are measured on all values.

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
    exponent = extreme_exponent(array)
    marks = {}
    for method in compared():
        ends = clip_range(array, replace(scheme, calibration=method))
        marks[str(method)] = _mark(finite, scheme, quantizer, ends, exponent)
    nothing = np.zeros(0)
    empty = Objective(nothing, nothing, nothing, nothing, nothing, marks)
    if low == high or reach == 0:
        return empty
    points = sample_points(finite.reshape(1, -1))
    with np.errstate(over="ignore"):  # an infinite median is not the smallest
        bulk = float(np.median(np.abs(points.values.astype(np.float64))))
    places = [mark.threshold for mark in marks.values()]
    start = max(min(bulk, *places) / 2, reach * 1e-6)
    if start == 0:
        return empty
    thresholds = _thresholds(start, reach, places, count, finite.dtype)
    costs = [
        squared_errors(points, quantizer, scheme.format, ends, scheme.arithmetic, exponent)
        for ends in (ends_at(low, high, t, quantizer) for t in thresholds)
    ]
    parts = np.array(costs).reshape(-1, 2) / finite.size
    with np.errstate(under="ignore"):
        usual = np.ldexp(finite, -exponent) if exponent else finite
    cuts, divergence = curve(usual, scheme.format, scheme.arithmetic.entropy)
    cuts = np.ldexp(cuts, exponent)
    return Objective(
        thresholds=thresholds.astype(np.float64),
        clipping=parts[:, 0],
        rounding=parts[:, 1],
        cuts=cuts,
        divergence=divergence,
        marks=marks,
        exponent=exponent,
    )


def _thresholds(
    start: float, reach: float, marks: list[float], count: int, dtype: np.dtype[Any]
) -> np.ndarray:
    """Return ``count`` thresholds up to the largest |R|, those of the marks, and some beyond."""
    with np.errstate(over="ignore", under="ignore"):
        most = min(BEYOND * max(reach, *marks), float(np.finfo(np.float64).max))
        within, beyond = np.geomspace(start, reach, count), np.geomspace(reach, most, count // 4)
        found = np.concatenate([within, beyond, [at for at in marks if at >= start]]).astype(dtype)
    return np.unique(found[(found > 0) & np.isfinite(found)])


def _mark(
    finite: FloatArray, scheme: Scheme, quantizer: Quantizer, ends: tuple[Any, Any], exponent: int
) -> Mark:
    """Return what a range costs on all finite values."""
    p = quantizer.parameters(ends_of(*ends), scheme.format, scheme.arithmetic, PER_TENSOR)

    def work(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        points = whole_points(flat_block(finite, start, stop)[None])
        costs = squared_errors(points, quantizer, scheme.format, ends, scheme.arithmetic, exponent)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            saturated = quantizer.encode(points.values, p.column())[1]
        clipped = 0 if saturated is None else np.count_nonzero(saturated)
        return np.array([float(costs[0][0]), float(costs[1][0]), clipped])

    clipping, rounding, clipped = np.sum(over_blocks(finite.size, work), axis=0)
    parts = float(clipping / finite.size), float(rounding / finite.size)
    return Mark(float(ends[0]), float(ends[1]), *parts, int(clipped))
