"""Blocked, threaded loops: every value once, in order, whatever the layout and the threads."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Granularity
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import as_working
from tests.engine.blocked import LAYOUTS, assert_same, blocks_of
from tests.laws import examples

THREADS = (1, 2, 3, 8)
SHAPES = [(), (1,), (23,), (1, 9), (9, 1), (5, 7), (3, 4, 5), (1, 3, 1, 7), (2, 3, 2, 3)]

every_count_of_threads = pytest.mark.parametrize("threads", THREADS)
every_layout = pytest.mark.parametrize("layout", LAYOUTS)


def kernel_threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name.startswith("kernel")]


# over_blocks


@every_count_of_threads
@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 16, 17, 803])
def test_every_value_is_in_one_block_and_results_come_in_order(size: int, threads: int) -> None:
    with blocks_of(8, threads=threads):
        pieces = kernels.over_blocks(size, lambda start, stop, _: range(start, stop))
    assert [position for piece in pieces for position in piece] == list(range(size))
    assert all(len(piece) == 8 for piece in pieces[:-1])


@every_count_of_threads
def test_blocks_may_have_a_size_of_their_own(threads: int) -> None:
    with blocks_of(threads=threads):
        pieces = kernels.over_blocks(10, lambda start, stop, _: (start, stop), block=4)
    assert pieces == [(0, 4), (4, 8), (8, 10)]


@every_count_of_threads
def test_results_come_in_order_though_the_first_block_ends_last(threads: int) -> None:
    others = threading.Event()

    def work(start: int, stop: int, scratch: kernels.Scratch) -> int:
        if start == 0 and threads > 1:
            assert others.wait(30)
        if start == 20:
            others.set()
        return start

    with blocks_of(10, threads=threads):
        assert kernels.over_blocks(30, work) == [0, 10, 20]
    assert not kernel_threads()


@every_count_of_threads
def test_what_a_worker_raises_ends_all_and_is_raised(threads: int) -> None:
    begun: list[int] = []

    def work(start: int, stop: int, scratch: kernels.Scratch) -> None:
        begun.append(start)
        if start == 5:
            raise ZeroDivisionError("in block 5")

    with blocks_of(1, threads=threads), pytest.raises(ZeroDivisionError, match="in block 5"):
        kernels.over_blocks(100_000, work)
    assert len(begun) < 100_000
    assert not kernel_threads()


@every_count_of_threads
def test_what_step_raises_ends_all_and_is_raised(threads: int) -> None:
    class Cancelled(Exception):
        pass

    begun: list[int] = []
    told = threading.Event()

    def work(start: int, stop: int, scratch: kernels.Scratch) -> None:
        begun.append(start)
        here = threading.current_thread() is threading.main_thread()
        # Or the others could be through before this thread has its first turn.
        assert here or told.wait(30)

    def step(done: int, of: int) -> None:
        told.set()
        raise Cancelled

    with blocks_of(1, threads=threads), pytest.raises(Cancelled):
        kernels.over_blocks(100_000, work, step)
    assert len(begun) < 100_000
    assert not kernel_threads()


@every_count_of_threads
def test_an_interrupt_in_a_worker_is_raised_too(threads: int) -> None:
    def work(start: int, stop: int, scratch: kernels.Scratch) -> None:
        if threading.current_thread() is not threading.main_thread() or threads == 1:
            raise KeyboardInterrupt
        time.sleep(0)  # lets the others have their turn

    with blocks_of(1, threads=threads), pytest.raises(KeyboardInterrupt):
        kernels.over_blocks(1_000_000, work)
    assert not kernel_threads()


@every_count_of_threads
def test_step_is_told_on_the_calling_thread_how_much_is_done_of_how_much(threads: int) -> None:
    told: list[tuple[int, int]] = []

    def step(done: int, of: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((done, of))

    with blocks_of(2, threads=threads):
        kernels.over_blocks(2, lambda *_: None, step)
        assert told == []
        kernels.over_blocks(99, lambda *_: None, step)
    assert all(of == 50 and 0 <= done < 50 for done, of in told)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert threads > 1 or [done for done, _ in told] == list(range(50))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, step: engine.evaluate(x, "int8 asymmetric", progress=step),
        lambda x, step: engine.calibrate(x, "int4 asymmetric mse", progress=step),
    ],
    ids=["evaluate", "mse"],
)
def test_evaluate_and_calibrate_can_be_stopped(call: Callable[..., Any], threads: int) -> None:
    class Cancelled(Exception):
        pass

    def step(done: int, of: int) -> None:
        raise Cancelled

    x = np.random.default_rng(0).normal(size=1_000_000).astype(np.float32)
    with blocks_of(8192, 512, threads), pytest.raises(Cancelled):
        call(x, step)
    assert not kernel_threads()


def test_no_thread_is_started_for_one_block() -> None:
    here = threading.get_ident()
    with blocks_of(8, threads=8):
        assert kernels.over_blocks(8, lambda *_: threading.get_ident()) == [here]


def test_no_two_threads_share_a_buffer() -> None:
    seen: list[tuple[int, int]] = []

    def work(start: int, stop: int, scratch: kernels.Scratch) -> None:
        buffer = scratch("numbers", stop - start, np.float32)
        buffer[:] = start
        seen.append((threading.get_ident(), id(scratch)))
        time.sleep(0)
        assert (buffer == start).all()

    with blocks_of(16, threads=8):
        kernels.over_blocks(16 * 400, work)
    assert len({scratch for _, scratch in seen}) == len(set(seen))


def test_a_buffer_is_found_by_name_and_type_and_grows() -> None:
    scratch = kernels.Scratch()
    first = scratch("a", 10, np.float32)
    assert np.shares_memory(first, scratch("a", 4, np.float32))
    for other in (scratch("b", 4, np.float32), scratch("a", 4, np.float64)):
        assert not np.shares_memory(first, other)
    assert scratch("a", 11, "f4").shape == (11,)
    assert scratch("a", 10, np.float32).dtype == np.float32


# flat_block


@every_layout
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_flat_block_is_that_of_the_flat_array(shape: tuple[int, ...], layout: str) -> None:
    x = LAYOUTS[layout](np.arange(math.prod(shape), dtype=np.float64).reshape(shape))
    assert x.shape == shape
    flat = x.reshape(-1)
    for start in range(x.size):
        for stop in range(start + 1, x.size + 1):
            assert kernels.flat_block(x, start, stop).tolist() == flat[start:stop].tolist()


@given(st.data())
@examples(300)
def test_law_a_flat_block_of_any_view_is_that_of_the_flat_array(data: st.DataObject) -> None:
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    x = np.arange(math.prod(shape)).reshape(shape)
    x = x.transpose(data.draw(st.permutations(range(x.ndim))))
    steps = st.sampled_from([-3, -2, -1, 1, 2, 3])
    x = x[tuple(slice(None, None, data.draw(steps)) for _ in shape)]
    start = data.draw(st.integers(0, x.size - 1))
    stop = data.draw(st.integers(start + 1, x.size))
    block = kernels.flat_block(x, start, stop)
    assert block.shape == (stop - start,)
    assert block.tolist() == x.reshape(-1)[start:stop].tolist()


def test_a_flat_block_of_an_array_in_order_is_no_copy() -> None:
    x = np.zeros((30, 40))
    assert np.shares_memory(kernels.flat_block(x, 35, 90), x)


def test_block_without_leaves_the_array_as_it_is() -> None:
    x = np.arange(10.0)
    made = [kernels.block_without(x, at, at + 5, np.array([1, 5, 9])) for at in (0, 5)]
    np.testing.assert_array_equal(np.isnan(made), [[0, 1, 0, 0, 0], [1, 0, 0, 0, 1]])
    assert x.tolist() == list(range(10))


# tally


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "uint16"])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 511, 512, 513, 5001])
def test_a_tally_is_numpy_s_bincount(kind: str, size: int) -> None:
    bits = 8 * np.dtype(kind).itemsize
    patterns = np.random.default_rng(size).integers(0, 1 << bits, size).astype(f"uint{bits}")
    wanted = np.bincount(patterns, minlength=1 << bits)
    for block in (2, 600, 1024):
        for threads in THREADS if size // block < 100 else ():
            with blocks_of(block, threads=threads):
                got = kernels.tally(patterns.view(kind))
            assert_same(got, wanted.astype(np.int64))


@pytest.mark.parametrize("kind", ["int8", "uint16"])
@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, (1 << 21) + 3])
def test_a_tally_of_many_codes_is_numpy_s_bincount(kind: str, size: int) -> None:
    bits = 8 * np.dtype(kind).itemsize
    patterns = np.random.default_rng(0).integers(0, 1 << bits, size).astype(f"uint{bits}")
    wanted = np.bincount(patterns, minlength=1 << bits)
    np.testing.assert_array_equal(kernels.tally(patterns.view(kind)), wanted)


@every_layout
def test_a_tally_takes_any_layout(layout: str) -> None:
    codes = LAYOUTS[layout](np.arange(-60, 60, dtype=np.int8).reshape(4, 5, 6))
    wanted = np.bincount(codes.reshape(-1).astype(np.uint8), minlength=256)
    assert kernels.tally(codes).tolist() == wanted.tolist()


# extremes

numbers = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])


@given(
    st.lists(numbers, min_size=1, max_size=40),
    st.sampled_from(["float32", "float64"]),
    st.sampled_from([1, 2, 3, 8, 64]),
    st.sampled_from([1, 3]),
    st.sets(st.integers(0, 39), max_size=6),
)
@examples(300)
def test_law_extremes_are_those_of_the_finite_values(
    values: list[float], dtype: str, block: int, threads: int, without: set[int]
) -> None:
    x = np.array(values, dtype)
    left_out = sorted(position for position in without if position < x.size)
    for gaps in (None, np.array(left_out, np.intp)):
        rest = x if gaps is None else np.delete(x, gaps)
        finite = [value for value in rest.tolist() if math.isfinite(value)]
        with blocks_of(block, threads=threads):
            found = kernels.extremes(x, gaps)
        assert found.finite == (len(finite) == x.size)
        assert np.asarray(found.low).dtype == np.asarray(found.high).dtype == x.dtype
        if finite:
            assert (found.low, found.high) == (min(finite), max(finite))
        else:
            assert math.isnan(found.low)
            assert math.isnan(found.high)


@every_layout
@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_extremes_take_any_layout(layout: str, odd: float) -> None:
    x = np.random.default_rng(1).normal(size=(5, 7, 3))
    x[0, 0, 0], x[4, 6, 2], x[2, 3, 1] = -9, 9, odd
    x = LAYOUTS[layout](x)
    finite = x[np.isfinite(x)]
    with blocks_of(4, threads=3):
        assert kernels.extremes(x) == (finite.min(), finite.max(), finite.size == x.size)


@pytest.mark.parametrize("shape", [(1, 50), (50, 1), (7, 9), (3, 8), (2, 16)])
@pytest.mark.parametrize("better", [np.minimum, np.maximum, np.fmin, np.fmax])
def test_rows_are_reduced_as_numpy_does_it(shape: tuple[int, int], better: np.ufunc) -> None:
    rows = np.random.default_rng(2).normal(size=shape).astype(np.float32)
    rows[0, 0] = math.nan
    for made in (rows, np.asfortranarray(rows), rows[::-1, ::-1]):
        with blocks_of(8, threads=2):
            assert_same(kernels.reduce_rows(made, better), better.reduce(made, axis=1))


# Units


@pytest.mark.parametrize("size", [1, 7, 8, 9, 24, 29])
def test_units_are_summed_and_reduced_each_by_itself(size: int) -> None:
    a = np.arange(1.0, size + 1)
    pieces = [a[start : start + 8] for start in range(0, size, 8)]
    with blocks_of(unit=8):
        assert kernels.unit_sums(a).tolist() == [piece.sum() for piece in pieces]
        assert kernels.unit_dots(a, -a).tolist() == [-(piece @ piece) for piece in pieces]
        assert kernels.unit_highs(a).tolist() == [piece.max() for piece in pieces]
        a[0] = math.nan
        assert math.isnan(kernels.unit_highs(a)[0])
        most = max(pieces[0][1:], default=math.nan)
        np.testing.assert_equal(kernels.unit_highs(a, np.fmax)[0], most)


# Parameters of channels, spread over their values


@given(
    st.lists(st.integers(1, 6), min_size=0, max_size=4).map(tuple),
    st.integers(1, 9),
    st.data(),
)
@examples(300)
def test_law_spread_gives_each_position_the_value_of_its_channel(
    shape: tuple[int, ...], group: int, data: st.DataObject
) -> None:
    kinds = [Granularity(), Granularity("per-group", group)]
    kinds += [Granularity("per-channel", axis) for axis in range(-len(shape), len(shape))]
    size = math.prod(shape)
    start = data.draw(st.integers(0, size))
    stop = data.draw(st.integers(start, size))
    for granularity in kinds:
        values = np.arange(granularity.count(shape)) * 1.5 - 2
        wanted = values[granularity.of(np.arange(start, stop), shape)]
        assert_same(granularity.spread(values, shape, start, stop), wanted)


@given(st.integers(1, 40), st.integers(1, 3), st.sampled_from([1, 5, 8, 16]), st.integers(0, 99))
@examples(80)
def test_law_parameters_spread_are_those_at_each_position(
    length: int, rows: int, group: int, seed: int
) -> None:
    x = np.random.default_rng(seed).normal(size=(rows, length)).astype(np.float32)
    for text in (f"int4 asymmetric per-group({group})", "int8 symmetric per-channel(1)", "q4_1"):
        p = engine.calibrate(as_working(x), text)
        where = np.arange(x.size)
        wanted, got = p.at(p.granularity.of(where, x.shape)), p.spread(x.shape, 0, x.size)
        for name in ("scale", "zero_point", "offset", "divisor"):
            ours, theirs = getattr(got, name), getattr(wanted, name)
            assert (ours is None) == (theirs is None)
            if theirs is not None:
                np.testing.assert_array_equal(np.broadcast_to(ours, np.shape(theirs)), theirs)
