"""The parameters of a scheme in the forms that other programs read.

>>> from quantoscope import engine
>>> from quantoscope.engine import export
>>> result = engine.evaluate([0.21535037, 1.2962357, -1.0161772], "int8 symmetric")
>>> print(export.render("tensorrt", result, "conv1").decode().splitlines()[1])
conv1: 3c273980

A form is one module here and one line in the registry. The module is imported when it is first
asked for. A scheme that a form cannot say exactly is refused with ``NotExpressibleError``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.export.base import NotExpressibleError
from quantoscope.engine.io.base import write_atomically

__all__ = ["FORMATS", "NotExpressibleError", "ParameterFormat", "preview", "render", "write"]


@dataclass(frozen=True)
class ParameterFormat:
    """A form that parameters can be written in.

    Attributes
    ----------
    key : str
        Its word on the command line.
    title : str
        As dialogs show it.
    endings : tuple of str
        Of its files, with their dots, lower case; the first is the usual one.
    module : str
        Where its code is: ``render(result, name) -> bytes``, and ``shown(content) -> str`` where
        that is no text.
    extra : str
        The extra of this program that it needs installed; empty for none.
    text : bool
        Whether it is UTF-8 text.
    """

    key: str
    title: str
    endings: tuple[str, ...]
    module: str
    extra: str = ""
    text: bool = True


FORMATS: tuple[ParameterFormat, ...] = (
    ParameterFormat(
        "json", "JSON with everything", (".json",), "quantoscope.engine.export.json_object"
    ),
    ParameterFormat(
        "numpy", "Python with numpy alone", (".py",), "quantoscope.engine.export.numpy_source"
    ),
    ParameterFormat(
        "c", "C99 header with functions", (".h",), "quantoscope.engine.export.c_header"
    ),
    ParameterFormat(
        "onnx",
        "ONNX Quantize-/DequantizeLinear",
        (".onnx",),
        "quantoscope.engine.export.onnx_model",
        extra="onnx",
        text=False,
    ),
    ParameterFormat(
        "tensorrt", "TensorRT calibration cache", (".cache",), "quantoscope.engine.export.tensorrt"
    ),
    ParameterFormat(
        "aimet-0.6.1",
        "AIMET encodings 0.6.1",
        (".encodings", ".json"),
        "quantoscope.engine.export.aimet_0_6_1",
    ),
    ParameterFormat(
        "aimet-1.0.0",
        "AIMET encodings 1.0.0",
        (".encodings", ".json"),
        "quantoscope.engine.export.aimet_1_0_0",
    ),
    ParameterFormat(
        "ort-overrides",
        "ONNX Runtime TensorQuantOverrides",
        (".py",),
        "quantoscope.engine.export.ort_overrides",
    ),
)
"""Every form, in the order that menus show."""


def render(key: str, result: Evaluation, name: str) -> bytes:
    """Return the parameters in a form, the same bytes for the same input.

    Parameters
    ----------
    key : str
        Of one of ``FORMATS``.
    result : Evaluation
    name : str
        What the tensor is called.

    Raises
    ------
    NotExpressibleError
        When the form cannot say the scheme.
    QuantizationError
        When there is no such form, or a package that it needs is missing.
    """
    made: Callable[[Evaluation, str], bytes] = importlib.import_module(_form(key).module).render
    return made(result, name)


def preview(key: str, result: Evaluation, name: str) -> str:
    """Return what ``render`` gives as a text for people to read."""
    form, content = _form(key), render(key, result, name)
    if form.text:
        return content.decode()
    shown: Callable[[bytes], str] = importlib.import_module(form.module).shown
    return shown(content)


def _form(key: str) -> ParameterFormat:
    known = {form.key: form for form in FORMATS}
    if key not in known:
        raise QuantizationError(f"There is no export '{key}'; there are {', '.join(known)}.")
    return known[key]


def write(path: str | os.PathLike[str], key: str, result: Evaluation, name: str) -> None:
    """Write the parameters to a file in full, or leave it as it was.

    Raises
    ------
    QuantizationError
        As ``render``, and when the file cannot be written.
    """
    content = render(key, result, name)

    def put(stream: BinaryIO) -> None:
        stream.write(content)

    write_atomically(Path(path), put)
