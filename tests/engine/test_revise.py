"""What is revised after an edit is what is made anew of the changed array, to the last bit."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Evaluation, Summary
from quantoscope.engine.analysis.summary import summarize, summary_revised
from quantoscope.engine.evaluation.evaluator import evaluate_known, revise
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.envelope import pyramid_of, pyramid_revised
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.engine.blocked import (
    LAYOUTS,
    assert_same_evaluation,
    assert_same_pyramid,
    blocks_of,
)
from tests.laws import examples

SMALL = {"block": 12, "unit": 4, "stretch": 4}
SCHEMES = [
    *(f"{fmt} {m}" for fmt in ("int8", "uint4", "int16") for m in engine.MAPPINGS),
    *(f"int4 {m} manual(-2,1.5)" for m in engine.MAPPINGS),
    *("uint8 scale-only manual(0,3)", "uint4 symmetric ties-away", "int4 asymmetric pow2"),
    *("int8 asymmetric stochastic(3)", "int4 symmetric stochastic(4) manual(-1,1)"),
    *("e4m3fn symmetric", "e2m1fn symmetric manual(-1,1)", "nf4 symmetric"),
    *(
        f"{runtime.formats[0]} {mapping} {calibration} @{runtime.name}"
        for runtime in RUNTIMES.values()
        for mapping in runtime.mappings
        for calibration in ("minmax", "manual(-1,2)")
        if "per-tensor" in runtime.granularities
    ),
]
NEVER = [
    *("int8 symmetric per-channel(0)", "int4 asymmetric per-group(4)", "q8_0", "mxfp4-gguf"),
    *("int8 asymmetric percentile(90)", "int4 symmetric mse", "int8 asymmetric entropy"),
]
ODD = [math.nan, math.inf, -math.inf]
usual = st.sampled_from([-3.0, -1.0, -0.3, 0.0, 0.1, 0.25, 0.5, 0.7, 1.0, 1.5, 2.75])
anything = st.floats(width=32) | usual | st.sampled_from([*ODD, -0.0, 1e-45, 3e38, -3e38])
mostly_usual = st.one_of(usual, usual, usual, anything)
edits_of = st.lists(
    st.dictionaries(st.integers(0, 29), mostly_usual, max_size=6), min_size=1, max_size=3
)


def edited(x: np.ndarray, edit: dict[int, float], in_place: bool) -> tuple[np.ndarray, Any, Any]:
    """Return the changed array, where it was changed, and what was there."""
    where = np.array([position for position in edit if position < x.size], np.intp)
    old = x.reshape(-1)[where].copy()
    changed = x if in_place else x.copy()
    changed.flat[where] = [edit[position] for position in where.tolist()]
    return changed, where, old


def stays(before: kernels.Extremes, now: kernels.Extremes, text: str) -> bool:
    """Whether an edit leaves alone all that the parameters depend on."""
    if "manual" in text:
        return True
    return bool((before.low, before.high) == (now.low, now.high))


# Evaluations


@given(
    st.lists(mostly_usual, min_size=1, max_size=30),
    edits_of,
    st.sampled_from(SCHEMES),
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
)
@examples(600)
def test_law_a_revised_evaluation_is_that_of_the_changed_array(
    values: list[float], edits: Any, text: str, dtype: str, in_place: bool, drawn: bool, few: int
) -> None:
    x = np.array(values, dtype)
    with blocks_of(**SMALL, threads=1, few=few):
        try:
            made = evaluated(x, text, drawn)
        except engine.QuantizationError:
            return
        for edit in edits:
            before = kernels.extremes(x)
            x, where, old = edited(x, edit, in_place)
            known = kernels.extremes(x)
            revised = revise(x, made, where, old, known)
            try:
                fresh = evaluated(x, text, drawn)
            except engine.QuantizationError:
                assert revised is None
                return
            if stays(before, known, text) and made.qparams.dtype == x.dtype:
                assert revised is not None
            if revised is not None:
                assert (revised.drawn is not None) == drawn
                assert_same_evaluation(revised, fresh)
            made = fresh if revised is None else revised


def evaluated(x: np.ndarray, text: str, drawn: bool) -> Evaluation:
    """Evaluate, and take the curves in the same pass where they are drawn."""
    pyramid = pyramid_of(x) if drawn else None
    return evaluate_known(x, engine.Scheme.parse(text), None, pyramid=pyramid)


def long_array(size: int = 2000) -> np.ndarray:
    x = np.random.default_rng(5).normal(size=size).clip(-3, 3).astype(np.float32)
    x[[3, size - 4]] = -4, 5
    return x


def assert_revised(made: Evaluation, x: np.ndarray, edit: dict[int, float]) -> Evaluation:
    """Revise for an edit that leaves the range alone; compare, and return the outcome."""
    changed, where, old = edited(x, edit, in_place=False)
    revised = revise(changed, made, where, old, kernels.extremes(changed))
    assert revised is not None
    fresh = engine.evaluate(changed, made.scheme)
    assert_same_evaluation(revised, fresh)
    return revised


@pytest.mark.parametrize("text", SCHEMES)
def test_edits_within_the_range_are_revised_in_a_row(text: str) -> None:
    x = long_array()
    with blocks_of(384, 128, threads=2):
        made = engine.evaluate(x, text)
        for edit in (
            {7: 0.5},
            {0: 1.0, 127: -1.0, 128: 0.25, 383: 0.0, 384: -0.125, 1999: 2.0},
            {700: math.nan, 701: math.inf},
            {700: 0.1, 701: 0.2},
            {place: math.nan for place in range(768, 1152)},
            {place: 0.3 for place in range(768, 1152)},
            {},
        ):
            made = assert_revised(made, made.values, edit)


@pytest.mark.parametrize("text", ["int8 asymmetric", "int4 scale-only manual(-1,1)"])
@pytest.mark.parametrize("drawn", [False, True], ids=["", "with curves"])
def test_blocks_of_the_real_size_are_revised_too(text: str, drawn: bool) -> None:
    size = kernels.BLOCK + 1000
    x = long_array(size)
    made = evaluated(x, text, drawn)
    edges = (0, 511, 512, kernels.BLOCK - 1, kernels.BLOCK, size - 1)
    made = assert_revised(made, x, dict.fromkeys(range(7, size, 1500), -0.25))
    made = assert_revised(made, made.values, dict.fromkeys(edges, 0.125))
    made = assert_revised(made, made.values, dict.fromkeys(edges, math.nan))
    assert_revised(made, made.values, {edge: 0.5 for edge in edges[::2]})


@pytest.mark.parametrize(
    ("values", "edit"),
    [
        # Sums of float64 are kept as a mantissa and a power of two.
        ([0, 0.5], {0: -0.3}),
        ([0, 0.5, 0, 0, 0, 0, 0, 0], {6: 0.3}),
        ([*[0.5] * 4, *[0.2] * 4], dict.fromkeys(range(4), 0.0)),
        ([*[0.5] * 4, *[0.2] * 4, *[0.1] * 4], {**dict.fromkeys(range(4), 0.0), 8: 1e-200}),
        ([0.0] * 12, {5: 0.5}),
        ([0.0] * 12, {5: 1e200, 11: 1e-200}),
        ([*[0.0] * 11, 1e200], {11: 0.25}),
        ([*[1e-170] * 8, *[0.5] * 4], {11: 0.0}),
    ],
)
@pytest.mark.parametrize(
    "text", ["int8 symmetric manual(-127,127)", "int8 asymmetric manual(-1,1)", "int8 symmetric"]
)
@pytest.mark.parametrize("few", [0, 32])
def test_numbers_of_all_sizes_are_summed_up_as_anew(
    values: list[float], edit: dict[int, float], text: str, few: int
) -> None:
    with blocks_of(**SMALL, threads=1, few=few):
        for x in (np.array(values, np.float64), np.array([*values, 3.0, -3.0])):
            made = engine.evaluate(x, text)
            changed, where, old = edited(x, edit, in_place=False)
            revised = revise(changed, made, where, old, kernels.extremes(changed))
            assert revised is not None or "manual" not in text
            if revised is not None:
                assert_same_evaluation(revised, engine.evaluate(changed, text))


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "again" not in name])
@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "int16"])
def test_every_layout_and_type_is_revised(layout: str, kind: str) -> None:
    x = LAYOUTS[layout]((long_array(900) * 9).astype(kind).reshape(9, 4, 25))
    flat = np.ascontiguousarray(x).reshape(-1)
    with blocks_of(256, 128, threads=2):
        made = engine.evaluate(x, "int8 asymmetric")
        where = np.array([600, 5, 899])
        changed = flat.copy()
        changed[where] = [1, 2, 3]
        changed = LAYOUTS[layout](changed.reshape(x.shape))
        known = kernels.extremes(changed.astype(made.values.dtype))
        revised = revise(changed, made, where, flat[where], known)
        assert revised is not None
        assert_same_evaluation(revised, engine.evaluate(changed, "int8 asymmetric"))


def test_the_scheme_s_own_rounding_is_kept() -> None:
    with blocks_of(384, 128, threads=1):
        made = engine.evaluate(long_array(), "int8 symmetric toward-zero")
        assert_revised(made, made.values, {7: 0.5, 1999: math.nan})


@pytest.mark.parametrize("text", NEVER)
def test_parameters_from_more_than_the_extremes_are_not_revised(text: str) -> None:
    x = long_array().reshape(20, 100)
    made = engine.evaluate(x, text)
    changed, where, old = edited(x, {500: 0.5}, in_place=False)
    assert revise(changed, made, where, old, kernels.extremes(changed)) is None


@pytest.mark.parametrize("value", [-4.5, 5.5])
def test_a_range_that_moves_is_not_revised(value: float) -> None:
    made = engine.evaluate(long_array(), "int8 asymmetric")
    changed, where, old = edited(made.values, {500: value}, in_place=False)
    assert revise(changed, made, where, old, kernels.extremes(changed)) is None


def test_a_revision_leaves_the_older_evaluation_as_it_is() -> None:
    x = long_array()
    with blocks_of(384, 128, threads=1):
        made, again = (evaluated(x, "int8 scale-only", drawn=True) for _ in range(2))
        assert_revised(made, x, {5: 0.5, 1999: math.nan, 400: math.inf})
        assert_same_evaluation(made, again)


def test_nothing_but_blocks_with_a_change_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    x = long_array()
    with blocks_of(384, 128, threads=1):
        made = engine.evaluate(x, "int8 asymmetric")
        changed, where, old = edited(x, {500: 0.5, 1999: 0.25}, in_place=False)
        known = kernels.extremes(changed)
        seen: set[int] = set()
        flat_block = kernels.flat_block

        def watched(values: np.ndarray, start: int, stop: int) -> np.ndarray:
            if values is changed:
                seen.update(range(start, stop))
            return flat_block(values, start, stop)

        monkeypatch.setattr(kernels, "flat_block", watched)
        revised = revise(changed, made, where, old, known)
    assert revised is not None
    # Beside these, the unit with the largest error of all.
    worst = int(revised.metrics["max_abs_error_index"]) // 128 * 128
    assert {500, 1999} <= seen
    assert seen <= {*range(384, 768), *range(1920, 2000), *range(worst, worst + 128)}


# Summaries


def assert_same_summary(got: Summary, wanted: Summary) -> None:
    for field in fields(Summary):
        # Not the sign of an end that is 0: numpy's minimum leaves that open.
        ours, theirs = (np.asarray(getattr(made, field.name)) for made in (got, wanted))
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype), field.name
        np.testing.assert_array_equal(ours, theirs, field.name)


@given(
    st.lists(mostly_usual, min_size=1, max_size=30),
    edits_of,
    st.sampled_from(["float32", "float64"]),
    st.booleans(),
)
@examples(400)
def test_law_a_revised_summary_is_that_of_the_changed_array(
    values: list[float], edits: Any, dtype: str, in_place: bool
) -> None:
    x = np.array(values, dtype)
    with blocks_of(**SMALL, threads=1):
        before = summarize(x)
        for edit in edits:
            x, where, old = edited(x, edit, in_place)
            known = kernels.extremes(x)
            revised, fresh = summary_revised(before, x, where, old, known), summarize(x)
            same = (before.low, before.high) == (fresh.low, fresh.high)
            finite = [summary.counts.sum() for summary in (before, fresh)]
            if same and finite[0] == finite[1] and before.counts.size > 1:
                assert revised is not None
            if revised is not None:
                assert_same_summary(revised, fresh)
            before = fresh if revised is None else revised


@pytest.mark.parametrize("gone", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("come", [math.nan, math.inf, -math.inf])
def test_a_summary_counts_what_is_no_number_anew_where_others_take_its_place(
    gone: float, come: float
) -> None:
    x = np.array([*np.linspace(-1, 1, 40), gone, math.nan, math.inf])
    changed, where, old = edited(x, {40: come}, in_place=False)
    revised = summary_revised(summarize(x), changed, where, old, kernels.extremes(changed))
    assert revised is not None
    assert_same_summary(revised, summarize(changed))


@pytest.mark.parametrize(("gone", "come"), [(0.5, math.nan), (math.nan, 0.5), (0.5, -math.inf)])
def test_a_summary_with_another_number_of_finite_values_has_bins_of_its_own(
    gone: float, come: float
) -> None:
    # 121² finite values have 121 bins, one less has 120.
    x = np.linspace(-1, 1, 121 * 121)
    x[5000] = gone
    changed, where, old = edited(x, {5000: come}, in_place=False)
    before, fresh = summarize(x), summarize(changed)
    assert {before.counts.size, fresh.counts.size} == {120, 121}
    revised = summary_revised(before, changed, where, old, kernels.extremes(changed))
    if revised is not None:
        assert_same_summary(revised, fresh)


def test_a_summary_whose_sum_comes_to_overflow_has_a_mean_all_the_same() -> None:
    x = np.array([0.0, 1.5e308, *[0.0] * 8])
    changed, where, old = edited(x, dict.fromkeys(range(2, 10), 1.5e308), in_place=False)
    fresh = summarize(changed)
    assert fresh.mean == pytest.approx(1.35e308)
    revised = summary_revised(summarize(x), changed, where, old, kernels.extremes(changed))
    assert revised is None or revised.mean == fresh.mean


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "again" not in name])
def test_a_summary_of_many_blocks_is_revised(layout: str) -> None:
    x = long_array(3000).reshape(10, 30, 10)
    edit = {0: 0.5, 255: 1.0, 256: -1.0, 1500: math.nan, 1501: 0.25, 2999: 0.125}
    x.flat[[1501, 2000]] = math.nan, math.inf
    changed, where, old = edited(x, edit, in_place=False)
    with blocks_of(256, 128, threads=2):
        before = summarize(LAYOUTS[layout](x))
        revised = summary_revised(
            before, LAYOUTS[layout](changed), where, old, kernels.extremes(changed)
        )
        assert revised is not None
        assert_same_summary(revised, summarize(LAYOUTS[layout](changed)))
        assert_same_summary(before, summarize(LAYOUTS[layout](x)))


# Pyramids


@given(st.lists(anything, min_size=1, max_size=30), edits_of, st.booleans())
@examples(200)
def test_law_a_revised_pyramid_is_that_of_the_changed_array(
    values: list[float], edits: Any, in_place: bool
) -> None:
    x = np.array(values, np.float32)
    with blocks_of(**SMALL, threads=1):
        pyramid = pyramid_of(x)
        for edit in edits:
            before = pyramid.low.copy(), pyramid.high.copy()
            x, where, _ = edited(x, edit, in_place)
            revised = pyramid_revised(pyramid, x, where)
            assert_same_pyramid(revised, pyramid_of(x))
            np.testing.assert_array_equal((pyramid.low, pyramid.high), before)
            pyramid = revised


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "again" not in name])
def test_a_pyramid_of_any_layout_is_revised(layout: str) -> None:
    x = long_array(3000).reshape(10, 30, 10)
    edit = {0: 9.0, 127: -9.0, 128: math.nan, 2999: math.inf, 1400: 3.25}
    changed, where, _ = edited(x, edit, in_place=False)
    pyramid = pyramid_of(LAYOUTS[layout](x))
    assert_same_pyramid(
        pyramid_revised(pyramid, LAYOUTS[layout](changed), where), pyramid_of(changed)
    )
