"""Granularity, formats, runtimes and definitions: chosen in the window, and what they show."""

import math
import re

import ml_dtypes
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QStyleOptionComboBox

from quantoscope.engine import FORMATS, RUNTIMES, Granularity, Scheme, channels, evaluate
from quantoscope.engine.examples import example
from quantoscope.engine.formats import SMALL_FLOATS, in_menu_order
from quantoscope.gui.document import axes
from tests.gui.plot_bench import noise

ARRAY = noise(64, 4).reshape(4, 16)
FLAT = noise(64, 5)
NUMBER = r"\(?(-?[\d.]+(?:e-?\d+)?)\)?"


@pytest.fixture
def open_window(open_lean_window):
    return open_lean_window


@pytest.fixture
def window(open_window):
    return open_window(ARRAY, "int8 symmetric", "int8 asymmetric")


@pytest.fixture
def form(window):
    return window.schemes.form


def said(window):
    """Every text in the pane of schemes that can be read."""
    found = window.schemes.findChildren(QLabel)
    return [x.text().replace("\xa0", " ") for x in found if x.isVisible() and x.text()]


def source(window):
    """The line that says whose arithmetic it is; empty where none is shown."""
    found = window.schemes.findChild(QLabel, "schemeSource")
    return found.text() if found.isVisible() else ""


def warning(window):
    found = window.schemes.findChild(QLabel, "schemeWarning")
    return found.text() if found.isVisible() else ""


def names(window):
    model = window.schemes.list.model()
    return [model.index(row).data() for row in range(model.rowCount())]


def undo(window):
    """Undo by the menu until nothing is left; how often that was."""
    count = 0
    while window.menus.undo.isEnabled():
        window.menus.undo.trigger()
        count += 1
    return count


def type_scheme(window, person, text):
    form = window.schemes.form
    form.text.setFocus()
    person.press("Ctrl+A")
    person.type(text)


def steps(window):
    """The Steps pane as one line."""
    text = window.steps.view.toPlainText().replace("\xa0", " ")
    return re.sub(r"\s+", " ", text)


def step(window, pattern):
    """The numbers in a line of the Steps pane; each # in the pattern is one."""
    parts = [re.escape(part) for part in pattern.split("#")]
    match = re.search(NUMBER.join(parts), steps(window))
    assert match, f"{pattern!r} is not in {steps(window)!r}"
    return [float(text) for text in match.groups()]


def near(*numbers):
    return pytest.approx([float(n) for n in numbers], rel=2e-5)


# Granularity


def test_per_channel_shows_the_axis_and_per_group_the_size(window, form, person):
    number, axes = form.granularity.number, form.granularity.axes
    assert not number.isVisible()
    assert not axes.isVisible()
    person.choose(form.granularity.kind, "per-channel")
    assert not number.isVisible()
    assert axes.isVisible()
    assert axes.currentText() == "axis 0"
    assert names(window)[0] == form.text.text() == "int8 symmetric per-channel(0)"
    person.choose(form.granularity.kind, "per-group")
    assert number.isVisible()
    assert number.text() == "32"
    assert axes.currentText() == "axis 1"
    assert names(window)[0] == "int8 symmetric per-group(32)"
    person.choose(form.granularity.kind, "per-tensor")
    assert not number.isVisible()
    assert names(window)[0] == "int8 symmetric"


def test_a_size_of_the_groups_is_typed_and_all_of_it_is_one_undo_step(window, form, person):
    person.choose(form.granularity.kind, "per-group")
    number = form.granularity.number
    number.setFocus()
    person.press("Ctrl+A")
    person.type("8")
    person.press("Return")
    assert names(window)[0] == form.text.text() == "int8 symmetric per-group(8)"
    assert any(text.startswith("8 × S, Z ") for text in said(window))
    person.press("Up", "Up")
    assert names(window)[0] == "int8 symmetric per-group(10)"
    assert undo(window) == 1
    assert names(window)[0] == form.text.text() == "int8 symmetric"
    assert not number.isVisible()


def test_only_axes_that_the_array_has_can_be_chosen(window, form, person):
    person.choose(form.granularity.kind, "per-channel")
    axes = form.granularity.axes
    axes.setFocus()
    seen = []
    for key in ("Down", "Down", "Up", "Up", "Up", "Up"):
        person.press(key)
        seen.append(axes.currentText())
    assert seen == ["axis 1", "axis 1", "axis 0", "in: axis 1", "out: axis 0", "out: axis 0"]
    assert names(window)[0] == "int8 symmetric per-channel(out)"
    person.choose(axes, "axis 1")
    assert names(window)[0] == "int8 symmetric per-channel(1)"
    assert any(text.startswith("16 × S, Z ") for text in said(window))


def test_an_axis_that_the_array_does_not_have_is_warned_of(window, person):
    table = window.results.table
    for axis in (2, -3):
        type_scheme(window, person, f"int8 symmetric per-channel({axis})")
        assert warning(window) == (
            f"per-channel({axis}) needs an array with an axis {axis}; this one has 2 axes."
        )
        assert person.cell(table, 0, "SQNR [dB]") == "–"
    type_scheme(window, person, "int8 symmetric per-channel(-1)")
    assert warning(window) == ""
    assert names(window)[0] == "int8 symmetric per-channel(-1)"
    sqnr = evaluate(ARRAY, "int8 symmetric per-channel(-1)").metrics["sqnr"]
    # The others take fewer bits: five values have a scale of their own.
    shown = person.cell(table, 0, "SQNR [dB]").removeprefix("☆ ")
    assert float(shown) == pytest.approx(sqnr, rel=1e-5)


def test_the_scheme_of_another_array_may_lack_its_axis(open_window, person):
    window = open_window(ARRAY, "int8 symmetric per-channel(1)")
    window.files.start_example(example("sine-sweep"))
    type_scheme(window, person, "int8 symmetric per-channel(1)")
    expected = "per-channel(1) needs an array with an axis 1; this one has 1 axis (0)."
    assert warning(window) == expected
    assert expected in steps(window)


def test_the_text_may_name_granularity_and_runtime_in_any_order(window, form, person):
    type_scheme(window, person, "@onnxruntime int8 per-group(32) asymmetric")
    expected = "int8 asymmetric per-group(32) @onnxruntime"
    assert names(window)[0] == expected
    type_scheme(window, person, expected)
    assert names(window)[0] == form.text.text() == expected
    assert form.format.currentText() == "int8"
    assert form.mapping.currentText() == "asymmetric"
    assert form.granularity.kind.currentText() == "per-group"
    assert form.granularity.number.text() == "32"
    assert form.runtime.currentText() == "@onnxruntime"
    assert undo(window) == 1
    assert names(window)[0] == "int8 symmetric"


MISFITS = {
    "int8 symmetric per-group(0)": "whole number from 1",
    "int8 symmetric per-channel": "per-channel(0)",
    "int8 symmetric @onnx": "@onnxruntime",
    "nf4 asymmetric": "nf4",
    "q4_0 per-group(16)": "blocks of 32",
    "e4m3fn symmetric @pytorch": "@pytorch has int8, uint8, not e4m3fn",
}


def test_choices_that_do_not_go_together_say_so_and_change_nothing(window, form, person):
    form.text.setFocus()
    for typed, says in MISFITS.items():
        person.press("Ctrl+A")
        person.copy_text(typed)
        person.press("Ctrl+V")
        problems = [x.text() for x in form.findChildren(QLabel, "fieldProblem") if x.isVisible()]
        assert len(problems) == 1
        assert says in problems[0]
        assert names(window)[0] == "int8 symmetric"


# Runtimes


def test_a_verified_runtime_names_what_it_was_compared_with(window, form, person):
    assert source(window) == ""
    person.choose(form.runtime, "@onnxruntime")
    assert names(window)[0] == "int8 symmetric @onnxruntime"
    version = RUNTIMES["onnxruntime"].verified
    assert source(window) == f"ONNX Runtime: verified against {version} on float32 data."
    assert "verified against onnxruntime" in source(window)


def test_a_runtime_from_documentation_says_so_and_has_its_own_rounding_and_scale(
    window, form, person
):
    assert form.rounding.isEnabled()
    assert form.pow2.isEnabled()
    person.choose(form.runtime, "@tensorrt")
    assert names(window)[0] == "int8 symmetric @tensorrt"
    assert "from documentation" in source(window)
    assert not form.rounding.isEnabled()
    assert not form.pow2.isEnabled()
    assert form.rounding.currentText() == ""
    assert form.rounding.placeholderText() == "its own"
    person.choose(form.runtime, "textbook formulas")
    assert names(window)[0] == "int8 symmetric"
    assert source(window) == ""
    assert form.rounding.isEnabled()
    assert form.rounding.currentText() == "ties-even"
    assert form.pow2.isEnabled()


def test_every_runtime_can_be_chosen_after_the_other_from_a_scheme_that_none_has(
    window, form, person
):
    type_scheme(window, person, "int6 scale-only toward-zero pow2")
    form.runtime.setFocus()
    for name in RUNTIMES:
        person.press("Down")
        scheme = Scheme.parse(names(window)[0])
        assert scheme.runtime == name
        assert form.text.text() == names(window)[0]
        assert RUNTIMES[name].title in source(window)
        assert warning(window) == ""
        for row in range(2):
            assert person.cell(window.results.table, row, "SQNR [dB]") != "–"


def test_another_rounding_and_a_power_of_two_are_chosen_and_undone(window, form, person):
    person.choose(form.rounding, "toward-zero")
    assert names(window)[0] == "int8 symmetric toward-zero"
    form.pow2.setFocus()
    person.press("Space")
    assert names(window)[0] == "int8 symmetric toward-zero pow2"
    scale = float(re.search(r"S = (\S+)", " ".join(said(window)))[1])
    assert np.log2(scale) == pytest.approx(round(np.log2(scale)), abs=1e-5)
    undo(window)
    assert names(window)[0] == "int8 symmetric"
    assert not form.pow2.isChecked()
    assert form.rounding.currentText() == "ties-even"


# Formats


def test_a_block_format_has_its_own_mapping_range_and_rounding_and_int8_gives_them_back(
    window, form, person
):
    person.choose(form.format, "q8_0")
    assert names(window)[0] == form.text.text() == "q8_0"
    assert not form.calibration.isEnabled()
    assert form.mapping.currentText() == ""
    assert form.mapping.placeholderText() == "its own"
    assert form.granularity.number.text() == "32"
    assert not form.rounding.isEnabled()
    assert not form.pow2.isEnabled()
    assert not form.runtime.isEnabled()
    assert source(window).startswith("q8_0: verified against gguf")
    assert "q8_0 stores rows of a multiple of 32 values; these have 16" in warning(window)
    person.choose(form.format, "int8")
    assert names(window)[0].startswith("int8 symmetric")
    assert form.calibration.isEnabled()
    assert form.mapping.currentText() == "symmetric"
    assert form.rounding.isEnabled()
    assert form.pow2.isEnabled()
    assert form.runtime.isEnabled()
    assert source(window) == ""


def test_nf4_takes_the_symmetric_mapping(window, form, person):
    window.session.activate(window.session.entries[1].uid)
    assert form.mapping.currentText() == "asymmetric"
    person.choose(form.format, "nf4")
    assert form.mapping.currentText() == "symmetric"
    assert names(window)[1] == form.text.text() == "nf4 symmetric"
    assert source(window).startswith("nf4: from documentation: QLoRA")
    assert not form.rounding.isEnabled()


def test_a_mapping_that_small_floats_lack_brings_an_integer_format(window, form, person):
    type_scheme(window, person, "e4m3fn symmetric")
    person.choose(form.mapping, "asymmetric")
    scheme = Scheme.parse(names(window)[0])
    assert scheme.mapping == "asymmetric"
    assert scheme.format.integer


def test_every_format_is_chosen_one_after_the_other_with_every_plot_painted(open_window, person):
    window = open_window(FLAT, "int8 asymmetric", "int8 symmetric", calibration=True)
    form = window.schemes.form
    form.format.setFocus()
    person.press("Home")
    tabs = ["calibration", "transfer", "codes", "channels", "difference", "compare"]
    for fmt in in_menu_order():
        if fmt.name == "int2":
            # The other widths are searched as the usual ones are, which takes long.
            window.stage.set_views(["signal", "error", "distribution", "codes"])
            tabs.remove("calibration")
        assert form.format.currentText() == fmt.name
        scheme = names(window)[0]
        assert form.text.text() == scheme
        assert scheme.split()[0] == fmt.name
        for key in tabs:
            window.places[key].reveal()
            QApplication.processEvents()
            assert window.places[key].insight
            assert key == "compare" or window.plots[key].plot.insight.startswith(scheme)
        for key in ("signal", "error"):
            window.places[key].reveal()
            QApplication.processEvents()
            assert window.plots[key].plot.insight.startswith(scheme)
        window.places["distribution"].reveal()
        QApplication.processEvents()
        assert window.plots["distribution"].plot.insight.startswith(scheme)
        assert f"R′ = {'S · Q' if fmt.name in ('q4_1', 'q5_1') else ''}" in steps(window)
        assert person.cell(window.results.table, 0, "SQNR [dB]").lstrip("★☆ ") != "–"
        assert warning(window) == "" or warning(window).startswith("Negative values become 0")
        form.format.setFocus()
        person.press("Down")
    assert form.format.currentText() == in_menu_order()[-1].name


# The menu


def test_the_submenus_of_add_scheme_add_each_scheme_that_they_name(window):
    menus = {menu.title(): menu for menu in window.menus.add_scheme.findChildren(QMenu)}
    offered = [a for menu in menus.values() for a in menu.actions() if not a.isSeparator()]
    texts = [a.text() for a in offered]
    assert len(menus) == 4
    assert len(set(texts)) == len(texts)
    for fmt in (fmt for fmt in FORMATS.values() if fmt.mapping):
        assert fmt.name in texts
    for fmt in SMALL_FLOATS:
        assert f"{fmt.name} symmetric" in texts
    for name in RUNTIMES:
        assert any(text.endswith(f" @{name}") for text in texts)
    for kind in ("per-channel(", "per-group("):
        assert any(kind in text for text in texts)
    for action in offered:
        action.trigger()
        assert names(window)[-1] == action.text()
        assert window.schemes.form.text.text() == action.text()
        assert undo(window) == 1
    assert names(window) == ["int8 symmetric", "int8 asymmetric"]


def test_a_scheme_of_a_runtime_tells_in_its_tip_what_it_was_compared_with(window):
    found = {}
    for action in window.menus.add_scheme.actions():
        if action.menu() is not None:
            found |= {a.text(): a.toolTip() for a in action.menu().actions()}
    assert "verified against onnxruntime" in found["int8 symmetric @onnxruntime"]
    assert "from documentation" in found["int8 symmetric @tensorrt"]


# Values


def test_the_values_table_shows_the_bits_of_small_floats(window, person):
    type_scheme(window, person, "e4m3fn symmetric")
    table = window.values.table
    assert person.heads(table) == ["R", "R/S", "Round", "Q", "Code", "R′", "error"]
    scale = np.abs(ARRAY).max() / np.float32(448)
    rounded = (ARRAY.ravel() / scale).astype(ml_dtypes.float8_e4m3fn)
    for row, code in enumerate(rounded.view(np.uint8).tolist()):
        assert person.cell(table, row, "Code") == f"0x{code:02X}"
        assert float(person.cell(table, row, "Q")) == float(rounded[row])
    type_scheme(window, person, "int8 symmetric")
    assert "Code" not in person.heads(table)


def test_nan_has_no_code(open_window, person):
    window = open_window([1.0, np.nan, -0.5], "e5m2 symmetric")
    codes = person.rows(window.values.table, "Code")[:3]
    assert [bool(re.fullmatch("0x[0-9A-F]{2}", code)) for code in codes] == [True, False, True]
    assert codes[1] == ""


def test_the_stages_of_a_runtime_are_columns_of_the_table(window, person):
    type_scheme(window, person, "int8 asymmetric @pytorch")
    table = window.values.table
    heads = person.heads(table)
    assert heads[:2] == ["R", "R·1/S"]
    codes = evaluate(ARRAY, "int8 asymmetric @pytorch").codes.ravel()
    shown = [int(text.lstrip("▼▲ ")) for text in person.rows(table, "Q")]
    assert shown == codes.tolist()


# Steps


def at(open_window, scheme, place, array=FLAT):
    window = open_window(array, scheme)
    window.session.view.choose(place)
    return window


def test_steps_of_q4_0_take_the_scale_from_the_extreme_value_of_the_block(open_window):
    window = at(open_window, "q4_0", 40)
    block, r = FLAT[32:], FLAT[40]
    peak = block[np.abs(block).argmax()]
    d = peak / np.float32(-8)
    s = np.float32(np.float16(d))
    scaled = r / d
    q = min(15, int(scaled + 8.5))
    assert step(window, "d = R of max|R| / (−8) = # / (−8) = #") == near(peak, d)
    assert step(window, "S = float16(d) = float16(#) = #") == near(d, s)
    assert step(window, "Z = (Qmax + 1) / 2 = (# + 1) / 2 = #") == [15, 8]
    assert step(window, "R·1/d = R · (1 / d) = # · (1 / #) = #") == near(r, d, scaled)
    assert step(window, "+ 8.5 = R · (1 / d) + 8.5 = # + 8.5 = #") == near(scaled, scaled + 8.5)
    assert step(window, " = Trunc(#) = #") == near(scaled + 8.5, q)
    assert step(window, " = Clip(#, 0, 15) = #") == [q, q]
    reconstructed = (q - 8) * s
    assert step(window, "R′ = (Q − Z) · S = (# − 8) · # = #") == near(q, s, reconstructed)
    assert step(window, "error = R′ − R = # − # = #") == near(reconstructed, r, reconstructed - r)


def test_steps_of_q4_1_add_the_smallest_value_of_the_block(open_window):
    window = at(open_window, "q4_1", 3)
    block, r = FLAT[:32], FLAT[3]
    m = block.min()
    d = (block.max() - m) / np.float32(15)
    s, kept = np.float32(np.float16(d)), np.float32(np.float16(m))
    line = "d = (Rmax − Rmin) / 15 = (# − #) / 15 = #"
    assert step(window, line) == near(block.max(), m, d)
    assert step(window, "S = float16(d) = float16(#) = #") == near(d, s)
    assert step(window, "m = Rmin = # = #") == near(m, m)
    scaled = (r - m) / d
    line = "(R−m)·1/d = (R − m) · (1 / d) = (# − #) · (1 / #) = #"
    assert step(window, line) == near(r, m, d, scaled)
    q = int(scaled + 0.5)
    assert step(window, " = Trunc(#) = #") == near(scaled + 0.5, q)
    reconstructed = s * q + kept
    line = "R′ = S · Q + float16(m) = # · # + float16(#) = #"
    assert step(window, line) == near(s, q, m, reconstructed)


def test_steps_of_a_small_float_end_in_its_bits(open_window):
    window = at(open_window, "e4m3fn symmetric", 5)
    r, largest = FLAT[5], np.abs(FLAT).max()
    s = largest / np.float32(448)
    number = np.array([r / s]).astype(ml_dtypes.float8_e4m3fn)
    code = int(number.view(np.uint8)[0])
    assert step(window, "S = max|R| / Qmax = # / # = #") == near(largest, 448, s)
    assert step(window, "R/S = R / S = # / # = #") == near(r, s, r / s)
    # Three bits behind the leading one.
    gap = 2.0 ** (math.floor(math.log2(r / s)) - 3)
    line = "Round(R / S / step) · step = Round(# / #) · # = #"
    assert step(window, line) == near(r / s, gap, gap, number[0])
    assert step(window, " = Clip(#, #, #) = #") == near(number[0], -448, 448, number[0])
    value = float(number[0])
    assert re.search(rf"= Bits\({value:g}\) = 0x{code:02X}\b", steps(window))
    assert step(window, "R′ = Q · S = # · # = #") == near(value, s, value * s)


def test_steps_of_a_channel_use_its_own_scale(open_window):
    window = at(open_window, "int8 symmetric per-channel(0)", 2 * 16 + 7, ARRAY)
    row, r = ARRAY[2], ARRAY[2, 7]
    largest = np.abs(row).max()
    s = largest / 127
    assert step(window, "S = max|R| / Qmax = # / 127 = #") == near(largest, s)
    assert step(window, "R/S = R / S = # / # = #") == near(r, s, r / s)
    q = round(float(r / s))
    assert step(window, "R′ = Q · S = # · # = #") == near(q, s, q * s)
    assert "#[2, 7]" in window.places["steps"].insight
    other = np.abs(ARRAY[0]).max()
    window.session.view.choose(3)
    assert step(window, "S = max|R| / Qmax = # / 127 = #") == near(other, other / 127)


def test_steps_of_pytorch_multiply_with_the_reciprocal_in_one_step(open_window):
    window = at(open_window, "int8 asymmetric @pytorch", 9)
    r = FLAT[9]
    low, high = min(FLAT.min(), 0), max(FLAT.max(), 0)
    s = np.float32((high - low) / np.float32(255))
    z = int(np.clip(-128 - np.rint(low / s), -128, 127))
    line = "S = (Rmax − Rmin) / (Qmax − Qmin) = (# − #) / (127 − (-128)) = #"
    assert step(window, line) == near(high, low, s)
    assert step(window, "Z = Qmin − Round(Rmin / S) = -128 − Round(# / #) = #") == near(low, s, z)
    assert step(window, "R·1/S = R · (1 / S) = # · (1 / #) = #") == near(r, s, r / s)
    shifted = float(r) / float(s) + z
    assert step(window, "+ Z = fma(R, 1 / S, Z) = fma(#, 1 / #, #) = #") == near(r, s, z, shifted)
    q = round(shifted)
    assert step(window, " = Clip(#, -128, 127) = #") == [q, q]
    assert step(window, "R′ = (Q − Z) · S = (# − #) · # = #") == near(q, z, s, (q - z) * s)


# Results


def test_results_show_the_span_of_the_parameters_of_many_channels(window, person):
    type_scheme(window, person, "int8 asymmetric per-channel(0)")
    table = window.results.table
    width = np.ptp(ARRAY, axis=1).astype(float)
    scale = re.fullmatch(r"(\S+) … (\S+)", person.cell(table, 0, "S"))
    ends = width.min() / 255, width.max() / 255
    assert (float(scale[1]), float(scale[2])) == pytest.approx(ends, rel=1e-5)
    z = channels(
        ARRAY, evaluate(ARRAY, "int8 asymmetric per-channel(0)"), Granularity("per-channel", 0)
    ).zero_point
    zero = re.fullmatch(r"(\S+) … (\S+)", person.cell(table, 0, "Z"))
    assert (int(zero[1]), int(zero[2])) == (z.min(), z.max())
    tip = person.cell(table, 0, "S", Qt.ItemDataRole.ToolTipRole)
    assert "4 channels or groups" in tip
    type_scheme(window, person, "int8 symmetric per-channel(0)")
    assert person.cell(table, 0, "Z") == "0"
    largest = np.abs(ARRAY).max(axis=1).astype(float) / 127
    scale = re.fullmatch(r"(\S+) … (\S+)", person.cell(table, 0, "S"))
    ends = largest.min(), largest.max()
    assert (float(scale[1]), float(scale[2])) == pytest.approx(ends, rel=1e-5)


def define(window, person, start):
    """Choose what SQNR means by the beginning of the choice."""
    box = window.results.definition
    texts = [box.itemText(place) for place in range(box.count())]
    person.choose(box, next(text for text in texts if text.startswith(start)))


DEFINITIONS = [("SNR =", "SNR"), ("Noise/signal =", "Noise/signal")]


@pytest.mark.parametrize(("start", "head"), DEFINITIONS)
def test_sqnr_is_shown_as_peers_define_it_and_the_best_is_starred_their_way(
    open_window, person, start, head
):
    schemes = ("int8 symmetric", "int4 symmetric", "int16 symmetric")
    window = open_window(FLAT, *schemes)
    table = window.results.table
    assert person.heads(table)[1] == "SQNR [dB]"
    before = person.rows(table, 1)
    define(window, person, start)
    assert person.heads(table)[1] == head
    shown = person.rows(table, 1)
    for scheme, text in zip(schemes, shown, strict=True):
        error = evaluate(FLAT, scheme).error.astype(float)
        ratio = (FLAT.astype(float) ** 2).sum() / (error**2).sum()
        expected = ratio if head == "SNR" else 1 / ratio
        assert float(text.lstrip("★☆ ")) == pytest.approx(expected, rel=1e-5)
    # Each is the best of those that take no more bits, and the cheapest has the full star.
    assert [text[0] for text in shown] == ["☆", "★", "☆"]
    horizontal, tip = Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    told = table.model().headerData(1, horizontal, tip)
    assert ("higher" if head == "SNR" else "lower") + " is better" in told
    define(window, person, "SQNR =")
    assert person.heads(table)[1] == "SQNR [dB]"
    assert person.rows(table, 1) == before


def test_sorting_by_sqnr_follows_its_definition(open_window, person):
    window = open_window(FLAT, "int8 symmetric", "int4 symmetric", "int16 symmetric")
    table = window.results.table
    define(window, person, "Noise/signal")
    person.click_head(table, 1)
    person.click_head(table, 1)
    numbers = [float(text.lstrip("★☆ ")) for text in person.rows(table, 1)]
    assert numbers in (sorted(numbers), sorted(numbers)[::-1])


def test_what_sqnr_means_is_remembered_in_a_second_window(open_window, person):
    start, head = DEFINITIONS[1]
    first = open_window(FLAT, "int8 symmetric", "int4 symmetric")
    define(first, person, start)
    second = open_window(FLAT, "int8 symmetric", "int4 symmetric")
    assert person.heads(second.results.table)[1] == head
    assert second.results.definition.currentText().startswith(start)
    shown = person.rows(second.results.table, 1)
    assert shown == person.rows(first.results.table, 1)


def test_undo_works_while_the_focus_is_in_the_size_of_a_group(open_window, person):
    window = open_window(np.arange(64, dtype=np.float32), "int8 symmetric per-group(32)")
    field = window.schemes.form.granularity.number
    field.setFocus()
    field.selectAll()
    person.type("8")
    person.press("Return")
    assert str(window.session.active.scheme) == "int8 symmetric per-group(8)"
    person.press("Ctrl+Z")
    assert str(window.session.active.scheme) == "int8 symmetric per-group(32)"
    assert field.value() == 32


@pytest.mark.parametrize("name", ["text", "label", "low"])
def test_undo_reaches_an_edit_elsewhere_while_the_focus_is_in_a_field(open_window, person, name):
    window = open_window(np.arange(6, dtype=np.float32), "int8 symmetric manual(-3,3)")
    form, session = window.schemes.form, window.session
    axes.reshape(session, (2, 3))
    field = getattr(form, name)
    field.setFocus()
    person.press("Ctrl+Z")
    assert session.array.shape == (6,)
    person.press("Ctrl+Y")
    assert session.array.shape == (2, 3)
    before, entry = field.text(), session.active
    field.end(False)
    person.type("1")
    person.press("Ctrl+Z")
    assert field.text() == before
    assert (session.active.scheme, session.active.label) == (entry.scheme, entry.label)
    assert session.array.shape == (2, 3)


def test_a_choice_that_is_too_long_for_its_box_is_cut_with_a_mark(form):
    box = form.runtime
    whole = box.currentText()
    for width, cut in ((400, False), (80, True)):
        box.setFixedWidth(width)
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        assert (option.currentText != whole) == cut
        assert option.currentText.endswith("…") == cut
    assert box.currentText() == whole
