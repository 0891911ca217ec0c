"""Work off the GUI thread, and its end."""

import threading
import time

import numpy as np
import pytest
from PySide6.QtWidgets import QWidget

from quantoscope.engine import cancellation
from quantoscope.gui.workers.background import Background, Cancelled, still_running
from quantoscope.gui.workers.modal_wait import wait_for


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


def test_a_job_that_reads_does_not_wait_for_a_cancelled_one_that_goes_on(background, qtbot):
    go_on, results = threading.Event(), []
    background.start("file", lambda ticket: go_on.wait(20), results.append, print, only_reads=True)
    background.start("file", lambda ticket: "next", results.append, print, only_reads=True)
    qtbot.waitUntil(lambda: results == ["next"], timeout=3000)
    go_on.set()


def test_a_job_that_writes_waits_for_the_one_before_to_end(background, qtbot):
    begun, go_on, order = threading.Event(), threading.Event(), []

    def first(ticket):
        begun.set()
        go_on.wait(20)
        order.append("first")

    background.start("save", first, print, print)
    assert begun.wait(10)
    background.start("save", lambda ticket: order.append("second"), print, print)
    background.start("save", lambda ticket: order.append("third"), order.append, print)
    assert not order
    go_on.set()
    qtbot.waitUntil(lambda: len(order) == 3)
    assert order == ["first", "third", None]


def test_the_end_waits_for_no_job_longer_than_a_second(background, qtbot):
    begun, go_on, told = threading.Event(), threading.Event(), []

    def deaf(ticket):
        begun.set()
        go_on.wait(30)
        return "too late"

    background.start("file", deaf, told.append, told.append)
    assert begun.wait(10)
    start = time.monotonic()
    background.shutdown()
    assert time.monotonic() - start < 1
    assert still_running()
    go_on.set()
    qtbot.waitUntil(lambda: not still_running())
    assert not told


def test_the_engine_leaves_a_job_that_is_cancelled(background, qtbot):
    begun, left = threading.Event(), threading.Event()

    def job(ticket):
        begun.set()
        try:
            while True:
                cancellation.check()
        finally:
            left.set()

    background.start("file", job, print, print)
    assert begun.wait(10)
    background.cancel("file")
    assert left.wait(10)


def test_what_is_awaited_is_cancelled_inside_the_engine(background, qtbot, dialog, button):
    window = QWidget()
    qtbot.addWidget(window)

    def deaf_but_for_the_engine(part):
        while True:
            time.sleep(0.01)
            cancellation.check()

    with dialog(button("Cancel")), pytest.raises(Cancelled):
        wait_for(background, "save", deaf_but_for_the_engine, "Writing…", window)
    with pytest.raises(RuntimeError, match="its own"):
        wait_for(background, "save", lambda part: _fail("its own"), "Writing…", window)


def _fail(text):
    raise RuntimeError(text)


def test_a_long_read_tells_how_far_it_is(window, tmp_path, qtbot):
    path, told = tmp_path / "long.npy", []
    np.save(path, np.zeros((6 << 20), np.float32))
    window.background.progressed.connect(lambda *of: told.append(of))
    window.open_paths([path])
    qtbot.waitUntil(lambda: window.session.array.size == 6 << 20, timeout=30_000)
    shares = [done / total for kind, done, total in told if kind == "file" and total]
    assert shares == sorted(shares)
    assert len(set(shares)) >= 6
