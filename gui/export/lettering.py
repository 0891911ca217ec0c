"""Text layout in figures."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QFontInfo, QFontMetricsF

from quantoscope.gui.common.plain_text import unbroken

SLACK = 0.98
"""Factor of safety: browsers set SVG text up to one per cent wider than Qt measures."""


def wrapped(text: str, metrics: QFontMetricsF, width: float) -> list[str]:
    """Return the lines of a text, broken at spaces only; long words are cut.

    Units and signs stay with their number, as in ``unbroken``.
    """
    lines: list[str] = []
    width *= SLACK
    for paragraph in text.split("\n"):
        line = ""
        for word in unbroken(paragraph).replace("\N{WORD JOINER}", "").split(" "):
            longer = f"{line} {word}" if line else word
            if line and metrics.horizontalAdvance(longer) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    lines = [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in lines]


def shortened(text: str, metrics: QFontMetricsF, width: float) -> str:
    """Return as many parts of a text, divided by semicolons, as fit; the first is cut."""
    parts = text.split("; ")
    while len(parts) > 1 and metrics.horizontalAdvance("; ".join(parts)) > width * SLACK:
        parts.pop()
    return metrics.elidedText("; ".join(parts), Qt.TextElideMode.ElideRight, width)


def apart(texts: list[tuple[QRectF, str]], room: float) -> list[tuple[QRectF, str]]:
    """Thin out texts until none overlap: every other one, every third, and so on."""
    for step in range(1, len(texts) + 1):
        kept = texts[::step]
        if not any(
            a.adjusted(-room, 0, room, 0).intersects(b)
            for (a, _), (b, _) in zip(kept, kept[1:], strict=False)
        ):
            return kept
    return texts[:1]


def font_of(points: float, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """Return the desktop's font in a size, for figures."""
    font = QFont()
    # The resolved font name: a desktop alias is unknown elsewhere.
    font.setFamily(QFontInfo(font).family())
    font.setPointSizeF(points)
    font.setWeight(weight)
    # Unhinted spacing, so that text scales exactly.
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    # A PDF stores a ligature as one character, so "ff" could not be searched.
    for ligatures in ("liga", "clig", "dlig"):
        font.setFeature(QFont.Tag(ligatures), 0)
    return font
