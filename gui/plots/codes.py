"""Codes: how often each code is used."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor

from gui.numbers_text import filled, percent, short
from gui.plots.base import Plot
from gui.plots.data import PlotData, Series
from gui.plots.distribution import unused_ends


class CodesPlot(Plot):
    """Bars of the active scheme, outlines of the others, over one axis of codes."""

    key = "codes"
    x_quantity = "code"
    draws_values = False
    whole_axes = ("bottom", "left")

    def title(self) -> str:
        return self.tr("Codes: how often each code is used")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("code Q"), self.tr("values per code")

    def describe(self, data: PlotData) -> str:
        if data.active is None:
            return self.tr("Switch on a scheme to see its codes.")
        figures = data.active.evaluation.metrics
        text = self.tr("%1 uses %2 of %3 codes (%4); they carry %5 bits of entropy.")
        used, available = int(figures["codes_used"]), int(figures["codes_available"])
        share = percent(used, available)
        bits = short(figures["code_entropy"], 3)
        return filled(text, data.active.entry.name, f"{used:,}", f"{available:,}", share, bits)

    def _visible(self, data: PlotData) -> list[Series]:
        """The active scheme first, then the others that are switched on."""
        others = [s for s in data.series if data.active is None or s.entry != data.active.entry]
        return ([data.active] if data.active else []) + others

    def x_range(self, data: PlotData) -> tuple[float, float]:
        shown = self._visible(data)
        if not shown:
            return -128.5, 127.5
        return (
            min(float(s.codes[0]) for s in shown) - 0.5,
            max(float(s.codes[-1]) for s in shown) + 0.5,
        )

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        return 0.0, float(
            max((s.evaluation.code_counts.max() for s in self._visible(data)), default=1)
        )

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        for series in self._visible(data):
            left, right, counts = self._columns_of(series, x0, x1)
            if series is data.active:
                colour = self.theme.colour(series.entry.colour)
                self.bars("active", left, right, np.zeros(counts.size), counts,
                          self.fill(colour, 0.75))  # fmt: skip
                self._paint_unused(series)
            elif counts.size:
                x = np.column_stack([left, right]).ravel()
                self.line(series.entry.uid, x, np.repeat(counts, 2), self.entry_pen(series), z=2)
        if data.chosen is not None and data.active is not None:
            code = int(data.active.evaluation.codes.reshape(-1)[data.chosen])
            self.rule("chosen", code, self.pen(self.theme.muted))

    def _columns_of(
        self, series: Series, x0: float, x1: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Left and right edges and heights; the largest count where a pixel holds many codes."""
        codes, counts = series.codes, series.evaluation.code_counts
        first = int(np.searchsorted(codes, x0 - 1))
        last = int(np.searchsorted(codes, x1 + 1, "right"))
        codes, counts = codes[first:last], counts[first:last]
        if counts.size > 2 * self.columns:
            starts = (np.arange(self.columns) * counts.size) // self.columns
            ends = np.append(starts[1:], counts.size) - 1
            return codes[starts] - 0.5, codes[ends] + 0.5, np.maximum.reduceat(counts, starts)
        pixel = self.pixel()[0]
        # A used code among unused ones stays visible when it is narrower than a pixel.
        half = 0.42 if pixel < 0.3 else max(0.5, 1.2 * pixel)
        return codes - half, codes + half, counts

    def _paint_unused(self, series: Series) -> None:
        y0, y1 = self.item.getViewBox().viewRange()[1]
        for name, first, last in unused_ends(series):
            rect = (float(series.codes[first]) - 0.5, float(series.codes[last]) + 0.5, y0, y1)
            hatch = QBrush(QColor(self.theme.alarm), Qt.BrushStyle.BDiagPattern)
            self.area(("unused", name), rect, hatch, z=-6)
            self.area(("unused ground", name), rect, self.fill(self.theme.alarm, 0.08), z=-7)

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        if data.active is None or data.values.size == 0:
            return None
        codes = data.active.evaluation.codes.reshape(-1)
        return int(np.abs(codes.astype(np.int64) - round(x)).argmin())

    def readout(self, data: PlotData, x: float, y: float) -> str:
        code = round(x)
        parts = [f"Q {code}"]
        for series in self._visible(data):
            place = int(np.searchsorted(series.codes, code))
            if place < len(series.codes) and series.codes[place] == code:
                count = int(series.evaluation.code_counts[place])
                text = self.tr("%1: %2 values, R′ %3")
                level = short(series.levels[place], data.digits)
                parts.append(filled(text, series.entry.name, f"{count:,}", level))
        return "\n".join(parts)
