"""The calibration methods by name: what they take, what they mean, where they come from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """One way to take the clipping range from data.

    Attributes
    ----------
    name : str
        Its word in a scheme's text.
    signature : str
        How it is written with its numbers.
    summary : str
        What it does, for people.
    counts : tuple of int
        How many numbers it may be given.
    problem : callable
        Says what is wrong with its numbers; an empty text when nothing is.
    source : str
        Where the method is described.
    """

    name: str
    signature: str
    summary: str
    counts: tuple[int, ...]
    problem: Callable[[Sequence[float]], str]
    source: str = ""


def _manual(ends: Sequence[float]) -> str:
    if not all(map(math.isfinite, ends)):
        return "manual takes two finite numbers, as in manual(-1,1)"
    return "" if ends[0] < ends[1] else "manual(lo,hi) needs lo smaller than hi"


def _percentile(share: Sequence[float]) -> str:
    fits = 50 < share[0] <= 100
    return "" if fits else "percentile(p) needs p above 50 and up to 100"


def _entropy(counts: Sequence[float]) -> str:
    if not all(2 <= count <= 1_000_000 and count == int(count) for count in counts):
        return "entropy(bins,levels) takes whole numbers from 2"
    if len(counts) == 2 and not counts[0] > counts[1]:
        return "entropy(bins,levels) needs more bins than levels: else there is nothing to search"
    return ""


def _nothing(_: Sequence[float]) -> str:
    return ""


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method("minmax", "minmax", "From the smallest to the largest value.", (0,), _nothing),
        Method("manual", "manual(lo,hi)", "From lo to hi, set by hand.", (2,), _manual),
        Method(
            "percentile",
            "percentile(p)",
            "Keeps p % of the values inside; half of the others is clipped on each side.",
            (1,),
            _percentile,
            "exact order statistics, interpolated; of |R| for a mirrored range",
        ),
        Method(
            "mse",
            "mse",
            "The range whose mean squared error, rounding and clipping together, is smallest.",
            (0,),
            _nothing,
            "argmin over Rmin, Rmax of Σ(R′−R)²",
        ),
        Method(
            "entropy",
            "entropy(bins,levels)",
            "The threshold whose clipped histogram is nearest to its quantized one.",
            (0, 1, 2),
            _entropy,
            "KL divergence (Migacz, GTC 2017) as NVIDIA Model Optimizer takes it; @onnxruntime as "
            "its get_entropy_threshold",
        ),
    )
}
"""Every method, in the order that menus show."""


@dataclass(frozen=True)
class Calibration:
    """How the clipping range is taken from data.

    Parameters
    ----------
    method : str
        A key of ``METHODS``.
    arguments : tuple of float
        Its numbers: ``(lo, hi)`` for ``manual``, ``(p,)`` for ``percentile``, up to
        ``(bins, levels)`` for ``entropy``, nothing for the others.

    Raises
    ------
    ValueError
        When there is no such method, or its numbers do not fit.
    """

    method: str = "minmax"
    arguments: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        known = METHODS.get(self.method)
        if known is None:
            raise ValueError(f"there is no calibration {self.method!r}")
        if len(self.arguments) not in known.counts:
            wanted = "takes no numbers" if known.counts == (0,) else f"is written {known.signature}"
            raise ValueError(f"{self.method} {wanted}")
        problem = known.problem(self.arguments)
        if problem:
            raise ValueError(problem)

    def __str__(self) -> str:
        if not self.arguments:
            return self.method
        return f"{self.method}({','.join(map(_shortest, self.arguments))})"


def _shortest(number: float) -> str:
    """The shortest text that reads back as the same float; no sign on 0."""
    return repr(float(number) + 0.0).removesuffix(".0")


MINMAX = Calibration()
CALIBRATIONS_IN_WORDS = ", ".join(method.signature for method in METHODS.values())
