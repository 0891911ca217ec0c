"""Boxes for a scheme's colour, line and marker, with samples."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from quantoscope.gui.common.theme import COLOURS, LINE_STYLES, MARKERS, Theme, swatch
from quantoscope.gui.common.widgets import hbox
from quantoscope.gui.document.snapshot import Entry

ICON = QSize(26, 14)
NAMES = {
    "colour": [name for name, _, _ in COLOURS],
    "line": [name for name, _ in LINE_STYLES],
    "marker": list(MARKERS),
}


class StyleRow(QWidget):
    """Three boxes side by side."""

    chosen = Signal(str, int, arguments=["key", "place"])
    """``colour``, ``line`` or ``marker``, and its index in the theme's list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.colour, self.line, self.marker = QComboBox(self), QComboBox(self), QComboBox(self)
        hbox(self, (self.colour, 1), (self.line, 1), (self.marker, 1), spacing=4)
        for box, title, key in (
            (self.colour, self.tr("Colour"), "colour"),
            (self.line, self.tr("Line style"), "line"),
            (self.marker, self.tr("Marker"), "marker"),
        ):
            box.setAccessibleName(title)
            box.setToolTip(title)
            box.setIconSize(ICON)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.setMinimumWidth(44)
            box.setProperty("style_key", key)
            for place, name in enumerate(NAMES[key]):
                box.addItem("")
                box.setItemData(place, name, Qt.ItemDataRole.ToolTipRole)
            box.activated.connect(self._on_activated)
        self.setFocusProxy(self.colour)
        self._shown: tuple[object, ...] = ()

    def show_entry(self, entry: Entry, theme: Theme) -> None:
        """Show an entry's style, with a sample of each choice."""
        ratio = self.devicePixelRatioF()
        look = entry.colour, entry.line, entry.marker, theme, ratio
        if look == self._shown:
            return
        self._shown = look
        for box in (self.colour, self.line, self.marker):
            key = str(box.property("style_key"))
            box.setCurrentIndex(getattr(entry, key))
            for place in range(box.count()):
                other = replace(entry, **{key: place})  # type: ignore[arg-type]
                style, marker = LINE_STYLES[other.line][1], MARKERS[other.marker]
                picture = swatch(theme.colour(other.colour), style, marker, ICON, ratio)
                box.setItemIcon(place, QIcon(picture))

    def _on_activated(self, place: int) -> None:
        self.chosen.emit(str(self.sender().property("style_key")), place)
