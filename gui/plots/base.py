"""Base class of plots: items by key, ranges and style."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from html import escape
from typing import Any, ClassVar

import numpy as np
import pyqtgraph as pg
from numpy.typing import ArrayLike
from PySide6.QtCore import QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QFont, QFontMetricsF, QPainterPath, QPen, QTransform

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.theme import LINE_STYLES, MARKERS, Theme
from quantoscope.gui.document.evaluator import LIVE_LIMIT
from quantoscope.gui.plots.axis import ValueAxis, WholeAxis, axis_label
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.far_parts import paint_far_parts
from quantoscope.gui.plots.kept_figures import FarValues, far_values
from quantoscope.gui.plots.labels import Label, anchor_of, anchored, placed
from quantoscope.gui.plots.scales import AUTO, LINEAR, LOG, SYMLOG, symlog
from quantoscope.gui.plots.spans import Unit, bounded, drawable, padded, unit_for
from quantoscope.gui.plots.view import Rule

Span = tuple[float, float]
FEW = 60
"""Maximum number of visible values drawn side by side as stems."""
AXIS_WIDTH = 66
LABEL_POINTS, LABEL_MARGIN = 8.5, 14.0


@dataclass(frozen=True)
class Option:
    """A display option of a plot."""

    key: str
    title: str
    choices: tuple[tuple[str, str], ...]
    """Key and title of each; the first is the default."""


X_SCALE = Option(
    "x scale", "Scale of R",
    ((AUTO, "R: automatic"), (LINEAR, "R: linear"), (SYMLOG, "R: logarithmic far out")),
)  # fmt: skip
Y_SCALE = Option(
    "y scale", "Scale along y",
    ((AUTO, "y: automatic"), (LINEAR, "y: linear"), (SYMLOG, "y: logarithmic far out")),
)  # fmt: skip
COUNT_SCALE = Option(
    "y scale", "Scale of counts",
    ((AUTO, "counts: automatic"), (LINEAR, "counts: linear"), (LOG, "counts: logarithmic")),
)  # fmt: skip
FAR = 3.0
"""A view that goes so many times as far as most values is logarithmic beyond these."""


class Plot(QObject):
    """A plot of ``PlotData`` in a ``PlotItem``, independent of window and session.

    Attributes
    ----------
    density : float
        Dots of the device per pixel of the view, for images.
    most_dots : float
        Maximum number of dots of an image.
    fineness : float
        Columns of envelopes per pixel of the view; more in figures, which have more dots.
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
    y_quantity: ClassVar[str] = ""
    """Quantity along x and y; plots of the same one are linked. Those of y are linked only where
    those of x are."""
    margins: tuple[float, float] = (0.04, 0.08)
    """Margins of the full range of x and y, as shares of it."""
    draws_values: ClassVar[bool] = True
    draws_schemes: ClassVar[str] = "all"
    """What the legend of a figure has to name: R, and ``all`` schemes, the ``active`` one, or
    ``none``."""
    whole_axes: ClassVar[tuple[str, ...]] = ()
    """Axes of integers."""
    compares: ClassVar[bool] = False
    """Whether it shows a comparison of two schemes."""
    options: ClassVar[tuple[Option, ...]] = ()
    """Display options."""
    slow: ClassVar[bool] = False
    """Whether large arrays need long computation, which ``prepare`` does on another thread."""
    of_all_values: ClassVar[bool] = False
    """Whether it is about all values even if a channel is in focus."""
    picks_plane: ClassVar[bool] = False
    """Whether it shows a plane of the array, by the option ``plane``."""

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        super().__init__()
        self.item = item
        self.theme = theme
        self.ink = ink
        self.device_ratio = 1.0
        self.density = self.fineness = 1.0
        self.most_dots = math.inf
        self.deferred = False
        self.data: PlotData | None = None
        self.insight = ""
        self.leader: Plot | None = None
        self.chosen_options = self.first_options()
        self._labels: tuple[str, str] = ("", "")
        self._follow_x = self._follow_y = True
        self._items: dict[Hashable, Any] = {}
        self._drawn: set[Hashable] = set()
        self._busy = False
        self.x_unit = self.y_unit = Unit()
        self._placing: list[Label] = []
        self._asked: tuple[Span | None, Span | None] | None = None
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

    def x_range(self, data: PlotData) -> tuple[float, float]:
        """Return the full range of x."""
        raise NotImplementedError

    def y_range(self, data: PlotData, x0: float, x1: float) -> tuple[float, float]:
        """Return the range of y that contains everything between x0 and x1."""
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

    # Scales of axes

    def scale(self, axis: str, data: PlotData, ends: Span) -> Unit:
        """Return the scale of ``x`` or ``y`` for a range: linear, or logarithmic far out."""
        choice = self.chosen_options.get(f"{axis} scale", LINEAR)
        farthest = max((abs(end) for end in ends if np.isfinite(end)), default=0.0)
        if choice == LINEAR or not farthest:
            return unit_for(*ends)
        far = self.far(data)
        if not far.reach and choice == SYMLOG:
            return symlog(farthest / 100, farthest)
        if not far.reach or farthest < FAR * far.reach:
            return unit_for(*ends)
        return symlog(far.reach, max(farthest, far.farthest))

    def far(self, data: PlotData) -> FarValues:
        """Return the magnitude that most values lie within, and what lies beyond it."""
        return far_values(data.array, data.pyramid, data.summary)

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
            insight = self.tr("The schemes are not applied yet.")
        else:
            insight = data.failure if data.failure and data.values.size else self.describe(data)
        if data.focus_name and not data.failure and not self.of_all_values:
            insight = f"[{data.focus_name}] {insight}"
        if insight != self.insight:
            self.insight = insight
            self.insight_changed.emit(insight)

    @property
    def follow_x(self) -> bool:
        """Whether x shows the full range, not the user's choice; shared by linked plots."""
        return self.leader.follow_x if self.leader else self._follow_x

    @follow_x.setter
    def follow_x(self, follow: bool) -> None:
        if self.leader:
            self.leader.follow_x = follow
        self._follow_x = follow

    @property
    def follow_y(self) -> bool:
        """Whether y shows the full range, not the user's choice; shared like that of x."""
        return self.leader.follow_y if self.leader and self.y_quantity else self._follow_y

    @follow_y.setter
    def follow_y(self, follow: bool) -> None:
        if self.leader and self.y_quantity:
            self.leader.follow_y = follow
        self._follow_y = follow

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

    def forget(self) -> None:
        """Clear the plot, so that it does not show outdated data."""
        self.data = None

    # Visible ranges: plots use data coordinates, views use drawn (scaled) ones

    @property
    def width_x(self) -> float:
        """Visible width in data coordinates."""
        low, high = self.seen[0]
        return high - low

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Convert a point of the view to data coordinates."""
        return self.x_unit.up_to(x), self.y_unit.up_to(y)

    @property
    def seen(self) -> tuple[Span, Span]:
        """Visible ranges of x and y in data coordinates."""
        x, y = self.item.getViewBox().viewRange()
        seen = self.x_unit.up_pair(*x), self.y_unit.up_pair(*y)
        asked = self._asked if self._asked is not None and self.data is None else (None, None)
        return asked[0] or seen[0], asked[1] or seen[1]

    @property
    def look(self) -> tuple[Span | None, Span | None]:
        """Ranges of x and y chosen by the user; None for the full range."""
        x, y = self.seen
        return None if self.follow_x else x, None if self.follow_y else y

    def look_at(self, x: Span | None, y: Span | None) -> None:
        """Show ranges of the data, now or as soon as there is data."""
        self.follow_x, self.follow_y = x is None, y is None
        # Kept until the view is moved: the data may not have arrived yet.
        self._asked = x, y
        if self.data is not None:
            self._apply(x, y)
            self.refresh()

    def _apply(self, x: Span | None, y: Span | None) -> None:
        if y is not None and self.data is not None:
            self.y_unit = self.scale("y", self.data, y)
        self._set_view(
            None if x is None else self.x_unit.down_pair(*x),
            None if y is None else self.y_unit.down_pair(*y),
        )

    def _set_view(self, x: Any, y: Any) -> None:
        """Set the drawn range, bounded to what can be shown, but not as the user's choice."""
        asked = self._asked
        if x is not None or y is not None:
            self.item.getViewBox().setRange(None, x, y, padding=0)
        self._asked = asked

    def _whole(self, axis: int) -> Span:
        """Return the drawn full range of an axis."""
        assert self.data is not None
        whole = self.x_range(self.data)
        if axis == 0:
            return padded(*self.x_unit.down_pair(*whole), self.margins[0])
        return self._with_rows(self.y_range(self.data, *whole))

    def rows_height(self) -> float:
        """Return how many pixels the plot needs below its data, for rows of their own."""
        return 0.0

    def _with_rows(self, ends: Span) -> Span:
        """Return the drawn range of y that shows these ends, with margins and room for rows."""
        low, high = padded(*self.y_unit.down_pair(*ends), self.margins[1])
        rows, height = self.rows_height(), max(1.0, self.item.getViewBox().height())
        return low - (high - low) * rows / max(1.0, height - rows), high

    def bounded_range(self, axis: int, low: float, high: float) -> Span:
        """Return the closest drawable range that contains some data."""
        if self._busy or self.data is None:
            return low, high
        whole = self._whole(axis)
        name = ("bottom", "left")[axis]
        finest = min(1.0, (whole[1] - whole[0]) / 2) if name in self.whole_axes else 0.0
        now = self.item.getViewBox().viewRange()[axis]
        found = bounded(low, high, whole, finest)
        # At a zoom limit the view stays in place instead of moving towards the pointer.
        stays = abs((found[1] - found[0]) - (now[1] - now[0])) <= 1e-6 * (now[1] - now[0])
        within = now[0] <= low and high <= now[1]
        around = low <= now[0] and now[1] <= high
        return (now[0], now[1]) if stays and (within or around) else found

    def fit(self) -> None:
        """Show the full ranges."""
        self.follow_x = self.follow_y = True
        self._asked = None
        self.refresh()

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
        for key in list(self._items):
            self.item.removeItem(self._items.pop(key))
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

    def _moved_by_hand(self, mask: Any) -> None:
        self.follow_x = self.follow_x and not mask[0]
        self.follow_y = self.follow_y and not mask[1]

    def _range_changed(self, *_: Any) -> None:
        # The source of the change, the user or a linked plot, has set x already.
        if not self._busy:
            self._asked = None
        self.refresh(move_x=False)

    def resized(self, *_: Any) -> None:
        """Draw again for another size of the view."""
        self.refresh(move_x=False)

    @property
    def columns(self) -> int:
        """Width of the view in pixels."""
        return max(16, int(self.item.getViewBox().width()))

    def pixel(self) -> tuple[float, float]:
        """Size of a pixel in drawn coordinates."""
        view = self.item.getViewBox()
        (x0, x1), (y0, y1) = view.viewRange()
        return (x1 - x0) / max(1.0, view.width()), (y1 - y0) / max(1.0, view.height())

    # Pens

    def pen(
        self, colour: QColor | str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine
    ) -> QPen:
        """Return a pen whose width does not depend on the zoom."""
        thick = width * self.ink * self.device_ratio
        return pg.mkPen(QColor(colour), width=thick, style=style)

    def entry_pen(self, series: Series, width: float = 1.0) -> QPen:
        """Return the pen of a scheme, with its colour and line style."""
        return self.pen(
            self.theme.colour(series.entry.colour), width, LINE_STYLES[series.entry.line][1]
        )

    def fill(self, colour: QColor | str, alpha: float) -> QBrush:
        """Return a translucent brush."""
        return QBrush(self.theme.tint(colour, alpha))

    def wash(self, colour: QColor | str, alpha: float) -> QBrush:
        """Return an opaque brush that looks translucent on the background, for pixel columns.

        Qt fills hundreds of narrow, tall columns twenty times as fast if they are
        opaque.
        """
        return QBrush(self.theme.washed(colour, alpha))

    # Items by key: created when first drawn, then updated, removed when not drawn

    def draw_x(self, x: ArrayLike) -> np.ndarray:
        """Convert x from data to drawn coordinates."""
        return drawable(self.x_unit.down(x), *self.item.getViewBox().viewRange()[0])

    def draw_y(self, y: ArrayLike) -> np.ndarray:
        """Convert y from data to drawn coordinates."""
        return drawable(self.y_unit.down(y), *self.item.getViewBox().viewRange()[1])

    def _item(self, key: tuple[str, Hashable], make: Callable[[], Any], z: float) -> Any:
        self._drawn.add(key)
        z += self._layer(key[1])
        if key not in self._items:
            self._items[key] = made = make()
            made.setZValue(z)
            self.item.addItem(made, ignoreBounds=True)
        elif self._items[key].zValue() != z:
            self._items[key].setZValue(z)
        return self._items[key]

    def _layer(self, name: Hashable) -> float:
        """Return the z offset of an item named after a scheme.

        Later schemes cover earlier ones, and the active one covers all, in whatever order they
        were first drawn, so that window, reopened session and figure look the same.
        """
        if self.data is None or self.draws_schemes == "none":
            return 0.0
        uid = name[0] if isinstance(name, tuple) and name else name
        return self.data.layers.get(uid, 0.0)

    def line(
        self,
        key: Hashable,
        x: np.ndarray,
        y: np.ndarray,
        pen: QPen,
        connect: str = "finite",
        z: float = 0,
        fill_to: float | None = None,
        brush: QBrush | None = None,
    ) -> None:
        """Draw a line through points; ``connect="pairs"`` draws separate segments."""
        item = self._item(("line", key), pg.PlotCurveItem, z)
        item.setData(
            self.draw_x(x), self.draw_y(y), pen=pen, connect=connect,
            fillLevel=fill_to, brush=brush,
        )  # fmt: skip

    def points(
        self,
        key: Hashable,
        x: np.ndarray,
        y: np.ndarray,
        symbol: str | QPainterPath,
        colour: QColor | str,
        size: float = 8,
        z: float = 5,
        hollow: bool = False,
    ) -> None:
        """Draw symbols of one kind at finite points."""
        item = self._item(("points", key), pg.ScatterPlotItem, z)
        x, y = self.draw_x(x), self.draw_y(y)
        keep = np.isfinite(x) & np.isfinite(y)
        item.setData(
            x[keep], y[keep], symbol=symbol, size=size * self.ink,
            pen=self.pen(colour, 2 if hollow else 1),
            brush=QBrush(Qt.BrushStyle.NoBrush) if hollow else QBrush(QColor(colour)),
        )  # fmt: skip

    def entry_points(self, key: Hashable, x: np.ndarray, y: np.ndarray, series: Series) -> None:
        """Draw symbols in a scheme's marker and colour."""
        self.points(key, x, y, MARKERS[series.entry.marker], self.theme.colour(series.entry.colour))

    def bars(
        self,
        key: Hashable,
        x0: np.ndarray,
        x1: np.ndarray,
        y0: np.ndarray,
        y1: np.ndarray,
        brush: QBrush,
        z: float = 0,
        least: float = 0,
    ) -> None:
        """Draw rectangles with finite edges, at least ``least`` pixels high."""
        x0, x1, y0, y1 = np.broadcast_arrays(
            self.draw_x(x0), self.draw_x(x1), self.draw_y(y0), self.draw_y(y1)
        )
        if least:
            y1 = np.maximum(y1, y0 + least * self.pixel()[1])
        keep = np.isfinite(y0) & np.isfinite(y1)
        options = {
            "x0": x0[keep], "width": (x1 - x0)[keep], "y0": y0[keep], "y1": y1[keep],
            "pen": pg.mkPen(None), "brush": brush,
        }  # fmt: skip
        if not keep.any():
            return
        item = self._item(("bars", key), lambda: pg.BarGraphItem(**options), z)
        item.setOpts(**options)

    def rule(
        self, key: Hashable, at: float, pen: QPen, vertical: bool = True, z: float = 1
    ) -> None:
        """Draw a straight line across the whole view."""
        item = self._item(
            ("rule", key), lambda: Rule(angle=90 if vertical else 0, movable=False), z
        )
        item.setPen(pen)
        item.setPos(float((self.draw_x if vertical else self.draw_y)(at)))

    def area(
        self, key: Hashable, rect: tuple[float, float, float, float], brush: QBrush, z: float = -5
    ) -> None:
        """Draw a filled rectangle x0, x1, y0, y1; hatching keeps its pitch at every zoom."""
        (x0, x1), (y0, y1) = self.draw_x(rect[:2]).tolist(), self.draw_y(rect[2:]).tolist()
        self._area(key, (x0, x1, y0, y1), brush, z)

    def image(
        self, key: Hashable, rect: tuple[float, float, float, float], pixels: np.ndarray,
        z: float = 0,
    ) -> None:  # fmt: skip
        """Draw RGBA pixels, shape (rows, columns, 4), the lowest row first, in x0, x1, y0, y1."""
        (x0, x1), (y0, y1) = self.draw_x(rect[:2]).tolist(), self.draw_y(rect[2:]).tolist()
        item = self._item(("image", key), lambda: pg.ImageItem(axisOrder="row-major"), z)
        item.setImage(pixels, autoLevels=False, levels=None)
        item.setRect(QRectF(x0, y0, x1 - x0, y1 - y0))

    def shades(self, colour: QColor | str, count: int = 256) -> np.ndarray:
        """Return colours from none to full as RGBA, shape (count, 4)."""
        full = QColor(colour)
        shades = np.empty((count, 4), np.ubyte)
        shades[:] = full.red(), full.green(), full.blue(), 0
        shades[:, 3] = np.linspace(0, 255, count).round()
        return shades

    def hatch_unused(self, name: str, x0: float, x1: float) -> None:
        """Hatch a stretch of unused codes in red."""
        hatch = QBrush(QColor(self.theme.alarm), Qt.BrushStyle.BDiagPattern)
        self.column(("unused", name), x0, x1, hatch, z=-6)
        self.column(("unused ground", name), x0, x1, self.fill(self.theme.alarm, 0.08), z=-7)

    def column(self, key: Hashable, x0: float, x1: float, brush: QBrush, z: float = -5) -> None:
        """Fill a range of x over the full height of the view."""
        left, right = self.draw_x([x0, x1]).tolist()
        self._area(key, (left, right, *self.item.getViewBox().viewRange()[1]), brush, z)

    def _area(
        self, key: Hashable, rect: tuple[float, float, float, float], brush: QBrush, z: float
    ) -> None:
        x0, x1, y0, y1 = rect
        item = self._item(("area", key), pg.QtWidgets.QGraphicsRectItem, z)
        item.setPen(QPen(Qt.PenStyle.NoPen))
        if brush.style() not in (Qt.BrushStyle.SolidPattern, Qt.BrushStyle.NoBrush):
            px, py = self.pixel()
            brush = QBrush(brush)
            brush.setTransform(QTransform.fromScale(px * self.ink, py * self.ink))
        item.setBrush(brush)
        item.setRect(QRectF())
        item.setRect(QRectF(x0, y0, x1 - x0, y1 - y0))

    def text(self, key: Hashable, x: float, y: float, text: str, colour: QColor | str,
             anchor: tuple[float, float] = (0.5, 0.5), z: float = 20,
             ground: bool = True) -> None:  # fmt: skip
        """Draw a short label at a point, on a ground that dims what lies below."""
        item = self._item(("text", key), pg.TextItem, z)
        # Translucent enough to follow the lines below, opaque enough to be readable.
        item.fill = self.fill(self.theme.background, 0.7) if ground else QBrush()
        item.textItem.document().setDocumentMargin(1)
        font = QFont()
        font.setPointSizeF(8.5)
        item.setFont(font)
        item.setText(text, color=QColor(colour))
        at_x, at_y = float(self.draw_x(x)), float(self.draw_y(y))
        # Move through the origin: see Rule in view.py.
        item.setPos(0, 0)
        item.setPos(at_x, at_y)
        size = item.textItem.boundingRect()
        point = self.point(at_x, at_y)

        def move(box: QRectF | None) -> None:
            item.setVisible(box is not None)
            if box is not None:
                item.setAnchor(pg.Point(*anchor_of(point, box)))

        box = anchored(point, size.width(), size.height(), anchor)
        self.place(Label(point, box, move))

    def point(self, x: float, y: float) -> QPointF:
        """Return the pixel position of a drawn point, from the upper left corner of the view."""
        (x0, _), (_, y1) = self.item.getViewBox().viewRange()
        px, py = self.pixel()
        return QPointF((x - x0) / px, (y1 - y) / py)

    def place(self, label: Label) -> None:
        """Register a label to be moved clear of others after painting."""
        self._placing.append(label)

    def _place_labels(self) -> None:
        view = self.item.getViewBox()
        room = QRectF(0, 0, max(1.0, view.width()), max(1.0, view.height()))
        for label, box in zip(self._placing, placed(self._placing, room), strict=True):
            label.move(box)
        self._placing.clear()
