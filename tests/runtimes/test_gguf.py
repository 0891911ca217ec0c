"""The block formats against the ``gguf`` package: stored bytes and reconstructed values."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.formats import FORMATS
from tests.runtimes.hostile import WIDTH, arrays

quants = pytest.importorskip("gguf.quants")
kinds = pytest.importorskip("gguf").GGMLQuantizationType

BLOCKS = ("q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "mxfp4-gguf")
ROWS = 10_400
every_block = pytest.mark.parametrize("name", BLOCKS)


def stored(x: np.ndarray, name: str) -> np.ndarray:
    """The package's own bytes, one row per block of 32."""
    kind = kinds[name.removesuffix("-gguf").upper()]
    with np.errstate(all="ignore"):
        return quants.quantize(x, kind).reshape(x.size // 32, -1)


def reconstructed(data: np.ndarray, name: str) -> np.ndarray:
    kind = kinds[name.removesuffix("-gguf").upper()]
    with np.errstate(all="ignore"):
        return quants.dequantize(data, kind).reshape(-1, 32)


def nibbles(data: np.ndarray) -> np.ndarray:
    return np.concatenate([data & 15, data >> 4], axis=1)


def unpacked(data: np.ndarray, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scales, minima and codes of stored blocks."""
    none = np.zeros(len(data))
    if name == "mxfp4-gguf":
        return np.ldexp(1.0, data[:, 0].astype(int) - 127), none, nibbles(data[:, 1:])
    halves = 2 if name.endswith("_1") else 1
    head = np.ascontiguousarray(data[:, : 2 * halves]).view(np.float16).astype(np.float64)
    scale, low = head[:, 0], head[:, 1] if halves == 2 else none
    rest = data[:, 2 * halves :]
    if name == "q8_0":
        return scale, low, rest.view(np.int8)
    if name.startswith("q4"):
        return scale, low, nibbles(rest)
    high = np.unpackbits(rest[:, :4], axis=1, bitorder="little")
    return scale, low, nibbles(rest[:, 4:]) | (high << 4)


@every_block
def test_the_version_that_the_window_names_is_the_one_that_is_compared(name: str) -> None:
    assert FORMATS[name].source == f"verified against gguf {version('gguf')}"


@every_block
def test_scales_minima_codes_and_values(name: str) -> None:
    x = arrays(5, ROWS)
    data = stored(x, name)
    scale, low, codes = unpacked(data, name)
    ours = engine.evaluate(x, name)
    np.testing.assert_array_equal(ours.qparams.scale, scale)
    if name.endswith("_1"):
        with np.errstate(over="ignore"):
            kept = np.asarray(ours.qparams.offset).astype(np.float16)
        np.testing.assert_array_equal(kept, low.astype(np.float16))
    np.testing.assert_array_equal(ours.codes.reshape(-1, 32), codes)
    np.testing.assert_array_equal(ours.reconstructed.reshape(-1, 32), reconstructed(data, name))


@pytest.mark.parametrize("name", BLOCKS)
def test_ties_of_every_code(name: str) -> None:
    """Values half way between two codes, and their neighbours, in blocks with a known scale."""
    random = np.random.default_rng(6)
    top = {"q8_0": 127, "q4_0": 8, "q4_1": 15, "q5_0": 16, "q5_1": 31}.get(name, 6)
    steps = random.integers(-2 * top, 2 * top + 1, (ROWS, 32)) / (4 if top == 6 else 2)
    steps[:, 5] = top * random.choice([-1, 1], ROWS)
    if name.endswith("_1"):
        steps = np.abs(steps)
        steps[:, 9] = 0
    x = (steps * 2.0 ** random.integers(-10, 10, (ROWS, 1))).astype(np.float32)
    moved = random.integers(-1, 2, x.shape)
    moved[:, 5] = 0
    x = np.where(moved > 0, np.nextafter(x, np.float32(9e9)), x)
    x = np.where(moved < 0, np.nextafter(x, np.float32(-9e9)), x)
    data = stored(x, name)
    ours = engine.evaluate(x, name)
    np.testing.assert_array_equal(ours.codes, unpacked(data, name)[2])
    np.testing.assert_array_equal(ours.reconstructed, reconstructed(data, name))


def test_an_overflowing_float16_scale_is_shown_and_said() -> None:
    x = np.linspace(-1e7, 1e7, 32).astype(np.float32)
    for name in ("q8_0", "q4_0"):
        result = engine.evaluate(x, name)
        assert np.isinf(result.qparams.scale).all()
        assert any("overflows float16" in warning for warning in result.warnings)


def test_a_float16_scale_that_underflows_is_said() -> None:
    x = np.full(32, 1e-6, np.float32)
    result = engine.evaluate(x, "q8_0")
    assert result.qparams.scale == 0
    assert not result.reconstructed.any()
    assert any("is 0 as float16 stores it" in warning for warning in result.warnings)


def test_rows_are_whole_blocks() -> None:
    assert WIDTH % 32 == 0
