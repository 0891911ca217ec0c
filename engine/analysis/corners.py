"""Corners between two schemes: the parameters of each combination of their choices."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from quantoscope.engine.analysis.choices import Choices, State, bounded
from quantoscope.engine.calibration import MINMAX
from quantoscope.engine.errors import QuantizationError
from quantoscope.engine.evaluation.clip_range import ClipRanges
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.kernels import Progress
from quantoscope.engine.quantizers import QParams, Quantizer
from quantoscope.engine.schemes.scheme import Scheme

MOST_CHOICES = 6
"""Maximum number of choices; more are merged in groups, since each doubles the work."""
MOST_SEARCHED = 4
"""Maximum number of choices if every corner needs its own search."""
MOST_SETS = 1 << 22
"""So many sets of parameters may be kept for all corners together, or fewer choices are told
apart."""


class Calibrated(Protocol):
    """A scheme with its parameters for an array, such as an evaluation."""

    @property
    def scheme(self) -> Scheme:
        """The scheme."""

    @property
    def qparams(self) -> QParams:
        """Its parameters."""


@dataclass(frozen=True, eq=False)
class Corner:
    """Parameters of a corner."""

    quantizer: Quantizer
    p: QParams
    """With as much as it takes to encode, decode and count bits."""
    key: bytes
    """Key, equal for corners with equal results."""


class Corners:
    """Lazily computed parameters of every corner.

    Parameters
    ----------
    x : ndarray of the working precision
    before, after : Calibrated
        For that array: the first and the last corner.
    step : callable, optional
        Progress callback; may raise to stop.
    ranges : ClipRanges, optional
        Clipping ranges of that array, to share them with other corners.
    """

    def __init__(
        self,
        x: FloatArray,
        before: Calibrated,
        after: Calibrated,
        step: Progress | None,
        ranges: ClipRanges | None = None,
    ) -> None:
        self.x = x
        self._ends_of_game = before.qparams, after.qparams
        self._sets = max(1, before.qparams.count, after.qparams.count)
        searches = any(e.scheme.calibration.how.searches for e in (before, after))
        self._most = MOST_SEARCHED if searches else MOST_CHOICES
        self._ranges = ClipRanges(x, self.check) if ranges is None else ranges
        self._known: dict[int, Corner | None] = {}
        self._choices: Choices | None = None
        self.step = step
        self.done, self.total = 0, 1

    def choices(self, every: Choices) -> Choices:
        """Return the distinguished choices."""
        self._choices = every
        most = max(1, min(self._most, (MOST_SETS // self._sets).bit_length() - 1))

        def idle(number: int) -> bool:
            """Whether nothing changes by the choice alone, or in one order and its reverse."""
            bit = 1 << number
            earlier = bit - 1
            later = every.full ^ earlier ^ bit
            return all(
                self._alike(made, made | bit) for made in (0, later | earlier, earlier, later)
            )

        made = bounded(every, most, idle)
        if made is not every:
            self._choices, self._known = made, {}
        self.total = made.full + 1
        return made

    def _alike(self, one: int, other: int) -> bool:
        """Return whether two corners probably give equal results.

        Ranges are not searched for this test; a choice without effect here counts as idle.
        """
        assert self._choices is not None
        keys = []
        for made in (one, other):
            state = self._choices.corner(made)
            if state is None:
                return True
            scheme = state.scheme
            if scheme.calibration.how.searches:
                state = replace(state, scheme=replace(scheme, calibration=MINMAX))
            p = self._parameters(state)
            if p is None:
                return True
            keys.append((scheme.calibration, _key(state, p)))
        return keys[0] == keys[1]

    def corner(self, made: int) -> Corner | None:
        """Return a corner; None if it is not a valid scheme, or cannot be applied."""
        if made not in self._known:
            assert self._choices is not None
            state = self._choices.corner(made)
            self._known[made] = None if state is None else self._made(state, made)
        return self._known[made]

    def tell(self, done: int) -> None:
        """Report progress."""
        self.done = done
        self.check()

    def check(self, *_: int) -> None:
        """Raise if the work was stopped."""
        if self.step is not None:
            self.step(self.done, self.total)

    def _made(self, state: State, made: int) -> Corner | None:
        assert self._choices is not None
        at_an_end = made in (0, self._choices.full)
        p = self._ends_of_game[made != 0] if at_an_end else self._parameters(state)
        if p is None:
            return None
        lean = p.lean(state.quantizer.exact_scale)
        if np.ndim(p.scale):
            # Reuse the range and its origin.
            nothing = np.broadcast_to(np.float64(0), np.shape(p.scale))
            lean = replace(lean, range=(nothing, nothing), origin=nothing)
        return Corner(state.quantizer, lean, _key(state, lean))

    def _parameters(self, state: State) -> QParams | None:
        scheme = state.scheme
        try:
            ends = self._ranges.ends(scheme, state.arithmetic)
        except QuantizationError:
            return None
        return state.quantizer.parameters(ends, scheme.format, state.arithmetic, scheme.granularity)


def _key(state: State, p: QParams) -> bytes:
    a = state.arithmetic
    plain = (
        state.quantizer.encoding_key(),
        (state.scheme.format, state.scheme.granularity, p.dtype, p.qmin, p.qmax),
        (a.rounding, a.reciprocal, a.zero_point_first, a.fused, a.middle_zero),
    )
    found = hashlib.blake2b(repr(plain).encode())
    exact = state.quantizer.exact_scale
    scales = (p.scale, p.divisor) if exact else (p.working_scale, p.working_divisor)
    for numbers in (*scales, p.zero_point, p.offset):
        many = np.ndim(numbers) > 0
        found.update(np.ascontiguousarray(numbers).tobytes() if many else repr(numbers).encode())
    return found.digest()
