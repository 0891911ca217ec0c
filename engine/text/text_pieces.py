"""A text in pieces, so that a long one is not in memory as a whole, nor widened by one sign.

A string takes one byte a character, or four where a single sign of it needs them; cut into lines
or cells it takes many times as much. So whoever reads a text reads piece after piece, and reads it
again for what the first reading did not keep.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from quantoscope.engine import cancellation
from quantoscope.engine.text.number_parsing import is_comment, plain

PIECE = 1 << 16
_START = 1 << 18
_SAMPLED = 200
_BLANK = re.compile(r"[ \n]*\n")
_QUOTED = re.compile(r'"[^"\n]*"')
_TELLING = "\t;,"
OWN_COMMENT = "# quantoscope "
"""How a line begins in which the program says what type and shape the numbers have."""


@dataclass(frozen=True)
class Marks:
    """Which signs a text has that tell its layout; comments do not count.

    Attributes
    ----------
    outside : str
        Tabs, semicolons and commas that stand outside quotes.
    quoted : bool
        Whether there are quotes.
    quoted_comma : bool
        Whether a comma stands inside.
    comments : int
        How many lines are comments; those in which the program says type and shape do not count.
    comment : str
        The first of these.
    """

    outside: str
    quoted: bool
    quoted_comma: bool
    comments: int = 0
    comment: str = ""


class Text:
    """A text that can be read again and again.

    Parameters
    ----------
    source : callable
        Returns an iterator over the text in pieces of any length.
    size : int
        At least as many as it has characters.
    opened : bool
        Whether it is a file, in which blank lines at the top are no cells.
    """

    def __init__(
        self, source: Callable[[], Iterator[str]], size: int, opened: bool = False
    ) -> None:
        self._source = source
        self.size, self.opened = size, opened

    @classmethod
    def of(cls, text: str) -> Text:
        """Return a string as such a text."""

        def cut() -> Iterator[str]:
            for at in range(0, len(text), PIECE):
                yield text[at : at + PIECE]

        return cls(cut, len(text))

    def pieces(self) -> Iterator[str]:
        """Yield the text with plain signs, and lines that end in LF."""
        held = ""
        for piece in cancellation.checked(self._source(), 1):
            piece, held = held + piece, ""
            if piece[-1:] == "\r":  # The other half of the line's end may follow.
                piece, held = piece[:-1], "\r"
            if "\r" in piece:
                piece = piece.replace("\r\n", "\n").replace("\r", "\n")
            if piece:
                yield plain(piece)
        if held:
            yield "\n"

    def lines(self) -> Iterator[str]:
        """Yield whole lines, many at a time, with the ends but for the last; or a very long one."""
        rest: list[str] = []
        for piece in self.pieces():
            end = piece.rfind("\n") + 1
            if end:
                yield "".join([*rest, piece[:end]])
                rest = []
            rest.append(piece[end:])
            if len(rest) > _START // PIECE:
                yield "".join(rest)
                rest = []
        if any(rest):
            yield "".join(rest)

    @cached_property
    def start(self) -> str:
        """The text up to a quarter of a million characters."""
        found: list[str] = []
        for piece in self.pieces():
            found.append(piece)
            if sum(map(len, found)) > _START:
                break
        return "".join(found)[:_START]

    @cached_property
    def first_rows(self) -> list[str]:
        """The first lines that are neither blank nor comments, as far as they are complete."""
        start, at = self.start, 0
        rows: list[str] = []
        while len(rows) < _SAMPLED:
            blank = _BLANK.match(start, at)
            at = blank.end() if blank else at
            if at == len(start):
                break
            end = start.find("\n", at)
            if end < 0:
                if rows and len(start) < self.size:
                    break
                end = len(start)
            if start[at:end].strip(" ") and not is_comment(start[at:end]):
                rows.append(start[at:end])
            at = min(end + 1, len(start))
        return rows

    @cached_property
    def marks(self) -> Marks:
        """The signs that tell the layout."""
        outside, quoted, quoted_comma = "", False, False
        comments, comment = 0, ""
        for lines in self.lines():
            if "#" in lines:
                bare_lines = []
                for line in lines.split("\n"):
                    if not is_comment(line):
                        bare_lines.append(line)
                    elif not line.startswith(OWN_COMMENT):
                        comments, comment = comments + 1, comment or line.strip()[:200]
                lines = "\n".join(bare_lines)
            if '"' in lines:
                quoted = True
                bare = _QUOTED.sub("", lines)
                quoted_comma = quoted_comma or bare.count(",") < lines.count(",")
                lines = bare
            outside += "".join(m for m in _TELLING if m not in outside and m in lines)
        return Marks(outside, quoted, quoted_comma, comments, comment)
