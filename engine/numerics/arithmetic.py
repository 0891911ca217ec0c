"""The choices within the formulas: one row of variation points, which a runtime is a value of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray, IntArray

Apply = Callable[[FloatArray, IntArray | None, FloatArray | None], FloatArray]


@dataclass(frozen=True)
class Rounding:
    """One way to make a whole number of a real one.

    Attributes
    ----------
    name : str
        Its word in a scheme's text.
    summary : str
        What it does, for people.
    apply : callable
        Rounds an array; gets the positions of the values too, or None, and an array that it may
        put the result into, or None.
    reach : float
        How far at most the result lies from the number, in steps: ½, or 1 where it cuts.
    formula : str
        How it is written, with ``{x}`` for the number, and ``{{u}}`` for a number by chance from
        0 to 1.
    """

    name: str
    summary: str
    apply: Apply
    reach: float
    formula: str = "Round({x})"


def _ties_even(
    x: FloatArray, where: IntArray | None = None, out: FloatArray | None = None
) -> FloatArray:
    rounded: FloatArray = np.rint(x, out=out)
    return rounded


def _ties_away(
    x: FloatArray, where: IntArray | None = None, out: FloatArray | None = None
) -> FloatArray:
    """Round half away from zero; adding ½ first would round 0.49999997 up in float32."""
    whole = np.trunc(x)
    with np.errstate(invalid="ignore"):
        half = np.abs(x - whole) >= 0.5
    return np.where(half, whole + np.copysign(x.dtype.type(1), x), whole)


def _toward_zero(
    x: FloatArray, where: IntArray | None = None, out: FloatArray | None = None
) -> FloatArray:
    rounded: FloatArray = np.trunc(x, out=out)
    return rounded


def _stochastic(
    seed: int, x: FloatArray, where: IntArray | None = None, out: FloatArray | None = None
) -> FloatArray:
    """Round up with the probability of the fraction, the same at a position for the same seed."""
    where = np.arange(x.size).reshape(x.shape) if where is None else where
    down = np.floor(x)
    with np.errstate(invalid="ignore"):
        up = uniform_at(where, seed) < x - down
    return down + up.astype(x.dtype)


def uniform_at(where: IntArray, seed: int) -> np.ndarray:
    """Return a number in [0, 1) for each position: the finalizer of SplitMix64 (Steele 2014)."""
    with np.errstate(over="ignore"):
        z = where.astype(np.uint64) + np.uint64(1) + np.uint64(seed) * np.uint64(0x632BE59BD9B4E019)
        z = z * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(11)).astype(np.float64) / 2.0**53


STOCHASTIC = "stochastic"
MODELOPT = "modelopt"
MAX_SEED = 2**31 - 1

ROUNDINGS: dict[str, Rounding] = {
    rounding.name: rounding
    for rounding in (
        Rounding("ties-even", "To the nearest code, ties to the even one.", _ties_even, 0.5),
        Rounding(
            "ties-away",
            "To the nearest code, ties away from 0.",
            _ties_away,
            0.5,
            "RoundAway({x})",
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
            # Up where u is less than the fraction.
            "Ceil({x} − {{u}})",
        ),
    )
}
"""Every way of rounding, the textbook's first; ``stochastic`` takes any seed."""

ROUNDINGS_IN_WORDS = ", ".join(name.replace("(0)", "(seed)") for name in ROUNDINGS)


@lru_cache(maxsize=64)
def parse_rounding(word: str) -> Rounding | None:
    """The rounding that a word names, or None when it names none."""
    match = re.fullmatch(rf"{STOCHASTIC}(?:\(\s*([0-9]{{1,10}})\s*\))?", word)
    if match is None:
        return ROUNDINGS.get(word)
    seed = int(match[1] or 0)
    if seed > MAX_SEED:
        return None
    like = ROUNDINGS[f"{STOCHASTIC}(0)"]
    name = f"{STOCHASTIC}({seed})"
    return Rounding(name, like.summary, partial(_stochastic, seed), like.reach, like.formula)


@dataclass(frozen=True)
class Arithmetic:
    """What a scheme leaves open in its family's formulas; the defaults are the textbook's.

    Parameters
    ----------
    rounding : str
        How values become whole numbers, as ``parse_rounding`` reads it.
    pow2 : bool
        Whether S is raised to the next power of two, which hardware applies by a shift.
    works_in : str
        The precision of the arithmetic; empty: that of the data.
    includes_zero : bool
        Whether the range is widened to include 0.
    narrow_from : int
        From so many bits on, the symmetric mapping leaves a signed format's smallest code out.
    divisor : str
        What the symmetric mapping divides: ``qmax`` max|R| by Qmax, ``half`` max|R| by
        (Qmax − Qmin)/2, ``width`` 2·max|R| by Qmax − Qmin.
    middle_zero : bool
        Whether the symmetric mapping takes the middle of an unsigned format as zero point.
    difference, division : str
        The precision of Rmax − Rmin and of the division: ``working`` or ``float64``.
    stored : str
        What S is rounded to before anything else uses it; empty: nothing, S/Z keep float64 and
        only the array operations round S to their precision. ``bfloat16`` is rounded to float16
        next, as LiteRT's blocks are stored.
    range_floor, floor : float
        The least width of the range, and the least S.
    tiny : str
        What becomes of an S of 0 or nearly: ``textbook`` (S = 1 for zeros, a constant is a level,
        else the smallest number), ``one`` (S = 1 and Z = 0 below the smallest normal number),
        ``one-middle`` (the same, but the symmetric mapping keeps its Z), ``as-is``.
    zero_point : str
        ``from-max``: Qmax − Round(Rmax / S); ``from-min``: Qmin − Round(Rmin / S); ``sum``:
        Round(Qmin − Rmin / S); ``nearer-end``: Round(Qmin − Rmin / S) or Round(Qmax − Rmax / S),
        whichever end is nearer to 0.
    exact_scale : bool
        Whether Z is computed with S before it was rounded for storage.
    clamps_zero_point : bool
        Whether Z is clipped to the codes.
    reciprocal : bool
        Whether values are multiplied by 1/S instead of divided by S.
    zero_point_first : bool
        Whether Z is added before rounding.
    fused : bool
        Whether R · (1/S) + Z is rounded to the precision once, by a fused multiply-add.
    nan_code : str
        What NaN becomes: ``none`` (a placeholder, the code nearest to 0), ``lowest``,
        ``highest``, or ``zero`` (the code 0).
    refuses_overflow : bool
        Whether a scale beyond the precision is refused; a runtime goes on with infinity.
    entropy : str
        Whose search the calibration ``entropy`` is: ``modelopt`` or ``onnxruntime``.

    Raises
    ------
    ValueError
        When there is no such rounding.
    """

    rounding: str = "ties-even"
    pow2: bool = False
    works_in: str = ""
    includes_zero: bool = False
    narrow_from: int = 2
    divisor: str = "qmax"
    middle_zero: bool = False
    difference: str = "working"
    division: str = "float64"
    stored: str = ""
    range_floor: float = 0.0
    floor: float = 0.0
    tiny: str = "textbook"
    zero_point: str = "from-max"
    exact_scale: bool = True
    clamps_zero_point: bool = False
    reciprocal: bool = False
    zero_point_first: bool = True
    fused: bool = False
    nan_code: str = "none"
    refuses_overflow: bool = True
    entropy: str = MODELOPT

    def __post_init__(self) -> None:
        if parse_rounding(self.rounding) is None:
            raise ValueError(f"there is no rounding {self.rounding!r}")

    @property
    def how(self) -> Rounding:
        """The rounding itself."""
        rounding = parse_rounding(self.rounding)
        assert rounding is not None
        return rounding

    @property
    def reach(self) -> float:
        """The largest error that rounding alone can make, in steps."""
        return self.how.reach

    @property
    def chances(self) -> bool:
        """Whether rounding depends on the position of a value."""
        return self.rounding.startswith(STOCHASTIC)

    @property
    def seed(self) -> int:
        """The seed of rounding by chance; 0 where there is none."""
        return int(self.rounding.partition("(")[2].removesuffix(")") or 0)

    def working(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        """The precision that data of a precision is quantized in."""
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
