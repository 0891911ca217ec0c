"""The image: what its pixels show, how it is read, chosen from, edited and zoomed, and in files."""

import colorsys
import gc
import re
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QStyleOptionComboBox

from quantoscope.engine import evaluate
from quantoscope.engine.analysis.plane_lines import plane_lines
from quantoscope.engine.analysis.planes import whole_plane
from quantoscope.gui.common.theme import DARK, LIGHT, apply_theme
from quantoscope.gui.export.figure import render_pdf, render_png, render_svg
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.panes.plot_pane import PlotPane
from quantoscope.gui.plots import image_figures
from quantoscope.gui.plots.colour_scale import AUTO, LINEAR, LOG, SYMLOG, coloured, scale_of
from quantoscope.gui.plots.image_cells import CellTexts
from quantoscope.gui.plots.image_figures import Wanted
from quantoscope.gui.plots.kept_figures import Same
from quantoscope.gui.plots.margins import line_labels
from tests.gui.plot_bench import KINDS, noise

COLUMNS = [7, 100, 101, 300]


def with_columns(rows=256, columns=512, factor=30):
    x = noise(rows * columns, 5).reshape(rows, columns)
    x[:, COLUMNS] *= factor
    return x


def small(shape=(4, 5)):
    return (noise(int(np.prod(shape)), 2) * 3).reshape(shape)


def hue(colour):
    """The hue of a colour in degrees; None of grey ones."""
    r, g, b = colour.redF(), colour.greenF(), colour.blueF()
    h, s, _ = colorsys.rgb_to_hsv(r, g, b)
    return None if s < 0.1 else round(360 * h)


def colour_at(shown, row, column):
    """The colour on the screen of the upper left part of a cell, beside its number."""
    at = shown.pane.widget.mapTo(shown.pane, shown.pixel(column - 0.35, -row + 0.35))
    return shown.picture().pixelColor(at)


def beside(shown):
    """A second image on the same session, linked as in the window."""
    pane = PlotPane(KINDS["image-beside"], shown.session, shown.feed, LIGHT)
    shown.qtbot.addWidget(pane)
    pane.plot.leader = shown.plot
    pane.resize(560, 260)
    pane.show()
    QApplication.processEvents()
    return pane


def settled(shown):
    """Wait until nothing is computed any more."""
    background, pane = shown.session.background, shown.pane
    shown.qtbot.waitUntil(
        lambda: (
            not pane._still.isActive()
            and not background.running(shown.plot.key)
            and pane.plot.data is shown.feed.data
        ),
        timeout=30_000,
    )
    QApplication.processEvents()


# Colours


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_large_values_are_orange_small_ones_blue_and_0_is_the_ground(bench, theme):
    x = np.zeros((3, 3), np.float32)
    x[0, 0], x[2, 2] = 2, -2
    shown = bench("image", x, "int8 symmetric", size=(400, 300), theme=theme)
    shown.session.view.choose(1)
    assert 15 <= hue(colour_at(shown, 0, 0)) <= 35
    assert 195 <= hue(colour_at(shown, 2, 2)) <= 215
    assert colour_at(shown, 1, 1) == QColor(theme.background)


def test_one_outlier_among_a_million_is_a_dark_pixel_on_the_screen(bench):
    x = (noise(1_000_000) * 0.05).reshape(1000, 1000)
    x[300, 700] = 40
    shown = bench("image", x, "int8 symmetric", size=(500, 400))
    settled(shown)
    shown.session.view.choose(None)
    image = shown.picture()
    at = shown.pane.widget.mapTo(shown.pane, shown.pixel(700, -300))
    near = [
        image.pixelColor(at.x() + dx, at.y() + dy).lightness()
        for dx in range(-2, 3)
        for dy in range(-2, 3)
    ]
    assert min(near) < 90
    assert sum(light < 200 for light in near) <= 4


def test_clipped_and_missing_values_have_colours_and_symbols_of_their_own(bench):
    x = np.clip(small((40, 60)), -8, 8)
    x[3, 4], x[20, 30], x[30, 50] = np.nan, 100, -100
    shown = bench("image", x, "int8 symmetric manual(-9,9)", size=(700, 500))
    shown.plot.choose("quantity", "error")
    symbols = {
        (x, y, str(item.opts["symbol"])[:1])
        for item in shown.items(pg.ScatterPlotItem)
        for x, y in zip(*item.getData(), strict=True)
    }
    places = {(column, row) for column, row, _ in symbols}
    assert places == {(4, -3), (30, -20), (50, -30)}
    image = shown.plot._coloured["whole"][3][::-1]
    assert tuple(image[20, 30, :3]) == QColor(LIGHT.alarm).getRgb()[:3]
    assert tuple(image[3, 4, :3]) == QColor("#B0558C").getRgb()[:3]


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40),
    st.sampled_from([AUTO, LINEAR, LOG, SYMLOG]),
)
def test_a_larger_number_is_never_nearer_to_the_centre(numbers, kind):
    values = np.array(numbers)
    scale = scale_of(values, True, kind)
    shares = scale.shares(values)
    assert np.isfinite(shares).all()
    assert (np.abs(shares) <= 1).all()
    assert (np.sign(shares) * np.sign(values) >= 0).all()
    order = np.argsort(np.abs(values))
    assert (np.diff(np.abs(shares[order])) >= -1e-12).all()


def test_the_scale_holds_999_of_1000_pixels_and_says_what_lies_beyond(bench):
    x = noise(250_000).reshape(500, 500)
    x[1, 1] = 400
    shown = bench("image", x, "int8 symmetric", size=(700, 700))
    settled(shown)
    shown.plot.choose("quantity", "real")
    shown.plot.choose("scale", LINEAR)
    settled(shown)
    bar = shown.plot._margins["top"].bar
    assert 3 < float(bar.high) < 6
    assert bar.remarks == ("up to 400 beyond",)
    shown.plot.choose("scale", SYMLOG)
    assert shown.plot._margins["top"].bar.high == "400"


@pytest.mark.parametrize("quantity", ["scaled", "real", "code"])
@pytest.mark.parametrize(
    ("spoilt", "kind"), [("none", LINEAR), ("value", SYMLOG), ("columns", LINEAR)]
)
def test_colours_are_logarithmic_only_where_few_values_would_spoil_linear_ones(
    bench, quantity, spoilt, kind
):
    x = noise(600_000).reshape(600, 1000)
    if spoilt == "value":
        x[100, 300] = 400
    elif spoilt == "columns":
        x[:, [100, 250, 600, 610, 800, 900]] *= 100
    shown = bench("image", x, "int8 symmetric", size=(700, 700))
    shown.plot.choose("quantity", quantity)
    settled(shown)
    scale = shown.plot._shown.scale
    assert scale.kind == kind
    shares = np.abs(scale.shares(shown.plot._shown.whole.values))
    # Most values are told apart from each other, or what stands out from all of them.
    assert 0.02 < np.quantile(shares, 0.9) < 0.6 or spoilt == "columns"
    assert np.quantile(shares, 0.999) > 0.1
    assert shares.max() > 0.9


def test_colours_are_a_table_that_a_palette_holds():
    shares = np.linspace(-1, 1, 5001)
    for theme in (LIGHT, DARK):
        assert len(np.unique(coloured(shares, theme, True, False), axis=0)) <= 250


# What it says


def test_the_sentences_are_those_of_numpy(bench):
    x = with_columns()
    shown = bench("image", x, "int4 symmetric per-channel(0)", size=(700, 500))
    settled(shown)
    peak = np.abs(x).max(axis=0)
    middle = np.sort(peak)[(peak.size - 1) // 2]
    assert shown.plot.insight == (
        f"4 columns (7, 100, 101, 300) reach |R| {peak.max():.3g}; "
        f"the median of columns is {middle:.3g}."
    )
    e = evaluate(x, "int4 symmetric per-channel(0)")
    others = np.delete(np.arange(x.shape[1]), COLUMNS)

    def sqnr(some):
        ratio = (x[:, some].astype(float) ** 2).sum() / (e.error[:, some].astype(float) ** 2).sum()
        return 10 * np.log10(ratio)

    shown.plot.choose("quantity", "sqnr")
    settled(shown)
    numbers = re.findall(
        r"keep ([\d.]+) dB; all the others together ([\d.]+) dB", shown.plot.insight
    )
    assert [float(n) for n in numbers[0]] == pytest.approx([sqnr(COLUMNS), sqnr(others)], rel=0.01)


def test_the_strip_names_the_columns_that_stand_out(bench):
    shown = bench("image", with_columns(), "int4 symmetric", size=(700, 500))
    settled(shown)
    strip = shown.plot._margins["top"].strip
    assert strip.lines == tuple((float(at), str(at)) for at in COLUMNS)
    assert strip.name == "max |R|"
    assert shown.plot._margins["right"].strip.lines == ()


def test_a_line_of_values_is_one_row_and_says_so(bench):
    shown = bench("image", noise(300), "int8 symmetric")
    assert shown.plot.insight.startswith("One row, for there is one axis")
    assert shown.view().viewRange()[1] == pytest.approx([-0.5, 0.5])


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (small((1, 30)), "One row: |R| goes from"),
        (small((30, 1)), "One column: |R| goes from"),
        (np.zeros((6, 9), np.float32), "All values are 0."),
        (1e6 + small((6, 9)) * 1e-3, "All rows and columns reach about |R| 1e6."),
    ],
    ids=["one row", "one column", "zeros", "alike"],
)
def test_planes_of_which_there_is_little_to_say_are_told_in_a_sentence_that_holds(
    bench, array, sentence
):
    assert bench("image", array, "int8 symmetric").plot.insight.startswith(sentence)


def test_one_value_that_stands_out_is_named_by_row_and_column(bench):
    x = noise(256 * 512, 5).reshape(256, 512)
    x[40, 300] = 90
    shown = bench("image", x, "int8 scale-only", size=(700, 500))
    settled(shown)
    assert shown.plot.insight.startswith("Value [40, 300] reaches |R| 90;")
    strips = [shown.plot._margins[side].strip for side in ("top", "right")]
    assert [strip.lines for strip in strips] == [((300.0, "300"),), ((-40.0, "40"),)]
    shown.plot.choose("quantity", "sqnr")
    settled(shown)
    assert shown.plot.insight.startswith("Row 40 keeps")


def test_rows_of_zeros_are_named_where_there_is_room(bench):
    x = small((60, 50))
    x[20:41] = 0
    x[50] = 0
    shown = bench("image", x, "int8 symmetric", size=(700, 500))
    texts = {key[1]: item.toPlainText() for key, item in shown.plot._items.items()
             if key[0] == "text"}  # fmt: skip
    assert [text for text in texts.values() if "zero" in text] == ["rows 20…40 are zero"]


def test_a_cell_that_lies_on_a_level_by_chance_does_not_stretch_the_scale_of_sqnr(bench):
    x = small((20, 30))
    shown = bench("image", x, "int8 symmetric", size=(700, 500))
    shown.plot.choose("quantity", "sqnr")
    made = evaluate(x, "int8 symmetric")
    with np.errstate(divide="ignore"):
        sqnr = np.sort(10 * np.log10(x.ravel() ** 2 / made.error.ravel() ** 2))
    assert shown.plot._shown.scale.high == pytest.approx(sqnr[540], abs=1)
    assert shown.plot._margins["top"].bar.remarks[0].startswith("up to")


def test_a_tensor_of_four_axes_is_seen_whole(bench):
    shown = bench("image", noise(64 * 27).reshape(64, 3, 3, 3), "int8 symmetric per-channel(0)")
    assert shown.view().viewRange() == pytest.approx(np.array([[-0.5, 26.5], [-63.5, 0.5]]))
    assert shown.plot.axis_labels() == ("column # (axes 1, 2, 3)", "row # (axis 0)")


# Reading and choosing


def test_a_click_into_a_strip_chooses_the_column_that_the_strip_shows_there(bench):
    x = with_columns(256, 4096)
    shown = bench("image", x, "int4 symmetric per-channel(1)", size=(400, 400))
    settled(shown)
    chosen = []
    shown.plot.channel_picked.connect(chosen.append)
    edges = shown.plot._shown.finest.column_edges
    first, stop = next((a, b) for a, b in zip(edges[:-1], edges[1:], strict=True) if a <= 300 < b)
    assert stop - first > 4
    for at in (first, stop - 1):
        shown.plot._margins["top"].clicked.emit(float(at))
    assert chosen == [300, 300]


def test_the_readout_follows_a_picture_that_changes_or_moves_below_the_pointer(bench):
    shown = bench("image", small((6, 8)), "int8 symmetric", size=(500, 400))
    settled(shown)
    shown.move(2, -3)
    assert shown.pane.readout.text().startswith("#[3, 2]")
    before = shown.pane.readout.text()
    shown.open(small((6, 8)) / 2, ("int4 symmetric",))
    settled(shown)
    now = shown.pane.readout.text()
    assert now.startswith("#[3, 2]")
    assert now.splitlines()[1] != before.splitlines()[1]
    shown.plot.look_at((3.5, 7.5), (-5.5, -0.5))
    assert not shown.pane.readout.text().startswith("#[3, 2]")


def test_the_readout_is_of_the_value_that_stands_for_the_pixel(bench):
    x = with_columns()
    shown = bench("image", x, "int4 symmetric per-channel(0)", size=(300, 260))
    settled(shown)
    shown.move(100, -50)
    text = shown.pane.readout.text()
    first, *_ = re.findall(r"rows (\d+)…(\d+), columns (\d+)…(\d+)", text)
    r0, r1, c0, c1 = map(int, first)
    part = np.abs(x[r0 : r1 + 1, c0 : c1 + 1])
    row, column = np.unravel_index(part.argmax(), part.shape)
    position = (r0 + row) * x.shape[1] + c0 + column
    assert f"[{r0 + row}, {c0 + column}]" in text
    e = evaluate(x, "int4 symmetric per-channel(0)")
    for name, number in (
        ("R", x.flat[position]), ("S", e.qparams.scale[r0 + row]),
        ("R′", e.reconstructed.flat[position]), ("error", e.error.flat[position]),
    ):  # fmt: skip
        said = float(re.search(rf"(?<!\S){name} (-?[\d.e-]+)", text)[1])
        assert said == pytest.approx(float(number), rel=1e-3)
    shown.click(100, -50)
    assert shown.session.view.chosen == position


def click_strip(shown, name, share):
    """Click into a strip at a share of its length."""
    axis = shown.plot._margins[name]
    box = axis.mapRectToScene(axis.mapRectFromParent(axis.geometry()))
    if name == "top":
        point = QPointF(box.left() + share * box.width(), box.bottom() - 12)
    else:
        point = QPointF(box.left() + 12, box.top() + share * box.height())
    at, left = shown.pane.widget.mapFromScene(point), Qt.MouseButton.LeftButton
    shown.mouse(QEvent.Type.MouseMove, at)
    shown.mouse(QEvent.Type.MouseButtonPress, at, left, left)
    shown.mouse(QEvent.Type.MouseButtonRelease, at, left)


def test_a_click_in_a_strip_chooses_the_channel_or_the_largest_value_of_the_line(bench):
    x = small((10, 20))
    shown = bench("image", x, "int8 symmetric per-channel(0)", size=(700, 500))
    click_strip(shown, "right", 0.35)
    assert shown.session.view.focus.channel == 3
    assert shown.plot.insight[0] != "["
    click_strip(shown, "right", 0.35)
    assert shown.session.view.focus is None
    click_strip(shown, "top", 0.525)
    assert shown.session.view.focus is None
    assert shown.session.view.chosen == int(np.abs(x[:, 10]).argmax()) * 20 + 10


def test_a_value_outside_of_the_channel_in_focus_takes_the_focus_along(bench):
    shown = bench("image", small((10, 20)), "int8 symmetric per-channel(0)", size=(700, 500))
    shown.session.view.focus_on(3)
    shown.click(5, -7)
    assert shown.session.view.chosen == 7 * 20 + 5
    assert shown.session.view.focus.channel == 7


def test_the_focus_goes_along_with_the_arrow_keys(bench, person):
    shown = bench("image", small((10, 20)), "int8 symmetric per-channel(0)", size=(700, 500))
    shown.pane.activateWindow()
    shown.pane.setFocus()
    shown.qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    shown.session.view.focus_on(3)
    person.press("Down", "Right")
    assert shown.session.view.chosen == 4 * 20 + 1
    assert shown.session.view.focus.channel == 4


def test_arrow_keys_go_from_cell_to_cell_and_stop_at_the_edge(bench, person):
    shown = bench("image", small((3, 4)), "int8 symmetric")
    shown.pane.activateWindow()
    shown.pane.setFocus()
    shown.qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    shown.session.view.choose(0)
    person.press("Down", "Right", "Right", "Up", "Up", "Left")
    assert shown.session.view.chosen == 1
    person.press("Down", "Down", "Down")
    assert shown.session.view.chosen == 9


def test_a_zoomed_image_follows_the_chosen_value(bench):
    shown = bench("image", with_columns(), "int8 symmetric", size=(400, 300))
    settled(shown)
    shown.plot.look_at((10.5, 30.5), (-20.5, -10.5))
    shown.session.view.choose(100 * 512 + 300)
    settled(shown)
    (x0, x1), (y0, y1) = shown.plot.seen
    assert x0 <= 300 <= x1
    assert y0 <= -100 <= y1
    assert (x1 - x0, y1 - y0) == pytest.approx((20, 10))


# Two side by side


def test_two_images_share_zoom_plane_and_pointer(bench):
    shown = bench("image", noise(6 * 5 * 40 * 30).reshape(6, 5, 40, 30), "int8 symmetric")
    other = beside(shown)
    shown.plot.look_at((3.5, 9.5), (-12.5, -4.5))
    for axis, ends in enumerate(((3.5, 9.5), (-12.5, -4.5))):
        assert other.widget.viewRange()[axis] == pytest.approx(ends)
    assert not other.plot.follow_y
    shown.move(5, -6)
    lines = [i for i in other.plot.item.items if i.zValue() == 30 and i.isVisible()]
    assert sorted(round(line.value()) for line in lines) == [-6, 5]
    other.fit()
    assert shown.plot.follow_x
    assert shown.plot.follow_y
    shown.pane.options.planes.axes.setCurrentIndex(
        shown.pane.options.planes.axes.findText("axes 2", Qt.MatchFlag.MatchStartsWith)
    )
    shown.pane.options.planes.axes.activated.emit(shown.pane.options.planes.axes.currentIndex())
    assert other.plot.chosen_options["plane"] == shown.plot.chosen_options["plane"] != ""
    assert other.options.planes.axes.currentText() == shown.pane.options.planes.axes.currentText()


def test_a_plane_is_picked_and_follows_the_chosen_value(bench):
    x = noise(4 * 5 * 6).reshape(4, 5, 6)
    shown = bench("image", x, "int8 symmetric", size=(700, 400))
    row = shown.pane.options.planes
    row.axes.setCurrentIndex(row.axes.findText("axes 1, 2"))
    row.axes.activated.emit(row.axes.currentIndex())
    shown.plot.choose("quantity", "real")
    assert [spin.isVisible() for spin in row.spins] == [True, False, False]
    shown.session.view.choose(7)
    row.spins[0].setValue(2)
    assert shown.session.view.chosen == 2 * 30 + 7
    np.testing.assert_array_equal(shown.plot._shown.whole.values, x[2])
    shown.session.view.choose(3 * 30 + 11)
    np.testing.assert_array_equal(shown.plot._shown.whole.values, x[3])
    assert row.spins[0].value() == 3
    row.axes.setCurrentIndex(0)
    row.axes.activated.emit(0)
    assert shown.plot._shown.whole.values.shape == (20, 6)


# Numbers in cells


def texts_of(shown):
    (item,) = shown.items(CellTexts)
    return item.texts


def test_cells_show_their_numbers_once_there_is_room(bench):
    x = small((4, 5))
    shown = bench("image", x, "int4 symmetric manual(-3,3)", size=(700, 300))
    shown.plot.choose("quantity", "real")
    e = evaluate(x, "int4 symmetric manual(-3,3)")
    for row, column in np.ndindex(4, 5):
        text = texts_of(shown)[row][column]
        assert text[0] in "▼▲" or not e.saturated[row, column]
        assert float(text.strip("▼▲ ")) == pytest.approx(float(x[row, column]), rel=1e-3)
    shown.plot.choose("quantity", "code")
    shown_codes = [[int(text.strip("▼▲ ")) for text in row] for row in texts_of(shown)]
    assert shown_codes == e.codes.tolist()
    shown.pane.resize(200, 200)
    QApplication.processEvents()
    assert not shown.items(CellTexts)


def double_click(shown, x, y):
    at, left = shown.pixel(x, y), Qt.MouseButton.LeftButton
    shown.click(x, y)
    shown.mouse(QEvent.Type.MouseButtonDblClick, at, left, left)
    shown.mouse(QEvent.Type.MouseButtonRelease, at, left)


def test_a_double_click_edits_a_cell_and_enter_goes_to_the_one_below(bench, person):
    x = small((4, 5))
    shown = bench("image", x, "int8 symmetric", size=(700, 300))
    shown.pane.activateWindow()
    shown.qtbot.waitUntil(lambda: QApplication.activeWindow() is not None)
    double_click(shown, 2, -1)
    field = shown.pane.cell_field
    assert field.isVisible()
    assert np.float32(field.text()) == x[1, 2]
    person.type("12,5 kg")
    person.press("Return")
    assert field.isVisible()
    assert field.message.isVisible()
    field.selectAll()
    person.type("1.5")
    person.press("Return")
    assert not field.isVisible()
    assert shown.session.array[1, 2] == 1.5
    assert shown.session.view.chosen == 2 * 5 + 2
    person.press("Return")
    assert field.isVisible()
    assert np.float32(field.text()) == x[2, 2]
    person.press("Escape")
    assert not field.isVisible()
    shown.session.undo_stack.undo()
    np.testing.assert_array_equal(shown.session.array, x)


def test_what_is_typed_in_a_cell_is_kept_when_the_focus_leaves(bench, person):
    shown = bench("image", small((4, 5)), "int8 symmetric", size=(700, 300))
    shown.pane.activateWindow()
    shown.qtbot.waitUntil(lambda: QApplication.activeWindow() is not None)
    double_click(shown, 0, 0)
    person.type("7")
    shown.session.finish_typing.emit()
    assert shown.session.array[0, 0] == 7
    assert not shown.pane.cell_field.isVisible()


def test_enter_zooms_in_until_the_chosen_cell_can_be_edited(bench, person):
    shown = bench("image", with_columns(), "int8 symmetric", size=(700, 400))
    settled(shown)
    shown.pane.activateWindow()
    shown.pane.setFocus()
    shown.qtbot.waitUntil(lambda: QApplication.focusWidget() is not None)
    shown.session.view.choose(200 * 512 + 300)
    person.press("Return")
    settled(shown)
    assert texts_of(shown)
    person.press("Return")
    assert shown.pane.cell_field.isVisible()
    assert np.float32(shown.pane.cell_field.text()) == with_columns()[200, 300]


def test_a_double_click_elsewhere_shows_everything(bench):
    shown = bench("image", with_columns(), "int8 symmetric", size=(400, 300))
    settled(shown)
    shown.plot.look_at((10.5, 300.5), (-200.5, -10.5))
    double_click(shown, 100, -50)
    assert shown.plot.follow_x
    assert not shown.pane.cell_field.isVisible()


# Large arrays


def test_a_large_image_is_computed_beside_the_window_and_zooming_shows_the_old_one(bench):
    x = noise(4_000_000).reshape(2000, 2000)
    shown = bench("image", x, "int8 symmetric", size=(500, 400))
    settled(shown)
    whole = shown.plot._shown.whole
    shown.plot.choose("quantity", "sqnr")
    assert shown.plot._shown.whole is whole
    settled(shown)
    assert shown.plot._shown.whole is not whole
    shown.plot.follow_x = shown.plot.follow_y = False
    shown.view().setRange(xRange=(100.5, 1700.5), yRange=(-1800.5, -200.5), padding=0)
    assert shown.plot._shown.detail is None
    assert len(shown.items(pg.ImageItem)) == 1
    settled(shown)
    assert shown.plot._shown.detail.region[2:] == (101, 1701)
    assert len(shown.items(pg.ImageItem)) == 2


def test_a_large_image_is_seen_before_its_strips_are_computed(bench, monkeypatch, qtbot):
    shown, go_on, asked = bench("image", small(), "int8 symmetric"), threading.Event(), []

    def held(*of):
        if of[0].size > 1000:
            asked.append(of)
            assert go_on.wait(60)
        return plane_lines(*of)

    monkeypatch.setattr(image_figures, "plane_lines", held)
    try:
        shown.open(with_columns(1024, 1024), ("int8 symmetric",))
        qtbot.waitUntil(lambda: bool(asked))
        assert colour_at(shown, 5, 100) != colour_at(shown, 5, 98)
        assert shown.plot.insight.startswith("Computing")
    finally:
        go_on.set()
    qtbot.waitUntil(lambda: "100" in shown.plot.insight)


def test_what_two_images_ask_for_at_once_is_computed_once(monkeypatch):
    started, go_on, computed = threading.Event(), threading.Event(), []

    def held(*of):
        computed.append(of)
        started.set()
        assert go_on.wait(60)
        return plane_lines(*of)

    monkeypatch.setattr(image_figures, "plane_lines", held)
    array = small()
    wanted = Wanted(Same(array), None, whole_plane(array.shape))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(image_figures.kept.compute, wanted)
        assert started.wait(60)
        second = pool.submit(image_figures.kept.compute, wanted)
        go_on.set()
        assert first.result(60) is second.result(60)
    assert len(computed) == 1
    assert not image_figures.kept._at_work


def test_images_keep_no_array_alive_that_is_no_longer_shown(bench):
    shown = bench("image", small((30, 40)), "int8 symmetric")
    first = weakref.ref(shown.feed.data.whole)
    for seed in range(3):
        shown.open(noise(1200, seed).reshape(30, 40), ("int8 symmetric",))
    shown.session.undo_stack.clear()
    gc.collect()
    assert first() is None


# Labels


@given(st.lists(st.floats(0, 500), max_size=12).map(sorted), st.integers(1, 6), st.floats(60, 500))
def test_labels_touch_neither_each_other_nor_a_line(places, letters, room):
    places = [at for at in places if at <= room]
    made = line_labels(places, ["8" * letters] * len(places), lambda text: 7.0 * len(text), room)
    for row in (0, 1):
        boxes = sorted((m.left, m.left + 7.0 * len(m.text)) for m in made if m.row == row)
        assert all(left >= 0 and right <= room for left, right in boxes)
        assert all(a[1] < b[0] for a, b in zip(boxes, boxes[1:], strict=False))
    for label in made:
        right = label.left + 7.0 * len(label.text)
        own = set(label.at)
        assert not any(label.left - 1 < at < right + 1 for at in places if at not in own)
        assert not any(label.left < at < right for at in own)


def test_close_lines_share_a_label_and_neighbours_lean_apart():
    labels = line_labels([100, 104, 150], ["10", "11", "15"], lambda t: 7.0 * len(t), 300)
    assert [label.text for label in labels] == ["10, 11", "15"]
    assert labels[0].left + 42 <= 100
    assert labels[1].left >= 150


# Files


@pytest.fixture
def figure_data(bench):
    shown = bench("image", with_columns(1024, 2816), "int4 symmetric per-channel(0)")
    settled(shown)
    return shown.feed.data


SPEC = FigureSpec(("image",), 180, 100)


def test_files_hold_the_image_with_its_strips_in_little_room(figure_data):
    svg = render_svg(SPEC, figure_data)
    pdf = render_pdf(SPEC, figure_data)
    assert svg.count(b"<image") == 2  # and the colour bar
    for text in ("max |R|", ">7<", ">300<", "largest in the pixel", "4 columns"):
        assert text in svg.decode()
    assert len(svg) < 1_000_000
    assert len(pdf) < 1_000_000
    picture = QImage.fromData(render_png(SPEC, figure_data))
    assert picture.width() == round(180 / 25.4 * 300)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_figure_has_row_0_on_top_and_the_columns_where_they_are(bench, theme):
    apply_theme(theme)
    x = np.zeros((4, 6), np.float32)
    x[0, 0], x[3, 5] = 2, -2
    shown = bench("image", x, "int8 symmetric")
    spec = FigureSpec(("image",), 800, 700, "px", dpi=96, theme=theme)
    picture = QImage.fromData(render_png(spec, shown.feed.data))
    hues = np.array(
        [
            [hue(picture.pixelColor(px, py)) or -1 for px in range(80, 740, 6)]
            for py in range(200, 620, 6)
        ]
    )
    orange, blue = (hues >= 15) & (hues <= 35), (hues >= 195) & (hues <= 215)
    for found, row, column in ((orange, 0, 0), (blue, 1, 1)):
        rows, columns = np.nonzero(found)
        assert rows.size > 20
        assert (rows.mean() > hues.shape[0] / 2) == bool(row)
        assert (columns.mean() > hues.shape[1] / 2) == bool(column)


def test_in_the_window_two_images_are_level_and_no_choice_is_cut(open_window, qtbot):
    window = open_window(small((6, 40, 30)), "int8 symmetric")
    window.resize(1440, 900)
    window.stage.set_views(["image", "distribution"])
    qtbot.waitUntil(lambda: window.plots["image-beside"].plot.insight.startswith("Row"))
    QApplication.processEvents()
    first, second = (window.plots[key] for key in ("image", "image-beside"))
    heads = [window.stage.plots.places[key].head for key in ("image", "image-beside")]
    assert heads[0].height() == heads[1].height()
    tops = {pane.widget.mapTo(window, QPointF(0, 0)).y() for pane in (first, second)}
    assert len(tops) == 1
    for box in (*first.options.boxes, first.options.planes.axes):
        option = QStyleOptionComboBox()
        box.initStyleOption(option)
        assert option.currentText == box.currentText()
    assert first.height() > 1.3 * window.plots["distribution"].height()
