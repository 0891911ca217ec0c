"""Names that look like HTML, keys or marks of direction are shown as the letters that they are."""

import os
import re
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6 import QtGui
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QHelpEvent, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QDockWidget,
    QGraphicsTextItem,
    QGraphicsView,
    QGroupBox,
    QLabel,
    QLineEdit,
    QMessageBox,
    QProgressDialog,
    QTabBar,
    QTextEdit,
    QToolButton,
    QToolTip,
    QWidget,
)

from quantoscope.engine.io import qscope
from quantoscope.engine.io.saved import SavedScheme, SavedSession, SavedSource, SavedTensor
from quantoscope.gui.common.error_reports import ErrorReporter
from quantoscope.gui.common.plain_text import (
    NAME_LENGTH,
    Page,
    plain,
    plain_action,
    plain_tip,
    plain_title,
)
from quantoscope.gui.document import commands
from quantoscope.gui.workers.modal_wait import wait_for
from tests.gui.test_files import settle

might_be_rich = QtGui.Qt.mightBeRichText
IMAGE = "<img src='beside.png'>"
NAME = f"{IMAGE} & <b>x [*] \N{RIGHT-TO-LEFT OVERRIDE}gnp.\x1b[31m\N{ZERO WIDTH SPACE}"
SHOWN = f"{IMAGE} & <b>x [*] �gnp.�[31m�"


# What a text becomes


def test_a_name_has_no_control_characters_and_no_marks_of_direction():
    assert plain(NAME) == SHOWN
    assert plain("a\nb\tc\u2028d") == "a�b�c�d"
    assert plain("Größe 重み 👍") == "Größe 重み 👍"


def test_a_long_name_keeps_both_ends():
    name = "layers.0." + "x" * 50_000 + ".weight"
    assert len(plain(name)) == NAME_LENGTH
    assert plain(name).startswith("layers.0.x")
    assert plain(name).endswith("x.weight")


@pytest.mark.parametrize("text", [NAME, "<b>", "a &lt; b", "<?xml version='1.0'?>", "1 < 2\n3 > 2"])
def test_a_tip_shows_the_letters_of_a_text(text):
    tip = QTextDocument()
    (tip.setHtml if might_be_rich(plain_tip(text)) else tip.setPlainText)(plain_tip(text))
    assert tip.toPlainText() == (SHOWN if text == NAME else text)


def test_tips_are_not_longer_than_anybody_reads():
    assert len(plain_tip("x" * 1_000_000)) == 4000


def test_menus_and_titles_show_the_letters_of_a_text():
    assert plain_action("a & b && c") == "a && b &&&& c"
    assert plain_title("a[*]b") == "a[*][*]b"


# All texts of the window


def shown_as_html(text):
    """Whether a place that guesses takes a text for HTML that has the name's picture in it."""
    return might_be_rich(text) and IMAGE.lower() in text.lower().replace('"', "'")


def odd_letters(text):
    # Joiners tie bars and slashes to what follows; those of a name would be found here.
    text = re.sub("(?<=[|/])\N{WORD JOINER}", "", text)
    return [c for c in text if not (c.isprintable() or c.isspace())]


def texts_of(widget):
    """Everything that a widget says, with how it is taken: as letters, or guessed."""
    yield "tool tip", widget.toolTip(), True
    yield "what's this", widget.whatsThis(), True
    yield "status tip", widget.statusTip(), False
    yield "title", widget.windowTitle(), False
    yield "accessible", widget.accessibleName() + widget.accessibleDescription(), False
    if isinstance(widget, QLabel):
        yield "label", widget.text(), widget.textFormat() != Qt.TextFormat.PlainText
    elif isinstance(widget, QTextEdit):
        yield "page", widget.toHtml(), True
    elif isinstance(widget, QGroupBox):
        yield "group", widget.title(), False
    elif isinstance(widget, QAbstractButton | QLineEdit):
        yield "text", widget.text(), False
    if isinstance(widget, QComboBox):
        for place in range(widget.count()):
            yield "item", widget.itemText(place), False
            yield "item's tip", str(widget.itemData(place, Qt.ItemDataRole.ToolTipRole) or ""), True
    if isinstance(widget, QTabBar):
        for place in range(widget.count()):
            yield "tab", widget.tabText(place), False
            yield "tab's tip", widget.tabToolTip(place), True
    if isinstance(widget, QMessageBox):
        guessed = widget.textFormat() != Qt.TextFormat.PlainText
        yield "message", widget.text(), guessed
        yield "information", widget.informativeText(), guessed
    if isinstance(widget, QGraphicsView) and widget.scene() is not None:
        for item in widget.scene().items():
            if isinstance(item, QGraphicsTextItem):
                yield "in a plot", item.toHtml(), True
            yield "tip in a plot", item.toolTip(), True
    if isinstance(widget, QAbstractItemView) and widget.model() is not None:
        yield from texts_in(widget.model())


ROLES = {
    "cell": (Qt.ItemDataRole.DisplayRole, False),
    "cell's tip": (Qt.ItemDataRole.ToolTipRole, True),
    "cell's status tip": (Qt.ItemDataRole.StatusTipRole, False),
    "cell's what's this": (Qt.ItemDataRole.WhatsThisRole, True),
    "cell's accessible text": (Qt.ItemDataRole.AccessibleTextRole, False),
}


def texts_in(model: QAbstractItemModel, parent=None):
    """Everything that a model says."""
    above = [QModelIndex() if parent is None else parent]
    rows, columns = min(model.rowCount(*above), 50), 1
    if not isinstance(model, QAbstractListModel):  # whose method is private
        columns = min(model.columnCount(*above), 50)
    for what, (role, guessed) in ROLES.items():
        for column in range(columns) if parent is None else ():
            said = model.headerData(column, Qt.Orientation.Horizontal, role)
            yield f"head, {what}", str(said or ""), guessed
        for row in range(rows):
            for column in range(columns):
                said = model.index(row, column, *above).data(role)
                yield what, str("" if said is None else said), guessed
    for row in range(rows):
        index = model.index(row, 0, *above)
        if model.rowCount(index):
            yield from texts_in(model, index)


def walk(top: QWidget):
    """Check everything below a widget; return the places that held the name."""
    held = set()
    for widget in [top, *top.findChildren(QWidget)]:
        for what, text, guessed in texts_of(widget):
            where = f"{type(widget).__name__} {widget.objectName()}: {what}: {text[:200]!r}"
            assert not (guessed and shown_as_html(text)), where
            assert not odd_letters(text), where
            if "beside.png" in text:
                held.add(what)
    for action in top.findChildren(QAction):
        for text in (action.toolTip(), action.whatsThis()):
            assert not shown_as_html(text), text
        letters = action.text().replace("&&", "")
        assert "& " not in letters, f"a key of its own: {action.text()!r}"
        for text in (action.text(), action.statusTip(), action.toolTip(), action.iconText()):
            assert not odd_letters(text)
            if "beside.png" in text:
                held.add("action")
    return held


@pytest.fixture
def hostile(tmp_path):
    """A session of which every text is the name, with a file of that name."""
    folder = tmp_path / "<b>folder"
    folder.mkdir()
    path = folder / f"{NAME}.npz"
    np.savez(path, **{NAME: np.arange(4, dtype=np.float32), "other": np.zeros(3)})
    session = SavedSession(
        (SavedSource(str(path)), SavedSource(f"/gone/{NAME}")),
        (
            SavedTensor(NAME, 0, NAME, array=np.arange(4, dtype=np.float32), edited=True,
                        codes=np.zeros(4, np.int8), codes_name=NAME),
            SavedTensor(NAME, 1, NAME, array=np.ones(3, np.float32)),
            SavedTensor(NAME, array=np.ones((2, 3), np.float32)),
        ),
        (
            SavedScheme("int8 symmetric", NAME),
            SavedScheme("uint8 asymmetric per-channel(7)", NAME),
            SavedScheme("int4 asymmetric", NAME, enabled=False),
            SavedScheme(NAME, NAME),
        ),
        0,
        0,
        NAME,
    )  # fmt: skip
    file = folder / "work.qscope"
    qscope.write(file, session)
    return file, path


@pytest.fixture
def loaded(window, hostile, qtbot, dialog, button):
    def look_and_read(box):
        held = walk(box)
        assert "information" in held
        button("Read them")(box)

    file, _ = hostile
    with dialog(look_and_read):
        window.open_paths([file])
        settle(window, qtbot)
    settle(window, qtbot)
    entries = window.session.entries
    window.session.view.compare_pair((entries[0].uid, entries[2].uid))
    for dock in window.findChildren(QDockWidget):
        dock.raise_()
        QApplication.processEvents()
    settle(window, qtbot)
    return window


def test_every_text_of_a_window_shows_names_as_letters(loaded, hostile, qtbot):
    file, path = hostile
    assert loaded.message.text, "what cannot be read is told of"
    held = walk(loaded)
    commands.update_entry(loaded.session, loaded.session.active_uid,
                          lambda e: e, "nothing")  # fmt: skip
    commands.remove_entry(loaded.session, loaded.session.entries[0].uid)
    held |= walk(loaded)
    assert "beside.png" in loaded.menus.undo.text()
    loaded.session.undo_stack.undo()
    assert "beside.png" in loaded.menus.redo.text()
    loaded.settings.add_recent(str(path))
    loaded.menus.recent.aboutToShow.emit()
    loaded.statusBar().showMessage(plain(NAME))
    loaded.files.listed.emit(loaded.session.sources[0])
    loaded.offer.ask(NAME, [])
    loaded.recovery.left.emit(NAME, 0.0)
    held |= walk(loaded)
    loaded.tensors.tree.expandAll()
    loaded.session.show(loaded.session.sources[0].tensors[0])
    loaded.compare.insight_changed.emit(NAME)
    held |= walk(loaded)
    assert {"tool tip", "cell", "cell's tip", "label", "title", "item", "action"} <= held


def checked(act):
    """An answer to a dialog that looks at all that it says first."""

    def look(box):
        assert walk(box), "the name stands in it"
        act(box)

    return look


def test_questions_show_names_as_letters(loaded, dialog, button, qtbot, monkeypatch):
    session = loaded.session
    session.file = None
    commands.edit_value(session, 0, 5.0)
    with dialog(checked(button("Cancel"))):
        assert not loaded.whole.may_replace()
    tensor = session.sources[0].tensors[-1]
    monkeypatch.setattr(tensor, "external", NAME)
    tensor.loaded = False
    with dialog(checked(button("Cancel"))):
        loaded.files.show_tensor(tensor)
    tensor.loaded = True


def test_the_dialog_of_long_work_shows_names_as_letters(window, dialog, monkeypatch):
    monkeypatch.setattr("quantoscope.gui.workers.modal_wait.SHOWN_AFTER", 1)
    go_on = threading.Event()

    def look(box):
        assert isinstance(box, QProgressDialog)
        assert "label" in walk(box)
        go_on.set()

    with dialog(look):
        wait_for(window.background, "x", lambda part: go_on.wait(10), SHOWN, window)


def test_an_unexpected_error_shows_names_as_letters(qtbot, qapp, window):
    reporter = ErrorReporter()
    reporter._show(f"ValueError: {plain(NAME)}", "details")
    box = reporter._box
    assert "information" in walk(box)
    box.close()
    qtbot.waitUntil(lambda: reporter._box is None)


def test_what_is_copied_from_results_begins_no_formula(window, person):
    uid = window.session.entries[0].uid
    commands.update_entry(window.session, uid, lambda e: replace(e, label="=1+1"), "Rename")
    window.results.copy()
    rows = [line.split("\t") for line in person.clipboard().splitlines()]
    assert rows[1][0] == "'=1+1"
    assert all(float(cell) or True for cell in rows[1][1:])


def test_no_message_is_longer_than_anybody_reads(window):
    window.message.problem("x" * 3_000_000)
    assert len(window.message.text) == 4000


# Nothing is opened


WATCH = """
import os, sys, time
print("watching", flush=True)
while os.path.exists(sys.argv[1]):
    try:
        os.close(os.open(sys.argv[1], os.O_WRONLY | os.O_NONBLOCK))
        print("opened", flush=True)
    except OSError:
        time.sleep(0.005)
"""


class Fifo:
    """A pipe, and a process that lets go on whoever has opened it to read, and tells of it.

    A thread could not: Qt opens files without letting go of Python.
    """

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        command = [sys.executable, "-c", WATCH, str(path)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout.readline() == "watching\n"

    def end(self):
        """Stop, and tell whether the pipe was opened."""
        self.path.unlink(missing_ok=True)
        return "opened" in self._process.communicate(timeout=20)[0]


@pytest.fixture
def fifo(tmp_path):
    made = Fifo(tmp_path / "fifo")
    yield made
    if made.path.exists():
        made.end()


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_page_loads_no_picture_whatever_its_text_names(qapp, qtbot, fifo, kind):
    page = Page()
    qtbot.addWidget(page)
    if kind == "html":
        page.setHtml(f"<img src='{fifo.path}'>")
    else:
        page.setMarkdown(f"![picture]({fifo.path})")
    page.show()
    page.grab()
    qapp.processEvents()
    assert not fifo.end()


def test_the_pipe_tells_of_a_page_that_loads_a_picture(qapp, fifo):
    page = QTextDocument()
    page.setHtml(f"<img src='{fifo.path}'>")
    page.size()
    assert fifo.end()


def hover(view, at):
    """Rest with the pointer on a place of a view."""
    where = view.mapToGlobal(at)
    QApplication.sendEvent(view, QHelpEvent(QEvent.Type.ToolTip, at, where))


def test_no_tip_opens_a_file(window, fifo, tmp_path, qtbot):
    name = f"<img src='{fifo.path}'>"
    tensors = (
        SavedTensor(name, array=np.ones(3, np.float32), codes=np.ones(3, np.int8), codes_name=name),
    )
    schemes = (SavedScheme("int8 symmetric", name), SavedScheme("int4 symmetric per-channel(9)"))
    path = tmp_path / "work.qscope"
    qscope.write(path, SavedSession(tensors=tensors, schemes=schemes, current=0, active=0))
    window.open_paths([path])
    settle(window, qtbot)
    views = [window.tensors.tree, window.values.table, window.results.table, window.schemes.list,
             window.compare.causes]  # fmt: skip
    for key in ("values", "tensors", "results", "schemes", "compare"):
        window.places[key].reveal()
        QApplication.processEvents()
    for view in views:
        for row in range(min(2, view.model().rowCount(QModelIndex()))):
            hover(view.viewport(), view.visualRect(view.model().index(row, 0)).center())
        header = getattr(view, "horizontalHeader", lambda: None)()
        for column in range(header.count() if header is not None else 0):
            hover(header.viewport(), QPoint(header.sectionViewportPosition(column) + 4, 5))
    for widget in window.findChildren(QWidget):
        hover(widget, widget.rect().center())
    commands.remove_entry(window.session, window.session.entries[0].uid)
    QApplication.processEvents()
    for widget in window.findChildren(QToolButton):
        hover(widget, widget.rect().center())
        assert "<img" not in widget.toolTip()
    assert "<img" not in QToolTip.text()
    QToolTip.hideText()
    assert not fifo.end()
