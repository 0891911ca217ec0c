"""A block through the compiled loops, where they are built; else the formulas in numpy do it all.

The formulas of ``engine.quantizers`` are the definition, and what tests compare the loops with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.evaluation.accumulators import KINDS, BlockSums
from quantoscope.engine.evaluation.draw_envelopes import even_bound
from quantoscope.engine.formats import Format, IntegerFormat
from quantoscope.engine.formats.small_floats import CodebookFormat, FloatFormat
from quantoscope.engine.numerics import envelope, kernels, loops
from quantoscope.engine.numerics.arithmetic import Arithmetic
from quantoscope.engine.numerics.arrays import FloatArray, IntArray, working_dtype
from quantoscope.engine.quantizers import QParams, Quantizer
from quantoscope.engine.quantizers.affine import Affine

ROUNDINGS = {"ties-even": 0, "ties-away": 1, "toward-zero": 2}
BY_CHANCE = 3
NOWHERE, BEFORE, AFTER = 0, 1, 2
CODES = {"int8": "b", "uint8": "B", "int16": "h", "uint16": "H"}
NO_CODE = -(2**63)
MOST_UNIT = 512


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
    scale: np.ndarray
    zero_point: np.ndarray
    """Parameters in working precision, shape (count,)."""
    bound: np.ndarray | None
    """Largest error of rounding, in float64, shape (count,); None if it is the same for all."""

    def block(
        self, r: FloatArray, start: int, codes: IntArray, draws: bool, draws_made: bool
    ) -> Made:
        """Encode the values from a position on, float16 and bfloat16 as they are stored.

        Returns the sums, what curves need if it ``draws``, the tally of the codes, and whether a
        square may lie beyond float64, so that the sums are none.
        """
        n, dtype = r.size, self.p.dtype
        units, stretches = -(-n // kernels.UNIT), -(-n // envelope.STRETCH)
        (scale, zero_point, *bound), first, inner = self._parameters(start, n)
        sums, counts = np.zeros((len(KINDS), units)), np.zeros(9, np.int64)
        largest = np.empty(units, dtype)
        tally = np.zeros(256, np.int64) if codes.itemsize == 1 else None
        ends = [np.empty(stretches, dtype) for _ in range(2 * draws + 2 * draws_made)]
        worst = [np.full(units, -1) for _ in range(2 * draws)]
        bounds = [np.empty(stretches) for _ in range(2 * draws * len(bound))]
        loops.compiled.evaluate(
            self.choices, r.dtype.char, kernels.UNIT, envelope.STRETCH, n, start,
            first, inner, scale.size, loops.ready(r), scale, zero_point,
            codes, sums, counts, largest, tally,
            *(*ends, *[None] * 4)[:4], *(*worst, *[None] * 2)[:2],
            *((*bound, *bounds) if bounds else [None] * 3), None, None, None,
            self.form.levels, self.form.ends,
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
        if channels is None or self.scale.size == 1:
            (scale, zero_point, *_), first, inner = self._parameters(start, n)
        else:
            scale, zero_point, first, inner = self.scale[channels], self.zero_point[channels], 0, 1
        units = -(-n // kernels.UNIT)
        codes, side = np.empty(n, self.p.format.dtype), np.empty(n, np.int8)
        made, error = np.empty(n, dtype), np.empty(n, dtype)
        counts = np.zeros(9, np.int64)
        loops.compiled.evaluate(
            self.choices, r.dtype.char, kernels.UNIT, envelope.STRETCH, n, start,
            first, inner, scale.size, loops.ready(r), scale, zero_point, codes,
            np.empty((len(KINDS), units)), counts, np.empty(units, dtype),
            *[None] * 10, made, error, side, self.form.levels, self.form.ends,
        )  # fmt: skip
        return None if counts[-1] else (codes, made, error, side)

    def _parameters(self, start: int, n: int) -> tuple[list[np.ndarray], int, int]:
        """Return parameters, where in them the block begins, and for how many values each holds."""
        each = [self.scale, self.zero_point, *([] if self.bound is None else [self.bound])]
        if self.scale.size == 1:
            return each, 0, 1
        granularity = self.p.granularity
        if run := granularity.layout(self.shape).run:
            return each, start, run
        spread = (granularity.spread(values, self.shape, start, start + n) for values in each)
        return [np.ascontiguousarray(values) for values in spread], 0, 1


def compiled(
    p: QParams, quantizer: Quantizer, r: FloatArray, codes: IntArray
) -> CompiledPass | None:
    """Return how the loops do a pass; None if they are not there, or have no such formulas."""
    kind = CODES.get(codes.dtype.name)
    if loops.compiled is None or kind is None or type(quantizer).stages is not Affine.stages:
        return None
    if kernels.UNIT > MOST_UNIT or kernels.UNIT % envelope.STRETCH:
        return None
    form = _form(p.format, p.dtype)
    if form is None or not p.small_zero_point or p.dtype != working_dtype(r.dtype):
        return None
    if not p.format.integer and (p.moved or quantizer.has_zero_point(p.format, p.arithmetic)):
        return None
    if not codes.flags.c_contiguous or p.divisor is not None or np.ndim(p.offset):
        return None
    if type(quantizer).decode is not Affine.decode or type(quantizer).clip is not Quantizer.clip:
        return None
    a = p.arithmetic
    rounding = BY_CHANCE if a.chances else ROUNDINGS.get(a.rounding)
    if rounding is None:
        return None
    fused, shift = a.fused and p.dtype == np.float32, _shift(quantizer, p, a)
    code = a.nan_code.within(p.format.qmin, p.format.qmax)
    choices = (
        rounding, shift, fused and shift == BEFORE, a.reciprocal, p.moved,
        np.ndim(p.scale) > 0 and p.format.integer, kind, a.seed,
        NO_CODE if code is None else code, float(p.qmin), float(p.qmax), *form.numbers,
    )  # fmt: skip
    scale, zero_point = (
        np.ascontiguousarray(np.atleast_1d(each))
        for each in (p.working_scale, p.working_zero_point)
    )
    if zero_point.size == 1 < scale.size:
        zero_point = np.full(scale.size, zero_point[0])
    bound = (
        None if even_bound(p) or not p.format.integer else np.atleast_1d(a.reach * np.abs(p.scale))
    )
    return CompiledPass(p, codes.shape, choices, form, scale, zero_point, bound)


def _form(fmt: Format, dtype: np.dtype[Any]) -> Form | None:
    """Return how the loops round to a format; None if they do not."""
    if isinstance(fmt, IntegerFormat):
        return Form((0, 0, 0, 0))
    if isinstance(fmt, FloatFormat):
        return Form((1, fmt.mantissa, fmt.smallest_exponent, fmt.bits - 1))
    if isinstance(fmt, CodebookFormat):
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
