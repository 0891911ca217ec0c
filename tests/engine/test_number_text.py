"""Numbers as text: values that differ read differently."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.number_text import digits_apart, digits_within, short


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=6), st.integers(3, 9))
def test_numbers_that_differ_read_differently(values, digits):
    enough = digits_apart(values, digits)
    assert len({short(v, enough) for v in values}) == len(set(values))
    assert digits <= enough <= 17


def test_no_more_digits_than_it_takes():
    assert digits_apart([1e9, 1e9 + 0.001], 6) == 13
    assert digits_apart([0.1, 0.2, np.nan], 6) == 6
    assert digits_apart([127.49999, 127.5], 4) == 8


@pytest.mark.parametrize("digits", [3, 6, 9])
def test_neighbours_on_a_large_offset_read_as_finely_as_those_without(digits):
    plain = np.linspace(0, 1e-3, 50)
    moved = 1e9 + plain
    span = float(moved.max() - moved.min())
    texts = {short(v, digits_within(v, span, digits)) for v in moved}
    assert len(texts) == len({short(v, digits) for v in plain} if digits == 3 else set(moved))
    assert all(digits_within(v, 1e-3, digits) == digits for v in plain)


@pytest.mark.parametrize("span", [0.0, np.nan, np.inf])
def test_without_a_range_the_digits_stay(span):
    assert digits_within(1e9, span, 6) == 6


def test_a_float32_gets_the_nine_digits_that_tell_it_from_any_other():
    assert digits_within(np.float32(1e9), 1e-3, 6) == 9
    assert digits_within(1e9, 1e-3, 6) == 17
