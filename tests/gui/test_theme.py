"""The looks: what can be pressed or filled in is seen, in the light and in the dark."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QStyle, QStyleOptionButton, QWidget

from quantoscope.engine import Scheme
from quantoscope.gui.common.theme import theme_named
from quantoscope.gui.dialogs.codes_dump import CodesDump
from quantoscope.gui.dialogs.examples import ExamplesDialog
from quantoscope.gui.dialogs.guide import Guide
from quantoscope.gui.dialogs.new_array import NewArrayDialog
from quantoscope.gui.export.dialog import ExportDialog

LEAST = 3.0
"""The contrast that WCAG 2.1 (1.4.11) asks of what is needed to tell a control."""


def luminance(colour: QColor) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4

    r, g, b = map(linear, (colour.redF(), colour.greenF(), colour.blueF()))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: QColor, other: QColor) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def outline_of(image, y, places, grounds):
    """The contrast of the pixel that stands out most from all of its grounds."""
    return max(min(contrast(image.pixelColor(x, y), g) for g in grounds) for x in places)


@pytest.fixture(params=["light", "dark"])
def themed(request, window):
    window.settings.theme = request.param
    QApplication.processEvents()
    return window


def grounds(window):
    return QColor(window.theme.window), QColor(window.theme.base)


def test_an_unchecked_box_is_seen(themed):
    box = themed.schemes.form.pow2
    assert not box.isChecked()
    option = QStyleOptionButton()
    box.initStyleOption(option)
    place = box.style().subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, box)
    image = box.grab().toImage()
    left = range(place.left(), place.left() + 4)
    assert outline_of(image, place.center().y(), left, grounds(themed)) >= LEAST


def test_a_scheme_that_is_off_has_a_box_that_is_seen(themed):
    view = themed.schemes.list
    model = view.model()
    model.setData(model.index(1, 0), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    QApplication.processEvents()
    row = view.visualRect(model.index(1, 0))
    image = view.viewport().grab().toImage()
    base = (QColor(themed.theme.base),)
    assert outline_of(image, row.center().y(), range(row.left(), row.left() + 12), base) >= LEAST


@pytest.mark.parametrize("focused", [False, True])
def test_an_empty_field_is_seen_and_more_so_in_the_focus(themed, focused):
    field = themed.schemes.form.label
    assert isinstance(field, QLineEdit)
    assert not field.text()
    if focused:
        field.setFocus()
    image = field.grab().toImage()
    y = field.height() // 2
    assert outline_of(image, y, range(3), grounds(themed)) >= LEAST


def test_an_unchecked_box_of_a_menu_is_seen(themed):
    menus = themed.findChildren(QMenu)
    menu, action = next((m, a) for m in menus for a in m.actions() if "Latency" in a.text())
    assert not action.isChecked()
    menu.ensurePolished()
    place = menu.actionGeometry(action)
    image = menu.grab().toImage()
    y = place.center().y()
    ground = (image.pixelColor(place.right() - 8, y),)
    assert outline_of(image, y, range(place.left(), place.left() + 12), ground) >= LEAST


def test_the_list_of_a_combo_box_can_be_read(themed):
    box = themed.schemes.form.format
    box.showPopup()
    view = box.view()
    image = view.viewport().grab().toImage()
    ground = image.pixelColor(image.width() - 3, view.visualRect(view.model().index(3, 0)).top())
    assert contrast(ground, QColor(themed.theme.foreground)) >= 7
    box.hidePopup()


# Switched live


def looks(part):
    """The colours and style sheet of every widget in a part of the window, in any order."""
    roles = QPalette.ColorRole
    found = []
    for widget in (part, *part.findChildren(QWidget)):
        if widget.objectName().startswith("qt_scrollarea_"):
            continue  # whichever bar was needed first comes first
        if widget.metaObject().className().startswith("Q") and widget.objectName() == "":
            name = widget.metaObject().className()
        else:
            name = f"{widget.metaObject().className()} {widget.objectName()}"
        colours = [
            widget.palette().color(role).name(QColor.NameFormat.HexArgb)
            for role in (
                roles.Window,
                roles.WindowText,
                roles.Base,
                roles.Text,
                roles.Button,
                roles.ButtonText,
                roles.Highlight,
                roles.HighlightedText,
            )
        ]
        found.append((name, widget.accessibleName(), colours, widget.styleSheet()))
    # What is raised comes last.
    return sorted(found)


ARRAY = np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4)
SCHEMES = ("int8 symmetric per-channel(0)", "int8 symmetric manual(-1,1)")


def window_of(new_window, theme, manual):
    """A window with every pane built, the one or the other kind of scheme active."""
    window = new_window()
    window.settings.theme = theme
    window.session.start(ARRAY.copy(), "array", None, [Scheme.parse(text) for text in SCHEMES])
    window.session.activate(window.session.entries[int(manual)].uid)
    window.schemes.form.text.setText("no scheme")
    window.schemes.form.text.textEdited.emit("no scheme")
    for bar in (window.message, window.unkept, window.offer):
        bar.problem("Something is wrong.")
    QApplication.processEvents()
    return window


@pytest.mark.parametrize(("before", "after"), [("light", "dark"), ("dark", "light")])
@pytest.mark.parametrize("manual", [False, True])
def test_after_a_switch_everything_has_the_colours_that_it_would_have_begun_with(
    new_window, qtbot, before, after, manual
):
    switched = window_of(new_window, before, manual)
    switched.settings.theme = after
    QApplication.processEvents()
    fresh = window_of(new_window, after, manual)
    for key in fresh.places:
        for window in (switched, fresh):
            window.places[key].reveal()
        QApplication.processEvents()
        assert looks(switched.places[key]) == looks(fresh.places[key]), key
    for window in (switched, fresh):
        window.lesson.start()
    QApplication.processEvents()
    assert looks(switched.lesson.panel) == looks(fresh.lesson.panel)
    assert looks(switched.lesson.card) == looks(fresh.lesson.card)
    for bar in ("message", "unkept", "offer"):
        assert looks(getattr(switched, bar)) == looks(getattr(fresh, bar)), bar
    assert looks(switched.statusBar()) == looks(fresh.statusBar())
    assert looks(switched.menuBar()) == looks(fresh.menuBar())


def test_pages_change_the_colours_of_their_text_at_a_switch(window):
    window.places["compare"].reveal()
    QApplication.processEvents()
    for name, other in (("dark", "light"), ("light", "dark")):
        window.settings.theme = name
        for page in (window.steps.view, window.compare.example):
            assert theme_named(name).muted.lower() in page.toHtml()
            assert theme_named(other).muted.lower() not in page.toHtml()


def export_of(window):
    return ExportDialog(
        window.session, window.settings, window.theme, window.background, ["signal"], "", window
    )


def codes_of(window):
    return CodesDump(Path("codes.bin"), "int8", (3,), window)


def gallery_of(window):
    return ExamplesDialog(window.settings, window)


@pytest.mark.parametrize("make", [export_of, NewArrayDialog, codes_of, gallery_of, Guide])
@pytest.mark.parametrize(("before", "after"), [("light", "dark"), ("dark", "light")])
def test_a_dialog_that_is_open_at_a_switch_changes_too(window, qtbot, before, after, make):
    window.settings.theme = before
    dialog = make(window)
    dialog.show()
    QApplication.processEvents()
    window.settings.theme = after
    QApplication.processEvents()
    fresh = make(window)
    fresh.show()
    QApplication.processEvents()
    assert looks(dialog) == looks(fresh)
    for one in (dialog, fresh):
        one.close()
        one.deleteLater()
