"""JSON with a scheme's text, parameters and metrics.

One object with these keys. Floats are the shortest text that reads back as the same float64; JSON
has neither infinity nor NaN: they are the strings ``"inf"``, ``"-inf"`` and ``"nan"``. A value
per tensor is a list for channels or groups, those along the groups' axis first.

``program``, ``version``
    ``"quantoscope"`` and its version.
``name``, ``shape``, ``dtype``
    Of the tensor; the dtype is that of the evaluated values.
``scheme``
    Its text form, which ``engine.Scheme.parse`` reads.
``format``
    ``name``, ``bits``, ``integer`` (whether codes are the numbers themselves) and ``codes``, the
    integer type that holds them.
``mapping``, ``runtime``
    The quantizer family, and the runtime, empty for the textbook's arithmetic.
``calibration``
    ``method`` and ``arguments``.
``role``
    ``out`` and ``in``, lists of axes, and ``user``, the operator or layer that takes the tensor;
    null if nothing is known of it.
``granularity``
    ``kind``, ``axes`` (a list of numbers from 0, in the order of flattening; null for
    per-tensor), ``axis`` (of per-channel along a single one, else null), ``group`` (of per-group,
    else null) and ``count``, the number of scales.
``range``
    ``low`` and ``high``, the clipping range that the scale follows from.
``qmin``, ``qmax``
    The smallest and largest code in use.
``scale``, ``zero_point``
    S, before rounding to the working precision, and Z.
``offset``, ``divisor``
    The term added after the multiplication by S, and the divisor of values if it is
    not S, else null.
``origin``
    Source of S: ``range``, ``constant``, ``zeros`` or ``floor``.
``working_dtype``
    The precision of array operations.
``arithmetic``
    The options of the formulas, see ``engine.numerics.arithmetic.Arithmetic``.
``metrics``, ``warnings``
    Metrics by the keys of ``engine.METRICS``, and warnings as sentences.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from quantoscope.engine import __version__
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import working_dtype


def render(result: Evaluation, name: str) -> bytes:
    """Return the object as JSON text in ASCII."""
    scheme, p = result.scheme, result.qparams
    fmt = p.format
    low, high = p.range
    content = {
        "program": "quantoscope",
        "version": __version__,
        "name": name,
        "shape": list(result.codes.shape),
        "dtype": working_dtype(result.source.dtype).name,
        "scheme": str(scheme),
        "format": {
            "name": fmt.name,
            "bits": fmt.bits,
            "integer": fmt.integer,
            "codes": fmt.dtype.name,
        },
        "mapping": p.mapping,
        "runtime": scheme.runtime,
        "calibration": {
            "method": scheme.calibration.method,
            "arguments": list(scheme.calibration.arguments),
        },
        "role": None if result.role is None else result.role.as_json(),
        "granularity": {
            "kind": p.granularity.kind,
            "axes": None if p.axes is None else list(p.granularity.axes_of(result.codes.shape)),
            "axis": p.axis,
            "group": p.group_size,
            "count": p.count,
        },
        "range": {"low": low, "high": high},
        "qmin": p.qmin,
        "qmax": p.qmax,
        "scale": p.scale,
        "zero_point": p.zero_point,
        "offset": p.offset,
        "divisor": p.divisor,
        "origin": p.origin,
        "working_dtype": p.dtype.name,
        "arithmetic": asdict(p.arithmetic),
        "metrics": dict(result.metrics),
        "warnings": list(result.warnings),
    }
    return f"{json.dumps(_plain(content), indent=2, allow_nan=False)}\n".encode("ascii")


def _plain(value: Any) -> Any:
    """Convert to JSON types: arrays to lists, non-finite numbers to strings."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
