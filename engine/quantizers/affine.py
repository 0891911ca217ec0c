"""Base of affine families: Q = Clip(Round(R/S) + Z), R' = (Q − Z)·S."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from quantoscope.engine.formats import Format
from quantoscope.engine.numerics.arithmetic import (
    TEXTBOOK,
    Arithmetic,
    Precision,
    Tiny,
    fused_multiply_add,
)
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, Places
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.quantizers.base import CODE, Quantizer
from quantoscope.engine.quantizers.params import Ends, Origin, QParams, Stage, qparams_of

BITS = {"float32": 32, "float64": 64, "float16": 16, "bfloat16": 16}


class Affine(Quantizer):
    """A scale and possibly a zero point; families differ in how these follow from the range."""

    affine = True

    @abstractmethod
    def used_range(self, ends: Ends, fmt: Format, a: Arithmetic) -> tuple[FloatArray, FloatArray]:
        """Return the clipping range that this family uses for the calibrated one."""

    @abstractmethod
    def scale(self, low: FloatArray, high: FloatArray, q: Any, a: Arithmetic) -> FloatArray:
        """Return S in float64 for the range and the code range ``q``; 0 for an empty range."""

    def constant(
        self, value: FloatArray, q: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return Rmin, Rmax and S for an empty range, so that ``value`` is a level."""
        return value, value, np.abs(value).astype(np.float64) / q[1]

    def zero_point(
        self, low: FloatArray, high: FloatArray, s: FloatArray, q: Any, a: Arithmetic
    ) -> Any:
        """Return Z as integral float64 numbers, or Python integers for a single range."""
        return np.zeros(s.shape)

    # From the range to the parameters

    def parameters(
        self, ends: Ends, fmt: Format, arithmetic: Arithmetic, granularity: Granularity
    ) -> QParams:
        a = arithmetic
        q = self.code_range(fmt, a)
        dtype = ends.high.dtype
        low, high = self.used_range(ends, fmt, a)
        s = self.scale(low, high, q, a)
        origin = np.full(s.shape, Origin.RANGE, dtype="U8")
        zeros = floored = np.zeros(s.shape, bool)
        if a.tiny is Tiny.TEXTBOOK:
            zeros = (low == 0) & (high == 0)
            constant = (low == high) & (s == 0) & ~zeros
            if constant.any():
                ends_and_scale = self.constant(high, q)
                low, high, s = (
                    np.where(constant, new, old)
                    for new, old in zip(ends_and_scale, (low, high, s), strict=True)
                )
                origin[constant] = Origin.CONSTANT
            if zeros.any():
                s = np.where(zeros, 1.0, s)
                origin[zeros] = Origin.ZEROS
        if a.pow2:
            s = next_power_of_two(s)
        exact, s = s, stored(s, a.stored)
        with np.errstate(over="ignore", under="ignore"):
            working = s.astype(dtype)
        smallest = np.finfo(dtype).smallest_subnormal
        if a.tiny is Tiny.TEXTBOOK:
            floored = (working == 0) & ~zeros
            if floored.any():
                s = np.where(floored, float(smallest), s)
                exact = np.where(floored, s, exact)
        elif a.tiny.becomes_one:
            compared = exact if a.exact_scale else s
            floored = compared < np.finfo(dtype).smallest_normal
            s, exact = np.where(floored, 1.0, s), np.where(floored, 1.0, exact)
        elif a.floor:
            floored = s < a.floor
            s, exact = np.where(floored, a.floor, s), np.where(floored, a.floor, exact)
        origin[floored] = Origin.FLOOR
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            z = self.zero_point(low, high, exact if a.exact_scale else s, q, a)
        if a.tiny is Tiny.ONE or (a.tiny is Tiny.ONE_MIDDLE and not self.symmetric_range):
            z = np.where(floored, 0.0, z)
        return qparams_of(self.name, fmt, s, z, q, (low, high), dtype, origin, a, granularity)

    def scale_before_storage(self, p: QParams) -> float:
        low, high = (np.array([end], p.dtype) for end in p.range)
        with np.errstate(over="ignore", under="ignore"):
            return float(self.scale(low, high, (p.qmin, p.qmax), p.arithmetic)[0])

    # From values to codes and back

    def stage_list(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[Stage, ...]:
        a = arithmetic
        product = "{R} · (1 / {S})" if a.reciprocal else "{R} / {S}"
        stages = [Stage("scaled", "R·1/S" if a.reciprocal else "R/S", product)]
        last = "{scaled}"
        moved = self.has_zero_point(fmt, a)
        if moved and a.zero_point_first:
            sum_ = "fma({R}, 1 / {S}, {Z})" if a.fused else "{scaled} + {Z}"
            stages.append(Stage("shifted", "+ Z", sum_))
            last = "{shifted}"
        stages.append(Stage("rounded", "Round", fmt.round_formula(last, a.how)))
        last = "{rounded}"
        if moved and not a.zero_point_first:
            stages.append(Stage("shifted", "+ Z", "{rounded} + {Z}"))
            last = "{shifted}"
        stages.append(Stage("clipped", "Q", f"Clip({last}, {{Qmin}}, {{Qmax}})"))
        if not fmt.integer:
            stages.append(CODE)
        return tuple(stages)

    def stages(
        self, r: FloatArray, p: QParams, where: Places = None, out: Buffer = None
    ) -> Iterator[tuple[str, FloatArray]]:
        a, s, z = p.arithmetic, p.working_scale, p.working_zero_point
        moved = self.has_zero_point(p.format, a)
        if a.reciprocal:
            last = np.multiply(r, p.dtype.type(1) / s, out=out)
        else:
            last = np.divide(r, s, out=out)
        yield "scaled", last
        if moved and a.zero_point_first:
            if a.fused and p.dtype == np.float32:
                last = fused_multiply_add(r, p.dtype.type(1) / s, z)
            else:
                last = np.add(last, z, out=out)
            yield "shifted", last
        last = p.format.round(last, a.how, where, out)
        yield "rounded", last
        if moved and not a.zero_point_first:
            last = np.add(last, z, out=out)
            yield "shifted", last

    def decode(self, codes: np.ndarray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        # Q − Z is rounded to the working precision, which is the formula's step. It is taken
        # there where that holds it exactly, and in float64, exact for |Z| < 2^53, elsewhere.
        small = p.format.integer and p.small_zero_point
        exact = p.dtype if small else np.dtype(np.float64)
        numbers = p.format.unpack(codes, exact, out if small else None)
        with np.errstate(all="ignore"):
            if p.moved:
                z = p.working_zero_point if small else np.asarray(p.zero_point).astype(exact)
                np.subtract(numbers, z, out=numbers)
            numbers = numbers.astype(p.dtype, copy=False)
            return np.asarray(np.multiply(numbers, p.working_scale, out=out))

    def parameter_bits(self, p: QParams) -> int:
        bits = BITS.get(p.arithmetic.stored, 8 * p.dtype.itemsize)
        if self.has_zero_point(p.format, p.arithmetic):
            # A zero point outside the codes needs an int32.
            z = np.asarray(p.zero_point)
            bits += p.format.bits if ((p.qmin <= z) & (z <= p.qmax)).all() else 32
        return bits


def next_power_of_two(s: FloatArray) -> FloatArray:
    """Return the smallest power of two not below S; 0 for 0."""
    mantissa, exponent = np.frexp(s)
    exact = (mantissa == 0.0) | (mantissa == 0.5)
    with np.errstate(over="ignore"):
        return np.where(exact, s, np.ldexp(1.0, exponent))


def extent(low: FloatArray, high: FloatArray, a: Arithmetic = TEXTBOOK) -> FloatArray:
    """Return Rmax − Rmin in the precision of the arithmetic.

    The textbook takes float64 where the working precision overflows.
    """
    if a.difference is Precision.FLOAT64:
        return high.astype(np.float64) - low.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        width = high - low
        if not a.refuses_overflow or np.isfinite(width).all():
            return width
        wide = high.astype(np.float64) - low.astype(np.float64)
        return np.where(np.isfinite(width), width, wide)


def divided(numerator: FloatArray, steps: float, a: Arithmetic = TEXTBOOK) -> FloatArray:
    """Return numerator / steps as float64, divided in the precision of the arithmetic."""
    if a.division is Precision.WORKING:
        with np.errstate(over="ignore", under="ignore"):
            return (numerator / numerator.dtype.type(steps)).astype(np.float64)
    return numerator.astype(np.float64) / steps


def stored(s: FloatArray, precision: str) -> FloatArray:
    """Round S to its storage precision; unchanged if that is empty."""
    if not precision:
        return s
    with np.errstate(over="ignore", under="ignore"):
        if precision == "bfloat16":
            import ml_dtypes

            # Through bfloat16 to float16, like the scales of LiteRT's blocks.
            s = s.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float32)
            precision = "float16"
        return s.astype(precision).astype(np.float64)
