"""``@aiedge`` against the installed ai-edge-quantizer: parameters and codes."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.runtimes.hostile import arrays, on_ties, rows_of

uniform = pytest.importorskip(
    "ai_edge_quantizer.algorithms.uniform_quantize.uniform_quantize_tensor"
)
qtyping = pytest.importorskip("ai_edge_quantizer.qtyping")

FORMATS = RUNTIMES["aiedge"].formats
ROWS = 4000
GRANULARITY = qtyping.QuantGranularity


def theirs(
    x: np.ndarray, fmt: str, mapping: str, block: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scales, zero points and codes, one channel per row, or per block of it."""
    bits, symmetric = int(fmt.removeprefix("int")), mapping == "symmetric"
    blocks = x.reshape(len(x), -1, block) if block else x
    granularity = GRANULARITY[f"BLOCKWISE_{block}"] if block else GRANULARITY.CHANNELWISE
    with np.errstate(all="ignore"):
        zero_point, scale = uniform.tensor_zp_scale_from_min_max(
            blocks.min(axis=-1, keepdims=not block), blocks.max(axis=-1, keepdims=not block),
            bits, symmetric, granularity,
        )  # fmt: skip
        parameters = qtyping.UniformQuantParams(
            num_bits=bits,
            quantized_dimension=1 if block else 0,
            scale=scale,
            zero_point=zero_point,
            symmetric=symmetric,
            block_size=block,
        )
        codes = uniform.uniform_quantize(x, parameters, is_blockwise_quant=bool(block))
    return scale.ravel(), zero_point.ravel(), codes


def test_the_version_that_the_window_names_is_the_one_that_is_compared() -> None:
    assert RUNTIMES["aiedge"].verified == f"ai-edge-quantizer {version('ai-edge-quantizer')}"


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("mapping", RUNTIMES["aiedge"].mappings)
@pytest.mark.parametrize("ties", [False, True], ids=["hostile", "ties"])
def test_per_channel_parameters_and_codes(fmt: str, mapping: str, ties: bool) -> None:
    text = f"{fmt} {mapping} @aiedge"
    x = arrays(1, ROWS)
    x = on_ties(x, text) if ties else x
    scale, zero_point, codes = theirs(x, fmt, mapping)
    ours = engine.evaluate(x, f"{text} per-channel(0)")
    bits, zeros = rows_of(ours.qparams)
    np.testing.assert_array_equal(bits, scale.astype(np.float32).view(np.int32))
    np.testing.assert_array_equal(zeros, zero_point)
    np.testing.assert_array_equal(ours.codes, codes)


@pytest.mark.parametrize("fmt", ["int8", "int4"])
@pytest.mark.parametrize("mapping", RUNTIMES["aiedge"].mappings)
def test_per_group_parameters_and_codes(fmt: str, mapping: str) -> None:
    x = arrays(2, ROWS)
    scale, zero_point, codes = theirs(x, fmt, mapping, block=32)
    ours = engine.evaluate(x, f"{fmt} {mapping} per-group(32) @aiedge")
    bits, zeros = rows_of(ours.qparams)
    np.testing.assert_array_equal(bits, scale.astype(np.float32).view(np.int32))
    np.testing.assert_array_equal(zeros, zero_point)
    np.testing.assert_array_equal(ours.codes, codes)
