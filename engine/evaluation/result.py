"""What a scheme does to an array: parameters, codes and metrics kept, the rest when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

import numpy as np

from quantoscope.engine.evaluation.accumulators import Totals
from quantoscope.engine.evaluation.draw_envelopes import (
    Curves,
    Piece,
    bounds_of,
    curves_from,
    piece_of,
)
from quantoscope.engine.evaluation.metrics import METRICS
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.engine.quantizers import QUANTIZERS, QParams, Quantizer
from quantoscope.engine.schemes.scheme import Scheme
from quantoscope.engine.text.number_text import position_text, short, values_text


@dataclass(frozen=True, eq=False)
class EvaluatedPart:
    """What a scheme makes of some of the values, every array of one shape.

    Attributes
    ----------
    values, reconstructed, error : ndarray of the working precision
        R, R' and R' − R; NaN where R is NaN.
    codes : ndarray of the format's integer type
    saturated : ndarray of int8
        −1 where the rounded number lay below the code range, 1 above, 0 within (and for NaN).
    """

    values: FloatArray
    codes: IntArray
    reconstructed: FloatArray
    error: FloatArray
    saturated: np.ndarray


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a scheme does to an array.

    Reconstructed values, errors and saturation take five to nine times the memory of the codes, so
    they are computed from array and parameters on first access. After changing the array in place,
    evaluate it again.

    Attributes
    ----------
    scheme : Scheme
    qparams : QParams
    values : ndarray of the working precision
        R: the array that was given, where it has that precision, else a converted copy.
    codes : ndarray of the format's integer type, shape of the input
        Where the input is NaN this holds a placeholder: the code nearest to 0, or what the
        scheme's runtime makes of NaN.
    totals : Totals
        The sums that the metrics come from.
    metrics : mapping of str to float
        Every entry of ``engine.METRICS`` by its key.
    warnings : tuple of str
        Sentences about what the figures alone do not tell.
    drawn : Curves or None
        The curves, where they were taken in the pass over the array.
    """

    scheme: Scheme
    qparams: QParams
    values: FloatArray
    codes: IntArray
    totals: Totals
    metrics: Mapping[str, float]
    warnings: tuple[str, ...]
    drawn: Curves | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        figures = "no metrics"
        if self.metrics:
            sqnr, bits = (short(self.metrics[key], 4) for key in ("sqnr", "bits_per_value"))
            figures = f"SQNR {sqnr} dB, {bits} bits/value"
        return f"<Evaluation {self.scheme}: {values_text(self.codes.shape)}, {figures}>"

    def _repr_html_(self) -> str:
        """Return the metrics and warnings as a table, which notebooks show."""
        shape = self.codes.shape
        rows = ""
        for metric in METRICS if self.metrics else ():
            value = self.metrics[metric.key]
            is_place = metric.position and value >= 0
            text = position_text(int(value), shape) if is_place else short(value, 6)
            cells = (metric.name, text, metric.unit)
            rows += f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        title = escape(f"{self.scheme}, {values_text(shape)}")
        notes = "".join(f"<p>{escape(warning)}</p>" for warning in self.warnings)
        return f"<table><caption>{title}</caption><tbody>{rows}</tbody></table>{notes}"

    @property
    def code_counts(self) -> IntArray:
        """How many values have each code, in the order of ``codes`` of the quantizer."""
        return self.totals.counts

    @cached_property
    def reconstructed(self) -> FloatArray:
        """R', shape of the input, in the working precision; NaN where the input is NaN."""
        reconstructed = np.empty(self.codes.shape, self.qparams.dtype)

        def work(start: int, stop: int, scratch: Scratch) -> None:
            self._decode(start, stop, reconstructed.reshape(-1)[start:stop])

        kernels.over_blocks(reconstructed.size, work)
        return reconstructed

    @cached_property
    def error(self) -> FloatArray:
        """R' − R, shape of the input; NaN where the input is NaN."""
        error = np.empty(self.codes.shape, np.result_type(self.qparams.dtype, self.values.dtype))

        def work(start: int, stop: int, scratch: Scratch) -> None:
            self.block(start, stop, scratch, error.reshape(-1)[start:stop])

        kernels.over_blocks(error.size, work)
        return error

    def block(
        self, start: int, stop: int, scratch: Scratch, out: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return R' and R' − R of a block, in the buffers of a thread unless ``out`` is given.

        Parameters
        ----------
        start, stop : int
            Flat positions.
        scratch : Scratch
        out : ndarray, shape (stop − start,), optional
            For the error.
        """
        reconstructed = scratch("reconstructed", stop - start, self.qparams.dtype)
        self._decode(start, stop, reconstructed)
        r = kernels.flat_block(self.values, start, stop)
        if out is None:
            out = scratch("error", stop - start, np.result_type(reconstructed, r))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return reconstructed, np.subtract(reconstructed, r, out=out)

    def _decode(self, start: int, stop: int, out: FloatArray) -> None:
        """Put the reconstructed values of a block into ``out``."""
        p = self.qparams
        quantizer = QUANTIZERS[p.mapping]
        aligned = p.lean(quantizer.exact_scale).spread(self.codes.shape, start, stop)
        made = quantizer.decode(self.codes.reshape(-1)[start:stop], aligned, out)
        if made is not out:
            out[...] = made
        if self.totals.nan:
            out[np.isnan(kernels.flat_block(self.values, start, stop))] = np.nan

    @cached_property
    def saturated(self) -> np.ndarray:
        """Where values are clipped, shape of the input, as in ``EvaluatedPart``."""
        saturated = np.zeros(self.codes.shape, np.int8)

        def work(start: int, stop: int, scratch: Scratch) -> None:
            sides = self.sides(start, stop, scratch)
            if sides is not None:
                saturated.reshape(-1)[start:stop] = sides

        if any(self.totals.clipped):
            kernels.over_blocks(saturated.size, work)
        return saturated

    def sides(self, start: int, stop: int, scratch: Scratch) -> np.ndarray | None:
        """Return how values of a block are clipped, as in ``EvaluatedPart``; None if none is."""
        p = self.qparams
        quantizer = QUANTIZERS[p.mapping]
        r = kernels.flat_block(self.values, start, stop)
        aligned = p.lean(quantizer.exact_scale).spread(self.codes.shape, start, stop)
        where = np.arange(start, stop) if p.arithmetic.chances else None
        codes = scratch("codes", stop - start, self.codes.dtype)
        return applied(r, aligned, where, quantizer, scratch, codes, not self.totals.nan)[2]

    @cached_property
    def curves(self) -> Curves:
        """Extremes of R' and of the error in short stretches, for drawing long arrays."""
        if self.drawn is not None:
            return self.drawn
        size = self.codes.size
        return curves_from(size, kernels.over_blocks(size, self.curve_piece))

    def curve_piece(self, start: int, stop: int, scratch: Scratch) -> Piece:
        """Return the extremes of a block or a unit, and where it is clipped."""
        reconstructed, error = self.block(start, stop, scratch)
        r = kernels.flat_block(self.values, start, stop)
        low, high = self.totals.blocks[start // kernels.BLOCK].clipped
        saturated = self.sides(start, stop, scratch) if low or high else None
        p = self.qparams.spread(self.codes.shape, start, stop)
        return piece_of(start, r, reconstructed, error, saturated, p)

    def bounds(self, start: int, stop: int) -> np.ndarray:
        """Return the largest error that rounding alone can make of each value, in float64."""
        p = self.qparams.spread(self.codes.shape, start, stop)
        return bounds_of(kernels.flat_block(self.values, start, stop), p)

    def part(self, where: slice | IntArray) -> EvaluatedPart:
        """Return what becomes of some of the values.

        Parameters
        ----------
        where : slice or ndarray of int
            Flat positions; a slice has a start, a stop, and no step.
        """
        p = self.qparams
        if isinstance(where, slice):
            start, stop, _ = where.indices(self.codes.size)
            r = kernels.flat_block(self.values, start, stop)
            positions: IntArray | None = np.arange(start, stop) if p.arithmetic.chances else None
            aligned = p.lean(QUANTIZERS[p.mapping].exact_scale).spread(
                self.codes.shape, start, stop
            )
        else:
            r = self.values.reshape(-1)[where]
            positions = where
            aligned = p.at(p.granularity.of(where, self.codes.shape))
        return _part(r, aligned, positions, QUANTIZERS[p.mapping])


def _part(r: FloatArray, p: QParams, where: IntArray | None, quantizer: Quantizer) -> EvaluatedPart:
    codes, reconstructed, saturated = applied(r, p, where, quantizer)
    saturated = np.zeros(r.shape, np.int8) if saturated is None else saturated
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        return EvaluatedPart(r, codes, reconstructed, np.asarray(reconstructed - r), saturated)


def applied(
    r: FloatArray,
    p: QParams,
    where: IntArray | None,
    quantizer: Quantizer,
    scratch: Scratch | None = None,
    codes: IntArray | None = None,
    without_nan: bool = False,
    inside: bool = False,
) -> tuple[IntArray, FloatArray, np.ndarray | None]:
    """Return codes, R' and where values are clipped; NaN stays NaN and is never clipped.

    Parameters
    ----------
    r : ndarray of the working precision
    p : QParams
        Numbers, or arrays aligned with the values.
    where : ndarray of int or None
        Flat positions, for rounding by chance.
    quantizer : Quantizer
    scratch : Scratch, optional
        Whose buffers R' may be in.
    codes : ndarray, optional
        Where to put the codes.
    without_nan, inside : bool
        Whether it is known that there is no NaN, and that nothing saturates.
    """
    nan = None if without_nan else np.isnan(r)
    if nan is not None and not nan.any():
        nan = None
    stages = None if scratch is None else scratch("stages", r.size, p.dtype)
    with np.errstate(all="ignore"):
        worked = r if nan is None else np.where(nan, r.dtype.type(0), r)
        worked = worked.astype(p.dtype, copy=False)
        codes, saturated = quantizer.encode(worked, p, where, stages, codes, inside)
        reconstructed = quantizer.decode(codes, p, stages)
    if nan is not None:
        codes[nan] = _placeholder(codes[nan], p)
        reconstructed[nan] = np.nan
        if saturated is not None:
            saturated[nan] = 0
    return codes, reconstructed, saturated


def _placeholder(zeros: IntArray, p: QParams) -> IntArray:
    """The code that NaN is shown with, where 0 has the codes given."""
    code = p.arithmetic.nan_code.within(p.format.qmin, p.format.qmax)
    return zeros if code is None else np.full_like(zeros, code)


def worst_place(part: EvaluatedPart) -> int:
    """The place of the first largest |E| among the values that enter the sums."""
    usable = np.isfinite(part.values) & np.isfinite(part.error)
    return int(np.where(usable, np.abs(part.error), -1).argmax())
