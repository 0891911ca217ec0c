"""Heights of figures: by default what their plots need, and how rows share a given one."""

import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from quantoscope.engine.examples import example
from quantoscope.gui import __main__ as program
from quantoscope.gui.export import choices
from quantoscope.gui.export.figure import figure_image, figure_page, render_pdf, render_svg
from quantoscope.gui.export.page import shared
from quantoscope.gui.export.presets import PRESETS
from quantoscope.gui.export.report_content import FIGURE_WIDTH
from quantoscope.gui.export.spec import PAGE_HEIGHT, FigureSpec
from tests.gui.test_export_dialog import choose, open_dialog, press, settings, workplace

__all__ = ["open_dialog", "settings", "workplace"]
SEED = example("three-numbers").make()
NOISE = np.random.RandomState(0).randn(5000).astype(np.float32)
BOTH = ("number-line", "distribution")
NAMES = ("int8 scale-only", "int8 symmetric", "int8 asymmetric")
LEFT_OUT = re.compile("no room|higher view|more")
GROWING = [preset.key for preset in PRESETS if not preset.height]


def specified(size, keys, columns=1):
    return FigureSpec(
        keys, size.width, size.height, size.unit,
        points=size.points, columns=columns, grows=size.grows,
    )  # fmt: skip


def words(page):
    """What the plots of a figure say, and every text in them."""
    texts = [text for panel in page.panels for text in panel.sentences]
    for panel in page.panels:
        texts += [i.toPlainText() for i in panel.plot.item.items if hasattr(i, "toPlainText")]
    return " ".join(map(str, texts))


def in_mm(page):
    return page.spec.inches(raster=False)[1] * 25.4


@pytest.mark.parametrize("values", [SEED, NOISE], ids=["three", "noise"])
@pytest.mark.parametrize(
    ("keys", "columns"),
    [
        (BOTH[:1], 1),
        (BOTH, 1),
        (BOTH, 2),
        (("signal", "error"), 1),
        (("image", "distribution"), 1),
        (("signal", "error", "distribution", "codes"), 1),
        (("signal", "error", "distribution", "codes"), 2),
    ],
)
def test_a_figure_of_the_usual_size_leaves_out_no_scheme(picture, values, keys, columns):
    data = picture(values)
    usual = choices.default_size(len(keys), columns)
    with closing(figure_page(specified(usual, keys, columns), data, False)) as page:
        assert not LEFT_OUT.search(words(page))
        assert all(panel.rect.height() >= panel.least_height for panel in page.panels)
        assert usual.height <= page.spec.height <= PAGE_HEIGHT
        assert page.spec.height == int(page.spec.height)
    if keys == BOTH and columns == 1:
        # As it was given, it does: the sentence says so.
        fixed = replace(specified(usual, keys), grows=False)
        with closing(figure_page(fixed, data, False)) as page:
            assert LEFT_OUT.search(words(page))


@pytest.mark.parametrize("key", GROWING)
def test_sizes_of_papers_become_as_high_as_the_plots_need(picture, key):
    data = picture(SEED)
    size = choices.preset_size(key, 2)
    with closing(figure_page(specified(size, BOTH), data, False)) as page:
        assert not LEFT_OUT.search(words(page))
        assert page.spec.width == size.width
        assert in_mm(page) <= PAGE_HEIGHT + 0.01


def test_a_slide_keeps_its_height(picture):
    size = choices.preset_size("slide", 2)
    with closing(figure_page(specified(size, BOTH), picture(SEED), True)) as page:
        assert page.spec.height == size.height


def test_a_figure_becomes_no_higher_than_a_page(picture):
    schemes = [f"int{bits} {mapping}" for bits in (3, 4, 5, 8) for mapping in
               ("scale-only", "symmetric", "asymmetric")]  # fmt: skip
    spec = specified(choices.default_size(2), BOTH)
    with closing(figure_page(spec, picture(SEED, schemes), False)) as page:
        assert page.spec.height == PAGE_HEIGHT


def test_every_format_has_the_height_that_the_figure_became(picture):
    spec = replace(specified(choices.default_size(2), BOTH), dpi=100)
    data = picture(SEED)
    with closing(figure_page(spec, data, False)) as page:
        height = page.spec.height
    assert height > spec.height
    assert f'height="{height:g}mm"'.encode() in render_svg(spec, data)
    box = re.search(rb"/MediaBox \[\S+ (\S+) \S+ (\S+)\s*\]", render_pdf(spec, data))
    assert float(box[2]) - float(box[1]) == pytest.approx(height / 25.4 * 72, abs=0.01)
    assert figure_image(spec, data).height() == round(height / 25.4 * 100)


@given(
    st.lists(st.floats(0, 500), min_size=1, max_size=6),
    st.floats(1, 3000),
    st.floats(0, 1),
)
def test_rows_share_a_height_wholly_and_by_need(wanted, room, share):
    least = share * room / len(wanted)
    heights = shared(room, wanted, least)
    even = room / len(wanted)
    assert sum(heights) == pytest.approx(room, rel=1e-9)
    assert min(heights) >= least * (1 - 1e-9)
    if sum(max(one, least) for one in wanted) <= room:
        assert all(got >= one * (1 - 1e-9) for got, one in zip(heights, wanted, strict=True))
    # Only what wants more than an even share has more than one.
    for got, one in zip(heights, wanted, strict=True):
        assert got <= max(even, one) * (1 + 1e-9)


def test_without_a_height_the_command_line_draws_every_scheme(tmp_path, capsys):
    np.save(tmp_path / "three.npy", SEED)
    common = ["plot", tmp_path / "three.npy", "--plot", BOTH[0], "--plot", BOTH[1]]

    def drawn(*more):
        out = tmp_path / "out.svg"
        assert program.main([str(word) for word in (*common, "-o", out, *more)]) == 0
        told = re.search(r"(\d+) × (\d+) mm", capsys.readouterr().out)
        return int(told[1]), int(told[2]), out.read_text(encoding="utf-8")

    width, height, svg = drawn()
    assert width == 180 and height > 120
    assert f'height="{height}mm"' in svg
    assert all(name in svg for name in NAMES)
    assert drawn("--width", "120")[1] > 120
    assert drawn("--width", "180", "--height", "96")[1] == 96


def test_the_dialog_shows_the_height_and_a_typed_one_stays(open_dialog, qtbot):
    box = open_dialog("", BOTH)
    sizes = box.form.sizes
    choose(box.form.format, "PNG")
    qtbot.waitUntil(lambda: sizes.height.value() > 120, timeout=5000)
    grown = sizes.height.value()
    assert f"× {round(grown / 25.4 * 300)} pixels" in sizes.extent.text()
    press(qtbot, box)
    assert QImage(box.written[0]).height() == round(grown / 25.4 * 300)
    # It was nobody's choice: fewer schemes need less.
    again = open_dialog("", BOTH)
    again.form.plots["distribution"].setChecked(False)
    assert again.form.sizes.width.value() == 120
    again.form.plots["distribution"].setChecked(True)
    qtbot.waitUntil(lambda: again.form.sizes.height.value() == grown, timeout=5000)
    again.form.sizes.height.setValue(100)
    again.form.parts["sentences"].setChecked(False)
    qtbot.wait(100)
    assert again.form.sizes.height.value() == again.form.spec().height == 100
    press(qtbot, again)
    press(qtbot, again)  # it replaces the first
    assert open_dialog("", BOTH).form.sizes.height.value() == 100


def test_figures_of_reports_show_every_scheme(tmp_path):
    np.save(tmp_path / "three.npy", SEED)
    out = tmp_path / "report.html"
    words = ("report", tmp_path / "three.npy", "--plot", "number-line", "-o", out)
    schemes = [word for name in (*NAMES, "int4 symmetric", "int4 asymmetric")
               for word in ("--scheme", name)]  # fmt: skip
    assert program.main([str(word) for word in (*words, *schemes)]) == 0
    figure = Path(out).read_text(encoding="utf-8").partition("<figure>")[2].partition("</figure>")
    assert "no room" not in figure[0]
    assert figure[0].count("int4") >= 2
    assert f'width="{FIGURE_WIDTH:g}mm"' in figure[0]
