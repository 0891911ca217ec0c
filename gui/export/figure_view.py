"""View of a laid out figure that zooms: by wheel, keys and buttons."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPicture,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

STEP = 1.25
"""Factor of one step of zoom."""
CLOSEST = 16.0
"""Largest zoom of an SVG or PDF."""
MARGIN = 8.0
"""Ground around the whole figure, in pixels."""
NOTCH = 120.0
"""Angle of one notch of a wheel, in eighths of a degree."""


class FigureView(QAbstractScrollArea):
    """Shows a figure whole, or a part of it at any size, drawn anew at each.

    At 100 % an SVG or PDF has its size on paper, and a PNG one pixel per pixel of the screen.
    """

    zoomed = Signal()
    """The zoom has changed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.figure: QPicture | None = None
        self._page = QSizeF(1, 1)
        self._ground, self._edge = QColor(), QColor()
        self._full = 1.0
        self._most = CLOSEST
        self._zoom: float | None = None
        self._image: QImage | None = None
        self._grabbed: QPoint | None = None
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(self.tr("Preview of the figure"))
        self.setMinimumSize(1, 1)
        for bar in (self.horizontalScrollBar(), self.verticalScrollBar()):
            bar.valueChanged.connect(self._redraw)

    def restyle(self, ground: str, edge: str) -> None:
        """Apply the colours around the figure."""
        self._ground, self._edge = QColor(ground), QColor(edge)
        self._redraw()

    def show_figure(
        self, figure: QPicture, size: QSizeF, pixels: tuple[int, int] | None = None
    ) -> None:
        """Show another figure at the same zoom.

        Parameters
        ----------
        figure : QPicture
        size : QSizeF
            Its size, in the unit that it is painted in.
        pixels : tuple of int, optional
            Width and height of a PNG.
        """
        self.figure, self._page = figure, size
        self._full, self._most = 1.0, CLOSEST
        if pixels is not None:
            # There is no more to see than its pixels.
            self._full, self._most = pixels[0] / self.devicePixelRatioF() / size.width(), 1.0
        if self._zoom is not None:
            self._zoom = min(self._zoom, max(self._most, self._fitting))
        self._resettle()

    # Zoom

    @property
    def zoom(self) -> float:
        """Size relative to 100 %."""
        return self._fitting if self._zoom is None else self._zoom

    @property
    def fits(self) -> bool:
        """Whether the whole figure is shown, whatever the size of the view."""
        return self._zoom is None

    def fit(self) -> None:
        """Show the whole figure."""
        self._zoom_to(None)

    def full_size(self) -> None:
        """Show the figure at 100 %."""
        self._zoom_to(1.0)

    def step(self, steps: float, at: QPointF | None = None) -> None:
        """Zoom in or out by steps, towards a point of the view; None for its middle."""
        wanted = self.zoom * STEP**steps
        if self._zoom is None and steps < 0:
            return
        low, high = min(self._fitting, 1.0), max(self._most, self._fitting)
        wanted = min(max(wanted, low), high)
        self._zoom_to(None if wanted <= self._fitting else wanted, at)

    @property
    def _fitting(self) -> float:
        """Zoom at which the whole figure is seen."""
        if self.figure is None:
            return 1.0
        room = self.maximumViewportSize()
        across = (room.width() - 2 * MARGIN) / self._page.width()
        down = (room.height() - 2 * MARGIN) / self._page.height()
        return max(0.01, min(across, down) / self._full)

    def _zoom_to(self, zoom: float | None, at: QPointF | None = None) -> None:
        if self.figure is None:
            return
        middle = QRectF(self.viewport().rect()).center()
        at = middle if at is None else at
        point = self.figure_point(at)
        self._zoom = zoom
        self._resettle()
        # The point of the figure under the pointer stays there.
        goal = point * self.pixels_per_unit - at
        self.horizontalScrollBar().setValue(round(goal.x() + MARGIN))
        self.verticalScrollBar().setValue(round(goal.y() + MARGIN))
        self.zoomed.emit()

    @property
    def pixels_per_unit(self) -> float:
        """Pixels of the view per unit of the page."""
        return self._full * self.zoom

    def _resettle(self) -> None:
        """Set what can be scrolled."""
        room, size = self.maximumViewportSize(), self._size()
        for bar, length, side in (
            (self.horizontalScrollBar(), size.width(), room.width()),
            (self.verticalScrollBar(), size.height(), room.height()),
        ):
            most = 0 if self._zoom is None else max(0, round(length + 2 * MARGIN - side))
            bar.setRange(0, most)
            bar.setPageStep(side)
            bar.setSingleStep(20)
        self._redraw()

    def _size(self) -> QSizeF:
        """Return the size of the figure in the view."""
        return self._page * self.pixels_per_unit

    def _place(self) -> QRectF:
        """Return where the figure lies in the view."""
        size, room = self._size(), self.viewport().size()
        corner = []
        for length, side, bar in (
            (size.width(), room.width(), self.horizontalScrollBar()),
            (size.height(), room.height(), self.verticalScrollBar()),
        ):
            corner.append(MARGIN - bar.value() if bar.maximum() else (side - length) / 2)
        return QRectF(QPointF(*corner), size)

    def figure_point(self, at: QPointF) -> QPointF:
        """Return the point of the figure at a point of the view, in the figure's unit."""
        return (at - self._place().topLeft()) / self.pixels_per_unit

    # Drawing

    def _redraw(self) -> None:
        self._image = None
        self.viewport().update()

    def _drawn(self) -> QImage:
        """Return what is seen, drawn for the screen's dots."""
        ratio, view = self.devicePixelRatioF(), self.viewport().size()
        image = QImage(view * ratio, QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(ratio)
        image.fill(self._ground)
        painter = QPainter(image)
        place = self._place()
        painter.setPen(QPen(self._edge))
        painter.drawRect(place.adjusted(-1, -1, 0, 0))
        if self.figure is not None:
            painter.setClipRect(place)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.translate(place.topLeft())
            painter.scale(self.pixels_per_unit, self.pixels_per_unit)
            painter.drawPicture(0, 0, self.figure)
        painter.end()
        return image

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._image is None:
            self._image = self._drawn()
        painter = QPainter(self.viewport())
        painter.drawImage(0, 0, self._image)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._resettle()
        self.zoomed.emit()

    # The user

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.step(event.angleDelta().y() / NOTCH, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        actions = {
            "+": lambda: self.step(1), "=": lambda: self.step(1), "-": lambda: self.step(-1),
            "0": self.fit, "1": self.full_size,
        }  # fmt: skip
        action = actions.get(event.text())
        if action is None:
            super().keyPressEvent(event)
        else:
            action()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._grabbed = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grabbed is None:
            return
        now = event.position().toPoint()
        moved, self._grabbed = now - self._grabbed, now
        for bar, by in (
            (self.horizontalScrollBar(), moved.x()),
            (self.verticalScrollBar(), moved.y()),
        ):
            bar.setValue(bar.value() - by)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grabbed = None
