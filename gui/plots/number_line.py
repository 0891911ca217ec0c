"""Number line: a lane per scheme, R above, codes Q below, and lenses that show rounding."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from typing import Any, cast

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF

from quantoscope.gui.common.localized_numbers import snapped
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.axis import ValueAxis
from quantoscope.gui.plots.base import LABEL_POINTS, Plot
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.marks import MarksItem, Words
from quantoscope.gui.plots.number_line_data import (
    Dot,
    Lane,
    dots_of,
    lanes_of,
    shown_places,
)
from quantoscope.gui.plots.number_line_layout import Grip, Layout, laid_out
from quantoscope.gui.plots.number_line_rows import (
    Ground,
    Lens,
    Measure,
    Scale,
    least_height,
)
from quantoscope.gui.plots.number_line_words import head_of, sentence
from quantoscope.gui.plots.values_axis import values_span

ABOVE = 31
"""Depth over the crosshair, which lenses cover."""
SLACK = 1.02
"""Texts of figures may be so much wider than measured."""


class NumberLineItem(MarksItem):
    """The marks of a number line, whose dots can be dragged."""

    def __init__(self, view: pg.ViewBox, plot: NumberLinePlot) -> None:
        super().__init__(view)
        self._plot = plot

    def hoverEvent(self, event: Any) -> None:
        """Show over a dot that it can be moved."""
        if not event.isExit() and self._plot.movable_at(event.pos()):
            self.setCursor(Qt.CursorShape.SizeHorCursor)
        else:
            self.unsetCursor()

    def mouseDragEvent(self, event: Any) -> None:
        """Drag a dot; a drag from elsewhere moves the view."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        if event.isStart() and not self._plot.take(event.buttonDownPos()):
            event.ignore()
            return
        event.accept()
        self._plot.pull(event.pos().x(), event.isFinish())


class NumberLinePlot(Plot):
    """Lanes as slide rules: what becomes of each value under each scheme."""

    key = "number-line"
    name = "Number line"
    x_only = True
    x_quantity = "value"
    draws_values = False
    # Lanes name their schemes.
    draws_schemes = "none"

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        self._of: PlotData | None = None
        self._dots: tuple[Dot, ...] = ()
        self._lanes: tuple[Lane, ...] = ()
        self._layout: Layout | None = None
        self._grip: Grip | None = None
        self._from: tuple[float, float] = (0.0, 0.0)
        self._held: tuple[tuple[float, float], tuple[Lens, ...]] | None = None
        super().__init__(item, theme, ink)
        item.hideAxis("left")
        item.hideAxis("bottom")

    def title(self) -> str:
        return self.tr("Number line: R above, codes Q below")

    def axis_labels(self) -> tuple[str, str]:
        return self.tr("value R (unit of R)"), self.tr("code Q of each scheme")

    @property
    def layout(self) -> Layout | None:
        """What is drawn, in pixels of the view."""
        return self._layout

    def describe(self, data: PlotData) -> str:
        self._look_up(data)
        layout, lanes = self._layout, self._lanes
        hidden = 0
        if layout is not None and layout.lanes and len(layout.lanes) < len(lanes):
            lanes = tuple(self._lanes[box.lane] for box in layout.lanes)
            hidden = layout.hidden
        return sentence(data, self._dots, lanes, hidden, len(self._lanes))

    def x_range(self, data: PlotData) -> tuple[float, float]:
        if self._held is not None:
            return self._held[0]
        self._look_up(data)
        # Values of other channels are shown too.
        ends = *values_span(data), *(dot.value for dot in self._dots)
        finite = [end for end in ends if math.isfinite(end)]
        return min(finite), max(finite)

    def least_height(self, data: PlotData) -> float:
        self._look_up(data)
        font = QFont()
        font.setPointSizeF(LABEL_POINTS)
        return least_height(len(self._lanes), measure_of(font).line) if self._dots else 0.0

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        return 0.0, 1.0

    def _look_up(self, data: PlotData) -> None:
        """Compute once what the data has to show."""
        if self._of is not data:
            self._dots = dots_of(data)
            self._lanes = lanes_of(data, self._dots)
            self._of = data

    # Drawing

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self._look_up(data)
        view = self.item.getViewBox()
        width, height = max(1.0, float(view.width())), max(1.0, float(view.height()))
        font = QFont()
        font.setPointSizeF(LABEL_POINTS)
        measure = measure_of(font)
        ground = self._ground(data, width, height, measure)
        heads = [head_of(data, lane) for lane in self._lanes]
        held = None if self._held is None else self._lenses_held()
        self._layout = laid_out(ground, self._lanes, heads, held)
        marks = self._layout.marks
        if not marks:
            text = sentence(data, self._dots, self._lanes, 0, 0)
            marks = (Words(QRectF(0, 0, width, height), text, "muted"),)
        item = self._item(("marks", "line"), lambda: NumberLineItem(view, self), ABOVE)
        if item.parentItem() is not view:
            # Beside the items in data coordinates, whose precision ends where pixels go on.
            item.setParentItem(view)
        item.show_marks(width, height, marks, self.theme, font)

    def _ground(self, data: PlotData, width: float, height: float, measure: Measure) -> Ground:
        low, high = self.item.getViewBox().viewRange()[0]
        scale = Scale(self.x_unit, low, 0.0, (high - low) / width)
        chosen = next((i for i, dot in enumerate(self._dots) if dot.place == data.chosen), None)
        axis = cast(ValueAxis, self.item.getAxis("bottom"))
        axis.look_at(low, high, self.x_unit)
        levels = axis.tickValues(low, high, width)
        spacing, values = levels[0] if levels else (1.0, [])
        texts = axis.tickStrings(values, 1.0, spacing)

        def place(value: float) -> float:
            return (value - low) / scale.per_pixel

        return Ground(
            width,
            height,
            scale,
            measure,
            self._dots,
            chosen,
            tuple((place(v), t) for v, t in zip(values, texts, strict=True)),
            tuple(place(v) for _, finer in levels[1:2] for v in finer),
            axis.shared,
            data.digits,
        )

    def _lenses_held(self) -> tuple[Lens, ...]:
        """Return the lenses of a drag, in their order; those follow in which no dot is dragged."""
        assert self._held is not None and self._grip is not None
        if self._grip.in_lens:
            return self._held[1]
        return tuple(
            replace(lens, centre=self.x_unit.down_to(self._dots[lens.dot].value))
            for lens in self._held[1]
        )

    def resized(self, *_: Any) -> None:
        super().resized()
        if self.data is not None:
            # Whether all lanes have room belongs to the sentence.
            self._tell(self.data)

    # The pointer

    def _pixel_of(self, x: float, y: float) -> QPointF:
        return self.point(float(self.draw_x(x)), float(self.draw_y(y)))

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        at = self._pixel_of(x, y)
        grip = None if self._layout is None else self._layout.grip(at.x(), at.y())
        return None if grip is None else self._dots[grip.dot].place

    def pointed(self, x: float, y: float) -> float:
        if self._layout is None:
            return x
        at = self.point(x, y)
        scale = self._layout.scale_at(at.x(), at.y())
        return self.x_unit.down_to(scale.value(at.x()))

    def readout(self, data: PlotData, x: float, y: float) -> str:
        if self._layout is None:
            return ""
        at = self._pixel_of(x, y)
        grip = self._layout.grip(at.x(), at.y())
        if grip is not None and grip.near:
            return self._dot_readout(data, grip.dot)
        scale = self._layout.scale_at(at.x(), at.y())
        value = scale.value(at.x())
        width = self.x_unit.up_to(scale.per_pixel * self.columns)
        parts = [f"R {data.number(value, width)}"]
        for series in data.series:
            code, level = series.at(value)
            parts.append(f"{series.name}: Q {code}, R′ {data.number(level)}")
        return "\n".join(parts)

    def _dot_readout(self, data: PlotData, i: int) -> str:
        dot = self._dots[i]
        parts = [f"{dot.name}  R {dot.text}"]
        for lane in self._lanes:
            fate = lane.fates[i]
            text = f"Q {fate.label}, R′ {data.number(fate.reconstructed)}"
            parts.append(f"{lane.series.entry.name}: {text}")
        return "\n".join(parts)

    # Choosing and moving values

    def next_value(self, data: PlotData, step: int) -> int | None:
        """Return the next value along the line; by position where only neighbours are shown."""
        if len(shown_places(data)) < data.values.size or data.chosen is None:
            return None
        order = np.argsort(data.values, kind="stable").tolist()
        place = order.index(data.chosen) + step
        return int(order[min(max(place, 0), len(order) - 1)])

    def moved_value(self, data: PlotData, steps: float) -> float | None:
        """Return the chosen value moved by so many S of the active scheme."""
        self._look_up(data)
        i = next((i for i, dot in enumerate(self._dots) if dot.place == data.chosen), None)
        if i is None or not math.isfinite(self._dots[i].value):
            return None
        lanes = [lane for lane in self._lanes if lane.active] or list(self._lanes)
        step = lanes[0].fates[i].step if lanes else 0.0
        if not (step > 0 and math.isfinite(step)):
            low, high = self.x_range(data)
            step = (high - low) / 256
        value = self._dots[i].value
        moved = self._within(data, value + steps * step)
        kind = data.values.dtype.type
        if kind(moved) == kind(value):
            moved = float(np.nextafter(kind(value), kind(math.copysign(math.inf, steps))))
        return moved

    @staticmethod
    def _within(data: PlotData, value: float) -> float:
        most = float(np.finfo(data.values.dtype).max)
        return min(max(value, -most), most)

    def movable_at(self, at: QPointF) -> bool:
        """Return whether a drag from a point of the view moves a value."""
        grip = None if self._layout is None else self._layout.grip(at.x(), at.y())
        return grip is not None and grip.near and math.isfinite(self._dots[grip.dot].value)

    def take(self, at: QPointF) -> bool:
        """Take the value at a point of the view, which is dragged from there."""
        if self._layout is None or self.data is None or not self.movable_at(at):
            return False
        self._grip = self._layout.grip(at.x(), at.y())
        assert self._grip is not None
        dot = self._dots[self._grip.dot]
        # Range and lenses are fixed, or the value would move away from the pointer.
        self._held = self.x_range(self.data), self._layout.plan
        self._from = at.x(), self.x_unit.down_to(dot.value)
        return True

    def pull(self, x: float, finished: bool) -> None:
        """Move the value that was taken to where the pointer is."""
        grip, data = self._grip, self.data
        if grip is None or data is None:
            return
        pixel = grip.scale.per_pixel
        drawn = self._from[1] + (x - self._from[0]) * pixel
        value = snapped(self.x_unit.up_to(drawn), self.x_unit.up_to(pixel))
        place = self._dots[grip.dot].place
        if finished:
            self.let_go()
        self.value_dragged.emit(place, self._within(data, value), finished)
        if finished:
            self.refresh()

    @property
    def dragging(self) -> bool:
        return self._grip is not None

    def let_go(self) -> None:
        self._grip = self._held = None


def measure_of(font: QFont) -> Measure:
    """Return the sizes of texts in a font, with some slack for those of figures."""
    key = font.key()
    if key not in _MEASURES:
        _MEASURES[key] = _measured(QFont(font))
    return _MEASURES[key]


_MEASURES: dict[str, Measure] = {}
"""Sizes by the font's key: most texts are those of the frame before."""


def _measured(font: QFont) -> Measure:
    bold = QFont(font)
    bold.setWeight(QFont.Weight.Bold)
    metrics = QFontMetricsF(font), QFontMetricsF(bold)

    @lru_cache(maxsize=10_000)
    def advance(text: str, heavy: bool) -> float:
        return metrics[heavy].horizontalAdvance(text) * SLACK

    return Measure(advance, math.ceil(metrics[0].height()))
