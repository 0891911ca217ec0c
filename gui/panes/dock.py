"""Docks with a head that has a title and, for plots, a computed description."""

from __future__ import annotations

from typing import Protocol, cast, runtime_checkable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QLabel,
    QMainWindow,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from quantoscope.gui.common.plain_text import letters, plain_tip
from quantoscope.gui.common.theme import Theme, icon, inked
from quantoscope.gui.common.widgets import bold, hbox, vbox


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


@runtime_checkable
class Themed(Protocol):
    """Protocol of panes with colours that the palette lacks."""

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""


class DockHead(QWidget):
    """Title, description and buttons of a dock."""

    def __init__(self, dock: QDockWidget, title: str) -> None:
        super().__init__(dock)
        self._dock = dock
        self.setObjectName("dockHead")
        self.title = ElidedLabel(self)
        self.title.setText(title)
        self.title.setFont(bold(self.title.font()))
        self.insight = ElidedLabel(self)
        self.insight.setObjectName("insight")
        self.insight.hide()
        self.float_button = self._button(self.tr("Float"), dock)
        self.float_button.clicked.connect(self._toggle_floating)
        self.close_button = self._button(self.tr("Close"), dock)
        self.close_button.clicked.connect(dock.close)
        lines = vbox(None, self.title, self.insight, spacing=0)
        layout = hbox(self, (lines, 1), margins=(6, 2, 2, 2), spacing=2)
        for button in (self.float_button, self.close_button):
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)

    def _button(self, name: str, dock: QDockWidget) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(18, 18)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(f"{name}: {dock.windowTitle()}")
        button.setAccessibleName(button.toolTip())
        return button

    def _toggle_floating(self) -> None:
        self._dock.setFloating(not self._dock.isFloating())

    def set_insight(self, text: str) -> None:
        """Set the description under the title."""
        self.insight.setText(letters(text))
        self.insight.setVisible(bool(text))

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.float_button.setIcon(icon("float", theme))
        self.close_button.setIcon(icon("close", theme))
        self.insight.setPalette(inked(theme.muted))


class Dock(QDockWidget):
    """A dock with such a head, around a themed pane.

    It comes to the front on focus: Qt lets keys reach panes behind another tab.
    """

    def __init__(
        self,
        key: str,
        name: str,
        title: str,
        theme: Theme,
        parent: QWidget,
        pane: QWidget | None = None,
    ) -> None:
        super().__init__(name, parent)
        self.setObjectName(f"dock-{key}")
        self.key = key
        self.head = DockHead(self, title)
        self.head.restyle(theme)
        self.setTitleBarWidget(self.head)
        if pane is not None:
            self.setWidget(pane)
        self._in_front = True
        self.visibilityChanged.connect(self._on_visibility)
        cast(QApplication, QApplication.instance()).focusChanged.connect(self._on_focus)

    @property
    def in_front(self) -> bool:
        """Whether the pane is open and not behind another tab."""
        return self._in_front

    @property
    def pane(self) -> QWidget:
        """The pane in the dock."""
        return self.widget()

    def take_focus(self) -> None:
        """Come to the front and focus the pane."""
        self.show()
        self.raise_()
        self.pane.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _on_visibility(self, in_front: bool) -> None:
        self._in_front = in_front
        window, focus = self.parentWidget(), QApplication.focusWidget()
        if not in_front or focus is None or not isinstance(window, QMainWindow):
            return
        if any(dock.isAncestorOf(focus) for dock in window.tabifiedDockWidgets(self)):
            self.pane.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        """Come to the front if a key, such as Tab or a mnemonic, moves the focus into the pane."""
        if now is not None and not self._in_front and self.isAncestorOf(now):
            self.raise_()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.head.restyle(theme)
        pane = self.widget()
        if isinstance(pane, Themed):
            pane.restyle(theme)
