"""MXFP4 in its different definitions, one row each.

32 values share a scale that is a power of two (E8M0, 8 bits); each value is rounded to the nearest
e2m1 number of R/S. The definitions differ in the exponent of S, in ties, and at the extremes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from quantoscope.engine.formats import BlockFormat, Format
from quantoscope.engine.formats.small_floats import E2M1
from quantoscope.engine.numerics.arithmetic import ROUNDINGS, TEXTBOOK, Arithmetic, Rounding
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, IntArray, Places
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.quantizers.base import CODE, Change, Choice, Quantizer
from quantoscope.engine.quantizers.params import Ends, QParams, Stage, origins, qparams_of

LARGEST_EXPONENT = 2
"""That of 6, the largest e2m1 number."""
_BIAS = 127


def _ties_lower(x: FloatArray, where: Places = None, out: Buffer = None) -> FloatArray:
    rounded: FloatArray = np.copysign(np.ceil(np.abs(x) - x.dtype.type(0.5)), x)
    return rounded


TIES_LOWER = Rounding(
    "ties-lower",
    "To the nearest number, ties to the smaller one.",
    _ties_lower,
    0.5,
    "RoundHalfDown({x})",
)


def _of_bits(added: int, amax: FloatArray) -> np.ndarray:
    """Take the exponent from the bits of float32 magnitudes, with a number added to these."""
    exponent = ((np.ascontiguousarray(amax).view(np.int32) + added) >> 23) - _BIAS
    return np.asarray(np.clip(exponent - LARGEST_EXPONENT, -_BIAS, _BIAS + 1))


_floor_of_bits, _ceil_of_bits = partial(_of_bits, 0), partial(_of_bits, (1 << 23) - 1)
# Half of the last bit of the e2m1 mantissa, to which the magnitude is rounded first.
_even_of_bits = partial(_of_bits, 1 << 21)


def _gguf(amax: FloatArray) -> np.ndarray:
    # In float32 and through uint8, which wraps for the smallest blocks.
    biased = np.where(amax > 0, np.floor(np.log2(amax)) - LARGEST_EXPONENT + _BIAS, 0)
    return biased.astype(np.int64) % 256 - _BIAS


def _microxcaling(amax: FloatArray) -> np.ndarray:
    smallest = np.finfo(np.float32).smallest_normal
    exponent = np.floor(np.log2(amax + smallest * (amax == 0))) - LARGEST_EXPONENT
    return np.asarray(np.clip(exponent, -_BIAS, _BIAS), np.int64)


def _ceil_of_sixth(most: int, amax: FloatArray) -> np.ndarray:
    exponent = np.ceil(np.log2(amax / np.float32(6)))
    return np.asarray(np.clip(exponent, -_BIAS, most), np.int64)


def _divisor(exponent: np.ndarray) -> np.ndarray:
    """Return the scale itself."""
    return np.asarray(np.ldexp(1.0, exponent))


def _normal_divisor(exponent: np.ndarray) -> np.ndarray:
    """Return at least the smallest normal number, though the stored scale may be smaller."""
    return np.asarray(np.ldexp(1.0, np.maximum(exponent, -126)))


def _rceil_divisor(exponent: np.ndarray) -> np.ndarray:
    """Return 1 at the smallest exponent, at which values are not divided."""
    return np.where(exponent == -_BIAS, 1.0, np.ldexp(1.0, exponent))


@dataclass(frozen=True)
class Definition:
    """A definition of MXFP4."""

    whose: str
    """Suffix of its name, ``mxfp4-WHOSE``."""
    formula: str
    """Formula of S."""
    exponent: Callable[[FloatArray], np.ndarray]
    """Returns exponents of the largest magnitudes, in float32."""
    rounding: Rounding
    """Rounding mode between e2m1 numbers."""
    divisor: Callable[[np.ndarray], np.ndarray] = _divisor
    """Returns the divisor of values by exponent."""
    zero_code: int | None = None
    """Code of 0; None if 0 and −0 keep their own codes."""
    source: str = ""
    """Source of the definition, and what it was verified against."""


_EVEN, _AWAY = ROUNDINGS["ties-even"], ROUNDINGS["ties-away"]
_FLOOR = "2^(⌊log2 {maxR}⌋ − 2)"

_TORCHAO = "verified against torchao 0.18.0"

DEFINITIONS: tuple[Definition, ...] = (
    Definition(
        "gguf", _FLOOR, _gguf, TIES_LOWER, zero_code=0, source="verified against gguf 0.19.0"
    ),
    Definition(
        "microxcaling",
        _FLOOR,
        _microxcaling,
        _AWAY,
        source="from documentation: microxcaling, mx/mx_ops.py and mx/elemwise_ops.py",
    ),
    Definition(
        "torchao-floor",
        _FLOOR,
        _floor_of_bits,
        _EVEN,
        _normal_divisor,
        source=_TORCHAO,
    ),
    Definition(
        "torchao-rceil",
        "2^⌈log2({maxR} / 6)⌉",
        partial(_ceil_of_sixth, _BIAS),
        _EVEN,
        _rceil_divisor,
        source=_TORCHAO,
    ),
    Definition(
        "torchao-ceil",
        "2^(⌈log2 {maxR}⌉ − 2)",
        _ceil_of_bits,
        _EVEN,
        _normal_divisor,
        source=_TORCHAO,
    ),
    Definition(
        "torchao-even",
        "2^(⌊log2 RoundToE2M1({maxR})⌋ − 2)",
        _even_of_bits,
        _EVEN,
        _normal_divisor,
        source=_TORCHAO,
    ),
    Definition(
        "modelopt",
        "2^⌈log2({maxR} / 6)⌉",
        partial(_ceil_of_sixth, _BIAS + 1),
        TIES_LOWER,
        zero_code=8,
        source="from documentation: Model Optimizer, qtensor/mxfp4_tensor.py",
    ),
)
"""Every definition; a new one is a row here."""


def _words(definition: Definition, key: str) -> str:
    """Return the option of a definition for a choice."""
    if key == "exponent":
        return "S = " + definition.formula.replace("{maxR}", "max|R|")
    if key == "rounding":
        return definition.rounding.name
    if key == "zero":
        return {0: "+0", 8: "−0", None: "0 with its sign"}[definition.zero_code]
    return (definition.divisor.__doc__ or "").partition("\n")[0].rstrip(".")


def _changed(taken: dict[str, Any], quantizer: Quantizer) -> Quantizer:
    """Return the definition with some of another's options."""
    assert isinstance(quantizer, Mxfp4)
    return Mxfp4(replace(quantizer.definition, **taken))


class Mxfp4(Quantizer):
    """S = a power of two from max|R|; Q = the nearest e2m1 number of R/S, within ±6; R' = Q·S."""

    symmetric_range = True
    fixed_range = True
    exact_scale = True

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.name = f"mxfp4-{definition.whose}"
        self.own_format = BlockFormat(self.name, E2M1, source=definition.source)
        self.summary = (
            f"MXFP4 as {definition.whose} defines it: blocks of 32, a power of two as scale."
        )

    def changes_to(self, other: Quantizer) -> list[Change]:
        if not isinstance(other, Mxfp4):
            return super().changes_to(other)
        now, goal = self.definition, other.definition
        changes: list[Change] = []
        for key, title, names in (
            ("exponent", "Exponent of S", ("formula", "exponent")),
            ("divisor", "Extreme exponents", ("divisor",)),
            ("rounding", "Rounding", ("rounding",)),
            ("zero", "Code of 0", ("zero_code",)),
        ):
            taken = {name: getattr(goal, name) for name in names}
            if replace(now, **taken) != now:
                choice = Choice(key, title, _words(now, key), _words(goal, key))
                changes.append((choice, partial(_changed, taken)))
        return changes

    def shares_codes(self, other: Quantizer) -> bool:
        return isinstance(other, Mxfp4)

    def encoding_key(self) -> object:
        return self.definition

    def scale_formula(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> str:
        return self.definition.formula

    def stage_list(self, fmt: Format, arithmetic: Arithmetic = TEXTBOOK) -> tuple[Stage, ...]:
        return (
            Stage("scaled", "R/S", "{R} / {S}"),
            Stage("rounded", "Round", fmt.round_formula("{scaled}", self.definition.rounding)),
            Stage("clipped", "Q", "Clip({rounded}, {Qmin}, {Qmax})"),
            CODE,
        )

    def parameters(
        self, ends: Ends, fmt: Format, arithmetic: Arithmetic, granularity: Granularity
    ) -> QParams:
        amax = np.abs(ends.peak)
        with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
            exponent = self.definition.exponent(amax)
            s = np.ldexp(1.0, exponent)
            divisor = self.definition.divisor(exponent)
        origin = origins(amax.size, amax == 0, np.zeros(amax.size, bool))
        q = self.code_range(fmt)
        return qparams_of(
            self.name, fmt, s, np.zeros(s.shape), q, (-amax, amax), amax.dtype, origin,
            arithmetic, granularity, divisor=divisor,
        )  # fmt: skip

    def stages(
        self, r: FloatArray, p: QParams, where: Places = None, out: Buffer = None
    ) -> Iterator[tuple[str, FloatArray]]:
        # Dividing by a power of two beyond float32 still works.
        scaled = (r.astype(np.float64) / np.asarray(p.divisor)).astype(p.dtype)
        yield "scaled", scaled
        yield "rounded", E2M1.round(scaled, self.definition.rounding)

    def pack(self, number: FloatArray, r: FloatArray, p: QParams, out: IntArray | None) -> IntArray:
        packed = super().pack(number, r, p, out)
        if self.definition.zero_code == 0:
            packed[packed == 8] = 0
        elif self.definition.zero_code is not None:
            packed[r == 0] = self.definition.zero_code
        return packed

    def decode(self, codes: np.ndarray, p: QParams, out: FloatArray | None = None) -> FloatArray:
        with np.errstate(all="ignore"):
            return np.asarray((p.format.unpack(codes) * np.asarray(p.scale)).astype(p.dtype))

    def parameter_bits(self, p: QParams) -> int:
        return 8


MXFP4_QUANTIZERS: tuple[Quantizer, ...] = tuple(Mxfp4(d) for d in DEFINITIONS)
