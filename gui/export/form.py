"""Fields of the export dialog: content, plots, format, size and look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from string import ascii_lowercase

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QGridLayout, QWidget

from quantoscope.gui.common.number_fields import WholeField
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import hbox, name_fields
from quantoscope.gui.export import choices
from quantoscope.gui.export.kinds import FIGURE, KINDS, PARAMETERS, REPORT, RESULTS, TABLE, FileKind
from quantoscope.gui.export.size_fields import SizeFields
from quantoscope.gui.export.spec import FigureSpec, Look
from quantoscope.gui.plots import PLOT

TAKEN = "bflmnprtvwxz"
"""Letters of the dialog's other mnemonics."""


class ExportForm(QWidget):
    """Asks what to export and how; stores choices only on ``remember``."""

    changed = Signal()
    """A choice that affects the file has changed."""

    def __init__(
        self,
        settings: Settings,
        theme: Theme,
        names: dict[str, str],
        visible: Sequence[str],
        start: str,
        looks: Mapping[str, Look],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings = settings
        self._looks = looks
        self._theme = theme
        self._visible = tuple(visible) or tuple(names)
        self._by_hand = False
        self._build_fields(names)
        self._lay_out()
        self._select(start)
        self._connect()

    def _build_fields(self, names: dict[str, str]) -> None:
        self.what = QComboBox(self)
        self.what.addItem(self.tr("Figure of plots"), FIGURE)
        self.what.addItem(self.tr("Table: values, stages, codes"), TABLE)
        self.what.addItem(self.tr("Results: every metric"), RESULTS)
        self.what.addItem(self.tr("Report: data, results, figures"), REPORT)
        self.what.addItem(self.tr("Parameters of the active scheme"), PARAMETERS)
        self.plots: dict[str, QCheckBox] = {}
        self._plot_rows = QWidget(self)
        grid = QGridLayout(self._plot_rows)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        # Those beside another follow it by Tab: there are not letters enough for all.
        shown = _with_keys((n for key, n in names.items() if not PLOT[key].beside), TAKEN)
        place, hosts = 0, {PLOT[key].beside for key in names}
        for key, name in names.items():
            box = QCheckBox(shown.get(name, name), self._plot_rows)
            self.plots[key] = box
            # What belongs beside another view stands beside it here too.
            place += place % 2 if key in hosts else 0
            grid.addWidget(box, place // 2, place % 2)
            place += 1
        self.columns = WholeField(self)
        self.columns.setRange(1, choices.MOST_COLUMNS)
        self.columns.setValue(choices.remembered_columns(self._settings))
        self.columns.setAccessibleName(self.tr("Columns of plots"))
        self.columns.setToolTip(self.tr("How many plots stand side by side."))
        self.parts: dict[str, QCheckBox] = {}
        for part, name in (
            ("letters", self.tr("Letters (a), (b)…")),
            ("titles", self.tr("Titles")),
            ("sentences", self.tr("Sentences")),
            ("legend", self.tr("Legend")),
        ):
            self._part(part, name)
        self.format = QComboBox(self)
        narrow = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        for choice in (self.what, self.format):
            # A long title must not squeeze the labels.
            choice.setSizeAdjustPolicy(narrow)
            choice.setMinimumContentsLength(12)
        self.sizes = SizeFields(self._settings, self._theme, self)
        self.look = QComboBox(self)
        self.look.addItem(self.tr("Light, for paper"), choices.PAPER)
        self.look.addItem(self.tr("Dark"), choices.DARK_LOOK)
        self.look.addItem(self.tr("As on the screen"), choices.SCREEN)
        look = self._settings.choice("export/look", choices.LOOKS)
        self.look.setCurrentIndex(self.look.findData(look))
        self.shown = QComboBox(self)
        self.shown.addItem(self.tr("The whole range"), choices.WHOLE)
        self.shown.addItem(self.tr("What the window shows"), choices.VISIBLE)
        self.shown.setToolTip(self.tr("Show all values, or the range visible in the window."))
        part = self._settings.choice("export/part", choices.PARTS)
        self.shown.setCurrentIndex(self.shown.findData(part))
        self.mark = QCheckBox(self.tr("&Mark the chosen value"), self)
        self.mark.setChecked(bool(self._settings.number("export/mark", 0)))

    def _part(self, part: str, name: str) -> None:
        """Make the check box of a part that can be left out."""
        box = QCheckBox(name, self)
        box.setChecked(choices.remembered_part(self._settings, part))
        self.parts[part] = box

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme, which figures may use too."""
        self._theme = theme
        self.sizes.restyle(theme)

    def _lay_out(self) -> None:
        self._form = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(6)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(self.tr("&What"), self.what)
        form.addRow(self.tr("Plots"), self._plot_rows)
        self._arranged = QWidget(self)
        hbox(self._arranged, self.columns, self.parts["letters"], 1, spacing=12)
        self._arranged.setFocusProxy(self.columns)
        form.addRow(self.tr("Columns"), self._arranged)
        self._with = QWidget(self)
        with_parts = [self.parts[part] for part in ("titles", "sentences", "legend")]
        hbox(self._with, *with_parts, 1, spacing=8)
        form.addRow(self.tr("With"), self._with)
        form.addRow(self.tr("&Format"), self.format)
        self.sizes.add_rows(form)
        form.addRow(self.tr("&Look"), self.look)
        form.addRow(self.tr("&View"), self.shown)
        form.addRow("", self.mark)
        name_fields(form)

    def _select(self, start: str) -> None:
        """Select the requested content."""
        what = start or self._settings.text("export/what")
        what = what if what in KINDS else FIGURE
        self._asked = (start,) if start in self.plots else self._visible
        self.what.setCurrentIndex(self.what.findData(what))
        self._tick()
        self._fill_formats()
        self.sizes.take(len(self.keys), self.columns.value())
        self._show_rows()

    def _tick(self) -> None:
        """Tick plots: the requested ones for a figure, all for a report."""
        chosen = self._asked if self.kind == FIGURE else tuple(self.plots)
        for key, box in self.plots.items():
            box.setChecked(key in chosen)

    def _connect(self) -> None:
        self.what.currentIndexChanged.connect(self._on_what)
        for box in self.plots.values():
            box.toggled.connect(self._on_plots)
            box.clicked.connect(self._on_ticked)
        self.format.currentIndexChanged.connect(self._on_change)
        self.sizes.changed.connect(self._on_change)
        self.look.currentIndexChanged.connect(self._on_change)
        self.shown.currentIndexChanged.connect(self._on_change)
        self.columns.valueChanged.connect(self._on_plots)
        for box in self.parts.values():
            box.toggled.connect(self._on_change)
        self.mark.toggled.connect(self._on_change)

    # Choices

    @property
    def kind(self) -> str:
        """What is exported: a key of ``KINDS``."""
        return str(self.what.currentData())

    @property
    def file_kind(self) -> FileKind:
        """The file format."""
        return KINDS[self.kind][max(0, self.format.currentIndex())]

    @property
    def endings(self) -> tuple[str, ...]:
        """Allowed endings of the file, with their dots."""
        return self.file_kind.endings

    @property
    def keys(self) -> tuple[str, ...]:
        """The ticked plots, row by row."""
        return tuple(key for key, box in self.plots.items() if box.isChecked())

    @property
    def raster(self) -> bool:
        """Whether the figure is a raster image."""
        return self.kind == FIGURE and self.file_kind.key == ".png"

    @property
    def looks(self) -> Mapping[str, Look]:
        """Ranges and options of the plots."""
        if self.shown.currentData() == choices.VISIBLE:
            return self._looks
        return {key: replace(look, x=None, y=None) for key, look in self._looks.items()}

    def spec(self) -> FigureSpec:
        """The requested figure."""
        size = self.sizes.size
        return FigureSpec(
            self.keys,
            size.width,
            size.height,
            size.unit,
            self.sizes.dpi.value(),
            choices.theme_of(str(self.look.currentData()), self._theme),
            self.mark.isChecked(),
            size.points,
            self.looks,
            columns=self.columns.value(),
            grows=size.grows,
            **{part: box.isChecked() for part, box in self.parts.items()},
        )

    def set_ending(self, ending: str) -> None:
        """Choose the format of an ending that the user has typed."""
        if ending in self.endings:
            return
        for place, kind in enumerate(KINDS[self.kind]):
            if ending in kind.endings:
                self.format.setCurrentIndex(place)
                return

    def set_kind(self, ending: str) -> None:
        """Choose the content that alone has this ending, such as a report."""
        having = [what for what, kinds in KINDS.items() if any(ending in k.endings for k in kinds)]
        if having and self.kind not in having:
            self.what.setCurrentIndex(self.what.findData(having[0]))
            self.set_ending(ending)

    def remember(self) -> None:
        """Store the choices."""
        self._settings.remember("export/what", self.kind)
        self._settings.remember(f"export/format-{self.kind}", self.file_kind.key)
        if self.kind in (FIGURE, REPORT):
            self._settings.remember("export/part", str(self.shown.currentData()))
        if self.kind != FIGURE:
            return
        self.sizes.remember()
        self._settings.remember("export/look", str(self.look.currentData()))
        self._settings.remember("export/mark", int(self.mark.isChecked()))
        self._settings.remember("export/columns", self.columns.value())
        for part, box in self.parts.items():
            self._settings.remember(f"export/{part}", int(box.isChecked()))

    # Effects of choices

    def _on_change(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _on_ticked(self) -> None:
        self._by_hand = True

    def _on_what(self) -> None:
        # Formats first: ticking emits a signal whose slots query the format.
        self._fill_formats()
        if not self._by_hand:
            self._tick()
        self._on_change()

    def _on_plots(self) -> None:
        self.sizes.follow(len(self.keys), self.columns.value())
        self._on_change()

    def _fill_formats(self) -> None:
        """Fill in the formats of the content, the last used one first."""
        with QSignalBlocker(self.format):
            self.format.clear()
            for kind in KINDS[self.kind]:
                self.format.addItem(self.tr(kind.title), kind.key)
            keys = [kind.key for kind in KINDS[self.kind]]
            key = self._settings.choice(f"export/format-{self.kind}", keys)
            self.format.setCurrentIndex(self.format.findData(key))

    def _show_rows(self) -> None:
        """Show the fields relevant to the choices."""
        figure = self.kind == FIGURE
        for field in (self._plot_rows, self.shown):
            self._form.setRowVisible(field, figure or self.kind == REPORT)
        for field in (self._arranged, self.look, self._with, self.mark):
            self._form.setRowVisible(field, figure)
        several = len(self.keys) > 1
        self.columns.setEnabled(several)
        self.parts["letters"].setEnabled(several)
        self.sizes.show_rows(self._form, figure, self.raster)


def _with_keys(names: Iterable[str], taken: Iterable[str]) -> dict[str, str]:
    """Add a mnemonic to each name, all different: a matching, by augmenting paths."""
    free = set(ascii_lowercase).difference(taken)
    holder: dict[str, str] = {}

    def found(name: str, tried: set[str]) -> bool:
        for letter in sorted(free.intersection(name.lower()) - tried):
            tried.add(letter)
            if letter not in holder or found(holder[letter], tried):
                holder[letter] = name
                return True
        return False

    for name in names:
        found(name, set())
    places = {name: name.lower().index(letter) for letter, name in sorted(holder.items())}
    return {name: f"{name[:place]}&{name[place:]}" for name, place in places.items()}
