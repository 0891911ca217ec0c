"""Dock layout: side by side if there is room, else tabbed."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtWidgets import QMainWindow, QTabBar, QTabWidget

from quantoscope.gui.panes.dock import Dock
from quantoscope.gui.plots import PLOTS

PLOT_TABS = tuple(kind.key for kind in PLOTS)
SMALL = QSize(1200, 820)
LOWEST = 600
"""Minimum height for stacked panes; below it the window would exceed the screen."""


def arrange(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    """Arrange docks in the default layout for the window's size."""
    size = window.size()
    if size.height() < LOWEST:
        _arrange_side_by_side(window, docks)
        return
    small = size.width() < SMALL.width() or size.height() < SMALL.height()
    large = size.width() >= 1800 and size.height() >= 960
    across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
    width, height = size.width(), size.height()
    low = 236 if height < 960 else 290
    _take_out(window, docks)
    # All in one area, in which panes share the growth of the window; an area below
    # would take all of it.
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["values"])
    window.splitDockWidget(docks["values"], docks["steps"], down)
    window.splitDockWidget(docks["values"], docks["signal"], across)
    _tabs(window, [docks["values"], docks["tensors"]])
    window.splitDockWidget(docks["signal"], docks["schemes"], across)
    if small:
        _tabs(window, [docks[k] for k in PLOT_TABS])
        _tabs(window, [docks["steps"], docks["results"], docks["compare"]])
    else:
        window.splitDockWidget(docks["steps"], docks["results"], across)
        _tabs(window, [docks["results"], docks["compare"]])
        window.splitDockWidget(docks["signal"], docks["distribution"], down)
        window.splitDockWidget(docks["signal"], docks["error"], down)
        if large:
            window.splitDockWidget(docks["distribution"], docks["calibration"], across)
            alone = ("signal", "error", "distribution", "calibration")
            beside = ("calibration", *(key for key in PLOT_TABS if key not in alone))
            _tabs(window, [docks[k] for k in beside])
        else:
            _tabs(window, [docks[k] for k in PLOT_TABS if k not in ("signal", "error")])
    for dock in docks.values():
        dock.show()
    if not small:
        third = (height - 300) // 3
        heights = [third, third, third + 30]
        window.resizeDocks([docks[k] for k in ("signal", "error", "distribution")], heights, down)
    shares = (0.24, 0.48, 0.28) if small else (0.42, 0.37, 0.21)
    columns = [docks["values"], docks["signal"], docks["schemes"]]
    window.resizeDocks(columns, [int(width * share) for share in shares], across)
    if large:
        half = int(width * shares[1]) // 2
        window.resizeDocks([docks["distribution"], docks["calibration"]], [half, half], across)
    window.resizeDocks([docks["values"], docks["steps"]], [height - 100 - low, low], down)
    if not small:
        halves = [width * 52 // 100, width * 48 // 100]
        window.resizeDocks([docks["steps"], docks["results"]], halves, across)
    _settle_tabs(window)
    for key in ("values", *(("signal", "steps") if small else ("distribution", "results"))):
        docks[key].raise_()


def _arrange_side_by_side(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    """Put plots in tabs, and all other docks beside them."""
    _take_out(window, docks)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, docks["values"])
    window.splitDockWidget(docks["values"], docks["signal"], Qt.Orientation.Horizontal)
    others = ("values", "tensors", "schemes", "results", "steps", "compare")
    for tabbed in (others, PLOT_TABS):
        _tabs(window, [docks[key] for key in tabbed])
    for dock in docks.values():
        dock.show()
    half = window.width() // 2
    columns = [docks["values"], docks["signal"]]
    window.resizeDocks(columns, [half, half], Qt.Orientation.Horizontal)
    _settle_tabs(window)
    for dock in columns:
        dock.raise_()


def restore(window: QMainWindow, docks: Mapping[str, Dock], state: QByteArray) -> None:
    """Restore a saved layout, or the default if that fails."""
    # Qt would keep the tabs of docks that are tabbed now but not in the saved layout.
    _take_out(window, docks)
    for dock in docks.values():
        window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
    if window.restoreState(state):
        _settle_tabs(window)
    else:
        arrange(window, docks)


def _take_out(window: QMainWindow, docks: Mapping[str, Dock]) -> None:
    for dock in docks.values():
        dock.setFloating(False)
        window.removeDockWidget(dock)


def _settle_tabs(window: QMainWindow) -> None:
    """Hide empty tab bars, which Qt keeps; do not elide names."""
    for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        bar.setVisible(bar.count() > 0)
        bar.setElideMode(Qt.TextElideMode.ElideNone)
        bar.setUsesScrollButtons(True)


def _tabs(window: QMainWindow, docks: list[Dock]) -> None:
    """Tab docks, the first in front."""
    for before, dock in zip(docks, docks[1:], strict=False):
        window.tabifyDockWidget(before, dock)


def prepare(window: QMainWindow) -> None:
    """Set the dock options."""
    window.setDockNestingEnabled(True)
    window.setDockOptions(
        QMainWindow.DockOption.AnimatedDocks
        | QMainWindow.DockOption.AllowNestedDocks
        | QMainWindow.DockOption.AllowTabbedDocks
    )
    window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
