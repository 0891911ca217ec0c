"""Waterfall from one scheme to another: what each choice brings in dB, in every order.

Every order in which the differing choices can be made is a path over corners from the first scheme
to the second. A choice's gain is the mean over all orders (the Shapley value), so that no order
is preferred, the gains add up to the difference, and from the second scheme to the first they are
the same with the other sign. Where choices interact, a gain depends on those made before: its
values in all orders are kept beside the mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.analysis.choices import Choices, State, choices_between, orders
from quantoscope.engine.analysis.corners import Corners
from quantoscope.engine.analysis.verdict import clipped_share, sqnr_of
from quantoscope.engine.evaluation.accumulators import Totals
from quantoscope.engine.evaluation.block_pass import BlockPass
from quantoscope.engine.evaluation.evaluator import evaluate
from quantoscope.engine.evaluation.metrics import METRIC, Sample
from quantoscope.engine.evaluation.others import totals_of_others
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics import kernels
from quantoscope.engine.numerics.arithmetic import TEXTBOOK
from quantoscope.engine.numerics.arrays import FloatArray, IntArray, as_working
from quantoscope.engine.numerics.kernels import Progress
from quantoscope.engine.quantizers import QUANTIZERS, QParams, Quantizer
from quantoscope.engine.quantizers.base import Choice
from quantoscope.engine.schemes.scheme import Scheme, as_scheme

SAME = 1e-9
"""Gains that differ by no more dB are one tick."""


Figures = tuple[float, float, float, int, int, float, float]
"""Of a corner, from ``sqnr`` to ``share_others`` of ``CornerFigures``."""


class Problem(StrEnum):
    """Why a difference has no gains."""

    NONE = ""
    EQUAL = "equal"
    """The schemes differ in no choice that changes values."""
    EXACT = "exact"
    """A corner loses nothing: its SQNR is ∞."""
    SILENT = "silent"
    """There is no signal: the SQNR of a corner is −∞, or NaN without finite values."""
    NO_WAY = "no way"
    """Every order leads through a scheme that cannot be applied."""


@dataclass(frozen=True)
class CornerFigures:
    """A scheme on the way, and what it costs."""

    made: int
    """Choices made as in the second scheme, one bit each."""
    name: str
    """The scheme as text, or the first scheme with the choices made."""
    sqnr: float
    others: float
    """SQNR in dB of all values, and of those beside the few; NaN if there are no few."""
    bits: float
    """Bits per value."""
    clipped: int
    clipped_others: int
    """Numbers of clipped values."""
    share: float
    share_others: float
    """Their shares of ΣE², from 0 to 1; NaN without error."""

    def db(self, others: bool) -> float:
        """Return the SQNR in dB of all values, or of those beside the few."""
        return self.others if others else self.sqnr


@dataclass(frozen=True)
class Gain:
    """What a choice brings in dB."""

    choice: Choice
    mean: float
    """Over all orders."""
    ticks: tuple[tuple[float, float], ...]
    """Every gain, ascending, with the share of orders that have it."""
    alone: float
    last: float
    """As the first choice made, and after all others; NaN if no order has it there."""

    @property
    def least(self) -> float:
        """The smallest gain in any order."""
        return self.ticks[0][0]

    @property
    def most(self) -> float:
        """The largest gain in any order."""
        return self.ticks[-1][0]


@dataclass(frozen=True)
class Waterfall:
    """Gains of all choices between two schemes on an array."""

    first: Scheme
    second: Scheme
    choices: tuple[Choice, ...]
    """In the order of the bits of a corner."""
    corners: Mapping[int, CornerFigures]
    """Every scheme on the way that can be applied."""
    few: int
    """Number of the values that set the range; 0 if no few do."""

    @property
    def full(self) -> int:
        """Corner of the second scheme."""
        return (1 << len(self.choices)) - 1

    @property
    def start(self) -> CornerFigures:
        """Figures of the first scheme."""
        return self.corners[0]

    @property
    def end(self) -> CornerFigures:
        """Figures of the second scheme."""
        return self.corners[self.full]

    def steps(self) -> list[tuple[int, int]]:
        """Return every choice that can follow a corner, as (number of the choice, corner)."""
        return [
            (number, made)
            for made in sorted(self.corners)
            for number in range(len(self.choices))
            if not made >> number & 1 and made | 1 << number in self.corners
        ]

    def problem(self, others: bool = False) -> Problem:
        """Return why there are no gains; ``Problem.NONE`` if there are."""
        if not self.choices:
            return Problem.EQUAL
        if self._shares() is None:
            return Problem.NO_WAY
        found = [corner.db(others) for corner in self.corners.values()]
        if any(math.isnan(db) or db == -math.inf for db in found):
            return Problem.SILENT
        return Problem.EXACT if math.inf in found else Problem.NONE

    def difference(self, others: bool = False) -> float:
        """Return the SQNR of the second scheme minus that of the first, in dB."""
        return self.end.db(others) - self.start.db(others)

    def gains(self, others: bool = False) -> tuple[Gain, ...]:
        """Return the gains, the largest mean first; empty if there is a problem."""
        shares = self._shares()
        if self.problem(others) or shares is None:
            return ()
        found = []
        for number, choice in enumerate(self.choices):
            bit = 1 << number
            by_corner = {
                made: self.corners[made | bit].db(others) - self.corners[made].db(others)
                for made in range(self.full + 1)
                if shares[number, made] > 0
            }
            mean = math.fsum(gain * shares[number, made] for made, gain in by_corner.items())
            ticks: list[tuple[float, float]] = []
            for made, gain in sorted(by_corner.items(), key=lambda pair: pair[1]):
                share = float(shares[number, made])
                if ticks and gain - ticks[-1][0] <= SAME:
                    ticks[-1] = ticks[-1][0], ticks[-1][1] + share
                else:
                    ticks.append((gain, share))
            alone, last = (by_corner.get(made, math.nan) for made in (0, self.full ^ bit))
            found.append(Gain(choice, mean, tuple(ticks), alone, last))
        return tuple(sorted(found, key=lambda gain: -gain.mean))

    def _shares(self) -> np.ndarray | None:
        """Return the share of orders of each step, shape (choices, corners)."""
        return orders(_Count(self.choices), lambda made: made in self.corners)


class _Count(Choices):
    """Choices of which only the number matters."""

    def __init__(self, choices: tuple[Choice, ...]) -> None:
        self.choices = choices

    def corner(self, made: int) -> State | None:
        return None


def waterfall(
    x: ArrayLike,
    first: Scheme | str | Evaluation,
    second: Scheme | str | Evaluation,
    few: IntArray | None = None,
    *,
    progress: Progress | None = None,
    known: dict[int, Figures] | None = None,
) -> Waterfall:
    """Return what each choice between two schemes brings.

    Corners whose range has to be searched come last; corners with equal parameters are computed
    once. If there are more than six choices, or four with searches, some are merged.

    Parameters
    ----------
    x : array_like
        Any shape.
    first, second : Scheme, str or Evaluation
        Evaluations of ``x`` are not computed again.
    few : ndarray of int, optional
        Flat positions, ascending, of values that set the range, for the figures without them.
    progress : callable, optional
        Called with (done, total); an exception stops the work.
    known : dict, optional
        Figures by corner, filled meanwhile: work that was stopped goes on from there.

    Raises
    ------
    QuantizationError
        As ``evaluate``, for either scheme.
    """
    r = as_working(x)
    known = {} if known is None else known
    before, after = (
        one if isinstance(one, Evaluation) else evaluate(r, as_scheme(one), progress=progress)
        for one in (first, second)
    )
    work = Corners(r, before, after, progress)
    # The choices between them are tried on this array, so they need the numbers of its axes.
    choices = work.choices(choices_between(before.concrete_scheme, after.concrete_scheme))
    states = {made: choices.corner(made) for made in range(choices.full + 1)}
    valid = [made for made, state in states.items() if state is not None]
    alike: dict[bytes, Figures] = {}
    found: dict[int, CornerFigures] = {}
    extremes = kernels.extremes(r)

    def searches(made: int) -> bool:
        state = states[made]
        return state is not None and state.scheme.calibration.how.searches

    ends = {0: before, choices.full: after}
    for done, made in enumerate(sorted(valid, key=lambda m: (m not in ends, searches(m), m))):
        work.tell(done)
        if made in ends:
            one = ends[made]
            totals, p, quantizer = one.totals, one.qparams, QUANTIZERS[one.qparams.mapping]
            known[made] = _figures(r, totals, p, quantizer, few)
        elif made not in known:
            corner = work.corner(made)
            if corner is None:
                continue
            if corner.key not in alike:
                run = BlockPass(r, corner.p, extremes, quantizer=corner.quantizer)
                blocks = run.blocks(work.check)
                sets = corner.p.count
                totals = Totals(blocks, np.zeros(0, np.int64), corner.p, r.size, sets)
                alike[corner.key] = _figures(r, totals, corner.p, corner.quantizer, few)
            known[made] = alike[corner.key]
        name = _name(made, states[made], before.scheme, after.scheme, choices)
        found[made] = CornerFigures(made, name, *known[made])
    count = 0 if few is None else len(few)
    return Waterfall(before.scheme, after.scheme, choices.choices, found, count)


def _figures(
    r: FloatArray, totals: Totals, p: QParams, quantizer: Quantizer, few: IntArray | None
) -> Figures:
    """Return the figures of a corner, from ``sqnr`` to ``share_others``."""
    sample = Sample(totals, -1)
    bits = METRIC["bits_per_value"].compute(sample)
    others, clipped_others, share_others = math.nan, 0, math.nan
    if few is not None and len(few):
        rest = totals_of_others(totals, r, p, quantizer, few)
        others, clipped_others = sqnr_of(rest), sum(rest.clipped)
        share_others = clipped_share(rest)
    clipped, share = sum(totals.clipped), clipped_share(totals)
    return sqnr_of(totals), others, bits, clipped, clipped_others, share, share_others


def _name(made: int, state: State | None, first: Scheme, second: Scheme, choices: Choices) -> str:
    """Return a corner as the text of a scheme, or of the first one with the choices made."""
    if made in (0, choices.full):
        return str(second if made else first)
    if state is not None and state.quantizer is QUANTIZERS[state.scheme.mapping]:
        a = state.arithmetic
        for runtime, rounding, pow2 in (
            ("", a.rounding, a.pow2),
            *((of.runtime, TEXTBOOK.rounding, False) for of in (first, second)),
        ):
            try:
                scheme = replace(state.scheme, runtime=runtime, rounding=rounding, pow2=pow2)
            except ValueError:
                continue
            if scheme.arithmetic == a:
                return str(scheme)
    words = (c.second for number, c in enumerate(choices.choices) if made >> number & 1)
    return f"{first} with {', '.join(words)}"
