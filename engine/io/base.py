"""What the file formats share: the error, what a tensor is called, sentences, atomic writing."""

from __future__ import annotations

import difflib
import errno
import io
import os
import secrets
import shutil
import stat
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.numerics.arrays import is_real
from quantoscope.engine.text.number_parsing import printable, quoted

MAX_DIMENSIONS = 64  # of an array in numpy 2
_LARGEST = 2**63 - 1
_COMPARED, _COMPARED_LENGTH = 2000, 120
# What reading may take in memory: so many times the file, and so many bytes in any case.
_TIMES, _ANYWAY = 4, 1 << 26
_LISTED = 200


class FormatError(QuantizationError):
    """A file cannot be read or written; the message is one sentence that is fit for a dialog."""


class ExternalDataError(FormatError):
    """The numbers are in another file, which the person has not agreed to read.

    Attributes
    ----------
    file : str
        The name of that file, beside the one that was opened.
    """

    def __init__(self, message: str, file: str) -> None:
        super().__init__(message)
        self.file = file


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What a file says of one of its tensors, checked against the size of the file.

    Attributes
    ----------
    name : str
        The name within the file; a file of one nameless array uses its own stem.
    shape : tuple of int
    dtype : str
        Such as ``float32``.
    nbytes : int
        Size in the type that is stored, before any compression of the file.
    stored : str
        How the file names the stored type where that says more than ``dtype``, such as ``Q4_0``.
    external : str
        What the file calls the other file that holds the numbers; empty: they are in this one.
    reason : str
        Why it cannot be loaded, as the rest of a sentence that begins with its name; empty: it
        can. Shape and size are then what the file says of them, or empty and 0.
    used_by : str
        The node of a model that takes it, where its own name does not tell.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    stored: str = ""
    external: str = ""
    reason: str = ""
    used_by: str = ""

    @property
    def readable(self) -> bool:
        """Whether it can be loaded."""
        return not self.reason


def shown(path: Path) -> str:
    """Return a file's name as messages print it."""
    return printable(path.name or str(path))


def listing(names: Iterable[str], limit: int = 8) -> str:
    """Return names for a message: ``a, b, c and 12 more``."""
    known = list(names)
    some = [printable(name, 60) for name in known[:limit]]
    while len(some) > 1 and len(", ".join(some)) > _LISTED:
        some.pop()
    text = ", ".join(some)
    return f"{text} and {len(known) - len(some):,} more" if len(known) > len(some) else text


def array_in(path: Path, name: str) -> str:
    """Return what messages call an array of a file."""
    return f"The array {quoted(name)} in {shown(path)}"


def no_such_array(path: Path, name: str, names: Iterable[str]) -> FormatError:
    """Return the error about a name that a file does not have, with those that it has."""
    known = list(names)
    holds = f"it holds {listing(known)}"
    # Comparing names takes long where they are many or endless, as only damage makes them.
    candidates = [one for one in known[:_COMPARED] if len(one) < _COMPARED_LENGTH]
    close = difflib.get_close_matches(name[:_COMPARED_LENGTH], candidates, cutoff=0.75)
    if not close and name:
        close = [one for one in candidates if name.lower() in one.lower()]
    if close and len(known) > len(close):
        holds = f"among its {len(known):,} are {listing(close)}"
    return FormatError(f"{shown(path)} has no array named {quoted(name)}; {holds}.")


def unreadable(path: Path, name: str, reason: str) -> FormatError:
    """Return the error about an array that is listed with a reason why it cannot be loaded."""
    return FormatError(f"{array_in(path, name)} {reason}.")


def two_arrays(path: Path, name: str) -> FormatError:
    """Return the error about two arrays of one name."""
    return FormatError(f"{shown(path)} holds two arrays named {quoted(name)}.")


def byte_count(shape: tuple[int, ...], itemsize: int) -> int | None:
    """Return how many bytes a tensor takes; None for a shape that no array can have."""
    if len(shape) > MAX_DIMENSIONS or any(length < 0 for length in shape):
        return None
    largest = itemsize
    for length in shape:
        largest *= max(length, 1)
        if largest > _LARGEST:
            return None
    return 0 if 0 in shape else largest


def most_memory(size: int) -> int:
    """Return how many bytes may become of a file of ``size`` bytes when it is read."""
    return _TIMES * size + _ANYWAY


def out_of_proportion(nbytes: int, size: int) -> str:
    """Return what is wrong with an array that takes more than that; ends a sentence."""
    return (
        f"would take {nbytes:,} bytes, far more than its file of {size:,}; "
        "save it without compression to open it"
    )


def require_real(dtype: np.dtype[Any], what: str) -> None:
    """Refuse a type that does not hold real numbers, or that files have no name for."""
    if dtype.kind not in "iuf" or not is_real(dtype):
        raise FormatError(f"{what} {not_real(describe(dtype))}.")


def not_real(content: str) -> str:
    """Return the reason why what holds this content cannot be loaded."""
    return f"holds {content}; quantization needs real numbers"


def describe(dtype: np.dtype[Any]) -> str:
    """Return what a dtype holds, in words."""
    if dtype.names is not None:
        return "records of several fields"
    words = {
        "O": "Python objects, which are never loaded because loading can run code",
        "U": "text",
        "S": "text",
        "c": "complex numbers",
        "b": "true/false values",
        "M": "dates",
        "m": "time spans",
    }
    return words.get(dtype.kind, f"{dtype.name} values")


@contextmanager
def sentences(path: Path, doing: str) -> Iterator[None]:
    """Turn what the system raises into a FormatError; ``doing`` is ``read`` or ``write``."""
    try:
        yield
    except FormatError:
        raise
    except MemoryError:
        raise FormatError(f"{shown(path)} does not fit into the memory of this machine.") from None
    except OSError as error:
        raise FormatError(f"{shown(path)} cannot be {doing}: {_reason(error)}.") from error


def _no_name(path: Path) -> FormatError:
    return FormatError(f"{shown(path)} is not a name that a file can have.")


def _reason(error: OSError) -> str:
    words = {
        errno.ENOENT: "there is no such file or folder",
        errno.EACCES: "permission is denied",
        errno.EPERM: "permission is denied",
        errno.EISDIR: "it is a folder",
        errno.ENOTDIR: "a part of its path is not a folder",
        errno.ENOSPC: "the disk is full",
        errno.EDQUOT: "the disk quota is used up",
        errno.EFBIG: "the file would be too large for this disk",
        errno.EROFS: "the disk is read-only",
        errno.ENAMETOOLONG: "its name is too long",
        errno.ELOOP: "its links lead in a circle",
    }
    if error.errno in words:
        return words[error.errno]
    return printable(error.strerror or str(error)).rstrip(".").lower()


def require_file(path: Path) -> None:
    """Refuse what is not a regular file with something in it. Call within ``sentences``."""
    try:
        found = path.stat()
    except ValueError:  # a NUL, or half of a surrogate pair
        raise _no_name(path) from None
    if stat.S_ISDIR(found.st_mode):
        raise FormatError(f"{shown(path)} is a folder; choose a file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise FormatError(f"{shown(path)} is not a regular file.")
    if found.st_size == 0:
        raise FormatError(f"{shown(path)} is empty.")


def require_unchanged(path: Path, before: os.stat_result) -> None:
    """Refuse a file that another program has changed since ``before``, if it is still there."""
    try:
        now = path.stat()
    except OSError:  # Its numbers are all read, or the reader has said what is wrong.
        return
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise FormatError(
            f"{shown(path)} was changed by another program while it was read; try again."
        )


def open_file(path: Path) -> BinaryIO:
    """Open a regular file to read from. Call within ``sentences``.

    A pipe in its place would let the reader wait for whoever writes into it, for ever.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))

    stream = open(path, "rb", opener=opener)  # noqa: SIM115 - for the caller to close
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FormatError(f"{shown(path)} is not a regular file.")
    return stream


Check = Callable[[], None]
"""Is called now and then during long work; what it raises ends that work."""


_STRETCH = 1 << 20
_YOUNG = 60
"""Seconds in which a draft is left alone: it may have been made, and not yet taken hold of."""


def _go_on() -> None:
    """Check nothing."""


class _Watched(io.FileIO):
    """A file that asks before each write whether it is still wanted."""

    def __init__(self, path: Path, check: Check) -> None:
        super().__init__(path, "xb")
        self._check = check
        _lock(self.fileno())

    def write(self, data: Any) -> int:
        cancellation.check()
        self._check()
        return super().write(data)


def _lock(handle: int) -> bool:
    """Take hold of an open file until it is closed; False where another process has."""
    try:
        import fcntl
    except ImportError:  # Windows, where an open file cannot be deleted
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _sweep(folder: Path, tag: str) -> None:
    """Delete the drafts of a file that nobody writes any more: whoever did was killed."""
    for draft in folder.glob(f".{tag}*.part"):
        with suppress(OSError):
            found = draft.lstat()
            if not stat.S_ISREG(found.st_mode) or time.time() - found.st_mtime < _YOUNG:
                continue
            with draft.open("rb") as stream:
                held = not _lock(stream.fileno())
            if not held:
                draft.unlink()


def write_atomically(
    path: Path, write: Callable[[BinaryIO], None], check: Check | None = None
) -> None:
    """Write a file in full or not at all: an existing one is replaced only by a finished one.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the content into a stream.
    check : callable, optional
        Is called before each stretch is written, and before the old file is replaced; what it
        raises leaves everything as it was. So does a cancellation of this thread's work.

    Raises
    ------
    FormatError
        When writing fails; nothing is left behind, and an existing file is as it was.
    """
    with sentences(path, "written"):
        try:
            # A link goes on pointing at the file that it points at.
            target = Path(os.path.realpath(path))
            exists = target.exists()
        except ValueError:
            raise _no_name(path) from None
        if target.is_dir():
            raise FormatError(f"{shown(path)} is a folder; choose the name of a file.")
        if not target.parent.is_dir():
            raise FormatError(f"{shown(path)} cannot be written: its folder does not exist.")
        if exists and not target.is_file():
            raise FormatError(f"{shown(path)} is not a regular file, and is left as it is.")
        if exists and not os.access(target, os.W_OK):
            raise FormatError(f"{shown(path)} cannot be written: it is read-only.")
        # A name of its own, since that of the file may be as long as a name can be.
        tag = f"{zlib.crc32(os.fsencode(target.name)):08x}"
        _sweep(target.parent, tag)
        draft = target.with_name(f".{tag}{secrets.token_hex(4)}.part")
        try:
            # "x" and no more: the system's own default permissions, and never another's file.
            with io.BufferedWriter(_Watched(draft, check or _go_on), _STRETCH) as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            if exists:
                shutil.copymode(target, draft)
            cancellation.check()
            if check is not None:
                check()
            draft.replace(target)
            _sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise


def _sync_folder(folder: Path) -> None:
    """Let a file's new name outlast a loss of power, where the system can do that."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
