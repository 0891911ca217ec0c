"""Shared parts of file formats: errors, TensorInfo, messages, atomic writing."""

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
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.text.number_parsing import printable, quoted

MAX_DIMENSIONS = 64  # of an array in numpy 2
_LARGEST = 2**63 - 1
_COMPARED, _COMPARED_LENGTH = 2000, 120
# Memory limit of reading: a multiple of the file's size, plus a constant.
_TIMES, _ANYWAY = 4, 1 << 26
_LISTED = 200


class FormatError(QuantizationError):
    """Raised if a file cannot be read or written; the message is one sentence for the user."""


class ExternalDataError(FormatError):
    """Raised if data is in another file that the user has not agreed to read.

    Attributes
    ----------
    file : str
        Name of that file, in the folder of the one that was opened.
    """

    def __init__(self, message: str, file: str) -> None:
        super().__init__(message)
        self.file = file


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Description of a tensor in a file, checked against the size of the file.

    Attributes
    ----------
    name : str
        Name within the file; a single unnamed array has the file's stem.
    shape : tuple of int
    dtype : str
        Such as ``float32``.
    nbytes : int
        Size in the stored type, before compression.
    stored : str
        The file's name of the stored type if it is more specific than ``dtype``, such as ``Q4_0``.
    external : str
        Name of another file that holds the data; empty if this file does.
    reason : str
        Why it cannot be loaded, as a predicate for its name; empty if it
        can be. Shape and size are then unchecked, or empty and 0.
    used_by : str
        Node of a model that consumes it, if its own name is generated.
    role : Role or None
        Which axes are its outputs and which a product sums over, where the file tells; None
        stands for the usual: out is axis 0, and in the rest.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    stored: str = ""
    external: str = ""
    reason: str = ""
    used_by: str = ""
    role: Role | None = None

    @property
    def readable(self) -> bool:
        """Whether it can be loaded."""
        return not self.reason


def label(path: Path) -> str:
    """Return a file's name for messages."""
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
    """Return the description of an array in a file, for messages."""
    return f"The array {quoted(name)} in {label(path)}"


def no_such_array(path: Path, name: str, names: Iterable[str]) -> FormatError:
    """Return the error for a name that is not in a file, with the names that are."""
    known = list(names)
    holds = f"it holds {listing(known)}"
    # Comparing many or very long names, as in damaged files, is slow.
    candidates = [one for one in known[:_COMPARED] if len(one) < _COMPARED_LENGTH]
    close = difflib.get_close_matches(name[:_COMPARED_LENGTH], candidates, cutoff=0.75)
    if not close and name:
        close = [one for one in candidates if name.lower() in one.lower()]
    if close and len(known) > len(close):
        holds = f"among its {len(known):,} are {listing(close)}"
    return FormatError(f"{label(path)} has no array named {quoted(name)}; {holds}.")


def unreadable(path: Path, name: str, reason: str) -> FormatError:
    """Return the error for an array that is listed but cannot be loaded."""
    return FormatError(f"{array_in(path, name)} {reason}.")


def two_arrays(path: Path, name: str) -> FormatError:
    """Return the error for a duplicate name."""
    return FormatError(f"{label(path)} holds two arrays named {quoted(name)}.")


def byte_count(shape: tuple[int, ...], itemsize: int) -> int | None:
    """Return the size of a tensor in bytes; None for an impossible shape."""
    if len(shape) > MAX_DIMENSIONS or any(length < 0 for length in shape):
        return None
    largest = itemsize
    for length in shape:
        largest *= max(length, 1)
        if largest > _LARGEST:
            return None
    return 0 if 0 in shape else largest


def most_memory(size: int) -> int:
    """Return the memory that reading a file of ``size`` bytes may take, in bytes."""
    return _TIMES * size + _ANYWAY


def out_of_proportion(nbytes: int, size: int) -> str:
    """Return the end of a message on an array larger than that limit."""
    return (
        f"would take {nbytes:,} bytes, far more than its file of {size:,}; "
        "save it without compression to open it"
    )


def require_real(dtype: np.dtype[Any], what: str) -> None:
    """Raise FormatError for a dtype that is not of real numbers, or that files cannot name."""
    if dtype.kind not in "iuf" or not is_real(dtype):
        raise FormatError(f"{what} {not_real(describe(dtype))}.")


def not_real(content: str) -> str:
    """Return why an array of this content cannot be loaded."""
    return f"holds {content}; quantization needs real numbers"


def describe(dtype: np.dtype[Any]) -> str:
    """Return a description of a dtype's contents."""
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
    """Convert OSError to FormatError; ``doing`` is ``read`` or ``write``."""
    try:
        yield
    except FormatError:
        raise
    except MemoryError:
        raise FormatError(f"{label(path)} does not fit into the memory of this machine.") from None
    except OSError as error:
        raise FormatError(f"{label(path)} cannot be {doing}: {_reason(error)}.") from error


def _no_name(path: Path) -> FormatError:
    return FormatError(f"{label(path)} is not a name that a file can have.")


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
    """Raise unless ``path`` is a regular, non-empty file. Call within ``sentences``."""
    try:
        found = path.stat()
    except ValueError:  # a NUL or a lone surrogate
        raise _no_name(path) from None
    if stat.S_ISDIR(found.st_mode):
        raise FormatError(f"{label(path)} is a folder; choose a file in it.")
    if not stat.S_ISREG(found.st_mode):
        raise FormatError(f"{label(path)} is not a regular file.")
    if found.st_size == 0:
        raise FormatError(f"{label(path)} is empty.")


def require_unchanged(path: Path, before: os.stat_result) -> None:
    """Raise FormatError if another program has changed the file since ``before``."""
    try:
        now = path.stat()
    except OSError:  # Deleted: the data has been read, or the reader has raised.
        return
    if (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise FormatError(
            f"{label(path)} was changed by another program while it was read; try again."
        )


def open_file(path: Path) -> BinaryIO:
    """Open a regular file for reading. Call within ``sentences``.

    Pipes are refused: opening one blocks until another process writes to it.
    """

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))

    stream = open(path, "rb", opener=opener)  # noqa: SIM115 - for the caller to close
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        stream.close()
        raise FormatError(f"{label(path)} is not a regular file.")
    return stream


Check = Callable[[], None]
"""Called repeatedly during long work; an exception aborts it."""


_STRETCH = 1 << 20
_YOUNG = 60
"""Minimum age of a draft to delete, in seconds: a younger one may not have been locked yet."""


class _Watched(io.FileIO):
    """A file that runs a check before each write."""

    def __init__(self, path: Path, check: Check) -> None:
        super().__init__(path, "xb")
        self._check = check
        _lock(self.fileno())

    def write(self, data: Any) -> int:
        cancellation.check()
        self._check()
        return super().write(data)


def _lock(handle: int) -> bool:
    """Lock an open file until it is closed; return False if another process holds the lock."""
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
    """Delete drafts of a file left by killed processes."""
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
    """Write a file atomically: an existing one is replaced only when the new one is complete.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the content to a stream.
    check : callable, optional
        Called before each write and before the old file is replaced; an exception from it,
        like a cancellation of this thread's work, leaves the old file unchanged.

    Raises
    ------
    FormatError
        If writing fails; no draft is left, and an existing file is unchanged.
    """
    check = check or (lambda: None)
    with sentences(path, "written"):
        try:
            # Write to the target of a symbolic link, so that the link stays.
            target = Path(os.path.realpath(path))
            exists = target.exists()
        except ValueError:
            raise _no_name(path) from None
        if target.is_dir():
            raise FormatError(f"{label(path)} is a folder; choose the name of a file.")
        if not target.parent.is_dir():
            raise FormatError(f"{label(path)} cannot be written: its folder does not exist.")
        if exists and not target.is_file():
            raise FormatError(f"{label(path)} is not a regular file, and is left as it is.")
        if exists and not os.access(target, os.W_OK):
            raise FormatError(f"{label(path)} cannot be written: it is read-only.")
        # A short name of its own: the file's name may already have the maximum length.
        tag = f"{zlib.crc32(os.fsencode(target.name)):08x}"
        _sweep(target.parent, tag)
        draft = target.with_name(f".{tag}{secrets.token_hex(4)}.part")
        try:
            # Mode "x": default permissions, and never an existing file.
            with io.BufferedWriter(_Watched(draft, check), _STRETCH) as stream:
                write(stream)
                stream.flush()
                os.fsync(stream.fileno())
            if exists:
                shutil.copymode(target, draft)
            cancellation.check()
            check()
            draft.replace(target)
            _sync_folder(target.parent)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise


def _sync_folder(folder: Path) -> None:
    """Flush a folder, so that a renamed file survives a power loss, if the system supports it."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
