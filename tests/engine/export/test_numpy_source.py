"""The numpy source: run by itself, it makes the engine's codes and values, bit for bit."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine import export
from quantoscope.engine.quantizers.symmetric import Symmetric
from tests.engine.export.arrays import OF_RUNTIMES, SCHEMES, TEXTBOOK, normal, on_ties
from tests.laws import examples
from tests.runtimes.hostile import arrays


def run(result: engine.Evaluation, name: str = "conv1.weight") -> dict[str, Any]:
    source = export.render("numpy", result, name).decode("ascii")
    names: dict[str, Any] = {}
    exec(compile(source, "exported.py", "exec"), names)
    return names


def same(a: np.ndarray, b: np.ndarray) -> None:
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    assert a.tobytes() == b.tobytes()


def check(result: engine.Evaluation, *others: np.ndarray) -> None:
    made = run(result)
    codes = made["quantize"](result.values)
    same(codes, result.codes)
    known = ~np.isnan(result.values)
    same(made["dequantize"](codes)[known], result.reconstructed[known])
    p = result.qparams
    for x in others:
        codes = made["quantize"](x)
        same(codes, engine.quantize(x, p))
        same(made["dequantize"](codes), engine.dequantize(codes, p))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_codes_and_reconstructed_values_are_the_engine_s(scheme: str) -> None:
    result = engine.evaluate(normal(), scheme)
    shape = result.codes.shape
    check(result, normal(seed=5) * 3, on_ties(result.qparams, shape))


@pytest.mark.parametrize("scheme", TEXTBOOK)
def test_so_they_are_for_float64(scheme: str) -> None:
    x = np.random.default_rng(2).standard_normal((3, 4, 10))
    result = engine.evaluate(x, scheme)
    check(result, x[::-1] * 2, on_ties(result.qparams, x.shape))


@pytest.mark.parametrize("scheme", [s for s in OF_RUNTIMES if s.startswith(("int8", "uint8"))])
@pytest.mark.parametrize(
    "values",
    [[0.0, -0.0, 0.0], [-5.0, -5.0], [100.0, 101.0], [1e-42, -3e-43], [3e38, -3e38], [0.1]],
    ids=str,
)
def test_so_they_are_for_odd_ranges(scheme: str, values: list[float]) -> None:
    result = engine.evaluate(np.array([values], np.float32), scheme)
    check(result, np.full((1, len(values)), 7, np.float32))


@pytest.mark.parametrize("scheme", ["int8 asymmetric", "uint8 asymmetric", *TEXTBOOK[18:34]])
@pytest.mark.parametrize(
    "values",
    [
        [0.0, -0.0, 0.0],
        [-5.0, -5.0],
        [100.0, 101.0],
        [1e-42, -3e-43],
        [3e38, -3e38],
        [1e9, 1e9 + 1],
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_so_they_are_for_odd_ranges_of_the_textbook(
    scheme: str, values: list[float], kind: type
) -> None:
    check(engine.evaluate(np.array(values, kind), scheme))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_so_they_are_for_hostile_arrays(scheme: str) -> None:
    """One of each kind: constants, zeros, one-sided, subnormal and huge ranges, and so on."""
    rows = arrays(11, 13).reshape(-1, 1, 2, 32)
    for x in rows:
        check(engine.evaluate(x, scheme), rows[0], np.where(x == x.max(), np.float32(np.inf), x))


@pytest.mark.parametrize(
    "scheme",
    ["int8 symmetric", "uint8 asymmetric @pytorch", "int8 asymmetric @pytorch per-channel(0)",
     "int8 symmetric @pytorch-fake", "uint8 symmetric @onnxruntime", "nf4 symmetric", "q4_0",
     "mxfp4-gguf", "mxfp4-modelopt"],
)  # fmt: skip
def test_nan_gets_the_code_that_it_is_shown_with(scheme: str) -> None:
    x = normal()
    x[0, 0, 0] = x[2, 3, 9] = np.nan
    check(engine.evaluate(x, scheme))


def test_a_zero_point_that_no_64_bits_hold_is_exact() -> None:
    result = engine.evaluate(np.array([1, np.nextafter(1, 2)]), "int16 asymmetric")
    assert abs(result.qparams.zero_point) > 2**63
    check(result)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (2, 3, 1, 2)])
@pytest.mark.parametrize("scheme", ["int8 asymmetric", "int8 symmetric per-group(4)", "q8_0"])
def test_any_shape_will_do(shape: tuple[int, ...], scheme: str) -> None:
    check(engine.evaluate(normal(shape), scheme))


@examples(60)
@given(
    x=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    ),
    scheme=st.sampled_from(SCHEMES),
    data=st.data(),
)
def test_whatever_the_array(x: np.ndarray, scheme: str, data: st.DataObject) -> None:
    other = data.draw(
        hnp.arrays(np.float32, x.shape, elements=st.floats(width=32, allow_nan=False))
    )
    check(engine.evaluate(x, scheme.replace("per-channel(-1)", "per-channel(1)")), other)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("x", "y", "z"),
    [
        # The exact sum lies so near the middle of two float32 that float64 has it in the middle.
        ("0x1.19e04ep-2", "0x1.d2d09cp+0", 65001),
        ("0x1.889c04p-2", "0x1.4dd3f4p+0", 1001),
        ("0x1.5p+3", "0x1.8p-1", 7),
    ],
)
def test_a_fused_product_and_sum_is_rounded_once(x: str, y: str, z: int, sign: int) -> None:
    made = run(engine.evaluate(normal((8,)), "uint8 asymmetric @pytorch"))
    factors = np.float32(sign * float.fromhex(x)), np.float32(float.fromhex(y))
    exact = Fraction(float(factors[0])) * Fraction(float(factors[1])) + sign * z
    near = np.float32(float(exact))
    around = (near, np.nextafter(near, np.float32(np.inf)), np.nextafter(near, np.float32(-np.inf)))
    nearest = min(around, key=lambda number: abs(Fraction(float(number)) - exact))
    fused = made["fused"](np.array([factors[0]]), factors[1], np.float32(sign * z))
    assert (fused.dtype, fused.tolist()) == (np.float32, [float(nearest)])


def test_a_family_that_it_does_not_know_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Symmetric, "affine", False)
    with pytest.raises(export.NotExpressibleError, match="no numpy source for symmetric"):
        run(engine.evaluate(normal(), "int8 symmetric"))


def test_it_runs_in_an_interpreter_of_its_own(tmp_path: Path) -> None:
    x = normal()
    result = engine.evaluate(x, "uint8 asymmetric per-channel(1) @pytorch")
    export.write(tmp_path / "exported.py", "numpy", result, 'it\'s "odd" \\ \n名')
    np.save(tmp_path / "x.npy", x)
    program = (
        "import numpy as np, exported, sys\n"
        "codes = exported.quantize(np.load('x.npy'))\n"
        "np.savez('out.npz', codes=codes, back=exported.dequantize(codes), name=exported.NAME)\n"
        "sys.exit('engine' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, timeout=60, check=False
    )
    assert done.returncode == 0
    with np.load(tmp_path / "out.npz") as out:
        same(out["codes"], result.codes)
        same(out["back"], result.reconstructed)
        assert str(out["name"]) == 'it\'s "odd" \\ \n名'
