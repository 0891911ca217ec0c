"""Open zip files whose directory has an acceptable size."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import BinaryIO

from quantoscope.engine.io.base import open_file
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.index import cached

MAX_DIRECTORY = 1 << 23
"""Upper bound in bytes: about 100,000 members."""
# Memory per member in zipfile, without its name.
_MEMBER = 1000
_BEGIN = b"PK\x01\x02"


class _KnownZip(zipfile.ZipFile):
    """A zip file with a cached directory."""

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

        self.filelist, self.NameToInfo, self.start_dir = cached(self.fp, self.known, "zip", read)  # type: ignore[arg-type]


def open_zip(file: Path | BinaryIO, path: Path | None = None) -> zipfile.ZipFile:
    """Open a zip file for reading; ``path`` names a stream in messages.

    Raises zipfile.BadZipFile also if it has more members than any file of arrays, and FormatError
    if their names exceed the memory budget of the file.
    """
    if not isinstance(file, Path):
        return _KnownZip(file, path or Path())
    stream = open_file(file)
    try:
        archive = _KnownZip(stream, file)
    except BaseException:
        stream.close()
        raise
    # zipfile closes files that it opened itself; make it close this one too.
    archive._filePassed = 0  # type: ignore[attr-defined]
    return archive


def _check(stream: BinaryIO, path: Path) -> None:
    # zipfile reads the whole directory at once, and only its internals tell the length first.
    end = zipfile._EndRecData(stream)  # type: ignore[attr-defined]
    if end is None:
        return
    length = end[zipfile._ECD_SIZE]  # type: ignore[attr-defined]
    if length > MAX_DIRECTORY:
        raise zipfile.BadZipFile("too many members")
    # The directory ends before its end record, or before the locator of a zip64 file.
    stop = end[zipfile._ECD_LOCATION]  # type: ignore[attr-defined]
    start = max(0, stop - length - 76)
    stream.seek(start)
    directory = stream.read(stop - start)
    budget = Budget(path, os.fstat(stream.fileno()).st_size)
    # The bytes are held twice; in a name each may become a character of four bytes.
    budget.take(6 * len(directory) + _MEMBER * directory.count(_BEGIN))
