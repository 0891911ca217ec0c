"""The Compare pane: two schemes, how many values they part on, why, and one worked through."""

from __future__ import annotations

from html import escape

import numpy as np
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFont, QHideEvent, QIcon, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from engine import Comparison, trace
from engine.compare import CODES
from engine.trace import Trace
from gui import commands
from gui.models.schemes import SWATCH, entry_icon
from gui.numbers_text import filled, full, percent, short
from gui.panes.table_view import ROW_HEIGHT
from gui.session import Session
from gui.settings import Settings
from gui.theme import LINE_STYLES, MARKERS, Theme, swatch


class ComparePane(QWidget):
    """Compares the two chosen schemes while it is visible.

    Signals
    -------
    insight_changed(text)
        The line for the head of the pane.
    """

    insight_changed = Signal(str)

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._theme = theme
        self._uids: list[int | None] = [None, None]
        self._in_front = True
        self.boxes = [QComboBox(self), QComboBox(self)]
        for box, name in zip(self.boxes, (self.tr("First"), self.tr("Second")), strict=True):
            box.setAccessibleName(name)
            box.setIconSize(SWATCH)
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            box.activated.connect(self._on_chosen)
        self.next_button = QPushButton(self.tr("Next &differing value"), self)
        self.next_button.clicked.connect(self.next_differing)
        self.causes = QTableWidget(0, 5, self)
        heads = [self.tr(t) for t in ("Cause", "Values", "Share", "First", "Second")]
        self.causes.setHorizontalHeaderLabels(heads)
        self.causes.setAccessibleName(self.tr("Causes of the differences"))
        self.causes.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.causes.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.causes.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.causes.setTabKeyNavigation(False)
        self.causes.setWordWrap(False)
        self.causes.setIconSize(SWATCH)
        self.causes.verticalHeader().hide()
        self.causes.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.causes.horizontalHeader().setHighlightSections(False)
        self.causes.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.causes.itemSelectionChanged.connect(self._on_cause)
        self.example = QTextBrowser(self)
        self.example.setFrameShape(QFrame.Shape.NoFrame)
        self.example.setOpenLinks(False)
        self.example.setLineWrapMode(QTextBrowser.LineWrapMode.NoWrap)
        self.example.setAccessibleName(self.tr("The chosen value under both schemes"))
        for view in (self.causes, self.example):
            font = view.font()
            font.setFeature(QFont.Tag("tnum"), 1)
            view.setFont(font)
        top = QHBoxLayout()
        top.setContentsMargins(6, 4, 6, 0)
        top.setSpacing(4)
        top.addWidget(self.boxes[0], 3)
        top.addWidget(QLabel(self.tr("against"), self))
        top.addWidget(self.boxes[1], 3)
        top.addWidget(self.next_button)
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(self.causes)
        split.addWidget(self.example)
        split.setChildrenCollapsible(False)
        split.setSizes([400, 500])
        split.setStretchFactor(0, 4)
        split.setStretchFactor(1, 5)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(top)
        layout.addWidget(split)
        self.setFocusProxy(self.boxes[0])
        session.entries_changed.connect(self._fill_boxes)
        session.evaluated.connect(self.show_comparison)
        session.chosen_changed.connect(self._show_example)
        settings.digits_changed.connect(self.show_comparison)
        self._fill_boxes()

    # Which two

    def set_in_front(self, in_front: bool) -> None:
        """Say whether the pane can be seen, or lies behind another tab."""
        self._in_front = in_front
        self._watch()

    def _watch(self) -> None:
        self._session.watch_pair("compare", self.isVisible() and self._in_front)
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
        self._session.compare_pair((first, second) if different else None)  # type: ignore[arg-type]
        self.show_comparison()

    def compare(self, first: int, second: int) -> None:
        """Compare two schemes of the list."""
        self._uids = [first, second]
        self._fill_boxes()
        self._ask()

    def _fill_boxes(self) -> None:
        """Offer the schemes of the list; what was chosen stays."""
        entries = self._session.entries
        known = [entry.uid for entry in entries]
        for place, box in enumerate(self.boxes):
            blocked = QSignalBlocker(box)
            box.clear()
            for entry in entries:
                picture = entry_icon(entry, self._theme, self.devicePixelRatioF())
                box.addItem(QIcon(picture), entry.name, entry.uid)
            if self._uids[place] not in known:
                taken = self._uids[1 - place]
                others = [uid for uid in known if uid != taken]
                self._uids[place] = others[place if place < len(others) and taken is None else 0] \
                    if others else None  # fmt: skip
            box.setCurrentIndex(box.findData(self._uids[place]))
            blocked.unblock()
        self._ask()

    def _on_chosen(self) -> None:
        self._uids = [box.currentData() for box in self.boxes]
        self._ask()

    # What comes of it

    @property
    def comparison(self) -> Comparison | None:
        """What is shown; None while it is not known."""
        return self._session.comparison

    def show_comparison(self) -> None:
        """Show the causes, or what would fill the pane."""
        made = self.comparison
        self.insight_changed.emit(self.describe())
        self.next_button.setEnabled(made is not None and made.count > 0)
        blocked = QSignalBlocker(self.causes)
        self.causes.setRowCount(0)
        if made is not None:
            for number, cause in enumerate((*made.causes, *made.unequal)):
                counted = f"{cause.count:,}" if cause.count else "0"
                share = percent(cause.count, made.differs.size) if cause.count else "–"
                cells = (cause.title, counted, share, cause.first, cause.second)
                self._add_row(number, number < len(made.causes), cells)
            self.causes.resizeColumnsToContents()
        blocked.unblock()
        self._show_example()

    def _add_row(self, number: int, counts: bool, cells: tuple[str, ...]) -> None:
        row = self.causes.rowCount()
        self.causes.insertRow(row)
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            if column in (1, 2):
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            if not counts:
                item.setForeground(self._theme.tint(self._theme.foreground, 0.55))
            if column == 0 and counts:
                colour = self._theme.colour(number)
                marker = MARKERS[number % len(MARKERS)]
                ratio = self.devicePixelRatioF()
                picture = swatch(colour, LINE_STYLES[0][1], marker, SWATCH, ratio)
                item.setIcon(QIcon(picture))
            self.causes.setItem(row, column, item)

    def describe(self) -> str:
        """How many values differ, in one sentence."""
        if len(self._session.entries) < 2:
            return self.tr("Comparing takes two schemes: add another one.")
        if self._uids[0] == self._uids[1]:
            return self.tr("Choose two different schemes.")
        made = self.comparison
        if made is None and self._session.stale:
            return self.tr("Computing…")
        if made is None:
            return self.tr("Neither can be compared before both schemes can be applied.")
        what = self.tr("codes") if made.compared == CODES else self.tr("rebuilt values")
        total = f"{made.differs.size:,}"
        if made.count == 0:
            same = self._parameters_differ(made)
            return filled(self.tr("None of the %1 %2 differs%3."), total, what, same)
        text = self.tr("%1 of %2 %3 differ (%4), by up to %5.")
        step = short(made.largest_step, self._settings.digits)
        if made.compared == CODES and made.first.qparams.format.integer:
            step = (
                self.tr("1 code") if made.largest_step == 1 else filled(self.tr("%1 codes"), step)
            )
        share = percent(made.count, made.differs.size)
        return filled(text, f"{made.count:,}", total, what, share, step)

    def _parameters_differ(self, made: Comparison) -> str:
        same = np.array_equal(made.first.qparams.scale, made.second.qparams.scale)
        return "" if same else self.tr("; the scales do")

    # One value under both

    def _on_cause(self) -> None:
        made, row = self.comparison, self.causes.currentRow()
        if made is not None and 0 <= row < len(made.causes):
            self._session.choose(made.causes[row].example)

    def next_differing(self) -> None:
        """Choose the next value that differs, of the selected cause if one is."""
        made = self.comparison
        if made is None:
            return
        row = self.causes.currentRow()
        selected = bool(self.causes.selectedItems()) and 0 <= row < len(made.causes)
        wanted = made.cause_of == row if selected else made.differs
        places = np.flatnonzero(wanted.reshape(-1))
        if places.size:
            now = -1 if self._session.chosen is None else self._session.chosen
            after = int(np.searchsorted(places, now, "right"))
            self._session.choose(int(places[after % places.size]))

    def _show_example(self) -> None:
        made, chosen = self.comparison, self._session.chosen
        entries = [self._session.entry(uid) for uid in self._uids]
        if made is None or chosen is None or None in entries:
            self.example.setHtml("")
            return
        if chosen >= made.differs.size:
            return
        if not made.differs.flat[chosen] and made.causes:
            # One that differs tells more than one that does not.
            chosen = made.causes[0].example
        array = self._session.shown.array
        traces = [trace(array, e.qparams, [chosen]) for e in (made.first, made.second)]
        self.example.setHtml(self._html(chosen, traces, made))

    def _html(self, chosen: int, traces: list[Trace], made: Comparison) -> str:
        muted, alarm = self._theme.muted, self._theme.alarm
        position = commands.position_text(self._session, chosen)
        real = full(self._session.shown.array.reshape(-1)[chosen])
        own = chosen == self._session.chosen
        word = self.tr("Chosen value") if own else self.tr("For example")
        lines = [f"<p>{escape(word)} <b>#{escape(position)}</b>: R = {escape(real)}</p>"]
        number = int(made.cause_of.reshape(-1)[chosen])
        if number >= 0:
            cause = made.causes[number]
            parts = [escape(part) for part in (cause.title, cause.first, cause.second)]
            text = "<br>".join((f"<b>{parts[0]}</b>", f"1: {parts[1]}", f"2: {parts[2]}"))
            lines.append(f"<p style='color:{alarm}'>{text}</p>")
        else:
            lines.append(f"<p style='color:{muted}'>{escape(self.tr('Both agree here.'))}</p>")
        heads = (self.tr("1: first"), self.tr("2: second"))
        rows = ["<tr><td></td>" + "".join(f"<td align='right'><b>{h}</b>&nbsp;&nbsp;</td>"
                                          for h in heads) + "</tr>"]  # fmt: skip
        keys = self._rows_of(traces)
        for symbol, texts in keys:
            unlike = len(set(texts)) > 1
            cells = "".join(
                f"<td align='right'>{'<b>' if unlike else ''}{escape(text)}"
                f"{'</b>' if unlike else ''}&nbsp;&nbsp;</td>"
                for text in texts
            )
            sign = "≠" if unlike else "="
            colour = alarm if unlike else muted
            mark = f"<td style='color:{colour}'>{sign}</td>"
            rows.append(
                f"<tr><td style='color:{muted}'>{escape(symbol)}&nbsp;</td>{cells}{mark}</tr>"
            )
        lines.append(f"<table cellspacing='0' cellpadding='1'>{''.join(rows)}</table>")
        return "".join(lines)

    def _rows_of(self, traces: list[Trace]) -> list[tuple[str, list[str]]]:
        """Parameters and stages, each with its text under either scheme."""
        each = [t.qparams.at(0) for t in traces]
        digits = max(9, self._settings.digits)
        rows = [
            ("S", [short(p.scale, digits) for p in each]),
            ("Z", [str(p.zero_point) for p in each]),
        ]
        # In the order of whichever has more stages: it has those of the other too.
        longer = max(traces, key=lambda one: len(one.stages))
        symbols = {stage.key: ["", "–", "–"] for stage in longer.stages}
        for place, one in enumerate(traces):
            for stage in one.stages:
                texts = symbols.setdefault(stage.key, ["", "–", "–"])
                if stage.symbol not in texts[0].split(" | "):
                    texts[0] = f"{texts[0]} | {stage.symbol}" if texts[0] else stage.symbol
                value = one[stage.key][0]
                if stage.key == "code":
                    texts[1 + place] = each[place].format.label(int(value))
                else:
                    texts[1 + place] = short(value, digits)
        return [*rows, *((texts[0], texts[1:]) for texts in symbols.values())]

    def restyle(self, theme: Theme) -> None:
        """Take the colours of a theme."""
        self._theme = theme
        self._fill_boxes()
        self.show_comparison()
