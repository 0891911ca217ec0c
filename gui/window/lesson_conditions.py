"""What the lesson's steps wait for, and the numbers that it answers with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from quantoscope.engine import Evaluation, Scheme, evaluate
from quantoscope.engine.analysis.steps import steps
from quantoscope.engine.examples import THREE_WAYS
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.gui.common.localized_numbers import short
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.lesson_page import Step

OUTLIER = "outlier"
WHOLE = THREE_WAYS[2]
"""The scheme whose range an outlier sets."""
_OF_SCHEMES = ("sqnr_scale_only", "sqnr_symmetric", "sqnr_asymmetric", "S_ratio")
LEAST, MOST = 3, 40
"""How many numbers the lesson is about."""


@dataclass(frozen=True)
class Condition:
    """Whether a task is done; and a way to do it, as far as it is no change of numbers."""

    holds: Callable[..., bool]
    do: Callable[..., None] = lambda *_: None


def _clips(session: Session, at: int | None) -> bool:
    """Return whether the active scheme clips the value at a position."""
    evaluation = session.evaluator.fitting_evaluation
    if evaluation is None or at is None or session.evaluator.stale:
        return False
    made = steps(session.array, evaluation.scheme, evaluation.qparams, at)
    return bool(made.trace.saturated[0])


def _is_chosen(session: Session, at: str) -> bool:
    return session.view.chosen == int(at)


def _choose(session: Session, at: str) -> None:
    session.view.choose(int(at))


def _is_clipped(session: Session, at: str) -> bool:
    return _clips(session, session.view.chosen)


def _is_edited(session: Session, at: str, before: str) -> bool:
    return bool(session.array[int(at)] != np.float32(before))


def _fits(session: Session) -> bool:
    return not any(_clips(session, at) for at in range(session.array.size))


def _is_undone(session: Session, at: str, before: str) -> bool:
    return bool(session.array[int(at)] == np.float32(before))


def _undo(session: Session, at: str, before: str) -> None:
    session.undo_stack.undo()


def _is_active(session: Session, *words: str) -> bool:
    return session.active is not None and str(session.active.scheme) == " ".join(words)


def activate(session: Session, *words: str) -> None:
    """Make a scheme active; add it if it is not in the list."""
    text = " ".join(words)
    commands.add_schemes(session, [Scheme.parse(text)], text)


def _has_outlier(session: Session, times: str) -> bool:
    sizes = np.sort(np.abs(session.array.astype(np.float64)))
    return bool(sizes[-1] >= float(times) * sizes[-2])


def _cuts_outlier(session: Session, *_: str) -> bool:
    at, active = outlier_of(session.array), session.active
    fixed = active is not None and active.scheme.calibration.fixed is not None
    return fixed and all(_clips(session, n) == (n == at) for n in range(session.array.size))


def _cut(session: Session, *words: str) -> None:
    if session.active_uid is not None:
        commands.set_scheme(session, session.active_uid, Scheme.parse(" ".join(words)))


CONDITIONS = {
    "chosen": Condition(_is_chosen, _choose),
    "clipped": Condition(_is_clipped, _choose),
    "edited": Condition(_is_edited),
    "fits": Condition(_fits),
    "undone": Condition(_is_undone, _undo),
    "active": Condition(_is_active, activate),
    "outlier": Condition(_has_outlier),
    "cut": Condition(_cuts_outlier, _cut),
}
"""By the name that the page has for each."""


def outlier_of(array: FloatArray) -> int:
    """Return the position of the largest |R|."""
    return int(np.argmax(np.abs(array)))


def is_done(session: Session, step: Step) -> bool:
    """Return whether the task of a step is done, on a few finite numbers."""
    array, evaluator = session.array, session.evaluator
    if array.ndim != 1 or not LEAST <= array.size <= MOST or not np.isfinite(array).all():
        return False
    if evaluator.stale or evaluator.fitting_evaluation is None:
        return False
    if step.scheme and not _is_active(session, step.scheme):
        return False
    return CONDITIONS[step.condition].holds(session, *step.arguments)


def do(session: Session, step: Step, text: str) -> None:
    """Do the task of a step; ``text`` is the name of a change of numbers."""
    if step.scheme:
        activate(session, step.scheme)
    CONDITIONS[step.condition].do(session, *step.arguments)
    if step.numbers and not is_done(session, step):
        numbers = np.array(step.numbers, np.float32)
        if session.array.shape == numbers.shape:
            where = np.flatnonzero(session.array != numbers)
            commands.set_values(session, where, numbers[where], text)
        else:
            commands.replace_array(session, numbers, text)


def answer(session: Session, step: Step, digits: int) -> str:
    """Return what is said of a step that is done, with the numbers of this document."""
    evaluation = session.evaluator.fitting_evaluation
    if evaluation is None:
        return ""
    at = outlier_of(session.array) if step.at == OUTLIER else session.view.chosen or 0
    at = int(step.at) if step.at.isdigit() else at
    return step.seen.format_map(Facts(session.array, evaluation, at, digits))


class Facts(dict[str, str]):
    """Numbers by name: of a few values, their evaluation, and the value at a position.

    What takes other evaluations is computed when it is first asked for.
    """

    def __init__(self, array: FloatArray, evaluation: Evaluation, at: int, digits: int = 6) -> None:
        self._array, self._evaluation, self._digits = array, evaluation, digits
        made = steps(array, evaluation.scheme, evaluation.qparams, at, digits)
        for line in (*made.parameters, *made.values):
            self[line.key] = line.result
            whole = f"{line.numbers} = {line.result}" if line.numbers else line.result
            self[f"{line.key}_line"] = whole
        p, metrics = made.trace.qparams.at(0), evaluation.metrics
        self._scale, zero = float(p.scale), float(p.zero_point)
        codes = evaluation.codes.astype(np.int64)
        error = float(made.trace["error"][0])
        unused = int(codes.min()) - p.qmin + p.qmax - int(codes.max())
        self |= {
            "R": self["real"],
            "Q": str(codes.reshape(-1)[at]),
            "low": self._text((p.qmin - zero) * self._scale),
            "high": self._text((p.qmax - zero) * self._scale),
            "unused": str(unused),
            "codes": str(p.qmax - p.qmin + 1),
            "error_size": self._text(abs(error)),
            "error_in_S": self._text(abs(error) / self._scale),
            "clipped": str(int(metrics["clipped_low"] + metrics["clipped_high"])),
            "count": str(array.size),
            "sqnr": short(metrics["sqnr"], 3),
        }

    def _text(self, value: float) -> str:
        return short(value, self._digits)

    def __missing__(self, name: str) -> str:
        known = self._of_schemes() if name in _OF_SCHEMES else self._of_others()
        self |= known
        return known[name]

    def _of_schemes(self) -> dict[str, str]:
        """Return what the three schemes make of all values."""
        every = [evaluate(self._array, Scheme.parse(text)) for text in THREE_WAYS]
        ratio = self._scale / float(every[0].qparams.at(0).scale)
        figures = [short(one.metrics["sqnr"], 3) for one in every]
        return dict(zip(_OF_SCHEMES, [*figures, short(ratio, 4)], strict=True))

    def _of_others(self) -> dict[str, str]:
        """Return what the other values lose with the largest one, without it, and as it is."""
        others = np.arange(self._array.size) != outlier_of(self._array)
        parts = (self._array[others], self._array)
        alone, whole = (evaluate(part, Scheme.parse(WHOLE)) for part in parts)

        def rms(of: Evaluation, which: np.ndarray) -> str:
            return self._text(float(np.sqrt(np.mean(of.error[which].astype(np.float64) ** 2))))

        return {
            "S_alone": self._text(float(alone.qparams.at(0).scale)),
            "rest_codes": ", ".join(map(str, self._evaluation.codes[others])),
            "rest_rmse": rms(self._evaluation, others),
            "rest_rmse_alone": rms(alone, np.ones(alone.codes.size, bool)),
            "rest_rmse_whole": rms(whole, others),
        }
