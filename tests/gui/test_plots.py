"""One suite over every plot of the registry, and what each of them alone draws."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QFontMetrics, QImage
from PySide6.QtWidgets import QApplication, QGraphicsRectItem

from quantoscope.engine import evaluate
from quantoscope.engine.evaluation.metrics import METRIC
from quantoscope.gui.common.theme import DARK, LIGHT, apply_theme
from quantoscope.gui.document import commands
from quantoscope.gui.export.panel import Panel
from quantoscope.gui.plots.items import Straight
from tests.gui.plot_bench import CASES, KEYS, OF_VALUES, SHEETS, THREE, ZOOMED, noise


def colours_of(image: QImage):
    """How many different colours a picture has."""
    small = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(small.constBits(), np.uint32)
    return len(np.unique(pixels))


# Every plot


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("case", CASES)
def test_every_plot_draws_every_array_in_both_themes_and_says_what_there_is(
    bench, key, case, theme
):
    array, schemes = CASES[case]
    drawn = bench(key, np.zeros(0), theme=theme)
    drawn.open(array if case.startswith("float64") else array.astype(np.float32), schemes)
    image = drawn.picture()
    assert colours_of(image) > 1
    assert drawn.plot.title()
    assert all(drawn.plot.axis_labels())
    assert drawn.plot.insight.endswith(".")
    assert "%" not in drawn.plot.insight.replace(" %", "")
    assert "nan" not in drawn.plot.insight.lower() or "NaN" in case or "infin" in case
    ranges = drawn.view().viewRange()
    assert np.isfinite(ranges).all()
    assert ranges[0][0] < ranges[0][1]
    assert ranges[1][0] < ranges[1][1]
    for index in {0, array.size - 1} - {-1}:
        drawn.session.view.choose(index)
    drawn.picture()


def test_of_a_single_value_signal_speaks_in_the_singular(bench):
    said = bench("signal", [2], "int8 asymmetric manual(-1,1)").plot.insight
    assert "clips the value; its |error| is 0.996078." in said
    said = bench("signal", [2], "int8 symmetric").plot.insight
    assert "does not clip the value" in said


@pytest.mark.parametrize("key", KEYS)
def test_every_plot_is_usable_at_160_by_90(bench, key):
    small = bench(key, noise(100), *THREE, size=(160, 90))
    assert small.pane.minimumSizeHint().width() <= 160
    assert small.pane.minimumSizeHint().height() <= 64
    assert (small.pane.width(), small.pane.height()) == (160, 90)
    area = small.view().sceneBoundingRect()
    assert area.width() > 60
    assert area.height() > 20
    assert colours_of(small.picture()) > 2


@pytest.mark.parametrize("key", KEYS)
def test_axes_carry_the_labels_with_a_unit(bench, key):
    shown = bench(key, noise(10), *THREE)
    for name, label in zip(("bottom", "left"), shown.plot.axis_labels(), strict=True):
        assert shown.plot.item.getAxis(name).labelText == label
        assert re.search(r"\((unit of R|dB|codes|S)\)|#|code Q|per (bin|code|value)", label)


# Its lanes are no quantity along y.
@pytest.mark.parametrize("key", [key for key in KEYS if key != "number-line"])
def test_what_stands_along_y_is_not_cut_and_the_highest_number_has_room(bench, key):
    shown = bench(key, noise(100), *THREE)
    axis = shown.plot.item.getAxis("left")
    half = QFontMetrics(axis.style["tickFont"]).height() / 2
    for height in (90, 140, 200, 400):
        shown.pane.resize(400, height)
        QApplication.processEvents()
        if axis.label.isVisible():
            assert axis.label.boundingRect().width() <= axis.height()
        assert shown.view().sceneBoundingRect().top() >= half - 2
    assert axis.label.isVisible()


@pytest.mark.parametrize("height", [90, 120, 200, 400])
@pytest.mark.parametrize("values", [noise(500), np.full(9, 0.125)], ids=["noise", "equal"])
def test_the_labels_of_the_range_stay_inside_the_distribution(bench, values, height):
    shown = bench("distribution", values, "int8 scale-only")
    shown.pane.resize(500, height)
    QApplication.processEvents()
    view = shown.view().sceneBoundingRect().adjusted(0, -2, 0, 2)
    lines = [line for line in shown.items(pg.InfiniteLine) if line.movable]
    labels = [line.label for line in lines]
    boxes = [e.textItem.mapRectToScene(e.textItem.boundingRect()) for e in labels]
    assert len(boxes) == 2
    for box in boxes:
        assert view.top() <= box.top() + 1e-6
        assert box.bottom() <= view.bottom() + 1e-6
    if height > 90:
        one, other = (box.adjusted(3, 3, -3, -3) for box in boxes)
        assert not one.intersects(other)


def test_the_names_in_the_calibration_plot_stay_inside_it(bench):
    shown = bench("calibration", noise(500), "int8 symmetric")
    for height in (150, 220, 400):
        shown.pane.resize(500, height)
        QApplication.processEvents()
        view = shown.view().sceneBoundingRect().adjusted(0, -1, 0, 1)
        names = {item.toPlainText(): item for item in shown.items(pg.TextItem)}
        assert {"MSE", "rounding part", "clipping part", "minmax"} <= set(names)
        # A low view has no part for it: see test_plot_scales.py.
        assert any(name.startswith("KL divergence") for name in names) == (height > 150)
        for item in names.values():
            box = item.mapRectToScene(item.boundingRect())
            assert view.top() <= box.top()
            assert box.bottom() <= view.bottom()


@pytest.mark.parametrize("key", KEYS)
def test_no_pixel_of_the_light_theme_stays_in_the_dark_one(bench, key):
    shown = bench(key, noise(100), *THREE)
    light = shown.picture().pixelColor(shown.pane.width() - 5, 4).lightnessF()
    apply_theme(DARK)
    shown.pane.restyle(DARK)
    dark = shown.picture().pixelColor(shown.pane.width() - 5, 4).lightnessF()
    assert light > 0.9
    assert dark < 0.2


@pytest.mark.parametrize("key", KEYS)
def test_drawing_again_adds_no_item(bench, key):
    shown = bench(key, noise(100), *THREE)
    before = len(shown.plot.item.items)
    for _ in range(3):
        shown.feed.refresh()
    assert len(shown.plot.item.items) == before
    shown.open(np.zeros(0, np.float32), ())
    # The one item of the number line says what is missing.
    assert len(shown.plot.item.items) < before + (key == "number-line")


@pytest.mark.parametrize("key", KEYS)
def test_the_pointer_reads_out_and_leaving_hides_it(bench, key):
    shown = bench(key, np.array([0.5, -1.0, 2.0]), *THREE)
    (x0, x1), (y0, y1) = shown.view().viewRange()
    shown.move((x0 + x1) / 2, (y0 + y1) / 2)
    assert shown.pane.readout.isVisible()
    assert shown.pane.rect().contains(shown.pane.readout.geometry())
    crosshairs = [i for i in shown.items(pg.InfiniteLine) if i.zValue() == 30]
    crosshairs.sort(key=lambda line: -line.angle)
    angles = [] if key in SHEETS else [90, 0] if shown.plot.y_quantity else [90]
    assert [line.angle for line in crosshairs] == angles
    for line in crosshairs[:1]:
        assert line.value() == pytest.approx((x0 + x1) / 2, abs=(x1 - x0) / 200)
    QApplication.sendEvent(shown.pane.widget.viewport(), QEvent(QEvent.Type.Leave))
    assert not shown.pane.readout.isVisible()
    assert not any(line.isVisible() for line in crosshairs)


@pytest.mark.parametrize("key", ZOOMED)
def test_keys_choose_zoom_and_fit(bench, key, person):
    # In this order by position and by value.
    shown = bench(key, np.array([-1.0, 0.5, 2.0]), *THREE)
    shown.pane.activateWindow()
    shown.pane.setFocus()
    shown.qtbot.waitUntil(lambda: shown.pane.hasFocus() or shown.pane.widget.hasFocus())
    person.press("Right", "Right")
    assert shown.session.view.chosen == 2
    person.press("Left")
    assert shown.session.view.chosen == 1
    whole = shown.view().viewRange()[0]
    person.press("+")
    zoomed = shown.view().viewRange()[0]
    assert zoomed[1] - zoomed[0] < whole[1] - whole[0]
    person.press("Home")
    assert shown.view().viewRange()[0] == pytest.approx(whole)


@pytest.mark.parametrize("key", ZOOMED)
def test_a_zoomed_plot_keeps_its_range_when_the_values_change(bench, key):
    from quantoscope.gui.document import commands

    shown = bench(key, np.array([0.5, -1.0, 2.0]), *THREE)
    shown.pane.activateWindow()
    shown.pane.setFocus()
    shown.qtbot.keyClick(shown.pane, "+")
    zoomed = shown.view().viewRange()[0]
    commands.edit_value(shown.session, 0, 50.0)
    assert shown.view().viewRange()[0] == pytest.approx(zoomed)


# For the number line see test_number_line.py.
@pytest.mark.parametrize("key", [key for key in OF_VALUES if key != "number-line"])
def test_the_chosen_value_is_marked(bench, key):
    array = np.array([0.5, -1.0, 2.0], np.float32)
    shown = bench(key, array, *THREE)
    active = shown.session.evaluator.active_evaluation
    at = {"signal": 1, "error": 1, "distribution": -1.0, "transfer": -1.0}
    at["codes"] = int(active.codes[1])
    at["calibration"] = 0.0  # the logarithm of |−1|
    at |= {"channels": 0, "difference": 1}
    shown.session.view.choose(1)
    lines = [line.value() for line in shown.items(Straight) if line.angle == 90]
    if key.startswith("image"):  # a frame around the cell, which shows its number
        frames = [curve.getData()[0] for curve in shown.items(pg.PlotCurveItem)]
        assert {(frame.min(), frame.max()) for frame in frames} == {(0.5, 1.5)}
        return
    if key == "codes":  # in the lane of each scheme, at its code
        curves = [curve.getData()[0] for curve in shown.items(pg.PlotCurveItem)]
        lines = [x[0] for x in curves if x[0] == x[-1]]
        assert len(lines) == len(THREE)
    assert any(abs(value - at[key]) < 1e-6 for value in lines)


@pytest.mark.parametrize("key", KEYS)
def test_a_hidden_plot_catches_up_when_it_is_shown(bench, key):
    from quantoscope.gui.document import commands

    shown = bench(key, np.array([0.5, -1.0, 2.0]), *THREE)
    before = shown.plot.insight
    shown.pane.hide()
    commands.set_values(shown.session, np.arange(3), np.array([0.5, 0.5, 0.0]), "")
    shown.pane.show()
    assert shown.plot.insight != before


def test_schemes_that_are_switched_off_are_not_drawn(bench):
    from dataclasses import replace

    from quantoscope.gui.document import commands

    shown = bench("signal", noise(10), *THREE)
    curves = len(shown.items(pg.PlotCurveItem))
    uid = shown.session.entries[1].uid
    commands.update_entry(shown.session, uid, lambda e: replace(e, enabled=False), "")
    assert len(shown.items(pg.PlotCurveItem)) == curves - 1


# What is drawn


def test_few_values_stand_as_stems_beside_each_other_and_many_as_a_line(bench):
    shown = bench("signal", noise(60), *THREE[:2])
    assert shown.items(pg.ScatterPlotItem)
    stems = [c for c in shown.items(pg.PlotCurveItem) if len(c.getData()[0]) == 120]
    assert len(stems) == 3
    firsts = sorted(c.getData()[0][0] for c in stems)
    assert len(set(firsts)) == 3
    shown.open(noise(61), THREE[:2])
    lines = [c for c in shown.items(pg.PlotCurveItem) if len(c.getData()[0]) == 61]
    assert len(lines) == 3


def texts_of(shown):
    return [text for item in shown.items(pg.TextItem) if (text := item.toPlainText())]


def test_more_than_two_schemes_have_lanes_where_they_would_cover_each_other(bench):
    """Each lane has R, its scheme's R′ and its name; all have one scale."""
    shown = bench("signal", noise(10), *THREE, size=(700, 400))
    assert shown.plot.item.getAxis("left")._tickLevels is None
    array = noise(300)
    shown.open(array, THREE)
    plot, data = shown.plot, shown.plot.data
    assert [text.lstrip("▸ ") for text in texts_of(shown) if "int8" in text] == list(THREE)
    lanes = plot._lanes(data, 0, array.size)
    assert [lane.bottom for lane in lanes] == sorted((lane.bottom for lane in lanes), reverse=True)
    assert len({(lane.low, lane.high) for lane in lanes}) == 1
    for lane in lanes:
        uid = lane.series.entry.uid
        for name, values in (((uid, "R"), array), (uid, lane.series.part(0, 300).reconstructed)):
            y = plot._items["line", name].getData()[1]
            assert y[::2] == pytest.approx(lane.down(values))
            assert ((lane.bottom < y) & (y < lane.top)).all()
    shown.open(array, THREE[:2])
    assert plot.item.getAxis("left")._tickLevels is None
    assert not [text for text in texts_of(shown) if "int8" in text]


@pytest.mark.parametrize("key", ["signal", "error"])
@pytest.mark.parametrize("size", [(250, 160), (400, 260), (700, 500)])
def test_lanes_bear_their_names_at_every_size(bench, key, size):
    schemes = ("int8 scale-only", "int8 symmetric", "int8 asymmetric", "int4 symmetric")
    shown = bench(key, noise(2000), *schemes, size=size)
    room = shown.view().sceneBoundingRect().adjusted(-1, -1, 1, 1)
    names = [
        item for item in shown.items(pg.TextItem) if item.toPlainText().startswith(("▸", "int"))
    ]
    assert [item.isVisible() for item in names] == [True] * 4
    boxes = [item.mapRectToScene(item.boundingRect()) for item in names]
    for place, box in enumerate(boxes):
        assert room.contains(box)
        assert not any(box.intersects(other) for other in boxes[place + 1 :])


def test_the_curves_are_the_values_and_what_is_reconstructed(bench):
    array = noise(200)
    shown = bench("signal", array, "int4 symmetric")
    drawn = [c.getData()[1] for c in shown.items(pg.PlotCurveItem)]
    expected = evaluate(array, "int4 symmetric").reconstructed
    # Noise is drawn as a dash per value: a line would be hair.
    assert any(np.allclose(y[::2], array) and np.allclose(y[1::2], array) for y in drawn)
    assert any(np.allclose(y[::2], expected) for y in drawn)


@pytest.mark.parametrize("place", [0, 30_000, 60_000])
def test_the_error_of_a_clipped_value_has_its_triangle_wherever_it_stands(bench, place):
    array = (noise(60_001) * 1e-3).astype(np.float32)
    array[place] = 7.5
    shown = bench("error", array, "int8 symmetric manual(-1,1)")
    (marks,) = [i for i in shown.items(pg.ScatterPlotItem) if not isinstance(i.opts["symbol"], str)]
    assert marks.getData()[0].tolist() == [place]


@pytest.mark.parametrize("place", [0, 30_000, 60_000])
def test_an_envelope_keeps_a_spike_wherever_it_stands(bench, place):
    array = (noise(60_001) * 1e-3).astype(np.float32)
    array[place] = 7.5
    shown = bench("signal", array, "int8 symmetric manual(-1,1)")
    bars = shown.items(pg.BarGraphItem)[0].opts
    ends = shown.plot.y_unit.up(np.concatenate([bars["y0"], bars["y1"]]))
    spike = 7.5
    assert np.isclose(ends, spike, rtol=1e-3).any()
    left, right = np.asarray(bars["x0"]), np.asarray(bars["x0"]) + np.asarray(bars["width"])
    column = np.flatnonzero((left <= place) & (place <= right))
    assert column.size
    low, high = shown.plot.seen[1]
    assert low <= spike <= high


@pytest.mark.parametrize("value", [3.5, -2e-5, 0.0])
def test_the_histogram_of_equal_values_claims_no_extent(bench, value):
    shown = bench("distribution", np.full(1000, value), "int8 symmetric")
    bars = shown.items(pg.BarGraphItem)[0].opts
    left, width = float(bars["x0"][0]), float(bars["width"][0])
    x0, x1 = shown.view().viewRange()[0]
    assert width < (x1 - x0) / 20
    assert left + width / 2 == pytest.approx(value, abs=1e-3 * (x1 - x0))


def test_clipped_values_carry_a_triangle_that_points_the_way_they_were_cut(bench):
    shown = bench("error", [2.0, -2.0, 0.25], "int8 symmetric manual(-1,1)")
    paths = {}
    for scatter in shown.items(pg.ScatterPlotItem):
        symbol = scatter.opts["symbol"]
        if not isinstance(symbol, str):
            tip = max(
                (symbol.elementAt(i) for i in range(symbol.elementCount())), key=lambda e: abs(e.y)
            )
            paths[scatter.getData()[0][0]] = tip.y
    assert set(paths) == {0, 1}
    # Symbols are drawn with y downwards.
    assert paths[0] > 0 > paths[1]


@pytest.mark.parametrize("unit", ["S", "R"])
def test_the_band_reaches_from_minus_half_a_step_to_half_a_step(bench, unit):
    shown = bench("error", noise(100), "int8 symmetric", "int4 symmetric")
    shown.plot.choose("unit", unit)
    lanes = shown.plot._lanes(shown.plot.data, 0, 100)
    assert len(lanes) == 2
    for lane in lanes:
        series = lane.series
        step = series.evaluation.qparams.scale
        half = 0.5 if unit == "S" else step / 2
        rect = shown.plot._items["area", (series.entry.uid, "band")].rect()
        ends = [float(lane.down(end)) for end in (-half, half)]
        assert (rect.top(), rect.bottom()) == pytest.approx(ends)
        assert rect.left() <= 0
        assert rect.right() >= 99
        error = lane.down(series.evaluation.error / (step if unit == "S" else 1))
        assert ends[0] <= error.min() + 1e-6 <= error.max() <= ends[1] + 1e-6


@pytest.mark.parametrize(
    ("array", "scheme", "ends"),
    [
        ([0.0, 0.5, 1.0], "int8 symmetric", [(-127, -1)]),
        ([0.21535037, 1.2962357, -1.0161772], "int8 symmetric", [(-127, -101)]),
        ([-1.0, 0.0, 1.0], "int8 symmetric", []),
        ([-0.6, 0.0, 0.6], "int4 symmetric manual(-1,1)", [(-7, -5), (5, 7)]),
        ([2.0, 3.0, 4.0], "uint8 asymmetric manual(0,4)", [(0, 126)]),
    ],
)
def test_unused_codes_are_hatched_over_their_stretch_of_the_axis(bench, array, scheme, ends):
    values, codes = (bench(key, array, scheme) for key in ("distribution", "codes"))
    step = values.session.evaluator.active_evaluation.qparams.scale
    zero = values.session.evaluator.active_evaluation.qparams.zero_point

    def hatched(shown):
        patterns = (Qt.BrushStyle.BDiagPattern, Qt.BrushStyle.FDiagPattern)
        rects = [i for i in shown.items(QGraphicsRectItem) if i.brush().style() in patterns]
        assert all(i.brush().color().red() > 150 for i in rects)
        return sorted((i.rect().left(), i.rect().right()) for i in rects)

    expected = [(first - 0.5, last + 0.5) for first, last in ends]
    assert hatched(codes) == [pytest.approx(pair) for pair in expected]
    expected = [((a - zero) * step, (b - zero) * step) for a, b in expected]
    assert hatched(values) == [pytest.approx(pair) for pair in expected]


def test_the_axis_on_top_names_the_codes_where_their_levels_are(bench):
    shown = bench("distribution", noise(500), "int8 asymmetric")
    p = shown.session.evaluator.active_evaluation.qparams
    image = shown.picture()
    assert not image.isNull()
    (ticks,) = shown.plot.item.getAxis("top")._tickLevels
    assert {"-128", "127"} <= {text for _, text in ticks}
    for at, text in ticks:
        assert at == pytest.approx((int(text) - p.zero_point) * p.scale, abs=1e-6)


def test_the_histogram_counts_every_value(bench):
    array = noise(5000)
    shown = bench("distribution", array, "int8 symmetric")
    bars = shown.items(pg.BarGraphItem)[0].opts
    heights = np.asarray(bars["y1"])
    assert heights.sum() == 5000


def test_the_staircase_takes_every_value_to_what_it_becomes(bench):
    array = np.linspace(-2, 2, 41).astype(np.float32)
    shown = bench("transfer", array, "int4 symmetric manual(-1,1)")
    result = evaluate(array, "int4 symmetric manual(-1,1)")
    stairs = max(shown.items(pg.PlotCurveItem), key=lambda c: len(c.getData()[0]))
    x, y = stairs.getData()
    for value, reconstructed in zip(array, result.reconstructed, strict=True):
        if not x[0] < value < x[-1] or np.abs(x - value).min() < 1e-6:
            continue
        assert y[np.searchsorted(x, value) - 1] == pytest.approx(reconstructed, abs=1e-6)


def test_the_bars_of_codes_count_the_codes(bench):
    array = noise(2000)
    shown = bench("codes", array, "int4 asymmetric")
    result = evaluate(array, "int4 asymmetric")
    bars = shown.items(pg.BarGraphItem)[0].opts
    heights = np.rint(shown.plot.y_unit.up(bars["y1"])) * (np.asarray(bars["y1"]) >= 0)
    assert heights.tolist() == np.bincount(result.codes + 8, minlength=16).tolist()


def test_ticks_read_the_same_after_a_change_of_theme(bench):
    drawn = bench("signal", np.array([0.21535037, 0.2962357, -0.0161772]), *THREE)
    drawn.picture()
    drawn.plot.restyle(DARK)
    drawn.picture()
    axis = drawn.plot.item.getAxis("left")
    low, high = drawn.view().viewRange()[1]
    levels = axis.tickValues(low, high, 200)
    assert max(abs(low), abs(high)) < 1
    for spacing, places in levels:
        read = axis.tickStrings(places, axis.autoSIPrefixScale * axis.scale, spacing)
        assert [float(text) for text in read] == pytest.approx(list(places), abs=spacing / 2)


# What lies on what, and the band of scales that differ from value to value


def layers(shown):
    """The schemes from the lowest to the highest, by the lines that are drawn of them."""
    names = {entry.uid: entry.name for entry in shown.session.entries}
    lines = [
        (item.zValue(), shown.plot.item.items.index(item), names[key[1]])
        for key, item in shown.plot._items.items()
        if key[0] == "line" and key[1] in names and item.isVisible()
    ]
    return [name for *_, name in sorted(lines)]


@pytest.mark.parametrize("key", ["signal", "transfer"])
def test_the_active_scheme_lies_on_top_and_later_ones_on_earlier_ones(bench, key):
    shown = bench(key, noise(200), *THREE)
    session = shown.session
    first, second, third = session.entries
    for active, order in ((third, THREE), (first, [*THREE[1:], THREE[0]])):
        session.activate(active.uid)
        QApplication.processEvents()
        assert layers(shown) == list(order)
    # One that is switched off and on again is drawn anew, and lies where it lay.
    for on in (False, True):
        commands.update_entry(
            session, second.uid, lambda e, on=on: replace(e, enabled=on), "switch"
        )
        QApplication.processEvents()
    assert layers(shown) == [*THREE[1:], THREE[0]]


@pytest.mark.parametrize("key", ["signal", "transfer"])
def test_a_figure_has_the_schemes_lie_on_each_other_as_the_window_does(bench, key):
    shown = bench(key, noise(200), *THREE)
    session = shown.session
    session.activate(session.entries[1].uid)
    commands.move_entry(session, session.entries[2].uid, 0)
    QApplication.processEvents()
    panel = Panel(type(shown.plot), shown.plot.data, LIGHT, 1.0)
    panel.place(QRectF(0, 0, 500, 200))
    drawn = SimpleNamespace(plot=panel.plot, session=session)
    try:
        assert layers(drawn) == layers(shown) == [THREE[2], THREE[0], THREE[1]]
    finally:
        panel.close()


@pytest.mark.parametrize(
    "scheme", ["int8 symmetric per-channel(1)", "int8 symmetric per-group(4)", "e4m3fn symmetric"]
)
def test_a_band_that_changes_with_every_value_is_an_envelope_and_no_hair(bench, scheme):
    array = (noise(1200).reshape(40, 30) * np.geomspace(0.01, 1, 30)).astype(np.float32)
    shown = bench("error", array, scheme)
    shown.plot.choose("unit", "R")
    (series,) = shown.plot.data.series
    key = "bars", (series.entry.uid, "band")
    band = shown.plot._items[key]
    high = np.asarray(band.opts["y1"])
    assert np.count_nonzero(np.diff(high)) <= shown.plot.columns / 6
    # It still holds every error.
    (lane,) = shown.plot._lanes(shown.plot.data, 0, 1200)
    left = np.asarray(band.opts["x0"])
    where = np.searchsorted(left, np.arange(1200), "right") - 1
    assert (lane.down(np.abs(series.part(0, 1200).error)) <= high[where] + 1e-6).all()
    # Zoomed in, each value has its own.
    shown.view().setXRange(10, 20, padding=0)
    QApplication.processEvents()
    band = shown.plot._items[key]
    bounds = series.envelope("bound", shown.plot.columns, 10, 21).high
    (lane,) = shown.plot._lanes(shown.plot.data, 10, 21)
    assert np.asarray(band.opts["y1"]) == pytest.approx(lane.down(bounds))


def test_the_calibration_plot_names_the_unit_of_a_squared_error(bench):
    shown = bench("calibration", noise(300), "int8 symmetric")
    assert shown.plot.axis_labels()[1] == f"{METRIC['mse'].name} {METRIC['mse'].unit}"


def test_an_axis_label_that_becomes_longer_is_centred_anew(open_window):
    window = open_window(np.linspace(-1, 1, 40), "int4 symmetric", "int4 asymmetric mse")
    window.stage.set_views(["waterfall"])
    QApplication.processEvents()
    pane = window.plots["waterfall"]
    for key in ("bottom", "left"):
        axis = pane.plot.item.getAxis(key)
        label = axis.mapRectFromItem(axis.label, axis.label.boundingRect())
        assert abs(label.center().x() - axis.size().width() / 2) < 2 or key == "left"
        assert abs(label.center().y() - axis.size().height() / 2) < 2 or key == "bottom"
