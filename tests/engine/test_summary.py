"""The summary counts everything and measures what is finite."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from quantoscope.engine import QuantizationError, Summary, summarize
from tests.laws import examples

F32_MAX = float(np.finfo(np.float32).max)
F64_MAX = float(np.finfo(np.float64).max)


def assert_sound(summary: Summary, x: np.ndarray) -> None:
    finite = x[np.isfinite(x)].astype(np.float64)
    assert summary.count == x.size
    assert summary.nan_count == np.isnan(x).sum()
    assert summary.inf_count == np.isinf(x).sum()
    for count in (summary.count, summary.nan_count, summary.inf_count):
        assert type(count) is int
    for figure in (summary.low, summary.high, summary.mean):
        assert type(figure) is float
    assert summary.counts.sum() == finite.size
    if finite.size == 0:
        assert math.isnan(summary.low)
        assert math.isnan(summary.high)
        assert math.isnan(summary.mean)
        assert summary.counts.size == summary.edges.size == 0
        return
    assert (summary.low, summary.high) == (finite.min(), finite.max())
    slack = 1e-12 * max(abs(summary.low), abs(summary.high))
    assert summary.low - slack <= summary.mean <= summary.high + slack
    exact = float(sum(map(Fraction, finite.tolist())) / finite.size)
    assert summary.mean == pytest.approx(exact, rel=1e-9, abs=max(slack, 1e-320))
    assert summary.edges.shape == (summary.counts.size + 1,)
    assert summary.edges.dtype == np.float64
    assert np.isfinite(summary.edges).all()
    assert (np.diff(summary.edges) > 0).all() if summary.high <= F64_MAX / 2 else True
    assert summary.edges[0] <= summary.low <= summary.high <= summary.edges[-1]


@given(
    st.sampled_from(["float32", "float64"]).flatmap(
        lambda dtype: npst.arrays(
            dtype,
            npst.array_shapes(max_side=12),
            elements=st.floats(width=32) | st.sampled_from([F32_MAX, -F32_MAX, 2.0**-149]),
        )
    )
)
@examples(400)
def test_law_the_summary_is_sound(x: np.ndarray) -> None:
    assert_sound(summarize(x), x)


@pytest.mark.parametrize(
    "x",
    [
        np.zeros(0, np.float32),
        np.zeros((0, 3)),
        np.float32(2),
        np.float32([np.nan]),
        np.float32([np.inf, -np.inf]),
        np.float32([np.nan, np.inf, 1]),
        np.float32([F32_MAX, F32_MAX]),
        np.float32([F32_MAX, -F32_MAX]),
        np.array([F64_MAX, F64_MAX, F64_MAX]),
        np.array([F64_MAX, -F64_MAX]),
        np.array([-F64_MAX]),
        np.float32([1, 1 + 2**-23]),
        np.array([1, 1 + 2**-52]),
        np.float32([0, 1e-45, 1e-44]),
        np.array([0, 5e-324]),
        np.array([5e-324]),
        np.zeros(7),
        np.full(7, -3.5),
        np.array([[1, -2], [3, 4]], np.int8),
        np.array([-128, 127], np.int8),
        np.array([0, 65504], np.float16),
    ],
    ids=lambda x: f"{x.dtype}-{x.ravel().tolist()}",
)
def test_the_summary_is_sound_at_the_edge(x: Any) -> None:
    assert_sound(summarize(x), np.asarray(x))


def test_the_histogram_is_numpy_s_in_float64() -> None:
    x = np.random.RandomState(0).normal(size=(100, 100)).astype(np.float32)
    summary = summarize(x)
    assert summary.counts.size == 100
    counts, edges = np.histogram(x.astype(np.float64), 100)
    np.testing.assert_array_equal(summary.counts, counts)
    np.testing.assert_array_equal(summary.edges, edges)


@pytest.mark.parametrize(("count", "bins"), [(2, 10), (100, 10), (10_000, 100), (1_000_000, 512)])
def test_the_bins_grow_with_the_root_of_the_count(count: int, bins: int) -> None:
    assert summarize(np.linspace(0, 1, count)).counts.size == bins


def test_the_most_bins_can_be_chosen() -> None:
    assert summarize(np.linspace(0, 1, 10_000), max_bins=32).counts.size == 32


def test_a_constant_has_one_bin_with_a_width() -> None:
    for value in (0.0, 1.0, -1e-30, 1e30):
        summary = summarize(np.full(5, value))
        assert summary.counts.tolist() == [5]
        assert summary.edges[0] < value < summary.edges[1]


def test_a_list_will_do_and_text_will_not() -> None:
    assert summarize([1, 2.5]).high == 2.5
    assert summarize([]).count == 0
    with pytest.raises(QuantizationError, match="text"):
        summarize(["a"])
    with pytest.raises(QuantizationError, match="different lengths"):
        summarize([[1.0], [1.0, 2.0]])


def test_the_input_is_not_modified() -> None:
    x = np.float32([3, np.nan, 1])
    x.setflags(write=False)
    summarize(x)
    np.testing.assert_array_equal(x, [3, np.nan, 1])


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("low", [0.0, -1.0, 1e-3, 1e6, -3e30, 1e-40])
@pytest.mark.parametrize("width", [1e-6, 1e-3, 1.0, 1e4])
def test_values_at_the_edges_of_bins_are_counted_as_numpy_does_it(
    kind: str, low: float, width: float
) -> None:
    high = low + (abs(low) or 1) * width
    edges = np.linspace(low, high, 257).astype(kind)
    near = [edges, *(np.nextafter(edges, edges.dtype.type(side)) for side in (-np.inf, np.inf))]
    with np.errstate(under="ignore"):
        between = np.random.default_rng(0).uniform(low, high, 256 * 256).astype(kind)
    x = np.concatenate([between, *near])
    x = x[(edges[0] <= x) & (x <= edges[-1])]
    summary = summarize(x)
    if summary.counts.size > 1:
        wide = x.astype(np.float64)
        counts, _ = np.histogram(wide, summary.counts.size, (wide.min(), wide.max()))
        assert summary.counts.tolist() == counts.tolist()
