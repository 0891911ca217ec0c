"""Export a scheme's parameters in the formats of other programs.

>>> from quantoscope import engine
>>> from quantoscope.engine import export
>>> result = engine.evaluate([0.21535037, 1.2962357, -1.0161772], "int8 symmetric")
>>> print(export.render("tensorrt", result, "conv1").decode().splitlines()[1])
conv1: 3c273980

A format is one module here and one line in the registry. The module is imported on first
use. A scheme that a format cannot express exactly raises ``NotExpressibleError``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import NotExpressibleError
from quantoscope.engine.io.base import write_atomically

__all__ = ["FORMATS", "NotExpressibleError", "ParameterFormat", "preview", "render", "write"]


@dataclass(frozen=True)
class ParameterFormat:
    """An export format for parameters."""

    key: str
    """Name on the command line."""
    title: str
    """Name in dialogs."""
    endings: tuple[str, ...]
    """File name extensions in lower case, with their dots; the first is the default."""
    module: str
    """Its module in this package: a function ``render(result, name) -> bytes``, and
    ``as_text(content) -> str`` if the result is not text. If a module has several formats, the name
    of the function follows after a colon."""
    extra: str = ""
    """Optional extra of this package that it needs; empty for none."""
    text: bool = True
    """Whether it is UTF-8 text."""


FORMATS: tuple[ParameterFormat, ...] = (
    ParameterFormat("json", "JSON with everything", (".json",), "json_object"),
    ParameterFormat("numpy", "Python with numpy alone", (".py",), "numpy_source"),
    ParameterFormat("c", "C99 header with functions", (".h",), "c_header"),
    ParameterFormat(
        "onnx", "ONNX Quantize-/DequantizeLinear", (".onnx",), "onnx_model", "onnx", text=False
    ),
    ParameterFormat("tensorrt", "TensorRT calibration cache", (".cache",), "tensorrt"),
    ParameterFormat(
        "aimet-0.6.1", "AIMET encodings 0.6.1", (".encodings", ".json"), "aimet:render_0_6_1"
    ),
    ParameterFormat(
        "aimet-1.0.0", "AIMET encodings 1.0.0", (".encodings", ".json"), "aimet:render_1_0_0"
    ),
    ParameterFormat(
        "ort-overrides", "ONNX Runtime TensorQuantOverrides", (".py",), "ort_overrides"
    ),
)
"""Every format, in the order of menus."""


def render(key: str, result: Evaluation, name: str) -> bytes:
    """Return the parameters in a format, deterministically.

    Parameters
    ----------
    key : str
        Key of one of ``FORMATS``.
    result : Evaluation
    name : str
        Name of the tensor.

    Raises
    ------
    NotExpressibleError
        If the format cannot express the scheme.
    QuantizationError
        If there is no such format, or a package that it needs is missing.
    """
    made: Callable[[Evaluation, str], bytes]
    made = getattr(_module(_form(key)), _form(key).module.partition(":")[2] or "render")
    return made(result, name)


def preview(key: str, result: Evaluation, name: str) -> str:
    """Return the result of ``render`` as readable text."""
    form, content = _form(key), render(key, result, name)
    if form.text:
        return content.decode()
    as_text: Callable[[bytes], str] = _module(form).as_text
    return as_text(content)


def _module(form: ParameterFormat) -> ModuleType:
    return importlib.import_module(f"{__name__}.{form.module.partition(':')[0]}")


def _form(key: str) -> ParameterFormat:
    known = {form.key: form for form in FORMATS}
    if key not in known:
        raise QuantizationError(f"There is no export '{key}'; there are {', '.join(known)}.")
    return known[key]


def write(path: str | os.PathLike[str], key: str, result: Evaluation, name: str) -> None:
    """Write the parameters to a file, atomically.

    Raises
    ------
    QuantizationError
        As ``render``, and if the file cannot be written.
    """
    content = render(key, result, name)

    def put(stream: BinaryIO) -> None:
        stream.write(content)

    write_atomically(Path(path), put)
