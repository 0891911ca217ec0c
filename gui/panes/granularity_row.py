"""Fields for the granularity: its kind, the size of groups, and the axes by name."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QSizePolicy, QWidget

from quantoscope.engine import Granularity, QuantizationError, Role
from quantoscope.engine.numerics.granularity import (
    CHANNEL,
    GRANULARITIES,
    GROUP,
    MAX_GROUP,
    TENSOR,
    Axis,
)
from quantoscope.engine.numerics.roles import IN, OUT
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.number_fields import WholeField
from quantoscope.gui.common.widgets import hbox, vbox
from quantoscope.gui.document.axes import role_text
from quantoscope.gui.panes.form_fields import ChoiceBox

FIRST: dict[str, tuple[Axis, ...]] = {TENSOR: (), CHANNEL: (0,), GROUP: (32,)}
BY_ROLE: dict[str, tuple[Axis, ...]] = {TENSOR: (), CHANNEL: (OUT,), GROUP: (32, IN)}
"""What a kind begins with; where a file tells the role of the axes, by their words."""
_MOST = 8
"""Maximum number of axes that are offered; the text of the scheme takes any."""


class GranularityRow(QWidget):
    """A box for the kind, a field for the size of groups, and below a box for the axes."""

    chosen = Signal(object, arguments=["granularity"])
    """The user has chosen another granularity."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shape: tuple[int, ...] = ()
        self._role: Role | None = None
        self._offers: list[tuple[Axis, ...]] = []
        self.kind = ChoiceBox(self)
        self.kind.setAccessibleName(self.tr("Granularity"))
        self.kind.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        for name, summary in GRANULARITIES.items():
            self.kind.addItem(name)
            tip = Qt.ItemDataRole.ToolTipRole
            self.kind.setItemData(self.kind.count() - 1, self.tr(summary), tip)
        self.number = WholeField(self)
        self.number.setKeyboardTracking(False)
        self.number.setRange(1, MAX_GROUP)
        self.number.setAccessibleName(self.tr("Values per group"))
        self.number.installEventFilter(self)
        self.axes = ChoiceBox(self)
        self.axes.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.kind.setMinimumWidth(102)
        self.number.setFixedWidth(66)
        # Reserve room for both, so that the width of the form does not depend on the choice.
        self.setMinimumWidth(102 + 4 + 66)
        vbox(self, hbox(None, (self.kind, 1), self.number, spacing=4), self.axes, spacing=4)
        self.setFocusProxy(self.kind)
        self.kind.textActivated.connect(self._on_kind)
        self.number.valueChanged.connect(self._on_choice)
        self.axes.activated.connect(self._on_choice)

    def show_granularity(
        self, granularity: Granularity, shape: tuple[int, ...], role: Role | None
    ) -> None:
        """Show a granularity, for an array of a shape, whose axes have a role."""
        self._shape, self._role = shape, role
        blocked = QSignalBlocker(self.number)
        self.kind.setCurrentText(granularity.kind)
        self.kind.setToolTip(self.tr(GRANULARITIES[granularity.kind]))
        self.number.setValue(max(1, granularity.size))
        self.number.setVisible(granularity.kind == GROUP)
        blocked.unblock()
        self._show_axes(granularity)

    def _show_axes(self, granularity: Granularity) -> None:
        self.axes.setVisible(not granularity.whole)
        if granularity.whole:
            return
        offered = [*self._offered(granularity.kind), granularity.axes]
        self._offers = list(dict.fromkeys(offered))
        self.axes.clear()
        self.axes.addItems([self._name(granularity, axes) for axes in self._offers])
        self.axes.setCurrentIndex(self._offers.index(granularity.axes))
        along = self.tr("Axis of the channels")
        if granularity.kind == GROUP:
            along = self.tr("Axis along which groups lie")
        self.axes.setAccessibleName(along)
        said = role_text(self._role, len(self._shape))
        self.axes.setToolTip(f"{along}; {said}" if said else along)
        # An array of one axis leaves no choice.
        self.axes.setVisible(len(self._offers) > 1)

    def _offered(self, kind: str) -> Iterator[tuple[Axis, ...]]:
        """Yield the axes to choose from, as arguments of the scheme's text."""
        ndim = len(self._shape)
        if ndim > 1:
            yield from ((OUT,), (IN,))
        axes = range(min(ndim, _MOST))
        for axis in axes:
            yield ((-1,) if kind == GROUP and axis == ndim - 1 else (axis,))
        for axis in axes[1:-1]:
            yield (f"{axis}..",)

    def _name(self, granularity: Granularity, axes: tuple[Axis, ...]) -> str:
        """Return the axes in words, with their numbers and length."""
        words = ", ".join(map(str, axes))
        size = granularity.arguments[: granularity.kind == GROUP]
        try:
            found = Granularity(granularity.kind, *size, *axes).axes_of(self._shape, self._role)
        except QuantizationError:
            return words
        numbers = f"{found[0]}…{found[-1]}"
        if found != tuple(range(found[0], found[0] + len(found))):
            numbers = ", ".join(map(str, found))
        several = len(found) > 1
        named = self.tr("axes %1 flattened") if several else self.tr("axis %1")
        text = filled(named, numbers if several else found[0])
        return f"{words}: {text}" if axes in ((OUT,), (IN,)) else text

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        # Leave undo and redo to the window.
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            keys = QKeySequence.StandardKey
            if event.matches(keys.Undo) or event.matches(keys.Redo):
                event.ignore()
                return True
        return super().eventFilter(watched, event)

    def _on_kind(self, kind: str) -> None:
        known = self._role is not None and self._role.fits(len(self._shape))
        self.chosen.emit(Granularity(kind, *(BY_ROLE if known else FIRST)[kind]))

    def _on_choice(self) -> None:
        kind, axes = self.kind.currentText(), self._offers[self.axes.currentIndex()]
        size = (self.number.value(),) if kind == GROUP else ()
        self.chosen.emit(Granularity(kind, *size, *axes))
