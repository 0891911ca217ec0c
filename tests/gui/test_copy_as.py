"""Arrays of programs and Markdown tables through the clipboard, both ways."""

import numpy as np
import pytest
from PySide6.QtGui import QGuiApplication

from quantoscope.engine.text.paste import read
from quantoscope.gui.panes import values_copy


def _clipboard():
    return QGuiApplication.clipboard().text()


def _copy_as(window, person, form):
    """Choose an entry of Edit ▸ Copy as."""
    place = [key for key, _ in values_copy.FORMS].index(form)
    window.menus.copy_as.actions()[place].trigger()


def _empty(open_window):
    return open_window(np.zeros(0, np.float32))


@pytest.mark.parametrize("form", ["python", "numpy", "c"])
def test_the_whole_array_is_copied_with_its_shape_and_pastes_back(open_window, person, form):
    array = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    array[1, 2, 3], array[0, 0, 0] = np.nan, -np.inf
    window = open_window(array, "int8 symmetric")
    window.values.table.setFocus()
    person.press("Ctrl+A")
    _copy_as(window, person, form)
    np.testing.assert_array_equal(read(_clipboard()).values.astype(np.float32), array)
    other = _empty(open_window)
    other.values.table.setFocus()
    person.press("Ctrl+V")
    np.testing.assert_array_equal(other.session.array, array)
    person.press("Ctrl+Z")
    assert other.session.array.shape == (0,)


def test_numpy_text_has_the_precision_and_an_empty_document_takes_it(open_window, person):
    window = open_window(np.array([0.1, 1 / 3]))
    window.values.table.setFocus()
    person.press("Ctrl+A")
    _copy_as(window, person, "numpy")
    assert _clipboard() == "np.array([0.1, 0.3333333333333333], dtype=np.float64)\n"
    other = _empty(open_window)
    other.values.table.setFocus()
    person.press("Ctrl+V")
    assert other.session.array.dtype == np.float64
    assert other.session.array.tolist() == [0.1, 1 / 3]


def test_a_part_of_a_column_is_copied_with_one_axis(window, person):
    person.click_cell(window.values.table, 0)
    person.press("Shift+Down")
    _copy_as(window, person, "c")
    assert _clipboard() == "static const float values[2] = {0.21535037f, 1.2962357f};\n"


def test_a_markdown_table_has_all_selected_columns_with_heads(window, person):
    window.values.table.setFocus()
    person.press("Ctrl+A")
    _copy_as(window, person, "markdown")
    lines = _clipboard().splitlines()
    assert lines[0].startswith("| R | R/S |")
    assert lines[2].startswith("| 0.21535037 | ")
    assert len(lines) == 5


def test_results_are_copied_as_a_markdown_table(window, person):
    window.results.table.setFocus()
    _copy_as(window, person, "markdown")
    lines = _clipboard().splitlines()
    assert "SQNR" in lines[0]
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        entry.name for entry in window.session.entries
    ]


def test_more_than_a_clipboard_takes_is_refused_with_what_to_do(open_window, person, monkeypatch):
    monkeypatch.setattr(values_copy, "MAX_COPIED", 10)
    window = open_window(np.arange(11))
    window.values.table.setFocus()
    person.press("Ctrl+A")
    _copy_as(window, person, "python")
    assert _clipboard() == ""
    assert "use Export ▸ Table" in window.message.text


@pytest.mark.parametrize("shape", [(4,), (3, 4)])
def test_cells_are_counted_and_not_rows_where_too_many_are_copied(
    open_window, person, monkeypatch, shape
):
    monkeypatch.setattr(values_copy, "MAX_COPIED", 10)
    window = open_window(np.ones(shape), "int8 symmetric")
    window.values.table.setFocus()
    person.press("Ctrl+A", "Ctrl+C")
    assert person.clipboard() == ""
    assert "more than 10 cells" in window.message.text


def test_a_list_is_pasted_from_the_current_cell_on(window, person):
    person.copy_text("x = [1.5, 2.5, 3.5, 4.5]")
    person.click_cell(window.values.table, 1)
    person.press("Ctrl+V")
    assert window.session.array[1:].tolist() == [1.5, 2.5, 3.5, 4.5]


def test_over_everything_selected_an_array_comes_with_its_shape(window, person):
    before = window.session.array.tolist()
    person.copy_text("np.array([[1, 2], [3, 4]])")
    window.values.table.setFocus()
    person.press("Ctrl+A", "Ctrl+V")
    assert window.session.array.tolist() == [[1, 2], [3, 4]]
    assert window.session.array.dtype == np.float32
    person.press("Ctrl+Z")
    assert window.session.array.tolist() == before


def test_a_list_fills_a_row_of_a_matrix(open_window, person):
    window = open_window(np.zeros((2, 3)))
    person.copy_text("[7, 8, 9]")
    person.click_cell(window.values.table, 3)
    person.press("Ctrl+V")
    assert window.session.array.tolist() == [[0, 0, 0], [7, 8, 9]]


def test_an_array_with_more_axes_than_a_plane_is_refused_there(open_window, person):
    window = open_window(np.zeros((2, 3)))
    person.copy_text("[[[1], [2]]]")
    person.click_cell(window.values.table, 0)
    person.press("Ctrl+V")
    assert window.message.text.startswith("3 axes do not fit into a plane")
    assert not window.session.array.any()


def test_what_was_left_out_in_print_is_told_where_the_person_looks(window, person):
    person.copy_text("array([0.1, 0.2, ..., 0.9])")
    person.click_cell(window.values.table, 0)
    person.press("Ctrl+V")
    assert "the middle was left out when this was printed" in window.message.text
