"""One try of a file on the readers, under watch: what may come of it, and what must not."""

from __future__ import annotations

import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from quantoscope.engine import io
from quantoscope.engine.io import FormatError, mapped, qscope
from quantoscope.engine.io.base import label

SECONDS = 2.0
"""Of processor time for a call."""
SPARE = (1 << 26) + (1 << 23)
"""Bytes beside four times the file that a try may take; the second part is for Python itself."""
MOST_TENSORS, OF_MANY, MANY = 40, 2, 1000
"""How many tensors are loaded; fewer where there are many, whose list each load goes through."""
_ROOTS = tuple(
    str(Path(place).resolve()) + os.sep
    for place in {
        sys.prefix,
        sys.base_prefix,
        os.path.dirname(os.__file__),
        Path(__file__).parents[4],
    }
)
# What no reader does. Reading a file is looked at more closely, and so are imports.
_FORBIDDEN = (
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.remove",
    "os.rename", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod", "os.chown",
    "os.truncate", "os.putenv", "os.listdir", "os.scandir", "subprocess.Popen", "pty.spawn",
    "shutil.", "tempfile.", "pickle.find_class", "ctypes.", "socket.connect",
    "socket.bind", "socket.getaddrinfo", "urllib.Request", "webbrowser.open", "ftplib.",
    "code.__new__", "function.__new__", "builtins.input", "sqlite3.connect",
)  # fmt: skip
_IMPORTABLE = (*sys.stdlib_module_names, "engine", "numpy", "ml_dtypes", "gguf", "h5py")


class Hang(BaseException):
    """The try took longer than it may."""


class Watch:
    """Listens to what Python itself says it does: files opened, code run, processes started."""

    def __init__(self) -> None:
        self.allowed: set[str] = set()
        self.folder = ""
        self.seen: list[str] | None = None
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.seen is None:
            return
        if event == "open":
            self._opened(*arguments)
        elif event == "import" and str(arguments[0]).partition(".")[0] not in _IMPORTABLE:
            self.seen.append(f"imported {arguments[0]}")
        elif event == "exec" and not self._ours(getattr(arguments[0], "co_filename", "")):
            self.seen.append(f"ran code of {arguments[0]!r}")
        elif event.startswith(_FORBIDDEN):
            self.seen.append(f"{event}{arguments!r}"[:300])

    def _opened(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int):
            return
        place = os.path.abspath(os.fsdecode(path))
        if self.folder and os.path.realpath(place).startswith(self.folder + os.sep):
            return
        writes = bool(set(mode or "") & set("wax+")) or bool((flags or 0) & 3)
        if writes or not (place in self.allowed or self._ours(place)):
            assert self.seen is not None
            self.seen.append(f"opened {place!r} ({mode}, {flags})")

    def _ours(self, place: str) -> bool:
        if place.startswith("<"):
            return place.startswith("<frozen")  # and not the text that exec and eval are given
        return os.path.realpath(place).startswith(_ROOTS)


def _hang(*_: object) -> None:
    raise Hang


def try_file(path: Path, watch: Watch, mapping: bool = False, alone: bool = True) -> str:
    """Have a file listed, every tensor loaded and its codes taken; return what was wrong.

    Parameters
    ----------
    path : Path
    watch : Watch
    mapping : bool
        Whether even few numbers are mapped.
    alone : bool
        Whether to load without a name as well.

    Returns
    -------
    str
        Empty where each call gave a result or a sentence.
    """
    mapped.MAPPED_ABOVE = 0 if mapping else 1 << 62
    # How much memory is free decides whether many numbers are mapped.
    watch.allowed, watch.folder = {os.path.abspath(path), "/proc/meminfo"}, ""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    with open("/proc/self/statm", encoding="ascii") as stream:
        pages = int(stream.read().split()[0])
    room = pages * resource.getpagesize() + 4 * path.stat().st_size + SPARE
    signal.signal(signal.SIGVTALRM, _hang)
    seen: list[str] = []
    watch.seen = seen
    resource.setrlimit(resource.RLIMIT_AS, (room, hard))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _use(path, alone)
            # Having agreed to it, and then no more than to the folder.
            watch.folder = os.path.realpath(path.parent)
            _use_external(path)
    except Hang:
        return f"took longer than {SECONDS:g} s"
    except BaseException as error:  # That is what is being looked for.
        return f"{type(error).__name__}: {error}"[:500]
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        watch.seen = None
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    return "; ".join(seen[:5])


def _timed(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Call with the time set anew."""
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    return call(*arguments, **named)


def _use(path: Path, alone: bool) -> None:
    try:
        infos = _timed(io.list_tensors, path)
    except FormatError as error:
        _sentence(error, path)
        infos = [io.TensorInfo("weight", (), "", 0)]
    else:
        assert infos, "an empty list instead of a sentence"
        assert len({info.name for info in infos}) == len(infos), "two tensors of one name"
    for info in infos[: MOST_TENSORS if len(infos) < MANY else OF_MANY]:
        _use_one(path, info)
    if path.suffix == ".qscope":
        # As the window opens it, with everything that is in it.
        try:
            _timed(qscope.read, path)
            _timed(qscope.head_of, path)
        except FormatError as error:
            _sentence(error, path)
    if alone:
        try:
            _timed(io.load, path)
        except FormatError as error:
            _sentence(error, path)


def _use_external(path: Path) -> None:
    try:
        for info in _timed(io.list_tensors, path)[:MOST_TENSORS]:
            if info.external:
                array = _timed(io.load, path, info.name, external=True)
                assert (info.shape, info.dtype) == (array.shape, array.dtype.name), "not as listed"
    except FormatError as error:
        _sentence(error, path)


def _use_one(path: Path, info: io.TensorInfo) -> None:
    try:
        array = _timed(io.load, path, info.name)
        if info.dtype:
            assert (info.shape, info.dtype) == (array.shape, array.dtype.name), "not as listed"
            # Of packed numbers the list has what the file takes.
            packed = bool(info.stored) and info.nbytes < array.nbytes
            assert packed or info.nbytes == array.nbytes, "not as large as listed"
        assert type(array) is np.ndarray
        assert array.flags.c_contiguous
        assert array.flags.writeable
        assert array.dtype.isnative
        if array.size:
            array.reshape(-1)[-1] = array.reshape(-1)[0]
    except FormatError as error:
        _sentence(error, path)
    try:
        stored = _timed(io.load_codes, path, info.name)
        if stored is not None:
            assert stored.codes.shape == info.shape
            assert stored.reconstructed().shape == info.shape
    except FormatError as error:
        _sentence(error, path)


def _sentence(error: FormatError, path: Path) -> None:
    message = str(error)
    assert message.endswith("."), message
    assert message.isprintable(), message
    assert len(message) < 500, message
    assert "Errno" not in message, message
    assert message != f"{label(path)} does not fit into the memory of this machine.", message
