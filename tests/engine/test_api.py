"""The engine's face: a flat list of names, documented, and no window behind it."""

from __future__ import annotations

import doctest
import html
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from quantoscope import engine

ROOT = Path(__file__).parents[2]
MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(engine.__path__, f"{engine.__name__}.")
]

PROMISED = {"Scheme", "calibrate", "quantize", "dequantize", "evaluate", "trace"}


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_the_names_are_flat_sorted_and_there() -> None:
    assert set(engine.__all__) >= PROMISED
    constants = [name for name in engine.__all__ if name.isupper()]
    classes = [name for name in engine.__all__ if name[0].isupper() and not name.isupper()]
    functions = [name for name in engine.__all__ if name.islower()]
    assert engine.__all__ == sorted(constants) + sorted(classes) + sorted(functions)
    assert len(set(engine.__all__)) == len(engine.__all__)
    for name in engine.__all__:
        assert not inspect.ismodule(getattr(engine, name)), name


def test_the_engine_loads_no_qt() -> None:
    assert (
        run("import sys; from quantoscope import engine; print('PySide6' in sys.modules)")
        == "False"
    )


def test_the_engine_loads_nothing_heavy_nor_the_gui() -> None:
    loaded = run("import sys; from quantoscope import engine; print(' '.join(sys.modules))").split()
    foreign = {name.partition(".")[0] for name in loaded}
    heavy = {"PySide6", "pyqtgraph", "pandas", "scipy", "torch", "onnx", "matplotlib"}
    assert not foreign & heavy


def test_the_engine_prints_nothing_and_warns_of_nothing_on_import() -> None:
    assert run("from quantoscope import engine") == ""


@pytest.mark.parametrize("module", [engine, *MODULES], ids=lambda module: module.__name__)
def test_the_examples_in_docstrings_run(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0


def test_the_package_docstring_and_scheme_have_an_example() -> None:
    assert doctest.testmod(engine).attempted >= 2
    assert ">>>" in (engine.Scheme.__doc__ or "")


def public_things() -> Iterator[tuple[str, object]]:
    for module in MODULES:
        yield module.__name__, module
        for name, thing in vars(module).items():
            own = getattr(thing, "__module__", None) == module.__name__
            if name.startswith("_") or not own or not callable(thing):
                continue
            yield f"{module.__name__}.{name}", thing
            if inspect.isclass(thing):
                for member, method in vars(thing).items():
                    plain = inspect.isfunction(method) or isinstance(
                        method, property | classmethod | staticmethod
                    )
                    if plain and not member.startswith("_"):
                        # A method that overrides one is described where that is.
                        yield f"{module.__name__}.{name}.{member}", getattr(thing, member)


@pytest.mark.parametrize(
    ("name", "thing"), list(public_things()), ids=lambda v: v if type(v) is str else ""
)
def test_everything_public_has_a_docstring(name: str, thing: object) -> None:
    doc = inspect.getdoc(thing)
    assert doc, name
    assert not doc.startswith(name.rpartition(".")[2] + "("), name  # a dataclass's own signature


def test_the_functions_say_what_they_raise() -> None:
    for function in (engine.calibrate, engine.quantize, engine.evaluate, engine.trace):
        assert "Raises" in (function.__doc__ or "")
        assert "QuantizationError" in (function.__doc__ or "")


def test_errors_are_value_errors_with_a_place() -> None:
    assert issubclass(engine.QuantizationError, ValueError)
    assert issubclass(engine.SchemeError, engine.QuantizationError)
    error = engine.SchemeError("Wrong.", 3, 5)
    assert (str(error), error.start, error.stop) == ("Wrong.", 3, 5)


def test_what_is_imported_later_is_there_like_the_rest() -> None:
    code = "import sys; from quantoscope import engine; before = set(sys.modules); "
    found = run(
        f"{code}from quantoscope.engine import *; print(compare.__module__, Trace.__name__, "
        "engine.io.load.__name__, engine.export.FORMATS[0].key, engine.examples.example.__name__, "
        "sorted(n for n in set(sys.modules) - before if n.startswith('quantoscope')))"
    )
    assert found.startswith("quantoscope.engine.analysis.comparison Trace load ")
    assert "quantoscope.engine.analysis.device_codes" in found
    assert set(engine.__all__) | {"examples", "export", "io"} <= set(dir(engine))
    assert not hasattr(engine, "revise")


def test_importing_the_engine_reads_no_analysis_reader_or_export() -> None:
    loaded = run("import sys; from quantoscope import engine; print(' '.join(sys.modules))")
    parts = {name.split(".")[2] for name in loaded.split() if name.count(".") > 1
             and name.startswith("quantoscope.engine.")}  # fmt: skip
    assert not parts & {"analysis", "cli", "examples", "export", "io"}


def test_the_face_takes_no_internal_parameters() -> None:
    def parameters(function: Callable[..., object]) -> list[str]:
        return list(inspect.signature(function).parameters)

    assert parameters(engine.calibrate) == ["x", "scheme", "progress", "role"]
    assert parameters(engine.evaluate) == ["x", "scheme", "progress", "role"]
    assert parameters(engine.compare) == ["x", "first", "second", "progress", "role"]
    assert parameters(engine.compare_codes) == ["x", "scheme", "codes", "progress", "role"]


def test_reprs_are_one_telling_line() -> None:
    x = np.array([[0.5, 1.25, -1], [4, np.nan, np.inf]], np.float32)
    made = engine.evaluate(x, "int8 symmetric per-channel(0)")
    other = engine.evaluate(x, "int8 symmetric")
    compared = engine.compare(x, "int8 symmetric", "uint8 asymmetric")
    device = engine.compare_codes(x, "int8 symmetric", other.codes)
    assert [repr(thing) for thing in (made, made.qparams, other.qparams, device.second)] == [
        "<Evaluation int8 symmetric per-channel(0): 2×3 values, SQNR 59.87 dB, 18.67 bits/value>",
        "<QParams int8 symmetric: 2 sets per-channel(0), S = 0.00984252…0.0314961, Z = 0, "
        "Q = -127…127>",
        "<QParams int8 symmetric: S = 0.0314961, Z = 0, Q = -127…127>",
        "<Evaluation int8 symmetric: 2×3 values, no metrics>",
    ]
    assert repr(compared) == (
        "<Comparison int8 symmetric / uint8 asymmetric: 3 of 6 reconstructed values differ>"
    )
    assert repr(device) == "<DeviceComparison int8 symmetric / a device: 0 of 6 codes differ>"
    assert repr(engine.trace(x, "int8 symmetric", [0, 1])) == (
        "<Trace of 2 int8 values: real, scaled, rounded, clipped, reconstructed, error>"
    )
    assert repr(engine.summarize(x)) == ("<Summary 6 values: -1…4, mean 1.1875, 1 NaN, 1 infinite>")
    assert repr(engine.channels(x, made)).startswith("<Channels per-channel(0): 2, SQNR ")
    assert repr(made.scheme) == "Scheme.parse('int8 symmetric per-channel(0)')"
    assert eval(repr(made.scheme.granularity), {"Granularity": engine.Granularity}) == (
        made.scheme.granularity
    )


def test_a_notebook_shows_every_metric_and_warning_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    made = engine.evaluate(np.ones((2, 3), np.float32), "int8 asymmetric")
    page = made._repr_html_()
    for metric in engine.METRICS:
        assert f"<td>{html.escape(metric.name)}</td>" in page
    assert "int8 asymmetric, 2×3 values" in page
    assert f"<p>{made.warnings[0]}</p>" in page
    monkeypatch.setattr(type(made.scheme), "__str__", lambda scheme: "<b>& a scheme")
    named = replace(made, warnings=("<img src=x>",))._repr_html_()
    assert "&lt;b&gt;&amp; a scheme" in named
    assert "<b>" not in named and "<img" not in named


def test_paste_and_markdown_load_no_parser_before_they_read() -> None:
    loaded = run(
        "import sys, quantoscope.engine.text.paste, quantoscope.engine.text.markdown; "
        "print(' '.join(sys.modules))"
    ).split()
    parsers = {f"quantoscope.engine.text.{name}" for name in ("delimited", "literals")}
    assert not parsers & set(loaded)
