"""Messages over the window, which move nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from quantoscope.gui.common.message_bar import MessageBar

WIDEST, MARGIN, GAP = 720, 10, 4
ROOMY = 420
"""Minimum width of a part that messages lie over."""
SHARE = 0.45
"""Share of the part's height that messages take at most, all together."""
AXIS_LINES = 3
"""Lines of text at the foot that stay free: an axis's ticks and name."""
FIELDS = (QLineEdit, QAbstractSpinBox, QComboBox)


class Overlay(QWidget):
    """Lays message bars over a part of the window, at its foot or where no field is edited.

    Parameters
    ----------
    window : QWidget
        What the parts are in.
    parts : sequence of QWidget
        Where messages may lie: over the first that is wide enough, else over the last.
    bars : list of MessageBar
        The last one is in front.
    """

    def __init__(self, window: QWidget, parts: Sequence[QWidget], bars: list[MessageBar]) -> None:
        super().__init__(window)
        self._window = window
        self._parts, self._bars = tuple(parts), bars
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP)
        layout.setAlignment(Qt.AlignmentFlag.AlignBottom)
        for bar in bars:
            layout.addWidget(bar)
            bar.hide()
            bar.shown_changed.connect(bar.setVisible)
            bar.shown_changed.connect(self.settle)
        for part in self._parts:
            part.installEventFilter(self)
        cast(QApplication, QApplication.instance()).focusChanged.connect(self.settle)
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched in self._parts and event.type() in (QEvent.Type.Resize, QEvent.Type.Move):
            self.settle()
        return False

    def close_newest(self) -> bool:
        """Hide the message in front; return whether there was one."""
        shown = [bar for bar in self._bars if bar.text]
        if shown:
            shown[-1].clear()
        return bool(shown)

    def settle(self, *_: object) -> None:
        """Take the place that the messages need."""
        shown = [bar for bar in self._bars if bar.text]
        self.setVisible(bool(shown))
        if not shown:
            return
        wide = (part for part in self._parts if part.width() >= ROOMY)
        part = next(wide, self._parts[-1])
        room = QRect(part.mapTo(self._window, QPoint(0, 0)), part.size())
        room = room.adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        width = min(WIDEST, room.width())
        self.resize(width, self.height())
        for bar in shown:
            bar.fit_height(width, int(SHARE * room.height() / len(shown)))
        height = sum(bar.height() + GAP for bar in shown) - GAP
        self.setGeometry(self._free_place(room, QSize(width, height)))
        self.raise_()

    def _free_place(self, room: QRect, size: QSize) -> QRect:
        """Return where messages hide no field that is edited: over the lowest axis, or above."""
        foot = QRect(room.topLeft(), size)
        foot.moveCenter(room.center())
        axis = AXIS_LINES * self.fontMetrics().height()
        foot.moveBottom(room.bottom() - max(0, min(axis, room.height() - size.height())))
        field = self._edited_field()
        if not foot.intersects(field):
            return foot
        above = QRect(foot)
        # Right above the field if there is room; below it otherwise.
        above.moveBottom(field.top() - GAP)
        if above.top() < room.top():
            above.moveTop(field.bottom() + GAP)
        return above

    def _edited_field(self) -> QRect:
        """Return the place in the window of the field or cell that has the keys."""
        focus = QApplication.focusWidget()
        if focus is None or not self._window.isAncestorOf(focus):
            return QRect()
        if isinstance(focus, QAbstractItemView):
            cell = focus.visualRect(focus.currentIndex())
            return QRect(focus.viewport().mapTo(self._window, cell.topLeft()), cell.size())
        if isinstance(focus, FIELDS):
            return QRect(focus.mapTo(self._window, QPoint(0, 0)), focus.size())
        return QRect()
