"""The floating-point codes against casts of ``ml_dtypes``."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.formats import SMALL_FLOATS, FloatFormat
from quantoscope.engine.numerics.arithmetic import ROUNDINGS
from tests.runtimes.hostile import arrays

FLOATS = [fmt for fmt in SMALL_FLOATS if isinstance(fmt, FloatFormat)]
every_format = pytest.mark.parametrize("fmt", FLOATS, ids=str)


@every_format
def test_the_version_that_the_window_names_is_the_one_that_is_compared(fmt: FloatFormat) -> None:
    named = fmt.source.removeprefix("verified against ml_dtypes ")
    if named != ml_dtypes.__version__:
        pytest.skip(f"the window names ml_dtypes {named}; here is {ml_dtypes.__version__}")
    assert named.count(".") == 2


def cast(x: np.ndarray, fmt: FloatFormat) -> np.ndarray:
    """Clamp, then let ml_dtypes round."""
    kind = getattr(ml_dtypes, f"float{fmt.bits}_{fmt.name}")
    return x.clip(fmt.qmin, fmt.qmax).astype(kind).view(np.uint8)


@every_format
def test_codes_and_values_of_hostile_arrays(fmt: FloatFormat) -> None:
    x = arrays(9, 10_400)
    ours = engine.evaluate(x, f"{fmt} symmetric per-channel(0)")
    with np.errstate(all="ignore"):
        s = np.asarray(ours.qparams.working_scale)[:, None]
        codes = cast(x / s, fmt)
    np.testing.assert_array_equal(ours.codes, codes)
    kind = getattr(ml_dtypes, f"float{fmt.bits}_{fmt.name}")
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(ours.reconstructed, codes.view(kind).astype(np.float32) * s)


def hard(fmt: FloatFormat, dtype: type) -> np.ndarray:
    """Every number, every middle between two, and the neighbours of both."""
    numbers = fmt.numbers(fmt.qmin, fmt.qmax)
    middles = (numbers[1:] + numbers[:-1]) / 2
    x = np.concatenate([numbers, middles, [fmt.qmax * 1.01, -fmt.qmax * 3]]).astype(dtype)
    return np.concatenate([x, np.nextafter(x, dtype(np.inf)), np.nextafter(x, dtype(-np.inf))])


@every_format
def test_every_number_every_middle_and_their_neighbours(fmt: FloatFormat) -> None:
    x = hard(fmt, np.float32)
    p = engine.calibrate(x, f"{fmt} symmetric manual({fmt.qmin},{fmt.qmax})")
    assert p.scale == 1
    np.testing.assert_array_equal(engine.quantize(x, p), cast(x, fmt))


@every_format
def test_float64_is_rounded_once(fmt: FloatFormat) -> None:
    """ml_dtypes goes by way of float32, which makes ties of numbers near a middle."""
    x = hard(fmt, np.float64)
    result = engine.evaluate(x, f"{fmt} symmetric manual({fmt.qmin},{fmt.qmax})")
    inside = result.saturated == 0
    numbers = fmt.numbers(fmt.qmin, fmt.qmax)
    nearest = np.abs(numbers - x[inside, None]).min(axis=1)
    np.testing.assert_array_equal(np.abs(result.error[inside]), nearest)


@every_format
def test_the_numbers_are_those_of_ml_dtypes(fmt: FloatFormat) -> None:
    info = ml_dtypes.finfo(getattr(ml_dtypes, f"float{fmt.bits}_{fmt.name}"))
    assert fmt.qmax == float(info.max)
    assert fmt.smallest_exponent == info.minexp
    assert fmt.mantissa == info.nmant


@every_format
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_every_rounding_gives_a_neighbour(fmt: FloatFormat, rounding: str) -> None:
    x = np.random.default_rng(10).uniform(fmt.qmin, fmt.qmax, 4000).astype(np.float32)
    result = engine.evaluate(x, f"{fmt} symmetric manual({fmt.qmin},{fmt.qmax}) {rounding}")
    numbers = fmt.numbers(fmt.qmin, fmt.qmax)
    place = np.searchsorted(numbers, x)
    below = numbers[np.maximum(0, place - 1)]
    above = numbers[np.minimum(place, numbers.size - 1)]
    assert ((result.reconstructed == below) | (result.reconstructed == above)).all()
