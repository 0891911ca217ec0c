"""ONNX models: initializers and constants, found without loading the whole model.

The onnx package would build the whole model in memory to list its tensors. Field numbers and
types are those of https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from __future__ import annotations

import math
import os
import re
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from quantoscope.engine.io import mapped
from quantoscope.engine.io.base import (
    MAX_DIMENSIONS,
    FormatError,
    TensorInfo,
    array_in,
    byte_count,
    label,
    no_such_array,
    not_real,
    open_file,
    two_arrays,
    unreadable,
)
from quantoscope.engine.io.beside import opened_beside
from quantoscope.engine.io.budget import Budget
from quantoscope.engine.io.index import cached
from quantoscope.engine.io.onnx_roles import MOST_INPUTS, WITH_INTS, Roles
from quantoscope.engine.io.onnx_types import DOUBLES, FLOATS, KINDS, TYPED, UINT64S, Kind
from quantoscope.engine.io.packed import unpacked
from quantoscope.engine.io.pages import Pages
from quantoscope.engine.io.protobuf import LENGTH, VARINT, Field, Wire, WireError
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.text.number_parsing import quoted

# Of GraphProto within ModelProto, of NodeProto and TensorProto within GraphProto, and so on.
_GRAPH, _FUNCTION = 7, 25
_NODE, _INITIALIZER, _SPARSE = 1, 5, 15
_FUNCTION_NAME, _FUNCTION_NODE = 1, 7
_INPUT, _OUTPUT, _NODE_NAME, _OP_TYPE, _ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 1, 5, 6, 11
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_STRING = 2, 3, 4
_ATTRIBUTE_FLOATS, _ATTRIBUTE_INTS, _ATTRIBUTE_STRINGS, _ATTRIBUTE_SPARSE = 7, 8, 9, 22
_DIMS, _DATA_TYPE, _SEGMENT, _NAME, _RAW, _EXTERNAL, _LOCATION = 1, 2, 3, 8, 9, 13, 14
_SPARSE_VALUES, _SPARSE_DIMS = 1, 3
_FLOAT, _INT64, _STRING = 1, 7, 8
_MAX_DEPTH = 16
MAX_TENSORS = 1 << 17
"""Upper bound of listed tensors; models have far fewer."""
_MORE = 300  # bytes per tensor in the index, beyond those of every reader
# Attributes that hold a Constant's value, each with field and type; for
# list attributes, the field is repeated or packed.
_VALUES = {
    "value_float": (_ATTRIBUTE_FLOAT, _FLOAT, False),
    "value_int": (_ATTRIBUTE_INT, _INT64, False),
    "value_string": (_ATTRIBUTE_STRING, _STRING, False),
    "value_floats": (_ATTRIBUTE_FLOATS, _FLOAT, True),
    "value_ints": (_ATTRIBUTE_INTS, _INT64, True),
    "value_strings": (_ATTRIBUTE_STRINGS, _STRING, True),
}
# Types that are not real numbers.
_OTHER = {
    _STRING: ("STRING", "text"),
    9: ("BOOL", "true/false values"),
    14: ("COMPLEX64", "complex numbers"),
    15: ("COMPLEX128", "complex numbers"),
}
# Generated names: the consuming node says what such a tensor is.
_MADE_UP = re.compile(rb"onnx::.*|\d+|val_\d+|_?tensor_constant\d+", re.DOTALL)
# Operators that only pass a tensor on; a later node says what it is for.
_HANDS_ON = (b"DequantizeLinear", b"Transpose", b"Identity", b"Cast", b"Reshape", b"Unsqueeze")


@dataclass(slots=True)
class ParsedTensor:
    """Parsed, unchecked description of a tensor in the model."""

    start: int  # of the TensorProto, or of the attribute with the numbers
    stop: int
    name: str = ""
    dims: tuple[int, ...] = ()
    data_type: int = 0
    raw: tuple[int, int] | None = None  # position of its raw bytes
    typed: dict[int, int] | None = None  # size of each field of numbers in bytes
    field: int = 0  # with the numbers, if it is not the type's own
    segmented: bool = False
    sparse: bool = False
    external: dict[str, str] | None = None  # reference to another file, if the numbers are in one
    used_by: str = ""  # node that consumes it
    role: Role | None = None  # what its axes are to that node

    @property
    def reason(self) -> str:
        """Why it cannot be loaded; empty if it can."""
        if self.sparse:
            return "is sparse, and such tensors are not read"
        if self.segmented:
            return "is stored in segments, which is not supported"
        if self.data_type in _OTHER:
            return not_real(_OTHER[self.data_type][1])
        if self.data_type not in KINDS:
            return f"is of ONNX's type {self.data_type}, which is not known here"
        return ""


def list_tensors(path: Path) -> list[TensorInfo]:
    """List the initializers and constants.

    A constant is named after its node's output, and a tensor in a node's subgraph after the
    node's output, the attribute and its own name: node names need not be unique.
    """
    with _opened(path) as (stream, wire):
        tensors = _index(stream, wire, path)
    return [_info(path, name, tensor) for name, tensor in tensors.items()]


def _info(path: Path, name: str, tensor: ParsedTensor) -> TensorInfo:
    reason, kind = tensor.reason, KINDS.get(tensor.data_type)
    used_by, role = tensor.used_by, tensor.role
    if reason or kind is None:
        type_name = _OTHER.get(tensor.data_type, (f"type {tensor.data_type}",))[0]
        type_name = kind.packed or kind.dtype.name if kind is not None else type_name
        shape = tensor.dims if byte_count(tensor.dims, 1) is not None else ()
        return TensorInfo(name, shape, type_name, 0, reason=reason, used_by=used_by)
    shape, nbytes = _checked(tensor, kind, array_in(path, name))
    file = (tensor.external or {}).get("location", "")
    stored = kind.packed
    return TensorInfo(name, shape, kind.dtype.name, nbytes, stored, file, "", used_by, role)


def load(path: Path, name: str, *, external: bool = False) -> np.ndarray:
    """Load a tensor by name; from an external file only if ``external``, else ExternalDataError."""
    with _opened(path) as (stream, wire):
        tensors = _index(stream, wire, path)
        if name not in tensors:
            raise no_such_array(path, name, tensors)
        tensor, what = tensors[name], array_in(path, name)
        kind = KINDS.get(tensor.data_type)
        if kind is None or tensor.reason:
            raise unreadable(path, name, tensor.reason)
        shape, nbytes = _checked(tensor, kind, what)
        if not nbytes:
            flat = np.empty(0, kind.dtype)
        elif tensor.external is not None:
            flat = _from_beside(path, tensor.external, kind.dtype, nbytes, what, external)
        elif tensor.raw is not None:
            flat = mapped.ordered(stream, kind.dtype, tensor.raw[0], nbytes, what)
        else:
            flat = _from_fields(stream, wire, tensor, kind, nbytes // kind.dtype.itemsize, what)
    if kind.packed:
        flat = unpacked(flat.view(np.uint8), kind.per_byte, kind.dtype, math.prod(shape))
    return flat.reshape(shape)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Wire]]:
    """Yield the open file and a protobuf view of it."""
    with open_file(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        try:
            yield stream, Wire(Pages(stream, size), Budget(path, size))
        except WireError as error:
            raise FormatError(f"{label(path)} is no ONNX model, or damaged: it {error}.") from None


def _index(stream: BinaryIO, wire: Wire, path: Path) -> dict[str, ParsedTensor]:
    """Return all tensors by name, including those that cannot be loaded."""
    return cached(stream, path, "onnx", lambda: _tensors(wire, path))


def _tensors(wire: Wire, path: Path) -> dict[str, ParsedTensor]:
    graphs, functions = array("Q"), array("Q")
    for field in wire.messages(0, len(wire.data)):
        if field.number in (_GRAPH, _FUNCTION):
            places = graphs if field.number == _GRAPH else functions
            places.extend(field.place)
    if not graphs:
        raise WireError("has no graph")
    found: dict[str, ParsedTensor] = {}
    each = [_of_graph(wire, *place, "", 0) for place in _pairs(graphs)]
    for name, tensor in chain(*each, _of_functions(wire, functions)):
        if name in found:
            raise two_arrays(path, name)
        if len(found) >= MAX_TENSORS:
            raise WireError(f"has more than {MAX_TENSORS:,} tensors")
        wire.budget.take_entry(len(tensor.dims))
        wire.budget.take(_MORE)
        found[name] = tensor
    return found


def _places(fields: Iterable[Field]) -> array[int]:
    """Return the positions of fields as a flat array, at a tenth of the memory of the fields."""
    return array("Q", chain.from_iterable(field.place for field in fields))


def _pairs(places: array[int]) -> Iterator[tuple[int, int]]:
    return zip(places[::2], places[1::2], strict=True)


def _joined(wire: Wire, *parts: str) -> str:
    """Join parts of a name; charged to the budget, since subgraphs repeat outer names."""
    parts = tuple(part for part in parts if part)
    if len(parts) < 2:
        return parts[0] if parts else ""
    wire.budget.take_joined(*parts)
    return "".join(parts)


def _of_graph(
    wire: Wire, start: int, stop: int, prefix: str, depth: int
) -> Iterator[tuple[str, ParsedTensor]]:
    """Yield the tensors of a graph with their names, initializers first."""
    if depth > _MAX_DEPTH:
        raise WireError(f"has graphs in graphs, more than {_MAX_DEPTH} deep")
    nodes = array("Q")
    made_up: dict[bytes, ParsedTensor] = {}
    roles, named = Roles(), dict[bytes, ParsedTensor]()

    def expect(name: bytes, tensor: ParsedTensor) -> None:
        if name and not prefix and len(tensor.dims) > 1:
            wire.budget.take(_MORE + 2 * len(name))
            roles.add(name, len(tensor.dims))
            named[name] = tensor

    for field in wire.messages(start, stop):
        if field.number in (_INITIALIZER, _SPARSE):
            parse = _parsed_sparse if field.number == _SPARSE else _parsed
            tensor = parse(wire, *field.place)
            name = tensor.name.encode("utf-8", "replace") if len(tensor.name) < 200 else b""
            if _MADE_UP.fullmatch(name):
                made_up[name] = tensor
            expect(name, tensor)
            yield _joined(wire, prefix, tensor.name), tensor
        elif field.number == _NODE:
            nodes.extend(field.place)
    for place in _pairs(nodes):
        for called, tensor in _of_node(wire, *place, prefix, depth, made_up, roles):
            expect(called.encode("utf-8", "replace") if len(called) < 200 else b"", tensor)
            yield called, tensor
    for name, tensor in named.items():
        tensor.role = roles.role(name)


def _of_functions(wire: Wire, functions: array[int]) -> Iterator[tuple[str, ParsedTensor]]:
    """Yield the constants of the model's own functions."""
    seen: set[str] = set()
    for number, (start, stop) in enumerate(_pairs(functions)):
        name, nodes = "", array("Q")
        for field in wire.messages(start, stop):
            if field.number == _FUNCTION_NAME:
                name = wire.text(field)
            elif field.number == _FUNCTION_NODE:
                nodes.extend(field.place)
        # Functions of one name may belong to different domains.
        prefix = _joined(wire, name, f"#{number}." if name in seen else ".")
        seen.add(name)
        for place in _pairs(nodes):
            yield from _of_node(wire, *place, prefix, 0, {}, Roles())


def _of_node(
    wire: Wire,
    start: int,
    stop: int,
    prefix: str,
    depth: int,
    made_up: dict[bytes, ParsedTensor],
    roles: Roles,
) -> Iterator[tuple[str, ParsedTensor]]:
    """Yield the tensor of a Constant, and those of a node's subgraphs.

    Consumers of tensors with generated names are recorded in ``made_up``, and of all in ``roles``.
    """
    output: Field | None = None
    op_type = node_name = b""
    taken: ParsedTensor | None = None
    attributes, inputs = array("Q"), list[bytes]()
    for field in wire.messages(start, stop):
        if field.number == _INPUT and len(inputs) < MOST_INPUTS:
            inputs.append(wire.short(field))
        if field.number == _ATTRIBUTE:
            attributes.extend(field.place)
        elif field.number == _OUTPUT:
            output = output or field
        elif field.number == _OP_TYPE:
            op_type = wire.short(field)
        elif field.number == _NODE_NAME:
            node_name = wire.short(field)
        elif field.number == _INPUT and made_up and taken is None:
            taken = made_up.get(wire.short(field))
    if taken is not None and not taken.used_by:
        if op_type in _HANDS_ON and output is not None:
            made_up[wire.short(output)] = taken
        elif node_name:
            taken.used_by = node_name.decode("utf-8", "replace")
    if any(map(roles.knows, inputs)):
        ints = dict(_ints(wire, attributes)) if op_type in WITH_INTS else {}
        roles.read(op_type, inputs, wire.short(output) if output is not None else b"", ints)
    if not attributes:
        return
    called_output = wire.text(output) if output is not None else ""
    for place in _pairs(attributes):
        yield from _of_attribute(wire, *place, op_type, called_output, prefix, depth)


def _ints(wire: Wire, attributes: array[int]) -> Iterator[tuple[bytes, list[int]]]:
    """Yield the names and values of a node's integer attributes."""
    for place in _pairs(attributes):
        name, values = b"", list[int]()
        for field in wire.fields(*place):
            if field.number == _ATTRIBUTE_NAME and field.kind == LENGTH:
                name = wire.short(field)
            elif field.number in (_ATTRIBUTE_INT, _ATTRIBUTE_INTS) and field.kind == VARINT:
                values = [*values[-MAX_DIMENSIONS:], field.value]
            elif field.number == _ATTRIBUTE_INTS and field.kind == LENGTH:
                for part in wire.varints(field.start, field.stop):
                    values = [*values, *part[: MAX_DIMENSIONS + 1].tolist()][: MAX_DIMENSIONS + 1]
        yield name, values or [0]


def _of_attribute(
    wire: Wire, start: int, stop: int, op_type: bytes, output: str, prefix: str, depth: int
) -> Iterator[tuple[str, ParsedTensor]]:
    called, graphs = "", array("Q")
    tensor: Field | None = None
    sparse: Field | None = None
    for field in wire.messages(start, stop):
        if field.number == _ATTRIBUTE_NAME:
            called = wire.text(field)
        elif field.number == _ATTRIBUTE_TENSOR:
            tensor = field
        elif field.number == _ATTRIBUTE_SPARSE:
            sparse = field
        elif field.number in (_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS):
            graphs.extend(field.place)
    if op_type == b"Constant":
        value: ParsedTensor | None = None
        if called == "value" and tensor is not None:
            value = _parsed(wire, *tensor.place)
        elif called == "sparse_value" and sparse is not None:
            value = _parsed_sparse(wire, *sparse.place)
        elif called in _VALUES:
            value = _parsed_value(wire, start, stop, *_VALUES[called])
        if value is not None:
            yield _joined(wire, prefix, output), value
    for i, graph in enumerate(_pairs(graphs)):
        number = f"{i}." if len(graphs) > 2 else ""
        inner = _joined(wire, prefix, output, ".", called, ".", number)
        yield from _of_graph(wire, *graph, inner, depth + 1)


def _parsed_value(
    wire: Wire, start: int, stop: int, number: int, data_type: int, many: bool
) -> ParsedTensor:
    """Return the tensor of numbers held in an attribute itself."""
    count = size = 0
    for field in wire.fields(start, stop):
        if field.number != number:
            continue
        size += 1 if field.kind == VARINT else field.stop - field.start
        if field.kind != LENGTH or data_type == _STRING:
            count += 1
        elif data_type == _FLOAT:
            count += (field.stop - field.start) // 4
        else:
            count += sum(part.size for part in wire.varints(*field.place))
    # Protobuf omits values of 0.
    dims = (count,) if many else ()
    return ParsedTensor(start, stop, "", dims, data_type, typed={number: size}, field=number)


def _parsed_sparse(wire: Wire, start: int, stop: int) -> ParsedTensor:
    """Parse a SparseTensorProto, which is named by its values."""
    values, dims = ParsedTensor(start, stop), Dims()
    for field in wire.fields(start, stop):
        if field.number == _SPARSE_VALUES and field.kind == LENGTH:
            values = _parsed(wire, *field.place)
        elif field.number == _SPARSE_DIMS:
            dims.read(wire, field)
    values.dims, values.sparse = tuple(dims), True
    return values


class Dims(list[int]):
    """Lengths of axes from repeated or packed fields."""

    def read(self, wire: Wire, field: Field) -> None:
        """Append the lengths in a field; one more than numpy's limit suffices to refuse it."""
        if field.kind == LENGTH:
            for part in wire.varints(*field.place):
                self += part[: MAX_DIMENSIONS + 1].view(np.int64).tolist()
                del self[MAX_DIMENSIONS + 1 :]
        elif field.kind == VARINT and len(self) <= MAX_DIMENSIONS:
            self.append(_signed(field.value))


def _parsed(wire: Wire, start: int, stop: int) -> ParsedTensor:
    """Parse a TensorProto without its numbers."""
    tensor = ParsedTensor(start, stop)
    entries: dict[str, str] = {}
    typed: dict[int, int] = {}
    dims = Dims()
    elsewhere = False
    for field in wire.fields(start, stop):
        if field.number in TYPED:
            size = 1 if field.kind == VARINT else field.stop - field.start
            typed[field.number] = typed.get(field.number, 0) + size
        elif field.number == _DIMS:
            dims.read(wire, field)
        elif field.number == _DATA_TYPE and field.kind == VARINT:
            tensor.data_type = field.value
        elif field.number == _LOCATION and field.kind == VARINT:
            elsewhere = field.value == 1
        elif field.kind != LENGTH:
            continue
        elif field.number == _RAW:
            tensor.raw = field.place
        elif field.number == _NAME:
            tensor.name = wire.text(field)
        elif field.number == _SEGMENT:
            tensor.segmented = True
        elif field.number == _EXTERNAL:
            wire.budget.take(_MORE)
            pair = {f.number: wire.text(f) for f in wire.fields(*field.place)}
            entries[pair.get(1, "")] = pair.get(2, "")
    tensor.dims, tensor.typed = tuple(dims), typed or None
    tensor.external = entries if elsewhere else None
    return tensor


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _checked(tensor: ParsedTensor, kind: Kind, what: str) -> tuple[tuple[int, ...], int]:
    """Return the shape and the stored size in bytes, checked against the size of the file."""
    shape = tensor.dims
    nbytes = byte_count(shape, kind.dtype.itemsize)
    if nbytes is None:
        raise FormatError(f"{what} is damaged: it claims a shape that no array can have.")
    if kind.packed:
        nbytes = -(-nbytes // kind.per_byte)
    if tensor.external is not None:
        return shape, nbytes
    if tensor.raw is not None:
        there, exact = tensor.raw[1] - tensor.raw[0], True
        wanted = nbytes
    else:
        # A varint takes at least one byte.
        exact = kind.field in (FLOATS, DOUBLES)
        there = (tensor.typed or {}).get(tensor.field or kind.field, 0)
        wanted = nbytes if exact else nbytes // kind.dtype.itemsize
    if there < wanted or (exact and there != wanted):
        raise FormatError(
            f"{what} is damaged: its shape takes {wanted:,} bytes, and it has {there:,}."
        )
    return shape, nbytes


def _from_fields(
    stream: BinaryIO, wire: Wire, tensor: ParsedTensor, kind: Kind, count: int, what: str
) -> np.ndarray:
    """Return numbers from their type's field, packed or repeated."""
    number = tensor.field or kind.field
    fields = (f for f in wire.fields(tensor.start, tensor.stop) if f.number == number)
    if kind.field in (FLOATS, DOUBLES):
        places = _places(field for field in fields if field.kind != VARINT)
        nbytes = count * kind.dtype.itemsize
        if sum(stop - start for start, stop in _pairs(places)) != nbytes:
            raise _miscounted(what)
        if len(places) == 2:
            return mapped.ordered(stream, kind.dtype, places[0], nbytes, what)
        data = bytearray()
        for start, stop in _pairs(places):
            data += wire.data[start:stop]
        return np.frombuffer(data, kind.dtype.newbyteorder("<")).astype(kind.dtype, copy=False)
    flat = np.empty(count, kind.dtype)
    filled = 0
    for field in fields:
        packed = field.kind == LENGTH
        one = np.array([field.value], np.uint64)
        for part in wire.varints(*field.place) if packed else (one,):
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
    """Cast 64-bit numbers to their declared type."""
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
    """Return numbers from an external file in the model's folder."""
    offset = _length(said.get("offset", "0"), what)
    length = _length(said["length"], what) if "length" in said else nbytes
    if length != nbytes:
        raise FormatError(
            f"{what} is damaged: its shape takes {nbytes:,} bytes, and it has {length:,}."
        )
    location = said.get("location", "")
    with opened_beside(path, location, agreed, offset + nbytes, what) as stream:
        return mapped.ordered(stream, dtype, offset, nbytes, what)


def _length(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise FormatError(f"{what} is damaged: {quoted(text)} is no number of bytes.")
    return int(text)
