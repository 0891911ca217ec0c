"""How the cells of the Tensors pane are drawn: histograms, and names cut at their beginning."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from engine.glance import Glance
from gui.models.tensors import GLANCE


class HistogramDelegate(QStyledItemDelegate):
    """Paints how the values lie between the ends."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        super().paint(painter, option, index)
        seen = index.data(GLANCE)
        if not isinstance(seen, Glance) or not seen.counts.any():
            return
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        colour = QColor(option.palette.color(role))
        colour.setAlphaF(0.65)
        room: QRect = option.rect.adjusted(3, 2, -3, -2)
        counts = seen.counts
        for place, share in enumerate((counts / counts.max()).tolist()):
            left = room.left() + room.width() * place // counts.size
            right = room.left() + room.width() * (place + 1) // counts.size
            height = max(1, round(share * room.height())) if share > 0 else 0
            painter.fillRect(left, room.bottom() + 1 - height, right - left, height, colour)


class NameDelegate(QStyledItemDelegate):
    """Shortens names at their beginning, which is the same for most tensors of a model."""

    def initStyleOption(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().initStyleOption(option, index)
        option.textElideMode = Qt.TextElideMode.ElideLeft
