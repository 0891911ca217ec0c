"""The one change that gains most: found by trying, as a plain search finds it."""

import numpy as np
import pytest

from quantoscope.engine import Scheme, evaluate
from quantoscope.engine.analysis.suggestion import LEAST_GAIN, MOST_BITS, changes, suggestion


def weight(outliers):
    values = np.random.default_rng(3).normal(0, 0.02, (256, 512)).astype(np.float32)
    values[:, outliers] *= 40
    return values


def plain(x, text):
    """Return the best of all schemes that differ in one choice, by evaluating each of them."""
    size = x.size
    first = evaluate(x, text)
    words = text.split()
    others = [
        *(f"{text} per-channel({axis})" for axis in range(x.ndim)),
        f"{text} mse",
        *(" ".join([words[0], mapping]) for mapping in ("scale-only", "symmetric", "asymmetric")),
    ]
    found = {}
    for other in others:
        made = evaluate(x, other)
        sets = np.size(made.qparams.scale)
        more = made.metrics["bits_per_value"] - first.metrics["bits_per_value"]
        if size >= 64 * sets and more <= MOST_BITS:
            found[other] = made.metrics["sqnr"] - first.metrics["sqnr"]
    best = max(found, key=found.get)
    return (best, found[best]) if found[best] >= LEAST_GAIN else None


@pytest.mark.parametrize("text", ["int8 symmetric", "int4 asymmetric", "int4 symmetric"])
@pytest.mark.parametrize(
    "x",
    [
        weight([7, 300]),
        weight([]),
        weight([7, 300]).T.copy(),
        np.maximum(weight([]), 0),
        np.append(np.linspace(-1, 1, 999, dtype=np.float32), np.float32(30)),
    ],
    ids=["columns", "gaussian", "rows", "relu", "outlier"],
)
def test_it_is_the_best_of_all_single_changes(x, text):
    found, expected = suggestion(evaluate(x, text)), plain(x, text)
    if expected is None:
        assert found is None
        return
    best, gain = expected
    assert found.scheme == Scheme.parse(best)
    assert found.gain == pytest.approx(gain, abs=1e-9)
    assert evaluate(x, found.scheme).metrics["sqnr"] == found.sqnr


def test_outlier_columns_get_scales_of_their_own():
    found = suggestion(evaluate(weight([7, 300]), "int8 symmetric"))
    assert found.change == "per-channel(1)"
    assert found.gain > 15
    assert 0 < found.more < 0.2


def test_what_the_list_has_is_not_suggested():
    x = weight([7, 300])
    first = suggestion(evaluate(x, "int8 symmetric"))
    second = suggestion(evaluate(x, "int8 symmetric"), {first.scheme})
    assert second is None or second.scheme != first.scheme


@pytest.mark.parametrize(
    "x", [np.float32([0.2, 1.3, -1]), np.zeros(100, np.float32)], ids=["few", "zeros"]
)
def test_nothing_is_suggested_where_nothing_is_known_of_other_values(x):
    assert suggestion(evaluate(x, "int8 symmetric")) is None


def test_each_change_is_one_word_of_the_text():
    scheme = Scheme.parse("int8 symmetric @onnxruntime")
    for word, other in changes(scheme, (128, 64, 2)):
        before, after = set(str(scheme).split()), set(str(other).split())
        assert word in after - before
        assert len(after - before) == 1
        assert before - after <= {"symmetric"}
