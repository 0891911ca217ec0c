""".gguf: the head that is read here, and values as the gguf package decodes them."""

from __future__ import annotations

import builtins
import os
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import gguf as reader
from quantoscope.engine.io.gguf_blocks import BLOCK_TYPES
from tests.engine.io import containers

gguf = pytest.importorskip("gguf")

Refusal = Callable[..., str]

X = np.random.default_rng(0).normal(size=(4, 512)).astype(np.float32)
NAMES = [kind.name for kind in BLOCK_TYPES.values()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.gguf"


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def tensor(name: bytes, shape: tuple[int, ...], kind: int, offset: int = 0) -> bytes:
    return (
        text(name)
        + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        + struct.pack("<IQ", kind, offset)
    )


def head(
    *tensors: bytes, pairs: tuple[bytes, ...] = (), version: int = 3, counts: Any = None
) -> bytes:
    counts = counts or (len(tensors), len(pairs))
    return b"GGUF" + struct.pack("<IQQ", version, *counts) + b"".join(pairs + tensors)


def padded(start: bytes, data: bytes = b"\0" * 128, alignment: int = 32) -> bytes:
    return start + b"\0" * (-len(start) % alignment) + data


def test_the_types_are_those_of_the_package_with_its_sizes() -> None:
    sizes = gguf.GGML_QUANT_SIZES
    for number, kind in BLOCK_TYPES.items():
        package_kind = gguf.GGMLQuantizationType(number)
        assert kind.name == package_kind.name
        assert sizes[package_kind] == (kind.size, kind.nbytes)


@pytest.mark.parametrize("kind", NAMES)
def test_quantized_values_are_those_of_the_package(kind: str, path: Path) -> None:
    blocks = containers.random_blocks(5, 2, kind)
    path.write_bytes(containers.gguf({"weight": blocks}))
    expected = containers.decoded(*blocks)
    array = io.load(path)
    assert array.dtype == np.float32
    assert np.array_equal(array, expected, equal_nan=True)
    (info,) = io.list_tensors(path)
    assert info == io.TensorInfo("weight", expected.shape, "float32", blocks[0].nbytes, kind)


@pytest.mark.parametrize(
    "dtype", [np.float32, np.float16, np.float64, np.int8, np.int16, np.int32, np.int64]
)
@pytest.mark.parametrize("threshold", [0, 1 << 62], ids=["mapped", "read"])
def test_plain_types_are_as_they_are(
    dtype: Any, threshold: int, path: Path, monkeypatch: pytest.MonkeyPatch, is_mapped: Any
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", threshold)
    x = (X.reshape(4, 8, 64) * 30).astype(dtype)
    path.write_bytes(containers.gguf({"x": x}, metadata=True))
    array = io.load(path)
    assert array.dtype == dtype
    assert (array == x).all()
    assert is_mapped(array) is (threshold == 0)
    assert io.list_tensors(path) == [io.TensorInfo("x", (4, 8, 64), np.dtype(dtype).name, x.nbytes)]


def test_bfloat16_stays_bfloat16(path: Path) -> None:
    path.write_bytes(containers.gguf({"x": containers.quantized(X, "BF16")}))
    array = io.load(path)
    assert array.dtype == ml_dtypes.bfloat16
    assert (array == X.astype(ml_dtypes.bfloat16)).all()


def test_tensors_are_listed_in_the_order_of_the_file_and_loaded_by_name(
    path: Path, refusal: Refusal
) -> None:
    path.write_bytes(
        containers.gguf({"z": X, "a": containers.quantized(X, "Q8_0"), "m": X[0]}, metadata=True)
    )
    assert [info.name for info in io.list_tensors(path)] == ["z", "a", "m"]
    assert (io.load(path, "m") == X[0]).all()
    assert "3 arrays (z, a, m)" in refusal(io.load, path)
    assert "no array named 'q'" in refusal(io.load, path, "q")
    assert "no array named 'q'" in refusal(io.load_codes, path, "q")


@pytest.mark.parametrize("alignment", [8, 16, 32, 4096])
def test_the_alignment_of_the_metadata_is_honoured(alignment: int, path: Path) -> None:
    path.write_bytes(containers.gguf({"a": X[:, :3].copy(), "b": X}, alignment=alignment))
    assert (io.load(path, "a") == X[:, :3]).all()
    assert (io.load(path, "b") == X).all()


def test_the_first_tensor_lies_at_the_next_alignment_wherever_the_head_ends(path: Path) -> None:
    data = np.arange(8, dtype=np.float32)
    for length in range(1, 33):
        path.write_bytes(padded(head(tensor(b"x" * length, (8,), 0)), data.tobytes()))
        assert io.load(path).tolist() == data.tolist()


@pytest.mark.parametrize("alignment", [0, 1, 4, 24, 33, 2**32 - 1])
def test_an_alignment_that_there_is_not_is_refused(
    alignment: int, path: Path, refusal: Refusal
) -> None:
    pair = text(b"general.alignment") + struct.pack("<II", 4, alignment)
    path.write_bytes(padded(head(tensor(b"a", (2,), 0), pairs=(pair,))))
    assert "aligns its tensors" in refusal(io.list_tensors, path)


def test_version_2_is_the_same(path: Path) -> None:
    data = bytearray(containers.gguf({"x": X}))
    data[4:8] = struct.pack("<I", 2)
    path.write_bytes(data)
    assert (io.load(path) == X).all()


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (b"\1\0\0\0", "version 1 of GGUF"),
        (b"\0\0\0\0", "version 0 of GGUF"),
        (b"\4\0\0\0", "version 4 of GGUF"),
        (b"\0\0\0\3", "big-endian"),
    ],
)
def test_other_versions_are_refused(
    version: bytes, words: str, path: Path, refusal: Refusal
) -> None:
    data = bytearray(containers.gguf({"x": X}))
    data[4:8] = version
    path.write_bytes(data)
    assert words in refusal(io.load, path)
    assert words in refusal(io.list_tensors, path)


def test_a_vocabulary_of_200_000_words_is_passed_over(path: Path) -> None:
    words = b"".join(text(b"word%d" % i) for i in range(200_000))
    pair = text(b"tokens") + struct.pack("<IIQ", 9, 8, 200_000) + words
    path.write_bytes(padded(head(tensor(b"a", (2, 3), 0), pairs=(pair,))))
    tracemalloc.start()
    try:
        assert [info.shape for info in io.list_tensors(path)] == [(3, 2)]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def nested(depth: int) -> bytes:
    return (
        text(b"deep")
        + struct.pack("<I", 9)
        + struct.pack("<IQ", 9, 1) * depth
        + struct.pack("<IQ", 0, 0)
    )


HUGE = 2**64 - 1
DAMAGE = {
    "more tensors than fit": head(counts=(HUGE, 0)),
    "more metadata than fits": head(counts=(0, 2**60)),
    "a name beyond the end": head(struct.pack("<Q", HUGE), counts=(1, 0)) + b"\0" * 64,
    "a key beyond the end": head(pairs=(struct.pack("<Q", 2**63) + b"\0" * 32,)),
    "a string beyond the end": head(pairs=(text(b"k") + struct.pack("<IQ", 8, HUGE),)),
    "an array beyond the end": head(pairs=(text(b"k") + struct.pack("<IIQ", 9, 12, HUGE),)),
    "an array of strings beyond the end": head(
        pairs=(text(b"k") + struct.pack("<IIQQQ", 9, 8, 2, 3, HUGE),)
    ),
    "an array of no type": head(pairs=(text(b"k") + struct.pack("<IIQ", 9, 99, 0) + b"\0" * 32,)),
    "a value of no type": head(pairs=(text(b"k") + struct.pack("<I", 13) + b"\0" * 32,)),
    "arrays within arrays": head(pairs=(nested(30),)),
    "more axes than fit": head(text(b"t") + struct.pack("<I", 2**32 - 1), counts=(1, 0))
    + b"\0" * 64,
    "a name that is no text": padded(head(tensor(b"\xff\xfe", (2,), 0))),
    "more axes than an array has": padded(head(tensor(b"a", (1,) * 65, 0))),
    "a shape beyond all memory": padded(head(tensor(b"a", (2**40, 2**40), 0))),
    "a shape of an unknown type": padded(head(tensor(b"a", (HUGE,), 99))),
    "a length beyond the file": padded(head(tensor(b"a", (33,), 0))),
    "an offset beyond the file": padded(head(tensor(b"a", (2,), 0, 2**63))),
    "an offset that wraps around": padded(head(tensor(b"a", (2,), 0, 2**64 - 32))),
    "an offset between alignments": padded(head(tensor(b"a", (2,), 0, 4))),
    "rows that are no blocks": padded(head(tensor(b"a", (16, 2), 8))),
    "blocks without an axis": padded(head(tensor(b"a", (), 8))),
    "two of one name": padded(head(tensor(b"a", (2,), 0), tensor(b"a", (2,), 0, 32))),
    "two in one place": padded(head(tensor(b"a", (9,), 0), tensor(b"b", (2,), 0, 32))),
    "nothing but the beginning": b"GGUF",
}


@pytest.mark.parametrize("data", DAMAGE.values(), ids=DAMAGE.keys())
def test_damage_is_refused_before_anything_is_allocated(
    data: bytes, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(data)
    monkeypatch.setattr(np, "empty", None)
    refusal(io.list_tensors, path)
    refusal(io.load, path, "a")
    refusal(io.load_codes, path, "a")


@pytest.mark.parametrize("what", ["tensors", "metadata", "arrays"])
def test_more_entries_than_any_model_has_are_refused(
    what: str, path: Path, refusal: Refusal
) -> None:
    many = 70_000
    data = {
        "tensors": head(*(tensor(b"%d" % i, (), 0) for i in range(many))),
        "metadata": head(pairs=(text(b"k") + struct.pack("<IB", 0, 0),) * many),
        "arrays": head(pairs=(text(b"k") + struct.pack("<IIQ", 9, 9, many) + bytes(12) * many,)),
    }
    path.write_bytes(data[what])
    assert "more than 65,536 entries" in refusal(io.list_tensors, path)


def test_unknown_types_are_listed_with_their_reason(path: Path, refusal: Refusal) -> None:
    tensors = tensor(b"a", (2,), 0), tensor(b"b", (2,), 99, 32), tensor(b"c", (2,), 31, 32)
    path.write_bytes(padded(head(*tensors)))
    reason = "is of type 99, which is not known here"
    former = "is of type Q4_0_4_4, which llama.cpp itself no longer reads"
    assert io.list_tensors(path) == [
        io.TensorInfo("a", (2,), "float32", 8),
        io.TensorInfo("b", (2,), "type 99", 0, reason=reason),
        io.TensorInfo("c", (2,), "Q4_0_4_4", 0, reason=former),
    ]
    assert refusal(io.load, path, "b") == f"The array 'b' in {path.name} {reason}."
    assert "no longer reads" in refusal(io.load, path, "c")
    assert io.load(path).shape == (2,)
    path.write_bytes(padded(head(tensor(b"b", (2,), 99, 32))))
    assert "type 99" in refusal(io.list_tensors, path)


def test_a_file_without_tensors_is_refused(path: Path, refusal: Refusal) -> None:
    path.write_bytes(head())
    assert "no array of real numbers" in refusal(io.list_tensors, path)


@pytest.mark.parametrize("kind", [0, 8])
def test_tensors_without_values_and_without_axes_are_arrays_too(kind: int, path: Path) -> None:
    path.write_bytes(padded(head(tensor(b"a", (32, 0), kind), tensor(b"b", (), 0))))
    assert io.load(path, "a").shape == (0, 32)
    assert io.load(path, "b").shape == ()
    found = io.load_codes(path, "a")
    assert (found is None) is (kind == 0)
    if found is not None:
        assert found.reconstructed().shape == (0, 32)
        assert found.scale.shape == (0, 1)


def test_many_blocks_are_decoded_in_little_more_memory_than_their_values(path: Path) -> None:
    x = np.zeros((1 << 10, 1 << 12), np.float32)
    path.write_bytes(containers.gguf({"x": containers.quantized(x, "Q8_0")}))
    io.load(path)  # what the package imports is not counted
    tracemalloc.start()
    try:
        array = io.load(path)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < array.nbytes + 8_000_000


def test_lists_and_codes_need_no_package_and_values_name_it(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.gguf({"x": containers.quantized(X, "Q4_0"), "y": X}))
    usual = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "gguf":
            raise ModuleNotFoundError("No module named 'gguf'", name="gguf")
        return usual(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    assert len(io.list_tensors(path)) == 2
    assert io.load_codes(path, "x") is not None
    assert (io.load(path, "y") == X).all()
    assert "pip install gguf" in refusal(io.load, path, "x")


def test_a_package_too_old_for_a_type_is_told(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(containers.gguf({"x": containers.quantized(X, "MXFP4")}))

    def unknown(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(gguf.quants, "dequantize", unknown)
    assert "--upgrade" in refusal(io.load, path)


@pytest.mark.parametrize("call", [io.load, io.load_codes])
def test_a_file_that_becomes_shorter_while_it_is_read_is_told(
    call: Any, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = containers.gguf({"x": containers.quantized(X, "Q4_0")})
    path.write_bytes(data)

    read = reader._Head.read

    def cut_after(*arguments: Any) -> Any:
        entries = read(*arguments)
        path.write_bytes(data[:-64])
        return entries

    monkeypatch.setattr(reader._Head, "read", cut_after)
    assert "was changed by another program while it was read" in refusal(call, path, "x")


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_head_that_becomes_shorter_while_it_is_read_is_told(
    place: int, path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = containers.gguf({"x": X, "y": X}, metadata=True)
    path.write_bytes(data)
    monkeypatch.setattr("quantoscope.engine.io.pages.PAGE", 16)
    read = reader._Head._number

    def cut_there(head: Any, width: int) -> int:
        if head._at >= place:
            os.truncate(path, place)
        return read(head, width)

    monkeypatch.setattr(reader._Head, "_number", cut_there)
    refusal(io.list_tensors, path)
