"""The command ``params``: what it prints and writes, and how it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import cli, export, io
from tests.engine.export.arrays import normal

ROOT = Path(__file__).parents[3]
X = normal((4, 30))


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "conv1.weight.npy"
    io.save(path, X)
    return path


def arguments(path: object, form: str, scheme: str = "int8 symmetric") -> list[str]:
    return ["params", str(path), "--scheme", scheme, "--as", form]


@pytest.mark.parametrize("form", [f for f in export.FORMATS if f.text], ids=lambda f: f.key)
def test_text_is_printed(
    form: export.ParameterFormat, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments(weights, form.key)) == 0
    printed, complaints = capsys.readouterr()
    result = engine.evaluate(X, "int8 symmetric")
    assert printed.encode() == export.render(form.key, result, "conv1.weight")
    assert complaints == ""


@pytest.mark.parametrize("form", export.FORMATS, ids=lambda f: f.key)
def test_out_names_a_file(
    form: export.ParameterFormat,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if form.extra:
        pytest.importorskip(form.extra)
    out = tmp_path / f"out{form.endings[0]}"
    assert cli.main([*arguments(weights, form.key), "--name", "w", "--out", str(out)]) == 0
    assert out.read_bytes() == export.render(form.key, engine.evaluate(X, "int8 symmetric"), "w")
    printed, _ = capsys.readouterr()
    assert printed == f"{out}: {form.title}, int8 symmetric, of w\n"


def test_the_name_is_that_of_the_array_in_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    io.save_npz(tmp_path / "model.npz", **{"fc.bias": X, "other": X})
    assert cli.main(arguments(f"{tmp_path / 'model.npz'}::fc.bias", "json")) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "fc.bias"


def test_warnings_go_to_stderr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    io.save(tmp_path / "x.npy", np.array([100, 101], np.float32))
    assert cli.main(arguments(tmp_path / "x.npy", "json", "int8 asymmetric")) == 0
    printed, complaints = capsys.readouterr()
    assert json.loads(printed)["warnings"]
    assert complaints.startswith("warning: ")


@pytest.mark.parametrize(
    ("form", "scheme", "sentence"),
    [
        ("onnx", "int8 symmetric", "--as onnx needs --out FILE: it cannot be printed."),
        ("tensorrt", "uint8 symmetric", "has int8 only, not uint8."),
        ("xml", "int8 symmetric", "invalid choice: 'xml'"),
        ("json", "int8", "lacks a mapping"),
        ("c", "nf4 symmetric", "integer codes only, not nf4."),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_no_file(
    form: str,
    scheme: str,
    sentence: str,
    weights: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = [] if form == "onnx" else ["--out", str(tmp_path / "out")]
    assert cli.main([*arguments(weights, form, scheme), *out]) == 2
    printed, complaints = capsys.readouterr()
    assert printed == ""
    assert sentence in complaints and complaints.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [weights.name]


def test_the_program_itself_has_the_command(weights: Path) -> None:
    program = ["main.py"]
    done = subprocess.run(
        [sys.executable, *program, *arguments(weights, "json")],
        cwd=ROOT, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and json.loads(done.stdout)["name"] == "conv1.weight"


def test_help_lists_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["params", "--help"]) == 0
    printed = capsys.readouterr().out
    for form in export.FORMATS:
        assert form.key in printed and form.title in printed and form.endings[0] in printed
