"""Files of numbers: what a file holds, loading one tensor, and saving so that it reads back.

>>> from engine import io
>>> io.save("weights.npy", array)                        # doctest: +SKIP
>>> [tensor.name for tensor in io.list_tensors("model.npz")]   # doctest: +SKIP
['bias', 'weight']
>>> weight = io.load("model.npz", "weight")              # doctest: +SKIP

A format is one module here and one line in the registry. The module is imported when such a file
is first opened or written. A file is known by its content first, then by its ending.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.io.base import (
    FormatError,
    TensorInfo,
    require_file,
    sentences,
    shown,
    write_atomically,
)

__all__ = [
    "READERS",
    "WRITERS",
    "FileFormat",
    "FormatError",
    "TensorInfo",
    "file_filters",
    "list_tensors",
    "load",
    "probe",
    "save",
    "save_npz",
]

StrPath = str | os.PathLike[str]


@dataclass(frozen=True)
class FileFormat:
    """A kind of file.

    Attributes
    ----------
    description : str
        As file dialogs show it.
    endings : tuple of str
        With their dots, lower case; the first is the usual one.
    module : str
        Where its code is: ``list_tensors(path)``, ``load(path, name)`` and, if it can be written
        from one array, ``save(stream, array, ending)``.
    magic : tuple of bytes
        What such a file begins with; empty when nothing tells it.
    """

    description: str
    endings: tuple[str, ...]
    module: str
    magic: tuple[bytes, ...] = ()

    def load_module(self) -> Any:
        """Import the code of the format."""
        return importlib.import_module(self.module)


NPY = FileFormat("NumPy array", (".npy",), "engine.io.npy", (b"\x93NUMPY",))
QSCOPE = FileFormat(
    "Quantoscope session", (".qscope",), "engine.io.qscope", (b"PK\x03\x04", b"PK\x05\x06")
)
NPZ = FileFormat("NumPy arrays", (".npz",), "engine.io.npz", (b"PK\x03\x04", b"PK\x05\x06"))
CSV = FileFormat("Comma-separated values", (".csv",), "engine.io.text")
TSV = FileFormat("Tab-separated values", (".tsv",), "engine.io.text")
TXT = FileFormat("Text", (".txt",), "engine.io.text")

READERS: tuple[FileFormat, ...] = (NPY, NPZ, CSV, TSV, TXT)
WRITERS: tuple[FileFormat, ...] = (NPY, CSV, TSV, TXT)


def file_filters(formats: Sequence[FileFormat] = READERS) -> list[str]:
    """Return the lines of a file dialog's filter, such as ``NumPy array (*.npy)``."""
    return [f"{f.description} ({' '.join('*' + e for e in f.endings)})" for f in formats]


def probe(path: StrPath) -> FileFormat:
    """Tell what kind of file this is, by its first bytes, else by its ending.

    Raises
    ------
    FormatError
        When it is none that can be read, or no file at all.
    """
    path = Path(path)
    with sentences(path, "read"):
        require_file(path)
        with path.open("rb") as stream:
            start = stream.read(4096)
    for known in READERS:
        if known.magic and start.startswith(known.magic):
            return known
    for known in READERS:
        if path.suffix.lower() in known.endings:
            return known
    if TXT.load_module().is_text(start):
        return TXT
    raise FormatError(
        f"{shown(path)} is not a kind of file that can be read here; known are {_endings(READERS)}."
    )


def list_tensors(path: StrPath) -> list[TensorInfo]:
    """Return what a file holds, without loading it where the format allows.

    Raises
    ------
    FormatError
    """
    path = Path(path)
    module = probe(path).load_module()
    with sentences(path, "read"):
        return module.list_tensors(path)  # type: ignore[no-any-return]


def load(path: StrPath, name: str | None = None, *, external: bool = False) -> np.ndarray:
    """Load one tensor.

    Parameters
    ----------
    path : path-like
    name : str, optional
        Which one, of a file with several.

    Returns
    -------
    ndarray
        Real numbers, C order, native byte order, writable; writing never changes the file. The
        numbers of a large .npy stay in the file until they are looked at, so the array is there
        at once and takes no memory yet. The file may be deleted, or saved over with ``save``; but
        a program that changes it in place, or cuts it short, is not guarded against
        (``engine.io.npy.load``). ``array.copy()`` is free of the file.

    Raises
    ------
    FormatError
        Whatever is wrong, as one sentence.
    """
    path = Path(path)
    module = probe(path).load_module()
    with sentences(path, "read"):
        return module.load(path, name)  # type: ignore[no-any-return]


def save(path: StrPath, array: np.ndarray) -> None:
    """Save an array in the format of the path's ending, in full or not at all.

    It loads again bit for bit, with its shape and its type.

    Raises
    ------
    FormatError
        The file that was there before, if any, is as it was.
    """
    path, array = Path(path), np.asarray(array)
    ending = path.suffix.lower()
    writer = next((known for known in WRITERS if ending in known.endings), None)
    if writer is None:
        raise FormatError(f"{shown(path)} needs one of the endings {_endings(WRITERS)}.")
    module = writer.load_module()
    write_atomically(path, lambda stream: module.save(stream, array, ending))


def save_npz(path: StrPath, /, **arrays: np.ndarray) -> None:
    """Save named arrays of numbers or text as .npz, in full or not at all.

    Raises
    ------
    FormatError
        As ``save``.
    """
    path = Path(path)
    if path.suffix.lower() not in NPZ.endings:
        raise FormatError(f"{shown(path)} needs the ending .npz.")
    module = NPZ.load_module()
    named = {name: np.asarray(array) for name, array in arrays.items()}
    write_atomically(path, lambda stream: module.save(stream, named))


def _endings(formats: Sequence[FileFormat]) -> str:
    return ", ".join(ending for known in formats for ending in known.endings)
