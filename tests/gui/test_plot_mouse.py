"""Reading, choosing, dragging, and plots that move together."""

import re

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGraphicsRectItem

from quantoscope.engine import Evaluation
from tests.gui.plot_bench import CASES, KEYS, THREE, noise

# Reading and choosing


def test_the_crosshair_reads_position_value_and_what_is_rebuilt(bench):
    array = np.array([0.21535037, 1.2962357, -1.0161772])
    shown = bench("signal", array, *THREE)
    shown.move(1, 0.2)
    text = shown.pane.readout.text()
    assert "#1" in text
    assert "R 1.29624" in text
    assert "int8 scale-only: R′ 1.15167" in text
    shown = bench("error", array, *THREE)
    shown.move(1, 0)
    assert "int8 scale-only: error -0.144563" in shown.pane.readout.text()


def test_the_crosshair_reads_the_code_of_a_value(bench):
    shown = bench("distribution", [0.21535037, 1.2962357, -1.0161772], "int8 asymmetric")
    shown.move(0.0, 0.5)
    match = re.search(r"Q (-?\d+), R′ (\S+)", shown.pane.readout.text())
    p = shown.session.evaluator.active_evaluation.qparams
    width = shown.view().viewRange()[0][1] - shown.view().viewRange()[0][0]
    assert abs(int(match[1]) - p.zero_point) * p.scale < width / 100
    assert float(match[2]) == pytest.approx((int(match[1]) - p.zero_point) * p.scale, abs=1e-6)


def test_the_crosshair_reads_how_often_a_code_is_used(bench):
    shown = bench("codes", [1.0, 1.0, -0.5], "int4 symmetric")
    shown.move(7, 0.5)
    assert shown.pane.readout.text().startswith("Q 7")
    assert "2 values, R′ 1" in shown.pane.readout.text()


@pytest.mark.parametrize(
    ("key", "at"),
    [
        ("signal", (2, -0.3)),
        ("error", (2, 0)),
        ("distribution", (-0.95, 0.4)),
        ("transfer", (-0.95, 0.2)),
        ("codes", (-98, 0.4)),
    ],
)
def test_a_click_chooses_the_value_under_it(bench, key, at):
    shown = bench(key, [0.21535037, 1.2962357, -1.0161772], "int8 symmetric")
    assert shown.session.view.chosen == 0
    shown.click(*at)
    assert shown.session.view.chosen == 2


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("case", ["none", "all NaN", "no scheme", "neither", "only infinities"])
def test_a_click_where_there_is_nothing_to_choose_does_no_harm(bench, key, case):
    array, schemes = CASES[case]
    shown = bench(key, array, *schemes)
    (x0, x1), (y0, y1) = shown.view().viewRange()
    for share in (0.1, 0.5, 0.9):
        at = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
        shown.move(*at)
        shown.click(*at)
    chosen = shown.session.view.chosen
    assert chosen is None if array.size == 0 else 0 <= chosen < array.size


def test_a_click_among_many_chooses_the_worst_of_the_pixel(bench):
    array = noise(50_000) * np.float32(0.1)
    array[31_000] = 9.0
    shown = bench("error", array, "int8 symmetric manual(-1,1)")
    per_pixel = 50_000 / shown.view().width()
    shown.click(31_000 + per_pixel / 3, 0)
    assert shown.session.view.chosen == 31_000


# Dragging


def handles(shown):
    lines = [i for i in shown.items(pg.InfiniteLine) if i.movable]
    return sorted(lines, key=lambda line: line.value())


def test_the_clip_handles_stand_at_the_range_and_say_so(bench):
    shown = bench("distribution", noise(500), "int8 asymmetric")
    low, high = handles(shown)
    p = shown.session.evaluator.active_evaluation.qparams
    assert (low.value(), high.value()) == pytest.approx(p.range)
    assert low.label.toPlainText().startswith("Rmin")
    assert high.label.toPlainText().startswith("Rmax")


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("scheme", ["int8 asymmetric", "int8 scale-only", "int8 symmetric"])
def test_dragging_a_handle_sets_the_range_by_hand_in_one_undo_step(bench, end, scheme):
    shown = bench("distribution", noise(500), scheme)
    session = shown.session
    before = session.evaluator.active_evaluation.qparams.range
    seen = []
    session.evaluator.evaluated.connect(
        lambda: seen.append(session.evaluator.active_evaluation.qparams.range)
    )
    (y0, y1) = shown.view().viewRange()[1]
    line, target = handles(shown)[end], (-0.8, 0.9)[end]
    near = shown.plot.pixel()[0] * 3
    shown.drag((line.value(), y0 + 0.4 * (y1 - y0)), (target, y0 + 0.4 * (y1 - y0)))
    calibration = session.active.scheme.calibration
    assert calibration.method == "manual"
    assert calibration.arguments[end] == pytest.approx(target, abs=near)
    if scheme != "int8 symmetric":
        assert calibration.arguments[1 - end] == pytest.approx(before[1 - end], rel=1e-4)
    assert len({values[end] for values in seen}) >= 3
    assert handles(shown)[end].value() == pytest.approx(target, abs=near)
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert str(session.active.scheme) == scheme
    assert handles(shown)[end].value() == pytest.approx(before[end])


def test_two_drags_are_two_undo_steps(bench):
    shown = bench("distribution", noise(500), "int8 asymmetric")
    y = shown.view().viewRange()[1][1] * 0.4
    shown.drag((handles(shown)[1].value(), y), (1.5, y))
    shown.drag((handles(shown)[1].value(), y), (1.0, y))
    assert shown.session.undo_stack.count() == 2


@pytest.mark.parametrize("end", [0, 1])
def test_a_handle_cannot_be_dragged_past_the_other(bench, end):
    shown = bench("distribution", noise(500), "int8 asymmetric")
    y = shown.view().viewRange()[1][1] * 0.4
    low, high = handles(shown)
    lines = (low, high)
    shown.drag((lines[end].value(), y), (lines[1 - end].value() + (1, -1)[1 - end] * -0.5, y))
    lo, hi = shown.session.active.scheme.calibration.arguments
    assert lo < hi
    assert isinstance(shown.session.evaluator.outcome(shown.session.active_uid), Evaluation)


def test_a_drag_is_followed_by_the_other_plots_in_the_same_event(open_window, qtbot):
    window = open_window(noise(500), "int8 asymmetric")
    window.places["distribution"].reveal()
    QApplication.processEvents()
    pane = window.plots["distribution"]
    before = window.places["signal"].insight
    lines = [i for i in pane.plot.item.items if isinstance(i, pg.InfiniteLine) and i.movable]
    top = max(lines, key=lambda line: line.value())
    view = pane.widget.getPlotItem().getViewBox()
    left = Qt.MouseButton.LeftButton
    y = view.viewRange()[1][1] * 0.4
    place = [QPointF(pane.widget.mapFromScene(view.mapViewToScene(QPointF(x, y))))
             for x in (top.value(), 1.5, 0.5)]  # fmt: skip
    steps = [
        (QEvent.Type.MouseMove, place[0], Qt.MouseButton.NoButton, Qt.MouseButton.NoButton),
        (QEvent.Type.MouseButtonPress, place[0], left, left),
        (QEvent.Type.MouseMove, place[1], Qt.MouseButton.NoButton, left),
        (QEvent.Type.MouseMove, place[2], Qt.MouseButton.NoButton, left),
    ]
    viewport = pane.widget.viewport()
    for kind, at, button, held in steps:
        none = Qt.KeyboardModifier.NoModifier
        event = QMouseEvent(kind, at, viewport.mapToGlobal(at), button, held, none)
        QApplication.sendEvent(viewport, event)
    during = window.places["signal"].insight
    release = QMouseEvent(
        QEvent.Type.MouseButtonRelease, place[2], viewport.mapToGlobal(place[2]), left,
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(viewport, release)
    assert "clips none" in before
    assert "clips none" not in during


# Links


def test_plots_over_the_same_quantity_show_the_same_stretch(open_window, qtbot):
    window = open_window(noise(500))
    groups = {}
    for pane in window.plots.values():
        groups.setdefault(pane.plot.x_quantity, []).append(pane)
    assert any(len(panes) > 1 for panes in groups.values())
    for panes in groups.values():
        for pane in panes:
            window.places[pane.plot.key].reveal()
            QApplication.processEvents()
        for pane in panes:
            window.places[pane.plot.key].reveal()
            if not pane.isVisible():  # a second image, for which there is no room
                continue
            qtbot.keyClick(pane, "+")
            QApplication.processEvents()
            shown = [p.widget.getPlotItem().getViewBox().viewRange()[0] for p in panes]
            width = shown[0][1] - shown[0][0]
            for other in shown[1:]:
                assert other == pytest.approx(shown[0], abs=0.02 * width)


@pytest.mark.parametrize(
    ("leader", "follower"), [("signal", "error"), ("distribution", "transfer")]
)
def test_a_linked_plot_follows_the_values_while_the_other_is_hidden(open_window, leader, follower):
    from quantoscope.gui.document import commands

    window = open_window(noise(20))

    def shown():
        return window.plots[follower].widget.getPlotItem().getViewBox().viewRange()[0]

    for size, front in ((100, leader), (400, follower), (30, follower)):
        window.places[front].reveal()
        if front == follower:
            window.places[leader].hide()
        QApplication.processEvents()
        new = np.linspace(-size, size, size)
        commands.splice(window.session, 0, window.session.array.size, new, "")
        QApplication.processEvents()
    window.places[follower].reveal()
    QApplication.processEvents()
    low, high = shown()
    ends = (0, 29) if follower == "error" else (-30, 30)
    assert low <= ends[0]
    assert ends[1] <= high
    assert high - low < 1.4 * (ends[1] - ends[0])


def test_the_first_turn_of_the_wheel_zooms_and_fitting_shows_everything_again(open_window):
    window = open_window(noise(500))
    views = [window.plots[key].widget.getPlotItem().getViewBox() for key in ("signal", "error")]
    whole = views[0].viewRange()[0]
    viewport = window.plots["error"].widget.viewport()
    middle = QPointF(viewport.rect().center())
    wheel = QWheelEvent(
        middle, viewport.mapToGlobal(middle), QPoint(0, 0), QPoint(0, 120),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(viewport, wheel)
    QApplication.processEvents()
    for view in views:
        low, high = view.viewRange()[0]
        assert high - low < 0.95 * (whole[1] - whole[0])
    window.actions_["fit"].trigger()
    for view in views:
        assert view.viewRange()[0] == pytest.approx(whole, abs=1)


def test_a_hidden_plot_moves_no_other_when_the_theme_changes_or_all_is_fitted(open_window):
    from quantoscope.gui.document import commands

    window = open_window(noise(20))
    for key in ("transfer", "distribution"):
        window.places[key].reveal()
        QApplication.processEvents()
    commands.splice(window.session, 0, 20, np.linspace(-50, 50, 40), "")
    view = window.plots["distribution"].widget.getPlotItem().getViewBox()
    before = view.viewRange()[0]
    assert before[0] < -50
    window.settings.theme = "dark"
    assert view.viewRange()[0] == pytest.approx(before)
    window.actions_["fit"].trigger()
    assert view.viewRange()[0] == pytest.approx(before)


def test_stacked_plots_are_aligned_on_the_left(open_window):
    window = open_window(noise(500))
    window.stage.set_views(["signal", "error"])
    QApplication.processEvents()
    edges = set()
    for key in ("signal", "error"):
        pane = window.plots[key]
        assert pane.isVisible()
        area = pane.widget.getPlotItem().getViewBox().sceneBoundingRect()
        edges.add(round(pane.mapTo(window, pane.rect().topLeft()).x() + area.left()))
    assert max(edges) - min(edges) <= 1


def test_the_crosshair_is_shared_by_plots_over_the_same_quantity(open_window):
    window = open_window(noise(20))
    signal, error = window.plots["signal"], window.plots["error"]
    view = signal.widget.getPlotItem().getViewBox()
    at = QPointF(signal.widget.mapFromScene(view.mapViewToScene(QPointF(5, 0))))
    viewport = signal.widget.viewport()
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, viewport.mapToGlobal(at), Qt.MouseButton.NoButton,
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)
    QApplication.processEvents()
    crosshairs = [
        i for i in error.plot.item.items if isinstance(i, pg.InfiniteLine) and i.zValue() == 30
    ]
    assert crosshairs[0].isVisible()
    assert crosshairs[0].value() == pytest.approx(5, abs=0.1)
    assert not error.readout.isVisible()


def test_a_click_in_a_plot_moves_the_table_and_the_steps(window):
    pane = window.plots["signal"]
    view = pane.widget.getPlotItem().getViewBox()
    at = QPointF(pane.widget.mapFromScene(view.mapViewToScene(QPointF(2, -0.3))))
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
    assert window.values.table.currentIndex().row() == 2
    assert "#2" in window.places["steps"].insight
    assert "-1.0161772" in window.steps.view.toPlainText()


def test_every_insight_stands_in_the_head_of_its_dock(window):
    for key, pane in window.plots.items():
        window.places[key].reveal()
        QApplication.processEvents()
        assert window.places[key].insight == pane.plot.insight
        assert window.places[key].title == pane.plot.title()


def test_rectangles_are_where_they_are_said_to_be(bench):
    # Guards the tests above: a QGraphicsRectItem added to a plot is in units of the plot.
    shown = bench("error", noise(10), "int8 symmetric")
    rect = shown.items(QGraphicsRectItem)[0].rect()
    assert QRectF(rect).contains(QPointF(5, 0.5))
