"""Layout of the lenses of a number line, in which rounding is seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QRectF, Qt

from quantoscope.gui.common.theme import MARKERS
from quantoscope.gui.plots.marks import Arrow, Comb, Fill, Frame, Glyph, Hatch, Mark, Stroke, Words
from quantoscope.gui.plots.number_line_data import Dot, Fate, Lane
from quantoscope.gui.plots.number_line_lane import DOT, LaneLayout
from quantoscope.gui.plots.number_line_rows import (
    GAP,
    Ground,
    Lens,
    Scale,
    Taken,
    combed,
    crisp,
)
from quantoscope.gui.plots.number_line_words import (
    away_text,
    elsewhere_text,
    end_text,
    error_text,
    magnification_text,
)

NARROWEST, WIDEST = 250.0, 520.0
"""Widths of a lens in pixels."""
STEP = 38.0
"""Distance of neighbouring codes in a lens."""
PAD = 4.0
FEEBLE = 4.0
"""Magnification below which a lens is tied to its place by one line."""


def lens_plan(
    dots: Sequence[Dot], lanes: Sequence[Lane], chosen: int | None, scale: Scale, width: float
) -> tuple[Lens, ...]:
    """Return which values get a lens, in their order: the chosen one and its neighbours.

    Without a chosen one, that with the largest error under the active scheme takes its place.
    A lens is as strong as it takes to see the steps of the active scheme around its value.
    """
    lane = next((lane for lane in lanes if lane.active), lanes[0] if lanes else None)
    if lane is None:
        return ()
    able = [
        i for i, dot in enumerate(dots) if math.isfinite(dot.value) and lane.fates[i].inside
    ]  # fmt: skip
    # One of equal values stands for all.
    able.sort(key=lambda i: (dots[i].value, i != chosen))
    able = [
        i for n, i in enumerate(able) if n == 0 or dots[i].value != dots[able[n - 1]].value
    ]  # fmt: skip
    count = min(len(able), max(1, int((width + GAP) // (NARROWEST + GAP))))
    if chosen is None:
        chosen = max(able, key=lambda i: abs(lane.fates[i].error), default=None)
    first = 0
    if chosen in able:
        first = min(max(able.index(chosen) - (count - 1) // 2, 0), len(able) - count)
    found = []
    for i in able[first : first + count]:
        step = scale.unit.down_to(lane.fates[i].step) / scale.per_pixel
        times = STEP / step if step > 0 and math.isfinite(step) else 1.0
        times = float(f"{max(1.0, times):.2g}")
        found.append(Lens(i, scale.unit.down_to(dots[i].value), times))
    return tuple(found)


def lens_boxes(count: int, width: float, top: float, bottom: float) -> list[QRectF]:
    """Return where lenses stand, evenly spread."""
    share = width / max(1, count)
    wide = min(share - GAP, WIDEST)
    return [
        QRectF(share * (i + 0.5) - wide / 2, crisp(top), wide, math.floor(bottom - top))
        for i in range(count)
    ]


@dataclass
class LensLayout:
    """The marks of one lens in one lane."""

    ground: Ground
    above: LaneLayout
    lens: Lens
    box: QRectF
    says_times: bool

    def __post_init__(self) -> None:
        self.marks: list[Mark] = []
        g, box, line = self.ground, self.box, self.ground.measure.line
        self.lane: Lane = self.above.lane
        self.fate: Fate = self.lane.fates[self.lens.dot]
        self.ink = self.above.ink
        self.scale = replace(
            g.scale,
            centre=self.lens.centre,
            at=box.center().x(),
            per_pixel=g.scale.per_pixel / self.lens.times,
        )
        self.y_r = crisp(box.top() + line + 12)
        self.y_q = crisp(box.bottom() - line - 8)
        self.inner = box.adjusted(1, 1, -1, -1)
        self._draw()

    def _draw(self) -> None:
        chosen = self.lens.dot == self.ground.chosen
        self._draw_funnel(chosen)
        width = 1.0
        if chosen:
            width = 2.2 if self.lane.active else 1.4
        self.marks.append(Frame(self.box, "highlight" if chosen else "muted", width))
        if not self.fate.inside:
            self._centred(elsewhere_text(self.fate))
            return
        if not self.lane.levels.size:
            self._centred(self.above.head.facts[-1])
            return
        self._draw_head()
        self._draw_ground()
        self._draw_codes()
        self._draw_rounding(chosen)

    def _centred(self, text: str) -> None:
        box = QRectF(self.box)
        if self.ground.measure.advance(text, False) <= box.width() - 2 * PAD:
            self.marks.append(Words(box, text, "muted"))

    def _draw_funnel(self, chosen: bool) -> None:
        """Tie the lens to its place on the line."""
        g, above = self.ground, self.above
        half = max(3.0, self.box.width() / self.lens.times / 2)
        x = g.scale.place(self.ground.dots[self.lens.dot].value)
        if not -half <= x <= g.width + half:
            return
        top, foot = above.y_r - 9, above.y_q + above.rows.codes - 1
        ink = "highlight" if chosen else "muted"
        if self.lens.times < FEEBLE:
            # What it shows is too much of the line to be marked.
            points = ((x, above.y_q), (x, foot), (self.box.center().x(), self.box.top()))
            self.marks.append(Stroke(points, ink, 0.8))
            return
        low, high = max(x - half, 0.5), min(x + half, g.width - 0.5)
        self.marks.append(Fill(QRectF(low, top, high - low, foot - top), "muted", 0.08))
        for side, corner in ((low, self.box.left() + 3), (high, self.box.right() - 3)):
            points = ((side, top), (side, foot), (corner, self.box.top()))
            self.marks.append(Stroke(points, ink, 0.8))

    def _draw_head(self) -> None:
        g, line, fate = self.ground, self.ground.measure.line, self.fate
        y = self.box.top() + 3
        left, right = self.box.left() + 7, self.box.right() - 7
        text = end_text(fate) if fate.side else error_text(self.lane, fate, g.digits)
        wide = g.measure.advance(text, bool(fate.side))
        ink = "alarm" if fate.side else "foreground"
        if wide <= right - left:
            box = QRectF(right - wide, y, wide, line)
            self.marks.append(Words(box, text, ink, bool(fate.side)))
            right -= wide + 2 * GAP
        numbers = fate.working.partition(" = ")[2]
        for text in (fate.working, numbers):
            wide = g.measure.advance(text, False)
            if wide <= right - left:
                self.marks.append(Words(QRectF(left, y, wide, line), text, "foreground"))
                break

    def _span(self, low: float, high: float) -> QRectF:
        """Return the band from one value to another within the lens."""
        x0, x1 = self.scale.place(float(low)), self.scale.place(float(high))
        x0, x1 = max(x0, self.inner.left()), min(x1, self.inner.right())
        return QRectF(x0, self.y_r, max(0.0, x1 - x0), self.y_q - self.y_r)

    def _draw_ground(self) -> None:
        lane, fate = self.lane, self.fate
        low, high = lane.edges
        for span, ink, alpha in (
            ((-math.inf, low), "alarm", 0.09),
            ((low, high), self.ink, 0.07),
            ((high, math.inf), "alarm", 0.09),
        ):
            self._add_fill(self._span(*span), ink, alpha)
        for first, last in lane.unused:
            box = self._span(lane.border(first), lane.border(last + 1))
            if box.width() > 1:
                self.marks.append(Hatch(box, "alarm"))
        if not fate.side:
            self._add_fill(self._span(*lane.cell(fate.level)), self.ink, 0.25)

    def _add_fill(self, box: QRectF, ink: str | int, alpha: float) -> None:
        if box.width() > 0:
            self.marks.append(Fill(box, ink, alpha))

    # Codes

    def _draw_codes(self) -> None:
        lane, left, right = self.lane, self.inner.left(), self.inner.right()
        x = self.scale.x(lane.levels)
        first = int(np.searchsorted(x, left))
        stop = int(np.searchsorted(x, right, "right"))
        ends = max(float(x[0]), left), min(float(x[-1]), right)
        if ends[1] > ends[0]:
            self.marks.append(Stroke(((ends[0], self.y_q), (ends[1], self.y_q)), self.ink, 1.4))
        self.marks.append(Comb(combed(x[first:stop]), self.y_q - 4, self.y_q + 4, self.ink, 1.2))
        self._draw_thresholds(first, stop)
        taken = Taken(self.inner)
        places = np.arange(first, stop)
        dense = (stop - first) * STEP / self.box.width()
        if dense > 2 and lane.even:
            codes = lane.series.level_codes[first:stop]
            places = places[codes % 2 ** math.ceil(math.log2(dense)) == 0]
        elif dense > 2:
            places = places[:: math.ceil(dense)]
        order = sorted(places.tolist(), key=lambda level: abs(x[level] - self.box.center().x()))
        if not self.fate.side and first <= self.fate.level < stop:
            order.insert(0, self.fate.level)
        for level in order:
            bold = level == self.fate.level and not self.fate.side
            self._label(float(x[level]), lane.label(level), self.ink, bold, taken)
        self._draw_missing(x, taken)

    def _draw_thresholds(self, first: int, stop: int) -> None:
        """Draw where rounding turns, if that can be told apart."""
        low, high = max(0, first - 1), min(self.lane.levels.size - 1, stop)
        if high <= low or high - low > self.box.width() / 8:
            return
        found = self.lane.thresholds(low, high)
        if found is not None:
            x = self.scale.x(found)
            x = x[(x > self.inner.left()) & (x < self.inner.right())]
            dots = Qt.PenStyle.DotLine
            self.marks.append(Comb(tuple(x.tolist()), self.y_r, self.y_q, self.ink, 1.0, dots))

    def _draw_missing(self, x: np.ndarray, taken: Taken) -> None:
        """Draw the codes that do not exist, in red, as if the range went on."""
        lane, codes = self.lane, self.lane.series.level_codes
        if x.size < 2:
            return
        for side, end, inner in ((-1, 0, 1), (1, x.size - 1, x.size - 2)):
            origin = self.scale.unit.down_to(lane.levels[end])
            gap = abs(origin - self.scale.unit.down_to(lane.levels[inner]))
            step = gap / self.scale.per_pixel
            at = (origin - self.scale.centre) / self.scale.per_pixel + self.scale.at
            if not (step >= GAP and math.isfinite(at)):
                continue
            limit = self.inner.right() if side > 0 else self.inner.left()
            near = self.inner.left() if side > 0 else self.inner.right()
            first = max(1, math.ceil(side * (near - at) / step))
            last = math.floor(side * (limit - at) / step)
            turn = 1 if codes[end] > codes[inner] else -1
            places = [(at + side * n * step, int(codes[end]) + turn * n)
                      for n in range(first, last + 1)]  # fmt: skip
            dash = Qt.PenStyle.DashLine
            ticks = tuple(place for place, _ in places)
            self.marks.append(Comb(ticks, self.y_q - 5, self.y_q + 5, "alarm", 1.2, dash))
            if not lane.even:
                continue
            bold = round(self.fate.unclipped) if self.fate.side == side * turn else None
            places.sort(key=lambda one: one[1] != bold)
            for place, code in places:
                self._label(place, str(code), "alarm", code == bold, taken)

    def _label(self, at: float, text: str, ink: str | int, bold: bool, taken: Taken) -> None:
        wide, line = self.ground.measure.advance(text, bold), self.ground.measure.line
        box = QRectF(at - wide / 2, self.y_q + 5, wide, line)
        if taken.put(box):
            self.marks.append(Words(box, text, ink, bold))

    # What becomes of the value

    def _draw_rounding(self, chosen: bool) -> None:
        fate, left, right = self.fate, self.inner.left(), self.inner.right()
        value = self.ground.dots[self.lens.dot].value
        start = min(max(self.scale.place(value), left), right)
        self.marks.append(Stroke(((left, self.y_r), (right, self.y_r)), "foreground", 1.2))
        if math.isfinite(fate.reconstructed):
            stop = self.scale.place(fate.reconstructed)
            within = left <= stop <= right
            edge = min(max(stop, left + 2), right - 2)
            symbol = MARKERS[self.lane.series.entry.marker]
            if fate.side:
                self.marks.append(Arrow((start, self.y_r), (edge, self.y_q - 6), "alarm", 2.4))
                self._draw_away(start, edge)
            else:
                down = ((start, self.y_r), (start, self.y_q))
                self.marks.append(Stroke(down, "muted", 0.8, Qt.PenStyle.DotLine))
                bar = ((start, self.y_q - 2.5), (edge, self.y_q - 2.5))
                self.marks.append(Stroke(bar, "foreground", 3.0))
                foot = self.y_q - 2 if within else self.y_q - 8
                self.marks.append(Arrow((start, self.y_r), (edge, foot), self.ink, 1.6))
                if within:
                    self.marks.append(Glyph(edge, self.y_q, symbol, self.ink, 8))
                else:
                    self._draw_beyond(stop > right)
        self.marks.append(Glyph(start, self.y_r, "o", "foreground", DOT))
        if chosen:
            self.marks.append(Glyph(start, self.y_r, "o", "highlight", DOT + 6, hollow=True))
        if self.says_times and self.lens.times > 1:
            self._draw_times()

    def _draw_away(self, start: float, edge: float) -> None:
        """Say how far the code of a clipped value is, on the side of no arrow."""
        text = away_text(self.lane, self.fate)
        wide, line = self.ground.measure.advance(text, False), self.ground.measure.line
        x = start + 10 if edge < start else start - 10 - wide
        y = (self.y_r + self.y_q - line) / 2
        if text and self.inner.left() <= x and x + wide <= self.inner.right():
            self.marks.append(Words(QRectF(x, y, wide, line), text, "alarm"))

    def _draw_beyond(self, right: bool) -> None:
        """Name the code that lies outside the lens."""
        text = f"{self.fate.label} →" if right else f"← {self.fate.label}"
        wide, line = self.ground.measure.advance(text, True), self.ground.measure.line
        x = self.inner.right() - wide - PAD if right else self.inner.left() + PAD
        self.marks.append(Words(QRectF(x, self.y_q + 5, wide, line), text, self.ink, True))

    def _draw_times(self) -> None:
        """Write the magnification into a corner of the band that nothing else needs."""
        text = magnification_text(self.lens.times)
        wide, line = self.ground.measure.advance(text, False), self.ground.measure.line
        x = self.inner.right() - wide - PAD
        if self.y_q - self.y_r >= line + 4 and self.box.width() >= 2 * wide + 80:
            box = QRectF(x, self.y_r + 2, wide, line)
            self.marks.append(Fill(box, "background", 0.85))
            self.marks.append(Words(box, text, "muted"))
