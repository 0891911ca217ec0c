"""Steps pane: the active scheme's formulas with the chosen value's numbers, as cards in a row."""

from __future__ import annotations

import math
from html import escape

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QFrame, QTextBrowser, QWidget

from quantoscope.engine import QUANTIZERS, Evaluation, Trace
from quantoscope.engine.analysis.steps import Line, Steps, steps
from quantoscope.gui.common.localized_numbers import digits_apart, filled, short
from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import align_digits, vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.array_model import MARKS

PARAMETERS = ("S0", "d", "S", "Z", "m")
"""Keys of the lines that end a card of parameters."""
EDGES, ARROW_EDGES, TIGHT_EDGES = 9, 4, (5, 1)
"""Room at either side of a card's text and of an arrow in pixels; of both where there is little."""
LINES = 8.5
"""Height of a single row of cards up to which its lines are wrapped."""
LARGE = 1.25
"""Size of the result at a card's end, relative to other text."""


class StepsPane(QWidget):
    """The steps from R to R′ and the error, one card per stage."""

    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane."""
    height_wanted = Signal(int, arguments=["height"])
    """All rows of cards need a height in pixels; it only falls with another array or width."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self.insight = ""
        self._height = 0
        self.view = Page(self)
        self.view.setFrameShape(QFrame.Shape.NoFrame)
        self.view.setOpenLinks(False)
        self.view.setLineWrapMode(QTextBrowser.LineWrapMode.WidgetWidth)
        self.view.setAccessibleName(self.tr("Steps of the chosen value"))
        align_digits(self.view)
        self.setFocusProxy(self.view)
        vbox(self, self.view)
        for signal in (
            session.evaluator.evaluated,
            session.view.chosen_changed,
            session.active_changed,
        ):
            signal.connect(self.show_steps)
        settings.digits_changed.connect(self.show_steps)
        session.array_reset.connect(self._begin)
        self.show_steps()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self.show_steps()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            # The cards share the room.
            self._height = 0
            self.show_steps()
        self._scroll_to_start()

    def _begin(self) -> None:
        """Forget what other values needed."""
        self._height = 0
        self.height_wanted.emit(0)
        self._scroll_to_start()

    def _scroll_to_start(self) -> None:
        """Scroll to the start of the first line.

        The old position may be empty for another array, or after resizing.
        """
        for bar in (self.view.horizontalScrollBar(), self.view.verticalScrollBar()):
            bar.setValue(0)

    def show_steps(self) -> None:
        """Show the steps of the chosen value, or how to fill the pane."""
        sentence = self._nothing_to_show()
        if sentence:
            self._say("")
            self.view.setHtml(f"<p style='color:{self._theme.muted}'>{escape(sentence)}</p>")
            return
        entry, evaluation = self._session.active, self._session.evaluator.active_evaluation
        assert (
            entry is not None and evaluation is not None and self._session.view.chosen is not None
        )
        made = steps(
            self._session.evaluator.snapshot.array,
            evaluation.scheme,
            evaluation.qparams,
            self._session.view.chosen,
            self._settings.digits,
        )
        position = commands.position_text(self._session, self._session.view.chosen)
        self._say(filled("%1 · #%2: %3", entry.name, position, self.describe(made.trace)))
        self._lay(made)

    def _say(self, insight: str) -> None:
        self.insight = insight
        self.insight_changed.emit(insight)

    def _nothing_to_show(self) -> str:
        session = self._session
        if session.array.size == 0:
            return self.tr("Type or open a value to see how it is quantized, step by step.")
        if session.active is None:
            return self.tr("Add a scheme to see what it does to the chosen value.")
        outcome = session.evaluator.outcome(session.active_uid)
        if outcome is None:
            return self.tr("Computing…")
        if not isinstance(outcome, Evaluation):
            return str(outcome)
        if (
            session.view.chosen is None
            or session.view.chosen >= session.evaluator.snapshot.array.size
        ):
            return self.tr("Choose a value in the table or in a plot to see its steps.")
        return ""

    def describe(self, at: Trace) -> str:
        """Return a sentence on the quantization of the value."""
        p, saturated = at.qparams.at(0), int(at.saturated[0])
        if np.isnan(at["real"][0]):
            return self.tr("NaN has no code; it is left out of the range and the metrics.")
        with np.errstate(over="ignore"):
            size = abs(float(p.working_scale))
            share = short(abs(float(at["error"][0])) / size if size else np.inf, 3)
        if not np.isfinite(at["reconstructed"][0]):
            return self.tr("not reconstructed as a finite number: the scale overflows.")
        if saturated:
            text = (
                self.tr("%1 clipped: %2 lies above the last code %3; the error is %4 S.")
                if saturated > 0
                else self.tr("%1 clipped: %2 lies below the first code %3; the error is %4 S.")
            )
            end = p.qmax if saturated > 0 else p.qmin
            # Enough digits to show that the number is beyond the code.
            both = float(at.unclipped[0]), float(end)
            digits = digits_apart(both, self._settings.digits)
            number, last = (short(one, digits) for one in both)
            return filled(text, MARKS[saturated], number, last, share)
        if not p.format.integer:
            bound = float(np.max(QUANTIZERS[p.mapping].bound(at["real"][:1], p)))
            gap = short(bound / size if size else np.inf, 3)
            return filled(self.tr("the nearest number costs %1 S, at most %2 S here."), share, gap)
        if not p.format.mapping and abs(float(at.unrounded[0])) % 1 == 0.5:
            text = {
                "ties-even": self.tr("a rounding tie, which goes to the even code: %1 S."),
                "ties-away": self.tr("a rounding tie, which goes away from 0: %1 S."),
                "toward-zero": self.tr("a half, which is cut off: %1 S."),
            }.get(p.arithmetic.rounding, self.tr("a half, which goes up or down by chance: %1 S."))
            return filled(text, share)
        most = self.tr("½ S") if p.arithmetic.reach == 0.5 else self.tr("S")
        return filled(self.tr("rounding costs %1 S, at most %2."), share, most)

    # Cards

    def _lay(self, made: Steps) -> None:
        """Show the cards side by side, wrapped if that takes few lines; else in several rows."""
        cards, page = _cards(made), self.view.document()
        wanted, least = self._wide(cards)
        widths = self._widths(wanted, least)
        self.view.setHtml(self._html(made, [cards], [widths]))
        margins = 2 * page.documentMargin()
        if page.size().height() - margins > LINES * QFontMetricsF(self.view.font()).lineSpacing() \
                or sum(widths) > self._room():  # fmt: skip
            rows = self._rows(wanted, least)
            self.view.setHtml(
                self._html(
                    made,
                    [[cards[at] for at in row] for row in rows],
                    [
                        self._widths([wanted[at] for at in row], [least[at] for at in row])
                        for row in rows
                    ],
                )
            )
        bar = self.view.horizontalScrollBar()
        high = page.size().height() + (bar.sizeHint().height() if bar.maximum() else 0)
        if high > self._height:
            self._height = math.ceil(high)
            self.height_wanted.emit(self._height)

    def _html(self, made: Steps, rows: list[list[list[Line]]], widths: list[list[int]]) -> str:
        """Return the steps as rows of cards; those of a clipped value are framed in alarm."""
        first, tables = 1, []
        for number, (row, sizes) in enumerate(zip(rows, widths, strict=True)):
            cells = self._cells(made, row, sizes, first)
            if number + 1 < len(rows):
                cells.append(self._arrow(TIGHT_EDGES[1]))
            tables.append(f"<table cellspacing='0'><tr>{''.join(cells)}</tr></table>")
            first += len(row)
        return "<div style='font-size:3px'>&nbsp;</div>".join(tables)

    def _arrow(self, apart: int) -> str:
        middle = f"color:{self._theme.muted};vertical-align:middle;padding:0 {apart}px"
        return f"<td style='{middle}'>→</td>"

    def _cells(
        self, made: Steps, cards: list[list[Line]], widths: list[int], first: int
    ) -> list[str]:
        """Return the cells of a row, with arrows between the cards."""
        theme, clipped = self._theme, int(made.trace.saturated[0])
        cells: list[str] = []
        edges, apart = (EDGES, ARROW_EDGES) if not any(widths) else TIGHT_EDGES
        for number, (card, width) in enumerate(zip(cards, widths, strict=True), first):
            alarmed = bool(clipped) and card[-1].key in ("clipped", "error")
            edge, ground = theme.outline, theme.alternate
            if alarmed:
                edge, ground = theme.alarm, theme.washed(theme.alarm, 0.08).name()
            title = f"{_ink(theme.muted, str(number))}&nbsp;&nbsp;<b>{self._title(card[-1])}</b>"
            text = "".join(self._line(line, line is card[-1], alarmed) for line in card)
            if alarmed and card[-1].key == "clipped":
                title += f" {_ink(theme.alarm, MARKS[clipped])}"
            if cells:
                cells.append(self._arrow(apart))
            style = f"border:1px solid {edge};background-color:{ground};padding:3px {edges}px"
            sized = f" width='{width}'" if width else ""
            cells.append(f"<td{sized} style='{style}'><div>{title}</div>{text}</td>")
        return cells

    def _room(self) -> float:
        """Return the width of a row in pixels, beside a scroll bar."""
        bar = self.view.verticalScrollBar().sizeHint().width()
        return self.view.width() - bar - 2 * self.view.document().documentMargin()

    def _rows(self, wanted: list[float], least: list[float]) -> list[list[int]]:
        """Return the numbers of the cards of each row: as few rows as have room, equally full."""
        count = len(wanted)
        for number in range(2, count + 1):
            share, rows, used = sum(wanted) / number, [[0]], wanted[0]
            for at in range(1, count):
                # A card stands where its middle does.
                if used + wanted[at] / 2 > share * len(rows) and len(rows) < number:
                    rows.append([])
                rows[-1].append(at)
                used += wanted[at]
            if all(
                self._fits([least[at] for at in row], *TIGHT_EDGES, spare=max(wanted) / 3)
                for row in rows
            ):
                return rows
        return [[at] for at in range(count)]

    def _fits(self, widths: list[float], edges: int, apart: int, spare: float = 0) -> bool:
        return sum(widths) + self._between(len(widths), edges, apart) + spare <= self._room()

    def _between(self, count: int, edges: int, apart: int) -> float:
        """Return the width of all that stands around the texts of so many cards."""
        arrow = QFontMetricsF(self.view.font()).horizontalAdvance("→")
        return count * (arrow + 2 * apart + 2) + count * (2 * edges + 3)

    def _wide(self, cards: list[list[Line]]) -> tuple[list[float], list[float]]:
        """Return the width that each card's text has, and the least that breaks no word."""
        plain, font = QFontMetricsF(self.view.font()), self.view.font()
        font.setBold(True)
        bold = QFontMetricsF(font)
        wanted, least = [], []
        for card in cards:
            title = bold.horizontalAdvance(f"1  {self._title(card[-1])} ▼")
            lines = [card[-1].symbol]
            for line in card:
                lines += [f"{line.symbol} = {line.formula}", f"= {line.numbers}", line.remark]
                if not line.numbers:
                    lines.append(f"{line.symbol} = {line.formula} = {line.result}")
            result = LARGE * bold.horizontalAdvance(f"= {card[-1].result}")
            words = [word for each in lines for word in each.split()]
            wanted.append(max(result, title, *map(plain.horizontalAdvance, lines)))
            least.append(max(result, title, *map(bold.horizontalAdvance, words)))
        return wanted, least

    def _widths(self, wanted: list[float], least: list[float]) -> list[int]:
        """Return the width of each card in pixels, the widest cut alike; zeros if all have room."""
        if self._fits(wanted, EDGES, ARROW_EDGES):
            return [0] * len(wanted)
        edges, apart = TIGHT_EDGES
        room = self._room() - self._between(len(wanted), edges, apart)
        low, high = 0.0, max(wanted)
        for _ in range(12):
            most = (low + high) / 2
            shared = [max(few, min(all_, most)) for few, all_ in zip(least, wanted, strict=True)]
            low, high = (most, high) if sum(shared) <= room else (low, most)
        shared = [max(few, min(all_, low)) for few, all_ in zip(least, wanted, strict=True)]
        return [int(width) + 2 * edges + 3 for width in shared]

    def _line(self, line: Line, last: bool, alarmed: bool) -> str:
        """Return a line of a card: formula, numbers and result below each other."""
        theme = self._theme
        symbol, formula, numbers, result = map(
            escape, (line.symbol, line.formula, line.numbers, line.result)
        )
        result = f"=&nbsp;<b>{result}</b>"
        if last and formula:
            result = f"<span style='font-size:large'>{result}</span>"
        result = _ink(theme.alarm, result) if alarmed else result
        head = _ink(theme.muted, f"{symbol} = {formula}") if formula else symbol
        rows = [head, f"= {numbers}", result] if numbers else [f"{head} {result}"]
        if line.remark:
            rows.append(_ink(theme.alarm, escape(line.remark)))
        return "".join(f"<div>{row}</div>" for row in rows)

    def _title(self, line: Line) -> str:
        """Return the title of the card that ends with a line."""
        return {
            "S": self.tr("Scale"),
            "d": self.tr("Divisor"),
            "Z": self.tr("Zero point"),
            "m": self.tr("Offset"),
            "scaled": self.tr("Divide"),
            "shifted": self.tr("Add"),
            "rounded": self.tr("Round"),
            "clipped": self.tr("Clip"),
            "code": self.tr("Code"),
            "reconstructed": self.tr("Reconstruct"),
            "error": self.tr("Error"),
        }.get(line.key, escape(line.symbol))


def _ink(colour: str, html: str) -> str:
    return f"<span style='color:{colour}'>{html}</span>"


def _cards(made: Steps) -> list[list[Line]]:
    """Return the lines of each card: what a parameter or stage needs, and it itself at the end."""
    ends = {stage.key for stage in made.trace.stages}
    cards: list[list[Line]] = [[]]
    for line in (*made.parameters, *made.values):
        before = cards[-1][-1].key if cards[-1] else ""
        # S may take a second line, rounded to the working precision.
        if before in ends or (before in PARAMETERS and (before, line.key) != ("S", "S")):
            cards.append([])
        cards[-1].append(line)
    return cards
