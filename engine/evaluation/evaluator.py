"""Calibrate, quantize, dequantize and evaluate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.calibration import MINMAX
from quantoscope.engine.calibration.base import extreme_exponent
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation import metrics
from quantoscope.engine.evaluation.accumulators import KINDS, BlockSums, Totals, block_sums, ldexp
from quantoscope.engine.evaluation.block_pass import BlockPass
from quantoscope.engine.evaluation.clip_range import clip_ends
from quantoscope.engine.evaluation.compiled import compiled
from quantoscope.engine.evaluation.draw_envelopes import curves_revised
from quantoscope.engine.evaluation.result import Evaluation, applied, worst_place
from quantoscope.engine.evaluation.warning_texts import costly_clipping, other_data, values_are
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import (
    FloatArray,
    IntArray,
    as_stored,
    as_working,
    is_real,
    rounded_note,
    working_dtype,
)
from quantoscope.engine.numerics.envelope import Pyramid
from quantoscope.engine.numerics.kernels import Progress, Scratch
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import QUANTIZERS, Ends, QParams, Quantizer
from quantoscope.engine.schemes.scheme import Scheme, as_scheme

SQUARES = [KINDS.index(kind) for kind in ("rounded", "clipped")]
"""The sums of a block that together are Σ(R′ − R)²."""


def calibrate(
    x: ArrayLike,
    scheme: Scheme | str,
    *,
    progress: Progress | None = None,
    role: Role | None = None,
) -> QParams:
    """Return the parameters of a scheme for the data.

    Parameters
    ----------
    x : array_like
        Any shape; NaN and infinities do not affect the range.
    scheme : Scheme or str
    progress : callable, optional
        Called with (done, total); an exception stops the work.
    role : Role, optional
        What ``out`` and ``in`` in the scheme mean; else out is axis 0, and in the rest.

    Raises
    ------
    QuantizationError
        For an array that is empty, not of real numbers, without a finite value, or without the
        axis that the scheme names; for a range that the precision or the scale cannot hold. A
        ``SchemeError`` for a text that is no scheme.
    """
    r = as_stored(x)
    return calibrate_known(r, as_scheme(scheme).concrete(r.shape, role), None, progress)


def calibrate_known(
    r: FloatArray, scheme: Scheme, known: kernels.Extremes | None, step: Progress | None = None
) -> QParams:
    """Calibrate for an array from ``as_stored``, whose extremes may be known."""
    scheme = scheme.concrete(r.shape)
    a = scheme.arithmetic
    dtype = a.working(working_dtype(r.dtype))
    if dtype != working_dtype(r.dtype):
        with np.errstate(over="ignore", under="ignore"):
            worked = as_working(r).astype(dtype)
        if not np.isfinite(worked).any() and np.isfinite(r).any():
            raise QuantizationError(
                f"Every value lies beyond {dtype.name}, which {scheme} works in."
            )
        r, known = worked, None
    return parameters_of(clip_ends(r, scheme, a, step, known), scheme)


def parameters_of(ends: Ends, scheme: Scheme) -> QParams:
    """Return the parameters for clipping ranges, unless the scale overflows."""
    a = scheme.arithmetic
    p = QUANTIZERS[scheme.mapping].parameters(ends, scheme.format, a, scheme.granularity)
    if a.refuses_overflow and not scheme.fixed_range:
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
    """Return the codes of ``x``, in its shape, in the format's integer dtype.

    Raises
    ------
    QuantizationError
        If ``x`` contains NaN, which no integer code can express (``evaluate`` marks them
        instead), is empty, does not hold real numbers, or has other channels than the
        parameters.
    """
    with np.errstate(over="ignore", under="ignore"):
        r = as_stored(x)
        if working_dtype(r.dtype) != qparams.dtype:
            r = as_working(r).astype(qparams.dtype)
    count = int(np.count_nonzero(kernels.where_nan(r)))
    if count:
        raise QuantizationError(
            f"{values_are(count)} NaN, which no integer code can express; "
            "evaluate() counts and marks them instead."
        )
    check_channels(r.shape, qparams)
    return encoded(r, qparams)


def dequantize(codes: ArrayLike, qparams: QParams) -> FloatArray:
    """Return the reconstructed values of codes, as float32 (float64 for float64 data).

    Raises
    ------
    QuantizationError
        If the codes are not integers, have other channels than the parameters, or number
        nothing in a format of other numbers than integers. An integer that the format does not
        have is reconstructed by the formula.
    """
    array = np.asarray(codes)
    if array.size and (array.dtype.kind == "f" or not is_real(array.dtype)):
        raise QuantizationError(f"Codes are integers; these are {array.dtype.name} values.")
    check_channels(array.shape, qparams)
    if array.size and not qparams.format.integer:
        last = qparams.format.code_count - 1
        for code in (int(array.min()), int(array.max())):
            if not 0 <= code <= last:
                raise QuantizationError(
                    f"{code} is no code of {qparams.format}, whose codes run from 0 to {last}."
                )
    return decoded(array, qparams)


def check_channels(shape: tuple[int, ...], p: QParams) -> None:
    """Raise QuantizationError if an array of this shape does not match the parameters' channels."""
    p.granularity.check(shape)
    count = p.granularity.count(shape)
    if count != p.count and p.count != 1:
        raise QuantizationError(
            f"The parameters are those of {p.count} channels or groups; this array has {count}."
        )


def encoded(r: FloatArray, p: QParams, quantizer: Quantizer | None = None) -> IntArray:
    """Return the codes of ``r``, which has no NaN and becomes the parameters' precision."""
    quantizer = quantizer or QUANTIZERS[p.mapping]
    codes = np.empty(r.shape, p.format.dtype)
    lean = p.lean(quantizer.exact_scale)

    def work(start: int, stop: int, scratch: Scratch) -> None:
        where = np.arange(start, stop) if p.arithmetic.chances else None
        quantizer.encode(
            kernels.flat_block(r, start, stop),
            lean.spread(r.shape, start, stop),
            where,
            scratch("stages", stop - start, p.dtype),
            codes.reshape(-1)[start:stop],
        )

    kernels.over_blocks(r.size, work)
    return codes


def decoded(codes: np.ndarray, p: QParams) -> FloatArray:
    """Return the reconstructed values of codes."""
    quantizer = QUANTIZERS[p.mapping]
    lean = p.lean(quantizer.exact_scale)
    reconstructed = np.empty(codes.shape, p.dtype)
    flat = reconstructed.reshape(-1)

    def work(start: int, stop: int, scratch: Scratch) -> None:
        block = kernels.flat_block(codes, start, stop)
        flat[start:stop] = quantizer.decode(block, lean.spread(codes.shape, start, stop))

    kernels.over_blocks(codes.size, work)
    return reconstructed


def evaluate(
    x: ArrayLike,
    scheme: Scheme | str,
    *,
    progress: Progress | None = None,
    role: Role | None = None,
) -> Evaluation:
    """Apply a scheme to an array: calibrate, quantize, dequantize, compare.

    Parameters
    ----------
    x : array_like
        Any shape. NaN is counted, marked and left out of the range and the metrics; an infinity
        is left out of the range and the sums, and gets the last code on its side.
    scheme : Scheme or str
    progress : callable, optional
        Called with (done, total); an exception stops the work.
    role : Role, optional
        What ``out`` and ``in`` in the scheme mean, such as ``io.TensorInfo.role``; else out is
        axis 0, and in the rest.

    Raises
    ------
    QuantizationError
        As ``calibrate``.
    """
    return evaluate_known(x, as_scheme(scheme), None, progress, role=role)


def evaluate_known(
    x: ArrayLike,
    scheme: Scheme,
    known: kernels.Extremes | None,
    step: Progress | None = None,
    pyramid: Pyramid | None = None,
    role: Role | None = None,
) -> Evaluation:
    """Evaluate an array whose extremes may be known.

    With the array's pyramid, the curves of the evaluation are computed in the same pass.
    """
    r = as_stored(x)
    given, scheme = scheme, scheme.concrete(r.shape, role)
    known = kernels.extremes(r) if known is None else known
    p = calibrate_known(r, scheme, known, step)
    minmax = scheme.calibration.how.from_extremes and not scheme.fixed_range
    low, high = map(np.asarray, p.range)
    # An unsigned symmetric range excludes negative values.
    both_sides = not QUANTIZERS[p.mapping].symmetric_range or bool((low <= -high).all())
    covered = minmax and both_sides and p.dtype == working_dtype(r.dtype)
    run = BlockPass(r, p, known, pyramid=pyramid, covered=covered)
    blocks = run.blocks(step)
    made = run.evaluation(scheme, blocks, run.all_counted(blocks))
    made = _noted(made, x, r, known, step)
    return made if given is scheme and role is None else replace(made, scheme=given, role=role)


def _noted(
    made: Evaluation,
    x: ArrayLike,
    r: FloatArray,
    known: kernels.Extremes,
    step: Progress | None = None,
) -> Evaluation:
    """Add warnings that require more than the pass over the array.

    These concern clipping that increases the error, a runtime that was not verified on data
    of the given dtype, and integers that lose digits.
    """
    scheme = made.scheme
    dtype = getattr(x, "dtype", None)
    notes = [_clipping(made, r, known, step)]
    if isinstance(x, np.ndarray) and x.dtype.kind in "iu":
        dtype = r.dtype
        notes.append(str(rounded_note(x, made.qparams.dtype) or ""))
    notes.append(other_data(scheme, dtype))
    if not any(notes):
        return made
    return replace(made, warnings=(*made.warnings, *filter(None, notes)))


def _clipping(
    made: Evaluation, r: FloatArray, known: kernels.Extremes, step: Progress | None
) -> str:
    """Return a warning if clipping increases the error; else an empty text."""
    scheme, noise = made.scheme, made.totals.noise
    if not scheme.calibration.how.clips_blindly or not any(made.totals.clipped):
        return ""
    try:
        p = calibrate_known(r, replace(scheme, calibration=MINMAX), known)
    except QuantizationError:
        return ""  # a range by hand for data without one
    exponent = extreme_exponent(r, known)
    ours = ldexp(noise.mantissa, noise.exponent - 2 * exponent)
    widest = squared_error(r, p, ours, exponent, step)
    # Less than what the sentence would show may come from the order of the sums alone.
    if not widest < (1 - 1e-4) * ours:
        return ""
    return costly_clipping(*(ldexp(each / noise.n, 2 * exponent) for each in (ours, widest)))


def squared_error(
    r: FloatArray, p: QParams, enough: float, exponent: int = 0, step: Progress | None = None
) -> float:
    """Return Σ(R′ − R)² of the finite values; ∞ if it exceeds ``enough``.

    Errors are divided by ``2**exponent`` before squaring.
    """
    quantizer = QUANTIZERS[p.mapping]
    lean = p.lean(quantizer.exact_scale)
    so_far: list[float] = []
    # Nothing is written to these codes: their shape and dtype say what a pass is like.
    loops = None if exponent else compiled(p, quantizer, r, np.empty(r.shape, p.format.dtype))

    def work(start: int, stop: int, scratch: Scratch) -> float:
        if sum(so_far) > enough:
            return np.inf
        values = kernels.flat_block(r, start, stop)
        codes = scratch("other codes", stop - start, p.format.dtype)
        if loops is not None:
            sums, _, _, far = loops.block(values, start, codes, False, False)
            if not far:
                part = float(sums.sums[SQUARES].sum())
                so_far.append(part)
                return part
        where = np.arange(start, stop) if p.arithmetic.chances else None
        aligned = lean.spread(r.shape, start, stop)
        _, reconstructed, _ = applied(values, aligned, where, quantizer, scratch, codes)
        error = scratch("real", stop - start, np.float64)
        with np.errstate(all="ignore"):
            np.subtract(reconstructed, values, out=error)
            if exponent:
                np.ldexp(error, -exponent, out=error)
            part = float(np.dot(error, error))
            if not np.isfinite(part):
                error = error[np.isfinite(values) & np.isfinite(error)]
                part = float(np.dot(error, error))
        so_far.append(part)
        return part

    return sum(kernels.over_blocks(r.size, work, step))


def sqnr_without(r: FloatArray, scheme: Scheme, without: IntArray) -> float:
    """Return the SQNR in dB without some values, with a range of their own for the others.

    The scheme's range is the extremes of the whole tensor; ``without`` has flat positions,
    ascending and not all.
    """
    known = kernels.extremes(r, without)._replace(finite=False)
    p = calibrate(np.array([known.low, known.high]), scheme)
    run = BlockPass(r, p, known, without)
    totals = Totals(run.blocks(), np.zeros(0, np.int64), p, r.size)
    return metrics.METRIC["sqnr"].compute(metrics.Sample(totals, -1))


def revise(
    x: ArrayLike, evaluation: Evaluation, where: IntArray, old: FloatArray, known: kernels.Extremes
) -> Evaluation | None:
    """Update an evaluation after values have changed, if the parameters stay the same.

    The result equals an evaluation of the whole array bit for bit, but only units with a changed
    value are processed. None where the parameters depend on more than the extremes, or are no
    longer the same.

    Parameters
    ----------
    x : array_like
        The array as it is now; the very one that was evaluated, or a changed copy.
    evaluation : Evaluation
        Of the array before.
    where, old : ndarray, shape (n,)
        Flat positions of the changes, each once, and the values that were there.
    known : Extremes
        Of the array as it is now.
    """
    scheme, p, r = evaluation.scheme, evaluation.qparams, as_working(x)
    extremes, fixed = scheme.calibration.how.from_extremes, scheme.calibration.fixed is not None
    if not scheme.granularity.whole or not (extremes or fixed) or p.dtype != r.dtype:
        return None
    if extremes:
        ends = np.array([known.low, known.high])
        if not np.isfinite(ends).all() or calibrate(ends, scheme) != p:
            return None
    run = BlockPass(r, p, known)
    flat, blocks = evaluation.codes.reshape(-1), list(evaluation.totals.blocks)
    if run.loops is not None and r.dtype != np.float32:
        # Whether the loops can sum such numbers is known to a pass over all of them only.
        blocks = run.blocks()
        made = run.evaluation(scheme, blocks, run.all_counted(blocks))
        return _revised(made, evaluation, where, x, r, known)
    before = run.counted(flat[where[~np.isnan(old)]])
    run.codes = evaluation.codes.copy()
    scratch = Scratch()
    block_of = where // kernels.BLOCK
    for number in np.unique(block_of).tolist():
        here = block_of == number
        blocks[number] = run.revised(blocks[number], where[here], old[here], scratch)
    if run.far:
        return None  # What the loops cannot encode is known to a pass over all values only.
    known_now = where[~np.isnan(r.reshape(-1)[where])]
    after = run.counted(run.codes.reshape(-1)[known_now])
    made = run.evaluation(scheme, blocks, evaluation.code_counts - before + after)
    return _revised(made, evaluation, where, x, r, known)


def _revised(
    made: Evaluation,
    before: Evaluation,
    where: IntArray,
    x: ArrayLike,
    r: FloatArray,
    known: kernels.Extremes,
) -> Evaluation:
    """Add what an evaluation has beside codes and sums, if the one before it had it."""
    if before.drawn is not None:
        drawn = curves_revised(before.drawn, where, r.size, made.curve_piece)
        made = replace(made, drawn=drawn)
    return _noted(replace(made, role=before.role), x, r, known)


def metrics_of(evaluation: Evaluation, where: IntArray) -> dict[str, float]:
    """Return the metrics of a part of the values, such as those of a channel.

    Positions in the result refer to the whole array.

    Parameters
    ----------
    evaluation : Evaluation
    where : ndarray of int, shape (n,)
        Flat positions of the part, at least one.
    """
    p, shape = evaluation.qparams, evaluation.codes.shape
    quantizer = QUANTIZERS[p.mapping]

    def work(start: int, stop: int, scratch: Scratch) -> tuple[BlockSums, int]:
        some = where[start:stop]
        part = evaluation.part(some)
        aligned = p.at(p.granularity.of(some, shape))
        sums = block_sums(
            part.values, part.reconstructed, part.error, part.saturated, aligned, scratch
        )
        return sums, worst_place(part)

    blocks, worst = zip(*kernels.over_blocks(where.size, work), strict=True)
    known = ~np.isnan(evaluation.source.reshape(-1)[where])
    places = quantizer.places(evaluation.codes.reshape(-1)[where[known]], p)
    channels = p.granularity.of(where, shape)
    first = np.unique(channels, return_counts=True)
    counts = np.bincount(places, minlength=evaluation.code_counts.size)
    totals = Totals(blocks, counts, p.at(first[0]), where.size, first[0].size, first[1])
    unit, _ = totals.worst_unit()
    block = unit * kernels.UNIT // kernels.BLOCK
    place = int(where[block * kernels.BLOCK + worst[block]]) if unit >= 0 else -1
    return metrics.compute(metrics.Sample(totals, place))
