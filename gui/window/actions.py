"""Table of all actions of the window: text, shortcut, icon and tip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QT_TRANSLATE_NOOP, QCoreApplication, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from quantoscope.gui.common.theme import Theme, icon

Keys = QKeySequence.StandardKey


@dataclass(frozen=True)
class Spec:
    """Specification of an action."""

    key: str
    """Name in the code."""
    text: str
    """Text in menus."""
    shortcut: QKeySequence.StandardKey | str | None = None
    icon: str = ""
    """A file in resources/icons, or empty."""
    tip: str = ""
    """Text in the status bar."""
    local: bool = False
    """Whether its shortcut works only in widgets that the action is added to."""


def _t(text: str) -> str:
    """Mark a text for translation when the action is created."""
    return str(QT_TRANSLATE_NOOP("actions", text))


SPECS: tuple[Spec, ...] = (
    Spec(
        "new",
        _t("&New array…"),
        Keys.New,
        "new",
        _t("Create an array of random numbers, or an empty one"),
    ),
    Spec("open", _t("&Open…"), Keys.Open, "open", _t("Open files of arrays, or a session")),
    Spec(
        "new_session",
        _t("Ne&w session"),
        "Ctrl+Shift+N",
        "",
        _t("Start with three schemes and no values"),
    ),
    Spec("new_window", _t("New win&dow"), "Ctrl+Alt+N", "", _t("Open another window")),
    Spec(
        "save",
        _t("&Save session"),
        Keys.Save,
        "save",
        _t("Save arrays, schemes and view into one session file"),
    ),
    Spec(
        "save_as",
        _t("Save session &as…"),
        "Ctrl+Shift+S",
        "",
        _t("Save the session into another file"),
    ),
    Spec(
        "save_values",
        _t("Save &values…"),
        "Ctrl+Alt+S",
        "",
        _t("Save the current array to a file"),
    ),
    Spec(
        "remove_source",
        _t("C&lose file"),
        "Ctrl+F4",
        "remove",
        _t("Close the file or array selected in Tensors"),
    ),
    Spec(
        "export",
        _t("&Export…"),
        "Ctrl+E",
        "export",
        _t("Write figures, the table or the results to files"),
    ),
    Spec(
        "copy_figure",
        _t("Copy &figure"),
        "Ctrl+Shift+C",
        "image",
        _t("Copy the visible plots as an image"),
    ),
    Spec("restore", _t("&Restore"), "", "", _t("Restore unsaved changes")),
    Spec("discard", _t("Dis&card"), "", "", _t("Delete unsaved changes")),
    Spec("quit", _t("&Quit"), Keys.Quit),
    Spec(
        "cut",
        _t("Cu&t"),
        Keys.Cut,
        "cut",
        _t("Copy the selected values and set them to 0"),
        local=True,
    ),
    Spec("copy", _t("&Copy"), Keys.Copy, "copy", _t("Copy the selection at full precision")),
    Spec(
        "paste",
        _t("&Paste"),
        Keys.Paste,
        "paste",
        _t("Paste numbers from the current cell on"),
    ),
    Spec("clear", _t("C&lear"), "Del", "", _t("Set the selected values to 0"), local=True),
    Spec(
        "insert_rows",
        _t("&Insert rows"),
        "Ctrl+Shift++",
        "insert-row",
        _t("Insert zeros above the selected rows"),
        local=True,
    ),
    Spec(
        "remove_rows",
        _t("Re&move rows"),
        "Ctrl+-",
        "remove-row",
        _t("Remove the selected values"),
        local=True,
    ),
    Spec(
        "fill_down",
        _t("Fill &down"),
        "Ctrl+D",
        "fill-down",
        _t("Copy the first selected value to the rows below"),
        local=True,
    ),
    Spec("select_all", _t("Select &all"), Keys.SelectAll),
    Spec("goto", _t("&Go to…"), "Ctrl+G", "goto", _t("Choose the value at a position")),
    Spec("unsort", _t("Array &order"), "", "sort", _t("Show rows in array order")),
    Spec(
        "worst_first",
        _t("Largest |&error| first"),
        "Ctrl+Shift+E",
        "",
        _t("Sort Values by the magnitude of the error"),
    ),
    Spec(
        "grid",
        _t("Gr&id view"),
        "Ctrl+Shift+G",
        "grid",
        _t("Show a plane of an array with two or more axes"),
    ),
    Spec(
        "duplicate_scheme",
        _t("&Duplicate scheme"),
        "Ctrl+Shift+D",
        "duplicate",
        _t("Copy the active scheme"),
    ),
    Spec(
        "remove_scheme",
        _t("&Remove scheme"),
        "Ctrl+Shift+Backspace",
        "remove",
        _t("Remove the active scheme"),
    ),
    Spec("scheme_up", _t("Move scheme &up"), "Alt+Shift+Up", "up"),
    Spec("scheme_down", _t("Move scheme d&own"), "Alt+Shift+Down", "down"),
    Spec(
        "fit",
        _t("&Show everything in the plots"),
        "Ctrl+0",
        "fit",
        _t("Undo zoom and pan in every plot"),
    ),
    Spec("next_value", _t("&Next value"), "Alt+Down", "", _t("Choose the next value")),
    Spec("previous_value", _t("&Previous value"), "Alt+Up", "", _t("Choose the previous value")),
    Spec(
        "reset_layout",
        _t("&Reset layout"),
        "",
        "reset",
        _t("Restore the default positions of all panes"),
    ),
    Spec(
        "cancel",
        _t("&Cancel work"),
        "Esc",
        "close",
        _t("Stop computing, reading or writing"),
    ),
    Spec(
        "help",
        _t("&Guide"),
        Keys.HelpContents,
        "help",
        _t("What the panes show, what is computed, and how to search for it"),
    ),
    Spec("about", _t("&About Quantoscope"), "", "info"),
)


class Actions:
    """The actions created from the table; ``actions["open"]`` is a ``QAction``."""

    def __init__(
        self, owner: QWidget, theme: Theme, handlers: dict[str, Callable[[], object]]
    ) -> None:
        self._actions: dict[str, QAction] = {}
        for spec in SPECS:
            action = QAction(QCoreApplication.translate("actions", spec.text), owner)
            action.setObjectName(f"action-{spec.key}")
            if spec.shortcut:
                action.setShortcut(QKeySequence(spec.shortcut))
            tip = QCoreApplication.translate("actions", spec.tip) if spec.tip else ""
            shown = action.text().replace("&", "").rstrip("…")
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            action.setStatusTip(tip)
            action.setToolTip((f"{tip or shown} ({keys})") if keys else (tip or shown))
            action.triggered.connect(handlers[spec.key])
            if spec.local:
                action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            else:
                owner.addAction(action)
            self._actions[spec.key] = action
        self.restyle(theme)

    def __getitem__(self, key: str) -> QAction:
        return self._actions[key]

    def restyle(self, theme: Theme) -> None:
        """Apply the icons of a theme."""
        for spec in SPECS:
            if spec.icon:
                self._actions[spec.key].setIcon(icon(spec.icon, theme))
