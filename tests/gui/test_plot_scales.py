"""Axes that data can defeat: scales, what lies beyond, densities, bins and rows of codes."""

import math
import re

import numpy as np
import pyqtgraph as pg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication

from quantoscope.engine import evaluate
from quantoscope.engine.examples import example
from quantoscope.gui.common.theme import LIGHT
from quantoscope.gui.export.panel import Panel
from quantoscope.gui.plots.items import Curve
from quantoscope.gui.plots.scales import LogCounts, Symlog, symlog
from tests.gui.plot_bench import CASES, THREE, TINY, noise

OUTLIER = example("outlier")


def texts(shown):
    items = [i for i in shown.items(pg.TextItem) if i.isVisible()]
    return [item.toPlainText() for item in items]


def ticks(shown, name):
    axis = shown.plot.item.getAxis(name)
    low, high = axis.range
    view = shown.view()
    size = view.width() if name == "bottom" else view.height()
    return {
        text: at
        for spacing, values in axis.tickValues(low, high, size)
        for at, text in zip(values, axis.tickStrings(values, 1.0, spacing), strict=True)
    }


# The scales alone


@given(st.floats(1e-300, 1e300), st.floats(1, 1e8), st.floats(-1, 1))
def test_a_drawn_place_of_a_symlog_axis_is_that_of_the_number_again(reach, far, share):
    scale = symlog(reach, min(reach * far, 1e305))
    value = share * min(reach * far, 1e305)
    assert scale.up_to(scale.down_to(value)) == pytest.approx(value, rel=1e-9, abs=reach * 1e-12)
    assert abs(scale.down_to(value)) <= 1.9 + 1e-9


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9, unique=True))
def test_a_symlog_axis_keeps_the_order_of_numbers(values):
    drawn = Symlog(reach=1.0).down(np.sort(values))
    assert (np.diff(drawn) >= 0).all()


@pytest.mark.parametrize("reach", [0.05, 1.0, 4.0, 3e-7, 2e8])
@pytest.mark.parametrize("ends", [(-1.9, 1.9), (-0.4, 0.3), (1.2, 1.8), (-1.7, -1.1)])
def test_ticks_of_a_symlog_axis_are_numbers_at_their_places_and_apart(reach, ends):
    scale = symlog(reach, reach * 1e3)
    apart = (ends[1] - ends[0]) / 10
    found = scale.ticks(*ends, apart)
    assert len(found) >= 2
    for at, text in found:
        assert scale.down_to(float(text)) == pytest.approx(at, abs=1e-6)
    assert np.diff([at for at, _ in found]).min() >= 0.5 * apart
    assert len({text for _, text in found}) == len(found)


@given(st.floats(-3, 3), st.floats(3.1, 1e6), st.floats(0.05, 0.3))
def test_a_logarithmic_part_with_room_has_a_tick_that_tells_how_far_it_goes(log, times, apart):
    scale = symlog(10**log, times * 10**log)
    end = scale.down_to(times * 10**log)
    found = [at for at, _ in scale.ticks(-end, end, apart * 2 * end / 10)]
    # 1, 2 or 5 of a decade lies within a factor of 2.5.
    if scale.decade * math.log10(times / 2.5) > apart * 2 * end / 10:
        assert any(at > 1 for at in found)
        assert any(at < -1 for at in found)


@given(st.integers(1, 10**9))
def test_counts_of_a_logarithmic_axis_are_read_back_and_0_lies_below_1(count):
    scale = LogCounts()
    assert scale.up_to(scale.down_to(count)) == pytest.approx(count)
    assert scale.down_to(0) < scale.down_to(1)


# The outlier example shows its point at first sight


@pytest.mark.parametrize("key", ["signal", "distribution", "transfer"])
def test_the_outlier_leaves_the_others_half_of_the_view_and_is_named(bench, key):
    schemes = OUTLIER.schemes[: 2 if key == "signal" else None]
    shown = bench(key, OUTLIER.make(), *schemes, size=(800, 500))
    axis = 0 if key != "signal" else 1
    unit = (shown.plot.x_unit, shown.plot.y_unit)[axis]
    low, high = shown.view().viewRange()[axis]
    inner = unit.down_to(1.0) - unit.down_to(-1.0)
    assert inner >= 0.45 * (high - low)
    assert low < unit.down_to(100.0) < high
    assert "only #500 = 100 is beyond ±1" in texts(shown)
    assert "logarithmic" in texts(shown)
    found = ticks(shown, ("bottom", "left")[axis])
    assert {"-1", "0", "1", "10", "100"} <= set(found)
    shown.move(*[unit.down_to(100.0) if at == axis else 0.0 for at in (0, 1)][:2])
    shown.plot.choose(f"{'xy'[axis]} scale", "linear")
    low, high = shown.view().viewRange()[axis]
    assert low < 0 < 100 < high
    assert "logarithmic" not in texts(shown)


def test_the_outlier_leaves_the_others_half_of_every_lane_and_is_named(bench):
    shown = bench("signal", OUTLIER.make(), *OUTLIER.schemes, size=(800, 500))
    lanes = shown.plot._lanes(shown.plot.data, 0, 1001)
    for lane in lanes:
        low, one, most = (float(lane.down(at)) for at in (-1.0, 1.0, 100.0))
        assert one - low >= 0.45 * (lane.top - lane.bottom)
        assert lane.bottom < low < one < most < lane.top
    assert sum("only #500 = 100 is beyond ±1" in text for text in texts(shown)) == 1
    assert texts(shown).count("logarithmic") == len(lanes)
    labels = [text for _, text in shown.plot.item.getAxis("left")._tickLevels[0]]
    assert {text: labels.count(text) for text in ("-1", "1", "100")} == dict.fromkeys(
        ("-1", "1", "100"), len(lanes)
    )


def test_data_without_an_outlier_has_linear_axes(bench):
    for key in ("signal", "distribution", "transfer"):
        shown = bench(key, noise(5000), *THREE)
        assert "logarithmic" not in texts(shown)


def test_a_stretch_without_the_outlier_is_linear(bench):
    shown = bench("signal", OUTLIER.make(), *OUTLIER.schemes)
    shown.view().setXRange(10, 90, padding=0)
    QApplication.processEvents()
    (low, high) = {
        (lane.low, lane.high) for lane in shown.plot._lanes(shown.plot.data, 10, 90)
    }.pop()
    assert -1.5 < low < high < 1.5
    assert "logarithmic" not in texts(shown)


def test_the_range_is_dragged_and_a_value_picked_where_the_axis_is_logarithmic(bench):
    shown = bench("distribution", OUTLIER.make(), "int8 asymmetric", size=(800, 400))
    unit = shown.plot.x_unit
    shown.click(unit.down_to(90.0), shown.view().viewRange()[1][1] * 0.6)
    assert shown.session.view.chosen == 500
    y = shown.view().viewRange()[1][1] * 0.4
    shown.drag((unit.down_to(100.0), y), (unit.down_to(10.0), y))
    scheme = str(shown.session.entries[0].scheme)
    end = float(re.findall(r"manual\(.*,(.*)\)", scheme)[0])
    assert end == pytest.approx(10, rel=0.05)


def test_linked_plots_with_different_scales_show_the_same_numbers(bench):
    shown = bench("distribution", OUTLIER.make(), *THREE)
    shown.plot.look_at((-0.5, 0.5), None)
    assert shown.plot.seen[0] == pytest.approx((-0.5, 0.5))
    panel = Panel(type(shown.plot), shown.plot.data, LIGHT, 1.0)
    panel.place(QRectF(0, 0, 700, 400))
    assert {t.text for t in panel.ticks("bottom")} >= {"-1", "0", "1", "100"}
    panel.close()


# Error


def lane_of(shown, place):
    plot = shown.plot
    return plot._lanes(plot.data, 0, plot.data.values.size)[place]


def test_every_scheme_has_a_lane_with_half_a_step_to_either_side(bench):
    shown = bench("error", OUTLIER.make(), *OUTLIER.schemes, size=(700, 500))
    labels = [text for _, text in shown.plot.item.getAxis("left")._tickLevels[0]]
    assert labels == ["-½", "0", "½"] * 4
    names = [re.sub("^▸ ", "", text) for text in texts(shown) if "int8" in text]
    assert names == list(OUTLIER.schemes)
    assert sum("clipped: 1" in text for text in texts(shown)) == 2


def test_clipped_values_stand_in_the_strip_with_their_size_in_s(bench):
    array = OUTLIER.make()
    shown = bench("error", array, *OUTLIER.schemes, size=(700, 500))
    result = evaluate(array, "int8 scale-only")
    size = float(result.error[500] / result.qparams.scale)
    lane = lane_of(shown, 0)
    (red,) = [
        item for key, item in shown.plot._items.items()
        if key[0] == "points" and key[1] == (lane.series.entry.uid, 1)
    ]  # fmt: skip
    x, y = red.getData()
    assert x.tolist() == [500]
    assert lane.top < y[0] < lane.head
    assert any(f"{size:.1f} S" in text for text in texts(shown))


def test_a_density_holds_every_error_at_its_place(bench):
    array = noise(2000)
    shown = bench("error", array, "int8 symmetric", size=(700, 400))
    lane = lane_of(shown, 0)
    (image,) = shown.items(pg.ImageItem)
    opaque = image.image[..., 3] > 0
    result = evaluate(array, "int8 symmetric")
    error = result.error / result.qparams.scale
    rows, columns = opaque.shape
    row = ((lane.down(error) - lane.bottom) / (lane.top - lane.bottom) * rows).astype(int)
    column = ((np.arange(2000) + 0.5) * columns / 2000).astype(int)
    expected = np.zeros_like(opaque)
    expected[np.clip(row, 0, rows - 1), column] = True
    assert (opaque == expected).all()


def test_errors_in_units_of_r_have_one_range_for_all_lanes(bench):
    shown = bench("error", noise(300), "int8 symmetric", "int4 symmetric", size=(700, 400))
    shown.plot.choose("unit", "R")
    first, second = lane_of(shown, 0), lane_of(shown, 1)
    assert first.high == second.high == pytest.approx(second.series.bound)
    assert "unit of R" in shown.plot.axis_labels()[1]
    error = second.series.part(0, 300).error
    assert (lane_of(shown, 1).down(error) <= second.top).all()


@pytest.mark.parametrize("count", [200, 2000])
def test_dashes_are_the_pixels_that_qt_would_stroke(bench, count):
    shown = bench("signal", noise(count), *THREE, size=(500, 400))
    dashes = [item for item in shown.items(Curve) if item._dashes]
    assert len(dashes) == 6
    stamped = shown.picture()
    for item in dashes:
        item._dashes = False
        item.update()
    stroked = shown.picture()
    for item in dashes:
        ink = item.opts["pen"].color()
        if ink.alpha() < 255:
            continue
        ours, theirs = (
            np.frombuffer(picture.constBits(), np.uint32).reshape(picture.height(), -1) == ink.rgb()
            for picture in (stamped, stroked)
        )
        assert theirs.sum() > 500
        assert ours.sum() == pytest.approx(theirs.sum(), rel=0.03)
        # Qt rounds the ends of some to the next pixel.
        near = np.zeros_like(theirs)
        for down, right in np.ndindex(3, 3):
            near |= np.roll(theirs, (down - 1, right - 1), (0, 1))
        assert not (ours & ~near).any()


# Distribution


def test_bins_are_aligned_with_codes_at_every_zoom_and_count_what_lies_in_them(bench):
    array = noise(20_000)
    shown = bench("distribution", array, "int8 symmetric", size=(800, 400))
    step = evaluate(array, "int8 symmetric").qparams.scale
    for view in (None, (-0.5, 0.5), (0.1, 0.2)):
        shown.plot.look_at(view, None)
        bars = shown.plot._items["bars", "R"].opts
        left, width = np.asarray(bars["x0"]), np.asarray(bars["width"])
        ratio = max(step / width[0], width[0] / step)
        assert ratio == pytest.approx(round(ratio), rel=1e-4)
        places = left / step - 0.5
        each = max(width[0] / step, 1)
        assert np.abs(places - np.round(places)).min() < 1e-3 * each
        heights = shown.plot.y_unit.up(np.asarray(bars["y1"]))
        for at, wide, height in zip(left, width, heights, strict=True):
            count = np.count_nonzero((array >= at) & (array < at + wide))
            assert abs(count - round(height)) <= 1


def test_counts_of_a_large_dynamic_are_logarithmic_and_one_value_is_seen(bench):
    array = np.append(noise(50_000), 8.0).astype(np.float32)
    shown = bench("distribution", array, "int8 symmetric", size=(800, 400))
    shown.qtbot.waitUntil(lambda: isinstance(shown.plot.y_unit, LogCounts))
    bars = shown.plot._items["bars", "R"].opts
    last = np.asarray(bars["y1"])[-1] - np.asarray(bars["y0"])[-1]
    low, high = shown.view().viewRange()[1]
    assert last > 0.03 * (high - low)
    assert {"1", "10", "100"} <= set(ticks(shown, "left"))
    shown.plot.choose("y scale", "linear")
    shown.qtbot.waitUntil(lambda: not isinstance(shown.plot.y_unit, LogCounts))


def test_values_that_become_0_are_grey_and_their_share_is_said(bench):
    array = noise(2000).reshape(20, 100)
    array[:, 7] *= 40
    scheme = "int4 symmetric per-channel(0)"
    shown = bench("distribution", array, scheme, size=(800, 500))
    result = evaluate(array, scheme)
    gone = np.count_nonzero((result.reconstructed == 0) & (array != 0))
    kept = shown.plot._known[1].kept
    assert kept.sum() == array.size - gone
    (said,) = [text for text in texts(shown) if "become 0" in text]
    assert float(said.split()[0]) == pytest.approx(100 * gone / array.size, abs=0.5)
    assert any("ranges of all 20 end" in text for text in texts(shown))


def test_every_scheme_has_a_row_that_counts_its_codes(bench):
    array = OUTLIER.make()
    shown = bench("distribution", array, *OUTLIER.schemes, size=(900, 500))
    for scheme in OUTLIER.schemes:
        codes = evaluate(array, scheme).codes
        used = np.unique(codes).size
        inner = np.unique(np.delete(codes, 500)).size
        (row,) = [t for t in texts(shown) if t.startswith(f"{scheme}  ·")]
        assert f"{inner} codes for 1,000 values" in row
        total = 255 if "symmetric" in scheme and "asymmetric" not in scheme else 256
        assert f"{total - used} of {total} unused" in row
    # Where there is no room there is none.
    shown.pane.resize(400, 150)
    QApplication.processEvents()
    assert not [t for t in texts(shown) if "unused" in t]


@pytest.mark.parametrize("size", [(900, 500), (700, 330), (500, 260), (300, 230), (220, 230)])
def test_schemes_without_a_row_are_counted_where_it_would_be(bench, size):
    shown = bench("distribution", OUTLIER.make(), *OUTLIER.schemes, size=size)
    said = " ".join(texts(shown))
    rows = sum(any(t.startswith(scheme) for t in texts(shown)) for scheme in OUTLIER.schemes)
    count = len(OUTLIER.schemes) - max(rows, 1)
    if size[1] == 500:
        assert (rows, count) == (4, 0)
    assert (f"{count} more scheme" in said or f"+ {count} row" in said) == (count > 0)


def test_the_wheel_scales_values_and_not_counts(bench):
    shown = bench("distribution", noise(500), "int8 symmetric")
    assert type(shown.plot).x_only


# Calibration, channels, focus


def test_no_error_is_drawn_in_the_part_of_the_divergence(bench):
    values = np.random.default_rng(0).integers(-40, 900, 200)
    shown = bench("calibration", values, "int8 scale-only", size=(700, 400))
    border = shown.plot._items["line", "KL border"].getData()[1][0]
    for name in ("rounding", "clipping", "total"):
        y = shown.plot._items["line", name].getData()[1]
        assert (y[np.isfinite(y)] >= border).all()
    assert np.isfinite(shown.plot._items["line", "rounding"].getData()[1]).any()
    y = shown.plot._items["line", "KL"].getData()[1]
    assert (y[np.isfinite(y)] <= border).all()
    assert any(text.startswith("KL divergence (nats)") for text in texts(shown))
    shown.pane.resize(400, 160)
    QApplication.processEvents()
    assert ("line", "KL") not in shown.plot._items
    assert not any(text.startswith("KL") for text in texts(shown))


def test_the_divergence_has_a_part_and_ticks_of_its_own(bench):
    shown = bench("calibration", noise(500), "int8 symmetric", size=(600, 500))
    curves = shown.plot.data.objective()
    bottom, top = shown.plot._divergences(curves)
    drawn = shown.plot._items["line", "KL"].getData()[1]
    assert np.isfinite(drawn).sum() == np.isfinite(curves.divergence).sum()
    assert bottom - 1e-9 <= np.nanmin(drawn) < np.nanmax(drawn) <= top + 1e-9
    for name in ("total", "rounding"):
        y = shown.plot._items["line", name].getData()[1]
        assert np.nanmax(y) > top
    levels = shown.plot.item.getAxis("left")._tickLevels[0]
    near = int(np.argmin(curves.divergence))
    inside = [(at, float(text)) for at, text in levels if at <= top]
    assert len(inside) >= 2
    for at, value in inside:
        share = (at - bottom) / (top - bottom)
        found, low, high = shown.plot._divergence_logs(curves)
        assert low + share * (high - low) == pytest.approx(np.log10(value), abs=1e-6)
    (lowest,) = np.flatnonzero(drawn == np.nanmin(drawn))[-1:]
    assert shown.plot._items["line", "KL"].getData()[0][lowest] == np.log10(curves.cuts[near])


def test_where_the_divergence_is_infinite_its_part_says_at_how_many_cuts(bench):
    shown = bench("calibration", example("outlier").make(), "int8 symmetric", size=(700, 500))
    divergence = shown.plot.data.objective().divergence
    assert np.isfinite(divergence).sum() == 1
    count = f"{divergence.size - 1:,} of {divergence.size:,} cuts"
    assert any(f"(nats), ∞ at {count}" in text for text in texts(shown))
    # A line of one point is not seen.
    x, y = shown.plot._items["line", "KL lone"].getData()
    assert x.mean() == pytest.approx(np.log10(100.0))
    assert (x[1] - x[0]) / shown.plot.pixel()[0] == pytest.approx(3)
    assert (y <= shown.plot._items["line", "KL border"].getData()[1][0]).all()
    # What is too long for a narrow view is left out, its name last.
    for width, end in ((700, "empty bins"), (400, "cuts"), (220, "(nats)")):
        shown.pane.resize(width, 500)
        QApplication.processEvents()
        assert any(text.startswith("KL") and text.endswith(end) for text in texts(shown)), width
    # Bins of the smallest numbers would have no width.
    tiny = bench("calibration", np.arange(-300, 301) * TINY, "uint8 asymmetric @onnxruntime",
                 size=(700, 500))  # fmt: skip
    assert tiny.plot.data.objective().divergence.size == 0
    assert any(text.startswith("KL divergence: no histogram") for text in texts(tiny))


def test_every_mark_of_calibration_has_a_dot_at_what_its_range_costs(bench):
    shown = bench("calibration", CASES["three"][0], "int8 scale-only", size=(700, 500))
    curves = shown.plot.data.objective()
    for name, mark in curves.marks.items():
        x, y = shown.plot._items["points", ("cost", name)].getData()
        assert (x[0], y[0]) == pytest.approx(np.log10([mark.threshold, mark.total]))
        assert name in texts(shown)


def test_channels_too_many_for_bars_are_cells_that_can_be_picked(bench):
    array = noise(64 * 640).reshape(64, 640)
    array[:, 100] *= 50
    shown = bench("channels", array, "int4 symmetric per-group(32)", size=(700, 400))
    figures = shown.plot.data.channels(shown.plot.data.active)
    image = shown.plot._items["image", "cells"].image
    assert image.shape[:2] == (64, 20)
    # The groups with the outlier have another colour than all others; row 0 is on top.
    table = figures.sqnr.reshape(64, 20)
    worst = np.unravel_index(table.argmin(), table.shape)
    best = np.unravel_index(table.argmax(), table.shape)
    dark, light = (image[63 - row, column, :3].sum() for row, column in (worst, best))
    assert dark < light
    shown.click(3, -5)
    assert shown.session.view.focus.channel == 5 * 20 + 3
    shown.move(7, -2)
    assert "group 47" in shown.pane.readout.text()
    shown.plot.choose("order", "by scale")
    assert ("image", "cells") not in shown.plot._items


def test_the_pane_with_the_keyboard_focus_has_a_ring(bench, qtbot):
    shown = bench("signal", noise(10), *THREE)
    shown.pane.activateWindow()
    shown.pane.setFocus()
    qtbot.waitUntil(shown.pane.hasFocus)
    ring = shown.pane._ring
    assert ring.isVisible()
    assert ring.geometry() == shown.pane.rect()
    colour = shown.picture().pixelColor(1, shown.pane.height() // 2)
    assert colour == QColor(shown.plot.theme.highlight)
    shown.pane.clearFocus()
    assert not ring.isVisible()


def test_schemes_that_lose_nothing_are_points_too(bench):
    shown = bench("bits", np.array([0.7]), *THREE, size=(400, 300))
    points = [item.getData() for item in shown.items(pg.ScatterPlotItem)]
    assert sum(len(x) for x, _ in points) == len(THREE)
    assert len({float(y[0]) for _, y in points}) == len(THREE)
    low, high = shown.view().viewRange()[1]
    assert all(low < y[0] < high for _, y in points)
    for scheme in THREE:
        assert f"{scheme}: ∞ dB" in texts(shown)
