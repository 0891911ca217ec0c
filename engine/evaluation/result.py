"""Result of an evaluation: parameters, codes, metrics, and lazily computed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html import escape

import numpy as np

from quantoscope.engine.evaluation.accumulators import Totals
from quantoscope.engine.evaluation.compiled import CompiledPass, compiled
from quantoscope.engine.evaluation.draw_envelopes import (
    Curves,
    Piece,
    bounds_of,
    curves_from,
    piece_of,
)
from quantoscope.engine.evaluation.metrics import METRICS
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import (
    FloatArray,
    IntArray,
    as_working,
    working_dtype,
)
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import QUANTIZERS, QParams, Quantizer
from quantoscope.engine.schemes.scheme import Scheme
from quantoscope.engine.text.number_text import position_text, short, values_text


@dataclass(frozen=True, eq=False)
class EvaluatedPart:
    """Evaluation of some of the values, all arrays of one shape."""

    values: FloatArray
    codes: IntArray
    reconstructed: FloatArray
    error: FloatArray
    """R, R' and R' − R are NaN where R is NaN."""
    saturated: np.ndarray
    """−1 if the rounded number was below the code range, 1 above, 0 within (and for NaN). In
    int8."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Evaluation of a scheme on an array.

    Reconstructed values, errors and saturation take five to nine times the memory of the codes, so
    they are computed from array and parameters on first access. After changing the array in place,
    evaluate it again.

    Attributes
    ----------
    scheme : Scheme
    qparams : QParams
    source : ndarray
        R as it is read: the input if it is of the working precision, float16 or bfloat16, else a
        copy in working precision.
    codes : ndarray of the format's integer type, shape of the input
        For NaN a placeholder: the code nearest to 0, or that of the
        scheme's runtime for NaN.
    totals : Totals
        Sums from which metrics are computed.
    metrics : mapping of str to float
        Metrics by the keys of ``engine.METRICS``.
    warnings : tuple of str
        Warnings as sentences.
    drawn : Curves or None
        Curves, if computed in the pass over the array.
    role : Role or None
        What ``out`` and ``in`` in the scheme mean; None if nothing was said of it.
    """

    scheme: Scheme
    qparams: QParams
    source: FloatArray
    codes: IntArray
    totals: Totals
    metrics: Mapping[str, float]
    warnings: tuple[str, ...]
    drawn: Curves | None = field(default=None, repr=False)
    role: Role | None = None

    def __repr__(self) -> str:
        figures = "no metrics"
        if self.metrics:
            sqnr, bits = (short(self.metrics[key], 4) for key in ("sqnr", "bits_per_value"))
            figures = f"SQNR {sqnr} dB, {bits} bits/value"
        return f"<Evaluation {self.scheme}: {values_text(self.codes.shape)}, {figures}>"

    def _repr_html_(self) -> str:
        """Return the metrics and warnings as an HTML table, for notebooks."""
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

    @cached_property
    def values(self) -> FloatArray:
        """R in working precision, in the shape of the input: a copy of float16 and bfloat16."""
        return as_working(self.source)

    @property
    def concrete_scheme(self) -> Scheme:
        """The scheme with the numbers of this array's axes for ``out`` and ``in``."""
        return self.scheme.concrete(self.codes.shape, self.role)

    @property
    def code_counts(self) -> IntArray:
        """Number of values per code, in the order of the quantizer's ``codes``."""
        return self.totals.counts

    @cached_property
    def reconstructed(self) -> FloatArray:
        """R', in the shape of the input and in working precision; NaN for NaN."""
        reconstructed = np.empty(self.codes.shape, self.qparams.dtype)

        def work(start: int, stop: int, scratch: Scratch) -> None:
            self._decode(start, stop, reconstructed.reshape(-1)[start:stop])

        kernels.over_blocks(reconstructed.size, work)
        return reconstructed

    @cached_property
    def error(self) -> FloatArray:
        """R' − R, in the shape of the input; NaN for NaN."""
        error = np.empty(
            self.codes.shape, np.result_type(self.qparams.dtype, working_dtype(self.source.dtype))
        )

        def work(start: int, stop: int, scratch: Scratch) -> None:
            self.block(start, stop, scratch, error.reshape(-1)[start:stop])

        kernels.over_blocks(error.size, work)
        return error

    def block(
        self, start: int, stop: int, scratch: Scratch, out: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return R' and R' − R of a block, in scratch buffers; the error in ``out`` if given."""
        reconstructed = scratch("reconstructed", stop - start, self.qparams.dtype)
        self._decode(start, stop, reconstructed)
        r = kernels.flat_block(self.source, start, stop)
        if out is None:
            out = scratch("error", stop - start, np.result_type(reconstructed, r))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return reconstructed, np.subtract(reconstructed, r, out=out)

    def _aligned(self, start: int, stop: int) -> tuple[Quantizer, QParams, IntArray | None]:
        """Return what encodes a block: the quantizer, its parameters, and positions if needed."""
        p, quantizer = self.qparams, QUANTIZERS[self.qparams.mapping]
        aligned = p.lean(quantizer.exact_scale).spread(self.codes.shape, start, stop)
        return quantizer, aligned, np.arange(start, stop) if p.arithmetic.chances else None

    def _decode(self, start: int, stop: int, out: FloatArray) -> None:
        """Write the reconstructed values of a block to ``out``."""
        quantizer, aligned, _ = self._aligned(start, stop)
        made = quantizer.decode(self.codes.reshape(-1)[start:stop], aligned, out)
        if made is not out:
            out[...] = made
        if self.totals.nan:
            out[np.isnan(kernels.flat_block(self.source, start, stop))] = np.nan

    @cached_property
    def saturated(self) -> np.ndarray:
        """How values are clipped, in the shape of the input, as in ``EvaluatedPart``."""
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
        quantizer, aligned, where = self._aligned(start, stop)
        r = kernels.flat_block(self.source, start, stop)
        codes = scratch("codes", stop - start, self.codes.dtype)
        return applied(r, aligned, where, quantizer, scratch, codes, not self.totals.nan)[2]

    @cached_property
    def curves(self) -> Curves:
        """Extremes of R' and of the error per stretch, for drawing long arrays."""
        if self.drawn is not None:
            return self.drawn
        size = self.codes.size
        return curves_from(size, kernels.over_blocks(size, self.curve_piece))

    def curve_piece(self, start: int, stop: int, scratch: Scratch) -> Piece:
        """Return the extremes and clipped positions of a block or unit."""
        reconstructed, error = self.block(start, stop, scratch)
        r = kernels.flat_block(self.source, start, stop)
        low, high = self.totals.blocks[start // kernels.BLOCK].clipped
        saturated = self.sides(start, stop, scratch) if low or high else None
        p = self.qparams.spread(self.codes.shape, start, stop)
        return piece_of(start, r, reconstructed, error, saturated, p)

    def bounds(self, start: int, stop: int) -> np.ndarray:
        """Return the bound of the rounding error per value, in float64."""
        p = self.qparams.spread(self.codes.shape, start, stop)
        return bounds_of(kernels.flat_block(self.source, start, stop), p)

    @cached_property
    def _loops(self) -> CompiledPass | None:
        return compiled(self.qparams, QUANTIZERS[self.qparams.mapping], self.source, self.codes)

    def part(self, where: slice | IntArray) -> EvaluatedPart:
        """Return the evaluation of the values at flat positions, or in a slice without a step."""
        p = self.qparams
        if isinstance(where, slice):
            start, stop, _ = where.indices(self.codes.size)
            r = kernels.flat_block(self.source, start, stop)
            if self._loops is not None and r.size and (made := self._loops.part(r, start)):
                return EvaluatedPart(r, *made)
            quantizer, aligned, positions = self._aligned(start, stop)
        else:
            r = kernels.working(self.source.reshape(-1)[where])
            if self._loops is not None and r.size and r.ndim == 1 and not p.arithmetic.chances:
                channels = None if p.count == 1 else p.granularity.of(where, self.codes.shape)
                if made := self._loops.part(r, 0, channels):
                    return EvaluatedPart(r, *made)
            quantizer, positions = QUANTIZERS[p.mapping], where
            aligned = p.at(p.granularity.of(where, self.codes.shape))
        return part_of(r, aligned, positions, quantizer)


def part_of(
    r: FloatArray, p: QParams, where: IntArray | None, quantizer: Quantizer
) -> EvaluatedPart:
    """Return the evaluation of values, with parameters as ``applied`` takes them."""
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

    The parameters are numbers, or arrays aligned with the values; ``where`` are flat positions, for
    stochastic rounding. Codes are written to ``codes``, and R' to a buffer of ``scratch``, if
    given. ``without_nan`` and ``inside`` say whether there is known to be no NaN, and no
    saturation.
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
        code = p.arithmetic.nan_code.within(p.format.qmin, p.format.qmax)
        if code is not None:
            codes[nan] = code
        reconstructed[nan] = np.nan
        if saturated is not None:
            saturated[nan] = 0
    return codes, reconstructed, saturated


def worst_place(part: EvaluatedPart) -> int:
    """Return the index of the first largest |E| among the values in the sums."""
    usable = np.isfinite(part.values) & np.isfinite(part.error)
    return int(np.where(usable, np.abs(part.error), -1).argmax())
