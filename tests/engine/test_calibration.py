"""The calibration methods against plain restatements of what they mean."""

import math
import warnings
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantoscope import engine
from quantoscope.engine.analysis.cost_curve import compared, ends_at, objective
from quantoscope.engine.analysis.outliers import attribution
from quantoscope.engine.calibration import METHODS, Calibration
from quantoscope.engine.calibration.entropy import (
    Search,
    bin_counts,
    divergences,
    first_cut,
    last_least,
    search_of,
)
from quantoscope.engine.calibration.mse import sample_points
from quantoscope.engine.evaluation.evaluator import revise
from quantoscope.engine.examples import EXAMPLES, example
from quantoscope.engine.formats import IntegerFormat
from quantoscope.engine.numerics.arithmetic import EntropySearch
from quantoscope.engine.numerics.kernels import extremes
from quantoscope.engine.quantizers import QUANTIZERS
from tests.laws import examples
from tests.without_loops import numpy_alone

MAPPINGS = tuple(engine.MAPPINGS)
INT8 = IntegerFormat(8, signed=True)


def mse(x: np.ndarray, scheme: str) -> float:
    return engine.evaluate(x, scheme).metrics["mse"]


@pytest.mark.parametrize("share", [60, 99, 99.9, 100])
def test_percentile_keeps_the_stated_share_of_the_values_inside(share: float) -> None:
    x = np.random.default_rng(1).standard_normal(20_001).astype(np.float32) ** 3
    low, high = engine.calibrate(x, f"int8 asymmetric percentile({share})").range
    assert np.mean((x >= low) & (x <= high)) == pytest.approx(share / 100, abs=2e-4)
    assert np.mean(x < low) == pytest.approx(np.mean(x > high), abs=2e-4)
    low, high = engine.calibrate(x, f"int8 symmetric percentile({share})").range
    assert low == -high
    assert np.mean(np.abs(x) <= high) == pytest.approx(share / 100, abs=2e-4)


def test_percentile_100_is_minmax() -> None:
    x = example("gelu").make()
    for mapping in MAPPINGS:
        whole = engine.calibrate(x, f"int8 {mapping} percentile(100)")
        assert whole == engine.calibrate(x, f"int8 {mapping}")


@examples(60)
@given(
    x=hnp.arrays(np.float32, st.integers(1, 60), elements=st.floats(-(2.0**60), 2.0**60, width=32)),
    mapping=st.sampled_from(MAPPINGS),
    fmt=st.sampled_from(["int8", "uint8", "int4", "int2", "int16"]),
)
def test_mse_is_never_worse_than_minmax(x: np.ndarray, mapping: str, fmt: str) -> None:
    found, whole = mse(x, f"{fmt} {mapping} mse"), mse(x, f"{fmt} {mapping}")
    assert found <= whole * (1 + 1e-9)


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("entry", EXAMPLES, ids=lambda e: e.key)
def test_mse_is_never_worse_than_minmax_on_any_example(mapping: str, entry: object) -> None:
    x = entry.make()  # type: ignore[attr-defined]
    for fmt in ("int8", "int4"):
        assert mse(x, f"{fmt} {mapping} mse") <= mse(x, f"{fmt} {mapping}")


@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("rows", [1, 3])
def test_a_sample_stands_for_as_many_values_as_there_are(zeros: float, rows: int) -> None:
    rng = np.random.default_rng(9)
    x = rng.normal(size=(rows, 30_000)).astype(np.float32)
    x[rng.random(x.shape) < zeros] = 0
    points = sample_points(x)
    assert points.values.shape[1] < 30_000 / 3
    assert points.weights.sum(axis=1) == pytest.approx(30_000)
    np.testing.assert_array_equal(points.values.min(axis=1), x.min(axis=1))
    np.testing.assert_array_equal(points.values.max(axis=1), x.max(axis=1))


@pytest.mark.parametrize("text", ["int8 symmetric", "int4 symmetric", "int4 asymmetric"])
@pytest.mark.parametrize("size", [20_000, 200_000])
def test_mse_is_no_worse_than_minmax_where_a_sample_would_mislead(text: str, size: int) -> None:
    x = (np.random.default_rng(3).integers(-127, 128, size) / 127).astype(np.float32)
    x[:: size // 4096] = 0.3
    assert mse(x, f"{text} mse") <= mse(x, text)


@pytest.mark.parametrize("count", [500, 100_000])
def test_mse_comes_within_two_per_cent_of_a_search_over_every_threshold(count: int) -> None:
    x = np.random.default_rng(2).standard_t(3, count).astype(np.float32)
    reach = float(np.abs(x).max())
    best = min(
        mse(x, f"int4 symmetric manual({-t!r},{t!r})")
        for t in np.geomspace(reach / 50, reach, 300).tolist()
    )
    assert mse(x, "int4 symmetric mse") <= best * 1.02


def least_error(x: np.ndarray, scales: np.ndarray, low: float, high: float, z: float = 0) -> float:
    """The smallest mean squared error of all these scales, by the formulas alone."""
    x = x.astype(np.float64)
    least = np.inf
    for some in np.array_split(scales, max(1, scales.size * x.size // 500_000)):
        s = some[:, None]
        back = (np.clip(np.rint(x / s + z), low, high) - z) * s
        least = min(least, float(np.mean((back - x) ** 2, axis=1).min()))
    return least


DATA = {
    "normal": lambda random, n: random.standard_normal(n),
    "heavy tails": lambda random, n: random.standard_t(2, n),
    "relu": lambda random, n: np.maximum(random.standard_normal(n), 0) + (np.arange(n) == 0),
    "two groups": lambda random, n: random.choice([1, 50], n) * random.uniform(-1, 1, n),
}


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("fmt", ["int3", "int4", "int8"])
@pytest.mark.parametrize("count", [5, 30, 500, 20_000])
def test_mse_of_a_symmetric_range_is_the_least_of_all_thresholds(
    kind: str, fmt: str, count: int
) -> None:
    """Within half a per cent of what a thousand thresholds, larger ones than max|R| too, give."""
    x = DATA[kind](np.random.default_rng(count), count).astype(np.float32)
    last = 2 ** (int(fmt[3:]) - 1) - 1
    thresholds = np.abs(x).max() * 2.0 ** -np.linspace(-0.1, 5, 1000 if count < 9000 else 300)
    least = least_error(x, thresholds.astype(np.float64) / last, -last, last)
    assert mse(x, f"{fmt} symmetric mse") <= least * 1.005 + 1e-15


@pytest.mark.parametrize("kind", DATA)
@pytest.mark.parametrize("count", [5, 30, 500])
def test_mse_of_an_asymmetric_range_is_the_least_of_all_scales_and_zero_points(
    kind: str, count: int
) -> None:
    x = DATA[kind](np.random.default_rng(count), count).astype(np.float32)
    scales = np.ptp(x).astype(np.float64) / 15 * 2.0 ** -np.linspace(-0.2, 3, 500)
    least = min(least_error(x, scales, -8, 7, z) for z in range(-12, 13))
    assert mse(x, "int4 asymmetric mse") <= least * 1.005


def test_mse_of_many_groups_is_that_of_each_alone_and_quick() -> None:
    x = np.random.default_rng(3).standard_t(3, (500, 64)).astype(np.float32)
    x[7] = 2.5
    ends = engine.calibrate(x, "int4 symmetric per-group(32) mse").range[1]
    for group in (0, 13, 14, 999):
        alone = engine.calibrate(x.reshape(-1, 32)[group], "int4 symmetric mse").range[1]
        assert ends[group] == pytest.approx(alone)


def test_mse_of_groups_of_one_value_has_nothing_to_search() -> None:
    x = np.random.default_rng(4).standard_normal((200_000, 1)).astype(np.float32)
    result = engine.calibrate(x, "int8 symmetric per-group(32) mse")
    np.testing.assert_array_equal(result.range[1], np.abs(x).ravel())


def test_mse_of_many_groups_can_be_stopped() -> None:
    x = np.random.default_rng(5).standard_normal((20_000, 32)).astype(np.float32)

    def step(done: int, of: int) -> None:
        if done:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.calibrate(x, "int8 asymmetric per-group(32) mse", progress=step)


def test_mse_moves_both_ends_of_an_asymmetric_range() -> None:
    x = np.random.default_rng(3).standard_normal(5000).astype(np.float32)
    x[:2] = -15, 20
    low, high = engine.calibrate(x, "int4 asymmetric mse").range
    assert -14 < low < -2
    assert 2 < high < 19
    assert abs(low) != high


def test_mse_depends_on_format_and_mapping() -> None:
    x = np.random.default_rng(4).laplace(size=4000).astype(np.float32)
    ranges = {
        engine.calibrate(x, f"{fmt} symmetric mse").range[1] for fmt in ("int2", "int4", "int8")
    }
    assert len(ranges) == 3


def naive_divergence(counts: np.ndarray, cut: int, levels: int) -> float:
    """Migacz's loop, bin by bin, with the zero bin as Model Optimizer takes it."""
    counts = counts.astype(float)
    counts[0] = counts[1]
    p, q = counts[:cut].copy(), np.zeros(cut)
    p[-1] += counts[cut:].sum()
    edges = np.linspace(0, cut, levels + 1)
    group_of = np.digitize(range(cut), edges) - 1
    for group in set(group_of.tolist()):
        holders = [k for k in np.flatnonzero(group_of == group) if counts[k] > 0]
        q[holders] = counts[holders].sum() / max(1, len(holders))
    if q.sum() == 0:
        return math.nan
    p, q = p / p.sum(), q / q.sum()
    if (q[p > 0] == 0).any():
        return math.inf
    return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))


@examples(40)
@given(
    counts=hnp.arrays(np.int64, st.integers(12, 60), elements=st.integers(0, 1000)),
    levels=st.sampled_from([2, 4, 8, 16]),
)
def test_all_divergences_at_once_equal_the_loop(counts: np.ndarray, levels: int) -> None:
    counts[-1] += 1
    cuts, fast = divergences(counts, levels)
    assert cuts.tolist() == list(range(min(levels, counts.size), counts.size + 1))
    slow = [naive_divergence(counts, cut, levels) for cut in cuts]
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9)


def test_the_last_of_equal_divergences_counts_and_what_is_unknown_counts_as_least() -> None:
    assert last_least(np.array([3.0, 1.0, 2.0, 1.0, np.inf])) == 3
    assert last_least(np.array([np.nan, np.nan, 1.0, np.inf])) == 1


def test_entropy_really_searches_by_default() -> None:
    x = np.random.default_rng(5).standard_normal(200_000).astype(np.float32)
    x[:2] = -30, 50
    assert bin_counts(INT8, ()) == (2048, 128)
    assert 2 < engine.calibrate(x, "int8 symmetric entropy").range[1] < 10
    low, high = engine.calibrate(x, "int8 asymmetric entropy").range
    assert -10 < low < -2
    assert 2 < high < 10


@pytest.mark.parametrize(("fmt", "levels"), [("int8", 128), ("uint8", 256), ("int4", 8)])
def test_entropy_has_as_many_levels_as_there_are_codes_of_one_sign(fmt: str, levels: int) -> None:
    assert bin_counts(engine.Scheme.parse(f"{fmt} symmetric").format, ()) == (2048, levels)


def test_entropy_takes_its_counts_from_the_scheme() -> None:
    x = np.random.default_rng(6).laplace(size=50_000).astype(np.float32)
    coarse = engine.calibrate(x, "int8 symmetric entropy(256,128)").range
    fine = engine.calibrate(x, "int8 symmetric entropy(4096,128)").range
    assert coarse != fine


@pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
def test_entropy_is_not_led_astray_by_zeros(share: float) -> None:
    """Zeros of ReLU or of padding pile up in the first bin."""
    random = np.random.default_rng(7)
    x = np.abs(random.standard_normal(20_000)).astype(np.float32)
    x[random.random(x.size) < share] = 0
    found, whole = (
        engine.evaluate(x, f"int8 symmetric {method}").metrics["sqnr"]
        for method in ("entropy", "minmax")
    )
    assert found > whole - 6


def test_the_entropy_of_the_relu_example_is_no_worse_than_a_few_db_below_minmax() -> None:
    x = example("relu").make()
    found, whole = (
        engine.evaluate(x, f"int8 symmetric {method}").metrics["sqnr"]
        for method in ("entropy", "minmax")
    )
    assert found > whole - 4


@pytest.mark.parametrize("length", [1, 3, 60, 256])
def test_entropy_of_short_channels_is_that_of_each_channel_alone(length: int) -> None:
    """Few values are searched by the bins that hold some, and not by all 2048."""
    random = np.random.default_rng(8)
    x = random.standard_t(3, (40, length)).astype(np.float32)
    x[random.random(x.shape) < 0.3] = 0
    together = engine.calibrate(x, "int8 symmetric per-channel(0) entropy").range[1]
    alone = [engine.calibrate(row, "int8 symmetric entropy").range[1] for row in x]
    np.testing.assert_allclose(together, alone, rtol=1e-6)


def test_entropy_of_many_short_channels_is_quick_and_can_be_stopped() -> None:
    x = np.random.default_rng(9).standard_normal((50_000, 3)).astype(np.float32)
    told: list[int] = []

    def step(done: int, of: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        engine.calibrate(x, "int8 symmetric per-channel(0) entropy", progress=step)
    assert len(told) == 2


def test_the_work_of_entropy_is_bounded_whatever_the_channels() -> None:
    for channels, length in ((2_000_000, 10), (200_000, 100), (20_000, 1000)):
        search = search_of(INT8, (), EntropySearch.MODELOPT, channels, length)
        assert isinstance(search, Search)
        cuts = (search.bins - first_cut(search.bins, search.levels)) / search.stride
        cells = channels * min(length * length / (2 * search.stride), cuts * search.levels)
        assert cells < 1 << 29
    assert search_of(INT8, (), EntropySearch.ONNXRUNTIME, 2_000_000, 10).stride == 0


def test_it_is_said_where_entropy_sees_too_few_values() -> None:
    x = np.random.default_rng(10).standard_normal((300, 10)).astype(np.float32)
    notes = engine.evaluate(x, "int8 symmetric per-channel(0) entropy").warnings
    assert any(
        note == "entropy sees 10 values in each of 300 channels or groups, too few for a "
        "histogram of 2,048 bins: minmax or mse suits them better."
        for note in notes
    )
    assert not engine.evaluate(np.repeat(x, 2), "int8 symmetric percentile(100)").warnings


# Where clipping costs more than it saves


COSTLY = "Clipping costs more than it saves"


@pytest.mark.parametrize(
    ("text", "costly"),
    [
        ("int8 symmetric manual(-1,1)", True),
        ("int8 symmetric percentile(90)", True),
        ("int8 asymmetric manual(-1,3)", True),
        ("uint8 asymmetric percentile(90) @onnxruntime", True),
        ("int4 symmetric manual(-2.8,2.8)", False),
        ("int8 symmetric manual(-9,9)", False),
        ("int4 symmetric mse", False),
        ("int8 symmetric", False),
    ],
)
def test_clipping_that_costs_more_than_it_saves_is_said(text: str, costly: bool) -> None:
    x = np.random.default_rng(11).standard_normal(5000).astype(np.float32)
    result = engine.evaluate(x, text)
    minmax = engine.evaluate(x, result.scheme.adapted(calibration=engine.Calibration()))
    assert (result.metrics["mse"] > minmax.metrics["mse"]) == costly or "9" in text
    notes = [note for note in result.warnings if note.startswith(COSTLY)]
    assert bool(notes) == costly
    if costly:
        mse_, of_minmax = (f"{r.metrics['mse']:.4g}" for r in (result, minmax))
        assert notes == [f"{COSTLY}: MSE is {mse_}, and {of_minmax} with minmax."]


def test_nothing_is_said_of_clipping_whose_cost_the_sentence_would_not_show() -> None:
    for seed in range(30):  # −128.5 becomes 0 either way, and has nearly all of the error
        x = np.abs(np.random.default_rng(seed).standard_normal(32)).astype(np.float32)
        x[[3, 9, 17]] = -128.5
        for switched in (nullcontext, numpy_alone):
            with switched():
                notes = engine.evaluate(x, "uint8 symmetric percentile(99)").warnings
            assert not [note for note in notes if note.startswith(COSTLY)]


def test_costly_clipping_is_said_of_an_array_that_was_revised_too() -> None:
    x = np.random.default_rng(12).standard_normal(4000).astype(np.float32)
    before = engine.evaluate(x, "int8 symmetric manual(-3,3)")
    old, where = x[[5]].copy(), np.array([5])
    x[5] = 4000.0
    revised = revise(x, before, where, old, extremes(x))
    assert revised is not None
    assert revised.warnings == engine.evaluate(x, "int8 symmetric manual(-3,3)").warnings


DEGENERATE = {
    "zeros": [0.0] * 5,
    "constant": [0.7] * 5,
    "mostly zeros": [0.0] * 999 + [5.0],
    "mostly fives": [5.0] * 999 + [0.0],
    "negative": [-3.0] * 4,
    "one": [5.0],
    "subnormal": [1e-45, 3e-45],
    "huge": [1e37, -2e37],
    "nan and inf": [-1.0, np.nan, np.inf, 2],
}


def usual(method: str) -> Calibration:
    """The method with the numbers that a form offers."""
    return Calibration(method, METHODS[method].first)


@pytest.mark.parametrize("method", METHODS)
class TestEveryMethod:
    """What holds of every calibration method, by being registered."""

    @pytest.mark.parametrize("mapping", MAPPINGS)
    @pytest.mark.parametrize("name", DEGENERATE)
    def test_a_degenerate_array_gives_a_usable_range(
        self, method: str, mapping: str, name: str
    ) -> None:
        for dtype in (np.float32, np.float64):
            x = np.array(DEGENERATE[name], dtype)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                result = engine.evaluate(x, f"int8 {mapping} {usual(method)}")
            finite = np.isfinite(x)
            assert np.isfinite(result.reconstructed[finite]).all()
            assert result.qparams.scale > 0
            notes = " ".join(result.warnings)
            assert "All values are 0" not in notes or not x.any()
            assert "All values are equal" not in notes or np.ptp(x) == 0

    def test_a_channel_has_the_range_that_it_has_alone(self, method: str) -> None:
        x = np.random.default_rng(3).normal(size=(4, 300)).astype(np.float32)
        x *= np.float32([[1], [100], [1e-3], [0]])
        for mapping in MAPPINGS:
            scheme = f"int8 {mapping} {usual(method)}"
            together = engine.calibrate(x, f"{scheme} per-channel(0)")
            for low, high, row in zip(*together.range, x, strict=True):
                assert engine.calibrate(row, scheme).range == (low, high)

    def test_the_layout_in_memory_and_what_is_no_number_change_no_range(self, method: str) -> None:
        x = np.random.default_rng(4).normal(size=(20, 30)).astype(np.float32)
        scheme = f"int8 asymmetric {usual(method)}"
        expected = engine.calibrate(x, scheme).range
        assert engine.calibrate(np.asfortranarray(x), scheme).range == expected
        assert engine.calibrate(np.repeat(x, 2, axis=1)[:, ::2], scheme).range == expected
        gaps = np.concatenate([x.ravel(), np.float32([np.nan, np.inf, -np.inf])])
        assert engine.calibrate(gaps, scheme).range == expected

    def test_an_array_without_a_finite_value_is_refused(self, method: str) -> None:
        if not METHODS[method].by_hand:
            with pytest.raises(engine.QuantizationError, match="no finite value"):
                engine.evaluate(np.array([np.nan, np.inf]), f"int8 symmetric {usual(method)}")

    def test_it_is_read_as_it_is_printed_and_refuses_what_is_no_number(self, method: str) -> None:
        calibration = usual(method)
        assert engine.Scheme.parse(f"int8 symmetric {calibration}").calibration == calibration
        for count in METHODS[method].counts:
            for wrong in (np.inf, np.nan) if count else ():
                with pytest.raises(ValueError):
                    Calibration(method, (wrong,) * count)

    def test_the_guide_has_it(self, method: str) -> None:
        guide = Path(__file__).parents[2] / "resources" / "guide"
        text = (guide / "calibration.md").read_text(encoding="utf-8")
        assert method in text


def test_the_curves_agree_with_evaluating_at_their_thresholds() -> None:
    x = example("outlier").make()
    curves = objective(x, "int8 symmetric")
    for place in (0, 40, 95):
        t = float(curves.thresholds[place])
        figures = engine.evaluate(x, f"int8 symmetric manual({-t!r},{t!r})").metrics
        assert curves.total[place] == pytest.approx(figures["mse"], rel=1e-5)
        assert curves.clipping[place] == pytest.approx(figures["clipping_power"], rel=1e-5)
        assert curves.rounding[place] == pytest.approx(figures["rounding_power"], rel=1e-4)


@pytest.mark.parametrize("scheme", ["int8 scale-only", "int8 symmetric", "int4 asymmetric"])
@pytest.mark.parametrize("key", ["three-numbers", "heavy-tails", "outlier"])
def test_marks_are_what_each_method_chooses_and_costs_on_all_values(key: str, scheme: str) -> None:
    x = np.tile(example(key).make(), 1 if key != "heavy-tails" else 10)
    curves = objective(x, scheme)
    assert [*curves.marks] == [str(method) for method in compared()]
    for method, mark in curves.marks.items():
        result = engine.evaluate(x, f"{scheme} {method}")
        figures = result.metrics
        assert mark.threshold == pytest.approx(max(map(abs, result.qparams.range)))
        assert mark.clipping == pytest.approx(figures["clipping_power"], rel=1e-5)
        assert mark.rounding == pytest.approx(figures["rounding_power"], rel=1e-5)
        assert mark.clipped == figures["clipped_low"] + figures["clipped_high"]


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("key", ["three-numbers", "relu", "heavy-tails", "ties"])
def test_the_curves_reach_beyond_every_mark(key: str, mapping: str) -> None:
    curves = objective(example(key).make(), f"int8 {mapping}")
    for mark in curves.marks.values():
        assert curves.thresholds[-1] > 1.05 * mark.threshold
        assert mark.threshold in curves.thresholds.astype(np.float32)
    assert np.isfinite(curves.total).all()


def test_beyond_the_data_a_range_grows_about_0_and_the_curve_has_no_step_there() -> None:
    x = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
    affine, symmetric = QUANTIZERS["asymmetric"], QUANTIZERS["symmetric"]
    assert ends_at(-1.0, 4.0, 2.0, affine) == (-1.0, 2.0)
    assert ends_at(-1.0, 4.0, 8.0, affine) == (-2.0, 8.0)
    assert ends_at(3.0, 4.0, 8.0, affine) == (3.0, 8.0)
    assert ends_at(-1.0, 4.0, 8.0, symmetric) == (-8.0, 8.0)
    curves = objective(x, "int8 scale-only")
    for t, cost in zip(curves.thresholds, curves.total, strict=True):
        low, high = (float(end) for end in ends_at(x.min(), x.max(), np.float32(t), affine))
        figures = engine.evaluate(x, f"int8 scale-only manual({low!r},{high!r})").metrics
        assert cost == pytest.approx(figures["mse"], rel=1e-4)


@pytest.mark.parametrize("values", [[0.0, 0.0], [3.0], [2.0, 2.0]])
def test_arrays_without_extent_have_no_curves(values: list[float]) -> None:
    assert objective(np.array(values, np.float32), "int8 symmetric").thresholds.size == 0


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_the_outlier_is_named_as_the_cause(mapping: str) -> None:
    x = example("outlier").make()
    scheme = f"int8 {mapping}"
    cause = attribution(x, engine.evaluate(x, scheme))
    assert cause is not None
    assert cause.count == 1
    without = engine.evaluate(np.delete(x, 500), scheme).metrics["sqnr"]
    assert cause.sqnr_without == pytest.approx(without)
    assert str(cause).startswith("1 value (0.1 %) sets the scale; without it SQNR would be 48.")


def test_two_outliers_on_different_sides_are_named_together() -> None:
    x = np.random.default_rng(7).uniform(-1, 1, 1000).astype(np.float32)
    x[[3, 9]] = -50, 70
    cause = attribution(x, engine.evaluate(x, "int8 asymmetric"))
    assert cause is not None
    assert cause.count == 1  # without 70 the range is less than half as wide
    x[9] = 50
    cause = attribution(x, engine.evaluate(x, "int8 symmetric"))
    assert cause is not None
    assert cause.count == 2
    assert str(cause).startswith("2 values (0.2 %) set the scale; without them")


def test_nobody_is_blamed_where_the_tail_is_the_data() -> None:
    x = np.random.default_rng(8).uniform(-1, 1, 1000).astype(np.float32)
    assert attribution(x, engine.evaluate(x, "int8 symmetric")) is None
    x[0] = 100
    assert attribution(x, engine.evaluate(x, "int8 symmetric manual(-1,1)")) is None


def test_values_beyond_the_precision_of_a_runtime_are_called_that() -> None:
    x = np.array([1e200, -1e200])
    with pytest.raises(engine.QuantizationError, match="beyond float32, which q8_0 works in"):
        engine.evaluate(x, "q8_0")
    assert engine.evaluate(np.append(x, 1.0), "int8 symmetric @pytorch").qparams.range == (-1, 1)


def test_entropy_of_many_channels_tries_fewer_cuts_but_never_none() -> None:
    x = np.random.default_rng(11).standard_normal((4000, 64)).astype(np.float32)
    few = engine.calibrate(x[:20], "int8 symmetric per-channel(0) entropy").range[1]
    many = engine.calibrate(x, "int8 symmetric per-channel(0) entropy").range[1]
    largest = np.abs(x).max(axis=1)
    assert ((many > 0) & (many <= largest * (1 + 1e-6))).all()
    each = [engine.calibrate(row, "int8 symmetric entropy").range[1] for row in x[:20]]
    np.testing.assert_array_equal(few, each)


def test_of_the_ranges_that_a_sample_leaves_those_that_suit_more_values_are_measured() -> None:
    x = np.random.default_rng(1).normal(size=300_000).astype(np.float32)
    thresholds = np.abs(x).max() * 2.0 ** -np.linspace(0, 1, 120)
    least = least_error(x, thresholds.astype(np.float64) / 127, -127, 127)
    assert mse(x, "int8 symmetric mse") <= least * 1.005


@pytest.mark.parametrize("whose", ["", " @onnxruntime"])
@pytest.mark.parametrize("scheme", ["int8 symmetric", "uint8 asymmetric", "int4 asymmetric"])
def test_the_least_divergence_of_the_curve_lies_at_the_threshold_of_entropy(
    scheme: str, whose: str
) -> None:
    x = np.random.default_rng(6).standard_t(3, 3000).astype(np.float32)
    x = np.abs(x) if scheme.startswith("u") else x
    curves = objective(x, scheme + whose)
    least = curves.cuts[curves.divergence == curves.divergence.min()]
    bin_ = np.abs(x).max() / 2048
    assert np.abs(least - curves.marks["entropy"].threshold).min() <= 2 * bin_
    assert curves.marks["entropy"].threshold < curves.marks["minmax"].threshold
