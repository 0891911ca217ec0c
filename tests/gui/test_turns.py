"""Pieces of work, one per turn of the event loop."""

from PySide6.QtCore import QObject

from quantoscope.gui.workers.paint_queue import Turns


def test_each_has_its_turn_and_the_place_it_took_first(qtbot):
    turns, first, second, done = Turns(), QObject(), QObject(), []
    turns.take(first, lambda: done.append("first"))
    turns.take(second, lambda: done.append("second"))
    turns.take(first, lambda: done.append("again"))
    assert turns.busy
    with qtbot.waitSignal(turns.idle):
        pass
    assert done == ["first", "second"]
    assert not turns.busy


def test_who_is_deleted_while_waiting_has_nothing_to_do_any_more(qtbot):
    turns, gone, stays, done = Turns(), QObject(), QObject(), []
    turns.take(gone, lambda: done.append("gone"))
    turns.take(stays, lambda: done.append("stays"))
    gone.deleteLater()
    with qtbot.waitSignal(turns.idle):
        pass
    assert done == ["stays"]


def test_what_is_taken_back_is_not_done(qtbot):
    turns, one, other, done = Turns(), QObject(), QObject(), []
    turns.take(one, lambda: done.append("one"))
    turns.take(other, lambda: done.append("other"))
    turns.leave(one)
    with qtbot.waitSignal(turns.idle):
        pass
    turns.take(one, lambda: done.append("one"))
    turns.clear()
    assert not turns.busy
    assert done == ["other"]
