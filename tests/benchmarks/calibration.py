"""How long entropy calibration takes beside ONNX Runtime's own, measured in one run.

``.venv/bin/pip install onnxruntime onnx`` once, then
``.venv/bin/python tests/benchmarks/calibration.py``.
"""

from __future__ import annotations

import platform
import sys
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from quantoscope import engine
from tests.benchmarks.references import medians

COUNT = 1_000_000
BINS = 2048


def main() -> None:
    """Print milliseconds and their ratio."""
    import onnxruntime
    from onnxruntime.quantization.calibrate import HistogramCollector

    x = np.random.default_rng(0).standard_normal(COUNT).astype(np.float32)

    def theirs() -> object:
        collector = HistogramCollector(
            method="entropy", symmetric=True, num_bins=BINS, num_quantized_bins=128,
            percentile=99.99, scenario="same",
        )  # fmt: skip
        collector.collect({"x": [x]})
        return collector.compute_collection_result()

    print(f"{COUNT:,} float32 normals; Python {platform.python_version()}, numpy {np.__version__}")
    name = f"ONNX Runtime {onnxruntime.__version__}"
    works = {"here": partial(engine.calibrate, x, f"int8 symmetric entropy({BINS},128)"),
             name: theirs}  # fmt: skip
    took = medians(works, 3)
    for who, seconds in took.items():
        print(f"{who:34}{1e3 * seconds:>10.1f} ms")
    print(f"entropy here is {took[name] / took['here']:.0f} times as fast as ONNX Runtime's")


if __name__ == "__main__":
    main()
