"""Small sound files of every kind that is read, to be damaged; a new reader needs its line."""

from __future__ import annotations

import importlib.util
import io as stdio
from collections.abc import Callable
from pathlib import Path

import numpy as np

from quantoscope.engine import io
from quantoscope.engine.io import qscope
from tests.engine.io import builders, containers

X = np.array([[1.5, -2.25, 3e-8], [0.0, -0.0, 42.0]], np.float32)
Q = np.linspace(-3, 3, 128, dtype=np.float32).reshape(4, 32)

Made = Callable[[Path], object]


def _compressed(path: Path) -> None:
    np.savez_compressed(path, weight=X, bias=X[0])


def _dumped(array: np.ndarray, version: tuple[int, int]) -> bytes:
    stream = stdio.BytesIO()
    np.lib.format.write_array(stream, array, version)
    return stream.getvalue()


def _quantized() -> bytes:
    kinds = ("Q4_0", "Q5_1", "Q8_0", "MXFP4")
    arrays = {kind: containers.quantized(Q[:1], kind) for kind in kinds}
    return containers.gguf(arrays, metadata=True)


def _k_quants() -> bytes:
    return containers.gguf(
        {kind: containers.random_blocks(1, 1, kind) for kind in ("Q2_K", "Q6_K")}
    )


def _groups() -> bytes:
    return containers.hdf5({"group/weight": X, "bias": X[0]}, "earliest")


def _chunks() -> bytes:
    return containers.hdf5({"weight": X}, compression="gzip", shuffle=True, fletcher32=True)


def _session(path: Path, count: int = 3) -> None:
    tensors = (
        qscope.SavedTensor("weight", array=X, edited=True, chosen=1),
        qscope.SavedTensor("in a file", 0, "w"),
        qscope.SavedTensor("changed", 0, "v", where=np.array([1, 5]), values=X[0, :2]),
    )
    sources = (qscope.SavedSource("/nowhere/model.pt", "model.pt", 9, "sha256:0"),)
    schemes = (qscope.SavedScheme("int8 symmetric", "mine", 1, 1, 1), qscope.SavedScheme("q8_0"))
    view = {"docks": "AAA=", "pair": [0, 1], "ranges": {"signal": [[0, 1], [0, 1]]}}
    saved = qscope.SavedSession(sources, tensors[:count], schemes, 0, 1, "title", view)
    qscope.write(path, saved)


def _external() -> bytes:
    where = builders.field(13, builders.field(1, b"location") + builders.field(2, b"beside.bin"))
    tensor = builders.onnx_tensor("far", 1, (3,), where, builders.field(14, 1))
    near = builders.onnx_tensor("near", 7, (2,), builders.field(7, b"\x05\x06"))
    return builders.onnx_model(tensor, near)


def _from_pytorch(path: Path) -> None:
    import torch

    state = {"weight": torch.from_numpy(X), "half": torch.ones(2, 2, dtype=torch.bfloat16).T}
    torch.save({"state_dict": state, "epoch": 3, "names": ["a"]}, path)


def _from_onnx(path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    node = onnx.helper.make_node("MatMul", ["x", "weight"], ["y"], value=numpy_helper.from_array(X))
    graph = onnx.helper.make_graph([node], "g", [], [], [numpy_helper.from_array(X, "weight")])
    path.write_bytes(onnx.helper.make_model(graph).SerializeToString())


def _from_safetensors(path: Path) -> None:
    from safetensors.numpy import save

    path.write_bytes(save({"weight": X, "scale": X[0].astype(np.float16)}, {"format": "np"}))


def _real(package: str, made: Made) -> dict[str, Made]:
    """Return what the real package makes, where there is that package."""
    return {f"by {package}": made} if importlib.util.find_spec(package) else {}


SEEDS: dict[str, dict[str, Made]] = {
    ".npy": {
        "ours": lambda path: io.save(path, X),
        "fortran": lambda path: path.write_bytes(_dumped(np.asfortranarray(X), (2, 0))),
    },
    ".npz": {
        "ours": lambda path: io.save_npz(path, weight=X, scheme=np.array("int8")),
        "compressed": _compressed,
    },
    ".csv": {
        "ours": lambda path: io.save(path, X.astype(np.float64)),
        "header": lambda path: path.write_text("a,b\n1.5,2\n-3,4e5\n"),
    },
    ".tsv": {"ours": lambda path: io.save(path, X.astype(np.float16))},
    ".txt": {
        "ours": lambda path: io.save(path, np.arange(3, dtype=np.int64)),
        "utf-16": lambda path: path.write_text("1,5 2,5\n3 4\n", "utf-16"),
    },
    ".safetensors": {
        "two": lambda path: path.write_bytes(builders.safetensors({"weight": X, "bias": X[0]})),
        **_real("safetensors", _from_safetensors),
    },
    ".onnx": {
        "raw": lambda path: path.write_bytes(builders.onnx({"weight": X})),
        "external": lambda path: path.write_bytes(_external()),
        **_real("onnx", _from_onnx),
    },
    ".pt": {
        "zip": lambda path: path.write_bytes(builders.torch({"weight": X})),
        "old": lambda path: path.write_bytes(builders.torch({"weight": X, "b": X[0]}, old=True)),
        **_real("torch", _from_pytorch),
    },
    ".qscope": {"all": _session, "one": lambda path: _session(path, 1)},
    ".gguf": {
        "plain": lambda path: path.write_bytes(containers.gguf({"weight": X}, alignment=8)),
        "quantized": lambda path: path.write_bytes(_quantized()),
        "k-quants": lambda path: path.write_bytes(_k_quants()),
    },
    ".h5": {
        "plain": lambda path: path.write_bytes(containers.hdf5({"weight": X})),
        "groups": lambda path: path.write_bytes(_groups()),
        "chunks": lambda path: path.write_bytes(_chunks()),
    },
}
