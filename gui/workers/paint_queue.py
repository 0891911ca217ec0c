"""Queue of GUI work in small pieces, so that input waits for one piece at most."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid


class PaintQueue(QObject):
    """A queue of functions to call on the GUI thread, one per event loop turn."""

    idle = Signal()
    """The queue is empty."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[QObject, Callable[[], None]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._next)

    @property
    def busy(self) -> bool:
        """Whether the queue is not empty."""
        return bool(self._waiting)

    def take(self, who: QObject, work: Callable[[], None]) -> None:
        """Enqueue work; an owner that is already queued keeps its position."""
        self._waiting.setdefault(who, work)
        self._timer.start()

    def leave(self, who: QObject) -> None:
        """Remove an owner's work."""
        self._waiting.pop(who, None)

    def clear(self) -> None:
        """Clear the queue."""
        self._waiting.clear()
        self._timer.stop()

    def _next(self) -> None:
        who = next(iter(self._waiting), None)
        if who is not None:
            work = self._waiting.pop(who)
            # A pane may be deleted while queued.
            if isValid(who):
                work()
        if not self._waiting:
            self._timer.stop()
            self.idle.emit()
