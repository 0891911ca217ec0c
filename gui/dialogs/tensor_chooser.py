"""The dialog that asks which array of a file to open."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from engine.io import TensorInfo
from gui.numbers_text import filled


class TensorChooser(QDialog):
    """A list of arrays with dtype and shape, and a field that narrows it."""

    def __init__(
        self, file_name: str, tensors: Sequence[TensorInfo], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(filled(self.tr("Arrays in %1"), file_name))
        self.resize(520, 380)
        head = QLabel(
            filled(self.tr("%1 holds %2 arrays. Which one?"), file_name, len(tensors)), self
        )
        head.setWordWrap(True)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText(self.tr("Filter by name"))
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._narrow)
        self.tree = QTreeWidget(self)
        self.tree.setAccessibleName(self.tr("Arrays"))
        self.tree.setHeaderLabels([self.tr("Name"), self.tr("dtype"), self.tr("Shape")])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self._items: list[QTreeWidgetItem] = []
        for tensor in tensors:
            shape = "×".join(map(str, tensor.shape)) or self.tr("one number")
            item = QTreeWidgetItem([tensor.name, tensor.dtype, shape])
            item.setData(0, Qt.ItemDataRole.UserRole, tensor.name)
            self.tree.addTopLevelItem(item)
            self._items.append(item)
        self.tree.setCurrentItem(self._items[0])
        self.tree.itemActivated.connect(self.accept)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (head, self.filter, self.tree, buttons):
            layout.addWidget(widget)
        self.tree.setFocus()

    def _narrow(self, text: str) -> None:
        first = None
        for item in self._items:
            item.setHidden(text.lower() not in item.text(0).lower())
            first = first or (None if item.isHidden() else item)
        if first is not None:
            self.tree.setCurrentItem(first)

    def chosen(self) -> str:
        """The name of the array that is selected."""
        item = self.tree.currentItem()
        return str(item.data(0, Qt.ItemDataRole.UserRole)) if item is not None else ""
