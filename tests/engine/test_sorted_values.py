"""Counts from sorted values, edges aligned with codes, and the reach of most values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantoscope.engine import evaluate
from quantoscope.engine.analysis.robust_reach import count_beyond, robust_reach, rounded_up
from quantoscope.engine.analysis.sorted_values import aligned_edges, counts_between, sorted_finite
from quantoscope.engine.numerics.envelope import pyramid_of

VALUES = hnp.arrays(
    st.sampled_from([np.float32, np.float64]), st.integers(0, 80),
    elements=st.floats(-100, 100, width=32) | st.sampled_from([np.nan, np.inf, -np.inf]),
)  # fmt: skip


@given(VALUES)
def test_sorted_are_the_finite_values(x):
    assert sorted_finite(x).tolist() == sorted(v for v in x.tolist() if np.isfinite(v))


@given(VALUES, st.lists(st.floats(-120, 120), min_size=2, max_size=20, unique=True))
def test_counts_are_those_of_a_comparison_with_every_edge(x, edges):
    edges = np.sort(np.array(edges))
    wide = x[np.isfinite(x)].astype(np.float64)
    expected = [
        sum(1 for v in wide if low <= v < high or (place == edges.size - 2 and v == high))
        for place, (low, high) in enumerate(zip(edges[:-1], edges[1:], strict=True))
    ]
    assert counts_between(sorted_finite(x), edges).tolist() == expected


@given(
    st.floats(-50, 50), st.floats(0.01, 100), st.floats(0.001, 10), st.floats(-5, 5),
    st.floats(0.05, 5),
)  # fmt: skip
def test_a_bin_is_a_whole_number_of_codes_or_a_code_of_bins(low, extent, step, origin, width):
    edges = aligned_edges(low, low + extent, step, origin, width)
    assert edges is not None
    assert edges[0] <= low + 1e-9
    assert edges[-1] >= low + extent - 1e-9
    each = edges[1] - edges[0]
    assert np.diff(edges) == pytest.approx(each, rel=1e-6)
    ratio = max(each / step, step / each)
    assert ratio == pytest.approx(round(ratio), rel=1e-6)
    # Some edge lies between two codes, or beside the bin of the code 0.
    places = (edges - origin) / step - 0.5
    assert np.abs(places - np.round(places)).min() < 1e-6 or step > each
    assert each >= width * (1 - 1e-9) or each > width / 2


def test_every_bin_holds_the_values_of_whole_codes():
    x = np.random.default_rng(0).normal(0, 1, 5000).astype(np.float32)
    result = evaluate(x, "int4 symmetric")
    step = result.qparams.scale
    edges = aligned_edges(-8 * step, 8 * step, step, 0.0, 2.5 * step)
    counts = counts_between(sorted_finite(x), edges)
    codes = np.bincount(result.codes.ravel() + 7, minlength=15)
    assert counts[counts > 0].tolist() == codes.reshape(5, 3).sum(axis=1).tolist()


@given(st.floats(1e-300, 1e300))
def test_a_round_number_is_just_above(number):
    found = rounded_up(number)
    assert number <= found <= 1.51 * number
    assert float(f"{found:.1e}") == found


def test_the_reach_of_most_values_leaves_out_few_that_lie_far_beyond():
    x = np.random.RandomState(1).uniform(-1, 1, 1001).astype(np.float32)
    assert robust_reach(x, 1.0) == 0
    x[500] = 100
    assert robust_reach(x, 100.0) == 1.0
    assert count_beyond(x, pyramid_of(x), 1.0) == 1
    assert robust_reach(np.array([1.0, 2.0, 900.0], np.float32), 900.0) == 0


@given(st.integers(1, 5), st.integers(0, 3))
def test_of_a_long_array_as_many_are_counted_beyond_as_there_are(thousands, few):
    x = np.random.default_rng(thousands).normal(0, 1, 70_000 * thousands).astype(np.float32)
    x[:: x.size // 7] = 50
    x[few] = np.nan
    reach = robust_reach(x, 50.0)
    assert 3 <= reach <= 5
    assert count_beyond(x, pyramid_of(x), reach) == np.count_nonzero(np.abs(x) > reach)
