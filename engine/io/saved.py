"""Records of a session's contents, and fingerprints of source files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io.base import open_file
from quantoscope.engine.numerics.axes_view import AxesView
from quantoscope.engine.numerics.kernels import Progress
from quantoscope.engine.numerics.roles import Role

TRUSTED = 1 << 26
"""Size in bytes above which files are compared by size and time: hashing takes too long."""
_CHUNK = 1 << 22
MAX_SCHEMES = 100
"""Upper bound of schemes in a session: every edit applies and every plot draws them all."""


@dataclass(frozen=True)
class SavedSource:
    """A source file of tensors."""

    path: str  # absolute
    beside: str = ""  # relative to the session's folder if it is in or below it; else empty
    size: int = 0  # in bytes
    digest: str = ""  # result of ``digest_of``; empty if not computed
    modified: int = 0  # in nanoseconds since 1970; 0 if unknown
    # Number and change time; empty if unknown; a session does not store it.
    inode: tuple[int, ...] = field(default=(), compare=False)

    def replaced_by(self, now: SavedSource) -> bool:
        """Return whether another file has taken its place, even with equal size and time.

        ``cp -p`` and ``rsync`` make such files. Inode and change time must differ: file systems may
        renumber, and a change of permissions updates the change time.
        """
        return bool(self.inode) and all(a != b for a, b in zip(self.inode, now.inode, strict=True))


@dataclass(frozen=True, eq=False)
class SavedTensor:
    """A tensor of a session."""

    title: str  # given by the user
    source: int | None = None  # index of its file in ``sources``
    name: str | None = None  # in that file; None if the file has only one array
    array: np.ndarray | None = None  # values; None if they are those of the source
    where: np.ndarray | None = None  # flat positions of edited values
    values: np.ndarray | None = None  # these values
    codes: np.ndarray | None = None  # from a device, possibly of another shape
    codes_name: str = ""  # origin of these codes
    edited: bool = False  # whether the values differ from the file last opened or saved
    chosen: int | None = None  # flat position of the chosen value
    axes: AxesView = AxesView()  # how the array is shown, with the way back to the file's axes
    role: Role | None = None  # which of its axes are outputs, if that is known


@dataclass(frozen=True)
class SavedScheme:
    """A scheme in the list; ``text`` is its text form."""

    text: str
    label: str = ""
    colour: int = 0
    line: int = 0
    marker: int = 0
    enabled: bool = True


@dataclass(frozen=True, eq=False)
class SavedSession:
    """Contents of a session file."""

    sources: tuple[SavedSource, ...] = ()
    tensors: tuple[SavedTensor, ...] = ()
    schemes: tuple[SavedScheme, ...] = ()
    current: int | None = None  # index of the current tensor
    active: int | None = None  # index of the active scheme
    title: str = ""  # of a document without a file, for recovery
    # View state: names to texts, numbers, and lists of these; invalid entries are ignored.
    view: Mapping[str, Any] = field(default_factory=dict)


def digest_of(path: Path, step: Progress | None = None) -> str:
    """Return a hash of a file's content, with its method: ``sha256:…``; or raise OSError."""
    hashed = hashlib.sha256()
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        while chunk := stream.read(_CHUNK):
            cancellation.check()
            hashed.update(chunk)
            if step is not None:
                step(min(stream.tell(), size), size)
    return f"sha256:{hashed.hexdigest()}"


def seen(path: Path) -> SavedSource:
    """Return the fingerprint of a file without reading its content, or raise OSError."""
    found = path.stat()
    return SavedSource(
        str(path.absolute()),
        size=found.st_size,
        modified=found.st_mtime_ns,
        inode=(found.st_ino, found.st_ctime_ns),
    )


def recognized(path: Path) -> SavedSource:
    """Return the fingerprint of a file, with a digest unless it is large, or raise OSError."""
    now = seen(path)
    return replace(now, digest=digest_of(path)) if now.size <= TRUSTED else now


def untouched(known: SavedSource, path: Path) -> bool:
    """Return whether a file has not been written since it was fingerprinted, or raise OSError.

    A file of equal size and time may still be another one; one of another time may be equal.
    """
    now = seen(path)
    if known.digest and now.size == known.size <= TRUSTED:
        return digest_of(path) == known.digest
    return (now.size, now.modified) == (known.size, known.modified) and not known.replaced_by(now)


def placed(known: SavedSource, session: Path | None) -> SavedSource:
    """Add a file's path relative to a session's folder, without accessing the file."""
    path, beside = Path(known.path).absolute(), ""
    if session is not None and path.is_relative_to(session.absolute().parent):
        beside = path.relative_to(session.absolute().parent).as_posix()
    return replace(known, path=str(path), beside=beside)


def described(
    known: SavedSource, session: Path | None = None, step: Progress | None = None
) -> SavedSource:
    """Return the fingerprint to store in a session, or raise OSError.

    ``known`` is that at the time its arrays were read; it is kept if the file has been replaced
    since, because the arrays belong to it. Files in or below the folder of ``session`` are found
    again if both are moved together. ``step`` is called with the number of bytes hashed.
    """
    known = placed(known, session)
    path = Path(known.path)
    now, digest = seen(path), known.digest
    if not known.modified:
        known = replace(now, beside=known.beside)
    same = (now.size, now.modified) == (known.size, known.modified)
    if same and (not digest or now.size <= TRUSTED):
        digest = digest_of(path, step)
    return replace(known, digest=digest)


def unchanged(known: SavedSource, path: Path, step: Progress | None = None) -> bool:
    """Return whether a file, at any path, is the fingerprinted one, or raise OSError."""
    if not known.modified and not known.digest:
        return True
    now = seen(path)
    if now.size != known.size:
        return False
    if now.modified == known.modified and (now.size > TRUSTED or not known.digest):
        return True
    return bool(known.digest) and digest_of(path, step) == known.digest
