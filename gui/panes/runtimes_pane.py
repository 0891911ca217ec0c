"""Runtimes pane: what every runtime makes of the active scheme, and why it differs."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, QRect, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPalette, QShowEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from quantoscope.engine import Evaluation, QuantizationError, Scheme
from quantoscope.engine.analysis.runtime_matrix import RuntimeMatrix, RuntimeRow, runtime_matrix
from quantoscope.engine.numerics.arrays import FloatArray
from quantoscope.engine.numerics.roles import Role
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import bold, hbox, list_rows, vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.runtimes import (
    CIRCLES,
    DIFFERS,
    EVIDENCE,
    IN_LAST_DIGIT,
    RUNTIME,
    WHY,
    RuntimesModel,
)
from quantoscope.gui.panes.place import ElidedLabel
from quantoscope.gui.workers.background import Ticket

KIND = "runtimes"
WIDEST = {RUNTIME: 132, EVIDENCE: 136}
"""Largest widths of columns with words, in pixels; tips have the words in full."""
MANY = 3
"""Names up to so many are all listed in the sentence."""
OF_A_TIE = ("rounding", "order", "reciprocal")
"""Keys of the choices that decide what becomes of a tie."""


class TwoLines(QStyledItemDelegate):
    """Draws a cell's second line muted, and elides both."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme = theme

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        cell = QStyleOptionViewItem(option)
        self.initStyleOption(cell, index)
        lines, cell.text = cell.text.replace("\u2028", "\n").split("\n"), ""
        style = option.widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, cell, painter, option.widget)
        room = option.rect.adjusted(6, 2, -6, -2)
        height = option.fontMetrics.height()
        if len(lines) == 1:
            room = QRect(room.left(), room.center().y() - height // 2, room.width(), height)
        strong = index.column() == RUNTIME or lines[0].startswith(DIFFERS)
        ink = cell.palette.color(QPalette.ColorRole.Text)
        for number, text in enumerate(lines[:2]):
            painter.save()
            painter.setFont(bold(option.font) if strong and not number else option.font)
            painter.setPen(QColor(self.theme.muted) if number else ink)
            line = room.adjusted(0, number * (height + 1), 0, 0)
            line.setHeight(height)
            shown = painter.fontMetrics().elidedText(
                text, Qt.TextElideMode.ElideRight, line.width()
            )
            painter.drawText(line, int(cell.displayAlignment) | Qt.TextFlag.TextSingleLine, shown)
            painter.restore()


class RuntimesPane(QWidget):
    """Computed in the background while it is visible, for the active scheme."""

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
        self._matrix: RuntimeMatrix | None = None
        self._made: tuple[Any, ...] | None = None
        self.model = RuntimesModel(theme, self)
        self.table = QTableView(self)
        self.table.setModel(self.model)
        self.table.setAccessibleName(self.tr("Runtimes"))
        list_rows(self.table)
        self._delegate = TwoLines(theme, self.table)
        self.table.setItemDelegate(self._delegate)
        rows = self.table.verticalHeader()
        rows.setDefaultSectionSize(2 * self.fontMetrics().height() + 6)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        self.button = QPushButton(self.tr("Compare &with it"), self)
        tip = self.tr("Opens Compare with the active scheme and the chosen runtime's.")
        self.button.setToolTip(tip)
        self.button.clicked.connect(self.compare)
        verified, in_part, documented = CIRCLES.values()
        known = self.tr("%1 verified  %2 in part  %3 documented")
        counted = self.tr("%1 differs  %2 in the last digit only")
        texts = (filled(known, verified, in_part, documented),
                 filled(counted, DIFFERS, IN_LAST_DIGIT))  # fmt: skip
        self.legend = ElidedLabel(self)
        self.legend.setText("      ".join(texts))
        head = hbox(None, (self.legend, 1), self.button, margins=(6, 2, 6, 0))
        vbox(self, head, self.table, spacing=2)
        self.setFocusProxy(self.table)
        self.table.clicked.connect(self._choose)
        self.table.activated.connect(self._choose)
        self.table.doubleClicked.connect(self.compare)
        self.table.selectionModel().currentRowChanged.connect(self._on_current)
        evaluator = session.evaluator
        for signal in (evaluator.evaluated, evaluator.stale_changed, session.active_changed):
            signal.connect(self._follow)
        settings.digits_changed.connect(self._follow)
        session.background.ended.connect(self._on_ended)

    # Computing

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._follow()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self._session.background.cancel(KIND):
            self._made = None

    def _follow(self) -> None:
        """Compute the matrix of what is shown, unless it is known."""
        if not self.isVisible():
            return
        why_not = self._nothing_to_show()
        if why_not:
            self._session.background.cancel(KIND)
            self._made = None
            self._show(None, why_not)
            return
        session, entry = self._session, self._session.active
        array, role = session.evaluator.snapshot.array, session.evaluator.snapshot.role
        assert entry is not None
        key = (array, session.version, entry.scheme, role, self._settings.digits)
        if self._made is not None and key[0] is self._made[0] and key[1:] == self._made[1:]:
            return
        self._made = key
        # What is seen meanwhile is of another scheme, or of other values.
        self.table.setEnabled(False)
        self.insight_changed.emit(self.tr("Computing…"))
        job = partial(_matrix, array, entry.scheme, self._settings.digits, role)
        done = partial(self._on_done, key)
        session.background.start(KIND, job, done, self._on_failed, only_reads=True)

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

    def _on_done(self, key: tuple[Any, ...], matrix: RuntimeMatrix) -> None:
        self._made = key
        self._show(matrix, self.describe(matrix))

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, QuantizationError):
            raise error
        self._show(None, str(error))

    def _on_ended(self, kind: str) -> None:
        """Say that the work was stopped, if no result follows."""
        if kind == KIND and self.isVisible() and not self.table.isEnabled():
            self._made = None
            self.insight_changed.emit(self.tr("Stopped: show Runtimes again to compute it."))

    def _show(self, matrix: RuntimeMatrix | None, sentence: str) -> None:
        row = self.table.currentIndex().row()
        same = matrix is not None and self._matrix is not None
        self._matrix = matrix
        self.model.show(matrix, self._session.evaluator.snapshot.array.shape)
        self.table.setEnabled(True)
        self._fit_columns()
        if same and 0 <= row < self.model.rowCount():
            self.table.selectRow(row)
        self._on_current()
        self.insight_changed.emit(sentence)

    def _fit_columns(self) -> None:
        """Give every column but the last the width of its contents."""
        metrics, header = self.table.fontMetrics(), self.table.horizontalHeader()
        for column in range(WHY):
            cells = [self.model.index(row, column).data() for row in range(self.model.rowCount())]
            lines = [line for cell in cells for line in cell.split("\n")]
            # Names and counts are bold.
            wide = max(map(metrics.horizontalAdvance, lines), default=0) * 108 // 100 + 14
            wide = min(wide, WIDEST.get(column, wide))
            self.table.setColumnWidth(column, max(wide, header.sectionSizeHint(column)))

    # Sentence

    def describe(self, matrix: RuntimeMatrix) -> str:
        """Return which runtimes make other codes, in how many values, and why, as a sentence."""
        have = [row for row in matrix.rows if row.codes is not None]
        if not have:
            text = self.tr("No runtime has %1; the nearest that each has stands in its row.")
            return filled(text, str(matrix.scheme))
        by_count: dict[int, list[RuntimeRow]] = {}
        for row in have:
            if row.codes is not None and row.codes.count:
                by_count.setdefault(row.codes.count, []).append(row)
        last = max(row.values.last for row in have if row.values is not None)
        size = have[0].codes.of if have[0].codes is not None else 0
        if by_count:
            counts = sorted(by_count, reverse=True)
            first = by_count[counts[0]]
            text = self.tr("%1 part from %2 in %3 of %4 codes")
            if len(first) == 1:
                text = self.tr("%1 parts from %2 in %3 of %4 codes")
            names = self._names(first)
            parts = [filled(text, names, matrix.title, f"{counts[0]:,}", f"{size:,}")]
            for count in counts[1:]:
                parts.append(
                    filled(self.tr("%1 in %2"), self._names(by_count[count]), f"{count:,}")
                )
            text = f"{'; '.join(parts)}: {self._first_cause(first[0])}."
        else:
            text = self.tr("Every code of %1 is equal to that of %2.")
            text = filled(text, self._names(have), matrix.title)
        if last:
            also = self.tr("Up to %1 R′ differ in the last digit only.")
            text = f"{text} {filled(also, f'{last:,}')}"
        return text

    def _names(self, rows: list[RuntimeRow]) -> str:
        names = [row.title for row in rows]
        if len(names) > MANY:
            return filled(self.tr("%1 and %2 more"), ", ".join(names[:MANY]), len(names) - MANY)
        return filled(self.tr("%1 and %2"), ", ".join(names[:-1]), names[-1]) \
            if len(names) > 1 else names[0]  # fmt: skip

    def _first_cause(self, row: RuntimeRow) -> str:
        """Return what the first value that differs shows."""
        if row.parting is None:
            return ""
        cause, tie = row.parting.cause, row.parting.tie
        if tie and cause.key in OF_A_TIE:
            return filled(self.tr("the first is a tie at %1"), tie)
        return filled(self.tr("the first by %1"), cause.title)

    # Choosing

    def _row(self) -> RuntimeRow | None:
        return self.model.row(self.table.currentIndex().row())

    def _on_current(self, *_: QModelIndex) -> None:
        row = self._row()
        self.button.setEnabled(row is not None and row.scheme is not None)

    def _choose(self, index: QModelIndex) -> None:
        """Choose the first value that differs."""
        row = self.model.row(index.row())
        if row is not None and row.parting is not None:
            self._session.view.choose(row.parting.position)

    def compare(self) -> None:
        """Add the chosen runtime's scheme, unless it is there, and ask for the comparison."""
        row, active = self._row(), self._session.active_uid
        if row is None or row.scheme is None or active is None:
            return
        uid = commands.add_beside(self._session, row.scheme)
        if uid is not None:
            self.compare_asked.emit(active, uid)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self._delegate.theme = theme
        self.model.restyle(theme)


def _matrix(
    array: FloatArray, scheme: Scheme, digits: int, role: Role | None, ticket: Ticket
) -> RuntimeMatrix:
    return runtime_matrix(array, scheme, digits=digits, progress=ticket.step, role=role)
