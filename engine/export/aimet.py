"""AIMET encodings, which Qualcomm's QNN and QAIRT converters read as quantization overrides.

Source: AIMET's Encoding Format Specification. An encoding counts codes from 0, whatever the sign
of the format: R' = (q + offset) · scale with q = 0 … 2^bits − 1, so offset = Qmin − Z. All codes of
the bits are used there: values that a scheme clips at −127 may become −128.

An encoding does not state the axis: ``per-channel`` has to mean output channels. One
tensor makes one encoding, a parameter if it has many scales or a name such as
``weight`` or ``bias``, else an activation; several files are merged by joining these.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import (
    NotExpressibleError,
    channel_axis,
    finite_scales,
    group_axis,
    integer_format,
    to_nearest,
    zero_points_within,
)
from quantoscope.engine.numerics.granularity import GROUP
from quantoscope.engine.quantizers import QUANTIZERS

_WHOSE = "An encoding of AIMET"
_PARAMETER = re.compile(r"(weight|bias|kernel|gamma|beta)s?(:\d+)?$", re.IGNORECASE)
_SCHEMES = {
    "minmax": "post_training_tf",
    "mse": "post_training_tf_enhanced",
    "percentile": "post_training_percentile",
}
"""AIMET's names of calibration methods; others keep their own name."""


def render_0_6_1(result: Evaluation, name: str) -> bytes:
    """Return encodings of version 0.6.1: a list of one object per channel.

    Raises
    ------
    NotExpressibleError
        For groups, floating-point codes, or a zero point outside the codes.
    """
    if result.qparams.granularity.kind == GROUP:
        raise NotExpressibleError(f"{_WHOSE} 0.6.1 has no groups: take version 1.0.0.")
    bits, scales, offsets, symmetric = _numbers(result)
    steps = (1 << bits) - 1
    encodings = [
        {
            "bitwidth": bits,
            "dtype": "int",
            "is_symmetric": str(symmetric),
            "max": (offset + steps) * scale,
            "min": offset * scale,
            "offset": offset,
            "scale": scale,
        }
        for scale, offset in zip(scales, offsets, strict=True)
    ]
    arguments = {key: str(v) if isinstance(v, bool) else v for key, v in _arguments(result).items()}
    return _text("0.6.1", result, name, {name: encodings}, {}, {"quantizer_args": arguments})


def render_1_0_0(result: Evaluation, name: str) -> bytes:
    """Return encodings of version 1.0.0: one object with lists of scales and offsets.

    Raises
    ------
    NotExpressibleError
        For floating-point codes, a zero point outside the codes, or groups of other than a
        matrix that they divide.
    """
    bits, scales, offsets, symmetric = _numbers(result)
    p, shape = result.qparams, result.codes.shape
    encoding: dict[str, Any] = {
        "name": name,
        "enc_type": "PER_TENSOR" if p.granularity.whole else "PER_CHANNEL",
        "dtype": "INT",
        "bw": bits,
        "is_sym": symmetric,
        "scale": scales,
        "offset": offsets,
    }
    groups = group_axis(p, shape, _WHOSE)
    if groups is not None:
        axis, size = groups
        if len(shape) != 2 or shape[axis] % size or axis != 1:
            along = f" along axis {axis}" if axis not in (-1, len(shape) - 1) else ""
            raise NotExpressibleError(
                f"{_WHOSE} has groups of the input channels of a matrix, which they divide, not "
                f"groups of {size}{along} of a tensor shaped "
                f"{'×'.join(map(str, shape)) or '()'}."
            )
        encoding |= {"enc_type": "PER_BLOCK", "block_size": size}
    others = {"quantizer_args": _arguments(result), "excluded_layers": []}
    return _text("1.0.0", result, name, [encoding], [], others)


def _numbers(result: Evaluation) -> tuple[int, list[float], list[int], bool]:
    """Return bits, scales, offsets, and whether the codes are symmetric around 0."""
    p = result.qparams
    fmt = integer_format(result, _WHOSE)
    channel_axis(p, result.codes.shape, _WHOSE)
    if fmt.bits < 4:
        raise NotExpressibleError(f"{_WHOSE} has 4 to 32 bits, not {fmt.bits}.")
    to_nearest(result, _WHOSE)
    offsets = (fmt.qmin - fmt.narrow) - zero_points_within(p, fmt, _WHOSE)
    symmetric = bool((offsets == -(1 << (fmt.bits - 1))).all())
    scales = finite_scales(p, _WHOSE).astype(np.float64)
    return fmt.bits, scales.tolist(), offsets.tolist(), symmetric


def _arguments(result: Evaluation) -> dict[str, Any]:
    """Return the record of how encodings were made, which readers do not need."""
    bits = result.qparams.format.bits
    method = result.scheme.calibration.method
    return {
        "activation_bitwidth": bits,
        "dtype": "int",
        "is_symmetric": QUANTIZERS[result.qparams.mapping].symmetric_range,
        "param_bitwidth": bits,
        "per_channel_quantization": result.qparams.axis is not None,
        "quant_scheme": _SCHEMES.get(method, method),
    }


def _text(
    version: str, result: Evaluation, name: str, made: Any, none: Any, others: dict[str, Any]
) -> bytes:
    parameter = not result.qparams.granularity.whole or _PARAMETER.search(name) is not None
    content = {
        "version": version,
        "activation_encodings": none if parameter else made,
        "param_encodings": made if parameter else none,
        **others,
    }
    return f"{json.dumps(content, indent=2, allow_nan=False)}\n".encode("ascii")
