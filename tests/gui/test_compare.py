"""The Compare pane and the Difference plot: where two schemes part, and why."""

import re

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from quantoscope.engine import compare, trace
from quantoscope.engine.examples import EXAMPLES
from quantoscope.gui.common.localized_numbers import short
from tests.gui.plot_bench import noise

ARRAY = noise(300)
EVEN, CUT = "int4 asymmetric", "int4 asymmetric toward-zero pow2"
OTHER = "int8 symmetric"
PAIRS = [(EVEN, CUT), (CUT, EVEN), (EVEN, OTHER), (OTHER, CUT)]


@pytest.fixture
def open_window(open_lean_window):
    return open_lean_window


@pytest.fixture
def window(open_window):
    window = open_window(ARRAY, EVEN, CUT, OTHER)
    front(window, "compare")
    return window


def front(window, key):
    window.places[key].reveal()
    QApplication.processEvents()


def says(window):
    """The line in the head of the pane."""
    return window.places["compare"].insight


def pair(window):
    return tuple(box.currentText() for box in window.compare.boxes)


def choose(window, person, first, second):
    for box, name in zip(window.compare.boxes, (first, second), strict=True):
        person.choose(box, name)
    assert pair(window) == (first, second)


def rows(window, person):
    """The table of causes, row by row."""
    columns = [person.rows(window.compare.causes, column) for column in range(5)]
    return list(zip(*columns, strict=True))


def chosen(window):
    return window.values.table.currentIndex().row()


def share(count, total):
    """A share in per cent, as it should read, within what is left out."""
    return pytest.approx(100 * count / total, rel=0.01, abs=0.5)


def check(window, person, array, first, second):
    """The sentence and the table say what the engine counts."""
    made = compare(array, first, second)
    total = array.size
    match = re.fullmatch(
        r"([\d,]+|None) of (?:the )?([\d,]+) (codes|reconstructed values) differs?"
        r"(?: \((\S+) %\), by up to (.+?))?(; the scales do)?\."
        r"(?: ([\d,]+) of them takes? two choices or more at once\.)?",
        says(window),
    )
    assert match, says(window)
    assert (0 if match[1] == "None" else int(match[1].replace(",", ""))) == made.count
    assert int(match[2].replace(",", "")) == total
    assert match[3] == made.compared
    if made.count:
        assert float(match[4]) == share(made.count, total)
        number, _, unit = match[5].partition(" ")
        assert float(number) == pytest.approx(made.largest_step, rel=1e-5)
        whole = made.compared == "codes" and made.first.qparams.format.integer
        assert unit == (("code" if made.largest_step == 1 else "codes") if whole else "")
    shown = rows(window, person)
    assert len(shown) == len(made.causes) + len(made.unequal)
    for cells, cause in zip(shown, (*made.causes, *made.unequal), strict=True):
        assert (cells[0], cells[3], cells[4]) == (cause.title, cause.first, cause.second)
        if cells[1] == "< 0.1":
            assert 0 < cause.share < 0.05
        else:
            half = 0.0501 if cause.share < 1000 else 0.501
            assert float(cells[1].replace(",", "")) == pytest.approx(cause.share, abs=half)
        if cause.share:
            assert float(cells[2].removesuffix(" %")) == share(cause.share, total)
        else:
            assert cells[2] == "–"
    assert int((match[7] or "0").replace(",", "")) == made.count_together
    assert window.compare.next_button.isEnabled() == (made.count > 0)
    return made


def example(window):
    """What is shown of one value: its first line, what it is put down to, and the rows."""
    text = window.compare.example.toPlainText().replace("\xa0", " ")
    lines = [line.strip() for line in text.split("\n")]
    lines = [line for line in lines if line]
    head = next(place for place, line in enumerate(lines) if line.endswith("first"))
    assert lines[head + 1].endswith("second")
    cells = lines[head + 2 :]
    assert len(cells) % 4 == 0
    rows = [tuple(cells[i : i + 4]) for i in range(0, len(cells), 4)]
    return lines[0], "\n".join(lines[1:head]), rows


def blames(verdict, cause):
    """Whether a verdict names a cause and how either scheme chooses."""
    return (
        verdict.startswith(cause.title)
        and cause.first in verdict
        and verdict.endswith(cause.second)
    )


def plot_insight(window):
    return window.places["difference"].insight


# Which two


def test_the_first_two_schemes_are_compared_at_first(window, person):
    assert pair(window) == (EVEN, CUT)
    check(window, person, ARRAY, EVEN, CUT)


def test_every_scheme_is_offered_in_both_boxes(window):
    for box in window.compare.boxes:
        assert [box.itemText(i) for i in range(box.count())] == [EVEN, CUT, OTHER]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_two_schemes_are_chosen_with_the_keyboard_and_counted_apart(window, person, first, second):
    choose(window, person, first, second)
    made = check(window, person, ARRAY, first, second)
    assert made.count > 0


def test_several_causes_share_the_differences_among_them():
    # Guards the tests here.
    made = compare(ARRAY, EVEN, CUT)
    assert len(made.causes) == 2
    assert sum(cause.count for cause in made.causes) == made.count


def test_choices_without_consequence_are_listed_with_a_count_of_zero(open_window, person):
    window = open_window(ARRAY, "int8 asymmetric", "int8 asymmetric @onnxruntime")
    front(window, "compare")
    made = check(window, person, ARRAY, "int8 asymmetric", "int8 asymmetric @onnxruntime")
    assert made.unequal
    counts = [cells[1:3] for cells in rows(window, person)][len(made.causes) :]
    assert set(counts) == {("0", "–")}


def test_a_row_without_consequence_can_be_selected_and_chooses_nothing(open_window, person):
    window = open_window(ARRAY, "int8 asymmetric", "int8 asymmetric @onnxruntime")
    front(window, "compare")
    person.click_cell(window.values.table, 7)
    last = window.compare.causes.rowCount() - 1
    person.click_cell(window.compare.causes, last)
    assert chosen(window) == 7


def test_one_scheme_against_itself_asks_for_two_different_ones(window, person):
    person.choose(window.compare.boxes[1], EVEN)
    assert pair(window) == (EVEN, EVEN)
    assert says(window) == "Choose two different schemes."
    assert window.compare.causes.rowCount() == 0
    assert not window.compare.next_button.isEnabled()
    assert window.compare.example.toPlainText() == ""
    person.choose(window.compare.boxes[1], OTHER)
    check(window, person, ARRAY, EVEN, OTHER)


def test_two_equal_schemes_differ_nowhere(open_window, person):
    window = open_window(ARRAY, "int8 symmetric", "int8 symmetric")
    front(window, "compare")
    assert says(window) == "None of the 300 codes differs."
    assert window.compare.causes.rowCount() == 0
    assert not window.compare.next_button.isEnabled()
    _, verdict, shown = example(window)
    assert verdict == "Both agree here."
    assert {sign for *_, sign in shown} == {"="}


@pytest.mark.parametrize("schemes", [("int8 symmetric",), (None,)])
def test_fewer_than_two_schemes_ask_for_another_one(open_window, person, schemes):
    window = open_window(ARRAY, *schemes)
    front(window, "compare")
    assert says(window) == "Add another scheme to compare."
    assert window.compare.causes.rowCount() == 0
    assert not window.compare.next_button.isEnabled()
    offered = [a for a in window.menus.add_scheme.actions() if a.text() == "int8 asymmetric"]
    offered[0].trigger()
    if schemes == (None,):
        assert says(window) == "Add another scheme to compare."
        offered[0].trigger()
        assert says(window) == "None of the 300 codes differs."
    else:
        check(window, person, ARRAY, "int8 symmetric", "int8 asymmetric")


@pytest.mark.parametrize("values", [[], [np.nan, np.nan]])
def test_an_array_that_no_scheme_fits_says_that_it_cannot_be_compared(open_window, values):
    window = open_window(np.array(values, np.float32), EVEN, CUT)
    front(window, "compare")
    assert says(window) == "Both schemes have to be applied first."
    assert not window.compare.next_button.isEnabled()
    front(window, "difference")
    assert plot_insight(window)


# Why


def test_selecting_a_cause_chooses_its_example(window, person):
    causes = window.compare.causes
    made = compare(ARRAY, EVEN, CUT)
    for row in (1, 0):
        person.click_cell(causes, row)
        assert chosen(window) == made.causes[row].example
        head, verdict, _ = example(window)
        assert f"Chosen value #{made.causes[row].example}:" in head
        assert blames(verdict, made.causes[row])
    person.press("Down")
    assert chosen(window) == made.causes[1].example


def test_the_next_differing_value_is_found_from_any_value_on_and_after_the_last_the_first(
    window, person
):
    places = np.flatnonzero(compare(ARRAY, EVEN, CUT).differs)
    start = int(places[-6])
    person.click_cell(window.values.table, start)
    seen = []
    for _ in range(10):
        person.click(window.compare.next_button)
        seen.append(chosen(window))
    assert seen == [*places[-5:], *places[:5]]


def test_with_a_cause_selected_only_its_values_follow_each_other(window, person):
    made = compare(ARRAY, EVEN, CUT)
    person.click_cell(window.compare.causes, 1)
    places = np.flatnonzero(made.cause_of == 1)
    start = int(np.flatnonzero(places == chosen(window))[0])
    seen = []
    for _ in range(6):
        person.click(window.compare.next_button)
        seen.append(chosen(window))
    assert seen == [places[(start + step) % places.size] for step in range(1, 7)]


def test_the_button_works_with_the_keyboard(window, person):
    places = np.flatnonzero(compare(ARRAY, EVEN, CUT).differs)
    person.click_cell(window.values.table, int(places[3]))
    window.compare.next_button.setFocus()
    person.press("Space")
    assert chosen(window) == places[4]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_worked_example_shows_both_schemes_and_marks_what_is_unlike(
    window, person, first, second
):
    choose(window, person, first, second)
    made = compare(ARRAY, first, second)
    at = made.causes[0].example
    person.click_cell(window.compare.causes, 0)
    head, verdict, shown = example(window)
    assert head == f"Chosen value #{at}: R = {np.format_float_positional(ARRAY[at], trim='-')}"
    assert blames(verdict, made.causes[0])
    assert all(sign == ("=" if a == b else "≠") for _, a, b, sign in shown)
    assert any(sign == "≠" for *_, sign in shown)
    by_symbol = {symbol: cells for symbol, *cells in shown}
    for column, scheme in enumerate((first, second)):
        one = trace(ARRAY, scheme, [at])
        p = one.qparams.at(0)
        assert by_symbol["S"][column] == short(p.scale, 9)
        assert by_symbol["Z"][column] == str(p.zero_point)
        assert float(by_symbol["R′"][column]) == pytest.approx(one["reconstructed"][0], rel=1e-8)
        assert float(by_symbol["error"][column]) == pytest.approx(one["error"][0], rel=1e-8)
        stages = {stage.symbol: short(one[stage.key][0], 9) for stage in one.stages}
        for symbol, cells in by_symbol.items():
            if symbol in ("S", "Z"):
                continue
            assert cells[column] == stages.get(symbol, "–"), symbol


@pytest.mark.parametrize("size", [(1000, 700), (1440, 900), (1600, 1000)])
def test_all_of_the_worked_example_is_seen_without_scrolling(window, size):
    window.resize(*size)
    window.reset_layout()
    front(window, "compare")
    assert not window.compare.example.verticalScrollBar().maximum()
    assert not window.compare.example.horizontalScrollBar().maximum()


def test_a_value_that_does_not_differ_gives_way_to_an_example_that_does(window, person):
    made = compare(ARRAY, EVEN, CUT)
    same = int(np.flatnonzero(~made.differs)[0])
    person.click_cell(window.values.table, same)
    head, verdict, _ = example(window)
    assert head.startswith(f"For example #{made.causes[0].example}:")
    assert blames(verdict, made.causes[0])


def test_the_example_of_small_floats_shows_their_codes(open_window, person):
    window = open_window(ARRAY, "e4m3fn symmetric", "e5m2 symmetric")
    front(window, "compare")
    person.click_cell(window.compare.causes, 0)
    at = chosen(window)
    _, _, shown = example(window)
    code = next(cells for cells in shown if cells[0] == "Code")
    labels = [f"0x{int(trace(ARRAY, f'{f} symmetric', [at])['code'][0]):02X}"
              for f in ("e4m3fn", "e5m2")]  # fmt: skip
    assert list(code[1:3]) == labels


def test_positions_of_several_axes_are_told_one_per_axis(open_window, person):
    array = ARRAY.reshape(4, 75)
    window = open_window(array, EVEN, CUT)
    front(window, "compare")
    person.click_cell(window.compare.causes, 0)
    made = compare(array, EVEN, CUT)
    at = made.causes[0].example
    assert f"#[{at // 75}, {at % 75}]:" in example(window)[0]
    check(window, person, array, EVEN, CUT)


def test_more_digits_are_shown_when_they_are_asked_for(window, person):
    person.click_cell(window.compare.causes, 0)
    window.settings.digits = 17
    _, _, shown = example(window)
    scales = next(cells for cells in shown if cells[0] == "S")
    made = compare(ARRAY, EVEN, CUT)
    assert [float(t) for t in scales[1:3]] == [made.first.qparams.scale, made.second.qparams.scale]


def test_reconstructed_values_of_a_large_offset_read_as_far_from_r_as_the_error_says(
    open_window, qtbot
):
    offsets = np.random.default_rng(0).normal(size=100) * 1e-3
    window = open_window(offsets, "int8 scale-only", "int8 symmetric")
    front(window, "compare")
    window.session.start(1e9 + offsets, "offset", None, [e.scheme for e in window.session.entries])
    qtbot.waitUntil(lambda: not window.session.evaluator.stale)
    window.session.view.choose(1)
    QApplication.processEvents()
    head, _, shown = example(window)
    real = float(head.split("R = ")[1])
    cells = {symbol: (first, second) for symbol, first, second, _ in shown}
    for reconstructed, error in zip(cells["R′"], cells["error"], strict=True):
        assert float(reconstructed) - real == pytest.approx(float(error), rel=0.01, abs=3e-7)


# While the document changes


def test_editing_a_value_and_undoing_it_are_followed(window, person):
    edited = ARRAY.copy()
    edited[0] = 9.5
    person.edit_cell(window.values.table, 0, "9.5")
    check(window, person, edited, EVEN, CUT)
    person.press("Ctrl+Z")
    check(window, person, ARRAY, EVEN, CUT)
    person.press("Ctrl+Shift+Z")
    check(window, person, edited, EVEN, CUT)


def test_changing_a_compared_scheme_is_followed_and_undone(window, person):
    person.choose(window.schemes.form.format, "int8")
    assert pair(window) == ("int8 asymmetric", CUT)
    check(window, person, ARRAY, "int8 asymmetric", CUT)
    while window.session.undo_stack.canUndo():
        person.press("Ctrl+Z")
    assert pair(window) == (EVEN, CUT)
    check(window, person, ARRAY, EVEN, CUT)


def test_renaming_a_scheme_renames_it_in_the_boxes(window, person):
    window.schemes.form.label.setFocus()
    person.type("mine")
    assert pair(window) == ("mine", CUT)
    check(window, person, ARRAY, EVEN, CUT)


def test_a_compared_scheme_that_is_removed_makes_way_for_another(window, person):
    window.schemes.list.setFocus()
    person.press("Ctrl+Shift+Backspace")
    assert pair(window) == (OTHER, CUT)
    check(window, person, ARRAY, OTHER, CUT)
    person.press("Ctrl+Z")
    first, second = pair(window)
    assert first != second
    check(window, person, ARRAY, first, second)
    person.choose(window.compare.boxes[0], EVEN)
    check(window, person, ARRAY, EVEN, CUT)


def test_removing_all_but_one_scheme_and_undoing_it(window, person):
    window.schemes.list.setFocus()
    person.press("Ctrl+Shift+Backspace", "Ctrl+Shift+Backspace")
    assert says(window) == "Add another scheme to compare."
    assert window.compare.causes.rowCount() == 0
    assert window.compare.example.toPlainText() == ""
    person.press("Ctrl+Shift+Backspace")
    assert says(window) == "Add another scheme to compare."
    person.press("Ctrl+Z", "Ctrl+Z", "Ctrl+Z")
    first, second = pair(window)
    check(window, person, ARRAY, first, second)


def test_a_scheme_that_is_ticked_off_is_compared_all_the_same(window, person):
    view = window.schemes.list
    view.setFocus()
    view.setCurrentIndex(view.model().index(1))
    person.press("Space", "Up")
    check(window, person, ARRAY, EVEN, CUT)


def test_another_array_is_compared_anew(window, person):
    window.files.start_example(next(e for e in EXAMPLES if e.key == "sine-sweep"))
    QApplication.processEvents()
    first, second = pair(window)
    check(window, person, window.session.array, first, second)


def test_a_shorter_array_may_follow_one_whose_example_lies_beyond_its_end(open_window, person):
    window = open_window(np.append(np.zeros(20), noise(20)), EVEN, CUT)
    front(window, "compare")
    window.session.view.choose(0)
    assert "#[0]" not in window.compare.example.toPlainText(), "an example that differs is shown"
    window.session.start(ARRAY[:4].reshape(2, 2), "short")
    check(window, person, ARRAY[:4].reshape(2, 2), EVEN, CUT)


def test_a_large_array_is_compared_in_the_background(open_window, person, qtbot):
    array = noise(60_001)
    window = open_window(array, EVEN, CUT)
    front(window, "compare")
    qtbot.waitUntil(lambda: "differ (" in says(window), timeout=20_000)
    check(window, person, array, EVEN, CUT)


def test_nothing_is_compared_while_both_views_of_it_lie_behind_other_tabs(open_window, person):
    window = open_window(ARRAY, EVEN, CUT)
    session = window.session
    assert session.evaluator.snapshot.comparison is None
    person.edit_cell(window.values.table, 0, "0.5")
    assert session.evaluator.snapshot.comparison is None
    for number, key in enumerate(("compare", "difference")):
        front(window, key)
        assert session.evaluator.snapshot.comparison is not None
        person.edit_cell(window.values.table, 1 + number, "0.25")
        assert session.evaluator.snapshot.comparison is not None
        turn_away(window)
        person.edit_cell(window.values.table, 5 + number, "0.75")
        assert session.evaluator.snapshot.comparison is None


def turn_away(window):
    """Show neither view of the comparison."""
    window.stage.set_views(["signal"])
    window.places["steps"].reveal()
    QApplication.processEvents()


@pytest.mark.parametrize("key", ["compare", "difference"])
def test_nothing_is_compared_while_both_views_of_it_are_closed(open_window, person, key):
    window = open_window(ARRAY, EVEN, CUT)
    session = window.session
    for each in ("compare", "difference"):
        front(window, each)
        turn_away(window)
    person.edit_cell(window.values.table, 0, "0.5")
    assert session.evaluator.snapshot.comparison is None
    edited = ARRAY.copy()
    edited[:2] = 0.5, -7
    front(window, key)
    assert session.evaluator.snapshot.comparison is not None
    person.edit_cell(window.values.table, 1, "-7")
    if key == "compare":
        check(window, person, edited, EVEN, CUT)
    else:
        count = compare(edited, EVEN, CUT).count
        assert f" {count} of 300 values differ" in plot_insight(window)
    turn_away(window)
    person.edit_cell(window.values.table, 2, "0.75")
    assert session.evaluator.snapshot.comparison is None


def test_what_changed_while_nobody_looked_is_compared_when_the_pane_comes_back(window, person):
    front(window, "results")
    edited = ARRAY.copy()
    edited[5] = -7
    person.edit_cell(window.values.table, 5, "-7")
    front(window, "compare")
    check(window, person, edited, EVEN, CUT)


# The Difference plot


def stems(shown):
    """Position and height of every stem drawn, by the colour it is drawn in."""
    found = {}
    for item in shown.items(pg.PlotCurveItem):
        x, y = item.getData()
        found[item.opts["pen"].color().name()] = dict(zip(x[1::2], y[1::2], strict=True))
    return found


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_the_insight_of_difference_counts_and_names_the_causes(bench, first, second):
    shown = bench("difference", ARRAY, first, second)
    made = compare(ARRAY, first, second)
    match = re.fullmatch(
        rf"{re.escape(first)} and {re.escape(second)}: "
        r"([\d,]+) of 300 values differ \((\S+) %\): (.+)\.",
        shown.plot.insight,
    )
    assert match, shown.plot.insight
    assert int(match[1]) == made.count
    assert float(match[2]) == share(made.count, 300)
    most = sorted((c for c in made.causes if c.count), key=lambda cause: -cause.count)
    assert match[3].split("; ") == [c.title for c in most[:3]] + ["…"] * (len(most) > 3)


def test_each_differing_value_stands_as_high_as_it_differs_in_the_ink_of_its_cause(bench):
    shown = bench("difference", ARRAY[:120], EVEN, CUT)
    made = compare(ARRAY[:120], EVEN, CUT)
    codes = made.second.codes.astype(int) - made.first.codes
    by_colour = stems(shown)
    assert len(made.causes) == 2
    for number in range(2):
        colour = shown.plot.theme.neutral(number)
        expected = {at: codes[at] for at in np.flatnonzero(made.cause_of == number)}
        assert by_colour[pg.mkColor(colour).name()] == expected
    assert shown.plot.item.getAxis("left").labelText == "Q₂ − Q₁ (codes)"


def test_reconstructed_values_are_set_apart_in_the_unit_of_the_data(bench):
    array = ARRAY[:60]
    shown = bench("difference", array, EVEN, OTHER)
    made = compare(array, EVEN, OTHER)
    apart = made.second.reconstructed.astype(float) - made.first.reconstructed
    heights = {at: y for each in stems(shown).values() for at, y in each.items()}
    heights = dict(sorted(heights.items()))
    assert list(heights) == np.flatnonzero(made.differs).tolist()
    assert list(heights.values()) == pytest.approx(apart[made.differs])
    assert shown.plot.item.getAxis("left").labelText == "R′₂ − R′₁ (unit of R)"


def test_many_differing_values_are_drawn_within_one_column_per_pixel(bench):
    array = noise(20_000)
    shown = bench("difference", array, EVEN, CUT)
    made = compare(array, EVEN, CUT)
    codes = made.second.codes.astype(int) - made.first.codes
    columns = shown.items(pg.BarGraphItem)
    assert len(columns) == len(made.causes)
    assert max(np.max(c.opts["y1"]) for c in columns) == max(codes.max(), 0)
    assert min(np.min(c.opts["y0"]) for c in columns) == min(codes.min(), 0)


def test_causes_of_many_values_are_told_apart_by_markers_too(bench):
    array = noise(20_000)
    shown = bench("difference", array, EVEN, CUT)
    made = compare(array, EVEN, CUT)
    marked = {key[1]: item for key, item in shown.plot._items.items() if key[0] == "points"}
    assert len(marked) == len(made.causes) == 2
    assert len({item.opts["symbol"] for item in marked.values()}) == 2
    heights = made.second.codes.astype(int) - made.first.codes
    for number, item in marked.items():
        x, y = item.getData()
        at = x.astype(int)
        assert at.size > 3
        assert (made.cause_of[at] == number).all()
        assert (heights[at] == y).all()
        own = heights[made.cause_of == number]
        assert np.abs(y).max() == np.abs(own).max()


def test_the_readout_of_difference_names_both_codes_and_the_cause(bench):
    shown = bench("difference", ARRAY, EVEN, CUT)
    made = compare(ARRAY, EVEN, CUT)
    for cause in made.causes:
        at = cause.example
        shown.move(at, 0)
        lines = shown.pane.readout.text().split("\n")
        assert lines[0] == f"#{at}   R {short(ARRAY[at], 6)}"
        for name, result, line in zip(
            (EVEN, CUT), (made.first, made.second), lines[1:3], strict=True
        ):
            reconstructed = short(result.reconstructed[at], 6)
            assert line == f"{name}: Q {result.codes[at]}, R′ {reconstructed}"
        assert len(lines) == 4
        assert lines[3].removesuffix(f" ({made.part_of[at]} %)") == str(cause)
    shown.move(int(np.flatnonzero(~made.differs)[0]), 0)
    assert len(shown.pane.readout.text().split("\n")) == 3


def test_a_click_in_difference_chooses_the_nearest_value_that_differs(bench):
    shown = bench("difference", ARRAY[:40], EVEN, CUT)
    places = np.flatnonzero(compare(ARRAY[:40], EVEN, CUT).differs)
    for x in (0.2, 11.3, 20.4, 39.3):
        shown.click(x, 0)
        nearest = np.abs(places - x).min()
        assert shown.session.view.chosen in places
        assert abs(shown.session.view.chosen - x) == pytest.approx(nearest)


def test_difference_says_where_nothing_differs_and_a_click_chooses_the_value_itself(bench):
    shown = bench("difference", ARRAY[:40], OTHER, OTHER)
    assert shown.plot.insight == f"{OTHER} and {OTHER}: no value differs."
    shown.click(12, 0)
    assert shown.session.view.chosen == 12


def test_without_a_pair_difference_tells_where_to_choose_one(bench):
    shown = bench("difference", ARRAY, OTHER)
    assert shown.plot.insight == "Choose two schemes in the Compare pane."
    shown.move(10, 0)
    assert not shown.pane.readout.isVisible()


def test_the_pair_of_the_compare_pane_is_the_one_that_difference_draws(window, person):
    front(window, "difference")
    assert window.compare.isVisible()
    assert plot_insight(window).startswith(f"{EVEN} and {CUT}: ")
    choose(window, person, OTHER, CUT)
    assert plot_insight(window).startswith(f"{OTHER} and {CUT}: ")
    made = compare(ARRAY, OTHER, CUT)
    assert f" {made.count} of 300 values differ" in plot_insight(window)
    label = window.plots["difference"].plot.item.getAxis("left").labelText
    assert label == "R′₂ − R′₁ (unit of R)"
    person.edit_cell(window.values.table, 0, "9.5")
    edited = ARRAY.copy()
    edited[0] = 9.5
    made = compare(edited, OTHER, CUT)
    assert f" {made.count} of 300 values differ" in plot_insight(window)


def test_difference_is_linked_to_the_other_plots_over_the_position(window):
    window.stage.set_views(["signal", "difference"])
    QApplication.processEvents()
    view = window.plots["signal"].widget.getPlotItem().getViewBox()
    view.setXRange(10, 20, padding=0)
    QApplication.processEvents()
    low, high = window.plots["difference"].widget.getPlotItem().getViewBox().viewRange()[0]
    assert (low, high) == pytest.approx((10, 20), abs=0.5)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_themes_show_the_same_in_their_own_colours(window, person, theme):
    front(window, "difference")
    person.click_cell(window.compare.causes, 0)
    before = says(window), plot_insight(window), rows(window, person), example(window)
    window.settings.theme = theme
    QApplication.processEvents()
    after = says(window), plot_insight(window), rows(window, person), example(window)
    assert after == before
    plot = window.plots["difference"].plot
    colours = {
        item.opts["pen"].color().name()
        for item in plot.item.items
        if isinstance(item, pg.PlotCurveItem)
    }
    assert colours == {pg.mkColor(window.theme.neutral(n)).name() for n in range(2)}
    picture = window.plots["difference"].grab().toImage()
    corner = picture.pixelColor(QPoint(picture.width() - 2, picture.height() - 2))
    assert (corner.lightness() < 128) == (theme == "dark")
