"""The window for a test, a person's hands on it, and a hunt for what a test leaves behind."""

import gc
import json
from contextlib import contextmanager

import numpy as np
import pyqtgraph as pg
import pytest
import shiboken6
from PySide6.QtCore import QEvent, QLocale, QPoint, QSettings, Qt, QThread, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractItemView, QApplication, QLabel, QMenu, QToolTip, QWidget

from quantoscope.engine import Scheme
from quantoscope.gui.app import Application, prepare
from quantoscope.gui.common.garbage import Collector
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.document.session import Session
from quantoscope.gui.panes.place import Place
from quantoscope.gui.plots.data import plot_data
from quantoscope.gui.window.main_window import MainWindow
from quantoscope.gui.window.stage_choice import FIRST
from quantoscope.gui.workers.background import Background

VIEWS = ("signal", "error", "distribution", "codes")
"""What the stage shows in tests, whatever the data: the first view of each kind has its own."""
THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")


@pytest.fixture(scope="session")
def qapp_cls():
    return Application


@pytest.fixture(scope="session")
def qapp(qapp):
    """The application as the program prepares it."""
    QLocale.setDefault(QLocale.c())
    prepare(qapp)
    yield qapp
    # The offscreen platform would destroy what is on its clipboard after Python's own end.
    QGuiApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def fresh_settings(home):
    """Settings that no earlier test has written."""
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
        QSettings.setPath(QSettings.Format.IniFormat, scope, str(home / "settings"))


def _bury(app):
    """Let everything die that was told to."""
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    app.processEvents()


def _nobodys(widget):
    """Whether this is Qt's own tip, or a menu of pyqtgraph, which dies with the fixture's value."""
    if not shiboken6.isValid(widget) or widget.metaObject().className() == "QTipLabel":
        return True
    return isinstance(widget, QMenu) and not widget.isVisible()


def _running(app):
    """Timers and threads that run, with the timers' parents."""
    kinds = (QTimer, QThread)
    alive = [x for x in gc.get_objects() if type(x) in kinds and shiboken6.isValid(x)]
    timers = [(t, t.parent()) for t in alive if type(t) is QTimer and t.isActive()]
    threads = [t for t in alive if type(t) is QThread and t.isRunning() and t is not app.thread()]
    return timers, threads


@pytest.fixture(autouse=True)
def nothing_is_left(request, home):
    """Fail the test that leaves a widget, a running timer or a running QThread behind."""
    if "qapp" not in request.fixturenames:
        yield
        return
    app = request.getfixturevalue("qapp")
    collector = Collector()
    QGuiApplication.clipboard().clear()
    before = set(app.topLevelWidgets())
    yield
    QToolTip.hideText()
    for _ in range(3):
        _bury(app)
        left = [w for w in app.topLevelWidgets() if w not in before and not _nobodys(w)]
        if not left:
            break
        gc.collect()
    assert not left, f"widgets left: {left}"
    timers, threads = _running(app)
    if timers:
        # They may belong to what is garbage already, in a cycle that nobody has looked for yet.
        del timers
        gc.collect()
        _bury(app)
        timers, threads = _running(app)
    assert not timers, "a timer is left running"
    assert not threads
    collector.deleteLater()
    # Here, with none of Qt's functions at work, Python may look itself.
    gc.enable()


@pytest.fixture
def new_window(qapp, qtbot):
    """A way to open windows; they close at the end, without asking."""
    opened = []

    def make(size=(1440, 900), shown=True, views=VIEWS):
        settings = Settings()
        for kind in FIRST if views else ():
            if not settings.text(f"stage/{kind}"):
                settings.remember(f"stage/{kind}", json.dumps([list(views), False]))
        window = MainWindow(settings)
        opened.append(window)
        if size is not None:
            window.resize(*size)
            window.frame.arrange(window.size())
        if shown:
            window.show()
            window.activateWindow()
            qtbot.waitUntil(lambda: qapp.activeWindow() is window)
        return window

    yield make
    for window in opened:
        if shiboken6.isValid(window):
            window.session.finish_typing.emit()
            window.session.mark_saved(None)
            window.close()
            window.deleteLater()
    opened.clear()
    _bury(qapp)


@pytest.fixture
def window(new_window, qapp):
    """The window as it is at the first start, with the three numbers; the first is chosen."""
    window = new_window()
    window.files.start_first()
    window.session.view.choose(0)
    qapp.processEvents()
    return window


@pytest.fixture
def session(window):
    """What the window shows."""
    return window.session


@pytest.fixture
def open_window(new_window, qtbot):
    """A window on an array, with schemes given as text, everything computed."""

    def make(array, *schemes, size=(1440, 900), title="array"):
        window = new_window(size)
        values = np.asarray(array)
        if values.dtype not in (np.float32, np.float64):
            values = values.astype(np.float32)
        texts = schemes if schemes else THREE
        parsed = [] if texts == (None,) else [Scheme.parse(text) for text in texts]
        window.session.start(values, title, None, parsed)
        qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=30_000)
        QApplication.processEvents()
        return window

    return make


class Person:
    """A person's hands and eyes: keys and clicks go in where the real ones do."""

    def __init__(self, qtbot):
        self.qtbot = qtbot

    # Hands

    def _front(self):
        widget = (
            QApplication.activePopupWidget()
            or QApplication.activeModalWidget()
            or QApplication.focusWidget()
            or QApplication.activeWindow()
        )
        if widget is None:
            # There is no window manager that gives the focus back when a dialog has closed.
            widget = next(
                w
                for w in QApplication.topLevelWidgets()
                if isinstance(w, MainWindow) and w.isVisible()
            )
            widget.activateWindow()
            self.qtbot.waitUntil(lambda: QApplication.activeWindow() is widget)
        return widget.window().windowHandle()

    def press(self, *keys):
        """Press key combinations such as ``Ctrl+Z`` or ``Return``, one after the other."""
        for key in keys:
            QTest.keySequence(self._front(), QKeySequence(key))

    def type(self, text):
        """Type a text, key by key, wherever the focus is."""
        for letter in text:
            if letter.isascii():
                QTest.keyClick(self._front(), letter)
                continue
            # QTest knows keys of Latin keyboards alone.
            for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
                event = QKeyEvent(kind, 0, Qt.KeyboardModifier.NoModifier, letter)
                QApplication.sendEvent(QApplication.focusWidget(), event)

    def click(self, widget, at=None, modifier=Qt.KeyboardModifier.NoModifier):
        """Click a widget with the left button; its pane is brought to the front before."""
        place = widget
        while place is not None and not isinstance(place, Place):
            place = place.parentWidget()
        if place is not None and not widget.isVisible():
            place.reveal()
            QApplication.processEvents()
        at = widget.rect().center() if at is None else at
        self.qtbot.mouseClick(widget, Qt.MouseButton.LeftButton, modifier, pos=at)

    def click_cell(self, view, row, column=0, modifier=Qt.KeyboardModifier.NoModifier):
        """Click a cell, which gets the focus."""
        index = view.model().index(row, column)
        self._uncover(view, column)
        view.scrollTo(index)
        self.click(view.viewport(), view.visualRect(index).center(), modifier)
        view.setFocus()

    def _uncover(self, view, column):
        """Give a table the room for a column that it hides where there is none."""
        if not view.isVisible():
            self.click(view.viewport())
        if view.isColumnHidden(column):
            view.window().frame.across.setSizes([800, 300, 256])
            QApplication.processEvents()

    def click_head(self, view, column):
        """Click the head of a column."""
        head = view.horizontalHeader()
        self._uncover(view, column)
        view.scrollTo(view.model().index(0, column))
        middle = head.sectionViewportPosition(column) + head.sectionSize(column) // 2
        self.click(head.viewport(), QPoint(middle, head.height() // 2))

    def edit_cell(self, view, row, text, column=0):
        """Type over a cell and press Enter."""
        self.click_cell(view, row, column)
        self.type(text)
        self.press("Return")

    def choose(self, box, text):
        """Choose an item of a combo box with the keyboard."""
        box.setFocus()
        place = box.findText(text)
        assert place >= 0, f"{text!r} is not in {[box.itemText(i) for i in range(box.count())]}"
        self.press("Home")
        for _ in range(place):
            self.press("Down")

    def copy_text(self, text):
        """Put a text on the clipboard, as another program would."""
        QGuiApplication.clipboard().setText(text)

    # Eyes

    def clipboard(self):
        """The text on the clipboard."""
        return QGuiApplication.clipboard().text()

    def cell(self, view, row, column=0, role=Qt.ItemDataRole.DisplayRole):
        """What a cell shows; columns may be called by their head."""
        return view.model().index(row, self.column(view, column)).data(role)

    def column(self, view, head):
        """The number of a column."""
        return head if isinstance(head, int) else self.heads(view).index(head)

    def heads(self, view):
        """The heads of all columns."""
        model = view.model()
        return [model.headerData(c, Qt.Orientation.Horizontal) for c in range(model.columnCount())]

    def rows(self, view, column=0):
        """A whole column of a table."""
        return [self.cell(view, row, column) for row in range(view.model().rowCount())]

    def editing(self, view):
        """Whether a cell is being edited."""
        return view.state() == QAbstractItemView.State.EditingState

    def editor(self):
        """The editor that has the focus."""
        return QApplication.focusWidget()


@pytest.fixture
def person(qtbot):
    return Person(qtbot)


@pytest.fixture
def dialog(qtbot, qapp):
    """``with dialog(act, …):`` calls each ``act(dialog)`` for the dialogs that open meanwhile."""

    @contextmanager
    def answered(*acts):
        seen, errors = [], []
        timer = QTimer()
        timer.setInterval(5)

        def look():
            front = QApplication.activeModalWidget()
            if front is None or not front.isVisible() or front in seen or len(seen) == len(acts):
                return
            seen.append(front)
            try:
                acts[len(seen) - 1](front)
            except BaseException as error:
                errors.append(error)
            if shiboken6.isValid(front) and front.isVisible() and errors:
                front.close()

        timer.timeout.connect(look)
        timer.start()
        try:
            yield seen
            qtbot.waitUntil(lambda: len(seen) == len(acts), timeout=3000)
        finally:
            timer.stop()
            timer.deleteLater()
        if errors:
            raise errors[0]

    return answered


def press_button(box, text):
    """Press the button of that text in a dialog."""
    from PySide6.QtWidgets import QAbstractButton

    for button in box.findChildren(QAbstractButton):
        if button.text().replace("&", "") == text:
            button.click()
            return
    texts = [b.text() for b in box.findChildren(QAbstractButton)]
    raise AssertionError(f"no button {text!r} in {texts}")


@pytest.fixture
def button():
    """``button("Discard")``: an answer to a dialog."""

    def named(text):
        def act(box):
            press_button(box, text)

        return act

    return named


@pytest.fixture
def undo_texts(window):
    """What the undo and redo entries of the Edit menu say."""

    def texts():
        return window.menus.undo.text(), window.menus.redo.text()

    return texts


def labels(widget: QWidget) -> list[str]:
    """Every text that labels in a widget show now."""
    return [x.text() for x in widget.findChildren(QLabel) if x.isVisible()]


@pytest.fixture(autouse=True)
def every_mouse_move_counts():
    """A test moves the mouse faster than pyqtgraph looks."""
    before = pg.getConfigOption("mouseRateLimit")
    pg.setConfigOption("mouseRateLimit", -1)
    yield
    pg.setConfigOption("mouseRateLimit", before)


@pytest.fixture
def bench(qtbot):
    from tests.gui.plot_bench import Bench

    opened = []

    def make(key, array, *schemes, **options):
        bench = Bench(qtbot, key, array, schemes, **options)
        opened.append(bench)
        return bench

    yield make
    for bench in opened:
        bench.background.shutdown()


@pytest.fixture
def open_lean_window(new_window, qtbot):
    """As ``open_window``, but without Calibration, whose search would take most of the time."""

    def make(array, *schemes, calibration=False):
        window = new_window()
        if not calibration:
            window.stage.set_views(["signal", "error", "distribution", "codes"])
        values = np.asarray(array)
        if values.dtype != np.float32:
            values = values.astype(np.float32)
        parsed = [Scheme.parse(text) for text in schemes if text]
        window.session.start(values, "array", None, parsed)
        qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=30_000)
        QApplication.processEvents()
        return window

    return make


@pytest.fixture
def picture(qapp, qtbot):
    """A way to the data of plots for an array, which figures are drawn from."""
    background = Background()
    session = Session(background)

    def make(values, schemes=THREE):
        session.start(np.asarray(values), "array", None, [Scheme.parse(str(s)) for s in schemes])
        session.view.watch_pair("test", True)
        pair = tuple(entry.uid for entry in session.entries[:2])
        session.view.compare_pair(pair if len(pair) == 2 else None)
        qtbot.waitUntil(lambda: not session.evaluator.stale, timeout=30_000)
        return plot_data(session, 6)

    yield make
    background.shutdown()
