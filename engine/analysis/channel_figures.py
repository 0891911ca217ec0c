"""Range, parameters and errors per channel or group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import FloatArray, IntArray, as_working
from quantoscope.engine.numerics.granularity import CHANNEL, PER_TENSOR, Granularity
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.text.number_text import short


@dataclass(frozen=True, eq=False)
class Channels:
    """Figures per channel or group; every array has shape (count,).

    Attributes
    ----------
    granularity : Granularity
        Granularity that defines channels.
    size : ndarray of int
        Number of values.
    low, high : ndarray of float64
        Extremes of the finite values, in the unit of R; NaN if there are none.
    scale, zero_point : ndarray of float64
        S and Z.
    sqnr : ndarray of float64
        10·log10(ΣR² / Σ(R′−R)²) in dB over the values with a finite error; +∞ without error.
    mse, max_error : ndarray of float64
        The mean of (R′−R)² and the largest |R′−R|.
    clipped : ndarray of int
        Number of clipped values.
    """

    granularity: Granularity
    size: IntArray
    low: np.ndarray
    high: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    sqnr: np.ndarray
    mse: np.ndarray
    max_error: np.ndarray
    clipped: IntArray

    def __repr__(self) -> str:
        sqnr = self.sqnr[~np.isnan(self.sqnr)]
        ends = f"{short(sqnr.min(), 4)}…{short(sqnr.max(), 4)} dB" if sqnr.size else "no metrics"
        return f"<Channels {self.granularity}: {self.size.size:,}, SQNR {ends}>"

    def name(self, channel: int) -> str:
        """Return the name of a channel for the user."""
        return self.granularity.name(channel)


def natural_granularity(shape: tuple[int, ...], role: Role | None = None) -> Granularity:
    """Return the channels of an array's outputs: of axis 0, unless its role says another."""
    if len(shape) < 2:
        return PER_TENSOR
    return Granularity(CHANNEL, *(role.out if role is not None and role.fits(len(shape)) else (0,)))


def channels(
    x: ArrayLike, evaluation: Evaluation, granularity: Granularity | None = None
) -> Channels:
    """Return the figures per channel.

    Parameters
    ----------
    x : array_like
        The array that was evaluated.
    evaluation : Evaluation
    granularity : Granularity, optional
        Other channels than those that share parameters: a scheme with one scale per
        tensor can be analysed per channel too.

    Raises
    ------
    QuantizationError
        If ``x`` has another shape than the evaluated array, or lacks the granularity's axis.
    """
    r = as_working(x)
    if r.shape != evaluation.codes.shape:
        raise QuantizationError(
            f"What was evaluated has the shape {evaluation.codes.shape}, this array {r.shape}."
        )
    p = evaluation.qparams
    g = p.granularity
    if granularity is not None:
        g = granularity.concrete(r.shape, evaluation.role)
    rows, errors = g.split(r), g.split(evaluation.error)
    usable = np.isfinite(rows) & np.isfinite(errors)
    signal, signal_exponent = _squares(rows, usable)
    noise, noise_exponent = _squares(errors, usable)
    n = usable.sum(axis=1)
    finite = np.isfinite(rows)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        db = 20 * np.log10(2.0) * (signal_exponent - noise_exponent)
        sqnr = 10 * np.log10(signal / noise) + db
        sqnr = np.where(noise == 0, np.inf, np.where(signal == 0, -np.inf, sqnr))
        mse = np.ldexp(noise / n, 2 * noise_exponent)
        largest = np.where(usable, np.abs(errors), 0).max(axis=1).astype(np.float64)
    # The flat position of the first value per channel.
    first = g.split(np.arange(r.size).reshape(r.shape), filler=0)[:, 0]
    own = p.at(p.granularity.of(first, r.shape))
    count = len(rows)
    return Channels(
        granularity=g,
        size=g.sizes(r.shape),
        low=_extreme(np.fmin, rows, finite),
        high=_extreme(np.fmax, rows, finite),
        scale=np.broadcast_to(np.asarray(own.scale, np.float64), count),
        zero_point=np.broadcast_to(np.asarray(own.zero_point, np.float64), count),
        sqnr=np.where(n > 0, sqnr, np.nan),
        mse=np.where(n > 0, mse, np.nan),
        max_error=np.where(n > 0, largest, np.nan),
        clipped=np.count_nonzero(g.split(evaluation.saturated, filler=0), axis=1),
    )


def _squares(rows: FloatArray, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Σx² per row as mantissa and exponent, against under- and overflow."""
    # In C order, so that sums do not depend on the layout of the array.
    x = np.where(usable, rows, 0).astype(np.float64, order="C")
    exponent = np.frexp(np.abs(x).max(axis=1))[1]
    scaled = np.ldexp(x, -exponent[:, None])
    return np.einsum("ij,ij->i", scaled, scaled), exponent


def _extreme(better: np.ufunc, rows: FloatArray, finite: np.ndarray) -> np.ndarray:
    values = np.where(finite, rows, np.nan).astype(np.float64)
    extreme: np.ndarray = better.reduce(values, axis=1)
    return extreme
