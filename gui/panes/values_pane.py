"""Values pane: the array as a list with the active scheme's stages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QInputDialog,
    QMenu,
    QToolButton,
    QWidget,
)

from quantoscope.engine.text.paste import Pasted
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme, inked
from quantoscope.gui.common.widgets import hbox, plain_label, vbox
from quantoscope.gui.document import clipboard, commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.values import SHEET, SortOrder, ValuesModel
from quantoscope.gui.panes import values_copy, values_edit
from quantoscope.gui.panes.empty_note import EmptyNote
from quantoscope.gui.panes.sheet_row import SheetRow
from quantoscope.gui.panes.table_view import NumberTable

MARGIN = 9
"""Pixels of a column beside its text."""
ESSENTIAL = ("real", "clipped", "code", "error")
"""Columns shown where there is no room for all, the most important first."""
FEW_DIGITS, NO_DIGITS = 3, 99
"""Maximum number of digits of errors where there is no room for more, and no maximum."""
_SIGNED = (SortOrder.ASCENDING, SortOrder.DESCENDING)


class ValuesPane(QWidget):
    """A list of all values, which edits the session's array."""

    problem = Signal(str, arguments=["text"])
    """Why a command was refused."""
    typed = Signal()
    """Text was typed into a cell, or its editor was closed."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self.model = ValuesModel(session, settings, theme, self)
        self.table = NumberTable(self.tr("Values"), self)
        self.table.setModel(self.model)
        self.table.horizontalHeader().setSectionsClickable(True)
        # A click on a head only sorts: selecting the column would change the chosen value.
        self.table.horizontalHeader().sectionPressed.disconnect()
        self.table.horizontalHeader().setSortIndicatorShown(True)
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.table.setCornerButtonEnabled(True)
        self.setFocusProxy(self.table)
        self._build_bar()
        self.empty = EmptyNote(
            self.tr("No values yet. Type a number above, paste a column, or:"), self
        )
        self.note = plain_label(self)
        self.note.setContentsMargins(8, 2, 8, 6)
        self.note.hide()
        vbox(self, self._bar, (self.table, 1), self.note, self.empty, spacing=2)
        self._sorted_by: tuple[int, SortOrder] | None = None
        self._widths: list[int] = []
        self._sized: tuple[object, ...] = ()
        self._size_columns()
        self.model.modelReset.connect(self._size_columns)
        settings.digits_changed.connect(self._size_columns)
        session.evaluator.evaluated.connect(self._size_columns)
        self.table.resized.connect(self._size_columns)
        self.table.moved.connect(self._on_moved)
        self.table.refused.connect(self._refuse)
        self.table.passed.connect(self._on_passed)
        self.table.end_asked.connect(self._on_end_asked)
        header = self.table.horizontalHeader()
        header.sectionClicked.connect(self._on_head_clicked)
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(self._offer_orders)
        session.array_reset.connect(self._on_reset)
        session.document_changed.connect(self._show_note)
        session.finish_typing.connect(self.table.finish_typing)
        session.resetting.connect(self.table.drop_typing)
        self.table.delegate.typed.connect(self.typed)
        session.resetting.connect(self._on_resetting)
        session.view.chosen_changed.connect(self._on_chosen)
        # The cursor is lost where a scheme has other columns.
        self.model.columns_changed.connect(self._on_chosen)
        self._following = False
        self.restyle(theme)
        self._on_reset()

    def _build_bar(self) -> None:
        self._bar = QWidget(self)
        row = hbox(self._bar, margins=(2, 2, 2, 0), spacing=4)
        row.addStretch(1)
        self._sheets = SheetRow(self.model, self)
        self._sheets.turned.connect(self._on_turned)
        row.addWidget(self._sheets)
        self._order = QToolButton(self)
        self._order.setText(self.tr("Sorted: back to array order"))
        self._order.setAutoRaise(True)
        self._order.clicked.connect(self.unsort)
        self._order.hide()
        row.addWidget(self._order)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.model.restyle(theme)
        self.note.setPalette(inked(theme.muted))
        self.table.delegate.message.setStyleSheet(
            f"background: {theme.base}; color: {theme.foreground};border: 1px solid {theme.alarm};"
        )

    def _size_columns(self) -> None:
        """Set the width of each stage's column, for the longest number that it may hold."""
        model, room = self.model, self.table.viewport().width()
        sized = (
            model.keys, model.more_digits, model.longest_code, self._settings.digits, room,
            self._extreme,
        )  # fmt: skip
        if (*sized, self._sorted_by) == self._sized:
            return
        self._sized = (*sized, self._sorted_by)
        self._widths = [self._width_of(key, self._settings.digits) for key in model.keys]
        self._show_columns(room)

    @property
    def _extreme(self) -> bool:
        """Whether exponents of the values have three digits."""
        summary = self._session.evaluator.snapshot.summary
        largest = max(abs(summary.low), abs(summary.high))
        return 0 < largest < 1e-90 or 1e90 < largest < math.inf

    def _width_of(self, key: str, digits: int) -> int:
        """Return the width that a column's numbers need."""
        of_values, of_steps = self.model.more_digits
        more = {"real": of_values, "reconstructed": of_values, "scaled": of_steps}
        longest = f"-0.000{'0' * (digits + more.get(key, 0))}"
        if self._extreme:
            longest = f"-0.{'0' * (digits - 1 + more.get(key, 0))}e-000"
        if key in ("rounded", "clipped", "code") and self.model.longest_code:
            longest = self.model.longest_code
        metrics = self.table.fontMetrics()
        head = self.model.headerData(self.model.keys.index(key), Qt.Orientation.Horizontal)
        return MARGIN + max(metrics.horizontalAdvance(text) for text in (longest, head))

    def _show_columns(self, room: int) -> None:
        """Hide what has no room: first stages, then the error, whose digits are fewer before."""
        keys, widths = self.model.keys, dict(enumerate(self._widths))
        few = NO_DIGITS
        if sum(widths.values()) > room:
            error = keys.index("error") if "error" in keys else -1
            sorted_by = self._sorted_by[0] if self._sorted_by is not None else 0
            wanted = (0, sorted_by, *(keys.index(key) for key in ESSENTIAL if key in keys))
            left, widths = room, {}
            for column in dict.fromkeys(wanted):
                width = self._widths[column]
                if column == error and width > left:
                    few = FEW_DIGITS
                    width = min(width, self._width_of("error", FEW_DIGITS))
                if not widths or width <= left:
                    # Digits outside the table would be missing without an ellipsis.
                    widths[column] = min(width, left)
                    left -= width
        self.model.limit_error(few)
        for column in range(len(keys)):
            self.table.setColumnHidden(column, column not in widths)
            if column in widths:
                self.table.setColumnWidth(column, widths[column])

    def offer(self, editing: Sequence[QAction], filling: Sequence[QAction | QMenu]) -> None:
        """Add editing actions to the context menus, and buttons to the empty pane."""
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.table.addActions(list(editing))
        self.empty.offer(filling)

    def _on_resetting(self) -> None:
        # Ignore cursor moves while one array is replaced by another.
        self._following = True

    def _on_reset(self) -> None:
        self._following = False
        size = self._session.array.size
        self.empty.setVisible(size == 0)
        self._sorted_by = None
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.table.fit_heads(commands.position_text(self._session, size - 1) if size else "")
        self._order.hide()
        self._show_note()
        self._on_chosen()

    def _show_note(self) -> None:
        """Show what a new document is told to try, until something is done."""
        hint = self._session.hint if self._session.untouched else ""
        self.note.setText(hint)
        self.note.setVisible(bool(hint))

    # Open editor

    def typing(self) -> tuple[int, str] | None:
        """Flat position and text of the open editor; None if none is open.

        In the empty last row, it is the position after the last value.
        """
        text, index = self.table.typing(), self.table.currentIndex()
        if text is None or not index.isValid():
            return None
        position = self.model.position(index.row())
        return self._session.array.size if position is None else position, text

    def resume_typing(self, position: int, text: str) -> None:
        """Open an editor at a position with a text."""
        size = self._session.array.size
        if 0 <= position < size:
            self._session.view.choose(position)
        elif position != size or self._session.array.ndim != 1:
            return
        if position < size:
            row = self.model.row_of(position)
        else:
            self.model.turn_to(size // SHEET)
            row = self.model.rowCount() - 1
        column = self.model.keys.index("real")
        self.table.resume_typing(self.model.index(row, column), text)

    # Chosen value

    def _on_moved(self, index: QModelIndex) -> None:
        position = self.model.position(index.row())
        if position is not None and not self._following:
            self._session.view.choose(position)

    def _on_turned(self) -> None:
        """Select the first value of a page: without a cursor, a paste would go to the end."""
        self.table.put_cursor(self.model.index(0, 0))

    def _on_passed(self, way: int) -> None:
        """Move to the adjacent page."""
        if way < 0 and self.model.sheet > 0:
            self._go_to_place(self.model.first - 1)
        elif way > 0 and self.model.sheet + 1 < self.model.sheets:
            self._go_to_place(self.model.last + 1)

    def _on_end_asked(self, way: int) -> None:
        """Move to the first or last value of all pages; the table has moved within its own."""
        if self.model.sheets > 1:
            self._go_to_place(0 if way < 0 else self._session.array.size - 1)

    def _go_to_place(self, place: int) -> None:
        """Select the value at an index of the list, counted over all pages."""
        position = self.model.position_at(place)
        if position is not None:
            self._session.view.choose(position)

    def _on_chosen(self) -> None:
        position = self._session.view.chosen
        typing = self.table.state() == NumberTable.State.EditingState
        if position is None or self._following or typing:
            return  # an edit in progress decides where to go next
        self._following = True
        try:
            column = max(0, self.table.currentIndex().column())
            self.table.go_to(self.model.row_of(position), column)
        finally:
            self._following = False

    # Sorting

    def _on_head_clicked(self, column: int) -> None:
        if self.table.holds_wrong_text():
            return
        before = self._sorted_by
        # Errors are sorted by magnitude, largest first.
        error = self.model.keys[column] == "error"
        ways = (SortOrder.MAGNITUDE, *_SIGNED) if error else _SIGNED
        done = 0 if before is None or before[0] != column else ways.index(before[1]) + 1
        self._sort((column, ways[done]) if done < len(ways) else None)

    def worst_first(self) -> None:
        """Sort by the magnitude of the error, largest first."""
        if "error" in self.model.keys:
            self._sort((self.model.keys.index("error"), SortOrder.MAGNITUDE))
        else:
            self._report(self.tr("Without a scheme there are no errors to sort by."))

    def _offer_orders(self, at: QPoint) -> None:
        """Show a menu of sort orders for a column."""
        header = self.table.horizontalHeader()
        column = header.logicalIndexAt(at)
        if column < 0 or self.table.holds_wrong_text():
            return
        menu = QMenu(self)
        texts = {
            SortOrder.ASCENDING: self.tr("Sort &ascending"),
            SortOrder.DESCENDING: self.tr("Sort &descending"),
            SortOrder.MAGNITUDE: self.tr("Sort by &magnitude, largest first"),
        }
        for how, text in texts.items():
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(self._sorted_by == (column, how))
            action.triggered.connect(partial(self._sort, (column, how)))
        menu.addSeparator()
        menu.addAction(self.tr("Array &order"), self.unsort).setEnabled(self.model.sorted)
        menu.exec(header.mapToGlobal(at))
        menu.deleteLater()

    def unsort(self) -> None:
        """Restore the array's order."""
        self._sort(None)

    def _sort(self, by: tuple[int, SortOrder] | None, *_: object) -> None:
        self._sorted_by = by
        self.model.sort_by(*(by or (None,)))
        header = self.table.horizontalHeader()
        falls = by is not None and by[1] is not SortOrder.ASCENDING
        order = Qt.SortOrder.DescendingOrder if falls else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(by[0] if by else -1, order)
        text = self.tr("Sorted: back to array order")
        if by is not None and by[1] is SortOrder.MAGNITUDE:
            head = self.model.headerData(by[0], Qt.Orientation.Horizontal)
            text = filled(self.tr("Sorted by |%1|: back to array order"), head)
        self._order.setText(text)
        self._order.setVisible(self.model.sorted)
        self._size_columns()
        self._on_chosen()

    # Editing

    def _selected_positions(self) -> np.ndarray:
        """Return the flat positions of the selected values, in row order."""
        return self.model.positions(values_edit.rows_of(self.table.selected_ranges()))

    def _selected_count(self) -> int:
        """Return the number of selected values without listing them."""
        last = self.model.last - self.model.first
        runs = values_edit.row_runs(self.table.selected_ranges())
        return sum(max(0, min(bottom, last) - top + 1) for top, bottom in runs)

    def _refuse(self) -> None:
        self.problem.emit(self.tr("Only column R can be edited: the others follow from it."))

    def _report(self, sentence: str) -> None:
        if sentence:
            self.problem.emit(sentence)

    def copy(self, form: str = values_copy.CELLS) -> bool:
        """Copy the selected cells at full precision; False if that is not possible."""
        blocks = self.table.selected_ranges()
        try:
            text = values_copy.list_text(self._session, self.model, blocks, form)
        except values_copy.CannotCopy as error:
            self._report(str(error))
            return False
        if not text:
            return False
        clipboard.put_on_clipboard(text)
        return True

    def cut(self) -> None:
        """Copy the selected cells and set their values to 0."""
        self._session.finish_typing.emit()
        if self.copy():
            positions = self._selected_positions()
            text = filled(self.tr("Cut %1"), values_edit.values_text(positions.size))
            self._report(values_edit.clear(self._session, positions, text))

    def clear(self) -> None:
        """Set the selected values to 0."""
        self._session.finish_typing.emit()
        positions = self._selected_positions()
        text = filled(self.tr("Clear %1"), values_edit.values_text(positions.size))
        self._report(values_edit.clear(self._session, positions, text))

    def paste(self) -> None:
        """Paste the clipboard's numbers from the current cell on."""
        self._session.finish_typing.emit()
        content, background = clipboard.clipboard_content(), self._session.background
        pasted = clipboard.read_pasted(content, background, self)
        if isinstance(pasted, str):
            self._report(pasted)
            return
        if self._put(pasted):
            values_edit.tell(self._session, pasted)

    def _put(self, pasted: Pasted) -> bool:
        """Paste numbers; on failure show why and return False."""
        if values_edit.paste_array(self._session, pasted, self._selected_count()):
            return True
        # One value fills the selection; for several, only the start of the selection counts.
        one = pasted.values.size == 1
        selected = self._selected_positions() if one else np.zeros(0, np.intp)
        ranges = self.table.selected_ranges()
        first = self.model.first
        place = first + ranges[0][0] if ranges else self._session.array.size
        position = self.model.position_at(place)
        if pasted.block.ndim > 1 and pasted.block.shape[1] > 1 and self._session.array.ndim > 1:
            sentence = values_edit.paste_block(self._session, pasted.block, position or 0)
            self._report(sentence)
            return not sentence
        sentence = values_edit.paste(
            self._session,
            pasted.values,
            place,
            selected,
            lambda places: self.model.positions(places - first),
        )
        self._report(sentence)
        if not sentence and pasted.values.size > 1:
            last = min(place + pasted.values.size, self._session.array.size) - 1
            row = self.model.row_of(place) if not self.model.sorted else place - first
            self.table.select_rows(row, min(row + last - place, self.model.rowCount() - 1))
        return not sentence

    def insert_rows(self) -> None:
        """Insert as many zeros as rows are selected, before the first one."""
        self._session.finish_typing.emit()
        self.unsort_for_edit()
        rows = values_edit.rows_of(self.table.selected_ranges())
        place = self.model.first + int(rows[0]) if rows.size else self._session.array.size
        self._report(values_edit.insert(self._session, place, max(1, rows.size)))

    def remove_rows(self) -> None:
        """Remove the selected values."""
        self._session.finish_typing.emit()
        positions = self._selected_positions()
        if positions.size:
            self._report(values_edit.remove(self._session, positions))

    def fill_down(self) -> None:
        """Copy the first selected value to the others."""
        self._session.finish_typing.emit()
        self._report(values_edit.fill_down(self._session, self._selected_positions()))

    def unsort_for_edit(self) -> None:
        """Restore the array's order, which insertion needs."""
        if self.model.sorted:
            self.unsort()

    def ask_position(self) -> None:
        """Ask for a position and select its value."""
        shape = self._session.array.shape
        if not self._session.array.size:
            self._report(self.tr("There is no value to go to yet."))
            return
        question = filled(self.tr("Type %1:"), values_edit.positions_text(shape))
        text, accepted = QInputDialog.getText(self, self.tr("Go to"), question)
        if not accepted:
            return
        position = values_edit.parse_position(text, shape)
        if isinstance(position, str):
            self._report(position)
        else:
            self._session.view.choose(position)

    def select_all(self) -> None:
        """Select every cell."""
        self.table.selectAll()
