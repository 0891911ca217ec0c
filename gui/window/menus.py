"""Menu bar and toolbar, built from the actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtCore import QCoreApplication, QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMenuBar,
    QSizePolicy,
    QToolBar,
    QToolButton,
    QWidget,
)

from quantoscope.engine import FORMATS, MAPPINGS, QUANTIZERS, RUNTIMES, Scheme, SchemeError
from quantoscope.engine.text.file_names import as_text, path_of
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain, plain_action, plain_tip
from quantoscope.gui.common.settings import DIGITS_DEFAULT, Settings
from quantoscope.gui.common.theme import Theme, icon, outlined
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.place import Place
from quantoscope.gui.panes.plot_place import PlotPlace
from quantoscope.gui.panes.values_copy import FORMS
from quantoscope.gui.window.actions import Actions
from quantoscope.gui.window.frame import Frame
from quantoscope.gui.window.view_as_menu import ViewAsMenu

ADDED_FORMATS = ("int8", "uint8", "int4", "uint4", "int16")
CHANNELS = (
    "int8 symmetric per-channel(0)",
    "int8 asymmetric per-channel(0)",
    "int4 symmetric per-group(32)",
    "int4 asymmetric per-group(32)",
    "int4 symmetric per-group(128)",
    "int8 symmetric per-channel(out)",
    "int4 symmetric per-group(32,in)",
)


class Menus(QObject):
    """Builds the menus and updates the recent files."""

    scheme_chosen = Signal(object, arguments=["scheme"])
    recent_chosen = Signal(str, arguments=["path"])
    copy_as_chosen = Signal(str, arguments=["form"])

    def __init__(
        self,
        window: QMainWindow,
        actions: Actions,
        session: Session,
        places: Mapping[str, Place],
        frame: Frame,
        settings: Settings,
        theme: Theme,
    ) -> None:
        super().__init__(window)
        self._window = window
        self._actions = actions
        self._settings = settings
        self._session = session
        self.undo, self.redo = QAction(window), QAction(window)
        self.undo.setShortcut("Ctrl+Z")
        self.redo.setShortcuts([QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y")])
        self.undo.triggered.connect(self._undo)
        self.redo.triggered.connect(self._redo)
        stack = session.undo_stack
        stack.canUndoChanged.connect(self.undo.setEnabled)
        stack.canRedoChanged.connect(self.redo.setEnabled)
        # Qt's own undo actions would interpret names as HTML and mnemonics.
        stack.undoTextChanged.connect(self._name_undo)
        stack.redoTextChanged.connect(self._name_redo)
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())
        self._name_undo(stack.undoText())
        self._name_redo(stack.redoText())
        self.add_scheme = self._scheme_menu()
        self.copy_as = self._copy_menu()
        self.view_as = ViewAsMenu(session, window)
        self.recent = QMenu(self.tr("Open &recent"), window)
        self.recent.aboutToShow.connect(self._fill_recent)
        self._frame = frame
        self._build_bar(places)
        self._build_toolbar()
        self.restyle(theme)

    def _build_bar(self, places: Mapping[str, Place]) -> None:
        a, bar = self._actions, QMenuBar(self._window)
        self.bar = bar
        file = bar.addMenu(self.tr("&File"))
        _fill(file, a["new"], a["open"], self.recent, a["examples"], a["remove_source"], None,
              a["new_session"], a["save"], a["save_as"], a["save_values"], None, a["export"],
              a["copy_figure"], None, a["new_window"], a["quit"])  # fmt: skip
        edit = bar.addMenu(self.tr("&Edit"))
        _fill(edit, self.undo, self.redo, None, a["cut"], a["copy"], self.copy_as, a["paste"],
              a["clear"], None,
              a["insert_rows"], a["remove_rows"], a["fill_down"], None, a["select_all"],
              a["goto"])  # fmt: skip
        schemes = bar.addMenu(self.tr("&Schemes"))
        _fill(schemes, self.add_scheme, a["duplicate_scheme"], a["remove_scheme"], None,
              a["scheme_up"], a["scheme_down"])  # fmt: skip
        view = bar.addMenu(self.tr("&View"))
        view.addMenu(self._place_menu(places))
        view.addMenu(self._part_menu())
        _fill(view, *self._frame.stage.counts.values())
        _fill(view, None, self.view_as, None, a["fit"], a["worst_first"], a["unsort"],
              None, a["next_value"], a["previous_value"], None, self._theme_menu(),
              self._digits_menu(), self._latency_action(), None, a["border"],
              a["reset_layout"])  # fmt: skip
        help_menu = bar.addMenu(self.tr("&Help"))
        _fill(help_menu, a["help"], a["learn"], a["about"])

    def _name_undo(self, what: str) -> None:
        _name_step(self.undo, self.tr("&Undo"), what)

    def _name_redo(self, what: str) -> None:
        _name_step(self.redo, self.tr("&Redo"), what)

    def _undo(self) -> None:
        # A button takes no focus: commit an open cell before undoing.
        self._session.finish_typing.emit()
        self._session.undo_stack.undo()

    def _redo(self) -> None:
        self._session.finish_typing.emit()
        self._session.undo_stack.redo()

    def _build_toolbar(self) -> None:
        bar = self._toolbar = QToolBar(self.tr("Toolbar"), self._window)
        bar.setObjectName("toolbar")
        bar.setMovable(False)
        bar.setIconSize(QSize(18, 18))
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for key in ("open", "examples", "new"):
            bar.addAction(self._actions[key])
        bar.addSeparator()
        for key, action in (("undo", self.undo), ("redo", self.redo)):
            bar.addAction(action)
            # Icon only: the text of these actions varies in length.
            button = cast(QToolButton, bar.widgetForAction(action))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            action.setIconText(key)
            button.setAccessibleName({"undo": self.tr("Undo"), "redo": self.tr("Redo")}[key])
        bar.addSeparator()
        bar.addAction(self._actions["export"])
        row = QWidget(self._window)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.bar, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(bar, 1)
        self.bar.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self._window.setMenuWidget(row)

    def _copy_menu(self) -> QMenu:
        """Return a submenu with the text formats of a copied selection."""
        menu = QMenu(self.tr("Cop&y as"), self._window)
        for form, text in FORMS:
            action = menu.addAction(QCoreApplication.translate("copy", text))
            action.triggered.connect(partial(self._choose_copy, form))
        return menu

    def _choose_copy(self, form: str) -> None:
        self.copy_as_chosen.emit(form)

    def _scheme_menu(self) -> QMenu:
        menu = QMenu(self.tr("&Add scheme"), self._window)
        menu.setToolTipsVisible(True)
        for name in ADDED_FORMATS:
            if name != ADDED_FORMATS[0]:
                menu.addSeparator()
            self._offer(menu, [f"{name} {mapping}" for mapping in MAPPINGS])
        menu.addSeparator()
        for title, texts in (
            (self.tr("Per &channel or group"), CHANNELS),
            (self.tr("&Floating-point codes and nf4"), _of_other_formats()),
            (self.tr("&Blocks of llama.cpp and MXFP4"), _of_own_mappings()),
            (self.tr("As a &runtime computes it"), _of_runtimes()),
        ):
            more = menu.addMenu(title)
            more.setToolTipsVisible(True)
            self._offer(more, texts)
        menu.addSeparator()
        widths = menu.addAction(self.tr("Other widths: change the format in the form"))
        widths.setEnabled(False)
        return menu

    def _offer(self, menu: QMenu, texts: Iterable[str]) -> None:
        """Add an action per scheme; invalid combinations are skipped."""
        for text in texts:
            try:
                scheme = Scheme.parse(text)
            except SchemeError:
                continue
            action = menu.addAction(str(scheme))
            notes = [self.tr(QUANTIZERS[scheme.mapping].summary)]
            if scheme.follows is not None:
                notes.append(f"{scheme.follows.title}: {scheme.follows.status}")
            action.setToolTip(plain_tip("\n".join(notes)))
            action.triggered.connect(partial(self._choose_scheme, scheme))

    def _choose_scheme(self, scheme: Scheme) -> None:
        self.scheme_chosen.emit(scheme)

    def _choices(
        self,
        title: str,
        choices: list[tuple[str, object]],
        now: object,
        choose: Callable[[QAction], None],
    ) -> QMenu:
        """Return a submenu with one of several choices checked."""
        menu = QMenu(title, self._window)
        group = QActionGroup(menu)
        for text, value in choices:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setData(value)
            action.setChecked(value == now)
            group.addAction(action)
        group.triggered.connect(choose)
        return menu

    def _part_menu(self) -> QMenu:
        """Return a submenu that shows and hides the parts around the stage."""
        menu = QMenu(self.tr("Parts of the &window"), self._window)
        frame = self._frame
        for part in (frame.rail, frame.side, frame.bottom):
            action = menu.addAction(part.bar.accessibleName())
            action.setCheckable(True)
            action.toggled.connect(part.setVisible)
            shown = partial(_show_checked, action, part)
            menu.aboutToShow.connect(shown)
        return menu

    def _place_menu(self, places: Mapping[str, Place]) -> QMenu:
        """Return a submenu to show and focus each pane: with Ctrl panes, with Alt views."""
        menu = QMenu(self.tr("&Go to pane"), self._window)
        panes = iter([f"Ctrl+{digit}" for digit in "123456789"])
        views = iter([f"Alt+{digit}" for digit in "1234567890"])
        for place in places.values():
            action = menu.addAction(place.name)
            # What has no tab of its own, and what comes after ten, is reached by the menu.
            if not isinstance(place, PlotPlace):
                action.setShortcut(QKeySequence(next(panes, "")))
            elif not place.kind.beside:
                action.setShortcut(QKeySequence(next(views, "")))
            action.triggered.connect(place.take_focus)
            self._window.addAction(action)
        return menu

    def _theme_menu(self) -> QMenu:
        choices: list[tuple[str, object]] = [
            (self.tr("As the &system"), "system"),
            (self.tr("&Light"), "light"),
            (self.tr("&Dark"), "dark"),
        ]
        return self._choices(self.tr("&Theme"), choices, self._settings.theme, self._set_theme)

    def _set_theme(self, action: QAction) -> None:
        self._settings.theme = action.data()

    def _digits_menu(self) -> QMenu:
        choices: list[tuple[str, object]] = [
            (filled(self.tr("%1 significant digits"), n), n) for n in (4, DIGITS_DEFAULT, 9, 17)
        ]
        now = self._settings.digits
        return self._choices(self.tr("N&umbers"), choices, now, self._set_digits)

    def _set_digits(self, action: QAction) -> None:
        self._settings.digits = action.data()

    def _latency_action(self) -> QAction:
        action = QAction(self.tr("&Latency in the status bar"), self._window)
        action.setCheckable(True)
        action.setChecked(self._settings.latency)
        action.setStatusTip(self.tr("Show the time from an edit to its painting"))
        action.toggled.connect(self._set_latency)
        return action

    def _set_latency(self, shown: bool) -> None:
        self._settings.latency = shown

    def _fill_recent(self) -> None:
        self.recent.clear()
        paths = self._settings.recent_files
        for number, path in enumerate(paths, 1):
            whole = as_text(path_of(path))
            name = plain_action(plain(Path(whole).name))
            action = self.recent.addAction(f"&{number % 10} {name}")
            action.setToolTip(plain_tip(whole))
            action.setStatusTip(plain(whole))
            action.triggered.connect(partial(self._choose_recent, path))
        if not paths:
            self.recent.addAction(self.tr("No files yet")).setEnabled(False)
            return
        self.recent.addSeparator()
        self.recent.addAction(self.tr("&Clear this list"), self._settings.clear_recent)

    def _choose_recent(self, path: str) -> None:
        self.recent_chosen.emit(path)

    def restyle(self, theme: Theme) -> None:
        """Apply the icons and outlines of a theme."""
        for menu in self._window.findChildren(QMenu):
            menu.setPalette(outlined(theme))
        self.undo.setIcon(icon("undo", theme))
        self.redo.setIcon(icon("redo", theme))


def _of_other_formats() -> list[str]:
    """Return each non-integer format with every mapping that supports it."""
    return [
        f"{fmt} {mapping}"
        for fmt in FORMATS.values()
        if not (fmt.integer or fmt.mapping)
        for mapping in MAPPINGS
    ]


def _of_own_mappings() -> list[str]:
    """Return each format that defines its mapping."""
    return [fmt.name for fmt in FORMATS.values() if fmt.mapping]


def _of_runtimes() -> list[str]:
    """Return each runtime's first format with every mapping that it has."""
    return [
        f"{runtime.formats[0]} {mapping} @{runtime.name}"
        for runtime in RUNTIMES.values()
        for mapping in runtime.mappings
    ]


def _name_step(action: QAction, word: str, what: str) -> None:
    """Set the text and tip of undo or redo to the edit's name."""
    action.setText(f"{word} {plain_action(what)}".strip())
    said = f"{word.replace('&', '')} {what}".strip()
    action.setToolTip(plain_tip(f"{said} ({action.shortcut().toString()})"))


def _show_checked(action: QAction, part: QWidget) -> None:
    """Check an action if a part of the window is shown."""
    action.blockSignals(True)
    action.setChecked(not part.isHidden())
    action.blockSignals(False)


def _fill(menu: QMenu, *items: QAction | QMenu | None) -> None:
    """Add actions, submenus, and a separator for each None."""
    for item in items:
        if item is None:
            menu.addSeparator()
        elif isinstance(item, QMenu):
            menu.addMenu(item)
        else:
            menu.addAction(item)
