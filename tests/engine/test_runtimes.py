"""The rows of runtimes: complete, refused in words, and right where no package can be asked."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import ml_dtypes
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import FORMATS, MAPPINGS, RUNTIMES, Granularity, Scheme, SchemeError
from quantoscope.engine.formats import INTEGERS, parse_format
from quantoscope.engine.numerics.arithmetic import TEXTBOOK, Arithmetic, fused_multiply_add
from quantoscope.engine.numerics.granularity import GRANULARITIES
from quantoscope.engine.schemes.runtimes import runtimes_in_words
from tests.laws import examples

every_runtime = pytest.mark.parametrize("name", RUNTIMES)
WORDS = {"per-tensor": "per-tensor", "per-channel": "per-channel(0)", "per-group": "per-group(32)"}


# Rows


@every_runtime
class TestEveryRow:
    def test_it_has_a_name_a_title_and_a_source(self, name: str) -> None:
        runtime = RUNTIMES[name]
        assert runtime.name == name == name.lower()
        assert runtime.title[0].isupper()
        assert len(runtime.source) > 20
        assert f"@{name}" in runtimes_in_words()

    def test_it_says_what_it_was_verified_with_or_that_it_was_not(self, name: str) -> None:
        runtime = RUNTIMES[name]
        assert bool(runtime.verified) == bool(runtime.compared)
        if runtime.verified:
            package, release = runtime.verified.split()
            assert f"verified against {package} {release}" in runtime.status
            assert ("documentation" in runtime.status) == bool(runtime.verified_part)
            assert release.count(".") == 2
        else:
            assert runtime.status == f"from documentation: {runtime.source}"

    def test_its_formats_mappings_and_granularities_exist(self, name: str) -> None:
        runtime = RUNTIMES[name]
        for words, known in (
            (runtime.formats, list(FORMATS)),
            (runtime.mappings, [*MAPPINGS]),
            (runtime.granularities, [*GRANULARITIES]),
            ([*runtime.variants], [*runtime.granularities]),
        ):
            assert len(set(words)) == len(words)
            assert set(words) <= set(known)
        assert runtime.formats
        assert runtime.mappings
        assert "per-tensor" in runtime.granularities

    def test_its_arithmetic_is_its_own(self, name: str) -> None:
        runtime = RUNTIMES[name]
        rows = [runtime.arithmetic, *runtime.variants.values()]
        assert len(set(rows)) == len(rows)
        for row in rows:
            assert row != TEXTBOOK
            assert row.works_in == "float32"
            assert not row.refuses_overflow
            assert not row.pow2
        others = [other.arithmetic for other in RUNTIMES.values() if other is not runtime]
        assert runtime.arithmetic not in others

    def test_a_granularity_has_its_own_row_where_there_is_one(self, name: str) -> None:
        runtime = RUNTIMES[name]
        for kind in runtime.granularities:
            fmt, mapping = runtime.formats[0], runtime.mappings[0]
            scheme = Scheme.parse(f"{fmt} {mapping} {WORDS[kind]} @{name}")
            expected = runtime.variants.get(kind, runtime.arithmetic)
            assert scheme.arithmetic == runtime.row(scheme.granularity) == expected
            assert scheme.follows is runtime

    def test_it_takes_what_it_has_and_refuses_the_rest_in_a_sentence(self, name: str) -> None:
        runtime = RUNTIMES[name]
        taken = 0
        for fmt, mapping, kind in product(FORMATS.values(), MAPPINGS, WORDS):
            if fmt.mapping or MAPPINGS[mapping].refuses(fmt):
                continue
            text = f"{fmt} {mapping} {WORDS[kind]} @{name}"
            wrong = [
                word
                for word, has in (
                    (fmt.name, fmt.name in runtime.formats),
                    (mapping, mapping in runtime.mappings),
                    (WORDS[kind], kind in runtime.granularities),
                )
                if not has
            ]
            if not wrong:
                assert Scheme.parse(text).runtime == name
                taken += 1
                continue
            with pytest.raises(SchemeError) as caught:
                Scheme.parse(text)
            message = str(caught.value)
            assert message.startswith(f"@{name} has ")
            assert message.endswith(f", not {wrong[0]}.")
            assert text[caught.value.start : caught.value.stop] == wrong[0]
        mappings = sum(
            not MAPPINGS[mapping].refuses(fmt)
            for fmt in map(parse_format, runtime.formats)
            for mapping in runtime.mappings
            if fmt is not None
        )
        assert taken == mappings * len(runtime.granularities)

    @pytest.mark.parametrize("block", [fmt for fmt in FORMATS.values() if fmt.mapping], ids=str)
    def test_block_formats_are_nobody_s_runtime(self, name: str, block: engine.Format) -> None:
        with pytest.raises(SchemeError, match=rf"^@{name} has .*\.$"):
            Scheme.parse(f"{block} @{name}")

    @pytest.mark.parametrize("word", ["ties-away", "toward-zero", "stochastic(1)", "pow2"])
    def test_its_arithmetic_cannot_be_changed(self, name: str, word: str) -> None:
        runtime = RUNTIMES[name]
        text = f"{runtime.formats[0]} {runtime.mappings[0]} {word} @{name}"
        with pytest.raises(SchemeError, match="arithmetic of its own") as caught:
            Scheme.parse(text)
        assert text[caught.value.start : caught.value.stop] == word
        assert str(caught.value).endswith(".")

    def test_every_calibration_goes_with_it(self, name: str) -> None:
        runtime = RUNTIMES[name]
        x = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
        for calibration in ("minmax", "percentile(99)", "mse", "entropy", "manual(-1,1)"):
            for mapping in runtime.mappings:
                scheme = f"{runtime.formats[0]} {mapping} {calibration} @{name}"
                result = engine.evaluate(x, scheme)
                assert result.metrics["sqnr"] > 5
                assert result.qparams.arithmetic == runtime.arithmetic

    def test_float64_is_quantized_in_float32(self, name: str) -> None:
        runtime = RUNTIMES[name]
        x = np.random.default_rng(2).normal(size=500)
        scheme = f"{runtime.formats[0]} {runtime.mappings[0]} @{name}"
        double, single = engine.evaluate(x, scheme), engine.evaluate(x.astype(np.float32), scheme)
        assert double.qparams == single.qparams
        np.testing.assert_array_equal(double.codes, single.codes)
        np.testing.assert_array_equal(double.reconstructed, single.reconstructed)
        assert double.error.dtype == np.float64


def test_every_format_of_its_own_definition_has_a_source() -> None:
    for fmt in FORMATS.values():
        own = fmt not in INTEGERS
        assert fmt.source.startswith(("verified against ", "from documentation: ")) == own


def test_an_unknown_runtime_is_refused() -> None:
    fmt = parse_format("int8")
    assert fmt is not None
    with pytest.raises(ValueError, match="there is no runtime 'ncnn'"):
        Scheme(fmt, "symmetric", runtime="ncnn")
    with pytest.raises(ValueError, match="there is no rounding 'up'"):
        Arithmetic("up")


# Fused multiply-add, against exact fractions


def to_float32(exact: Fraction) -> float:
    """Round a fraction to float32 once, ties to even."""
    if exact == 0:
        return 0.0
    size = abs(exact)
    exponent = max(size.numerator.bit_length() - size.denominator.bit_length(), -126)
    while size < Fraction(2) ** exponent and exponent > -126:
        exponent -= 1
    while size >= Fraction(2) ** (exponent + 1):
        exponent += 1
    quantum = Fraction(2) ** (exponent - 23)
    rounded = round(size / quantum) * quantum
    if rounded >= Fraction(2) ** 128:
        return math.copysign(math.inf, exact)
    return math.copysign(float(rounded), exact)


def assert_fused(x: float, y: float, z: float) -> None:
    x32, y32, z32 = (np.float32(v) for v in (x, y, z))
    with np.errstate(over="ignore"):
        got = fused_multiply_add(np.array([x32]), y32, z32)
        with_arrays = fused_multiply_add(np.array([x32]), np.array([y32]), np.array([z32]))
    assert got.dtype == np.float32
    assert float(got[0]) == float(with_arrays[0])
    exact = Fraction(float(x32)) * Fraction(float(y32)) + Fraction(float(z32))
    assert float(got[0]) == to_float32(exact)


single = st.floats(width=32, allow_nan=False, allow_infinity=False)
moderate = st.floats(-(2.0**20), 2.0**20, width=32)


@given(x=st.one_of(single, moderate), y=st.one_of(single, moderate), z=st.one_of(single, moderate))
@examples(400)
@example(x=1.0, y=1.0, z=2.0**-24)
@example(x=1.0000001192092896, y=1.0000001192092896, z=0.0)
@example(x=1e-30, y=1e-30, z=1e-45)
@example(x=3e38, y=2.0, z=-3e38)
@example(x=3e38, y=3e38, z=1.0)
@example(x=-0.0, y=5.0, z=0.0)
def test_fused_multiply_add_rounds_once(x: float, y: float, z: float) -> None:
    assert_fused(x, y, z)


@given(
    whole=st.integers(2**23, 2**24 - 1),
    close=st.integers(12, 23),
    below=st.booleans(),
    sign=st.sampled_from([-1, 1]),
)
@examples(300)
@example(whole=2**23 + 1, close=20, below=False, sign=1)
@example(whole=2**23 + 2, close=20, below=True, sign=-1)
def test_a_hair_beside_a_midpoint_decides(whole: int, close: int, below: bool, sign: int) -> None:
    # The product is ½ less a hair, too small a one for float64 to hold beside the whole number:
    # ½ · (1 + a) · (1 − a) = ½ · (1 − a²).
    a = 2.0**-close
    half = -sign if below else sign
    assert_fused(half * 0.5 * (1 + a), 1 - a, sign * float(whole))


@given(st.integers(0, 255), st.integers(-(2**24), 2**24), st.integers(2**23, 2**24 - 1))
@examples(300)
def test_zero_points_are_added_as_pytorch_does(z: int, r: int, inverse: int) -> None:
    assert_fused(r * 2.0**-24, inverse * 2.0**-17, float(z))


def test_fused_differs_from_rounding_twice() -> None:
    x, y = np.float32(1 + 2.0**-12), np.float32(1 + 2.0**-12)
    fused = fused_multiply_add(np.array([x]), y, np.float32(-1))
    assert fused[0] == np.float32(2.0**-11 + 2.0**-24)
    assert fused[0] != x * y - np.float32(1)


@pytest.mark.parametrize(
    ("x", "y", "z", "expected"),
    [
        (math.inf, 2.0, 1.0, math.inf),
        (math.inf, -2.0, 1.0, -math.inf),
        (1.0, 2.0, -math.inf, -math.inf),
        (math.nan, 2.0, 1.0, math.nan),
        (math.inf, 0.0, 1.0, math.nan),
        (math.inf, 1.0, -math.inf, math.nan),
    ],
)
def test_fused_multiply_add_of_infinities(x: float, y: float, z: float, expected: float) -> None:
    with np.errstate(invalid="ignore"):
        got = float(fused_multiply_add(np.array([x], np.float32), np.float32(y), np.float32(z))[0])
    assert got == expected or (math.isnan(got) and math.isnan(expected))


def test_fused_multiply_add_keeps_the_shape() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    scale = np.array([[2.0], [3.0]], np.float32)
    result = fused_multiply_add(x, scale, np.float32(1))
    assert result.tolist() == [[1, 3, 5], [10, 13, 16]]
    assert fused_multiply_add(np.array(2, np.float32), np.float32(3), 4).shape == ()


# TensorRT, as its developer guide has it: s = max|R| / 127 for int8, max|R| / 448 for FP8;
# q = clip(round-to-nearest-even(R / s), −128, 127); R' = q · s.


def single_of(x: float) -> float:
    return float(np.float32(x))


def tensorrt(values: list[float], reach: float) -> tuple[float, list[int], list[float]]:
    s = single_of(reach / 127)
    # Python's round takes ties to the even number too.
    codes = [min(max(round(single_of(v / s)), -128), 127) for v in values]
    return s, codes, [single_of(code * s) for code in codes]


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        ([127, 0.5, 1.5, 2.5, -0.5, -1.5, -126.5], [127, 0, 2, 2, 0, -2, -126]),
        ([-127, 63.4, 63.6], [-127, 63, 64]),
        ([254, 1, 3, 5, -1], [127, 0, 2, 2, 0]),
    ],
)
def test_tensorrt_rounds_ties_to_even(values: list[float], codes: list[int]) -> None:
    result = engine.evaluate(values, "int8 symmetric @tensorrt")
    assert result.codes.tolist() == codes
    assert result.qparams.zero_point == 0


def test_tensorrt_clips_to_all_codes_of_a_range_given_by_hand() -> None:
    result = engine.evaluate(
        [-3.0, -1.004, -1.0, 1.0, 1.01], "int8 symmetric manual(-1,1) @tensorrt"
    )
    assert result.codes.tolist() == [-128, -128, -127, 127, 127]
    assert result.saturated.tolist() == [-1, 0, 0, 0, 1]


def test_tensorrt_quantizes_to_the_nearest_fp8_number() -> None:
    # S = 1: neighbours are 32 apart at 448, 1 apart at 8 … 16.
    values = [448.0, -448.0, 430.0, 432.0, 16.9, 17.0, 9.5, 10.5, 0.001, 0.0]
    result = engine.evaluate(values, "e4m3fn symmetric @tensorrt")
    assert result.qparams.scale == 1
    reconstructed = [448, -448, 416, 448, 16, 16, 10, 10, 2.0**-9 if 0.001 > 2.0**-10 else 0, 0]
    assert result.reconstructed.tolist() == reconstructed


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20), st.floats(0.01, 1e6))
@examples(100)
def test_tensorrt_follows_its_guide(values: list[float], unit: float) -> None:
    x = np.array([*values, 1001.0], np.float32) * np.float32(unit)
    s, codes, reconstructed = tensorrt(x.tolist(), max(abs(v) for v in x.tolist()))
    result = engine.evaluate(x, "int8 symmetric @tensorrt")
    assert (result.qparams.scale, result.qparams.zero_point) == (s, 0)
    assert result.codes.tolist() == codes
    assert result.reconstructed.tolist() == reconstructed


def test_tensorrt_scales_each_channel_by_its_own_reach() -> None:
    x = np.array([[127, 2.5], [1.27, -0.004], [-12.7, 0.25]], np.float32)
    result = engine.evaluate(x, "int8 symmetric per-channel(0) @tensorrt")
    for row, channel in enumerate(x.tolist()):
        s, codes, _ = tensorrt(channel, max(abs(v) for v in channel))
        assert result.qparams.scale[row] == s
        assert result.codes[row].tolist() == codes


# TFLite, as ChooseQuantizationParams and AffineQuantize of its kernels have it, in double:
# the range takes in 0, Z comes from whichever end errs less, ties go away from 0.


def away(x: float) -> int:
    """Round half away from 0, as std::round does."""
    size = Fraction(abs(x))
    return int(math.copysign(math.floor(size + Fraction(1, 2)), x))


def tflite_parameters(low: float, high: float, qmin: int, qmax: int) -> tuple[float, int]:
    low, high = min(low, 0.0), max(high, 0.0)
    s = (high - low) / (qmax - qmin)
    from_min, from_max = qmin - low / s, qmax - high / s
    min_error, max_error = abs(qmin) + abs(low / s), abs(qmax) + abs(high / s)
    z = from_min if min_error < max_error else from_max
    return single_of(s), min(max(away(z), qmin), qmax)


def tflite_codes(values: list[float], s: float, z: int, qmin: int, qmax: int) -> list[int]:
    return [min(max(away(single_of(v / s)) + z, qmin), qmax) for v in values]


@pytest.mark.parametrize(
    ("values", "fmt", "scale", "zero_point", "codes"),
    [
        # 0 … 255: S = 1, and Z = Qmin
        ([0, 255, 0.5, 1.5, 2.5], "uint8", 1.0, 0, [0, 255, 1, 2, 3]),
        ([0, 255, 0.5, 1.5, 2.5], "int8", 1.0, -128, [-128, 127, -127, -126, -125]),
        # −128 … 127: Z = 0, ties away from 0 on both sides
        ([-128, 127, 0.5, -0.5, -2.5], "int8", 1.0, 0, [-128, 127, 1, -1, -3]),
        ([-128, 127, 0.5, -0.5, -2.5], "uint8", 1.0, 128, [0, 255, 129, 127, 125]),
        # The range is widened to 0 from either side
        ([100, 510], "uint8", 2.0, 0, [50, 255]),
        ([-510, -100], "uint8", 2.0, 255, [0, 205]),
        # Z = 127.5 is rounded away from 0
        ([-127.5, 127.5, 0], "uint8", 1.0, 128, [0, 255, 128]),
    ],
)
def test_tflite_by_hand(
    values: list[float], fmt: str, scale: float, zero_point: int, codes: list[int]
) -> None:
    result = engine.evaluate(values, f"{fmt} asymmetric @tflite")
    assert (result.qparams.scale, result.qparams.zero_point) == (scale, zero_point)
    assert result.codes.tolist() == codes


@pytest.mark.parametrize(("fmt", "qmin", "qmax"), [("int8", -128, 127), ("uint8", 0, 255)])
@given(
    values=st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20),
    exponent=st.integers(-20, 20),
)
@examples(100)
@example(values=[-1.0, 1.0, 0.5], exponent=0)
@example(values=[-127.5, 127.5, 0.5, -0.5], exponent=0)
@example(values=[3.0, 5.0], exponent=0)
def test_tflite_follows_its_kernels(
    fmt: str, qmin: int, qmax: int, values: list[float], exponent: int
) -> None:
    x = np.array([*values, 0.7], np.float32) * np.float32(2.0**exponent)
    data = x.tolist()
    s, z = tflite_parameters(min(data), max(data), qmin, qmax)
    result = engine.evaluate(x, f"{fmt} asymmetric @tflite")
    assert (result.qparams.scale, result.qparams.zero_point) == (s, z)
    assert result.codes.tolist() == tflite_codes(data, s, z, qmin, qmax)
    reconstructed = [single_of((code - z) * s) for code in result.codes.tolist()]
    assert result.reconstructed.tolist() == reconstructed


@given(st.lists(st.floats(-1000, 1000, width=32), min_size=1, max_size=20))
@examples(100)
@example([127.0, 0.5, -0.5, 2.5, -126.5])
def test_tflite_weights_are_symmetric_from_minus_127_to_127(values: list[float]) -> None:
    # Its specification: int8 weights in [−127, 127], with the zero point 0.
    x = np.array([*values, 1.0], np.float32)
    data = x.tolist()
    s = single_of(max(abs(v) for v in data) / 127)
    result = engine.evaluate(x, "int8 symmetric @tflite")
    p = result.qparams
    assert (p.scale, p.zero_point, p.qmin, p.qmax) == (s, 0, -127, 127)
    assert result.codes.tolist() == tflite_codes(data, s, 0, -127, 127)


def test_tflite_weights_have_a_scale_per_channel() -> None:
    x = np.array([[127, -0.5, 2.5], [1.27, 0.004, -0.006]], np.float32)
    result = engine.evaluate(x, "int8 symmetric per-channel(0) @tflite")
    for row, channel in enumerate(x.tolist()):
        s = single_of(max(abs(v) for v in channel) / 127)
        assert result.qparams.scale[row] == s
        assert result.codes[row].tolist() == tflite_codes(channel, s, 0, -127, 127)
    assert result.qparams.zero_point.tolist() == [0, 0]
    assert result.qparams.granularity == Granularity("per-channel", 0)


@pytest.mark.parametrize("name", [n for n, r in RUNTIMES.items() if r.verified])
def test_what_is_verified_names_the_data_that_was_compared(name: str) -> None:
    """The comparisons in tests/runtimes are all of float32 data."""
    assert RUNTIMES[name].data == ("float32",)
    assert f"verified against {RUNTIMES[name].verified} on float32 data" in RUNTIMES[name].status


@pytest.mark.parametrize("kind", [np.float16, np.float64, ml_dtypes.bfloat16])
def test_other_data_than_was_compared_is_said(kind: type) -> None:
    x = np.linspace(-1, 1, 50).astype(kind)
    (note,) = engine.evaluate(x, "int8 symmetric @onnxruntime").warnings
    assert note.startswith(f"{np.dtype(kind).name} data is processed as float32, where @onnx")
    assert not engine.evaluate(x, "int8 symmetric").warnings
    assert not engine.evaluate(x.astype(np.float32), "int8 symmetric @onnxruntime").warnings


@pytest.mark.parametrize(
    ("runtime", "granularity", "fmt", "code", "words"),
    [
        ("onnxruntime", "", "int8", -128, "the lowest code"),
        ("onnxruntime", "per-group(2)", "uint8", 0, "the lowest code"),
        ("pytorch", "", "int8", 127, "the highest code"),
        ("pytorch", "", "uint8", 255, "the highest code"),
        ("pytorch", "per-channel(0)", "int8", 0, "the code 0"),
        ("pytorch-fake", "", "int8", -128, "the lowest code"),
        ("pytorch-fake", "per-channel(0)", "uint8", 0, "the lowest code"),
    ],
)
def test_nan_has_the_code_that_the_runtime_gives_it(
    runtime: str, granularity: str, fmt: str, code: int, words: str
) -> None:
    x = np.array([[-1.0, 2.0], [np.nan, 1.0]], np.float32)
    made = engine.evaluate(x, f"{fmt} asymmetric {granularity} @{runtime}")
    assert made.codes[1, 0] == code
    assert np.isnan(made.reconstructed[1, 0])
    (note,) = (note for note in made.warnings if note.startswith("1 value is NaN"))
    assert f"given {words} by {RUNTIMES[runtime].title}" in note
