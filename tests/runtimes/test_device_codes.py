"""Codes that ONNX Runtime itself has computed, told from the textbook's as its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.analysis.device_codes import compare_codes, read_codes
from tests.runtimes.test_onnxruntime import kernel, their_parameters

pytest.importorskip("onnxruntime")


@pytest.mark.parametrize("big", [False, True])
def test_a_dump_of_quantize_linear_is_known_as_onnx_runtimes(tmp_path: Path, big: bool) -> None:
    # A range that does not hold 0 makes the runtime's S and Z differ from the textbook's.
    x = (np.random.default_rng(3).random((50, 40)) + 0.5).astype(np.float32)
    scale, zero_point = their_parameters(x.reshape(1, -1), "uint8", "asymmetric")
    codes, reconstructed = kernel(x, "uint8", scale[0], zero_point[0])
    path = tmp_path / "codes.bin"
    codes.astype(">i2" if big else "<i2").tofile(path)
    made = compare_codes(x, "uint8 asymmetric", read_codes(path, "int16", x.shape, big))
    assert made.count > 0
    found = {cause.key: cause for cause in made.causes}
    assert found["runtime"].title.startswith("The device's codes are exactly those of ")
    assert "@onnxruntime" in found["runtime"].title
    assert found["runtime"].count == made.count
    own = compare_codes(x, "uint8 asymmetric @onnxruntime", codes)
    assert own.count == 0
    np.testing.assert_array_equal(own.second.reconstructed, reconstructed)
    assert engine.evaluate(x, "uint8 asymmetric @onnxruntime").metrics["sqnr"] == pytest.approx(
        own.device_sqnr
    )
