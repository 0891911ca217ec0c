"""Registry of code formats; a new one is a value or a file, and a line here."""

from __future__ import annotations

import re

from quantoscope.engine.formats.block_format import BlockFormat
from quantoscope.engine.formats.integers import INTEGERS, MAX_BITS, MIN_BITS, IntegerFormat
from quantoscope.engine.formats.number_format import Format
from quantoscope.engine.formats.small_floats import SMALL_FLOATS, CodebookFormat, FloatFormat

FORMATS: dict[str, Format] = {fmt.name: fmt for fmt in (*INTEGERS, *SMALL_FLOATS)}
"""Every format by name; families that define a format add it."""

_FAMILIAR = INTEGERS[:6]


def in_menu_order() -> list[Format]:
    """Return every format: common integers, floats, codebooks and blocks, then the rest."""
    special = [fmt for fmt in FORMATS.values() if fmt not in INTEGERS]
    return [*_FAMILIAR, *special, *INTEGERS[len(_FAMILIAR) :]]


def formats_in_words() -> str:
    """Return the names of all formats, for a sentence."""
    widths = (f"{word}{MIN_BITS}…{word}{MAX_BITS}" for word in ("int", "uint"))
    named = (fmt.name for fmt in FORMATS.values() if fmt not in INTEGERS)
    return ", ".join((*widths, f"int{MIN_BITS}-narrow…int{MAX_BITS}-narrow", *named))


def parse_format(word: str) -> Format | None:
    """Return the format of that name; None if there is none."""
    # int08 is int8.
    return FORMATS.get(re.sub(r"^(u?int)0(?=[0-9])", r"\1", word))


__all__ = [
    "FORMATS",
    "INTEGERS",
    "SMALL_FLOATS",
    "BlockFormat",
    "CodebookFormat",
    "FloatFormat",
    "Format",
    "IntegerFormat",
    "formats_in_words",
    "in_menu_order",
    "parse_format",
]
