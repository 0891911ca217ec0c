"""Places of plots, which create the plot when it is first shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import cast

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from quantoscope.gui.common.theme import Theme, icon
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.place import Place, Sentence
from quantoscope.gui.panes.plot_pane import PlotPane
from quantoscope.gui.plots import Plot
from quantoscope.gui.plots.feed import PlotFeed

NARROW = 330
"""Width in pixels below which the name is the beginning of the sentence."""
SENTENCE_ROOM = 460
"""Width in pixels that the sentence needs for the options to stand beside it."""
OPTION_EDGE = 4
"""Height in pixels of a box of options above its text."""


class PlotPlace(Place):
    """A plot below its name and sentence.

    Signals
    -------
    built(PlotPane)
        The plot was created, but not drawn yet.
    """

    built = Signal(object)

    def __init__(self, kind: type[Plot], session: Session, feed: PlotFeed, theme: Theme) -> None:
        name = self.tr(kind.name or kind.key.capitalize())
        super().__init__(kind.key, name, name, theme)
        self.kind = kind
        self._session, self._feed = session, feed
        self.head = QWidget(self)
        self.label = QLabel(name, self.head)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        font = self.label.font()
        font.setBold(True)
        self.label.setFont(font)
        self.label.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.sentence = Sentence(self.head)
        self.sentence.setObjectName("insight")
        self.window_button = QToolButton(self.head)
        self.window_button.setAutoRaise(True)
        self.window_button.setIconSize(QSize(12, 12))
        self.window_button.setFixedSize(18, 18)
        self.window_button.clicked.connect(self._toggle_window)
        self._row = QHBoxLayout(self.head)
        self._row.setContentsMargins(8, 2, 2, 0)
        self._row.setSpacing(8)
        self._row.addWidget(self.label, 0, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self.sentence, 1, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self.window_button, 0, Qt.AlignmentFlag.AlignTop)
        self._layout.addWidget(self.head)
        self._named = self._marked = False
        self.insight_changed.connect(self.sentence.say)
        self.detached.connect(self._on_detached)
        self._on_detached(False)
        self.restyle(theme)

    @property
    def is_built(self) -> bool:
        """Whether the plot exists."""
        return self._pane is not None

    @property
    def pane(self) -> PlotPane:
        """The plot, created if necessary."""
        if self._pane is None:
            self._build()
        return cast(PlotPane, self._pane)

    def _build(self) -> None:
        pane = PlotPane(self.kind, self._session, self._feed, self.theme)
        self._hold(pane)
        self.title = pane.plot.title()
        self.set_insight(pane.plot.insight or " ")
        pane.insight_changed.connect(self.set_insight)
        self._arrange()
        self.built.emit(pane)

    def showEvent(self, event: QShowEvent) -> None:
        # Qt would show what is added to a visible widget only later.
        self.pane.show()
        super().showEvent(event)

    def show_name(self, shown: bool, active: bool) -> None:
        """Show the name, underlined in the view that a chosen tab replaces, or leave it out."""
        self._named, self._marked = shown or self.alone, active
        font = self.label.font()
        font.setUnderline(active)
        self.label.setFont(font)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the name before the sentence or into it, and the options beside it or below."""
        narrow = self.width() < NARROW
        self.label.setVisible(self._named and not narrow)
        html = escape(self.name)
        html = f"<b>{f'<u>{html}</u>' if self._marked else html}</b>"
        self.sentence.name(html if self._named and narrow else "")
        if not self.is_built or not self.pane.plot.has_options:
            return
        options = self.pane.options
        beside = self.width() - self.pane.options.needed >= SENTENCE_ROOM
        if beside and self._row.indexOf(options) < 0:
            self._row.insertWidget(2, options, 0, Qt.AlignmentFlag.AlignTop)
        elif not beside and self._row.indexOf(options) >= 0:
            self.pane.take_options()
        for text in (self.label, self.sentence):
            # On a line with the text of the boxes.
            text.setContentsMargins(0, OPTION_EDGE if beside else 0, 0, 0)
        if beside:
            options.setFixedWidth(self.pane.options.needed)
        self.pane.show_options()

    def _toggle_window(self) -> None:
        if self.alone:
            self.attach()
        else:
            self.detach()

    def _on_detached(self, alone: bool) -> None:
        back, out = self.tr("Put back into the window"), self.tr("Show in a window of its own")
        text = back if alone else out
        self.window_button.setToolTip(text)
        self.window_button.setAccessibleName(f"{self.name}: {text}")

    def restyle(self, theme: Theme) -> None:
        super().restyle(theme)
        self.window_button.setIcon(icon("float", theme))


class Plots(Mapping[str, PlotPane]):
    """Mapping of a window's plots by key; access creates the plot."""

    def __init__(self, places: Mapping[str, PlotPlace]) -> None:
        self.places = places

    def __getitem__(self, key: str) -> PlotPane:
        return self.places[key].pane

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def in_front(self) -> list[str]:
        """Keys of the visible plots, in menu order."""
        return [key for key, place in self.places.items() if place.in_front]

    def built(self) -> dict[str, PlotPane]:
        """Existing plots by key."""
        return {key: place.pane for key, place in self.places.items() if place.is_built}
