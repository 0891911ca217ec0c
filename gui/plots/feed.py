"""Hands every plot one and the same picture of the session, and the crosshair they share."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from gui.plots.data import PlotData, plot_data
from gui.session import Session
from gui.settings import Settings


class PlotFeed(QObject):
    """Makes a new ``PlotData`` whenever something that plots show has changed.

    Signals
    -------
    changed(data)
    moved(quantity, x0, x1)
        A plot over this quantity shows this stretch of it, and so should the others.
    pointed(quantity, x)
        The pointer is at x in a plot whose x axis is this quantity; an empty quantity when it
        has left.
    """

    changed = Signal(object)
    moved = Signal(str, float, float)
    pointed = Signal(str, float)

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.data: PlotData = plot_data(session, settings.digits)
        session.evaluated.connect(self.refresh)
        session.active_changed.connect(self.refresh)
        session.chosen_changed.connect(self.refresh)
        session.focus_changed.connect(self.refresh)
        session.pair_changed.connect(self.refresh)
        session.entries_changed.connect(self._on_entries)
        settings.digits_changed.connect(self.refresh)

    def _on_entries(self) -> None:
        # What is computed anew arrives with the evaluation; a new colour is shown at once.
        if not self._session.stale:
            self.refresh()

    def refresh(self) -> None:
        """Take the picture anew."""
        self.data = plot_data(self._session, self._settings.digits)
        self.changed.emit(self.data)
