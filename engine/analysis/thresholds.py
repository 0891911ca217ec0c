"""Thresholds of rounding: the values at which one code gives way to the next."""

from __future__ import annotations

import numpy as np

from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.quantizers import QUANTIZERS, QParams

SPARE_BITS = 6
"""Bisections beyond the bits of the working precision: the search begins a few gaps wide."""


def rounding_thresholds(p: QParams, first: int, last: int) -> FloatArray | None:
    """Return the thresholds between neighbouring codes of one channel.

    Values are rounded to the nearest level, unless the rounding is another one or values are
    divided by something else than S: then each threshold is searched by bisection.

    Parameters
    ----------
    p : QParams
        Parameters of one channel.
    first, last : int
        Indices in ``Quantizer.codes(p)``; the thresholds are those between the codes ``i`` and
        ``i + 1`` for ``i`` from ``first`` to ``last − 1``.

    Returns
    -------
    ndarray of float64, shape (last − first,), or None
        In the unit of R; None if chance decides.
    """
    if p.arithmetic.chances:
        return None
    quantizer = QUANTIZERS[p.mapping]
    codes = quantizer.codes(p)[first : last + 1]
    levels = quantizer.decode(codes.astype(p.format.dtype), p).astype(np.float64)
    below, above = levels[:-1], levels[1:]
    with np.errstate(over="ignore", invalid="ignore"):
        middles: FloatArray = below + (above - below) / 2
        # The difference of the largest numbers overflows.
        middles = np.where(np.isfinite(middles), middles, below / 2 + above / 2)
    if p.divisor is None and p.arithmetic.reach == 0.5:
        return middles
    with np.errstate(all="ignore"):
        gap = above - below
        low, high = below - gap, above + gap
        for _ in range(np.finfo(p.dtype).nmant + SPARE_BITS):
            middle = low + (high - low) / 2
            places = quantizer.places(quantizer.encode(middle.astype(p.dtype), p)[0], p)
            over = places > np.arange(first, last)
            low, high = np.where(over, low, middle), np.where(over, middle, high)
    return high
