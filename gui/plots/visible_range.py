"""Visible ranges of a plot: chosen by the user, or those of all data; scales of its axes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyqtgraph as pg

from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.drawing import Drawing
from quantoscope.gui.plots.kept_figures import FarValues, far_values
from quantoscope.gui.plots.scales import LINEAR, SYMLOG, symlog
from quantoscope.gui.plots.spans import Span, Unit, bounded, padded, unit_for

FAR = 3.0
"""A view that goes so many times as far as most values is logarithmic beyond these."""


class VisibleRange(Drawing):
    """A drawing whose ranges follow the data until the user moves them."""

    y_quantity: ClassVar[str] = ""
    """Quantity along y: plots of the same one are linked where those of x are."""
    margins: tuple[float, float] = (0.04, 0.08)
    """Margins of the full range of x and y, as shares of it."""
    whole_axes: ClassVar[tuple[str, ...]] = ()
    """Axes of integers."""

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float) -> None:
        super().__init__(item, theme, ink)
        self.leader: VisibleRange | None = None
        self.chosen_options: dict[str, str] = {}
        self._follow_x = self._follow_y = True
        self._busy = False
        self._asked: tuple[Span | None, Span | None] | None = None

    def x_range(self, data: PlotData) -> tuple[float, float]:
        """Return the full range of x."""
        raise NotImplementedError

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        """Return the range of y that contains everything between x0 and x1."""
        raise NotImplementedError

    def refresh(self, move_x: bool = True) -> None:
        """Redraw the data for the visible range."""
        raise NotImplementedError

    # Scales of axes

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        """Return the scale of ``x`` or ``y`` for a range: linear, or logarithmic far out."""
        choice = self.chosen_options.get(f"{axis} scale", LINEAR)
        farthest = max((abs(end) for end in ends if np.isfinite(end)), default=0.0)
        if choice == LINEAR or not farthest:
            return unit_for(*ends)
        far = self.far(data)
        if not far.reach and choice == SYMLOG:
            return symlog(farthest / 100, farthest)
        if not far.reach or farthest < FAR * far.reach:
            return unit_for(*ends)
        return symlog(far.reach, max(farthest, far.farthest))

    def far(self, data: PlotData) -> FarValues:
        """Return the magnitude that most values lie within, and what lies beyond it."""
        return far_values(data.array, data.pyramid, data.summary)

    # What follows the data, and what was chosen

    @property
    def follow_x(self) -> bool:
        """Whether x shows the full range, not the user's choice; shared by linked plots."""
        return self.leader.follow_x if self.leader else self._follow_x

    @follow_x.setter
    def follow_x(self, follow: bool) -> None:
        if self.leader:
            self.leader.follow_x = follow
        self._follow_x = follow

    @property
    def follow_y(self) -> bool:
        """Whether y shows the full range, not the user's choice; shared like that of x."""
        return self.leader.follow_y if self.leader and self.y_quantity else self._follow_y

    @follow_y.setter
    def follow_y(self, follow: bool) -> None:
        if self.leader and self.y_quantity:
            self.leader.follow_y = follow
        self._follow_y = follow

    # Visible ranges: plots use data coordinates, views use drawn (scaled) ones

    @property
    def width_x(self) -> float:
        """Visible width in data coordinates."""
        low, high = self.seen[0]
        return high - low

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Convert a point of the view to data coordinates."""
        return self.x_unit.up_to(x), self.y_unit.up_to(y)

    @property
    def seen(self) -> tuple[Span, Span]:
        """Visible ranges of x and y in data coordinates."""
        x, y = self.item.getViewBox().viewRange()
        seen = self.x_unit.up_pair(*x), self.y_unit.up_pair(*y)
        asked = self._asked if self._asked is not None and self.data is None else (None, None)
        return asked[0] or seen[0], asked[1] or seen[1]

    @property
    def look(self) -> tuple[Span | None, Span | None]:
        """Ranges of x and y chosen by the user; None for the full range."""
        x, y = self.seen
        return None if self.follow_x else x, None if self.follow_y else y

    def look_at(self, x: Span | None, y: Span | None) -> None:
        """Show ranges of the data, now or as soon as there is data."""
        self.follow_x, self.follow_y = x is None, y is None
        # Kept until the view is moved: the data may not have arrived yet.
        self._asked = x, y
        if self.data is not None:
            self._apply(x, y)
            self.refresh()

    def _apply(self, x: Span | None, y: Span | None) -> None:
        if y is not None and self.data is not None:
            self.y_unit = self.scale("y", self.data, y)
        self._set_view(
            None if x is None else self.x_unit.down_pair(*x),
            None if y is None else self.y_unit.down_pair(*y),
        )

    def _set_view(self, x: Any, y: Any) -> None:
        """Set the drawn range, bounded to what can be shown, but not as the user's choice."""
        asked = self._asked
        if x is not None or y is not None:
            self.item.getViewBox().setRange(None, x, y, padding=0)
        self._asked = asked

    def _whole(self, axis: int) -> Span:
        """Return the drawn full range of an axis."""
        assert self.data is not None
        whole = self.x_range(self.data)
        if axis == 0:
            return padded(*self.x_unit.down_pair(*whole), self.margins[0])
        return self._with_rows(self.y_range(self.data, *whole))

    def rows_height(self) -> float:
        """Return how many pixels the plot needs below its data, for rows of their own."""
        return 0.0

    def _with_rows(self, ends: Span) -> Span:
        """Return the drawn range of y that shows these ends, with margins and room for rows."""
        low, high = padded(*self.y_unit.down_pair(*ends), self.margins[1])
        rows, height = self.rows_height(), max(1.0, self.item.getViewBox().height())
        return low - (high - low) * rows / max(1.0, height - rows), high

    def bounded_range(self, axis: int, low: float, high: float) -> Span:
        """Return the closest drawable range that contains some data."""
        if self._busy or self.data is None:
            return low, high
        whole = self._whole(axis)
        name = ("bottom", "left")[axis]
        finest = min(1.0, (whole[1] - whole[0]) / 2) if name in self.whole_axes else 0.0
        now = self.item.getViewBox().viewRange()[axis]
        found = bounded(low, high, whole, finest)
        # At a zoom limit the view stays in place instead of moving towards the pointer.
        stays = abs((found[1] - found[0]) - (now[1] - now[0])) <= 1e-6 * (now[1] - now[0])
        within = now[0] <= low and high <= now[1]
        around = low <= now[0] and now[1] <= high
        return (now[0], now[1]) if stays and (within or around) else found

    def fit(self) -> None:
        """Show the full ranges."""
        self.follow_x = self.follow_y = True
        self._asked = None
        self.refresh()

    def _moved_by_hand(self, mask: Any) -> None:
        self.follow_x = self.follow_x and not mask[0]
        self.follow_y = self.follow_y and not mask[1]

    def _range_changed(self, *_: Any) -> None:
        # The source of the change, the user or a linked plot, has set x already.
        if not self._busy:
            self._asked = None
        self.refresh(move_x=False)

    def resized(self, *_: Any) -> None:
        """Draw again for another size of the view."""
        self.refresh(move_x=False)
