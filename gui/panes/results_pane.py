"""Results pane: a sortable table of metrics per scheme."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QSizePolicy, QTableView, QWidget

from quantoscope.engine.evaluation.definitions import SQNR_DEFINITIONS
from quantoscope.engine.text.markdown import as_markdown
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import list_rows, vbox
from quantoscope.gui.document.clipboard import cells_text, put_on_clipboard
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.results import SORT_ROLE, ResultsModel
from quantoscope.gui.models.schemes import SWATCH
from quantoscope.gui.panes.empty_note import EmptyNote
from quantoscope.gui.panes.form_fields import ChoiceBox
from quantoscope.gui.panes.name_column import freeze_names
from quantoscope.gui.panes.values_copy import CELLS, MARKDOWN


class ResultsPane(QWidget):
    """One row per enabled scheme; selecting a row activates its scheme."""

    insight_changed = Signal(str, arguments=["text"])
    """Text for the head of the pane: the few values that set the active scheme's scale."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.model = ResultsModel(session, settings, theme, self.devicePixelRatioF(), self)
        self.proxy = QSortFilterProxyModel(self)
        self.proxy.setSourceModel(self.model)
        self.proxy.setSortRole(SORT_ROLE)
        self.table = QTableView(self)
        self.table.setModel(self.proxy)
        self.table.setAccessibleName(self.tr("Results"))
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        list_rows(self.table)
        self.table.setIconSize(SWATCH)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.corner = freeze_names(self.table, self.tr("Scheme"))
        self.corner.setAccessibleName(self.tr("Sort by scheme"))
        self.corner.clicked.connect(self._sort_by_name)
        header = self.table.horizontalHeader()
        header.setSectionsMovable(True)
        header.setDefaultSectionSize(72)
        self._heads_fit: set[int] = set()
        self.empty = EmptyNote("", self)
        self.definition = ChoiceBox(self)
        self.definition.setAccessibleName(self.tr("What SQNR means"))
        tip = self.tr("Tools define SQNR differently: choose a definition.")
        self.definition.setToolTip(tip)
        for one in SQNR_DEFINITIONS:
            unit = f" {one.metric.unit}" if one.metric.unit else ""
            text = f"{one.metric.name} = {one.metric.formula}{unit}"
            self.definition.addItem(f"{text}   ({one.whose})", one.key)
        self.definition.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.definition.setCurrentIndex(max(0, self.definition.findData(settings.sqnr)))
        self.definition.activated.connect(self._on_definition)
        vbox(self, self.definition, self.table, self.empty, spacing=2)
        self.setFocusProxy(self.table)
        self.table.selectionModel().currentRowChanged.connect(self._on_current)
        session.active_changed.connect(self._follow)
        self.model.modelReset.connect(self._on_reset)
        session.evaluator.stale_changed.connect(self._tell_why)
        session.evaluator.evaluated.connect(self._fit_columns)
        session.evaluator.evaluated.connect(self._tell_cause)
        session.active_changed.connect(self._tell_cause)
        session.view.focus_changed.connect(self._tell_cause)
        self._on_reset()

    def _fit_columns(self) -> None:
        """Widen columns to their contents, never narrowing them; as soon as they are seen."""
        if not self.isVisible():
            return
        header, metrics = self.table.horizontalHeader(), self.table.fontMetrics()
        if self.proxy.rowCount():
            names = self.table.verticalHeader()
            names.headerDataChanged(Qt.Orientation.Vertical, 0, self.proxy.rowCount() - 1)
        for column in range(1, self.proxy.columnCount()):
            texts = (
                str(self.proxy.index(row, column).data() or "")
                for row in range(self.proxy.rowCount())
            )
            # Bold figures are slightly wider than these metrics. Qt's own hint queries each
            # cell for a dozen roles at every update.
            wanted = max(map(metrics.horizontalAdvance, texts), default=0) * 108 // 100 + 16
            if column not in self._heads_fit:
                wanted = max(wanted, header.sectionSizeHint(column) + 8)
                self._heads_fit.add(column)
            if wanted > header.sectionSize(column):
                header.resizeSection(column, min(wanted, 320))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fit_columns()

    def _sort_by_name(self) -> None:
        up, down = Qt.SortOrder
        again = self.proxy.sortColumn() == 0 and self.proxy.sortOrder() == up
        self.table.sortByColumn(0, down if again else up)

    def _on_definition(self, place: int) -> None:
        self._settings.sqnr = self.definition.itemData(place)
        self._heads_fit.clear()
        self._fit_columns()

    def _tell_cause(self) -> None:
        """Show whose figures these are, or the outliers that cause the loss."""
        if self._session.view.focus is not None:
            text = self.tr("Figures of %1 alone; Esc shows all values again.")
            self.insight_changed.emit(filled(text, self._session.view.focus.name))
            return
        entry = self._session.active
        causes = self._session.evaluator.snapshot.attributions
        known = entry is not None and entry.uid in causes
        self.insight_changed.emit(f"{entry.name}: {causes[entry.uid]}" if known and entry else "")

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.model.restyle(theme)

    def _on_reset(self) -> None:
        empty = self.model.rowCount() == 0
        self.table.setHidden(empty)
        self.definition.setHidden(empty)
        self.empty.setVisible(empty)
        self._tell_why()
        self._follow()

    def _tell_why(self) -> None:
        """Show why there are no figures."""
        missing = self.tr("No figures yet: they need values, and a scheme that is switched on.")
        waiting = self.tr("No figures yet: these values have not been quantized.")
        self.empty.label.setText(waiting if self._session.evaluator.stale else missing)

    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        entry = self.model.entry(self.proxy.mapToSource(current).row())
        if entry is not None:
            self._session.activate(entry.uid)

    def _follow(self) -> None:
        row = self.model.row_of(self._session.active_uid)
        if row >= 0:
            index = self.proxy.mapFromSource(self.model.index(row, 0))
            if index.row() != self.table.currentIndex().row():
                self.table.selectRow(index.row())

    def copy(self, form: str = CELLS) -> None:
        """Copy the whole table at full precision, for spreadsheets or as Markdown."""
        role = Qt.ItemDataRole.EditRole
        columns = range(self.proxy.columnCount())
        head = [str(self.proxy.headerData(c, Qt.Orientation.Horizontal)) for c in columns]
        rows = [
            [str(self.proxy.index(row, c).data(role)) for c in columns]
            for row in range(self.proxy.rowCount())
        ]
        put_on_clipboard(as_markdown(rows, head) if form == MARKDOWN else cells_text([head, *rows]))
