"""What searches take from the compiled loops is what numpy's formulas find: ranges to the bit."""

from contextlib import suppress

import numpy as np
import pytest

from quantoscope.engine import QuantizationError, Scheme
from quantoscope.engine.calibration.entropy import magnitudes
from quantoscope.engine.calibration.mse import Points, squared_errors
from quantoscope.engine.evaluation.evaluator import calibrate, squared_error
from quantoscope.engine.numerics import kernels, selection
from quantoscope.engine.numerics.selection import Ranked
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.without_loops import numpy_alone


def arrays():
    rng = np.random.default_rng(3)
    odd = rng.standard_normal((64, 513)).astype(np.float32)
    odd[3, 5], odd[9, :7], odd[20, 1], odd[30] = np.nan, np.inf, -np.inf, 7
    with np.errstate(over="ignore"):
        huge = (rng.standard_normal((40, 256)) * 1e38).astype(np.float32)
    return {
        "normal": rng.standard_normal((70, 700)).astype(np.float32),
        "far from 0": (5 + rng.standard_normal((60, 96)) / 100).astype(np.float32),
        "odd": odd,
        "zeros": np.zeros((5, 64), np.float32),
        "ties": (rng.integers(-300, 300, (40, 256)) / 2).astype(np.float32),
        "few numbers": rng.integers(-2, 3, (40, 256)).astype(np.float32),
        "huge": huge,
        "tiny": (rng.standard_normal((40, 256)) * 1e-44).astype(np.float32),
        "long": rng.standard_t(4, (2, 300_000)).astype(np.float32),
        "float64": rng.laplace(size=(300, 256)),
        "large float64": rng.standard_normal((40, 256)) * 1e200,
        "one number": np.ones(1, np.float32),
    }


ARRAYS = arrays()


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize(
    "words",
    [
        "int8 asymmetric",
        "int4 symmetric per-channel(0)",
        "int4 asymmetric per-group(32)",
        "int8 symmetric stochastic(1)",
        "uint8 asymmetric ties-away",
    ],
)
def test_the_squared_error_of_a_range_is_that_of_the_formulas(name, words):
    x = ARRAYS[name]
    if x.ndim == 1 and "per-group" in words:
        words = words.replace("(32)", "(1)")
    with np.errstate(all="ignore"):
        p = calibrate(x, Scheme.parse(words))
    ours = squared_error(x, p, np.inf)
    with numpy_alone():
        theirs = squared_error(x, p, np.inf)
    assert ours == pytest.approx(theirs, rel=1e-12, abs=0)
    if theirs:
        assert squared_error(x, p, theirs / 1e6) in (np.inf, pytest.approx(theirs, rel=1e-12))


SCHEMES = """
int8 asymmetric
int8 symmetric
int4 scale-only
uint8 asymmetric
int2 symmetric
int16 asymmetric
int8 asymmetric ties-away
int4 symmetric toward-zero
int8 asymmetric stochastic(2)
e4m3fn symmetric
""".strip().split("\n")


def schemes():
    yield from map(Scheme.parse, SCHEMES)
    for name in RUNTIMES:
        for words in ("int8 asymmetric", "uint8 asymmetric", "int8 symmetric"):
            with suppress(ValueError):  # the runtime has no such scheme
                yield Scheme.parse(f"{words} @{name}")


def same(a, b):
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


@pytest.mark.parametrize("exponent", [0, 30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scheme", list(schemes()), ids=str)
def test_costs_of_ranges_are_those_of_the_formulas_to_the_bit(scheme, dtype, exponent):
    rng = np.random.default_rng(5)
    quantizer = QUANTIZERS[scheme.mapping]
    for rows, n in ((1, 1), (1, 5), (3, 8), (1, 127), (4, 128), (2, 129), (1, 4611), (5, 1003)):
        for scale, offset in ((1, 0), (1e-3, 700), (1e-44, 0), (1e30, 1e36)):
            values = (rng.standard_normal((rows, n)) * scale + offset).astype(dtype)
            values[:, :: max(1, n // 7)] = dtype(offset)
            weights = 1.0 if rows % 2 else rng.integers(0, 4, (rows, n)).astype(np.float64)
            points = Points(values, weights)
            sets = 7 * rows
            reach = np.abs(values).max() * 2.0 ** -rng.integers(0, 9, sets)
            middle = offset * rng.integers(0, 2, sets)
            low = (middle - reach).astype(dtype)
            high = (middle + reach * rng.random(sets)).astype(dtype)
            given = points, quantizer, scheme.format, (low, high), scheme.arithmetic, exponent
            with np.errstate(all="ignore"):
                ours = squared_errors(*given)
                with numpy_alone():
                    theirs = squared_errors(*given)
            assert same(ours, theirs)


def ends(x, scheme):
    try:
        return [np.asarray(end) for end in calibrate(x, scheme).range]
    except QuantizationError as error:
        return [str(error)]


CALIBRATED = """
int8 asymmetric mse
int8 symmetric mse
int4 symmetric mse
int4 asymmetric per-channel(0) mse
int4 symmetric per-channel(1) mse
int4 symmetric per-group(32) mse
int8 symmetric per-group(37) mse
int4 asymmetric per-group(16,0) mse
uint8 asymmetric mse
int8 asymmetric entropy
int8 symmetric per-channel(0) entropy
""".strip().split("\n")


def searched():
    """Yield pairs of schemes and arrays, but for many short channels, which take numpy long."""
    for words in CALIBRATED:
        yield from ((words, name) for name in ARRAYS if name != "long" or "l(0)" in words)
        if "per" not in words:
            yield words, "long"


@pytest.mark.parametrize(("words", "name"), list(searched()))
def test_the_ranges_that_are_found_are_those_that_numpy_finds(words, name):
    x, scheme = ARRAYS[name], Scheme.parse(words)
    ours = ends(x, scheme)
    with numpy_alone():
        theirs = ends(x, scheme)
    assert same(ours, theirs)


def by_hand(x, lines, run):
    """Yield minimum, maximum and first largest magnitude of the finite values per run."""
    for line in x.reshape(lines, -1):
        for start in range(0, line.size, run):
            some = line[start : start + run]
            some = some[np.isfinite(some)]
            if not some.size:
                yield (np.nan,) * 3
            else:
                yield some.min(), some.max(), some[np.abs(some).argmax()]


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("run", [1, 7, 16, 32, 100, 1000])
def test_extremes_of_runs_are_numpys(name, run):
    x = ARRAYS[name]
    for lines in {1, len(x)}:
        if lines * run * 3000 < x.size:
            continue
        wanted = np.array(list(by_hand(x, lines, run)), x.dtype).T
        made = kernels.run_extremes(x, lines, run, peaks=True)
        assert np.array_equal(made, wanted, equal_nan=True)
        assert np.array_equal(kernels.run_extremes(x, lines, run), wanted[:2], equal_nan=True)


def test_extremes_of_long_runs_and_lines(monkeypatch):
    monkeypatch.setattr(kernels, "BLOCK", 2 * kernels.UNIT)
    for name in ("normal", "odd", "float64"):
        x = ARRAYS[name]
        for lines, run in ((1, x.size), (2, x.size // 2), (1, 100), (2, 1000), (len(x), 32)):
            made = kernels.run_extremes(x, lines, run)
            wanted = np.array(list(by_hand(x, lines, run)), x.dtype).T
            assert np.array_equal(made, wanted[:2], equal_nan=True)
        with numpy_alone():
            known = kernels.extremes(x)
        assert kernels.extremes(x) == known


FROM_EXTREMES = """
int8 asymmetric
int8 asymmetric per-channel(0)
int8 symmetric per-channel(1)
int4 asymmetric per-group(32)
int4 asymmetric per-group(37)
int4 symmetric per-group(4,0)
q4_0
q5_1
q8_0
mxfp4-gguf
""".strip().split("\n")


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("words", FROM_EXTREMES)
def test_ranges_from_extremes_are_numpys(words, name):
    x, scheme = ARRAYS[name], Scheme.parse(words)
    ours = parameters(x, scheme)
    with numpy_alone():
        theirs = parameters(x, scheme)
    assert ours == theirs


def parameters(x, scheme):
    try:
        return calibrate(x, scheme)
    except QuantizationError as error:
        return str(error)


def test_an_array_without_a_finite_value_has_no_range():
    x = np.full((4, 64), np.inf, np.float32)
    with pytest.raises(QuantizationError, match="no finite value"):
        calibrate(x, "int4 asymmetric per-group(32)")


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("magnitude", [False, True])
def test_ranked_values_are_those_of_sorting(monkeypatch, name, magnitude):
    monkeypatch.setattr(kernels, "BLOCK", 40 * kernels.UNIT)
    flat = ARRAYS[name].reshape(-1)
    flat = flat[np.isfinite(flat)]
    wanted = np.sort(np.abs(flat) if magnitude else flat)
    ranked = Ranked(flat, magnitude)
    last = flat.size - 1
    for first, end in ((0, 0), (0, last), (last, last), (last // 3, last // 2), (0, last // 16)):
        assert np.array_equal(ranked.sorted(first, end), wanted[first : end + 1])


@pytest.mark.parametrize("share", [100, 99.99, 99.9, 90, 66.5, 50.01])
@pytest.mark.parametrize("name", ["normal", "odd", "long", "float64", "few numbers", "zeros"])
@pytest.mark.parametrize("mapping", ["symmetric", "asymmetric"])
def test_percentiles_are_numpys(monkeypatch, mapping, name, share):
    monkeypatch.setattr(selection, "LONG", 1)
    x, scheme = ARRAYS[name], Scheme.parse(f"int8 {mapping} percentile({share})")
    ours = ends(x, scheme)
    with numpy_alone():
        theirs = ends(x, scheme)
    assert same(ours, theirs)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("bins", [2, 100, 2048, 70_001])
def test_histograms_of_magnitudes_are_numpys(bins, name):
    flat = ARRAYS[name].reshape(-1)
    flat = flat[np.isfinite(flat)]
    ours = magnitudes(flat, bins)
    with numpy_alone():
        theirs = magnitudes(flat, bins)
    assert np.array_equal(ours[0], theirs[0])
    assert ours[1] == theirs[1]
