"""NumPy's .npz: a zip file of .npy members, none of whose claims is believed unchecked."""

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
    most_memory,
    no_such_array,
    out_of_proportion,
    shown,
    two_arrays,
)
from quantoscope.engine.io.budget import AXIS, Budget
from quantoscope.engine.io.index import kept
from quantoscope.engine.io.zips import open_zip
from quantoscope.engine.text.number_parsing import quoted

# Deflate cannot do better than 258 bytes for 2 bits; the rest is for its own framing.
MAX_RATIO = 1032
_SLACK = 64
# Whatever zipfile and zlib raise over damaged files.
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
    """Return the arrays; those that do not hold real numbers with the reason."""
    with opened(path) as archive:
        return listed(archive, _members(archive, path), path)


def listed(
    archive: zipfile.ZipFile, members: Mapping[str, zipfile.ZipInfo], path: Path
) -> list[TensorInfo]:
    """Return what the heads of members say, each under a name."""
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
    """Return the array of that name."""
    with opened(path) as archive:
        members = _members(archive, path)
        if name not in members:
            raise no_such_array(path, name, members)
        return read_member(archive, members[name], path, name)


def read_member(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, name: str
) -> np.ndarray:
    """Return the array of a member, which messages call by a name."""
    what = array_in(path, name)
    with stream_of(archive, member, path) as stream:
        header = npy.read_header(stream, member.file_size, what)
        if header.offset + header.nbytes != member.file_size:
            raise FormatError(f"{what} is damaged: it is longer than its header says.")
        # One in Fortran order is there twice while it is turned.
        taken = header.nbytes * (2 if header.fortran_order else 1)
        size = path.stat().st_size
        if taken > most_memory(size):
            raise FormatError(f"{what} {out_of_proportion(header.nbytes, size)}.")
        values = npy.read_values(stream, header, what)
        stream.read(1)  # Reaching the end is what makes zipfile check the checksum.
    return values


def save(stream: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays of numbers or text, the same bytes for the same arrays."""
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            if array.dtype.hasobject or array.dtype.kind == "V":
                raise FormatError(
                    f"The array {quoted(name)} holds {describe(array.dtype)}, "
                    "which .npz cannot keep."
                )
            member = zipfile.ZipInfo(f"{name}.npy")
            member.external_attr = 0o644 << 16
            with archive.open(member, "w", force_zip64=True) as part:
                npy.write(part, array)


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip file; whatever is found to be wrong with it becomes a sentence."""
    try:
        with open_zip(path) as archive:
            yield archive
    except FormatError:
        raise
    except ZIP_DAMAGE as error:
        raise FormatError(f"{shown(path)} is damaged: it cannot be read as a zip file.") from error


def stream_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> BinaryIO:
    """Open a member whose claims are possible."""
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
    """Return the members that are arrays, by the names of the arrays."""
    assert archive.fp is not None
    return kept(archive.fp, path, "npz", lambda: _named(archive, path))  # type: ignore[arg-type]


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
        raise FormatError(f"{shown(path)} is a zip file without NumPy arrays in it.")
    return members
