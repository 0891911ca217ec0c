"""Line under the menus: which scheme loses least, and why the others lose more."""

from __future__ import annotations

from dataclasses import replace
from html import escape

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextDocument,
    QTextOption,
)
from PySide6.QtWidgets import QSizePolicy, QToolButton, QWidget

from quantoscope.gui.common.plain_text import plain_tip
from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.theme import LINE_STYLES, MARKERS, Theme, swatch
from quantoscope.gui.common.widgets import hbox
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Entry
from quantoscope.gui.panes.suggestion import SuggestionButton
from quantoscope.gui.panes.verdict_words import ALARM, STRONG, Clause, brief, clauses

SWATCH = QSize(18, 12)
WIDEST, WIDE, NARROW = 480, 180, 90
"""Widths of names in pixels, tried one after the other."""
MARGIN = 8
ROOMY = 1200
"""Width of a line that has room for what is suggested."""


class VerdictText(QWidget):
    """Draws as many whole clauses as fit on a line; only the first one is ever wrapped."""

    laid_out = Signal()
    """The text is another, or elsewhere."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._clauses: list[Clause] = []
        self._entries: dict[int, Entry] = {}
        self._theme: Theme | None = None
        self._document = QTextDocument(self)
        self._document.setDocumentMargin(0)
        self.shown = ""
        """The text that is shown, without colours."""
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setObjectName("verdict")

    def say(self, found: list[Clause], entries: dict[int, Entry], theme: Theme) -> None:
        """Show clauses, with the entries that they name."""
        if (found, entries, theme) == (self._clauses, self._entries, self._theme):
            return
        self._clauses, self._entries, self._theme = found, entries, theme
        names = {uid: entry.name for uid, entry in entries.items()}
        text = " ".join(clause.plain(names) for clause in found)
        self.setAccessibleName(text)
        self.setToolTip(plain_tip(text))
        self._lay_out()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def _lay_out(self) -> None:
        """Choose the clauses and the length of names that fit."""
        if self._theme is None:
            return
        line = QFontMetricsF(self.font()).height()
        full = {uid: entry.name for uid, entry in self._entries.items()}
        short = brief(self._entries)
        # A clause less comes before a name that is cut: the tip has all of them.
        tries = [(count, names, WIDEST) for count in range(len(self._clauses), 0, -1)
                 for names in (full, short)]  # fmt: skip
        tries += [(min(1, len(self._clauses)), short, wide) for wide in (WIDE, NARROW)]
        for count, names, wide in tries:
            if self._fits(count, names, wide):
                self._fix(line)
                return
        self._document.setTextWidth(max(40, self.width()))
        self._fix(self._document.size().height())

    def _fits(self, count: int, names: dict[int, str], wide: int) -> bool:
        """Set the text, and return whether it fits on one line."""
        self._compose(count, names, wide)
        return self._document.idealWidth() <= self.width()

    @property
    def wide(self) -> int:
        """Width of the text in pixels."""
        return min(self.width(), round(self._document.idealWidth()))

    def _fix(self, height: float) -> None:
        self.setFixedHeight(round(height) + 2)
        self.update()
        self.laid_out.emit()

    def _compose(self, count: int, called: dict[int, str], wide: int) -> None:
        """Set the text of the first clauses, with names of at most a width."""
        assert self._theme is not None
        font = QFont(self.font())
        font.setBold(True)
        metrics = QFontMetricsF(font)
        cut = schemes_apart(
            list(called.values()),
            lambda name: metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, wide),
        )
        names = dict(zip(called, cut, strict=True))
        document, theme = self._document, self._theme
        document.clear()
        document.setDefaultFont(self.font())
        document.setTextWidth(-1)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WordWrap)
        document.setDefaultTextOption(option)
        ratio = self.devicePixelRatioF()
        parts = []
        for clause in self._clauses[:count]:
            for piece in clause.pieces:
                text = escape(piece.text)
                if piece.style:
                    text = text.replace(" ", "&nbsp;")  # A number keeps its unit.
                if piece.uid is not None:
                    entry = self._entries[piece.uid]
                    colour, line = theme.colour(entry.colour), LINE_STYLES[entry.line][1]
                    picture = swatch(colour, line, MARKERS[entry.marker], SWATCH, ratio)
                    name = f"swatch:{piece.uid}"
                    document.addResource(
                        QTextDocument.ResourceType.ImageResource.value, QUrl(name), picture
                    )
                    size = f'width="{SWATCH.width()}" height="{SWATCH.height()}"'
                    image = f'<img src="{name}" {size} style="vertical-align: middle">'
                    label = escape(names[piece.uid]).replace(" ", "&nbsp;")
                    text = f'{image}&nbsp;<b style="color:{colour.name()}">{label}</b>'
                elif piece.style == STRONG:
                    text = f"<b>{text}</b>"
                elif piece.style == ALARM:
                    text = f'<b style="color:{theme.alarm}">{text}</b>'
                parts.append(text)
            parts.append("&nbsp; ")
        document.setHtml("".join(parts[:-1]))
        self.shown = " ".join(clause.plain(names) for clause in self._clauses[:count])

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.translate(0, (self.height() - self._document.size().height()) / 2)
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette = self.palette()
        self._document.documentLayout().draw(painter, context)
        painter.end()


class VerdictLine(QWidget):
    """The verdict, a button that shows why, and one that adds what would be better."""

    why_asked = Signal()
    """The user wants to see the waterfall."""

    def __init__(self, session: Session, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._theme = session, theme
        self.setObjectName("verdict-line")
        self.setAccessibleName(self.tr("Verdict"))
        self.text = VerdictText(self)
        self.why = QToolButton(self)
        self.why.setText(self.tr("Why?"))
        self.why.setAutoRaise(True)
        self.why.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.why.setCursor(Qt.CursorShape.PointingHandCursor)
        self.why.setAccessibleName(self.tr("Why? Show what each choice brings"))
        self.why.setToolTip(self.tr("Show what each choice between two schemes brings, in dB"))
        font = self.why.font()
        font.setUnderline(True)
        self.why.setFont(font)
        self.why.clicked.connect(self.why_asked)
        # The button follows the end of the text.
        size = self.why.sizeHint()
        self.suggestion = SuggestionButton(session, self)
        row = hbox(self, (self.text, 1), self.suggestion, margins=(MARGIN, 1, MARGIN, 1), spacing=0)
        row.insertSpacing(1, MARGIN + size.width())
        for part in (self.text, self.suggestion):
            row.setAlignment(part, Qt.AlignmentFlag.AlignVCenter)
        self.setMinimumHeight(size.height())
        self.text.laid_out.connect(self._place_why)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        session.evaluator.evaluated.connect(self.refresh)
        session.evaluator.stale_changed.connect(self.refresh)
        session.entries_changed.connect(self.refresh)
        self.restyle(theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.suggestion.set_brief(self.width() < ROOMY)
        self._place_why()

    def _place_why(self) -> None:
        size = self.why.sizeHint()
        x = self.text.x() + self.text.wide + MARGIN
        x = min(x, self.text.x() + self.text.width() + MARGIN)
        self.why.setGeometry(x, (self.height() - size.height()) // 2, size.width(), size.height())

    def refresh(self) -> None:
        """Show the verdict of the snapshot."""
        snapshot = self._session.evaluator.snapshot
        verdict, entries = snapshot.verdict, {e.uid: e for e in self._session.entries}
        if verdict is not None and not set(verdict.standings) <= set(entries):
            return  # A scheme was removed; the next snapshot is on its way.
        known = {} if verdict is None else verdict.standings
        # The figures are of the schemes as they were, which may have changed meanwhile.
        named = {uid: replace(entries[uid], scheme=one.scheme) for uid, one in known.items()}
        awaited = self._session.evaluator.awaited
        self.text.say(clauses(verdict, snapshot.array.shape, awaited), named, self._theme)
        self.why.setEnabled(len(known) > 1)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        palette = self.why.palette()
        palette.setColor(QPalette.ColorRole.ButtonText, QColor(theme.highlight))
        self.why.setPalette(palette)
        self.refresh()
