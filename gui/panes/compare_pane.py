"""Compare pane: differences between two schemes, their causes, and an example."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QWidget,
)

from quantoscope.engine import Comparison
from quantoscope.engine.analysis.comparison import Compared
from quantoscope.engine.analysis.device_codes import DeviceComparison, problem
from quantoscope.gui.common.localized_numbers import filled, parts, percent, short
from quantoscope.gui.common.plain_text import Page, plain_tip
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.splitter import Splitter
from quantoscope.gui.common.theme import LINE_STYLES, MARKERS, Theme, swatch
from quantoscope.gui.common.widgets import align_digits, hbox, list_rows, vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import DEVICE, Entry
from quantoscope.gui.models.schemes import SWATCH, entry_icon
from quantoscope.gui.panes.compare_example import example_html
from quantoscope.gui.panes.form_fields import ChoiceBox

CAUSE_WIDTH = 260
"""Maximum width of a cause's name in pixels."""


BOX_LETTERS = 60
"""Maximum length of a scheme's name in a box."""


class ComparePane(QWidget):
    """Compares the two selected schemes while visible."""

    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane."""
    codes_asked = Signal()
    """The user wants to choose a file of device codes."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self._uids: list[int | None] = [None, None]
        self._problem = ""
        self.boxes = [ChoiceBox(self), ChoiceBox(self)]
        for box, name in zip(self.boxes, (self.tr("First"), self.tr("Second")), strict=True):
            box.setAccessibleName(name)
            box.setIconSize(SWATCH)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.activated.connect(self._on_chosen)
        self.next_button = QPushButton(self.tr("Next &differing value"), self)
        self.next_button.clicked.connect(self.next_differing)
        self.codes_button = QPushButton(self.tr("Codes from a fi&le…"), self)
        self.codes_button.setToolTip(self.tr("Compare with codes that a device has computed"))
        self.codes_button.clicked.connect(self.codes_asked)
        self.causes = QTableWidget(0, 5, self)
        heads = [self.tr(t) for t in ("Cause", "Values", "Share", "First", "Second")]
        self.causes.setHorizontalHeaderLabels(heads)
        tip = self.tr(
            "A choice's share is its mean effect on the value over all orders of "
            "making the choices (Shapley value)."
        )
        for head in map(self.causes.horizontalHeaderItem, (1, 2)):
            if head is not None:
                head.setToolTip(plain_tip(tip))
        self.causes.setAccessibleName(self.tr("Causes of the differences"))
        list_rows(self.causes)
        self.causes.setIconSize(SWATCH)
        self.causes.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.causes.itemSelectionChanged.connect(self._on_cause)
        self.example = Page(self)
        self.example.setFrameShape(QFrame.Shape.NoFrame)
        self.example.setOpenLinks(False)
        self.example.setMinimumWidth(50)
        self.example.document().setDocumentMargin(2)
        self.example.setLineWrapMode(QTextBrowser.LineWrapMode.NoWrap)
        self.example.setAccessibleName(self.tr("The chosen value under both schemes"))
        align_digits(self.example)
        left = QWidget(self)
        choices = QGridLayout(left)
        choices.setContentsMargins(6, 4, 2, 0)
        choices.setSpacing(4)
        choices.setColumnStretch(2, 1)
        choices.addWidget(self.boxes[0], 0, 0, 1, 3)
        choices.addWidget(QLabel(self.tr("against"), self), 1, 0)
        choices.addWidget(self.boxes[1], 1, 1, 1, 2)
        choices.addLayout(hbox(None, self.next_button, self.codes_button, 1), 2, 0, 1, 3)
        choices.addWidget(self.causes, 3, 0, 1, 3)
        # The example takes the pane's height: it has a line per stage.
        name = self.tr("Border between causes and the chosen value")
        split = Splitter(Qt.Orientation.Horizontal, name, parent=self)
        split.addWidget(left)
        split.addWidget(self.example)
        split.setSizes([400, 500])
        split.setStretchFactor(0, 4)
        split.setStretchFactor(1, 5)
        vbox(self, split)
        self.setFocusProxy(self.boxes[0])
        session.entries_changed.connect(self._fill_boxes)
        session.device_changed.connect(self._on_device)
        session.view.pair_changed.connect(self._on_pair)
        session.evaluator.evaluated.connect(self.show_comparison)
        session.view.chosen_changed.connect(self._show_example)
        settings.digits_changed.connect(self.show_comparison)
        self._fill_boxes()

    # Selection

    def _watch(self) -> None:
        self._session.view.watch_pair("compare", self.isVisible())
        self.show_comparison()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._watch()

    def _ask(self) -> None:
        first, second = self._uids
        different = first is not None and second is not None and first != second
        self._session.view.compare_pair((first, second) if different else None)  # type: ignore[arg-type]
        self.show_comparison()

    def compare(self, first: int, second: int) -> None:
        """Select two schemes to compare."""
        self._uids = [first, second]
        self._fill_boxes()
        self._ask()

    def say(self, problem: str) -> None:
        """Show in the head of the pane why a file was refused."""
        self._problem = problem
        self.show_comparison()

    def first_entry(self) -> Entry | None:
        """The first of the two compared schemes."""
        return self._session.view.compared_entry(self._uids[0])

    def _on_pair(self) -> None:
        """Apply a selection made elsewhere, such as by opening a session."""
        pair = self._session.view.pair
        if pair is not None and list(pair) != self._uids:
            self._uids = list(pair)
            self._fill_boxes()

    def _on_device(self) -> None:
        if self._session.device is not None:
            self._uids[1] = DEVICE
        self._fill_boxes()

    def _fill_boxes(self) -> None:
        """Fill the boxes with the schemes, keeping the selection."""
        entries = self._session.entries
        known = [entry.uid for entry in entries]
        for place, box in enumerate(self.boxes):
            blocked = QSignalBlocker(box)
            box.clear()
            names = schemes_apart([entry.name for entry in entries], _cut)
            for entry, name in zip(entries, names, strict=True):
                picture = entry_icon(entry, self._theme, self.devicePixelRatioF())
                box.addItem(QIcon(picture), name, entry.uid)
            device = self._session.device if place == 1 else None
            if device is not None:
                box.addItem(device.label, DEVICE)
            if self._uids[place] not in known and not (device and self._uids[place] == DEVICE):
                taken = self._uids[1 - place]
                others = [uid for uid in known if uid != taken]
                self._uids[place] = others[place if place < len(others) and taken is None else 0] \
                    if others else None  # fmt: skip
            box.setCurrentIndex(box.findData(self._uids[place]))
            blocked.unblock()
        self._ask()

    def _on_chosen(self) -> None:
        self._problem = ""
        self._uids = [box.currentData() for box in self.boxes]
        self._ask()

    # Result

    @property
    def comparison(self) -> Comparison | None:
        """The displayed comparison; None while unknown, as after switching arrays."""
        made, array = self._session.view.comparison, self._session.array
        return made if made is not None and made.differs.size == array.size else None

    def show_comparison(self) -> None:
        """Show the causes, or how to fill the pane."""
        made = self.comparison
        self.insight_changed.emit(self.describe())
        self.next_button.setEnabled(made is not None and made.count > 0)
        blocked = QSignalBlocker(self.causes)
        self.causes.setRowCount(0)
        if made is not None:
            for number, cause in enumerate((*made.causes, *made.unequal)):
                share = percent(cause.share, made.differs.size) if cause.share else "–"
                cells = (cause.title, parts(cause.share), share, cause.first, cause.second)
                self._add_row(number, number < len(made.causes), cells)
            self.causes.resizeColumnsToContents()
            # Elided, to leave room for the figures; the tool tip has the full sentence.
            self.causes.setColumnWidth(0, min(self.causes.columnWidth(0), CAUSE_WIDTH))
        blocked.unblock()
        self._show_example()

    def _add_row(self, number: int, counts: bool, cells: tuple[str, ...]) -> None:
        row = self.causes.rowCount()
        self.causes.insertRow(row)
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(plain_tip(text))
            if column in (1, 2):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if not counts:
                item.setForeground(self._theme.tint(self._theme.foreground, 0.55))
            if column == 0 and counts:
                colour = self._theme.neutral(number)
                marker = MARKERS[number % len(MARKERS)]
                ratio = self.devicePixelRatioF()
                picture = swatch(colour, LINE_STYLES[0][1], marker, SWATCH, ratio)
                item.setIcon(QIcon(picture))
            self.causes.setItem(row, column, item)

    def describe(self) -> str:
        """Return the number of differing values as a sentence."""
        if self._problem:
            return self._problem
        device = self._session.device if self._uids[1] == DEVICE else None
        if len(self._session.entries) < (2 if device is None else 1):
            return self.tr("Add another scheme to compare.")
        if self._uids[0] == self._uids[1]:
            return self.tr("Choose two different schemes.")
        made = self.comparison
        if made is None and self._session.evaluator.stale:
            return self.tr("Computing…")
        entry = self.first_entry()
        if made is None and device is not None and entry is not None:
            why_not = problem(entry.scheme, self._session.array.size, device.codes)
            if why_not:
                return why_not
        if made is None:
            return self.tr("Both schemes have to be applied first.")
        what = (
            self.tr("codes") if made.compared is Compared.CODES else self.tr("reconstructed values")
        )
        total = f"{made.differs.size:,}"
        if made.count == 0:
            same = self._parameters_differ(made)
            return filled(self.tr("None of the %1 %2 differs%3."), total, what, same)
        text = self.tr("%1 of %2 %3 differ (%4), by up to %5.")
        step = short(made.largest_step, self._settings.digits)
        if made.in_codes:
            step = (
                self.tr("1 code") if made.largest_step == 1 else filled(self.tr("%1 codes"), step)
            )
        share = percent(made.count, made.differs.size)
        line = filled(text, f"{made.count:,}", total, what, share, step)
        if isinstance(made, DeviceComparison):
            return f"{line} {self._figures(made)}"
        return f"{line} {self._together(made)}".rstrip()

    def _together(self, made: Comparison) -> str:
        """Return a sentence on values that no single choice changes."""
        count = made.count_together
        if not count:
            return ""
        if count == 1:
            return self.tr("1 of them takes two choices or more at once.")
        return filled(self.tr("%1 of them take two choices or more at once."), f"{count:,}")

    def _figures(self, made: DeviceComparison) -> str:
        """Return the sizes of differences and their effect on SQNR as a sentence."""
        steps = ", ".join(f"{by:+d}: {count:,}" for by, count in made.steps[:4])
        more = ", …" if len(made.steps) > 4 else ""
        ours, theirs = (short(db, 4) for db in (made.sqnr, made.device_sqnr))
        text = self.tr("Steps %1. SQNR %2 dB, the device's %3 dB.")
        return filled(text, steps + more, ours, theirs)

    def _parameters_differ(self, made: Comparison) -> str:
        same = np.array_equal(made.first.qparams.scale, made.second.qparams.scale)
        return "" if same else self.tr("; the scales do")

    # Example

    def _on_cause(self) -> None:
        made, row = self.comparison, self.causes.currentRow()
        if made is not None and 0 <= row < len(made.causes):
            self._session.view.choose(made.causes[row].example)

    def next_differing(self) -> None:
        """Select the next differing value, of the selected cause if any."""
        made = self.comparison
        if made is None:
            return
        row = self.causes.currentRow()
        selected = bool(self.causes.selectedItems()) and 0 <= row < len(made.causes)
        wanted = made.differs
        if selected:
            # A device's value may have several causes.
            of_device = made if isinstance(made, DeviceComparison) else None
            wanted = of_device.masks[row] if of_device else made.cause_of == row
            if not made.causes[row].count:
                # The cause may be the largest for no value.
                self._session.view.choose(made.causes[row].example)
                return
        places = np.flatnonzero(wanted.reshape(-1))
        if places.size:
            now = -1 if self._session.view.chosen is None else self._session.view.chosen
            after = int(np.searchsorted(places, now, "right"))
            self._session.view.choose(int(places[after % places.size]))

    def _show_example(self) -> None:
        made, chosen = self.comparison, self._session.view.chosen
        entries = [self._session.view.compared_entry(uid) for uid in self._uids]
        if made is None or chosen is None or None in entries:
            self.example.setHtml("")
            return
        if chosen >= made.differs.size:
            return
        if not made.differs.flat[chosen] and made.causes:
            # Prefer a differing value as the example.
            chosen = made.causes[0].example
        position = commands.position_text(self._session, chosen)
        own = chosen == self._session.view.chosen
        digits = self._settings.digits
        self.example.setHtml(example_html(made, chosen, position, own, self._theme, digits))

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._theme = theme
        self._fill_boxes()
        self.show_comparison()


def _cut(name: str) -> str:
    """Return a name shortened for a box."""
    return name if len(name) <= BOX_LETTERS else f"{name[: BOX_LETTERS - 1]}…"
