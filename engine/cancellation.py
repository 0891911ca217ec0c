"""Cancelling long work: its loops look at a flag that another thread may set.

>>> cancellation = Cancellation()
>>> with cancellation.watched():  # on the thread that works; ``check()`` is in its loops
...     check()
>>> cancellation.cancel()  # on any other thread; the next ``check()`` raises ``Cancelled``
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")


class Cancelled(BaseException):
    """Nobody waits for the result of the work any more.

    No ``Exception``: a loop that turns whatever goes wrong into a sentence lets it pass.
    """


class Cancellation:
    """A flag that ends the work that looks at it."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Callable[[], object]] = []
        self._tell: Callable[[int, int], object] | None = None

    def cancel(self) -> None:
        """Let the next ``check`` raise, and end what cannot look at the flag itself."""
        with self._lock:
            self._set.set()
            calls = list(self._calls)
        for call in calls:
            call()

    @property
    def cancelled(self) -> bool:
        """Whether nobody waits any more."""
        return self._set.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if nobody waits any more."""
        if self._set.is_set():
            raise Cancelled

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let ``check()`` of this module look at this flag, on this thread."""
        token = _watched.set(self)
        try:
            yield
        finally:
            _watched.reset(token)

    @contextmanager
    def telling(self, tell: Callable[[int, int], object]) -> Iterator[None]:
        """Have ``progress`` say how much is done, of how much."""
        before, self._tell = self._tell, tell
        try:
            yield
        finally:
            self._tell = before

    def progress(self, done: int, total: int) -> None:
        """Say how much is done, of how much; raise ``Cancelled`` if nobody waits any more."""
        self.check()
        if self._tell is not None:
            self._tell(done, total)

    @contextmanager
    def on_cancel(self, call: Callable[[], object]) -> Iterator[None]:
        """Have ``cancel`` call something that ends the work, such as killing a child process.

        What the work raises because of that becomes ``Cancelled``.
        """
        with self._lock:
            self._calls.append(call)
        try:
            self.check()
            yield
        except Exception:
            self.check()
            raise
        finally:
            with self._lock:
                self._calls.remove(call)


_NEVER = Cancellation()
_watched: ContextVar[Cancellation] = ContextVar("watched", default=_NEVER)
_OFTEN = 1024


def current() -> Cancellation:
    """Return the flag that ``check`` looks at, to be looked at on helping threads as well."""
    return _watched.get()


def check() -> None:
    """Raise ``Cancelled`` if the work of this thread has been cancelled."""
    _watched.get().check()


def progress(done: int, total: int) -> None:
    """Say how much of this thread's work is done, of how much; else as ``check``."""
    _watched.get().progress(done, total)


def checked(items: Iterable[T], every: int = _OFTEN) -> Iterator[T]:
    """Yield the items, looking at the flag before each ``every``-th of them."""
    check_now = _watched.get().check
    for number, item in enumerate(items):
        if number % every == 0:
            check_now()
        yield item
