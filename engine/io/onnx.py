"""ONNX models: initializers and constants, found by walking over the file where it lies.

The onnx package would build the whole model in memory to tell what is in it. Field numbers and
types are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import math
import mmap
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.io import mapped
from engine.io.base import (
    MAX_DIMENSIONS,
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    no_such_array,
    open_file,
    shown,
    two_arrays,
)
from engine.io.beside import opened_beside
from engine.io.onnx_types import DOUBLES, FLOATS, KINDS, TYPED, UINT64S, Kind, unpacked
from engine.io.protobuf import LENGTH, VARINT, Field, Wire, WireError
from engine.numbers import quoted

# Of GraphProto within ModelProto, of NodeProto and TensorProto within GraphProto, and so on.
_GRAPH = 7
_NODE, _INITIALIZER = 1, 5
_OUTPUT, _OP_TYPE, _ATTRIBUTE = 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 1, 5, 6, 11
_DIMS, _DATA_TYPE, _SEGMENT, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 3, 8, 9, 13, 14
_MAX_DEPTH = 16
MAX_TENSORS = 1 << 17
"""How many are listed at most; models have far fewer."""


@dataclass(slots=True)
class Tensor:
    """What the model says of a tensor, not yet checked.

    Attributes
    ----------
    start, stop : int
        Where the TensorProto is.
    name : str
    dims : tuple of int
    data_type : int
    raw : tuple of int, optional
        Where its raw bytes are.
    typed : dict of int, optional
        How many bytes each field of numbers has.
    segmented : bool
    external : dict of str, optional
        What it says of another file, if its numbers are in one.
    """

    start: int
    stop: int
    name: str = ""
    dims: tuple[int, ...] = ()
    data_type: int = 0
    raw: tuple[int, int] | None = None
    typed: dict[int, int] | None = None
    segmented: bool = False
    external: dict[str, str] | None = None


def list_tensors(path: Path) -> list[TensorInfo]:
    """Return the initializers and constants of real numbers.

    A constant goes by what its node puts out, and a tensor of a graph within a node by what the
    node puts out and the name of the attribute before its own: names of nodes may be the same.
    """
    with _opened(path) as (_, wire):
        found = []
        for name, tensor in _tensors(wire, path).items():
            kind = KINDS.get(tensor.data_type)
            if kind is None:
                continue
            shape, nbytes = _checked(tensor, kind, array_in(path, name))
            file = (tensor.external or {}).get("location", "")
            found.append(TensorInfo(name, shape, kind.dtype.name, nbytes, kind.packed, file))
    return found


def load(path: Path, name: str, *, external: bool = False) -> np.ndarray:
    """Return the tensor of that name.

    Parameters
    ----------
    path : Path
    name : str
        As ``list_tensors`` has it.
    external : bool
        Whether numbers that are in another file may be read from there.

    Raises
    ------
    ExternalDataError
        When they are, and may not.
    """
    with _opened(path) as (stream, wire):
        tensors = _tensors(wire, path)
        if name not in tensors:
            raise no_such_array(path, name, tensors)
        tensor, what = tensors[name], array_in(path, name)
        kind = KINDS.get(tensor.data_type)
        if kind is None:
            raise FormatError(
                f"{what} is of ONNX's type {tensor.data_type}, which does not hold real numbers "
                "or is not known here."
            )
        shape, nbytes = _checked(tensor, kind, what)
        if not nbytes:
            flat = np.empty(0, kind.dtype)
        elif tensor.external is not None:
            flat = _from_beside(path, tensor.external, kind.dtype, nbytes, what, external)
        elif tensor.raw is not None:
            flat = _raw(stream, kind.dtype, tensor.raw[0], nbytes, what)
        else:
            flat = _from_fields(stream, wire, tensor, kind, nbytes // kind.dtype.itemsize, what)
    if kind.packed:
        flat = unpacked(flat.view(np.uint8), kind, math.prod(shape))
    return flat.reshape(shape)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Wire]]:
    """Give the open file, and a view of it to walk over."""
    with open_file(path) as stream:
        try:
            pages: mmap.mmap | bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError):  # no mappings on this disk, or no room for one
            pages = stream.read()
        try:
            yield stream, Wire(pages)
        except WireError as error:
            raise FormatError(f"{shown(path)} is no ONNX model, or damaged: it {error}.") from None
        finally:
            if not isinstance(pages, bytes):
                pages.close()


def _tensors(wire: Wire, path: Path) -> dict[str, Tensor]:
    """Return all tensors by name, those that cannot be read included."""
    top = wire.fields(0, len(wire.data))
    graphs = _places(f for f in top if f.number == _GRAPH and f.kind == LENGTH)
    if not graphs:
        raise WireError("has no graph")
    found: dict[str, Tensor] = {}
    for start, stop in _pairs(graphs):
        for name, tensor in _of_graph(wire, start, stop, "", 0):
            if name in found:
                raise two_arrays(path, name)
            if len(found) >= MAX_TENSORS:
                raise WireError(f"has more than {MAX_TENSORS:,} tensors")
            found[name] = tensor
    return found


def _places(fields: Iterable[Field]) -> array[int]:
    """Return where fields lie, one after the other: a field itself takes ten times as much."""
    places = array("Q")
    for field in fields:
        places.append(field.start)
        places.append(field.stop)
    return places


def _pairs(places: array[int]) -> Iterator[tuple[int, int]]:
    return zip(places[::2], places[1::2], strict=True)


def _of_graph(
    wire: Wire, start: int, stop: int, prefix: str, depth: int
) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a graph with their names, initializers first."""
    if depth > _MAX_DEPTH:
        raise WireError(f"has graphs in graphs, more than {_MAX_DEPTH} deep")
    nodes = array("Q")
    for field in wire.fields(start, stop):
        if field.kind == LENGTH and field.number == _INITIALIZER:
            tensor = _parsed(wire, field.start, field.stop)
            yield prefix + tensor.name, tensor
        elif field.kind == LENGTH and field.number == _NODE:
            nodes.extend((field.start, field.stop))
    for place in _pairs(nodes):
        yield from _of_node(wire, *place, prefix, depth)


def _of_node(
    wire: Wire, start: int, stop: int, prefix: str, depth: int
) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensor of a Constant, and those of graphs within a node."""
    output = op_type = ""
    attributes = array("Q")
    for field in wire.fields(start, stop):
        if field.kind != LENGTH:
            continue
        if field.number == _ATTRIBUTE:
            attributes.extend((field.start, field.stop))
        elif field.number == _OUTPUT:
            output = output or wire.text(field)
        elif field.number == _OP_TYPE:
            op_type = wire.text(field)
    for place in _pairs(attributes):
        called, graphs, tensor = "", array("Q"), None
        for field in wire.fields(*place):
            if field.kind != LENGTH:
                continue
            if field.number == _ATTRIBUTE_NAME:
                called = wire.text(field)
            elif field.number == _ATTRIBUTE_TENSOR:
                tensor = field
            elif field.number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
                graphs.extend((field.start, field.stop))
        if tensor is not None and op_type == "Constant" and called == "value":
            yield prefix + output, _parsed(wire, tensor.start, tensor.stop)
        for i, graph in enumerate(_pairs(graphs)):
            number = f"{i}." if len(graphs) > 2 else ""
            inner = f"{prefix}{output}.{called}.{number}"
            yield from _of_graph(wire, *graph, inner, depth + 1)


def _parsed(wire: Wire, start: int, stop: int) -> Tensor:
    """Return what a TensorProto says, but for its numbers."""
    tensor = Tensor(start, stop)
    entries: dict[str, str] = {}
    typed: dict[int, int] = {}
    dims: list[int] = []
    elsewhere = False
    for field in wire.fields(start, stop):
        if field.number in TYPED:
            size = 1 if field.kind == VARINT else field.stop - field.start
            typed[field.number] = typed.get(field.number, 0) + size
        elif field.number == _DIMS and field.kind == LENGTH:
            for part in wire.varints(field.start, field.stop):
                dims += part[: MAX_DIMENSIONS + 1].view(np.int64).tolist()
        elif field.number == _DIMS and field.kind == VARINT:
            dims.append(_signed(field.value))
        elif field.number == _DATA_TYPE and field.kind == VARINT:
            tensor.data_type = field.value
        elif field.number == _LOCATION and field.kind == VARINT:
            elsewhere = field.value == 1
        elif field.kind != LENGTH:
            continue
        elif field.number == _RAW:
            tensor.raw = (field.start, field.stop)
        elif field.number == _NAME:
            tensor.name = wire.text(field)
        elif field.number == _SEGMENT:
            tensor.segmented = True
        elif field.number == _EXTERNAL:
            pair = {f.number: wire.text(f) for f in wire.fields(field.start, field.stop)}
            entries[pair.get(1, "")] = pair.get(2, "")
    tensor.dims, tensor.typed = tuple(dims), typed or None
    tensor.external = entries if elsewhere else None
    return tensor


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _checked(tensor: Tensor, kind: Kind, what: str) -> tuple[tuple[int, ...], int]:
    """Return the shape, and the bytes that the numbers take in a file, held against this one."""
    shape = tensor.dims
    nbytes = byte_count(shape, kind.dtype.itemsize)
    if nbytes is None:
        raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
    if tensor.segmented:
        raise FormatError(f"{what} is stored in segments, which is not supported.")
    if kind.packed:
        nbytes = -(-nbytes // kind.per_byte)
    if tensor.external is not None:
        return shape, nbytes
    if tensor.raw is not None:
        there, exact = tensor.raw[1] - tensor.raw[0], True
        wanted = nbytes
    else:
        # A number of variable length takes one byte at least.
        exact = kind.field in (FLOATS, DOUBLES)
        there = (tensor.typed or {}).get(kind.field, 0)
        wanted = nbytes if exact else nbytes // kind.dtype.itemsize
    if there < wanted or (exact and there != wanted):
        raise FormatError(
            f"{what} is damaged: its shape takes {wanted:,} bytes, and it has {there:,}."
        )
    return shape, nbytes


def _raw(stream: BinaryIO, dtype: np.dtype[Any], offset: int, nbytes: int, what: str) -> np.ndarray:
    """Return numbers that lie in a file one after the other."""
    stored = mapped.as_stored(dtype, "little")
    return mapped.numbers(stream, stored, offset, nbytes, what).view(dtype)


def _from_fields(
    stream: BinaryIO, wire: Wire, tensor: Tensor, kind: Kind, count: int, what: str
) -> np.ndarray:
    """Return numbers out of the field of their type, whether that is packed or not."""
    fields = (f for f in wire.fields(tensor.start, tensor.stop) if f.number == kind.field)
    if kind.field in (FLOATS, DOUBLES):
        places = _places(field for field in fields if field.kind != VARINT)
        nbytes = count * kind.dtype.itemsize
        if sum(stop - start for start, stop in _pairs(places)) != nbytes:
            raise _miscounted(what)
        if len(places) == 2:
            return _raw(stream, kind.dtype, places[0], nbytes, what)
        data = bytearray()
        for start, stop in _pairs(places):
            data += wire.data[start:stop]
        return np.frombuffer(data, kind.dtype.newbyteorder("<")).astype(kind.dtype, copy=False)
    flat = np.empty(count, kind.dtype)
    filled = 0
    for field in fields:
        packed = field.kind == LENGTH
        one = np.array([field.value], np.uint64)
        for part in wire.varints(field.start, field.stop) if packed else (one,):
            if filled + part.size > count:
                raise _miscounted(what)
            flat[filled : filled + part.size] = _narrowed(part, kind, what)
            filled += part.size
    if filled != count:
        raise _miscounted(what)
    return flat


def _miscounted(what: str) -> FormatError:
    return FormatError(f"{what} is damaged: it has more or fewer numbers than its shape.")


def _narrowed(part: np.ndarray, kind: Kind, what: str) -> np.ndarray:
    """Return numbers of 64 bits as the type that they are meant to be of."""
    if kind.bits or kind.packed:
        return part.astype(f"u{kind.dtype.itemsize}").view(kind.dtype)
    wide = part if kind.field == UINT64S else part.view(np.int64)
    narrow = wide.astype(kind.dtype)
    if (narrow != wide).any():
        raise FormatError(f"{what} is damaged: it has numbers that are not {kind.dtype.name}.")
    return narrow


def _from_beside(
    path: Path, said: dict[str, str], dtype: np.dtype[Any], nbytes: int, what: str, agreed: bool
) -> np.ndarray:
    """Return numbers out of a file in the folder of the model, and out of no other file."""
    offset = _length(said.get("offset", "0"), what)
    length = _length(said["length"], what) if "length" in said else nbytes
    if length != nbytes:
        raise FormatError(
            f"{what} is damaged: its shape takes {nbytes:,} bytes, and it has {length:,}."
        )
    location = said.get("location", "")
    with opened_beside(path, location, agreed, offset + nbytes, what) as stream:
        return _raw(stream, dtype, offset, nbytes, what)


def _length(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FormatError(f"{what} is damaged: {quoted(text)} is no number of bytes.")
    return int(text)
