"""The command line: what it prints and writes, and how it refuses."""

from __future__ import annotations

import csv
import errno
import io as stdio
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import METRICS, cli, io
from quantoscope.engine.cli import list_lines
from quantoscope.engine.numerics import loops
from tests.engine.io import builders

ROOT = Path(__file__).parents[2]
PROGRAM = ["main.py"]
SEED = np.array([0.21535037, 1.2962357, -1.0161772], dtype=np.float32)
COLUMNS = ["scheme", "scale", "zero_point", *(metric.key for metric in METRICS)]


ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *PROGRAM, *map(str, arguments)],
        cwd=ROOT,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "utf-8"},
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},  # type: ignore[arg-type]
    )


@pytest.fixture
def seed(tmp_path: Path) -> Path:
    path = tmp_path / "seed.npy"
    io.save(path, SEED)
    return path


@pytest.mark.parametrize(
    ("scheme", "scale", "zero_point", "codes"),
    [
        ("int8 scale-only", 0.00906828525019627, 0, [24, 127, -112]),
        ("int8 symmetric", 0.01020658016204834, 0, [21, 127, -100]),
        ("asymmetric int8", 0.00906828525019627, -16, [8, 127, -128]),
    ],
)
def test_quantize_writes_what_the_engine_computes(
    scheme: str,
    scale: float,
    zero_point: int,
    codes: list[int],
    seed: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.npz"
    assert cli.main(["quantize", str(seed), "--scheme", scheme, "--out", str(out)]) == 0
    expected = engine.evaluate(SEED, scheme)
    with np.load(out, allow_pickle=False) as stored:
        assert list(stored) == [
            *("scale", "zero_point", "codes", "reconstructed", "error", "scheme")
        ]
        assert (stored["scale"].dtype, stored["scale"]) == (np.float64, scale)
        assert (stored["zero_point"].dtype, stored["zero_point"]) == (np.int64, zero_point)
        assert (stored["codes"].dtype, stored["codes"].tolist()) == (np.int8, codes)
        assert stored["reconstructed"].tobytes() == expected.reconstructed.tobytes()
        assert stored["error"].tobytes() == expected.error.tobytes()
        assert str(stored["scheme"]) == str(engine.Scheme.parse(scheme))
    printed, complaints = capsys.readouterr()
    assert printed.count("\n") == 1
    assert "out.npz: 3 values" in printed
    assert complaints == ""


def test_a_zero_point_past_64_bits_is_written_as_a_float(tmp_path: Path) -> None:
    path, out = tmp_path / "x.npy", tmp_path / "out.npz"
    io.save(path, np.array([1e300, np.nextafter(1e300, 2e300)]))
    scheme = "int16 asymmetric"
    assert cli.main(["quantize", str(path), "--scheme", scheme, "--out", str(out)]) == 0
    zero_point = engine.calibrate(io.load(path), scheme).zero_point
    assert abs(zero_point) > 2**63
    assert io.load(out, "zero_point") == float(zero_point)


def test_compare_names_positions_by_their_indices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x = np.zeros((1500, 1000), np.float32)
    x[1410, 539] = 9
    scheme = "int8 symmetric manual(-1,1)"
    io.save(tmp_path / "x.npy", x)
    assert cli.main(["compare", str(tmp_path / "x.npy"), "--scheme", scheme]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("at #"))
    assert line.split(maxsplit=2)[2] == "[1410, 539]"


def test_compare_as_csv_has_every_metric_in_full_precision(
    seed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", str(seed), "--csv"]) == 0
    rows = list(csv.DictReader(stdio.StringIO(capsys.readouterr().out)))
    assert [row["scheme"] for row in rows] == list(cli.DEFAULT_SCHEMES)
    for row in rows:
        assert list(row) == COLUMNS
        expected = engine.evaluate(SEED, row["scheme"])
        assert float(row["scale"]) == expected.qparams.scale
        assert int(row["zero_point"]) == expected.qparams.zero_point
        for metric in METRICS:
            assert float(row[metric.key]) == expected.metrics[metric.key]


@pytest.mark.parametrize("command", ["list", "compare"])
def test_what_was_made_of_a_text_is_noted_beside_the_result(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.csv"
    path.write_text(",0,1\n0,0.5,NA\n1,2.5,-3.5\n")
    assert cli.main([command, str(path)]) == 0
    out, err = capsys.readouterr()
    assert out
    assert err.splitlines()[:3] == [
        "note: The first row was taken for column names: 0, 1.",
        "note: The first column counts the rows and was left out.",
        "note: 1 cell holds a word for a missing value: it is NaN.",
    ]


def test_integers_that_lose_digits_are_noted_with_their_number(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "x.npy", np.array([2**24 + 1, 5], np.int32))
    assert cli.main(["compare", str(tmp_path / "x.npy")]) == 0
    assert "note: 1 of 2 integers have more digits than float32" in capsys.readouterr().err
    np.save(tmp_path / "x.npy", np.array([2**63 + 1, 5], np.uint64))
    assert cli.main(["compare", str(tmp_path / "x.npy")]) == 0
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("note: 1 of 2 integers have more digits than float64")


def test_a_scheme_with_a_comma_is_one_field_of_csv(
    seed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli.main(["compare", str(seed), "--csv", "--scheme", "int8 symmetric manual(-1,1)"])
    (row,) = csv.DictReader(stdio.StringIO(capsys.readouterr().out))
    assert row["scheme"] == "int8 symmetric manual(-1,1)"


def test_compare_as_json_is_valid_json_whatever_the_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "zeros.csv"
    path.write_text("0,0,0,nan\n")

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    assert cli.main(["compare", str(path), "--json", "--scheme", "int8 symmetric"]) == 0
    (found,) = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert list(found) == [*COLUMNS, "role", "warnings"]
    assert found["sqnr"] == "inf"
    assert found["scale"] == 1.0
    assert found["clipped_low"] == 0
    assert any("NaN" in warning for warning in found["warnings"])


def test_compare_prints_an_aligned_table_of_all_schemes_and_metrics(
    seed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    schemes = ["int8 symmetric", "uint4 asymmetric"]
    assert cli.main(["compare", str(seed), "--scheme", schemes[0], "--scheme", schemes[1]]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.split() == ["int8", "symmetric", "uint4", "asymmetric"]
    assert len({len(line) for line in (head, *lines)}) == 1
    names = ["Scale", "Zero point", *(metric.name for metric in METRICS)]
    assert [line[: len(name)] for line, name in zip(lines, names, strict=True)] == names
    assert "51.1645" in lines[2]


def test_warnings_go_to_stderr_once_and_name_the_schemes_they_are_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.txt"
    path.write_text("-1 nan 2")
    schemes = ["--scheme", "int8 symmetric", "--scheme", "uint8 symmetric"]
    assert cli.main(["compare", str(path), *schemes]) == 0
    printed, complaints = capsys.readouterr()
    nan, negative = complaints.splitlines()
    assert nan.startswith("warning: 1 value is NaN")
    assert negative.startswith("warning: uint8 symmetric: Negative values")
    assert "warning" not in printed


def test_one_array_of_several_is_chosen_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.npz"
    io.save_npz(path, a=SEED, b=SEED * 2)
    assert cli.main(["compare", f"{path}::b", "--csv"]) == 0
    row = next(csv.DictReader(stdio.StringIO(capsys.readouterr().out)))
    assert float(row["scale"]) == 2 * 0.00906828525019627


@pytest.mark.parametrize("name", ["layer::weight", "a/b", "::", "größe"])
def test_the_name_is_all_that_follows_the_first_pair_of_colons(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(builders.safetensors({name: SEED, "other": SEED * 2}))
    assert cli.main(["compare", f"{path}::{name}", "--csv"]) == 0
    row = next(csv.DictReader(stdio.StringIO(capsys.readouterr().out)))
    assert float(row["scale"]) == 0.00906828525019627


@pytest.mark.parametrize("command", ["quantize", "compare", "params"])
def test_numbers_beside_a_model_are_read_when_external_says_so(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"location": "model.data"}.items()
    pairs = [builders.field(1, k.encode()) + builders.field(2, v.encode()) for k, v in said]
    elsewhere = b"".join(builders.field(13, pair) for pair in pairs) + builders.field(14, 1)
    path = tmp_path / "model.onnx"
    path.write_bytes(builders.onnx_model(builders.onnx_tensor("w", 1, SEED.shape, elsewhere)))
    (tmp_path / "model.data").write_bytes(SEED.tobytes())
    arguments = [command, f"{path}::w", "--scheme", "int8 symmetric"]
    if command == "quantize":
        arguments += ["--out", str(tmp_path / "out.npz")]
    if command == "params":
        arguments += ["--as", "json"]
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == (
        "quantoscope: The array 'w' in model.onnx is stored in another file, model.data, which is "
        "only read if you agree to it; --external says so.\n"
    )
    assert cli.main([*arguments, "--external"]) == 0
    assert "51.16" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="colons in names")
def test_a_file_with_colons_in_its_name_is_found(tmp_path: Path) -> None:
    io.save(tmp_path / "a::b.npy", SEED)
    assert cli.main(["compare", str(tmp_path / "a::b.npy")]) == 0


@pytest.mark.skipif(os.name != "posix", reason="colons in names")
def test_a_tensor_of_a_file_in_a_folder_with_colons_in_its_name_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a::b").mkdir()
    path = tmp_path / "a::b" / "m.npz"
    io.save_npz(path, **{"x::y": SEED, "other": SEED[:2]})
    assert io.split_name(f"{path}::x::y") == (path, "x::y")
    assert cli.main(["list", f"{path}::x::y"]) == 0
    assert capsys.readouterr().out == "x::y  float32  3  12 bytes\n"
    scheme = ["--scheme", "int8 symmetric"]
    assert cli.main(["params", f"{path}::x::y", *scheme, "--as", "numpy"]) == 0
    assert "NAME = 'x::y'" in capsys.readouterr().out


BAD = [
    ((), "COMMAND"),
    (("compare",), "IN"),
    (("explode", "seed.npy"), "'explode'"),
    (("compare", "seed.npy", "--fast"), "--fast"),
    (("compare", "seed.npy", "--csv", "--json"), "--json"),
    (("compare", "seed.npy", "--scheme"), "--scheme"),
    (("compare", "seed.npy", "--scheme", "int8 symetric"), "'symetric'"),
    (("compare", "seed.npy", "--scheme", "int8"), "scale-only, symmetric, asymmetric"),
    (("compare", "seed.npy", "--scheme", ""), "format"),
    (("compare", "gone.npy"), "gone.npy cannot be read"),
    (("compare", "gone.npy\nline two"), "gone.npy"),
    (("compare", "."), "folder"),
    (("compare", "empty.npy"), "empty"),
    (("compare", "no_values.npy"), "The array is empty"),
    (("compare", "nothing_finite.csv"), "finite"),
    (("compare", "words.csv"), "line 2, column 2: 'four' is not a number"),
    (("compare", "damaged.npy"), "damaged"),
    (("compare", "two.npz"), "(a, b)"),
    (("compare", "two.npz::c"), "'c'"),
    (("compare", "two.npz::a::b"), "'a::b'"),
    (("compare", "bomb.pt"), "bomb.pt names os.system, which a checkpoint of tensors does not"),
    (("compare", "seed.npy", "--external=yes"), "--external"),
    (("compare", "two.npz::"), "''"),
    (("quantize", "seed.npy", "--out", "out.npz"), "--scheme"),
    (("quantize", "seed.npy", "--scheme", "int8 symmetric"), "--out"),
    (("quantize", "seed.npy", "--scheme", "int9x", "--out", "out.npz"), "'int9x'"),
    (("quantize", "seed.npy", "--scheme", "int8 symmetric", "--out", "out.npy"), ".npz"),
    (("quantize", "seed.npy", "--scheme", "q8_0", "--scheme", "q4_0", "--out", "out.npz"), "one"),
    (("params", "seed.npy", "--scheme", "q8_0", "--scheme", "q4_0", "--as", "c"), "one --scheme"),
    (("list", "two.npz::c"), "'c'"),
    (("quantize", "gone.npy", "--scheme", "int8 symmetric", "--out", "out.npz"), "gone.npy"),
    (("quantize", "nan.txt", "--scheme", "int8 symmetric", "--out", "no/out.npz"), "folder"),
    (("quantize", "seed.npy", "--scheme", "int8 symmetric", "--out", "folder.npz"), "folder"),
]


@pytest.fixture
def bad_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of trouble, and in it one sound file and one result of before."""
    io.save(tmp_path / "seed.npy", SEED)
    (tmp_path / "empty.npy").touch()
    io.save(tmp_path / "no_values.npy", np.zeros(0, np.float32))
    (tmp_path / "nothing_finite.csv").write_text("nan,inf\n")
    (tmp_path / "nan.txt").write_text("1 nan 2\n")
    (tmp_path / "words.csv").write_text("1,2\n3,four\n")
    (tmp_path / "damaged.npy").write_bytes(b"\x93NUMPY\x01\x00\x04\x00{{{{")
    io.save_npz(tmp_path / "two.npz", a=SEED, b=SEED)
    bomb = builders.call("os", "system", "exit 1")
    (tmp_path / "bomb.pt").write_bytes(builders.torch_zip(bomb, {}))
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "out.npz").write_bytes(b"precious")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_bad_input_is_one_line_and_status_2_and_changes_no_file(
    arguments: tuple[str, ...], words: str, bad_input: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p: p.read_bytes() if p.is_file() else b"" for p in bad_input.rglob("*")}
    assert cli.main(arguments) == 2
    printed, complaints = capsys.readouterr()
    assert printed == ""
    assert complaints.startswith("quantoscope: ")
    assert complaints.count("\n") == 1
    assert words in complaints
    assert {p: p.read_bytes() if p.is_file() else b"" for p in bad_input.rglob("*")} == before


def test_a_full_disk_keeps_the_result_of_before(
    bad_input: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    before = sorted(bad_input.iterdir())
    scheme = ["--scheme", "int8 symmetric"]
    assert cli.main(["quantize", "nan.txt", *scheme, "--out", "out.npz"]) == 2
    assert capsys.readouterr().err == "quantoscope: out.npz cannot be written: the disk is full.\n"
    assert (bad_input / "out.npz").read_bytes() == b"precious"
    assert sorted(bad_input.iterdir()) == before


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_running_out_of_memory_or_patience_is_no_traceback(
    error: BaseException,
    seed: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(cli, "evaluate", fail)
    assert cli.main(["compare", str(seed)]) in (2, 130)
    assert capsys.readouterr().err.count("\n") <= 1


@pytest.mark.parametrize("arguments", [["--help"], ["quantize", "--help"], ["compare", "-h"]])
def test_help_shows_examples(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    assert '--scheme "int8 symmetric' in capsys.readouterr().out


@pytest.mark.parametrize("built", [object(), None], ids=["built", "not built"])
@pytest.mark.parametrize("switched_off", [False, True])
def test_the_version_is_the_engines_and_says_what_evaluates(
    built: object,
    switched_off: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    used = None if switched_off else built
    monkeypatch.setattr(loops, "compiled", used)
    monkeypatch.setattr(loops, "_switched_off", switched_off)
    assert cli.main(["--version"]) == 0
    version, evaluation = capsys.readouterr().out.splitlines()
    assert version == f"quantoscope {engine.__version__}"
    assert evaluation.startswith(f"Evaluation: {'compiled loops' if used else 'numpy alone, as '}")
    assert (loops.SWITCH in evaluation) == switched_off


def test_a_variable_switches_the_compiled_loops_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENVIRONMENT, loops.SWITCH, "0")
    done = run("--version")
    assert done.stdout.splitlines()[1] == f"Evaluation: {loops.Means.SWITCHED_OFF.value}"


def test_every_array_of_a_file_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"layers.{i}.weight" for i in range(30)]
    np.savez(tmp_path / "model.npz", **{name: np.ones((2, 3), np.float16) for name in names})
    assert cli.main(["list", str(tmp_path / "model.npz")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == names
    assert lines[7].split()[1:] == ["float16", "2×3", "12", "bytes"]
    assert cli.main(["list", str(tmp_path / "missing.npz")]) == 2


def test_commands_are_those_that_the_parser_knows(capsys: pytest.CaptureFixture[str]) -> None:
    for command in cli.COMMANDS:
        assert cli.main([command, "--help"]) == 0
        assert capsys.readouterr().out.startswith(f"usage: quantoscope {command} ")


# From here on as a process of its own, the way it is really run.


def test_the_program_compares(seed: Path) -> None:
    done = run("compare", seed)
    assert (done.returncode, done.stderr) == (0, "")
    assert "56.7757" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [("compare", "gone.npy"), ("quantize", "--fast"), ("compare", "x", "--scheme", "y")],
)
def test_the_program_refuses_in_one_line_with_status_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("quantoscope: ")
    assert done.stderr.count("\n") == 1


def test_the_program_runs_where_the_terminal_has_ascii_only(seed: Path) -> None:
    done = subprocess.run(
        [sys.executable, *PROGRAM, "compare", str(seed)],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "ascii"},
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"56.7757" in done.stdout


def test_a_reader_that_stops_early_is_no_error(seed: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = run("compare", seed, stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@pytest.mark.parametrize("option", ["--json", "--help"])
def test_output_that_cannot_be_printed_is_one_line(option: str, seed: Path) -> None:
    with open("/dev/full", "w") as full:
        done = run("compare", seed, option, stdout=full)
    assert done.returncode == 2
    assert done.stderr.startswith("quantoscope: The result cannot be printed")
    assert done.stderr.count("\n") == 1


def test_a_command_loads_no_window_and_no_reader_that_it_does_not_need(seed: Path) -> None:
    code = (
        "import sys; from quantoscope.engine import cli; cli.main(sys.argv[1:]);"
        "loaded = {name.removeprefix('quantoscope.') for name in sys.modules};"
        "print(sorted(loaded & {'PySide6', 'pyqtgraph', 'gui', 'engine.io.npz', 'engine.io.text'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", str(seed)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        env={**ENVIRONMENT, "PYTHONIOENCODING": "utf-8"},
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("used_by", ["", "/layer/MatMul"])
def test_why_an_array_cannot_be_loaded_is_listed_rather_than_what_takes_it(used_by: str) -> None:
    infos = [
        io.TensorInfo("onnx::MatMul_4", (2, 3), "FLOAT8", 6, reason="is of no known type",
                      used_by=used_by),
        io.TensorInfo("onnx::MatMul_5", (2, 3), "float32", 24, used_by=used_by),
    ]  # fmt: skip
    first, second = list_lines.table(infos)
    assert first.endswith("  not loaded: it is of no known type")
    assert second.endswith("24 bytes" + (f"  for {used_by}" if used_by else ""))
    listed = json.loads("".join(list_lines.as_json(infos)))
    assert [one["reason"] for one in listed] == ["is of no known type", None]
    assert [one["used_by"] for one in listed] == [used_by or None] * 2
