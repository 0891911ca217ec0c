"""Crash recovery: unsaved changes are kept in a file until saved or discarded.

Each window writes to a file that it has locked. An unlocked file was left by a window that ended
without closing: the next start offers to restore it.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLockFile, QObject, QStandardPaths, QTimer, Signal

from quantoscope.engine import QuantizationError, cancellation
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Source, Tensor, detach_from_file
from quantoscope.gui.storage.session_files import ENDING, SessionFiles, View
from quantoscope.gui.workers.background import Background, Ticket

if TYPE_CHECKING:
    from quantoscope.engine.io.saved import SavedSource

JOB = "recovery"
REST, RETRY = 700, 3000
"""Milliseconds from the first unkept change to writing, and between retries."""


def recovery_folder() -> Path:
    """Folder of recovery files."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    return Path(place) / "recovery"


@dataclass
class Claim:
    """A locked file in the recovery folder."""

    file: Path
    lock: QLockFile

    @property
    def companions(self) -> list[Path]:
        """Files of large arrays that belong to it."""
        return sorted(self.file.parent.glob(f"{self.file.stem}.*.npy"))

    def remove(self) -> None:
        """Delete the file with its companions, and unlock it."""
        for path in (self.file, *self.companions):
            with suppress(OSError):
                path.unlink()
        self.lock.unlock()


def claim(file: Path) -> Claim | None:
    """Lock a recovery file; None if a running window has locked it."""
    lock = QLockFile(str(file.with_suffix(".lock")))
    # Locks do not expire: a window may stay open for weeks. The lock of a dead process is stale.
    lock.setStaleLockTime(0)
    return Claim(file, lock) if lock.tryLock(0) else None


class Recovery(QObject):
    """Keeps unsaved changes shortly after they are made; offers those of crashed windows."""

    left = Signal(str, object, arguments=["title", "time"])
    """A window crashed with unsaved changes; answer with ``restore`` or ``discard``."""
    problem = Signal(str, arguments=["text"])
    """A recovery file cannot be read."""
    failing = Signal(str, arguments=["text"])
    """Why changes cannot be kept; empty once they can again."""
    typing_left = Signal(object, str, arguments=["position", "text"])
    """Text that was being typed in a cell when the window crashed."""

    def __init__(
        self,
        session: Session,
        background: Background,
        whole: SessionFiles,
        view: Callable[[], View],
        typing: Callable[[], tuple[int, str] | None] = lambda: None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._typing = typing
        self._why_not = ""
        # Only one thread writes at a time: the background one or, at the very end, the GUI thread.
        self._writing = threading.Lock()
        self._session = session
        self._background = background
        self._whole = whole
        self._view = view
        self._own: Claim | None = None
        self._found: list[Claim] = []
        self._replaced: list[Claim] = []
        self._given_up: list[Claim] = []
        self._due = False
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._write)
        for signal in (session.document_changed, session.entries_changed, session.sources_changed):
            signal.connect(self.look_again)
        whole.saved.connect(self.look_again)

    # Keeping changes

    @property
    def name(self) -> str:
        """Name of this window's recovery file; empty if there is none."""
        return "" if self._own is None else self._own.file.stem

    @property
    def _needed(self) -> bool:
        """Whether there is anything to keep."""
        return self._session.modified or self._typing() is not None

    def look_again(self) -> None:
        """Schedule keeping after a change, or forget what was saved or discarded."""
        if self._needed:
            # Timed from the first change: continuous editing must not delay writing forever.
            if not self._timer.isActive():
                self._timer.start(REST)
        else:
            self.forget()

    def _write(self) -> None:
        if self._background.running(JOB):
            # Write as soon as that ends: waiting again would exceed the promised delay.
            self._due = True
            return
        try:
            tensors, job = self._prepared()
        except QuantizationError as error:
            self._failed([], error)
            return
        self._background.start(JOB, job, self._kept, partial(self._failed, tensors))

    def keep_now(self) -> None:
        """Keep all changes synchronously: the program is about to exit."""
        self._timer.stop()
        if self._needed:
            with suppress(QuantizationError, OSError, MemoryError):
                self._prepared()[1](None)

    def _prepared(self) -> tuple[list[Tensor], Callable[[object], set[Path]]]:
        """Freeze the document; return the tensors to write in full, and the function that writes.

        Raises
        ------
        FormatError
            If there is no place to write to.
        """
        from quantoscope.engine.io import FormatError
        from quantoscope.engine.io.base import sentences
        from quantoscope.gui.storage.session_codec import draft

        if self._own is None:
            folder = recovery_folder()
            with sentences(folder, "written"):
                folder.mkdir(parents=True, exist_ok=True)
            self._own = claim(folder / f"{secrets.token_hex(8)}{ENDING}")
            if self._own is None:
                raise FormatError(f"{folder} cannot be written.")
        bases = [
            (tensor, self._own.file.with_suffix(f".{secrets.token_hex(4)}.npy"))
            for tensor in self._session.tensors
            if tensor.needs_base
        ]
        arrays = [(path, tensor.array) for tensor, path in bases]
        for tensor, path in bases:
            tensor.base, tensor.base_state, tensor.touched = (path, None), None, []
            # The next edit copies the array, so that the data being written does not change.
            tensor.owned = None
        view = dict(self._view())
        if self._session.file is not None:
            view["file"] = str(self._session.file)
            known = self._session.file_seen
            view["file_seen"] = None if known is None else [known.size, known.modified]
        typed = self._typing()
        if typed is not None:
            view["typing"] = list(typed)
        taken = draft(self._session, view, patches=True)
        job = partial(_keep, self._writing, self._own.file, taken, arrays)
        return [tensor for tensor, _ in bases], job

    def _kept(self, used: set[Path]) -> None:
        """Delete files that are no longer referenced."""
        self._tell("")
        if self._own is not None:
            for path in set(self._own.companions) - used:
                with suppress(OSError):
                    path.unlink()
        while self._replaced:
            self._replaced.pop().remove()
        self._go_on()

    def _go_on(self) -> None:
        """Write changes that became due during another write or deletion."""
        if self._due:
            self._due = False
            self._write()

    def _failed(self, tensors: list[Tensor], error: Exception) -> None:
        """Report that changes are not kept, and retry."""
        for tensor in tensors:
            tensor.base = None
        self._due = False
        self._timer.start(RETRY)
        why = str(error) if str(error).endswith(".") else self.tr("An unexpected error.")
        if isinstance(error, MemoryError):
            why = self.tr("There is too little memory.")
        self._tell(why)
        if not isinstance(error, QuantizationError | OSError | MemoryError):
            raise error

    def _tell(self, why_not: str) -> None:
        """Report why changes are not kept, once per reason, or that they are again."""
        if why_not == self._why_not:
            return
        self._why_not = why_not
        text = self.tr(
            "Changes cannot be kept for recovery (%1). Save the session; the program keeps trying."
        )
        self.failing.emit(filled(text, why_not.rstrip(".")) if why_not else "")

    def forget(self) -> None:
        """Delete the recovery file: changes were saved or discarded."""
        self._timer.stop()
        self._due = False
        self._tell("")
        owned = self._owned()
        if owned:
            # The same thread writes and deletes, so a file being written is deleted afterwards.
            self._given_up += owned
            job = partial(_remove, list(self._given_up))
            self._background.start(JOB, job, self._removed, self._removed)

    def _removed(self, outcome: object) -> None:
        self._given_up = []
        self._go_on()

    def stop(self) -> None:
        """Remove this window's recovery files at closing, after its threads have ended.

        Files of other windows are offered again at the next start.
        """
        self._timer.stop()
        self._due = False
        # The threads may have ended before deleting discarded files.
        for own in [*self._owned(), *self._given_up]:
            own.remove()
        self._given_up = []
        for found in self._found:
            found.lock.unlock()
        self._found = []

    def _owned(self) -> list[Claim]:
        """Give up and return this window's files."""
        owned = [*([self._own] if self._own is not None else []), *self._replaced]
        self._own, self._replaced = None, []
        return owned

    # Files of crashed windows

    def look(self) -> None:
        """Look for a recovery file of a crashed window, and offer it."""
        try:
            files = sorted(recovery_folder().glob(f"*{ENDING}"), key=_time, reverse=True)
        except OSError:
            return
        self._found = [found for found in map(claim, files) if found is not None]
        _sweep(recovery_folder(), {file.stem for file in files}, len(self._found) == len(files))
        self._offer()

    def _offer(self) -> None:
        while self._found:
            from quantoscope.engine.io import qscope

            found = self._found[0]
            try:
                title, view = qscope.head_of(found.file)
            except QuantizationError as error:
                # Do not delete it: it may be repairable.
                self.problem.emit(str(error))
                self._found.pop(0).lock.unlock()
                continue
            if _saved_since(found.file, view):
                self._found.pop(0).remove()
                continue
            self.left.emit(title, _time(found.file))
            return

    def restore(self) -> None:
        """Restore the offered file in place of the document."""
        if not self._found or not self._whole.may_replace():
            return
        from quantoscope.engine.io import qscope

        found = self._found[0]
        try:
            saved = qscope.read(found.file)
        except QuantizationError as error:
            self.problem.emit(str(error))
            return
        # The user had these files open, and only this program writes to the folder.
        done = partial(self._restored, dict(saved.view))
        self._whole.restore(found.file, saved, True, done)

    def _restored(self, view: View, opened: Any) -> None:
        """Take over the restored document and keep it as this window's."""
        found, session = self._found.pop(0), self._session
        was = view.get("file")
        file = Path(was) if isinstance(was, str) and Path(was).is_file() else None
        sources = tuple(_unfiled(source, found.file.parent) for source in opened.sources)
        file_seen = None if file is None else _file_seen(file, view)
        session.restore(sources, opened.current, opened.entries, opened.active_uid, file, file_seen)
        session.mark_unsaved()
        self._whole.view_opened.emit(dict(opened.view))
        match view.get("typing"):
            case [int(position), str(text)]:
                self.typing_left.emit(position, text)
        if opened.notes:
            self.problem.emit(opened.told)
        if opened.incomplete:
            # The next start offers it again, perhaps when the missing file is back.
            found.lock.unlock()
        else:
            # Delete the old file only once this window has written its own.
            self._replaced.append(found)
        self._write()
        self._offer()

    def discard(self) -> None:
        """Delete the offered file."""
        if self._found:
            self._found.pop(0).remove()
            self._offer()


def _file_seen(file: Path, view: View) -> SavedSource | None:
    """Return the session file's state at the time of the crash; None if not recorded."""
    from quantoscope.engine.io.saved import SavedSource

    match view.get("file_seen"):
        case [int(size), int(modified)]:
            return SavedSource(str(file), size=size, modified=modified)
    return None


def _unfiled(source: Source, folder: Path) -> Source:
    """Detach an array whose file is a recovery file."""
    if source.path is None or source.path.parent != folder:
        return source
    return detach_from_file(source.tensors)[0]


def _sweep(folder: Path, known: set[str], alone: bool) -> None:
    """Delete unreferenced files left by windows that crashed while writing.

    Files with ``known`` stems are offered, or belong to a running window unless ``alone``.
    """
    for lock in folder.glob("*.lock"):
        if lock.stem not in known:
            left = claim(lock.with_suffix(ENDING))
            alone = alone and left is not None
            if left is not None:
                left.remove()
    if alone:
        # Their owner is unknown: a running window may be writing one.
        for part in folder.glob(".*.part"):
            with suppress(OSError):
                part.unlink()


def _saved_since(kept: Path, view: View) -> bool:
    """Return whether a window crashed after saving but before deleting its recovery file."""
    from quantoscope.engine.io import qscope

    file = Path(str(view.get("file")))
    if view.get("file") is None or _time(file) < _time(kept):
        return False
    try:
        return qscope.head_of(file)[1].get("kept") == kept.stem
    except QuantizationError:
        return False


def _time(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(owned: list[Claim], ticket: Ticket) -> None:
    for own in owned:
        own.remove()


def _keep(
    writing: threading.Lock, file: Path, taken: Any, arrays: list[tuple[Path, Any]], ticket: object
) -> set[Path]:
    """Write large arrays that are not stored yet, then the session; return the files in use."""
    from quantoscope.engine.io import qscope, save

    with writing:
        for path, array in arrays:
            cancellation.check()
            save(path, array)
        qscope.write(file, taken.session)
    return {Path(source.path) for source in taken.session.sources}
