"""The scheme's text form: parse and print, and errors that point at the wrong word."""

from __future__ import annotations

import dataclasses
import math
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from quantoscope.engine import (
    FORMATS,
    MAPPINGS,
    Granularity,
    QuantizationError,
    Scheme,
    SchemeError,
)
from quantoscope.engine.formats import SMALL_FLOATS, IntegerFormat, in_menu_order, parse_format
from quantoscope.engine.numerics.arithmetic import ROUNDINGS
from quantoscope.engine.schemes.runtimes import RUNTIMES
from quantoscope.engine.schemes.scheme import MINMAX, Calibration, as_scheme
from tests.laws import examples

finite = st.floats(allow_nan=False, allow_infinity=False)
ranges = st.tuples(finite, finite).map(sorted).filter(lambda ends: ends[0] < ends[1])
calibrations = st.one_of(
    st.just(MINMAX),
    st.just(Calibration("mse")),
    ranges.map(lambda ends: Calibration("manual", tuple(ends))),
    st.floats(50, 100, exclude_min=True).map(lambda p: Calibration("percentile", (p,))),
    st.integers(2, 1_000_000).map(lambda bins: Calibration("entropy", (float(bins),))),
)
BLOCKS = [fmt for fmt in FORMATS.values() if fmt.mapping]
integers = st.sampled_from([fmt for fmt in FORMATS.values() if isinstance(fmt, IntegerFormat)])
granularities = st.one_of(
    st.just(Granularity()),
    st.integers(-4, 4).map(lambda axis: Granularity("per-channel", axis)),
    st.integers(1, 1 << 24).map(lambda n: Granularity("per-group", n)),
)
roundings = st.one_of(
    st.sampled_from(list(ROUNDINGS)),
    st.integers(0, 2**31 - 1).map(lambda seed: f"stochastic({seed})"),
)
of_integers = st.builds(
    Scheme,
    integers,
    st.sampled_from(list(MAPPINGS)),
    calibrations,
    granularities,
    rounding=roundings,
    pow2=st.booleans(),
)
of_floats = st.builds(
    Scheme, st.sampled_from(SMALL_FLOATS), st.just("symmetric"), calibrations, granularities
)
of_blocks = st.sampled_from(BLOCKS).map(lambda fmt: Scheme.parse(fmt.name))


@st.composite
def _of_runtimes(draw: st.DrawFn) -> Scheme:
    runtime = RUNTIMES[draw(st.sampled_from(list(RUNTIMES)))]
    fmt = parse_format(draw(st.sampled_from(runtime.formats)))
    assert fmt is not None
    granularity = draw(granularities.filter(lambda g: g.kind in runtime.granularities))
    mapping = draw(st.sampled_from(runtime.mappings))
    return Scheme(fmt, mapping, draw(calibrations), granularity, runtime=runtime.name)


schemes = st.one_of(of_integers, of_floats, of_blocks, _of_runtimes())


@given(schemes)
@examples(100)
@example(Scheme(IntegerFormat(8, True), "symmetric", Calibration("manual", (-5e-324, 1.7e308))))
@example(Scheme(IntegerFormat(8, True), "symmetric", Calibration("manual", (-0.0, 1e16))))
def test_what_is_printed_parses_back_to_the_same(scheme: Scheme) -> None:
    assert Scheme.parse(str(scheme)) == scheme


@given(schemes)
@examples(100)
def test_printing_is_canonical(scheme: Scheme) -> None:
    assert str(Scheme.parse(str(scheme))) == str(scheme)
    assert " ".join(str(scheme).split()) == str(scheme)


@given(schemes, st.data())
@examples(100)
def test_the_order_of_the_words_makes_no_difference(scheme: Scheme, data: st.DataObject) -> None:
    more = (
        ["per-tensor"] if scheme.granularity.whole else ["minmax"] if "(" not in str(scheme) else []
    )
    words = data.draw(st.permutations([*str(scheme).split(), *more]))
    gap = data.draw(st.sampled_from([" ", "  ", "\t", "\n "]))
    assert Scheme.parse(gap + gap.join(words) + gap) == scheme


def test_schemes_that_are_equal_print_alike() -> None:
    plus, minus = (Scheme.parse(f"int8 symmetric manual({zero},1)") for zero in ("0", "-0.0"))
    assert plus == minus
    assert hash(plus) == hash(minus)
    assert str(plus) == str(minus) == "int8 symmetric manual(0,1)"


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("int8 symmetric", "int8 symmetric"),
        ("symmetric int8", "int8 symmetric"),
        ("  INT8\tScale-Only\n", "int8 scale-only"),
        ("int8 asymmetric minmax", "int8 asymmetric"),
        ("int8 asymmetric minmax()", "int8 asymmetric"),
        ("per-tensor uint4 asymmetric", "uint4 asymmetric"),
        ("manual(-1, 1) int8 symmetric", "int8 symmetric manual(-1,1)"),
        ("manual( -1 ,\t1 ) int8 symmetric", "int8 symmetric manual(-1,1)"),
        ("int8 symmetric manual(−1.50,+2e0)", "int8 symmetric manual(-1.5,2)"),
        (
            "int8 symmetric manual(.1,1e-1)".replace("1e-1", "0.30"),
            "int8 symmetric manual(0.1,0.3)",
        ),
        ("int16 symmetric manual(1e300,1e301)", "int16 symmetric manual(1e+300,1e+301)"),
        ("int8 symmetric manual(-1e-7,123456789)", "int8 symmetric manual(-1e-07,123456789)"),
        # The numerals that cells take
        ("int8 symmetric manual(-0x7f,0x80)", "int8 symmetric manual(-127,128)"),
        ("int8 symmetric manual(-1.5D-03,2.5f)", "int8 symmetric manual(-0.0015,2.5)"),
        ("int8 symmetric manual(-1 000,1'000.5)", "int8 symmetric manual(-1000,1000.5)"),
        ("int8 symmetric entropy(٢٠٤٨,１２８)", "int8 symmetric entropy(2048,128)"),
        ("int8 symmetric per-group（３２）", "int8 symmetric per-group(32)"),
    ],
)
def test_text_in_many_forms_prints_in_one(text: str, printed: str) -> None:
    assert str(Scheme.parse(text)) == printed


WRONG: list[tuple[str, str, str]] = [
    # text, the wrong word, what the message must name
    ("int8 symetric", "symetric", "Did you mean symmetric?"),
    ("int8 asymetric", "asymetric", "scale-only, symmetric, asymmetric"),
    ("int32 symmetric", "int32", "int2…int16, uint2…uint16"),
    ("int1 symmetric", "int1", "int2…int16"),
    ("int17 symmetric", "int17", "int2…int16"),
    ("float16 symmetric", "float16", "int2…int16"),
    ("int8 symmetric percent(99.99)", "percent(99.99)", "percentile(p)"),
    ("int8 symmetric percentile(20)", "percentile(20)", "above 50"),
    ("int8 symmetric percentile", "percentile", "is written percentile(p)"),
    ("int8 symmetric entropy(9,9)", "entropy(9,9)", "more bins than levels"),
    ("int8 symmetric mse(2)", "mse(2)", "takes no numbers"),
    ("int8 symmetric per-channel", "per-channel", "as in per-channel(0)"),
    ("int8 symmetric per-group(0)", "per-group(0)", "from 1 to"),
    ("int8 symmetric per-group(x)", "per-group(x)", "as in per-group(32)"),
    ("int8 symmetric per-tensor(1)", "per-tensor(1)", "takes no number"),
    ("int8 symmetric @onnx", "@onnx", "Did you mean @onnxruntime?"),
    ("int8 symmetric stochastic(x)", "stochastic(x)", "whole number"),
    ("int8 scale-only @onnxruntime", "scale-only", "has symmetric, asymmetric"),
    ("int5 symmetric @pytorch", "int5", "has int8, uint8"),
    ("int8 symmetric per-group(8) @pytorch", "per-group(8)", "per-tensor, per-channel"),
    ("int8 symmetric @tflite pow2", "pow2", "arithmetic of its own"),
    ("int8 symmetric @tflite ties-away", "ties-away", "arithmetic of its own"),
    ("e4m3fn asymmetric", "e4m3fn", "takes an integer format"),
    ("nf4 symmetric ties-away", "ties-away", "rounding of its own"),
    ("q8_0 mse", "mse", "from each block"),
    ("q8_0 per-group(8)", "per-group(8)", "blocks of 32"),
    ("q8_0 pow2", "pow2", "a scale of its own"),
    ("mxfp4", "mxfp4", "Did you mean mxfp4-gguf?"),
    ("int8 uint8 symmetric", "uint8", "both name a format"),
    ("int8 symmetric scale-only", "scale-only", "both name a mapping"),
    ("int8 minmax symmetric manual(0,1)", "manual(0,1)", "both name a calibration"),
    ("int8 symmetric per-tensor per-tensor", "per-tensor", "both name a granularity"),
    ("int8 manual(1,-1) symmetric", "manual(1,-1)", "lo smaller than hi"),
    ("int8 manual(1,1) symmetric", "manual(1,1)", "lo smaller than hi"),
    ("int8 manual symmetric", "manual", "is written manual(lo,hi)"),
    ("int8 manual() symmetric", "manual()", "is written manual(lo,hi)"),
    ("int8 manual(1) symmetric", "manual(1)", "is written manual(lo,hi)"),
    ("int8 manual(1,2,3) symmetric", "manual(1,2,3)", "is written manual(lo,hi)"),
    ("int8 manual(0,inf) symmetric", "manual(0,inf)", "two finite numbers"),
    ("int8 manual(nan,1) symmetric", "manual(nan,1)", "two finite numbers"),
    ("int8 manual(0,1e999) symmetric", "manual(0,1e999)", "two finite numbers"),
    ("int8 manual(1_000,2_000) symmetric", "manual(1_000,2_000)", "numbers"),
    ("int8 symmetric entropy(inf)", "entropy(inf)", "whole numbers from 2"),
    ("int8 symmetric entropy(nan)", "entropy(nan)", "whole numbers from 2"),
    ("int8 manual(a,b) symmetric", "manual(a,b)", "numbers"),
    ("int8 manual(0,) symmetric", "manual(0,)", "numbers"),
    ("int8 manual(0;1) symmetric", "manual(0;1)", "numbers"),
    ("int8 symmetric manual(0, 1", "manual(0, 1", "closing parenthesis"),
    ("int8 symmetric minmax(3)", "minmax(3)", "minmax takes no numbers"),
    ("int8 symmetric )", ")", "Allowed are"),
    ("int8 symmetric (0,1)", "(0,1)", "Allowed are"),
    ("int8,symmetric", "int8,symmetric", "Allowed are"),
    ("größe int8 symmetric", "größe", "Allowed are"),
]


@pytest.mark.parametrize(("text", "word", "named"), WRONG, ids=[row[0] for row in WRONG])
def test_an_error_points_at_the_wrong_word_and_names_what_is_allowed(
    text: str, word: str, named: str
) -> None:
    with pytest.raises(SchemeError) as caught:
        Scheme.parse(text)
    error = caught.value
    assert text[error.start : error.stop] == word
    assert error.start == text.rindex(word)
    assert named in str(error)
    assert str(error).endswith(".")
    assert isinstance(error, QuantizationError)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "lacks a format; add one of int2…int16, uint2…uint16"),
        ("   ", "lacks a format"),
        ("symmetric", "lacks a format"),
        ("int8", "lacks a mapping; add one of scale-only, symmetric, asymmetric"),
        ("int8 manual(0,1)", "lacks a mapping"),
    ],
)
def test_a_missing_word_is_missed_at_the_end(text: str, named: str) -> None:
    with pytest.raises(SchemeError, match=named) as caught:
        Scheme.parse(text)
    assert caught.value.start == caught.value.stop == len(text)


@given(st.text(max_size=40))
@examples(100)
def test_any_text_is_a_scheme_or_a_scheme_error_within_the_text(text: str) -> None:
    try:
        scheme = Scheme.parse(text)
    except SchemeError as error:
        assert 0 <= error.start <= error.stop <= len(text)
    else:
        assert Scheme.parse(str(scheme)) == scheme


words = st.sampled_from(
    [
        "int8",
        "symmetric",
        "manual",
        "(",
        ")",
        ",",
        "-1",
        "2",
        " ",
        "minmax",
        "per-tensor",
        "é",
        "1e",
    ]
)


@given(st.lists(words, max_size=12).map("".join))
@examples(100)
def test_any_jumble_of_words_is_a_scheme_or_a_scheme_error_within_the_text(text: str) -> None:
    try:
        Scheme.parse(text)
    except SchemeError as error:
        assert 0 <= error.start <= error.stop <= len(text)


@given(schemes.filter(lambda scheme: not scheme.fixed_range), ranges)
@examples(100)
def test_with_range_changes_the_range_alone(scheme: Scheme, ends: list[float]) -> None:
    moved = scheme.with_range(*ends)
    assert moved.calibration == Calibration("manual", tuple(ends))
    assert (moved.format, moved.mapping) == (scheme.format, scheme.mapping)
    assert moved.with_range(*ends) == moved


def test_a_scheme_is_a_value() -> None:
    one, other = Scheme.parse("int8 symmetric"), Scheme.parse("symmetric int8")
    assert one == other
    assert len({one, other, as_scheme("int8 symmetric"), as_scheme(one)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.mapping = "asymmetric"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("mapping", "granularity"), [("lopsided", "per-tensor"), ("symmetric", "per-planet")]
)
def test_a_scheme_of_unknown_words_cannot_be_built(mapping: str, granularity: str) -> None:
    with pytest.raises(ValueError, match="there is no"):
        Scheme(IntegerFormat(8, True), mapping, MINMAX, Granularity(granularity))


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("minmax", (1.0,)),
        ("manual", ()),
        ("manual", (0.0, 0.0)),
        ("manual", (1.0, 0.0)),
        ("manual", (0.0, math.nan)),
        ("manual", (-math.inf, 0.0)),
        ("median", ()),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(method: str, arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Calibration(method, arguments)


# Formats


def test_formats_are_all_of_2_to_16_bits_int8_first() -> None:
    assert [fmt.name for fmt in in_menu_order()[:6]] == [
        "int8",
        "uint8",
        "int4",
        "uint4",
        "int16",
        "uint16",
    ]
    listed = in_menu_order()
    assert len(FORMATS) == len(set(listed)) == len(listed)
    assert sum(fmt.integer and not fmt.mapping for fmt in listed) == 45
    assert {fmt.bits for fmt in FORMATS.values()} == set(range(2, 17))


INTEGERS = [fmt for fmt in FORMATS.values() if isinstance(fmt, IntegerFormat)]


@pytest.mark.parametrize("fmt", INTEGERS, ids=str)
def test_a_format_knows_its_codes(fmt: IntegerFormat) -> None:
    assert fmt.qmax - fmt.qmin + 1 == 2**fmt.bits - fmt.narrow
    assert fmt.qmin == (fmt.narrow - (2 ** (fmt.bits - 1)) if fmt.signed else 0)
    assert parse_format(str(fmt)) == fmt
    limits = range(2 ** (8 * fmt.dtype.itemsize))
    assert len(limits) >= 2**fmt.bits
    assert fmt.dtype.kind == ("i" if fmt.signed else "u")


@pytest.mark.parametrize("bits", [-1, 0, 1, 17, 64])
def test_a_format_of_other_widths_is_refused(bits: int) -> None:
    with pytest.raises(ValueError, match="2 to 16 bits"):
        IntegerFormat(bits, signed=True)


def test_every_order_of_a_full_scheme_parses() -> None:
    canonical = "uint4 asymmetric manual(-0.5,3.25)"
    for order in permutations([*canonical.split(), "per-tensor"]):
        assert str(Scheme.parse(" ".join(order))) == canonical


@pytest.mark.parametrize("text", ["x" * 1_000_000, "int8 " * 300_000, "(" * 1_000_000])
def test_a_text_longer_than_any_scheme_is_refused_in_a_short_sentence(text):
    with pytest.raises(SchemeError) as caught:
        Scheme.parse(text)
    assert str(caught.value) == (
        f"A scheme has at most 1,000 characters, and this text has {len(text):,}."
    )
