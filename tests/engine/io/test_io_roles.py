"""Which axes of a weight are outputs and which are summed over, as files tell it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import Role, cli, io
from quantoscope.engine.io.name_roles import with_roles

onnx = pytest.importorskip("onnx")
helper = onnx.helper


def model(path: Path, nodes: list[Any], **shapes: tuple[int, ...]) -> Path:
    """Write a model of nodes; arrays of these shapes are its initializers."""
    rng = np.random.default_rng(0)
    weights = [
        onnx.numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name)
        for name, shape in shapes.items()
    ]
    value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "g", [value], [value], weights)
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


def role(path: Path, name: str = "w") -> Role | None:
    return io.role_of(path, name)


@pytest.mark.parametrize(
    ("operator", "number", "shape", "attributes", "out", "into"),
    [
        ("MatMul", 1, (8, 4), {}, (1,), (0,)),
        ("MatMul", 1, (2, 8, 4), {}, (2,), (1,)),
        ("MatMul", 0, (8, 4), {}, (0,), (1,)),
        ("Gemm", 1, (8, 4), {}, (1,), (0,)),
        ("Gemm", 1, (8, 4), {"transB": 1, "alpha": 0.5}, (0,), (1,)),
        ("Gemm", 0, (8, 4), {"transA": 1}, (1,), (0,)),
        ("Conv", 1, (8, 4, 3, 3), {"group": 1, "pads": [1, 1, 1, 1]}, (0,), (1, 2, 3)),
        ("ConvTranspose", 1, (8, 4, 3, 3), {}, (1,), (0, 2, 3)),
        ("LSTM", 1, (1, 16, 4), {"hidden_size": 4}, (1,), (2,)),
        ("GRU", 2, (2, 12, 4), {}, (1,), (2,)),
        ("QLinearMatMul", 3, (8, 4), {}, (1,), (0,)),
        ("Gather", 0, (100, 8), {}, (0,), (1,)),
    ],
)
def test_the_operator_says_it(
    tmp_path: Path, operator: str, number: int, shape: tuple[int, ...],
    attributes: dict[str, Any], out: tuple[int, ...], into: tuple[int, ...],
) -> None:  # fmt: skip
    inputs = ["x"] * number + ["w"]
    node = helper.make_node(operator, inputs, ["y"], **attributes)
    assert role(model(tmp_path / "m.onnx", [node], w=shape)) == Role(out, into, operator)


@pytest.mark.parametrize(
    ("operator", "number", "shape"),
    [("MatMul", 1, (8,)), ("Add", 1, (8, 4)), ("Conv", 1, (8, 4)), ("Conv", 2, (8, 4, 1))],
)
def test_other_operators_and_shapes_say_nothing(
    tmp_path: Path, operator: str, number: int, shape: tuple[int, ...]
) -> None:
    node = helper.make_node(operator, ["x"] * number + ["w"], ["y"])
    assert role(model(tmp_path / "m.onnx", [node], w=shape)) is None


def test_what_stands_between_is_followed(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s"], ["a"]),
        helper.make_node("Transpose", ["a"], ["b"], perm=[2, 0, 1]),
        helper.make_node("Cast", ["b"], ["c"], to=1),
        helper.make_node("MatMul", ["x", "c"], ["y"]),
    ]
    # The product sees axes 2, 0, 1: its K is axis 0, its N axis 1.
    path = model(tmp_path / "m.onnx", nodes, w=(8, 4, 2), s=(1,))
    assert role(path) == Role((1,), (0,), "MatMul")


def test_a_product_says_more_than_a_look_up(tmp_path: Path) -> None:
    look = helper.make_node("Gather", ["w", "x"], ["e"])
    turn = helper.make_node("Transpose", ["w"], ["t"])
    product = helper.make_node("MatMul", ["e", "t"], ["y"])
    path = model(tmp_path / "m.onnx", [look, turn, product], w=(100, 8))
    assert role(path) == Role((0,), (1,), "MatMul")


def test_a_constant_of_the_model_has_a_role_too(tmp_path: Path) -> None:
    value = onnx.numpy_helper.from_array(np.ones((8, 4), np.float32))
    nodes = [
        helper.make_node("Constant", [], ["w"], value=value),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    assert role(model(tmp_path / "m.onnx", nodes, other=(2,))) == Role((1,), (0,), "MatMul")


def test_commands_say_and_use_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model(tmp_path / "m.onnx", [helper.make_node("MatMul", ["x", "w"], ["y"])], w=(64, 8))
    weight = io.load(path, "w")
    np.save(tmp_path / "turned.npy", np.ascontiguousarray(weight.T))

    def printed(*arguments: str) -> Any:
        assert cli.main(list(arguments)) == 0
        return json.loads(capsys.readouterr().out)

    said = {"out": [1], "in": [0], "user": "MatMul"}
    assert [one["role"] for one in printed("list", str(path), "--json")] == [said]
    scheme = ["--json", "--scheme", "int4 symmetric per-group(32,in)"]
    (ours,), (theirs,) = (
        printed("compare", str(each), *scheme) for each in (path, tmp_path / "turned.npy")
    )
    assert ours["role"] == said
    assert theirs["role"] is None
    assert ours["scheme"] == "int4 symmetric per-group(32,in)"
    assert ours["scale"] == theirs["scale"]
    assert ours["sqnr"] == pytest.approx(theirs["sqnr"])
    assert cli.main(["list", str(path)]) == 0
    assert "out 1, in 0 (MatMul)" in capsys.readouterr().out


def infos(**shapes: tuple[int, ...]) -> dict[str, Role | None]:
    named = [io.TensorInfo(n.replace("__", "."), s, "float32", 0) for n, s in shapes.items()]
    return {info.name: info.role for info in with_roles(named)}


def test_checkpoints_tell_it_by_names_and_the_length_of_the_bias() -> None:
    found = infos(
        linear__weight=(3, 5), linear__bias=(3,),
        up__weight=(4, 6, 3, 3), up__bias=(6,),
        h__0__attn__c_attn__weight=(8, 24), h__0__attn__c_attn__bias=(24,),
        h__0__attn__c_proj__weight=(8, 8), h__0__attn__c_proj__bias=(8,),
        other__attn__c_proj__weight=(8, 8),
        dense__kernel=(5, 3), norm__weight=(3,), lone__weight=(2, 7),
    )  # fmt: skip
    assert found["linear.weight"] is None
    assert found["up.weight"] == Role((1,), (0, 2, 3), "ConvTranspose")
    assert found["h.0.attn.c_attn.weight"] == Role((1,), (0,), "Conv1D")
    assert found["h.0.attn.c_proj.weight"] == Role((1,), (0,), "Conv1D")
    assert found["other.attn.c_proj.weight"] is None
    assert found["dense.kernel"] == Role((1,), (0,), "kernel")
    assert found["norm.weight"] is None
    assert found["lone.weight"] is None
