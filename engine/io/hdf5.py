"""HDF5: the datasets of real numbers in a file's groups, by their paths.

The C library of HDF5 has crashed on damaged files, so it only ever runs in a child process
(``engine.io.hdf5_child``), with limits on its time and memory; what the child says is checked
here. Numbers that lie in the file as they are get mapped here, without the library.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, BinaryIO, NoReturn, Protocol

import numpy as np

from engine import cancellation
from engine.io import hdf5_child, mapped
from engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    most_memory,
    no_such_array,
    open_file,
    out_of_proportion,
    shown,
)

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Those that HDF5 brings and that are read: deflate, shuffle, checksums, szip, lzf.
_FILTERS = {1, 2, 3, 4, 32000}
_LONGEST_ANSWER = 1 << 20  # and four times the size of the file
_SPEED = 50_000_000  # bytes per second that the library handles at least
_REFUSED = {
    "depth": f"nests its groups more than {hdf5_child.MAX_DEPTH} deep, which is not read here",
    "count": f"holds more than {hdf5_child.MAX_OBJECTS:,} objects, which is not read here",
}


class Child(Protocol):
    """A running child: as much of ``subprocess.Popen`` as is used."""

    stdout: Any

    def kill(self) -> None:
        """End it."""

    def wait(self) -> int:
        """Wait for its end."""


@dataclass(frozen=True)
class Entry:
    """What the child said of one dataset, checked.

    Attributes
    ----------
    dtype : numpy.dtype
        As in the file where ``offset`` is known, else as the child sends it.
    shape : tuple of int
    nbytes : int
    offset : int or None
        Where the numbers lie in the file as they are; None: the child sends them.
    problem : str
        Why the values cannot be had; ends a sentence.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    nbytes: int
    offset: int | None
    problem: str = ""


def list_tensors(path: Path) -> list[TensorInfo]:
    """Return the datasets of real numbers; those that cannot be read are left out.

    Raises
    ------
    FormatError
        Also when there are datasets of numbers, and none of them can be read.
    """
    size = _checked_size(path)
    with _child(path, None, size) as stdout:
        entries = _all(_answer(stdout, path, size), size, path)
    found = [
        TensorInfo(name, entry.shape, entry.dtype.name, entry.nbytes)
        for name, entry in entries.items()
        if not entry.problem
    ]
    if not found:
        for name, entry in entries.items():
            raise FormatError(f"{array_in(path, name)} {entry.problem}.")
    return found


def load(path: Path, name: str) -> np.ndarray:
    """Return the dataset of that path; a large one that lies in the file as it is is mapped."""
    size = _checked_size(path)
    what = array_in(path, name)
    with _child(path, name, size) as stdout:
        answer = _answer(stdout, path, size)
        if "datasets" in answer:
            raise no_such_array(path, name, _all(answer, size, path))
        entry = _entry(answer, size, path)
        if entry is None:
            raise FormatError(f"{what} does not hold real numbers of a type that is known here.")
        if entry.problem:
            raise FormatError(f"{what} {entry.problem}.")
        if entry.offset is None:
            try:
                flat = mapped.read(stdout, entry.dtype, entry.nbytes, what)
            except FormatError:
                _damaged(path)
            return flat.reshape(entry.shape)
    with open_file(path) as stream:
        flat = mapped.numbers(stream, entry.dtype, entry.offset, entry.nbytes, what)
    return flat.reshape(entry.shape)


def _damaged(path: Path) -> NoReturn:
    raise FormatError(
        f"{shown(path)} is damaged, or takes far longer to read than its size explains: the HDF5 "
        "library could not read it."
    )


def _checked_size(path: Path) -> int:
    """Return the size of the file, having held it against what its first block claims."""
    if importlib.util.find_spec("h5py") is None:
        raise ModuleNotFoundError("h5py is not installed", name="h5py")
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = 0
        while (head := _read_at(stream, start, 64))[:8] != SIGNATURE:
            # Other data may stand before, in a length of 512 times a power of two.
            start = max(512, 2 * start)
            if start >= size:
                raise FormatError(f"{shown(path)} is not an HDF5 file: it does not begin like one.")
    end = _claimed_end(head)
    if end is None:
        raise FormatError(f"{shown(path)} is damaged, or of a version of HDF5 that is not known.")
    if end > size:
        raise FormatError(
            f"{shown(path)} is cut short: it claims {end:,} bytes, and {size:,} are there."
        )
    return size


def _read_at(stream: BinaryIO, position: int, count: int) -> bytes:
    stream.seek(position)
    return stream.read(count)


def _claimed_end(head: bytes) -> int | None:
    """Return where the data ends, as a superblock says; None where there is no such superblock."""
    if len(head) < 48 or head[8] > 3:
        return None
    old = head[8] < 2
    width = head[13] if old else head[9]
    if width not in (2, 4, 8):
        return None
    # Behind the base address and another one.
    at = (24, 28, 12, 12)[head[8]] + 2 * width
    return int.from_bytes(head[at : at + width], "little")


def start(request: dict[str, Any]) -> Child:
    """Start a child process that answers a request on its standard output."""
    command = [sys.executable, "-P", "-B", hdf5_child.__file__, json.dumps(request)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HDF5_")}
    # Filters are never loaded as plug-ins, a file on a network is not locked, and numpy starts
    # no threads, whose stacks would count as memory.
    environment |= {
        "HDF5_PLUGIN_PRELOAD": "::",
        "HDF5_USE_FILE_LOCKING": "FALSE",
        "OPENBLAS_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


@contextmanager
def _child(path: Path, name: str | None, size: int) -> Iterator[BinaryIO]:
    """Run the child for one request, no longer than it may take."""
    seconds = 2 + size // _SPEED
    request = {"path": str(path), "name": name, "seconds": seconds, "memory": 4 * size}
    child = start(request)
    # The child's own limit counts its processor's time; this one is for a child that waits.
    largest = most_memory(size) if name else 0
    patience = Timer(10 + 3 * seconds + largest // _SPEED, child.kill)
    patience.daemon = True
    patience.start()
    try:
        with cancellation.current().on_cancel(child.kill):
            yield child.stdout
    finally:
        patience.cancel()
        child.kill()
        child.stdout.close()
        child.wait()
        patience.join()


def _answer(stdout: BinaryIO, path: Path, size: int) -> dict[str, Any]:
    """Return the child's line; without one it crashed, or was ended."""
    line = stdout.readline(_LONGEST_ANSWER + 4 * size)
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        _damaged(path)
    if not isinstance(answer, dict) or not line.endswith(b"\n"):
        _damaged(path)
    if answer.get("refused") == "package":
        raise ModuleNotFoundError("h5py cannot be imported", name="h5py")
    if "refused" in answer:
        raise FormatError(f"{shown(path)} {_REFUSED[answer['refused']]}.")
    return answer


def _all(answer: dict[str, Any], size: int, path: Path) -> dict[str, Entry]:
    entries = ((told["name"], _entry(told, size, path)) for told in answer["datasets"])
    return {name: entry for name, entry in entries if entry is not None}


def _entry(told: dict[str, Any], size: int, path: Path) -> Entry | None:
    """Check what the child says of a dataset; None where it holds no real numbers."""
    if not told["real"]:
        return None
    dtype, shape = np.dtype(told["dtype"]), tuple(told["shape"])
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        return None
    nbytes = byte_count(shape, dtype.itemsize)
    if nbytes is None or nbytes != told["nbytes"]:
        _damaged(path)
    offset = told["offset"] if nbytes else None
    if offset is not None and not 0 <= offset <= size - nbytes:
        _damaged(path)
    return Entry(dtype, shape, nbytes, offset, _problem(told, nbytes, size))


def _problem(told: dict[str, Any], nbytes: int, size: int) -> str:
    """Return why the values cannot be had, or nothing."""
    filters = told["filters"]
    if told["virtual"] or told["external"]:
        return "has its values in other files, which are not opened; save a copy that holds them"
    if not _FILTERS.issuperset(filters):
        return "is compressed in a way that is not read here; save it with gzip, lzf or as it is"
    if told["storage"] > size:
        return "is damaged: it claims to take more than the whole file"
    if nbytes > most_memory(size):
        return out_of_proportion(nbytes, size)
    if told["offset"] is None and nbytes and not told["sends"]:
        return "is compressed in a way that this HDF5 library cannot read"
    return ""
