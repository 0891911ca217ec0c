"""Export dialog, and copying of figures to the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from quantoscope.engine import Evaluation, QuantizationError, export
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.number_fields import all_taken
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme, inked, theme_named
from quantoscope.gui.common.widgets import hbox, open_at, plain_label
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.snapshot import Outcome
from quantoscope.gui.export import choices
from quantoscope.gui.export.data import results_text, table_head, write_results, write_table
from quantoscope.gui.export.figure import figure_image, figure_page, render_svg, write_figure
from quantoscope.gui.export.file_row import FileRow
from quantoscope.gui.export.files import ExportError
from quantoscope.gui.export.form import ExportForm
from quantoscope.gui.export.kinds import FIGURE, PARAMETERS, REPORT, RESULTS, TABLE
from quantoscope.gui.export.panel import plot_names
from quantoscope.gui.export.preview import Preview, beginning
from quantoscope.gui.export.report import Report
from quantoscope.gui.export.report_content import make_report
from quantoscope.gui.export.report_files import HTML, report_text, write_report
from quantoscope.gui.export.report_reference import source_of
from quantoscope.gui.export.spec import Look
from quantoscope.gui.plots.data import plot_data
from quantoscope.gui.plots.difference import DifferencePlot
from quantoscope.gui.workers.background import Background, Ticket

JOB, PREVIEW = "export", "export preview"
PREVIEW_DELAY = 40
PREVIEW_ROWS = 40


class ExportDialog(QDialog):
    """Asks what to export, shows a preview, and writes it."""

    exported = Signal(str, arguments=["path"])
    """A file was written."""

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
        self._may_replace: frozenset[Path] = frozenset()
        self._previewed = ("", "")
        self.setWindowTitle(self.tr("Export"))
        self.form = ExportForm(settings, theme, plot_names(), keys, start, looks or {}, self)
        self.preview = Preview(theme, self)
        self._build_file()
        self._lay_out()
        self._timer = QTimer(self, singleShot=True, interval=PREVIEW_DELAY)
        self._timer.timeout.connect(self._draw_preview)
        self.form.changed.connect(self._on_change)
        session.evaluator.evaluated.connect(self._on_evaluated)
        background.progressed.connect(self._on_progress)
        self._timer.start()

    def _watch(self) -> None:
        """Request the comparison, which is only computed on request, if it is to be drawn."""
        drawn = self.form.kind in (FIGURE, REPORT) and DifferencePlot.key in self.form.keys
        self._session.view.watch_pair(JOB, self.isVisible() and drawn)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._watch()

    def _build_file(self) -> None:
        self.row = FileRow(self.form, self._session, self._settings, self._theme, self)
        self.row.renamed.connect(self._on_renamed)
        self.problem = plain_label(self)
        self.problem.setPalette(inked(self._theme.alarm))
        self.problem.hide()
        self.note = plain_label(self, name="exportNote")
        self.note.hide()
        self.progress = QProgressBar(self)
        self.progress.setAccessibleName(self.tr("Progress of writing"))
        self.progress.hide()
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, self)
        self.write = self.buttons.addButton("", QDialogButtonBox.ButtonRole.AcceptRole)
        self.write.setDefault(True)
        self.buttons.accepted.connect(self._write)
        self.buttons.rejected.connect(self._cancel)
        self._ask_replace()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        theme = theme_named(self._settings.theme)
        if event.type() == QEvent.Type.PaletteChange and theme is not self._theme:
            self._restyle(theme)

    def _restyle(self, theme: Theme) -> None:
        """Apply a theme that is switched to while the dialog is open."""
        self._theme = theme
        for part in (self.form, self.preview, self.row):
            part.restyle(theme)
        self.problem.setPalette(inked(theme.alarm))
        self._timer.start()

    def _lay_out(self) -> None:
        # The form scrolls on low screens; file name and buttons stay visible.
        scroll = QScrollArea(self)
        scroll.setWidget(self.form)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFixedWidth(330 + scroll.verticalScrollBar().sizeHint().width())
        scroll.setMinimumHeight(120)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(hbox(None, scroll, (self.preview, 1), spacing=12), 1)
        layout.addWidget(self.row)
        layout.addWidget(self.note)
        layout.addWidget(self.problem)
        layout.addWidget(self.progress)
        layout.addWidget(self.buttons)
        open_at(self, 900, 580)

    # Effects of choices

    def _on_change(self) -> None:
        self._watch()
        self._say("")
        self._ask_replace()
        self.row.follow()
        self._timer.start()

    def _on_renamed(self, asked: bool) -> None:
        self._say("")
        self._ask_replace(*([self.row.path] if asked else []))

    def _on_evaluated(self) -> None:
        if self.isVisible():
            self._timer.start()

    def _draw_preview(self) -> None:
        self._background.cancel(PREVIEW)
        self._refuse("")
        self._remark([])
        before, self._previewed = self._previewed, (self.form.kind, self.form.file_kind.key)
        if self._previewed != before:
            # Do not show the preview of another format meanwhile.
            self.preview.show_sentence(self.tr("Computing…"))
        {
            FIGURE: self._preview_figure,
            TABLE: self._preview_table,
            RESULTS: self._preview_results,
            REPORT: self._preview_report,
            PARAMETERS: self._preview_parameters,
        }[self.form.kind]()

    def _preview_figure(self) -> None:
        spec, raster = self.form.spec(), self.form.raster
        data = plot_data(self._session, self._settings.digits)
        try:
            with closing(figure_page(spec, data, raster)) as page:
                self.form.sizes.show_height(page.spec.height)
                self.preview.show_figure(page, page.spec.pixels() if raster else None)
                self._remark(page.notes())
        except ExportError as error:
            self._refuse(str(error))

    def _preview_table(self) -> None:
        self.preview.show_text(table_head(self._session.evaluator.snapshot, PREVIEW_ROWS))

    def _preview_results(self) -> None:
        self.preview.show_text(results_text(self._session.evaluator.snapshot))

    def _preview_report(self) -> None:
        job, done = self._report_job(), self._show_report
        self._background.start(PREVIEW, job, done, self._failed, only_reads=True)

    def _show_report(self, made: Report) -> None:
        html = self.form.file_kind.key == HTML
        show = self.preview.show_page if html else self.preview.show_text
        show(beginning(report_text(self.row.path, made)))

    def _preview_parameters(self) -> None:
        active = self._active
        if not isinstance(active, Evaluation):
            self._refuse(str(active or self.tr("No scheme is active: choose one first.")))
            return
        key, name = self.form.file_kind.key, source_of(self._session).name
        done, failed = self.preview.show_text, self._cannot_express
        self._background.start(
            PREVIEW, lambda _: beginning(export.preview(key, active, name)), done, failed, True
        )

    def _cannot_express(self, error: Exception) -> None:
        if not isinstance(error, QuantizationError):
            raise error
        self._refuse(str(error))

    def _remark(self, notes: Sequence[str]) -> None:
        """Show what is less in the file than was asked for."""
        self.note.setText("\n".join(notes))
        self.note.setVisible(bool(notes))

    def _refuse(self, sentence: str) -> None:
        """Show why nothing can be written, instead of a preview; "" allows writing."""
        self.write.setEnabled(not sentence and not self._background.running(JOB))
        if sentence:
            self.preview.show_sentence(sentence)

    @property
    def _active(self) -> Outcome | None:
        """Outcome of the active scheme."""
        return self._session.evaluator.outcome(self._session.active_uid)

    def _report_job(self) -> Callable[[Ticket], Report]:
        data = plot_data(self._session, self._settings.digits)
        kept, source = self._session.evaluator.snapshot, source_of(self._session)
        keys, looks, now = self.form.keys, self.form.looks, datetime.now().astimezone()
        return lambda ticket: make_report(source, kept, data, keys, now, looks)

    # File

    def _ask_replace(self, *paths: Path) -> None:
        """Let the next press of the button replace files."""
        self._may_replace = frozenset(paths)
        self.write.setText(self.tr("E&xport"))

    def _write(self) -> None:
        if not all_taken(self.form):
            return
        if not self.row.named:
            self._say(self.tr("Give the file a name."))
            self.row.edit.setFocus()
            return
        self.row.settle()
        there = [target for target in self.row.targets if target.is_file()]
        if not self._may_replace.issuperset(there):
            self._ask_replace(*there)
            self.write.setText(self.tr("&Replace"))
            text = self.tr("%1 already exists. Press Replace to overwrite it.")
            if len(there) > 1:
                text = self.tr("%1 already exist. Press Replace to overwrite them.")
            self._say(filled(text, ", ".join(target.name for target in there)))
            return
        self._say("")
        self._background.cancel(PREVIEW)
        {
            FIGURE: self._write_figure,
            TABLE: self._write_table,
            RESULTS: self._write_results,
            REPORT: self._write_report,
            PARAMETERS: self._write_parameters,
        }[self.form.kind](self.row.path)

    def _write_figure(self, path: Path) -> None:
        data = plot_data(self._session, self._settings.digits)
        self._at_once(partial(write_figure, path, self.form.spec(), data), path)

    def _write_results(self, path: Path) -> None:
        self._at_once(partial(write_results, path, self._session.evaluator.snapshot), path)

    def _at_once(self, write: Callable[[], object], path: Path) -> None:
        try:
            write()
        except ExportError as error:
            self._failed(error)
        else:
            self._done(path)

    def _write_table(self, path: Path) -> None:
        job = partial(write_table, path, self._session.evaluator.snapshot)
        self._elsewhere(job, partial(self._done, path))

    def _write_parameters(self, path: Path) -> None:
        active = self._active
        if isinstance(active, Evaluation):
            key, name = self.form.file_kind.key, source_of(self._session).name
            done = partial(self._done, path)
            self._elsewhere(lambda ticket: export.write(path, key, active, name), done)

    def _write_report(self, path: Path) -> None:
        self._elsewhere(self._report_job(), partial(self._draw_report, path))

    def _draw_report(self, path: Path, made: Report) -> None:
        self._at_once(partial(write_report, path, made), path)

    def _elsewhere(self, job: Callable[[Ticket], Any], done: Callable[[Any], None]) -> None:
        """Run a potentially long job on another thread."""
        self._set_busy(True)
        self._background.start(JOB, job, done, self._failed)

    def _on_progress(self, kind: str, done: int, total: int) -> None:
        if kind == JOB and not self.progress.isHidden():
            self.progress.setValue(round(1000 * done / max(1, total)))

    def _set_busy(self, busy: bool) -> None:
        self.progress.setRange(0, 1000)
        self.progress.setValue(0)
        self.progress.setVisible(busy)
        for widget in (self.form, self.row, self.write):
            widget.setEnabled(not busy)

    def _done(self, path: Path, result: object = None) -> None:
        self._set_busy(False)
        self.form.remember()
        self._settings.remember_folder("export/folder", path.absolute().parent)
        self.exported.emit(str(path))
        self.accept()

    def _failed(self, error: Exception) -> None:
        self._set_busy(False)
        if not isinstance(error, ExportError | QuantizationError):
            raise error
        self._say(str(error))
        self._timer.start()

    def _say(self, sentence: str) -> None:
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    # Closing

    def _cancel(self) -> None:
        """Stop a running export, else close."""
        if self._background.running(JOB):
            self._background.cancel(JOB)
            self._set_busy(False)
            self._say(self.tr("Cancelled: nothing was written."))
        else:
            self.reject()

    def done(self, result: int) -> None:
        self._timer.stop()
        for job in (JOB, PREVIEW):
            self._background.cancel(job)
        super().done(result)


def copy_figure(session: Session, settings: Settings, theme: Theme, keys: Sequence[str]) -> None:
    """Copy plots to the clipboard as one figure, as an image and as SVG."""
    spec = choices.clipboard_spec(settings, theme, tuple(keys))
    data = plot_data(session, settings.digits)
    content = QMimeData()
    content.setImageData(figure_image(spec, data))
    content.setData("image/svg+xml", render_svg(spec, data))
    QGuiApplication.clipboard().setMimeData(content)
