"""Handling of termination signals: keep unsaved changes, then exit."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier

SIGNALS = [
    getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)
]


class Ending(QObject):
    """Calls a function when the process receives a termination signal, then exits by it.

    Python's signal handlers do not run while Qt waits for events, so a
    socket to which Python writes the signal number wakes the event loop.
    """

    def __init__(self, keep: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._keep = keep
        self._reading, self._writing = socket.socketpair()
        for one in (self._reading, self._writing):
            one.setblocking(False)
        self._before = {number: signal.signal(number, _wait_for_the_socket) for number in SIGNALS}
        self._woken = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        kind = QSocketNotifier.Type.Read
        self._notifier = QSocketNotifier(self._reading.fileno(), kind, self)
        self._notifier.activated.connect(self._on_signal)

    def _on_signal(self) -> None:
        try:
            numbers = self._reading.recv(1 << 10)
        except BlockingIOError:
            return
        for number in numbers:
            if number in SIGNALS:
                self._end(number)

    def _end(self, number: int) -> None:
        self._keep()
        # Exit by the same signal, so that the sender sees it; do not wait for threads.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def uninstall(self) -> None:
        """Restore the previous handlers."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._woken)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()


def _wait_for_the_socket(number: int, frame: FrameType | None) -> None:
    """Do nothing: the socket notifier handles the signal."""
