"""The window: docks, menus, examples, looks, names, and what is remembered."""

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
from quantoscope.engine.io import qscope
from quantoscope.gui.document import commands


def menu_action(menu, text):
    """An entry of a menu, by its text without mnemonic."""
    menu.aboutToShow.emit()
    for action in menu.actions():
        if action.text().replace("&", "").endswith(text):
            return action
    raise AssertionError(f"no {text!r} in {[a.text() for a in menu.actions()]}")


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


def test_the_first_start_shows_the_three_numbers_and_says_what_to_try(window):
    assert window.windowTitle().startswith("Three numbers")
    assert window.message.isVisible()
    assert "Type over a number" in window.message.text
    assert window.session.array.tolist() == pytest.approx([0.21535037, 1.2962357, -1.0161772])
    seen = [key for key in window.plots if not window.docks[key].visibleRegion().isEmpty()]
    assert len(seen) >= 3
    assert all(window.plots[key].plot.insight for key in seen)


def test_a_window_has_room_for_everything_at_1000_by_700(new_window, qapp):
    window = new_window((1000, 700))
    window.files.start_first()
    qapp.processEvents()
    assert (window.width(), window.height()) == (1000, 700)
    for dock in window.docks.values():
        dock.raise_()
        qapp.processEvents()
        assert dock.isVisible()
        inside = QRect(dock.mapTo(window, QPoint(0, 0)), dock.size())
        assert window.rect().contains(inside), dock.key
        assert not dock.visibleRegion().isEmpty(), dock.key


def test_a_value_and_its_error_are_seen_side_by_side_in_a_long_array(open_window):
    window = open_window(np.linspace(-1, 1, 1_000_000), size=(1440, 900))
    table = window.values.table
    assert table.model().columnCount() == 6
    assert not table.horizontalScrollBar().isVisible()


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
    for dock in window.docks.values():
        dock.raise_()
        qapp.processEvents()
        assert not dock.visibleRegion().isEmpty()
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


# Docks


def test_a_figure_of_the_visible_plots_leaves_out_those_behind_other_tabs(window, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "quantoscope.gui.export.dialog.copy_figure", lambda *given: asked.append(given[-1])
    )
    window.actions_["copy_figure"].trigger()
    window.docks["codes"].raise_()
    window.docks["error"].close()
    QApplication.processEvents()
    window.actions_["copy_figure"].trigger()
    assert asked == [["signal", "error", "distribution"], ["signal", "codes"]]


def tabs(window):
    """The tabs of docks that are to be seen, bar by bar."""
    QApplication.processEvents()
    direct = Qt.FindChildOption.FindDirectChildrenOnly
    bars = [bar for bar in window.findChildren(QTabBar, options=direct) if bar.isVisible()]
    return sorted([bar.tabText(i) for i in range(bar.count())] for bar in bars)


def test_no_bar_of_tabs_stays_of_an_arrangement_that_is_gone(new_window, qtbot, tmp_path):
    first = new_window()
    first.resize(1500, 900)
    first.reset_layout()
    qtbot.waitUntil(lambda: all(len(bar) > 1 for bar in tabs(first)))
    wide = tabs(first)
    assert ["Results", "Compare"] in wide
    first.whole.write(tmp_path / "wide.qscope")
    first.close()
    second = new_window()
    assert tabs(second) == wide, "as it was left"
    second.resize(1000, 700)
    second.reset_layout()
    assert ["Steps", "Results", "Compare"] in tabs(second)
    saved = qscope.read(tmp_path / "wide.qscope")
    qscope.write(tmp_path / "bad.qscope", replace(saved, view={"docks": "bm9uc2Vuc2U="}))
    second.open_paths([tmp_path / "wide.qscope"])
    qtbot.waitUntil(lambda: second.session.file == tmp_path / "wide.qscope")
    assert tabs(second) == wide, "as the session was left"
    second.open_paths([tmp_path / "bad.qscope"])
    qtbot.waitUntil(lambda: second.session.file == tmp_path / "bad.qscope")
    assert ["Steps", "Results", "Compare"] in tabs(second), "what makes no sense is left out"


def test_the_view_menu_shows_and_hides_every_dock(window, qapp):
    for dock in window.docks.values():
        action = dock.toggleViewAction()
        action.trigger()
        assert dock.isHidden()
        action.trigger()
        assert not dock.isHidden()
        dock.raise_()
        qapp.processEvents()
        assert dock.isVisible()


def test_reset_layout_brings_every_dock_back(window, qapp, person):
    docks = window.docks.items()
    places = {k: dock.geometry() for k, dock in docks if not dock.visibleRegion().isEmpty()}
    for key, dock in window.docks.items():
        if key in ("values", "codes"):
            dock.setFloating(True)
        else:
            dock.close()
    window.actions_["reset_layout"].trigger()
    qapp.processEvents()
    for dock in window.docks.values():
        assert not dock.isFloating()
        assert not dock.isHidden()
    for key, place in places.items():
        assert not window.docks[key].visibleRegion().isEmpty(), key
        now = window.docks[key].geometry()
        assert abs(now.x() - place.x()) < 40, key
        assert abs(now.width() - place.width()) < 60, key


@pytest.mark.parametrize(
    ("small", "large"), [((1000, 700), (1600, 1000)), ((1440, 900), (2000, 1300))]
)
def test_a_window_that_grows_gives_most_of_the_height_to_plots_and_values(
    new_window, qapp, small, large
):
    window = new_window(small)

    def heights():
        qapp.processEvents()
        return {key: window.docks[key].height() for key in ("values", "schemes", "steps")}

    before = heights()
    window.resize(*large)
    after = heights()
    gained = large[1] - small[1]
    assert after["schemes"] - before["schemes"] > gained / 2
    assert after["values"] - before["values"] > gained / 2
    assert before["steps"] <= after["steps"] < before["steps"] + gained / 2
    window.resize(*small)
    assert all(abs(now - before[key]) <= 4 for key, now in heights().items())


@pytest.mark.parametrize("size", [(1000, 700), (1440, 900)])
def test_a_notice_does_not_move_the_values_under_the_pointer(new_window, qapp, size):
    window = new_window(size)
    window.files.start_first()
    places = []
    for show in (window.message.clear, lambda: window.message.notice("Something happened.")):
        show()
        qapp.processEvents()
        tops = {key: window.docks[key].y() for key in ("values", "signal", "schemes")}
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
    insight = window.docks["signal"].head.insight
    insight.repaint()
    assert insight.text().startswith(odd)
    assert "<img" not in insight.toolTip()
    assert odd in unescape(insight.toolTip())
    told = ("fieldProblem", "schemeWarning", "cellMessage")
    labels = [label for label in window.findChildren(QLabel) if label.objectName() in told]
    assert {label.objectName() for label in labels} == set(told)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)


def test_the_buttons_of_a_dock_float_and_close_it(window, person):
    dock = window.docks["signal"]
    person.click(dock.head.float_button)
    assert dock.isFloating()
    person.click(dock.head.float_button)
    assert not dock.isFloating()
    person.click(dock.head.close_button)
    assert dock.isHidden()


# What is remembered


def test_a_second_window_has_the_geometry_docks_and_choices_of_the_first(new_window, qapp):
    first = new_window((740, 700))
    first.files.start_first()
    first.docks["codes"].close()
    first.docks["transfer"].raise_()
    first.settings.digits = 9
    first.settings.theme = "dark"
    qapp.processEvents()
    size = first.size()
    assert first.close()
    second = new_window(None)
    assert second.size() == size
    assert second.docks["codes"].isHidden()
    assert not second.docks["signal"].isHidden()
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
def test_the_examples_menu_opens_every_example_with_its_schemes(window, example, qtbot):
    menu_action(window.menus.examples, example.name).trigger()
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
    menus = window.menuBar().findChildren(QMenu)
    assert len(menus) >= len(window.menuBar().actions())
    for menu in (window.menuBar(), *menus):
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
    for dock in window.docks.values():
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
    for dock in window.docks.values():
        dock.raise_()
    qapp.processEvents()
    panes = {key: dock.widget() for key, dock in window.docks.items() if dock.isVisible()
             and not dock.visibleRegion().isEmpty()}  # fmt: skip
    window.values.table.setFocus()
    reached = set()
    for _ in range(80):
        person.press("Tab")
        focus = QApplication.focusWidget()
        reached |= {k for k, pane in panes.items() if pane is focus or pane.isAncestorOf(focus)}
    assert reached == set(panes)


@pytest.fixture
def behind(window, qapp):
    """The schemes behind the tab of the values."""
    values, schemes = window.docks["values"], window.docks["schemes"]
    window.tabifyDockWidget(values, schemes)
    values.raise_()
    window.values.table.setFocus()
    qapp.processEvents()
    assert schemes.visibleRegion().isEmpty()
    return schemes


def test_a_pane_that_a_key_leads_into_comes_to_the_front(window, behind, qapp, person):
    person.press("Alt+N")
    qapp.processEvents()
    assert window.schemes.form.label.hasFocus()
    assert not window.schemes.form.label.visibleRegion().isEmpty()


def test_the_focus_is_never_behind_the_tab_that_was_chosen(window, behind, qapp, person):
    (bar,) = (
        bar
        for bar in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if "Values" in [bar.tabText(i) for i in range(bar.count())] and bar.isVisible()
    )
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

    docks = window.docks.values()
    labels = [w.text() for dock in docks for w in dock.findChildren(QLabel) if w.buddy()]
    buttons = [w.text() for dock in docks for w in dock.findChildren(QAbstractButton)]
    taken = letters(labels + buttons)
    assert taken
    menus = letters(action.text() for action in window.menuBar().actions())
    # The bar that offers to restore what was lost stands above all panes.
    asked = letters(window.actions_[name].text() for name in ("restore", "discard"))
    every = menus + asked + taken
    assert len(asked) == 2
    assert sorted(every) == sorted(set(every))
