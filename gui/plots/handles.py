"""Plots with draggable handles on the clipping range."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor

from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.base import Plot
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.labels import Label, anchor_of, anchored
from quantoscope.gui.plots.view import Rule

TEXT_MARGIN = 2.0
"""Margin above and below a label's text that may be cut off, in pixels."""


class HandlePlot(Plot):
    """A plot whose handles report the clipping range requested by dragging."""

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        self._handles: dict[str, pg.InfiniteLine] = {}
        self._held: tuple[float, float] | None = None
        super().__init__(item, theme, ink)

    def asked_range(self, data: PlotData, name: str, at: float) -> tuple[float, float] | None:
        """Return the clipping range for a handle at this position; None if invalid."""
        raise NotImplementedError

    def whole_range(self, data: PlotData) -> tuple[float, float]:
        """Return the full range of x while no handle is dragged."""
        raise NotImplementedError

    def x_range(self, data: PlotData) -> tuple[float, float]:
        return self._held or self.whole_range(data)

    def restyle(self, theme: Theme) -> None:
        self.drop_handles()
        super().restyle(theme)

    def drop_handles(self) -> None:
        """Remove the handles."""
        for handle in self._handles.values():
            self.item.removeItem(handle)
        self._handles.clear()

    def handle(
        self, name: str, at: float, text: str, colour: QColor, position: float, to_the_right: bool
    ) -> None:
        """Draw a handle with its label at the given height and side."""
        handle = self._handles.get(name) or self._made(name)
        handle.setPen(self.pen(colour, 2))
        handle.setHoverPen(self.pen(colour, 4))
        handle.label.setColor(colour)
        handle.label.setFormat(text)
        if not handle.moving:
            handle.setPos(float(self.draw_x(at)))
        height = max(1.0, self.item.getViewBox().height())
        point = self.point(handle.value(), 0.0)
        point.setY((1 - position) * height)
        size = handle.label.textItem.boundingRect()
        anchor = (-0.05, 0.5) if to_the_right else (1.05, 0.5)

        def move(box: QRectF | None) -> None:
            handle.label.setVisible(box is not None)
            if box is None:
                return
            across = anchor_of(point, box)[0], 0.5
            handle.label.anchors = [across, across]
            handle.label.setPosition(1 - box.center().y() / height)

        # The margin of the text may extend beyond the view.
        box = anchored(point, size.width(), size.height() - 2 * TEXT_MARGIN, anchor)
        self.place(Label(point, box, move))

    def _made(self, name: str) -> pg.InfiniteLine:
        options = {"fill": self.theme.tint(self.theme.background, 0.8)}
        handle = Rule(angle=90, movable=True, label=name, labelOpts=options)
        handle.setCursor(Qt.CursorShape.SizeHorCursor)
        handle.setZValue(15)
        handle.handle_name = name
        self.item.addItem(handle, ignoreBounds=True)
        handle.sigDragged.connect(self._on_drag)
        handle.sigPositionChangeFinished.connect(self._on_drag_end)
        self._handles[name] = handle
        return handle

    def _on_drag(self, line: Any) -> None:
        self._report_drag(line, finished=False)

    def _on_drag_end(self, line: Any) -> None:
        self._report_drag(line, finished=True)

    def _report_drag(self, line: Any, finished: bool) -> None:
        if self.data is None or self.data.active is None:
            return
        at = self.x_unit.up_to(float(line.value()))
        asked = self.asked_range(self.data, line.handle_name, at)
        # The view is fixed during a drag, or the handle would move away from the pointer.
        self._held = None if finished else self._held or self.x_range(self.data)
        if asked is not None:
            self.range_dragged.emit(*asked, finished)
        if finished:
            self.refresh()
