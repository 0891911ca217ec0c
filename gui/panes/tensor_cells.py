"""Delegates of the Tensors pane: histograms and shortened names."""

from __future__ import annotations

from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QPainter, QPalette
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from quantoscope.engine.analysis.glance import Glance
from quantoscope.gui.common.short_names import shortened
from quantoscope.gui.models.array_model import Index
from quantoscope.gui.models.tensors import GLANCE, RIVALS, SAME_END


class HistogramDelegate(QStyledItemDelegate):
    """Paints the histogram of a tensor's values."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
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
    """Shortens names, keeping the end and the numbers that identify layers."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        shown = QStyleOptionViewItem(option)
        self.initStyleOption(shown, index)
        style = shown.widget.style()
        room = style.subElementRect(
            QStyle.SubElement.SE_ItemViewItemText, shown, shown.widget
        ).width()
        margin = 2 * (style.pixelMetric(QStyle.PixelMetric.PM_FocusFrameHMargin) + 1)
        rivals = index.data(RIVALS) or ()
        shown.text = shortened(
            shown.text, shown.fontMetrics, room - margin, rivals, lambda: index.data(SAME_END) or ()
        )
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, shown, painter, shown.widget)
