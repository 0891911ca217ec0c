"""Work off the GUI thread: the newest order of a kind wins, progress is told, Esc cancels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

PARTS = 100
"""How finely a part of a job reports its progress."""


Step = Callable[[int, int], None]
"""Is told how much is done, of how much; raises ``Cancelled`` where nobody waits any more."""
Part = Callable[[int, int], Step]
"""Gives a way to report progress within a part of the work: which one, of how many."""


class Cancelled(Exception):  # noqa: N818 - it is no error
    """Raised inside a job whose result nobody waits for any more."""


class Ticket:
    """What a running job holds: it reports progress through it and learns of its end."""

    def __init__(self, background: Background, kind: str) -> None:
        self.kind = kind
        self._background = background
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Ask the job to stop at its next step; its result is dropped."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether nobody wants the result any more."""
        return self._cancelled.is_set()

    def part(self, done: int, total: int) -> Step:
        """Return a way to report how much is done of the next of ``total`` parts."""

        def step(inner: int, of: int) -> None:
            share = min(inner, of) * PARTS // max(1, of)
            self.step(done * PARTS + share, total * PARTS)

        return step

    def check(self, done: int, total: int) -> None:
        """Leave the job when it was cancelled, however far a part of it has come."""
        if self.cancelled:
            raise Cancelled

    def offer(self, result: Any) -> None:
        """Hand over what is known so far; the job goes on."""
        if not self.cancelled:
            self._background.offered.emit(self, result)

    def step(self, done: int, total: int) -> None:
        """Report progress, and leave the job when it was cancelled."""
        if self.cancelled:
            raise Cancelled
        self._background.progressed.emit(self.kind, done, total)


Job = Callable[[Ticket], Any]
Done = Callable[[Any], None]
Failed = Callable[[Exception], None]


class Background(QObject):
    """Runs jobs on one thread per kind of job.

    Signals
    -------
    progressed(kind, done, total)
    started(kind), ended(kind)
        A kind of job began to run, or none of that kind is running or waiting any more.
    offered(ticket, result)
        A job hands over a part of its result; for whoever started it.
    """

    progressed = Signal(str, int, int)
    started = Signal(str)
    ended = Signal(str)
    offered = Signal(object, object)
    _returned = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executors: dict[str, ThreadPoolExecutor] = {}
        self._current: dict[str, Ticket] = {}
        self._ended = False
        self._awaited = ""
        self._held: list[tuple[Ticket, Done, Any]] = []
        self._returned.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(self, kind: str, job: Job, done: Done, failed: Failed) -> Ticket:
        """Run ``job(ticket)``; an older job of the same kind is cancelled.

        ``done(result)`` or ``failed(error)`` is called on the GUI thread, unless the job was
        cancelled. After ``shutdown`` it is cancelled at once.
        """
        if kind in self._current:
            self._current[kind].cancel()
        ticket = Ticket(self, kind)
        if self._ended:
            # A dialog that is closed along with its window may ask for more work.
            ticket.cancel()
            return ticket
        self._current[kind] = ticket
        if kind not in self._executors:
            self._executors[kind] = ThreadPoolExecutor(1, thread_name_prefix=f"background-{kind}")
        self.started.emit(kind)
        self._executors[kind].submit(self._run, ticket, job, done, failed)
        return ticket

    def _run(self, ticket: Ticket, job: Job, done: Done, failed: Failed) -> None:
        if ticket.cancelled:
            return
        try:
            result, then = job(ticket), done
        except Cancelled:
            return
        except Exception as error:  # handed to the GUI thread, which reports it
            result, then = error, failed
        if not ticket.cancelled:
            self._returned.emit((ticket, then, result))

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
        """Whether somebody waits for a job, for ever if its thread were ended now."""
        return bool(self._awaited)

    @contextmanager
    def await_only(self, kind: str) -> Iterator[None]:
        """Hand over what this kind of job returns; others follow when whoever waits has gone on.

        Else a file that has been read would change what is being written.
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
        """Whether a job is still the one of its kind whose result is wanted."""
        return not ticket.cancelled and self._current.get(ticket.kind) is ticket

    def cancel(self, kind: str) -> bool:
        """Cancel the job of a kind; False when there is none."""
        ticket = self._current.pop(kind, None)
        if ticket is None:
            return False
        ticket.cancel()
        self.ended.emit(kind)
        return True

    def running(self, kind: str) -> bool:
        """Whether a job of that kind runs or waits."""
        return kind in self._current

    def shutdown(self) -> None:
        """Cancel everything, for good, and wait for the threads to end."""
        self._ended = True
        for kind in list(self._current):
            self.cancel(kind)
        for executor in self._executors.values():
            executor.shutdown(wait=True, cancel_futures=True)
        self._executors.clear()
