"""What there is to see of an array at a glance equals what numpy sees of all of it."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantoscope.engine import QuantizationError
from quantoscope.engine.analysis import glance as glance_module
from quantoscope.engine.analysis.glance import BINS, glance

TYPES = [np.float16, np.float32, np.float64, ml_dtypes.bfloat16, np.int8, np.uint16, np.int64]


@pytest.mark.parametrize("dtype", TYPES)
def test_ends_and_counts_are_those_of_numpy(dtype, monkeypatch):
    monkeypatch.setattr(glance_module, "_BLOCK", 100)
    x = (np.random.default_rng(2).normal(size=(30, 41)) * 20).astype(dtype)
    seen = glance(x)
    values = x.astype(np.float64)
    assert (seen.low, seen.high, seen.odd) == (values.min(), values.max(), 0)
    counts, _ = np.histogram(values, BINS, (seen.low, seen.high))
    # A value on the border of two bins may be in either.
    assert np.abs(seen.counts - counts).sum() <= 0.02 * x.size
    assert seen.counts.sum() == x.size


@given(arrays.arrays(np.float64, st.integers(0, 50), elements=st.floats()))
def test_every_finite_value_is_counted_once_and_the_others_are_told(x):
    seen = glance(x)
    finite = np.isfinite(x)
    assert seen.counts.sum() == finite.sum()
    assert seen.odd == x.size - finite.sum()
    if finite.any():
        assert (seen.low, seen.high) == (x[finite].min(), x[finite].max())
    else:
        assert np.isnan(seen.low)


def test_signalling_nan_raise_no_warning():
    x = np.array([0x7F800001, 0x3F800000], np.uint32).view(np.float32)
    assert glance(x).odd == 1


def test_one_value_many_times_is_one_bar():
    assert glance(np.full(9, 2.5)).counts.tolist() == [9] + [0] * (BINS - 1)


@pytest.mark.parametrize(
    "low, high",
    [(0.0, 5e-324), (5e-324, 1e-323), (-5e-324, 0.0), (0.0, 2e-323), (-1.7e308, 1.7e308)]
    + [(float(np.finfo(np.float64).min), float(np.finfo(np.float64).max))],
)
def test_ends_as_near_or_as_far_as_float64_has_them_are_counted(low, high):
    seen = glance(np.array([low, high, high]))
    assert (seen.low, seen.high, seen.counts.sum()) == (low, high, 3)
    if high - low > 1e-323:
        assert (seen.counts[0], seen.counts[-1]) == (1, 2)


def test_whoever_looks_may_stop():
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        glance(np.ones(3), stop)


def test_text_is_refused():
    with pytest.raises(QuantizationError):
        glance(np.array(["a"]))
