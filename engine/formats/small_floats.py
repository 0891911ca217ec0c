"""Non-uniform formats: small floating-point numbers, and codebooks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from quantoscope.engine.formats.number_format import Format
from quantoscope.engine.numerics.arithmetic import Rounding
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, IntArray, Places


@dataclass(frozen=True)
class FloatFormat(Format):
    """A small floating-point format of ``ml_dtypes``, with bit patterns as codes.

    Numbers are rounded in the precision of the data, which holds every one of them: to multiples
    of 2^(exponent − mantissa), the exponent never below that of the smallest normal number.

    Parameters
    ----------
    mantissa : int
        Mantissa bits after the leading one.
    smallest_exponent : int
        Exponent of the smallest normal number.
    largest : float
        Largest finite number.
    """

    name: str
    bits: int
    mantissa: int
    smallest_exponent: int
    largest: float
    source: str = ""

    @property
    def qmin(self) -> float:
        """The smallest finite number."""
        return -self.largest

    @property
    def qmax(self) -> float:
        """The largest finite number."""
        return self.largest

    @property
    def ml_dtype(self) -> np.dtype[Any]:
        """The dtype in ``ml_dtypes``."""
        import ml_dtypes

        kind: np.dtype[Any] = np.dtype(getattr(ml_dtypes, f"float{self.bits}_{self.name}"))
        return kind

    def gap(self, x: FloatArray) -> FloatArray:
        # |x| = m·2^exponent with m in [½, 1); 0 has no exponent.
        _, exponent = np.frexp(x)
        least = self.smallest_exponent
        exponent = np.where(x == 0, least, exponent)
        gap: FloatArray = np.ldexp(x.dtype.type(1), np.maximum(exponent - 1, least) - self.mantissa)
        return gap

    def round(
        self, x: FloatArray, rounding: Rounding, where: Places = None, out: Buffer = None
    ) -> FloatArray:
        quantum = self.gap(x)
        with np.errstate(over="ignore", invalid="ignore"):
            return rounding.apply(x / quantum, where, None) * quantum

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        return f"{rounding.formula.format(x=f'{inner} / {{step}}')} · {{step}}"

    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        return np.asarray(numbers.astype(self.ml_dtype)).view(np.uint8)

    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        return codes.astype(np.uint8).view(self.ml_dtype).astype(dtype)

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        every = self.unpack(np.arange(1 << self.bits))
        return np.unique(every[(every >= qmin) & (every <= qmax)] + 0.0)


@dataclass(frozen=True)
class CodebookFormat(Format):
    """A short list of numbers with their indices as codes; ties go to the lower number.

    Parameters
    ----------
    book : tuple of float
        The numbers, ascending, each exact in float32.
    """

    name: str
    bits: int
    book: tuple[float, ...]
    source: str = ""
    nearest_only = True

    @property
    def qmin(self) -> float:
        """The first number."""
        return self.book[0]

    @property
    def qmax(self) -> float:
        """The last number."""
        return self.book[-1]

    @cached_property
    def _levels(self) -> np.ndarray:
        return np.array(self.book)

    def round(
        self, x: FloatArray, rounding: Rounding, where: Places = None, out: Buffer = None
    ) -> FloatArray:
        levels = self._levels
        middles = (levels[1:] + levels[:-1]) / 2
        nearest = levels[np.searchsorted(middles, x)].astype(x.dtype)
        # More than half a gap beyond either end, x stays unchanged, to be clipped.
        reach = (levels[-1] - levels[-2]) / 2, (levels[1] - levels[0]) / 2
        outside = (x > levels[-1] + reach[0]) | (x < levels[0] - reach[1])
        return np.where(outside, x, nearest)

    @property
    def code_count(self) -> int:
        """One code per number."""
        return len(self.book)

    @property
    def round_functions(self) -> Mapping[str, tuple[float, ...]]:
        """Rounding to the format's numbers."""
        return {f"RoundTo{self.name.upper()}": self.book}

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        (name,) = self.round_functions
        return f"{name}({inner})"

    def gap(self, x: FloatArray) -> FloatArray:
        gaps = np.diff(self._levels)
        place = np.clip(np.searchsorted(self._levels, x) - 1, 0, gaps.size - 1)
        return gaps[place].astype(x.dtype)

    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        middles = (self._levels[1:] + self._levels[:-1]) / 2
        return np.asarray(np.searchsorted(middles, numbers).astype(np.uint8))

    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        return self._levels.astype(dtype)[codes.astype(np.intp)]

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        levels = self._levels
        return levels[(levels >= qmin) & (levels <= qmax)]


NF4_BOOK = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip
"""Quantiles of a normal distribution: Dettmers et al., QLoRA, 2023, appendix E, in float32."""

_ML_DTYPES = "verified against ml_dtypes 0.6.0"
E2M1 = FloatFormat("e2m1fn", 4, 1, 0, 6.0, _ML_DTYPES)
SMALL_FLOATS: tuple[Format, ...] = (
    FloatFormat("e4m3fn", 8, 3, -6, 448.0, _ML_DTYPES),
    FloatFormat("e5m2", 8, 2, -14, 57344.0, _ML_DTYPES),
    E2M1,
    CodebookFormat(
        "nf4", 4, NF4_BOOK, "from documentation: QLoRA, Dettmers et al. 2023, appendix E"
    ),
)
