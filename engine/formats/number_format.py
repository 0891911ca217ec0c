"""What every number format is: a set of numbers, and the code of each.

How numbers are written as text, and with how many digits, is in ``engine.number_text``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arithmetic import Rounding
from quantoscope.engine.numerics.arrays import FloatArray, IntArray


class Format(ABC):
    """A set of numbers and the code of each; values are divided by S to be rounded to them.

    Attributes
    ----------
    name : str
        The format's word in a scheme's text.
    bits : int
        Width of a code.
    dtype : numpy.dtype
        The integer type that holds the codes.
    qmin, qmax : int or float
        The smallest and the largest number.
    integer : bool
        Whether the numbers are whole, one apart, and their own codes.
    nearest_only : bool
        Whether the format knows no rounding but to the nearest number.
    mapping : str
        The quantizer that brings the format along; empty where any may be chosen.
    block : int
        How many neighbours share parameters; 0 where the granularity may be chosen.
    source : str
        Where the definition is taken from, and what it was compared with; empty for integers.
    """

    name: str
    bits: int
    integer: bool = False
    nearest_only: bool = False
    mapping: str = ""
    block: int = 0
    source: str = ""

    @property
    @abstractmethod
    def qmin(self) -> float:
        """The smallest number."""

    @property
    @abstractmethod
    def qmax(self) -> float:
        """The largest number."""

    @property
    def code_count(self) -> int:
        """How many codes stand for a number: all that the bits hold, unless overridden."""
        return 1 << self.bits

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """The integer type that holds the codes."""
        return np.dtype(np.uint8)

    @abstractmethod
    def round(
        self,
        x: FloatArray,
        rounding: Rounding,
        where: IntArray | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """Round to the format's numbers, as if these went on beyond both ends.

        Parameters
        ----------
        x : ndarray of float
        rounding : Rounding
        where : ndarray of int, shape of x, optional
            Positions, which only stochastic rounding asks for.
        out : ndarray, shape of x, optional
            May be used for the result.
        """

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        """Return how rounding is written: to whole numbers, unless overridden.

        ``{step}`` is the distance of the format's numbers around the one that is rounded.
        """
        return rounding.formula.format(x=inner)

    @property
    def round_functions(self) -> Mapping[str, tuple[float, ...]]:
        """The functions of ``round_formula`` that round to a list of numbers, ties to the lower."""
        return {}

    @abstractmethod
    def gap(self, x: FloatArray) -> FloatArray:
        """Return the distance of the format's numbers around ``x``."""

    @abstractmethod
    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        """Return the codes of numbers of the format; ``out`` may be used for them."""

    @abstractmethod
    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the numbers of codes, in a new array or ``out``.

        Parameters
        ----------
        codes : ndarray
        dtype : dtype
            One that holds each of the numbers.
        out : ndarray of that dtype, optional
            May be used for the result.
        """

    @abstractmethod
    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        """Return the format's numbers from ``qmin`` to ``qmax``, ascending, in float64."""

    def label(self, code: int) -> str:
        """Return how people write a code."""
        return f"0x{int(code):0{(self.bits + 3) // 4}X}"

    def __str__(self) -> str:
        return self.name
