"""The figures of the worked example on screen: Results and Steps."""

import re

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from quantoscope.engine import METRICS, evaluate
from quantoscope.engine.analysis.steps import steps as lines_of

TIP = Qt.ItemDataRole.ToolTipRole
THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
VALUES = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)


def steps(window):
    """The lines of the Steps pane, each as one text."""
    blocks = window.steps.view.toPlainText().replace("\xa0", " ").split("\n")
    return re.sub(r"\s+", " ", " ".join(blocks))


def engine_steps(window):
    session = window.session
    made = session.evaluator.active_evaluation
    return lines_of(session.array, made.scheme, made.qparams, session.view.chosen)


def head(window):
    return window.places["steps"].insight


# Results


@pytest.mark.parametrize(
    ("row", "scale", "exact", "zero_point"),
    [
        (0, "0.00906829", "0.00906828525019627", "0"),
        (1, "0.0102066", "0.01020658016204834", "0"),
        (2, "0.00906829", "0.00906828525019627", "-16"),
    ],
)
def test_the_parameters_of_the_worked_example_are_on_screen(
    window, person, row, scale, exact, zero_point
):
    table = window.results.table
    assert person.cell(table, row, "S").lstrip("★☆ ") == scale
    assert exact in person.cell(table, row, "S", TIP)
    assert person.cell(table, row, "Z") == zero_point


def test_another_definition_of_sqnr_is_told_to_the_heads_and_the_cells(window, person):
    results, model = window.results, window.results.table.model()
    told = []
    model.headerDataChanged.connect(lambda _, first, last: told.append(range(first, last + 1)))
    model.dataChanged.connect(
        lambda start, end: told.append(range(start.column(), end.column() + 1))
    )
    before = model.headerData(1, Qt.Orientation.Horizontal)
    person.choose(results.definition, results.definition.itemText(1))
    assert model.headerData(1, Qt.Orientation.Horizontal) != before
    assert len(told) == 2
    assert all(1 in columns for columns in told)


@pytest.mark.parametrize(
    ("place", "rounded", "codes", "reconstructed"),
    [
        (0, [24, 143, -112], [24, 127, -112], [0.21763885, 1.1516722, -1.0156479]),
        (1, [21, 127, -100], [21, 127, -100], [0.21433818, 1.2962357, -1.020658]),
        (2, [8, 127, -128], [8, 127, -128], [0.21763885, 1.2967647, -1.0156479]),
    ],
)
def test_the_codes_of_the_worked_example_are_on_screen(
    window, person, place, rounded, codes, reconstructed
):
    window.session.activate(window.session.entries[place].uid)
    table = window.values.table
    full = Qt.ItemDataRole.EditRole
    for row in range(3):
        assert person.cell(table, row, "Round") == str(rounded[row])
        assert person.cell(table, row, "Q").removeprefix("▼ ") == str(codes[row])
        assert float(person.cell(table, row, "R′", full)) == pytest.approx(
            reconstructed[row], abs=6e-9, rel=6e-8
        )


def test_every_metric_of_every_scheme_is_what_the_engine_says(open_window, person):
    values = np.random.default_rng(1).standard_normal(300).astype(np.float32)
    window = open_window(values, *THREE)
    window.settings.digits = 9
    table, heads = window.results.table, person.heads(window.results.table)
    for row, scheme in enumerate(THREE):
        figures = evaluate(values, scheme).metrics
        for metric in METRICS:
            column = [h for h in heads if h in (metric.name, f"{metric.name} [{metric.unit}]")]
            if metric.key == "codes_available":
                continue
            shown = person.cell(table, row, column[0]).lstrip("★☆ ").split(" / ")[0]
            assert float(shown) == pytest.approx(figures[metric.key], rel=1e-8, abs=1e-300)


def test_the_best_of_each_column_is_marked_and_only_it(window, person):
    table = window.results.table
    sqnr = person.rows(table, "SQNR [dB]")
    assert [text.startswith("★") for text in sqnr] == [False, False, True]
    clipped = person.rows(table, "Clipped high")
    assert [text.startswith("★") for text in clipped] == [False, True, True]
    low = person.rows(table, "Clipped low")
    assert not any(text.startswith("★") for text in low)
    assert not any(text.startswith("★") for text in person.rows(table, "at #"))
    assert "Best of the schemes" in person.cell(table, 2, "SQNR [dB]", TIP)


def test_figures_that_are_shown_alike_are_marked_alike(open_window, person):
    values = np.array([-1.0, 0.5, 1.0], np.float32)
    near = "int8 symmetric manual(-1.0000001,1.0000001)"
    window = open_window(values, "int8 symmetric", near, "int8 scale-only")
    costs = [evaluate(values, scheme).metrics["rmse"] for scheme in ("int8 symmetric", near)]
    assert costs[0] != costs[1]
    window.settings.digits = 3
    shown = person.rows(window.results.table, "RMSE")
    assert shown[0] == shown[1]
    assert shown[0].startswith("★")
    window.settings.digits = 12
    shown = person.rows(window.results.table, "RMSE")
    assert sum(text.startswith("★") for text in shown) == 1


def test_what_is_looked_at_first_stands_first(window, person):
    heads = person.heads(window.results.table)
    assert heads[:7] == [
        "Scheme", "SQNR [dB]", "Bits/value", "Clipped low", "Clipped high", "RMSE", "max |error|",
    ]  # fmt: skip


def test_the_names_stay_where_they_are_when_the_figures_are_scrolled(window, person):
    window.places["results"].reveal()
    window.resize(800, 700)
    table = window.results.table
    names = table.verticalHeader()
    before = names.visibleRegion().boundingRect(), names.width()
    assert names.isVisible()
    bar = table.horizontalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.value() > 0
    assert (names.visibleRegion().boundingRect(), names.width()) == before
    model = table.model()
    texts = [model.headerData(row, Qt.Orientation.Vertical) for row in range(3)]
    assert texts == list(THREE)
    person.click(names.viewport(), QPoint(20, names.sectionViewportPosition(2) + 5))
    assert window.session.active.name == "int8 asymmetric"


def test_a_click_above_the_names_sorts_by_them(window, person):
    window.places["results"].reveal()
    for backwards in (False, True):
        person.click(window.results.corner)
        assert person.rows(window.results.table) == sorted(THREE, reverse=backwards)


def test_where_the_largest_error_lies_is_exact_however_few_digits_are_shown(open_window, person):
    values = np.zeros(40_000, np.float32)
    values[31_539] = 9
    window = open_window(values, "int8 symmetric manual(-1,1)")
    window.settings.digits = 3
    assert person.rows(window.results.table, "at #") == ["31539"]
    assert person.cell(window.results.table, 0, "at #", TIP) == "at # = 31539"
    assert person.rows(window.results.table, "S") == ["0.00787"]


def test_where_the_largest_error_lies_is_one_number_per_axis(open_window, person):
    values = np.zeros((4, 75), np.float32)
    values[2, 71] = 9
    window = open_window(values, "int8 symmetric manual(-1,1)")
    assert person.rows(window.results.table, "at #") == ["[2, 71]"]
    assert person.cell(window.results.table, 0, "at #", TIP) == "at # = [2, 71]"


def test_the_least_bias_is_the_one_nearest_to_zero(open_window, person):
    window = open_window([-1.0, 0.3, 0.9], *THREE)
    values = np.array([-1.0, 0.3, 0.9], np.float32)
    bias = [evaluate(values, scheme).metrics["bias"] for scheme in THREE]
    marked = [text.startswith("★") for text in person.rows(window.results.table, "Bias")]
    smallest = min(map(abs, bias))
    assert marked == [abs(b) == smallest for b in bias]


@pytest.mark.parametrize("head_", ["SQNR [dB]", "MSE", "max |error|", "S", "Clipped high"])
def test_a_click_on_a_head_sorts_by_number(window, person, head_):
    table = window.results.table
    column = person.column(table, head_)

    def numbers():
        return [float(t.lstrip("★☆ ").split(" / ")[0]) for t in person.rows(table, column)]

    before = sorted(numbers())
    person.click_head(table, column)
    first = numbers()
    assert first in (before, before[::-1])
    person.click_head(table, column)
    assert numbers() == first[::-1]


def test_sorting_keeps_the_active_scheme(window, person):
    window.session.activate(window.session.entries[1].uid)
    person.click_head(window.results.table, 1)
    person.click_head(window.results.table, 1)
    assert window.session.active.name == "int8 symmetric"
    table = window.results.table
    row = table.currentIndex().row()
    assert person.cell(table, row) == "int8 symmetric"


def test_a_click_on_a_row_makes_its_scheme_active(window, person):
    person.click_cell(window.results.table, 2, 1)
    assert window.session.active.name == "int8 asymmetric"
    assert window.schemes.list.currentIndex().row() == 2
    assert "+ Z" in person.heads(window.values.table)


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.key)
def test_the_head_of_each_metric_tells_its_formula_and_unit(window, person, metric):
    if metric.key == "codes_available":
        return
    model = window.results.table.model()
    horizontal = Qt.Orientation.Horizontal
    tips = [model.headerData(c, horizontal, TIP) for c in range(1, model.columnCount())]
    tip = next(t for t in tips if t.startswith(f"{metric.name} = "))
    assert metric.formula in tip
    assert metric.unit in tip
    if metric.better:
        assert "better" in tip or "best" in tip


def test_values_carry_their_full_precision_and_unit_in_tips(window, person):
    table = window.results.table
    exact = evaluate(VALUES, THREE[0]).metrics["sqnr"]
    assert person.cell(table, 0, "SQNR [dB]", TIP).startswith(f"SQNR = {exact!r} dB")


def test_copying_the_results_gives_every_figure_at_full_precision(window, person):
    person.click_cell(window.results.table, 0, 1)
    person.press("Ctrl+C")
    lines = person.clipboard().splitlines()
    assert len(lines) == 4
    cells = [line.split("\t") for line in lines]
    assert len({len(row) for row in cells}) == 1
    assert cells[0][:2] == ["Scheme", "SQNR [dB]"]
    assert cells[1][0] == "int8 scale-only"
    assert float(cells[1][1]) == evaluate(VALUES, THREE[0]).metrics["sqnr"]


# Steps


def test_steps_put_this_values_numbers_into_the_formulas(window):
    window.session.view.choose(1)
    text = steps(window)
    for part in (
        "S = (Rmax − Rmin) / (Qmax − Qmin) = (1.296236 − (-1.016177)) / (127 − (-128)) = ",
        "= 0.00906829",
        "R = 1.2962357",
        "R/S = R / S = 1.29624 / 0.00906829 = 142.942",
        "= 143",
        "= 127",
        "R′ = Q · S = 127 · 0.00906829 = 1.15167",
        "error = R′ − R = 1.15167224 − 1.29623568 = -0.144563",
    ):
        assert part in text
    assert "▼ clipped: 143 lies above the last code 127" in head(window)
    assert "15.9 S" in head(window)


def test_steps_of_the_asymmetric_scheme_show_the_zero_point(window):
    window.session.activate(window.session.entries[2].uid)
    text = steps(window)
    assert "Z = Qmax − Round(Rmax / S) = 127 − Round(1.29624 / 0.00906829) = -16" in text
    assert "R′ = (Q − Z) · S = (8 − (-16)) · 0.00906829 = 0.217639" in text


def test_steps_follow_the_table_the_keys_and_the_scheme(window, person):
    assert "#0" in head(window)
    person.click_cell(window.values.table, 2)
    assert "#2" in head(window)
    assert "R = -1.0161772" in steps(window)
    person.press("Up")
    assert "#1" in head(window)
    person.press("Alt+Down")
    assert "#2" in head(window)
    person.press("Alt+Up", "Alt+Up", "Alt+Up")
    assert "#0" in head(window)
    window.session.activate(window.session.entries[1].uid)
    assert head(window).startswith("int8 symmetric")


def test_steps_follow_an_edit_and_its_undo(window, person):
    person.edit_cell(window.values.table, 0, "0.9")
    window.session.view.choose(0)
    assert "R = 0.9" in steps(window)
    person.press("Ctrl+Z")
    assert "R = 0.21535037" in steps(window)


@pytest.mark.parametrize(
    ("value", "says"),
    [(np.nan, "NaN has no code"), (np.inf, "▼ clipped"), (-np.inf, "▲ clipped"),
     (0.5, "rounding"), (0.0, "rounding")],
)  # fmt: skip
def test_steps_say_what_happened_to_any_value(open_window, value, says):
    window = open_window([value, 1.0, -1.0], "int8 symmetric")
    assert says in head(window)
    shown = {np.inf: "∞", -np.inf: "-∞"}.get(value, "NaN" if np.isnan(value) else str(value))
    assert f"R = {shown.removesuffix('.0')}" in steps(window)


def test_steps_name_a_rounding_tie(open_window):
    window = open_window([0.5, 1.5, -127.0], "int8 symmetric manual(-127,127)")
    assert "tie" in head(window)
    assert "even code" in head(window)


def test_steps_after_a_drag_of_the_range_name_the_range_and_not_the_largest_value(open_window):
    window = open_window([0.5, -0.25, 100.0], "int8 symmetric manual(-1.053,1.053)")
    window.session.view.choose(2)
    text = steps(window)
    assert "T = manual range = 1.053" in text
    assert "S = T / Qmax = 1.053 / 127 = 0.00829134" in text
    assert "max|R|" not in text


@pytest.mark.parametrize("rounding", ["toward-zero", "stochastic(3)"])
def test_a_half_is_not_called_cut_off_where_chance_decides(open_window, rounding):
    window = open_window([0.5, 1.5, -127.0], f"int8 symmetric manual(-127,127) {rounding}")
    assert ("cut off" in head(window)) == (rounding == "toward-zero")
    assert ("by chance" in head(window)) == (rounding != "toward-zero")


@pytest.mark.parametrize(
    ("scheme", "value", "word", "code"),
    [
        ("int8 symmetric manual(-1,1)", 2.0, "above the last code", "127"),
        ("int8 symmetric manual(-1,1)", -2.0, "below the first code", "-127"),
        ("uint8 asymmetric manual(0,1)", -0.5, "below the first code", "0"),
        ("uint8 asymmetric manual(0,1)", 1.5, "above the last code", "255"),
        ("e2m1fn symmetric manual(-1,1)", -3.0, "below the first code", "-6"),
    ],
)
def test_a_clipped_value_names_the_code_on_its_side(open_window, person, scheme, value, word, code):
    window = open_window([value, 0.25], scheme)
    assert f"{word} {code};" in head(window)
    tip = person.cell(window.values.table, 0, "Q", TIP)
    assert f"{word} {code}." in tip


def cards(window):
    """The texts of each card, and whether it is framed in alarm."""
    cells = []
    for table in window.steps.view.document().rootFrame().childFrames():
        cells += [table.cellAt(0, column) for column in range(table.columns())][::2]
    alarm = window.theme.alarm.lower()
    texts = []
    for cell in cells:
        start, stop = cell.firstCursorPosition(), cell.lastCursorPosition()
        start.setPosition(stop.position(), start.MoveMode.KeepAnchor)
        edge = cell.format().toTableCellFormat().leftBorderBrush().color().name()
        texts.append((start.selectedText().replace("\xa0", " ").split("\u2029"), edge == alarm))
    return texts


def test_steps_are_cards_and_those_of_a_clipped_value_are_framed_and_marked(window):
    window.session.view.choose(1)
    titles = [" ".join(text[0].split()) for text, _ in cards(window)]
    assert titles == ["1 Scale", "2 Divide", "3 Round", "4 Clip ▼", "5 Reconstruct", "6 Error"]
    assert [alarmed for _, alarmed in cards(window)] == [False, False, False, True, False, True]
    assert cards(window)[3][0][1:] == [
        "Q = Clip(Round(R / S), Qmin, Qmax)", "= Clip(143, -128, 127)", "= 127",
    ]  # fmt: skip
    window.settings.theme = "dark"
    assert [alarmed for _, alarmed in cards(window)] == [False, False, False, True, False, True]
    window.session.view.choose(0)
    assert not any(alarmed for _, alarmed in cards(window))


@pytest.mark.parametrize(
    ("scheme", "titles"),
    [
        ("int8 asymmetric @onnxruntime", "Scale, Zero point, Divide, Round, Add, Clip"),
        ("q4_1", "Divisor, Scale, Offset, Divide, Add, Round, Clip"),
        ("e4m3fn symmetric", "Scale, Divide, Round, Clip, Code"),
        ("mxfp4-gguf", "Scale, Divide, Round, Clip, Code"),
    ],
)
def test_each_family_has_the_cards_of_its_own_stages(open_window, scheme, titles):
    window = open_window(np.linspace(-1, 2, 40), scheme)
    found = [" ".join(text[0].split()).partition(" ")[2] for text, _ in cards(window)]
    assert ", ".join(found) == f"{titles}, Reconstruct, Error"
    made = engine_steps(window)
    shown = steps(window)
    for line in (*made.parameters, *made.values):
        assert " = ".join(filter(None, (line.symbol, line.formula, line.numbers, line.result))) \
            in shown  # fmt: skip


@pytest.mark.parametrize("width", [1000, 1200, 1440])
def test_all_cards_of_three_numbers_are_seen_at_every_width(window, qapp, width):
    window.resize(width, 700)
    qapp.processEvents()
    view = window.steps.view
    assert view.isVisible()
    assert not view.horizontalScrollBar().isVisible()
    assert not view.verticalScrollBar().isVisible()
    assert view.document().size().width() <= view.viewport().width()
    error = view.toPlainText().split()[-1]
    expected = window.session.evaluator.active_evaluation.error[window.session.view.chosen]
    assert float(error) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("size", [(1000, 700), (1440, 900)])
@pytest.mark.parametrize(
    "scheme", ["int8 asymmetric per-channel(0) @onnxruntime", "q4_1", "int4 symmetric @aiedge"]
)
def test_cards_that_have_no_room_in_one_row_stand_in_two_and_none_is_cut(
    open_lean_window, person, size, scheme
):
    window = open_lean_window(np.linspace(-1, 2, 64).reshape(2, 32), scheme)
    window.resize(*size)
    QApplication.processEvents()
    view = window.steps.view
    assert not view.horizontalScrollBar().isVisible()
    assert not view.verticalScrollBar().isVisible()
    assert view.document().size().width() <= view.viewport().width()
    assert view.document().size().height() <= view.viewport().height()
    numbers = [text[0].split()[0] for text, _ in cards(window)]
    assert numbers == [str(n + 1) for n in range(len(numbers))]
    window.places["steps"].take_focus()
    person.press("Ctrl+A", "Ctrl+C")
    assert "error = R′ − R" in person.clipboard()


def test_a_height_that_was_dragged_stays_and_more_cards_are_scrolled(open_lean_window, qtbot):
    window = open_lean_window(np.linspace(-1, 2, 40), "int8 asymmetric @onnxruntime")
    window.resize(1000, 700)
    QApplication.processEvents()
    window.frame.down.setSizes([560, 90])
    window.frame.down.splitterMoved.emit(560, 1)
    height = window.frame.bottom.height()
    window.session.start(np.linspace(-3, 2, 40).astype(np.float32), "another")
    qtbot.waitUntil(lambda: not window.session.evaluator.stale)
    QApplication.processEvents()
    assert window.frame.bottom.height() == height
    assert window.steps.view.verticalScrollBar().maximum() > 0


@pytest.mark.parametrize(
    ("values", "schemes", "says"),
    [
        ([], ("int8 symmetric",), "Type or open a value"),
        ([1.0], (None,), "Add a scheme"),
        ([np.nan], ("int8 symmetric",), "no finite value"),
    ],
)
def test_empty_steps_say_what_would_fill_them(open_window, values, schemes, says):
    window = open_window(np.array(values, np.float32), *schemes)
    assert says in steps(window)


def test_steps_begin_at_their_first_symbol_in_another_size_and_for_another_array(
    open_lean_window, qtbot
):
    window = open_lean_window(np.arange(5) * 1e-5 / 3, "int8 asymmetric @onnxruntime")
    view = window.steps.view
    window.places["steps"].detach()
    own = window.places["steps"].window()
    own.resize(180, 80)
    bars = (view.verticalScrollBar(),)

    def scroll():
        qtbot.waitUntil(lambda: all(bar.maximum() > 0 for bar in bars))
        for bar in bars:
            bar.setValue(bar.maximum())

    scroll()
    own.resize(200, 90)
    qtbot.waitUntil(lambda: [bar.value() for bar in bars] == [0])
    scroll()
    window.session.start(np.ones(3, np.float32), "another")
    qtbot.waitUntil(lambda: not window.session.evaluator.stale)
    assert [bar.value() for bar in bars] == [0]


def test_more_bits_win_no_plain_star_and_bits_stand_beside_db(open_window, person):
    """Groups of one value lose nothing, at 40 bits a value."""
    values = np.random.default_rng(2).standard_normal((40, 8, 1, 1)).astype(np.float32)
    texts = ("int8 symmetric", "int8 asymmetric", "int8 symmetric per-group(32)", "int4 symmetric")
    window = open_window(values, *texts)
    table, heads = window.results.table, person.heads(window.results.table)
    assert heads.index("Bits/value") == heads.index("SQNR [dB]") + 1
    sqnr = person.rows(table, "SQNR [dB]")
    starred = [text[0] if text[0] in "★☆" else "" for text in sqnr]
    assert float(sqnr[2].removeprefix("☆ ")) > 100
    assert starred[2:] == ["☆", "★"]
    assert sorted(starred[:2]) == ["", "☆"]
    assert "Best of the schemes shown that take no more bits" in person.cell(
        table, 3, "SQNR [dB]", TIP
    )
    assert "take fewer bits" in person.cell(table, 2, "SQNR [dB]", TIP)
    assert "Each of 320 groups has 1 of 32 values" in person.cell(table, 2, 0, TIP)


def test_without_the_cheaper_one_the_star_is_the_best_int8_s(open_window, person):
    values = np.random.default_rng(2).standard_normal((40, 8, 1, 1)).astype(np.float32)
    window = open_window(values, "int8 symmetric", "nf4 symmetric per-group(32)")
    assert [text[0] for text in person.rows(window.results.table, "SQNR [dB]")] == ["★", "☆"]
