"""AIMET's encodings: the specification's formula reconstructs the evaluation's values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.export import NotExpressibleError
from tests.engine.export.arrays import normal

SCHEMES = (
    "int8 symmetric",
    "int8 asymmetric",
    "uint8 asymmetric",
    "uint8 symmetric",
    "uint8 symmetric @pytorch",
    "int8-narrow symmetric",
    "int4 symmetric",
    "uint16 asymmetric",
    "int16 asymmetric @onnxruntime",
    "int8 symmetric manual(-1,1)",
    "int8 symmetric per-channel(0)",
    "uint8 asymmetric @tflite per-channel(0)",
)


def read(version: str, result: engine.Evaluation, name: str) -> tuple[str, Any]:
    """The list that the tensor's encoding is in, and the encoding."""
    content = json.loads(export.render(f"aimet-{version}", result, name))
    assert content["version"] == version
    for place in ("activation_encodings", "param_encodings"):
        listed = content[place]
        if listed and version == "0.6.1":
            assert list(listed) == [name]
            return place, listed[name]
        if listed:
            (encoding,) = listed
            assert encoding.pop("name") == name
            return place, encoding
    raise AssertionError("there is no encoding")


def reconstructed(result: engine.Evaluation, scale: Any, offset: Any, bits: int) -> np.ndarray:
    """R' = (q + offset) · scale, q counted from 0: codes of signed formats begin at −2^(bits−1)."""
    signed = result.codes.dtype.kind == "i"
    q = result.codes.astype(np.int64) + signed * 2 ** (bits - 1)
    assert q.min() >= 0 and q.max() < 2**bits
    shape = (-1,) + (1,) * (q.ndim - 1) if len(scale) > 1 else ()
    scales, offsets = np.array(scale, np.float32), np.array(offset)
    made: np.ndarray = (q + offsets.reshape(shape)).astype(np.float32) * scales.reshape(shape)
    return made


@pytest.mark.parametrize("scheme", SCHEMES)
def test_version_0_6_1_rebuilds_the_values(scheme: str) -> None:
    result = engine.evaluate(normal((4, 30)), scheme)
    _, encodings = read("0.6.1", result, "conv.weight")
    keys = {"bitwidth", "dtype", "is_symmetric", "max", "min", "offset", "scale"}
    bits = result.qparams.format.bits
    for e in encodings:
        assert (set(e), e["dtype"], e["bitwidth"]) == (keys, "int", bits)
        assert isinstance(e["offset"], int) and e["is_symmetric"] in ("True", "False")
        assert (e["is_symmetric"] == "True") == (e["offset"] == -(2 ** (bits - 1)))
        assert e["min"] == e["offset"] * e["scale"]
        assert e["max"] == (e["offset"] + 2**bits - 1) * e["scale"]
    scales, offsets = [e["scale"] for e in encodings], [e["offset"] for e in encodings]
    np.testing.assert_array_equal(
        reconstructed(result, scales, offsets, bits), result.reconstructed, strict=True
    )


@pytest.mark.parametrize("scheme", SCHEMES)
def test_version_1_0_0_rebuilds_the_values(scheme: str) -> None:
    result = engine.evaluate(normal((4, 30)), scheme)
    _, e = read("1.0.0", result, "conv.weight")
    kind = "PER_CHANNEL" if "per-channel" in scheme else "PER_TENSOR"
    bits = result.qparams.format.bits
    assert (e["enc_type"], e["dtype"], e["bw"]) == (kind, "INT", bits)
    assert set(e) == {"enc_type", "dtype", "bw", "is_sym", "scale", "offset"}
    assert e["is_sym"] == all(offset == -(2 ** (bits - 1)) for offset in e["offset"])
    np.testing.assert_array_equal(
        reconstructed(result, e["scale"], e["offset"], bits), result.reconstructed, strict=True
    )


def test_one_channel_of_several_that_lies_evenly_around_0_makes_no_symmetric_encoding() -> None:
    x = np.array([[-1, 127 / 128], [0, 1]], np.float32)
    result = engine.evaluate(x, "int8 asymmetric per-channel(0)")
    _, old = read("0.6.1", result, "w")
    assert [(e["offset"], e["is_symmetric"]) for e in old] == [(-128, "False"), (0, "False")]
    _, new = read("1.0.0", result, "w")
    assert (new["offset"], new["is_sym"]) == ([-128, 0], False)


@pytest.mark.parametrize("scheme", ["int4 symmetric per-group(8)", "int8 symmetric per-group(40)"])
def test_version_1_0_0_has_blocks_of_a_matrix(scheme: str) -> None:
    result = engine.evaluate(normal((3, 32)), scheme)
    _, e = read("1.0.0", result, "w")
    size, bits = e["block_size"], e["bw"]
    assert (e["enc_type"], size) == ("PER_BLOCK", 8 if "(8)" in scheme else 32)
    assert len(e["scale"]) == len(e["offset"]) == 3 * 32 // size
    q = result.codes.astype(np.int64).reshape(-1, size) + 2 ** (bits - 1)
    scale, offset = np.array(e["scale"], np.float32)[:, None], np.array(e["offset"])[:, None]
    values = (q + offset).astype(np.float32) * scale
    np.testing.assert_array_equal(values.reshape(3, 32), result.reconstructed)


@pytest.mark.parametrize(
    ("name", "scheme", "place"),
    [
        ("conv1.weight", "int8 symmetric", "param_encodings"),
        ("dense/kernel:0", "int8 symmetric", "param_encodings"),
        ("fc.bias", "int8 symmetric", "param_encodings"),
        ("relu_output", "uint8 asymmetric", "activation_encodings"),
        ("20", "int8 symmetric", "activation_encodings"),
        ("20", "int8 symmetric per-channel(0)", "param_encodings"),
    ],
)
def test_parameters_are_told_by_their_names_or_their_channels(
    name: str, scheme: str, place: str
) -> None:
    result = engine.evaluate(normal((4, 30)), scheme)
    assert read("0.6.1", result, name)[0] == place
    assert read("1.0.0", result, name)[0] == place


def test_the_quantizer_s_arguments_are_noted_as_each_version_spells_them() -> None:
    result = engine.evaluate(normal(), "int8 symmetric mse")
    old, new = (json.loads(export.render(f"aimet-{v}", result, "x")) for v in ("0.6.1", "1.0.0"))
    assert old["quantizer_args"]["is_symmetric"] == "True"
    assert new["quantizer_args"]["is_symmetric"] is True
    assert new["quantizer_args"]["quant_scheme"] == "post_training_tf_enhanced"
    assert new["excluded_layers"] == []


@pytest.mark.parametrize(
    ("key", "scheme", "sentence"),
    [
        ("aimet-0.6.1", "int8 symmetric per-group(8)", "has no groups: take version 1.0.0"),
        ("aimet-1.0.0", "int8 symmetric per-group(8)", r"groups of 8 of a tensor shaped 3×4×10"),
        ("aimet-1.0.0", "int3 symmetric", "has 4 to 32 bits, not 3"),
        ("aimet-1.0.0", "e4m3fn symmetric", "has integer codes only"),
        ("aimet-0.6.1", "int8 asymmetric manual(3,4)", "zero points from -128 to 127 for int8"),
        ("aimet-0.6.1", "int8 symmetric stochastic(1)", r"not stochastic\(1\)"),
    ],
)
def test_what_it_cannot_say_it_refuses(key: str, scheme: str, sentence: str) -> None:
    with pytest.raises(NotExpressibleError, match=sentence):
        export.render(key, engine.evaluate(normal(), scheme), "w")


@pytest.mark.parametrize(("shape", "size"), [((4, 30), 7), ((30,), 10), ((4, 3, 10), 5), ((), 4)])
def test_version_1_0_0_has_blocks_of_no_other_shape(shape: tuple[int, ...], size: int) -> None:
    result = engine.evaluate(np.full(shape, 1.5, np.float32), f"int8 symmetric per-group({size})")
    with pytest.raises(NotExpressibleError, match="which they divide"):
        export.render("aimet-1.0.0", result, "w")


def test_scales_of_float64_are_rounded_to_float32() -> None:
    result = engine.evaluate(normal().astype(np.float64) / 3, "int8 symmetric")
    _, e = read("1.0.0", result, "w")
    assert e["scale"] == [float(np.float32(result.qparams.scale))]
