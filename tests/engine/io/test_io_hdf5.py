""".h5: datasets of real numbers, read by a child process that may crash, hang or lie."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import hdf5
from tests.engine.io import containers

h5py = pytest.importorskip("h5py")

Refusal = Callable[..., str]

X = np.arange(60, dtype=np.float32).reshape(6, 10)
DTYPES = [f"{order}{code}" for order in "<>" for code in ("f2", "f4", "f8", "i1", "i8", "u2", "u8")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.h5"


@pytest.fixture
def forked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have children forked, which takes a moment, where the system can."""
    if hasattr(os, "fork"):
        monkeypatch.setattr(hdf5, "start", request.getfixturevalue("forks").start)


def names(path: Path) -> list[str]:
    return [info.name for info in io.list_tensors(path) if info.readable]


def test_datasets_are_found_in_all_groups_by_a_real_child(path: Path) -> None:
    arrays = {"weight": X, "layers/0/bias": X[0].astype(np.int16), "layers/1/bias": X[1]}
    path.write_bytes(containers.hdf5(arrays))
    assert {info.name: info for info in io.list_tensors(path)} == {
        name: io.TensorInfo(name, array.shape, array.dtype.name, array.nbytes)
        for name, array in arrays.items()
    }
    assert (io.load(path, "layers/0/bias") == arrays["layers/0/bias"]).all()


@pytest.mark.parametrize("options", [{}, {"chunks": (4, 3), "compression": "gzip"}])
@pytest.mark.parametrize("dtype", DTYPES)
def test_types_and_byte_orders(dtype: str, options: Any, path: Path, forked: None) -> None:
    x = X.astype(dtype)
    path.write_bytes(containers.hdf5({"x": x}, **options))
    array = io.load(path)
    assert array.dtype == np.dtype(dtype).newbyteorder("=")
    assert array.dtype.isnative
    assert (array == x).all()


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"compression": "lzf"},
        {"fletcher32": True},
        {"chunks": (6, 10)},
        {"chunks": (4, 3)},
        {"maxshape": (None, None)},
    ],
)
@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_chunks_and_the_filters_that_hdf5_brings(
    options: Any, libver: str, path: Path, forked: None
) -> None:
    path.write_bytes(containers.hdf5({"x": X}, libver, **options))
    assert (io.load(path) == X).all()


def test_chunks_compressed_by_szip_are_read_where_the_library_can(
    path: Path, forked: None, refusal: Refusal
) -> None:
    if not h5py.h5z.filter_avail(h5py.h5z.FILTER_SZIP):
        pytest.skip("this HDF5 has no szip")
    path.write_bytes(containers.hdf5({"x": X}, chunks=(6, 10), compression="szip"))
    assert (io.load(path) == X).all()


@pytest.mark.parametrize(
    "shape", [(), (0, 3), (1,), (1, 1, 7), (3, 1, 1), (1, 500_000), (999, 999)]
)
@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
def test_shapes(
    shape: tuple[int, ...],
    options: Any,
    path: Path,
    forked: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    x = np.arange(np.prod(shape, dtype=int), dtype=np.float64).reshape(shape)
    path.write_bytes(containers.hdf5({"x": x}, **options if x.ndim and x.size else {}))
    assert io.load(path).shape == shape
    assert (io.load(path) == x).all()


def test_what_lies_in_the_file_as_it_is_is_mapped_wherever_the_file_begins(
    path: Path, forked: None, monkeypatch: pytest.MonkeyPatch, is_mapped: Any
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)
    for block in (0, 512, 2048):
        with h5py.File(path, "w", userblock_size=block) as file:
            file["x"] = X
            file.create_dataset("z", data=X, compression="gzip")
        assert is_mapped(io.load(path, "x"))
        assert (io.load(path, "x") == X).all()
        assert not is_mapped(io.load(path, "z"))
        path.unlink()


@pytest.mark.parametrize("order", [h5py.h5t.ORDER_LE, h5py.h5t.ORDER_BE])
@pytest.mark.parametrize(("size", "precision", "offset"), [(2, 12, 4), (4, 20, 0), (4, 24, 8)])
def test_numbers_of_fewer_bits_than_their_bytes_have_are_the_numbers(
    order: int, size: int, precision: int, offset: int, path: Path, forked: None
) -> None:
    kind = {2: h5py.h5t.NATIVE_INT16, 4: h5py.h5t.NATIVE_INT32}[size].copy()
    kind.set_order(order)
    kind.set_precision(precision)
    kind.set_offset(offset)
    numbers = np.array([0, 1, -1, 1000, -(2 ** (precision - 1))], f"i{size}")
    with h5py.File(path, "w") as file:
        space = h5py.h5s.create_simple(numbers.shape)
        dataset = h5py.h5d.create(file.id, b"x", kind, space)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, numbers)
    assert io.load(path).tolist() == numbers.tolist()


def test_values_that_were_never_written_are_the_fill_value(path: Path, forked: None) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("chunks", (100, 100), "f4", chunks=(10, 10), fillvalue=2.5)
        file.create_dataset("plain", (100, 100), "f4", fillvalue=1.5)
    assert (io.load(path, "chunks") == 2.5).all()
    assert (io.load(path, "plain") == 1.5).all()


@pytest.mark.parametrize("width", [4, 8])
@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_what_a_file_of_any_version_claims_is_held_against_its_size(
    version: int, width: int, path: Path, refusal: Refusal
) -> None:
    if version < 2:
        head = bytes([version, 0, 0, 0, 0, width, width, 0, 4, 0, 16, 0]) + bytes(4)
        head += bytes([32, 0, 0, 0]) if version else b""
    else:
        head = bytes([version, width, width, 0])
    base, other, end = (number.to_bytes(width, "little") for number in (0, 7_777, 10_000))
    start = hdf5.SIGNATURE + head + base + other + end
    path.write_bytes(start.ljust(200, b"\x55"))
    said = "x.h5 is cut short: it claims 10,000 bytes, and 200 are there."
    assert refusal(io.list_tensors, path) == said


def test_what_is_no_real_number_is_listed_with_its_reason(
    path: Path, forked: None, refusal: Refusal
) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = X
        file["text"] = "hello"
        file["texts"] = ["a", "b"]
        file["flags"] = np.array([True, False])
        file["complex"] = np.array([1j])
        file["records"] = np.zeros(3, [("a", "f4"), ("b", "i4")])
        file["bytes"] = np.void(b"abc")
        file["long"] = np.longdouble(2)
        file["reference"] = file["x"].ref
        file["nothing"] = h5py.Empty("f4")
        file["type"] = np.dtype("f4")
        file.create_dataset("ragged", (2,), h5py.vlen_dtype("f4"))
        file.create_dataset("choice", (2,), h5py.enum_dtype({"a": 0, "b": 1}))
    listed = {info.name: info for info in io.list_tensors(path)}
    reasons = {
        "text": "text", "texts": "text", "flags": "true/false", "complex": "complex numbers",
        "records": "several fields", "bytes": "bytes without", "long": "save it as float64",
        "reference": "references", "nothing": "no size", "ragged": "several lengths",
        "choice": "names that stand", "x": "",
    }  # fmt: skip
    assert listed.keys() == reasons.keys()
    assert listed["records"].shape == (3,)
    assert io.load(path).tobytes() == X.tobytes()
    for name, words in reasons.items():
        assert words in listed[name].reason
        assert listed[name].readable is (name == "x")
        if name != "x":
            assert words in refusal(io.load, path, name)


def test_links_are_followed_within_the_groups_alone(
    path: Path, forked: None, refusal: Refusal
) -> None:
    other = path.with_name("other.h5")
    other.write_bytes(containers.hdf5({"secret": X}))
    with h5py.File(path, "w") as file:
        file["group/x"] = X
        file["twice"] = file["group/x"]
        file["group/loop"] = file["/"]
        file["soft"] = h5py.SoftLink("/group/x")
        file["soft group"] = h5py.SoftLink("/group")
        file["outside"] = h5py.ExternalLink("other.h5", "/secret")
        file["missing"] = h5py.ExternalLink("/no/such/file", "/x")
    assert names(path) == ["twice", "group/x"]
    for name in ("soft", "soft group/x", "/group/x", "group//x", "group", ""):
        assert "no array named" in refusal(io.load, path, name)
    for name in ("outside", "missing"):
        assert "is in another file" in refusal(io.load, path, name)


def test_values_in_other_files_are_not_read(path: Path, forked: None, refusal: Refusal) -> None:
    raw = path.with_name("raw")
    raw.write_bytes(X.tobytes())
    other = path.with_name("other.h5")
    other.write_bytes(containers.hdf5({"x": X}))
    layout = h5py.VirtualLayout((6, 10), "f4")
    layout[...] = h5py.VirtualSource(str(other), "x", (6, 10))
    with h5py.File(path, "w") as file:
        file.create_dataset("external", X.shape, "f4", external=[(str(raw), 0, X.nbytes)])
        file.create_virtual_dataset("virtual", layout)
    for name in ("external", "virtual"):
        assert "other files" in refusal(io.load, path, name)
    assert "other files" in refusal(io.list_tensors, path)
    with h5py.File(path, "a") as file:
        file["x"] = X
    assert names(path) == ["x"]


@pytest.mark.parametrize(
    "options", [{"scaleoffset": 2}, {"compression": 32015, "allow_unknown_filter": True}]
)
def test_other_filters_are_refused(
    options: Any, path: Path, forked: None, refusal: Refusal
) -> None:
    with h5py.File(path, "w") as file:
        # Not written: nobody here has the filter.
        file.create_dataset("x", X.shape, "f4", chunks=(4, 3), **options)
    assert "compressed in a way" in refusal(io.load, path, "x")
    assert "compressed in a way" in refusal(io.list_tensors, path)


@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
def test_a_shape_beyond_what_the_file_stores_is_refused(
    options: Any, path: Path, forked: None, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", (10**6, 10**6), "f4", chunks=(10, 10), **options)
        data[:10, :10] = 1
    monkeypatch.setattr(np, "empty", None)  # Taking memory would fail in another way.
    assert "far more than its file" in refusal(io.load, path, "x")
    assert "far more than its file" in refusal(io.list_tensors, path)


def test_zeros_compressed_as_far_as_gzip_goes_load_up_to_64_mb(
    path: Path, forked: None, refusal: Refusal
) -> None:
    for rows, problem in ((1 << 13, ""), (1 << 14, "far more than its file")):
        x = np.zeros((rows, 1 << 11), np.float32)
        path.write_bytes(containers.hdf5({"x": x}, compression="gzip", chunks=(1 << 12, 1 << 11)))
        assert path.stat().st_size * 100 < x.nbytes
        if problem:
            assert problem in refusal(io.load, path)
        else:
            assert not io.load(path).any()


def test_groups_within_groups_end_somewhere(path: Path, forked: None, refusal: Refusal) -> None:
    with h5py.File(path, "w") as file:
        file["/".join(["g"] * 90) + "/x"] = X
    assert len(names(path)) == 1
    with h5py.File(path, "w") as file:
        file["/".join(["g"] * 150) + "/x"] = X
    assert "deep" in refusal(io.list_tensors, path)


def test_any_name_goes_to_the_child_and_back(path: Path, forked: None) -> None:
    strange = ["--help", "ä\n\"'\\", "../../etc/passwd", "x" * 3000, "$(ls)", "\udcff"]
    with h5py.File(path, "w") as file:
        creation = h5py.h5p.create(h5py.h5p.LINK_CREATE)
        creation.set_create_intermediate_group(True)
        for i, name in enumerate(strange):
            made = h5py.h5d.create(
                file.id, None, h5py.h5t.NATIVE_INT8, h5py.h5s.create_simple((3,))
            )
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.full(3, i, np.int8))
            h5py.h5o.link(made, file.id, name.encode("utf-8", "surrogateescape"), creation)
    assert set(names(path)) == set(strange)
    for i, name in enumerate(strange):
        assert (io.load(path, name) == i).all()


def test_attributes_are_never_looked_at(path: Path, forked: None) -> None:
    with h5py.File(path, "w") as file:
        file["x"] = X
        file["x"].attrs["weights"] = np.zeros(9)
        file.attrs["config"] = "{}"
    assert names(path) == ["x"]
