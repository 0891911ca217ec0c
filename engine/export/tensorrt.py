"""TensorRT's calibration cache: the scale of one tensor, as the hexadecimal digits of a float32.

The first line names the version of TensorRT and the calibrator; a build that asks for another
version wants that line edited. Then every line is ``name: scale``, with the bits of the scale big
end first; the dynamic range is ± 127 · scale. Source: sampleINT8's description of the file.
TensorRT has codes from −128: what a scheme clips at −127 may become −128, as ``@tensorrt`` has it.
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
"""That of TensorRT 8.6.1, the last minor version before calibration was deprecated."""


def render(result: Evaluation, name: str) -> bytes:
    """Return the text of the cache.

    Raises
    ------
    NotExpressibleError
        For anything but int8 with one scale and no zero point, and for a name that does not fit
        into a line.
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
