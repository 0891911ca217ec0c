"""Layout of one lane of a number line: its head, the values along R, the codes along Q."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QRectF

from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.theme import LINE_STYLES, MARKERS
from quantoscope.gui.plots.marks import (
    Arrow,
    Comb,
    Fill,
    Glyph,
    Hatch,
    Ink,
    Mark,
    Stroke,
    Words,
)
from quantoscope.gui.plots.number_line_data import Lane
from quantoscope.gui.plots.number_line_labels import ValueLabel
from quantoscope.gui.plots.number_line_rows import (
    FAR,
    GAP,
    NEAREST_TICKS,
    Ground,
    Rows,
    Taken,
    combed,
    crisp,
    even_step,
)
from quantoscope.gui.plots.number_line_words import (
    Head,
    clipped_text,
    in_steps,
    unused_text,
)
from quantoscope.gui.plots.view import CUT_DOWN, RAISED

DOT = 8.0


@dataclass
class LaneLayout:
    """The marks of one lane above its lenses."""

    ground: Ground
    lane: Lane
    head: Head
    top: float
    rows: Rows
    x_r: np.ndarray
    """Positions of the values."""
    labels: tuple[ValueLabel, ...]
    separated: bool
    marks: list[Mark] = field(default_factory=list)

    def __post_init__(self) -> None:
        rows = self.rows
        self.y_labels = self.top + rows.head
        self.y_r = crisp(self.y_labels + rows.labels + rows.ticks)
        self.y_q = crisp(self.y_r + rows.band)
        self.bottom = self.top + rows.height
        self.ink: Ink = self.lane.series.entry.colour
        self.symbol = MARKERS[self.lane.series.entry.marker]
        self._draw()

    def _draw(self) -> None:
        if self.separated:
            self.marks.append(Stroke(((0, self.top), (self.ground.width, self.top)), "grid"))
        self._draw_head()
        self._draw_ground()
        self._draw_codes()
        self._draw_values()

    # The head

    def _draw_head(self) -> None:
        g, line = self.ground, self.ground.measure.line
        y = self.top + min(2.0, (self.rows.head - line) / 2)
        middle = y + line / 2
        if self.lane.active and g.chosen is not None:
            self.marks.append(Fill(QRectF(0, y, 3, line), "highlight"))
        style = LINE_STYLES[self.lane.series.entry.line][1]
        self.marks.append(Stroke(((7, middle), (33, middle)), self.ink, 2, style))
        self.marks.append(Glyph(20, middle, self.symbol, self.ink, 7.5))
        right = g.width - 2
        if self.head.figure:
            right = self._words_left(right, y, self.head.figure, "foreground", True) - 16
        room = right - 40
        name = self.head.name
        if g.measure.advance(name, True) > room:
            names = self.head.names or (name,)
            texts = schemes_apart(names, lambda text: self._cut(text, room))
            name = texts[names.index(name)]
        wide = g.measure.advance(name, True)
        self.marks.append(Words(QRectF(40, y, wide, line), name, self.ink, True))
        left = 40 + wide + 12
        ink, alarm = ("alarm", True) if self.head.alarm else ("muted", False)
        for note in (self.head.note, self.head.brief):
            if note and left + g.measure.advance(note, alarm) <= right:
                right = self._words_left(right, y, note, ink, alarm) - 12
                break
        for place, fact in enumerate(self.head.facts):
            wide = g.measure.advance(fact, False)
            if left + wide > right:
                break
            ink = "foreground" if place < len(self.head.facts) - 1 else "muted"
            self.marks.append(Words(QRectF(left, y, wide, line), fact, ink))
            left += wide + 12

    def _words_left(self, right: float, y: float, text: str, ink: Ink, bold: bool) -> float:
        """Place a text to the left of a position; return where it begins."""
        wide = self.ground.measure.advance(text, bold)
        box = QRectF(right - wide, y, wide, self.ground.measure.line)
        self.marks.append(Words(box, text, ink, bold))
        return right - wide

    def _cut(self, name: str, room: float) -> str:
        """Return a text that fits: itself, or with its middle left out."""
        if self.ground.measure.advance(name, True) <= room:
            return name
        for kept in range(len(name) - 1, 1, -1):
            short = f"{name[: kept - kept // 2]}…{name[len(name) - kept // 2 :]}"
            if self.ground.measure.advance(short, True) <= room:
                return short
        return "…"

    # The band between R and Q

    def _draw_ground(self) -> None:
        g, lane = self.ground, self.lane
        if not lane.levels.size:
            return
        low, high = map(g.scale.place, lane.edges)
        for x0, x1, ink, alpha in (
            (0.0, low, "alarm", 0.09),
            (low, high, self.ink, 0.07),
            (high, g.width, "alarm", 0.09),
        ):
            x0, x1 = max(x0, 0.0), min(x1, g.width)
            if x1 > x0:
                box = QRectF(x0, self.y_r, x1 - x0, self.y_q - self.y_r)
                self.marks.append(Fill(box, ink, alpha))
        for first, last in lane.unused:
            x0, x1 = map(g.scale.place, (lane.border(first), lane.border(last + 1)))
            x0, x1 = max(x0, 0.0), min(x1, g.width)
            if x1 - x0 < 1:
                continue
            box = QRectF(x0, self.y_r, x1 - x0, self.y_q - self.y_r)
            self.marks.append(Hatch(box, "alarm"))

    def _label_unused(self, taken: Taken) -> None:
        """Write how many codes are unused onto their hatching."""
        g, lane = self.ground, self.lane
        line = g.measure.line
        for first, last in lane.unused:
            x0, x1 = map(g.scale.place, (lane.border(first), lane.border(last + 1)))
            x0, x1 = max(x0, 0.0), min(x1, g.width)
            text = unused_text(last - first + 1)
            wide = g.measure.advance(text, False) + 6
            y = (self.y_r + self.y_q - line) / 2
            if self.y_q - self.y_r < line or x1 <= x0:
                continue
            # In it, else beside it, past the arrow of the first value if need be.
            for x in ((x0 + x1 - wide) / 2, x0 - wide - 2, x1 + 2, x1 + 12, x0 - wide - 12):
                box = QRectF(x, y, wide, line)
                inside = x0 <= x and x + wide <= x1
                if (inside or lane.unused_count == last - first + 1) and taken.put(box):
                    self.marks.append(Fill(box, "background", 0.85))
                    self.marks.append(Words(box, text, "alarm"))
                    break

    # Codes along Q

    def _draw_codes(self) -> None:
        g, lane = self.ground, self.lane
        if not lane.levels.size:
            return
        x = g.scale.x(lane.levels)
        first = int(np.searchsorted(x, -1.0))
        stop = int(np.searchsorted(x, g.width + 1.0, "right"))
        ends = max(float(x[0]), 0.0), min(float(x[-1]), g.width)
        if ends[1] > ends[0]:
            line = ((ends[0], self.y_q), (ends[1], self.y_q))
            self.marks.append(Stroke(line, self.ink, 1.2))
        seen = x[first:stop]
        if lane.even:
            seen = seen[lane.series.level_codes[first:stop] % even_step(x, NEAREST_TICKS) == 0]
        self.marks.append(Comb(combed(seen), self.y_q - 3.5, self.y_q, self.ink, 0.8))
        below = Taken(QRectF(0, 0, g.width, g.height))
        bold: list[tuple[float, str]] = []
        zero = self._zero_text()
        if zero:
            at = g.scale.place(0.0)
            if 0 <= at <= g.width:
                self.marks.append(Stroke(((at, self.y_r), (at, self.y_q)), self.ink, 1.2))
                self.marks.append(Glyph(at, self.y_q + 2.5, RAISED, self.ink, 8))
                bold.append((at, zero))
        y = self.y_q + 6
        for at, text in bold:
            self._code_label(at, y, text, True, below)
        for level in self._labelled(x, first, stop):
            at = float(x[level])
            if self._code_label(at, y, lane.label(level), False, below):
                self.marks.append(Comb((at,), self.y_q, self.y_q + 5, self.ink, 1.2))

    def _zero_text(self) -> str:
        """Return the label of the code of 0; empty if there is no such code."""
        p = self.lane.series.p
        if p.offset:
            return ""
        return f"Z = {p.zero_point}" if p.format.integer else "0"

    def _code_label(self, at: float, y: float, text: str, bold: bool, taken: Taken) -> bool:
        g = self.ground
        wide, line = g.measure.advance(text, bold), g.measure.line
        # At an end of the plot, a label leans inwards.
        x = min(max(at - wide / 2, 1.0), g.width - wide - 1.0)
        if abs(x + wide / 2 - at) > wide / 2 + 1:
            return False
        box = QRectF(x, y, wide, line)
        if not taken.put(box):
            return False
        # Readable where the edge of a lens passes.
        self.marks.append(Fill(box, "background", 0.8))
        self.marks.append(Words(box, text, self.ink, bold))
        return True

    def _labelled(self, x: np.ndarray, first: int, stop: int) -> list[int]:
        """Return the levels to label, in the order of their priority."""
        if stop <= first:
            return []
        codes, last = self.lane.series.level_codes, x.size - 1
        ends = [level for level in (0, last) if first <= level < stop]
        widest = max(self.ground.measure.advance(self.lane.label(i), False) for i in (0, last))
        apart = widest + 3 * GAP
        if not self.lane.even:
            order, near = [], -FAR
            for level in range(first, stop):
                if x[level] >= near:
                    order.append(level)
                    near = float(x[level]) + apart
            return ends + order
        labelled = codes[first:stop] % even_step(x, apart) == 0
        return ends + (first + np.flatnonzero(labelled)).tolist()

    # Values along R

    def _draw_values(self) -> None:
        g = self.ground
        leaders = self._draw_labels() if self.rows.labels else []
        line = ((0.0, self.y_r), (g.width, self.y_r))
        small = tuple(x for x in g.small_ticks if 0 <= x <= g.width)
        self.marks.append(Comb(small, self.y_r - 2.5, self.y_r, "muted", 0.8))
        large = tuple(x for x, _ in g.ticks)
        self.marks.append(Comb(large, self.y_r - 4, self.y_r, "muted", 1.0))
        if self.rows.ticks:
            self._draw_tick_labels(leaders)
        self.marks.append(Stroke(line, "foreground", 1.2))
        order = list(range(len(g.dots)))
        if g.chosen is not None:
            # The chosen one on top.
            order.append(order.pop(g.chosen))
        taken = Taken(QRectF(0, self.y_r, g.width, self.y_q - self.y_r))
        ends: list[Mark] = []
        for i in order:
            ends += self._draw_fate(i, taken)
        self.marks += ends
        self._label_clipped(taken)
        if self.lane.levels.size:
            self._label_unused(taken)
        for i in order:
            self._draw_dot(i)

    def _draw_dot(self, i: int) -> None:
        x, fate = float(self.x_r[i]), self.lane.fates[i]
        if math.isnan(x) or not -DOT <= x <= self.ground.width + DOT:
            return
        chosen = i == self.ground.chosen
        ink = "foreground" if fate.inside else "muted"
        self.marks.append(Glyph(x, self.y_r, "o", ink, DOT, hollow=not fate.inside))
        if chosen:
            self.marks.append(Glyph(x, self.y_r, "o", "highlight", DOT + 6, hollow=True))
            for side in (-1, 1):
                at = x + side * (DOT + 4)
                triangle = ((at, self.y_r - 3.5), (at + side * 4, self.y_r), (at, self.y_r + 3.5))
                self.marks.append(Stroke((*triangle, triangle[0]), "highlight", 1.6))

    def _draw_fate(self, i: int, taken: Taken) -> tuple[Mark, ...]:
        """Draw the arrow of a value; return what is at its end, on top of all arrows."""
        g, fate = self.ground, self.lane.fates[i]
        start = float(self.x_r[i])
        if math.isnan(start) or not fate.inside or not math.isfinite(fate.reconstructed):
            return ()
        stop = g.scale.place(fate.reconstructed)
        low, high = min(start, stop), max(start, stop)
        if high < -DOT or low > g.width + DOT:
            return ()
        y = self.y_r + 2, self.y_q - 2
        taken.block(QRectF(low - 5, self.y_r, high - low + 10, self.y_q - self.y_r))
        if fate.side:
            self.marks.append(Arrow((start, y[0]), (stop, y[1]), "alarm", 2.4))
            return (Glyph(stop, self.y_q, CUT_DOWN, "alarm", 11),)
        self.marks.append(Arrow((start, y[0]), (stop, y[1]), self.ink))
        return (Glyph(stop, self.y_q, self.symbol, self.ink, 7.5),)

    def _label_clipped(self, taken: Taken) -> None:
        """Write along the arrows of clipped values how much they lose."""
        g, line = self.ground, self.ground.measure.line
        if self.y_q - self.y_r < line - 1:
            return
        order = sorted(
            (i for i, fate in enumerate(self.lane.fates) if fate.side and fate.inside),
            key=lambda i: (i != g.chosen, -abs(self.lane.fates[i].error)),
        )
        for i in order:
            fate = self.lane.fates[i]
            if not (math.isfinite(self.x_r[i]) and math.isfinite(fate.error)):
                continue
            ends = float(self.x_r[i]), g.scale.place(fate.reconstructed)
            y = (self.y_r + self.y_q - line) / 2
            tried = [
                (text, left)
                for text in (clipped_text(self.lane, fate, g.digits), in_steps(self.lane, fate))
                for left in (True, False)
                if text
            ]
            for text, left in tried:
                wide = g.measure.advance(text, True)
                x = min(ends) - wide - 12 if left else max(ends) + 12
                box = QRectF(x, y, wide, line)
                if taken.put(box):
                    self.marks.append(Words(box, text, "alarm", True))
                    break

    def _draw_labels(self) -> list[tuple[float, float]]:
        """Write the values above their dots; return the extents of the lines to them."""
        g, y = self.ground, self.y_labels
        line = g.measure.line
        extents = []
        for label in self.labels:
            wide = g.measure.advance(label.text, label.chosen)
            box = QRectF(label.at - wide / 2, y, wide, line)
            inside = any(self.lane.fates[i].inside for i in label.dots)
            ink = "foreground" if inside else "muted"
            self.marks.append(Words(box, label.text, ink, label.chosen))
            start = min(max(label.x, box.left() + 3), box.right() - 3)
            stop = self.y_r - DOT / 2 - 1
            self.marks.append(Stroke(((start, y + line - 1), (label.x, stop)), "muted", 0.8))
            extents.append((min(start, label.x) - 2, max(start, label.x) + 2))
        return extents

    def _draw_tick_labels(self, leaders: Sequence[tuple[float, float]]) -> None:
        g, line = self.ground, self.ground.measure.line
        taken = Taken(QRectF(0, 0, g.width, g.height))
        y = self.y_r - line - 4
        for low, high in leaders:
            taken.block(QRectF(low, y, high - low, line))
        head = f"R  {g.shared}" if g.shared else "R"
        box = QRectF(2, y, g.measure.advance(head, True), line)
        if taken.put(box):
            self.marks.append(Words(box, head, "muted", True))
        for x, text in g.ticks:
            wide = g.measure.advance(text, False)
            box = QRectF(x - wide / 2, y, wide, line)
            if taken.put(box):
                self.marks.append(Words(box, text, "muted"))
