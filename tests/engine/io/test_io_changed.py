"""Files that another program shortens or rewrites while they are read, or while they are mapped."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import cli, io
from quantoscope.engine.numerics.mapped_arrays import FileChangedError

Refusal = Callable[..., str]

VALUES = np.random.default_rng(0).normal(size=(64, 1 << 14)).astype(np.float32)
posix = pytest.mark.skipif(os.name != "posix", reason="files are only mapped there")

# What would end a process is tried in one of its own.
CHILD = """
import os, sys
import numpy as np
from quantoscope import engine
from quantoscope.engine import io, QuantizationError
from quantoscope.engine.io import mapped
mapped.MAPPED_ABOVE = int(sys.argv[2])
array = io.load(sys.argv[1])
array.reshape(-1)[5] = 7
os.truncate(sys.argv[1], 5000)
for use in (
    lambda: engine.evaluate(array, "int8 symmetric"),
    lambda: engine.compare(array, "int8 symmetric", "int8 asymmetric"),
    lambda: engine.quantize(array, engine.calibrate(np.ones(3, np.float32), "int8 symmetric")),
    lambda: engine.summarize(array),
    lambda: io.save(sys.argv[1] + ".npy", array),
    lambda: print(array.reshape(-1)[-5:].tolist(), bool(np.isnan(array).all())),
):
    try:
        use()
        print("done")
    except QuantizationError as error:
        print(error)
"""
SHORTER = (
    "weights.npy was made shorter by another program while it was open, and not all of it had "
    "been read; open it again."
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights.npy"
    np.save(path, VALUES)
    return path


def in_a_child(path: Path, mapped_above: int) -> list[str]:
    command = [sys.executable, "-c", CHILD, str(path), str(mapped_above)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@posix
def test_a_mapped_file_that_becomes_shorter_is_a_sentence_and_not_the_end(path: Path) -> None:
    said = in_a_child(path, 0)
    assert said[:5] == 5 * [SHORTER]
    # Who looks without asking finds no numbers, and none that are false.
    assert said[5] == "[nan, nan, nan, nan, nan] True"


# The file becomes shorter after the last look at it: the system alone knows which pages are left.
BETWEEN = """
import os, sys
import numpy as np
from quantoscope import engine
from quantoscope.engine import QuantizationError, io
from quantoscope.engine.numerics import kernels, mapped_arrays
from quantoscope.engine.evaluation.evaluator import evaluate_known
from quantoscope.engine.analysis.glance import glance
from quantoscope.engine.io import mapped
mapped.MAPPED_ABOVE = 0
array = io.load(sys.argv[1])
known = kernels.extremes(array)
mapped_arrays._Mapping.look = lambda self: ""
os.truncate(sys.argv[1], 5000)
schemes = [
    f"int8 {mapping} {calibration} {granularity}"
    for mapping in ("symmetric", "asymmetric")
    for calibration in ("minmax", "percentile(99)", "mse", "entropy")
    for granularity in ("per-tensor", "per-channel(0)", "per-group(32)")
] + ["uint8 asymmetric entropy @onnxruntime", "q4_0"]
scheme = engine.calibrate(np.ones(3, np.float32), "int8 symmetric")
for use in (
    *(lambda s=s: evaluate_known(array, engine.Scheme.parse(s), known) for s in schemes),
    lambda: engine.quantize(array, scheme),
    lambda: engine.summarize(array),
    lambda: glance(array),
    lambda: engine.evaluate(array.view(np.float16), "int8 symmetric"),
    lambda: engine.evaluate(array.view(np.int64), "int8 symmetric"),
    lambda: io.save(sys.argv[1] + ".npy", array),
):
    try:
        use()
        print("done")
    except QuantizationError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system cannot be asked")
def test_a_file_that_becomes_shorter_between_a_look_and_the_block_is_a_sentence(
    path: Path,
) -> None:
    command = [sys.executable, "-X", "faulthandler", "-c", BETWEEN, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    said = "weights.npy can no longer be read; open it again."
    assert done.stdout.splitlines() == 32 * [said]


def test_what_was_read_is_safe_from_what_becomes_of_the_file(path: Path) -> None:
    said = in_a_child(path, 1 << 30)
    assert said == [*5 * ["done"], f"{VALUES.reshape(-1)[-5:].tolist()} False", "done"]


@posix
def test_a_mapped_file_that_is_rewritten_in_place_is_a_sentence(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)
    array, other = io.load(path), np.ones(10, np.float32)
    engine.evaluate(array, "int8 symmetric")
    later = path.stat().st_mtime_ns + 10**9
    with path.open("r+b") as stream:
        stream.seek(1000)
        stream.write(bytes(100))
    os.utime(path, ns=(later, later))
    for again in range(2):
        with pytest.raises(FileChangedError, match="was changed by another program"):
            engine.evaluate(array[again:], "int8 symmetric")
    engine.evaluate(other, "int8 symmetric")
    engine.evaluate(io.load(path), "int8 symmetric")


@posix
def test_a_change_in_the_middle_of_an_evaluation_ends_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)
    array = io.load(path)

    def step(done: int, total: int) -> None:
        os.utime(path, ns=(10**18, 10**18))

    with pytest.raises(FileChangedError):
        engine.evaluate(array, "int8 symmetric", progress=step)


def test_a_file_that_is_deleted_or_replaced_is_no_changed_one(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)
    array = io.load(path)
    io.save(path, np.zeros(3, np.float32))
    first = engine.evaluate(array, "int8 symmetric").metrics["sqnr"]
    path.unlink()
    assert engine.evaluate(array, "int8 symmetric").metrics["sqnr"] == first


@pytest.mark.parametrize("ending", [".npy", ".npz", ".csv"])
def test_a_file_that_changes_while_it_is_read_is_neither_the_one_nor_the_other(
    ending: str, tmp_path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{ending}"
    save = io.save_npz if ending == ".npz" else io.save
    save(
        path,
        *([VALUES[:4, :9]] if ending != ".npz" else []),
        **({"x": VALUES[:4, :9]} if ending == ".npz" else {}),
    )
    known = io.probe(path).load_module()
    load = known.load

    def changed(*arguments: object) -> np.ndarray:
        array: np.ndarray = load(*arguments)
        os.utime(path, ns=(10**18, 10**18))
        return array

    monkeypatch.setattr(known, "load", changed)
    said = f"{path.name} was changed by another program while it was read; try again."
    assert refusal(io.load, path) == said


@posix
def test_the_command_line_ends_well_whenever_the_file_is_made_shorter(path: Path) -> None:
    data, outcomes = path.read_bytes(), set()
    command = [sys.executable, "main.py", "compare", str(path)]
    begun = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    took = time.monotonic() - begun
    for share in (0.3, 0.5, 0.7, 0.9):
        path.write_bytes(data)
        cut = threading.Timer(took * share, os.truncate, (path, 5000))
        cut.start()
        done = subprocess.run(command, capture_output=True, text=True)
        cut.join()
        outcomes.add(done.returncode)
        assert done.returncode in (0, 2), done
        lines = done.stderr.splitlines()
        assert done.returncode == 0 or len(lines) == 1, done.stderr
    assert 2 in outcomes, outcomes


@pytest.mark.parametrize("words", [["compare"], ["params", "--as", "json"]])
def test_no_result_is_given_of_a_file_that_changed_meanwhile(
    words: list[str],
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def changed(*arguments: object, **named: object) -> engine.Evaluation:
        os.truncate(path, 5000)
        return engine.evaluate(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(cli, "evaluate", changed)
    scheme = ["--scheme", "int8 symmetric"]
    assert cli.main([words[0], str(path), *words[1:], *scheme]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.endswith("was changed by another program while it was read; try again.\n")
