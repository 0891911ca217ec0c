"""Crosshairs and readout of a plot: what is at the pointer, here and in linked plots."""

from __future__ import annotations

import pyqtgraph as pg
from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication

from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import plain_label
from quantoscope.gui.plots import Plot
from quantoscope.gui.plots.feed import PlotFeed
from quantoscope.gui.plots.view import Rule


class PlotReading(QObject):
    """Follows the pointer in a plot, and in those with an axis of the same quantity."""

    def __init__(self, plot: Plot, widget: pg.PlotWidget, feed: PlotFeed, parent: QObject) -> None:
        super().__init__(parent)
        self._plot, self._widget, self._feed = plot, widget, feed
        self._pointer = QPointF()
        self._crosshairs = {
            quantity: Rule(angle=angle, movable=False)
            for quantity, angle in ((plot.x_quantity, 90), (plot.y_quantity, 0))
            if quantity
        }
        for line in self._crosshairs.values():
            line.setZValue(30)
            line.hide()
            widget.addItem(line, ignoreBounds=True)
        self.label = plain_label(widget, name="readout", wrap=False)
        self.label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.label.hide()
        widget.scene().sigMouseMoved.connect(self._on_mouse_moved)
        feed.pointed.connect(self._on_pointed)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        for line in self._crosshairs.values():
            line.setPen(pg.mkPen(theme.muted, width=1, style=Qt.PenStyle.DotLine))
        self.label.setStyleSheet(
            f"#readout {{ background: {theme.base}; color: {theme.foreground};"
            f" border: 1px solid {theme.grid}; padding: 1px 5px; }}"
        )

    def at(self, scene_point: QPointF) -> tuple[float, float] | None:
        """Return the point of the view in drawn coordinates."""
        view = self._widget.getPlotItem().getViewBox()
        if not view.sceneBoundingRect().contains(scene_point):
            return None
        point = view.mapSceneToView(scene_point)
        return float(point.x()), float(point.y())

    def _on_mouse_moved(self, scene_point: QPointF) -> None:
        self._pointer = QPointF(scene_point)
        at = self.at(scene_point)
        if at is None or self._plot.data is None:
            self.point_nowhere()
            return
        places = self._plot.at(self._plot.pointed(*at), at[1])
        for quantity, place in zip(
            (self._plot.x_quantity, self._plot.y_quantity), places, strict=True
        ):
            if quantity:
                self._feed.pointed.emit(quantity, place)
        if QGuiApplication.mouseButtons() == Qt.MouseButton.NoButton:
            self._read(*at)
        else:
            self.label.hide()

    def read_again(self) -> None:
        """Say what is under the pointer now: the picture has changed or moved."""
        if self.label.isHidden():
            return
        at = self.at(self._pointer)
        if at is None:
            self.label.hide()
        else:
            self._read(*at)

    def _read(self, x: float, y: float) -> None:
        data = self._plot.data
        text = self._plot.readout(data, *self._plot.at(x, y)) if data is not None else ""
        self.label.setText(text)
        self.label.setVisible(bool(text))
        left, right = self._widget.getPlotItem().getViewBox().viewRange()[0]
        self.place(on_the_left=x > (left + right) / 2)

    def place(self, on_the_left: bool = False) -> None:
        """Put the readout into the upper corner away from the pointer."""
        view = self._widget.getPlotItem().getViewBox().sceneBoundingRect()
        corner = self._widget.mapFromScene(view.topLeft() if on_the_left else view.topRight())
        self.label.resize(self.label.sizeHint().boundedTo(view.size().toSize()))
        x = corner.x() + 4 if on_the_left else corner.x() - self.label.width() - 4
        self.label.move(x, corner.y() + 4)
        self.label.raise_()

    def _on_pointed(self, quantity: str, at: float) -> None:
        """Show where the pointer is, in this plot or in one with an axis of the same quantity."""
        here = self._crosshairs.get(quantity)
        for line in self._crosshairs.values():
            line.setVisible(here is not None and (line is here or line.isVisible()))
        if here is not None:
            unit = self._plot.x_unit if here.angle == 90 else self._plot.y_unit
            here.setPos(unit.down_to(at))

    def point_nowhere(self) -> None:
        """Hide crosshairs and readout."""
        self.label.hide()
        self._feed.pointed.emit("", 0.0)
