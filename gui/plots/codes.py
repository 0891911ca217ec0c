"""Codes plot: number of values per code."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor

from quantoscope.engine import QUANTIZERS
from quantoscope.gui.common.localized_numbers import filled, percent, short
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.distribution import CODE_TICK_PIXELS
from quantoscope.gui.plots.lanes import Lane, LanedPlot, lanes_of, write_head
from quantoscope.gui.plots.options import COUNT_SCALE
from quantoscope.gui.plots.scales import count_unit, with_headroom
from quantoscope.gui.plots.spans import Span, Unit

MANY = 3
"""Number of schemes from which each has a lane: their outlines would cover each other."""
LEAST_LANE = 34.0
"""Minimum height of a lane in pixels."""


class CodesPlot(LanedPlot):
    """Bars of the active scheme and outlines of the others, or a lane for each of many."""

    key = "codes"
    x_quantity = "code"
    draws_values = False
    whole_axes = ("bottom", "left")
    options = (COUNT_SCALE,)

    def title(self) -> str:
        return self.tr("Codes: how often each code is used")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("code Q"), self.tr("values per code")

    def describe(self, data: PlotData) -> str:
        if data.active is None:
            return self.tr("Switch on a scheme to see its codes.")
        figures = data.active.figures
        if not figures["codes_used"]:
            return filled(self.tr("%1: no value has a code."), data.active.entry.name)
        text = self.tr("%1 uses %2 of %3 codes (%4); they carry %5 bits of entropy.")
        used, available = int(figures["codes_used"]), int(figures["codes_available"])
        share = percent(used, available)
        bits = short(figures["code_entropy"], 3)
        return filled(text, data.active.entry.name, f"{used:,}", f"{available:,}", share, bits)

    def _visible(self, data: PlotData) -> list[Series]:
        """Return the active scheme first, then the others with codes of the same kind."""
        if data.active is None:
            return list(data.series)
        kind = data.active.p.format
        others = [
            s
            for s in data.series
            if s.entry != data.active.entry
            and (s.p.format == kind or s.p.format.integer and kind.integer)
        ]
        return [data.active, *others]

    def x_range(self, data: PlotData) -> tuple[float, float]:
        # Other schemes may extend further: the range is the active scheme's.
        shown = self._visible(data)[:1]
        if not shown:
            return -128.5, 127.5
        return (
            min(float(s.code_axis[0]) for s in shown) - 0.5,
            max(float(s.code_axis[-1]) for s in shown) + 0.5,
        )

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        laned = self._in_lanes(data)
        self.use_lanes(laned)
        if laned:
            return 0.0, float(len(self._visible(data)))
        most = float(max((s.counts.max() for s in self._visible(data)), default=1))
        return with_headroom(self.scale("y", data, (0.0, most)), most, 0.0)

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        # Along y are lanes; the counts in them have a scale of their own.
        return Unit() if axis == "x" or self._in_lanes(data) else self._counted(data, 1)

    def _counted(self, data: PlotData, schemes: int) -> Unit:
        """Return the scale of the counts of the first schemes."""
        counts = [series.counts for series in self._visible(data)[:schemes]]
        return count_unit(self.chosen_options["y scale"], np.concatenate([[], *counts]))

    # Lanes

    def _in_lanes(self, data: PlotData) -> bool:
        """Return whether each scheme has a lane."""
        shown = len(self._visible(data))
        return shown >= MANY and self.item.getViewBox().height() >= shown * LEAST_LANE

    def _lanes(self, data: PlotData) -> list[Lane]:
        """Return the lanes in the order of the schemes, all with the same scale."""
        visible = self._visible(data)
        shown = [series for series in data.series if series in visible]
        most = max(1.0, *(float(series.counts.max(initial=0)) for series in shown))
        unit = self._counted(data, len(shown))
        return lanes_of(shown, self.pixel()[1], unit, [(0.0, most)] * len(shown))

    def _paint_lanes(self, data: PlotData, x0: float, x1: float) -> None:
        lanes = self._lanes(data)
        for lane in lanes:
            self._name(data, lane)
            self._lane, series, uid = lane, lane.series, lane.series.entry.uid
            left, right, counts = self._columns_of(series, x0, x1)
            colour = self.theme.colour(series.entry.colour)
            if counts.size:
                nothing, brush = np.zeros(counts.size), self.wash(colour, 0.75)
                self.bars(uid, left, right, nothing, counts, brush)
            ends = self.seen[0]
            floor = np.zeros(2)
            self.line((uid, "floor"), np.array(ends), floor, self.pen(self.theme.grid), z=-3)
            for name, low, high in self._unused(series):
                rect = low, high, 0.0, lane.high
                hatch = QBrush(QColor(self.theme.alarm), Qt.BrushStyle.BDiagPattern)
                self.area((uid, "unused", name), rect, hatch, z=-6)
                ground = self.fill(self.theme.alarm, 0.08)
                self.area((uid, "unused ground", name), rect, ground, z=-7)
            if data.chosen is not None:
                at = self._place(series, int(series.pick(np.array([data.chosen])).codes[0]))
                x, y = np.full(2, float(at)), np.array([0.0, lane.high])
                self.line((uid, "chosen"), x, y, self.pen(self.theme.muted), z=1)
            self._lane = None
        self.tick_lanes(lanes, 1.0)

    def _name(self, data: PlotData, lane: Lane) -> None:
        """Write the scheme's name, and how many of its codes are used."""
        used, total = int(np.count_nonzero(lane.series.counts)), lane.series.counts.size
        text = filled(self.tr("%1 of %2 codes used"), f"{used:,}", f"{total:,}")
        write_head(self, data, lane, lane.series.entry.name, [text], np.zeros(0))

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        axis = self.item.getAxis("left")
        axis.least = self.y_unit.down_to(0.0)
        self._tick(data.active)
        if self._in_lanes(data):
            self._paint_lanes(data, x0, x1)
            return
        axis.setTicks(None)
        for series in self._visible(data):
            left, right, counts = self._columns_of(series, x0, x1)
            if series is data.active:
                colour = self.theme.colour(series.entry.colour)
                self.bars("active", left, right, np.zeros(counts.size), counts,
                          self.wash(colour, 0.75))  # fmt: skip
                self._paint_unused(series)
            elif counts.size:
                x = np.column_stack([left, right]).ravel()
                self.line(series.entry.uid, x, np.repeat(counts, 2), self.entry_pen(series), z=2)
        if data.chosen is not None and data.active is not None:
            at = self._place(data.active, int(data.active.pick(np.array([data.chosen])).codes[0]))
            self.rule("chosen", float(at), self.pen(self.theme.muted))

    def _tick(self, active: Series | None) -> None:
        """Label codes whose position on the axis is not the code itself."""
        axis = self.item.getAxis("bottom")
        if active is None or active.p.format.integer:
            axis.setTicks(None)
            return
        places = active.code_axis
        apart = CODE_TICK_PIXELS * self.pixel()[0]
        step = max(1, int(np.ceil(apart)))
        axis.setTicks([[(float(at), active.label(active.codes[at])) for at in places[::step]]])

    def _place(self, series: Series, code: int) -> int:
        """Return the position of a code on the axis."""
        quantizer = QUANTIZERS[series.p.mapping]
        place = int(quantizer.places(np.array([code]), series.p)[0])
        return int(series.code_axis[place])

    def _columns_of(
        self, series: Series, x0: float, x1: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return edges and heights of columns; the largest count if a pixel holds many codes."""
        codes, counts = series.code_axis, series.counts
        first = int(np.searchsorted(codes, x0 - 1))
        last = int(np.searchsorted(codes, x1 + 1, "right"))
        codes, counts = codes[first:last], counts[first:last]
        if counts.size > 2 * self.columns:
            starts = (np.arange(self.columns) * counts.size) // self.columns
            ends = np.append(starts[1:], counts.size) - 1
            return codes[starts] - 0.5, codes[ends] + 0.5, np.maximum.reduceat(counts, starts)
        pixel = self.pixel()[0]
        # Widen a used code among unused ones to a pixel.
        half = 0.42 if pixel < 0.3 else max(0.5, 1.2 * pixel)
        return codes - half, codes + half, counts

    def _paint_unused(self, series: Series) -> None:
        for name, low, high in self._unused(series):
            self.hatch_unused(name, low, high)

    def _unused(self, series: Series) -> list[tuple[str, float, float]]:
        """Return name and ends of the stretches of codes that no value has, at either end."""
        used = np.flatnonzero(series.counts)
        if used.size == 0:
            return []
        axis, end = series.code_axis, series.codes.size - 1
        ends = (("low", 0, used[0] - 1), ("high", used[-1] + 1, end))
        return [
            (name, float(axis[first]) - 0.5, float(axis[last]) + 0.5)
            for name, first, last in ends
            if first <= last
        ]

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the first value with the used code nearest to the click."""
        active = data.active
        if self._in_lanes(data):
            lanes = self._lanes(data)
            active = lanes[int(np.clip(len(lanes) - 1 - np.floor(y), 0, len(lanes) - 1))].series
        if active is None or not active.counts.any():
            return None
        used = np.flatnonzero(active.counts)
        nearest = used[np.abs(active.code_axis[used] - round(x)).argmin()]
        return int((data.plotted(active.evaluation.codes) == active.codes[nearest]).argmax())

    def readout(self, data: PlotData, x: float, y: float) -> str:
        at = round(x)
        parts: list[str] = []
        for series in self._visible(data):
            place = int(np.searchsorted(series.code_axis, at))
            if place < len(series.codes) and series.code_axis[place] == at:
                code, count = series.codes[place], int(series.counts[place])
                parts = parts or [f"Q {series.label(code)}"]
                text = self.tr("%1: %2 values, R′ %3")
                levels = QUANTIZERS[series.p.mapping].levels(series.p)
                level = data.number(levels[place])
                parts.append(filled(text, series.name, f"{count:,}", level))
        return "\n".join(parts)
