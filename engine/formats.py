"""What a code can be: a number format is a set of numbers with a code for each, as a value."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.arithmetic import Rounding
from engine.arrays import FloatArray, IntArray

MIN_BITS, MAX_BITS = 2, 16


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
    only_nearest : bool
        Whether the format knows no rounding but to the nearest number.
    mapping : str
        The quantizer that the format brings along; empty where any may be chosen.
    """

    name: str
    bits: int
    integer: bool = False
    only_nearest: bool = False
    mapping: str = ""

    @property
    @abstractmethod
    def qmin(self) -> float:
        """The smallest number."""

    @property
    @abstractmethod
    def qmax(self) -> float:
        """The largest number."""

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """The integer type that holds the codes."""
        return np.dtype(np.uint8)

    @abstractmethod
    def round(self, x: FloatArray, rounding: Rounding, where: IntArray | None = None) -> FloatArray:
        """Round to the format's numbers, as if these went on beyond both ends.

        Parameters
        ----------
        x : ndarray of float
        rounding : Rounding
        where : ndarray of int, shape of x, optional
            Positions, which only stochastic rounding asks for.
        """

    @abstractmethod
    def gap(self, x: FloatArray) -> FloatArray:
        """Return the distance of the format's numbers around ``x``."""

    @abstractmethod
    def pack(self, numbers: FloatArray) -> IntArray:
        """Return the codes of numbers of the format."""

    @abstractmethod
    def unpack(self, codes: np.ndarray) -> np.ndarray:
        """Return the numbers of codes, in float64."""

    @abstractmethod
    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        """Return the format's numbers from ``qmin`` to ``qmax``, ascending, in float64."""

    def label(self, code: int) -> str:
        """Return how people write a code."""
        return f"0x{int(code):0{(self.bits + 3) // 4}X}"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class IntegerFormat(Format):
    """An integer code format, such as ``int8`` or ``uint4``.

    Parameters
    ----------
    bits : int
        Width of a code, 2 to 16.
    signed : bool
        Two's complement when true, counting from 0 when false.
    narrow : bool
        Whether a signed format leaves out its smallest code, as −127 … 127 does for 8 bits.
    """

    bits: int
    signed: bool
    narrow: bool = False
    integer = True

    def __post_init__(self) -> None:
        if not MIN_BITS <= self.bits <= MAX_BITS:
            raise ValueError(f"a code has {MIN_BITS} to {MAX_BITS} bits, not {self.bits}")
        if self.narrow and not self.signed:
            raise ValueError("only a signed format has a narrow code range")

    @property
    def name(self) -> str:  # type: ignore[override]
        """The format's word in a scheme's text, such as ``int8``."""
        return f"{'int' if self.signed else 'uint'}{self.bits}{'-narrow' if self.narrow else ''}"

    @property
    def qmin(self) -> int:
        """The smallest code in use: the smallest that the bits can hold, or −qmax."""
        return self.narrow - (1 << (self.bits - 1)) if self.signed else 0

    @property
    def qmax(self) -> int:
        """The largest code the bits can hold."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """The smallest numpy integer type that holds every code."""
        width = 8 if self.bits <= 8 else 16
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    def round(self, x: FloatArray, rounding: Rounding, where: IntArray | None = None) -> FloatArray:
        return rounding.apply(x, where)

    def gap(self, x: FloatArray) -> FloatArray:
        return np.ones_like(x)

    def pack(self, numbers: FloatArray) -> IntArray:
        with np.errstate(invalid="ignore"):
            return np.asarray(numbers.astype(self.dtype))

    def unpack(self, codes: np.ndarray) -> np.ndarray:
        return codes.astype(np.float64)

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        return np.arange(qmin, qmax + 1, dtype=np.float64)

    def label(self, code: int) -> str:
        return str(int(code))

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class FloatFormat(Format):
    """A small floating-point format of ``ml_dtypes``, whose codes are its bit patterns.

    Numbers are rounded in the precision of the data, which holds every one of them: to multiples
    of 2^(exponent − mantissa), the exponent never below that of the smallest normal number.

    Parameters
    ----------
    name : str
        Its word, such as ``e4m3fn``.
    bits : int
    mantissa : int
        How many bits follow the leading one.
    smallest_exponent : int
        The exponent of the smallest normal number; what is smaller is subnormal.
    largest : float
        The largest finite number.
    """

    name: str
    bits: int
    mantissa: int
    smallest_exponent: int
    largest: float

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
        """The format in ``ml_dtypes``."""
        import ml_dtypes

        kind: np.dtype[Any] = np.dtype(getattr(ml_dtypes, f"float{self.bits}_{self.name}"))
        return kind

    def gap(self, x: FloatArray) -> FloatArray:
        # |x| = m·2^exponent with m in [½, 1).
        _, exponent = np.frexp(x)
        least = self.smallest_exponent
        gap: FloatArray = np.ldexp(x.dtype.type(1), np.maximum(exponent - 1, least) - self.mantissa)
        return gap

    def round(self, x: FloatArray, rounding: Rounding, where: IntArray | None = None) -> FloatArray:
        quantum = self.gap(x)
        with np.errstate(over="ignore", invalid="ignore"):
            return rounding.apply(x / quantum, where) * quantum

    def pack(self, numbers: FloatArray) -> IntArray:
        return np.asarray(numbers.astype(self.ml_dtype)).view(np.uint8)

    def unpack(self, codes: np.ndarray) -> np.ndarray:
        return codes.astype(np.uint8).view(self.ml_dtype).astype(np.float64)

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        every = self.unpack(np.arange(1 << self.bits))
        return np.unique(every[(every >= qmin) & (every <= qmax)] + 0.0)


@dataclass(frozen=True)
class CodebookFormat(Format):
    """A short list of numbers, each with its place as code; a tie goes to the lower one.

    Parameters
    ----------
    name : str
    bits : int
    book : tuple of float
        The numbers, ascending.
    """

    name: str
    bits: int
    book: tuple[float, ...]
    only_nearest = True

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

    def round(self, x: FloatArray, rounding: Rounding, where: IntArray | None = None) -> FloatArray:
        levels = self._levels
        middles = (levels[1:] + levels[:-1]) / 2
        nearest = levels[np.searchsorted(middles, x)].astype(x.dtype)
        # Beyond half a gap from either end there is no number: x stays, to be clipped.
        reach = (levels[-1] - levels[-2]) / 2, (levels[1] - levels[0]) / 2
        outside = (x > levels[-1] + reach[0]) | (x < levels[0] - reach[1])
        return np.where(outside, x, nearest)

    def gap(self, x: FloatArray) -> FloatArray:
        gaps = np.diff(self._levels)
        place = np.clip(np.searchsorted(self._levels, x) - 1, 0, gaps.size - 1)
        return gaps[place].astype(x.dtype)

    def pack(self, numbers: FloatArray) -> IntArray:
        middles = (self._levels[1:] + self._levels[:-1]) / 2
        return np.asarray(np.searchsorted(middles, numbers).astype(np.uint8))

    def unpack(self, codes: np.ndarray) -> np.ndarray:
        numbers: np.ndarray = self._levels[codes.astype(np.intp)]
        return numbers

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        levels = self._levels
        return levels[(levels >= qmin) & (levels <= qmax)]


@dataclass(frozen=True)
class BlockFormat(Format):
    """The codes of a block format, which brings its own mapping and its own size of a block.

    Parameters
    ----------
    name : str
        Its word, such as ``q8_0``, which is also its mapping's.
    element : Format
        The format of the codes within a block.
    block : int
        How many values along the last axis share their parameters.
    """

    name: str
    element: Format
    block: int = 32
    only_nearest = True

    @property
    def mapping(self) -> str:  # type: ignore[override]
        """The quantizer of the same name."""
        return self.name

    @property
    def bits(self) -> int:  # type: ignore[override]
        """Width of a code."""
        return self.element.bits

    @property
    def integer(self) -> bool:  # type: ignore[override]
        """Whether the codes are whole numbers."""
        return self.element.integer

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """The integer type that holds the codes."""
        return self.element.dtype

    @property
    def qmin(self) -> float:
        """The smallest number within a block."""
        return self.element.qmin

    @property
    def qmax(self) -> float:
        """The largest number within a block."""
        return self.element.qmax

    def round(self, x: FloatArray, rounding: Rounding, where: IntArray | None = None) -> FloatArray:
        return self.element.round(x, rounding, where)

    def gap(self, x: FloatArray) -> FloatArray:
        return self.element.gap(x)

    def pack(self, numbers: FloatArray) -> IntArray:
        return self.element.pack(numbers)

    def unpack(self, codes: np.ndarray) -> np.ndarray:
        return self.element.unpack(codes)

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        return self.element.numbers(qmin, qmax)

    def label(self, code: int) -> str:
        return self.element.label(code)


NF4_BOOK = (
    -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
    0.7229568362236023, 1.0,
)  # fmt: skip
"""Quantiles of a normal distribution: Dettmers et al., QLoRA, 2023, appendix E, in float32."""

E2M1 = FloatFormat("e2m1fn", 4, mantissa=1, smallest_exponent=0, largest=6.0)
SMALL_FLOATS: tuple[Format, ...] = (
    FloatFormat("e4m3fn", 8, mantissa=3, smallest_exponent=-6, largest=448.0),
    FloatFormat("e5m2", 8, mantissa=2, smallest_exponent=-14, largest=57344.0),
    E2M1,
    CodebookFormat("nf4", 4, NF4_BOOK),
)
BLOCKS: tuple[Format, ...] = (
    BlockFormat("q8_0", IntegerFormat(8, signed=True)),
    BlockFormat("q4_0", IntegerFormat(4, signed=False)),
    BlockFormat("q4_1", IntegerFormat(4, signed=False)),
    BlockFormat("q5_0", IntegerFormat(5, signed=False)),
    BlockFormat("q5_1", IntegerFormat(5, signed=False)),
    *(
        BlockFormat(f"mxfp4-{whose}", E2M1)
        for whose in (
            "gguf",
            "microxcaling",
            "torchao-floor",
            "torchao-rceil",
            "torchao-ceil",
            "torchao-even",
            "modelopt",
        )
    ),
)


def _in_menu_order() -> tuple[Format, ...]:
    """Int8 first, then the other familiar widths, the floats and blocks, then the rest."""
    widths = [8, 4, 16, *(b for b in range(MIN_BITS, MAX_BITS + 1) if b not in (4, 8, 16))]
    usual = [IntegerFormat(bits, signed) for bits in widths for signed in (True, False)]
    narrow = (IntegerFormat(bits, signed=True, narrow=True) for bits in widths)
    return (*usual[:6], *SMALL_FLOATS, *BLOCKS, *usual[6:], *narrow)


FORMATS: tuple[Format, ...] = _in_menu_order()
"""Every format, in the order that menus show."""

_NAMED = {fmt.name: fmt for fmt in (*SMALL_FLOATS, *BLOCKS)}
FORMATS_IN_WORDS = (
    f"int{MIN_BITS}…int{MAX_BITS}, uint{MIN_BITS}…uint{MAX_BITS}, "
    f"int{MIN_BITS}-narrow…int{MAX_BITS}-narrow, {', '.join(_NAMED)}"
)


def parse_format(word: str) -> Format | None:
    """The format that a word names, or None when it names none."""
    if word in _NAMED:
        return _NAMED[word]
    match = re.fullmatch(r"(u?)int([0-9]{1,2})(-narrow)?", word)
    if match is None or not MIN_BITS <= int(match[2]) <= MAX_BITS:
        return None
    if match[1] and match[3]:
        return None
    return IntegerFormat(int(match[2]), signed=not match[1], narrow=bool(match[3]))
