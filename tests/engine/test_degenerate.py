"""Input at the edge: each kind has one outcome, whatever the quantizer."""

from __future__ import annotations

import array
import time
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.quantizers import MAPPINGS

SCHEMES = [f"{fmt} {mapping}" for mapping in MAPPINGS for fmt in ("int8", "uint8", "int2")]
every_scheme = pytest.mark.parametrize("text", SCHEMES)
every_precision = pytest.mark.parametrize("dtype", ["float32", "float64"])

F32 = np.finfo(np.float32)
F64 = np.finfo(np.float64)


REFUSED: list[tuple[str, Any, str]] = [
    ("empty list", [], "empty"),
    ("no columns", [[], []], "empty"),
    ("empty array", np.zeros((0, 3)), "empty"),
    ("all NaN", [float("nan")] * 3, "no finite value"),
    ("only infinities", [float("inf"), -float("inf")], "no finite value"),
    ("NaN and infinity", [float("nan"), float("inf")], "no finite value"),
    ("one NaN, no axes", np.float32("nan"), "no finite value"),
    ("text", ["a", "b"], "text"),
    ("one word", "0.5", "text"),
    ("bytes", b"0.5", "text"),
    ("text among numbers", [1.0, "a"], "text"),
    ("ragged", [[1.0, 2.0], [3.0]], "different lengths"),
    ("ragged in depth", [1.0, [2.0]], "different lengths"),
    ("complex", [1j], "complex"),
    ("bool", [True, False], "true and false"),
    ("bool array", np.ones(3, bool), "true and false"),
    ("None", None, "something else than numbers"),
    ("None among numbers", [1.0, None], "something else than numbers"),
    ("bool among objects", np.array([1.0, True], object), "something else than numbers"),
    ("set", {1.0}, "something else than numbers"),
    ("fractions", [Fraction(1, 2)], "something else than numbers"),
    ("dates", np.array(["2020-01-01"], "M8[D]"), "dates"),
    ("structured", np.zeros(2, "f4,f4"), "void"),
    ("an integer past float64", [10**400, 1], "beyond 1.8e+308"),
]


@every_scheme
@pytest.mark.parametrize(("x", "word"), [row[1:] for row in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_is_no_array_of_real_numbers_is_refused_with_a_sentence(
    x: Any, word: str, text: str
) -> None:
    messages = set()
    for function in (engine.calibrate, engine.evaluate, lambda x, s: engine.trace(x, s, [0])):
        with pytest.raises(engine.QuantizationError) as caught:
            function(x, text)
        messages.add(str(caught.value))
    (message,) = messages
    assert word in message
    assert message[0].isupper()
    assert message.endswith(".")


@every_scheme
def test_a_wrong_input_to_quantize_is_refused_too(text: str) -> None:
    p = engine.calibrate([1.0, 2.0], text)
    for x, word in (
        ([], "empty"),
        (["a"], "text"),
        ([1, float("nan")], "1 value is NaN"),
        (np.full(2000, np.nan), "2,000 values are NaN"),
    ):
        with pytest.raises(engine.QuantizationError, match=word):
            engine.quantize(x, p)
    with pytest.raises(engine.QuantizationError, match="integers"):
        engine.dequantize(["a"], p)
    with pytest.raises(engine.QuantizationError, match="integers"):
        engine.dequantize([0.5], p)


@pytest.mark.parametrize(
    ("text", "last"), [("nf4 symmetric", 15), ("e2m1fn symmetric", 15), ("mxfp4-gguf", 15),
                       ("e4m3fn symmetric", 255)],
)  # fmt: skip
def test_codes_that_a_format_without_integers_does_not_have_are_refused(
    text: str, last: int
) -> None:
    p = engine.calibrate([1.0, -2.0], text)
    assert engine.dequantize([0, last], p).shape == (2,)
    for code in (-1, last + 1, 2**40):
        with pytest.raises(
            engine.QuantizationError, match=rf"{code} is no code of .*0 to {last}\."
        ):
            engine.dequantize([0, code], p)


def test_integer_codes_beyond_the_range_are_reconstructed_as_the_formula_says() -> None:
    p = engine.calibrate([1.0, -2.0], "int8 symmetric")
    assert engine.dequantize([300], p)[0] == np.float32(300) * np.float32(p.scale)


@every_scheme
@every_precision
@pytest.mark.parametrize("value", [0.7, 1.0, 3e-5, 1e30, 127.0, -0.7, -1e-20])
def test_a_constant_is_reconstructed_within_half_a_step(
    value: float, dtype: str, text: str
) -> None:
    x = np.full((2, 3), value, dtype)
    result = engine.evaluate(x, text)
    p = result.qparams
    assert p.scale > 0
    if value < 0 and text.startswith("uint") and "asymmetric" not in text:
        # Codes from 0 up cannot express it, and the evaluation says so.
        assert (result.saturated == -1).all()
        assert (result.reconstructed == 0).all()
        assert any("Negative values become 0" in note for note in result.warnings)
        return
    assert not result.saturated.any()
    assert (np.abs(result.error) <= p.scale / 2).all()
    # The constant is a level, so the error is a rounding of the arithmetic, far below S/2.
    assert (np.abs(result.error) <= 2 * np.finfo(dtype).eps * abs(value)).all()


@every_scheme
@every_precision
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_all_zeros_give_scale_1_and_every_code_the_zero_point(
    zero: float, dtype: str, text: str
) -> None:
    result = engine.evaluate(np.full(5, zero, dtype), text)
    p = result.qparams
    assert (p.scale, p.origin) == (1.0, "zeros")
    assert (result.reconstructed == 0).all()
    assert (result.codes == p.zero_point).all()
    assert p.qmin <= p.zero_point <= p.qmax
    assert result.metrics["sqnr"] == float("inf")
    assert any("All values are 0" in note for note in result.warnings)


@every_scheme
@every_precision
def test_the_sign_of_zero_makes_no_difference(dtype: str, text: str) -> None:
    x = np.array([0.0, -0.0, 1, -2], dtype)
    codes = engine.evaluate(x, text).codes
    assert codes[0] == codes[1]


@every_scheme
@every_precision
def test_a_single_value_without_axes_is_an_array_without_axes(dtype: str, text: str) -> None:
    result = engine.evaluate(np.dtype(dtype).type(3), text)
    for part in (result.codes, result.reconstructed, result.error, result.saturated):
        assert isinstance(part, np.ndarray)
        assert part.shape == ()
    assert result.reconstructed.dtype == dtype
    assert float(result.reconstructed) == pytest.approx(3, rel=1e-6)


@every_scheme
@every_precision
@pytest.mark.parametrize("offset", [0, 100, -100])
def test_nan_is_counted_marked_and_left_out(offset: float, dtype: str, text: str) -> None:
    numbers = np.array([-1, 0.25, 0.5, 2], dtype) + np.dtype(dtype).type(offset)
    x = np.insert(numbers, [0, 2, 4], np.nan)
    result, clean = engine.evaluate(x, text), engine.evaluate(numbers, text)
    nan = np.isnan(x)
    assert result.qparams == clean.qparams
    np.testing.assert_array_equal(np.isnan(result.reconstructed), nan)
    np.testing.assert_array_equal(np.isnan(result.error), nan)
    np.testing.assert_array_equal(result.codes[~nan], clean.codes)
    assert not result.saturated[nan].any()
    assert not engine.trace(x, text, np.flatnonzero(nan)).saturated.any()
    p = result.qparams
    assert (result.codes[nan] == min(max(p.zero_point, p.qmin), p.qmax)).all()
    np.testing.assert_array_equal(result.code_counts, clean.code_counts)
    # A place among all values, and a cost that all values share.
    others = dict.fromkeys(("max_abs_error_index", "bits_per_value"), 0)
    assert result.metrics | others == clean.metrics | others
    assert result.metrics["bits_per_value"] == p.format.bits
    index = int(result.metrics["max_abs_error_index"])
    assert abs(float(result.error[index])) == result.metrics["max_abs_error"]
    assert result.warnings[0].startswith("3 values are NaN")


@every_scheme
@every_precision
def test_infinities_get_the_last_code_and_are_left_out_of_the_sums(dtype: str, text: str) -> None:
    x = np.array([np.inf, -1, 0.25, 2, -np.inf], dtype)
    result, clean = engine.evaluate(x, text), engine.evaluate(x[1:-1], text)
    p = result.qparams
    assert p == clean.qparams
    assert result.codes[[0, -1]].tolist() == [p.qmax, p.qmin]
    assert result.saturated[[0, -1]].tolist() == [1, -1]
    assert np.isfinite(result.reconstructed).all()
    assert result.error[[0, -1]].tolist() == [-np.inf, np.inf]
    for key in ("sqnr", "mse", "mae", "bias", "cosine", "max_abs_error", "rounding_power"):
        # The same sums, in another order.
        assert result.metrics[key] == pytest.approx(clean.metrics[key], rel=1e-12, abs=0)
    assert result.metrics["clipped_high"] == clean.metrics["clipped_high"] + 1
    assert result.metrics["clipped_low"] == clean.metrics["clipped_low"] + 1
    assert any(note.startswith("2 values are infinite") for note in result.warnings)


@every_scheme
@every_precision
@pytest.mark.parametrize("x", [np.nan, [np.nan, np.nan], [[np.inf, -np.inf]], [np.nan, np.inf]])
def test_a_range_by_hand_takes_even_what_holds_no_number(x: Any, dtype: str, text: str) -> None:
    values = np.array(x, dtype)
    result = engine.evaluate(values, f"{text} manual(-1,1)")
    assert result.codes.shape == result.reconstructed.shape == values.shape
    np.testing.assert_array_equal(np.isnan(result.reconstructed), np.isnan(values))
    assert np.isnan(result.metrics["sqnr"])
    assert result.code_counts.sum() == np.isinf(values).sum()


@every_scheme
@every_precision
def test_subnormals_give_a_scale_that_can_be_divided_by(dtype: str, text: str) -> None:
    tiny = np.finfo(dtype).smallest_subnormal
    for multiples in ([1, 2], [0, 1], [1, 1], [-1, 1], [-500, 300, 7], [-1, -1], [1e5, -3e5]):
        x = np.array(multiples, dtype) * tiny
        result = engine.evaluate(x, text)
        p = result.qparams
        assert p.working_scale >= tiny
        assert np.isfinite(result.reconstructed).all()
        inside = result.saturated == 0
        assert (np.abs(result.error[inside]) <= p.working_scale).all()
        assert np.isfinite(result.metrics["mae"])
        assert any("subnormal" in note for note in result.warnings) or p.origin == "constant"


@every_precision
def test_a_scale_below_the_smallest_number_is_raised_to_it(dtype: str) -> None:
    tiny = np.finfo(dtype).smallest_subnormal
    p = engine.calibrate(np.array([0, 1], dtype) * tiny, "int8 asymmetric")
    assert (p.scale, p.origin) == (float(tiny), "floor")


@every_scheme
def test_a_range_that_overflows_float32_is_taken_in_float64(text: str) -> None:
    x = np.array([-F32.max, 0, F32.max / 3, F32.max], np.float32)
    result = engine.evaluate(x, text)
    p = result.qparams
    assert p.dtype == np.float32
    if "symmetric" not in text.split():
        assert p.scale == 2 * float(F32.max) / (p.qmax - p.qmin)
    else:
        assert p.scale == float(F32.max) / p.qmax
    assert result.saturated[1] == 0
    beyond = np.isinf(result.reconstructed)
    assert any("reconstructed as infinity" in note for note in result.warnings) == beyond.any()


@pytest.mark.parametrize("mapping", ["scale-only", "asymmetric"])
def test_a_range_that_overflows_float64_is_refused(mapping: str) -> None:
    x = np.array([-F64.max, F64.max])
    with pytest.raises(engine.QuantizationError, match="too wide: its scale overflows float64"):
        engine.evaluate(x, f"int8 {mapping}")


def test_symmetric_takes_the_whole_of_float64() -> None:
    x = np.array([-F64.max, F64.max / 3, F64.max])
    result = engine.evaluate(x, "int8 symmetric")
    assert result.codes.tolist() == [-127, 42, 127]


@pytest.mark.parametrize(
    ("x", "dtype"),
    [
        ([1.5, 2.5], "float32"),
        ((1, 2), "float32"),
        (range(3), "float32"),
        (7, "float32"),
        (0.1, "float32"),
        ([1e39, 1.0], "float64"),
        ([float("inf"), 1.0], "float32"),
        ([10**30, -1], "float32"),
        ([2**63, -1], "float32"),
        ([10**50, -1], "float64"),
        (np.array([10**30, 1], object), "float64"),
        (np.array([1.0, 2.0]), "float64"),
        (np.float64(2), "float64"),
        (np.float32(2), "float32"),
        (array.array("d", [1.0, 2.0]), "float64"),
        (array.array("f", [1.0, 2.0]), "float32"),
        (np.array([1, 2], np.longdouble), "float64"),
        (np.array([1, 2], np.float16), "float32"),
        (np.array([1, 2], ml_dtypes.bfloat16), "float32"),
        (np.array([1, 2], ml_dtypes.float8_e4m3fn), "float32"),
        (np.array([1, 2], ml_dtypes.int4), "float32"),
        (np.array([-128, 127], np.int8), "float32"),
        (np.array([0, 2**24], np.int64), "float32"),
        (np.array([0, 2**24 + 1], np.int32), "float64"),
        (np.array([0, 2**64 - 1], np.uint64), "float64"),
    ],
)
def test_the_working_precision_follows_from_the_input(x: Any, dtype: str) -> None:
    result = engine.evaluate(x, "int8 asymmetric")
    assert result.qparams.dtype == dtype
    assert result.reconstructed.dtype == result.error.dtype == dtype
    assert result.codes.dtype == np.int8


def test_small_floats_are_quantized_as_their_float32_values() -> None:
    for small in (np.float16, ml_dtypes.bfloat16):
        x = np.array([0.1, -1.7, 3.3], small)
        expected = engine.evaluate(x.astype(np.float32), "int8 asymmetric")
        result = engine.evaluate(x, "int8 asymmetric")
        assert result.qparams == expected.qparams
        np.testing.assert_array_equal(result.error, expected.error)


def test_int8_input_through_int8_asymmetric_is_lossless() -> None:
    x = np.arange(-128, 128).astype(np.int8)
    result = engine.evaluate(x, "int8 asymmetric")
    np.testing.assert_array_equal(result.codes, x)
    assert result.metrics["sqnr"] == float("inf")


@pytest.mark.parametrize(
    ("x", "text", "note"),
    [
        ([100.0, 101.0], "uint8 asymmetric", "zero point -25500 lies outside the codes 0…255"),
        ([-101.0, -100.0], "int8 asymmetric", "lies outside the codes -128…127"),
        ([-1.0, 1.0], "uint8 symmetric", "Negative values become 0"),
        ([-1.0, 1.0], "uint8 scale-only", "Negative values become 0"),
        ([0.5, 0.5], "int8 asymmetric", "All values are equal"),
    ],
)
def test_what_the_figures_do_not_tell_is_a_warning(x: Any, text: str, note: str) -> None:
    (warning,) = engine.evaluate(x, text).warnings
    assert note in warning


def test_a_warning_of_one_channel_names_it_and_one_of_several_says_how_many() -> None:
    x = np.random.default_rng(0).normal(size=(5, 8)).astype(np.float32)
    x[3] = 2
    (warning,) = engine.evaluate(x, "int8 asymmetric per-channel(0)").warnings
    assert warning.startswith("All values of channel or group 3 are equal:")
    x[1] = 4
    (warning,) = engine.evaluate(x, "int8 asymmetric per-channel(0)").warnings
    assert warning.startswith("All values of 2 of 5 channels or groups are equal:")
    x[1], x[3], x[2] = 2 * x[0], 3 * x[0], 0
    (warning,) = engine.evaluate(x, "int8 symmetric per-channel(0)").warnings
    assert warning.startswith("All values of channel or group 2 are 0:")
    x[2], x[4] = x[0], np.linspace(100, 101, 8)
    (warning,) = engine.evaluate(x, "int8 asymmetric per-channel(0)").warnings
    assert warning.startswith("The zero point of channel or group 4 lies outside the codes")


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([-1.0, 1.0], "uint8 asymmetric"),
        ([0.0, 1.0], "uint8 symmetric"),
        # Z = 0 since the little below 0 is less than half a step: nothing is lost.
        ([-0.0001, 1.0], "uint8 asymmetric"),
        ([0.3, -0.2], "int8 symmetric"),
        # Whoever sets a range by hand from 0 up wants what lies below to become 0.
        ([-0.1, 0.5, 1.0], "uint8 symmetric manual(0,1)"),
    ],
)
def test_where_there_is_nothing_to_warn_of_there_is_no_warning(x: Any, text: str) -> None:
    assert engine.evaluate(x, text).warnings == ()


def test_a_range_by_hand_from_0_up_is_told_what_it_costs_and_no_more() -> None:
    (note,) = engine.evaluate([-1.0, 1.0], "uint8 asymmetric manual(0,1)").warnings
    assert note.startswith("Clipping costs more than it saves")


def test_a_zero_point_far_beyond_any_integer_type_is_computed() -> None:
    x = np.array([1e300, np.nextafter(1e300, np.inf)])
    result = engine.evaluate(x, "uint16 asymmetric")
    assert result.qparams.zero_point < -(2**63)
    assert np.isfinite(result.reconstructed).all()
    assert "lies outside the codes" in result.warnings[0]


@every_precision
@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_range_by_hand_need_not_hold_the_data(mapping: str, dtype: str) -> None:
    x = np.array([-5, 0, 5], dtype)
    result = engine.evaluate(x, f"int8 {mapping} manual(100,101)")
    p = result.qparams
    assert p.range == ((-101, 101) if mapping == "symmetric" else (100, 101))
    reconstructed = result.reconstructed
    if mapping == "asymmetric":
        assert result.saturated.tolist() == [-1, -1, -1]
        np.testing.assert_allclose(reconstructed, 100, atol=p.scale)
    assert result.metrics["codes_used"] <= 3


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize(
    ("calibration", "word"),
    [
        ("manual(-1e39,1)", "beyond float32"),
        ("manual(0,1e300)", "beyond float32"),
        ("manual(1,1.00000001)", "no width in float32: both ends round to 1.0"),
        ("manual(0,1e-50)", "no width in float32: both ends round to 0.0"),
    ],
)
def test_a_range_by_hand_that_float32_cannot_hold_is_refused(
    mapping: str, calibration: str, word: str
) -> None:
    scheme = f"int8 {mapping} {calibration}"
    with pytest.raises(engine.QuantizationError, match=word.replace(".", r"\.")) as caught:
        engine.evaluate(np.float32([0, 1]), scheme)
    assert calibration.partition("(")[0] in str(caught.value)
    assert engine.evaluate(np.float64([0, 1]), scheme).qparams.scale > 0


def test_values_past_the_parameters_precision_saturate() -> None:
    p = engine.calibrate(np.float32([-1, 1]), "int8 symmetric")
    x = np.array([1e300, -1e300, np.inf])
    assert engine.quantize(x, p).tolist() == [127, -127, 127]
    assert engine.trace(x, p, [0, 1, 2])["clipped"].tolist() == [127, -127, 127]


def test_parameters_decide_the_precision_of_a_trace() -> None:
    x = np.random.RandomState(3).normal(size=50)
    p = engine.calibrate(x.astype(np.float32), "int8 asymmetric")
    trace = engine.trace(x, p, np.arange(50))
    np.testing.assert_array_equal(trace["clipped"], engine.quantize(x, p))
    kinds = {key: column.dtype.name for key, column in trace.items()}
    # R stays what it is, and the error is that of R.
    assert kinds.pop("real") == kinds.pop("error") == "float64"
    assert set(kinds.values()) == {"float32"}


def test_a_trace_of_no_value_is_empty_and_one_outside_is_an_error() -> None:
    x = np.zeros((2, 3), np.float32)
    assert all(len(column) == 0 for column in engine.trace(x, "int8 symmetric", []).values())
    assert engine.trace(x, "int8 symmetric", 5)["real"].shape == (1,)
    for outside in ([6], [-7]):
        with pytest.raises(IndexError):
            engine.trace(x, "int8 symmetric", outside)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_numpy_set_to_raise_on_anything_meets_no_floating_point_error(mapping: str) -> None:
    arrays = [
        np.float32([F32.max, -F32.max, F32.smallest_subnormal, 1]),
        np.float32([1e-45, 3e-45, np.nan, np.inf]),
        np.array([1e300, 1e-300, -1e-310]),
        np.float32([1e8, 1e8 + 8]),
    ]
    with np.errstate(all="raise"):
        for x in arrays:
            engine.evaluate(x, f"int8 {mapping}")
            engine.trace(x, f"int8 {mapping}", range(len(x)))
            engine.summarize(x)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_million_values_take_no_time_worth_mentioning(mapping: str) -> None:
    x = np.random.RandomState(0).normal(size=1_000_000).astype(np.float32)
    start = time.process_time()
    result = engine.evaluate(x, f"int8 {mapping}")
    assert time.process_time() - start < 2  # usually 0.02 s: this guards against a Python loop
    assert result.code_counts.sum() == x.size


@pytest.mark.parametrize("text", ["int8 symmetric per-group(32) @aiedge", "q8_0"])
@pytest.mark.parametrize(
    ("largest", "sentence"),
    [
        (1e-5, "The scale 5.96e-08 of 2 of 2 channels or groups is subnormal in float16"),
        (1e-9, "The scale of 2 of 2 channels or groups is 0 as float16 stores it"),
        (1e8, "The scale of 2 of 2 channels or groups overflows float16 and is infinite"),
    ],
)
def test_a_scale_that_float16_cannot_hold_well_is_said_to_be_stored_in_it(
    largest: float, sentence: str, text: str
) -> None:
    x = np.linspace(-largest, largest, 64).astype(np.float32).reshape(2, 32)
    notes = engine.evaluate(x, text).warnings
    assert any(note.startswith(sentence) for note in notes), notes


def test_stages_are_not_told_of_parameters_that_belong_to_other_channels():
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    p = engine.evaluate(x, "int8 symmetric per-channel(0)").qparams
    assert engine.trace(x, p, [11])["real"].tolist() == [11]
    with pytest.raises(engine.QuantizationError, match=r"3 channels or groups; this array has 2\."):
        engine.trace(x[:2], p, [0])
    with pytest.raises(engine.QuantizationError):
        engine.trace(np.float32([1, 2]), "int8 symmetric per-channel(3)", [0])


@pytest.mark.parametrize("z", [2**22, -(2**22), 2**22 - 1, 1 - 2**22])
def test_a_zero_point_so_far_off_that_float32_hardly_has_halves_there_is_told(z: int) -> None:
    x = np.array([127 - z - 255, 127 - z], np.float32)
    result = engine.evaluate(x, "int8 asymmetric")
    assert (result.qparams.scale, result.qparams.zero_point) == (1, z)
    assert any("half a step" in note for note in result.warnings) == (abs(z) >= 2**22)
