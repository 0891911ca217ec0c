"""Tables as high as their rows, with cells of two lines."""

from __future__ import annotations

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import bold, list_rows
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.runtimes import DIFFERS, RUNTIME


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


class WholeTable(QTableView):
    """Scrolls sideways only: what it stands in scrolls up and down."""

    def __init__(self, model: QAbstractTableModel, name: str, theme: Theme) -> None:
        super().__init__()
        self.setModel(model)
        self.setAccessibleName(name)
        list_rows(self)
        self.delegate = TwoLines(theme, self)
        self.setItemDelegate(self.delegate)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        rows = self.verticalHeader()
        rows.setDefaultSectionSize(2 * self.fontMetrics().height() + 6)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.horizontalHeader().setTextElideMode(Qt.TextElideMode.ElideRight)
        model.modelReset.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        """Take the height of all rows."""
        across = self.horizontalHeader()
        high = across.sizeHint().height() + self.verticalHeader().length() + 2 * self.frameWidth()
        if across.length() > self.viewport().width():
            high += self.horizontalScrollBar().sizeHint().height()
        self.setFixedHeight(high)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.minimumHeight())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def fit_columns(self, first: int, stop: int, widest: dict[int, int]) -> None:
        """Give columns the width of their contents, or their widest."""
        model, header = self.model(), self.horizontalHeader()
        # Names and counts are bold.
        metrics = QFontMetrics(bold(self.font()))
        for column in range(first, stop):
            cells = [model.index(row, column).data() for row in range(model.rowCount())]
            lines = [line for cell in cells for line in cell.split("\n")]
            wide = max(map(metrics.horizontalAdvance, lines), default=0) + 16
            wide = min(wide, widest.get(column, wide))
            self.setColumnWidth(column, max(wide, header.sectionSizeHint(column)))
        self._fit()

    def place_of(self, index: QModelIndex) -> QRect:
        """Return where a cell lies within the table."""
        place = self.visualRect(index)
        place.translate(self.viewport().pos())
        return place
