"""The thresholds of ``entropy`` against Model Optimizer's and ONNX Runtime's own."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import warnings
from collections.abc import Iterator

import numpy as np
import pytest

from quantoscope import engine

torch = pytest.importorskip("torch")
if importlib.util.find_spec("modelopt") is None:
    pytest.skip("could not import 'modelopt'", allow_module_level=True)
ort = pytest.importorskip("onnxruntime.quantization.calibrate")

BINS = 512
"""Fewer than the packages take: their loops are slow. A few arrays are compared with 2048."""
FORMATS = (("int8", 8, False), ("uint8", 8, True), ("int4", 4, False))


def _relu(random: np.random.Generator, n: int) -> np.ndarray:
    return np.maximum(random.standard_normal(n), 0)


def _gaussian(random: np.random.Generator, n: int) -> np.ndarray:
    return random.standard_normal(n)


def _laplace(random: np.random.Generator, n: int) -> np.ndarray:
    return random.laplace(size=n)


def _pruned(random: np.random.Generator, n: int) -> np.ndarray:
    x = random.standard_normal(n)
    return np.where(np.abs(x) < np.quantile(np.abs(x), random.uniform(0, 0.95)), 0, x)


def _outliers(random: np.random.Generator, n: int) -> np.ndarray:
    x = random.standard_normal(n)
    x[:2] = -30, 50
    return x


def _constant(random: np.random.Generator, n: int) -> np.ndarray:
    return np.full(n, random.standard_normal())


def _heavy_tails(random: np.random.Generator, n: int) -> np.ndarray:
    return random.standard_t(3, n)


def _few_numbers(random: np.random.Generator, n: int) -> np.ndarray:
    return random.choice([0, 1, 2, 5, -3, 0.25], n)


def _far_from_zero(random: np.random.Generator, n: int) -> np.ndarray:
    return random.uniform(0.5, 1, n)


def _one_sided(random: np.random.Generator, n: int) -> np.ndarray:
    return -np.exp(random.standard_normal(n))


KINDS = (
    _relu, _gaussian, _laplace, _pruned, _outliers, _constant, _heavy_tails, _few_numbers,
    _far_from_zero, _one_sided,
)  # fmt: skip


def zero_heavy(first: int, count: int) -> Iterator[np.ndarray]:
    """Return arrays of every kind in turn, up to 95 % of whose values are exact zeros."""
    for seed in range(first, first + count):
        random = np.random.default_rng(seed)
        n = int(random.choice([300, 3000, 20_000]))
        x = KINDS[seed % len(KINDS)](random, n)
        padded = np.where(random.random(n) < random.uniform(0, 0.95), 0, x)
        padded[0] = np.abs(x).max()
        yield (padded * 10.0 ** random.uniform(-3, 3)).astype(np.float32)


def model_optimizer(x: np.ndarray, bits: int, unsigned: bool, bins: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Thousands of modules: not for every process that only collects tests.
        modelopt = importlib.import_module("modelopt.torch.quantization.calib.histogram")
        calibrator = modelopt.HistogramCalibrator(bits, None, unsigned, num_bins=bins)
        calibrator.collect(torch.from_numpy(x))
        return float(calibrator.compute_amax("entropy"))


def onnx_runtime(x: np.ndarray, bins: int) -> tuple[float, float]:
    collector = ort.HistogramCollector("entropy", False, bins, 128, 99.9, "same")
    with contextlib.redirect_stdout(io.StringIO()):
        collector.collect({"x": x})
        low, high = collector.compute_collection_result()["x"][:2]
    return float(low), float(high)


@pytest.mark.parametrize("part", range(20))
def test_the_threshold_is_model_optimizer_s_within_a_bin(part: int) -> None:
    for number, x in enumerate(zero_heavy(10 * part, 10)):
        fmt, bits, unsigned = FORMATS[(part + number) % 3]
        levels = 1 << (bits - (not unsigned))
        theirs = model_optimizer(x, bits, unsigned, BINS)
        ours = engine.calibrate(x, f"{fmt} symmetric entropy({BINS},{levels})").range[1]
        assert abs(ours - theirs) <= np.abs(x).max() / BINS * 1.0001, KINDS[number].__name__


@pytest.mark.parametrize("kind", range(len(KINDS)), ids=lambda k: KINDS[k].__name__)
def test_it_is_with_the_counts_that_the_formats_take_by_themselves(kind: int) -> None:
    (x,) = zero_heavy(1000 + kind, 1)
    fmt, bits, unsigned = FORMATS[kind % 3]
    theirs = model_optimizer(x, bits, unsigned, 2048)
    ours = engine.calibrate(x, f"{fmt} symmetric entropy").range[1]
    assert abs(ours - theirs) <= np.abs(x).max() / 2048 * 1.0001


@pytest.mark.parametrize("part", range(20))
def test_both_ends_are_those_of_get_entropy_threshold_within_a_bin(part: int) -> None:
    for number, x in enumerate(zero_heavy(10 * part, 10)):
        low, high = onnx_runtime(x, BINS)
        text = f"int8 asymmetric entropy({BINS},128) @onnxruntime"
        ours = engine.calibrate(x, text).range
        bin_ = float(2 * np.abs(x).max() / BINS)
        # The runtime's range holds 0, whatever the threshold.
        assert ours == pytest.approx((min(low, 0), max(high, 0)), abs=bin_), KINDS[number].__name__
        reach = engine.calibrate(x, text.replace("asymmetric", "symmetric")).range[1]
        assert reach == pytest.approx(max(-low, high), abs=bin_)


@pytest.mark.parametrize("kind", [0, 3, 6])
def test_onnx_runtime_s_is_taken_with_2048_bins_unless_others_are_given(kind: int) -> None:
    (x,) = zero_heavy(1000 + kind, 1)
    low, high = onnx_runtime(x, 2048)
    ours = engine.calibrate(x, "uint8 asymmetric entropy @onnxruntime").range
    assert ours == pytest.approx((min(low, 0), max(high, 0)), abs=float(np.abs(x).max() / 1024))
