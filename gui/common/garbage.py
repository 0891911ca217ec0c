"""Collection of Python's garbage between events, never inside a function of Qt."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimerEvent

INTERVAL = 500
"""Time between two looks, in milliseconds."""
BUSY = 60
"""Number of collections of what is young after which everything is looked at."""


class Collector(QObject):
    """Collects garbage from the event loop, in place of Python, which does it at any time.

    Python looks for garbage when enough objects have been made: on any thread, and also while Qt
    asks, with the list of an object's connections locked, whether a method has been overridden.
    Objects of Qt that are destroyed there wait for that lock forever, or change the list that is
    being walked: the program hangs or crashes.

    Where much is made, what is young is looked at; once it is quiet, everything.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._since = 0
        self._before = 0
        self.startTimer(INTERVAL)

    def timerEvent(self, event: QTimerEvent) -> None:
        made = gc.get_count()[0]
        busy = made - self._before > gc.get_threshold()[0]
        if busy and self._since < BUSY:
            gc.collect(1)
            self._since += 1
        elif self._since:
            gc.collect()
            self._since = 0
        self._before = gc.get_count()[0]
