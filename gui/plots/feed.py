"""Hands every plot one and the same picture of the session, and the crosshair they share."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document.session import LIVE_LIMIT, Session
from quantoscope.gui.plots.data import PlotData, plot_data


class PlotFeed(QObject):
    """Makes a new ``PlotData`` whenever something that plots show has changed.

    Signals
    -------
    changed(data)
    drawn()
        No pane waits for its turn any more.
    moved(quantity, x0, x1)
        A plot over this quantity shows this stretch of it, and so should the others.
    pointed(quantity, x)
        The pointer is at x in a plot whose x axis is this quantity; an empty quantity when it
        has left.
    """

    changed = Signal(object)
    drawn = Signal()
    moved = Signal(str, float, float)
    pointed = Signal(str, float)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.data: PlotData = plot_data(session, settings.digits)
        session.paint_queue.idle.connect(self.drawn)
        session.evaluated.connect(self.refresh)
        session.active_changed.connect(self.refresh)
        session.chosen_changed.connect(self.refresh)
        session.focus_changed.connect(self.refresh)
        session.pair_changed.connect(self.refresh)
        settings.digits_changed.connect(self.refresh)

    def refresh(self) -> None:
        """Take the picture anew."""
        self.data = plot_data(self._session, self._settings.digits)
        self.changed.emit(self.data)
        if not self._session.paint_queue.busy:
            self.drawn.emit()

    def in_turn(self, pane: QObject, draw: Callable[[], None]) -> None:
        """Draw a pane: few values at once, many when it is its turn."""
        if self.data.whole.size <= LIVE_LIMIT:
            self._session.paint_queue.leave(pane)
            draw()
        else:
            self._session.paint_queue.take(pane, draw)
