"""Background jobs: the newest of a kind wins; with progress and cancellation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from quantoscope.engine.cancellation import Cancellation, Cancelled

__all__ = ["Background", "Cancelled", "PartProgress", "Progress", "Ticket", "still_running"]

PARTS = 100
"""Resolution of progress within a part of a job."""
PATIENCE = 0.2
"""Seconds that a read-only job waits for its cancelled predecessor."""
FAREWELL = 0.7
"""Seconds that a closing window waits for its jobs."""
_NAME = "background-"


Progress = Callable[[int, int], None]
"""Called with (done, total); raises ``Cancelled`` if the job was cancelled."""
PartProgress = Callable[[int, int], Progress]
"""Called with (index, count) of a part; returns the progress callback within it."""


class Ticket:
    """Handle of a running job, for progress and cancellation."""

    cancellation: Cancellation
    """Flag that the engine checks on the job's thread."""
    ended: threading.Event
    """Set when the thread of the job has ended."""

    def __init__(self, background: Background, kind: str) -> None:
        self.kind = kind
        self.cancellation = Cancellation()
        self.ended = threading.Event()
        self._background = background

    def cancel(self) -> None:
        """Ask the job to stop at its next step; its result is dropped."""
        self.cancellation.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the job was cancelled."""
        return self.cancellation.cancelled

    def part(self, done: int, total: int) -> Progress:
        """Return a progress callback for the next of ``total`` parts."""

        def step(inner: int, of: int) -> None:
            share = min(inner, of) * PARTS // max(1, of)
            self.step(done * PARTS + share, total * PARTS)

        return step

    def check(self, done: int, total: int) -> None:
        """Raise Cancelled if the job was cancelled, ignoring the progress within a part."""
        self.cancellation.check()

    def offer(self, result: Any) -> None:
        """Deliver an intermediate result; the job continues."""
        if not self.cancelled:
            self._background.offered.emit(self, result)

    def step(self, done: int, total: int) -> None:
        """Report progress; raise Cancelled if the job was cancelled."""
        self.cancellation.check()
        self._background.progressed.emit(self.kind, done, total)


Job = Callable[[Ticket], Any]
Done = Callable[[Any], None]
Failed = Callable[[Exception], None]


def _raised(error: Exception) -> None:
    raise error


class Background(QObject):
    """Runs jobs, one of each kind at a time, each on its own thread.

    The threads are daemons, so the program's exit does not wait for them.
    """

    progressed = Signal(str, int, int, arguments=["kind", "done", "total"])
    started = Signal(str, arguments=["kind"])
    ended = Signal(str, arguments=["kind"])
    """A job of a kind has started, or none of that kind is running or waiting any more."""
    offered = Signal(object, object, arguments=["ticket", "result"])
    """Intermediate result of a job, for its starter."""
    _returned = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._latest: dict[str, Ticket] = {}
        self._current: dict[str, Ticket] = {}
        self._ended = False
        self._awaited = ""
        self._held: list[tuple[Ticket, Done, Any]] = []
        self._returned.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(
        self, kind: str, job: Job, done: Done, failed: Failed = _raised, only_reads: bool = False
    ) -> Ticket:
        """Run ``job(ticket)``, cancelling an older job of the same kind.

        ``done(result)`` or ``failed(error)`` is called on the GUI thread, unless the job was
        cancelled. After ``shutdown`` it is cancelled at once. A job starts after the older one has
        ended, so that the newer of two written files stays; a job that ``only_reads`` waits at most
        ``PATIENCE``.
        """
        if kind in self._current:
            self._current[kind].cancel()
        ticket = Ticket(self, kind)
        if self._ended:
            # A dialog that closes with its window may still start jobs.
            ticket.cancel()
            return ticket
        older = self._latest.get(kind)
        self._current[kind] = self._latest[kind] = ticket
        self.started.emit(kind)
        thread = threading.Thread(
            target=self._run,
            args=(ticket, job, done, failed, older, PATIENCE if only_reads else None),
            name=f"{_NAME}{kind}",
            daemon=True,
        )
        thread.start()
        return ticket

    def _run(
        self,
        ticket: Ticket,
        job: Job,
        done: Done,
        failed: Failed,
        older: Ticket | None,
        patience: float | None,
    ) -> None:
        try:
            if older is not None:
                older.ended.wait(patience)
            if ticket.cancelled:
                return
            try:
                with ticket.cancellation.watched():
                    result, then = job(ticket), done
            except Cancelled:
                return
            except Exception as error:  # handed to the GUI thread, which reports it
                result, then = error, failed
            if not ticket.cancelled:
                self._returned.emit((ticket, then, result))
        finally:
            ticket.ended.set()

    def _deliver(self, message: tuple[Ticket, Done, Any]) -> None:
        ticket, then, result = message
        if not self.current(ticket):
            return
        if self._awaited not in ("", ticket.kind):
            self._held.append(message)
            return
        del self._current[ticket.kind]
        self.ended.emit(ticket.kind)
        then(result)

    @property
    def awaited(self) -> bool:
        """Whether a caller blocks on a job, and would hang if its thread were killed."""
        return bool(self._awaited)

    @contextmanager
    def await_only(self, kind: str) -> Iterator[None]:
        """Deliver only results of this kind; the others are delivered afterwards.

        Otherwise, a file read meanwhile would change the data being written.
        """
        self._awaited = kind
        try:
            yield
        finally:
            self._awaited = ""
            held, self._held = self._held, []
            for message in held:
                self._returned.emit(message)

    def current(self, ticket: Ticket) -> bool:
        """Whether a ticket is still the current one of its kind."""
        return not ticket.cancelled and self._current.get(ticket.kind) is ticket

    def cancel(self, kind: str) -> bool:
        """Cancel the job of a kind; False if there is none."""
        ticket = self._current.pop(kind, None)
        if ticket is None:
            return False
        ticket.cancel()
        self.ended.emit(kind)
        return True

    def running(self, kind: str) -> bool:
        """Whether a job of that kind is running or waiting."""
        return kind in self._current

    def shutdown(self) -> None:
        """Cancel all jobs permanently and wait for the threads, for a limited time.

        A job that does not check its flag continues, but cannot deliver results.
        """
        self._ended = True
        for kind in list(self._current):
            self.cancel(kind)
        until = time.monotonic() + FAREWELL
        for ticket in self._latest.values():
            ticket.ended.wait(max(0.0, until - time.monotonic()))
        self._latest.clear()


def still_running() -> bool:
    """Return whether a job of any window is running though all were cancelled."""
    return any(thread.name.startswith(_NAME) for thread in threading.enumerate())
