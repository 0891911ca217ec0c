"""The compiled loops and numpy's formulas agree on whatever is made up, however it is cut up."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import event, given, reject
from hypothesis import strategies as st

from quantoscope.engine import Evaluation, QuantizationError, Scheme
from quantoscope.engine.analysis.summary import summarize
from quantoscope.engine.evaluation.evaluator import evaluate_known
from quantoscope.engine.formats import FORMATS
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import as_working
from quantoscope.engine.numerics.envelope import pyramid_of
from quantoscope.engine.quantizers import MAPPINGS
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.engine.blocked import (
    LAYOUTS,
    assert_same,
    assert_same_curves,
    assert_same_evaluation,
    blocks_of,
)
from tests.laws import examples
from tests.without_loops import numpy_alone

UNIT, BLOCK = 128, 384
"""So small that some thousand values have many."""
EDGES = (1, 2, 31, 32, 33, UNIT - 1, UNIT, UNIT + 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5)
INTEGERS = [name for name, fmt in FORMATS.items() if fmt.integer and not fmt.mapping]
OTHERS = [name for name in FORMATS if name not in INTEGERS]
DTYPES = [np.dtype(each) for each in (np.float32, np.float64, np.float16, ml_dtypes.bfloat16)]
SUMS_CANCEL = {"bias": 1e-12, "cosine": 1e-12, "sqnr": 1e-10, "predicted_sqnr": 1e-10}
"""Metrics whose sums may cancel, or whose logarithm may be near 0: allowed beside 1e-12 of it."""


# Arrays that are made to break it


def plain(rng: np.random.Generator, kind: str, size: int, dtype: np.dtype) -> np.ndarray:
    """Numbers of a kind, in float64."""
    known = ml_dtypes.finfo(dtype)
    largest, smallest = float(known.max), float(known.smallest_subnormal)
    normal = rng.standard_normal(size)
    exponents = rng.uniform(np.log10(smallest), np.log10(largest), size)
    return {
        "normal": normal,
        "off centre": 0.4 + 0.7 * normal,
        "far from 0": 5 + normal / 100,
        "positive": np.abs(normal),
        "ties": rng.integers(-300, 300, size) / 2,
        "few numbers": rng.integers(-2, 3, size) / 1.0,
        "constant": np.full(size, normal[0]),
        "zeros": np.zeros(size),
        "subnormal": rng.integers(-9, 10, size) * smallest,
        "huge": rng.uniform(-1, 1, size) * largest,
        "every magnitude": np.sign(normal) * 10**exponents,
        "one outlier": np.where(np.arange(size) == size // 2, largest / 2, normal),
    }[kind]


KINDS = (
    "normal", "off centre", "far from 0", "positive", "ties", "few numbers", "constant", "zeros",
    "subnormal", "huge", "every magnitude", "one outlier",
)  # fmt: skip
ODD = (np.nan, np.inf, -np.inf, 0.0, -0.0, 0.5, -128.5)


@st.composite
def arrays(draw: st.DrawFn) -> np.ndarray:
    """A flat array, or rows, with odd values among others, at edges or anywhere."""
    dtype = draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = draw(st.sampled_from(EDGES) | st.integers(1, 4 * BLOCK))
    rows = draw(st.sampled_from([0, 0, 1, 3, 8]))
    if rows:
        columns = -(-size // rows)
        if draw(st.booleans()):
            columns = -(-columns // 64) * 64
        size = rows * columns
    x = plain(rng, draw(st.sampled_from(KINDS)), size, dtype)
    if rows > 1 and draw(st.booleans()):  # channels of different kinds
        x[: size // rows] = plain(rng, draw(st.sampled_from(KINDS)), size // rows, dtype)
    odd = draw(st.lists(st.sampled_from(ODD), max_size=3))
    ends = [at for edge in (0, *EDGES) for at in (edge - 1, edge) if 0 <= at < size] + [size - 1]
    for value in odd:
        x[draw(st.sampled_from(ends)) if draw(st.booleans()) else rng.random(size) < 0.1] = value
    with np.errstate(all="ignore"):
        made = x.astype(dtype)
    return made.reshape(rows, -1) if rows else made


# Schemes of every kind


@st.composite
def schemes(draw: st.DrawFn) -> Scheme:
    """Any family, format, granularity, range and rounding, or a runtime's arithmetic."""
    name = draw(st.sampled_from(INTEGERS) | st.sampled_from(OTHERS))
    mapping = draw(st.sampled_from(sorted(MAPPINGS)))
    words = [name] if FORMATS[name].mapping else [name, mapping]
    if not FORMATS[name].block:
        size = draw(st.sampled_from([1, 7, 8, 32, 64, 200]))
        kinds = "", "per-channel(0)", "per-channel(-1)", f"per-group({size})"
        words += [draw(st.sampled_from([*kinds, f"per-group({size},0)"]))]
        ranges = "", "", "manual(-1,1)", "manual(-0.3,2.5)", "percentile(99)"
        words += [draw(st.sampled_from(ranges))]
    follow = [
        each for each in RUNTIMES.values() if name in each.formats and mapping in each.mappings
    ]
    if follow and draw(st.booleans()):
        words += [f"@{draw(st.sampled_from(follow)).name}"]
    elif not FORMATS[name].nearest_only:
        roundings = "", "ties-away", "toward-zero", "stochastic(3)", "pow2"
        words += [draw(st.sampled_from(roundings))]
    try:
        return Scheme.parse(" ".join(filter(None, words)))
    except ValueError:
        reject()


# What is compared


def made(x: np.ndarray, scheme: Scheme) -> Evaluation | str:
    """Evaluate with curves; the sentence where it is refused."""
    try:
        return evaluate_known(x, scheme, None, None, pyramid_of(as_working(x)))
    except QuantizationError as error:
        return str(error)


def assert_agree(ours: Evaluation | str, theirs: Evaluation | str) -> None:
    """Equal to the last bit, but for the metrics: their sums are taken in another order."""
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
        return
    assert ours.qparams == theirs.qparams
    assert ours.warnings == theirs.warnings
    for name in ("codes", "code_counts", "reconstructed", "error", "saturated"):
        assert_same(getattr(ours, name), getattr(theirs, name))
    assert_same_curves(ours, theirs)
    for name, value in theirs.metrics.items():
        slack = SUMS_CANCEL.get(name, 0)
        slack *= theirs.metrics["mae"] if name == "bias" else 1
        wanted = pytest.approx(value, rel=1e-12, abs=slack, nan_ok=True)
        assert ours.metrics[name] == wanted, name


def assert_equal(ours: Evaluation | str, theirs: Evaluation | str) -> None:
    """Equal to the last bit in every respect."""
    if isinstance(ours, str) or isinstance(theirs, str):
        assert ours == theirs
    else:
        assert_same_evaluation(ours, theirs)


@given(arrays(), schemes(), st.sampled_from([(UNIT, BLOCK), (512, 1024), (UNIT, 8 * BLOCK)]))
@examples(400)
def test_loops_and_formulas_agree(x: np.ndarray, scheme: Scheme, cut: tuple[int, int]) -> None:
    unit, block = cut
    with blocks_of(block, unit, threads=2):
        ours = made(x, scheme)
        with numpy_alone():
            theirs = made(x, scheme)
        assert_agree(ours, theirs)
    event("refused" if isinstance(ours, str) else "evaluated")


@given(arrays(), schemes(), st.integers(2, 5))
@examples(100)
def test_any_number_of_threads_gives_the_same_bits(
    x: np.ndarray, scheme: Scheme, threads: int
) -> None:
    with blocks_of(BLOCK, UNIT, threads=1):
        one = made(x, scheme)
    with blocks_of(BLOCK, UNIT, threads=threads):
        assert_equal(made(x, scheme), one)


FEW = (
    "int8 asymmetric", "int4 symmetric per-channel(0)", "int8 asymmetric per-group(32)",
    "uint8 asymmetric @pytorch", "int16 symmetric @onnxruntime", "int8 symmetric stochastic(3)",
    "int8 asymmetric manual(-1,1) ties-away", "e4m3fn symmetric", "nf4 symmetric per-group(64)",
    "q4_0", "mxfp4-gguf",
)  # fmt: skip
every_few = pytest.mark.parametrize("words", FEW)


def noise(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Numbers off centre, with some that are no finite numbers."""
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal(shape) * 0.7 + 0.4).astype(np.float32)
    flat = x.reshape(-1)
    flat[rng.integers(flat.size, size=5)] = np.nan, np.inf, -np.inf, 0.0, 1e-42
    return x


@pytest.mark.parametrize("more", [-1, 0, kernels.UNIT + 1])
@every_few
def test_blocks_of_the_real_size_agree(words: str, more: int) -> None:
    x, scheme = noise((kernels.BLOCK + more,)), Scheme.parse(words)
    with blocks_of(threads=1):
        ours = made(x, scheme)
    with numpy_alone():
        assert_agree(ours, made(x, scheme))
    for threads in (2, 4):
        with blocks_of(threads=threads):
            assert_equal(made(x, scheme), ours)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("words", [*FEW[:3], "e4m3fn symmetric per-channel(1)"])
def test_the_layout_in_memory_does_not_matter(words: str, dtype: np.dtype, layout: str) -> None:
    scheme = Scheme.parse(words)
    x = LAYOUTS[layout](noise((12, 320)).astype(dtype))
    with blocks_of(BLOCK, UNIT, threads=2):
        ours = made(x, scheme)
        assert_equal(ours, made(np.array(x, order="C"), scheme))
        with numpy_alone():
            assert_agree(ours, made(x, scheme))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@every_few
def test_read_only_and_mapped_files_are_read_as_they_are(words, dtype, tmp_path) -> None:
    scheme, x = Scheme.parse(words), noise((12, 320)).astype(dtype)
    kept = x.copy()
    x.flags.writeable = False
    path = tmp_path / "values"
    x.tofile(path)
    # One that begins at no multiple of its size is copied by whoever cannot read it.
    shifted = np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(dtype).reshape(x.shape)
    with blocks_of(BLOCK, UNIT, threads=2):
        ours = made(kept, scheme)
        for other in (x, np.memmap(path, dtype, "r", shape=x.shape), shifted):
            assert_equal(made(other, scheme), ours)
    assert x.tobytes() == kept.tobytes()


def test_no_loop_writes_beyond_what_it_was_given() -> None:
    x = noise((3, 1000))
    room = np.full(3000 + 2 * UNIT, 7, np.float32)
    room[UNIT:-UNIT] = x.reshape(-1)
    with blocks_of(BLOCK, UNIT, threads=2):
        made(room[UNIT:-UNIT].reshape(3, 1000), Scheme.parse("int8 asymmetric per-group(37)"))
    assert_same(room[UNIT:-UNIT].reshape(3, 1000), x)
    assert (room[:UNIT] == 7).all()
    assert (room[-UNIT:] == 7).all()


@given(arrays(), st.sampled_from([10, 64, 100, 512, 4096]), st.booleans())
@examples(200)
def test_histograms_agree_at_edges_too(x: np.ndarray, most: int, at_edges: bool) -> None:
    ours = summarize(x, most)
    if at_edges and ours.counts.size > 1:
        with np.errstate(over="ignore"):
            x = ours.edges.astype(as_working(x).dtype)
        ours = summarize(x, most)
    with numpy_alone():
        theirs = summarize(x, most)
    assert_same(ours.counts, theirs.counts)
    assert_same(ours.edges, theirs.edges)
