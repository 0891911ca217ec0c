"""One suite over every registered quantizer, with an independent truth, code for code."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from quantoscope import engine
from quantoscope.engine.formats import parse_format
from quantoscope.engine.quantizers import MAPPINGS, QUANTIZERS
from tests.laws import examples

FORMATS = ("int8", "uint8", "int4", "int2", "uint2", "int16", "uint16", "int5")
PRECISIONS = ("float32", "float64")
SCHEMES = [f"{fmt} {mapping}" for mapping in MAPPINGS for fmt in FORMATS]

every_scheme = pytest.mark.parametrize("text", SCHEMES)
every_precision = pytest.mark.parametrize("dtype", PRECISIONS)


# The truth: the formulas in plain Python, one value at a time. Python floats are float64; a
# float32 step is the float64 step rounded once more, which is exact for + − · / (53 ≥ 2·24 + 2).


def code_range(fmt: str, mapping: str) -> tuple[int, int]:
    bits = int(fmt.removeprefix("u").removeprefix("int"))
    if fmt.startswith("u"):
        return 0, 2**bits - 1
    return (1 if mapping == "symmetric" else 0) - 2 ** (bits - 1), 2 ** (bits - 1) - 1


def true_parameters(lo: float, hi: float, text: str, dtype: str) -> tuple[float, int]:
    fmt, mapping = text.split()[:2]
    qmin, qmax = code_range(fmt, mapping)
    width = float(np.dtype(dtype).type(hi - lo)) if abs(hi - lo) < 3e38 else hi - lo
    if mapping == "scale-only":
        return width / (qmax - qmin), 0
    if mapping == "symmetric":
        return max(abs(lo), abs(hi)) / qmax, 0
    s = width / (qmax - qmin)
    return s, qmax - round(hi / s)


def true_code(r: float, s: float, z: int, text: str, dtype: str) -> tuple[int, int, float]:
    """Return the code, where it saturated, and the reconstructed value."""
    fmt, mapping = text.split()[:2]
    qmin, qmax = code_range(fmt, mapping)
    step = np.dtype(dtype).type
    with np.errstate(over="ignore", under="ignore"):
        s = float(step(s))
        scaled = float(step(r / s))
        if mapping == "asymmetric":
            scaled = float(step(scaled + float(step(z))))
        # Python too rounds ties to even.
        rounded = round(scaled) if math.isfinite(scaled) else math.copysign(10**9, scaled)
        q = int(min(max(rounded, qmin), qmax))
        reconstructed = float(step(float(step(q - z)) * s))
    return q, (rounded > qmax) - (rounded < qmin), reconstructed


def assert_true(x: np.ndarray, text: str) -> None:
    """The engine agrees with the truth in S, Z, every code, reconstructed value and saturation."""
    result = engine.evaluate(x, text)
    dtype = x.dtype.name
    finite = x[np.isfinite(x)].tolist()
    s, z = true_parameters(min(finite), max(finite), text, dtype)
    assert (result.qparams.scale, result.qparams.zero_point) == (s, z)
    expected = [true_code(r, s, z, text, dtype) for r in x.ravel().tolist()]
    np.testing.assert_array_equal(result.codes.ravel(), [code for code, _, _ in expected])
    np.testing.assert_array_equal(result.saturated.ravel(), [side for _, side, _ in expected])
    np.testing.assert_array_equal(result.reconstructed.ravel(), [r for _, _, r in expected])


def sample(dtype: str, count: int = 400) -> np.ndarray:
    return np.random.RandomState(count).normal(0.4, 1.5, count).astype(dtype)


def resolution(p: engine.QParams) -> int:
    """Codes further than this from the real value 0 are no longer told apart with certainty."""
    return 2**22 if p.dtype == np.float32 else 2**51


def farthest(p: engine.QParams) -> int:
    return max(abs(p.qmin - p.zero_point), abs(p.qmax - p.zero_point), abs(p.zero_point))


@every_scheme
@every_precision
class TestEveryQuantizer:
    def test_agrees_with_the_truth_on_normals(self, text: str, dtype: str) -> None:
        assert_true(sample(dtype), text)

    @pytest.mark.parametrize("offset", [0, 0.25, 0.5, 1, 3, -7.5, 1000, -1e5])
    @pytest.mark.parametrize("exponent", [-30, 0, 9])
    def test_agrees_with_the_truth_on_ties(
        self, text: str, dtype: str, offset: float, exponent: int
    ) -> None:
        # S is a power of two, or that over Qmax: quarter steps around both ends and around 0.
        fmt, mapping = text.split()
        qmin, qmax = code_range(fmt, mapping)
        width = qmax if mapping == "symmetric" else qmax - qmin
        quarters = np.concatenate([np.arange(-24, 25), 4 * width + np.arange(-24, 25)]) / 4
        ends = [0, width]
        inside = quarters[(quarters >= 0) & (quarters <= width)]
        x = (np.concatenate([inside, ends]) + offset) * 2.0**exponent
        assert_true(x.astype(dtype), text)

    def test_agrees_with_the_truth_far_from_zero(self, text: str, dtype: str) -> None:
        # |Z| lies far beyond int32 in float64, and beyond the resolution of float32.
        spacing = float(np.spacing(np.dtype(dtype).type(1e6)))
        x = 1e6 + spacing * np.arange(0, 64)
        assert_true(x.astype(dtype), text)
        assert_true(-x.astype(dtype), text)

    def test_agrees_with_the_truth_on_magnitudes_far_apart(self, text: str, dtype: str) -> None:
        big = 1e38 if dtype == "float32" else 1e306
        x = np.array([big, -big / 3, 1, -1e-3, 1e-30, 0.0, -0.0, big / 255], dtype)
        assert_true(x, text)

    def test_codes_lie_in_the_range_and_have_the_format_s_type(self, text: str, dtype: str) -> None:
        codes = engine.evaluate(sample(dtype), text).codes
        fmt, mapping = text.split()
        qmin, qmax = code_range(fmt, mapping)
        bits = int(re.sub(r"\D", "", fmt))
        assert codes.dtype == f"{fmt.rstrip('0123456789')}{8 if bits <= 8 else 16}"
        assert qmin <= codes.min() <= codes.max() <= qmax

    @pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (2, 3, 4), (2, 2, 3, 2)])
    def test_the_shape_is_kept(self, text: str, dtype: str, shape: tuple[int, ...]) -> None:
        x = np.asarray(sample(dtype, math.prod(shape)).reshape(shape))
        result = engine.evaluate(x, text)
        for array in (result.codes, result.reconstructed, result.error, result.saturated):
            assert isinstance(array, np.ndarray)
            assert array.shape == shape
        assert result.reconstructed.dtype == result.error.dtype == dtype
        assert engine.quantize(x, result.qparams).shape == shape
        reconstructed = engine.dequantize(result.codes, result.qparams)
        assert isinstance(reconstructed, np.ndarray)
        assert reconstructed.shape == shape

    def test_the_memory_layout_makes_no_difference(self, text: str, dtype: str) -> None:
        x = sample(dtype, 60).reshape(3, 4, 5)
        wide = np.zeros((3, 4, 10), dtype)
        wide[..., ::2] = x
        swapped = x.astype(x.dtype.newbyteorder())
        expected = engine.evaluate(x, text)
        for same in (np.asfortranarray(x), wide[..., ::2], x[::-1][::-1], swapped):
            result = engine.evaluate(same, text)
            np.testing.assert_array_equal(result.codes, expected.codes)
            np.testing.assert_array_equal(result.error, expected.error)
            assert result.metrics == expected.metrics
            assert result.reconstructed.dtype == np.dtype(dtype)

    def test_the_input_is_never_modified(self, text: str, dtype: str, tmp_path: Path) -> None:
        x = sample(dtype)
        x[3] = np.nan
        before = x.copy()
        x.setflags(write=False)
        np.save(tmp_path / "x.npy", x)
        mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
        for given_array in (x, mapped):
            result = engine.evaluate(given_array, text)
            engine.trace(given_array, text, [0, 3])
            np.testing.assert_array_equal(given_array, before)
            for array in (result.codes, result.reconstructed, result.error):
                assert type(array) is np.ndarray
                assert not np.shares_memory(array, given_array)

    def test_levels_ascend_and_are_their_own_codes(self, text: str, dtype: str) -> None:
        p = engine.calibrate(sample(dtype), text)
        quantizer = QUANTIZERS[p.mapping]
        levels, codes = quantizer.levels(p), quantizer.codes(p)
        assert levels.shape == codes.shape == (p.qmax - p.qmin + 1,)
        assert levels.dtype == dtype
        assert (np.diff(levels) > 0).all()
        np.testing.assert_array_equal(engine.quantize(levels, p), codes)
        np.testing.assert_array_equal(engine.dequantize(codes, p), levels)

    def test_quantize_and_dequantize_agree_with_evaluate(self, text: str, dtype: str) -> None:
        x = sample(dtype)
        result = engine.evaluate(x, text)
        assert engine.calibrate(x, text) == result.qparams
        np.testing.assert_array_equal(engine.quantize(x, result.qparams), result.codes)
        reconstructed = engine.dequantize(result.codes, result.qparams)
        np.testing.assert_array_equal(reconstructed, result.reconstructed)
        np.testing.assert_array_equal(result.error, reconstructed - x)
        np.testing.assert_array_equal(
            engine.dequantize(result.codes.tolist(), result.qparams), reconstructed
        )

    def test_code_counts_count_the_codes(self, text: str, dtype: str) -> None:
        result = engine.evaluate(sample(dtype), text)
        p = result.qparams
        expected = [np.count_nonzero(result.codes == q) for q in range(p.qmin, p.qmax + 1)]
        assert result.code_counts.tolist() == expected

    def test_the_trace_shows_what_evaluate_computed(self, text: str, dtype: str) -> None:
        x = sample(dtype).reshape(20, 20).T
        x[2, 5], x[3, 1], x[4, 4] = np.nan, np.inf, -np.inf
        result = engine.evaluate(x, text)
        indices = [0, 399, 45, 61, 84, 7, 7, -1]
        trace = engine.trace(x, text, indices)
        np.testing.assert_array_equal(trace.indices, indices)
        for name in ("reconstructed", "error"):
            expected = getattr(result, name).ravel()[indices]
            np.testing.assert_array_equal(trace[name], expected)
        np.testing.assert_array_equal(trace["real"], x.ravel()[indices])
        np.testing.assert_array_equal(trace.saturated, result.saturated.ravel()[indices])
        number = ~np.isnan(trace["real"])
        codes = result.codes.ravel()[indices]
        np.testing.assert_array_equal(trace["clipped"][number], codes[number])
        assert np.isnan(trace["clipped"][~number]).all()
        by_parameters = engine.trace(x, result.qparams, indices)
        for name in trace:
            np.testing.assert_array_equal(by_parameters[name], trace[name])

    def test_the_stages_follow_from_each_other(self, text: str, dtype: str) -> None:
        x = sample(dtype)
        p = engine.calibrate(x, text)
        trace = engine.trace(x, p, range(len(x)))
        assert list(trace) == ["real", *(stage.key for stage in trace.stages)]
        assert len(trace) == len(trace.stages) + 1
        before_rounding = trace[
            trace.stages[[s.key for s in trace.stages].index("rounded") - 1].key
        ]
        np.testing.assert_array_equal(trace["rounded"], np.rint(before_rounding))
        np.testing.assert_array_equal(trace["clipped"], trace["rounded"].clip(p.qmin, p.qmax))
        over = (trace["rounded"] > p.qmax).astype(int) - (trace["rounded"] < p.qmin)
        np.testing.assert_array_equal(trace.saturated, over)
        for column in trace.values():
            assert column.dtype == dtype
            assert column.shape == x.shape

    def test_the_formulas_on_show_give_the_figures_on_show(self, text: str, dtype: str) -> None:
        x = sample(dtype, 30)
        # Rmin / S and Rmax / S of scale-only and asymmetric lie on ties.
        qmin, qmax = code_range(*text.split())
        p = engine.calibrate(x, f"{text} manual(-0.5,{qmax - qmin - 0.5})")
        quantizer = QUANTIZERS[p.mapping]
        trace = engine.trace(x, p, range(len(x)))
        known: dict[str, Any] = {
            "S": p.scale,
            "Z": p.zero_point,
            "Rmin": p.range[0],
            "Rmax": p.range[1],
            "maxR": max(map(abs, p.range)),
            "Qmin": p.qmin,
            "Qmax": p.qmax,
        }
        close = 1e-6 if dtype == "float32" else 1e-14
        assert by_formula(quantizer.scale_formula(p.format), known) == pytest.approx(
            p.scale, rel=close
        )
        assert by_formula(quantizer.zero_point_formula(p.format), known) == p.zero_point
        for i in range(len(x)):
            row = known | {"R": float(x[i]), "Q": float(trace["clipped"][i])}
            for stage in trace.stages:
                figure = float(trace[stage.key][i])
                expected = pytest.approx(figure, rel=close, abs=close * abs(float(x[i])))
                assert by_formula(stage.formula, row) == expected, stage
                row[stage.key] = figure


def by_formula(formula: str, known: dict[str, Any]) -> float:
    """Fill in the numbers and compute, the way a reader would."""
    filled = formula.format(**{name: f"({value!r})" for name, value in known.items()})
    python = filled.replace("−", "-").replace("·", "*")
    python = re.sub(r"\|([^|]*)\|", r"abs(\1)", python)
    functions = {"Round": round, "Clip": lambda q, lo, hi: min(max(q, lo), hi)}
    return float(eval(python, {"max": max, "abs": abs, **functions}))


# The familiar ties by hand, so that the truth above is itself checked.


@pytest.mark.parametrize(
    ("text", "values", "codes"),
    [
        (
            "int8 scale-only manual(0,255)",
            [-0.5, 0.5, 1.5, 2.5, 126.5, 127.5, -127.5, -128.5],
            [0, 0, 2, 2, 126, 127, -128, -128],
        ),
        (
            "int8 symmetric manual(-127,127)",
            [-0.5, 0.5, 1.5, 2.5, 126.5, 127.5, -126.5, -127.5],
            [0, 0, 2, 2, 126, 127, -126, -127],
        ),
        # Z = −1: 0.5 − 1 = −0.5 → 0; 1.5 − 1 = 0.5 → 0; added after rounding it would be −1, 1.
        (
            "int8 asymmetric manual(-127,128)",
            [-0.5, 0.5, 1.5, 2.5, 127.5, 128.5, -127.5],
            [-2, 0, 0, 2, 126, 127, -128],
        ),
        ("int2 symmetric manual(-1,1)", [-1.5, -0.5, 0.5, 0.75, 1.5, -9], [-1, 0, 0, 1, 1, -1]),
        ("uint2 asymmetric manual(0,3)", [0.5, 1.5, 2.5, 3.5, -0.5], [0, 2, 2, 3, 0]),
    ],
)
@every_precision
def test_ties_go_to_the_even_code_after_the_zero_point(
    text: str, values: list[float], codes: list[int], dtype: str
) -> None:
    assert engine.evaluate(np.array(values, dtype), text).codes.tolist() == codes


def test_every_quantizer_has_a_name_a_summary_and_formulas() -> None:
    for name, quantizer in QUANTIZERS.items():
        assert quantizer.name == name
        assert quantizer.summary.endswith(".")
        for fmt in (f for f in engine.FORMATS.values() if not quantizer.refuses(f)):
            assert quantizer.scale_formula(fmt)
            assert quantizer.zero_point_formula(fmt)
            stages = quantizer.stage_list(fmt)
            assert len({stage.key for stage in stages}) == len(stages)


# Laws, over any numbers.


def arrays_of(dtype: str) -> st.SearchStrategy[np.ndarray]:
    """Arrays whose range fits the precision, subnormals and both zeros among them."""
    largest = 2.0**126 if dtype == "float32" else 2.0**1021
    numbers = st.one_of(
        st.floats(-largest, largest, width=32 if dtype == "float32" else 64),
        st.integers(-600, 600).map(lambda k: k / 2),
        st.floats(-1, 1, width=32),
    )
    return npst.arrays(dtype, npst.array_shapes(max_dims=2, max_side=12), elements=numbers)


any_array = st.sampled_from(PRECISIONS).flatmap(arrays_of)
any_scheme = st.sampled_from(SCHEMES)


@given(any_array, any_scheme)
@examples(400)
def test_law_the_engine_agrees_with_the_truth(x: np.ndarray, text: str) -> None:
    p = engine.calibrate(x, text)
    assume(p.origin == "range")
    assert_true(x, text)


@given(any_array, any_scheme)
@examples(400)
def test_law_the_error_is_at_most_half_a_step_where_nothing_saturates(
    x: np.ndarray, text: str
) -> None:
    # Each step of the arithmetic may add half a unit in the last place of what it gives:
    # R/S, + Z (which is rounded to the precision too), Q − Z, times S, minus R.
    result = engine.evaluate(x, text)
    p = result.qparams
    inside = (result.saturated == 0) & np.isfinite(result.reconstructed)
    s = np.longdouble(p.working_scale)
    r = x[inside].astype(np.longdouble)
    q = result.codes[inside].astype(np.longdouble)
    steps = np.abs(result.reconstructed[inside].astype(np.longdouble) - r) / s
    magnitudes = np.abs(r / s) + abs(p.zero_point) + np.abs(q) + np.abs(q - p.zero_point) + 1
    assert (steps <= 0.5 + np.finfo(p.dtype).eps * magnitudes).all()


@given(any_array, any_scheme)
@examples(400)
def test_law_what_was_reconstructed_is_reconstructed_unchanged(x: np.ndarray, text: str) -> None:
    result = engine.evaluate(x, text)
    p = result.qparams
    assume(farthest(p) < resolution(p))
    np.testing.assert_array_equal(engine.quantize(result.reconstructed, p), result.codes)
    again = engine.dequantize(engine.quantize(result.reconstructed, p), p)
    np.testing.assert_array_equal(again, result.reconstructed)


@given(any_array, any_scheme)
@examples(200)
def test_law_levels_ascend_and_are_their_own_codes(x: np.ndarray, text: str) -> None:
    p = engine.calibrate(x, text)
    quantizer = QUANTIZERS[p.mapping]
    assume(farthest(p) < resolution(p) and p.format.bits <= 8)
    levels = quantizer.levels(p)
    assert (np.diff(levels) > 0).all() or np.isinf(levels).any()
    np.testing.assert_array_equal(engine.quantize(levels, p), quantizer.codes(p))


def test_a_nan_is_clipped_nowhere_in_a_trace_though_0_would_be() -> None:
    x = np.array([5.0, 6.0, np.nan, 7.0], np.float32)
    for text in ("int8 asymmetric", "uint4 asymmetric ties-away", "int8 symmetric manual(3,4)"):
        made = engine.trace(x, text, range(4))
        assert made.saturated[2] == 0
        np.testing.assert_array_equal(made.saturated, engine.evaluate(x, text).saturated)


@given(any_array, any_scheme)
@examples(200)
def test_law_larger_values_never_get_smaller_codes(x: np.ndarray, text: str) -> None:
    ordered = np.sort(x, axis=None)
    codes = engine.evaluate(ordered, text).codes.astype(int)
    assert (np.diff(codes) >= 0).all()


@given(any_array, any_scheme, st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
@examples(300)
def test_law_saturated_tells_where_clip_changed_the_code(
    x: np.ndarray, text: str, lo: float, width: float
) -> None:
    # A range set by hand need not hold any of the data.
    width = max(width, 1e-6 * abs(lo))  # or float32 could not tell the ends apart
    scheme = engine.Scheme.parse(text).with_range(lo, lo + width)
    result = engine.evaluate(x, scheme)
    trace = engine.trace(x, scheme, np.arange(x.size))
    moved = np.sign(trace["rounded"] - trace["clipped"])
    np.testing.assert_array_equal(result.saturated.ravel(), moved)
    np.testing.assert_array_equal(result.codes.ravel(), trace["clipped"])
    assert result.metrics["clipped_low"] == np.count_nonzero(moved < 0)
    assert result.metrics["clipped_high"] == np.count_nonzero(moved > 0)
    fmt = parse_format(text.split()[0])
    assert fmt is not None
    assert result.codes.dtype == fmt.dtype


@pytest.mark.parametrize("z", [2**20 + 1, 2**24 - 1, 2**24 + 1, 2**25 + 3, 2**26 - 1, 2**26 + 5])
@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("fmt", ["int8", "uint16"])
def test_the_distance_of_a_code_from_a_far_zero_point_is_rounded_once(
    z: int, sign: int, fmt: str
) -> None:
    p = engine.calibrate(np.array([-1.0, 2.0], np.float32), f"{fmt} asymmetric")
    p = replace(p, zero_point=sign * z)
    codes = np.arange(int(p.qmin), int(p.qmax) + 1, 7).astype(p.format.dtype)
    # Whole numbers of Python have all digits.
    distances = np.array([np.float32(int(q) - sign * z) for q in codes], np.float32)
    reconstructed = engine.dequantize(codes, p)
    assert reconstructed.tolist() == (distances * np.float32(p.scale)).tolist()
    each = engine.calibrate(np.array([[-1.0, 2.0], [-1, 2]]), f"{fmt} asymmetric per-channel(0)")
    each = replace(each, zero_point=np.array([sign * z, 0]), dtype=np.dtype(np.float32))
    rows = engine.dequantize(np.stack([codes, codes]), each)
    assert rows[0].tolist() == (distances * np.float32(each.scale[0])).tolist()
