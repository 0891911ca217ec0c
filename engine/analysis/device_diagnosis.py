"""Diagnoses of differences between a device's codes and a scheme's, one sentence each.

Each is confirmed by the data; those that explain all differences come first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from quantoscope.engine import cancellation
from quantoscope.engine.analysis.value_trace import trace
from quantoscope.engine.evaluation.evaluator import evaluate
from quantoscope.engine.evaluation.result import Evaluation
from quantoscope.engine.numerics.arrays import FloatArray, IntArray
from quantoscope.engine.numerics.kernels import Progress
from quantoscope.engine.schemes.runtimes import RUNTIMES

TIE = 1e-6
"""Maximum relative distance from a rounding tie that counts as a tie."""


@dataclass(frozen=True, eq=False)
class Found:
    """A diagnosis and the values that it explains."""

    key: str
    title: str
    mask: np.ndarray
    first: str = ""
    second: str = ""


@dataclass(frozen=True, eq=False)
class Case:
    """Input of the diagnoses."""

    x: FloatArray
    evaluation: Evaluation
    stored: IntArray  # as dumped, in the array's shape
    codes: np.ndarray  # the same, in a dtype wide enough for differences
    ours: np.ndarray
    known: np.ndarray  # whether the value is not NaN
    differs: np.ndarray
    step: Progress | None

    @property
    def apart(self) -> np.ndarray:
        """Device codes minus scheme codes."""
        apart: np.ndarray = np.subtract(self.codes, self.ours)
        return apart

    @property
    def count(self) -> int:
        """Number of differing codes."""
        return int(np.count_nonzero(self.differs))

    def unlike(self, codes: np.ndarray) -> int:
        """Return the number of codes that differ from the scheme's."""
        return int(np.count_nonzero((codes != self.ours) & self.known))


def diagnoses(case: Case) -> Iterator[Found]:
    """Yield the valid diagnoses, those that explain all differences first."""
    for find in (_shifted, _reordered, _other_runtimes, _clipped_elsewhere, _on_ties, _foreign):
        cancellation.check()
        yield from find(case)


def _shifted(case: Case) -> Iterator[Found]:
    """Diagnose a constant offset of codes, or a wrap by the code range."""
    fmt = case.evaluation.scheme.format
    turn = int(fmt.qmax) - int(fmt.qmin) + 1
    if turn & (turn - 1):
        turn += 1  # the narrow range omits one code
    apart = case.apart
    amounts = np.unique(apart[case.differs])
    if (amounts % turn == 0).all():
        yield Found(
            "sign",
            f"They differ by multiples of {turn}: codes with and without sign were mixed up",
            case.differs,
        )
        return
    # At the ends of the range, either side may have been clipped after shifting.
    lowest, highest = int(case.codes.min()), int(case.codes.max())
    inside = case.known & (case.ours > fmt.qmin) & (case.ours < fmt.qmax)
    inside &= (case.codes > lowest) & (case.codes < highest)
    everywhere = np.unique(apart[case.known])
    constant = everywhere if everywhere.size == 1 else np.unique(apart[inside])
    if constant.size != 1 or constant[0] == 0:
        return
    by = int(constant[0])
    mask = case.differs & (apart == by)
    if everywhere.size > 1 and np.count_nonzero(inside) < 3:
        return  # too few to be significant
    why = f"the device's zero point is {abs(by)} {'higher' if by > 0 else 'lower'}"
    if abs(by) == turn // 2:
        why += ", or its codes are unsigned" if by > 0 else ", or its codes are signed"
    all_of = "All codes differ" if everywhere.size == 1 else "All codes inside the range differ"
    yield Found("offset", f"{all_of} by {by:+d}: {why}", mask)


def _reordered(case: Case) -> Iterator[Found]:
    """Diagnose another order of axes, reversal, or swapped bytes."""
    best: tuple[int, str] | None = None
    for words, codes in _orders(case):
        cancellation.check()
        if case.step is not None:
            case.step(0, 1)
        unlike = case.unlike(codes)
        if best is None or unlike < best[0]:
            best = unlike, words
    if best is None or best[0] * 4 >= case.count:
        return
    fits = "they all agree" if best[0] == 0 else f"only {best[0]:,} differ"
    yield Found("order", f"Read {best[1]}, {fits}", case.differs)


def _orders(case: Case) -> Iterator[tuple[str, np.ndarray]]:
    shape, flat = case.x.shape, case.codes.reshape(-1)
    axes = range(len(shape))
    if len(shape) <= 4:
        permutations = list(itertools.permutations(axes))[1:]
    else:
        permutations = [tuple(reversed(axes))]
    for order in permutations:
        dumped = tuple(shape[axis] for axis in order)
        if sum(n > 1 for n in shape) < 2:
            continue
        back = np.argsort(order)
        if len(shape) == 2:
            words = f"as the transposed array, {dumped[0]}×{dumped[1]}"
        elif order == tuple(reversed(axes)):
            words = f"with the axes in reverse, {'×'.join(map(str, dumped))}"
        else:
            words = f"with the axes in the order {', '.join(map(str, order))}"
        yield words, flat.reshape(dumped).transpose(back)
    if flat.size > 1:
        yield "from the last to the first", flat[::-1].reshape(shape)
    if case.stored.dtype.itemsize > 1:
        yield "with the bytes of each code in reverse", case.stored.byteswap().astype(np.int64)


def _other_runtimes(case: Case) -> Iterator[Found]:
    """Diagnose another arithmetic that gives the device's codes, or most of them."""
    scheme = case.evaluation.scheme
    unlike: dict[str, np.ndarray] = {}
    for name in ("", *RUNTIMES):
        if name == scheme.runtime:
            continue
        try:
            other = replace(scheme, runtime=name)
            theirs = evaluate(case.x, other, progress=case.step, role=case.evaluation.role)
        except ValueError:
            continue  # the runtime lacks the scheme, or cannot apply it to these values
        words = f"@{name}" if name else "the textbook's arithmetic"
        unlike[words] = (case.codes != theirs.codes) & case.known
    counts = {words: int(np.count_nonzero(mask)) for words, mask in unlike.items()}
    if not counts or min(counts.values()) >= case.count:
        return
    fewest = min(counts.values())
    names = [words for words, count in counts.items() if count == fewest]
    listed = ", ".join(names)
    own = f"@{scheme.runtime}" if scheme.runtime else "textbook"
    if fewest == 0:
        title = f"The device's codes are exactly those of {listed}"
    else:
        title = f"The device's codes are nearest to those of {listed}: {fewest:,} differ"
    mask = case.differs & ~unlike[names[0]]
    yield Found("runtime", title, mask, own, names[0])


def _clipped_elsewhere(case: Case) -> Iterator[Found]:
    """Diagnose clipping at other ends."""
    codes, ours = case.codes[case.known], case.ours[case.known]
    lowest, highest = int(codes.min()), int(codes.max())
    if (np.clip(ours, lowest, highest) == codes).all():
        pairs = (lowest, ours.min()), (highest, ours.max())
        ends = [str(device) for device, own in pairs if device != own]
        title = f"Only clipping differs: the device's codes end at {' and '.join(ends)}"
        yield Found("clip", title, case.differs)
    elif (np.clip(codes, int(ours.min()), int(ours.max())) == ours).all():
        saturated = case.evaluation.saturated.astype(bool)
        if (saturated | ~case.differs).all():
            title = f"Only where the scheme clips: the device's codes go from {lowest} to {highest}"
            yield Found("clip", title, case.differs)


def _on_ties(case: Case) -> Iterator[Found]:
    """Diagnose differences of one at rounding ties."""
    places = np.flatnonzero(case.differs & (np.abs(case.apart) == 1))
    if places.size < case.count:
        return
    unrounded = trace(case.x, case.evaluation.qparams, places).unrounded.astype(np.float64)
    off = np.abs(np.abs(unrounded - np.floor(unrounded)) - 0.5)
    near = off <= TIE * np.maximum(1.0, np.abs(unrounded))
    count = int(np.count_nonzero(near))
    if count == 0:
        return
    mask = np.zeros(case.x.shape, bool)
    mask.reshape(-1)[places[near]] = True
    title = (
        f"Every difference is ±1, and {count:,} of {case.count:,} lie on a rounding tie or within "
        "a millionth of one: another rounding"
    )
    yield Found("ties", title, mask)


def _foreign(case: Case) -> Iterator[Found]:
    """Diagnose codes outside the scheme's format."""
    fmt = case.evaluation.scheme.format
    mask = case.known & ((case.codes < fmt.qmin) | (case.codes > fmt.qmax))
    if mask.any():
        title = f"These codes lie outside {fmt.qmin} … {fmt.qmax}, the codes of {fmt}"
        yield Found("outside", title, mask & case.differs)
