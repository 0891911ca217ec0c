"""The lesson's card and panel at the foot of the rail, and the outline of the pane it speaks of."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen, QRegion, QTextCursor
from PySide6.QtWidgets import (
    QFrame,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.theme import Theme, inked
from quantoscope.gui.common.widgets import bold, hbox, plain_label, vbox
from quantoscope.gui.panes.lesson_page import Step

SHARE = 0.62
"""Share of the rail's height that the panel takes at most."""
BESIDE = 5
"""Space at both sides of the text, in pixels."""
EDGE = 2
"""Width of the outline, in pixels."""


class LessonOffer(QFrame):
    """A card that offers the lesson."""

    started = Signal()
    declined = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lessonOffer")
        self.setAccessibleName(self.tr("Offer of a lesson"))
        self.title = plain_label(self, self.tr("New to quantization?"))
        self.title.setFont(bold())
        self.sentence = plain_label(self, name="lessonSentence")
        self.start = QPushButton(self.tr("Start lesson"), self)
        self.start.clicked.connect(self.started)
        self.no = QPushButton(self.tr("Not now"), self)
        self.no.setFlat(True)
        self.no.clicked.connect(self.declined)
        buttons = hbox(None, self.start, self.no, 1)
        vbox(self, self.title, self.sentence, buttons, margins=(10, 8, 8, 8), spacing=6)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.restyle(theme)

    def offer(self, count: int, at: int) -> None:
        """Offer the lesson of so many steps, or the rest of it from a step on."""
        new = self.tr("%1 steps inside this window, with these three numbers.")
        left = self.tr("Your lesson waits at step %2 of %1.")
        self.title.setText(self.tr("New to quantization?") if not at else self.tr("Lesson"))
        self.sentence.setText(filled(left if at else new, count, at + 1))
        self.start.setText(self.tr("Go on") if at else self.tr("Start lesson"))
        self.show()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        # A palette set here would be taken back when the window is given another theme.
        ink = f" #lessonSentence {{ color: {theme.muted}; }}"
        self.setStyleSheet(_framed("lessonOffer", theme) + ink)


class LessonPanel(QFrame):
    """Text, task and confirmation of a step, with the buttons to go on."""

    back_asked = Signal()
    next_asked = Signal()
    show_asked = Signal()
    left = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("lessonPanel")
        self.setAccessibleName(self.tr("Lesson"))
        self.said = ""
        self._step: Step | None = None
        self._done = False
        self.place = plain_label(self, name="lessonPlace", wrap=False)
        self.leave = QToolButton(self)
        self.leave.setText(self.tr("&Leave"))
        self.leave.setAutoRaise(True)
        self.leave.setToolTip(self.tr("Leave the lesson; Help ▸ Learn comes back to this step"))
        self.title = plain_label(self)
        self.title.setFont(bold())
        self.page = Page(self)
        self.page.setOpenLinks(False)
        self.page.setFrameShape(QFrame.Shape.NoFrame)
        self.page.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.page.setTabChangesFocus(True)
        self.page.setAccessibleName(self.tr("Text of the lesson"))
        self.page.setMinimumHeight(48)
        self.back = QPushButton(self.tr("&Back"), self)
        self.show_me = QPushButton(self.tr("Sho&w me"), self)
        self.next = QPushButton(self.tr("Ne&xt"), self)
        for button in (self.back, self.show_me, self.next):
            button.setMinimumWidth(44)
        head = hbox(None, self.place, 1, self.leave, margins=(10, 4, 4, 0))
        title = hbox(None, self.title, margins=(10, 0, 6, 0))
        page = hbox(None, self.page, margins=(BESIDE, 0, BESIDE, 0))
        buttons = hbox(None, self.back, self.show_me, self.next, margins=(8, 2, 8, 8), spacing=4)
        self._layout = vbox(self, head, title, (page, 1), buttons, spacing=2)
        for pressed, told in (
            (self.back, self.back_asked),
            (self.show_me, self.show_asked),
            (self.next, self.next_asked),
            (self.leave, self.left),
        ):
            pressed.clicked.connect(told)
        self.hide()
        self.restyle(theme)

    def show_step(self, step: Step, at: int, count: int) -> None:
        """Show a step that is not done yet."""
        self._step = step
        self.place.setText(filled(self.tr("Lesson: step %1 of %2"), at + 1, count))
        self.title.setText(step.title)
        self.back.setEnabled(at > 0)
        self.next.setText(self.tr("Ne&xt") if at + 1 < count else self.tr("Fi&nish"))
        self.show()
        self.say("", done=False)
        self.page.verticalScrollBar().setValue(0)

    def say(self, text: str, done: bool, go_on: bool | None = None) -> None:
        """Confirm that the step is done, or say why it cannot be; enable what comes next.

        ``go_on`` is whether the next step may be taken, if it is not as ``done``.
        """
        self.said, self._done = text, done
        self.next.setEnabled(done if go_on is None else go_on)
        self.show_me.setEnabled(not done)
        self._write()
        if text:
            self.page.moveCursor(QTextCursor.MoveOperation.End)
            self.page.ensureCursorVisible()

    def _write(self) -> None:
        if self._step is None:
            return
        parts = [self._step.text, self._step.task]
        if self.said:
            parts.append(f"**{'✓' if self._done else '!'}** {self.said}")
        self.page.setMarkdown("\n\n".join(parts))
        self.fit()

    def fit(self) -> None:
        """Take the height that the step needs, up to a share of the rail's."""
        rail = self.parentWidget()
        if rail is None:
            return
        # A copy: the page's own has the width that its scroll bar leaves.
        document = self.page.document().clone()
        frame = self.width() - self.contentsRect().width()
        document.setTextWidth(max(120, rail.width() - frame - 2 * BESIDE))
        needed = math.ceil(document.size().height()) + 2
        rest = self._layout.minimumSize().height() - self.page.minimumHeight()
        most = min(int(SHARE * rail.height()), rail.height() - self._least_of_others(rail))
        height = min(needed + rest, max(rest + self.page.minimumHeight(), most))
        # A bar that it had before would take a line's width, and so stay.
        policy = Qt.ScrollBarPolicy
        fits = height == needed + rest
        self.page.setVerticalScrollBarPolicy(
            policy.ScrollBarAlwaysOff if fits else policy.ScrollBarAsNeeded
        )
        self.setFixedHeight(height)

    def _least_of_others(self, rail: QWidget) -> int:
        """Return the height that the parts above need at least."""
        layout, height = rail.layout(), 0
        for at in range(layout.count() if layout is not None else 0):
            item = layout.itemAt(at) if layout is not None else None
            if layout is not None and item is not None and item.widget() is not self:
                height += 0 if item.isEmpty() else item.minimumSize().height() + layout.spacing()
        return height

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        ink = f" #lessonPlace {{ color: {theme.muted}; }}"
        self.setStyleSheet(_framed("lessonPanel", theme) + ink)
        look = inked(theme.foreground)
        look.setColor(QPalette.ColorRole.Base, _ground(theme))
        # Live, a styled page's viewport keeps the palette that it has.
        for part in (self.page, self.page.viewport()):
            part.setPalette(look)
        self._write()


class Pointer(QWidget):
    """An outline around a pane, which it follows."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("lessonPointer")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._home = parent
        self.target: QWidget | None = None
        self.restyle(theme)
        self.hide()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._colour = QColor(theme.highlight)
        self.update()

    def point_at(self, target: QWidget | None) -> None:
        """Outline a pane; None for none."""
        if self.target is not None:
            self.target.removeEventFilter(self)
        self.target = target
        # A part of the pane, it goes with it where that gets a window of its own.
        self.setParent(target if target is not None else self._home)
        self.setVisible(target is not None)
        if target is not None:
            target.installEventFilter(self)
            self._follow()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kinds = (QEvent.Type.Resize, QEvent.Type.ChildAdded, QEvent.Type.LayoutRequest)
        if watched is self.target and event.type() in kinds:
            self._follow()
        return False

    def _follow(self) -> None:
        assert self.target is not None
        self.setGeometry(self.target.rect())
        inner = self.rect().adjusted(EDGE, EDGE, -EDGE, -EDGE)
        # What lies within is not painted again for it.
        self.setMask(QRegion(self.rect()).subtracted(QRegion(inner)))
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(self._colour, 2 * EDGE))
        painter.drawRect(self.rect())


def _framed(name: str, theme: Theme) -> str:
    return (
        f"#{name} {{ background: {_ground(theme).name()}; border: 1px solid {theme.outline};"
        f" border-left: 3px solid {theme.highlight}; }}"
    )


def _ground(theme: Theme) -> QColor:
    return theme.washed(theme.highlight, 0.10)
