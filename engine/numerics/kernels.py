"""Blocked, threaded loops over big arrays: the only place where speed may cost clarity.

An array is taken in blocks of its flat, C-ordered values. A block is small enough for the caches
and large enough that a numpy call on it outweighs what it costs to take turns at the
interpreter's lock. Sums are taken over *units* within a block, and only then of the units: so the
result is the same, to the last bit, however many threads share the work.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.numerics import mapped_arrays

UNIT = 512
"""Values per unit. numpy lets go of the lock for loops of more than 500 rows: see ``BLOCK``."""
BLOCK = 512 * UNIT
"""Values per block."""
THREADS = 0
"""How many threads share the work; 0: as many as there are processors, up to ``MOST_THREADS``."""
MOST_THREADS = 4
"""More would wait for the interpreter's lock, each with buffers of its own."""

Step = Callable[[int, int], None]
"""Called with how much is done of how much; may raise to stop the work."""
T = TypeVar("T")


class Scratch:
    """Buffers of one thread, kept from block to block: fresh memory costs more than arithmetic."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, np.dtype[Any]], np.ndarray] = {}

    def __call__(self, name: str, size: int, dtype: Any) -> np.ndarray:
        """Return the buffer of that name, shape (size,), with whatever is in it."""
        key = name, np.dtype(dtype)
        held = self._buffers.get(key)
        if held is None or held.size < size:
            held = self._buffers[key] = np.empty(size, dtype)
        return held[:size]


_lock = threading.Lock()
_idle: list[Scratch] = []
"""Those of threads that have ended, for the next ones."""


def threads() -> int:
    """Return how many threads share the work."""
    if THREADS:
        return THREADS
    affinity = getattr(os, "sched_getaffinity", None)
    return min(MOST_THREADS, len(affinity(0)) if affinity else os.cpu_count() or 1)


def over_blocks(
    size: int,
    work: Callable[[int, int, Scratch], T],
    step: Step | None = None,
    block: int = BLOCK,
) -> list[T]:
    """Return ``work(start, stop, scratch)`` of every block of ``size`` values, in order.

    Parameters
    ----------
    size : int
    work : callable
        Runs on several threads; what it raises ends all of them and is raised here. Before each
        block all of them look at the flag of the calling thread (``engine.cancellation``).
    step : callable, optional
        Called on the calling thread alone, and not where there is only one block.
    block : int
        How many values a block has, a multiple of ``UNIT``.
    """
    starts = range(0, size, block)
    results: list[Any] = [None] * len(starts)
    queue = iter(range(len(starts)))
    lock, stopped, cancelled = _lock, threading.Event(), cancellation.current()

    def share(tell: Step | None) -> None:
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
        step(0, len(starts))  # Who has been cancelled while waiting does not begin.
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
    """Return ``x.reshape(-1)[start:stop]`` without a copy of the rest, whatever the layout."""
    if x.flags.c_contiguous:
        return mapped_arrays.block(x.reshape(-1)[start:stop])
    mapped_arrays.check(x)
    row = x[0].size if x.ndim > 1 else 1
    if row == 1:
        return x.reshape(len(x))[start:stop]
    first, last = start // row, -(-stop // row)
    if last - first == 1:
        return flat_block(x[first], start - first * row, stop - first * row)
    rows = np.ascontiguousarray(x[first:last]).reshape(-1)
    return rows[start - first * row : stop - first * row]


def where_nan(x: np.ndarray) -> np.ndarray:
    """Return where an array has NaN, shape of the array."""
    out = np.empty(x.shape, bool)
    flat = out.reshape(-1)

    def work(start: int, stop: int, scratch: Scratch) -> None:
        np.isnan(flat_block(x, start, stop), out=flat[start:stop])

    over_blocks(x.size, work)
    return out


def spaced(flat: np.ndarray, step: int) -> np.ndarray:
    """Return the values of an array of one axis that lie ``step`` apart, taken block by block."""
    length = max(1, BLOCK // step) * step
    starts = range(0, flat.size, length)
    return np.concatenate([flat_block(flat, at, at + length)[::step] for at in starts])


class Extremes(NamedTuple):
    """The ends of the finite values, NaN where there is none, and whether all are finite."""

    low: Any
    high: Any
    finite: bool


def block_without(x: np.ndarray, start: int, stop: int, without: np.ndarray | None) -> np.ndarray:
    """Return a block of an array, with NaN at some flat positions, given in ascending order."""
    block = flat_block(x, start, stop)
    if without is None:
        return block
    first, last = np.searchsorted(without, (start, stop))
    if first < last:
        block = block.copy()
        block[without[first:last] - start] = np.nan
    return block


def extremes(x: np.ndarray, without: np.ndarray | None = None) -> Extremes:
    """Return the extremes of an array that has values, in its dtype.

    Parameters
    ----------
    x : ndarray
    without : ndarray of int, optional
        Flat positions, ascending, that are left out.
    """

    def ends(start: int, stop: int, scratch: Scratch) -> Extremes:
        r = block_without(x, start, stop, without)
        low, high = r.min(), r.max()
        if np.isfinite(low) and np.isfinite(high):
            return Extremes(low, high, True)
        r = r[np.isfinite(r)]
        nothing = x.dtype.type(np.nan)
        return Extremes(*((r.min(), r.max()) if r.size else (nothing, nothing)), False)

    lows, highs, finite = zip(*over_blocks(x.size, ends), strict=True)
    return Extremes(np.fmin.reduce(lows), np.fmax.reduce(highs), all(finite))


def reduce_rows(rows: np.ndarray, better: np.ufunc) -> np.ndarray:
    """Return what a reduction such as minimum makes of each row, shape (rows,)."""
    count, length = rows.shape
    if length >= BLOCK:
        return np.array([_reduced(row, better) for row in rows])

    def work(start: int, stop: int, scratch: Scratch) -> np.ndarray:
        some = mapped_arrays.block(rows[start:stop])
        if length and some.flags.c_contiguous:
            return runs(some.reshape(-1), length, better)
        return np.asarray(better.reduce(some, axis=1))

    return np.concatenate(over_blocks(count, work, block=max(1, BLOCK // length)))


def _reduced(row: np.ndarray, better: np.ufunc) -> Any:
    def work(start: int, stop: int, scratch: Scratch) -> Any:
        return better.reduce(mapped_arrays.block(row[start:stop]))

    return better.reduce(over_blocks(row.size, work))


def unit_rows(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the full units of a block as rows, and the rest as one row, perhaps without any."""
    full = flat.size // UNIT * UNIT
    return flat[:full].reshape(-1, UNIT), flat[None, full:]


def per_unit(reduce: Callable[..., np.ndarray], *flats: np.ndarray) -> np.ndarray:
    """Return what a reduction makes of the rows of each unit of a block, shape (units,)."""
    if flats[0].size % UNIT == 0 and flats[0].size:
        return reduce(*(flat.reshape(-1, UNIT) for flat in flats))
    parts = list(zip(*map(unit_rows, flats), strict=True))
    return np.concatenate([reduce(*part) for part in parts if part[0].size])


_ONES = np.ones(UNIT)


def unit_dots(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Σ a·b of each unit."""
    return per_unit(np.vecdot, a, b)


def unit_sums(a: np.ndarray) -> np.ndarray:
    """Return Σ a of each unit, of float64."""
    return per_unit(lambda rows: np.vecdot(rows, _ONES[: rows.shape[1]]), a)


def runs(flat: np.ndarray, length: int, better: np.ufunc) -> np.ndarray:
    """Return what a reduction such as minimum makes of runs of some length, the last shorter."""
    # Twice as fast as the same by rows.
    reduced: np.ndarray = better.reduceat(flat, np.arange(0, flat.size, length))
    return reduced


def unit_highs(a: np.ndarray, higher: np.ufunc = np.maximum) -> np.ndarray:
    """Return the largest number of each unit; NaN where it has one, unless ``higher`` is fmax."""
    return runs(a, UNIT, higher)


_CHUNK = 1 << 20


def tally(codes: np.ndarray) -> np.ndarray:
    """Return how many codes have each bit pattern, shape (256,) or (65536,).

    Codes of 8 bits are counted by twos: numpy's bincount spends its time per number, not per
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
