"""The verdict line and the waterfall: what they say holds, in their colours, off the GUI thread."""

import re
import threading
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from quantoscope.engine import Scheme, evaluate
from quantoscope.engine.analysis.outliers import attribution
from quantoscope.engine.analysis.verdict import verdict
from quantoscope.engine.examples import example
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.document import commands, snapshot
from quantoscope.gui.document.session import Session
from quantoscope.gui.models.results import COLUMNS, Figures, marks_of
from quantoscope.gui.panes.verdict_line import VerdictLine
from quantoscope.gui.plots import kept_figures
from quantoscope.gui.workers.background import Background
from tests.gui.plot_bench import THREE, noise

OUTLIER = example("outlier").make()
FOUR = (*THREE, "int8 symmetric manual(-1,1)")


@pytest.fixture
def line(qtbot):
    """``line(array, *schemes)``: the line on a session of its own."""
    opened = []

    def make(array, *schemes, theme=LIGHT, width=1440):
        background = Background()
        opened.append(background)
        session = Session(background)
        made = VerdictLine(session, theme)
        made.session = session
        qtbot.addWidget(made)
        made.resize(width, made.height())
        made.show()
        session.start(array, "array", None, [Scheme.parse(text) for text in schemes])
        qtbot.waitUntil(lambda: not session.evaluator.stale)
        return made

    yield make
    for background in opened:
        background.shutdown()


def full(line):
    return line.text.accessibleName()


# The line


def test_the_three_numbers(line):
    shown = line(example("three-numbers").make(), *THREE)
    assert full(shown) == (
        "int8 asymmetric loses least: 56.8 dB at 8 bits. "
        "One clipped value is 99.97 % of what int8 scale-only loses. "
        "int8 symmetric loses 5.6 dB more."
    )
    assert shown.text.shown == full(shown)


def test_the_outlier_is_told_with_what_it_does_to_the_others(line):
    shown = line(OUTLIER, *FOUR)
    assert full(shown).startswith(
        "int8 asymmetric loses least: 28.8 dB at 8 bits. But #500 = 100 sets the range: "
        "without it int8 symmetric manual(-1,1) has 48.3 dB against 13.8 dB."
    )
    assert "48.3 dB" in line(OUTLIER, *FOUR, width=1000).text.shown


def test_an_outlier_that_changes_nothing_is_not_told(line):
    array = noise(40_000)
    array[7] = 12
    assert "sets the range" not in full(line(array, *THREE))
    array[7] = 1200
    assert "#7 = 1200 sets the range" in full(line(array, *THREE))


def test_whose_range_a_few_values_set_is_told_where_it_is_not_the_winners(line):
    array = np.clip(np.append(noise(2000), [90, -80]), -9, 9).astype(np.float32)
    text = full(line(array, "int4 symmetric manual(-4,4)", "int4 symmetric percentile(99)",
                     "int4 asymmetric"))  # fmt: skip
    assert (
        "But 2 values set the range of int4 asymmetric: without them "
        "int4 symmetric percentile(99) has" in text
    )
    array[0] = 3.9
    text = full(line(array, "int4 symmetric manual(-4,4)", "int4 symmetric", "int4 asymmetric"))
    assert "values set the range of 2 others: without them int4 symmetric manual(-4,4) has" in text


def test_outlier_columns_are_told_with_what_they_cost(line):
    matrix = noise(64 * 400).reshape(64, 400)
    matrix[:, [5, 300]] = 60 * np.sign(matrix[:, [5, 300]])
    matrix[::2, 5] *= 2
    matrix[1::2, 300] *= 2
    row, column = (f"int4 symmetric per-channel({axis})" for axis in (0, 1))
    result = evaluate(matrix, row)
    gone = np.count_nonzero((matrix != 0) & (result.reconstructed == 0)) / matrix.size
    assert gone > 0.99
    share = f"{np.floor(gone * 1e4) / 100:.2f} %"
    text = (
        f"Under {row}, 2 columns set S of every row: {share} of the values other than 0 become 0."
    )
    assert text in full(line(matrix, row, column))


def test_equal_bits_come_first_and_dearer_schemes_are_named_after(line):
    array = noise(5000)
    text = full(line(array, "int4 symmetric", "int8 symmetric", "int4 asymmetric"))
    figures = {s: evaluate(array, s).metrics["sqnr"] for s in ("int4 asymmetric", "int8 symmetric")}
    four = figures["int4 asymmetric"]
    assert text.startswith(f"At 4 bits int4 asymmetric loses least: {four:.1f} dB.")
    assert f"For 8 bits, int8 symmetric has {figures['int8 symmetric']:.1f} dB." in text


@pytest.mark.parametrize("rows", [250, 300, 400])
def test_a_scale_per_row_of_a_short_axis_is_crowned_with_its_true_bits(line, rows):
    """32 bits for 250 to 400 values: 8.13 to 8.08 bits, on either side of a tenth of a bit."""
    array = np.random.default_rng(1).normal(size=(8, rows)) * (np.arange(8)[:, None] + 1) ** 3
    schemes = "int8 symmetric", "int8 symmetric per-channel(0)", "int8 scale-only"
    text = full(line(array.astype(np.float32), *schemes))
    db = evaluate(array.astype(np.float32), schemes[1]).metrics["sqnr"]
    bits = f"{8 + 32 / rows:.2f}"
    assert text.startswith(
        f"{schemes[1]} loses least: {db:.1f} dB at {bits} bits; the fewest are 8."
    )
    shown = line(array.astype(np.float32), *schemes[:2])
    assert f": {db:.1f} dB at {bits} against 8 bits." in full(shown)


@pytest.mark.parametrize(
    ("array", "schemes", "text"),
    [
        (np.arange(-127.0, 128), ("int8 symmetric",), "int8 symmetric loses nothing, at 8 bits."),
        (np.full(3, np.nan), ("int8 symmetric manual(-1,1)",), "There is no finite value"),
        (np.full(3, np.nan), THREE, "There is nothing to judge"),
        (np.zeros(0), THREE, "There is nothing to judge"),
        (OUTLIER, (), "There is nothing to judge"),
        (noise(9), ("int8 symmetric",) * 2, "int8 symmetric and int8 symmetric lose the same: "),
        (noise(9), ("int8 symmetric", "int4 symmetric"), "int4 symmetric takes the fewest bits, 4"),
        (noise(99), ("int8 symmetric", "int8 asymmetric"), "int8 asymmetric loses "),
    ],
)
def test_every_case_has_its_sentence(line, array, schemes, text):
    assert full(line(array.astype(np.float32), *schemes)).startswith(text)


def test_a_scheme_of_the_fewest_bits_that_also_loses_least_is_said_to(line):
    values = np.append(noise(4095), 500).astype(np.float32)
    groups = values.reshape(-1, 32).astype(float)
    scales = np.abs(groups).max(axis=1, keepdims=True) / 7
    errors = np.round(groups / scales) * scales - groups
    db = 10 * np.log10((groups**2).sum() / (errors**2).sum())
    shown = line(values, "int8 symmetric", "int4 symmetric per-group(32)")
    text = f"int4 symmetric per-group(32) loses least, {db:.1f} dB, and takes the fewest bits, 5."
    assert full(shown).startswith(text)


def test_values_that_are_not_finite_are_said_to_be_left_out(line):
    values = np.array([1, np.nan, 2, -3, np.inf], np.float32)
    shown = line(values, "int8 symmetric", "int8 asymmetric")
    assert full(shown) == (
        "int8 asymmetric loses nothing, at 8 bits. 2 values that are not finite are left out."
    )


def test_the_last_sentence_gives_way_before_a_name_is_cut(line):
    values = np.random.default_rng(0).standard_normal((4, 4096)).astype(np.float32)
    values *= np.array([[1], [9], [30], [99]], np.float32)
    schemes = ("q4_0", "int6 symmetric per-channel(0)", "q8_0")
    shown = line(values, *schemes, width=760)
    assert "…" not in shown.text.shown
    assert shown.text.shown != full(shown)
    assert full(shown).startswith(shown.text.shown)


def test_the_scheme_named_is_the_one_that_the_table_of_results_marks(line):
    for seed in range(6):
        array = noise(200, seed) ** (1 + 2 * (seed % 3))
        shown = line(array.astype(np.float32), "int4 symmetric", *FOUR, "e4m3fn symmetric")
        session = shown.session
        found = [session.evaluator.outcome(entry.uid) for entry in session.entries]
        marks = marks_of(COLUMNS, [Figures(one, one.metrics, one.qparams) for one in found])
        stars = [
            entry.uid
            for entry, mark in zip(session.entries, marks, strict=True)
            if mark.get("sqnr") == "★"
        ]
        dearer = [
            entry.uid
            for entry, mark in zip(session.entries, marks, strict=True)
            if mark.get("sqnr") == "☆"
        ]
        judged = session.evaluator.snapshot.verdict
        assert judged.best() == stars
        assert sorted(judged.dearer()) == sorted(dearer)


@pytest.mark.parametrize("width", [1440, 1000, 667, 420, 260])
def test_it_shows_whole_sentences_and_never_cuts_a_number(line, width):
    shown = line(OUTLIER, *FOUR, width=width)
    numbers = re.findall(r"[\d.,]+ (?:dB|%|bits)|= 100", full(shown))
    here = re.findall(r"[\d.,]+ (?:dB|%|bits)|= 100", shown.text.shown)
    assert here == numbers[: len(here)]
    assert len(here) >= 2
    document = shown.text._document
    assert document.idealWidth() <= shown.text.width()
    assert document.size().height() <= shown.text.height()
    assert (shown.text.shown == full(shown)) <= (width > 1000)


def test_an_edit_and_a_name_are_seen_at_once(line):
    shown = line(example("three-numbers").make(), *THREE)
    commands.edit_value(shown.session, 1, 1.0)
    truth = {s: evaluate(np.array([0.21535037, 1.0, -1.0161772], np.float32), s) for s in THREE}
    best = max(truth, key=lambda s: truth[s].metrics["sqnr"])
    assert full(shown).startswith(f"{best} loses least: {truth[best].metrics['sqnr']:.1f} dB")
    entry = next(e for e in shown.session.entries if str(e.scheme) == best)
    label = "<b>mine</b> & yours"
    commands.update_entry(shown.session, entry.uid, lambda e: replace(e, label=label), "rename")
    assert full(shown).startswith("<b>mine</b> & yours loses least")
    assert "<b>mine</b> & yours" in shown.text._document.toPlainText().replace("\xa0", " ")


def test_figures_keep_their_scheme_until_those_of_the_next_are_there(line, qtbot):
    shown = line(noise(60_000), *THREE)
    before = full(shown)
    assert before.startswith("int8 asymmetric loses least")
    session = shown.session
    commands.set_scheme(session, session.entries[2].uid, Scheme.parse("int2 symmetric"))
    assert session.evaluator.stale
    assert full(shown) == before
    qtbot.waitUntil(lambda: not session.evaluator.stale)
    assert full(shown).startswith("int2 symmetric takes the fewest bits, 2")


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_names_are_in_their_colours_beside_their_lines(line, theme):
    shown = line(example("three-numbers").make(), *THREE, theme=theme)
    html = shown.text._document.toHtml().lower()
    for entry in shown.session.entries:
        assert theme.colour(entry.colour).name() in html
        assert f"swatch:{entry.uid}" in html
    assert theme.alarm.lower() in html


def test_why_is_reached_and_pressed_by_keys(line, person, qtbot):
    shown = line(example("three-numbers").make(), *THREE)
    shown.activateWindow()
    qtbot.waitUntil(shown.isActiveWindow)
    person.press("Tab")
    assert shown.why.hasFocus()
    with qtbot.waitSignal(shown.why_asked):
        person.press("Space")
    assert shown.why.accessibleName()
    alone = line(example("three-numbers").make(), THREE[0])
    assert not alone.why.isEnabled()


def test_the_verdict_of_many_values_is_computed_on_another_thread(line, monkeypatch):
    threads = []
    judge = snapshot.verdict

    def watched(*arguments):
        threads.append(threading.current_thread())
        return judge(*arguments)

    monkeypatch.setattr(snapshot, "verdict", watched)
    shown = line(noise(60_000), *THREE)
    assert threads
    assert threading.main_thread() not in threads
    count = len(threads)
    shown.session.activate(shown.session.entries[1].uid)
    assert len(threads) == count


def test_why_opens_the_waterfall_and_the_line_follows_the_theme(open_lean_window, person, qtbot):
    window = open_lean_window(OUTLIER, *FOUR)
    assert window.verdict.isVisible()
    assert not window.plots.places["waterfall"].isVisible()
    qtbot.waitUntil(window.verdict.why.isEnabled)
    person.click(window.verdict.why)
    qtbot.waitUntil(window.plots["waterfall"].isVisible)
    assert window.plots["waterfall"].plot.insight.startswith("int8 asymmetric loses 28.5 dB less")
    window.settings.theme = "dark"
    QApplication.processEvents()
    html = window.verdict.text._document.toHtml().lower()
    assert DARK.alarm.lower() in html
    assert LIGHT.alarm.lower() not in html


def test_an_unnamed_quantity_links_no_plots(open_lean_window):
    window = open_lean_window(OUTLIER, *FOUR)
    for key in ("channels", "waterfall"):
        window.plots.places[key].reveal()
    assert window.plots["waterfall"].plot.leader is None


def test_the_verdict_after_edits_is_that_of_a_new_evaluation(line, qtbot):
    array = noise(60_000)
    shown = line(array, *THREE)
    session = shown.session
    for place, value in ((5, 90.0), (5, 0.25), (17, -300.0), (59_999, 400.0)):
        commands.edit_value(session, place, value)
        array[place] = value
        qtbot.waitUntil(lambda: not session.evaluator.stale)
        made = {e.uid: evaluate(array, e.scheme) for e in session.entries}
        causes = [attribution(array, one) for one in made.values()]
        fresh = verdict(made, [cause for cause in causes if cause is not None])
        kept = session.evaluator.snapshot.verdict
        assert (kept.few is None) == (fresh.few is None)
        for uid, one in fresh.standings.items():
            figures = [(s.sqnr, s.others, s.clipped_share) for s in (one, kept.standings[uid])]
            assert figures[0] == pytest.approx(figures[1], rel=1e-9, nan_ok=True)
            assert one.clipped == kept.standings[uid].clipped


# The waterfall


def test_gains_of_many_values_are_computed_on_another_thread_and_kept(bench, monkeypatch, qtbot):
    threads = []
    compute = kept_figures.waterfall

    def watched(*arguments, **known):
        threads.append(threading.current_thread())
        return compute(*arguments, **known)

    monkeypatch.setattr(kept_figures, "waterfall", watched)
    shown = bench("waterfall", noise(5000), "int8 scale-only", "int4 symmetric percentile(99)")
    qtbot.waitUntil(lambda: "loses" in shown.plot.insight)
    assert threads
    shown.plot.choose("to", "int8 scale-only")
    shown.plot.choose("to", "best")
    qtbot.waitUntil(lambda: " less than " in shown.plot.insight)
    count = len(threads)
    shown.session.activate(shown.session.entries[1].uid)
    shown.session.view.choose(7)
    QApplication.processEvents()
    assert len(threads) == count
    assert threading.main_thread() not in threads


def test_both_schemes_and_the_metric_are_chosen_in_boxes(bench, person):
    shown = bench("waterfall", OUTLIER, *FOUR, size=(900, 500))
    first, second, metric = shown.pane.options.boxes
    assert shown.plot.insight.startswith("int8 asymmetric loses 28.5 dB less than int8 symmetric m")
    assert [metric.itemText(n) for n in range(metric.count())] == [
        "All values",
        "Without the value that sets the range",
    ]
    person.choose(metric, "Without the value that sets the range")
    assert shown.plot.insight.startswith(
        "Without the value that sets the range: int8 symmetric manual(-1,1) loses 39.5 dB less "
        "than int8 symmetric, at 8 bits."
    )
    person.choose(first, "int8 scale-only")
    person.choose(second, "int8 asymmetric")
    assert "int8 asymmetric loses as much as int8 scale-only, at 8 bits." in shown.plot.insight
    person.choose(metric, "All values")
    assert (
        shown.plot.insight == "int8 asymmetric loses 22.6 dB less than int8 scale-only, at 8 bits."
    )
    person.choose(first, "Compared: int8 scale-only")
    person.choose(second, "Compared: int8 symmetric")
    assert (
        shown.plot.insight == "int8 symmetric loses 17.6 dB less than int8 scale-only, at 8 bits."
    )
    shown.open(noise(300).astype(np.float32), THREE)
    assert metric.count() == 1


def test_with_room_all_ways_and_their_schemes_are_shown(bench):
    from pyqtgraph import TextItem

    shown = bench("waterfall", OUTLIER, *FOUR, size=(1000, 640))
    shown.pane.grab()
    texts = [item.textItem.toPlainText() for item in shown.items(TextItem)]
    assert "All ways from one to the other" in texts
    for scheme in ("int8 symmetric manual(-1,1)", "int8 asymmetric manual(-1,1)", "int8 symmetric",
                   "int8 asymmetric"):  # fmt: skip
        assert f"{evaluate(OUTLIER, scheme).metrics['sqnr']:.2f}" in texts
        assert scheme in texts
    shown.pane.resize(1000, 300)
    QApplication.processEvents()
    texts = [item.textItem.toPlainText() for item in shown.items(TextItem)]
    assert "All ways from one to the other" not in texts
    assert "instead of manual(-1,1)" in texts


def test_the_figures_of_a_small_gain_differ(bench):
    from pyqtgraph import TextItem

    values, schemes = noise(2000, 8), ("int8 symmetric", "int8 asymmetric")
    shown = bench("waterfall", values, *schemes, size=(700, 300))
    shown.pane.grab()
    texts = [item.textItem.toPlainText() for item in shown.items(TextItem)]
    figures = [f"{evaluate(values, scheme).metrics['sqnr']:.2f} dB" for scheme in schemes]
    assert figures == ["42.91 dB", "42.93 dB"]
    assert set(figures) <= set(texts)
    assert "+0.02 dB" in texts


def test_choices_that_bring_nothing_share_a_column(bench, qtbot):
    from pyqtgraph import TextItem

    values = noise(4096).reshape(16, 256).astype(np.float32)
    values[3, 5] = 40
    shown = bench("waterfall", values, "int8 scale-only", "q8_0", size=(700, 300))
    qtbot.waitUntil(lambda: "loses" in shown.plot.insight, timeout=30_000)
    shown.pane.grab()
    texts = [item.textItem.toPlainText() for item in shown.items(TextItem)]
    data = shown.plot.data
    gains = shown.plot.way(data).gains()
    silent = [gain for gain in gains if max(-gain.least, gain.most) < 0.1]
    assert len(silent) >= 2
    assert f"{len(silent)} others" in texts
    assert "< 0.1 dB each" in texts
    for gain in gains:
        assert (gain.choice.second in texts) == (gain not in silent)
    read = [text for _, text in shown.plot._spots]
    assert any(all(one.choice.title in text for one in silent) for text in read)


def test_the_pointer_reads_a_choice_and_a_scheme(bench):
    shown = bench("waterfall", OUTLIER, *FOUR, size=(1000, 640))
    shown.pane.grab()
    read = {text for _, text in shown.plot._spots}
    assert any(text.startswith("Calibration: minmax\ninstead of manual(-1,1)") for text in read)
    bar = shown.plot._spots[0][0].center()
    canvas = shown.plot.canvas()
    x, y = canvas.x(bar.x()), canvas.y(bar.y())
    assert shown.plot.readout(shown.plot.data, x, y) == (
        "int8 symmetric manual(-1,1)\n0.2 dB, 8 bits / value"
    )


@pytest.mark.parametrize("key", ["waterfall", "bits"])
def test_it_is_about_all_values_while_a_channel_is_in_focus(bench, key):
    shown = bench(
        key, noise(400).reshape(4, 100), "int8 symmetric", "int8 symmetric per-channel(0)"
    )
    before = shown.plot.insight
    shown.session.view.focus_on(2)
    assert shown.plot.insight == before


def test_an_exact_scheme_is_said_to_be_one(bench):
    shown = bench("waterfall", np.arange(-127.0, 128), "int4 symmetric", "int8 symmetric")
    assert shown.plot.insight == (
        "int8 symmetric loses nothing: its SQNR is ∞ dB, and gains up to it have no number."
    )


FIVE = ("int4 symmetric", "int8 symmetric", "int8 asymmetric", "e4m3fn symmetric", "q8_0")
MANY = (
    "int8 symmetric", "int8 symmetric mse", "int8 scale-only", "int8 asymmetric",
    "int8 symmetric percentile(99.9)", "e4m3fn symmetric", "int8 symmetric per-channel(0)",
    "int8 asymmetric per-channel(0)", "int8 symmetric mse per-channel(0)", "q8_0",
)  # fmt: skip


@pytest.mark.parametrize(("schemes", "size"), [(FIVE, (420, 420)), (MANY, (300, 420))])
def test_bits_name_every_scheme_once_and_apart(bench, schemes, size):
    from pyqtgraph import TextItem

    values = np.random.default_rng(1).normal(size=(64, 256)) * (np.arange(64)[:, None] + 1)
    shown = bench("bits", values.astype(np.float32), *schemes, size=size)
    shown.pane.grab()
    items = {item.textItem.toPlainText(): item for item in shown.items(TextItem)}
    assert len(items) == len(shown.items(TextItem))
    del items["6.02 dB per bit"]
    assert len(items) == len(schemes)
    whole = [text for text in items if "…" not in text]
    assert set(whole) <= set(schemes)
    assert len(whole) >= len(schemes) / 2
    boxes = [item.mapRectToScene(item.boundingRect()) for item in items.values()]
    view = shown.view().sceneBoundingRect().adjusted(-1, -1, 1, 1)
    for place, box in enumerate(boxes):
        assert view.contains(box)
        assert not any(box.intersects(other) for other in boxes[:place])


def test_the_command_line_leads_from_the_first_of_two_schemes_to_the_second(tmp_path, qapp):
    from quantoscope.gui.__main__ import main

    np.save(tmp_path / "x.npy", OUTLIER)
    out = tmp_path / "x.svg"
    schemes = ["--scheme", "int8 asymmetric", "--scheme", "int8 scale-only"]
    assert not main(
        ["plot", str(tmp_path / "x.npy"), *schemes, "--plot", "waterfall", "-o", str(out)]
    )
    text = re.sub(r"\s+", " ", " ".join(re.findall(r">([^<>]+)</text>", out.read_text())))
    assert "int8 scale-only loses 22.6 dB more than int8 asymmetric, at 8 bits." in text


@pytest.mark.parametrize("width", [1000, 1440, 2560])
def test_why_stands_at_the_end_of_the_sentence(window, qapp, width):
    window.resize(width, 900)
    qapp.processEvents()
    verdict = window.verdict
    end = verdict.text.x() + verdict.text.wide
    assert end < verdict.why.x() <= end + 16
    assert verdict.why.geometry().right() < verdict.width()
    window.session.view.choose(0)
    window.session.activate(window.session.entries[1].uid)
    assert verdict.text.x() + verdict.text.wide < verdict.why.x()
