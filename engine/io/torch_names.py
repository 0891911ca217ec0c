"""Allowed names in a checkpoint's pickle, and the inert records they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from quantoscope.engine.io import pickled_arrays
from quantoscope.engine.io.base import MAX_DIMENSIONS, byte_count, not_real
from quantoscope.engine.io.pickles import INERT, Call, ForeignName, Pairs, PickleError, called_with
from quantoscope.engine.text.number_parsing import printable

QUANTIZED = "is quantized already, and such tensors are not read"
"""Why quantized tensors cannot be loaded."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A number type of PyTorch."""

    name: str  # PyTorch's
    itemsize: int  # bytes per element
    dtype: np.dtype[Any] | None  # None if it is not a real dtype
    per_byte: int = 1  # numbers packed in one element

    @property
    def reason(self) -> str:
        """Why its numbers cannot be loaded; empty if they can."""
        if self.dtype is not None:
            return ""
        if self.name.startswith(("qint", "quint")):
            return QUANTIZED
        if self.name == "bool" or self.name.startswith("complex"):
            words = "true/false values" if self.name == "bool" else "complex numbers"
            return not_real(f"{words} ({self.name})")
        return not_real(f"{self.name} values")


@dataclass(frozen=True, eq=False)
class StorageKind:
    """A storage class, which determines the number type."""

    kind: Kind


@dataclass(frozen=True, eq=False)
class Storage:
    """Data outside the pickle."""

    key: str  # in the file
    kind: Kind
    count: int  # number of elements
    start: int = 0  # start index, if it is part of another storage


@dataclass(frozen=True, eq=False)
class TensorView:
    """A strided view of a storage, checked to lie within it."""

    storage: Storage
    kind: Kind
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def span(self) -> int:
        """Number of elements from the first to the last one, inclusive."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))


@dataclass(eq=False, slots=True)
class Unreadable:
    """A tensor that cannot be loaded from its storage."""

    reason: str  # as in ``TensorInfo``
    kind: str = ""  # type of its numbers, if known
    shape: tuple[int, ...] = ()
    parts: object = None  # its components, which may include tensors


@dataclass(eq=False, slots=True)
class Nested:
    """A nested tensor: tensors of several shapes in one storage."""

    buffer: TensorView  # data of all of them
    sizes: TensorView  # one row per tensor, like the strides and offsets
    strides: TensorView
    offsets: TensorView


def storage(reference: object) -> Storage:
    """Return the storage of a persistent reference, or raise PickleError."""
    match reference:
        case ("storage", StorageKind(kind=kind), str(key), _, int(count), *rest) if count >= 0:
            match rest:
                case [] | [None]:
                    return Storage(key, kind, count)
                case [(str(), int(start), int(length))] if min(start, length) >= 0:
                    if start + length <= count:
                        return Storage(key, kind, length, start)
    raise PickleError("is damaged: its pickle has a storage that cannot be read")


def _tensor(storage: object, offset: object, size: object, stride: object, *more: object) -> object:
    """Return a tensor; ``more`` is requires_grad, hooks and metadata."""
    kind = getattr(storage, "kind", None)
    return _of_kind(storage, offset, size, stride, kind, *more[2:])


def _tensor_of_type(
    storage: object, offset: object, size: object, stride: object, *more: object
) -> object:
    """Return a tensor; ``more`` is requires_grad, hooks, kind and metadata."""
    return _of_kind(storage, offset, size, stride, *more[2:])


def _of_kind(
    storage: object,
    offset: object,
    size: object,
    stride: object,
    kind: object,
    metadata: object = None,
) -> TensorView | Unreadable:
    if not (isinstance(storage, Storage) and isinstance(kind, Kind)):
        raise PickleError("is damaged: its pickle has a tensor without a storage")
    shape, strides = _lengths(size), _lengths(stride)
    if type(offset) is not int or offset < 0 or len(shape) != len(strides):
        raise PickleError("is damaged: its pickle has a tensor of no possible shape")
    if isinstance(metadata, Pairs) and metadata.entries:
        # Operations that are pending until access, such as a negation, would be missing.
        reason = "has signs that are not written out, and such tensors are not read"
        return Unreadable(reason, kind.name, shape)
    tensor = TensorView(storage, kind, offset, shape, strides)
    if (offset + tensor.span) * kind.itemsize > storage.count * storage.kind.itemsize:
        raise PickleError("is damaged: a tensor in it is larger than its storage")
    return tensor


def storage_view(
    storage: Storage, kind: Kind, offset: object, size: object, stride: object
) -> TensorView:
    """Return a checked view of a storage, or raise PickleError."""
    found = _of_kind(storage, offset, size, stride, kind)
    assert isinstance(found, TensorView)
    return found


def _lengths(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple | list) and len(value) <= MAX_DIMENSIONS:
        lengths = tuple(n for n in value if type(n) is int and 0 <= n < 2**63)
        if len(lengths) == len(value):
            return lengths
    raise PickleError("is damaged: its pickle has a tensor of no possible shape")


def _dictionary(pairs: object = None, *_: object) -> Pairs:
    return Pairs(pairs) if isinstance(pairs, list) else Pairs()


def _no_bytes(*arguments: object) -> object:
    return INERT if arguments else b""


def _first(value: object, *_: object) -> object:
    return value


def _inert(*_: object) -> object:
    return INERT


def _of_subclass(
    rebuild: object, _: object, arguments: object, state: object = None, *__: object
) -> object:
    """Return the tensor inside a subclass instance or one with attributes."""
    if isinstance(rebuild, Call) and rebuild in _REBUILD.values() and isinstance(arguments, tuple):
        made = called_with(rebuild, arguments)
        if isinstance(made, Unreadable) and made.parts is None:
            # A wrapper subclass has its component tensors as attributes.
            made.parts = state
        return made
    raise PickleError("is damaged: its pickle makes a tensor from something else")


def _wrapper(kind_of: object, kind: object = None, size: object = (), *_: object) -> Unreadable:
    """Return a tensor that only its own class can assemble."""
    of = f" {printable(kind_of.name, 100)}" if isinstance(kind_of, ForeignName) else ""
    reason = f"is put together by its class{of}, which is not run; what it is made of is listed"
    return Unreadable(reason, kind.name if isinstance(kind, Kind) else "", _shape(size))


def _quantized(
    storage: object = None, offset: object = None, size: object = (), *_: object
) -> Unreadable:
    kind = storage.kind.name if isinstance(storage, Storage) else ""
    return Unreadable(QUANTIZED, kind, _shape(size))


def _sparse(layout: object = None, data: object = None, *_: object) -> Unreadable:
    unread = Unreadable("is sparse, and such tensors are not read; what it is made of is listed")
    match data:
        case (TensorView() as rows, TensorView() as columns, TensorView() as values, size, *_):
            unread.kind, unread.shape = values.kind.name, _shape(size)
            unread.parts = Pairs([("starts", rows), ("indices", columns), ("values", values)])
        case (TensorView() as indices, TensorView() as values, size, *_):
            unread.kind, unread.shape = values.kind.name, _shape(size)
            unread.parts = Pairs([("indices", indices), ("values", values)])
        case _:
            unread.reason = "is sparse, and such tensors are not read"
    return unread


def _nested(
    buffer: object = None, sizes: object = None, strides: object = None, offsets: object = None
) -> object:
    match (buffer, sizes, strides, offsets):
        case (TensorView() as a, TensorView() as b, TensorView() as c, TensorView() as d):
            return Nested(a, b, c, d)
    return Unreadable("is a nested tensor of a kind that is not read")


def _without_numbers(kind: object = None, size: object = (), *_: object) -> Unreadable:
    name = kind.name if isinstance(kind, Kind) else ""
    return Unreadable("has no numbers: it lies on the device meta", name, _shape(size))


def _shape(size: object) -> tuple[int, ...]:
    """Return the lengths of axes; none if they are unknown."""
    try:
        shape = _lengths(size)
    except PickleError:
        return ()
    return shape if byte_count(shape, 16) is not None else ()


_REAL = (
    *("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e4m3fnuz"),
    *("float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu"),
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
)
# Bytes per element of types that are not real numbers.
_OTHER = {
    **{"bool": 1, "complex32": 4, "complex64": 8, "complex128": 16},
    **{"qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1},
    **{"bits1x8": 1, "bits2x4": 1, "bits4x2": 1, "bits8": 1, "bits16": 2},
    **{f"{sign}int{bits}": 1 for sign in ("", "u") for bits in range(1, 8)},
}
_DTYPES = {name: np.dtype(getattr(ml_dtypes, name, name)) for name in _REAL}
_KINDS = {name: Kind(name, dtype.itemsize, dtype) for name, dtype in _DTYPES.items()}
_KINDS |= {name: Kind(name, itemsize, None) for name, itemsize in _OTHER.items()}
_FLOAT4 = "float4_e2m1fn_x2"
_KINDS[_FLOAT4] = Kind(_FLOAT4, 1, np.dtype(ml_dtypes.float4_e2m1fn), 2)

_STORAGES = {
    **{"Double": "float64", "Float": "float32", "Half": "float16", "BFloat16": "bfloat16"},
    **{"Long": "int64", "Int": "int32", "Short": "int16", "Char": "int8", "Byte": "uint8"},
    **{"Bool": "bool", "ComplexFloat": "complex64", "ComplexDouble": "complex128"},
    **{"QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32"},
    **{"QUInt4x2": "quint4x2", "QUInt2x4": "quint2x4", "Untyped": "uint8"},
}

_REBUILD = {
    "torch._utils._rebuild_tensor": Call(_tensor),
    "torch._utils._rebuild_tensor_v2": Call(_tensor),
    "torch._utils._rebuild_tensor_v3": Call(_tensor_of_type),
    "torch._utils._rebuild_parameter": Call(_first),
    "torch._utils._rebuild_parameter_with_state": Call(_first),
    "torch._utils._rebuild_device_tensor_from_numpy": Call(_first),
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": Call(_first),
    "torch._utils._rebuild_wrapper_subclass": Call(_wrapper),
    "torch._utils._rebuild_qtensor": Call(_quantized),
    "torch._utils._rebuild_sparse_tensor": Call(_sparse),
    "torch._utils._rebuild_nested_tensor": Call(_nested),
    "torch._utils._rebuild_meta_tensor_no_storage": Call(_without_numbers),
}
_OF_SUBCLASS = ("torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2")

_DICTIONARIES = ("collections.OrderedDict", "collections.defaultdict", "collections.Counter")
# Objects in checkpoints beside tensors, which are ignored.
_INERT = (
    *("torch.device", "torch.serialization._get_layout"),
    *("torch.Tensor", "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer"),
    *("torch.per_tensor_affine", "torch.per_channel_affine"),
    *("torch.per_channel_affine_float_qparams", "torch.per_tensor_symmetric"),
    "torch.per_channel_symmetric",
    *(
        f"{module}.{name}"
        for module in ("builtins", "__builtin__")
        for name in (
            *("set", "frozenset", "bytearray", "complex", "slice", "int", "float", "str", "bool"),
            *("list", "dict", "tuple"),
        )
    ),
    *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.ndarray"),
)

NAMES: dict[str, object] = {
    **dict.fromkeys(_INERT, Call(_inert)),
    **dict.fromkeys(_DICTIONARIES, Call(_dictionary)),
    **dict.fromkeys(_OF_SUBCLASS, Call(_of_subclass)),
    **_REBUILD,
    **pickled_arrays.NAMES,
    "torch.Size": Call(_first),
    # Python 2's form of empty bytes.
    "__builtin__.bytes": Call(_no_bytes),
    "builtins.bytes": Call(_no_bytes),
    **{f"torch.{name}": kind for name, kind in _KINDS.items()},
    **{f"torch.{name}Storage": StorageKind(_KINDS[kind]) for name, kind in _STORAGES.items()},
    "torch.storage.UntypedStorage": StorageKind(_KINDS["uint8"]),
}
