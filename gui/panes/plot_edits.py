"""What a person chooses, drags and moves in a plot."""

from __future__ import annotations

import itertools

import numpy as np
from PySide6.QtCore import QObject, Signal

from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.plots import Plot

_drags = itertools.count(1)


class PlotEdits(QObject):
    """Chooses values and channels of a session, and changes it by drags and keys."""

    begun = Signal()
    """A value is being dragged."""

    def __init__(self, plot: Plot, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._plot, self._session = plot, session
        self._drag = 0
        self._run = ""
        self._run_at: tuple[int, int | None] = (0, None)
        plot.range_dragged.connect(self.drag_range)
        plot.value_dragged.connect(self.drag_value)
        plot.picked.connect(session.view.choose)
        plot.channel_picked.connect(self.focus_on)

    def choose(self, position: int) -> None:
        """Choose the value at a flat position; the channel in focus gives way to its own."""
        focus = self._session.view.focus
        if focus is not None and position not in focus.positions:
            self._session.revisit_values(np.array([position]))
        else:
            self._session.view.choose(position)

    def focus_on(self, channel: int) -> None:
        """Focus a channel, or unfocus it if it has the focus."""
        focus = self._session.view.focus
        alone = focus is not None and focus.channel == channel
        same = alone and focus is not None and focus.granularity == self._session.view.partition
        self._session.view.focus_on(None if same else channel)

    # Dragging the clipping range

    def drag_range(self, low: float, high: float, finished: bool) -> None:
        """Give the active scheme another range, in one step per drag."""
        entry = self._session.active
        if entry is None:
            return
        self._drag = self._drag or next(_drags)
        commands.set_scheme(
            self._session, entry.uid, entry.scheme.with_range(low, high), f"drag {self._drag}"
        )
        if finished:
            self._drag = 0

    # Moving a value

    def drag_value(self, place: int, value: float, finished: bool) -> None:
        """Move a drawn value, in one step per drag."""
        if self._plot.data is None:
            return
        index = self._plot.data.flat(place)
        if not self._drag:
            self._drag = next(_drags)
            self.begun.emit()
            self._session.view.choose(index)
        commands.move_value(self._session, index, value, f"drag {self._drag}")
        if finished:
            self._drag = 0

    def move_chosen(self, steps: float) -> None:
        """Move the chosen value by so many S; presses with nothing in between are one change."""
        data, chosen = self._plot.data, self._session.view.chosen
        value = None if data is None else self._plot.moved_value(data, steps)
        if value is None or chosen is None:
            return
        stack = self._session.undo_stack
        if not self._run or self._run_at != (stack.index(), chosen):
            self._run = f"keys {next(_drags)}"
        commands.move_value(self._session, chosen, value, self._run)
        self._run_at = stack.index(), chosen

    def let_go(self) -> None:
        """Let go of what is dragged, which gets back its value."""
        self._plot.let_go()
        commands.take_back(self._session, f"drag {self._drag}")
        self._drag = 0

    # Choosing with keys

    def go(self, across: int, down: int) -> None:
        """Choose the channel or value next to the one in focus or chosen."""
        data, chosen = self._plot.data, self._session.view.chosen
        channel = place = position = None
        if data is not None and across:
            channel = self._plot.next_channel(data, across)
            place = self._plot.next_value(data, across)
        if data is not None and chosen is not None:
            position = self._plot.neighbour(data, chosen, across, down)
        if channel is not None:
            self._session.view.focus_on(channel)
        elif data is not None and place is not None:
            self._session.view.choose(data.flat(place))
        elif position is not None and self._plot.of_all_values:
            self.choose(position)
        elif chosen is None or position is not None:
            self._session.view.choose(position or 0)
