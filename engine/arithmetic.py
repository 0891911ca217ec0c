"""The choices within the formulas: how to round, and what a scale may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from engine.arrays import FloatArray


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
        Rounds an array.
    reach : float
        How far at most the result lies from the number, in steps: ½, or 1 where it cuts.
    """

    name: str
    summary: str
    apply: Callable[[FloatArray], FloatArray]
    reach: float


def _ties_away(x: FloatArray) -> FloatArray:
    """Round half away from zero; adding ½ first would round 0.49999997 up in float32."""
    whole = np.trunc(x)
    with np.errstate(invalid="ignore"):
        half = np.abs(x - whole) >= 0.5
    return np.where(half, whole + np.copysign(x.dtype.type(1), x), whole)


def _ties_even(x: FloatArray) -> FloatArray:
    rounded: FloatArray = np.rint(x)
    return rounded


def _toward_zero(x: FloatArray) -> FloatArray:
    rounded: FloatArray = np.trunc(x)
    return rounded


ROUNDINGS: dict[str, Rounding] = {
    rounding.name: rounding
    for rounding in (
        Rounding("ties-even", "To the nearest code, ties to the even one.", _ties_even, 0.5),
        Rounding("ties-away", "To the nearest code, ties away from 0.", _ties_away, 0.5),
        Rounding(
            "toward-zero", "Cuts the fraction off: an error of up to a step.", _toward_zero, 1.0
        ),
    )
}
"""Every way of rounding, the textbook's first."""


@dataclass(frozen=True)
class Arithmetic:
    """What a scheme leaves open in its family's formulas.

    Parameters
    ----------
    rounding : str
        A key of ``ROUNDINGS``.
    pow2 : bool
        Whether S is raised to the next power of two, which hardware applies by a shift.

    Raises
    ------
    ValueError
        When there is no such rounding.
    """

    rounding: str = "ties-even"
    pow2: bool = False

    def __post_init__(self) -> None:
        if self.rounding not in ROUNDINGS:
            raise ValueError(f"there is no rounding {self.rounding!r}")

    def round(self, x: FloatArray) -> FloatArray:
        """Round to whole numbers."""
        return ROUNDINGS[self.rounding].apply(x)

    @property
    def reach(self) -> float:
        """The largest error that rounding alone can make, in steps."""
        return ROUNDINGS[self.rounding].reach


TEXTBOOK = Arithmetic()
