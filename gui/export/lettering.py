"""Lines of text and the places of labels in a figure."""

from __future__ import annotations

import re

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontInfo, QFontMetricsF

SLACK = 0.98
"""Browsers set the text of an SVG up to a hundredth wider than Qt measures it."""


def wrapped(text: str, metrics: QFontMetricsF, width: float) -> list[str]:
    """The lines of a text, broken at spaces alone; a word that is too long is cut short.

    A unit or a sign stays with its number: Qt would break before it, and inside ``|error|``.
    """
    lines: list[str] = []
    width *= SLACK
    for paragraph in text.split("\n"):
        line = ""
        for word in re.sub(r" (?=[%=…] ?)", "\N{NO-BREAK SPACE}", paragraph).split(" "):
            longer = f"{line} {word}" if line else word
            if line and metrics.horizontalAdvance(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines]


def apart(texts: list[tuple[QRectF, str]], room: float) -> list[tuple[QRectF, str]]:
    """Leave out texts until none touches its neighbour: every other one, every third, and so on."""
    for step in range(1, len(texts) + 1):
        kept = texts[::step]
        if not any(
            a.adjusted(-room, 0, room, 0).intersects(b)
            for (a, _), (b, _) in zip(kept, kept[1:], strict=False)
        ):
            return kept
    return texts[:1]


def font_of(points: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The desktop's font in a size, as figures need it."""
    font = QFont()
    # The name of a real font: an alias of this desktop says nothing elsewhere.
    font.setFamily(QFontInfo(font).family())
    font.setPointSizeF(points)
    font.setWeight(weight)
    # Letters keep the distances of the font's design at every scale.
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    # A PDF holds a ligature as one sign: "ff" could not be found in it.
    for ligatures in ("liga", "clig", "dlig"):
        font.setFeature(QFont.Tag(ligatures), 0)
    return font
