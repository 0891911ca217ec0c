"""Zip files, opened only where their directory is no longer than anybody needs."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import BinaryIO

from engine.io.base import open_file

MAX_DIRECTORY = 1 << 23
"""Bytes: some 100,000 members, whose names Python turns into a hundred megabytes in a second."""


def open_zip(file: Path | BinaryIO) -> zipfile.ZipFile:
    """Open a zip file to read from it.

    Raises
    ------
    zipfile.BadZipFile
        Also when it has more members than any file of arrays.
    """
    stream = open_file(file) if isinstance(file, Path) else file
    try:
        _check(stream)
        archive = zipfile.ZipFile(stream)
    except BaseException:
        if stream is not file:
            stream.close()
        raise
    if stream is not file:
        # It closes what it opened itself, and so this as well.
        archive._filePassed = 0  # type: ignore[attr-defined]
    return archive


def _check(stream: BinaryIO) -> None:
    # zipfile reads all of the directory at once, and has no other way to ask how long it is.
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is not None and end[zipfile._ECD_SIZE] > MAX_DIRECTORY:  # type: ignore[attr-defined]
        raise zipfile.BadZipFile("too many members")
