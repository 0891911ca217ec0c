"""What plots draw: one immutable picture of the session, for the window and for exports alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine import QUANTIZERS, Evaluation, Summary
from engine.arrays import FloatArray, IntArray
from gui.session import Entry, Session


@dataclass(frozen=True)
class Series:
    """A scheme and what it makes of the array, flattened."""

    entry: Entry
    evaluation: Evaluation

    @cached_property
    def rebuilt(self) -> FloatArray:
        """R', shape (n,)."""
        return self.evaluation.reconstructed.reshape(-1)

    @cached_property
    def error(self) -> FloatArray:
        """R' − R, shape (n,)."""
        return self.evaluation.error.reshape(-1)

    @cached_property
    def saturated(self) -> np.ndarray:
        """−1, 0 or 1, shape (n,)."""
        return self.evaluation.saturated.reshape(-1)

    @cached_property
    def codes(self) -> IntArray:
        """Every code of the scheme, in the order of the levels."""
        p = self.evaluation.qparams
        return QUANTIZERS[p.mapping].codes(p)

    @cached_property
    def levels(self) -> FloatArray:
        """What the codes stand for, ascending."""
        p = self.evaluation.qparams
        return QUANTIZERS[p.mapping].levels(p)

    @cached_property
    def used_span(self) -> tuple[int, int] | None:
        """Places of the first and the last code that a value has; None when there is none."""
        used = np.flatnonzero(self.evaluation.code_counts)
        return (int(used[0]), int(used[-1])) if used.size else None

    @property
    def step(self) -> float:
        """S."""
        return self.evaluation.qparams.scale

    @property
    def bound(self) -> float:
        """The largest error that rounding alone can make: S/2, or S where fractions are cut."""
        return self.step * self.evaluation.qparams.arithmetic.reach

    @property
    def bound_text(self) -> str:
        """The bound in symbols."""
        return "S/2" if self.evaluation.qparams.arithmetic.reach == 0.5 else "S"

    def at(self, x: float) -> tuple[int, float]:
        """The code that a value gets, and what it is rebuilt as."""
        p = self.evaluation.qparams
        quantizer = QUANTIZERS[p.mapping]
        with np.errstate(over="ignore", under="ignore"):
            codes, _ = quantizer.encode(np.array([x], p.dtype), p)
        return int(codes[0]), float(quantizer.decode(codes, p)[0])


@dataclass(frozen=True)
class PlotData:
    """Everything that a plot may show.

    Attributes
    ----------
    values : ndarray, shape (n,)
        R, flattened.
    summary : Summary
    series : tuple of Series
        The schemes switched on, in the order of the list.
    active : Series or None
        The active scheme, whether or not it is switched on.
    chosen : int or None
        The chosen value's flat position.
    digits : int
        Significant digits of numbers in text.
    failure : str
        Why the active scheme has no evaluation; empty when it has one, or none is active.
    array : ndarray, any shape
        The array itself, the very object that stays the same while the values do.
    """

    values: FloatArray
    summary: Summary
    series: tuple[Series, ...]
    active: Series | None
    chosen: int | None
    digits: int
    failure: str = ""
    array: FloatArray | None = None


def plot_data(session: Session, digits: int) -> PlotData:
    """Take the picture of a session as it is shown now."""
    shown = session.shown
    series: list[Series] = []
    active: Series | None = None
    failure = ""
    for entry in session.entries:
        outcome = shown.outcomes.get(entry.uid)
        if isinstance(outcome, Evaluation):
            one = Series(entry, outcome)
            if entry.enabled:
                series.append(one)
            if entry.uid == session.active_uid:
                active = one
        elif outcome is not None and entry.uid == session.active_uid:
            failure = str(outcome)
    chosen = session.chosen
    if chosen is not None and chosen >= shown.array.size:
        chosen = None
    return PlotData(
        values=shown.array.reshape(-1),
        summary=shown.summary,
        series=tuple(series),
        active=active,
        chosen=chosen,
        digits=digits,
        failure=failure,
        array=shown.array,
    )
