"""Schemes pane: the list, its buttons, and the form of the active scheme."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QObject, QSize, Qt
from PySide6.QtGui import QAction, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QFrame,
    QMenu,
    QScrollArea,
    QToolBar,
    QToolButton,
    QWidget,
)

from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.splitter import Splitter
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.common.widgets import vbox
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.schemes import SchemesModel
from quantoscope.gui.panes.scheme_form import SchemeForm
from quantoscope.gui.panes.scheme_list import SchemeView


class SchemesPane(QWidget):
    """List of schemes with buttons, and the form of the active one."""

    def __init__(
        self, session: Session, settings: Settings, theme: Theme, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.model = SchemesModel(session, theme, self.devicePixelRatioF(), self)
        view = SchemeView(self.model, self)
        self.list = view.list
        self.form = SchemeForm(session, settings, theme, self)
        scroll = QScrollArea(self)
        scroll.setWidget(self.form)
        # Its fields take the focus, and it follows them.
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # Wide enough for the form and its scroll bar.
        bar = scroll.verticalScrollBar().sizeHint().width()
        scroll.setMinimumWidth(self.form.minimumSizeHint().width() + bar)
        scroll.viewport().installEventFilter(self)
        self._scroll = scroll
        self._bar = QToolBar(self.tr("Scheme buttons"), self)
        self._bar.setIconSize(QSize(16, 16))
        top = QWidget(self)
        vbox(top, view, self._bar, spacing=0)
        name = self.tr("Border between the list of schemes and the form")
        split = Splitter(Qt.Orientation.Vertical, name, parent=self)
        split.addWidget(top)
        split.addWidget(scroll)
        split.setStretchFactor(0, 1)
        split.setStretchFactor(1, 3)
        vbox(self, split)
        self.setFocusProxy(self.list)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        session.active_changed.connect(self._follow)
        self.model.modelReset.connect(self._follow)
        self._follow()

    def offer(self, add: QMenu, actions: Sequence[QAction]) -> None:
        """Add actions below the list and to its context menu."""
        self._add = QToolButton(self)
        self._add.setText(self.tr("Add"))
        self._add.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._add.setMenu(add)
        self._add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._bar.addWidget(self._add)
        self._bar.addActions(list(actions))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.list.addActions(list(actions))
        delete = QShortcut(QKeySequence(QKeySequence.StandardKey.Delete), self.list)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self.remove)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self.form.result.give_room(self._scroll.viewport().height())
        return super().eventFilter(watched, event)

    def restyle(self, theme: Theme) -> None:
        """Apply the colours of a theme."""
        self.model.restyle(theme)
        self.form.restyle(theme)

    def _on_current(self, current: QModelIndex, previous: QModelIndex) -> None:
        entry = self.model.entry(current.row())
        if entry is not None:
            self._session.activate(entry.uid)

    def _follow(self) -> None:
        row = self.model.row_of(self._session.active_uid)
        if row >= 0 and self.list.currentIndex().row() != row:
            flag = QItemSelectionModel.SelectionFlag.ClearAndSelect
            self.list.selectionModel().setCurrentIndex(self.model.index(row), flag)

    # Actions

    def duplicate(self) -> None:
        """Copy the active scheme."""
        if self._session.active_uid is not None:
            commands.duplicate_entry(self._session, self._session.active_uid)

    def remove(self) -> None:
        """Remove the active scheme."""
        if self._session.active_uid is not None:
            commands.remove_entry(self._session, self._session.active_uid)

    def move_scheme(self, by: int) -> None:
        """Move the active scheme up (−1) or down (1)."""
        uid = self._session.active_uid
        if uid is not None:
            commands.move_entry(self._session, uid, self.model.row_of(uid) + by)
