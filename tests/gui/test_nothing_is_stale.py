"""What hangs on the digits, the values, the schemes or the theme follows them."""

import re

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Scheme, compare, evaluate
from quantoscope.engine.analysis.outliers import attribution
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.document import commands
from quantoscope.gui.plots import PLOTS

ARRAY = np.random.default_rng(4).standard_normal((6, 8)).astype(np.float32)
TWO = ("int8 symmetric", "int4 symmetric")
BACKGROUND = Qt.ItemDataRole.BackgroundRole


def edit(window, position, value):
    commands.edit_value(window.session, position, np.float32(value))
    QApplication.processEvents()


def longest(text):
    """How many significant digits the longest fraction of a text has."""
    numbers = re.findall(r"\d*\.(\d+)", text)
    return max(map(len, numbers), default=0)


READ = {
    "steps": lambda window: window.steps.view.toPlainText(),
    "range of the scheme": lambda window: window.schemes.form.high.text(),
    "status": lambda window: window.statusBar().summary.text(),
}


def test_panes_take_other_digits_at_once(open_window):
    window = open_window(ARRAY, *TWO)
    window.places["steps"].take_focus()
    window.session.view.choose(3)
    seen = {}
    for digits in (3, 9):
        window.settings.digits = digits
        QApplication.processEvents()
        seen[digits] = {key: read(window) for key, read in READ.items()}
    for key in READ:
        assert longest(seen[3][key]) < longest(seen[9][key]), key


@pytest.mark.parametrize("key", ["signal", "error", "transfer", "difference"])
def test_plots_take_other_digits_at_once(open_window, key):
    window = open_window(ARRAY, *TWO)
    window.places[key].take_focus()
    uids = [entry.uid for entry in window.session.entries]
    window.session.view.compare_pair((uids[0], uids[1]))
    QApplication.processEvents()
    plot = window.plots[key].plot
    seen = {}
    for digits in (3, 9):
        window.settings.digits = digits
        QApplication.processEvents()
        assert plot.data is not None
        seen[digits] = plot.readout(plot.data, 3.0 if key != "transfer" else 0.777123456789, 0.1)
        if key in ("signal", "error", "transfer"):
            seen[digits] += plot.insight
    assert longest(seen[3]) <= 5 < longest(seen[9])


def image_of(window):
    """What the image shows: its pixels, and the ends of its colour bar."""
    QApplication.processEvents()
    plot = window.plots["image"].plot
    bar = plot._margins["top"].bar
    return plot._coloured["whole"][3].tobytes(), bar.low, bar.high


def test_an_image_follows_values_schemes_undo_and_the_theme(open_window):
    window = open_window(ARRAY, *TWO)
    session = window.session
    window.places["image"].reveal()
    for quantity in ("real", "error"):
        window.plots["image"].plot.choose("quantity", quantity)
        before = image_of(window)
        edit(window, 47, 1000.0)
        assert image_of(window) != before
        session.undo_stack.undo()
        assert image_of(window) == before
    session.activate(session.entries[1].uid)
    assert image_of(window) != before
    session.activate(session.entries[0].uid)
    assert image_of(window) == before
    window.settings.theme = "dark"
    assert image_of(window) != before


def difference_text(window):
    return window.plots["difference"].plot.insight


def test_difference_follows_values_schemes_and_the_pair(open_window, qtbot):
    window = open_window(ARRAY, *TWO, "int2 symmetric")
    session = window.session
    window.places["difference"].take_focus()
    QApplication.processEvents()
    uids = [entry.uid for entry in session.entries]
    session.view.compare_pair((uids[0], uids[1]))

    def told(first, second, array):
        count = compare(array, first, second).count
        qtbot.waitUntil(lambda: not session.evaluator.stale)
        assert difference_text(window).startswith(f"{first} and {second}:")
        assert f": {count} of 48 values differ" in difference_text(window)

    told(*TWO, ARRAY)
    edit(window, 0, 4.0)
    edited = ARRAY.copy()
    edited[0, 0] = 4
    told(*TWO, edited)
    commands.set_scheme(session, uids[0], Scheme.parse("int6 symmetric"))
    told("int6 symmetric", TWO[1], edited)
    session.view.compare_pair((uids[2], uids[1]))
    told("int2 symmetric", TWO[1], edited)
    session.undo_stack.undo()
    session.undo_stack.undo()
    told("int2 symmetric", TWO[1], ARRAY)
    session.view.compare_pair(None)
    assert difference_text(window) == "Choose two schemes in the Compare pane."


def test_the_values_that_set_the_scale_are_told_while_they_do(open_window, qtbot):
    window = open_window(np.random.default_rng(1).normal(size=500), *TWO)
    session, results = window.session, window.places["results"]
    assert "set" not in results.insight
    edit(window, 7, 100.0)
    for place in (0, 1):
        session.activate(session.entries[place].uid)
        cause = attribution(session.array, evaluate(session.array, TWO[place]))
        assert cause is not None
        assert results.insight == f"{TWO[place]}: {cause}"
    edit(window, 7, 50.0)
    cause = attribution(session.array, evaluate(session.array, TWO[1]))
    assert results.insight == f"{TWO[1]}: {cause}"
    commands.set_scheme(session, session.active_uid, Scheme.parse("int4 symmetric mse"))
    qtbot.waitUntil(lambda: not session.evaluator.stale)
    assert "scale" not in results.insight
    session.undo_stack.undo()
    assert results.insight == f"{TWO[1]}: {cause}"
    edit(window, 7, 0.5)
    assert "scale" not in results.insight


@pytest.mark.parametrize("key", [kind.key for kind in PLOTS])
def test_a_plot_in_front_wears_the_new_theme_and_keeps_what_it_shows(open_window, key):
    window = open_window(ARRAY, *TWO)
    window.places[key].take_focus()
    QApplication.processEvents()
    pane = window.plots[key]
    plot = pane.plot
    # The lanes of the number line are tinted, and a frame is around the pane with the keys.
    y = 5 if key == "number-line" else pane.height() // 2
    before = plot.item.getViewBox().viewRange(), plot.insight, plot.item.getAxis("left").labelText
    for name, theme in (("dark", DARK), ("light", LIGHT)):
        window.settings.theme = name
        QApplication.processEvents()
        assert plot.theme == theme
        assert theme.muted.lower() in plot.item.getAxis("left").label.toHtml().lower()
        assert pane.grab().toImage().pixelColor(pane.width() - 3, y).name() in (
            theme.background.lower(), theme.base.lower()
        )  # fmt: skip
    assert before == (
        plot.item.getViewBox().viewRange(), plot.insight, plot.item.getAxis("left").labelText,
    )  # fmt: skip
