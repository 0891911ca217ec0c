"""How long an edit takes to be seen: from the change of the document to the end of the repaint."""

from __future__ import annotations

from collections import deque

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from quantoscope.gui.document.evaluator import EVALUATE
from quantoscope.gui.document.session import Session
from quantoscope.gui.plots.feed import PlotFeed

KEPT = 100
"""Of so many edits the figures speak."""


class Latency(QObject):
    """Measures every edit.

    Signals
    -------
    measured()
        An edit has been painted; ``last`` and ``high`` are new.
    """

    measured = Signal()

    def __init__(self, session: Session, feed: PlotFeed, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._since: QElapsedTimer | None = None
        self._past: deque[float] = deque(maxlen=KEPT)
        session.edited.connect(self._begin)
        feed.drawn.connect(self._drawn)
        # Qt paints what has been drawn before it runs a timer, one that is due included.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self._painted)

    @property
    def last(self) -> float:
        """Milliseconds that the last edit took; NaN before the first."""
        return self._past[-1] if self._past else float("nan")

    @property
    def high(self) -> float:
        """Milliseconds within which 95 % of the last edits were painted."""
        return float(np.percentile(self._past, 95)) if self._past else float("nan")

    @property
    def count(self) -> int:
        """Of how many edits ``high`` speaks."""
        return len(self._past)

    def _begin(self) -> None:
        # What was stopped before it was seen does not count.
        stopped = self._session.evaluator.stale and not self._session.background.running(EVALUATE)
        if self._since is None or stopped:
            self._since = QElapsedTimer()
            self._since.start()

    def _drawn(self) -> None:
        if self._since is not None and not self._session.evaluator.stale:
            self._soon.start()

    def _painted(self) -> None:
        if self._since is None or self._session.evaluator.stale:
            return
        self._past.append(self._since.nsecsElapsed() / 1e6)
        self._since = None
        self.measured.emit()
