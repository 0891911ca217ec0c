"""float64 near its ends: calibration, cost curves, metrics and histograms, without a warning."""

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.analysis.cost_curve import objective
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.clip_range import clip_range
from quantoscope.engine.numerics.envelope import pyramid_of
from quantoscope.engine.schemes.scheme import Scheme

LARGEST = float(np.finfo(np.float64).max)
ARRAYS = {
    "one of 1e-320": np.array([1e-320]),
    "the smallest": np.array([5e-324]),
    "all 1e-310": np.full(100, 1e-310),
    "subnormal ramp": np.linspace(-1, 1, 200) * 1e-310,
    "largest": np.array([LARGEST] * 3),
    "both ends": np.array([1.7e308, -1.7e308]),
    "wide ramp": np.linspace(-1, 1, 200) * 1.7e308,
    "ends together": np.array([5e-324, 1e308]),
    "with NaN and infinities": np.array([5e-324, np.nan, np.inf, -np.inf, 1e308]),
    "negative zero": np.array([-0.0]),
}
SCHEMES = [
    f"{fmt} {mapping}{method}"
    for fmt, mapping in (("int8", "symmetric"), ("uint8", "asymmetric"), ("int4", "scale-only"),
                         ("e4m3fn", "symmetric"), ("nf4", "symmetric"))
    for method in ("", " mse", " percentile(99)", " entropy")
] + ["q4_0", "q8_0", "mxfp4-gguf"]  # fmt: skip


@pytest.mark.parametrize("text", SCHEMES)
@pytest.mark.parametrize("case", ARRAYS)
def test_every_family_takes_numbers_at_the_ends_of_float64_or_says_why_not(case, text):
    x = ARRAYS[case]
    try:
        result = engine.evaluate(x, text)
    except QuantizationError as error:
        assert str(error).endswith(".")
        return
    finite = np.isfinite(x)
    assert np.isfinite(result.qparams.scale).all()
    assert not np.isnan(result.reconstructed[finite]).any()
    told = any("reconstructed as infinity" in note for note in result.warnings)
    assert told == bool(np.isinf(result.reconstructed[finite]).any())
    assert result.metrics["max_abs_error"] >= 0 or told
    assert result.curves.error.size == x.size
    engine.summarize(x)
    pyramid_of(x)
    engine.channels(x, result)


@pytest.mark.parametrize("method", ["mse", "percentile(90)", "entropy"])
@pytest.mark.parametrize("exponent", [-1050, -900, 900, 1020])
def test_a_range_is_found_as_for_numbers_of_usual_size(method, exponent):
    x = np.random.default_rng(3).normal(size=400)
    x[0] = 9
    usual = clip_range(x, Scheme.parse(f"int8 symmetric {method}"))
    far = clip_range(np.ldexp(x, exponent), Scheme.parse(f"int8 symmetric {method}"))
    assert np.ldexp(far[1], -exponent) == pytest.approx(usual[1], rel=1e-4)
    assert usual[1] < 9


@pytest.mark.parametrize("exponent", [-1040, -600, 600, 1019])
def test_cost_curves_are_those_of_numbers_of_usual_size_in_another_unit(exponent):
    x = np.random.default_rng(3).normal(size=400)
    usual, far = (objective(values, "int8 symmetric") for values in (x, np.ldexp(x, exponent)))
    shift = 2 * exponent * np.log10(2)
    near = far.log(far.total) - shift
    assert np.isfinite(near).all()
    # Near the smallest numbers S itself is rounded.
    assert near == pytest.approx(usual.log(usual.total), abs=0.02)
    assert np.log10(far.thresholds) - shift / 2 == pytest.approx(
        np.log10(usual.thresholds), abs=1e-3
    )


@pytest.mark.parametrize("method", ["mse", "percentile(90)", "entropy"])
@pytest.mark.parametrize("mapping", ["symmetric", "asymmetric"])
@pytest.mark.parametrize("exponent", [-900, 900])
def test_a_range_is_found_whichever_side_of_0_the_numbers_lie_on(mapping, exponent, method):
    x = -np.abs(np.random.default_rng(3).normal(size=400))
    x[0], x[1] = -9, 0
    scheme = Scheme.parse(f"int8 {mapping} {method}")
    usual, far = clip_range(x, scheme), clip_range(np.ldexp(x, exponent), scheme)
    assert np.ldexp(far, -exponent) == pytest.approx(usual, rel=1e-4)
    assert usual[0] != -9
