"""One suite over every pane: any array, both themes, small sizes."""

import numpy as np
import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QTextDocument, QTextLayout
from PySide6.QtWidgets import QApplication, QToolButton

from quantoscope.gui.panes.place import Sentence

THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
PANES = (
    "values", "number-line", "image", "image-beside", "signal", "error", "distribution", "transfer",
    "codes", "calibration", "channels", "difference", "waterfall", "bits", "schemes", "results",
    "compare", "runtimes", "steps", "tensors",
)  # fmt: skip
CASES = {
    "nothing": (np.zeros(0), THREE),
    "neither": (np.zeros(0), (None,)),
    "no scheme": (np.arange(5.0), (None,)),
    "one": (np.array([0.7]), THREE),
    "all NaN": (np.full(4, np.nan), THREE),
    "infinities": (np.array([np.inf, -np.inf, 1]), THREE),
    "constant": (np.full(16, 0.7), THREE),
    "warned": (np.array([100.0, 101.0]), ("int8 asymmetric",)),
    "two and sixteen bits": (np.linspace(-1, 3, 500), ("int2 symmetric", "uint16 asymmetric")),
    "four axes": (np.random.default_rng(0).normal(size=(64, 3, 3, 3)), THREE),
    "an axis of length 0": (np.zeros((2, 0, 3)), THREE),
    "60001": (np.random.default_rng(0).normal(size=60_001), THREE),
}


def look_at(window):
    """Bring every pane to the front and paint it."""
    for place in window.places.values():
        place.reveal()
        QApplication.processEvents()
        picture = place.grab().toImage()
        assert picture.width() * picture.height() > 0, place.key


def test_these_are_all_panes(window):
    assert set(window.places) == set(PANES)


@pytest.mark.parametrize("case", CASES)
def test_every_pane_shows_every_array_in_both_themes(open_window, case):
    array, schemes = CASES[case]
    window = open_window(np.asarray(array, np.float32), *schemes)
    for theme in ("light", "dark"):
        window.settings.theme = theme
        look_at(window)
    for entry in window.session.entries:
        window.session.activate(entry.uid)
        look_at(window)


@pytest.mark.parametrize("key", PANES)
def test_no_pane_asks_for_more_room_than_a_small_window_has(window, key):
    least = window.places[key].minimumSizeHint().expandedTo(window.places[key].minimumSize())
    assert least.width() <= 330, least
    assert least.height() <= 330, least


@pytest.mark.parametrize("key", PANES)
def test_every_pane_works_on_its_own_and_small(window, key, qapp):
    place = window.places[key]
    place.reveal()
    place.detach()
    own = place.window()
    for size in (QSize(330, 330), own.minimumSizeHint()):
        own.resize(size)
        qapp.processEvents()
        assert not place.grab().isNull()


@pytest.mark.parametrize("key", PANES)
def test_the_head_of_every_pane_says_what_it_shows(window, key):
    window.places[key].reveal()
    assert window.places[key].title
    assert window.places[key].name


def test_the_head_of_a_view_leaves_the_room_to_the_plot(window, qapp):
    """Wide: all in one line. Narrow: the sentence begins with the name, options are in the menu."""
    place = window.places["error"]
    window.resize(1440, 900)
    window.stage.set_views(["signal", "error"])
    qapp.processEvents()
    options = place.pane.options
    assert options.isVisible()
    assert options.parentWidget() is place.head
    assert place.label.isVisible()
    assert place.head.height() < 40
    window.resize(1000, 700)
    window.stage.set_views(["signal", "error", "distribution", "codes"])
    qapp.processEvents()
    assert not options.isVisible()
    assert not place.label.isVisible()
    assert place.sentence.text().startswith("<b>Error</b>")
    assert place.insight in place.sentence.toolTip()
    menu = place.pane.context_menu()
    (choices,) = [one.menu() for one in menu.actions() if one.text() == "Unit of the error"]
    assert [one.isChecked() for one in choices.actions()] == [True, False]
    choices.actions()[1].trigger()
    menu.deleteLater()
    assert place.pane.plot.chosen_options["unit"] == "R"
    window.stage.set_views(["error"])
    qapp.processEvents()
    assert options.isVisible()
    assert options.parentWidget() is place.pane
    shown = [box.currentText() for box in place.pane.options.boxes]
    assert shown == ["in the unit of R", "y: automatic"]


def test_no_line_of_a_sentence_begins_with_a_unit_or_inside_bars(qapp, qtbot):
    sentence = Sentence()
    qtbot.addWidget(sentence)
    sentence.say(
        "int8 clips 2 of 4 values, 49 % of |R|; the largest |error| is 6.1 dB, ±S/2. MSE +3.2 dB."
    )
    layout = QTextLayout(sentence.text(), sentence.font())
    begins = set()
    for width in range(60, 600, 3):
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            begins.add(sentence.text()[line.textStart() :].split()[0].strip("\N{WORD JOINER}"))
        layout.endLayout()
    assert {"49", "6.1", "|\N{WORD JOINER}error|", "±S/\N{WORD JOINER}2.", "MSE"} <= begins
    assert not {"%", "dB.", "error|", "R|;", "2."} & begins


@pytest.mark.parametrize("size", [(1000, 700), (1440, 900)])
def test_no_sentence_of_a_view_is_cut(window, qapp, size):
    window.resize(*size)
    keys = [key for key, place in window.stage.plots.places.items() if not place.kind.beside]
    for at in range(0, len(keys), 4):
        window.stage.set_views((keys[at:] + keys)[:4])
        qapp.processEvents()
        for key in window.stage.views:
            sentence = window.places[key].sentence
            assert sentence.heightForWidth(sentence.width()) <= sentence.height(), key


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_views_without_room_in_the_row_of_buttons_are_offered_by_a_button_that_is_seen(
    window, qapp, theme
):
    window.settings.theme = theme
    window.resize(1000, 700)
    qapp.processEvents()
    more = window.stage.bar.findChild(QToolButton, "qt_toolbar_ext_button")
    assert more.isVisible()
    picture = more.icon().pixmap(16, 16).toImage()
    colours = [picture.pixelColor(x, y) for x in range(16) for y in range(16)]
    ink = [colour.lightness() for colour in colours if colour.alpha() > 200]
    assert ink
    assert (np.mean(ink) > 128) == (theme == "dark")


def test_figures_of_the_active_scheme_stand_below_the_form_where_there_is_room(window, qapp):
    result = window.schemes.form.result
    window.resize(1440, 900)
    qapp.processEvents()
    assert result.figures.isVisible()
    document = QTextDocument()
    document.setHtml(result.figures.text())
    text = document.toPlainText()
    for words in ("-1.16074 … 1.15167", "3 of 256 codes", "1 of 3 values", "0.144563"):
        assert words in text
    bar = window.schemes._scroll.verticalScrollBar()
    assert not bar.isVisible()
    window.resize(1000, 700)
    qapp.processEvents()
    assert not result.figures.isVisible()
    assert not bar.isVisible()
    window.resize(1440, 900)
    qapp.processEvents()
    assert result.figures.isVisible()
