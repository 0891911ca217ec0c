"""Work off the GUI thread, and its end."""

import threading

import pytest
from PySide6.QtWidgets import QWidget

from gui.background import Background, Cancelled
from gui.waiting import wait_for


@pytest.fixture
def background(qapp):
    background = Background()
    yield background
    background.shutdown()


def test_what_is_asked_for_after_the_end_is_not_begun(background, qtbot):
    background.shutdown()
    begun, before = threading.Event(), threading.active_count()
    ticket = background.start("file", lambda ticket: begun.set(), print, print)
    assert ticket.cancelled
    assert not background.running("file")
    assert threading.active_count() == before
    assert not begun.wait(0.05)


def test_nobody_waits_for_what_is_asked_for_after_the_end(background, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    background.shutdown()
    with pytest.raises(Cancelled):
        wait_for(background, "save", lambda part: 1, "Writing…", window)


def test_while_one_kind_is_awaited_the_others_are_handed_over_after_it(background, qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    done, order = threading.Event(), []
    background.start("file", lambda ticket: done.set(), lambda _: order.append("file"), print)

    def save(part):
        assert done.wait(10)
        return "save"

    order.append(wait_for(background, "save", save, "Writing…", window))
    qtbot.waitUntil(lambda: len(order) == 2)
    assert order == ["save", "file"]
