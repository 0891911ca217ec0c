"""Incremental JSON parser that builds only what is asked for.

``json.loads`` builds everything, at some hundred bytes of memory per few characters.
"""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]

from quantoscope.engine.io.budget import Budget

_SPACE = re.compile(r"[ \t\n\r]*+")
# Part of a string: an unbounded repeat would record each of its iterations.
_STRETCH = re.compile(r'[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+){0,999}')


class JsonError(ValueError):
    """Raised if the text is not JSON, or not of the expected form."""


class JsonWalk:
    """A cursor in JSON text; strings are charged to a budget.

    The text is UTF-8 decoded as Latin-1: one character per byte, of one byte.
    """

    def __init__(self, text: str, budget: Budget) -> None:
        self._text, self._budget = text, budget
        self.at = 0  # position of the cursor

    def take(self, mark: str) -> bool:
        """Skip white space and ``mark`` if it is next; return whether it was."""
        start = _SPACE.match(self._text, self.at).end()  # type: ignore[union-attr]
        found = self._text.startswith(mark, start)
        if found:
            self.at = start + len(mark)
        return found

    def expect(self, mark: str) -> None:
        """Skip a mark that has to be next, or raise JsonError."""
        if not self.take(mark):
            raise JsonError(f"no {mark}")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Consume and return a value that matches a pattern; None if it does not."""
        self.take("")
        found = pattern.match(self._text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0].encode("latin-1").decode("utf-8")

    def end(self) -> None:
        """Raise JsonError if anything follows."""
        self.take("")
        if self.at < len(self._text):
            raise JsonError("something behind it")

    def string(self) -> str:
        """Consume and return a string; raise JsonError, or UnicodeDecodeError if not UTF-8."""
        start = self.skip_string()
        raw = self._text[start : self.at - 1].encode("latin-1")
        self._budget.take_text(raw)
        text = raw.decode("utf-8")
        return str(scanstring(f'{text}"', 0)[0]) if "\\" in text else text

    def skip_string(self) -> int:
        """Skip a string and return the start of its content."""
        self.expect('"')
        start = self.at
        while True:
            end = _STRETCH.match(self._text, self.at).end()  # type: ignore[union-attr]
            if self._text.startswith('"', end):
                self.at = end + 1
                return start
            if end == self.at:
                raise JsonError("a string without an end")
            self.at = end
