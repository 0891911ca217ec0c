"""Open external data files of a model, with consent and only in the model's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from quantoscope.engine.io.base import (
    ExternalDataError,
    FormatError,
    label,
    open_file,
    require_file,
    sentences,
)
from quantoscope.engine.text.number_parsing import printable, quoted

# Windows separators, drives and streams, and NUL.
_NEVER = set("\\:\0")


@contextmanager
def opened_beside(
    path: Path, location: str, agreed: bool, end: int, what: str
) -> Iterator[BinaryIO]:
    """Open the external file that a model refers to as ``location``.

    ``end`` is the minimum size of that file in bytes, ``what`` names the tensor in messages.
    Raises ExternalDataError if the user has not agreed, though it could be read otherwise;
    FormatError if the name or a link leads out of the model's folder, or is not a file.
    """
    inside = PurePosixPath(location)
    leaves = inside.is_absolute() or ".." in inside.parts or _NEVER & set(location)
    if leaves or not inside.name:
        raise FormatError(
            f"{what} is said to be in {quoted(location)}, which is not a file beside the model."
        )
    if not agreed:
        raise ExternalDataError(
            f"{what} is stored in another file, {printable(location, 60)}, which is only read if "
            "you agree to it.",
            location,
        )
    beside = path.parent / inside
    with sentences(beside, "read"):
        real = Path(os.path.realpath(beside))
        if not real.is_relative_to(os.path.realpath(path.parent)):
            raise FormatError(f"{label(beside)} is a link that leads out of the model's folder.")
        require_file(real)
        with open_file(real) as stream:
            if os.fstat(stream.fileno()).st_size < end:
                raise FormatError(f"{what} is cut short: {label(beside)} ends before it does.")
            yield stream
