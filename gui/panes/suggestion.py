"""A button in the verdict's line: the one change of the best scheme that gains most."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QToolButton, QWidget

from quantoscope.engine import Evaluation, Scheme
from quantoscope.engine.analysis.suggestion import Suggestion, suggestion
from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.workers.background import Ticket

KIND = "suggestion"
PAUSE = 2000
"""Milliseconds without another edit after which the search begins: beside one, it would delay what
is painted."""
MOST_VALUES = 10_000_000
"""Size of an array beyond which nothing is tried: it would take seconds and gigabytes."""


class SuggestionButton(QToolButton):
    """Adds the scheme that loses less than the best one by one change; hidden if there is none."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._of: tuple[Any, ...] | None = None
        self._found: Suggestion | None = None
        self._brief = False
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(PAUSE)
        self._later.timeout.connect(self._start)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(self._add)
        self.hide()
        session.evaluator.evaluated.connect(self._follow)
        session.evaluator.stale_changed.connect(self._follow)
        session.entries_changed.connect(self._follow)

    def set_brief(self, brief: bool) -> None:
        """Show only the gain, or also the change."""
        if brief != self._brief:
            self._brief = brief
            self._show(self._found)

    def _best(self) -> Evaluation | None:
        """Return the evaluation of the scheme that the verdict names, if it is to be changed."""
        evaluator = self._session.evaluator
        judged = evaluator.snapshot.verdict
        best = [] if judged is None or evaluator.stale else judged.best()
        outcome = evaluator.outcome(best[0]) if best else None
        if not isinstance(outcome, Evaluation) or outcome.values.size > MOST_VALUES:
            return None
        return outcome

    def _listed(self) -> frozenset[Scheme]:
        """Return the schemes of the list, with the numbers of their axes."""
        snapshot = self._session.evaluator.snapshot
        made = (snapshot.outcomes.get(entry.uid) for entry in self._session.entries)
        return frozenset(one.concrete_scheme for one in made if isinstance(one, Evaluation))

    def _follow(self) -> None:
        """Search anew, unless the answer is known."""
        best = self._best()
        of = None if best is None else (best.values, self._session.version, best.scheme,
                                        self._listed())  # fmt: skip
        if self._same(of):
            return
        self._of = of
        self._session.background.cancel(KIND)
        self._show(None)
        if best is None:
            self._later.stop()
        else:
            self._later.start()

    def _same(self, of: tuple[Any, ...] | None) -> bool:
        if of is None or self._of is None:
            return of is self._of
        return of[0] is self._of[0] and of[1:] == self._of[1:]

    def _start(self) -> None:
        best, of = self._best(), self._of
        if best is not None and of is not None:
            job = partial(_search, best, self._listed())
            self._session.background.start(KIND, job, self._show, only_reads=True)

    def _show(self, found: Suggestion | None) -> None:
        self._found = found
        self.setVisible(found is not None)
        if found is None:
            return
        gain = filled(self.tr("+%1 dB"), f"{found.gain:.1f}")
        text = filled(self.tr("Try %1: %2"), found.change, gain)
        # In a narrow window the verdict needs the room.
        self.setText(filled(self.tr("Try: %1"), gain) if self._brief else text)
        tip = self.tr("Adds %1, which has %2 dB at %3 bits per value.")
        if found.more:
            tip = self.tr("Adds %1, which has %2 dB at %3 bits per value: %4 bits more.")
        figures = f"{found.sqnr:.1f}", short(found.bits, 4), short(found.more, 2)
        tip = filled(tip, str(found.scheme), *figures)
        self.setToolTip(tip)
        self.setAccessibleName(text)
        self.setAccessibleDescription(tip)

    def _add(self) -> None:
        if self._found is not None:
            commands.add_scheme(self._session, self._found.scheme)


def _search(best: Evaluation, listed: frozenset[Scheme], ticket: Ticket) -> Suggestion | None:
    return suggestion(best, listed, ticket.step)
