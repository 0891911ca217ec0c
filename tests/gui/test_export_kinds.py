"""Reports and parameters in the export dialog."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyle, QStyleOptionComboBox

from quantoscope import engine
from quantoscope.engine import Scheme, export
from quantoscope.engine.examples import example
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.common.theme import LIGHT
from quantoscope.gui.document import commands
from quantoscope.gui.document.session import Session
from quantoscope.gui.export.dialog import ExportDialog
from quantoscope.gui.export.kinds import KINDS, PARAMETERS, with_ending
from quantoscope.gui.workers.background import Background

SEED = example("three-numbers").make()
PLAIN = "int8 symmetric"


@pytest.fixture
def session(qapp):
    background = Background()
    session = Session(background)
    session.start(
        SEED, "Three numbers", None, [Scheme.parse(PLAIN), Scheme.parse("int8 asymmetric")]
    )
    yield session
    background.shutdown()


@pytest.fixture
def open_dialog(session, qtbot, tmp_path):
    settings = Settings()
    settings.remember("export/folder", str(tmp_path))

    def make(start, keys=("signal", "error")):
        box = ExportDialog(session, settings, LIGHT, session.background, keys, start)
        qtbot.addWidget(box)
        box.written = []
        box.exported.connect(box.written.append)
        box.show()
        return box

    return make


def choose(box, text):
    box.setCurrentIndex(next(i for i in range(box.count()) if text in box.itemText(i)))


def press(qtbot, box):
    qtbot.mouseClick(box.write, Qt.MouseButton.LeftButton)


def preview(qtbot, box, *words):
    """Wait until the preview says so; give what it says."""

    def text():
        stack = box.preview
        shown = stack.currentWidget()
        return shown.text() if shown is stack.sentence else shown.toPlainText()

    qtbot.waitUntil(lambda: all(word in text() for word in words), timeout=10_000)
    return text()


def test_a_name_with_the_ending_of_another_way_out_chooses_that_and_it_is_remembered(
    open_dialog, qtbot, tmp_path
):
    box = open_dialog("")
    assert box.form.kind == "figure"
    box.row.edit.setFocus()
    box.row.edit.selectAll()
    QTest.keyClicks(box.row.edit, str(tmp_path / "mine.html"))
    assert box.form.kind == "figure", "the name is not complete yet"
    QTest.keyClick(box.row.edit, Qt.Key.Key_Return)
    qtbot.waitUntil(box.isHidden, timeout=10_000)
    assert box.written == [str(tmp_path / "mine.html")]
    assert (tmp_path / "mine.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert open_dialog("signal").form.kind == "figure"
    again = open_dialog("")
    assert again.form.kind == "report"
    qtbot.waitUntil(again.isActiveWindow)
    again.row.edit.setFocus()
    again.row.edit.selectAll()
    QTest.keyClicks(again.row.edit, str(tmp_path / "mine.md"))
    assert again.form.file_kind.key == ".md"
    again.row.edit.selectAll()
    QTest.keyClicks(again.row.edit, str(tmp_path / "mine.onnx"))
    again.form.what.setFocus()
    assert again.form.kind == "parameters"
    assert again.form.file_kind.key == "onnx"
    assert again.row.path == tmp_path / "mine.onnx"


def test_a_change_of_what_is_exported_never_asks_for_a_format_that_is_gone(open_dialog, qtbot):
    box = open_dialog("parameters")
    box.form.format.setCurrentIndex(box.form.format.count() - 1)
    for what in ("report", "parameters", "figure", "table"):
        box.form.format.setCurrentIndex(box.form.format.count() - 1)
        box.form.what.setCurrentIndex(box.form.what.findData(what))
        assert box.row.path.suffix in box.form.endings


# Reports


def figures(text):
    """The names that stand where a report has its figures."""
    lines = text.partition("Figures\n")[2].partition("Definitions\n")[0].splitlines()
    return [line.strip() for line in lines if line.strip()]


def test_a_report_is_one_html_file_of_the_ticked_plots(open_dialog, qtbot, tmp_path):
    box = open_dialog("report")
    assert box.form.kind == "report"
    assert box.row.beside.isHidden()
    text = preview(qtbot, box, "Quantization of Three numbers", "SQNR")
    assert "| --- |" not in text, "it is no Markdown that will be written"
    assert figures(text) == [each.text().replace("&", "") for each in box.form.plots.values()]
    for key, each in box.form.plots.items():
        each.setChecked(key in ("signal", "error"))
    qtbot.waitUntil(lambda: figures(box.preview.page.toPlainText()) == ["Signal", "Error"])
    press(qtbot, box)
    qtbot.waitUntil(box.isHidden, timeout=10_000)
    path = tmp_path / "Three-numbers-report.html"
    assert box.written == [str(path)]
    assert path.read_text(encoding="utf-8").count("<svg") == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_report_has_the_comparison_that_nothing_else_shows(open_dialog, session, qtbot):
    first, second = session.entries[:2]
    session.view.compare_pair((first.uid, second.uid))
    assert session.view.comparison is None
    box = open_dialog("report", ("difference",))
    text = preview(qtbot, box, f"{first.name} and {second.name}: ")
    assert "Not known yet" not in text
    box.reject()


def test_the_files_of_markdown_are_named_before_and_asked_about(open_dialog, qtbot, tmp_path):
    box = open_dialog("report")
    choose(box.form.format, "Markdown")
    names = ["Three-numbers-report-signal.svg", "Three-numbers-report-error.svg"]
    for key, each in box.form.plots.items():
        each.setChecked(key in ("signal", "error"))
    assert box.row.beside.isVisible()
    assert all(name in box.row.beside.text() for name in names)
    box.form.plots["codes"].setChecked(True)
    assert "Three-numbers-report-codes.svg" in box.row.beside.text()
    old = tmp_path / names[1]
    old.write_text("old")
    press(qtbot, box)
    assert names[1] in box.problem.text() and "already exists" in box.problem.text()
    assert old.read_text() == "old"
    press(qtbot, box)
    qtbot.waitUntil(box.isHidden, timeout=10_000)
    assert box.written == [str(tmp_path / "Three-numbers-report.md")]
    links = re.findall(r"\]\(([^)]*\.svg)\)", Path(box.written[0]).read_text(encoding="utf-8"))
    assert len(links) == 3
    for link in links:
        ElementTree.parse(tmp_path / link)
    assert open_dialog("report").form.file_kind.key == ".md"


def test_a_report_follows_the_document(open_dialog, session, qtbot):
    box = open_dialog("report")
    preview(qtbot, box, "0.0102066")
    commands.set_scheme(
        session, session.active_uid, Scheme.parse("int8 symmetric manual(-127,127)")
    )
    preview(qtbot, box, "manual(-127,127)")
    session.start(np.zeros(0, np.float32), "nothing", None, [Scheme.parse(PLAIN)])
    preview(qtbot, box, "Quantization of nothing")


def test_a_report_without_values_or_schemes_can_be_written(open_dialog, session, qtbot):
    for values, schemes in (([], [PLAIN]), ([1.0], []), ([np.nan], [PLAIN])):
        session.start(np.array(values, np.float32), "odd", None, [Scheme.parse(s) for s in schemes])
        box = open_dialog("report", keys=("signal", "codes"))
        for _ in range(2):  # the file of the last round is there
            if box.isVisible():
                press(qtbot, box)
                qtbot.waitUntil(lambda box=box: box.form.isEnabled() or box.isHidden())
        qtbot.waitUntil(box.isHidden, timeout=10_000)
        assert "Quantization of odd" in Path(box.written[0]).read_text(encoding="utf-8")


def test_a_report_says_that_its_figures_show_one_channel_alone(open_dialog, session, qtbot):
    values = np.arange(8, dtype=np.float32).reshape(2, 4)
    session.start(values, "two", None, [Scheme.parse("int8 symmetric per-channel(0)")])
    session.view.focus_on(1)
    text = preview(qtbot, open_dialog("report"), "The figures show channel 1 alone")
    assert "Maximum\n7\n" in text and "Minimum\n0\n" in text


def test_a_failing_report_keeps_the_dialog_open(open_dialog, qtbot, tmp_path):
    (tmp_path / "Three-numbers-report.html").mkdir()
    box = open_dialog("report")
    press(qtbot, box)
    qtbot.waitUntil(box.problem.isVisible, timeout=10_000)
    assert "it is a folder" in box.problem.text()
    assert box.isVisible() and box.form.isEnabled()


# Parameters


@pytest.mark.parametrize("form", export.FORMATS, ids=lambda form: form.key)
def test_parameters_are_those_that_the_engine_writes(open_dialog, qtbot, tmp_path, form):
    if form.extra:
        pytest.importorskip(form.extra)
    box = open_dialog("parameters")
    choose(box.form.format, form.title)
    expected = export.render(form.key, engine.evaluate(SEED, PLAIN), "Three numbers")
    lines = export.preview(form.key, engine.evaluate(SEED, PLAIN), "Three numbers").splitlines()
    preview(qtbot, box, lines[0], lines[min(len(lines), 150) - 1])
    press(qtbot, box)
    qtbot.waitUntil(box.isHidden, timeout=10_000)
    path = tmp_path / f"Three-numbers-parameters{form.endings[0]}"
    assert box.written == [str(path)]
    assert path.read_bytes() == expected
    assert open_dialog("parameters").form.file_kind.key == form.key


def test_the_preview_of_another_kind_of_file_does_not_stay_meanwhile(
    open_dialog, session, qtbot, monkeypatch
):
    box = open_dialog("parameters")
    choose(box.form.format, "C99")
    preview(qtbot, box, "#include")
    monkeypatch.setattr(session.background, "start", lambda *job, **options: None)
    choose(box.form.format, "JSON")
    preview(qtbot, box, "Computing…")


@pytest.mark.parametrize("kind", KINDS)
def test_the_kinds_of_files_can_be_read_in_full(open_dialog, kind):
    box = open_dialog(kind)
    combo = box.form.format
    option = QStyleOptionComboBox()
    combo.initStyleOption(option)
    room = combo.style().subControlRect(
        QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, combo
    )
    for place in range(combo.count()):
        assert combo.fontMetrics().horizontalAdvance(combo.itemText(place)) <= room.width()


def test_what_cannot_be_said_is_shown_and_blocks_export(open_dialog, session, qtbot, tmp_path):
    box = open_dialog("parameters")
    choose(box.form.format, "TensorRT")
    preview(qtbot, box, "3c")
    assert box.write.isEnabled()
    second = session.entries[1].uid
    session.activate(second)
    result = engine.evaluate(SEED, "int8 asymmetric")
    with pytest.raises(export.NotExpressibleError) as refused:
        export.render("tensorrt", result, "x")
    session.evaluator.evaluated.emit()
    preview(qtbot, box, str(refused.value))
    assert not box.write.isEnabled()
    choose(box.form.format, "JSON")
    preview(qtbot, box, "int8 asymmetric")
    assert box.write.isEnabled()
    assert not list(tmp_path.iterdir())


def test_without_an_active_scheme_there_are_no_parameters(open_dialog, session, qtbot):
    session.start(np.array([np.nan], np.float32), "nan", None, [Scheme.parse(PLAIN)])
    box = open_dialog("parameters")
    preview(qtbot, box, str(session.evaluator.outcome(session.active_uid)))
    assert not box.write.isEnabled()
    session.start(SEED, "none", None, [])
    preview(qtbot, box, "No scheme is active")
    assert not box.write.isEnabled()
    choose(box.form.what, "Table")
    preview(qtbot, box, "index,R")
    assert box.write.isEnabled()


def test_a_failing_write_of_parameters_is_said(open_dialog, qtbot, tmp_path):
    box = open_dialog("parameters")
    preview(qtbot, box, "int8 symmetric")
    box.row.edit.setFocus()
    box.row.edit.selectAll()
    qtbot.keyClicks(box.row.edit, str(tmp_path / "missing" / "x.json"))
    press(qtbot, box)
    qtbot.waitUntil(box.problem.isVisible, timeout=10_000)
    assert "folder does not exist" in box.problem.text()


def test_many_lines_are_cut_short_in_the_preview_alone(open_dialog, session, qtbot):
    values = np.random.RandomState(0).randn(1000, 8).astype(np.float32)
    session.start(values, "big", None, [Scheme.parse("int8 symmetric per-channel(0)")])
    box = open_dialog("parameters")
    choose(box.form.format, "numpy alone")
    text = preview(qtbot, box, "…", "\n")
    assert text.endswith("…") and len(text.splitlines()) == 201


def test_an_ending_that_the_kind_has_stays_and_one_of_another_goes():
    assert with_ending("a.json", (".encodings", ".json")) == Path("a.json")
    assert with_ending("a.png", (".encodings", ".json")) == Path("a.encodings")
    assert with_ending("a.v2", (".md",)) == Path("a.v2.md")


def test_a_typed_ending_chooses_another_kind_only_where_this_one_has_it_not(open_dialog, qtbot):
    box = open_dialog("parameters")
    choose(box.form.format, "AIMET encodings 1.0.0")
    box.row.edit.clear()
    qtbot.keyClicks(box.row.edit, "x.json")
    assert box.form.file_kind.key == "aimet-1.0.0"
    box.row.edit.clear()
    qtbot.keyClicks(box.row.edit, "x.h")
    assert box.form.file_kind.key == "c"
    assert [kind.key for kind in KINDS[PARAMETERS]] == [form.key for form in export.FORMATS]
