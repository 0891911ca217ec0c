"""The list of schemes and the form of the active one."""

import numpy as np
import pytest
from pyqtgraph import TextItem
from PySide6.QtCore import QEvent, QModelIndex, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QPalette
from PySide6.QtWidgets import QApplication, QLabel, QStyleOptionViewItem

from quantoscope.engine import MAPPINGS, Scheme, evaluate
from quantoscope.engine.formats import in_menu_order
from quantoscope.gui.common.theme import COLOURS, LINE_STYLES, MARKERS
from quantoscope.gui.document import commands
from quantoscope.gui.models.schemes import FIGURES

THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")


@pytest.fixture
def form(window):
    return window.schemes.form


def names(window):
    model = window.schemes.list.model()
    return [model.index(row).data() for row in range(model.rowCount())]


def in_results(window):
    model = window.results.table.model()
    shown = [model.index(row, 0).data() for row in range(model.rowCount())]
    return [name.removesuffix(" ⚠") for name in shown]


def active(window):
    return window.session.active.name


def undo_text(window):
    return window.menus.undo.text().replace("&", "")


def problem(field):
    """The sentence below a field of the form, if it is shown."""
    labels = field.window().findChildren(QLabel, "fieldProblem")
    return [label.text() for label in labels if label.isVisible()]


def click_check_box(window, row):
    """Click the check box of a scheme."""
    view = window.schemes.list
    rect = view.visualRect(view.model().index(row))
    at = QPoint(rect.left() + 10, rect.center().y())
    for kind, held in (
        (QEvent.Type.MouseButtonPress, Qt.MouseButton.LeftButton),
        (QEvent.Type.MouseButtonRelease, Qt.MouseButton.NoButton),
    ):
        event = QMouseEvent(
            kind, QPointF(at), QPointF(view.viewport().mapToGlobal(at)), Qt.MouseButton.LeftButton,
            held, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(view.viewport(), event)


# The list


def test_a_long_name_is_cut_with_a_mark_and_needs_no_scrolling(open_window):
    long = "uint4 asymmetric manual(-1,1) per-channel(0) @onnxruntime"
    window = open_window(np.ones((2, 3)), *[long] * 3, size=(1000, 700))
    view = window.schemes.list
    assert not view.horizontalScrollBar().isVisible()
    assert view.visualRect(view.currentIndex()).width() <= view.viewport().width()


def test_long_names_that_differ_in_one_word_look_different_in_list_results_and_lanes(
    open_window, qtbot
):
    long = [f"uint4 asymmetric percentile({p}) per-channel(0) @onnxruntime" for p in (99, 99.9, 98)]
    window = open_window(np.ones((2, 300)) * np.arange(300), *long, size=(1000, 700))
    view, option = window.schemes.list, QStyleOptionViewItem()
    in_list = []
    for row in range(3):
        view.itemDelegate().initStyleOption(option, view.model().index(row, 0))
        in_list.append(option.text)
    column = window.results.table.verticalHeader()
    heads = [window.results.table.model().index(row, 0).data() for row in range(3)]
    in_results = [column._shown(head, 200) for head in heads]
    window.stage.set_views(["signal", "error"])
    plot = window.plots["signal"].plot

    def lanes():
        return [item.toPlainText() for item in plot.item.items if isinstance(item, TextItem)]

    qtbot.waitUntil(lambda: len(lanes()) >= 3)
    in_lanes = lanes()
    for shown in (in_list, in_results, in_lanes):
        for word in ("(99)", "(99.9)", "(98)"):
            assert sum("…" in text and word in text for text in shown) == 1


def test_without_a_scheme_nothing_of_one_can_be_used(open_window, qapp):
    window = open_window([1.0, 2.0], None)
    for key in ("duplicate_scheme", "remove_scheme", "scheme_up", "scheme_down"):
        assert not window.actions_[key].isEnabled()
    assert not window.schemes.form.isEnabled()
    colour = qapp.palette().color
    group, role = QPalette.ColorGroup, QPalette.ColorRole.PlaceholderText
    assert colour(group.Disabled, role).alphaF() < colour(group.Active, role).alphaF()


@pytest.mark.parametrize(
    ("scheme", "shown"),
    [
        ("int8 symmetric percentile(99.9)", "99.9"),
        ("int8 symmetric percentile(99.99)", "99.99"),
        ("int8 symmetric entropy(2048,128)", "2048, 128"),
    ],
)
def test_the_numbers_of_a_method_are_as_short_as_they_were_typed(open_window, scheme, shown):
    form = open_window([1.0, 2.0, 3.0], scheme).schemes.form
    assert form.numbers.text() == shown
    assert (form.text.text(), form.text.cursorPosition()) == (scheme, 0)


def test_a_scheme_that_is_ticked_off_leaves_results_and_plots(window, person):
    curves = len(window.plots["signal"].plot.item.items)
    click_check_box(window, 1)
    assert in_results(window) == ["int8 scale-only", "int8 asymmetric"]
    assert len(window.plots["signal"].plot.item.items) < curves
    assert names(window) == ["int8 scale-only", "int8 symmetric", "int8 asymmetric"]
    assert undo_text(window) == "Undo Hide int8 symmetric"
    person.press("Ctrl+Z")
    assert len(in_results(window)) == 3


def test_the_space_key_ticks_a_scheme_off_and_on(window, person):
    view = window.schemes.list
    view.setFocus()
    view.setCurrentIndex(view.model().index(2))
    person.press("Space")
    assert in_results(window) == ["int8 scale-only", "int8 symmetric"]
    person.press("Space")
    assert len(in_results(window)) == 3


def test_all_schemes_ticked_off_leave_results_that_say_what_to_do(window):
    for row in range(3):
        click_check_box(window, row)
    window.places["results"].reveal()
    assert not window.results.table.isVisible()
    texts = [x.text() for x in window.results.findChildren(QLabel) if x.isVisible()]
    assert any("scheme" in text for text in texts)
    for key, pane in window.plots.items():
        window.places[key].reveal()
        QApplication.processEvents()
        assert pane.plot.insight.endswith(".")


def test_choosing_a_scheme_makes_it_active_and_drives_table_and_form(window, form, person):
    view = window.schemes.list
    person.click(view.viewport(), view.visualRect(view.model().index(2)).center())
    assert active(window) == "int8 asymmetric"
    assert "+ Z" in person.heads(window.values.table)
    assert form.text.text() == "int8 asymmetric"
    assert form.mapping.currentText() == "asymmetric"
    assert "Z = -16" in form.outcome.text()
    view.setFocus()
    person.press("Up")
    assert active(window) == "int8 symmetric"
    assert "+ Z" not in person.heads(window.values.table)


def test_a_scheme_is_renamed_in_the_list_and_back(window, person):
    view = window.schemes.list
    view.setFocus()
    view.setCurrentIndex(view.model().index(1))
    person.press("F2")
    person.press("Ctrl+A")
    person.type("mine")
    person.press("Return")
    assert names(window)[1] == "mine"
    assert in_results(window)[1] == "mine"
    assert undo_text(window) == "Undo Rename int8 symmetric"
    person.press("F2", "Ctrl+A", "Delete", "Return")
    assert names(window)[1] == "int8 symmetric"


def test_a_scheme_is_duplicated_removed_and_moved_by_keys(window, person):
    window.schemes.list.setFocus()
    person.press("Ctrl+Shift+D")
    assert names(window) == ["int8 scale-only"] * 2 + ["int8 symmetric", "int8 asymmetric"]
    first, copy = window.session.entries[:2]
    assert window.session.active_uid == copy.uid
    assert (first.colour, first.line, first.marker) != (copy.colour, copy.line, copy.marker)
    person.press("Alt+Shift+Down")
    assert names(window)[1:3] == ["int8 symmetric", "int8 scale-only"]
    assert undo_text(window) == "Undo Move int8 scale-only"
    person.press("Alt+Shift+Up", "Alt+Shift+Up", "Alt+Shift+Up")
    assert window.session.entries[0].uid == copy.uid
    person.press("Ctrl+Shift+Backspace")
    assert names(window) == ["int8 scale-only", "int8 symmetric", "int8 asymmetric"]
    assert undo_text(window) == "Undo Remove int8 scale-only"
    while window.session.undo_stack.canUndo():
        person.press("Ctrl+Z")
    assert names(window) == ["int8 scale-only", "int8 symmetric", "int8 asymmetric"]
    assert window.session.entries[0].uid == first.uid


@pytest.mark.parametrize(("removed", "left"), [(0, 1), (1, 2), (2, 1)])
def test_the_scheme_below_a_removed_one_becomes_active_or_else_the_last(window, removed, left):
    entries = window.session.entries
    window.session.activate(entries[removed].uid)
    window.actions_["remove_scheme"].trigger()
    assert window.session.active_uid == entries[left].uid
    window.session.activate(entries[left].uid)
    other = next(e for e in window.session.entries if e.uid != entries[left].uid)
    commands.remove_entry(window.session, other.uid)
    assert window.session.active_uid == entries[left].uid, "another one was removed"


def test_removing_the_last_scheme_leaves_a_window_that_works(window, person):
    for _ in range(3):
        window.actions_["remove_scheme"].trigger()
    assert names(window) == []
    assert not window.schemes.form.isEnabled()
    assert person.heads(window.values.table) == ["R"]
    assert not window.actions_["remove_scheme"].isEnabled()
    assert "Add a scheme" in window.steps.view.toPlainText()
    person.edit_cell(window.values.table, 0, "0.5")
    assert window.session.array[0] == 0.5
    for action in window.menus.add_scheme.actions():
        if action.text() == "uint8 asymmetric":
            action.trigger()
    assert names(window) == ["uint8 asymmetric"]
    assert active(window) == "uint8 asymmetric"
    assert undo_text(window) == "Undo Add uint8 asymmetric"


def test_delete_in_the_list_of_schemes_does_not_touch_the_values(window, person):
    person.click_cell(window.values.table, 1)
    before = window.session.array.tobytes()
    window.schemes.list.setFocus()
    person.press("Delete")
    assert window.session.array.tobytes() == before


@pytest.mark.parametrize("start", range(3))
@pytest.mark.parametrize("row", [-1, 0, 1, 2, 3])
def test_a_scheme_is_moved_by_drag_and_drop(window, start, row):
    model = window.schemes.list.model()
    before = names(window)
    data = model.mimeData([model.index(start)])
    move = Qt.DropAction.MoveAction
    assert model.supportedDropActions() == move
    assert not model.dropMimeData(data, move, row, 0, QModelIndex())
    expected = before[:]
    place = 3 if row < 0 else row
    name = expected.pop(start)
    expected.insert(place - (place > start), name)
    assert names(window) == expected
    if expected != before:
        window.session.undo_stack.undo()
        assert names(window) == before


def test_colours_lines_and_markers_differ_between_schemes(window):
    for _ in range(4):
        window.actions_["duplicate_scheme"].trigger()
    styles = [(e.colour, e.line, e.marker) for e in window.session.entries]
    assert len(set(styles)) == 7
    assert len({colour for colour, _, _ in styles}) == 7


# The form


def test_every_format_is_offered_and_int8_first(form):
    offered = [form.format.itemText(place) for place in range(form.format.count())]
    assert offered == [fmt.name for fmt in in_menu_order()]
    assert offered[0] == "int8"


@pytest.mark.parametrize("name", ["uint8", "int4", "int2", "uint16"])
def test_a_format_is_chosen_with_the_keyboard(window, form, person, name):
    person.choose(form.format, name)
    assert str(window.session.active.scheme.format) == name
    assert names(window)[0].startswith(name)
    assert form.text.text().startswith(name)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_every_mapping_can_be_chosen(window, form, person, mapping):
    window.session.activate(window.session.entries[1].uid)
    person.choose(form.mapping, mapping)
    assert window.session.active.scheme.mapping == mapping


def test_typing_a_scheme_is_followed_live_and_is_one_undo_step(window, form, person):
    form.text.setFocus()
    person.press("Ctrl+A")
    person.type("int4 symmetric")
    assert active(window) == "int4 symmetric"
    assert in_results(window)[0] == "int4 symmetric"
    assert undo_text(window) == "Undo Change to int4 symmetric"
    person.press("Ctrl+A")
    person.type("uint8 asymmetric")
    assert active(window) == "uint8 asymmetric"
    assert window.session.undo_stack.count() == 1
    window.session.undo_stack.undo()
    assert active(window) == "int8 scale-only"


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("int8 symetric", "symmetric"),
        ("int8", "mapping"),
        ("int99 symmetric", "int99"),
        ("int8 symmetric manual(1,-1)", "lo smaller than hi"),
        ("", ""),
    ],
)
def test_a_wrong_scheme_text_stays_and_says_why(window, form, person, typed, says):
    form.text.setFocus()
    person.press("Ctrl+A", "Delete")
    person.type(typed)
    assert form.text.text() == typed
    assert any(says in text and text.endswith((".", "?")) for text in problem(form.text))
    assert active(window) != typed


def test_a_wrong_scheme_text_keeps_its_text_while_other_things_change(window, form, person):
    form.text.setFocus()
    person.press("End")
    person.type("x")
    window.session.activate(window.session.entries[0].uid)
    window.settings.digits = 9
    window.session.evaluator.update()
    assert form.text.text() == "int8 scale-onlyx"
    assert problem(form.text)
    person.press("Backspace")
    assert not problem(form.text)


def test_words_may_come_in_any_order_while_typing(window, form, person):
    form.text.setFocus()
    person.press("Ctrl+A")
    person.type("manual(-2, 2) symmetric int8")
    assert active(window) == "int8 symmetric manual(-2,2)"
    assert form.text.text() == "manual(-2, 2) symmetric int8"


def test_the_range_by_hand_is_typed_live_and_is_one_undo_step(window, form, person):
    person.choose(form.calibration, "manual")
    steps = window.session.undo_stack.count()
    assert active(window).startswith("int8 scale-only manual(-1.016")
    form.low.setFocus()
    person.press("Ctrl+A")
    person.type("-0.5")
    assert form.low.text() == "-0.5"
    form.high.setFocus()
    person.press("Ctrl+A")
    person.type("0,75")
    assert form.high.text() == "0,75"
    assert active(window) == "int8 scale-only manual(-0.5,0.75)"
    assert window.session.undo_stack.count() == steps + 1
    window.session.undo_stack.undo()
    assert form.low.text().startswith("-1.016")
    window.session.undo_stack.undo()
    assert active(window) == "int8 scale-only"
    assert form.low.isReadOnly()


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [("2", "1", "smaller"), ("x", "1", "'x' is not a number"), ("1", "1", "smaller"),
     ("nan", "1", "finite"), ("1,500", "2000", "can be read as")],
)  # fmt: skip
def test_a_wrong_range_stays_and_says_why(window, form, person, low, high, says):
    person.choose(form.calibration, "manual")
    for field, text in ((form.high, high), (form.low, low)):
        field.setFocus()
        person.press("Ctrl+A", "Delete")
        person.type(text)
    assert (form.low.text(), form.high.text()) == (low, high)
    assert any(says in text for text in problem(form.low))
    assert window.session.active.scheme.calibration.method == "manual"


def test_min_max_shows_its_range_read_only_and_back_from_by_hand(window, form, person):
    assert form.low.isReadOnly()
    assert (form.low.text(), form.high.text()) == ("-1.01618", "1.29624")
    person.choose(form.calibration, "manual")
    assert not form.low.isReadOnly()
    person.choose(form.calibration, "minmax")
    assert active(window) == "int8 scale-only"


@pytest.mark.parametrize(
    ("box", "names_", "attribute"),
    [("colour", COLOURS, "colour"), ("line", LINE_STYLES, "line"), ("marker", MARKERS, "marker")],
)
def test_the_style_of_a_scheme_is_changed_and_undone(window, form, person, box, names_, attribute):
    widget = getattr(form.style_row, box)
    before = window.session.active
    icon = window.schemes.list.model().index(0).data(Qt.ItemDataRole.DecorationRole)
    sample = icon.pixmap(34, 14).toImage()
    widget.setFocus()
    person.press("Down")
    after = getattr(window.session.active, attribute)
    assert after == (getattr(before, attribute) + 1) % len(names_)
    icon = window.schemes.list.model().index(0).data(Qt.ItemDataRole.DecorationRole)
    assert icon.pixmap(34, 14).toImage() != sample
    assert undo_text(window) == "Undo Change the style of int8 scale-only"
    window.session.undo_stack.undo()
    assert window.session.active == before


def test_the_name_is_typed_live_and_is_one_undo_step(window, form, person):
    form.label.setFocus()
    person.type("my scheme")
    assert names(window)[0] == "my scheme"
    assert form.label.text() == "my scheme"
    assert window.session.undo_stack.count() == 1
    assert "my scheme" in window.plots["signal"].plot.insight


# What comes of it


def test_a_zero_point_outside_the_codes_is_warned_of_in_the_window(open_window, person):
    window = open_window([100.0, 101.0], "int8 asymmetric")
    warning = window.schemes.form.warning
    assert warning.isVisible()
    assert "zero point" in warning.text()
    assert "outside the codes" in warning.text()
    assert in_results(window) == ["int8 asymmetric"]
    assert person.cell(window.results.table, 0).endswith("⚠")
    tip = person.cell(window.results.table, 0, 0, Qt.ItemDataRole.ToolTipRole)
    assert "outside the codes" in tip


def test_no_warning_is_shown_where_there_is_none(window, form):
    assert not form.warning.isVisible()


@pytest.mark.parametrize(
    ("values", "scheme", "says"),
    [
        ([np.nan, np.nan], "int8 symmetric", "no finite value"),
        ([np.inf], "int8 asymmetric", "no finite value"),
        ([], "int8 symmetric", "empty|no value"),
        ([1.0], "int8 symmetric manual(1e300,1e301)", "reaches beyond float32"),
    ],
)
def test_an_array_that_cannot_be_quantized_says_why_and_shows_no_figures(
    open_window, person, values, scheme, says
):
    import re

    window = open_window(np.array(values, np.float32), scheme)
    form = window.schemes.form
    assert form.warning.isVisible()
    assert re.search(says, form.warning.text())
    assert form.outcome.text() == ""
    results = window.results.table
    assert {person.cell(results, 0, c) for c in range(1, results.model().columnCount())} == {"–"}
    tip = person.cell(results, 0, 0, Qt.ItemDataRole.ToolTipRole)
    assert re.search(says, tip)


def test_the_scale_is_shown_in_short_and_in_full(window, form):
    assert form.outcome.text().startswith("S = 0.00906829")
    assert "Q = -128 … 127" in form.outcome.text()
    assert form.outcome.toolTip() == "S = 0.00906828525019627"


# Headline of each scheme


def figures(window, row):
    return window.schemes.model.index(row).data(FIGURES)


def test_each_scheme_tells_its_sqnr_and_bits_and_the_best_is_bold(window):
    assert window.schemes.model.heads() == ("SQNR dB", "bits")
    for row, text in enumerate(THREE):
        sqnr = evaluate(window.session.array, text).metrics["sqnr"]
        assert [figure.text for figure in figures(window, row)] == [f"{sqnr:.2f}", "8"]
    assert [figures(window, row)[0].best for row in range(3)] == [False, False, True]
    spoken = window.schemes.model.index(0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken.endswith("SQNR dB 21.21, bits 8")


def test_few_values_that_set_the_range_have_a_figure_without_them(open_window):
    values = np.random.default_rng(0).uniform(-1, 1, 1001).astype(np.float32)
    values[500] = 100
    window = open_window(values, *THREE, "int8 symmetric manual(-1,1)")
    assert window.schemes.model.heads() == ("SQNR dB", "w/o #500", "bits")
    best = [[figure.best for figure in figures(window, row)] for row in range(4)]
    assert best[2] == [True, False, False]
    assert best[3] == [False, True, False]


def test_a_scheme_that_is_off_or_not_computed_has_no_figures(window, person):
    model = window.schemes.model
    model.setData(model.index(1), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert figures(window, 1) == ()
    assert len(figures(window, 0)) == 2


def test_figures_stand_below_names_that_are_long_and_the_box_is_where_it_is_drawn(
    window, person, qtbot
):
    view, delegate = window.schemes.list, window.schemes.list.itemDelegate()
    assert not delegate.two_lines
    low = view.visualRect(view.model().index(0)).height()
    name = "a name that is much longer than the list is wide, whatever the font"
    model = window.schemes.model
    model.setData(model.index(0), name)
    QApplication.processEvents()
    assert delegate.two_lines
    row = view.visualRect(view.model().index(0))
    assert row.height() > low + view.fontMetrics().height() / 2
    at = row.topLeft() + QPoint(10, row.height() // 4)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=at)
    assert not window.session.entries[0].enabled
    model.setData(model.index(0), "")
    QApplication.processEvents()
    assert not delegate.two_lines


def test_the_list_shows_more_schemes_where_the_window_is_high(new_window, qapp):
    window = new_window((1440, 900))
    window.files.start_first()
    texts = [f"int{bits} symmetric" for bits in range(2, 8)]
    commands.add_schemes(window.session, [Scheme.parse(text) for text in texts], "more")
    qapp.processEvents()
    view = window.schemes.list
    bottom = view.visualRect(view.model().index(8)).bottom()
    assert 0 < bottom <= view.viewport().height()
