"""Frame of the window: rail, stage and schemes side by side, and the bottom panel below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from quantoscope.gui.common.splitter import Splitter
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.panes.place import Place
from quantoscope.gui.panes.stage import Stage
from quantoscope.gui.panes.tabbed import Tabbed

QWIDGETSIZE_MAX = (1 << 24) - 1
"""No limit, as Qt has it."""
NARROW = 860
"""Width below which the schemes share the tabs of the rail."""
LEAST, LINE = QSize(560, 330), 60
"""Minimum size of all parts together, and height of an unfolded bottom panel."""
LOW = 560
"""Height below which the bottom panel is folded at first."""
RAIL, SIDE, BOTTOM = 264, 256, 148
"""Widths of rail and schemes, and height of the bottom panel, in pixels at first."""
RAIL_GAINS, RAIL_MOST = 0.055, 320
"""Width of the rail beyond the first, per pixel of a window wider than 1000, and at most."""
MOST = 40
"""Share of the height in per cent up to which the bottom panel grows by itself."""
HIGHER, FIRST_MOST = {"results": 158, "compare": 270, "runtimes": 300}, 36
"""Heights of the bottom panel at first with what needs more, by key, and at most in per cent."""


class Frame(QWidget):
    """Arranges the parts of the window, and folds what has no room.

    Attributes
    ----------
    rail, side, bottom : Tabbed
    stage : Stage
    """

    def __init__(self, stage: Stage, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.stage = stage
        self.rail = Tabbed(self.tr("Values and tensors"), theme)
        self.side = Tabbed(self.tr("Schemes"), theme)
        self.bottom = Tabbed(self.tr("Steps, results and comparisons"), theme, wide=True)
        self._schemes: Place | None = None
        self._narrow = False
        self.across = Splitter(
            Qt.Orientation.Horizontal,
            self.tr("Border between values and views"),
            self.tr("Border between views and schemes"),
        )
        for at, part in enumerate((self.rail, stage, self.side)):
            self.across.addWidget(part)
            self.across.setStretchFactor(at, 1 if part is stage else 0)
        name = self.tr("Border between views and the bottom panel")
        self.down = Splitter(Qt.Orientation.Vertical, name, parent=self)
        for at, half in enumerate((self.across, self.bottom)):
            self.down.addWidget(half)
            self.down.setStretchFactor(at, 1 - at)
        self.layout_ = QVBoxLayout(self)
        self.layout_.setContentsMargins(0, 0, 0, 0)
        self.layout_.setSpacing(0)
        self.layout_.addWidget(self.down, 1)
        self.bottom.changed.connect(self._fit_bottom)
        self.down.splitterMoved.connect(self._on_dragged)
        self._heights: dict[str, int] = {}
        self._wanted: dict[str, int] = {}

    def add_schemes(self, place: Place) -> None:
        """Add the schemes, which have a side of their own or a tab of the rail."""
        self._schemes = place
        self.side.add(place)

    def minimumSizeHint(self) -> QSize:
        # In less room than now, less is shown at a time.
        return LEAST

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_narrow(event.size().width() < NARROW)
        if event.oldSize().height() != event.size().height() or self.down.sizes()[1] < LINE:
            self._fit_bottom()

    def _set_narrow(self, narrow: bool) -> None:
        """Move the schemes between their side and the rail."""
        place = self._schemes
        if narrow == self._narrow or place is None:
            return
        self._narrow = narrow
        home, other = (self.rail, self.side) if narrow else (self.side, self.rail)
        front = self.rail.current
        if place.alone:
            place.host = home
        else:
            other.remove(place)
            home.add(place)
        self.side.setVisible(not narrow)
        if narrow and front is not None:
            self.rail.bring(front)

    def _fit_bottom(self) -> None:
        """Give a folded panel one line, and an unfolded one its height."""
        folded = self.bottom.folded
        line = self.bottom.bar.sizeHint().height() + 2 if folded else QWIDGETSIZE_MAX
        self.bottom.setMaximumHeight(line)
        # Qt would take note of that only later.
        self.down.refresh()
        self.down.handle(1).setEnabled(not folded)
        whole, height = sum(self.down.sizes()), line if folded else self._bottom_height
        self.down.setSizes([whole - height, height])

    @property
    def _bottom_height(self) -> int:
        """Height of the bottom panel, unfolded, with what is in front."""
        key = self.bottom.current.key if self.bottom.current is not None else ""
        wanted = min(self._wanted.get(key, 0), self.height() * MOST // 100)
        first = min(HIGHER.get(key, BOTTOM), self.height() * FIRST_MOST // 100)
        height = self._heights.get(key, max(first, wanted))
        return min(height, max(LINE, self.height() * 6 // 10))

    def grow_bottom(self, key: str, height: int) -> None:
        """Give the bottom panel so much more height that a place's contents have room.

        A height that was dragged stays.
        """
        wanted = height + self.bottom.bar.sizeHint().height() + 4 if height else 0
        if wanted == self._wanted.get(key, 0):
            return
        before, self._wanted[key] = self._bottom_height, wanted
        if self._bottom_height != before and not self.bottom.folded:
            self._fit_bottom()

    def _on_dragged(self, *_: object) -> None:
        if self.bottom.current is not None and not self.bottom.folded:
            self._heights[self.bottom.current.key] = self.down.sizes()[1]

    def arrange(self, size: QSize) -> None:
        """Arrange the parts as at first."""
        self._set_narrow(size.width() < NARROW)
        for part in (self.rail, self.bottom):
            part.show()
        self.side.setVisible(not self._narrow)
        wide = size.width()
        rail = min(RAIL + int(RAIL_GAINS * max(0, wide - 1000)), RAIL_MOST)
        side = min(SIDE + max(0, wide - 1440) // 16, 320)
        self.across.setSizes([rail, wide - rail - side, side])
        self._heights = {}
        self.down.setSizes([size.height() - BOTTOM, BOTTOM])
        for tabs in (self.rail, self.side, self.bottom):
            if tabs.places:
                tabs.bar.setCurrentIndex(0)
        self.bottom.fold(size.height() < LOW)
        self._fit_bottom()

    def places(self) -> tuple[Place, ...]:
        """Return the places beside the stage."""
        return (*self.rail.places, *self.side.places, *self.bottom.places)

    # State

    @property
    def state(self) -> dict[str, Any]:
        """The arrangement, as texts, numbers and lists."""

        def front(tabs: Tabbed) -> str:
            return tabs.current.key if tabs.current is not None else ""

        return {
            "across": self.across.sizes(),
            "heights": dict(self._heights),
            "rows": self.stage.sizes,
            "views": list(self.stage.views),
            "front": [front(self.rail), front(self.bottom)],
            "folded": self.bottom.folded,
            "hidden": [self.rail.isHidden(), self.side.isHidden(), self.bottom.isHidden()],
        }

    def restore(self, state: Mapping[str, Any]) -> bool:
        """Restore an arrangement; parts that make no sense are left as they are.

        Returns whether anything was restored.
        """
        views = state.get("views")
        if not isinstance(views, list) or not all(isinstance(key, str) for key in views):
            return False
        self.stage.set_views(views)
        across = _sizes(state.get("across"), 3)
        if across:
            self.across.setSizes(across)
        heights = state.get("heights")
        if isinstance(heights, dict):
            self._heights = {key: h for key, h in heights.items() if _sizes([h], 1) and h >= LINE}
        rows = _sizes(state.get("rows"), 2)
        if rows:
            self.stage.set_sizes(rows)
        hidden = state.get("hidden")
        if isinstance(hidden, list) and len(hidden) == 3:
            self.rail.setVisible(hidden[0] is not True)
            self.side.setVisible(hidden[1] is not True and not self._narrow)
            self.bottom.setVisible(hidden[2] is not True)
        front = state.get("front")
        for place in self.places():
            if isinstance(front, list) and place.key in front and isinstance(place.host, Tabbed):
                place.host.bar.setCurrentIndex(place.host.places.index(place))
        if isinstance(state.get("folded"), bool):
            self.bottom.fold(state["folded"])
        self._fit_bottom()
        return True


def _sizes(sizes: object, count: int) -> list[int]:
    """Return sizes in pixels if these are so many; else none."""
    if not isinstance(sizes, list) or len(sizes) != count:
        return []
    return sizes if all(type(n) is int and 0 <= n < 100_000 for n in sizes) else []
