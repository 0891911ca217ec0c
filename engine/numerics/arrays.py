"""Conversion of any array-like to an array in working precision."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from quantoscope.engine import cancellation
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.notes import Note
from quantoscope.engine.numerics import mapped_arrays

FloatArray: TypeAlias = NDArray[np.floating[Any]]
IntArray: TypeAlias = NDArray[np.integer[Any]]
Places: TypeAlias = IntArray | None
"""Flat positions of values, which stochastic rounding needs."""
Buffer: TypeAlias = FloatArray | None
"""A buffer that may be used for the result."""

_PART = 1 << 20


def as_working(x: ArrayLike, allow_empty: bool = False) -> FloatArray:
    """Return ``x`` in working precision: float32 or float64.

    float32 and float64 are returned without a copy; float16, bfloat16 and other small floats
    become float32; longer floats become float64. Integers become float32, or float64 where float32
    cannot hold one exactly. Lists, tuples and single Python numbers become float32, the precision
    of most tensors that are quantized, or float64 if one of the numbers overflows
    float32.

    Parameters
    ----------
    x : array_like
        Any shape.
    allow_empty : bool
        Whether an array without values is accepted.

    Raises
    ------
    QuantizationError
        If ``x`` is empty or ragged, or does not hold real numbers.
    """
    try:
        array = np.asarray(x)
    except ValueError as error:
        raise QuantizationError(
            "The rows have different lengths; an array needs rows of one length."
        ) from error
    mapped_arrays.check(array)
    if array.size == 0 and not allow_empty:
        raise QuantizationError("The array is empty; quantization needs at least one value.")
    if array.dtype.kind == "O":
        array = _from_objects(array)
    if not is_real(array.dtype):
        raise QuantizationError(
            f"The array holds {_in_words(array.dtype)}; quantization needs real numbers."
        )
    # numpy's float64 scalar is a Python float too, but it states a precision: keep it.
    in_python = isinstance(x, list | tuple | int | float) and not isinstance(x, np.generic)
    long_floats = array.dtype.kind == "f" and array.dtype.itemsize >= 8
    with np.errstate(over="ignore", under="ignore"):
        if long_floats and not in_python:
            return _converted(array, np.float64)
        exact = not count_inexact(array, np.float32)
        working = _converted(array, np.float32 if exact else np.float64)
    if long_floats and (np.isinf(working) & np.isfinite(array)).any():
        return array.astype(np.float64, copy=False)
    return working


def as_stored(x: ArrayLike, allow_empty: bool = False) -> FloatArray:
    """Return float16 and bfloat16 arrays as they are, and others as ``as_working`` does.

    Blocks of them are converted as they are read (``engine.numerics.kernels.flat_block``).
    """
    array = np.asarray(x) if hasattr(x, "dtype") else None
    if array is None or not is_half(array.dtype) or not array.size:
        return as_working(x, allow_empty)
    mapped_arrays.check(array)
    return array


def is_half(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype is float16 or bfloat16, in native byte order."""
    return dtype.itemsize == 2 and dtype.name in ("float16", "bfloat16") and dtype.isnative


def working_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the working precision of an array from ``as_stored``."""
    return np.dtype(np.float32) if is_half(dtype) else dtype


def count_inexact(array: NDArray[Any], dtype: DTypeLike) -> int:
    """Count the integers of an array that a float type cannot hold exactly; 0 for other arrays."""
    bits = np.finfo(dtype).nmant + 1
    if array.dtype.kind not in "iu" or 8 * array.dtype.itemsize <= bits:
        return 0
    return sum(_count_wide(part, bits) for part in _parts(array))


def _count_wide(part: NDArray[Any], bits: int) -> int:
    """Count integers whose significant bits, without trailing zeros, exceed ``bits``."""
    limit = 1 << bits
    if not part.size or (int(part.max()) <= limit and int(part.min()) >= -limit):
        return 0
    size = part.astype(np.uint64)
    if part.dtype.kind == "i":
        size = np.where(part < 0, ~size + np.uint64(1), size)
    size = size[size > limit]
    # size & -size is the lowest set bit: dividing by it removes trailing zero bits.
    return int(np.count_nonzero(size // (size & (~size + np.uint64(1))) > limit))


def _parts(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield an array in chunks, checking for cancellation before each."""
    if array.size <= _PART:
        cancellation.check()
        yield mapped_arrays.block(array)
        return
    step = max(1, _PART * len(array) // array.size)
    for start in range(0, len(array), step):
        yield from _parts(array[start] if step == 1 else array[start : start + step])


def integers_note(array: NDArray[Any]) -> Note | None:
    """Return the note for integers that ``as_working`` does not convert to float32; else None."""
    if note := rounded_note(array, np.float64):
        return note
    wide = count_inexact(array, np.float32)
    if not wide:
        return None
    text = "%1 of %2 integers have more digits than float32: all values are processed as float64."
    return Note(text, (f"{wide:,}", f"{array.size:,}"))


def rounded_note(array: NDArray[Any], dtype: DTypeLike) -> Note | None:
    """Return a note on the integers that ``dtype`` rounds; None if it rounds none."""
    lost = count_inexact(array, dtype)
    if not lost:
        return None
    text = "%1 of %2 integers have more digits than %3: they are rounded to it."
    return Note(text, (f"{lost:,}", f"{array.size:,}", np.dtype(dtype).name))


def copied(array: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """Return a C-ordered copy as ``dtype``, checking for cancellation between chunks."""
    out = np.empty(array.shape, dtype)
    for part, place in zip(_parts(array), _parts(out), strict=True):
        np.copyto(place, part, casting="unsafe")
    return out


def _converted(array: NDArray[Any], kind: type[np.floating[Any]]) -> FloatArray:
    """Return the array if it already has the dtype, else a converted copy."""
    if array.size <= _PART or array.dtype == kind:
        return array.astype(kind, copy=False)
    return copied(array, kind)


def _from_objects(array: NDArray[Any]) -> FloatArray:
    """Convert Python numbers to float64; numpy keeps integers beyond 64 bits as objects."""
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in array.flat):
        raise QuantizationError(
            "The array holds something else than numbers; quantization needs real numbers."
        )
    try:
        return array.astype(np.float64)
    except OverflowError as error:
        raise QuantizationError(
            f"The array holds an integer beyond {np.finfo(np.float64).max:.2g}, "
            "the largest number of float64."
        ) from error


def _in_words(dtype: np.dtype[Any]) -> str:
    """Describe the contents of an array of this dtype, for messages."""
    words = {
        "U": "text",
        "S": "text",
        "b": "true and false",
        "c": "complex numbers",
        "M": "dates",
        "m": "time spans",
    }
    return words.get(dtype.kind, f"{dtype.name} values")


def is_real(dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype holds real numbers: ints, floats, ml_dtypes' small types."""
    return dtype.kind in "iuf" or dtype.type.__module__ == "ml_dtypes"
