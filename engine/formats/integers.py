"""Integer formats, whose numbers are their codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.formats.number_format import Format
from quantoscope.engine.numerics.arithmetic import Rounding
from quantoscope.engine.numerics.arrays import Buffer, FloatArray, IntArray, Places

MIN_BITS, MAX_BITS = 2, 16


@dataclass(frozen=True)
class IntegerFormat(Format):
    """An integer code format, such as ``int8`` or ``uint4``.

    Parameters
    ----------
    bits : int
        Width of a code, 2 to 16.
    signed : bool
        Two's complement if true, from 0 if false.
    narrow : bool
        Whether a signed format omits its smallest code, such as −127 … 127 for 8 bits.

    Raises
    ------
    ValueError
        If the width is out of range, or an unsigned format is narrow.
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
        """Name in scheme text, such as ``int8``."""
        return f"{'int' if self.signed else 'uint'}{self.bits}{'-narrow' if self.narrow else ''}"

    @property
    def qmin(self) -> int:
        """Smallest code in use: the smallest of the width, or −qmax."""
        return self.narrow - (1 << (self.bits - 1)) if self.signed else 0

    @property
    def qmax(self) -> int:
        """Largest code of the width."""
        return (1 << (self.bits - self.signed)) - 1

    @property
    def dtype(self) -> np.dtype[np.integer[Any]]:
        """Smallest numpy integer dtype that holds every code."""
        width = 8 if self.bits <= 8 else 16
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    def round(
        self, x: FloatArray, rounding: Rounding, where: Places = None, out: Buffer = None
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


_WIDTHS = (8, 4, 16, *(b for b in range(MIN_BITS, MAX_BITS + 1) if b not in (8, 4, 16)))
INTEGERS: tuple[Format, ...] = (
    *(IntegerFormat(bits, signed) for bits in _WIDTHS for signed in (True, False)),
    *(IntegerFormat(bits, signed=True, narrow=True) for bits in _WIDTHS),
)
"""Every integer format, common widths first."""
