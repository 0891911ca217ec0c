"""How fast the engine and the start are, each beside its reference, measured in one run.

``.venv/bin/python tests/benchmarks/speed.py [MILLIONS]``; ten million values by default. torch and
ONNX Runtime are compared with where they are installed, and left out elsewhere.
"""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import engine

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ("scale-only", "symmetric", "asymmetric")


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """The median time of some runs, after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def textbook(x: np.ndarray) -> np.ndarray:
    """The formulas of asymmetric int8 as numpy has them, without any metric."""
    low, high = x.min(), x.max()
    s = np.float32((float(high) - float(low)) / 255)
    z = np.float32(127 - round(float(high) / float(s)))
    codes = np.clip(np.rint(x / s + z), -128, 127).astype(np.int8)
    rebuilt = (codes.astype(np.float32) - z) * s
    error: np.ndarray = rebuilt - x
    return error


def moving(x: np.ndarray) -> Callable[[], object]:
    """What has to be written in any case: rebuilt values, error, and a code for each value."""
    rebuilt, error, codes = np.empty_like(x), np.empty_like(x), np.empty(x.size, np.int8)

    def move() -> None:
        rebuilt[:] = x
        error[:] = x
        codes.fill(1)

    return move


def torch_fake(x: np.ndarray) -> Callable[[], object] | None:
    """PyTorch's fake quantization and the error; None where it is not installed."""
    if find_spec("torch") is None:
        return None
    import torch

    values = torch.from_numpy(x)

    def run() -> object:
        return torch.fake_quantize_per_tensor_affine(values, 0.01, 3, -128, 127) - values

    return run


def child(*words: str) -> Callable[[], object]:
    """A process of its own, from its start to its end."""
    return partial(subprocess.run, [sys.executable, *words], cwd=ROOT, check=True,
                   capture_output=True)  # fmt: skip


def main(millions: float) -> None:
    """Measure everything and print the table."""
    count = int(millions * 1e6)
    x = np.random.default_rng(0).standard_normal(count, np.float32)
    plain, bytes_moved = seconds(partial(textbook, x)), seconds(moving(x))
    rows = [("textbook formulas, no metrics", plain, "")]
    rows.append(("moving the bytes", bytes_moved, ""))
    fake = torch_fake(x)
    torch_time = seconds(fake) if fake else None
    if torch_time:
        rows.append((f"torch {version('torch')} fake_quantize + error", torch_time, ""))
    per_tensor = 0.0
    for mapping in MAPPINGS:
        took = seconds(partial(engine.evaluate, x, f"int8 {mapping}"))
        per_tensor = took
        said = f"{plain / took:.2f} × as fast as the formulas (asked: 3.5), "
        said += f"{took / bytes_moved:.1f} × the bytes (asked: 2)"
        if torch_time:
            said += f", {torch_time / took:.2f} × as fast as torch (asked: 5)"
        rows.append((f"evaluate int8 {mapping}", took, said))
    square = x[: count // 1000 * 1000].reshape(1000, -1)
    for words in ("per-channel(0)", "per-group(128)"):
        took = seconds(partial(engine.evaluate, square, f"int8 asymmetric {words}"))
        said = f"{took / per_tensor:.2f} × per-tensor (asked: 1.5)"
        rows.append((f"evaluate int8 asymmetric {words}", took, said))
    million = x[:1_000_000]
    histogram = seconds(partial(np.histogram, million, bins=2048))
    rows.append(("np.histogram of a million, 2048 bins", histogram, ""))
    for method in ("mse", "entropy"):
        took = seconds(partial(engine.calibrate, million, f"int8 symmetric {method}"))
        rows.append((f"{method} of a million", took, f"{took / histogram:.1f} × (asked: 5)"))
    numpy_alone = seconds(child("-c", "import numpy"))
    sample = ROOT / "tests" / "benchmarks" / "small.csv"
    sample.write_text("1\n2\n-3\n")
    try:
        compare = seconds(child("main.py", "compare", str(sample)))
    finally:
        sample.unlink()
    rows.append(("python -c 'import numpy'", numpy_alone, ""))
    limit = 1.5 * numpy_alone + 0.1
    rows.append(("main.py compare", compare, f"{compare / limit:.2f} of the limit (asked: 1)"))
    print(f"{count:,} float32 normals; {platform.machine()}, {platform.processor() or '?'}")
    print(f"Python {platform.python_version()}, numpy {np.__version__}")
    for name, took, said in rows:
        print(f"{name:48} {1000 * took:9.1f} ms   {said}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
