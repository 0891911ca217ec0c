"""TensorRT's calibration cache: read as its documentation describes it."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.export import NotExpressibleError
from tests.engine.export.arrays import normal


def read(content: bytes) -> dict[str, float]:
    """Scales by name: after the header, a name, a colon, and the digits of a float32."""
    header, *lines = content.decode("utf-8").splitlines()
    version, algorithm = header.removeprefix("TRT-").split("-")
    assert version.isdigit() and algorithm == "EntropyCalibration2"
    pairs = (line.rpartition(": ")[::2] for line in lines)
    return {name: struct.unpack("!f", bytes.fromhex(digits))[0] for name, digits in pairs}


@pytest.mark.parametrize(
    "scheme",
    ["int8 symmetric", "int8 symmetric entropy", "int8-narrow symmetric percentile(99)",
     "int8 symmetric @tensorrt", "int8 scale-only", "int8 symmetric @onnxruntime"],
)  # fmt: skip
@pytest.mark.parametrize(
    "name", ["conv1", "dense/MatMul:0", "(Unnamed Layer* 3) [Softmax]", "é 重"]
)
def test_the_scale_reads_back(scheme: str, name: str) -> None:
    result = engine.evaluate(normal(), scheme)
    scales = read(export.render("tensorrt", result, name))
    assert scales == {name: float(np.float32(result.qparams.scale))}


def test_the_dynamic_range_is_127_scales() -> None:
    result = engine.evaluate(np.array([0.5, -2.54], np.float32), "int8 symmetric")
    assert read(export.render("tensorrt", result, "x"))["x"] * 127 == pytest.approx(2.54)


def test_digits_are_as_nvidia_s_own_example_has_them() -> None:
    """``relu46: 3c92aa10`` is 0.0179033577, by the answer on NVIDIA's forum."""
    result = engine.evaluate(
        np.array([1.0], np.float32), f"int8 symmetric manual(-1,{0.0179033577 * 127})"
    )
    assert export.render("tensorrt", result, "relu46").endswith(b"\nrelu46: 3c92aa10\n")


@pytest.mark.parametrize(
    ("scheme", "sentence"),
    [
        ("uint8 symmetric", "has int8 only, not uint8"),
        ("int4 symmetric", "has int8 only, not int4"),
        ("e4m3fn symmetric", "has integer codes only, not e4m3fn"),
        ("int8 asymmetric", "has no zero point: take a symmetric scheme"),
        ("int8 symmetric per-channel(0)", r"one scale per tensor, not per-channel\(0\)"),
        ("int8 symmetric toward-zero", "round to the nearest code, not toward-zero"),
    ],
)
def test_what_it_cannot_say_it_refuses(scheme: str, sentence: str) -> None:
    with pytest.raises(NotExpressibleError, match=sentence):
        export.render("tensorrt", engine.evaluate(normal(), scheme), "w")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x00", "\ud800"], ids=ascii)
def test_a_name_has_to_fit_into_a_line(name: str) -> None:
    with pytest.raises(NotExpressibleError, match="printable characters in one line"):
        export.render("tensorrt", engine.evaluate(normal(), "int8 symmetric"), name)
