"""TensorRT calibration cache: one tensor's scale as a hexadecimal float32.

The first line has the version of TensorRT and the calibrator; for a build that expects another
version, edit that line. Every other line is ``name: scale``, with the bits of the scale big-endian;
the dynamic range is ± 127 · scale. Source: the description of sampleINT8. TensorRT's codes start at
−128: values that a scheme clips at −127 may become −128, as with ``@tensorrt``.
"""

from __future__ import annotations

import struct

from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import (
    NotExpressibleError,
    finite_scales,
    integer_format,
    to_nearest,
    zero_points,
)

_WHOSE = "A calibration cache of TensorRT"
_HEADER = "TRT-8601-EntropyCalibration2"
"""Version of TensorRT 8.6.1, the last minor version before calibration was deprecated."""


def render(result: Evaluation, name: str) -> bytes:
    """Return the text of the cache.

    Raises
    ------
    NotExpressibleError
        For anything but int8 with one scale and no zero point, and for a name that is empty or has
        unprintable characters.
    """
    p = result.qparams
    fmt = integer_format(result, _WHOSE)
    if fmt.bits != 8 or not fmt.signed:
        raise NotExpressibleError(f"{_WHOSE} has int8 only, not {fmt}.")
    if not p.granularity.whole:
        raise NotExpressibleError(f"{_WHOSE} has one scale per tensor, not {p.granularity}.")
    if zero_points(p).any():
        raise NotExpressibleError(f"{_WHOSE} has no zero point: take a symmetric scheme.")
    to_nearest(result, _WHOSE)
    if not name.strip() or not name.isprintable():
        raise NotExpressibleError(
            f"{_WHOSE} needs a name of printable characters in one line for the tensor."
        )
    (scale,) = finite_scales(p, _WHOSE)
    digits = struct.pack(">f", scale).hex()
    return f"{_HEADER}\n{name}: {digits}\n".encode()
