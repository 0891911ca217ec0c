"""Remarks on what was read: what was left out, counted or chosen, for people to see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """One remark.

    Attributes
    ----------
    text : str
        A sentence with ``%1``, ``%2`` … in the place of its parts, so that it can be translated.
    parts : tuple of str
    """

    text: str
    parts: tuple[str, ...] = ()

    def __str__(self) -> str:
        return re.sub("%([1-9])", lambda mark: self.parts[int(mark[1]) - 1], self.text)


_heard: ContextVar[list[Note] | None] = ContextVar("heard", default=None)


def say(*notes: Note) -> None:
    """Give remarks to whoever listens; each is kept once."""
    heard = _heard.get()
    if heard is not None:
        heard.extend(note for note in notes if note not in heard)


@contextmanager
def listening() -> Iterator[list[Note]]:
    """Collect what readers say meanwhile, in this thread."""
    notes: list[Note] = []
    token = _heard.set(notes)
    try:
        yield notes
    finally:
        _heard.reset(token)
