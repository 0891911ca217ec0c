"""Notes for the user on data that was read: omissions, counts and choices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes
    ----------
    text : str
        A translatable sentence with ``%1``, ``%2`` … in place of its parts.
    parts : tuple of str
    """

    text: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return re.sub("%([1-9])", lambda mark: self.parts[int(mark[1]) - 1], self.text)


_heard: ContextVar[list[Note] | None] = ContextVar("heard", default=None)


def say(*notes: Note) -> None:
    """Send notes to the listener; duplicates are dropped."""
    heard = _heard.get()
    if heard is not None:
        heard.extend(note for note in notes if note not in heard)


@contextmanager
def listening() -> Iterator[list[Note]]:
    """Collect the notes of readers in this thread."""
    notes: list[Note] = []
    token = _heard.set(notes)
    try:
        yield notes
    finally:
        _heard.reset(token)
