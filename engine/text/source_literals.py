"""Write arrays as Python, NumPy and C source that reads back bit for bit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_WIDTH = 96
_PYTHON = {"nan": "float('nan')", "inf": "float('inf')", "-inf": "float('-inf')"}
_NUMPY = {"nan": "np.nan", "inf": "np.inf", "-inf": "-np.inf"}
_C = {"nan": "NAN", "inf": "INFINITY", "-inf": "-INFINITY"}
_C_TYPES = {
    "float64": "double",
    "float32": "float",
    "float16": "float",
    **{f"{sign}int{n}": f"{sign}int{n}_t" for sign in ("", "u") for n in (8, 16, 32, 64)},
}


def shortest(values: np.ndarray) -> list[str]:
    """Return the shortest text per value that reads back as the same value of its type."""
    if values.dtype.kind in "iu" or values.dtype == np.float64:
        return list(map(repr, values.tolist()))
    texts = list(map(str, values))
    # Text is parsed as float64 and rounded to float32 from there. Rarely this double rounding
    # gives the neighbour of a float32; the exact float64 text never does.
    reread = np.array(list(map(float, texts))).astype(values.dtype)
    for i in np.flatnonzero((reread != values) & ~np.isnan(values)):
        texts[i] = repr(float(values[i]))
    return texts


def as_python(array: np.ndarray) -> str:
    """Return an array as a nested Python list."""
    return _nested(_named(array, _PYTHON), array.shape, "[]", "") + "\n"


def as_numpy(array: np.ndarray) -> str:
    """Return an array as a call of ``np.array`` with the same values, type and shape."""
    inner = _nested(_named(array, _NUMPY), array.shape, "[]", " " * 9)
    return f"np.array({inner}, dtype=np.{array.dtype.name})\n"


def as_c(array: np.ndarray, name: str = "values") -> str:
    """Return an array as a C constant definition; float16 is widened to float."""
    texts = _named(array, _C)
    if array.dtype.kind == "f":
        texts = [t if t in _C.values() or any(c in t for c in ".e") else f"{t}.0" for t in texts]
    if array.dtype.name in ("float16", "float32"):
        texts = [t if t in _C.values() else f"{t}f" for t in texts]
    sizes = "".join(f"[{n}]" for n in array.shape)
    inner = _nested(texts, array.shape, "{}", "")
    return f"static const {_C_TYPES[array.dtype.name]} {name}{sizes} = {inner};\n"


def _named(array: np.ndarray, names: dict[str, str]) -> list[str]:
    """Return the values, with the language's names for NaN and infinities."""
    flat: np.ndarray[Any, Any] = array.reshape(-1)
    texts = shortest(flat)
    if array.dtype.kind == "f":
        for i in np.flatnonzero(~np.isfinite(flat)):
            texts[i] = names[texts[i]]
    return texts


def _nested(texts: list[str], shape: tuple[int, ...], brackets: str, indent: str) -> str:
    """Return texts in nested brackets; long innermost lists are wrapped."""
    opening, closing = brackets[0], brackets[1]
    if not shape:
        return texts[0]
    pad = f"{indent} "
    if len(shape) > 1:
        step = math.prod(shape[1:])
        parts = [
            _nested(texts[at * step : (at + 1) * step], shape[1:], brackets, pad)
            for at in range(shape[0])
        ]
        return opening + f",\n{pad}".join(parts) + closing
    widest = max(map(len, texts), default=1) + 2
    per_line = max(1, (_WIDTH - len(indent)) // widest)
    lines = [", ".join(texts[at : at + per_line]) for at in range(0, len(texts), per_line)]
    return opening + f",\n{pad}".join(lines) + closing
