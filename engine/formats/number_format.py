"""Base class of number formats: a set of numbers with their codes.

For numbers as text see ``engine.text.number_text``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arithmetic import Rounding
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, IntArray, Places


class Format(ABC):
    """A set of numbers with their codes; values divided by S are rounded to them.

    Attributes
    ----------
    name : str
        Name in scheme text.
    bits : int
        Width of a code.
    dtype : numpy.dtype
        The integer type that holds the codes.
    qmin, qmax : int or float
        Smallest and largest number.
    integer : bool
        Whether the numbers are consecutive integers and their own codes.
    nearest_only : bool
        Whether the only rounding is to the nearest number.
    mapping : str
        Quantizer that defines the format; empty if any may be chosen.
    block : int
        Values per block; 0 if the granularity may be chosen.
    source : str
        Source of the definition, and what it was verified against; empty for integers.
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
        """Number of codes with a number: all of the width, unless overridden."""
        return 1 << self.bits

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """The integer type that holds the codes."""
        return np.dtype(np.uint8)

    @abstractmethod
    def round(
        self, x: FloatArray, rounding: Rounding, where: Places = None, out: Buffer = None
    ) -> FloatArray:
        """Round to the format's numbers, as if these continued beyond both ends."""

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        """Return the formula of rounding: to integers, unless overridden.

        ``{step}`` is the spacing of the format's numbers around the rounded one.
        """
        return rounding.formula.format(x=inner)

    @property
    def round_functions(self) -> Mapping[str, tuple[float, ...]]:
        """Functions of ``round_formula`` that round to a list of numbers, ties down."""
        return {}

    @abstractmethod
    def gap(self, x: FloatArray) -> FloatArray:
        """Return the spacing of the format's numbers around ``x``."""

    @abstractmethod
    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        """Return the codes of numbers of the format; may use ``out``."""

    @abstractmethod
    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the numbers of codes, in a new array or ``out``; ``dtype`` holds every number."""

    @abstractmethod
    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        """Return the format's numbers from ``qmin`` to ``qmax``, ascending, in float64."""

    def label(self, code: int) -> str:
        """Return a code as text."""
        return f"0x{int(code):0{(self.bits + 3) // 4}X}"

    def __str__(self) -> str:
        return self.name
