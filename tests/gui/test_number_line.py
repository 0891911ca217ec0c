"""The number line under a person's hands: dragging, keys, clicks, and what it looks like."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Scheme
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.document import commands
from quantoscope.gui.export.figure import figure_image, render_svg
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.plots.marks import Glyph, MarksItem, Words
from tests.gui.plot_bench import THREE, noise

NUMBERS = [0.21535037, 1.2962357, -1.0161772]
SIZE = (970, 620)
TEXT = "{http://www.w3.org/2000/svg}text"


@pytest.fixture
def line(bench):
    def make(values=NUMBERS, *schemes, size=SIZE, theme=LIGHT, chosen=None):
        shown = bench("number-line", values, *(schemes or THREE), size=size, theme=theme)
        shown.pane.activateWindow()
        shown.pane.setFocus()
        if chosen is not None:
            shown.session.view.choose(chosen)
        QApplication.processEvents()
        return shown

    return make


def layout(shown):
    return shown.plot.layout


def texts(shown):
    (item,) = shown.items(MarksItem)
    return [mark.text for mark in item.marks if isinstance(mark, Words)]


def at(shown, x, y):
    """The point of the viewport at a pixel of the view."""
    scene = shown.view().mapToScene(QPointF(x, y))
    return QPointF(shown.pane.widget.mapFromScene(scene))


def dot(shown, place, lane=0):
    box = layout(shown).lanes[lane]
    return at(shown, box.x[place], box.y_r)


def lens(shown, place, lane=0):
    found = next(one for one in layout(shown).lenses if (one.lane, one.dot) == (lane, place))
    return at(shown, found.scale.at, found.y_r), found.scale.per_pixel


def drag(shown, start, by, steps=5, release=True):
    left = Qt.MouseButton.LeftButton
    shown.mouse(QEvent.Type.MouseMove, start)
    shown.mouse(QEvent.Type.MouseButtonPress, start, left, left)
    for step in range(1, steps + 1):
        end = start + QPointF(by * step / steps, 0)
        shown.mouse(QEvent.Type.MouseMove, end, held=left)
    if release:
        shown.mouse(QEvent.Type.MouseButtonRelease, end, left)


def click(shown, point):
    left = Qt.MouseButton.LeftButton
    shown.mouse(QEvent.Type.MouseMove, point)
    shown.mouse(QEvent.Type.MouseButtonPress, point, left, left)
    shown.mouse(QEvent.Type.MouseButtonRelease, point, left)


# Dragging


def test_a_dragged_dot_changes_its_value_live_in_one_undo_step(line):
    shown = line()
    session, before = shown.session, shown.session.array.copy()
    seen = []
    session.evaluator.evaluated.connect(lambda: seen.append(float(session.array[0])))
    pixel = layout(shown).scale.per_pixel
    view = shown.view().viewRange()[0]
    drag(shown, dot(shown, 0), 60, release=False)
    assert shown.view().viewRange()[0] == view
    assert len(set(seen)) >= 3
    assert session.view.chosen == 0
    shown.mouse(
        QEvent.Type.MouseButtonRelease,
        dot(shown, 0),
        Qt.MouseButton.LeftButton,
    )
    assert session.array[0] == pytest.approx(before[0] + 60 * pixel, abs=2 * pixel)
    assert list(session.array[1:]) == list(before[1:])
    assert session.undo_stack.count() == 1
    assert session.undo_stack.undoText() == "Move value 0"
    session.undo_stack.undo()
    assert session.array.tobytes() == before.tobytes()
    assert not session.modified


def test_a_dot_is_dragged_in_every_lane_and_two_drags_are_two_steps(line):
    shown = line()
    drag(shown, dot(shown, 2, lane=2), 30)
    moved = shown.session.array[2]
    assert moved > NUMBERS[2]
    drag(shown, dot(shown, 2, lane=1), -10)
    assert shown.session.array[2] < moved
    assert shown.session.undo_stack.count() == 2


def test_a_dot_in_a_lens_moves_by_what_the_lens_shows(line):
    shown = line()
    start, per_pixel = lens(shown, 0)
    drag(shown, start, 40)
    assert shown.session.array[0] == pytest.approx(NUMBERS[0] + 40 * per_pixel, abs=2 * per_pixel)
    assert 40 * per_pixel < layout(shown).scale.per_pixel * 5


def test_a_value_dragged_far_out_stretches_the_line_when_it_is_let_go(line):
    shown = line()
    width = np.ptp(shown.view().viewRange()[0])
    drag(shown, dot(shown, 1), 400)
    assert shown.session.array[1] > 2
    assert np.ptp(shown.view().viewRange()[0]) > 1.2 * width


def test_escape_during_a_drag_restores_the_value_for_good(line, person):
    shown = line()
    before = shown.session.array.copy()
    drag(shown, dot(shown, 0), 60, release=False)
    assert shown.session.array[0] != before[0]
    person.press("Escape")
    assert shown.session.array.tobytes() == before.tobytes()
    stack = shown.session.undo_stack
    assert (stack.count(), stack.canRedo(), stack.canUndo()) == (0, False, False)
    # The button is still held: nothing follows any more.
    left = Qt.MouseButton.LeftButton
    shown.mouse(QEvent.Type.MouseMove, dot(shown, 0) + QPointF(90, 0), held=left)
    shown.mouse(QEvent.Type.MouseButtonRelease, dot(shown, 0) + QPointF(90, 0), left)
    assert shown.session.array.tobytes() == before.tobytes()
    drag(shown, dot(shown, 0), 20)
    assert stack.count() == 1


def test_escape_restores_in_the_whole_window_where_it_means_other_things(window, person, qtbot):
    window.stage.show_view("number-line")
    pane = window.plots["number-line"]
    qtbot.waitUntil(pane.isVisible)
    before = window.session.array.copy()
    shown = SimpleNamespace(pane=pane, plot=pane.plot, view=pane.plot.item.getViewBox)
    start, viewport, left = dot(shown, 0), pane.widget.viewport(), Qt.MouseButton.LeftButton
    for kind, by, button, held in (
        (QEvent.Type.MouseMove, 0, Qt.MouseButton.NoButton, Qt.MouseButton.NoButton),
        (QEvent.Type.MouseButtonPress, 0, left, left),
        (QEvent.Type.MouseMove, 20, Qt.MouseButton.NoButton, left),
        (QEvent.Type.MouseMove, 40, Qt.MouseButton.NoButton, left),
    ):
        place = start + QPointF(by, 0)
        event = QMouseEvent(
            kind, place, viewport.mapToGlobal(place), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(viewport, event)
    assert window.session.array[0] != before[0]
    person.press("Escape")
    assert window.session.array.tobytes() == before.tobytes()
    assert not window.session.undo_stack.count()
    event = QMouseEvent(
        QEvent.Type.MouseButtonRelease, place, viewport.mapToGlobal(place), left,
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(viewport, event)
    assert window.session.array.tobytes() == before.tobytes()


def test_the_lens_follows_a_dot_dragged_along_the_line(line):
    shown = line()
    drag(shown, dot(shown, 0), 80, release=False)
    value = float(shown.session.array[0])
    found = next(one for one in layout(shown).lenses if one.dot == 0)
    assert found.scale.place(value) == pytest.approx(found.box.center().x())
    assert [lens.dot for lens in layout(shown).plan] == [2, 0, 1]
    shown.mouse(QEvent.Type.MouseButtonRelease, dot(shown, 0), Qt.MouseButton.LeftButton)


def test_a_drag_back_to_where_it_began_leaves_nothing_to_undo(line):
    session = line().session
    value = float(session.array[0])
    commands.move_value(session, 0, 0.5, "drag 1")
    commands.move_value(session, 0, 0.7, "drag 1")
    assert session.undo_stack.count() == 1
    commands.move_value(session, 0, value, "drag 1")
    assert session.undo_stack.count() == 0
    assert session.array[0] == np.float32(value)
    assert not session.modified
    commands.move_value(session, 0, 0.5, "drag 1")
    commands.move_value(session, 0, 0.6, "drag 2")
    commands.move_value(session, 1, 0.6, "drag 2")
    assert session.undo_stack.count() == 3


def test_a_drag_from_elsewhere_moves_the_view_and_no_value(line):
    shown = line()
    box = layout(shown).lanes[0]
    before = shown.session.array.copy()
    view = shown.view().viewRange()[0]
    drag(shown, at(shown, box.x[0] + 120, box.y_q), 80)
    assert shown.session.array.tobytes() == before.tobytes()
    assert shown.view().viewRange()[0] != view


def test_the_pointer_shows_which_dots_can_be_moved(line):
    shown = line([1.0, np.inf, -2.0])
    (item,) = shown.items(MarksItem)
    shown.mouse(QEvent.Type.MouseMove, dot(shown, 0))
    assert item.cursor().shape() == Qt.CursorShape.SizeHorCursor
    shown.mouse(QEvent.Type.MouseMove, dot(shown, 0) + QPointF(60, 20))
    assert not item.hasCursor()
    assert shown.plot.movable_at(QPointF(layout(shown).lanes[0].x[0], layout(shown).lanes[0].y_r))
    assert not shown.plot.movable_at(
        QPointF(layout(shown).lanes[0].x[1], layout(shown).lanes[0].y_r)
    )


# Keys


def test_left_and_right_go_along_the_line(line, person):
    shown = line(chosen=1)
    order = []
    for key in ("Left", "Left", "Left", "Right"):
        person.press(key)
        order.append(shown.session.view.chosen)
    assert order == [0, 2, 2, 0]


def test_where_neighbours_are_shown_every_value_is_reached(line, person):
    shown = line(noise(100), chosen=60)
    person.press("Right", "Right", "Right")
    assert shown.session.view.chosen == 63
    assert shown.plot.insight.startswith("Shown are #43 to #83 of 100 values.")


def test_alt_moves_a_tenth_of_s_and_shift_a_whole_one_in_a_step_per_run(line, person):
    shown = line(NUMBERS, "int8 symmetric manual(-2,2)", chosen=0)
    session = shown.session
    s = session.evaluator.active_evaluation.qparams.scale
    person.press("Alt+Right", "Alt+Right", "Alt+Right")
    assert session.array[0] == pytest.approx(NUMBERS[0] + 0.3 * s, rel=1e-6)
    person.press("Shift+Left")
    assert session.array[0] == pytest.approx(NUMBERS[0] - 0.7 * s, rel=1e-6)
    assert session.undo_stack.count() == 1
    session.view.choose(1)
    person.press("Shift+Right")
    session.view.choose(0)
    person.press("Alt+Shift+Right")
    assert session.undo_stack.count() == 3
    assert session.array[0] == pytest.approx(NUMBERS[0] + 0.3 * s, rel=1e-6)
    for _ in range(3):
        session.undo_stack.undo()
    assert session.array == pytest.approx(np.array(NUMBERS, np.float32))


def test_a_value_too_large_for_a_tenth_of_s_moves_to_its_neighbour(line, person):
    far = np.float32(2**26)
    shown = line([far, -far, 5.0], "int8 symmetric manual(-1,1)", chosen=0)
    person.press("Alt+Right")
    assert shown.session.array[0] == np.nextafter(far, np.float32(np.inf))


# Choosing and reading


def test_a_click_on_a_dot_a_lens_or_near_a_value_chooses_it(line):
    shown = line(chosen=1)
    click(shown, dot(shown, 2, lane=1))
    assert shown.session.view.chosen == 2
    click(shown, lens(shown, 0, lane=2)[0] + QPointF(70, 12))
    assert shown.session.view.chosen == 0
    click(shown, dot(shown, 1) + QPointF(-30, 8))
    assert shown.session.view.chosen == 1
    ringed = [m for m in shown.items(MarksItem)[0].marks if isinstance(m, Glyph)
              and m.ink == "highlight"]  # fmt: skip
    # In every lane, on the line and in its lens.
    assert len(ringed) == 6
    x = {round(mark.x) for mark in ringed}
    assert round(layout(shown).lanes[0].x[1]) in x


def test_the_pointer_reads_a_value_and_between_values_the_codes(line):
    shown = line()
    shown.mouse(QEvent.Type.MouseMove, dot(shown, 1))
    text = shown.pane.readout.text()
    assert text.startswith("#1  R 1.29624\nint8 scale-only: Q 127, R′ 1.15167")
    shown.mouse(QEvent.Type.MouseMove, lens(shown, 0)[0] + QPointF(38, 12))
    lines = shown.pane.readout.text().split("\n")
    assert float(lines[0].removeprefix("R ")) == pytest.approx(NUMBERS[0] + 0.0091, abs=2e-4)
    assert lines[1].startswith("int8 scale-only: Q 25")


def test_in_a_lens_the_crosshair_stands_where_the_lens_looks(line):
    shown = line()
    seen = []
    shown.feed.pointed.connect(lambda quantity, x: seen.append((quantity, x)))
    point, per_pixel = lens(shown, 2)
    shown.mouse(QEvent.Type.MouseMove, point + QPointF(20, 0))
    assert seen[-1][0] == "value"
    assert seen[-1][1] == pytest.approx(NUMBERS[2] + 20 * per_pixel, abs=2 * per_pixel)


def test_a_lower_pane_says_what_has_no_room(line):
    eight = (
        *THREE,
        "int4 symmetric",
        "e4m3fn symmetric",
        "nf4 symmetric",
        "q8_0",
        "int5 symmetric",
    )
    shown = line(NUMBERS, *eight)
    assert "no room" not in shown.plot.insight
    shown.pane.resize(500, 200)
    QApplication.processEvents()
    assert shown.plot.insight.endswith("of 8 schemes have no room here.")
    shown.pane.resize(*SIZE)
    QApplication.processEvents()
    assert "no room" not in shown.plot.insight


def test_the_sentence_follows_a_drag(line):
    shown = line()
    assert " clips 1.29624 by 15.9 S" in shown.plot.insight
    commands.edit_value(shown.session, 1, 1.015)
    assert shown.plot.insight.startswith("Nothing is clipped")
    assert "▼ clips 1 of 3" not in texts(shown)


def test_of_a_part_of_the_values_it_does_not_say_that_nothing_is_clipped(line):
    values = np.linspace(-1, 1, 1001).astype(np.float32)
    values[500] = 100
    shown = line(values, "int8 scale-only", chosen=0)
    assert "None of these is clipped" in shown.plot.insight
    assert "▼ clips 1 of 1,001" in texts(shown)
    shown.session.view.choose(500)
    assert " clips 100 by " in shown.plot.insight


# Looks


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_each_lane_is_painted_in_the_colour_of_its_scheme(line, theme):
    shown = line(theme=theme, chosen=0)
    image = shown.picture()
    ratio = image.devicePixelRatio()
    for place, lane in enumerate(layout(shown).lanes):
        uid = shown.session.entries[place].uid
        rebuilt = float(shown.session.evaluator.outcome(uid).reconstructed[0])
        point = at(shown, layout(shown).scale.place(rebuilt), lane.y_q) * ratio
        assert image.pixelColor(round(point.x()), round(point.y())) == theme.colour(place)
        middle = dot(shown, 2, lane=place) * ratio
        ink = image.pixelColor(round(middle.x()), round(middle.y()))
        assert (ink.lightness() > 128) == theme.dark


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_figure_has_what_the_window_shows(picture, theme):
    data = picture(np.array(NUMBERS, np.float32))
    spec = FigureSpec(("number-line",), 180, 130, theme=theme, points=8.5)
    svg = render_svg(spec, data).decode()
    written = [node.text.strip() for node in ElementTree.fromstring(svg).iter(TEXT)]
    wanted = {"R/S = 142.942 → 143", "the last code is 127", "16 unused", "Z = -16", "56.8 dB"}
    assert wanted <= set(written)
    for place in range(3):
        assert theme.colour(place).name() in svg
    assert not figure_image(spec, data).isNull()


def test_a_lane_tells_nothing_of_schemes_that_are_off(line):
    shown = line()
    uid = shown.session.entries[1].uid
    commands.update_entry(shown.session, uid, lambda e: replace(e, enabled=False), "")
    assert len(layout(shown).lanes) == 2
    assert "int8 symmetric" not in texts(shown)
    commands.add_scheme(shown.session, Scheme.parse("int4 asymmetric"))
    assert len(layout(shown).lanes) == 3
