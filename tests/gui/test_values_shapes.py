"""Arrays with several axes, and long ones, in the values pane."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QSpinBox

EDIT = Qt.ItemDataRole.EditRole


@pytest.fixture
def table(window):
    return window.values.table


# Arrays with two and more axes


def test_a_grid_shows_a_plane_and_the_picker_another(open_window, person, qtbot):
    window = open_window(np.arange(24.0).reshape(2, 3, 4), "int8 symmetric")
    pane, grid = window.values, window.values.grid
    window.actions_["grid"].trigger()
    assert grid.isVisible()
    assert (grid.model().rowCount(), grid.model().columnCount()) == (3, 4)
    assert person.rows(grid, 0) == ["0", "4", "8"]
    spins = [s for s in pane.findChildren(QSpinBox) if s.isVisible()]
    assert len(spins) == 1
    spins[0].setFocus()
    person.press("Up")
    assert person.rows(grid, 0) == ["12", "16", "20"]


def test_turning_to_the_grid_and_back_keeps_the_chosen_value(open_window, person):
    window = open_window(np.arange(24.0).reshape(2, 3, 4), "int8 symmetric")
    window.values.table.setFocus()
    window.session.view.choose(18)
    for _ in range(2):
        person.press("Ctrl+Shift+G")
        assert window.session.view.chosen == 18
    window.actions_["grid"].trigger()
    index = window.values.grid.currentIndex()
    assert (index.row(), index.column(), index.data()) == (1, 2, "18")


def test_many_axes_take_no_width_from_the_plots(open_window):
    few = open_window(np.zeros((2, 3, 4)), "int8 symmetric", size=(1000, 700))
    many = open_window(np.zeros((2, 1, 2, 1, 2, 1, 3, 4)), "int8 symmetric", size=(1000, 700))
    for window in (few, many):
        window.actions_["grid"].trigger()
        QApplication.processEvents()
    spins = [s for s in many.values.findChildren(QSpinBox) if s.isVisible()]
    assert len(spins) == 6
    assert all(many.values.rect().contains(s.mapTo(many.values, s.rect().bottomRight()))
               for s in spins)  # fmt: skip
    assert many.values.width() == few.values.width()


@pytest.mark.parametrize("shape", [(64, 32, 3, 3), (4096, 128), (2000,)])
def test_every_stage_is_seen_beside_positions_of_several_axes(open_window, shape):
    table = open_window(np.zeros(shape), "int8 symmetric", size=(1400, 840)).values.table
    assert table.verticalScrollBar().isVisible()
    assert table.horizontalHeader().length() <= table.viewport().width()
    last = "[" + ", ".join(str(n - 1) for n in shape) + "]" if len(shape) > 1 else "1999"
    head = table.verticalHeader()
    font = head.font()
    font.setBold(True)
    assert QFontMetrics(font).horizontalAdvance(last) + 4 <= head.width()


def test_an_edit_in_the_grid_changes_that_value_and_the_undo_text_names_it(open_window, person):
    window = open_window(np.arange(24.0).reshape(2, 3, 4))
    grid = window.values.grid
    window.actions_["grid"].trigger()
    person.edit_cell(grid, 1, "0.5", column=2)
    assert window.session.array[0, 1, 2] == 0.5
    assert window.menus.undo.text().replace("&", "") == "Undo Edit value [0, 1, 2]"
    assert window.session.view.chosen in (6, 10)
    person.press("Ctrl+Z")
    assert window.session.array[0, 1, 2] == 6


@pytest.mark.parametrize(
    ("quantity", "value"), [("R", "2"), ("R′", "2.033"), ("error", "0.0334"), ("Q", "1")]
)
def test_the_grid_shows_any_quantity(open_window, person, quantity, value):
    window = open_window([[0.0, 2.0], [7.1166, -1.0]], "int4 symmetric manual(-14.2332,14.2332)")
    window.actions_["grid"].trigger()
    pane = window.values
    person.choose(pane.findChild(type(window.schemes.form.format)), quantity)
    shown = person.cell(pane.grid, 0, 1)
    expected = {
        "R": window.session.array,
        "R′": window.session.evaluator.active_evaluation.reconstructed,
        "error": window.session.evaluator.active_evaluation.error,
        "Q": window.session.evaluator.active_evaluation.codes,
    }[quantity]
    assert float(shown) == pytest.approx(float(expected[0, 1]), rel=1e-3)
    editable = bool(pane.grid.model().flags(pane.grid.model().index(0, 0)) & Qt.ItemIsEditable)
    assert editable == (quantity == "R")


def test_cells_are_tinted_by_sign_and_magnitude(open_window, person):
    window = open_window([[0.0, 1.0], [-2.0, 0.5]])
    window.actions_["grid"].trigger()
    grid, tint = window.values.grid, Qt.ItemDataRole.BackgroundRole
    zero, one = person.cell(grid, 0, 0, tint), person.cell(grid, 0, 1, tint)
    minus_two, half = person.cell(grid, 1, 0, tint), person.cell(grid, 1, 1, tint)
    assert zero is None
    assert one.hue() == half.hue() != minus_two.hue()
    assert half.alphaF() < one.alphaF() < minus_two.alphaF()


def test_copy_and_paste_in_the_grid_keep_the_block(open_window, person):
    window = open_window(np.arange(12.0).reshape(3, 4))
    grid = window.values.grid
    window.actions_["grid"].trigger()
    person.click_cell(grid, 0, 0)
    person.click_cell(grid, 1, 1, Qt.KeyboardModifier.ShiftModifier)
    person.press("Ctrl+C")
    assert person.clipboard() == "0\t1\n4\t5\n"
    person.click_cell(grid, 1, 2)
    person.press("Ctrl+V")
    assert window.session.array.tolist() == [[0, 1, 2, 3], [4, 5, 0, 1], [8, 9, 4, 5]]
    person.click_cell(grid, 2, 3)
    person.press("Ctrl+V")
    assert window.message.text == "A block of 2×2 does not fit here: 1×1 cells remain."
    person.press("Ctrl+Z")
    assert window.session.array.tolist() == np.arange(12.0).reshape(3, 4).tolist()


@pytest.mark.parametrize(
    ("cell", "rows", "says"),
    [
        ((0, 3), [[50, 51]], "A block of 1×2 does not fit here: 3×1 cells remain."),
        ((1, 2), [[50, 51, 52]], "A block of 1×3 does not fit here: 2×2 cells remain."),
        ((2, 0), [[50], [51]], "A block of 2×1 does not fit here: 1×4 cells remain."),
        ((0, 0), [[50, 51, 52, 53, 54]], "A block of 1×5 does not fit here: 3×4 cells remain."),
    ],
)
def test_a_block_does_not_go_on_in_the_next_row_or_plane(open_window, person, cell, rows, says):
    values = np.arange(24.0).reshape(2, 3, 4)
    window = open_window(values)
    window.actions_["grid"].trigger()
    QApplication.clipboard().setText("\n".join("\t".join(map(str, row)) for row in rows))
    person.click_cell(window.values.grid, *cell)
    person.press("Ctrl+V")
    assert window.message.text == says
    assert window.session.array.tolist() == values.tolist()
    assert not window.session.undo_stack.canUndo()


def test_the_grid_follows_the_chosen_value_to_its_plane(open_window, person):
    window = open_window(np.arange(24.0).reshape(2, 3, 4), "int8 symmetric")
    window.actions_["grid"].trigger()
    window.session.view.choose(23)
    grid = window.values.grid
    assert (grid.currentIndex().row(), grid.currentIndex().column()) == (2, 3)
    assert person.cell(grid, 2, 3) == "23"


def test_an_array_with_one_axis_has_no_grid(window):
    assert not window.actions_["grid"].isEnabled()
    assert not window.values.grid.isVisible()


def test_an_array_of_one_axis_after_one_of_three_goes_back_to_the_list(open_window):
    window = open_window(np.arange(24.0).reshape(2, 3, 4))
    window.actions_["grid"].trigger()
    window.session.start(np.ones(3, np.float32), "next")
    assert window.values.table.isVisible()
    assert not window.actions_["grid"].isEnabled()


def test_pasting_into_an_array_of_two_axes_in_the_list_keeps_its_shape(open_window, person):
    window = open_window(np.zeros((2, 3), np.float32))
    person.click_cell(window.values.table, 1)
    person.copy_text("1\n2\n3\n")
    person.press("Ctrl+V")
    assert window.session.array.tolist() == [[0, 1, 2], [3, 0, 0]]


# Size


def test_a_million_rows_scroll_to_the_end_and_are_computed_as_they_are_seen(
    open_window, person, qtbot
):
    values = np.linspace(-1, 1, 1_000_000, dtype=np.float32)
    window = open_window(values, "int8 symmetric")
    table = window.values.table
    person.click_cell(table, 0)
    person.press("Ctrl+End")
    table.scrollToBottom()
    assert table.visualRect(table.model().index(999_999, 0)).isValid()
    assert person.cell(table, 999_999) == "1"
    assert person.cell(table, 999_999, "Round") == "127"
    assert np.float32(person.cell(table, 500_000, 0, EDIT)) == values[500_000]
    person.click_cell(table, 999_998)
    assert window.session.view.chosen == 999_998


def test_the_stages_of_unseen_rows_are_not_computed(open_window, monkeypatch):
    from quantoscope.gui.models import values as module

    window = open_window(np.ones(100_000), "int8 symmetric")
    asked = []
    real = module.trace

    def counting(array, scheme, where):
        asked.append(len(where))
        return real(array, scheme, where)

    monkeypatch.setattr(module, "trace", counting)
    window.settings.digits = 9
    window.values.table.viewport().repaint()
    window.values.table.scrollToBottom()
    window.values.table.viewport().repaint()
    assert 0 < sum(asked) < 3000


def test_selecting_a_million_rows_asks_the_model_about_few_of_them(
    open_window, person, monkeypatch, qapp
):
    from quantoscope.gui.models.values import ValuesModel

    window = open_window(np.ones(1_000_000, np.float32), "int8 symmetric")
    table = window.values.table
    person.click_cell(table, 0)
    asked = []
    real = ValuesModel.flags

    def counting(model, index):
        asked.append(index.row())
        return real(model, index)

    monkeypatch.setattr(ValuesModel, "flags", counting)
    person.press("Ctrl+A")
    qapp.processEvents()
    table.grab()
    assert len(asked) < 20_000
    person.press("Ctrl+C")
    assert "more than 500,000 cells" in window.message.text
    person.press("Delete")
    assert not window.session.array.any()
