"""An end that the system asks for: what is not saved is kept before the program obeys a signal."""

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
    """Calls something when the program is told to end, and then lets it end as it would have.

    While Qt waits for events no Python runs, and so no handler of a signal: what wakes it is a
    socket that Python writes the number of the signal into.
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
        # Whoever asked sees that it ended by that signal; no thread is waited for.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def uninstall(self) -> None:
        """Give everything back as it was."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._woken)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()


def _wait_for_the_socket(number: int, frame: FrameType | None) -> None:
    """Do nothing: the socket tells of the signal as soon as events are looked at."""
