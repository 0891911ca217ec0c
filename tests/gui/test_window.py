"""The window: its parts, menus, examples, looks, names, and what is remembered."""

import re
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAction, QGuiApplication, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QTabBar,
    QWidget,
)

from quantoscope import engine
from quantoscope.engine import Scheme
from quantoscope.engine.examples import EXAMPLES
from quantoscope.engine.numerics import loops
from quantoscope.gui.common import error_reports
from quantoscope.gui.document import commands


def settle(window, qtbot):
    """Wait until a file is open or said not to be, and everything is computed."""
    qtbot.waitUntil(
        lambda: (
            not any(map(window.background.running, ("file", "tensor")))
            and not window.session.evaluator.stale
        ),
        timeout=30_000,
    )
    QApplication.processEvents()


# First start


def test_the_first_start_shows_the_three_numbers_and_says_what_to_try(new_window, qapp):
    window = new_window(views=None)
    window.files.start_first()
    qapp.processEvents()
    assert window.windowTitle().startswith("Three numbers")
    assert window.values.note.isVisible()
    assert "Type over a number" in window.values.note.text()
    assert window.session.view.chosen == 1
    assert "clipped" in window.frame.bottom.line.text()
    assert window.session.array.tolist() == pytest.approx([0.21535037, 1.2962357, -1.0161772])
    assert window.plots.in_front()
    assert all(window.plots[key].plot.insight for key in window.plots.in_front())


@pytest.mark.parametrize("size", [(1440, 900), (1000, 700), (667, 467)])
def test_at_the_first_start_nothing_lies_over_anything_and_what_to_try_goes_when_it_is_done(
    new_window, qapp, person, size
):
    window = new_window(size, views=None)
    window.files.start_first()
    qapp.processEvents()
    assert not window.overlay.isVisible()
    note, table = window.values.note, window.values.table
    last = table.visualRect(table.model().index(3, 0))
    assert table.viewport().rect().contains(last), "all rows are seen above it"
    assert note.height() >= note.heightForWidth(note.width())
    person.edit_cell(table, 0, "0.5")
    assert note.isHidden()
    window.session.undo_stack.undo()
    window.session.start(np.ones(3, np.float32), "other")
    assert note.isHidden()


def plot_share(window):
    """The part of the window's pixels that plots have."""
    sizes = [window.plots[key].widget.size() for key in window.plots.in_front()]
    pixels = sum(size.width() * size.height() for size in sizes)
    return pixels / (window.width() * window.height())


@pytest.mark.parametrize(("size", "least"), [((1440, 900), 0.4), ((1920, 1080), 0.5)])
def test_plots_have_the_larger_part_of_the_window_at_the_first_start(new_window, qapp, size, least):
    window = new_window(size, views=None)
    window.files.start_first()
    qapp.processEvents()
    assert plot_share(window) >= least


def test_a_window_has_room_for_everything_at_1000_by_700(new_window, qapp):
    window = new_window((1000, 700))
    window.files.start_first()
    qapp.processEvents()
    assert (window.width(), window.height()) == (1000, 700)
    for place in window.places.values():
        if place.key == "image-beside":  # shown only where there is room for two images
            continue
        place.reveal()
        qapp.processEvents()
        inside = QRect(place.mapTo(window, QPoint(0, 0)), place.size())
        assert window.rect().contains(inside), place.key
        assert place.isVisible(), place.key
        assert not place.pane.size().isEmpty(), place.key


def test_a_value_and_its_error_are_seen_side_by_side_in_a_long_array(open_window):
    window = open_window(np.linspace(-1, 1, 1_000_000), size=(1440, 900))
    table = window.values.table
    heads = [
        table.model().headerData(column, Qt.Orientation.Horizontal)
        for column in range(table.model().columnCount())
        if not table.isColumnHidden(column)
    ]
    assert heads == ["R", "Q", "error"]
    assert not table.horizontalScrollBar().isVisible()
    window.frame.across.setSizes([800, 300, 256])
    QApplication.processEvents()
    assert not any(map(table.isColumnHidden, range(table.model().columnCount())))


def test_three_plots_and_both_messages_fit_a_window_of_700(new_window, qapp):
    window = new_window((1440, 900))
    window.offer.notice("What was not saved is there.")
    window.message.notice("Something was done.")
    window.resize(1000, 700)
    qapp.processEvents()
    assert (window.width(), window.height()) == (1000, 700)


@pytest.mark.parametrize("size", [(627, 407), (640, 440), (760, 560)])
def test_the_window_is_no_larger_than_a_low_screen(new_window, qapp, size):
    """As on 1000 × 700 pixels at scale 1.5."""
    window = new_window(size)
    values = np.linspace(-1, 1, 60_000).reshape(300, 200).astype(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    window.session.start(values, "array", None, [Scheme.parse("int8 symmetric")])
    window.message.notice("Something was done.")
    for place in window.places.values():
        place.reveal()
        qapp.processEvents()
        assert place.isVisible(), place.key
        assert not place.pane.size().isEmpty(), place.key
    assert (window.width(), window.height()) == size


def test_what_the_status_bar_cuts_is_told_in_its_tip(open_window, qapp):
    window = open_window(np.array([[np.nan, np.inf, 1.0]]), "int8 symmetric")
    summary = window.statusBar().summary
    window.grab()
    assert not summary.toolTip()
    summary.setMaximumWidth(60)
    qapp.processEvents()
    window.grab()
    assert summary.toolTip() == summary.text()


# Messages, and windows of panes


@pytest.mark.parametrize("size", [(1000, 700), (1440, 900)])
def test_a_notice_does_not_move_the_values_under_the_pointer(new_window, qapp, size):
    window = new_window(size)
    window.files.start_first()
    places = []
    for show in (window.message.clear, lambda: window.message.notice("Something happened.")):
        show()
        qapp.processEvents()
        tops = {key: window.places[key].y() for key in ("values", "signal", "schemes")}
        places.append((tops, window.values.table.mapTo(window, QPoint())))
    assert window.message.isVisible()
    assert places[0] == places[1]


@pytest.mark.parametrize("words", [1, 12, 60])
def test_the_first_message_of_a_window_is_seen_whole(new_window, qapp, words):
    window = new_window()
    window.message.notice("word " * words)
    qapp.processEvents()
    label = window.message.findChild(QLabel, "messageText")
    assert window.message.rect().contains(label.geometry())
    assert label.height() >= label.heightForWidth(label.width())


def test_names_that_look_like_html_are_shown_as_they_are(window):
    uid = window.session.active_uid
    odd = "<img src='x.png'><b>bold</b>" * 9
    commands.update_entry(window.session, uid, lambda e: replace(e, label=odd), "Rename")
    insight = window.places["signal"].sentence
    assert insight.text().startswith(odd)
    assert "<img" not in insight.toolTip()
    assert odd in unescape(insight.toolTip())
    told = ("fieldProblem", "schemeWarning", "cellMessage")
    labels = [label for label in window.findChildren(QLabel) if label.objectName() in told]
    assert {label.objectName() for label in labels} == set(told)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)


@pytest.mark.parametrize("key", ["signal", "values", "results"])
def test_every_pane_can_have_a_window_of_its_own(window, qapp, key):
    place = window.places[key]
    place.reveal()
    home = place.host
    button = place.window_button if key == "signal" else home.window_button
    button.click()
    qapp.processEvents()
    assert place.window() is not window
    assert place.isVisible()
    assert place.name in place.window().windowTitle()
    window.session.view.choose(2)
    place.reveal()
    place.window().close()
    qapp.processEvents()
    assert place.window() is window
    assert place.in_front


def test_windows_of_panes_close_with_the_window(window, qapp):
    window.places["signal"].detach()
    own = window.places["signal"].window()
    assert window.close()
    assert not own.isVisible()


# What is remembered


def test_a_second_window_has_the_geometry_layout_and_choices_of_the_first(new_window, qapp):
    first = new_window((740, 700))
    first.files.start_first()
    first.stage.set_views(["signal", "transfer"])
    first.settings.digits = 9
    first.settings.theme = "dark"
    qapp.processEvents()
    size = first.size()
    assert first.close()
    second = new_window(None)
    assert second.size() == size
    assert second.stage.views == ("signal", "transfer")
    assert second.settings.digits == 9
    assert second.theme.dark
    checked = [a.text() for a in second.findChildren(QAction) if a.isChecked() and a.data() == 9]
    assert checked == ["9 significant digits"]


def test_a_window_that_was_off_the_screen_comes_back_onto_it(new_window, qapp):
    first = new_window((900, 700))
    first.move(9000, 7000)
    qapp.processEvents()
    assert first.close()
    second = new_window(None)
    assert QGuiApplication.primaryScreen().availableGeometry().intersects(second.geometry())


def test_settings_that_cannot_be_read_are_their_defaults(new_window):
    window = new_window(shown=False)
    window.settings.remember("view/digits", "many")
    window.settings.remember("view/theme", "purple")
    window.settings.remember("window/geometry", "nonsense")
    window.settings.sync()
    other = new_window(None)
    assert other.settings.digits == 6
    assert other.settings.theme == "system"


def test_the_digits_menu_changes_every_number_at_once(window, person):
    action = next(a for a in window.findChildren(QAction) if a.text() == "9 significant digits")
    action.trigger()
    assert person.cell(window.values.table, 1) == "1.29623568"
    assert person.cell(window.results.table, 0, "S") == "0.00906828525"
    assert "1.29623568" in window.statusBar().summary.text()


# Examples


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.key)
def test_the_gallery_opens_every_example_with_its_schemes(window, example, qtbot, dialog, person):
    def choose(_):
        person.press(*["Right"] * EXAMPLES.index(example), "Return")

    with dialog(choose):
        window.actions_["examples"].trigger()
    settle(window, qtbot)
    assert window.session.array.tobytes() == example.make().tobytes()
    assert tuple(str(e.scheme) for e in window.session.entries) == example.schemes
    assert window.windowTitle().startswith(example.name)
    assert window.message.text == example.point
    assert not window.isWindowModified()
    assert window.results.table.model().rowCount() == len(example.schemes)


# About, theme, names


def test_the_about_box_lists_the_versions(window, dialog):
    seen = []

    def look(box):
        seen.append(box.informativeText())
        box.reject()

    with dialog(look):
        window.actions_["about"].trigger()
    for part in (
        f"Quantoscope {engine.__version__}",
        "Python 3",
        "pyqtgraph 0.",
        f"numpy {np.__version__}",
    ):
        assert part in seen[0]


@pytest.mark.parametrize("means", loops.Means)
def test_the_versions_say_what_evaluates(means, qapp, monkeypatch):
    monkeypatch.setattr(loops, "means", lambda: means)
    assert f"\nEvaluation: {means.value}" in error_reports.versions()


def test_light_and_dark_repaint_everything(window, qapp):
    def brightness(widget):
        return widget.grab().toImage().pixelColor(3, widget.height() - 3).lightnessF()

    widgets = [window, window.values.table.viewport(), window.plots["signal"], window.schemes.list]
    for name, bright in (("light", True), ("dark", False), ("light", True)):
        window.settings.theme = name
        qapp.processEvents()
        for widget in widgets:
            assert (brightness(widget) > 0.5) == bright, (name, widget)


def test_the_theme_menu_changes_the_theme(window):
    action = next(a for a in window.findChildren(QAction) if a.data() == "dark")
    action.trigger()
    assert window.theme.dark
    assert window.settings.theme == "dark"


def test_every_action_has_a_text_and_a_shortcut_of_its_own(window):
    shortcuts = {}
    for action in window.findChildren(QAction):
        if action.isSeparator() or action.menu() is not None:
            continue
        if type(action.parent()).__module__.startswith("pyqtgraph"):
            continue
        if not action.shortcuts():
            continue
        assert action.text().replace("&", "").strip(), action
        for keys in action.shortcuts():
            shortcuts.setdefault(keys.toString(), []).append(action.text())
    doubled = {keys: texts for keys, texts in shortcuts.items() if len(texts) > 1}
    assert not doubled
    assert len(shortcuts) > 20


def test_no_two_entries_of_a_menu_share_their_letter(window):
    # Before PySide6 6.11.3, QAction.menu() deletes the menu that it returns.
    menus = window.menus.bar.findChildren(QMenu)
    assert len(menus) >= len(window.menus.bar.actions())
    for menu in (window.menus.bar, *menus):
        letters = [
            match[1].lower()
            for action in menu.actions()
            if not action.isSeparator()
            if (match := re.search(r"&(\w)", action.text()))
        ]
        doubled = {letter for letter in letters if letters.count(letter) > 1}
        title = menu.title() if hasattr(menu, "title") else "the menu bar"
        assert not doubled, (title, doubled, [a.text() for a in menu.actions()])


def test_everything_a_person_can_use_has_a_name(window, qapp):
    nameless = []
    for dock in window.places.values():
        dock.raise_()
    buddies = {label.buddy() for label in window.findChildren(QLabel) if label.buddy()}
    buddies |= {b.focusProxy() for b in buddies if b and b.focusProxy()}
    kinds = (QAbstractButton, QAbstractItemView, QAbstractSpinBox, QComboBox, QLineEdit)
    for widget in window.findChildren(QWidget):
        if not isinstance(widget, kinds) or not widget.isVisible():
            continue
        if (
            isinstance(widget.parentWidget(), QAbstractSpinBox | QComboBox | QTabBar | QLineEdit)
            or widget.objectName().startswith("qt_")
            or widget.metaObject().className() == "QTableCornerButton"
            or isinstance(widget, QHeaderView)
        ):
            continue
        text = widget.text() if isinstance(widget, QAbstractButton) else ""
        named = widget.accessibleName() or widget in buddies or text or widget.toolTip()
        if not named and not widget.metaObject().className().startswith("QToolBarExt"):
            nameless.append((widget, widget.parent()))
    assert not nameless


def test_the_focus_reaches_every_pane_by_tab(window, qapp, person):
    panes = {key: place.pane for key, place in window.places.items() if place.in_front}
    window.values.table.setFocus()
    reached = set()
    for _ in range(200):
        person.press("Tab")
        focus = QApplication.focusWidget()
        reached |= {k for k, pane in panes.items() if pane is focus or pane.isAncestorOf(focus)}
    assert reached == set(panes)


@pytest.fixture
def behind(window, qapp):
    """The schemes behind the tab of the values."""
    window.resize(700, 700)
    qapp.processEvents()
    values, schemes = window.places["values"], window.places["schemes"]
    values.reveal()
    window.values.table.setFocus()
    qapp.processEvents()
    assert schemes.visibleRegion().isEmpty()
    return schemes


def test_the_focus_is_never_behind_the_tab_that_was_chosen(window, behind, qapp, person):
    bar = window.frame.rail.bar
    texts = [bar.tabText(i) for i in range(bar.count())]
    person.click(bar, bar.tabRect(texts.index("Schemes")).center())
    qapp.processEvents()
    assert behind.isAncestorOf(QApplication.focusWidget())
    person.click(bar, bar.tabRect(texts.index("Values")).center())
    qapp.processEvents()
    person.press("F2")
    person.type("7.25")
    person.press("Return")
    assert window.session.array[0] == 7.25


def test_no_letter_of_a_menu_is_taken_by_a_pane(window):
    def letters(texts):
        return [key for text in texts if (key := QKeySequence.mnemonic(text).toString())]

    places = window.places.values()
    labels = [w.text() for place in places for w in place.findChildren(QLabel) if w.buddy()]
    buttons = [w.text() for place in places for w in place.findChildren(QAbstractButton)]
    taken = letters(labels + buttons)
    assert taken
    menus = letters(action.text() for action in window.menus.bar.actions())
    # The bar that offers to restore what was lost stands above all panes.
    asked = letters(window.actions_[name].text() for name in ("restore", "discard"))
    every = menus + asked + taken
    assert len(asked) == 2
    assert sorted(every) == sorted(set(every))
