"""Every metric, defined once: key, name, formula, unit, and which way is better.

The sums run in float64 over the values that are finite and whose rebuilt value and error are
finite; counts of clipped values and of codes take in the infinities too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from engine.arrays import FloatArray, IntArray
from engine.quantizers import QUANTIZERS, QParams

Better = Literal["higher", "lower", "zero", ""]


class Scaled:
    """Numbers in float64 as ``x · 2**exponent``, the largest |x| below 1.

    Squared as they are, neither 1e-200 nor 1e200 would fit float64. The squares of float32
    numbers all fit, so those keep the exponent 0.
    """

    def __init__(self, numbers: FloatArray) -> None:
        self.x: np.ndarray = numbers.astype(np.float64)
        self.exponent = 0
        if numbers.dtype != np.float32 and numbers.size:
            self.exponent = math.frexp(max(-float(self.x.min()), float(self.x.max())))[1]
            self.x = np.ldexp(self.x, -self.exponent)

    @cached_property
    def squares(self) -> float:
        """Σx², to be multiplied by ``4**exponent``."""
        return float(np.dot(self.x, self.x))

    def decibel(self) -> float:
        """10·log10 of the mean square; −∞ where all are 0."""
        if self.squares == 0:
            return -math.inf
        return 10 * math.log10(self.squares / self.x.size) + 20 * self.exponent * math.log10(2)


def _ldexp(mantissa: float, exponent: int) -> float:
    """``mantissa · 2**exponent``, infinite where that overflows."""
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


@dataclass(frozen=True, eq=False)
class Sample:
    """What the metrics are computed from.

    Attributes
    ----------
    values, reconstructed, error : ndarray, any shape
        R, R' and R' − R in the working precision.
    saturated : ndarray of int8, the same shape
        −1, 0 or 1.
    counts : ndarray of int, shape (number of codes,)
        How many values have each code.
    qparams : QParams
        Of the whole array, or aligned with the values of a part.
    sets : int, optional
        How many sets of parameters a part has.
    """

    values: FloatArray
    reconstructed: FloatArray
    error: FloatArray
    saturated: np.ndarray
    counts: IntArray
    qparams: QParams
    sets: int | None = None

    @cached_property
    def usable(self) -> np.ndarray | None:
        """A mask of what enters the sums, or None when everything does."""
        mask = np.isfinite(self.values) & np.isfinite(self.error)
        return None if mask.all() else mask

    def _kept(self, array: np.ndarray) -> np.ndarray:
        return array.reshape(-1) if self.usable is None else array[self.usable]

    @cached_property
    def n(self) -> int:
        """How many values enter the sums."""
        return int(self._kept(self.values).size)

    @cached_property
    def r(self) -> Scaled:
        """R of the usable values."""
        return Scaled(self._kept(self.values))

    @cached_property
    def rebuilt(self) -> Scaled:
        """R' of the usable values."""
        return Scaled(self._kept(self.reconstructed))

    @cached_property
    def e(self) -> Scaled:
        """R' − R of the usable values."""
        return Scaled(self._kept(self.error))

    @cached_property
    def clipped(self) -> np.ndarray:
        """Which of the usable values are clipped."""
        return self._kept(self.saturated).astype(bool)

    @cached_property
    def e_clipped(self) -> Scaled:
        """R' − R of the usable values that are clipped."""
        return Scaled(self._kept(self.error)[self.clipped])

    @cached_property
    def e_rounded(self) -> Scaled:
        """R' − R of the other usable values."""
        # Beside the squares of clipped values, theirs could drown.
        return Scaled(self._kept(self.error)[~self.clipped]) if self.clipped.any() else self.e

    def power(self, part: Scaled) -> float:
        """Σx² over a part of the errors, divided by the n of all."""
        return _ldexp(part.squares / self.n, 2 * part.exponent) if self.n else math.nan

    def mean_error(self, scaled_sum: float) -> float:
        """Undo the scaling of a sum of errors, and divide by n."""
        return _ldexp(scaled_sum / self.n, self.e.exponent) if self.n else math.nan


def _sqnr(s: Sample) -> float:
    """+∞ where there is no error, −∞ where there is nothing but error."""
    if s.n == 0:
        return math.nan
    return math.inf if s.e.squares == 0 else s.r.decibel() - s.e.decibel()


def _rmse(s: Sample) -> float:
    return _ldexp(math.sqrt(s.e.squares / s.n), s.e.exponent) if s.n else math.nan


def _rmse_over_scale(s: Sample) -> float:
    """NaN for formats whose numbers are not one S apart."""
    if s.n == 0 or not s.qparams.format.integer:
        return math.nan
    if not s.qparams.granularity.whole:
        return _rms_of_steps(s)
    # A subnormal RMSE would have lost its digits before the division.
    scale, exponent = math.frexp(abs(float(s.qparams.working_scale)))
    if scale == 0:
        return math.nan
    return _ldexp(math.sqrt(s.e.squares / s.n) / scale, s.e.exponent - exponent)


def _rms_of_steps(s: Sample) -> float:
    """The errors each divided by the scale of their own channel."""
    g, shape = s.qparams.granularity, s.error.shape
    scales = np.abs(np.asarray(s.qparams.working_scale, np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        if s.sets is None:
            rows = g.split(s.error).astype(np.float64)
            steps = s._kept(g.join(rows / scales[:, None], shape))
        else:
            steps = s._kept(s.error.astype(np.float64) / scales)
    steps = steps[np.isfinite(steps)]
    return math.sqrt(float(np.dot(steps, steps)) / steps.size) if steps.size else math.nan


def _max_index(s: Sample) -> float:
    if s.n == 0:
        return math.nan
    magnitude = np.abs(s.error)
    if s.usable is not None:
        magnitude = np.where(s.usable, magnitude, -1)
    return int(magnitude.argmax())


def _max_error(s: Sample) -> float:
    index = _max_index(s)
    return math.nan if math.isnan(index) else abs(float(s.error.flat[int(index)]))


def _cosine(s: Sample) -> float:
    """Cosine of the angle between R and R'; 1 where both are all zero, 0 where one of them is."""
    if s.n == 0:
        return math.nan
    norms = math.sqrt(s.r.squares) * math.sqrt(s.rebuilt.squares)
    if norms == 0:
        return 1.0 if s.r.squares == s.rebuilt.squares else 0.0
    return max(-1.0, min(1.0, float(np.dot(s.r.x, s.rebuilt.x)) / norms))


def _entropy(s: Sample) -> float:
    used = s.counts[s.counts > 0]
    if used.size == 0:
        return math.nan
    p = used / used.sum()
    return max(0.0, -float(np.sum(p * np.log2(p))))


def _bits_per_value(s: Sample) -> float:
    """What a value costs in storage, its share of the parameters included."""
    if s.n == 0:
        return math.nan
    p = s.qparams
    sets = p.count if s.sets is None else s.sets
    return p.format.bits + QUANTIZERS[p.mapping].parameter_bits(p) * sets / s.n


def _predicted(s: Sample) -> float:
    """NaN for formats whose numbers are not evenly spaced."""
    p = s.qparams
    if s.n == 0 or not p.format.integer:
        return math.nan
    scales = np.abs(np.atleast_1d(p.working_scale).astype(np.float64))
    largest = float(scales.max())
    if largest == 0 or not math.isfinite(largest):
        return math.nan
    # The mean of S² over all values, beside the largest S lest it underflow.
    shares = np.full(scales.size, 1 / scales.size)
    if p.count > 1 and s.sets is None:
        shares = p.granularity.sizes(s.values.shape) / s.values.size
    mean = float(np.sum(shares * (scales / largest) ** 2))
    return s.r.decibel() - 20 * math.log10(largest) - 10 * math.log10(mean) + 10 * math.log10(12)


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    Attributes
    ----------
    key : str
        Its name in ``Evaluation.metrics`` and in files.
    name, formula, unit : str
        What people read; an empty unit means a pure number.
    better : str
        ``"higher"``, ``"lower"``, ``"zero"`` (nearest to 0), or empty where no way is better.
    of : str
        The key of the metric that this one is a part of, or empty.
    """

    key: str
    name: str
    formula: str
    unit: str
    better: Better
    compute: Callable[[Sample], float]
    of: str = ""


DATA_UNIT = "unit of R"

METRICS: tuple[Metric, ...] = (
    Metric("sqnr", "SQNR", "10·log10(ΣR² / Σ(R′−R)²)", "dB", "higher", _sqnr),
    Metric(
        "mse",
        "MSE",
        "Σ(R′−R)² / n",
        "(unit of R)²",
        "lower",
        lambda s: s.power(s.e),
    ),
    Metric("rmse", "RMSE", "√MSE", DATA_UNIT, "lower", _rmse),
    Metric(
        "rmse_over_scale",
        "RMSE/S",
        "RMSE / S; rounding alone gives 1/√12 = 0.289",
        "steps",
        "lower",
        _rmse_over_scale,
    ),
    Metric(
        "mae",
        "MAE",
        "Σ|R′−R| / n",
        DATA_UNIT,
        "lower",
        lambda s: s.mean_error(float(np.abs(s.e.x).sum())),
    ),
    Metric("max_abs_error", "max |error|", "max |R′−R|", DATA_UNIT, "lower", _max_error),
    Metric(
        "max_abs_error_index",
        "at #",
        "index of the first value with max |R′−R|",
        "",
        "",
        _max_index,
    ),
    Metric(
        "bias", "Bias", "Σ(R′−R) / n", DATA_UNIT, "zero", lambda s: s.mean_error(float(s.e.x.sum()))
    ),
    Metric("cosine", "Cosine", "ΣR·R′ / (√ΣR² · √ΣR′²)", "", "higher", _cosine),
    Metric(
        "clipped_low",
        "Clipped low",
        "values whose rounded number lies below Qmin",
        "values",
        "lower",
        lambda s: int(np.count_nonzero(s.saturated < 0)),
    ),
    Metric(
        "clipped_high",
        "Clipped high",
        "values whose rounded number lies above Qmax",
        "values",
        "lower",
        lambda s: int(np.count_nonzero(s.saturated > 0)),
    ),
    Metric(
        "clipping_power",
        "Clipping power",
        "Σ(R′−R)² over the clipped values / n: their part of MSE",
        "(unit of R)²",
        "lower",
        lambda s: s.power(s.e_clipped),
    ),
    Metric(
        "rounding_power",
        "Rounding power",
        "Σ(R′−R)² over the values not clipped / n: their part of MSE",
        "(unit of R)²",
        "lower",
        lambda s: s.power(s.e_rounded),
    ),
    Metric(
        "codes_used",
        "Codes used",
        "codes that at least one value has",
        "codes",
        "higher",
        lambda s: int(np.count_nonzero(s.counts)),
        of="codes_available",
    ),
    Metric(
        "codes_available",
        "Codes",
        "how many codes the scheme has",
        "codes",
        "",
        lambda s: int(s.counts.size),
    ),
    Metric(
        "code_entropy",
        "Code entropy",
        "−Σ p·log2 p, p: share of each code",
        "bit",
        "higher",
        _entropy,
    ),
    Metric(
        "enob", "ENOB", "(SQNR − 1.76) / 6.02", "bit", "higher", lambda s: (_sqnr(s) - 1.76) / 6.02
    ),
    Metric(
        "sqnr_predicted",
        "SQNR predicted",
        "10·log10(mean(R²) / mean(S²/12)): error uniform in ±S/2, nothing clipped",
        "dB",
        "",
        _predicted,
    ),
    Metric(
        "bits_per_value",
        "Bits/value",
        "bits of a code + bits of every S and Z / number of values",
        "bit",
        "lower",
        _bits_per_value,
    ),
)


METRIC: Mapping[str, Metric] = {metric.key: metric for metric in METRICS}


def compute(sample: Sample) -> dict[str, float]:
    """Return every metric of a sample, by key, as Python ints and floats."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return {metric.key: metric.compute(sample) for metric in METRICS}
