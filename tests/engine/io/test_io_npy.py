""".npy: every sound header, and no unsound one."""

from __future__ import annotations

import gc
import io as stdio
import mmap
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantoscope.engine import io
from tests.laws import examples

Refusal = Callable[..., str]

REAL = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def with_header(text: str, data: bytes = b"", version: int = 1) -> bytes:
    header = text.encode("utf-8" if version == 3 else "latin-1")
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + data


def described(descr: str = "'<f4'", shape: str = "(2,)", order: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def dumped(array: np.ndarray, version: tuple[int, int] | None = None) -> bytes:
    stream = stdio.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


@pytest.fixture(autouse=True, params=[1 << 62, 0], ids=["read", "mapped"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every array here be read, then every one that can be be mapped."""
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.npy"


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("code", REAL)
@pytest.mark.parametrize("order", "<>")
def test_all_versions_types_and_byte_orders_load(
    version: tuple[int, int], code: str, order: str, path: Path
) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(order + code)
    path.write_bytes(dumped(array, version))
    loaded = io.load(path)
    assert loaded.dtype == np.dtype(code)
    assert loaded.dtype.isnative
    assert (loaded == array).all()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 3), (2, 3, 4), (1,) * 32])
def test_both_memory_orders_load_in_c_order(shape: tuple[int, ...], path: Path) -> None:
    array = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    for stored in (array, np.asfortranarray(array).reshape(shape, order="A")):
        path.write_bytes(dumped(stored))
        loaded = io.load(path)
        assert loaded.shape == shape
        assert loaded.flags.c_contiguous
        assert (loaded == array).all()


def test_a_header_by_python_2_loads(path: Path) -> None:
    path.write_bytes(with_header(described(shape="(2L,)"), np.float32([1, 2]).tobytes()))
    assert io.load(path).tolist() == [1, 2]


@given(
    hnp.arrays(
        st.sampled_from(REAL).map(np.dtype),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
@examples(100)
def test_what_is_saved_loads_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, array: np.ndarray
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.npy"
    io.save(path, array)
    loaded = io.load(path)
    assert (loaded.shape, loaded.dtype) == (array.shape, array.dtype)
    assert loaded.tobytes() == array.tobytes()
    assert np.load(path).tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.array(["a"]), "text"),
        (np.array([b"a"]), "text"),
        (np.array([1j]), "complex"),
        (np.array([True]), "true/false"),
        (np.array([object()]), "Python objects"),
        (np.zeros(2, [("a", "f4"), ("b", "i2")]), "records"),
        (np.array(["2020-01-01"], "M8[D]"), "dates"),
        (np.array([1], "m8[s]"), "time spans"),
        (np.zeros(3, ml_dtypes.float8_e4m3fn), "float8"),
        (np.zeros(3, ml_dtypes.int4), "float32"),
        (np.zeros(3, "V2"), "2-byte values whose type"),
    ],
)
def test_what_is_not_real_numbers_is_refused_by_its_name(
    array: np.ndarray, word: str, path: Path, refusal: Refusal
) -> None:
    if array.dtype.hasobject:
        path.write_bytes(with_header(described("'|O'", "(1,)"), b"\x80\x04N."))
    else:
        path.write_bytes(dumped(array))
    assert word in refusal(io.load, path)
    assert word in refusal(io.list_tensors, path)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("way", [0, 1 << 62], ids=["mapped", "read"])
@pytest.mark.parametrize("kind", [ml_dtypes.bfloat16, ml_dtypes.float8_e5m2])
def test_types_of_ml_dtypes_that_numpy_writes_under_a_name_of_their_own_are_read(
    kind: Any, way: int, order: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", way)
    array = np.asarray(np.arange(-3, 3).reshape(2, 3), kind, order=order)
    path.write_bytes(dumped(array))
    (info,) = io.list_tensors(path)
    assert (info.dtype, info.shape, info.nbytes) == (array.dtype.name, (2, 3), array.nbytes)
    loaded = io.load(path)
    assert (loaded.dtype, loaded.tobytes()) == (array.dtype, array.tobytes())
    assert loaded.flags.c_contiguous
    assert loaded.flags.writeable


@pytest.mark.parametrize(
    ("array", "word"),
    [
        (np.array(["a"]), "text"),
        (np.array([None]), "objects"),
        (np.array([1j]), "complex"),
        (np.zeros(3, ml_dtypes.bfloat16), "bfloat16"),
        (np.zeros(3, ml_dtypes.float8_e4m3fn), "float8_e4m3fn"),
    ],
)
def test_what_would_not_load_again_is_not_saved(
    array: np.ndarray, word: str, path: Path, refusal: Refusal
) -> None:
    assert word in refusal(io.save, path, array)
    assert list(path.parent.iterdir()) == []


ABSURD = {
    "more than the file has": described(shape="(3,)"),
    "a petabyte": described(shape="(1000000, 1000000, 250)"),
    "a product past 64 bits": described(shape="(4294967296, 4294967296)"),
    "an overflow hidden behind a zero": described(shape="(0, 9223372036854775807, 9)"),
    "a negative length": described(shape="(-2,)"),
    "two negative lengths": described(shape="(-2, -1)"),
    "a float as length": described(shape="(2.0,)"),
    "a truth value as length": described(shape="(True,)"),
    "a list as shape": described(shape="[2]"),
    "a number as shape": described(shape="2"),
    "text as order": described(order="'no'"),
    "a hundred axes": described(shape="(" + "1," * 100 + ")"),
    "digits without end": described(shape="(" + "9" * 5000 + ",)"),
    "unknown type": described("'<q7'"),
    "no such width": described("'<f3'"),
    "an itemsize of zero": described("'<V0'"),
    "huge items": described("'<U999999999'"),
    "comma string": described("'f4,f4'"),
    "type as number": described("4"),
    "type as nothing": described("None"),
    "no dictionary": "[1, 2]",
    "no literal": "__import__('os').getcwd()",
    "another key": described().replace("}", "'more': 1}"),
    "no shape": "{'descr': '<f4', 'fortran_order': False}",
    "deep nesting": "(" * 5000,
    "long sums": "-" * 9000 + "1",
    "unhashable key": "{[]: 1}",
    "something that python warns of": "{'shape': 1if 2else '\\d'}",
    "nothing": "",
    "a nul": "\0",
}


@pytest.mark.parametrize("header", ABSURD.values(), ids=ABSURD.keys())
@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_absurd_header_is_refused_before_memory_is_taken(
    header: str, version: int, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(with_header(header, b"\0" * 8, version))

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("memory was asked for")

    monkeypatch.setattr(np, "empty", forbidden)
    monkeypatch.setattr(mmap, "mmap", forbidden)
    refusal(io.load, path)
    refusal(io.list_tensors, path)


def test_a_huge_header_is_refused(path: Path, refusal: Refusal) -> None:
    text = described() + " " * 20_000
    path.write_bytes(with_header(text, b"\0" * 8, version=2))
    assert "header of" in refusal(io.load, path)


def test_a_header_longer_than_the_file_is_refused(path: Path, refusal: Refusal) -> None:
    path.write_bytes(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"{" * 50)
    assert "ends within its header" in refusal(io.load, path)


def test_an_unknown_version_is_refused(path: Path, refusal: Refusal) -> None:
    path.write_bytes(with_header(described(), b"\0" * 8, version=9))
    assert "version" in refusal(io.load, path)


def test_a_header_that_is_not_utf_8_where_it_should_be_is_refused(
    path: Path, refusal: Refusal
) -> None:
    sound = with_header(described(), b"\0" * 8, version=3)
    path.write_bytes(sound.replace(b"descr", b"des\xffr"))
    assert "header" in refusal(io.load, path)


def test_another_kind_of_file_that_is_named_npy_is_refused(path: Path, refusal: Refusal) -> None:
    path.write_bytes(b"hello, world")
    assert "does not begin like one" in refusal(io.load, path)


def test_many_threads_read_headers_at_the_same_time(tmp_path: Path) -> None:
    # Python 3.11 raises SystemError where two threads build syntax trees at once, and one gives
    # way to the other for the sake of a collection.
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((2, 3, 4), np.float32))
    thresholds, every = gc.get_threshold(), sys.getswitchinterval()

    def give_way(phase: str, info: object) -> None:
        time.sleep(0)

    gc.callbacks.append(give_way)
    gc.set_threshold(1)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            shapes = set(pool.map(lambda _: io.list_tensors(path)[0].shape, range(500)))
    finally:
        gc.callbacks.remove(give_way)
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(every)
    assert shapes == {(2, 3, 4)}
