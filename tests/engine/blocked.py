"""Blocks so small that little arrays have many of them; evaluations compared in every respect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from quantoscope.engine import Evaluation
from quantoscope.engine.analysis import outliers
from quantoscope.engine.evaluation import block_pass, draw_envelopes
from quantoscope.engine.numerics import envelope, kernels
from quantoscope.engine.numerics.envelope import Pyramid

LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "C": lambda x: x.copy(),
    "Fortran": lambda x: np.asarray(x.copy(order="F")),
    "every other": lambda x: np.repeat(x[..., None], 2, axis=-1)[..., 0],
    "every third row": lambda x: np.repeat(x[None], 3, axis=0)[1] if x.ndim < 2 else _thirds(x),
    "backwards": lambda x: x[(slice(None, None, -1),) * x.ndim].copy()[
        (slice(None, None, -1),) * x.ndim
    ],
    "transposed": lambda x: x.T.copy().T,
    "inner axes swapped": lambda x: x.swapaxes(-1, -2).copy().swapaxes(-1, -2) if x.ndim > 1 else x,
    "a corner of more": lambda x: np.pad(x, 2)[(slice(2, -2),) * x.ndim],
    "one value again and again": lambda x: np.broadcast_to(x.reshape(-1)[:1].reshape(()), x.shape),
}
"""Arrays of the same shape and, but for the last, the same values, each laid out in its way."""


def _thirds(x: np.ndarray) -> np.ndarray:
    return np.repeat(x, 3, axis=0)[1::3]


@contextmanager
def blocks_of(
    block: int | None = None,
    unit: int | None = None,
    threads: int = 0,
    stretch: int | None = None,
    few: int | None = None,
) -> Iterator[None]:
    """Work in blocks, units and stretches of so many values, on so many threads.

    Of more than ``few`` units with an edit, whole blocks are looked at.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "THREADS", threads)
        if unit is not None:
            patch.setattr(kernels, "UNIT", unit)
        if stretch is not None:
            for module in (envelope, draw_envelopes, outliers):
                if hasattr(module, "STRETCH"):  # Who imported it by name has one of its own.
                    patch.setattr(module, "STRETCH", stretch)
        if few is not None:
            patch.setattr(block_pass, "FEW", few)
            patch.setattr(draw_envelopes, "MANY", few)
        if block is not None:
            # The default of a parameter was bound when the function was made.
            bound = kernels.over_blocks.__defaults__ or ()
            defaults = tuple(block if default == kernels.BLOCK else default for default in bound)
            patch.setattr(kernels.over_blocks, "__defaults__", defaults)
            patch.setattr(kernels, "BLOCK", block)
            patch.setattr(kernels, "_CHUNK", block + block % 2)
        yield


def assert_same(got: Any, wanted: Any) -> None:
    """Equal to the last bit, NaN and the sign of 0 included."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    assert (got.shape, got.dtype) == (wanted.shape, wanted.dtype)
    np.testing.assert_array_equal(got, wanted)
    if got.dtype.kind == "f":
        number = ~np.isnan(wanted)
        np.testing.assert_array_equal(np.signbit(got[number]), np.signbit(wanted[number]))


def assert_same_metrics(got: Evaluation, wanted: Evaluation) -> None:
    """Equal to the last bit, of the same types."""
    # The text of a float says it in full, and that of NaN is that of NaN.
    assert repr(dict(got.metrics)) == repr(dict(wanted.metrics))


def assert_same_pyramid(got: Pyramid, wanted: Pyramid) -> None:
    """Equal numbers; which of 0 and −0 is the smaller is not said."""
    assert got.size == wanted.size
    assert (got.low.dtype, got.high.dtype) == (wanted.low.dtype, wanted.high.dtype)
    np.testing.assert_array_equal(got.low, wanted.low)
    np.testing.assert_array_equal(got.high, wanted.high)


def assert_same_evaluation(got: Evaluation, wanted: Evaluation) -> None:
    """Equal in every respect, curves included."""
    assert got.scheme == wanted.scheme
    assert got.qparams == wanted.qparams
    assert got.warnings == wanted.warnings
    assert_same_metrics(got, wanted)
    for name in ("values", "codes", "code_counts", "reconstructed", "error", "saturated"):
        assert_same(getattr(got, name), getattr(wanted, name))
    assert_same_curves(got, wanted)


def assert_same_curves(got: Evaluation, wanted: Evaluation) -> None:
    ours, theirs = got.curves, wanted.curves
    assert_same_pyramid(ours.reconstructed, theirs.reconstructed)
    assert_same_pyramid(ours.error, theirs.error)
    assert (ours.bound is None) == (theirs.bound is None)
    if ours.bound is not None and theirs.bound is not None:
        assert_same_pyramid(ours.bound, theirs.bound)
    assert ours.clipped.keys() == theirs.clipped.keys()
    for side in theirs.clipped:
        assert ours.clipped[side].tolist() == theirs.clipped[side].tolist()
