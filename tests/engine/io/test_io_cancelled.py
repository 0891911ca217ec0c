"""A read that is cancelled ends soon: every reader looks at the flag while it works."""

from __future__ import annotations

import io as stdio
import json
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import io
from quantoscope.engine.analysis import device_codes
from quantoscope.engine.cancellation import Cancellation, Cancelled
from quantoscope.engine.io import hdf5, index, qscope, saved
from quantoscope.engine.text import paste
from tests.engine.io import builders, containers

LONG = np.random.default_rng(0).normal(size=(1024, 2048)).astype(np.float32)
SOME = np.random.default_rng(1).normal(size=(300, 300)).astype(np.float32)
MANY = {f"layers.{n}.weight": np.zeros(1, np.float32) for n in range(3000)}

Read = Callable[[Path], object]


def one(path: Path) -> object:
    return io.load(path, io.list_tensors(path)[0].name if path.suffix not in SINGLE else None)


def codes_of(path: Path) -> object:
    return device_codes.read_codes(path, "int32", LONG.shape, big_endian=True)


def stored_of(path: Path) -> object:
    return io.load_codes(path, "w")


def session_of(path: Path) -> object:
    return qscope.read(path)


def text_of(path: Path) -> object:
    return paste.read(path.read_text())


SINGLE = {ending for known in io.READERS if known.single for ending in known.endings}


def packed(array: np.ndarray) -> bytes:
    stream = stdio.BytesIO()
    np.savez_compressed(stream, w=array)
    return stream.getvalue()


def npy(array: np.ndarray) -> bytes:
    stream = stdio.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def rows(array: np.ndarray, delimiter: str) -> bytes:
    return "\n".join(delimiter.join(map(str, row)) for row in array.tolist()).encode()


def varints() -> bytes:
    data = b"".join(map(builders.varint, range(-100_000, 100_000)))
    packed = builders.onnx_tensor("w", 7, (200_000,), builders.field(7, data))
    return builders.onnx_model(packed)


def turned() -> bytes:
    strides = (1, 1024)
    pickled = builders.value(
        {"w": builders.torch_tensor("0", "FloatStorage", LONG.size, (1024, 2048), strides)}
    )
    return builders.torch_zip(pickled, {"0": LONG.tobytes()})


def sessions() -> bytes:
    stream = stdio.BytesIO()
    tensors = tuple(saved.SavedTensor(str(n), array=SOME) for n in range(20))
    qscope.save(stream, saved.SavedSession(tensors=tensors))
    return stream.getvalue()


def many_sessions() -> bytes:
    stream = stdio.BytesIO()
    one = saved.SavedTensor("w", array=SOME[0])
    sources = tuple(saved.SavedSource(f"/data/{n}.npy") for n in range(3000))
    qscope.save(stream, saved.SavedSession(sources, tensors=(one,)))
    return stream.getvalue()


# By ending: the file, what reads it, and how often the flag is looked at, at least.
BIG: dict[str, list[tuple[Callable[[], bytes], Read, int]]] = {
    ".npy": [
        (lambda: npy(LONG), io.load, 2),
        (lambda: npy(np.asfortranarray(LONG)), io.load, 4),
        (lambda: npy(LONG.astype(">f4")), io.load, 4),
    ],
    ".npz": [
        (lambda: packed(LONG), one, 2),
        (lambda: packed_many(), io.list_tensors, 20),
    ],
    ".csv": [(lambda: rows(SOME, ","), io.load, 10)],
    ".tsv": [(lambda: rows(SOME, "\t"), io.load, 10)],
    ".txt": [
        (lambda: rows(SOME, " "), io.load, 10),
        (lambda: rows(SOME, ";"), io.load, 10),
        (lambda: str(SOME.tolist()).encode(), io.load, 5),
        (lambda: str(SOME.tolist()).replace("]", " ]/**/").encode(), io.load, 5),
        (lambda: json.dumps([float(v) for v in SOME.flat]).encode(), text_of, 10),
    ],
    ".safetensors": [
        (lambda: builders.safetensors({"w": LONG}), one, 2),
        (lambda: builders.safetensors(MANY), io.list_tensors, 3),
    ],
    ".onnx": [
        (lambda: builders.onnx({"w": LONG}), one, 2),
        (varints, one, 1),
        (lambda: builders.onnx(MANY), io.list_tensors, 10),
    ],
    ".pt": [
        (lambda: builders.torch({"w": LONG}), one, 2),
        (turned, one, 4),
        (lambda: builders.torch(MANY), io.list_tensors, 30),
        (lambda: builders.torch(MANY, old=True), io.list_tensors, 30),
    ],
    ".gguf": [
        (lambda: containers.gguf({"w": LONG}), one, 2),
        (lambda: containers.gguf({"w": containers.quantized(LONG, "Q8_0")}), one, 8),
        (lambda: containers.gguf({"w": containers.quantized(LONG, "Q8_0")}), stored_of, 8),
        (lambda: containers.gguf(MANY), io.list_tensors, 3),
    ],
    ".h5": [
        (lambda: containers.hdf5({"w": LONG}), one, 2),
        (lambda: containers.hdf5({"w": LONG}, compression="lzf"), one, 2),
    ],
    ".qscope": [
        (sessions, one, 1),
        (sessions, session_of, 20),
        (many_sessions, session_of, 1000),
    ],
    ".raw": [(lambda: LONG.astype(">i4").tobytes(), codes_of, 4)],
}


def packed_many() -> bytes:
    stream = stdio.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for n in range(400):
            archive.writestr(f"{n}.npy", npy(SOME[0]))
    return stream.getvalue()


CASES = [
    pytest.param(ending, make, read, least, id=f"{ending} {number}")
    for ending, cases in BIG.items()
    for number, (make, read, least) in enumerate(cases)
]


class Counting(Cancellation):
    """A flag that counts how often it is looked at, and is set at one of these times."""

    def __init__(self, last: int | None = None) -> None:
        super().__init__()
        self.looks, self.last, self.longest = 0, last, 0.0
        self._before = {threading.get_ident(): time.thread_time()}

    def check(self) -> None:
        # Each thread has a clock of its own.
        now, thread = time.thread_time(), threading.get_ident()
        self.longest = max(self.longest, now - self._before.get(thread, now))
        self._before[thread] = now
        self.looks += 1
        if self.looks == self.last:
            self.cancel()
        super().check()


def test_every_reader_is_tried_here() -> None:
    assert {known.endings[0] for known in io.READERS} <= set(BIG)


@pytest.mark.parametrize(("ending", "make", "read", "least"), CASES)
def test_a_cancelled_read_ends_at_its_next_look_and_looks_often(
    ending: str, make: Callable[[], bytes], read: Read, least: int, tmp_path: Path
) -> None:
    path = tmp_path / f"big{ending}"
    path.write_bytes(make())
    whole = Counting()
    with whole.watched():
        read(path)
    assert whole.looks >= least
    # Of the processor's time, as others share it.
    assert whole.longest < 0.2
    index.forget()
    half = Counting(whole.looks // 2 + 1)
    with half.watched(), pytest.raises(Cancelled):
        read(path)
    assert half.looks <= whole.looks // 2 + 2


@pytest.mark.parametrize("call", [io.load, io.list_tensors])
def test_a_child_that_never_answers_is_ended_with_the_read(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, flag, started = tmp_path / "x.h5", Cancellation(), []
    path.write_bytes(containers.hdf5({"x": SOME}))

    def start(request: Any) -> Any:
        code = "import time; time.sleep(60)"
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        started.append(child)
        threading.Timer(0.05, flag.cancel).start()
        return child

    monkeypatch.setattr(hdf5, "start", start)
    with flag.watched(), pytest.raises(Cancelled):
        call(path, *(("x",) if call is io.load else ()))
    assert started[0].poll() is not None


def test_a_long_hash_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "long"
    path.write_bytes(bytes(9 << 20))
    with Counting(2).watched(), pytest.raises(Cancelled):
        saved.digest_of(path)


WRITES: dict[str, Callable[[Path, np.ndarray], object]] = {
    ".npy": io.save,
    ".csv": io.save,
    ".npz": lambda path, array: io.save_npz(path, w=array),
    ".qscope": lambda path, array: qscope.write(
        path, saved.SavedSession(tensors=(saved.SavedTensor("w", array=array),))
    ),
}


@pytest.mark.parametrize("ending", WRITES)
def test_a_cancelled_save_leaves_the_old_file_whole_up_to_the_last_moment(
    ending: str, tmp_path: Path
) -> None:
    path, write = tmp_path / f"x{ending}", WRITES[ending]
    write(path, SOME[:1])
    before = path.read_bytes()
    array = LONG if ending != ".csv" else SOME
    whole = Counting()
    with whole.watched():
        write(tmp_path / f"other{ending}", array)
    (tmp_path / f"other{ending}").unlink()
    # Each 4 MB, and once more right before the old file is replaced.
    assert whole.looks >= (3 if ending == ".csv" else 4)
    for last in (1, whole.looks // 2, whole.looks):
        with Counting(last).watched(), pytest.raises(Cancelled):
            write(path, array)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
@pytest.mark.parametrize(
    "read",
    [
        io.load,
        io.list_tensors,
        io.probe,
        qscope.read,
        qscope.head_of,
        saved.digest_of,
        device_codes.read_codes,
        device_codes.is_npy,
        lambda path: device_codes.read_codes(path, "int8", (0,)),
        lambda path: io.NPY.load_module().load(path),
        lambda path: io.HDF5.load_module().load(path, "x"),
        lambda path: saved.described(saved.SavedSource(str(path))),
    ],
)
def test_nothing_waits_for_whoever_writes_into_a_pipe(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "x.qscope"
    os.mkfifo(path)
    with pytest.raises(io.FormatError, match="is not a regular file"):
        read(path)
