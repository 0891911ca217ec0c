"""The looks: what can be pressed or filled in is seen, in the light and in the dark."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QStyle, QStyleOptionButton

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
