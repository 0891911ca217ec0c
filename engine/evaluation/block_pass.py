"""Pass over an array with given parameters: encode, decode, compare, sum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from quantoscope.engine.evaluation import metrics
from quantoscope.engine.evaluation.accumulators import BlockSums, Totals, block_sums
from quantoscope.engine.evaluation.compiled import Made, compiled
from quantoscope.engine.evaluation.draw_envelopes import (
    EnvelopeEnds,
    Piece,
    curves_from,
    piece_of,
    reconstructed_ends,
)
from quantoscope.engine.evaluation.result import Evaluation, applied, worst_place
from quantoscope.engine.evaluation.warning_texts import warnings_of
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.envelope import Pyramid
from quantoscope.engine.numerics.kernels import Scratch
from quantoscope.engine.quantizers import QUANTIZERS, QParams, Quantizer
from quantoscope.engine.schemes.scheme import Scheme

FEW = 32
"""Maximum number of changed units per block that are processed one by one."""


class BlockPass:
    """One pass over an array from ``as_stored``.

    Parameters
    ----------
    known : Extremes
        Extremes of the values that count.
    without : ndarray of int, optional
        Flat positions to treat as NaN, ascending.
    pyramid : Pyramid, optional
        Pyramid of the array; if given, curves are computed in the same pass.
    covered : bool
        Whether all values that count are within the clipping range of their channel.
    quantizer : Quantizer, optional
        By default the registered one of the parameters' mapping.
    """

    def __init__(
        self,
        r: FloatArray,
        p: QParams,
        known: kernels.Extremes,
        without: IntArray | None = None,
        pyramid: Pyramid | None = None,
        covered: bool = False,
        quantizer: Quantizer | None = None,
    ) -> None:
        self.r, self.p, self.known, self.without = r, p, known, without
        self.pieces: dict[int, Piece] | None = None if pyramid is None else {}
        self.reconstructed: EnvelopeEnds | None = None
        self.tallies: dict[int, IntArray] = {}
        """Numbers of values per bit pattern of their codes, NaN left out, by start of the block."""
        if pyramid is not None and known.finite:
            self.reconstructed = reconstructed_ends(p, pyramid)
        self.quantizer = quantizer or QUANTIZERS[p.mapping]
        self.lean = p.lean(self.quantizer.exact_scale)
        self.codes = np.empty(r.shape, p.format.dtype)
        self.loops = compiled(p, self.quantizer, r, self.codes)
        self.far = False
        """Whether the compiled loops have met numbers whose squares they cannot sum."""
        self._covered = covered

    @cached_property
    def inside(self) -> bool:
        """Whether no value is known to be clipped, of which only numpy's formulas make use."""
        known, p = self.known, self.p
        # Rounding to nearest is monotonic: if both ends are finite and unclipped, all values are.
        if known.finite and not p.arithmetic.chances and (p.granularity.whole or self._covered):
            ends = (known.low, known.high) if p.granularity.whole else p.range
            with np.errstate(all="ignore"):
                low, high = (np.asarray(end).astype(p.dtype) for end in ends)
            sides = (self.quantizer.encode(end, self.lean)[1] for end in (low, high))
            return all(side is None for side in sides)
        return False

    def blocks(self, step: kernels.Progress | None = None) -> list[BlockSums]:
        """Encode all blocks and return their sums."""
        found = kernels.over_blocks(self.r.size, self.block, step)
        if self.far:
            # All of them by the formulas: no figure depends on where blocks begin.
            self.loops = None
            self.tallies.clear()
            found = kernels.over_blocks(self.r.size, self.block, step)
        return found

    def block(self, start: int, stop: int, scratch: Scratch) -> BlockSums:
        """Encode a block and return its sums."""
        r = kernels.block_without(self.r, start, stop, self.without)
        codes = self.codes.reshape(-1)[start:stop]
        inside = self.loops is None and self.inside
        return self.sums(r, start, codes, scratch, self.known.finite, inside)

    def sums(
        self,
        r: FloatArray,
        start: int,
        codes: IntArray,
        scratch: Scratch,
        finite: bool = False,
        inside: bool = False,
    ) -> BlockSums:
        """Encode the values that begin at a position, and return their sums.

        Float16 and bfloat16 are read as they are stored.
        """
        p, n = self.p, r.size
        stop = start + n
        if self.loops is not None:
            draws = self.pieces is not None
            made = self.loops.block(r, start, codes, draws, draws and self.reconstructed is None)
            return self._found(made, start)
        r = kernels.working(r)
        aligned = self.lean.spread(self.r.shape, start, stop)
        where = np.arange(start, stop) if p.arithmetic.chances else None
        codes, reconstructed, saturated = applied(
            r, aligned, where, self.quantizer, scratch, codes, finite, inside
        )
        with np.errstate(all="ignore"):
            kind = np.result_type(p.dtype, r.dtype)
            error = np.subtract(reconstructed, r, out=scratch("error", n, kind))
            if self.pieces is not None:
                drawn = reconstructed if self.reconstructed is None else None
                full = p.spread(self.r.shape, start, stop)
                self.pieces[start] = piece_of(start, r, drawn, error, saturated, full)
            return block_sums(r, reconstructed, error, saturated, aligned, scratch, finite)

    def _found(self, made: Made, start: int) -> BlockSums:
        """Keep what the compiled loops have found in a block beside its sums."""
        sums, drawn, tally, far = made
        self.far |= far
        if drawn is not None and self.pieces is not None:
            self.pieces[start] = drawn.columns, drawn.clipped
        if tally is not None:
            self.tallies[start] = tally
        return sums

    def revised(
        self, before: BlockSums, where: IntArray, old: FloatArray, scratch: Scratch
    ) -> BlockSums:
        """Encode changed values of a block, and return the block's sums."""
        first = where[0] // kernels.BLOCK * kernels.BLOCK
        units = np.unique(where // kernels.UNIT)
        # Sums of float64 data have exponents that depend on the whole block.
        if units.size > FEW or self.r.dtype != np.float32:
            return self.block(first, min(first + kernels.BLOCK, self.r.size), scratch)
        sums, counts, largest = before.sums.copy(), before.counts.copy(), before.largest.copy()
        for start in (units * kernels.UNIT).tolist():
            stop = min(start + kernels.UNIT, self.r.size)
            here = (start <= where) & (where < stop)
            r = kernels.flat_block(self.r, start, stop).copy()
            r[where[here] - start] = old[here]
            was = self.sums(r, start, scratch("was", r.size, self.codes.dtype), scratch)
            now = self.block(start, stop, scratch)
            place = (start - first) // kernels.UNIT
            sums[:, place], largest[place] = now.sums[:, 0], now.largest[0]
            counts += now.counts - was.counts
        return BlockSums(sums, before.exponents, counts, largest)

    def counted(self, codes: IntArray) -> IntArray:
        """Return the number of each code."""
        return self.of_patterns(kernels.tally(codes), codes)

    def all_counted(self, blocks: Sequence[BlockSums]) -> IntArray:
        """Return the number of each code in the whole array, but for those of NaN."""
        if len(self.tallies) == len(blocks):
            return self.of_patterns(np.sum(list(self.tallies.values()), axis=0), self.codes)
        counts = self.counted(self.codes)
        if any(block.nan for block in blocks):
            counts -= self.counted(self.codes[kernels.where_nan(self.r)])
        return counts

    def of_patterns(self, raw: IntArray, codes: IntArray) -> IntArray:
        """Return the number of each code, from that of each bit pattern."""
        patterns = np.flatnonzero(raw)
        some = patterns.astype(f"u{codes.dtype.itemsize}").view(codes.dtype)
        counts = np.zeros(self.quantizer.codes(self.p).size, np.int64)
        np.add.at(counts, self.quantizer.places(some, self.p), raw[patterns])
        return counts

    def evaluation(self, scheme: Scheme, blocks: list[BlockSums], counts: IntArray) -> Evaluation:
        """Assemble the evaluation."""
        p, shape = self.p, self.codes.shape
        sizes = p.granularity.sizes(shape) if p.count > 1 else None
        totals = Totals(blocks, counts, p, self.codes.size, p.count, sizes)
        notes = tuple(warnings_of(shape, scheme, p, totals, float(self.known.low)))
        made = Evaluation(scheme, p, self.r, self.codes, totals, {}, notes)
        unit, _ = totals.worst_unit()
        worst = -1
        if unit >= 0:
            start = unit * kernels.UNIT
            worst = start + worst_place(made.part(slice(start, start + kernels.UNIT)))
        figures = metrics.compute(metrics.Sample(totals, worst))
        drawn = None
        if self.pieces is not None:
            pieces = [piece for _, piece in sorted(self.pieces.items())]
            drawn = curves_from(self.codes.size, pieces, self.reconstructed)
        return replace(made, metrics=figures, drawn=drawn)
