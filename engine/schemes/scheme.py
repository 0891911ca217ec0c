"""A scheme: all quantization choices as a frozen value with a short text form."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from quantoscope.engine.calibration import METHODS, MINMAX, Calibration, calibrations_in_words
from quantoscope.engine.errors import SchemeError
from quantoscope.engine.formats import FORMATS, Format, formats_in_words, parse_format
from quantoscope.engine.numerics.arithmetic import (
    ROUNDINGS,
    ROUNDINGS_IN_WORDS,
    STOCHASTIC,
    TEXTBOOK,
    Arithmetic,
    parse_rounding,
)
from quantoscope.engine.numerics.granularity import (
    GRANULARITIES,
    GRANULARITIES_IN_WORDS,
    GROUP,
    PER_TENSOR,
    Granularity,
    parse_granularity,
)
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import MAPPINGS, QUANTIZERS
from quantoscope.engine.schemes.runtimes import RUNTIMES, Runtime, runtimes_in_words
from quantoscope.engine.text.number_parsing import GROUP_MARKS, NumberError, plain, read_number

_FORMAT, _MAPPING = FORMATS["int8"], "symmetric"
"""Default of a choice that conflicts with another."""

LONGEST = 1000
"""Maximum length of scheme text: about four times the longest valid one."""


@dataclass(frozen=True)
class Scheme:
    """All choices of one quantization.

    Parameters
    ----------
    format : Format
        Format of the codes, such as ``int8``.
    mapping : str
        Name of the quantizer, such as ``symmetric``; for a block format its own name.
    calibration : Calibration
        Calibration of the clipping range.
    granularity : Granularity
        Granularity of the parameters; ``out`` and ``in`` stay words, which each array resolves.
    rounding : str
        Rounding mode: ``ties-even``, ``ties-away``, ``toward-zero`` or
        ``stochastic(seed)``.
    pow2 : bool
        Whether S is rounded up to a power of two.
    runtime : str
        Runtime of the arithmetic: a key of ``RUNTIMES``, or empty for the textbook's.

    Raises
    ------
    ValueError
        If choices conflict; the message is a sentence without its full stop.

    Examples
    --------
    >>> str(Scheme.parse("manual(-1, 1) symmetric int8"))
    'int8 symmetric manual(-1,1)'
    >>> str(Scheme.parse("@onnxruntime per-channel(0) int8 symmetric"))
    'int8 symmetric per-channel(0) @onnxruntime'
    """

    format: Format
    mapping: str
    calibration: Calibration = MINMAX
    granularity: Granularity = PER_TENSOR
    rounding: str = TEXTBOOK.rounding
    pow2: bool = False
    runtime: str = ""

    def __repr__(self) -> str:
        return f"Scheme.parse({str(self)!r})"

    def __post_init__(self) -> None:
        if self.mapping not in QUANTIZERS:
            raise ValueError(f"there is no mapping {self.mapping!r}")
        if self.runtime and self.runtime not in RUNTIMES:
            raise ValueError(f"there is no runtime {self.runtime!r}")
        Arithmetic(self.rounding)
        problem = self._problem()
        if problem:
            raise ValueError(problem)

    def _problem(self) -> str:
        """Return which choices conflict; empty if none do."""
        fmt, mapping = self.format, QUANTIZERS[self.mapping]
        if refusal := mapping.refuses(fmt):
            return refusal
        if fmt.block and (self.granularity.kind, self.granularity.size) != (GROUP, fmt.block):
            return f"{fmt} has blocks of {fmt.block} values of its own, not {self.granularity}"
        if mapping.fixed_range and self.calibration != MINMAX:
            return f"{fmt} takes its range from each block, not from {self.calibration}"
        if self.rounding != TEXTBOOK.rounding and fmt.nearest_only:
            return f"{fmt} has a rounding of its own, not {self.rounding}"
        if self.pow2 and fmt.mapping:
            return f"{fmt} has a scale of its own, not pow2"
        if not self.runtime:
            return ""
        if self.rounding != TEXTBOOK.rounding or self.pow2:
            word = self.rounding if self.rounding != TEXTBOOK.rounding else "pow2"
            return f"@{self.runtime} has an arithmetic of its own, not {word}"
        return RUNTIMES[self.runtime].refuses(fmt, self.mapping, self.granularity)

    @classmethod
    def parse(cls, text: str) -> Scheme:
        """Parse scheme text; the order of words does not matter.

        Raises
        ------
        SchemeError
            With the position of the invalid word and the allowed words.
        """
        if len(text) > LONGEST:
            raise SchemeError(
                f"A scheme has at most {LONGEST:,} characters, and this text has {len(text):,}.",
                LONGEST,
                len(text),
            )
        return _parse(text)

    @property
    def arithmetic(self) -> Arithmetic:
        """Options of the family's formulas."""
        if self.runtime:
            return RUNTIMES[self.runtime].row(self.granularity)
        if self.format.mapping:
            return Arithmetic(works_in="float32")
        return Arithmetic(self.rounding, self.pow2)

    @property
    def follows(self) -> Runtime | None:
        """Runtime whose arithmetic the scheme follows; None for the textbook's."""
        return RUNTIMES.get(self.runtime)

    @property
    def fixed_range(self) -> bool:
        """Whether the range cannot be chosen."""
        return QUANTIZERS[self.mapping].fixed_range

    def concrete(self, shape: Sequence[int], role: Role | None = None) -> Scheme:
        """Return the scheme for an array, with the numbers of axes for ``out`` and ``in``.

        Parameters
        ----------
        shape : sequence of int
        role : Role, optional
            What ``out`` and ``in`` mean; else out is axis 0, and in the rest.

        Raises
        ------
        QuantizationError
            If the array has no such axis.
        """
        granularity = self.granularity.concrete(shape, role)
        same = granularity is self.granularity
        return self if same else replace(self, granularity=granularity)

    def with_range(self, lo: float, hi: float) -> Scheme:
        """Return the scheme with a clipping range set by hand."""
        return replace(self, calibration=Calibration("manual", (float(lo), float(hi))))

    def adapted(self, **changes: Any) -> Scheme:
        """Return the scheme with changes, resetting as few conflicting choices as possible.

        Parameters
        ----------
        **changes
            New values of fields.

        Raises
        ------
        ValueError
            If no scheme has all these values.
        """
        changes = {name: v for name, v in changes.items() if v != getattr(self, name)}
        if not changes:
            return self
        wanted = {name: getattr(self, name) for name in self.__dataclass_fields__} | changes
        fmt: Format = wanted["format"]
        if fmt.mapping and "format" in changes:
            return Scheme(fmt, fmt.mapping, granularity=_own_granularity(fmt))
        if self.format.mapping:
            if set(changes) == {"granularity"} and changes["granularity"].size == fmt.block:
                return replace(self, **changes)
            # A block format allows no other choices, so replace it.
            return Scheme(_FORMAT, _MAPPING).adapted(**changes)
        back = {
            "runtime": ("",),
            "rounding": (TEXTBOOK.rounding,),
            "pow2": (False,),
            "mapping": tuple(dict.fromkeys((_MAPPING, *MAPPINGS))),
            "format": tuple(dict.fromkeys((_FORMAT, *_first_formats(wanted)))),
            "granularity": (PER_TENSOR,),
            "calibration": (MINMAX,),
        }
        resets = [(name, value) for name, values in back.items() for value in values]
        resets = [(n, v) for n, v in resets if n not in changes and wanted[n] != v]
        problem = ValueError("no scheme has these choices")
        for count in range(len(resets) + 1):
            for chosen in combinations(resets, count):
                try:
                    return Scheme(**wanted | dict(chosen))
                except ValueError as error:
                    problem = error
        raise problem

    def __str__(self) -> str:
        words = [str(self.format)]
        if not self.format.mapping:
            words.append(self.mapping)
        if self.calibration != MINMAX:
            words.append(str(self.calibration))
        if self.granularity != _own_granularity(self.format):
            words.append(str(self.granularity))
        if self.rounding != TEXTBOOK.rounding:
            words.append(self.rounding)
        if self.pow2:
            words.append("pow2")
        if self.runtime:
            words.append(f"@{self.runtime}")
        return " ".join(words)


def _first_formats(wanted: dict[str, Any]) -> Iterator[Format]:
    """Yield the first format that the scheme's runtime and mapping support."""
    if wanted["runtime"] in RUNTIMES:
        yield FORMATS[RUNTIMES[wanted["runtime"]].formats[0]]
    if wanted["mapping"] in QUANTIZERS:
        refuses = QUANTIZERS[wanted["mapping"]].refuses
        yield next((fmt for fmt in FORMATS.values() if not refuses(fmt)), _FORMAT)


def _own_granularity(fmt: Format) -> Granularity:
    """Return the default granularity of a format."""
    return Granularity(GROUP, fmt.block) if fmt.block else PER_TENSOR


@dataclass(frozen=True)
class _Word:
    text: str
    start: int
    stop: int

    def error(self, message: str) -> SchemeError:
        return SchemeError(message, self.start, self.stop)


def _words(text: str) -> Iterator[_Word]:
    """Split at white space outside parentheses."""
    for match in re.finditer(r"[^\s(]*\([^)]*\)?|[^\s(]+", text):
        yield _Word(plain(match[0]).lower(), match.start(), match.end())


def _parse_calibration(word: _Word) -> Calibration:
    method, parenthesis, rest = word.text.partition("(")
    if not parenthesis:
        rest = ")"
    if not rest.endswith(")"):
        raise word.error(f"'{word.text}' lacks its closing parenthesis.")
    parts = [part.strip() for part in rest[:-1].split(",")] if rest[:-1].strip() else []
    arguments = []
    for part in parts:
        try:
            number = read_number(part, ".", " " + GROUP_MARKS)
        except NumberError:
            number = math.inf  # too large for a float, and for every calibration method
        if number is None:
            raise word.error(f"'{word.text}' has something else than numbers in it.")
        arguments.append(number)
    try:
        return Calibration(method, tuple(arguments))
    except ValueError as error:
        raise word.error(f"'{word.text}' does not fit: {error}.") from None


def _parse_granularity(word: _Word) -> Granularity:
    try:
        found = parse_granularity(word.text)
    except ValueError as error:
        raise word.error(f"'{word.text}' does not fit: {error}.") from None
    assert found is not None
    return found


def _parse_rounding(word: _Word) -> str:
    rounding = parse_rounding(word.text)
    if rounding is None:
        raise word.error(f"'{word.text}' does not fit: stochastic(seed) takes a whole number.")
    return rounding.name


def _unknown(word: _Word) -> SchemeError:
    simple = ["int8", "uint8", *MAPPINGS, *METHODS, *GRANULARITIES, *ROUNDINGS, "pow2"]
    simple += [f"@{name}" for name in RUNTIMES]
    simple += [name for name in QUANTIZERS if name not in MAPPINGS]
    head = word.text.partition("(")[0]
    begun = [name for name in simple if len(head) > 2 and name.startswith(head)]
    close = begun or difflib.get_close_matches(head, simple, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return word.error(
        f"'{word.text}' is not a word of a scheme.{hint} "
        f"Allowed are a format ({formats_in_words()}), a mapping ({', '.join(MAPPINGS)}), "
        f"a calibration ({calibrations_in_words()}), a granularity ({GRANULARITIES_IN_WORDS}), "
        f"a rounding ({ROUNDINGS_IN_WORDS}), pow2 and a runtime ({runtimes_in_words()})."
    )


def _read(word: _Word) -> tuple[str, Any]:
    """Return the kind of choice that a word makes, and its value."""
    head = word.text.partition("(")[0]
    fmt = parse_format(word.text)
    if fmt is not None:
        return "format", fmt
    if word.text in MAPPINGS:
        return "mapping", word.text
    if head in METHODS:
        return "calibration", _parse_calibration(word)
    if head in GRANULARITIES:
        return "granularity", _parse_granularity(word)
    if head == STOCHASTIC or word.text in ROUNDINGS:
        return "rounding", _parse_rounding(word)
    if word.text == "pow2":
        return "pow2", True
    if word.text.startswith("@") and word.text[1:] in RUNTIMES:
        return "runtime", word.text[1:]
    raise _unknown(word)


def _parse(text: str) -> Scheme:
    found: dict[str, tuple[_Word, Any]] = {}
    for word in _words(text):
        kind, value = _read(word)
        if kind in found:
            first = found[kind][0].text
            raise word.error(f"'{first}' and '{word.text}' both name a {kind}; keep one.")
        found[kind] = (word, value)
    if "format" not in found:
        raise _lacks("format", formats_in_words(), text)
    choices: dict[str, Any] = {kind: value for kind, (_, value) in found.items()}
    fmt: Format = choices["format"]
    if fmt.mapping:
        choices.setdefault("mapping", fmt.mapping)
    choices.setdefault("granularity", _own_granularity(fmt))
    if "mapping" not in choices:
        raise _lacks("mapping", ", ".join(MAPPINGS), text)
    try:
        return Scheme(**choices)
    except ValueError as error:
        raise _misfit(str(error), found, len(text)) from None


def _lacks(kind: str, allowed: str, text: str) -> SchemeError:
    return SchemeError(f"The scheme lacks a {kind}; add one of {allowed}.", len(text), len(text))


def _misfit(problem: str, found: dict[str, tuple[_Word, Any]], length: int) -> SchemeError:
    """Return an error that points at the word named last in the sentence."""
    named = [word for word, _ in found.values() if problem.endswith(word.text)]
    message = f"{problem[0].upper()}{problem[1:]}."
    return named[0].error(message) if named else SchemeError(message, 0, length)


def as_scheme(scheme: Scheme | str) -> Scheme:
    """Convert a scheme or its text to a scheme."""
    return Scheme.parse(scheme) if isinstance(scheme, str) else scheme
