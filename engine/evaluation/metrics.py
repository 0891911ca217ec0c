"""Definitions of all metrics: key, name, formula, unit, and direction.

The sums run in float64 over the values that are finite and whose reconstructed value and error are
finite; counts of clipped values and of codes take in the infinities too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from quantoscope.engine.evaluation.accumulators import Totals, ldexp
from quantoscope.engine.quantizers import QUANTIZERS, QParams

Better = Literal["higher", "lower", "zero", ""]


@dataclass(frozen=True, eq=False)
class Sample:
    """Input of the metrics."""

    totals: Totals
    """Sums of all values, or of a part."""
    max_index: int
    """Position of the first largest |R′ − R|; −1 if there is none."""

    @property
    def n(self) -> int:
        """Number of values in the sums."""
        return self.totals.n

    @property
    def qparams(self) -> QParams:
        """Parameters of the whole array, or of a part."""
        return self.totals.qparams


def _sqnr(s: Sample) -> float:
    """Return the SQNR in dB: +∞ without error, −∞ without signal."""
    if s.n == 0:
        return math.nan
    noise = s.totals.noise
    return math.inf if noise.mantissa == 0 else s.totals.sum("rr").decibel() - noise.decibel()


def _rmse(s: Sample) -> float:
    noise = s.totals.noise
    # The exponent of a sum of squares is even.
    return ldexp(math.sqrt(noise.mantissa / s.n), noise.exponent // 2) if s.n else math.nan


def _rmse_over_scale(s: Sample) -> float:
    """Return RMSE / S; NaN for formats without a uniform step."""
    if s.n == 0 or not s.qparams.format.integer:
        return math.nan
    if np.ndim(s.qparams.scale):
        stepped = s.totals.stepped
        return math.sqrt(s.totals.sum("steps").over(stepped)) if stepped else math.nan
    # A subnormal RMSE would lose digits before the division.
    scale, exponent = math.frexp(abs(float(s.qparams.working_scale)))
    if scale == 0:
        return math.nan
    noise = s.totals.noise
    return ldexp(math.sqrt(noise.mantissa / s.n) / scale, noise.exponent // 2 - exponent)


def _max_index(s: Sample) -> float:
    return s.max_index if s.n else math.nan


def _max_error(s: Sample) -> float:
    return s.totals.worst_unit()[1]


def _cosine(s: Sample) -> float:
    """Return the cosine of R and R'; 1 if both are zero, 0 if only one is."""
    if s.n == 0:
        return math.nan
    real, reconstructed, product = (s.totals.sum(kind) for kind in ("rr", "qq", "rq"))
    norms = math.sqrt(real.mantissa) * math.sqrt(reconstructed.mantissa)
    if norms == 0:
        return 1.0 if real.mantissa == reconstructed.mantissa else 0.0
    turns = product.exponent - (real.exponent + reconstructed.exponent) // 2
    return max(-1.0, min(1.0, ldexp(product.mantissa / norms, turns)))


def _entropy(s: Sample) -> float:
    counts = s.totals.counts
    used = counts[counts > 0]
    if used.size == 0:
        return math.nan
    p = used / used.sum()
    return max(0.0, -float(np.sum(p * np.log2(p))))


def _bits_per_value(s: Sample) -> float:
    """Return the storage per value in bits, with its share of its channel's parameters.

    Those of a whole tensor are left out: beside a few numbers they would weigh more than all
    codes, beside many nothing. NaN counts like any other value.
    """
    p, size = s.qparams, s.totals.size
    if p.granularity.whole:
        return float(p.format.bits)
    if size == 0:
        return math.nan
    return p.format.bits + QUANTIZERS[p.mapping].parameter_bits(p) * s.totals.sets / size


def _predicted(s: Sample) -> float:
    """Return the SQNR predicted for uniform noise; NaN for formats without a uniform step."""
    p = s.qparams
    if s.n == 0 or not p.format.integer:
        return math.nan
    scales = np.abs(np.atleast_1d(p.working_scale).astype(np.float64))
    largest = float(scales.max())
    if largest == 0 or not math.isfinite(largest):
        return math.nan
    # The mean of S² over all values, relative to the largest S against underflow.
    sizes = s.totals.size_of_sets
    scales /= largest
    scales *= scales
    mean = float(scales.mean() if sizes is None else np.sum(scales * sizes) / sizes.sum())
    signal = s.totals.sum("rr").decibel()
    return signal - 20 * math.log10(largest) - 10 * math.log10(mean) + 10 * math.log10(12)


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes
    ----------
    key : str
        Key in ``Evaluation.metrics`` and in files.
    name, formula, unit : str
        Texts for the user; an empty unit means a pure number.
    better : str
        ``"higher"``, ``"lower"``, ``"zero"`` (nearest to 0), or empty where no way is better.
    compute : callable
        Computes the metric from the sums.
    of : str
        Key of the metric that this one is a part of, or empty.
    position : bool
        Whether it is the flat position of a value.
    """

    key: str
    name: str
    formula: str
    unit: str
    better: Better
    compute: Callable[[Sample], float]
    of: str = ""
    position: bool = False


DATA_UNIT = "unit of R"

METRICS: tuple[Metric, ...] = (
    Metric("sqnr", "SQNR", "10·log10(ΣR² / Σ(R′−R)²)", "dB", "higher", _sqnr),
    Metric(
        "bits_per_value",
        "Bits/value",
        "bits of a code + bits of S and Z of every channel, group or block / number of values; "
        "one S and Z for all values is not counted",
        "bit",
        "lower",
        _bits_per_value,
    ),
    Metric(
        "mse", "MSE", "Σ(R′−R)² / n", "(unit of R)²", "lower", lambda s: s.totals.noise.over(s.n)
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
        "mae", "MAE", "Σ|R′−R| / n", DATA_UNIT, "lower", lambda s: s.totals.sum("size").over(s.n)
    ),
    Metric("max_abs_error", "max |error|", "max |R′−R|", DATA_UNIT, "lower", _max_error),
    Metric(
        "max_abs_error_index",
        "at #",
        "index of the first value with max |R′−R|",
        "",
        "",
        _max_index,
        position=True,
    ),
    Metric("bias", "Bias", "Σ(R′−R) / n", DATA_UNIT, "zero", lambda s: s.totals.sum("e").over(s.n)),
    Metric("cosine", "Cosine", "ΣR·R′ / (√ΣR² · √ΣR′²)", "", "higher", _cosine),
    Metric(
        "clipped_low",
        "Clipped low",
        "values whose rounded number lies below Qmin",
        "values",
        "lower",
        lambda s: s.totals.clipped[0],
    ),
    Metric(
        "clipped_high",
        "Clipped high",
        "values whose rounded number lies above Qmax",
        "values",
        "lower",
        lambda s: s.totals.clipped[1],
    ),
    Metric(
        "clipping_power",
        "Clipping power",
        "Σ(R′−R)² over the clipped values / n: their part of MSE",
        "(unit of R)²",
        "lower",
        lambda s: s.totals.sum("clipped").over(s.n),
    ),
    Metric(
        "rounding_power",
        "Rounding power",
        "Σ(R′−R)² over the values not clipped / n: their part of MSE",
        "(unit of R)²",
        "lower",
        lambda s: s.totals.sum("rounded").over(s.n),
    ),
    Metric(
        "codes_used",
        "Codes used",
        "codes that at least one value has; +0 and −0 count as one",
        "codes",
        "higher",
        lambda s: int(np.count_nonzero(s.totals.counts)),
        of="codes_available",
    ),
    Metric(
        "codes_available",
        "Codes",
        "how many codes the scheme has",
        "codes",
        "",
        lambda s: int(s.totals.counts.size),
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
)


METRIC: Mapping[str, Metric] = {metric.key: metric for metric in METRICS}


def compute(sample: Sample) -> dict[str, float]:
    """Return every metric of a sample, by key, as Python ints and floats."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return {metric.key: metric.compute(sample) for metric in METRICS}
