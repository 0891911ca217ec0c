"""Files of models written by hand, byte by byte, so that no test needs the library of a format."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np

SAFETENSORS_TYPES = {"float32": "F32", "float64": "F64", "int8": "I8", "float16": "F16"}


def safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return a safetensors file."""
    header: dict[str, object] = {}
    data = b""
    for name, array in arrays.items():
        header[name] = {
            "dtype": SAFETENSORS_TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + array.nbytes],
        }
        data += array.tobytes()
    return safetensors_parts(json.dumps(header), data)


def safetensors_parts(header: str | bytes, data: bytes = b"") -> bytes:
    """Return a safetensors file of any header, padded so that the numbers are aligned."""
    text = header.encode() if isinstance(header, str) else header
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


ONNX_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "float64": 11}


def varint(value: int) -> bytes:
    """Return a number as Protocol Buffers write it, a negative one as its 64 bits."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number: int, content: int | bytes) -> bytes:
    """Return one field of a message: a number, or bytes of any kind."""
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def onnx_tensor(name: str, data_type: int, dims: Sequence[int], *fields: bytes) -> bytes:
    """Return a TensorProto."""
    lengths = b"".join(field(1, n) for n in dims)
    return lengths + field(2, data_type) + field(8, name.encode()) + b"".join(fields)


def onnx_model(*tensors: bytes, nodes: Sequence[bytes] = ()) -> bytes:
    """Return a model with these initializers."""
    graph = b"".join(field(1, node) for node in nodes) + field(2, b"graph")
    graph += b"".join(field(5, tensor) for tensor in tensors)
    return field(1, 10) + field(2, b"hand") + field(7, graph) + field(8, field(2, 21))


def onnx(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return a model that holds arrays as raw data."""
    return onnx_model(
        *(
            onnx_tensor(name, ONNX_TYPES[a.dtype.name], a.shape, field(9, a.tobytes()))
            for name, a in arrays.items()
        )
    )
