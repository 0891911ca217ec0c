"""Pieces of work, one per turn of the event loop."""

from PySide6.QtCore import QObject

from quantoscope.gui.workers.paint_queue import PaintQueue


def test_each_has_its_turn_and_the_place_it_took_first(qtbot):
    queue, first, second, done = PaintQueue(), QObject(), QObject(), []
    queue.take(first, lambda: done.append("first"))
    queue.take(second, lambda: done.append("second"))
    queue.take(first, lambda: done.append("again"))
    assert queue.busy
    with qtbot.waitSignal(queue.idle):
        pass
    assert done == ["first", "second"]
    assert not queue.busy


def test_who_is_deleted_while_waiting_has_nothing_to_do_any_more(qtbot):
    queue, gone, stays, done = PaintQueue(), QObject(), QObject(), []
    queue.take(gone, lambda: done.append("gone"))
    queue.take(stays, lambda: done.append("stays"))
    gone.deleteLater()
    with qtbot.waitSignal(queue.idle):
        pass
    assert done == ["stays"]


def test_what_is_taken_back_is_not_done(qtbot):
    queue, one, other, done = PaintQueue(), QObject(), QObject(), []
    queue.take(one, lambda: done.append("one"))
    queue.take(other, lambda: done.append("other"))
    queue.leave(one)
    with qtbot.waitSignal(queue.idle):
        pass
    queue.take(one, lambda: done.append("one"))
    queue.clear()
    assert not queue.busy
    assert done == ["other"]
