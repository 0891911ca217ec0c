"""The threshold of the smallest Kullback-Leibler divergence, for all candidates at once.

S. Migacz, 8-bit inference with TensorRT, GTC 2017: a histogram of |R| is cut at bin i, what lies
beyond is added to the last bin kept (P), the bins kept are merged to as many groups as there are
levels and spread again over the bins that hold something (Q); the i with the smallest
Σ P·log(P/Q) sets the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.arrays import FloatArray
from engine.formats import Format

BINS_PER_LEVEL = 16
EMPTY = 1e-4
"""The count that stands for none in Q where P has one, so that cutting an outlier has a price."""
MAX_LEVELS = 1024
CANDIDATES = 1 << 18
"""How many cuts are tried of all channels together, at the most."""
_BLOCK = 1 << 20


def bin_counts(fmt: Format, arguments: Sequence[float]) -> tuple[int, int]:
    """Return the numbers of bins and levels: those given, else half the codes and 16 bins each.

    128 levels and 2048 bins for 8 bits; more than 1024 levels are not searched.
    """
    levels = int(arguments[1]) if len(arguments) > 1 else min(1 << (fmt.bits - 1), MAX_LEVELS)
    bins = int(arguments[0]) if arguments else BINS_PER_LEVEL * levels
    return bins, min(levels, max(1, bins - 1))


def divergences(counts: np.ndarray, levels: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the candidates i and their KL divergences.

    Parameters
    ----------
    counts : ndarray of int, shape (bins,)
        Histogram of |R|.
    levels : int
        How many groups the bins kept are merged to; fewer than bins.
    stride : int
        Every how many bins there is a candidate, counted from the last bin.

    Returns
    -------
    cut, divergence : ndarray, shape (bins − levels + 1,)
        Keep the first ``cut[i]`` bins; the divergence in nats, ∞ where Q is 0 and P is not.
    """
    h = counts.astype(np.float64)
    total = h.sum()
    cut = np.arange(h.size, levels - 1, -stride)[::-1]
    # Sums over bins k < i, of the counts, of the bins that hold something, and of h·log h.
    kept = np.concatenate([[0.0], np.cumsum(h)])
    filled = np.concatenate([[0.0], np.cumsum(h > 0)])
    h_log_h = np.concatenate([[0.0], np.cumsum(_x_log_x(h))])
    outside = total - kept[cut]
    last = h[cut - 1]
    p_log_p = h_log_h[cut - 1] + _x_log_x(last + outside)
    p_log_q = np.empty(cut.size)
    step = max(1, _BLOCK // levels)
    for start in range(0, cut.size, step):
        part = slice(start, start + step)
        edges = (np.arange(levels + 1) * cut[part, None]) // levels
        q_sum = np.diff(kept[edges], axis=1)
        holders = np.diff(filled[edges], axis=1)
        p_sum = q_sum.copy()
        p_sum[:, -1] += outside[part]
        # An empty last bin holds something once the outliers are in it.
        holders[:, -1] += (last[part] == 0) & (outside[part] > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_q = np.log(np.maximum(q_sum, EMPTY) / holders)
            p_log_q[part] = np.where(p_sum > 0, p_sum * log_q, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = (p_log_p - p_log_q) / total - np.log(total) + np.log(kept[cut])
    return cut, np.where(np.isfinite(divergence), divergence, np.inf)


def entropy_threshold(
    finite: FloatArray, fmt: Format, arguments: Sequence[float] = (), channels: int = 1
) -> float:
    """Return the T of the smallest divergence; the largest |R| when no cut is better.

    One of many channels is tried at fewer bins, so that all of them together stay affordable.

    Parameters
    ----------
    finite : ndarray, shape (n,)
        Finite values, at least one.
    """
    reach = float(max(abs(finite.min()), abs(finite.max())))
    bins, levels = bin_counts(fmt, arguments)
    if reach == 0 or not np.isfinite(reach / bins) or reach / bins == 0:
        return reach
    # In float64, since float32 cannot hold the edges between subnormal numbers.
    magnitude = np.abs(finite if reach > 1e-30 else finite.astype(np.float64))
    counts, edges = np.histogram(magnitude, bins=bins, range=(0.0, reach))
    stride = max(1, channels * (bins - levels) // CANDIDATES)
    cut, divergence = divergences(counts, levels, stride)
    best = int(divergence.argmin())
    return float(edges[cut[best]]) if np.isfinite(divergence[best]) else reach


def _x_log_x(x: np.ndarray) -> np.ndarray:
    """x·log x, 0 at 0."""
    return np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)
