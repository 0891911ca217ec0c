"""Bars of a waterfall: the schemes at both ends, and the choices between them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, QRectF, Qt

from quantoscope.engine.analysis.waterfall import CornerFigures, Gain, Waterfall
from quantoscope.engine.quantizers.base import Choice
from quantoscope.gui.common.localized_numbers import bits_text, filled, gain_text
from quantoscope.gui.plots.canvas import Canvas, Point, nice_ticks
from quantoscope.gui.plots.data import Series
from quantoscope.gui.plots.waterfall_words import (
    NEGLIGIBLE,
    corner_db,
    name_of,
    spread,
    spread_ends,
)

WIDEST = 62.0
"""Maximum half width of a bar, in pixels."""
ROOM_FOR_LINES, ROOM_FOR_TICKS, ROOM_FOR_WORDS = 72, 96, 118
"""Minimum widths of a column with several lines below it, with the ends of a whisker, and with the
old option, in pixels."""
LEAST_HEIGHT, FULL_HEIGHT = 70, 180
"""Minimum height of the bars, and of the room in which names take two lines."""
ROOM_FOR_MEAN, ROOM_FOR_UNIT = 44, 130
"""Minimum widths of a column with its mean, and with the unit, in pixels."""
TICK_SPACE, GUTTER = 44, 8


def _columns(gains: Sequence[Gain]) -> tuple[list[Gain], list[Gain]]:
    """Return the gains that get a column, and those that share the last one: they bring nothing."""
    silent = [gain for gain in gains if max(-gain.least, gain.most) < NEGLIGIBLE]
    if len(silent) < 2 or len(silent) == len(gains):
        return list(gains), []
    mean = math.fsum(gain.mean for gain in silent)
    words = filled(_tr("%1 others"), len(silent))
    rest = Gain(Choice("", words, "", words), mean, ((mean, 1.0),), mean, mean)
    return [*(gain for gain in gains if gain not in silent), rest], silent


def _tr(text: str) -> str:
    return QCoreApplication.translate("waterfall", text)


class Scale:
    """A vertical axis in a part of a sheet.

    Parameters
    ----------
    canvas : Canvas
    top, bottom : float
        In pixels.
    low, high : float
        In dB, at the bottom and at the top.
    """

    def __init__(self, canvas: Canvas, top: float, bottom: float, low: float, high: float) -> None:
        self.canvas, self.top, self.bottom = canvas, top, bottom
        self.low, self.high = low, high if high > low else low + 1
        self.marks = nice_ticks(self.low, self.high, max(1, int((bottom - top) / TICK_SPACE)))

    def at(self, db: float) -> float:
        """Return the place of a figure, in pixels from the upper edge of the sheet."""
        share = (db - self.low) / (self.high - self.low)
        return self.bottom - share * (self.bottom - self.top)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places and texts of the tick labels."""
        return [(self.canvas.y(self.at(db)), f"{db:g}".replace("-", "−")) for db in self.marks]

    def grid(self, key: str, left: float, right: float) -> None:
        """Draw a line at each tick."""
        lines = [((left, self.at(db)), (right, self.at(db))) for db in self.marks]
        plot = self.canvas.plot
        self.canvas.strokes((key, "grid"), lines, plot.pen(plot.theme.grid), z=-8)


class Part:
    """A part of the sheet, in a room of its own.

    Attributes
    ----------
    ticks : list of (float, str)
        Of the vertical axis, in coordinates of the plot.
    spots : list of (QRectF, str)
        Areas in pixels, with what the pointer reads there.
    """

    def __init__(
        self,
        canvas: Canvas,
        room: QRectF,
        made: Waterfall,
        ends: tuple[Series, Series],
        others: bool,
    ) -> None:
        self.canvas, self.room, self.made, self.ends = canvas, room, made, ends
        self.others = others
        self.theme = canvas.plot.theme
        self.ticks: list[tuple[float, str]] = []
        self.spots: list[tuple[QRectF, str]] = []


class Bars(Part):
    """The upper part of the sheet."""

    def __init__(
        self,
        canvas: Canvas,
        room: QRectF,
        made: Waterfall,
        ends: tuple[Series, Series],
        others: bool,
    ) -> None:
        super().__init__(canvas, room, made, ends, others)
        self.gains, self._silent = _columns(made.gains(others))
        self._column = room.width() / (len(self.gains) + 2)
        self._half = min(0.36 * self._column, WIDEST)
        self._lines = self._lines_below()

    def paint(self) -> None:
        """Draw everything."""
        start, end = (one.db(self.others) for one in (self.made.start, self.made.end))
        levels = [start]
        for gain in self.gains:
            levels.append(levels[-1] + gain.mean)
        spread = [
            level + tick
            for level, gain in zip(levels, self.gains, strict=False)
            for tick, _ in gain.ticks
        ]
        shown = [db for db in (*levels, end, *spread) if math.isfinite(db)]
        scale = self._scale(shown or [0.0, 1.0])
        self.ticks = scale.ticks
        scale.grid("bars", self.room.left(), self.room.right())
        plot = self.canvas.plot
        floor = ((self.room.left(), scale.bottom), (self.room.right(), scale.bottom))
        self.canvas.strokes("floor", [floor], plot.pen(self.theme.muted))
        self._end("start", 0, self.made.start, self.ends[0], scale)
        joins = []
        for number, gain in enumerate(self.gains):
            self._gain(number, gain, levels[number], scale)
            y = scale.at(levels[number])
            joins.append(
                ((self._middle(number) + self._half, y), (self._middle(number + 1) - self._half, y))
            )
        if self.gains:
            last = len(self.gains)
            joins.append(
                (
                    (self._middle(last) + self._half, scale.at(end)),
                    (self._middle(last + 1) - self._half, scale.at(end)),
                )
            )
        self.canvas.strokes("joins", joins, plot.pen(self.theme.muted, 1, Qt.PenStyle.DotLine))
        self._end("end", len(self.gains) + 1, self.made.end, self.ends[1], scale)

    def _scale(self, shown: Sequence[float]) -> Scale:
        """Return the axis: from 0, unless all that differs would be too small to see."""
        low, high = min(shown), max(shown)
        bottom = 0.0
        if low < 0 or 0 < high - low < low / 4:
            bottom = low - 0.3 * (high - low or 1.0)
        top = self.room.top() + min(2 * self.canvas.pitch, 0.16 * self.room.height())
        below = self.room.bottom() - self._lines * self.canvas.pitch - 4
        return Scale(self.canvas, top, max(below, top + 10), bottom, high)

    def _middle(self, column: int) -> float:
        return self.room.left() + (column + 0.5) * self._column

    def _lines_below(self) -> int:
        """Return how many lines of words fit below the bars."""
        names = max(len(self._name(series)) for series in self.ends)
        lines = max(names + 1, 3 if self._column >= ROOM_FOR_WORDS else 2)
        room = self.room.height() - LEAST_HEIGHT
        return max(0, min(lines, int(room / self.canvas.pitch)))

    def _name(self, series: Series) -> list[str]:
        """Return the lines of a scheme's name below its bar."""
        roomy = self._column >= ROOM_FOR_LINES and self.room.height() >= FULL_HEIGHT
        lines = 2 if roomy else 1
        return self.canvas.wrapped(series.entry.name, self._column - GUTTER, lines)

    def _fitting(self, *texts: str) -> str:
        """Return the first text that fits a column; empty if none does: no number is cut."""
        room, metrics = self._column - GUTTER - 4, self.canvas.metrics
        return next((text for text in texts if metrics.horizontalAdvance(text) <= room), "")

    def _spot(self, column: int, text: str) -> None:
        left = self.room.left() + column * self._column
        rect = QRectF(left, self.room.top(), self._column, self.room.height())
        self.spots.append((rect, text))

    def _words(self, key: str, column: int, top: float, lines: Sequence[str], strong: int) -> None:
        """Write lines below a column, the first ones in the ink of the values."""
        for row, line in enumerate(lines[: self._lines]):
            colour = self.theme.foreground if row < strong else self.theme.muted
            text = self.canvas.elided(line, self._column - GUTTER, end=True)
            at = self._middle(column), top + 3 + row * self.canvas.pitch
            self.canvas.text((key, "words", row), at, text, colour, (0.5, 0.0))

    def _end(
        self, key: str, column: int, corner: CornerFigures, series: Series, scale: Scale
    ) -> None:
        db = corner.db(self.others)
        opposite = self.made.end if corner is self.made.start else self.made.start
        figure = corner_db(db, opposite.db(self.others))
        bits = filled(_tr("%1 bits / value"), bits_text(corner.bits))
        middle, plot = self._middle(column), self.canvas.plot
        name = self._name(series)
        short = self._fitting(bits, filled(_tr("%1 bits"), bits_text(corner.bits)))
        self._words(key, column, scale.bottom, [*name, short], len(name))
        self._spot(column, f"{series.entry.name}\n{figure}, {bits}")
        if not math.isfinite(db):
            self.canvas.text((key, "db"), (middle, scale.bottom - 12), figure,
                             self.theme.foreground)  # fmt: skip
            return
        y = scale.at(db)
        colour = self.theme.colour(series.entry.colour)
        rect = QRectF(middle - self._half, y, 2 * self._half, scale.bottom - y)
        self.canvas.box(key, rect, plot.fill(colour, 0.25))
        edge = ((rect.left(), y), (rect.right(), y))
        self.canvas.strokes((key, "edge"), [edge], plot.entry_pen(series, 3), z=3)
        self.canvas.marker((key, "marker"), (middle, y), series)
        self.canvas.text((key, "db"), (middle, y - 6), figure, self.theme.foreground, (0.5, 1.0))

    def _gain(self, number: int, gain: Gain, level: float, scale: Scale) -> None:
        column, plot = number + 1, self.canvas.plot
        key, middle = f"gain {number}", self._middle(number + 1)
        left, right = middle - self._half, middle + self._half
        ends = sorted((scale.at(level), scale.at(level + gain.mean)))
        rect = QRectF(left, ends[0], right - left, ends[1] - ends[0])
        if rect.height() >= 0.5:
            self.canvas.box(key, rect, plot.fill(self.theme.muted, 0.3), z=-4)
        corners = [rect.topLeft(), rect.topRight(), rect.bottomRight(), rect.bottomLeft()]
        around = [(p.x(), p.y()) for p in corners]
        outline = list(zip(around, [*around[1:], around[0]], strict=True))
        self.canvas.strokes((key, "outline"), outline, plot.pen(self.theme.muted), z=1)
        self._mean(key, gain, rect)
        self._whisker(key, gain, level, scale, left + 1.6 * self._half)
        if self._silent and number == len(self.gains) - 1:
            less = filled(_tr("< %1 dB each"), f"{NEGLIGIBLE:g}")
            self._words(key, column, scale.bottom, [gain.choice.second, self._fitting(less)], 1)
            self._spot(column, "\n".join(
                f"{one.choice.title}: {one.choice.second}, {gain_text(one.mean)} dB"
                for one in self._silent))  # fmt: skip
            return
        old = filled(_tr("instead of %1"), gain.choice.first)
        between = self._fitting(spread(gain), " … ".join(spread_ends(gain)))
        words = [name_of(gain.choice), between if spread(gain) else ""]
        if self._column >= ROOM_FOR_WORDS:
            words.insert(1, old)
        self._words(key, column, scale.bottom, words, 1)
        alone = len(self.gains) == 1
        mean = _tr("%1 dB") if alone else _tr("%1 dB, the mean over all orders")
        new = gain.choice.second
        self._spot(column, "\n".join(filter(None, (
            f"{gain.choice.title}: {new}", old,
            filled(mean, gain_text(gain.mean)), spread(gain),
        ))))  # fmt: skip

    def _mean(self, key: str, gain: Gain, rect: QRectF) -> None:
        """Write the mean inside the bar, or above it where that is too low."""
        if self._column < ROOM_FOR_MEAN:
            return
        text = f"{gain_text(gain.mean)} dB"
        if self._column < ROOM_FOR_UNIT:
            text = gain_text(gain.mean)
        colour = self.theme.alarm if gain.mean <= -0.005 else self.theme.foreground
        at: Point = (rect.left() + 3, rect.center().y())
        anchor: Point = (0.0, 0.5)
        if rect.height() < self.canvas.line_height + 4:
            at, anchor = (rect.left(), rect.top() - 2), (0.0, 1.0)
        self.canvas.text((key, "mean"), at, text, colour, anchor, ground=False)

    def _whisker(self, key: str, gain: Gain, level: float, scale: Scale, x: float) -> None:
        """Draw the gains in every order, each from where the bar begins; wider in several."""
        if not spread(gain):
            return
        places = [(scale.at(level + tick), share, tick) for tick, share in gain.ticks]
        top, bottom = places[-1][0], places[0][0]
        ink, alarm = self.theme.foreground, self.theme.alarm
        plot, marks = self.canvas.plot, {ink: [((x, top), (x, bottom))], alarm: []}
        for y, share, tick in places:
            half = 3 + 12 * share
            marks[alarm if tick <= -0.005 else ink].append(((x - half, y), (x + half, y)))
        self.canvas.strokes((key, "whisker"), marks[ink], plot.pen(ink, 1.3), z=4)
        self.canvas.strokes((key, "losses"), marks[alarm], plot.pen(alarm, 1.6), z=4)
        if self._column < ROOM_FOR_TICKS:
            return
        for name, y, db, anchor in (
            ("most", top - 2, gain.most, (0.5, 1.0)),
            ("least", bottom + 2, gain.least, (0.5, 0.0)),
        ):
            colour = alarm if db <= -0.005 else self.theme.muted
            self.canvas.text((key, name), (x, y), gain_text(db), colour, anchor, ground=False)
