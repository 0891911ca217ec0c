"""Numbers as text: values that differ read differently."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine.text.number_text import digits_apart, digits_within, position_text, short


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
    assert digits_within(np.float32(1000000.06), 1e-3, 6) == 9
    assert digits_within(1e9 + 1 / 7, 1e-3, 6) == 17


@pytest.mark.parametrize("kind", [np.float32, np.float64, float])
@pytest.mark.parametrize(("text", "digits"), [("1000000.1", 8), ("262144.12", 8), ("100.0625", 7)])
def test_no_more_digits_are_shown_than_a_number_of_its_own_precision_takes(text, digits, kind):
    value = kind(text)
    assert digits_within(value, 1e-3, 6) == digits
    assert short(value, digits) == text


def test_no_more_digits_are_shown_than_a_number_on_an_offset_has():
    assert short(1e9 + 0.001, digits_within(1e9 + 0.001, 0.002, 6)) == "1000000000.001"
    assert short(1e9, digits_within(1e9, 0.002, 6)) == "1e9"


@given(st.integers(-(10**17) + 1, 10**17 - 1), st.integers(3, 9))
def test_integers_are_exact_however_few_digits_are_asked_for(value, digits):
    assert short(value, digits) == str(value)
    if abs(value) < 2**62:
        assert short(np.int64(value), digits) == str(value)
    assert short(1410539.0, 6) == "1.41054e6"


def test_a_position_is_a_whole_number_or_one_per_axis():
    assert position_text(1410539, (2_000_000,)) == "1410539"
    assert position_text(np.int64(1410539), (1500, 1000)) == "[1410, 539]"
    assert position_text(0, ()) == "0"


def test_the_metrics_of_a_channel_name_the_position_in_the_whole_array():
    x = np.random.default_rng(0).normal(size=(4, 50)).astype(np.float32)
    made = engine.evaluate(x, "int8 symmetric per-channel(0)")
    for row in range(4):
        where = np.arange(row * 50, (row + 1) * 50)
        place = engine.metrics_of(made, where)["max_abs_error_index"]
        assert place == where[np.abs(made.error[row]).argmax()]
