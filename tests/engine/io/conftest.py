"""Sample files, one for each registered reader, and the check that a refusal is a sentence."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import FileFormat, FormatError, qscope
from tests.engine.io import builders, containers
from tests.engine.io.hostile.forks import ForkServer

SAMPLE = np.array([[0.21535037, 1.2962357, -1.0161772], [3.5e-8, -0.0, 42.0]], dtype=np.float32)

Refusal = Callable[..., str]

# Thresholds that make all numbers be mapped, or none.
ALL, NONE = 0, 1 << 62
# Readers whose sample is mapped then.
MAPPING = (io.NPY, io.SAFETENSORS, io.TORCH, io.GGUF, io.HDF5)

# What writes the sample of a format that ``io.save`` does not write; a new reader needs its line.
CONTAINERS: dict[str, Callable[[Path], object]] = {
    ".npz": lambda path: io.save_npz(path, weight=SAMPLE),
    ".safetensors": lambda path: path.write_bytes(builders.safetensors({"weight": SAMPLE})),
    ".gguf": lambda path: path.write_bytes(containers.gguf({"weight": SAMPLE}, alignment=8)),
    ".h5": lambda path: path.write_bytes(containers.hdf5({"weight": SAMPLE})),
    ".onnx": lambda path: path.write_bytes(builders.onnx({"weight": SAMPLE})),
    ".qscope": lambda path: qscope.write(
        path, qscope.SavedSession(tensors=(qscope.SavedTensor("weight", array=SAMPLE),))
    ),
    ".pt": lambda path: path.write_bytes(builders.torch({"weight": SAMPLE})),
}


def ways(formats: Sequence[FileFormat]) -> list[Any]:
    """List formats for a fixture; twice those that have another way for many numbers."""
    return [
        pytest.param((known, threshold), id=known.endings[0] + note)
        for known in formats
        for threshold, note in ((NONE, ""), (ALL, " mapped"))
        if threshold == NONE or known in MAPPING
    ]


def take(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FileFormat:
    known, threshold = request.param
    if known is io.HDF5 and hasattr(os, "fork"):
        monkeypatch.setattr(
            "quantoscope.engine.io.hdf5.start", request.getfixturevalue("forks").start
        )
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", threshold)
    return known


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Give what starts children for HDF5 in a moment, for tests that read thousands of files."""
    with ForkServer() as server:
        yield server


@pytest.fixture(scope="session")
def original() -> np.ndarray:
    """Give what the sample files hold."""
    return SAMPLE.copy()


@pytest.fixture(scope="session")
def write_sample() -> Callable[[Path], None]:
    """Write the sample in the format of the ending, under the name "weight" where it has one."""

    def write(path: Path) -> None:
        CONTAINERS.get(path.suffix, lambda path: io.save(path, SAMPLE))(path)

    return write


@pytest.fixture(params=ways(io.READERS))
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FileFormat:
    return take(request, monkeypatch)


@pytest.fixture(params=ways([known for known in io.READERS if known.magic]))
def binary_reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FileFormat:
    return take(request, monkeypatch)


@pytest.fixture(params=ways(io.WRITERS))
def writer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> FileFormat:
    return take(request, monkeypatch)


@pytest.fixture
def is_mapped() -> Callable[[np.ndarray], bool]:
    """Tell whether an array's numbers lie in a file."""

    def check(array: np.ndarray) -> bool:
        owner: Any = array
        while isinstance(owner, np.ndarray | memoryview):
            owner = owner.obj if isinstance(owner, memoryview) else owner.base
        return isinstance(owner, mmap.mmap)

    return check


@pytest.fixture
def sample(reader: FileFormat, tmp_path: Path, write_sample: Callable[[Path], None]) -> Path:
    path = tmp_path / f"sample{reader.endings[0]}"
    write_sample(path)
    return path


@pytest.fixture(scope="session")
def refusal() -> Refusal:
    """Give the message with which a call is refused, having checked that it fits a dialog."""

    def check(call: Callable[..., object], *arguments: object, **named: object) -> str:
        with pytest.raises(FormatError) as caught:
            call(*arguments, **named)
        message = str(caught.value)
        assert message.endswith(".")
        assert message.isprintable(), "one line, no control characters"
        assert "Errno" not in message
        assert len(message) < 400
        return message

    return check
