"""The fields of the export dialog: what, which plots, format, size and look."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from gui.export import choices
from gui.export.choices import FIGURE, FORMATS, RESULTS, TABLE, Size
from gui.export.figure import MAX_DPI, MIN_DPI, MM_PER_INCH, SVG_PIXELS_PER_INCH, FigureSpec
from gui.numbers_text import filled
from gui.settings import Settings
from gui.theme import Theme

DECIMALS = {"mm": 1, "px": 0}
TAKEN = "bflmnrwxz"
"""Letters that the dialog's other mnemonics have."""
LIMITS = {"mm": (10.0, 2000.0), "px": (40.0, 20000.0)}


class ExportForm(QWidget):
    """Asks what to export and how; remembers nothing until told to.

    Signals
    -------
    changed()
        Something that the file depends on.
    """

    changed = Signal()

    def __init__(
        self,
        settings: Settings,
        theme: Theme,
        names: dict[str, str],
        visible: Sequence[str],
        start: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._theme = theme
        self._visible = tuple(visible) or tuple(names)
        self._build_fields(names)
        self._lay_out()
        self._select(start)
        self._connect()

    def _build_fields(self, names: dict[str, str]) -> None:
        self.what = QComboBox(self)
        self.what.addItem(self.tr("Figure of plots"), FIGURE)
        self.what.addItem(self.tr("Table: values, stages, codes"), TABLE)
        self.what.addItem(self.tr("Results: every figure of merit"), RESULTS)
        self.plots: dict[str, QCheckBox] = {}
        self._plot_rows = QWidget(self)
        grid = QGridLayout(self._plot_rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        taken = set(TAKEN)
        for place, (key, name) in enumerate(names.items()):
            box = QCheckBox(_with_key(name, taken), self._plot_rows)
            self.plots[key] = box
            grid.addWidget(box, place // 2, place % 2)
        self.format = QComboBox(self)
        self.width_field, self.height_field = QDoubleSpinBox(self), QDoubleSpinBox(self)
        self.width_field.setAccessibleName(self.tr("Width"))
        self.height_field.setAccessibleName(self.tr("Height"))
        self.unit = QComboBox(self)
        self.unit.addItems(["mm", "px"])
        self.unit.setAccessibleName(self.tr("Unit of the size"))
        self.dpi = QSpinBox(self)
        self.dpi.setRange(MIN_DPI, MAX_DPI)
        self.dpi.setSuffix(self.tr(" dpi"))
        self.dpi.setValue(choices.remembered_dpi(self._settings))
        self.extent = QLabel(self)
        self.extent.setObjectName("extent")
        self.look = QComboBox(self)
        self.look.addItem(self.tr("Light, for paper"), choices.PAPER)
        self.look.addItem(self.tr("Dark"), choices.DARK_LOOK)
        self.look.addItem(self.tr("As on the screen"), choices.SCREEN)
        self.look.setCurrentIndex(self.look.findData(choices.remembered_look(self._settings)))
        self.mark = QCheckBox(self.tr("&Mark the chosen value"), self)
        self.mark.setChecked(bool(self._settings.number("export/mark", 0)))

    def _lay_out(self) -> None:
        self._form = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&What"), self.what)
        form.addRow(self.tr("Plots"), self._plot_rows)
        form.addRow(self.tr("&Format"), self.format)
        size = QWidget(self)
        row = QHBoxLayout(size)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.width_field, 1)
        row.addWidget(QLabel("×", size))
        row.addWidget(self.height_field, 1)
        row.addWidget(self.unit)
        size.setFocusProxy(self.width_field)
        self._size_row = size
        label = QLabel(self.tr("Si&ze"), self)
        label.setBuddy(self.width_field)
        form.addRow(label, size)
        form.addRow(self.tr("&Resolution"), self.dpi)
        form.addRow("", self.extent)
        form.addRow(self.tr("&Look"), self.look)
        form.addRow("", self.mark)
        self.extent.setStyleSheet(f"#extent {{ color: {self._theme.muted}; }}")

    def _select(self, start: str) -> None:
        """Choose what the person came for."""
        what = start if start in (TABLE, RESULTS) else FIGURE
        chosen = (start,) if start in self.plots else self._visible
        for key, box in self.plots.items():
            box.setChecked(key in chosen)
        self.what.setCurrentIndex(self.what.findData(what))
        self._fill_formats()
        self._fill_size()
        self._show_rows()

    def _connect(self) -> None:
        self.what.currentIndexChanged.connect(self._on_what)
        for box in self.plots.values():
            box.toggled.connect(self._on_plots)
        self.format.currentIndexChanged.connect(self._on_change)
        for field in (self.width_field, self.height_field):
            field.valueChanged.connect(self._on_change)
        self.unit.currentIndexChanged.connect(self._on_unit)
        self.dpi.valueChanged.connect(self._on_change)
        self.look.currentIndexChanged.connect(self._on_change)
        self.mark.toggled.connect(self._on_change)

    # What is chosen

    @property
    def kind(self) -> str:
        """``figure``, ``table`` or ``results``."""
        return str(self.what.currentData())

    @property
    def ending(self) -> str:
        """The ending of the file, with its dot."""
        return str(self.format.currentData())

    @property
    def keys(self) -> tuple[str, ...]:
        """The plots that are ticked, from top to bottom."""
        return tuple(key for key, box in self.plots.items() if box.isChecked())

    @property
    def raster(self) -> bool:
        """Whether the figure is made of pixels."""
        return self.ending == ".png"

    @property
    def size_chosen(self) -> Size:
        """Width and height in the chosen unit."""
        unit = "px" if self.unit.currentText() == "px" else "mm"
        return Size(self.width_field.value(), self.height_field.value(), unit)  # type: ignore[arg-type]

    def spec(self) -> FigureSpec:
        """The figure that is asked for."""
        size = self.size_chosen
        return FigureSpec(
            self.keys,
            size.width,
            size.height,
            size.unit,
            self.dpi.value(),
            choices.theme_of(str(self.look.currentData()), self._theme),
            self.mark.isChecked(),
        )

    def set_ending(self, ending: str) -> None:
        """Follow the ending that the person gave the file."""
        place = self.format.findData(ending)
        if place >= 0:
            self.format.setCurrentIndex(place)

    def remember(self) -> None:
        """Keep the choices for the next time."""
        self._settings.remember(f"export/format-{self.kind}", self.ending)
        if self.kind != FIGURE:
            return
        choices.remember_size(self._settings, len(self.keys), self.size_chosen)
        self._settings.remember("export/dpi", self.dpi.value())
        self._settings.remember("export/look", str(self.look.currentData()))
        self._settings.remember("export/mark", int(self.mark.isChecked()))

    # What follows from a choice

    def _on_change(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _on_what(self) -> None:
        self._fill_formats()
        self._on_change()

    def _on_plots(self) -> None:
        self._fill_size()
        self._on_change()

    def _fill_formats(self) -> None:
        """Offer the formats of what is exported, the one last used first."""
        kept = QSignalBlocker(self.format)
        self.format.clear()
        texts = {
            ".png": self.tr("PNG picture"),
            ".svg": self.tr("SVG drawing"),
            ".pdf": self.tr("PDF page"),
            ".csv": self.tr("CSV text"),
            ".npz": self.tr("NumPy .npz"),
        }
        for ending in FORMATS[self.kind]:
            self.format.addItem(texts[ending], ending)
        self.set_ending(choices.remembered_format(self._settings, self.kind))
        kept.unblock()

    def _fill_size(self) -> None:
        """Take the size last used for so many plots."""
        self._set_size(choices.remembered_size(self._settings, max(1, len(self.keys))))

    def _set_size(self, size: Size) -> None:
        fields = (self.width_field, self.height_field)
        kept = [QSignalBlocker(w) for w in (self.unit, *fields)]
        self.unit.setCurrentText(size.unit)
        for field, number in zip(fields, (size.width, size.height), strict=True):
            field.setDecimals(DECIMALS[size.unit])
            field.setRange(*LIMITS[size.unit])
            field.setSingleStep(5 if size.unit == "mm" else 10)
            field.setValue(number)
        for blocker in kept:
            blocker.unblock()

    def _per_inch(self, unit: str) -> float:
        if unit == "mm":
            return MM_PER_INCH
        return self.dpi.value() if self.raster else SVG_PIXELS_PER_INCH

    def _on_unit(self) -> None:
        """Keep the size on paper when the unit changes."""
        new = self.size_chosen
        factor = self._per_inch(new.unit) / self._per_inch("px" if new.unit == "mm" else "mm")
        self._set_size(Size(new.width * factor, new.height * factor, new.unit))
        self._on_change()

    def _show_rows(self) -> None:
        """Show the fields that matter for what is chosen."""
        figure = self.kind == FIGURE
        for field in (self._plot_rows, self._size_row, self.look, self.mark):
            self._form.setRowVisible(field, figure)
        self._form.setRowVisible(self.dpi, figure and self.raster)
        self._form.setRowVisible(self.extent, figure)
        spec = self.spec()
        width, height = spec.inches(self.raster)
        if self.raster and spec.unit == "mm":
            text = filled(self.tr("= %1 × %2 pixels"), *spec.pixels())
        elif spec.unit == "px":
            sides = (f"{side * MM_PER_INCH:.0f}" for side in (width, height))
            text = filled(self.tr("= %1 × %2 mm on paper"), *sides)
        else:
            sides = (f"{side * SVG_PIXELS_PER_INCH:.0f}" for side in (width, height))
            text = filled(self.tr("= %1 × %2 pixels of 1/96 inch"), *sides)
        self.extent.setText(text)


def _with_key(name: str, taken: set[str]) -> str:
    """The name with a mnemonic on its first letter that nothing else has."""
    for place, letter in enumerate(name.lower()):
        if letter.isalpha() and letter not in taken:
            taken.add(letter)
            return f"{name[:place]}&{name[place:]}"
    return name
