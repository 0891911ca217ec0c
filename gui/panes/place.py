"""Places: a pane with its name and a computed sentence, in the window or in one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol, runtime_checkable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QLabel, QSizePolicy, QVBoxLayout, QWidget

from quantoscope.gui.common.focus_order import PLACE, go_on
from quantoscope.gui.common.plain_text import letters, plain_tip, unbroken
from quantoscope.gui.common.theme import Theme


class ElidedLabel(QLabel):
    """A label that elides its text, with the full text as tool tip."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        room = self.contentsRect()
        metrics = QFontMetrics(self.font())
        shown = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        self.setToolTip(plain_tip(self.text()) if shown != self.text() else "")
        if shown == self.text():
            # Include selection marks.
            super().paintEvent(event)
            return
        flags = int(self.alignment()) | Qt.TextFlag.TextSingleLine
        QPainter(self).drawText(room, flags, shown)


class Sentence(QLabel):
    """A wrapped text that keeps the height it has needed, so that nothing below it jumps.

    Where it gets less height, what has no room is elided, with the full text as tool tip.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._needed = 0
        self._level: tuple[Sentence, ...] = (self,)
        self._said = self._name = ""

    def level_with(self, others: Sequence[Sentence]) -> None:
        """Be as high as these, so that what is below them is at the same height."""
        self._level = (self, *others)
        self._grow(self._needed)

    def say(self, text: str) -> None:
        """Show a text."""
        if text != self._said:
            self._said = text
            self.setToolTip(plain_tip(text))
            self._write(self._needed)

    def name(self, html: str) -> None:
        """Begin with a name, as HTML; empty for none."""
        if html != self._name:
            self._name = html
            self._write(0)

    def _write(self, least: int) -> None:
        rich = Qt.TextFormat.RichText if self._name else Qt.TextFormat.PlainText
        self.setTextFormat(rich)
        said = unbroken(self._said)
        self.setText(f"{self._name}&nbsp;&nbsp; {escape(said)}" if self._name else said)
        self._grow(least)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._grow(0)

    def _grow(self, least: int) -> None:
        needed = self.heightForWidth(max(self.width(), 60))
        self._needed = max(least, needed, self._line)
        for one in self._level:
            one.setMaximumHeight(one._room)
            one.updateGeometry()

    @property
    def _room(self) -> int:
        return max(self._line, *(one._needed for one in self._level))

    @property
    def _line(self) -> int:
        margins = self.contentsMargins()
        return self.fontMetrics().height() + margins.top() + margins.bottom()

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self._line)

    def sizeHint(self) -> QSize:
        return QSize(24, self._room)

    def hasHeightForWidth(self) -> bool:
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        room, metrics = self.contentsRect(), self.fontMetrics()
        if self.heightForWidth(self.width()) <= self.height():
            super().paintEvent(event)
            return
        lines = max(1, room.height() // metrics.lineSpacing())
        # Words do not fill a line: the last one counts for less.
        width = int(room.width() * (lines - 0.15 * (lines > 1)))
        text = metrics.elidedText(self._said, Qt.TextElideMode.ElideRight, width)
        flags = int(self.alignment()) | (Qt.TextFlag.TextWordWrap if lines > 1 else 0)
        QPainter(self).drawText(room, flags, text)


@runtime_checkable
class Themed(Protocol):
    """Protocol of panes with colours that the palette lacks."""

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""


class Host(Protocol):
    """Protocol of what shows places: one tab of several, or a part of the stage."""

    def bring(self, place: Place) -> None:
        """Show a place."""

    def release(self, place: Place) -> None:
        """Do without a place, which gets a window of its own."""

    def take_back(self, place: Place) -> None:
        """Show a place again, whose own window was closed."""


class Place(QWidget):
    """A pane with its name and sentence; it can be a window of its own.

    Attributes
    ----------
    key, name, title : str
        Name in the code, in tabs and menus, and in full.
    insight : str
        A sentence that is computed from the data.
    """

    insight_changed = Signal(str, arguments=["text"])
    """The sentence has changed."""
    detached = Signal(bool, arguments=["alone"])
    """It has a window of its own, or no longer has one."""

    def __init__(
        self, key: str, name: str, title: str, theme: Theme, pane: QWidget | None = None
    ) -> None:
        super().__init__()
        self.setObjectName(f"{PLACE}{key}")
        self.key, self.name, self.title = key, name, title
        self.theme = theme
        self.insight = ""
        self.host: Host | None = None
        self._pane: QWidget | None = None
        self._own: OwnWindow | None = None
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        if pane is not None:
            self._hold(pane)

    def _hold(self, pane: QWidget) -> None:
        self._pane = pane
        self._layout.addWidget(pane, 1)

    @property
    def pane(self) -> QWidget:
        """The pane of this place."""
        assert self._pane is not None
        return self._pane

    @property
    def in_front(self) -> bool:
        """Whether it is shown, and not behind another tab or folded."""
        return self.isVisibleTo(self.window())

    def set_insight(self, text: str) -> None:
        """Set the sentence."""
        self.insight = letters(text)
        self.insight_changed.emit(self.insight)

    def reveal(self) -> None:
        """Show it, wherever it is."""
        if self._own is not None:
            self._own.show()
            self._own.raise_()
            self._own.activateWindow()
        elif self.host is not None:
            self.host.bring(self)

    def take_focus(self) -> None:
        """Show it and give it the keys."""
        self.reveal()
        self.pane.setFocus(Qt.FocusReason.ShortcutFocusReason)

    @property
    def alone(self) -> bool:
        """Whether it has a window of its own."""
        return self._own is not None

    def detach(self) -> None:
        """Give it a window of its own."""
        if self._own is not None or self.host is None:
            return
        size, main = self.size(), self.window()
        self.host.release(self)
        self._own = OwnWindow(self, main)
        self._own.resize(size.expandedTo(QSize(480, 320)))
        self.show()
        self._own.show()
        self.detached.emit(True)

    def attach(self) -> None:
        """Put it back into the main window."""
        own, self._own = self._own, None
        if own is None:
            return
        if self.host is not None:
            self.host.take_back(self)
        own.hide()
        own.deleteLater()
        self.detached.emit(False)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.theme = theme
        pane: object = self._pane
        if isinstance(pane, Themed):
            pane.restyle(theme)


class OwnWindow(QWidget):
    """A window around one place; closing it puts the place back."""

    def __init__(self, place: Place, main: QWidget) -> None:
        super().__init__(main, Qt.WindowType.Window)
        self._place = place
        self.setWindowTitle(f"{place.name} – {QApplication.applicationDisplayName()}")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(place)
        for action in main.actions():
            self.addAction(action)

    def focusNextPrevChild(self, onward: bool) -> bool:
        return go_on(self, (self._place,), onward) or super().focusNextPrevChild(onward)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self._place.attach()
