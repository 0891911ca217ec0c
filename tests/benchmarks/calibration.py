"""How long calibration takes, against np.histogram and ONNX Runtime, measured in one run.

``.venv/bin/pip install onnxruntime onnx`` once, then
``.venv/bin/python tests/benchmarks/calibration.py``. Without ONNX Runtime its line is left out.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from quantoscope import engine

COUNT = 1_000_000
BINS = 2048


def median_seconds(work: Callable[[], object], repeats: int = 7) -> float:
    """The median time of some runs, after one that does not count."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def onnxruntime_entropy(x: np.ndarray) -> Callable[[], object] | None:
    """ONNX Runtime's entropy calibration with as many bins; None where it is not installed."""
    try:
        from onnxruntime.quantization.calibrate import HistogramCollector
    except ImportError:
        return None

    def work() -> object:
        collector = HistogramCollector(
            method="entropy", symmetric=True, num_bins=BINS, num_quantized_bins=128,
            percentile=99.99, scenario="same",
        )  # fmt: skip
        collector.collect({"x": [x]})
        return collector.compute_collection_result()

    return work


def main() -> None:
    """Print a table of milliseconds and of ratios."""
    x = np.random.default_rng(0).standard_normal(COUNT).astype(np.float32)
    print(f"{COUNT:,} float32 normals; Python {platform.python_version()}, numpy {np.__version__}")
    reference = median_seconds(partial(np.histogram, x, BINS))
    rows = [(f"np.histogram, {BINS} bins", reference)]
    for method in ("minmax", "percentile(99.99)", "mse", f"entropy({BINS},128)"):
        scheme = engine.Scheme.parse(f"int8 symmetric {method}")
        rows.append((method, median_seconds(partial(engine.calibrate, x, scheme))))
    theirs = onnxruntime_entropy(x)
    if theirs is not None:
        import onnxruntime

        name = f"ONNX Runtime {onnxruntime.__version__} entropy"
        rows.append((name, median_seconds(theirs, repeats=1)))
    print(f"{'':34}{'ms':>10}{'× histogram':>14}")
    for name, seconds in rows:
        print(f"{name:34}{1e3 * seconds:>10.1f}{seconds / reference:>14.1f}")
    if theirs is not None:
        ours = dict(rows)[f"entropy({BINS},128)"]
        print(f"entropy here is {rows[-1][1] / ours:.0f} times as fast as ONNX Runtime's")


if __name__ == "__main__":
    main()
