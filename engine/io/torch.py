"""PyTorch checkpoints, read without PyTorch and without running anything that is in them.

There are two layouts: a zip file of a pickle and one member per storage, and since before that a
pickle with the storages behind it. Both are described by torch/serialization.py of PyTorch. The
pickle is read by ``engine.io.pickles``, and may use the names in ``engine.io.torch_names`` alone.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from engine import cancellation
from engine.arrays import copied
from engine.io import mapped
from engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    most_memory,
    no_such_array,
    open_file,
    shown,
    two_arrays,
)
from engine.io.npz import ZIP_DAMAGE
from engine.io.pickles import Machine, Pairs, PickleError
from engine.io.torch_names import NAMES, Storage, Tensor, Unreadable, storage
from engine.io.zips import open_zip

Leaf = Tensor | Unreadable

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_PICKLE = "data.pkl"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
# Real checkpoints have some five.
_MAX_DEPTH = 50
# Values may be seen several times, but not many more than the pickle has instructions.
_VISITS, _VISITS_ANYWAY = 2, 1000
# How long all names together may be, in sizes of the pickle, which has to spell them out.
_NAMES, _NAMES_ANYWAY = 16, 1 << 20


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says of its tensors, checked against the size of the file.

    Attributes
    ----------
    tensors : dict of Tensor or Unreadable
    places : dict of tuple
        Offset in the file and size of each storage.
    order : str
        The byte order, ``little`` or ``big``.
    """

    tensors: dict[str, Leaf]
    places: dict[str, tuple[int, int]]
    order: str


def list_tensors(path: Path) -> list[TensorInfo]:
    """Return the tensors of real numbers; their names are the keys that lead to them.

    Tensors that are quantized already, sparse, nested or without numbers are left out.
    """
    with open_file(path) as stream:
        tensors = _checkpoint(stream, path).tensors
    return [
        TensorInfo(
            name, leaf.shape, leaf.kind.dtype.name, math.prod(leaf.shape) * leaf.kind.itemsize
        )
        for name, leaf in tensors.items()
        if isinstance(leaf, Tensor) and leaf.kind.dtype is not None
    ]


def load(path: Path, name: str) -> np.ndarray:
    """Return the tensor of that name; a large one is mapped, unless its strides are odd."""
    with open_file(path) as stream:
        checkpoint = _checkpoint(stream, path)
        if name not in checkpoint.tensors:
            raise no_such_array(path, name, checkpoint.tensors)
        leaf, what = checkpoint.tensors[name], array_in(path, name)
        if isinstance(leaf, Unreadable):
            raise FormatError(f"{what} {leaf.what}, and such tensors are not read.")
        dtype = leaf.kind.dtype
        if dtype is None:
            raise FormatError(
                f"{what} holds {leaf.kind.name} values; quantization needs real numbers."
            )
        if leaf.span == 0:
            return np.empty(leaf.shape, dtype)
        start = leaf.storage.start * leaf.storage.kind.itemsize + leaf.offset * dtype.itemsize
        flat = mapped.numbers(
            stream,
            mapped.as_stored(dtype, checkpoint.order),
            checkpoint.places[leaf.storage.key][0] + start,
            leaf.span * dtype.itemsize,
            what,
        )
    strides = [
        stride * dtype.itemsize if length > 1 else 0
        for length, stride in zip(leaf.shape, leaf.strides, strict=True)
    ]
    # As integers of the same width, because numpy does not know all types of ml_dtypes here.
    flat = flat.view(f"u{dtype.itemsize}")
    array = np.lib.stride_tricks.as_strided(flat, leaf.shape, strides)
    # What is as long as its span, and in order, is there already.
    array = flat.reshape(leaf.shape) if array.flags.c_contiguous else copied(array, array.dtype)
    return array.view(dtype)


def _checkpoint(stream: BinaryIO, path: Path) -> Checkpoint:
    """Read what is there beside the numbers."""
    size = os.fstat(stream.fileno()).st_size
    start = stream.read(4)
    stream.seek(0)
    try:
        if start[:2] == b"PK":
            found = _zipped(stream, size, path)
        elif start[:1] == b"\x80":
            found = _old(stream, size, path)
        else:
            raise PickleError("is no PyTorch checkpoint: it is neither a zip file nor a pickle")
    except PickleError as error:
        raise FormatError(f"{shown(path)} {error}.") from None
    for name, leaf in cancellation.checked(found.tensors.items()):
        if isinstance(leaf, Tensor):
            _check(leaf, found.places, size, array_in(path, name))
    return found


def _check(tensor: Tensor, places: dict[str, tuple[int, int]], size: int, what: str) -> None:
    """Hold a tensor against what the file has of its storage."""
    nbytes = byte_count(tensor.shape, tensor.kind.itemsize)
    there = places.get(tensor.storage.key, (0, -1))[1]
    end = (tensor.storage.start + tensor.storage.count) * tensor.storage.kind.itemsize
    if nbytes is None:
        raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
    if end > there:
        raise FormatError(f"{what} is cut short: its storage ends before it does.")
    # One that shows numbers several times, as expanded ones do.
    if nbytes > most_memory(size):
        raise FormatError(f"{what} would take {nbytes:,} bytes, far more than its file has.")


def _zipped(stream: BinaryIO, size: int, path: Path) -> Checkpoint:
    """Read the layout that is a zip file."""
    try:
        with open_zip(stream) as archive:
            listed = archive.infolist()
    except ZIP_DAMAGE:
        raise PickleError("is damaged: it cannot be read as a zip file") from None
    members = {member.filename: member for member in listed}
    if len(members) < len(listed):
        raise PickleError("is damaged: it has two members of one name")
    folders = [n for n in members if n.endswith(f"/{_PICKLE}") and n.count("/") == 1]
    if len(folders) != 1:
        raise PickleError("is a zip file without a PyTorch checkpoint in it")
    folder = folders[0].removesuffix(_PICKLE)
    if any(name.startswith((f"{folder}code/", f"{folder}constants.pkl")) for name in members):
        raise PickleError(
            "is a TorchScript program, which is not read; save its state_dict() with torch.save"
        )

    def place(name: str) -> tuple[int, int]:
        return _place(stream, members[name], size)

    order = "little"
    if f"{folder}byteorder" in members:
        offset, length = place(f"{folder}byteorder")
        stream.seek(offset)
        order = {b"little": "little", b"big": "big"}.get(stream.read(min(length, 8)), "")
        if not order:
            raise PickleError("is damaged: its byte order is not known")
    offset, length = place(folders[0])
    stream.seek(offset)
    machine = Machine(stream, length, NAMES, storage, size)
    tensors = _named(machine, path)
    keys = {leaf.storage.key for leaf in tensors.values() if isinstance(leaf, Tensor)}
    inside = [key for key in keys if f"{folder}data/{key}" in members]
    return Checkpoint(tensors, {key: place(f"{folder}data/{key}") for key in inside}, order)


def _place(stream: BinaryIO, member: zipfile.ZipInfo, size: int) -> tuple[int, int]:
    """Return where a member lies in the file, and its size."""
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 0x1:
        raise PickleError("is compressed or encrypted, which no checkpoint is; unpack it first")
    start = member.header_offset  # which may be below 0 where the directory lies
    if 0 <= start <= size - _LOCAL_HEADER.size:
        stream.seek(start)
        mark, name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
        offset = start + _LOCAL_HEADER.size + name + extra
        if mark == b"PK\x03\x04" and offset + member.file_size <= size:
            return offset, member.file_size
    raise PickleError("is damaged: it cannot be read as a zip file")


def _old(stream: BinaryIO, size: int, path: Path) -> Checkpoint:
    """Read the layout that was before: five pickles, then the storages, always little-endian."""
    storages: dict[str, Storage] = {}

    def remember(reference: object) -> Storage:
        found = storage(reference)
        storages.setdefault(found.key, found)
        return found

    def machine(persistent: Callable[[object], object] | None = None) -> Machine:
        return Machine(stream, size - stream.tell(), NAMES, persistent, size)

    if not _is(_MAGIC, machine().run()):
        raise PickleError("is no PyTorch checkpoint: it is a pickle of something else")
    if not _is(_PROTOCOL, machine().run()):
        raise PickleError("is a PyTorch checkpoint of a version that is not known here")
    machine().run()  # about the system that wrote it
    tensors = _named(machine(remember), path)
    keys = machine().run()
    places: dict[str, tuple[int, int]] = {}
    offset = stream.tell()
    for key in keys if isinstance(keys, list) else (None,):
        if not isinstance(key, str) or key not in storages:
            raise PickleError("is damaged: it has a storage that no tensor is in")
        stream.seek(offset)
        count = int.from_bytes(stream.read(8), "little")
        offset += 8
        nbytes = count * storages[key].kind.itemsize
        if offset + nbytes > size:
            raise PickleError("is cut short: it ends within its storages")
        places[key] = (offset, nbytes)
        offset += nbytes
    return Checkpoint(tensors, places, "little")


def _is(number: int, value: object) -> bool:
    return type(value) is int and value == number


def _named(machine: Machine, path: Path) -> dict[str, Leaf]:
    """Return the tensors within lists and dictionaries, by the keys that lead to them."""
    found: dict[str, Leaf] = {}
    root = machine.run()
    room = _NAMES * machine.used + _NAMES_ANYWAY
    for parts, leaf in _leaves(root, [], [_VISITS * machine.steps + _VISITS_ANYWAY]):
        room -= sum(map(len, parts))
        if room < 0:
            raise PickleError("is damaged: the names in it have no end")
        name = ".".join(parts) if parts else path.stem
        if name in found:
            raise two_arrays(path, name)
        found[name] = leaf
    return found


def _leaves(value: object, parts: list[str], left: list[int]) -> Iterator[tuple[list[str], Leaf]]:
    """Yield tensors with the parts of their names, as long as there are steps ``left``."""
    cancellation.check()
    left[0] -= 1
    if left[0] < 0 or len(parts) > _MAX_DEPTH:
        raise PickleError("is damaged: the lists in it have no end")
    if isinstance(value, Tensor | Unreadable):
        yield parts, value
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _leaves(item, [*parts, str(i)], left)
    elif isinstance(value, Pairs):
        for i, pair in enumerate(value.entries):
            if not (isinstance(pair, tuple | list) and len(pair) == 2):
                raise PickleError("is damaged: its pickle has a dictionary without keys")
            key, item = pair
            part = str(key) if isinstance(key, str | int | float | None) else str(i)
            yield from _leaves(item, [*parts, part], left)
