"""Arithmetic options in words, in the order of computation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from quantoscope.engine.numerics.arithmetic import (
    Arithmetic,
    Divisor,
    EntropySearch,
    Precision,
    Tiny,
    ZeroPoint,
)
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.scheme import Scheme


@dataclass(frozen=True)
class ArithmeticChoice:
    """An arithmetic option."""

    key: str
    title: str
    fields: tuple[str, ...]
    """Related fields of ``Arithmetic``."""
    words: Callable[[Arithmetic, Scheme], str]
    """Describes an arithmetic's option for a scheme in a few words."""
    of_values: bool = True
    """Whether it can change values; the code of NaN cannot."""


def _divisor(a: Arithmetic, scheme: Scheme) -> str:
    quantizer = QUANTIZERS[scheme.mapping]
    if "divisor" not in quantizer.arithmetic_fields:
        return "as it is"
    qmin, qmax = quantizer.code_range(scheme.format, a)
    by = qmax if a.divisor is Divisor.QMAX else (qmax - qmin) / 2
    return f"S = max|R| / {by:g}, codes {qmin:g}…{qmax:g}"


def _division(a: Arithmetic, scheme: Scheme) -> str:
    working = a.works_in or "the precision of the data"
    difference, division = (
        working if word is Precision.WORKING else word for word in (a.difference, a.division)
    )
    return f"difference in {difference}, division in {division}"


def _least(a: Arithmetic, scheme: Scheme) -> str:
    if a.tiny.becomes_one:
        return "a scale below the smallest normal number becomes 1"
    if a.range_floor:
        return f"the range is at least {a.range_floor:g}"
    if a.floor:
        return f"the scale is at least {a.floor:.3g}"
    return "the smallest number there is" if a.tiny is Tiny.TEXTBOOK else "any scale"


_ZERO_POINTS = {
    ZeroPoint.FROM_MAX: "Z = Qmax − Round(Rmax / S)",
    ZeroPoint.FROM_MIN: "Z = Qmin − Round(Rmin / S)",
    ZeroPoint.SUM: "Z = Round(Qmin − Rmin / S)",
    ZeroPoint.NEARER_END: "Z from the end that is nearer to 0",
}


def _zero_point(a: Arithmetic, scheme: Scheme) -> str:
    if "zero_point" not in QUANTIZERS[scheme.mapping].arithmetic_fields:
        return "Z follows from the format"
    scale = "S in full" if a.exact_scale else "S as stored"
    return f"{_ZERO_POINTS[a.zero_point]}, {scale}{', within the codes' * a.clamps_zero_point}"


def _order(a: Arithmetic, scheme: Scheme) -> str:
    if not QUANTIZERS[scheme.mapping].has_zero_point(scheme.format, a):
        return "no Z to add"
    if a.fused:
        return "Z added before rounding, in one step with the product (fma)"
    return "Z added before rounding" if a.zero_point_first else "Z added after rounding"


def _entropy(a: Arithmetic, scheme: Scheme) -> str:
    # Other calibration methods are the same in all runtimes.
    if "entropy" not in scheme.calibration.how.arithmetic_fields:
        return "no entropy"
    modelopt = a.entropy is EntropySearch.MODELOPT
    return "Model Optimizer's" if modelopt else "ONNX Runtime's"


SCALE_CHOICES: tuple[ArithmeticChoice, ...] = (
    ArithmeticChoice("entropy", "Entropy threshold", ("entropy",), _entropy),
    ArithmeticChoice(
        "precision", "Precision", ("works_in",), lambda a, s: a.works_in or "that of the data"
    ),
    ArithmeticChoice(
        "zero",
        "Range and 0",
        ("includes_zero",),
        lambda a, s: "range widened to 0" if a.includes_zero else "range without 0",
    ),
    ArithmeticChoice(
        "divisor", "Scale divisor", ("divisor", "narrow_from", "middle_zero"), _divisor
    ),
    ArithmeticChoice("division", "Division of the range", ("difference", "division"), _division),
    ArithmeticChoice(
        "least", "Least scale", ("range_floor", "floor", "tiny", "refuses_overflow"), _least
    ),
    ArithmeticChoice(
        "pow2", "Power of two", ("pow2",), lambda a, s: "S = 2ⁿ" if a.pow2 else "S as it comes"
    ),
    ArithmeticChoice(
        "stored",
        "Stored scale",
        ("stored",),
        lambda a, s: f"S stored as {a.stored}" if a.stored else "S kept in float64",
    ),
)
"""Options from the range to S."""

CODE_CHOICES: tuple[ArithmeticChoice, ...] = (
    ArithmeticChoice(
        "zero_point", "Zero point", ("zero_point", "exact_scale", "clamps_zero_point"), _zero_point
    ),
    ArithmeticChoice(
        "reciprocal",
        "Division by S",
        ("reciprocal",),
        lambda a, s: "R · (1/S)" if a.reciprocal else "R / S",
    ),
    ArithmeticChoice("order", "Order of Z and rounding", ("zero_point_first", "fused"), _order),
    ArithmeticChoice("rounding", "Rounding", ("rounding",), lambda a, s: a.rounding),
    ArithmeticChoice(
        "nan", "NaN", ("nan_code",), lambda a, s: f"{a.nan_code} code", of_values=False
    ),
)
"""Options from S to the code."""

ARITHMETIC_CHOICES = (*SCALE_CHOICES, *CODE_CHOICES)
