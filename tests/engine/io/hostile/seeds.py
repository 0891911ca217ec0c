"""Small sound files of every kind that is read, to be damaged; a new reader needs its line."""

from __future__ import annotations

import io as stdio
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine import io
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
    },
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
