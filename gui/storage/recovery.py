"""What is not saved, kept in a file of its own until it is saved or given up.

Each window writes to a file that it holds a lock on. A file whose lock nobody holds is what a
window left behind that ended without closing: the next start offers it.
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
"""Milliseconds from the first change that is not kept until it is written, or tried again."""


def recovery_folder() -> Path:
    """Where windows keep what is not saved."""
    place = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.AppLocalDataLocation)
    return Path(place) / "recovery"


@dataclass
class Claim:
    """A file of the recovery folder that this window alone may touch."""

    file: Path
    lock: QLockFile

    @property
    def companions(self) -> list[Path]:
        """Files of long arrays that belong to it."""
        return sorted(self.file.parent.glob(f"{self.file.stem}.*.npy"))

    def remove(self) -> None:
        """Delete it with all that belongs to it, and let go."""
        for path in (self.file, *self.companions):
            with suppress(OSError):
                path.unlink()
        self.lock.unlock()


def claim(file: Path) -> Claim | None:
    """Take a file of the recovery folder; None where a living window holds it."""
    lock = QLockFile(str(file.with_suffix(".lock")))
    # Never stale by age: a window may stay open for weeks. A process that is gone holds nothing.
    lock.setStaleLockTime(0)
    return Claim(file, lock) if lock.tryLock(0) else None


class Recovery(QObject):
    """Writes changes that are not saved, soon after they are made, and offers what others left.

    Signals
    -------
    left(title, time)
        A window ended with changes that were not saved; ``restore`` or ``discard`` answers.
    problem(text)
        What was left cannot be read.
    failing(text)
        Why changes cannot be kept, as a sentence; empty when they can again.
    typing_left(position, text)
        What was being typed in a cell as the window ended.
    """

    left = Signal(str, object)
    problem = Signal(str)
    failing = Signal(str)
    typing_left = Signal(object, str)

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
        # One thread at a time writes: the one for it, or at the very end that of the window.
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
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._write)
        for signal in (session.document_changed, session.entries_changed, session.sources_changed):
            signal.connect(self.look_again)
        whole.saved.connect(self.look_again)

    # Keeping

    @property
    def name(self) -> str:
        """What this window's own file is called; empty while there is none."""
        return "" if self._own is None else self._own.file.stem

    @property
    def _needed(self) -> bool:
        """Whether there is something to keep."""
        return self._session.modified or self._typing() is not None

    def look_again(self) -> None:
        """Keep what was changed or typed, or forget it where it is saved or given up."""
        if self._needed:
            # From the first change on: an endless stream of changes is written all the same.
            if not self._timer.isActive():
                self._timer.start(REST)
        else:
            self.forget()

    def _write(self) -> None:
        if self._background.running(JOB):
            # As soon as that ends: whoever waited once more would break the promise.
            self._due = True
            return
        try:
            tensors, job = self._prepared()
        except QuantizationError as error:
            self._failed([], error)
            return
        self._background.start(JOB, job, self._kept, partial(self._failed, tensors))

    def keep_now(self) -> None:
        """Keep everything before this returns: the program is going to end."""
        self._timer.stop()
        if self._needed:
            with suppress(QuantizationError, OSError, MemoryError):
                self._prepared()[1](None)

    def _prepared(self) -> tuple[list[Tensor], Callable[[object], set[Path]]]:
        """Hold everything still, and return what writes it, with the arrays that it writes whole.

        Raises
        ------
        FormatError
            When there is no place to write it to.
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
            # The next edit makes a copy: what is being written stays as it is.
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
        """Delete files that nothing refers to any more."""
        self._tell("")
        if self._own is not None:
            for path in set(self._own.companions) - used:
                with suppress(OSError):
                    path.unlink()
        while self._replaced:
            self._replaced.pop().remove()
        self._go_on()

    def _go_on(self) -> None:
        """Write what became due while something was being written or deleted."""
        if self._due:
            self._due = False
            self._write()

    def _failed(self, tensors: list[Tensor], error: Exception) -> None:
        """Say that nothing is kept, and try again until it is."""
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
        """Say why nothing is kept, once for each reason, or that it is again."""
        if why_not == self._why_not:
            return
        self._why_not = why_not
        text = self.tr(
            "What you change now would be lost if the program ended, since it cannot be kept (%1). "
            "Save the session; meanwhile this is tried again and again."
        )
        self.failing.emit(filled(text, why_not.rstrip(".")) if why_not else "")

    def forget(self) -> None:
        """Delete what was kept: it is saved, or was given up."""
        self._timer.stop()
        self._due = False
        self._tell("")
        owned = self._owned()
        if owned:
            # One thread writes and deletes: what is being written now is deleted after that.
            self._given_up += owned
            job = partial(_remove, list(self._given_up))
            self._background.start(JOB, job, self._removed, self._removed)

    def _removed(self, outcome: object) -> None:
        self._given_up = []
        self._go_on()

    def stop(self) -> None:
        """End with the window, whose threads have ended: nothing of it is left to recover.

        What others left is offered again at the next start.
        """
        self._timer.stop()
        self._due = False
        # The end of the threads may have come before they deleted what was given up.
        for own in [*self._owned(), *self._given_up]:
            own.remove()
        self._given_up = []
        for found in self._found:
            found.lock.unlock()
        self._found = []

    def _owned(self) -> list[Claim]:
        """Give up what this window wrote."""
        owned = [*([self._own] if self._own is not None else []), *self._replaced]
        self._own, self._replaced = None, []
        return owned

    # What others left

    def look(self) -> None:
        """Look for what a window left that ended without closing, and offer it."""
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
                # Not deleted: somebody may be able to mend it.
                self.problem.emit(str(error))
                self._found.pop(0).lock.unlock()
                continue
            if _saved_since(found.file, view):
                self._found.pop(0).remove()
                continue
            self.left.emit(title, _time(found.file))
            return

    def restore(self) -> None:
        """Bring back what was left, in place of the document."""
        if not self._found or not self._whole.may_replace():
            return
        from quantoscope.engine.io import qscope

        found = self._found[0]
        try:
            saved = qscope.read(found.file)
        except QuantizationError as error:
            self.problem.emit(str(error))
            return
        # The files are those that this person had open; no one else writes into this folder.
        done = partial(self._restored, dict(saved.view))
        self._whole.restore(found.file, saved, True, done)

    def _restored(self, view: View, opened: Any) -> None:
        """Take over what was left; it goes on being kept, as this window's."""
        found, session = self._found.pop(0), self._session
        was = view.get("file")
        file = Path(was) if isinstance(was, str) and Path(was).is_file() else None
        sources = tuple(_unfiled(source, found.file.parent) for source in opened.sources)
        file_seen = None if file is None else _file_seen(file, view)
        session.restore(sources, opened.current, opened.entries, opened.active_uid, file, file_seen)
        session.mark_unsaved()
        self._whole.view_opened.emit(dict(view))
        match view.get("typing"):
            case [int(position), str(text)]:
                self.typing_left.emit(position, text)
        if opened.notes:
            self.problem.emit(opened.told)
        if opened.incomplete:
            # The next start offers it again, perhaps with the file that it lacks now.
            found.lock.unlock()
        else:
            # Once this window has written its own file, the other one is needless.
            self._replaced.append(found)
        self._write()
        self._offer()

    def discard(self) -> None:
        """Delete what was left."""
        if self._found:
            self._found.pop(0).remove()
            self._offer()


def _file_seen(file: Path, view: View) -> SavedSource | None:
    """How the session file looked to the window that ended; None where that is not told."""
    from quantoscope.engine.io.saved import SavedSource

    match view.get("file_seen"):
        case [int(size), int(modified)]:
            return SavedSource(str(file), size=size, modified=modified)
    return None


def _unfiled(source: Source, folder: Path) -> Source:
    """A long array whose file is the recovery's own belongs to no file any more."""
    if source.path is None or source.path.parent != folder:
        return source
    return detach_from_file(source.tensors)[0]


def _sweep(folder: Path, known: set[str], alone: bool) -> None:
    """Delete what windows left that ended while they wrote: nothing refers to it.

    Parameters
    ----------
    folder : Path
    known : set of str
        The stems of the files that are offered, or that belong to a living window.
    alone : bool
        Whether none of these belongs to a living window.
    """
    for lock in folder.glob("*.lock"):
        if lock.stem not in known:
            left = claim(lock.with_suffix(ENDING))
            alone = alone and left is not None
            if left is not None:
                left.remove()
    if alone:
        # These do not tell whose they are; a living window may be writing one.
        for part in folder.glob(".*.part"):
            with suppress(OSError):
                part.unlink()


def _saved_since(kept: Path, view: View) -> bool:
    """Tell whether a window ended between saving into its file and deleting what it had kept."""
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
    writing: threading.Lock,
    file: Path,
    taken: Any,
    arrays: list[tuple[Path, Any]],
    ticket: object,
) -> set[Path]:
    """Write the long arrays that nothing holds yet, then the rest; return the files in use."""
    from quantoscope.engine.io import qscope, save

    with writing:
        for path, array in arrays:
            cancellation.check()
            save(path, array)
        qscope.write(file, taken.session)
    return {Path(source.path) for source in taken.session.sources}
