"""Splitters whose borders are moved with the mouse and with keys."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSplitter, QSplitterHandle, QWidget

from quantoscope.gui.common.focus_order import tab_order

STEP, LONG_STEP = 10, 100
"""Pixels that an arrow key moves a border, and Page up or Page down."""
FAR = 1 << 20
"""Farther than any border can be."""


class Splitter(QSplitter):
    """A splitter whose borders take the focus by Tab, and move with arrow keys.

    Parameters
    ----------
    *names : str
        What each border is, for screen readers; further ones are called as the last.
    """

    def __init__(
        self, orientation: Qt.Orientation, *names: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(orientation, parent)
        self._names = names
        self.setChildrenCollapsible(False)

    def createHandle(self) -> QSplitterHandle:
        # Qt makes one before each part, and shows none before the first.
        at = min(max(self.count(), 1), len(self._names)) - 1
        return Border(self.orientation(), self, self._names[at])


def go_to_border(window: QWidget) -> None:
    """Give the focus to the next border in a window; those within panes come last."""
    borders = [one for one in tab_order(window, ()) if isinstance(one, Border)]
    now = window.focusWidget()
    if borders:
        at = borders.index(now) + 1 if isinstance(now, Border) and now in borders else 0
        borders[at % len(borders)].setFocus(Qt.FocusReason.ShortcutFocusReason)


class Border(QSplitterHandle):
    """The border between two parts of a splitter."""

    def __init__(self, orientation: Qt.Orientation, splitter: QSplitter, name: str) -> None:
        super().__init__(orientation, splitter)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(name)
        across = orientation == Qt.Orientation.Horizontal
        keys = self.tr("← and → move it") if across else self.tr("↑ and ↓ move it")
        self.setAccessibleDescription(keys)
        self.setToolTip(f"{name}: {keys}")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        across = self.orientation() == Qt.Orientation.Horizontal
        less, more = (
            (Qt.Key.Key_Left, Qt.Key.Key_Right) if across else (Qt.Key.Key_Up, Qt.Key.Key_Down)
        )
        step = {
            less: -STEP,
            more: STEP,
            Qt.Key.Key_PageUp: -LONG_STEP,
            Qt.Key.Key_PageDown: LONG_STEP,
            Qt.Key.Key_Home: -FAR,
            Qt.Key.Key_End: FAR,
        }.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        now = self.x() if across else self.y()
        self.moveSplitter(now + step)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.hasFocus():
            QPainter(self).fillRect(self.rect(), self.palette().link())
            return
        super().paintEvent(event)
