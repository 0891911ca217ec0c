"""The figures of each channel, against the metrics of each evaluated alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Channels, Evaluation, Granularity
from quantoscope.engine.analysis.channel_figures import natural_granularity
from tests.laws import examples

CHANNEL_0, CHANNEL_1 = Granularity("per-channel", 0), Granularity("per-channel", 1)
OTHERS = (
    Granularity(),
    CHANNEL_0,
    CHANNEL_1,
    Granularity("per-channel", -1),
    Granularity("per-group", 5),
    Granularity("per-group", 64),
)
SCHEMES = (
    "int8 symmetric",
    "int8 asymmetric per-channel(0)",
    "int4 scale-only per-channel(-1)",
    "uint4 symmetric per-group(8)",
    "e4m3fn symmetric per-channel(1)",
    "int4 symmetric manual(-0.1,0.1)",
    "q4_1",
    "mxfp4-gguf",
    "int8 asymmetric per-channel(0) @pytorch",
)
every_scheme = pytest.mark.parametrize("text", SCHEMES)
every_granularity = pytest.mark.parametrize("g", OTHERS, ids=str)


def uneven(shape: tuple[int, ...] = (4, 3, 18), seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    spread = 10.0 ** random.uniform(-2, 1, (shape[0], *(1 for _ in shape[1:])))
    return (random.normal(0.2, 1, shape) * spread).astype(np.float32)


def places(x: np.ndarray, g: Granularity) -> list[list[int]]:
    """The flat positions of each channel."""
    channel = g.of(np.arange(x.size), x.shape).tolist()
    found: list[list[int]] = [[] for _ in range(max(channel) + 1)]
    for position, number in enumerate(channel):
        found[number].append(position)
    return found


def assert_true(x: np.ndarray, evaluation: Evaluation, g: Granularity | None) -> Channels:
    """Every figure is what plain Python makes of the channel's own values and errors."""
    made = engine.channels(x, evaluation, g)
    own = evaluation.qparams.granularity if g is None else g
    assert made.granularity == own
    members = places(x, own)
    for number, positions in enumerate(members):
        r = [float(v) for v in x.ravel()[positions]]
        e = [float(v) for v in evaluation.error.ravel()[positions]]
        finite = [v for v in r if math.isfinite(v)]
        pairs = [(v, w) for v, w in zip(r, e, strict=True) if math.isfinite(v) and math.isfinite(w)]
        noise = math.fsum(w * w for _, w in pairs)
        signal = math.fsum(v * v for v, _ in pairs)
        nothing = math.nan
        assert made.size[number] == len(positions)
        same(made.low[number], min(finite, default=nothing))
        same(made.high[number], max(finite, default=nothing))
        same(made.max_error[number], max((abs(w) for _, w in pairs), default=nothing))
        same(made.mse[number], noise / len(pairs) if pairs else nothing)
        same(made.sqnr[number], decibel(signal, noise) if pairs else nothing)
        clipped = np.count_nonzero(evaluation.saturated.ravel()[positions])
        assert made.clipped[number] == clipped
        first = evaluation.qparams.at(
            int(evaluation.qparams.granularity.of(np.array(positions[:1]), x.shape)[0])
        )
        assert made.scale[number] == first.scale
        assert made.zero_point[number] == first.zero_point
    arrays = [value for name, value in vars(made).items() if name != "granularity"]
    assert {array.shape for array in arrays} == {(len(members),)}
    return made


def decibel(signal: float, noise: float) -> float:
    if noise == 0:
        return math.inf
    return -math.inf if signal == 0 else 10 * (math.log10(signal) - math.log10(noise))


def same(ours: float, truth: float) -> None:
    assert float(ours) == pytest.approx(truth, rel=1e-12, abs=1e-12 * abs(truth), nan_ok=True)


@every_scheme
class TestEveryScheme:
    @every_granularity
    def test_the_figures_of_any_channels(self, text: str, g: Granularity) -> None:
        x = uneven()
        assert_true(x, engine.evaluate(x, text), g)

    def test_the_channels_that_share_parameters_are_the_default(self, text: str) -> None:
        x = uneven()
        evaluation = engine.evaluate(x, text)
        made = assert_true(x, evaluation, None)
        assert made.granularity == evaluation.qparams.granularity
        np.testing.assert_array_equal(made.scale, evaluation.qparams.scale)
        np.testing.assert_array_equal(made.zero_point, evaluation.qparams.zero_point)

    @every_granularity
    def test_nan_and_infinities_are_left_out(self, text: str, g: Granularity) -> None:
        x = uneven()
        x[0, 0, :7] = np.nan
        x[1, 2, 3], x[2, 0, 0] = np.inf, -np.inf
        x[3] = np.nan
        assert_true(x, engine.evaluate(x, text), g)

    def test_a_channel_of_nothing_known_has_no_figures(self, text: str) -> None:
        x = uneven()
        x[1], x[2, 0, :2] = np.nan, np.inf
        made = engine.channels(x, engine.evaluate(x, text), CHANNEL_0)
        for name in ("low", "high", "sqnr", "mse", "max_error"):
            assert [math.isnan(v) for v in getattr(made, name)] == [False, True, False, False]
        assert made.size.tolist() == [54] * 4
        assert made.clipped[1] == 0

    def test_zeros_are_reconstructed_without_error(self, text: str) -> None:
        x = uneven()
        x[2] = 0
        made = assert_true(x, engine.evaluate(x, text), CHANNEL_0)
        assert (made.low[2], made.high[2], made.clipped[2]) == (0, 0, 0)
        assert (made.mse[2], made.max_error[2], made.sqnr[2]) == (0, 0, math.inf)

    def test_the_layout_of_the_array_makes_no_difference(self, text: str) -> None:
        x = uneven()
        evaluation = engine.evaluate(x, text)
        expected = engine.channels(x, evaluation, CHANNEL_1)
        made = engine.channels(np.asfortranarray(x), evaluation, CHANNEL_1)
        for name in ("low", "high", "scale", "clipped", "max_error"):
            np.testing.assert_array_equal(getattr(made, name), getattr(expected, name))
        np.testing.assert_allclose(made.sqnr, expected.sqnr, rtol=1e-12)


@pytest.mark.parametrize("mapping", engine.MAPPINGS)
@pytest.mark.parametrize("g", [CHANNEL_0, CHANNEL_1, Granularity("per-group", 7)], ids=str)
@pytest.mark.parametrize("calibration", ["minmax", "percentile(80)", "manual(-0.5,0.5)"])
def test_each_channel_has_the_metrics_of_an_array_of_its_own(
    mapping: str, g: Granularity, calibration: str
) -> None:
    x = uneven()
    made = engine.channels(x, engine.evaluate(x, f"int4 {mapping} {calibration} {g}"))
    for number, positions in enumerate(places(x, g)):
        alone = engine.evaluate(x.ravel()[positions], f"int4 {mapping} {calibration}")
        metrics = alone.metrics
        same(made.sqnr[number], metrics["sqnr"])
        same(made.mse[number], metrics["mse"])
        assert made.max_error[number] == metrics["max_abs_error"]
        assert made.clipped[number] == metrics["clipped_low"] + metrics["clipped_high"]
        assert made.scale[number] == alone.qparams.scale
        assert made.zero_point[number] == alone.qparams.zero_point


@every_scheme
def test_all_channels_together_make_the_metrics_of_the_whole(text: str) -> None:
    x = uneven()
    evaluation = engine.evaluate(x, text)
    for g in OTHERS:
        made = engine.channels(x, evaluation, g)
        metrics = evaluation.metrics
        assert made.size.sum() == x.size
        assert made.clipped.sum() == metrics["clipped_low"] + metrics["clipped_high"]
        assert made.max_error.max() == metrics["max_abs_error"]
        same(float(np.sum(made.mse * made.size) / x.size), metrics["mse"])
        assert (made.low.min(), made.high.max()) == (float(x.min()), float(x.max()))


def test_a_channel_that_is_clipped_whole_counts_all_its_values() -> None:
    x = np.ones((3, 5), np.float32)
    x[1] = 100
    made = engine.channels(x, engine.evaluate(x, "int8 symmetric manual(-1,1)"), CHANNEL_0)
    assert made.clipped.tolist() == [0, 5, 0]
    assert made.max_error.tolist() == [0, 99, 0]
    assert made.sqnr[1] == pytest.approx(20 * math.log10(100 / 99))


def test_a_small_channel_suffers_from_the_scale_of_a_large_one() -> None:
    random = np.random.default_rng(1)
    x = (random.normal(size=(2, 400)) * [[100.0], [0.1]]).astype(np.float32)
    together = engine.channels(x, engine.evaluate(x, "int8 symmetric"), CHANNEL_0)
    apart = engine.channels(x, engine.evaluate(x, "int8 symmetric per-channel(0)"))
    assert together.sqnr[0] == apart.sqnr[0]
    assert apart.sqnr[1] > together.sqnr[1] + 30
    assert together.scale[0] == together.scale[1] == apart.scale[0] > apart.scale[1]


@pytest.mark.parametrize("magnitude", [1e-310, 1e-200, 1e-30, 1e30, 1e200, 1e306])
def test_squares_of_float64_that_do_not_fit_leave_the_decibels_right(magnitude: float) -> None:
    x = np.random.default_rng(2).normal(size=(2, 200))
    expected = engine.channels(x, engine.evaluate(x, "int8 symmetric"), CHANNEL_0)
    scaled = np.array(x * magnitude)
    made = engine.channels(scaled, engine.evaluate(scaled, "int8 symmetric"), CHANNEL_0)
    np.testing.assert_allclose(made.sqnr, expected.sqnr, rtol=1e-3)
    np.testing.assert_allclose(made.max_error, expected.max_error * magnitude, rtol=1e-2)


@given(
    st.integers(1, 4),
    st.integers(1, 12),
    st.sampled_from(OTHERS),
    st.integers(0, 2**32 - 1),
)
@examples(60)
def test_any_channels_of_any_array(rows: int, columns: int, g: Granularity, seed: int) -> None:
    random = np.random.default_rng(seed)
    x = random.choice([0.0, 1.0, -2.5, 0.3, 40.0, np.nan], (rows, columns)).astype(np.float32)
    if np.isnan(x).all():
        x[0, 0] = 1
    assert_true(x, engine.evaluate(x, "int4 symmetric manual(-3,3)"), g)


@pytest.mark.parametrize(
    ("g", "name"),
    [(CHANNEL_0, "channel 3"), (Granularity("per-group", 2), "group 3")],
    ids=str,
)
def test_channels_are_called_by_their_number(g: Granularity, name: str) -> None:
    x = uneven((4, 8))
    assert engine.channels(x, engine.evaluate(x, "int8 symmetric"), g).name(3) == name


@pytest.mark.parametrize(
    ("shape", "g"),
    [((), Granularity()), ((5,), Granularity()), ((5, 1), CHANNEL_0), ((2, 3, 4), CHANNEL_0)],
)
def test_arrays_of_several_axes_have_channels_by_themselves(
    shape: tuple[int, ...], g: Granularity
) -> None:
    assert natural_granularity(shape) == g


@pytest.mark.parametrize("g", [Granularity(), Granularity("per-group", 4)], ids=str)
def test_a_number_alone_is_one_channel(g: Granularity) -> None:
    x = np.array(0.7, np.float32)
    made = engine.channels(x, engine.evaluate(x, "int8 symmetric"), g)
    assert made.size.tolist() == [1]
    assert made.low.tolist() == made.high.tolist() == [float(x)]


@pytest.mark.parametrize("axis", [2, 7, -3])
def test_channels_along_an_axis_that_is_not_there_are_refused(axis: int) -> None:
    x = uneven((4, 3))
    result = engine.evaluate(x, "int8 symmetric")
    with pytest.raises(engine.QuantizationError, match=rf"an axis {axis}; this one has 2 axes"):
        engine.channels(x, result, Granularity("per-channel", axis))


def test_another_array_than_was_evaluated_is_refused() -> None:
    x = uneven((4, 3))
    result = engine.evaluate(x, "int8 symmetric per-channel(0)")
    with pytest.raises(engine.QuantizationError, match=r"the shape \(4, 3\), this array \(12,\)"):
        engine.channels(x.reshape(-1), result)
