"""Verdict on some schemes: which loses least at equal bits, and what each loss is made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from quantoscope.engine.analysis.outlier_lines import OutlierLines, outlier_lines
from quantoscope.engine.analysis.outliers import Attribution
from quantoscope.engine.analysis.worth import Offer, narrowest, rivals
from quantoscope.engine.evaluation.accumulators import Totals, ldexp
from quantoscope.engine.evaluation.metrics import METRIC, Sample
from quantoscope.engine.evaluation.others import totals_of_others
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.kernels import Scratch, flat_block, over_blocks, working
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.schemes.scheme import Scheme


def sqnr_of(totals: Totals) -> float:
    """Return the SQNR in dB of sums: ∞ without error, −∞ without signal, NaN without values."""
    return METRIC["sqnr"].compute(Sample(totals, -1))


def clipped_share(totals: Totals) -> float:
    """Return the share of the clipped values in ΣE²; NaN without error."""
    rounded, clipped = totals.sum("rounded"), totals.sum("clipped")
    if not clipped.mantissa:
        return 0.0 if rounded.mantissa else math.nan
    if not rounded.mantissa:
        return 1.0
    # Relative to the larger power of two, so that neither over- nor underflows alone.
    largest = max(rounded.exponent, clipped.exponent)
    part, rest = (ldexp(one.mantissa, one.exponent - largest) for one in (clipped, rounded))
    # Rounding errors that are too small for the sum are some, too.
    return min(part / (part + rest), math.nextafter(1.0, 0.0))


@dataclass(frozen=True, eq=False)
class Few:
    """The few values that set the range of schemes that take it from the extremes."""

    where: np.ndarray
    """Flat positions, ascending."""
    values: FloatArray
    others: int
    """Number of the other finite values."""

    @property
    def count(self) -> int:
        """Number of values."""
        return len(self.where)


@dataclass(frozen=True)
class Standing:
    """Figures of one scheme."""

    scheme: Scheme
    bits: float
    """Bits per value."""
    sqnr: float
    others: float
    """SQNR in dB of all values, and of those that do not set the range, each as quantized with all;
    NaN if no few values set it."""
    clipped: int
    """Number of clipped values."""
    clipped_share: float
    """Their share of ΣE², from 0 to 1; rounding has the rest. NaN without error."""
    zeroed: int
    """Number of values other than 0 that become 0; 0 if it is less than half of them, or if
    channels have different codes for 0."""
    lines: OutlierLines | None = None
    """Few lines that set the scale of nearly all channels, where most values become 0."""
    code_bits: int = 0
    """Bits of a code."""

    @property
    def of_extremes(self) -> bool:
        """Whether single values can set the range of all."""
        return self.scheme.calibration.how.from_extremes and self.scheme.granularity.whole


@dataclass(frozen=True)
class Verdict:
    """Comparison of schemes by SQNR and bits."""

    standings: Mapping[int, Standing]
    """By the number under which a scheme was given, in that order."""
    few: Few | None
    nonzero: int
    """Number of finite values other than 0; only counted if most of them become 0 somewhere."""
    left_out: int = 0
    """Number of values that are not finite, of which no figure speaks."""

    def figure(self, key: int, others: bool = False) -> float:
        """Return the SQNR of a scheme, of all values or of those that do not set the range."""
        one = self.standings[key]
        return one.others if others else one.sqnr

    def _offers(self, others: bool) -> list[Offer]:
        return [
            Offer(one.bits, one.code_bits, self.figure(key, others))
            for key, one in self.standings.items()
        ]

    def cheapest(self, others: bool = False) -> list[int]:
        """Return the schemes that are compared as the cheapest: ``worth.narrowest``."""
        keys = list(self.standings)
        return [keys[place] for place in narrowest(self._offers(others))]

    def ranking(self, others: bool = False) -> list[int]:
        """Return the cheapest schemes from the best to the worst; those without SQNR are left out.

        Equal ones keep the order of the list.
        """
        known = [k for k in self.cheapest(others) if not math.isnan(self.figure(k, others))]
        return sorted(known, key=lambda key: -self.figure(key, others))

    def best(self, others: bool = False) -> list[int]:
        """Return the scheme that loses least among the cheapest, with those equal to it."""
        order = self.ranking(others)
        return [k for k in order if self.figure(k, others) == self.figure(order[0], others)]

    def fewest_bits(self) -> float:
        """Return the bits per value of the cheapest scheme; NaN without schemes."""
        return min((one.bits for one in self.standings.values()), default=math.nan)

    def dearer(self, others: bool = False) -> list[int]:
        """Return the schemes that are better than all ``worth.rivals``, by their bits."""
        cheap, keys, offers = self.cheapest(others), list(self.standings), self._offers(others)
        found = []
        for place, key in enumerate(keys):
            ours = offers[place].sqnr
            its = [offers[other].sqnr for other in rivals(offers, place) if other != place]
            if key not in cheap and not math.isnan(ours) and not any(r >= ours for r in its):
                found.append(key)
        return sorted(found, key=lambda key: self.standings[key].bits)


def verdict(
    evaluations: Mapping[int, Evaluation], causes: Iterable[Attribution] = ()
) -> Verdict | None:
    """Compare evaluations of one array.

    Parameters
    ----------
    evaluations : mapping of int to Evaluation
        By any number; in the order of the list.
    causes : iterable of Attribution
        Which few values set the range of a scheme; the fewest are taken for all schemes.

    Returns
    -------
    Verdict or None
        None without evaluations.
    """
    if not evaluations:
        return None
    some = next(iter(evaluations.values()))
    cause = min(causes, key=lambda one: one.count, default=None)
    few = None
    if cause is not None:
        values = working(some.source.reshape(-1)[cause.where])
        finite = some.source.size - some.totals.nan - some.totals.infinite
        few = Few(cause.where, values, finite - cause.count)
    zeros = {key: _values_at_zero(one) for key, one in evaluations.items()}
    nonzero = 0
    if any(2 * zeros[key] >= one.totals.n > 0 for key, one in evaluations.items()):
        nonzero = _nonzero(some)
    real_zeros = some.totals.n - nonzero
    standings = {}
    for key, one in evaluations.items():
        zeroed = max(0, zeros[key] - real_zeros) if nonzero else 0
        zeroed = zeroed if 2 * zeroed >= nonzero else 0
        standings[key] = Standing(
            scheme=one.scheme,
            bits=one.metrics["bits_per_value"],
            sqnr=one.metrics["sqnr"],
            others=math.nan if few is None else sqnr_of(_others(one, few)),
            clipped=sum(one.totals.clipped),
            clipped_share=clipped_share(one.totals),
            zeroed=zeroed,
            lines=outlier_lines(one) if zeroed else None,
            code_bits=one.qparams.format.bits,
        )
    return Verdict(standings, few, nonzero, some.totals.nan + some.totals.infinite)


def _others(one: Evaluation, few: Few) -> Totals:
    quantizer = QUANTIZERS[one.qparams.mapping]
    return totals_of_others(one.totals, one.source, one.qparams, quantizer, few.where)


def _values_at_zero(one: Evaluation) -> int:
    """Return the number of values that become 0; 0 if channels have different codes for it."""
    p = one.qparams
    if any(np.ndim(part) and np.ptp(part) for part in (p.zero_point, p.offset)):
        return 0
    # A channel of zeros may have the scale 0, with which every code is worth 0.
    widest = int(np.argmax(np.abs(np.atleast_1d(p.scale))))
    with np.errstate(all="ignore"):
        levels = QUANTIZERS[p.mapping].levels(p.at(widest))
    return int(one.code_counts[levels == 0].sum())


def _nonzero(one: Evaluation) -> int:
    """Return the number of finite values other than 0."""

    def work(start: int, stop: int, scratch: Scratch) -> int:
        return int(np.count_nonzero(flat_block(one.source, start, stop)))

    return sum(over_blocks(one.source.size, work)) - one.totals.nan - one.totals.infinite


def staircase(bits: Sequence[float], sqnr: Sequence[float]) -> list[int]:
    """Return the schemes that none with at most as many bits beats, by their bits."""
    kept = []
    for place, (cost, gain) in enumerate(zip(bits, sqnr, strict=True)):
        beaten = any(
            b <= cost and s >= gain and (b < cost or s > gain)
            for b, s in zip(bits, sqnr, strict=True)
        )
        if not beaten and not math.isnan(gain):
            kept.append(place)
    return sorted(kept, key=lambda place: bits[place])
