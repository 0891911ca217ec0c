"""Persistent settings, with types and defaults in one place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

from quantoscope.engine.text.file_names import is_text

MAX_RECENT, MAX_KNOWN = 10, 1000
DIGITS_DEFAULT, DIGITS_MIN, DIGITS_MAX = 6, 3, 17


class Settings(QObject):
    """Typed access to the settings file; unreadable values give the default."""

    digits_changed = Signal()
    theme_changed = Signal()
    sqnr_changed = Signal()
    latency_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = QSettings(
            QSettings.Format.IniFormat, QSettings.Scope.UserScope, "Quantoscope", "Quantoscope"
        )
        self._known: dict[str, str] = {}

    def text(self, key: str, default: str = "") -> str:
        """Return a stored text."""
        # Cached, since every table cell asks: QSettings is ten times slower than a dictionary.
        if key not in self._known:
            self._known[key] = str(self._store.value(key, default, type=str))
        return self._known[key]

    def number(self, key: str, default: int) -> int:
        """Return a stored integer."""
        try:
            return int(self.text(key, str(default)))
        except ValueError:
            return default

    def choice(self, key: str, known: Sequence[str]) -> str:
        """Return a stored text, or the first of the known ones."""
        text = self.text(key, known[0])
        return text if text in known else known[0]

    def remember(self, key: str, value: str | int | QByteArray) -> None:
        """Store a value."""
        self._store.setValue(key, value)
        self._known.pop(key, None)

    def remember_folder(self, key: str, folder: Path) -> None:
        """Store the start folder of a file dialog, unless its name is not valid UTF-8."""
        if is_text(folder):
            self.remember(key, str(folder))

    def blob(self, key: str) -> QByteArray:
        """Return stored bytes, such as a window's geometry; empty if there are none."""
        value: Any = self._store.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def sync(self) -> None:
        """Write to disk now."""
        self._store.sync()

    @property
    def digits(self) -> int:
        """Significant digits of displayed numbers."""
        digits = self.number("view/digits", DIGITS_DEFAULT)
        return min(max(digits, DIGITS_MIN), DIGITS_MAX)

    @digits.setter
    def digits(self, digits: int) -> None:
        self.remember("view/digits", digits)
        self.digits_changed.emit()

    @property
    def sqnr(self) -> str:
        """Key of the SQNR definition in use."""
        return self.text("view/sqnr", "dB")

    @sqnr.setter
    def sqnr(self, key: str) -> None:
        self.remember("view/sqnr", key)
        self.sqnr_changed.emit()

    @property
    def latency(self) -> bool:
        """Whether the status bar shows the latency of edits."""
        return self.number("view/latency", 0) != 0

    @latency.setter
    def latency(self, shown: bool) -> None:
        self.remember("view/latency", int(shown))
        self.latency_changed.emit()

    @property
    def theme(self) -> str:
        """Theme: ``system``, ``light`` or ``dark``."""
        return self.choice("view/theme", ("system", "light", "dark"))

    @theme.setter
    def theme(self, name: str) -> None:
        self.remember("view/theme", name)
        self.theme_changed.emit()

    @property
    def recent_files(self) -> list[str]:
        """Paths of recent files, newest first."""
        size = self._store.beginReadArray("recent")
        paths = []
        for index in range(min(size, MAX_RECENT)):
            self._store.setArrayIndex(index)
            paths.append(str(self._store.value("path", "", type=str)))
        self._store.endArray()
        return [path for path in paths if path]

    def add_recent(self, path: str) -> None:
        """Put a path at the top of the recent files."""
        self._write_recent([path, *(p for p in self.recent_files if p != path)])

    @property
    def known_files(self) -> list[str]:
        """Paths that the user has agreed to read, which sessions may refer to."""
        try:
            paths = json.loads(self.text("files/known", "[]"))
        except ValueError:
            return []
        return [path for path in paths if isinstance(path, str)] if type(paths) is list else []

    def add_known(self, paths: list[str]) -> None:
        """Store further such paths, dropping the oldest of very many."""
        known = dict.fromkeys([*self.known_files, *paths])
        self.remember("files/known", json.dumps(list(known)[-MAX_KNOWN:]))

    def clear_recent(self) -> None:
        """Clear the recent files."""
        self._write_recent([])

    def _write_recent(self, paths: list[str]) -> None:
        self._store.remove("recent")
        self._store.beginWriteArray("recent")
        for index, path in enumerate(paths[:MAX_RECENT]):
            self._store.setArrayIndex(index)
            self._store.setValue("path", path)
        self._store.endArray()
