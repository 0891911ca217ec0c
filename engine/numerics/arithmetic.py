"""Rounding modes and arithmetic options of the quantization formulas."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import lru_cache, partial
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arrays import Buffer, FloatArray, IntArray, Places

Apply = Callable[[FloatArray, Places, Buffer], FloatArray]


@dataclass(frozen=True)
class Rounding:
    """A rounding mode."""

    name: str
    """The mode's name in scheme text."""
    summary: str
    """One sentence for the user."""
    apply: Apply
    """``apply(x, where, out)`` rounds ``x``; ``where`` holds the flat positions of the values or is
    None, ``out`` is a buffer for the result or None."""
    reach: float
    """Largest distance between result and number, in steps: ½, or 1 if the mode truncates."""
    formula: str = "Round({x})"
    """Template of the formula; ``{x}`` stands for the number, ``{{u}}`` for a random number in [0,
    1)."""


def _ties_even(x: FloatArray, where: Places = None, out: Buffer = None) -> FloatArray:
    rounded: FloatArray = np.rint(x, out=out)
    return rounded


def _ties_away(x: FloatArray, where: Places = None, out: Buffer = None) -> FloatArray:
    """Round half away from zero; adding ½ first would round 0.49999997 up in float32."""
    whole = np.trunc(x)
    with np.errstate(invalid="ignore"):
        half = np.abs(x - whole) >= 0.5
    return np.where(half, whole + np.copysign(x.dtype.type(1), x), whole)


def _toward_zero(x: FloatArray, where: Places = None, out: Buffer = None) -> FloatArray:
    rounded: FloatArray = np.trunc(x, out=out)
    return rounded


def _stochastic(seed: int, x: FloatArray, where: Places = None, out: Buffer = None) -> FloatArray:
    """Round up with the fraction as probability; the seed and position fix the result."""
    where = np.arange(x.size).reshape(x.shape) if where is None else where
    down = np.floor(x)
    with np.errstate(invalid="ignore"):
        up = uniform_at(where, seed) < x - down
    return down + up.astype(x.dtype)


def uniform_at(where: IntArray, seed: int) -> np.ndarray:
    """Return a pseudo-random number in [0, 1) per position: SplitMix64 (Steele 2014)."""
    with np.errstate(over="ignore"):
        z = where.astype(np.uint64) + np.uint64(1) + np.uint64(seed) * np.uint64(0x632BE59BD9B4E019)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


STOCHASTIC = "stochastic"
MAX_SEED = 2**31 - 1

ROUNDINGS: dict[str, Rounding] = {
    rounding.name: rounding
    for rounding in (
        Rounding("ties-even", "To the nearest code, ties to the even one.", _ties_even, 0.5),
        Rounding(
            "ties-away", "To the nearest code, ties away from 0.", _ties_away, 0.5, "RoundAway({x})"
        ),
        Rounding(
            "toward-zero",
            "Cuts the fraction off: an error of up to a step.",
            _toward_zero,
            1.0,
            "Trunc({x})",
        ),
        Rounding(
            f"{STOCHASTIC}(0)",
            "Up or down by chance, with the fraction as probability; the number is the seed.",
            partial(_stochastic, 0),
            1.0,
            # Rounds up exactly if u is less than the fraction.
            "Ceil({x} − {{u}})",
        ),
    )
}
"""Rounding modes by name, the textbook's first; ``stochastic`` accepts any seed."""

ROUNDINGS_IN_WORDS = ", ".join(name.replace("(0)", "(seed)") for name in ROUNDINGS)


@lru_cache(maxsize=64)
def parse_rounding(word: str) -> Rounding | None:
    """Return the rounding mode of that name; None if there is no such mode."""
    match = re.fullmatch(rf"{STOCHASTIC}(?:\(\s*([0-9]{{1,10}})\s*\))?", word)
    if match is None:
        return ROUNDINGS.get(word)
    seed = int(match[1] or 0)
    if seed > MAX_SEED:
        return None
    like = ROUNDINGS[f"{STOCHASTIC}(0)"]
    name = f"{STOCHASTIC}({seed})"
    return Rounding(name, like.summary, partial(_stochastic, seed), like.reach, like.formula)


class Divisor(StrEnum):
    """Scale of the symmetric mapping."""

    QMAX = "qmax"
    """max|R| / Qmax."""
    HALF = "half"
    """max|R| / ((Qmax − Qmin) / 2)."""
    WIDTH = "width"
    """2·max|R| / (Qmax − Qmin)."""


class Precision(StrEnum):
    """Precision of one operation."""

    WORKING = "working"
    FLOAT64 = "float64"


class Tiny(StrEnum):
    """Replacement for an S of 0 or nearly 0."""

    TEXTBOOK = "textbook"
    """S = 1 for zeros, a constant is a level, else the smallest number."""
    ONE = "one"
    """S = 1 and Z = 0 below the smallest normal number."""
    ONE_MIDDLE = "one-middle"
    """As ``ONE``, but the symmetric mapping keeps its Z."""
    AS_IS = "as-is"

    @property
    def becomes_one(self) -> bool:
        """Whether such an S becomes 1."""
        return self in (Tiny.ONE, Tiny.ONE_MIDDLE)


class ZeroPoint(StrEnum):
    """Formula of Z."""

    FROM_MAX = "from-max"
    """Qmax − Round(Rmax / S)."""
    FROM_MIN = "from-min"
    """Qmin − Round(Rmin / S)."""
    SUM = "sum"
    """Round(Qmin − Rmin / S)."""
    NEARER_END = "nearer-end"
    """Round(Qmin − Rmin / S) or Round(Qmax − Rmax / S), for the end that is nearer to 0."""


class NanCode(StrEnum):
    """Code of NaN."""

    NONE = "none"
    """A placeholder, the code nearest to 0."""
    LOWEST = "lowest"
    HIGHEST = "highest"
    ZERO = "zero"
    """The code 0."""

    def within(self, qmin: float, qmax: float) -> int | None:
        """Return the code in a code range; None for a placeholder."""
        codes = {NanCode.LOWEST: int(qmin), NanCode.HIGHEST: int(qmax), NanCode.ZERO: 0}
        return codes.get(self)


class EntropySearch(StrEnum):
    """Package whose search the calibration ``entropy`` is."""

    MODELOPT = "modelopt"
    ONNXRUNTIME = "onnxruntime"


@dataclass(frozen=True)
class Arithmetic:
    """Options that the quantization formulas leave open; the defaults are the textbook's.

    Parameters
    ----------
    rounding : str
        Rounding mode, as ``parse_rounding`` reads it.
    pow2 : bool
        Whether S is rounded up to a power of two, which hardware applies as a shift.
    works_in : str
        Precision of the arithmetic; empty for that of the data.
    includes_zero : bool
        Whether the range is widened to include 0.
    narrow_from : int
        Number of bits from which the symmetric mapping omits a signed format's smallest code.
    divisor : Divisor
        Scale of the symmetric mapping.
    middle_zero : bool
        Whether the symmetric mapping of an unsigned format has its middle code as zero point.
    difference, division : Precision
        Precision of Rmax − Rmin and of the division.
    stored : str
        Precision that S is rounded to before any use; empty if S stays float64 and only
        operations on arrays round it to their precision. ``bfloat16`` is then rounded to float16
        as well, like the scales of LiteRT's blocks.
    range_floor, floor : float
        Smallest width of the range, and smallest S.
    tiny : Tiny
        Replacement for an S of 0 or nearly 0.
    zero_point : ZeroPoint
        Formula of Z.
    exact_scale : bool
        Whether Z is computed from S before S is rounded for storage.
    clamps_zero_point : bool
        Whether Z is clipped to the codes.
    reciprocal : bool
        Whether values are multiplied by 1/S instead of divided by S.
    zero_point_first : bool
        Whether Z is added before rounding.
    fused : bool
        Whether R · (1/S) + Z is rounded to the precision once, by a fused multiply-add.
    nan_code : NanCode
        Code of NaN.
    refuses_overflow : bool
        Whether a scale beyond the precision is an error; runtimes continue with infinity.
    entropy : EntropySearch
        Implementation that the calibration ``entropy`` follows.

    Raises
    ------
    ValueError
        If there is no such rounding mode.
    """

    rounding: str = "ties-even"
    pow2: bool = False
    works_in: str = ""
    includes_zero: bool = False
    narrow_from: int = 2
    divisor: Divisor = Divisor.QMAX
    middle_zero: bool = False
    difference: Precision = Precision.WORKING
    division: Precision = Precision.FLOAT64
    stored: str = ""
    range_floor: float = 0.0
    floor: float = 0.0
    tiny: Tiny = Tiny.TEXTBOOK
    zero_point: ZeroPoint = ZeroPoint.FROM_MAX
    exact_scale: bool = True
    clamps_zero_point: bool = False
    reciprocal: bool = False
    zero_point_first: bool = True
    fused: bool = False
    nan_code: NanCode = NanCode.NONE
    refuses_overflow: bool = True
    entropy: EntropySearch = EntropySearch.MODELOPT

    def __post_init__(self) -> None:
        if parse_rounding(self.rounding) is None:
            raise ValueError(f"there is no rounding {self.rounding!r}")
        for field in fields(self):
            if isinstance(field.default, StrEnum):
                kind = type(field.default)
                object.__setattr__(self, field.name, kind(getattr(self, field.name)))

    @property
    def how(self) -> Rounding:
        """The rounding mode."""
        rounding = parse_rounding(self.rounding)
        assert rounding is not None
        return rounding

    @property
    def reach(self) -> float:
        """Largest error that rounding alone can make, in steps."""
        return self.how.reach

    @property
    def chances(self) -> bool:
        """Whether rounding is stochastic, so that it depends on a value's position."""
        return self.rounding.startswith(STOCHASTIC)

    @property
    def seed(self) -> int:
        """Seed of stochastic rounding; 0 for other modes."""
        return int(self.rounding.partition("(")[2].removesuffix(")") or 0)

    def working(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """Return the precision in which data of ``dtype`` is quantized."""
        return np.dtype(self.works_in) if self.works_in else dtype


TEXTBOOK = Arithmetic()


def fused_multiply_add(x: FloatArray, y: Any, z: Any) -> FloatArray:
    """Return x·y + z of float32 numbers, rounded to float32 once.

    The product is exact in float64, and so is the error of the sum (Knuth's two-sum). Setting the
    sum's last bit where there is an error ("rounding to odd") keeps a tie of float32 from being
    made by the first rounding: Boldo and Melquiond, 2008.
    """
    product = x.astype(np.float64) * np.float64(y)
    addend = np.asarray(z, np.float64)
    total = np.asarray(product + addend)
    part = total - product
    error = (product - (total - part)) + (addend - part)
    even = (total.view(np.int64) & 1) == 0
    away = np.nextafter(total, np.where(error > 0, np.inf, -np.inf))
    odd = np.where(even & (error != 0) & np.isfinite(error), away, total)
    return odd.astype(np.float32)
