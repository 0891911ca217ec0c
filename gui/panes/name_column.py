"""Names of a table's rows, which stay in sight when it is scrolled sideways."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QIcon, QPainter, QPalette
from PySide6.QtWidgets import QAbstractButton, QHeaderView, QTableView, QWidget

from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.widgets import bold, hbox, plain_label

WIDEST, GAP = 300, 6
"""Largest width of the names, and space beside them, in pixels."""
_DISPLAY, _ICON, _FONT = (
    Qt.ItemDataRole.DisplayRole,
    Qt.ItemDataRole.DecorationRole,
    Qt.ItemDataRole.FontRole,
)


class NameColumn(QHeaderView):
    """Shows the model's vertical heads like cells, with their icons, elided if they are long."""

    def __init__(self, icon: QSize, parent: QWidget) -> None:
        super().__init__(Qt.Orientation.Vertical, parent)
        self._icon = icon
        self.setSectionsClickable(True)

    def sectionSizeFromContents(self, logicalIndex: int) -> QSize:
        text = str(self._head(logicalIndex, _DISPLAY) or "")
        # Names may be bold.
        wide = QFontMetrics(bold(self.font())).horizontalAdvance(text) + 2 + self._icon.width()
        return QSize(min(wide + 3 * GAP, WIDEST), self.defaultSectionSize())

    def _head(self, section: int, role: int) -> object:
        value: object = self.model().headerData(section, self.orientation(), role)
        return value

    def paintSection(self, painter: QPainter, rect: QRect, logicalIndex: int) -> None:
        chosen = self.selectionModel().isRowSelected(logicalIndex, self.rootIndex())
        palette, role = self.palette(), QPalette.ColorRole
        ground = self._head(logicalIndex, Qt.ItemDataRole.BackgroundRole)
        if chosen or not isinstance(ground, QColor):
            ground = palette.color(role.Highlight if chosen else role.Base)
        painter.save()
        painter.fillRect(rect, ground)
        painter.setPen(palette.color(role.Mid))
        painter.drawLine(rect.bottomLeft(), rect.bottomRight())
        painter.drawLine(rect.topRight(), rect.bottomRight())
        icon = self._head(logicalIndex, _ICON)
        picture = QRect(rect.topLeft(), self._icon)
        picture.moveCenter(QRect(rect.left() + GAP, rect.top(), picture.width(),
                                 rect.height()).center())  # fmt: skip
        if isinstance(icon, QIcon):
            icon.paint(painter, picture)
        font = self._head(logicalIndex, _FONT)
        painter.setFont(font if isinstance(font, QFont) else self.font())
        painter.setPen(palette.color(role.HighlightedText if chosen else role.Text))
        room = rect.adjusted(picture.width() + 2 * GAP, 0, -GAP, 0)
        name = str(self._head(logicalIndex, _DISPLAY) or "")
        text = self._shown(name, room.width())
        painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine, text)
        painter.restore()

    def _shown(self, name: str, room: int) -> str:
        """Return a name that fits, with the words that others lack."""
        metrics = QFontMetrics(bold(self.font()))
        if metrics.horizontalAdvance(name) <= room:
            return name
        names = [str(self._head(row, _DISPLAY) or "") for row in range(self.count())]

        def cut(text: str) -> str:
            return metrics.elidedText(text, Qt.TextElideMode.ElideMiddle, room)

        return schemes_apart(names, cut)[names.index(name)]


def freeze_names(table: QTableView, head: str) -> QAbstractButton:
    """Show a table's first column beside it, where it stays; return the button above the names."""
    column = NameColumn(table.iconSize(), table)
    column.setDefaultSectionSize(table.verticalHeader().defaultSectionSize())
    column.setFont(table.font())
    table.setVerticalHeader(column)
    column.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
    column.setHighlightSections(False)
    column.sectionClicked.connect(table.selectRow)
    column.show()
    table.setColumnHidden(0, True)
    corner = table.findChild(QAbstractButton)
    assert corner is not None
    label = plain_label(corner, head, wrap=False)
    label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    hbox(corner, label, margins=(GAP, 0, GAP, 0))
    return corner
