"""Garbage is collected between events, not inside Qt's functions."""

import gc
import weakref

from quantoscope.gui.common.garbage import BUSY, INTERVAL, Collector


class Node:
    """Something in a cycle."""

    def __init__(self):
        self.own = self


def test_cycles_wait_for_the_event_loop_and_go_there(qapp, qtbot):
    collector = Collector()
    assert not gc.isenabled()
    seen = weakref.ref(Node())
    cycles = [Node() for _ in range(20 * gc.get_threshold()[0])]
    del cycles
    assert seen() is not None, "collected while code runs"
    qtbot.waitUntil(lambda: seen() is None, timeout=6 * INTERVAL)
    collector.deleteLater()


def test_what_has_become_old_goes_once_it_is_quiet(qapp, qtbot):
    collector = Collector()
    old = Node()
    seen = weakref.ref(old)
    gc.collect()
    del old
    kept = [[] for _ in range(2 * gc.get_threshold()[0])]
    qtbot.waitUntil(lambda: seen() is None, timeout=8 * INTERVAL)
    assert kept
    collector.deleteLater()


def test_long_work_does_not_keep_old_garbage_forever(qapp, monkeypatch):
    collector = Collector()
    full = []
    monkeypatch.setattr(gc, "collect", lambda generation=2: full.append(generation))
    monkeypatch.setattr(gc, "get_count", lambda: (1_000_000 * len(full) + 1_000_000, 0, 0))
    for _ in range(BUSY + 1):
        collector.timerEvent(None)
    assert full.count(2) == 1
    assert full[-1] == 2
    collector.deleteLater()
