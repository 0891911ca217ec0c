"""Sums for metrics, accumulated block by block."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.engine.quantizers import QParams


def ldexp(mantissa: float, exponent: int) -> float:
    """Return ``mantissa · 2**exponent``, infinite on overflow."""
    try:
        return math.ldexp(mantissa, exponent)
    except OverflowError:
        return math.copysign(math.inf, mantissa)


@dataclass(frozen=True)
class Sum:
    """A sum of ``n`` numbers or products as ``mantissa · 2**exponent``.

    The squares of 1e-200 and 1e200 under- and overflow float64.
    """

    mantissa: float
    exponent: int
    n: int

    def decibel(self) -> float:
        """Return 10·log10 of the mean; −∞ if all are 0."""
        if self.mantissa == 0:
            return -math.inf
        return 10 * math.log10(self.mantissa / self.n) + 10 * self.exponent * math.log10(2)

    def over(self, n: int) -> float:
        """The sum divided by n."""
        return ldexp(self.mantissa / n, self.exponent) if n else math.nan


KINDS = ("rr", "qq", "rq", "e", "size", "rounded", "clipped", "steps")
"""ΣR², ΣR′², ΣR·R′, ΣE, Σ|E|, ΣE² of the values not clipped and of the clipped, Σ(E/S)²."""


@dataclass(frozen=True, eq=False)
class BlockSums:
    """Sums of one block."""

    sums: np.ndarray
    """Shape (kinds, units), in float64."""
    exponents: IntArray
    """Power of two of each row. Shape (kinds,)."""
    counts: IntArray
    """Counts of values in the sums, clipped low and high, with a step, NaN in R, infinities in R,
    reconstructed as NaN though R is not, and reconstructed as infinity. Shape (8,)."""
    largest: FloatArray
    """Largest |E| in the sums; NaN if there is none. Shape (units,)."""

    @property
    def clipped(self) -> tuple[int, int]:
        """Numbers of values clipped low and high."""
        return int(self.counts[1]), int(self.counts[2])

    @property
    def nan(self) -> int:
        """Number of NaN in R."""
        return int(self.counts[4])


class Scaled:
    """Numbers in float64 as ``x · 2**exponent``, with all |x| below 1.

    Squares of float32 numbers fit float64, so these have exponent 0.
    """

    def __init__(self, numbers: FloatArray, out: np.ndarray) -> None:
        np.copyto(out, numbers)
        self.x = out
        self.exponent = 0
        if numbers.dtype != np.float32 and numbers.size:
            self.exponent = math.frexp(max(-float(out.min()), float(out.max())))[1]
            np.ldexp(out, -self.exponent, out=out)


@np.errstate(all="ignore")
def block_sums(
    r: FloatArray,
    reconstructed: FloatArray,
    error: FloatArray,
    saturated: np.ndarray | None,
    p: QParams,
    scratch: Scratch,
    finite: bool = False,
) -> BlockSums:
    """Return the sums of a block of flat values; all arrays have shape (n,).

    The parameters are numbers, or arrays aligned with the values. ``finite`` says whether all of R
    is known to be finite.
    """
    n = r.size
    nan = infinite = lost = overflowed = 0
    usable, known = n, None
    low = high = 0
    clipped_at = None
    if saturated is not None:
        clipped_at = np.flatnonzero(saturated != 0)
        low, high = (int(np.count_nonzero(saturated[clipped_at] == side)) for side in (-1, 1))
    size = np.abs(error, out=scratch("size", n, error.dtype))
    largest = kernels.unit_highs(size)
    if not (finite and np.isfinite(largest).all()):
        known = np.isfinite(r) & np.isfinite(error)
        usable = int(np.count_nonzero(known))
        nan, infinite = int(np.count_nonzero(np.isnan(r))), int(np.count_nonzero(np.isinf(r)))
        lost = int(np.count_nonzero(np.isnan(reconstructed))) - nan
        overflowed = int(np.count_nonzero(np.isinf(reconstructed)))
        if usable < n:
            largest = kernels.unit_highs(np.where(known, size, size.dtype.type(np.nan)), np.fmax)
            r, reconstructed, error, size = (
                np.where(known, part, part.dtype.type(0))
                for part in (r, reconstructed, error, size)
            )
    real = Scaled(r, scratch("real", n, np.float64))
    back = Scaled(reconstructed, scratch("reconstructed", n, np.float64))
    products = [
        (kernels.unit_dots(real.x, real.x), 2 * real.exponent),
        (kernels.unit_dots(back.x, back.x), 2 * back.exponent),
        (kernels.unit_dots(real.x, back.x), real.exponent + back.exponent),
    ]
    e = Scaled(error, real.x)
    products.append((kernels.unit_sums(e.x), e.exponent))
    stepped, steps = _steps(e, error, p, back.x, known)
    rounded, clipped = _squares(e, error, clipped_at, back.x)
    magnitude = Scaled(size, real.x)
    products += [(kernels.unit_sums(magnitude.x), magnitude.exponent), rounded, clipped, steps]
    return BlockSums(
        sums=np.array([sums for sums, _ in products]),
        exponents=np.array([exponent for _, exponent in products]),
        counts=np.array([usable, low, high, stepped, nan, infinite, lost, overflowed]),
        largest=largest,
    )


ScaledSums = tuple[np.ndarray, int]


def _squares(
    e: Scaled, error: FloatArray, clipped_at: IntArray | None, spare: np.ndarray
) -> tuple[ScaledSums, ScaledSums]:
    """Return ΣE² of values not clipped, and of clipped ones, beside which those could vanish."""
    if clipped_at is None or not clipped_at.size:
        squares = kernels.unit_dots(e.x, e.x)
        return (squares, 2 * e.exponent), (np.zeros(squares.shape), 0)
    np.copyto(spare, error)
    spare[clipped_at] = 0
    rest = Scaled(spare, spare) if error.dtype != np.float32 else e
    rounded = kernels.unit_dots(spare, spare)
    cut = Scaled(error[clipped_at], np.empty(clipped_at.size))
    clipped = np.bincount(clipped_at // kernels.UNIT, weights=cut.x * cut.x, minlength=rounded.size)
    return (rounded, 2 * rest.exponent), (clipped, 2 * cut.exponent)


def _steps(
    e: Scaled, error: FloatArray, p: QParams, spare: np.ndarray, known: np.ndarray | None
) -> tuple[int, ScaledSums]:
    """Return the number of errors expressible in steps of their channel, and Σ(E/S)² of these."""
    if np.ndim(p.scale) == 0 or not p.format.integer:
        return 0, (np.zeros(-(-error.size // kernels.UNIT)), 0)
    np.copyto(spare, p.working_scale)
    np.divide(error if error.dtype == np.float64 else e.x, spare, out=spare)
    squares = kernels.unit_dots(spare, spare)
    if known is None and np.isfinite(squares).all():
        return error.size, (squares, 0)
    # 0/0 if S is 0; values outside the sums have no step either.
    counted = np.isfinite(spare) if known is None else np.isfinite(spare) & known
    spare[~counted] = 0
    return int(np.count_nonzero(counted)), (kernels.unit_dots(spare, spare), 0)


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over all blocks of an array, or of a part: the input of metrics."""

    blocks: Sequence[BlockSums]
    counts: IntArray
    """Number of values per code. Shape (number of codes,)."""
    qparams: QParams
    size: int
    """Number of values, including NaN and infinities."""
    sets: int = 1
    """Number of parameter sets."""
    size_of_sets: IntArray | None = None
    """Number of values per set; None if equal. Shape (sets,)."""

    @cached_property
    def _counts(self) -> list[int]:
        return [int(c) for c in np.sum([b.counts for b in self.blocks], axis=0)]

    @property
    def n(self) -> int:
        """Number of values in the sums."""
        return self._counts[0]

    @property
    def clipped(self) -> tuple[int, int]:
        """Numbers of values clipped low and high."""
        return self._counts[1], self._counts[2]

    @property
    def stepped(self) -> int:
        """Number of errors expressible in steps of their channel."""
        return self._counts[3]

    @property
    def nan(self) -> int:
        """Number of NaN in R."""
        return self._counts[4]

    @property
    def infinite(self) -> int:
        """Number of infinities in R."""
        return self._counts[5]

    @property
    def odd(self) -> tuple[int, int]:
        """Numbers of values reconstructed as NaN though R is not, and as infinity."""
        return self._counts[6], self._counts[7]

    def sum(self, kind: str) -> Sum:
        """Return a sum over all values, of a kind in ``KINDS``."""
        row = KINDS.index(kind)
        parts = [(b.sums[row], int(b.exponents[row])) for b in self.blocks]
        # Ignore the exponent of zeros, beside which small numbers could vanish.
        exponents = {exponent for part, exponent in parts if part.any()} or {0}
        largest = max(exponents)
        if len(exponents) > 1:
            parts = [(np.ldexp(part, exponent - largest), largest) for part, exponent in parts]
        return Sum(float(np.concatenate([part for part, _ in parts]).sum()), largest, self.n)

    @cached_property
    def noise(self) -> Sum:
        """ΣE²."""
        rounded, clipped = self.sum("rounded"), self.sum("clipped")
        if not clipped.mantissa or not rounded.mantissa:
            return clipped if clipped.mantissa else rounded
        largest = max(rounded.exponent, clipped.exponent)
        both = sum(ldexp(part.mantissa, part.exponent - largest) for part in (rounded, clipped))
        return Sum(both, largest, self.n)

    def worst_unit(self) -> tuple[int, float]:
        """The first unit with the largest |E|, and that error; −1 and NaN if there is none."""
        size = np.concatenate([b.largest for b in self.blocks])
        if np.isnan(size).all():
            return -1, math.nan
        unit = int(np.nanargmax(size))
        return unit, float(size[unit])
