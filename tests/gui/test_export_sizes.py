"""Presets, text in points, and parts of plots in figures."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF, QImage

from quantoscope.engine.examples import example
from quantoscope.gui.common.settings import Settings
from quantoscope.gui.export import choices
from quantoscope.gui.export.figure import figure_image, render_svg, write_figure
from quantoscope.gui.export.files import ExportError
from quantoscope.gui.export.lettering import font_of
from quantoscope.gui.export.part import looks_of
from quantoscope.gui.export.presets import PRESET, PRESETS
from quantoscope.gui.export.spec import FigureSpec, Look
from quantoscope.gui.plots import PLOTS
from tests.gui.plot_bench import ZOOMED

KEYS = tuple(kind.key for kind in PLOTS)
SVG = "{http://www.w3.org/2000/svg}"
SEED = example("three-numbers").make()
RAMP = np.linspace(-1, 1, 1000, dtype=np.float32)


def nodes(svg):
    return list(ElementTree.fromstring(svg).iter(f"{SVG}text"))


def words(svg):
    return ["".join(node.itertext()).strip() for node in nodes(svg)]


def sizes(svg):
    """The sizes in points of the texts in an SVG, by how they are drawn."""
    groups = re.findall(r"<g ([^>]*)>\s*<text", svg.decode())
    found = set()
    for group in groups:
        matrix = re.search(r"matrix\(([^)]*)\)", group)
        a, b, *_ = map(float, matrix[1].split(",")) if matrix else (1.0, 0.0)
        found.add(round(float(re.search(r'font-size="([\d.]+)"', group)[1]) * np.hypot(a, b), 2))
    return found


def spec_of(preset, plots, keys, **options):
    per = 25.4 if preset.unit == "in" else 1.0
    size = preset.width / per, preset.height_for(plots) / per
    points = preset.points_for(plots)
    return FigureSpec(keys, *size, preset.unit, preset.dpi, points=points, **options)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
@pytest.mark.parametrize("plots", [1, 2, 3, 5, 8])
def test_every_preset_has_room_for_any_number_of_plots(picture, preset, plots):
    spec = spec_of(preset, plots, KEYS[:plots])
    assert b"</svg>" in render_svg(spec, picture(SEED))


@pytest.mark.parametrize(
    ("key", "pixels"),
    [("slide", (1920, 1080)), ("half-slide", (960, 1080)), ("column", (1004, 768))],
)
def test_a_preset_gives_the_pixels_that_its_name_promises(picture, tmp_path, key, pixels):
    path = tmp_path / "figure.png"
    write_figure(path, spec_of(PRESET[key], 1, ("signal",)), picture(SEED))
    image = QImage(str(path))
    assert image.width() == pixels[0]
    assert key == "column" or image.height() == pixels[1]


@pytest.mark.parametrize("points", [6.0, 8.5, 24.0])
def test_text_has_the_points_that_are_asked_for_and_titles_a_share_more(picture, points):
    svg = render_svg(FigureSpec(("signal",), 400, 300, points=points), picture(SEED))
    per_point = 96 / 72
    found = sorted(sizes(svg))
    assert found == pytest.approx([points * per_point, points * per_point * 10 / 8.5], abs=0.2)


def test_pens_and_symbols_grow_with_the_text(picture):
    data = picture(SEED)

    def pens(points):
        svg = render_svg(FigureSpec(("transfer",), 400, 300, points=points), data).decode()
        return max(float(width) for width in re.findall(r'stroke-width="([\d.]+)"', svg))

    assert pens(17.0) == pytest.approx(2 * pens(8.5), rel=0.01)


@pytest.mark.parametrize("points", [6.0, 24.0])
def test_no_text_leaves_the_figure_whatever_its_size(picture, points):
    scale = points / 8.5
    spec = FigureSpec(("distribution",), 120 * scale, 80 * scale, points=points)
    svg = render_svg(spec, picture(SEED))
    for node in nodes(svg):
        x, y = float(node.get("x")), float(node.get("y"))
        if x >= 0:  # turned texts count from elsewhere
            assert x <= 120 * scale / 25.4 * 96 and y <= 80 * scale / 25.4 * 96


def test_too_large_a_text_is_said_with_its_points_and_the_size_that_would_do(picture):
    data = picture(SEED)
    with pytest.raises(ExportError, match=r"text of 24 pt") as caught:
        render_svg(FigureSpec(("signal",), 60, 40, points=24), data)
    width, height = map(float, re.findall(r"(\d+) × (\d+) mm", str(caught.value))[0])
    assert render_svg(FigureSpec(("signal",), width, height, points=24), data)


def test_inches_are_written_as_inches(picture):
    svg = ElementTree.fromstring(render_svg(FigureSpec(("signal",), 3.5, 3, "in"), picture(SEED)))
    assert (svg.get("width"), svg.get("height")) == ("3.5in", "3in")


# Parts of plots


def test_a_part_of_the_positions_is_drawn_and_named(picture):
    data = picture(RAMP)
    svg = render_svg(FigureSpec(("signal",), looks={"signal": Look((200.0, 300.0))}), data)
    found = words(svg)
    ticks = [int(word) for word in found if word.isdigit()]
    assert min(ticks) >= 200 and max(ticks) <= 300 and len(ticks) >= 3
    assert "Shown: positions 200 to 300 of 0…999; the sentence above is about all values." in found
    # The values axis follows what is shown: −0.6 to −0.4 of −1 to 1.
    numbers = [float(w) for w in found if re.fullmatch(r"-?0?\.\d+", w)]
    assert numbers and all(-0.65 < number < -0.35 for number in numbers)


def test_the_whole_says_nothing_of_parts(picture):
    for look in ({}, {"signal": Look((-50.0, 2000.0), (-3.0, 3.0))}):
        assert "Shown" not in " ".join(words(render_svg(FigureSpec(("signal",), looks=look),
                                                         picture(RAMP))))  # fmt: skip


def test_parts_of_several_plots_are_each_their_own(picture):
    looks = {"signal": Look((0.0, 10.0)), "transfer": Look((-0.5, 0.5), (-0.25, 0.25)),
             "codes": Look((-20.0, 20.0), (0.0, 2.0))}  # fmt: skip
    svg = render_svg(FigureSpec(("signal", "error", "transfer", "codes"), 180, 240, looks=looks),
                     picture(RAMP))  # fmt: skip
    text = " ".join(words(svg))
    assert text.count("is about all values") == 3
    assert "Shown: positions 0 to 10 of 0…999" in text
    assert "Shown: values from -0.5 to 0.5" in text
    assert "A part is shown" in text


def test_a_logarithmic_axis_names_thresholds_not_their_logarithms(picture):
    looks = {"calibration": Look((-1.0, -0.5))}
    found = " ".join(words(render_svg(FigureSpec(("calibration",), looks=looks), picture(RAMP))))
    assert "Shown: thresholds from 0.1 to 0.3162;" in found


def test_names_of_what_lies_outside_the_part_are_left_out(picture):
    looks = {"distribution": Look((-0.5, 0.5))}
    data = picture(RAMP)
    whole = " ".join(words(render_svg(FigureSpec(("distribution",)), data)))
    part = " ".join(words(render_svg(FigureSpec(("distribution",), looks=looks), data)))
    assert "Rmin" in whole and "Rmin" not in part
    assert "Rmax" in whole and "Rmax" not in part


def test_a_figure_of_a_part_differs_from_that_of_the_whole(picture):
    data = picture(RAMP)
    for key in ZOOMED:
        whole = figure_image(FigureSpec((key,), 120, 90, dpi=60), data)
        part = figure_image(
            FigureSpec((key,), 120, 90, dpi=60, looks={key: Look((0.1, 0.4))}), data
        )
        assert whole != part, key


def test_plots_of_a_window_hand_over_what_they_show(open_lean_window, qtbot):
    window = open_lean_window(RAMP, "int8 symmetric")
    signal = window.plots["signal"]
    assert looks_of({"signal": signal.plot})["signal"].x is None
    signal.plot.follow_x = False
    signal.widget.setXRange(100, 200, padding=0)
    looks = looks_of({"signal": signal.plot})
    assert looks["signal"].x == (100, 200)
    assert looks["signal"].y is None
    # What has never been seen would show the same stretch.
    assert looks["error"].x == (100, 200)
    assert "codes" not in looks


def test_a_size_that_cannot_be_read_is_the_usual_one(qapp):
    settings = Settings()
    for text in ("x y mm", "10", "-1 5 mm 8", "10 10 mm 999", "nan nan mm"):
        settings.remember("export/size-1", text)
        assert choices.remembered_size(settings, 1) == choices.default_size(1)
    settings.remember("export/preset", "no such")
    assert choices.remembered_size(settings, 1) == choices.default_size(1)
    settings.remember("export/size-1", "90 60 mm")
    assert choices.remembered_size(settings, 1) == choices.Size(90, 60)


def test_a_zoomed_plot_is_exported_as_the_window_shows_it(
    open_lean_window, person, dialog, qtbot, tmp_path
):
    window = open_lean_window(RAMP, "int8 symmetric")
    window.settings.remember("export/folder", str(tmp_path))
    pane = window.plots["signal"]
    pane.setFocus()
    for _ in range(6):
        person.press("+")
    x0, x1 = pane.widget.viewRange()[0]
    assert x1 - x0 < 400

    def export(box):
        box.form.format.setCurrentIndex(box.form.format.findData(".svg"))
        box.form.shown.setCurrentIndex(box.form.shown.findData(choices.VISIBLE))
        person.click(box.write)

    with dialog(export):
        window.export_actions.export("signal")
    found = " ".join(words((tmp_path / "array-signal.svg").read_bytes()))
    assert f"Shown: positions {np.ceil(x0):.0f} to {np.floor(x1):.0f} of 0…999" in found


@pytest.mark.parametrize("size", [(85, 80), (180, 48), (120, 60)])
@pytest.mark.parametrize("key", ["three-numbers", "gaussian-weights"])
def test_no_label_hides_another(picture, key, size):
    svg = render_svg(FigureSpec(("calibration",), *size, points=8), picture(example(key).make()))
    font = font_of(8)
    metrics = QFontMetricsF(font)
    names = ("entropy", "minmax", "mse", "percentile(99.9)")
    boxes = []
    for node in nodes(svg):
        text = "".join(node.itertext()).strip()
        if text in names or text.startswith(("T 0", "T 1", "KL divergence (nats)")):
            x, y = float(node.get("x")), float(node.get("y"))
            high = metrics.ascent()
            boxes.append((text, QRectF(x, y - high, metrics.horizontalAdvance(text), high)))
    # Low views have no room for the divergence.
    assert len(boxes) == (6 if size == (85, 80) else 5)
    for place, (name, box) in enumerate(boxes):
        for other, there in boxes[:place]:
            assert not box.intersects(there), (name, other)
