"""Typing into the values table, and what its columns show."""

import math

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit

from quantoscope.engine import Scheme


@pytest.fixture
def table(window):
    return window.values.table


def values(window):
    return window.session.array.tolist()


def sentence(window):
    """The sentence below the cell that is edited, if it is shown."""
    shown = [x for x in window.values.findChildren(QLabel, "cellMessage") if x.isVisible()]
    return shown[0].text() if shown else ""


# Typing


def test_typing_over_a_cell_and_enter_changes_the_value_and_goes_down(window, table, person):
    person.click_cell(table, 1)
    person.type("0.9")
    assert person.editing(table)
    person.press("Return")
    assert person.cell(table, 1) == "0.9"
    assert table.currentIndex().row() == 2
    assert not person.editing(table)


def test_f2_edits_the_value_at_full_precision(window, table, person):
    person.click_cell(table, 1)
    person.press("F2")
    assert person.editor().text() == "1.2962357"
    person.press("End", "Backspace")
    person.press("Return")
    assert values(window)[1] == np.float32(1.296235)


def test_escape_leaves_the_cell_as_it_was(window, table, person):
    before = values(window)
    person.click_cell(table, 0)
    person.type("77")
    person.press("Escape")
    assert not person.editing(table)
    assert values(window) == before
    assert not window.menus.undo.isEnabled()


def test_enter_on_an_unchanged_cell_is_no_step(window, table, person):
    person.click_cell(table, 0)
    person.press("F2", "Return")
    assert not person.editing(table)
    assert not window.menus.undo.isEnabled()


def test_a_click_on_another_row_commits_and_goes_there_and_no_further(window, table, person):
    person.click_cell(table, 0)
    person.type("0.25")
    person.click_cell(table, 1)
    assert values(window)[0] == 0.25
    assert table.currentIndex().row() == 1


def test_the_down_key_while_editing_commits_and_goes_one_row_down(window, table, person):
    person.click_cell(table, 0)
    person.type("0.25")
    person.press("Down")
    assert values(window)[0] == 0.25
    assert table.currentIndex().row() == 1


@pytest.mark.parametrize("key", ["Tab", "Shift+Tab"])
def test_tab_leaves_the_table(window, table, person, key):
    person.click_cell(table, 1)
    assert QApplication.focusWidget() is table
    person.press(key)
    assert QApplication.focusWidget() is not table
    assert table.currentIndex().row() == 1


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("0,5", 0.5),
        (",5", 0.5),
        ("-1e-7", np.float32(-1e-7)),
        ("1.500,25", 1500.25),
        ("−2", -2.0),
        ("inf", math.inf),
        ("-inf", -math.inf),
    ],
)
def test_numbers_are_read_as_people_write_them(window, table, person, typed, number):
    person.edit_cell(table, 0, typed)
    assert values(window)[0] == number


def test_nan_is_taken_and_shown_without_a_code(window, table, person):
    person.edit_cell(table, 0, "nan")
    assert math.isnan(values(window)[0])
    assert person.cell(table, 0) == "NaN"
    assert person.cell(table, 0, "R′") == "NaN"
    assert "NaN has no code" in person.cell(table, 0, 0, Qt.ItemDataRole.ToolTipRole)
    assert "1 NaN" in window.statusBar().summary.text()


@pytest.mark.parametrize("key", ["Return", "Tab"])
@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("abc", "'abc' is not a number"),
        ("1e999", "too large"),
        ("1,500", "1,500 can mean 1500 or 1.5: type one of these."),
        ("0.5x", "'0.5x' is not a number"),
    ],
)
def test_a_text_that_is_no_number_stays_and_says_why(window, table, person, typed, says, key):
    before = values(window)
    person.click_cell(table, 1)
    person.type(typed)
    person.press(key)
    assert person.editing(table)
    assert person.editor().text() == typed
    assert says in sentence(window)
    assert values(window) == before
    assert not window.menus.undo.isEnabled()


def test_the_sentence_goes_when_the_text_is_mended(window, table, person):
    person.click_cell(table, 1)
    person.type("0.5x")
    person.press("Return")
    assert sentence(window)
    person.press("Backspace")
    assert not sentence(window)
    person.press("Return")
    assert values(window)[1] == 0.5
    assert not person.editing(table)


def test_the_sentence_goes_with_escape(window, table, person):
    person.click_cell(table, 1)
    person.type("word")
    person.press("Return")
    person.press("Escape")
    assert not sentence(window)
    assert not person.editing(table)
    assert person.cell(table, 1) == "1.29624"


def test_a_wrong_text_is_not_dropped_by_a_click_elsewhere(window, table, person):
    person.click_cell(table, 0)
    person.type("0.5x")
    person.click(table.viewport(), table.visualRect(table.model().index(2, 0)).center())
    editors = [e for e in table.findChildren(QLineEdit) if e.isVisible()]
    assert [e.text() for e in editors] == ["0.5x"]
    assert "is not a number" in sentence(window)


def test_a_wrong_text_is_not_dropped_when_another_pane_is_clicked(window, table, person):
    person.click_cell(table, 0)
    person.type("0.5x")
    person.click(window.schemes.form.label)
    editors = [e for e in table.findChildren(QLineEdit) if e.isVisible()]
    assert [e.text() for e in editors] == ["0.5x"]


def test_keys_in_the_editor_stay_in_the_editor(window, table, person):
    before = values(window)
    person.click_cell(table, 1)
    person.press("F2", "Ctrl+A", "Delete")
    assert person.editor().text() == ""
    assert values(window) == before
    person.type("12")
    person.press("Ctrl+A", "Ctrl+C")
    assert person.clipboard() == "12"


def test_typing_in_the_last_row_appends_and_the_next_number_can_follow(window, table, person):
    rows = table.model().rowCount()
    assert table.model().headerData(rows - 1, Qt.Orientation.Vertical) == "+"
    person.click_cell(table, rows - 1)
    for number in ("0.5", "0.75", "-2"):
        person.type(number)
        person.press("Return")
    assert values(window)[3:] == [0.5, 0.75, -2.0]
    assert table.currentIndex().row() == 6
    assert "6 values" in window.statusBar().summary.text()
    assert window.menus.undo.text().replace("&", "") == "Undo Append value 5"


def test_an_empty_array_is_filled_by_typing(open_window, person):
    window = open_window(np.zeros(0, np.float32))
    table = window.values.table
    assert window.statusBar().summary.text() == "no values"
    person.click_cell(table, 0)
    for number in ("1", "2", "3"):
        person.type(number)
        person.press("Return")
    assert values(window) == [1.0, 2.0, 3.0]
    assert person.rows(table, "R") == ["1", "2", "3", None]


def test_every_pane_follows_an_edit_in_the_same_event(window, table, person):
    results = window.results.table
    before = person.cell(results, 0, 1), window.steps.view.toPlainText()
    person.edit_cell(table, 1, "0.9")
    person.click_cell(table, 1)
    assert person.cell(results, 0, 1) != before[0]
    assert window.steps.view.toPlainText() != before[1]
    assert "max 0.9" in window.statusBar().summary.text()
    assert person.cell(table, 1, "Q") == person.cell(table, 1, "Round")


# What the columns show


def test_the_columns_show_every_stage_of_the_active_scheme(window, table, person):
    assert person.heads(table) == ["R", "R/S", "Round", "Q", "R′", "error"]
    shown = [person.cell(table, 1, head) for head in person.heads(table)]
    assert shown == ["1.29624", "142.942", "143", "▼ 127", "1.15167", "-0.144563"]
    window.session.activate(window.session.entries[2].uid)
    assert person.heads(table) == ["R", "R/S", "+ Z", "Round", "Q", "R′", "error"]
    assert person.cell(table, 0, "+ Z") == "7.74764"


def test_the_chosen_value_stays_chosen_when_a_scheme_with_other_columns_is_activated(
    window, table, person
):
    person.click_cell(table, 1)
    for entry in reversed(window.session.entries):
        window.session.activate(entry.uid)
        QApplication.processEvents()
        assert window.session.view.chosen == 1
        assert table.currentIndex().row() == 1
        assert table.selectionModel().isSelected(table.currentIndex())


def test_heads_carry_the_formula_of_their_column(window, table):
    window.session.activate(window.session.entries[2].uid)
    model, tip = table.model(), Qt.ItemDataRole.ToolTipRole
    tips = [model.headerData(c, Qt.Orientation.Horizontal, tip) for c in range(7)]
    assert tips[3] == "Round = Round(R / S + Z)"
    assert tips[5] == "R′ = (Q − Z) · S"
    assert tips[6] == "error = R′ − R"


def test_saturated_rows_carry_a_mark_and_a_tint(open_window, person):
    window = open_window([2.0, -2.0, 0.25], "int8 symmetric manual(-1,1)")
    table, tint = window.values.table, Qt.ItemDataRole.BackgroundRole
    assert person.rows(table, "Q")[:3] == ["▼ 127", "▲ -127", "32"]
    for row, clipped in ((0, True), (1, True), (2, False)):
        colours = [person.cell(table, row, c, tint) for c in range(table.model().columnCount())]
        assert all(isinstance(c, QColor) == clipped for c in colours)
    assert "lies above the last code 127" in person.cell(table, 0, "Q", Qt.ItemDataRole.ToolTipRole)
    assert "lies below the first code -127" in person.cell(
        table, 1, "Q", Qt.ItemDataRole.ToolTipRole
    )


def test_digits_follow_the_setting(window, table, person):
    window.settings.digits = 9
    assert person.cell(table, 1) == "1.29623568"
    window.settings.digits = 4
    assert person.cell(table, 1) == "1.296"


def test_a_digit_typed_where_nothing_is_edited_asks_no_row_for_its_text(open_lean_window, person):
    window = open_lean_window(np.arange(100_000), "int8 symmetric")
    table, asked = window.values.table, []
    model = table.model()
    match = model.match
    person.click_cell(table, 3, 1)
    table.model().match = lambda *arguments: asked.append(arguments) or match(*arguments)
    person.type("7")
    assert not asked
    assert not person.editing(table)


def test_values_on_a_large_offset_read_apart_and_are_not_cut(open_window, person):
    values = 1e9 + 1e-3 * np.linspace(-1, 1, 41)
    window = open_window(values, "int8 asymmetric")
    window.frame.across.setSizes([900, 300, 240])
    table = window.values.table
    for head in ("R", "R/S", "R′"):
        texts = person.rows(table, head)[:41]
        assert len(set(texts)) == 41, head
        column = person.column(table, head)
        widest = max(table.fontMetrics().horizontalAdvance(text) for text in texts)
        assert table.columnWidth(column) > widest
    form = window.schemes.form
    assert form.low.text() != form.high.text()
    assert (form.low.text(), form.high.text()) == ("999999999.999", "1000000000.001")


SMALL = 0.02 * np.random.default_rng(1).normal(size=6400)
"""Numbers that need many signs."""


@pytest.mark.parametrize("scale", [1e-309, 1e250])
def test_exponents_of_three_digits_are_not_cut(new_window, qapp, scale):
    window = new_window()
    window.resize(1440, 900)
    window.session.start(SMALL[:50] * scale, "extreme", None, [Scheme.parse("int8 symmetric")])
    qapp.processEvents()
    table = window.values.table
    model, metrics = table.model(), table.fontMetrics()
    for at in range(model.columnCount()):
        widest = max(metrics.horizontalAdvance(model.index(row, at).data()) for row in range(50))
        assert table.isColumnHidden(at) or widest + 6 <= table.columnWidth(at)


@pytest.mark.parametrize("size", [(1440, 900), (1000, 700), (667, 467)])
@pytest.mark.parametrize("shape", [(3,), (6400,), (80, 80), (8, 20, 10, 4)])
def test_no_number_and_no_position_is_cut_at_first(open_window, size, shape):
    values = SMALL[: np.prod(shape)].astype(np.float32).reshape(shape)
    window = open_window(values, "int8 symmetric manual(-0.01,0.01)", size=size)
    table = window.values.table
    model, metrics = table.model(), table.fontMetrics()
    shown = [at for at in range(model.columnCount()) if not table.isColumnHidden(at)]
    assert {"R", "Q"} <= {model.headerData(at, Qt.Orientation.Horizontal) for at in shown}
    assert table.horizontalScrollBar().maximum() == 0
    for row in range(len(values)):
        texts = [model.index(row, at).data() for at in shown]
        widths = [table.columnWidth(at) for at in shown]
        assert all(
            metrics.horizontalAdvance(t) + 6 <= w for t, w in zip(texts, widths, strict=True)
        ), texts
        place = model.headerData(row, Qt.Orientation.Vertical)
        assert metrics.horizontalAdvance(place) < table.verticalHeader().width()


def test_a_list_sorted_by_the_error_shows_the_error(open_window):
    values = np.resize(SMALL, (1024, 2816)).astype(np.float32)
    window = open_window(values, "int8 symmetric", size=(1440, 900))
    table = window.values.table
    error = window.values.model.keys.index("error")
    assert table.isColumnHidden(error)
    window.values.worst_first()
    assert not table.isColumnHidden(error)
    assert not table.isColumnHidden(0)
    window.values.unsort()
    assert table.isColumnHidden(error)


def test_no_digit_of_a_value_lies_outside_a_narrow_table(open_window):
    values = 1e9 + 1e-3 * np.random.default_rng(0).normal(size=99)
    window = open_window(values, "int8 asymmetric")
    table = window.values.table
    across = window.frame.across
    across.setSizes([150, 1000, 256])
    QApplication.processEvents()
    assert table.columnWidth(0) <= table.viewport().width(), "cut with a mark"
    across.setSizes([600, 500, 256])
    QApplication.processEvents()
    shown = table.model().index(0, 0).data()
    assert table.columnWidth(0) > table.fontMetrics().horizontalAdvance(shown)
