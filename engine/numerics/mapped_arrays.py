"""Detection of changes to memory-mapped files while arrays use them.

Reading a mapped page beyond the end of its file kills the process (SIGBUS). So the kernel copies
each block, the file's size and time are compared, and the mapping of a file that has become shorter
is replaced with NaN; later reads raise an error.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import tempfile
import threading
import weakref
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quantoscope.engine.errors import QuantizationError

_MAP_FIXED = 0x10
_PATTERN = 1 << 24


class FileChangedError(QuantizationError):
    """Another program has changed a file that was not read completely."""


@dataclass(eq=False)
class _Mapping:
    """Mapped pages of a file."""

    start: int
    stop: int
    """Addresses of the pages."""
    handle: int
    """Descriptor of the open file."""
    state: tuple[int, int]
    """Size and modification time at the time of mapping."""
    name: str
    """What messages call it."""
    problem: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> str:
        """Return a sentence on how the file has changed; empty if it has not."""
        with self.lock:
            if not self.problem and _state(self.handle) != self.state:
                shorter = _state(self.handle)[0] < self.state[0]
                done = "made shorter" if shorter else "changed"
                self.problem = (
                    f"{self.name} was {done} by another program while it was open, and not all "
                    "of it had been read; open it again."
                )
                if shorter:
                    _give_up(self.start, self.stop)
        return self.problem


_mappings: list[_Mapping] = []


def watch(pages: mmap.mmap, handle: int, name: str) -> None:
    """Watch the file behind a mapping for as long as the mapping lives.

    The caller still has to close ``handle``, the file's descriptor; messages call it ``name``.
    """
    start = np.frombuffer(pages, np.uint8).__array_interface__["data"][0]
    own = os.dup(handle)
    mapping = _Mapping(start, start + len(pages), own, _state(own), name)
    _mappings.append(mapping)
    weakref.finalize(pages, _forget, mapping)


def look(x: np.ndarray) -> str:
    """Return a sentence on how the file behind an array has changed; empty if it has not."""
    if not _mappings:
        return ""
    address: int = x.__array_interface__["data"][0]
    problems = (m.look() for m in tuple(_mappings) if m.start <= address < m.stop)
    return next(filter(None, problems), "")


def check(x: np.ndarray) -> None:
    """Raise FileChangedError if another program has changed the file behind an array."""
    problem = look(x)
    if problem:
        raise FileChangedError(problem)


def block(view: np.ndarray) -> np.ndarray:
    """Return part of an array for reading: a copy if it lies in a mapped file.

    The kernel makes the copy and reports pages that are gone, which would kill the process if read
    directly. A part that is not contiguous, and any part outside Linux, is returned as a view.

    Raises
    ------
    FileChangedError
        If another program has changed the file.
    """
    if not _mappings:
        return view
    address: int = view.__array_interface__["data"][0]
    mapping = next((m for m in tuple(_mappings) if m.start <= address < m.stop), None)
    if mapping is None:
        return view
    copy = _copied(view, address) if view.flags.c_contiguous else view
    problem = mapping.look()
    if not problem and copy is None:
        problem = f"{mapping.name} can no longer be read; open it again."
    if problem or copy is None:
        raise FileChangedError(problem)
    return copy


class _Stretch(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("count", ctypes.c_size_t)]


_library: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
_read_process = getattr(_library, "process_vm_readv", None)
if _read_process is not None:
    _stretches = [ctypes.POINTER(_Stretch), ctypes.c_ulong]
    _read_process.argtypes = [ctypes.c_int, *_stretches, *_stretches, ctypes.c_ulong]
    _read_process.restype = ctypes.c_ssize_t


def _copied(view: np.ndarray, address: int) -> np.ndarray | None:
    """Copy a contiguous part; return the part if copying is unsupported, None if pages are lost."""
    if _read_process is None or not view.size:
        return view
    copy = np.empty_like(view)
    done = 0
    while done < view.nbytes:
        to = _Stretch(copy.__array_interface__["data"][0] + done, view.nbytes - done)
        start = _Stretch(address + done, view.nbytes - done)
        count = _read_process(os.getpid(), to, 1, start, 1, 0)
        if count < 0 and ctypes.get_errno() in (errno.EPERM, errno.ENOSYS):
            return view
        if count <= 0:
            return None
        done += count
    return copy


def _forget(mapping: _Mapping) -> None:
    _mappings.remove(mapping)
    with suppress(OSError):
        os.close(mapping.handle)


def _state(handle: int) -> tuple[int, int]:
    """Return size and modification time of an open file."""
    found = os.fstat(handle)
    return found.st_size, found.st_mtime_ns


def _give_up(start: int, stop: int) -> None:
    """Map pages filled with NaN in place of the lost ones, so that reading them is safe.

    The same few pages are mapped repeatedly, since the whole range may exceed the memory.
    """
    library: Any = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    with tempfile.TemporaryFile() as stream:
        stream.write(b"\xff" * _PATTERN)  # NaN in all floats, −1 in whole numbers
        stream.flush()
        rights, kind = mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | _MAP_FIXED
        for place in range(start, stop, _PATTERN):
            count = min(_PATTERN, stop - place)
            library.mmap(place, count, rights, kind, stream.fileno(), 0)
