"""Feed of plot data and crosshair positions to all plots."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document.evaluator import LIVE_LIMIT
from quantoscope.gui.document.session import Session
from quantoscope.gui.plots.data import PlotData, plot_data


class PlotFeed(QObject):
    """Creates new ``PlotData`` whenever plotted content has changed."""

    changed = Signal(object, arguments=["data"])
    drawn = Signal()
    """All panes have been drawn."""
    moved = Signal(str, float, float, arguments=["quantity", "x0", "x1"])
    """A plot of this quantity shows this range; linked plots follow."""
    plane_chosen = Signal(str, arguments=["text"])
    """Images show another plane."""
    pointed = Signal(str, float, arguments=["quantity", "x"])
    """The pointer is at x in a plot of this quantity; the quantity is empty when it has left."""

    def __init__(self, session: Session, settings: Settings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.data: PlotData = plot_data(session, settings.digits)
        session.paint_queue.idle.connect(self.drawn)
        session.evaluator.evaluated.connect(self.refresh)
        session.evaluator.stale_changed.connect(self._on_stale)
        session.active_changed.connect(self.refresh)
        session.view.chosen_changed.connect(self.refresh)
        session.view.focus_changed.connect(self.refresh)
        session.view.pair_changed.connect(self.refresh)
        settings.digits_changed.connect(self.refresh)

    def _on_stale(self) -> None:
        if self._session.evaluator.awaited:
            self.refresh()

    def refresh(self) -> None:
        """Create new plot data."""
        self.data = plot_data(self._session, self._settings.digits)
        self.changed.emit(self.data)
        if not self._session.paint_queue.busy:
            self.drawn.emit()

    def in_turn(self, pane: QObject, draw: Callable[[], None]) -> None:
        """Draw a pane: at once for few values, queued for many."""
        if self.data.whole.size <= LIVE_LIMIT:
            self._session.paint_queue.leave(pane)
            draw()
        else:
            self._session.paint_queue.take(pane, draw)
