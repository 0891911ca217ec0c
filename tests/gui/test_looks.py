"""Colours, line styles, widths and markers: whose they are, in every plot, figure and theme."""

import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pyqtgraph as pg
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QStandardItemModel
from PySide6.QtWidgets import QApplication, QStyleOptionViewItem

from quantoscope.engine import Scheme, evaluate
from quantoscope.engine.analysis.glance import Glance
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.export.figure import render_svg
from quantoscope.gui.export.headless import picture
from quantoscope.gui.export.panel import Panel
from quantoscope.gui.export.spec import FigureSpec
from quantoscope.gui.models.tensors import GLANCE, HISTOGRAM
from quantoscope.gui.panes.tensor_cells import HistogramDelegate
from quantoscope.gui.plots.items import Straight
from tests.gui.plot_bench import KEYS, KINDS, OF_VALUES, THREE, noise

Styles = Qt.PenStyle
SOLID, DASHED, DOTTED = Styles.SolidLine, Styles.DashLine, Styles.DotLine
COLOURS = {
    "A": ("#B0558C", "#DD8FBB"),
    "B": ("#0072B2", "#56A5E9"),
    "C": ("#3A96C9", "#8AD0F5"),
    "first": ("#D55E00", "#F08A3C"),
    "ink": ("#1F2328", "#E6EAEE"),
    "muted": ("#57606A", "#A0A9B4"),
    "grid": ("#D0D7DE", "#3A424C"),
    "alarm": ("#C1121F", "#FF6B6B"),
    "ground": ("#FFFFFF", "#15181C"),
    "chosen": ("#0B63C5", "#5AA2F0"),
}
"""In the light and in the dark, written down once more."""
PLACES = {"A": (3, 1, 6), "B": (1, 4, 2), "C": (5, 2, 0)}
"""The colour, line and marker of each scheme; no scheme has one number twice."""
OWN = {"A": DASHED, "B": Styles.DashDotDotLine, "C": DOTTED}
DASHES = {"A": (4, 2), "B": (4, 2, 1, 2, 1, 2), "C": (1, 2)}
MARKERS = {"A": "+", "B": "d", "C": "o"}
NAMES = dict(zip(THREE, "ABC", strict=True))
CHOSEN = 5
"""One of 12 values that no scheme clips."""


@lru_cache
def shown(count, schemes=THREE):
    """What plots show of so many values; the second scheme is the active one."""
    _, data = picture(noise(count), [Scheme.parse(text) for text in schemes], True)
    series = []
    for one, name in zip(data.series, "ABC", strict=False):
        colour, line, marker = PLACES[name]
        entry = replace(one.entry, colour=colour, line=line, marker=marker)
        series.append(replace(one, entry=entry))
    pair = tuple(one.entry for one in series[:2])
    active = series[min(1, len(series) - 1)]
    return replace(data, series=tuple(series), active=active, chosen=CHOSEN, pair=pair)


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def theme(request):
    return request.param


@pytest.fixture
def drawn(qapp):
    """``drawn(key, data, theme)``: a plot of 600 by 300 pixels, of the figures' own kind."""
    panels = []

    def make(key, data, theme):
        panel = Panel(KINDS[key], data, theme, 1.0)
        panels.append(panel)
        panel.place(QRectF(0, 0, 600, 300))
        return panel.plot

    yield make
    for panel in panels:
        panel.close()
    # pytest would keep them.
    panels.clear()


def spoken(data, key):
    """The name of an item, with its scheme by its letter."""
    letters = {one.entry.uid: name for one, name in zip(data.series, "ABC", strict=False)}
    parts = key[1] if isinstance(key[1], tuple) else (key[1],)
    if parts[0] in letters:
        parts = (letters[parts[0]], *parts[1:])
    return " ".join(str(part) for part in parts)


def items(plot, data, kind):
    return {spoken(data, key): item for key, item in plot._items.items() if isinstance(item, kind)}


def said(pen):
    return pen.color().name().upper(), pen.style(), pen.widthF()


def look(theme, whose, width=1.0, style=None, alpha=1.0):
    """What a pen ought to look like."""
    return mixed(theme, whose, alpha), style or OWN.get(whose, SOLID), width


def colour(theme, whose):
    return COLOURS[whose][int(theme.dark)]


def mixed(theme, whose, alpha):
    """The colour that lies on the ground as a translucent one would."""
    over, under = QColor(colour(theme, whose)), QColor(colour(theme, "ground"))
    pairs = zip(over.getRgb()[:3], under.getRgb()[:3], strict=True)
    return QColor(*(round(alpha * a + (1 - alpha) * b) for a, b in pairs)).name().upper()


LINES = {
    ("signal", 12): {"R stems": "ink", "A stems": "A", "B stems": "B", "C stems": "C"},
    # Noise: a dash per value, of R and of R′, in a lane per scheme.
    ("signal", 300): {f"{s} R": ("ink", 2.0) for s in "ABC"}
    | {s: (s, 2.0, SOLID) for s in "ABC"}
    | {"floors": "grid", "zeros": "grid"},
    ("signal", 5000): {f"{s} ends": s for s in "ABC"} | {"floors": "grid", "zeros": "grid"},
    ("error", 12): {"A stems": "A", "B stems": "B", "C stems": "C"},
    ("error", 300): {},
    ("error", 5000): {},
    ("distribution", 12): {f"{s} row": "grid" for s in "ABC"}
    | {f"{s} codes used": (s, 1.0, SOLID) for s in "ABC"}
    | {f"{s} codes idle": (s, 1.0, SOLID, 0.45) for s in "ABC"},
    ("transfer", 12): {"identity": "muted", "A": "A", "B": ("B", 2.0), "C": "C"},
    # A lane per scheme.
    ("codes", 12): {f"{s} floor": "grid" for s in "ABC"} | {f"{s} chosen": "muted" for s in "ABC"},
    ("calibration", 12): {
        "rounding": ("B", 1.0, DASHED),
        "clipping": ("alarm", 1.0, DASHED),
        "total": ("B", 2.0, SOLID),
        "KL": "muted",
        "KL lone": ("muted", 2.0),
        "KL border": "grid",
    },
    ("channels", 12): {"A": "A", "B": ("B", 2.0), "C": "C"},
    ("difference", 12): {"0": "ink"},
    # It has marks of its own: see test_number_line_layout.py.
    ("number-line", 12): {},
    ("waterfall", 12): {
        "bars grid": "grid",
        "floor": "muted",
        "start edge": ("A", 3.0),
        "gain 0 outline": "muted",
        "joins": ("muted", 1.0, DOTTED),
        "end edge": ("B", 3.0),
    },
    ("bits", 12): {"best": "muted", "slope": ("muted", 1.0, DASHED)},
    ("image", 300): {"chosen ground": ("ground", 4.0), "chosen": ("chosen", 2.0)},
    ("image-beside", 300): {"chosen ground": ("ground", 4.0), "chosen": ("chosen", 2.0)},
}
EDGES = {f"{s} edges": (s, 1.0, SOLID) for s in "ABC"} | {"zeros": "grid"}


@pytest.mark.parametrize(("key", "count"), LINES)
def test_every_line_has_the_colour_style_and_width_of_what_it_shows(drawn, theme, key, count):
    data = shown(count)
    plot = drawn(key, data, theme)
    expected = LINES[key, count] | (EDGES if key == "error" else {})
    found = items(plot, data, pg.PlotCurveItem)
    assert {name: said(item.opts["pen"]) for name, item in found.items()} == {
        name: look(theme, *([what] if isinstance(what, str) else what))
        for name, what in expected.items()
    }


def test_the_tables_above_name_every_plot():
    assert {key for key, _ in LINES} == set(KEYS)


@pytest.mark.parametrize("key", [key for key in OF_VALUES if key != "number-line"])
def test_the_chosen_value_and_zero_are_marked_by_thin_lines_in_quiet_colours(drawn, theme, key):
    # Cells of few show their numbers, between which lines would be in the way.
    data = shown(300 if key.startswith("image") else 12)
    rules = items(drawn(key, data, theme), data, Straight)
    if key == "codes":  # marked in each lane, by a line among those above
        assert not rules
        return
    if key.startswith("image"):
        looks = {name: said(rule.pen) for name, rule in rules.items()}
        assert looks == dict.fromkeys(("column", "row"), look(theme, "chosen"))
        return
    assert said(rules.pop("chosen").pen) == look(theme, "muted")
    zero = {"signal": "grid", "channels": "grid", "difference": "muted"}
    if key in zero:
        assert said(rules.pop("zero").pen) == look(theme, zero[key])
    for rule in rules.values():  # where each method would clip
        assert key == "calibration"
        assert said(rule.pen) == look(theme, "muted", 1.0, DOTTED)


@pytest.mark.parametrize("key", ["signal", "error", "transfer", "channels"])
def test_every_scheme_has_its_own_marker_in_its_own_colour(drawn, theme, key):
    data = shown(12)
    found = items(drawn(key, data, theme), data, pg.ScatterPlotItem)
    for name in "ABC":
        opts = found[f"{name} values" if key == "transfer" else name].opts
        assert opts["symbol"] == MARKERS[name]
        assert opts["brush"].color().name().upper() == colour(theme, name)
        assert said(opts["pen"]) == (colour(theme, name), SOLID, 1.0)
    if key == "signal":
        assert found["R"].opts["symbol"] == "o"
        assert found["R"].opts["brush"].color().name().upper() == colour(theme, "ink")


def test_schemes_are_points_of_their_own_in_bits_and_hollow_if_beaten(drawn, theme):
    data = shown(12)
    found = items(drawn("bits", data, theme), data, pg.ScatterPlotItem)
    figures = [one.figures["sqnr"] for one in data.series]
    for name, sqnr in zip("ABC", figures, strict=True):
        opts = found[name].opts
        assert (opts["symbol"], said(opts["pen"])[0]) == (MARKERS[name], colour(theme, name))
        hollow = opts["brush"].style() == Qt.BrushStyle.NoBrush
        assert hollow == (sqnr < max(figures))
        assert [axis.tolist() for axis in found[name].getData()] == [[8], [pytest.approx(sqnr)]]


def test_both_ends_of_a_waterfall_wear_their_scheme_and_choices_none(drawn, theme):
    data = shown(12)
    plot = drawn("waterfall", data, theme)
    markers = items(plot, data, pg.ScatterPlotItem)
    areas = items(plot, data, pg.QtWidgets.QGraphicsRectItem)
    for end, whose in (("start", "A"), ("end", "B")):
        opts = markers[f"{end} marker"].opts
        assert (opts["symbol"], said(opts["pen"])[0]) == (MARKERS[whose], colour(theme, whose))
        assert areas[end].brush().color().name().upper() == colour(theme, whose)
    assert areas["gain 0"].brush().color().name().upper() == colour(theme, "muted")


@pytest.mark.parametrize("key", ["signal", "error"])
@pytest.mark.parametrize("count", [12, 5000])
def test_a_clipped_value_carries_a_triangle_in_the_colour_of_its_scheme(drawn, theme, key, count):
    data = shown(count)
    found = items(drawn(key, data, theme), data, pg.ScatterPlotItem)
    triangles = {
        name: item for name, item in found.items() if not isinstance(item.opts["symbol"], str)
    }
    assert triangles
    for name, item in triangles.items():
        assert said(item.opts["pen"])[0] == colour(theme, name[0])
        assert item.opts["brush"].color().name().upper() == colour(theme, name[0])


@pytest.mark.parametrize("key", ["signal", "error"])
def test_a_clipped_value_carries_its_triangle_instead_of_the_marker(drawn, key):
    data = shown(12)
    found = items(drawn(key, data, LIGHT), data, pg.ScatterPlotItem)
    clipped = 0
    for name in "ABC":
        markers = set(found[name].getData()[0].tolist())
        triangles = {
            x
            for sign in (1, -1)
            if f"{name} {sign}" in found
            for x in found[f"{name} {sign}"].getData()[0].tolist()
        }
        assert not markers & triangles
        assert len(markers) + len(triangles) == 12
        clipped += len(triangles)
    assert clipped


@pytest.mark.parametrize(
    ("key", "count", "name", "whose", "alpha"),
    [
        ("signal", 5000, "R", "ink", 0.2),
        ("distribution", 300, "R", "ink", 0.4),
        ("codes", 300, "", "", 0.75),
        ("channels", 300, "active", "B", 0.3),
        ("difference", 5000, "0", "ink", 0.3),
    ],
)
def test_bars_have_the_colour_of_what_they_show(drawn, theme, key, count, name, whose, alpha):
    data = shown(count)
    bars = items(drawn(key, data, theme), data, pg.BarGraphItem)
    others = [other for other in bars if other.partition(" ")[2] != "codes" and other != "kept"]
    # In a lane per scheme.
    names = [f"{scheme} {name}".strip() for scheme in "ABC"]
    names = names if key in ("signal", "codes") else [name]
    assert others == names
    for name in names:
        brush = bars[name].opts["brush"]
        assert brush.color().name().upper() == mixed(theme, whose or name, alpha)


def test_two_schemes_share_one_view_of_codes_and_one_of_the_signal(drawn, theme):
    data = shown(300, THREE[:2])
    plot = drawn("codes", data, theme)
    assert list(items(plot, data, pg.BarGraphItem)) == ["active"]
    found = items(plot, data, pg.PlotCurveItem)
    assert {name: said(item.opts["pen"]) for name, item in found.items()} == {"A": look(theme, "A")}
    found = items(drawn("signal", data, theme), data, pg.PlotCurveItem)
    assert {name: said(item.opts["pen"]) for name, item in found.items()} == {
        "R": look(theme, "ink", 2.0),
        **{name: look(theme, name, 2.0, SOLID) for name in "AB"},
    }


@pytest.mark.parametrize("key", ["signal", "difference", "error"])
def test_dots_have_the_colour_of_what_lies_in_them(drawn, theme, key):
    data = shown(5000)
    dots = items(drawn(key, data, theme), data, pg.ImageItem)
    whose = {
        "signal": {f"{s} density": s for s in "ABC"} | {f"{s} R density": "ink" for s in "ABC"},
        "difference": {"0 density": "ink"},
        "error": {f"{s} density": s for s in "ABC"},
    }[key]
    assert set(dots) == set(whose)
    for name, what in whose.items():
        pixels = dots[name].image
        seen = np.unique(pixels[pixels[..., 3] > 0][:, :3], axis=0).tolist()
        assert seen == [list(QColor(colour(theme, what)).getRgb()[:3])]


@pytest.mark.parametrize("key", ["error", "distribution", "codes"])
def test_areas_have_the_colour_of_their_scheme_or_of_alarm(drawn, theme, key):
    data = shown(12)
    areas = items(drawn(key, data, theme), data, pg.QtWidgets.QGraphicsRectItem)
    solid, hatched = Qt.BrushStyle.SolidPattern, Qt.BrushStyle.BDiagPattern
    unused = {"unused low": ("alarm", 1.0, hatched), "unused ground low": ("alarm", 0.08, solid)}
    expected = unused
    if key == "error":
        expected = {f"{s} band": (s, 0.1, solid) for s in "ABC"}
        expected["A strip"] = ("alarm", 0.12, solid)
    elif key == "codes":
        expected = {f"{s} {name}": what for s in "AB" for name, what in unused.items()}
    elif key == "distribution":
        # The third scheme has no unused end.
        expected = {f"{s} {name}": what for s in "AB" for name, what in unused.items()}
        expected["B row"] = ("B", 0.08, solid)
    assert set(areas) == set(expected)
    for name, (whose, alpha, style) in expected.items():
        brush = areas[name].brush()
        assert brush.color().name().upper() == colour(theme, whose)
        assert brush.color().alphaF() == pytest.approx(alpha, abs=0.005)
        assert brush.style() == style


def test_the_band_of_rounding_is_as_high_as_its_title_says(drawn):
    data = shown(12)
    plot = drawn("error", data, LIGHT)
    edges = items(plot, data, pg.PlotCurveItem)
    bands = items(plot, data, pg.QtWidgets.QGraphicsRectItem)
    for name, lane in zip("ABC", plot._lanes(data, 0, 12), strict=True):
        ends = [float(lane.down(end)) for end in (-0.5, 0.5)]
        assert ends == pytest.approx([lane.bottom, lane.top])
        band = bands[f"{name} band"].rect()
        assert (band.top(), band.bottom()) == pytest.approx(ends)
        assert edges[f"{name} edges"].getData()[1] == pytest.approx(np.repeat(ends, 2))


# The ring around the chosen value


@pytest.mark.parametrize("count", [12, 300])
def test_the_ring_lies_on_the_chosen_value_itself(drawn, theme, count):
    data, values = shown(count), noise(count)
    reconstructed = [evaluate(values, text).reconstructed for text in THREE]

    plot = drawn("signal", data, theme)
    rings = items(plot, data, pg.ScatterPlotItem)
    names = ["chosen"]
    if count == 12:  # values stand side by side, R first
        x, y = rings["chosen"].getData()
        assert y.tolist() == [values[CHOSEN]]
        assert x.tolist() == [rings["R"].getData()[0][CHOSEN]]
    else:
        names = [f"{name} chosen" for name in "ABC"]
        for name, lane in zip(names, plot._lanes(data, 0, count), strict=True):
            x, y = rings[name].getData()
            assert x.tolist() == [CHOSEN]
            assert y.tolist() == [float(lane.down(values[CHOSEN]))]
    for name in names:
        ring = rings[name].opts
        assert said(ring["pen"]) == look(theme, "ink", 2.0)
        assert ring["brush"].style() == Qt.BrushStyle.NoBrush

    plot = drawn("error", data, theme)
    found = items(plot, data, pg.ScatterPlotItem)
    lanes = plot._lanes(data, 0, count)
    for name, one, lane in zip("ABC", reconstructed, lanes, strict=True):
        x, y = found[f"{name} chosen"].getData()
        step = lane.series.evaluation.qparams.scale
        error = (float(one[CHOSEN]) - float(values[CHOSEN])) / step
        assert y.tolist() == pytest.approx([float(lane.down(error))])
        if count == 12:
            markers = dict(zip(*(part.tolist() for part in found[name].getData()), strict=True))
            assert markers[x[0]] == y[0]
        assert said(found[f"{name} chosen"].opts["pen"]) == look(theme, "ink", 2.0)

    found = items(drawn("transfer", data, theme), data, pg.ScatterPlotItem)
    for name, one in zip("ABC", reconstructed, strict=True):
        x, y = found[f"{name} chosen"].getData()
        assert (x.tolist(), y.tolist()) == ([values[CHOSEN]], [one[CHOSEN]])


# Handles and their labels


def handles(plot):
    return {h.handle_name: h for h in plot._handles.values()}


@pytest.mark.parametrize(
    ("key", "names"), [("distribution", ("Rmin", "Rmax")), ("calibration", "T")]
)
def test_handles_have_the_colour_of_the_active_scheme(drawn, theme, key, names):
    found = handles(drawn(key, shown(12), theme))
    assert set(found) == set(names)
    for handle in found.values():
        assert said(handle.pen) == look(theme, "B", 2.0, SOLID)
        assert handle.label.color.name().upper() == colour(theme, "B")


def test_labels_of_handles_have_four_digits(drawn):
    scheme = "int8 asymmetric manual(-1.2345,2.3456)"
    data = shown(300, (THREE[0], scheme))
    found = handles(drawn("distribution", data, LIGHT))
    ends = evaluate(noise(300), scheme).qparams.range
    for name, end in zip(("Rmin", "Rmax"), ends, strict=True):
        assert found[name].label.toPlainText() == f"{name} {float(end):.4g}"
    at = max(map(abs, map(float, ends)))
    found = handles(drawn("calibration", data, LIGHT))
    assert found["T"].label.toPlainText() == f"T {at:.4g}"


# Samples in lists and tables


def middle(icon):
    """The colour in the middle of a sample, where the marker is."""
    return icon.pixmap(34, 14).toImage().pixelColor(17, 7).name().upper()


@pytest.mark.parametrize("name", ["light", "dark"])
def test_samples_have_the_colours_of_the_plots_in_the_theme_of_now(open_lean_window, name):
    schemes = ("int4 asymmetric", "int4 asymmetric toward-zero pow2")
    window = open_lean_window(noise(100), *schemes)
    window.places["compare"].reveal()
    QApplication.processEvents()
    window.settings.theme = "dark" if name == "light" else "light"
    window.settings.theme = name
    wanted = [colour(window.theme, whose) for whose in ("first", "B")]  # vermillion and blue
    decoration = Qt.ItemDataRole.DecorationRole
    for model in (window.schemes.list.model(), window.results.table.model()):
        assert [middle(model.index(row, 0).data(decoration)) for row in (0, 1)] == wanted
    for box in window.compare.boxes:
        assert [middle(box.itemIcon(place)) for place in (0, 1)] == wanted
    causes = window.compare.causes
    # Causes are no schemes: their inks are neutral, full and half.
    inks = [middle(causes.item(row, 0).icon()) for row in (0, 1)]
    assert inks[0] == colour(window.theme, "ink")
    assert inks[1] == window.theme.washed(window.theme.foreground, 0.5).name().upper()


def test_a_small_histogram_stands_on_the_ground_and_is_as_high_as_its_counts(qapp):
    counts = np.zeros(24, np.int64)
    counts[:3] = 4, 2, 1
    model = QStandardItemModel(1, HISTOGRAM + 1)
    model.setData(model.index(0, HISTOGRAM), Glance(0.0, 1.0, 0, counts), GLANCE)
    image = QImage(78, 44, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    option = QStyleOptionViewItem()
    option.rect = image.rect()
    option.palette.setColor(QPalette.ColorRole.Text, QColor("black"))
    painter = QPainter(image)
    HistogramDelegate().paint(painter, option, model.index(0, HISTOGRAM))
    painter.end()
    for place, height in enumerate((40, 20, 10, 0)):
        x = 3 + 3 * place + 1
        inked = [y for y in range(44) if image.pixelColor(x, y).lightness() < 200]
        assert inked == list(range(42 - height, 42))


# Figures


def painted(svg):
    """Every group of an SVG file that has a shape: attributes of the pen, and the shape."""
    names = ("polyline", "path", "text", "rect", "polygon", "line")
    for group in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        for child in group:
            kind = child.tag.rpartition("}")[2]
            if kind in names:
                yield group, kind, child


def dashes(group):
    """The dashes of a pen in units of its width."""
    width = float(group.get("stroke-width"))
    found = group.get("stroke-dasharray")
    return tuple(round(float(part) / width) for part in found.split(",")) if found else ()


def corners(path):
    """How many corners and curves a symbol has."""
    return path.get("d").count("L"), path.get("d").count("C")


CORNERS = {"R": (0, 4), "A": (12, 0), "B": (4, 0), "C": (0, 4)}
LEGENDS = {
    "signal": "RABC",
    "error": "ABC",
    "distribution": "RB",
    "transfer": "ABC",
    "codes": "ABC",
    "calibration": "B",
    "channels": "ABC",
    "difference": "",
    "number-line": "",
    "waterfall": "",
    "bits": "ABC",
    "image": "B",
    "image-beside": "B",
}


@pytest.mark.parametrize("key", KEYS)
def test_the_legend_of_a_figure_names_what_is_drawn_in_its_order_and_look(qapp, theme, key):
    svg = render_svg(FigureSpec((key,), 180, 90, theme=theme), shown(12))
    title = KINDS[key].__name__.removesuffix("Plot").removesuffix("Beside").lower()
    shapes = iter(painted(svg))
    next(shapes)  # the ground
    found, group, kind, shape = "", *next(shapes)
    while kind != "text" or not shape.text.replace(" ", "").lower().startswith(title):
        assert kind == "polyline"
        line = group
        group, kind, symbol = next(shapes)
        assert kind == "path"
        marker = group
        group, kind, name = next(shapes)
        who = NAMES.get(name.text, name.text)
        found += who
        wanted = colour(theme, "ink" if who == "R" else who).lower()
        assert (line.get("stroke"), marker.get("fill")) == (wanted, wanted)
        assert dashes(line) == DASHES.get(who, ())
        assert corners(symbol) == CORNERS[who]
        assert name.get("fill") == colour(theme, "ink").lower()
        group, kind, shape = next(shapes)
    assert found == LEGENDS[key]


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (("signal", "codes"), "RABC"),
        (("codes", "signal"), "RABC"),
        (("distribution", "error"), "RABC"),
        (("calibration", "distribution"), "RB"),
        (("difference", "calibration"), "B"),
    ],
)
def test_one_legend_names_what_any_of_the_plots_draws(qapp, keys, names):
    svg = render_svg(FigureSpec(keys, 180, 180, letters=False), shown(12))
    texts = [shape.text for _, kind, shape in painted(svg) if kind == "text"]
    title = KINDS[keys[0]].__name__.removesuffix("Plot")
    first = next(place for place, text in enumerate(texts) if text.startswith(title))
    assert "".join(NAMES.get(text, text) for text in texts[:first]) == names


def test_the_ring_of_the_chosen_value_is_hollow_in_figures_too(qapp, theme):
    data = shown(12)
    for mark, rings in ((False, 0), (True, 1)):
        svg = render_svg(FigureSpec(("signal",), 180, 90, theme=theme, mark_chosen=mark), data)
        hollow = [
            group.get("stroke")
            for group, kind, shape in painted(svg)
            if kind == "path" and group.get("fill") == "none" and corners(shape) == CORNERS["R"]
        ]
        assert hollow == [colour(theme, "ink").lower()] * rings


def test_a_figure_draws_each_scheme_in_the_colour_and_dashes_of_its_legend(qapp, theme):
    svg = render_svg(FigureSpec(("transfer",), 180, 90, theme=theme), shown(300))
    # Those of the legend come first.
    strokes = [
        (group.get("stroke"), dashes(group), round(float(group.get("stroke-width")) * 0.75, 2))
        for group, kind, shape in painted(svg)
        if kind == "polyline" and len(re.findall(",", shape.get("points"))) > 2
    ]
    strokes += [
        (group.get("stroke"), dashes(group), round(float(group.get("stroke-width")) * 0.75, 2))
        for group, kind, shape in painted(svg)
        if kind == "path" and shape.get("d").count("L") > 20
    ]
    for name, width in (("A", 1), ("B", 2), ("C", 1)):
        assert (colour(theme, name).lower(), DASHES[name], width) in strokes
