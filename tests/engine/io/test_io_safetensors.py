"""Safetensors: what the library writes, and headers that lie."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope.engine import io
from quantoscope.engine.io import safetensors
from quantoscope.engine.numerics.arrays import as_working
from tests.engine.io.builders import safetensors as built
from tests.engine.io.builders import safetensors_parts as parts

Refusal = Callable[..., str]

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, 2, 3], dtype=np.int8)
NAMES = ["a/b", "a::b", "..", "../../etc/passwd", "größe\N{ROCKET}", "a b", "con", "", "a\nb"]
# What else the format names, with the bytes of four: true and false, complex numbers, and what is
# packed in no certain way.
LEFT_OUT = [
    ("BOOL", 4, "holds true/false values"),
    ("C64", 32, "holds complex numbers"),
    ("F6_E2M3", 3, "is of type F6_E2M3"),
    ("F6_E3M2", 3, "is of type F6_E3M2"),
    ("something", 7, "is of type 'something', which is not known here"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.safetensors"


def entry(
    dtype: object = "F32", shape: object = (2, 3), offsets: object = (0, 24)
) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


def header(**entries: object) -> str:
    return json.dumps(entries)


def bits(dtype: np.dtype[Any]) -> np.ndarray:
    """Return numbers of all kinds: every pattern of bits of a small type, NaNs among them."""
    size = min(1 << 8 * dtype.itemsize, 4096)
    raw = np.random.default_rng(0).integers(0, 256, size * dtype.itemsize, np.uint8)
    return raw.view(dtype)


@pytest.mark.parametrize("blank", [" ", "\t", "\n", "\r\n", " \r"])
def test_blanks_of_every_kind_may_stand_between_the_parts_of_a_header(
    blank: str, path: Path
) -> None:
    said = '{ "__metadata__" : { "a" : "b" , "c" : "d" } , "x" : VALUE , "y" : VALUE } '
    first, second = (json.dumps(entry(offsets=offsets)) for offsets in ((0, 24), (24, 48)))
    said = said.replace("VALUE", first, 1).replace("VALUE", second).replace(" ", blank)
    path.write_bytes(parts(said, A.tobytes() + (A + 1).tobytes()))
    assert (io.load(path, "x") == A).all()
    assert (io.load(path, "y") == A + 1).all()


def test_tensors_are_listed_and_loaded_by_name(path: Path) -> None:
    path.write_bytes(built({"weight": A, "bias": B}))
    assert io.list_tensors(path) == [
        io.TensorInfo("weight", (2, 3), "float32", 24),
        io.TensorInfo("bias", (3,), "int8", 3),
    ]
    assert (io.load(path, "weight") == A).all()
    assert io.load(path, "bias").tolist() == [1, 2, 3]


def test_several_tensors_and_no_name_is_refused_with_the_names(
    path: Path, refusal: Refusal
) -> None:
    path.write_bytes(built({"weight": A, "bias": B}))
    assert "2 arrays (weight, bias)" in refusal(io.load, path)


def test_an_unknown_name_is_refused_with_the_names(path: Path, refusal: Refusal) -> None:
    path.write_bytes(built({"weight": A, "bias": B}))
    assert "it holds weight, bias" in refusal(io.load, path, "scale")


@pytest.mark.parametrize("name", NAMES)
def test_names_are_only_names(name: str, path: Path) -> None:
    path.write_bytes(built({name: A}))
    assert [info.name for info in io.list_tensors(path)] == [name]
    assert (io.load(path, name) == A).all()


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1, 1, 1, 1, 1, 1), (2,) * 10])
def test_every_shape_loads(shape: tuple[int, ...], path: Path) -> None:
    array = np.ones(shape, np.float32)
    path.write_bytes(built({"x": array}))
    loaded = io.load(path)
    assert loaded.shape == shape
    assert (loaded == array).all()


@pytest.mark.parametrize("way", [0, 1 << 62], ids=["mapped", "read"])
@pytest.mark.parametrize("kind", sorted({*safetensors._DTYPES} - {"F4"}))
def test_every_type_loads_bit_for_bit(
    kind: str, way: int, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", way)
    dtype = safetensors._DTYPES[kind]
    array = bits(dtype)
    shape = [2, array.size // 2]
    path.write_bytes(parts(header(x=entry(kind, shape, [0, array.nbytes])), array.tobytes()))
    loaded = io.load(path)
    assert loaded.dtype == dtype
    assert loaded.shape == tuple(shape)
    assert loaded.tobytes() == array.tobytes()
    assert loaded.flags.writeable
    assert as_working(loaded).dtype in (np.float32, np.float64)


def test_a_type_whose_name_says_too_little_is_told_as_the_file_has_it(path: Path) -> None:
    path.write_bytes(parts(header(x=entry("F8_E4M3", [2], [0, 2])), b"\x38\x7e"))
    (info,) = io.list_tensors(path)
    assert (info.dtype, info.stored) == ("float8_e4m3fn", "F8_E4M3")
    assert io.load(path).astype(np.float32).tolist() == [1, 448]


@pytest.mark.parametrize(("kind", "size", "words"), LEFT_OUT)
def test_what_is_no_real_numbers_is_listed_with_its_reason_and_refused_by_name(
    kind: str, size: int, words: str, path: Path, refusal: Refusal
) -> None:
    a, b = entry(kind, [4], [0, size]), entry("I8", [3], [size, size + 3])
    path.write_bytes(parts(header(a=a, b=b), bytes(size + 3)))
    odd, even = io.list_tensors(path)
    assert (odd.name, odd.shape, odd.dtype, odd.nbytes) == ("a", (4,), kind, size)
    assert odd.reason.startswith(words)
    assert (even.name, even.reason) == ("b", "")
    assert io.load(path).dtype == np.int8
    assert words in refusal(io.load, path, "a")
    path.write_bytes(parts(header(a=a), bytes(size)))
    for call in (io.list_tensors, io.load):
        message = refusal(call, path)
        assert "no array of real numbers" in message
        assert words in message


def test_scales_of_powers_of_two_and_numbers_of_four_bits_are_numbers(path: Path) -> None:
    scales = entry("F8_E8M0", [3], [0, 3])
    weights = entry("F4", [2, 3], [3, 6])
    path.write_bytes(parts(header(s=scales, w=weights), bytes([127, 130, 0, 0x21, 0xF3, 0x7A])))
    assert [(info.dtype, info.stored, info.nbytes) for info in io.list_tensors(path)] == [
        ("float8_e8m0fnu", "F8_E8M0", 3),
        ("float4_e2m1fn", "F4", 3),
    ]
    assert io.load(path, "s").astype(np.float64).tolist() == [1, 8, 2.0**-127]
    assert io.load(path, "w").astype(np.float32).tolist() == [[0.5, 1, 1.5], [-6, -1, 6]]


def test_an_odd_count_of_numbers_of_four_bits_is_not_read_beyond_its_end(path: Path) -> None:
    path.write_bytes(parts(header(w=entry("F4", [3], [0, 2])), bytes([0x21, 0xF3])))
    assert io.load(path).astype(np.float32).tolist() == [0.5, 1, 1.5]


def test_tensors_are_listed_as_they_lie_whatever_the_header_s_order(path: Path) -> None:
    text = header(a=entry("I8", [2], [25, 27]), b=entry(), c=entry("I8", [1], [24, 25]))
    path.write_bytes(parts(text, A.tobytes() + bytes([1, 2, 3])))
    assert [info.name for info in io.list_tensors(path)] == ["b", "c", "a"]
    assert (io.load(path, "a").tolist(), io.load(path, "c").tolist()) == ([2, 3], [1])


def test_metadata_is_no_tensor(path: Path) -> None:
    text = json.dumps({"__metadata__": {"format": "pt"}, "x": entry()})
    path.write_bytes(parts(text, A.tobytes()))
    assert [info.name for info in io.list_tensors(path)] == ["x"]


BAD = [
    ("[]", "not a safetensors file"),
    ("{", "header cannot be read"),
    ("{}", "no array of real numbers"),
    ('{"x": 1}', "header cannot be read"),
    ('{"x": {}}', "header cannot be read"),
    (b'{"\xff": 1}', "header cannot be read"),
    ('{"x":' * 100_000, "header cannot be read"),
    ('{"x":' + "[" * 1_000_000, "header cannot be read"),
    ('{"x":' + "9" * 10_000 + "}", "header cannot be read"),
    (header(x=entry(shape=[2, 3.0])), "header cannot be read"),
    (header(x=entry(shape=[2, True, 3])), "header cannot be read"),
    (header(x=entry(shape="23")), "header cannot be read"),
    (header(x=entry(dtype=4)), "header cannot be read"),
    (header(x=entry(offsets=[0])), "header cannot be read"),
    (header(x=entry(offsets=[0, "24"])), "header cannot be read"),
    (header(x=entry(offsets=[24, 0])), "ends before it begins"),
    (header(x=entry(offsets=[-24, 0])), "ends before it begins"),
    (header(x=entry(offsets=[1, 25])), "cut short"),
    (header(x=entry(offsets=[0, 10**30])), "cut short"),
    (header(x=entry(shape=[-2, -3])), "no array can have"),
    (header(x=entry(shape=[2**62, 2])), "no array can have"),
    (header(x=entry(shape=[10**400])), "no array can have"),
    (header(x=entry(shape=[1] * 100)), "no array can have"),
    (header(x=entry(shape=[2, 2])), "its shape takes 16 bytes, and it has 24"),
    (header(x=entry(dtype="F64")), "its shape takes 48 bytes, and it has 24"),
    (header(x=entry(shape=[0, 3])), "its shape takes 0 bytes"),
    ('{"x": %s, "x": %s}' % ((json.dumps(entry()),) * 2), "two arrays named 'x'"),
    ('{"x": {"dtype": "F32", "dtype": "F64", "shape": [], "data_offsets": [0, 8]}}', "'dtype'"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=range(len(BAD)))
def test_a_header_that_is_not_sound_is_refused(
    text: str | bytes, words: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(parts(text, A.tobytes()))
    assert words in refusal(io.list_tensors, path)
    assert words in refusal(io.load, path)
    if "no array of" not in words:
        assert words in refusal(io.load, path, "x")


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (2**63 - 1, "more than the format has"),
        (2**64 - 1, "more than the format has"),
        (100_000_001, "more than the format has"),
        (100_000_000, "ends within its header"),
        (0, "cannot be read"),
    ],
)
def test_the_claimed_length_of_the_header_is_not_believed(
    length: int, words: str, path: Path, refusal: Refusal
) -> None:
    path.write_bytes(length.to_bytes(8, "little") + built({"x": A})[8:])
    assert words in refusal(io.list_tensors, path)


def test_a_large_file_is_listed_and_opened_without_its_numbers(path: Path) -> None:
    count = 1 << 29
    text = header(
        x=entry("F32", [count], [0, 4 * count]), y=entry("I8", [3], [4 * count, 4 * count + 3])
    )
    path.write_bytes(parts(text))
    with path.open("ab") as stream:
        stream.truncate(stream.tell() + 4 * count)  # a hole, which takes no room on the disk
        stream.seek(0, 2)
        stream.write(B.tobytes())
    tracemalloc.start()
    try:
        assert [info.nbytes for info in io.list_tensors(path)] == [4 * count, 3]
        assert io.load(path, "y").tolist() == [1, 2, 3]
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


@given(st.binary(max_size=200), st.integers(0, 300))
def test_any_bytes_give_an_array_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, at: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    whole = built({"weight": A, "bias": B})
    path.write_bytes(whole[:at] + data + whole[at + len(data) :])
    for call in (io.list_tensors, io.load):
        try:
            call(path)
        except io.FormatError as error:
            assert str(error).endswith(".")


def test_what_the_library_writes_is_read(path: Path) -> None:
    library = pytest.importorskip("safetensors.numpy")
    arrays = {f"layers.{i}": bits(np.dtype(c)).reshape(2, -1) for i, c in enumerate("bBhHiIqQefd")}
    arrays["flags"] = np.array([True, False])
    library.save_file(arrays, path, metadata={"format": "np"})
    listed = io.list_tensors(path)
    assert {info.name for info in listed if info.readable} == set(arrays) - {"flags"}
    for info in listed:
        if info.name == "flags":
            continue
        array = arrays[info.name]
        assert (info.shape, info.dtype, info.nbytes) == (
            array.shape,
            array.dtype.name,
            array.nbytes,
        )
        loaded = io.load(path, info.name)
        assert loaded.dtype == array.dtype
        assert loaded.tobytes() == array.tobytes()
