"""Reports: true numbers, one file that needs nothing else, or Markdown with its figures."""

import re
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from quantoscope import engine
from quantoscope.engine import METRICS, Scheme
from quantoscope.engine.examples import EXAMPLES, example
from quantoscope.gui.common.localized_numbers import parts, short
from quantoscope.gui.export.files import ExportError
from quantoscope.gui.export.headless import picture
from quantoscope.gui.export.report_content import USUAL_PLOTS, make_report, measured
from quantoscope.gui.export.report_files import report_paths, write_report
from quantoscope.gui.export.report_html import html
from quantoscope.gui.export.report_markdown import plain
from quantoscope.gui.export.report_reference import Source
from quantoscope.gui.plots import PLOTS
from quantoscope.gui.window.actions import SPECS

KEYS = tuple(kind.key for kind in PLOTS)
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
SEED = example("three-numbers").make()
THREE = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
VOID = {"meta", "br", "hr", "img", "link", "input"}


@pytest.fixture
def report(qapp):
    """A way to the report of an array."""

    def make(values, schemes=THREE, plots=USUAL_PLOTS, source=None, pair=False, labels=()):
        kept, data = picture(np.asarray(values), [Scheme.parse(s) for s in schemes], pair)
        entries = tuple(
            replace(entry, label=label) for entry, label in zip(kept.entries, labels, strict=False)
        )
        kept = replace(kept, entries=entries or kept.entries)
        return make_report(source or Source("weights"), kept, data, plots, WHEN)

    return make


class Page(HTMLParser):
    """Reads a page strictly: what opens closes, in its order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        self.tables, self.ids = [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        self.ids += [value for name, value in attributes if name == "id"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += text

    def table(self, head):
        return next(table for table in self.tables if table[0][0] == head)


def rows(table):
    return {row[0]: row[1:] for row in table}


def test_the_numbers_are_those_of_the_engine(report):
    page = Page(html(report(SEED)))
    found = rows(page.table("Metric"))
    assert found["Metric"] == ["Unit", *THREE]
    assert found["S"][0] == "unit of R"
    for column, scheme in enumerate(THREE, 1):
        result = engine.evaluate(SEED, scheme)
        assert found["S"][column] == short(result.qparams.scale, 6)
        assert found["Z"][column] == str(result.qparams.zero_point)
        for metric in METRICS:
            if metric.key in ("codes_used", "codes_available"):
                continue
            number = result.metrics[metric.key]
            assert found[metric.name][column].lstrip("★☆ ") == short(number, 6), metric.key
        used = f"{result.metrics['codes_used']} / {result.metrics['codes_available']}"
        assert found["Codes used"][column].lstrip("★☆ ") == used


def test_the_best_has_a_star_besides_its_weight(report):
    text = html(report(SEED))
    best = [engine.evaluate(SEED, scheme).metrics["sqnr"] for scheme in THREE]
    place = 1 + int(np.argmax(best))
    found = rows(Page(text).table("Metric"))["SQNR"]
    assert [cell.startswith("★ ") for cell in found] == [i == place for i in range(4)]
    assert f'class="n best" title="{max(best)!r}">★ ' in text


def test_full_precision_is_in_the_tip(report):
    assert f'title="{engine.evaluate(SEED, THREE[0]).qparams.scale!r}"' in html(report(SEED))


@pytest.mark.parametrize("key", [entry.key for entry in EXAMPLES])
def test_html_is_whole_and_needs_nothing_else(report, key):
    entry = example(key)
    schemes = [str(scheme) for scheme in entry.parsed_schemes()]
    text = html(report(entry.make(), schemes, KEYS, pair=True))
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert page.tags.count("svg") == len(KEYS)
    assert not {"script", "link", "img", "iframe", "object", "embed"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids)), "names of two figures meet"
    for name, value in page.attributes:
        assert not name.startswith("on")
        held = value is not None and value.startswith("data:image/png;base64,")
        assert held or name not in ("src", "href", "xlink:href"), (name, value)
        for target in re.findall(r"url\(#([^)]*)\)", value or ""):
            assert target in page.ids
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "@import" not in text and "url(" not in text.split("</style>")[0]


def test_data_are_summed_up(report):
    values = np.array([[0, 1, 2], [np.nan, np.inf, 5]], np.float32)
    source = Source("m.npz ▸ conv", Path("/some/where/m.npz"), "conv", dtype="F8_E4M3")
    found = rows(Page(html(report(values, source=source))).tables[0])
    finite = np.array([0, 1, 2, 5.0])
    assert found["File"] == ["m.npz"] and found["Tensor"] == ["conv"]
    assert found["Type"] == ["F8_E4M3 (processed as float32)"]
    assert found["Shape"] == ["2 × 3"] and found["Values"] == ["6"]
    assert (found["NaN"], found["±∞"], found["Zeros"]) == (["1"], ["1"], ["1"])
    assert found["Minimum"] == ["0"] and found["Maximum"] == ["5"] and found["Mean"] == ["2"]
    assert found["Standard deviation"] == [short(float(finite.std()), 6)]


@pytest.mark.parametrize(
    "values",
    [
        np.array([3e38, -3e38, 1e38], np.float32),
        np.array([1e308, -1e308]),
        np.array([1e-45, 0], np.float32),
        np.zeros(5, np.float32),
        np.full(3, -7.0, np.float32),
        np.arange(3_000_000, dtype=np.float32),
    ],
    ids=["huge", "huge64", "tiny", "zeros", "constant", "many"],
)
def test_the_standard_deviation_neither_overflows_nor_drifts(values):
    summary = engine.summarize(values)
    reach = max(abs(summary.low), abs(summary.high))
    exact = values.astype(np.longdouble)
    assert measured(values, summary.mean, reach)[1] == pytest.approx(float(exact.std()), rel=1e-9)


def test_channels_are_told_as_ranges(report):
    values = np.array([[1, 2], [10, 20]], np.float32)
    found = rows(Page(html(report(values, ["int8 symmetric per-channel(0) @onnxruntime"])))
                 .table("Metric"))  # fmt: skip
    scales = engine.evaluate(values, "int8 symmetric per-channel(0) @onnxruntime").qparams.scale
    assert found["S"][1] == f"{short(scales[0], 6)} … {short(scales[1], 6)}"


def test_runtimes_say_what_they_were_compared_with(report):
    page = Page(html(report(SEED, ["int8 symmetric @onnxruntime", "int8 symmetric @tensorrt"])))
    versions = rows(page.tables[-1])
    assert versions["ONNX Runtime"] == [engine.RUNTIMES["onnxruntime"].status]
    assert versions["TensorRT"][0].startswith("from documentation")
    assert versions["numpy"] == [np.__version__]


def test_definitions_are_those_of_the_engine(report):
    page = Page(html(report(SEED)))
    table = next(t for t in page.tables if t[0][:2] == ["Metric", "Formula"])
    found = rows(table)
    for metric in METRICS:
        assert found[metric.name][:2] == [metric.formula, metric.unit]


def test_a_pair_that_is_compared_has_its_causes(report):
    pair = ["int8 symmetric", "int8 asymmetric"]
    assert not any(t[0][0] == "Cause" for t in Page(html(report(SEED, pair))).tables)
    page = Page(html(report(SEED, pair, pair=True)))
    made = engine.compare(SEED, *pair)
    found = rows(page.table("Cause"))
    for cause in made.causes:
        assert found[cause.title][:3] == [cause.first, cause.second, parts(cause.share)]
    assert f"{made.count} of 3 reconstructed values differ" in " ".join(page.words)


HOSTILE = '<script>alert("1")</script> | `x` *y* [z](http://a.b) &amp; \\'


def test_names_cannot_break_out_of_html(report):
    source = Source(f"m.npz ▸ {HOSTILE}", Path("m.npz"), HOSTILE)
    text = html(report(SEED, source=source, labels=[HOSTILE, "b", "c"]))
    page = Page(text)
    assert "script" not in page.tags and "<script" not in text
    assert f"Quantization of m.npz ▸ {HOSTILE}" in page.words
    assert rows(page.table("Metric"))["Metric"][1] == HOSTILE


@pytest.mark.parametrize("ending", [".html", ".md"])
def test_a_report_holds_no_control_characters_and_no_marks_of_direction(report, tmp_path, ending):
    name = "a\N{RIGHT-TO-LEFT OVERRIDE}b\x1b[31m\N{ZERO WIDTH SPACE}\N{LEFT-TO-RIGHT ISOLATE}c\x07"
    source = Source(f"m.npz ▸ {name}", Path(f"{name}.npz"), name)
    path = tmp_path / f"r{ending}"
    write_report(path, report(SEED, source=source, labels=[name, "b", "c"], pair=True))
    text = path.read_text(encoding="utf-8")
    assert not [c for c in text if not (c.isprintable() or c.isspace())]
    assert "\\U0000202e" in text, "the command still names the file, as bash writes it"


def test_names_cannot_break_out_of_markdown(report, tmp_path):
    source = Source(f"m.npz ▸ {HOSTILE}\n# head", Path("m.npz"), HOSTILE)
    path = tmp_path / "r.md"
    write_report(path, report(SEED, source=source, labels=[HOSTILE, "b", "c"]))
    text = path.read_text(encoding="utf-8").split("```")[0]
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert not re.search(r"(?<!\\)<script", text)
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    for table in tables:
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [("1. x", "1\\. x"), ("- a", "\\- a"), ("-213", "-213"), ("49.06", "49.06"), ("---", "\\---"),
     ("a|b", "a\\|b"), ("@onnx_x", "\\@onnx\\_x"), ("two\nlines", "two lines")],
)  # fmt: skip
def test_text_is_escaped_where_markdown_would_read_it(text, shown):
    assert plain(text) == shown


def test_markdown_has_its_figures_beside_it(report, tmp_path):
    path = tmp_path / "my report (1).md"
    written = write_report(path, report(SEED))
    assert written == report_paths(path, USUAL_PLOTS)
    assert sorted(tmp_path.iterdir()) == sorted(written)
    links = re.findall(r"!\[[^\]]*\]\(([^)\s]*)\)", path.read_text(encoding="utf-8"))
    assert len(links) == len(USUAL_PLOTS)
    for link in links:
        assert ElementTree.parse(tmp_path / unquote(link)).getroot().tag.endswith("svg")


def test_the_commands_can_be_run_again(report):
    source = Source("w.npy", Path("/x/w 1.npy"))
    code = re.search(r"<pre>(.*?)</pre>", html(report(SEED, source=source)), re.DOTALL)[1]
    assert code.startswith("quantoscope-cli compare &#x27;w 1.npy&#x27;")
    for scheme in THREE:
        assert code.count(f"--scheme &#x27;{scheme}&#x27;") == 2
    unsaved = html(report(SEED, source=replace(source, changed=True)))
    assert "compare values.npy" in unsaved and "save them as values.npy first" in unsaved
    menu = next(spec.text for spec in SPECS if spec.key == "save_values")
    assert f"(File ▸ {menu.replace('&', '').rstrip('…')})" in unsaved
    namesake = html(report(SEED, source=Source("values.npy", Path("/x/values.npy"))))
    assert "compare values.npy" in namesake and "in no file" not in namesake


@pytest.mark.parametrize(
    ("path", "changed", "told"),
    [
        (Path("/x/w.npy"), True, True),
        (Path("/x/w.npy"), False, False),
        # What lies in no file is told elsewhere.
        (None, True, False),
    ],
)
def test_values_that_are_no_longer_those_of_their_file_are_said_to_be(report, path, changed, told):
    page = html(report(SEED, source=Source("w.npy", path, changed=changed)))
    assert ("The values were edited since the file was read." in page) is told


def test_the_same_gives_the_same_file_but_for_the_date(report):
    first, second = report(SEED), report(SEED)
    assert html(first) == html(second)
    later = replace(second, when=WHEN.replace(year=2027))
    lines = zip(html(first).splitlines(), html(later).splitlines(), strict=True)
    unlike = [(a, b) for a, b in lines if a != b]
    assert len(unlike) == 1 and "2026-01-02 03:04 +0000" in unlike[0][0]


@contextmanager
def full_disk(size):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", [".md", ".html"])
def test_a_report_that_cannot_be_written_leaves_every_old_file(report, tmp_path, ending):
    path = tmp_path / f"r{ending}"
    made = report(SEED)
    for old in report_paths(path, USUAL_PLOTS):
        old.write_bytes(b"old")
    with pytest.raises(ExportError, match="cannot be written"), full_disk(1000):
        write_report(path, made)
    files = list(tmp_path.iterdir())
    assert sorted(files) == sorted(report_paths(path, USUAL_PLOTS))
    assert all(file.read_bytes() == b"old" for file in files)


def test_a_folder_in_the_way_of_one_figure_leaves_the_others(report, tmp_path):
    (tmp_path / "r-codes.svg").mkdir()
    with pytest.raises(ExportError, match=r"r-codes\.svg cannot be written"):
        write_report(tmp_path / "r.md", report(SEED))
    assert [p.name for p in tmp_path.iterdir()] == ["r-codes.svg"]
    with pytest.raises(ExportError, match="not a report format"):
        write_report(tmp_path / "r.txt", report(SEED))
