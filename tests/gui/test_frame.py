"""Stage, rail and bottom panel: which views are shown, what folds, and what each is given."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication

from quantoscope.engine.io import qscope
from quantoscope.gui.common.splitter import Border


def test_a_figure_of_the_visible_plots_leaves_out_those_behind_other_tabs(window, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "quantoscope.gui.export.dialog.copy_figure", lambda *given: asked.append(given[-1])
    )
    window.actions_["copy_figure"].trigger()
    window.stage.set_views(["signal", "transfer"])
    QApplication.processEvents()
    window.actions_["copy_figure"].trigger()
    assert asked == [["signal", "error", "distribution", "codes"], ["signal", "transfer"]]


def view_button(window, key):
    """The button of a view above the stage."""
    return window.stage.bar.widgetForAction(window.stage.actions_[key])


def test_a_view_takes_the_place_of_the_active_one(window, person):
    stage = window.stage
    stage.counts[1].trigger()
    assert stage.views == ("signal",)
    person.click(view_button(window, "codes"))
    assert stage.views == ("codes",)
    assert window.plots.in_front() == ["codes"]
    stage.counts[2].trigger()
    assert len(stage.views) == 2
    second = stage.views[1]
    person.click(window.plots[second].widget.viewport())
    person.click(view_button(window, "transfer"))
    assert stage.views == ("codes", "transfer")
    stage.counts[4].trigger()
    assert len(stage.views) == 4
    assert sorted(window.plots.in_front()) == sorted(stage.views)
    shown = [key for key, action in stage.actions_.items() if action.isChecked()]
    assert sorted(shown) == sorted(stage.views)


def test_with_ctrl_a_view_is_shown_beside_the_others(window, qtbot):
    stage = window.stage
    stage.set_views(["error"])
    button = view_button(window, "codes")
    # The offscreen platform tells no keys that are held while a mouse button is clicked.
    qtbot.keyPress(window, Qt.Key.Key_Control)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    assert stage.views == ("error", "codes")


def test_the_views_of_each_kind_of_data_are_kept(new_window, qapp):
    first = new_window(views=None)
    first.files.start_first()
    few = first.stage.views
    line, matrix = np.linspace(-1, 1, 500), np.eye(60)
    first.session.start(line, "line", None, None)
    assert first.stage.views == ("signal", "error")
    first.stage.set_views(["codes"])
    first.frame.bottom.fold(False)
    first.session.start(matrix, "matrix", None, None)
    assert first.stage.views != ("codes",)
    assert first.frame.bottom.folded
    assert first.close()
    second = new_window(None, views=None)
    second.session.start(line, "line", None, None)
    assert second.stage.views == ("codes",)
    assert not second.frame.bottom.folded
    second.session.start(np.ones(3), "three", None, None)
    assert second.stage.views == few
    second.reset_layout()
    second.session.start(line, "line", None, None)
    assert second.stage.views == ("signal", "error")


def test_a_session_brings_its_layout_and_nonsense_changes_nothing(new_window, qtbot, tmp_path):
    first = new_window()
    first.files.start_first()
    first.stage.set_views(["transfer", "codes"])
    first.places["results"].reveal()
    first.whole.write(tmp_path / "two.qscope")
    assert first.close()
    second = new_window(None)
    assert second.places["results"].in_front, "as it was left"
    second.stage.set_views(["signal"])
    second.places["steps"].reveal()
    saved = qscope.read(tmp_path / "two.qscope")
    bad = ({"docks": "bm9uc2Vuc2U="}, {"layout": {"views": [3]}}, {"layout": [1]},
           {"layout": {"views": ["signal"], "across": [10**9, -1, 2], "front": 3, "down": "x",
                       "folded": "y", "hidden": [True], "rows": [None, 1]}})  # fmt: skip
    for number, view in enumerate(bad):
        path = tmp_path / f"bad{number}.qscope"
        qscope.write(path, replace(saved, view=view))
        second.open_paths([path])
        qtbot.waitUntil(lambda path=path: second.session.file == path)
        assert second.stage.views == ("signal",)
        assert second.places["steps"].in_front
    second.open_paths([tmp_path / "two.qscope"])
    qtbot.waitUntil(lambda: second.session.file == tmp_path / "two.qscope")
    assert second.stage.views == ("transfer", "codes"), "as the session was left"
    assert second.places["results"].in_front


def test_the_view_menu_shows_and_hides_the_parts_of_the_window(window, qapp):
    for part in (window.frame.rail, window.frame.side, window.frame.bottom):
        action = next(
            a
            for a in window.findChildren(QAction)
            if a.isCheckable() and a.text() == part.bar.accessibleName()
        )
        action.setChecked(True)
        action.trigger()
        assert part.isHidden()
        action.trigger()
        assert part.isVisible()


def test_the_panel_folds_to_one_line_that_tells_the_steps(window, person, qapp):
    bottom = window.frame.bottom
    window.places["results"].reveal()
    qapp.processEvents()
    before = window.stage.height()
    person.click(bottom.fold_button)
    qapp.processEvents()
    assert bottom.folded
    assert window.stage.height() > before + 80
    assert bottom.line.text() == window.places["steps"].insight
    assert "rounding costs" in bottom.line.text()
    person.click(bottom.fold_button)
    qapp.processEvents()
    assert abs(window.stage.height() - before) <= 2
    assert window.places["results"].in_front


def test_in_the_smallest_window_results_show_three_schemes_whole(open_window, person, qapp):
    schemes = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
    window = open_window([0.2, 1.3, -1.0], *schemes, size=(1000, 700))
    person.press("Ctrl+5")
    qapp.processEvents()
    table = window.results.table
    assert table.model().rowCount() == 3
    assert table.viewport().height() >= table.verticalHeader().length()


def test_a_narrow_window_has_the_schemes_behind_a_tab(new_window, qapp):
    window = new_window((1000, 700))
    window.files.start_first()
    assert window.places["schemes"].host is window.frame.side
    window.resize(700, 520)
    qapp.processEvents()
    assert window.places["schemes"].host is window.frame.rail
    assert window.places["values"].in_front
    window.places["schemes"].reveal()
    qapp.processEvents()
    assert not window.schemes.visibleRegion().isEmpty()
    window.resize(1000, 700)
    qapp.processEvents()
    assert window.places["schemes"].host is window.frame.side
    assert window.places["schemes"].in_front


def test_reset_layout_brings_everything_back(window, qapp):
    window.places["values"].detach()
    window.places["codes"].detach()
    window.frame.side.hide()
    window.frame.bottom.hide()
    window.stage.set_views(["signal"])
    window.actions_["reset_layout"].trigger()
    qapp.processEvents()
    assert not any(place.alone for place in window.places.values())
    assert all(p.isVisible() for p in (window.frame.rail, window.frame.side, window.frame.bottom))
    assert window.places["values"].in_front


@pytest.mark.parametrize(
    ("small", "large"), [((1000, 700), (1600, 1000)), ((1440, 900), (2000, 1300))]
)
def test_a_window_that_grows_gives_most_of_the_height_to_plots_and_values(
    new_window, qapp, small, large
):
    window = new_window(small)

    def heights():
        qapp.processEvents()
        return {key: window.places[key].height() for key in ("values", "schemes", "steps")}

    before = heights()
    window.resize(*large)
    after = heights()
    gained = large[1] - small[1]
    assert after["schemes"] - before["schemes"] > gained / 2
    assert after["values"] - before["values"] > gained / 2
    assert before["steps"] <= after["steps"] < before["steps"] + gained / 2
    window.resize(*small)
    assert all(abs(now - before[key]) <= 4 for key, now in heights().items())


def test_a_view_alone_is_named_by_its_button_or_else_by_its_head(window, qapp, qtbot):
    for width in (1000, 1440, 1000):
        window.resize(width, 700)
        qapp.processEvents()
        for key in window.stage.actions_:
            place, button = window.places[key], view_button(window, key)
            window.stage.set_views([key])
            qtbot.waitUntil(lambda place=place: place.width() > 0)
            assert place.label.isVisible() is not button.isVisible(), (width, key)
        assert place.label.isVisible() is (width == 1000)
    assert place.label.text() == place.name == "Why?"


@pytest.mark.parametrize("key", ["steps", "results", "compare", "runtimes"])
def test_the_bottom_panel_leaves_most_of_a_small_window_to_the_stage(new_window, qapp, key):
    window = new_window((1000, 700))
    window.places[key].reveal()
    qapp.processEvents()
    across, bottom = window.frame.down.sizes()
    assert bottom <= 0.4 * window.frame.height()
    assert across >= 380
    roomy = new_window((1440, 900))
    roomy.places[key].reveal()
    roomy.resize(1000, 700)
    qapp.processEvents()
    assert roomy.frame.down.sizes()[1] == pytest.approx(bottom, abs=2)


def test_f8_goes_from_border_to_border_and_arrow_keys_move_each(window, person, qapp):
    window.stage.set_views(["signal", "error", "distribution", "codes"])
    window.places["compare"].reveal()
    qapp.processEvents()
    shown = {one for one in window.findChildren(Border) if one.isVisible()}
    assert len(shown) == 8
    seen = []
    while (border := person.press("F8") or qapp.focusWidget()) not in seen:
        seen.append(border)
        across = border.orientation() == Qt.Orientation.Horizontal
        less, more, off = ("Left", "Right", "Down") if across else ("Up", "Down", "Left")
        before = border.pos()
        person.press(off)
        assert border.pos() == before
        moved = []
        # One that is already at an end moves the other way.
        for key in (less, more):
            person.press(key)
            moved.append(border.pos())
        assert set(moved) != {before}, border.accessibleName()
        assert max((to - before).manhattanLength() for to in moved) <= 10
    assert set(seen) == shown
    names = [border.accessibleName() for border in seen]
    assert names[0] == "Border between values and views"
    assert len(set(names)) == 7, "two are between views side by side"


def test_home_end_and_page_keys_move_a_border_far(window, person, qapp):
    border = window.frame.across.handle(1)
    border.setFocus()
    places = []
    for key in ("Home", "Page Down", "Page Up", "End"):
        person.press(key)
        places.append(border.x())
    assert places[0] == places[2] == window.frame.rail.minimumSizeHint().width()
    assert places[1] == places[0] + 100
    assert window.stage.width() == window.stage.minimumSizeHint().width()
    assert qapp.focusWidget() is border


def test_a_border_with_the_focus_is_seen(window, person, qapp):
    def colour():
        picture = border.grab().toImage()
        return picture.pixelColor(picture.rect().center())

    person.press("F8")
    border = qapp.focusWidget()
    with_focus = colour()
    person.press("Ctrl+1")
    assert colour() != with_focus == border.palette().link().color()


def test_a_height_given_with_keys_is_kept(window, person, qapp):
    window.places["runtimes"].reveal()
    qapp.processEvents()
    border = window.frame.down.handle(1)
    border.setFocus()
    before = window.frame.bottom.height()
    person.press("Up", "Up", "Up")
    window.places["steps"].reveal()
    window.places["runtimes"].reveal()
    qapp.processEvents()
    assert window.frame.bottom.height() == before + 30
