"""Message bar: one sentence on a problem or a hint."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from quantoscope.gui.common.plain_text import letters
from quantoscope.gui.common.theme import Theme, icon
from quantoscope.gui.common.widgets import hbox, plain_label

LONGEST = 4000
"""Maximum length of a message; Qt takes seconds to lay out much longer ones."""


class MessageBar(QFrame):
    """Shows the newest message; notices hide themselves, problems stay."""

    shown_changed = Signal(bool, arguments=["shown"])

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self._picture = QLabel(self)
        self._label = plain_label(self, name="messageText")
        self._label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._scroll = QScrollArea(self)
        self._scroll.setWidget(self._label)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for ground in (self._scroll.viewport(), self._label):
            ground.setAutoFillBackground(False)
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setToolTip(self.tr("Close this message"))
        self._close.setAccessibleName(self.tr("Close this message"))
        self._close.clicked.connect(self.clear)
        self._choices = QHBoxLayout()
        parts = (self._picture, (self._scroll, 1), self._choices, self._close)
        hbox(self, *parts, margins=(8, 2, 4, 2))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Maximum)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self.clear)
        self._problem = self._refused = False
        self._shown = False
        self.restyle(theme)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self._close.setIcon(icon("close", theme))
        if self._shown:
            self._paint()

    def _paint(self) -> None:
        name = "warning" if self._problem else "info"
        self._picture.setPixmap(icon(name, self._theme).pixmap(16, 16))
        colour = self._theme.alarm if self._problem else self._theme.highlight
        ground = self._theme.washed(colour, 0.14).name()
        self.setStyleSheet(
            f"#messageBar {{ background: {ground}; border: 1px solid {self._theme.outline};"
            f" border-left: 3px solid {colour}; }}"
        )

    @property
    def text(self) -> str:
        """The current message; empty if there is none."""
        return self._label.text() if self._shown else ""

    def problem(self, text: str) -> None:
        """Show a problem until the user closes it or does something else."""
        self._say(text, problem=True)
        self._timer.stop()

    def refusal(self, text: str) -> None:
        """Show why an edit was refused, until the next edit."""
        self.problem(text)
        self._refused = True

    def edited(self) -> None:
        """Hide a refusal, after a successful edit."""
        if self._refused:
            self.clear()

    def notice(self, text: str) -> None:
        """Show a notice for a while."""
        self._say(text, problem=False)
        self._timer.start(8000)

    def ask(self, text: str, choices: Sequence[QAction]) -> None:
        """Show a question with buttons until it is answered or closed."""
        for button in self.findChildren(QPushButton):
            button.deleteLater()
        for choice in choices:
            button = QPushButton(choice.text(), self)
            button.setToolTip(choice.toolTip())
            button.clicked.connect(self.clear)
            button.clicked.connect(choice.trigger)
            self._choices.addWidget(button)
        self._say(text, problem=False)
        self._timer.stop()

    def _say(self, text: str, problem: bool) -> None:
        self._problem, self._refused = problem, False
        text = letters(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
        self._label.setText(text)
        self._label.setAccessibleName(text)
        self._paint()
        self._shown = True
        self.shown_changed.emit(True)

    def fit_height(self, width: int, most: int) -> None:
        """Set the height that the text needs at a width; beyond the most, it scrolls."""
        beside = self._picture.sizeHint().width() + self._close.sizeHint().width() + 40
        beside += self._choices.sizeHint().width()
        text = self._label.heightForWidth(max(80, width - beside))
        least = max(self._close.sizeHint().height(), self._choices.sizeHint().height())
        self.setFixedHeight(min(max(text, least) + 6, max(most, least + 6)))
        self._scroll.verticalScrollBar().setValue(0)

    def clear(self) -> None:
        """Hide the message."""
        self._timer.stop()
        self._shown = self._refused = False
        self.shown_changed.emit(False)
