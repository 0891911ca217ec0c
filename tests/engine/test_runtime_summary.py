"""What is read off the matrices of several schemes, against plain evaluations."""

from dataclasses import replace

import numpy as np
import pytest

from quantoscope.engine import RUNTIMES, Scheme, evaluate
from quantoscope.engine.analysis.runtime_matrix import runtime_matrix
from quantoscope.engine.analysis.runtime_summary import tendencies

TEXTS = (
    "int8 symmetric @onnxruntime",
    "int8 symmetric per-channel(0) @onnxruntime",
    "int8 asymmetric @onnxruntime",
    "uint8 asymmetric @pytorch",
    "int8 scale-only",
    "q8_0",
)


def shares(x, text):
    """Return the share of other codes by runtime, for those that have the scheme."""
    own, found = evaluate(x, text), {}
    for name in ("", *RUNTIMES):
        if name == own.scheme.runtime:
            continue
        try:
            made = evaluate(x, replace(own.scheme, runtime=name))
        except ValueError:
            continue
        found[name] = float(np.mean(own.codes != made.codes))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_who_makes_other_codes_and_how_many(seed):
    rng = np.random.default_rng(seed)
    x = (rng.standard_normal((24, 64)) * np.exp(rng.standard_normal((24, 1)))).astype(np.float32)
    x[::5, ::3] = rng.integers(-9, 9, x[::5, ::3].shape) / 2
    found = {(t.mapping, t.runtime): t for t in tendencies(runtime_matrix(x, s) for s in TEXTS)}
    by_group = {}
    for text in TEXTS:
        scheme = Scheme.parse(text)
        group = by_group.setdefault((scheme.mapping, scheme.runtime), {})
        for name, share in shares(x, text).items():
            group[name] = max(share, group.get(name, 0.0))
    assert list(found) == list(by_group)
    for key, group in by_group.items():
        one = found[key]
        assert set(one.apart) == {name for name in group if group[name]}
        assert set(one.same) == {name for name in group if not group[name]}
        assert [group[name] for name in one.apart] == sorted(map(group.get, one.apart))[::-1]
        if one.apart:
            assert one.most.codes.count / one.most.codes.of == max(group.values())
        else:
            assert one.most is None


def test_the_last_digit_is_that_of_the_scheme_with_the_largest_share():
    x = np.random.default_rng(1).standard_normal((16, 200)).astype(np.float32)
    matrices = [runtime_matrix(x, "int8 asymmetric per-channel(0) @onnxruntime")]
    (one,) = tendencies(matrices)
    most = max(row.values.last for row in matrices[0].rows if row.values is not None)
    assert one.last_digit.last == most > 0


def test_a_runtime_that_refuses_the_values_is_not_one_that_lacks_the_scheme():
    x = np.array([1e300, -1e300])
    (one,) = tendencies([runtime_matrix(x, "int8 symmetric")])
    assert (one.apart, one.same, one.most, one.refused) == ((), (), None, True)
    (one,) = tendencies([runtime_matrix(x, "int8 scale-only")])
    assert not one.refused
