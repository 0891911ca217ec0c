"""JSON gone through where it lies: of what nobody asks for, nothing is made in memory.

``json.loads`` builds everything, and makes some hundred bytes of a few letters.
"""

from __future__ import annotations

import re
from json.decoder import scanstring  # type: ignore[attr-defined]

from quantoscope.engine.io.budget import Budget

_SPACE = re.compile(r"[ \t\n\r]*+")
# A stretch of a string: a pattern without a limit would keep account of each step that it went.
_STRETCH = re.compile(r'[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+){0,999}')


class JsonError(ValueError):
    """The text is no JSON, or not of the form that is expected."""


class JsonWalk:
    """A place in a text of JSON that moves on over what is read.

    Parameters
    ----------
    text : str
        UTF-8 decoded as Latin-1, so that each byte is one character of one byte.
    budget : Budget
        What strings are counted in.

    Attributes
    ----------
    at : int
        The place.
    """

    def __init__(self, text: str, budget: Budget) -> None:
        self._text, self._budget = text, budget
        self.at = 0

    def take(self, mark: str) -> bool:
        """Move over a mark and the space before it, if it is there."""
        start = _SPACE.match(self._text, self.at).end()  # type: ignore[union-attr]
        found = self._text.startswith(mark, start)
        if found:
            self.at = start + len(mark)
        return found

    def expect(self, mark: str) -> None:
        """Move over a mark that has to be there.

        Raises
        ------
        JsonError
        """
        if not self.take(mark):
            raise JsonError(f"no {mark}")

    def match(self, pattern: re.Pattern[str]) -> str | None:
        """Move over a value that a pattern matches, and return it; None where it does not."""
        self.take("")
        found = pattern.match(self._text, self.at)
        if found is None:
            return None
        self.at = found.end()
        return found[0].encode("latin-1").decode("utf-8")

    def end(self) -> None:
        """Make sure that nothing follows.

        Raises
        ------
        JsonError
        """
        self.take("")
        if self.at < len(self._text):
            raise JsonError("something behind it")

    def string(self) -> str:
        """Move over a string, and return it.

        Raises
        ------
        ValueError
            JsonError, or what Python raises over text that is no UTF-8.
        """
        start = self.skip_string()
        raw = self._text[start : self.at - 1].encode("latin-1")
        self._budget.take_text(raw)
        text = raw.decode("utf-8")
        return str(scanstring(f'{text}"', 0)[0]) if "\\" in text else text

    def skip_string(self) -> int:
        """Move over a string, and return where its content begins."""
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
