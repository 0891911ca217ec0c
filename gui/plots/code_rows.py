"""Rows of codes under the histogram: one per scheme, and one with the ends of all ranges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF

from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.kept_figures import sorted_values
from quantoscope.gui.plots.scales import Symlog

if TYPE_CHECKING:
    from quantoscope.gui.plots.base import Plot

ROW, TICKS, ENDS = 30.0, 12.0, 26.0
"""Heights in pixels of a scheme's row, of its ticks, and of the row of all ranges' ends."""
MOST = 0.45
"""Largest share of the view's height for rows."""
LEAST_ROOM = 170.0
"""Height of a view in pixels from which there are rows."""
NOTE, LEAST_NOTE = 15.0, 60.0
"""Height in pixels of the line on rows without room, and of a view from which there is one."""
APART = 3.0
"""Distance in pixels from which codes are drawn one by one."""


class CodeRows:
    """Draws the codes of every scheme over the axis of R."""

    def __init__(self, plot: Plot) -> None:
        self._plot = plot

    def _shown(self, data: PlotData | None) -> tuple[list[Series], bool]:
        """Return the schemes with a row, as room allows, and whether ends have a row."""
        height = self._plot.item.getViewBox().height()
        if data is None or not data.values.size or height < LEAST_ROOM:
            return [], False
        ends = data.active is not None and not data.active.granularity.whole
        most = int((MOST * height - (ENDS if ends else 0)) // ROW)
        shown = list(data.series)
        if len(shown) > most:
            shown.sort(key=lambda one: one is not data.active)
            kept = shown[:most]
            shown = [one for one in data.series if one in kept]
        return shown, ends

    def height(self) -> float:
        """Return the height of all rows in pixels."""
        shown, ends = self._shown(self._plot.data)
        note = NOTE if self._left_out(self._plot.data, shown) else 0.0
        return ROW * len(shown) + (ENDS if ends else 0.0) + note

    def least_height(self, data: PlotData) -> float:
        """Return the height of the view, in pixels, from which every scheme has a row."""
        if not data.values.size or all(series is data.active for series in data.series):
            return 0.0
        ends = data.active is not None and not data.active.granularity.whole
        rows = ROW * len(data.series) + (ENDS if ends else 0.0)
        return max(LEAST_ROOM, rows / MOST + 1)

    def _left_out(self, data: PlotData | None, shown: list[Series]) -> int:
        """Return how many schemes have no row, if there is a line to say so.

        The active scheme is none of them: it has the axis of codes.
        """
        if data is None or not data.values.size:
            return 0
        low = self._plot.item.getViewBox().height() < LEAST_NOTE
        return 0 if low else sum(s is not data.active and s not in shown for s in data.series)

    @property
    def shown(self) -> bool:
        """Whether there is a row for a scheme."""
        return bool(self._shown(self._plot.data)[0])

    def paint(self, data: PlotData) -> None:
        """Draw the rows, the first scheme's on top."""
        shown, ends = self._shown(data)
        bottom = ENDS if ends else 0.0
        left_out = self._left_out(data, shown)
        if left_out:
            self._say_left_out(left_out, bottom)
            bottom += NOTE
        for series in reversed(shown):
            self._paint_row(data, series, bottom)
            bottom += ROW
        if ends and data.active is not None:
            self._paint_ends(data.active)

    def _say_left_out(self, count: int, bottom: float) -> None:
        """Write how many schemes have no row of codes here."""
        plot = self._plot
        names = plot.tr("the codes of 1 more scheme need a higher view"), plot.tr("+ 1 row")
        if count > 1:
            names = plot.tr("the codes of %1 more schemes need a higher view"), plot.tr("+ %1 rows")
        texts = [filled(name, count) for name in names]
        at = plot.seen[0][0], self._y(bottom + NOTE)
        text = self._fitting(texts)
        plot.text("left out", *at, text, plot.theme.muted, anchor=(0.0, 0.0))

    def _y(self, pixels: float) -> float:
        """Return the height so many pixels above the lower edge, in data coordinates."""
        low = self._plot.item.getViewBox().viewRange()[1][0]
        return self._plot.y_unit.up_to(low + pixels * self._plot.pixel()[1])

    def _paint_row(self, data: PlotData, series: Series, bottom: float) -> None:
        plot, uid = self._plot, series.entry.uid
        x0, x1 = plot.seen[0]
        low, middle, top = self._y(bottom), self._y(bottom + TICKS), self._y(bottom + ROW)
        colour = plot.theme.colour(series.entry.colour)
        if data.active is not None and uid == data.active.entry.uid:
            plot.area((uid, "row"), (x0, x1, low, top), plot.fill(colour, 0.08), z=-9)
        plot.line(
            (uid, "row"), np.array([x0, x1]), np.full(2, top), plot.pen(plot.theme.grid), z=-2
        )
        self._paint_levels(series, low, middle)
        edges = series.level_edges
        hatch = QBrush(QColor(plot.theme.alarm), Qt.BrushStyle.BDiagPattern)
        for name, start, stop in unused_ends(series):
            left, right = np.clip(edges[[start, stop + 1]], x0, x1).tolist()
            if left == right:
                continue
            rect = left, right, low, middle
            plot.area((uid, "unused", name), rect, hatch, z=-6)
            ground = plot.fill(plot.theme.alarm, 0.08)
            plot.area((uid, "unused ground", name), rect, ground, z=-7)
        text = self._fitting(self._texts(data, series))
        if text:
            plot.text((uid, "row"), x0, top, text, colour, anchor=(0.0, 0.0))

    def _paint_levels(self, series: Series, low: float, high: float) -> None:
        """Draw a tick per code, or a bar where codes are too close; used ones are dark."""
        plot, uid = self._plot, series.entry.uid
        x0, x1 = plot.seen[0]
        colour = plot.theme.colour(series.entry.colour)
        levels = series.levels.astype(np.float64)
        inside = np.flatnonzero((levels >= x0) & (levels <= x1))
        if not inside.size:
            return
        drawn = plot.x_unit.down(levels)
        with np.errstate(invalid="ignore"):
            gaps = np.diff(drawn) / plot.pixel()[0]
        before, after = np.append(np.inf, gaps), np.append(gaps, np.inf)
        alone = (before >= APART) & (after >= APART)
        close = np.flatnonzero(gaps < APART)
        edges = series.level_edges
        if close.size:
            breaks = np.flatnonzero(np.diff(close) > 1)
            # The last levels may be infinite.
            first, last = np.clip(
                [edges[close[np.append(0, breaks + 1)]],
                 edges[close[np.append(breaks, close.size - 1)] + 2]],
                x0, x1,
            )  # fmt: skip
            plot.bars((uid, "codes"), first, last, np.full(first.size, low),
                      np.full(first.size, high), plot.wash(colour, 0.3), z=-3)  # fmt: skip
        used = series.level_counts > 0
        for name, which, ink in (("used", used, 1.0), ("idle", ~used & alone, 0.45)):
            x = levels[inside][which[inside]]
            if name == "used":
                # One tick a pixel is enough.
                _, one = np.unique(
                    (plot.x_unit.down(x) / plot.pixel()[0]).round(), return_index=True
                )
                x = x[one]
            y = np.tile([low, high], x.size)
            pen = plot.pen(plot.theme.washed(colour, ink), 1)
            plot.line((uid, "codes", name), np.repeat(x, 2), y, pen, "pairs", z=-1)

    def _texts(self, data: PlotData, series: Series) -> list[str]:
        """Return what a row says, in full and in ever fewer words."""
        plot, counts = self._plot, series.level_counts
        used, total, values = int(np.count_nonzero(counts)), counts.size, int(counts.sum())
        size = filled(plot.tr("S = %1"), short(abs(series.p.scale), 4))
        unit = plot.x_unit
        if isinstance(unit, Symlog):
            # Counted where most values are: those far out have the other codes.
            far = plot.far(data)
            if series.granularity.whole and far.reach == unit.reach:
                values, used = values - far.count, _codes_within(data, series, unit.reach)
        codes = plot.tr("1 code for %2 values") if used == 1 else plot.tr("%1 codes for %2 values")
        codes = plot.tr("1 code for 1 value") if used == values == 1 else codes
        codes = filled(codes, f"{used:,}", f"{values:,}")
        idle = total - np.count_nonzero(counts)
        unused = filled(plot.tr("%1 of %2 unused"), f"{idle:,}", f"{total:,}")
        clipped = int(series.figures["clipped_low"] + series.figures["clipped_high"])
        parts = [series.name, size, codes, unused]
        if clipped:
            parts.insert(3, filled(plot.tr("%1 clipped"), f"{clipped:,}"))
        return [
            "  ·  ".join(parts), "  ·  ".join([parts[0], codes, unused]), f"{parts[0]}: {codes}",
            parts[0],
        ]  # fmt: skip

    def _fitting(self, texts: list[str]) -> str:
        font = QFont()
        font.setPointSizeF(8.5)
        room = self._plot.item.getViewBox().width() - 12
        metrics = QFontMetricsF(font)
        return next((text for text in texts if metrics.horizontalAdvance(text) <= room), "")

    def _paint_ends(self, active: Series) -> None:
        """Draw where the ranges of all channels end: the darker, the more."""
        plot = self._plot
        ends = np.concatenate([np.ravel(end) for end in active.evaluation.qparams.range])
        x0, x1 = plot.item.getViewBox().viewRange()[0]
        columns = plot.columns
        drawn = plot.x_unit.down(ends)
        drawn = drawn[(drawn >= x0) & (drawn <= x1)]
        at = np.minimum((drawn - x0) / (x1 - x0) * columns, columns - 1).astype(np.intp)
        counts = np.bincount(at, minlength=columns)
        shade = np.sqrt(counts / max(1, counts.max()))
        shade = np.where(counts > 0, np.maximum(shade, 0.25), 0.0) * 255
        palette = plot.shades(plot.theme.colour(active.entry.colour))
        pixels = palette[shade.astype(np.ubyte)][None]
        rect = (*plot.seen[0], self._y(1.0), self._y(11.0))
        plot.image("ends", rect, pixels, z=-3)
        count = ends.size // 2
        text = filled(plot.tr("where the ranges of all %1 end"), f"{count:,}")
        y = self._y(ENDS - 1)
        plot.text("ends", plot.seen[0][0], y, text, plot.theme.muted, anchor=(0.0, 0.0))


def _codes_within(data: PlotData, series: Series, reach: float) -> int:
    """Return how many codes the values up to a magnitude have."""
    ordered = sorted_values(data.array)
    ends = np.array([-reach, reach], ordered.dtype)
    first, last = np.searchsorted(ordered, ends[0]), np.searchsorted(ordered, ends[1], "right")
    if first == last:
        return 0
    inner = ordered[[first, last - 1]].astype(np.float64)
    start, stop = np.searchsorted(series.level_edges[1:-1], inner)
    return int(np.count_nonzero(series.level_counts[start : stop + 1]))


def unused_ends(series: Series) -> list[tuple[str, int, int]]:
    """Return the unused parts at the ends of the code range: name, first and last place."""
    span = series.used_span
    if span is None:
        return []
    ends = []
    if span[0] > 0:
        ends.append(("low", 0, span[0] - 1))
    if span[1] < len(series.levels) - 1:
        ends.append(("high", span[1] + 1, len(series.levels) - 1))
    return ends
