"""The layout of a number line: rows, labels that never touch, and what every lens says."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont

from quantoscope.engine import QUANTIZERS, Scheme, evaluate, summarize
from quantoscope.gui.document.snapshot import EvaluationJob, Snapshot, entries_for, frozen
from quantoscope.gui.plots.data import data_of
from quantoscope.gui.plots.marks import Arrow, Comb, Fill, Frame, Glyph, Hatch, Words
from quantoscope.gui.plots.number_line import measure_of
from quantoscope.gui.plots.number_line_data import (
    MOST,
    dots_of,
    lanes_of,
    shown_places,
    worst_value,
)
from quantoscope.gui.plots.number_line_labels import spread
from quantoscope.gui.plots.number_line_layout import laid_out
from quantoscope.gui.plots.number_line_rows import Ground, Scale, rows_of
from quantoscope.gui.plots.number_line_words import head_of, sentence
from quantoscope.gui.plots.spans import padded, unit_for
from tests.gui.plot_bench import CASES, THREE, noise

NUMBERS = np.array([0.21535037, 1.2962357, -1.0161772], np.float32)
MIXED = ("e4m3fn symmetric", "nf4 symmetric", "int4 asymmetric", "int16 scale-only")
ODD = ("int4 symmetric toward-zero", "int4 symmetric stochastic(3)", "uint8 asymmetric @tflite")


def data_for(values, schemes, chosen=None):
    array, entries = frozen(np.asarray(values)), entries_for([Scheme.parse(s) for s in schemes])
    active = entries[0].uid if entries else None
    nothing = Snapshot(array, summarize(array[:0]), {})
    snapshot = EvaluationJob(array, entries, active, nothing, known=False)(None)
    return data_of(snapshot, entries, active, 6, chosen=chosen)


class Laid:
    """A number line laid out without a plot."""

    def __init__(self, values, schemes, size=(970, 600), chosen=None):
        self.data = data_for(values, schemes, chosen)
        self.dots = dots_of(self.data)
        self.lanes = lanes_of(self.data, self.dots)
        ends = [dot.value for dot in self.dots]
        for lane in self.lanes:
            ends += lane.edges
        finite = [end for end in ends if np.isfinite(end)] or [-1.0, 1.0]
        unit = unit_for(min(finite), max(finite))
        low, high = padded(*unit.down_pair(min(finite), max(finite)))
        width, height = size
        font = QFont()
        font.setPointSizeF(8.5)
        scale = Scale(unit, low, 0.0, (high - low) / width)
        at = next((i for i, dot in enumerate(self.dots) if dot.place == chosen), None)
        ticks = tuple((width * share, str(share)) for share in (0.1, 0.3, 0.5, 0.7, 0.9))
        self.ground = Ground(
            width, height, scale, measure_of(font), self.dots, at, ticks, (), "", 6
        )
        heads = [head_of(self.data, lane) for lane in self.lanes]
        self.layout = laid_out(self.ground, self.lanes, heads)

    def marks(self, kind, box=None):
        found = [mark for mark in self.layout.marks if isinstance(mark, kind)]
        return found if box is None else [mark for mark in found if box.contains(middle(mark))]

    def texts(self, box=None):
        return [mark.text for mark in self.marks(Words, box)]

    @property
    def sentence(self):
        return sentence(self.data, self.dots, self.lanes, self.layout.hidden, len(self.lanes))

    def lens(self, lane, place):
        found = [lens for lens in self.layout.lenses if lens.lane == lane]
        return found[place].box


def middle(mark):
    if isinstance(mark, Arrow):
        return QRectF(*mark.start, 0, 0).topLeft()
    if isinstance(mark, Glyph):
        return QRectF(mark.x, mark.y, 0, 0).topLeft()
    if isinstance(mark, Comb):
        return QRectF(mark.x[0] if mark.x else -1, mark.top, 0, 0).topLeft()
    return mark.box.center()


# Labels


@given(
    st.lists(st.tuples(st.floats(0, 300), st.floats(1, 40)), min_size=1, max_size=12),
    st.floats(0, 8),
)
def test_spread_labels_keep_their_order_and_never_touch(labels, gap):
    labels.sort()
    centres, widths = zip(*labels, strict=True)
    found = spread(centres, widths, 0.0, 300.0, gap)
    room = sum(widths) + gap * (len(widths) - 1)
    if found is None:
        assert room > 300
        return
    lefts = [at - width / 2 for at, width in zip(found, widths, strict=True)]
    rights = [at + width / 2 for at, width in zip(found, widths, strict=True)]
    assert lefts[0] >= -1e-6
    assert rights[-1] <= 300 + 1e-6
    for right, left in zip(rights, lefts[1:], strict=False):
        assert left - right >= gap - 1e-6
    wanted = [(c - w / 2, c + w / 2) for c, w in zip(centres, widths, strict=True)]
    inside = wanted[0][0] >= 0 and wanted[-1][1] <= 300
    clear = all(b[0] - a[1] >= gap for a, b in itertools.pairwise(wanted))
    if inside and clear:
        assert found == pytest.approx(centres)


SIZES = [(158, 84), (480, 300), (970, 600)]
LINES = [
    *(
        (np.asarray(array, np.float64 if "float64" in name else np.float32), schemes)
        for name, (array, schemes) in CASES.items()
    ),
    (NUMBERS, MIXED),
    (NUMBERS, ODD),
    (NUMBERS, (*THREE, *MIXED, "int8 symmetric percentile(99)")),
    (noise(40), THREE),
    (noise(32), ("q4_0", "q4_1", "mxfp4-gguf")),
    (noise(12).reshape(3, 4), ("int8 symmetric per-channel(0)", "int4 asymmetric per-group(2)")),
    (np.array([0.5, 0.5001, 0.5002, 0.5003, 0.5, 0.501, -1], np.float32), THREE),
    (1e9 + np.linspace(0, 1e-3, 9), THREE),
    (np.full(9, 1e-310), THREE),
]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("case", range(len(LINES)))
def test_no_text_touches_another_or_leaves_the_plot(qapp, case, size):
    array, schemes = LINES[case]
    for chosen in {None, 0, array.size - 1} - {-1}:
        laid = Laid(array, schemes, size, chosen if array.size else None)
        words = laid.marks(Words)
        boxes = [mark.box.adjusted(0, 1.5, 0, -1.5) for mark in words]
        for (a, one), (b, other) in itertools.combinations(zip(boxes, words, strict=True), 2):
            assert not a.intersects(b), (one.text, other.text)
        for mark in words:
            assert mark.box.left() >= -1
            assert mark.box.right() <= size[0] + 1
            if size[1] > 100:
                assert mark.box.bottom() <= size[1] + 1


def test_equal_values_share_a_label_and_close_ones_lean_apart(qapp):
    laid = Laid([0.5, 0.5, 0.501, -1], THREE, chosen=0)
    lane = laid.layout.lanes[0]
    row = [w for w in laid.marks(Words) if abs(w.box.top() - lane.box.top()) < 1]
    assert [word.text for word in row] == ["-1", "0.5 ×2", "0.501"]
    assert [word.bold for word in row] == [False, True, False]


# Room


@given(st.integers(1, 12), st.integers(0, 11), st.integers(30, 2000), st.integers(10, 24))
def test_lenses_fold_before_lanes_do_and_the_active_lane_stays(count, active, height, line):
    active %= count
    lanes, rows = rows_of(count, active, height, line)
    assert active in lanes
    assert list(lanes) == list(range(lanes[0], lanes[-1] + 1))
    if len(lanes) > 1:
        assert sum(row.height for row in rows) <= height + 1e-6
    lenses = [lane for lane, row in zip(lanes, rows, strict=True) if row.lens]
    if len(lanes) < count:
        assert not lenses
    assert len(lenses) in (0, 1, count)
    assert len(lenses) != 1 or lenses == [active]
    # More room never shows less.
    more, roomier = rows_of(count, active, height + 40, line)
    assert len(more) >= len(lanes)
    assert sum(row.lens > 0 for row in roomier) >= len(lenses)


def test_eight_schemes_without_room_say_how_many_are_not_shown(qapp):
    eight = (*THREE, *MIXED, "int8 symmetric percentile(99)")
    laid = Laid(NUMBERS, eight, (500, 200), 1)
    shown = len(laid.layout.lanes)
    assert 1 < shown < 8
    has = "has" if shown == 7 else "have"
    assert laid.sentence.endswith(f"{8 - shown} of 8 schemes {has} no room here.")
    assert Laid(NUMBERS, eight, (970, 640), 1).layout.hidden == 0


def test_in_a_narrow_lane_clipping_is_told_in_few_signs(qapp):
    assert "▼ clips 1 of 3" in Laid(NUMBERS, THREE, (340, 300), 1).texts()
    assert "▼ 1" in Laid(NUMBERS, THREE, (250, 300), 1).texts()


# What it shows


def test_the_three_numbers_are_worked_in_their_lenses(qapp):
    laid = Laid(NUMBERS, THREE, chosen=1)
    assert [lens.dot for lens in laid.layout.lenses[:3]] == [2, 0, 1]
    texts = laid.texts(laid.lens(0, 1))
    assert texts[:2] == ["error +0.252 S", "R/S = 23.7476 → 24"]
    assert {"23", "24", "25"} <= set(texts)
    texts = laid.texts(laid.lens(0, 2))
    assert {"the last code is 127", "R/S = 142.942 → 143", "127 is 15.9 S away"} <= set(texts)
    assert {"142", "143", "144"} <= set(texts)
    assert "R/S + Z = 7.74764 → 8" in laid.texts(laid.lens(2, 1))
    assert "exact: error 0" in laid.texts(laid.lens(1, 2))
    assert "16 unused" in laid.texts()
    assert "27 codes unused" in laid.texts()
    assert "Z = -16" in laid.texts()
    assert laid.sentence == (
        "int8 scale-only clips 1.29624 by 15.9 S; every other error is rounding, at most ½ S."
    )


def test_a_lens_shows_the_cell_of_its_code_in_true_places(qapp):
    laid = Laid(NUMBERS, THREE, chosen=0)
    e = evaluate(NUMBERS, THREE[0])
    lens = next(one for one in laid.layout.lenses if (one.lane, one.dot) == (0, 0))
    s = e.qparams.scale
    assert lens.scale.place(float(NUMBERS[0])) == pytest.approx(lens.box.center().x())
    cell = [m for m in laid.marks(Fill, lens.box) if m.alpha == 0.25]
    assert len(cell) == 1
    assert cell[0].box.left() == pytest.approx(lens.scale.place(23.5 * s))
    assert cell[0].box.right() == pytest.approx(lens.scale.place(24.5 * s))
    (arrow,) = laid.marks(Arrow, lens.box)
    assert arrow.start[0] == pytest.approx(lens.box.center().x())
    assert arrow.stop[0] == pytest.approx(lens.scale.place(float(e.reconstructed[0])))


@pytest.mark.parametrize(
    "scheme",
    [*THREE, *MIXED, "int4 symmetric toward-zero", "uint4 asymmetric toward-zero", "q4_0", "q4_1"],
)
def test_what_is_tinted_red_is_what_is_clipped(qapp, scheme):
    laid = Laid(NUMBERS, (scheme,))
    lane = laid.lanes[0]
    p = lane.series.p
    quantizer = QUANTIZERS[p.mapping]
    low, high = lane.edges
    gap = abs(lane.levels[-1] - lane.levels[-2])
    for at, side in ((low, -1), (high, 1)):
        for shift, cut in ((0.05, True), (-0.05, False)):
            x = np.array([at + side * shift * gap], p.dtype)
            saturated = quantizer.encode(x, p)[1]
            assert (saturated is not None and bool(saturated[0])) == cut


def test_all_lanes_magnify_alike(qapp):
    laid = Laid(NUMBERS, THREE, chosen=0)
    per_pixel = {lens.scale.per_pixel for lens in laid.layout.lenses}
    assert len(per_pixel) == 1
    assert laid.texts().count("12 ×") == 1
    floats = Laid(NUMBERS, MIXED, (970, 900), chosen=0)
    for dot in range(3):
        same = {lens.scale.per_pixel for lens in floats.layout.lenses if lens.dot == dot}
        assert len(same) == 1


def test_a_clipped_value_is_red_thick_and_ends_at_the_last_level(qapp):
    laid = Laid(NUMBERS, THREE, chosen=1)
    lane = laid.layout.lanes[0]
    arrows = {mark.ink: mark for mark in laid.marks(Arrow, lane.box)}
    clipped, rounded = arrows["alarm"], arrows[0]
    assert clipped.width > 1.5 * rounded.width
    assert clipped.start[0] == pytest.approx(lane.x[1])
    last = evaluate(NUMBERS, THREE[0]).reconstructed[1]
    assert clipped.stop[0] == pytest.approx(laid.ground.scale.place(float(last)))
    marked = [m for m in laid.marks(Glyph) if m.ink == "alarm"]
    assert len(marked) == 1
    assert "clipped: -0.144563 = -15.9 S" in laid.texts(lane.box)


def test_codes_that_do_not_exist_are_dashed_and_red(qapp):
    laid = Laid(NUMBERS, THREE, chosen=0)
    box = laid.lens(2, 2)
    red = [m for m in laid.marks(Words, box) if m.ink == "alarm"]
    assert [word.text for word in red] == ["128", "129", "130"]
    dashed = [m for m in laid.marks(Comb) if m.ink == "alarm" and box.contains(middle(m))]
    assert len(dashed) == 1
    assert len(dashed[0].x) >= 3


def test_lanes_wear_their_schemes_and_only_the_active_one_its_mark(qapp):
    laid = Laid(NUMBERS, THREE, chosen=1)
    for place, lane in enumerate(laid.layout.lanes):
        inks = {m.ink for m in laid.marks(Arrow, lane.box)} - {"alarm"}
        assert inks == {place}
        symbols = [m.symbol for m in laid.marks(Glyph, lane.box) if m.ink == place]
        assert "osd"[place] in symbols
    bars = [m for m in laid.marks(Fill) if m.ink == "highlight"]
    assert len(bars) == 1
    assert bars[0].box.top() < laid.layout.lanes[0].y_r
    frames = laid.marks(Frame)
    assert [frame.ink for frame in frames].count("highlight") == 3
    assert max(frame.width for frame in frames) == next(
        f.width for f in frames if f.ink == "highlight"
    )


def test_a_lane_of_channels_shows_the_chosen_ones_and_says_so(qapp):
    values = noise(12).reshape(3, 4) * np.array([[1], [0.1], [3]], np.float32)
    laid = Laid(values, ("int8 symmetric per-channel(0)", "int8 symmetric per-group(2)"), chosen=5)
    assert "int8 symmetric per-channel(0), channel 1" in laid.texts()
    assert [fate.inside for fate in laid.lanes[0].fates] == [i in range(4, 8) for i in range(12)]
    assert {lens.dot for lens in laid.layout.plan} <= set(range(4, 8))
    assert "in group 3, with another S" in laid.texts()
    hollow = [m for m in laid.marks(Glyph) if m.hollow and m.ink == "muted"]
    assert len(hollow) == 8 + 10


def test_of_many_values_the_chosen_one_and_twenty_on_each_side_are_shown(qapp):
    values = noise(1001)
    assert list(shown_places(data_for(values, THREE, 500))) == list(range(480, 521))
    assert list(shown_places(data_for(values, THREE, 3))) == list(range(MOST))
    assert list(shown_places(data_for(values, THREE, 1000))) == list(range(1001 - MOST, 1001))
    assert len(shown_places(data_for(values[:MOST], THREE, 0))) == MOST
    laid = Laid(values, THREE, chosen=500)
    assert laid.sentence.startswith("Shown are #480 to #520 of 1,001 values. ")


def test_without_a_chosen_value_many_are_shown_around_the_worst(qapp):
    values = noise(500)
    values[321] = 40
    data = data_for(values, ("int8 scale-only",))
    assert 321 in shown_places(data)
    assert worst_value(evaluate(NUMBERS, "int8 scale-only")) == 1
    nothing = evaluate(np.full(3, np.nan, np.float32), "int8 symmetric manual(-1,1)")
    assert worst_value(nothing) is None


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=9),
    st.sampled_from([*THREE, "int4 symmetric manual(-1,1)", "int3 asymmetric toward-zero"]),
)
def test_the_sentence_is_true_of_every_value(qapp, values, scheme):
    array = np.array(values, np.float32)
    laid = Laid(array, (scheme,))
    e = evaluate(array, scheme)
    clipped = np.flatnonzero(e.saturated)
    assert (" clips " in laid.sentence) == bool(clipped.size)
    steps = np.abs(e.error.astype(np.float64)) / abs(e.qparams.scale)
    rounded = steps[e.saturated == 0]
    if "at most ½ S" in laid.sentence:
        assert rounded.max() <= 0.5 * (1 + 2e-6)
    elif "at most" in laid.sentence:
        bound = float(laid.sentence.partition("at most ")[2].split(" ")[0])
        assert rounded.max() <= bound <= rounded.max() + 0.002
    else:
        assert not rounded.size or rounded.max() == 0


def test_numbers_before_rounding_round_to_the_printed_code(qapp):
    # 127.4999 to six digits would be 127.5, which rounds to 128.
    x = np.array([127.49999, 127.0, -127.0, 1.00001], np.float32)
    laid = Laid(x, ("int8 symmetric",))
    for fate in laid.lanes[0].fates:
        number, code = (float(part) for part in fate.working.partition(" = ")[2].split(" → "))
        assert np.rint(number) == code


def test_large_losses_are_told_in_full(qapp):
    laid = Laid([0.5, 100.0], ("int8 symmetric manual(-1,1)",))
    assert " clips 100 by 12,573 S;" in laid.sentence


def test_what_has_no_code_or_no_place_is_said(qapp):
    laid = Laid(np.array([1, np.nan, np.inf], np.float32), THREE, chosen=0)
    assert laid.sentence.endswith("NaN has no place on the line.")
    assert laid.marks(Hatch)
    assert Laid(NUMBERS[:0], THREE).sentence == "The number line appears with the first value."
    assert Laid(NUMBERS, ()).sentence.startswith("Switch on a scheme")
