"""Evaluations in blocks: the textbook's formulas on the whole array, however it is cut up."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import MAPPINGS, Evaluation
from quantoscope.engine.numerics import kernels
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.engine.blocked import (
    LAYOUTS,
    assert_same,
    assert_same_curves,
    assert_same_evaluation,
    assert_same_metrics,
    blocks_of,
)
from tests.laws import examples

UNIT, BLOCK = 128, 384
"""So small that a few thousand values have many; a unit is a stretch of the curves."""
EDGES = (0, 1, UNIT - 1, UNIT, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK - 1, 2 * BLOCK)
FORMATS = ("int8", "uint4", "int16")
TEXTBOOK = [f"{fmt} {mapping}" for fmt in FORMATS for mapping in MAPPINGS]
every_textbook = pytest.mark.parametrize("text", TEXTBOOK)


# The truth: the textbook's formulas, on the whole array at once.


def code_range(fmt: str, mapping: str) -> tuple[int, int]:
    bits = int(fmt.lstrip("uint"))
    if fmt.startswith("u"):
        return 0, 2**bits - 1
    return (mapping == "symmetric") - 2 ** (bits - 1), 2 ** (bits - 1) - 1


def assert_textbook(x: np.ndarray, text: str) -> Evaluation:
    """Evaluate, and compare with the formulas written out; return the evaluation."""
    fmt, mapping = text.split()[:2]
    qmin, qmax = code_range(fmt, mapping)
    r = x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)
    dtype = r.dtype.type
    known = ~np.isnan(r)
    finite = r[np.isfinite(r)]
    low, high = finite.min(), finite.max()
    z = 0
    if mapping == "symmetric" or (mapping == "scale-only" and low == high):
        s = np.float64(max(abs(low), abs(high))) / qmax
    else:
        if low == high:  # A constant: the range from it to 0.
            low, high = min(low, dtype(0)), max(high, dtype(0))
        s = np.float64(high - low) / (qmax - qmin)
        if mapping == "asymmetric":
            z = qmax - int(np.rint(np.float64(high) / s))
    rounded = np.rint(np.where(known, r, dtype(0)) / dtype(s) + dtype(z))
    codes = np.clip(rounded, qmin, qmax).astype(np.int64)
    reconstructed = np.where(known, (codes - z).astype(dtype) * dtype(s), dtype(np.nan))
    saturated = np.where(rounded > qmax, 1, np.where(rounded < qmin, -1, 0))

    result = engine.evaluate(x, text)
    assert (result.qparams.scale, result.qparams.zero_point) == (s, z)
    kind = f"{'uint' if qmin == 0 else 'int'}{8 if qmax < 256 else 16}"
    assert_same(result.codes, codes.astype(kind))
    np.testing.assert_array_equal(result.reconstructed, reconstructed)
    np.testing.assert_array_equal(result.error, reconstructed - r)
    assert (result.reconstructed.dtype, result.error.dtype) == (r.dtype, r.dtype)
    assert_same(result.saturated, (saturated * known).astype(np.int8))
    counts = np.bincount(codes[known] - qmin, minlength=qmax - qmin + 1)
    np.testing.assert_array_equal(result.code_counts, counts)
    assert_metrics(result, r, reconstructed, saturated * known, counts)
    return result


def assert_metrics(
    result: Evaluation, r: np.ndarray, reconstructed: np.ndarray, saturated: np.ndarray, counts: Any
) -> None:
    """The metrics, in plain numpy: a sum in another order differs in the last digits alone."""
    error = np.where(np.isfinite(r), reconstructed - r, 0).astype(np.float64)
    n = int(np.isfinite(r).sum())
    power = error**2
    inside, signal = power[saturated == 0].sum() / n, r[np.isfinite(r)].astype(np.float64) ** 2
    m = result.metrics
    assert m["mse"] == pytest.approx(power.sum() / n, rel=1e-11)
    assert m["rmse"] == pytest.approx(math.sqrt(power.sum() / n), rel=1e-11)
    assert m["rounding_power"] == pytest.approx(inside, rel=1e-11)
    assert m["clipping_power"] == pytest.approx(power[saturated != 0].sum() / n, rel=1e-11)
    assert m["mae"] == pytest.approx(np.abs(error).sum() / n, rel=1e-11)
    assert m["bias"] == pytest.approx(error.sum() / n, rel=1e-9, abs=1e-12 * m["rmse"])
    noise = power.sum()
    sqnr = 10 * math.log10(signal.sum() / noise) if noise else math.inf
    assert m["sqnr"] == pytest.approx(sqnr, rel=1e-11, abs=1e-9)
    assert m["max_abs_error"] == np.abs(error).max()
    usable = np.where(np.isfinite(r), np.abs(error), -1)
    assert m["max_abs_error_index"] == usable.reshape(-1).argmax()
    assert (m["clipped_low"], m["clipped_high"]) == (
        (saturated == -1).sum(),
        (saturated == 1).sum(),
    )
    assert m["codes_used"] == np.count_nonzero(counts)


def noise(shape: Any, seed: int = 0) -> np.ndarray:
    """Numbers off centre, so that every mapping but asymmetric clips or wastes codes."""
    return (np.random.default_rng(seed).normal(size=shape) * 0.7 + 0.4).astype(np.float32)


# Per tensor, against the textbook


@every_textbook
@pytest.mark.parametrize("size", [1, 2, *(edge for edge in EDGES if edge > 1), 5 * BLOCK + 17])
def test_blocks_give_the_textbook_s_codes(text: str, size: int) -> None:
    with blocks_of(BLOCK, UNIT, threads=2):
        assert_textbook(noise(size), text)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        *((text, 17) for text in TEXTBOOK),
        *((f"int8 {mapping}", more) for mapping in MAPPINGS for more in (-1, 0, 1)),
    ],
)
def test_blocks_of_the_real_size_give_the_textbook_s_codes(text: str, more: int) -> None:
    assert_textbook(noise((3 if more == 17 else 1) * kernels.BLOCK + more), text)


@every_textbook
@pytest.mark.parametrize(
    "odd", [(math.nan,), (math.inf,), (math.nan, math.inf, -math.inf)], ids=str
)
def test_nan_and_infinities_at_every_edge_are_as_in_the_textbook(text: str, odd: Any) -> None:
    size = 4 * BLOCK + 5
    places = [*EDGES, size - 1]
    with blocks_of(BLOCK, UNIT, threads=2):
        for where in (*places, places):
            x = noise(size)
            x[where] = np.resize(odd, np.size(where)) if np.ndim(where) else odd[-1]
            assert_textbook(x, text)
        for start, stop in ((BLOCK, 2 * BLOCK), (UNIT, 2 * UNIT), (0, size - 1), (4 * BLOCK, size)):
            x = noise(size)
            x[start:stop] = np.resize(odd, stop - start)
            assert_textbook(x, text)


@pytest.mark.parametrize("position", [0, 511, 512, (1 << 18) - 1, 1 << 18, (1 << 18) + 2, -1])
def test_a_gap_at_an_edge_of_the_real_size_is_as_in_the_textbook(position: int) -> None:
    x = noise((1 << 18) + 3)
    x[position] = math.nan
    assert_textbook(x, "int8 asymmetric")
    x[position] = -math.inf
    assert_textbook(x, "int8 scale-only")


@pytest.mark.parametrize("block", range(5))
@pytest.mark.parametrize("outlier", [-9, 9])
def test_values_clipped_in_one_block_alone_are_counted(block: int, outlier: int) -> None:
    x = np.abs(noise(5 * BLOCK)).clip(0, 1)
    x[block * BLOCK + 7], x[2 * BLOCK] = outlier, x[2 * BLOCK] if block == 2 else 0.5
    with blocks_of(BLOCK, UNIT, threads=3):
        for text in ("int8 scale-only", "uint4 symmetric", "uint4 scale-only"):
            assert_textbook(x, text)
        made = engine.evaluate(x, "int8 symmetric manual(-1,1)")
        assert np.flatnonzero(made.saturated).tolist() == [block * BLOCK + 7]
        assert made.metrics["clipped_high" if outlier > 0 else "clipped_low"] == 1


KINDS: tuple[Any, ...] = (
    "float16",
    "float64",
    "int8",
    "uint16",
    "int64",
    ">f4",
    ml_dtypes.bfloat16,
)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("text", ["int8 asymmetric", "uint4 scale-only", "int16 symmetric"])
def test_every_type_of_number_is_as_in_the_textbook(kind: Any, text: str) -> None:
    x = (noise(3 * BLOCK + 17) * 30).astype(kind)
    with blocks_of(BLOCK, UNIT, threads=2):
        assert_textbook(x, text)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "shape", [(), (1,), (1, 1), (1201,), (7, 201), (1, 900), (900, 1), (9, 5, 31)]
)
def test_every_layout_is_as_in_the_textbook(layout: str, shape: tuple[int, ...]) -> None:
    x = LAYOUTS[layout](noise(shape))
    before = x.copy()
    with blocks_of(BLOCK, UNIT, threads=2):
        for text in ("int8 asymmetric", "uint4 symmetric"):
            made = assert_textbook(x, text)
            assert_same_evaluation(made, engine.evaluate(np.asarray(x, order="C"), text))
        for text in ("int4 asymmetric per-group(5)", "q4_1", "int8 symmetric stochastic(3)"):
            got, wanted = (engine.evaluate(values, text) for values in (x, x.copy(order="C")))
            assert_same_evaluation(got, wanted)
    assert_same(x, before)


def test_a_file_opened_for_reading_is_as_the_array_in_memory(tmp_path: Path) -> None:
    x = noise((3, BLOCK + 1))
    for order in "CF":
        np.save(tmp_path / f"{order}.npy", np.asarray(x, order=order))
        mapped = np.load(tmp_path / f"{order}.npy", mmap_mode="r")
        with blocks_of(BLOCK, UNIT, threads=2):
            for text in ("int8 asymmetric", "int8 symmetric per-channel(1)", "q8_0"):
                assert_same_evaluation(engine.evaluate(mapped, text), engine.evaluate(x, text))
        del mapped


# Everything else, against the engine's own quantizers on small pieces

CHANNELS = ["per-channel(0)", "per-channel(1)", "per-channel(-1)", "per-group(7)", "per-group(64)"]
OTHERS = [
    *(
        f"{fmt} {mapping} {g}"
        for fmt in ("int8", "uint4")
        for mapping in MAPPINGS
        for g in CHANNELS
    ),
    *("q8_0", "q4_0", "q4_1", "q5_0", "q5_1"),
    *(name for name in engine.FORMATS if name.startswith("mxfp4-")),
    *(f"{fmt} symmetric" for fmt in ("e4m3fn", "e5m2", "e2m1fn", "nf4")),
    *(f"{fmt} symmetric per-group(7)" for fmt in ("e4m3fn", "nf4")),
    *("int8 asymmetric stochastic(5)", "e4m3fn symmetric stochastic(1)"),
    *("uint4 scale-only per-channel(1) stochastic(9)", "int8 asymmetric ties-away"),
    *("int4 symmetric toward-zero", "int8 asymmetric pow2", "int8 symmetric manual(-0.5,1)"),
    *("uint8 asymmetric percentile(99)", "int4 symmetric mse", "int8 symmetric entropy"),
    *(
        f"{runtime.formats[0]} {mapping} {kind}{number} @{runtime.name}"
        for runtime in RUNTIMES.values()
        for mapping in runtime.mappings
        for kind, number in (("per-tensor", ""), ("per-channel", "(1)"), ("per-group", "(32)"))
        if kind in runtime.granularities
    ),
]


def odd_array() -> np.ndarray:
    """Three axes; lines of 45 values, which no group divides; NaN and infinities at edges."""
    x = noise((5, 9, 45), seed=3) * np.float32(10) ** np.arange(-4, 5)[:, None]
    x.reshape(-1)[[0, UNIT, BLOCK - 1, BLOCK + 1, -1]] = np.nan, np.inf, -np.inf, np.nan, np.nan
    x[2, 4] = 0
    return x.astype(np.float32)


@pytest.mark.parametrize("text", OTHERS)
@pytest.mark.parametrize("odd", [False, True], ids=["finite", "odd"])
def test_the_whole_is_made_of_what_becomes_of_small_pieces(text: str, odd: bool) -> None:
    x = odd_array()
    if not odd:
        x = np.nan_to_num(x, posinf=0.25, neginf=-0.25)
    with blocks_of(BLOCK, UNIT, threads=2):
        made = engine.evaluate(x, text)
        for name in ("reconstructed", "error", "saturated", "curves"):
            assert name not in made.__dict__
            getattr(made, name)
    where = np.arange(x.size)
    for start in range(0, x.size, 101):
        for piece in (where[start : start + 101], slice(start, start + 101)):
            part = made.part(piece)
            assert_same(part.values, x.reshape(-1)[piece])
            for name in ("codes", "reconstructed", "error", "saturated"):
                assert_same(getattr(part, name), getattr(made, name).reshape(-1)[piece])
    known = ~np.isnan(x)
    # Small floats have two codes for 0, which stand for one number.
    numbers = made.qparams.format.unpack(made.codes[known])
    every = made.qparams.format.numbers(made.qparams.qmin, made.qparams.qmax)
    assert made.code_counts.tolist() == [int((numbers == number).sum()) for number in every]
    if not odd:
        assert_same(engine.quantize(x, made.qparams), made.codes)
        assert_same(engine.dequantize(made.codes, made.qparams), made.reconstructed)


def assert_same_outcome(got: Evaluation, wanted: Evaluation) -> None:
    """Equal in what an evaluation keeps."""
    assert_same(got.codes, wanted.codes)
    assert_same(got.code_counts, wanted.code_counts)
    assert_same_metrics(got, wanted)
    assert (got.qparams, got.warnings) == (wanted.qparams, wanted.warnings)


@pytest.mark.parametrize("text", [*TEXTBOOK, *OTHERS])
def test_neither_threads_nor_blocks_change_a_digit(text: str) -> None:
    x = odd_array()
    with blocks_of(BLOCK, UNIT, threads=1):
        wanted = engine.evaluate(x, text)
        wanted.curves  # noqa: B018
    for threads in (2, 3, 8):
        with blocks_of(BLOCK, UNIT, threads):
            assert_same_outcome(engine.evaluate(x, text), wanted)
    for block, threads in ((UNIT, 2), (4096, 1)):
        with blocks_of(block, UNIT, threads):
            assert_same_evaluation(engine.evaluate(x, text), wanted)


@pytest.mark.parametrize("text", [*TEXTBOOK, *OTHERS])
def test_neither_threads_nor_blocks_change_a_digit_of_float64(text: str) -> None:
    x = np.asfortranarray(odd_array().astype(np.float64) * 1e30)
    made = []
    for block, threads in ((BLOCK, 1), (BLOCK, 3), (UNIT, 1), (4096, 1)):
        with blocks_of(block, UNIT, threads):
            made.append(engine.evaluate(x, text))
    for other in made[1:]:
        assert_same_outcome(other, made[0])


@pytest.mark.parametrize("text", ["int8 scale-only", "uint4 asymmetric per-group(33)", "q4_0"])
def test_threads_change_no_digit_of_blocks_of_the_real_size(text: str) -> None:
    x = noise((3, 350_001))
    x[1, ::77_777] = np.nan
    made = []
    for threads in (1, 2, 3, 8):
        with blocks_of(threads=threads):
            made.append(engine.evaluate(x, text))
    with blocks_of(16 * kernels.UNIT, threads=2):
        made.append(engine.evaluate(x, text))
    for other in made[1:]:
        assert_same_outcome(other, made[0])
    assert_same_curves(made[1], made[0])


@pytest.mark.parametrize("text", ["q8_0", "q4_1", "int8 symmetric per-group(32) @onnxruntime"])
@pytest.mark.parametrize("gaps", [1, 3])
def test_a_block_of_nan_leaves_the_steps_of_the_others_alone(text: str, gaps: int) -> None:
    x = np.concatenate([np.full(32 * gaps, np.nan, np.float32), noise(64)])
    got, wanted = (engine.evaluate(values, text).metrics for values in (x, x[32 * gaps :]))
    assert got["rmse_over_scale"] == pytest.approx(wanted["rmse_over_scale"], rel=1e-12)


def test_evaluations_at_the_same_time_do_not_disturb_each_other() -> None:
    x = noise((30, 1001))
    x[::7, 5] = np.nan
    texts = ("int8 asymmetric", "uint4 scale-only", "q8_0", "e4m3fn symmetric")
    with blocks_of(4096, 512, threads=2), ThreadPoolExecutor(len(texts)) as pool:
        wanted = [engine.evaluate(x, text) for text in texts]
        for made in (list(pool.map(lambda text: engine.evaluate(x, text), texts)) for _ in "123"):
            for ours, theirs in zip(made, wanted, strict=True):
                assert_same_evaluation(ours, theirs)


hostile = st.floats(width=32) | st.sampled_from([0.0, -0.0, 2.0**-149, 3.4e38, 1.0, 127.5])


@given(st.lists(hostile, min_size=1, max_size=12), st.sampled_from([*TEXTBOOK, *OTHERS]), st.data())
@examples(600)
def test_law_what_is_known_of_the_extremes_changes_nothing(
    values: list[float], text: str, data: st.DataObject
) -> None:
    x = np.array(values, data.draw(st.sampled_from(["float32", "float64"]))).reshape(1, -1)
    try:
        with blocks_of(4, 2, threads=1):
            made = engine.evaluate(x, text)
    except engine.QuantizationError:
        return
    part = made.part(np.arange(x.size))
    for name in ("codes", "reconstructed", "error", "saturated"):
        np.testing.assert_array_equal(getattr(part, name), getattr(made, name).reshape(-1))
    low, high = (int((part.saturated == side).sum()) for side in (-1, 1))
    assert (made.metrics["clipped_low"], made.metrics["clipped_high"]) == (low, high)


@pytest.mark.parametrize("text", ["q4_0", "q4_1", "q8_0", "q5_0", "mxfp4-gguf"])
def test_a_block_of_zeros_is_reconstructed_alike_alone_and_beside_others(text: str) -> None:
    alone = engine.evaluate(np.zeros(32, np.float32), text)
    beside = engine.evaluate(np.repeat(np.float32([0, 1]), 32), text)
    # llama.cpp's d is −0 where the extreme value is 0, and 0 · −0 is −0.
    assert_same(alone.reconstructed, beside.reconstructed[:32])
    assert_same(alone.reconstructed, alone.part(np.arange(32)).reconstructed)


@pytest.mark.parametrize("text", ["int8 symmetric", "int4 asymmetric"])
@pytest.mark.parametrize("zeros_first", [True, False])
def test_tiny_numbers_do_not_drown_beside_a_block_of_zeros(text: str, zeros_first: bool) -> None:
    tiny, zeros = noise(BLOCK).astype(np.float64) * 1e-200, np.zeros(BLOCK)
    both = np.concatenate([zeros, tiny] if zeros_first else [tiny, zeros])
    with blocks_of(BLOCK, UNIT, threads=1):
        alone, beside = (engine.evaluate(x, text).metrics for x in (tiny, both))
    for key in ("sqnr", "cosine"):
        assert beside[key] == pytest.approx(alone[key], rel=1e-12)
    assert beside["rmse"] == pytest.approx(alone["rmse"] / math.sqrt(2), rel=1e-12, abs=0)
    assert beside["mae"] == pytest.approx(alone["mae"] / 2, rel=1e-12, abs=0)


@pytest.mark.parametrize("text", ["int8 asymmetric", "int4 scale-only per-channel(1)", "q4_1"])
def test_the_metrics_of_all_positions_are_those_of_the_array(text: str) -> None:
    x = odd_array()
    with blocks_of(BLOCK, UNIT, threads=2):
        made = engine.evaluate(x, text)
        of_all = engine.metrics_of(made, np.arange(x.size))
    # The same sums in another order.
    assert of_all == pytest.approx(dict(made.metrics), rel=1e-12, abs=0)
