"""HDF5: list and load the real-valued datasets of a file.

HDF5's C library can crash on damaged files, so it runs only in a child process
(``engine.io.hdf5_child``), with limits on time and memory; its answers are checked
here. Uncompressed contiguous data is mapped here, without the library.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any, BinaryIO, NoReturn

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io import hdf5_child, mapped
from quantoscope.engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    label,
    most_memory,
    no_such_array,
    not_real,
    open_file,
    out_of_proportion,
    unreadable,
)
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.index import cached

SIGNATURE = b"\x89HDF\r\n\x1a\n"
# Supported filters, those bundled with HDF5: deflate, shuffle, checksums, szip, lzf.
_FILTERS = {1, 2, 3, 4, 32000}
_LONGEST_LINE = 1 << 20  # and four times the size of the file
_LONG = 1000
_SPEED = 50_000_000  # minimum throughput of the library in bytes per second
_REFUSED = {
    "depth": f"nests its groups more than {hdf5_child.MAX_DEPTH} deep, which is not read here",
    "count": f"holds more than {hdf5_child.MAX_OBJECTS:,} objects, which is not read here",
}


# Descriptions of other contents, by the child's word.
_OTHER = {
    "text": not_real("text"),
    "records": "holds records of several fields; choose one and save it alone",
    "choice": not_real("names that stand for numbers"),
    "references": not_real("references to other parts of the file"),
    "lists": not_real("lists of several lengths"),
    "arrays": not_real("an array in each place"),
    "bytes": not_real("bytes without a meaning"),
    "bits": not_real("bits"),
    "times": not_real("times"),
    "bool": not_real("true/false values"),
    "complex": not_real("complex numbers"),
    "empty": "has no values: it is of no size",
    "link": "is in another file, which is not opened",
    "number": "is of a type of number that is not known here",
}


@dataclass(frozen=True, slots=True)
class DatasetHeader:
    """Checked description of a dataset."""

    kind: str  # name of the type
    dtype: np.dtype[Any] | None  # in the file, or of what the child sends; None if not real
    shape: tuple[int, ...]
    nbytes: int
    offset: int | None  # of contiguous data in the file; None if the child has to send it
    problem: str = ""  # why the values cannot be loaded; ends a sentence


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the datasets; those that cannot be read with the reason."""
    size = _checked_size(path)
    with ExitStack() as stack:
        entries, _ = _entries(path, None, size, stack)
    return [
        TensorInfo(name, entry.shape, entry.kind, entry.nbytes, reason=entry.problem)
        for name, entry in entries.items()
    ]


def load(path: Path, name: str) -> np.ndarray:
    """Load a dataset by its path; large contiguous ones are mapped."""
    size = _checked_size(path)
    what = array_in(path, name)
    with ExitStack() as stack:
        entries, stdout = _entries(path, name, size, stack)
        entry = entries.get(name)
        if entry is None:
            raise no_such_array(path, name, entries)
        if entry.problem or entry.dtype is None:
            raise unreadable(path, name, entry.problem)
        if entry.offset is None:
            if stdout is None:
                stdout = stack.enter_context(_child(path, name, size, False))
            # Check again: the file may have been replaced meanwhile.
            if _entry(_line(stdout, path, size), size, path) != entry:
                _damaged(path)
            try:
                flat = mapped.read(stdout, entry.dtype, entry.nbytes, what)
            except FormatError:
                _damaged(path)
            return flat.reshape(entry.shape)
    with open_file(path) as stream:
        flat = mapped.numbers(stream, entry.dtype, entry.offset, entry.nbytes, what)
    return flat.reshape(entry.shape)


def _entries(
    path: Path, name: str | None, size: int, stack: ExitStack
) -> tuple[dict[str, DatasetHeader], BinaryIO | None]:
    """Return all datasets, and the stream of the child that is about to send ``name``, if any."""
    running: list[BinaryIO] = []

    def read() -> dict[str, DatasetHeader]:
        stdout = stack.enter_context(_child(path, name, size, True))
        running.append(stdout)
        return _all(stdout, size, path)

    return cached(path, path, "hdf5", read), running[0] if running else None


def _damaged(path: Path) -> NoReturn:
    raise FormatError(
        f"{label(path)} is damaged, or takes far longer to read than its size explains: the HDF5 "
        "library could not read it."
    )


def _checked_size(path: Path) -> int:
    """Return the size of the file, checked against its superblock."""
    if importlib.util.find_spec("h5py") is None:
        raise ModuleNotFoundError("h5py is not installed", name="h5py")
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = 0
        while (head := _read_at(stream, start, 64))[:8] != SIGNATURE:
            # A user block of 512 times a power of two bytes may precede the superblock.
            start = max(512, 2 * start)
            if start >= size:
                raise FormatError(f"{label(path)} is not an HDF5 file: it does not begin like one.")
    end = _claimed_end(head)
    if end is None:
        raise FormatError(f"{label(path)} is damaged, or of a version of HDF5 that is not known.")
    if end > size:
        raise FormatError(
            f"{label(path)} is cut short: it claims {end:,} bytes, and {size:,} are there."
        )
    return size


def _read_at(stream: BinaryIO, position: int, count: int) -> bytes:
    stream.seek(position)
    return stream.read(count)


def _claimed_end(head: bytes) -> int | None:
    """Return the end of data stated in a superblock; None if there is no superblock."""
    if len(head) < 48 or head[8] > 3:
        return None
    old = head[8] < 2
    width = head[13] if old else head[9]
    if width not in (2, 4, 8):
        return None
    # After the base address and one more address.
    at = (24, 28, 12, 12)[head[8]] + 2 * width
    return int.from_bytes(head[at : at + width], "little")


def start(request: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start a child process that answers a request on standard output."""
    command = [sys.executable, "-P", "-B", hdf5_child.__file__, json.dumps(request)]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HDF5_")}
    # Load no filter plug-ins, do not lock network files, and let numpy start
    # no threads: their stacks would count as memory.
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
def _child(path: Path, name: str | None, size: int, listing: bool) -> Iterator[BinaryIO]:
    """Run the child for one request, with a time limit."""
    seconds = 2 + size // _SPEED
    request = {
        "path": str(path), "name": name, "list": listing, "seconds": seconds, "memory": 4 * size
    }  # fmt: skip
    child: Any = start(request)
    # The child limits its own processor time; this limit is for a child that blocks.
    largest = most_memory(size) if name is not None else 0
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


def _line(stdout: BinaryIO, path: Path, size: int) -> dict[str, Any]:
    """Return the child's next line; raise if it crashed or was killed."""
    line = stdout.readline(_LONGEST_LINE + 4 * size)
    try:
        answer = json.loads(line)
    except (ValueError, RecursionError):
        _damaged(path)
    if not isinstance(answer, dict) or not line.endswith(b"\n"):
        _damaged(path)
    if answer.get("refused") == "package":
        raise ModuleNotFoundError("h5py cannot be imported", name="h5py")
    if "refused" in answer:
        raise FormatError(f"{label(path)} {_REFUSED[answer['refused']]}.")
    return answer


def _all(stdout: BinaryIO, size: int, path: Path) -> dict[str, DatasetHeader]:
    """Return the description of each dataset from the child."""
    budget = Budget(path, size)
    entries: dict[str, DatasetHeader] = {}
    while "end" not in (told := _line(stdout, path, size)):
        name = str(told.get("name"))
        budget.take_joined(name)
        if len(name) > _LONG:
            # Its line of JSON, with up to twelve characters per letter.
            budget.take(4 * len(name))
        entries[name] = _entry(told, size, path)
        cancellation.check()
        budget.take_entry(len(entries[name].shape))
    return entries


def _entry(told: dict[str, Any], size: int, path: Path) -> DatasetHeader:
    """Check the child's description of a dataset."""
    try:
        shape = tuple(int(length) for length in told["shape"])
        if not told["real"]:
            shape = shape if byte_count(shape, 1) is not None else ()
            return DatasetHeader(str(told["type"]), None, shape, 0, None, _OTHER[told["why"]])
        dtype = np.dtype(told["dtype"])
        if dtype.kind not in "iuf" or dtype.itemsize > 8:
            reason = f"holds {dtype.name} values, which are not read; save it as float64"
            return DatasetHeader(dtype.name, None, shape, 0, None, reason)
        nbytes = byte_count(shape, dtype.itemsize)
        if nbytes is None or nbytes != told["nbytes"]:
            _damaged(path)
        offset = told["offset"] if nbytes else None
        if offset is not None and not 0 <= offset <= size - nbytes:
            _damaged(path)
        problem = _problem(told, nbytes, size)
    except (KeyError, TypeError, ValueError):
        _damaged(path)
    return DatasetHeader(dtype.name, dtype, shape, nbytes, offset, problem)


def _problem(told: dict[str, Any], nbytes: int, size: int) -> str:
    """Return why the values cannot be loaded; empty if they can."""
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
