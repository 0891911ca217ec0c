"""List, load and save arrays in files; the registry of file formats.

>>> from quantoscope.engine import io
>>> io.save("weights.npy", array)                        # doctest: +SKIP
>>> [tensor.name for tensor in io.list_tensors("model.npz")]   # doctest: +SKIP
['bias', 'weight']
>>> weight = io.load("model.npz", "weight")              # doctest: +SKIP

A format is one module here and one line in the registry. The module is imported when such a file
is first opened or written. The format is detected by content first, then by ending.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quantoscope.engine.io import other_kinds
from quantoscope.engine.io.base import (
    Check,
    ExternalDataError,
    FormatError,
    TensorInfo,
    label,
    listing,
    open_file,
    require_file,
    require_unchanged,
    sentences,
    write_atomically,
)
from quantoscope.engine.io.block_codes import BlockCodes
from quantoscope.engine.io.name_roles import with_roles
from quantoscope.engine.io.zips import open_zip
from quantoscope.engine.numerics.mapped_arrays import FileChangedError
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.text.number_parsing import quoted

__all__ = [
    "READERS",
    "WRITERS",
    "ExternalDataError",
    "FileFormat",
    "FormatError",
    "TensorInfo",
    "file_filters",
    "list_tensors",
    "load",
    "load_codes",
    "probe",
    "role_of",
    "save",
    "save_npz",
    "split_name",
]

StrPath = str | os.PathLike[str]


@dataclass(frozen=True)
class FileFormat:
    """A file format.

    Attributes
    ----------
    description : str
        Name in file dialogs.
    endings : tuple of str
        File name extensions in lower case, with their dots; the first is the default.
    module : str
        Its module: ``list_tensors(path)``, ``load(path, name)`` (``load(path)`` if
        ``single``) and, if it can be written from one array, ``save(stream, array, ending)``.
    magic : tuple of bytes
        First bytes of such a file, ``magic_offset`` bytes after its start; empty if there are no
        fixed ones.
    member : str
        Of a zip file: the ending of a member's name that identifies the format, or, with
        precedence, the full name; ``magic`` is the same for all zip files.
    single : bool
        Whether such a file always holds one array, named after the stem of the file.
    external : bool
        Whether data may be in another file; ``load`` then has a parameter ``external``.
    extra : str
        Optional extra of this package that installs the reader's dependencies.
    """

    description: str
    endings: tuple[str, ...]
    module: str
    magic: tuple[bytes, ...] = ()
    magic_offset: int = 0
    member: str = ""
    single: bool = False
    external: bool = False
    extra: str = ""

    def load_module(self) -> Any:
        """Import the module of the format."""
        return importlib.import_module(self.module)


_ZIP = (b"PK\x03\x04", b"PK\x05\x06")

NPY = FileFormat(
    "NumPy array", (".npy",), "quantoscope.engine.io.npy", (b"\x93NUMPY",), single=True
)
NPZ = FileFormat("NumPy arrays", (".npz",), "quantoscope.engine.io.npz", _ZIP, member=".npy")
QSCOPE = FileFormat(
    "Quantoscope session", (".qscope",), "quantoscope.engine.io.qscope", _ZIP, member="session.json"
)
CSV = FileFormat("Comma-separated values", (".csv",), "quantoscope.engine.io.text", single=True)
TSV = FileFormat("Tab-separated values", (".tsv",), "quantoscope.engine.io.text", single=True)
TXT = FileFormat("Text", (".txt",), "quantoscope.engine.io.text", single=True)
# The length of the header, which is below 2**27, then the header.
SAFETENSORS = FileFormat(
    "Safetensors",
    (".safetensors",),
    "quantoscope.engine.io.safetensors",
    (b"\0\0\0\0{",),
    magic_offset=4,
)
GGUF = FileFormat("GGUF model", (".gguf",), "quantoscope.engine.io.gguf", (b"GGUF",), extra="gguf")
HDF5 = FileFormat(
    "HDF5 data",
    (".h5", ".hdf5"),
    "quantoscope.engine.io.hdf5",
    (b"\x89HDF\r\n\x1a\n",),
    extra="h5py",
)
ONNX = FileFormat("ONNX model", (".onnx",), "quantoscope.engine.io.onnx", external=True)
# A zip file; in the older layout a pickled magic number in any protocol, then the pickle.
_OLD_TORCH = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
_FRAMED = b"\x95\x0d" + bytes(7) + _OLD_TORCH
TORCH = FileFormat(
    "PyTorch checkpoint",
    (".pt", ".pth", ".bin", ".ckpt"),
    "quantoscope.engine.io.torch",
    (
        *_ZIP,
        *(b"\x80\x02" + _OLD_TORCH, b"\x80\x03" + _OLD_TORCH),
        *(b"\x80\x04" + _FRAMED, b"\x80\x05" + _FRAMED),
    ),
    member="/data.pkl",
)

READERS = (NPY, NPZ, CSV, TSV, TXT, SAFETENSORS, ONNX, TORCH, GGUF, HDF5, QSCOPE)
WRITERS = (NPY, CSV, TSV, TXT)

_GIT_LFS = b"version https://git-lfs.github.com/spec/"


def file_filters(formats: Sequence[FileFormat] = READERS) -> list[str]:
    """Return the filter lines of a file dialog, such as ``NumPy array (*.npy)``."""
    return [f"{f.description} ({' '.join('*' + e for e in f.endings)})" for f in formats]


def probe(path: StrPath) -> FileFormat:
    """Detect the format of a file, by its first bytes or else by its ending.

    Raises
    ------
    FormatError
        If the format is unknown or unsupported, or ``path`` is not a file.
    """
    path = Path(path)
    with sentences(path, "read"):
        require_file(path)
        with open_file(path) as stream:
            start = stream.read(4096)
    if start.startswith(_GIT_LFS):
        raise FormatError(
            f"{label(path)} only says where Git LFS keeps the file; fetch it with git lfs pull."
        )
    ending = path.suffix.lower()
    kinds = [known for known in READERS if start.startswith(known.magic, known.magic_offset)]
    kinds = _of_its_members(path, kinds) if len(kinds) > 1 else kinds
    if kinds:
        return next((known for known in kinds if ending in known.endings), kinds[0])
    by_ending = next((known for known in READERS if ending in known.endings), None)
    text = TXT.load_module().is_text(start)
    foreign = other_kinds.by_content(start, text, by_ending is not None)
    if foreign is not None:
        raise FormatError(f"{label(path)} is {foreign.name}, which is not read: {foreign.advice}.")
    if by_ending is not None:
        return by_ending
    foreign = other_kinds.by_ending(path)
    if foreign is not None:
        raise FormatError(
            f"{label(path)} is named as {foreign.name} is, which is not read: {foreign.advice}."
        )
    if text:
        return TXT
    raise FormatError(
        f"{label(path)} is not a kind of file that can be read here; known are {_endings(READERS)}."
    )


def _of_its_members(path: Path, kinds: list[FileFormat]) -> list[FileFormat]:
    """Return the zip formats that the member names match, or else all.

    Raises FormatError for an unsupported format, or if neither members nor ending match any.
    """
    try:
        with open_zip(path) as archive:
            names = archive.namelist()
    except Exception:  # Damaged file: the reader reports the error.
        return kinds
    exact = [known for known in kinds if known.member in names]
    found = exact or [k for k in kinds if any(n.endswith(k.member) for n in names)]
    if found:
        return found
    foreign = other_kinds.by_members(names)
    if foreign is not None:
        raise FormatError(f"{label(path)} is {foreign.name}, which is not read: {foreign.advice}.")
    if not any(path.suffix.lower() in known.endings for known in kinds):
        raise FormatError(
            f"{label(path)} is a ZIP archive without arrays: unpack it, and open what is in it."
        )
    return kinds


def list_tensors(path: StrPath) -> list[TensorInfo]:
    """List the tensors in a file, without loading data if the format allows.

    Tensors that cannot be loaded are listed with the reason.

    Raises
    ------
    FormatError
        Also if no tensor can be loaded.
    """
    path = Path(path)
    return _listed(path, probe(path))


def load(path: StrPath, name: str | None = None, *, external: bool = False) -> np.ndarray:
    """Load one tensor.

    Parameters
    ----------
    path : path-like
    name : str, optional
        Name of the tensor; required if the file has several.
    external : bool
        Whether data may be read from another file that this one refers to, in the same
        folder.

    Returns
    -------
    ndarray
        Real numbers, C order, native byte order, writable; writing never changes the file. Large
        arrays (a gigabyte and more) stored uncompressed are memory-mapped copy-on-write.
        The file may be deleted, or replaced by ``save``; if a
        program changes it in place, the engine raises on access to the array
        (``engine.io.mapped.numbers``). ``array.copy()`` is independent of the file.

    Raises
    ------
    FormatError
        For any error, as one sentence; ExternalDataError if the data is in another
        file and ``external`` is false.
    """
    path = Path(path)
    known = probe(path)
    if known.single:
        if name not in (None, path.stem):
            raise FormatError(f"{label(path)} holds one array, and it has no name to ask for.")
        with _reading(path, known):
            return known.load_module().load(path)  # type: ignore[no-any-return]
    if name is None:
        names = [info.name for info in _listed(path, known) if info.readable]
        if len(names) > 1:
            raise FormatError(
                f"{label(path)} holds {len(names):,} arrays ({listing(names)}); name one of them."
            )
        (name,) = names
    options = {"external": external} if known.external else {}
    with _reading(path, known):
        return known.load_module().load(path, name, **options)  # type: ignore[no-any-return]


def role_of(path: StrPath, name: str | None = None) -> Role | None:
    """Return which axes of a tensor are outputs, and which a product sums over.

    Parameters
    ----------
    path : path-like
    name : str, optional
        As in ``load``.

    Returns
    -------
    Role or None
        None if the file does not tell: the scheme's ``out`` is then axis 0, ``in`` the rest.

    Raises
    ------
    FormatError
    """
    path = Path(path)
    known = probe(path)
    infos = [] if known.single else _listed(path, known)
    chosen = [info for info in infos if info.name == name or (name is None and info.readable)]
    return chosen[0].role if len(chosen) == 1 else None


def split_name(text: StrPath) -> tuple[Path, str | None]:
    """Split ``FILE::NAME`` unless the whole text is the name of a file.

    Returns
    -------
    path : Path
        The shortest prefix that is a file; if none is, the text before the first ``::``.
    name : str or None
        None if no ``::`` follows the file.
    """
    words = os.fspath(text).split("::")
    if len(words) == 1 or os.path.exists(text):
        return Path(text), None
    ends = (end for end in range(1, len(words)) if os.path.isfile("::".join(words[:end])))
    end = next(ends, 1)
    return Path("::".join(words[:end])), "::".join(words[end:])


def load_codes(path: StrPath, name: str) -> BlockCodes | None:
    """Load the codes and scales of a quantized tensor.

    Parameters
    ----------
    path : path-like
    name : str
        Name from ``list_tensors``.

    Returns
    -------
    BlockCodes or None
        None if the tensor is not quantized, or its type has no codes to show.

    Raises
    ------
    FormatError
    """
    path = Path(path)
    known = probe(path)
    with _reading(path, known):
        read = getattr(known.load_module(), "load_codes", None)
        found: BlockCodes | None = None if read is None else read(path, name)
    return found


def _listed(path: Path, known: FileFormat) -> list[TensorInfo]:
    with _reading(path, known):
        found: list[TensorInfo] = known.load_module().list_tensors(path)
    if not any(info.readable for info in found):
        message = f"{label(path)} holds no array of real numbers"
        if found:
            message += f": {quoted(found[0].name)} {found[0].reason}"
        if len(found) > 1:
            message += f" ({len(found) - 1:,} more cannot be loaded either)"
        raise FormatError(f"{message}.")
    return found if known.single else with_roles(found)


@contextmanager
def _reading(path: Path, known: FileFormat) -> Iterator[None]:
    """Convert a reader's exceptions to FormatError, missing packages included.

    A file that another program changes meanwhile raises too: the result would mix two states.
    """
    try:
        with sentences(path, "read"):
            before = path.stat()
            try:
                yield
            except (FormatError, FileChangedError):
                require_unchanged(path, before)
                raise
            require_unchanged(path, before)
    except FormatError as error:
        if known is not TXT or path.suffix.lower() in TXT.endings:
            raise
        # Only text is left as a possibility.
        reason = str(error).removeprefix(f"In {label(path)}, ")
        raise FormatError(
            f"{label(path)} is {other_kinds.text_kind(path)}, and no table of numbers: {reason}"
        ) from error
    except ImportError as error:
        if not known.extra:
            raise
        package = (error.name or known.extra).partition(".")[0]
        raise FormatError(
            f'{label(path)} needs the package {package}; install it with "pip install {package}".'
        ) from error


def save(path: StrPath, array: np.ndarray, check: Check | None = None) -> None:
    """Save an array in the format of the path's ending, atomically.

    Loading returns the same bits, shape and dtype. ``check`` is called repeatedly;
    an exception from it aborts the writing and leaves any existing file unchanged.

    Raises
    ------
    FormatError
        An existing file is left unchanged.
    """
    path, array = Path(path), np.asarray(array)
    ending = path.suffix.lower()
    writer = next((known for known in WRITERS if ending in known.endings), None)
    if writer is None:
        raise FormatError(f"{label(path)} needs one of the endings {_endings(WRITERS)}.")
    module = writer.load_module()
    write_atomically(path, lambda stream: module.save(stream, array, ending), check)


def save_npz(path: StrPath, /, **arrays: np.ndarray) -> None:
    """Save named arrays of numbers or text as .npz, atomically.

    Raises
    ------
    FormatError
        As ``save``.
    """
    path = Path(path)
    if path.suffix.lower() not in NPZ.endings:
        raise FormatError(f"{label(path)} needs the ending .npz.")
    module = NPZ.load_module()
    named = {name: np.asarray(array) for name, array in arrays.items()}
    write_atomically(path, lambda stream: module.save(stream, named))


def _endings(formats: Sequence[FileFormat]) -> str:
    return ", ".join(ending for known in formats for ending in known.endings)
