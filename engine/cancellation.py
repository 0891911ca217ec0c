"""Cancellation of long work by a flag that its loops check.

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
    """Raised in work whose result is no longer wanted.

    Not an ``Exception``, so that handlers that convert errors to messages let it pass.
    """


class Cancellation:
    """A flag that cancels the work that checks it."""

    def __init__(self) -> None:
        self._set = threading.Event()
        self._lock = threading.Lock()
        self._calls: list[Callable[[], object]] = []
        self._tell: Callable[[int, int], object] | None = None

    def cancel(self) -> None:
        """Make the next ``check`` raise, and end work that cannot check the flag."""
        with self._lock:
            self._set.set()
            calls = list(self._calls)
        for call in calls:
            call()

    @property
    def cancelled(self) -> bool:
        """Whether the work was cancelled."""
        return self._set.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if the work was cancelled."""
        if self._set.is_set():
            raise Cancelled

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Make this module's ``check()`` check this flag, on this thread."""
        token = _watched.set(self)
        try:
            yield
        finally:
            _watched.reset(token)

    @contextmanager
    def telling(self, tell: Callable[[int, int], object]) -> Iterator[None]:
        """Make ``progress`` call ``tell(done, total)``."""
        before, self._tell = self._tell, tell
        try:
            yield
        finally:
            self._tell = before

    def progress(self, done: int, total: int) -> None:
        """Report progress; raise ``Cancelled`` if the work was cancelled."""
        self.check()
        if self._tell is not None:
            self._tell(done, total)

    @contextmanager
    def on_cancel(self, call: Callable[[], object]) -> Iterator[None]:
        """Make ``cancel`` call a function that ends the work, such as killing a child process.

        Exceptions of the work that result from it become ``Cancelled``.
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
    """Return the flag of this thread, for use on helper threads."""
    return _watched.get()


def check() -> None:
    """Raise ``Cancelled`` if the work of this thread has been cancelled."""
    _watched.get().check()


def progress(done: int, total: int) -> None:
    """Report progress of this thread's work; raise ``Cancelled`` if it was cancelled."""
    _watched.get().progress(done, total)


def checked(items: Iterable[T], every: int = _OFTEN) -> Iterator[T]:
    """Yield the items, checking the flag before every ``every``-th one."""
    check_now = _watched.get().check
    for number, item in enumerate(items):
        if number % every == 0:
            check_now()
        yield item
