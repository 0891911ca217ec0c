"""The names that a checkpoint of tensors may use, and the inert records that they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from engine.io.base import MAX_DIMENSIONS
from engine.io.pickles import INERT, Call, Pairs, PickleError, called_with


@dataclass(frozen=True, eq=False)
class Kind:
    """A type of number.

    Attributes
    ----------
    name : str
        As torch calls it.
    itemsize : int
        Bytes of one.
    dtype : numpy.dtype, optional
        None where it holds no real numbers.
    """

    name: str
    itemsize: int
    dtype: np.dtype[Any] | None


@dataclass(frozen=True, eq=False)
class StorageKind:
    """A class of storages, which says what numbers are in them."""

    kind: Kind


@dataclass(frozen=True, eq=False)
class Storage:
    """Numbers outside of the pickle.

    Attributes
    ----------
    key : str
        What the file calls them.
    kind : Kind
    count : int
        How many there are.
    start : int
        Before which index of them this storage begins, if it is a part of another.
    """

    key: str
    kind: Kind
    count: int
    start: int = 0


@dataclass(frozen=True, eq=False)
class Tensor:
    """A view of a storage: indices count numbers of ``kind``, and are checked to lie inside."""

    storage: Storage
    kind: Kind
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def span(self) -> int:
        """How many numbers lie between the first and the last, both included."""
        if 0 in self.shape:
            return 0
        return 1 + sum((n - 1) * s for n, s in zip(self.shape, self.strides, strict=True))


@dataclass(frozen=True, eq=False)
class Unreadable:
    """A tensor whose numbers cannot be read as they lie there; ``what`` says of which sort."""

    what: str


def storage(reference: object) -> Storage:
    """Return the storage that a pickle refers to.

    Raises
    ------
    PickleError
    """
    match reference:
        case ("storage", StorageKind(kind=kind), str(key), _, int(count), *rest) if count >= 0:
            match rest:
                case [] | [None]:
                    return Storage(key, kind, count)
                case [(str(), int(start), int(length))] if min(start, length) >= 0:
                    if start + length <= count:
                        return Storage(key, kind, length, start)
    raise PickleError("is damaged: its pickle has a storage that cannot be read")


def _tensor(
    storage: object,
    offset: object,
    size: object,
    stride: object,
    requires_grad: object = None,
    hooks: object = None,
    metadata: object = None,
) -> object:
    if not isinstance(storage, Storage):
        raise PickleError("is damaged: its pickle has a tensor without a storage")
    return _of_kind(storage, storage.kind, offset, size, stride, metadata)


def _tensor_of_type(
    storage: object,
    offset: object,
    size: object,
    stride: object,
    requires_grad: object,
    hooks: object,
    kind: object,
    metadata: object = None,
) -> object:
    if not (isinstance(storage, Storage) and isinstance(kind, Kind)):
        raise PickleError("is damaged: its pickle has a tensor without a storage")
    return _of_kind(storage, kind, offset, size, stride, metadata)


def _of_kind(
    storage: Storage, kind: Kind, offset: object, size: object, stride: object, metadata: object
) -> object:
    shape, strides = _lengths(size), _lengths(stride)
    if type(offset) is not int or offset < 0 or len(shape) != len(strides):
        raise PickleError("is damaged: its pickle has a tensor of no possible shape")
    if isinstance(metadata, Pairs) and metadata.entries:
        # What is missing is done when the numbers are looked at, such as changing all signs.
        return Unreadable("is not written out")
    tensor = Tensor(storage, kind, offset, shape, strides)
    if (offset + tensor.span) * kind.itemsize > storage.count * storage.kind.itemsize:
        raise PickleError("is damaged: a tensor in it is larger than its storage")
    return tensor


def _lengths(value: object) -> tuple[int, ...]:
    if isinstance(value, tuple | list) and len(value) <= MAX_DIMENSIONS:
        lengths = tuple(n for n in value if type(n) is int and 0 <= n < 2**63)
        if len(lengths) == len(value):
            return lengths
    raise PickleError("is damaged: its pickle has a tensor of no possible shape")


def _dictionary(pairs: object = None, *_: object) -> Pairs:
    return Pairs(pairs) if isinstance(pairs, list) else Pairs()


def _first(value: object, *_: object) -> object:
    return value


def _inert(*_: object) -> object:
    return INERT


def _of_subclass(rebuild: object, _: object, arguments: object, *__: object) -> object:
    """Return the tensor that has attributes, or a class, of its own."""
    if isinstance(rebuild, Call) and rebuild in _REBUILD.values() and isinstance(arguments, tuple):
        return called_with(rebuild, arguments)
    raise PickleError("is damaged: its pickle has a tensor that is rebuilt from something else")


def _unreadable(what: str) -> Call:
    tensor = Unreadable(what)
    return Call(lambda *_: tensor)


_REAL = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "int64": np.int64,
    "int32": np.int32,
    "int16": np.int16,
    "int8": np.int8,
    "uint64": np.uint64,
    "uint32": np.uint32,
    "uint16": np.uint16,
    "uint8": np.uint8,
}
# Sizes in bytes of what holds no real numbers.
_OTHER = {
    **{"bool": 1, "complex32": 4, "complex64": 8, "complex128": 16},
    **{"qint8": 1, "quint8": 1, "qint32": 4, "quint4x2": 1, "quint2x4": 1},
    **{"float8_e8m0fnu": 1, "float4_e2m1fn_x2": 1, "bits8": 1, "bits16": 2},
}
_KINDS = {name: Kind(name, np.dtype(d).itemsize, np.dtype(d)) for name, d in _REAL.items()}
_KINDS |= {name: Kind(name, itemsize, None) for name, itemsize in _OTHER.items()}

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
    "torch._utils._rebuild_qtensor": _unreadable("is quantized already"),
    "torch._utils._rebuild_sparse_tensor": _unreadable("is sparse"),
    "torch._utils._rebuild_nested_tensor": _unreadable("is a nested tensor"),
    "torch._utils._rebuild_meta_tensor_no_storage": _unreadable("has no numbers"),
}
_OF_SUBCLASS = ("torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2")

_DICTIONARIES = ("collections.OrderedDict", "collections.defaultdict", "collections.Counter")
# What stands in checkpoints beside the tensors, and is neither looked at nor made.
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
    *(
        f"{module}.{name}"
        for module in ("numpy.core.multiarray", "numpy._core.multiarray")
        for name in ("scalar", "_reconstruct")
    ),
    *("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"),
    *("numpy.dtype", "numpy.ndarray", "_codecs.encode"),
)

NAMES: dict[str, object] = {
    **dict.fromkeys(_INERT, Call(_inert)),
    **dict.fromkeys(_DICTIONARIES, Call(_dictionary)),
    **dict.fromkeys(_OF_SUBCLASS, Call(_of_subclass)),
    **_REBUILD,
    "torch.Size": Call(_first),
    **{f"torch.{name}": kind for name, kind in _KINDS.items()},
    **{f"torch.{name}Storage": StorageKind(_KINDS[kind]) for name, kind in _STORAGES.items()},
    "torch.storage.UntypedStorage": StorageKind(_KINDS["uint8"]),
}
