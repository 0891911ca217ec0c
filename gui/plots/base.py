"""Base class of plots: what they say, when they draw, options and style."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import ClassVar

import pyqtgraph as pg
from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QFont, QFontMetricsF

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document.evaluator import LIVE_LIMIT
from quantoscope.gui.plots.axis import ValueAxis, WholeAxis, axis_label
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.far_parts import paint_far_parts
from quantoscope.gui.plots.options import Option
from quantoscope.gui.plots.visible_range import VisibleRange

FEW = 60
"""Maximum number of visible values drawn side by side as stems."""
AXIS_WIDTH = 66
LABEL_POINTS, LABEL_MARGIN = 8.5, 14.0


class Plot(VisibleRange):
    """A plot of ``PlotData`` in a ``PlotItem``, independent of window and session.

    Attributes
    ----------
    deferred : bool
        Whether ``more_asked`` is heeded; otherwise everything is computed where it is drawn.
    """

    insight_changed = Signal(str, arguments=["text"])
    """The one-line description of the current data."""
    range_dragged = Signal(float, float, bool, arguments=["low", "high", "finished"])
    """The user drags the clipping range."""
    value_dragged = Signal(int, float, bool, arguments=["place", "value", "finished"])
    """The user drags one of the drawn values to another number."""
    labels_changed = Signal()
    """The axis labels have changed."""
    outdated = Signal()
    """It has to be prepared anew before it can be drawn."""
    more_asked = Signal()
    """The plot lacks something for what it shows now: ``preparation`` computes it."""
    picked = Signal(int, arguments=["position"])
    channel_picked = Signal(int, arguments=["channel"])
    """The user has chosen the value at a flat position, or a channel, beside the view."""

    key: ClassVar[str]
    name: ClassVar[str] = ""
    """Short name in tabs; empty for the key."""
    beside: ClassVar[str] = ""
    """Key of the view that it is shown beside, instead of having a tab."""
    width_share: ClassVar[float] = 1.0
    """Width in a row of views, relative to most others."""
    height_share: ClassVar[float] = 1.0
    """Height of a row that has it, relative to most others."""
    x_only: ClassVar[bool] = False
    x_quantity: ClassVar[str] = ""
    """Quantity along x; plots of the same one are linked."""
    draws_values: ClassVar[bool] = True
    compares: ClassVar[bool] = False
    """Whether it shows a comparison of two schemes."""
    options: ClassVar[tuple[Option, ...]] = ()
    """Display options."""
    slow: ClassVar[bool] = False
    """Whether large arrays need long computation, which ``prepare`` does on another thread."""
    early: ClassVar[bool] = False
    """Whether a ``slow`` plot is drawn before schemes are applied; others would delay it."""
    of_all_values: ClassVar[bool] = False
    """Whether it is about all values even if a channel is in focus."""
    picks_plane: ClassVar[bool] = False
    """Whether it shows a plane of the array, by the option ``plane``."""

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        super().__init__(item, theme, ink)
        self.deferred = False
        self.insight = ""
        self.chosen_options = self.first_options()
        self._labels: tuple[str, str] = ("", "")
        item.hideButtons()
        item.setMenuEnabled(False)
        for name in ("bottom", "left"):
            item.setAxisItems({name: self.axis_of(name)})
        item.getAxis("left").setWidth(AXIS_WIDTH)
        view = item.getViewBox()
        view.bound = self.bounded_range
        view.disableAutoRange()
        view.sigRangeChangedManually.connect(self._moved_by_hand)
        view.sigRangeChanged.connect(self._range_changed)
        view.sigResized.connect(self.resized)
        self.restyle(theme)

    def axis_of(self, name: str) -> pg.AxisItem:
        """Return a new axis for ``bottom`` or ``left``."""
        return (WholeAxis if name in self.whole_axes else ValueAxis)(name)

    @property
    def has_options(self) -> bool:
        """Whether something of its display can be chosen."""
        return bool(self.options) or self.picks_plane

    # What a plot says of itself

    def title(self) -> str:
        """Title of the plot."""
        raise NotImplementedError

    def axis_labels(self) -> tuple[str, str]:
        """Labels of x and y, with units."""
        raise NotImplementedError

    def describe(self, data: PlotData) -> str:
        """Describe the current data in one line."""
        raise NotImplementedError

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        """Draw everything between x0 and x1, with the methods below."""
        raise NotImplementedError

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the index among the drawn values that a click at x, y selects."""
        raise NotImplementedError

    def pick_channel(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the channel that a click at x, y selects; None in plots of values."""
        return None

    def next_channel(self, data: PlotData, step: int) -> int | None:
        """Return the channel next to the one in focus; None in plots of values."""
        return None

    def next_value(self, data: PlotData, step: int) -> int | None:
        """Return the drawn value next to the chosen one; None for the next position."""
        return None

    def moved_value(self, data: PlotData, steps: float) -> float | None:
        """Return the chosen value moved by so many S; None in plots that move no values."""
        return None

    @property
    def dragging(self) -> bool:
        """Whether a value is being dragged."""
        return False

    def let_go(self) -> None:
        """Let go of a value that is being dragged."""
        raise NotImplementedError

    def pointed(self, x: float, y: float) -> float:
        """Return the drawn x that a point of the view, in drawn coordinates, stands for."""
        return x

    def flat(self, data: PlotData, place: int) -> int:
        """Return the flat position of what ``pick`` has returned."""
        return data.flat(place)

    def neighbour(self, data: PlotData, position: int, across: int, down: int) -> int | None:
        """Return the flat position next to one, for the arrow keys; None if there is none."""
        return position + across if across else None

    def cell_box(self, data: PlotData, position: int) -> QRectF | None:
        """Return the box, in drawn coordinates, of a value that can be edited where it is shown."""
        return None

    def approach(self, data: PlotData, position: int) -> bool:
        """Zoom in on a value until it can be edited; False in plots without cells."""
        return False

    def readout(self, data: PlotData, x: float, y: float) -> str:
        """Return the text of the crosshair at x, y."""
        raise NotImplementedError

    def least_height(self, data: PlotData) -> float:
        """Return the height of the view, in pixels, below which a scheme is left out; 0 if none."""
        return 0.0

    def preparation(self, data: PlotData) -> Callable[[], None]:
        """Return the work that drawing needs, to be done on any thread."""
        return partial(self.prepare, data)

    def prepare(self, data: PlotData) -> None:
        """Compute and cache, on any thread, what drawing a ``slow`` plot needs."""
        raise NotImplementedError

    def is_prepared(self, data: PlotData) -> bool:
        """Return whether a ``slow`` plot can be drawn without delay."""
        return data.values.size <= LIVE_LIMIT

    def choices_of(self, option: Option) -> tuple[tuple[str, str], ...]:
        """Return key and title of each choice of an option, which may depend on the data."""
        return option.choices

    @classmethod
    def first_options(cls) -> dict[str, str]:
        """Return the display options as they are at first."""
        return {option.key: option.choices[0][0] for option in cls.options}

    @property
    def options_chosen(self) -> dict[str, str]:
        """The display options that are not as at first."""
        first = self.first_options()
        return {key: it for key, it in self.chosen_options.items() if it != first.get(key)}

    @classmethod
    def takes(cls, key: str, choice: str) -> bool:
        """Return whether an option can have a choice, for one that comes from a file."""
        return any(choice in dict(option.choices) for option in cls.options if option.key == key)

    # Drawing

    def draw(self, data: PlotData) -> None:
        """Draw new data."""
        first, self.data = self.data is None, data
        unit = self.scale("x", data, self.x_range(data))
        if unit != self.x_unit:
            self.x_unit = unit
            if not first and self._asked is None:
                # The zoomed range belongs to the old data.
                self.follow_x = self.follow_y = True
        if self._asked is not None:
            self._apply(*self._asked)
        self.refresh()
        if not (self.follow_x and self.follow_y):
            # The description depends on the data.
            x, y = self.item.getViewBox().viewRange()
            self._apply(*self._asked) if self._asked else self._set_view(x, y)
        self._tell(data)

    def _tell(self, data: PlotData) -> None:
        """Update the description."""
        if data.awaited:
            insight = self.tr("Not quantized yet.")
        else:
            insight = data.failure if data.failure and data.values.size else self.describe(data)
        if data.focus_name and not data.failure and not self.of_all_values:
            insight = f"[{data.focus_name}] {insight}"
        if insight != self.insight:
            self.insight = insight
            self.insight_changed.emit(insight)

    def refresh(self, move_x: bool = True) -> None:
        """Redraw the data for the visible range."""
        if self._busy:
            return
        if self.data is None:
            self._set_labels()
            return
        self._busy = True
        try:
            view = self.item.getViewBox()
            if self.follow_x and move_x:
                view.setXRange(*self._whole(0), padding=0)
            if self.follow_y:
                ends = self.y_range(self.data, *self.seen[0])
                self.y_unit = self.scale("y", self.data, ends)
                view.setYRange(*self._with_rows(ends), padding=0)
            # Apply the transform now: otherwise it would trigger another repaint during painting.
            view.updateMatrix()
            self._drawn.clear()
            self._placing.clear()
            self.paint(self.data, *self.seen[0])
            paint_far_parts(self, self.data)
            for key in set(self._items) - self._drawn:
                self.item.removeItem(self._items.pop(key))
            self._place_labels()
        finally:
            self._busy = False
        self._set_labels()

    def clear(self) -> None:
        """Forget the data, and take away what is drawn of it."""
        self.forget()
        self._take_away()

    def _take_away(self) -> None:
        for key in list(self._items):
            self.item.removeItem(self._items.pop(key))

    def forget(self) -> None:
        """Clear the plot, so that it does not show outdated data."""
        self.data = None

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.theme = theme
        font = QFont()
        font.setPointSizeF(8.5)
        for name in ("left", "bottom", "top"):
            axis = self.item.getAxis(name)
            axis.setPen(pg.mkPen(theme.grid, width=self.ink))
            axis.setTextPen(pg.mkPen(theme.muted))
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4, maxTickLevel=1, autoExpandTextSpace=False)
            # When disabled, pyqtgraph still scales once for the current range: 0.15 would read 150.
            axis.setSIPrefixEnableRanges(((0.0, 0.0),))
            axis.enableAutoSIPrefix(False)
        self._labels = ("", "")
        self._take_away()
        self.refresh()

    def choose(self, key: str, choice: str) -> None:
        """Set a display option."""
        self.chosen_options[key] = choice
        self.follow_x = self.follow_y = True
        if self.data is None:
            return
        if self.slow and not self.is_prepared(self.data):
            self.outdated.emit()
        else:
            self.draw(self.data)

    def _set_labels(self) -> None:
        """Update the axis labels, with the offset and exponent of their tick labels."""
        x, y = self.item.getViewBox().viewRange()
        words = self.axis_labels()
        labels = []
        for name, ends, unit, text in (
            ("bottom", x, self.x_unit, words[0]),
            ("left", y, self.y_unit, words[1]),
        ):
            axis = self.item.getAxis(name)
            axis.look_at(*ends, unit)
            labels.append(axis_label(text, axis))
        if tuple(labels) != self._labels:
            self._labels = (labels[0], labels[1])
            style = {"color": self.theme.muted, "font-size": "8.5pt"}
            for name, label in zip(("bottom", "left"), labels, strict=True):
                # pyqtgraph interprets labels as HTML; its PlotItem.setLabel would show the axis.
                self.item.getAxis(name).setLabel(escape(label), **style)
            self.labels_changed.emit()

    def label_length(self, name: str) -> float:
        """Return the length of an axis label in pixels."""
        font = QFont()
        font.setPointSizeF(LABEL_POINTS)
        return QFontMetricsF(font).horizontalAdvance(self._label(name)) + LABEL_MARGIN

    def _label(self, name: str) -> str:
        return self._labels[("bottom", "left").index(name)]

    def show_label(self, name: str, whole: bool) -> None:
        """Show an axis label in full, or only the offset and exponent."""
        axis = self.item.getAxis(name)
        text = escape(self._label(name) if whole else axis.shared)
        if text and axis.labelText != text:
            axis.setLabel(text)
        if axis.label.isVisible() != bool(text):
            axis.showLabel(bool(text))

    def position_label(self) -> str:
        """Label of the positions along x."""
        focus = self.data.focus_name if self.data is not None else ""
        return filled(self.tr("position within %1"), focus) if focus else self.tr("position #")
