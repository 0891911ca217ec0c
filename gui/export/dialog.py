"""The export dialog, and the figure on the clipboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui.background import Background, Ticket
from gui.export import choices
from gui.export.choices import FIGURE, FORMATS, RESULTS, TABLE
from gui.export.data import (
    Snapshot,
    results_text,
    snapshot,
    table_head,
    write_results,
    write_table,
)
from gui.export.figure import figure_image, render_svg, write_figure
from gui.export.files import ExportError
from gui.export.form import ExportForm
from gui.export.panel import plot_names
from gui.export.preview import Preview
from gui.export.spec import Look
from gui.numbers_text import filled
from gui.plots.data import plot_data
from gui.session import Session
from gui.settings import Settings
from gui.theme import Theme

JOB = "export"
PREVIEW_DELAY = 40
PREVIEW_ROWS = 40


class ExportDialog(QDialog):
    """Asks what to export, shows what it will look like, and writes it.

    Signals
    -------
    exported(path)
        The file is written.
    """

    exported = Signal(str)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        theme: Theme,
        background: Background,
        keys: Sequence[str],
        start: str,
        parent: QWidget | None = None,
        looks: Mapping[str, Look] | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._settings = settings
        self._background = background
        self._theme = theme
        self._named_by_hand = False
        self._may_replace: Path | None = None
        self.setWindowTitle(self.tr("Export"))
        names = plot_names(plot_data(session, settings.digits), theme)
        self.form = ExportForm(settings, theme, names, keys, start, looks or {}, self)
        self.preview = Preview(theme, self)
        self._build_file()
        self._lay_out()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PREVIEW_DELAY)
        self._timer.timeout.connect(self._draw_preview)
        self.form.changed.connect(self._on_change)
        self.preview.resized.connect(self._timer.start)
        session.evaluated.connect(self._on_evaluated)
        background.progressed.connect(self._on_progress)
        self._propose_name()
        self._timer.start()

    def _build_file(self) -> None:
        self.file = QLineEdit(self)
        self.file.textEdited.connect(self._on_name)
        self.browse = QPushButton(self.tr("&Browse…"), self)
        self.browse.setAutoDefault(False)
        self.browse.clicked.connect(self._browse)
        self.problem = QLabel(self)
        self.problem.setObjectName("exportProblem")
        self.problem.setWordWrap(True)
        self.problem.setStyleSheet(f"#exportProblem {{ color: {self._theme.alarm}; }}")
        self.problem.hide()
        self.progress = QProgressBar(self)
        self.progress.setAccessibleName(self.tr("Progress of writing"))
        self.progress.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.write = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self.write.setDefault(True)
        self.buttons.accepted.connect(self._write)
        self.buttons.rejected.connect(self._cancel)
        self._ask_replace(None)

    def _lay_out(self) -> None:
        self.form.setFixedWidth(330)
        left = QVBoxLayout()
        left.addWidget(self.form)
        left.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addLayout(left)
        top.addWidget(self.preview, 1)
        label = QLabel(self.tr("File &name"), self)
        label.setBuddy(self.file)
        name = QHBoxLayout()
        name.addWidget(label)
        name.addWidget(self.file, 1)
        name.addWidget(self.browse)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(top, 1)
        layout.addLayout(name)
        layout.addWidget(self.problem)
        layout.addWidget(self.progress)
        layout.addWidget(self.buttons)
        self.resize(880, 560)

    # What follows from a choice

    def _on_change(self) -> None:
        self._say("")
        self._ask_replace(None)
        if self._named_by_hand:
            path = choices.with_ending(self.file.text(), self.form.ending)
            self.file.setText(str(path) if path.name else self.file.text())
        else:
            self._propose_name()
        self._timer.start()

    def _on_evaluated(self) -> None:
        if self.isVisible():
            self._timer.start()

    def _propose_name(self) -> None:
        name = choices.proposed_name(self._session, self.form.kind, self.form.keys)
        folder = choices.proposed_folder(self._settings, self._session)
        whole = self.file.hasFocus() and self.file.selectedText() == self.file.text()
        self.file.setText(str(folder / (name + self.form.ending)))
        if whole:
            # Whoever selected the name is about to type over it.
            self.file.selectAll()

    def _on_name(self, text: str) -> None:
        self._named_by_hand = True
        self._say("")
        self._ask_replace(None)
        ending = Path(text.strip()).suffix.lower()
        if ending in FORMATS[self.form.kind]:
            self.form.set_ending(ending)

    def _draw_preview(self) -> None:
        if self.form.kind == TABLE:
            self.preview.show_text(table_head(snapshot(self._session), PREVIEW_ROWS))
            return
        if self.form.kind == RESULTS:
            self.preview.show_text(results_text(snapshot(self._session)))
            return
        spec, raster = self.form.spec(), self.form.raster
        data = plot_data(self._session, self._settings.digits)
        room = self.preview.room(*spec.inches(raster))
        try:
            self.preview.show_picture(figure_image(spec, data, room, raster))
        except ExportError as error:
            self.preview.show_sentence(str(error))

    # The file

    def _path(self) -> Path:
        return choices.with_ending(self.file.text(), self.form.ending)

    def _browse(self) -> None:
        filters = {
            f"{self.form.format.itemText(place)} (*{ending})": ending
            for place, ending in enumerate(FORMATS[self.form.kind])
        }
        current = next(text for text, ending in filters.items() if ending == self.form.ending)
        text, chosen = QFileDialog.getSaveFileName(
            self, self.tr("Export to"), str(self._path()), ";;".join(filters), current
        )
        if not text:
            return
        ending = Path(text).suffix.lower()
        known = ending in FORMATS[self.form.kind]
        self.form.set_ending(ending if known else filters.get(chosen, self.form.ending))
        self._named_by_hand = True
        path = choices.with_ending(text, self.form.ending)
        self.file.setText(str(path))
        # The file dialog has asked already, unless the ending was added afterwards.
        self._ask_replace(path if path == Path(text) else None)

    def _ask_replace(self, path: Path | None) -> None:
        """Allow the next press of the button to replace a file."""
        self._may_replace = path
        self.write.setText(self.tr("E&xport"))

    def _write(self) -> None:
        path = self._path()
        if not path.name or not self.file.text().strip():
            self._say(self.tr("Give the file a name."))
            self.file.setFocus()
            return
        self.file.setText(str(path))
        if path.is_file() and path != self._may_replace:
            self._ask_replace(path)
            self.write.setText(self.tr("&Replace"))
            self._say(
                filled(self.tr("%1 exists already. Press Replace to write over it."), path.name)
            )
            return
        self._say("")
        if self.form.kind == TABLE:
            self._write_table(path)
            return
        try:
            if self.form.kind == FIGURE:
                data = plot_data(self._session, self._settings.digits)
                write_figure(path, self.form.spec(), data)
            else:
                write_results(path, snapshot(self._session))
        except ExportError as error:
            self._failed(error)
        else:
            self._done(path)

    def _write_table(self, path: Path) -> None:
        self._set_busy(True)
        job = partial(_table_job, path, snapshot(self._session))
        self._background.start(JOB, job, self._done, self._failed)

    def _on_progress(self, kind: str, done: int, total: int) -> None:
        if kind == JOB and not self.progress.isHidden():
            self.progress.setValue(round(1000 * done / max(1, total)))

    def _set_busy(self, busy: bool) -> None:
        self.progress.setRange(0, 1000)
        self.progress.setValue(0)
        self.progress.setVisible(busy)
        for widget in (self.form, self.file, self.browse, self.write):
            widget.setEnabled(not busy)

    def _done(self, path: Path) -> None:
        self._set_busy(False)
        self.form.remember()
        self._settings.remember("export/folder", str(path.absolute().parent))
        self.exported.emit(str(path))
        self.accept()

    def _failed(self, error: Exception) -> None:
        self._set_busy(False)
        if not isinstance(error, ExportError):
            raise error
        self._say(str(error))

    def _say(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    # The end

    def _cancel(self) -> None:
        """Stop writing when that is going on, else close."""
        if self._background.running(JOB):
            self._background.cancel(JOB)
            self._set_busy(False)
            self._say(self.tr("Cancelled: nothing was written."))
        else:
            self.reject()

    def done(self, result: int) -> None:
        self._timer.stop()
        if self._background.running(JOB):
            self._background.cancel(JOB)
        super().done(result)


def _table_job(path: Path, data: Snapshot, ticket: Ticket) -> Path:
    write_table(path, data, ticket)
    return path


def copy_figure(session: Session, settings: Settings, theme: Theme, keys: Sequence[str]) -> None:
    """Put plots on the clipboard as one figure: as a picture, and as SVG for who takes that."""
    spec = choices.clipboard_spec(settings, theme, tuple(keys))
    data = plot_data(session, settings.digits)
    content = QMimeData()
    content.setImageData(figure_image(spec, data))
    content.setData("image/svg+xml", render_svg(spec, data))
    QGuiApplication.clipboard().setMimeData(content)
