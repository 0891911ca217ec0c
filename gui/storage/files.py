"""Open files, create arrays, and save values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QCoreApplication, QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from quantoscope.engine import QuantizationError, Scheme
from quantoscope.engine.examples import EXAMPLES, THREE_WAYS, Example
from quantoscope.engine.notes import Note, listening
from quantoscope.engine.numerics.arrays import FloatArray, as_working, integers_note
from quantoscope.engine.text.file_names import kept
from quantoscope.engine.text.number_parsing import printable
from quantoscope.gui.common.localized_numbers import filled, told
from quantoscope.gui.common.plain_text import plain
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.widgets import ask
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Source, Tensor, of_file, source_of_array
from quantoscope.gui.storage.session_files import ENDING, FILE, SessionFiles, WriteOver
from quantoscope.gui.workers.background import Background, PartProgress, Ticket

if TYPE_CHECKING:
    from quantoscope.engine.io.block_codes import BlockCodes
    from quantoscope.engine.io.saved import SavedSource


TENSOR = "tensor"
CLIPPED = 1
"""Position of the value of the first example that its first scheme clips."""
SOON_READ = 1 << 24
MOST_READ = 256
"""Maximum numbers of values, and of tensors, that are read to show one that nobody has chosen."""


class Files(QObject):
    """The array commands of the File menu."""

    problem = Signal(str, arguments=["text"])
    """Why a file could not be read or written."""
    notice = Signal(str, arguments=["text"])
    """A hint, such as a change of precision."""
    listed = Signal(object, arguments=["source"])
    """A file of several tensors is open, to choose one from."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        background: Background,
        whole: SessionFiles,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._background = background
        self._whole = whole
        self._window = window
        self._waiting: list[Callable[[], None]] = []
        # Queued: other slots of the signal may start the next job first.
        background.ended.connect(self._go_on, Qt.ConnectionType.QueuedConnection)
        whole.decided.connect(self._go_on)

    # Arrays without a file

    def start_example(self, example: Example) -> None:
        """Open an example with its schemes, beside what is open, and say what it shows.

        It takes the place only of the numbers of a first start that nobody has touched.
        """
        self.open_example(example)
        if not self._session.view.chosen:
            self.choose_worst()
        self.notice.emit(example.point)

    def choose_worst(self) -> None:
        """Choose the value with the largest error under the active scheme: what is to be seen."""
        evaluation = self._session.evaluator.active_evaluation
        if evaluation is not None and self._session.array.size:
            self._session.view.choose(int(evaluation.metrics["max_abs_error_index"]))

    def open_example(self, example: Example) -> None:
        """Open an example as ``start_example`` does, without a word."""
        session, schemes = self._session, example.parsed_schemes()
        session.finish_typing.emit()
        alone = [source for source in session.sources if source.path is None]
        alone = [s for s in alone if s.title == example.name and not s.tensors[0].differs]
        if alone:
            source = alone[0]
        elif session.untouched:
            session.start(example.make(), example.name, None, schemes)
            source = session.sources[0]
        else:
            source = session.add(source_of_array(example.name, example.make()))
        # From now on it is somebody's: it stays when something else is shown.
        source.given = False
        self._show(source.tensors[0])
        commands.add_schemes(session, schemes, example.name)

    def ask_example(self) -> None:
        """Ask for an example and open it."""
        from quantoscope.gui.dialogs.examples import ExamplesDialog

        dialog = ExamplesDialog(self._settings, self._window)
        dialog.exec()
        chosen = dialog.chosen
        dialog.deleteLater()
        if chosen is not None:
            self.start_example(chosen)

    def start_first(self) -> None:
        """Show the example of a first start, with a hint, and its clipped value chosen."""
        example = EXAMPLES[0]
        hint = self.tr(
            "Type over a number in Values, or drag a dot on the number line: every pane follows "
            "at once."
        )
        self._session.start(example.make(), example.name, None, example.parsed_schemes(), hint)
        self._session.view.choose(CLIPPED)

    def new(self) -> None:
        """Ask for an array and add it to the document."""
        from quantoscope.gui.dialogs.new_array import NewArrayDialog

        dialog = NewArrayDialog(self._window)
        if dialog.exec():
            source = source_of_array(dialog.title(), dialog.array())
            self._session.add(source)
            self._show(source.tensors[0])
        dialog.deleteLater()

    def _show(self, tensor: Tensor) -> None:
        """Show a loaded tensor, adding three schemes if there are none."""
        if not self._session.entries:
            self._session.begin_entries([Scheme.parse(text) for text in THREE_WAYS])
        self._session.finish_typing.emit()
        self._session.show(tensor)

    # Opening

    def ask_open(self) -> None:
        """Ask for files and open them."""
        from quantoscope.engine.io import READERS, file_filters

        every = " ".join(f"*{ending}" for known in READERS for ending in known.endings)
        filters = [filled(self.tr("All supported files (%1)"), every), *file_filters()]
        folder = self._settings.text("files/folder")
        paths, _ = QFileDialog.getOpenFileNames(
            self._window, self.tr("Open files"), folder, ";;".join(filters)
        )
        self.open_all([Path(path) for path in paths])

    def open(self, path: Path) -> None:
        """Open a file; a session replaces the document."""
        self.open_all([path])

    def open_all(self, paths: Sequence[Path]) -> None:
        """Open several files and show their first array.

        ``FILE::NAME`` names a tensor in a file. Of several sessions the first is opened, and the
        other files are added to it. Requests while other files are being read are
        queued.
        """
        if paths:
            self._in_turn(partial(self._open_all, list(paths)))

    def _in_turn(self, begin: Callable[[], None]) -> None:
        """Start reading files as soon as no others are being read."""
        self._waiting.append(begin)
        self._go_on()

    def give_up(self) -> None:
        """Clear the queue: the window closes."""
        self._waiting.clear()

    @property
    def _busy(self) -> bool:
        return self._background.running(FILE) or self._whole.deciding

    def _go_on(self) -> None:
        while self._waiting and not self._busy:
            self._waiting.pop(0)()

    def _open_all(self, paths: Sequence[Path]) -> None:
        sessions = [path for path in paths if path.suffix.lower() == ENDING]
        others = [path.absolute() for path in paths if path not in sessions]
        if sessions:
            self._whole.open(sessions[0])
            # Not if the user keeps the document.
            if others and self._background.running(FILE):
                self._waiting.insert(0, partial(self._open_all, others))
        else:
            job, failed = partial(_read, others), self._whole.failed
            self._background.start(FILE, job, self._opened, failed, only_reads=True)

    def _opened(self, read: list[Read]) -> None:
        """Add files that were read to the document."""
        # Commit the edit in progress: it belongs to the old contents, and is kept like other edits.
        self._session.finish_typing.emit()
        untouched = self._session.untouched
        found = [one for one in read if one.source is not None]
        for one in found:
            assert one.source is not None
            self._settings.add_recent(kept(one.path))
            self._settings.add_known([str(one.path)])
            self._settings.remember_folder("files/folder", one.path.parent)
            session = self._session
            instead = _keep_edits(one.source, session.sources, session.current)
            one.source = session.add(one.source)
            if one.wanted in instead:
                one.wanted = instead[one.wanted]
                self.notice.emit(
                    filled(self.tr("%1 was already open; your changes are kept."), one.wanted.title)
                )
        wanted = next((one for one in found if one.wanted is not None), None)
        if wanted is not None and wanted.wanted is not None:
            self.show_tensor(wanted.wanted, wanted.values)
        elif found:
            source = found[0].source
            assert source is not None
            self.listed.emit(source)
            # Nobody's numbers make way; somebody's stay, until another tensor is asked for.
            if untouched or not self._session.array.size:
                self._show_matrix(source)
        errors = [one.error for one in read if one.error]
        if errors:
            self.problem.emit(" ".join(errors))

    def _show_matrix(self, source: Source) -> None:
        """Show the matrix with the farthest outlier, where all are soon read; else the largest."""
        found = [
            tensor
            for tensor in source.tensors
            if len(tensor.shape) >= 2 and 0 < tensor.size <= SOON_READ and "float" in tensor.dtype
            if tensor.readable and not tensor.external and tensor.name is not None
        ]
        if sum(tensor.size for tensor in found) > SOON_READ or len(found) > MOST_READ:
            found = [max(found, key=lambda tensor: tensor.size)]
        if found and source.path is not None:
            self._background.cancel(TENSOR)
            job = partial(_load_striking, source.path, [str(tensor.name) for tensor in found])
            done, failed = partial(self._take_striking, source, found), self._whole.failed
            self._background.start(TENSOR, job, done, failed, only_reads=True)

    def _take_striking(
        self, source: Source, found: Sequence[Tensor], read: tuple[int, Values]
    ) -> None:
        tensor, values = found[read[0]], read[1]
        text = self.tr("%1 holds %2 tensors, %3 is shown: in Tensors, Enter shows another.")
        readable = sum(one.readable for one in source.tensors)
        said = filled(text, source.title, f"{readable:,}", printable(tensor.label, 60))
        self._take(tensor, values, said)

    def show_tensor(self, tensor: Tensor, values: Values | None = None) -> None:
        """Show a tensor of the document, loading its values if necessary."""
        # Cancel older requests: the tensor chosen last is shown, not the last one to finish.
        self._background.cancel(TENSOR)
        if not tensor.readable:
            text = self.tr("%1 is not loaded: it %2.")
            self.notice.emit(filled(text, printable(tensor.label, 60), tensor.reason))
        elif tensor.loaded:
            self._show(tensor)
        elif values is not None:
            self._take(tensor, values)
        else:
            source = self._session.source_of(tensor)
            external = source is not None and source.agreed
            if tensor.external and not external:
                if source is None or not self._may_read_beside(tensor):
                    return
                external = source.agreed = True
            assert tensor.path is not None, "what no file holds is always loaded"
            job = partial(_load, tensor.path, tensor.name, external)
            done, failed = partial(self._take, tensor), self._whole.failed
            self._background.start(TENSOR, job, done, failed, only_reads=True)

    def _may_read_beside(self, tensor: Tensor) -> bool:
        """Ask whether an external data file may be read."""
        text = self.tr("The data of %1 is in another file, %2. Read it too?")
        text = filled(text, tensor.title, plain(tensor.external))
        read = (self.tr("&Read it"), QMessageBox.ButtonRole.AcceptRole)
        buttons = (read, QMessageBox.StandardButton.Cancel)
        title, icon = self.tr("External data"), QMessageBox.Icon.Question
        return ask(self._window, icon, title, text, buttons, default=1) == 0

    def _take(self, tensor: Tensor, values: Values, first: str = "") -> None:
        """Show a tensor with loaded values, unless its file was closed meanwhile.

        ``first`` is what to say before what is to be said of the values.
        """
        if self._session.source_of(tensor) is None:
            return
        array, tensor.block_codes, notes = values
        tensor.take(array, tensor.dtype)
        self._show(tensor)
        said = [first] if first else []
        if tensor.dtype != array.dtype.name:
            text = self.tr("%1 holds %2 values, processed as %3.")
            said.append(filled(text, tensor.title, tensor.dtype, array.dtype.name))
            if tensor.block_codes is not None:
                said.append(self.tr("Values shows the stored codes and scales on the right."))
        said += map(told, notes)
        if said:
            self.notice.emit(" ".join(said))

    def reopen(self, source: Source, path: Path | None = None) -> None:
        """Read a file of the document that could not be read before, at its current path."""
        target = path or source.path
        if target is not None:
            self._in_turn(partial(self._reopen, source, target))

    def _reopen(self, source: Source, path: Path) -> None:
        job, done = partial(_read, [path]), partial(self._reopened, source)
        self._background.start(FILE, job, done, self._whole.failed, only_reads=True)

    def _reopened(self, source: Source, read: list[Read]) -> None:
        new = read[0].source
        if new is not None:
            # The path may be new; edits in the session are kept.
            source.path = new.path
            for tensor in source.tensors:
                tensor.path = new.path
        self._opened(read)

    def ask_where(self, source: Source) -> None:
        """Ask for the new path of a missing file."""
        path, _ = QFileDialog.getOpenFileName(
            self._window, filled(self.tr("Locate %1"), source.title), str(source.path or "")
        )
        if path and self._session.source_at(Path(path).absolute()) not in (None, source):
            self.problem.emit(filled(self.tr("%1 is already open."), Path(path).name))
        elif path:
            self.reopen(source, Path(path).absolute())

    # Saving values

    def save_values(self) -> bool:
        """Ask for a file and write the array; False if nothing was written."""
        from quantoscope.engine.io import WRITERS, file_filters

        filters = ";;".join(file_filters(WRITERS))
        folder, path = Path(self._settings.text("files/folder")), self._session.path
        source = self._session.source_of(self._session.current)
        container = source is not None and source.container
        start = path if path is not None and not container else folder / "values.npy"
        text, chosen = QFileDialog.getSaveFileName(
            self._window, self.tr("Save the values"), str(start), filters
        )
        if not text:
            return False
        target = Path(text)
        endings = [ending for known in WRITERS for ending in known.endings]
        if target.suffix.lower() not in endings:
            wanted = next((e for e in endings if f"*{e}" in chosen), ".npy")
            target = Path(f"{text}{wanted}")
            if not self._whole.may_take(target):
                return False
        known = self._session.source_at(target.absolute())
        answer = self._whole.may_write_over(target, None if known is None else known.known)
        if answer is WriteOver.ELSEWHERE:
            return self.save_values()
        return answer is WriteOver.YES and self.write_values(target)

    def write_values(self, path: Path) -> bool:
        """Write the array to a file; on failure show why and return False."""
        from quantoscope.engine.io import save
        from quantoscope.engine.io.saved import seen

        self._session.finish_typing.emit()
        tensor = self._session.current
        array = tensor.axes.own(self._session.array)

        def job(part: PartProgress) -> SavedSource:
            save(path, array, partial(part(0, 1), 0, 1))
            return seen(path)

        known = self._whole.written(path, job)
        if known is None:
            return False
        self._settings.add_known([str(path)])
        self._session.mark_values_saved(path, known)
        return True


Values = tuple[FloatArray, "BlockCodes | None", "Sequence[Note]"]


@dataclass
class Read:
    """Result of reading a file: its tensors, the values of the requested one, or an error."""

    path: Path
    source: Source | None = None
    wanted: Tensor | None = None
    values: Values | None = None
    error: str = ""


def _keep_edits(new: Source, known: Sequence[Source], current: Tensor) -> dict[Tensor, Tensor]:
    """Keep edited tensors of a file that is read again.

    Returns the kept tensor per new one. If the file has been replaced,
    kept tensors no longer count as stored in it, wholly or in part.
    """
    kept = {
        tensor.name: tensor
        for source in known
        if source.path == new.path
        for tensor in source.tensors
        if tensor.kept or tensor.differs or (tensor is current and new.container)
    }
    for source in known:
        if source.path == new.path and not _same(source.known, new.known):
            for tensor in source.tensors:
                tensor.opened_version, tensor.base = 0, None
    instead = {tensor: kept[tensor.name] for tensor in new.tensors if tensor.name in kept}
    gone = [tensor for tensor in kept.values() if tensor not in instead.values()]
    new.tensors = [*(instead.get(tensor, tensor) for tensor in new.tensors), *gone]
    return instead


def _same(before: SavedSource | None, now: SavedSource | None) -> bool:
    """Return whether a file is unchanged, judging by size and time."""
    if before is None or now is None or not before.modified:
        return True
    return (before.size, before.modified) == (now.size, now.modified)


def _read(paths: list[Path], ticket: Ticket) -> list[Read]:
    """Read the contents of files, and the values of the first single or named array."""
    from quantoscope.engine.io import list_tensors, load, split_name

    read = []
    shown = False
    sources: dict[Path, Source] = {}
    for done, whole in enumerate(paths):
        ticket.step(done, len(paths))
        path, name = split_name(whole)
        one = Read(path)
        read.append(one)
        try:
            if path not in sources:
                sources[path] = of_file(path, list_tensors(path))
            source = sources[path]
            named = [tensor for tensor in source.tensors if name in (None, tensor.name)]
            named = [tensor for tensor in named if tensor.readable]
            if name is not None and not named:
                load(path, name)  # raises an error that lists the available names
            if len(named) == 1 and not shown and not named[0].external:
                with ticket.cancellation.telling(ticket.part(done, len(paths))):
                    one.values = _values(path, named[0].name)
                shown = True
            one.wanted = named[0] if len(named) == 1 else None
            one.source = source
        except (QuantizationError, OSError) as error:
            one.error = str(error)
        except MemoryError:
            text = QCoreApplication.translate("Files", "%1 needs more memory than is available.")
            one.error = filled(text, plain(path.name))
    return read


def _load(path: Path, name: str | None, external: bool, ticket: Ticket) -> Values:
    ticket.step(0, 0)
    with ticket.cancellation.telling(ticket.part(0, 1)):
        return _values(path, name, external)


def _load_striking(path: Path, names: Sequence[str], ticket: Ticket) -> tuple[int, Values]:
    """Return which tensor's largest |R| is the most times its RMS, and its values."""
    best, most = None, -1.0
    problem: QuantizationError | None = None
    for place, name in enumerate(names):
        ticket.step(place, len(names))
        try:
            values = _values(path, name)
        except QuantizationError as error:
            problem = error
            continue
        size = np.abs(values[0][np.isfinite(values[0])].astype(np.float64))
        rms = float(np.sqrt(np.mean(np.square(size)))) if size.size else 0.0
        times = float(size.max()) / rms if 0 < rms < np.inf else 0.0
        if times > most:
            best, most = (place, values), times
    if best is None:
        raise problem or QuantizationError(path.name)
    return best


def _values(path: Path, name: str | None, external: bool = False) -> Values:
    """Load a tensor, with codes and scales if the file has them."""
    from quantoscope.engine.io import list_tensors, load, load_codes

    with listening() as notes:
        found = load(path, name, external=external)
        note = integers_note(found)
    array = as_working(found, allow_empty=True)
    if name is None:
        name = next(info.name for info in list_tensors(path) if info.readable)
    return array, load_codes(path, name), [*notes, note] if note is not None else notes
