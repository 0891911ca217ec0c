"""Numbers in the cells of a zoomed-in image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter

from quantoscope.engine import Evaluation
from quantoscope.engine.analysis.plane_image import PlaneImage, Quantity
from quantoscope.engine.analysis.planes import Plane, Region
from quantoscope.gui.common.localized_numbers import of_data, short
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.data import PlotData

CLIPPED = {1: "▼", -1: "▲", 0: ""}
FONT_POINTS = 8.5


def cell_texts(
    data: PlotData, plane: Plane, image: PlaneImage, evaluation: Evaluation | None, digits: int
) -> list[list[str]]:
    """Return the texts of an exact image's cells, row by row; clipped ones with a triangle."""
    positions = plane.positions(image.region)
    part = None if evaluation is None else evaluation.part(positions.ravel())
    sides = np.zeros(positions.size, int) if part is None else part.saturated
    if image.quantity is Quantity.CODE and part is not None and evaluation is not None:
        label = evaluation.qparams.format.label
        nan = np.isnan(part.values)
        texts = [
            "NaN" if missing else label(int(code))
            for code, missing in zip(part.codes, nan, strict=True)
        ]
    elif image.quantity is Quantity.REAL:
        texts = [
            of_data(value, data.summary, digits) for value in data.whole.flat[positions.ravel()]
        ]
    else:
        places = min(digits, 3 if image.quantity is not Quantity.SQNR else 2)
        values = image.values.ravel().tolist()
        texts = [short(value, places + (abs(value) >= 100)) for value in values]
    marked = [
        f"{CLIPPED[int(side)]} {text}".strip() for side, text in zip(sides, texts, strict=True)
    ]
    width = positions.shape[1]
    return [marked[at : at + width] for at in range(0, len(marked), width)]


class CellTexts(pg.GraphicsObject):
    """Texts in the middle of cells, of a size that does not depend on the zoom."""

    def __init__(self) -> None:
        super().__init__()
        self.region: Region = (0, 0, 0, 0)
        self.texts: list[list[str]] = []
        self.cell_size = 1.0, 1.0
        self._inks: list[list[QColor]] = []

    def say(
        self,
        region: Region,
        texts: list[list[str]],
        pixels: np.ndarray,
        theme: Theme,
    ) -> None:
        """Show the texts of a region, in ink that stands out from the pixels' colours."""
        if region != self.region:
            self.prepareGeometryChange()
        self.region, self.texts = region, texts
        light, dark = (QColor("#FFFFFF"), QColor("#15181C"))
        r, g, b, a = (pixels[..., channel].astype(float) for channel in range(4))
        bright = np.where(a > 0, 0.299 * r + 0.587 * g + 0.114 * b, 0.0 if theme.dark else 255.0)
        self._inks = [[dark if shade > 140 else light for shade in row] for row in bright.tolist()]
        self.update()

    def boundingRect(self) -> QRectF:
        r0, r1, c0, c1 = self.region
        return QRectF(c0 - 0.5, 0.5 - r1, c1 - c0, r1 - r0)

    def paint(self, p: QPainter, *_: Any) -> None:
        transform = p.transform()
        p.resetTransform()
        font = QFont()
        font.setPointSizeF(FONT_POINTS)
        p.setFont(font)
        self.write(p, lambda x, y: transform.map(QPointF(x, y)), *self.cell_size)

    def write(self, p: QPainter, place: Any, width: float, height: float) -> None:
        """Write the texts with a painter.

        Parameters
        ----------
        p : QPainter
        place : callable
            Returns the point of the painter for drawn coordinates x, y.
        width, height : float
            Size of a cell for the painter.
        """
        r0, _, c0, _ = self.region
        flags = Qt.AlignmentFlag.AlignCenter
        for row, (texts, inks) in enumerate(zip(self.texts, self._inks, strict=True)):
            for column, (text, ink) in enumerate(zip(texts, inks, strict=True)):
                middle = place(c0 + column, -(r0 + row))
                box = QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
                p.setPen(ink)
                p.drawText(box, flags, text)
