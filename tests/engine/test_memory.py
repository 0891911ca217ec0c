"""A big array in a file is evaluated from there: little more than its codes comes into memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

COUNT = 40_000_000
MARGIN = 64 << 20
ROOT = Path(__file__).parents[2]

CHILD = """
import sys, threading
import ml_dtypes
import numpy as np
from quantoscope import engine
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.envelope import pyramid_of

def anonymous():
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024

def watched(call):
    peak, done = [anonymous()], threading.Event()
    def watch():
        while not done.wait(0.002):
            peak.append(anonymous())
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return max(*peak, anonymous()) - peak[0]

kernels.THREADS = 2
x = np.load(sys.argv[1], mmap_mode="r").view(sys.argv[3])
engine.evaluate(x[:1000], sys.argv[2])  # what is imported late
results = []
def run():
    results.append(engine.evaluate(x, sys.argv[2]))
print(watched(run), results[0].codes.nbytes, int(results[0].code_counts.sum()))
print(watched(lambda: engine.summarize(x)))
print(watched(lambda: pyramid_of(x)))
print(watched(lambda: results[0].curves))
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="RssAnon is Linux's own"
)


@pytest.fixture(scope="module")
def big_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, paths = tmp_path_factory.mktemp("big"), {}
    for dtype in map(np.dtype, (np.float32, np.float16, ml_dtypes.bfloat16)):
        paths[dtype.name] = path = folder / f"{dtype}.npy"
        # A file of NumPy has no word for bfloat16.
        stored = np.dtype(f"u{dtype.itemsize}")
        x = np.lib.format.open_memmap(path, "w+", stored, (COUNT // 1000, 1000))
        part = np.random.default_rng(0).normal(size=(1000, 1000)).astype(dtype)
        for start in range(0, len(x), 1000):
            x[start : start + 1000] = part.view(stored)
        x.flush()
    return paths


@pytest.mark.parametrize(
    ("text", "dtype"),
    [
        ("int8 asymmetric", "float32"),
        ("uint4 scale-only", "float32"),
        ("int8 symmetric manual(-1,1)", "float32"),
        ("int8 asymmetric", "bfloat16"),
        ("int8 symmetric per-channel(0)", "bfloat16"),
        ("uint8 symmetric", "float16"),
    ],
)
def test_a_big_file_takes_the_memory_of_its_codes(
    big_files: dict[str, Path], text: str, dtype: str
) -> None:
    out = subprocess.run(
        [sys.executable, "-c", CHILD, str(big_files[dtype]), text, dtype],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout.split()
    evaluating, codes, counted, summarizing, stretches, curves = map(int, out)
    assert codes == counted == COUNT
    assert evaluating < codes + MARGIN
    assert summarizing < MARGIN
    assert stretches < MARGIN
    assert curves < MARGIN
