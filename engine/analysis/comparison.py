"""Comparison of two schemes: where they differ, and the contribution of each choice.

Every order in which the differing choices can be made is a path from one scheme to the other. On
each path, a choice moves a value from its position to the next. A cause's share of a value is the
mean distance over all orders by which the choice moves it, relative to all choices (the Shapley
value). So no order is preferred, and the shares are the same from the second scheme to the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from quantoscope.engine.analysis.choices import Choices, choices_between, orders
from quantoscope.engine.analysis.corners import Calibrated, Corner, Corners
from quantoscope.engine.evaluation.clip_range import ClipRanges
from quantoscope.engine.evaluation.evaluator import evaluate
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import FloatArray, as_working
from quantoscope.engine.numerics.kernels import (
    UNIT,
    Progress,
    Scratch,
    flat_block,
    over_blocks,
    where_nan,
)
from quantoscope.engine.numerics.roles import Role
from quantoscope.engine.quantizers import QUANTIZERS
from quantoscope.engine.quantizers.base import Choice
from quantoscope.engine.schemes.scheme import Scheme

BLOCK = 64 * UNIT
"""Values per block, which every corner has."""
NOTHING = 1e-9
"""Smallest share; less is rounding error."""


class Compared(StrEnum):
    """The compared quantity."""

    CODES = "codes"
    VALUES = "reconstructed values"


@dataclass(frozen=True)
class Cause:
    """A choice that makes values differ.

    Attributes
    ----------
    key : str
        The choice, such as ``rounding``.
    title : str
        Title for the user.
    first, second : str
        The choice of each scheme.
    count : int
        Number of values of which it has the largest share.
    example : int
        Flat position of the one with the largest difference. If there is none,
        of the value of which its share is largest.
    share : float
        Sum of its shares over all values; the shares of all causes add up to the number of
        differing values.
    """

    key: str
    title: str
    first: str
    second: str
    count: int
    example: int
    share: float = 0.0

    def __str__(self) -> str:
        return f"{self.title}: {self.first} / {self.second}"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Comparison of two schemes on an array.

    Attributes
    ----------
    first, second : Evaluation
    compared : Compared
        ``"codes"`` where the codes of both mean the same, else ``"reconstructed values"``.
    differs : ndarray of bool, shape of the array
    cause_of : ndarray of int8, shape of the array
        Index in ``causes`` of the largest share of a value, −1 if it does not
        differ.
    part_of : ndarray of uint8, shape of the array
        That share in per cent.
    together : ndarray of bool, shape of the array
        Whether only two or more choices together change a value.
    causes : tuple of Cause
        Causes with a share, the largest first.
    unequal : tuple of Cause
        The choices in which the schemes differ without consequence here; their counts are 0.
    """

    first: Evaluation
    second: Evaluation
    compared: Compared
    differs: np.ndarray
    cause_of: np.ndarray
    part_of: np.ndarray
    together: np.ndarray
    causes: tuple[Cause, ...]
    unequal: tuple[Cause, ...]

    def __repr__(self) -> str:
        what = f"{self.count:,} of {self.differs.size:,} {self.compared} differ"
        return f"<{type(self).__name__} {self._between()}: {what}>"

    def _between(self) -> str:
        return f"{self.first.scheme} / {self.second.scheme}"

    @property
    def in_codes(self) -> bool:
        """Whether differences are integer codes, not in the unit of R."""
        return self.compared is Compared.CODES and self.first.qparams.format.integer

    @property
    def count(self) -> int:
        """Number of differing values."""
        return int(np.count_nonzero(self.differs))

    @property
    def count_together(self) -> int:
        """Number of values that no single choice changes."""
        return int(np.count_nonzero(self.together))

    @property
    def largest_step(self) -> float:
        """The largest difference: in codes if these are integers, else in the unit of R."""
        return float(self.difference().max(initial=0.0))

    def difference(self) -> np.ndarray:
        """Return the difference per value, in float64; 0 for equal values.

        Of integer codes, or else of reconstructed values.
        """
        if self.in_codes:
            apart = np.abs(self.second.codes.astype(np.float64) - self.first.codes)
            return np.where(self.differs, apart, 0.0)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = self.second.reconstructed.astype(np.float64) - self.first.reconstructed
        return np.where(self.differs, np.nan_to_num(np.abs(apart), nan=np.inf), 0.0)


def compare(
    x: ArrayLike,
    first: Scheme | str,
    second: Scheme | str,
    *,
    progress: Progress | None = None,
    role: Role | None = None,
) -> Comparison:
    """Compare two schemes on an array, with the causes of differences.

    Parameters
    ----------
    x : array_like
        Any shape. NaN differs nowhere.
    first, second : Scheme or str
    progress : callable, optional
        Called with (done, total); an exception stops the work.
    role : Role, optional
        What ``out`` and ``in`` in the schemes mean.

    Raises
    ------
    QuantizationError
        As ``evaluate``, for either scheme.
    """
    r = as_working(x)
    before, after = (evaluate(r, each, progress=progress, role=role) for each in (first, second))
    return compare_evaluations(r, before, after, progress)


def compare_evaluations(
    r: FloatArray, before: Evaluation, after: Evaluation, step: Progress | None = None
) -> Comparison:
    """Compare two evaluations of the array ``r``, with the causes of differences.

    ``step`` is ``progress`` of ``compare``.
    """
    # The choices between them are tried on this array, so they need the numbers of its axes.
    first, second = (e.concrete_scheme for e in (before, after))
    compared = Compared.CODES if _same_codes(first, second) else Compared.VALUES
    differs = _unlike(_compared(before, compared), _compared(after, compared)) & ~where_nan(r)
    work = Corners(r, before, after, step)
    choices = work.choices(choices_between(first, second))
    blocks = -(-r.size // BLOCK)
    work.total += blocks * (blocks > 1)
    made = Comparison(
        before,
        after,
        compared,
        differs,
        cause_of=np.full(r.shape, -1, np.int8),
        part_of=np.zeros(r.shape, np.uint8),
        together=np.zeros(r.shape, np.bool_),
        causes=(),
        unequal=(),
    )
    return _with_causes(made, choices, _shares(made, choices, work))


def _compared(evaluation: Evaluation, compared: Compared) -> np.ndarray:
    return evaluation.codes if compared is Compared.CODES else evaluation.reconstructed


def _unlike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # NaN differs from itself.
    return np.asarray(~((a == b) | ((a != a) & (b != b))))


def _same_codes(first: Scheme, second: Scheme) -> bool:
    """Return whether equal codes mean equal multiples of the scale, with equal offsets."""
    if first.format != second.format and not (first.format.mapping and second.format.mapping):
        return False
    return QUANTIZERS[first.mapping].shares_codes(QUANTIZERS[second.mapping])


@dataclass(frozen=True, eq=False)
class _Shares:
    """Sum of each choice's shares, the largest share of a value, and its flat position.

    Of a block's values, or of all; every array has shape (choices,).
    """

    sums: np.ndarray
    most: np.ndarray
    where: np.ndarray


def _shares(made: Comparison, choices: Choices, work: Corners) -> _Shares:
    """Compute the choices' shares of every differing value, and fill the comparison's arrays."""
    count = choices.count
    nothing = np.zeros(count)
    if not made.differs.any():
        return _Shares(nothing, nothing, nothing.astype(np.int64))
    moves = _Moves(choices, work, made.compared)
    differs = made.differs
    flat = {name: getattr(made, name).reshape(-1) for name in ("cause_of", "part_of", "together")}

    def block(start: int, stop: int, scratch: Scratch) -> _Shares:
        inside = np.flatnonzero(flat_block(differs, start, stop))
        if not inside.size:
            return _Shares(nothing, nothing, nothing.astype(np.int64))
        where = start + inside
        exact, together = moves.of(flat_block(work.x, start, stop)[inside], where)
        share = np.round(exact, 9)
        flat["cause_of"][where] = share.argmax(axis=0)
        flat["part_of"][where] = np.rint(100 * share.max(axis=0))
        flat["together"][where] = together
        at = share.argmax(axis=1)
        return _Shares(exact.sum(axis=1), share[np.arange(count), at], where[at])

    def tell(done: int, _: int) -> None:
        work.tell(choices.full + 1 + done)

    parts = over_blocks(differs.size, block, None if work.step is None else tell, block=BLOCK)
    most = np.array([part.most for part in parts])
    best = most.argmax(axis=0)
    where = np.array([part.where for part in parts])
    every = np.arange(count)
    return _Shares(
        np.sum([part.sums for part in parts], axis=0), most[best, every], where[best, every]
    )


class _Moves:
    """How far choices move values from one corner to the next, in all orders."""

    def __init__(self, choices: Choices, work: Corners, compared: Compared) -> None:
        self._compared, self._shape = compared, work.x.shape
        self._count = count = choices.count
        corners: list[Corner | None] = []
        for number in range(choices.full + 1):
            work.tell(number)
            corners.append(work.corner(number))
        steps = orders(choices, lambda number: corners[number] is not None)
        assert steps is not None
        # Corners with equal results are computed once.
        self._distinct = list({c.key: c for c in corners if c is not None}.values())
        known = {corner.key: number for number, corner in enumerate(self._distinct)}
        self._row = row = [-1 if c is None else known[c.key] for c in corners]
        self._taken = [
            (i, row[number], row[number | 1 << i], float(steps[i, number]))
            for i in range(count)
            for number in range(choices.full + 1)
            if steps[i, number] and row[number] != row[number | 1 << i]
        ]
        self._single = [row[1 << i] for i in range(count) if row[1 << i] >= 0]

    def of(self, r: FloatArray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the choices' shares of differing values at flat positions.

        In float64, shape (choices, n), and whether no single choice changes a value, in bool.
        """
        numbers, marks = self._made(r, where)
        moved = np.zeros((self._count, where.size))
        with np.errstate(all="ignore"):
            for i, now, then, weight in self._taken:
                moved[i] += weight * np.abs(numbers[then] - numbers[now])
            total = moved.sum(axis=0)
        # Non-finite distances count as 0 or 1, and so do changes of the code only.
        odd = ~((total > 0) & (total < np.inf))
        if odd.any():
            moved[:, odd] = 0
            for i, now, then, weight in self._taken:
                moved[i, odd] += weight * _unlike(marks[now][odd], marks[then][odd])
            total = moved.sum(axis=0)
        together = np.zeros(where.size, np.bool_)
        if self._count > 1:
            unmoved = [~_unlike(marks[self._row[0]], marks[one]) for one in self._single]
            together |= np.logical_and.reduce(unmoved)
        return moved / total, together

    def _made(self, r: FloatArray, where: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Return the results of all corners for values without NaN.

        Numbers to subtract, shape (corners, n), and those to compare.
        """
        numbers = np.empty((len(self._distinct), r.size))
        marks: list[np.ndarray] = []
        for place, corner in enumerate(self._distinct):
            p = corner.p.at(corner.p.granularity.of(where, self._shape))
            with np.errstate(all="ignore"):
                values = r.astype(p.dtype, copy=False)
            codes, _ = corner.quantizer.encode(values, p, where)
            in_codes = self._compared is Compared.CODES
            marks.append(codes if in_codes else corner.quantizer.decode(codes, p))
            numbers[place] = p.format.unpack(codes) if in_codes else marks[-1]
        return numbers, marks


def cause_at(
    r: FloatArray,
    first: Calibrated,
    second: Calibrated,
    position: int,
    compared: Compared,
    ranges: ClipRanges,
) -> Cause:
    """Return the choice with the largest share of one value, which differs, as ``compare`` does.

    The schemes have the numbers of their axes, the parameters are those of the whole array ``r``,
    ``position`` is flat, and ``ranges`` are the array's.
    """
    work = Corners(r, first, second, None, ranges)
    choices = work.choices(choices_between(first.scheme, second.scheme))
    where = np.array([position])
    exact, _ = _Moves(choices, work, compared).of(r.flat[where], where)
    share = np.round(exact[:, 0], 9)
    largest = int(share.argmax())
    return _cause(choices.choices[largest], 1, position, float(share[largest]))


def _with_causes(made: Comparison, choices: Choices, shares: _Shares) -> Comparison:
    count = choices.count
    counts = np.bincount(made.cause_of[made.differs].astype(np.int64), minlength=count)
    apart = made.difference()
    causes, unequal = [], []
    for number, choice in enumerate(choices.choices):
        share = float(shares.sums[number])
        if share > NOTHING * made.count:
            example = int(shares.where[number])
            if counts[number]:
                example = int(np.where(made.cause_of == number, apart, -1.0).argmax())
            causes.append((number, _cause(choice, int(counts[number]), example, share)))
        else:
            unequal += [_cause(one) for one in choices.single(number) if one.first != one.second]
    causes.sort(key=lambda pair: (-round(pair[1].share, 6), pair[0]))
    place = np.full(count + 1, -1, np.int8)
    for rank, (number, _) in enumerate(causes):
        place[number] = rank
    unequal += [_cause(choice) for choice in choices.silent if choice.first != choice.second]
    return replace(
        made,
        cause_of=place[made.cause_of],
        causes=tuple(cause for _, cause in causes),
        unequal=tuple(unequal),
    )


def _cause(choice: Choice, count: int = 0, example: int = 0, share: float = 0.0) -> Cause:
    return Cause(choice.key, choice.title, choice.first, choice.second, count, example, share)
