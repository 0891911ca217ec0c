"""Pane of a plot: its data, clicks, keys and cell editor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QRect, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from quantoscope.engine.numerics import mapped_arrays
from quantoscope.gui.common.localized_numbers import full
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.cell_field import CellField
from quantoscope.gui.panes.plot_edits import PlotEdits
from quantoscope.gui.panes.plot_options import OptionRow
from quantoscope.gui.panes.plot_reading import PlotReading
from quantoscope.gui.plots import Plot
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.feed import PlotFeed
from quantoscope.gui.plots.view import PlotView
from quantoscope.gui.workers.background import Ticket

TOP_MARGIN = 6
OPTIONS_FROM = 260
"""Minimum width of the pane, in pixels, for options above the plot."""
QWIDGETSIZE_MAX = (1 << 24) - 1
"""Qt's own, which Python does not see."""
STILL = 25
"""Milliseconds after which a moved view stands still."""
_ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class FocusRing(QWidget):
    """A frame around the pane with the keyboard focus."""

    def __init__(self, pane: QWidget) -> None:
        super().__init__(pane)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.colour = self.palette().highlight().color()
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(QPen(self.colour, 2))
        painter.drawRect(self.rect().adjusted(1, 1, -1, -1))


class PlotPane(QWidget):
    """Shows one plot of the feed's data while visible."""

    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane."""
    export_asked = Signal(str, arguments=["key"])
    copy_asked = Signal(str, arguments=["key"])
    """The user wants to export or copy the plot."""

    def __init__(
        self,
        kind: type[Plot],
        session: Session,
        feed: PlotFeed,
        theme: Theme,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._feed = feed
        self._waiting = False
        self._prepared: PlotData | None = None
        self._drawn_of: object = None
        """The tensor whose values are drawn."""
        self.widget = pg.PlotWidget(self, viewBox=PlotView(kind.x_only), background=None)
        self.plot = kind(self.widget.getPlotItem(), theme)
        self.plot.setParent(self)
        # Room for the upper half of a tick label at the top of the axis.
        self.widget.getPlotItem().layout.setContentsMargins(1, TOP_MARGIN, 1, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.widget.setFocusProxy(self)
        self.setAccessibleName(self.plot.title())
        self.widget.setAccessibleName(self.plot.title())
        self.setMinimumSize(160, 64)
        self.widget.setMinimumSize(0, 0)
        self.plot.deferred = True
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.setInterval(STILL)
        self._still.timeout.connect(self._on_still)
        self.cell_field = CellField(self.widget)
        self.cell_field.committed.connect(self._on_cell_committed)
        session.finish_typing.connect(self.cell_field.finish)
        session.resetting.connect(self.cell_field.close_field)
        self._reading = PlotReading(self.plot, self.widget, feed, self)
        self.readout = self._reading.label
        self.options = OptionRow(self.plot, self)
        self.options.chosen.connect(self._on_option)
        self.options.plane_chosen.connect(self._on_plane)
        vbox(self, self.options, self.widget, spacing=0)
        self.widget.scene().sigMouseClicked.connect(self._on_mouse_clicked)
        self._ring = FocusRing(self)
        self.widget.viewport().installEventFilter(self)
        self.plot.insight_changed.connect(self.insight_changed)
        self.insight_changed.connect(self.setAccessibleDescription)
        self._edits = PlotEdits(self.plot, session, self)
        self._edits.begun.connect(self._on_drag_begun)
        self.plot.labels_changed.connect(self._fit_labels)
        self.plot.outdated.connect(self._on_outdated)
        self.plot.more_asked.connect(self._on_more_asked)
        feed.changed.connect(self._on_data)
        feed.moved.connect(self._on_moved)
        if kind.picks_plane:
            feed.plane_chosen.connect(self._on_plane_chosen)
        if kind.slow:
            session.background.ended.connect(self._on_ended)
        view = self.widget.getPlotItem().getViewBox()
        view.sigXRangeChanged.connect(self._on_x_range)
        view.sigYRangeChanged.connect(self._on_y_range)
        view.sigResized.connect(self._fit_labels)
        self.restyle(theme)
        self._on_data(feed.data)

    def take_options(self) -> None:
        """Take the options back above the plot, from the head where they have stood."""
        layout = self.layout()
        if isinstance(layout, QVBoxLayout):
            self.options.setMaximumWidth(QWIDGETSIZE_MAX)
            self.options.setMinimumWidth(0)
            layout.insertWidget(0, self.options)

    def show_options(self) -> None:
        """Show the options where there is room; the context menu has them too."""
        inside = self.options.parentWidget() is self
        roomy = self.height() >= 120 and self.width() >= OPTIONS_FROM
        self.options.setVisible(self.plot.has_options and (roomy or not inside))

    def _on_option(self, key: str, choice: str) -> None:
        self.plot.choose(key, choice)
        self.options.offer()
        self._fit_labels()

    def choose_options(self, chosen: Mapping[str, str]) -> None:
        """Set display options, those that are not named to their first choice."""
        for key, choice in {**self.plot.first_options(), **chosen}.items():
            if choice != self.plot.chosen_options[key]:
                self.plot.choose(key, choice)
        self.options.offer()
        self._fit_labels()

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.widget.setBackground(theme.background)
        # The palette's, of what is selected, is pale in light colours.
        self._ring.colour = QColor(theme.highlight)
        self._ring.update()
        self.plot.restyle(theme)
        self._fit_labels()
        self._reading.restyle(theme)

    # Data

    def _watch(self) -> None:
        if self.plot.compares:
            self._session.view.watch_pair(self.plot.key, self.isVisible())
        if not self.isVisible():
            # It is recomputed when visible again.
            self._session.view.set_stopped(self.plot.key, False)

    def _on_x_range(self, view: Any, x_range: tuple[float, float]) -> None:
        # A hidden plot must not move linked plots.
        if self.isVisible():
            ends = self.plot.x_unit.up_pair(*map(float, x_range))
            self._feed.moved.emit(self.plot.x_quantity, *ends)
            self._reading.read_again()

    def _on_y_range(self, view: Any, y_range: tuple[float, float]) -> None:
        if self.isVisible() and self.plot.y_quantity:
            self._feed.moved.emit(self.plot.y_quantity, *map(float, y_range))
            self._reading.read_again()

    def _on_moved(self, quantity: str, low: float, high: float) -> None:
        view = self.widget.getPlotItem().getViewBox()
        quantities = self.plot.x_quantity, self.plot.y_quantity
        if not quantity or quantity not in quantities:
            return
        axis = quantities.index(quantity)
        # Drawn positions may differ between linked plots: their scales may.
        unit = self.plot.y_unit if axis else self.plot.x_unit
        low, high = unit.down_pair(low, high)
        if view.viewRange()[axis] != [low, high]:
            with QSignalBlocker(self._feed):
                (view.setYRange if axis else view.setXRange)(low, high, padding=0)

    def _on_data(self, data: PlotData) -> None:
        self._waiting = True
        if self.isVisible():
            self._feed.in_turn(self, self._draw)
        else:
            # An outdated plot must not move linked plots.
            self.plot.forget()

    def _draw(self) -> None:
        """Draw the feed's current data, computing slow parts in the background first."""
        data = self._feed.data
        if data.whole is not None:
            mapped_arrays.look(data.whole)
        if not self.isVisible():
            self.plot.forget()
            return
        self.options.offer_planes(self._feed.data)
        waits = self.plot.slow and not self.plot.is_prepared(data)
        if waits and self._prepared is not data:
            if self._drawn_of is not self._session.current:
                # What is drawn is of another tensor.
                self.plot.clear()
            if data.awaited and not self.plot.early:
                self.plot.insight = ""
                self.insight_changed.emit(self.tr("Not quantized yet."))
                return
            if not self.plot.insight:
                self.insight_changed.emit(self.tr("Computing…"))
            self._compute(data)
            return
        self.plot.draw(data)
        if data.whole is self._session.array:
            self._drawn_of = self._session.current
        self.options.offer()
        self._fit_labels()
        self._reading.read_again()
        self._waiting = False
        self._session.view.set_stopped(self.plot.key, False)

    def _on_outdated(self) -> None:
        """Compute what another option shows; the sentence is no longer that of the picture."""
        self._prepared, self.plot.insight = None, ""
        self._on_data(self._feed.data)

    def _compute(self, data: PlotData) -> None:
        """Compute what drawing needs, on another thread."""
        self._session.view.set_stopped(self.plot.key, False)
        job, done = partial(_prepare, self.plot.preparation(data), data), self._on_prepared
        self._session.background.start(self.plot.key, job, done, only_reads=True)

    def _on_more_asked(self) -> None:
        """Compute what a moved view lacks once it stands still: until then it is soon of no use."""
        self._still.start()

    def _on_still(self) -> None:
        if self.isVisible() and self.plot.data is self._feed.data:
            self._compute(self._feed.data)

    def _on_ended(self, kind: str) -> None:
        """Report a stopped computation; a finished one is drawn right after."""
        if kind == self.plot.key and self.isVisible():
            self._session.view.set_stopped(kind, True)

    def _on_prepared(self, data: PlotData) -> None:
        self._session.view.set_stopped(self.plot.key, False)
        if data is self._feed.data:
            self._prepared = data
            self._feed.in_turn(self, self._draw)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        # Cosmetic pens are measured in device pixels.
        self.plot.device_ratio = self.plot.density = self.devicePixelRatioF()
        self._watch()
        if self._waiting:
            self._on_data(self._feed.data)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._watch()

    def fit(self) -> None:
        """Show the full ranges."""
        self.plot.fit()

    # Pointer

    def eventFilter(self, watched: Any, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self._reading.point_nowhere()
        return super().eventFilter(watched, event)

    def _on_mouse_clicked(self, event: Any) -> None:
        if event.button() != Qt.MouseButton.LeftButton:
            return
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        at = self._reading.at(event.scenePos())
        if event.double():
            if at is None or not self._edit_at(*self.plot.at(*at)):
                self.fit()
            return
        if at is None or self.plot.data is None:
            return
        at = self.plot.at(*at)
        channel = self.plot.pick_channel(self.plot.data, *at)
        if channel is not None:
            self._edits.focus_on(channel)
            return
        position = self.plot.pick(self.plot.data, *at)
        if position is not None:
            self._edits.choose(self.plot.flat(self.plot.data, position))

    def _on_plane(self, text: str, position: int) -> None:
        """Show another plane in every image, with the cursor in the same cell."""
        self._feed.plane_chosen.emit(text)
        if text and position != self._session.view.chosen:
            self._edits.choose(position)

    def _on_plane_chosen(self, text: str) -> None:
        self.plot.choose("plane", text)
        self.options.offer_planes(self._feed.data)

    # Editing a cell

    def _edit_at(self, x: float, y: float) -> bool:
        """Edit the value of a cell; return whether there is one that shows its number."""
        data = self.plot.data
        place = None if data is None else self.plot.pick(data, x, y)
        return place is not None and data is not None and self._edit(self.plot.flat(data, place))

    def _edit(self, position: int) -> bool:
        """Open an editor over a value's cell; return whether it is shown with its number."""
        data = self.plot.data
        box = None if data is None else self.plot.cell_box(data, position)
        if box is None or self._session.evaluator.snapshot.array.shape != self._session.array.shape:
            return False
        self._edits.choose(position)
        view = self.widget.getPlotItem().getViewBox()
        corners = [
            self.widget.mapFromScene(view.mapViewToScene(point))
            for point in (box.topLeft(), box.bottomRight())
        ]
        value = self._session.array.reshape(-1)[position]
        self.cell_field.open(position, full(value), QRect(*corners).normalized())
        return True

    def _on_cell_committed(self, position: int, text: str, number: float, onward: bool) -> None:
        commands.edit_value(self._session, position, number)
        commands.tell_rounded(self._session, text, number)
        if onward and self.plot.data is not None:
            below = self.plot.neighbour(self.plot.data, position, 0, 1)
            if below is not None:
                self._edits.choose(below)
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    # Keys and menu

    def _on_drag_begun(self) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)

    def event(self, event: QEvent) -> bool:
        asked = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if asked and event.type() == QEvent.Type.ShortcutOverride and self.plot.dragging:
            # Before Escape does what it does in the whole window.
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        view = self.widget.getPlotItem().getViewBox()
        if key == Qt.Key.Key_Escape and self.plot.dragging:
            self._edits.let_go()
        elif key in _ARROWS:
            across, down = _ARROWS[key]
            held = event.modifiers()
            if across and held & Qt.KeyboardModifier.ShiftModifier:
                self._edits.move_chosen(across)
            elif across and held & Qt.KeyboardModifier.AltModifier:
                self._edits.move_chosen(across / 10)
            else:
                self._edits.go(across, down)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._session.view.chosen is not None:
            chosen = self._session.view.chosen
            if not self._edit(chosen) and self.plot.data is not None:
                self.plot.approach(self.plot.data, chosen)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal, Qt.Key.Key_Minus):
            factor = 1.25 if key == Qt.Key.Key_Minus else 0.8
            self.plot.follow_x = False
            view.scaleBy(x=factor, y=None if self.plot.x_only else factor)
        elif key in (Qt.Key.Key_0, Qt.Key.Key_Home):
            self.fit()
        else:
            super().keyPressEvent(event)

    def context_menu(self) -> QMenu:
        """Return a new menu of what can be done here."""
        menu = QMenu(self)
        menu.addAction(self.tr("Show &everything"), self.fit)
        menu.addSeparator()
        self.options.add_to(menu)
        if self.plot.options:
            menu.addSeparator()
        menu.addAction(self.tr("&Copy as image"), self._ask_copy)
        menu.addAction(self.tr("E&xport…"), self._ask_export)
        return menu

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = self.context_menu()
        menu.exec(event.globalPos())
        menu.deleteLater()

    def _ask_copy(self) -> None:
        self.copy_asked.emit(self.plot.key)

    def _ask_export(self) -> None:
        self.export_asked.emit(self.plot.key)

    def _fit_labels(self) -> None:
        """Reduce axis labels in a low pane, keeping the offset and exponent."""
        item = self.widget.getPlotItem()
        top = item.getAxis("top")
        if top.labelText:
            top.showLabel(self.height() >= 130)
        self.plot.show_label("bottom", self.height() >= 130)
        # A cut-off label is less useful than the head of the pane.
        axis = item.getAxis("left")
        self.plot.show_label("left", self.plot.label_length("left") <= axis.height())

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._ring.show()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._ring.hide()

    def minimumSizeHint(self) -> QSize:
        return self.minimumSize()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._ring.setGeometry(self.rect())
        self._ring.raise_()
        self.show_options()
        self._fit_labels()
        if not self.readout.isHidden():
            self._reading.place()


def _prepare(work: Callable[[], None], data: PlotData, ticket: Ticket) -> PlotData:
    """Compute slow parts of a plot off the GUI thread."""
    ticket.step(0, 0)
    work()
    return data
