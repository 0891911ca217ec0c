"""The few values that set the scale, against every way of leaving some out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine.analysis.outliers import MOST, attribution
from quantoscope.engine.numerics.envelope import pyramid_of
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.engine.blocked import LAYOUTS, blocks_of
from tests.laws import examples

WHOLE = [
    *(f"{fmt} {mapping}" for fmt in ("int8", "uint4") for mapping in engine.MAPPINGS),
    *("int8 asymmetric pow2", "int4 symmetric toward-zero", "e4m3fn symmetric", "nf4 symmetric"),
    *(
        f"{runtime.formats[0]} {mapping} @{runtime.name}"
        for runtime in RUNTIMES.values()
        for mapping in runtime.mappings
        if "per-tensor" in runtime.granularities
    ),
]


# The truth: leave out ever more values, in every way, until the range is half as wide.


def has_symmetric_range(text: str) -> bool:
    return " symmetric" in text


def fewest(x: np.ndarray, text: str) -> list[np.ndarray]:
    """Return each way, of those that leave the narrowest range, to leave the fewest values out."""
    flat = x.reshape(-1).astype(np.float64)
    finite = np.flatnonzero(np.isfinite(flat))
    if has_symmetric_range(text):
        flat = np.abs(flat)
    order = finite[np.argsort(flat[finite], kind="stable")]
    ranked = flat[order]
    n = order.size
    most = min(64, n // 100)
    width = ranked[-1] - (0 if has_symmetric_range(text) else ranked[0])
    if not 0 < width < math.inf:
        return []
    for count in range(1, most + 1):
        ways = []
        for below in range(1 if has_symmetric_range(text) else count + 1):
            rest = ranked[below : n - (count - below)]
            left = rest[-1] - (0 if has_symmetric_range(text) else rest[0])
            out = np.concatenate([order[:below], order[n - (count - below) :]])
            ways.append((left, out))
        least = min(left for left, _ in ways)
        if least <= width / 2:
            return [out for left, out in ways if left == least]
    return []


def assert_true(x: np.ndarray, text: str, **others: Any) -> None:
    made = engine.evaluate(x, text)
    cause = attribution(x, made, **others)
    ways = fewest(x.astype(np.float64), text)
    assert (cause is None) == (not ways)
    if cause is None:
        return
    assert cause.count == ways[0].size
    assert cause.share == ways[0].size / np.isfinite(x).sum()
    assert cause.sqnr == made.metrics["sqnr"]
    working = made.values.reshape(-1)
    alone = [engine.evaluate(np.delete(working, out), text).metrics["sqnr"] for out in ways]
    assert any(cause.sqnr_without == pytest.approx(sqnr, rel=1e-12, abs=1e-12) for sqnr in alone)


def outlying(size: int, outliers: dict[int, float], seed: int = 0) -> np.ndarray:
    x = np.random.default_rng(seed).uniform(-1, 1, size).astype(np.float32)
    for position, value in outliers.items():
        x[position] = value
    return x


OUTLIERS: dict[str, dict[int, float]] = {
    "none": {},
    "one at the start": {0: 9},
    "one at the end, below": {-1: -9},
    "one on each side": {127: 9, 128: -9},
    "two of a kind": {5: 9, 999: 9},
    "two of a kind on either side": {5: 9, 6: 9, 700: -9, 701: -9},
    "as far from 0": {5: 9, 700: -9, 8: 8.5},
    "the most there may be": dict.fromkeys(range(0, 200, 20), 7.0),
    "one too many": dict.fromkeys(range(0, 220, 20), 7.0),
    "in steps": {place: 2.0 ** (place // 3) for place in range(0, 30, 3)},
    "beside NaN and infinities": {4: math.nan, 5: 9, 6: math.inf, 300: -math.inf, 301: -9},
    "a stretch of NaN": {**dict.fromkeys(range(128, 256), math.nan), 257: 30, 900: math.inf},
    "at exactly half": {5: 2, 6: -1, 7: 1},
}


@pytest.mark.parametrize("outliers", OUTLIERS.values(), ids=OUTLIERS)
def test_the_cause_is_the_fewest_values_of_all(outliers: dict[int, float]) -> None:
    with blocks_of(384, 128, threads=1):
        for text in WHOLE:
            assert_true(outlying(1037, outliers), text)


@given(
    st.integers(100, 700),
    st.sampled_from(
        ["int8 symmetric", "uint4 asymmetric", "int8 scale-only", "int8 symmetric @tflite"]
    ),
    st.dictionaries(
        st.integers(0, 99),
        st.sampled_from([-60.0, -9.0, -8.0, -3.0, 3.0, 8.0, 9.0, 60.0, math.nan, math.inf]),
        max_size=9,
    ),
    st.sampled_from(["float32", "float64", "float16"]),
    st.integers(0, 2**32 - 1),
)
@examples(200)
def test_law_the_cause_is_the_fewest_values_of_all(
    size: int, text: str, outliers: dict[int, float], kind: str, seed: int
) -> None:
    x = outlying(size, outliers, seed).astype(kind)
    with blocks_of(64, 16, threads=1, stretch=8):
        assert_true(x, text)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if "again" not in name])
@pytest.mark.parametrize("text", ["int8 symmetric", "int8 asymmetric"])
def test_the_cause_is_found_in_any_layout(layout: str, text: str) -> None:
    outliers = {0: 9, 130: -8.5, 1199: 8, 700: math.nan}
    x = LAYOUTS[layout](outlying(1200, outliers).reshape(4, 15, 20))
    with blocks_of(384, 128, threads=2):
        assert_true(x, text)
        assert_true(x, text, pyramid=pyramid_of(x))


@pytest.mark.parametrize("text", ["int8 symmetric", "int8 asymmetric"])
@pytest.mark.parametrize("outliers", [1, 63, 64, 65])
def test_of_more_values_than_the_stretches_of_the_most_the_fewest_are_found(
    text: str, outliers: int
) -> None:
    random = np.random.default_rng(outliers)
    x = outlying(66 * 128 + 50_000, {})
    # Some share a stretch, some have one to themselves; half of them are equal.
    places = np.append(random.choice(20_000, outliers - 1, replace=False), x.size - 1)
    x[places] = random.choice([30, 31, -30, -29.5], outliers) + random.uniform(0, 1, outliers) * (
        random.integers(0, 2, outliers)
    )
    assert_true(x, text)


@pytest.mark.parametrize("text", ["int8 symmetric", "uint8 asymmetric"])
def test_a_cause_beyond_the_first_block_is_found(text: str) -> None:
    x = outlying(600_000, {262_144: 50, 524_287: -48, 599_999: 49, 3: math.nan})
    assert_true(x, text)
    assert_true(np.asfortranarray(x.reshape(4, -1)), text)


@pytest.mark.parametrize("fill", [0.0, 2.5, math.nan])
def test_a_constant_has_no_cause(fill: float) -> None:
    x = np.full(1000, fill, np.float32)
    x[0] = 0 if math.isnan(fill) else fill
    for text in ("int8 symmetric", "int8 asymmetric"):
        assert attribution(x, engine.evaluate(x, text)) is None


def test_zeros_beside_one_value_are_rebuilt_without_error() -> None:
    x = outlying(1000, {})
    x[:] = 0
    x[77] = 3
    cause = attribution(x, engine.evaluate(x, "int8 symmetric"))
    assert cause is not None
    alone = engine.evaluate(np.delete(x, 77), "int8 symmetric").metrics["sqnr"]
    assert (cause.count, cause.sqnr_without) == (1, alone)


@pytest.mark.parametrize(
    "text",
    [
        *("int8 symmetric percentile(99)", "int8 asymmetric manual(-1,1)", "int8 symmetric mse"),
        *("int8 symmetric per-channel(0)", "int8 symmetric per-group(5)", "q8_0"),
    ],
)
def test_a_range_that_single_values_do_not_set_has_no_cause(text: str) -> None:
    x = outlying(1000, {5: 100})
    assert attribution(x, engine.evaluate(x, text)) is None


def test_the_limits_are_those_that_the_truth_above_has() -> None:
    assert MOST == 64
    few = outlying(99, {5: 100})
    assert attribution(few, engine.evaluate(few, "int8 symmetric")) is None
    enough = outlying(100, {5: 100})
    assert attribution(enough, engine.evaluate(enough, "int8 symmetric")) is not None


def test_values_beyond_the_precision_of_a_runtime_do_not_set_its_scale() -> None:
    x = outlying(1000, {5: 1e30, 6: 40, 7: -39}).astype(np.float64)
    x[5] = 1e200
    made = engine.evaluate(x, "int8 symmetric @pytorch")
    assert made.qparams.range[1] == 40
    cause = attribution(x, made)
    # float64's largest value is an infinity to float32: without the two next to it, as alone.
    assert cause is None or cause.sqnr_without == pytest.approx(
        engine.evaluate(np.delete(x, 5), "int8 symmetric @pytorch").metrics["sqnr"]
    )
