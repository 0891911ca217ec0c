"""Whole numbers of 64 bits keep every digit, in whichever file they lie."""

from __future__ import annotations

import io as stdio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.analysis import device_codes
from quantoscope.engine.io import qscope, saved
from tests.engine.io import builders, containers

# No float64 holds any of these.
LONG = np.array(
    [2**53 + 1, 2**54 + 1, 2**57 - 1, 2**59 + 1, 2**60 - 1, 2**62 + 1, 2**63 - 1, -(2**53) - 1,
     -(2**60) + 1, 7, -1, 0],
    np.int64,
)  # fmt: skip


def session(path: Path) -> None:
    tensor = saved.SavedTensor("w", array=LONG)
    qscope.write(path, saved.SavedSession(tensors=(tensor,)))


def varints(path: Path) -> None:
    data = b"".join(builders.varint(int(n)) for n in LONG)
    tensor = builders.onnx_tensor("w", 7, LONG.shape, builders.field(7, data))
    path.write_bytes(builders.onnx_model(tensor))


WRITE: dict[str, Callable[[Path], object]] = {
    ".npy": lambda path: io.save(path, LONG),
    ".npz": lambda path: io.save_npz(path, w=LONG),
    ".csv": lambda path: io.save(path, LONG),
    ".tsv": lambda path: io.save(path, LONG),
    ".txt": lambda path: io.save(path, LONG),
    ".safetensors": lambda path: path.write_bytes(
        builders.safetensors_parts(
            f'{{"w":{{"dtype":"I64","shape":[{LONG.size}],"data_offsets":[0,{LONG.nbytes}]}}}}',
            LONG.tobytes(),
        )
    ),
    ".onnx": lambda path: path.write_bytes(builders.onnx({"w": LONG})),
    " of varints.onnx": varints,
    ".pt": lambda path: path.write_bytes(builders.torch({"w": LONG})),
    ".gguf": lambda path: path.write_bytes(containers.gguf({"w": LONG})),
    ".h5": lambda path: path.write_bytes(containers.hdf5({"w": LONG})),
    ".qscope": session,
}


def test_every_reader_is_tried_here() -> None:
    assert {known.endings[0] for known in io.READERS} <= set(WRITE)


@pytest.mark.parametrize("ending", WRITE)
def test_no_digit_is_lost(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"long{ending}"
    WRITE[ending](path)
    array = io.load(path)
    assert array.dtype == np.int64
    assert array.tolist() == LONG.tolist()


@pytest.mark.parametrize("number", [2**53 + 1, 2**55 + 1, 2**58 + 1, 2**60 - 1, -(2**53) - 1])
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_one_long_number_is_enough(number: int, dtype: str, tmp_path: Path) -> None:
    array = np.array([[1, abs(number) if dtype == "uint64" else number]], dtype)
    io.save(tmp_path / "x.csv", array)
    assert io.load(tmp_path / "x.csv").tolist() == array.tolist()


@pytest.mark.parametrize("big_endian", [False, True])
def test_no_digit_of_a_dump_is_lost(big_endian: bool, tmp_path: Path) -> None:
    path = tmp_path / "codes.bin"
    path.write_bytes(LONG.astype(">i8" if big_endian else "<i8").tobytes())
    codes = device_codes.read_codes(path, "int64", LONG.shape, big_endian)
    assert codes.tolist() == LONG.tolist()
    np.save(tmp_path / "codes.npy", LONG.astype(">i8"))
    assert device_codes.read_codes(tmp_path / "codes.npy").tolist() == LONG.tolist()


def test_a_written_npy_is_the_one_that_numpy_writes(tmp_path: Path) -> None:
    for array in (LONG, LONG.reshape(3, 4).T, LONG[::2], np.array(3.5), LONG[:0], LONG > 0):
        stream, own = stdio.BytesIO(), stdio.BytesIO()
        np.save(stream, array)
        io.NPY.load_module().write(own, array)
        assert own.getvalue() == stream.getvalue()
