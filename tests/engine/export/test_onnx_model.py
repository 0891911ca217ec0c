"""The ONNX model: which operators it is made of, and what it refuses."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.export import NotExpressibleError
from tests.engine.export.arrays import normal

onnx = pytest.importorskip("onnx")


def model(values: Any, scheme: str) -> Any:
    x = np.asarray(values, np.float32)
    return onnx.load_from_string(export.render("onnx", engine.evaluate(x, scheme), "w"))


def operators(made: Any) -> list[str]:
    return [node.op_type for node in made.graph.node]


PAIR = ["QuantizeLinear", "DequantizeLinear"]


@pytest.mark.parametrize(
    ("scheme", "operators_set", "attributes"),
    [
        ("int8 symmetric", 13, {}),
        ("uint8 asymmetric @onnxruntime", 13, {}),
        ("int8 symmetric per-channel(-1)", 13, {"axis": 2}),
        ("e4m3fn symmetric", 19, {}),
        ("uint16 asymmetric @onnxruntime", 21, {}),
        ("int8 symmetric per-group(5)", 21, {"axis": 2, "block_size": 5}),
        ("int8 symmetric per-group(64)", 21, {"axis": 2, "block_size": 10}),
    ],
)
def test_where_codes_agree_there_is_one_pair_of_operators(
    scheme: str, operators_set: int, attributes: dict[str, int]
) -> None:
    made = model(normal(), scheme)
    onnx.checker.check_model(made, full_check=True)
    assert operators(made) == PAIR
    assert made.opset_import[0].version == operators_set
    for node in made.graph.node:
        assert {a.name: a.i for a in node.attribute} == attributes
    p = engine.calibrate(normal(), scheme)
    arrays = {t.name: onnx.numpy_helper.to_array(t) for t in made.graph.initializer}
    np.testing.assert_array_equal(arrays["w_scale"].ravel(), np.ravel(p.working_scale))
    np.testing.assert_array_equal(
        arrays["w_zero_point"].ravel().astype(np.int64), np.ravel(p.zero_point)
    )
    assert made.graph.doc_string == scheme


def test_values_are_cut_first_where_codes_of_the_bits_are_not_the_scheme_s() -> None:
    made = model([-2.0, 0.3, 1.0], "int8 symmetric manual(-1,1)")
    assert operators(made) == ["Max", "Min", *PAIR]
    assert "cut to the codes -127 to 127" in made.graph.doc_string
    assert operators(model([-1.0, 1.0], "int6 symmetric"))[-2:] == PAIR
    assert len(operators(model([-1.0, 1.0], "int6 symmetric"))) == 4


def test_the_scheme_s_own_steps_come_first_where_codes_differ() -> None:
    # S = 1, Z = −127: R/S + Z = −126.5 goes to −126, and Round(R/S) + Z to −127.
    made = model([-1.0, 0.5, 254.0], "int8 asymmetric")
    assert operators(made) == ["Div", "Add", "Round", "Max", "Min", *PAIR]
    assert "QuantizeLinear alone would give 1 of 3 values another code" in made.graph.doc_string


@pytest.mark.parametrize(
    ("values", "scheme", "sentence"),
    [
        ([1.0, 2.0], "nf4 symmetric", "integer, e4m3fn and e5m2 codes, not nf4"),
        ([1.0, 2.0], "q8_0", "not q8_0"),
        ([100.0, 101.0], "int8 asymmetric", "this scheme's is -25628: the range has to include 0"),
        ([0.5, 127.0], "int8 symmetric ties-away", "1 of 2 values .* rounds ties-away"),
        ([3e38, -3e38, 1], "int8 symmetric per-group(1) @onnxruntime", "has no scale of inf"),
        ([1.0, -1, 1, -1], "int2 symmetric per-group(2) @aiedge", "cannot cut groups to .* int2"),
    ],
)
def test_what_it_cannot_say_it_refuses(values: list[float], scheme: str, sentence: str) -> None:
    with pytest.raises(NotExpressibleError, match=sentence):
        model(values, scheme)


def test_float64_will_do_where_float32_gives_the_same_codes() -> None:
    x = normal().astype(np.float64) + 1e-12
    result = engine.evaluate(x, "int8 symmetric")
    made = onnx.load_from_string(export.render("onnx", result, "w"))
    assert operators(made) == PAIR
    assert made.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ties = engine.evaluate(np.array([0.5 + 1e-12, 127.0]), "int8 symmetric")
    with pytest.raises(NotExpressibleError, match="1 of 2 values .* which works in float64"):
        export.render("onnx", ties, "w")


@pytest.mark.parametrize(
    ("values", "scheme"),
    [
        # The scheme's own code of NaN is another one than that of 0, which stands in its place.
        ([1.0, 2.0, 3.0], "int8 symmetric @pytorch"),
        ([1.0, 2.0, 3.0], "int8 asymmetric @tflite"),
        ([1.0, -2.0, 3.0], "int8 asymmetric @pytorch"),
        ([-1.0, 0.5, 254.0], "int8 asymmetric"),
        ([-2.0, 0.3, 1.0], "int8 symmetric manual(-1,1)"),
    ],
)
def test_nan_counts_as_no_code_that_differs(values: list[float], scheme: str) -> None:
    without, among = model(values, scheme), model([*values, np.nan, np.nan], scheme)
    assert operators(among) == operators(without)
    words = f"of {len(values)} values", f"of {len(values) + 2} values"
    assert among.graph.doc_string == without.graph.doc_string.replace(*words)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = engine.evaluate(normal(), "int8 symmetric")
    with pytest.raises(engine.QuantizationError, match="pip install onnx"):
        export.render("onnx", result, "w")
