"""Float16 and bfloat16 are read as they are stored, with the results of their float32 copies."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import Evaluation, QuantizationError, Scheme
from quantoscope.engine.analysis.summary import summarize
from quantoscope.engine.evaluation.warning_texts import other_data
from quantoscope.engine.numerics import envelope, kernels, loops
from quantoscope.engine.numerics.arrays import as_stored, as_working
from tests.engine.blocked import LAYOUTS, assert_same, assert_same_evaluation, blocks_of
from tests.engine.test_loops_laws import BLOCK, DTYPES, UNIT, arrays, made, schemes
from tests.laws import examples
from tests.without_loops import numpy_alone

HALVES = [dtype for dtype in DTYPES if dtype.itemsize == 2]
WORDS = (
    "int8 asymmetric", "int8 symmetric per-channel(0)", "int4 asymmetric per-group(32)",
    "uint8 scale-only manual(-1,1)", "int8 asymmetric percentile(99)", "int8 symmetric mse",
    "int8 asymmetric entropy", "int8 symmetric stochastic(3)", "e4m3fn symmetric per-channel(1)",
    "nf4 symmetric per-group(64)", "int8 asymmetric @pytorch", "q4_0", "mxfp4-gguf",
)  # fmt: skip
every_half = pytest.mark.parametrize("dtype", HALVES, ids=str)


def patterns(dtype: np.dtype) -> np.ndarray:
    """All numbers of a dtype, infinities and NaN too."""
    return np.arange(1 << 16, dtype=np.uint16).view(dtype)


def assert_as_copy(ours: Evaluation | str, theirs: Evaluation | str) -> None:
    """Equal to the last bit; only for data of the copy's dtype was a runtime verified."""
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    assert [note for note in ours.warnings if note not in theirs.warnings] == (
        [note] if (note := other_data(ours.scheme, ours.source.dtype)) else []
    )
    assert_same_evaluation(ours, replace(theirs, warnings=ours.warnings))


def normals(dtype: np.dtype, shape: tuple[int, ...] = (64, 640)) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal(shape) + 0.4).astype(dtype)


@every_half
def test_every_number_is_read_exactly(dtype: np.dtype) -> None:
    x = patterns(dtype)
    wide = x.astype(np.float32)
    if loops.in_use():
        low, high, peak = (np.empty(x.size, np.float32) for _ in range(3))
        assert not loops.extremes(x, 1, x.size, 1, low, high, peak)
        for each in (low, high, peak):
            assert_same(each, np.where(np.isfinite(wide), wide, np.float32(np.nan)))
    scheme = Scheme.parse("int16 symmetric manual(-300,300)")
    assert_same_evaluation(engine.evaluate(x, scheme), engine.evaluate(wide, scheme))


@pytest.mark.parametrize("words", WORDS)
@every_half
def test_the_values_are_not_copied_for_an_evaluation(dtype: np.dtype, words: str) -> None:
    x = normals(dtype)
    with blocks_of(BLOCK, UNIT, threads=2):
        ours = engine.evaluate(x, words)
        assert ours.source is x
        assert "values" not in ours.__dict__
        theirs = engine.evaluate(x.astype(np.float32), words)
        assert_as_copy(ours, theirs)
        where = np.array([5, 0, 4000, 639, 640])
        for part in (slice(600, 1300), where):
            for name in ("values", "codes", "reconstructed", "error", "saturated"):
                got, wanted = (getattr(each.part(part), name) for each in (ours, theirs))
                assert_same(got, wanted)
        assert engine.metrics_of(ours, where) == engine.metrics_of(theirs, where)


@given(arrays(), schemes(), st.booleans())
@examples(150)
def test_any_array_is_evaluated_as_its_copy(x: np.ndarray, scheme: Scheme, alone: bool) -> None:
    assume(x.dtype in HALVES)

    def both() -> None:
        with blocks_of(BLOCK, UNIT, threads=2):
            assert_as_copy(made(x, scheme), made(x.astype(np.float32), scheme))

    if alone:
        with numpy_alone():
            both()
    else:
        both()


@given(arrays())
@examples(60)
def test_figures_beside_evaluations_are_those_of_the_copy(x: np.ndarray) -> None:
    assume(x.dtype in HALVES)
    wide = x.astype(np.float32)
    with blocks_of(BLOCK, UNIT, threads=2):
        assert_same(kernels.extremes(x), kernels.extremes(wide))
        ours, theirs = summarize(x), summarize(wide)
        for name in ("count", "nan_count", "inf_count", "low", "high", "mean", "counts", "sums"):
            assert_same(getattr(ours, name), getattr(theirs, name))
        one, two = envelope.pyramid_of(x), envelope.pyramid_of(wide)
        assert_same(one.low, two.low)
        assert_same(one.high, two.high)
        try:
            p = engine.calibrate(wide, "int8 asymmetric per-channel(0)")
        except QuantizationError:
            return
        assert engine.calibrate(x, "int8 asymmetric per-channel(0)") == p
        if not np.isnan(wide).any():
            assert_same(engine.quantize(x, p), engine.quantize(wide, p))


@pytest.mark.parametrize("layout", LAYOUTS)
@every_half
def test_the_layout_in_memory_does_not_matter(dtype: np.dtype, layout: str) -> None:
    x = LAYOUTS[layout](normals(dtype, (12, 320)))
    for words in WORDS[:3]:
        assert_same_evaluation(engine.evaluate(x, words), engine.evaluate(as_working(x), words))


def test_other_arrays_and_lists_are_converted() -> None:
    swapped = np.array([1, 2.5], np.float16).astype(">f2")
    for x in (swapped, np.array([1, 2]), [1.0, 2.5], np.array([1], ml_dtypes.float8_e4m3fn)):
        assert as_stored(x).dtype == np.float32
    assert as_stored(np.float64([1.5])).dtype == np.float64
    with pytest.raises(QuantizationError):
        as_stored(np.zeros(0, np.float16))
