"""Sums of an array without a few of its values, from the sums of all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quantoscope.engine.evaluation.accumulators import BlockSums, Totals, block_sums
from quantoscope.engine.evaluation.result import part_of
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import BLOCK, UNIT, Scratch, working
from quantoscope.engine.quantizers import QParams, Quantizer


def totals_of_others(
    totals: Totals, r: FloatArray, p: QParams, quantizer: Quantizer, where: IntArray
) -> Totals:
    """Return the sums of all values but some, whose parameters stay those of all.

    Only units with one of these values are added up anew: the error of an outlier that is
    clipped may exceed that of all others by more than the digits of a sum, so it cannot be
    subtracted.

    Parameters
    ----------
    totals : Totals
        Of the whole array.
    r : ndarray
        The array, from ``as_stored``.
    p : QParams
    quantizer : Quantizer
    where : ndarray of int
        Flat positions of the few, ascending.

    Returns
    -------
    Totals
        Without counts per code, and without the largest error.
    """
    units = np.unique(where // UNIT)
    near: IntArray = (units[:, None] * UNIT + np.arange(UNIT)).ravel()
    near = near[near < r.size]
    flat = r.reshape(-1)

    def sums(positions: IntArray) -> BlockSums:
        aligned = p.at(p.granularity.of(positions, r.shape))
        part = part_of(working(flat[positions]), aligned, positions, quantizer)
        return block_sums(
            part.values, part.reconstructed, part.error, part.saturated, aligned, Scratch()
        )

    blocks = list(totals.blocks)
    starts = units * UNIT
    for number in np.unique(starts // BLOCK).tolist():
        kept = blocks[number].sums.copy()
        here = starts // BLOCK == number
        kept[:, (starts[here] - number * BLOCK) // UNIT] = 0
        blocks[number] = replace(blocks[number], sums=kept)
    before, rest = sums(near), np.setdiff1d(near, where, assume_unique=True)
    after = sums(rest) if rest.size else _nothing_of(before)
    # The counts of the blocks still have these units in them.
    blocks.append(replace(after, counts=after.counts - before.counts))
    return Totals(blocks, np.zeros(0, np.int64), totals.qparams, totals.size - where.size)


def _nothing_of(sums: BlockSums) -> BlockSums:
    """Return sums of no value, with the shape of others."""
    return replace(sums, sums=np.zeros_like(sums.sums), counts=np.zeros_like(sums.counts))
