"""What a code can be: a number format is a value (bits and sign), not a class per width."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

MIN_BITS, MAX_BITS = 2, 16


@dataclass(frozen=True)
class Format:
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

    def __post_init__(self) -> None:
        if not MIN_BITS <= self.bits <= MAX_BITS:
            raise ValueError(f"a code has {MIN_BITS} to {MAX_BITS} bits, not {self.bits}")
        if self.narrow and not self.signed:
            raise ValueError("only a signed format has a narrow code range")

    @property
    def name(self) -> str:
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
    def dtype(self) -> np.dtype[np.integer]:
        """The smallest numpy integer type that holds every code."""
        width = 8 if self.bits <= 8 else 16
        return np.dtype(f"{'int' if self.signed else 'uint'}{width}")

    def __str__(self) -> str:
        return self.name


def _in_menu_order() -> tuple[Format, ...]:
    """Int8 first, then the other familiar widths, then the rest."""
    widths = [8, 4, 16, *(b for b in range(MIN_BITS, MAX_BITS + 1) if b not in (4, 8, 16))]
    usual = [Format(bits, signed) for bits in widths for signed in (True, False)]
    return (*usual, *(Format(bits, signed=True, narrow=True) for bits in widths))


FORMATS: tuple[Format, ...] = _in_menu_order()
"""Every format, in the order that menus show."""

FORMATS_IN_WORDS = (
    f"int{MIN_BITS}…int{MAX_BITS}, uint{MIN_BITS}…uint{MAX_BITS}, "
    f"int{MIN_BITS}-narrow…int{MAX_BITS}-narrow"
)


def parse_format(word: str) -> Format | None:
    """The format that a word names, or None when it names none."""
    match = re.fullmatch(r"(u?)int([0-9]{1,2})(-narrow)?", word)
    if match is None or not MIN_BITS <= int(match[2]) <= MAX_BITS:
        return None
    if match[1] and match[3]:
        return None
    return Format(int(match[2]), signed=not match[1], narrow=bool(match[3]))
