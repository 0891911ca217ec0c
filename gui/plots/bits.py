"""Bits plot: SQNR of every enabled scheme against its bits per value."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from PySide6.QtCore import Qt

from quantoscope.engine.analysis.verdict import Standing, staircase
from quantoscope.gui.common.localized_numbers import bits_text, decibels, filled
from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.theme import MARKERS
from quantoscope.gui.plots.canvas import FreeLabels, around
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.metric_option import METRIC, MetricPlot

PER_BIT = 20 * math.log10(2)
"""What a bit gains in dB, as the step halves."""
MARGIN = 0.5
LONGEST = 0.75, 0.4
"""Maximum lengths of a name, as shares of the width: where one has no room, the next."""
ROW_PIXELS, TEXT_PIXELS = 36.0, 15.0
"""Distance of schemes that lose nothing, and of their names below them, in pixels."""


class BitsPlot(MetricPlot):
    """A point per scheme; the line is the best for so many bits, hollow ones are beaten."""

    key = "bits"
    name = "Bits"
    beside = "waterfall"
    width_share = 0.6
    x_quantity = "bits"
    draws_values = False
    options = (METRIC,)

    def title(self) -> str:
        return self.tr("Bits: SQNR against bits per value")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("bits per value"), self.tr("SQNR (dB)")

    def _points(self, data: PlotData) -> list[tuple[Series, Standing, float]]:
        """Return each scheme with its figures, and with the SQNR that is shown."""
        found = []
        for one in data.series:
            standing = data.verdict.standings.get(one.entry.uid) if data.verdict else None
            if standing is not None:
                db = standing.others if self.others(data) else standing.sqnr
                found.append((one, standing, db))
        return found

    def _best(self, points: list[tuple[Series, Standing, float]]) -> list[int]:
        return staircase([one.bits for _, one, _ in points], [db for *_, db in points])

    def describe(self, data: PlotData) -> str:
        points = self._points(data)
        if not points:
            return self.tr("Switch on a scheme to see what its bits buy.")
        best = self._best(points)
        if not best:
            return self.tr("No finite value to judge by.")
        words = []
        for place in best:
            series, standing, db = points[place]
            text = self.tr("%1 %2 dB at %3 bits")
            words.append(filled(text, series.entry.name, decibels(db), bits_text(standing.bits)))
        text = self.tr("Best for so many bits (the line): %1.")
        beaten = len(points) - len(best)
        if beaten == 1:
            text = self.tr("Best for so many bits (the line): %1. The hollow one is beaten.")
        elif beaten:
            text = self.tr("Best for so many bits (the line): %1. The %2 hollow ones are beaten.")
        return filled(text, "; ".join(words), beaten)

    def x_range(self, data: PlotData) -> tuple[float, float]:
        bits = [standing.bits for _, standing, _ in self._points(data)]
        return (min(bits) - MARGIN, max(bits) + MARGIN) if bits else (0.0, 8.0)

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        shown = [db for *_, db in self._points(data) if math.isfinite(db)]
        if not shown:
            return 0.0, 60.0
        low, high = min(shown), max(shown)
        room = max(high - low, PER_BIT) / 4
        return low - room, high + room

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        every = self._points(data)
        points = [point for point in every if math.isfinite(point[2])]
        best = self._best(points)
        self._stairs([(points[n][1].bits, points[n][2]) for n in best], x1)
        for place, (series, standing, db) in enumerate(points):
            x, y = np.array([standing.bits]), np.array([db])
            colour, marker = self.theme.colour(series.entry.colour), MARKERS[series.entry.marker]
            self.points(series.entry.uid, x, y, marker, colour, 9, hollow=place not in best)
        places = [
            self.point(float(self.draw_x(one.bits)), float(self.draw_y(db)))
            for _, one, db in points
        ]
        labels = FreeLabels(self, [around(at, 6) for at in places])
        self._slope(x0, x1, labels)

        def cut(room: float, name: str) -> str:
            return labels.metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room)

        wide, names = labels.room.width(), [series.entry.name for series, *_ in points]
        cuts = [schemes_apart(names, partial(cut, share * wide)) for share in LONGEST]
        # Those of the best come first.
        for place in sorted(range(len(points)), key=lambda n: (n not in best, n)):
            series, standing, db = points[place]
            ink = self.theme.foreground if place in best else self.theme.muted
            uid = series.entry.uid
            any(
                labels.write(uid, standing.bits, db, texts[place], ink, rows=4, far=True)
                for texts in cuts
            )
        self._paint_lossless([point for point in every if point[2] == math.inf])

    def _paint_lossless(self, points: list[tuple[Series, Standing, float]]) -> None:
        """Draw schemes that lose nothing along the upper edge, below each other."""
        top, row = self.seen[1][1], ROW_PIXELS * self.pixel()[1]
        for place, (series, standing, _) in enumerate(points):
            y = top - (place + 0.4) * row
            colour, marker = self.theme.colour(series.entry.colour), MARKERS[series.entry.marker]
            x = np.array([standing.bits])
            self.points(series.entry.uid, x, np.array([y]), marker, colour, 9)
            text = filled(self.tr("%1: ∞ dB"), series.entry.name)
            below = y - TEXT_PIXELS * self.pixel()[1]
            at, ink = standing.bits, self.theme.foreground
            self.text((series.entry.uid, "lossless"), at, below, text, ink, (0.5, 0.5))

    def _stairs(self, best: list[tuple[float, float]], x1: float) -> None:
        """Draw the best SQNR for every number of bits."""
        if not best:
            return
        bits, sqnr = (np.array(part) for part in zip(*best, strict=True))
        x = np.concatenate([np.repeat(bits, 2)[1:], [max(x1, bits[-1])]])
        self.line("best", x, np.repeat(sqnr, 2), self.pen(self.theme.muted), z=-2)

    def _slope(self, x0: float, x1: float, labels: FreeLabels) -> None:
        """Draw how steep a gain of one bit is, in the lower right corner."""
        y0, y1 = self.seen[1]
        wide = min(0.3 * (x1 - x0), 0.3 * (y1 - y0) / PER_BIT)
        x = np.array([x1 - 0.04 * (x1 - x0) - wide, x1 - 0.04 * (x1 - x0)])
        low = y0 + 0.05 * (y1 - y0)
        y = np.array([low, low + wide * PER_BIT])
        pen = self.pen(self.theme.muted, 1, Qt.PenStyle.DashLine)
        self.line("slope", x, y, pen, z=-3)
        text = filled(self.tr("%1 dB per bit"), f"{PER_BIT:.2f}")
        start, end = (
            self.point(float(self.draw_x(at)), float(self.draw_y(db)))
            for at, db in zip(x, y, strict=True)
        )
        way = end - start
        labels.taken += [around(start + way * (step / 6), 5) for step in range(7)]
        labels.write("slope", float(x[0]), float(y[0]), text, self.theme.muted, gap=14)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        return None

    def readout(self, data: PlotData, x: float, y: float) -> str:
        points = [point for point in self._points(data) if math.isfinite(point[2])]
        if not points:
            return ""
        px, py = self.pixel()

        def distance(point: tuple[Series, Standing, float]) -> float:
            return math.hypot((point[1].bits - x) / px, (point[2] - y) / py)

        series, standing, db = min(points, key=distance)
        text = self.tr("%1\n%2 dB at %3 bits")
        return filled(text, series.entry.name, decibels(db), bits_text(standing.bits))
