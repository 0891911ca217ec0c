"""Files written in full or not at all, and the one error that says why not."""

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
    """A text of the exports in the person's language."""
    return QCoreApplication.translate("export", text)


class ExportError(Exception):
    """Something cannot be exported; the message is one sentence that is fit for a dialog."""


class _WriteError(OSError):
    """The file took less than it was given."""


class FileStream(io.RawIOBase):
    """What writers of Python's kind need to write into a ``QSaveFile``."""

    def __init__(self, file: QSaveFile) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        """Write all of some bytes, or raise."""
        block = bytes(data)
        if self._file.write(block) != len(block):
            raise _WriteError(self._file.errorString())
        return len(block)


def write_atomically(path: Path, write: Callable[[FileStream], None]) -> None:
    """Let ``write`` fill a file that takes the place of ``path`` only when it is complete.

    Raises
    ------
    ExportError
        When writing fails; an existing file is as it was, and nothing is left behind.
    """
    file = _draft(path, write)
    if not file.commit():
        raise ExportError(_cannot(path, file.errorString()))


def _draft(path: Path, write: Callable[[FileStream], None]) -> QSaveFile:
    """Write all of a file that takes the place of ``path`` once it is committed."""
    if path.is_dir():
        raise ExportError(_cannot(path, translated("it is a folder")))
    try:
        folder_there = path.absolute().parent.is_dir()
    except OSError:
        folder_there = False
    if not folder_there:
        raise ExportError(_cannot(path, translated("its folder does not exist")))
    if not is_text(path):
        # Qt would leave bytes out of the name, and write another file.
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
    """Leave no draft behind."""
    file.cancelWriting()
    file.commit()


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write several files that belong together: each in full, and none before all are complete.

    Raises
    ------
    ExportError
        When one cannot be written; existing files are then as they were, but for those that had
        taken their place already when the system refused a finished one its own.
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
    """Write a whole file; raises ``ExportError`` as ``write_atomically`` does."""
    write_atomically(path, partial(_put, data))


def _cannot(path: Path, reason: str) -> str:
    name = plain(path.name or path)
    return filled(translated("%1 cannot be written: %2."), name, reason.rstrip(".").lower())
