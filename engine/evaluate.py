"""Parameters, codes, rebuilt values, error and metrics of an array under a scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine import metrics
from engine.arrays import FloatArray, IntArray, as_working, is_real
from engine.errors import QuantizationError
from engine.quantizers import QUANTIZERS, QParams
from engine.ranges import clip_range
from engine.scheme import Scheme, as_scheme


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a scheme does to an array.

    Attributes
    ----------
    scheme : Scheme
    qparams : QParams
    codes : ndarray of the format's integer type, shape of the input
        Where the input is NaN this holds the code nearest to 0 as a placeholder.
    reconstructed, error : ndarray of the working precision, shape of the input
        R' and R' − R; NaN where the input is NaN.
    saturated : ndarray of int8, shape of the input
        −1 where the rounded code lay below the code range, 1 above, 0 within (and for NaN).
    code_counts : ndarray of int, shape (number of codes,)
        How many values have each code, in the order of ``codes`` of the quantizer.
    metrics : mapping of str to float
        Every entry of ``engine.METRICS`` by its key.
    warnings : tuple of str
        Sentences about what the figures alone do not tell.
    """

    scheme: Scheme
    qparams: QParams
    codes: IntArray
    reconstructed: FloatArray
    error: FloatArray
    saturated: np.ndarray
    code_counts: IntArray
    metrics: Mapping[str, float]
    warnings: tuple[str, ...]


def calibrate(x: ArrayLike, scheme: Scheme | str) -> QParams:
    """Return the parameters that a scheme takes from the data.

    Parameters
    ----------
    x : array_like
        Any shape; NaN and infinities are left out of the range.
    scheme : Scheme or str

    Raises
    ------
    QuantizationError
        For an array that is empty, not of real numbers, or without a finite value.
    """
    scheme = as_scheme(scheme)
    low, high = clip_range(as_working(x), scheme)
    return QUANTIZERS[scheme.mapping].parameters(low, high, scheme.format, scheme.arithmetic)


def quantize(x: ArrayLike, qparams: QParams) -> IntArray:
    """Return the codes of ``x``, in its shape, in the format's own integer type.

    Raises
    ------
    QuantizationError
        When ``x`` holds NaN, which no integer code can express (``evaluate`` marks them
        instead), is empty, or does not hold real numbers.
    """
    with np.errstate(over="ignore", under="ignore"):
        r = as_working(x).astype(qparams.dtype, copy=False)
    count = int(np.count_nonzero(np.isnan(r)))
    if count:
        raise QuantizationError(
            f"{_values(count)} NaN, which no integer code can express; "
            "evaluate() counts and marks them instead."
        )
    return QUANTIZERS[qparams.mapping].encode(r, qparams)[0]


def dequantize(codes: ArrayLike, qparams: QParams) -> FloatArray:
    """Return the rebuilt values of codes, in their shape: float32 (float64 for float64 data).

    Raises
    ------
    QuantizationError
        When the codes are not integers.
    """
    array = np.asarray(codes)
    if array.size and (array.dtype.kind == "f" or not is_real(array.dtype)):
        raise QuantizationError(f"Codes are integers; these are {array.dtype.name} values.")
    return QUANTIZERS[qparams.mapping].decode(array, qparams)


def evaluate(x: ArrayLike, scheme: Scheme | str) -> Evaluation:
    """Apply a scheme to an array: calibrate, quantize, dequantize, compare.

    Parameters
    ----------
    x : array_like
        Any shape. NaN is counted, marked and left out of the range and the metrics; an infinity
        is left out of the range and the sums, and gets the last code on its side.
    scheme : Scheme or str

    Raises
    ------
    QuantizationError
        As ``calibrate``.
    """
    scheme = as_scheme(scheme)
    r = as_working(x)
    p = calibrate(r, scheme)
    quantizer = QUANTIZERS[p.mapping]

    nan = np.isnan(r)
    nan_count = int(np.count_nonzero(nan))
    nearest_zero = min(max(p.zero_point, p.qmin), p.qmax)
    codes, saturated = quantizer.encode(np.where(nan, r.dtype.type(0), r) if nan_count else r, p)
    reconstructed = quantizer.decode(codes, p)
    if nan_count:
        codes[nan] = nearest_zero
        saturated[nan] = 0
        reconstructed[nan] = np.nan
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        error = np.asarray(reconstructed - r)
    counts = np.bincount(codes.ravel().astype(np.int64) - p.qmin, minlength=p.qmax - p.qmin + 1)
    counts[nearest_zero - p.qmin] -= nan_count
    sample = metrics.Sample(
        r.ravel(), reconstructed.ravel(), error.ravel(), saturated.ravel(), counts, p
    )
    return Evaluation(
        scheme=scheme,
        qparams=p,
        codes=codes,
        reconstructed=reconstructed,
        error=error,
        saturated=saturated,
        code_counts=counts,
        metrics=metrics.compute(sample),
        warnings=tuple(_warnings(r, scheme, p, reconstructed, saturated)),
    )


def _values(count: int) -> str:
    return "1 value is" if count == 1 else f"{count:,} values are"


def _warnings(
    r: FloatArray, scheme: Scheme, p: QParams, rebuilt: FloatArray, saturated: np.ndarray
) -> list[str]:
    notes = []
    nan_count = int(np.count_nonzero(np.isnan(r)))
    if nan_count:
        notes.append(
            f"{_values(nan_count)} NaN: left out of the range and the metrics, and no code."
        )
    infinite = int(np.count_nonzero(np.isinf(r)))
    if infinite:
        notes.append(
            f"{_values(infinite)} infinite: left out of the range and the sums, "
            "and clipped to the last code."
        )
    if not p.qmin <= p.zero_point <= p.qmax:
        notes.append(
            f"The zero point {p.zero_point} lies outside the codes {p.qmin}…{p.qmax}: "
            "a runtime that stores it as an integer code could not hold it."
        )
    if abs(p.zero_point) >= 2 ** (np.finfo(p.dtype).nmant - 1):
        notes.append(
            f"The values lie so far from 0 that {p.dtype.name} cannot hold R/S to half a step: "
            "codes may be off. Subtract an offset first."
        )
    # Whoever sets a range by hand from 0 up wants it so.
    unsigned = p.qmin == p.zero_point == 0
    if unsigned and saturated.min() < 0 and clip_range(r, scheme)[0] < -p.scale / 2:
        notes.append(
            "Negative values become 0: this scheme has no code below 0. "
            "A signed format or the asymmetric mapping keeps them."
        )
    if p.origin == "constant":
        notes.append("All values are equal: the range is empty, so S is taken from the value.")
    elif p.origin == "zeros":
        notes.append("All values are 0: any scale would do, and S is set to 1.")
    elif p.scale < np.finfo(p.dtype).smallest_normal:
        notes.append(
            f"The scale {p.scale:.3g} is subnormal in {p.dtype.name}: it has few exact digits, "
            "so values may be clipped or shifted."
        )
    overflowed = int(np.count_nonzero(np.isinf(rebuilt)))
    if overflowed:
        notes.append(
            f"{_values(overflowed)} rebuilt as infinity: the last level lies beyond the largest "
            f"number of {p.dtype.name}."
        )
    return notes
