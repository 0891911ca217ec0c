"""The compiled loops do what numpy's formulas do: codes, R', curves, counts to the last bit."""

import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from quantoscope.engine import QuantizationError, Scheme, evaluate
from quantoscope.engine.evaluation.compiled import compiled
from quantoscope.engine.evaluation.evaluator import evaluate_known
from quantoscope.engine.formats import FORMATS
from quantoscope.engine.numerics.envelope import pyramid_of
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.without_loops import numpy_alone


def arrays():
    rng = np.random.default_rng(0)
    normal = rng.standard_normal((70, 700)).astype(np.float32)
    odd = rng.standard_normal((64, 513)).astype(np.float32)
    odd[3, 5], odd[9, :7], odd[20, 1] = np.nan, np.inf, -np.inf
    few = np.zeros((40, 256), np.float32)
    few[0], few[1], few[2] = 1, np.nan, -5
    with np.errstate(over="ignore"):
        huge = (rng.standard_normal((40, 256)) * 1e38).astype(np.float32)
    return {
        "normal": normal,
        "odd": odd,
        "constant channels": few,
        "zeros": np.zeros((5, 64), np.float32),
        "ties": (rng.integers(-300, 300, (40, 256)) / 2).astype(np.float32),
        "huge": huge,
        "tiny": (rng.standard_normal((40, 256)) * 1e-44).astype(np.float32),
        "float64": rng.standard_normal((1300, 256)),
        "large float64": rng.standard_normal((40, 256)) * 1e200,
    }


ARRAYS = arrays()
WORDS = """
int8 asymmetric
int8 symmetric
int8 scale-only
uint8 asymmetric
int2 symmetric
int16 symmetric
int4 asymmetric per-channel(0)
int8 symmetric per-channel(1)
uint16 asymmetric per-channel(0)
int8 asymmetric per-group(32)
int4 symmetric per-group(37)
int8 asymmetric per-group(8,0)
int8 symmetric manual(-1,1)
int8 asymmetric manual(-0.5,2)
int8 asymmetric percentile(99)
int8 asymmetric stochastic(3)
int8 asymmetric ties-away
int8 asymmetric toward-zero
e4m3fn symmetric
e4m3fn symmetric per-channel(0) toward-zero
e5m2 symmetric ties-away per-group(32)
e5m2 symmetric stochastic(1) manual(-1,1)
e2m1fn symmetric per-group(37)
nf4 symmetric per-group(64)
nf4 symmetric per-channel(1)
q8_0
q4_0
q4_1
q5_0
q5_1
mxfp4-gguf
mxfp4-microxcaling
mxfp4-torchao-floor
mxfp4-torchao-rceil
mxfp4-torchao-ceil
mxfp4-torchao-even
mxfp4-modelopt
""".strip().split("\n")
OF_RUNTIMES = (
    "e4m3fn symmetric",
    "int8 asymmetric",
    "int8 symmetric per-channel(0)",
    "uint8 asymmetric",
)


def schemes():
    for words in (*WORDS, *(f"{each} @{name}" for name in RUNTIMES for each in OF_RUNTIMES)):
        with suppress(ValueError):  # the runtime has no such scheme
            yield Scheme.parse(words)


def made(x, scheme):
    try:
        return evaluate_known(x, scheme, None, None, pyramid_of(x))
    except QuantizationError as error:
        return str(error)


def parts_of(evaluation):
    if isinstance(evaluation, str):
        return []
    size = evaluation.codes.size
    some = np.random.default_rng(1).permutation(size)[: size // 2]
    wheres = slice(0, size), slice(7, size - 3), some, np.array([5]), np.zeros(0, int)
    return [evaluation.part(where) for where in wheres]


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("scheme", list(schemes()), ids=str)
def test_the_loops_are_the_formulas(scheme, name):
    x = ARRAYS[name]
    ours = made(x, scheme)
    with numpy_alone():
        theirs = made(x, scheme)
        parts = parts_of(theirs)
    if isinstance(theirs, str):
        assert ours == theirs
        return
    assert same(ours.codes, theirs.codes)
    assert ours.qparams == theirs.qparams
    assert same(ours.reconstructed, theirs.reconstructed)
    assert same(ours.code_counts, theirs.code_counts)
    assert ours.warnings == theirs.warnings
    for kind in ("reconstructed", "error", "bound"):
        one, other = getattr(ours.drawn, kind), getattr(theirs.drawn, kind)
        assert (one is None) == (other is None)
        if one is not None:
            assert same(one.low, other.low)
            assert same(one.high, other.high)
    for side in (-1, 1):
        assert same(ours.drawn.clipped[side], theirs.drawn.clipped[side])
    for one, other in zip(parts_of(ours), parts, strict=True):
        for kind in ("values", "codes", "reconstructed", "error", "saturated"):
            assert same(getattr(one, kind), getattr(other, kind))
    assert ours.metrics == pytest.approx(theirs.metrics, rel=1e-12, abs=0, nan_ok=True)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_goes_through_the_loops(name):
    scheme = Scheme.parse(name if FORMATS[name].mapping else f"{name} symmetric")
    made = evaluate(ARRAYS["normal"], scheme)
    quantizer = QUANTIZERS[made.qparams.mapping]
    assert compiled(made.qparams, quantizer, made.source, made.codes) is not None


def test_a_build_of_other_sources_gives_way_to_numpy():
    code = """
import sys, types
sys.modules["quantoscope.engine._loops"] = types.SimpleNamespace(VERSION=1)
from quantoscope.engine import evaluate
from quantoscope.engine.numerics import loops
print(loops.means().name, evaluate([1.0, 2.0, 4.0], "int8 symmetric").codes.tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "OUTDATED [32, 64, 127]\n"
