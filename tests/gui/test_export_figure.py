"""Every plot as a figure, in every format and both looks; and writes that fail."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFont, QImage, QPainter
from PySide6.QtWidgets import QGraphicsRectItem

from quantoscope.engine.examples import EXAMPLES, example
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.export.figure import (
    MAX_PIXELS,
    RENDERERS,
    figure_image,
    render_pdf,
    render_png,
    render_svg,
    write_figure,
)
from quantoscope.gui.export.files import ExportError, write_atomically
from quantoscope.gui.export.paint import ViewPainter
from quantoscope.gui.export.panel import plot_names
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.plots import PLOTS

KEYS = tuple(kind.key for kind in PLOTS)
SVG = "{http://www.w3.org/2000/svg}"
needs_pdftotext = pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs pdftotext")
BIG = np.random.RandomState(0).randn(1_000_000).astype(np.float32)


@pytest.fixture
def three(picture):
    return picture(example("three-numbers").make())


def texts(svg):
    """The texts of an SVG file, run together."""
    found = ElementTree.fromstring(svg).iter(f"{SVG}text")
    return " ".join("".join(node.itertext()) for node in found)


def squeezed(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("key", KEYS)
class TestEveryPlot:
    def test_png_has_its_size_its_resolution_and_its_ground(self, three, tmp_path, key, theme):
        path = tmp_path / "figure.png"
        write_figure(path, FigureSpec((key,), 85, 60, "mm", 300, theme), three)
        image = QImage(str(path))
        assert (image.width(), image.height()) == (1004, 709)
        assert image.dotsPerMeterX() == image.dotsPerMeterY() == 11811
        assert image.pixelColor(0, 0) == QColor(theme.background)
        assert image.pixelColor(1003, 708) == QColor(theme.background)
        colours = {image.pixel(x, y) for x in range(0, 1004, 3) for y in range(0, 709, 3)}
        assert len(colours) > 20

    def test_svg_has_its_size_text_clips_and_images_alone(self, three, tmp_path, key, theme):
        path = tmp_path / "figure.svg"
        write_figure(path, FigureSpec((key,), 120, 80, theme=theme), three)
        svg = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(svg)
        assert (root.get("width"), root.get("height")) == ("120mm", "80mm")
        box = [float(number) for number in root.get("viewBox").split()]
        assert box == pytest.approx([0, 0, 120 / 25.4 * 96, 80 / 25.4 * 96], abs=0.01)
        assert bool(list(root.iter(f"{SVG}image"))) == key.startswith("image")
        assert list(root.iter(f"{SVG}clipPath"))
        assert "non-scaling-stroke" not in svg
        assert "sans-serif" in svg
        self._check_texts(texts(svg), three, key)

    def test_pdf_has_one_page_of_its_size_and_text(self, three, tmp_path, key, theme):
        path = tmp_path / "figure.pdf"
        write_figure(path, FigureSpec((key,), 120, 80, theme=theme), three)
        pdf = path.read_bytes()
        assert pdf.startswith(b"%PDF-")
        x0, y0, x1, y1 = map(float, re.search(rb"/MediaBox \[([^]]*)\]", pdf)[1].split())
        assert (x1 - x0, y1 - y0) == pytest.approx((120 / 25.4 * 72, 80 / 25.4 * 72), abs=0.01)
        assert pdf.count(b"/Type /Page\n") == 1
        assert (b"/Subtype /Image" in pdf) == key.startswith("image")
        assert b"/FontFile2" in pdf or b"/FontFile3" in pdf

    @needs_pdftotext
    def test_the_text_of_a_pdf_can_be_searched(self, three, tmp_path, key, theme):
        path = tmp_path / "figure.pdf"
        write_figure(path, FigureSpec((key,), 120, 80, theme=theme), three)
        command = ["pdftotext", "-raw", str(path), "-"]
        output = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        self._check_texts(output, three, key)

    @staticmethod
    def _check_texts(text, data, key):
        text = squeezed(text)
        assert squeezed(TITLES[key]) in text
        for label in LABELS[key]:
            assert squeezed(label) in text
        alone = {"distribution": SCHEMES[:1], "calibration": SCHEMES[:1], "difference": SCHEMES[:2]}
        alone["waterfall"] = SCHEMES[::2]
        alone |= {"image": SCHEMES[:1], "image-beside": SCHEMES[:1]}
        names = alone.get(key, SCHEMES)
        for name in names:
            assert squeezed(name) in text

    def test_no_text_leaves_the_figure(self, three, key, theme):
        svg = render_svg(FigureSpec((key,), 85, 60, theme=theme), three).decode()
        width, height = 85 / 25.4 * 96, 60 / 25.4 * 96
        for node in ElementTree.fromstring(svg).iter(f"{SVG}text"):
            x, y = float(node.get("x")), float(node.get("y"))
            if x >= 0:  # turned texts count from elsewhere
                assert 0 <= x <= width and 0 <= y <= height


SCHEMES = [f"int8 {m}" for m in ("scale-only", "symmetric", "asymmetric")]
TITLES = {
    "number-line": "Number line: R above, codes Q below",
    "image": "Image: every value at its place",
    "image-beside": "Image beside: another quantity",
    "signal": "Signal: R",
    "error": "Error: R′ − R",
    "distribution": "Distribution: values R below, codes Q above",
    "transfer": "Transfer: from R to R′",
    "codes": "Codes: how often each code is used",
    "calibration": "Calibration: the cost of clipping at ±T",
    "channels": "Channels: what each channel or group loses",
    "difference": "Difference: where two schemes differ, and why",
    "waterfall": "Why: from one scheme to another, choice by choice",
    "bits": "Bits: SQNR against bits per value",
}
LABELS = {
    "number-line": ["clips 1 of 3", "21.2 dB", "27 codes unused", "Z = -16", "-1.01618"],
    "image": ["column #", "row #", "max |R|"],
    "image-beside": ["column #", "row #", "RMS error", "dB"],
    "signal": ["position #", "value (unit of R)"],
    "error": ["position #", "error (S)", "±S/2"],
    "distribution": [
        "value R (unit of R)",
        "values per bin",
        "code Q",
        "Rmin",
        "Rmax",
        "-128…-113",
    ],
    "transfer": ["value R (unit of R)", "reconstructed R′"],
    "codes": ["code Q", "values per code"],
    "calibration": ["threshold T (unit of R)", "MSE (unit of R)²", "entropy", "minmax"],
    "channels": ["channel, by rank #", "SQNR (dB)"],
    "difference": ["position #", "R′₂ − R′₁ (unit of R)"],
    "waterfall": ["SQNR (dB)", "asymmetric", "instead of scale-only", "+35.6", "8 bits / value"],
    "bits": ["bits per value", "SQNR (dB)", "6.02 dB per bit"],
}


def test_the_tables_above_name_every_plot():
    assert set(TITLES) == set(LABELS) == set(KEYS)


def test_names_of_plots_are_what_their_titles_begin_with():
    names = {key: name.rstrip("?") for key, name in plot_names().items()}
    assert names == {key: title.partition(":")[0] for key, title in TITLES.items()}


@pytest.mark.parametrize("ending", RENDERERS)
def test_all_plots_fit_into_one_figure_in_their_order(three, tmp_path, ending):
    path = tmp_path / f"all{ending}"
    write_figure(path, FigureSpec(KEYS, 180, 520), three)
    assert path.stat().st_size > 10_000
    if ending == ".svg":
        found = texts(path.read_bytes())
        places = [found.index(TITLES[key].partition(":")[0] + ":") for key in KEYS]
        assert places == sorted(places)
        # One legend for all, on top; lanes have the names once more.
        svg = ElementTree.fromstring(path.read_bytes())
        written = [node.text for node in svg.iter(f"{SVG}text")]
        legend = written[: written.index("(a)")]
        assert legend == ["R", *SCHEMES]


@pytest.mark.parametrize("key", [entry.key for entry in EXAMPLES])
def test_every_example_can_be_exported(picture, key):
    entry = example(key)
    data = picture(entry.make(), entry.parsed_schemes())
    assert b"</svg>" in render_svg(FigureSpec(KEYS, 180, 520), data)


@pytest.mark.parametrize(
    "values",
    [[], [1.0], [np.nan, np.nan], [np.inf, 1.0, -np.inf, np.nan], [3e38, -3e38], [1e-45, 0]],
    ids=["none", "one", "nan", "infinite", "huge", "tiny"],
)
def test_odd_values_can_be_exported(picture, values):
    data = picture(np.array(values, np.float32))
    svg = render_svg(FigureSpec(KEYS, 180, 520), data).decode()
    assert not re.search(r'[\s",](nan|inf)[\s",]', svg)


def test_a_figure_without_schemes_shows_the_values(picture):
    data = picture([1.0, 2.0], ())
    found = texts(render_svg(FigureSpec(KEYS, 180, 520), data))
    assert "value (unit of R)" in found


def test_a_million_values_make_a_small_file(picture):
    data = picture(BIG)
    assert len(render_svg(FigureSpec(("signal", "error"), 180, 120), data)) < 400_000
    assert len(render_pdf(FigureSpec(("signal", "error"), 180, 120), data)) < 200_000


def test_far_off_values_keep_their_precision(picture):
    base = np.float64(1e9)
    data = picture(base + np.linspace(0, 1, 200), ())
    svg = render_svg(FigureSpec(("signal",), 120, 80), data).decode()
    paths = re.findall(r'points="([^"]*)"', svg) + re.findall(r' d="([^"]*)"', svg)
    longest = max(paths, key=len)
    heights = {float(y) for y in re.findall(r"[\d.]+,([\d.]+)", longest)}
    assert len(heights) > 150


def test_a_pen_is_one_point_thick_in_all_formats(three):
    spec = FigureSpec(("transfer",), 120, 80)
    svg = render_svg(spec, three).decode()
    widths = {float(width) for width in re.findall(r'stroke-width="([\d.]+)"', svg)}
    assert any(abs(width - 96 / 72) < 0.01 for width in widths)
    # A dash-less vertical line of the clipping range at 600 dpi: 2 points are 17 pixels.
    image = figure_image(FigureSpec(("distribution",), 120, 80, dpi=600), three)
    colour = LIGHT.colour(three.active.entry.colour)
    row = [image.pixelColor(x, image.height() * 2 // 3) for x in range(image.width())]
    runs = re.findall("1+", "".join("1" if near(c, colour) else "0" for c in row))
    assert max(map(len, runs)) in range(15, 20)


def near(a, b):
    return sum(abs(x - y) for x, y in zip(a.getRgb(), b.getRgb(), strict=True)) < 30


def test_letters_are_as_large_on_paper_at_every_resolution(three):
    small = figure_image(FigureSpec(("signal",), 100, 70, dpi=100), three)
    large = figure_image(FigureSpec(("signal",), 100, 70, dpi=400), three)
    shrunk = large.scaled(small.size()).convertToFormat(QImage.Format.Format_Grayscale8)
    grey = small.convertToFormat(QImage.Format.Format_Grayscale8)

    def ink(image):
        pixels = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        return 255.0 - pixels[:, : image.width()]

    blocks = [
        a[: 270 // 9 * 9, : 390 // 13 * 13].reshape(30, 9, 30, 13).mean((1, 3))
        for a in (ink(shrunk), ink(grey))
    ]
    assert np.corrcoef(blocks[0].ravel(), blocks[1].ravel())[0, 1] > 0.97


def test_unused_codes_are_hatched_with_lines(three):
    svg = render_svg(FigureSpec(("codes",), 120, 80), three).decode()
    assert "<pattern" not in svg
    hatch = [
        group for group in re.findall(r"<g [^>]*>\s*<path[^>]*>", svg) if "#c1121f" in group.lower()
    ]
    assert any(group.count("M") > 10 for group in hatch)


@pytest.mark.parametrize("reach", [1e6, 1e30, 4e306])
def test_an_area_that_reaches_far_beyond_the_view_fills_the_view(qapp, reach):
    image = QImage(40, 30, QImage.Format.Format_RGB32)
    image.fill(QColor("white"))
    painter = QPainter(image)
    view = ViewPainter(painter, QRectF(0, 0, 40, 30), (0.0, 1e-3), (0.0, 1.0), QFont(), 1.0)
    item = QGraphicsRectItem(-reach, -reach, 2 * reach, 2 * reach)
    for style in (Qt.BrushStyle.SolidPattern, Qt.BrushStyle.BDiagPattern):
        item.setBrush(QBrush(QColor("red"), style))
        view._area(item)
    item.setRect(float("nan"), 0, 1, 1)
    view._area(item)
    painter.end()
    assert {image.pixelColor(x, y).name() for x in (0, 20, 39) for y in (0, 29)} == {"#ff0000"}


def test_pixels_are_exact_and_dpi_sets_the_size_of_letters(three):
    spec = FigureSpec(("signal",), 1000, 700, "px", 200)
    assert QImage.fromData(render_png(spec, three)).size() == QSize(1000, 700)
    assert spec.inches(raster=True) == (5, 3.5)
    svg = ElementTree.fromstring(render_svg(replace(spec, width=640), three))
    assert (svg.get("width"), svg.get("height")) == ("640px", "700px")


def test_the_chosen_value_is_marked_when_asked_for(three):
    assert three.chosen == 0
    plain = render_svg(FigureSpec(("signal",)), three)
    marked = render_svg(FigureSpec(("signal",), mark_chosen=True), three)
    assert len(marked) > len(plain)


def test_a_figure_that_is_too_small_says_what_would_do(three):
    with pytest.raises(ExportError) as caught:
        render_svg(FigureSpec(KEYS, 60, 40), three)
    width, height = map(float, re.findall(r"(\d+) × (\d+) mm", str(caught.value))[0])
    assert render_svg(FigureSpec(KEYS, width, height), three)


def test_a_figure_without_plots_or_too_many_pixels_is_refused(three):
    with pytest.raises(ExportError, match="at least one"):
        render_svg(FigureSpec(()), three)
    with pytest.raises(ExportError, match="too large"):
        figure_image(FigureSpec(("signal",), MAX_PIXELS, 2, "px"), three)


def test_names_too_long_for_the_figure_are_cut_short(picture, three):
    series = tuple(
        replace(s, entry=replace(s.entry, label="a long name " * 20)) for s in three.series
    )
    found = texts(render_svg(FigureSpec(("signal",), 85, 80), replace(three, series=series)))
    assert "…" in found


# Failing writes


@contextmanager
def full_disk():
    """No file may grow beyond 1000 bytes; as short as can be, since that includes a test log."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("ending", RENDERERS)
def test_a_full_disk_leaves_the_old_file_and_nothing_else(three, tmp_path, ending):
    path = tmp_path / f"figure{ending}"
    path.write_bytes(b"old")
    with pytest.raises(ExportError, match="cannot be written"), full_disk():
        write_figure(path, FigureSpec(("signal",)), three)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_missing_or_in_the_way_is_named(three, tmp_path):
    with pytest.raises(ExportError, match="folder does not exist"):
        write_figure(tmp_path / "nowhere" / "x.png", FigureSpec(("signal",)), three)
    (tmp_path / "x.png").mkdir()
    with pytest.raises(ExportError, match="it is a folder"):
        write_figure(tmp_path / "x.png", FigureSpec(("signal",)), three)
    assert [p.name for p in tmp_path.iterdir()] == ["x.png"]


def test_an_ending_that_is_no_format_is_refused(three, tmp_path):
    with pytest.raises(ExportError, match=r"\.gif is not a figure format"):
        write_figure(tmp_path / "x.gif", FigureSpec(("signal",)), three)


def test_a_writer_that_breaks_off_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("old")

    def write(stream):
        stream.write(b"half")
        raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
