"""Screen readers and the keyboard: every control has a name, and keys reach all of them."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAccessible
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
    QTextEdit,
    QToolButton,
    QWidget,
)

from quantoscope.gui.common.focus_order import tab_order
from quantoscope.gui.panes.plot_pane import PlotPane
from tests.gui.plot_bench import KEYS, noise

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QTabBar,
    QTextEdit,
    PlotPane,
)
TAB = Qt.FocusPolicy.TabFocus


def takes_tab(widget):
    return widget.focusPolicy() & TAB == TAB and widget.focusProxy() is None


def controls(top):
    """What a person can use in a window, but for the parts of a control."""
    for widget in top.findChildren(QWidget):
        inner = (QAbstractSpinBox, QComboBox, QTabBar, QLineEdit)
        if not widget.isVisible() or widget.window() is not top.window():
            continue
        if isinstance(widget.parentWidget(), inner) or isinstance(widget, QHeaderView):
            continue
        if widget.objectName().startswith("qt_"):
            continue
        if isinstance(widget, CONTROLS) or takes_tab(widget):
            yield widget


def spoken(widget):
    """The name that a screen reader says before what the control holds."""
    if isinstance(widget, QComboBox):  # there Qt gives what is chosen for the name
        labels = widget.window().findChildren(QLabel)
        return widget.accessibleName() or any(label.buddy() is widget for label in labels)
    known = QAccessible.queryAccessibleInterface(widget)
    return known.text(QAccessible.Text.Name) if known is not None else ""


def nameless(top):
    # The names of a table beside it are those of its rows.
    return [
        (type(one).__name__, one.objectName(), type(one.parentWidget()).__name__)
        for one in controls(top)
        if not spoken(one) and type(one).__name__ not in ("NameColumn",)
    ]


def reached(person, top, backwards=False):
    """What Tab visits until it is where it began."""
    found = []
    for _ in range(400):
        person.press("Shift+Tab" if backwards else "Tab")
        now = QApplication.focusWidget()
        if now in found:
            return found[found.index(now) :]
        found.append(now)
    raise AssertionError("Tab never comes back")


def missed(person, top):
    """What takes the focus by Tab, but is not visited."""
    found = reached(person, top)
    stops = [one for one in controls(top) if takes_tab(one) and one.isEnabled()]
    return [(type(one).__name__, spoken(one)) for one in stops if one not in found]


@pytest.fixture(scope="module")
def plane():
    return noise(240, 6).reshape(12, 20)


@pytest.fixture
def roomy(open_window, plane, qtbot, monkeypatch):
    """A window on a plane with every view built, and with a scheme that it suggests."""
    monkeypatch.setattr("quantoscope.gui.panes.suggestion.PAUSE", 0)
    window = open_window(plane, "int8 scale-only", "int8 symmetric per-channel(0)")
    qtbot.waitUntil(window.verdict.suggestion.isVisible, timeout=20_000)
    return window


def test_every_control_of_the_window_has_a_name_and_is_reached_by_tab(roomy, person, qapp):
    for key, place in roomy.places.items():
        place.reveal()
        qapp.processEvents()
        assert nameless(roomy) == [], key
        assert place.pane in tab_order(roomy, ()) or place.pane.focusProxy() is not None, key
    for key in ("values", "compare", "results", "image", "waterfall"):
        roomy.places[key].take_focus()
        assert missed(person, roomy) == [], key


def test_tab_goes_through_the_parts_in_reading_order_and_back(roomy, person, qapp):
    frame = roomy.frame
    roomy.stage.set_views(["signal", "error"])
    qapp.processEvents()
    roomy.values.table.setFocus()
    found = reached(person, roomy)
    parts = [roomy.verdict, frame.rail, frame.stage, frame.side, frame.bottom]

    def part_of(widget):
        return next((n for n, part in enumerate(parts) if part.isAncestorOf(widget)), len(parts))

    start = next(n for n, one in enumerate(found) if part_of(one) == 0)
    order = [part_of(one) for one in found[start:] + found[:start]]
    assert order == sorted(order)
    assert set(order) >= set(range(len(parts)))
    heights = [one.mapTo(roomy, QPoint()).y() for one in found if frame.side.isAncestorOf(one)]
    assert all(b - a > -24 for a, b in zip(heights, heights[1:], strict=False))
    panes = [one for one in found if isinstance(one, PlotPane)]
    assert [pane.plot.key for pane in panes] == ["signal", "error"]
    back = reached(person, roomy, backwards=True)
    assert set(back) == set(found)
    at = back.index(found[0])
    assert back[at:] + back[:at] == [found[0], *reversed(found[1:])]


def test_what_tab_does_not_reach_is_in_a_menu_or_has_keys(roomy):
    listed = {
        action
        for menu in (roomy.menus.bar, *roomy.findChildren(QMenu))
        for action in menu.actions()
    }
    texts = {action.text().replace("&", "") for action in listed}
    keys = {action.text() for action in roomy.actions() if not action.shortcut().isEmpty()}
    hidden = [one for one in controls(roomy) if isinstance(one, QToolButton) and not takes_tab(one)]
    assert len(hidden) > 10
    for one in hidden:
        action = one.defaultAction()
        assert action in listed or action.text().replace("&", "") in texts | keys, one.text()


def test_panes_have_ctrl_and_views_alt_with_a_digit(roomy, person, qapp):
    keys = {
        action.text(): action.shortcut().toString()
        for action in roomy.actions()
        if action.shortcut().toString()[-2:-1] == "+" and action.shortcut().toString()[-1].isdigit()
    }
    assert keys["Values"] == "Ctrl+1"
    assert keys["Number line"] == "Alt+1"
    assert "Image beside" not in keys
    for name, pressed in (("Results", keys["Results"]), ("Codes", keys["Codes"])):
        person.press(pressed)
        qapp.processEvents()
        place = next(place for place in roomy.places.values() if place.name == name)
        assert place.isAncestorOf(QApplication.focusWidget())


@pytest.mark.parametrize("key", KEYS)
def test_a_plot_speaks_its_sentence_and_the_new_one_after_an_edit(bench, plane, key):
    def told():
        known = QAccessible.queryAccessibleInterface(shown.pane)
        return known.text(QAccessible.Text.Description)

    shown = bench(key, plane, "int8 scale-only", "int8 symmetric")
    shown.qtbot.waitUntil(lambda: shown.plot.data is shown.feed.data, timeout=30_000)
    QApplication.processEvents()
    assert (
        QAccessible.queryAccessibleInterface(shown.pane).text(QAccessible.Text.Name)
        == shown.plot.title()
    )
    before = told()
    assert before == shown.plot.insight
    assert len(before) > 15
    shown.open(plane * np.float32(3) + 1, ("int4 asymmetric manual(-1,1)", "int3 symmetric"))
    shown.qtbot.waitUntil(lambda: shown.plot.data is shown.feed.data, timeout=30_000)
    QApplication.processEvents()
    assert told() == shown.plot.insight != before


@pytest.mark.parametrize(
    "name", ["new", "examples", "export", "about", "goto", "view as shape", "view as axis"]
)
def test_every_control_of_a_dialog_has_a_name_and_is_reached_by_tab(roomy, dialog, person, name):
    seen = []

    def look(front):
        QApplication.processEvents()
        seen.append(nameless(front))
        seen.append(missed(person, front))
        front.reject()

    def open_it():
        if name.startswith("view as"):
            texts = {"view as shape": "Reshape", "view as axis": "axis"}
            menu = roomy.menus.view_as
            menu.aboutToShow.emit()
            next(a for a in menu.actions() if texts[name] in a.text().replace("&", "")).trigger()
        else:
            roomy.actions_[name].trigger()

    with dialog(look):
        open_it()
    assert seen == [[], []]


def test_the_guide_and_windows_of_their_own_have_names_and_are_walked_by_tab(
    roomy, person, qapp, qtbot
):
    roomy.actions_["help"].trigger()
    qapp.processEvents()
    guide = QApplication.activeWindow()
    assert guide is not roomy
    assert nameless(guide) == []
    person.press("Ctrl+F")
    found = {QApplication.focusWidget()}
    for _ in range(5):  # the links of a page come after its list
        person.press("Tab")
        found.add(QApplication.focusWidget())
    assert [one for one in controls(guide) if takes_tab(one) and one not in found] == []
    guide.close()
    for key in ("values", "schemes", "results", "compare", "runtimes", "signal", "image"):
        place = roomy.places[key]
        place.reveal()
        place.detach()
        own = place.window()
        own.activateWindow()
        qtbot.waitUntil(lambda own=own: qapp.activeWindow() is own)
        place.pane.setFocus()
        assert nameless(own) == [], key
        assert missed(person, own) == [], key
        own.close()
        qapp.processEvents()
        roomy.activateWindow()
