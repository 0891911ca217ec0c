"""Codes plot: number of values per code."""

from __future__ import annotations

import numpy as np

from quantoscope.engine import QUANTIZERS
from quantoscope.gui.common.localized_numbers import filled, percent, short
from quantoscope.gui.plots.base import COUNT_SCALE, Plot, Span
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.distribution import CODE_TICK_PIXELS
from quantoscope.gui.plots.scales import count_unit, with_headroom
from quantoscope.gui.plots.spans import Unit


class CodesPlot(Plot):
    """Bars of the active scheme and outlines of the others over one axis of codes."""

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
        most = float(max((s.counts.max() for s in self._visible(data)), default=1))
        return with_headroom(self.scale("y", data, (0.0, most)), most, 0.0)

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        if axis == "x":
            return Unit()
        counts = [series.counts for series in self._visible(data)[:1]]
        return count_unit(self.chosen_options["y scale"], np.concatenate([[], *counts]))

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self.item.getAxis("left").least = self.y_unit.down_to(0.0)
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
        self._tick(data.active)

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
        used = np.flatnonzero(series.counts)
        if used.size == 0:
            return
        axis, end = series.code_axis, series.codes.size - 1
        ends = (("low", 0, used[0] - 1), ("high", used[-1] + 1, end))
        for name, first, last in ends:
            if first > last:
                continue
            self.hatch_unused(name, float(axis[first]) - 0.5, float(axis[last]) + 0.5)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the first value with the used code nearest to the click."""
        active = data.active
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
