"""What every writer owes: the same array back, and a file in full or not at all."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantoscope.engine import io
from quantoscope.engine.io import FileFormat
from quantoscope.engine.io.base import write_atomically
from tests.laws import examples

Refusal = Callable[..., str]

REAL = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]
ENDINGS = [ending for known in io.WRITERS for ending in known.endings]
arrays = hnp.arrays(
    st.sampled_from(REAL).map(np.dtype),
    hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)


@pytest.fixture
def path(writer: FileFormat, tmp_path: Path) -> Path:
    return tmp_path / f"x{writer.endings[0]}"


@given(st.sampled_from(ENDINGS), arrays)
# 7.038531e-26, which ends at the second by way of float64.
@example(".csv", np.array([0x15AE43FD, 0x15AE43FE], np.uint32).view(np.float32))
@example(".csv", np.array([1e-45, 3.4028235e38, -0.0, 0.1, 16777216], np.float32))
@example(".csv", np.array([5e-324, 1.7976931348623157e308, 0.1 + 0.2]))
@example(".csv", np.array([-(2**63), 2**63 - 1, 2**53 + 1]))
@example(".csv", np.array([2**53 + 1, 1]))
@example(".csv", np.array([-(2**53) - 1, 1]))
@example(".txt", np.array([[2**64 - 1, 2**53 + 1]], np.uint64))
@example(".csv", np.array([[np.nan, np.nan], [1, 2]], np.float32))
@example(".csv", np.array([[100, 200], [300, 400]], np.float32))
@example(".tsv", np.zeros((0, 3), np.float32))
@example(".txt", np.float16(65504))
@examples(300)
def test_what_is_saved_loads_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, ending: str, array: np.ndarray
) -> None:
    path = tmp_path_factory.getbasetemp() / f"round_trip{ending}"
    io.save(path, array)
    loaded = io.load(path)
    assert (loaded.shape, loaded.dtype) == (np.shape(array), array.dtype)
    if array.dtype.kind == "f" and ending != ".npy":
        # Text has one NaN only.
        nan = np.isnan(array)
        assert (np.isnan(loaded) == nan).all()
        array, loaded = np.where(nan, 0, array), np.where(nan, 0, loaded)
    assert loaded.tobytes() == array.tobytes()


def test_every_float16_reads_back_from_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    every = every[~np.isnan(every)].reshape(-1, 2)
    io.save(path, every)
    assert io.load(path).tobytes() == every.tobytes()


def test_a_million_random_float32_read_back_from_text(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    bits = np.random.default_rng(5).integers(0, 1 << 32, 1_000_000, np.uint32)
    values = bits.view(np.float32)
    values = values[~np.isnan(values)]
    io.save(path, values)
    assert io.load(path).tobytes() == values.tobytes()


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (np.float32([0.1, 1e20, -0.0]), "0.1\n1e+20\n-0.0\n"),
        (np.float32([[1, 2.5], [3, np.nan]]), "1.0,2.5\n3.0,nan\n"),
        (np.float32([[1, 2]]), "# quantoscope dtype=float32 shape=1,2\n1.0,2.0\n"),
        (np.float64([0.1]), "# quantoscope dtype=float64 shape=1\n0.1\n"),
        (np.int8([[1, -2]]), "# quantoscope dtype=int8 shape=1,2\n1,-2\n"),
        (np.float32(3), "# quantoscope dtype=float32 shape=\n3.0\n"),
        (np.zeros((0, 2), "f4"), "# quantoscope dtype=float32 shape=0,2\n"),
        (np.zeros((1, 2, 2), "f4"), "# quantoscope dtype=float32 shape=1,2,2\n0.0,0.0\n0.0,0.0\n"),
    ],
)
def test_csv_is_plain_where_rows_alone_tell_all(
    array: np.ndarray, text: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.csv"
    io.save(path, array)
    assert path.read_text() == text


@pytest.mark.parametrize(("ending", "delimiter"), [(".csv", ","), (".tsv", "\t"), (".txt", None)])
def test_numpy_reads_the_text_too(ending: str, delimiter: str | None, tmp_path: Path) -> None:
    path = tmp_path / f"x{ending}"
    array = np.random.default_rng(0).normal(size=(4, 3))
    io.save(path, array)
    assert (np.loadtxt(path, delimiter=delimiter) == array).all()


def test_big_endian_and_strided_arrays_are_saved(path: Path) -> None:
    array = np.arange(24, dtype=">f4").reshape(4, 6)[::2, ::-3]
    io.save(path, array)
    loaded = io.load(path)
    assert loaded.dtype == np.float32
    assert (loaded == array).all()


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([1j]), np.array([None])])
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(
    array: np.ndarray, path: Path, refusal: Refusal
) -> None:
    refusal(io.save, path, array)
    assert list(path.parent.iterdir()) == []


def fail_with(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "permission is denied"),
        (errno.EIO, "input/output error"),
    ],
)
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file_and_nothing_else(
    number: int,
    words: str,
    call: str,
    path: Path,
    refusal: Refusal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    io.save(path, np.float32([1, 2, 3]))
    before = path.read_bytes()
    monkeypatch.setattr(os, call, fail_with(number))
    message = refusal(io.save, path, np.float32([4, 5, 6]))
    assert message == f"{path.name} cannot be written: {words}."
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on the size of files")
def test_a_write_that_runs_out_of_room_leaves_the_old_file(path: Path, refusal: Refusal) -> None:
    import resource

    io.save(path, np.float32([1, 2, 3]))
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        message = refusal(io.save, path, np.zeros(100_000, np.float32))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written" in message
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("ending", [e for known in io.WRITERS for e in known.endings])
@pytest.mark.parametrize("looks", [1, 2])
def test_a_save_that_its_check_ends_leaves_the_old_file(
    ending: str, looks: int, tmp_path: Path
) -> None:
    path, left = tmp_path / f"x{ending}", looks

    def check() -> None:
        nonlocal left
        left -= 1
        if not left:
            raise KeyboardInterrupt

    io.save(path, np.zeros(3, np.float32))
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt):
        io.save(path, np.ones(3, np.float32), check)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    left = -1
    io.save(path, np.ones(3, np.float32), check)
    assert left < -2
    assert path.read_bytes() != before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_what_a_killed_save_left_goes_with_the_next_save_of_that_file(tmp_path: Path) -> None:
    path, other = tmp_path / "x.npy", tmp_path / "y.npy"

    def left_by(path: Path) -> Path:
        before = set(tmp_path.iterdir())
        child = os.fork()
        if not child:
            write_atomically(path, lambda stream: os.kill(os.getpid(), signal.SIGKILL))
        os.waitpid(child, 0)
        (draft,) = set(tmp_path.iterdir()) - before
        return draft

    old, young, foreign = left_by(path), left_by(path), left_by(other)
    for draft in (old, foreign):
        os.utime(draft, (0, 0))

    def write_meanwhile(stream: BinaryIO) -> None:
        (mine,) = set(tmp_path.iterdir()) - {old, young, foreign}
        os.utime(mine, (0, 0))  # long at it, and held
        io.save(path, np.ones(2))
        stream.write(b"done")

    write_atomically(path, write_meanwhile)
    assert path.read_bytes() == b"done"
    assert set(tmp_path.iterdir()) == {path, young, foreign}


def test_an_interrupted_write_leaves_nothing_behind(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        io.save(path, np.float32([1]))
    assert list(path.parent.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="permissions are another matter there")
def test_a_replaced_file_keeps_its_permissions(path: Path) -> None:
    io.save(path, np.float32([1]))
    path.chmod(0o640)
    io.save(path, np.float32([2]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.skipif(os.name != "posix", reason="needs links")
def test_saving_through_a_link_keeps_the_link(path: Path) -> None:
    real = path.with_name(f"real{path.suffix}")
    io.save(real, np.float32([1]))
    path.symlink_to(real)
    io.save(path, np.float32([2]))
    assert path.is_symlink()
    assert io.load(real).tolist() == [2]


def test_a_read_only_file_is_not_overwritten(
    path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    io.save(path, np.float32([1]))
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may write anything
    assert "read-only" in refusal(io.save, path, np.float32([2]))
    assert io.load(path).tolist() == [1]


def test_a_folder_is_not_overwritten(path: Path, refusal: Refusal) -> None:
    path.mkdir()
    assert "is a folder" in refusal(io.save, path, np.float32([1]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_or_device_is_not_replaced(path: Path, refusal: Refusal) -> None:
    os.mkfifo(path)
    assert "not a regular file" in refusal(io.save, path, np.float32([1]))
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_missing_folder_is_told(path: Path, refusal: Refusal) -> None:
    message = refusal(io.save, path.parent / "none" / path.name, np.float32([1]))
    assert "folder does not exist" in message


def test_an_unknown_ending_is_refused_with_the_known_ones(tmp_path: Path, refusal: Refusal) -> None:
    message = refusal(io.save, tmp_path / "x.docx", np.float32([1]))
    assert ".npy, .csv, .tsv, .txt" in message


class Gone(Exception):
    """Whoever waited does not wait any more."""


@pytest.mark.parametrize("exists", [False, True])
def test_a_cancel_just_before_the_replacement_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    path = tmp_path / "x.bin"
    if exists:
        path.write_bytes(b"old")
    written: list[int] = []
    sync = os.fsync

    def synced(handle: int) -> None:
        sync(handle)
        written.append(handle)

    def check() -> None:
        if written:  # all of it lies on the disk, under another name
            raise Gone

    monkeypatch.setattr(os, "fsync", synced)
    with pytest.raises(Gone):
        write_atomically(path, lambda stream: stream.write(b"new") and None, check)
    assert [p.name for p in tmp_path.iterdir()] == (["x.bin"] if exists else [])
    assert not exists or path.read_bytes() == b"old"
    written.clear()
    monkeypatch.setattr(os, "fsync", sync)
    write_atomically(path, lambda stream: stream.write(b"new") and None, check)
    assert path.read_bytes() == b"new"
