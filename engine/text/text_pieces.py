"""Read long text in pieces, to bound the memory it takes.

A string takes one byte per character, or four if any character needs them; split into lines
or cells it takes many times as much. So parsers read text piece by piece, and read it
again for anything that the first pass did not keep.
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
"""Start of the comment line in which exports record dtype and shape."""


@dataclass(frozen=True)
class Marks:
    """Delimiters and quotes in a text, outside comments, that determine its layout."""

    outside: str  # tabs, semicolons and commas outside quotes
    quoted: bool  # whether there are quotes
    quoted_comma: bool  # whether there is a comma inside quotes
    comments: int = 0  # comment lines, except those in which exports record dtype and shape
    comment: str = ""  # the first such line


class Text:
    """A text of at most ``size`` characters that can be read repeatedly.

    ``source`` returns an iterator over pieces of any length; ``opened`` says that it is a file,
    whose leading blank lines are not cells.
    """

    def __init__(
        self, source: Callable[[], Iterator[str]], size: int, opened: bool = False
    ) -> None:
        self._source = source
        self.size, self.opened = size, opened

    @classmethod
    def of(cls, text: str) -> Text:
        """Wrap a string."""

        def cut() -> Iterator[str]:
            for at in range(0, len(text), PIECE):
                yield text[at : at + PIECE]

        return cls(cut, len(text))

    def pieces(self) -> Iterator[str]:
        """Yield the text in ASCII equivalents, with lines that end in LF."""
        held = ""
        for piece in cancellation.checked(self._source(), 1):
            piece, held = held + piece, ""
            if piece[-1:] == "\r":  # An LF may follow.
                piece, held = piece[:-1], "\r"
            if "\r" in piece:
                piece = piece.replace("\r\n", "\n").replace("\r", "\n")
            if piece:
                yield plain(piece)
        if held:
            yield "\n"

    def lines(self) -> Iterator[str]:
        """Yield batches of whole lines with their ends, or parts of a very long line."""
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
        """The text up to 250,000 characters."""
        found: list[str] = []
        for piece in self.pieces():
            found.append(piece)
            if sum(map(len, found)) > _START:
                break
        return "".join(found)[:_START]

    @cached_property
    def first_rows(self) -> list[str]:
        """The first complete lines that are neither blank nor comments."""
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
        """The delimiters and quotes that determine the layout."""
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
