"""Envelopes from kept extremes, against the values themselves, column by column."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Evaluation
from quantoscope.engine.evaluation.evaluator import evaluate_known
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.envelope import (
    STRETCH,
    Envelope,
    Pyramid,
    finite_envelope,
    narrow,
    pyramid_of,
)
from quantoscope.engine.numerics.granularity import Granularity
from quantoscope.engine.quantizers import QUANTIZERS
from tests.engine.blocked import LAYOUTS, assert_same, assert_same_pyramid, blocks_of
from tests.laws import examples

ODD = [math.nan, math.inf, -math.inf]


def reader(x: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """What gives the envelope the values themselves; only within the array."""
    flat = x.reshape(-1)

    def values(start: int, stop: int) -> np.ndarray:
        assert 0 <= start <= stop <= flat.size
        return flat[start:stop]

    return values


def finite_ends(x: np.ndarray) -> tuple[float, float]:
    finite = x[np.isfinite(x)].tolist()
    return (min(finite), max(finite)) if finite else (math.nan, math.nan)


def assert_true(envelope: Envelope, x: np.ndarray, columns: int, start: int, stop: int) -> None:
    """Each column has the extremes of exactly its positions, and all positions have one."""
    flat, edges = x.reshape(-1), envelope.edges.tolist()
    if start == stop:
        assert envelope.low.size == envelope.high.size == 0
        assert edges == [start]
        return
    assert (edges[0], edges[-1]) == (start, stop)
    assert min(np.diff(edges)) > 0
    assert len(edges) - 1 == min(columns, stop - start)
    assert envelope.low.dtype == envelope.high.dtype == x.dtype
    ends = [finite_ends(flat[i:j]) for i, j in zip(edges, edges[1:], strict=False)]
    np.testing.assert_array_equal(envelope.low, [low for low, _ in ends])
    np.testing.assert_array_equal(envelope.high, [high for _, high in ends])
    low, high = finite_ends(flat[start:stop])
    if not math.isnan(low):
        assert (np.nanmin(envelope.low), np.nanmax(envelope.high)) == (low, high)
    # No column is much wider than another.
    widths = np.diff(edges)
    assert widths.max() - widths.min() <= (1 if narrow(columns, start, stop) else 3 * STRETCH)


def spiky(size: int, seed: int, odd: int) -> np.ndarray:
    """Numbers with spikes, and stretches, runs and single places without any."""
    random = np.random.default_rng(seed)
    x = random.normal(size=size).astype(np.float32)
    for _ in range(odd):
        start = int(random.integers(0, size))
        start -= start % STRETCH * int(random.integers(0, 2))
        length = int(random.choice([1, 1, 2, STRETCH - 1, STRETCH, STRETCH + 1, 3 * STRETCH]))
        x[start : start + length] = random.choice([*ODD, 99, -99])
    return x


@given(
    st.integers(1, 4000),
    st.integers(1, 40),
    st.integers(0, 8),
    st.integers(0, 2**32 - 1),
    st.data(),
)
@examples(400)
def test_law_an_envelope_of_any_span_is_exact(
    size: int, columns: int, odd: int, seed: int, data: st.DataObject
) -> None:
    x = spiky(size, seed, odd)
    near_edges = st.sampled_from([0, 1, STRETCH - 1, STRETCH, STRETCH + 1, size - 1, size])
    anywhere = st.one_of(st.integers(0, size), near_edges.map(lambda at: min(at, size)))
    start, stop = sorted((data.draw(anywhere), data.draw(anywhere)))
    with blocks_of(512, threads=1):
        pyramid = pyramid_of(x)
    assert_true(pyramid.envelope(columns, start, stop, reader(x)), x, columns, start, stop)


@pytest.mark.parametrize("position", [0, 1, 127, 128, 129, 255, 256, 4095, 4096, 4998, 4999])
@pytest.mark.parametrize("value", [-9.0, 9.0, *ODD])
def test_a_spike_at_an_edge_is_in_its_column(position: int, value: float) -> None:
    x = np.zeros(5000)
    x[position] = value
    pyramid = pyramid_of(x)
    for columns in (1, 2, 9, 19, 20, 40):
        for start, stop in ((0, 5000), (position, 5000), (0, position + 1), (1, 4999)):
            envelope = pyramid.envelope(columns, start, stop, reader(x))
            assert_true(envelope, x, columns, start, stop)


def test_wide_columns_take_none_but_the_first_and_last_values() -> None:
    x = spiky(100 * STRETCH + 7, 0, 4)
    seen: list[tuple[int, int]] = []

    def values(start: int, stop: int) -> np.ndarray:
        seen.append((start, stop))
        return x[start:stop]

    pyramid_of(x).envelope(10, 5, x.size - 1, values)
    assert seen == [(5, STRETCH), (100 * STRETCH, x.size - 1)]
    seen.clear()
    pyramid_of(x).envelope(10, STRETCH, 90 * STRETCH, values)
    assert seen == []


def test_narrow_columns_are_those_of_the_values() -> None:
    x = spiky(3000, 1, 5)
    got = pyramid_of(x).envelope(40, 100, 2900, reader(x))
    wanted = finite_envelope(x[100:2900], 40, 100)
    for name in ("edges", "low", "high"):
        assert_same(getattr(got, name), getattr(wanted, name))


@pytest.mark.parametrize("fill", [*ODD, 0.0])
def test_a_span_without_a_number_has_gaps_alone(fill: float) -> None:
    x = np.full(3000, fill, np.float32)
    for columns in (3, 200):
        envelope = pyramid_of(x).envelope(columns, 10, 2990, reader(x))
        assert_true(envelope, x, columns, 10, 2990)
        assert np.isnan(envelope.low).all() == (not math.isfinite(fill))


# Pyramids


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "shape", [(), (1,), (128,), (129,), (1, 127), (7, 5, 30), (1500, 1), (9, 300)]
)
def test_a_pyramid_has_the_extremes_of_every_stretch(layout: str, shape: tuple[int, ...]) -> None:
    x = spiky(math.prod(shape), 3, 6).reshape(shape)
    x = LAYOUTS[layout](x)
    flat = x.reshape(-1)
    ends = [finite_ends(flat[start : start + 128]) for start in range(0, x.size, 128)]
    for block in (128, 512, None):
        with blocks_of(block, threads=2):
            pyramid = pyramid_of(x)
        assert pyramid.size == x.size
        np.testing.assert_array_equal(pyramid.low, [low for low, _ in ends])
        np.testing.assert_array_equal(pyramid.high, [high for _, high in ends])
        assert pyramid.low.dtype == pyramid.high.dtype == x.dtype


@pytest.mark.parametrize("more", [-1, 0, 1, 2 * kernels.BLOCK + 17])
def test_a_pyramid_of_blocks_of_the_real_size_is_exact(more: int) -> None:
    x = spiky(kernels.BLOCK + more, 4, 9)
    x[[kernels.BLOCK - 2, -1]] = 77, -77
    pyramid = pyramid_of(x)
    for start, stop in ((0, x.size), (300, x.size - 1), (kernels.BLOCK - 130, x.size)):
        envelope = pyramid.envelope(50, start, stop, reader(x))
        assert_true(envelope, x, min(50, stop - start), start, stop)


def test_a_pyramid_of_nothing_is_empty() -> None:
    pyramid = pyramid_of(np.zeros((0, 3), np.float32))
    assert (pyramid.size, pyramid.low.size, pyramid.high.size) == (0, 0, 0)
    assert pyramid.envelope(5, 0, 0, reader(np.zeros(0, np.float32))).low.size == 0


# Curves

CURVED = [
    *(f"{fmt} {mapping}" for fmt in ("int8", "uint4") for mapping in engine.MAPPINGS),
    *("int4 scale-only manual(-1,1)", "int8 asymmetric per-channel(1)", "q4_0", "q4_1", "q8_0"),
    *("uint4 scale-only per-group(7)", "e4m3fn symmetric", "nf4 symmetric per-group(64)"),
    *("mxfp4-gguf", "int8 asymmetric stochastic(2)", "uint8 asymmetric @onnxruntime"),
    *("int8 symmetric per-channel(0) @pytorch", "int8 asymmetric @tflite"),
]


def curved(text: str, odd: bool, layout: str = "C", in_pass: bool = False) -> Evaluation:
    x = (np.random.default_rng(6).normal(size=(4, 3, 250)) + 0.3).astype(np.float32)
    x.reshape(-1)[[5, 300, 2999]] = -7, 6, 5
    if odd:
        x.reshape(-1)[[0, 127, 128, 700, 701, 2998]] = [*ODD, *ODD]
        x.reshape(-1)[1280:1540] = np.nan
    x = LAYOUTS[layout](x)
    pyramid = pyramid_of(x) if in_pass else None
    return evaluate_known(x, engine.Scheme.parse(text), None, pyramid=pyramid)


def true_clipped(made: Evaluation, unit: int) -> dict[int, list[int]]:
    """Of every unit the first clipped value with the largest |error|, by side."""
    saturated, size = made.saturated.reshape(-1), np.abs(made.error.reshape(-1))
    found: dict[int, list[int]] = {-1: [], 1: []}
    for side, places in found.items():
        for start in range(0, size.size, unit):
            here = [i for i in range(start, min(start + unit, size.size)) if saturated[i] == side]
            if here:
                places.append(max(here, key=lambda i: (np.nan_to_num(size[i], posinf=np.inf), -i)))
    return found


def true_bound(made: Evaluation) -> np.ndarray:
    """What the quantizer says of each value, with the parameters of its own channel."""
    p = made.qparams
    where = np.arange(made.codes.size)
    aligned = p.at(p.granularity.of(where, made.codes.shape))
    bound: Any = QUANTIZERS[p.mapping].bound(made.values.reshape(-1), aligned)
    return np.broadcast_to(np.asarray(bound, np.float64), where.shape)


@pytest.mark.parametrize("text", CURVED)
@pytest.mark.parametrize("odd", [False, True], ids=["finite", "odd"])
@pytest.mark.parametrize("in_pass", [False, True], ids=["later", "in the same pass"])
def test_curves_are_those_of_the_whole_arrays(text: str, odd: bool, in_pass: bool) -> None:
    unit = 128
    with blocks_of(384, unit, threads=2):
        made = curved(text, odd, in_pass=in_pass)
        assert (made.drawn is not None) == in_pass
        assert_same_pyramid(made.curves.reconstructed, pyramid_of(made.reconstructed))
        assert_same_pyramid(made.curves.error, pyramid_of(made.error))
        even = made.qparams.granularity == Granularity() and made.qparams.format.integer
        assert (made.curves.bound is None) == even
        assert_same(made.bounds(0, made.codes.size), true_bound(made))
        if made.curves.bound is not None:
            assert_same_pyramid(made.curves.bound, pyramid_of(true_bound(made)))
        clipped = {side: at.tolist() for side, at in made.curves.clipped.items()}
        assert clipped == true_clipped(made, unit)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("text", ["uint4 scale-only", "int8 symmetric per-channel(-1)", "q4_0"])
def test_curves_are_the_same_whatever_the_layout(layout: str, text: str) -> None:
    with blocks_of(384, 128, threads=2):
        made = curved(text, "again" not in layout, layout)
        assert_same_pyramid(made.curves.reconstructed, pyramid_of(made.reconstructed))
        assert_same_pyramid(made.curves.error, pyramid_of(made.error))
        assert {side: at.tolist() for side, at in made.curves.clipped.items()} == true_clipped(
            made, 128
        )


def test_curves_of_blocks_of_the_real_size_are_exact() -> None:
    x = spiky(2 * kernels.BLOCK + 300, 7, 12)
    made = engine.evaluate(x, "uint4 scale-only")
    assert_same_pyramid(made.curves.reconstructed, pyramid_of(made.reconstructed))
    assert_same_pyramid(made.curves.error, pyramid_of(made.error))
    saturated, size = made.saturated, np.abs(made.error)
    for side, at in made.curves.clipped.items():
        units = np.unique(np.flatnonzero(saturated == side) // kernels.UNIT)
        assert (at // kernels.UNIT).tolist() == units.tolist()
        assert (saturated[at] == side).all()
        for unit, position in zip(units.tolist(), at.tolist(), strict=True):
            part = slice(unit * kernels.UNIT, (unit + 1) * kernels.UNIT)
            assert size[position] == size[part][saturated[part] == side].max()


def test_an_envelope_of_curves_meets_the_values_at_both_ends() -> None:
    made = curved("uint4 scale-only", odd=True)
    curves = made.curves
    kept: list[tuple[Pyramid, np.ndarray]] = [
        (curves.reconstructed, made.reconstructed),
        (curves.error, made.error),
    ]
    for pyramid, values in kept:
        for start, stop in ((0, 3000), (1, 2999), (127, 2900), (1290, 1530)):
            for columns in (1, 5, 11, 400):
                envelope = pyramid.envelope(columns, start, stop, reader(values))
                assert_true(envelope, values, columns, start, stop)
