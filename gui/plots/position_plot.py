"""Base of plots by position: the axis, values and their symbols, readouts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF

from quantoscope.gui.plots.base import FEW, Plot
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.density import density, dots, firsts_at, firsts_of
from quantoscope.gui.plots.items import Pixels
from quantoscope.gui.plots.spans import visible
from quantoscope.gui.plots.view import CUT_DOWN, RAISED

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from PySide6.QtGui import QColor, QPen

    from quantoscope.engine.numerics.arrays import FloatArray, IntArray

DASH_PIXELS, DASH_THICK = 3, 2
"""Length and width in pixels of the dash of a value."""
SYMBOL_PIXELS = 6
"""Distance of neighbours in pixels from which values have symbols."""
ROUGH = 0.05
"""Distance of neighbours, as a share of the view's height, from which a line is hair."""
MARK_PIXELS = 9
"""Minimum distance of triangles in pixels."""


class PositionPlot(Plot):
    """A plot whose x axis is the position of a value."""

    x_only = True
    x_quantity = "position"
    whole_axes = ("bottom",)

    def x_range(self, data: PlotData) -> tuple[float, float]:
        return -0.5, max(data.values.size, 1) - 0.5

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        start, stop = visible(data.values.size, x0, x1)
        if stop - start > self.most_values(data, start, stop) * self.columns:
            self.paint_envelopes(data, start, stop)
        else:
            self.paint_values(data, start, stop)
        if data.chosen is not None:
            self.rule("chosen", data.chosen, self.pen(self.theme.muted))

    def most_values(self, data: PlotData, start: int, stop: int) -> int:
        """Return up to how many values per pixel are drawn one by one."""
        return 2

    def paint_values(self, data: PlotData, start: int, stop: int) -> None:
        """Draw positions that are distinguishable."""
        raise NotImplementedError

    def paint_envelopes(self, data: PlotData, start: int, stop: int) -> None:
        """Draw extremes per pixel column."""
        raise NotImplementedError

    def paint_series(
        self, series: Series, kind: str, span: tuple[int, int], lane: int, lanes: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw a scheme's values at a span of positions; return x and y.

        ``kind`` is ``reconstructed`` or ``error``.
        """
        at = np.arange(*span)
        part = series.part(*span)
        y = getattr(part, kind)
        few = at.size <= FEW
        x = places(at, lane, lanes, few)
        if few:
            pen = self.entry_pen(series, 1)
            self.line((series.entry.uid, "stems"), *stems(x, y), pen, "pairs", z=1)
        else:
            pen = self.entry_pen(series)
            self.curve(series.entry.uid, x, y, pen, self.theme.colour(series.entry.colour))
        if at.size <= self.most_symbols:
            # A clipped value has a triangle instead of the marker.
            whole = np.where(part.saturated == 0, y, np.nan)
            self.entry_points(series.entry.uid, x, whole, series)
        self.clipped_marks(series, kind, span, lane, lanes)
        return x, y

    @property
    def most_symbols(self) -> float:
        """Up to how many values have a symbol each: more of them would cover each other."""
        return self.columns / SYMBOL_PIXELS

    def curve(
        self, key: Hashable, x: np.ndarray, y: np.ndarray, pen: QPen, colour: QColor, z: float = 1
    ) -> None:
        """Draw many values as a line, or each as a dash where a line would be hair."""
        if x.size <= self.most_symbols or not self._rough(y):
            self.line(key, x, y, pen, z=z)
            return
        # At least as long as the pen is thick.
        pixel = self.pixel()[0]
        half = max(min(0.45, DASH_PIXELS / 2 * pixel), DASH_THICK / 2 * self.ink * pixel)
        self.line(key, np.column_stack([x - half, x + half]).ravel(), np.repeat(y, 2),
                  self.pen(colour, DASH_THICK), "pairs", z=z, dashes=True)  # fmt: skip

    def _rough(self, y: np.ndarray) -> bool:
        """Return whether neighbours differ so much that a line would go up and down everywhere."""
        drawn = self.draw_y(y)
        steps = np.abs(np.diff(drawn[np.isfinite(drawn)]))
        low, high = self.drawn_heights()
        return bool(steps.size) and float(np.median(steps)) > ROUGH * (high - low)

    def drawn_heights(self) -> tuple[float, float]:
        """Return where the lowest and the highest values are drawn."""
        low, high = self.item.getViewBox().viewRange()[1]
        return float(low), float(high)

    def clipped_marks(
        self, series: Series, kind: str, span: tuple[int, int], lane: int = 0, lanes: int = 1
    ) -> None:
        """Draw triangles on clipped values: down if clipped from above, up if from below.

        Of overlapping triangles, only the one with the largest error is drawn.
        """
        start, stop = span
        few = stop - start <= FEW
        for sign, symbol, key in ((1, CUT_DOWN, "clipped_high"), (-1, RAISED, "clipped_low")):
            if not series.figures[key]:
                continue
            at = series.clipped(sign, start, stop, self.columns)
            errors = series.pick(at).error
            at = thinned(at, np.abs(errors), (stop - start) * MARK_PIXELS / self.columns)
            if at.size:
                colour = self.theme.colour(series.entry.colour)
                x = places(at, lane, lanes, few)
                y = getattr(series.pick(at), kind)
                self.points((series.entry.uid, sign), x, y, symbol, colour, 12, z=7)

    def dots_of(
        self, heights: np.ndarray, span: tuple[int, int], colour: QColor,
        at: IntArray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Return pixels that show how many of these values lie in each dot.

        They are those ``sampled`` in a span of positions, or lie at these places in it.
        """
        count = span[1] - span[0]
        low, high = self.drawn_heights()
        height = (high - low) / self.pixel()[1]
        columns, rows = dots(self.columns, height, count, self.fineness)
        if at is None:
            first = firsts_of(count, self.columns, columns, rows, self.fineness)
        else:
            first = firsts_at(at, count, columns, rows)
        share = self.draw_y(heights) - low
        share /= high - low
        return density(first, share, columns, rows, self.shades(colour))

    def paint_dots(self, key: Hashable, pixels: np.ndarray, span: tuple[int, int]) -> None:
        """Draw such pixels where values are drawn."""
        start, stop = span
        low, high = self.drawn_heights()
        name = (*(key if isinstance(key, tuple) else (key,)), "density")
        item = self._item(("image", name), Pixels, 0.5)
        item.show_pixels(pixels, QRectF(start - 0.5, low, stop - start, high - low))

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the position at x; the one with the largest error if a pixel holds many."""
        if data.values.size == 0:
            return None
        position = int(np.clip(round(x), 0, data.values.size - 1))
        reach = int(self.pixel()[0])
        if reach > 1 and data.active is not None:
            start, stop = max(0, position - reach), min(data.values.size, position + reach + 1)
            error = np.nan_to_num(np.abs(data.active.part(start, stop).error), nan=-1.0)
            return start + int(error.argmax())
        return position


def places(at: np.ndarray, lane: int, lanes: int, side_by_side: bool) -> np.ndarray:
    """Return x positions; few values are drawn side by side, one lane per curve."""
    if not side_by_side or lanes == 1:
        return at.astype(float)
    return at + (lane - (lanes - 1) / 2) * min(0.16, 0.7 / lanes)


def stems(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return segments from 0 to each point, for a line that connects pairs."""
    return np.repeat(x, 2), np.column_stack([np.zeros(len(y)), y]).ravel()


def thinned(at: np.ndarray, size: np.ndarray, pitch: float) -> np.ndarray:
    """Return the first position of the largest size in each stretch of ``pitch``.

    The positions ascend; a size that is no number counts as 0.
    """
    if at.size < 2 or pitch <= 1:
        return at
    stretch = (at / pitch).astype(np.intp)
    starts = np.flatnonzero(np.diff(stretch, prepend=-1))
    known = np.where(np.isnan(size), 0.0, size)
    largest = np.maximum.reduceat(known, starts)
    best = np.flatnonzero(known == np.repeat(largest, np.diff(starts, append=at.size)))
    thinned: np.ndarray = at[best[np.flatnonzero(np.diff(stretch[best], prepend=-1))]]
    return thinned


def position_readout(
    data: PlotData,
    x: float,
    symbol: str,
    values: FloatArray | None,
    series: Sequence[Series],
    kind: str,
    other_symbol: str,
) -> str:
    """Return position and value of every curve at x."""
    if data.values.size == 0:
        return ""
    at = int(np.clip(round(x), 0, data.values.size - 1))
    parts = [data.position_name(at)]
    if values is not None:
        parts[0] += f"   {symbol} {data.number(values[at])}"
    for one in series:
        number = getattr(one.pick(np.array([at])), kind)[0]
        parts.append(f"{one.entry.name}: {other_symbol} {data.number(number)}")
    return "\n".join(parts)
