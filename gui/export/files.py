"""Atomic writing of files for exports, with one error type."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QCoreApplication, QIODevice, QSaveFile

from quantoscope.engine.text.file_names import is_text
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain


def translated(text: str) -> str:
    """Return a text of the exports, translated."""
    return QCoreApplication.translate("export", text)


class ExportError(Exception):
    """Raised if something cannot be exported; the message is one sentence for the user."""


class _WriteError(OSError):
    """Raised if the file accepted fewer bytes than given."""


class FileStream(io.RawIOBase):
    """A Python stream that writes to a ``QSaveFile``."""

    def __init__(self, file: QSaveFile) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all bytes, or raise."""
        block = bytes(data)
        if self._file.write(block) != len(block):
            raise _WriteError(self._file.errorString())
        return len(block)


def write_atomically(path: Path, write: Callable[[FileStream], None]) -> None:
    """Write a file with ``write``; it replaces ``path`` only when complete.

    Raises
    ------
    ExportError
        If writing fails; an existing file is unchanged, and no draft is left.
    """
    file = _draft(path, write)
    if not file.commit():
        raise ExportError(_cannot(path, file.errorString()))


def _draft(path: Path, write: Callable[[FileStream], None]) -> QSaveFile:
    """Write a file completely without committing it."""
    if path.is_dir():
        raise ExportError(_cannot(path, translated("it is a folder")))
    try:
        folder_there = path.absolute().parent.is_dir()
    except OSError:
        folder_there = False
    if not folder_there:
        raise ExportError(_cannot(path, translated("its folder does not exist")))
    if not is_text(path):
        # Qt would drop bytes from the name, and write another file.
        text = translated("%1 cannot be written: its name is not UTF-8.")
        raise ExportError(filled(text, plain(path)))
    file = QSaveFile(str(path))
    if not file.open(QIODevice.OpenModeFlag.WriteOnly):
        raise ExportError(_cannot(path, file.errorString()))
    stream = FileStream(file)
    try:
        write(stream)
        if not file.flush():
            raise _WriteError(file.errorString())
    except _WriteError as error:
        _discard(file)
        raise ExportError(_cannot(path, str(error))) from error
    except BaseException:
        # Cancelled, out of memory, or a bug.
        _discard(file)
        raise
    finally:
        stream.close()
    return file


def _discard(file: QSaveFile) -> None:
    """Discard a draft."""
    file.cancelWriting()
    file.commit()


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write several files: each atomically, and none before all are complete.

    Raises
    ------
    ExportError
        If one cannot be written; existing files are then unchanged, except those already
        replaced when the system refused to rename a finished one.
    """
    drafts: list[tuple[Path, QSaveFile]] = []
    try:
        for path, data in files.items():
            drafts.append((path, _draft(path, partial(_put, data))))
    except BaseException:
        for _, draft in drafts:
            _discard(draft)
        raise
    for path, draft in drafts:
        if not draft.commit():
            raise ExportError(_cannot(path, draft.errorString()))


def _put(data: bytes, stream: FileStream) -> None:
    stream.write(data)


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically; raises ``ExportError`` as ``write_atomically`` does."""
    write_atomically(path, partial(_put, data))


def _cannot(path: Path, reason: str) -> str:
    name = plain(path.name or path)
    return filled(translated("%1 cannot be written: %2."), name, reason.rstrip(".").lower())
