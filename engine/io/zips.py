"""Zip files, opened only where their directory is no longer than anybody needs."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import BinaryIO

from quantoscope.engine.io.base import open_file
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.index import kept

MAX_DIRECTORY = 1 << 23
"""Bytes: some 100,000 members."""
# What zipfile makes of a member, beside its name.
_MEMBER = 1000
_BEGIN = b"PK\x01\x02"


class _KnownZip(zipfile.ZipFile):
    """A zip file whose directory is read once."""

    known: Path

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self.known = path
        super().__init__(file)

    def _RealGetContents(self) -> None:  # noqa: N802 - zipfile's own name
        if self.fp is None:
            return

        def read() -> tuple[list[zipfile.ZipInfo], dict[str, zipfile.ZipInfo], int]:
            assert self.fp is not None
            _check(self.fp, self.known)  # type: ignore[arg-type]
            super(_KnownZip, self)._RealGetContents()  # type: ignore[misc]
            return self.filelist, self.NameToInfo, self.start_dir

        self.filelist, self.NameToInfo, self.start_dir = kept(self.fp, self.known, "zip", read)  # type: ignore[arg-type]


def open_zip(file: Path | BinaryIO, path: Path | None = None) -> zipfile.ZipFile:
    """Open a zip file to read from it.

    Parameters
    ----------
    file : Path or binary stream
    path : Path, optional
        What messages call it, where it is a stream.

    Raises
    ------
    zipfile.BadZipFile
        Also when it has more members than any file of arrays.
    FormatError
        When their names take more memory than the file may.
    """
    if not isinstance(file, Path):
        return _KnownZip(file, path or Path())
    stream = open_file(file)
    try:
        archive = _KnownZip(stream, file)
    except BaseException:
        stream.close()
        raise
    # It closes what it opened itself, and so this as well.
    archive._filePassed = 0  # type: ignore[attr-defined]
    return archive


def _check(stream: BinaryIO, path: Path) -> None:
    # zipfile reads all of the directory at once, and has no other way to ask how long it is.
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is None:
        return
    length = end[zipfile._ECD_SIZE]  # type: ignore[attr-defined]
    if length > MAX_DIRECTORY:
        raise zipfile.BadZipFile("too many members")
    # It lies before its end, as zipfile has it; with a locator of long files between them.
    stop = end[zipfile._ECD_LOCATION]  # type: ignore[attr-defined]
    start = max(0, stop - length - 76)
    stream.seek(start)
    directory = stream.read(stop - start)
    budget = Budget(path, os.fstat(stream.fileno()).st_size)
    # Twice the bytes themselves; each may become a letter of four, in a name.
    budget.take(6 * len(directory) + _MEMBER * directory.count(_BEGIN))
