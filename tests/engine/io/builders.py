"""Files of models written by hand, byte by byte, so that no test needs the library of a format."""

from __future__ import annotations

import io
import json
import struct
import zipfile
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


# Pickles, in parts that are put together.

MAGIC = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
TORCH_STORAGES = {
    **{"float32": "FloatStorage", "float64": "DoubleStorage", "float16": "HalfStorage"},
    **{"int8": "CharStorage", "uint8": "ByteStorage", "int64": "LongStorage"},
}


def name(module: str, of: str) -> bytes:
    """Return the instruction that puts what has a name on the stack."""
    return f"c{module}\n{of}\n".encode()


def value(of: object) -> bytes:
    """Return the instructions for a plain value; bytes are instructions already."""
    match of:
        case bytes():
            return of
        case bool() | None:
            return {True: b"\x88", False: b"\x89", None: b"N"}[of]
        case int():
            data = of.to_bytes(9, "little", signed=True)
            return b"\x8a\x09" + data
        case str():
            data = of.encode()
            return b"X" + len(data).to_bytes(4, "little") + data
        case tuple():
            return b"(" + b"".join(map(value, of)) + b"t"
        case list():
            return b"](" + b"".join(map(value, of)) + b"e"
        case dict():
            return b"}(" + b"".join(value(k) + value(v) for k, v in of.items()) + b"u"
    raise TypeError(of)


def call(module: str, of: str, *arguments: object) -> bytes:
    """Return the instructions that call what has a name."""
    return name(module, of) + value(arguments) + b"R"


def torch_tensor(
    key: str,
    kind: str,
    count: int,
    shape: Sequence[int],
    strides: Sequence[int] | None = None,
    offset: int = 0,
    *rest: object,
) -> bytes:
    """Return the instructions of a tensor that views a storage of ``count`` numbers."""
    if strides is None:
        strides = [int(np.prod(shape[i + 1 :])) for i in range(len(shape))]
    storage = value(("storage", name("torch", kind), key, "cpu", count, *rest)) + b"Q"
    hooks = call("collections", "OrderedDict")
    arguments = (storage, offset, tuple(shape), tuple(strides), False, hooks)
    return call("torch._utils", "_rebuild_tensor_v2", *arguments)


def torch_zip(
    pickled: bytes, storages: Mapping[str, bytes], folder: str = "archive", **members: bytes
) -> bytes:
    """Return a checkpoint that is a zip file, its numbers aligned."""
    stream = io.BytesIO()
    parts = {"data.pkl": b"\x80\x02" + pickled + b".", "byteorder": b"little", **members}
    parts |= {f"data/{key}": data for key, data in storages.items()}
    with zipfile.ZipFile(stream, "w") as archive:
        for part, data in parts.items():
            member = zipfile.ZipInfo(f"{folder}/{part}")
            padding = -(stream.tell() + 30 + len(member.filename) + 4) % 8
            member.extra = struct.pack("<HH", 0x4246, padding) + bytes(padding)
            archive.writestr(member, data)
    return stream.getvalue()


def torch_old(pickled: bytes, storages: Mapping[str, tuple[int, bytes]]) -> bytes:
    """Return a checkpoint of the older layout; storages by key, with how many numbers they have."""
    parts = [value(1001), value({"little_endian": True}), pickled, value(list(storages))]
    head = MAGIC + b"".join(b"\x80\x02" + part + b"." for part in parts)
    return head + b"".join(n.to_bytes(8, "little") + data for n, data in storages.values())


def torch(arrays: Mapping[str, np.ndarray], old: bool = False) -> bytes:
    """Return a state_dict."""
    tensors = {
        key: torch_tensor(str(i), TORCH_STORAGES[a.dtype.name], a.size, a.shape)
        for i, (key, a) in enumerate(arrays.items())
    }
    root = call("collections", "OrderedDict") + b"(" + value(tensors)[2:]
    root += value({"_metadata": {}}) + b"b"
    datas = {str(i): array for i, array in enumerate(arrays.values())}
    if old:
        return torch_old(root, {key: (a.size, a.tobytes()) for key, a in datas.items()})
    return torch_zip(root, {key: a.tobytes() for key, a in datas.items()})
