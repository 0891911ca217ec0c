"""Arrays with several axes, and long ones, in the values pane."""

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication

EDIT = Qt.ItemDataRole.EditRole


@pytest.fixture
def table(window):
    return window.values.table


# Arrays with two and more axes


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


@pytest.mark.parametrize(
    ("cell", "rows", "says"),
    [
        ((0, 3), [[50, 51]], "A block of 1×2 does not fit here: 3×1 cells remain."),
        ((1, 2), [[50, 51, 52]], "A block of 1×3 does not fit here: 2×2 cells remain."),
        ((2, 0), [[50, 51], [52, 53]], "A block of 2×2 does not fit here: 1×4 cells remain."),
        ((0, 0), [[50, 51, 52, 53, 54]], "A block of 1×5 does not fit here: 3×4 cells remain."),
    ],
)
def test_a_block_does_not_go_on_in_the_next_row_or_plane(open_window, person, cell, rows, says):
    values = np.arange(24.0).reshape(2, 3, 4)
    window = open_window(values)
    QApplication.clipboard().setText("\n".join("\t".join(map(str, row)) for row in rows))
    person.click_cell(window.values.table, 4 * cell[0] + cell[1])
    person.press("Ctrl+V")
    assert window.message.text == says
    assert window.session.array.tolist() == values.tolist()
    assert not window.session.undo_stack.canUndo()


def test_a_block_is_pasted_as_rows_and_columns_from_the_chosen_value_on(open_window, person):
    window = open_window(np.arange(24.0).reshape(2, 3, 4))
    person.copy_text("-1\t-2\n-3\t-4\n")
    person.click_cell(window.values.table, 13)
    person.press("Ctrl+V")
    expected = np.arange(24.0).reshape(2, 3, 4)
    expected[1, :2, 1:3] = [[-1, -2], [-3, -4]]
    assert window.session.array.tolist() == expected.tolist()
    person.press("Ctrl+Z")
    assert window.session.array.tolist() == np.arange(24.0).reshape(2, 3, 4).tolist()


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
