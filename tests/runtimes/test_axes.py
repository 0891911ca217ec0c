"""Blocks and channels along any axis, in ONNX Runtime."""

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.numerics.roles import Role

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.mark.parametrize(
    "word", ["per-group(8,0)", "per-group(8,1)", "per-channel(1)", "per-group(8,in)"]
)
def test_onnx_has_blocks_along_an_axis_and_its_runtime_gives_the_codes(word):
    x = np.random.default_rng(4).standard_normal((16, 24, 5)).astype(np.float32)
    role = Role((2,), (1,))
    made = engine.evaluate(x, f"int8 symmetric {word} @onnxruntime", role=role)
    model = engine.export.render("onnx", made, "x")
    reconstructed, codes = onnxruntime.InferenceSession(model).run(None, {"x": x})
    np.testing.assert_array_equal(codes, made.codes)
    np.testing.assert_allclose(reconstructed, made.reconstructed, rtol=1e-6)
