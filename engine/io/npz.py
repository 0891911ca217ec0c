"""NumPy's .npz: a zip file of .npy members, each checked before it is read."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.io import npy
from quantoscope.engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    describe,
    label,
    most_memory,
    no_such_array,
    out_of_proportion,
    two_arrays,
)
from quantoscope.engine.io.budget import AXIS, Budget
from quantoscope.engine.io.index import cached
from quantoscope.engine.io.zips import open_zip
from quantoscope.engine.text.number_parsing import quoted

# Deflate's best ratio is 258 bytes per 2 bits; the rest allows for its framing.
MAX_RATIO = 1032
_SLACK = 64
# Exceptions of zipfile and zlib for damaged files.
ZIP_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    IndexError,
)


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the arrays; those that do not hold real numbers with the reason."""
    with opened(path) as archive:
        return listed(archive, _members(archive, path), path)


def listed(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], path: Path
) -> list[TensorInfo]:
    """Return the list entries of zip members, by name, from their .npy headers."""
    budget = Budget(path, path.stat().st_size)
    found: list[TensorInfo] = []
    for name, member in cancellation.checked(members.items(), 16):
        budget.take_entry()
        with stream_of(archive, member, path) as stream:
            try:
                what = array_in(path, name)
                info = npy.read_header(stream, member.file_size, what).info(name)
            except npy.NotRealError as error:
                info = replace(error.info, name=name)
        budget.take(AXIS * len(info.shape))
        found.append(info)
    return found


def load(path: Path, name: str) -> np.ndarray:
    """Load an array by name."""
    with opened(path) as archive:
        members = _members(archive, path)
        if name not in members:
            raise no_such_array(path, name, members)
        return read_member(archive, members[name], path, name)


def read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, name: str
) -> np.ndarray:
    """Read the array in a zip member; messages use ``name``."""
    what = array_in(path, name)
    with stream_of(archive, member, path) as stream:
        header = npy.read_header(stream, member.file_size, what)
        if header.offset + header.nbytes != member.file_size:
            raise FormatError(f"{what} is damaged: it is longer than its header says.")
        # An array in Fortran order takes its size twice while it is transposed.
        taken = header.nbytes * (2 if header.fortran_order else 1)
        size = path.stat().st_size
        if taken > most_memory(size):
            raise FormatError(f"{what} {out_of_proportion(header.nbytes, size)}.")
        values = npy.read_values(stream, header, what)
    return values


def save(stream: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of numbers or text, deterministically."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            if array.dtype.hasobject or array.dtype.kind == "V":
                raise FormatError(
                    f"The array {quoted(name)} holds {describe(array.dtype)}, "
                    "which .npz cannot keep."
                )
            write_member(archive, f"{name}.npy", array)


def write_member(archive: zipfile.ZipFile, filename: str, array: np.ndarray) -> None:
    """Write an array as a member of a zip file."""
    with archive.open(plain_member(filename), "w", force_zip64=True) as part:
        npy.write(part, array)


def plain_member(filename: str) -> zipfile.ZipInfo:
    """Return a member with the same attributes at any time and on any system."""
    member = zipfile.ZipInfo(filename)
    member.external_attr = 0o644 << 16
    return member


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file; convert exceptions to FormatError."""
    try:
        with open_zip(path) as archive:
            yield archive
    except FormatError:
        raise
    except ZIP_DAMAGE as error:
        raise FormatError(f"{label(path)} is damaged: it cannot be read as a zip file.") from error


def stream_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> BinaryIO:
    """Open a member after checking that its sizes are possible."""
    name = array_in(path, member.filename)
    if member.flag_bits & 0x1:
        raise FormatError(f"{name} is encrypted, and cannot be read.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"{name} is compressed in a way that .npz files do not use.")
    stored = member.compress_type == zipfile.ZIP_STORED
    largest = member.compress_size if stored else member.compress_size * MAX_RATIO + _SLACK
    if member.compress_size > path.stat().st_size or member.file_size > largest:
        raise FormatError(f"{name} is damaged: it claims to be larger than it can be.")
    return archive.open(member)  # type: ignore[return-value]


def _members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the array members by array name."""
    assert archive.fp is not None
    return cached(archive.fp, path, "npz", lambda: _named(archive, path))  # type: ignore[arg-type]


def _named(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        if not member.filename.endswith(".npy"):
            continue
        name = member.filename.removesuffix(".npy")
        if name in members:
            raise two_arrays(path, name)
        members[name] = member
    if not members:
        raise FormatError(f"{label(path)} is a zip file without NumPy arrays in it.")
    return members
