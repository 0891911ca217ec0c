"""What a code can be: the formats by name; a format is a value, not a class per width."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.formats.number_format import Format
from quantoscope.engine.formats.small_floats import E2M1, SMALL_FLOATS, CodebookFormat, FloatFormat
from quantoscope.engine.numerics.arithmetic import Rounding
from quantoscope.engine.numerics.arrays import FloatArray, IntArray

MIN_BITS, MAX_BITS = 2, 16


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

    Raises
    ------
    ValueError
        When the bits are fewer or more, or an unsigned format is to be narrow.
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

    def round(
        self,
        x: FloatArray,
        rounding: Rounding,
        where: IntArray | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        return rounding.apply(x, where, out)

    def gap(self, x: FloatArray) -> FloatArray:
        return np.ones_like(x)

    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        with np.errstate(invalid="ignore"):
            if out is None:
                return np.asarray(numbers.astype(self.dtype))
            np.copyto(out, numbers, casting="unsafe")
            return out

    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        if out is None:
            return codes.astype(dtype)
        np.copyto(out, codes)
        return out

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        return np.arange(qmin, qmax + 1, dtype=np.float64)

    def label(self, code: int) -> str:
        return str(int(code))

    def __str__(self) -> str:
        return self.name


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
    nearest_only = True

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

    def round(
        self,
        x: FloatArray,
        rounding: Rounding,
        where: IntArray | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        return self.element.round(x, rounding, where, out)

    def round_formula(self, inner: str, rounding: Rounding) -> str:
        return self.element.round_formula(inner, rounding)

    def gap(self, x: FloatArray) -> FloatArray:
        return self.element.gap(x)

    def pack(self, numbers: FloatArray, out: IntArray | None = None) -> IntArray:
        return self.element.pack(numbers, out)

    def unpack(
        self, codes: np.ndarray, dtype: Any = np.float64, out: np.ndarray | None = None
    ) -> np.ndarray:
        return self.element.unpack(codes, dtype, out)

    def numbers(self, qmin: float, qmax: float) -> np.ndarray:
        return self.element.numbers(qmin, qmax)

    def label(self, code: int) -> str:
        return self.element.label(code)


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


__all__ = [
    "BLOCKS",
    "FORMATS",
    "FORMATS_IN_WORDS",
    "SMALL_FLOATS",
    "BlockFormat",
    "CodebookFormat",
    "FloatFormat",
    "Format",
    "IntegerFormat",
    "parse_format",
]
