"""Block formats of llama.cpp: 32 values share a float16 scale, and possibly a minimum.

Source: ``ggml-quants.c`` and the ``gguf`` package; tests compare bit for bit. A value is encoded
with the scale before it is rounded to float16, and reconstructed with the rounded one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from quantoscope.engine.formats import BlockFormat, Format, IntegerFormat
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic, Precision, Tiny
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, Places
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.quantizers.base import AffineEquivalent, Choice, Quantizer
from quantoscope.engine.quantizers.params import Ends, QParams, Stage, origins, qparams_of


class BlockQuantizer(Quantizer):
    """Base of block formats: values times 1/d, clipped to codes, the scale d in float16."""

    fixed_range = True
    cast_remark = "as the package casts what is no finite number"

    def __init__(self, name: str, codes: Format) -> None:
        self.name = name
        self.own_format = BlockFormat(name, codes, source="verified against gguf 0.19.0")

    def _scale(self, ends: Ends) -> FloatArray:
        """Return d in float32, before rounding for storage."""
        raise NotImplementedError

    def _zero_point(self) -> int:
        """Return Z."""
        return 0

    def _range(
        self, ends: Ends, d: FloatArray, q: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray]:
        """Return the values of the first and last code, the smaller one first."""
        first, last = ((edge - self._zero_point()) * d for edge in q)
        return np.minimum(first, last), np.maximum(first, last)

    def parameters(
        self, ends: Ends, fmt: Format, arithmetic: Arithmetic, granularity: Granularity
    ) -> QParams:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            d = self._scale(ends)
            q = self.code_range(fmt, arithmetic)
            kept = d.astype(np.float16).astype(np.float64)
            zeros = (ends.low == 0) & (ends.high == 0)
            origin = origins(d.size, zeros, kept == 0)
            z = np.full(d.shape, float(self._zero_point()))
            return qparams_of(
                self.name, fmt, kept, z, q, self._range(ends, d, q), d.dtype, origin,
                replace(arithmetic, stored="float16"), granularity,
                divisor=d.astype(np.float64), **self._offset(ends),
            )  # fmt: skip

    def _offset(self, ends: Ends) -> dict[str, FloatArray]:
        return {}

    def inverse(self, p: QParams) -> FloatArray:
        """Return 1/d in float32; 0 for a block of zeros."""
        d = np.asarray(p.working_divisor)
        return np.asarray(np.where(d == 0, d.dtype.type(0), d.dtype.type(1) / d))

    def decode(self, codes: np.ndarray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        # Every distance is a small integer, exact in any precision.
        numbers = p.format.unpack(codes, p.dtype, out)
        with np.errstate(all="ignore"):
            np.subtract(numbers, p.working_zero_point, out=numbers)
            return np.asarray(np.multiply(numbers, p.working_scale, out=out))

    def parameter_bits(self, p: QParams) -> int:
        return 16


class Q8(BlockQuantizer):
    """d = max|R| / 127; Q = Round(R · 1/d), ties away from 0; R' = Q · float16(d)."""

    summary = "llama.cpp: blocks of 32, a float16 scale from the largest magnitude."
    symmetric_range = True

    def affine_equivalent(self) -> AffineEquivalent:
        arithmetic = Arithmetic(
            rounding="ties-away",
            works_in="float32",
            division=Precision.WORKING,
            stored="float32",
            tiny=Tiny.AS_IS,
            reciprocal=True,
            refuses_overflow=False,
        )
        kept = "reconstructed with d in float32", "reconstructed with float16(d)"
        rest = Choice("float16", "Float16 scale", *kept)
        return AffineEquivalent("int8", "symmetric", arithmetic, rest)

    def _scale(self, ends: Ends) -> FloatArray:
        return np.abs(ends.peak) / np.float32(127)

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "float16({maxR} / 127)"

    def code_range(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[float, float]:
        return -127, 127

    def stage_list(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[Stage, ...]:
        return (
            Stage("scaled", "R·1/d", "{R} · (1 / {d})"),
            Stage("rounded", "Round", "RoundAway({scaled})"),
            Stage("clipped", "Q", "Clip({rounded}, {Qmin}, {Qmax})"),
        )

    def stages(
        self, r: FloatArray, p: QParams, where: Places = None, out: Buffer = None
    ) -> Iterator[tuple[str, FloatArray]]:
        scaled = r * self.inverse(p)
        yield "scaled", scaled
        # As in the package; if 1/d overflows, so does its integer cast.
        size = np.abs(scaled)
        whole = np.floor(size)
        rounded = np.sign(scaled) * (whole + np.floor(2 * (size - whole)))
        rounded = np.where(np.isfinite(rounded), rounded, rounded.dtype.type(0))
        yield "rounded", rounded


class TruncatingBlock(BlockQuantizer):
    """Base of block formats whose code is Trunc(scaled + a number)."""

    _scaled = Stage("scaled", "R·1/d", "{R} · (1 / {d})")
    added = 0.5
    """What a scaled value is moved by before it is cut off."""

    def _distance(self, r: FloatArray, p: QParams) -> FloatArray:
        """Return what is multiplied by 1/d."""
        return r

    def stage_list(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[Stage, ...]:
        return (
            self._scaled,
            Stage("shifted", f"+ {self.added}", f"{{scaled}} + {self.added}"),
            Stage("rounded", "Trunc", "Trunc({shifted})"),
            Stage("clipped", "Q", "Clip({rounded}, {Qmin}, {Qmax})"),
        )

    def stages(
        self, r: FloatArray, p: QParams, where: Places = None, out: Buffer = None
    ) -> Iterator[tuple[str, FloatArray]]:
        scaled = self._distance(r, p) * self.inverse(p)
        yield "scaled", scaled
        shifted = scaled + p.dtype.type(self.added)
        yield "shifted", shifted
        yield "rounded", np.trunc(shifted)

    def clip(self, number: FloatArray, p: QParams, out: Buffer = None) -> FloatArray:
        """Clip through uint8, which wraps if 1/d overflows, as in the package."""
        clipped = np.clip(number, p.qmin, p.qmax)
        odd = ~np.isfinite(number)
        if np.any(odd):
            wrapped = np.asarray(number).astype(np.uint8).clip(int(p.qmin), int(p.qmax))
            clipped = np.where(odd, wrapped.astype(p.dtype), clipped)
        return np.asarray(clipped)


class SignedScaleBlock(TruncatingBlock):
    """d = the value of the largest magnitude / −2^(bits−1); Q = Trunc(R · 1/d + 2^(bits−1) + ½).

    The extreme value has the first code exactly, so d may be negative.
    R' = (Q − 2^(bits−1)) · float16(d).
    """

    summary = "llama.cpp: blocks of 32, a float16 scale with the sign of the extreme value."

    def __init__(self, name: str, codes: Format) -> None:
        super().__init__(name, codes)
        self._half = 1 << (codes.bits - 1)
        self.added = self._half + 0.5

    def has_zero_point(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> bool:
        return True

    def _zero_point(self) -> int:
        return self._half

    def _scale(self, ends: Ends) -> FloatArray:
        return ends.peak / np.float32(-self._half)

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return f"float16({{peakR}} / (−{self._half}))"

    def zero_point_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return "({Qmax} + 1) / 2"


class ScaleMinimumBlock(TruncatingBlock):
    """m = min R; d = (max R − m) / (2^bits − 1); Q = Trunc((R − m) · 1/d + ½).

    R' = float16(d) · Q + float16(m): the minimum takes the place of a zero point.
    """

    summary = "llama.cpp: blocks of 32, a float16 scale and a float16 minimum."
    _scaled = Stage("scaled", "(R−m)·1/d", "({R} − {m}) · (1 / {d})")

    def __init__(self, name: str, codes: Format) -> None:
        super().__init__(name, codes)
        self._last = (1 << codes.bits) - 1

    def _scale(self, ends: Ends) -> FloatArray:
        return (ends.high - ends.low) / np.float32(self._last)

    def _range(
        self, ends: Ends, d: FloatArray, q: tuple[float, float]
    ) -> tuple[FloatArray, FloatArray]:
        return ends.low, ends.high

    def _offset(self, ends: Ends) -> dict[str, FloatArray]:
        return {"offset": ends.low.astype(np.float64)}

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return f"float16(({{Rmax}} − {{Rmin}}) / {self._last})"

    def offset_formula(self) -> str:
        return "{Rmin}"

    def reconstruction(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> Stage:
        return Stage("reconstructed", "R′", "{S} · {Q} + float16({m})")

    def minimum(self, p: QParams) -> FloatArray:
        """Return m in working precision."""
        return np.asarray(p.offset).astype(p.dtype)

    def kept_minimum(self, p: QParams) -> FloatArray:
        """Return m as it is stored."""
        return np.asarray(p.offset).astype(np.float16).astype(p.dtype)

    def _distance(self, r: FloatArray, p: QParams) -> FloatArray:
        return r - self.minimum(p)

    def decode(self, codes: np.ndarray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        numbers = p.format.unpack(codes, p.dtype, out)
        with np.errstate(all="ignore"):
            np.multiply(numbers, p.working_scale, out=numbers)
            return np.asarray(np.add(numbers, self.kept_minimum(p), out=out))

    def bound(self, r: FloatArray, p: QParams) -> Any:
        low = np.asarray(p.offset)
        with np.errstate(over="ignore", invalid="ignore"):
            moved = np.abs(low.astype(np.float16).astype(np.float64) - low)
            return super().bound(np.asarray(r, np.float64) - low, p) + moved

    def parameter_bits(self, p: QParams) -> int:
        return 32


_UINT4, _UINT5 = IntegerFormat(4, signed=False), IntegerFormat(5, signed=False)
BLOCK_QUANTIZERS: tuple[Quantizer, ...] = (
    Q8("q8_0", IntegerFormat(8, signed=True)),
    SignedScaleBlock("q4_0", _UINT4),
    ScaleMinimumBlock("q4_1", _UINT4),
    SignedScaleBlock("q5_0", _UINT5),
    ScaleMinimumBlock("q5_1", _UINT5),
)
"""Block formats of llama.cpp; a new one of the same kinds is a line here."""
