"""Fields for a figure's size: preset, width and height, text size, resolution."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.number_fields import NumberField, WholeField
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme, inked
from quantoscope.gui.common.widgets import hbox
from quantoscope.gui.export import choices
from quantoscope.gui.export.choices import CUSTOM, Size
from quantoscope.gui.export.presets import PRESET, PRESETS
from quantoscope.gui.export.spec import (
    MAX_DPI,
    MAX_POINTS,
    MIN_DPI,
    MIN_POINTS,
    MM_PER_INCH,
    SVG_PIXELS_PER_INCH,
    UNITS,
    FigureSpec,
    Unit,
    units_per_inch,
)

DECIMALS = {"mm": 1, "in": 3, "px": 0}
STEPS = {"mm": 5.0, "in": 0.25, "px": 10.0}
LIMITS = {"mm": (10.0, 2000.0), "in": (0.4, 80.0), "px": (40.0, 20000.0)}


class SizeFields(QObject):
    """Fields for rows of a form; a preset fills them, an edit makes the size custom."""

    changed = Signal()
    """The size of the figure or of its text has changed."""

    def __init__(self, settings: Settings, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._parent = parent
        self._settings = settings
        self._plots = self._columns = 1
        self._raster = True
        self._height, self._grows = 0.0, False
        self.preset = QComboBox(parent)
        self.preset.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.preset.setMinimumContentsLength(12)
        self.preset.addItem(self.tr("Custom"), CUSTOM)
        for preset in PRESETS:
            self.preset.addItem(self.tr(preset.title), preset.key)
        self.width, self.height = NumberField(parent), NumberField(parent)
        self.width.setAccessibleName(self.tr("Width"))
        self.height.setAccessibleName(self.tr("Height"))
        self.unit = QComboBox(parent)
        self.unit.addItems(list(UNITS))
        self.unit.setAccessibleName(self.tr("Unit of the size"))
        self.points = NumberField(parent)
        self.points.setRange(MIN_POINTS, MAX_POINTS)
        self.points.setDecimals(1)
        self.points.setSingleStep(0.5)
        self.points.setSuffix(self.tr(" pt"))
        self.dpi = WholeField(parent)
        self.dpi.setRange(MIN_DPI, MAX_DPI)
        self.dpi.setSuffix(self.tr(" dpi"))
        self.dpi.setValue(choices.remembered_dpi(settings))
        self.dpi.setToolTip(
            self.tr("Of a PNG; in SVG and PDF, of images and of layers with very many values.")
        )
        self.extent = QLabel(parent)
        self.restyle(theme)
        self.preset.currentIndexChanged.connect(self._on_preset)
        for field in (self.width, self.height, self.points):
            field.valueChanged.connect(self._on_field)
        self.unit.currentIndexChanged.connect(self._on_unit)
        self.dpi.valueChanged.connect(self.changed)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.extent.setPalette(inked(theme.muted))

    def add_rows(self, form: QFormLayout) -> None:
        """Add the fields to a form."""
        parent = self._parent
        self._row = QWidget(parent)
        times = QLabel("×", self._row)
        hbox(self._row, (self.width, 1), times, (self.height, 1), self.unit, spacing=4)
        label = QLabel(self.tr("Si&ze"), self._parent)
        label.setBuddy(self.width)
        form.addRow(self.tr("&Preset"), self.preset)
        form.addRow(label, self._row)
        form.addRow(self.tr("&Text"), self.points)
        form.addRow(self.tr("&Resolution"), self.dpi)
        form.addRow("", self.extent)

    def show_rows(self, form: QFormLayout, figure: bool, raster: bool) -> None:
        """Show the fields relevant to the format."""
        self._raster = raster
        for field in (self.preset, self._row, self.points, self.extent):
            form.setRowVisible(field, figure)
        form.setRowVisible(self.dpi, figure)
        self._say_extent()

    # Choices

    @property
    def size(self) -> Size:
        """Width and height in the chosen unit, text size, and preset."""
        unit = next(unit for unit in UNITS if unit == self.unit.currentText())
        width, height, preset = self.width.value(), self.height.value(), self.preset.currentData()
        if self._grows:
            height = self._height
        return Size(width, height, unit, self.points.value(), str(preset), self._grows)

    def take(self, plots: int, columns: int) -> None:
        """Fill in the last size for plots in columns, or the preset's."""
        self._plots, self._columns = max(1, plots), columns
        self._fill(choices.remembered_size(self._settings, self._plots, columns))

    def follow(self, plots: int, columns: int) -> None:
        """Adjust to another number of plots or columns."""
        preset = str(self.preset.currentData())
        self._plots, self._columns = max(1, plots), columns
        if preset:
            self._fill(choices.preset_size(preset, self._plots, columns))
        else:
            self._fill(choices.custom_size(self._settings, self._plots, columns))

    def remember(self) -> None:
        """Store the choices."""
        choices.remember_size(self._settings, self._plots, self.size, self._columns)
        self._settings.remember("export/dpi", self.dpi.value())

    def show_height(self, height: float) -> None:
        """Show the height that the figure has become, if it is nobody's choice."""
        if self._grows and height != self.height.value():
            with QSignalBlocker(self.height):
                self.height.setValue(height)
            self._say_extent()

    # Effects of choices

    def _fill(self, size: Size) -> None:
        self._height, self._grows = size.height, size.grows
        fields = (self.width, self.height)
        blocked = [QSignalBlocker(w) for w in (self.unit, self.preset, self.points, *fields)]
        self.preset.setCurrentIndex(self.preset.findData(size.preset))
        self.unit.setCurrentText(size.unit)
        self._filled_unit: Unit = size.unit
        for field, number in zip(fields, (size.width, size.height), strict=True):
            field.setDecimals(DECIMALS[size.unit])
            field.setRange(*LIMITS[size.unit])
            field.setSingleStep(STEPS[size.unit])
            field.setValue(number)
        self.points.setValue(size.points)
        for blocker in blocked:
            blocker.unblock()
        self._say_extent()

    def _on_preset(self) -> None:
        key = str(self.preset.currentData())
        if key:
            self._fill(choices.preset_size(key, self._plots, self._columns))
            with QSignalBlocker(self.dpi):
                self.dpi.setValue(PRESET[key].dpi)
            self._say_extent()
        self.changed.emit()

    def _on_field(self) -> None:
        """Switch to the custom size."""
        self._grows = False
        with QSignalBlocker(self.preset):
            self.preset.setCurrentIndex(self.preset.findData(CUSTOM))
        self.changed.emit()

    def _on_unit(self) -> None:
        """Keep the physical size when the unit changes."""
        new = self.size
        factor = self._per_inch(new.unit) / self._per_inch(self._filled_unit)
        height = new.height if new.preset else self.height.value()
        grows = new.grows and bool(new.preset)
        size = replace(new, width=new.width * factor, height=height * factor, grows=grows)
        self._fill(size)
        self.changed.emit()

    def _per_inch(self, unit: Unit) -> float:
        return units_per_inch(unit, self.dpi.value() if self._raster else SVG_PIXELS_PER_INCH)

    def _say_extent(self) -> None:
        """Show the size of the figure in other units."""
        size = self.size
        spec = FigureSpec((), size.width, self.height.value(), size.unit, self.dpi.value())
        width, height = spec.inches(self._raster)
        if self._raster and spec.unit != "px":
            text = filled(self.tr("= %1 × %2 pixels"), *spec.pixels())
        elif spec.unit == "px":
            sides = (f"{side * MM_PER_INCH:.0f}" for side in (width, height))
            text = filled(self.tr("= %1 × %2 mm on paper"), *sides)
        else:
            sides = (f"{side * SVG_PIXELS_PER_INCH:.0f}" for side in (width, height))
            text = filled(self.tr("= %1 × %2 pixels of 1/96 inch"), *sides)
        self.extent.setText(text)
