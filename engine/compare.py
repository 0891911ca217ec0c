"""Two schemes side by side: where they differ, and which of their choices makes each difference.

The first scheme is turned into the second one choice at a time, in the order of the arithmetic:
which values share parameters, the range, format and mapping, then the variation points from the
scale to the rounding. A value that differs in the end is put down to the last choice without
which it would not yet be what the second scheme makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from engine.arithmetic import Arithmetic
from engine.arrays import FloatArray, as_working
from engine.evaluate import decoded, encoded, evaluate
from engine.evaluation import Evaluation
from engine.formats import parse_format
from engine.kernels import Step
from engine.quantizers import QUANTIZERS, Quantizer
from engine.ranges import clip_ends
from engine.scheme import Scheme, as_scheme
from engine.variation import POINTS

CODES, VALUES = "codes", "rebuilt values"


@dataclass(frozen=True)
class Cause:
    """One choice that makes values differ.

    Attributes
    ----------
    key : str
        The choice, such as ``rounding``.
    title : str
        What people call it.
    first, second : str
        How either scheme chooses.
    count : int
        How many values it makes differ.
    example : int
        The flat position of one of them: that with the largest difference.
    """

    key: str
    title: str
    first: str
    second: str
    count: int
    example: int

    def __str__(self) -> str:
        return f"{self.title}: {self.first} / {self.second}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """What two schemes make of one array.

    Attributes
    ----------
    first, second : Evaluation
    compared : str
        ``"codes"`` where the codes of both mean the same, else ``"rebuilt values"``.
    differs : ndarray of bool, shape of the array
    cause_of : ndarray of int8, shape of the array
        The place in ``causes`` of what makes a value differ, −1 where it does not.
    causes : tuple of Cause
        Those that make any value differ, the most frequent first.
    unequal : tuple of Cause
        The choices in which the schemes differ without consequence here; their counts are 0.
    """

    first: Evaluation
    second: Evaluation
    compared: str
    differs: np.ndarray
    cause_of: np.ndarray
    causes: tuple[Cause, ...]
    unequal: tuple[Cause, ...]

    @property
    def count(self) -> int:
        """How many values differ."""
        return int(np.count_nonzero(self.differs))

    @property
    def largest_step(self) -> float:
        """The largest difference: in integer codes, or in the unit of R between rebuilt values."""
        return float(self.difference().max(initial=0.0))

    def difference(self) -> np.ndarray:
        """Return how far apart they are, in float64; 0 where they do not differ.

        Integer codes by their difference, others by that of the rebuilt values.
        """
        if self.compared == CODES and self.first.qparams.format.integer:
            apart = np.abs(self.second.codes.astype(np.float64) - self.first.codes)
            return np.where(self.differs, apart, 0.0)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = self.second.reconstructed.astype(np.float64) - self.first.reconstructed
        return np.where(self.differs, np.nan_to_num(np.abs(apart), nan=np.inf), 0.0)


@dataclass(frozen=True)
class _State:
    """A scheme on its way from one to the other."""

    scheme: Scheme
    quantizer: Quantizer
    arithmetic: Arithmetic

    def result(self, x: FloatArray) -> tuple[np.ndarray, np.ndarray]:
        """Codes and rebuilt values; NaN counts as 0."""
        a, scheme = self.arithmetic, self.scheme
        with np.errstate(over="ignore", under="ignore"):
            r = x.astype(a.working(x.dtype), copy=False)
        ends = clip_ends(r, scheme, a)
        p = self.quantizer.parameters(ends, scheme.format, a, scheme.granularity)
        codes = encoded(np.where(np.isnan(r), r.dtype.type(0), r), p, self.quantizer)
        return codes, decoded(codes, p)


@dataclass(frozen=True)
class _Turn:
    """One step on the way: the choice, how it is made before and after, and what comes of it."""

    key: str
    title: str
    first: str
    second: str
    state: _State


def _state(scheme: Scheme) -> _State:
    """A scheme with its arithmetic laid open: no runtime, no rounding of its own."""
    plain = Scheme(scheme.format, scheme.mapping, scheme.calibration, scheme.granularity)
    return _State(plain, QUANTIZERS[scheme.mapping], scheme.arithmetic)


def _path(first: Scheme, second: Scheme) -> list[_Turn]:
    """The steps from one scheme to the other."""
    state, goal = _state(first), _state(second)
    if first.format.mapping and second.format.mapping:
        turns = []
        for change in state.quantizer.steps_to(goal.quantizer):
            whole = change.quantizer is goal.quantizer
            state = goal if whole else replace(state, quantizer=change.quantizer)
            turns.append(_Turn(change.key, change.title, change.old, change.new, state))
        return turns
    if second.format.mapping:
        return [*_affine(state, second), *_into_block(first, second)]
    if first.format.mapping:
        # The same steps, taken back.
        return _reversed([*_affine(goal, first), *_into_block(second, first)], goal)
    return _affine_to(state, goal)


def _affine(state: _State, block: Scheme) -> list[_Turn]:
    """The steps from an affine scheme to the one whose codes are those of a block format."""
    goal = _plain_state(block)
    return [] if goal is None else _affine_to(state, goal)


def _plain_state(block: Scheme) -> _State | None:
    quantizer = QUANTIZERS[block.mapping]
    plain = quantizer.plain()
    if plain is None:
        return None
    fmt = parse_format(plain.format)
    assert fmt is not None
    scheme = Scheme(fmt, plain.mapping, block.calibration, block.granularity)
    return _State(scheme, QUANTIZERS[plain.mapping], plain.arithmetic)


def _into_block(other: Scheme, block: Scheme) -> list[_Turn]:
    plain = QUANTIZERS[block.mapping].plain()
    if plain is None:
        return [_Turn("format", "Format", str(other), str(block), _state(block))]
    return [_Turn("float16", plain.title, plain.plain, plain.own, _state(block))]


def _reversed(turns: list[_Turn], goal: _State) -> list[_Turn]:
    states = [goal, *(turn.state for turn in turns[:-1])]
    back = [
        _Turn(turn.key, turn.title, turn.second, turn.first, state)
        for turn, state in zip(turns, states, strict=True)
    ]
    return back[::-1]


def _affine_to(state: _State, goal: _State) -> list[_Turn]:
    """The steps between two schemes of a format and a mapping."""
    turns: list[_Turn] = []

    def turn(key: str, title: str, old: str, new: str, **changes: Any) -> None:
        nonlocal state
        scheme = replace(state.scheme, **changes)
        state = _State(scheme, QUANTIZERS[scheme.mapping], state.arithmetic)
        turns.append(_Turn(key, title, old, new, state))

    for key, title in (("granularity", "Granularity"), ("calibration", "Calibration")):
        old, new = getattr(state.scheme, key), getattr(goal.scheme, key)
        if old != new:
            turn(key, title, str(old), str(new), **{key: new})
    now, then = state.scheme, goal.scheme
    if now.format != then.format:
        together = bool(QUANTIZERS[now.mapping].refuses(then.format))
        change: dict[str, Any] = {"format": then.format}
        if together:
            change["mapping"] = then.mapping
        old_word, word = (
            f"{s.format} {s.mapping}" if together else str(s.format) for s in (now, then)
        )
        turn("format", "Format", old_word, word, **change)
    if state.scheme.mapping != then.mapping:
        turn("mapping", "Mapping", state.scheme.mapping, then.mapping, mapping=then.mapping)
    for point in POINTS:
        changes = {name: getattr(goal.arithmetic, name) for name in point.fields}
        changed = replace(state.arithmetic, **changes)
        if changed == state.arithmetic:
            continue
        old, new = (point.words(a, state.scheme) for a in (state.arithmetic, changed))
        state = replace(state, arithmetic=changed)
        turns.append(_Turn(point.key, point.title, old, new, state))
    return turns


def compare(
    x: ArrayLike,
    first: Scheme | str,
    second: Scheme | str,
    step: Step | None = None,
    known: tuple[Evaluation, Evaluation] | None = None,
) -> Comparison:
    """Return where two schemes differ on an array, and why.

    Parameters
    ----------
    x : array_like
        Any shape. NaN differs nowhere.
    first, second : Scheme or str
    step : callable, optional
        Called with how much is done of how much; what it raises stops the work.
    known : tuple of Evaluation, optional
        What the two make of the array, where that is at hand.

    Raises
    ------
    QuantizationError
        As ``evaluate``, for either scheme.
    """
    first, second = as_scheme(first), as_scheme(second)
    r = as_working(x)
    before, after = known or (evaluate(r, first, step=step), evaluate(r, second, step=step))
    compared = CODES if _same_codes(first, second) else VALUES
    nan = np.isnan(r)
    now, goal = _compared(before, compared), _compared(after, compared)
    differs = _unlike(now, goal) & ~nan
    cause = np.full(r.shape, -1, np.int8)
    turns = _path(first, second)
    previous = now
    for number, turn in enumerate(turns):
        if step is not None:
            step(number, len(turns))
        cause[differs & _unlike(previous, goal)] = number
        if number + 1 < len(turns):
            previous = turn.state.result(r)[0 if compared == CODES else 1]
    # Whatever the last step leaves is its own.
    made = Comparison(before, after, compared, differs, cause, (), ())
    return _with_causes(made, turns)


def _compared(evaluation: Evaluation, compared: str) -> np.ndarray:
    return evaluation.codes if compared == CODES else evaluation.reconstructed


def _unlike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # NaN is unlike itself.
    return np.asarray(~((a == b) | ((a != a) & (b != b))))


def _same_codes(first: Scheme, second: Scheme) -> bool:
    """Whether equal codes mean equal multiples of the scale, shifted alike."""
    if (first.format, first.mapping) == (second.format, second.mapping):
        return True
    mx = (scheme.mapping.startswith("mxfp4-") for scheme in (first, second))
    return all(mx)


def _with_causes(made: Comparison, turns: list[_Turn]) -> Comparison:
    counts = np.bincount(made.cause_of[made.differs].astype(np.int64), minlength=len(turns))
    apart = made.difference()
    causes, unequal = [], []
    for number, turn in enumerate(turns):
        words = turn.key, turn.title, turn.first, turn.second
        if counts[number]:
            example = int(np.where(made.cause_of == number, apart, -1.0).argmax())
            causes.append((number, Cause(*words, int(counts[number]), example)))
        elif turn.first != turn.second:
            unequal.append(Cause(*words, 0, 0))
    causes.sort(key=lambda pair: -pair[1].count)
    place = np.full(len(turns) + 1, -1, np.int8)
    for rank, (number, _) in enumerate(causes):
        place[number] = rank
    return replace(
        made,
        cause_of=place[made.cause_of],
        causes=tuple(cause for _, cause in causes),
        unequal=tuple(unequal),
    )
