"""NumPy arrays in a pickle: inert records of their parts, and their values."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import ml_dtypes
import numpy as np

from quantoscope.engine.io.base import MAX_DIMENSIONS, byte_count, describe, not_real
from quantoscope.engine.io.pickles import Call, PickleError

_ORDERS = ("<", ">", "=", "|")
_REAL = {f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)} | {"f2", "f4", "f8"}
# Other contents, by NumPy's type code.
_PLAIN = re.compile(r"b1|c8|c16|c32|f16|O8?|[SU]\d{1,5}|[mM]8")
_WRONG = "is damaged: its pickle has an array of NumPy that cannot be read"


@dataclass(eq=False, slots=True)
class Encoded:
    """Bytes that old pickle protocols store as text, one character each."""

    text: str


@dataclass(eq=False, slots=True)
class ArrayType:
    """Dtype of an array."""

    code: str  # NumPy's type code without byte order
    dtype: np.dtype[Any] | None  # None if it is not a real dtype

    def build(self, state: object) -> None:
        """Set the byte order."""
        match state:
            case (int(), str(order), *_) if order in _ORDERS:
                if self.dtype is not None and self.code in _REAL:
                    self.dtype = np.dtype(f"{order}{self.code}")

    @property
    def reason(self) -> str:
        """Why its values cannot be loaded; empty if they can."""
        if self.dtype is not None:
            return ""
        if _PLAIN.fullmatch(self.code):
            return not_real(describe(np.dtype(self.code)))
        return f"is of NumPy's type {self.code[:20]}, which is not read"


@dataclass(eq=False, slots=True)
class PickledArray:
    """An array whose values are in the pickle."""

    kind: ArrayType
    shape: tuple[int, ...] = ()
    fortran: bool = False
    data: object = b""  # bytes, Encoded or list

    def build(self, state: object) -> None:
        """Set the contents, or raise PickleError."""
        match state:
            case (int(), shape, ArrayType() as kind, bool() | int() as fortran, data):
                self._fill(shape, kind, bool(fortran), data)
            case (shape, ArrayType() as kind, bool() | int() as fortran, data):
                self._fill(shape, kind, bool(fortran), data)
            case _:
                raise PickleError(_WRONG)

    def _fill(self, shape: object, kind: ArrayType, fortran: bool, data: object) -> None:
        self.kind, self.fortran, self.data = kind, fortran, data
        if not isinstance(shape, tuple) or not all(type(n) is int for n in shape):
            raise PickleError(_WRONG)
        self.shape = tuple(int(n) for n in shape if isinstance(n, int))
        if len(shape) > MAX_DIMENSIONS or byte_count(self.shape, 1) is None:
            raise PickleError(_WRONG)
        if kind.dtype is not None and self._there() != self.nbytes:
            raise PickleError(_WRONG)

    def _there(self) -> int:
        if isinstance(self.data, Encoded):
            return len(self.data.text)
        return len(self.data) if isinstance(self.data, bytes) else -1

    @property
    def nbytes(self) -> int:
        """Size of the values in bytes."""
        dtype = self.kind.dtype
        return math.prod(self.shape) * dtype.itemsize if dtype is not None else 0

    def numbers(self) -> np.ndarray:
        """Return the values in new memory, or raise PickleError."""
        dtype, data = self.kind.dtype, self.data
        if isinstance(data, Encoded):
            try:
                data = data.text.encode("latin-1")
            except UnicodeEncodeError:
                raise PickleError(_WRONG) from None
        if dtype is None or not isinstance(data, bytes):
            raise PickleError(_WRONG)
        flat = np.frombuffer(data, dtype)
        shaped = flat.reshape(self.shape[::-1]).T if self.fortran else flat.reshape(self.shape)
        return np.array(shaped, dtype.newbyteorder("="), order="C", ndmin=0)


def _type(code: object, *_: object) -> object:
    if isinstance(code, np.dtype):
        return ArrayType(code.name, code)
    if isinstance(code, str):
        return ArrayType(code, np.dtype(code) if code in _REAL else None)
    raise PickleError(_WRONG)


def _reconstructed(*_: object) -> object:
    return PickledArray(ArrayType("V", None))


def _from_buffer(data: object, kind: object, shape: object, order: object) -> object:
    array = PickledArray(ArrayType("V", None))
    array.build((shape, kind, order == "F", data))
    return array


def _encoded(text: object, encoding: object = "", *_: object) -> object:
    if isinstance(text, str) and encoding in ("latin1", "latin-1"):
        return Encoded(text)
    raise PickleError("is damaged: its pickle has text in an encoding that is not known here")


NAMES: dict[str, object] = {
    "numpy.dtype": Call(_type),
    "_codecs.encode": Call(_encoded),
    **{f"numpy.{c}.multiarray._reconstruct": Call(_reconstructed) for c in ("core", "_core")},
    **{f"numpy.{c}.numeric._frombuffer": Call(_from_buffer) for c in ("core", "_core")},
    **{
        f"ml_dtypes.{name}": np.dtype(getattr(ml_dtypes, name))
        for name in (
            *("bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"),
            *("float8_e8m0fnu", "float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz"),
            *("float6_e2m3fn", "float6_e3m2fn", "float4_e2m1fn", "int4", "uint4", "int2", "uint2"),
        )
    },
}
