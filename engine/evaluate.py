"""Parameters, codes, rebuilt values, error and metrics of an array under a scheme."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine import metrics
from engine.arithmetic import Arithmetic
from engine.arrays import FloatArray, IntArray, as_working, is_real
from engine.errors import QuantizationError
from engine.quantizers import QUANTIZERS, QParams, Quantizer
from engine.ranges import Step, clip_ends
from engine.scheme import Scheme, as_scheme
from engine.warnings import values_are, warnings_of


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a scheme does to an array.

    Attributes
    ----------
    scheme : Scheme
    qparams : QParams
    codes : ndarray of the format's integer type, shape of the input
        Where the input is NaN this holds a placeholder: the code nearest to 0, or what the
        scheme's runtime makes of NaN.
    reconstructed, error : ndarray of the working precision, shape of the input
        R' and R' − R; NaN where the input is NaN.
    saturated : ndarray of int8, shape of the input
        −1 where the rounded number lay below the code range, 1 above, 0 within (and for NaN).
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


def calibrate(
    x: ArrayLike,
    scheme: Scheme | str,
    arithmetic: Arithmetic | None = None,
    step: Step | None = None,
) -> QParams:
    """Return the parameters that a scheme takes from the data.

    Parameters
    ----------
    x : array_like
        Any shape; NaN and infinities are left out of the range.
    scheme : Scheme or str
    arithmetic : Arithmetic, optional
        Another arithmetic than the scheme's own.
    step : callable, optional
        Called with how much is done of how much; what it raises stops the work.

    Raises
    ------
    QuantizationError
        For an array that is empty, not of real numbers, without a finite value, or without the
        axis that the scheme names.
    """
    scheme = as_scheme(scheme)
    a = scheme.arithmetic if arithmetic is None else arithmetic
    r = as_working(x)
    with np.errstate(over="ignore", under="ignore"):
        worked = r.astype(a.working(r.dtype), copy=False)
    if worked.dtype != r.dtype and not np.isfinite(worked).any() and np.isfinite(r).any():
        raise QuantizationError(
            f"Every value lies beyond {worked.dtype.name}, which {scheme} works in."
        )
    r = worked
    ends = clip_ends(r, scheme, a, step)
    p = QUANTIZERS[scheme.mapping].parameters(ends, scheme.format, a, scheme.granularity)
    if a.refuses_overflow and not scheme.own_range:
        wide = ~np.isfinite(np.atleast_1d(p.working_scale))
        if wide.any():
            low, high = (np.atleast_1d(end)[wide][0] for end in p.range)
            kind = p.dtype.type
            raise QuantizationError(
                f"The range from {kind(low)} to {kind(high)} is too wide: its scale overflows "
                f"{p.dtype.name}."
            )
    return p


def quantize(x: ArrayLike, qparams: QParams) -> IntArray:
    """Return the codes of ``x``, in its shape, in the format's own integer type.

    Raises
    ------
    QuantizationError
        When ``x`` holds NaN, which no integer code can express (``evaluate`` marks them
        instead), is empty, does not hold real numbers, or has other channels than the
        parameters.
    """
    with np.errstate(over="ignore", under="ignore"):
        r = as_working(x).astype(qparams.dtype, copy=False)
    count = int(np.count_nonzero(np.isnan(r)))
    if count:
        raise QuantizationError(
            f"{values_are(count)} NaN, which no integer code can express; "
            "evaluate() counts and marks them instead."
        )
    _check_channels(r.shape, qparams)
    return encoded(r, qparams)[0]


def dequantize(codes: ArrayLike, qparams: QParams) -> FloatArray:
    """Return the rebuilt values of codes, in their shape: float32 (float64 for float64 data).

    Raises
    ------
    QuantizationError
        When the codes are not integers, or have other channels than the parameters.
    """
    array = np.asarray(codes)
    if array.size and (array.dtype.kind == "f" or not is_real(array.dtype)):
        raise QuantizationError(f"Codes are integers; these are {array.dtype.name} values.")
    _check_channels(array.shape, qparams)
    return decoded(array, qparams)


def _check_channels(shape: tuple[int, ...], p: QParams) -> None:
    p.granularity.check(shape)
    count = p.granularity.count(shape)
    if count != p.count and p.count != 1:
        raise QuantizationError(
            f"The parameters are those of {p.count} channels or groups; this array has {count}."
        )


def encoded(
    r: FloatArray, p: QParams, quantizer: Quantizer | None = None
) -> tuple[IntArray, np.ndarray]:
    """Return codes and saturation in the shape of ``r``, which is of the working precision."""
    quantizer, g = quantizer or QUANTIZERS[p.mapping], p.granularity
    where = np.arange(r.size).reshape(r.shape) if p.arithmetic.chances else None
    if g.whole:
        return quantizer.encode(r, p, where)
    rows = g.split(r, filler=0)
    places = None if where is None else g.split(where, filler=0)
    codes, saturated = quantizer.encode(rows, p.column(), places)
    return g.join(codes, r.shape), g.join(saturated, r.shape)


def decoded(codes: np.ndarray, p: QParams) -> FloatArray:
    """Return the rebuilt values in the shape of the codes."""
    quantizer, g = QUANTIZERS[p.mapping], p.granularity
    if g.whole:
        return quantizer.decode(codes, p)
    return g.join(quantizer.decode(g.split(codes, filler=0), p.column()), codes.shape)


def evaluate(
    x: ArrayLike,
    scheme: Scheme | str,
    arithmetic: Arithmetic | None = None,
    step: Step | None = None,
) -> Evaluation:
    """Apply a scheme to an array: calibrate, quantize, dequantize, compare.

    Parameters
    ----------
    x : array_like
        Any shape. NaN is counted, marked and left out of the range and the metrics; an infinity
        is left out of the range and the sums, and gets the last code on its side.
    scheme : Scheme or str
    arithmetic : Arithmetic, optional
        Another arithmetic than the scheme's own.
    step : callable, optional
        Called with how much is done of how much; what it raises stops the work.

    Raises
    ------
    QuantizationError
        As ``calibrate``.
    """
    scheme = as_scheme(scheme)
    r = as_working(x)
    p = calibrate(r, scheme, arithmetic, step)
    quantizer = QUANTIZERS[p.mapping]

    nan = np.isnan(r)
    nan_count = int(np.count_nonzero(nan))
    with np.errstate(over="ignore", under="ignore"):
        worked = (np.where(nan, r.dtype.type(0), r) if nan_count else r).astype(p.dtype, copy=False)
    codes, saturated = encoded(worked, p)
    reconstructed = decoded(codes, p)
    counts = np.bincount(quantizer.places(codes.ravel(), p), minlength=quantizer.codes(p).size)
    if nan_count:
        counts -= np.bincount(quantizer.places(codes[nan], p), minlength=counts.size)
        codes[nan] = _placeholder(codes[nan], p)
        saturated[nan] = 0
        reconstructed[nan] = np.nan
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        error = np.asarray(reconstructed - r)
    sample = metrics.Sample(r, reconstructed, error, saturated, counts, p)
    return Evaluation(
        scheme=scheme,
        qparams=p,
        codes=codes,
        reconstructed=reconstructed,
        error=error,
        saturated=saturated,
        code_counts=counts,
        metrics=metrics.compute(sample),
        warnings=tuple(warnings_of(r, scheme, p, reconstructed, saturated)),
    )


def metrics_of(x: ArrayLike, evaluation: Evaluation, where: IntArray) -> dict[str, float]:
    """Return every metric of a part of the values alone, such as those of a channel.

    Parameters
    ----------
    x : array_like
        The whole array that was evaluated.
    evaluation : Evaluation
    where : ndarray of int, shape (n,)
        The flat positions of the part.
    """
    p = evaluation.qparams
    quantizer, shape = QUANTIZERS[p.mapping], evaluation.codes.shape
    values = as_working(x).reshape(-1)[where]
    channels = p.granularity.of(where, shape)
    known = ~np.isnan(values)
    places = quantizer.places(evaluation.codes.reshape(-1)[where[known]], p)
    sample = metrics.Sample(
        values,
        evaluation.reconstructed.reshape(-1)[where],
        evaluation.error.reshape(-1)[where],
        evaluation.saturated.reshape(-1)[where],
        np.bincount(places, minlength=evaluation.code_counts.size),
        p.at(channels),
        sets=int(np.unique(channels).size),
    )
    return metrics.compute(sample)


def _placeholder(zeros: IntArray, p: QParams) -> IntArray:
    """The code that NaN is shown with, where 0 has the codes given."""
    ends = {"lowest": p.format.qmin, "highest": p.format.qmax, "zero": 0}
    code = ends.get(p.arithmetic.nan_code)
    return zeros if code is None else np.full_like(zeros, int(code))
