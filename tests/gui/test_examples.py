"""The gallery of examples: pictures, keys, and opening beside what is open."""

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtWidgets import QApplication, QToolButton

from quantoscope.engine.examples import EXAMPLES
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.dialogs.example_pictures import example_picture, picture_of
from quantoscope.gui.dialogs.examples import ExamplesDialog

SIZE = QSize(220, 74)


def titles(window):
    return [source.title for source in window.session.sources]


def pixels(pixmap):
    image = pixmap.toImage()
    return bytes(image.constBits())


def test_every_example_has_a_picture_of_its_own_in_both_themes(qapp):
    for theme in (LIGHT, DARK):
        pictures = [pixels(example_picture(e.key, theme, SIZE, 1.0)) for e in EXAMPLES]
        assert len(set(pictures)) == len(EXAMPLES)
    same = example_picture(EXAMPLES[0].key, DARK, SIZE, 1.0)
    assert same is example_picture(EXAMPLES[0].key, DARK, SIZE, 1.0), "drawn once"


def test_the_picture_of_an_outlier_shows_it_far_from_the_others(qapp):
    image = example_picture("outlier", LIGHT, SIZE, 1.0).toImage()
    inked = [
        x for x in range(SIZE.width())
        if any(image.pixelColor(x, y).lightness() < 128 for y in range(SIZE.height()))
    ]  # fmt: skip
    assert min(inked) < 20 and max(inked) > 200
    assert not any(20 < x < 190 for x in inked)


@pytest.mark.parametrize(
    "array", [np.zeros(0), np.zeros((0, 3)), np.full(100, 1e308), np.ones((2, 3, 4))]
)
def test_odd_arrays_have_a_picture_too(qapp, array):
    assert picture_of(array.astype(np.float64), LIGHT, SIZE).width() == SIZE.width()


@pytest.mark.parametrize("way", ["toolbar", "keys", "menu"])
def test_the_gallery_is_reached_and_chosen_from_by_keys(window, dialog, person, qtbot, way):
    def choose(gallery):
        assert gallery.list.count() == len(EXAMPLES)
        qtbot.waitUntil(lambda: QApplication.focusWidget() is gallery.list)
        person.press("Right", "Right", "Return")

    action = window.actions_["examples"]
    with dialog(choose):
        if way == "keys":
            person.press("Ctrl+Shift+O")
        elif way == "menu":
            assert action in window.menus.bar.actions()[0].menu().actions()
            action.trigger()
        else:
            buttons = window.findChildren(QToolButton)
            person.click(next(b for b in buttons if b.defaultAction() is action and b.isVisible()))
    assert window.session.title == EXAMPLES[2].name
    assert window.message.text == EXAMPLES[2].point


def test_a_click_on_a_picture_opens_it_and_escape_opens_nothing(window, dialog, person):
    def click(gallery):
        place = gallery.list.visualItemRect(gallery.list.item(1)).center()
        person.click(gallery.list.viewport(), place)

    with dialog(click):
        window.actions_["examples"].trigger()
    assert titles(window) == [EXAMPLES[1].name]
    with dialog(lambda _: person.press("Escape")):
        window.actions_["examples"].trigger()
    assert titles(window) == [EXAMPLES[1].name]


def test_down_goes_to_the_row_below(window, dialog, person):
    def choose(gallery):
        columns = gallery.list.viewport().width() // (gallery.list.visualItemRect(
            gallery.list.item(0)).width())  # fmt: skip
        person.press("Down")
        assert gallery.list.currentRow() == columns
        person.press("Escape")

    with dialog(choose):
        window.actions_["examples"].trigger()


def test_untouched_first_numbers_give_way_and_edited_ones_stay_beside(window, person):
    window.files.start_example(EXAMPLES[1])
    assert titles(window) == [EXAMPLES[1].name]
    window.files.start_example(EXAMPLES[2])
    assert titles(window) == [EXAMPLES[1].name, EXAMPLES[2].name]


def test_an_example_opens_with_the_value_that_it_is_about(window):
    outlier = next(example for example in EXAMPLES if example.key == "outlier")
    window.files.start_example(outlier)
    assert window.session.view.chosen == 500
    window.session.view.choose(7)
    window.files.start_example(outlier)
    assert window.session.view.chosen == 7


def test_an_edited_first_array_stays_beside_the_example(window, person):
    person.edit_cell(window.values.table, 0, "5")
    window.files.start_example(EXAMPLES[1])
    assert titles(window) == [EXAMPLES[0].name, EXAMPLES[1].name]
    assert window.session.sources[0].tensors[0].array[0] == 5
    # An edited example is not taken for a fresh one.
    window.files.start_example(EXAMPLES[0])
    assert window.session.array.tolist() == EXAMPLES[0].make().tolist()
    assert titles(window) == [EXAMPLES[number].name for number in (0, 1, 0)]


def test_the_gallery_fits_a_small_screen_and_shows_every_card_by_scrolling(window):
    gallery = ExamplesDialog(window.settings, window)
    gallery.resize(560, 400)
    gallery.show()
    QApplication.processEvents()
    assert gallery.list.horizontalScrollBar().maximum() == 0
    last = gallery.list.item(len(EXAMPLES) - 1)
    gallery.list.scrollToItem(last)
    assert gallery.list.viewport().rect().contains(gallery.list.visualItemRect(last).center())
    gallery.close()
    gallery.deleteLater()


def test_the_theme_is_switched_while_the_gallery_is_open(window):
    gallery = ExamplesDialog(window.settings, window)
    gallery.show()
    lightness = []
    for name in ("light", "dark", "light"):
        window.settings.theme = name
        QApplication.processEvents()
        card = gallery.list.visualItemRect(gallery.list.item(1))
        image = gallery.list.viewport().grab(card).toImage()
        lightness.append(image.pixelColor(card.width() // 2, 16).lightness())
    assert lightness[0] == lightness[2] > 200
    assert lightness[1] < 80
    gallery.close()
    gallery.deleteLater()
