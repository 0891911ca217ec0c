"""Tabs of places, with the sentence of the one in front; they can be folded to that line."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from quantoscope.gui.common.plain_text import letters
from quantoscope.gui.common.theme import Theme, icon, inked
from quantoscope.gui.panes.place import ElidedLabel, Place, Sentence


class Pages(QStackedWidget):
    """Pages of which only the one in front needs room."""

    def minimumSizeHint(self) -> QSize:
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else QSize(0, 0)


class Tabbed(QWidget):
    """Places behind tabs.

    Parameters
    ----------
    name : str
        What it is, for screen readers.
    wide : bool
        Whether the sentence stands beside the tabs, rather than below.
    """

    changed = Signal()
    """Another place is in front, or it was folded or unfolded."""

    def __init__(self, name: str, theme: Theme, wide: bool = False) -> None:
        super().__init__()
        self.setObjectName("tabbed")
        self._wide = wide
        self._places: list[Place] = []
        self._order: list[Place] = []
        self._folded = False
        self.bar = QTabBar(self)
        self.bar.setAccessibleName(name)
        self.bar.setDocumentMode(True)
        self.bar.setDrawBase(False)
        self.bar.setExpanding(False)
        self.bar.setElideMode(Qt.TextElideMode.ElideNone)
        self.bar.setUsesScrollButtons(True)
        self.line: ElidedLabel | Sentence = ElidedLabel(self) if wide else Sentence(self)
        self.line.setObjectName("insight")
        self.window_button = self._button(self.tr("Show in a window of its own"))
        self.window_button.clicked.connect(self._detach)
        self.fold_button = self._button("")
        self.fold_button.clicked.connect(self._toggle_fold)
        self.fold_button.setVisible(wide)
        self.stack = Pages(self)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 4, 0)
        row.setSpacing(6)
        row.addWidget(self.bar, 0 if wide else 1)
        layout = self._layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        layout.addLayout(row)
        if wide:
            row.addWidget(self.line, 1)
        else:
            self.line.setContentsMargins(6, 0, 2, 1)
            layout.addWidget(self.line)
        row.addWidget(self.window_button)
        row.addWidget(self.fold_button)
        layout.addWidget(self.stack, 1)
        self.bar.currentChanged.connect(self._on_current)
        self.bar.tabBarClicked.connect(self._on_clicked)
        self.restyle(theme)
        self._tell()

    def _button(self, text: str) -> QToolButton:
        button = QToolButton(self)
        button.setAutoRaise(True)
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(18, 18)
        button.setToolTip(text)
        button.setAccessibleName(text)
        return button

    # Places

    @property
    def places(self) -> tuple[Place, ...]:
        """The places behind its tabs."""
        return tuple(self._places)

    def add(self, place: Place) -> None:
        """Add a place as a tab, where it was before, or as the last."""
        if place not in self._order:
            self._order.append(place)
        before = self._order[: self._order.index(place)]
        at = sum(one in before for one in self._places)
        place.host = self
        self._places.insert(at, place)
        self.stack.insertWidget(at, place)
        place.insight_changed.connect(self._tell)
        self.bar.insertTab(at, place.name)
        self._tell()

    def add_foot(self, foot: QWidget) -> None:
        """Add a widget below the places, whichever is in front."""
        self._layout.addWidget(foot)

    def remove(self, place: Place) -> None:
        """Take a place out."""
        at = self._places.index(place)
        self._places.pop(at)
        place.insight_changed.disconnect(self._tell)
        self.stack.removeWidget(place)
        self.bar.removeTab(at)
        self._tell()

    @property
    def current(self) -> Place | None:
        """The place in front."""
        at = self.bar.currentIndex()
        return self._places[at] if 0 <= at < len(self._places) else None

    def bring(self, place: Place) -> None:
        """Show a place, unfolded."""
        self.show()
        self.bar.setCurrentIndex(self._places.index(place))
        self.fold(False)

    def release(self, place: Place) -> None:
        """Do without a place that gets a window of its own."""
        self.remove(place)
        self.setVisible(bool(self._places))

    def take_back(self, place: Place) -> None:
        """Show a place again whose own window was closed."""
        self.add(place)
        self.bring(place)

    def _detach(self) -> None:
        if self.current is not None:
            self.current.detach()

    def _on_current(self, at: int) -> None:
        if not 0 <= at < self.stack.count():
            return
        focus, before = QApplication.focusWidget(), self.stack.currentWidget()
        moves = before is not None and focus is not None and before.isAncestorOf(focus)
        self.stack.setCurrentIndex(at)
        self.stack.updateGeometry()
        if moves and self.current is not None:
            self.current.pane.setFocus(Qt.FocusReason.OtherFocusReason)
        self._tell()
        self.changed.emit()

    def _on_clicked(self, at: int) -> None:
        if at >= 0 and self._folded:
            self.bar.setCurrentIndex(at)
            self.fold(False)

    # Folding

    @property
    def folded(self) -> bool:
        """Whether only the tabs and the sentence are shown."""
        return self._folded

    def fold(self, folded: bool) -> None:
        """Fold it to the line of its tabs, or unfold it."""
        if folded == self._folded:
            return
        self._folded = folded
        self.stack.setVisible(not folded)
        self.bar.updateGeometry()
        self._name_button()
        self._tell()
        self.changed.emit()

    def _toggle_fold(self) -> None:
        self.fold(not self._folded)

    def _name_button(self) -> None:
        text = self.tr("Unfold") if self._folded else self.tr("Fold to one line")
        self.fold_button.setIcon(icon("up" if self._folded else "down", self._theme))
        self.fold_button.setToolTip(text)
        self.fold_button.setAccessibleName(text)

    # Sentence and look

    def _tell(self) -> None:
        # Folded, it tells what the first place would: the steps of the chosen value.
        place = self._places[0] if self._folded and self._places else self.current
        text = letters(place.insight) if place is not None else ""
        if self.current is not None:
            name = f"{self.current.name}: {self.window_button.toolTip()}"
            self.window_button.setAccessibleName(name)
        if isinstance(self.line, Sentence):
            self.line.say(text)
            self.line.setVisible(bool(text))
        else:
            self.line.setText(text)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self.window_button.setIcon(icon("float", theme))
        self.line.setPalette(inked(theme.muted))
        self._name_button()
