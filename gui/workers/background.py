"""Work off the GUI thread: the newest order of a kind wins, progress is told, Esc cancels."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from quantoscope.engine.cancellation import Cancellation, Cancelled

__all__ = ["Background", "Cancelled", "Part", "Step", "Ticket", "still_running"]

PARTS = 100
"""How finely a part of a job reports its progress."""
PATIENCE = 0.2
"""Seconds that a job which only reads gives the cancelled one before it to end."""
FAREWELL = 0.7
"""Seconds that a window which closes gives all its jobs to end."""
_NAME = "background-"


Step = Callable[[int, int], None]
"""Is told how much is done, of how much; raises ``Cancelled`` where nobody waits any more."""
Part = Callable[[int, int], Step]
"""Gives a way to report progress within a part of the work: which one, of how many."""


class Ticket:
    """What a running job holds: it reports progress through it and learns of its end.

    Attributes
    ----------
    kind : str
    cancellation : Cancellation
        What the engine looks at on the thread of the job.
    ended : Event
        Set when the thread of the job has ended.
    """

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
        """Whether nobody wants the result any more."""
        return self.cancellation.cancelled

    def part(self, done: int, total: int) -> Step:
        """Return a way to report how much is done of the next of ``total`` parts."""

        def step(inner: int, of: int) -> None:
            share = min(inner, of) * PARTS // max(1, of)
            self.step(done * PARTS + share, total * PARTS)

        return step

    def check(self, done: int, total: int) -> None:
        """Leave the job when it was cancelled, however far a part of it has come."""
        self.cancellation.check()

    def offer(self, result: Any) -> None:
        """Hand over what is known so far; the job goes on."""
        if not self.cancelled:
            self._background.offered.emit(self, result)

    def step(self, done: int, total: int) -> None:
        """Report progress, and leave the job when it was cancelled."""
        self.cancellation.check()
        self._background.progressed.emit(self.kind, done, total)


Job = Callable[[Ticket], Any]
Done = Callable[[Any], None]
Failed = Callable[[Exception], None]


class Background(QObject):
    """Runs jobs, the newest of each kind, each on a thread of its own.

    The threads are such that the end of the program does not wait for them.

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
        self._latest: dict[str, Ticket] = {}
        self._current: dict[str, Ticket] = {}
        self._ended = False
        self._awaited = ""
        self._held: list[tuple[Ticket, Done, Any]] = []
        self._returned.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def start(
        self, kind: str, job: Job, done: Done, failed: Failed, only_reads: bool = False
    ) -> Ticket:
        """Run ``job(ticket)``; an older job of the same kind is cancelled.

        ``done(result)`` or ``failed(error)`` is called on the GUI thread, unless the job was
        cancelled. After ``shutdown`` it is cancelled at once. A job begins when the older one has
        ended, so that the newer file stays; one that ``only_reads`` waits for no more than
        ``PATIENCE``.
        """
        if kind in self._current:
            self._current[kind].cancel()
        ticket = Ticket(self, kind)
        if self._ended:
            # A dialog that is closed along with its window may ask for more work.
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
        """Cancel everything, for good, and wait for the threads to end, but not for long.

        One that does not look at its flag goes on, without a way to hand over anything.
        """
        self._ended = True
        for kind in list(self._current):
            self.cancel(kind)
        until = time.monotonic() + FAREWELL
        for ticket in self._latest.values():
            ticket.ended.wait(max(0.0, until - time.monotonic()))
        self._latest.clear()


def still_running() -> bool:
    """Tell whether a job of any window has not ended, though all were cancelled."""
    return any(thread.name.startswith(_NAME) for thread in threading.enumerate())
