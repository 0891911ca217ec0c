"""Codes from a device: reading dumps, and what is said of how they differ."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import QuantizationError
from quantoscope.engine.analysis.device_codes import compare_codes, raw_problem, read_codes
from quantoscope.engine.io import FormatError

RNG = np.random.default_rng(7)
X = RNG.standard_normal((4, 5, 6)).astype(np.float32)
SCHEME = "int8 asymmetric"


def _codes(x, scheme=SCHEME):
    return engine.evaluate(x, scheme).codes.astype(np.int64)


def _causes(made):
    return {cause.key: cause for cause in made.causes}


# Reading


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64"])
@pytest.mark.parametrize("big_endian", [False, True])
def test_a_raw_dump_is_read_as_told(tmp_path, dtype, big_endian):
    codes = np.arange(6).reshape(2, 3).astype(dtype)
    path = tmp_path / "codes.bin"
    codes.astype(codes.dtype.newbyteorder(">" if big_endian else "<")).tofile(path)
    read = read_codes(path, dtype, (2, 3), big_endian)
    np.testing.assert_array_equal(read, codes, strict=True)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "uint32", "int64"])
def test_the_order_of_bytes_is_the_one_that_is_told(tmp_path, dtype):
    path = tmp_path / "codes.bin"
    path.write_bytes(bytes(range(16)))
    shape = (16 // np.dtype(dtype).itemsize,)
    for big_endian, order in ((False, "little"), (True, "big")):
        width = np.dtype(dtype).itemsize
        wanted = [int.from_bytes(range(i, i + width), order) for i in range(0, 16, width)]
        assert read_codes(path, dtype, shape, big_endian).tolist() == wanted


def test_codes_beyond_what_differences_are_taken_in_are_refused():
    codes = np.array([1, 2, 2**63], np.uint64)
    with pytest.raises(QuantizationError, match="beyond those of int64"):
        compare_codes(np.ones(3, np.float32), SCHEME, codes)
    made = compare_codes(np.ones(3, np.float32), SCHEME, codes - np.uint64(1))
    assert made.second.codes.tolist() == [0, 1, 2**63 - 1]


def test_an_npy_says_itself_what_it_holds(tmp_path):
    path = tmp_path / "codes.npy"
    np.save(path, np.arange(6, dtype=np.uint8).reshape(3, 2))
    read = read_codes(path)
    assert (read.dtype, read.shape) == (np.uint8, (3, 2))


def test_what_does_not_fit_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "codes.bin"
    path.write_bytes(bytes(12))
    sentence = "codes.bin holds 12 bytes; int8 of shape 2×3 takes 6."
    assert raw_problem(path, "int8", (2, 3)) == sentence
    assert raw_problem(path, "int16", (2, 3)) == ""
    for arguments, says in (
        (("int8", (2, 3)), sentence),
        (("int8", (2**62, 2**62)), "takes more than any file holds."),
        ((), "codes.bin does not say what it holds: its codes need a type and a shape."),
        (("float32", (3,)), "its codes need a type and a shape."),
    ):
        with pytest.raises(FormatError) as caught:
            read_codes(path, *arguments)
        assert says in str(caught.value)
    np.save(tmp_path / "floats.npy", np.zeros(3, np.float32))
    with pytest.raises(FormatError, match="float32 values; codes are integers"):
        read_codes(tmp_path / "floats.npy")
    with pytest.raises(FormatError, match="there is no such file"):
        read_codes(tmp_path / "none.bin", "int8", (1,))


def test_other_numbers_of_codes_and_formats_without_whole_codes_are_refused():
    with pytest.raises(engine.QuantizationError, match="holds 3 codes where the array has 120"):
        compare_codes(X, SCHEME, np.zeros(3, np.int8))
    with pytest.raises(engine.QuantizationError, match="no whole numbers"):
        compare_codes(X, "e4m3fn symmetric", np.zeros(120, np.int8))


# Comparing


def test_equal_codes_have_no_cause_and_the_same_values():
    made = compare_codes(X, SCHEME, _codes(X))
    assert (made.count, made.causes, made.steps, made.outside) == (0, (), (), 0)
    np.testing.assert_array_equal(made.second.reconstructed, made.first.reconstructed)
    assert made.device_sqnr == made.sqnr
    assert made.sqnr == pytest.approx(made.first.metrics["sqnr"])


@given(st.integers(-60, 60).filter(bool), st.sampled_from([SCHEME, "int8 symmetric"]))
def test_codes_that_are_all_shifted_are_said_to_be(by, scheme):
    made = compare_codes(X, scheme, _codes(X, scheme) + by)
    cause = made.causes[0]
    assert cause.key == "offset"
    assert f"by {by:+d}: the device's zero point is {abs(by)}" in cause.title
    assert (made.count, cause.count, made.steps) == (X.size, X.size, ((by, X.size),))
    assert made.largest_step == abs(by)
    scale = made.first.qparams.scale
    np.testing.assert_allclose(
        made.second.reconstructed, made.first.reconstructed + by * scale, atol=1e-5
    )


def test_a_shift_shows_where_the_device_clips_after_it():
    made = compare_codes(X, SCHEME, np.clip(_codes(X) + 3, -128, 127))
    assert made.causes[0].key == "offset"
    assert made.causes[0].title.startswith("All codes inside the range differ by +3")


def test_unsigned_codes_are_told():
    made = compare_codes(X, SCHEME, _codes(X) + 128)
    assert made.causes[0].title.endswith("or its codes are unsigned")


def test_a_dump_read_with_the_wrong_sign_is_told():
    stored = _codes(X).astype(np.int8).view(np.uint8)
    made = compare_codes(X, SCHEME, stored)
    assert made.causes[0].key == "sign"
    assert made.causes[0].count == made.count == np.count_nonzero(_codes(X) < 0)


@pytest.mark.parametrize("fmt", ["int8-narrow", "int16-narrow", "int16"])
def test_a_wrong_sign_of_any_format_is_told_with_the_width_of_its_codes(fmt):
    codes = _codes(X, f"{fmt} symmetric")
    width = 1 << int(fmt.removeprefix("int").removesuffix("-narrow"))
    made = compare_codes(X, f"{fmt} symmetric", codes % width)
    assert made.causes[0].key == "sign"
    assert f"multiples of {width}:" in made.causes[0].title


def test_nan_differs_nowhere():
    x = X.copy()
    x[0, 0, 0] = np.nan
    codes = _codes(x)
    codes[0, 0, 0] = 99
    made = compare_codes(x, SCHEME, codes)
    assert made.count == 0
    assert np.isnan(made.second.reconstructed[0, 0, 0])


def test_a_code_of_nan_that_the_format_does_not_have_is_not_counted_as_outside():
    x = X.copy()
    x[0, 0, 0] = np.nan
    codes = _codes(x).astype(np.int32)
    codes[0, 0, 0] = 1000
    assert compare_codes(x, SCHEME, codes).outside == 0
    codes[0, 0, 1] = 1000
    assert compare_codes(x, SCHEME, codes).outside == 1


ORDERS = st.permutations(range(3)).filter(lambda order: order != [0, 1, 2])


@given(ORDERS)
def test_another_order_of_axes_is_found(order):
    dumped = np.ascontiguousarray(_codes(X).transpose(order)).reshape(X.shape)
    made = compare_codes(X, SCHEME, dumped)
    cause = _causes(made)["order"]
    assert cause.title.endswith("they all agree")
    words = "in reverse" if order == [2, 1, 0] else ", ".join(map(str, order))
    assert words in cause.title


def test_a_transposed_a_reversed_and_a_byte_swapped_dump_are_found():
    x = X[0]
    codes = _codes(x)
    cases = (
        (codes.T.reshape(-1), "as the transposed array, 6×5"),
        (codes.reshape(-1)[::-1], "from the last to the first"),
        (codes.astype(np.int16).byteswap(), "with the bytes of each code in reverse"),
    )
    for dumped, words in cases:
        title = _causes(compare_codes(x, SCHEME, dumped))["order"].title
        assert title == f"Read {words}, they all agree"


def test_a_random_dump_gets_no_diagnosis_that_is_not_true():
    made = compare_codes(X, SCHEME, RNG.integers(-128, 128, X.shape))
    assert not {"offset", "sign", "order", "clip", "ties"} & set(_causes(made))
    assert "other" in _causes(made)


@pytest.mark.parametrize("name", ["onnxruntime", "pytorch", "tflite"])
def test_the_codes_of_another_runtime_are_known_as_its(name):
    x = RNG.standard_normal(5000).astype(np.float32)
    codes = _codes(x, f"int8 symmetric @{name}")
    made = compare_codes(x, "int8 symmetric", codes)
    if made.count == 0:
        return
    cause = _causes(made)["runtime"]
    assert cause.title.startswith("The device's codes are exactly those of ")
    assert f"@{name}" in cause.title
    assert cause.count == made.count
    back = compare_codes(x, f"int8 symmetric @{name}", _codes(x, "int8 symmetric"))
    assert "the textbook's arithmetic" in _causes(back)["runtime"].title


def test_another_rounding_of_ties_is_told():
    x = np.array([127, 0.5, 1.5, 2.5, -0.5, 3.25], np.float32)
    made = compare_codes(x, "int8 symmetric", _codes(x, "int8 symmetric ties-away"))
    assert "3 of 3 lie on a rounding tie" in _causes(made)["ties"].title
    assert made.differs.tolist() == [False, True, False, True, True, False]


MANUAL = "int8 symmetric manual(-127,127)"
HALVES = np.array([0.5, 2.5, -4.5, 1.2, 3.3, 7.1, 8.2, 9.3, 20.4, -30.2, 11.3, 40.1], np.float32)


def test_of_differences_by_one_those_on_a_tie_alone_are_explained_by_it():
    codes = _codes(HALVES, MANUAL)
    codes[[0, 1, 3, 4]] += 1
    codes[2] -= 1
    made = compare_codes(HALVES, MANUAL, codes)
    assert "3 of 5 lie on a rounding tie" in _causes(made)["ties"].title
    assert _causes(made)["ties"].count == 3
    assert (_causes(made)["other"].count, made.cause_of[[3, 4]].tolist()) == (2, [2, 2])


def test_a_runtime_explains_no_difference_that_it_would_not_make():
    codes = _codes(HALVES, f"{MANUAL} ties-away")
    codes[7] += 9
    made = compare_codes(HALVES, MANUAL, codes)
    cause = _causes(made)["runtime"]
    assert "nearest to those of" in cause.title
    assert cause.title.endswith(": 1 differ")
    assert cause.count == 3
    assert np.flatnonzero(made.cause_of == 1).tolist() == [7]


def test_another_clip_range_is_told_with_its_ends():
    x = np.linspace(-2, 2, 400, dtype=np.float32)
    narrow = compare_codes(x, SCHEME, np.clip(_codes(x), -127, 127))
    assert _causes(narrow)["clip"].title.endswith("the device's codes end at -127")
    text = "int8 symmetric manual(-1,1)"
    scale = engine.evaluate(x, text).qparams.scale
    wide = compare_codes(x, text, np.rint(x / np.float32(scale)).astype(np.int64))
    assert "Only where the scheme clips" in _causes(wide)["clip"].title
    assert wide.outside == np.count_nonzero(np.abs(wide.second.codes + 0.5) > 128)
    assert "outside" in _causes(wide)


@given(st.lists(st.integers(-300, 300), min_size=30, max_size=30))
def test_every_differing_value_has_a_cause_and_every_cause_an_example(codes):
    x = X[0]
    made = compare_codes(x, SCHEME, np.array(codes))
    assert ((made.cause_of >= 0) == made.differs).all()
    for cause, mask in zip(made.causes, made.masks, strict=True):
        assert cause.count == np.count_nonzero(mask) > 0
        assert mask.flat[cause.example]
        assert not (mask & ~made.differs).any()
    assert sum(count for _, count in made.steps) == made.count
