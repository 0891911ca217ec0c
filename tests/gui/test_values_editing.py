"""Clipboard and rows of the values table."""

import threading

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QInputDialog

from quantoscope.gui.document import clipboard, commands
from quantoscope.gui.document.tensors import source_of_array
from quantoscope.gui.panes.values_edit import parse_position

TEN = "0.5\t-1.25\t3\t4e-3\t5\t6\t7\t8\t9\t10.125"


@pytest.fixture
def table(window):
    return window.values.table


def values(window):
    return window.session.array.tolist()


# Clipboard


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5\r\n0.25\r\n", [0.5, 0.25]),
        ("0.5\n0.25", [0.5, 0.25]),
        ("0.5\r0.25\r", [0.5, 0.25]),
        ("0,5\t1,25\r\n-3,75\t4,5\r\n", [0.5, 1.25, -3.75, 4.5]),
        (TEN, [0.5, -1.25, 3, np.float32(4e-3), 5, 6, 7, 8, 9, 10.125]),
        ("x\ty\n1\t2\n", [1, 2]),
    ],
)
def test_a_block_from_a_spreadsheet_is_pasted_row_by_row(window, table, person, text, expected):
    person.click_cell(table, 0)
    person.copy_text(text)
    person.press("Ctrl+V")
    count = len(expected)
    assert values(window)[:count] == expected
    assert window.session.array.size == max(3, count)
    assert not window.message.isVisible() or not window.message.text.startswith("Line")
    assert window.menus.undo.text().replace("&", "") == f"Undo Paste {count} values"
    person.press("Ctrl+Z")
    assert person.rows(table)[:3] == ["0.21535", "1.29624", "-1.01618"]
    assert table.model().rowCount() == 4


@pytest.mark.parametrize(
    ("text", "expected", "said"),
    [
        ("NA\n0.5\n", [np.nan, 0.5], "1 cell holds a word for a missing value: it is NaN."),
        ("x\ty\n1\t2\n", [1, 2], "The first row was taken for column names: x, y."),
        ("[1, None, 2]", [1, np.nan, 2], "1 cell holds a word for a missing value: it is NaN."),
        (
            "16777217\n1",
            [16777216, 1],
            "1 integer has more digits than float32: it is rounded.",
        ),
    ],
)
def test_what_was_made_of_pasted_text_is_said(window, table, person, text, expected, said):
    person.click_cell(table, 0)
    person.copy_text(text)
    person.press("Ctrl+V")
    np.testing.assert_array_equal(values(window)[: len(expected)], expected)
    assert window.message.text == said


def test_a_whole_number_that_is_typed_and_rounded_is_said(window, table, person):
    person.click_cell(table, 0)
    person.type("16777217")
    person.press("Return")
    assert values(window)[0] == 16777216
    assert window.message.text == "16777217 has more digits than float32: it is rounded."


@pytest.mark.parametrize(("text", "value"), [("0x7f", 127), ("1.5D-03", 1.5e-3), ("#N/A", np.nan)])
def test_a_cell_takes_what_a_file_does(window, table, person, text, value):
    person.click_cell(table, 0)
    person.type(text)
    person.press("Return")
    np.testing.assert_array_equal(values(window)[0], np.float32(value))


def test_spaces_that_group_thousands_are_asked_about(window, table, person, dialog):
    person.click_cell(table, 0)
    person.copy_text("1 234,5\n2 345,5\n")
    with dialog(lambda box: box.buttons()[1].click()):
        person.press("Ctrl+V")
    assert values(window)[:2] == [1234.5, 2345.5]


def test_a_block_of_3_by_4_is_pasted_row_by_row_at_the_end(window, table, person):
    person.click_cell(table, 3)
    block = np.arange(12).reshape(3, 4)
    person.copy_text("".join("\t".join(map(str, row)) + "\r\n" for row in block))
    person.press("Ctrl+V")
    assert values(window)[3:] == list(range(12))
    assert len(table.selectionModel().selectedIndexes()) == 12


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1\t2\n3\n", "Line 2 has 1 value where the line before has 2."),
        ("1\n2\nthree\n", "Line 3, column 1: 'three' is not a number."),
        ("1\t\t3\n", "Line 1, column 2 is empty"),
        ("hello", "is not a number"),
        ("", "The clipboard holds no text to paste."),
        ("  \n", "The clipboard holds no text to paste."),
    ],
)
def test_what_is_no_block_of_numbers_is_said_and_changes_nothing(window, table, person, text, says):
    before = window.session.array.tobytes()
    person.click_cell(table, 0)
    person.copy_text(text)
    person.press("Ctrl+V")
    assert window.message.isVisible()
    assert says in window.message.text
    assert window.session.array.tobytes() == before
    assert not window.menus.undo.isEnabled()


def test_commas_that_can_be_read_in_two_ways_are_asked_about(window, table, person, dialog):
    person.click_cell(table, 0)
    person.copy_text("1,5\n2,5\n")

    def choose(box):
        texts = [b.text() for b in box.buttons()]
        assert any("decimal marks" in t for t in texts)
        next(b for b in box.buttons() if "decimal marks" in b.text()).click()

    with dialog(choose):
        person.press("Ctrl+V")
    assert values(window)[:2] == [1.5, 2.5]


def test_cancelling_that_question_pastes_nothing_and_says_nothing(
    window, table, person, dialog, button
):
    window.message.clear()
    before = values(window)
    person.click_cell(table, 0)
    person.copy_text("1,5\n2,5\n")
    with dialog(button("Cancel")):
        person.press("Ctrl+V")
    assert values(window) == before
    assert not window.message.isVisible()


@pytest.fixture
def slow_read(monkeypatch):
    """Let pasted text be long, and reading it wait until it is told to go on."""
    go_on, read = threading.Event(), clipboard.read

    def slowly(text):
        go_on.wait(10)
        return read(text)

    monkeypatch.setattr("quantoscope.gui.document.clipboard.LONG", 0)
    monkeypatch.setattr("quantoscope.gui.workers.modal_wait.SHOWN_AFTER", 10)
    monkeypatch.setattr("quantoscope.gui.document.clipboard.read", slowly)
    yield go_on
    go_on.set()


@pytest.mark.parametrize(("text", "told"), [("7\n8\n", ""), ("7\n8 9\n", "Line 2")])
def test_a_long_text_is_read_while_a_dialog_says_so(
    window, table, person, dialog, slow_read, text, told
):
    window.message.clear()
    person.click_cell(table, 1)
    person.copy_text(text)
    labels = []

    def go_on(box):
        labels.append(box.labelText())
        slow_read.set()

    with dialog(go_on):
        person.press("Ctrl+V")
    assert labels == ["Reading what was pasted…"]
    if told:
        assert told in window.message.text
    else:
        assert values(window)[1:] == [7, 8]


def test_reading_a_long_text_can_be_cancelled_and_nothing_is_pasted(
    window, table, person, dialog, button, slow_read
):
    before = values(window)
    person.click_cell(table, 1)
    person.copy_text("7\n8\n")
    with dialog(button("Cancel")):
        person.press("Ctrl+V")
    assert values(window) == before
    slow_read.set()
    person.press("Ctrl+V")
    assert values(window)[1:] == [7, 8], "the next paste does not wait for it"


def test_pasting_beyond_the_end_grows_an_array_with_one_axis(window, table, person):
    person.click_cell(table, 2)
    person.copy_text("1\n2\n3\n")
    person.press("Ctrl+V")
    assert values(window)[2:] == [1, 2, 3]


def test_pasting_beyond_the_end_of_two_axes_is_refused_with_a_sentence(open_window, person):
    window = open_window(np.arange(6.0).reshape(2, 3))
    before = window.session.array.tobytes()
    person.click_cell(window.values.table, 4)
    person.copy_text("1\n2\n3\n")
    person.press("Ctrl+V")
    assert window.message.text == "3 values do not fit: only 2 places remain below this one."
    assert window.session.array.tobytes() == before


def test_one_value_is_pasted_into_the_whole_selection(window, table, person):
    person.click_cell(table, 0)
    person.click_cell(table, 2, modifier=Qt.KeyboardModifier.ShiftModifier)
    person.copy_text("0.5")
    person.press("Ctrl+V")
    assert values(window) == [0.5, 0.5, 0.5]
    assert window.menus.undo.text().replace("&", "") == "Undo Paste into 3 values"


def test_copying_gives_full_precision_and_pastes_back_bit_for_bit(window, table, person):
    before = window.session.array.tobytes()
    person.click_cell(table, 0)
    person.click_cell(table, 2, modifier=Qt.KeyboardModifier.ShiftModifier)
    person.press("Ctrl+C")
    assert person.clipboard() == "0.21535037\n1.2962357\n-1.0161772\n"
    person.press("Delete")
    assert values(window) == [0, 0, 0]
    person.press("Ctrl+V")
    assert window.session.array.tobytes() == before


def test_copying_several_columns_gives_the_stages_too(window, table, person):
    person.click_cell(table, 1, 0)
    person.click_cell(table, 1, 4, modifier=Qt.KeyboardModifier.ShiftModifier)
    person.press("Ctrl+C")
    cells = person.clipboard().rstrip("\n").split("\t")
    assert [float(c) for c in cells[2:4]] == [143, 127]
    assert np.float32(cells[4]) == np.float32(1.1516722)


def test_cut_copies_and_sets_to_zero(window, table, person):
    person.click_cell(table, 1)
    person.press("Ctrl+X")
    assert person.clipboard() == "1.2962357\n"
    assert values(window)[1] == 0
    assert window.menus.undo.text().replace("&", "") == "Undo Cut 1 value"


# Rows


def test_rows_are_inserted_above_the_selection(window, table, person):
    person.click_cell(table, 1)
    person.press("Ctrl+Shift++")
    assert values(window) == pytest.approx([0.21535037, 0, 1.2962357, -1.0161772])
    assert window.menus.undo.text().replace("&", "") == "Undo Insert 1 value"


def test_selected_rows_are_removed_in_one_step(window, table, person):
    person.click_cell(table, 0)
    person.click_cell(table, 2, modifier=Qt.KeyboardModifier.ControlModifier)
    person.press("Ctrl+-")
    assert values(window) == pytest.approx([1.2962357])
    assert window.menus.undo.text().replace("&", "") == "Undo Remove 2 values"
    person.press("Ctrl+Z")
    assert person.rows(table)[:3] == ["0.21535", "1.29624", "-1.01618"]


def test_fill_down_repeats_the_first_selected_value(window, table, person):
    person.click_cell(table, 0)
    person.click_cell(table, 2, modifier=Qt.KeyboardModifier.ShiftModifier)
    person.press("Ctrl+D")
    assert values(window) == pytest.approx([0.21535037] * 3)
    assert window.menus.undo.text().replace("&", "") == "Undo Fill 2 values"


def test_fill_down_on_one_cell_takes_the_value_above(window, table, person):
    person.click_cell(table, 1)
    person.press("Ctrl+D")
    assert values(window)[1] == values(window)[0]


def test_rows_of_an_array_with_two_axes_cannot_be_inserted_or_removed(open_window, person):
    window = open_window(np.arange(6.0).reshape(2, 3))
    before = window.session.array.tobytes()
    person.click_cell(window.values.table, 1)
    person.press("Ctrl+Shift++")
    assert "only in an array with one axis" in window.message.text
    window.message.clear()
    person.press("Ctrl+-")
    assert "only in an array with one axis; this one has 2" in window.message.text
    assert window.session.array.tobytes() == before


@pytest.mark.parametrize("rows", [(0, 1, 2), (1,), (0, 1, 2, 3)])
def test_removing_everything_or_something_never_breaks_a_pane(window, table, person, rows):
    person.click_cell(table, rows[0])
    for row in rows[1:]:
        person.click_cell(table, row, modifier=Qt.KeyboardModifier.ControlModifier)
    person.press("Ctrl+-")
    assert window.session.array.size == 3 - len([r for r in rows if r < 3])
    person.press("Ctrl+Z")
    assert window.session.array.size == 3


def test_clearing_with_nothing_selected_is_no_step_and_no_error(open_window, person):
    window = open_window(np.zeros(0, np.float32))
    person.click_cell(window.values.table, 0)
    person.press("Delete", "Ctrl+X", "Ctrl+-", "Ctrl+D", "Ctrl+C")
    assert window.session.array.size == 0
    assert not window.menus.undo.isEnabled()


@pytest.mark.parametrize(("typed", "row"), [("2", 2), ("0", 0)])
def test_go_to_chooses_the_value_at_a_position(window, table, person, dialog, typed, row):
    def answer(box):
        assert isinstance(box, QInputDialog)
        person.type(typed)
        person.press("Return")

    person.click_cell(table, 1)
    with dialog(answer):
        person.press("Ctrl+G")
    assert table.currentIndex().row() == row
    assert window.session.view.chosen == row


@pytest.mark.parametrize("typed", ["3", "-1", "x", ""])
def test_go_to_a_place_that_is_not_there_says_which_there_are(window, table, person, dialog, typed):
    def answer(box):
        person.type(typed)
        person.press("Return")

    with dialog(answer):
        person.press("Ctrl+G")
    assert window.message.text == "Type a position from 0 to 2."


def test_go_to_says_which_positions_there_are_and_that_an_empty_array_has_none(
    window, person, dialog, open_window
):
    asked = []

    def look(box):
        asked.append(box.labelText())
        box.reject()

    with dialog(look):
        person.press("Ctrl+G")
    with dialog(look):
        open_window(np.arange(24.0).reshape(2, 3, 4)).actions_["goto"].trigger()
    assert asked == [
        "Type a position from 0 to 2:",
        "Type a position from 0 to 23, or one number per axis of 2×3×4:",
    ]
    empty = open_window(np.zeros(0))
    empty.actions_["goto"].trigger()
    assert empty.message.text == "There is no value to go to yet."


def test_go_to_takes_one_number_per_axis(open_window, person, dialog):
    window = open_window(np.arange(24.0).reshape(2, 3, 4))

    def answer(box):
        person.type("1, 0, 2")
        person.press("Return")

    with dialog(answer):
        person.press("Ctrl+G")
    assert window.session.view.chosen == 14
    assert "#[1, 0, 2]" in window.places["steps"].insight


@pytest.mark.parametrize(
    ("typed", "shape", "position"),
    [
        ("1 000", (3000,), 1000),
        ("1'000", (3000,), 1000),
        ("1e3", (3000,), 1000),
        ("0x7f", (3000,), 127),
        ("１２", (3000,), 12),
        ("١٢", (3000,), 12),
        ("12,0", (3000,), 12),
        ("2,048", (3000,), 2048),
        ("12,30", (50, 60), 750),
        ("[12; 30]", (50, 60), None),
        ("1 000", (50, 60), None),
        ("[1 000]", (50, 60), 60),
        ("12 5", (50, 60), 725),
        ("0x1 0x2", (50, 60), 62),
        ("1,000", (3000,), None),
        ("1_000", (3000,), None),
        ("12.5", (3000,), None),
        ("inf", (3000,), None),
    ],
)
def test_go_to_reads_numbers_as_cells_do(typed, shape, position):
    found = parse_position(typed, shape)
    assert isinstance(found, str) if position is None else found == position


@pytest.mark.parametrize(
    ("typed", "shape", "said"),
    [
        ("1 000", (50, 60), "1 000 can mean the position [16, 40] or [1, 0]: type one of these."),
        ("1,000", (3000,), "1,000 can mean the position 1000 or 1: type one of these."),
    ],
)
def test_go_to_asks_which_of_two_positions_is_meant(typed, shape, said):
    assert parse_position(typed, shape) == said


def test_typing_where_nothing_can_be_typed_says_where_it_can(window, table, person):
    before = values(window)
    person.edit_cell(table, 1, "9", column=1)
    assert values(window) == before
    assert window.message.text == "Only column R can be edited: the others follow from it."
    person.edit_cell(table, 1, "9")
    assert values(window)[1] == 9


# A cell that is open while something else is done: buttons and menus take no focus


@pytest.fixture
def typing(open_window, person):
    """A window in which a 4 is being typed over the third of eight values."""
    window = open_window(np.arange(8.0))
    person.click_cell(window.values.table, 3)
    person.type("4")
    assert person.editing(window.values.table)
    return window


def test_what_is_being_typed_stays_with_its_tensor_when_another_comes_up(typing, qtbot, tmp_path):
    first = typing.session.current
    np.save(tmp_path / "other.npy", np.ones(5, np.float32))
    typing.open_paths([tmp_path / "other.npy"])
    qtbot.waitUntil(lambda: typing.session.current is not first)
    assert typing.session.array.tolist() == [1] * 5
    assert first.array.tolist() == [0, 1, 2, 4, 4, 5, 6, 7]
    typing.session.undo_stack.undo()
    assert first.array.tolist() == list(range(8))


def test_undo_by_its_button_takes_back_what_is_being_typed(typing, person):
    commands.edit_value(typing.session, 0, 9.0)
    typing.menus.undo.trigger()
    assert typing.session.array.tolist() == [9, 1, 2, 3, 4, 5, 6, 7]
    typing.menus.undo.trigger()
    typing.menus.redo.trigger()
    typing.menus.redo.trigger()
    assert typing.session.array.tolist() == [9, 1, 2, 4, 4, 5, 6, 7]


@pytest.mark.parametrize("action", ["insert_rows", "remove_rows"])
def test_rows_that_come_or_go_while_a_cell_is_open_leave_it_done(typing, person, action):
    typing.actions_[action].trigger()
    assert not person.editing(typing.values.table)
    source = source_of_array("other", np.ones(5, np.float32))
    typing.session.add(source)
    typing.session.show(source.tensors[0])
    assert typing.session.array.tolist() == [1] * 5
    for _ in range(2):
        typing.session.undo_stack.undo()
    assert typing.session.array.tolist() == list(range(8))


def test_what_is_being_typed_is_saved_too(typing, tmp_path):
    assert typing.files.write_values(tmp_path / "values.npy")
    assert np.load(tmp_path / "values.npy").tolist() == [0, 1, 2, 4, 4, 5, 6, 7]
    assert not typing.isWindowModified()


def test_what_is_being_typed_is_asked_about_when_the_window_closes(typing, dialog, button):
    with dialog(button("Cancel")):
        typing.close()
    assert typing.session.array[3] == 4


def test_a_text_that_is_no_number_does_not_follow_to_another_tensor(typing, person):
    person.type("x")
    source = source_of_array("other", np.ones(5, np.float32))
    typing.session.add(source)
    typing.files.show_tensor(source.tensors[0])
    assert not person.editing(typing.values.table)
    assert typing.session.array.tolist() == [1] * 5


def test_what_was_said_of_an_edit_that_was_refused_goes_with_the_next_edit(window, person):
    table = window.values.table
    person.click_cell(table, 0, 2)
    person.type("5")
    assert "Only column R can be edited" in window.message.text
    person.edit_cell(table, 0, "0.5")
    assert not window.message.isVisible()
    person.click_cell(table, 0, 2)
    person.type("5")
    assert window.message.isVisible()
    person.press("Ctrl+Z")
    assert not window.message.isVisible()


def test_what_was_said_of_a_file_stays_while_values_are_edited(window, person, tmp_path, qtbot):
    window.open_paths([tmp_path / "missing.npy"])
    qtbot.waitUntil(lambda: "missing.npy" in window.message.text)
    person.edit_cell(window.values.table, 0, "0.5")
    assert "missing.npy" in window.message.text


def test_what_is_being_typed_is_kept_when_its_file_is_read_again(
    open_window, person, tmp_path, qtbot
):
    path = tmp_path / "a.npy"
    np.save(path, np.arange(8, dtype=np.float32))
    window = open_window(np.zeros(2))
    window.open_paths([path])
    qtbot.waitUntil(lambda: window.session.array.size == 8)
    person.click_cell(window.values.table, 3)
    person.type("4.5")
    window.files.reopen(window.session.source_of(window.session.current))
    qtbot.waitUntil(lambda: not window.background.running("file"))
    qtbot.waitUntil(lambda: window.session.array[3] == 4.5)
    window.session.undo_stack.undo()
    assert window.session.array.tolist() == list(range(8))
    assert window.session.source_of(window.session.current) is not None


# A clipboard without plain text


def put_html(html, text=None):
    data = QMimeData()
    data.setHtml(html)
    if text is not None:
        data.setText(text)
    QGuiApplication.clipboard().setMimeData(data)


def test_a_table_that_was_copied_as_a_page_alone_is_pasted_as_cells(window, table, person):
    person.click_cell(table, 0)
    put_html("<table><tr><td>0.5</td><td>-1</td></tr><tr><td>2</td><td>7</td></tr></table>")
    person.press("Ctrl+V")
    assert values(window) == [0.5, -1, 2, 7]


def test_plain_text_counts_for_more_than_the_page_beside_it(window, table, person):
    person.click_cell(table, 0)
    put_html("<table><tr><td>1</td></tr></table>", "9")
    person.press("Ctrl+V")
    assert values(window)[0] == 9


def test_a_page_of_words_or_of_several_tables_changes_nothing_and_says_so(window, table, person):
    before = values(window)
    person.click_cell(table, 0)
    put_html("<p>no numbers</p>")
    person.press("Ctrl+V")
    assert "is not a number" in window.message.text
    put_html("<table><tr><td>1</table><table><tr><td>2</table>")
    person.press("Ctrl+V")
    assert window.message.text == "The clipboard holds 2 tables: copy one of them."
    assert values(window) == before
