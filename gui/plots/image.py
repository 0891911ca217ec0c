"""Image: every value of the array at its place, in colours."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF
from PySide6.QtGui import QBrush, QColor

from quantoscope.engine.analysis.plane_image import Mark, PlaneImage, Quantity
from quantoscope.engine.analysis.planes import Region
from quantoscope.gui.common.localized_numbers import filled
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots import image_words
from quantoscope.gui.plots.colour_scale import (
    AUTO,
    INFINITE,
    LINEAR,
    LOG,
    NAN,
    SYMLOG,
    ColourScale,
)
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.image_cells import CellTexts, cell_texts
from quantoscope.gui.plots.image_figures import (
    Lines,
)
from quantoscope.gui.plots.image_margins import OF_RANGE, bar_of, strip_of
from quantoscope.gui.plots.image_places import (
    channel_of_line,
    largest_in_line,
    line_of_channel,
    pixel_at,
    spans_around,
)
from quantoscope.gui.plots.image_scale import pixels_of
from quantoscope.gui.plots.items import Pixels
from quantoscope.gui.plots.margins import MarginAxis, Strip
from quantoscope.gui.plots.options import Option
from quantoscope.gui.plots.plane_plot import Picture, PlanePlot
from quantoscope.gui.plots.view import CUT_DOWN, RAISED

FEW_MARKS, MOST_MARKS = 60, 500
"""Number of special pixels up to which each has a symbol, and up to which it has a small one."""
CELL_WIDTH, CELL_HEIGHT = 58.0, 17.0
"""Size in pixels from which cells show their numbers in full."""
NARROW = ((58.0, 4), (50.0, 3), (42.0, 2))
"""Widths in pixels down to which cells show their numbers, and significant digits in them."""
ROOM_ABOVE, ROOM_BESIDE = 200.0, 300.0
"""Size of a pane from which there is room for the margins."""
ROOM_FOR_TEXT = 8.0
"""Height of zero rows, in pixels, from which they are named."""
MARK = 5.0
"""Least distance of the chosen value's square from its middle, in pixels."""

QUANTITIES = (
    (Quantity.SCALED, "R/S"),
    (Quantity.REAL, "R"),
    (Quantity.CODE, "code"),
    (Quantity.ERROR, "error/S"),
    (Quantity.SQNR, "SQNR"),
    (Quantity.CLIPPED, "clipped"),
)
COLOURS = (
    (AUTO, "auto colours"),
    (LINEAR, "linear colours"),
    (SYMLOG, "log beyond 99.9 %"),
    (LOG, "log colours"),
)


def _options(first: Quantity) -> tuple[Option, ...]:
    ordered = sorted(QUANTITIES, key=lambda pair: pair[0] is not first)
    choices = tuple((quantity.value, title) for quantity, title in ordered)
    return Option("quantity", "Quantity", choices), Option("scale", "Colour scale", COLOURS)


class ImagePlot(PlanePlot):
    """A plane of the array as an image, with strips along its edges."""

    key = "image"
    draws_values = False
    draws_schemes = "active"
    height_share = 1.5
    options: ClassVar[tuple[Option, ...]] = _options(Quantity.SCALED)

    def __init__(self, item: pg.PlotItem, theme: Theme, ink: float = 1.0) -> None:
        self._coloured: dict[str, tuple[Any, ...]] = {}
        self._texts_of: tuple[Any, ...] = ()
        super().__init__(item, theme, ink)
        self._margins = {name: MarginAxis(name) for name in ("top", "right")}
        item.setAxisItems(dict(self._margins))
        for name, axis in self._margins.items():
            item.showAxis(name)
            axis.clicked.connect(self._on_column if name == "top" else self._on_row)
        self.restyle(theme)

    # What it says of itself

    def title(self) -> str:
        return self.tr("Image: every value at its place")

    def describe(self, data: PlotData) -> str:
        plane = self._plane(data)
        if not plane.size:
            return self.tr("No values.")
        lines = self._find(self._wanted_lines(data))
        if lines is None or self._shown is None:
            return self.tr("Computing the image…")
        return image_words.sentence(data, plane, self._shown.whole, lines)

    # Drawing

    def paint(self, data: PlotData, x0: float, x1: float) -> None:
        self._show_margins()
        plane = self._plane(data)
        if not plane.size:
            self._shown = None
            self._say_nothing()
            return
        picture = self._picture(data, plane)
        lines = self._find(self._wanted_lines(data))
        self._shown = picture or self._shown
        if self._shown is None:
            return
        shown = self._shown
        self._paint_pixels("whole", shown.whole, shown.whole_scale, 0)
        if shown.detail is not None:
            self._paint_pixels("detail", shown.detail, shown.scale, 1)
        self._paint_marks(shown)
        if lines is not None:
            self._paint_zeros(shown, lines)
        self._paint_cells(data, shown)
        self._paint_focus(data, shown)
        self._paint_chosen(data, shown)
        self._fill_margins(data, shown, lines)

    def _paint_pixels(self, name: str, image: PlaneImage, scale: ColourScale, z: float) -> None:
        known = self._coloured.get(name)
        key = (image, scale, self.theme)
        if known is None or known[0] is not image or known[:3] != key:
            pixels = pixels_of(image, scale, self.theme)
            # Row 0 is on top, and pyqtgraph's images begin below.
            known = self._coloured[name] = (*key, np.ascontiguousarray(pixels[::-1]))
        item = self._item(("image", name), Pixels, z)
        r0, r1, c0, c1 = image.region
        item.show_pixels(known[3], QRectF(c0 - 0.5, 0.5 - r1, c1 - c0, r1 - r0))

    def _paint_marks(self, shown: Picture) -> None:
        """Mark few special pixels with symbols too, for eyes that do not tell the colours."""
        image = shown.finest
        if not image.marks.any():
            return
        clipped, sign = image.marks & Mark.CLIPPED != 0, image.values
        if image.quantity is Quantity.ERROR:
            sign = -sign
        for name, some, symbol, colour in (
            ("nan", image.marks & Mark.NAN != 0, "x", NAN[self.theme.dark]),
            ("infinite", image.marks & Mark.INFINITE != 0, "+", INFINITE[self.theme.dark]),
            ("above", clipped & (sign >= 0), CUT_DOWN, self.theme.alarm),
            ("below", clipped & (sign < 0), RAISED, self.theme.alarm),
        ):
            count = np.count_nonzero(some)
            if not 0 < count <= MOST_MARKS:
                continue
            rows, columns = np.nonzero(some)
            y = -(image.row_edges[rows] + image.row_edges[rows + 1] - 1) / 2
            x = (image.column_edges[columns] + image.column_edges[columns + 1] - 1) / 2
            self.points(("mark", name), x, y, symbol, colour, 9 if count <= FEW_MARKS else 6, z=6)

    def _paint_zeros(self, shown: Picture, lines: Lines) -> None:
        """Name runs of rows that are all zero, which nothing else tells from the ground."""
        height = self.cell_size[1]
        (x0, x1), (y0, y1) = self.seen
        for first, last in lines.zero_rows:
            low, high = max(-last - 0.5, y0), min(0.5 - first, y1)
            if (last - first + 1) * height < ROOM_FOR_TEXT or high - low < ROOM_FOR_TEXT / height:
                continue
            text = self.tr("All values are 0.")
            if last - first + 1 < shown.plane.rows:
                text = filled(self.tr("rows %1…%2 are zero"), first, last)
            at = (x0 + x1) / 2, (low + high) / 2
            self.text(("zero", first), *at, text, self.theme.muted, (0.5, 0.5))

    def _shows_numbers(self, shown: Picture) -> bool:
        width, height = self.cell_size
        return width >= NARROW[-1][0] and height >= CELL_HEIGHT and shown.finest.exact

    def _paint_cells(self, data: PlotData, shown: Picture) -> None:
        if not self._shows_numbers(shown):
            return
        image = shown.finest
        name = "whole" if shown.detail is None else "detail"
        pixels = self._coloured[name][3][::-1]
        item = self._item(("cells", ""), CellTexts, 4)
        # A view that is moved within the same cells writes the same texts.
        width = self.cell_size[0]
        digits = min(data.digits, next(digits for least, digits in NARROW if width >= least))
        key = image, digits, self.theme, self._evaluation(data)
        if self._texts_of != key or not item.texts:
            self._texts_of = key
            texts = cell_texts(data, shown.plane, image, self._evaluation(data), digits)
            item.say(image.region, texts, pixels, self.theme)
        item.cell_size = self.cell_size

    def _paint_chosen(self, data: PlotData, shown: Picture) -> None:
        """Draw lines through the chosen value, and a square around it."""
        cell = None if data.chosen is None else shown.plane.cell(data.flat(data.chosen))
        if cell is None:
            return
        row, column = cell
        ink = QColor(self.theme.highlight)
        if not self._shows_numbers(shown):
            self.rule("column", column, self.pen(ink), z=8)
            self.rule("row", -row, self.pen(ink), vertical=False, z=8)
        px, py = self.pixel()
        width, height = max(0.5, MARK * px), max(0.5, MARK * py)
        x = column + width * np.array([-1, 1, 1, -1, -1])
        y = -row + height * np.array([-1, -1, 1, 1, -1])
        if max(width, height) > 0.5:
            box = column - width, column + width, -row - height, -row + height
            self.area("chosen", box, QBrush(QColor(self.theme.background)), z=9)
        self.line("chosen ground", x, y, self.pen(self.theme.background, 4), z=9)
        self.line("chosen", x, y, self.pen(ink, 2), z=10)

    def _paint_focus(self, data: PlotData, shown: Picture) -> None:
        """Frame the channel in focus, if it is a row or a column."""
        if data.focus is None:
            return
        line = line_of_channel(shown.plane, data.focus)
        if line is None:
            return
        in_rows, at = line
        for name, edge in (("before", at - 0.5), ("after", at + 0.5)):
            self.rule(
                ("focus", name), -edge if in_rows else edge,
                self.pen(self.theme.foreground), vertical=not in_rows, z=7,
            )  # fmt: skip

    # Margins

    def _show_margins(self) -> None:
        """Leave margins out of small panes."""
        size = self.item.size()
        small = size.width() > 0 and self.item.scene() is not None and self.item.scene().views()
        for name, room, least in (
            ("top", size.height(), ROOM_ABOVE), ("right", size.width(), ROOM_BESIDE),
        ):  # fmt: skip
            visible = not small or room >= least
            if self._margins[name].isVisible() != visible:
                self.item.showAxis(name, visible)

    def _say_nothing(self) -> None:
        for axis in self._margins.values():
            axis.say(None, None, *self._inks(), self.theme.background)

    def _inks(self) -> tuple[QColor, QColor, QColor]:
        return (
            QColor(self.theme.foreground), QColor(self.theme.muted), QColor(self.theme.alarm),
        )  # fmt: skip

    def _fill_margins(self, data: PlotData, shown: Picture, lines: Lines | None) -> None:
        image = shown.finest
        strips: list[Strip | None] = [None, None]
        if lines is not None:
            chosen = None if data.chosen is None else shown.plane.cell(data.flat(data.chosen))
            plane = shown.plane
            strips = [
                strip_of(data, shown.quantity, lines, edges, in_rows, chosen, self.theme)
                if count > 1
                else None
                for edges, in_rows, count in (
                    (image.column_edges, False, plane.columns),
                    (image.row_edges, True, plane.rows),
                )
            ]
        for axis, strip, bar in zip(
            self._margins.values(),
            strips,
            (bar_of(shown.finest, shown.scale, self.theme), None),
            strict=True,
        ):
            axis.say(bar, strip, *self._inks(), self.theme.background)

    def restyle(self, theme: Theme) -> None:
        self._coloured.clear()
        super().restyle(theme)

    # Reading and choosing

    def _pixel_at(self, data: PlotData, x: float, y: float) -> tuple[Region, int] | None:
        """Return the cells of the pixel at a point, and the one that stands for it."""
        cell = self._cell_at(data, x, y)
        if cell is None or self._shown is None or self._shown.plane != self._plane(data):
            return None
        of_range = self._shown.quantity in OF_RANGE
        return pixel_at(
            data.whole,
            self._evaluation(data),
            self._shown.plane,
            self._shown.finest,
            cell,
            of_range,
        )

    def pick(self, data: PlotData, x: float, y: float) -> int | None:
        """Return the flat position of the value that stands for the pixel at a point."""
        found = self._pixel_at(data, x, y)
        return None if found is None else found[1]

    def readout(self, data: PlotData, x: float, y: float) -> str:
        found = self._pixel_at(data, x, y)
        if found is None or self._shown is None:
            return ""
        return image_words.readout(data, self._shown.plane, self._shown.finest, *found)

    def cell_box(self, data: PlotData, position: int) -> QRectF | None:
        cell = self._plane(data).cell(position)
        if cell is None or self._shown is None or not self._shows_numbers(self._shown):
            return None
        return QRectF(cell[1] - 0.5, -cell[0] - 0.5, 1.0, 1.0)

    def approach(self, data: PlotData, position: int) -> bool:
        cell = self._plane(data).cell(position)
        if cell is None:
            return False
        view = self.item.getViewBox()
        room = view.width() / (1.3 * CELL_WIDTH), view.height() / (1.3 * CELL_HEIGHT)
        x, y = spans_around(self._plane(data), cell, room)
        self.look_at(x, y)
        return True

    def _on_column(self, at: float) -> None:
        self._pick_line(False, round(at))

    def _on_row(self, at: float) -> None:
        self._pick_line(True, round(-at))

    def _pick_line(self, in_rows: bool, at: int) -> None:
        """Choose a row or column: its channel if it is one, else its largest value."""
        data = self.data
        if data is None or self._shown is None:
            return
        plane = self._shown.plane
        if not 0 <= at < (plane.rows if in_rows else plane.columns):
            return
        image, lines = self._shown.finest, self._find(self._wanted_lines(data))
        if lines is not None:
            edges = image.row_edges if in_rows else image.column_edges
            of_range = self._shown.quantity in OF_RANGE
            at = lines.standing_for(in_rows, edges, at, of_range)
        channel = channel_of_line(plane, data.partition, in_rows, at)
        if channel is not None:
            self.channel_picked.emit(channel)
            return
        self.picked.emit(largest_in_line(data.whole, plane, in_rows, at))


class ImageBesidePlot(ImagePlot):
    """The same plane once more, of another quantity."""

    key = "image-beside"
    name = "Image beside"
    beside = "image"
    options = _options(Quantity.SQNR)

    def title(self) -> str:
        return self.tr("Image beside: another quantity")
