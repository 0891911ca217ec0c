"""The child process that reads .h5: that it may crash, hang, lie and take too much."""

from __future__ import annotations

import importlib.util
import io as stdio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import hdf5, hdf5_child
from tests.engine.io import containers

h5py = pytest.importorskip("h5py")

Refusal = Callable[..., str]

X = np.arange(60, dtype=np.float32).reshape(6, 10)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.h5"


def damaged(path: Path) -> str:
    return (
        f"{path.name} is damaged, or takes far longer to read than its size explains: the HDF5 "
        "library could not read it."
    )


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
@pytest.mark.parametrize("number", ["SIGSEGV", "SIGABRT", "SIGKILL"])
@pytest.mark.parametrize("call", [io.load, io.list_tensors])
def test_a_child_that_crashes_is_a_damaged_file(
    call: Any, number: str, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({"x": X}))
    code = f"import os, signal; os.kill(os.getpid(), signal.{number})"
    monkeypatch.setattr(hdf5, "start", program(code))
    assert refusal(call, path) == damaged(path)


def program(code: str) -> Callable[[Any], Any]:
    """Return a ``start`` that runs other code in the child's place."""

    def start(request: Any) -> Any:
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)

    return start


def answering(text: bytes) -> Callable[[Any], Any]:
    return program(f"import sys; sys.stdout.buffer.write({text!r})")


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[]\n", b"not json\n", b"[" * 100_000 + b"\n", b'{"datasets"', b"\xff\xfe\n"],
)
def test_a_child_that_talks_nonsense_is_a_damaged_file(
    text: bytes, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({"x": X}))
    monkeypatch.setattr(hdf5, "start", answering(text))
    assert refusal(io.list_tensors, path) == damaged(path)


SOUND = {
    "name": "x", "real": True, "virtual": False, "external": False, "filters": [], "sends": True,
    "dtype": "<f4", "shape": [6, 10], "nbytes": 240, "storage": 240, "offset": None,
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"nbytes": 241},
        {"shape": [-6, -10]},
        {"shape": [6] * 65},
        {"shape": [2**40, 2**40], "nbytes": 2**82},
        {"storage": 10**9},
        {"offset": 2000},
        {"offset": -1},
        {"shape": [10**9], "nbytes": 4 * 10**9},
        {},  # and then no values
    ],
)
def test_what_a_child_claims_is_held_against_the_file(
    change: dict[str, Any], path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({"x": X}))
    line = json.dumps(SOUND | change).encode() + b"\n"
    answer = line + b'{"end": true}\n' + line + X.tobytes()[:100]
    monkeypatch.setattr(hdf5, "start", answering(answer))
    refusal(io.load, path, "x")


@pytest.mark.parametrize(("left", "sound"), [(240, True), (239, False)])
def test_numbers_that_end_behind_the_file_are_not_listed(
    left: int, sound: bool, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({"x": X}))
    line = json.dumps(SOUND | {"offset": path.stat().st_size - left}).encode()
    monkeypatch.setattr(hdf5, "start", answering(line + b'\n{"end": true}\n'))
    if sound:
        assert [info.shape for info in io.list_tensors(path)] == [(6, 10)]
    else:
        assert refusal(io.list_tensors, path) == damaged(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to these limits")
@pytest.mark.parametrize(
    "greed",
    ["while True: pass", "bytearray(10**9)", "os.write(os.open('x', os.O_CREAT | 1), b'x')"],
)
def test_a_child_that_takes_more_than_it_may_is_ended_by_the_system(
    greed: str, tmp_path: Path
) -> None:
    code = (
        f"import os\nfrom quantoscope.engine.io import hdf5_child; hdf5_child._limit(0, 0)\n{greed}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path)
    assert done.returncode != 0
    assert all(found.stat().st_size == 0 for found in tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="the waiting is that of POSIX")
def test_a_child_that_waits_for_ever_is_ended(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({"x": X}))
    monkeypatch.setattr(hdf5, "start", program("import signal; signal.pause()"))
    usual = hdf5.Timer
    monkeypatch.setattr(hdf5, "Timer", lambda seconds, end: usual(seconds / 100, end))
    assert refusal(io.load, path) == damaged(path)


def test_plug_ins_are_switched_off_for_the_child(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {}
    usual = subprocess.Popen

    def spy(*arguments: Any, **named: Any) -> Any:
        seen.update(named["env"])
        return usual(*arguments, **named)

    monkeypatch.setenv("HDF5_PLUGIN_PATH", str(path.parent))
    monkeypatch.setattr(subprocess, "Popen", spy)
    path.write_bytes(containers.hdf5({"x": X}))
    assert (io.load(path) == X).all()
    assert seen["HDF5_PLUGIN_PRELOAD"] == "::"
    assert "HDF5_PLUGIN_PATH" not in seen


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_a_file_cut_short_is_told_without_the_library(
    libver: str, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = containers.hdf5({"x": X}, libver)
    monkeypatch.setattr(hdf5, "start", None)
    path.write_bytes(data[:-1])
    assert "cut short" in refusal(io.load, path)


def test_without_h5py_the_extra_is_named(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({"x": X}))
    with monkeypatch.context() as patch:
        patch.setattr(importlib.util, "find_spec", lambda name: None)
        assert "pip install h5py" in refusal(io.load, path)
    monkeypatch.setattr(hdf5, "start", answering(b'{"refused": "package"}\n'))
    assert "pip install h5py" in refusal(io.list_tensors, path)


def test_more_objects_than_are_read_are_told(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.hdf5({f"x{i}": X for i in range(9)}))
    monkeypatch.setattr(hdf5_child, "MAX_OBJECTS", 5)
    out = stdio.BytesIO()
    monkeypatch.setattr(hdf5_child, "_limit", lambda *_: None)
    request = {"path": str(path), "name": None, "list": True, "seconds": 9, "memory": 9}
    hdf5_child.main(request, out)
    assert json.loads(out.getvalue().splitlines()[-1]) == {"refused": "count"}
