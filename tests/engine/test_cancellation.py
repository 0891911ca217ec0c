"""Cancelling work from another thread."""

import threading

import numpy as np
import pytest

from quantoscope.engine import cancellation
from quantoscope.engine.cancellation import Cancellation, Cancelled
from quantoscope.engine.numerics import kernels


def test_work_without_a_flag_goes_on():
    cancellation.check()
    assert list(cancellation.checked(range(5), every=2)) == [0, 1, 2, 3, 4]


def test_the_next_look_at_the_flag_ends_the_work():
    flag, seen = Cancellation(), []
    with flag.watched(), pytest.raises(Cancelled):
        for n in cancellation.checked(range(100), every=10):
            seen.append(n)
            if n == 42:
                flag.cancel()
    assert seen[-1] == 49
    cancellation.check()


def test_the_flag_of_one_thread_is_not_that_of_another():
    flag, outcome = Cancellation(), []
    flag.cancel()

    def other():
        cancellation.check()
        outcome.append("went on")

    with flag.watched():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert outcome == ["went on"]


def test_no_handler_of_errors_swallows_a_cancellation():
    flag = Cancellation()
    flag.cancel()
    with pytest.raises(Cancelled), flag.watched():
        try:
            cancellation.check()
        except Exception:
            pytest.fail("taken for an error of the work")


def test_what_cannot_look_is_ended_by_a_call_and_counts_as_cancelled():
    flag, calls = Cancellation(), []
    with pytest.raises(Cancelled), flag.on_cancel(lambda: calls.append("killed")):
        flag.cancel()
        raise ValueError("the child said nothing")
    assert calls == ["killed"]
    with pytest.raises(Cancelled), flag.on_cancel(lambda: calls.append("late")):
        pytest.fail("begun after the end")


@pytest.mark.parametrize("threads", [1, 3])
def test_every_pass_over_an_array_looks_at_the_flag_before_each_block(threads, monkeypatch):
    monkeypatch.setattr(kernels, "THREADS", threads)
    flag, begun = Cancellation(), []

    def work(start, stop, scratch):
        begun.append(start)
        flag.cancel()

    with flag.watched(), pytest.raises(Cancelled):
        kernels.over_blocks(1000 * kernels.BLOCK, work)
    assert len(begun) <= threads


def test_an_evaluation_without_a_step_is_cancelled():
    from quantoscope.engine import evaluate

    flag = Cancellation()
    flag.cancel()
    with flag.watched(), pytest.raises(Cancelled):
        evaluate(np.ones(10, np.float32), "int8 symmetric")


def test_progress_is_told_to_whoever_asks_and_ends_like_a_check():
    flag, told = Cancellation(), []
    with flag.watched():
        cancellation.progress(1, 3)
        with flag.telling(lambda *numbers: told.append(numbers)):
            cancellation.progress(2, 3)
        cancellation.progress(3, 3)
        flag.cancel()
        with flag.telling(print), pytest.raises(Cancelled):
            cancellation.progress(3, 3)
    assert told == [(2, 3)]
