"""Figures in rows and columns, what can be left out of them, and images in vector files."""

import re
import shutil
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from base64 import b64decode
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from quantoscope.engine.examples import example
from quantoscope.gui import __main__ as program
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.export.figure import figure_image, figure_page, render_pdf, render_svg
from quantoscope.gui.export.files import ExportError
from quantoscope.gui.export.lean_images import picture_of
from quantoscope.gui.export.spec import FigureSpec, Look
from quantoscope.gui.plots import PLOTS

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
SEED = example("three-numbers").make()
KEYS = tuple(kind.key for kind in PLOTS)
NAMES = ["int8 scale-only", "int8 symmetric", "int8 asymmetric"]
AUTHOR = FigureSpec(("number-line", "distribution"), 180, 95, columns=2)
LONG = np.random.RandomState(0).randn(3_000_000).astype(np.float32)


def placed(svg):
    """Texts of an SVG with their places."""
    nodes = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return [("".join(n.itertext()).strip(), float(n.get("x")), float(n.get("y"))) for n in nodes]


def words(svg):
    return " ".join(text for text, *_ in placed(svg))


def images(svg):
    """Images of an SVG without colour bars, with their widths in 1/96 inch."""
    found = []
    for node in ElementTree.fromstring(svg).iter(f"{SVG}image"):
        data = b64decode(node.get(LINK).partition(",")[2])
        if float(node.get("height")) > 20:
            found.append((QImage.fromData(data), float(node.get("width"))))
    return found


def outliers():
    """A weight with six columns that are much larger than all others."""
    values = np.random.RandomState(1).randn(1024, 2816).astype(np.float32) * 0.02
    values[:, [249, 1269, 1458, 1919, 2677, 2681]] *= 40
    return values


# Rows, columns and letters


def test_plots_stand_in_rows_and_columns_with_letters_in_their_order(picture):
    spec = FigureSpec(("signal", "error", "transfer", "codes", "calibration"), 180, 200, columns=2)
    found = {text: (x, y) for text, x, y in placed(render_svg(spec, picture(SEED)))}
    letters = [found[f"({letter})"] for letter in "abcde"]
    lefts, tops = zip(*letters, strict=True)
    assert lefts[0] == lefts[2] == lefts[4] < lefts[1] == lefts[3]
    assert tops[0] == tops[1] < tops[2] == tops[3] < tops[4]
    assert lefts[1] > 180 / 25.4 * 96 / 2
    # Views in a row are aligned, whatever stands above them.
    below = [y for text, (_, y) in found.items() if text in ("position #", "code Q")]
    assert len(below) == 2


def test_one_plot_has_no_letter_and_several_need_none(picture):
    data = picture(SEED)
    assert "(a)" not in words(render_svg(FigureSpec(("signal",)), data))
    assert "(a) Signal" in words(render_svg(FigureSpec(("signal", "error"), 180, 120), data))
    spec = FigureSpec(("signal", "error"), 180, 120, letters=False)
    assert "(a)" not in words(render_svg(spec, data))


@pytest.mark.parametrize("columns", [2, 3, 4])
def test_what_is_too_small_names_a_size_that_does_in_any_number_of_columns(picture, columns):
    data = picture(SEED)
    with pytest.raises(ExportError) as caught:
        render_svg(FigureSpec(KEYS, 60, 40, columns=columns), data)
    width, height = map(float, re.findall(r"(\d+) × (\d+) mm", str(caught.value))[0])
    assert render_svg(FigureSpec(KEYS, width, height, columns=columns), data)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("columns", [1, 2, 3])
def test_no_text_leaves_a_figure_of_columns(picture, columns, theme):
    spec = FigureSpec(KEYS[:6], 240, 260, theme=theme, columns=columns)
    for text, x, y in placed(render_svg(spec, picture(SEED))):
        if x >= 0:  # turned texts count from elsewhere
            assert x <= 240 / 25.4 * 96 and 0 <= y <= 260 / 25.4 * 96, text


@pytest.mark.parametrize("width", [60, 90, 180])
def test_a_label_longer_than_its_axis_loses_whole_parts(picture, width):
    ends = ["int8 scale-only", "int4 symmetric mse pow2"]
    look = Look(options=(("from", ends[0]), ("to", ends[1])))
    spec = FigureSpec(("waterfall",), width, 120, looks={"waterfall": look}, sentences=False)
    found = placed(render_svg(spec, picture(SEED, ends)))
    ((label, x, _),) = [one for one in found if one[0].startswith("grey bar")]
    assert x >= 0
    whole = "grey bar: gain (dB), mean of all orders; tick: in some, wider in more"
    assert label == whole if width == 180 else whole.startswith(label)


# What can be left out


def test_titles_sentences_and_legend_can_each_be_left_out(picture):
    data = picture(SEED)
    parts = {"titles": "Transfer: from R to R′", "sentences": "loses nothing", "legend": NAMES[1]}
    spec = FigureSpec(("transfer",), 120, 80)
    whole = words(render_svg(spec, data))
    for left_out in parts:
        found = words(render_svg(replace(spec, **{left_out: False}), data))
        for part, text in parts.items():
            assert text in whole
            assert (text in found) == (part != left_out)


def test_room_that_is_left_out_goes_to_the_plots(picture):
    data = picture(SEED)
    bare = replace(FigureSpec(("transfer",)), titles=False, sentences=False, legend=False)
    heights = []
    for spec in (FigureSpec(("transfer",)), bare):
        with closing(figure_page(spec, data, raster=False)) as page:
            heights.append(page.panels[0].rect.height())
    assert heights[1] > heights[0] + 30


def test_the_legend_has_the_order_of_the_schemes(picture):
    svg = render_svg(FigureSpec(("transfer",)), picture(SEED))
    legend = [text for text, _, _ in placed(svg) if text in NAMES]
    assert legend == NAMES


# Dense layers


def test_three_million_values_make_a_small_file_soon(picture):
    data = picture(LONG)
    spec = FigureSpec(("signal", "error"), 180, 120)
    for render in (render_svg, render_pdf):
        start = time.process_time()
        made = render(spec, data)
        assert time.process_time() - start < 2
        assert len(made) < 1_000_000
    svg = render_svg(spec, data)
    found = words(svg)
    assert "position #" in found and "3,000,000" in found
    assert all(name in found for name in NAMES)
    # Axes are lines still.
    assert svg.count(b"<polyline") > 20


@pytest.mark.parametrize("keys", [("image",), ("image", "image-beside")])
def test_an_image_of_three_million_values_makes_a_small_file_soon(picture, keys):
    data = picture(outliers(), ["int4 symmetric per-channel(0)", "int4 symmetric per-channel(1)"])
    for columns in (1, 2):
        for render in (render_svg, render_pdf):
            start = time.process_time()
            made = render(FigureSpec(keys, 180, 200 / columns, columns=columns), data)
            assert time.process_time() - start < 2
            assert len(made) < 1_000_000


@pytest.mark.parametrize("dpi", [200, 300, 400])
def test_dense_layers_have_the_resolution_that_is_chosen(picture, dpi):
    data = picture(LONG[:300_000])
    svg = render_svg(FigureSpec(("signal",), 180, 80, dpi=dpi), data)
    # Dots of a density, which stand for many values, are larger.
    image, width = max(images(svg), key=lambda one: one[1])
    assert image.width() / (width / 96) == pytest.approx(dpi, rel=0.01)
    data = picture(outliers(), ["int4 symmetric per-channel(0)"])
    svg = render_svg(FigureSpec(("image",), 85, 70, dpi=dpi), data)
    ((image, width),) = images(svg)
    assert dpi <= image.width() / (width / 96) < 1.05 * dpi


def test_few_values_stay_lines_and_symbols(picture):
    data = picture(np.linspace(-1, 1, 700, dtype=np.float32))
    assert not images(render_svg(FigureSpec(("signal", "transfer", "codes"), 180, 200), data))


def test_every_column_that_stands_out_is_in_the_image(picture):
    data = picture(outliers(), ["int4 symmetric per-channel(0)"])
    ((image, _),) = images(render_svg(FigureSpec(("image",), 120, 80), data))
    ground = image.pixelColor(image.width() // 4, image.height() // 2)
    for column in (249, 1269, 1458, 1919, 2677):
        at = column / 2816 * image.width()
        seen = {
            image.pixelColor(int(at) + beside, row).rgb()
            for beside in (-1, 0, 1)
            for row in range(0, image.height(), 40)
        }
        farthest = max(abs((c & 255) - ground.blue()) for c in seen)
        assert farthest > 60, column


# Images with palettes


@given(st.integers(0, 2**31), st.integers(1, 40), st.integers(1, 40), st.integers(1, 300))
def test_a_picture_is_its_pixels_until_it_is_too_large(seed, height, width, colours):
    random = np.random.RandomState(seed)
    table = random.randint(0, 256, (colours, 4)).astype(np.uint8)
    table[:, 3] = 255
    pixels = table[random.randint(0, colours, (height, width))]

    def back(image):
        image = image.convertToFormat(QImage.Format.Format_RGBA8888)
        lines = np.frombuffer(image.constBits(), np.uint8).reshape(height, -1)
        return lines[:, : 4 * width].reshape(height, width, 4).copy()

    assert np.array_equal(back(picture_of(pixels, np.inf)), pixels)
    lean = back(picture_of(pixels, 0))
    # No colour is new, and none is far from what it was.
    assert {*map(tuple, lean.reshape(-1, 4))} <= {*map(tuple, pixels.reshape(-1, 4))}
    assert np.abs(lean.astype(int) - pixels).max() < 32


def test_a_pdf_with_palettes_has_right_offsets_and_the_image_of_the_png(picture, tmp_path):
    data = picture(outliers(), ["int4 symmetric per-channel(0)"])
    spec = FigureSpec(("image", "image-beside"), 180, 90, dpi=150, columns=2)
    pdf = render_pdf(spec, data)
    assert pdf.count(b"/Indexed /DeviceRGB") == 2
    table = int(re.search(rb"startxref\n(\d+)", pdf)[1])
    assert pdf[table : table + 5] == b"xref\n"
    for number, (offset, kind) in enumerate(re.findall(rb"(\d{10}) \d{5} ([nf])", pdf[table:])):
        if kind == b"n":
            assert pdf[int(offset) :].startswith(b"%d 0 obj" % number)
    for length, start in ((int(m[1]), m.end()) for m in re.finditer(
        rb"/Indexed.*?/Length (\d+)\n/Filter /FlateDecode\n>>\nstream\n", pdf, re.S)):  # fmt: skip
        assert pdf[start + length :].startswith(b"\nendstream\nendobj\n")
    if not shutil.which("pdftoppm"):
        return
    path = tmp_path / "figure.pdf"
    path.write_bytes(pdf)
    command = ["pdftoppm", "-r", "150", "-png", "-singlefile", str(path), str(tmp_path / "page")]
    subprocess.run(command, check=True)
    page = QImage(str(tmp_path / "page.png")).scaled(120, 60)
    other = figure_image(spec, data).scaled(120, 60)
    differences = [
        abs(page.pixelColor(x, y).lightness() - other.pixelColor(x, y).lightness())
        for x in range(120)
        for y in range(60)
    ]
    assert np.mean(differences) < 12


# The author's figure, and the command line


def test_number_line_and_distribution_stand_side_by_side_without_titles(picture):
    svg = render_svg(replace(AUTHOR, titles=False), picture(SEED))
    found = placed(svg)
    text = words(svg)
    assert "Number line:" not in text and "Distribution:" not in text
    assert "clips 1 of 3" in text and "values per bin" in text
    # The legend names the active scheme, then there is a lane for each.
    assert [name for name, *_ in found if name in NAMES] == [NAMES[0], *NAMES]


def run(*words):
    return program.main([str(word) for word in words])


@pytest.fixture
def seed(tmp_path):
    path = tmp_path / "seed.npy"
    np.save(path, SEED)
    return path


def test_the_command_line_leaves_out_and_arranges_as_the_dialog_does(qapp, seed, tmp_path, capsys):
    out = tmp_path / "figure.svg"
    plots = ("--plot", "number-line", "--plot", "distribution", "-o", out)
    assert run("plot", seed, *plots, "--columns", 2, "--preset", "two-columns") == 0
    assert "180 × 95 mm" in capsys.readouterr().out
    whole = words(out.read_bytes())
    for option, text in (
        ("--no-title", "Number line:"), ("--no-sentence", "every other error is rounding"),
        ("--no-letters", "(b)"),
    ):  # fmt: skip
        assert text in whole
        assert run("plot", seed, *plots, "--columns", 2, "--width", 180, option) == 0
        assert text not in words(out.read_bytes())
    assert run("plot", seed, "--plot", "transfer", "--no-legend", "-o", out) == 0
    assert NAMES[1] not in words(out.read_bytes())


@pytest.mark.parametrize("key", ["number-line", "image", "waterfall"])
@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_the_new_views_are_drawn_by_their_names(qapp, seed, tmp_path, key, ending):
    out = tmp_path / f"figure{ending}"
    assert run("plot", seed, "--plot", key, "-o", out) == 0
    assert out.stat().st_size > 2000


@pytest.mark.parametrize("command", ["plot", "report"])
def test_the_waterfall_leads_where_it_is_told(qapp, seed, tmp_path, capsys, command):
    out = tmp_path / ("figure.svg" if command == "plot" else "report.md")
    figure = out if command == "plot" else tmp_path / "report-waterfall.svg"
    first, second = "int8 scale-only", "int8 symmetric"
    way = (command, seed, "--plot", "waterfall", "-o", out)

    def ends(*options):
        assert run(*way, *options) == 0, capsys.readouterr().err
        found = placed(figure.read_bytes())
        return [text for text, _, _ in found if text in ("instead of symmetric",
                                                         "instead of scale-only")]  # fmt: skip

    assert ends("--from", first, "--to", second) == ["instead of scale-only"]
    assert ends("--from", second, "--to", first) == ["instead of symmetric"]
    assert ends("--scheme", second, "--scheme", first) == ["instead of symmetric"]
    assert ends("--scheme", first, "--to", second) == ["instead of scale-only"]


def test_wrong_ends_of_a_waterfall_are_said_in_one_line(qapp, seed, tmp_path, capsys):
    out = tmp_path / "figure.svg"
    for more, said in (
        (("--plot", "waterfall", "--from", "int8 nonsense"), "--from 'int8 nonsense'"),
        (("--plot", "signal", "--to", "int8 symmetric"), "about the plot waterfall"),
    ):
        assert run("plot", seed, *more, "-o", out) == 2
        error = capsys.readouterr().err
        assert said in error and error.count("\n") == 1
        assert not out.exists()
