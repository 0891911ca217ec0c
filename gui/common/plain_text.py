"""Make names from files safe for Qt, which may interpret them as markup.

A name may contain HTML that makes Qt open files, a mnemonic, marks that change the text
direction, or twenty thousand characters. ``plain`` is for a name when it enters the document;
the others are for widgets that interpret text.
"""

from __future__ import annotations

import os
import re
import zlib
from html import escape
from typing import Any

from PySide6.QtGui import QImage, Qt
from PySide6.QtWidgets import QTextBrowser

from quantoscope.engine.text.number_parsing import printable

NAME_LENGTH = 300
"""Maximum length of a name; longer ones keep both ends and a checksum."""
TIP_LENGTH = 4000
_ODD = "\N{REPLACEMENT CHARACTER}"
_SPACES = "\n\t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}"

_BEFORE_SIGN = re.compile(r" (?=[%=…])|(?<=[0-9]) (?=dB\b)")
_TIED = re.compile(r"\|(?=\w)|(?<=\b\w)/(?=\w\b)")


def plain(name: str | os.PathLike[str]) -> str:
    """Return a name as one short line without control characters and direction marks."""
    name = os.fspath(name)
    if len(name) > NAME_LENGTH:
        # The checksum distinguishes names that differ in the omitted middle.
        mark = f"…{zlib.crc32(name.encode('utf-8', 'surrogatepass')):08x}…"
        half = (NAME_LENGTH - len(mark)) // 2
        name = f"{name[:half]}{mark}{name[half - NAME_LENGTH + len(mark) :]}"
    return printable(name, NAME_LENGTH)


def letters(text: str) -> str:
    """Return a text of any length without control characters and direction marks."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _SPACES else _ODD for c in text)


def unbroken(text: str) -> str:
    """Return a sentence with units and signs tied to their number, and what is inside terms.

    Qt would break a line before ``dB`` and ``%``, and inside ``|error|`` and ``S/2``.
    """
    text = _BEFORE_SIGN.sub("\N{NO-BREAK SPACE}", text)
    return _TIED.sub("\\g<0>\N{WORD JOINER}", text)


def plain_tip(text: str) -> str:
    """Return a text for a tool tip, escaped if Qt would take it for HTML."""
    if len(text) > TIP_LENGTH:
        text = f"{text[: TIP_LENGTH - 1]}…"
    text = letters(text)
    if not Qt.mightBeRichText(text):
        return text
    return f"<span style='white-space: pre-wrap'>{escape(text)}</span>"


def plain_action(text: str) -> str:
    """Return a text for a menu or button, with ``&`` escaped."""
    return text.replace("&", "&&")


def plain_title(text: str) -> str:
    """Return a text for a window title, with the placeholder ``[*]`` escaped."""
    return text.replace("[*]", "[*][*]")


class Page(QTextBrowser):
    """A text page that loads no external resources."""

    def loadResource(self, kind: int, name: Any) -> QImage:
        # Of nothing at all Qt would make something itself: it opens the file of that name.
        empty = QImage(1, 1, QImage.Format.Format_ARGB32)
        empty.fill(Qt.GlobalColor.transparent)
        return empty
