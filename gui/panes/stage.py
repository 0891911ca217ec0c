"""Stage: one, two or four views, chosen by a row of buttons."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QGuiApplication, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from quantoscope.gui.common.splitter import Splitter
from quantoscope.gui.common.theme import Theme, icon
from quantoscope.gui.panes.place import Place
from quantoscope.gui.panes.plot_place import PlotPlace, Plots

COUNTS = (1, 2, 4)
"""How many views there may be: one; one above the other; two rows of two."""
ROOM_BESIDE = 560
"""Minimum width of the stage, in pixels, for a view that is shown beside another in one part."""
LEAST = QSize(170, 130)
"""Minimum size of a view; in a smaller stage some of the chosen ones are not shown."""


class ViewBar(QToolBar):
    """Row of buttons; those without room are in the menu of its last button.

    Signals
    -------
    room_changed()
        Others may have room.
    """

    room_changed = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        # Qt arranges the buttons before.
        super().resizeEvent(event)
        self.room_changed.emit()

    def has_room_for(self, action: QAction) -> bool:
        """Return whether a button is in the row."""
        return not self.widgetForAction(action).isHidden()


class Stage(QWidget):
    """Shows some of the plots at a time; a chosen one takes the place of the active one.

    Signals
    -------
    views_changed()
        Other views are shown.
    """

    views_changed = Signal()

    def __init__(self, plots: Plots, theme: Theme) -> None:
        super().__init__()
        self.plots = plots
        self._shown: list[str] = []
        self._active = 0
        self._last: list[str] = []
        self._fitted = (True, True, True)
        self.bar = ViewBar(self.tr("Views"), self)
        self.bar.room_changed.connect(self._mark)
        self.bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.actions_: dict[str, QAction] = {}
        for key, place in plots.places.items():
            place.host = self
            place.setParent(self)
            place.hide()
            if place.kind.beside:
                continue
            action = self.bar.addAction(place.name)
            action.setCheckable(True)
            tip = self.tr("%1: replaces the active view; with Ctrl, is shown beside it")
            action.setToolTip(tip.replace("%1", place.name))
            action.triggered.connect(partial(self._on_chosen, key))
            self.actions_[key] = action
        self.count_bar = QToolBar(self.tr("Number of views"), self)
        for bar in (self.bar, self.count_bar):
            bar.setIconSize(QSize(16, 16))
            bar.setContentsMargins(0, 0, 0, 0)
        group = QActionGroup(self)
        texts = (self.tr("One view"), self.tr("Two views"), self.tr("Four views"))
        self.counts: dict[int, QAction] = {}
        for count, text in zip(COUNTS, texts, strict=True):
            action = self.count_bar.addAction(text)
            action.setCheckable(True)
            action.triggered.connect(partial(self._on_count, count))
            group.addAction(action)
            self.counts[count] = action
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.count_bar)
        name = self.tr("Border between upper and lower views")
        self._rows = Splitter(Qt.Orientation.Vertical, name, parent=self)
        name = self.tr("Border between views side by side")
        self._across = [
            Splitter(Qt.Orientation.Horizontal, name, parent=self._rows) for _ in range(2)
        ]
        for across in self._across:
            across.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row)
        layout.addWidget(self._rows, 1)
        cast(QApplication, QApplication.instance()).focusChanged.connect(self._on_focus)
        self.restyle(theme)

    def minimumSizeHint(self) -> QSize:
        return LEAST + QSize(0, self.bar.sizeHint().height())

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        for count, action in self.counts.items():
            action.setIcon(icon(f"views-{count}", theme))
        # Qt's own is black in every theme.
        more = self.bar.findChild(QToolButton, "qt_toolbar_ext_button")
        if isinstance(more, QToolButton):
            more.setIcon(icon("more", theme))
            more.setToolTip(self.tr("More views"))
            more.setAccessibleName(self.tr("More views"))

    # What is shown

    @property
    def views(self) -> tuple[str, ...]:
        """Keys of the views, row by row."""
        return tuple(self._shown)

    def set_views(self, keys: Sequence[str], active: str = "") -> None:
        """Show these views: one, two or four, each once; the active one stays, or is another."""
        free = [key for key in self.actions_ if not self.plots.places[key].alone]
        places = self.plots.places
        wanted = [key for key in dict.fromkeys(keys) if key in places and not places[key].alone]
        fits = max((count for count in COUNTS if count <= max(1, len(wanted))), default=1)
        wanted = (wanted or free[:1])[:fits]
        if wanted != self._shown:
            active = active or "".join(self._shown[self._active : self._active + 1])
            self._shown = wanted
            self._active = wanted.index(active) if active in wanted else 0
            self._build()
            self.views_changed.emit()
        self._mark()

    def set_count(self, count: int) -> None:
        """Show so many views: those shown before, then the next ones in the row of buttons."""
        more = [*self._shown, *self._last, *self.actions_]
        keys = [key for key in dict.fromkeys(more) if not self.plots.places[key].alone]
        self._last = self._shown[count:]
        if count == 1:
            keys = [self._shown[self._active], *keys]
        self.set_views(list(dict.fromkeys(keys))[:count])

    def show_view(self, key: str) -> None:
        """Show a view in the place of the active one, or make it active if it is shown."""
        if key not in self._shown:
            views = list(self._shown)
            views[self._active : self._active + 1] = [key]
            self.set_views(views, key)
        else:
            self._active = self._shown.index(key)
            if not all(self._fits()[:2]):
                self._build()
        self._mark()

    def _on_chosen(self, key: str, *_: object) -> None:
        beside = QGuiApplication.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier
        if self.plots.places[key].alone:
            self.plots.places[key].reveal()
        elif beside and key not in self._shown:
            count = next((c for c in COUNTS if c > len(self._shown)), 0)
            if count:
                self.set_views(list(dict.fromkeys([*self._shown, key, *self.actions_]))[:count])
            self.show_view(key)
        else:
            self.show_view(key)
        self._mark()

    def _on_count(self, count: int, *_: object) -> None:
        self.set_count(count)

    def _on_focus(self, _: QWidget | None, now: QWidget | None) -> None:
        for place, key in enumerate(self._shown):
            if now is not None and self.plots.places[key].isAncestorOf(now):
                self._active = place
                self._mark()

    def _build(self) -> None:
        """Put the views into their rows."""
        self._fitted = self._fits()
        focus = QApplication.focusWidget()
        moves = focus is not None and any(
            place.isAncestorOf(focus) for place in self.plots.places.values()
        )
        rows = self._rows_that_fit()
        wanted = [[place for key in row for place in self._with_beside(key)] for row in rows]
        every = [place for row in wanted for place in row]
        for place in self.plots.places.values():
            if place not in every and not place.alone:
                place.hide()
                place.setParent(self)
        for place in every:
            place.sentence.level_with(
                [one.sentence for one in self._pair(place) if one is not place and one in every]
            )
        for at in range(2):
            across = self._across[at]
            row = wanted[at] if at < len(wanted) else []
            for index, place in enumerate(row):
                if across.widget(index) is not place:
                    across.insertWidget(index, place)
                place.show()
            across.setVisible(bool(row))
            across.setSizes([round(1000 * place.kind.width_share) for place in row])
        heights = [max(place.kind.height_share for place in row) for row in wanted]
        self._rows.setSizes([round(1000 * height) for height in (*heights, 0.0)[:2]])
        if moves and not QApplication.focusWidget():
            self.plots[self._shown[self._active]].setFocus(Qt.FocusReason.OtherFocusReason)

    def _fits(self) -> tuple[bool, bool, bool]:
        """Return whether two columns, two rows, and a view beside another have room."""
        width, height = self.width(), self._rows.height()
        return width >= 2 * LEAST.width(), height >= 2 * LEAST.height(), width >= ROOM_BESIDE

    def _rows_that_fit(self) -> list[list[str]]:
        """Return the views row by row; where there is no room for all, those of the active one."""
        each = 1 if len(self._shown) == 2 else 2
        rows = [self._shown[at : at + each] for at in range(0, len(self._shown), each)]
        columns, both, _ = self._fits()
        active = self._shown[self._active]
        if not both:
            rows = [row for row in rows if active in row]
        if not columns:
            rows = [[active] if active in row else row[:1] for row in rows]
        return rows

    def _with_beside(self, key: str) -> list[PlotPlace]:
        """Return the place of a view, with those that are shown beside it if there is room."""
        places = self.plots.places
        if len(self._shown) > 2 or not self._fits()[2]:
            return [places[key]]
        beside = (one for one in places.values() if one.kind.beside == key and not one.alone)
        return [places[key], *(one for one in beside if one.key not in self._shown)]

    def _pair(self, place: PlotPlace) -> list[PlotPlace]:
        """Return an image and the one that is shown beside it; else nothing."""
        host = place.kind.beside or place.key
        both = [p for p in self.plots.places.values() if host in (p.key, p.kind.beside)]
        return both if place.kind.picks_plane else []

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._shown and self._fits() != self._fitted:
            self._build()
            self._mark()

    def _mark(self) -> None:
        """Show which views are there, which one is active, and what no button names."""
        for key, action in self.actions_.items():
            action.setChecked(key in self._shown)
        count = len(self._shown)
        if count in self.counts:
            self.counts[count].setChecked(True)
        for at, key in enumerate(self._shown):
            button = self.actions_.get(key)
            named = count > 1 or button is None or not self.bar.has_room_for(button)
            for place in self._with_beside(key):
                place.show_name(named, count > 1 and at == self._active)

    @property
    def sizes(self) -> list[int]:
        """Heights of the rows, in pixels."""
        return self._rows.sizes()

    def set_sizes(self, sizes: Sequence[int]) -> None:
        """Set the heights of the rows, as shares."""
        if len(sizes) == 2 and len(self._shown) > 1:
            self._rows.setSizes(list(sizes))

    # Host of places

    def bring(self, place: Place) -> None:
        """Show a view: beside another if it belongs there and has room, else as one of its own."""
        host = self.plots.places[place.key].kind.beside
        roomy = len(self._shown) <= 2 and self._fits()[2]
        self.show_view(host if host and roomy else place.key)

    def release(self, place: Place) -> None:
        """Show another view in the place of one that gets a window of its own."""
        views = list(self._shown)
        if place.key in views:
            others = [k for k in self.actions_ if k not in views]
            others = [k for k in others if not self.plots.places[k].alone]
            views[views.index(place.key) : views.index(place.key) + 1] = others[:1]
        place.setParent(None)
        self.set_views(views)

    def take_back(self, place: Place) -> None:
        """Show a view again whose own window was closed."""
        place.hide()
        place.setParent(self)
        self.bring(place)
