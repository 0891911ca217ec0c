"""Session commands: new, open, save, save as, and the question on unsaved changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from quantoscope.engine import QuantizationError, Scheme
from quantoscope.engine.examples import THREE_WAYS
from quantoscope.engine.text.file_names import kept
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.widgets import ask
from quantoscope.gui.document.session import Session
from quantoscope.gui.workers.background import Background, Cancelled, PartProgress, Ticket
from quantoscope.gui.workers.modal_wait import wait_for

if TYPE_CHECKING:
    from quantoscope.engine.io.saved import SavedSource

FILE, SAVE = "file", "save"
ENDING = ".qscope"
View = dict[str, Any]


class WriteOver(Enum):
    """The user's decision on a file that another program has changed."""

    YES = "write over it"
    ELSEWHERE = "save as another file"
    NO = "write nothing"


class SessionFiles(QObject):
    """The document commands of the File menu."""

    problem = Signal(str, arguments=["text"])
    """Why a file could not be read or written."""
    notice = Signal(str, arguments=["text"])
    """A hint."""
    view_opened = Signal(dict, arguments=["view"])
    """View state of the opened document."""
    saved = Signal()
    """The document was saved or discarded: there is nothing to recover."""
    decided = Signal()
    """All questions on opening a session are answered."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        background: Background,
        view: Callable[[], View],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._background = background
        self._view = view
        self._window = window
        self._edited = False
        self.deciding = False
        session.edited.connect(self._on_edited)

    def new(self) -> None:
        """Start an empty document with the three schemes, asking about unsaved changes."""
        if self.may_replace():
            schemes = [Scheme.parse(text) for text in THREE_WAYS]
            self._session.start(np.zeros(0, np.float32), self.tr("untitled"), None, schemes)

    # Opening

    def open(self, path: Path) -> None:
        """Open a session in place of the document, asking about unsaved changes."""
        with self._decisions():
            if self.may_replace():
                path = path.absolute()
                done = partial(self._read_done, path)
                job = partial(_read, path)
                self._background.start(FILE, job, done, self.failed, only_reads=True)

    @contextmanager
    def _decisions(self) -> Iterator[None]:
        """Hold back loaded files while a question on the session is open."""
        self.deciding = True
        try:
            yield
        finally:
            self.deciding = False
            self.decided.emit()

    def _read_done(self, path: Path, read: tuple[Any, Any]) -> None:
        saved, file_seen = read
        with self._decisions():
            agreed = self._may_read(path, saved)
            self.restore(path, saved, agreed, partial(self._opened, path, file_seen))

    def restore(self, path: Path, saved: Any, agreed: bool, done: Callable[[Any], None]) -> None:
        """Build a document from a session, reading other files only if agreed."""
        job, built = partial(_build, path, saved, agreed), partial(self._built, done)
        self._background.start(FILE, job, built, self.failed, only_reads=True)

    def _built(self, done: Callable[[Any], None], opened: Any) -> None:
        """Replace the document, asking again about edits made meanwhile."""
        with self._decisions():
            self._session.finish_typing.emit()
            if not self._edited or self.may_replace():
                done(opened)

    def _on_edited(self) -> None:
        self._edited = True

    def _may_read(self, path: Path, saved: Any) -> bool:
        """Ask whether files that the user has not opened before may be read."""
        from quantoscope.gui.storage.session_codec import place_of

        known = set(self._settings.known_files)
        places = [place_of(source, path) for source in saved.sources]
        strange = [plain(place) for place in places if str(place) not in known]
        if not strange:
            return True
        text = self.tr("%1 refers to files that you have not opened so far. Read them?")
        text = filled(text, plain(path.name))
        more = filled(self.tr("… and %1 more"), len(strange) - 8)
        listed = [*strange[:8], *([more] if len(strange) > 8 else [])]
        read = (self.tr("&Read them"), QMessageBox.ButtonRole.AcceptRole)
        without = (self.tr("&Without them"), QMessageBox.ButtonRole.RejectRole)
        title, icon = self.tr("Open a session"), QMessageBox.Icon.Question
        detail = "\n".join(listed)
        return ask(self._window, icon, title, text, (read, without), 1, detail) == 0

    def _opened(self, path: Path, file_seen: Any, opened: Any) -> None:
        self._session.restore(
            opened.sources, opened.current, opened.entries, opened.active_uid, path, file_seen
        )
        self._settings.add_recent(kept(path))
        self._settings.remember_folder("files/folder", path.parent)
        self._know()
        self.view_opened.emit(dict(opened.view))
        if opened.notes:
            self.problem.emit(opened.told)
        self.saved.emit()

    def _know(self) -> None:
        """Store which files the user has agreed to read."""
        self._settings.add_known(
            [
                str(source.path)
                for source in self._session.sources
                if source.path is not None and not source.problem
            ]
        )

    def failed(self, error: Exception) -> None:
        """Report an error with a file."""
        if not isinstance(error, QuantizationError | OSError | MemoryError):
            raise error
        text = str(error)
        if isinstance(error, MemoryError):
            text = self.tr("This file needs more memory than is available.")
        self.problem.emit(text)

    # Saving

    def save(self) -> bool:
        """Save to the document's file, or ask for one; False if nothing was written."""
        file = self._session.file
        return self.save_as() if file is None else self.write(file)

    def save_as(self) -> bool:
        """Ask for a file and save; False if nothing was written."""
        session = self._session
        folder = Path(self._settings.text("files/folder"))
        named = session.title if session.path is None else session.path.stem
        start = session.file or folder / f"{Path(named).name or 'session'}{ENDING}"
        path, _ = QFileDialog.getSaveFileName(
            self._window,
            self.tr("Save the session"),
            str(start),
            filled(self.tr("Quantoscope session (*%1)"), ENDING),
        )
        if not path:
            return False
        target = Path(path)
        if target.suffix.lower() != ENDING:
            target = Path(f"{path}{ENDING}")
            if target.absolute() != session.file and not self.may_take(target):
                return False
        # The dialog has already asked about replacing an existing file.
        return self.write(target, agreed=target == Path(path))

    def may_take(self, path: Path) -> bool:
        """Ask about an existing file if the dialog did not know the full name."""
        if not path.exists():
            return True
        text = filled(self.tr("%1 already exists."), plain(path.name))
        detail = self.tr("Overwriting replaces its contents.")
        over = (self.tr("&Overwrite"), QMessageBox.ButtonRole.DestructiveRole)
        buttons = (over, QMessageBox.StandardButton.Cancel)
        title, icon = self.tr("File exists"), QMessageBox.Icon.Warning
        return ask(self._window, icon, title, text, buttons, 1, detail) == 0

    def write(self, path: Path, agreed: bool = False) -> bool:
        """Write a session file; on failure show why and return False.

        ``agreed`` means that the user has agreed to replace an existing file.
        """
        from quantoscope.engine.io import qscope
        from quantoscope.engine.io.saved import recognized
        from quantoscope.gui.storage.session_codec import draft

        path = path.absolute()
        self._session.finish_typing.emit()
        if path == self._session.file and not agreed:
            answer = self.may_write_over(path, self._session.file_seen)
            if answer is not WriteOver.YES:
                return answer is WriteOver.ELSEWHERE and self.save_as()
        taken = draft(self._session, self._view())

        def job(part: PartProgress) -> Any:
            finished = taken.finished(path, part)
            qscope.write(path, finished.session, partial(part(0, 1), 0, 1))
            return finished, recognized(path)

        outcome = self.written(path, job, lambda outcome: outcome[0].told)
        if outcome is None:
            return False
        finished, file_seen = outcome
        self._know()
        self._session.mark_saved(path, finished.session.sources, file_seen)
        self.saved.emit()
        return True

    def may_write_over(self, path: Path, known: SavedSource | None) -> WriteOver:
        """Ask about a file changed by another program since it was read or written."""
        from quantoscope.engine.io.saved import untouched

        try:
            if known is None or untouched(known, path):
                return WriteOver.YES
        except FileNotFoundError:  # nothing to lose
            return WriteOver.YES
        except OSError:
            pass
        text = self.tr(
            "%1 has changed since it was opened or saved here: another window or program has "
            "written it."
        )
        text = filled(text, plain(path.name))
        detail = self.tr("Overwriting it loses those changes.")
        elsewhere = (self.tr("Save &as…"), QMessageBox.ButtonRole.AcceptRole)
        over = (self.tr("&Overwrite"), QMessageBox.ButtonRole.DestructiveRole)
        buttons = (elsewhere, over, QMessageBox.StandardButton.Cancel)
        title, icon = self.tr("File changed"), QMessageBox.Icon.Warning
        answer = ask(self._window, icon, title, text, buttons, 0, detail)
        return (WriteOver.ELSEWHERE, WriteOver.YES, WriteOver.NO)[answer]

    def written(
        self,
        path: Path,
        job: Callable[[PartProgress], Any],
        more: Callable[[Any], str] = lambda outcome: "",
    ) -> Any:
        """Run a job that writes a file and return its result; None, with a message, on failure.

        ``more`` returns additional text for the message from the result.
        """
        try:
            text = filled(self.tr("Writing %1…"), plain(path.name))
            outcome = wait_for(self._background, SAVE, job, text, self._window)
        except Cancelled:
            self.notice.emit(self.tr("Nothing was saved."))
            return None
        except Exception as error:
            self.failed(error)
            return None
        self._settings.add_recent(kept(path))
        self._settings.remember_folder("files/folder", path.parent)
        text, besides = filled(self.tr("Saved %1."), plain(path)), more(outcome)
        if besides:
            self.problem.emit(f"{text} {besides}")
        else:
            self.notice.emit(text)
        return outcome

    def _unsaved_text(self) -> str:
        """Name the unsaved parts, with the session's name if it has one."""
        from quantoscope.gui.storage.session_codec import what_changed

        session = self._session
        titles, schemes = session.unsaved
        listed = what_changed(session) or self.tr("the list of files")
        if session.file is not None:
            text = self.tr("%1 has unsaved changes: %2.")
            return filled(text, plain(session.file.name), listed)
        listed = listed[0].upper() + listed[1:] if not titles else listed
        text = self.tr("%1 has unsaved changes.")
        if len(titles) + schemes > 1:
            text = self.tr("%1 have unsaved changes.")
        return filled(text, listed)

    def may_replace(self) -> bool:
        """Ask about unsaved changes; True if the document may be replaced."""
        session = self._session
        session.finish_typing.emit()
        self._edited = False
        if not session.modified:
            return True
        detail = self.tr("Do you want to save the session first?")
        button = QMessageBox.StandardButton
        buttons = (button.Save, button.Discard, button.Cancel)
        title, icon = self.tr("Unsaved changes"), QMessageBox.Icon.Question
        answer = ask(self._window, icon, title, self._unsaved_text(), buttons, 0, detail)
        return self.save() if answer == 0 else answer == 1


def _read(path: Path, ticket: Ticket) -> Any:
    """Read a session file, with the file's state before reading."""
    from quantoscope.engine.io import qscope
    from quantoscope.engine.io.saved import recognized

    ticket.step(0, 0)
    file_seen = recognized(path) if path.is_file() else None
    return qscope.read(path), file_seen


def _build(path: Path, saved: Any, agreed: bool, ticket: Ticket) -> Any:
    from quantoscope.gui.storage.session_codec import opened

    return opened(saved, path, agreed, ticket.part)
