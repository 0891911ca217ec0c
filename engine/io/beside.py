"""Another file that a model says its numbers are in: read only where agreed, and only beside it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from quantoscope.engine.io.base import (
    ExternalDataError,
    FormatError,
    open_file,
    require_file,
    sentences,
    shown,
)
from quantoscope.engine.text.number_parsing import printable, quoted

# Separators of Windows, drives and streams there, and what no name can have.
_NEVER = set("\\:\0")


@contextmanager
def opened_beside(
    path: Path, location: str, agreed: bool, end: int, what: str
) -> Iterator[BinaryIO]:
    """Give the open file that ``path`` names.

    Parameters
    ----------
    path : Path
        The model.
    location : str
        What it calls the other file.
    agreed : bool
        Whether the person agreed to it.
    end : int
        How many bytes that file has to have.
    what : str
        What messages call the tensor.

    Raises
    ------
    ExternalDataError
        When not agreed, though it could be read otherwise.
    FormatError
        When the name, or a link, leads out of the model's folder, or the file is none.
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
            raise FormatError(f"{shown(beside)} is a link that leads out of the model's folder.")
        require_file(real)
        with open_file(real) as stream:
            if os.fstat(stream.fileno()).st_size < end:
                raise FormatError(f"{what} is cut short: {shown(beside)} ends before it does.")
            yield stream
