"""Layout and painting of a figure: legend and, per plot, title, description and axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from html import unescape
from string import ascii_lowercase

from PySide6.QtCore import QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QGuiApplication, QPainter, QPen, QPicture

from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.short_names import schemes_apart
from quantoscope.gui.common.theme import LINE_STYLES, MARKERS
from quantoscope.gui.export.files import translated
from quantoscope.gui.export.lettering import apart, font_of, shortened, wrapped
from quantoscope.gui.export.paint import ViewPainter, firm, symbol_path
from quantoscope.gui.export.panel import Panel, Tick
from quantoscope.gui.export.pdf_images import PdfImages
from quantoscope.gui.export.spec import (
    MM_PER_INCH,
    PAGE_HEIGHT,
    USUAL_POINTS,
    FigureSpec,
    Look,
)
from quantoscope.gui.plots import PLOT
from quantoscope.gui.plots.data import PlotData, Series
from quantoscope.gui.plots.margins import OVERHANG
from quantoscope.gui.plots.plane_plot import PlanePlot

TITLE_SHARE = 10.0 / 8.5
"""Size of a title relative to the text."""
MIN_VIEW_WIDTH, MIN_VIEW_HEIGHT, LOW_VIEW_HEIGHT = 110.0, 44.0, 90.0
MARGIN, GAP, TICK = 8.0, 14.0, 4.0
"""Sizes in 1/96 inch, for text of the default size."""
IMAGE_DOTS, IMAGE_BYTES = 1e6, 5e5
"""Dots of all images in a vector file at most, and bytes beyond which they have fewer colours."""


def logical_dpi() -> float:
    """Return the resolution for font metrics: 96 unless the desktop differs."""
    return float(round(QGuiApplication.primaryScreen().logicalDotsPerInchY()))


def shared(room: float, wanted: Sequence[float], least: float) -> list[float]:
    """Share a height among rows: evenly, but for those that want more, if others keep the least.

    ``least`` is no more than an even share.
    """
    even = room / len(wanted)
    if all(one <= even for one in wanted):
        return [even] * len(wanted)
    enough = sum(max(one, least) for one in wanted) <= room

    def heights(level: float) -> list[float]:
        """Return heights that grow with a level: it is a cap or, if there is enough, a floor."""
        if enough:
            return [max(one, level) for one in wanted]
        return [max(min(one, level), least) for one in wanted]

    low, high = least, max(room, *wanted)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(heights(middle)) <= room else (low, middle)
    return heights(low)


class Page:
    """A figure laid out for painting; width and height are in logical pixels."""

    missing: QSizeF
    """Missing size in each direction; 0 or less if it is large enough."""

    def __init__(self, spec: FigureSpec, data: PlotData, raster: bool) -> None:
        self.width, self.height = (side * logical_dpi() for side in spec.inches(raster))
        self.spec = spec
        self.theme = theme = spec.theme
        self.data = data
        size = spec.points / USUAL_POINTS
        self.unit = logical_dpi() / 96 * size
        self._text = font_of(spec.points)
        self._bold = font_of(spec.points * TITLE_SHARE, QFont.Weight.DemiBold)
        self._metrics = QFontMetricsF(self._text)
        self._line = self._metrics.height()
        # A pen of width 1 is one point thick.
        ink = logical_dpi() / 72
        dots = spec.dpi / logical_dpi()
        self._dots = 0.0 if raster else dots
        images = max(1, sum(PLOT[key].picks_plane for key in spec.plots))
        most = math.inf if raster else IMAGE_DOTS / images
        self._bytes = IMAGE_BYTES / images
        self._rows = [
            [Panel(PLOT[key], data, theme, ink, size, spec.looks.get(key, Look()),
                   dots * size, most) for key in row]
            for row in spec.rows
        ]  # fmt: skip
        self.panels = [panel for row in self._rows for panel in row]
        if spec.letters and len(self.panels) > 1:
            for letter, panel in zip(ascii_lowercase, self.panels, strict=False):
                panel.letter = f"({letter})"
        self._samples = self._place_legend() if spec.legend else []
        self.pdf_images: PdfImages | None = None
        self._bare = False
        self._lacking = 0.0
        self.missing = self._place_panels()
        if spec.grows and self._lacking > 0:
            self._grow()
        if self.missing.height() > 0 and any(panel.margin("top") for panel in self.panels):
            self._bare = True
            self.missing = self._place_panels()

    def recorded(self) -> QPicture:
        """Return what ``paint`` paints, to be painted often, with dense layers as images."""
        self._dots = self.spec.dpi / logical_dpi()
        picture = QPicture()
        painter = QPainter(picture)
        self.paint(painter)
        painter.end()
        return picture

    @property
    def title(self) -> str:
        """Titles of the plots."""
        return "; ".join(panel.plot.title() for panel in self.panels)

    def notes(self) -> list[str]:
        """Return what is less than was asked for, for the sake of the file's size."""
        plots = [panel.plot for panel in self.panels if isinstance(panel.plot, PlanePlot)]
        kept = min((plot.fineness_kept for plot in plots), default=1.0)
        dpi = math.floor(self.spec.dpi * kept)
        if dpi >= self.spec.dpi:
            return []
        text = "The image has %1 dpi, not %2: so the file stays below 1 MB. A PNG has all."
        return [filled(translated(text), dpi, f"{self.spec.dpi:g}")]

    def close(self) -> None:
        """Release the plots."""
        for panel in self.panels:
            panel.close()

    # Layout

    def _grow(self) -> None:
        """Become so much higher that no view leaves anything out, but no higher than a page."""
        spec, per_unit = self.spec, self.height / self.spec.height
        # In whole millimetres and pixels, and in tenths of an inch.
        steps = 10 if spec.unit == "in" else 1
        page = PAGE_HEIGHT / MM_PER_INCH * logical_dpi() / per_unit
        wanted = math.ceil((spec.height + self._lacking / per_unit) * steps)
        height = max(spec.height, min(wanted, math.floor(page * steps + 1e-6)) / steps)
        self.spec, self.height = replace(spec, height=height, grows=False), height * per_unit
        # Sentences tell what is left out: those above are shorter now.
        self._place_panels()
        self.missing = self._place_panels()

    def _place_legend(self) -> list[tuple[QPointF, Series | None, str]]:
        """Return the positions of the legend's entries, wrapped into lines."""
        series: list[Series] = []
        drawn = {panel.plot.draws_schemes for panel in self.panels}
        if "all" in drawn:
            series += self.data.series
        active = self.data.active if drawn != {"none"} else None
        if active is not None and all(s.entry.uid != active.entry.uid for s in series):
            series.append(active)
        entries: list[tuple[Series | None, str]] = [(s, s.entry.name) for s in series]
        if any(panel.plot.draws_values for panel in self.panels):
            entries.insert(0, (None, "R"))
        u, room = self.unit, self.width - 2 * MARGIN * self.unit
        placed = []
        x, y = 0.0, MARGIN * u

        def cut(name: str) -> str:
            return self._metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, room - 36 * u)

        names = schemes_apart([name for _, name in entries], cut)
        for (one, _), name in zip(entries, names, strict=True):
            length = 36 * u + self._metrics.horizontalAdvance(name)
            if x > 0 and x + length > room:
                x, y = 0.0, y + self._line + 2 * u
            placed.append((QPointF(MARGIN * u + x, y), one, name))
            x += length + 16 * u
        return placed

    def _height(self, text: str, font: QFont, width: float) -> float:
        """Return the height of a text wrapped to a width."""
        return len(wrapped(text, QFontMetricsF(font), width)) * QFontMetricsF(font).height()

    def _indent(self, panel: Panel) -> float:
        """Return how far the text above a plot is moved by its letter."""
        if not panel.letter:
            return 0.0
        return QFontMetricsF(self._bold).horizontalAdvance(panel.letter) + 6 * self.unit

    def _texts(self, panel: Panel) -> list[tuple[str, QFont, str]]:
        """Return the texts above a plot, with their fonts and colours."""
        texts = (
            [(panel.plot.title(), self._bold, self.theme.foreground)] if self.spec.titles else []
        )
        if self.spec.sentences:
            texts += [(text, self._text, self.theme.muted) for text in panel.sentences]
        return texts

    def _head(self, panel: Panel, width: float) -> float:
        """Return the height of what stands above a plot in a cell of this width."""
        texts = self._texts(panel)
        height = sum(self._height(text, font, width - self._indent(panel))
                     for text, font, _ in texts)  # fmt: skip
        if panel.letter:
            height = max(height, QFontMetricsF(self._bold).height())
        above = self._extent(panel, "top") + (self._below if panel.axis("top") else 0.0)
        return height + above + 6 * self.unit

    @property
    def _below(self) -> float:
        """Height of an axis with its labels."""
        return TICK * self.unit + 2 * self._line + 3 * self.unit

    def _place_panels(self) -> QSizeF:
        u, rows = self.unit, self._rows
        across = self.width - 2 * MARGIN * u
        count = max(map(len, rows))
        cell = (across - (count - 1) * GAP * u) / count
        top = MARGIN * u
        if self._samples:
            top = self._samples[-1][0].y() + self._line + 8 * u
        heads = [max(self._head(panel, cell) for panel in row) for row in rows]
        feet = [max(self._below if panel.axis("bottom") else 0.0 for panel in row) for row in rows]
        fixed = top + MARGIN * u + sum(heads) + sum(feet) + GAP * u * (len(rows) - 1)
        each, least = (self.height - fixed) / len(rows), MIN_VIEW_HEIGHT * u
        short = QSizeF(0, (least - each) * len(rows))
        wanted = [max(panel.least_height for panel in row) for row in rows]
        low = max(least, LOW_VIEW_HEIGHT * u)
        even = max(each, least)
        needy = each < least or any(one > even for one in wanted)
        self._lacking = sum(max(one, each, low) - each for one in wanted) if needy else 0.0
        heights = shared(even * len(rows), wanted, max(least, min(even / 2, low)))
        gutters = self._gutters(cell, heights)
        widths = [cell - gutter - 8 * u for gutter in gutters]
        short.setWidth(count * (MIN_VIEW_WIDTH * u - min(widths)))
        y = top
        for row, head, view_height, foot in zip(rows, heads, heights, feet, strict=True):
            y += head
            for place, panel in enumerate(row):
                panel.head, panel.cell = head, cell
                panel.left = MARGIN * u + place * (cell + GAP * u)
                right = panel.left + gutters[place] + max(widths[place], MIN_VIEW_WIDTH * u)
                rect = QRectF(panel.left + gutters[place], y, 0, view_height)
                if not (panel.axis("left") or panel.axis("bottom")):
                    # Without axes it needs no room for them, nor is it aligned with others.
                    panel.head = self._head(panel, cell)
                    rect = QRectF(panel.left, y - head + panel.head, 0, 0)
                    rect.setBottom(y + view_height + foot)
                rect.setRight(right - self._extent(panel, "right"))
                panel.place(rect)
            y += view_height + foot + GAP * u
        return short

    def _gutters(self, cell: float, heights: Sequence[float]) -> list[float]:
        """Return the room for the left axes of each column: the tick labels determine it."""
        u = self.unit
        gutters = [0.0] * max(map(len, self._rows))
        each = zip(self._rows, heights, strict=True)
        for place, panel, view_height in (
            (at, one, height) for row, height in each for at, one in enumerate(row)
        ):
            if not panel.axis("left"):
                continue
            panel.place(QRectF(0, 0, max(cell - 60 * u, MIN_VIEW_WIDTH * u), view_height))
            widest = max((self._metrics.horizontalAdvance(t.text) for t in panel.ticks("left")),
                         default=0.0)  # fmt: skip
            panel.left_label = self._label(panel, "left")
            if self._metrics.horizontalAdvance(panel.left_label) > view_height:
                panel.left_label = panel.left_label.replace(" (", "\n(")
            lines = self._height(panel.left_label, self._text, view_height)
            gutter = widest + lines + (TICK + 8) * u
            if panel.margin("top"):
                gutter = max(gutter, (OVERHANG - MARGIN) * u)
            gutters[place] = max(gutters[place], gutter)
        return gutters

    def _extent(self, panel: Panel, name: str) -> float:
        """Return the size of a margin; a low figure has no strips, but a colour bar."""
        margin = panel.margin(name)
        if margin is None:
            return 0.0
        return (margin.bare_extent if self._bare else margin.extent) * self.unit

    @staticmethod
    def _label(panel: Panel, name: str) -> str:
        axis = panel.axis(name)
        return unescape(str(axis.labelText)) if axis is not None else ""

    # Painting

    def paint(self, painter: QPainter) -> None:
        """Paint the figure on a device of logical resolution, possibly scaled."""
        painter.fillRect(QRectF(0, 0, self.width, self.height), QColor(self.theme.background))
        painter.setFont(self._text)
        for place, series, name in self._samples:
            self._paint_sample(painter, place, series, name)
        for panel in self.panels:
            self._paint_panel(painter, panel)

    def _paint_sample(
        self, painter: QPainter, place: QPointF, series: Series | None, name: str
    ) -> None:
        u = self.unit
        colour = QColor(self.theme.foreground)
        style, marker = Qt.PenStyle.SolidLine, "o"
        if series is not None:
            entry = series.entry
            colour = self.theme.colour(entry.colour)
            style, marker = LINE_STYLES[entry.line][1], MARKERS[entry.marker]
        y = place.y() + self._line / 2
        painter.setPen(firm(QPen(colour, 1.33 * u, style)))
        painter.drawLine(QPointF(place.x(), y), QPointF(place.x() + 30 * u, y))
        painter.setPen(QPen(colour, u))
        painter.setBrush(colour)
        painter.drawPath(symbol_path(marker, place.x() + 15 * u, y, 7 * u))
        painter.setPen(QColor(self.theme.foreground))
        width = self._metrics.horizontalAdvance(name) + 8 * u
        painter.drawText(
            QRectF(place.x() + 36 * u, place.y(), width, self._line),
            Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name,
        )  # fmt: skip

    def _paint_panel(self, painter: QPainter, panel: Panel) -> None:
        rect, indent = panel.rect, self._indent(panel)
        y = rect.top() - panel.head
        if panel.letter:
            painter.setFont(self._bold)
            painter.setPen(QColor(self.theme.foreground))
            ascent = QFontMetricsF(self._bold).ascent()
            painter.drawText(QPointF(panel.left, y + ascent), panel.letter)
        for text, font, colour in self._texts(panel):
            painter.setFont(font)
            painter.setPen(QColor(colour))
            metrics = QFontMetricsF(font)
            for line in wrapped(text, metrics, panel.cell - indent):
                painter.drawText(QPointF(panel.left + indent, y + metrics.ascent()), line)
                y += metrics.height()
        (x0, x1), (y0, y1) = panel.view.viewRange()
        view = ViewPainter(
            painter, rect, (x0, x1), (y0, y1), self._text, self.unit, self._dots, self._bytes,
            self.pdf_images,
        )  # fmt: skip
        view.paint(panel.item)
        painter.setFont(self._text)
        self._paint_margins(painter, panel)
        for name in ("bottom", "top", "left"):
            if panel.axis(name):
                self._paint_axis(painter, panel, name)

    def _paint_margins(self, painter: QPainter, panel: Panel) -> None:
        """Paint what stands above the view and to its right."""
        rect = panel.rect
        for name, span in zip(("top", "right"), panel.view.viewRange(), strict=True):
            margin, extent = panel.margin(name), self._extent(panel, name)
            if margin is not None and extent:
                box = QRectF(rect.left(), rect.top() - extent, rect.width(), extent)
                if name == "right":
                    box = QRectF(rect.right(), rect.top(), extent, rect.height())
                margin.draw(painter, box, (span[0], span[1]), self._text, self.unit)

    def _paint_axis(self, painter: QPainter, panel: Panel, name: str) -> None:
        u, rect = self.unit, panel.rect
        ink, muted = QPen(QColor(self.theme.muted), 0.8 * u), QColor(self.theme.muted)
        edge = {"bottom": rect.bottom(), "top": rect.top(), "left": rect.left()}[name]
        outward = 1 if name == "bottom" else -1
        upright = name == "left"
        painter.setPen(ink)
        if upright:
            painter.drawLine(QPointF(edge, rect.top()), QPointF(edge, rect.bottom()))
        else:
            painter.drawLine(QPointF(rect.left(), edge), QPointF(rect.right(), edge))
        ticks = panel.ticks(name)
        for tick in ticks:
            end = edge + outward * TICK * u * (1.0 if tick.major else 0.6)
            if upright:
                painter.drawLine(QPointF(edge, tick.at), QPointF(end, tick.at))
            else:
                painter.drawLine(QPointF(tick.at, edge), QPointF(tick.at, end))
        painter.setPen(muted)
        for box, text in self._tick_texts(ticks, name, edge, panel.left + panel.cell + 6 * u):
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
        self._paint_label(painter, panel, name, edge)

    def _tick_texts(
        self, ticks: list[Tick], name: str, edge: float, end: float
    ) -> list[tuple[QRectF, str]]:
        """Return the tick labels that fit side by side up to an end, coarser ticks first."""
        u = self.unit
        boxes: list[tuple[QRectF, str]] = []
        for major in (True, False):
            added = []
            for tick in (t for t in ticks if t.major == major and t.text):
                width = self._metrics.horizontalAdvance(tick.text) + 2 * u
                if name == "left":
                    box = QRectF(edge - (TICK + 3) * u - width, tick.at - self._line / 2,
                                 width, self._line)  # fmt: skip
                else:
                    top = edge + TICK * u if name == "bottom" else edge - TICK * u - self._line
                    x = min(tick.at - width / 2, end - width)
                    box = QRectF(x, top, width, self._line)
                added.append((box, tick.text))
            room = 0.0 if name == "left" else 5 * u
            clear = all(
                not box.adjusted(-room, 0, room, 0).intersects(other)
                for place, (box, _) in enumerate(added)
                for other, _ in [*boxes, *added[:place]]
            )
            if major:
                boxes = apart(added, room)
            elif clear and len(boxes) < 4:
                boxes += added
        return boxes

    def _paint_label(self, painter: QPainter, panel: Panel, name: str, edge: float) -> None:
        u, rect, text = self.unit, panel.rect, self._label(panel, name)
        middle = Qt.AlignmentFlag.AlignCenter
        if name == "left":
            text = panel.left_label
            painter.save()
            painter.translate(panel.left, rect.bottom())
            painter.rotate(-90)
            for row, line in enumerate(wrapped(text, self._metrics, rect.height())):
                box = QRectF(0, row * self._line, rect.height(), self._line)
                painter.drawText(box, middle, line)
            painter.restore()
            return
        beyond = TICK * u + self._line
        top = edge + beyond if name == "bottom" else edge - beyond - self._line
        # In the middle of the view, unless the label is longer.
        left, width = rect.left(), rect.width()
        if self._metrics.horizontalAdvance(text) > width:
            left, width = panel.left, panel.cell
            text = shortened(text, self._metrics, width)
        painter.drawText(QRectF(left, top, width, self._line), middle, text)
