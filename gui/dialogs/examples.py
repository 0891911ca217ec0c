"""Gallery of the examples: a picture of each, its name, and what it shows."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from quantoscope.engine.examples import EXAMPLES, Example
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme, theme_named
from quantoscope.gui.common.widgets import bold, open_at, vbox
from quantoscope.gui.dialogs.example_pictures import example_picture

PICTURE, CARD, GAP = QSize(220, 74), QSize(244, 172), 8
_EXAMPLE, _POINT = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1


class CardDelegate(QStyledItemDelegate):
    """Paints an example as a card: picture, name and sentence below each other."""

    theme: Theme

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        return CARD

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        view = option.widget
        room: QRect = option.rect.adjusted(3, 3, -3, -3)
        state, palette = option.state, view.palette()
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.fillRect(room, palette.highlight() if chosen else palette.base())
        role = QPalette.ColorRole.Link if chosen else QPalette.ColorRole.Mid
        pen = painter.pen()
        pen.setColor(palette.color(role))
        pen.setWidth(2 if chosen else 1)
        painter.setPen(pen)
        painter.drawRect(room.adjusted(1, 1, -1, -1))
        inner = room.adjusted(GAP, GAP, -GAP, -GAP)
        ratio = view.devicePixelRatioF()
        picture = example_picture(index.data(_EXAMPLE).key, self.theme, PICTURE, ratio)
        painter.drawPixmap(inner.topLeft(), picture)
        painter.setPen(palette.color(QPalette.ColorRole.Text))
        wrapped = int(Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignTop)
        painter.setFont(bold(view.font()))
        below = inner.adjusted(0, PICTURE.height() + 4, 0, 0)
        taken = painter.drawText(below, wrapped, index.data(Qt.ItemDataRole.DisplayRole))
        painter.setFont(view.font())
        painter.setPen(palette.color(QPalette.ColorRole.PlaceholderText))
        painter.drawText(below.adjusted(0, taken.height() + 2, 0, 0), wrapped, index.data(_POINT))
        painter.restore()


class ExamplesDialog(QDialog):
    """Asks for an example; ``chosen`` is it, or None."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle(self.tr("Examples"))
        self.list = QListWidget(self)
        self.list.setAccessibleName(self.tr("Examples"))
        self.list.setViewMode(QListWidget.ViewMode.IconMode)
        self.list.setMovement(QListWidget.Movement.Static)
        self.list.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.list.setUniformItemSizes(True)
        self.list.setSpacing(2)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._delegate = CardDelegate(self.list)
        self._delegate.theme = theme_named(settings.theme)
        self.list.setItemDelegate(self._delegate)
        for example in EXAMPLES:
            item = QListWidgetItem(self.tr(example.name), self.list)
            item.setData(_EXAMPLE, example)
            item.setData(_POINT, self.tr(example.point))
            item.setData(Qt.ItemDataRole.AccessibleDescriptionRole, self.tr(example.point))
        self.list.setCurrentRow(0)
        kinds = QDialogButtonBox.StandardButton
        buttons = QDialogButtonBox(kinds.Open | kinds.Cancel, self)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.list.itemActivated.connect(self._take)
        self.list.itemClicked.connect(self._take)
        vbox(self, (self.list, 1), buttons, margins=None)
        open_at(self, 3 * (CARD.width() + 6) + 40, 4 * (CARD.height() + 4) + 70)
        self.list.setFocus()

    def _take(self, item: QListWidgetItem) -> None:
        self.list.setCurrentItem(item)
        if self.isVisible():
            self.accept()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._delegate.theme = theme_named(self._settings.theme)

    @property
    def chosen(self) -> Example | None:
        """The example, if one was chosen."""
        item = self.list.currentItem()
        if self.result() != QDialog.DialogCode.Accepted or item is None:
            return None
        example: Example = item.data(_EXAMPLE)
        return example
