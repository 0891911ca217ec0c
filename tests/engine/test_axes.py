"""Channels and groups along any axes, against the same on a transposed, reshaped copy."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Granularity, Role, Scheme
from quantoscope.engine.analysis.steps import steps
from quantoscope.engine.numerics.kernels import BLOCK

FAMILIES = [
    "int8 symmetric", "uint8 asymmetric", "int4 scale-only", "int4 symmetric mse",
    "int8 asymmetric percentile(99)", "e4m3fn symmetric", "nf4 symmetric", "int8 symmetric pow2",
    "int4 asymmetric @onnxruntime", "int8 asymmetric entropy", "uint8 asymmetric manual(-1,2)",
    "int8 symmetric toward-zero",
]  # fmt: skip
BLOCKS = ["q8_0", "q4_0", "q4_1", "mxfp4-gguf"]


def split_axes(shape: Sequence[int], g: Granularity) -> tuple[list[int], list[int]]:
    """Return the axes before and behind the line in the copy: those of channels come first."""
    axes = list(g.axes_of(shape))
    rest = [axis for axis in range(len(shape)) if axis not in axes]
    return (axes, rest) if g.kind == "per-channel" else (rest, axes)


def copied(x: np.ndarray, g: Granularity) -> np.ndarray:
    """Return the matrix whose rows are channels, or have groups of their last axis."""
    lead, trail = split_axes(x.shape, g)
    rows = math.prod(x.shape[axis] for axis in lead)
    return np.ascontiguousarray(x.transpose(lead + trail)).reshape(rows, -1)


def copied_scheme(scheme: Scheme) -> str:
    g = scheme.granularity
    plain = "per-channel(0)" if g.kind == "per-channel" else f"per-group({g.size})"
    return str(scheme).replace(str(g), plain)


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, Scheme]:
    """Return an array and a scheme with channels or groups along some of its axes."""
    shape = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple))
    order = draw(st.permutations(range(len(shape))))
    some = order[: draw(st.integers(1, len(shape)))]
    axes = [axis - len(shape) * draw(st.booleans()) for axis in some]
    block = draw(st.booleans())
    family = draw(st.sampled_from(BLOCKS if block else FAMILIES))
    size = 32 if block else draw(st.integers(1, 9))
    channel = not block and draw(st.booleans())
    g = Granularity("per-channel", *axes) if channel else Granularity("per-group", size, *axes)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.standard_t(3, shape).astype(draw(st.sampled_from([np.float32, np.float64])))
    for value in draw(st.lists(st.sampled_from([np.nan, np.inf, 0.0, 30.0]), max_size=2)):
        x.flat[rng.integers(x.size)] = value
    if not np.isfinite(x).any():
        x.flat[0] = 1
    if draw(st.booleans()):
        x = np.asfortranarray(x)
    return x, Scheme.parse(f"{family} {g}")


def assert_same(a: Any, b: Any) -> None:
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


@given(cases())
@settings(deadline=None, max_examples=150)
def test_everything_is_as_of_a_transposed_copy(case: tuple[np.ndarray, Scheme]) -> None:
    x, scheme = case
    g = scheme.granularity
    made = engine.evaluate(x, scheme)
    y = copied(x, g)
    truth = engine.evaluate(y, copied_scheme(scheme))
    for name in ("scale", "zero_point", "offset", "divisor", "origin"):
        assert_same(getattr(made.qparams, name) is None, getattr(truth.qparams, name) is None)
        if getattr(truth.qparams, name) is not None:
            assert_same(getattr(made.qparams, name), getattr(truth.qparams, name))
    assert_same(made.qparams.range, truth.qparams.range)
    for name in ("codes", "reconstructed", "error", "saturated"):
        assert_same(copied(getattr(made, name), g), getattr(truth, name))
    assert_same(made.code_counts, truth.code_counts)
    for metric in engine.METRICS:
        ours, theirs = made.metrics[metric.key], truth.metrics[metric.key]
        if metric.position and theirs >= 0:
            worst = (np.abs(e.error).flat[int(at)] for e, at in ((made, ours), (truth, theirs)))
            assert len(set(worst)) == 1
        else:
            # Sums run over the array in its own order: they may differ in the last digits.
            np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=0)
    ours, theirs = engine.channels(x, made), engine.channels(y, truth)
    for name, values in vars(theirs).items():
        if name != "granularity":
            assert_same(getattr(ours, name), values)
    whole, p = np.nan_to_num(x), made.qparams
    assert_same(copied(engine.quantize(whole, p), g),
                engine.quantize(np.nan_to_num(y), truth.qparams))  # fmt: skip
    assert_same(engine.dequantize(made.codes, made.qparams)[~np.isnan(x)],
                made.reconstructed[~np.isnan(x)])  # fmt: skip


@given(cases(), st.integers(0, 10**6))
@settings(deadline=None, max_examples=60)
def test_a_channel_and_a_value_are_as_in_the_copy(
    case: tuple[np.ndarray, Scheme], number: int
) -> None:
    x, scheme = case
    g = scheme.granularity
    numbered = np.arange(x.size).reshape(x.shape)
    y, places = copied(x, g), copied(numbered, g)
    made, truth = engine.evaluate(x, scheme), engine.evaluate(y, copied_scheme(scheme))
    there = number % x.size
    at = int(places.flat[there])
    channel = int(made.qparams.granularity.of(np.array([at]), x.shape)[0])
    assert channel == int(truth.qparams.granularity.of(np.array([there]), y.shape)[0])
    own = truth.qparams.granularity.positions(channel, y.shape)
    assert_same(g.positions(channel, x.shape), np.sort(places.flat[own]))
    traces = engine.trace(x, scheme, [at]), engine.trace(y, copied_scheme(scheme), [there])
    for key in traces[0]:
        assert_same(*(trace[key] for trace in traces))
    if not np.isnan(x.flat[at]):
        lines = [
            (each.parameters, each.values)
            for array, result, place in ((x, made, at), (y, truth, there))
            for each in [steps(array, result.scheme, result.qparams, place)]
        ]
        assert lines[0] == lines[1]


@given(st.data(), st.integers(0, 4 * BLOCK), st.integers(1, 3000))
@settings(deadline=None, max_examples=40)
def test_parameters_are_spread_over_any_stretch(data: st.DataObject, start: int, n: int) -> None:
    shape = data.draw(st.sampled_from([(3, 41, 7000), (700, 3, 97), (90, 9, 9, 130), (40, 6000)]))
    order = data.draw(st.permutations(range(len(shape))))
    axes = order[: data.draw(st.integers(1, len(shape)))]
    kinds = (Granularity("per-channel", *axes), Granularity("per-group", 16, *axes))
    g = data.draw(st.sampled_from(kinds))
    size = math.prod(shape)
    start %= size
    stop = min(start + n, size)
    values = np.arange(g.count(shape)) * 1.5
    lead, trail = split_axes(shape, g)
    index = np.unravel_index(np.arange(start, stop), shape)
    line, along = (
        np.ravel_multi_index([index[a] for a in some], [shape[a] for a in some])
        if some else np.zeros(stop - start, int)
        for some in (lead, trail)
    )  # fmt: skip
    length = math.prod(shape[a] for a in trail)
    channel = line if g.kind == "per-channel" else line * -(-length // 16) + along // 16
    assert_same(g.spread(values, shape, start, stop), values[channel])


@pytest.mark.parametrize("shape", [(96, 40), (3, 64, 5), (32, 3000), (64, 2, 1)])
def test_groups_across_rows_have_their_ends_taken_in_place(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(6).standard_normal(shape).astype(np.float32)
    axis = len(shape) - 2 if shape != (64, 2, 1) else 0
    layout = Granularity("per-group", 32, axis).layout(shape)
    for better in (np.minimum, np.maximum):
        ends = layout.reduced(x, better)
        assert ends is not None
        assert_same(ends, better.reduce(layout.split(x), axis=1))
    assert layout.reduced(np.asfortranarray(x), np.minimum) is None
    assert Granularity("per-group", 7, axis).layout(shape).reduced(x, np.minimum) is None


# Text


TEXTS = {
    "int8 symmetric per-channel(out)": "int8 symmetric per-channel(out)",
    "per-group( 32 , in ) symmetric int4": "int4 symmetric per-group(32,in)",
    "int4 symmetric per-group(32,1..)": "int4 symmetric per-group(32,1..)",
    "int4 symmetric per-group(32,-1)": "int4 symmetric per-group(32)",
    "int4 symmetric per-group(32,0..1)": "int4 symmetric per-group(32,0..1)",
    "int4 symmetric per-group(32,2,0)": "int4 symmetric per-group(32,2,0)",
    "int8 symmetric per-channel(0,1)": "int8 symmetric per-channel(0,1)",
    "int8 symmetric PER-CHANNEL(1..1)": "int8 symmetric per-channel(1)",
    "q4_0 per-group(32,in)": "q4_0 per-group(32,in)",
    "per-group(32,0) mxfp4-gguf": "mxfp4-gguf per-group(32,0)",
    "q4_0 per-group(32)": "q4_0",
}


@pytest.mark.parametrize("text", TEXTS)
def test_axes_are_read_and_printed(text: str) -> None:
    scheme = Scheme.parse(text)
    assert str(scheme) == TEXTS[text]
    assert Scheme.parse(str(scheme)) == scheme
    assert Scheme.parse(" ".join(reversed(str(scheme).split()))) == scheme
    assert eval(repr(scheme.granularity), {"Granularity": Granularity}) == scheme.granularity


axes = st.one_of(
    st.integers(-64, 63),
    st.sampled_from(["in", "out"]),
    st.integers(-64, 63).map("{}..".format),
    st.tuples(st.integers(-64, 63), st.integers(-64, 63)).map(lambda ends: "{}..{}".format(*ends)),
)


@given(st.lists(axes, min_size=1, max_size=5), st.integers(0, 1 << 24))
def test_any_axes_read_back(some: list[int | str], size: int) -> None:
    g = Granularity("per-group", size, *some) if size else Granularity("per-channel", *some)
    scheme = Scheme.parse(f"int8 symmetric {g}")
    assert scheme.granularity == g
    assert Scheme.parse(str(scheme)) == scheme


@pytest.mark.parametrize(
    "word", ["per-channel(x)", "per-channel(..)", "per-channel(..1)", "per-group(in)",
             "per-group(32,)", "per-group(32,1.5)", "per-group(32,0...1)", "per-channel(0,64)"]
)  # fmt: skip
def test_other_axes_are_refused(word: str) -> None:
    with pytest.raises(engine.SchemeError, match="does not fit"):
        Scheme.parse(f"int8 symmetric {word}")


@pytest.mark.parametrize(
    ("shape", "word", "problem"),
    [
        ((4,), "per-channel(out,in)", "needs an array with an inner axis; this one has 1 axis"),
        ((), "per-channel(out)", "needs an array with an axis of its outputs; this one has no"),
        ((4, 4), "per-group(2,2..)", "needs an array with an axis 2; this one has 2 axes"),
        ((4, 4), "per-group(2,1,-1)", "names axis 1 of this array twice"),
        ((4, 4, 4), "per-channel(2..1)", "names axes from 2 to 1, which are none"),
    ],
)
def test_axes_that_an_array_lacks_are_named(
    shape: tuple[int, ...], word: str, problem: str
) -> None:
    with pytest.raises(engine.QuantizationError, match=problem.replace("(", r"\(")):
        engine.evaluate(np.ones(shape, np.float32), f"int8 symmetric {word}")


# Roles


def test_out_and_in_stay_words_and_mean_axis_0_and_the_rest() -> None:
    x = np.random.default_rng(0).standard_normal((6, 4, 3, 3)).astype(np.float32)
    words = {"per-channel(out)": "per-channel(0)", "per-group(8,in)": "per-group(8,1..)"}
    for word, plain in words.items():
        made, truth = (engine.evaluate(x, f"int8 symmetric {g}") for g in (word, plain))
        assert str(made.scheme) == f"int8 symmetric {word}"
        assert made.qparams == truth.qparams
        assert_same(made.codes, truth.codes)


def test_a_role_says_which_axes_they_are() -> None:
    x = np.random.default_rng(1).standard_normal((64, 5)).astype(np.float32)
    role = Role((1,), (0,), "MatMul")
    families = ("int4 symmetric per-group(32,in)", "int8 asymmetric per-channel(out)")
    for text in (*families, "q4_0 per-group(32,in)"):
        made, truth = engine.evaluate(x, text, role=role), engine.evaluate(x.T, text)
        assert_same(made.codes.T, truth.codes)
        assert_same(made.qparams.scale, truth.qparams.scale)
        assert made.role == role
        assert made.qparams.axes in ((0,), (1,))
        compared = engine.compare(x, text, "int8 symmetric", role=role)
        assert_same(compared.first.codes, made.codes)
        assert_same(engine.trace(x, text, [7], role=role)["error"], made.error.flat[7])
        content = json.loads(engine.export.render("json", made, "w"))
        assert content["scheme"] == text
        assert content["role"] == {"out": [1], "in": [0], "user": "MatMul"}
        assert content["granularity"]["axes"] == list(made.qparams.axes)


def test_a_role_of_more_axes_than_the_array_is_left_out() -> None:
    x = np.random.default_rng(2).standard_normal((6, 4)).astype(np.float32)
    made = engine.evaluate(x, "int8 symmetric per-channel(out)", role=Role((2,), (0, 1)))
    assert made.qparams.axes == (0,)


def test_a_role_moves_with_the_axes_of_its_array() -> None:
    role = Role((1,), (0, 2, 3), "ConvTranspose")
    assert role.moved((2, 0, 1, 3)) == Role((2,), (1, 0, 3), "ConvTranspose")
    assert Role.from_json(role.as_json()) == role
    wrong = [{"out": [0], "in": [0]}, {"out": [-1], "in": []}, {"out": "0", "in": []}]
    for odd in (None, 3, {}, *wrong):
        assert Role.from_json(odd) is None


@given(cases(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_a_granularity_moves_with_the_axes_of_its_array(
    case: tuple[np.ndarray, Scheme], random: Any
) -> None:
    x, scheme = case
    order = list(range(x.ndim))
    random.shuffle(order)
    followed = replace(scheme, granularity=scheme.granularity.moved(order))
    made, moved = engine.evaluate(x, scheme), engine.evaluate(x.transpose(order), followed)
    assert_same(made.codes.transpose(order)[~np.isnan(x.transpose(order))],
                moved.codes[~np.isnan(x.transpose(order))])  # fmt: skip


# Exports


@given(cases())
@settings(deadline=None, max_examples=60)
def test_the_numpy_source_gives_the_codes_along_any_axes(case: tuple[np.ndarray, Scheme]) -> None:
    x, scheme = case
    made = engine.evaluate(x, scheme)
    try:
        source = engine.export.render("numpy", made, "w").decode("ascii")
    except engine.export.NotExpressibleError:
        return
    names: dict[str, Any] = {}
    exec(compile(source, "exported.py", "exec"), names)
    assert_same(names["quantize"](made.values), made.codes)
    known = ~np.isnan(made.values)
    assert_same(names["dequantize"](made.codes)[known], made.reconstructed[known])


@pytest.mark.parametrize("form", ["onnx", "ort-overrides", "aimet-1.0.0"])
@pytest.mark.parametrize("word", ["per-channel(0,1)", "per-group(4,1..)"])
def test_forms_with_one_axis_say_that_they_have_no_more(form: str, word: str) -> None:
    x = np.random.default_rng(4).standard_normal((4, 3, 4)).astype(np.float32)
    made = engine.evaluate(x, f"int8 symmetric {word}")
    with pytest.raises(engine.export.NotExpressibleError, match="one axis|no overrides for groups"):
        engine.export.render(form, made, "x")
