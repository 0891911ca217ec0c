"""List of schemes with their headline: SQNR and bits per value, and the names of these columns."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QAbstractItemModel, QEvent, QPoint, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.widgets import align_digits, bold, vbox
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.schemes import FIGURES, SWATCH, Figure, SchemesModel

WIDEST_DB, WIDEST_BITS = "-88.88", "18.8"
"""Texts that figures have room for."""
GAP, CHECK = 6, 30
"""Space between columns, and room for the check box and beside the name, in pixels."""
LEAST_ROWS = 4
"""Number of rows up to which the list does not need to be scrolled, however low the window is."""
SHARE = 0.3
"""Share of the window's height up to which it does not need to, either."""


def places(metrics: QFontMetrics, heads: Sequence[str], room: QRect) -> list[QRect]:
    """Return the rectangles of the columns of figures at the right edge of a row."""
    right, found = room.right() - GAP, []
    for number, head in enumerate(reversed(heads)):
        widest = WIDEST_BITS if number == 0 else WIDEST_DB
        # Bold figures are a little wider.
        wide = max(map(metrics.horizontalAdvance, (widest, head))) + 2
        found.append(QRect(right - wide, room.top(), wide, room.height()))
        right -= wide + GAP
    return found[::-1]


class FigureDelegate(QStyledItemDelegate):
    """Draws the figures beside a scheme's name; below, where names are long."""

    two_lines = False

    def __init__(self, model: SchemesModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model
        self.shown: dict[str, str] = {}
        """What is written for each name, in the room that there is."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:
        super().initStyleOption(option, index)
        option.text = self.shown.get(option.text, option.text)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = super().sizeHint(option, index).height() + 3
        # Names are elided instead of widening the list.
        return QSize(0, line + self.two_lines * option.fontMetrics.height())

    def _named(self, option: QStyleOptionViewItem, index: Index) -> QStyleOptionViewItem:
        """Return the option with the part of the row that has check box, sample and name."""
        named = QStyleOptionViewItem(option)
        if self.two_lines:
            named.rect.setHeight(option.rect.height() - option.fontMetrics.height() - 2)
            return named
        columns = places(option.fontMetrics, self._model.heads(), option.rect)
        if columns:
            named.rect.setRight(columns[0].left() - GAP)
        return named

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        whole = QStyleOptionViewItem(option)
        self.initStyleOption(whole, index)
        panel = QStyle.PrimitiveElement.PE_PanelItemViewItem
        option.widget.style().drawPrimitive(panel, whole, painter, option.widget)
        super().paint(painter, self._named(option, index), index)
        figures: tuple[Figure, ...] = index.data(FIGURES) or ()
        room = QRect(option.rect)
        if self.two_lines:
            room.setTop(room.bottom() - option.fontMetrics.height() - 1)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text
        painter.save()
        painter.setPen(option.palette.color(role))
        columns = places(option.fontMetrics, self._model.heads() if figures else (), room)
        for place, figure in zip(columns, figures, strict=bool(figures)):
            painter.setFont(bold(option.font) if figure.best else option.font)
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, side, figure.text)
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        return super().editorEvent(event, model, self._named(option, index), index)

    def updateEditorGeometry(
        self, editor: QWidget, option: QStyleOptionViewItem, index: Index
    ) -> None:
        super().updateEditorGeometry(editor, self._named(option, index), index)


class Heads(QWidget):
    """Names of the columns of figures."""

    def __init__(self, view: SchemeView) -> None:
        super().__init__(view)
        self._view = view
        align_digits(self)
        self.setFixedHeight(self.fontMetrics().height() + 2)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, texts = QPainter(self), self._view.model.heads()
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        viewport = self._view.list.viewport()
        left = viewport.mapTo(self._view, QPoint(0, 0)).x()
        room = QRect(left, 0, viewport.width(), self.height())
        columns = places(self.fontMetrics(), texts, room)
        for place, text in zip(columns, texts, strict=bool(texts)):
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(place, side, text)


class SchemeView(QWidget):
    """The list, below the names of its figures."""

    def __init__(self, model: SchemesModel, parent: QWidget) -> None:
        super().__init__(parent)
        self.model = model
        self.list = QListView(self)
        self.list.setModel(model)
        self.list.setAccessibleName(self.tr("Schemes"))
        self.list.setIconSize(SWATCH)
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.list.setEditTriggers(
            QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.DoubleClicked
        )
        self.list.setUniformItemSizes(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        align_digits(self.list)
        self.delegate = FigureDelegate(model, self.list)
        self.list.setItemDelegate(self.delegate)
        self.heads = Heads(self)
        vbox(self, self.heads, self.list, spacing=0)
        self.setFocusProxy(self.list)
        model.dataChanged.connect(self._arrange)
        model.modelReset.connect(self._arrange)
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Put the figures below the names if these are long."""
        metrics, width = QFontMetrics(bold(self.list.font())), self.list.viewport().width()
        columns = places(self.list.fontMetrics(), self.model.heads(), QRect(0, 0, width, 1))
        room = (columns[0].left() if columns else width) - CHECK - SWATCH.width() - GAP
        names = [str(self.model.index(row).data()) for row in range(self.model.rowCount())]
        two = bool(columns) and any(metrics.horizontalAdvance(name) > room for name in names)
        whole = room if not two else width - CHECK - SWATCH.width() - GAP

        def cut(name: str) -> str:
            return metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, whole)

        self.delegate.shown = dict(zip(names, schemes_apart(names, cut), strict=True))
        self.heads.setVisible(bool(columns))
        self.heads.update()
        if two != self.delegate.two_lines:
            self.delegate.two_lines = two
            self.list.doItemsLayout()
        height = max(self.list.sizeHintForRow(0), self.list.fontMetrics().height() + 6)
        most = max(LEAST_ROWS, int(SHARE * self.window().height() / height))
        rows = min(max(len(names), 2), most)
        self.list.setMinimumHeight(rows * height + 2 * self.list.frameWidth())
