"""Entropy calibration: threshold of the smallest KL divergence, in two packages' definitions.

S. Migacz, 8-bit inference with TensorRT, GTC 2017: a histogram of |R| is cut at bin i, the counts
beyond are added to the last bin kept (P), the bins kept are merged into as many groups as there are
levels and distributed over the non-empty bins (Q); the i with the smallest Σ P·log(P/Q) gives the
threshold. The slides do not define the treatment of zeros, which accumulate in the first bin, and
of empty bins; here it is that of NVIDIA's Model Optimizer
(modelopt.torch.quantization.calib.histogram), and for ONNX Runtime that of its
``get_entropy_threshold``. Both process a whole tensor; channels are processed one by one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quantoscope.engine.calibration.base import Method, Task, inside
from quantoscope.engine.formats import Format
from quantoscope.engine.numerics import loops, mapped_arrays
from quantoscope.engine.numerics.arithmetic import Arithmetic, EntropySearch
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.granularity import GROUP, Granularity
from quantoscope.engine.numerics.kernels import (
    BLOCK,
    Progress,
    Scratch,
    extremes,
    flat_block,
    over_blocks,
    reduce_rows,
)
from quantoscope.engine.quantizers import Ends, ends_of

BINS = 2048
FIRST_CUT = 128
"""First bin at which Model Optimizer tries a threshold."""
LEVELS = 128
"""Number of ONNX Runtime's bins for both signs together, for any format."""
SMOOTHING = 1e-4
"""Count that ONNX Runtime adds to empty bins, and subtracts from the others."""
SHORT = 256
"""Maximum length of channels searched by their values; longer ones are searched by bins."""
PAIRS = 1 << 26
"""Upper bound of pairs of cut and value over all short channels."""
CUTS = 1 << 21
"""Upper bound of cuts over all long channels."""
CUTS_ONNXRUNTIME = 1 << 16
"""The same for ONNX Runtime, whose cuts cost more."""
_CELLS = 1 << 20
_TIE = 1e-12


@dataclass(frozen=True)
class Search:
    """Extent of the search."""

    bins: int
    levels: int
    stride: int
    """Distance of cuts in bins, counted from the last; 0 for no cuts: the range is that of the
    data."""


def bin_counts(
    fmt: Format, arguments: Sequence[float], whose: EntropySearch = EntropySearch.MODELOPT
) -> tuple[int, int]:
    """Return the numbers of bins and levels: given, or the package's defaults.

    Model Optimizer takes half as many levels as there are codes, as many for codes without a
    sign; 128 for int8, 256 for uint8.
    """
    bins = int(arguments[0]) if arguments else BINS
    if len(arguments) > 1:
        levels = int(arguments[1])
    elif whose is EntropySearch.MODELOPT:
        levels = 1 << (fmt.bits - (0 if fmt.integer and fmt.qmin == 0 else 1))
    else:
        levels = LEVELS
    return bins, levels


def search_of(
    fmt: Format, arguments: Sequence[float], whose: EntropySearch, channels: int, length: int
) -> Search:
    """Return the extent of the search for ``channels`` channels of ``length`` values."""
    bins, levels = bin_counts(fmt, arguments, whose)
    if channels == 1:
        return Search(bins, levels, 1)
    if whose is not EntropySearch.MODELOPT:
        cuts = CUTS_ONNXRUNTIME // channels
        every = max(1, bins // 2 - levels // 2)
        return Search(bins, levels, 0 if cuts < 2 else -(-every // cuts))
    if length <= SHORT:
        return Search(bins, levels, -(-channels * length * length // (2 * PAIRS)))
    return Search(bins, levels, -(-channels * (bins - first_cut(bins, levels)) // CUTS))


def first_cut(bins: int, levels: int) -> int:
    """Return Model Optimizer's first cut; at most ``levels`` bins in short histograms."""
    return FIRST_CUT if bins > FIRST_CUT else min(levels, bins)


def entropy_ends(
    rows: FloatArray,
    fmt: Format,
    arguments: Sequence[float] = (),
    whose: EntropySearch = EntropySearch.MODELOPT,
    gaps: bool = False,
    step: Progress | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the thresholds below and above 0 per channel, in float64, shape (channels,).

    ``rows``, shape (channels, n), are finite values, at least one in each channel, and NaN
    elsewhere, if there are gaps. ``arguments`` are the numbers of bins and of levels, if given.
    """
    channels, length = rows.shape
    search = search_of(fmt, arguments, whose, channels, length)
    low = reduce_rows(rows, np.fmin).astype(np.float64)
    high = reduce_rows(rows, np.fmax).astype(np.float64)
    reach = np.maximum(np.abs(low), np.abs(high))
    if not search.stride:
        return -reach, reach
    if whose is EntropySearch.MODELOPT and channels > 1 and length <= SHORT:
        found = _short_thresholds(rows, reach, search, gaps, step)
        return -found, found
    below, above = np.empty(channels), np.empty(channels)
    for number in range(channels):
        if step is not None and number % 16 == 0:
            step(number, channels)
        row = rows[number] if channels == 1 else mapped_arrays.block(rows[number])
        row = row[~np.isnan(row)] if gaps else row
        if whose is EntropySearch.MODELOPT:
            above[number] = threshold(row, search, step if channels == 1 else None)
            below[number] = -above[number]
        else:
            below[number], above[number] = onnxruntime_ends(row, search)
    return below, above


def curve(
    finite: FloatArray, fmt: Format, whose: EntropySearch = EntropySearch.MODELOPT
) -> tuple[np.ndarray, np.ndarray]:
    """Return the tried thresholds of a whole tensor, and their divergences in nats.

    The values are finite, and not all of them 0.
    """
    search = search_of(fmt, (), whose, 1, finite.size)
    if whose is EntropySearch.MODELOPT:
        counts, reach = magnitudes(finite, search.bins)
        cut, divergence = divergences(counts, search.levels)
        return reach * (cut / search.bins), divergence
    tried, edges, costs = _onnxruntime_search(finite.reshape(-1), search)
    return edges[np.minimum(search.bins // 2 + tried + 1, search.bins)].astype(np.float64), costs


# As Model Optimizer has it


def threshold(finite: FloatArray, search: Search, step: Progress | None = None) -> float:
    """Return the T of the smallest divergence, the last one of equals, for finite values."""
    counts, reach = magnitudes(finite, search.bins, step)
    if reach == 0:
        return reach
    cut, divergence = divergences(counts, search.levels, search.stride)
    best, bins = int(cut[last_least(divergence)]), search.bins
    # A constant is in the last bin only, which is always kept.
    constant = best >= bins - 1 and not counts[1:-1].any()
    return reach if constant or best >= bins else reach * (best / bins)


def magnitudes(
    finite: FloatArray, bins: int, step: Progress | None = None
) -> tuple[np.ndarray, float]:
    """Return the histogram of |R| from 0 to the maximum, shape (bins,), and the maximum.

    A value's bin is found in its own precision, as torch.histc does.
    """
    flat = finite.reshape(-1)
    low, high, _ = extremes(flat)
    reach = float(max(abs(low), abs(high)))
    if reach == 0:
        return np.bincount([0], weights=[flat.size], minlength=bins), reach

    def work(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        if loops.has(flat.dtype):
            return loops.bins(flat_block(flat, start, stop), reach, bins)
        return np.bincount(bin_of(flat_block(flat, start, stop), reach, bins), minlength=bins)

    return np.sum(over_blocks(flat.size, work, step, BLOCK), axis=0), reach


def bin_of(values: FloatArray, reach: Any, bins: int) -> np.ndarray:
    """Return the bin of each |R|."""
    kind = values.dtype.type
    place = np.abs(values) / np.asarray(reach).astype(values.dtype) * kind(bins)
    return np.minimum(place.astype(np.int32), bins - 1)


def divergences(counts: np.ndarray, levels: int, stride: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return the cuts i and their KL divergences.

    Parameters
    ----------
    counts : ndarray of int, shape (bins,)
        Histogram of |R|. Its first bin, which contains the zeros, counts as much as the second.
    levels : int
        Number of groups that the bins kept are merged into.
    stride : int
        Distance of cuts in bins, counted from the last.

    Returns
    -------
    cut, divergence : ndarray
        Numbers of bins kept; divergence in nats, ∞ if Q is 0 and P is not, NaN
        if nothing is kept.
    """
    h = counts.astype(np.float64)
    h[0] = h[1]
    total = h.sum()
    cut = np.arange(h.size, first_cut(h.size, levels) - 1, -stride)[::-1]
    # Cumulative sums over bins k < i of counts, of non-empty bins, and of h·log h.
    kept = np.concatenate([[0.0], np.cumsum(h)])
    filled = np.concatenate([[0.0], np.cumsum(h > 0)])
    h_log_h = np.concatenate([[0.0], np.cumsum(_x_log_x(h))])
    outside = total - kept[cut]
    last = h[cut - 1]
    p_log_p = h_log_h[cut - 1] + _x_log_x(last + outside)
    p_log_q = np.empty(cut.size)
    # With more levels than bins, each bin kept is its own group.
    groups = min(levels, h.size)
    block = max(1, _CELLS // groups)
    for start in range(0, cut.size, block):
        part = slice(start, start + block)
        each = np.minimum(levels, cut[part, None])
        edges = -(-np.minimum(np.arange(groups + 1), each) * cut[part, None] // each)
        q_sum = np.diff(kept[edges], axis=1)
        holders = np.diff(filled[edges], axis=1)
        p_sum = q_sum.copy()
        p_sum[np.arange(len(p_sum)), each[:, 0] - 1] += outside[part]
        with np.errstate(divide="ignore", invalid="ignore"):
            log_q = np.log(q_sum / holders)
            p_log_q[part] = np.where(q_sum > 0, p_sum * log_q, 0.0).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = (p_log_p - p_log_q) / total - np.log(total) + np.log(kept[cut])
    divergence = np.where((last == 0) & (outside > 0), np.inf, divergence)
    return cut, np.where(kept[cut] == 0, np.nan, divergence)


def last_least(divergence: np.ndarray) -> int:
    """Return the index of the last minimum; NaN counts as smallest."""
    unknown = np.flatnonzero(np.isnan(divergence))
    if unknown.size:
        return int(unknown[-1])
    return int(np.flatnonzero(divergence <= divergence.min() + _TIE)[-1])


def _x_log_x(x: np.ndarray) -> np.ndarray:
    """Return x·log x, 0 at 0."""
    return np.where(x > 0, x * np.log(np.where(x > 0, x, 1.0)), 0.0)


def _short_thresholds(
    rows: FloatArray, reach: np.ndarray, search: Search, gaps: bool, step: Progress | None
) -> np.ndarray:
    """Return the thresholds of short channels, using only non-empty bins."""
    found = reach.copy()
    length = rows.shape[1]
    size = max(1, _CELLS // (length * length * 4 + 1))

    def work(start: int, stop: int, scratch: Scratch) -> None:
        some = mapped_arrays.block(rows[start:stop])
        found[start:stop] = _thresholds_of_few(some, reach[start:stop], search, gaps)

    over_blocks(len(rows), work, step, size)
    return found


def _thresholds_of_few(
    rows: FloatArray, reach: np.ndarray, search: Search, gaps: bool
) -> np.ndarray:
    bins, levels = search.bins, search.levels
    some = reach > 0
    full = reach[:, None].astype(rows.dtype)
    with np.errstate(invalid="ignore", divide="ignore"):
        place = np.abs(rows) / full * rows.dtype.type(bins)
    there = np.broadcast_to(some[:, None], rows.shape)
    there = there & ~np.isnan(rows) if gaps else there
    each = np.arange(len(rows))
    row_of = np.broadcast_to(each[:, None], rows.shape)[there]
    keys = row_of * bins + np.minimum(place[there].astype(np.int64), bins - 1)
    keys, held = np.unique(np.concatenate([each * bins, keys]), return_counts=True)
    row, bin_ = keys // bins, keys % bins
    # The first bin counts as much as the second, or nothing.
    second = np.zeros(len(rows), np.int64)
    second[row[bin_ == 1]] = held[bin_ == 1]
    held = np.where(bin_ == 0, second[row], held).astype(np.float64)
    row, bin_, held = row[held > 0], bin_[held > 0], held[held > 0]
    sizes = np.bincount(row, minlength=len(rows))
    begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    lowest = np.full(len(rows), bins - 1)
    lowest[some & (sizes > 0)] = bin_[begins[some & (sizes > 0)]]
    # If only the cut's own bin is kept, the divergence is NaN, which counts as smallest.
    before = first_cut(bins, levels)
    empty = some & (lowest >= before)
    cut = np.where(empty, lowest, bins)
    # Otherwise only cuts after a non-empty bin have a finite divergence.
    within = np.arange(row.size) - begins[row]
    from_last = sizes[row] - 1 - within
    tried = (bin_ + 1 >= before) & ~empty[row] & (from_last % search.stride == 0)
    entry = np.flatnonzero(tried)
    if entry.size:
        owner, at = row[entry], bin_[entry] + 1
        counts = within[entry] + 1
        least = _divergences_of_few(begins[owner], counts, at, bin_, held, levels, sizes[owner])
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        smallest = np.repeat(np.minimum.reduceat(least, starts), np.diff([*starts, least.size]))
        best = least <= smallest + _TIE
        np.maximum.at(wide := np.zeros(len(rows), np.int64), owner[best], at[best])
        cut = np.where(wide > 0, wide, cut)
    constant = empty & (lowest == bins - 1)
    return np.where((cut >= bins) | constant, reach, reach * (cut / bins))


def _divergences_of_few(
    begins: np.ndarray,
    counts: np.ndarray,
    cut: np.ndarray,
    bin_: np.ndarray,
    held: np.ndarray,
    levels: int,
    sizes: np.ndarray,
) -> np.ndarray:
    """Return the divergence per cut of the ``counts`` bins from ``begins`` on."""
    ends = np.cumsum(counts)
    number = np.repeat(np.arange(counts.size), counts)
    at = np.repeat(begins - (ends - counts), counts) + np.arange(number.size)
    h = held[at]
    each = np.minimum(levels, cut)
    group = bin_[at] * each[number] // cut[number]
    new = np.flatnonzero(np.diff(number * (levels + 1) + group, prepend=-1))
    runs = np.diff(np.append(new, number.size))
    q = np.repeat(np.add.reduceat(h, new) / runs, runs)
    kept = np.add.reduceat(h, ends - counts)
    running = np.concatenate([[0.0], np.cumsum(held)])
    total = running[begins + sizes] - running[begins]
    p = h.copy()
    p[ends - 1] += total - kept
    p_share, q_share = p / total[number], q / kept[number]
    return np.asarray(np.add.reduceat(p_share * np.log(p_share / q_share), ends - counts))


# As ONNX Runtime has it


def onnxruntime_ends(finite: FloatArray, search: Search) -> tuple[float, float]:
    """Return both ends of the smallest divergence, the first of equals, within the data.

    The histogram is that of R itself, as far below 0 as above it; Q holds whole numbers, and the
    divergence is taken in float32.
    """
    flat = finite.reshape(-1)
    low, high, _ = extremes(flat)
    tried, edges, costs = _onnxruntime_search(flat, search)
    if not tried.size:
        return float(low), float(high)
    middle, best = search.bins // 2, int(tried[int(np.argmin(costs))])
    below, above = edges[middle - best], edges[min(middle + best + 1, search.bins)]
    return float(max(below, low)), float(min(above, high))


def _onnxruntime_search(
    flat: FloatArray, search: Search
) -> tuple[np.ndarray, FloatArray, np.ndarray]:
    """Return the bins kept per side, all edges, and the divergences."""
    low, high, _ = extremes(flat)
    reach = max(abs(low), abs(high))
    middle, half = search.bins // 2, search.levels // 2
    tried = np.arange(middle, half - 1, -search.stride)[::-1]
    with np.errstate(over="ignore", under="ignore"):
        usable = np.isfinite(reach + reach) and reach / search.bins > np.finfo(flat.dtype).tiny
    if not usable or not tried.size:
        return np.zeros(0, np.int64), np.zeros(0, flat.dtype), np.zeros(0)

    def work(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        part = flat_block(flat, start, stop)
        return np.histogram(part, search.bins, range=(-reach, reach))[0]

    counts = np.sum(over_blocks(flat.size, work), axis=0)
    edges = np.histogram_bin_edges(flat[:1], search.bins, range=(-reach, reach))
    costs = [_smoothed_divergence(counts, middle, int(i), search.levels) for i in tried]
    return tried, edges, np.array(costs)


def _smoothed_divergence(counts: np.ndarray, middle: int, reach: int, levels: int) -> float:
    """Return the divergence of keeping ``reach`` bins on either side of the middle one."""
    start, stop = middle - reach, min(middle + reach + 1, counts.size)
    kept = counts[start:stop]
    p = kept.copy()
    p[0] += counts[:start].sum()
    p[-1] += counts[stop:].sum()
    width = kept.size // levels
    grouped = kept[: width * levels].reshape(levels, width).sum(axis=1)
    grouped[-1] += kept[width * levels :].sum()
    holders = np.count_nonzero(p[: width * levels].reshape(levels, width), axis=1)
    level = (grouped / np.maximum(holders, 1)).astype(np.int64) * (holders > 0)
    q = np.zeros(kept.size, np.int64)
    q[: width * levels] = np.repeat(level, width)
    smooth_p, smooth_q = _smoothed(p), _smoothed(q)
    if smooth_p is None or smooth_q is None:
        return math.inf
    smooth_q /= smooth_q.sum()
    smooth_p /= smooth_p.sum()
    ratio = smooth_p.astype(np.float64) / smooth_q
    terms = (smooth_p * np.log(ratio)).astype(np.float32)
    return float(terms.sum())


def _smoothed(counts: np.ndarray) -> FloatArray | None:
    """Return smoothed counts without zeros, in float32; None if all are 0."""
    zero = counts == 0
    zeros = int(np.count_nonzero(zero))
    if zeros == counts.size:
        return None
    less = np.float32(-SMOOTHING * zeros / (counts.size - zeros))
    return counts.astype(np.float32) + np.where(zero, np.float32(SMOOTHING), less)


class Entropy(Method):
    """±T, limited to the data, with the T of the smallest KL divergence."""

    name = "entropy"
    signature = "entropy(bins,levels)"
    summary = "The threshold whose clipped histogram is nearest to its quantized one."
    counts = (0, 1, 2)
    source = (
        "KL divergence (Migacz, GTC 2017) as NVIDIA Model Optimizer takes it; @onnxruntime as "
        "its get_entropy_threshold"
    )
    computes = True
    clips_blindly = True
    depends_on_format = True
    arithmetic_fields = ("entropy",)

    def problem(self, arguments: Sequence[float]) -> str:
        """Return why bins and levels leave nothing to search; empty if they do not."""
        if not all(2 <= count <= 1_000_000 and count == int(count) for count in arguments):
            return "entropy(bins,levels) takes whole numbers from 2"
        if len(arguments) == 2 and not arguments[0] > arguments[1]:
            return (
                "entropy(bins,levels) needs more bins than levels: else there is nothing to search"
            )
        return ""

    def ends(self, task: Task) -> Ends:
        """Return the range per channel."""
        dtype, rows = task.dtype, task.rows()
        below, above = entropy_ends(
            rows.values, task.format, task.arguments, task.arithmetic.entropy, rows.gaps, task.step
        )
        with np.errstate(over="ignore", under="ignore"):
            reach = np.maximum(-below, above).astype(dtype)
            asymmetric = (below != -above).any()
            if asymmetric and not task.quantizer.symmetric_range:
                return ends_of(below.astype(dtype), above.astype(dtype))
        low, high = inside(rows.lowest(), rows.highest(), reach, task.quantizer)
        return ends_of(low, high)

    def warnings(
        self,
        shape: tuple[int, ...],
        granularity: Granularity,
        fmt: Format,
        arguments: Sequence[float],
        arithmetic: Arithmetic,
    ) -> list[str]:
        """Return warnings on channels too short for a histogram, or not searched completely."""
        count = granularity.count(shape)
        length = -(-math.prod(shape) // max(1, count))
        if granularity.kind == GROUP:
            length = granularity.layout(shape).size
        search = search_of(fmt, arguments, arithmetic.entropy, count, length)
        notes = []
        if length < search.bins:
            values = "1 value" if length == 1 else f"{length:,} values"
            whose = f" in each of {count:,} channels or groups" if count > 1 else ""
            notes.append(
                f"entropy sees {values}{whose}, too few for a histogram of {search.bins:,} bins: "
                "minmax or mse suits them better."
            )
        if search.stride == 0:
            notes.append(
                f"entropy does not search {count:,} channels or groups: their ranges are those of "
                "their values."
            )
        elif search.stride > 1:
            notes.append(
                f"Of {count:,} channels or groups, entropy tries one threshold in "
                f"{search.stride:,}."
            )
        return notes
