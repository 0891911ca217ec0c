"""Rounding, powers of two and narrow formats against exact restatements."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine.formats import FORMATS, IntegerFormat, parse_format
from quantoscope.engine.numerics.arithmetic import ROUNDINGS, Arithmetic, fused_multiply_add
from quantoscope.engine.quantizers.affine import next_power_of_two

MAPPINGS = tuple(engine.MAPPINGS)
DEFINITE = [name for name in ROUNDINGS if not name.startswith("stochastic")]


def exactly(x: float, rounding: str) -> int:
    """Round a float without rounding errors."""
    value = Fraction(x)
    if rounding == "toward-zero":
        return math.trunc(value)
    if rounding == "ties-even":
        return round(value)
    sign = -1 if value < 0 else 1
    return sign * math.floor(abs(value) + Fraction(1, 2))


@pytest.mark.parametrize("rounding", DEFINITE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(x=st.floats(-(2.0**40), 2.0**40))
@example(x=0.49999997)
@example(x=0.49999999999999994)
@example(x=8388609.0)
@example(x=-0.5)
@example(x=2.5)
def test_rounding_is_exact(rounding: str, dtype: type, x: float) -> None:
    value = dtype(x)
    rounded = Arithmetic(rounding).how.apply(np.array([value], dtype), None, None)
    assert rounded.dtype == dtype
    assert int(rounded[0]) == exactly(float(value), rounding)


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_rounding_leaves_nan_and_infinities_alone(rounding: str) -> None:
    x = np.array([np.nan, np.inf, -np.inf], np.float32)
    rounded = Arithmetic(rounding).how.apply(x, None, None)
    assert np.isnan(rounded[0])
    assert rounded[1:].tolist() == [math.inf, -math.inf]


@pytest.mark.parametrize("rounding", DEFINITE)
@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("zero_point_parity", [127.0, 128.0])
def test_codes_on_ties_follow_the_rounding(
    rounding: str, mapping: str, zero_point_parity: float
) -> None:
    # The ends make S = 1 (2 for symmetric is not: its range is given by hand).
    halves = np.arange(-20, 20, 0.5)
    x = np.append(halves, [zero_point_parity - 255, zero_point_parity]).astype(np.float32)
    calibration = "manual(-127,127)" if mapping == "symmetric" else "minmax"
    result = engine.evaluate(x, f"int8 {mapping} {calibration} {rounding}")
    p = result.qparams
    assert p.scale == 1
    wanted = [exactly(float(v) + p.zero_point, rounding) for v in x]
    assert result.codes.tolist() == [min(max(q, p.qmin), p.qmax) for q in wanted]


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_errors_stay_within_the_reach_of_the_rounding(mapping: str, rounding: str) -> None:
    x = np.random.default_rng(1).normal(size=20_000).astype(np.float32)
    result = engine.evaluate(x, f"int8 {mapping} {rounding}")
    steps = np.abs(result.error[result.saturated == 0]) / result.qparams.scale
    assert steps.max() <= ROUNDINGS[rounding].reach + 1e-4
    assert steps.max() > ROUNDINGS[rounding].reach - 0.01


@given(s=st.floats(5e-324, 1.7e308))
@example(s=1.0)
@example(s=0.75)
@example(s=5e-324)
def test_the_next_power_of_two_is_the_smallest_not_below(s: float) -> None:
    power = float(next_power_of_two(np.array([s]))[0])
    if math.isfinite(power):
        assert math.frexp(power)[0] == 0.5
        assert power / 2 < s <= power or power == s
    else:
        assert s > 2.0**1023


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("fmt", ["int8", "uint8", "int4", "int8-narrow"])
def test_pow2_raises_the_scale_and_clips_nothing_new(mapping: str, fmt: str) -> None:
    x = np.random.default_rng(2).uniform(0, 3, 1000).astype(np.float32)
    plain = engine.evaluate(x, f"{fmt} {mapping}")
    result = engine.evaluate(x, f"{fmt} {mapping} pow2")
    s = result.qparams.scale
    assert math.frexp(s)[0] == 0.5
    assert plain.qparams.scale <= s < 2 * plain.qparams.scale
    assert np.count_nonzero(result.saturated) <= np.count_nonzero(plain.saturated)


def test_pow2_of_all_zeros_and_of_a_constant_still_reconstructs_them() -> None:
    for value in (0.0, 0.7, -3.0):
        for mapping in MAPPINGS:
            result = engine.evaluate(np.full(4, value, np.float32), f"int8 {mapping} pow2")
            assert np.abs(result.error).max() <= result.qparams.scale / 2


def test_a_narrow_format_leaves_out_the_smallest_code() -> None:
    narrow = IntegerFormat(8, signed=True, narrow=True)
    assert (narrow.name, narrow.qmin, narrow.qmax) == ("int8-narrow", -127, 127)
    x = np.array([-1.0, 1.0], np.float32)
    for mapping in MAPPINGS:
        p = engine.calibrate(x, f"int8-narrow {mapping}")
        assert (p.qmin, p.qmax) == (-127, 127)
    assert engine.calibrate(x, "int8-narrow asymmetric").scale == 2 / 254
    assert engine.calibrate(x, "int8-narrow asymmetric").zero_point == 0


def test_symmetric_is_narrow_already() -> None:
    x = np.random.default_rng(3).normal(size=100).astype(np.float32)
    wide, narrow = (engine.evaluate(x, f"{f} symmetric") for f in ("int8", "int8-narrow"))
    assert wide.qparams.scale == narrow.qparams.scale
    assert np.array_equal(wide.codes, narrow.codes)


def test_there_is_no_narrow_unsigned_format() -> None:
    with pytest.raises(ValueError, match="only a signed format"):
        IntegerFormat(8, signed=False, narrow=True)
    assert parse_format("uint8-narrow") is None
    assert all(parse_format(fmt.name) == fmt for fmt in FORMATS.values())


def test_mse_is_searched_with_the_schemes_own_arithmetic() -> None:
    x = np.random.default_rng(4).laplace(size=3000).astype(np.float32)
    for words in ("toward-zero", "pow2", "ties-away pow2"):
        found = engine.evaluate(x, f"int4 symmetric mse {words}")
        whole = engine.evaluate(x, f"int4 symmetric {words}")
        assert found.metrics["mse"] <= whole.metrics["mse"]
    ranges = {
        engine.calibrate(x, f"int4 symmetric mse {words}").range for words in ("", "toward-zero")
    }
    assert len(ranges) == 2


def nearest_single(x: Fraction) -> np.float32:
    """Round to float32 once, ties to even, by looking at the neighbours."""
    near = np.float32(float(x))
    candidates = [near, *(np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf))]
    odd = [int(c.view(np.uint32)) & 1 for c in candidates]
    return min(
        zip(candidates, odd, strict=True), key=lambda c: (abs(Fraction(float(c[0])) - x), c[1])
    )[0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("z", [1.0, 1 + 2.0**-23, -1.0, -1 - 2.0**-23])
def test_a_fused_sum_just_beside_a_tie_is_rounded_once(z: float, sign: int) -> None:
    """2^46 − a², by parts of float64's last bit off half of float32's, up and down."""
    a = np.arange(1, 900, 7)
    x, y = (2.0**23 + a).astype(np.float32), (2.0**23 - a).astype(np.float32)
    x = x * np.float32(sign * 2.0**-70)
    made = [fused_multiply_add(x[i : i + 1], y[i], np.float32(z))[0] for i in range(a.size)]
    truth = [
        nearest_single(Fraction(float(p)) * Fraction(float(q)) + Fraction(z))
        for p, q in zip(x, y, strict=True)
    ]
    assert made == truth
