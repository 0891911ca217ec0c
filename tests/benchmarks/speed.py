"""Every target of speed beside what was measured: the engine, the start, and the window.

``.venv/bin/python tests/benchmarks/speed.py [MILLIONS]``; ten million values by default. Takes
some six minutes: the start and the window are measured by ``start.py`` and ``latency.py``, and a
file of 400 MB is written and opened. References are measured in the same run, in turns with what
they are compared with. torch is compared with where it is installed, and left out elsewhere.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from quantoscope import engine
from quantoscope.engine.analysis.plane_image import Quantity, plane_image
from quantoscope.engine.analysis.plane_lines import plane_lines
from quantoscope.engine.analysis.planes import whole_plane
from quantoscope.engine.numerics import kernels

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ("scale-only", "symmetric", "asymmetric")
MEMORY = """
import sys, threading, time
import numpy as np
from quantoscope import engine
def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))
x = np.load(sys.argv[1], mmap_mode="r")
engine.evaluate(x[:1000], "int8 asymmetric")
before, peak, done = anonymous(), [], threading.Event()
def watch():
    while not done.wait(0.002):
        peak.append(anonymous())
watcher = threading.Thread(target=watch)
watcher.start()
start = time.perf_counter()
made = engine.evaluate(x, "int8 asymmetric")
took = time.perf_counter() - start
done.set()
watcher.join()
print(max(peak) - before - made.codes.nbytes, took)
"""
Row = tuple[str, float, str]


def medians(works: Mapping[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """The median seconds of each piece of work; all take their turns, the first does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for counts in (False, *[True] * rounds):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if counts:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(known) for name, known in times.items()}


def textbook(x: np.ndarray) -> np.ndarray:
    """The formulas of asymmetric int8 as numpy has them, without any metric."""
    low, high = x.min(), x.max()
    s = np.float32((float(high) - float(low)) / 255)
    z = np.float32(127 - round(float(high) / float(s)))
    codes = np.clip(np.rint(x / s + z), -128, 127).astype(np.int8)
    reconstructed = (codes.astype(np.float32) - z) * s
    error: np.ndarray = reconstructed - x
    return error


def moving(x: np.ndarray) -> None:
    """Reading the values and writing a reconstructed value, an error and a code of each."""
    reconstructed, error, codes = np.empty_like(x), np.empty_like(x), np.empty(x.size, np.int8)
    reconstructed[:] = x
    error[:] = x
    codes.fill(1)


def torch_fake(x: np.ndarray) -> Callable[[], object]:
    """PyTorch's fake quantization and the error."""
    import torch

    values = torch.from_numpy(x)
    return lambda: torch.fake_quantize_per_tensor_affine(values, 0.01, 3, -128, 127) - values


def in_full(x: np.ndarray) -> None:
    """An evaluation of which everything is asked for."""
    made = engine.evaluate(x, "int8 asymmetric")
    _ = made.reconstructed, made.error


def evaluating(count: int) -> list[Row]:
    """Target 1: every metric of an array, beside the plain formulas."""
    x = np.random.default_rng(0).standard_normal(count, np.float32)
    square = x[: count // 128000 * 128000].reshape(1000, -1)
    works: dict[str, Callable[[], object]] = {
        "textbook formulas, no metrics": partial(textbook, x),
        "moving the bytes": partial(moving, x),
    }
    if find_spec("torch"):
        works[f"torch {version('torch')} fake_quantize + error"] = torch_fake(x)
    works |= {f"evaluate int8 {m}": partial(engine.evaluate, x, f"int8 {m}") for m in MAPPINGS} | {
        f"evaluate int8 asymmetric {g}": partial(engine.evaluate, square, f"int8 asymmetric {g}")
        for g in ("per-channel(0)", "per-group(128)")
    }
    works["the same, reconstructed values and error written out"] = partial(in_full, x)
    took = medians(works)
    plain, moved = took["textbook formulas, no metrics"], took["moving the bytes"]
    fake = next((seconds for name, seconds in took.items() if name.startswith("torch")), None)
    whole = took["evaluate int8 asymmetric"]
    rows = []
    for name, seconds in took.items():
        said = ""
        if "per-" in name:
            said = f"{seconds / whole:.2f} × per tensor (asked: 1.5)"
        elif name.startswith(("evaluate", "the same")):
            said = f"{plain / seconds:.2f} × as fast as the formulas (asked: 3.5), "
            said += f"{seconds / moved:.1f} × the bytes (asked: 2)"
            if fake:
                said += f", {fake / seconds:.2f} × as fast as torch (asked: 5)"
        rows.append((name, seconds, said))
    return rows


def growing() -> list[Row]:
    """Target 1: linear in the number of values."""
    rows = []
    for count in (10**5, 10**6, 10**7, 10**8):
        x = np.random.default_rng(0).standard_normal(count, np.float32)
        works = {"evaluate": partial(engine.evaluate, x, "int8 asymmetric")}
        seconds = medians(works, 3 if count > 10**7 else 9)["evaluate"]
        rows.append((f"evaluate {count:,} values", seconds, f"{1e9 * seconds / count:.2f} ns each"))
    return rows


def remembering() -> list[Row]:
    """Target 2: memory beyond the codes, for a hundred million values in a file."""
    if not Path("/proc/self/status").exists():
        return []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "big.npy")
        big = np.lib.format.open_memmap(path, "w+", np.float32, (100, 1_000_000))
        big[:] = np.random.default_rng(0).standard_normal(1_000_000, np.float32)
        del big
        child = subprocess.run([sys.executable, "-c", MEMORY, str(path)], cwd=ROOT, check=True,
                               capture_output=True, text=True)  # fmt: skip
    beyond, took = map(float, child.stdout.split())
    said = f"{beyond / 2**20:.0f} MB beside the codes (asked: 64), read from a mapped file"
    return [("evaluate 100,000,000 values", took, said)]


def calibrating() -> list[Row]:
    """Target 4: the searches, beside one histogram."""
    x = np.random.default_rng(0).standard_normal(1_000_000, np.float32)
    works: dict[str, Callable[[], object]] = {"np.histogram": partial(np.histogram, x, bins=2048)}
    for scheme in ("symmetric mse", "asymmetric mse", "symmetric entropy"):
        works[scheme] = partial(engine.calibrate, x, f"int8 {scheme}")
    took = medians(works)
    histogram = took.pop("np.histogram")
    rows: list[Row] = [("np.histogram of a million, 2048 bins", histogram, "")]
    for scheme, seconds in took.items():
        said = f"{seconds / histogram:.1f} × (asked: 5)"
        rows.append((f"calibrate int8 {scheme}", seconds, said))
    return rows


def commanding() -> list[Row]:
    """Target 5: a command on a small file, beside the import of numpy."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "small.csv")
        path.write_text("1\n2\n-3\n")

        def child(*words: str) -> Callable[[], object]:
            return partial(subprocess.run, [sys.executable, *words], cwd=ROOT, check=True,
                           capture_output=True)  # fmt: skip

        works = {"numpy": child("-c", "import numpy"),
                 "compare": child("main.py", "compare", str(path))}  # fmt: skip
        took = medians(works)
    limit = 1.5 * took["numpy"] + 0.1
    said = f"{took['compare'] / limit:.2f} of the limit (asked: 1)"
    return [
        ("python -c 'import numpy'", took["numpy"], ""),
        ("main.py compare small.csv", took["compare"], said),
    ]


def imaging(count: int) -> list[Row]:
    """Target 6: the first pictures of a matrix, R/S beside SQNR with the strips along both."""
    x = np.random.default_rng(0).standard_normal((count // 4000, 4000), np.float32)
    plane, size = whole_plane(x.shape), (740, 380)
    made = engine.evaluate(x, "int4 symmetric per-channel(0)")

    def picture(quantity: Quantity) -> None:
        plane_image(x, made, plane, quantity, size)

    def first() -> None:
        picture(Quantity.SCALED)
        picture(Quantity.SQNR)
        plane_lines(x, made, plane)

    works: dict[str, Callable[[], object]] = {
        "evaluate the scheme": partial(engine.evaluate, x, str(made.scheme))
    }
    works |= {f"image of {q.value}": partial(picture, q) for q in Quantity}
    works["figures of rows and columns"] = partial(plane_lines, x, made, plane)
    works["first pictures, with strips"] = first
    took = medians(works)
    whole = took["evaluate the scheme"]
    rows = [(name, seconds, f"{seconds / whole:.2f} × it") for name, seconds in took.items()]
    name, seconds, said = rows[-1]
    return [*rows[:-1], (name, seconds, f"{said}; {seconds / 0.3:.2f} of the limit (asked: 1)")]


def show(rows: list[Row]) -> None:
    """Print rows as one part of the table."""
    print()
    for name, seconds, said in rows:
        print(f"{name:48} {1000 * seconds:9.1f} ms   {said}", flush=True)


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("millions", nargs="?", type=float, default=10)
    millions = parser.parse_args().millions
    print(f"{platform.platform()}, {platform.processor() or '?'}")
    print(f"Python {platform.python_version()}, numpy {np.__version__}; {millions:g} million")
    print(f"float32 normals, {kernels.threads()} threads")
    show(evaluating(int(millions * 1e6)))
    show(imaging(int(millions * 1e6)))
    for measure in (growing, remembering, calibrating, commanding):
        show(measure())
    for words in (["start.py"], ["latency.py", "1", "10", "--open"]):
        print(flush=True)
        script = ROOT / "tests" / "benchmarks" / words[0]
        subprocess.run([sys.executable, str(script), *words[1:]], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
