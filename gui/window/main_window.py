"""Main window: assembles the frame, menus, toolbar and messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from quantoscope.engine import Scheme
from quantoscope.engine.text.file_names import path_of
from quantoscope.gui.common.dropped_files import local_path
from quantoscope.gui.common.focus_order import go_on
from quantoscope.gui.common.localized_numbers import clock, filled
from quantoscope.gui.common.message_bar import MessageBar
from quantoscope.gui.common.plain_text import Page, plain, plain_title
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.splitter import go_to_border
from quantoscope.gui.common.theme import Theme, app_icon, apply_theme, theme_named
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.document.tensors import Source
from quantoscope.gui.panes.compare_pane import ComparePane
from quantoscope.gui.panes.place import Place
from quantoscope.gui.panes.plot_pane import PlotPane
from quantoscope.gui.panes.plot_place import PlotPlace, Plots
from quantoscope.gui.panes.results_pane import ResultsPane
from quantoscope.gui.panes.runtimes_pane import RuntimesPane
from quantoscope.gui.panes.schemes_pane import SchemesPane
from quantoscope.gui.panes.stage import Stage
from quantoscope.gui.panes.steps_pane import StepsPane
from quantoscope.gui.panes.tensors_pane import TensorsPane
from quantoscope.gui.panes.values_pane import ValuesPane
from quantoscope.gui.panes.verdict_line import VerdictLine
from quantoscope.gui.plots import PLOTS
from quantoscope.gui.plots.feed import PlotFeed
from quantoscope.gui.storage.file_watch import FileWatch
from quantoscope.gui.storage.files import Files
from quantoscope.gui.storage.recovery import Recovery
from quantoscope.gui.storage.session_files import SessionFiles
from quantoscope.gui.window.actions import Actions
from quantoscope.gui.window.export_actions import ExportActions
from quantoscope.gui.window.frame import Frame
from quantoscope.gui.window.latency import Latency
from quantoscope.gui.window.lesson import Lesson
from quantoscope.gui.window.menus import Menus
from quantoscope.gui.window.overlay import Overlay
from quantoscope.gui.window.saved_view import View, restore_view, view_of
from quantoscope.gui.window.stage_choice import StageChoice
from quantoscope.gui.window.status import StatusLine
from quantoscope.gui.workers.background import Background

WHY = "waterfall"
"""Key of the plot that says why."""


class MainWindow(QMainWindow):
    """Window of one document, with its panes and actions."""

    window_asked = Signal(object, arguments=["path"])
    """The user wants another window, possibly with a file."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.settings = settings
        self.theme: Theme = theme_named(settings.theme)
        self.background = Background(self)
        self.session = Session(self.background, self)
        self.feed = PlotFeed(self.session, settings, self)
        self.whole = SessionFiles(self.session, settings, self.background, self.view, self)
        self.files = Files(self.session, settings, self.background, self.whole, self)
        self.file_watch = FileWatch(self.session, self)
        self.recovery = Recovery(
            self.session, self.background, self.whole, self.view, self._typing, self
        )
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        apply_theme(self.theme)
        self._build_panes()
        self.export_actions = ExportActions(
            session=self.session,
            settings=settings,
            plots=self.plots,
            values=self.values,
            results=self.results,
            theme=self.current_theme,
            window=self,
        )
        self.message = MessageBar(self.theme, self)
        self.offer = MessageBar(self.theme, self)
        self.unkept = MessageBar(self.theme, self)
        self.latency = Latency(self.session, self.feed, self)
        self.status = StatusLine(self.session, settings, self.background, self.latency, self)
        self.setStatusBar(self.status)
        self.actions_ = Actions(self, self.theme, self._handlers())
        self.overlay = Overlay(
            self.frame,
            (self.stage, self.frame.across),
            [self.offer, self.unkept, self.message],
        )
        self.menus = Menus(
            self, self.actions_, self.session, self.places, self.frame, settings, self.theme
        )
        self.lesson = Lesson(
            self.session, settings, self.files, self.places, self.frame, self.theme
        )
        self.stage_choice = StageChoice(self.session, self.frame, settings, self)
        self._connect()
        self._restore()
        self._on_document()
        self._on_entries()
        self.values.setFocus()

    # Building

    def _build_panes(self) -> None:
        session, settings, theme = self.session, self.settings, self.theme
        self.values = ValuesPane(session, settings, theme)
        self.tensors = TensorsPane(session, settings, theme)
        self.schemes = SchemesPane(session, settings, theme)
        self.results = ResultsPane(session, settings, theme)
        self.steps = StepsPane(session, settings, theme)
        self.compare = ComparePane(session, settings, theme)
        self.runtimes = RuntimesPane(session, settings, theme)
        plots = {kind.key: PlotPlace(kind, session, self.feed, theme) for kind in PLOTS}
        for plot_place in plots.values():
            plot_place.built.connect(self._on_plot_built)
        self.plots = Plots(plots)
        self.stage = Stage(self.plots, theme)
        self.frame = Frame(self.stage, theme, self)
        self.setCentralWidget(self.frame)
        self.verdict = VerdictLine(session, theme)
        self.verdict.why_asked.connect(plots[WHY].take_focus)
        self.frame.layout_.insertWidget(0, self.verdict)
        rail, bottom = self.frame.rail, self.frame.bottom
        self.places: dict[str, Place] = {}
        for key, name, title, pane, tabs in (
            ("values", self.tr("Values"), self.tr("Values: R, editable, and its stages"),
             self.values, rail),
            ("tensors", self.tr("Tensors"), self.tr("Tensors: what the open files hold"),
             self.tensors, rail),
            ("schemes", self.tr("Schemes"), self.tr("Schemes"), self.schemes, None),
            ("steps", self.tr("Steps"), self.tr("Steps of the chosen value"), self.steps, bottom),
            ("results", self.tr("Results"), self.tr("Results: scheme × metric"),
             self.results, bottom),
            ("compare", self.tr("Compare"), self.tr("Compare: two schemes, and why they differ"),
             self.compare, bottom),
            ("runtimes", self.tr("Runtimes"),
             self.tr("Runtimes: what each makes of the active scheme"), self.runtimes, bottom),
        ):  # fmt: skip
            place = Place(key, name, title, theme, pane)
            if hasattr(pane, "insight_changed"):
                pane.insight_changed.connect(place.set_insight)
            if tabs is None:
                self.frame.add_schemes(place)
            else:
                tabs.add(place)
            self.places[key] = place
        self.places.update(plots)

    def _on_plot_built(self, pane: PlotPane) -> None:
        pane.export_asked.connect(self.export_actions.export)
        pane.copy_asked.connect(self.export_actions.copy_plot)
        pane.cell_field.typed.connect(self.recovery.look_again)
        # Plots of the same quantity show the range of the first one.
        kind = next(kind for kind in PLOTS if kind.x_quantity == pane.plot.x_quantity)
        if pane.plot.x_quantity and kind.key != pane.plot.key:
            leader = self.plots[kind.key]
            pane.plot.leader = leader.plot
            pane.widget.setXRange(*leader.widget.viewRange()[0], padding=0)
            if pane.plot.y_quantity:
                pane.widget.setYRange(*leader.widget.viewRange()[1], padding=0)

    def _handlers(self) -> dict[str, Callable[[], object]]:
        values, schemes = self.values, self.schemes
        return {
            "new": self.files.new,
            "open": self.files.ask_open,
            "examples": self.files.ask_example,
            "new_session": self.whole.new,
            "new_window": self._new_window,
            "save": self.whole.save,
            "save_as": self.whole.save_as,
            "save_values": self.files.save_values,
            "remove_source": self.tensors.remove,
            "restore": self.recovery.restore,
            "discard": self.recovery.discard,
            "export": self.export_actions.export_all,
            "copy_figure": self.export_actions.copy_figure,
            "quit": QApplication.closeAllWindows,
            "cut": values.cut,
            "copy": self.export_actions.copy,
            "paste": values.paste,
            "clear": values.clear,
            "insert_rows": values.insert_rows,
            "remove_rows": values.remove_rows,
            "fill_down": values.fill_down,
            "select_all": self._select_all,
            "goto": values.ask_position,
            "unsort": values.unsort,
            "worst_first": values.worst_first,
            "duplicate_scheme": schemes.duplicate,
            "remove_scheme": schemes.remove,
            "scheme_up": self._scheme_up,
            "scheme_down": self._scheme_down,
            "fit": self.fit_plots,
            "next_value": self._next_value,
            "previous_value": self._previous_value,
            "border": self._next_border,
            "reset_layout": self.reset_layout,
            "cancel": self._cancel,
            "help": self._help,
            "learn": self._learn,
            "about": self._about,
        }

    def _connect(self) -> None:
        session, a, menus = self.session, self.actions_, self.menus
        editing = (
            "cut",
            "copy",
            "paste",
            "clear",
            "insert_rows",
            "remove_rows",
            "fill_down",
            "goto",
        )
        shown = [a[k] for k in editing]
        shown.insert(2, menus.copy_as.menuAction())
        self.values.offer(shown, [a["open"], a["new"], a["examples"]])
        self.results.empty.offer([menus.add_scheme, a["examples"]])
        order = ("duplicate_scheme", "remove_scheme", "scheme_up", "scheme_down")
        self.schemes.offer(menus.add_scheme, [a[key] for key in order])
        for refusing in (self.values.problem, session.refused):
            refusing.connect(self.message.refusal)
        session.undo_stack.indexChanged.connect(self.message.edited)
        for files in (self.files, self.whole):
            files.problem.connect(self.message.problem)
        for told in (self.files, self.whole, self.export_actions):
            told.notice.connect(self.message.notice)
        session.told.connect(self.message.notice)
        self.files.listed.connect(self._on_listed)
        self.recovery.problem.connect(self.message.problem)
        self.file_watch.problem.connect(self.message.problem)
        self.recovery.left.connect(self._on_left)
        self.recovery.failing.connect(self._on_not_kept)
        self.recovery.typing_left.connect(self.values.resume_typing)
        self.values.typed.connect(self.recovery.look_again)
        self.whole.view_opened.connect(self._look)
        self.tensors.asked.connect(self.files.show_tensor)
        self.tensors.reopen_asked.connect(self.files.reopen)
        self.tensors.place_asked.connect(self.files.ask_where)
        self.tensors.offer([a["open"], a["remove_source"]])
        self.compare.codes_asked.connect(self._ask_codes)
        self.runtimes.compare_asked.connect(self._compare)
        self.steps.height_wanted.connect(partial(self.frame.grow_bottom, "steps"))
        self.menus.copy_as_chosen.connect(self.export_actions.copy_as)
        self.menus.scheme_chosen.connect(self._add_scheme)
        self.menus.recent_chosen.connect(self._open_recent)
        session.document_changed.connect(self._on_document)
        session.sources_changed.connect(self._on_document)
        session.array_reset.connect(self.message.clear)
        session.entries_changed.connect(self._on_entries)
        session.revisited.connect(self._on_revisited)
        self.settings.theme_changed.connect(self.retheme)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.retheme)

    # Following the session

    def _on_document(self) -> None:
        title, file = self.session.title or self.tr("untitled"), self.session.file
        if file is not None:
            title = f"{title} – {plain(file.name)}"
        self.setWindowTitle(f"{plain_title(title)}[*] – Quantoscope")
        self.setWindowModified(self.session.modified)

    def _on_entries(self) -> None:
        any_scheme = bool(self.session.entries)
        for key in ("duplicate_scheme", "remove_scheme", "scheme_up", "scheme_down"):
            self.actions_[key].setEnabled(any_scheme)

    def _on_revisited(self, key: str) -> None:
        """Show the pane in which an undone edit is seen."""
        self.places[key].reveal()

    def _on_listed(self, source: Source) -> None:
        self.places["tensors"].take_focus()
        self.tensors.select(source)
        text = self.tr("%1 holds %2 tensors: choose one in Tensors, Enter shows it.")
        readable = sum(tensor.readable for tensor in source.tensors)
        if readable < len(source.tensors):
            text = self.tr(
                "%1 holds %2 tensors: choose one in Tensors, Enter shows it. Of %3 more, which are"
                " grey there, the tips say why they are not loaded."
            )
        others = f"{len(source.tensors) - readable:,}"
        self.message.notice(filled(text, source.title, f"{readable:,}", others))

    def _on_left(self, title: str, time: float) -> None:
        text = self.tr("Changes of %1, last kept at %2, were not saved when the program ended.")
        choices = [self.actions_[key] for key in ("restore", "discard")]
        self.offer.ask(filled(text, plain(title), clock(time)), choices)

    def _on_not_kept(self, text: str) -> None:
        if text:
            self.unkept.problem(text)
        else:
            self.unkept.clear()

    def _typing(self) -> tuple[int, str] | None:
        """Position and text of an open cell editor."""
        fields = (pane.cell_field for pane in self.plots.built().values())
        in_plots = (field.typing() for field in fields)
        return self.values.typing() or next(filter(None, in_plots), None)

    def view(self) -> View:
        """View state of the document, for sessions."""
        view = view_of(self.frame, self.session, self.plots)
        return {**view, "kept": self.recovery.name}

    def _look(self, view: View) -> None:
        layout = view.get("layout")
        if isinstance(layout, dict) and self.frame.restore(layout):
            self.stage_choice.take()
        restore_view(view, self.session, self.plots)

    # Actions

    def _new_window(self) -> None:
        self.window_asked.emit(None)

    def _add_scheme(self, scheme: Scheme) -> None:
        commands.add_scheme(self.session, scheme)

    def _open_recent(self, path: str) -> None:
        self.files.open(path_of(path))

    def _select_all(self) -> None:
        focus = QApplication.focusWidget()
        if isinstance(focus, Page):
            focus.selectAll()
        else:
            self.values.select_all()

    def _scheme_up(self) -> None:
        self.schemes.move_scheme(-1)

    def _scheme_down(self) -> None:
        self.schemes.move_scheme(1)

    def _next_value(self) -> None:
        self.session.view.choose((self.session.view.chosen or 0) + 1)

    def _previous_value(self) -> None:
        self.session.view.choose((self.session.view.chosen or 0) - 1)

    def _cancel(self) -> None:
        if self.status.cancel():
            return
        if not self.overlay.close_newest():
            self.session.view.focus_on(None)

    def _ask_codes(self) -> None:
        from quantoscope.gui.dialogs.codes_dump import ask_codes

        first = self.compare.first_entry()
        folder = self.settings.text("files/folder")
        scheme = None if first is None else first.scheme
        self.compare.say(ask_codes(self.session, scheme, folder, self))

    def _compare(self, first: int, second: int) -> None:
        self.places["compare"].reveal()
        self.compare.compare(first, second)

    def fit_plots(self) -> None:
        """Show the full ranges in every plot."""
        for pane in self.plots.built().values():
            pane.fit()

    def _help(self) -> None:
        from quantoscope.gui.dialogs.guide import show_guide

        show_guide(self)

    def _learn(self) -> None:
        self.lesson.start()

    def _about(self) -> None:
        from quantoscope.gui.dialogs.about import show_about

        show_about(self)

    # Look

    def current_theme(self) -> Theme:
        """The current theme."""
        return self.theme

    def retheme(self) -> None:
        """Apply the theme of the settings, or of the system."""
        self.theme = theme_named(self.settings.theme)
        apply_theme(self.theme)
        self.actions_.restyle(self.theme)
        self.menus.restyle(self.theme)
        self.verdict.restyle(self.theme)
        self.message.restyle(self.theme)
        self.offer.restyle(self.theme)
        self.unkept.restyle(self.theme)
        for part in (self.stage, self.frame.rail, self.frame.side, self.frame.bottom):
            part.restyle(self.theme)
        self.lesson.restyle(self.theme)
        for place in self.places.values():
            place.restyle(self.theme)

    def reset_layout(self) -> None:
        """Restore the first arrangement, and the views that suit the data."""
        for place in self.places.values():
            place.attach()
        self.frame.arrange(self.size())
        self.stage_choice.forget()

    def _restore(self) -> None:
        if not self.restoreGeometry(self.settings.blob("window/geometry")):
            self.resize(self._first_size())
        self.frame.arrange(self.size())
        # What makes no sense leaves the first arrangement.
        with suppress(ValueError, AttributeError, RecursionError):
            self.frame.restore(json.loads(self.settings.text("window/layout", "{}")))
        self.stage_choice.follow()

    def _first_size(self) -> QSize:
        room = QGuiApplication.primaryScreen().availableSize()
        wide, high = max(1440, room.width() * 4 // 5), max(900, room.height() * 5 // 6)
        return QSize(min(wide, room.width() - 40), min(high, room.height() - 60))

    def _next_border(self) -> None:
        go_to_border(self)

    def focusNextPrevChild(self, onward: bool) -> bool:
        parts = (self.verdict, self.frame.rail, self.stage, self.frame.side, self.frame.bottom)
        return go_on(self, parts, onward) or super().focusNextPrevChild(onward)

    # Leaving, and files dropped on the window

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.background.awaited or not self.whole.may_replace():
            event.ignore()
            return
        self.settings.remember("window/geometry", self.saveGeometry())
        self.settings.remember("window/layout", json.dumps(self.frame.state))
        for place in self.places.values():
            place.attach()
        self.settings.sync()
        self.files.give_up()
        self.background.shutdown()
        self.recovery.stop()
        self.session.paint_queue.clear()
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() and any(u.isLocalFile() for u in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [local_path(url) for url in event.mimeData().urls()]
        event.setDropAction(Qt.DropAction.CopyAction)
        event.accept()
        self.open_paths([path for path in paths if path is not None])

    def open_paths(self, paths: list[Path]) -> None:
        """Open files into this window's document."""
        self.files.open_all(paths)
