"""PyTorch checkpoints, read without PyTorch and without executing their pickle.

There are two layouts: a zip file of a pickle and one member per storage, and the older one of a
pickle followed by the storages. Both are described in torch/serialization.py of PyTorch. The
pickle is read by ``engine.io.pickles`` with the names in ``engine.io.torch_names``.
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

from quantoscope.engine import cancellation
from quantoscope.engine.io import mapped
from quantoscope.engine.io.base import (
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    label,
    most_memory,
    no_such_array,
    open_file,
    two_arrays,
    unreadable,
)
from quantoscope.engine.io.budget import AXIS, ENTRY, Budget
from quantoscope.engine.io.index import cached
from quantoscope.engine.io.npz import ZIP_DAMAGE
from quantoscope.engine.io.packed import unpacked
from quantoscope.engine.io.pickled_arrays import PickledArray
from quantoscope.engine.io.pickles import Foreign, ForeignName, Machine, Pairs, PickleError, not_run
from quantoscope.engine.io.torch_names import (
    NAMES,
    Nested,
    Storage,
    TensorView,
    Unreadable,
    storage,
    storage_view,
)
from quantoscope.engine.io.zips import open_zip
from quantoscope.engine.numerics.arrays import copied
from quantoscope.engine.text.number_parsing import printable

Leaf = TensorView | PickledArray | Unreadable
Leaves = Iterator[tuple[list[str], Leaf | Nested]]
"""Tensors with the parts of their names."""

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_PICKLE = "data.pkl"
_LOCAL_HEADER = struct.Struct("<4s22xHH")
# Real checkpoints have about five.
_MAX_DEPTH = 50
# Values may be visited repeatedly, but not many more times than the pickle has opcodes.
_VISITS, _VISITS_ANYWAY = 2, 1000
# Bytes per tensor in the index, beyond those of every reader.
_MORE = 400
_KEPT = 1 << 26  # bytes of unused arrays that stay in memory
_SHORT = 60  # characters of a file name repeated in advice
# Attributes of a module that hold tensors and submodules.
_OF_MODULES = ("_modules", "_parameters", "_buffers")
# Upper bound of the total length of names, as a multiple of the pickle, which spells them out.
_NAMES, _NAMES_ANYWAY = 16, 1 << 20


@dataclass(frozen=True)
class StorageData:
    """Data of a checkpoint outside its pickle."""

    places: dict[str, tuple[int, int]]  # offset and size of each storage in the file
    order: str  # byte order, ``little`` or ``big``


@dataclass(frozen=True)
class Checkpoint:
    """Checked contents of a checkpoint."""

    tensors: dict[str, Leaf]
    data: StorageData


def list_tensors(path: Path) -> list[TensorInfo]:
    """List tensors and arrays, named by the keys that lead to them.

    Objects of other classes without tensors in them are listed as unreadable.
    """
    with open_file(path) as stream:
        tensors = _checkpoint(stream, path).tensors
    return [_info(name, leaf) for name, leaf in tensors.items()]


def _info(name: str, leaf: Leaf) -> TensorInfo:
    if isinstance(leaf, Unreadable):
        return TensorInfo(name, leaf.shape, leaf.kind, 0, reason=leaf.reason)
    reason, dtype = leaf.kind.reason, leaf.kind.dtype
    if isinstance(leaf, PickledArray):
        type_name = dtype.name if dtype is not None else leaf.kind.code[:20]
        return TensorInfo(name, leaf.shape, type_name, leaf.nbytes, reason=reason)
    kind = leaf.kind
    nbytes = math.prod(leaf.shape) * kind.itemsize
    if dtype is None:
        return TensorInfo(name, leaf.shape, kind.name, nbytes, reason=reason)
    stored = kind.name if kind.per_byte > 1 else ""
    return TensorInfo(name, _unpacked_shape(leaf), dtype.name, nbytes, stored)


def _unpacked_shape(tensor: TensorView) -> tuple[int, ...]:
    """Return the shape of unpacked numbers; torch counts packed ones."""
    each = tensor.kind.per_byte
    if each == 1:
        return tensor.shape
    return (*tensor.shape[:-1], each * tensor.shape[-1]) if tensor.shape else (each,)


def load(path: Path, name: str) -> np.ndarray:
    """Load a tensor by name; large ones are mapped if their strides allow."""
    with open_file(path) as stream:
        checkpoint = _checkpoint(stream, path)
        if name not in checkpoint.tensors:
            raise no_such_array(path, name, checkpoint.tensors)
        leaf, what = checkpoint.tensors[name], array_in(path, name)
        if isinstance(leaf, Unreadable):
            raise unreadable(path, name, leaf.reason)
        dtype = leaf.kind.dtype
        if dtype is None:
            raise unreadable(path, name, leaf.kind.reason)
        if isinstance(leaf, PickledArray):
            try:
                return leaf.numbers()
            except PickleError as error:
                raise FormatError(f"{label(path)} {error}.") from None
        return _numbers(stream, leaf, checkpoint.data, what)


def _checkpoint(stream: BinaryIO, path: Path) -> Checkpoint:
    """Read everything but tensor data."""

    def is_small(checkpoint: Checkpoint) -> bool:
        # The data of NumPy arrays is in the pickle itself.
        arrays = (leaf for leaf in checkpoint.tensors.values() if isinstance(leaf, PickledArray))
        return sum(leaf.nbytes for leaf in arrays) <= _KEPT

    return cached(stream, path, "torch", lambda: _read(stream, path), is_small)


def _read(stream: BinaryIO, path: Path) -> Checkpoint:
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
        raise FormatError(f"{label(path)} {error}.") from None
    return found


def _check(tensor: TensorView, places: dict[str, tuple[int, int]], size: int, what: str) -> None:
    """Check a tensor against the size of its storage in the file."""
    nbytes = byte_count(tensor.shape, tensor.kind.itemsize)
    there = places.get(tensor.storage.key, (0, -1))[1]
    end = (tensor.storage.start + tensor.storage.count) * tensor.storage.kind.itemsize
    if nbytes is None:
        raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
    if end > there:
        raise FormatError(f"{what} is cut short: its storage ends before it does.")
    # A tensor that repeats numbers, such as an expanded one.
    if nbytes > most_memory(size):
        raise FormatError(f"{what} would take {nbytes:,} bytes, far more than its file has.")


def _zipped(stream: BinaryIO, size: int, path: Path) -> Checkpoint:
    """Read the zip layout."""
    try:
        with open_zip(stream, path) as archive:
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
        frozen = any(name.startswith(f"{folder}constants/") for name in members)
        raise PickleError(_of_torchscript(path, frozen))

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
    budget = Budget(path, size)
    machine = Machine(stream, length, NAMES, storage, size, budget)
    tensors = _named(machine, path, budget)
    keys = {one.storage.key for leaf in tensors.values() for one in _tensors_of(leaf)}
    inside = [key for key in keys if f"{folder}data/{key}" in members]
    places = {key: place(f"{folder}data/{key}") for key in inside}
    data = StorageData(places, order)
    return Checkpoint(_spread(stream, tensors, data, budget, path), data)


def _of_torchscript(path: Path, frozen: bool) -> str:
    """Return how to convert a TorchScript program; follows the file's name.

    A frozen program's tensors are constants of its code and not in its state_dict.
    """
    name = path.name if path.name.isprintable() and len(path.name) <= _SHORT else "FILE"
    held = "m.state_dict()"
    if frozen:
        held = "{**m.state_dict(), **m.code_with_constants[1].const_mapping}"
    return (
        "is a TorchScript program, which is not read; save what it holds with PyTorch: "
        f"import torch; m = torch.jit.load({name!r}); torch.save({held}, 'weights.pt')"
    )


def _place(stream: BinaryIO, member: zipfile.ZipInfo, size: int) -> tuple[int, int]:
    """Return the position and size of a member in the file."""
    if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 0x1:
        raise PickleError("is compressed or encrypted, which no checkpoint is; unpack it first")
    start = member.header_offset  # may be negative in a malformed directory
    if 0 <= start <= size - _LOCAL_HEADER.size:
        stream.seek(start)
        mark, name, extra = _LOCAL_HEADER.unpack(stream.read(_LOCAL_HEADER.size))
        offset = start + _LOCAL_HEADER.size + name + extra
        if mark == b"PK\x03\x04" and offset + member.file_size <= size:
            return offset, member.file_size
    raise PickleError("is damaged: it cannot be read as a zip file")


def _old(stream: BinaryIO, size: int, path: Path) -> Checkpoint:
    """Read the older layout: five pickles, then the storages, always little-endian."""
    storages: dict[str, Storage] = {}

    def remember(reference: object) -> object:
        match reference:
            case ("module", ForeignName() as of, *_):
                # The class of a module, stored with its source text.
                return of
        found = storage(reference)
        storages.setdefault(found.key, found)
        return found

    budget = Budget(path, size)

    def machine(persistent: Callable[[object], object] | None = None) -> Machine:
        return Machine(stream, size - stream.tell(), NAMES, persistent, size, budget)

    if not _is(_MAGIC, machine().run()):
        raise PickleError("is no PyTorch checkpoint: it is a pickle of something else")
    if not _is(_PROTOCOL, machine().run()):
        raise PickleError("is a PyTorch checkpoint of a version that is not known here")
    machine().run()  # information on the writing system
    tensors = _named(machine(remember), path, budget)
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
    data = StorageData(places, "little")
    return Checkpoint(_spread(stream, tensors, data, budget, path), data)


def _is(number: int, value: object) -> bool:
    return type(value) is int and value == number


def _tensors_of(leaf: Leaf | Nested) -> tuple[TensorView, ...]:
    """Return the tensors of a leaf that have storages."""
    if isinstance(leaf, Nested):
        return leaf.buffer, leaf.sizes, leaf.strides, leaf.offsets
    return (leaf,) if isinstance(leaf, TensorView) else ()


def _named(machine: Machine, path: Path, budget: Budget) -> dict[str, Leaf | Nested]:
    """Return the tensors in lists and dictionaries, by the keys that lead to them."""
    found: dict[str, Leaf | Nested] = {}
    root = machine.run()
    room = _NAMES * machine.used + _NAMES_ANYWAY
    walk = _Walk(_VISITS * machine.steps + _VISITS_ANYWAY)
    for parts, leaf in walk.leaves(root, []):
        room -= sum(map(len, parts))
        if room < 0:
            raise PickleError("is damaged: the names in it have no end")
        budget.take_joined(*parts, "." * len(parts))
        budget.take_entry(len(getattr(leaf, "shape", ())))
        budget.take(_MORE)
        name = ".".join(parts) if parts else path.stem
        if found.get(name, leaf) is not leaf:
            raise two_arrays(path, name)
        found[name] = leaf
    if walk.foreign and not any(isinstance(leaf, TensorView | PickledArray | Nested)
                                for leaf in found.values()):  # fmt: skip
        raise PickleError(not_run(walk.foreign))
    return found


class _Walk:
    """Traversal of unpickled values, of which ``left`` may be visited."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._seen: set[int] = set()
        self.foreign = ""  # first unknown class

    def leaves(self, value: object, parts: list[str], inside: bool = False) -> Leaves:
        """Yield tensors with their name parts; ``inside`` is an enclosing unknown object."""
        cancellation.check()
        self._left -= 1
        if self._left < 0 or len(parts) > _MAX_DEPTH:
            raise PickleError("is damaged: the lists in it have no end")
        if isinstance(value, TensorView | Nested):
            yield parts, value
        elif isinstance(value, PickledArray):
            yield parts, value
            if isinstance(value.data, list):
                yield from self.leaves(value.data, parts, inside)
        elif isinstance(value, Unreadable):
            yield parts, value
            yield from self._attributes(value.parts, parts, inside)
        elif isinstance(value, Foreign):
            yield from self._of_foreign(value, parts, inside)
        elif isinstance(value, list | tuple):
            for i, item in enumerate(value):
                yield from self.leaves(item, [*parts, str(i)], inside)
        elif isinstance(value, Pairs):
            yield from self._of_pairs(value, parts, inside)

    def _of_pairs(
        self, value: Pairs, parts: list[str], inside: bool, attributes: bool = False
    ) -> Leaves:
        for i, pair in enumerate(value.entries):
            if not (isinstance(pair, tuple | list) and len(pair) == 2):
                raise PickleError("is damaged: its pickle has a dictionary without keys")
            key, item = pair
            part = str(key) if isinstance(key, str | int | float | None) else str(i)
            # Names follow the module's state_dict().
            own = [] if attributes and part in _OF_MODULES else [part]
            yield from self.leaves(item, [*parts, *own], inside)

    def _of_foreign(self, value: Foreign, parts: list[str], inside: bool) -> Leaves:
        """Yield the tensors in an object of an unknown class, or the object itself."""
        if id(value) in self._seen:  # references may be circular
            return
        self._seen.add(id(value))
        self.foreign = self.foreign or value.name
        empty = True
        for held in (value.pairs, value.items, value.arguments):
            for found in self.leaves(held, parts, True):
                empty = False
                yield found
        for found in self._attributes(value.state, parts, True):
            empty = False
            yield found
        if empty and not inside:
            name = printable(value.name, 100)
            reason = f"is an object of {name}, which was not run, and no tensor"
            yield parts, Unreadable(reason, printable(value.name.rpartition(".")[2], 40))

    def _attributes(self, state: object, parts: list[str], inside: bool) -> Leaves:
        """Yield the tensors in attributes: one dictionary, or two of them."""
        for one in state if isinstance(state, tuple) else (state,):
            if isinstance(one, Pairs):
                yield from self._of_pairs(one, parts, inside, attributes=True)


def _spread(
    stream: BinaryIO, found: dict[str, Leaf | Nested], data: StorageData, budget: Budget, path: Path
) -> dict[str, Leaf]:
    """Replace each nested tensor with the tensors that it consists of."""
    size = os.fstat(stream.fileno()).st_size
    spread: dict[str, Leaf] = {}
    for name, leaf in cancellation.checked(found.items()):
        for one in _tensors_of(leaf):
            _check(one, data.places, size, array_in(path, name))
        if not isinstance(leaf, Nested):
            if name in spread:
                raise two_arrays(path, name)
            spread[name] = leaf
            continue
        for i, tensor in enumerate(_within(stream, leaf, data, budget)):
            own = f"{name}.{i}"
            budget.take_joined(own)
            if own in spread:
                raise two_arrays(path, own)
            spread[own] = tensor
            _check(tensor, data.places, size, array_in(path, own))
    return spread


def _within(
    stream: BinaryIO, nested: Nested, data: StorageData, budget: Budget
) -> Iterator[TensorView]:
    """Yield the tensors that a nested tensor consists of."""
    count = nested.sizes.shape[0] if nested.sizes.shape else 0
    told = nested.sizes, nested.strides, nested.offsets
    if any(one.kind.name != "int64" or one.shape[:1] != (count,) for one in told):
        raise PickleError("is damaged: its pickle has a nested tensor that cannot be read")
    budget.take(count * (ENTRY + _MORE))
    what = "The shape of a nested tensor"
    sizes, strides, offsets = (_numbers(stream, one, data, what).tolist() for one in told)
    buffer = nested.buffer
    for shape, steps, offset in zip(sizes, strides, offsets, strict=True):
        within = storage_view(buffer.storage, buffer.kind, offset, shape, steps)
        budget.take(AXIS * len(within.shape))
        yield within


def _numbers(stream: BinaryIO, tensor: TensorView, data: StorageData, what: str) -> np.ndarray:
    """Return the data of a checked tensor in C order."""
    dtype = tensor.kind.dtype
    assert dtype is not None
    shape = _unpacked_shape(tensor)
    if tensor.span == 0:
        return np.empty(shape, dtype)
    start = tensor.storage.start * tensor.storage.kind.itemsize + tensor.offset * dtype.itemsize
    start += data.places[tensor.storage.key][0]
    nbytes = tensor.span * dtype.itemsize
    flat = mapped.ordered(stream, dtype, start, nbytes, what, data.order)
    strides = [
        stride * dtype.itemsize if length > 1 else 0
        for length, stride in zip(tensor.shape, tensor.strides, strict=True)
    ]
    # As integers of the same width, because numpy does not stride all ml_dtypes.
    flat = flat.view(f"u{dtype.itemsize}")
    array = np.lib.stride_tricks.as_strided(flat, tensor.shape, strides)
    # A contiguous tensor in C order needs no copy.
    array = flat.reshape(tensor.shape) if array.flags.c_contiguous else copied(array, array.dtype)
    if tensor.kind.per_byte > 1:
        array = unpacked(array.reshape(-1), tensor.kind.per_byte, dtype, math.prod(shape))
    return array.view(dtype).reshape(shape)
