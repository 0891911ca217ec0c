"""Copy and export actions of the window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.plain_text import Page
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.plot_place import Plots
from quantoscope.gui.panes.results_pane import ResultsPane
from quantoscope.gui.panes.values_copy import CELLS, MARKDOWN
from quantoscope.gui.panes.values_pane import ValuesPane


class ExportActions(QObject):
    """Copies and exports the contents of the window."""

    notice = Signal(str, arguments=["text"])
    """A file was written, or data was copied."""

    def __init__(
        self,
        *,
        session: Session,
        settings: Settings,
        plots: Plots,
        values: ValuesPane,
        results: ResultsPane,
        theme: Callable[[], Theme],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session = session
        self._settings = settings
        self._plots = plots
        self._values = values
        self._results = results
        self._theme = theme
        self._window = window

    def copy(self) -> None:
        """Copy the focused cells, results, text or plot."""
        focus = QApplication.focusWidget()
        if isinstance(focus, Page):
            focus.copy()
            return
        if focus is not None and self._results.isAncestorOf(focus):
            self._results.copy()
            return
        for key, pane in self._plots.built().items():
            if focus is not None and (pane is focus or pane.isAncestorOf(focus)):
                self.copy_plot(key)
                return
        self._values.copy()

    def copy_as(self, form: str) -> None:
        """Copy the results as a table if they have the focus, else the selected values."""
        focus = QApplication.focusWidget()
        if form in (CELLS, MARKDOWN) and focus is not None and self._results.isAncestorOf(focus):
            self._results.copy(form)
        else:
            self._values.copy(form)

    def copy_figure(self) -> None:
        """Copy the visible plots as one image."""
        self._copy(self._plots.in_front() or list(self._plots))

    def copy_plot(self, key: str) -> None:
        """Copy one plot as an image."""
        self._copy([key])

    def _copy(self, keys: list[str]) -> None:
        from quantoscope.gui.export.dialog import copy_figure

        copy_figure(self._session, self._settings, self._theme(), keys)
        self.notice.emit(self.tr("The figure is on the clipboard."))

    def export_all(self) -> None:
        """Open the export dialog."""
        self.export("")

    def export(self, start: str) -> None:
        """Open the export dialog with a preselection, or the last choices."""
        from quantoscope.gui.export.dialog import ExportDialog
        from quantoscope.gui.export.part import looks_of

        looks = looks_of({key: pane.plot for key, pane in self._plots.built().items()})
        dialog = ExportDialog(
            self._session,
            self._settings,
            self._theme(),
            self._session.background,
            self._plots.in_front(),
            start,
            self._window,
            looks,
        )
        dialog.exported.connect(self._exported)
        dialog.exec()
        dialog.deleteLater()

    def _exported(self, path: str) -> None:
        self.notice.emit(filled(self.tr("Wrote %1."), path))
