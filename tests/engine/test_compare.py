"""Two schemes side by side: how many values differ, and what each choice has of that."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Comparison, Granularity, Scheme
from quantoscope.engine.analysis.choices import choices_between, orders
from quantoscope.engine.analysis.comparison import Compared
from quantoscope.engine.examples import example
from quantoscope.engine.schemes.arithmetic_choices import ARITHMETIC_CHOICES
from tests.laws import examples

TIES = example("ties").make()
NORMALS = np.random.default_rng(0).normal(size=4096).astype(np.float32)
HUNDREDS = np.random.default_rng(1).uniform(100, 101, 2000).astype(np.float32)
UNEVEN = (NORMALS.reshape(16, 256) * np.geomspace(0.01, 10, 16)[:, None]).astype(np.float32)
SUBNORMALS = (NORMALS[:300] * 1e-39).astype(np.float32)
TINY = (NORMALS * 1e-9).astype(np.float32)
HOLES = NORMALS[:500].copy()
HOLES[[3, 100, 499]], HOLES[17] = np.nan, np.inf
ARRAYS = {
    "ties": TIES,
    "normals": NORMALS[:1000],
    "hundreds": HUNDREDS,
    "uneven": UNEVEN[:, :70],
    "subnormals": SUBNORMALS,
    "zeros": np.zeros(40, np.float32),
    "holes": HOLES,
    "float64": NORMALS[:200].astype(np.float64) * (1 + 1e-9),
}

PAIRS = [
    ("int8 symmetric", "int8 symmetric ties-away"),
    ("int8 symmetric", "int8 asymmetric"),
    ("int8 symmetric", "uint8 asymmetric pow2 toward-zero"),
    ("int8 asymmetric", "int8 asymmetric per-group(32) percentile(90)"),
    ("int8 symmetric @onnxruntime", "int8 symmetric @pytorch"),
    ("int8 asymmetric @onnxruntime", "int8 asymmetric @aiedge"),
    ("uint8 asymmetric @pytorch", "uint8 asymmetric @pytorch-fake"),
    ("uint8 symmetric @tflite", "int8 asymmetric @onnxruntime per-group(8)"),
    ("int8 symmetric @tensorrt", "e4m3fn symmetric @tensorrt"),
    ("int4 symmetric stochastic(1)", "int4 symmetric stochastic(2)"),
    ("q8_0", "int8 symmetric per-group(32)"),
    ("int8 asymmetric @aiedge", "q8_0"),
    ("q4_0", "q4_1"),
    ("q5_1", "nf4 symmetric"),
    ("mxfp4-gguf", "mxfp4-torchao-even"),
    ("mxfp4-modelopt", "mxfp4-microxcaling"),
    ("mxfp4-torchao-ceil", "e2m1fn symmetric per-group(32)"),
    ("nf4 symmetric", "int4 symmetric mse"),
]
every_pair = pytest.mark.parametrize(("first", "second"), PAIRS)
every_array = pytest.mark.parametrize("name", ARRAYS)


def unlike(a: object, b: object) -> bool:
    return a != b and not (a != a and b != b)  # noqa: PLR0124


def truth(x: np.ndarray, first: str, second: str, compared: str) -> list[bool]:
    """Which values differ, by evaluating either scheme and looking at one value at a time."""
    key = "codes" if compared == Compared.CODES else "reconstructed"
    ours, theirs = (getattr(engine.evaluate(x, s), key).ravel().tolist() for s in (first, second))
    nan = np.isnan(x).ravel().tolist()
    return [not n and unlike(a, b) for a, b, n in zip(ours, theirs, nan, strict=True)]


def only_cause(made: Comparison) -> str:
    """The cause that has nearly all, where the others have less than one per cent."""
    cause = made.causes[0]
    assert cause.share > 0.99 * made.count
    return cause.key


def shares_of(made: Comparison) -> dict[str, float]:
    return {cause.key: cause.share for cause in made.causes}


@every_pair
@every_array
class TestEveryPair:
    def test_counts_what_a_direct_comparison_counts(
        self, first: str, second: str, name: str
    ) -> None:
        x = ARRAYS[name]
        made = engine.compare(x, first, second)
        expected = truth(x, first, second, made.compared)
        assert made.differs.shape == x.shape
        assert made.differs.ravel().tolist() == expected
        assert made.count == sum(expected)
        assert not made.differs[np.isnan(x)].any()

    def test_every_differing_value_has_one_cause_that_counts_most(
        self, first: str, second: str, name: str
    ) -> None:
        made = engine.compare(ARRAYS[name], first, second)
        assert made.cause_of.shape == made.differs.shape
        np.testing.assert_array_equal(made.cause_of >= 0, made.differs)
        counts = [cause.count for cause in made.causes]
        assert sum(counts) == made.count
        shares = [cause.share for cause in made.causes]
        assert sum(shares) == pytest.approx(made.count, rel=1e-9)
        assert shares == pytest.approx(sorted(shares, reverse=True))
        assert all(share > 0 for share in shares)
        assert not made.together[~made.differs].any()
        assert ((made.part_of > 0) == made.differs).all()
        assert made.part_of.max(initial=0) <= 100
        for place, cause in enumerate(made.causes):
            assert np.count_nonzero(made.cause_of == place) == cause.count
            if cause.count:
                apart = made.difference()[made.cause_of == place]
                assert made.difference().flat[cause.example] == apart.max()
        assert all(cause.count == cause.share == 0 for cause in made.unequal)

    def test_from_the_second_to_the_first_the_shares_are_the_same(
        self, first: str, second: str, name: str
    ) -> None:
        x = ARRAYS[name]
        made, back = engine.compare(x, first, second), engine.compare(x, second, first)
        assert shares_of(back) == pytest.approx(shares_of(made), rel=1e-6, abs=1e-6)
        np.testing.assert_array_equal(back.part_of, made.part_of)

    def test_examples_differ_most_and_have_their_cause(
        self, first: str, second: str, name: str
    ) -> None:
        made = engine.compare(ARRAYS[name], first, second)
        apart = made.difference().ravel()
        for place, cause in enumerate(made.causes):
            here = made.cause_of.ravel() == place
            assert made.differs.flat[cause.example]
            if cause.count:
                assert here[cause.example]
                assert apart[cause.example] == apart[here].max()
            assert cause.first != cause.second
            assert str(cause) == f"{cause.title}: {cause.first} / {cause.second}"

    def test_swapping_the_schemes_swaps_the_evaluations_alone(
        self, first: str, second: str, name: str
    ) -> None:
        x = ARRAYS[name]
        made, swapped = engine.compare(x, first, second), engine.compare(x, second, first)
        assert swapped.compared == made.compared
        np.testing.assert_array_equal(swapped.differs, made.differs)
        np.testing.assert_array_equal(swapped.difference(), made.difference())
        np.testing.assert_array_equal(swapped.first.codes, made.second.codes)
        choices = [sorted(c.key for c in (*m.causes, *m.unequal)) for m in (made, swapped)]
        mappings = {Scheme.parse(text).mapping for text in (first, second)}
        # A choice without meaning for a mapping is not told of, and the way leads through one.
        assert choices[0] == choices[1] or len(mappings) == 2


@pytest.mark.parametrize("text", sorted({text for pair in PAIRS for text in pair}))
@every_array
def test_a_scheme_differs_nowhere_from_itself(text: str, name: str) -> None:
    made = engine.compare(ARRAYS[name], text, Scheme.parse(text))
    assert (made.count, made.causes) == (0, ())
    assert made.compared == Compared.CODES
    assert not made.differs.any()
    assert (made.cause_of == -1).all()
    assert made.largest_step == 0


CAUSES: list[tuple[str, np.ndarray, str, str]] = [
    # cause, values, and two schemes that it alone sets apart there
    ("granularity", UNEVEN, "int8 symmetric", "int8 symmetric per-channel(0)"),
    ("granularity", UNEVEN, "int8 asymmetric per-group(64)", "int8 asymmetric per-group(16)"),
    ("calibration", NORMALS, "int4 symmetric", "int4 symmetric mse"),
    ("calibration", NORMALS, "int8 symmetric @pytorch", "int8 symmetric percentile(99) @pytorch"),
    ("format", NORMALS, "int8 scale-only", "int4 scale-only"),
    ("format", NORMALS, "e4m3fn symmetric", "nf4 symmetric"),
    ("format", NORMALS, "q8_0", "mxfp4-gguf"),
    ("mapping", NORMALS, "int8 symmetric", "int8 asymmetric"),
    (
        # 2.5 and a little becomes a tie in float32.
        "precision",
        np.array([127, 2.5 + 1e-12, -7]),
        "int8 symmetric",
        "int8 symmetric @tensorrt",
    ),
    ("zero", HUNDREDS, "int8 asymmetric", "int8 asymmetric @aiedge"),
    ("zero", HUNDREDS, "int8 asymmetric", "int8 asymmetric @onnxruntime"),
    (
        # −Rmin / S is 127½ to the last bit, or a little less where S was rounded before.
        "division",
        np.linspace(-1, 1, 65).astype(np.float32),
        "int8 asymmetric @aiedge",
        "int8 asymmetric @onnxruntime",
    ),
    ("entropy", NORMALS, "int8 symmetric entropy", "int8 symmetric entropy @onnxruntime"),
    ("divisor", NORMALS, "int8 symmetric @onnxruntime", "int8 symmetric @pytorch"),
    ("least", SUBNORMALS, "int8 symmetric", "int8 symmetric @onnxruntime"),
    ("least", TINY, "int8 symmetric", "int8 symmetric @pytorch"),
    ("least", TINY * np.float32(1e-3), "int8 symmetric", "int8 symmetric @aiedge"),
    ("pow2", NORMALS, "int8 symmetric", "int8 symmetric pow2"),
    ("float16", NORMALS, "q8_0", "int8 symmetric per-group(32)"),
    (
        "stored",
        NORMALS,
        "int8 symmetric per-group(32) @onnxruntime",
        "int8 symmetric per-group(32) @aiedge",
    ),
    (
        # −½ is a tie: Round(Qmin − Rmin / S), with the half to even, and with the half away.
        "zero_point",
        np.append(np.arange(-20, 20, 0.25), [-127.0, 127.0]).astype(np.float32),
        "int8 asymmetric @onnxruntime",
        "int8 asymmetric @tflite",
    ),
    (
        # S = 7: 45.5 / 7 is a tie, and 45.5 · (1 / 7) in float32 lies above it.
        "reciprocal",
        np.array([892.5, 45.5, 1], np.float32),
        "uint8 symmetric @onnxruntime",
        "uint8 symmetric @pytorch-fake",
    ),
    ("order", TIES, "int8 asymmetric @onnxruntime", "int8 asymmetric @aiedge"),
    ("order", TIES, "int8 asymmetric @pytorch", "int8 asymmetric @pytorch-fake"),
    ("rounding", TIES, "int8 asymmetric", "int8 asymmetric ties-away"),
    (
        "rounding",
        TIES,
        "int8 symmetric manual(-127,127)",
        "int8 symmetric manual(-127,127) ties-away",
    ),
    ("rounding", NORMALS, "int4 symmetric stochastic(1)", "int4 symmetric stochastic(2)"),
    ("exponent", NORMALS, "mxfp4-torchao-ceil", "mxfp4-torchao-even"),
    ("exponent", NORMALS, "mxfp4-torchao-floor", "mxfp4-torchao-ceil"),
    ("divisor", SUBNORMALS, "mxfp4-microxcaling", "mxfp4-torchao-floor"),
    (
        "rounding",
        np.array([6, 5, 2.5, 0.25, -3.5, 1], np.float32),
        "mxfp4-microxcaling",
        "mxfp4-torchao-floor",
    ),
    ("zero", np.array([6, 0, -0.0], np.float32), "mxfp4-gguf", "mxfp4-modelopt"),
]


@pytest.mark.parametrize(
    ("key", "x", "first", "second"), CAUSES, ids=[f"{row[0]}-{row[2]}-{row[3]}" for row in CAUSES]
)
def test_a_single_choice_is_found_to_be_the_cause(
    key: str, x: np.ndarray, first: str, second: str
) -> None:
    for one, other in ((first, second), (second, first)):
        made = engine.compare(x, one, other)
        assert only_cause(made) == key
        assert made.causes[0].count == made.count == sum(truth(x, one, other, made.compared)) > 0


def test_every_choice_within_the_arithmetic_but_nan_is_some_cause() -> None:
    # What NaN becomes makes no difference: it has no value.
    keys = {choice.key for choice in ARITHMETIC_CHOICES if choice.of_values}
    assert keys <= {row[0] for row in CAUSES}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("q8_0", "int4 symmetric percentile(99)"),
        ("q4_0", "int8 symmetric"),
        ("mxfp4-gguf", "mxfp4-torchao-even"),
        ("int8 symmetric", "int4 asymmetric per-channel(0)"),
    ],
)
def test_every_cause_says_how_either_scheme_chooses_whichever_comes_first(
    first: str, second: str
) -> None:
    x = np.random.default_rng(8).normal(size=(3, 64)).astype(np.float32)
    made, back = (engine.compare(x, *pair) for pair in ((first, second), (second, first)))
    ours = {(c.key, c.first, c.second) for c in (*made.causes, *made.unequal)}
    theirs = {(c.key, c.second, c.first) for c in (*back.causes, *back.unequal)}
    assert ours == theirs


def test_the_words_of_a_block_format_stand_on_its_own_side() -> None:
    x = np.random.default_rng(8).normal(size=(3, 64)).astype(np.float32)
    for pair in (("q8_0", "int4 symmetric"), ("int4 symmetric", "q8_0")):
        words = {c.key: (c.first, c.second) for c in engine.compare(x, *pair).causes}
        turned = -1 if pair[0] == "q8_0" else 1
        assert words["format"][::turned] == ("int4", "int8")
        assert words["granularity"][::turned] == ("per-tensor", "per-group(32)")


def test_the_division_of_the_range_names_the_precisions_and_not_the_working_one() -> None:
    x = np.random.default_rng(8).normal(size=64).astype(np.float32)
    made = engine.compare(x, "int8 asymmetric", "uint8 asymmetric @pytorch")
    words = {c.key: (c.first, c.second) for c in (*made.causes, *made.unequal)}
    assert words["division"] == (
        "difference in the precision of the data, division in float64",
        "difference in float32, division in float32",
    )


def test_ties_differ_by_the_tie_rule_and_nothing_else_does() -> None:
    scheme = "int8 symmetric manual(-127,127)"
    made = engine.compare(TIES, scheme, f"{scheme} ties-away")
    # Halves whose lower neighbour is even go up only with ties-away.
    halves = [(abs(v) % 2) == 0.5 for v in TIES.tolist()]
    assert made.differs.tolist() == halves
    assert made.largest_step == 1


def test_127_and_127_5_name_both_code_ranges() -> None:
    made = engine.compare(NORMALS, "int8 symmetric @onnxruntime", "int8 symmetric @pytorch")
    (cause,) = made.causes
    assert cause.first == "S = max|R| / 127, codes -127…127"
    assert cause.second == "S = max|R| / 127.5, codes -128…127"


def test_two_choices_share_the_values_between_them() -> None:
    # S = 1.5 becomes 2, which makes ties of 9 / 2 and of 13 / 2, and changes other codes alone.
    x = np.array([190.5, 9, 13, 60.2, 0], np.float32)
    made = engine.compare(x, "int8 symmetric", "int8 symmetric pow2 ties-away")
    assert made.first.codes.tolist() == [127, 6, 9, 40, 0]
    assert made.second.codes.tolist() == [95, 5, 7, 30, 0]
    # 9 goes 6 → 4 → 5 with S first, 6 → 6 → 5 with the rounding first: S moves it by 2 and by 1,
    # the rounding by 1 and by 0. 13 goes 9 → 6 → 7, or 9 → 9 → 7.
    assert shares_of(made) == pytest.approx({"pow2": 2 + 3 / 4 + 5 / 6, "rounding": 1 / 4 + 1 / 6})
    assert made.part_of.tolist() == [100, 75, 83, 100, 0]
    assert [(c.key, c.count, c.example) for c in made.causes] == [
        ("pow2", 4, 0), ("rounding", 0, 1)
    ]  # fmt: skip
    assert made.count_together == 0


def test_a_scale_that_changes_fifty_times_counts_more_than_one_that_hardly_does() -> None:
    x = example("outlier").make()
    pair = "int8 scale-only", "int8 symmetric manual(-1.053,1.053)"
    for schemes in (pair, pair[::-1]):
        made = engine.compare(x, *schemes)
        assert [cause.key for cause in made.causes] == ["calibration", "mapping"]
        assert made.causes[0].share > 3 * made.causes[1].share


def test_values_that_need_two_choices_at_once_are_counted() -> None:
    # 1.05 is 1 with S = 1 however it is rounded, and to the nearest with S = 1.2 too.
    x = np.array([1.05, 1.9, 100, 0], np.float32)
    first, second = "int8 symmetric manual(-127,127)", "int8 symmetric manual(-152.4,152.4)"
    made = engine.compare(x, first, f"{second} toward-zero")
    assert made.first.codes.tolist() == [1, 2, 100, 0]
    assert made.second.codes.tolist() == [0, 1, 83, 0]
    assert made.together.tolist() == [True, False, False, False]
    assert made.count_together == 1
    assert made.part_of[0] == 50


def by_every_order(x: np.ndarray, first: str, second: str) -> dict[str, float]:
    """The shares by walking every order, choice by choice and value by value."""
    one, other = Scheme.parse(first), Scheme.parse(second)
    names = [n for n in Scheme.__dataclass_fields__ if getattr(one, n) != getattr(other, n)]
    key = "codes" if (one.format, one.mapping) == (other.format, other.mapping) else "reconstructed"
    moved = np.zeros((len(names), x.size))
    for order in itertools.permutations(range(len(names))):
        scheme = one
        now = getattr(engine.evaluate(x, scheme), key).astype(np.float64).ravel()
        for place in order:
            scheme = replace(scheme, **{names[place]: getattr(other, names[place])})
            then = getattr(engine.evaluate(x, scheme), key).astype(np.float64).ravel()
            moved[place] += np.abs(then - now)
            now = then
    differs = [a != b for a, b in zip(
        *(getattr(engine.evaluate(x, s), key).ravel().tolist() for s in (one, other)), strict=True
    )]  # fmt: skip
    shares = (moved / np.maximum(moved.sum(axis=0), 1e-300))[:, differs].sum(axis=1)
    return {n: s for n, s in zip(names, shares.tolist(), strict=True) if s > 1e-9}


CHOICES = {
    "format": ["int8", "int4", "uint8"],
    "mapping": ["scale-only", "symmetric", "asymmetric"],
    "calibration": ["", "manual(-1,2)", "percentile(90)"],
    "granularity": ["", "per-group(4)"],
    "rounding": ["", "toward-zero", "stochastic(3)"],
    "pow2": ["", "pow2"],
}
a_scheme = st.tuples(*map(st.sampled_from, CHOICES.values())).map(" ".join)


@given(a_scheme, a_scheme, st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=12))
@examples(25)
def test_shares_are_the_mean_over_every_order_and_add_up(
    first: str, second: str, values: list[float]
) -> None:
    x = np.array([*values, 1.5], np.float32)
    one, other = Scheme.parse(first), Scheme.parse(second)
    if sum(getattr(one, n) != getattr(other, n) for n in Scheme.__dataclass_fields__) > 4:
        other = replace(other, format=one.format, mapping=one.mapping)
    made = engine.compare(x, one, other)
    assert shares_of(made) == pytest.approx(by_every_order(x, str(one), str(other)), abs=1e-6)
    assert sum(shares_of(made).values()) == pytest.approx(made.count)
    assert shares_of(engine.compare(x, other, one)) == pytest.approx(shares_of(made), abs=1e-6)
    assert engine.compare(x, one, one).causes == ()


def test_an_order_that_leads_through_no_scheme_is_not_taken() -> None:
    # e4m3fn has no asymmetric mapping: the mapping is changed before the format.
    made = engine.compare(NORMALS[:200], "int8 asymmetric", "e4m3fn symmetric")
    assert {cause.key for cause in made.causes} == {"mapping", "format"}
    assert sum(shares_of(made).values()) == pytest.approx(made.count)


def test_what_sets_a_block_format_apart_is_chosen_last() -> None:
    every = choices_between(Scheme.parse("int4 symmetric"), Scheme.parse("q8_0"))
    last = every.count - 1
    assert every.choices[last].key == "float16"
    taken = orders(every)
    assert taken is not None
    assert np.flatnonzero(taken[last]).tolist() == [every.full ^ 1 << last]
    for made in range(1 << last, every.full):
        assert every.corner(made) is None


@pytest.mark.parametrize("first", ["int8 symmetric", "uint8 asymmetric percentile(99) pow2"])
def test_however_many_choices_differ_the_work_is_bounded(first: str) -> None:
    second = "int4 asymmetric per-group(8) @onnxruntime"
    made = engine.compare(UNEVEN[:4], first, second)
    assert len(made.causes) <= 6
    assert sum(shares_of(made).values()) == pytest.approx(made.count)
    every = choices_between(Scheme.parse(first), Scheme.parse(second))
    titles = {choice.title for choice in every.choices}
    told = {cause.title for cause in (*made.causes, *made.unequal)}
    merged = {"Arithmetic of the scale", "Arithmetic of the codes", "Arithmetic", "NaN"}
    assert told - titles <= merged or any(" and " in title for title in told - titles)


def test_a_choice_without_consequence_is_named_as_such() -> None:
    x = np.array([127, 3, -5], np.float32)
    made = engine.compare(x, "int8 symmetric", "int8 symmetric pow2 toward-zero")
    assert made.count == 0
    assert [cause.key for cause in made.unequal] == ["pow2", "rounding"]
    assert str(made.unequal[1]) == "Rounding: ties-even / toward-zero"


@pytest.mark.parametrize("first", ["onnxruntime", "pytorch", "pytorch-fake"])
@pytest.mark.parametrize("second", ["aiedge", "tensorrt", "pytorch", "tflite"])
def test_what_runtimes_make_of_nan_is_no_difference(first: str, second: str) -> None:
    x = np.array([1, np.nan, -1, np.nan, 0.3], np.float32)
    made = engine.compare(x, f"int8 symmetric @{first}", f"int8 symmetric @{second}")
    assert made.count == 0
    assert made.causes == ()
    assert made.cause_of.tolist() == [-1] * 5


@pytest.mark.parametrize(
    ("first", "second", "compared"),
    [
        ("int8 symmetric", "int8 symmetric @pytorch", Compared.CODES),
        ("int8 symmetric per-channel(0)", "int8 symmetric mse", Compared.CODES),
        ("mxfp4-gguf", "mxfp4-modelopt", Compared.CODES),
        ("q4_0", "q4_0", Compared.CODES),
        ("int8 symmetric", "uint8 symmetric", Compared.VALUES),
        ("int8 symmetric", "int8 asymmetric", Compared.VALUES),
        ("q8_0", "int8 symmetric per-group(32)", Compared.VALUES),
        ("q4_0", "q4_1", Compared.VALUES),
        ("e2m1fn symmetric per-group(32)", "mxfp4-gguf", Compared.VALUES),
    ],
)
def test_codes_are_compared_only_where_they_mean_the_same(
    first: str, second: str, compared: str
) -> None:
    assert engine.compare(UNEVEN[:2], first, second).compared == compared


def test_the_largest_difference_is_in_codes_of_integers_and_in_values_else() -> None:
    codes = engine.compare(HUNDREDS, "int8 asymmetric", "int8 asymmetric @aiedge")
    steps = np.abs(codes.first.codes.astype(int) - codes.second.codes.astype(int))
    assert codes.largest_step == steps.max() > 100
    np.testing.assert_array_equal(codes.difference(), steps)
    values = engine.compare(NORMALS, "int8 symmetric", "uint8 asymmetric")
    apart = values.first.reconstructed.astype(float) - values.second.reconstructed
    assert values.largest_step == np.abs(apart).max()
    floats = engine.compare(NORMALS, "mxfp4-torchao-ceil", "mxfp4-torchao-even")
    apart = floats.first.reconstructed.astype(float) - floats.second.reconstructed
    assert floats.largest_step == np.abs(np.where(floats.differs, apart, 0)).max()


def test_both_evaluations_are_those_of_their_schemes() -> None:
    made = engine.compare(UNEVEN, "int8 symmetric", "int4 asymmetric per-channel(0)")
    for evaluation, text in (
        (made.first, "int8 symmetric"),
        (made.second, "int4 asymmetric per-channel(0)"),
    ):
        expected = engine.evaluate(UNEVEN, text)
        assert evaluation.scheme == Scheme.parse(text)
        assert evaluation.metrics == expected.metrics
        np.testing.assert_array_equal(evaluation.codes, expected.codes)


def test_the_steps_are_told_and_what_that_raises_stops_the_work() -> None:
    told: list[tuple[int, int]] = []
    engine.compare(
        NORMALS,
        "int8 symmetric @onnxruntime",
        "int8 symmetric @pytorch",
        progress=lambda done, of: told.append((done, of)),
    )
    assert [done for done, _ in told] == list(range(len(told)))
    assert {of for _, of in told} == {len(told)}

    def stop(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.compare(NORMALS, "int8 symmetric", "int8 symmetric pow2", progress=stop)


@pytest.mark.parametrize("order", [1, -1])
def test_what_either_scheme_cannot_do_is_an_error(order: int) -> None:
    schemes = ["int8 symmetric", "int8 symmetric per-channel(3)"][::order]
    with pytest.raises(engine.QuantizationError, match="per-channel"):
        engine.compare(UNEVEN, *schemes)


@given(
    st.sampled_from([text for pair in PAIRS for text in pair]),
    st.sampled_from([text for pair in PAIRS for text in pair]),
    st.lists(
        st.one_of(st.floats(-200, 200, width=32), st.sampled_from([0.5, 1.5, np.nan, -0.0, 127.0])),
        min_size=1,
        max_size=40,
    ),
)
@examples(60)
def test_any_two_schemes_on_any_values(first: str, second: str, values: list[float]) -> None:
    x = np.array([*values, 1.0], np.float32)
    made = engine.compare(x, first, second)
    assert made.differs.tolist() == truth(x, first, second, made.compared)
    np.testing.assert_array_equal(made.cause_of >= 0, made.differs)
    assert sum(cause.count for cause in made.causes) == made.count
    assert engine.compare(x, second, first).count == made.count
    if Scheme.parse(first) == Scheme.parse(second):
        assert made.causes == ()


def test_axes_of_other_shapes_keep_the_shape() -> None:
    x = NORMALS[:24].reshape(2, 3, 4)
    made = engine.compare(np.asfortranarray(x), "int8 symmetric", "int8 symmetric per-channel(1)")
    assert made.differs.shape == made.cause_of.shape == made.difference().shape == (2, 3, 4)
    apart = made.difference()
    assert made.causes[0].example == int(np.argmax(apart))
    assert made.second.qparams.granularity == Granularity("per-channel", 1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("int8 symmetric entropy", "uint4 symmetric entropy"),
        ("int8 symmetric entropy", "int8 scale-only"),
        ("int3 symmetric entropy toward-zero", "int8 symmetric entropy pow2"),
        ("int3 symmetric mse", "int6 symmetric mse toward-zero"),
        ("int8 asymmetric percentile(90)", "int4 scale-only entropy"),
    ],
)
def test_every_format_and_mapping_on_the_way_has_the_range_of_its_own_search(
    first: str, second: str
) -> None:
    x = np.random.default_rng(3).standard_t(3, 500).astype(np.float32)
    made = engine.compare(x, first, second)
    assert shares_of(made) == pytest.approx(by_every_order(x, first, second), abs=1e-6)
