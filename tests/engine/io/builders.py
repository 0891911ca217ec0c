"""Files of models written by hand, byte by byte, so that no test needs the library of a format."""

from __future__ import annotations

import json
from collections.abc import Mapping

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
