"""Formulas of stages and parameters, filled in with symbols or with numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from engine import QParams, Stage

_FIELD = re.compile(r"\{(\w+)\}")
_NAMES = {"reconstructed": "R′", "maxR": "max|R|", "peakR": "R of max|R|"}


def symbolic(formula: str, stages: Sequence[Stage]) -> str:
    """The formula in symbols; earlier stages are written out."""
    earlier = {stage.key: stage for stage in stages}

    def name(match: re.Match[str]) -> str:
        key = match[1]
        if key in _NAMES:
            return _NAMES[key]
        return symbolic(earlier[key].formula, stages) if key in earlier else key

    return _FIELD.sub(name, formula)


def numeric(formula: str, numbers: Mapping[str, str]) -> str:
    """The formula with numbers, as text, in the place of the symbols.

    A negative number that follows an operator is set in parentheses.
    """

    def number(match: re.Match[str]) -> str:
        text = numbers[match[1]]
        after_operator = re.search(r"[−+·/]\s*$", formula[: match.start()])
        return f"({text})" if text.startswith("-") and after_operator else text

    return _FIELD.sub(number, formula)


def parameter_numbers(p: QParams) -> dict[str, float]:
    """The parameters of one channel under the names that formulas use."""
    return {
        "S": p.scale,
        "Z": p.zero_point,
        "Qmin": p.qmin,
        "Qmax": p.qmax,
        "Rmin": p.range[0],
        "Rmax": p.range[1],
        "maxR": max(map(abs, p.range)),
        "peakR": p.range[0] if abs(p.range[0]) > abs(p.range[1]) else p.range[1],
        "d": p.scale if p.divisor is None else p.divisor,
        "m": p.offset,
    }
