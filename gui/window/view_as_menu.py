"""The menu View as: the current tensor along other axes."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QMenu, QWidget

from quantoscope.gui.document import axes
from quantoscope.gui.document.session import Session


class ViewAsMenu(QMenu):
    """Transpose, reshape and move axes; what an array does not allow is disabled."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTitle(self.tr("View &as"))
        self._session, self._window = session, parent
        self.transpose = self.addAction(self.tr("&Transposed"))
        self.transpose.setStatusTip(self.tr("Put the axes in reverse order"))
        self.move_axis = self.addAction(self.tr("&Move axis…"))
        self.move_axis.setStatusTip(self.tr("Put one axis elsewhere"))
        self.reshape = self.addAction(self.tr("&Reshaped…"))
        self.reshape.setStatusTip(self.tr("Show as many values in another shape"))
        self.flatten = self.addAction(self.tr("&Flat: one axis"))
        self.addSeparator()
        self.own = self.addAction(self.tr("As in the f&ile"))
        self.own.setStatusTip(self.tr("Show the axes as they were opened"))
        self.transpose.triggered.connect(self._transpose)
        self.move_axis.triggered.connect(self._move_axis)
        self.reshape.triggered.connect(self._reshape)
        self.flatten.triggered.connect(self._flatten)
        self.own.triggered.connect(self._own)
        session.array_settled.connect(self._enable)
        self._enable()

    def _enable(self) -> None:
        array = self._session.array
        for action in (self.transpose, self.move_axis, self.flatten):
            action.setEnabled(array.ndim > 1)
        self.reshape.setEnabled(array.size > 0)
        self.own.setEnabled(bool(self._session.current.axes.steps))

    def _transpose(self) -> None:
        self._session.finish_typing.emit()
        axes.transpose(self._session, window=self._window)

    def _flatten(self) -> None:
        self._session.finish_typing.emit()
        axes.reshape(self._session, (self._session.array.size,), self._window)

    def _own(self) -> None:
        self._session.finish_typing.emit()
        axes.own_axes(self._session, self._window)

    def _move_axis(self) -> None:
        from quantoscope.gui.dialogs.view_as import MoveAxisDialog

        self._session.finish_typing.emit()
        dialog = MoveAxisDialog(self._session.array.shape, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            axes.move_axis(self._session, *dialog.chosen(), self._window)
        dialog.deleteLater()

    def _reshape(self) -> None:
        from quantoscope.gui.dialogs.view_as import ReshapeDialog

        self._session.finish_typing.emit()
        array = self._session.array
        dialog = ReshapeDialog(array.shape, array.size, self._window)
        if dialog.exec() == QDialog.DialogCode.Accepted:
            axes.reshape(self._session, dialog.shape(), self._window)
        dialog.deleteLater()
