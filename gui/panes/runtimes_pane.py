"""Runtimes pane: what every runtime makes of the active scheme, and why it differs."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QScrollArea, QTableView, QWidget

from quantoscope.engine import Evaluation, QuantizationError, Scheme
from quantoscope.engine.analysis.runtime_matrix import RuntimeMatrix, RuntimeRow, runtime_matrix
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.roles import Role
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import bold, hbox, plain_label, vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.runtime_table import Outcome, RuntimeTableModel
from quantoscope.gui.models.runtimes import (
    CIRCLES,
    DIFFERS,
    EVIDENCE,
    IN_LAST_DIGIT,
    RUNTIME,
    WHY,
    RuntimesModel,
    worked_through,
)
from quantoscope.gui.models.schemes import SWATCH
from quantoscope.gui.panes.name_column import freeze_names
from quantoscope.gui.panes.place import ElidedLabel, Sentence
from quantoscope.gui.panes.runtime_words import describe, read_off
from quantoscope.gui.panes.whole_table import WholeTable
from quantoscope.gui.workers.background import Ticket

KIND = "runtimes"
PAUSE = 120
"""Milliseconds without another edit after which work begins."""
WIDEST = {RUNTIME: 132, EVIDENCE: 136}
"""Largest widths of columns with words, in pixels; tips have the words in full."""


class RuntimesPane(QWidget):
    """Computed in the background while it is visible, for the active scheme and then the others."""

    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane."""
    compare_asked = Signal(int, int, arguments=["first", "second"])
    """The user wants to see two schemes in Compare, by uid."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._data: tuple[Any, ...] = (None,)
        self._known: dict[Scheme, Outcome] = {}
        self._wanted: tuple[Scheme, ...] = ()
        self._target: tuple[int, RuntimeRow] | None = None
        # Work on another thread would make a drag stutter, although it is cancelled at each edit.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(PAUSE)
        self._later.timeout.connect(self._start)
        self.model = RuntimesModel(theme, self)
        self.table = WholeTable(self.model, self.tr("Runtimes"), theme)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.others = RuntimeTableModel(theme, self.devicePixelRatioF(), self)
        self.other_table = WholeTable(self.others, self.tr("Other schemes in runtimes"), theme)
        self.other_table.setSelectionBehavior(QTableView.SelectionBehavior.SelectItems)
        self.other_table.setIconSize(SWATCH)
        freeze_names(self.other_table, self.tr("Scheme"))
        self._last: WholeTable = self.table
        self.other_table.verticalHeader().sectionClicked.connect(self._activate)
        self.heading = plain_label(self, self.tr("The same values, other schemes"), wrap=False)
        self.heading.setFont(bold(self.font()))
        self.counted = ElidedLabel(self)
        text = self.tr("How many codes Q and R′ differ from the scheme in its own runtime")
        self.counted.setText(text)
        self.read_off = plain_label(self)
        self.read_off.setContentsMargins(6, 4, 6, 2)
        self.button = QPushButton(self.tr("Compare &with it"), self)
        tip = self.tr("Opens Compare with both schemes, at the first value that differs (Enter).")
        self.button.setToolTip(tip)
        self.button.clicked.connect(self.compare)
        verified, in_part, documented = CIRCLES.values()
        known = self.tr("%1 verified  %2 in part  %3 documented")
        counted = self.tr("%1 differs  %2 in the last digit only")
        texts = (filled(known, verified, in_part, documented),
                 filled(counted, DIFFERS, IN_LAST_DIGIT))  # fmt: skip
        self.legend = ElidedLabel(self)
        self.legend.setText("      ".join(texts))
        self.detail = Sentence(self)
        self.detail.setContentsMargins(6, 2, 6, 2)
        head = hbox(None, (self.legend, 1), self.button, margins=(6, 2, 6, 0))
        self._sheet = sheet = QWidget()
        title = hbox(None, self.heading, (self.counted, 1), margins=(6, 6, 6, 2), spacing=12)
        vbox(sheet, self.table, title, self.other_table, self.read_off, 1, spacing=0)
        self.area = QScrollArea(self)
        self.area.setWidget(sheet)
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        vbox(self, head, (self.area, 1), self.detail, spacing=2)
        self.setFocusProxy(self.table)
        for table in (self.table, self.other_table):
            table.clicked.connect(self._choose)
            table.activated.connect(self.compare)
            table.selectionModel().currentChanged.connect(self._on_current)
        evaluator = session.evaluator
        for signal in (evaluator.evaluated, evaluator.stale_changed, session.active_changed,
                       session.entries_changed):  # fmt: skip
            signal.connect(self._follow)
        settings.digits_changed.connect(self._follow)
        session.background.offered.connect(self._on_offered)
        session.background.ended.connect(self._on_ended)

    # Computing

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow()
        if self._later.isActive():
            self._later.stop()
            self._start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._later.stop()
        self._session.background.cancel(KIND)

    def _follow(self) -> None:
        """Show what is known of the schemes, and compute the rest."""
        if not self.isVisible():
            return
        session, snapshot = self._session, self._session.evaluator.snapshot
        data = snapshot.array, session.version, snapshot.role, self._settings.digits
        active, why_not = session.active, self._nothing_to_show()
        idle = active is None or session.array.size == 0 or session.evaluator.stale
        fresh = data[0] is not self._data[0] or data[1:] != self._data[1:]
        if fresh:
            self._data, self._known = data, {}
        self._later.start()
        if fresh or idle:
            session.background.cancel(KIND)
        if idle:
            self._later.stop()
            self._show(None, why_not)
            self._show_others()
            return
        wanted = self._left()
        if not wanted:
            session.background.cancel(KIND)
        if not wanted or (session.background.running(KIND) and wanted[0] == self._next()):
            self._later.stop()
        self._show_active(why_not)
        self._show_others()

    def _left(self) -> tuple[Scheme, ...]:
        """Return the schemes that are to be computed, the active one first."""
        active, entries = self._session.active, self._session.entries
        listed = (entry.scheme for entry in ((active,) if active else ()) + tuple(entries))
        return tuple(scheme for scheme in dict.fromkeys(listed) if scheme not in self._known)

    def _start(self) -> None:
        """Compute what is not known."""
        array, _, role, digits = self._data
        self._wanted = self._left()
        job = partial(_matrices, array, self._wanted, digits, role)
        self._session.background.start(KIND, job, _nothing, only_reads=True)

    def _next(self) -> Scheme | None:
        """Return the scheme that is being computed, if what follows is still wanted."""
        listed = {entry.scheme for entry in self._session.entries}
        left = [scheme for scheme in self._wanted if scheme not in self._known]
        fresh = [scheme for scheme in listed if scheme not in {*self._known, *left}]
        return None if fresh or not left or not listed.issuperset(left) else left[0]

    def _nothing_to_show(self) -> str:
        session = self._session
        if session.array.size == 0:
            return self.tr("Type or open values to see what each runtime makes of them.")
        if session.active is None:
            return self.tr("Add a scheme to see what each runtime makes of it.")
        outcome = session.evaluator.outcome(session.active_uid)
        if session.evaluator.stale or outcome is None:
            return self.tr("Computing…")
        return "" if isinstance(outcome, Evaluation) else str(outcome)

    def _show_active(self, why_not: str) -> None:
        """Show the active scheme's matrix; until it is known, the old one stays, in grey."""
        active = self._session.active
        made = None if active is None else self._known.get(active.scheme)
        if why_not or isinstance(made, QuantizationError):
            self._show(None, why_not or str(made))
        elif made is not None:
            self._show(made, describe(made))
        else:
            self.table.setEnabled(False)
            self.insight_changed.emit(self.tr("Computing…"))

    def _show_others(self, stopped: bool = False) -> None:
        session = self._session
        entries = session.entries if session.array.size else ()
        self.others.show(entries, self._known, session.active_uid, stopped)
        self.other_table.fit_columns(1, self.others.columnCount(), {})
        made = [self._known.get(entry.scheme) for entry in entries]
        self.read_off.setText(read_off([one for one in made if isinstance(one, RuntimeMatrix)]))
        for part in (self.heading, self.counted, self.other_table, self.read_off):
            part.setVisible(bool(entries))
        self._tell()

    def _on_offered(self, ticket: Ticket, made: Any) -> None:
        if ticket.kind != KIND or not self._session.background.current(ticket):
            return
        scheme, outcome = made
        self._known[scheme] = outcome
        active = self._session.active
        if active is not None and active.scheme == scheme:
            self._show_active(self._nothing_to_show())
        self._show_others()

    def _on_ended(self, kind: str) -> None:
        """Say that the work was stopped, if no result follows."""
        entries = self._session.entries
        if kind != KIND or not self.isVisible() or self._later.isActive():
            return
        left = any(entry.scheme not in self._known for entry in entries)
        if left and not self._session.evaluator.stale:
            self._show_others(stopped=True)
            if not self.table.isEnabled():
                text = self.tr("Stopped: show Runtimes again to compute it.")
                self.insight_changed.emit(text)

    def _show(self, matrix: RuntimeMatrix | None, sentence: str) -> None:
        at = self.table.currentIndex()
        row, column = at.row(), at.column()
        self.model.show(matrix, self._session.evaluator.snapshot.array.shape)
        self.table.setEnabled(True)
        self.table.fit_columns(0, WHY, WIDEST)
        if 0 <= row < self.model.rowCount():
            self.table.setCurrentIndex(self.model.index(row, column))
        self.insight_changed.emit(sentence)

    # Choosing

    def _compared(self, index: Index) -> tuple[int, RuntimeRow] | None:
        """Return the uid of a cell's scheme, and what it is compared with."""
        if index.model() is self.others:
            entry, row = self.others.entry(index.row()), self.others.compared(index)
        else:
            entry, row = self._session.active, self.model.row(index.row())
        return None if entry is None or row is None else (entry.uid, row)

    def _on_current(self, index: QModelIndex, *_: QModelIndex) -> None:
        table = self.other_table if index.model() is self.others else self.table
        self._last = table if index.isValid() else self._last
        self._tell()
        layout = self.layout()
        if index.isValid() and layout is not None:
            # What was told may have taken room from the tables.
            layout.activate()
            place = table.place_of(index)
            place.moveTopLeft(table.mapTo(self._sheet, place.topLeft()))
            self.area.ensureVisible(0, place.top(), 0, 0)
            self.area.ensureVisible(0, place.bottom() + 1, 0, 0)

    def _tell(self) -> None:
        """Say what is known of the current cell, in full."""
        index = self._last.currentIndex()
        self._target = self._compared(index) if index.isValid() else None
        self.button.setEnabled(self._target is not None and self._target[1].scheme is not None)
        parts = []
        if self._last is self.other_table:
            parts.append(self.others.about(index))
        elif self._target is not None:
            parts.append(f"{self._target[1].title}:")
        if self._target is not None:
            row, shape = self._target[1], self._session.evaluator.snapshot.array.shape
            parts.append(worked_through(row, shape).replace("\n", ".  "))
            if self._last is self.table and row.parting is None:
                parts.append(str(self.model.index(index.row(), WHY).data()).replace("\n", " "))
        text = " ".join(filter(None, parts))
        self.detail.say(text)
        self.detail.setVisible(bool(text))

    def _choose(self, index: QModelIndex) -> None:
        """Choose the first value that differs."""
        found = self._compared(index)
        if found is not None and found[1].parting is not None:
            self._session.view.choose(found[1].parting.position)

    def _activate(self, row: int) -> None:
        entry = self.others.entry(row)
        if entry is not None:
            self._session.activate(entry.uid)

    def compare(self) -> None:
        """Show the first value that differs in Compare; a scheme that is not there is added."""
        if self._target is None:
            return
        uid, row = self._target
        if row.scheme is None:
            return
        if row.parting is not None:
            self._session.view.choose(row.parting.position)
        second = commands.add_beside(self._session, row.scheme)
        if second is not None:
            self.compare_asked.emit(uid, second)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        for table in (self.table, self.other_table):
            table.delegate.theme = theme
        self.model.restyle(theme)
        self.others.restyle(theme)


def _matrices(
    array: FloatArray, schemes: Sequence[Scheme], digits: int, role: Role | None, ticket: Ticket
) -> None:
    """Offer the matrix of each scheme, or why there is none."""
    for number, scheme in enumerate(schemes):
        progress, made = ticket.part(number, len(schemes)), None
        try:
            made = runtime_matrix(array, scheme, digits=digits, progress=progress, role=role)
        except QuantizationError as error:
            ticket.offer((scheme, error))
        else:
            ticket.offer((scheme, made))


def _nothing(_: None) -> None:
    """Take note that all is computed."""
