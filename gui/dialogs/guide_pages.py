"""The pages of the user's guide: their text as it is read, sections, and where words stand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from PySide6.QtGui import QTextBlock, QTextDocument

from quantoscope.resources import read_text

INDEX = "index.md"
_UNSEEN = re.compile(r"^(!\[[^\n]*\n|<!--.*?-->\n)\n?", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([\w-]+\.md)\)")
MARKDOWN = (
    QTextDocument.MarkdownFeature.MarkdownDialectGitHub
    | QTextDocument.MarkdownFeature.MarkdownNoHTML
)


def anchor_of(heading: str) -> str:
    """Return the anchor that links to a heading have."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it."""

    page: str
    """The file."""
    title: str
    """The heading."""
    start: int
    end: int
    """Positions in the page's text."""


@dataclass(frozen=True)
class Match:
    """Where a word that was searched for stands."""

    section: Section
    start: int
    end: int


class GuidePage:
    """The text of one page as a reader sees it, and its sections."""

    source: str
    """Markdown without pictures, which are on screen themselves, and without comments."""
    text: str
    """What is searched; its positions are those of the document."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.source = _UNSEEN.sub("", read_text(f"guide/{name}"))
        document = QTextDocument()
        document.setMarkdown(self.source, MARKDOWN)
        self.text = document.toPlainText()
        heads = [b for b in blocks(document) if b.blockFormat().headingLevel()]
        ends = [*(head.position() for head in heads[1:]), len(self.text)]
        self.sections = tuple(
            Section(name, head.text(), head.position(), end)
            for head, end in zip(heads, ends, strict=True)
        )

    @property
    def title(self) -> str:
        """The first heading."""
        return self.sections[0].title

    def position(self, anchor: str) -> int:
        """Return where a heading stands; 0 for none."""
        found = (s.start for s in self.sections if anchor_of(s.title) == anchor)
        return next(found, 0)

    def matches(self, words: list[str]) -> list[Match]:
        """Return where the words stand, in the sections that have all of them."""
        pattern = re.compile("|".join(map(re.escape, words)), re.IGNORECASE)
        return [
            Match(section, section.start + found.start(), section.start + found.end())
            for section in self.sections
            for text in (self.text[section.start : section.end],)
            if all(word.lower() in text.lower() for word in words)
            for found in pattern.finditer(text)
        ]


def blocks(document: QTextDocument) -> Iterator[QTextBlock]:
    """Yield every block of a document."""
    block = document.begin()
    while block.isValid():
        yield block
        block = block.next()


def guide_pages() -> dict[str, GuidePage]:
    """Return the pages by file, in the order in which the index links to them."""
    names = dict.fromkeys([INDEX, *_LINK.findall(read_text(f"guide/{INDEX}"))])
    return {name: GuidePage(name) for name in names}
