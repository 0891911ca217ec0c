"""Codes and scales that a file stores: what they mean, and that they give the file's values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from quantoscope import engine
from quantoscope.engine import io
from quantoscope.engine.io.block_codes import BlockCodes
from tests.engine.io import containers

pytest.importorskip("gguf")

WRITTEN = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"]
K_QUANTS = ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]
OTHERS = [
    *("IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "NVFP4"),
    *("IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"),
]
BLOCKS = {
    **dict.fromkeys(("Q2_K", "Q3_K", "Q6_K", "NVFP4", "IQ1_M", "IQ2_XS", "IQ2_S"), 16),
    **dict.fromkeys(("TQ1_0", "TQ2_0"), 256),
}
X = np.random.default_rng(3).normal(size=(3, 4, 256)).astype(np.float32)


def block_codes(path: Path, name: str = "weight") -> BlockCodes:
    found = io.load_codes(path, name)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", WRITTEN + K_QUANTS + OTHERS)
def test_codes_and_scales_give_exactly_the_values_of_the_package(kind: str, tmp_path: Path) -> None:
    """The blocks are random bytes, so scales are of every kind: NaN, infinite, subnormal."""
    path = tmp_path / "x.gguf"
    blocks = containers.random_blocks(300, 2, kind)
    path.write_bytes(containers.gguf({"weight": blocks}))
    expected = containers.decoded(*blocks)
    found = block_codes(path)
    assert np.array_equal(found.reconstructed(), expected, equal_nan=True)
    assert found.reconstructed().dtype == np.float32
    assert np.array_equal(io.load(path), expected, equal_nan=True)


@pytest.mark.parametrize("kind", WRITTEN)
def test_codes_and_scales_are_those_that_the_engine_makes_of_the_same_values(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(containers.gguf({"weight": containers.quantized(X, kind)}))
    found = block_codes(path)
    scheme = "mxfp4-gguf" if kind == "MXFP4" else kind.lower()
    result = engine.evaluate(X, scheme)
    assert (found.codes == result.codes).all()
    assert found.codes.dtype == result.codes.dtype
    assert (found.scale.reshape(-1) == result.qparams.scale).all()
    assert np.all(found.zero_point == result.qparams.zero_point)
    assert (found.reconstructed() == result.reconstructed).all()
    assert found.format == kind
    assert found.source == "x.gguf"


@pytest.mark.parametrize("kind", WRITTEN + K_QUANTS + OTHERS)
def test_shapes_are_those_of_the_tensor_and_of_its_blocks(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(containers.gguf({"weight": containers.random_blocks(3, 2, kind)}))
    found = block_codes(path)
    block = BLOCKS.get(kind, 32)
    assert found.block == block
    assert found.codes.shape == io.load(path).shape
    assert found.scale.shape == (3, found.codes.shape[-1] // block)
    assert (found.minimum is not None) == (kind in ("Q4_1", "Q5_1", "Q2_K", "Q4_K", "Q5_K"))


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_1", "MXFP4", "Q4_K", "Q6_K"])
def test_parameters_at_positions_are_those_of_the_blocks(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(containers.gguf({"weight": containers.random_blocks(5, 2, kind)}))
    found = block_codes(path)
    places = np.array([0, 17, 40, found.codes.size - 1])
    row, column = np.divmod(places, found.codes.shape[-1])
    at = row, column // found.block
    zeros = np.zeros_like(found.scale)
    for of, values in (
        (found.scale_at, found.scale[at]),
        (found.minimum_at, (zeros if found.minimum is None else found.minimum)[at]),
    ):
        assert np.array_equal(of(places), values, equal_nan=True)
        for i, value in zip(places, values, strict=True):
            assert np.array_equal(of(i), value, equal_nan=True)


@given(
    codes=hnp.arrays(
        np.uint8, st.tuples(st.integers(1, 4), st.integers(1, 40)), elements=st.integers(0, 15)
    ),
    block=st.integers(1, 41),
    with_minimum=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_last_block_may_be_shorter(
    codes: np.ndarray, block: int, with_minimum: bool, seed: int
) -> None:
    rows, width = codes.shape
    blocks = -(-width // block)
    generator = np.random.default_rng(seed)
    scale = generator.normal(size=(rows, blocks)).astype(np.float32)
    minimum = generator.normal(size=(rows, blocks)).astype(np.float32) if with_minimum else None
    found = BlockCodes(codes, scale, minimum, block, "test", "nowhere", zero_point=8)
    whole = found.reconstructed()
    for row in range(rows):
        for column in range(width):
            at = row, column // block
            value = (np.float32(codes[row, column]) - np.float32(8)) * scale[at]
            if minimum is not None:
                value += minimum[at]
            assert whole[row, column] == value
    places = np.arange(codes.size)
    at_places = np.divmod(places, width)[0], places % width // block
    np.testing.assert_array_equal(found.scale_at(places), scale[at_places])
    added = np.zeros_like(scale) if minimum is None else minimum
    np.testing.assert_array_equal(found.minimum_at(places), added[at_places])


def test_many_values_are_reconstructed_in_parts_as_few_are() -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 16, (3, 1 << 20), np.uint8)
    scale = generator.normal(size=(3, 1 << 15)).astype(np.float32)
    found = BlockCodes(codes, scale, None, 32, "test", "nowhere")
    assert (found.reconstructed() == codes * np.repeat(scale, 32, axis=1)).all()


@pytest.mark.parametrize(
    ("scale", "minimum"), [((2, 3), None), ((2, 2), (2, 1)), ((4,), None), ((2, 2, 1), None)]
)
def test_scales_that_do_not_belong_to_the_codes_are_refused(
    scale: tuple[int, ...], minimum: tuple[int, ...] | None
) -> None:
    with pytest.raises(ValueError, match="of the shape"):
        BlockCodes(
            np.zeros((2, 64), np.uint8),
            np.zeros(scale, np.float32),
            None if minimum is None else np.zeros(minimum, np.float32),
            32,
            "test",
            "nowhere",
        )


def test_a_file_without_codes_has_none(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    assert io.load_codes(tmp_path / "x.npy", "x") is None
    path = tmp_path / "x.gguf"
    path.write_bytes(containers.gguf({"plain": X}))
    assert io.load_codes(path, "plain") is None


def test_an_older_package_is_told_for_codes_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(containers.gguf({"x": containers.random_blocks(2, 2, "IQ2_S")}))

    def dequantize(*_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr("gguf.quants.dequantize", dequantize)
    with pytest.raises(io.FormatError, match="install a later one"):
        io.load_codes(path, "x")
