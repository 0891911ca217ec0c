"""Large .npy files stay in the file until they are looked at, and nothing reaches the file."""

from __future__ import annotations

import errno
import mmap
import os
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import npy
from quantoscope.engine.numerics.arrays import as_working

Check = Callable[[np.ndarray], bool]
Refusal = Callable[..., str]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files are only mapped there")
needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self")

VALUES = np.arange(6000, dtype=np.float32).reshape(60, 100)


@pytest.fixture
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "weights.npy"
    np.save(path, VALUES)
    return path


def resident() -> int:
    """Return how many bytes of this process are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE


def header(descr: str, shape: tuple[int, ...], padding: int = 0) -> bytes:
    """Return a head whose numbers begin ``padding`` bytes past a multiple of 64."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * ((padding - 10 - len(text) - 1) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@needs_proc
def test_a_file_of_more_than_is_read_is_open_at_once_and_takes_no_memory(
    tmp_path: Path, is_mapped: Check
) -> None:
    path = tmp_path / "large.npy"
    count = 600_000_000
    with path.open("wb") as stream:
        stream.write(header("<f4", (count // 1000, 1000)))
        stream.truncate(stream.tell() + 4 * count - 4)  # a hole, which takes no room on the disk
        stream.seek(0, os.SEEK_END)
        stream.write(np.float32(42).tobytes())
    before = resident()
    tracemalloc.start()
    try:
        array = as_working(io.load(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20
    assert resident() - before < 8 << 20
    assert is_mapped(array)
    assert array.shape == (600_000, 1000)
    assert array.flags.writeable
    assert (array[0, 0], array[-1, -1]) == (0, 42)
    assert resident() - before < 8 << 20


@pytest.mark.parametrize(("more", "mapped"), [(0, False), (1, True)])
def test_only_what_is_larger_than_the_threshold_is_mapped(
    more: int, mapped: bool, path: Path, is_mapped: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.MAPPED_ABOVE", 1 << 20)
    array = np.ones((1 << 20) + more, np.int8)
    io.save(path, array)
    loaded = io.load(path)
    assert is_mapped(loaded) is mapped
    assert (loaded == array).all()


@pytest.mark.usefixtures("every_size")
def test_edits_stay_in_memory(path: Path, is_mapped: Check) -> None:
    os.utime(path, ns=(10**18, 10**18))
    before, bytes_before = path.stat(), path.read_bytes()
    array = io.load(path)
    assert is_mapped(array)
    array[3, 4] = -1
    array[-1] += 1
    array.sort(axis=0)
    array[...] = -array
    after = path.stat()
    assert path.read_bytes() == bytes_before
    assert (after.st_mtime_ns, after.st_size, after.st_ino) == (
        10**18,
        before.st_size,
        before.st_ino,
    )
    assert (io.load(path) == VALUES).all()
    del array
    assert path.read_bytes() == bytes_before
    assert path.stat().st_mtime_ns == 10**18


@pytest.mark.usefixtures("every_size")
def test_a_read_only_file_gives_an_array_that_can_be_edited(path: Path) -> None:
    path.chmod(0o400)
    array = io.load(path)
    array[0] = 7
    assert (array[0] == 7).all()
    assert np.load(path)[0, 1] == 1


@pytest.mark.usefixtures("every_size")
def test_two_arrays_of_one_file_are_two(path: Path) -> None:
    first, second = io.load(path), io.load(path)
    first[...] = 0
    assert (second == VALUES).all()


@pytest.mark.usefixtures("every_size")
def test_the_array_outlives_its_file(path: Path) -> None:
    array = io.load(path)
    path.unlink()
    assert (array == VALUES).all()
    array[0] = 7
    assert (array[0] == 7).all()


@pytest.mark.usefixtures("every_size")
def test_the_array_outlives_the_replacement_of_its_file(path: Path) -> None:
    array = io.load(path)
    io.save(path, np.zeros(3, np.float32))
    assert (array == VALUES).all()
    assert io.load(path).tolist() == [0, 0, 0]


@pytest.mark.usefixtures("every_size")
def test_an_edited_array_is_saved_over_the_file_that_it_lies_in(
    path: Path, is_mapped: Check
) -> None:
    array = io.load(path)
    for edit in range(3):
        array[edit] = -1 - edit
        expected = array.copy()
        io.save(path, array)
        assert is_mapped(array)
        assert (array == expected).all()
        assert (np.load(path) == expected).all()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.usefixtures("every_size")
def test_a_failing_save_over_the_mapped_file_keeps_file_and_array(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    array = io.load(path)
    array[0] = 7
    expected = array.copy()
    monkeypatch.setattr(os, "fsync", full)
    assert "the disk is full" in refusal(io.save, path, array)
    assert (np.load(path) == VALUES).all()
    assert (array == expected).all()


@needs_proc
@pytest.mark.usefixtures("every_size")
def test_nothing_of_the_file_is_held_once_the_array_is_gone(path: Path) -> None:
    def held() -> bool:
        descriptors = [os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()]
        return str(path) in descriptors or str(path) in Path("/proc/self/maps").read_text()

    array = io.load(path)
    part = array[1:]
    del array
    assert held()
    assert (part == VALUES[1:]).all()
    del part
    assert not held()


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize("code", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])
def test_every_type_is_mapped(code: str, path: Path, is_mapped: Check) -> None:
    array = np.arange(100).astype(code)
    io.save(path, array)
    loaded = io.load(path)
    assert is_mapped(loaded)
    assert loaded.tobytes() == array.tobytes()


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize(
    ("descr", "padding", "mapped"),
    [
        ("<f4", 0, True),
        ("<f4", 4, True),
        ("<f4", 1, False),
        ("<f8", 4, False),
        ("<i2", 3, False),
        ("|i1", 3, True),
    ],
)
def test_numbers_that_begin_at_an_odd_place_are_read(
    descr: str, padding: int, mapped: bool, path: Path, is_mapped: Check
) -> None:
    array = np.arange(100).astype(descr)
    path.write_bytes(header(descr, (100,), padding) + array.tobytes())
    loaded = io.load(path)
    assert is_mapped(loaded) is mapped
    assert loaded.flags.aligned
    assert (loaded == array).all()


@pytest.mark.usefixtures("every_size")
def test_foreign_byte_order_is_read(path: Path, is_mapped: Check) -> None:
    io.save(path, VALUES.astype(VALUES.dtype.newbyteorder()))
    loaded = io.load(path)
    assert not is_mapped(loaded)
    assert loaded.dtype.isnative
    assert (loaded == VALUES).all()


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize(
    ("shape", "mapped"),
    [((60, 100), False), ((6, 10, 100), False), ((6000,), True), ((6000, 1), True)],
)
def test_fortran_order_is_copied_into_c_order_where_they_differ(
    shape: tuple[int, ...], mapped: bool, path: Path, is_mapped: Check
) -> None:
    array = VALUES.reshape(shape)
    data = header("<f4", shape).replace(b"'fortran_order': False", b"'fortran_order': True ")
    path.write_bytes(data + array.tobytes(order="F"))
    loaded = io.load(path)
    assert is_mapped(loaded) is mapped
    assert loaded.strides == array.strides
    assert (loaded == array).all()
    loaded[...] = 0
    assert (np.load(path) == array).all()


@pytest.mark.usefixtures("every_size")
def test_what_follows_the_numbers_is_no_part_of_the_array(path: Path, is_mapped: Check) -> None:
    path.write_bytes(path.read_bytes() + b"more")
    loaded = io.load(path)
    assert is_mapped(loaded)
    assert loaded.tobytes() == VALUES.tobytes()


@pytest.mark.usefixtures("every_size")
@pytest.mark.parametrize("error", [OSError(errno.ENODEV, "No such device"), ValueError("shorter")])
def test_a_file_that_cannot_be_mapped_is_read(
    error: Exception, path: Path, is_mapped: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(mmap, "mmap", refused)
        array = io.load(path)
    assert not is_mapped(array)
    assert (array == VALUES).all()


@pytest.mark.usefixtures("every_size")
def test_a_file_cut_short_between_header_and_mapping_is_told(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_header = npy.read_header

    def cut_after(*arguments: object) -> npy.Header:
        header = read_header(*arguments)  # type: ignore[arg-type]
        os.truncate(path, path.stat().st_size - 5000)
        return header

    monkeypatch.setattr(npy, "read_header", cut_after)
    assert "was changed by another program while it was read" in refusal(io.load, path)


@pytest.mark.usefixtures("every_size")
def test_where_mapped_files_cannot_be_replaced_they_are_read(
    path: Path, is_mapped: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quantoscope.engine.io.mapped.CAN_MAP", False)
    array = io.load(path)
    assert not is_mapped(array)
    assert (array == VALUES).all()
