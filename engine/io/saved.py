"""What a session file holds: its parts as plain records, and how other files are known again."""

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
from quantoscope.engine.numerics.kernels import Step

TRUSTED = 1 << 26
"""Of files above so many bytes, size and time of change are believed: they take long to hash."""
_CHUNK = 1 << 22
MAX_SCHEMES = 100
"""So many schemes a session has at most: every edit applies them all, and every plot draws them."""


@dataclass(frozen=True)
class SavedSource:
    """A file that tensors came from.

    Attributes
    ----------
    path : str
        Where it lay, absolute.
    beside : str
        Its path from the session's folder, where it lay in or below that; else empty.
    size : int
        In bytes.
    digest : str
        As ``digest_of`` gives it; empty where it was not taken.
    modified : int
        When it was changed last, in nanoseconds since 1970; 0 where that is not known.
    inode : tuple of int
        Its number on the disk, and when that was given or changed; empty where it is not known. A
        session does not keep it.
    """

    path: str
    beside: str = ""
    size: int = 0
    digest: str = ""
    modified: int = 0
    inode: tuple[int, ...] = field(default=(), compare=False)

    def replaced_by(self, now: SavedSource) -> bool:
        """Tell whether another file took its place, though it may be as long and as old.

        As ``cp -p`` and ``rsync`` do. Both have to differ: some file systems number anew, and to
        change who may read a file changes the other.
        """
        return bool(self.inode) and all(a != b for a, b in zip(self.inode, now.inode, strict=True))


@dataclass(frozen=True, eq=False)
class SavedTensor:
    """One array of a session.

    Attributes
    ----------
    title : str
        What the person calls it.
    source : int or None
        The place in ``sources`` of the file that it came from.
    name : str or None
        Its name in that file; None where the file has only one.
    array : ndarray or None
        Its values; None where they are those of the source.
    where, values : ndarray or None
        Flat positions, and what stands there instead of the values of the source.
    codes : ndarray or None
        What a device made of it, shaped like it or not.
    codes_name : str
        Where these came from.
    edited : bool
        Whether the values differ from what was opened or written to a file of arrays.
    chosen : int or None
        The flat position of the value that was looked at.
    """

    title: str
    source: int | None = None
    name: str | None = None
    array: np.ndarray | None = None
    where: np.ndarray | None = None
    values: np.ndarray | None = None
    codes: np.ndarray | None = None
    codes_name: str = ""
    edited: bool = False
    chosen: int | None = None


@dataclass(frozen=True)
class SavedScheme:
    """One line of the list of schemes; ``text`` is the scheme's text form."""

    text: str
    label: str = ""
    colour: int = 0
    line: int = 0
    marker: int = 0
    enabled: bool = True


@dataclass(frozen=True, eq=False)
class SavedSession:
    """What a session file holds.

    Attributes
    ----------
    sources, tensors, schemes : tuple
    current, active : int or None
        The places of the tensor and of the scheme that were looked at.
    title : str
        Of a document that has no file of its own yet: recovery keeps it.
    view : dict
        How it was looked at: names to texts, numbers, and lists of these. Advice, and no more.
    """

    sources: tuple[SavedSource, ...] = ()
    tensors: tuple[SavedTensor, ...] = ()
    schemes: tuple[SavedScheme, ...] = ()
    current: int | None = None
    active: int | None = None
    title: str = ""
    view: Mapping[str, Any] = field(default_factory=dict)


def digest_of(path: Path, step: Step | None = None) -> str:
    """Return a hash of a file's whole content, with the method in front: ``sha256:…``.

    Raises
    ------
    OSError
    """
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
    """Describe a file as it is now without reading it.

    Raises
    ------
    OSError
    """
    found = path.stat()
    return SavedSource(
        str(path.absolute()),
        size=found.st_size,
        modified=found.st_mtime_ns,
        inode=(found.st_ino, found.st_ctime_ns),
    )


def recognized(path: Path) -> SavedSource:
    """Describe a file as it is now, with a digest unless that takes long.

    Raises
    ------
    OSError
    """
    now = seen(path)
    return replace(now, digest=digest_of(path)) if now.size <= TRUSTED else now


def untouched(known: SavedSource, path: Path) -> bool:
    """Tell whether nobody has written a file since it was described.

    What is as long and as old may have taken its place; what has another date may hold the same.

    Raises
    ------
    OSError
    """
    now = seen(path)
    if known.digest and now.size == known.size <= TRUSTED:
        return digest_of(path) == known.digest
    return (now.size, now.modified) == (known.size, known.modified) and not known.replaced_by(now)


def placed(known: SavedSource, session: Path | None) -> SavedSource:
    """Say where a file lies from the folder of a session, without looking at it."""
    path, beside = Path(known.path).absolute(), ""
    if session is not None and path.is_relative_to(session.absolute().parent):
        beside = path.relative_to(session.absolute().parent).as_posix()
    return replace(known, path=str(path), beside=beside)


def described(
    known: SavedSource, session: Path | None = None, step: Step | None = None
) -> SavedSource:
    """Describe a file so that it can be found, and told from another, later.

    Parameters
    ----------
    known : SavedSource
        As it was when its arrays were read. A file that is another one by now is described as it
        was then, since the arrays are those of then.
    session : Path, optional
        Where the session is going to lie: files in or below its folder are found again when both
        are moved together.
    step : callable, optional
        Is told how many bytes are hashed.

    Raises
    ------
    OSError
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


def unchanged(known: SavedSource, path: Path, step: Step | None = None) -> bool:
    """Tell whether a file is the one that was described, wherever it lies now.

    Raises
    ------
    OSError
    """
    if not known.modified and not known.digest:
        return True
    now = seen(path)
    if now.size != known.size:
        return False
    if now.modified == known.modified and (now.size > TRUSTED or not known.digest):
        return True
    return bool(known.digest) and digest_of(path, step) == known.digest
