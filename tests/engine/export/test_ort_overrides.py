"""Overrides for ONNX Runtime's tool: the Python that is written, run with a stand-in for it."""

from __future__ import annotations

import sys
from enum import Enum
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.export import NotExpressibleError
from tests.engine.export.arrays import normal


class QuantType(Enum):
    """The members of ONNX Runtime's enumeration; tests/runtimes runs the tool itself."""

    QInt8 = 0
    QUInt8 = 1
    QInt16 = 3
    QUInt16 = 4
    QInt4 = 5
    QUInt4 = 6


@pytest.fixture(autouse=True)
def _runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = ModuleType("onnxruntime.quantization")
    stand_in.QuantType = QuantType  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", ModuleType("onnxruntime"))
    monkeypatch.setitem(sys.modules, "onnxruntime.quantization", stand_in)


def run(result: engine.Evaluation, name: str = "w") -> Any:
    names: dict[str, Any] = {}
    exec(export.render("ort-overrides", result, name).decode("ascii"), names)
    ((key, entries),) = names["TENSOR_QUANT_OVERRIDES"].items()
    assert key == name
    return entries


@pytest.mark.parametrize(
    "name", ["conv1.weight", "", "a\"b'\\", "a\nb", "重み", "\ud800"], ids=ascii
)
def test_one_entry_for_a_tensor(name: str) -> None:
    result = engine.evaluate(normal(), "uint8 asymmetric")
    (entry,) = run(result, name)
    assert set(entry) == {"quant_type", "scale", "zero_point"}
    assert entry["quant_type"] is QuantType.QUInt8
    assert entry["scale"].tobytes() == np.float32(result.qparams.scale).tobytes()
    assert (entry["zero_point"].dtype, entry["zero_point"]) == (
        np.uint8,
        result.qparams.zero_point,
    )


@pytest.mark.parametrize(
    ("scheme", "member", "axis"),
    [
        ("int8 symmetric per-channel(0)", QuantType.QInt8, 0),
        ("int16 symmetric per-channel(-1)", QuantType.QInt16, 2),
        ("int4 asymmetric @onnxruntime per-channel(1)", QuantType.QInt4, 1),
        ("uint8 asymmetric per-channel(2)", QuantType.QUInt8, 2),
        ("uint16 asymmetric per-channel(0)", QuantType.QUInt16, 0),
        ("uint4 asymmetric per-channel(-2)", QuantType.QUInt4, 1),
    ],
)
def test_one_entry_for_each_channel(scheme: str, member: QuantType, axis: int) -> None:
    result = engine.evaluate(normal(), scheme)
    entries = run(result)
    assert {(e["quant_type"], e["axis"]) for e in entries} == {(member, axis)}
    scales = np.array([e["scale"] for e in entries])
    np.testing.assert_array_equal(scales, result.qparams.working_scale, strict=True)
    np.testing.assert_array_equal([e["zero_point"] for e in entries], result.qparams.zero_point)


@pytest.mark.parametrize(
    ("scheme", "sentence"),
    [
        ("int6 symmetric", "codes of 4, 8 and 16 bits, not int6"),
        ("nf4 symmetric", "integer codes only, not nf4"),
        ("int8 symmetric per-group(4)", "no overrides for groups"),
        ("int8 asymmetric manual(3,4)", "this scheme's is -893"),
        ("int8 symmetric toward-zero", "not toward-zero"),
    ],
)
def test_what_it_cannot_say_it_refuses(scheme: str, sentence: str) -> None:
    with pytest.raises(NotExpressibleError, match=sentence):
        export.render("ort-overrides", engine.evaluate(normal(), scheme), "w")
