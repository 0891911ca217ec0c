"""What the exports of parameters share: the error, and numbers as source code spells them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.formats import IntegerFormat
from quantoscope.engine.numerics.granularity import CHANNEL, GROUP
from quantoscope.engine.quantizers import QParams


class NotExpressibleError(QuantizationError):
    """A scheme cannot be said in a format; the message is one sentence that is fit for a dialog."""


def listed(numbers: Iterable[object], per_line: int = 4, indent: str = "    ") -> str:
    """Return the texts of numbers as the indented lines of a list, parted by commas."""
    texts = [str(number) for number in numbers]
    rows = (texts[i : i + per_line] for i in range(0, len(texts), per_line))
    return "\n".join(f"{indent}{', '.join(row)}," for row in rows)


def identifier(name: str) -> str:
    """Return a name that C and Python take, made of a tensor's: ASCII letters, digits and ``_``."""
    word = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")[:100].strip("_")
    if not word:
        return "tensor"
    return f"tensor_{word}" if word[0].isdigit() else word


def integer_format(result: Evaluation, whose: str) -> IntegerFormat:
    """Return the format of the codes, which has to be an integer one.

    Raises
    ------
    NotExpressibleError
        For floating-point codes, codebooks and block formats.
    """
    fmt = result.qparams.format
    if not isinstance(fmt, IntegerFormat):
        raise NotExpressibleError(f"{whose} has integer codes only, not {fmt}.")
    return fmt


def finite_scales(p: QParams, whose: str) -> np.ndarray:
    """Return every S rounded once to float32, as the form has it, shape (count,).

    Raises
    ------
    NotExpressibleError
        When an S is 0, infinite or NaN in float32.
    """
    with np.errstate(over="ignore", under="ignore"):
        scales = np.atleast_1d(np.asarray(p.scale).astype(np.float32))
    odd = ~np.isfinite(scales) | (scales <= 0)
    if odd.any():
        raise NotExpressibleError(f"{whose} has no scale of {scales[odd][0]}.")
    return scales


def zero_points(p: QParams) -> np.ndarray:
    """Return every Z, shape (count,): whole numbers, whatever the type that holds them."""
    return np.atleast_1d(np.asarray(p.zero_point))


def zero_points_within(p: QParams, fmt: IntegerFormat, whose: str) -> np.ndarray:
    """Return every Z in int64, shape (count,), each of which has to be one of the bits' codes.

    Raises
    ------
    NotExpressibleError
        When one is not.
    """
    z = zero_points(p)
    lowest = fmt.qmin - fmt.narrow
    outside = (z < lowest) | (z > fmt.qmax)
    if outside.any():
        raise NotExpressibleError(
            f"{whose} has zero points from {lowest} to {fmt.qmax} for {fmt}, and this scheme's is "
            f"{z[outside][0]}: the range has to include 0."
        )
    return z.astype(np.int64)


def channel_axis(p: QParams, shape: tuple[int, ...]) -> int | None:
    """Return the axis of ``per-channel``, counted from 0; None for another granularity."""
    return p.granularity.number % len(shape) if p.granularity.kind == CHANNEL else None


def group_size(p: QParams, shape: tuple[int, ...]) -> int | None:
    """Return how many values of the last axis share an S; None for another granularity."""
    if p.granularity.kind != GROUP:
        return None
    return min(p.granularity.number, max(1, shape[-1] if shape else 1))


def to_nearest(result: Evaluation, whose: str) -> None:
    """Refuse a scheme that does not round to the nearest code, of which a form says nothing.

    Raises
    ------
    NotExpressibleError
        For rounding toward zero, or by chance.
    """
    a = result.qparams.arithmetic
    if a.reach > 0.5:
        raise NotExpressibleError(
            f"{whose} says nothing of rounding, and its readers round to the nearest code, "
            f"not {a.rounding}."
        )
