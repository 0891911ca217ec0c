"""Table of all actions of the window: text, shortcut, icon and tip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Qt
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
    """Text in menus, untranslated."""
    shortcut: QKeySequence.StandardKey | str | None = None
    icon: str = ""
    """A file in resources/icons, or empty."""
    tip: str = ""
    """Text in the status bar, untranslated."""
    local: bool = False
    """Whether its shortcut works only in widgets that the action is added to."""


SPECS: tuple[Spec, ...] = (
    Spec(
        "new", "&New array…", Keys.New, "new", "Create an array of random numbers, or an empty one"
    ),
    Spec("open", "&Open…", Keys.Open, "open", "Open files of arrays, or a session"),
    Spec(
        "examples", "E&xamples…", "Ctrl+Shift+O", "examples", "Open an array that shows one effect"
    ),
    Spec(
        "new_session", "Ne&w session", "Ctrl+Shift+N", "", "Start with three schemes and no values"
    ),
    Spec("new_window", "New win&dow", "Ctrl+Alt+N", "", "Open another window"),
    Spec(
        "save",
        "&Save session",
        Keys.Save,
        "save",
        "Save arrays, schemes and view into one session file",
    ),
    Spec("save_as", "Save session &as…", "Ctrl+Shift+S", "", "Save the session into another file"),
    Spec("save_values", "Save &values…", "Ctrl+Alt+S", "", "Save the current array to a file"),
    Spec(
        "remove_source",
        "C&lose file",
        "Ctrl+F4",
        "remove",
        "Close the file or array selected in Tensors",
    ),
    Spec(
        "export", "&Export…", "Ctrl+E", "export", "Write figures, the table or the results to files"
    ),
    Spec(
        "copy_figure", "Copy &figure", "Ctrl+Shift+C", "image", "Copy the visible plots as an image"
    ),
    Spec("restore", "&Restore", "", "", "Restore unsaved changes"),
    Spec("discard", "Dis&card", "", "", "Delete unsaved changes"),
    Spec("quit", "&Quit", Keys.Quit),
    Spec("cut", "Cu&t", Keys.Cut, "cut", "Copy the selected values and set them to 0", local=True),
    Spec("copy", "&Copy", Keys.Copy, "copy", "Copy the selection at full precision"),
    Spec("paste", "&Paste", Keys.Paste, "paste", "Paste numbers from the current cell on"),
    Spec("clear", "C&lear", "Del", "", "Set the selected values to 0", local=True),
    Spec(
        "insert_rows",
        "&Insert rows",
        "Ctrl+Shift++",
        "insert-row",
        "Insert zeros above the selected rows",
        local=True,
    ),
    Spec(
        "remove_rows",
        "Re&move rows",
        "Ctrl+-",
        "remove-row",
        "Remove the selected values",
        local=True,
    ),
    Spec(
        "fill_down",
        "Fill &down",
        "Ctrl+D",
        "fill-down",
        "Copy the first selected value to the rows below",
        local=True,
    ),
    Spec("select_all", "Select &all", Keys.SelectAll),
    Spec("goto", "&Go to…", "Ctrl+G", "goto", "Choose the value at a position"),
    Spec("unsort", "Array &order", "", "sort", "Show rows in array order"),
    Spec(
        "worst_first",
        "Largest |&error| first",
        "Ctrl+Shift+E",
        "",
        "Sort Values by the magnitude of the error",
    ),
    Spec(
        "duplicate_scheme",
        "&Duplicate scheme",
        "Ctrl+Shift+D",
        "duplicate",
        "Copy the active scheme",
    ),
    Spec(
        "remove_scheme",
        "&Remove scheme",
        "Ctrl+Shift+Backspace",
        "remove",
        "Remove the active scheme",
    ),
    Spec("scheme_up", "Move scheme &up", "Alt+Shift+Up", "up"),
    Spec("scheme_down", "Move scheme d&own", "Alt+Shift+Down", "down"),
    Spec(
        "fit", "&Show everything in the plots", "Ctrl+0", "fit", "Undo zoom and pan in every plot"
    ),
    Spec("next_value", "&Next value", "Alt+Down", "", "Choose the next value"),
    Spec("previous_value", "&Previous value", "Alt+Up", "", "Choose the previous value"),
    Spec("border", "Next bor&der", "F8", "", "Go to a border between parts: arrow keys move it"),
    Spec(
        "reset_layout", "&Reset layout", "", "reset", "Restore the default positions of all panes"
    ),
    Spec("cancel", "&Cancel work", "Esc", "close", "Stop computing, reading or writing"),
    Spec(
        "help",
        "&Guide",
        Keys.HelpContents,
        "help",
        "What the panes show, what is computed, and how to search for it",
    ),
    Spec("learn", "&Learn", "", "", "A lesson in ten steps, with three numbers, in this window"),
    Spec("about", "&About Quantoscope", "", "info"),
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
