"""What a session file holds: its parts as plain records, and how other files are known again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

HASHED_WHOLE = 1 << 26
"""Files of up to so many bytes are hashed in full, longer ones in samples of 64 stretches."""
_SAMPLES, _STRETCH = 64, 1 << 18


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
        As ``digest_of`` gives it; both tell whether the file is still the same.
    """

    path: str
    beside: str = ""
    size: int = 0
    digest: str = ""


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


def digest_of(path: Path) -> str:
    """Return a hash of a file's content: of all of it, or of many samples where it is long.

    The method stands in front: ``sha256:…``, or ``sha256-64:…`` for the length and 64 stretches
    of 256 KiB spread evenly from the first byte to the last, which tells one checkpoint from
    another in a moment, and does not notice a single number that was changed between them.

    Raises
    ------
    OSError
    """
    with path.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size <= HASHED_WHOLE:
            return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        hashed = hashlib.sha256(str(size).encode())
        for place in range(_SAMPLES):
            stream.seek((size - _STRETCH) * place // (_SAMPLES - 1))
            hashed.update(stream.read(_STRETCH))
        return f"sha256-{_SAMPLES}:{hashed.hexdigest()}"


def source_of(path: Path, session: Path | None = None) -> SavedSource:
    """Describe a file so that it can be found, and told from another, later.

    Parameters
    ----------
    path : Path
    session : Path, optional
        Where the session is going to lie: files in or below its folder are found again when both
        are moved together.

    Raises
    ------
    OSError
    """
    path = path.absolute()
    beside = ""
    if session is not None and path.is_relative_to(session.absolute().parent):
        beside = path.relative_to(session.absolute().parent).as_posix()
    return SavedSource(str(path), beside, path.stat().st_size, digest_of(path))
