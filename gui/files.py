"""Opening, saving and making arrays: dialogs, questions about unsaved edits, and recent files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QProgressDialog, QWidget

from engine import QuantizationError, Scheme
from engine.arrays import FloatArray, as_working, is_real
from engine.examples import EXAMPLES, THREE_WAYS, Example
from gui.background import Background, Ticket
from gui.numbers_text import filled
from gui.session import Session
from gui.settings import Settings

FILE = "file"


class Files(QObject):
    """What the File menu does with the session's array.

    Signals
    -------
    problem(text)
        A file could not be read or written, and why.
    notice(text)
        Something worth knowing happened, such as a change of precision.
    """

    problem = Signal(str)
    notice = Signal(str)

    def __init__(
        self, session: Session, settings: Settings, background: Background, window: QWidget
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._background = background
        self._window = window

    # Starting documents

    def start_example(self, example: Example) -> None:
        """Open an example with the schemes that make its point."""
        if self.may_replace():
            self._session.start(
                example.make(), example.name, None, example.parsed_schemes(), example.point
            )

    def start_first(self) -> None:
        """What a first start shows: the three numbers, with a line that says what to try."""
        example = EXAMPLES[0]
        hint = self.tr(
            "Type over a number in Values, or drag an orange line in Distribution: every pane "
            "follows at once."
        )
        self._session.start(example.make(), example.name, None, example.parsed_schemes(), hint)

    def new(self) -> None:
        """Ask for an array and start with it."""
        from gui.dialogs.new_array import NewArrayDialog

        if not self.may_replace():
            return
        dialog = NewArrayDialog(self._window)
        if dialog.exec():
            array, title = dialog.array(), dialog.title()
            self._start(array, title, None)
        dialog.deleteLater()

    def _start(self, array: FloatArray, title: str, path: Path | None) -> None:
        """Begin with an array, keeping the schemes there are."""
        schemes = None if self._session.entries else [Scheme.parse(t) for t in THREE_WAYS]
        self._session.start(array, title, path, schemes)

    # Opening

    def ask_open(self) -> None:
        """Ask for a file and open it."""
        from engine.io import READERS, file_filters

        every = " ".join(f"*{ending}" for known in READERS for ending in known.endings)
        filters = [filled(self.tr("Every array (%1)"), every), *file_filters()]
        folder = self._settings.text("files/folder")
        path, _ = QFileDialog.getOpenFileName(
            self._window, self.tr("Open an array"), folder, ";;".join(filters)
        )
        if path:
            self.open(Path(path))

    def open(self, path: Path, name: str | None = None) -> None:
        """Open a file, asking about unsaved edits first."""
        if not self.may_replace():
            return
        path = path.absolute()
        self._background.start(
            FILE, partial(_load, path, name), partial(self._opened, path), self._failed
        )

    def _opened(self, path: Path, loaded: object) -> None:
        if isinstance(loaded, list):
            from gui.dialogs.tensor_chooser import TensorChooser

            dialog = TensorChooser(path.name, loaded, self._window)
            if dialog.exec() and dialog.chosen():
                self.open(path, dialog.chosen())
            dialog.deleteLater()
            return
        assert isinstance(loaded, Loaded)
        self._settings.add_recent(str(path))
        self._settings.remember("files/folder", str(path.parent))
        title = f"{path.name} ▸ {loaded.name}" if loaded.name else path.name
        self._start(loaded.array, title, path)
        if loaded.dtype != loaded.array.dtype:
            self.notice.emit(
                filled(self.tr("%1 holds %2 values; they are worked on as %3."), title,
                       loaded.dtype.name, loaded.array.dtype.name)
            )  # fmt: skip

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, QuantizationError | OSError | MemoryError):
            raise error
        text = str(error)
        if isinstance(error, MemoryError):
            text = self.tr("This file needs more memory than there is.")
        self.problem.emit(text)

    # Saving

    def save_as(self) -> bool:
        """Ask for a file and write the array to it; False when nothing was written."""
        from engine.io import WRITERS, file_filters

        filters = ";;".join(file_filters(WRITERS))
        folder = self._settings.text("files/folder")
        start = str(self._session.path or Path(folder) / "values.npy")
        path, chosen = QFileDialog.getSaveFileName(
            self._window, self.tr("Save the array"), start, filters
        )
        if not path:
            return False
        target = Path(path)
        endings = [ending for known in WRITERS for ending in known.endings]
        if target.suffix.lower() not in endings:
            wanted = next((e for e in endings if f"*{e}" in chosen), ".npy")
            target = Path(f"{path}{wanted}")
        return self.save(target)

    def save(self, path: Path) -> bool:
        """Write the array to a file; False, and a sentence, when that fails."""
        from engine.io import save

        error = self._in_background(
            partial(save, path, self._session.array), filled(self.tr("Writing %1…"), path.name)
        )
        if error is not None:
            self._failed(error)
            return False
        self._settings.add_recent(str(path))
        self._settings.remember("files/folder", str(path.parent))
        self._session.mark_saved(path)
        self.notice.emit(filled(self.tr("Saved %1."), path))
        return True

    def _in_background(self, job: Callable[[], None], text: str) -> Exception | None:
        """Run a job off the GUI thread while a dialog says so; return what it raised."""
        outcome: list[Exception | None] = []
        loop = QEventLoop(self)
        dialog = QProgressDialog(text, "", 0, 0, self._window)
        dialog.setCancelButton(None)
        dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
        dialog.setMinimumDuration(500)

        def run(ticket: Ticket) -> None:
            job()

        def finished(result: Exception | None) -> None:
            outcome.append(result)
            loop.quit()

        self._background.start("save", run, finished, finished)
        while not outcome:
            loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
        dialog.reset()
        dialog.deleteLater()
        loop.deleteLater()
        return outcome[0]

    def may_replace(self) -> bool:
        """Ask about unsaved edits; True when they may go."""
        if not self._session.modified:
            return True
        box = QMessageBox(self._window)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle(self.tr("Unsaved values"))
        box.setText(filled(self.tr("The values of %1 have changed."), self._session.title))
        box.setInformativeText(self.tr("Do you want to save them first?"))
        buttons = QMessageBox.StandardButton
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)
        answer = box.exec()
        box.deleteLater()
        if answer == buttons.Save:
            return self.save_as()
        return answer == buttons.Discard


class Loaded:
    """An array out of a file, in the working precision, with what it was there."""

    def __init__(self, array: FloatArray, name: str, dtype: np.dtype[np.generic]) -> None:
        self.array = array
        self.name = name
        self.dtype = dtype


def _load(path: Path, name: str | None, ticket: Ticket) -> object:
    """Read one array; or, when the file holds several and none is named, list them."""
    from engine.io import list_tensors, load

    ticket.step(0, 0)
    tensors = list_tensors(path)
    ticket.step(0, 0)
    if name is None and len(tensors) > 1:
        return tensors
    array = load(path, name)
    ticket.step(0, 0)
    shown = name or (tensors[0].name if tensors and name is not None else "")
    if array.size == 0 and is_real(array.dtype):
        return Loaded(np.zeros(0, np.float32), shown, array.dtype)
    return Loaded(as_working(array), shown, array.dtype)
