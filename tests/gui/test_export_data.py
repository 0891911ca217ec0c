"""The table and the results as files: what is in them, exactly; progress; failing writes."""

import csv
import time
from dataclasses import replace

import numpy as np
import pytest

from quantoscope.engine import MAPPINGS, METRICS, Scheme, evaluate, trace
from quantoscope.engine.examples import example
from quantoscope.engine.formats import parse_format
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.export.data import (
    results_text,
    table_head,
    write_results,
    write_table,
)
from quantoscope.gui.export.files import ExportError
from quantoscope.gui.workers.background import Background, Cancelled

TEXTS = ("int8 asymmetric", "int8 symmetric", "uint4 symmetric manual(-1,1)")
BIG = np.random.RandomState(0).randn(300_000).astype(np.float32)


@pytest.fixture
def document(qapp, qtbot):
    """A way to a session on an array."""
    background = Background()
    session = Session(background)

    def make(values, texts=TEXTS):
        session.start(np.asarray(values), "array", None, [Scheme.parse(text) for text in texts])
        qtbot.waitUntil(lambda: not session.evaluator.stale, timeout=30_000)
        return session

    yield make
    background.shutdown()


def read_csv(path):
    """The columns of a CSV file by their heads."""
    with path.open(newline="", encoding="utf-8") as stream:
        heads, *rows = csv.reader(stream)
    assert all(len(row) == len(heads) for row in rows)
    assert len(set(heads)) == len(heads)
    return {head: [row[place] for row in rows] for place, head in enumerate(heads)}


def same(texts, array):
    """Whether texts read back as the very same numbers of the array's type."""
    read = np.array(texts, dtype=array.dtype).reshape(array.shape)
    return read.tobytes() == np.ascontiguousarray(array).tobytes()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_table_reads_back_bit_for_bit(document, tmp_path, dtype):
    values = (
        np.random.RandomState(1).randn(20_000) * 10.0 ** np.arange(-10, 10).repeat(1000)
    ).astype(dtype)
    write_table(tmp_path / "t.csv", document(values).evaluator.snapshot)
    table = read_csv(tmp_path / "t.csv")
    assert table["index"] == [str(i) for i in range(20_000)]
    assert same(table["R"], values)
    stages = trace(values, TEXTS[0], np.arange(values.size))
    for symbol, key in (("R/S", "scaled"), ("+ Z", "shifted"), ("Round", "rounded")):
        assert same(table[f"{TEXTS[0]}: {symbol}"], stages[key])
    for text in TEXTS:
        result = evaluate(values, text)
        assert same(table[f"{text}: code"], result.codes)
        assert same(table[f"{text}: reconstructed"], result.reconstructed)
        assert same(table[f"{text}: error"], result.error)
    assert same(table[f"{TEXTS[0]}: saturated"], evaluate(values, TEXTS[0]).saturated)


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_every_family_has_its_own_stages_in_the_table(document, mapping):
    text = f"int8 {mapping}"
    heads = next(csv.reader([table_head(document([1.0, 2.0], [text]).evaluator.snapshot, 0)]))
    stages = [stage.symbol for stage in MAPPINGS[mapping].stage_list(parse_format("int8"))[:-1]]
    names = [*stages, "code", "reconstructed", "error", "saturated"]
    assert heads == ["index", "R", *(f"{text}: {name}" for name in names)]


def test_an_array_of_more_axes_has_an_index_for_each(document, tmp_path):
    values = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    write_table(tmp_path / "t.csv", document(values).evaluator.snapshot)
    table = read_csv(tmp_path / "t.csv")
    places = [[int(i) for i in table[f"index {axis}"]] for axis in range(3)]
    assert np.ravel_multi_index(places, values.shape).tolist() == list(range(24))
    assert same(table["R"], values)


def test_nan_has_no_code_and_infinity_has_the_last(document, tmp_path):
    write_table(
        tmp_path / "t.csv", document([np.nan, np.inf, -np.inf, 1.0], TEXTS[:1]).evaluator.snapshot
    )
    table = read_csv(tmp_path / "t.csv")
    assert table["R"] == ["nan", "inf", "-inf", "1.0"]
    assert table["int8 asymmetric: code"][:3] == ["", "127", "-128"]


def test_schemes_switched_off_are_left_out_and_equal_ones_told_apart(document, qtbot):
    session = document([1.0, 2.0], ("int8 symmetric", "int8 symmetric", "int8 asymmetric"))
    off = session.entries[2]
    commands.update_entry(session, off.uid, lambda entry: replace(entry, enabled=False), "off", "")
    head = table_head(session.evaluator.snapshot, 0)
    assert "int8 symmetric (2): code" in head
    assert "asymmetric" not in head
    assert results_text(session.evaluator.snapshot).count("\n") == 3


def test_the_active_scheme_is_no_row_of_the_results_while_it_is_switched_off(document, tmp_path):
    session = document([1.0, 2.0])
    active = session.active
    commands.update_entry(session, active.uid, lambda entry: replace(entry, enabled=False), "off")
    write_results(tmp_path / "r.csv", session.evaluator.snapshot)
    assert read_csv(tmp_path / "r.csv")["scheme"] == [t for t in TEXTS if t != str(active.scheme)]


def test_a_name_of_a_scheme_begins_no_formula_of_a_spreadsheet(document):
    session = document([-1.5, 2.0], ("int8 symmetric", "int8 asymmetric"))
    for entry, label in zip(session.entries, ("=1+1", "-1.5"), strict=True):
        commands.update_entry(
            session, entry.uid, lambda e, label=label: replace(e, label=label), ""
        )
    _, first, second = csv.reader(results_text(session.evaluator.snapshot).splitlines())
    assert (first[1], second[1]) == ("'=1+1", "-1.5")
    assert "=1" not in table_head(session.evaluator.snapshot, 2)


@pytest.mark.parametrize("values", [np.zeros(0, np.float32), np.full(3, np.nan, np.float32)])
@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_values_that_no_scheme_can_take_are_written_alone(document, tmp_path, values, ending):
    path = tmp_path / f"t.{ending}"
    write_table(path, document(values, TEXTS[:2]).evaluator.snapshot)
    if ending == "csv":
        assert list(read_csv(path)) == ["index", "R"]
        write_results(path, document(values, TEXTS[:2]).evaluator.snapshot)
        assert all(read_csv(path)["notes"])
    else:
        with np.load(path, allow_pickle=False) as stored:
            assert same(stored["values"], values)


def test_the_npz_of_the_table_holds_every_array(document, tmp_path):
    values = example("convolution").make()
    write_table(tmp_path / "t.npz", document(values).evaluator.snapshot)
    with np.load(tmp_path / "t.npz", allow_pickle=False) as stored:
        assert stored["schemes"].tolist() == list(TEXTS)
        assert same(stored["values"], values)
        for place, text in enumerate(TEXTS):
            result = evaluate(values, text)
            for name in ("codes", "reconstructed", "error", "saturated"):
                array = stored[f"{name}_{place}"]
                assert array.shape == values.shape
                assert same(array, getattr(result, name))
            assert stored[f"scale_{place}"] == result.qparams.scale
            assert stored[f"zero_point_{place}"] == result.qparams.zero_point


def test_the_results_have_every_metric_at_full_precision(document, tmp_path):
    values = example("three-numbers").make()
    data = document(values).evaluator.snapshot
    write_results(tmp_path / "r.csv", data)
    write_results(tmp_path / "r.npz", data)
    table = read_csv(tmp_path / "r.csv")
    assert table["scheme"] == list(TEXTS)
    with np.load(tmp_path / "r.npz", allow_pickle=False) as stored:
        assert stored["schemes"].tolist() == list(TEXTS)
        for place, text in enumerate(TEXTS):
            result = evaluate(values, text)
            figures = {
                "scale": result.qparams.scale,
                "zero_point": result.qparams.zero_point,
                **{metric.key: result.metrics[metric.key] for metric in METRICS},
            }
            for key, figure in figures.items():
                assert float(table[key][place]) == figure
                assert stored[key][place] == figure


def test_a_change_after_the_snapshot_does_not_reach_the_file(document, tmp_path):
    session = document([1.0, 2.0, 3.0])
    data = session.evaluator.snapshot
    commands.set_scheme(session, session.active_uid, Scheme.parse("int4 symmetric"))
    session.start(np.zeros(5, np.float32), "other", None, [])
    write_table(tmp_path / "t.csv", data)
    table = read_csv(tmp_path / "t.csv")
    assert table["R"] == ["1.0", "2.0", "3.0"]
    assert "int8 asymmetric: code" in table


class Watch:
    """A ticket that looks at the time, and may be cancelled at a step."""

    def __init__(self, stop_at=None):
        self.steps, self.times, self.stop_at = [], [], stop_at

    def step(self, done, total):
        self.steps.append((done, total))
        self.times.append(time.perf_counter())
        if self.stop_at is not None and len(self.steps) > self.stop_at:
            raise Cancelled


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_a_long_write_tells_its_progress_in_small_steps(document, tmp_path, ending):
    watch = Watch()
    write_table(tmp_path / f"t.{ending}", document(BIG).evaluator.snapshot, watch)
    shares = [done / total for done, total in watch.steps]
    assert len(shares) >= 10
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.1 and 0.9 < shares[-1] <= 1
    assert max(np.diff(watch.times)) < 2


@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_a_cancelled_write_leaves_the_old_file(document, tmp_path, ending):
    path = tmp_path / f"t.{ending}"
    path.write_text("old")
    with pytest.raises(Cancelled):
        write_table(path, document(BIG).evaluator.snapshot, Watch(stop_at=3))
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("write", [write_table, write_results])
@pytest.mark.parametrize("ending", ["csv", "npz"])
def test_a_full_disk_leaves_the_old_file(document, tmp_path, write, ending):
    resource = pytest.importorskip("resource")
    data = document(np.arange(1000, dtype=np.float32)).evaluator.snapshot
    path = tmp_path / f"t.{ending}"
    path.write_text("old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, before[1]))
    try:
        with pytest.raises(ExportError, match="cannot be written"):
            write(path, data)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_ending_that_is_no_format_is_refused(document, tmp_path):
    with pytest.raises(ExportError, match=r"\.xlsx is not a table format"):
        write_table(tmp_path / "t.xlsx", document([1.0]).evaluator.snapshot)
