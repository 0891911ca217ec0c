"""The parts of pyqtgraph that plots have in a form of their own."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
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


class PlotView(pg.ViewBox):
    """A view whose wheel and drag move along x alone where the plot follows y by itself."""

    def __init__(self, x_only: bool) -> None:
        super().__init__(enableMenu=False)
        self._x_only = x_only

    def wheelEvent(self, ev: Any, axis: int | None = None) -> None:
        super().wheelEvent(ev, 0 if axis is None and self._x_only else axis)

    def mouseDragEvent(self, ev: Any, axis: int | None = None) -> None:
        super().mouseDragEvent(ev, 0 if axis is None and self._x_only else axis)


class WholeAxis(pg.AxisItem):
    """An axis of counts or positions: no ticks between whole numbers."""

    def tickSpacing(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, float]]:
        spacings = super().tickSpacing(minVal, maxVal, size)
        return [(step, offset) for step, offset in spacings if step >= 1] or [(1, 0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        return [f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.3g}" for value in values]
