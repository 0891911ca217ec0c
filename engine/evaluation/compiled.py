"""A block through the compiled loops, where they are built; else the formulas in numpy do it all.

The formulas of ``engine.quantizers`` are the definition, and what tests compare the loops with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from quantoscope.engine.evaluation.accumulators import KINDS, BlockSums
from quantoscope.engine.evaluation.draw_envelopes import even_bound
from quantoscope.engine.formats import BlockFormat, Format, IntegerFormat
from quantoscope.engine.formats.small_floats import CodebookFormat, FloatFormat
from quantoscope.engine.numerics import envelope, kernels, loops
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray, IntArray, working_dtype
from quantoscope.engine.quantizers import QParams, Quantizer
from quantoscope.engine.quantizers.affine import Affine
from quantoscope.engine.quantizers.blocks import Q8, ScaleMinimumBlock, SignedScaleBlock
from quantoscope.engine.quantizers.mxfp4 import Mxfp4

ROUNDINGS = {"ties-even": 0, "ties-away": 1, "toward-zero": 2, "ties-lower": 4}
BY_CHANCE, SHIFTED = 3, 5
DIVIDED, BY_RECIPROCAL, MULTIPLIED = 0, 1, 2
NOWHERE, BEFORE, AFTER = 0, 1, 2
CODES = {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H"}
NO_CODE = -(2**63)
MOST_UNIT = 512
OF_VALUES = 5
"""Number of parameters that codes and R' are made of."""


@dataclass
class Drawn:
    """What the curves of a block need: extremes per stretch, and positions of clipped values."""

    columns: list[np.ndarray]
    clipped: list[IntArray]


@dataclass(frozen=True)
class Form:
    """How numbers are rounded to a format."""

    numbers: tuple[int, int, int, int]
    """Integers 0, a small float 1 with the bits of its mantissa, its smallest normal exponent and
    the place of its sign, or 2 a book."""
    levels: FloatArray | None = None
    ends: FloatArray | None = None
    """The book, and the largest numbers that are rounded to each of its numbers but the last."""


Part = tuple[IntArray, FloatArray, FloatArray, np.ndarray]
Made = tuple[BlockSums, Drawn | None, IntArray | None, bool]


@dataclass(frozen=True)
class CompiledPass:
    """What the loops need to know of a pass; see ``compiled``."""

    p: QParams
    shape: tuple[int, ...]
    choices: tuple[Any, ...]
    form: Form
    parameters: tuple[np.ndarray | None, ...]
    """Scale, zero point, divisor, offset and kept offset in working precision, and what the largest
    error of rounding is made of in float64, each of shape (count,) or None: no divisor if it is the
    scale, none of the others if that error is the same for all."""

    def block(
        self, r: FloatArray, start: int, codes: IntArray, draws: bool, draws_made: bool
    ) -> Made:
        """Encode the values from a position on, float16 and bfloat16 as they are stored.

        Returns the sums, what curves need if it ``draws``, the tally of the codes, and whether a
        square may lie beyond float64, so that the sums are none.
        """
        n, dtype = r.size, self.p.dtype
        units, stretches = -(-n // kernels.UNIT), -(-n // envelope.STRETCH)
        each, first, inner = self._parameters(start, n)
        (scale, zero_point, *others), bound = each[:OF_VALUES], each[OF_VALUES:]
        sums, counts = np.zeros((len(KINDS), units)), np.zeros(9, np.int64)
        largest = np.empty(units, dtype)
        tally = np.zeros(256, np.int64) if codes.itemsize == 1 else None
        ends = [np.empty(stretches, dtype) for _ in range(2 * draws + 2 * draws_made)]
        worst = [np.full(units, -1) for _ in range(2 * draws)]
        bounds = [np.empty(stretches) for _ in range(2 * draws * (bound[0] is not None))]
        loops.compiled.evaluate(
            self.choices, r.dtype.char, kernels.UNIT, envelope.STRETCH, n, start,
            first, inner, scale.size, loops.ready(r), scale, zero_point,
            codes, sums, counts, largest, tally,
            *(*ends, *[None] * 4)[:4], *(*worst, *[None] * 2)[:2],
            *((bound[0], *bounds) if bounds else [None] * 3), None, None, None,
            self.form.levels, self.form.ends, *others,
            *(bound[1:] if bounds else [None] * 3),
        )  # fmt: skip
        drawn = None
        if draws:
            # R' comes before the error, and bounds after it.
            drawn = Drawn(ends[2:] + ends[:2] + bounds, [start + at[at >= 0] for at in worst])
        exponents = np.zeros(len(KINDS), np.int64)
        return BlockSums(sums, exponents, counts[:-1], largest), drawn, tally, bool(counts[-1])

    def part(self, r: FloatArray, start: int, channels: IntArray | None = None) -> Part | None:
        """Return codes, R', errors and how values are clipped, each of shape (n,).

        The values follow each other from a position on, or are those of these channels. None where
        one is divided to what is no number, which numpy has to encode.
        """
        n, dtype = r.size, self.p.dtype
        if channels is None or self.p.count == 1:
            each, first, inner = self._parameters(start, n)
        else:
            each, first, inner = self._spread(lambda values: values[channels]), 0, 1
        scale, zero_point, *others = each[:OF_VALUES]
        units = -(-n // kernels.UNIT)
        codes, side = np.empty(n, self.p.format.dtype), np.empty(n, np.int8)
        made, error = np.empty(n, dtype), np.empty(n, dtype)
        counts = np.zeros(9, np.int64)
        loops.compiled.evaluate(
            self.choices, r.dtype.char, kernels.UNIT, envelope.STRETCH, n, start,
            first, inner, scale.size, loops.ready(r), scale, zero_point, codes,
            np.empty((len(KINDS), units)), counts, np.empty(units, dtype),
            *[None] * 10, made, error, side, self.form.levels, self.form.ends, *others,
            None, None, None,
        )  # fmt: skip
        return None if counts[-1] else (codes, made, error, side)

    def _spread(self, align: Callable[[np.ndarray], np.ndarray]) -> list[Any]:
        return [
            None if values is None else np.ascontiguousarray(align(values))
            for values in self.parameters
        ]

    def _parameters(self, start: int, n: int) -> tuple[list[Any], int, int]:
        """Return parameters, where in them the block begins, and for how many values each holds."""
        if self.p.count == 1:
            return list(self.parameters), 0, 1
        granularity = self.p.granularity
        if run := granularity.layout(self.shape).run:
            return list(self.parameters), start, run
        align = partial(granularity.spread, shape=self.shape, start=start, stop=start + n)
        return self._spread(align), 0, 1


def compiled(
    p: QParams, quantizer: Quantizer, r: FloatArray, codes: IntArray
) -> CompiledPass | None:
    """Return how the loops do a pass; None if they are not there, or have no such formulas."""
    kind = CODES.get(codes.dtype.name)
    if loops.compiled is None or kind is None or not codes.flags.c_contiguous:
        return None
    if kernels.UNIT > MOST_UNIT or kernels.UNIT % envelope.STRETCH:
        return None
    fmt = p.format.element if isinstance(p.format, BlockFormat) else p.format
    form = _form(fmt, p.dtype)
    if form is None or not p.small_zero_point or p.dtype != working_dtype(r.dtype):
        return None
    way = _block_way(quantizer, p) if p.divisor is not None else _affine_way(quantizer, p)
    if way is None:
        return None
    a, by_value = p.arithmetic, p.divisor is not None or not p.format.integer
    code = a.nan_code.within(p.format.qmin, p.format.qmax)
    choices = (
        way.rounding, way.shift, way.fused, way.how, p.moved,
        np.ndim(p.scale) > 0 and p.format.integer, kind, a.seed,
        NO_CODE if code is None else code, float(p.qmin), float(p.qmax), *form.numbers,
        way.added, way.zero_code, by_value, float(a.reach),
    )  # fmt: skip
    given = p.working_scale, p.working_zero_point, way.divisor, *way.offsets
    each = [
        None if one is None else np.ascontiguousarray(np.broadcast_to(np.atleast_1d(one), p.count))
        for one in given
    ]
    return CompiledPass(p, codes.shape, choices, form, (*each, *_bounds(p, by_value)))


def _bounds(p: QParams, by_value: bool) -> list[np.ndarray | None]:
    """Return what ``Quantizer.bound`` takes of the parameters, in float64; see ``_loops.c``."""
    if even_bound(p):
        return [None] * 4
    step = np.abs(np.asarray(p.scale, np.float64))
    if not by_value:
        return [np.atleast_1d(p.arithmetic.reach * step), None, None, None]
    ratio = low = moved = None
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        if p.divisor is not None:
            ratio = np.abs(np.asarray(p.scale) / p.divisor - 1)
        if np.ndim(p.offset):
            low = np.asarray(p.offset, np.float64)
            moved = np.abs(low.astype(np.float16).astype(np.float64) - low)
    given = step, ratio, low, moved
    return [None if one is None else np.ascontiguousarray(np.atleast_1d(one)) for one in given]


@dataclass(frozen=True)
class Way:
    """How a quantizer encodes and decodes, beyond the format."""

    rounding: int
    how: int = DIVIDED
    shift: int = NOWHERE
    fused: bool = False
    added: float = 0.0
    zero_code: int = -1
    divisor: Any = None
    offsets: tuple[FloatArray | None, FloatArray | None] = (None, None)
    """What is taken from values, and what is added to R'."""


def _affine_way(quantizer: Quantizer, p: QParams) -> Way | None:
    """Return how the affine families do it; None if the quantizer is of another kind."""
    kind, a = type(quantizer), p.arithmetic
    if kind.stages is not Affine.stages or kind.decode is not Affine.decode:
        return None
    if kind.clip is not Quantizer.clip or np.ndim(p.offset):
        return None
    if not p.format.integer and (p.moved or quantizer.has_zero_point(p.format, a)):
        return None
    rounding = BY_CHANCE if a.chances else ROUNDINGS.get(a.rounding)
    if rounding is None:
        return None
    shift = _shift(quantizer, p, a)
    fused = a.fused and p.dtype == np.float32 and shift == BEFORE
    return Way(rounding, BY_RECIPROCAL if a.reciprocal else DIVIDED, shift, fused)


def _block_way(quantizer: Quantizer, p: QParams) -> Way | None:
    """Return how a block format does it; None if it is of another kind."""
    if isinstance(quantizer, Mxfp4):
        rounding = ROUNDINGS.get(quantizer.definition.rounding.name)
        code, divisor = quantizer.definition.zero_code, np.asarray(p.working_divisor)
        # A power of two that the precision holds: dividing by it rounds as in any wider one.
        whole = np.isfinite(divisor) & (divisor > 0) & np.isfinite(p.working_scale)
        if rounding is None or not np.all(whole & (np.asarray(p.working_scale) > 0)):
            return None
        return Way(rounding, zero_code=-1 if code is None else code, divisor=divisor)
    if type(quantizer) is Q8:
        with np.errstate(all="ignore"):
            return Way(ROUNDINGS["ties-away"], MULTIPLIED, divisor=quantizer.inverse(p))
    if not isinstance(quantizer, SignedScaleBlock | ScaleMinimumBlock):
        return None
    with np.errstate(all="ignore"):
        divisor = quantizer.inverse(p)
        offsets: tuple[FloatArray | None, FloatArray | None] = None, None
        if isinstance(quantizer, ScaleMinimumBlock):
            offsets = quantizer.minimum(p), quantizer.kept_minimum(p)
    return Way(SHIFTED, MULTIPLIED, added=quantizer.added, divisor=divisor, offsets=offsets)


def _form(fmt: Format, dtype: np.dtype[Any]) -> Form | None:
    """Return how the loops round to a format; None if they do not."""
    if isinstance(fmt, IntegerFormat):
        return Form((0, 0, 0, 0))
    if isinstance(fmt, FloatFormat):
        small = 0 < fmt.mantissa < 8 and abs(fmt.smallest_exponent) < 64 and 1 < fmt.bits <= 8
        return Form((1, fmt.mantissa, fmt.smallest_exponent, fmt.bits - 1)) if small else None
    if isinstance(fmt, CodebookFormat) and 2 <= len(fmt.book) <= 256:
        levels = np.array(fmt.book)
        middles = (levels[1:] + levels[:-1]) / 2
        ends = middles.astype(dtype)
        ends = np.where(ends > middles, np.nextafter(ends, dtype.type(-np.inf)), ends)
        return Form((2, 0, 0, 0), levels.astype(dtype), ends)
    return None


def _shift(quantizer: Quantizer, p: QParams, a: Arithmetic) -> int:
    """Return where Z is added: nowhere, before or after rounding."""
    if not quantizer.has_zero_point(p.format, a):
        return NOWHERE
    return BEFORE if a.zero_point_first else AFTER
