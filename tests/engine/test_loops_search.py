"""What searches take from the compiled loops is what numpy's formulas find: ranges to the bit."""

from contextlib import contextmanager

import numpy as np
import pytest

from quantoscope.engine import Scheme
from quantoscope.engine.evaluation import compiled
from quantoscope.engine.evaluation.evaluator import calibrate, squared_error


@contextmanager
def numpy_alone():
    kept, compiled._loops = compiled._loops, None
    try:
        yield
    finally:
        compiled._loops = kept


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
