"""Watch the document's files for changes by other programs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from quantoscope.engine.numerics import mapped_arrays
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Source, state_of

REST = 200
"""Milliseconds to wait for further writes before checking a file."""


class FileWatch(QObject):
    """Reports files that have changed since they were read."""

    problem = Signal(str, arguments=["text"])
    """A file has changed, with the consequence for the displayed values."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._told: dict[Path, tuple[int, int] | None] = {}
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._on_changed)
        self._timer = QTimer(self, singleShot=True, interval=REST)
        self._timer.timeout.connect(self._look)
        session.sources_changed.connect(self._follow)
        session.array_reset.connect(self._follow)

    def _follow(self) -> None:
        """Watch the files from which the document has values."""
        wanted = {str(source.path) for source in self._read()}
        watched = set(self._watcher.files())
        if watched - wanted:
            self._watcher.removePaths(list(watched - wanted))
        if wanted - watched:
            # A deleted file cannot be watched.
            self._watcher.addPaths(list(wanted - watched))

    def _read(self) -> list[Source]:
        # Ignore files that could not be read, or that the user has not agreed to read.
        return [
            source
            for source in self._session.sources
            if source.path is not None
            and not source.problem
            and any(tensor.loaded for tensor in source.tensors)
        ]

    def _on_changed(self) -> None:
        self._timer.start()

    def _look(self) -> None:
        """Report changes since reading, once per state of a file."""
        for source in self._read():
            path, known = source.path, source.known
            assert path is not None
            now = state_of(path)
            if known is None or now == (known.size, known.modified):
                self._told.pop(path, None)
            elif now != self._told.get(path, (-1, -1)):
                self._told[path] = now
                self.problem.emit(self._sentence(source, now))
                # Sessions now have to store edited tensors of this file completely.
                self._session.document_changed.emit()
        self._follow()

    def _sentence(self, source: Source, now: tuple[int, int] | None) -> str:
        assert source.path is not None
        name = plain(source.path.name)
        for tensor in source.tensors:
            problem = mapped_arrays.look(tensor.array)
            if problem:
                return problem
        if now is None:
            text = self.tr("%1 was moved or deleted; the values shown are those read before.")
        else:
            text = self.tr(
                "%1 was changed by another program. The values shown are those read "
                "before; open it again to update them."
            )
        return filled(text, name)
