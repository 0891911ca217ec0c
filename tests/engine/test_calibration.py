"""The calibration methods against plain restatements of what they mean."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import engine
from engine.attribution import attribution
from engine.entropy import EMPTY, bin_counts, divergences, entropy_threshold
from engine.examples import EXAMPLES, example
from engine.formats import IntegerFormat
from engine.objective import COMPARED, objective

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


@settings(max_examples=60, deadline=None)
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


@pytest.mark.parametrize("count", [500, 100_000])
def test_mse_comes_within_two_per_cent_of_a_search_over_every_threshold(count: int) -> None:
    x = np.random.default_rng(2).standard_t(3, count).astype(np.float32)
    reach = float(np.abs(x).max())
    best = min(
        mse(x, f"int4 symmetric manual({-t!r},{t!r})")
        for t in np.geomspace(reach / 50, reach, 300).tolist()
    )
    assert mse(x, "int4 symmetric mse") <= best * 1.02


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
    """Migacz's loop, bin by bin."""
    p = counts[:cut].astype(float)
    p[-1] += counts[cut:].sum()
    q = np.zeros(cut)
    for group in range(levels):
        bins = range(group * cut // levels, (group + 1) * cut // levels)
        holders = [k for k in bins if p[k] > 0]
        for k in holders:
            q[k] = max(counts[list(bins)].sum(), EMPTY) / len(holders)
    p_share, q_share = p / p.sum(), q / counts[:cut].sum()
    known = p > 0
    return float(np.sum(p_share[known] * np.log(p_share[known] / q_share[known])))


@settings(max_examples=40, deadline=None)
@given(
    counts=hnp.arrays(np.int64, st.integers(12, 60), elements=st.integers(0, 1000)),
    levels=st.integers(2, 10),
)
def test_all_divergences_at_once_equal_the_loop(counts: np.ndarray, levels: int) -> None:
    counts[0] += 1
    cuts, fast = divergences(counts, levels)
    assert cuts.tolist() == list(range(levels, counts.size + 1))
    slow = [naive_divergence(counts, cut, levels) for cut in cuts]
    np.testing.assert_allclose(fast, slow, rtol=1e-9, atol=1e-9)


def test_entropy_really_searches_by_default() -> None:
    x = np.random.default_rng(5).standard_normal(200_000).astype(np.float32)
    x[:2] = -30, 50
    assert bin_counts(INT8, ()) == (2048, 128)
    assert 2 < entropy_threshold(x, INT8) < 10
    low, high = engine.calibrate(x, "int8 asymmetric entropy").range
    assert -10 < low < -2
    assert 2 < high < 10


def test_entropy_takes_its_counts_from_the_scheme() -> None:
    x = np.random.default_rng(6).laplace(size=50_000).astype(np.float32)
    coarse = engine.calibrate(x, "int8 symmetric entropy(256,128)").range
    fine = engine.calibrate(x, "int8 symmetric entropy(4096,128)").range
    assert coarse != fine


@pytest.mark.parametrize("method", ["percentile(99)", "mse", "entropy"])
@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "values",
    [
        [0.0] * 5,
        [0.7] * 5,
        [-3.0] * 4,
        [5.0],
        [1e-45, 3e-45],
        [1e37, -2e37],
        [-1.0, np.nan, np.inf, 2],
    ],
    ids=["zeros", "constant", "negative", "one", "subnormal", "huge", "nan and inf"],
)
def test_degenerate_arrays_give_a_usable_range(
    method: str, mapping: str, dtype: type, values: list[float]
) -> None:
    x = np.array(values, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = engine.evaluate(x, f"int8 {mapping} {method}")
    finite = np.isfinite(x)
    assert np.isfinite(result.reconstructed[finite]).all()
    assert result.qparams.scale > 0


def test_nothing_finite_is_refused_by_every_method() -> None:
    for method in ("percentile(99)", "mse", "entropy"):
        with pytest.raises(engine.QuantizationError, match="no finite value"):
            engine.evaluate(np.array([np.nan, np.inf]), f"int8 symmetric {method}")


def test_the_curves_agree_with_evaluating_at_their_thresholds() -> None:
    x = example("outlier").make()
    curves = objective(x, "int8 symmetric")
    for place in (0, 40, 95):
        t = float(curves.thresholds[place])
        figures = engine.evaluate(x, f"int8 symmetric manual({-t!r},{t!r})").metrics
        assert curves.total[place] == pytest.approx(figures["mse"], rel=1e-5)
        assert curves.clipping[place] == pytest.approx(figures["clipping_power"], rel=1e-5)
        assert curves.rounding[place] == pytest.approx(figures["rounding_power"], rel=1e-4)


def test_the_curves_mark_where_each_method_clips() -> None:
    x = example("heavy-tails").make()
    curves = objective(x, "int4 asymmetric")
    for method in COMPARED:
        ends = engine.calibrate(x, f"int4 asymmetric {method}").range
        assert curves.marks[str(method)] == pytest.approx(max(map(abs, ends)))


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
