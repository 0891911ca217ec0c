"""A scheme: everything the user chooses, as one frozen value with one short text form."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from engine.arithmetic import ROUNDINGS, TEXTBOOK, Arithmetic
from engine.calibration import CALIBRATIONS_IN_WORDS, METHODS, MINMAX, Calibration
from engine.errors import SchemeError
from engine.formats import FORMATS_IN_WORDS, Format, parse_format
from engine.quantizers import QUANTIZERS

GRANULARITIES = ("per-tensor",)


@dataclass(frozen=True)
class Scheme:
    """All the user's choices for one way of quantizing.

    Parameters
    ----------
    format : Format
        What a code can be, such as ``int8``.
    mapping : str
        The quantizer's name: ``scale-only``, ``symmetric`` or ``asymmetric``.
    calibration : Calibration
        Where the clipping range comes from.
    granularity : str
        Which values share one scale; ``per-tensor`` means all.
    rounding : str
        How values become whole numbers: ``ties-even``, ``ties-away`` or ``toward-zero``.
    pow2 : bool
        Whether S is raised to a power of two.

    Examples
    --------
    >>> str(Scheme.parse("manual(-1, 1) symmetric int8"))
    'int8 symmetric manual(-1,1)'
    """

    format: Format
    mapping: str
    calibration: Calibration = MINMAX
    granularity: str = "per-tensor"
    rounding: str = TEXTBOOK.rounding
    pow2: bool = False

    def __post_init__(self) -> None:
        if self.mapping not in QUANTIZERS:
            raise ValueError(f"there is no mapping {self.mapping!r}")
        if self.granularity not in GRANULARITIES:
            raise ValueError(f"there is no granularity {self.granularity!r}")
        Arithmetic(self.rounding)

    @classmethod
    def parse(cls, text: str) -> Scheme:
        """Read a scheme from its text form; the order of the words does not matter.

        Raises
        ------
        SchemeError
            With the position of the wrong word and the words that are allowed.
        """
        return _parse(text)

    @property
    def arithmetic(self) -> Arithmetic:
        """The choices within the family's formulas."""
        return Arithmetic(self.rounding, self.pow2)

    def with_range(self, lo: float, hi: float) -> Scheme:
        """Return the same scheme with the clipping range set by hand."""
        return replace(self, calibration=Calibration("manual", (float(lo), float(hi))))

    def __str__(self) -> str:
        words = [str(self.format), self.mapping]
        if self.calibration != MINMAX:
            words.append(str(self.calibration))
        if self.granularity != "per-tensor":
            words.append(self.granularity)
        if self.rounding != TEXTBOOK.rounding:
            words.append(self.rounding)
        if self.pow2:
            words.append("pow2")
        return " ".join(words)


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    stop: int

    def error(self, message: str) -> SchemeError:
        return SchemeError(message, self.start, self.stop)


def _words(text: str) -> Iterator[_Word]:
    """Split at white space that is not inside parentheses."""
    for match in re.finditer(r"[^\s(]*\([^)]*\)?|[^\s(]+", text):
        yield _Word(match[0].replace("\N{MINUS SIGN}", "-").lower(), match.start(), match.end())


def _parse_calibration(word: _Word) -> Calibration:
    method, parenthesis, rest = word.text.partition("(")
    if not parenthesis:
        rest = ")"
    if not rest.endswith(")"):
        raise word.error(f"'{word.text}' lacks its closing parenthesis.")
    parts = [part.strip() for part in rest[:-1].split(",")] if rest[:-1].strip() else []
    try:
        arguments = tuple(map(float, parts))
    except ValueError:
        raise word.error(f"'{word.text}' has something else than numbers in it.") from None
    try:
        return Calibration(method, arguments)
    except ValueError as error:
        raise word.error(f"'{word.text}' does not fit: {error}.") from None


def _unknown(word: _Word) -> SchemeError:
    simple = ["int8", "uint8", *QUANTIZERS, *METHODS, *GRANULARITIES, *ROUNDINGS, "pow2"]
    close = difflib.get_close_matches(word.text.partition("(")[0], simple, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return word.error(
        f"'{word.text}' is not a word of a scheme.{hint} "
        f"Allowed are a format ({FORMATS_IN_WORDS}), a mapping ({', '.join(QUANTIZERS)}), "
        f"a calibration ({CALIBRATIONS_IN_WORDS}), a granularity ({', '.join(GRANULARITIES)}), "
        f"a rounding ({', '.join(ROUNDINGS)}) and pow2."
    )


def _parse(text: str) -> Scheme:
    found: dict[str, tuple[_Word, object]] = {}
    for word in _words(text):
        value: object
        fmt = parse_format(word.text)
        if fmt is not None:
            kind, value = "format", fmt
        elif word.text in QUANTIZERS:
            kind, value = "mapping", word.text
        elif word.text.partition("(")[0] in METHODS:
            kind, value = "calibration", _parse_calibration(word)
        elif word.text in GRANULARITIES:
            kind, value = "granularity", word.text
        elif word.text in ROUNDINGS:
            kind, value = "rounding", word.text
        elif word.text == "pow2":
            kind, value = "pow2", True
        else:
            raise _unknown(word)
        if kind in found:
            first = found[kind][0].text
            raise word.error(f"'{first}' and '{word.text}' both name a {kind}; keep one.")
        found[kind] = (word, value)
    for kind, allowed in (("format", FORMATS_IN_WORDS), ("mapping", ", ".join(QUANTIZERS))):
        if kind not in found:
            raise SchemeError(
                f"The scheme lacks a {kind}; add one of {allowed}.", len(text), len(text)
            )
    return Scheme(**{kind: value for kind, (_, value) in found.items()})  # type: ignore[arg-type]


def as_scheme(scheme: Scheme | str) -> Scheme:
    """Accept a scheme or its text."""
    return Scheme.parse(scheme) if isinstance(scheme, str) else scheme
