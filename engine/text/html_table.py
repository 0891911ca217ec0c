"""Convert an HTML table from the clipboard to tab-separated cells."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

from quantoscope.engine.text.number_parsing import NumberError

_BREAKS = frozenset(
    ("br", "p", "div", "li", "tr", "ul", "ol", "pre", "h1", "h2", "h3", "h4", "h5", "h6")
)
_UNSEEN = frozenset(("script", "style", "title", "template"))
_NAME = re.compile(r"/?[a-z][a-z0-9]*", re.ASCII | re.IGNORECASE)
_SPAN = re.compile(r"""colspan\s*=\s*["']?\s*(\d{1,9})""", re.ASCII | re.IGNORECASE)
_MOST_SPANNED = 10_000
"""Upper bound on spanned cells: a page may claim any number in a few bytes."""


def cells_of_html(text: str) -> str:
    """Return the cells of a page's only table, one line per row, or else the page's text.

    Raises
    ------
    NumberError
        If there are several tables, so that the intended one is unknown, or if cells
        span thousands of others.
    """
    page = _Page()
    for tag, words in _parts(text):
        if tag:
            page.take_tag(tag, words)
        else:
            page.take_text(unescape(words))
    page.finish_cell()
    if page.tables > 1:
        raise NumberError(f"The clipboard holds {page.tables:,} tables: copy one of them.")
    if any(page.rows):
        return "".join("\t".join(row) + "\n" for row in page.rows if row)
    lines = (" ".join(line.split()) for line in "".join(page.text).split("\n"))
    return "\n".join(line for line in lines if line)


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield tag names with their attributes, and the text between under an empty name.

    The standard library's parser takes quadratic time over a tag that is never closed.
    """
    at = 0
    while at < len(text):
        start = text.find("<", at)
        if start < 0:
            start = len(text)
        if start > at:
            yield "", text[at:start]
        name = _NAME.match(text, start + 1)
        if text.startswith("<!--", start):
            end = text.find("-->", start)
            end += 2 if end >= 0 else 0
        elif name is not None or text.startswith(("<!", "<?"), start):
            end = text.find(">", start)
        else:
            if start < len(text):
                yield "", "<"
            at = start + 1
            continue
        if end < 0:
            return
        if name is not None:
            tag = name[0].lower()
            yield tag, text[name.end() : end]
            if tag in _UNSEEN:
                closing = re.compile(f"</{tag}", re.IGNORECASE).search(text, end)
                if closing is None:
                    return
                end = closing.start() - 1
        at = end + 1


class _Page:
    """Collects table rows and visible text."""

    def __init__(self) -> None:
        self.tables = 0
        self.rows: list[list[str]] = []
        self.text: list[str] = []
        self._cell: list[str] | None = None
        self._span = 1
        self._spanned = 0

    def take_tag(self, tag: str, attributes: str) -> None:
        """Handle a tag: start a cell, row or line."""
        if tag == "table":
            self.tables += 1
        if tag in ("tr", "td", "th", "/tr", "/td", "/th", "/table"):
            self.finish_cell()
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            span = _SPAN.search(attributes)
            self._cell = []
            self._span = max(1, int(span[1])) if span else 1
        if tag.removeprefix("/") in _BREAKS:
            self.take_text("\n")

    def take_text(self, text: str) -> None:
        """Append text to the open cell, or else to the page's text."""
        (self.text if self._cell is None else self._cell).append(text)

    def finish_cell(self) -> None:
        """Append the open cell to its row, with empty cells for those it spans."""
        if self._cell is None:
            return
        if not self.rows:
            self.rows.append([])
        self._spanned += self._span - 1
        if self._spanned > _MOST_SPANNED:
            raise NumberError("The table on the clipboard has cells that span too many columns.")
        words = " ".join("".join(self._cell).split())
        self.rows[-1] += [words, *[""] * (self._span - 1)]
        self._cell = None
