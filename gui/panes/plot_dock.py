"""Docks of plots, which create the plot on first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.dock import Dock
from quantoscope.gui.panes.plot_pane import PlotPane
from quantoscope.gui.plots import Plot
from quantoscope.gui.plots.feed import PlotFeed


class PlotDock(Dock):
    """A dock that creates its plot when first in front."""

    built = Signal(object, arguments=["plot_pane"])
    """The plot was created, but not drawn yet."""

    def __init__(
        self, kind: type[Plot], session: Session, feed: PlotFeed, theme: Theme, parent: QWidget
    ) -> None:
        name = self.tr(kind.key.capitalize())
        super().__init__(kind.key, name, name, theme, parent)
        self.kind = kind
        self._session = session
        self._feed = feed
        self._theme = theme
        self._pane: PlotPane | None = None
        self.visibilityChanged.connect(self._on_plot_visibility)

    @property
    def is_built(self) -> bool:
        """Whether the plot exists."""
        return self._pane is not None

    @property
    def pane(self) -> PlotPane:
        """The plot, created if necessary."""
        if self._pane is None:
            self._pane = self._build()
            self.setWidget(self._pane)
        return self._pane

    def _build(self) -> PlotPane:
        pane = PlotPane(self.kind, self._session, self._feed, self._theme)
        self.head.title.setText(pane.plot.title())
        self.head.set_insight(pane.plot.insight or " ")
        pane.insight_changed.connect(self.head.set_insight)
        pane.set_in_front(self._in_front)
        self.built.emit(pane)
        return pane

    def _on_plot_visibility(self, in_front: bool) -> None:
        if in_front or self.is_built:
            self.pane.set_in_front(in_front)

    def restyle(self, theme: Theme) -> None:
        self._theme = theme
        super().restyle(theme)


class Plots(Mapping[str, PlotPane]):
    """Mapping of a window's plots by key; access creates the plot."""

    def __init__(self, docks: Mapping[str, PlotDock]) -> None:
        self._docks = docks

    def __getitem__(self, key: str) -> PlotPane:
        return self._docks[key].pane

    def __iter__(self) -> Iterator[str]:
        return iter(self._docks)

    def __len__(self) -> int:
        return len(self._docks)

    def in_front(self) -> list[str]:
        """Keys of the visible plots, in menu order."""
        return [key for key, dock in self._docks.items() if dock.in_front]

    def built(self) -> dict[str, PlotPane]:
        """Existing plots by key."""
        return {key: dock.pane for key, dock in self._docks.items() if dock.is_built}
