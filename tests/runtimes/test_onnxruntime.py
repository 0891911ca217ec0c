"""``@onnxruntime`` against the installed package: parameters, codes and reconstructed values."""

from __future__ import annotations

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.runtimes.hostile import CHANNELS, arrays, on_ties, rows_of

ort = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
quant_utils = pytest.importorskip("onnxruntime.quantization.quant_utils")

FORMATS = RUNTIMES["onnxruntime"].formats
MAPPINGS = RUNTIMES["onnxruntime"].mappings
ROWS = 4000
every_format = pytest.mark.parametrize("fmt", FORMATS)
every_mapping = pytest.mark.parametrize("mapping", MAPPINGS)


def onnx_type(fmt: str) -> int:
    return int(getattr(onnx.TensorProto, fmt.upper()))


def kernel(
    x: np.ndarray, fmt: str, scale: np.ndarray, zero_point: np.ndarray, **where: int
) -> tuple[np.ndarray, np.ndarray]:
    """Codes and reconstructed values of the runtime's own QuantizeLinear and DequantizeLinear."""
    helper, kind = onnx.helper, onnx_type(fmt)
    zeros = helper.make_tensor("z", kind, list(zero_point.shape), zero_point.ravel().tolist())
    scales = helper.make_tensor("s", 1, list(scale.shape), scale.ravel().tolist())
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"], **where),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"], **where),
        helper.make_node("Cast", ["q"], ["codes"], to=int(onnx.TensorProto.INT32)),
    ]
    shape = list(x.shape)
    graph = helper.make_graph(
        nodes,
        "both",
        [helper.make_tensor_value_info("x", 1, shape)],
        [
            helper.make_tensor_value_info("codes", int(onnx.TensorProto.INT32), shape),
            helper.make_tensor_value_info("y", 1, shape),
        ],
        [scales, zeros],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    options = ort.SessionOptions()
    # Nothing is folded or fused away: the kernels themselves run.
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options)
    codes, reconstructed = session.run(None, {"x": x})
    return codes, reconstructed


def their_parameters(x: np.ndarray, fmt: str, mapping: str) -> tuple[np.ndarray, np.ndarray]:
    found = [
        quant_utils.compute_data_quant_params(row, onnx_type(fmt), mapping == "symmetric")
        for row in x
    ]
    return np.array([s for _, s in found], np.float32), np.array([int(z) for z, _ in found])


def test_the_version_that_the_window_names_is_the_one_that_is_compared() -> None:
    assert RUNTIMES["onnxruntime"].verified == f"onnxruntime {ort.__version__}"


@every_format
@every_mapping
@pytest.mark.parametrize("ties", [False, True], ids=["hostile", "ties"])
def test_per_channel_parameters_codes_and_values(fmt: str, mapping: str, ties: bool) -> None:
    text = f"{fmt} {mapping} @onnxruntime"
    x = arrays(1, ROWS)
    x = on_ties(x, text) if ties else x
    scale, zero_point = their_parameters(x, fmt, mapping)
    ours = engine.evaluate(x, f"{text} per-channel(0)")
    bits, zeros = rows_of(ours.qparams)
    np.testing.assert_array_equal(bits, scale.view(np.int32))
    np.testing.assert_array_equal(zeros, zero_point)
    codes, reconstructed = kernel(x, fmt, scale, zero_point, axis=0)
    np.testing.assert_array_equal(ours.codes, codes)
    np.testing.assert_array_equal(ours.reconstructed, reconstructed)


@every_format
@every_mapping
def test_per_tensor_is_the_same_array_by_array(fmt: str, mapping: str) -> None:
    text = f"{fmt} {mapping} @onnxruntime"
    for row in arrays(2, 40):
        (s,), (z,) = their_parameters(row[None], fmt, mapping)
        ours = engine.evaluate(row, text)
        assert np.float32(ours.qparams.scale).tobytes() == s.tobytes()
        assert ours.qparams.zero_point == z
        codes, reconstructed = kernel(row, fmt, np.array(s), np.array(z))
        np.testing.assert_array_equal(ours.codes, codes)
        np.testing.assert_array_equal(ours.reconstructed, reconstructed)


@pytest.mark.parametrize("fmt", ["int8", "uint8", "int4", "uint4"])
@every_mapping
@pytest.mark.parametrize("size", [32, 24])
def test_per_group_parameters_and_codes(fmt: str, mapping: str, size: int) -> None:
    """A size of 24 leaves a shorter last group of 16."""
    x = arrays(3, 2000)
    with np.errstate(over="ignore"):
        zero_point, scale = quant_utils.compute_scale_zp_blocked(
            x, onnx_type(fmt), 1, size, mapping == "symmetric"
        )
    ours = engine.evaluate(x, f"{fmt} {mapping} per-group({size}) @onnxruntime")
    bits, zeros = rows_of(ours.qparams)
    np.testing.assert_array_equal(bits, scale.ravel().view(np.int32))
    np.testing.assert_array_equal(zeros, zero_point.ravel().astype(np.int64))
    codes, reconstructed = kernel(x, fmt, scale, zero_point.astype(int), axis=1, block_size=size)
    np.testing.assert_array_equal(ours.codes, codes)
    np.testing.assert_array_equal(ours.reconstructed, reconstructed)


@pytest.mark.parametrize("fmt", ["int8", "uint8"])
def test_clipped_values_and_nan_are_as_the_kernel_has_them(fmt: str) -> None:
    """A range by hand, values far beyond it, infinities and NaN."""
    x = np.concatenate([np.linspace(-9, 9, 61), [1e30, -1e30, 3e38, np.inf, -np.inf, np.nan]])
    x = x.astype(np.float32)
    ours = engine.evaluate(x, f"{fmt} asymmetric manual(-1,2) @onnxruntime")
    p = ours.qparams
    codes, _ = kernel(x, fmt, np.array(p.scale, np.float32), np.array(p.zero_point))
    np.testing.assert_array_equal(ours.codes, codes)
    assert any("given the lowest code by ONNX Runtime" in w for w in ours.warnings)


def test_what_the_helper_says_of_examples_by_hand() -> None:
    for x, text, s, z in (
        ([0, 0], "int8 asymmetric", 1.0, 0),
        ([-5, -5], "uint8 asymmetric", np.float32(5 / 255), 255),
        ([-1, 1], "int4 symmetric", np.float32(1 / 7.5), 0),
    ):
        p = engine.calibrate(np.array(x, np.float32), f"{text} @onnxruntime")
        assert (np.float32(p.scale), p.zero_point) == (s, z)


def test_the_engine_s_rows_are_those_of_the_channels() -> None:
    x = arrays(4, 50)
    one = engine.calibrate(x, engine.Scheme.parse("int8 symmetric").adapted(granularity=CHANNELS))
    each = [engine.calibrate(row, "int8 symmetric").scale for row in x]
    np.testing.assert_array_equal(one.scale, each)
