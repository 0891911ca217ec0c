"""The compiled loops, where they are built and not switched off."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import Enum
from importlib import import_module
from typing import Any

import numpy as np

from quantoscope.engine.numerics.arrays import is_half

SWITCH = "QUANTOSCOPE_LOOPS"
"""Environment variable that switches the compiled loops off, if it is ``0``."""
VERSION = 4
"""That of the extension module which this file can call."""
compiled: Any = None
"""The extension module; None if numpy alone does it all."""
_switched_off = os.environ.get(SWITCH, "1") == "0"
_outdated = False
if not _switched_off:
    # Not built where there was no compiler.
    with suppress(ImportError):
        compiled = import_module("quantoscope.engine._loops")
    if compiled is not None and getattr(compiled, "VERSION", 0) != VERSION:
        # Built before the sources changed, in an installation that shows these.
        compiled, _outdated = None, True


class Means(Enum):
    """What evaluates: the compiled loops, or numpy alone and why."""

    COMPILED = "compiled loops"
    NOT_BUILT = "numpy alone, as the compiled loops are not built"
    OUTDATED = "numpy alone, as the compiled loops are of another version: install again"
    SWITCHED_OFF = f"numpy alone, as {SWITCH}=0 switches the compiled loops off"


def in_use() -> bool:
    """Return whether the compiled loops are used."""
    return compiled is not None


def means() -> Means:
    """Return what evaluates."""
    if in_use():
        return Means.COMPILED
    if _switched_off:
        return Means.SWITCHED_OFF
    return Means.OUTDATED if _outdated else Means.NOT_BUILT


def has(dtype: np.dtype[Any]) -> bool:
    """Return whether there are loops for values of a dtype, or for what its blocks are read as."""
    return compiled is not None and (dtype in (np.float32, np.float64) or is_half(dtype))


def ready(values: np.ndarray) -> np.ndarray:
    """Return values as the loops read them: C-ordered, each at a multiple of its size."""
    values = np.require(values, requirements=("C_CONTIGUOUS", "ALIGNED"))
    # numpy passes no bfloat16 on.
    return values.view(np.uint16) if is_half(values.dtype) else values


def extremes(
    values: np.ndarray,
    lines: int,
    line: int,
    run: int,
    low: np.ndarray,
    high: np.ndarray,
    peak: np.ndarray | None = None,
) -> bool:
    """Write minimum and maximum of the finite values per run; return whether all are finite.

    The values are in working precision, or float16 or bfloat16.

    There are ``lines`` lines of ``line`` values, C-ordered; the last run of a line may be shorter.
    Runs without a finite value get NaN. ``peak`` gets the first value of the largest magnitude.
    """
    kind = values.dtype.char
    finite: bool = compiled.extremes(kind, lines, line, run, ready(values), low, high, peak)
    return finite


def bins(values: np.ndarray, reach: float, count: int) -> np.ndarray:
    """Return how many |R| / reach · count lie in each of as many bins, the last with its end."""
    # Four tables, which the loops fill in turn.
    counts, wide = np.zeros((4, count), np.int64), values.dtype == np.float64
    compiled.bins(wide, values.size, reach, count, ready(values), counts)
    total: np.ndarray = counts.sum(axis=0)
    return total


def histogram(
    values: np.ndarray, low: float, factor: float, near: float, edges: np.ndarray
) -> np.ndarray:
    """Return how many values lie in each even bin, the last with its end.

    The bin is the integer part of (R − low) · factor, but what the edges say where that is nearer
    to an integer than ``near``.
    """
    counts, wide = np.zeros((4, edges.size - 1), np.int64), values.dtype == np.float64
    compiled.histogram(
        wide, values.size, low, factor, near, edges.size - 1, ready(values), edges, counts
    )
    total: np.ndarray = counts.sum(axis=0)
    return total
