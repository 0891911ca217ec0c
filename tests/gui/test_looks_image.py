"""Colours of the image: hues and order of its maps, its bar, and the strips along its edges."""

import colorsys

import numpy as np
import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter

from quantoscope.engine import evaluate
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.plots.colour_scale import coloured
from quantoscope.gui.plots.margins import MarginAxis, Strip
from tests.gui.recorder import CHOSEN, COLOURS, SCHEMES, figure, values_of

VALUES = values_of("plane")
ROWS, COLUMNS = VALUES.shape
BLUE, ORANGE = (195, 215), (12, 38)
SIGNED = {"scaled": "image", "real": "image", "code": "image", "error": "image"}
THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


@pytest.fixture(scope="module")
def applied():
    """The values after the active scheme."""
    return evaluate(VALUES, SCHEMES["plane"][1])


def seen(quantity, dark):
    """The figure of a quantity, and the colour of each cell, shape (rows, columns)."""
    first = quantity == "scaled"
    each = figure("image", "plane", () if first else (("quantity", quantity),), dark)
    (image,) = (one.image for one in each.of("whole"))
    across, down = image.width() / COLUMNS, image.height() / ROWS
    cells = [
        [image.pixelColor(int((c + 0.5) * across), int((r + 0.5) * down)) for c in range(COLUMNS)]
        for r in range(ROWS)
    ]
    return each, cells


def hue_of(colour):
    """The hue in degrees, and how strong it is."""
    r, g, b, _ = colour.getRgb()
    h, _, _ = colorsys.rgb_to_hsv(r / 255, g / 255, b / 255)
    return 360 * h, max(r, g, b) - min(r, g, b)


def numbers_of(quantity, applied):
    p = applied.qparams
    s, z = p.scale.reshape(-1, 1), np.asarray(p.zero_point).reshape(-1, 1)
    return {
        "scaled": VALUES / s,
        "real": VALUES,
        "code": applied.codes - z,
        "error": (applied.reconstructed.astype(float) - VALUES) / s,
    }[quantity]


@THEMES
@pytest.mark.parametrize("quantity", ["scaled", "real", "code", "error"])
def test_negative_cells_are_blue_and_positive_ones_orange(qapp, applied, quantity, dark):
    _, cells = seen(quantity, dark)
    numbers = numbers_of(quantity, applied)
    clipped = applied.saturated.reshape(VALUES.shape) != 0
    strong = {1: 0, -1: 0}
    for (row, column), number in np.ndenumerate(numbers):
        colour = cells[row][column]
        if np.isnan(VALUES[row, column]):
            assert colour == QColor(COLOURS["A"][dark])
            continue
        if clipped[row, column] and quantity == "error":
            assert colour == QColor(COLOURS["alarm"][dark])
            continue
        if number == 0:
            assert colour == QColor(COLOURS["ground"][dark])
        hue, strength = hue_of(colour)
        if strength > 40:
            sign = int(np.sign(number))
            strong[sign] += 1
            low, high = ORANGE if sign > 0 else BLUE
            assert low <= hue <= high, (row, column, number)
    assert min(strong.values()) > 5


@THEMES
@pytest.mark.parametrize("quantity", ["scaled", "real", "code"])
def test_larger_numbers_stand_out_more_from_the_ground(qapp, applied, quantity, dark):
    _, cells = seen(quantity, dark)
    size = np.abs(numbers_of(quantity, applied)).ravel()
    light = np.array([[c.lightnessF() for c in row] for row in cells]).ravel()
    light = light if dark else -light
    known = np.isfinite(size)
    order = np.argsort(size[known], kind="stable")
    far = light[known][order]
    assert far[-20:].mean() > far[200:240].mean() > far[:20].mean()


@THEMES
def test_maps_of_one_direction_are_blue_of_sqnr_and_orange_of_error(qapp, dark):
    theme = DARK if dark else LIGHT
    for warm, (low, high) in ((False, BLUE), (True, ORANGE)):
        map_ = [QColor(*pixel) for pixel in coloured(np.linspace(0, 1, 50), theme, False, warm)]
        assert all(low - 5 <= hue_of(c)[0] <= high + 5 for c in map_ if hue_of(c)[1] > 12)
        light = [c.lightnessF() for c in map_]
        assert light == sorted(light, reverse=not dark)
        ground = QColor(COLOURS["ground"][dark]).lightnessF()
        assert abs(light[0] - ground) < 0.15
        assert abs(light[-1] - ground) > 0.5


@THEMES
@pytest.mark.parametrize("case", ["plane", "many"])
def test_the_image_of_sqnr_is_blue_and_that_of_rounding_orange(qapp, dark, case):
    (image,) = (o.image for o in figure("image-beside", case, (), dark).of("whole"))
    colours = {image.pixelColor(x, 0).name() for x in range(image.width())}
    hues = [hue_of(QColor(name)) for name in colours if QColor(name) != QColor(COLOURS["A"][dark])]
    assert all(BLUE[0] - 5 <= hue <= BLUE[1] + 5 for hue, strength in hues if strength > 12)
    assert sum(strength > 40 for _, strength in hues) > 3


def test_the_pooled_error_of_many_cells_is_orange_alone(bench):
    x = np.random.default_rng(1).standard_normal((600, 900)).astype(np.float32)
    shown = bench("image", x, "int8 symmetric", size=(420, 320))
    shown.plot.choose("quantity", "error")
    shown.qtbot.waitUntil(
        lambda: (
            not shown.session.background.running("image")
            and not shown.pane._still.isActive()
            and shown.plot.data is shown.feed.data
        ),
        timeout=30_000,
    )
    pixels = shown.plot._coloured["whole"][3].reshape(-1, 4)
    hues = [hue_of(QColor(*pixel)) for pixel in np.unique(pixels, axis=0)]
    assert all(ORANGE[0] - 5 <= hue <= ORANGE[1] + 5 for hue, strength in hues if strength > 12)
    assert max(strength for _, strength in hues) > 40


# The colour bar


def bar_of(each):
    (bar,) = each.of("margin", "image")
    row = [bar.image.pixelColor(x, 0) for x in range(bar.image.width())]
    texts = [
        one
        for one in each.of("margin", "text")
        if abs(one.box.center().y() - bar.box.center().y()) < 4
    ]
    left = [one.text for one in texts if one.box.right() <= bar.box.left() + 6]
    right = [one for one in texts if one.box.left() >= bar.box.right() - 6]
    return row, left, min(right, key=lambda one: one.box.left()).text


def number_in(text):
    return float(text.split()[0].replace("−", "-"))


@THEMES
@pytest.mark.parametrize("quantity", ["scaled", "real", "code", "error", "sqnr"])
def test_the_bar_goes_from_its_least_number_on_the_left_to_the_largest(
    qapp, applied, quantity, dark
):
    each, _ = seen(quantity, dark)
    row, (left,), right = bar_of(each)
    low, high = number_in(left), number_in(right)
    assert low < high
    if quantity == "sqnr":
        assert hue_of(row[-1])[1] > hue_of(row[0])[1]
        return
    assert low == -high
    assert BLUE[0] <= hue_of(row[20])[0] <= BLUE[1]
    assert ORANGE[0] <= hue_of(row[-20])[0] <= ORANGE[1]
    assert row[len(row) // 2] == QColor(COLOURS["ground"][dark])
    light = [c.lightnessF() for c in row]
    ends, middle = (light[0] + light[-1]) / 2, light[len(row) // 2]
    assert (ends > middle) == dark
    wanted = {"scaled": 127, "code": 127, "error": 0.5}
    if quantity in wanted:
        assert high == pytest.approx(wanted[quantity], abs=0.01)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_cells_have_the_colours_of_the_bar_at_their_numbers(qapp, applied, dark):
    each, cells = seen("code", dark)
    row, _, right = bar_of(each)
    numbers = applied.codes - np.asarray(applied.qparams.zero_point).reshape(-1, 1)
    for (r, c), number in np.ndenumerate(numbers):
        if np.isnan(VALUES[r, c]):
            continue
        share = (number / number_in(right) + 1) / 2
        wanted = row[round(share * (len(row) - 1))]
        rgb = np.array([cells[r][c].getRgb()[:3], wanted.getRgb()[:3]], float)
        assert np.abs(rgb[0] - rgb[1]).max() <= 8, number


# Strips


def heights_of(each, upper, count):
    """Heights of a strip's bars, as shares of the highest, and the outline itself."""
    outlines = each.of("margin", "polygon")
    (one,) = (o for o in outlines if (o.box.bottom() <= each.view.top() + 1) == upper)
    points = np.array(one.points)
    along, out = (points[:, 0], points[:, 1]) if upper else (points[:, 1], points[:, 0])
    base = out[0]
    at = (np.arange(count) + 0.5) / count
    start, stop = (each.view.left(), each.view.right()) if upper else (
        each.view.top(), each.view.bottom())  # fmt: skip
    # The view has margins around the cells.
    (x0, x1), (y0, y1) = each.ranges
    low, high = (x0, x1) if upper else (-y1, -y0)
    share = (at * count - 0.5 - low) / (high - low)
    order = np.argsort(along, kind="stable")
    place = np.searchsorted(along[order], start + share * (stop - start))
    return np.abs(out[order][place] - base), one


@THEMES
def test_strips_show_the_largest_values_and_the_errors_of_their_own_lines(qapp, applied, dark):
    error = applied.reconstructed.astype(float) - VALUES
    for quantity, cells, ink in (
        ("scaled", np.abs(VALUES), "ink ~0.70"),
        ("sqnr", error, "B ~0.60"),
    ):
        each, _ = seen(quantity, dark)
        for upper, axis, count in ((True, 0, COLUMNS), (False, 1, ROWS)):
            wanted = np.nanmax(cells, axis=axis)
            if quantity == "sqnr":
                wanted = np.sqrt(np.nanmean(cells**2, axis=axis))
            found, outline = heights_of(each, upper, count)
            assert outline.fill == ink
            assert found / found.max() == pytest.approx(wanted / wanted.max(), abs=0.02)
            name = "RMS error" if quantity == "sqnr" else "max |R|"
            assert name in [one.text for one in each.of("margin", "text")]


def test_strips_mark_the_chosen_row_and_column(qapp):
    each, _ = seen("scaled", False)
    lines = [one for one in each.of("margin", "line") if one.pen == "ink 1.00"]
    upright = [each.at(one.points[0])[0] for one in lines if one.box.width() < 1]
    level = [each.at(one.points[0])[1] for one in lines if one.box.height() < 1]
    assert upright == pytest.approx([CHOSEN % COLUMNS], abs=0.05)
    assert level == pytest.approx([-(CHOSEN // COLUMNS)], abs=0.05)


@pytest.mark.parametrize(("above", "outside"), [(60, True), (16, True), (5, False), (0, False)])
def test_the_figure_of_the_right_strip_stands_in_it_where_there_is_no_room_above(
    qapp, above, outside
):
    def painted(end):
        axis = MarginAxis("right")
        inks = QColor("black"), QColor("black"), QColor("red")
        heights = np.ones(4)
        axis.say(None, Strip(np.arange(5.0), heights, 1.0, "max |R|", end, QColor("blue")), *inks,
                 "white")  # fmt: skip
        image = QImage(100, 160, QImage.Format.Format_RGB32)
        image.fill(Qt.GlobalColor.white)
        painter = QPainter(image)
        axis.draw(painter, QRectF(0, 60, 54, 90), (0.0, 4.0), QFont(), 1.0, above)
        painter.end()
        return np.frombuffer(image.constBits(), np.uint32).reshape(160, 100).copy()

    with_figure, without = painted("3.11"), painted("")
    where = np.flatnonzero((with_figure != without).any(axis=1))
    assert where.size
    assert (where.max() < 60) if outside else (where.min() >= 60)
    assert (with_figure[: 60 - above] == 0xFFFFFFFF).all()
