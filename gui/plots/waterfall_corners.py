"""The schemes between two others: all ways over them, and their figures as a table."""

from __future__ import annotations

import math

from PySide6.QtCore import QCoreApplication, QPointF, QRectF

from quantoscope.engine.analysis.waterfall import CornerFigures
from quantoscope.gui.common.localized_numbers import (
    bits_text,
    decibels,
    filled,
    gain_text,
    percent,
)
from quantoscope.gui.common.theme import LINE_STYLES
from quantoscope.gui.plots.canvas import FreeLabels, Point, around
from quantoscope.gui.plots.waterfall_bars import Part, Scale
from quantoscope.gui.plots.waterfall_words import corner_db, name_of

MOST_LABELLED = 3
"""Maximum number of choices of which every scheme and every step is labelled."""
COLUMNS = (48.0, 38.0, 62.0, 54.0)
"""Widths of the columns of figures, in pixels."""
MOSTLY = 0.5
"""Share of the loss from which clipping is what a scheme suffers from."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("waterfall", text)


class Lattice(Part):
    """All ways from one scheme to the other: a node is a scheme, an edge is one choice."""

    def paint(self) -> None:
        """Draw everything."""
        finite = {
            made: corner
            for made, corner in self.made.corners.items()
            if math.isfinite(corner.db(self.others))
        }
        canvas, pitch = self.canvas, self.canvas.pitch
        title = _tr("All ways from one to the other")
        at = self.room.left(), self.room.top()
        canvas.text("ways", at, canvas.elided(title, self.room.width()), self.theme.foreground,
                    (0.0, 0.0))  # fmt: skip
        if not finite:
            return
        figures = [corner.db(self.others) for corner in finite.values()]
        self._legend(self.room.top() + pitch)
        top, bottom = self.room.top() + 3.4 * pitch, self.room.bottom() - 2.4 * pitch
        scale = Scale(canvas, top, max(bottom, top + 10), min(figures), max(figures))
        self.ticks = scale.ticks
        scale.grid("ways", self.room.left(), self.room.right())
        places = {
            made: (self._x(made.bit_count()), scale.at(corner.db(self.others)))
            for made, corner in finite.items()
        }
        self._edges(places, finite)
        self._nodes(places, finite)
        self._labels(places, finite)
        count = len(self.made.choices)
        words = {0: _tr("no choice made"), count: _tr("all made")}
        for done in range(count + 1):
            text = words.get(done, filled(_tr("%1 made"), done))
            at = self._x(done), self.room.bottom()
            canvas.text(("made", done), at, text, self.theme.muted, (0.5, 1.0))

    def _x(self, done: int) -> float:
        share = (done + 0.5) / (len(self.made.choices) + 1)
        return self.room.left() + share * self.room.width()

    def _legend(self, top: float) -> None:
        """Draw a sample of each choice's line, in a row."""
        plot, width = self.canvas.plot, self.room.width() / len(self.made.choices)
        for number, choice in enumerate(self.made.choices):
            left, y = self.room.left() + number * width, top + self.canvas.line_height / 2
            pen = plot.pen(self.theme.foreground, 1.5, LINE_STYLES[number][1])
            self.canvas.strokes(("sample", number), [((left, y), (left + 26, y))], pen)
            text = filled(_tr("%1 instead of %2"), name_of(choice), choice.first)
            if self.canvas.metrics.horizontalAdvance(text) > width - 48:
                text = name_of(choice)
            text = self.canvas.elided(text, width - 44)
            at = left + 32, y
            self.canvas.text(("sample", number), at, text, self.theme.muted, (0.0, 0.5))

    def _edges(self, places: dict[int, Point], finite: dict[int, CornerFigures]) -> None:
        plot = self.canvas.plot
        lines: dict[tuple[int, bool], list[tuple[Point, Point]]] = {}
        for number, made in self.made.steps():
            then = made | 1 << number
            if made not in places or then not in places:
                continue
            gain = finite[then].db(self.others) - finite[made].db(self.others)
            loss = gain <= -0.005
            (x0, y0), (x1, y1) = places[made], places[then]
            lines.setdefault((number, loss), []).append(((x0, y0), (x1, y1)))
        for (number, loss), found in lines.items():
            colour = self.theme.alarm if loss else self.theme.foreground
            pen = plot.pen(colour, 1.3, LINE_STYLES[number][1])
            self.canvas.strokes(("edges", number, loss), found, pen)

    def _nodes(self, places: dict[int, Point], finite: dict[int, CornerFigures]) -> None:
        inner = [at for made, at in places.items() if made not in (0, self.made.full)]
        self.canvas.dots("nodes", inner, self.theme.foreground, 7)
        for made, at in places.items():
            text = f"{finite[made].name}\n{corner_db(finite[made].db(self.others))}"
            self.spots.append((around(QPointF(*at), 9), text))
            end = {0: self.ends[0], self.made.full: self.ends[1]}.get(made)
            if end is not None:
                self.canvas.marker(("node", made), at, end)

    def _labels(self, places: dict[int, Point], finite: dict[int, CornerFigures]) -> None:
        """Name the nodes, then the edges, where there is room."""
        canvas, all_named = self.canvas, len(self.made.choices) <= MOST_LABELLED
        labels = FreeLabels(canvas.plot, [around(QPointF(*at), 6) for at in places.values()])
        width = 1.4 * self.room.width() / (len(self.made.choices) + 1)
        for made, at in places.items():
            end = made in (0, self.made.full)
            if end or all_named:
                words = "" if end else canvas.elided(self._words(made), width - 34)
                text = f"{words} {decibels(finite[made].db(self.others))}".strip()
                x, y = canvas.x(at[0]), canvas.y(at[1])
                labels.write(("node", made), x, y, text, self.theme.foreground)
        for number, made in self.made.steps() if all_named else ():
            then = made | 1 << number
            if made not in places or then not in places:
                continue
            gain = finite[then].db(self.others) - finite[made].db(self.others)
            colour = self.theme.alarm if gain <= -0.005 else self.theme.muted
            (x0, y0), (x1, y1) = places[made], places[then]
            for share in (0.5, 0.4, 0.6, 0.3, 0.7):
                x, y = canvas.x(x0 + share * (x1 - x0)), canvas.y(y0 + share * (y1 - y0))
                if labels.write(("step", number, made), x, y, gain_text(gain), colour, gap=0):
                    break

    def _words(self, made: int) -> str:
        chosen = [c for number, c in enumerate(self.made.choices) if made >> number & 1]
        return " ".join(name_of(choice) for choice in reversed(chosen))


class CornerTable(Part):
    """Figures of the schemes on the way, best first."""

    def paint(self) -> None:
        """Draw everything."""
        pitch, top = self.canvas.pitch, self.room.top()
        corners = sorted(
            self.made.corners.values(),
            key=lambda one: (math.isnan(one.db(self.others)), -one.db(self.others)),
        )
        title = filled(_tr("The %1 schemes on the way, which the bars are computed from"),
                       len(corners))  # fmt: skip
        text = self.canvas.elided(title, self.room.width())
        at = self.room.left(), top
        self.canvas.text("corners", at, text, self.theme.foreground, (0.0, 0.0))
        heads = (_tr("scheme"), _tr("dB"), _tr("bits"), _tr("clipped"), _tr("of loss"))
        self._row("head", top + 1.1 * pitch, heads, (self.theme.muted,) * 5)
        rows = int((self.room.bottom() - top - 2.3 * pitch) / pitch)
        if len(corners) > rows:
            rows = max(0, rows - 1)
            left_out = filled(_tr("and %1 more"), len(corners) - rows)
            self._row("more", top + (2.2 + rows) * pitch, (left_out,), (self.theme.muted,))
        for row, corner in enumerate(corners[:rows]):
            self._corner(row, top + (2.2 + row) * pitch, corner)

    def _corner(self, row: int, top: float, corner: CornerFigures) -> None:
        ink, muted = self.theme.foreground, self.theme.muted
        clipped = corner.clipped_others if self.others else corner.clipped
        share = corner.share_others if self.others else corner.share
        part = "–" if not clipped or math.isnan(share) else percent(share, 1.0)
        mostly = bool(clipped) and share >= MOSTLY
        end = {0: self.ends[0], self.made.full: self.ends[1]}.get(corner.made)
        name = corner.name if end is None else end.entry.name
        texts = (
            name,
            decibels(corner.db(self.others), 2),
            bits_text(corner.bits),
            f"{clipped:,}",
            part,
        )
        loss = self.theme.alarm if mostly else muted
        self._row(f"row {row}", top, texts, (ink, ink, muted, loss if mostly else ink, loss))
        rect = QRectF(self.room.left(), top - 2, self.room.width(), self.canvas.pitch)
        self.spots.append((rect, corner.name))
        if end is not None:
            colour = self.theme.colour(end.entry.colour)
            self.canvas.box(("row", row), rect, self.canvas.plot.fill(colour, 0.15))
            at = rect.left() + 6, rect.center().y()
            self.canvas.marker(("row", row), at, end)

    def _row(self, key: str, top: float, texts: tuple[str, ...], colours: tuple[str, ...]) -> None:
        """Write a row: the scheme at the left, figures at the right ends of their columns."""
        room = self.room.width() - sum(COLUMNS) - 14
        name = self.canvas.elided(texts[0], room)
        at = self.room.left() + 14, top
        self.canvas.text((key, 0), at, name, colours[0], (0.0, 0.0), ground=False)
        right = self.room.right() - sum(COLUMNS)
        for column, (text, width) in enumerate(zip(texts[1:], COLUMNS, strict=False), 1):
            right += width
            at = right - 4, top
            self.canvas.text((key, column), at, text, colours[column], (1.0, 0.0), ground=False)
