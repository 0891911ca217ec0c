"""Blocked, multi-threaded loops over large arrays.

This is the only module in which speed may cost clarity. An array is processed in blocks of its
flat, C-ordered values. A block fits the caches, and is long enough for a numpy call to outweigh the
cost of acquiring the interpreter's lock. Sums are formed per *unit* within a block and then over
units, so the result is bit-identical for any number of threads.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.numerics import loops, mapped_arrays
from quantoscope.engine.numerics.arrays import is_half, working_dtype

UNIT = 512
"""Values per unit. numpy releases the lock only for loops of more than 500 rows: see ``BLOCK``."""
BLOCK = 512 * UNIT
"""Values per block."""
THREADS = 0
"""Number of threads; 0 for one per processor, up to ``MOST_THREADS``."""
MOST_THREADS = 4
"""Upper bound: more threads would wait for the interpreter's lock, each with its own buffers."""

Progress = Callable[[int, int], None]
"""Called with (done, total); raises to stop the work."""
T = TypeVar("T")


class Scratch:
    """Buffers of one thread, reused for every block: allocation costs more than arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, np.dtype[Any]], np.ndarray] = {}

    def __call__(self, name: str, size: int, dtype: Any) -> np.ndarray:
        """Return the buffer of that name, shape (size,), with unspecified contents."""
        key = name, np.dtype(dtype)
        held = self._buffers.get(key)
        if held is None or held.size < size:
            held = self._buffers[key] = np.empty(size, dtype)
        return held[:size]


_lock = threading.Lock()
_idle: list[Scratch] = []
"""Buffers of finished threads, for reuse."""


def threads() -> int:
    """Return the number of threads."""
    if THREADS:
        return THREADS
    affinity = getattr(os, "sched_getaffinity", None)
    return min(MOST_THREADS, len(affinity(0)) if affinity else os.cpu_count() or 1)


def over_blocks(
    size: int,
    work: Callable[[int, int, Scratch], T],
    step: Progress | None = None,
    block: int = BLOCK,
) -> list[T]:
    """Return ``work(start, stop, scratch)`` for every block of ``size`` values, in order.

    Parameters
    ----------
    size : int
    work : callable
        Runs on several threads; an exception ends all of them and is raised here. Before each
        block every thread checks the calling thread's flag (``engine.cancellation``).
    step : callable, optional
        Called on the calling thread only, and only if there are several blocks.
    block : int
        Values per block, a multiple of ``UNIT``.
    """
    starts = range(0, size, block)
    results: list[Any] = [None] * len(starts)
    queue = iter(range(len(starts)))
    lock, stopped, cancelled = _lock, threading.Event(), cancellation.current()

    def share(tell: Progress | None) -> None:
        with lock:
            scratch = _idle.pop() if _idle else Scratch()
        try:
            while not stopped.is_set():
                with lock:
                    number = next(queue, None)
                if number is None:
                    return
                cancelled.check()
                if tell is not None and number:
                    tell(number, len(starts))
                start = starts[number]
                results[number] = work(start, min(start + block, size), scratch)
        except BaseException:
            stopped.set()
            raise
        finally:
            with lock:
                if len(_idle) < MOST_THREADS:
                    _idle.append(scratch)

    if step is not None and len(starts) > 1:
        step(0, len(starts))  # Raises if the work was cancelled while queued.
    helpers = min(threads(), len(starts)) - 1
    if helpers < 1:
        share(step)
        return results
    with ThreadPoolExecutor(helpers, thread_name_prefix="kernel") as pool:
        others = [pool.submit(share, None) for _ in range(helpers)]
        try:
            share(step)
        finally:
            errors = [other.exception() for other in others]
        for error in errors:
            if error is not None:
                raise error
    return results


def flat_block(x: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return ``x.reshape(-1)[start:stop]`` in working precision, without copying the rest."""
    return working(stored_block(x, start, stop))


def working(part: np.ndarray) -> np.ndarray:
    """Return part of an array from ``as_stored`` in working precision."""
    return part.astype(np.float32) if is_half(part.dtype) else part


def stored_block(x: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Return ``x.reshape(-1)[start:stop]`` without copying the rest, for any memory layout."""
    if x.flags.c_contiguous:
        return mapped_arrays.block(x.reshape(-1)[start:stop])
    mapped_arrays.check(x)
    row = x[0].size if x.ndim > 1 else 1
    if row == 1:
        return x.reshape(len(x))[start:stop]
    first, last = start // row, -(-stop // row)
    if last - first == 1:
        return stored_block(x[first], start - first * row, stop - first * row)
    rows = np.ascontiguousarray(x[first:last]).reshape(-1)
    return rows[start - first * row : stop - first * row]


def where_nan(x: np.ndarray) -> np.ndarray:
    """Return a boolean mask of NaN, in the shape of the array."""
    out = np.empty(x.shape, bool)
    flat = out.reshape(-1)

    def work(start: int, stop: int, scratch: Scratch) -> None:
        np.isnan(flat_block(x, start, stop), out=flat[start:stop])

    over_blocks(x.size, work)
    return out


def spaced(flat: np.ndarray, step: int) -> np.ndarray:
    """Return every ``step``-th value of a one-dimensional array, reading block by block."""
    length = max(1, BLOCK // step) * step
    starts = range(0, flat.size, length)
    return np.concatenate([flat_block(flat, at, at + length)[::step] for at in starts])


class Extremes(NamedTuple):
    """Minimum and maximum of the finite values (NaN if there are none); whether all are finite."""

    low: Any
    high: Any
    finite: bool


def block_without(x: np.ndarray, start: int, stop: int, without: np.ndarray | None) -> np.ndarray:
    """Return a block of an array with NaN at the flat, ascending positions ``without``."""
    block = stored_block(x, start, stop)
    if without is None:
        return block
    first, last = np.searchsorted(without, (start, stop))
    if first < last:
        block = block.copy()
        block[without[first:last] - start] = np.nan
    return block


def extremes(x: np.ndarray, without: np.ndarray | None = None) -> Extremes:
    """Return the extremes of a non-empty array from ``as_stored``, in working precision.

    ``without`` has flat positions to leave out, ascending.
    """
    dtype = working_dtype(x.dtype)

    def ends(start: int, stop: int, scratch: Scratch) -> Extremes:
        r = block_without(x, start, stop, without)
        if loops.has(x.dtype):
            size = r.size
            lows, highs = np.empty(1, dtype), np.empty(1, dtype)
            finite = loops.extremes(r, 1, size, size, lows, highs)
            return Extremes(lows[0], highs[0], finite)
        r = working(r)
        low, high = r.min(), r.max()
        if np.isfinite(low) and np.isfinite(high):
            return Extremes(low, high, True)
        r = r[np.isfinite(r)]
        nothing = dtype.type(np.nan)
        return Extremes(*((r.min(), r.max()) if r.size else (nothing, nothing)), False)

    lows, highs, finite = zip(*over_blocks(x.size, ends), strict=True)
    return Extremes(np.fmin.reduce(lows), np.fmax.reduce(highs), all(finite))


def run_extremes(
    x: np.ndarray, lines: int, run: int, peaks: bool = False
) -> tuple[np.ndarray, ...] | None:
    """Return the minimum and maximum of the finite values per run, each of shape (runs,).

    They are in working precision. The array, C-ordered, has so many lines of equal length, and the
    last run of a line may be shorter. Runs without a finite value have NaN. With ``peaks``, the
    first value of the largest magnitude is returned too. None where the compiled loops are not
    there.
    """
    line = x.size // max(1, lines)
    if not loops.has(x.dtype) or not x.flags.c_contiguous or not x.size:
        return None
    if run > BLOCK:
        if run < line or peaks:
            return None
        parts = run_extremes(x, lines, BLOCK)
        reduced = zip(parts or (), (np.fmin, np.fmax), strict=True)
        return tuple(better.reduce(each.reshape(lines, -1), axis=1) for each, better in reduced)
    runs = -(-line // run)
    found = tuple(np.empty(lines * runs, working_dtype(x.dtype)) for _ in range(2 + peaks))
    flat = x.reshape(-1)

    def reduce(start: int, stop: int) -> None:
        """Reduce the values from start to stop: some lines, or some runs of one line."""
        values = mapped_arrays.block(flat[start:stop])
        shape = (values.size // line, line) if line <= BLOCK else (1, values.size)
        first = start // line * runs + start % line // run
        part = slice(first, first + shape[0] * -(-shape[1] // run))
        loops.extremes(values, *shape, run, *(each[part] for each in found))

    if line <= BLOCK:
        block, starts, size = BLOCK // line * line, range(1), x.size
    else:
        block, starts, size = BLOCK // run * run, range(0, x.size, line), line
    for begin in starts:

        def work(start: int, stop: int, scratch: Scratch, begin: int = begin) -> None:
            reduce(begin + start, begin + stop)

        over_blocks(size, work, block=block)
    return found


def reduce_rows(rows: np.ndarray, better: np.ufunc) -> np.ndarray:
    """Reduce each row with a ufunc such as ``minimum``, in working precision, shape (rows,)."""
    count, length = rows.shape
    if length >= BLOCK:
        return np.array([_reduced(row, better) for row in rows])

    def work(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        some = working(mapped_arrays.block(rows[start:stop]))
        if length and some.flags.c_contiguous:
            return runs(some.reshape(-1), length, better)
        return np.asarray(better.reduce(some, axis=1))

    return np.concatenate(over_blocks(count, work, block=max(1, BLOCK // length)))


def reduce_stacks(stacks: np.ndarray, better: np.ufunc) -> np.ndarray:
    """Reduce the rows of each stack with a ufunc, from shape (stacks, rows, n) to (stacks, n)."""
    each = stacks[0].size

    def work(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        return np.asarray(better.reduce(working(mapped_arrays.block(stacks[start:stop])), axis=1))

    return np.concatenate(over_blocks(len(stacks), work, block=max(1, BLOCK // each)))


def _reduced(row: np.ndarray, better: np.ufunc) -> Any:
    def work(start: int, stop: int, scratch: Scratch) -> Any:
        return better.reduce(working(mapped_arrays.block(row[start:stop])))

    return better.reduce(over_blocks(row.size, work))


def per_unit(reduce: Callable[..., np.ndarray], *flats: np.ndarray) -> np.ndarray:
    """Apply a row-wise reduction to each unit of a block, shape (units,)."""
    full = flats[0].size // UNIT * UNIT
    units = [flat[:full].reshape(-1, UNIT) for flat in flats]
    rest = [flat[None, full:] for flat in flats]
    return np.concatenate([reduce(*rows) for rows in (units, rest) if rows[0].size])


_ONES = np.ones(UNIT)


def unit_dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Σ a·b per unit."""
    return per_unit(np.vecdot, a, b)


def unit_sums(a: np.ndarray) -> np.ndarray:
    """Return Σ a per unit, for float64."""
    return per_unit(lambda rows: np.vecdot(rows, _ONES[: rows.shape[1]]), a)


def runs(flat: np.ndarray, length: int, better: np.ufunc) -> np.ndarray:
    """Reduce consecutive runs of ``length`` values with a ufunc; the last run may be shorter."""
    # Twice as fast as reducing rows.
    reduced: np.ndarray = better.reduceat(flat, np.arange(0, flat.size, length))
    return reduced


def unit_highs(a: np.ndarray, higher: np.ufunc = np.maximum) -> np.ndarray:
    """Return the maximum per unit; NaN if a unit has one, unless ``higher`` is fmax."""
    return runs(a, UNIT, higher)


_CHUNK = 1 << 20


def tally(codes: np.ndarray) -> np.ndarray:
    """Count the codes per bit pattern, shape (256,) or (65536,).

    8-bit codes are counted in pairs: numpy's bincount takes time per number, not per
    bit.
    """
    flat = codes.reshape(-1)
    bits = 8 * flat.dtype.itemsize
    unsigned = flat.view(np.uint8 if bits == 8 else np.uint16)

    def count(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        part = unsigned[start:stop]
        if bits == 16 or part.size < UNIT:
            return np.bincount(part, minlength=1 << bits)
        even = part.size // 2 * 2
        pairs = scratch("pairs", even // 2, np.intp)
        np.copyto(pairs, part[:even].view(np.uint16))
        table = np.bincount(pairs, minlength=1 << 16).reshape(256, 256)
        counts: np.ndarray = table.sum(axis=0) + table.sum(axis=1)
        counts += np.bincount(part[even:], minlength=256)
        return counts

    total = np.zeros(1 << bits, np.int64)
    for counts in over_blocks(flat.size, count, block=_CHUNK):
        total += counts
    return total
