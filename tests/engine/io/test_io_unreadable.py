"""What a file holds beside arrays of real numbers is listed with its reason, in every reader."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from quantoscope.engine import cli, io
from quantoscope.engine.io import qscope
from tests.engine.io import builders, containers

Refusal = Callable[..., str]
Make = Callable[[Path, dict[str, np.ndarray]], object]

WEIGHT = np.array([[0.5, -1.25], [3.0, 0.0]], np.float32)
FLAGS = np.array([True, False, True])


def npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(path, odd=FLAGS, **arrays)


def safetensors(path: Path, arrays: dict[str, np.ndarray]) -> None:
    header = {"odd": {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]}}
    data = FLAGS.tobytes()
    for name, array in arrays.items():
        place = [len(data), len(data) + array.nbytes]
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": place}
        data += array.tobytes()
    path.write_bytes(builders.safetensors_parts(json.dumps(header), data))


def onnx(path: Path, arrays: dict[str, np.ndarray]) -> None:
    tensors = [builders.onnx_tensor("odd", 9, (3,), builders.field(9, FLAGS.tobytes()))]
    tensors += [
        builders.onnx_tensor(name, 1, array.shape, builders.field(9, array.tobytes()))
        for name, array in arrays.items()
    ]
    path.write_bytes(builders.onnx_model(*tensors))


def torch(path: Path, arrays: dict[str, np.ndarray]) -> None:
    tree = {"odd": builders.torch_tensor("0", "BoolStorage", 3, (3,))}
    storages = {"0": FLAGS.tobytes()}
    for i, (name, array) in enumerate(arrays.items(), 1):
        tree[name] = builders.torch_tensor(str(i), "FloatStorage", array.size, array.shape)
        storages[str(i)] = array.tobytes()
    path.write_bytes(builders.torch_zip(builders.value(tree), storages))


def gguf(path: Path, arrays: dict[str, np.ndarray]) -> None:
    def entry(name: bytes, shape: tuple[int, ...], kind: int) -> bytes:
        axes = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        return struct.pack("<Q", len(name)) + name + axes + struct.pack("<IQ", kind, 0)

    # One of an unknown type has no known size, and may lie where another does.
    entries = [entry(b"odd", (32,), 999)]
    entries += [entry(name.encode(), array.shape, 0) for name, array in arrays.items()]
    head = b"GGUF" + struct.pack("<IQQ", 3, len(entries), 0) + b"".join(entries)
    data = b"".join(array.tobytes() for array in arrays.values())
    path.write_bytes(head + bytes(-len(head) % 32) + data)


def hdf5(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.write_bytes(containers.hdf5({"odd": FLAGS, **arrays}))


def session(path: Path, arrays: dict[str, np.ndarray]) -> None:
    held = {"odd": FLAGS, **arrays}
    tensors = tuple(qscope.SavedTensor(name, array=array) for name, array in held.items())
    qscope.write(path, qscope.SavedSession(tensors=tensors))


# A new reader of files with several arrays needs its line.
NEIGHBOURS: dict[str, Make] = {
    ".npz": npz,
    ".safetensors": safetensors,
    ".onnx": onnx,
    ".pt": torch,
    ".gguf": gguf,
    ".h5": hdf5,
    ".qscope": session,
}
every_reader = pytest.mark.parametrize(
    "ending", [known.endings[0] for known in io.READERS if not known.single]
)


@every_reader
def test_an_unreadable_neighbour_is_listed_with_its_reason(
    ending: str, tmp_path: Path, refusal: Refusal, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"x{ending}"
    NEIGHBOURS[ending](path, {"weight": WEIGHT})
    infos = {info.name: info for info in io.list_tensors(path)}
    assert infos.keys() == {"odd", "weight"}
    odd, weight = infos["odd"], infos["weight"]
    assert odd.reason
    assert not odd.reason.endswith(".")
    assert not odd.readable
    assert weight.readable
    assert io.load(path).tobytes() == WEIGHT.tobytes(), "the only one that can be loaded"
    assert io.load(path, "weight").tobytes() == WEIGHT.tobytes()
    assert refusal(io.load, path, "odd") == f"The array 'odd' in {path.name} {odd.reason}."
    assert cli.main(["list", str(path)]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["odd"].endswith(f"not loaded: it {odd.reason}")
    assert "not loaded" not in lines["weight"]
    assert cli.main(["list", "--json", str(path)]) == 0
    told = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert told["odd"]["reason"] == odd.reason
    assert (told["odd"]["readable"], told["weight"]["readable"]) == (False, True)
    assert told["weight"]["shape"] == [2, 2]


@every_reader
def test_a_file_of_nothing_but_what_is_unreadable_is_a_sentence(
    ending: str, tmp_path: Path, refusal: Refusal
) -> None:
    path = tmp_path / f"x{ending}"
    NEIGHBOURS[ending](path, {})
    for call in (io.list_tensors, io.load):
        message = refusal(call, path)
        assert message.startswith(f"x{ending} holds no array of real numbers: 'odd' ")
        assert cli.main(["list", str(path)]) == 2
