""".npz: several arrays, and zip files that lie."""

from __future__ import annotations

import contextlib
import io as stdio
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import FormatError, base, budget
from quantoscope.engine.io.zips import open_zip

Refusal = Callable[..., str]

A = np.arange(6, dtype=np.float32).reshape(2, 3)
B = np.array([1, 2, 3], dtype=np.int8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.npz"


def dumped(array: np.ndarray) -> bytes:
    stream = stdio.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def patch_directory(path: Path, offset: int, value: bytes) -> None:
    """Overwrite a field of the last member's entry in the zip file's directory."""
    data = bytearray(path.read_bytes())
    start = data.rindex(b"PK\x01\x02") + offset
    data[start : start + len(value)] = value
    path.write_bytes(data)


@pytest.mark.parametrize("savez", [np.savez, np.savez_compressed])
def test_arrays_are_listed_in_order_and_loaded_by_name(
    savez: Callable[..., None], path: Path
) -> None:
    savez(path, weight=A, bias=B)
    assert io.list_tensors(path) == [
        io.TensorInfo("weight", (2, 3), "float32", 24),
        io.TensorInfo("bias", (3,), "int8", 3),
    ]
    assert (io.load(path, "weight") == A).all()
    assert io.load(path, "bias").dtype == np.int8


def test_several_arrays_and_no_name_is_refused_with_the_names(path: Path, refusal: Refusal) -> None:
    np.savez(path, weight=A, bias=B)
    assert "2 arrays (weight, bias)" in refusal(io.load, path)


def test_a_long_list_of_names_is_cut(path: Path, refusal: Refusal) -> None:
    np.savez(path, **{f"tensor{i}": B for i in range(200)})
    assert "and 192 more" in refusal(io.load, path)


def test_a_list_of_long_names_still_fits_a_dialog(path: Path, refusal: Refusal) -> None:
    np.savez(path, **{f"model.layers.{i}.self_attention.{'x' * 500}": B for i in range(9)})
    assert refusal(io.load, path).endswith("and 6 more); name one of them.")
    assert "model.layers.2.self_attention" in refusal(io.load, path, "no such name " * 100)


def test_an_unknown_name_is_refused_with_the_names(path: Path, refusal: Refusal) -> None:
    np.savez(path, weight=A)
    assert refusal(io.load, path, "wait") == "x.npz has no array named 'wait'; it holds weight."


def test_an_unknown_name_is_refused_with_those_like_it(path: Path, refusal: Refusal) -> None:
    np.savez(path, **{f"layer{i}": B for i in range(200)}, embedding=A)
    message = refusal(io.load, path, "embeding")
    assert message == "x.npz has no array named 'embeding'; among its 201 are embedding."


def test_text_beside_numbers_is_listed_with_its_reason(path: Path, refusal: Refusal) -> None:
    io.save_npz(path, codes=B, scheme=np.array("int8 symmetric"))
    codes, scheme = io.list_tensors(path)
    assert (codes.name, codes.readable) == ("codes", True)
    assert scheme == io.TensorInfo(
        "scheme", (), "str448", 56, reason="holds text; quantization needs real numbers"
    )
    assert (io.load(path) == B).all()
    assert "text" in refusal(io.load, path, "scheme")


def test_a_file_of_nothing_but_text_is_refused(path: Path, refusal: Refusal) -> None:
    io.save_npz(path, scheme=np.array("int8 symmetric"))
    assert "text" in refusal(io.load, path)
    assert "text" in refusal(io.list_tensors, path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([{}, []], dtype=object), "never loaded"),
        (np.zeros(2, [("a", "f4"), ("b", "i2")]), "records"),
        (np.array([1j]), "complex numbers"),
        (np.array([True]), "true/false"),
        (np.array([b"a"]), "text"),
        (np.array(["2020-01-01"], "M8[D]"), "dates"),
        (np.zeros(3, ml_dtypes.int4), "cannot name"),
        (np.zeros(3, "V2"), "cannot name"),
    ],
)
def test_what_is_no_real_number_is_listed_beside_what_is(
    array: np.ndarray, words: str, path: Path, refusal: Refusal
) -> None:
    bfloat = np.arange(3).astype(ml_dtypes.bfloat16)
    np.savez(path, odd=array, even=A, brain=bfloat)
    odd, even, brain = io.list_tensors(path)
    assert (odd.name, odd.shape) == ("odd", array.shape)
    assert words in odd.reason
    assert (even.readable, brain.dtype) == (True, "bfloat16")
    assert words in refusal(io.load, path, "odd")
    assert io.load(path, "brain").tobytes() == bfloat.tobytes()


def test_pickled_objects_are_never_loaded(path: Path, refusal: Refusal) -> None:
    np.savez(path, thing=np.array([{}, []], dtype=object))
    assert "never loaded" in refusal(io.load, path)
    assert "never loaded" in refusal(io.load, path, "thing")


def test_members_that_are_no_arrays_are_passed_over(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
        archive.writestr("folder/a.npy", dumped(A))
    assert (io.load(path, "folder/a") == A).all()


@pytest.mark.parametrize("names", [[], ["readme.txt"], ["data.pkl", "version"]])
def test_a_zip_file_without_arrays_is_refused(
    names: list[str], path: Path, refusal: Refusal
) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    assert "without NumPy arrays" in refusal(io.load, path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_arrays_of_one_name_are_refused(path: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", dumped(A))
        archive.writestr("a.npy", dumped(B))
    assert "two arrays named 'a'" in refusal(io.load, path)


def test_a_member_that_is_not_an_array_is_refused(path: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"not an array at all")
    assert "'a' in x.npz" in refusal(io.load, path)


def test_a_member_longer_than_its_array_is_refused(path: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", dumped(A) + b"more")
    assert "longer than its header" in refusal(io.load, path)


def test_a_member_shorter_than_its_array_is_refused(path: Path, refusal: Refusal) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", dumped(A)[:-1])
    assert "cut short" in refusal(io.load, path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_npz_does_not_use_is_refused(
    method: int, path: Path, refusal: Refusal
) -> None:
    pytest.importorskip("bz2" if method == zipfile.ZIP_BZIP2 else "lzma")
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.npy", dumped(A))
    assert "compressed" in refusal(io.load, path)


def test_an_encrypted_member_is_refused(path: Path, refusal: Refusal) -> None:
    np.savez(path, a=A)
    patch_directory(path, 8, b"\x01\x00")
    assert "encrypted" in refusal(io.load, path)


def test_a_claimed_size_beyond_what_deflate_can_reach_is_refused(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = (1 << 28,)
    header = dumped(np.zeros(0, np.float32)).replace(b"(0,),        ", b"(268435456,),")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", header + b"\0" * 1000)
    patch_directory(path, 24, struct.pack("<I", len(header) + 4 * shape[0]))
    monkeypatch.setattr(np, "empty", None)  # Taking memory would fail in another way.
    assert "larger than it can be" in refusal(io.load, path)
    assert "larger than it can be" in refusal(io.list_tensors, path)


def test_a_stored_member_that_claims_more_than_it_holds_is_refused(
    path: Path, refusal: Refusal
) -> None:
    np.savez(path, a=A)
    patch_directory(path, 24, struct.pack("<I", 1 << 30))
    assert "larger than it can be" in refusal(io.load, path)


def test_zeros_compressed_as_far_as_deflate_goes_still_load(path: Path) -> None:
    np.savez_compressed(path, a=np.zeros(3_000_000, np.float32))
    assert io.load(path).shape == (3_000_000,)


@pytest.mark.parametrize(("shape", "order"), [((1 << 25,), "C"), ((1 << 12, 1 << 12), "F")])
def test_a_bomb_is_refused_before_it_takes_memory(
    shape: tuple[int, ...], order: Any, path: Path, refusal: Refusal, monkeypatch: Any
) -> None:
    np.savez_compressed(path, a=np.zeros(shape, np.float32, order))
    assert io.list_tensors(path)[0].shape == shape
    monkeypatch.setattr(
        "quantoscope.engine.io.npy.read_values", None
    )  # Taking memory would fail otherwise.
    assert "save it without compression" in refusal(io.load, path)


def test_a_bomb_behind_a_modest_header_is_read_no_further_than_the_header_says(
    path: Path, refusal: Refusal
) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", dumped(A) + b"\0" * 50_000_000)
    assert "longer than its header" in refusal(io.load, path)


def test_a_wrong_checksum_is_refused(path: Path, refusal: Refusal) -> None:
    np.savez(path, a=A)
    data = path.read_bytes()
    path.write_bytes(data.replace(A.tobytes(), (A + 1).tobytes()))
    assert "damaged" in refusal(io.load, path)


@pytest.mark.parametrize("count", [0, 1, 1000, 100_000])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_wrong_checksum_of_an_array_of_any_size_is_refused(
    save: Callable[..., None], count: int, path: Path, refusal: Refusal
) -> None:
    save(path, np.random.default_rng(0).integers(0, 9, count, np.int8))
    assert io.load(path).size == count
    patch_directory(path, 16, b"\x12\x34\x56\x78")
    assert "damaged" in refusal(io.load, path, "arr_0")


def test_what_is_saved_loads_without_pickle_and_is_the_same_every_time(path: Path) -> None:
    arrays = {"codes": B, "scheme": np.array("uint8 asymmetric"), "scale": np.array(0.5)}
    io.save_npz(path, **arrays)
    first = path.read_bytes()
    with np.load(path, allow_pickle=False) as stored:
        assert list(stored) == list(arrays)
        assert str(stored["scheme"]) == "uint8 asymmetric"
        assert stored["scale"].shape == ()
    io.save_npz(path, **arrays)
    assert path.read_bytes() == first


def test_objects_are_not_saved(path: Path, refusal: Refusal) -> None:
    assert "'bad'" in refusal(io.save_npz, path, good=A, bad=np.array([None]))
    assert list(path.parent.iterdir()) == []


def test_npz_needs_its_ending(tmp_path: Path, refusal: Refusal) -> None:
    assert ".npz" in refusal(io.save_npz, tmp_path / "x.npy", a=A)


def test_more_members_than_any_file_has_are_refused_before_they_are_read(
    tmp_path: Path, refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.npz"
    io.save_npz(path, **{f"array-{i}": np.ones(1) for i in range(50)})
    assert len(io.list_tensors(path)) == 50
    monkeypatch.setattr("quantoscope.engine.io.zips.MAX_DIRECTORY", 1000)
    assert "many.npz" in refusal(io.list_tensors, path)


def test_members_are_counted_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "_ANYWAY", 1 << 20)
    monkeypatch.setattr(budget, "_RESERVE", 1 << 16)
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(10_000):
            archive.writestr(f"{number:x}", b"")
    tracemalloc.start()
    with contextlib.suppress(FormatError), open_zip(path) as archive:
        assert archive.infolist()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < base.most_memory(path.stat().st_size)


def test_a_part_of_names_brings_up_those_that_have_it(path: Path, refusal: Refusal) -> None:
    np.savez(path, **{f"layers.{i}.{part}": np.ones(2) for i in range(9) for part in ("q", "up")})
    assert "among its 18 are layers.3.q, layers.3.up" in refusal(io.load, path, "LAYERS.3")
