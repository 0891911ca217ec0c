"""Figures of every plot in both themes: inks, pens, symbols, legends, places of marks and texts."""

import itertools
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF

from quantoscope.engine import evaluate
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.export.files import ExportError
from quantoscope.gui.export.panel import Panel
from tests.gui.plot_bench import KEYS, KINDS, OF_SCHEMES, OF_VALUES
from tests.gui.recorder import (
    CHOSEN,
    OWN_DASH,
    OWN_MARKER,
    SCHEMES,
    cases_of,
    figure,
    painted,
    shown,
    told,
    values_of,
)

TABLE = Path(__file__).with_name("looks.txt")


def section(name):
    """The lines of a section of the table."""
    parts = re.split(r"^## (.*)\n", TABLE.read_text(encoding="utf-8"), flags=re.M)
    return set(filter(None, dict(zip(parts[1::2], parts[2::2], strict=True))[name].split("\n")))


def figures(key, dark=False):
    return [figure(key, case, options, dark) for case, options in cases_of(key)]


@pytest.mark.parametrize("key", KEYS)
def test_everything_in_a_plot_looks_as_the_table_says(qapp, key):
    found = told(
        one for each in figures(key) for one in each.painted if not one.owner.startswith("legend")
    )
    far = {line for line in found if line.startswith("far ")}
    wanted = section("every plot") | section(key)
    if key != "number-line":
        wanted |= section("axes")
    assert far <= section("logarithmic parts")
    assert sorted(found - far - wanted) == []
    assert sorted(wanted - found) == []


def test_the_table_names_every_plot():
    heads = re.findall(r"^## (.*)$", TABLE.read_text(encoding="utf-8"), flags=re.M)
    assert heads == ["every plot", "axes", "logarithmic parts", *KEYS]


@pytest.mark.parametrize("key", KEYS)
def test_a_dark_figure_is_the_light_one_in_the_inks_of_the_dark(qapp, key):
    for light, dark in zip(figures(key), figures(key, dark=True), strict=True):
        assert [(one.looks, one.text) for one in light.painted] == [
            (one.looks, one.text) for one in dark.painted
        ]
        for one, other in zip(light.painted, dark.painted, strict=True):
            assert one.box == other.box


# Legends


@pytest.mark.parametrize("key", KEYS)
def test_the_legend_names_schemes_in_their_order_and_looks(qapp, key):
    drawn = KINDS[key].draws_schemes
    letters = {"all": "ABC", "active": "B", "none": ""}[drawn]
    letters = "R" + letters if KINDS[key].draws_values else letters
    for each, (case, _) in zip(figures(key), cases_of(key), strict=True):
        entries = [one for one in each.painted if one.owner.startswith("legend")]
        found = []
        for sample, symbol, name in zip(*[iter(entries)] * 3, strict=True):
            letter = sample.owner[-1]
            found.append(letter)
            ink, dash = "ink" if letter == "R" else letter, OWN_DASH.get(letter, "")
            assert sample.pen == f"{ink} 1.33 {dash}".strip()
            assert (symbol.kind, symbol.fill) == (f"symbol {OWN_MARKER.get(letter, 'o')}", ink)
            names = dict(zip("ABC", SCHEMES[case], strict=True))
            assert name.text == names.get(letter, letter)
            assert name.fill == "ink"
            # The symbol in the middle of the line, the name beside it.
            assert symbol.box.center().x() == pytest.approx(sample.box.center().x())
            assert sample.box.right() < name.box.left() < sample.box.right() + 20
            assert abs(sample.box.center().y() - name.box.center().y()) < 2
        assert "".join(found) == letters
        order = [(round(one.box.top()), one.box.left()) for one in entries if one.text]
        assert order == sorted(order)


@pytest.mark.parametrize("key", KEYS)
def test_what_belongs_to_a_scheme_names_no_other_and_stands_in_its_order(qapp, key):
    """Lanes, rows and names of points."""
    for each, (case, _) in zip(figures(key), cases_of(key), strict=True):
        names = dict(zip("ABC", SCHEMES[case], strict=True))
        tops = {}
        for one in each.texts():
            said = [letter for letter, name in names.items() if name == whole_name(one.text)]
            if one.scheme and said:
                assert said == [one.scheme], one.text
                tops.setdefault(one.scheme, one.box.top())
        if len(tops) > 1 and key != "bits":
            assert [tops[letter] for letter in sorted(tops)] == sorted(tops.values())


def whole_name(text):
    """The scheme that a text begins with."""
    names = sorted({name for some in SCHEMES.values() for name in some}, key=len)
    found = [name for name in names if text.removeprefix("▸ ").startswith(name)]
    return found[-1] if found else ""


# Texts


def tight(one):
    return one.box.adjusted(1, 2.5, -1, -2.5)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("key", KEYS)
def test_texts_lie_inside_the_figure_and_not_over_each_other(qapp, key, dark):
    small = []
    for size in ((85.0, 60.0), (300.0, 70.0)):
        for case in ("few", "plane"):
            try:
                small.append(painted(key, shown(case), DARK if dark else LIGHT, (), size))
            except ExportError:
                assert size[0] < 100  # it says so instead
    for each in [*figures(key, dark), *small]:
        texts = list(each.texts())
        assert texts
        for one in texts:
            box = tight(one)
            assert box.left() >= 0, one.text
            assert box.top() >= 0, one.text
            assert box.right() <= each.width, one.text
            assert box.bottom() <= each.height, one.text
            if one.clip is not None:
                assert one.clip.adjusted(-1, -1, 1, 1).contains(box), one.text
        for one, other in itertools.combinations(texts, 2):
            assert not tight(one).intersects(tight(other)), (one.text, other.text)


@pytest.mark.parametrize("key", KEYS)
def test_the_title_stands_above_the_sentence_and_that_above_the_view(qapp, key):
    for each in figures(key):
        head = [one for one in each.of("head") if one.text]
        bold = [one for one in head if one.kind == "text bold"]
        words = re.sub(r"\s", "", "".join(one.text for one in bold))
        assert words == re.sub(r"\s", "", each.title)
        tops = [one.box.top() for one in head]
        assert tops == sorted(tops)
        assert head[: len(bold)] == bold
        assert head[-1].box.bottom() <= each.view.top()
        left = {round(one.box.left()) for one in head}
        assert len(left) == 1
        assert left.pop() < each.view.left() + 2


# Where the chosen value is marked


def chosen_places(key, case):
    """Where the chosen value belongs along x, by plain formulas."""
    values = values_of(case)
    value, scheme = values.reshape(-1)[CHOSEN], SCHEMES[case][1]
    if key in ("signal", "error", "difference"):
        return [CHOSEN]
    if key in ("distribution", "transfer"):
        return [value]
    if key == "calibration":
        return [np.log10(abs(value))]
    if key == "channels":
        if case != "plane":
            return [0]
        sqnr = []
        e = evaluate(values, scheme)
        for row, kept in zip(values, e.reconstructed, strict=True):
            known = ~np.isnan(row)
            r, error = row[known].astype(float), (kept - row)[known].astype(float)
            sqnr.append(10 * np.log10((r**2).sum() / (error**2).sum()))
        return [int(np.argsort(sqnr).tolist().index(0))]  # the first row, by rank
    column = CHOSEN % values.shape[-1]
    return [column]


@pytest.mark.parametrize("case", ["few", "plane"])
@pytest.mark.parametrize("key", [key for key in OF_VALUES if key not in ("number-line", "codes")])
def test_the_chosen_value_is_marked_at_its_place(qapp, key, case):
    each = figure(key, case)
    of_image = key.startswith("image")
    if each.of("cells"):  # the square alone is drawn where cells show their numbers
        (square,) = each.of("chosen", "stroke")
        at = square.box.center()
        assert each.at((at.x(), at.y())) == pytest.approx((CHOSEN, 0), abs=0.05)
        return
    (rule,) = each.of("column" if of_image else "chosen", "line")
    start, stop = (each.at(point)[0] for point in rule.points)
    assert start == pytest.approx(stop)
    seen = each.ranges[0][1] - each.ranges[0][0]
    unit = each.x_unit
    wanted = [float(unit.down(np.float64(at))) for at in chosen_places(key, case)]
    assert [start] == pytest.approx(wanted, abs=1e-4 * seen)
    if of_image:
        (row,) = each.of("row", "line")
        square = each.of("chosen", "stroke")[0].box.center()
        wanted = -(CHOSEN // values_of(case).shape[-1]) if case == "plane" else 0
        assert each.at(row.points[0])[1] == pytest.approx(wanted, abs=0.01)
        at = each.at((square.x(), square.y()))
        assert at == pytest.approx((start, wanted), abs=0.05)


@pytest.mark.parametrize("case", ["few", "plane"])
def test_every_lane_of_codes_marks_the_code_of_the_chosen_value(qapp, case):
    each, values = figure("codes", case), values_of(case)
    for letter, scheme in zip("ABC", SCHEMES[case], strict=True):
        (mark,) = each.of(f"{letter} chosen", "stroke")
        code = evaluate(values, scheme).codes.reshape(-1)[CHOSEN]
        assert [each.at(point)[0] for point in mark.points] == pytest.approx([code] * 2)


def test_every_lane_of_the_number_line_rings_the_chosen_value(qapp):
    for case in ("few", "plane"):
        each = figure("number-line", case)
        value = float(values_of(case).reshape(-1)[CHOSEN])
        for lane in "ABC":
            rings = [one for one in each.of(f"{lane} lane", "symbol o") if one.pen == "chosen 1.80"]
            places = [each.x_unit.up_to(each.at(one.points[0])[0]) for one in rings]
            # And once more in a lens.
            near = [at for at in places if at == pytest.approx(value, abs=2e-3)]
            assert len(near) in (1, 2)
            assert 1 <= len(rings) <= 2


def test_a_figure_marks_nothing_that_is_not_chosen(qapp):
    for key in KEYS:
        data = replace(shown("plane"), chosen=None)
        for one in painted(key, data, LIGHT).painted:
            assert "chosen" not in f"{one.owner} {one.pen} {one.fill}"
            assert (one.owner, one.kind) not in {("column", "line"), ("row", "line")}


# Digits


def digits_in(text):
    """The most significant digits that a number in a text has."""
    numbers = re.findall(r"(?<![\w.,])[-−]?(\d+\.\d+)", text)
    return max((len(n.replace(".", "").lstrip("0")) for n in numbers), default=0)


@pytest.mark.parametrize("digits", [5, 6, 8])
@pytest.mark.parametrize("key", [key for key in KEYS if key not in (*OF_SCHEMES, "calibration")])
def test_numbers_have_as_many_digits_as_are_set(qapp, key, digits):
    # Figures of their own number of digits have at most four.
    data = replace(shown("few"), digits=digits)
    with closing(Panel(KINDS[key], data, LIGHT, 1.0)) as panel:
        panel.place(QRectF(0, 0, 600, 400))
        (x0, x1), (y0, y1) = panel.plot.seen
        texts = [
            panel.plot.readout(data, x, y)
            for x in np.linspace(x0, x1, 31)
            for y in np.linspace(y0, y1, 5)
        ]
    assert max(map(digits_in, texts)) == digits
