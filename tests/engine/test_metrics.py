"""Each metric against its definition, computed in exact fractions."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from quantoscope import engine
from quantoscope.engine import METRICS
from quantoscope.engine.evaluation.metrics import METRIC
from tests.laws import examples

ALL_KEYS = {
    "sqnr",
    "mse",
    "rmse",
    "rmse_over_scale",
    "mae",
    "max_abs_error",
    "max_abs_error_index",
    "bias",
    "cosine",
    "clipped_low",
    "clipped_high",
    "clipping_power",
    "rounding_power",
    "codes_used",
    "codes_available",
    "code_entropy",
    "enob",
    "sqnr_predicted",
    "bits_per_value",
}


def to_float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf


def root(number: Fraction) -> float:
    """Square root of a fraction of any size, to float64."""
    if number == 0:
        return 0.0
    shift = (number.numerator.bit_length() - number.denominator.bit_length()) // 2
    return to_float(Fraction(math.sqrt(number / Fraction(4) ** shift)) * Fraction(2) ** shift)


def decibel(signal: Fraction, noise: Fraction) -> float:
    if noise == 0:
        return math.inf
    if signal == 0:
        return -math.inf

    def log10(number: Fraction) -> float:
        return math.log10(number.numerator) - math.log10(number.denominator)

    return 10 * (log10(signal) - log10(noise))


def by_definition(x: np.ndarray, result: engine.Evaluation) -> dict[str, float]:
    p = result.qparams
    rows = list(
        zip(
            x.ravel().tolist(),
            result.reconstructed.ravel().tolist(),
            result.error.ravel().tolist(),
            result.saturated.ravel().tolist(),
            strict=True,
        )
    )
    usable = [
        (i, Fraction(r), Fraction(reconstructed), Fraction(e), side)
        for i, (r, reconstructed, e, side) in enumerate(rows)
        if math.isfinite(r) and math.isfinite(e)
    ]
    n = len(usable)
    codes = [int(q) for q, r in zip(result.codes.ravel(), x.ravel(), strict=True) if r == r]
    shares = [count / len(codes) for count in Counter(codes).values()]
    signal = sum((r * r for _, r, _, _, _ in usable), Fraction(0))
    noise = sum((e * e for _, _, _, e, _ in usable), Fraction(0))
    cut = sum((e * e for _, _, _, e, side in usable if side), Fraction(0))
    reconstructed = sum((v * v for _, _, v, _, _ in usable), Fraction(0))
    dot = sum((r * v for _, r, v, _, _ in usable), Fraction(0))
    s = Fraction(float(p.working_scale))
    largest = max(abs(e) for _, _, _, e, _ in usable)
    if signal and reconstructed:
        cosine = root(dot * dot / (signal * reconstructed)) * (1 if dot > 0 else -1)
    else:
        cosine = 1.0 if signal == reconstructed else 0.0
    sqnr = decibel(signal, noise)
    return {
        "sqnr": sqnr,
        "mse": to_float(noise / n),
        "rmse": root(noise / n),
        "rmse_over_scale": root(noise / n / (s * s)),
        "mae": to_float(sum((abs(e) for _, _, _, e, _ in usable), Fraction(0)) / n),
        "max_abs_error": to_float(largest),
        "max_abs_error_index": next(i for i, _, _, e, _ in usable if abs(e) == largest),
        "bias": to_float(sum((e for _, _, _, e, _ in usable), Fraction(0)) / n),
        "cosine": cosine,
        "clipped_low": sum(side < 0 for *_, side in rows),
        "clipped_high": sum(side > 0 for *_, side in rows),
        "clipping_power": to_float(cut / n),
        "rounding_power": to_float((noise - cut) / n),
        "codes_used": len(set(codes)),
        "codes_available": p.qmax - p.qmin + 1,
        "code_entropy": -sum(share * math.log2(share) for share in shares),
        "enob": (sqnr - 1.76) / 6.02,
        "sqnr_predicted": decibel(signal / n, s * s / 12),
        "bits_per_value": p.format.bits,
    }


def assert_by_definition(x: np.ndarray, text: str) -> engine.Evaluation:
    result = engine.evaluate(x, text)
    expected = by_definition(x, result)
    assert set(result.metrics) == set(expected) == ALL_KEYS
    for key, value in result.metrics.items():
        # A bias is a sum whose terms may cancel, a decibel a difference of two logarithms.
        slack = {"bias": 1e-12 * expected["mae"], "cosine": 1e-13}.get(key, 0.0)
        if METRIC[key].unit in ("dB", "bit"):
            slack = 1e-10
        exact = expected[key]
        close = pytest.approx(exact, rel=1e-11, abs=slack)
        if 0 < abs(exact) < 1e-300:  # near the subnormals, which have few digits
            close = pytest.approx(exact, rel=1e-6, abs=1e-322)
        assert value == close, key
    return result


TEXTS = [f"{f} {m}" for f in ("int8", "uint4", "int2", "uint16") for m in engine.MAPPINGS]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_metric_is_as_defined_on_normals(text: str, dtype: str) -> None:
    x = np.random.RandomState(5).normal(0.3, 2, (10, 30)).astype(dtype)
    assert_by_definition(x, text)
    assert_by_definition(x, f"{text} manual(-0.5,2.25)")
    assert_by_definition(x, f"{text} manual(50,60)")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "values",
    [
        [1e-200, -3e-200, 2e-201],
        [1e200, -3e200, 2e199],
        [5e-324, 1e-322, -2e-322],
        [1e300, 1e-300, -1e-308],
        [127e200, 1e-200, 0],
        [1e-160, 1.5e160],
        [8e307, -8e307, 1e307],
    ],
)
def test_squares_beyond_float64_are_no_obstacle(text: str, values: list[float]) -> None:
    assert_by_definition(np.array(values), text)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "values", [[1e-40, -3e-40, 2.5e-40], [1e-45, 3e-45], [1e38, -1.5e38, 1e-45], [3e-23, 1e-23]]
)
def test_squares_beyond_float32_are_no_obstacle(text: str, values: list[float]) -> None:
    assert_by_definition(np.float32(values), text)


@pytest.mark.parametrize(
    "calibration",
    ["manual(1e10,1e11)", "manual(-1e300,1e300)", "manual(1e-300,2e-300)", "manual(-1e-320,1)"],
)
@pytest.mark.parametrize("mapping", engine.MAPPINGS)
@pytest.mark.parametrize("values", [[1e-200, -1e-200], [1.0, 2.0], [1e300, -1.0], [0.0, 0.0]])
def test_an_error_out_of_all_proportion_to_the_data_is_no_obstacle(
    values: list[float], mapping: str, calibration: str
) -> None:
    assert_by_definition(np.array(values), f"int8 {mapping} {calibration}")


numbers = st.one_of(
    st.floats(-1e290, 1e290),
    st.floats(-10, 10, width=32),
    st.sampled_from([math.nan, math.inf, -0.0]),
)


@given(
    npst.arrays("float64", npst.array_shapes(max_dims=2, max_side=9), elements=numbers),
    st.sampled_from(TEXTS),
)
@examples(300)
def test_law_every_metric_is_as_defined(x: np.ndarray, text: str) -> None:
    if np.isfinite(x).any():
        assert_by_definition(x, text)


@given(
    npst.arrays("float32", npst.array_shapes(max_side=9), elements=st.floats(-1e6, 1e6, width=32)),
    st.sampled_from(TEXTS),
    st.floats(-100, 100),
    st.floats(1, 100),
)
@examples(300)
def test_law_clipping_and_rounding_power_add_up_to_mse(
    x: np.ndarray, text: str, lo: float, width: float
) -> None:
    metrics = engine.evaluate(x, engine.Scheme.parse(text).with_range(lo, lo + width)).metrics
    total = metrics["clipping_power"] + metrics["rounding_power"]
    assert total == pytest.approx(metrics["mse"], rel=1e-12, abs=0)
    assert metrics["rmse"] == pytest.approx(math.sqrt(metrics["mse"]), rel=1e-12)
    assert 0 <= metrics["mae"] <= metrics["rmse"] * (1 + 1e-12)
    assert abs(metrics["bias"]) <= metrics["mae"] * (1 + 1e-12)
    assert metrics["rmse"] <= metrics["max_abs_error"] * (1 + 1e-12)
    assert metrics["codes_used"] <= min(metrics["codes_available"], x.size)
    assert 0 <= metrics["code_entropy"] <= math.log2(metrics["codes_used"]) + 1e-12
    assert -1 <= metrics["cosine"] <= 1
    assert metrics["clipped_low"] + metrics["clipped_high"] <= x.size


def test_a_small_rounding_power_does_not_drown_in_a_large_clipping_power() -> None:
    x = np.array([0.3, -0.2, 1e12])
    metrics = engine.evaluate(x, "int8 symmetric manual(-1,1)").metrics
    error = engine.evaluate(x[:2], "int8 symmetric manual(-1,1)").error
    assert metrics["rounding_power"] == pytest.approx(float(error @ error) / 3, rel=1e-12)


def test_without_clipping_all_of_mse_is_rounding() -> None:
    metrics = engine.evaluate(np.float32([0.3, -0.2, 1]), "int8 symmetric").metrics
    assert metrics["clipping_power"] == 0
    assert metrics["rounding_power"] == metrics["mse"] > 0


def test_lossless_is_infinitely_many_decibels() -> None:
    metrics = engine.evaluate(np.arange(-127, 128, dtype=np.float32), "int8 symmetric").metrics
    assert metrics["sqnr"] == metrics["enob"] == math.inf
    assert metrics["mse"] == metrics["max_abs_error"] == metrics["bias"] == 0
    assert metrics["cosine"] == pytest.approx(1, abs=1e-15)
    assert math.isfinite(metrics["sqnr_predicted"])
    assert metrics["codes_used"] == metrics["codes_available"] == 255
    assert metrics["code_entropy"] == pytest.approx(math.log2(255))


def test_all_zeros_are_lossless() -> None:
    metrics = engine.evaluate(np.zeros(5), "int8 symmetric").metrics
    assert metrics["sqnr"] == math.inf
    assert metrics["cosine"] == 1
    assert metrics["code_entropy"] == 0
    assert str(metrics["code_entropy"]) == "0.0"
    assert metrics["sqnr_predicted"] == -math.inf
    assert (metrics["codes_used"], metrics["max_abs_error_index"]) == (1, 0)


def test_zeros_reconstructed_as_something_else_are_nothing_but_noise() -> None:
    metrics = engine.evaluate(np.zeros(5), "int8 asymmetric manual(1,2)").metrics
    assert metrics["sqnr"] == metrics["enob"] == -math.inf
    assert metrics["cosine"] == 0


def test_without_any_number_there_are_counts_but_no_figures() -> None:
    metrics = engine.evaluate([math.nan, math.inf], "int8 symmetric manual(-1,1)").metrics
    counts = {"clipped_low": 0, "clipped_high": 1, "codes_used": 1, "codes_available": 255}
    counts["bits_per_value"] = 8
    for key, value in metrics.items():
        if key == "code_entropy":
            assert value == 0
        elif key in counts:
            assert value == counts[key]
        else:
            assert math.isnan(value), key


def test_the_largest_error_is_the_first_of_equals_in_reading_order() -> None:
    x = np.asfortranarray([[0.0, 0.5, 1.0], [0.25, 0.5, -1.0]])
    metrics = engine.evaluate(x, "int2 symmetric").metrics
    assert (metrics["max_abs_error"], metrics["max_abs_error_index"]) == (0.5, 1)


def test_the_uniform_noise_model_predicts_well_where_it_applies() -> None:
    x = np.random.RandomState(0).normal(size=100_000).astype(np.float32)
    metrics = engine.evaluate(x, "int8 symmetric").metrics
    assert metrics["sqnr_predicted"] == pytest.approx(metrics["sqnr"], abs=0.05)
    assert metrics["rmse_over_scale"] == pytest.approx(1 / math.sqrt(12), abs=0.002)


@pytest.mark.parametrize("granularity", ["per-group(4)", "per-group(5)", "per-channel(0)"])
def test_the_prediction_counts_each_scale_as_often_as_there_are_values(granularity: str) -> None:
    x = np.random.default_rng(6).normal(size=(6, 5)).astype(np.float32)
    x[:, 4] *= 100
    made = engine.evaluate(x, f"int8 symmetric {granularity}")
    of_each = made.qparams.granularity.of(np.arange(x.size), x.shape)
    steps = np.asarray(made.qparams.scale)[of_each]
    wanted = 10 * math.log10(np.mean(x.astype(np.float64) ** 2) / np.mean(steps**2 / 12))
    assert made.metrics["sqnr_predicted"] == pytest.approx(wanted, abs=1e-4)


@pytest.mark.parametrize(
    "x",
    [[1.0, 2.0, -0.3], [0.0], [math.nan, 1.0], [math.inf, 1.0], [1e-320, 1e300], np.float32(3)],
    ids=str,
)
@pytest.mark.parametrize("text", TEXTS)
def test_metrics_are_python_numbers(x: Any, text: str) -> None:
    for key, value in engine.evaluate(np.asarray(x), text).metrics.items():
        assert type(value) in (int, float), key
    integers = {"clipped_low", "clipped_high", "codes_used", "codes_available"}
    assert all(type(engine.evaluate(np.asarray(x), text).metrics[key]) is int for key in integers)


def test_every_metric_says_what_it_is() -> None:
    assert {metric.key for metric in METRICS} == set(METRIC) == ALL_KEYS
    assert len(METRICS) == len({metric.name for metric in METRICS}) == len(ALL_KEYS)
    for metric in METRICS:
        assert metric.name
        assert metric.formula
        assert metric.better in ("higher", "lower", "zero", "")
        assert metric.of in ("", *ALL_KEYS)
        assert METRIC[metric.key] is metric
    units = {metric.key: metric.unit for metric in METRICS}
    assert units["sqnr"] == units["sqnr_predicted"] == "dB"
    assert units["code_entropy"] == units["enob"] == "bit"
    assert all(unit for key, unit in units.items() if key not in ("cosine", "max_abs_error_index"))
    directions = {metric.key: metric.better for metric in METRICS}
    assert directions["sqnr"] == "higher"
    assert directions["mse"] == "lower"
    assert directions["bias"] == "zero"


@pytest.mark.parametrize(
    ("text", "values", "bits"),
    [
        ("int8 symmetric", [1.0, 2.0], 8),  # one S for all values weighs nothing
        ("int8 symmetric per-group(2)", [1.0, 2.0], 8 + 32 / 2),
        ("int8 asymmetric per-group(2)", [-1.0, 2.0], 8 + (32 + 8) / 2),
        ("int4 asymmetric per-group(4)", [-1.0, 2.0, 0.5, 0.25], 4 + (32 + 4) / 4),
        ("int8 asymmetric per-group(2)", [100.0, 101.0], 8 + (32 + 32) / 2),
        ("int8 symmetric per-group(4)", [1.0, math.nan, math.inf, 2.0], 8 + 32 / 4),
        ("q8_0", [3e38] * 32, 8.5),  # whose scale is too large for float16
    ],
)
def test_storage_counts_the_parameters(text: str, values: list[float], bits: float) -> None:
    assert engine.evaluate(np.float32(values), text).metrics["bits_per_value"] == bits


@pytest.mark.parametrize(
    "text", ["int8 asymmetric manual(-1,1)", "e4m3fn symmetric", "int4 mse symmetric"]
)
def test_every_unit_is_that_of_the_figure(text: str) -> None:
    # Values 2⁵ times as large: a figure in the unit of R is as many times larger, and so on.
    x = np.random.default_rng(4).normal(size=400).astype(np.float32)
    scheme = engine.Scheme.parse(text)
    larger = scheme
    if scheme.calibration.method == "manual":
        larger = scheme.with_range(-32, 32)
    small, large = (engine.evaluate(v, s).metrics for v, s in ((x, scheme), (32 * x, larger)))
    for metric in METRICS:
        factor = {"unit of R": 32, "(unit of R)²": 1024}.get(metric.unit, 1)
        assert large[metric.key] == pytest.approx(factor * small[metric.key], rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("scheme", ["e4m3fn symmetric", "e2m1fn symmetric", "mxfp4-torchao-even"])
def test_codes_called_plus_0_and_minus_0_are_one(scheme: str) -> None:
    x = np.array([0.0, -1e-9, 1.0, 0.0] * 8, np.float32)
    result = engine.evaluate(x, scheme)
    assert np.unique(result.codes).size == 3
    assert result.metrics["codes_used"] == 2
    assert "+0 and −0 count as one" in METRIC["codes_used"].formula
