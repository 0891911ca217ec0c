"""Every example is the same everywhere, and its point holds in numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.examples import EXAMPLES, Example, example

SMALLEST = float(np.finfo(np.float32).smallest_subnormal)

# Shape, first values, least and greatest value. Not a hash: the last digit of a sine or a
# logarithm may differ from one machine's library to another's. The subnormals are recorded as
# multiples of the smallest.
RECORDED: dict[str, tuple[tuple[int, ...], list[float], float, float]] = {
    "three-numbers": ((3,), [0.21535037, 1.2962357, -1.0161772], -1.0161772, 1.2962357),
    "outlier": ((1001,), [-0.16595599, 0.44064897, -0.99977124], -0.99977124, 100.0),
    "gaussian-weights": (
        (4096,),
        [-0.020837892, -0.0028133413, -0.1068098],
        -0.16672848,
        0.20666811,
    ),
    "relu": ((4096,), [1.7886285, 0.43650985, 0.09649747], 0.0, 4.091393),
    "gelu": ((4096,), [0.040213823, 0.5798876, -0.101212695], -0.17004074, 6.3244767),
    "heavy-tails": (
        (4096,),
        [0.06190702, -0.0018507268, 0.0066267787],
        -2.0337636,
        3.006882,
    ),
    "convolution": (
        (64, 3, 3, 3),
        [-0.00047144628, 0.0023366078, 0.0015027855],
        -0.24067132,
        0.19047423,
    ),
    "constant": ((16,), [0.7, 0.7, 0.7], 0.7, 0.7),
    "zeros": ((16,), [0.0, 0.0, 0.0], 0.0, 0.0),
    "subnormal": ((64,), [-125.0, -104.0, 237.0], -294.0, 284.0),
    "sine-sweep": ((2000,), [0.0, 0.0031573104, 0.006342891], -0.99999726, 0.9999991),
    "ties": ((82,), [-20.0, -19.5, -19.0], -127.0, 128.0),
}

each_example = pytest.mark.parametrize("entry", EXAMPLES, ids=lambda entry: entry.key)


def results(key: str) -> dict[str, engine.Evaluation]:
    entry = example(key)
    return {text: engine.evaluate(entry.make(), text) for text in entry.schemes}


def test_every_example_is_recorded_here() -> None:
    assert [entry.key for entry in EXAMPLES] == list(RECORDED)


@each_example
def test_an_example_is_the_same_every_time_and_everywhere(entry: Example) -> None:
    shape, first, least, greatest = RECORDED[entry.key]
    np.random.seed(99)
    x = entry.make()
    np.testing.assert_array_equal(x, entry.make())
    assert x.dtype == np.float32
    assert x.shape == shape
    if entry.key == "subnormal":
        x = x.astype(np.float64) / SMALLEST
    found = [*x.ravel()[:3].tolist(), x.min(), x.max()]
    assert found == pytest.approx([*first, least, greatest], rel=1e-6, abs=0)


@each_example
def test_an_example_leaves_the_global_random_state_alone(entry: Example) -> None:
    np.random.seed(1)
    expected = np.random.random()
    np.random.seed(1)
    entry.make()
    assert np.random.random() == expected


@each_example
def test_every_scheme_of_an_example_parses_prints_alike_and_evaluates(entry: Example) -> None:
    assert [str(scheme) for scheme in entry.parsed_schemes()] == list(entry.schemes)
    assert len(set(entry.schemes)) == len(entry.schemes)
    x = entry.make()
    for scheme in entry.parsed_schemes():
        assert engine.evaluate(x, scheme).codes.shape == x.shape
    assert engine.summarize(x).counts.sum() == x.size


@each_example
def test_an_example_has_a_name_and_says_its_point_in_a_sentence(entry: Example) -> None:
    assert entry.name
    assert entry.point.endswith(".")
    assert example(entry.key) is entry


def test_an_unknown_example_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        example("none-such")


# The points


def test_point_of_three_numbers() -> None:
    by_scheme = results("three-numbers")
    trace = engine.trace(example("three-numbers").make(), "int8 scale-only", [1])
    assert trace["rounded"].tolist() == [143]
    clipped = {text: int(np.abs(r.saturated).sum()) for text, r in by_scheme.items()}
    assert clipped == {"int8 scale-only": 1, "int8 symmetric": 0, "int8 asymmetric": 0}


def test_point_of_the_outlier() -> None:
    x = example("outlier").make()
    assert np.count_nonzero(np.abs(x) <= 1) == 1000
    assert np.count_nonzero(x == 100) == 1
    by_scheme = results("outlier")
    codes = {text: np.unique(r.codes[x < 100]).size for text, r in by_scheme.items()}
    assert codes["int8 symmetric"] == 3
    assert codes["int8 scale-only"] <= 8
    assert codes["int8 asymmetric"] <= 8
    assert codes["int8 symmetric manual(-1,1)"] > 200


def test_point_of_gaussian_weights() -> None:
    by_scheme = results("gaussian-weights")
    symmetric, asymmetric = (by_scheme[f"int8 {m}"] for m in ("symmetric", "asymmetric"))
    assert abs(symmetric.metrics["sqnr"] - asymmetric.metrics["sqnr"]) < 1.5
    assert 6 * 3 < symmetric.metrics["sqnr"] - by_scheme["int4 symmetric"].metrics["sqnr"] < 6 * 5


def test_point_of_relu() -> None:
    x = example("relu").make()
    assert x.min() == 0
    by_scheme = results("relu")
    assert by_scheme["int8 symmetric"].codes.min() == 0
    gain = (
        by_scheme["uint8 symmetric"].metrics["sqnr"] - by_scheme["int8 symmetric"].metrics["sqnr"]
    )
    assert 5 < gain < 7  # one bit


def test_point_of_gelu() -> None:
    by_scheme = results("gelu")
    assert np.count_nonzero(np.unique(by_scheme["int8 symmetric"].codes) < 0) <= 4
    sqnr = {text: r.metrics["sqnr"] for text, r in by_scheme.items()}
    assert sqnr["int8 asymmetric"] > sqnr["int8 symmetric"] + 5


def test_point_of_heavy_tails() -> None:
    x = example("heavy-tails").make()
    by_scheme = results("heavy-tails")
    whole, cut = by_scheme["int4 symmetric"], by_scheme["int4 symmetric manual(-1,1)"]
    assert np.count_nonzero(np.abs(x) > 1) < 0.01 * x.size
    assert cut.metrics["sqnr"] > whole.metrics["sqnr"] + 4
    assert cut.metrics["clipping_power"] > 0
    assert cut.metrics["rounding_power"] < whole.metrics["rounding_power"] / 5
    assert max(r.metrics["sqnr"] for r in by_scheme.values()) == cut.metrics["sqnr"]


def test_point_of_the_convolution() -> None:
    x = example("convolution").make()
    codes = results("convolution")["int8 symmetric"].codes
    spread = np.abs(x).max(axis=(1, 2, 3))
    assert spread.max() / spread.min() > 100
    assert np.unique(codes[spread.argmin()]).size <= 5
    assert np.unique(codes[spread.argmax()]).size > 20


def test_point_of_the_constant() -> None:
    for result in results("constant").values():
        assert (np.abs(result.error) <= result.qparams.scale / 2).all()
        assert result.metrics["codes_used"] == 1


def test_point_of_all_zeros() -> None:
    for result in results("zeros").values():
        assert result.qparams.scale == 1
        assert (result.codes == result.qparams.zero_point).all()
        assert result.metrics["sqnr"] == math.inf


def test_point_of_tiny_subnormal_values() -> None:
    x = example("subnormal").make()
    same_but_normal = np.ldexp(x, 140)
    for text, result in results("subnormal").items():
        p = result.qparams
        assert p.scale < np.finfo(np.float32).smallest_normal
        assert float(p.working_scale) < 0.9 * p.scale
        assert any("subnormal" in note for note in result.warnings)
        normal = engine.evaluate(same_but_normal, text)
        assert result.metrics["sqnr"] < normal.metrics["sqnr"] - 10


def test_point_of_the_sine_sweep() -> None:
    for result in results("sine-sweep").values():
        inside = result.saturated == 0
        assert inside.mean() > 0.99
        band = result.qparams.scale / 2
        assert 0.95 * band < np.abs(result.error[inside]).max() <= band * (1 + 1e-6)
        assert result.metrics["codes_used"] in (15, 16)


def test_point_of_the_ties() -> None:
    x = example("ties").make()
    by_scheme = results("ties")
    halves = (x % 1) == 0.5
    assert halves.sum() == 40
    assert all(r.qparams.scale == 1 for r in by_scheme.values())
    assert by_scheme["int8 asymmetric"].qparams.zero_point == -1
    # ONNX Runtime rounds before it adds Z: the reconstructed value is even, whatever Z is.
    after = by_scheme.pop("int8 asymmetric @onnxruntime")
    assert (after.reconstructed[halves] % 2 == 0).all()
    assert (after.codes[halves] != by_scheme["int8 asymmetric"].codes[halves]).all()
    for text, result in by_scheme.items():
        odd_zero_point = result.qparams.zero_point % 2
        assert (result.codes[halves] % 2 == 0).all(), text
        assert (result.reconstructed[halves] % 2 == odd_zero_point).all(), text


def test_the_three_numbers_are_those_of_the_generator() -> None:
    drawn = np.random.RandomState(8215).randn(3).astype(np.float32)
    np.testing.assert_array_equal(EXAMPLES[0].make(), drawn)
