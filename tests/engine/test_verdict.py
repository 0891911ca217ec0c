"""The verdict: who loses least at equal bits, what a loss is made of, and the few left out."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quantoscope import engine
from quantoscope.engine.analysis.outlier_lines import outlier_lines
from quantoscope.engine.analysis.outliers import attribution
from quantoscope.engine.analysis.verdict import (
    Standing,
    Verdict,
    clipped_share,
    staircase,
    verdict,
)
from quantoscope.engine.examples import example

NORMALS = np.random.default_rng(0).normal(size=3000).astype(np.float32)
OUTLIER = example("outlier").make()
THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")


def judged(x, *schemes):
    made = {n: engine.evaluate(x, text) for n, text in enumerate(schemes)}
    causes = [attribution(x, one) for one in made.values()]
    found = verdict(made, [cause for cause in causes if cause is not None])
    assert found is not None
    return found, made


def plain_sqnr(x, evaluation, keep):
    """The formula, value by value, in the order of the array."""
    r = x.ravel()[keep].astype(np.float64)
    e = evaluation.reconstructed.ravel()[keep].astype(np.float64) - r
    if not math.fsum(e * e):
        return math.inf
    return 10 * math.log10(math.fsum(r * r) / math.fsum(e * e))


def test_the_outlier_crowns_one_scheme_for_all_values_and_another_for_the_others():
    found, _ = judged(OUTLIER, *THREE, "int8 symmetric manual(-1,1)")
    assert found.few is not None
    assert found.few.where.tolist() == [500]
    assert found.few.values.tolist() == [100]
    assert found.few.others == 1000
    assert found.best() == [2]
    assert found.best(others=True) == [3]
    shown = {n: (round(s.sqnr, 2), round(s.others, 2)) for n, s in found.standings.items()}
    assert shown == {0: (6.19, 13.83), 1: (23.74, 8.81), 2: (28.75, 13.83), 3: (0.23, 48.26)}


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(100, 1600),
    outliers=st.lists(st.tuples(st.integers(0, 1599), st.floats(20, 1e30)), min_size=1, max_size=5),
    scheme=st.sampled_from(
        ["int8 symmetric", "uint8 asymmetric", "int4 symmetric percentile(99)", "e4m3fn symmetric",
         "int8 symmetric manual(-1,1)", "int8 scale-only per-channel(0)"]
    ),
    double=st.booleans(),
)  # fmt: skip
def test_without_the_few_is_the_formula_over_the_others(size, outliers, scheme, double):
    x = NORMALS[:size].astype(np.float64 if double else np.float32)
    for place, value in outliers:
        x[place % size] = value
    x = x.reshape(2, -1) if size % 2 == 0 else x[None]
    cause = attribution(x, engine.evaluate(x, "int8 symmetric"))
    if cause is None:
        return
    made = engine.evaluate(x, scheme)
    found = verdict({7: made}, [cause])
    keep = np.setdiff1d(np.arange(size), cause.where)
    truth = plain_sqnr(x, made, keep)
    assert found.standings[7].others == pytest.approx(truth, abs=1e-6)


def test_a_unit_that_is_an_outlier_and_nothing_else_leaves_nothing():
    x = np.concatenate([NORMALS[:512], [1000]]).astype(np.float32)
    found, made = judged(x, "int8 symmetric", "int8 symmetric manual(-1,1)")
    for n, one in made.items():
        truth = plain_sqnr(x, one, np.arange(512))
        assert found.standings[n].others == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize("scheme", [*THREE, "int4 scale-only per-channel(0)", "e4m3fn symmetric"])
def test_the_clipped_values_share_of_the_loss(scheme):
    x = np.array([[0.21535037, 1.2962357, -1.0161772]], np.float32)
    found, made = judged(x, scheme)
    e = made[0].error.astype(np.float64) ** 2
    truth = e[made[0].saturated != 0].sum() / e.sum()
    assert found.standings[0].clipped_share == pytest.approx(truth)
    assert found.standings[0].clipped == np.count_nonzero(made[0].saturated)


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_shares_of_the_loss_survive_numbers_whose_squares_do_not(size):
    x = np.array([0.215, 1.296, -1.016]) * size
    found, _ = judged(x, "int8 symmetric", "int8 scale-only")
    assert found.standings[0].clipped_share == 0
    assert 0.99 < found.standings[1].clipped_share < 1


@pytest.mark.parametrize(
    "scheme",
    [
        "int4 symmetric",
        "uint4 asymmetric",
        "int4 symmetric per-channel(0)",
        "nf4 symmetric",
        "q4_0",
        "mxfp4-gguf",
    ],
)
def test_values_that_become_0_are_counted_where_they_are_most(scheme):
    x = NORMALS[:960].reshape(10, 96).copy()
    x[:, 3::32] = 40
    x[4], x[5, 0], x[5, 40] = 0, np.nan, np.inf
    found, made = judged(x, scheme)
    truth = np.count_nonzero((x != 0) & (made[0].reconstructed == 0))
    finite = x[np.isfinite(x)]
    assert found.standings[0].zeroed == truth
    assert truth > 700
    assert found.nonzero == np.count_nonzero(finite)


def test_no_share_is_all_while_something_is_rounded():
    x = np.array([0.3, 1, 1e9], np.float32)
    made = engine.evaluate(x, "int8 symmetric manual(-1,1)")
    assert 0.999999 < clipped_share(made.totals) < 1
    x = np.array([0, 1, 1e9], np.float32)
    assert clipped_share(engine.evaluate(x, "int8 symmetric manual(-1,1)").totals) == 1


def test_few_zeros_are_not_counted():
    found, _ = judged(NORMALS, "int8 symmetric")
    assert found.standings[0].zeroed == 0


def made_up(*pairs):
    """A verdict on (bits, SQNR)."""
    scheme = engine.Scheme.parse("int8 symmetric")
    base = Standing(scheme, 0, 0, math.nan, 0, 0.0, 0)
    rows = {
        n: replace(base, bits=bits, sqnr=db, code_bits=int(bits))
        for n, (bits, db) in enumerate(pairs)
    }
    return Verdict(rows, None, 0)


def test_equal_bits_come_first():
    found = made_up((8, 50), (4.0, 18), (4.05, 16), (5, 17), (5, 20), (8.02, 49))
    assert found.best() == [1]
    assert found.ranking() == [1, 2]
    # 17 dB for 5 bits is beaten by 18 for 4; 49 for 8.02 by 50 for 8.
    assert found.dearer() == [4, 0]


@pytest.mark.parametrize("more", [0.02, 0.08, 0.099, 0.101, 0.12, 0.5, 0.99])
def test_scales_that_are_repaid_win_however_many_bits_they_take(more):
    repaid = made_up((8, 20), (8 + more, 20 + 6.03 * more))
    assert repaid.best() == [1]
    assert repaid.dearer() == []
    costly = made_up((8, 20), (8 + more, 20 + 6.02 * more))
    assert costly.best() == [0]
    assert costly.dearer() == [1]
    # A wider code is no scale: it always costs more.
    assert made_up((4, 20), (4 + more, 19), (8, 60)).best() == [0]


@given(st.lists(st.tuples(st.integers(3, 4), st.floats(0, 0.9), st.floats(-9, 90)), min_size=1))
def test_the_best_is_worth_most_and_nothing_that_is_told_is_beaten(rows):
    pairs = [(width + more, db) for width, more, db in rows]
    found = made_up(*pairs)
    narrow = [n for n, (width, _, _) in enumerate(rows) if width == min(w for w, _, _ in rows)]
    worth = [db - 20 * math.log10(2) * bits for bits, db in pairs]
    assert max(worth[n] for n in narrow) in [worth[n] for n in found.best()]
    for told in found.dearer():
        assert pairs[told][1] > max(pairs[n][1] for n in found.best())
        assert all(db < pairs[told][1] for bits, db in pairs if bits < pairs[told][0])


def test_equal_figures_share_the_place():
    assert made_up((8, 50), (8, 40), (8, 50)).best() == [0, 2]
    assert made_up((8, 40), (9, 40), (9, 41), (9, 41)).dearer() == []
    assert made_up((8, math.inf), (8, math.inf)).best() == [0, 1]


def test_nothing_is_best_without_a_figure():
    assert made_up((8, math.nan), (4, math.nan)).best() == []
    assert verdict({}) is None
    nothing, _ = judged(np.full(4, np.nan, np.float32), "int8 symmetric manual(-1,1)")
    assert nothing.best() == []


@given(st.lists(st.tuples(st.sampled_from([4, 4.02, 5, 8]), st.integers(0, 6)), max_size=8))
def test_the_staircase_rises_and_beats_all_else(pairs):
    bits, sqnr = [b for b, _ in pairs], [float(s) for _, s in pairs]
    kept = staircase(bits, sqnr)
    assert [bits[n] for n in kept] == sorted(bits[n] for n in kept)
    for n in range(len(pairs)):
        better = [k for k in kept if bits[k] <= bits[n] and sqnr[k] >= sqnr[n]]
        assert better
    for a in kept:
        for b in kept:
            same = (bits[a], sqnr[a]) == (bits[b], sqnr[b])
            assert same or (bits[a] < bits[b]) == (sqnr[a] < sqnr[b])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("shape", [(40, 300), (700, 128), (3000, 64)])
def test_columns_that_set_the_scale_of_nearly_all_rows_are_found(shape, turned):
    x = np.random.default_rng(3).normal(size=shape).astype(np.float32)
    x[:, [7]] *= 60
    x[1], x[2, 0] = 0, np.nan
    scheme = "int4 symmetric per-channel(0)"
    if turned:
        x, scheme = np.ascontiguousarray(x.T), "int4 symmetric per-channel(1)"
    found, _ = judged(x, scheme)
    lines = found.standings[0].lines
    rows = np.abs(np.nan_to_num(x.T if turned else x))
    truth = np.count_nonzero(rows.argmax(axis=1)[rows.max(axis=1) > 0] == 7)
    assert lines.columns != turned
    assert lines.where.tolist() == [7]
    assert (lines.ruled, lines.total) == (truth, shape[0] - 1)


@pytest.mark.parametrize(
    "scheme",
    ["int4 asymmetric per-channel(0)", "int4 symmetric", "int4 symmetric per-group(8)",
     "int4 symmetric percentile(99) per-channel(0)", "int4 symmetric per-channel(0)"],
)  # fmt: skip
def test_no_columns_are_found_where_none_sets_a_scale(scheme):
    x = NORMALS[:2400].reshape(12, 200) ** 5
    made = engine.evaluate(x, scheme)
    assert outlier_lines(made) is None
