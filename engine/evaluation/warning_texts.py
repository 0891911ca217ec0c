"""Warnings on an evaluation, as sentences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quantoscope.engine.evaluation.accumulators import Totals
from quantoscope.engine.numerics.arithmetic import Tiny
from quantoscope.engine.numerics.granularity import GROUP
from quantoscope.engine.quantizers import Origin, QParams
from quantoscope.engine.schemes.scheme import Scheme


def values_are(count: int) -> str:
    """Return "1 value is" or "12 values are"."""
    return "1 value is" if count == 1 else f"{count:,} values are"


def costly_clipping(mse: float, mse_of_minmax: float) -> str:
    """Return a warning that ``minmax`` would have a smaller error."""
    return (
        f"Clipping costs more than it saves: MSE is {mse:.4g}, and {mse_of_minmax:.4g} with minmax."
    )


def other_data(scheme: Scheme, dtype: Any) -> str:
    """Return a warning that a runtime was not verified on this dtype; empty if it was."""
    runtime = scheme.follows
    if runtime is None or not runtime.verified or not isinstance(dtype, np.dtype):
        return ""
    floats = dtype.kind == "f" or dtype.type.__module__ == "ml_dtypes"
    if not floats or dtype.name in runtime.data:
        return ""
    return (
        f"{dtype.name} data is processed as float32, where @{runtime.name} is verified: what "
        f"{runtime.title} itself makes of {dtype.name} may differ, for one in the precision of S."
    )


def warnings_of(
    shape: tuple[int, ...], scheme: Scheme, p: QParams, totals: Totals, lowest: float
) -> list[str]:
    """Return all warnings on an array of this shape, as sentences.

    ``lowest`` is its smallest finite value; NaN if there is none.
    """
    how, arguments = scheme.calibration.how, scheme.calibration.arguments
    notes = [
        *_of_values(totals, scheme),
        *_of_shape(shape, scheme),
        *how.warnings(shape, scheme.granularity, scheme.format, arguments, scheme.arithmetic),
        *_of_zero_points(p),
        *_of_signs(scheme, p, totals, lowest),
        *_of_scales(p, how.from_extremes),
        *_of_squares(totals),
    ]
    lost, overflowed = totals.odd
    if lost:
        notes.append(f"{values_are(lost)} reconstructed as NaN: an infinite scale times 0.")
    if overflowed:
        notes.append(
            f"{values_are(overflowed)} reconstructed as infinity: the last level lies beyond the "
            f"largest number of {p.dtype.name}."
            if np.isfinite(np.atleast_1d(p.scale)).all()
            else f"{values_are(overflowed)} reconstructed as infinity."
        )
    return notes


def _of_values(totals: Totals, scheme: Scheme) -> list[str]:
    notes = []
    nan_count, infinite = totals.nan, totals.infinite
    if nan_count:
        code = "no code"
        given = {"lowest": "the lowest code", "highest": "the highest code", "zero": "the code 0"}
        if scheme.follows is not None and scheme.arithmetic.nan_code in given:
            code = f"given {given[scheme.arithmetic.nan_code]} by {scheme.follows.title}"
        notes.append(
            f"{values_are(nan_count)} NaN: left out of the range and the metrics, and {code}."
        )
    if infinite:
        notes.append(
            f"{values_are(infinite)} infinite: left out of the range and the sums, "
            "and clipped to the last code."
        )
    return notes


def _of_squares(totals: Totals) -> list[str]:
    """Return warnings on squared errors beyond float64."""
    noise = totals.noise if totals.n else None
    if noise is None or noise.mantissa == 0:
        return []
    mean = noise.over(totals.n)
    if 0 < mean < np.inf:
        return []
    return [
        "The squares of the errors lie beyond float64: MSE and its parts read "
        f"{'0' if mean == 0 else 'infinite'}; SQNR and RMSE hold."
    ]


def _of_shape(shape: tuple[int, ...], scheme: Scheme) -> list[str]:
    """Return warnings on groups and blocks shorter than requested."""
    fmt, granularity = scheme.format, scheme.granularity
    if granularity.kind != GROUP:
        return []
    layout, asked = granularity.layout(shape), granularity.size
    rows, length = layout.lines, layout.length
    if length % asked == 0:
        return []
    rest = length % asked
    every = length < asked
    if fmt.block:
        note = f"{fmt} stores rows of a multiple of {asked} values; these have {length}, so "
        note += "every block is shorter here" if every else "the last block of each is shorter here"
        otherwise = ""
    elif every:
        whose = f"Each of {rows:,} groups has" if rows > 1 else "The group has"
        note = f"{whose} {length:,} of {asked:,} values"
        otherwise = ", or per-channel(0)"
    else:
        note = (
            f"The last group of each row has {rest:,} of {asked:,} values: rows of {length:,} are "
            "no multiple"
        )
    if not every or rows == 1:
        return [f"{note}."]
    which, cures = "that axis", []
    if granularity.axes == (-1,):
        which = "the last axis"
        if math.prod(shape[1:]) >= asked:
            cures = [f" Take per-group({asked},1..), whose groups go on over all axes from 1"]
        elif shape[0] >= asked:
            cures = [f" Take per-group({asked},0), along axis 0"]
            otherwise = otherwise and ", or per-tensor"
    cure = "".join(f"{each}{otherwise}." for each in cures)
    scales = f"{rows:,} scales for {math.prod(shape):,} values."
    return [f"{note}, since {which} is no longer: {scales}{cure}"]


def _of_zero_points(p: QParams) -> list[str]:
    notes: list[str] = []
    if not p.moved and p.qmin <= 0 <= p.qmax:
        return notes
    z = np.atleast_1d(np.asarray(p.zero_point, dtype=np.float64))
    outside = (z < p.qmin) | (z > p.qmax)
    if p.format.integer and outside.any():
        which = f"The zero point {p.zero_point} lies"
        if p.count > 1:
            single = np.count_nonzero(outside) == 1
            words = ("zero point", "lies") if single else ("zero points", "lie")
            which = f"The {words[0]} of {_named(outside)} {words[1]}"
        notes.append(
            f"{which} outside the codes {p.qmin}…{p.qmax}: "
            "a runtime that stores it as an integer code could not hold it."
        )
    if (np.abs(z) >= 2 ** (np.finfo(p.dtype).nmant - 1)).any():
        notes.append(
            f"The values lie so far from 0 that {p.dtype.name} cannot hold R/S to half a step: "
            "codes may be off. Subtract an offset first."
        )
    return notes


def _of_signs(scheme: Scheme, p: QParams, totals: Totals, smallest: float) -> list[str]:
    """Return warnings on negative values in a scheme without codes for them."""
    unsigned = p.qmin == 0 and not np.any(p.zero_point) and not np.any(p.offset)
    if not unsigned or not totals.clipped[0]:
        return []
    # A range from 0 set by hand is intended.
    lowest, _ = scheme.calibration.fixed or (-np.inf, np.inf)
    if max(lowest, smallest) < -np.min(p.scale) / 2:
        return [
            "Negative values become 0: this scheme has no code below 0. "
            "A signed format or the asymmetric mapping keeps them."
        ]
    return []


def _of_scales(p: QParams, from_extremes: bool) -> list[str]:
    """Ranges that are empty, and scales that do not follow from them."""

    def of(which: np.ndarray) -> str:
        return f" of {_named(which)}" if p.count > 1 else ""

    notes = []
    # A range that leaves values out says nothing of all of them.
    equal = "All values{} are equal: the range is empty, so S is taken from the value."
    zeros = "All values{} are 0"
    if not from_extremes:
        equal = "The range{} is empty, so S is taken from its ends."
        zeros = "The range{} is empty, and both its ends are 0"
    s = np.atleast_1d(p.scale)
    from_zeros = p.comes_from(Origin.ZEROS)
    # The precision in which S is finally stored.
    precision = p.arithmetic.stored or p.dtype.name
    precision = "float16" if precision == "bfloat16" else precision
    all_one = bool((s[from_zeros] == 1).all())
    follows = ["any scale would do"] * from_extremes + ["S is set to 1"] * all_one
    zeros += f": {', and '.join(follows)}." if follows else "."
    for kind, note in ((Origin.CONSTANT, equal), (Origin.ZEROS, zeros)):
        here = p.comes_from(kind)
        if here.any():
            notes.append(note.format(of(here)))
    floored = p.comes_from(Origin.FLOOR) & np.isfinite(s)
    replaced = floored & ((p.arithmetic.tiny is not Tiny.TEXTBOOK) | (s == 0))
    replaced |= (s == 0) & p.comes_from(Origin.RANGE)
    if replaced.any() and not from_zeros.any():
        which, least = of(replaced), s[replaced][0]
        notes.append(
            f"The scale{which} is 0 as {precision} stores it: "
            "everything is reconstructed as 0 or as the minimum."
            if least == 0
            else f"The scale{which} would be smaller: it is set to {least:.3g}, the least that "
            "there is."
        )
    tiny = (s != 0) & (np.abs(s) < np.finfo(precision).smallest_normal)
    tiny &= ~(from_zeros | replaced)
    if tiny.any():
        least = s[tiny][np.abs(s[tiny]).argmin()]
        notes.append(
            f"The scale {least:.3g}{of(tiny)} is subnormal in {precision}: it has few exact "
            "digits, so values may be clipped or shifted."
        )
    infinite = ~np.isfinite(s)
    if infinite.any():
        notes.append(f"The scale{of(infinite)} overflows {precision} and is infinite.")
    return notes


def _named(which: np.ndarray) -> str:
    """Name the channel, or give the number of channels."""
    count = int(np.count_nonzero(which))
    if count == 1:
        return f"channel or group {int(np.flatnonzero(which)[0])}"
    return f"{count:,} of {which.size:,} channels or groups"
