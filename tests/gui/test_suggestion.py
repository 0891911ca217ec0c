"""The verdict's button adds the scheme that it promises, and goes where there is none."""

import numpy as np
import pytest
from PySide6.QtCore import Qt

from quantoscope.engine import Scheme
from quantoscope.gui.document import commands
from quantoscope.gui.panes.suggestion import KIND, PAUSE, SuggestionButton


def weight(seed=3):
    values = np.random.default_rng(seed).normal(0, 0.02, (256, 512)).astype(np.float32)
    values[:, [7, 300]] *= 40
    return values


@pytest.fixture
def button(open_window, qtbot):
    window = open_window(weight(), "int8 symmetric", "int8 asymmetric")
    button = window.findChild(SuggestionButton)
    qtbot.waitUntil(button.isVisible, timeout=20_000)
    return window, button


def test_a_click_adds_the_scheme_and_brings_what_was_promised(button, qtbot):
    window, button = button
    session = window.session
    best = session.evaluator.snapshot.verdict.best()[0]
    before = session.evaluator.outcome(best).metrics["sqnr"]
    promised = float(button.text().split("+")[1].removesuffix(" dB"))
    assert promised > 10
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not session.evaluator.stale, timeout=20_000)
    added = session.entries[-1]
    assert "per-channel(1)" in str(added.scheme)
    after = session.evaluator.outcome(added.uid).metrics["sqnr"]
    assert f"{after - before:.1f}" == f"{promised:.1f}"
    assert f"{after:.1f} dB" in button.toolTip() or not button.isVisible()
    qtbot.waitUntil(lambda: not session.background.running(KIND), timeout=20_000)
    assert "per-channel(1)" not in button.text() or not button.isVisible()
    session.undo_stack.undo()
    assert len(session.entries) == 2
    qtbot.waitUntil(button.isVisible, timeout=20_000)


def test_it_goes_with_the_values_that_it_was_for(button, qtbot):
    window, button = button
    window.session.start(np.float32([0.2, 1.3, -1.0]), "few")
    assert not button.isVisible()
    qtbot.wait(PAUSE + 500)
    assert not button.isVisible()


def test_it_goes_with_the_scheme_that_it_was_for(button):
    window, button = button
    for entry in window.session.entries:
        commands.set_scheme(
            window.session, entry.uid, Scheme.parse("int8 symmetric per-channel(1)")
        )
    assert not button.isVisible()


def test_it_is_reached_and_pressed_by_keys(button, qtbot):
    window, button = button
    button.setFocus(Qt.FocusReason.TabFocusReason)
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert len(window.session.entries) == 3


def test_escape_leaves_a_channel_while_it_searches(open_window, person, qtbot):
    window = open_window(weight(), "int8 symmetric", "int8 symmetric per-channel(0)")
    qtbot.waitUntil(lambda: window.session.background.running(KIND), timeout=20_000)
    window.session.view.focus_on(2)
    person.press("Esc")
    assert window.session.view.focus is None
