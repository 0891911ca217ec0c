"""The waterfall: what each choice brings in dB, whatever the order."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine.analysis import waterfall as module
from quantoscope.engine.analysis.outliers import attribution
from quantoscope.engine.analysis.waterfall import Problem, waterfall
from quantoscope.engine.evaluation.block_pass import BlockPass

RNG = np.random.default_rng(5)
ROWS = (RNG.normal(size=(8, 96)) * np.geomspace(0.1, 10, 8)[:, None]).astype(np.float32)
SPIKE = RNG.uniform(-1, 1, 700).astype(np.float32)
SPIKE[77] = 90
WAYS = [
    ("int8 scale-only", "int8 symmetric percentile(99) per-channel(0)"),
    ("int4 symmetric", "int8 asymmetric per-group(32) ties-away"),
    ("int8 symmetric @onnxruntime", "int8 asymmetric @pytorch"),
    ("e4m3fn symmetric", "int8 asymmetric"),
    ("q4_0", "int8 symmetric per-group(32)"),
    ("uint8 asymmetric pow2 toward-zero", "nf4 symmetric"),
    ("mxfp4-gguf", "mxfp4-torchao-even"),
    ("int8 symmetric mse", "int8 asymmetric"),
]
every_way = pytest.mark.parametrize(("first", "second"), WAYS)
ways = st.sampled_from(WAYS)
arrays = st.sampled_from([ROWS, ROWS.astype(np.float64) / 3, SPIKE[None, :672]])


def few_of(x):
    cause = attribution(x, engine.evaluate(x, "int8 symmetric"))
    return None if cause is None else cause.where


@every_way
def test_corners_are_what_evaluations_of_their_schemes_are(first, second):
    made = waterfall(ROWS, first, second)
    assert made.start.name == str(engine.Scheme.parse(first))
    assert made.end.name == str(engine.Scheme.parse(second))
    seen = 0
    for corner in made.corners.values():
        try:
            one = engine.evaluate(ROWS, corner.name)
        except engine.SchemeError:
            continue  # a mixture of arithmetics, which no scheme has
        seen += 1
        assert corner.sqnr == pytest.approx(one.metrics["sqnr"], abs=1e-9)
        assert corner.clipped == sum(one.totals.clipped)
        assert corner.bits == one.metrics["bits_per_value"]
    assert seen >= 2


@every_way
def test_gains_are_means_over_all_orders(first, second):
    """The definition: walk every order, one step after another."""
    made = waterfall(ROWS, first, second)
    count = len(made.choices)
    walks = {choice.key: [] for choice in made.choices}
    for order in itertools.permutations(range(count)):
        path = [sum(1 << n for n in order[:done]) for done in range(count + 1)]
        if any(corner not in made.corners for corner in path):
            continue
        for number, here, then in zip(order, path, path[1:], strict=False):
            step = made.corners[then].sqnr - made.corners[here].sqnr
            walks[made.choices[number].key].append(step)
    gains = made.gains()
    assert len(gains) == count
    for gain in gains:
        steps = walks[gain.choice.key]
        assert gain.mean == pytest.approx(sum(steps) / len(steps), abs=1e-9)
        assert (gain.least, gain.most) == pytest.approx((min(steps), max(steps)), abs=1e-8)
        for tick, share in gain.ticks:
            near = sum(abs(step - tick) < 1e-7 for step in steps)
            assert share == pytest.approx(near / len(steps))


@settings(deadline=None, max_examples=25)
@given(way=ways, x=arrays, others=st.booleans())
def test_gains_add_up_to_the_difference(way, x, others):
    few = few_of(x) if others else None
    made = waterfall(x, *way, few)
    if made.problem(few is not None):
        return
    gains = made.gains(few is not None)
    total = sum(gain.mean for gain in gains)
    assert total == pytest.approx(made.difference(few is not None), abs=1e-9)
    assert all(sum(share for _, share in gain.ticks) == pytest.approx(1) for gain in gains)


@settings(deadline=None, max_examples=20)
@given(way=ways, x=arrays)
def test_the_way_back_has_the_same_gains_with_the_other_sign(way, x):
    there, back = waterfall(x, *way), waterfall(x, *reversed(way))
    assert back.difference() == pytest.approx(-there.difference(), abs=1e-9)
    losses = {gain.choice.key: gain for gain in back.gains()}
    for gain in there.gains():
        loss = losses[gain.choice.key]
        assert loss.mean == pytest.approx(-gain.mean, abs=1e-9)
        assert (loss.least, loss.most) == pytest.approx((-gain.most, -gain.least), abs=1e-8)
        assert (loss.choice.first, loss.choice.second) == (gain.choice.second, gain.choice.first)
        assert loss.alone == pytest.approx(-gain.last, abs=1e-8, nan_ok=True)


def test_evaluations_at_hand_are_not_computed_again():
    ends = [engine.evaluate(ROWS, text) for text in WAYS[0]]
    assert repr(waterfall(ROWS, *ends).corners) == repr(waterfall(ROWS, *WAYS[0]).corners)


def test_without_the_few_every_corner_is_the_formula_over_the_others():
    few = few_of(SPIKE)
    assert few.tolist() == [77]
    made = waterfall(SPIKE, "int8 scale-only", "int8 symmetric manual(-1,1)", few)
    keep = np.arange(SPIKE.size) != 77
    for corner in made.corners.values():
        one = engine.evaluate(SPIKE, corner.name)
        r, e = (part[keep].astype(np.float64) for part in (SPIKE, one.error))
        assert corner.others == pytest.approx(10 * math.log10((r @ r) / (e @ e)), abs=1e-6)
        assert corner.clipped_others == np.count_nonzero(one.saturated[keep])
    # The two readings disagree: what costs for all values gains for the others.
    assert made.difference() < -5 < 30 < made.difference(others=True)


def test_an_exact_scheme_has_no_gains_and_says_so():
    whole = np.arange(-127, 128, dtype=np.float32)
    made = waterfall(whole, "int4 symmetric", "int8 symmetric")
    assert made.end.sqnr == math.inf
    assert made.problem() is Problem.EXACT
    assert made.gains() == ()


def test_values_without_signal_have_no_gains_and_say_so():
    nothing = np.full(5, np.nan, np.float32)
    made = waterfall(nothing, "int4 symmetric manual(-1,1)", "int8 asymmetric manual(-2,2)")
    assert made.problem() is Problem.SILENT
    assert made.gains() == ()


def test_schemes_with_the_same_choices_have_no_gains_and_say_so():
    made = waterfall(ROWS, "int8 symmetric", "int8 symmetric")
    assert made.problem() is Problem.EQUAL
    assert made.difference() == 0
    assert len(made.corners) == 1


def test_the_work_can_be_stopped_between_corners():
    class Stop(Exception):
        pass

    seen = []

    def stop(done, total):
        seen.append((done, total))
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        waterfall(ROWS, "int8 scale-only", "int4 symmetric percentile(99)", progress=stop)
    assert {total for _, total in seen} == {8}
    assert seen[-1] == (3, 8)


def test_work_that_was_stopped_goes_on_from_there(monkeypatch):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 6:
            raise Stop

    known = {}
    with pytest.raises(Stop):
        waterfall(ROWS, *WAYS[0], progress=stop, known=known)
    assert len(known) == 6
    truth = waterfall(ROWS, *WAYS[0])
    passes = []
    monkeypatch.setattr(module, "BlockPass", lambda *a, **k: passes.append(a) or BlockPass(*a, **k))
    assert repr(waterfall(ROWS, *WAYS[0], known=known).corners) == repr(truth.corners)
    assert len(passes) == 2


def test_what_brings_nothing_after_the_others_is_known():
    """A range that clips pays before every channel has its own; after that it brings nothing."""
    made = waterfall(ROWS, "int8 symmetric", "int8 symmetric percentile(100) per-channel(0)")
    idle = next(gain for gain in made.gains() if gain.choice.key == "calibration")
    assert idle.last == pytest.approx(0, abs=1e-12)
    assert idle.ticks == ((pytest.approx(0, abs=1e-9), pytest.approx(1)),)


def test_axes_by_their_roles_are_those_of_the_array():
    made = waterfall(ROWS, "int8 symmetric", "int8 asymmetric per-channel(out)")
    same = waterfall(ROWS, "int8 symmetric", "int8 asymmetric per-channel(0)")
    assert [corner.sqnr for corner in made.corners.values()] == [
        corner.sqnr for corner in same.corners.values()
    ]
    assert made.end.name == "int8 asymmetric per-channel(out)"
    alike = waterfall(ROWS, "int8 symmetric per-channel(out)", "int8 symmetric per-channel(0)")
    assert alike.problem() is Problem.EQUAL
