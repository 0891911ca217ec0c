"""What stands along an image: its colour bar, and strips of its rows and columns."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QColor

from quantoscope.engine.analysis.plane_image import Mark, PlaneImage, Quantity
from quantoscope.gui.common.localized_numbers import filled, short
from quantoscope.gui.common.theme import Theme
from quantoscope.gui.plots.colour_scale import INFINITE, LINEAR, LOG, NAN, SYMLOG, ColourScale
from quantoscope.gui.plots.data import PlotData
from quantoscope.gui.plots.image_figures import Lines
from quantoscope.gui.plots.image_scale import warm
from quantoscope.gui.plots.margins import Bar, Strip

OF_RANGE = (Quantity.REAL, Quantity.SCALED, Quantity.CODE)
"""Quantities beside which the strips show max|R|; beside the others they show the RMS error."""

NARROW = 7
"""Number of characters that the margin on the right has room for."""


def _tr(text: str) -> str:
    return QCoreApplication.translate("ImagePlot", text)


def strip_of(
    data: PlotData,
    quantity: Quantity,
    lines: Lines,
    edges: np.ndarray,
    in_rows: bool,
    chosen: tuple[int, int] | None,
    theme: Theme,
) -> Strip:
    """Return the figures of rows or columns along an edge.

    Parameters
    ----------
    data : PlotData
    quantity : Quantity
        What the image shows.
    lines : Lines
    edges : ndarray of int
        Edges of the image's pixels in rows or columns.
    in_rows : bool
    chosen : tuple of int or None
        Row and column of the chosen value.
    theme : Theme
    """
    figures = lines.figures.rows if in_rows else lines.figures.columns
    peak, rms = figures.pooled(edges)
    of_range = quantity in OF_RANGE or data.active is None
    every = figures.peak if of_range else figures.rms_error
    finite = every[np.isfinite(every)]
    top = float(finite.max()) if finite.size else 0.0
    colour = QColor(theme.washed(theme.foreground, 0.7))
    if not of_range and data.active is not None:
        colour = theme.washed(theme.colour(data.active.entry.colour), 0.6)
    out = lines.outliers
    found: tuple[int, ...] = ()
    if out is not None and out.cell is not None:
        found = (out.cell[0 if in_rows else 1],)
    elif out is not None and out.in_rows == in_rows:
        found = tuple(out.places.tolist())
    # Rows are drawn downwards.
    sign = -1 if in_rows else 1
    at = None if chosen is None else float(sign * chosen[0 if in_rows else 1])
    return Strip(
        edges=sign * (edges - 0.5),
        heights=peak if of_range else rms,
        top=top or 1.0,
        name="max |R|" if of_range else _tr("RMS error"),
        end=_narrow(top) if in_rows else short(top, 3),
        colour=colour,
        lines=tuple(sorted((float(sign * at), str(at)) for at in found)),
        chosen=at,
    )


def _narrow(value: float) -> str:
    """Return a figure in at most seven characters, for the margin on the right."""
    text = short(value, 3)
    if len(text) <= NARROW:
        return text
    mantissa, _, exponent = f"{value:.1e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def bar_of(image: PlaneImage, scale: ColourScale, theme: Theme) -> Bar:
    """Return the colour bar of an image."""
    marks, named = image.marks, []
    if (marks & Mark.NAN).any():
        named.append((NAN[theme.dark], "NaN"))
    if (marks & Mark.INFINITE).any():
        named.append((INFINITE[theme.dark], "∞"))
    if (marks & Mark.CLIPPED).any() and image.quantity is Quantity.ERROR:
        named.append((theme.alarm, _tr("clipped")))
    remarks = []
    if scale.kind == LINEAR and scale.beyond and np.isfinite(scale.most):
        remarks.append(filled(_tr("up to %1 beyond"), short(scale.most, 3)))
    if scale.kind == SYMLOG and scale.beyond:
        remarks.append(filled(_tr("linear up to %1"), short(scale.high, 3)))
    elif scale.kind == LOG:
        remarks.append(filled(_tr("from ±%1 on"), short(scale.least, 2)))
    if not image.exact:
        pooled = {Quantity.SQNR: _tr("of the pixel"), Quantity.ERROR: _tr("RMS of the pixel")}
        words = pooled.get(image.quantity, _tr("largest in the pixel"))
        remarks.append(f"· {words}" if remarks else words)
    low, high = scale.ends
    if image.quantity is Quantity.SQNR:
        low, high = round(low, 2), round(high, 2)
    unit = " dB" if image.quantity is Quantity.SQNR else ""
    colours = scale.bar(theme, warm(image.quantity))
    return Bar(colours, short(low, 3), short(high, 3) + unit, tuple(remarks), tuple(named))
