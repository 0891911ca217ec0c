"""``@pytorch`` against the installed package: observers and the x86 kernels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine.schemes.runtimes import RUNTIMES
from tests.runtimes.hostile import arrays, on_ties, rows_of

torch = pytest.importorskip("torch")
observer = pytest.importorskip("torch.ao.quantization.observer")

KINDS = {"int8": torch.qint8, "uint8": torch.quint8}
ROWS = 4000
every_format = pytest.mark.parametrize("fmt", list(KINDS))
every_mapping = pytest.mark.parametrize("mapping", RUNTIMES["pytorch"].mappings)


@pytest.fixture(autouse=True)
def old_names():
    """PyTorch calls its own observers deprecated; they are what is deployed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def per_channel(x: np.ndarray, fmt: str, mapping: str) -> tuple[np.ndarray, ...]:
    """Scales, zero points, codes and reconstructed values of PyTorch, one channel per row."""
    scheme = torch.per_channel_symmetric if mapping == "symmetric" else torch.per_channel_affine
    watch = observer.PerChannelMinMaxObserver(ch_axis=0, dtype=KINDS[fmt], qscheme=scheme)
    values = torch.from_numpy(x)
    watch(values)
    scale, zero_point = watch.calculate_qparams()
    quantized = torch.quantize_per_channel(values, scale, zero_point, 0, KINDS[fmt])
    return tuple(
        t.numpy() for t in (scale, zero_point, quantized.int_repr(), quantized.dequantize())
    )


def per_tensor(x: np.ndarray, fmt: str, mapping: str) -> tuple[np.ndarray, ...]:
    scheme = torch.per_tensor_symmetric if mapping == "symmetric" else torch.per_tensor_affine
    watch = observer.MinMaxObserver(dtype=KINDS[fmt], qscheme=scheme)
    values = torch.from_numpy(x)
    watch(values)
    scale, zero_point = watch.calculate_qparams()
    quantized = torch.quantize_per_tensor(values, float(scale), int(zero_point), KINDS[fmt])
    return tuple(
        t.numpy() for t in (scale, zero_point, quantized.int_repr(), quantized.dequantize())
    )


def test_the_version_that_the_window_names_is_the_one_that_is_compared() -> None:
    assert RUNTIMES["pytorch"].verified == f"torch {torch.__version__.partition('+')[0]}"


@every_format
@every_mapping
@pytest.mark.parametrize("ties", [False, True], ids=["hostile", "ties"])
def test_per_channel_parameters_codes_and_values(fmt: str, mapping: str, ties: bool) -> None:
    text = f"{fmt} {mapping} @pytorch"
    x = arrays(1, ROWS)
    x = on_ties(x, text) if ties else x
    scale, zero_point, codes, reconstructed = per_channel(x, fmt, mapping)
    ours = engine.evaluate(x, f"{text} per-channel(0)")
    bits, zeros = rows_of(ours.qparams)
    np.testing.assert_array_equal(bits, scale.view(np.int32))
    np.testing.assert_array_equal(zeros, zero_point)
    np.testing.assert_array_equal(ours.codes, codes)
    np.testing.assert_array_equal(ours.reconstructed, reconstructed)


@every_format
@every_mapping
@pytest.mark.parametrize("ties", [False, True], ids=["hostile", "ties"])
def test_per_tensor_parameters_codes_and_values(fmt: str, mapping: str, ties: bool) -> None:
    text = f"{fmt} {mapping} @pytorch"
    x = arrays(2, 700)
    x = on_ties(x, text) if ties else x
    for row in x:
        scale, zero_point, codes, reconstructed = per_tensor(row, fmt, mapping)
        ours = engine.evaluate(row, text)
        assert np.float32(ours.qparams.scale).tobytes() == scale.tobytes()
        assert ours.qparams.zero_point == zero_point
        np.testing.assert_array_equal(ours.codes, codes)
        np.testing.assert_array_equal(ours.reconstructed, reconstructed)


@every_format
@every_mapping
@pytest.mark.parametrize("ties", [False, True], ids=["hostile", "ties"])
def test_fake_quantization_rebuilds_the_same_values(fmt: str, mapping: str, ties: bool) -> None:
    text = f"{fmt} {mapping} @pytorch-fake"
    x = arrays(3, ROWS)
    x = on_ties(x, text) if ties else x
    # It divides nothing by an infinite scale: NaN there is cast to whatever the machine gives.
    x = x[np.isfinite(x.max(axis=1) - x.min(axis=1))]
    p = engine.calibrate(x, f"{text} per-channel(0)")
    scale = torch.from_numpy(np.asarray(p.scale, np.float32))
    zero_point = torch.from_numpy(np.asarray(p.zero_point, np.int32))
    theirs = torch.fake_quantize_per_channel_affine(
        torch.from_numpy(x), scale, zero_point, 0, int(p.qmin), int(p.qmax)
    )
    ours = engine.evaluate(x, f"{text} per-channel(0)")
    np.testing.assert_array_equal(ours.reconstructed, theirs.numpy())
    for row in x[:200]:
        one = engine.evaluate(row, text)
        p = one.qparams
        theirs = torch.fake_quantize_per_tensor_affine(
            torch.from_numpy(row), p.scale, p.zero_point, int(p.qmin), int(p.qmax)
        )
        np.testing.assert_array_equal(one.reconstructed, theirs.numpy())


@every_format
def test_clipped_values_and_nan_are_as_the_kernel_has_them(fmt: str) -> None:
    x = np.concatenate([np.linspace(-9, 9, 61), [1e30, -1e30, 3e38, np.inf, -np.inf, np.nan]])
    x = np.tile(x.astype(np.float32), 3)
    ours = engine.evaluate(x, f"{fmt} asymmetric manual(-1,2) @pytorch")
    p = ours.qparams
    theirs = torch.quantize_per_tensor(torch.from_numpy(x), p.scale, p.zero_point, KINDS[fmt])
    np.testing.assert_array_equal(ours.codes, theirs.int_repr().numpy())
    ours = engine.evaluate(x[None], f"{fmt} asymmetric manual(-1,2) per-channel(0) @pytorch")
    scale, zero_point = (torch.tensor([number]) for number in (p.scale, p.zero_point))
    theirs = torch.quantize_per_channel(torch.from_numpy(x[None]), scale, zero_point, 0, KINDS[fmt])
    np.testing.assert_array_equal(ours.codes, theirs.int_repr().numpy())


@every_format
def test_nan_has_the_code_that_fake_quantization_rebuilds_it_from(fmt: str) -> None:
    x = np.tile(np.array([-1, np.nan, 2, 0.3], np.float32), 5)
    for granularity in ("", "per-channel(0) "):
        ours = engine.evaluate(x[None], f"{fmt} asymmetric {granularity}@pytorch-fake")
        p = ours.qparams
        scale, zero_point = (
            torch.tensor(np.ravel(p.scale)).float(),
            torch.tensor(np.ravel(p.zero_point)),
        )
        theirs = torch.fake_quantize_per_channel_affine(
            torch.from_numpy(x[None]), scale, zero_point.int(), 0, int(p.qmin), int(p.qmax)
        )
        np.testing.assert_array_equal(engine.dequantize(ours.codes, p), theirs.numpy())


def test_the_tie_that_multiplying_makes() -> None:
    """x·(1/S) is 127.5 where x/S is 127.49999: one code apart."""
    s, x = np.float32(0.00214854861), np.float32(0.273939937)
    assert np.float32(x * (np.float32(1) / s)) == 127.5
    assert np.float32(x / s) < 127.5
