"""Customized pyqtgraph items and view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainterPath


def _triangle(up: bool) -> QPainterPath:
    path = QPainterPath()
    sign = -1.0 if up else 1.0
    path.moveTo(-0.5, -0.4 * sign)
    path.lineTo(0.5, -0.4 * sign)
    path.lineTo(0.0, 0.5 * sign)
    path.closeSubpath()
    return path


CUT_DOWN, RAISED = _triangle(up=False), _triangle(up=True)


class Rule(pg.InfiniteLine):
    """A line that moves by any distance.

    Qt treats points as equal if they differ by less than 1e-12 relatively, and would not move an
    item at 1e9; so it is moved to the origin first.
    """

    def setPos(self, pos: Any) -> None:
        super().setPos(pos)
        pg.GraphicsObject.setPos(self, pg.Point(0, 0))
        pg.GraphicsObject.setPos(self, pg.Point(self.p))


class PlotView(pg.ViewBox):
    """A view with zoom limits for every source: wheel, drag, keys, linked plots, sessions."""

    bound: Callable[[int, float, float], tuple[float, float]] | None = None
    """Returns the range to show for a requested one along an axis; None for no limits."""

    def __init__(self, x_only: bool) -> None:
        super().__init__(enableMenu=False)
        self._x_only = x_only

    def setRange(
        self,
        rect: QRectF | None = None,
        xRange: Any = None,
        yRange: Any = None,
        padding: float | None = None,
        **options: Any,
    ) -> None:
        if rect is not None:
            xRange, yRange = (rect.left(), rect.right()), (rect.top(), rect.bottom())
        if self.bound is not None:
            padding = padding or 0
            if xRange is not None:
                xRange = self.bound(0, *sorted(map(float, xRange)))
            if yRange is not None:
                yRange = self.bound(1, *sorted(map(float, yRange)))
        super().setRange(None, xRange, yRange, padding, **options)

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        super().wheelEvent(ev, 0 if axis is None and self._x_only else axis)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        super().mouseDragEvent(ev, 0 if axis is None and self._x_only else axis)
