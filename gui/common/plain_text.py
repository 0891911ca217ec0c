"""Texts that hold names from files, for places that would take them for something else.

A name may be anything: HTML that makes Qt open files, a mnemonic, marks that turn the reading
direction, twenty thousand letters. ``plain`` is for the name itself, where a document takes it in;
the others are for the places that read more into a text than its letters.
"""

from __future__ import annotations

import os
import zlib
from html import escape
from typing import Any

from PySide6.QtGui import QImage, Qt
from PySide6.QtWidgets import QTextBrowser

from quantoscope.engine.text.number_parsing import printable

NAME_LENGTH = 300
"""A longer name is cut in its middle: both ends and a checksum tell names apart."""
TIP_LENGTH = 4000
_ODD = "\N{REPLACEMENT CHARACTER}"
_SPACES = "\n\t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"


def plain(name: str | os.PathLike[str]) -> str:
    """Return a name on one line, without control characters and direction marks, and not long."""
    name = os.fspath(name)
    if len(name) > NAME_LENGTH:
        # Names that differ in what is left out would read alike.
        mark = f"…{zlib.crc32(name.encode('utf-8', 'surrogatepass')):08x}…"
        half = (NAME_LENGTH - len(mark)) // 2
        name = f"{name[:half]}{mark}{name[half - NAME_LENGTH + len(mark) :]}"
    return printable(name, NAME_LENGTH)


def letters(text: str) -> str:
    """Return a text of any length and lines without control characters and direction marks."""
    return "".join(c if c.isprintable() or c in _SPACES else _ODD for c in text)


def plain_tip(text: str) -> str:
    """Return a text for a tip, which Qt takes for HTML, pictures and all, where it looks so."""
    if len(text) > TIP_LENGTH:
        text = f"{text[: TIP_LENGTH - 1]}…"
    text = letters(text)
    if not Qt.mightBeRichText(text):
        return text
    return f"<span style='white-space: pre-wrap'>{escape(text)}</span>"


def plain_action(text: str) -> str:
    """Return a text for a menu or a button, which take the letter behind ``&`` for a key."""
    return text.replace("&", "&&")


def plain_title(text: str) -> str:
    """Return a text for the title of a window, in which ``[*]`` stands for the star."""
    return text.replace("[*]", "[*][*]")


class Page(QTextBrowser):
    """A page of text that loads nothing of what it names."""

    def loadResource(self, kind: int, name: Any) -> QImage:
        # Of nothing at all Qt would make something itself: it opens the file of that name.
        empty = QImage(1, 1, QImage.Format.Format_ARGB32)
        empty.fill(Qt.GlobalColor.transparent)
        return empty
