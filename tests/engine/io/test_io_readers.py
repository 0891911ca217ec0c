"""What every reader owes, whatever the format: one suite over the registry."""

from __future__ import annotations

import errno
import mmap
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.io import FileFormat, FormatError

Refusal = Callable[..., str]


def test_a_sample_loads_bit_for_bit(sample: Path, original: np.ndarray) -> None:
    array = io.load(sample)
    assert array.dtype == np.float32
    assert array.shape == original.shape
    assert array.tobytes() == original.tobytes()


def test_what_is_loaded_is_an_ordinary_array_of_its_own(sample: Path, original: np.ndarray) -> None:
    array = io.load(sample)
    assert type(array) is np.ndarray
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.dtype.isnative
    array[...] = 0
    assert (io.load(sample) == original).all()


def test_the_list_says_what_loading_gives(sample: Path) -> None:
    (info,) = io.list_tensors(sample)
    array = io.load(sample, info.name)
    assert (info.shape, info.dtype, info.nbytes) == (array.shape, array.dtype.name, array.nbytes)


def test_a_path_may_be_text(sample: Path, original: np.ndarray) -> None:
    assert (io.load(str(sample)) == original).all()


def test_an_upper_case_ending_is_the_same_ending(sample: Path, original: np.ndarray) -> None:
    loud = sample.with_name(sample.name.upper())
    sample.rename(loud)
    assert (io.load(loud) == original).all()


def test_a_name_that_is_not_there_is_refused(sample: Path, refusal: Refusal) -> None:
    assert sample.name in refusal(io.load, sample, "no such\ntensor")


@pytest.mark.parametrize("call", [io.load, io.list_tensors])
def test_a_missing_file_is_named(
    call: object, reader: FileFormat, tmp_path: Path, refusal: Refusal
) -> None:
    message = refusal(call, tmp_path / f"gone{reader.endings[0]}")
    assert message.startswith("gone")
    assert "no such file" in message


@pytest.mark.parametrize("call", [io.load, io.list_tensors])
def test_a_folder_is_refused(
    call: object, reader: FileFormat, tmp_path: Path, refusal: Refusal
) -> None:
    folder = tmp_path / f"folder{reader.endings[0]}"
    folder.mkdir()
    assert "is a folder" in refusal(call, folder)


@pytest.mark.parametrize("call", [io.load, io.list_tensors])
def test_an_empty_file_is_refused(
    call: object, reader: FileFormat, tmp_path: Path, refusal: Refusal
) -> None:
    path = tmp_path / f"void{reader.endings[0]}"
    path.touch()
    assert refusal(call, path) == f"{path.name} is empty."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waited_for(
    reader: FileFormat, tmp_path: Path, refusal: Refusal
) -> None:
    path = tmp_path / f"pipe{reader.endings[0]}"
    os.mkfifo(path)
    assert "not a regular file" in refusal(io.load, path)


def test_a_denied_permission_is_told(
    sample: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    assert "permission is denied" in refusal(io.load, sample)


def test_a_file_larger_than_the_memory_is_told(
    sample: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    def no_room(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(mmap, "mmap", no_room)
    monkeypatch.setattr(np, "empty", full)
    monkeypatch.setattr(np, "array", full)
    assert "memory" in refusal(io.load, sample)


@pytest.mark.parametrize("call", [io.load, io.list_tensors])
def test_a_file_cut_short_anywhere_is_refused(
    call: object,
    binary_reader: FileFormat,
    tmp_path: Path,
    refusal: Refusal,
    write_sample: Callable[[Path], None],
) -> None:
    path = tmp_path / f"cut{binary_reader.endings[0]}"
    write_sample(path)
    whole = path.read_bytes()
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        refusal(call, path)


def test_a_changed_byte_gives_an_array_or_a_sentence(
    sample: Path, reader: FileFormat, refusal: Refusal
) -> None:
    whole = sample.read_bytes()
    generator = random.Random(0)
    # Every look at an HDF5 file is a process; test_hostile changes all of its bytes, once.
    for position in range(0, len(whole), 16 if reader is io.HDF5 else 1):
        for value in {whole[position] ^ 0xFF, whole[position] ^ 1, generator.randrange(256)}:
            sample.write_bytes(whole[:position] + bytes([value]) + whole[position + 1 :])
            _array_or_sentence(sample, refusal)


def test_garbage_gives_an_array_or_a_sentence(
    reader: FileFormat, tmp_path: Path, refusal: Refusal
) -> None:
    generator = random.Random(1)
    path = tmp_path / f"garbage{reader.endings[0]}"
    for length in range(1, 200):
        magic = generator.choice((b"", *reader.magic))
        start = generator.randbytes(reader.magic_offset) + magic if magic else b""
        path.write_bytes(start + generator.randbytes(length))
        _array_or_sentence(path, refusal)


def _array_or_sentence(path: Path, refusal: Refusal) -> None:
    for call in (io.load, io.list_tensors):
        try:
            call(path)
        except FormatError:
            refusal(call, path)


class Trap:
    """Raises the flag when something unpickles it."""

    sprung = False

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (setattr, (Trap, "sprung", True))


def test_a_pickle_is_never_loaded(reader: FileFormat, tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / f"trap{reader.endings[0]}"
    path.write_bytes(pickle.dumps(Trap()))
    refusal(io.load, path)
    refusal(io.list_tensors, path)
    assert not Trap.sprung


@pytest.mark.parametrize("ending", [".csv", ".npy", ".npz", ".unknown", ""])
def test_a_file_is_known_by_its_content_whatever_its_ending(
    binary_reader: FileFormat,
    ending: str,
    tmp_path: Path,
    write_sample: Callable[[Path], None],
    original: np.ndarray,
) -> None:
    path = tmp_path / f"sample{binary_reader.endings[0]}"
    write_sample(path)
    renamed = path.rename(path.with_suffix(ending))
    assert io.probe(renamed) is binary_reader
    assert (io.load(renamed) == original).all()


def test_a_pointer_of_git_lfs_is_told(reader: FileFormat, tmp_path: Path, refusal: Refusal) -> None:
    path = tmp_path / f"model{reader.endings[0]}"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n")
    assert "git lfs pull" in refusal(io.load, path)


def test_a_zip_file_is_known_by_its_members_then_by_its_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(io.NPZ, endings=(".other",), member="/other.json")
    monkeypatch.setattr(io, "READERS", (*io.READERS, other))

    def probed(name: str, *members: str) -> FileFormat:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w") as archive:
            for member in members:
                archive.writestr(member, "")
        return io.probe(path)

    assert probed("a.npz", "x/other.json") is other
    assert probed("a.other", "x.npy") is io.NPZ
    assert probed("a.other", "x.npy", "x/other.json") is other
    assert probed("a.npz", "x.npy", "x/other.json") is io.NPZ
    assert probed("a.zip", "x.npy", "x/other.json") is io.NPZ
    assert probed("a.other", "neither") is other
    with pytest.raises(io.FormatError, match="a ZIP archive without arrays"):
        probed("a.zip")


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, refusal: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reader_of_h5.py").write_text(
        "def list_tensors(path):\n    import no_such_package.inner\nload = list_tensors\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    known = FileFormat("HDF5", (".h5",), "reader_of_h5", extra="h5py")
    monkeypatch.setattr(io, "READERS", (known,))
    path = tmp_path / "model.h5"
    path.write_bytes(b"\x89HDF")
    for call in (io.load, io.list_tensors):
        assert refusal(call, path) == (
            "model.h5 needs the package no_such_package; install it with "
            '"pip install no_such_package".'
        )


def test_numbers_in_a_text_file_of_any_ending_are_read(tmp_path: Path) -> None:
    path = tmp_path / "measured.dat"
    path.write_text("1.5 2.5\n3.5 4.5\n")
    assert io.load(path).tolist() == [[1.5, 2.5], [3.5, 4.5]]


def test_an_unknown_kind_of_file_is_refused_with_the_known_ones(
    tmp_path: Path, refusal: Refusal
) -> None:
    path = tmp_path / "thing.xyz"
    path.write_bytes(b"\1\2\3\0\0\0\rIHDR")
    assert ".npy, .npz, .csv, .tsv, .txt" in refusal(io.load, path)


@pytest.mark.parametrize("name", ["a\0b.npy", "a\ud800b.npy", "a\nb.npy"])
def test_an_impossible_file_name_is_a_sentence_too(
    name: str, tmp_path: Path, refusal: Refusal, original: np.ndarray
) -> None:
    refusal(io.load, tmp_path / name)
    refusal(io.save, tmp_path / "no such folder" / name, original)


def test_file_filters_name_every_ending() -> None:
    lines = io.file_filters()
    assert lines[0] == "NumPy array (*.npy)"
    assert len(lines) == len(io.READERS)
    assert io.file_filters(io.WRITERS)[1] == "Comma-separated values (*.csv)"
