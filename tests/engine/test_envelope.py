"""Min-max envelopes hide no extreme, no tail and no gap."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from quantoscope.engine.numerics.envelope import finite_envelope, min_max_envelope
from tests.laws import examples

numbers = st.one_of(
    st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 2.0**-149])
)
arrays = npst.arrays("float32", st.integers(0, 60), elements=numbers)


@given(arrays, st.integers(1, 80))
@examples(500)
def test_law_every_position_is_in_one_column_whose_extremes_are_its_own(
    x: np.ndarray, columns: int
) -> None:
    envelope = min_max_envelope(x, columns)
    count = min(columns, len(x))
    assert envelope.low.shape == envelope.high.shape == (count,)
    assert envelope.edges.shape == (count + 1,)
    assert envelope.low.dtype == envelope.high.dtype == x.dtype
    if count == 0:
        return
    widths = np.diff(envelope.edges)
    assert (envelope.edges[0], envelope.edges[-1]) == (0, len(x))
    assert widths.min() >= 1
    assert widths.max() - widths.min() <= 1
    for i in range(count):
        column = x[envelope.edges[i] : envelope.edges[i + 1]]
        present = column[~np.isnan(column)]
        if present.size:
            assert envelope.low[i] == present.min()
            assert envelope.high[i] == present.max()
        else:
            assert np.isnan(envelope.low[i])
            assert np.isnan(envelope.high[i])


@given(arrays, st.integers(1, 80), st.integers(0, 9))
@example(np.array([1, math.inf, 2, 3], np.float32), 2, 0)
@example(np.array([1, -math.inf, 2, 3], np.float32), 2, 5)
@examples(100)
def test_law_of_finite_values_alone_it_is_as_if_the_infinite_were_gaps(
    x: np.ndarray, columns: int, start: int
) -> None:
    made = finite_envelope(x, columns, start)
    expected = min_max_envelope(np.where(np.isfinite(x), x, np.float32(np.nan)), columns)
    np.testing.assert_array_equal(made.edges, expected.edges + start)
    np.testing.assert_array_equal(made.low, expected.low)
    np.testing.assert_array_equal(made.high, expected.high)


@pytest.mark.parametrize("position", [0, 1, 499_999, 999_998, 999_999])
@pytest.mark.parametrize("columns", [1, 7, 1300, 4096])
def test_one_spike_in_a_million_is_never_lost(position: int, columns: int) -> None:
    x = np.zeros(1_000_000, np.float32)
    x[position] = -3
    envelope = min_max_envelope(x, columns)
    (column,) = np.flatnonzero(envelope.low == -3)
    assert envelope.edges[column] <= position < envelope.edges[column + 1]
    assert envelope.edges[-1] == 1_000_000


def test_a_nan_leaves_the_rest_of_its_column_visible() -> None:
    x = np.array([np.nan, 1, 5, np.nan, np.nan, np.nan])
    envelope = min_max_envelope(x, 2)
    np.testing.assert_array_equal(envelope.low, [1, np.nan])
    np.testing.assert_array_equal(envelope.high, [5, np.nan])


def test_with_room_for_every_position_the_envelope_is_the_array() -> None:
    x = np.array([3.0, -1, 2])
    for columns in (3, 4, 1000):
        envelope = min_max_envelope(x, columns)
        np.testing.assert_array_equal(envelope.low, x)
        np.testing.assert_array_equal(envelope.high, x)
        assert envelope.edges.tolist() == [0, 1, 2, 3]


def test_an_array_without_values_has_no_columns() -> None:
    envelope = min_max_envelope(np.ones(0), 5)
    assert envelope.low.size == envelope.high.size == 0
    assert envelope.edges.tolist() == [0]


@pytest.mark.parametrize("columns", [0, -1])
def test_an_envelope_without_columns_is_refused(columns: int) -> None:
    with pytest.raises(ValueError, match="at least one column"):
        min_max_envelope(np.ones(3), columns)


def test_a_strided_read_only_array_will_do() -> None:
    x = np.arange(20.0)
    x.setflags(write=False)
    envelope = min_max_envelope(x[::2], 2)
    assert envelope.low.tolist() == [0, 10]
    assert envelope.high.tolist() == [8, 18]


def test_ten_million_values_are_drawn_without_a_pause() -> None:
    x = np.zeros(10_000_000, np.float32)
    start = time.process_time()
    min_max_envelope(x, 1300)
    assert time.process_time() - start < 1  # usually 5 ms: this guards against a Python loop
