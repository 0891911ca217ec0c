"""What the engine's speed is compared with: plain numpy, PyTorch, llama.cpp, moving the bytes."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

Work = Callable[[], object]
GGML_TYPES = {"q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "mxfp4-gguf": 39}
"""Numbers of ``ggml_type`` in llama.cpp's ``ggml.h``."""


class Missing(Exception):
    """What a row is compared with is not here."""


def medians(works: Mapping[str, Work], rounds: int) -> dict[str, float]:
    """Return the median seconds of each piece of work; all take turns, the first does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for counts in (False, *[True] * rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if counts:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(known) for name, known in times.items()}


def _textbook(x: np.ndarray) -> tuple[np.float32, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    low, high = x.min(), x.max()
    s = np.float32((float(high) - float(low)) / 255)
    z = np.float32(127 - round(float(high) / float(s)))
    rounded = np.rint(x / s + z)
    codes = np.clip(rounded, -128, 127).astype(np.int8)
    reconstructed = (codes.astype(np.float32) - z) * s
    return s, rounded, codes, reconstructed, reconstructed - x


def textbook(x: np.ndarray) -> Work:
    """The formulas of asymmetric int8 as numpy has them, without any metric."""
    return partial(_textbook, x)


def textbook_metrics(x: np.ndarray) -> Work:
    """The same, with the sums of every metric in float64, and its counts."""
    mean = partial(np.mean, dtype=np.float64)

    def work() -> object:
        _, rounded, codes, q, e = _textbook(x)
        size, low, high = np.abs(e), rounded < -128, rounded > 127
        clipped = np.where(low | high, e, np.float32(0))
        counts = np.bincount(codes.view(np.uint8), minlength=256)
        return (
            *(mean(each) for each in (x * x, q * q, x * q, e * e, e, size, clipped * clipped)),
            size.max(), size.argmax(), low.sum(), high.sum(),
            np.isnan(x).sum(), np.isinf(x).sum(), counts,
        )  # fmt: skip

    return work


def moving(x: np.ndarray) -> Work:
    """Reading the values, and writing a reconstructed value, an error and a code of each."""

    def work() -> None:
        reconstructed, error, codes = np.empty_like(x), np.empty_like(x), np.empty(x.size, np.int8)
        reconstructed[:] = x
        error[:] = x
        codes.fill(1)

    return work


def torch_error(x: np.ndarray) -> Work:
    """PyTorch's fake quantization and the error."""
    if not find_spec("torch"):
        raise Missing("torch is not installed")
    import torch

    values = torch.from_numpy(x)
    return lambda: torch.fake_quantize_per_tensor_affine(values, 0.04, 3, -128, 127) - values


def torch_metrics(x: np.ndarray) -> Work:
    """PyTorch's formulas, with the sums of every metric in float64, and its counts."""
    if not find_spec("torch"):
        raise Missing("torch is not installed")
    import torch

    r, mean = torch.from_numpy(x), partial(torch.mean, dtype=torch.float64)

    def work() -> object:
        first, last = torch.aminmax(r)
        s = float(last - first) / 255
        z = 127 - round(float(last) / s)
        rounded = torch.round(r / s + z)
        codes = rounded.clamp(-128, 127).to(torch.int8)
        q = torch.fake_quantize_per_tensor_affine(r, s, z, -128, 127)
        e = q - r
        size, low, high = e.abs(), rounded < -128, rounded > 127
        clipped = torch.where(low | high, e, 0)
        counts = torch.bincount(codes.to(torch.int64) + 128, minlength=256)
        return (
            *(mean(each) for each in (r * r, q * q, r * q, e * e, e, size, clipped * clipped)),
            size.max(), size.argmax(), low.sum(), high.sum(),
            r.isnan().sum(), r.isinf().sum(), counts,
        )  # fmt: skip

    return work


def ggml(library: Path | None, name: str, x: np.ndarray, threads: int) -> Work:
    """llama.cpp's quantizer of a type alone, on shares of the rows of a matrix."""
    if library is None:
        raise Missing("--ggml says where libggml-base.so is")
    base, kind = ctypes.CDLL(str(library)), GGML_TYPES[name]
    base.ggml_row_size.restype = ctypes.c_size_t
    base.ggml_row_size.argtypes = ctypes.c_int, ctypes.c_int64
    base.ggml_quantize_chunk.restype = ctypes.c_size_t
    base.ggml_quantize_chunk.argtypes = (
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * 3, ctypes.c_void_p
    )  # fmt: skip
    rows, columns = x.shape
    out = np.empty(rows * base.ggml_row_size(kind, columns), np.uint8)
    ends = [rows * number // threads for number in range(threads + 1)]

    def share(number: int) -> None:
        first, count = ends[number] * columns, ends[number + 1] - ends[number]
        base.ggml_quantize_chunk(kind, x.ctypes.data, out.ctypes.data, first, count, columns, None)

    def work() -> None:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(share, range(threads)))

    return work
