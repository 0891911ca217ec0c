"""Messages over the window, which move nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from quantoscope.gui.common.message_bar import MessageBar

WIDEST, MARGIN = 720, 10


class Overlay(QWidget):
    """Lays message bars over the lower middle of a part of the window."""

    def __init__(self, window: QWidget, below: QWidget, bars: list[MessageBar]) -> None:
        super().__init__(window)
        self._window = window
        self._below, self._bars = below, bars
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.setAlignment(Qt.AlignmentFlag.AlignBottom)
        for bar in bars:
            layout.addWidget(bar)
            bar.hide()
            bar.shown_changed.connect(bar.setVisible)
            bar.shown_changed.connect(self.settle)
        below.installEventFilter(self)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._below and event.type() == QEvent.Type.Resize:
            self.settle()
        return False

    def settle(self, *_: object) -> None:
        """Take the place that the messages need."""
        shown = [bar for bar in self._bars if bar.text]
        self.setVisible(bool(shown))
        if not shown:
            return
        width = min(WIDEST, self._below.width() - 2 * MARGIN)
        self.resize(width, self.height())
        for bar in shown:
            bar.fit_height(width)
        height = sum(bar.height() + 4 for bar in shown) - 4
        left = (self._below.width() - width) // 2
        top = self._below.height() - height - MARGIN
        corner = self._below.mapTo(self._window, QPoint(left, top))
        self.setGeometry(QRect(corner, QSize(width, height)))
        self.raise_()
