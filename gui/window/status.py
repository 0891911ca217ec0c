"""Status bar: figures of the array, running work, and duration of the last update."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QStatusBar, QWidget

from quantoscope.gui.common.localized_numbers import filled, of_data, short
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document.evaluator import EVALUATE
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.place import ElidedLabel
from quantoscope.gui.window.latency import Latency
from quantoscope.gui.workers.background import Background

PATIENCE = 400
"""Milliseconds before running work shows a progress bar; Esc cancels at once."""
QUIET = ("glance", "paste", "recovery", "save", "suggestion")
"""Jobs without a progress bar: not awaited, or with a dialog."""


class StatusLine(QStatusBar):
    """Figures of the array on the left; progress with a cancel button on the right."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        background: Background,
        latency: Latency,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._background = background
        self._latency = latency
        self.summary = ElidedLabel(self)
        self.summary.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.summary.setIndent(6)
        self.timing = QLabel(self)
        self.timing.setTextFormat(Qt.TextFormat.PlainText)
        self.progress = QProgressBar(self)
        self.progress.setFixedWidth(120)
        self.progress.setMaximumHeight(14)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName(self.tr("Progress"))
        self.button = QPushButton(self)
        self.button.setFlat(True)
        self.button.clicked.connect(self._on_button)
        self.addWidget(self.summary, 1)
        for widget in (self.progress, self.button, self.timing):
            self.addPermanentWidget(widget)
        self._names = {
            EVALUATE: self.tr("Computing…"),
            "runtimes": self.tr("Comparing runtimes…"),
            "file": self.tr("Reading the file…"),
            "tensor": self.tr("Reading the values…"),
            "export": self.tr("Writing…"),
        }
        self._running: list[str] = []
        self._patience = QTimer(self, singleShot=True, interval=PATIENCE)
        self._patience.timeout.connect(self.refresh)
        background.started.connect(self._on_started)
        background.progressed.connect(self._on_progress)
        background.ended.connect(self._on_ended)
        signals = (
            session.evaluator.evaluated,
            session.evaluator.stale_changed,
            session.view.stopped_changed,
        )
        for signal in (*signals, session.view.focus_changed):
            signal.connect(self.refresh)
        settings.digits_changed.connect(self.refresh)
        settings.latency_changed.connect(self.refresh)
        latency.measured.connect(self._on_measured)
        self.refresh()

    def _on_measured(self) -> None:
        if self._settings.latency:
            self.refresh()

    def refresh(self) -> None:
        """Update the figures of the array."""
        self.summary.setText(self._summary())
        busy = bool(self._running)
        stale = self._session.evaluator.stale and not self._background.running(EVALUATE)
        waiting = stale or bool(self._session.view.stopped)
        # Short work shows nothing, so that widgets do not jump.
        lasting = busy and not self._patience.isActive()
        self.progress.setVisible(lasting)
        self.button.setVisible(lasting or waiting)
        self.button.setText(self.tr("Cancel (Esc)") if busy else self.tr("Update now"))
        if lasting:
            self.timing.setText(self._names.get(self._running[-1], self.tr("Working…")))
        elif waiting:
            self.timing.setText(self.tr("Stopped: what you see is not up to date."))
        else:
            text = filled(
                self.tr("last update %1 ms"), _short(self._session.evaluator.snapshot.milliseconds)
            )
            if self._settings.latency and self._latency.count:
                seen = filled(
                    self.tr("edit to paint %1 ms, 95 % of %2 within %3 ms"),
                    _short(self._latency.last), self._latency.count, _short(self._latency.high),
                )  # fmt: skip
                text = f"{text}  ·  {seen}"
            self.timing.setText(text)

    def _summary(self) -> str:
        snapshot, digits = self._session.evaluator.snapshot, self._settings.digits
        array, summary = snapshot.array, snapshot.summary
        if array.size == 0 and self._session.evaluator.stale:
            array = self._session.array  # Its ends are not known yet.
        if array.size == 0:
            return self.tr("no values")
        count = (
            self.tr("1 value")
            if array.size == 1
            else filled(self.tr("%1 values"), f"{array.size:,}")
        )
        parts = [count]
        if array.ndim > 1:
            parts.append("×".join(map(str, array.shape)))
        parts.append(array.dtype.name)
        if snapshot.role is not None and snapshot.role.fits(array.ndim):
            parts.append(str(snapshot.role))
        if not math.isnan(summary.low):
            ends = (of_data(end, summary, digits) for end in (summary.low, summary.high))
            parts.append(filled(self.tr("min %1  max %2"), *ends))
        focus = self._session.view.focus
        if focus is not None:
            parts.append(filled(self.tr("%1 alone (Esc: all)"), focus.name))
        if summary.nan_count:
            parts.append(filled(self.tr("%1 NaN"), f"{summary.nan_count:,}"))
        if summary.inf_count:
            parts.append(filled(self.tr("%1 infinite"), f"{summary.inf_count:,}"))
        return "  ·  ".join(parts)

    def _on_started(self, kind: str) -> None:
        if kind in QUIET:
            return
        if kind not in self._running:
            self._running.append(kind)
        if len(self._running) == 1 and PATIENCE and not self._patience.isActive():
            self._patience.start()
        self.progress.setRange(0, 0)
        self.refresh()

    def _on_progress(self, kind: str, done: int, total: int) -> None:
        if kind in self._running and self.progress.isVisible():
            self.progress.setRange(0, total)
            self.progress.setValue(done)

    def _on_ended(self, kind: str) -> None:
        if kind in self._running:
            self._running.remove(kind)
        if not self._running:
            self._patience.stop()
        self.refresh()

    def _on_button(self) -> None:
        if self._running:
            self.cancel()
        else:
            self._session.evaluator.update()

    def cancel(self) -> bool:
        """Cancel running work; False if there is none."""
        busy = bool(self._running)
        for kind in list(self._running):
            self._background.cancel(kind)
        self.refresh()
        return busy


def _short(milliseconds: float) -> str:
    """Return milliseconds with two significant digits, or as an integer."""
    if milliseconds < 0.1:
        return "< 0.1"
    return short(milliseconds, 2) if milliseconds < 10 else f"{milliseconds:.0f}"
