"""Arrays in the working precision: integers keep their digits, or it is said how many do not."""

from __future__ import annotations

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.numerics.arrays import as_working, count_inexact, integers_note

INTEGERS = [np.int32, np.uint32, np.int64, np.uint64]


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_integers_are_counted_that_a_float_has_no_room_for(
    dtype: type[np.integer], kind: type[np.floating]
) -> None:
    ends = np.iinfo(dtype)
    near = [2**b + d for b in range(20, 65) for d in (-1, 0, 1, 2**12)]
    values = [v for n in near for v in (n, -n) if ends.min <= v <= ends.max]
    values += [int(ends.min), int(ends.max)]
    wanted = sum(int(kind(v)) != v for v in values)
    array = np.array(values, dtype)
    assert count_inexact(array, kind) == wanted
    assert count_inexact(np.tile(array, (2, 1)).T[::-1], kind) == 2 * wanted


def test_a_long_array_is_counted_in_parts() -> None:
    array = np.full((3, 1_500_000), 2**24 + 1, np.int32)
    assert count_inexact(array, np.float32) == array.size


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_worked_on_as_float64_where_float32_loses_digits(
    dtype: type[np.integer],
) -> None:
    assert as_working(np.array([2**24, 100], dtype)).dtype == np.float32
    found = as_working(np.array([2**24 + 1, 1], dtype))
    assert found.dtype == np.float64
    assert found.tolist() == [2**24 + 1, 1]


def test_integers_that_no_float_has_room_for_are_noted() -> None:
    assert integers_note(np.array([1, 2**24])) is None
    assert integers_note(np.array([1.5, 2**60])) is None
    assert str(integers_note(np.array([1, 2**24 + 1]))).startswith("1 of 2 integers have more")
    assert "float64: they are rounded" in str(integers_note(np.array([2**60 + 1, 2**53 + 1])))


@pytest.mark.parametrize(
    ("values", "scheme", "said"),
    [
        ([1, 2**53 + 1], "int8 symmetric", "1 of 2 integers have more digits than float64"),
        ([2**24 + 1, 1], "int8 symmetric @onnxruntime", "more digits than float32: they are round"),
        ([2**24 + 1, 1], "int8 asymmetric @pytorch", "float64 data is processed as float32"),
        ([2**24 + 1, 1], "int8 symmetric", ""),
        ([2**24, 1], "int8 symmetric @onnxruntime", ""),
    ],
)
def test_integers_that_an_evaluation_rounds_are_said(
    values: list[int], scheme: str, said: str
) -> None:
    warnings = engine.evaluate(np.array(values), scheme).warnings
    assert said in " ".join(warnings)
    assert said or not warnings
