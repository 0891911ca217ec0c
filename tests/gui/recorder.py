"""Figures written down as they are painted: whose each mark is, in which ink, where, which text."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from unittest.mock import patch

import numpy as np
from pyqtgraph.graphicsItems.ScatterPlotItem import Symbols
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from quantoscope.engine import Scheme
from quantoscope.gui.common.theme import DARK, LIGHT
from quantoscope.gui.export.figure import figure_page
from quantoscope.gui.export.headless import picture
from quantoscope.gui.export.page import Page
from quantoscope.gui.export.paint import ViewPainter
from quantoscope.gui.export.spec import FigureSpec, Look
from quantoscope.gui.plots.spans import Unit
from quantoscope.gui.plots.view import CUT_DOWN, RAISED
from tests.gui.plot_bench import KINDS, noise

Styles = Qt.PenStyle
COLOURS = {
    "A": ("#B0558C", "#DD8FBB"),
    "B": ("#0072B2", "#56A5E9"),
    "C": ("#3A96C9", "#8AD0F5"),
    "first": ("#D55E00", "#F08A3C"),
    "third": ("#009E73", "#2CC79C"),
    "ink": ("#1F2328", "#E6EAEE"),
    "muted": ("#57606A", "#A0A9B4"),
    "grid": ("#D0D7DE", "#3A424C"),
    "alarm": ("#C1121F", "#FF6B6B"),
    "ground": ("#FFFFFF", "#15181C"),
    "chosen": ("#0B63C5", "#5AA2F0"),
}
"""In the light and in the dark, written down once more."""
PLACES = {"A": (3, 1, 6), "B": (1, 4, 2), "C": (5, 3, 4)}
"""The colour, line and marker of each scheme; no scheme has one number twice."""
OWN_DASH = {"A": "dashed", "B": "dash-dot-dot", "C": "dash-dot"}
OWN_MARKER = {"A": "+", "B": "d", "C": "h"}
CHOSEN = 5
SCHEMES = {
    "few": ("int8 scale-only", "int8 symmetric", "int8 asymmetric"),
    "many": ("int8 scale-only", "int8 symmetric", "int8 asymmetric"),
    "plane": ("int8 scale-only", "int8 symmetric mse per-channel(0)", "int8 asymmetric"),
    "groups": ("int8 symmetric", "int8 symmetric per-group(8,1)", "int8 asymmetric"),
}
"""Of each case; the second scheme is the active one."""
SIZES = {"number-line": (180.0, 210.0), "waterfall": (180.0, 170.0)}
USUAL = 180.0, 110.0
"""Width and height of figures in mm, by plot."""


def values_of(case):
    """The array of a case."""
    if case == "plane":
        values = noise(480, 3).reshape(12, 40).copy()
        values[:, 7] *= 9
        values[2, 30] = np.nan
        return values
    if case == "groups":
        return noise(64 * 512, 4).reshape(64, 512)
    return noise({"few": 12, "many": 5000}[case])


@cache
def shown(case):
    """What plots show of a case."""
    _, data = picture(values_of(case), [Scheme.parse(text) for text in SCHEMES[case]], True)
    series = []
    for one, name in zip(data.series, "ABC", strict=True):
        colour, line, marker = PLACES[name]
        entry = replace(one.entry, colour=colour, line=line, marker=marker)
        series.append(replace(one, entry=entry))
    pair = tuple(one.entry for one in series[:2])
    channels = series[1].evaluation.qparams.granularity
    return replace(
        data, series=tuple(series), active=series[1], chosen=CHOSEN, pair=pair, partition=channels
    )


@dataclass(frozen=True)
class Painted:
    """Something painted: whose, of which kind, and its looks as words."""

    owner: str
    kind: str
    pen: str
    fill: str
    box: QRectF
    """In units of the page."""
    clip: QRectF | None
    text: str = ""
    points: tuple[tuple[float, float], ...] = ()
    """Corners of a line or an outline, in units of the page."""
    image: QImage | None = None

    @property
    def scheme(self):
        """The letter of the scheme that it belongs to; empty if it belongs to none."""
        whose = self.owner.partition(" ")[0]
        return whose if whose in PLACES else ""

    @property
    def looks(self):
        """Its looks; a scheme's own ink, dashes and marker are called by these names."""
        owner, looks, whose = self.owner, [self.kind, self.pen, self.fill], self.scheme
        if whose:
            looks = [re.sub(rf"\b{whose}\b", "own", look) for look in looks]
            if looks[0] == f"symbol {OWN_MARKER[whose]}" and looks[1].startswith("own"):
                looks[0] = "own symbol"
            if looks[1].startswith("own"):
                looks[1] = re.sub(f" {OWN_DASH[whose]}$", " own dashes", looks[1])
            owner = owner.partition(" ")[2]
        elif owner == "cells" and self.text:
            return "cells | text | in contrast"
        elif not owner.startswith("cause"):
            owner = re.sub(r"-?\d+(\.0)?", "n", owner)
        return " | ".join([owner, *filter(None, looks)]).strip()


def told(painted):
    """The looks of everything, each once, with the letters of the schemes that have them.

    Grounds of texts are left out.
    """
    schemes = {}
    for one in painted:
        if one.kind == "fill" and re.fullmatch(r"|ground 0\.\d+", one.fill):
            continue
        schemes.setdefault((bool(one.scheme), one.looks), set()).add(one.scheme)
    return {
        f"{''.join(sorted(letters))} {looks}".replace("  ", " ").strip()
        for (_, looks), letters in schemes.items()
    }


def symbol_of(path):
    """The name of the first symbol in a path, or nothing."""

    def corners(path):
        box = path.boundingRect()
        side = max(box.width(), box.height()) or 1.0
        return [
            (round((e.x - box.center().x()) / side, 2), round((e.y - box.center().y()) / side, 2))
            for e in (path.elementAt(n) for n in range(path.elementCount()))
        ]

    known = {name: Symbols[name] for name in ("o", "s", "d", "p", "h", "star", "+", "x")}
    known |= {"▼": CUT_DOWN, "▲": RAISED}
    for name, symbol in known.items():
        first = QPainterPath()
        for n in range(min(symbol.elementCount(), path.elementCount())):
            first_of = path.elementAt(n)
            (first.lineTo if n else first.moveTo)(first_of.x, first_of.y)
        plain = QPainterPath()
        for n in range(symbol.elementCount()):
            of = symbol.elementAt(n)
            (plain.lineTo if n else plain.moveTo)(of.x, of.y)
        if first.elementCount() and corners(first) == corners(plain):
            return name
    return ""


class Recorder(QPainter):
    """A painter that writes down what it paints."""

    def __init__(self, image, theme, unit):
        super().__init__(image)
        self.theme, self.unit = theme, unit
        self.owner = ""
        self.painted = []

    def _note(self, kind, box, pen=None, brush=None, text="", points=(), image=None):
        clip = self.transform().mapRect(self.clipBoundingRect()) if self.hasClipping() else None
        scale = self.transform().m11() or abs(self.transform().m12())
        self.painted.append(
            Painted(
                self.owner,
                kind,
                self._pen(pen, scale) if pen is not None else "",
                self._brush(brush) if brush is not None else "",
                self.transform().mapRect(box),
                clip,
                text,
                tuple(_pair(self.transform().map(point)) for point in points),
                image,
            )
        )

    def _pen(self, pen, scale):
        if pen.style() == Styles.NoPen:
            return ""
        style = {
            Styles.SolidLine: "",
            Styles.DashLine: " dashed",
            Styles.DotLine: " dotted",
            Styles.DashDotLine: " dash-dot",
            Styles.DashDotDotLine: " dash-dot-dot",
        }[pen.style()]
        width = 0.0 if pen.isCosmetic() else pen.widthF() * scale / self.unit
        return f"{named(pen.color(), self.theme)} {width:.2f}{style}"

    def _brush(self, brush):
        if brush.style() == Qt.BrushStyle.NoBrush:
            return ""
        return named(brush.color(), self.theme)

    def fillRect(self, box, brush):
        self._note("fill", QRectF(box), brush=QBrush(brush))
        super().fillRect(box, brush)

    def drawLine(self, start, stop):
        box = QRectF(start, stop).normalized()
        self._note("line", box, self.pen(), points=(start, stop))
        super().drawLine(start, stop)

    def drawRect(self, box):
        self._note("box", QRectF(box), self.pen(), self.brush())
        super().drawRect(box)

    def drawRoundedRect(self, box, *radii):
        self._note("frame", QRectF(box), self.pen(), self.brush())
        super().drawRoundedRect(box, *radii)

    def drawPath(self, path):
        kind = f"symbol {symbol_of(path)}".strip()
        points = [part.boundingRect().center() for part in path.toSubpathPolygons()]
        self._note(kind, path.boundingRect(), self.pen(), self.brush(), points=points)
        super().drawPath(path)

    def drawPolygon(self, polygon):
        self._note("polygon", polygon.boundingRect(), self.pen(), self.brush(), points=polygon)
        super().drawPolygon(polygon)

    def fillPath(self, path, brush):
        self._note("area", path.boundingRect(), brush=QBrush(brush))
        super().fillPath(path, brush)

    def strokePath(self, path, pen):
        if path.isEmpty():
            return
        corners = [path.elementAt(n) for n in range(path.elementCount())]
        points = [QPointF(corner.x, corner.y) for corner in corners]
        self._note("stroke", path.boundingRect(), QPen(pen), points=points)
        super().strokePath(path, pen)

    def drawText(self, place, *rest):
        text = rest[-1]
        if isinstance(place, QPointF):
            metrics = QFontMetricsF(self.font(), self.device())
            width = metrics.horizontalAdvance(text)
            box = QRectF(place.x(), place.y() - metrics.ascent(), width, metrics.height())
        else:
            box = self.boundingRect(place, *rest)
        if text:
            weight = " bold" if self.font().bold() else ""
            bare = QPen(self.pen())
            self._note(f"text{weight}", box, text=text, brush=QBrush(bare.color()))
        super().drawText(place, *rest)

    def drawImage(self, box, image):
        self._note("image", QRectF(box), image=image.copy())
        super().drawImage(box, image)


def _pair(point):
    return point.x(), point.y()


def named(colour, theme):
    """The name of an ink, with its share where it is translucent or washed out."""
    rgb = np.array(colour.getRgb()[:3], float)
    inks = {
        name: np.array(QColor(c[theme.dark]).getRgb()[:3], float) for name, c in COLOURS.items()
    }
    exact = next((name for name, ink in inks.items() if (ink == rgb).all()), None)
    alpha = colour.alphaF()
    if exact is not None:
        return exact if alpha > 0.999 else f"{exact} {alpha:.2f}"
    ground = inks["ground"]
    best = (1.2, "")
    for name, ink in inks.items():
        way = ink - ground
        if name == "ground":
            continue
        share = float((rgb - ground) @ way / (way @ way))
        off = float(np.abs(ground + share * way - rgb).max())
        if 0 <= share <= 1 and off < best[0]:
            best = off, f"{name} ~{share:.2f}"
    return best[1] or colour.name().upper()


def spoken(data, key):
    """The name of an item, with its scheme by its letter."""
    letters = {one.entry.uid: name for one, name in zip(data.series, "ABC", strict=True)}
    first, *rest = key if isinstance(key, tuple) else (key,)
    if isinstance(first, tuple):
        first, *rest = *first, *rest
    return " ".join(str(part) for part in (letters.get(first, first), *rest))


@dataclass(frozen=True)
class Figure:
    """A figure as it was painted."""

    width: float
    height: float
    view: QRectF
    ranges: tuple[tuple[float, float], tuple[float, float]]
    painted: tuple[Painted, ...]
    title: str
    x_unit: Unit

    def of(self, owner, kind=""):
        """What is painted for an owner."""
        return [o for o in self.painted if o.owner == owner and o.kind.startswith(kind)]

    def at(self, point):
        """The drawn coordinates of a point of the page."""
        (x0, x1), (y0, y1) = self.ranges
        x = (point[0] - self.view.left()) / self.view.width()
        y = (self.view.bottom() - point[1]) / self.view.height()
        return x0 + x * (x1 - x0), y0 + y * (y1 - y0)

    def texts(self) -> Iterator[Painted]:
        return (one for one in self.painted if one.text)


@contextmanager
def _owners(recorder, data):
    """Say whose everything is that a page paints."""

    def owned(kind, name, say):
        was = getattr(kind, name)

        def paint(self, *arguments):
            before, recorder.owner = recorder.owner, say(self, *arguments)
            try:
                return was(self, *arguments)
            finally:
                recorder.owner = before

        return patch.object(kind, name, paint)

    def item_painter(self, item):
        paint = was_of(self, item)

        def owned_paint(item):
            before, recorder.owner = recorder.owner, recorder.names.get(id(item), "handle")
            try:
                paint(item)
            finally:
                recorder.owner = before

        return owned_paint

    was_of = ViewPainter._paint_of
    with ExitStack() as stack:
        for each in (
            owned(
                Page, "_paint_sample", lambda s, p, at, one, name: f"legend {_letter(data, one)}"
            ),
            owned(Page, "_paint_panel", lambda *_: "head"),
            owned(Page, "_paint_margins", lambda *_: "margin"),
            owned(Page, "_paint_axis", lambda s, p, panel, name: f"axis {name}"),
            patch.object(ViewPainter, "_paint_of", item_painter),
        ):
            stack.enter_context(each)
        yield


def _letter(data, series):
    places = [one.entry.uid for one in data.series]
    return "R" if series is None else "ABC"[places.index(series.entry.uid)]


def painted(key, data, theme, options=(), size=None):
    """Paint a figure of one plot, and return what was painted."""
    width, height = size or SIZES.get(key, USUAL)
    look = Look(options=options)
    spec = FigureSpec((key,), width, height, theme=theme, mark_chosen=True, looks={key: look})
    page = figure_page(spec, data, raster=False)
    try:
        image = QImage(round(page.width), round(page.height), QImage.Format.Format_RGB32)
        recorder = Recorder(image, theme, page.unit)
        (panel,) = page.panels
        none = panel.plot.draws_schemes == "none"
        recorder.names = {
            id(item): f"cause {name[1]}" if none and isinstance(name[1], int)
            else spoken(data, name[1]) or name[0]
            for name, item in panel.plot._items.items()
        }  # fmt: skip
        with _owners(recorder, data):
            page.paint(recorder)
        recorder.end()
        marks = _in_lanes(recorder.painted, panel, data)
        ranges = tuple(map(tuple, panel.view.viewRange()))
        return Figure(
            page.width, page.height, QRectF(panel.rect), ranges, tuple(marks),
            panel.plot.title(), panel.plot.x_unit,
        )  # fmt: skip
    finally:
        page.close()


def _in_lanes(marks, panel, data):
    """Give the marks of a number line to the schemes of their lanes."""
    layout = getattr(panel.plot, "layout", None)
    if layout is None:
        return marks
    ends = [
        (max(box.bottom() for box in (lane.box, *lenses)) + 3 + panel.rect.top(), "ABC"[lane.lane])
        for lane in layout.lanes
        for lenses in [[lens.box for lens in layout.lenses if lens.lane == lane.lane]]
    ]
    found = []
    for mark in marks:
        if mark.owner == "line":
            middle = mark.box.center().y()
            mark = replace(mark, owner=next(name for end, name in ends if middle <= end) + " lane")
        found.append(mark)
    return found


def cases_of(key):
    """Every case of a plot: few values, many, a plane, and the plane under every option."""
    kind = KINDS[key]
    found = [("few", ()), ("many", ()), ("plane", ())]
    for option in kind.options:
        found += [("plane", ((option.key, choice),)) for choice, _ in option.choices[1:]]
    if key == "waterfall":
        found.append(("plane", tuple(zip(("from", "to"), SCHEMES["plane"], strict=False))))
    if key in ("channels", "distribution"):
        found.append(("groups", ()))
    return found


@cache
def figure(key, case, options=(), dark=False):
    """A figure of a case, painted once for all tests."""
    return painted(key, shown(case), DARK if dark else LIGHT, options)
