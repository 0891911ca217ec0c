"""The lesson: offered once, walked with keys and mouse, and true to the reader's own numbers."""

import re

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from quantoscope.engine import evaluate
from quantoscope.gui.dialogs.guide_pages import guide_pages
from quantoscope.gui.panes.lesson_page import lesson_steps
from quantoscope.gui.window.lesson_conditions import CONDITIONS, Facts

STEPS = lesson_steps()
SCALE_ONLY = "int8 scale-only"


@pytest.fixture
def lesson(window, person):
    """The lesson, begun by the card's button."""
    person.click(window.lesson.card.start)
    QApplication.processEvents()
    return window.lesson


def type_over(window, person, row, text):
    window.places["values"].reveal()
    person.edit_cell(window.values.table, row, text)


def click_scheme(window, person, text):
    window.places["schemes"].reveal()
    view = window.schemes.list
    row = [str(entry.scheme) for entry in window.session.entries].index(text)
    place = view.visualRect(view.model().index(row)).center()
    person.click(view.viewport(), QPoint(view.width() // 2, place.y()))


def type_scheme(window, person, text):
    window.places["schemes"].reveal()
    field = window.schemes.form.text
    field.setFocus()
    person.press("Ctrl+A")
    person.type(text)


def acts(window, person):
    """What a reader does at each step, with mouse and keys."""
    table = window.values.table
    return [
        lambda: person.click_cell(table, 0),
        lambda: person.click_cell(table, 2),
        lambda: person.click_cell(table, 1),
        lambda: type_over(window, person, 0, "0.5"),
        lambda: type_over(window, person, 1, "1.01"),
        lambda: person.press("Ctrl+Z"),
        lambda: click_scheme(window, person, "int8 symmetric"),
        lambda: click_scheme(window, person, "int8 asymmetric"),
        lambda: type_over(window, person, 1, "100"),
        lambda: type_scheme(window, person, "int8 asymmetric manual(-1.1,1.1)"),
    ]


def press_for(lesson, person, qtbot, keys, title):
    """Press the keys of a button, which is animated, and wait for a step."""
    person.press(keys)
    qtbot.waitUntil(lambda: lesson.panel.title.text() == title)


def numbers_in(text):
    return [float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]


@pytest.mark.parametrize("size", [(1440, 900), (1000, 700), (667, 467)])
def test_the_whole_lesson_is_walked_with_mouse_and_keys(new_window, person, qapp, size):
    window = new_window(size)
    window.files.start_first()
    qapp.processEvents()
    panel = window.lesson.panel
    person.click(window.lesson.card.start)
    qapp.processEvents()
    assert panel.isVisible() and not window.lesson.card.isVisible()
    for number, (step, act) in enumerate(zip(STEPS, acts(window, person), strict=True)):
        assert panel.title.text() == step.title
        assert f"{number + 1} of {len(STEPS)}" in panel.place.text()
        assert not panel.next.isEnabled(), "it waits"
        assert not panel.said
        target = window.places[step.panes[0]]
        assert window.lesson.pointer.target is target
        assert window.lesson.pointer.isVisible() and target.in_front
        act()
        qapp.processEvents()
        assert panel.next.isEnabled(), step.title
        assert panel.said in panel.page.toPlainText().replace("\n", " ")
        inside = panel.mapTo(window, panel.rect().bottomRight())
        assert window.rect().contains(inside), "its buttons are inside the window"
        if size == (1440, 900):
            assert panel.page.verticalScrollBar().maximum() == 0, "there is room for all of it"
        person.click(panel.next)
        qapp.processEvents()
    assert not panel.isVisible()
    assert not window.lesson.pointer.isVisible()
    assert window.settings.text("lesson/offer") == "done"


def test_the_answers_are_computed_from_the_reader_s_own_numbers(window, lesson, person):
    for act in acts(window, person)[:3]:
        act()
        said = lesson.panel.said
        person.click(lesson.panel.next)
    values = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
    scale = float(evaluate(values, SCALE_ONLY).qparams.scale)
    error = float(evaluate(values, SCALE_ONLY).error[1])
    found = numbers_in(said)
    assert abs(error) == pytest.approx(found[-2], rel=1e-5)
    assert abs(error) / scale == pytest.approx(found[-1], rel=1e-5)
    # Another number than the one that the task names is as good.
    type_over(window, person, 0, "-0.7")
    assert lesson.panel.said.startswith("-0.7 has the code -77, ")
    assert "R′ = -77 · 0.00906829 = -0.698258" in lesson.panel.said
    type_over(window, person, 0, "0.25")
    assert lesson.panel.said.startswith("0.25 has the code 28, ")


def test_show_me_does_what_the_step_asks_for_and_can_be_undone(window, lesson, person):
    for step in STEPS:
        assert lesson.panel.title.text() == step.title
        person.click(lesson.panel.show_me)
        assert lesson.panel.next.isEnabled(), step.title
        assert not lesson.panel.show_me.isEnabled()
        person.click(lesson.panel.next)
    while window.session.undo_stack.canUndo():
        window.session.undo_stack.undo()
    assert window.session.array.tolist() == pytest.approx([0.21535037, 1.2962357, -1.0161772])


def test_back_shows_the_step_before_and_next_may_be_taken_again(window, lesson, person, qtbot):
    person.click_cell(window.values.table, 0)
    press_for(lesson, person, qtbot, "Alt+X", STEPS[1].title)
    press_for(lesson, person, qtbot, "Alt+B", STEPS[0].title)
    window.session.view.choose(1)
    assert lesson.panel.next.isEnabled()
    press_for(lesson, person, qtbot, "Alt+X", STEPS[1].title)
    assert not lesson.panel.next.isEnabled()


def test_leaving_keeps_the_place_and_learn_comes_back_to_it(window, lesson, person, qtbot):
    for at, act in enumerate(acts(window, person)[:5], 1):
        act()
        press_for(lesson, person, qtbot, "Alt+X", STEPS[at].title)
    person.press("Alt+L")
    qtbot.waitUntil(lambda: not lesson.panel.isVisible())
    assert "step 6 of 10: Help ▸ Learn" in window.message.text
    assert not lesson.pointer.isVisible()
    array = window.session.array.tolist()
    window.actions_["learn"].trigger()
    assert lesson.panel.title.text() == STEPS[5].title
    assert window.session.array.tolist() == array


def test_another_start_goes_on_at_the_step_and_with_its_numbers(window, lesson, new_window, person):
    for _ in range(9):
        person.click(lesson.panel.show_me)
        person.click(lesson.panel.next)
    person.click(lesson.panel.leave)
    window.session.mark_saved(None)
    window.close()
    other = new_window()
    other.files.start_first()
    QApplication.processEvents()
    assert "step 10 of 10" in other.lesson.card.sentence.text()
    person.click(other.lesson.card.start)
    assert other.lesson.panel.title.text() == STEPS[9].title
    assert other.session.array.tolist() == pytest.approx([0.5, 100, -1.0161772])
    assert not other.lesson.panel.next.isEnabled()
    type_scheme(other, person, "int8 asymmetric manual(-1.1,1.1)")
    assert other.lesson.panel.next.isEnabled()


def test_the_offer_is_never_made_again_once_it_is_declined(window, new_window, person):
    assert window.lesson.card.isVisible()
    person.click(window.lesson.card.no)
    assert not window.lesson.card.isVisible()
    other = new_window()
    other.files.start_first()
    QApplication.processEvents()
    assert not other.lesson.card.isVisible()
    other.actions_["learn"].trigger()
    assert other.lesson.panel.isVisible(), "whoever asks for it gets it"


def test_the_offer_is_not_made_where_other_numbers_are_shown(open_window):
    window = open_window(np.arange(3.0))
    assert not window.lesson.card.isVisible()


def test_the_lesson_loses_nothing_that_is_open(open_window, person):
    window = open_window(np.arange(100.0), "int4 symmetric")
    type_over(window, person, 0, "7")
    window.actions_["learn"].trigger()
    assert window.session.title == "Three numbers"
    assert str(window.session.active.scheme) == SCALE_ONLY
    titles = [source.title for source in window.session.sources]
    assert titles == ["array", "Three numbers"]
    assert window.session.sources[0].tensors[0].array[0] == 7
    assert "int4 symmetric" in [str(entry.scheme) for entry in window.session.entries]
    # Other numbers may be looked at meanwhile.
    window.files.show_tensor(window.session.sources[0].tensors[0])
    assert "Other numbers are shown" in window.lesson.panel.said
    assert not window.lesson.panel.next.isEnabled()
    person.click(window.lesson.panel.show_me)
    assert window.session.title == "Three numbers"
    assert window.lesson.panel.next.isEnabled()


def test_odd_arrays_do_not_break_the_lesson(window, lesson, person):
    from quantoscope.gui.document import commands

    for array in (np.zeros(0), np.zeros(3), np.full(3, np.nan), np.zeros((2, 2)), np.ones(60_000)):
        commands.replace_array(window.session, array.astype(np.float32), "odd")
        for at in range(len(STEPS)):
            lesson._enter(at)
    person.click(lesson.panel.show_me)
    assert lesson.panel.next.isEnabled()


def test_every_step_names_panes_a_condition_and_facts_that_there_are(window):
    evaluation = window.session.evaluator.active_evaluation
    known = Facts(window.session.array, evaluation, 1)
    known["Z_line"] = "as asymmetric has it"
    for step in STEPS:
        assert step.condition in CONDITIONS
        assert step.panes[0] in window.places
        assert step.seen.format_map(known)
        assert step.text and step.task.startswith("**Do:**")
    assert 8 <= len(STEPS) <= 10


def test_help_shows_the_lesson_without_what_the_program_reads():
    page = guide_pages()["lesson.md"]
    assert [section.title for section in page.sections[1:]] == [step.title for step in STEPS]
    assert "panes:" not in page.text and "<!--" not in page.text and "{" not in page.text


def test_the_theme_is_switched_while_the_lesson_is_shown(window, lesson, person):
    person.click(lesson.panel.show_me)
    grounds = []
    for name in ("light", "dark", "light"):
        window.settings.theme = name
        QApplication.processEvents()
        image = lesson.panel.page.grab().toImage()
        grounds.append(image.pixelColor(image.width() - 3, 2).lightness())
    assert grounds[0] == grounds[2] > 200
    assert grounds[1] < 80
