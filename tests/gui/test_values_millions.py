"""Editing and copying values by the million: nothing goes through them one by one."""

import numpy as np
import pytest

from quantoscope.gui.panes import values_copy, values_edit
from quantoscope.gui.panes.values_edit import row_runs, rows_of

COUNT = 2_000_000


@pytest.fixture
def millions(open_lean_window):
    window = open_lean_window(np.zeros(COUNT, np.float32), "int8 symmetric")
    window.values.table.setFocus()
    window.values.select_all()
    return window


@pytest.fixture
def no_list_of_rows(monkeypatch):
    """Fail where the selected rows are listed, which takes seconds for millions."""

    def listed(blocks):
        pytest.fail("the rows were listed")

    for module in (values_edit, values_copy):
        monkeypatch.setattr(module, "rows_of", listed)


def test_too_many_cells_are_refused_before_they_are_listed(millions, no_list_of_rows):
    for form, _ in values_copy.FORMS:
        millions.message.clear()
        assert not millions.values.copy(form)
        assert millions.message.text.startswith("That is more than 500,000 cells")


def test_a_paste_over_millions_that_are_selected_lists_none_of_them(
    millions, no_list_of_rows, person
):
    person.copy_text("1\n2\n3\n")
    millions.values.paste()
    assert millions.session.array[:4].tolist() == [1, 2, 3, 0]


def test_a_selection_that_was_pasted_is_pasted_over_again(millions, person):
    """The second paste of five million values took five seconds in a search for equal rows."""
    millions.values.select_all()
    runs = row_runs(millions.values.table.selected_ranges())
    assert runs == [(0, COUNT)]
    assert millions.values._selected_count() == COUNT


def test_a_sorted_list_takes_a_block_without_asking_for_each_place(open_lean_window, person):
    window = open_lean_window(np.arange(1000)[::-1].copy(), "int8 symmetric")
    asked = []
    real = window.values.model.positions
    window.values.model.positions = lambda rows: asked.append(len(rows)) or real(rows)
    person.click_head(window.values.table, 0)
    person.click_cell(window.values.table, 0)
    person.copy_text("".join(f"-{n}\n" for n in range(1, 401)))
    asked.clear()
    window.values.paste()
    assert sorted(window.session.array[window.session.array < 0].tolist()) == list(range(-400, 0))
    assert window.session.array[999] == -1
    assert max(asked) == 400


@pytest.mark.parametrize(
    ("blocks", "runs"),
    [
        ([], []),
        ([(3, 0, 5, 0)], [(3, 5)]),
        ([(3, 0, 5, 0), (0, 1, 2, 1)], [(0, 5)]),
        ([(3, 0, 9, 0), (4, 1, 5, 1), (12, 0, 12, 0)], [(3, 9), (12, 12)]),
    ],
)
def test_rows_of_a_selection_are_told_as_stretches(blocks, runs):
    assert row_runs(blocks) == runs
    wanted = sorted({row for top, _, bottom, _ in blocks for row in range(top, bottom + 1)})
    assert rows_of(blocks).tolist() == wanted
