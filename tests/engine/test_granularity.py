"""Which values share parameters, against plain loops, and each channel against itself alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Granularity
from quantoscope.engine.numerics.granularity import GRANULARITIES, MAX_GROUP, parse_granularity
from tests.laws import examples

TENSOR = Granularity()


def per_channel(axis: int) -> Granularity:
    return Granularity("per-channel", axis)


def per_group(size: int) -> Granularity:
    return Granularity("per-group", size)


# The truth: one value at a time, by its index.


def true_channels(shape: Sequence[int], g: Granularity) -> list[list[int]]:
    """Return the flat positions of each channel."""
    members: dict[Any, list[int]] = {}
    for position, index in enumerate(np.ndindex(*shape)):
        if g.kind == "per-tensor":
            key: Any = 0
        elif g.kind == "per-channel":
            key = index[g.axes[0]]
        else:
            key = (index[:-1], index[-1] // g.size) if index else 0
        members.setdefault(key, []).append(position)
    return [members[key] for key in sorted(members)]


SHAPES: list[tuple[int, ...]] = [
    (), (1,), (7,), (1, 1), (3, 5), (1, 6), (6, 1), (4, 1, 3), (2, 3, 2, 3)
]  # fmt: skip
CASES = [
    (shape, g)
    for shape in SHAPES
    for g in (
        TENSOR,
        *(per_channel(axis) for axis in range(-len(shape), len(shape))),
        *(per_group(size) for size in (1, 2, 3, 5, 100)),
    )
]
every_case = pytest.mark.parametrize(
    ("shape", "g"), CASES, ids=[f"{shape}-{g}".replace(" ", "") for shape, g in CASES]
)

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "in order": lambda x: x.copy(),
    "Fortran": lambda x: np.asarray(x.copy(order="F")),
    "every other": lambda x: np.repeat(x[..., None], 2, axis=-1)[..., 0],
    "backwards": lambda x: x[(slice(None, None, -1),) * x.ndim].copy()[
        (slice(None, None, -1),) * x.ndim
    ],
    "transposed": lambda x: x.T.copy().T,
}


def numbered(shape: Sequence[int]) -> np.ndarray:
    """An array whose values are their own flat positions."""
    return np.arange(math.prod(shape), dtype=np.float32).reshape(shape)


@every_case
class TestChannelsOfAShape:
    def test_count_and_sizes(self, shape: tuple[int, ...], g: Granularity) -> None:
        truth = true_channels(shape, g)
        assert g.count(shape) == len(truth)
        assert g.sizes(shape).tolist() == [len(channel) for channel in truth]

    def test_positions(self, shape: tuple[int, ...], g: Granularity) -> None:
        for number, expected in enumerate(true_channels(shape, g)):
            assert g.positions(number, shape).tolist() == expected

    def test_the_channel_of_every_position(self, shape: tuple[int, ...], g: Granularity) -> None:
        expected = [0] * math.prod(shape)
        for number, positions in enumerate(true_channels(shape, g)):
            for position in positions:
                expected[position] = number
        every = np.arange(len(expected))
        assert g.of(every, shape).tolist() == expected
        assert g.of(every[::-1].reshape(1, -1), shape).tolist() == [expected[::-1]]

    def test_split_gives_one_row_per_channel(self, shape: tuple[int, ...], g: Granularity) -> None:
        truth = true_channels(shape, g)
        width = max(len(channel) for channel in truth)
        for layout in LAYOUTS.values():
            rows = g.split(layout(numbered(shape)))
            assert rows.shape == (len(truth), width)
            for row, channel in zip(rows.tolist(), truth, strict=True):
                assert row[: len(channel)] == channel
                assert all(math.isnan(filler) for filler in row[len(channel) :])

    def test_join_takes_split_back_in_c_order(self, shape: tuple[int, ...], g: Granularity) -> None:
        x = numbered(shape)
        for layout in LAYOUTS.values():
            joined = g.join(g.split(layout(x), filler=-1), shape)
            np.testing.assert_array_equal(joined, x)
            assert (joined.shape, joined.dtype) == (shape, x.dtype)
            assert g.whole or joined.flags.c_contiguous


@given(
    st.lists(st.integers(1, 5), max_size=4).map(tuple),
    st.integers(1, 30),
    st.integers(-4, 3),
    st.randoms(use_true_random=False),
)
@examples(100)
def test_every_value_belongs_to_exactly_one_channel(
    shape: tuple[int, ...], size: int, axis: int, random: Any
) -> None:
    kinds = [TENSOR, per_group(size)]
    if -len(shape) <= axis < len(shape):
        kinds.append(per_channel(axis))
    g = random.choice(kinds)
    positions = [g.positions(number, shape) for number in range(g.count(shape))]
    assert sorted(np.concatenate(positions).tolist()) == list(range(math.prod(shape)))
    assert [len(p) for p in positions] == g.sizes(shape).tolist()
    for number, own in enumerate(positions):
        assert set(g.of(own, shape).tolist()) == {number}
    assert true_channels(shape, g) == [own.tolist() for own in positions]


def test_groups_along_the_last_axis_are_not_copied_where_they_fit() -> None:
    x = numbered((6, 64))
    for g in (TENSOR, per_channel(0), per_channel(-2), per_group(64), per_group(16)):
        assert np.shares_memory(g.split(x), x)


def test_what_fills_a_shorter_group_may_be_chosen() -> None:
    rows = per_group(3).split(np.arange(4, dtype=np.int8), filler=-1)
    assert rows.tolist() == [[0, 1, 2], [3, -1, -1]]
    assert rows.dtype == np.int8


# The value itself


@pytest.mark.parametrize(
    ("kind", "number", "problem"),
    [
        ("per-planet", 0, "there is no granularity"),
        ("per-group", 0, "whole number from 1"),
        ("per-group", -1, "whole number from 1"),
        ("per-group", MAX_GROUP + 1, "whole number from 1"),
        ("per-channel", 64, "takes an axis"),
        ("per-channel", -65, "takes an axis"),
        ("per-tensor", 1, "takes no number"),
    ],
)
def test_what_cannot_be_is_refused(kind: str, number: int, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Granularity(kind, number)


@pytest.mark.parametrize(
    "g", [TENSOR, per_channel(0), per_channel(-64), per_group(1), per_group(MAX_GROUP)], ids=str
)
def test_the_text_reads_back(g: Granularity) -> None:
    assert parse_granularity(str(g)) == g
    assert g.kind in GRANULARITIES
    assert g.whole == (g.kind == "per-tensor")


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("per-channel( -1 )", per_channel(-1)),
        ("per-group(032)", per_group(32)),
        ("per-tensor", TENSOR),
        ("per-row", None),
        ("symmetric", None),
    ],
)
def test_words_are_read(word: str, found: Granularity | None) -> None:
    assert parse_granularity(word) == found


@pytest.mark.parametrize(
    "word", ["per-channel", "per-group()", "per-group(1.5)", "per-group(4", "per-tensor()"]
)
def test_words_without_their_number_are_refused(word: str) -> None:
    with pytest.raises(ValueError, match="takes"):
        parse_granularity(word)


# Groups that are shorter than asked for


@pytest.mark.parametrize(
    ("shape", "text", "note"),
    [
        (
            (48, 40, 1, 1),
            "int8 symmetric per-group(32)",
            "Each of 1,920 groups has 1 of 32 values, since the last axis is no longer: 1,920 "
            "scales for 1,920 values. Take per-group(32,1..), whose groups go on over all "
            "axes from 1, or per-channel(0).",
        ),
        (
            (6, 16, 3, 3),
            "nf4 symmetric per-group(64)",
            "Each of 288 groups has 3 of 64 values, since the last axis is no longer: 288 scales "
            "for 864 values. Take per-group(64,1..), whose groups go on over all axes from 1, or "
            "per-channel(0).",
        ),
        (
            (6, 16, 3, 3),
            "q8_0",
            "q8_0 stores rows of a multiple of 32 values; these have 3, so every block is shorter "
            "here, since the last axis is no longer: 288 scales for 864 values. Take "
            "per-group(32,1..), whose groups go on over all axes from 1.",
        ),
        (
            (50, 3),
            "int4 symmetric per-group(16)",
            "Each of 50 groups has 3 of 16 values, since the last axis is no longer: 50 scales "
            "for 150 values. Take per-group(16,0), along axis 0, or per-tensor.",
        ),
        (
            (4, 70),
            "int8 symmetric per-group(32)",
            "The last group of each row has 6 of 32 values: rows of 70 are no multiple.",
        ),
        ((20,), "int8 symmetric per-group(32)", "The group has 20 of 32 values."),
    ],
    ids=str,
)
def test_groups_shorter_than_asked_for_are_said_with_their_number_and_a_cure(
    shape: tuple[int, ...], text: str, note: str
) -> None:
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    assert engine.evaluate(x, text).warnings == (note,)


@pytest.mark.parametrize("text", ["int8 symmetric per-group(32)", "q4_0", "mxfp4-gguf"])
def test_groups_as_long_as_asked_for_need_no_word(text: str) -> None:
    x = np.random.default_rng(0).standard_normal((3, 64)).astype(np.float32)
    assert engine.evaluate(x, text).warnings == ()


# Each channel is quantized as if it were alone

CALIBRATIONS = ("minmax", "percentile(90)", "mse", "entropy", "manual(-1,1)")
EVALUATED = [
    ((5, 60), per_channel(0)),
    ((60, 5), per_channel(-1)),
    ((3, 4, 25), per_channel(1)),
    ((4, 70), per_group(32)),
    ((2, 3, 10), per_group(100)),
]
every_mapping = pytest.mark.parametrize("mapping", engine.MAPPINGS)
every_calibration = pytest.mark.parametrize("calibration", CALIBRATIONS)
every_split = pytest.mark.parametrize(
    ("shape", "g"), EVALUATED, ids=[f"{shape}-{g}".replace(" ", "") for shape, g in EVALUATED]
)


def uneven(shape: tuple[int, ...], g: Granularity, seed: int = 0) -> np.ndarray:
    """Values whose channels have centres and widths of their own."""
    random = np.random.default_rng(seed)
    x = random.normal(size=shape)
    channel = g.of(np.arange(x.size).reshape(shape), shape)
    spread = 10.0 ** random.uniform(-3, 1, g.count(shape))
    centre = random.uniform(-1, 1, g.count(shape)) * spread
    return (x * spread[channel] + centre[channel]).astype(np.float32)


def assert_as_alone(x: np.ndarray, text: str, g: Granularity) -> engine.Evaluation:
    """Each channel has the parameters, codes and errors that it has in an array of its own."""
    result = engine.evaluate(x, f"{text} {g}")
    p = result.qparams
    channels = true_channels(x.shape, g)
    assert p.count == len(channels)
    # A search takes its time, so only some channels repeat it.
    searched = "mse" in text or "entropy" in text
    for number in sorted({0, 1 % p.count, p.count - 1}) if searched else range(p.count):
        positions = channels[number]
        alone = engine.evaluate(x.ravel()[positions], text)
        own = p.at(number)
        assert (own.scale, own.zero_point) == (alone.qparams.scale, alone.qparams.zero_point)
        assert (own.range, own.origin) == (alone.qparams.range, alone.qparams.origin)
        for name in ("codes", "reconstructed", "error", "saturated"):
            together = getattr(result, name).ravel()[positions]
            np.testing.assert_array_equal(together, getattr(alone, name))
    return result


@every_mapping
@every_calibration
class TestEachChannelAlone:
    @every_split
    def test_as_alone(
        self, mapping: str, calibration: str, shape: tuple[int, ...], g: Granularity
    ) -> None:
        result = assert_as_alone(uneven(shape, g), f"int8 {mapping} {calibration}", g)
        assert result.code_counts.sum() == math.prod(shape)
        assert len(set(result.qparams.scale.tolist())) == (
            1 if calibration.startswith("manual") else result.qparams.count
        )

    def test_in_other_formats_and_in_float64(self, mapping: str, calibration: str) -> None:
        x = uneven((3, 40), per_channel(0)).astype(np.float64)
        searched = calibration in ("mse", "entropy")
        for fmt in ("uint8", "int4") if searched else ("uint8", "int4", "int16", "uint2"):
            assert_as_alone(x, f"{fmt} {mapping} {calibration}", per_channel(0))

    def test_the_layout_of_the_array_makes_no_difference(
        self, mapping: str, calibration: str
    ) -> None:
        g = per_channel(1)
        x = uneven((3, 4, 9), g)
        expected = engine.evaluate(x, f"int4 {mapping} {calibration} {g}")
        for layout in LAYOUTS.values():
            result = engine.evaluate(layout(x), f"int4 {mapping} {calibration} {g}")
            assert result.qparams == expected.qparams
            np.testing.assert_array_equal(result.codes, expected.codes)
            np.testing.assert_array_equal(result.error, expected.error)

    def test_one_channel_of_all_values_is_as_the_tensor(
        self, mapping: str, calibration: str
    ) -> None:
        x = uneven((1, 80), TENSOR)
        for g in (per_channel(0), per_group(80), per_group(1000)):
            assert_as_alone(x, f"int8 {mapping} {calibration}", g)

    def test_nan_and_infinities_stay_within_their_channels(
        self, mapping: str, calibration: str
    ) -> None:
        g = per_channel(0)
        x = uneven((6, 50), g)
        clean = engine.evaluate(x, f"int8 {mapping} {calibration} {g}")
        x[1, ::7] = np.nan
        x[2, 3] = np.inf
        x[3, [0, 49]] = -np.inf, np.nan
        dirty = engine.evaluate(x, f"int8 {mapping} {calibration} {g}")
        for channel in (0, 4, 5):
            assert dirty.qparams.at(channel) == clean.qparams.at(channel)
            np.testing.assert_array_equal(dirty.codes[channel], clean.codes[channel])
        np.testing.assert_array_equal(np.isnan(dirty.reconstructed), np.isnan(x))
        assert dirty.saturated[2, 3] == 1
        assert dirty.saturated[3, 0] == -1
        assert not dirty.saturated[np.isnan(x)].any()
        assert dirty.code_counts.sum() == x.size - np.count_nonzero(np.isnan(x))

    @pytest.mark.parametrize("g", [per_channel(0), per_group(16)], ids=str)
    def test_a_channel_with_gaps_is_as_alone(
        self, mapping: str, calibration: str, g: Granularity
    ) -> None:
        x = uneven((4, 48), g)
        x[0, ::5] = np.nan
        x[3, 47] = np.inf
        if calibration != "mse":
            assert_as_alone(x, f"int8 {mapping} {calibration}", g)
            return
        # The gaps change the order of the sums, so only the cost is the same.
        result = engine.evaluate(x, f"int8 {mapping} {calibration} {g}")
        for positions in true_channels(x.shape, g)[::3]:
            alone = engine.evaluate(x.ravel()[positions], f"int8 {mapping} {calibration}")
            errors = result.error.ravel()[positions].astype(np.float64)
            errors = errors[np.isfinite(errors)]
            assert np.mean(errors**2) == pytest.approx(alone.metrics["mse"], rel=1e-9)

    def test_a_channel_of_only_nan_counts_as_zeros(self, mapping: str, calibration: str) -> None:
        x = uneven((3, 20), per_channel(0))
        x[1] = np.nan
        zeros = np.where(np.isnan(x), np.float32(0), x)
        text = f"int8 {mapping} {calibration} per-channel(0)"
        result, expected = engine.evaluate(x, text), engine.evaluate(zeros, text)
        assert result.qparams == expected.qparams
        np.testing.assert_array_equal(result.codes, expected.codes)
        assert np.isnan(result.reconstructed[1]).all()
        np.testing.assert_array_equal(result.error[[0, 2]], expected.error[[0, 2]])
        assert result.code_counts.sum() == 40

    def test_constant_and_zero_channels_are_as_alone(self, mapping: str, calibration: str) -> None:
        x = uneven((6, 30), per_channel(0))
        x[0], x[1], x[3], x[5] = 0, 0.7, -3, 1e-44
        result = assert_as_alone(x, f"int8 {mapping} {calibration}", per_channel(0))
        assert not result.error[0].any()
        if calibration == "minmax":
            assert result.qparams.origin[0] == "zeros"
            assert np.abs(result.error[[1, 3]]).max() < 1e-6

    def test_trace_agrees_with_evaluate(self, mapping: str, calibration: str) -> None:
        text = f"int8 {mapping} {calibration} per-channel(0)"
        x = uneven((5, 60), per_channel(0))
        x.flat[[2, 11]] = np.nan, np.inf
        assert_traced(x, engine.evaluate(x, text), text)


def assert_traced(x: np.ndarray, result: engine.Evaluation, scheme: str | engine.QParams) -> None:
    """The traces of random values are what became of them in the whole array."""
    where = np.random.default_rng(3).integers(-x.size, x.size, 40)
    where = np.append(where, [2, 11, 0, -1])
    traced = engine.trace(x, scheme, where)
    arrays = {"real": x, "reconstructed": result.reconstructed, "error": result.error}
    for key, array in arrays.items():
        np.testing.assert_array_equal(traced[key], array.ravel()[where])
    np.testing.assert_array_equal(traced.saturated, result.saturated.ravel()[where])
    known = ~np.isnan(traced["real"])
    codes = result.codes.ravel()[where]
    np.testing.assert_array_equal(traced["clipped"][known], codes[known])
    p = result.qparams
    channels = p.granularity.of(where % x.size, x.shape)
    np.testing.assert_array_equal(traced.qparams.scale, p.scale[channels])


@every_mapping
@every_split
def test_traces_take_the_parameters_of_their_channels(
    mapping: str, shape: tuple[int, ...], g: Granularity
) -> None:
    x = uneven(shape, g)
    x.flat[[2, 11]] = np.nan, -np.inf
    result = engine.evaluate(x, f"int8 {mapping} {g}")
    assert_traced(x, result, result.qparams)
    assert_traced(np.asfortranarray(x), result, f"int8 {mapping} {g}")


@every_mapping
@pytest.mark.parametrize(
    ("shape", "g"), [((3, 20_000), per_channel(0)), ((12_000, 3), per_channel(1))], ids=str
)
def test_mse_of_long_channels_is_never_worse_than_minmax(
    mapping: str, shape: tuple[int, ...], g: Granularity
) -> None:
    x = np.random.default_rng(5).standard_t(3, shape).astype(np.float32)
    found = engine.evaluate(x, f"int4 {mapping} mse {g}")
    widest = engine.evaluate(x, f"int4 {mapping} {g}")
    axis = tuple(a for a in range(x.ndim) if a != g.axes[0])
    ours, theirs = (np.mean(e.error.astype(np.float64) ** 2, axis) for e in (found, widest))
    assert (ours < theirs).all()


@every_mapping
@pytest.mark.parametrize(("shape", "g"), [((2000, 12), per_channel(0)), ((50, 96), per_group(4))])
def test_many_channels_are_each_calibrated_by_themselves(
    mapping: str, shape: tuple[int, ...], g: Granularity
) -> None:
    x = uneven(shape, g)
    result = engine.evaluate(x, f"int8 {mapping} {g}")
    rows = np.array([x.ravel()[channel] for channel in true_channels(shape, g)])
    reach = np.abs(rows).max(axis=1)
    width = reach if mapping == "symmetric" else rows.max(axis=1) - rows.min(axis=1)
    steps = 127 if mapping == "symmetric" else 255
    np.testing.assert_array_equal(result.qparams.scale, width.astype(np.float64) / steps)


@given(
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(1, 12),
    st.sampled_from(list(engine.MAPPINGS)),
    st.integers(0, 2**32 - 1),
)
@examples(60)
def test_any_channel_of_any_array_is_as_alone(
    rows: int, columns: int, size: int, mapping: str, seed: int
) -> None:
    random = np.random.default_rng(seed)
    x = np.round(random.normal(size=(rows, columns)), 1).astype(np.float32)
    for g in (per_channel(0), per_channel(-1), per_group(size)):
        assert_as_alone(x, f"int4 {mapping}", g)


# Parameters of channels


@pytest.mark.parametrize(
    ("word", "axis", "group", "count"),
    [
        ("per-tensor", None, None, 1),
        ("per-channel(0)", 0, None, 3),
        ("per-channel(-1)", -1, None, 8),
        ("per-group(3)", None, 3, 9),
        ("per-group(8)", None, 8, 3),
    ],
)
def test_parameters_know_their_axis_their_group_and_their_count(
    word: str, axis: int | None, group: int | None, count: int
) -> None:
    p = engine.calibrate(uneven((3, 8), per_channel(0)), f"int8 asymmetric {word}")
    assert (p.axis, p.group_size, p.count) == (axis, group, count)
    if count == 1:
        assert isinstance(p.scale, float)
        assert isinstance(p.zero_point, int)
        assert isinstance(p.range[0], float)
        return
    for array in (p.scale, p.zero_point, p.range[0], p.range[1], p.origin):
        assert isinstance(array, np.ndarray)
        assert array.shape == (count,)
    assert p.zero_point.dtype.kind == "i"


def test_parameters_of_one_channel_are_plain_numbers() -> None:
    p = engine.calibrate(uneven((3, 8), per_channel(0)), "int8 asymmetric per-channel(0)")
    one = p.at(1)
    assert (type(one.scale), type(one.zero_point)) == (float, int)
    assert [type(end) for end in one.range] == [float, float]
    assert isinstance(one.origin, str)
    assert (one.scale, one.zero_point) == (p.scale[1], p.zero_point[1])
    assert one.range == (p.range[0][1], p.range[1][1])
    assert p.at(-1) == p.at(2)
    with pytest.raises(IndexError):
        p.at(3)


def test_parameters_of_many_values_are_aligned_with_them() -> None:
    p = engine.calibrate(uneven((3, 8), per_channel(0)), "int8 symmetric per-channel(0)")
    where = np.array([[2, 0], [1, 2]])
    many = p.at(where)
    assert many.scale.tolist() == [[p.scale[2], p.scale[0]], [p.scale[1], p.scale[2]]]
    assert many.zero_point.shape == many.origin.shape == where.shape


def test_a_column_of_parameters_meets_one_row_per_channel() -> None:
    p = engine.calibrate(uneven((3, 8), per_channel(0)), "int8 asymmetric per-channel(0)")
    column = p.column()
    for name in ("scale", "zero_point", "origin"):
        np.testing.assert_array_equal(getattr(column, name)[:, 0], getattr(p, name))
        assert getattr(column, name).shape == (3, 1)
    assert column.working_scale.shape == (3, 1)
    assert (column.qmin, column.qmax, column.format) == (p.qmin, p.qmax, p.format)


def test_parameters_of_a_tensor_are_the_same_for_every_channel() -> None:
    p = engine.calibrate([1.0, -2.0], "int8 symmetric")
    assert p.at(0) is p
    assert p.at(np.array([5, 6])) is p
    assert p.column() is p


def test_parameters_are_equal_when_those_of_every_channel_are() -> None:
    x = uneven((3, 8), per_channel(0))
    p = engine.calibrate(x, "int8 symmetric per-channel(0)")
    assert p == engine.calibrate(x.copy(), "int8 symmetric per-channel(0)")
    assert p != engine.calibrate(x, "int8 symmetric per-channel(-2)")
    x[2, 0] = 1000
    assert p != engine.calibrate(x, "int8 symmetric per-channel(0)")


@every_mapping
@pytest.mark.parametrize(("shape", "g"), EVALUATED, ids=str)
def test_quantize_and_dequantize_agree_with_evaluate(
    mapping: str, shape: tuple[int, ...], g: Granularity
) -> None:
    x = uneven(shape, g)
    result = engine.evaluate(x, f"int8 {mapping} {g}")
    p = engine.calibrate(x, f"int8 {mapping} {g}")
    assert p == result.qparams
    codes = engine.quantize(np.asfortranarray(x), p)
    np.testing.assert_array_equal(codes, result.codes)
    assert codes.dtype == np.int8
    reconstructed = engine.dequantize(codes, p)
    np.testing.assert_array_equal(reconstructed, result.reconstructed)
    np.testing.assert_array_equal(engine.quantize(reconstructed, p), codes)
    assert reconstructed.dtype == np.float32
    np.testing.assert_array_equal(engine.dequantize(codes.tolist(), p), reconstructed)


def test_parameters_of_channels_serve_any_array_with_as_many() -> None:
    p = engine.calibrate(uneven((3, 8), per_channel(0)), "int8 symmetric per-channel(0)")
    other = uneven((3, 5, 2), per_channel(0), seed=1)
    expected = np.clip(np.rint(other / p.working_scale[:, None, None]), -127, 127)
    np.testing.assert_array_equal(engine.quantize(other, p), expected)


@pytest.mark.parametrize(
    ("word", "shape", "sentence"),
    [
        ("per-channel(0)", (4, 8), "those of 3 channels or groups; this array has 4"),
        ("per-channel(0)", (24,), "those of 3 channels or groups; this array has 24"),
        ("per-channel(-1)", (3, 7), "those of 8 channels or groups; this array has 7"),
        ("per-group(4)", (3, 9), "those of 6 channels or groups; this array has 9"),
        ("per-group(4)", (3,), "those of 6 channels or groups; this array has 1"),
        ("per-channel(1)", (8,), "needs an array with an axis 1; this one has 1 axis"),
        ("per-channel(0)", (), "needs an array with an axis 0; this one has no axis"),
    ],
)
def test_an_array_of_other_channels_is_refused(
    word: str, shape: tuple[int, ...], sentence: str
) -> None:
    p = engine.calibrate(uneven((3, 8), per_channel(0)), f"int8 symmetric {word}")
    with pytest.raises(engine.QuantizationError, match=sentence) as caught:
        engine.quantize(np.zeros(shape, np.float32), p)
    assert str(caught.value).endswith(".")
    with pytest.raises(engine.QuantizationError, match=sentence):
        engine.dequantize(np.zeros(shape, np.int8), p)


@pytest.mark.parametrize(
    ("shape", "axis", "axes"),
    [
        ((), 0, "no axis"),
        ((), -1, "no axis"),
        ((4,), 1, r"1 axis \(0\)"),
        ((4,), -2, r"1 axis \(0\)"),
        ((4, 2), 2, "2 axes"),
        ((4, 2, 1), -4, "3 axes"),
    ],
)
@every_calibration
def test_a_missing_axis_is_named(
    shape: tuple[int, ...], axis: int, axes: str, calibration: str
) -> None:
    x = np.ones(shape, np.float32)
    text = f"int8 symmetric {calibration} per-channel({axis})"
    for call in (
        engine.calibrate,
        engine.evaluate,
        lambda x, text: engine.trace(x, text, [0]),
    ):
        with pytest.raises(engine.QuantizationError, match=axes) as caught:
            call(x, text)
        assert f"per-channel({axis})" in str(caught.value)
        assert str(caught.value).endswith(".")


@every_mapping
def test_a_number_alone_is_one_group(mapping: str) -> None:
    alone = engine.evaluate(np.float32(0.7), f"int8 {mapping}")
    grouped = engine.evaluate(np.float32(0.7), f"int8 {mapping} per-group(4)")
    assert grouped.codes.shape == ()
    assert grouped.codes == alone.codes
    assert grouped.reconstructed == alone.reconstructed


# Storage


@pytest.mark.parametrize(
    ("text", "shape", "bits"),
    [
        # codes + (S + Z) · channels / values
        ("int8 symmetric per-channel(0)", (4, 16), 8 + 32 * 4 / 64),
        ("int8 asymmetric per-channel(0)", (4, 16), 8 + (32 + 8) * 4 / 64),
        ("int4 asymmetric per-group(8)", (4, 16), 4 + (32 + 4) * 8 / 64),
        ("int4 symmetric per-group(5)", (4, 16), 4 + 32 * 16 / 64),
        ("int8 symmetric", (4, 16), 8),
        ("uint16 scale-only per-channel(-1)", (4, 16), 16 + 32 * 16 / 64),
    ],
)
def test_every_channel_s_parameters_are_paid_for(
    text: str, shape: tuple[int, ...], bits: float
) -> None:
    x = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
    x[:, ::2] = -np.abs(x[:, ::2])
    x[:, 1::2] = np.abs(x[:, 1::2])
    assert engine.evaluate(x, text).metrics["bits_per_value"] == bits


def test_float64_and_zero_points_outside_the_codes_cost_more() -> None:
    x = uneven((4, 16), per_channel(0))
    double = engine.evaluate(x.astype(np.float64), "int8 symmetric per-channel(0)")
    assert double.metrics["bits_per_value"] == 8 + 64 * 4 / 64
    x[2] += 1000
    far = engine.evaluate(x, "int8 asymmetric per-channel(0)")
    assert far.metrics["bits_per_value"] == 8 + (32 + 32) * 4 / 64


@every_mapping
def test_parameters_take_memory_in_proportion_to_the_channels(mapping: str) -> None:
    def taken(channels: int) -> int:
        x = np.random.default_rng(0).normal(size=(channels, 4)).astype(np.float32)
        p = engine.calibrate(x, f"int8 {mapping} per-channel(0)")
        values = [*vars(p).values()]
        arrays = [v for v in (*values, *p.range) if isinstance(v, np.ndarray)]
        assert all(array.shape == (channels,) for array in arrays)
        # A view of something larger would keep that alive.
        bases = [array.base if array.base is not None else array for array in arrays]
        return sum(base.nbytes for base in bases)

    assert taken(3000) == 30 * taken(100)
    assert taken(1000) <= 1000 * 100


def test_nan_is_not_clipped_where_0_would_be() -> None:
    x = np.array([[100, np.nan, 101], [-1, 0, np.nan], [-7, -8, np.nan]], np.float32)
    for word in ("per-channel(0)", "per-group(3)"):
        result = engine.evaluate(x, f"int8 asymmetric {word}")
        assert not result.saturated[np.isnan(x)].any()
        assert result.metrics["clipped_low"] == result.metrics["clipped_high"] == 0
        zeros = engine.quantize(np.where(np.isnan(x), 0, x), result.qparams)
        assert zeros[0, 1] == -128
        traced = engine.trace(x, f"int8 asymmetric {word}", np.arange(9))
        assert not traced.saturated[np.isnan(traced["real"])].any()
