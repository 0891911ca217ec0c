"""The JSON export: read back, it gives the same parameters, to the last bit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.numerics.arithmetic import Arithmetic
from tests.engine.export.arrays import SCHEMES, normal


def read(result: engine.Evaluation, name: str = "w") -> dict[str, Any]:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    made: dict[str, Any] = json.loads(export.render("json", result, name), parse_constant=refuse)
    return made


def number(value: Any, kind: Any = np.float64) -> Any:
    """A number, or an array of one per channel."""
    return np.array([kind(one) for one in value]) if isinstance(value, list) else kind(value)


def qparams(content: dict[str, Any]) -> engine.QParams:
    """Parameters made of the documented keys alone."""
    scheme = engine.Scheme.parse(content["scheme"])
    granularity = content["granularity"]
    channels = granularity["axis"] if granularity["group"] is None else granularity["group"]
    origin = content["origin"]
    zero_point = content["zero_point"]
    return engine.QParams(
        mapping=content["mapping"],
        format=scheme.format,
        scale=number(content["scale"]),
        zero_point=np.array(zero_point) if isinstance(zero_point, list) else zero_point,
        qmin=content["qmin"],
        qmax=content["qmax"],
        range=(number(content["range"]["low"]), number(content["range"]["high"])),
        dtype=np.dtype(content["working_dtype"]),
        origin=np.array(origin) if isinstance(origin, list) else origin,
        arithmetic=Arithmetic(**content["arithmetic"]),
        granularity=engine.Granularity(granularity["kind"], channels or 0),
        offset=number(content["offset"]),
        divisor=None if content["divisor"] is None else number(content["divisor"]),
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_parameters_read_back_and_make_the_same_codes(scheme: str) -> None:
    result = engine.evaluate(normal(), scheme)
    p = qparams(read(result))
    assert p == result.qparams
    np.testing.assert_array_equal(engine.quantize(result.values, p), result.codes)
    np.testing.assert_array_equal(engine.dequantize(result.codes, p), result.reconstructed)


def test_what_it_says_of_the_worked_example() -> None:
    x = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
    result = engine.evaluate(x, "int8 asymmetric manual(-1,1.5)")
    content = read(result, "features.0")
    assert (content["program"], content["version"]) == ("quantoscope", engine.__version__)
    assert (content["name"], content["shape"], content["dtype"]) == ("features.0", [3], "float32")
    assert content["scheme"] == "int8 asymmetric manual(-1,1.5)"
    assert content["format"] == {"name": "int8", "bits": 8, "integer": True, "codes": "int8"}
    assert content["calibration"] == {"method": "manual", "arguments": [-1.0, 1.5]}
    assert content["range"] == {"low": -1.0, "high": 1.5}
    assert (content["qmin"], content["qmax"]) == (-128, 127)
    assert (content["scale"], content["zero_point"]) == (2.5 / 255, -26)
    assert content["metrics"] == dict(result.metrics)
    assert content["warnings"] == list(result.warnings)


@pytest.mark.parametrize(
    ("dtype", "said"), [("f8", "float64"), ("f4", "float32"), ("i2", "float32")]
)
def test_the_dtype_is_that_of_the_values_and_not_of_the_arithmetic(dtype: str, said: str) -> None:
    content = read(engine.evaluate(np.arange(-9, 9).astype(dtype), "int8 symmetric @onnxruntime"))
    assert (content["dtype"], content["working_dtype"]) == (said, "float32")


def test_what_is_not_finite_is_a_string() -> None:
    result = engine.evaluate(np.zeros(3, np.float32), "int8 symmetric")
    content = read(result)
    assert any(isinstance(value, str) for value in content["metrics"].values())
    for key, value in content["metrics"].items():
        assert float(value) == result.metrics[key] or np.isnan(float(value))


def test_an_exact_zero_point_beyond_64_bits_is_kept() -> None:
    result = engine.evaluate(np.array([1, np.nextafter(1, 2)]), "int16 asymmetric")
    assert abs(result.qparams.zero_point) > 2**63
    assert read(result)["zero_point"] == result.qparams.zero_point
