"""Exported ONNX models and overrides in ONNX Runtime itself: the codes and parameters are ours."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from tests.engine.export.arrays import SCHEMES, normal, on_ties
from tests.runtimes.hostile import arrays
from tests.runtimes.hostile import on_ties as hostile_ties

ort = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
quantization = pytest.importorskip("onnxruntime.quantization")

LEVELS = ("ORT_DISABLE_ALL", "ORT_ENABLE_ALL")
SHAPES = ((3, 4, 10), (6, 16))
NEVER = ("e2m1fn", "nf4", "q8", "q4", "q5", "mxfp4", "toward-zero", "stochastic", "manual(3,4)")
"""What no model says, whatever the values."""
OUT_OF_RANGE = (
    "uint4 asymmetric per-group(8)",
    "int2 symmetric per-group(8) @aiedge",
    "int2 asymmetric per-group(8) @aiedge",
    "int16 symmetric per-group(8) @aiedge",
)
"""What none says of these values: groups whose codes have to be cut, or whose Z lies outside."""


def check(model: bytes, result: engine.Evaluation) -> None:
    """The runtime's codes and reconstructed values are those of the evaluation."""
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    for level in LEVELS:
        options = ort.SessionOptions()
        options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, level)
        session = ort.InferenceSession(model, options)
        (given,) = session.get_inputs()
        reconstructed, *codes = session.run(None, {given.name: result.values.astype(np.float32)})
        np.testing.assert_array_equal(reconstructed, result.reconstructed, strict=True)
        if codes:
            np.testing.assert_array_equal(codes[0], result.codes, strict=True)
        assert codes or "e5m2" in str(result.scheme)


@pytest.mark.parametrize("scheme", [s for s in SCHEMES if not any(word in s for word in NEVER)])
def test_a_model_gives_the_codes_of_the_evaluation(scheme: str) -> None:
    made = 0
    for seed, shape in enumerate(SHAPES):
        first = engine.evaluate(normal(shape, seed), scheme)
        ties = engine.evaluate(on_ties(first.qparams, shape, seed), scheme)
        for result in (first, ties):
            try:
                model = export.render("onnx", result, "conv1.weight")
            except export.NotExpressibleError:
                continue
            check(model, result)
            made += 1
    assert made or scheme in OUT_OF_RANGE


@pytest.mark.parametrize(
    "scheme",
    ["int8 symmetric manual(-0.5,0.5)", "int8 asymmetric manual(-0.5,0.75)", "int6 symmetric",
     "uint8 asymmetric", "int8 asymmetric @pytorch per-channel(0)", "int8 symmetric @litert"],
)  # fmt: skip
def test_so_it_does_on_a_hundred_thousand_values(scheme: str) -> None:
    result = engine.evaluate(normal((10, 10_000), 3), scheme)
    check(export.render("onnx", result, "x"), result)
    ties = engine.evaluate(on_ties(result.qparams, (10, 10_000), 4).clip(-9, 9), scheme)
    check(export.render("onnx", ties, "x"), ties)


@pytest.mark.parametrize(
    "scheme",
    ["int8 symmetric", "uint8 asymmetric", "int8 asymmetric @onnxruntime", "int4 symmetric",
     "int8 symmetric manual(-1,1)", "uint8 asymmetric @litert", "uint8 asymmetric @pytorch-fake",
     "e4m3fn symmetric", "e5m2 symmetric"],
)  # fmt: skip
def test_so_it_does_on_hostile_arrays(scheme: str) -> None:
    """Constants, zeros, one-sided, subnormal and huge ranges, and ties of each."""
    x = arrays(11, 39)
    made = 0
    for row in (*x, *hostile_ties(x, scheme)):
        result = engine.evaluate(row, scheme)
        try:
            model = export.render("onnx", result, "x")
        except export.NotExpressibleError as error:
            assert re.search("has no scale|has to include 0|1/S is infinite", str(error))
            continue
        check(model, result)
        made += 1
    assert made > 50


@pytest.mark.parametrize("name", ["", "a/b:0", "größe 重み", "two\nlines\x00", "\ud800"], ids=ascii)
@pytest.mark.parametrize("shape", [(), (1,), (7,)])
def test_any_name_and_shape_will_do(name: str, shape: tuple[int, ...]) -> None:
    result = engine.evaluate(normal(shape), "uint8 symmetric @onnxruntime")
    check(export.render("onnx", result, name), result)


@pytest.mark.parametrize("scheme", ["int5 symmetric", "int8 asymmetric", "uint4 asymmetric"])
@pytest.mark.parametrize("granularity", ["", " per-group(8)"])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (8,), (1, 5)])
def test_arrays_of_one_group_are_no_blocks(
    scheme: str, granularity: str, shape: tuple[int, ...]
) -> None:
    result = engine.evaluate(normal(shape), scheme + granularity)
    check(export.render("onnx", result, "x"), result)


@pytest.mark.parametrize("scheme", ["int8 symmetric", "uint8 asymmetric", "e4m3fn symmetric"])
def test_float64_gives_the_same_codes_or_is_refused(scheme: str) -> None:
    result = engine.evaluate(normal().astype(np.float64) + 1e-12, scheme)
    session = ort.InferenceSession(export.render("onnx", result, "x"))
    reconstructed, codes = session.run(None, {"x": result.values.astype(np.float32)})
    np.testing.assert_array_equal(codes, result.codes)
    np.testing.assert_allclose(reconstructed, result.reconstructed, rtol=1e-6)


class Once(quantization.CalibrationDataReader):  # type: ignore[misc]
    """One batch of calibration data, which overrides make no use of."""

    def __init__(self, **batch: np.ndarray) -> None:
        self.batches = iter([batch])

    def get_next(self) -> Any:
        return next(self.batches, None)


def quantized(tmp_path: Path, weight: np.ndarray, overrides: dict[str, Any]) -> Any:
    """The tool's model of x·W with the overrides, through its own file-based interface."""
    helper = onnx.helper
    rows, columns = weight.shape
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "product",
        [helper.make_tensor_value_info("x", 1, [2, rows])],
        [helper.make_tensor_value_info("y", 1, [2, columns])],
        [onnx.numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, tmp_path / "float.onnx")
    quantization.quantize_static(
        tmp_path / "float.onnx",
        tmp_path / "quantized.onnx",
        Once(x=normal((2, rows))),
        quant_format=quantization.QuantFormat.QDQ,
        extra_options={"TensorQuantOverrides": overrides},
    )
    return onnx.load(tmp_path / "quantized.onnx")


def overrides_of(result: engine.Evaluation, name: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(export.render("ort-overrides", result, name).decode("ascii"), names)
    made: dict[str, Any] = names["TENSOR_QUANT_OVERRIDES"]
    return made


def parameters(model: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in model.graph.initializer}
    return arrays[f"{name}_scale"], arrays[f"{name}_zero_point"]


@pytest.mark.parametrize(
    ("scheme", "kind"),
    [
        ("int8 symmetric", "int8"),
        ("int8 asymmetric", "int8"),
        ("uint8 asymmetric manual(-1,2)", "uint8"),
        ("uint16 asymmetric", "uint16"),
        ("int16 symmetric", "int16"),
        ("int8 symmetric per-channel(1)", "int8"),
        ("uint8 asymmetric per-channel(-1) @onnxruntime", "uint8"),
        ("int4 symmetric @onnxruntime", "int4"),
    ],
)
def test_the_tool_s_model_has_the_scale_and_zero_point_of_a_weight(
    scheme: str, kind: str, tmp_path: Path
) -> None:
    weight = normal((8, 6), 5)
    result = engine.evaluate(weight, scheme)
    model = quantized(tmp_path, weight, overrides_of(result, "w"))
    scale, zero_point = parameters(model, "w")
    np.testing.assert_array_equal(scale, result.qparams.working_scale)
    np.testing.assert_array_equal(zero_point.astype(np.int64), result.qparams.zero_point)
    assert zero_point.dtype.name == kind


@pytest.mark.parametrize("scheme", ["uint8 asymmetric manual(-1,3)", "int8 symmetric manual(-2,2)"])
def test_so_it_has_those_of_an_activation(scheme: str, tmp_path: Path) -> None:
    result = engine.evaluate(normal((2, 8)), scheme)
    model = quantized(tmp_path, normal((8, 6), 5), overrides_of(result, "x"))
    scale, zero_point = parameters(model, "x")
    assert scale.tobytes() == np.float32(result.qparams.scale).tobytes()
    assert zero_point.item() == result.qparams.zero_point
    assert zero_point.dtype == result.codes.dtype
