"""Base of images: which plane is shown, and what is computed for the part that is seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pyqtgraph as pg

from quantoscope.engine import Evaluation
from quantoscope.engine.analysis.plane_image import PlaneImage, Quantity
from quantoscope.engine.analysis.planes import Plane, Region
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document.evaluator import LIVE_LIMIT
from quantoscope.gui.plots.axis import RowAxis
from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.colour_scale import ColourScale
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.image_figures import (
    Wanted,
    kept,
    names_plane,
    plane_named,
    plane_text,
    work_of,
)
from quantoscope.gui.plots.image_scale import OF_CELLS, made_scale
from quantoscope.gui.plots.kept_figures import Same

AT_ONCE = 1 << 16
"""Number of cells up to which an image is computed where it is drawn."""
SIZES = 16
"""Sizes of images are multiples of this, so that a margin's width changes none."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An image of the whole plane, with its scale and what is shown of it in detail."""

    plane: Plane
    evaluation: Evaluation | None
    whole: PlaneImage
    whole_scale: ColourScale
    detail: PlaneImage | None = None
    detail_scale: ColourScale | None = None

    @property
    def quantity(self) -> Quantity:
        """What it shows."""
        return self.whole.quantity

    @property
    def finest(self) -> PlaneImage:
        """The image of the part that is seen."""
        return self.whole if self.detail is None else self.detail

    @property
    def scale(self) -> ColourScale:
        """The scale of the part that is seen."""
        return self.detail_scale or self.whole_scale


class PlanePlot(Plot):
    """A plot of rows and columns of an array; row i is drawn at −i, so that the first is on top.

    The options ``plane`` (see ``image_figures``), ``quantity`` and ``scale`` say what it shows.
    """

    x_quantity = "column"
    y_quantity = "row"
    margins = (0.0, 0.0)
    whole_axes = ("bottom", "left")
    of_all_values = True
    slow = True
    early = True
    picks_plane = True

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        self._shown: Picture | None = None
        self._missing: list[Wanted] = []
        self._scales: WeakKeyDictionary[PlaneImage, tuple[str, ColourScale]] = WeakKeyDictionary()
        self._chosen_before: int | None = None
        super().__init__(item, theme, ink)

    @classmethod
    def first_options(cls) -> dict[str, str]:
        return {**super().first_options(), "plane": ""}

    @classmethod
    def takes(cls, key: str, choice: str) -> bool:
        return (key == "plane" and names_plane(choice)) or super().takes(key, choice)

    def axis_of(self, name: str) -> pg.AxisItem:
        return RowAxis(name) if name == "left" else super().axis_of(name)

    def axis_labels(self) -> tuple[str, str]:
        if self.data is None:
            return self.tr("column #"), self.tr("row #")
        plane = self._plane(self.data)
        names = []
        for word, axes in (
            (self.tr("column #"), plane.column_axes), (self.tr("row #"), plane.row_axes),
        ):  # fmt: skip
            several = len(plane.shape) > 2 and axes
            listed = ", ".join(map(str, axes))
            text = self.tr("%1 (axes %2)") if len(axes) > 1 else self.tr("%1 (axis %2)")
            names.append(filled(text, word, listed) if several else word)
        return names[0], names[1]

    def x_range(self, data: PlotData) -> tuple[float, float]:
        return -0.5, max(1, self._plane(data).columns) - 0.5

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        return 0.5 - max(1, self._plane(data).rows), 0.5

    # What is seen, and what is computed for it

    def _plane(self, data: PlotData) -> Plane:
        """Return the plane; one of two axes goes through the chosen value."""
        text, shape = self.chosen_options["plane"], data.whole.shape
        plane = plane_named(text, shape)
        if text and not plane.whole and data.chosen is not None:
            position = data.flat(data.chosen)
            if plane.cell(position) is None:
                index = tuple(int(at) for at in np.unravel_index(position, shape))
                text = plane_text(plane.row_axes[0], plane.column_axes[0], index)
                self.chosen_options["plane"] = text
                plane = plane_named(text, shape)
        return plane

    def _quantity(self, data: PlotData) -> Quantity:
        return Quantity(self.chosen_options["quantity"]) if data.active else Quantity.REAL

    def _evaluation(self, data: PlotData) -> Evaluation | None:
        return None if data.active is None else data.active.evaluation

    def _most(self) -> tuple[int, int]:
        """Return the height and width of an image in dots of the device."""
        view = self.item.getViewBox()
        area = view.height() * view.width() * self.density**2
        dots = self.density * min(1.0, math.sqrt(self.most_dots / max(1.0, area)))
        height, width = (
            max(SIZES, math.ceil(side * dots / SIZES) * SIZES)
            for side in (view.height(), view.width())
        )
        return height, width

    @property
    def fineness_kept(self) -> float:
        """Share of the device's dots per length that the image has; 1 if it lacks none."""
        if self.data is None or not math.isfinite(self.most_dots):
            return 1.0
        plane = self._plane(self.data)
        top, bottom, left, right = self._region(plane) or plane.region
        height, width = self._most()
        view = self.item.getViewBox()
        area = view.height() * view.width() * self.density**2
        if not plane.size or (bottom - top <= height and right - left <= width):
            return 1.0
        return min(1.0, math.sqrt(self.most_dots / max(1.0, area)))

    def _wanted_lines(self, data: PlotData) -> Wanted:
        return Wanted(Same(data.whole), self._evaluation(data), self._plane(data))

    def _wanted(self, data: PlotData, region: Region | None = None) -> Wanted:
        plane, quantity = self._plane(data), self._quantity(data)
        evaluation = self._evaluation(data) if quantity.of_scheme else None
        region = plane.region if region is None else region
        return Wanted(Same(data.whole), evaluation, plane, quantity, self._most(), region)

    def _region(self, plane: Plane) -> Region | None:
        """Return the cells that are seen; None if all are."""
        (x0, x1), (y0, y1) = self.seen
        ends = []
        for low, high, count in ((-y1, -y0, plane.rows), (x0, x1, plane.columns)):
            first = min(max(0, math.floor(low + 0.5)), count - 1)
            ends += [first, min(max(first + 1, math.ceil(high + 0.5)), count)]
        region = ends[0], ends[1], ends[2], ends[3]
        return None if region == plane.region else region

    def _find(self, wanted: Wanted) -> Any:
        """Return a result, or None and ask for it if it takes long."""
        found = kept.find(wanted)
        if found is None and (not self.deferred or wanted.cells <= AT_ONCE):
            found = kept.compute(wanted)
        if found is None:
            self._missing.append(wanted)
        return found

    def is_prepared(self, data: PlotData) -> bool:
        if data.whole.size <= LIVE_LIMIT or not self._plane(data).size:
            return True
        # The figures of rows and columns, which take longer, may follow.
        return kept.find(self._wanted(data)) is not None

    def preparation(self, data: PlotData) -> Callable[[], None]:
        wanted = [self._wanted(data)] if self._plane(data).size else []
        missing, self._missing = self._missing, []
        return work_of([*wanted, *(one for one in missing if one.array.it is data.whole)])

    def draw(self, data: PlotData) -> None:
        self._missing.clear()
        chosen = None if data.chosen is None else data.flat(data.chosen)
        moved, self._chosen_before = chosen != self._chosen_before, chosen
        super().draw(data)
        if moved and chosen is not None:
            self._bring(data, chosen)
        if self._missing:
            self.more_asked.emit()

    def _bring(self, data: PlotData, position: int) -> None:
        """Move a zoomed view until a value is seen."""
        cell = self._plane(data).cell(position)
        if cell is None or (self.follow_x and self.follow_y):
            return
        spans = []
        for (low, high), at in zip(self.seen, (cell[1], -cell[0]), strict=True):
            half = min(0.5, (high - low) / 2)
            shift = max(0.0, at + half - high) - max(0.0, low - (at - half))
            spans.append((low + shift, high + shift))
        if tuple(spans) != self.seen:
            self._apply(*spans)
            self.refresh(move_x=False)

    def choose(self, key: str, choice: str) -> None:
        if key == "plane":
            super().choose(key, choice)
            return
        self.chosen_options[key] = choice
        if self.data is not None:
            self.draw(self.data)

    def refresh(self, move_x: bool = True) -> None:
        before = len(self._missing)
        super().refresh(move_x)
        if len(self._missing) > before and self.data is not None and move_x is False:
            self.more_asked.emit()

    def _picture(self, data: PlotData, plane: Plane) -> Picture | None:
        """Return the picture; one of another detail, or None, until it is computed."""
        wanted = self._wanted(data)
        whole = self._find(wanted)
        if whole is None:
            return None
        kind = self.chosen_options["scale"]
        scale = self._scale(whole, kind, wanted.evaluation)
        region = self._region(plane)
        detail = None if region is None else self._find(self._wanted(data, region))
        before = self._shown
        if region is not None and detail is None and before is not None:
            same = before.plane == plane and before.quantity is whole.quantity
            detail = before.detail if same and before.evaluation is wanted.evaluation else None
        fine = scale
        if detail is not None and detail.exact and not whole.exact and whole.quantity in OF_CELLS:
            fine = self._scale(detail, kind, wanted.evaluation)
        return Picture(plane, wanted.evaluation, whole, scale, detail, fine)

    def _scale(self, image: PlaneImage, kind: str, evaluation: Evaluation | None) -> ColourScale:
        """Return the scale of an image, the same as long as there is the image."""
        known = self._scales.get(image)
        if known is None or known[0] != kind:
            known = self._scales[image] = kind, made_scale(image, kind, evaluation)
        return known[1]

    # Cells

    @property
    def cell_size(self) -> tuple[float, float]:
        """Width and height of a cell in pixels."""
        px, py = self.pixel()
        return 1 / px, 1 / py

    def _cell_at(self, data: PlotData, x: float, y: float) -> tuple[int, int] | None:
        plane = self._plane(data)
        row, column = round(-y), round(x)
        inside = 0 <= row < plane.rows and 0 <= column < plane.columns
        return (row, column) if inside else None

    def flat(self, data: PlotData, place: int) -> int:
        return place

    def neighbour(self, data: PlotData, position: int, across: int, down: int) -> int | None:
        plane = self._plane(data)
        cell = plane.cell(position)
        if cell is None:
            return None
        row, column = cell[0] + down, cell[1] + across
        inside = 0 <= row < plane.rows and 0 <= column < plane.columns
        return plane.position(row, column) if inside else None
