"""The MXFP4 definitions of torchao against its own ``to_mx``: exponents, codes and values."""

from __future__ import annotations

import warnings
from importlib.metadata import version

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.formats import FORMATS
from tests.runtimes.hostile import arrays

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    mx = pytest.importorskip("torchao.prototype.mx_formats.mx_tensor")

MODES = ("floor", "rceil", "ceil", "even")
ROWS = 10_400
every_mode = pytest.mark.parametrize("mode", MODES)


def theirs(x: np.ndarray, mode: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exponents of the scales, codes and reconstructed values, one row per block of 32."""
    kind = torch.float4_e2m1fn_x2
    values = torch.from_numpy(np.ascontiguousarray(x.reshape(-1, 32)))
    scale, packed = mx.to_mx(values, kind, 32, mx.ScaleCalculationMode[mode.upper()])
    raw = packed.view(torch.uint8).numpy().reshape(-1, 16)
    codes = np.stack([raw & 15, raw >> 4], axis=2).reshape(-1, 32)
    back = mx.to_dtype(packed, scale, kind, 32, torch.float32).numpy().reshape(-1, 32)
    return scale.view(torch.uint8).numpy().reshape(-1).astype(int) - 127, codes, back


@every_mode
def test_the_version_that_the_window_names_is_the_one_that_is_compared(mode: str) -> None:
    expected = f"verified against torchao {version('torchao').partition('+')[0]}"
    assert FORMATS[f"mxfp4-torchao-{mode}"].source == expected


@every_mode
def test_exponents_codes_and_values(mode: str) -> None:
    x = arrays(7, ROWS)
    exponents, codes, back = theirs(x, mode)
    ours = engine.evaluate(x, f"mxfp4-torchao-{mode}")
    np.testing.assert_array_equal(ours.qparams.scale, np.ldexp(1.0, exponents))
    np.testing.assert_array_equal(ours.codes.reshape(-1, 32), codes)
    np.testing.assert_array_equal(ours.reconstructed.reshape(-1, 32), back)


@every_mode
def test_ties_between_the_numbers(mode: str) -> None:
    random = np.random.default_rng(8)
    x = random.choice([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5, 6, 0, -0.0], (ROWS, 32))
    x *= random.choice([-1, 1], x.shape)
    x[:, 0] = random.choice([4, 5, 6, 7, 7.5, 7.99], ROWS)
    x = (x * 2.0 ** random.integers(-20, 20, (ROWS, 1))).astype(np.float32)
    _, codes, back = theirs(x, mode)
    ours = engine.evaluate(x, f"mxfp4-torchao-{mode}")
    np.testing.assert_array_equal(ours.codes, codes)
    np.testing.assert_array_equal(ours.reconstructed, back)
