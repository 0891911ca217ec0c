"""Waterfall plot: what each choice between two schemes brings, and all ways between them."""

from __future__ import annotations

import math
from contextlib import suppress

from PySide6.QtCore import QPointF, QRectF

from quantoscope.engine import QuantizationError, Scheme
from quantoscope.engine.analysis.choices import choices_between
from quantoscope.engine.analysis.waterfall import Waterfall
from quantoscope.engine.numerics.arrays import IntArray
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.plots.canvas import Canvas
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.kept_figures import kept_waterfall, known_waterfall
from quantoscope.gui.plots.metric_option import METRIC, MetricPlot
from quantoscope.gui.plots.options import Option
from quantoscope.gui.plots.spans import Span
from quantoscope.gui.plots.waterfall_bars import Bars
from quantoscope.gui.plots.waterfall_corners import CornerTable, Lattice
from quantoscope.gui.plots.waterfall_words import told

WORST, BEST, FIRST, SECOND = "worst", "best", "first", "second"
AT_ONCE = 2000
"""Maximum number of values for which few schemes on the way are computed within an edit."""
TABLE_SHARE = 0.48
ROOM_FOR_TABLE, ROOM_FOR_WAYS = 800, 420
"""Minimum width for the table, and minimum height for it and the lattice, in pixels."""
MOST_DRAWN = 4
"""Maximum number of choices of which all ways are drawn."""


class WhyPlot(MetricPlot):
    """Gains in dB of the choices between two schemes, with the spread over all orders.

    Its view is a sheet of 1 by 1 that does not zoom; everything is placed in pixels.
    """

    key = "waterfall"
    name = "Why?"
    draws_values = False
    draws_schemes = "none"
    slow = True
    of_all_values = True
    options = (
        Option("from", "From", ((WORST, "From: worst"),)),
        Option("to", "To", ((BEST, "To: best"),)),
        METRIC,
    )

    _choices = 0
    """Number of choices between the schemes that are shown."""

    def title(self) -> str:
        return self.tr("Why: from one scheme to another, choice by choice")

    def axis_labels(self) -> tuple[str, str]:
        text = self.tr("grey bar: gain (dB)")
        if self._choices > 1:
            text = self.tr("grey bar: gain (dB), mean of all orders; tick: in some, wider in more")
        return text, self.tr("SQNR (dB)")

    # Which schemes, and which values

    @classmethod
    def takes(cls, key: str, choice: str) -> bool:
        if super().takes(key, choice):
            return True
        if key not in ("from", "to"):
            return False
        with suppress(QuantizationError):
            return choice == (FIRST if key == "from" else SECOND) or bool(Scheme.parse(choice))
        return False

    def choices_of(self, option: Option) -> tuple[tuple[str, str], ...]:
        data = self.data
        if data is None or option is METRIC:
            return super().choices_of(option)
        named = {str(one.entry.scheme): one.entry.name for one in data.series}
        pair: tuple[tuple[str, str], ...] = ()
        if len(data.pair) == 2:
            first = option.key == "from"
            text = self.tr("Compared: %1")
            pair = ((FIRST if first else SECOND, filled(text, data.pair[not first].name)),)
        return (*option.choices, *pair, *named.items())

    def ends(self, data: PlotData) -> tuple[Series, Series] | None:
        """Return the two schemes; None if there are none."""
        found = [self._end(data, key) for key in ("from", "to")]
        return None if found[0] is None or found[1] is None else (found[0], found[1])

    def _end(self, data: PlotData, key: str) -> Series | None:
        word = self.chosen_options[key]
        compared = dict(zip((FIRST, SECOND), data.pair, strict=False))
        if word in compared:
            uid = compared[word].uid
            return next((one for one in data.series if one.entry.uid == uid), None)
        named = {str(one.entry.scheme): one for one in reversed(data.series)}
        if word in named:
            return named[word]
        if data.verdict is None or len(data.series) < 2:
            return None
        others = self.others(data)
        ranking = data.verdict.ranking(others)
        if len(ranking) < 2:
            # One is the cheapest: the others take more bits.
            figures = {uid: data.verdict.figure(uid, others) for uid in data.verdict.standings}
            known = [uid for uid in figures if not math.isnan(figures[uid])]
            ranking = sorted(known or figures, key=lambda uid: -figures[uid])
        uid = ranking[0 if key == "to" else -1]
        return next((one for one in data.series if one.entry.uid == uid), None)

    @staticmethod
    def _few(data: PlotData) -> IntArray | None:
        few = data.verdict.few if data.verdict is not None else None
        return None if few is None else few.where

    def way(self, data: PlotData) -> Waterfall | None:
        """Return the waterfall between the two schemes, computing it if necessary."""
        ends = self.ends(data)
        if ends is None:
            return None
        first, second = (one.evaluation for one in ends)
        return kept_waterfall(data.whole, first, second, self._few(data))

    def prepare(self, data: PlotData) -> None:
        self.way(data)

    def is_prepared(self, data: PlotData) -> bool:
        ends = self.ends(data)
        if ends is None:
            return True
        first, second = (one.evaluation for one in ends)
        schemes = first.concrete_scheme, second.concrete_scheme
        searches = any(scheme.calibration.how.searches for scheme in schemes)
        few = choices_between(*schemes).count <= MOST_DRAWN
        if data.whole.size <= AT_ONCE and few and not searches:
            return True
        return known_waterfall(data.whole, first, second, self._few(data)) is not None

    # What is shown

    def describe(self, data: PlotData) -> str:
        ends, way = self.ends(data), self.way(data)
        if ends is None or way is None:
            return self.tr("Switch on two schemes to see which choice between them brings what.")
        few = data.verdict.few if data.verdict is not None else None
        return told(way, ends[0].entry.name, ends[1].entry.name, self.others(data), few)

    def x_range(self, data: PlotData) -> tuple[float, float]:
        return 0.0, 1.0

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        return 0.0, 1.0

    def bounded_range(self, axis: int, low: float, high: float) -> Span:
        return (low, high) if self._busy or self.data is None else self._whole(axis)

    def canvas(self) -> Canvas:
        """Return the whole sheet as a drawing area."""
        return Canvas(self, self._whole(0), self._whole(1))

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self.item.getAxis("bottom").setTicks([[]])
        ends, way = self.ends(data), self.way(data)
        self._spots: list[tuple[QRectF, str]] = []
        if ends is None or way is None:
            self.item.getAxis("left").setTicks([[]])
            return
        self._choices = len(way.choices)
        canvas, others = self.canvas(), self.others(data)
        room = QRectF(0, 0, canvas.width, canvas.height)
        parts: list[Bars | Lattice | CornerTable] = []
        if canvas.height >= ROOM_FOR_WAYS and len(way.choices) > 1:
            below = QRectF(room)
            below.setTop(0.56 * room.height())
            room.setBottom(below.top() - canvas.pitch)
            ways = len(way.choices) <= MOST_DRAWN
            if room.width() >= ROOM_FOR_TABLE or not ways:
                table = QRectF(below)
                if ways:
                    table.setLeft(below.right() - TABLE_SHARE * below.width())
                    below.setRight(table.left() - 24)
                parts.append(CornerTable(canvas, table, way, ends, others))
            if ways:
                parts.append(Lattice(canvas, below, way, ends, others))
        parts.append(Bars(canvas, room, way, ends, others))
        ticks: list[tuple[float, str]] = []
        for part in reversed(parts):
            part.paint()
            ticks += part.ticks
            self._spots += part.spots
        self.item.getAxis("left").setTicks([ticks])

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        return None

    def readout(self, data: PlotData, x: float, y: float) -> str:
        at = QPointF(*self.canvas().pixels(x, y))
        return next((text for rect, text in self._spots if rect.contains(at)), "")
