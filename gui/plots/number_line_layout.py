"""Layout of a number line in pixels: marks to paint, and what lies where.

Nothing here paints or asks a widget: the same numbers make the same marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRectF

from quantoscope.gui.plots.marks import Mark
from quantoscope.gui.plots.number_line_data import Lane
from quantoscope.gui.plots.number_line_labels import dot_positions, value_labels
from quantoscope.gui.plots.number_line_lane import LaneLayout
from quantoscope.gui.plots.number_line_lens import LensLayout, lens_boxes, lens_plan
from quantoscope.gui.plots.number_line_rows import Ground, Lens, Scale, rows_of
from quantoscope.gui.plots.number_line_words import Head

REACH = 9.0
"""How near to a dot the pointer takes it, in pixels."""


@dataclass(frozen=True)
class LensBox:
    """A lens on the screen."""

    lane: int
    dot: int
    box: QRectF
    scale: Scale
    y_r: float


@dataclass(frozen=True)
class LaneBox:
    """A lane on the screen, from its values to its codes, with the positions of the values."""

    lane: int
    box: QRectF
    y_r: float
    y_q: float
    x: tuple[float, ...]
    """Of every dot; NaN where it has no place."""


@dataclass(frozen=True)
class Grip:
    """A value under the pointer, and the scale along which it moves."""

    dot: int
    scale: Scale
    near: bool
    """Whether the pointer is on the dot itself."""
    in_lens: bool


@dataclass(frozen=True)
class Layout:
    """A number line in pixels."""

    marks: tuple[Mark, ...]
    scale: Scale
    lanes: tuple[LaneBox, ...]
    lenses: tuple[LensBox, ...]
    plan: tuple[Lens, ...]
    hidden: int
    """Number of lanes without room."""

    def grip(self, x: float, y: float) -> Grip | None:
        """Return the value at a point: that of the lens, or the nearest along the line."""
        for lens in self.lenses:
            if lens.box.contains(x, y):
                at = lens.scale.at
                near = np.hypot(x - at, y - lens.y_r) <= REACH
                return Grip(lens.dot, lens.scale, bool(near), True)
        lane = next((lane for lane in self.lanes if lane.box.contains(x, y)), None)
        if lane is None or not np.isfinite(lane.x).any():
            return None
        distance = np.abs(np.array(lane.x) - x)
        dot = int(np.nanargmin(distance))
        upright = lane.y_r - REACH <= y <= lane.y_q + REACH
        return Grip(dot, self.scale, bool(distance[dot] <= REACH and upright), False)

    def scale_at(self, x: float, y: float) -> Scale:
        """Return the scale that holds at a point: that of a lens, or of the line."""
        found = (lens.scale for lens in self.lenses if lens.box.contains(x, y))
        return next(found, self.scale)


def laid_out(
    ground: Ground,
    lanes: Sequence[Lane],
    heads: Sequence[Head],
    held: tuple[Lens, ...] | None = None,
) -> Layout:
    """Lay out a number line.

    Parameters
    ----------
    ground : Ground
    lanes : sequence of Lane
    heads : sequence of Head
        Of every lane.
    held : tuple of Lens, optional
        Lenses that stay where they are, while a value is dragged.
    """
    if not lanes or not ground.dots:
        return Layout((), ground.scale, (), (), (), 0)
    active = next((i for i, lane in enumerate(lanes) if lane.active), 0)
    shown, rows = rows_of(len(lanes), active, ground.height, ground.measure.line)
    plan = held
    if plan is None:
        plan = lens_plan(ground.dots, lanes, ground.chosen, ground.scale, ground.width)
    x = dot_positions(ground)
    labels = value_labels(ground, x, [lens.dot for lens in plan])
    alike = len({lens.times for lens in plan}) == 1
    marks: list[Mark] = []
    lane_boxes: list[LaneBox] = []
    lens_found: list[LensBox] = []
    top = 0.0
    first_lens = True
    for i, row in zip(shown, rows, strict=True):
        lane = LaneLayout(ground, lanes[i], heads[i], top, row, x, labels, i != shown[0])
        lens_top = top + row.height - row.lens
        box = QRectF(0, lane.y_labels, ground.width, lens_top - lane.y_labels)
        lane_boxes.append(LaneBox(i, box, lane.y_r, lane.y_q, tuple(x.tolist())))
        found: list[LensLayout] = []
        if row.lens:
            bottom = top + row.height - 4
            for lens, place in zip(
                plan,
                lens_boxes(len(plan), ground.width, bottom - row.lens + 4, bottom),
                strict=True,
            ):
                # Where all are alike, the first says it for all.
                says = first_lens or not alike
                first_lens = False
                found.append(LensLayout(ground, lane, lens, place, says))
                lens_found.append(LensBox(i, lens.dot, place, found[-1].scale, found[-1].y_r))
        for one in found:
            marks += one.marks
        marks += lane.marks
        top += row.height
    return Layout(
        tuple(marks),
        ground.scale,
        tuple(lane_boxes),
        tuple(lens_found),
        plan,
        len(lanes) - len(shown),
    )
