"""The lesson: offers it, goes through its steps, and sees each of them done."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from PySide6.QtCore import QEvent, QObject

from quantoscope.engine.examples import EXAMPLES
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Tensor
from quantoscope.gui.panes.lesson_page import Step, lesson_steps
from quantoscope.gui.panes.lesson_pane import LessonOffer, LessonPanel, Pointer
from quantoscope.gui.panes.place import Place
from quantoscope.gui.storage.files import Files
from quantoscope.gui.window.frame import LOW, Frame
from quantoscope.gui.window.lesson_conditions import answer, do, is_done

EXAMPLE = EXAMPLES[0]
STEP, REACHED, OFFER = "lesson/step", "lesson/reached", "lesson/offer"
"""Settings: the step to come back to, the farthest one reached, what became of the offer."""
DECLINED, DONE = "declined", "done"


class Lesson(QObject):
    """Leads through the steps on a tensor of the document."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        files: Files,
        places: Mapping[str, Place],
        frame: Frame,
        theme: Theme,
    ) -> None:
        super().__init__(frame)
        self._session, self._settings, self._files = session, settings, files
        self._places, self._frame = places, frame
        self._tensor: Tensor | None = None
        self._at, self._active, self._seen = 0, False, False
        self.panel = LessonPanel(theme)
        self.card = LessonOffer(theme)
        for foot in (self.card, self.panel):
            frame.rail.add_foot(foot)
            foot.hide()
        self.pointer = Pointer(theme, frame)
        self.card.started.connect(self.start)
        self.card.declined.connect(self._decline)
        self.panel.back_asked.connect(self._back)
        self.panel.next_asked.connect(self._next)
        self.panel.show_asked.connect(self._show_me)
        self.panel.left.connect(self._on_left)
        session.array_reset.connect(self._offer)
        for signal in (
            session.evaluator.evaluated,
            session.view.chosen_changed,
            session.active_changed,
            session.array_settled,
        ):
            signal.connect(self._look)
        frame.rail.installEventFilter(self)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The steps, read when they are first needed."""
        return lesson_steps()

    @property
    def active(self) -> bool:
        """Whether a step is shown."""
        return self._active

    @property
    def step(self) -> Step:
        """The step that is shown, or that the lesson comes back to."""
        return self.steps[self._at]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self._active:
            self.panel.fit()
        return False

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        for part in (self.card, self.panel, self.pointer):
            part.restyle(theme)

    # The offer

    def _offer(self) -> None:
        """Show the card where the first start's numbers are shown, and nobody has declined it."""
        session = self._session
        source = session.source_of(session.current)
        first = source is not None and source.given and session.title == EXAMPLE.name
        if first and not self._active and not self._settings.text(OFFER):
            self.card.offer(len(self.steps), self._kept)
        else:
            self.card.hide()

    def _decline(self) -> None:
        self._settings.remember(OFFER, DECLINED)
        self.card.hide()

    @property
    def _kept(self) -> int:
        """Number of the step that the lesson was left at."""
        return min(max(0, self._settings.number(STEP, 0)), len(self.steps) - 1)

    # Its course

    def start(self) -> None:
        """Begin the lesson, or go on where it was left."""
        if self._active:
            self._enter(self._at)
            return
        self.card.hide()
        self._active, at = True, self._kept
        self._session.finish_typing.emit()
        if self._bring_numbers():
            # The numbers are new: they become what the step before leaves.
            self._session.view.choose(1)
            if at:
                do(self._session, self.steps[at - 1], self.tr("Lesson"))
        self._enter(at)
        self.panel.next.setFocus()

    def leave(self) -> None:
        """Leave the lesson; it comes back to this step."""
        self._active = False
        self.panel.hide()
        self.pointer.point_at(None)
        self._places["values"].take_focus()

    def _on_left(self) -> None:
        """Leave the lesson at the reader's wish, and say how it is found again."""
        self.leave()
        text = self.tr("The lesson waits at step %1 of %2: Help ▸ Learn goes on with it.")
        self._files.notice.emit(filled(text, self._at + 1, len(self.steps)))

    def _enter(self, at: int) -> None:
        self._at = at
        self._settings.remember(STEP, at)
        self._settings.remember(REACHED, max(at, self._settings.number(REACHED, 0)))
        step, self._seen = self.step, False
        self._frame.rail.show()
        if self._is_shown and step.scheme:
            self._activate(step.scheme)
        low = self._frame.window().height() < LOW
        for key in reversed(step.panes):
            place = self._places.get(key)
            # In a low window the line of the folded panel has to do.
            if place is not None and not (low and place.host is self._frame.bottom):
                place.reveal()
        self.panel.show_step(step, at, len(self.steps))
        self.pointer.point_at(self._places[step.panes[0]])
        self._look()

    def _activate(self, scheme: str) -> None:
        """Make a scheme of the list active; one that is missing has to be asked for."""
        for entry in self._session.entries:
            if str(entry.scheme) == scheme:
                self._session.activate(entry.uid)
                return

    def _back(self) -> None:
        self._enter(max(0, self._at - 1))

    def _next(self) -> None:
        if self._at + 1 < len(self.steps):
            self._enter(self._at + 1)
            return
        self._settings.remember(OFFER, DONE)
        for key in (STEP, REACHED):
            self._settings.remember(key, 0)
        self.leave()

    def _show_me(self) -> None:
        """Do what the step asks for."""
        self._session.finish_typing.emit()
        self._bring_numbers()
        do(self._session, self.step, self.tr("Lesson: show me"))
        self._look()

    # The numbers

    @property
    def _is_shown(self) -> bool:
        return self._tensor is not None and self._session.current is self._tensor

    def _bring_numbers(self) -> bool:
        """Show the lesson's numbers; whether they are new."""
        session = self._session
        known = self._tensor is not None and session.source_of(self._tensor) is not None
        if known and self._tensor is not None:
            self._files.show_tensor(self._tensor)
            return False
        self._files.open_example(EXAMPLE)
        self._tensor = session.current
        return True

    # Seeing it done

    def _look(self) -> None:
        """See whether the task of the step is done, and confirm it."""
        if not self._active:
            return
        before = self._at < self._settings.number(REACHED, 0)
        if not self._is_shown:
            self._seen = False
            text = self.tr("Other numbers are shown: “Show me” brings those of the lesson back.")
            self.panel.say(text, done=False, go_on=before)
        elif is_done(self._session, self.step):
            text = answer(self._session, self.step, self._settings.digits)
            self._seen = True
            self.panel.say(text, done=True)
        elif not self._seen:
            self.panel.say("", done=False, go_on=before)
