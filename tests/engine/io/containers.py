"""Files of GGUF and HDF5 for tests, made by the packages that belong to these formats."""

from __future__ import annotations

import io as stdio
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def gguf(arrays: dict[str, Any], alignment: int | None = None, metadata: bool = False) -> bytes:
    """Return a GGUF file; a value may be an array, or ``(bytes of blocks, type)``."""
    package = pytest.importorskip("gguf")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.gguf"
        writer = package.GGUFWriter(path, "test")
        if alignment is not None:
            writer.add_custom_alignment(alignment)
        if metadata:
            writer.add_array("numbers", [1, 2, 3])
            writer.add_array("tokens", ["a", "bc", ""])
            writer.add_float32("test.epsilon", 1e-5)
            writer.add_bool("test.flag", True)
            writer.add_uint64("test.long", 1 << 40)
        for name, value in arrays.items():
            data, kind = value if isinstance(value, tuple) else (value, None)
            writer.add_tensor(name, data, raw_dtype=kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path.read_bytes()


def quantized(array: np.ndarray, kind: str) -> tuple[np.ndarray, Any]:
    """Return an array as the gguf package quantizes it, for ``gguf``."""
    package = pytest.importorskip("gguf")
    number = package.GGMLQuantizationType[kind]
    with np.errstate(all="ignore"):
        return package.quants.quantize(array, number), number


def random_blocks(rows: int, blocks: int, kind: str, seed: int = 0) -> tuple[np.ndarray, Any]:
    """Return blocks of random bytes of a type, whatever scales they give."""
    package = pytest.importorskip("gguf")
    number = package.GGMLQuantizationType[kind]
    nbytes = package.GGML_QUANT_SIZES[number][1]
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (rows, blocks * nbytes), np.uint8), number


def decoded(blocks: np.ndarray, kind: Any) -> np.ndarray:
    """Return what the gguf package makes of blocks."""
    package = pytest.importorskip("gguf")
    with np.errstate(all="ignore"):
        return np.asarray(package.quants.dequantize(blocks, kind))


def hdf5(arrays: dict[str, np.ndarray], libver: str = "latest", **options: Any) -> bytes:
    """Return an HDF5 file with datasets at these paths, each made with the options."""
    package = pytest.importorskip("h5py")
    stream = stdio.BytesIO()
    with package.File(stream, "w", libver=libver) as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array, **options)
    return stream.getvalue()
