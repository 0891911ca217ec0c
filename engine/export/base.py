"""Shared parts of exports: the error, and numbers as source code."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.formats import IntegerFormat
from quantoscope.engine.numerics.granularity import CHANNEL, GROUP
from quantoscope.engine.quantizers import QUANTIZERS, QParams


class NotExpressibleError(QuantizationError):
    """Raised if a format cannot express a scheme; the message is one sentence for the user."""


def listed(numbers: Iterable[object], per_line: int = 4, indent: str = "    ") -> str:
    """Return number texts as the indented lines of a list, separated by commas."""
    texts = [str(number) for number in numbers]
    rows = (texts[i : i + per_line] for i in range(0, len(texts), per_line))
    return "\n".join(f"{indent}{', '.join(row)}," for row in rows)


def identifier(name: str) -> str:
    """Return a tensor's name as a C and Python identifier: ASCII letters, digits and ``_``."""
    word = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")[:100].strip("_")
    if not word:
        return "tensor"
    return f"tensor_{word}" if word[0].isdigit() else word


def integer_format(result: Evaluation, whose: str) -> IntegerFormat:
    """Return the format of the codes if it is an integer format.

    Raises NotExpressibleError for floating-point codes, codebooks and block formats, and for
    mappings that are not affine.
    """
    fmt = result.qparams.format
    if not isinstance(fmt, IntegerFormat):
        raise NotExpressibleError(f"{whose} has integer codes only, not {fmt}.")
    affine_only(result, whose)
    return fmt


def affine_only(result: Evaluation, whose: str) -> None:
    """Raise NotExpressibleError for a family whose codes do not follow from S and Z alone."""
    mapping = result.qparams.mapping
    if not QUANTIZERS[mapping].affine:
        raise NotExpressibleError(
            f"{whose} has values of (Q − Z) · S only, which those of {mapping} are not."
        )


def finite_scales(p: QParams, whose: str) -> np.ndarray:
    """Return every S rounded to float32, shape (count,).

    Raises NotExpressibleError if one is 0, infinite or NaN in float32.
    """
    with np.errstate(over="ignore", under="ignore"):
        scales = np.atleast_1d(np.asarray(p.scale).astype(np.float32))
    odd = ~np.isfinite(scales) | (scales <= 0)
    if odd.any():
        raise NotExpressibleError(f"{whose} has no scale of {scales[odd][0]}.")
    return scales


def zero_points(p: QParams) -> np.ndarray:
    """Return every Z as integers, shape (count,), whatever dtype holds them."""
    return np.atleast_1d(np.asarray(p.zero_point))


def zero_points_within(p: QParams, fmt: IntegerFormat, whose: str) -> np.ndarray:
    """Return every Z as int64, shape (count,).

    Raises NotExpressibleError if one is not a valid code.
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


def channel_axis(p: QParams, shape: tuple[int, ...], whose: str) -> int | None:
    """Return the non-negative axis of ``per-channel``; None for another granularity.

    Raises
    ------
    NotExpressibleError
        If it has several.
    """
    return _one_axis(p, shape, whose) if p.granularity.kind == CHANNEL else None


def group_axis(p: QParams, shape: tuple[int, ...], whose: str) -> tuple[int, int] | None:
    """Return axis and size of ``per-group``; None for another granularity.

    Raises
    ------
    NotExpressibleError
        If groups lie along several flattened axes.
    """
    if p.granularity.kind != GROUP:
        return None
    axis = _one_axis(p, shape, whose) if shape else -1
    return axis, p.granularity.layout(shape).size


def _one_axis(p: QParams, shape: tuple[int, ...], whose: str) -> int:
    axes = p.granularity.axes_of(shape)
    long = [axis for axis in axes if shape[axis] != 1] or [axes[-1]]
    if len(long) > 1:
        what = "channels" if p.granularity.kind == CHANNEL else "groups"
        raise NotExpressibleError(
            f"{whose} has {what} along one axis, not {p.granularity} of axes flattened: "
            "reshape the tensor first."
        )
    return long[0]


def to_nearest(result: Evaluation, whose: str) -> None:
    """Raise NotExpressibleError unless rounding is to nearest, for formats that do not state it."""
    a = result.qparams.arithmetic
    if a.reach > 0.5:
        raise NotExpressibleError(
            f"{whose} says nothing of rounding, and its readers round to the nearest code, "
            f"not {a.rounding}."
        )
