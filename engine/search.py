"""The range with the smallest mean squared error, found by trying ranges on the true quantizer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.arithmetic import TEXTBOOK, Arithmetic
from engine.arrays import FloatArray
from engine.errors import QuantizationError
from engine.formats import Format
from engine.quantizers import Quantizer

Ends = tuple[Any, Any]

SAMPLE = 8192
"""Larger data is searched on so many of its values, and on its extremes; then checked in full."""
TAIL = 512
OCTAVES, PER_OCTAVE = 20, 8


@dataclass(frozen=True, eq=False)
class Points:
    """Values that stand for the data.

    Attributes
    ----------
    values : ndarray, shape (n,)
    weights : ndarray of float64, shape (n,)
        How many values of the data each stands for.
    """

    values: FloatArray
    weights: np.ndarray


def sample_points(finite: FloatArray) -> Points:
    """Return all of a small array; of a larger one its extremes and evenly spaced others."""
    if finite.size <= 2 * SAMPLE:
        return Points(finite, np.ones(finite.size))
    edges = np.partition(finite, (TAIL, finite.size - TAIL))
    tails = np.concatenate([edges[:TAIL], edges[-TAIL:]])
    core = finite[:: finite.size // SAMPLE]
    core = core[(core > edges[TAIL]) & (core < edges[finite.size - TAIL])]
    share = (finite.size - tails.size) / max(1, core.size)
    weights = np.concatenate([np.ones(tails.size), np.full(core.size, share)])
    return Points(np.concatenate([tails, core]), weights)


def inside(low: Any, high: Any, threshold: Any, quantizer: Quantizer) -> Ends:
    """Return the part of ``[low, high]`` in ±threshold; ±threshold itself for a mirrored range."""
    if quantizer.mirrored:
        return -threshold, threshold
    low, high = max(low, -threshold), min(high, threshold)
    return (low, high) if low < high else (-threshold, threshold)


def squared_errors(
    points: Points, quantizer: Quantizer, fmt: Format, ends: Ends, arithmetic: Arithmetic = TEXTBOOK
) -> tuple[float, float]:
    """Return Σ(R′ − R)² over the clipped values and over the others, in float64.

    Both are infinite for a range that the quantizer refuses.
    """
    try:
        p = quantizer.parameters(*ends, fmt, arithmetic)
    except QuantizationError:
        return np.inf, np.inf
    codes, saturated = quantizer.encode(points.values, p)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        error = quantizer.decode(codes, p).astype(np.float64) - points.values
        power = error * error * points.weights
    clipped = float(power[saturated != 0].sum())
    return clipped, float(power.sum()) - clipped


def best_range(
    finite: FloatArray, quantizer: Quantizer, fmt: Format, arithmetic: Arithmetic = TEXTBOOK
) -> Ends:
    """Return the ends with the smallest Σ(R′ − R)², never worse than the data's own extremes.

    Both ends shrink together first, over twenty octaves; then each by itself, in ever smaller
    steps, unless the family mirrors them. The best few are compared on all the data.

    Parameters
    ----------
    finite : ndarray, shape (n,)
        Finite values, at least one.
    """
    low, high = finite.min(), finite.max()
    points = sample_points(finite)
    reach = max(abs(low), abs(high))
    if not reach > 0 or low == high:
        return low, high

    def loss(ends: Ends) -> float:
        return sum(squared_errors(points, quantizer, fmt, ends, arithmetic))

    def best(candidates: Iterable[Ends]) -> Ends:
        return min(candidates, key=loss)

    factors = 2.0 ** (-np.arange(OCTAVES * PER_OCTAVE) / PER_OCTAVE)
    thresholds = (reach * factors).astype(finite.dtype)
    found = best(inside(low, high, t, quantizer) for t in thresholds if t > 0)
    spread = 2.0 ** (1 / PER_OCTAVE) - 1
    for _ in range(4):
        found = best(_around(found, spread, quantizer, finite.dtype))
        spread /= 3
    whole = Points(finite, np.ones(finite.size))

    def true_loss(ends: Ends) -> float:
        return sum(squared_errors(whole, quantizer, fmt, ends, arithmetic))

    return min(((low, high), found), key=true_loss)


def _around(ends: Ends, spread: float, quantizer: Quantizer, dtype: np.dtype[Any]) -> list[Ends]:
    """Ranges near one, itself included: both ends scaled, or each by itself."""
    low, high = ends
    steps = np.linspace(-spread, spread, 9)
    with np.errstate(over="ignore", under="ignore"):
        if quantizer.mirrored:
            scaled = (float(high) * (1 + steps)).astype(dtype)
            return [(-t, t) for t in scaled if 0 < t < np.inf]
        width = float(high) - float(low)
        lows = (float(low) + steps * width).astype(dtype)
        highs = (float(high) + steps * width).astype(dtype)
    lows, highs = lows[np.isfinite(lows)], highs[np.isfinite(highs)]
    return [(lo, hi) for lo in lows for hi in highs if lo < hi] or [ends]
