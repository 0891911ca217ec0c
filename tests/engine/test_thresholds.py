"""Thresholds of rounding against a scan of the values between two levels."""

import numpy as np
import pytest

from quantoscope.engine import QUANTIZERS, evaluate
from quantoscope.engine.analysis.thresholds import rounding_thresholds

VALUES = np.array([0.21535037, 1.2962357, -1.0161772, 0.4, -0.03, 0.77], np.float32)
BLOCK = np.linspace(100.1, 101.3, 32, dtype=np.float32)


@pytest.mark.parametrize(
    "scheme",
    [
        "int8 asymmetric",
        "int4 symmetric",
        "int4 symmetric toward-zero",
        "uint4 asymmetric toward-zero",
        "e4m3fn symmetric",
        "e2m1fn symmetric toward-zero",
        "nf4 symmetric",
        "q4_0",
        "q4_1",
        "q8_0",
        "mxfp4-gguf",
        "mxfp4-torchao-rceil",
    ],
)
@pytest.mark.parametrize("values", [VALUES, BLOCK], ids=["around 0", "far from 0"])
def test_the_code_changes_at_the_threshold_and_nowhere_else(scheme, values):
    p = evaluate(values, scheme).qparams.at(0)
    quantizer = QUANTIZERS[p.mapping]
    levels = quantizer.levels(p).astype(np.float64)
    last = min(levels.size - 1, 40)
    found = rounding_thresholds(p, 0, last)
    assert found.shape == (last,)
    for place, at in enumerate(found):
        below, above = levels[place], levels[place + 1]
        scan = np.linspace(below, above, 4001)[1:-1].astype(p.dtype)
        codes = quantizer.encode(scan, p)[0]
        places = quantizer.places(codes, p)
        step = abs(above - below) / 4000 + 2 * np.spacing(p.dtype.type(abs(at)))
        # Where values are divided by something else than S, it may lie beyond the next level.
        turned = np.flatnonzero(places > place)
        edge = scan[turned[0]] if turned.size else above
        if min(below, above) < at < max(below, above):
            assert abs(at - float(edge)) <= step
        else:
            assert turned.size in (0, scan.size)


def test_chance_has_no_threshold():
    p = evaluate(VALUES, "int8 symmetric stochastic(3)").qparams
    assert rounding_thresholds(p, 0, 5) is None


def test_thresholds_of_the_largest_numbers_are_finite():
    p = evaluate(np.array([-1.7e308, 1.7e308]), "int2 symmetric").qparams
    assert np.isfinite(rounding_thresholds(p, 0, 2)).all()
