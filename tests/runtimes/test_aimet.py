"""AIMET loads the encodings that are exported, and simulates what the engine reconstructs."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import export

# Not imported here, where its warnings would count as failures.
if find_spec("aimet_onnx") is None:
    pytest.skip("needs aimet_onnx", allow_module_level=True)

SCHEMES = (
    "int8 symmetric",
    "int8 asymmetric",
    "uint8 asymmetric",
    "int4 symmetric",
    "int8 symmetric per-channel(1)",
    "uint8 asymmetric percentile(99)",
)
KEYS = ("aimet-0.6.1", "aimet-1.0.0")
NAME = "layer.weight"


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """What AIMET makes of every scheme in both versions of encodings."""
    folder = tmp_path_factory.mktemp("aimet")
    weight = np.random.default_rng(11).normal(size=(32, 6)).astype(np.float32)
    np.save(folder / "weight.npy", weight)
    cases, arguments = [], []
    for key in KEYS:
        for text in SCHEMES:
            result = engine.evaluate(weight, text)
            path = folder / f"{len(cases)}.encodings"
            export.write(path, key, result, NAME)
            cases.append((key, text, result))
            arguments += [path, folder / "weight.npy"]
    script = Path(__file__).with_name("aimet_reads.py")
    found = folder / "found.json"
    command = [sys.executable, script, found, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-3000:]
    made = json.loads(found.read_text())
    return [(*case, one) for case, one in zip(cases, made, strict=True)]


def test_scales_and_zero_points_are_loaded(read):
    for key, text, result, made in read:
        p = result.qparams
        scale, zero = np.atleast_1d(p.scale), np.atleast_1d(p.zero_point)
        # AIMET takes the range of a scale and divides it again, in its own precision.
        assert made["scale"] == pytest.approx(scale.tolist(), rel=1e-6), (key, text)
        lowest = -(2 ** (p.format.bits - 1)) if p.format.signed else 0
        assert made["offset"] == [-(int(z) - lowest) for z in zero], (key, text)
        assert set(made["bits"]) == {p.format.bits}


def test_the_simulated_values_are_those_that_the_engine_reconstructs(read):
    for key, text, result, made in read:
        error = np.abs(np.array(made["reconstructed"]) - result.reconstructed)
        assert error.max() < 1e-4 * np.max(result.qparams.scale), (key, text)
