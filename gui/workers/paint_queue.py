"""Work that the window does piece by piece: a key or a mouse waits for one piece at most."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal
from shiboken6 import isValid


class PaintQueue(QObject):
    """A queue of things to do on the GUI thread, one per turn of the event loop.

    Signals
    -------
    idle()
        Nothing waits for its turn any more.
    """

    idle = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[QObject, Callable[[], None]] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._next)

    @property
    def busy(self) -> bool:
        """Whether anything waits for its turn."""
        return bool(self._waiting)

    def take(self, who: QObject, work: Callable[[], None]) -> None:
        """Do this when it is its turn; who waits already keeps the place it has."""
        self._waiting.setdefault(who, work)
        self._timer.start()

    def leave(self, who: QObject) -> None:
        """Take back what somebody wanted to do."""
        self._waiting.pop(who, None)

    def clear(self) -> None:
        """Forget all of it."""
        self._waiting.clear()
        self._timer.stop()

    def _next(self) -> None:
        who = next(iter(self._waiting), None)
        if who is not None:
            work = self._waiting.pop(who)
            # A pane may be deleted while it waits.
            if isValid(who):
                work()
        if not self._waiting:
            self._timer.stop()
            self.idle.emit()
