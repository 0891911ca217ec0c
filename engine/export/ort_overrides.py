"""Overrides (``TensorQuantOverrides``) for ONNX Runtime's quantization tool, as Python source.

JSON does not suffice: the tool needs members of ``QuantType``, and for activations numpy arrays of
the right dtype. So this is a Python file whose ``TENSOR_QUANT_OVERRIDES`` is passed on unchanged::

    from onnxruntime.quantization import quantize_static
    from overrides import TENSOR_QUANT_OVERRIDES

    quantize_static(..., extra_options={"TensorQuantOverrides": TENSOR_QUANT_OVERRIDES})

Source: the docstring of ``onnxruntime.quantization.StaticQuantConfig``. The tool takes overrides
per channel for initializers only. They contain only S and Z: values that a scheme clips at −127 may
become −128.
"""

from __future__ import annotations

from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import (
    NotExpressibleError,
    channel_axis,
    finite_scales,
    integer_format,
    to_nearest,
    zero_points_within,
)

_WHOSE = "ONNX Runtime's quantization tool"
_TYPES = {
    (8, True): "QInt8",
    (8, False): "QUInt8",
    (16, True): "QInt16",
    (16, False): "QUInt16",
    (4, True): "QInt4",
    (4, False): "QUInt4",
}
_TEXT = '''"""Overrides for ONNX Runtime's quantization tool: {scheme}.

quantize_static(..., extra_options={{"TensorQuantOverrides": TENSOR_QUANT_OVERRIDES}})
"""

import numpy as np
from onnxruntime.quantization import QuantType

TENSOR_QUANT_OVERRIDES = {{
    {name}: [
{entries}
    ],
}}
'''


def render(result: Evaluation, name: str) -> bytes:
    """Return the Python source as ASCII text.

    Raises
    ------
    NotExpressibleError
        For formats that the tool does not support, groups, and zero points outside the codes.
    """
    p = result.qparams
    fmt = integer_format(result, _WHOSE)
    if (fmt.bits, fmt.signed) not in _TYPES:
        raise NotExpressibleError(f"{_WHOSE} has codes of 4, 8 and 16 bits, not {fmt}.")
    if p.group_size is not None:
        raise NotExpressibleError(f"{_WHOSE} has no overrides for groups of values.")
    to_nearest(result, _WHOSE)
    scales = finite_scales(p, _WHOSE).tolist()
    zeros = zero_points_within(p, fmt, _WHOSE).tolist()
    axis = channel_axis(p, result.codes.shape, _WHOSE)
    first = "" if axis is None else f'"axis": {axis}, '
    entries = [
        f'        {{"quant_type": QuantType.{_TYPES[fmt.bits, fmt.signed]}, {first}'
        f'"scale": np.array({scale!r}, np.float32), '
        f'"zero_point": np.array({zero}, np.{fmt.dtype.name})}},'
        for scale, zero in zip(scales, zeros, strict=True)
    ]
    return _TEXT.format(scheme=result.scheme, name=ascii(name), entries="\n".join(entries)).encode(
        "ascii"
    )
