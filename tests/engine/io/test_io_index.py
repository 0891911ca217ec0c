"""The head of a file is read once for all of its tensors, and anew where the file has changed."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import budget, hdf5, index, qscope
from tests.engine.io import builders, containers

COUNT = 60
ARRAYS = {f"layers.{i}": np.full(3, i, np.float32) for i in range(COUNT)}


def _session(path: Path) -> None:
    tensors = tuple(qscope.SavedTensor(name, array=array) for name, array in ARRAYS.items())
    qscope.write(path, qscope.SavedSession(tensors=tensors))


# A new reader of files with several arrays needs its line.
MANY: dict[str, Callable[[Path], object]] = {
    ".npz": lambda path: np.savez(path, **ARRAYS),  # type: ignore[arg-type]
    ".safetensors": lambda path: path.write_bytes(builders.safetensors(ARRAYS)),
    ".onnx": lambda path: path.write_bytes(builders.onnx(ARRAYS)),
    ".pt": lambda path: path.write_bytes(builders.torch(ARRAYS)),
    ".gguf": lambda path: path.write_bytes(containers.gguf(ARRAYS)),
    ".h5": lambda path: path.write_bytes(containers.hdf5(ARRAYS)),
    ".qscope": _session,
}


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a file count as unchanged as soon as it is written."""
    monkeypatch.setattr(index, "_STEP", -1)
    monkeypatch.setattr(index, "_COARSE_STEP", -1)
    index.forget()
    yield
    index.forget()


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("ending", [known.endings[0] for known in io.READERS if not known.single])
def test_loading_all_tensors_reads_the_head_once(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / f"x{ending}"
    MANY[ending](path)
    entries, children = 0, 0
    take, start = budget.Budget.take_entry, hdf5.start

    def counted(self: Any, axes: int = 0) -> None:
        nonlocal entries
        entries += 1
        take(self, axes)

    def child(request: Any) -> Any:
        nonlocal children
        children += 1
        return start(request)

    monkeypatch.setattr(budget.Budget, "take_entry", counted)
    monkeypatch.setattr(hdf5, "start", child)
    for name, array in ARRAYS.items():
        assert (io.load(path, name) == array).all()
    assert {info.name for info in io.list_tensors(path)} == set(ARRAYS)
    assert entries <= 2 * COUNT
    assert children <= 1


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("in_place", [True, False])
def test_a_file_that_has_changed_is_read_anew(in_place: bool, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(builders.safetensors({"a": np.ones(2, np.float32)}))
    assert [info.name for info in io.list_tensors(path)] == ["a"]
    other = path if in_place else tmp_path / "other"
    other.write_bytes(builders.safetensors({"b": np.ones(2, np.float32)}))
    os.utime(other, ns=(10**18, 10**18))
    other.replace(path)
    assert [info.name for info in io.list_tensors(path)] == ["b"]


def test_a_file_of_this_very_moment_is_not_believed_to_stay_the_same(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    for name in "abcdefgh":
        path.write_bytes(builders.safetensors({name: np.ones(2, np.float32)}))
        assert [info.name for info in io.list_tensors(path)] == [name]


@pytest.mark.parametrize(
    ("beyond", "later", "kept"),
    [
        (0, 2_400_000_000, 0),  # a time in whole seconds, such as FAT has in steps of two
        (0, 2_600_000_000, 1),
        (1_000_000, 2_400_000_000, 0),  # in milliseconds
        (1, 90_000_000, 0),
        (1, 110_000_000, 1),
    ],
)
def test_how_long_a_file_is_not_believed_goes_by_how_its_time_is_counted(
    beyond: int, later: int, kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(builders.safetensors({"a": np.ones(2, np.float32)}))
    changed = (path.stat().st_ctime_ns // 10**9 + 60) * 10**9 + beyond
    os.utime(path, ns=(changed, changed))
    if path.stat().st_mtime_ns != changed:
        pytest.skip("this disk counts time in longer steps")
    index.forget()
    monkeypatch.setattr(index.time, "time_ns", lambda: changed + later)
    io.list_tensors(path)
    assert len(index._files) == kept
    index.forget()


@pytest.mark.usefixtures("patient")
def test_no_more_than_two_files_are_kept(tmp_path: Path) -> None:
    for name in "abcd":
        path = tmp_path / f"{name}.safetensors"
        path.write_bytes(builders.safetensors({name: np.ones(2, np.float32)}))
        io.list_tensors(path)
    assert len(index._files) == index.KEPT


@pytest.mark.usefixtures("patient")
def test_many_threads_may_read_at_the_same_time(tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.npz" for name in "abcd"]
    for path in paths:
        np.savez(path, **ARRAYS)  # type: ignore[arg-type]
    wrong: list[object] = []

    def read(path: Path) -> None:
        for name in list(ARRAYS)[:20]:
            if not (io.load(path, name) == ARRAYS[name]).all():
                wrong.append(name)

    threads = [threading.Thread(target=read, args=(path,)) for path in paths * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.usefixtures("patient")
def test_arrays_of_many_bytes_in_a_pickle_do_not_stay_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.torch._KEPT", 100)
    path = tmp_path / "x.pt"
    for count, kept in ((10, True), (100, False)):
        pickled = pickle.dumps({"x": np.zeros(count, np.uint8), "y": np.ones(1)}, 2)[2:-1]
        path.write_bytes(builders.torch_zip(pickled, {}))
        assert io.load(path, "x").size == count
        newest = list(index._files.values())[-1]
        assert ("torch" in newest) is kept
