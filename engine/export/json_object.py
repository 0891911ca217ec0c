"""JSON with all there is to know of a scheme, its parameters and its figures.

One object with these keys. Floats are in the shortest form that reads back the same float64; JSON
knows neither infinity nor NaN: they are the strings ``"inf"``, ``"-inf"`` and ``"nan"``. What is
one number for a whole tensor is a list for channels or groups, those along the last axis first.

``program``, ``version``
    ``"quantoscope"`` and its version.
``name``, ``shape``, ``dtype``
    Of the tensor; the dtype is that of the values that were evaluated.
``scheme``
    Its text form, which ``engine.Scheme.parse`` reads.
``format``
    ``name``, ``bits``, ``integer`` (whether codes are the numbers themselves) and ``codes``, the
    integer type that holds them.
``mapping``, ``runtime``
    The family, and whose arithmetic, empty for the textbook's.
``calibration``
    ``method`` and ``arguments``.
``granularity``
    ``kind``, ``axis`` (of per-channel, else null), ``group`` (of per-group, else null) and
    ``count``, how many scales there are.
``range``
    ``low`` and ``high``, the clipping range that the scale was taken from.
``qmin``, ``qmax``
    The smallest and the largest number in use of the format.
``scale``, ``zero_point``
    S, before it is rounded to the working precision, and Z.
``offset``, ``divisor``
    What is added behind the multiplication with S, and what values are divided by where that is
    not S, else null.
``origin``
    What decided S: ``range``, ``constant``, ``zeros`` or ``floor``.
``working_dtype``
    The precision that the array operations work in.
``arithmetic``
    The choices within the formulas, as ``engine.arithmetic.Arithmetic`` describes them.
``metrics``, ``warnings``
    Figures by the keys of ``engine.METRICS``, and sentences.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from quantoscope.engine import __version__
from quantoscope.engine.evaluation.result import Evaluation


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
        "dtype": result.values.dtype.name,
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
        "granularity": {
            "kind": p.granularity.kind,
            "axis": p.axis,
            "group": p.group,
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
    """Return what JSON knows: lists for arrays, strings for what is not finite."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
