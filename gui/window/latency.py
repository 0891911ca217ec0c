"""Latency of edits: time from a document change to the end of the repaint."""

from __future__ import annotations

from collections import deque

import numpy as np
from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal

from quantoscope.gui.document.evaluator import EVALUATE
from quantoscope.gui.document.session import Session
from quantoscope.gui.plots.feed import PlotFeed

KEPT = 100
"""Number of edits in the statistics."""


class Latency(QObject):
    """Measures the latency of every edit."""

    measured = Signal()
    """An edit was painted; ``last`` and ``high`` have changed."""

    def __init__(self, session: Session, feed: PlotFeed, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._since: QElapsedTimer | None = None
        self._past: deque[float] = deque(maxlen=KEPT)
        session.edited.connect(self._begin)
        feed.drawn.connect(self._drawn)
        # Qt paints pending updates before it runs timers, even due ones.
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._painted)

    @property
    def last(self) -> float:
        """Milliseconds of the last edit; NaN before the first."""
        return self._past[-1] if self._past else float("nan")

    @property
    def high(self) -> float:
        """95th percentile of recent latencies in milliseconds."""
        return float(np.percentile(self._past, 95)) if self._past else float("nan")

    @property
    def count(self) -> int:
        """Number of edits in ``high``."""
        return len(self._past)

    def _begin(self) -> None:
        # Cancelled updates do not count.
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
