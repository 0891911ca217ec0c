"""A made-up thing of each kind, registered by its one line, is offered, shown and drawn."""

import math
from datetime import UTC, datetime

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QMenu

from quantoscope.engine import Scheme, compare, evaluate, trace
from quantoscope.gui.export.headless import picture
from quantoscope.gui.export.report_content import USUAL_PLOTS, make_report
from quantoscope.gui.export.report_html import html
from quantoscope.gui.export.report_reference import Source
from tests.engine.made_up import SCHEMES, registered
from tests.gui.plot_bench import KEYS, SHEETS, noise

ARRAY = noise(160, 4).reshape(4, 40)
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def made_up():
    with registered():
        yield


@pytest.fixture
def window(made_up, open_lean_window):
    return open_lean_window(ARRAY, "int8 symmetric")


@pytest.fixture
def settled(window, qtbot):
    def wait():
        qtbot.waitUntil(lambda: not window.session.evaluator.stale, timeout=30_000)

    return wait


def results(window, person):
    """What the table of results shows, by the name of the scheme."""
    table = window.results.table
    heads = person.heads(table)
    rows = range(table.model().rowCount())
    return {
        person.cell(table, row).removesuffix(" ⚠"): {h: person.cell(table, row, h) for h in heads}
        for row in rows
    }


@pytest.mark.parametrize(
    ("field", "word", "becomes"),
    [
        ("calibration", "half", "int8 symmetric half"),
        ("format", "steps7", "steps7 symmetric"),
        ("format", "powers", "powers symmetric"),
        ("format", "q3_1", "q3_1"),
        ("format", "mxfp4-made-up", "mxfp4-made-up"),
        ("mapping", "from-minimum", "int8 from-minimum"),
        ("runtime", "@made-up", "uint8 asymmetric @made-up"),
    ],
)
def test_the_form_offers_it_and_the_results_show_it(window, person, settled, field, word, becomes):
    form = window.schemes.form
    person.choose(getattr(form, field), word)
    settled()
    assert form.text.text() == becomes
    assert getattr(form, field).currentText() == word
    shown = results(window, person)[becomes]
    expected = evaluate(ARRAY, becomes)
    sqnr = next(text for head, text in shown.items() if head.startswith("SQNR"))
    assert float(sqnr.split()[0]) == pytest.approx(expected.metrics["sqnr"], rel=1e-3)
    source = window.schemes.findChild(QLabel, "schemeSource")
    assert source.isVisible() == bool(expected.scheme.follows or expected.scheme.format.source)
    assert "made up" in source.text() or "gguf" in source.text() or not source.isVisible()


def test_the_menu_adds_it(window):
    menus = window.menus.add_scheme.findChildren(QMenu)
    actions = [window.menus.add_scheme, *menus]
    offered = {a.text(): a for menu in actions for a in menu.actions()}
    for text in ("int8 from-minimum", "steps7 symmetric", "powers symmetric", "q3_1"):
        offered[text].trigger()
        assert window.session.active.scheme == Scheme.parse(text)
    for text in ("mxfp4-made-up", "uint8 asymmetric @made-up"):
        offered[text].trigger()
        assert window.schemes.form.text.text() == text
    assert "int8 symmetric @made-up" not in offered


@pytest.mark.parametrize("key", KEYS)
def test_every_plot_draws_it(bench, key):
    made = bench(key, ARRAY, "int8 symmetric", SCHEMES[0])
    for text in SCHEMES:
        made.open(ARRAY, [text, "int8 symmetric"])
        assert not made.picture().isNull()
        assert made.plot.item.items or key in SHEETS
        made.open(ARRAY, [text])
        made.picture()


@pytest.mark.parametrize("text", SCHEMES)
def test_steps_and_compare_tell_of_it(made_up, open_lean_window, text):
    window = open_lean_window(ARRAY, text, "uint4 symmetric")
    scheme = window.session.entries[0].scheme
    window.session.activate(window.session.entries[0].uid)
    for key in ("steps", "compare"):
        window.places[key].reveal()
        QApplication.processEvents()
    QApplication.processEvents()
    shown = window.steps.view.toPlainText()
    assert all(stage.symbol in shown for stage in trace(ARRAY, scheme, [0]).stages)
    assert f"{compare(ARRAY, text, 'uint4 symmetric').count:,} of 160" in said(window)


def said(window):
    """The line in the head of Compare."""
    return window.places["compare"].insight.replace("\xa0", " ")


def test_a_report_has_it_with_its_source(qapp):
    kept, data = picture(ARRAY, [Scheme.parse(text) for text in SCHEMES], False)
    page = html(make_report(Source("weights"), kept, data, USUAL_PLOTS, WHEN))
    for text in SCHEMES:
        assert str(Scheme.parse(text)) in page
    assert "from documentation: made up" in page
    assert not any(math.isnan(evaluate(ARRAY, text).metrics["sqnr"]) for text in SCHEMES)
