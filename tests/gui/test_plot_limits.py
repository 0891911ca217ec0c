"""Axes at their ends: extreme numbers, large offsets, zoom far in and out, labels side by side."""

import math
import random
import re

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QWheelEvent
from PySide6.QtWidgets import QApplication

from quantoscope.engine import summarize
from quantoscope.gui.plots.axis import (
    ValueAxis,
    WholeAxis,
    log_ticks,
    offset_of,
    shared_text,
    tick_text,
)
from quantoscope.gui.plots.labels import Label, placed
from quantoscope.gui.plots.spans import LARGEST, Unit, bounded, padded, power, unit_for
from tests.gui.plot_bench import KEYS, ZOOMED

SMALLEST = 5e-324
HOSTILE = {
    "one of 1e-320": [1e-320],
    "the smallest": [SMALLEST],
    "the smallest, both signs, and 0": [SMALLEST, -SMALLEST, 0.0],
    "all 1e-310": np.full(100, 1e-310),
    "subnormal ramp": np.linspace(-1, 1, 200) * 1e-310,
    "the largest, both signs": [1.7e308, -1.7e308],
    "the largest": [LARGEST] * 3,
    "ends of float64 together": [SMALLEST, 1e308],
    "negative zero": [-0.0],
    "one value again and again": np.full(50, 3.3),
    "float32 subnormals": np.array([1e-45, 2e-45, -1e-40], np.float32),
    "NaN and infinities among the ends": [SMALLEST, np.nan, np.inf, -np.inf, 1e308],
    "large offset": 1e9 + np.linspace(0, 1e-3, 40),
    "neighbours": [1.0, 1 + 2.3e-16, 1 + 4.5e-16],
    "neighbours far out": [1e308, np.nextafter(1e308, 0), np.nextafter(1e308, np.inf)],
    "large channels": np.linspace(-1, 1, 64).reshape(8, 8) * 1.7e308,
    "small channels": np.linspace(-1, 1, 64).reshape(8, 8) * 1e-315,
}
SCHEMES = ("int8 asymmetric", "int8 symmetric", "e4m3fn symmetric", "int4 asymmetric per-group(4)")


def array_of(case):
    values = np.asarray(HOSTILE[case])
    return values if values.dtype == np.float32 else values.astype(np.float64)


def texts_of(axis):
    """The numbers that stand along an axis now."""
    low, high = axis.range
    if axis._tickLevels is not None:
        return [text for level in axis._tickLevels for _, text in level]
    levels = axis.tickValues(low, high, 400)
    return [t for spacing, values in levels for t in axis.tickStrings(values, 1.0, spacing)]


# What is drawn


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("key", KEYS)
def test_every_plot_draws_numbers_at_the_ends_of_float64(bench, key, case):
    shown = bench(key, np.zeros(0))
    shown.open(array_of(case), SCHEMES)
    shown.picture()
    assert shown.plot.insight.endswith(".")
    for low, high in shown.view().viewRange():
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert max(abs(low), abs(high)) * 2.0**-47 < high - low
    assert shown.plot.item.items
    for name in ("bottom", "left"):
        texts = texts_of(shown.plot.item.getAxis(name))
        # Every scheme has a lane of its own with the same ticks.
        laned = name == "left" and key in ("error", "signal", "codes")
        lanes = len(shown.plot.data.series) if laned else 1
        assert len(texts) <= lanes * len(set(texts))
    x, y = (sum(ends) / 2 for ends in shown.view().viewRange())
    shown.move(x, y)
    assert "nan" not in shown.pane.readout.text()


@pytest.mark.parametrize("case", ["one of 1e-320", "all 1e-310", "the largest, both signs"])
def test_numbers_that_cannot_be_drawn_are_divided_by_a_power_that_the_axis_names(bench, case):
    shown = bench("signal", np.zeros(0))
    values = array_of(case)
    shown.open(values, ("int8 asymmetric",))
    axis = shown.plot.item.getAxis("left")
    (power_of_ten,) = re.findall(r"×1e(-?\d+)$", axis.labelText)
    assert int(power_of_ten) == math.floor(math.log10(np.abs(values).max()))
    low, high = shown.view().viewRange()[1]
    top = Unit(int(power_of_ten)).down_to(float(values.max()))
    assert low < top < high
    assert (high - low) < 20 * top


def test_the_range_of_extreme_data_is_dragged_in_numbers_of_the_data(bench):
    shown = bench("distribution", np.zeros(0))
    shown.open(np.linspace(-1, 1, 50) * 1e-310, ("int8 asymmetric",))
    high = shown.plot.x_unit.down_to(1e-310)
    y = shown.view().viewRange()[1][1] * 0.4
    shown.drag((high, y), (high / 2, y))
    scheme = str(shown.session.entries[0].scheme)
    end = float(re.findall(r"manual\(.*,(.*)\)", scheme)[0])
    assert end == pytest.approx(0.5e-310, rel=0.02)


# Zoom


@pytest.mark.parametrize("key", KEYS)
def test_no_zoom_of_any_plot_leads_out_of_what_can_be_drawn(bench, key):
    """Random looks at hostile data; a warning of Qt, or an error in painting, fails the test."""
    chance = random.Random(KEYS.index(key))
    shown = bench(key, np.zeros(0))
    for case in chance.sample(sorted(HOSTILE), 6):
        shown.open(array_of(case), SCHEMES[:2])
        view = shown.view()
        for _ in range(12):
            act = chance.randrange(4)
            if act == 0:
                centre = [chance.uniform(*ends) for ends in view.viewRange()]
                view.scaleBy(x=10 ** chance.uniform(-9, 9), y=10 ** chance.uniform(-9, 9),
                             center=centre)  # fmt: skip
            elif act == 1:
                far = 10.0 ** chance.uniform(-320, 308)
                view.setXRange(chance.uniform(-far, far), far)
            elif act == 2:
                view.translateBy(x=10 ** chance.uniform(-5, 5), y=10 ** chance.uniform(-5, 5))
            else:
                wheel(shown, chance.choice([-12000, 12000]))
            x, y = view.viewRange()
            assert all(map(math.isfinite, (*x, *y)))
            shown.picture()
        shown.pane.fit()


def wheel(shown, delta):
    viewport = shown.pane.widget.viewport()
    at = QPointF(viewport.rect().center())
    event = QWheelEvent(
        at, QPointF(viewport.mapToGlobal(at.toPoint())), QPointF(0, delta).toPoint(),
        QPointF(0, delta).toPoint(), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)
    QApplication.processEvents()


@pytest.mark.parametrize("key", ZOOMED)
def test_zoom_has_ends_in_both_directions_and_everything_comes_back(bench, key):
    shown = bench(key, np.random.default_rng(0).standard_normal(300), *SCHEMES[:2])
    view = shown.view()
    whole = view.viewRange()[0]
    width = whole[1] - whole[0]
    for _ in range(40):
        wheel(shown, 12000)
    narrow = view.viewRange()[0]
    assert 0 < narrow[1] - narrow[0] < width
    wheel(shown, 12000)
    assert view.viewRange()[0] == pytest.approx(narrow)
    texts = texts_of(shown.plot.item.getAxis("bottom"))
    assert len(texts) == len(set(texts)) > 0
    for _ in range(60):
        wheel(shown, -12000)
    low, high = view.viewRange()[0]
    assert high - low == pytest.approx(4 * width)
    shown.pane.fit()
    assert view.viewRange()[0] == pytest.approx(whole)


@pytest.mark.parametrize("key", KEYS)
def test_some_of_the_data_stays_in_view_however_far_a_drag_goes(bench, key):
    shown = bench(key, np.random.default_rng(0).standard_normal(300), *SCHEMES[:2])
    view = shown.view()
    whole = view.viewRange()[0]
    for far in (1e6, -1e6):
        view.translateBy(x=far)
        low, high = view.viewRange()[0]
        assert min(high, whole[1]) - max(low, whole[0]) > 0.05 * (whole[1] - whole[0])


def test_a_zoom_into_other_data_shows_some_of_what_is_there_now(bench):
    shown = bench("distribution", np.linspace(-1000, 1000, 99), *SCHEMES[:2])
    shown.plot.look_at((900.0, 1000.0), None)
    shown.open(np.linspace(0, 1, 99).astype(np.float32), SCHEMES[:2])
    low, high = shown.view().viewRange()[0]
    assert low < 1
    assert high > 0


def test_a_part_is_looked_at_in_numbers_of_the_data(bench):
    shown = bench("distribution", np.zeros(0))
    shown.plot.forget()
    shown.plot.look_at((-1e-311, 1e-311), None)
    shown.open(np.linspace(-1, 1, 50) * 1e-310, ("int8 asymmetric",))
    assert shown.plot.look[0] == pytest.approx((-1e-311, 1e-311))
    assert shown.plot.look[1] is None


# Numbers along an axis


@pytest.mark.parametrize("key", ["distribution", "transfer"])
def test_of_a_large_offset_the_axis_says_once_what_all_numbers_share(bench, key):
    shown = bench(key, np.zeros(0))
    shown.open(array_of("large offset"), ("int8 asymmetric",))
    shown.plot.look_at((1e9, 1e9 + 1e-3), None)
    axis = shown.plot.item.getAxis("bottom")
    assert axis.labelText.endswith(", 1e9 + …")
    texts = texts_of(axis)
    assert len(set(texts)) == len(texts) > 2
    assert all(len(text) < 8 for text in texts)


def test_what_all_numbers_share_is_said_in_low_panes_too(bench):
    shown = bench("signal", np.zeros(0), size=(300, 80))
    shown.open(1e9 + np.linspace(0, 1e-3, 99), ())
    QApplication.processEvents()
    axis = shown.plot.item.getAxis("left")
    assert axis.label.isVisible()
    assert axis.label.toPlainText().strip() == "1e9 + …"
    assert not shown.plot.item.getAxis("bottom").label.isVisible()
    shown.open(np.linspace(0, 1e-3, 99), ())
    QApplication.processEvents()
    assert not axis.label.isVisible()


@pytest.mark.parametrize("key", ["distribution", "transfer"])
def test_values_far_from_zero_are_framed_though_a_scheme_reaches_for_it(bench, key):
    x = 1e4 + np.random.default_rng(1).standard_normal(500)
    shown = bench(key, x, "int8 scale-only", "int8 symmetric", "int8 asymmetric")
    low, high = shown.plot.seen[0]
    assert low < x.min() < x.max() < high
    assert high - low < 3 * np.ptp(x)


@pytest.mark.parametrize("array", [np.zeros(50), np.linspace(-9, 9, 99)], ids=["zeros", "narrow"])
def test_labels_of_a_range_without_room_for_them_stand_outside_of_it(bench, array):
    shown = bench("distribution", array.astype(np.float32), "int8 symmetric manual(-0.1,0.1)")
    if not array.any():
        shown.open(array.astype(np.float32), ("int8 symmetric",))
    labels = {name: handle.label.textItem.sceneBoundingRect() for name, handle in
              shown.plot._handles.items()}  # fmt: skip
    low, high = (shown.plot._handles[name].sceneBoundingRect().center().x() for name in labels)
    assert labels["Rmin"].center().x() < low <= high < labels["Rmax"].center().x()


def test_the_labels_of_the_handles_differ_where_the_offset_is_large(bench):
    shown = bench("distribution", np.zeros(0))
    shown.open(array_of("large offset"), ("int8 asymmetric",))
    low, high = (shown.plot._handles[name] for name in ("Rmin", "Rmax"))
    texts = [h.label.toPlainText().partition(" ")[2] for h in (low, high)]
    assert texts[0] != texts[1]


@given(st.floats(-1e12, 1e12), st.floats(1e-9, 1e9))
def test_tick_texts_of_a_view_differ_and_are_short(middle, span):
    low, high = padded(middle - span / 2, middle + span / 2)
    axis = ValueAxis("bottom")
    axis.look_at(low, high, Unit())
    places = {}
    for spacing, values in axis.tickValues(low, high, 500):
        for value, text in zip(values, axis.tickStrings(values, 1.0, spacing), strict=True):
            assert len(text) <= 12
            assert abs(places.setdefault(text, value) - value) < spacing / 2


@pytest.mark.parametrize(
    ("low", "high", "offset"),
    [(1e9, 1e9 + 1e-3, 1e9), (-1, 1, 0), (999.9, 1000.2, 0), (-1.0000002, -1.0000001, -1),
     (0, 1e9, 0), (123456.7891, 123456.7893, 123456.79)],
)  # fmt: skip
def test_the_roundest_number_near_by_is_left_out(low, high, offset):
    assert offset_of(low, high) == offset


def test_what_numbers_share_is_written_as_people_do():
    assert shared_text(1e9, 0) == "1e9 + …"
    assert shared_text(0, -320) == "×1e-320"
    assert shared_text(1.0, 308) == "(1 + …) ×1e308"
    assert shared_text(0, 0) == ""


@pytest.mark.parametrize(
    ("value", "spacing", "text"),
    [(0.3, 0.1, "0.3"), (1e-17, 0.1, "0"), (12000, 1000, "12000"), (3e-9, 1e-9, "3e-9"),
     (-0.25, 0.05, "-0.25"), (2.5e6, 5e5, "2.5e6"), (7, 1, "7")],
)  # fmt: skip
def test_a_tick_has_the_digits_of_its_distance(value, spacing, text):
    assert tick_text(value, spacing) == text


@pytest.mark.parametrize("span", [6, 1, 0.1, 1e-3, 1e-6])
@pytest.mark.parametrize("low", [-320, -0.05, 0.3, 2.96, 307.5])
def test_a_logarithmic_axis_has_numbers_that_differ_at_every_zoom(low, span):
    ticks = log_ticks(low, low + span, span / 8)
    assert len({text for _, text in ticks}) == len(ticks) > 1
    assert all(low <= at <= low + span for at, _ in ticks)


# Pure rules


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_drawn_number_is_that_of_the_data_again(value):
    unit = unit_for(value, value / 3)
    drawn = unit.down_to(value)
    assert abs(drawn) < 1e101
    assert unit.up_to(drawn) == pytest.approx(value, rel=1e-14, abs=1e-323)


def test_what_grows_beyond_float64_ends_at_its_ends():
    assert Unit(308).up_to(9.0) == LARGEST
    assert Unit(-320).down_to(-1e300) == -1e150
    assert Unit(308).up_to(math.inf) == math.inf
    assert power(400) == LARGEST
    assert power(-400) == 0


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.floats(), st.floats(), st.floats(0, 0.5))
def test_a_view_that_is_asked_for_is_brought_to_one_that_shows_something(
    start, extent, low, high, finest
):
    whole = start, start + extent
    extent = whole[1] - whole[0]
    got = bounded(min(low, high), max(low, high), whole, finest * extent)
    width = got[1] - got[0]
    assert width <= 4 * extent * (1 + 1e-9)
    assert width >= finest * extent * (1 - 1e-3)
    assert min(got[1], whole[1]) - max(got[0], whole[0]) >= 0.09 * min(width, extent)


def test_a_view_within_its_bounds_stays_as_it_is():
    assert bounded(0.25, 0.5, (0.0, 1.0)) == (0.25, 0.5)


@given(st.lists(st.tuples(st.floats(0, 200), st.floats(0, 100), st.floats(10, 90)), max_size=9))
def test_labels_never_lie_over_each_other_or_outside(wanted):
    room = QRectF(0, 0, 200, 100)
    labels = [
        Label(QPointF(x, y), QRectF(x, y - 8, width, 16), lambda box: None)
        for x, y, width in wanted
    ]
    boxes = [box for box in placed(labels, room) if box is not None]
    for place, box in enumerate(boxes):
        assert room.adjusted(-1e-9, -1e-9, 1e-9, 1e-9).contains(box)
        assert not any(box.intersects(other) for other in boxes[:place])
    assert len(boxes) >= min(len(wanted), 4)


# What is read out


@pytest.mark.parametrize("key", ["signal", "distribution", "transfer", "difference"])
def test_what_the_pointer_reads_out_has_the_digits_that_tell_values_apart(bench, key):
    shown = bench(key, np.zeros(0))
    shown.open(array_of("large offset"), ("int8 symmetric", "int8 asymmetric"))
    texts = set()
    for x in (3, 17, 30) if key in ("signal", "difference") else (1e9, 1e9 + 4e-4, 1e9 + 9e-4):
        y = sum(shown.view().viewRange()[1]) / 2
        text = shown.plot.readout(shown.plot.data, x, y).partition("\n")[0]
        texts.add(text.partition("R ")[2])
    assert len(texts) == 3


def test_the_status_bar_tells_the_ends_of_data_with_a_large_offset_apart(open_window):
    window = open_window(array_of("large offset"), "int8 symmetric")
    text = window.statusBar().summary.text()
    low, high = re.findall(r"min (\S+)  max (\S+)", text)[0]
    assert low != high


@pytest.mark.parametrize(("values", "word"), [([1.7e308, -1.7e308, 1e308], "infinite"),
                                              ([1e-200, 3e-201, -2e-200], "0")])  # fmt: skip
def test_squares_beyond_float64_are_told_and_no_error_is_called_infinite(bench, values, word):
    shown = bench("error", np.zeros(0))
    shown.open(np.array(values), ("int8 symmetric",))
    entry = shown.session.entries[0]
    evaluation = shown.session.evaluator.snapshot.outcomes[entry.uid]
    (note,) = [note for note in evaluation.warnings if "squares" in note]
    assert f"read {word};" in note
    assert math.isfinite(evaluation.metrics["sqnr"])
    assert 0 < evaluation.metrics["rmse"] < math.inf
    assert "no error is finite" not in shown.plot.insight


def test_the_widest_range_has_a_histogram():
    values = np.linspace(-0.85e308, 0.85e308, 500) * 2
    seen = summarize(values)
    assert seen.counts.sum() == 500
    assert seen.counts.size > 10
    assert seen.counts.max() < 60
    assert np.isfinite(seen.edges).all()
    assert (seen.edges[0], seen.edges[-1]) == (-1.7e308, 1.7e308)


# Labels side by side


@pytest.mark.parametrize("scheme", ["int8 symmetric", "int8 asymmetric manual(-0.05,0.05)"])
@pytest.mark.parametrize("key", ["distribution", "calibration"])
def test_no_label_of_a_plot_hides_another_at_any_size_or_zoom(bench, key, scheme):
    shown = bench(key, np.random.default_rng(0).standard_normal(300), scheme)
    for size in ((220, 110), (300, 160), (430, 320), (700, 400)):
        shown.pane.resize(*size)
        QApplication.processEvents()
        for zoom in (1, 0.2, 5):
            shown.view().scaleBy(x=zoom)
            QApplication.processEvents()
            labels = shown.items(pg.TextItem)
            labels += [handle.label for handle in shown.plot._handles.values()]
            inside = shown.view().sceneBoundingRect()
            boxes = []
            for label in labels:
                box = label.mapRectToScene(label.boundingRect())
                if label.isVisible() and inside.contains(box.center()):
                    boxes.append(box.adjusted(2, 2.5, -2, -2.5))
            for place, box in enumerate(boxes):
                assert not any(box.intersects(other) for other in boxes[:place])
        shown.pane.fit()
    assert len(boxes) >= 2


def test_a_handle_is_dragged_by_less_than_the_digits_of_its_label_before(bench):
    shown = bench("distribution", np.zeros(0))
    shown.open(array_of("large offset"), ("int8 asymmetric",))
    y = shown.view().viewRange()[1][1] * 0.4
    labels = [shown.plot._handles["Rmax"].label.toPlainText()]
    for place in (7e-4, 6e-4):
        high = shown.plot.data.active.p.range[1]
        shown.drag((high, y), (1e9 + place, y))
        low, high = shown.plot.data.active.p.range
        assert low < high
        assert high == pytest.approx(1e9 + place, abs=1e-5)
        labels.append(shown.plot._handles["Rmax"].label.toPlainText())
    assert len(set(labels)) == 3


def test_a_part_without_a_difference_is_left_for_extreme_ones_without_an_error(bench):
    values = np.append(np.zeros(40), [3.3e-301, -7.7e-301])
    shown = bench("difference", np.zeros(0))
    shown.open(values, ("int8 symmetric", "int4 symmetric"))
    view = shown.view()
    view.setXRange(2.0, 8.0)
    view.setYRange(-0.5, 0.5)
    view.sigRangeChangedManually.emit([True, True])
    view.scaleBy(y=1e-9)
    view.setXRange(-1.0, 43.0)
    shown.picture()
    low, high = view.viewRange()[1]
    assert high - low > 1e-114
    view.scaleBy(y=1e-12)
    shown.picture()
    low, high = view.viewRange()[1]
    assert high - low > 1e-114


@pytest.mark.parametrize("low", [-624.4868675457446, 308.22167777769187, -1234567.8901234])
def test_numbers_along_the_narrowest_view_far_from_0_differ(qapp, low):
    axis = ValueAxis("left")
    high = low + abs(low) * 2.0**-45
    axis.look_at(low, high, Unit())
    levels = axis.tickValues(low, high, 300)
    texts = [t for spacing, values in levels for t in axis.tickStrings(values, 1.0, spacing)]
    assert len(texts) == len(set(texts)) > 1


@pytest.mark.parametrize("span", [589_824, 12_345, 99_999_999, 1e9])
@pytest.mark.parametrize("size", [120, 180, 210, 260, 400])
def test_numbers_along_a_narrow_axis_do_not_touch(qapp, span, size):
    axis = WholeAxis("bottom")
    axis.look_at(0, span, Unit())
    spacing, values = axis.tickValues(0, span, size)[0]
    texts = axis.tickStrings(values, 1.0, spacing)
    metrics = QFontMetricsF(axis.font())
    places = [value * size / span for value in values]
    for (a, left), (b, right) in zip(
        zip(places, texts, strict=True), list(zip(places, texts, strict=True))[1:], strict=False
    ):
        halves = (metrics.horizontalAdvance(left) + metrics.horizontalAdvance(right)) / 2
        assert b - a >= halves + 4
    assert texts


def test_rows_of_codes_end_where_levels_are_infinite(open_window):
    top = np.finfo(np.float32).max
    window = open_window(np.array([-top, -1e38, 0, 1e38], np.float32), "int8 symmetric pow2")
    plot = window.plots["distribution"].plot
    series = plot.data.series[0]
    assert np.isinf(series.levels).any()
    assert not np.isnan(series.level_edges).any()
    assert plot.insight
