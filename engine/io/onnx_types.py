"""Number types of ONNX and their storage."""

from __future__ import annotations

from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

# Fields of TensorProto that hold numbers which are not raw bytes.
FLOATS, INT32S, INT64S, DOUBLES, UINT64S = 4, 5, 7, 10, 11
TYPED = (FLOATS, INT32S, INT64S, DOUBLES, UINT64S)


class Kind(NamedTuple):
    """Storage of an ONNX number type."""

    dtype: np.dtype[Any]  # of the loaded array
    field: int  # that holds numbers which are not raw bytes
    bits: bool = False  # whether that field holds bit patterns instead of values
    packed: str = ""  # name of a type with several numbers per byte
    per_byte: int = 1  # numbers per byte


KINDS = {
    1: Kind(np.dtype(np.float32), FLOATS),
    2: Kind(np.dtype(np.uint8), INT32S),
    3: Kind(np.dtype(np.int8), INT32S),
    4: Kind(np.dtype(np.uint16), INT32S),
    5: Kind(np.dtype(np.int16), INT32S),
    6: Kind(np.dtype(np.int32), INT32S),
    7: Kind(np.dtype(np.int64), INT64S),
    10: Kind(np.dtype(np.float16), INT32S, bits=True),
    11: Kind(np.dtype(np.float64), DOUBLES),
    12: Kind(np.dtype(np.uint32), UINT64S),
    13: Kind(np.dtype(np.uint64), UINT64S),
    16: Kind(np.dtype(ml_dtypes.bfloat16), INT32S, bits=True),
    17: Kind(np.dtype(ml_dtypes.float8_e4m3fn), INT32S, bits=True),
    18: Kind(np.dtype(ml_dtypes.float8_e4m3fnuz), INT32S, bits=True),
    19: Kind(np.dtype(ml_dtypes.float8_e5m2), INT32S, bits=True),
    20: Kind(np.dtype(ml_dtypes.float8_e5m2fnuz), INT32S, bits=True),
    21: Kind(np.dtype(np.uint8), INT32S, packed="UINT4", per_byte=2),
    22: Kind(np.dtype(np.int8), INT32S, packed="INT4", per_byte=2),
    23: Kind(np.dtype(ml_dtypes.float4_e2m1fn), INT32S, packed="FLOAT4E2M1", per_byte=2),
    24: Kind(np.dtype(ml_dtypes.float8_e8m0fnu), INT32S, bits=True),
    25: Kind(np.dtype(np.uint8), INT32S, packed="UINT2", per_byte=4),
    26: Kind(np.dtype(np.int8), INT32S, packed="INT2", per_byte=4),
}
