"""Unpack numbers of fewer than eight bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from quantoscope.engine import cancellation

_PART = 1 << 20


def unpacked(packed: np.ndarray, per_byte: int, dtype: np.dtype[Any], count: int) -> np.ndarray:
    """Return the first ``count`` numbers, one per byte.

    ``packed`` are bytes (uint8) with their first number in the lowest bits; ``dtype`` is of one
    byte, and signed integers are sign-extended.
    """
    bits = 8 // per_byte
    flat = np.empty(per_byte * packed.size, np.uint8)
    mask, sign = np.uint8((1 << bits) - 1), np.uint8(1 << bits - 1)
    # In chunks: the temporaries take as much as the result.
    for start in cancellation.checked(range(0, packed.size, _PART), 1):
        part = packed[start : start + _PART]
        out = flat[per_byte * start : per_byte * (start + part.size)]
        for i in range(per_byte):
            out[i::per_byte] = part >> np.uint8(i * bits) & mask
        if dtype.kind == "i":
            np.subtract(out ^ sign, sign, out=out)
    return flat[:count].view(dtype)
