"""The Channels plot, and one channel alone in every pane."""

import re

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QItemSelectionModel, QPointF, Qt
from PySide6.QtGui import QColor, QMouseEvent
from PySide6.QtWidgets import QApplication, QComboBox, QGraphicsRectItem

from quantoscope.engine import METRICS, Granularity, Scheme, channels, evaluate, metrics_of
from quantoscope.engine.examples import example
from quantoscope.gui.common.theme import LIGHT
from quantoscope.gui.plots.items import Straight
from tests.gui.plot_bench import noise

WEIGHTS = example("convolution").make()
WHOLE, OWN = "int8 symmetric", "int8 symmetric per-channel(0)"
AXIS = Granularity("per-channel", 0)
FULL = Qt.ItemDataRole.EditRole


def figures(scheme, array=WEIGHTS, granularity=AXIS):
    return channels(array, evaluate(array, scheme), granularity)


def worst_first(scheme):
    return np.argsort(figures(scheme).sqnr, kind="stable")


@pytest.fixture
def open_window(open_lean_window):
    return open_lean_window


@pytest.fixture
def window(open_window):
    window = open_window(WEIGHTS, WHOLE, OWN)
    front(window, "channels")
    return window


def front(window, key):
    """The pane of a plot, brought to the front."""
    window.places[key].reveal()
    QApplication.processEvents()
    return window.plots[key]


def insight(window, key):
    front(window, key)
    return window.places[key].insight


def click(window, key, x, y=None):
    """Click in a plot; in the middle of its height unless told."""
    pane = front(window, key)
    view = pane.widget.getPlotItem().getViewBox()
    y = sum(view.viewRange()[1]) / 2 if y is None else y
    at = QPointF(pane.widget.mapFromScene(view.mapViewToScene(QPointF(x, y))))
    viewport = pane.widget.viewport()
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    for kind, button, held in (
        (QEvent.Type.MouseMove, none, none),
        (QEvent.Type.MouseButtonPress, left, left),
        (QEvent.Type.MouseButtonRelease, left, none),
    ):
        event = QMouseEvent(
            kind, at, viewport.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(viewport, event)
    QApplication.processEvents()


def drawn(pane, kind):
    """The items of a kind that a plot shows."""
    return [i for i in pane.plot.item.items if isinstance(i, kind) and i.isVisible()]


def curves(pane):
    """The heights of every line drawn."""
    return [item.getData()[1] for item in drawn(pane, pg.PlotCurveItem)]


def points(pane):
    """The heights of every set of symbols drawn."""
    return [item.getData()[1] for item in drawn(pane, pg.ScatterPlotItem)]


def shows(found, heights):
    return any(
        one.size == len(heights) and one == pytest.approx(np.asarray(heights, float), rel=1e-6)
        for one in found
    )


def bars(pane):
    """Lower and upper ends of the only columns drawn."""
    (item,) = drawn(pane, pg.BarGraphItem)
    return np.asarray(item.opts["y0"]), np.asarray(item.opts["y1"])


def shaded(pane):
    """The rank of the column that is shaded as shown alone."""
    ranks = [item.rect().center().x() for item in drawn(pane, QGraphicsRectItem)]
    return round(ranks[0]) if ranks else None


def option(pane, title):
    """The box for a choice of how to look at the data."""
    return next(b for b in pane.findChildren(QComboBox) if b.accessibleName() == title)


def status(window):
    return window.statusBar().summary.text()


def alone(window):
    """The channel or group that the status bar says is shown alone."""
    match = re.search(r"((?:channel|group) \d+) alone \(Esc: all\)", status(window))
    return match[1] if match else ""


def in_results(window, person, row):
    """What the results show of a scheme, as numbers by the head of the column."""
    table = window.results.table
    heads = person.heads(table)
    return {
        head: person.cell(table, row, place).lstrip("★☆ ").split(" / ")[0]
        for place, head in enumerate(heads)
    }


def check_results(window, person, row, expected):
    cells = in_results(window, person, row)
    for metric in METRICS:
        if metric.key == "codes_available":
            continue
        head = f"{metric.name} [dB]" if metric.unit == "dB" else metric.name
        if metric.position:
            at = np.unravel_index(expected[metric.key], WEIGHTS.shape)
            assert cells[head] == f"[{', '.join(str(int(i)) for i in at)}]"
            continue
        assert float(cells[head]) == pytest.approx(expected[metric.key], rel=1e-8, abs=1e-300), head


# What the plot says


@pytest.mark.parametrize("place", [0, 1])
def test_the_insight_names_the_worst_channel_with_its_sqnr_and_the_median(window, place):
    scheme = (WHOLE, OWN)[place]
    window.session.activate(window.session.entries[place].uid)
    sqnr = figures(scheme).sqnr
    match = re.fullmatch(
        rf"{re.escape(scheme)}: worst of 64 is channel (\d+) with (\S+) dB; "
        r"the median is (\S+) dB\.",
        insight(window, "channels"),
    )
    assert match
    assert int(match[1]) == sqnr.argmin()
    assert float(match[2]) == pytest.approx(sqnr.min(), abs=0.006)
    assert float(match[3]) == pytest.approx(np.median(sqnr), abs=0.006)


def test_one_scale_for_all_loses_far_more_in_the_worst_channel_than_one_per_channel():
    # Guards the tests here: the example has channels to tell apart.
    assert figures(OWN).sqnr.min() > figures(WHOLE).sqnr.min() + 20


def test_columns_stand_by_rank_the_worst_first_and_the_other_scheme_in_the_same_order(window):
    pane = front(window, "channels")
    order = worst_first(WHOLE)
    low, high = bars(pane)
    assert (high + low) == pytest.approx(figures(WHOLE).sqnr[order])
    assert np.all(np.diff(high) >= 0)
    assert shows(curves(pane), figures(WHOLE).sqnr[order])
    assert shows(curves(pane), figures(OWN).sqnr[order])
    assert pane.plot.item.getAxis("bottom").labelText == "channel, by rank #"
    assert pane.plot.item.getAxis("left").labelText == "SQNR (dB)"


def test_by_number_the_columns_stand_in_the_order_of_the_channels(window, person):
    pane = front(window, "channels")
    person.choose(option(pane, "Order"), "by number")
    low, high = bars(pane)
    assert low + high == pytest.approx(figures(WHOLE).sqnr)
    assert pane.plot.item.getAxis("bottom").labelText == "channel #"
    click(window, "channels", 5)
    assert alone(window) == "channel 5"
    assert shaded(pane) == 5


@pytest.mark.parametrize("place", [0, 1])
def test_the_scale_of_each_channel_is_drawn_the_largest_first(window, person, place):
    window.session.activate(window.session.entries[place].uid)
    pane = front(window, "channels")
    person.choose(option(pane, "Show"), "Scale S")
    person.choose(option(pane, "Order"), "largest scale first")
    order = np.argsort(-figures((WHOLE, OWN)[place]).scale, kind="stable")
    for scheme in (WHOLE, OWN):
        assert shows(curves(pane), np.log10(figures(scheme).scale[order]))
    label = pane.plot.item.getAxis("left").labelText
    assert "log10" in label
    assert label.endswith("(unit of R)")


def test_the_range_of_each_channel_is_drawn_the_widest_first(window, person):
    pane = front(window, "channels")
    person.choose(option(pane, "Show"), "Range of R")
    person.choose(option(pane, "Order"), "widest range first")
    rows = WEIGHTS.reshape(64, -1).astype(float)
    width = rows.max(axis=1) - rows.min(axis=1)
    order = np.argsort(-width, kind="stable")
    low, high = bars(pane)
    assert low == pytest.approx(rows.min(axis=1)[order])
    assert high == pytest.approx(rows.max(axis=1)[order], abs=1e-2 * width.max())
    assert pane.plot.item.getAxis("left").labelText == "Rmin … Rmax (unit of R)"


def test_the_readout_tells_size_range_sqnr_and_scale_of_the_channel_under_the_pointer(bench):
    shown = bench("channels", WEIGHTS, WHOLE, OWN)
    channel = int(worst_first(WHOLE)[3])
    shown.move(3, 1)
    lines = shown.pane.readout.text().split("\n")
    row = WEIGHTS[channel]
    match = re.fullmatch(r"channel (\d+): (\d+) values, R (\S+) … (\S+)", lines[0])
    assert (int(match[1]), int(match[2])) == (channel, 27)
    ends = float(row.min()), float(row.max())
    assert (float(match[3]), float(match[4])) == pytest.approx(ends, rel=1e-5)
    for scheme, line in zip((WHOLE, OWN), lines[1:], strict=True):
        match = re.fullmatch(rf"{re.escape(scheme)}: SQNR (\S+) dB, S (\S+)", line)
        assert float(match[1]) == pytest.approx(figures(scheme).sqnr[channel], rel=1e-3)
        assert float(match[2]) == pytest.approx(figures(scheme).scale[channel], rel=1e-5)


@pytest.mark.parametrize(
    ("order", "ranked"),
    [
        ("worst first", worst_first(OWN)),
        ("by number", np.arange(64)),
        ("largest scale first", np.argsort(-figures(OWN).scale, kind="stable")),
        ("widest range first", np.argsort(figures(OWN).low - figures(OWN).high, kind="stable")),
    ],
)
def test_the_chosen_value_is_marked_at_the_rank_of_its_channel(window, person, order, ranked):
    window.session.activate(window.session.entries[1].uid)
    pane = front(window, "channels")
    person.choose(option(pane, "Order"), order)
    for channel in (5, 40):
        window.session.view.choose(channel * 27 + 3)
        (at,) = [rule.value() for rule in drawn(pane, Straight) if rule.angle == 90]
        assert at == ranked.tolist().index(channel)


# One channel alone


@pytest.mark.parametrize("place", [0, 1])
def test_a_click_on_the_first_column_shows_the_worst_channel_alone(window, place):
    scheme = (WHOLE, OWN)[place]
    window.session.activate(window.session.entries[place].uid)
    worst = int(worst_first(scheme)[0])
    values = WEIGHTS[worst].ravel()
    click(window, "channels", 0)
    assert alone(window) == f"channel {worst}"
    assert shaded(front(window, "channels")) == 0
    label = f"position within channel {worst}"
    reconstructed = {s: evaluate(WEIGHTS, s).reconstructed[worst].ravel() for s in (WHOLE, OWN)}
    pane = front(window, "signal")
    assert pane.plot.item.getAxis("bottom").labelText == label
    assert shows(points(pane), values)
    assert all(shows(points(pane), r) for r in reconstructed.values())
    low, high = pane.plot.item.getViewBox().viewRange()[0]
    assert -3 < low <= -0.5
    assert 26.5 <= high < 29
    pane = front(window, "error")
    assert pane.plot.item.getAxis("bottom").labelText == label
    lanes = pane.plot._lanes(pane.plot.data, 0, 27)
    for lane, r in zip(lanes, reconstructed.values(), strict=True):
        scale = np.ravel(lane.series.evaluation.qparams.scale)
        step = scale[worst] if scale.size > 1 else scale[0]
        expected = np.where(lane.series.part(0, 27).saturated, np.nan, (r - values) / step)
        assert shows(points(pane), lane.down(expected[np.isfinite(expected)]))
    plot = front(window, "distribution").plot
    assert plot._known[1].counts.sum() == 27
    edges = front(window, "distribution").plot.item.getViewBox().viewRange()[0]
    assert edges[0] <= values.min() <= values.max() <= edges[1]


def test_the_insights_say_whose_values_these_are_and_count_them_alone(window):
    before = insight(window, "signal")
    click(window, "channels", 0)
    worst = int(worst_first(WHOLE)[0])
    for key in ("signal", "error", "distribution", "codes", "transfer", "channels"):
        assert insight(window, key).startswith(f"[channel {worst}] "), key
    assert "of the 27 values" in insight(window, "signal")
    assert "of the 1,728 values" in before
    error = evaluate(WEIGHTS, WHOLE).error[worst]
    said = float(re.search(r"largest \|error\| is (\S+)\.$", insight(window, "signal"))[1])
    assert said == pytest.approx(float(np.abs(error).max()), rel=1e-5)
    used = np.unique(evaluate(WEIGHTS, WHOLE).codes[worst]).size
    assert f"uses {used} of 255 codes" in insight(window, "codes")


def test_results_show_the_figures_of_the_channel_alone(window, person):
    window.settings.digits = 9
    click(window, "channels", 0)
    worst = int(worst_first(WHOLE)[0])
    where = AXIS.positions(worst, WEIGHTS.shape)
    for row, scheme in enumerate((WHOLE, OWN)):
        evaluation = evaluate(WEIGHTS, scheme)
        check_results(window, person, row, metrics_of(evaluation, where))
        scale = np.broadcast_to(evaluation.qparams.scale, 64)[worst]
        assert float(in_results(window, person, row)["S"]) == pytest.approx(scale, rel=1e-8)
    head = window.places["results"].insight
    assert head == f"Figures of channel {worst} alone; Esc shows all values again."
    person.press("Esc")
    for row, scheme in enumerate((WHOLE, OWN)):
        check_results(window, person, row, evaluate(WEIGHTS, scheme).metrics)
    assert "alone" not in window.places["results"].insight


@pytest.mark.parametrize("how", ["click", "Esc"])
def test_a_second_click_or_escape_shows_all_values_again(window, person, how):
    before = {key: insight(window, key) for key in ("signal", "error", "distribution", "channels")}
    counted = status(window)
    click(window, "channels", 2)
    assert alone(window)
    if how == "click":
        click(window, "channels", 2)
    else:
        person.press("Esc")
    assert not alone(window)
    assert status(window) == counted
    assert shaded(front(window, "channels")) is None
    assert {key: insight(window, key) for key in before} == before
    pane = front(window, "signal")
    assert pane.plot.item.getAxis("bottom").labelText == "position #"
    assert pane.plot.item.getViewBox().viewRange()[0][1] > 1727


def test_a_click_on_another_column_goes_over_to_its_channel(window):
    order = worst_first(WHOLE)
    click(window, "channels", 0)
    click(window, "channels", 40)
    assert alone(window) == f"channel {order[40]}"
    assert shaded(front(window, "channels")) == 40


def test_left_and_right_walk_along_the_ranks_and_stop_at_both_ends(window, person):
    order = worst_first(WHOLE)
    click(window, "channels", 1)
    seen = []
    for key in ("Right", "Right", "Left", "Left", "Left", "Left"):
        person.press(key)
        seen.append(alone(window))
    assert seen == [f"channel {order[rank]}" for rank in (2, 3, 2, 1, 0, 0)]
    click(window, "channels", 62)
    person.press("Right", "Right", "Right")
    assert alone(window) == f"channel {order[63]}"
    assert shows(points(front(window, "signal")), WEIGHTS[order[63]].ravel())


def test_the_first_arrow_key_shows_the_worst_channel_alone(window, person):
    front(window, "channels").setFocus()
    person.press("Right")
    assert alone(window) == f"channel {worst_first(WHOLE)[0]}"


def test_the_chosen_value_is_one_of_the_channel_shown_alone(window, person):
    click(window, "channels", 7)
    channel = int(worst_first(WHOLE)[7])
    assert window.values.table.currentIndex().row() == channel * 27
    person.press("Right")
    channel = int(worst_first(WHOLE)[8])
    assert window.places["steps"].insight.startswith(f"{WHOLE} · #[{channel}, 0, 0, 0]")


@pytest.mark.parametrize("axis", [0, 1, 3])
def test_a_click_among_the_values_of_a_channel_chooses_the_right_one_in_the_table(
    open_window, axis
):
    window = open_window(WEIGHTS[:6], f"int8 symmetric per-channel({axis})")
    front(window, "channels")
    click(window, "channels", 1)
    granularity = Granularity("per-channel", axis)
    channel = int(alone(window).split()[1])
    where = granularity.positions(channel, (6, 3, 3, 3))
    for place in (10, 0, where.size - 1):
        click(window, "signal", place, 0.0)
        flat = int(where[place])
        assert window.values.table.currentIndex().row() == flat
        position = ", ".join(str(int(i)) for i in np.unravel_index(flat, (6, 3, 3, 3)))
        assert f"#[{position}]:" in window.places["steps"].insight
        (rule,) = [
            i for i in drawn(window.plots["error"], Straight) if i.angle == 90 and i.zValue() == 1
        ]
        assert rule.value() == place


def test_a_value_chosen_in_the_table_outside_the_channel_is_marked_in_no_plot(window, person):
    click(window, "channels", 0)
    worst = int(worst_first(WHOLE)[0])
    outside = ((worst + 5) % 64) * 27 + 3
    person.click_cell(window.values.table, outside)
    assert alone(window) == f"channel {worst}"
    lines = drawn(front(window, "signal"), Straight)
    assert not [i for i in lines if i.angle == 90 and i.zValue() == 1]
    shown = [heights for heights in points(window.plots["signal"]) if heights.size == 1]
    assert not shown


# While the document changes


def test_editing_a_value_of_the_channel_is_followed_undone_and_redone(window, person):
    click(window, "channels", 0)
    worst = int(worst_first(WHOLE)[0])
    values = WEIGHTS[worst].ravel()
    edited = values.copy()
    edited[4] = 0.125
    person.edit_cell(window.values.table, worst * 27 + 4, "0.125")
    pane = front(window, "signal")
    assert alone(window) == f"channel {worst}"
    assert shows(points(pane), pane.plot.y_unit.down(edited))
    changed = WEIGHTS.copy()
    changed[worst] = edited.reshape(3, 3, 3)
    window.settings.digits = 9
    where = AXIS.positions(worst, WEIGHTS.shape)
    for row, scheme in enumerate((WHOLE, OWN)):
        check_results(window, person, row, metrics_of(evaluate(changed, scheme), where))
    person.press("Ctrl+Z")
    assert alone(window) == f"channel {worst}"
    assert shows(points(pane), pane.plot.y_unit.down(values))
    check_results(window, person, 0, metrics_of(evaluate(WEIGHTS, WHOLE), where))
    person.press("Ctrl+Shift+Z")
    assert shows(points(pane), pane.plot.y_unit.down(edited))
    person.press("Esc")
    assert not alone(window)
    assert "of the 1,728 values" in insight(window, "signal")


def test_changing_the_scheme_and_undoing_it_keep_the_channel(window, person):
    click(window, "channels", 0)
    worst = int(worst_first(WHOLE)[0])
    person.choose(window.schemes.form.format, "int4")
    assert alone(window) == f"channel {worst}"
    values = WEIGHTS[worst].ravel()
    assert shows(points(front(window, "signal")), values)
    reconstructed = evaluate(WEIGHTS, "int4 symmetric").reconstructed[worst].ravel()
    assert shows(points(window.plots["signal"]), reconstructed)
    # In Channels it stands where int4 ranks it.
    rank = int(np.flatnonzero(worst_first("int4 symmetric") == worst)[0])
    assert shaded(front(window, "channels")) == rank
    while window.session.undo_stack.canUndo():
        person.press("Ctrl+Z")
    assert alone(window) == f"channel {worst}"
    assert shows(points(front(window, "signal")), values)
    assert shaded(front(window, "channels")) == 0


def test_channels_of_another_kind_do_not_take_the_place_of_the_one_shown_alone(open_window, person):
    array = noise(96, 3).reshape(6, 16)
    window = open_window(array, "int4 symmetric per-channel(0)", "int4 symmetric per-channel(1)")
    front(window, "channels")
    click(window, "channels", 0)
    first = int(alone(window).split()[1])
    person.click_cell(window.results.table, 1, 0)
    assert alone(window) == f"channel {first}"
    assert shows(points(front(window, "signal")), array[first])
    pane = front(window, "channels")
    assert shaded(pane) is None
    assert "worst of 16" in insight(window, "channels")
    click(window, "channels", 0)
    second = int(alone(window).split()[1])
    assert shows(points(front(window, "signal")), array[:, second])


def test_another_array_drops_the_channel(window):
    click(window, "channels", 0)
    assert alone(window)
    window.files.start_example(example("sine-sweep"))
    QApplication.processEvents()
    assert not alone(window)
    assert window.session.array.shape == (2000,)
    for key in ("signal", "error", "distribution", "channels"):
        assert not insight(window, key).startswith("[")
    assert window.plots["signal"].plot.item.getAxis("bottom").labelText == "position #"
    assert "of the 2,000 values" in insight(window, "signal")


def test_both_themes_draw_a_channel_alone_and_keep_it(window):
    click(window, "channels", 0)
    said = alone(window)
    pictures = set()
    for theme in ("dark", "light"):
        window.settings.theme = theme
        QApplication.processEvents()
        assert alone(window) == said
        pane = front(window, "channels")
        assert shaded(pane) == 0
        image = pane.grab().toImage()
        pictures.add(image.pixelColor(image.width() - 3, image.height() - 3).name())
    assert len(pictures) == 2


# Other kinds of channels


def test_groups_are_ranked_named_and_shown_alone_the_short_one_too(open_window):
    scheme = "int4 symmetric per-group(32)"
    array = noise(200, 1).reshape(4, 50) * np.repeat([0.1, 1, 3, 0.5], 50).reshape(4, 50)
    array = array.astype(np.float32)
    window = open_window(array, scheme)
    groups = Granularity("per-group", 32)
    sqnr = figures(scheme, array, groups).sqnr
    assert sqnr.size == 8
    said = insight(window, "channels")
    assert f"worst of 8 is group {sqnr.argmin()} with" in said
    order = np.argsort(sqnr, kind="stable")
    rank = int(np.flatnonzero(order == 5)[0])
    click(window, "channels", rank)
    assert alone(window) == "group 5"
    pane = front(window, "signal")
    assert pane.plot.item.getAxis("bottom").labelText == "position within group 5"
    assert shows(points(pane), array[2, 32:])
    assert "of the 18 values" in insight(window, "signal")
    click(window, "signal", 17, 0.0)
    assert window.values.table.currentIndex().row() == 149
    assert "#[2, 49]:" in window.places["steps"].insight


def test_a_group_that_is_removed_gives_way_to_all_values_and_comes_back_with_undo(
    open_window, person
):
    array = noise(64, 2)
    window = open_window(array, "int4 symmetric per-group(16)")
    pane = front(window, "channels")
    person.choose(option(pane, "Order"), "by number")
    click(window, "channels", 3)
    assert alone(window) == "group 3"
    view = window.values.table
    person.click_cell(view, 48)
    for row in range(48, 64):
        view.selectionModel().select(
            view.model().index(row, 0),
            QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows,
        )
    person.press("Ctrl+-")
    assert window.session.array.size == 48
    assert not alone(window)
    assert shows(points(front(window, "signal")), array[:48])
    person.press("Ctrl+Z")
    assert window.session.array.size == 64
    expected = array[48:] if alone(window) else array
    assert shows(points(front(window, "signal")), expected)


def test_one_axis_and_one_scale_are_a_single_column_that_cannot_be_shown_alone(open_window, person):
    array = noise(40)
    window = open_window(array, "int8 symmetric")
    said = insight(window, "channels")
    db = evaluate(array, "int8 symmetric").metrics["sqnr"]
    match = re.match(r"int8 symmetric: one scale for all, (\S+) dB\b", said)
    assert float(match[1]) == pytest.approx(db, abs=0.006)
    low, high = bars(front(window, "channels"))
    assert low + high == pytest.approx([db])
    click(window, "channels", 0)
    assert not alone(window)
    assert insight(window, "channels") == said
    person.press("Right", "Right")
    assert not alone(window)
    assert window.values.table.currentIndex().row() == 2


def test_of_one_axis_each_value_can_be_a_channel(open_window):
    array = noise(12)
    window = open_window(array, "int4 symmetric per-channel(0)")
    front(window, "channels")
    click(window, "channels", 11)
    channel = int(alone(window).split()[1])
    assert shows(points(front(window, "signal")), array[channel : channel + 1])
    assert "does not clip the value" in insight(window, "signal")


def test_channels_without_a_finite_value_are_left_out_of_the_insight_and_stand_last(open_window):
    array = noise(40).reshape(4, 10).copy()
    array[2] = np.nan
    window = open_window(array, "int8 symmetric")
    sqnr = figures("int8 symmetric", array).sqnr
    said = insight(window, "channels")
    assert f"is channel {np.nanargmin(sqnr)} with" in said
    median = np.median(sqnr[~np.isnan(sqnr)])
    assert float(re.search(r"median is (\S+) dB", said)[1]) == pytest.approx(median, abs=0.006)
    low, high = bars(front(window, "channels"))
    assert high == pytest.approx(np.sort(sqnr[~np.isnan(sqnr)]))


@pytest.mark.parametrize("filler", [np.nan, np.inf])
def test_a_channel_without_a_finite_value_can_be_shown_alone(open_window, filler):
    array = noise(40).reshape(4, 10).copy()
    array[2] = filler
    window = open_window(array, "int8 symmetric")
    front(window, "channels")
    click(window, "channels", 3)
    assert alone(window) == "channel 2"
    for key in ("signal", "error", "distribution", "codes", "transfer", "channels"):
        assert insight(window, key).startswith("[channel 2] ")


def test_a_range_of_a_channel_s_own_is_shown_but_not_dragged(open_window):
    window = open_window(WEIGHTS, "int8 symmetric per-channel(0)")
    for key in ("distribution", "calibration"):
        window.places[key].show()
        window.places[key].reveal()
        QApplication.processEvents()
        movable = [
            item for item in window.plots[key].plot.item.items if getattr(item, "movable", 0)
        ]
        assert not movable, key
    text = window.plots["calibration"].plot.insight
    assert text.startswith("int8 symmetric per-channel(0), channel 0: ")
    assert f"minmax, ±{np.abs(WEIGHTS[0]).max():.4g}" in text
    commands_to(window, "int8 symmetric per-channel(0) manual(-0.1,0.1)")
    window.places["distribution"].reveal()
    QApplication.processEvents()
    items = window.plots["distribution"].plot.item.items
    assert sum(bool(getattr(item, "movable", 0)) for item in items) == 2


def test_the_histogram_is_of_all_values_and_the_sentence_names_its_channel(open_window):
    array = WEIGHTS
    window = open_window(array, "int8 symmetric per-channel(0)")
    window.places["distribution"].reveal()
    window.session.view.choose(7 * 27)
    QApplication.processEvents()
    plot = window.plots["distribution"].plot
    assert plot._known[1].counts.sum() == array.size
    assert "channel 7" in plot.insight


def test_a_plot_behind_another_tab_does_not_move_the_ones_in_front(open_window):
    window = open_window(np.arange(5, dtype=np.float32), "int8 symmetric")
    for key in ("difference", "signal"):
        window.places[key].reveal()
        QApplication.processEvents()
    window.session.start(WEIGHTS, "array")
    QApplication.processEvents()
    low, high = window.plots["signal"].plot.item.getViewBox().viewRange()[0]
    assert -0.05 * 1728 < low < 0
    assert 1728 < high < 1.05 * 1728 + 1


def commands_to(window, text):
    from quantoscope.gui.document import commands

    commands.set_scheme(window.session, window.session.active_uid, Scheme.parse(text))
    QApplication.processEvents()


def test_cells_are_not_said_to_be_ranked(bench):
    x = np.random.default_rng(1).standard_normal((4096, 8)).astype(np.float32)
    shown = bench("channels", x, "int8 symmetric per-channel(0)")
    box = shown.pane.options.boxes[1]
    texts = [box.itemText(place) for place in range(box.count())]
    assert texts == ["as they lie", "largest scale first", "widest range first"]
    assert box.currentText() == "as they lie"
    shown.open(x[:20], ("int8 symmetric per-channel(0)",))
    assert box.currentText() == "worst first"


def test_cells_without_a_figure_are_grey_and_said_and_the_scale_says_what_lies_beyond(bench):
    x = np.random.default_rng(1).standard_normal((4090, 8)).astype(np.float32)
    x[100:140] = 0
    shown = bench("channels", x, "int8 symmetric per-channel(0)")
    assert shown.plot.insight.endswith(" dB. 40 are all zeros.")
    (text,) = [one for one in words_of(shown) if one.startswith("SQNR from")]
    sqnr = shown.plot.data.channels(shown.plot.data.active).sqnr
    low, high = np.quantile(sqnr[np.isfinite(sqnr)], [0.001, 0.999])
    assert text == f"SQNR from ≥ {round(high, 2)} dB to ≤ {round(low, 2)} dB; grey: 40 without"
    pixels = shown.plot._items["image", "cells"].image[::-1]
    grey = QColor(LIGHT.washed(LIGHT.foreground, 0.18)).getRgb()
    cells = (pixels == grey).all(axis=2)
    across = shown.plot._across(shown.plot.data)
    assert pixels.shape[:2] == (-(-4090 // across), across)
    assert np.flatnonzero(cells).tolist() == list(range(100, 140))
    assert (pixels.reshape(-1, 4)[4090:, 3] == 0).all()


def words_of(shown):
    return [item.textItem.toPlainText() for item in shown.items(pg.TextItem)]
